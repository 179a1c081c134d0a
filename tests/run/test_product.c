/* A multiply that feeds a reduce sum is one contraction: products of the half types are
 * not rounded before they are summed, by either engine, also with movement in between,
 * and also where the product is a result of its own. */
#include "support/test.h"

#include <math.h>

#include <tdagger/run.h>

#include "base/tensor.h"
#include "run/product.h"

#define N 4

/* Products of 90000, which no f16 holds, and of 1 + 2^-7 + 2^-16, which rounds. */
static const struct {
    const char *name;
    tdag_dtype dtype;
    double x[N], y[N], sum, product0;
} cases[] = {
    {"f16 beyond its range",
     TDAG_F16,
     {300, 300, 1, 2},
     {300, -300, 1, 2},
     5,
     INFINITY},
    {"f16 below its range",
     TDAG_F16,
     {0x1p-13, 0x1p-13, 0x1p-13, 0x1p-13},
     {0x1p-12, 0x1p-12, 0x1p-12, 0x1p-12},
     0x1p-23,
     0},
    {"bf16 digits",
     TDAG_BF16,
     {1.0078125, 1, 0, 0},
     {1.0078125, -1.015625, 0, 0},
     0x1p-14,
     1.015625},
};

static tdag_tensor *tensor(tdag_ctx *ctx, tdag_dtype dtype, const double *values)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, 1, (const int64_t[]){N}, &t));
    for (int64_t i = 0; i < N; i++)
        tdagi_tensor_set_f64(t, i, values[i]);
    return t;
}

/* Outputs: the sum of the product, the sum through movement, the product. */
static tdag_graph *build(tdag_ctx *ctx, tdag_dtype dtype)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    const tdag_dim n[] = {N};
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x = tdag_add_input(b, "x", dtype, 1, n);
    tdag_value y = tdag_add_input(b, "y", dtype, 1, n);
    tdag_value product = tdag_binary(b, TDAG_OP_MULTIPLY, x, y);
    tdag_value wide = tdag_unsqueeze(b, product, TDAG_LIST(0));
    tdag_value turned = tdag_permute(b, wide, TDAG_LIST(1, 0));
    tdag_builder_add_output(b, tdag_reduce(b, product, TDAG_REDUCE_SUM, TDAG_LIST(0)));
    tdag_builder_add_output(b, tdag_reduce(b, turned, TDAG_REDUCE_SUM, TDAG_LIST(0)));
    tdag_builder_add_output(b, product);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

static void run_case(tdag_ctx *ctx, size_t i, tdag_engine engine)
{
    tdag_graph *g = build(ctx, cases[i].dtype);
    tdag_tensor *in[2] = {tensor(ctx, cases[i].dtype, cases[i].x),
                          tensor(ctx, cases[i].dtype, cases[i].y)};
    tdag_tensor *out[3] = {NULL};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    TEST_OK(ctx, tdag_graph_run(ctx, g, in, 2, &o, out));
    const double want[3] = {cases[i].sum, cases[i].sum, cases[i].product0};
    for (int k = 0; k < 3; k++) {
        double got = tdagi_tensor_get_f64(out[k], 0);
        if (got != want[k])
            fail_msg("%s, engine %d: output %d is %.10g, not %.10g", cases[i].name,
                     (int)engine, k, got, want[k]);
        tdag_tensor_free(out[k]);
    }
    tdag_tensor_free(in[0]);
    tdag_tensor_free(in[1]);
    tdag_graph_free(g);
}

static void test_engines(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run_case(ctx, i, TDAG_ENGINE_REFERENCE);
        run_case(ctx, i, TDAG_ENGINE_NATIVE);
    }
    tdag_ctx_free(ctx);
}

static tdag_status run_both(tdag_ctx *ctx, void *arg)
{
    const tdag_graph *g = arg;
    tdag_status st = TDAG_OK;
    for (int engine = 0; engine < 2 && st == TDAG_OK; engine++) {
        tdag_tensor *in[2] = {NULL, NULL}, *out[3] = {NULL};
        for (int i = 0; i < 2 && st == TDAG_OK; i++)
            st = tdag_tensor_create(ctx, TDAG_F16, 1, (const int64_t[]){N}, &in[i]);
        for (int i = 0; i < 2 && st == TDAG_OK; i++)
            memset(tdag_tensor_get_mutable_data(in[i]), 0, 2 * N);
        tdag_run_options o;
        tdag_run_options_init(&o);
        o.engine = engine == 0 ? TDAG_ENGINE_REFERENCE : TDAG_ENGINE_NATIVE;
        if (st == TDAG_OK) st = tdag_graph_run(ctx, g, in, 2, &o, out);
        for (int i = 0; i < 3; i++)
            tdag_tensor_free(out[i]);
        tdag_tensor_free(in[0]);
        tdag_tensor_free(in[1]);
    }
    return st;
}

static void test_memory(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = build(ctx, TDAG_F16);
    test_every_oom(run_both, g);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_engines),
                                       cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
