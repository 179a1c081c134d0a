/* Binary element-wise ops with NumPy broadcasting. Both operands have the same dtype.
 * add and multiply of bool are or and and; integers wrap. The half types are computed
 * in f32 and rounded once.
 *
 * floor_divide of floats goes the way of Python and PyTorch: by the remainder, so that
 * it agrees with x - y*floor_divide(x, y) being the remainder of y's sign; x/0 is x/0.
 * Of integers: x/0 is 0, the least number by -1 wraps to itself. */
#include "ops/ops.h"

#include <math.h>

#include "ops/axis.h"
#include "ops/loop.h"
#include "ops/number.h"

static tdag_status binary_shape(const tdagi_shape_call *c, const char *op,
                                bool compares, bool takes_bool)
{
    tdag_dtype dtype = c->inputs[0].dtype;
    if (dtype != c->inputs[1].dtype)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "%s needs operands of one dtype, they are %s and %s", op,
                          tdag_dtype_name(dtype), tdag_dtype_name(c->inputs[1].dtype));
    if (dtype == TDAG_BOOL && !takes_bool)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE, "%s does not take bool", op);
    TDAGI_TRY(tdagi_rule_broadcast(c));
    c->out->dtype = compares ? TDAG_BOOL : dtype;
    return TDAG_OK;
}

/* A row of n elements; an operand's step is 0 or 1. */
typedef void row_function(const void *x, int64_t x_step, const void *y, int64_t y_step,
                          int64_t n, void *out);
/* By dtype; the half types go through f32. */
typedef struct row_table {
    row_function *f64, *f32, *i64, *i32, *i16, *i8, *u8, *boolean;
} row_table;

static row_function *row_of(const row_table *table, tdag_dtype dtype)
{
    row_function *const rows[] = {
        [TDAG_F64] = table->f64,      [TDAG_F32] = table->f32, [TDAG_F16] = table->f32,
        [TDAG_BF16] = table->f32,     [TDAG_I64] = table->i64, [TDAG_I32] = table->i32,
        [TDAG_I16] = table->i16,      [TDAG_I8] = table->i8,   [TDAG_U8] = table->u8,
        [TDAG_BOOL] = table->boolean,
    };
    return rows[dtype];
}

/* A row of halves by the f32 function; out is of the same dtype or bool. */
static void half_row(row_function *row, tdag_dtype dtype, const void *const xy[2],
                     const int64_t step[2], int64_t n, tdag_dtype out_dtype, void *out)
{
    float operand[2][TDAGI_CHUNK], result[TDAGI_CHUNK];
    for (int64_t at = 0; at < n; at += TDAGI_CHUNK) {
        int64_t m = n - at < TDAGI_CHUNK ? n - at : TDAGI_CHUNK;
        for (uint32_t k = 0; k < 2; k++)
            tdagi_load_half(dtype, tdagi_const_at(xy[k], at * step[k], 2),
                            step[k] == 0 ? 1 : m, operand[k]);
        if (out_dtype == TDAG_BOOL) {
            row(operand[0], step[0], operand[1], step[1], m, tdagi_at(out, at, 1));
        } else {
            row(operand[0], step[0], operand[1], step[1], m, result);
            tdagi_store_half(dtype, result, m, tdagi_at(out, at, 2));
        }
    }
}

static tdag_status binary_eval(const tdagi_eval_call *c, const row_table *table)
{
    tdag_dtype dtype = c->inputs[0]->dtype;
    size_t size = tdag_dtype_size(dtype), out_size = tdag_dtype_size(c->out->dtype);
    row_function *row = row_of(table, dtype);
    tdagi_loop loop;
    tdagi_loop_broadcast(&loop, c);
    if (!tdagi_loop_start(&loop)) return TDAG_OK;
    const int64_t *step = loop.stride[loop.rank - 1] + 1;
    do {
        const void *xy[2] = {tdagi_const_at(c->inputs[0]->data, loop.offset[1], size),
                             tdagi_const_at(c->inputs[1]->data, loop.offset[2], size)};
        void *out = tdagi_at(c->out->data, loop.offset[0], out_size);
        int64_t n = tdagi_loop_row(&loop);
        if (dtype == TDAG_F16 || dtype == TDAG_BF16)
            half_row(row, dtype, xy, step, n, c->out->dtype, out);
        else
            row(xy[0], step[0], xy[1], step[1], n, out);
    } while (tdagi_loop_next(&loop));
    return TDAG_OK;
}

/* ---- elements ---- */

#define FLOOR_DIVIDE_FLOAT(type, suffix)                                               \
    static type floor_divide_##type(type x, type y)                                    \
    {                                                                                  \
        if (y == 0) return x / y;                                                      \
        type rest = fmod##suffix(x, y), quotient = (x - rest) / y;                     \
        if (rest != 0 && (y < 0) != (rest < 0)) quotient -= 1;                         \
        if (quotient == 0) return copysign##suffix(0, x / y);                          \
        type whole = floor##suffix(quotient);                                          \
        return quotient - whole > (type)0.5 ? whole + 1 : whole;                       \
    }
FLOOR_DIVIDE_FLOAT(double, )
FLOOR_DIVIDE_FLOAT(float, f)

static int64_t floor_divide_integer(int64_t x, int64_t y)
{
    if (y == 0) return 0;
    if (y == -1) return (int64_t)(0 - (uint64_t)x);
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
}

/* ---- rows ---- */

#define ROW(name, type, result, expression)                                            \
    static void name(const void *px, int64_t x_step, const void *py, int64_t y_step,   \
                     int64_t n, void *out)                                             \
    {                                                                                  \
        const type *xs = px, *ys = py;                                                 \
        result *to = out;                                                              \
        if (x_step == 1 && y_step == 1) {                                              \
            for (int64_t i = 0; i < n; i++) {                                          \
                type x = xs[i], y = ys[i];                                             \
                to[i] = (result)(expression);                                          \
            }                                                                          \
        } else if (y_step == 0) {                                                      \
            type y = *ys;                                                              \
            for (int64_t i = 0; i < n; i++) {                                          \
                type x = xs[i * x_step];                                               \
                to[i] = (result)(expression);                                          \
            }                                                                          \
        } else {                                                                       \
            type x = *xs;                                                              \
            for (int64_t i = 0; i < n; i++) {                                          \
                type y = ys[i * y_step];                                               \
                to[i] = (result)(expression);                                          \
            }                                                                          \
        }                                                                              \
    }

/* An op whose result has the operands' dtype. */
#define ARITHMETIC_ROWS(name, of_f64, of_f32, of_integer)                              \
    ROW(name##_f64, double, double, of_f64)                                            \
    ROW(name##_f32, float, float, of_f32)                                              \
    ROW(name##_i64, int64_t, int64_t, of_integer)                                      \
    ROW(name##_i32, int32_t, int32_t, of_integer)                                      \
    ROW(name##_i16, int16_t, int16_t, of_integer)                                      \
    ROW(name##_i8, int8_t, int8_t, of_integer)                                         \
    ROW(name##_u8, uint8_t, uint8_t, of_integer)
#define COMPARISON_ROWS(name, expression)                                              \
    ROW(name##_f64, double, uint8_t, expression)                                       \
    ROW(name##_f32, float, uint8_t, expression)                                        \
    ROW(name##_i64, int64_t, uint8_t, expression)                                      \
    ROW(name##_i32, int32_t, uint8_t, expression)                                      \
    ROW(name##_i16, int16_t, uint8_t, expression)                                      \
    ROW(name##_i8, int8_t, uint8_t, expression)                                        \
    ROW(name##_u8, uint8_t, uint8_t, expression)

ARITHMETIC_ROWS(add, x + y, x + y, (uint64_t)x + (uint64_t)y)
ROW(add_bool, uint8_t, uint8_t, x != 0 || y != 0)
ARITHMETIC_ROWS(multiply, x *y, x *y, (uint64_t)x *(uint64_t)y)
ROW(multiply_bool, uint8_t, uint8_t, x != 0 && y != 0)
ARITHMETIC_ROWS(floor_divide, floor_divide_double(x, y), floor_divide_float(x, y),
                floor_divide_integer(x, y))
#define floor_divide_bool NULL
COMPARISON_ROWS(less, x < y)
ROW(less_bool, uint8_t, uint8_t, x == 0 && y != 0)
COMPARISON_ROWS(equal, x == y)
ROW(equal_bool, uint8_t, uint8_t, (x != 0) == (y != 0))

/* ---- ops ---- */

/* A value that counts the positions of D, times a number, counts in longer steps. */
static tdag_status multiply_axis(const tdagi_axis_call *c, tdag_op op)
{
    tdag_dim ramp = 0;
    for (uint32_t i = 0; i < 2; i++) {
        tdag_dim number;
        if (c->marks[i].ramp == 0) continue;
        if (c->marks[1 - i].axis >= 0 ||
            !tdagi_axis_number(c, c->inputs[1 - i], &number))
            return tdagi_axis_refuse(c, "multiply", "computes with its positions");
        ramp = tdagi_dim_mul(c->pool, c->marks[i].ramp, number);
    }
    TDAGI_TRY(tdagi_axis_broadcast(c, op));
    c->mark_out->ramp = ramp;
    return TDAG_OK;
}

#define BINARY(name, compares, takes_bool, symmetric, rule, counts, text)              \
    static tdag_status name##_shape(const tdagi_shape_call *c)                         \
    {                                                                                  \
        return binary_shape(c, #name, compares, takes_bool);                           \
    }                                                                                  \
    static tdag_status name##_eval(const tdagi_eval_call *c)                           \
    {                                                                                  \
        static const row_table rows = {                                                \
            name##_f64, name##_f32, name##_i64, name##_i32,                            \
            name##_i16, name##_i8,  name##_u8,  name##_bool};                          \
        return binary_eval(c, &rows);                                                  \
    }                                                                                  \
    static tdag_status name##_drop_dim(const tdagi_axis_call *c)                       \
    {                                                                                  \
        return rule(c, tdag_op_from_name(#name));                                      \
    }                                                                                  \
    static tdag_status name##_add_dim(const tdagi_axis_call *c)                        \
    {                                                                                  \
        return tdagi_axis_lead_broadcast(c, tdag_op_from_name(#name));                 \
    }                                                                                  \
    const tdagi_opdef tdagi_op_##name = {                                              \
        .brief = text,                                                                 \
        .op_class = TDAGI_CLASS_ELEMENTWISE,                                           \
        .commutes = symmetric,                                                         \
        .shape = name##_shape,                                                         \
        .cost = tdagi_cost_element,                                                    \
        .eval = name##_eval,                                                           \
        .drop_dim = name##_drop_dim,                                                   \
        .counts_dim = counts,                                                          \
        .add_dim = name##_add_dim,                                                     \
    };

BINARY(add, false, true, true, tdagi_axis_broadcast, true, "x + y; or, for bool")
BINARY(multiply, false, true, true, multiply_axis, true, "x * y; and, for bool")
BINARY(floor_divide, false, false, false, tdagi_axis_broadcast, false,
       "the greatest integer not above x / y")
BINARY(less, true, true, false, tdagi_axis_broadcast, false, "x < y, as bool")
BINARY(equal, true, true, true, tdagi_axis_broadcast, false, "x == y, as bool")
