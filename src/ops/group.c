/* group and ungroup: adjacent axes become one, in row-major order, and the reverse. The
 * elements do not move. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/loop.h"

static const tdagi_field group_fields[] = {
    TDAGI_FIELD(tdag_group_spec, runs, INTS),
    {0},
};
static const tdagi_field ungroup_fields[] = {
    TDAGI_FIELD(tdag_ungroup_spec, counts, INTS),
    TDAGI_FIELD(tdag_ungroup_spec, factors, DIMS),
    {0},
};

static tdag_status group_shape(const tdagi_shape_call *c)
{
    const tdag_group_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    uint32_t axis = 0;
    for (uint32_t i = 0; i < spec->runs.n; i++) {
        int64_t run = spec->runs.v[i];
        if (run < 1)
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "group: run %" PRIu32 " has length %" PRId64
                              ", at least 1 is needed",
                              i, run);
        if (run > (int64_t)(x->rank - axis))
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "group: the runs cover more than the %" PRIu32
                              " axes of the input",
                              x->rank);
        c->out->shape[i] = tdagi_dim_product(c->pool, (uint32_t)run, x->shape + axis);
        axis += (uint32_t)run;
    }
    if (axis != x->rank)
        return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                          "group: the runs cover %" PRIu32
                          " axes, the input has %" PRIu32,
                          axis, x->rank);
    c->out->dtype = x->dtype;
    c->out->rank = spec->runs.n;
    return tdagi_ops_finish(c);
}

/* Checks counts against the rank and the factors; the sum of counts is the new rank. */
static tdag_status ungroup_counts(const tdagi_shape_call *c)
{
    const tdag_ungroup_spec *spec = c->spec;
    uint64_t total = 0;
    TDAGI_TRY(tdagi_ops_check_per_axis(c, "ungroup", "counts", spec->counts));
    for (uint32_t i = 0; i < spec->counts.n; i++) {
        int64_t n = spec->counts.v[i];
        if (n < 1)
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "ungroup: axis %" PRIu32 " splits into %" PRId64
                              " axes, at least 1 is needed",
                              i, n);
        total += n > TDAG_MAX_RANK ? TDAG_MAX_RANK + 1 : (uint64_t)n;
    }
    TDAGI_TRY(tdagi_ops_check_rank(c, "ungroup", total));
    if (total != spec->factors.n)
        return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                          "ungroup: the counts name %" PRIu64
                          " axes, but there are %" PRIu32 " factors",
                          total, spec->factors.n);
    return tdagi_ops_check_dims(c, "ungroup", "factors", spec->factors);
}

static tdag_status ungroup_shape(const tdagi_shape_call *c)
{
    const tdag_ungroup_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    uint32_t axis = 0;
    TDAGI_TRY(ungroup_counts(c));
    for (uint32_t i = 0; i < x->rank; i++) {
        uint32_t n = (uint32_t)spec->counts.v[i];
        tdag_dim product = tdagi_dim_product(c->pool, n, spec->factors.v + axis);
        if (product == TDAGI_DIM_BAD) return tdagi_pool_report(c->ctx, c->pool);
        if (!tdagi_ops_same_dim(c->pool, product, x->shape[i])) {
            tdagi_ops_text a, b;
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "ungroup: the factors of axis %" PRIu32
                              " multiply to %s, but its dim is %s",
                              i, tdagi_ops_dim(c->pool, product, &a),
                              tdagi_ops_dim(c->pool, x->shape[i], &b));
        }
        for (uint32_t k = 0; k < n; k++, axis++)
            c->out->shape[axis] = spec->factors.v[axis];
    }
    c->out->dtype = x->dtype;
    c->out->rank = axis;
    return tdagi_ops_finish(c);
}

const tdagi_opdef tdagi_op_group = {
    .brief = "each run of adjacent axes becomes one axis, in row-major order",
    .spec_size = sizeof(tdag_group_spec),
    .fields = group_fields,
    .shape = group_shape,
    .cost = tdagi_cost_move,
    .eval = tdagi_eval_same_order,
};
const tdagi_opdef tdagi_op_ungroup = {
    .brief = "each axis splits into its factors, in row-major order",
    .spec_size = sizeof(tdag_ungroup_spec),
    .fields = ungroup_fields,
    .shape = ungroup_shape,
    .cost = tdagi_cost_move,
    .eval = tdagi_eval_same_order,
};
