/* Leaves: input, parameter, buffer and constant hold what they are declared with and
 * count nothing. iota generates its elements: it is a core op without inputs, so it
 * reads nothing and writes its result. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/number.h"

static tdag_status declared_shape(const tdagi_shape_call *c)
{
    return tdagi_fail(c->ctx, TDAG_E_ARG,
                      "a leaf with a declared type is not made by its shape rule");
}

#define LEAF(name, holds, text)                                                        \
    const tdagi_opdef tdagi_op_##name = {                                              \
        .brief = text,                                                                 \
        .op_class = TDAGI_CLASS_LEAF,                                                  \
        .holds_tensor = holds,                                                         \
        .shape = declared_shape,                                                       \
        .cost = tdagi_cost_none,                                                       \
    };
LEAF(input, false, "a value given at run time")
LEAF(parameter, true, "a learnable tensor of the model")
LEAF(buffer, true, "a tensor of the model that may change at run time")
LEAF(constant, true, "a tensor that never changes")

static const tdagi_field iota_fields[] = {
    TDAGI_FIELD(tdag_iota_spec, n, DIM),
    TDAGI_FIELD(tdag_iota_spec, dtype, DTYPE),
    {0},
};

static tdag_status iota_shape(const tdagi_shape_call *c)
{
    const tdag_iota_spec *spec = c->spec;
    TDAGI_TRY(tdagi_ops_check_dims(c, "iota", "n", (tdag_list){1, &spec->n}));
    if (!tdagi_ops_is_dtype(spec->dtype) || spec->dtype == TDAG_BOOL)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "iota needs a float or integer dtype, not %s",
                          tdag_dtype_name((tdag_dtype)spec->dtype));
    c->out->dtype = (tdag_dtype)spec->dtype;
    c->out->rank = 1;
    c->out->shape[0] = spec->n;
    return TDAG_OK;
}

static void iota_cost(const tdagi_cost_call *c) { tdagi_ops_cost(c, 0, NULL); }

static tdag_status iota_eval(const tdagi_eval_call *c)
{
    size_t size = tdag_dtype_size(c->out->dtype);
    int64_t chunk[TDAGI_CHUNK];
    for (int64_t at = 0; at < c->out->count; at += TDAGI_CHUNK) {
        int64_t n = c->out->count - at < TDAGI_CHUNK ? c->out->count - at : TDAGI_CHUNK;
        for (int64_t i = 0; i < n; i++)
            chunk[i] = at + i;
        tdagi_store_i64(c->out->dtype, chunk, n,
                        (unsigned char *)c->out->data + (size_t)at * size);
    }
    return TDAG_OK;
}

/* An iota over D would number the samples; its spec is refused then. */
/* c*D numbers count the positions of D in steps of c. */
static tdag_status iota_drop_dim(const tdagi_axis_call *c)
{
    const tdag_iota_spec *spec = c->spec;
    bool mentions;
    TDAGI_TRY(tdagi_axis_mentions(c, spec->n, &mentions));
    if (mentions && tdagi_dim_mod(c->pool, spec->n, c->dim) == 0) {
        tdag_dim rest = tdagi_dim_floordiv(c->pool, spec->n, c->dim);
        const tdagi_mark out = {.outer = 1, .inner = rest, .ramp = rest};
        const tdag_iota_spec without = {rest, spec->dtype};
        if (rest != 1)
            return tdagi_axis_done(c, TDAG_OP_IOTA, &without, c->inputs, &out);
        *c->out = tdag_add_scalar(c->builder, (tdag_dtype)spec->dtype, 0).id;
        *c->mark_out = out;
        return tdag_builder_get_status(c->builder);
    }
    return tdagi_axis_same(c, TDAG_OP_IOTA, tdagi_mark_none());
}

const tdagi_opdef tdagi_op_iota = {
    .brief = "0, 1, ... n-1 along one axis",
    .op_class = TDAGI_CLASS_LEAF,
    .spec_size = sizeof(tdag_iota_spec),
    .fields = iota_fields,
    .shape = iota_shape,
    .cost = iota_cost,
    .eval = iota_eval,
    .drop_dim = iota_drop_dim,
};
