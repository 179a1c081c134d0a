/* One building function per core op: each fills the op's spec and adds the node. */
#include "ir/graph.h"

static tdag_value add1(tdag_builder *b, tdag_op op, const void *spec, size_t size,
                       tdag_value x)
{
    if (x.id == 0 && !tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    return tdag_add_node(b, op, spec, size, &x, 1);
}

tdag_value tdag_unary(tdag_builder *b, tdag_op op, tdag_value x)
{
    return add1(b, op, NULL, 0, x);
}

tdag_value tdag_binary(tdag_builder *b, tdag_op op, tdag_value x, tdag_value y)
{
    const tdag_value in[2] = {x, y};
    return tdag_add_node(b, op, NULL, 0, in, 2);
}

tdag_value tdag_permute(tdag_builder *b, tdag_value x, tdag_list order)
{
    const tdag_permute_spec spec = {order};
    return add1(b, TDAG_OP_PERMUTE, &spec, sizeof(spec), x);
}

tdag_value tdag_group(tdag_builder *b, tdag_value x, tdag_list runs)
{
    const tdag_group_spec spec = {runs};
    return add1(b, TDAG_OP_GROUP, &spec, sizeof(spec), x);
}

tdag_value tdag_ungroup(tdag_builder *b, tdag_value x, tdag_list counts,
                        tdag_list factors)
{
    const tdag_ungroup_spec spec = {counts, factors};
    return add1(b, TDAG_OP_UNGROUP, &spec, sizeof(spec), x);
}

tdag_value tdag_squeeze(tdag_builder *b, tdag_value x, tdag_list axes)
{
    const tdag_axes_spec spec = {axes};
    return add1(b, TDAG_OP_SQUEEZE, &spec, sizeof(spec), x);
}

tdag_value tdag_unsqueeze(tdag_builder *b, tdag_value x, tdag_list axes)
{
    const tdag_axes_spec spec = {axes};
    return add1(b, TDAG_OP_UNSQUEEZE, &spec, sizeof(spec), x);
}

tdag_value tdag_slice(tdag_builder *b, tdag_value x, tdag_list start, tdag_list end)
{
    const tdag_slice_spec spec = {start, end};
    return add1(b, TDAG_OP_SLICE, &spec, sizeof(spec), x);
}

tdag_value tdag_pad(tdag_builder *b, tdag_value x, tdag_list before, tdag_list after,
                    tdag_pad_mode mode, double value)
{
    const tdag_pad_spec spec = {before, after, mode, value};
    return add1(b, TDAG_OP_PAD, &spec, sizeof(spec), x);
}

tdag_value tdag_select(tdag_builder *b, tdag_value x, int64_t axis, tdag_dim index)
{
    const tdag_select_spec spec = {axis, index};
    return add1(b, TDAG_OP_SELECT, &spec, sizeof(spec), x);
}

tdag_value tdag_repeat(tdag_builder *b, tdag_value x, tdag_list counts)
{
    const tdag_repeat_spec spec = {counts};
    return add1(b, TDAG_OP_REPEAT, &spec, sizeof(spec), x);
}

tdag_value tdag_unfold(tdag_builder *b, tdag_value x, tdag_list kernel,
                       tdag_list stride)
{
    const tdag_window_spec spec = {kernel, stride};
    return add1(b, TDAG_OP_UNFOLD, &spec, sizeof(spec), x);
}

tdag_value tdag_fold(tdag_builder *b, tdag_value x, tdag_list kernel, tdag_list stride)
{
    const tdag_window_spec spec = {kernel, stride};
    return add1(b, TDAG_OP_FOLD, &spec, sizeof(spec), x);
}

tdag_value tdag_reduce(tdag_builder *b, tdag_value x, tdag_reduction kind,
                       tdag_list axes)
{
    const tdag_reduce_spec spec = {axes, kind};
    return add1(b, TDAG_OP_REDUCE, &spec, sizeof(spec), x);
}

tdag_value tdag_scan(tdag_builder *b, tdag_value x, tdag_reduction kind, int64_t axis)
{
    const tdag_scan_spec spec = {axis, kind};
    return add1(b, TDAG_OP_SCAN, &spec, sizeof(spec), x);
}

tdag_value tdag_argsort(tdag_builder *b, tdag_value x, int64_t axis, bool descending)
{
    const tdag_argsort_spec spec = {axis, descending, TDAG_ORDER_STABLE};
    return add1(b, TDAG_OP_ARGSORT, &spec, sizeof(spec), x);
}

tdag_value tdag_convert(tdag_builder *b, tdag_value x, tdag_dtype dtype)
{
    const tdag_convert_spec spec = {dtype};
    return add1(b, TDAG_OP_CONVERT, &spec, sizeof(spec), x);
}

tdag_value tdag_where(tdag_builder *b, tdag_value condition, tdag_value x, tdag_value y)
{
    const tdag_value in[3] = {condition, x, y};
    return tdag_add_node(b, TDAG_OP_WHERE, NULL, 0, in, 3);
}

tdag_value tdag_gather(tdag_builder *b, tdag_value x, tdag_value index, int64_t batch)
{
    const tdag_gather_spec spec = {batch};
    const tdag_value in[2] = {x, index};
    return tdag_add_node(b, TDAG_OP_GATHER, &spec, sizeof(spec), in, 2);
}

tdag_value tdag_scatter(tdag_builder *b, tdag_value x, tdag_value index,
                        tdag_value update, int64_t batch, tdag_scatter_mode mode)
{
    const tdag_scatter_spec spec = {batch, mode};
    const tdag_value in[3] = {x, index, update};
    return tdag_add_node(b, TDAG_OP_SCATTER, &spec, sizeof(spec), in, 3);
}

tdag_value tdag_iota(tdag_builder *b, tdag_dim n, tdag_dtype dtype)
{
    const tdag_iota_spec spec = {n, dtype};
    return tdag_add_node(b, TDAG_OP_IOTA, &spec, sizeof(spec), NULL, 0);
}
