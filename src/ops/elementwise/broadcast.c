/* The axis rules of element-wise ops: operands broadcast, and are aligned from the last
 * axis on. */
#include "ops/axis.h"

/* The mark of the result, in its axes: all inputs that have D must agree. */
static tdag_status agree(const tdagi_axis_call *c, const char *name, tdagi_mark *out)
{
    *out = *tdagi_mark_none();
    tdag_dim ramp = 0;
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        tdagi_mark m = c->marks[i];
        if (m.axis < 0) continue;
        m.axis += (int32_t)(c->output->rank - c->types[i].rank);
        if (out->axis >= 0 && !tdagi_mark_agrees(c, out, &m))
            return tdagi_axis_refuse(c, name,
                                     "has it in different places in its operands");
        ramp = tdagi_dim_add(c->pool, ramp, m.ramp);
        if (out->axis < 0 || out->free) *out = m;
    }
    out->ramp = ramp;
    return TDAG_OK;
}

/* An operand without D, aligned to the result without D. */
static tdag_status align(const tdagi_axis_call *c, const char *name,
                         const tdagi_mark *mark, uint32_t i, uint32_t *out)
{
    int64_t axis = mark->axis - (int64_t)(c->output->rank - c->types[i].rank);
    *out = c->inputs[i];
    if (axis < 0) return TDAG_OK;
    if (c->types[i].shape[axis] != 1)
        return tdagi_axis_refuse(
            c, name, "has an operand with a fixed element for each of its positions");
    if (!tdagi_mark_alone(mark)) return TDAG_OK;
    return tdagi_axis_squeeze(c, axis, c->inputs[i], out);
}

tdag_status tdagi_axis_broadcast(const tdagi_axis_call *c, tdag_op op)
{
    const char *name = tdag_op_name(op);
    uint32_t inputs[TDAGI_INLINE_INPUTS];
    tdagi_mark mark;
    TDAGI_TRY(agree(c, name, &mark));
    if (mark.axis < 0) return tdagi_axis_same(c, op, &mark);
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        inputs[i] = c->inputs[i];
        if (c->marks[i].axis < 0) TDAGI_TRY(align(c, name, &mark, i, &inputs[i]));
    }
    return tdagi_axis_done(c, op, c->spec, inputs, &mark);
}

tdag_status tdagi_axis_lead_broadcast(const tdagi_axis_call *c, tdag_op op)
{
    uint32_t inputs[TDAGI_INLINE_INPUTS];
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        uint32_t missing = c->output->rank - c->types[i].rank;
        tdagi_axis_numbers axes = {0};
        inputs[i] = c->inputs[i];
        if (c->marks[i].axis < 0 && tdagi_axis_is_concat(c, op))
            TDAGI_TRY(tdagi_axis_repeat_part(c, inputs[i], &inputs[i]));
        if (c->marks[i].axis < 0 || missing == 0) continue;
        for (uint32_t k = 0; k < missing; k++)
            axes.v[axes.n++] = 1 + k;
        TDAGI_TRY(tdagi_axis_unsqueeze(c, &axes, inputs[i], &inputs[i]));
    }
    return tdagi_axis_put(c, op, c->spec, inputs, c->n_inputs, c->out);
}
