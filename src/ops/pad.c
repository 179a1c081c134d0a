/* pad: each axis grows at both ends, by a constant or by elements of the input. Every
 * element of the input is used, so all are read (once). An axis without elements can
 * only be padded by a constant. */
#include "ops/ops.h"

#include <inttypes.h>

static const char *const pad_modes[] = {"constant", "reflect", "replicate", "circular",
                                        NULL};
static const tdagi_field pad_fields[] = {
    TDAGI_FIELD(tdag_pad_spec, before, DIMS),
    TDAGI_FIELD(tdag_pad_spec, after, DIMS),
    TDAGI_FIELD_NAMED(tdag_pad_spec, mode, pad_modes),
    TDAGI_FIELD(tdag_pad_spec, value, F64),
    {0},
};

/* The most that one end of an axis of dim n can be padded by, INT64_MAX for no limit.
 */
static int64_t pad_limit(int64_t mode, int64_t n)
{
    if (mode == TDAG_PAD_REFLECT) return n > 0 ? n - 1 : 0;
    if (mode == TDAG_PAD_REPLICATE && n == 0) return 0;
    if (mode == TDAG_PAD_CIRCULAR) return n;
    return INT64_MAX;
}

static tdag_status pad_check(const tdagi_shape_call *c, uint32_t axis, tdag_dim by)
{
    const tdag_pad_spec *spec = c->spec;
    tdag_dim n = c->inputs[0].shape[axis];
    if (tdagi_dim_sample(c->pool, by) <=
        pad_limit(spec->mode, tdagi_dim_sample(c->pool, n)))
        return TDAG_OK;
    tdagi_ops_text a, b;
    return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                      "pad: axis %" PRIu32
                      " of dim %s is too small to be padded by %s in"
                      " mode %s",
                      axis, tdagi_ops_dim(c->pool, n, &a),
                      tdagi_ops_dim(c->pool, by, &b), pad_modes[spec->mode]);
}

static tdag_status pad_shape(const tdagi_shape_call *c)
{
    const tdag_pad_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(tdagi_ops_check_per_axis(c, "pad", "before", spec->before));
    TDAGI_TRY(tdagi_ops_check_per_axis(c, "pad", "after", spec->after));
    TDAGI_TRY(tdagi_ops_check_dims(c, "pad", "before", spec->before));
    TDAGI_TRY(tdagi_ops_check_dims(c, "pad", "after", spec->after));
    if (spec->mode < TDAG_PAD_CONSTANT || spec->mode > TDAG_PAD_CIRCULAR)
        return tdagi_fail(c->ctx, TDAG_E_ARG,
                          "pad: mode %" PRId64 " is not one of its modes", spec->mode);
    for (uint32_t i = 0; i < x->rank; i++) {
        TDAGI_TRY(pad_check(c, i, spec->before.v[i]));
        TDAGI_TRY(pad_check(c, i, spec->after.v[i]));
        tdag_dim both = tdagi_dim_add(c->pool, spec->before.v[i], spec->after.v[i]);
        c->out->shape[i] = tdagi_dim_add(c->pool, x->shape[i], both);
    }
    c->out->dtype = x->dtype;
    c->out->rank = x->rank;
    return tdagi_ops_finish(c);
}

const tdagi_opdef tdagi_op_pad = {
    .brief = "grows each axis at both ends by a constant or by its own elements",
    .spec_size = sizeof(tdag_pad_spec),
    .fields = pad_fields,
    .shape = pad_shape,
    .cost = tdagi_cost_move,
};
