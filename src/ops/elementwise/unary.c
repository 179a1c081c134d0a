/* Unary element-wise ops except convert: one table of names, dtypes and functions.
 *
 * Each function takes a row of doubles. f64 is computed as it is; f32 in f64 and
 * rounded; the half types as f32 is and rounded once more. Integers, where an op takes
 * them, have a function of their own over i64. */
#include "ops/ops.h"

#include <math.h>

#include "ops/axis.h"
#include "ops/elementwise/unary_math.h"
#include "ops/loop.h"
#include "ops/number.h"

/* Which dtypes an op takes. */
typedef enum takes { FLOATS, NUMBERS, ANYTHING } takes;

static tdag_status unary_shape(const tdagi_shape_call *c, const char *op, takes what)
{
    tdag_dtype dtype = c->inputs[0].dtype;
    if (what == FLOATS && !tdag_dtype_is_float(dtype))
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "%s needs a float dtype, the input is %s", op,
                          tdag_dtype_name(dtype));
    if (what == NUMBERS && dtype == TDAG_BOOL)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE, "%s does not take bool", op);
    *c->out = c->inputs[0];
    return TDAG_OK;
}

/* Rows in place. */
typedef void float_row(double *x, int64_t n);
typedef void integer_row(int64_t *x, int64_t n);

static void float_chunk(tdag_dtype dtype, float_row *row, const void *from, int64_t n,
                        void *to)
{
    double x[TDAGI_CHUNK];
    float rounded[TDAGI_CHUNK];
    tdagi_load_f64(dtype, from, n, x);
    row(x, n);
    if (dtype == TDAG_F64 || dtype == TDAG_F32) {
        tdagi_store_f64(dtype, x, n, to);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        rounded[i] = (float)x[i];
    tdagi_store_half(dtype, rounded, n, to);
}

static tdag_status unary_eval(const tdagi_eval_call *c, float_row *floats,
                              integer_row *integers)
{
    const tdag_tensor *x = c->inputs[0];
    tdag_dtype dtype = x->dtype;
    size_t size = tdag_dtype_size(dtype);
    int64_t chunk[TDAGI_CHUNK];
    for (int64_t at = 0; at < x->count; at += TDAGI_CHUNK) {
        int64_t n = x->count - at < TDAGI_CHUNK ? x->count - at : TDAGI_CHUNK;
        const void *from = tdagi_const_at(x->data, at, size);
        void *to = tdagi_at(c->out->data, at, size);
        if (tdag_dtype_is_float(dtype)) {
            float_chunk(dtype, floats, from, n, to);
        } else {
            tdagi_load_i64(dtype, from, n, chunk);
            integers(chunk, n);
            tdagi_store_i64(dtype, chunk, n, to);
        }
    }
    return TDAG_OK;
}

/* The function of a row by an expression of one element, x. */
#define FLOAT_ROW(name, expression)                                                    \
    static void name##_floats(double *row, int64_t n)                                  \
    {                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                              \
            double x = row[i];                                                         \
            row[i] = (expression);                                                     \
        }                                                                              \
    }
#define INTEGER_ROW(name, expression)                                                  \
    static void name##_integers(int64_t *row, int64_t n)                               \
    {                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                              \
            int64_t x = row[i];                                                        \
            row[i] = (expression);                                                     \
        }                                                                              \
    }
#define UNARY(name, what, integers, text)                                              \
    static tdag_status name##_shape(const tdagi_shape_call *c)                         \
    {                                                                                  \
        return unary_shape(c, #name, what);                                            \
    }                                                                                  \
    static tdag_status name##_eval(const tdagi_eval_call *c)                           \
    {                                                                                  \
        return unary_eval(c, name##_floats, integers);                                 \
    }                                                                                  \
    static tdag_status name##_drop_dim(const tdagi_axis_call *c)                       \
    {                                                                                  \
        return tdagi_axis_unary(c, tdag_op_from_name(#name));                          \
    }                                                                                  \
    static tdag_status name##_add_dim(const tdagi_axis_call *c)                        \
    {                                                                                  \
        return tdagi_axis_put_one(c, tdag_op_from_name(#name), NULL);                  \
    }                                                                                  \
    const tdagi_opdef tdagi_op_##name = {                                              \
        .brief = text,                                                                 \
        .op_class = TDAGI_CLASS_ELEMENTWISE,                                           \
        .shape = name##_shape,                                                         \
        .cost = tdagi_cost_element,                                                    \
        .eval = name##_eval,                                                           \
        .drop_dim = name##_drop_dim,                                                   \
        .add_dim = name##_add_dim,                                                     \
    };

FLOAT_ROW(neg, -x)
FLOAT_ROW(reciprocal, 1 / x)
FLOAT_ROW(sqrt, sqrt(x))
FLOAT_ROW(exp, exp(x))
FLOAT_ROW(log, log(x))
FLOAT_ROW(sin, sin(x))
FLOAT_ROW(arcsin, asin(x))
FLOAT_ROW(cos, cos(x))
FLOAT_ROW(arccos, acos(x))
FLOAT_ROW(tan, tan(x))
FLOAT_ROW(arctan, atan(x))
FLOAT_ROW(sinh, sinh(x))
FLOAT_ROW(arcsinh, asinh(x))
FLOAT_ROW(cosh, cosh(x))
FLOAT_ROW(arccosh, acosh(x))
FLOAT_ROW(tanh, tanh(x))
FLOAT_ROW(arctanh, atanh(x))
FLOAT_ROW(gaussian, tdagi_gaussian(x))
FLOAT_ROW(inv_gaussian, tdagi_inv_gaussian(x))
FLOAT_ROW(sign, (double)((x > 0) - (x < 0)))
FLOAT_ROW(floor, floor(x))
INTEGER_ROW(neg, (int64_t)(0 - (uint64_t)x))
INTEGER_ROW(sign, (x > 0) - (x < 0))
INTEGER_ROW(floor, x)

UNARY(neg, NUMBERS, neg_integers, "-x; integers wrap")
UNARY(reciprocal, FLOATS, NULL, "1/x")
UNARY(sqrt, FLOATS, NULL, "the square root")
UNARY(exp, FLOATS, NULL, "e to the power x")
UNARY(log, FLOATS, NULL, "the natural logarithm")
UNARY(sin, FLOATS, NULL, "the sine")
UNARY(arcsin, FLOATS, NULL, "the inverse of the sine")
UNARY(cos, FLOATS, NULL, "the cosine")
UNARY(arccos, FLOATS, NULL, "the inverse of the cosine")
UNARY(tan, FLOATS, NULL, "the tangent")
UNARY(arctan, FLOATS, NULL, "the inverse of the tangent")
UNARY(sinh, FLOATS, NULL, "the hyperbolic sine")
UNARY(arcsinh, FLOATS, NULL, "the inverse of the hyperbolic sine")
UNARY(cosh, FLOATS, NULL, "the hyperbolic cosine")
UNARY(arccosh, FLOATS, NULL, "the inverse of the hyperbolic cosine")
UNARY(tanh, FLOATS, NULL, "the hyperbolic tangent")
UNARY(arctanh, FLOATS, NULL, "the inverse of the hyperbolic tangent")
UNARY(gaussian, FLOATS, NULL, "the cumulative distribution of the standard normal")
UNARY(inv_gaussian, FLOATS, NULL, "the inverse of gaussian; NaN outside of 0..1")
UNARY(sign, ANYTHING, sign_integers, "-1, 0 or 1; 0 for NaN")
UNARY(floor, NUMBERS, floor_integers, "the greatest integer that is not above x")
