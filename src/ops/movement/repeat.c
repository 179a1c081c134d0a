/* repeat: axes of size 1 become count copies. A count of 1 leaves any axis as it is. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/movement/index.h"

static const tdagi_field repeat_fields[] = {
    TDAGI_FIELD(tdag_repeat_spec, counts, DIMS),
    {0},
};

static tdag_status repeat_shape(const tdagi_shape_call *c)
{
    const tdag_repeat_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(tdagi_ops_check_per_axis(c, "repeat", "counts", spec->counts));
    TDAGI_TRY(tdagi_ops_check_dims(c, "repeat", "counts", spec->counts));
    for (uint32_t i = 0; i < x->rank; i++) {
        tdag_dim count = spec->counts.v[i];
        bool one = tdagi_ops_same_dim(c->pool, x->shape[i], 1);
        if (count != 1 && !one) {
            tdagi_ops_text a, b;
            return tdagi_fail(
                c->ctx, TDAG_E_SHAPE,
                "repeat: axis %" PRIu32
                " has dim %s and cannot be repeated %s times; only size 1 can",
                i, tdagi_ops_dim(c->pool, x->shape[i], &a),
                tdagi_ops_dim(c->pool, count, &b));
        }
        c->out->shape[i] = count == 1 ? x->shape[i] : count;
    }
    c->out->dtype = x->dtype;
    c->out->rank = x->rank;
    return tdagi_ops_finish(c);
}

static void repeat_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_repeat_spec *spec = c->spec;
    for (uint32_t i = 0; i < c->in_rank; i++)
        tdagi_index_add(out, i, i)->stride = spec->counts.v[i] == 1;
}

static tdag_status repeat_eval(const tdagi_eval_call *c)
{
    return tdagi_eval_by_index(c, repeat_index);
}

/* An axis that is repeated D times becomes one that holds D: all its parts are equal.
 * Of c*D times, D is taken as the outer part. */
static tdag_status repeat_by_dim(const tdagi_axis_call *c, uint32_t axis)
{
    const tdag_repeat_spec *spec = c->spec;
    uint32_t x = c->inputs[0];
    tdag_dim count = spec->counts.v[axis];
    if (c->marks[0].axis >= 0)
        return tdagi_axis_refuse(c, "repeat",
                                 "would have it in two axes of the result");
    if (tdagi_dim_mod(c->pool, count, c->dim) != 0)
        return tdagi_axis_refuse(c, "repeat", "has a count that is no multiple of it");
    tdagi_mark out = {.axis = (int32_t)axis,
                      .outer = 1,
                      .inner = tdagi_dim_floordiv(c->pool, count, c->dim),
                      .same = true,
                      .free = true};
    if (tdagi_mark_alone(&out))
        TDAGI_TRY(tdagi_axis_resize(c, TDAG_OP_SQUEEZE, (int64_t)axis, x, &x));
    tdagi_axis_numbers counts = tdagi_mark_entries(&out, spec->counts, out.inner);
    const tdag_repeat_spec without = {tdagi_axis_list(&counts)};
    return tdagi_axis_done(c, TDAG_OP_REPEAT, &without, &x, &out);
}

static tdag_status repeat_drop_dim(const tdagi_axis_call *c)
{
    const tdag_repeat_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    for (uint32_t i = 0; i < spec->counts.n; i++) {
        bool mentions;
        TDAGI_TRY(tdagi_axis_mentions(c, spec->counts.v[i], &mentions));
        if (mentions) return repeat_by_dim(c, i);
    }
    if (m->axis >= 0 && spec->counts.v[m->axis] != 1)
        return tdagi_axis_refuse(c, "repeat", "repeats its axis");
    tdagi_axis_numbers counts = tdagi_mark_entries(m, spec->counts, 1);
    const tdag_repeat_spec without = {tdagi_axis_list(&counts)};
    return tdagi_axis_done(c, TDAG_OP_REPEAT, &without, c->inputs, m);
}

static tdag_status repeat_add_dim(const tdagi_axis_call *c)
{
    const tdag_repeat_spec *spec = c->spec;
    tdagi_axis_numbers counts = tdagi_axis_lead(1, spec->counts);
    const tdag_repeat_spec with = {tdagi_axis_list(&counts)};
    return tdagi_axis_put_one(c, TDAG_OP_REPEAT, &with);
}

const tdagi_opdef tdagi_op_repeat = {
    .brief = "copies axes of size 1 count times",
    .op_class = TDAGI_CLASS_VIEW,
    .spec_size = sizeof(tdag_repeat_spec),
    .fields = repeat_fields,
    .shape = repeat_shape,
    .cost = tdagi_cost_move,
    .eval = repeat_eval,
    .index = repeat_index,
    .drop_dim = repeat_drop_dim,
    .counts_dim = true,
    .add_dim = repeat_add_dim,
};
