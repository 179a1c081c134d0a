/* Pooling by windows and adaptive pooling. Both work axis by axis; spatial dims may be
 * symbolic, also with ceil_mode. Half types are summed and divided in f32. */
#include "derive/parts.h"

#include <math.h>

static const tdagi_field pool_fields[] = {
    TDAGI_FIELD_SPATIAL(tdagi_pool_spec, kernel, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_pool_spec, stride, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_pool_spec, padding, INTS, NATURAL),
    TDAGI_FIELD_SPATIAL(tdagi_pool_spec, dilation, INTS, POSITIVE),
    TDAGI_FIELD(tdagi_pool_spec, ceil_mode, BOOL),
    TDAGI_FIELD(tdagi_pool_spec, count_include_pad, BOOL),
    TDAGI_FIELD_AS(tdagi_pool_spec, divisor, INT, NATURAL),
    {0},
};

/* One spatial axis: its numbers, and how much is padded on the right. */
typedef struct window {
    int64_t kernel, stride, padding, dilation, span;
    tdag_dim n, after;
} window;

static bool pool_fits(tdag_builder *b, tdag_value x, const tdagi_pool_spec *s)
{
    uint32_t n = s->kernel.n;
    if (!tdagi_usable(b, x)) return false;
    bool fits = n >= 1 && n <= tdag_builder_get_rank(b, x) && s->stride.n == n &&
                s->padding.n == n && s->dilation.n == n;
    for (uint32_t i = 0; fits && i < n; i++)
        fits = s->kernel.v[i] >= 1 && s->stride.v[i] >= 1 && s->dilation.v[i] >= 1 &&
               s->padding.v[i] >= 0 && s->padding.v[i] <= s->kernel.v[i] / 2 &&
               s->kernel.v[i] < INT32_MAX && s->dilation.v[i] < INT32_MAX;
    if (!fits)
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "pooling needs, for each of its axes, a kernel, stride and"
                           " dilation of at least 1 and a padding of at most half the"
                           " kernel");
    return fits;
}

/* With ceil_mode there are ceil((n + 2p - span) / s) + 1 windows, without those that
 * would start in the right padding: at most floor((n + p - 1) / s) + 1 start before it.
 * The padding on the right is what the last of them reaches. */
static window window_of(tdag_builder *b, tdag_value x, const tdagi_pool_spec *s,
                        uint32_t i)
{
    tdagi_pool *pool = tdagi_builder_pool(b);
    uint32_t axis = tdag_builder_get_rank(b, x) - s->kernel.n + i;
    window w = {.kernel = s->kernel.v[i],
                .stride = s->stride.v[i],
                .padding = s->padding.v[i],
                .dilation = s->dilation.v[i],
                .n = tdagi_dim_of(b, x, axis)};
    w.span = (w.kernel - 1) * w.dilation + 1;
    w.after = w.padding;
    if (!s->ceil_mode) return w;
    tdag_dim padded = tdagi_dim_add(pool, w.n, w.padding);
    tdag_dim free = tdagi_dim_add(
        pool, padded, tdagi_dim_const(pool, w.padding - w.span + w.stride - 1));
    tdag_dim steps = tdagi_dim_floordiv(pool, free, w.stride); /* windows - 1 */
    bool all = w.stride + w.padding <= w.span;
    if (!all)
        steps = tdagi_dim_min(
            pool, steps,
            tdagi_dim_floordiv(pool, tdagi_dim_sub(pool, padded, 1), w.stride));
    tdag_dim need = tdagi_dim_add(pool, tdagi_dim_mul(pool, steps, w.stride), w.span);
    w.after = tdagi_dim_sub(pool, need, padded);
    if (!all) w.after = tdagi_dim_max(pool, w.after, 0);
    return w;
}

/* Pads the last n axes by `value` and splits each into position, tap; the taps' axes,
 * in the result's numbers, go to `taps`. */
tdag_value tdagi_pool_windows(tdag_builder *b, tdag_value x, const tdagi_pool_spec *s,
                              double value, int64_t *taps)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    uint32_t n = s->kernel.n, rank = tdag_builder_get_rank(b, x);
    tdagi_axes before = tdagi_axes_of(0), after = tdagi_axes_of(0);
    bool pads = false;
    for (uint32_t i = 0; i < n; i++) {
        window w = window_of(b, x, s, i);
        before.v[rank - n + i] = w.padding;
        after.v[rank - n + i] = w.after;
        pads = pads || w.padding != 0 || w.after != 0;
        taps[i] = (int64_t)rank - n + 2 * i + 1;
    }
    if (pads)
        x = tdag_pad(b, x, (tdag_list){rank, before.v}, (tdag_list){rank, after.v},
                     TDAG_PAD_CONSTANT, value);
    for (uint32_t i = n; i-- > 0;)
        x = tdagi_window(b, x, rank - n + i, s->kernel.v[i], s->stride.v[i],
                         s->dilation.v[i]);
    return x;
}

/* max over each window of x padded by -inf (of integers: the least). Exact. */
static tdag_value lower_max_pool(tdag_builder *b, const tdag_value *in, uint32_t n,
                                 const void *spec)
{
    (void)n;
    const tdagi_pool_spec *s = spec;
    tdagi_axes taps;
    if (!pool_fits(b, in[0], s)) return TDAG_NO_VALUE;
    tdag_value y = tdagi_pool_windows(b, in[0], s, -INFINITY, taps.v);
    return tdagi_reduce_keep(b, y, TDAG_REDUCE_MAX, (tdag_list){s->kernel.n, taps.v},
                             false);
}

const tdagi_composite_def tdagi_composite_max_pool = {
    .spec_size = sizeof(tdagi_pool_spec),
    .fields = pool_fields,
    .n_leading = 1,
    .lower = lower_max_pool,
};

/* ---- where the maxima are ---- */

tdag_value tdagi_plane_places(tdag_builder *b, tdag_value x, uint32_t n, uint32_t rank)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    const tdag_dim *plane =
        tdag_builder_get_shape(b, x) + tdag_builder_get_rank(b, x) - n;
    tdag_dim count = 1;
    tdagi_axes shape = tdagi_axes_of(1);
    for (uint32_t i = 0; i < n; i++) {
        shape.v[rank - n + i] = plane[i];
        count = tdag_dim_mul(b, count, plane[i]);
    }
    return tdagi_reshape(b, tdag_iota(b, count, TDAG_I64), rank, shape.v);
}

tdag_value tdagi_place_of_most(tdag_builder *b, tdag_value w, tdag_value at,
                               tdag_list taps)
{
    if (!tdagi_usable(b, at) || !tdagi_usable(b, w)) return TDAG_NO_VALUE;
    const bool is_float = tdag_dtype_is_float(tdag_builder_get_dtype(b, w));
    tdag_value most = tdag_reduce(b, w, TDAG_REDUCE_MAX, taps), pair[2] = {w, w};
    tdag_value key = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, w, most),
                                tdag_unary(b, TDAG_OP_NEG, at),
                                tdag_add_scalar(b, TDAG_I64, -ldexp(1, 63)));
    if (is_float)
        key = tdag_where(b, tdagi_lower(b, TDAGI_NOT_EQUAL, pair, 2, NULL),
                         tdagi_add_scalar(b, at, 1), key);
    key = tdagi_reduce_keep(b, key, TDAG_REDUCE_MAX, taps, false);
    tdag_value place = tdag_unary(b, TDAG_OP_NEG, key);
    if (!is_float) return place;
    tdag_value zero = tdag_add_scalar(b, TDAG_I64, 0);
    return tdag_where(b, tdag_binary(b, TDAG_OP_LESS, zero, key),
                      tdagi_add_scalar(b, key, -1), place);
}

static tdag_value lower_max_pool_position(tdag_builder *b, const tdag_value *in,
                                          uint32_t n, const void *spec)
{
    (void)n;
    const tdagi_pool_spec *s = spec;
    tdagi_axes taps;
    if (!pool_fits(b, in[0], s)) return TDAG_NO_VALUE;
    uint32_t lead = tdag_builder_get_rank(b, in[0]) - s->kernel.n;
    if (lead < 1 || lead > 2)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "windows of channels, or of a batch");
    tdag_value at = tdagi_plane_places(b, in[0], s->kernel.n, s->kernel.n);
    at = tdagi_pool_windows(b, at, s, ldexp(1, 62), taps.v);
    tdag_value w = tdagi_pool_windows(b, in[0], s, -INFINITY, taps.v);
    return tdagi_place_of_most(b, w, at, (tdag_list){s->kernel.n, taps.v});
}

static void lower_max_pool_with_index(tdag_builder *b, tdag_value x, const void *spec,
                                      tdag_value out[2])
{
    out[0] = lower_max_pool(b, &x, 1, spec);
    out[1] = lower_max_pool_position(b, &x, 1, spec);
}

const tdagi_composite_def tdagi_composite_max_pool_position = {
    .spec_size = sizeof(tdagi_pool_spec),
    .fields = pool_fields,
    .lower = lower_max_pool_position,
};
const tdagi_composite_def tdagi_composite_max_pool_with_index = {
    .spec_size = sizeof(tdagi_pool_spec),
    .fields = pool_fields,
    .lower_pair = lower_max_pool_with_index,
};

/* Whether every window of the axis counts `kernel` elements. */
static bool full_count(const window *w, const tdagi_pool_spec *s)
{
    return w->after == w->padding && (w->padding == 0 || s->count_include_pad);
}

/* How many elements each window of one axis counts, [positions]: a windowed sum of ones
 * over the axis, its padding being ones or zeros; what ceil_mode adds beyond is zeros.
 */
static tdag_value count_of(tdag_builder *b, const window *w, const tdagi_pool_spec *s,
                           tdag_dtype dtype)
{
    tdagi_pool *pool = tdagi_builder_pool(b);
    tdag_value v = tdagi_full(b, dtype, 1, &w->n, 1);
    v = tdagi_pad1(b, v, 0, w->padding, w->padding, TDAG_PAD_CONSTANT,
                   s->count_include_pad != 0);
    if (w->after != w->padding) {
        tdag_dim total =
            tdagi_dim_add(pool, tdagi_dim_add(pool, w->n, w->padding), w->after);
        v = tdagi_pad1(b, v, 0, 0, w->after, TDAG_PAD_CONSTANT, 0);
        v = tdagi_slice1(b, v, 0, 0, total);
    }
    v = tdagi_window(b, v, 0, w->kernel, w->stride, w->dilation);
    return tdagi_reduce_keep(b, v, TDAG_REDUCE_SUM, TDAG_LIST(1), false);
}

/* The product of the axes' counts, as a scalar or as [positions...]. */
static tdag_value counts_of(tdag_builder *b, tdag_value x, const tdagi_pool_spec *s)
{
    uint32_t n = s->kernel.n;
    tdag_dtype dtype = tdag_builder_get_dtype(b, x);
    tdag_value product = TDAG_NO_VALUE;
    double constant = 1;
    for (uint32_t i = 0; i < n; i++) {
        window w = window_of(b, x, s, i);
        if (full_count(&w, s)) {
            constant *= (double)w.kernel;
            continue;
        }
        tdagi_axes room;
        tdag_value c = count_of(b, &w, s, dtype);
        if (i + 1 < n) c = tdag_unsqueeze(b, c, tdagi_axis_run(&room, 1, n - 1 - i));
        product = product.id == 0 ? c : tdagi_mul(b, product, c);
    }
    return constant == 1 ? product : tdagi_mul_scalar(b, product, constant);
}

/* Three axes of an input have its window's size or more, padding apart: PyTorch's
 * kernel takes no other. */
static bool avg_pool_fits(tdag_builder *b, tdag_value x, const tdagi_pool_spec *s)
{
    if (!pool_fits(b, x, s)) return false;
    uint32_t n = s->kernel.n, rank = tdag_builder_get_rank(b, x);
    for (uint32_t i = 0; n == 3 && i < n; i++) {
        int64_t size = s->kernel.v[i];
        tdag_dim d = tdagi_dim_of(b, x, rank - n + i);
        if (!tdagi_dim_is_const(tdagi_builder_pool(b), d, &size)) continue;
        if (size >= s->kernel.v[i]) continue;
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "a window of three axes is larger than its input");
        return false;
    }
    return true;
}

/* sum over each window of x padded by 0, divided by the divisor, or by how many
 * elements the window counts; where all count the whole kernel that is the mean. */
static tdag_value lower_avg_pool(tdag_builder *b, const tdag_value *in, uint32_t n,
                                 const void *spec)
{
    (void)n;
    const tdagi_pool_spec *s = spec;
    tdagi_axes taps;
    if (!avg_pool_fits(b, in[0], s)) return TDAG_NO_VALUE;
    tdag_value x = tdagi_wide(b, in[0]);
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    bool full = true;
    for (uint32_t i = 0; i < s->kernel.n; i++) {
        window w = window_of(b, x, s, i);
        full = full && full_count(&w, s);
    }
    tdag_value y = tdagi_pool_windows(b, x, s, 0, taps.v);
    tdag_list axes = {s->kernel.n, taps.v};
    bool mean = full && s->divisor == 0;
    y = tdagi_reduce_keep(b, y, mean ? TDAG_REDUCE_MEAN : TDAG_REDUCE_SUM, axes, false);
    if (s->divisor != 0)
        y = tdagi_div(
            b, y, tdag_add_scalar(b, tdag_builder_get_dtype(b, x), (double)s->divisor));
    else if (!full)
        y = tdagi_div(b, y, counts_of(b, x, s));
    return tdagi_cast(b, y, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_avg_pool = {
    .spec_size = sizeof(tdagi_pool_spec),
    .fields = pool_fields,
    .n_leading = 1,
    .lower = lower_avg_pool,
};
