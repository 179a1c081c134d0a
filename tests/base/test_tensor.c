/* Dtypes, tensors, elements as numbers. */
#include "base/tensor.h"

#include <math.h>

#include "support/test.h"

static void test_dtypes(void **state)
{
    (void)state;
#define CHECK(id, code, name, size, kind)                                              \
    assert_string_equal(tdag_dtype_name(TDAG_##id), name);                             \
    assert_int_equal(tdag_dtype_size(TDAG_##id), size);                                \
    assert_int_equal(tdag_dtype_from_name(name), TDAG_##id);                           \
    assert_int_equal(tdagi_dtype_class(TDAG_##id), kind);                              \
    assert_int_equal(tdag_dtype_is_float(TDAG_##id), kind == 'f');
    TDAG_DTYPE_MAP(CHECK)
#undef CHECK
    assert_string_equal(tdag_dtype_name((tdag_dtype)99), "?");
    assert_int_equal(tdag_dtype_size(TDAG_DTYPE_NONE), 0);
    assert_int_equal(tdag_dtype_from_name("F32"), TDAG_DTYPE_NONE);
    assert_int_equal(tdag_dtype_from_name(NULL), TDAG_DTYPE_NONE);
}

static const struct {
    const char *name;
    tdag_dtype dtype;
    uint32_t rank;
    int64_t shape[4];
    tdag_status status;
    int64_t count;
} shapes[] = {
    {"scalar", TDAG_F32, 0, {0}, TDAG_OK, 1},
    {"matrix", TDAG_F16, 2, {3, 5}, TDAG_OK, 15},
    {"empty", TDAG_I64, 3, {3, 0, 5}, TDAG_OK, 0},
    {"empty and huge", TDAG_I64, 3, {INT64_MAX, INT64_MAX, 0}, TDAG_OK, 0},
    {"negative", TDAG_F32, 2, {3, -1}, TDAG_E_ARG, 0},
    {"negative and empty", TDAG_F32, 2, {0, -1}, TDAG_E_ARG, 0},
    {"no dtype", TDAG_DTYPE_NONE, 0, {0}, TDAG_E_ARG, 0},
    {"beyond 64 bits",
     TDAG_F32,
     2,
     {INT64_C(1) << 31, INT64_C(1) << 31},
     TDAG_E_OVERFLOW,
     0},
    {"far beyond",
     TDAG_U8,
     4,
     {INT64_MAX, INT64_MAX, INT64_MAX, 2},
     TDAG_E_OVERFLOW,
     0},
    {"beyond the limit", TDAG_U8, 1, {INT64_C(1) << 41}, TDAG_E_LIMIT, 0},
    {"rank", TDAG_U8, 17, {0}, TDAG_E_LIMIT, 0},
};

static void test_create(void **state)
{
    (void)state;
    test_heap heap = {0};
    tdag_ctx *ctx = test_ctx_on(&heap);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        tdag_tensor *t = NULL;
        tdag_status st = tdag_tensor_create(ctx, shapes[i].dtype, shapes[i].rank,
                                            shapes[i].shape, &t);
        if (st != shapes[i].status)
            fail_msg("%s: %s", shapes[i].name, tdag_status_text(st));
        if (st != TDAG_OK) continue;
        assert_int_equal(tdag_tensor_get_count(t), shapes[i].count);
        assert_int_equal(tdag_tensor_get_size(t),
                         (size_t)shapes[i].count * tdag_dtype_size(shapes[i].dtype));
        assert_int_equal(tdag_tensor_get_rank(t), shapes[i].rank);
        assert_int_equal(tdag_tensor_get_dtype(t), shapes[i].dtype);
        assert_non_null(tdag_tensor_get_data(t));
        assert_memory_equal(tdag_tensor_get_shape(t), shapes[i].shape,
                            shapes[i].rank * sizeof(int64_t));
        tdag_tensor_free(t);
    }
    tdag_tensor *t = NULL;
    assert_int_equal(tdag_tensor_create(ctx, TDAG_F32, 1, NULL, &t), TDAG_E_ARG);
    tdag_ctx_free(ctx);
    assert_int_equal(heap.live_blocks, 0);
}

static void count_release(void *user) { ++*(int *)user; }

static void test_wrap(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    float data[4] = {1, 2, 3, 4};
    int n_released = 0;
    const int64_t shape[2] = {2, 2};
    tdag_tensor *t = NULL;
    assert_int_equal(
        tdag_tensor_wrap(ctx, TDAG_F32, 2, shape, NULL, count_release, &n_released, &t),
        TDAG_E_ARG);
    assert_int_equal(n_released, 0);
    TEST_OK(ctx, tdag_tensor_wrap(ctx, TDAG_F32, 2, shape, data, count_release,
                                  &n_released, &t));
    tdag_ctx_free(ctx); /* tensors outlive the context */
    assert_ptr_equal(tdag_tensor_get_data(t), data);
    tdag_tensor *again = tdag_tensor_copy(t);
    assert_ptr_equal(again, t);
    tdag_tensor_free(t);
    assert_int_equal(n_released, 0);
    tdag_tensor_free(again);
    assert_int_equal(n_released, 1);
    tdag_tensor_free(NULL);
    assert_null(tdag_tensor_copy(NULL));
}

/* ---- elements ---- */

static const struct {
    tdag_dtype dtype;
    double in, out; /* set_f64, then get_f64 */
} doubles[] = {
    {TDAG_F64, 0.1, 0.1},
    {TDAG_F32, 0.1, (double)0.1f},
    {TDAG_F32, 1e300, INFINITY},
    {TDAG_F16, 65519, 65504},
    {TDAG_F16, 65520, INFINITY},
    {TDAG_F16, 1.00048828125, 1},
    {TDAG_BF16, 1.00390625, 1},
    {TDAG_I64, -2.9, -2},
    {TDAG_I64, 1e300, 9223372036854775807.0},
    {TDAG_I64, -1e300, -9223372036854775808.0},
    {TDAG_I64, NAN, 0},
    {TDAG_I32, 3e9, 2147483647},
    {TDAG_I32, -3e9, -2147483648.0},
    {TDAG_I16, -40000, -32768},
    {TDAG_I8, 200, 127},
    {TDAG_I8, -INFINITY, -128},
    {TDAG_U8, 300, 255},
    {TDAG_U8, -1, 0},
    {TDAG_U8, 254.99, 254},
    {TDAG_BOOL, 0.001, 1},
    {TDAG_BOOL, NAN, 1},
    {TDAG_BOOL, -0.0, 0},
};

static const struct {
    tdag_dtype dtype;
    int64_t in, out; /* set_i64, then get_i64 */
} integers[] = {
    {TDAG_I64, INT64_MIN, INT64_MIN},
    {TDAG_I32, INT64_C(1) << 31, -(INT64_C(1) << 31)},
    {TDAG_I16, 65537, 1},
    {TDAG_I8, 128, -128},
    {TDAG_U8, -1, 255},
    {TDAG_U8, 256, 0},
    {TDAG_BOOL, 256, 1},
    {TDAG_BOOL, 0, 0},
    {TDAG_F32, 16777217, 16777216},
    {TDAG_F32, (INT64_C(1) << 54) + (INT64_C(1) << 30) + 1,
     (INT64_C(1) << 54) + (INT64_C(1) << 31)},
    {TDAG_F64, INT64_MAX, INT64_MAX},
    {TDAG_F64, INT64_MIN, INT64_MIN},
    {TDAG_F16, 2049, 2048},
};

static void test_elements(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const int64_t shape[1] = {3};
    tdag_tensor *t = NULL;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        TEST_OK(ctx, tdag_tensor_create(ctx, doubles[i].dtype, 1, shape, &t));
        memset(t->data, 0, t->size);
        tdagi_tensor_set_f64(t, 1, doubles[i].in);
        double out = tdagi_tensor_get_f64(t, 1);
        if (out != doubles[i].out)
            fail_msg("%s %g: %g", tdag_dtype_name(doubles[i].dtype), doubles[i].in,
                     out);
        assert_true(tdagi_tensor_get_f64(t, 0) == 0 && tdagi_tensor_get_i64(t, 2) == 0);
        tdag_tensor_free(t);
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        TEST_OK(ctx, tdag_tensor_create(ctx, integers[i].dtype, 1, shape, &t));
        memset(t->data, 0, t->size);
        tdagi_tensor_set_i64(t, 2, integers[i].in);
        int64_t out = tdagi_tensor_get_i64(t, 2);
        if (out != integers[i].out)
            fail_msg("%s %lld: %lld", tdag_dtype_name(integers[i].dtype),
                     (long long)integers[i].in, (long long)out);
        tdag_tensor_free(t);
    }
    tdag_ctx_free(ctx);
}

static void test_equal(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const int64_t a[2] = {2, 3}, b[2] = {3, 2};
    tdag_tensor *x = NULL, *y = NULL, *z = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, a, &x));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, a, &y));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, b, &z));
    for (int i = 0; i < 6; i++) {
        tdagi_tensor_set_f64(x, i, (double)NAN);
        tdagi_tensor_set_f64(y, i, (double)NAN);
        tdagi_tensor_set_f64(z, i, (double)NAN);
    }
    assert_true(tdagi_tensor_equal(x, y));
    assert_false(tdagi_tensor_equal(x, z));
    assert_false(tdagi_tensor_equal(x, NULL));
    tdagi_tensor_set_f64(y, 5, 0);
    assert_false(tdagi_tensor_equal(x, y));
    tdag_tensor_free(x);
    tdag_tensor_free(y);
    tdag_tensor_free(z);
    tdag_ctx_free(ctx);
}

static tdag_status create_one(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    const int64_t shape[1] = {8};
    tdag_tensor *t = NULL;
    tdag_status st = tdag_tensor_create(ctx, TDAG_F64, 1, shape, &t);
    tdag_tensor_free(t);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(create_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes), cmocka_unit_test(test_create),
        cmocka_unit_test(test_wrap),   cmocka_unit_test(test_elements),
        cmocka_unit_test(test_equal),  cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
