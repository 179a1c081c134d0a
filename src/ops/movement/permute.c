/* permute: axis i of the result is axis order[i] of the input. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/movement/index.h"

static const tdagi_field permute_fields[] = {
    TDAGI_FIELD(tdag_permute_spec, order, INTS),
    {0},
};

static tdag_status permute_shape(const tdagi_shape_call *c)
{
    const tdag_permute_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    uint32_t seen = 0;
    TDAGI_TRY(tdagi_ops_check_per_axis(c, "permute", "order", spec->order));
    c->out->dtype = x->dtype;
    c->out->rank = x->rank;
    for (uint32_t i = 0; i < x->rank; i++) {
        int64_t axis = spec->order.v[i];
        if (axis < 0 || axis >= (int64_t)x->rank)
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "permute: axis %" PRId64
                              " is outside of a shape of %" PRIu32 " axes",
                              axis, x->rank);
        if (seen >> axis & 1)
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "permute: order names axis %" PRId64 " twice", axis);
        seen |= (uint32_t)1 << axis;
        c->out->shape[i] = x->shape[axis];
    }
    return TDAG_OK;
}

static void permute_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_permute_spec *spec = c->spec;
    for (uint32_t i = 0; i < spec->order.n; i++)
        tdagi_index_add(out, spec->order.v[i], i);
}

static tdag_status permute_eval(const tdagi_eval_call *c)
{
    return tdagi_eval_by_index(c, permute_index);
}

static tdag_status permute_drop_dim(const tdagi_axis_call *c)
{
    const tdag_permute_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    tdagi_mark out = *m;
    tdagi_axis_numbers order = {0};
    for (uint32_t i = 0; i < spec->order.n; i++) {
        bool here = spec->order.v[i] == m->axis;
        if (here) out.axis = (int32_t)i;
        if (here && tdagi_mark_alone(m)) continue;
        order.v[order.n++] = tdagi_mark_shift(m, spec->order.v[i]);
    }
    const tdag_permute_spec without = {tdagi_axis_list(&order)};
    return tdagi_axis_done(c, TDAG_OP_PERMUTE, &without, c->inputs, &out);
}

/* The input is the permute that the rule of an indexed op put behind it. */
static bool is_moved_back(const tdagi_axis_call *c)
{
    const tdagi_node *nodes = c->builder->graph->nodes, *x = &nodes[c->inputs[0]];
    if (x->op != TDAG_OP_PERMUTE ||
        tdagi_op_class_of(nodes[tdagi_node_inputs(x)[0].id].op) != TDAGI_CLASS_INDEXED)
        return false;
    tdag_list order = ((const tdag_permute_spec *)x->u.spec)->order;
    for (uint32_t i = 2; i < order.n; i++)
        if (order.v[i] < order.v[i - 1]) return false;
    return true;
}

static tdag_status permute_add_dim(const tdagi_axis_call *c)
{
    const tdag_permute_spec *spec = c->spec;
    tdagi_axis_numbers later = tdagi_axis_later(spec->order);
    tdagi_axis_numbers order = tdagi_axis_lead(0, tdagi_axis_list(&later));
    if (is_moved_back(c)) return tdagi_axis_permute(c, &order, c->inputs[0], c->out);
    const tdag_permute_spec with = {tdagi_axis_list(&order)};
    return tdagi_axis_put_one(c, TDAG_OP_PERMUTE, &with);
}

const tdagi_opdef tdagi_op_permute = {
    .brief = "reorders the axes: axis i of the result is axis order[i] of the input",
    .op_class = TDAGI_CLASS_VIEW,
    .rearranges = true,
    .spec_size = sizeof(tdag_permute_spec),
    .fields = permute_fields,
    .shape = permute_shape,
    .cost = tdagi_cost_move,
    .eval = permute_eval,
    .index = permute_index,
    .drop_dim = permute_drop_dim,
    .counts_dim = true,
    .add_dim = permute_add_dim,
};
