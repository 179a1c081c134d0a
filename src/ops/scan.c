/* scan: running sum, product, min or max along one axis. The numbers follow reduce. */
#include "ops/ops.h"

#include "ops/axis.h"
#include "ops/combine.h"

static const char *const kind_names[] = {NULL, "sum", "product", "min", "max", NULL};
static const tdagi_field scan_fields[] = {
    TDAGI_FIELD(tdag_scan_spec, axis, INT),
    TDAGI_FIELD_NAMED(tdag_scan_spec, kind, kind_names),
    {0},
};

static tdag_status scan_shape(const tdagi_shape_call *c)
{
    const tdag_scan_spec *spec = c->spec;
    TDAGI_TRY(tdagi_ops_check_axis(c, "scan", spec->axis));
    TDAGI_TRY(tdagi_ops_check_reduction(c, "scan", spec->kind, false));
    *c->out = c->inputs[0];
    return TDAG_OK;
}

/* Elements - lanes; a lane is one run along the axis. */
static void scan_cost(const tdagi_cost_call *c)
{
    const tdag_scan_spec *spec = c->spec;
    tdagi_type lanes = c->inputs[0];
    lanes.shape[spec->axis] = 1;
    tdag_dim in = tdagi_type_count(c->pool, &c->inputs[0]);
    tdag_dim flops = tdagi_ops_excess(c->pool, in, tdagi_type_count(c->pool, &lanes));
    tdagi_ops_cost(c, flops, &in);
}

/* The lanes of one outer position run side by side, in `sums`. */
static void scan_outer(const tdagi_eval_call *c, int64_t at, int64_t lanes,
                       tdagi_number *sums)
{
    const tdag_scan_spec *spec = c->spec;
    tdag_dtype dtype = c->out->dtype;
    tdag_reduction kind = (tdag_reduction)spec->kind;
    size_t size = tdag_dtype_size(dtype);
    tdagi_number identity = tdagi_identity(dtype, kind);
    for (int64_t i = 0; i < lanes; i++)
        sums[i] = identity;
    for (int64_t i = 0; i < c->out->shape[spec->axis]; i++, at += lanes) {
        tdagi_combine(dtype, kind, sums, 1,
                      tdagi_const_at(c->inputs[0]->data, at, size), lanes);
        tdagi_store_numbers(dtype, sums, lanes, tdagi_at(c->out->data, at, size));
    }
}

static tdag_status scan_eval(const tdagi_eval_call *c)
{
    const tdag_scan_spec *spec = c->spec;
    int64_t lanes = 1, step;
    void *sums = NULL;
    if (c->out->count == 0) return TDAG_OK;
    for (uint32_t i = (uint32_t)spec->axis + 1; i < c->out->rank; i++)
        lanes *= c->out->shape[i];
    step = lanes * c->out->shape[spec->axis];
    TDAGI_TRY(tdagi_array_alloc(c->ctx, (size_t)lanes, sizeof(tdagi_number), &sums));
    for (int64_t at = 0; at < c->out->count; at += step)
        scan_outer(c, at, lanes, sums);
    tdagi_free(c->ctx, sums, (size_t)lanes * sizeof(tdagi_number));
    return TDAG_OK;
}

static tdag_status scan_drop_dim(const tdagi_axis_call *c)
{
    const tdag_scan_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    if (spec->axis == m->axis)
        return tdagi_axis_refuse(c, "scan", "runs along its axis");
    const tdag_scan_spec without = {tdagi_mark_shift(m, spec->axis), spec->kind};
    return tdagi_axis_done(c, TDAG_OP_SCAN, &without, c->inputs, m);
}

static tdag_status scan_add_dim(const tdagi_axis_call *c)
{
    const tdag_scan_spec *spec = c->spec;
    const tdag_scan_spec with = {spec->axis + 1, spec->kind};
    return tdagi_axis_put_one(c, TDAG_OP_SCAN, &with);
}

const tdagi_opdef tdagi_op_scan = {
    .brief = "running sum, product, min or max along an axis",
    .op_class = TDAGI_CLASS_ORDERED,
    .spec_size = sizeof(tdag_scan_spec),
    .fields = scan_fields,
    .shape = scan_shape,
    .cost = scan_cost,
    .eval = scan_eval,
    .drop_dim = scan_drop_dim,
    .add_dim = scan_add_dim,
};
