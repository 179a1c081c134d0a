/* scan: running sum, product, min or max along one axis. The numbers follow reduce. */
#include "ops/ops.h"

static const tdagi_field scan_fields[] = {
    TDAGI_FIELD(tdag_scan_spec, axis, INT),
    TDAGI_FIELD_NAMED(tdag_scan_spec, kind, tdagi_ops_reduction_names),
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

const tdagi_opdef tdagi_op_scan = {
    .brief = "running sum, product, min or max along an axis",
    .spec_size = sizeof(tdag_scan_spec),
    .fields = scan_fields,
    .shape = scan_shape,
    .cost = scan_cost,
};
