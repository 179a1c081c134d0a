/* Reading by index: embedding, index_select, index, take_along. All exact: they only
 * move elements. Indices are i64 or i32, in range and, but for index, not negative. */
#include "derive/parts.h"

bool tdagi_axis_fits(tdag_builder *b, tdag_value x, int64_t axis, const char *what)
{
    if (!tdagi_usable(b, x)) return false;
    uint32_t rank = tdag_builder_get_rank(b, x);
    if (axis >= 0 && axis < (int64_t)rank) return true;
    tdagi_builder_fail(b, TDAG_E_SHAPE, "%s: axis %lld is not in an input of %u axes",
                       what, (long long)axis, (unsigned)rank);
    return false;
}

tdag_value tdagi_split_axis(tdag_builder *b, tdag_value x, uint32_t axis,
                            tdag_dim outer, tdag_dim inner)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x), n = 0;
    tdagi_axes counts = tdagi_axes_of(1), factors;
    counts.v[axis] = 2;
    for (uint32_t i = 0; i < rank; i++) {
        factors.v[n++] = i == axis ? outer : tdagi_dim_of(b, x, i);
        if (i == axis) factors.v[n++] = inner;
    }
    return tdag_ungroup(b, x, (tdag_list){rank, counts.v}, (tdag_list){n, factors.v});
}

/* Moves `n` axes from position `from` to position `to`; the others keep their order. */
static tdag_value move_axes(tdag_builder *b, tdag_value x, uint32_t from, uint32_t n,
                            uint32_t to)
{
    if (!tdagi_usable(b, x) || from == to || n == 0) return x;
    uint32_t rank = tdag_builder_get_rank(b, x), next = 0;
    tdagi_axes order;
    for (uint32_t i = 0; i < rank; i++) {
        if (i >= to && i < to + n)
            order.v[i] = (int64_t)from + i - to;
        else {
            if (next == from) next += n;
            order.v[i] = next++;
        }
    }
    return tdag_permute(b, x, (tdag_list){rank, order.v});
}

tdag_value tdagi_gather_axis(tdag_builder *b, tdag_value x, uint32_t axis,
                             tdag_value index)
{
    uint32_t n = tdag_builder_get_rank(b, index);
    x = tdag_gather(b, move_axes(b, x, axis, 1, 0), index, 0);
    return move_axes(b, x, 0, n, axis);
}

/* out[i..., :] = weight[index[i...], :] */
static tdag_value lower_embedding(tdag_builder *b, const tdag_value *in, uint32_t n,
                                  const void *spec)
{
    (void)n, (void)spec;
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    if (tdag_builder_get_rank(b, in[0]) != 2)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "embedding takes a table of rank 2");
    return tdag_gather(b, in[0], in[1], 0);
}

const tdagi_composite_def tdagi_composite_embedding = {
    .lower = lower_embedding,
};

static const tdagi_field axis_fields[] = {
    TDAGI_FIELD_AS(tdagi_axis_spec, axis, INT, AXIS), {0}};

/* out[..., i, ...] = x[..., index[i], ...]; an index without axes is one of length 1.
 */
static tdag_value lower_index_select(tdag_builder *b, const tdag_value *in, uint32_t n,
                                     const void *spec)
{
    (void)n;
    int64_t axis = ((const tdagi_axis_spec *)spec)->axis;
    if (!tdagi_axis_fits(b, in[0], axis, "index_select")) return TDAG_NO_VALUE;
    tdag_value index = in[1];
    if (!tdagi_usable(b, index)) return TDAG_NO_VALUE;
    if (tdag_builder_get_rank(b, index) > 1)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "index_select takes a list of positions");
    if (tdag_builder_get_rank(b, index) == 0) index = tdagi_unsqueeze1(b, index, 0);
    return tdagi_gather_axis(b, in[0], (uint32_t)axis, index);
}

const tdagi_composite_def tdagi_composite_index_select = {
    .spec_size = sizeof(tdagi_axis_spec),
    .fields = axis_fields,
    .lower = lower_index_select,
};

tdag_value tdagi_wrap_position(tdag_builder *b, tdag_value index, tdag_dim n)
{
    if (!tdagi_usable(b, index)) return TDAG_NO_VALUE;
    index = tdagi_cast(b, index, TDAG_I64);
    tdag_value zero = tdag_add_scalar(b, TDAG_I64, 0);
    tdag_value low = tdag_binary(b, TDAG_OP_LESS, index, zero);
    tdag_value up = tdagi_add(b, index, tdagi_dim_value(b, n));
    return tdag_where(b, low, up, index);
}

/* x[:, ..., index] as Python has it: an index of any axes, which counts from the end
 * where it is negative. */
static tdag_value lower_index(tdag_builder *b, const tdag_value *in, uint32_t n,
                              const void *spec)
{
    (void)n;
    int64_t axis = ((const tdagi_axis_spec *)spec)->axis;
    if (!tdagi_axis_fits(b, in[0], axis, "index")) return TDAG_NO_VALUE;
    tdag_dim size = tdagi_dim_of(b, in[0], (uint32_t)axis);
    if (tdag_builder_get_dtype(b, in[1]) != TDAG_I64)
        return tdagi_builder_fail(b, TDAG_E_DTYPE, "index takes positions of i64");
    return tdagi_gather_axis(b, in[0], (uint32_t)axis,
                             tdagi_wrap_position(b, in[1], size));
}

const tdagi_composite_def tdagi_composite_index = {
    .spec_size = sizeof(tdagi_axis_spec),
    .fields = axis_fields,
    .lower = lower_index,
};

/* out[..., j, ...] = x[..., index[..., j, ...], ...], both of the same rank:
 * torch.gather. On the other axes the index may be shorter than x, which is cut. */
static tdag_value lower_take_along(tdag_builder *b, const tdag_value *in, uint32_t n,
                                   const void *spec)
{
    (void)n;
    int64_t axis = ((const tdagi_axis_spec *)spec)->axis;
    tdag_value x = in[0], index = in[1];
    if (!tdagi_axis_fits(b, x, axis, "take_along")) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x);
    if (tdag_builder_get_rank(b, index) != rank)
        return tdagi_builder_fail(
            b, TDAG_E_SHAPE, "take_along: an input of %u axes and an index of %u",
            (unsigned)rank, (unsigned)tdag_builder_get_rank(b, index));
    for (uint32_t i = 0; i < rank; i++)
        if (i != (uint32_t)axis)
            x = tdagi_slice1(b, x, i, 0, tdagi_dim_of(b, index, i));
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    x = move_axes(b, x, (uint32_t)axis, 1, rank - 1);
    index = move_axes(b, index, (uint32_t)axis, 1, rank - 1);
    return move_axes(b, tdag_gather(b, x, index, rank - 1), rank - 1, 1,
                     (uint32_t)axis);
}

const tdagi_composite_def tdagi_composite_take_along = {
    .spec_size = sizeof(tdagi_axis_spec),
    .fields = axis_fields,
    .lower = lower_take_along,
};
