/* group and ungroup: adjacent axes become one, in row-major order, and the reverse. The
 * elements do not move. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
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

/* Axis `one` counts the run of n axes that begins at `first`. */
static void add_run(tdagi_index_map *out, uint32_t first, int64_t n, uint32_t one,
                    bool groups)
{
    tdagi_piece *p = tdagi_index_add(out, groups ? first : one, groups ? one : first);
    if (n == 1) return;
    p->kind = TDAGI_PIECE_DIGITS;
    p->n_in = (uint8_t)(groups ? n : 1);
    p->n_out = (uint8_t)(groups ? 1 : n);
}

static void group_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_group_spec *spec = c->spec;
    uint32_t axis = 0;
    for (uint32_t i = 0; i < spec->runs.n; axis += (uint32_t)spec->runs.v[i++])
        add_run(out, axis, spec->runs.v[i], i, true);
}

static void ungroup_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_ungroup_spec *spec = c->spec;
    uint32_t axis = 0;
    for (uint32_t i = 0; i < spec->counts.n; axis += (uint32_t)spec->counts.v[i++])
        add_run(out, axis, spec->counts.v[i], i, false);
}

/* The run that holds the axis becomes outer*D*inner of its dims. */
static tdag_status group_drop_dim(const tdagi_axis_call *c)
{
    const tdag_group_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    tdagi_axis_numbers runs = {0};
    tdagi_mark out = *m;
    int64_t axis = 0;
    if (m->axis < 0) return tdagi_axis_same(c, TDAG_OP_GROUP, m);
    for (uint32_t i = 0; i < spec->runs.n; i++) {
        int64_t run = spec->runs.v[i];
        bool here = m->axis >= axis && m->axis < axis + run;
        if (here) out.axis = (int32_t)i;
        for (int64_t k = axis; here && k < axis + run; k++) {
            tdag_dim d = c->types[0].shape[k];
            if (k < m->axis) out.outer = tdagi_dim_mul(c->pool, out.outer, d);
            if (k > m->axis) out.inner = tdagi_dim_mul(c->pool, out.inner, d);
        }
        axis += run;
        if (out.outer != m->outer || out.inner != m->inner) out.free = false;
        if (here && tdagi_mark_alone(m)) run--;
        if (run > 0) runs.v[runs.n++] = run;
    }
    const tdag_group_spec without = {tdagi_axis_list(&runs)};
    TDAGI_TRY(tdagi_axis_done(c, TDAG_OP_GROUP, &without, c->inputs, &out));
    /* grouped with axes of size 1 it is alone again, and what is left of the run goes
     */
    if (!tdagi_mark_alone(&out) || spec->runs.v[out.axis] == 1) return TDAG_OK;
    return tdagi_axis_resize(c, TDAG_OP_SQUEEZE, out.axis, *c->out, c->out);
}

/* a / b where b divides a exactly, else false. */
static bool divides(tdagi_pool *pool, tdag_dim a, tdag_dim b, tdag_dim *out)
{
    if (b == 0 || tdagi_dim_mod(pool, a, b) != 0) return false;
    *out = tdagi_dim_floordiv(pool, a, b);
    return true;
}

/* Among the n factors of the axis, which one holds D, and how: out->axis counts from
 * the first of them. */
static bool factor_with_dim(const tdagi_axis_call *c, const tdag_dim *factors,
                            uint32_t n, tdagi_mark *out)
{
    const tdagi_mark *m = &c->marks[0];
    for (uint32_t k = 0; m->free && k < n; k++) {
        out->axis = (int32_t)k;
        out->outer = 1;
        if (divides(c->pool, factors[k], c->dim, &out->inner)) return true;
    }
    for (uint32_t k = 0; k < n; k++) {
        tdag_dim before = tdagi_dim_product(c->pool, k, factors);
        tdag_dim after = tdagi_dim_product(c->pool, n - k - 1, factors + k + 1);
        if (!divides(c->pool, m->outer, before, &out->outer) ||
            !divides(c->pool, m->inner, after, &out->inner))
            continue;
        tdag_dim whole = tdagi_dim_mul(c->pool, c->dim, tdagi_mark_rest(c, out));
        out->axis = (int32_t)k;
        if (tdagi_ops_same_dim(c->pool, whole, factors[k])) return true;
    }
    return false;
}

/* D was all of the input's axis: the other factors are 1, and appear as new axes. */
static tdag_status ungroup_alone(const tdagi_axis_call *c, uint32_t first,
                                 const tdagi_mark *out)
{
    const tdag_ungroup_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    uint32_t n = (uint32_t)spec->counts.v[m->axis], skip = first;
    tdagi_axis_numbers counts = tdagi_mark_entries(m, spec->counts, 0), factors = {0};
    tdagi_axis_numbers axes = {0};
    for (uint32_t i = 0; i < spec->factors.n; i++)
        if (i < first || i >= first + n) factors.v[factors.n++] = spec->factors.v[i];
    for (uint32_t i = 0; i + 1 < n; i++)
        axes.v[axes.n++] = skip++;
    const tdag_ungroup_spec without = {tdagi_axis_list(&counts),
                                       tdagi_axis_list(&factors)};
    TDAGI_TRY(tdagi_axis_done(c, TDAG_OP_UNGROUP, &without, c->inputs, out));
    if (axes.n == 0) return TDAG_OK;
    const tdag_axes_spec ones = {tdagi_axis_list(&axes)};
    return tdagi_axis_add(c, TDAG_OP_UNSQUEEZE, &ones, c->out, 1, c->out);
}

static tdag_status ungroup_drop_dim(const tdagi_axis_call *c)
{
    const tdag_ungroup_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    tdagi_mark in = {.axis = -1}; /* where D is among the factors of the axis */
    uint32_t first = 0;
    if (m->axis < 0) return tdagi_axis_same(c, TDAG_OP_UNGROUP, m);
    for (int64_t i = 0; i < m->axis; i++)
        first += (uint32_t)spec->counts.v[i];
    if (!factor_with_dim(c, spec->factors.v + first, (uint32_t)spec->counts.v[m->axis],
                         &in))
        return tdagi_axis_refuse(c, "ungroup",
                                 "splits its axis so that no factor holds all of it");
    tdagi_mark out = *m;
    out.axis = (int32_t)first + in.axis;
    out.outer = in.outer;
    out.inner = in.inner;
    if (tdagi_mark_alone(m)) return ungroup_alone(c, first, &out);
    tdagi_axis_numbers factors =
        tdagi_mark_entries(&out, spec->factors, tdagi_mark_rest(c, &out));
    tdagi_axis_numbers counts = {0};
    for (uint32_t i = 0; i < spec->counts.n; i++)
        counts.v[counts.n++] = spec->counts.v[i];
    if (tdagi_mark_alone(&out)) counts.v[m->axis]--;
    const tdag_ungroup_spec without = {tdagi_axis_list(&counts),
                                       tdagi_axis_list(&factors)};
    return tdagi_axis_done(c, TDAG_OP_UNGROUP, &without, c->inputs, &out);
}

static tdag_status group_add_dim(const tdagi_axis_call *c)
{
    const tdag_group_spec *spec = c->spec;
    tdagi_axis_numbers runs = tdagi_axis_lead(1, spec->runs);
    const tdag_group_spec with = {tdagi_axis_list(&runs)};
    return tdagi_axis_put_one(c, TDAG_OP_GROUP, &with);
}

static tdag_status ungroup_add_dim(const tdagi_axis_call *c)
{
    const tdag_ungroup_spec *spec = c->spec;
    tdagi_axis_numbers counts = tdagi_axis_lead(1, spec->counts);
    tdagi_axis_numbers factors = tdagi_axis_lead(c->dim, spec->factors);
    const tdag_ungroup_spec with = {tdagi_axis_list(&counts),
                                    tdagi_axis_list(&factors)};
    return tdagi_axis_put_one(c, TDAG_OP_UNGROUP, &with);
}

const tdagi_opdef tdagi_op_group = {
    .brief = "each run of adjacent axes becomes one axis, in row-major order",
    .op_class = TDAGI_CLASS_VIEW,
    .same_order = true,
    .rearranges = true,
    .spec_size = sizeof(tdag_group_spec),
    .fields = group_fields,
    .shape = group_shape,
    .cost = tdagi_cost_move,
    .eval = tdagi_eval_same_order,
    .index = group_index,
    .drop_dim = group_drop_dim,
    .counts_dim = true,
    .add_dim = group_add_dim,
};
const tdagi_opdef tdagi_op_ungroup = {
    .brief = "each axis splits into its factors, in row-major order",
    .op_class = TDAGI_CLASS_VIEW,
    .same_order = true,
    .rearranges = true,
    .spec_size = sizeof(tdag_ungroup_spec),
    .fields = ungroup_fields,
    .shape = ungroup_shape,
    .cost = tdagi_cost_move,
    .eval = tdagi_eval_same_order,
    .index = ungroup_index,
    .drop_dim = ungroup_drop_dim,
    .counts_dim = true,
    .add_dim = ungroup_add_dim,
};
