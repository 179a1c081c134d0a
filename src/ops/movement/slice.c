/* slice and select: a contiguous part of each axis; one position of one axis, which
 * stays as an axis of size 1. They read what they return. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/movement/index.h"

static const tdagi_field slice_fields[] = {
    TDAGI_FIELD(tdag_slice_spec, start, DIMS),
    TDAGI_FIELD(tdag_slice_spec, end, DIMS),
    {0},
};
static const tdagi_field select_fields[] = {
    TDAGI_FIELD(tdag_select_spec, axis, INT),
    TDAGI_FIELD(tdag_select_spec, index, DIM),
    {0},
};

static tdag_status slice_shape(const tdagi_shape_call *c)
{
    const tdag_slice_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(tdagi_ops_check_ends(c, "slice", "start", spec->start, "end", spec->end));
    for (uint32_t i = 0; i < x->rank; i++) {
        int64_t start = tdagi_dim_sample(c->pool, spec->start.v[i]);
        int64_t end = tdagi_dim_sample(c->pool, spec->end.v[i]);
        if (start > end || end > tdagi_dim_sample(c->pool, x->shape[i])) {
            tdagi_ops_text a, b, n;
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "slice: axis %" PRIu32 " of dim %s"
                              " has no part from %s to %s",
                              i, tdagi_ops_dim(c->pool, x->shape[i], &n),
                              tdagi_ops_dim(c->pool, spec->start.v[i], &a),
                              tdagi_ops_dim(c->pool, spec->end.v[i], &b));
        }
        c->out->shape[i] = tdagi_dim_sub(c->pool, spec->end.v[i], spec->start.v[i]);
    }
    c->out->dtype = x->dtype;
    c->out->rank = x->rank;
    return tdagi_ops_finish(c);
}

static tdag_status select_shape(const tdagi_shape_call *c)
{
    const tdag_select_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(tdagi_ops_check_axis(c, "select", spec->axis));
    TDAGI_TRY(tdagi_ops_check_dims(c, "select", "index", (tdag_list){1, &spec->index}));
    tdag_dim n = x->shape[spec->axis];
    if (tdagi_dim_sample(c->pool, spec->index) >= tdagi_dim_sample(c->pool, n)) {
        tdagi_ops_text a, b;
        return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                          "select: index %s is outside of axis %" PRId64 " of dim %s",
                          tdagi_ops_dim(c->pool, spec->index, &a), spec->axis,
                          tdagi_ops_dim(c->pool, n, &b));
    }
    *c->out = *x;
    c->out->shape[spec->axis] = 1;
    return TDAG_OK;
}

static void slice_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_slice_spec *spec = c->spec;
    for (uint32_t i = 0; i < c->in_rank; i++)
        tdagi_index_add(out, i, i)->start = spec->start.v[i];
}

static void select_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_select_spec *spec = c->spec;
    for (uint32_t i = 0; i < c->in_rank; i++) {
        tdagi_piece *p = tdagi_index_add(out, i, i);
        if (spec->axis != (int64_t)i) continue;
        p->start = spec->index;
        p->stride = 0;
    }
}

static tdag_status slice_eval(const tdagi_eval_call *c)
{
    return tdagi_eval_by_index(c, slice_index);
}

static tdag_status select_eval(const tdagi_eval_call *c)
{
    return tdagi_eval_by_index(c, select_index);
}

/* Some of equal parts: as many of the one that is left. */
static tdag_status slice_same(const tdagi_axis_call *c)
{
    const tdag_slice_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    uint32_t x = c->inputs[0];
    tdagi_axis_numbers start = tdagi_mark_entries(m, spec->start, 0);
    tdagi_axis_numbers end = tdagi_mark_entries(m, spec->end, 0), counts = {0};
    const tdag_slice_spec without = {tdagi_axis_list(&start), tdagi_axis_list(&end)};
    TDAGI_TRY(tdagi_axis_add(c, TDAG_OP_SLICE, &without, &x, 1, &x));
    tdag_dim n = c->output->shape[m->axis];
    if (n == c->dim) {
        *c->out = x;
        *c->mark_out = *m;
        return TDAG_OK;
    }
    TDAGI_TRY(tdagi_axis_resize(c, TDAG_OP_UNSQUEEZE, m->axis, x, &x));
    for (uint32_t i = 0; i < c->output->rank; i++)
        counts.v[counts.n++] = (int32_t)i == m->axis ? n : 1;
    const tdag_repeat_spec repeat = {tdagi_axis_list(&counts)};
    return tdagi_axis_done(c, TDAG_OP_REPEAT, &repeat, &x, tdagi_mark_none());
}

static tdag_status slice_drop_dim(const tdagi_axis_call *c)
{
    const tdag_slice_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    if (m->same && tdagi_mark_alone(m)) return slice_same(c);
    if (m->axis >= 0 && (spec->start.v[m->axis] != 0 ||
                         !tdagi_ops_same_dim(c->pool, spec->end.v[m->axis],
                                             c->types[0].shape[m->axis])))
        return tdagi_axis_refuse(c, "slice", "keeps a part of its axis");
    tdagi_axis_numbers start = tdagi_mark_entries(m, spec->start, 0);
    tdagi_axis_numbers end = tdagi_mark_entries(m, spec->end, tdagi_mark_rest(c, m));
    const tdag_slice_spec without = {tdagi_axis_list(&start), tdagi_axis_list(&end)};
    return tdagi_axis_done(c, TDAG_OP_SLICE, &without, c->inputs, m);
}

static tdag_status select_drop_dim(const tdagi_axis_call *c)
{
    const tdag_select_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    if (spec->axis == m->axis && m->same && tdagi_mark_alone(m)) {
        *c->mark_out = *tdagi_mark_none();
        return tdagi_axis_resize(c, TDAG_OP_UNSQUEEZE, m->axis, c->inputs[0], c->out);
    }
    if (spec->axis == m->axis)
        return tdagi_axis_refuse(c, "select", "picks a position of its axis");
    const tdag_select_spec without = {tdagi_mark_shift(m, spec->axis), spec->index};
    return tdagi_axis_done(c, TDAG_OP_SELECT, &without, c->inputs, m);
}

static tdag_status slice_add_dim(const tdagi_axis_call *c)
{
    const tdag_slice_spec *spec = c->spec;
    tdagi_axis_numbers start = tdagi_axis_lead(0, spec->start);
    tdagi_axis_numbers end = tdagi_axis_lead(c->dim, spec->end);
    const tdag_slice_spec with = {tdagi_axis_list(&start), tdagi_axis_list(&end)};
    return tdagi_axis_put_one(c, TDAG_OP_SLICE, &with);
}

static tdag_status select_add_dim(const tdagi_axis_call *c)
{
    const tdag_select_spec *spec = c->spec;
    const tdag_select_spec with = {spec->axis + 1, spec->index};
    return tdagi_axis_put_one(c, TDAG_OP_SELECT, &with);
}

const tdagi_opdef tdagi_op_slice = {
    .brief = "the part start <= i < end of each axis",
    .op_class = TDAGI_CLASS_VIEW,
    .spec_size = sizeof(tdag_slice_spec),
    .fields = slice_fields,
    .shape = slice_shape,
    .cost = tdagi_cost_part,
    .eval = slice_eval,
    .index = slice_index,
    .drop_dim = slice_drop_dim,
    .counts_dim = true,
    .add_dim = slice_add_dim,
};
const tdagi_opdef tdagi_op_select = {
    .brief = "one position of an axis, which becomes size 1",
    .op_class = TDAGI_CLASS_VIEW,
    .spec_size = sizeof(tdag_select_spec),
    .fields = select_fields,
    .shape = select_shape,
    .cost = tdagi_cost_part,
    .eval = select_eval,
    .index = select_index,
    .drop_dim = select_drop_dim,
    .counts_dim = true,
    .add_dim = select_add_dim,
};
