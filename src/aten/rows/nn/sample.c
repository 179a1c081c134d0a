/* Sampling at positions between elements: grid_sampler, affine_grid_generator, and
 * resizing with anti-aliasing. */
#include <math.h>

#include "aten/rows/steps.h"

/* ---- grid_sampler ---- */

tdagi_any tdagi_aten_grid_sampler(tdagi_call *c)
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "input"), tdagi_arg_tensor(c, "grid")};
    const tdagi_grid_sample_spec s = {tdagi_arg_int(c, "interpolation_mode", 0),
                                      tdagi_arg_int(c, "padding_mode", 0),
                                      tdagi_arg_bool(c, "align_corners", false)};
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, in[0]);
    if (rank < 4 || rank > 5 || tdagi_rank(c, in[1]) != rank)
        return tdagi_refuse(c, "input");
    if (s.mode < TDAGI_SAMPLE_LINEAR || s.mode > TDAGI_SAMPLE_CUBIC ||
        (s.mode == TDAGI_SAMPLE_CUBIC && rank != 4))
        return tdagi_refuse(c, "interpolation_mode");
    if (s.padding < TDAGI_SAMPLE_ZEROS || s.padding > TDAGI_SAMPLE_REFLECTION)
        return tdagi_refuse(c, "padding_mode");
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_GRID_SAMPLE, in, 2, &s));
}

/* ---- affine_grid_generator ---- */

/* n positions in -1...1: the ends themselves, or the centres of n equal parts. */
static tdag_value positions(tdagi_call *c, tdag_dim n, bool align, tdag_dtype dtype)
{
    if (tdagi_dim_sample(c->env->pool, n) <= 1)
        return tdagi_full(c->b, dtype, 1, &n, 0);
    tdag_value count = tdagi_dim_scalar(c->b, n, TDAG_F64);
    tdag_value i = tdag_iota(c->b, n, TDAG_F64);
    i = tdagi_sub(c->b, tdagi_add(c->b, i, i), tdagi_add_scalar(c->b, count, -1));
    if (align) count = tdagi_add_scalar(c->b, count, -1);
    return tdagi_cast(c->b, tdagi_div(c->b, i, count), dtype);
}

/* theta [N, n, n + 1] times (x, y, (z,) 1) at every place of the output */
tdagi_any tdagi_aten_affine_grid(tdagi_call *c)
{
    tdag_value theta = tdagi_arg_tensor(c, "theta");
    tdag_list size = tdagi_arg_dims(c, "size");
    bool align = tdagi_arg_bool(c, "align_corners", false);
    if (c->bad || size.n < 4 || size.n > 5 || tdagi_rank(c, theta) != 3)
        return tdagi_refuse(c, "size");
    uint32_t n = size.n - 2;
    tdag_dtype d = tdagi_dtype(c, theta);
    tdag_value parts[4];
    for (uint32_t i = 0; i <= n; i++) { /* the last axis first, then 1 */
        uint32_t axis = n - 1 - i;
        tdag_value p = i == n ? tdag_add_scalar(c->b, d, 1)
                              : positions(c, size.v[2 + axis], align, d);
        for (uint32_t a = axis + 1; i < n && a < n; a++)
            p = tdagi_unsqueeze1(c->b, p, 1);
        parts[i] = tdagi_expand(c->b, p, n, size.v + 2);
    }
    tdag_value base = tdagi_stack(c->b, parts, n + 1, n);
    tdag_dim flat[3] = {1, 1, n + 1}, out[5] = {size.v[0]};
    for (uint32_t i = 0; i < n; i++) {
        out[i + 1] = size.v[2 + i];
        flat[1] = tdag_dim_mul(c->b, flat[1], size.v[2 + i]);
    }
    out[n + 1] = n;
    base = tdagi_reshape(c->b, base, 3, flat);
    tdag_value y = tdagi_matmul(c->b, base, tdagi_transpose(c->b, theta, 1, 2));
    return tdagi_result(c, tdagi_reshape(c->b, y, n + 2, out));
}

/* ---- resizing with anti-aliasing ---- */

/* The filter at distance |x|: a triangle, or cubic convolution with a = -0.5. */
static tdag_value filter(tdagi_call *c, tdag_value x, bool cubic)
{
    const double a = -0.5;
    tdag_value zero = step_number(c, x, 0), y;
    x = step_abs(c, x);
    tdag_value near = step_less(c, x, step_number(c, x, 1));
    if (!cubic)
        return step_where(c, near, tdagi_sub(c->b, step_number(c, x, 1), x), zero);
    y = tdagi_add_scalar(c->b, tdagi_mul_scalar(c->b, x, a + 2), -(a + 3));
    y = tdagi_mul(c->b, tdagi_mul(c->b, y, x), x);
    y = tdagi_add_scalar(c->b, y, 1);
    tdag_value far = tdagi_add_scalar(c->b, tdagi_mul_scalar(c->b, x, a), -5 * a);
    far = tdagi_add_scalar(c->b, tdagi_mul(c->b, far, x), 8 * a);
    far = tdagi_add_scalar(c->b, tdagi_mul(c->b, far, x), -4 * a);
    far = step_where(c, step_less(c, x, step_number(c, x, 2)), far, zero);
    return step_where(c, near, y, far);
}

/* One axis from `in` to `out` elements: each reads the elements within the filter's
 * support around its centre, by weights that sum to 1. */
static tdag_value resized(tdagi_call *c, tdag_value x, uint32_t axis, int64_t in,
                          int64_t out, double scale)
{
    bool cubic = c->data == 1;
    double support = (cubic ? 2 : 1) * (scale >= 1 ? scale : 1);
    int64_t taps = 2 * (int64_t)ceil(support) + 1;
    uint32_t rank = tdagi_rank(c, x);
    if (taps > in) taps = in;
    tdag_value i = tdagi_add_scalar(c->b, tdag_iota(c->b, out, TDAG_F64), 0.5);
    tdag_value centre = tdagi_unsqueeze1(c->b, tdagi_mul_scalar(c->b, i, scale), 1);
    tdag_value low = tdagi_add_scalar(c->b, centre, 0.5 - support);
    low = step_at_least(c, step_one(c, TDAGI_TRUNC, low), 0);
    tdag_value high = tdagi_add_scalar(c->b, centre, 0.5 + support);
    high = step_at_most(c, step_one(c, TDAGI_TRUNC, high), (double)in);
    tdag_value at = tdagi_add(c->b, low, tdag_iota(c->b, taps, TDAG_F64));
    tdag_value d = tdagi_add_scalar(c->b, tdagi_sub(c->b, at, centre), 0.5);
    tdag_value w =
        filter(c, tdagi_mul_scalar(c->b, d, scale >= 1 ? 1 / scale : 1), cubic);
    w = step_where(c, step_less(c, at, high), w, step_number(c, w, 0));
    w = tdagi_div(c->b, w, step_sum(c, w, 1, true));
    at = tdagi_cast(c->b, step_at_most(c, at, (double)in - 1), TDAG_I64);
    w = tdagi_cast(c->b, w, tdagi_dtype(c, x));
    if (axis == 2) w = tdagi_unsqueeze1(c->b, w, 2);
    x = tdagi_transpose(c->b, x, 0, axis);
    x = tdag_gather(c->b, x, at, 0); /* [out, taps, 1, 2, ..., 0, ...] */
    if (x.id == 0 || rank != 4) return TDAG_NO_VALUE;
    int64_t order[5];
    for (uint32_t a = 0, k = 0; a < 4; a++) { /* back, the taps after the axis */
        order[k++] = a == axis ? 0 : a == 0 ? (int64_t)axis + 1 : (int64_t)a + 1;
        if (a == axis) order[k++] = 1;
    }
    x = tdag_permute(c->b, x, (tdag_list){5, order});
    return step_sum(c, tdagi_mul(c->b, x, w), axis + 1, false);
}

static double scale_argument(tdagi_call *c, uint32_t i)
{
    if (tdagi_has(c, "scale_factors")) return tdagi_arg_item(c, "scale_factors", i);
    tdagi_ignore(c, "scale_factors");
    return tdagi_arg_float(c, i == 0 ? "scales_h" : "scales_w", 0);
}

/* bilinear (row data 0) and bicubic (1) of [N, C, H, W]; W first */
tdagi_any tdagi_aten_upsample_aa(tdagi_call *c)
{
    const char *name = tdagi_has(c, "input") ? "input" : "self";
    tdag_value x = tdagi_arg_tensor(c, name);
    tdag_list size = tdagi_arg_ints(c, "output_size");
    bool align = tdagi_arg_bool(c, "align_corners", false);
    if (c->bad || tdagi_rank(c, x) != 4) return tdagi_refuse(c, name);
    if (!tdag_dtype_is_float(tdagi_dtype(c, x))) return tdagi_refuse_integers(c);
    tdag_dtype own;
    int64_t in[2], out[2];
    double scale[2];
    for (uint32_t i = 0; i < 2; i++) {
        scale[i] = scale_argument(c, i);
        if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, i + 2), &in[i])) {
            c->bad = true;
            return tdagi_env_issue(c->env, "%s of an axis of symbolic size",
                                   c->schema->name);
        }
        out[i] = size.n == 2 ? size.v[i] : (int64_t)((double)in[i] * scale[i]);
        if (out[i] < 1 || in[i] < 1) return tdagi_refuse(c, "output_size");
        if (align)
            scale[i] = out[i] > 1 ? (double)(in[i] - 1) / (double)(out[i] - 1) : 0;
        else
            scale[i] = scale[i] > 0 ? 1 / scale[i] : (double)in[i] / (double)out[i];
    }
    x = tdagi_widen(c->b, x, &own);
    for (uint32_t i = 2; i-- > 0;)
        if (in[i] != out[i] || scale[i] != 1)
            x = resized(c, x, i + 2, in[i], out[i], scale[i]);
    return tdagi_result(c, tdagi_cast(c->b, x, own));
}
