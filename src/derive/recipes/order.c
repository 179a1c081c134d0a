/* Positions and order: argmax, argmin, sort. Exact. */
#include "derive/parts.h"

static const tdagi_field axis_keep_fields[] = {
    TDAGI_FIELD_AS(tdagi_axis_keep_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdagi_axis_keep_spec, keep, BOOL),
    {0},
};

/* min of i where x_i == extreme(x) or x_i is NaN: the first among equals, as PyTorch
 * counts, and a NaN before every number. If any x is NaN so is the extreme, which
 * equals nothing; so the two conditions never mix. Positions that do not qualify count
 * as 2^62.
 */
static tdag_value arg_extreme(tdag_builder *b, tdag_value x,
                              const tdagi_axis_keep_spec *spec, tdag_reduction kind)
{
    if (!tdagi_axis_fits(b, x, spec->axis, "argmax")) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x), axis = (uint32_t)spec->axis;
    tdagi_axes room;
    tdag_list one = {1, &spec->axis};
    tdag_value i = tdag_iota(b, tdagi_dim_of(b, x, axis), TDAG_I64);
    if (axis + 1 < rank)
        i = tdag_unsqueeze(b, i, tdagi_axis_run(&room, 1, rank - axis - 1));
    tdag_value none = tdag_add_scalar(b, TDAG_I64, 0x1p62);
    if (tdag_dtype_is_float(tdag_builder_get_dtype(b, x)))
        none = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, x, x), none, i);
    tdag_value extreme = tdag_reduce(b, x, kind, one);
    tdag_value hit = tdag_binary(b, TDAG_OP_EQUAL, x, extreme);
    i = tdag_where(b, hit, i, none);
    return tdagi_reduce_keep(b, i, TDAG_REDUCE_MIN, one, spec->keep != 0);
}

static tdag_value lower_argmax(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    return arg_extreme(b, in[0], spec, TDAG_REDUCE_MAX);
}

static tdag_value lower_argmin(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    return arg_extreme(b, in[0], spec, TDAG_REDUCE_MIN);
}

const tdagi_composite_def tdagi_composite_argmax = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower = lower_argmax,
};
const tdagi_composite_def tdagi_composite_argmin = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower = lower_argmin,
};

void tdagi_sort(tdag_builder *b, tdag_value x, int64_t axis, bool descending,
                tdag_value *values_out, tdag_value *indices_out)
{
    tdag_value inputs[2] = {x, tdag_argsort(b, x, axis, descending)};
    *values_out = tdagi_lower(b, TDAGI_TAKE_ALONG, inputs, 2, &(tdagi_axis_spec){axis});
    *indices_out = inputs[1];
}
