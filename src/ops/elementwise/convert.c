/* convert: the same numbers in another dtype. Floats round to nearest even; float to
 * integer truncates, saturates, and turns NaN into 0; integers wrap; to bool is != 0.
 */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/loop.h"
#include "ops/number.h"

static const tdagi_field convert_fields[] = {
    TDAGI_FIELD(tdag_convert_spec, dtype, DTYPE),
    {0},
};

static tdag_status convert_shape(const tdagi_shape_call *c)
{
    const tdag_convert_spec *spec = c->spec;
    if (!tdagi_ops_is_dtype(spec->dtype))
        return tdagi_fail(c->ctx, TDAG_E_DTYPE, "convert: %" PRId64 " is no dtype",
                          spec->dtype);
    *c->out = c->inputs[0];
    c->out->dtype = (tdag_dtype)spec->dtype;
    return TDAG_OK;
}

static tdag_status convert_eval(const tdagi_eval_call *c)
{
    const tdag_tensor *x = c->inputs[0];
    tdag_dtype from = x->dtype, to = c->out->dtype;
    double floats[TDAGI_CHUNK];
    int64_t integers[TDAGI_CHUNK];
    for (int64_t at = 0; at < x->count; at += TDAGI_CHUNK) {
        int64_t n = x->count - at < TDAGI_CHUNK ? x->count - at : TDAGI_CHUNK;
        const void *source = tdagi_const_at(x->data, at, tdag_dtype_size(from));
        void *target = tdagi_at(c->out->data, at, tdag_dtype_size(to));
        if (tdag_dtype_is_float(from)) {
            tdagi_load_f64(from, source, n, floats);
            tdagi_store_f64(to, floats, n, target);
        } else {
            tdagi_load_i64(from, source, n, integers);
            tdagi_store_i64(to, integers, n, target);
        }
    }
    return TDAG_OK;
}

static tdag_status convert_drop_dim(const tdagi_axis_call *c)
{
    const tdag_convert_spec *spec = c->spec;
    bool wide = spec->dtype == TDAG_I64 || spec->dtype == TDAG_I32;
    if (c->marks[0].ramp != 0 && !(wide && !tdag_dtype_is_float(c->types[0].dtype)))
        return tdagi_axis_refuse(c, "convert", "computes with its positions");
    return tdagi_axis_unary(c, TDAG_OP_CONVERT);
}

static tdag_status convert_add_dim(const tdagi_axis_call *c)
{
    return tdagi_axis_put_one(c, TDAG_OP_CONVERT, c->spec);
}

const tdagi_opdef tdagi_op_convert = {
    .brief = "the same numbers in another dtype",
    .op_class = TDAGI_CLASS_ELEMENTWISE,
    .spec_size = sizeof(tdag_convert_spec),
    .fields = convert_fields,
    .shape = convert_shape,
    .cost = tdagi_cost_move, /* a conversion counts no FLOPs */
    .eval = convert_eval,
    .drop_dim = convert_drop_dim,
    .counts_dim = true,
    .add_dim = convert_add_dim,
};
