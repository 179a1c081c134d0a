/* Programs run: every kind of statement, by both engines; state, seeds, checks, sizes
 * that only a run can tell, memory that is short. */
#include "../program/programs.h"

#include <time.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "run/program/apply.h"
#include "run/program/draw.h"

enum { N_OUTPUTS = 5 };

static tdag_status make_inputs(tdag_ctx *ctx, int64_t rows, int64_t n,
                               tdag_tensor *in[2])
{
    const int64_t shape[] = {rows, 4};
    TDAGI_TRY(tdag_tensor_create(ctx, TDAG_F32, 2, shape, &in[0]));
    for (int64_t i = 0; i < in[0]->count; i++)
        tdagi_tensor_set_f64(in[0], i, (double)(i % 3) - 1);
    tdag_status st = tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &in[1]);
    if (st != TDAG_OK) {
        tdag_tensor_free(in[0]);
        return st;
    }
    tdagi_tensor_set_i64(in[1], 0, n);
    return TDAG_OK;
}

static void free_all(tdag_tensor **t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        tdag_tensor_free(t[i]);
        t[i] = NULL;
    }
}

static tdag_status run(tdag_ctx *ctx, const tdag_model *m, int64_t rows, int64_t n,
                       const tdag_run_options *o, tdag_tensor *out[N_OUTPUTS])
{
    tdag_tensor *in[2] = {NULL, NULL};
    TDAGI_TRY(make_inputs(ctx, rows, n, in));
    tdag_status st = tdag_run(ctx, m, in, 2, o, out);
    free_all(in, 2);
    return st;
}

static tdag_model *everything(tdag_ctx *ctx)
{
    tdag_model *m = NULL;
    TEST_OK(ctx, make_everything(ctx, &m));
    return m;
}

/* x is -1 0 1 -1 0 1 ...; the loop runs once and adds a row of zeros. */
static void check_outputs(tdag_tensor *const *out, int64_t rows, int64_t n)
{
    assert_int_equal(out[0]->shape[0], rows + 1);
    assert_int_equal(out[1]->shape[0], rows);
    assert_int_equal(out[2]->shape[1], 8);
    int64_t row = 0;
    for (int64_t i = 0; i < rows * 4; i++) {
        double x = (double)(i % 3) - 1;
        assert_true(tdagi_tensor_get_f64(out[0], i) == x);
        assert_true(tdagi_tensor_get_f64(out[1], i) == -x);
        if (x <= 0) continue;
        assert_int_equal(tdagi_tensor_get_i64(out[3], 2 * row), i / 4);
        assert_int_equal(tdagi_tensor_get_i64(out[3], 2 * row + 1), i % 4);
        row++;
    }
    assert_int_equal(out[3]->shape[0], row);
    for (int64_t i = rows * 4; i < out[0]->count; i++)
        assert_true(tdagi_tensor_get_f64(out[0], i) == 0);
    assert_int_equal(out[4]->count, n);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(tdagi_tensor_get_i64(out[4], i), i);
}

static void test_both_engines(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = everything(ctx);
    for (int engine = 0; engine < 2; engine++)
        for (int64_t rows = 0; rows < 4; rows++)
            for (int64_t n = 1; n < 4; n++) {
                tdag_run_options o;
                tdag_run_options_init(&o);
                o.engine = engine == 0 ? TDAG_ENGINE_NATIVE : TDAG_ENGINE_REFERENCE;
                tdag_tensor *out[N_OUTPUTS] = {NULL};
                TEST_OK(ctx, run(ctx, m, rows, n, &o, out));
                check_outputs(out, rows, n);
                free_all(out, N_OUTPUTS);
            }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* The cache grows by a row with each call that succeeds, and by none with one that
 * does not. */
static void test_state(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = everything(ctx);
    tdag_run_options o;
    tdag_run_options_init(&o);
    TEST_OK(ctx, tdag_state_create(ctx, m, &o.state));
    tdag_tensor *out[N_OUTPUTS] = {NULL};
    static const struct {
        int64_t n, rows_after;
    } calls[] = {{1, 4}, {2, 5}, {0, 5}, {3, 6}};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        tdag_status st = run(ctx, m, 2, calls[i].n, &o, out);
        assert_int_equal(st, calls[i].n > 0 ? TDAG_OK : TDAG_E_CHECK);
        assert_int_equal(tdag_state_get(o.state, 0)->shape[0], calls[i].rows_after);
        free_all(out, N_OUTPUTS);
    }
    assert_string_equal(tdag_state_get_name(o.state, 0), "cache");
    assert_null(tdag_state_get(o.state, 1));
    const int64_t shape[] = {1, 4}, other[] = {1, 5};
    tdag_tensor *row = NULL, *wrong = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, shape, &row));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, other, &wrong));
    TEST_OK(ctx, tdag_state_set(ctx, o.state, "cache", row));
    assert_int_equal(tdag_state_set(ctx, o.state, "cache", wrong), TDAG_E_SHAPE);
    assert_int_equal(tdag_state_set(ctx, o.state, "none", row), TDAG_E_ARG);
    tdag_tensor_free(row);
    tdag_tensor_free(wrong);
    tdag_state_free(o.state);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_seeds(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = everything(ctx);
    tdag_tensor *out[3][N_OUTPUTS] = {{NULL}};
    for (uint32_t i = 0; i < 3; i++) {
        tdag_run_options o;
        tdag_run_options_init(&o);
        o.seed = i / 2;
        TEST_OK(ctx, run(ctx, m, 2, 1, &o, out[i]));
    }
    assert_true(tdagi_tensor_equal(out[0][2], out[1][2]));
    assert_false(tdagi_tensor_equal(out[0][2], out[2][2]));
    for (uint32_t i = 0; i < 3; i++)
        free_all(out[i], N_OUTPUTS);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_refusals(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = everything(ctx);
    tdag_tensor *in[2] = {NULL, NULL}, *out[N_OUTPUTS] = {NULL};
    tdag_run_options o;
    tdag_run_options_init(&o);
    TEST_OK(ctx, make_inputs(ctx, 2, 0, in));
    assert_int_equal(tdag_run(ctx, m, in, 2, &o, out), TDAG_E_CHECK);
    const tdag_error *e = tdag_ctx_get_error(ctx);
    assert_string_equal(e->message, "the count is positive");
    assert_string_equal(e->node, "forward, statement 15 (check)");
    assert_int_equal(tdag_run(ctx, m, in, 1, &o, out), TDAG_E_ARG);
    tdag_tensor *swapped[] = {in[1], in[0]};
    assert_int_equal(tdag_run(ctx, m, swapped, 2, &o, out), TDAG_E_DTYPE);
    o.method = "encode";
    assert_int_equal(tdag_run(ctx, m, in, 2, &o, out), TDAG_E_ARG);
    free_all(in, 2);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static tdag_status run_once(tdag_ctx *ctx, void *model)
{
    tdag_tensor *out[N_OUTPUTS] = {NULL};
    tdag_status st = run(ctx, model, 2, 2, NULL, out);
    if (st == TDAG_OK) free_all(out, N_OUTPUTS);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = everything(ctx);
    for (int64_t nth = 1; test_one_oom(run_once, m, nth); nth++)
        assert_true(nth < 100000);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- operators whose sizes depend on data ---- */

static tdag_tensor *vector(tdag_ctx *ctx, tdag_dtype dtype, int64_t n, const double *v)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, 1, &n, &t));
    for (int64_t i = 0; i < n; i++)
        tdagi_tensor_set_f64(t, i, v[i]);
    return t;
}

static const struct {
    const char *name, *arguments;
    tdag_dtype dtype;
    double in[2][6];
    int64_t n[2]; /* of the inputs; 0: there is none */
    double out[3][8];
    int64_t n_out[3];
} applies[] = {
    {"nonzero", "", TDAG_F32, {{0, 2, 0, -1}}, {4}, {{1, 3}}, {2}},
    {"unique",
     "",
     TDAG_I64,
     {{3, 1, 3, 2, 1}},
     {5},
     {{1, 2, 3}, {2, 0, 2, 1, 0}, {2, 1, 2}},
     {3, 5, 3}},
    {"unique_consecutive",
     "",
     TDAG_I64,
     {{1, 1, 3, 3, 1}},
     {5},
     {{1, 3, 1}, {0, 0, 1, 1, 2}, {2, 2, 1}},
     {3, 5, 3}},
    {"bincount", "minlength=5", TDAG_I64, {{1, 3, 1}}, {3}, {{0, 2, 0, 1, 0}}, {5}},
    {"bincount", "", TDAG_I64, {{0}}, {0}, {{0}}, {0}},
    {"repeat_interleave", "", TDAG_I64, {{2, 0, 3}}, {3}, {{0, 0, 2, 2, 2}}, {5}},
};

static void test_applies(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof applies / sizeof *applies; i++) {
        tdag_tensor *x =
            vector(ctx, applies[i].dtype, applies[i].n[0], applies[i].in[0]);
        const tdag_tensor *const in[] = {x};
        tdag_tensor *out[3] = {NULL, NULL, NULL};
        uint32_t n = 1;
        while (n < 3 && applies[i].n_out[n] > 0)
            n++;
        const tdagi_apply_call call = {ctx, applies[i].arguments, 1, n, in, out};
        TEST_OK(ctx, tdagi_apply(&call, applies[i].name));
        for (uint32_t k = 0; k < n; k++) {
            assert_int_equal(out[k]->shape[0], applies[i].n_out[k]);
            for (int64_t j = 0; j < out[k]->count; j++)
                assert_true(tdagi_tensor_get_f64(out[k], j) == applies[i].out[k][j]);
        }
        free_all(out, 3);
        tdag_tensor_free(x);
    }
    tdag_ctx_free(ctx);
}

/* The second box overlaps the first by 0.6, the third touches none. */
static void test_nms(void **state)
{
    (void)state;
    static const double numbers[] = {0, 0, 10, 10, 0, 0, 10, 6, 20, 20, 30, 30};
    static const double scores[] = {0.5, 0.9, 0.1};
    static const int64_t kept[][3] = {{1, 2, -1}, {1, 0, 2}};
    static const char *const thresholds[] = {"iou_threshold=0.5", "iou_threshold=0.7"};
    tdag_ctx *ctx = test_ctx();
    const int64_t shape[] = {3, 4};
    tdag_tensor *boxes = NULL, *best = vector(ctx, TDAG_F32, 3, scores);
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, shape, &boxes));
    for (int64_t i = 0; i < 12; i++)
        tdagi_tensor_set_f64(boxes, i, numbers[i]);
    for (int k = 0; k < 2; k++) {
        const tdag_tensor *const in[] = {boxes, best};
        tdag_tensor *out = NULL;
        const tdagi_apply_call call = {ctx, thresholds[k], 2, 1, in, &out};
        TEST_OK(ctx, tdagi_apply(&call, "nms"));
        assert_int_equal(out->count, 2 + k);
        for (int64_t i = 0; i < out->count; i++)
            assert_int_equal(tdagi_tensor_get_i64(out, i), kept[k][i]);
        tdag_tensor_free(out);
    }
    tdag_tensor_free(boxes);
    tdag_tensor_free(best);
    tdag_ctx_free(ctx);
}

static void test_draws(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const int64_t n = 20000, few = 100;
    tdag_tensor *t = NULL, *p = NULL;
    tdagi_generator g;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, &n, &t));
    tdagi_generator_seed(&g, 7);
    for (int kind = 0; kind < 2; kind++) {
        double sum = 0, squares = 0;
        TEST_OK(ctx,
                tdagi_draw(ctx, &g, kind == 0 ? TDAGI_DRAW_NORMAL : TDAGI_DRAW_UNIFORM,
                           NULL, t));
        for (int64_t i = 0; i < n; i++) {
            double x = tdagi_tensor_get_f64(t, i);
            sum += x;
            squares += x * x;
            if (kind == 1) assert_true(x >= 0 && x < 1);
        }
        double mean = sum / (double)n, square = squares / (double)n;
        assert_true(kind == 0 ? mean > -0.05 && mean < 0.05
                              : mean > 0.49 && mean < 0.51);
        assert_true(kind == 0 ? square > 0.95 && square < 1.05
                              : square > 0.32 && square < 0.35);
    }
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, 1, &few, &p));
    TEST_OK(ctx, tdagi_draw(ctx, &g, TDAGI_DRAW_PERMUTATION, NULL, p));
    bool seen[100] = {false};
    for (int64_t i = 0; i < few; i++)
        seen[tdagi_tensor_get_i64(p, i)] = true;
    for (int64_t i = 0; i < few; i++)
        assert_true(seen[i]);
    tdag_tensor_free(t);
    tdag_tensor_free(p);
    tdag_ctx_free(ctx);
}

/* Rows that are set one by one. What is read once more, or is the caller's, stays. */
static tdag_model *setting(tdag_ctx *ctx, int64_t n)
{
    char text[2048];
    tdag_model *m = NULL;
    snprintf(text, sizeof text,
             "tdag 2\n"
             "graph put {\n t: f32[%lld,256] = input\n v: f32[256] = input\n"
             " i: i64[] = input\n j: i64[1] = unsqueeze(i) {axes=[0]}\n"
             " r: f32[1,256] = unsqueeze(v) {axes=[0]}\n"
             " s: f32[%lld,256] = scatter(t, j, r) {batch=0, mode=set}\n return s\n}\n"
             "graph numbers {\n a: i64[] = constant [0]\n b: i64[] = constant [1]\n"
             " n: i64[] = constant [%lld]\n return a, b, n\n}\n"
             "program forward(x: f32[%lld,256], v: f32[256]) -> (f32[%lld,256], "
             "f32[%lld,256], f32[%lld,256]) {\n"
             " zero, one, n = call numbers()\n a = call put(x, v, zero)\n"
             " b = call put(a, v, one)\n"
             " c = loop limit n (i; t = x) {\n  s = call put(t, v, i)\n  yield s\n }\n"
             " return a, b, c\n}\n",
             (long long)n, (long long)n, (long long)n, (long long)n, (long long)n,
             (long long)n, (long long)n);
    TEST_OK(ctx, tdag_model_parse(ctx, text, strlen(text), &m));
    return m;
}

/* How many of the first elements of its rows are those of v. */
static int64_t n_set(const tdag_tensor *t)
{
    int64_t n = 0;
    for (int64_t i = 0; i < t->shape[0]; i++)
        n += tdagi_tensor_get_f64(t, i * 256) == 1;
    return n;
}

static double set_rows(tdag_ctx *ctx, int64_t n, tdag_engine engine)
{
    tdag_model *m = setting(ctx, n);
    tdag_tensor *in[2] = {NULL, NULL}, *out[3];
    const int64_t shape[] = {n, 256};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, shape, &in[0]));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, shape + 1, &in[1]));
    memset(in[0]->data, 0, in[0]->size);
    for (int64_t i = 0; i < 256; i++)
        tdagi_tensor_set_f64(in[1], i, 1);
    clock_t start = clock();
    TEST_OK(ctx, tdag_run(ctx, m, in, 2, &o, out));
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_int_equal(n_set(in[0]), 0);
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(n_set(out[i]), i == 2 ? n : i + 1);
    free_all(in, 2);
    free_all(out, 3);
    tdag_model_free(m);
    return seconds;
}

static void test_rows_are_set_where_they_stand(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int engine = 0; engine < 2; engine++) {
        double few = set_rows(ctx, 500, (tdag_engine)engine);
        double many = set_rows(ctx, 4000, (tdag_engine)engine);
        if (many > 24 * few + 0.02) /* 64 times, were they copied */
            fail_msg("%.3f s for 500 rows, %.3f s for 4,000", few, many);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_engines),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_applies),
        cmocka_unit_test(test_nms),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_rows_are_set_where_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
