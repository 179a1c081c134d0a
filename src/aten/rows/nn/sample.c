/* Sampling at positions between elements: grid_sampler, affine_grid_generator, and
 * resizing with anti-aliasing. */
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
    int64_t in[2];
    tdagi_upsample_aa_spec spec = {.cubic = c->data};
    for (uint32_t i = 0; i < 2; i++) {
        double scale = scale_argument(c, i);
        if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, i + 2), &in[i])) {
            c->bad = true;
            return tdagi_env_issue(c->env, "%s of an axis of symbolic size",
                                   c->schema->name);
        }
        int64_t out = size.n == 2 ? size.v[i] : (int64_t)((double)in[i] * scale);
        if (out < 1 || in[i] < 1) return tdagi_refuse(c, "output_size");
        if (align)
            scale = out > 1 ? (double)(in[i] - 1) / (double)(out - 1) : 0;
        else
            scale = scale > 0 ? 1 / scale : (double)in[i] / (double)out;
        *(i == 0 ? &spec.height : &spec.width) = out;
        *(i == 0 ? &spec.scale_h : &spec.scale_w) = scale;
    }
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_UPSAMPLE_AA, &x, 1, &spec));
}
