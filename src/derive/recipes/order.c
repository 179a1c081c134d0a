/* Positions and order: argmax, argmin, and with the values at them: max_with_index,
 * min_with_index, sort. Exact. */
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

/* ---- values and positions ---- */

static void extreme_pair(tdag_builder *b, tdag_value x,
                         const tdagi_axis_keep_spec *spec, tdag_reduction kind,
                         tdag_value out[2])
{
    if (!tdagi_axis_fits(b, x, spec->axis, "max_with_index")) return;
    out[0] =
        tdagi_reduce_keep(b, x, kind, (tdag_list){1, &spec->axis}, spec->keep != 0);
    out[1] = arg_extreme(b, x, spec, kind);
}

static void lower_max_with_index(tdag_builder *b, tdag_value x, const void *spec,
                                 tdag_value out[2])
{
    extreme_pair(b, x, spec, TDAG_REDUCE_MAX, out);
}

static void lower_min_with_index(tdag_builder *b, tdag_value x, const void *spec,
                                 tdag_value out[2])
{
    extreme_pair(b, x, spec, TDAG_REDUCE_MIN, out);
}

const tdagi_composite_def tdagi_composite_max_with_index = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower_pair = lower_max_with_index,
};
const tdagi_composite_def tdagi_composite_min_with_index = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower_pair = lower_min_with_index,
};

static const tdagi_field sort_fields[] = {
    TDAGI_FIELD_AS(tdag_argsort_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdag_argsort_spec, descending, BOOL),
    {0},
};

static void lower_sort(tdag_builder *b, tdag_value x, const void *spec,
                       tdag_value out[2])
{
    const tdag_argsort_spec *s = spec;
    out[1] = tdag_argsort(b, x, s->axis, s->descending != 0);
    tdag_value inputs[2] = {x, out[1]};
    out[0] = tdagi_lower(b, TDAGI_TAKE_ALONG, inputs, 2, &(tdagi_axis_spec){s->axis});
}

const tdagi_composite_def tdagi_composite_sort = {
    .spec_size = sizeof(tdag_argsort_spec),
    .fields = sort_fields,
    .lower_pair = lower_sort,
};

void tdagi_sort(tdag_builder *b, tdag_value x, int64_t axis, bool descending,
                tdag_value out[2])
{
    tdagi_lower_pair(b, TDAGI_SORT, x, &(tdag_argsort_spec){axis, descending}, out);
}
