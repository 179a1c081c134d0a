/* where: x where the condition holds, else y, with NumPy broadcasting of all three. The
 * element that is not chosen is never observed. */
#include "ops/ops.h"

static tdag_status where_shape(const tdagi_shape_call *c)
{
    if (c->inputs[0].dtype != TDAG_BOOL)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "where needs a bool condition, it is %s",
                          tdag_dtype_name(c->inputs[0].dtype));
    if (c->inputs[1].dtype != c->inputs[2].dtype)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "where needs operands of one dtype, they are %s and %s",
                          tdag_dtype_name(c->inputs[1].dtype),
                          tdag_dtype_name(c->inputs[2].dtype));
    TDAGI_TRY(tdagi_rule_broadcast(c));
    c->out->dtype = c->inputs[1].dtype;
    return TDAG_OK;
}

const tdagi_opdef tdagi_op_where = {
    .brief = "x where the condition holds, else y",
    .shape = where_shape,
    .cost = tdagi_cost_element,
};
