/* upsample: nearest, nearest-exact, linear, cubic along each spatial axis.
 *
 * Per axis, coordinates are computed from an iota by PyTorch's formulas in its
 * precision (f32, or f64 for an f64 input), so a coordinate that falls just short of an
 * integer does so here too. Then the axis is gathered at 1, 2 or 4 positions, which are
 * combined by weights, the last axis first. A gather per tap, not a matmul with a
 * constant matrix: it does not spread an inf over the row, costs the taps it reads, and
 * works for symbolic sizes. */
#include "derive/parts.h"

#include <math.h>

static const char *const mode_names[] = {"nearest", "nearest_exact", "linear", "cubic",
                                         NULL};
static const tdagi_field upsample_fields[] = {
    TDAGI_FIELD_NAMED(tdagi_upsample_spec, mode, mode_names),
    TDAGI_FIELD(tdagi_upsample_spec, align_corners, BOOL),
    TDAGI_FIELD(tdagi_upsample_spec, output, DIMS),
    {"scale0", (uint16_t)offsetof(tdagi_upsample_spec, scales), TDAGI_FIELD_F64, 0,
     NULL},
    {"scale1", (uint16_t)(offsetof(tdagi_upsample_spec, scales) + sizeof(double)),
     TDAGI_FIELD_F64, 0, NULL},
    {"scale2", (uint16_t)(offsetof(tdagi_upsample_spec, scales) + 2 * sizeof(double)),
     TDAGI_FIELD_F64, 0, NULL},
    {0},
};

/* One axis of the work. */
typedef struct line {
    tdag_builder *b;
    tdag_dim in, out;
    double scale; /* as written; 0 = none */
    bool align_corners;
    int64_t mode;
    tdag_dtype dtype; /* of coordinates and weights */
} line;

static tdag_value scalar(const line *l, double v)
{
    return tdag_add_scalar(l->b, l->dtype, v);
}

/* The quotient of two dims less `less` each, rounded once. Of symbols it goes through
 * f64, where x * (1/y) is near enough to round to the right f32 for dims below 2^24. */
static tdag_value ratio(const line *l, int64_t less)
{
    tdagi_pool *pool = tdagi_builder_pool(l->b);
    tdag_dim in = tdagi_dim_sub(pool, l->in, less),
             out = tdagi_dim_sub(pool, l->out, less);
    return tdagi_dim_ratio(l->b, in, out, l->dtype);
}

/* Input positions per output position. */
static tdag_value step_of(const line *l)
{
    bool aligned = l->align_corners && l->mode >= TDAGI_UPSAMPLE_LINEAR;
    if (aligned) {
        int64_t out = tdagi_dim_sample(tdagi_builder_pool(l->b), l->out);
        return out > 1 ? ratio(l, 1) : scalar(l, 0);
    }
    if (l->scale > 0) return scalar(l, 1 / l->scale);
    return ratio(l, 0);
}

/* i*step: nearest, aligned corners. (i + 0.5)*step - 0.5: the others, below 0 only for
 * cubic. nearest_exact gets the 0.5 back, rounded as PyTorch does. */
static tdag_value coordinate(const line *l)
{
    tdag_builder *b = l->b;
    tdag_value i = tdag_iota(b, l->out, l->dtype), step = step_of(l);
    bool corner = l->mode == TDAGI_UPSAMPLE_NEAREST ||
                  (l->align_corners && l->mode >= TDAGI_UPSAMPLE_LINEAR);
    if (corner) return tdagi_mul(b, i, step);
    tdag_value x = tdagi_mul(b, tdagi_add_scalar(b, i, 0.5), step);
    x = tdagi_add_scalar(b, x, -0.5);
    if (l->mode != TDAGI_UPSAMPLE_CUBIC)
        x = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, x, scalar(l, 0)), scalar(l, 0),
                       x);
    return l->mode == TDAGI_UPSAMPLE_NEAREST_EXACT ? tdagi_add_scalar(b, x, 0.5) : x;
}

/* min(x, y) of numbers */
static tdag_value least(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_where(b, tdag_binary(b, TDAG_OP_LESS, y, x), y, x);
}

/* The position a coordinate falls on, at most in - 1, as i64; -1 is possible for cubic.
 */
static tdag_value position(const line *l, tdag_value x)
{
    tdagi_pool *pool = tdagi_builder_pool(l->b);
    x = tdag_convert(l->b, tdag_unary(l->b, TDAG_OP_FLOOR, x), TDAG_I64);
    return least(l->b, x,
                 tdagi_dim_scalar(l->b, tdagi_dim_sub(pool, l->in, 1), TDAG_I64));
}

/* The part of the coordinate beyond the position, within 0...1. */
static tdag_value beyond(const line *l, tdag_value x, tdag_value at)
{
    tdag_value t = tdagi_sub(l->b, x, tdagi_cast(l->b, at, l->dtype));
    t = tdag_where(l->b, tdag_binary(l->b, TDAG_OP_LESS, t, scalar(l, 0)), scalar(l, 0),
                   t);
    return least(l->b, t, scalar(l, 1));
}

/* at + offset within 0 ... in - 1 */
static tdag_value shifted(const line *l, tdag_value at, int64_t offset)
{
    tdagi_pool *pool = tdagi_builder_pool(l->b);
    tdag_builder *b = l->b;
    if (offset != 0) at = tdagi_add_scalar(b, at, (double)offset);
    tdag_value zero = tdag_add_scalar(b, TDAG_I64, 0);
    if (offset <= 0)
        at = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, at, zero), zero, at);
    if (offset > 0)
        at = least(b, at, tdagi_dim_scalar(b, tdagi_dim_sub(pool, l->in, 1), TDAG_I64));
    return at;
}

/* The cubic convolution kernel with a = -0.75 at |x| <= 1 and at 1 < |x| < 2. */
static tdag_value near_weight(const line *l, tdag_value x)
{
    const double a = -0.75;
    tdag_builder *b = l->b;
    tdag_value y = tdagi_add_scalar(b, tdagi_mul_scalar(b, x, a + 2), -(a + 3));
    y = tdagi_mul(b, tdagi_mul(b, y, x), x);
    return tdagi_add_scalar(b, y, 1);
}

static tdag_value far_weight(const line *l, tdag_value x)
{
    const double a = -0.75;
    tdag_builder *b = l->b;
    tdag_value y = tdagi_add_scalar(b, tdagi_mul_scalar(b, x, a), -5 * a);
    y = tdagi_add_scalar(b, tdagi_mul(b, y, x), 8 * a);
    return tdagi_add_scalar(b, tdagi_mul(b, y, x), -4 * a);
}

/* 1 - x */
static tdag_value rest(const line *l, tdag_value x)
{
    return tdagi_sub(l->b, scalar(l, 1), x);
}

/* One axis of x at the taps, times their weights. */
static tdag_value blend(const line *l, tdag_value x, uint32_t axis, uint32_t n,
                        const tdag_value *at, const tdag_value *weight)
{
    tdag_value sum = TDAG_NO_VALUE;
    tdagi_axes room;
    uint32_t rank = tdag_builder_get_rank(l->b, x);
    for (uint32_t i = 0; i < n; i++) {
        tdag_value w = tdagi_cast(l->b, weight[i], tdag_builder_get_dtype(l->b, x));
        if (axis + 1 < rank)
            w = tdag_unsqueeze(l->b, w, tdagi_axis_run(&room, 1, rank - axis - 1));
        w = tdagi_mul(l->b, tdagi_gather_axis(l->b, x, axis, at[i]), w);
        sum = i == 0 ? w : tdagi_add(l->b, sum, w);
    }
    return sum;
}

static tdag_value resize(const line *l, tdag_value x, uint32_t axis)
{
    tdag_value where = coordinate(l), at = position(l, where);
    if (l->mode <= TDAGI_UPSAMPLE_NEAREST_EXACT)
        return tdagi_gather_axis(l->b, x, axis, at);
    tdag_value t = beyond(l, where, at), one_less = rest(l, t);
    if (l->mode == TDAGI_UPSAMPLE_LINEAR) {
        tdag_value both[2] = {at, shifted(l, at, 1)};
        return blend(l, x, axis, 2, both, (tdag_value[]){one_less, t});
    }
    tdag_value taps[4], weights[4];
    for (int64_t i = 0; i < 4; i++)
        taps[i] = shifted(l, at, i - 1);
    weights[0] = far_weight(l, tdagi_add_scalar(l->b, t, 1));
    weights[1] = near_weight(l, t);
    weights[2] = near_weight(l, one_less);
    weights[3] = far_weight(l, tdagi_add_scalar(l->b, one_less, 1));
    return blend(l, x, axis, 4, taps, weights);
}

static bool upsample_fits(tdag_builder *b, tdag_value x, const tdagi_upsample_spec *s)
{
    if (!tdagi_usable(b, x)) return false;
    uint32_t n = s->output.n;
    if (n >= 1 && n <= 3 && tdag_builder_get_rank(b, x) >= n &&
        s->mode >= TDAGI_UPSAMPLE_NEAREST &&
        s->mode <= (n == 2 ? TDAGI_UPSAMPLE_CUBIC : TDAGI_UPSAMPLE_LINEAR))
        return true;
    tdagi_builder_fail(b, TDAG_E_SHAPE, "upsample of %u axes of an input of %u",
                       (unsigned)n, (unsigned)tdag_builder_get_rank(b, x));
    return false;
}

/* nearest: x[floor(i*step)]; nearest_exact: x[floor((i + 0.5)*step)]. linear: x0*(1 -
 * t) + x1*t; cubic: four taps by the convolution kernel; t is the coordinate's
 * fraction. Half types are blended in f32.
 *
 * An axis that keeps its size is left alone; PyTorch multiplies its neighbour by 0
 * there, so next to an inf it has NaN. Where a scale is given that floors to the same
 * or the doubled size, its nearest kernels disagree with each other; the one for
 * contiguous tensors, which uses the scale, is followed. Aligned corners of a symbolic
 * output assume that it is above 1 if its sample is. */
static tdag_value lower_upsample(tdag_builder *b, const tdag_value *in, uint32_t n,
                                 const void *spec)
{
    (void)n;
    const tdagi_upsample_spec *s = spec;
    if (!upsample_fits(b, in[0], s)) return TDAG_NO_VALUE;
    bool moves = s->mode <= TDAGI_UPSAMPLE_NEAREST_EXACT;
    bool linear = s->mode == TDAGI_UPSAMPLE_LINEAR;
    tdag_value x = moves ? in[0] : tdagi_wide(b, in[0]);
    uint32_t rank = tdag_builder_get_rank(b, x);
    tdag_dtype dtype = tdag_builder_get_dtype(b, x) == TDAG_F64 ? TDAG_F64 : TDAG_F32;
    for (uint32_t i = s->output.n; i-- > 0;) {
        uint32_t axis = rank - s->output.n + i;
        if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
        line l = {b,
                  tdagi_dim_of(b, x, axis),
                  s->output.v[i],
                  s->scales[i],
                  s->align_corners != 0,
                  s->mode,
                  dtype};
        if (l.in == l.out && (l.scale == 0 || l.scale == 1 || linear)) continue;
        x = resize(&l, x, axis);
    }
    return tdagi_cast(b, x, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_upsample = {
    .spec_size = sizeof(tdagi_upsample_spec),
    .fields = upsample_fields,
    .n_batched = 1,
    .lower = lower_upsample,
};
