/* Variance, vector norms and normalisations. Half types are computed in f32 and rounded
 * once, as PyTorch does; rounding apart everything is exact, inf and NaN included. */
#include "derive/parts.h"

#include <math.h>

static const tdagi_field var_fields[] = {
    TDAGI_FIELD_AS(tdagi_var_spec, axes, INTS, AXIS),
    TDAGI_FIELD_AS(tdagi_var_spec, correction, F64, MISSING),
    TDAGI_FIELD(tdagi_var_spec, keep, BOOL),
    {0},
};

static tdag_value square(tdag_builder *b, tdag_value x) { return tdagi_mul(b, x, x); }

static tdag_value centered(tdag_builder *b, tdag_value x, tdag_list axes)
{
    return tdagi_sub(b, x, tdag_reduce(b, x, TDAG_REDUCE_MEAN, axes));
}

/* max(n - correction, 0) as a scalar; n is the number of elements of the axes. */
static tdag_value degrees(tdag_builder *b, tdag_value x, tdag_list axes,
                          double correction)
{
    tdagi_pool *pool = tdagi_builder_pool(b);
    tdag_dtype dtype = tdag_builder_get_dtype(b, x);
    tdag_dim n = 1;
    int64_t value;
    for (uint32_t i = 0; i < axes.n; i++)
        n = tdagi_dim_mul(pool, n, tdagi_dim_of(b, x, (uint32_t)axes.v[i]));
    if (tdagi_dim_is_const(pool, n, &value))
        return tdag_add_scalar(b, dtype, fmax((double)value - correction, 0));
    tdag_value d = tdagi_add_scalar(b, tdagi_dim_scalar(b, n, dtype), -correction);
    tdag_value zero = tdag_add_scalar(b, dtype, 0);
    return tdag_where(b, tdag_binary(b, TDAG_OP_LESS, d, zero), zero, d);
}

/* sum((x - mean(x))^2) / max(n - correction, 0), so x/0 as PyTorch has it where there
 * are too few elements; without a correction the mean of the squares. */
static tdag_value variance(tdag_builder *b, tdag_value x, const tdagi_var_spec *s)
{
    for (uint32_t i = 0; i < s->axes.n; i++)
        if (!tdagi_axis_fits(b, x, s->axes.v[i], "var")) return TDAG_NO_VALUE;
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    tdag_value y = square(b, centered(b, x, s->axes));
    if (s->correction == 0)
        y = tdag_reduce(b, y, TDAG_REDUCE_MEAN, s->axes);
    else
        y = tdagi_div(b, tdag_reduce(b, y, TDAG_REDUCE_SUM, s->axes),
                      degrees(b, x, s->axes, s->correction));
    return s->keep || s->axes.n == 0 ? y : tdag_squeeze(b, y, s->axes);
}

static tdag_value lower_var(tdag_builder *b, const tdag_value *in, uint32_t n,
                            const void *spec)
{
    (void)n;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    return tdagi_cast(b, variance(b, x, spec), own);
}

const tdagi_composite_def tdagi_composite_var = {
    .spec_size = sizeof(tdagi_var_spec),
    .fields = var_fields,
    .lower = lower_var,
};

static tdag_value lower_std(tdag_builder *b, const tdag_value *in, uint32_t n,
                            const void *spec)
{
    (void)n;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    return tdagi_cast(b, tdag_unary(b, TDAG_OP_SQRT, variance(b, x, spec)), own);
}

const tdagi_composite_def tdagi_composite_std = {
    .spec_size = sizeof(tdagi_var_spec),
    .fields = var_fields,
    .lower = lower_std,
};

/* ---- norms ---- */

static const tdagi_field norm_fields[] = {
    TDAGI_FIELD_AS(tdagi_norm_spec, axes, INTS, AXIS),
    TDAGI_FIELD(tdagi_norm_spec, p, F64),
    TDAGI_FIELD(tdagi_norm_spec, keep, BOOL),
    TDAGI_FIELD(tdagi_norm_spec, eps, F64),
    {0},
};

/* |x|^p for p other than 0, 1, 2 and the infinities. */
static tdag_value power(tdag_builder *b, tdag_value x, double p)
{
    if (p == floor(p) && fabs(p) <= 64)
        return tdagi_lower(b, TDAGI_POW_INT, &x, 1, &(tdagi_pow_int_spec){(int64_t)p});
    tdag_value both[2] = {x, tdag_add_scalar(b, tdag_builder_get_dtype(b, x), p)};
    return tdagi_lower(b, TDAGI_POW, both, 2, NULL);
}

/* In x's own dtype; the axes stay with dim 1. */
static tdag_value norm_of(tdag_builder *b, tdag_value x, double p, tdag_list axes)
{
    if (p == 2)
        return tdag_unary(b, TDAG_OP_SQRT,
                          tdag_reduce(b, square(b, x), TDAG_REDUCE_SUM, axes));
    if (p == 0) {
        tdag_dtype dtype = tdag_builder_get_dtype(b, x);
        tdag_value zero = tdag_add_scalar(b, dtype, 0),
                   one = tdag_add_scalar(b, dtype, 1);
        x = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, x, zero), zero, one);
        return tdag_reduce(b, x, TDAG_REDUCE_SUM, axes);
    }
    x = tdagi_unary_composite(b, TDAGI_ABS, x);
    if (p == 1) return tdag_reduce(b, x, TDAG_REDUCE_SUM, axes);
    if (isinf(p))
        return tdag_reduce(b, x, p > 0 ? TDAG_REDUCE_MAX : TDAG_REDUCE_MIN, axes);
    x = tdag_reduce(b, power(b, x, p), TDAG_REDUCE_SUM, axes);
    return power(b, x, 1 / p);
}

/* sum(|x|^p)^(1/p); p = 2: sqrt(sum(x*x)); p = 1: sum(|x|); p = inf, -inf: max(|x|),
 * min(|x|); p = 0: the number of elements that are not 0. Other p are close. */
static tdag_value lower_vector_norm(tdag_builder *b, const tdag_value *in, uint32_t n,
                                    const void *spec)
{
    (void)n;
    const tdagi_norm_spec *s = spec;
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    tdag_value y = norm_of(b, tdagi_wide(b, in[0]), s->p, s->axes);
    if (!s->keep && s->axes.n > 0) y = tdag_squeeze(b, y, s->axes);
    return tdagi_cast(b, y, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_vector_norm = {
    .spec_size = sizeof(tdagi_norm_spec),
    .fields = norm_fields,
    .lower = lower_vector_norm,
};

/* x / max(norm(x), eps). Norm, eps and quotient are in x's dtype, half types too, as in
 * PyTorch: so a zero row of f16 is 0/0 with the usual eps of 1e-12. */
static tdag_value lower_normalize(tdag_builder *b, const tdag_value *in, uint32_t n,
                                  const void *spec)
{
    const tdagi_norm_spec *s = spec;
    tdagi_norm_spec norm = {s->axes, s->p, 1, 0};
    tdag_value y = lower_vector_norm(b, in, n, &norm);
    y = tdagi_lower(b, TDAGI_CLAMP, &y, 1, &(tdagi_clamp_spec){1, 0, s->eps, 0});
    return tdagi_div(b, in[0], y);
}

const tdagi_composite_def tdagi_composite_normalize = {
    .spec_size = sizeof(tdagi_norm_spec),
    .fields = norm_fields,
    .lower = lower_normalize,
};

static const tdagi_field cosine_fields[] = {
    TDAGI_FIELD_AS(tdagi_cosine_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdagi_cosine_spec, eps, F64),
    {0},
};

/* sum(x/max(|x|, eps) * y/max(|y|, eps)) */
static tdag_value lower_cosine_similarity(tdag_builder *b, const tdag_value *in,
                                          uint32_t n, const void *spec)
{
    const tdagi_cosine_spec *s = spec;
    const tdagi_norm_spec norm = {{1, &s->axis}, 2, 1, s->eps};
    tdag_value x[2] = {TDAG_NO_VALUE, TDAG_NO_VALUE};
    if (!(s->eps >= 0))
        return tdagi_builder_fail(b, TDAG_E_ARG, "cosine_similarity with eps below 0");
    for (uint32_t i = 0; i < n; i++) {
        if (!tdagi_axis_fits(b, in[i], s->axis, "cosine_similarity"))
            return TDAG_NO_VALUE;
        x[i] = tdagi_wide(b, in[i]);
        x[i] = lower_normalize(b, &x[i], 1, &norm);
    }
    tdag_value y = tdagi_reduce_keep(b, tdagi_mul(b, x[0], x[1]), TDAG_REDUCE_SUM,
                                     (tdag_list){1, &s->axis}, false);
    return tdagi_cast(b, y, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_cosine_similarity = {
    .spec_size = sizeof(tdagi_cosine_spec),
    .fields = cosine_fields,
    .lower = lower_cosine_similarity,
};

/* ---- normalisations ---- */

/* x * rsqrt(mean_square + eps) */
static tdag_value scaled(tdag_builder *b, tdag_value x, tdag_list axes, double eps)
{
    tdag_value y = tdag_reduce(b, square(b, x), TDAG_REDUCE_MEAN, axes);
    y = tdagi_unary_composite(b, TDAGI_RSQRT, tdagi_add_scalar(b, y, eps));
    return tdagi_mul(b, x, y);
}

/* [C] as [C, 1, ..., 1], to meet x of that rank at axis 1; in x's wide dtype. */
static tdag_value per_channel(tdag_builder *b, tdag_value v, tdag_value x)
{
    tdagi_axes room;
    if (!tdagi_usable(b, v) || !tdagi_usable(b, x)) return TDAG_NO_VALUE;
    v = tdagi_cast(b, v, tdagi_wide_dtype(tdag_builder_get_dtype(b, x)));
    uint32_t rank = tdag_builder_get_rank(b, x);
    return rank < 3 ? v : tdag_unsqueeze(b, v, tdagi_axis_run(&room, 1, rank - 2));
}

/* x * weight + bias, either left out, then back to the dtype of the source. */
static tdag_value affine(tdag_builder *b, tdag_value x, tdag_value weight,
                         tdag_value bias, tdag_value source)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    tdag_dtype dtype = tdag_builder_get_dtype(b, x);
    if (weight.id != 0) x = tdagi_mul(b, x, tdagi_cast(b, weight, dtype));
    if (bias.id != 0) x = tdagi_add(b, x, tdagi_cast(b, bias, dtype));
    return tdagi_cast(b, x, tdag_builder_get_dtype(b, source));
}

static const tdagi_field layer_norm_fields[] = {
    TDAGI_FIELD_AS(tdagi_layer_norm_spec, n_axes, INT, LAST_AXES),
    TDAGI_FIELD(tdagi_layer_norm_spec, eps, F64),
    {0},
};

static tdag_list last_axes(tdag_builder *b, tdag_value x, int64_t n, tdagi_axes *room)
{
    return tdagi_axis_run(room, tdag_builder_get_rank(b, x) - (uint32_t)n, (uint32_t)n);
}

/* Over one axis or more; the parameters have the dims of those axes. */
static bool last_axes_fit(tdag_builder *b, const tdag_value *in, uint32_t n,
                          int64_t n_axes, const char *what)
{
    if (!tdagi_usable(b, in[0])) return false;
    uint32_t rank = tdag_builder_get_rank(b, in[0]), k = (uint32_t)n_axes;
    if (k == 0) {
        tdagi_builder_fail(b, TDAG_E_SHAPE, "%s over no axis", what);
        return false;
    }
    const tdag_dim *shape = tdag_builder_get_shape(b, in[0]) + rank - k;
    return tdagi_have_shape(b, in + 1, n - 1, k, shape, what);
}

/* c * rsqrt(mean(c^2) + eps) * weight + bias with c = x - mean(x) */
static tdag_value lower_layer_norm(tdag_builder *b, const tdag_value *in, uint32_t n,
                                   const void *spec)
{
    const tdagi_layer_norm_spec *s = spec;
    tdagi_axes room;
    if (!last_axes_fit(b, in, n, s->n_axes, "layer_norm") ||
        !tdagi_have_dtype(b, in + 1, n - 1, in[0], "layer_norm"))
        return TDAG_NO_VALUE;
    tdag_list axes = last_axes(b, in[0], s->n_axes, &room);
    tdag_value x = centered(b, tdagi_wide(b, in[0]), axes);
    x = scaled(b, x, axes, s->eps);
    return affine(b, x, tdagi_optional(in, n, 1), tdagi_optional(in, n, 2), in[0]);
}

const tdagi_composite_def tdagi_composite_layer_norm = {
    .spec_size = sizeof(tdagi_layer_norm_spec),
    .fields = layer_norm_fields,
    .n_leading = 1,
    .lower = lower_layer_norm,
};

/* x * rsqrt(mean(x^2) + eps) * weight */
static tdag_value lower_rms_norm(tdag_builder *b, const tdag_value *in, uint32_t n,
                                 const void *spec)
{
    const tdagi_layer_norm_spec *s = spec;
    tdagi_axes room;
    if (!last_axes_fit(b, in, n, s->n_axes, "rms_norm")) return TDAG_NO_VALUE;
    tdag_list axes = last_axes(b, in[0], s->n_axes, &room);
    tdag_value x = scaled(b, tdagi_wide(b, in[0]), axes, s->eps);
    return affine(b, x, tdagi_optional(in, n, 1), TDAG_NO_VALUE, in[0]);
}

const tdagi_composite_def tdagi_composite_rms_norm = {
    .spec_size = sizeof(tdagi_layer_norm_spec),
    .fields = layer_norm_fields,
    .n_leading = 1,
    .lower = lower_rms_norm,
};

static const tdagi_field group_norm_fields[] = {
    TDAGI_FIELD_AS(tdagi_group_norm_spec, groups, INT, POSITIVE),
    TDAGI_FIELD(tdagi_group_norm_spec, eps, F64),
    {0},
};

/* An input [N, C, ...] and, from the second on, parameters [C]. */
static bool has_channels(tdag_builder *b, const tdag_value *in, uint32_t n,
                         const char *what)
{
    if (!tdagi_usable(b, in[0])) return false;
    if (tdag_builder_get_rank(b, in[0]) >= 2) {
        const tdag_dim channels = tdagi_dim_of(b, in[0], 1);
        return tdagi_have_shape(b, in + 1, n - 1, 1, &channels, what) &&
               tdagi_have_dtype(b, in + 1, n - 1, in[0], what);
    }
    tdagi_builder_fail(b, TDAG_E_SHAPE, "%s needs an input of 2 axes or more", what);
    return false;
}

/* As layer_norm over a group of channels and all spatial axes (C is split into [groups,
 * C/groups] meanwhile), then * weight + bias per channel. */
static tdag_value lower_group_norm(tdag_builder *b, const tdag_value *in, uint32_t n,
                                   const void *spec)
{
    const tdagi_group_norm_spec *s = spec;
    tdagi_axes room;
    if (!has_channels(b, in, n, "group_norm")) return TDAG_NO_VALUE;
    if (s->groups < 1)
        return tdagi_builder_fail(b, TDAG_E_ARG, "group_norm of %lld groups",
                                  (long long)s->groups);
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    tdag_dim inner =
        tdagi_dim_floordiv(tdagi_builder_pool(b), tdagi_dim_of(b, in[0], 1), s->groups);
    tdag_value x = tdagi_split_axis(b, tdagi_wide(b, in[0]), 1, s->groups, inner);
    tdag_list axes = tdagi_axis_run(&room, 2, rank - 1);
    x = scaled(b, centered(b, x, axes), axes, s->eps);
    tdagi_axes runs = tdagi_axes_of(1);
    runs.v[1] = 2;
    x = tdag_group(b, x, (tdag_list){rank, runs.v});
    return affine(b, x, per_channel(b, tdagi_optional(in, n, 1), x),
                  per_channel(b, tdagi_optional(in, n, 2), x), in[0]);
}

const tdagi_composite_def tdagi_composite_group_norm = {
    .spec_size = sizeof(tdagi_group_norm_spec),
    .fields = group_norm_fields,
    .n_batched = 1,
    .lower = lower_group_norm,
};

static const tdagi_field eps_fields[] = {TDAGI_FIELD(tdagi_eps_spec, eps, F64), {0}};

/* x * scale + shift with scale = rsqrt(var + eps) * weight, shift = bias - mean *
 * scale, both made per channel first, as PyTorch's kernel does. A half x may have f32
 * statistics and weights. */
static tdag_value lower_batch_norm(tdag_builder *b, const tdag_value *in, uint32_t n,
                                   const void *spec)
{
    const tdagi_eps_spec *s = spec;
    if (!has_channels(b, in, n, "batch_norm")) return TDAG_NO_VALUE;
    tdag_value x = tdagi_wide(b, in[0]);
    tdag_value weight = tdagi_optional(in, n, 3), bias = tdagi_optional(in, n, 4);
    tdag_dtype dtype = tdag_builder_get_dtype(b, x);
    tdag_value scale = tdagi_add_scalar(b, tdagi_cast(b, in[2], dtype), s->eps);
    scale = tdagi_unary_composite(b, TDAGI_RSQRT, scale);
    if (weight.id != 0) scale = tdagi_mul(b, scale, tdagi_cast(b, weight, dtype));
    tdag_value shift = tdagi_mul(b, tdagi_cast(b, in[1], dtype), scale);
    if (bias.id != 0)
        shift = tdagi_sub(b, tdagi_cast(b, bias, dtype), shift);
    else
        shift = tdag_unary(b, TDAG_OP_NEG, shift);
    return affine(b, x, per_channel(b, scale, x), per_channel(b, shift, x), in[0]);
}

const tdagi_composite_def tdagi_composite_batch_norm = {
    .spec_size = sizeof(tdagi_eps_spec),
    .fields = eps_fields,
    .n_batched = 1,
    .lower = lower_batch_norm,
};

/* As layer_norm over the spatial axes of each channel, then * weight + bias per
 * channel. */
static tdag_value lower_instance_norm(tdag_builder *b, const tdag_value *in, uint32_t n,
                                      const void *spec)
{
    const tdagi_eps_spec *s = spec;
    tdagi_axes room;
    if (!has_channels(b, in, n, "instance_norm")) return TDAG_NO_VALUE;
    tdag_list axes = tdagi_axis_run(&room, 2, tdag_builder_get_rank(b, in[0]) - 2);
    tdag_value x = tdagi_wide(b, in[0]);
    x = scaled(b, centered(b, x, axes), axes, s->eps);
    return affine(b, x, per_channel(b, tdagi_optional(in, n, 1), x),
                  per_channel(b, tdagi_optional(in, n, 2), x), in[0]);
}

const tdagi_composite_def tdagi_composite_instance_norm = {
    .spec_size = sizeof(tdagi_eps_spec),
    .fields = eps_fields,
    .n_batched = 1,
    .lower = lower_instance_norm,
};
