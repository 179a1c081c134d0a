/* Unary element-wise ops except convert: one table of names, dtypes and functions. */
#include "ops/ops.h"

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

#define UNARY(name, what, text)                                                        \
    static tdag_status name##_shape(const tdagi_shape_call *c)                         \
    {                                                                                  \
        return unary_shape(c, #name, what);                                            \
    }                                                                                  \
    const tdagi_opdef tdagi_op_##name = {                                              \
        .brief = text,                                                                 \
        .shape = name##_shape,                                                         \
        .cost = tdagi_cost_element,                                                    \
    };

UNARY(neg, NUMBERS, "-x; integers wrap")
UNARY(reciprocal, FLOATS, "1/x")
UNARY(sqrt, FLOATS, "the square root")
UNARY(exp, FLOATS, "e to the power x")
UNARY(log, FLOATS, "the natural logarithm")
UNARY(sin, FLOATS, "the sine")
UNARY(arcsin, FLOATS, "the inverse of the sine")
UNARY(cos, FLOATS, "the cosine")
UNARY(arccos, FLOATS, "the inverse of the cosine")
UNARY(tan, FLOATS, "the tangent")
UNARY(arctan, FLOATS, "the inverse of the tangent")
UNARY(sinh, FLOATS, "the hyperbolic sine")
UNARY(arcsinh, FLOATS, "the inverse of the hyperbolic sine")
UNARY(cosh, FLOATS, "the hyperbolic cosine")
UNARY(arccosh, FLOATS, "the inverse of the hyperbolic cosine")
UNARY(tanh, FLOATS, "the hyperbolic tangent")
UNARY(arctanh, FLOATS, "the inverse of the hyperbolic tangent")
UNARY(gaussian, FLOATS, "the cumulative distribution of the standard normal")
UNARY(inv_gaussian, FLOATS, "the inverse of gaussian; NaN outside of 0..1")
UNARY(sign, ANYTHING, "-1, 0 or 1; 0 for NaN")
UNARY(floor, NUMBERS, "the greatest integer that is not above x")
