/* Adaptive pooling: output i of an axis reduces [floor(i*n/out), ceil((i+1)*n/out)).
 * Where `out` divides the dim these are plain windows; otherwise they overlap and
 * differ in length, and are gathered with a mask, axis by axis. */
#include "derive/parts.h"

#include <math.h>

static const tdagi_field adaptive_pool_fields[] = {
    TDAGI_FIELD(tdagi_adaptive_pool_spec, output, DIMS),
    {0},
};

/* Whether out*k == n for all values of the symbols; k goes to *each. */
static bool divides(tdagi_pool *pool, tdag_dim n, tdag_dim out, tdag_dim *each)
{
    if (tdagi_dim_sample(pool, out) < 1) return false;
    *each = tdagi_dim_floordiv(pool, n, out);
    return tdagi_dim_mul(pool, *each, out) == n;
}

/* The most elements that a window can have. */
static tdag_dim longest(tdagi_pool *pool, tdag_dim n, tdag_dim out)
{
    int64_t size, count, most = 0;
    if (!tdagi_dim_is_const(pool, n, &size) || !tdagi_dim_is_const(pool, out, &count) ||
        count > (1 << 20) || size > (1 << 30))
        return tdagi_dim_add(pool, tdagi_dim_floordiv(pool, n, out), 2);
    for (int64_t i = 0; i < count; i++) {
        int64_t length = ((i + 1) * size + count - 1) / count - i * size / count;
        if (length > most) most = length;
    }
    return most;
}

/* floor(x / y) of i64 values */
static tdag_value over(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_binary(b, TDAG_OP_FLOOR_DIVIDE, x, y);
}

/* Sum or max of one axis by gathered windows; *count gets their lengths, [out]. */
static tdag_value gathered(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim out,
                           bool max, tdag_value *count)
{
    tdagi_pool *pool = tdagi_builder_pool(b);
    tdag_dim n = tdagi_dim_of(b, x, axis);
    uint32_t rank = tdag_builder_get_rank(b, x);
    tdag_dtype dtype = tdag_builder_get_dtype(b, x);
    tdag_value size = tdagi_dim_scalar(b, n, TDAG_I64);
    tdag_value parts = tdagi_dim_scalar(b, out, TDAG_I64);
    tdag_value low = tdagi_mul(b, tdag_iota(b, out, TDAG_I64), size); /* i * n */
    tdag_value start = over(b, low, parts);
    tdag_value end =
        tdagi_add(b, tdagi_add(b, low, size), tdagi_add_scalar(b, parts, -1));
    end = over(b, end, parts);
    *count = tdagi_cast(b, tdagi_sub(b, end, start), dtype);
    tdag_value tap = tdag_iota(b, longest(pool, n, out), TDAG_I64);
    tdag_value at = tdagi_add(b, tdagi_unsqueeze1(b, start, 1), tap);
    tdag_value inside = tdag_binary(b, TDAG_OP_LESS, at, tdagi_unsqueeze1(b, end, 1));
    /* A tap beyond its window reads the window's start instead, and is masked. */
    at = tdag_where(b, inside, at, tdagi_unsqueeze1(b, start, 1));
    x = tdagi_gather_axis(b, x, axis, at);
    tdagi_axes room;
    if (axis + 1 < rank)
        inside = tdag_unsqueeze(b, inside, tdagi_axis_run(&room, 2, rank - axis - 1));
    x = tdag_where(b, inside, x, tdag_add_scalar(b, dtype, max ? -INFINITY : 0));
    return tdagi_reduce_keep(b, x, max ? TDAG_REDUCE_MAX : TDAG_REDUCE_SUM,
                             TDAG_LIST(axis + 1), false);
}

/* The axes that divide, all in one reduce of plain windows. */
static tdag_value divided(tdag_builder *b, tdag_value x, const tdag_dim *output,
                          uint32_t n, tdag_reduction kind)
{
    tdagi_pool *pool = tdagi_builder_pool(b);
    uint32_t rank = tdag_builder_get_rank(b, x), first = rank - n, n_taps = 0,
             n_gone = 0;
    uint32_t n_factors = first;
    tdagi_axes counts = tdagi_axes_of(1), factors, taps, gone;
    bool splits = false;
    for (uint32_t i = 0; i < first; i++)
        factors.v[i] = tdagi_dim_of(b, x, i);
    for (uint32_t i = first; i < rank; i++) {
        tdag_dim size = tdagi_dim_of(b, x, i), each, out = output[i - first];
        factors.v[n_factors++] = out == 1 ? size : out;
        if (out == size) continue;
        if (out != 1) {
            if (!divides(pool, size, out, &each)) continue;
            counts.v[i] = 2;
            factors.v[n_factors++] = each;
            gone.v[n_gone++] = n_factors - 1;
            splits = true;
        }
        taps.v[n_taps++] = n_factors - 1;
    }
    if (splits)
        x = tdag_ungroup(b, x, (tdag_list){rank, counts.v},
                         (tdag_list){n_factors, factors.v});
    if (n_taps > 0) x = tdag_reduce(b, x, kind, (tdag_list){n_taps, taps.v});
    if (n_gone > 0) x = tdag_squeeze(b, x, (tdag_list){n_gone, gone.v});
    return x;
}

static tdag_value adaptive(tdag_builder *b, tdag_value x, tdag_list output, bool max)
{
    tdagi_pool *pool = tdagi_builder_pool(b);
    uint32_t rank = tdag_builder_get_rank(b, x);
    tdagi_axes room;
    if (output.n < 1 || output.n > rank)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "adaptive pooling of %u axes of an input of %u",
                                  (unsigned)output.n, (unsigned)rank);
    if (rank + output.n > TDAG_MAX_RANK)
        return tdagi_builder_fail(
            b, TDAG_E_LIMIT, "adaptive pooling needs rank %u, above the limit of %d",
            (unsigned)(rank + output.n), TDAG_MAX_RANK);
    for (uint32_t i = output.n; i-- > 0;) {
        uint32_t axis = rank - output.n + i;
        tdag_value count;
        tdag_dim each, size = tdagi_dim_of(b, x, axis);
        if (output.v[i] == 1 || output.v[i] == size ||
            divides(pool, size, output.v[i], &each))
            continue;
        x = gathered(b, x, axis, output.v[i], max, &count);
        if (axis + 1 < rank)
            count = tdag_unsqueeze(b, count, tdagi_axis_run(&room, 1, rank - axis - 1));
        if (!max) x = tdagi_div(b, x, count);
        if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    }
    return divided(b, x, output.v, output.n, max ? TDAG_REDUCE_MAX : TDAG_REDUCE_MEAN);
}

/* The mean of each window. */
static tdag_value lower_adaptive_avg_pool(tdag_builder *b, const tdag_value *in,
                                          uint32_t n, const void *spec)
{
    (void)n;
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    tdag_list output = ((const tdagi_adaptive_pool_spec *)spec)->output;
    tdag_value y = adaptive(b, tdagi_wide(b, in[0]), output, false);
    return tdagi_cast(b, y, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_adaptive_avg_pool = {
    .spec_size = sizeof(tdagi_adaptive_pool_spec),
    .fields = adaptive_pool_fields,
    .n_leading = 1,
    .lower = lower_adaptive_avg_pool,
};

/* The max of each window. Exact. */
static tdag_value lower_adaptive_max_pool(tdag_builder *b, const tdag_value *in,
                                          uint32_t n, const void *spec)
{
    (void)n;
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    return adaptive(b, in[0], ((const tdagi_adaptive_pool_spec *)spec)->output, true);
}

const tdagi_composite_def tdagi_composite_adaptive_max_pool = {
    .spec_size = sizeof(tdagi_adaptive_pool_spec),
    .fields = adaptive_pool_fields,
    .n_leading = 1,
    .lower = lower_adaptive_max_pool,
};

/* The elements of window i of an axis of n, [floor(i n / out), ceil((i + 1) n / out)),
 * as [out, taps]: what would be beyond it is its last element once more. */
static tdag_value window_taps(tdag_builder *b, tdag_dim n, tdag_dim out)
{
    tdag_dim each;
    if (!divides(tdagi_builder_pool(b), n, out, &each))
        each = longest(tdagi_builder_pool(b), n, out);
    tdag_value size = tdagi_dim_value(b, n), parts = tdagi_dim_value(b, out);
    tdag_value low = tdagi_mul(b, tdag_iota(b, out, TDAG_I64), size);
    tdag_value last = tdagi_add(b, low, tdagi_add_scalar(b, size, -1));
    last = tdagi_unsqueeze1(b, over(b, last, parts), 1);
    low = tdagi_unsqueeze1(b, over(b, low, parts), 1);
    const tdag_value pair[2] = {tdagi_add(b, low, tdag_iota(b, each, TDAG_I64)), last};
    return tdagi_lower(b, TDAGI_MINIMUM, pair, 2, NULL);
}

/* Where in its plane each window has its greatest element. */
static tdag_value lower_adaptive_max_pool_position(tdag_builder *b,
                                                   const tdag_value *in, uint32_t n,
                                                   const void *spec)
{
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    const tdag_list output = ((const tdagi_adaptive_pool_spec *)spec)->output;
    uint32_t rank = tdag_builder_get_rank(b, in[0]), lead = rank - output.n;
    if (output.n < 1 || rank < output.n + 1 || rank > output.n + 2 ||
        rank + output.n > TDAG_MAX_RANK)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "windows of channels, or of a batch");
    tdag_value x = in[0], at = tdagi_plane_places(b, x, output.n, output.n);
    tdagi_axes taps;
    for (uint32_t i = output.n; i-- > 0;) { /* so that axes before keep their places */
        tdag_value index =
            window_taps(b, tdagi_dim_of(b, in[0], lead + i), output.v[i]);
        if (!tdagi_usable(b, index)) return TDAG_NO_VALUE;
        x = tdagi_gather_axis(b, x, lead + i, index);
        at = tdagi_gather_axis(b, at, i, index);
        taps.v[i] = lead + 2 * i + 1;
    }
    (void)n;
    return tdagi_place_of_most(b, x, at, (tdag_list){output.n, taps.v});
}

static void lower_adaptive_max_pool_with_index(tdag_builder *b, tdag_value x,
                                               const void *spec, tdag_value out[2])
{
    out[0] = lower_adaptive_max_pool(b, &x, 1, spec);
    out[1] = lower_adaptive_max_pool_position(b, &x, 1, spec);
}

const tdagi_composite_def tdagi_composite_adaptive_max_pool_position = {
    .spec_size = sizeof(tdagi_adaptive_pool_spec),
    .fields = adaptive_pool_fields,
    .lower = lower_adaptive_max_pool_position,
};
const tdagi_composite_def tdagi_composite_adaptive_max_pool_with_index = {
    .spec_size = sizeof(tdagi_adaptive_pool_spec),
    .fields = adaptive_pool_fields,
    .lower_pair = lower_adaptive_max_pool_with_index,
};
