/* Resizing with anti-aliasing: each element is a sum of those within a filter's support
 * around its centre, by weights that sum to 1. Half types compute in f32. */
#include "derive/parts.h"

#include <math.h>

static const tdagi_field upsample_aa_fields[] = {
    TDAGI_FIELD(tdagi_upsample_aa_spec, cubic, BOOL),
    TDAGI_FIELD_AS(tdagi_upsample_aa_spec, height, INT, POSITIVE),
    TDAGI_FIELD_AS(tdagi_upsample_aa_spec, width, INT, POSITIVE),
    TDAGI_FIELD(tdagi_upsample_aa_spec, scale_h, F64),
    TDAGI_FIELD(tdagi_upsample_aa_spec, scale_w, F64),
    {0},
};

static tdag_value number(tdag_builder *b, double v)
{
    return tdag_add_scalar(b, TDAG_F64, v);
}

static tdag_value clamped(tdag_builder *b, tdag_value x, bool least, double v)
{
    return tdagi_lower(b, TDAGI_CLAMP, &x, 1, &(tdagi_clamp_spec){least, !least, v, v});
}

/* (x a + c) x + d */
static tdag_value square(tdag_builder *b, tdag_value x, double a, double c, double d)
{
    tdag_value y = tdagi_add_scalar(b, tdagi_mul_scalar(b, x, a), c);
    return tdagi_add_scalar(b, tdagi_mul(b, y, x), d);
}

/* The filter at distance |x|: a triangle, or cubic convolution with a = -0.5. */
static tdag_value filter(tdag_builder *b, tdag_value x, bool cubic)
{
    const double a = -0.5;
    tdag_value zero = number(b, 0), one = number(b, 1);
    x = tdagi_unary_composite(b, TDAGI_ABS, x);
    tdag_value near = tdag_binary(b, TDAG_OP_LESS, x, one);
    if (!cubic) return tdag_where(b, near, tdagi_sub(b, one, x), zero);
    tdag_value y = square(b, x, a + 2, -(a + 3), 0);
    y = tdagi_add_scalar(b, tdagi_mul(b, y, x), 1);
    tdag_value far = square(b, x, a, -5 * a, 8 * a);
    far = tdagi_add_scalar(b, tdagi_mul(b, far, x), -4 * a);
    far = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, x, number(b, 2)), far, zero);
    return tdag_where(b, near, y, far);
}

/* The positions that the elements of the result read, [out, taps], and the weights. */
static void taps_of(tdag_builder *b, int64_t in, int64_t out, double scale, bool cubic,
                    tdag_value *at_out, tdag_value *weights_out)
{
    const double support = (cubic ? 2 : 1) * (scale >= 1 ? scale : 1);
    const int64_t last = 1;
    int64_t taps = 2 * (int64_t)ceil(support) + 1;
    if (taps > in) taps = in;
    tdag_value i = tdagi_add_scalar(b, tdag_iota(b, out, TDAG_F64), 0.5);
    tdag_value centre = tdagi_unsqueeze1(b, tdagi_mul_scalar(b, i, scale), 1);
    tdag_value low = tdagi_add_scalar(b, centre, 0.5 - support);
    low = clamped(b, tdagi_unary_composite(b, TDAGI_TRUNC, low), true, 0);
    tdag_value high = tdagi_add_scalar(b, centre, 0.5 + support);
    high = clamped(b, tdagi_unary_composite(b, TDAGI_TRUNC, high), false, (double)in);
    tdag_value at = tdagi_add(b, low, tdag_iota(b, taps, TDAG_F64));
    tdag_value d = tdagi_add_scalar(b, tdagi_sub(b, at, centre), 0.5);
    tdag_value w = filter(b, tdagi_mul_scalar(b, d, scale >= 1 ? 1 / scale : 1), cubic);
    w = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, at, high), w, number(b, 0));
    *weights_out =
        tdagi_div(b, w, tdag_reduce(b, w, TDAG_REDUCE_SUM, (tdag_list){1, &last}));
    *at_out = tdagi_cast(b, clamped(b, at, false, (double)in - 1), TDAG_I64);
}

static tdag_value resized(tdag_builder *b, tdag_value x, uint32_t axis, int64_t out,
                          double scale, bool cubic)
{
    tdag_value at = TDAG_NO_VALUE, w = TDAG_NO_VALUE;
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    const int64_t in = tdagi_dim_of(b, x, axis);
    if (in == out && scale == 1) return x;
    if (in < 1 || !(scale >= 0) || scale > (double)INT32_MAX)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "resizing of sizes or by scales that are no numbers");
    taps_of(b, in, out, scale, cubic, &at, &w);
    w = tdagi_cast(b, w, tdag_builder_get_dtype(b, x));
    if (axis == 2) w = tdagi_unsqueeze1(b, w, 2);
    x = tdagi_transpose(b, x, 0, axis);
    x = tdag_gather(b, x, at, 0); /* [out, taps, 1, 2, ..., 0, ...] */
    int64_t order[5];
    for (uint32_t a = 0, k = 0; a < 4; a++) { /* back, the taps after the axis */
        order[k++] = a == axis ? 0 : a == 0 ? (int64_t)axis + 1 : (int64_t)a + 1;
        if (a == axis) order[k++] = 1;
    }
    x = tdag_permute(b, x, (tdag_list){5, order});
    const int64_t taps = (int64_t)axis + 1;
    return tdagi_reduce_keep(b, tdagi_mul(b, x, w), TDAG_REDUCE_SUM,
                             (tdag_list){1, &taps}, false);
}

/* The width first. */
static tdag_value lower_upsample_aa(tdag_builder *b, const tdag_value *in, uint32_t n,
                                    const void *spec)
{
    (void)n;
    const tdagi_upsample_aa_spec *s = spec;
    if (tdag_builder_get_rank(b, in[0]) != 4 ||
        !tdag_dtype_is_float(tdag_builder_get_dtype(b, in[0])))
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "upsample_aa takes floating [N, C, H, W]");
    tdag_value x = tdagi_wide(b, in[0]);
    x = resized(b, x, 3, s->width, s->scale_w, s->cubic != 0);
    x = resized(b, x, 2, s->height, s->scale_h, s->cubic != 0);
    return tdagi_cast(b, x, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_upsample_aa = {
    .spec_size = sizeof(tdagi_upsample_aa_spec),
    .fields = upsample_aa_fields,
    .n_batched = 1,
    .lower = lower_upsample_aa,
};
