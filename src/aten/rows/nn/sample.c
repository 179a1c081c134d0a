/* Sampling at positions between elements: grid_sampler, affine_grid_generator, and
 * resizing with anti-aliasing. */
#include <math.h>

#include "aten/rows/steps.h"

/* ---- grid_sampler ---- */

enum { LINEAR = 0, NEAREST = 1, CUBIC = 2 };
enum { ZEROS = 0, BORDER = 1, REFLECTION = 2 };

typedef struct sampler {
    tdagi_call *c;
    uint32_t n;       /* spatial axes */
    tdag_dim size[3]; /* of the input */
    int64_t padding;
    bool align_corners;
    tdag_value x; /* [N, elements, C] */
    tdag_dtype dtype;
} sampler;

static tdag_value size_value(const sampler *s, uint32_t axis, double add)
{
    tdag_value n = tdagi_dim_scalar(s->c->b, s->size[axis], s->dtype);
    return add == 0 ? n : tdagi_add_scalar(s->c->b, n, add);
}

/* -1...1 to positions: the centres of the outer elements, or their outer edges. */
static tdag_value unnormalised(const sampler *s, tdag_value g, uint32_t axis)
{
    tdag_builder *b = s->c->b;
    g = tdagi_add_scalar(b, g, 1);
    if (s->align_corners)
        return tdagi_mul(b, tdagi_mul_scalar(b, g, 0.5), size_value(s, axis, -1));
    g = tdagi_add_scalar(b, tdagi_mul(b, g, size_value(s, axis, 0)), -1);
    return tdagi_mul_scalar(b, g, 0.5);
}

/* Mirrored at both ends until it is inside: |x - low| modulo the span, backwards in
 * every other one. */
static tdag_value reflected(const sampler *s, tdag_value x, uint32_t axis)
{
    tdagi_call *c = s->c;
    double low = s->align_corners ? 0 : -0.5;
    tdag_value span = size_value(s, axis, s->align_corners ? -1 : 0);
    tdag_value zero = step_number(c, x, 0);
    x = step_abs(c, tdagi_add_scalar(c->b, x, -low));
    tdag_value turns = tdag_unary(c->b, TDAG_OP_FLOOR, tdagi_div(c->b, x, span));
    tdag_value extra = step_lower(c, TDAGI_REMAINDER, x, span);
    tdag_value odd = step_lower(c, TDAGI_REMAINDER, turns, step_number(c, x, 2));
    x = step_where(c, step_equal(c, odd, zero), extra, tdagi_sub(c->b, span, extra));
    x = tdagi_add_scalar(c->b, x, low);
    return step_where(c, step_equal(c, span, zero), zero, x);
}

static tdag_value padded_position(const sampler *s, tdag_value x, uint32_t axis)
{
    tdagi_call *c = s->c;
    if (s->padding == ZEROS) return x;
    if (s->padding == REFLECTION) x = reflected(s, x, axis);
    return step_min(c, step_at_least(c, x, 0), size_value(s, axis, -1));
}

/* The elements [N, out..., C] at whole positions, 0 at those outside. */
static tdag_value elements_at(const sampler *s, const tdag_value *at)
{
    tdagi_call *c = s->c;
    tdag_value index = TDAG_NO_VALUE, inside = TDAG_NO_VALUE;
    for (uint32_t i = 0; i < s->n; i++) {
        tdag_value low = step_less(c, step_number(c, at[i], -1), at[i]);
        tdag_value in = step_and(c, low, step_less(c, at[i], size_value(s, i, 0)));
        tdag_value p = step_where(c, in, at[i], step_number(c, at[i], 0));
        p = tdagi_cast(c->b, p, TDAG_I64);
        inside = i == 0 ? in : step_and(c, inside, in);
        if (i > 0) index = tdagi_mul(c->b, index, tdagi_dim_value(c->b, s->size[i]));
        index = i == 0 ? p : tdagi_add(c->b, index, p);
    }
    tdag_value y = tdag_gather(c->b, s->x, index, 1);
    if (y.id == 0 || s->padding != ZEROS) return y;
    inside = tdagi_unsqueeze1(c->b, inside, s->n + 1);
    return step_where(c, inside, y, step_number(c, y, 0));
}

static tdag_value weighted(const sampler *s, tdag_value y, tdag_value w)
{
    return tdagi_mul(s->c->b, y, tdagi_unsqueeze1(s->c->b, w, s->n + 1));
}

static tdag_value sample_linear(const sampler *s, const tdag_value *at)
{
    tdagi_call *c = s->c;
    tdag_value low[3], part[3], sum = TDAG_NO_VALUE;
    for (uint32_t i = 0; i < s->n; i++) {
        low[i] = tdag_unary(c->b, TDAG_OP_FLOOR, at[i]);
        part[i] = tdagi_sub(c->b, at[i], low[i]);
    }
    for (uint32_t corner = 0; corner < 1u << s->n; corner++) {
        tdag_value p[3], w = TDAG_NO_VALUE;
        for (uint32_t i = 0; i < s->n; i++) {
            bool upper = (corner >> i & 1) != 0;
            p[i] = upper ? tdagi_add_scalar(c->b, low[i], 1) : low[i];
            tdag_value f =
                upper ? part[i] : tdagi_sub(c->b, step_number(c, part[i], 1), part[i]);
            w = i == 0 ? f : tdagi_mul(c->b, w, f);
            /* the upper neighbour of the last element has weight 0 */
            if (upper && s->padding != ZEROS)
                p[i] = step_min(c, p[i], size_value(s, i, -1));
        }
        tdag_value y = weighted(s, elements_at(s, p), w);
        sum = corner == 0 ? y : tdagi_add(c->b, sum, y);
    }
    return sum;
}

/* The cubic convolution kernel with a = -0.75 at distances t + 1, t, 1 - t, 2 - t. */
static void cubic_weights(tdagi_call *c, tdag_value t, tdag_value w[4])
{
    const double a = -0.75;
    tdag_value rest = tdagi_sub(c->b, step_number(c, t, 1), t);
    for (uint32_t i = 0; i < 4; i++) {
        tdag_value x = i < 2 ? t : rest, y;
        if (i == 0 || i == 3) {
            x = tdagi_add_scalar(c->b, x, 1);
            y = tdagi_add_scalar(c->b, tdagi_mul_scalar(c->b, x, a), -5 * a);
            y = tdagi_add_scalar(c->b, tdagi_mul(c->b, y, x), 8 * a);
            w[i] = tdagi_add_scalar(c->b, tdagi_mul(c->b, y, x), -4 * a);
        } else {
            y = tdagi_add_scalar(c->b, tdagi_mul_scalar(c->b, x, a + 2), -(a + 3));
            y = tdagi_mul(c->b, tdagi_mul(c->b, y, x), x);
            w[i] = tdagi_add_scalar(c->b, y, 1);
        }
    }
}

/* Of two axes: at[0] is the row. Padding applies to each of the 16 taps. */
static tdag_value sample_cubic(const sampler *s, const tdag_value *at)
{
    tdagi_call *c = s->c;
    tdag_value w[2][4], taps[2][4], sum = TDAG_NO_VALUE;
    for (uint32_t i = 0; i < 2; i++) {
        tdag_value low = tdag_unary(c->b, TDAG_OP_FLOOR, at[i]);
        cubic_weights(c, tdagi_sub(c->b, at[i], low), w[i]);
        for (uint32_t k = 0; k < 4; k++) {
            tdag_value p = tdagi_add_scalar(c->b, low, (double)k - 1);
            p = padded_position(s, p, i);
            taps[i][k] = step_one(c, TDAGI_TRUNC, p);
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        tdag_value row = TDAG_NO_VALUE;
        for (uint32_t k = 0; k < 4; k++) {
            tdag_value p[2] = {taps[0][i], taps[1][k]};
            tdag_value y = weighted(s, elements_at(s, p), w[1][k]);
            row = k == 0 ? y : tdagi_add(c->b, row, y);
        }
        row = weighted(s, row, w[0][i]);
        sum = i == 0 ? row : tdagi_add(c->b, sum, row);
    }
    return sum;
}

/* x [N, C, in...] at grid [N, out..., n], whose last axis names the last axis of x
 * first. Half types compute in f32. */
tdagi_any tdagi_aten_grid_sampler(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "input"), grid = tdagi_arg_tensor(c, "grid");
    int64_t mode = tdagi_arg_int(c, "interpolation_mode", 0);
    sampler s = {.c = c, .padding = tdagi_arg_int(c, "padding_mode", 0)};
    s.align_corners = tdagi_arg_bool(c, "align_corners", false);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    if (rank < 4 || rank > 5 || tdagi_rank(c, grid) != rank)
        return tdagi_refuse(c, "input");
    if (mode < LINEAR || mode > CUBIC || (mode == CUBIC && rank != 4))
        return tdagi_refuse(c, "interpolation_mode");
    if (s.padding < ZEROS || s.padding > REFLECTION)
        return tdagi_refuse(c, "padding_mode");
    tdag_dtype own;
    x = tdagi_widen(c->b, x, &own);
    s.dtype = tdagi_dtype(c, x);
    grid = tdagi_cast(c->b, grid, s.dtype);
    s.n = rank - 2;
    tdag_dim flat[3] = {tdagi_dim(c, x, 0), tdagi_dim(c, x, 1), 1};
    for (uint32_t i = 0; i < s.n; i++) {
        s.size[i] = tdagi_dim(c, x, i + 2);
        flat[2] = tdag_dim_mul(c->b, flat[2], s.size[i]);
    }
    s.x = tdagi_transpose(c->b, tdagi_reshape(c->b, x, 3, flat), 1, 2);
    const tdagi_round_spec half_even = {0};
    tdag_value at[3], y;
    for (uint32_t i = 0; i < s.n; i++) {
        at[i] = tdagi_select1(c->b, grid, rank - 1, s.n - 1 - i);
        at[i] = unnormalised(&s, at[i], i);
        if (mode != CUBIC) at[i] = padded_position(&s, at[i], i);
        if (mode == NEAREST)
            at[i] = tdagi_lower(c->b, TDAGI_ROUND, &at[i], 1, &half_even);
    }
    y = mode == LINEAR  ? sample_linear(&s, at)
        : mode == CUBIC ? sample_cubic(&s, at)
                        : elements_at(&s, at);
    int64_t order[5] = {0, (int64_t)s.n + 1, 1, 2, 3};
    y = tdag_permute(c->b, y, (tdag_list){rank, order});
    return tdagi_result(c, tdagi_cast(c->b, y, own));
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
    tdagi_any v = tdagi_arg(c, "scale_factors");
    if (v.kind == TDAGI_ANY_NONE)
        return tdagi_arg_float(c, i == 0 ? "scales_h" : "scales_w", 0);
    if (tdagi_any_is_seq(v) && i < v.u.seq->n && v.u.seq->v[i].kind == TDAGI_ANY_FLOAT)
        return v.u.seq->v[i].u.f;
    tdagi_refuse(c, "scale_factors");
    return 0;
}

/* bilinear (row data 0) and bicubic (1) of [N, C, H, W]; W first */
tdagi_any tdagi_aten_upsample_aa(tdagi_call *c)
{
    const char *name = tdagi_has(c, "input") ? "input" : "self";
    tdag_value x = tdagi_arg_tensor(c, name);
    tdag_list size = tdagi_arg_ints(c, "output_size");
    bool align = tdagi_arg_bool(c, "align_corners", false);
    if (c->bad || tdagi_rank(c, x) != 4) return tdagi_refuse(c, name);
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
