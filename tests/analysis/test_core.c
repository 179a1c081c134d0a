/* The core level: every rule of the counters' contract on a graph of one op, the
 * numbers by hand. */
#include "analysis/count_support.h"

typedef tdag_value (*build_fn)(tdag_builder *b);

static tdag_value x34(tdag_builder *b) { return F32_INPUT(b, "x", 3, 4); }
static tdag_value index3(tdag_builder *b)
{
    return tdag_add_input(b, "i", TDAG_I64, SHAPE(3));
}

static tdag_value b_exp(tdag_builder *b) { return tdag_unary(b, TDAG_OP_EXP, x34(b)); }
static tdag_value b_neg(tdag_builder *b) { return tdag_unary(b, TDAG_OP_NEG, x34(b)); }
static tdag_value b_sign(tdag_builder *b)
{
    return tdag_unary(b, TDAG_OP_SIGN, x34(b));
}
static tdag_value b_convert(tdag_builder *b)
{
    return tdag_convert(b, x34(b), TDAG_F16);
}
static tdag_value b_add(tdag_builder *b)
{
    return tdag_binary(b, TDAG_OP_ADD, x34(b), F32_INPUT(b, "y", 4));
}
static tdag_value b_square(tdag_builder *b)
{
    tdag_value x = x34(b);
    return tdag_binary(b, TDAG_OP_MULTIPLY, x, x);
}
static tdag_value b_less(tdag_builder *b)
{
    return tdag_binary(b, TDAG_OP_LESS, x34(b), F32_INPUT(b, "y", 3, 1));
}
static tdag_value b_equal(tdag_builder *b)
{
    return tdag_binary(b, TDAG_OP_EQUAL, x34(b), F32_INPUT(b, "y", 3, 4));
}
static tdag_value b_where(tdag_builder *b)
{
    tdag_value c = tdag_add_input(b, "c", TDAG_BOOL, SHAPE(3, 1));
    return tdag_where(b, c, x34(b), tdag_add_input(b, "y", TDAG_F32, 0, NULL));
}
static tdag_value b_sum(tdag_builder *b)
{
    return tdag_reduce(b, x34(b), TDAG_REDUCE_SUM, TDAG_LIST(1));
}
static tdag_value b_max(tdag_builder *b)
{
    return tdag_reduce(b, x34(b), TDAG_REDUCE_MAX, TDAG_LIST(0, 1));
}
static tdag_value b_mean(tdag_builder *b)
{
    return tdag_reduce(b, x34(b), TDAG_REDUCE_MEAN, TDAG_LIST(1));
}
static tdag_value b_scan(tdag_builder *b)
{
    return tdag_scan(b, x34(b), TDAG_REDUCE_SUM, 1);
}
static tdag_value b_argsort(tdag_builder *b)
{
    return tdag_argsort(b, F32_INPUT(b, "x", 3, 5), 1, false);
}
static tdag_value b_fold(tdag_builder *b)
{
    return tdag_fold(b, F32_INPUT(b, "x", 6), TDAG_LIST(2), TDAG_LIST(1));
}
static tdag_value b_fold_gaps(tdag_builder *b)
{
    return tdag_fold(b, F32_INPUT(b, "x", 4), TDAG_LIST(2), TDAG_LIST(3));
}
static tdag_value b_unfold(tdag_builder *b)
{
    return tdag_unfold(b, F32_INPUT(b, "x", 5), TDAG_LIST(3), TDAG_LIST(1));
}
static tdag_value b_stride(tdag_builder *b)
{
    return tdag_unfold(b, F32_INPUT(b, "x", 7), TDAG_LIST(1), TDAG_LIST(2));
}
static tdag_value b_permute(tdag_builder *b)
{
    return tdag_permute(b, x34(b), TDAG_LIST(1, 0));
}
static tdag_value b_slice(tdag_builder *b)
{
    return tdag_slice(b, x34(b), TDAG_LIST(1, 0), TDAG_LIST(3, 2));
}
static tdag_value b_select(tdag_builder *b) { return tdag_select(b, x34(b), 0, 1); }
static tdag_value b_repeat(tdag_builder *b)
{
    return tdag_repeat(b, F32_INPUT(b, "x", 1, 4), TDAG_LIST(3, 1));
}
static tdag_value b_pad(tdag_builder *b)
{
    return tdag_pad(b, F32_INPUT(b, "x", 4), TDAG_LIST(1), TDAG_LIST(1),
                    TDAG_PAD_CONSTANT, 0);
}
static tdag_value b_gather(tdag_builder *b)
{
    return tdag_gather(b, F32_INPUT(b, "x", 5, 4), index3(b), 0);
}
static tdag_value scatter(tdag_builder *b, tdag_scatter_mode mode)
{
    tdag_value data = F32_INPUT(b, "x", 5, 4), update = F32_INPUT(b, "u", 3, 4);
    return tdag_scatter(b, data, index3(b), update, 0, mode);
}
static tdag_value b_scatter_set(tdag_builder *b)
{
    return scatter(b, TDAG_SCATTER_SET);
}
static tdag_value b_scatter_add(tdag_builder *b)
{
    return scatter(b, TDAG_SCATTER_ADD);
}
static tdag_value b_iota(tdag_builder *b) { return tdag_iota(b, 7, TDAG_I64); }
static tdag_value b_input(tdag_builder *b) { return x34(b); }
static tdag_value b_empty(tdag_builder *b)
{
    return tdag_reduce(b, F32_INPUT(b, "x", 2, 0), TDAG_REDUCE_SUM, TDAG_LIST(1));
}
static tdag_value b_dead(tdag_builder *b)
{
    tdag_value x = x34(b);
    (void)tdag_unary(b, TDAG_OP_EXP, x); /* no output needs it */
    return tdag_unary(b, TDAG_OP_NEG, x);
}
/* a + b*c: multiply 12, add 12 */
static tdag_value b_two(tdag_builder *b)
{
    tdag_value x = x34(b);
    tdag_value y = tdag_binary(b, TDAG_OP_MULTIPLY, x, F32_INPUT(b, "y", 4));
    return tdag_binary(b, TDAG_OP_ADD, y, x);
}

/*  nodes, flops, macs, reads, writes, bytes read, bytes written, unpriced */
static const struct {
    const char *name;
    build_fn build;
    tdag_counts want;
} cases[] = {
    {"exp", b_exp, {1, 12, 0, 12, 12, 48, 48, 0}},
    {"neg counts", b_neg, {1, 12, 0, 12, 12, 48, 48, 0}},
    {"sign counts", b_sign, {1, 12, 0, 12, 12, 48, 48, 0}},
    {"convert is free of flops", b_convert, {1, 0, 0, 12, 12, 48, 24, 0}},
    {"add, broadcast operand once", b_add, {1, 12, 0, 16, 12, 64, 48, 0}},
    {"x*x has two operands", b_square, {1, 12, 0, 24, 12, 96, 48, 0}},
    {"less writes bools", b_less, {1, 12, 0, 15, 12, 60, 12, 0}},
    {"equal", b_equal, {1, 12, 0, 24, 12, 96, 12, 0}},
    /* 3 bools, 12 + 1 floats */
    {"where", b_where, {1, 12, 0, 16, 12, 55, 48, 0}},
    {"sum: in - out", b_sum, {1, 9, 0, 12, 3, 48, 12, 0}},
    {"max: in - out", b_max, {1, 11, 0, 12, 1, 48, 4, 0}},
    {"mean: in", b_mean, {1, 12, 0, 12, 3, 48, 12, 0}},
    {"scan: elements - lanes", b_scan, {1, 9, 0, 12, 12, 48, 48, 0}},
    /* ceil(log2 5) = 3; 3 lanes of 5*3 */
    {"argsort", b_argsort, {1, 45, 0, 15, 15, 60, 120, 0}},
    /* 3 windows of 2 every 1: 4 elements; 6 - 4 */
    {"fold", b_fold, {1, 2, 0, 6, 4, 24, 16, 0}},
    /* 2 windows of 2 every 3: 5 elements; never below 0 */
    {"fold with gaps", b_fold_gaps, {1, 0, 0, 4, 5, 16, 20, 0}},
    /* 3 windows of 3 over 5 elements */
    {"unfold", b_unfold, {1, 0, 0, 5, 9, 20, 36, 0}},
    /* reads 4 of 7 */
    {"stride", b_stride, {1, 0, 0, 4, 4, 16, 16, 0}},
    {"permute", b_permute, {1, 0, 0, 12, 12, 48, 48, 0}},
    {"slice reads what it returns", b_slice, {1, 0, 0, 4, 4, 16, 16, 0}},
    {"select reads what it returns", b_select, {1, 0, 0, 4, 4, 16, 16, 0}},
    {"repeat", b_repeat, {1, 0, 0, 4, 12, 16, 48, 0}},
    {"pad", b_pad, {1, 0, 0, 4, 6, 16, 24, 0}},
    /* 12 elements and 3 indices of 8 bytes */
    {"gather", b_gather, {1, 0, 0, 15, 12, 72, 48, 0}},
    /* 20 + 12 elements and 3 indices */
    {"scatter set", b_scatter_set, {1, 0, 0, 35, 20, 152, 80, 0}},
    {"scatter add: update", b_scatter_add, {1, 12, 0, 35, 20, 152, 80, 0}},
    {"iota is a leaf", b_iota, {0, 0, 0, 0, 0, 0, 0, 0}},
    {"input is a leaf", b_input, {0, 0, 0, 0, 0, 0, 0, 0}},
    {"sum of nothing", b_empty, {1, 0, 0, 0, 2, 0, 8, 0}},
    {"dead nodes count nothing", b_dead, {1, 12, 0, 12, 12, 48, 48, 0}},
    /* reads (12+4) + (12+12) */
    {"two ops", b_two, {2, 24, 0, 40, 24, 160, 96, 0}},
};

static void test_rules(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        tdag_graph *g = finish(ctx, b, cases[i].build(b));
        tdag_counts got;
        TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_CORE, &got));
        check_counts(cases[i].name, &got, &cases[i].want);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

static void test_opaque(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    const int64_t dims[] = {5};
    tdag_opaque_spec spec = {"a::b", "", 0, TDAG_F32, {1, dims}};
    tdag_value in[4];
    for (int i = 0; i < 4; i++)
        in[i] = x34(b);
    tdag_value y = tdag_add_node(b, TDAG_OP_OPAQUE, &spec, sizeof(spec), in, 4);
    tdag_graph *g = finish(ctx, b, tdag_unary(b, TDAG_OP_EXP, y));
    const tdag_counts want = {1, 5, 0, 5, 5, 20, 20, 1};
    for (int level = TDAG_LEVEL_CORE; level <= TDAG_LEVEL_FUSED; level++) {
        tdag_counts got;
        TEST_OK(ctx, tdag_count(ctx, g, (tdag_level)level, &got));
        check_counts("opaque", &got, &want);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* n exps of [2^31, 2^30] f32: each reads 2^61 elements, 2^63 bytes. */
static void test_overflow(void **state)
{
    (void)state;
    const int64_t big = INT64_C(1) << 30;
    const tdag_dtype dtypes[] = {TDAG_U8, TDAG_F32};
    for (int k = 0; k < 2; k++) {
        tdag_ctx *ctx = test_ctx();
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        tdag_value y = tdag_add_input(b, "x", dtypes[k], SHAPE(2 * big, big));
        for (int i = 0; i < (k == 0 ? 5 : 1); i++) /* 4 * 2^61 elements is too much */
            y = tdag_unary(b, TDAG_OP_NEG, y);
        tdag_builder_add_output(b, y);
        tdag_graph *g = NULL;
        tdag_status st = tdag_builder_finish(b, &g);
        tdag_counts got = {.nodes = -1};
        if (st == TDAG_OK) st = tdag_count(ctx, g, TDAG_LEVEL_CORE, &got);
        assert_int_equal(st, TDAG_E_OVERFLOW);
        assert_int_equal(got.nodes, -1);
        assert_true(strlen(tdag_ctx_get_error(ctx)->message) > 0);
        tdag_builder_free(b);
        tdag_graph_free(g);
        tdag_ctx_free(ctx);
    }
}

static void test_bad_level(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_graph *g = finish(ctx, b, b_exp(b));
    tdag_counts got;
    assert_int_equal(tdag_count(ctx, g, (tdag_level)0, &got), TDAG_E_ARG);
    assert_int_equal(tdag_count(ctx, g, (tdag_level)4, &got), TDAG_E_ARG);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_opaque),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_bad_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
