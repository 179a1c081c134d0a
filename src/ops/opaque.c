/* opaque: one result of an operator that has no recipe, kept as its framework wrote it.
 * It has a declared type, no evaluation and no price: its counts are 0, and whoever
 * sums them up says how many nodes were not priced. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"

static const tdagi_field opaque_fields[] = {
    TDAGI_FIELD(tdag_opaque_spec, name, STRING),
    TDAGI_FIELD(tdag_opaque_spec, arguments, STRING),
    TDAGI_FIELD(tdag_opaque_spec, output, INT),
    TDAGI_FIELD(tdag_opaque_spec, dtype, DTYPE),
    TDAGI_FIELD(tdag_opaque_spec, shape, DIMS),
    {0},
};

static tdag_status opaque_shape(const tdagi_shape_call *c)
{
    const tdag_opaque_spec *spec = c->spec;
    if (spec->output < 0)
        return tdagi_fail(c->ctx, TDAG_E_ARG, "opaque: output %" PRId64 " is negative",
                          spec->output);
    if (!tdagi_ops_is_dtype(spec->dtype))
        return tdagi_fail(c->ctx, TDAG_E_DTYPE, "opaque: %" PRId64 " is no dtype",
                          spec->dtype);
    TDAGI_TRY(tdagi_ops_check_rank(c, "opaque", spec->shape.n));
    TDAGI_TRY(tdagi_ops_check_dims(c, "opaque", "shape", spec->shape));
    c->out->dtype = (tdag_dtype)spec->dtype;
    c->out->rank = spec->shape.n;
    for (uint32_t i = 0; i < spec->shape.n; i++)
        c->out->shape[i] = spec->shape.v[i];
    return TDAG_OK;
}

/* Nothing is known about what it does with its inputs. */
static tdag_status opaque_drop_dim(const tdagi_axis_call *c)
{
    const tdag_opaque_spec *spec = c->spec;
    if (!tdagi_axis_unmarked(c))
        return tdagi_axis_refuse(c, spec->name, "is an operator without a recipe");
    return tdagi_axis_same(c, TDAG_OP_OPAQUE, tdagi_mark_none());
}

static tdag_status opaque_add_dim(const tdagi_axis_call *c)
{
    const tdag_opaque_spec *spec = c->spec;
    tdagi_ops_text text;
    return tdagi_fail(c->ctx, TDAG_E_UNSUPPORTED,
                      "%s cannot be added: %s is an operator without a recipe",
                      tdagi_ops_dim(c->pool, c->dim, &text), spec->name);
}

const tdagi_opdef tdagi_op_opaque = {
    .brief = "a result of an operator that has no recipe, kept as it is",
    .op_class = TDAGI_CLASS_OPAQUE,
    .spec_size = sizeof(tdag_opaque_spec),
    .fields = opaque_fields,
    .shape = opaque_shape,
    .cost = tdagi_cost_none,
    .drop_dim = opaque_drop_dim,
    .add_dim = opaque_add_dim,
};
