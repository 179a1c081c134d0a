/* Sampling at positions between elements: grid_sample. */
#include "derive/parts.h"

static const char *const mode_names[] = {[TDAGI_SAMPLE_LINEAR] = "linear",
                                         [TDAGI_SAMPLE_NEAREST] = "nearest",
                                         [TDAGI_SAMPLE_CUBIC] = "cubic",
                                         [TDAGI_SAMPLE_CUBIC + 1] = NULL};
static const char *const padding_names[] = {[TDAGI_SAMPLE_ZEROS] = "zeros",
                                            [TDAGI_SAMPLE_BORDER] = "border",
                                            [TDAGI_SAMPLE_REFLECTION] = "reflection",
                                            [TDAGI_SAMPLE_REFLECTION + 1] = NULL};
static const tdagi_field grid_sample_fields[] = {
    TDAGI_FIELD_NAMED(tdagi_grid_sample_spec, mode, mode_names),
    TDAGI_FIELD_NAMED(tdagi_grid_sample_spec, padding, padding_names),
    TDAGI_FIELD(tdagi_grid_sample_spec, align_corners, BOOL),
    {0},
};

static tdag_value number(tdag_builder *b, tdag_value x, double v)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    return tdag_add_scalar(b, tdag_builder_get_dtype(b, x), v);
}

static tdag_value one(tdag_builder *b, tdagi_composite id, tdag_value x)
{
    return tdagi_usable(b, x) ? tdagi_unary_composite(b, id, x) : TDAG_NO_VALUE;
}

static tdag_value two(tdag_builder *b, tdagi_composite id, tdag_value x, tdag_value y)
{
    tdag_value in[2] = {x, y};
    return tdagi_usable(b, x) ? tdagi_lower(b, id, in, 2, NULL) : TDAG_NO_VALUE;
}

static tdag_value both(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_binary(b, TDAG_OP_MULTIPLY, x, y);
}

typedef struct sampler {
    tdag_builder *b;
    uint32_t n;       /* spatial axes */
    tdag_dim size[3]; /* of the input */
    int64_t padding;
    bool align_corners;
    tdag_value x; /* [N, elements, C] */
    tdag_dtype dtype;
} sampler;

static tdag_value size_value(const sampler *s, uint32_t axis, double add)
{
    tdag_value n = tdagi_dim_scalar(s->b, s->size[axis], s->dtype);
    return add == 0 ? n : tdagi_add_scalar(s->b, n, add);
}

/* -1...1 to positions: the centres of the outer elements, or their outer edges. */
static tdag_value unnormalised(const sampler *s, tdag_value g, uint32_t axis)
{
    tdag_builder *b = s->b;
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
    tdag_builder *b = s->b;
    double low = s->align_corners ? 0 : -0.5;
    tdag_value span = size_value(s, axis, s->align_corners ? -1 : 0);
    tdag_value zero = number(b, x, 0);
    x = one(b, TDAGI_ABS, tdagi_add_scalar(b, x, -low));
    tdag_value turns = tdag_unary(b, TDAG_OP_FLOOR, tdagi_div(b, x, span));
    tdag_value extra = two(b, TDAGI_REMAINDER, x, span);
    tdag_value odd = two(b, TDAGI_REMAINDER, turns, number(b, x, 2));
    x = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, odd, zero), extra,
                   tdagi_sub(b, span, extra));
    x = tdagi_add_scalar(b, x, low);
    return tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, span, zero), zero, x);
}

static tdag_value padded_position(const sampler *s, tdag_value x, uint32_t axis)
{
    tdag_builder *b = s->b;
    if (s->padding == TDAGI_SAMPLE_ZEROS) return x;
    if (s->padding == TDAGI_SAMPLE_REFLECTION) x = reflected(s, x, axis);
    return two(b, TDAGI_MINIMUM, two(b, TDAGI_MAXIMUM, x, number(b, x, 0)),
               size_value(s, axis, -1));
}

/* The elements [N, out..., C] at whole positions, 0 at those outside. */
static tdag_value elements_at(const sampler *s, const tdag_value *at)
{
    tdag_builder *b = s->b;
    tdag_value index = TDAG_NO_VALUE, inside = TDAG_NO_VALUE;
    for (uint32_t i = 0; i < s->n; i++) {
        tdag_value low = tdag_binary(b, TDAG_OP_LESS, number(b, at[i], -1), at[i]);
        tdag_value in =
            both(b, low, tdag_binary(b, TDAG_OP_LESS, at[i], size_value(s, i, 0)));
        tdag_value p = tdag_where(b, in, at[i], number(b, at[i], 0));
        p = tdagi_cast(b, p, TDAG_I64);
        inside = i == 0 ? in : both(b, inside, in);
        if (i > 0) index = tdagi_mul(b, index, tdagi_dim_value(b, s->size[i]));
        index = i == 0 ? p : tdagi_add(b, index, p);
    }
    tdag_value y = tdag_gather(b, s->x, index, 1);
    if (y.id == 0 || s->padding != TDAGI_SAMPLE_ZEROS) return y;
    inside = tdagi_unsqueeze1(b, inside, s->n + 1);
    return tdag_where(b, inside, y, number(b, y, 0));
}

static tdag_value weighted(const sampler *s, tdag_value y, tdag_value w)
{
    return tdagi_mul(s->b, y, tdagi_unsqueeze1(s->b, w, s->n + 1));
}

static tdag_value sample_linear(const sampler *s, const tdag_value *at)
{
    tdag_builder *b = s->b;
    tdag_value low[3], part[3], sum = TDAG_NO_VALUE;
    for (uint32_t i = 0; i < s->n; i++) {
        low[i] = tdag_unary(b, TDAG_OP_FLOOR, at[i]);
        part[i] = tdagi_sub(b, at[i], low[i]);
    }
    for (uint32_t corner = 0; corner < 1u << s->n; corner++) {
        tdag_value p[3], w = TDAG_NO_VALUE;
        for (uint32_t i = 0; i < s->n; i++) {
            bool upper = (corner >> i & 1) != 0;
            p[i] = upper ? tdagi_add_scalar(b, low[i], 1) : low[i];
            tdag_value f =
                upper ? part[i] : tdagi_sub(b, number(b, part[i], 1), part[i]);
            w = i == 0 ? f : tdagi_mul(b, w, f);
            /* the upper neighbour of the last element has weight 0 */
            if (upper && s->padding != TDAGI_SAMPLE_ZEROS)
                p[i] = two(b, TDAGI_MINIMUM, p[i], size_value(s, i, -1));
        }
        tdag_value y = weighted(s, elements_at(s, p), w);
        sum = corner == 0 ? y : tdagi_add(b, sum, y);
    }
    return sum;
}

/* The cubic convolution kernel with a = -0.75 at distances t + 1, t, 1 - t, 2 - t. */
static void cubic_weights(tdag_builder *b, tdag_value t, tdag_value w[4])
{
    const double a = -0.75;
    tdag_value rest = tdagi_sub(b, number(b, t, 1), t);
    for (uint32_t i = 0; i < 4; i++) {
        tdag_value x = i < 2 ? t : rest, y;
        if (i == 0 || i == 3) {
            x = tdagi_add_scalar(b, x, 1);
            y = tdagi_add_scalar(b, tdagi_mul_scalar(b, x, a), -5 * a);
            y = tdagi_add_scalar(b, tdagi_mul(b, y, x), 8 * a);
            w[i] = tdagi_add_scalar(b, tdagi_mul(b, y, x), -4 * a);
        } else {
            y = tdagi_add_scalar(b, tdagi_mul_scalar(b, x, a + 2), -(a + 3));
            y = tdagi_mul(b, tdagi_mul(b, y, x), x);
            w[i] = tdagi_add_scalar(b, y, 1);
        }
    }
}

/* Of two axes: at[0] is the row. Padding applies to each of the 16 taps. */
static tdag_value sample_cubic(const sampler *s, const tdag_value *at)
{
    tdag_builder *b = s->b;
    tdag_value w[2][4], taps[2][4], sum = TDAG_NO_VALUE;
    for (uint32_t i = 0; i < 2; i++) {
        tdag_value low = tdag_unary(b, TDAG_OP_FLOOR, at[i]);
        cubic_weights(b, tdagi_sub(b, at[i], low), w[i]);
        for (uint32_t k = 0; k < 4; k++) {
            tdag_value p = tdagi_add_scalar(b, low, (double)k - 1);
            p = padded_position(s, p, i);
            taps[i][k] = one(b, TDAGI_TRUNC, p);
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        tdag_value row = TDAG_NO_VALUE;
        for (uint32_t k = 0; k < 4; k++) {
            tdag_value p[2] = {taps[0][i], taps[1][k]};
            tdag_value y = weighted(s, elements_at(s, p), w[1][k]);
            row = k == 0 ? y : tdagi_add(b, row, y);
        }
        row = weighted(s, row, w[0][i]);
        sum = i == 0 ? row : tdagi_add(b, sum, row);
    }
    return sum;
}

/* Whether x and grid go together; false with the failure recorded. */
static bool grid_fits(tdag_builder *b, const tdag_value *in,
                      const tdagi_grid_sample_spec *s)
{
    if (!tdagi_usable(b, in[0]) || !tdagi_usable(b, in[1])) return false;
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    bool fits = (rank == 4 || (rank == 5 && s->mode != TDAGI_SAMPLE_CUBIC)) &&
                tdag_builder_get_rank(b, in[1]) == rank;
    if (!fits) {
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "grid_sample: an input of %u axes and such a grid",
                           (unsigned)rank);
        return false;
    }
    return tdagi_dims_meet(b, tdagi_dim_of(b, in[0], 0), tdagi_dim_of(b, in[1], 0),
                           "grid_sample of batches") &&
           tdagi_dims_meet(b, tdagi_dim_of(b, in[1], rank - 1), rank - 2,
                           "grid_sample: as many coordinates as axes");
}

/* x [N, C, in...] at grid [N, out..., n], whose last axis names the last axis of x
 * first. Half types compute in f32. */
static tdag_value lower_grid_sample(tdag_builder *b, const tdag_value *in, uint32_t n,
                                    const void *spec)
{
    (void)n;
    const tdagi_grid_sample_spec *g = spec;
    if (!grid_fits(b, in, g)) return TDAG_NO_VALUE;
    tdag_dtype own;
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    tdag_value x = tdagi_widen(b, in[0], &own), at[3], y;
    sampler s = {.b = b,
                 .n = rank - 2,
                 .padding = g->padding,
                 .align_corners = g->align_corners != 0,
                 .dtype = tdagi_wide_dtype(own)};
    tdag_value grid = tdagi_cast(b, in[1], s.dtype);
    tdag_dim flat[3] = {tdagi_dim_of(b, x, 0), tdagi_dim_of(b, x, 1), 1};
    for (uint32_t i = 0; i < s.n; i++) {
        s.size[i] = tdagi_dim_of(b, x, i + 2);
        flat[2] = tdag_dim_mul(b, flat[2], s.size[i]);
    }
    s.x = tdagi_transpose(b, tdagi_reshape(b, x, 3, flat), 1, 2);
    for (uint32_t i = 0; i < s.n; i++) {
        at[i] = tdagi_select1(b, grid, rank - 1, s.n - 1 - i);
        at[i] = unnormalised(&s, at[i], i);
        if (g->mode != TDAGI_SAMPLE_CUBIC) at[i] = padded_position(&s, at[i], i);
        if (g->mode == TDAGI_SAMPLE_NEAREST && tdagi_usable(b, at[i]))
            at[i] = tdagi_lower(b, TDAGI_ROUND, &at[i], 1, &(tdagi_round_spec){0});
    }
    y = g->mode == TDAGI_SAMPLE_LINEAR  ? sample_linear(&s, at)
        : g->mode == TDAGI_SAMPLE_CUBIC ? sample_cubic(&s, at)
                                        : elements_at(&s, at);
    int64_t order[5] = {0, (int64_t)s.n + 1, 1, 2, 3};
    y = tdag_permute(b, y, (tdag_list){rank, order});
    return tdagi_cast(b, y, own);
}

const tdagi_composite_def tdagi_composite_grid_sample = {
    .spec_size = sizeof(tdagi_grid_sample_spec),
    .fields = grid_sample_fields,
    .n_batched = 2,
    .lower = lower_grid_sample,
};
