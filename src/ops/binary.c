/* Binary element-wise ops with NumPy broadcasting. Both operands have the same dtype.
 * add and multiply of bool are or and and; integers wrap. */
#include "ops/ops.h"

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

#define BINARY(name, compares, takes_bool, text)                                       \
    static tdag_status name##_shape(const tdagi_shape_call *c)                         \
    {                                                                                  \
        return binary_shape(c, #name, compares, takes_bool);                           \
    }                                                                                  \
    const tdagi_opdef tdagi_op_##name = {                                              \
        .brief = text,                                                                 \
        .shape = name##_shape,                                                         \
        .cost = tdagi_cost_element,                                                    \
    };

BINARY(add, false, true, "x + y; or, for bool")
BINARY(multiply, false, true, "x * y; and, for bool")
BINARY(floor_divide, false, false, "the greatest integer not above x / y")
BINARY(less, true, true, "x < y, as bool")
BINARY(equal, true, true, "x == y, as bool")
