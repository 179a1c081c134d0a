/* Element-wise ops: dtypes, broadcasting, costs, and the edges of evaluation that
 * PyTorch does not define. */
#include "op_case.h"

#include <math.h>

#include "ops/elementwise/unary_math.h"

#define CONVERT(d)                                                                     \
    TDAG_OP_CONVERT, &(tdag_convert_spec) { d }

/* clang-format off */
static void test_shapes(void **state)
{
    (void)state;
    op_world w = op_world_create();
    const op_case cases[] = {
        {"exp", TDAG_OP_EXP, NULL, {"f16[2,N]"}, "f16[2,N]", "2*N, 2*N, 2*N"},
        {"exp rank 0", TDAG_OP_EXP, NULL, {"f32[]"}, "f32[]", "1, 1, 1"},
        {"exp int", TDAG_OP_EXP, NULL, {"i32[2]"}, "! exp needs a float dtype, the input is i32", NULL},
        {"gaussian bool", TDAG_OP_GAUSSIAN, NULL, {"bool[2]"}, "! gaussian needs a float dtype", NULL},
        {"neg", TDAG_OP_NEG, NULL, {"u8[2]"}, "u8[2]", "2, 2, 2"},
        {"neg bool", TDAG_OP_NEG, NULL, {"bool[2]"}, "! neg does not take bool", NULL},
        {"floor int", TDAG_OP_FLOOR, NULL, {"i32[2]"}, "i32[2]", "2, 2, 2"},
        {"floor bool", TDAG_OP_FLOOR, NULL, {"bool[2]"}, "! floor does not take bool", NULL},
        {"sign bool", TDAG_OP_SIGN, NULL, {"bool[0]"}, "bool[0]", "0, 0, 0"},
        {"convert", CONVERT(TDAG_BOOL), {"f16[2,N]"}, "bool[2,N]", "0, 2*N, 2*N"},
        {"convert to none", CONVERT(11), {"f16[2]"}, "! convert: 11 is no dtype", NULL},
        {"add", TDAG_OP_ADD, NULL, {"f32[2,N]", "f32[N]"}, "f32[2,N]", "2*N, 3*N, 2*N"},
        {"add outer", TDAG_OP_ADD, NULL, {"f32[M,1]", "f32[1,N]"}, "f32[M,N]", "M*N, M+N, M*N"},
        {"add scalars", TDAG_OP_ADD, NULL, {"i8[]", "i8[]"}, "i8[]", "1, 2, 1"},
        {"add empty", TDAG_OP_ADD, NULL, {"i8[0]", "i8[1]"}, "i8[0]", "0, 1, 0"},
        {"add bool", TDAG_OP_ADD, NULL, {"bool[2]", "bool[2]"}, "bool[2]", "2, 4, 2"},
        {"add mixed", TDAG_OP_ADD, NULL, {"f32[2]", "f64[2]"}, "! add needs operands of one dtype, they are f32 and f64", NULL},
        {"add misfit", TDAG_OP_ADD, NULL, {"f32[2]", "f32[3]"}, "! broadcast", NULL},
        {"add symbols", TDAG_OP_ADD, NULL, {"f32[N]", "f32[M]"}, "! broadcast", NULL},
        {"add empty to more", TDAG_OP_ADD, NULL, {"f32[0]", "f32[3]"}, "! broadcast", NULL},
        {"less", TDAG_OP_LESS, NULL, {"f32[2]", "f32[2]"}, "bool[2]", "2, 4, 2"},
        {"equal", TDAG_OP_EQUAL, NULL, {"bool[2]", "bool[1]"}, "bool[2]", "2, 3, 2"},
        {"divide bool", TDAG_OP_FLOOR_DIVIDE, NULL, {"bool[2]", "bool[2]"}, "! floor_divide does not take bool", NULL},
        {"where", TDAG_OP_WHERE, NULL, {"bool[N]", "f32[2,1]", "f32[]"}, "f32[2,N]", "2*N, N+3, 2*N"},
        {"where int", TDAG_OP_WHERE, NULL, {"i8[N]", "f32[2,1]", "f32[]"}, "! where needs a bool condition, it is i8", NULL},
        {"where mixed", TDAG_OP_WHERE, NULL, {"bool[N]", "f32[2,1]", "f16[]"}, "! they are f32 and f16", NULL},
    };
    OP_CASES_RUN(&w, cases);
    op_world_free(&w);
}
/* clang-format on */

static int64_t of_two(tdag_ctx *ctx, tdag_op op, tdag_dtype dtype, int64_t a, int64_t b)
{
    tdag_tensor *x = NULL, *y = NULL, *z = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, 0, NULL, &x));
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, 0, NULL, &y));
    bool compares = op == TDAG_OP_LESS || op == TDAG_OP_EQUAL;
    TEST_OK(ctx, tdag_tensor_create(ctx, compares ? TDAG_BOOL : dtype, 0, NULL, &z));
    tdagi_tensor_set_i64(x, 0, a);
    tdagi_tensor_set_i64(y, 0, b);
    const tdag_tensor *inputs[] = {x, y};
    tdagi_eval_call call = {ctx, NULL, 2, inputs, z};
    TEST_OK(ctx, tdagi_op_row_of(op)->def->eval(&call));
    int64_t result = tdagi_tensor_get_i64(z, 0);
    tdag_tensor_free(x);
    tdag_tensor_free(y);
    tdag_tensor_free(z);
    return result;
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        tdag_op op;
        tdag_dtype dtype;
        int64_t a, b, want;
    } cases[] = {
        {TDAG_OP_FLOOR_DIVIDE, TDAG_I64, INT64_MIN, -1, INT64_MIN},
        {TDAG_OP_FLOOR_DIVIDE, TDAG_I32, INT32_MIN, -1, INT32_MIN},
        {TDAG_OP_FLOOR_DIVIDE, TDAG_I8, INT8_MIN, -1, INT8_MIN},
        {TDAG_OP_FLOOR_DIVIDE, TDAG_I64, 7, 0, 0},
        {TDAG_OP_FLOOR_DIVIDE, TDAG_U8, 7, 0, 0},
        {TDAG_OP_FLOOR_DIVIDE, TDAG_I16, -7, 2, -4},
        {TDAG_OP_FLOOR_DIVIDE, TDAG_I16, 7, -2, -4},
        {TDAG_OP_FLOOR_DIVIDE, TDAG_I16, -8, 2, -4},
        {TDAG_OP_MULTIPLY, TDAG_I8, 100, 100, 16},
        {TDAG_OP_MULTIPLY, TDAG_I64, INT64_MIN, -1, INT64_MIN},
        {TDAG_OP_MULTIPLY, TDAG_I32, INT32_MAX, INT32_MAX, 1},
        {TDAG_OP_ADD, TDAG_I32, INT32_MAX, 1, INT32_MIN},
        {TDAG_OP_ADD, TDAG_I64, INT64_MAX, 1, INT64_MIN},
        {TDAG_OP_ADD, TDAG_U8, 255, 3, 2},
        {TDAG_OP_ADD, TDAG_BOOL, 1, 1, 1},
        {TDAG_OP_LESS, TDAG_I64, INT64_MIN, INT64_MAX, 1},
        {TDAG_OP_LESS, TDAG_U8, 128, 127, 0},
        {TDAG_OP_LESS, TDAG_BOOL, 0, 1, 1},
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = of_two(ctx, cases[i].op, cases[i].dtype, cases[i].a, cases[i].b);
        if (got != cases[i].want)
            fail_msg("%s %s of %" PRId64 " and %" PRId64 " is %" PRId64,
                     tdag_op_name(cases[i].op), tdag_dtype_name(cases[i].dtype),
                     cases[i].a, cases[i].b, got);
    }
    tdag_ctx_free(ctx);
}

/* Expected values: mpmath with 60 digits. */
static void test_gaussian(void **state)
{
    (void)state;
    static const double cases[][2] = {
        {-37.0, 5.725571222524577e-300}, {-20.0, 2.7536241186062337e-89},
        {-8.3, 5.205569744890254e-17},   {-5.0, 2.866515718791939e-07},
        {-1.5, 0.06680720126885807},     {-0.5, 0.3085375387259869},
        {-1e-09, 0.49999999960105773},   {0.0, 0.5},
        {0.3, 0.6179114221889527},       {2.0, 0.9772498680518208},
        {6.0, 0.9999999990134123},       {8.0, 0.9999999999999993},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double x = cases[i][0], p = cases[i][1];
        if (!(fabs(tdagi_gaussian(x) - p) <= 1e-15 * p))
            fail_msg("gaussian(%g) is %.17g, not %.17g", x, tdagi_gaussian(x), p);
    }
    static const double inverse[][2] = {
        {5e-324, -38.467405617144344},
        {1e-300, -37.0470962993612},
        {1e-290, -36.420731673207996},
        {1e-100, -21.273453560965326},
        {1e-20, -9.262340089798407},
        {1e-05, -4.264890793922825},
        {0.02, -2.053748910631823},
        {0.2, -0.8416212335729142},
        {0.25, -0.6744897501960817},
        {0.4, -0.2533471031357997},
        {0.4999999999, -2.506628482030354e-10},
        {0.5000001, 2.506628273311648e-07},
        {0.6, 0.2533471031357997},
        {0.75, 0.6744897501960817},
        {0.9, 1.2815515655446006},
        {0.999999, 4.753424308817087},
        {0.9999999999999999, 8.209536151601387},
    };
    for (size_t i = 0; i < sizeof inverse / sizeof *inverse; i++) {
        double p = inverse[i][0], x = inverse[i][1], got = tdagi_inv_gaussian(p);
        if (!(fabs(got - x) <= 1e-15 * fabs(x)))
            fail_msg("inv_gaussian(%g) is %.17g, not %.17g", p, got, x);
    }
    assert_true(tdagi_inv_gaussian(0) == -(double)INFINITY);
    assert_true(tdagi_inv_gaussian(1) == (double)INFINITY);
    assert_true(tdagi_inv_gaussian(0.5) == 0);
    assert_true(isnan(tdagi_inv_gaussian(-1e-300)));
    assert_true(isnan(tdagi_inv_gaussian(1.0000000001)));
    assert_true(isnan(tdagi_inv_gaussian((double)NAN)));
    assert_true(isnan(tdagi_gaussian((double)NAN)));
    assert_true(tdagi_gaussian(-(double)INFINITY) == 0);
    assert_true(tdagi_gaussian((double)INFINITY) == 1);
}

/* Converting what PyTorch leaves to the machine. */
static void test_convert_edges(void **state)
{
    (void)state;
    static const struct {
        double from;
        tdag_dtype to;
        int64_t want;
    } cases[] = {
        {NAN, TDAG_I32, 0},          {NAN, TDAG_BOOL, 1},
        {INFINITY, TDAG_I8, 127},    {-INFINITY, TDAG_I64, INT64_MIN},
        {3e9, TDAG_I32, INT32_MAX},  {-3e9, TDAG_I32, INT32_MIN},
        {-0.9, TDAG_U8, 0},          {-5, TDAG_U8, 0},
        {300, TDAG_U8, 255},         {-2.9, TDAG_I16, -2},
        {1e19, TDAG_I64, INT64_MAX}, {-0.0, TDAG_BOOL, 0},
        {1e-320, TDAG_BOOL, 1},
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_tensor *x = NULL, *y = NULL;
        tdag_convert_spec spec = {cases[i].to};
        TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F64, 0, NULL, &x));
        TEST_OK(ctx, tdag_tensor_create(ctx, cases[i].to, 0, NULL, &y));
        tdagi_tensor_set_f64(x, 0, cases[i].from);
        const tdag_tensor *inputs[] = {x};
        tdagi_eval_call call = {ctx, &spec, 1, inputs, y};
        TEST_OK(ctx, tdagi_op_row_of(TDAG_OP_CONVERT)->def->eval(&call));
        if (tdagi_tensor_get_i64(y, 0) != cases[i].want)
            fail_msg("%g to %s is %" PRId64, cases[i].from,
                     tdag_dtype_name(cases[i].to), tdagi_tensor_get_i64(y, 0));
        tdag_tensor_free(x);
        tdag_tensor_free(y);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_gaussian),
        cmocka_unit_test(test_convert_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
