/* Formulas: the counts of a graph with symbols, put at any sizes, are the counts of the
 * same graph built at those sizes. */
#include "analysis/count_support.h"

#include "analysis/price.h"
#include "derive/derive.h"

typedef tdag_value (*build_fn)(tdag_builder *b, tdag_dim n, tdag_dim s);

static tdag_value linear_relu(tdag_builder *b, tdag_dim n, tdag_dim s)
{
    tdag_value x = F32_INPUT(b, "x", n, s, 8);
    tdag_value y = tdagi_linear(b, x, F32_INPUT(b, "w", 6, 8), F32_INPUT(b, "c", 6));
    return tdagi_unary_composite(b, TDAGI_RELU, y);
}

static tdag_value attention(tdag_builder *b, tdag_dim n, tdag_dim s)
{
    tdag_value q = F32_INPUT(b, "q", n, s, 4), k = F32_INPUT(b, "k", n, s, 4);
    tdag_value scores = tdagi_matmul(b, q, tdagi_transpose(b, k, 1, 2));
    return tdagi_matmul(b, tdagi_softmax(b, scores, 2), F32_INPUT(b, "v", n, s, 4));
}

static tdag_value conv(tdag_builder *b, tdag_dim n, tdag_dim s)
{
    const tdagi_conv_spec spec = {TDAG_LIST(2, 1), TDAG_LIST(1, 1), TDAG_LIST(1, 1),
                                  TDAG_LIST(1, 1), 1};
    const tdag_value in[] = {F32_INPUT(b, "x", n, 3, s, 5),
                             F32_INPUT(b, "w", 4, 3, 3, 3)};
    return tdagi_lower(b, TDAGI_CONV, in, 2, &spec);
}

static tdag_value reductions(tdag_builder *b, tdag_dim n, tdag_dim s)
{
    tdag_value x = F32_INPUT(b, "x", n, s);
    tdag_value m =
        tdag_reduce(b, tdag_unary(b, TDAG_OP_EXP, x), TDAG_REDUCE_MAX, TDAG_LIST(1));
    return tdag_reduce(b, tdag_binary(b, TDAG_OP_ADD, x, m), TDAG_REDUCE_MEAN,
                       TDAG_LIST(0));
}

static tdag_value sorted(tdag_builder *b, tdag_dim n, tdag_dim s)
{
    return tdag_argsort(b, F32_INPUT(b, "x", n, s), 1, false);
}

/* Which of the steps is the largest depends on n and s: tables of n*n, s*s and 9. */
static tdag_value steps(tdag_builder *b, tdag_dim n, tdag_dim s)
{
    tdag_value sums[3];
    const tdag_dim size[3] = {n, s, 3};
    for (int i = 0; i < 3; i++) {
        char name[] = {(char)('x' + i), '\0'};
        tdag_value x = F32_INPUT(b, name, size[i], 1);
        tdag_value y =
            tdag_binary(b, TDAG_OP_ADD, x, tdag_permute(b, x, TDAG_LIST(1, 0)));
        y = tdag_reduce(b, tdag_unary(b, TDAG_OP_EXP, y), TDAG_REDUCE_SUM,
                        TDAG_LIST(0, 1));
        sums[i] = i == 0 ? y : tdag_binary(b, TDAG_OP_ADD, sums[i - 1], y);
    }
    return sums[2];
}

static const struct {
    const char *name;
    build_fn build;
} cases[] = {
    {"linear and relu", linear_relu}, {"attention", attention}, {"conv", conv},
    {"reductions", reductions},       {"argsort", sorted},      {"steps", steps},
};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static const int64_t sizes[][2] = {{1, 4}, {2, 7}, {3, 16}, {5, 33}};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static tdag_graph *make(tdag_ctx *ctx, size_t i, const int64_t *size, bool symbolic)
{
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_dim n = symbolic ? tdag_builder_symbol(b, "N", size[0]) : size[0];
    tdag_dim s = symbolic ? tdag_builder_symbol(b, "S", size[1]) : size[1];
    return finish(ctx, b, cases[i].build(b, n, s));
}

static void check_samples(tdag_ctx *ctx, size_t i, tdag_level level)
{
    for (size_t k = 0; k < N_SIZES; k++) {
        tdag_graph *with = make(ctx, i, sizes[k], true);
        tdag_graph *without = make(ctx, i, sizes[k], false);
        tdag_counts got, want;
        TEST_OK(ctx, tdag_count(ctx, with, level, &got));
        TEST_OK(ctx, tdag_count(ctx, without, level, &want));
        check_counts(cases[i].name, &got, &want);
        tdag_graph_free(with);
        tdag_graph_free(without);
    }
}

static void check_peak(tdag_ctx *ctx, const tdagi_pricer *p, tdag_dim peak,
                       const tdag_graph *concrete, const int64_t *size)
{
    int64_t got = -1, want = -2;
    tdag_model *model = NULL;
    TEST_OK(ctx, tdag_model_create(ctx, concrete, &model));
    TEST_OK(ctx, tdag_peak_bytes(ctx, model, &want));
    assert_true(tdagi_dim_eval(p->pool, peak, size, &got));
    assert_int_equal(got, want);
    tdag_model_free(model);
}

/* The formulas of one sample, at all sizes. */
static void check_formulas(tdag_ctx *ctx, size_t i, tdag_level level)
{
    tdag_graph *g = make(ctx, i, sizes[1], true);
    tdagi_pricer *p = NULL;
    tdagi_sum sum;
    tdag_dim counts[TDAGI_N_COUNTS];
    TEST_OK(ctx, tdagi_pricer_create(ctx, g, level, &p));
    TEST_OK(ctx, tdagi_sum_level(p, level, &sum));
    TEST_OK(ctx, tdagi_sum_finish(p, &sum, counts));
    tdag_dim peak = 0;
    if (level != TDAG_LEVEL_CORE) TEST_OK(ctx, tdagi_peak_of(p, &peak));
    for (size_t k = 0; k < N_SIZES; k++) {
        tdag_graph *concrete = make(ctx, i, sizes[k], false);
        if (level != TDAG_LEVEL_CORE) check_peak(ctx, p, peak, concrete, sizes[k]);
        tdag_counts want, got = {.nodes = sum.nodes};
        TEST_OK(ctx, tdag_count(ctx, concrete, level, &want));
        int64_t *const fields[TDAGI_N_COUNTS] = {&got.flops,        &got.macs,
                                                 &got.memory_reads, &got.memory_writes,
                                                 &got.read_bytes,   &got.write_bytes};
        for (int c = 0; c < TDAGI_N_COUNTS; c++)
            assert_true(tdagi_dim_eval(p->pool, counts[c], sizes[k], fields[c]));
        check_counts(cases[i].name, &got, &want);
        tdag_graph_free(concrete);
    }
    tdagi_pricer_free(p);
    tdag_graph_free(g);
}

static void test_levels(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int level = TDAG_LEVEL_CORE; level <= TDAG_LEVEL_FUSED; level++)
        for (size_t i = 0; i < N_CASES; i++) {
            check_samples(ctx, i, (tdag_level)level);
            check_formulas(ctx, i, (tdag_level)level);
        }
    tdag_ctx_free(ctx);
}

/* N samples of x[N, 8] @ w + relu: 2*8*6 + 6 + 2*6 FLOPs each. */
static void test_text(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x = F32_INPUT(b, "x", tdag_builder_symbol(b, "N", 3), 8);
    tdag_value y = tdagi_linear(b, x, F32_INPUT(b, "w", 6, 8), F32_INPUT(b, "c", 6));
    tdag_graph *g = finish(ctx, b, tdagi_unary_composite(b, TDAGI_RELU, y));
    tdag_model *model = NULL;
    char *json = NULL;
    TEST_OK(ctx, tdag_model_create(ctx, g, &model));
    TEST_OK(ctx, tdag_info_json(ctx, model, NULL, &json));
    assert_non_null(
        strstr(json, "\"flops\": {\"formula\": \"114*N\", \"at_sample\": 342}"));
    assert_non_null(
        strstr(json, "\"macs\": {\"formula\": \"48*N\", \"at_sample\": 144}"));
    assert_non_null(strstr(json, "\"shape\": [\"N\", 8]"));
    /* x 32 bytes a sample, linear 24, relu 24; w 192 and c 24 */
    assert_non_null(strstr(
        json, "\"peak_bytes\": {\"formula\": \"80*N+216\", \"at_sample\": 456}"));
    tdag_text_free(ctx, json);
    tdag_model_free(model);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
