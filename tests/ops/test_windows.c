/* Shapes and costs of unfold, fold, reduce, scan and argsort, and the edges of their
 * evaluation that PyTorch does not promise. */
#include "op_case.h"

#include <math.h>

#define UNFOLD(k, s)                                                                   \
    TDAG_OP_UNFOLD, &(tdag_window_spec) { k, s }
#define FOLD(k, s)                                                                     \
    TDAG_OP_FOLD, &(tdag_window_spec) { k, s }
#define REDUCE(k, ...)                                                                 \
    TDAG_OP_REDUCE, &(tdag_reduce_spec) { TDAG_LIST(__VA_ARGS__), k }
#define SCAN(a, k)                                                                     \
    TDAG_OP_SCAN, &(tdag_scan_spec) { a, k }
#define ARGSORT(a, d)                                                                  \
    TDAG_OP_ARGSORT, &(tdag_argsort_spec) { a, d, TDAG_ORDER_STABLE }
#define L       TDAG_LIST
#define NONE    ((tdag_list){0, NULL})
#define SUM     TDAG_REDUCE_SUM
#define PRODUCT TDAG_REDUCE_PRODUCT
#define MAX     TDAG_REDUCE_MAX
#define MEAN    TDAG_REDUCE_MEAN

/* clang-format off */
static void test_shapes(void **state)
{
    (void)state;
    op_world w = op_world_create();
    const op_case cases[] = {
        {"unfold overlap", UNFOLD(L(3), L(2)), {"f32[8]"}, "f32[9]", "0, 7, 9"},
        {"unfold skips", UNFOLD(L(2), L(3)), {"f32[8]"}, "f32[6]", "0, 6, 6"},
        {"unfold abuts", UNFOLD(L(2), L(2)), {"f32[9]"}, "f32[8]", "0, 8, 8"},
        {"unfold stride", UNFOLD(L(1), L(3)), {"f32[8]"}, "f32[3]", "0, 3, 3"},
        {"unfold same", UNFOLD(L(1, 3), L(1, 1)), {"f32[N,M+2]"}, "f32[N,3*M]", "0, N*(M+2), 3*M*N"},
        {"unfold symbol", UNFOLD(L(2), L(2)), {"f32[N]"}, "f32[2*floor(N/2)]", NULL},
        {"unfold symbol overlap", UNFOLD(L(3), L(2)), {"f32[K]"}, "f32[3*floor((K-1)/2)]", "0, 2*floor((K-1)/2)+1, 3*floor((K-1)/2)"},
        {"unfold empty", UNFOLD(L(1, 1), L(1, 2)), {"f32[0,0]"}, "f32[0,0]", "0, 0, 0"},
        {"unfold rank 0", UNFOLD(NONE, NONE), {"f32[]"}, "f32[]", "0, 1, 1"},
        {"unfold small", UNFOLD(L(5), L(1)), {"f32[N]"}, "! unfold: axis 0 has dim N, less than its kernel 5", NULL},
        {"unfold none", UNFOLD(L(2), L(1)), {"f32[0]"}, "! axis 0 has dim 0, less than its kernel 2", NULL},
        {"unfold zero", UNFOLD(L(0), L(1)), {"f32[3]"}, "! axis 0 has kernel 0 and stride 1", NULL},
        {"unfold few", UNFOLD(L(1), L(1, 1)), {"f32[3,3]"}, "! kernel has 1 entries", NULL},
        {"fold", FOLD(L(3), L(2)), {"f32[9]"}, "f32[7]", "2, 9, 7"},
        {"fold gaps", FOLD(L(2), L(3)), {"f32[6]"}, "f32[8]", "0, 6, 8"},
        {"fold symbol", FOLD(L(2, 1), L(1, 1)), {"f32[2*N,M]"}, "f32[N+1,M]", "M*(N-1), 2*N*M, M*(N+1)"},
        {"fold of none", FOLD(L(1), L(1)), {"f32[0]"}, "f32[0]", "0, 0, 0"},
        {"fold of no windows", FOLD(L(3), L(1)), {"f32[0]"}, "f32[2]", "0, 0, 2"},
        {"fold strided none", FOLD(L(1), L(4)), {"f32[0]"}, "f32[0]", "0, 0, 0"},
        {"fold rest", FOLD(L(4), L(1)), {"f32[6]"}, "! fold: axis 0 has dim 6, not a multiple of its kernel 4", NULL},
        {"reduce", REDUCE(SUM, 1), {"f32[2,N,3]"}, "f32[2,1,3]", "6*N-6, 6*N, 6"},
        {"reduce all", REDUCE(MAX, 0, 1), {"i8[2,3]"}, "i8[1,1]", "5, 6, 1"},
        {"reduce mean", REDUCE(MEAN, 0, 1), {"f16[2,3]"}, "f16[1,1]", "6, 6, 1"},
        {"reduce identity", TDAG_OP_REDUCE, &(tdag_reduce_spec){NONE, SUM}, {"f32[4]"}, "f32[4]", "0, 4, 4"},
        {"reduce empty", REDUCE(SUM, 0), {"f32[0,3]"}, "f32[1,3]", "0, 0, 3"},
        {"reduce bool max", REDUCE(MAX, 0), {"bool[3]"}, "bool[1]", "2, 3, 1"},
        {"reduce bool sum", REDUCE(SUM, 0), {"bool[3]"}, "! reduce sum does not take bool; convert to i64", NULL},
        {"reduce int mean", REDUCE(MEAN, 0), {"i64[3]"}, "! reduce mean needs a float dtype, the input is i64", NULL},
        {"reduce kind", REDUCE(6, 0), {"i64[3]"}, "! kind 6 is not one", NULL},
        {"reduce kind 0", REDUCE(0, 0), {"i64[3]"}, "! kind 0 is not one", NULL},
        {"reduce axis", REDUCE(SUM, 2), {"f32[2,2]"}, "! axis 2 is outside of a shape of 2 axes", NULL},
        {"reduce order", REDUCE(SUM, 1, 1), {"f32[2,2]"}, "! axes must ascend, but 1 follows 1", NULL},
        {"scan", SCAN(1, SUM), {"f32[2,N,3]"}, "f32[2,N,3]", "6*N-6, 6*N, 6*N"},
        {"scan empty", SCAN(1, PRODUCT), {"f32[2,0]"}, "f32[2,0]", "0, 0, 0"},
        {"scan mean", SCAN(0, MEAN), {"f32[2]"}, "! scan: kind 5 is not one", NULL},
        {"scan axis", SCAN(0, SUM), {"f32[]"}, "! axis 0 is outside of a shape of 0 axes", NULL},
        {"argsort 8", ARGSORT(1, 0), {"f32[2,8]"}, "i64[2,8]", "48, 16, 16"},
        {"argsort 9", ARGSORT(0, 1), {"f32[9,2]"}, "i64[9,2]", "72, 18, 18"},
        {"argsort 1", ARGSORT(0, 1), {"f32[1]"}, "i64[1]", "0, 1, 1"},
        {"argsort 0", ARGSORT(0, 1), {"f32[0]"}, "i64[0]", "0, 0, 0"},
        {"argsort symbol", ARGSORT(0, 0), {"i8[K]"}, "i64[K]", NULL}, /* analysis.symbolic */
        {"argsort order", TDAG_OP_ARGSORT, &(tdag_argsort_spec){0, 0, TDAG_ORDER_SET}, {"i8[4]"}, "i64[4]", "8, 4, 4"},
        {"argsort no order", TDAG_OP_ARGSORT, &(tdag_argsort_spec){0, 0, 4}, {"i8[4]"}, "! there is no order 4", NULL},
        {"argsort flag", ARGSORT(0, 2), {"i8[K]"}, "! descending is 2, not 0 or 1", NULL},
    };
    OP_CASES_RUN(&w, cases);
    op_world_free(&w);
}
/* clang-format on */

static double reduced(tdag_ctx *ctx, tdag_dtype dtype, tdag_reduction kind, int64_t n,
                      const double *v)
{
    tdag_tensor *x = NULL, *y = NULL;
    const int64_t axis = 0, one = 1;
    tdag_reduce_spec spec = {{1, &axis}, kind};
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, 1, &n, &x));
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, 1, &one, &y));
    for (int64_t i = 0; i < n; i++)
        tdagi_tensor_set_f64(x, i, v[i]);
    const tdag_tensor *inputs[] = {x};
    tdagi_eval_call call = {ctx, &spec, 1, inputs, y};
    TEST_OK(ctx, tdagi_op_row_of(TDAG_OP_REDUCE)->def->eval(&call));
    double result = tdagi_tensor_get_f64(y, 0);
    tdag_tensor_free(x);
    tdag_tensor_free(y);
    return result;
}

/* max(-0, +0) is +0 and min is -0 in either order; NaN wins wherever it stands. */
static void test_zeros_and_nan(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    static const tdag_dtype floats[] = {TDAG_F64, TDAG_F32, TDAG_F16, TDAG_BF16};
    for (size_t i = 0; i < 4; i++) {
        const double a[] = {-0.0, 0.0}, b[] = {0.0, -0.0}, c[] = {-0.0, -0.0};
        const double d[] = {1, NAN, 2}, e[] = {NAN, 1, INFINITY};
        for (int order = 0; order < 2; order++) {
            const double *v = order == 0 ? a : b;
            assert_false(signbit(reduced(ctx, floats[i], TDAG_REDUCE_MAX, 2, v)));
            assert_true(signbit(reduced(ctx, floats[i], TDAG_REDUCE_MIN, 2, v)));
        }
        assert_true(signbit(reduced(ctx, floats[i], TDAG_REDUCE_MAX, 2, c)));
        assert_true(isnan(reduced(ctx, floats[i], TDAG_REDUCE_MAX, 3, d)));
        assert_true(isnan(reduced(ctx, floats[i], TDAG_REDUCE_MIN, 3, d)));
        assert_true(isnan(reduced(ctx, floats[i], TDAG_REDUCE_MAX, 3, e)));
        assert_true(isnan(reduced(ctx, floats[i], TDAG_REDUCE_MIN, 3, e)));
    }
    tdag_ctx_free(ctx);
}

/* A long f64 sum keeps its digits: 10^6 times 0.1. */
static void test_long_sum(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    static double v[1000000];
    for (size_t i = 0; i < 1000000; i++)
        v[i] = 0.1;
    double sum = reduced(ctx, TDAG_F64, TDAG_REDUCE_SUM, 1000000, v);
    assert_true(fabs(sum - 100000) < 1e-7);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_zeros_and_nan),
        cmocka_unit_test(test_long_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
