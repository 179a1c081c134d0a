/* convert: the same numbers in another dtype. Floats round to nearest even; float to
 * integer truncates, saturates, and turns NaN into 0; integers wrap; to bool is != 0.
 */
#include "ops/ops.h"

#include <inttypes.h>

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

const tdagi_opdef tdagi_op_convert = {
    .brief = "the same numbers in another dtype",
    .spec_size = sizeof(tdag_convert_spec),
    .fields = convert_fields,
    .shape = convert_shape,
    .cost = tdagi_cost_move, /* a conversion counts no FLOPs */
};
