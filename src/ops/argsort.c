/* argsort: the i64 positions that sort each lane of an axis. Stable in both directions:
 * equal elements (-0 and +0 are equal, and so are all NaN) keep their order. NaN sorts
 * as the largest. */
#include "ops/ops.h"

#include <inttypes.h>

static const tdagi_field argsort_fields[] = {
    TDAGI_FIELD(tdag_argsort_spec, axis, INT),
    TDAGI_FIELD(tdag_argsort_spec, descending, BOOL),
    {0},
};

static tdag_status argsort_shape(const tdagi_shape_call *c)
{
    const tdag_argsort_spec *spec = c->spec;
    TDAGI_TRY(tdagi_ops_check_axis(c, "argsort", spec->axis));
    if (spec->descending != 0 && spec->descending != 1)
        return tdagi_fail(c->ctx, TDAG_E_ARG,
                          "argsort: descending is %" PRId64 ", not 0 or 1",
                          spec->descending);
    *c->out = c->inputs[0];
    c->out->dtype = TDAG_I64;
    return TDAG_OK;
}

/* n * ceil(log2 n) per lane. For a symbolic n the logarithm is that of its sample. */
static void argsort_cost(const tdagi_cost_call *c)
{
    const tdag_argsort_spec *spec = c->spec;
    tdag_dim in = tdagi_type_count(c->pool, &c->inputs[0]);
    int64_t n = tdagi_dim_sample(c->pool, c->inputs[0].shape[spec->axis]);
    int64_t log2 = 0;
    while (log2 < 62 && (int64_t)1 << log2 < n)
        log2++;
    tdagi_ops_cost(c, tdagi_dim_mul(c->pool, in, log2), &in);
}

const tdagi_opdef tdagi_op_argsort = {
    .brief = "the positions that sort an axis; stable, NaN as the largest",
    .spec_size = sizeof(tdag_argsort_spec),
    .fields = argsort_fields,
    .shape = argsort_shape,
    .cost = argsort_cost,
};
