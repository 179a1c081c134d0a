/* squeeze and unsqueeze: axes of size 1 go away or appear. The elements do not move. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/loop.h"

static const tdagi_field axes_fields[] = {
    TDAGI_FIELD(tdag_axes_spec, axes, INTS),
    {0},
};

static tdag_status squeeze_shape(const tdagi_shape_call *c)
{
    const tdag_axes_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    uint32_t next = 0, rank = 0;
    TDAGI_TRY(tdagi_ops_check_axes(c, "squeeze", spec->axes, x->rank));
    for (uint32_t i = 0; i < x->rank; i++) {
        if (next < spec->axes.n && spec->axes.v[next] == (int64_t)i) {
            next++;
            if (!tdagi_ops_same_dim(c->pool, x->shape[i], 1)) {
                tdagi_ops_text text;
                return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                                  "squeeze: axis %" PRIu32 " has dim %s, not 1", i,
                                  tdagi_ops_dim(c->pool, x->shape[i], &text));
            }
        } else {
            c->out->shape[rank++] = x->shape[i];
        }
    }
    c->out->dtype = x->dtype;
    c->out->rank = rank;
    return TDAG_OK;
}

static tdag_status unsqueeze_shape(const tdagi_shape_call *c)
{
    const tdag_axes_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(tdagi_ops_check_rank(c, "unsqueeze", (uint64_t)x->rank + spec->axes.n));
    uint32_t rank = x->rank + spec->axes.n, next = 0, from = 0;
    TDAGI_TRY(tdagi_ops_check_axes(c, "unsqueeze", spec->axes, rank));
    for (uint32_t i = 0; i < rank; i++) {
        bool new_axis = next < spec->axes.n && spec->axes.v[next] == (int64_t)i;
        if (new_axis) next++;
        c->out->shape[i] = new_axis ? 1 : x->shape[from++];
    }
    c->out->dtype = x->dtype;
    c->out->rank = rank;
    return TDAG_OK;
}

static void squeeze_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_axes_spec *spec = c->spec;
    uint32_t next = 0;
    for (uint32_t i = 0; i < c->in_rank; i++) {
        bool gone = next < spec->axes.n && spec->axes.v[next] == (int64_t)i;
        tdagi_index_add(out, i, gone ? -1 : (int64_t)(i - next));
        next += gone;
    }
}

static void unsqueeze_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_axes_spec *spec = c->spec;
    uint32_t next = 0;
    for (uint32_t i = 0; i < c->out_rank; i++) {
        bool added = next < spec->axes.n && spec->axes.v[next] == (int64_t)i;
        tdagi_index_add(out, added ? -1 : (int64_t)(i - next), i);
        next += added;
    }
}

static tdag_status squeeze_drop_dim(const tdagi_axis_call *c)
{
    const tdag_axes_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    tdagi_mark out = *m;
    tdagi_axis_numbers axes = {0};
    for (uint32_t i = 0; i < spec->axes.n; i++) {
        int64_t axis = spec->axes.v[i];
        if (axis == m->axis) return tdagi_axis_refuse(c, "squeeze", "removes its axis");
        if (axis < m->axis) out.axis--;
        axes.v[axes.n++] = tdagi_mark_shift(m, axis);
    }
    const tdag_axes_spec without = {tdagi_axis_list(&axes)};
    return tdagi_axis_done(c, TDAG_OP_SQUEEZE, &without, c->inputs, &out);
}

static tdag_status unsqueeze_drop_dim(const tdagi_axis_call *c)
{
    const tdag_axes_spec *spec = c->spec;
    tdagi_mark out = c->marks[0];
    tdagi_axis_numbers axes = {0};
    for (uint32_t i = 0; i < spec->axes.n && out.axis >= 0; i++)
        if (spec->axes.v[i] <= out.axis) out.axis++;
    for (uint32_t i = 0; i < spec->axes.n; i++)
        axes.v[axes.n++] = tdagi_mark_shift(&out, spec->axes.v[i]);
    const tdag_axes_spec without = {tdagi_axis_list(&axes)};
    return tdagi_axis_done(c, TDAG_OP_UNSQUEEZE, &without, c->inputs, &out);
}

static tdag_status squeeze_add_dim(const tdagi_axis_call *c)
{
    const tdag_axes_spec *spec = c->spec;
    tdagi_axis_numbers axes = tdagi_axis_later(spec->axes);
    const tdag_axes_spec with = {tdagi_axis_list(&axes)};
    return tdagi_axis_put_one(c, TDAG_OP_SQUEEZE, &with);
}

static tdag_status unsqueeze_add_dim(const tdagi_axis_call *c)
{
    const tdag_axes_spec *spec = c->spec;
    tdagi_axis_numbers axes = tdagi_axis_later(spec->axes);
    const tdag_axes_spec with = {tdagi_axis_list(&axes)};
    return tdagi_axis_put_one(c, TDAG_OP_UNSQUEEZE, &with);
}

const tdagi_opdef tdagi_op_squeeze = {
    .brief = "removes axes of size 1",
    .op_class = TDAGI_CLASS_VIEW,
    .same_order = true,
    .rearranges = true,
    .spec_size = sizeof(tdag_axes_spec),
    .fields = axes_fields,
    .shape = squeeze_shape,
    .cost = tdagi_cost_move,
    .eval = tdagi_eval_same_order,
    .index = squeeze_index,
    .drop_dim = squeeze_drop_dim,
    .counts_dim = true,
    .add_dim = squeeze_add_dim,
};
const tdagi_opdef tdagi_op_unsqueeze = {
    .brief = "inserts axes of size 1",
    .op_class = TDAGI_CLASS_VIEW,
    .same_order = true,
    .rearranges = true,
    .spec_size = sizeof(tdag_axes_spec),
    .fields = axes_fields,
    .shape = unsqueeze_shape,
    .cost = tdagi_cost_move,
    .eval = tdagi_eval_same_order,
    .index = unsqueeze_index,
    .drop_dim = unsqueeze_drop_dim,
    .counts_dim = true,
    .add_dim = unsqueeze_add_dim,
};
