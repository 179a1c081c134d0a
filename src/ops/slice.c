/* slice and select: a contiguous part of each axis; one position of one axis, which
 * stays as an axis of size 1. They read what they return. */
#include "ops/ops.h"

#include <inttypes.h>

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
    TDAGI_TRY(tdagi_ops_check_per_axis(c, "slice", "start", spec->start));
    TDAGI_TRY(tdagi_ops_check_per_axis(c, "slice", "end", spec->end));
    TDAGI_TRY(tdagi_ops_check_dims(c, "slice", "start", spec->start));
    TDAGI_TRY(tdagi_ops_check_dims(c, "slice", "end", spec->end));
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

const tdagi_opdef tdagi_op_slice = {
    .brief = "the part start <= i < end of each axis",
    .spec_size = sizeof(tdag_slice_spec),
    .fields = slice_fields,
    .shape = slice_shape,
    .cost = tdagi_cost_part,
};
const tdagi_opdef tdagi_op_select = {
    .brief = "one position of an axis, which becomes size 1",
    .spec_size = sizeof(tdag_select_spec),
    .fields = select_fields,
    .shape = select_shape,
    .cost = tdagi_cost_part,
};
