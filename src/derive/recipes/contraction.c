/* Contractions: multiply, then reduce sum. A product of half types that feeds its sum
 * is not rounded in between, by the IR's own rule, so nothing here widens. */
#include <string.h>

#include "derive/parts.h"

static bool usable(tdag_builder *b, tdag_value x)
{
    return tdagi_builder_ok(b) && x.id != 0;
}

static tdag_value sum_axis(tdag_builder *b, tdag_value x, uint32_t axis)
{
    return tdagi_reduce_keep(b, x, TDAG_REDUCE_SUM, TDAG_LIST(axis), false);
}

/* ---- matrices ---- */

/* The summed axes of two operands have one size: neither is repeated for the other. */
static bool same_sum(tdag_builder *b, tdag_value x, uint32_t i, tdag_value y,
                     uint32_t k, const char *what)
{
    if (!usable(b, x) || !usable(b, y)) return false;
    return tdagi_dims_meet(b, tdagi_dim_of(b, x, i), tdagi_dim_of(b, y, k), what);
}

/* x [..., I], w [O, I]: sum over i of x[..., 1, i] * w[o, i], plus bias[o]. */
static tdag_value lower_linear(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)spec;
    tdag_value bias = tdagi_optional(in, n, 2);
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    if (rank == 0 || tdag_builder_get_rank(b, in[1]) != 2)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "linear takes x [..., I] and w [O, I]");
    if (!same_sum(b, in[0], rank - 1, in[1], 1, "linear sums over axes"))
        return TDAG_NO_VALUE;
    if (bias.id != 0 && tdag_builder_get_rank(b, bias) > 1)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "linear takes a bias [O]");
    tdag_value x = tdagi_unsqueeze1(b, in[0], rank - 1);
    tdag_value y = sum_axis(b, tdagi_mul(b, x, in[1]), rank);
    return bias.id == 0 ? y : tdagi_add(b, y, bias);
}
const tdagi_composite_def tdagi_composite_linear = {.n_leading = 1,
                                                    .lower = lower_linear};

tdag_value tdagi_linear(tdag_builder *b, tdag_value x, tdag_value w, tdag_value bias)
{
    const tdag_value in[3] = {x, w, bias};
    return tdagi_lower(b, TDAGI_LINEAR, in, bias.id == 0 ? 2 : 3, NULL);
}

/* x [..., M, K] @ y [..., K, N], leading axes broadcast; a vector on the left is [K],
 * on the right [K], and its axis is not in the result. */
static tdag_value lower_matmul(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    (void)spec;
    tdag_value x = in[0], y = in[1];
    uint32_t rank_x = tdag_builder_get_rank(b, x), rank_y = tdag_builder_get_rank(b, y);
    if (rank_x == 0 || rank_y == 0)
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "matmul takes operands of rank 1 or more");
    if (!same_sum(b, x, rank_x - 1, y, rank_y > 1 ? rank_y - 2 : 0,
                  "matmul sums over axes"))
        return TDAG_NO_VALUE;
    if (rank_y > 1) x = tdagi_unsqueeze1(b, x, rank_x);
    if (rank_x > 1 && rank_y > 1) y = tdagi_unsqueeze1(b, y, rank_y - 2);
    tdag_value product = tdagi_mul(b, x, y);
    if (!usable(b, product)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, product);
    return sum_axis(b, product, rank_y > 1 ? rank - 2 : rank - 1);
}
const tdagi_composite_def tdagi_composite_matmul = {.lower = lower_matmul};

tdag_value tdagi_matmul(tdag_builder *b, tdag_value x, tdag_value y)
{
    const tdag_value in[2] = {x, y};
    return tdagi_lower(b, TDAGI_MATMUL, in, 2, NULL);
}

static const tdagi_field addmm_fields[] = {TDAGI_FIELD(tdagi_addmm_spec, alpha, F64),
                                           TDAGI_FIELD(tdagi_addmm_spec, beta, F64),
                                           {0}};

/* Matrices, or as many of them on either side; c is repeated to their product's shape.
 */
static bool addmm_fits(tdag_builder *b, const tdag_value *in, tdag_value product)
{
    if (!usable(b, product) || !usable(b, in[0])) return false;
    uint32_t rank = tdag_builder_get_rank(b, in[1]);
    bool fits = (rank == 2 || rank == 3) && tdag_builder_get_rank(b, in[2]) == rank &&
                tdag_builder_get_rank(b, in[0]) <= rank;
    if (fits && rank == 3)
        fits = tdagi_dim_of(b, in[1], 0) == tdagi_dim_of(b, in[2], 0);
    uint32_t less = fits ? rank - tdag_builder_get_rank(b, in[0]) : rank;
    for (uint32_t i = less; fits && i < rank; i++) {
        tdag_dim d = tdagi_dim_of(b, in[0], i - less);
        fits = d == 1 || d == tdagi_dim_of(b, product, i);
    }
    if (!fits)
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "addmm takes two matrices, or as many of them, and what is "
                           "repeated to their product's shape");
    return fits;
}

/* beta*c + alpha*(x @ y); c is left out where beta is 0, also if it holds NaN. */
static tdag_value lower_addmm(tdag_builder *b, const tdag_value *in, uint32_t n,
                              const void *spec)
{
    (void)n;
    const tdagi_addmm_spec *s = spec;
    tdag_value y = tdagi_matmul(b, in[1], in[2]), c = in[0];
    if (!addmm_fits(b, in, y)) return TDAG_NO_VALUE;
    if (s->alpha != 1) y = tdagi_mul_scalar(b, y, s->alpha);
    if (s->beta == 0) return y;
    if (s->beta != 1) c = tdagi_mul_scalar(b, c, s->beta);
    return tdagi_add(b, y, c);
}
const tdagi_composite_def tdagi_composite_addmm = {
    .spec_size = sizeof(tdagi_addmm_spec),
    .fields = addmm_fields,
    .n_batched = 3, /* where it has one: of rank 3 */
    .lower = lower_addmm};

/* ---- einsum ---- */

static const tdagi_field einsum_fields[] = {
    TDAGI_FIELD(tdagi_einsum_spec, equation, STRING), {0}};

typedef struct equation {
    char operand[2][TDAG_MAX_RANK + 1];
    char loops[2 * TDAG_MAX_RANK + 1]; /* the result's letters, then the summed ones */
    uint32_t n_out;
} equation;

static bool read_letters(const char **text, char *letters)
{
    uint32_t n = 0;
    for (; (**text >= 'a' && **text <= 'z') || (**text >= 'A' && **text <= 'Z');
         (*text)++) {
        if (n == TDAG_MAX_RANK || memchr(letters, **text, n) != NULL) return false;
        letters[n++] = **text;
    }
    letters[n] = '\0';
    return true;
}

static bool read_equation(const char *text, equation *out)
{
    if (text == NULL || !read_letters(&text, out->operand[0]) || *text++ != ',')
        return false;
    if (!read_letters(&text, out->operand[1])) return false;
    if (*text++ != '-' || *text++ != '>' || !read_letters(&text, out->loops))
        return false;
    out->n_out = (uint32_t)strlen(out->loops);
    uint32_t n = out->n_out;
    for (uint32_t i = 0; i < n; i++)
        if (!strchr(out->operand[0], out->loops[i]) &&
            !strchr(out->operand[1], out->loops[i]))
            return false;
    for (uint32_t k = 0; k < 2; k++)
        for (const char *s = out->operand[k]; *s != '\0'; s++)
            if (memchr(out->loops, *s, n) == NULL) out->loops[n++] = *s;
    out->loops[n] = '\0';
    return *text == '\0' && n <= TDAG_MAX_RANK;
}

/* The operand with one axis per loop: permuted, size 1 where it has not the letter. */
static tdag_value align(tdag_builder *b, tdag_value x, const char *letters,
                        const char *loops)
{
    int64_t order[TDAG_MAX_RANK], missing[TDAG_MAX_RANK];
    uint32_t n = 0, n_missing = 0;
    bool moves = false;
    for (uint32_t i = 0; loops[i] != '\0'; i++) {
        const char *at = strchr(letters, loops[i]);
        if (at == NULL) {
            missing[n_missing++] = i;
            continue;
        }
        moves = moves || at - letters != (ptrdiff_t)n;
        order[n++] = at - letters;
    }
    if (moves) x = tdag_permute(b, x, (tdag_list){n, order});
    if (n_missing > 0) x = tdag_unsqueeze(b, x, (tdag_list){n_missing, missing});
    return x;
}

/* Every letter a loop: the result's first, then those that are summed. */
static tdag_value lower_einsum(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    equation q;
    const char *text = ((const tdagi_einsum_spec *)spec)->equation;
    if (!read_equation(text, &q))
        return tdagi_builder_fail(b, TDAG_E_ARG,
                                  "einsum does not take the equation '%s'",
                                  text == NULL ? "" : text);
    for (uint32_t k = 0; k < 2; k++)
        if (strlen(q.operand[k]) != tdag_builder_get_rank(b, in[k]))
            return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                      "einsum '%s': operand %u has another rank", text,
                                      (unsigned)k);
    tdag_value y = tdagi_mul(b, align(b, in[0], q.operand[0], q.loops),
                             align(b, in[1], q.operand[1], q.loops));
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n_axes = 0;
    for (uint32_t i = q.n_out; q.loops[i] != '\0'; i++)
        axes[n_axes++] = i;
    if (n_axes == 0) return y;
    return tdagi_reduce_keep(b, y, TDAG_REDUCE_SUM, (tdag_list){n_axes, axes}, false);
}
const tdagi_composite_def tdagi_composite_einsum = {.spec_size =
                                                        sizeof(tdagi_einsum_spec),
                                                    .fields = einsum_fields,
                                                    .lower = lower_einsum};

/* ---- convolutions ---- */

static const tdagi_field conv_fields[] = {
    TDAGI_FIELD_SPATIAL(tdagi_conv_spec, stride, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_conv_spec, dilation, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_conv_spec, before, DIMS, NATURAL),
    TDAGI_FIELD_SPATIAL(tdagi_conv_spec, after, DIMS, NATURAL),
    TDAGI_FIELD_AS(tdagi_conv_spec, groups, INT, POSITIVE),
    {0}};

/* The value with axis `axis` split into [outer, rest of the dim]. */
static tdag_value split_axis(tdag_builder *b, tdag_value x, uint32_t axis,
                             int64_t outer)
{
    if (!usable(b, x)) return TDAG_NO_VALUE;
    tdagi_pool *pool = tdagi_builder_pool(b);
    uint32_t rank = tdag_builder_get_rank(b, x);
    const tdag_dim *shape = tdag_builder_get_shape(b, x);
    tdagi_axes counts = tdagi_axes_of(1), factors;
    counts.v[axis] = 2;
    for (uint32_t i = 0; i <= rank; i++)
        factors.v[i] = i < axis        ? shape[i]
                       : i == axis     ? outer
                       : i == axis + 1 ? tdagi_dim_floordiv(pool, shape[axis], outer)
                                       : shape[i - 1];
    return tdag_ungroup(b, x, (tdag_list){rank, counts.v},
                        (tdag_list){rank + 1, factors.v});
}

static tdag_value add_channel_bias(tdag_builder *b, tdag_value y, tdag_value bias,
                                   uint32_t n_spatial)
{
    if (bias.id == 0 || !usable(b, y)) return y;
    tdag_dim channels = tdagi_dim_of(b, y, 1);
    if (!tdagi_have_shape(b, &bias, 1, 1, &channels, "a convolution"))
        return TDAG_NO_VALUE;
    int64_t axes[3] = {1, 2, 3};
    return tdagi_add(b, y, tdag_unsqueeze(b, bias, (tdag_list){n_spatial, axes}));
}

/* x [N, groups*c, ...] meets c at axis `at` of w, all groups of them at axis 0. */
static bool channels_meet(tdag_builder *b, const tdag_value *in, int64_t groups,
                          uint32_t at)
{
    tdag_dim channels = tdagi_dim_of(b, in[0], 1), w = tdagi_dim_of(b, in[1], at);
    if (at == 1) w = tdagi_dim_mul(tdagi_builder_pool(b), w, groups);
    return tdagi_dims_meet(b, channels, w, "a convolution sums over channels");
}

static bool check_conv(tdag_builder *b, const tdag_value *in, uint32_t n_spatial,
                       int64_t groups, uint32_t at)
{
    if (!tdagi_builder_ok(b)) return false;
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    if (n_spatial >= 1 && n_spatial <= 3 && rank == n_spatial + 2 &&
        tdag_builder_get_rank(b, in[1]) == rank && groups >= 1)
        return channels_meet(b, in, groups, at);
    tdagi_builder_fail(
        b, TDAG_E_SHAPE,
        "a convolution over %u axes does not take x of rank %u with w of "
        "rank %u in %lld groups",
        (unsigned)n_spatial, (unsigned)rank, (unsigned)tdag_builder_get_rank(b, in[1]),
        (long long)groups);
    return false;
}

/* x and w as [N g 1 c (o k)*] and [g oc c (1 k)*]; their product is summed over c and
 * k*, and [N g oc (o)*] grouped to [N (g oc) o*]. */
static tdag_value lower_conv(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    const tdagi_conv_spec *s = spec;
    uint32_t nd = s->stride.n;
    if (!check_conv(b, in, nd, s->groups, 1)) return TDAG_NO_VALUE;
    tdagi_axes before = tdagi_axes_of(0), after = tdagi_axes_of(0);
    bool pads = false;
    for (uint32_t i = 0; i < nd; i++) {
        before.v[2 + i] = s->before.v[i];
        after.v[2 + i] = s->after.v[i];
        pads = pads || s->before.v[i] != 0 || s->after.v[i] != 0;
    }
    tdag_value x = in[0], w = in[1];
    if (pads)
        x = tdag_pad(b, x, (tdag_list){nd + 2, before.v}, (tdag_list){nd + 2, after.v},
                     TDAG_PAD_CONSTANT, 0);
    for (uint32_t i = 0; i < nd; i++)
        x = tdagi_window(b, x, 2 + 2 * i, tdag_builder_get_shape(b, w)[2 + i],
                         s->stride.v[i], s->dilation.v[i]);
    x = tdagi_unsqueeze1(b, split_axis(b, x, 1, s->groups), 2);
    w = split_axis(b, w, 0, s->groups);
    int64_t positions[3], reduced[4] = {3};
    for (uint32_t i = 0; i < nd; i++) {
        positions[i] = 3 + 2 * i;
        reduced[1 + i] = 5 + 2 * i;
    }
    w = tdag_unsqueeze(b, w, (tdag_list){nd, positions});
    tdag_value y = tdagi_reduce_keep(b, tdagi_mul(b, x, w), TDAG_REDUCE_SUM,
                                     (tdag_list){nd + 1, reduced}, false);
    int64_t runs[5] = {1, 2, 1, 1, 1};
    y = tdag_group(b, y, (tdag_list){nd + 2, runs});
    return add_channel_bias(b, y, tdagi_optional(in, n, 2), nd);
}
const tdagi_composite_def tdagi_composite_conv = {.spec_size = sizeof(tdagi_conv_spec),
                                                  .fields = conv_fields,
                                                  .n_batched = 1,
                                                  .lower = lower_conv};

static const tdagi_field conv_transpose_fields[] = {
    TDAGI_FIELD_SPATIAL(tdagi_conv_transpose_spec, stride, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_conv_transpose_spec, dilation, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_conv_transpose_spec, padding, INTS, NATURAL),
    TDAGI_FIELD_SPATIAL(tdagi_conv_transpose_spec, output_padding, INTS, NATURAL),
    TDAGI_FIELD_AS(tdagi_conv_transpose_spec, groups, INT, POSITIVE),
    {0}};

/* Axis `axis` (position, tap pairs apart) of y [... o k ...] merged: taps spread by the
 * dilation (d-1 zeros after each), then [o, k*d] grouped. */
static tdag_value spread_taps(tdag_builder *b, tdag_value y, uint32_t axis, int64_t d)
{
    if (d > 1) {
        y = tdagi_pad1(b, tdagi_unsqueeze1(b, y, axis + 2), axis + 2, 0, d - 1,
                       TDAG_PAD_CONSTANT, 0);
    }
    tdagi_axes runs = tdagi_axes_of(1);
    uint32_t joined = d > 1 ? 3 : 2;
    runs.v[axis] = joined;
    uint32_t rank = tdag_builder_get_rank(b, y);
    return tdag_group(b, y, (tdag_list){rank - joined + 1, runs.v});
}

/* Overlapping windows summed; the d-1 zeros after the last tap, output_padding and
 * padding taken care of at the ends: [p, end - p + output_padding). */
static tdag_value fold_axis(tdag_builder *b, tdag_value y, uint32_t axis, int64_t taps,
                            const tdagi_conv_transpose_spec *s, uint32_t i)
{
    if (!usable(b, y)) return TDAG_NO_VALUE;
    tdagi_pool *pool = tdagi_builder_pool(b);
    uint32_t rank = tdag_builder_get_rank(b, y);
    tdagi_axes kernel = tdagi_axes_of(1), stride = tdagi_axes_of(1);
    kernel.v[axis] = taps * s->dilation.v[i];
    stride.v[axis] = s->stride.v[i];
    y = tdag_fold(b, y, (tdag_list){rank, kernel.v}, (tdag_list){rank, stride.v});
    if (!usable(b, y)) return TDAG_NO_VALUE;
    tdag_dim size = tdag_builder_get_shape(b, y)[axis];
    int64_t cut = s->dilation.v[i] - 1 + s->padding.v[i] - s->output_padding.v[i];
    tdag_dim end = cut > 0 ? tdagi_dim_sub(pool, size, cut) : size;
    y = tdagi_slice1(b, y, axis, s->padding.v[i], end);
    return cut < 0 ? tdagi_pad1(b, y, axis, 0, -cut, TDAG_PAD_CONSTANT, 0) : y;
}

/* x [N g c 1 h*] times w [g c o (1 k)*] summed over c: [N g o (h k)*]; then per axis
 * the taps are spread by the dilation and the windows folded. */
static tdag_value lower_conv_transpose(tdag_builder *b, const tdag_value *in,
                                       uint32_t n, const void *spec)
{
    const tdagi_conv_transpose_spec *s = spec;
    uint32_t nd = s->stride.n;
    if (!check_conv(b, in, nd, s->groups, 0)) return TDAG_NO_VALUE;
    tdag_value x = split_axis(b, in[0], 1, s->groups);
    tdag_value w = split_axis(b, in[1], 0, s->groups);
    int64_t x_axes[4] = {3}, w_axes[3], runs[8];
    for (uint32_t i = 0; i < nd; i++) {
        x_axes[1 + i] = 5 + 2 * i;
        w_axes[i] = 3 + 2 * i;
    }
    x = tdag_unsqueeze(b, x, (tdag_list){nd + 1, x_axes});
    w = tdag_unsqueeze(b, w, (tdag_list){nd, w_axes});
    tdag_value y = sum_axis(b, tdagi_mul(b, x, w), 2);
    for (uint32_t i = 0; i < 2 + 2 * nd; i++)
        runs[i] = i == 1 ? 2 : 1;
    y = tdag_group(b, y, (tdag_list){2 + 2 * nd, runs});
    for (uint32_t i = 0; i < nd; i++) {
        y = spread_taps(b, y, 2 + i, s->dilation.v[i]);
        y = fold_axis(b, y, 2 + i, tdag_builder_get_shape(b, in[1])[2 + i], s, i);
    }
    return add_channel_bias(b, y, tdagi_optional(in, n, 2), nd);
}
const tdagi_composite_def tdagi_composite_conv_transpose = {
    .spec_size = sizeof(tdagi_conv_transpose_spec),
    .fields = conv_transpose_fields,
    .n_batched = 1,
    .lower = lower_conv_transpose};

/* ---- im2col and its transpose ---- */

static const tdagi_field im2col_fields[] = {
    TDAGI_FIELD_SPATIAL(tdagi_im2col_spec, kernel, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_im2col_spec, dilation, INTS, POSITIVE),
    TDAGI_FIELD_SPATIAL(tdagi_im2col_spec, padding, INTS, NATURAL),
    TDAGI_FIELD_SPATIAL(tdagi_im2col_spec, stride, INTS, POSITIVE),
    TDAGI_FIELD(tdagi_im2col_spec, output, DIMS),
    {0}};

/* [N C H W] -> windows [N C oh kh ow kw] -> [N (C kh kw) (oh ow)]. */
static tdag_value lower_im2col(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    const tdagi_im2col_spec *s = spec;
    if (tdag_builder_get_rank(b, in[0]) != 4 || s->kernel.n != 2)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "im2col takes x of rank 4");
    tdag_value x = in[0];
    const int64_t pads[4] = {0, 0, s->padding.v[0], s->padding.v[1]};
    if (pads[2] != 0 || pads[3] != 0)
        x = tdag_pad(b, x, (tdag_list){4, pads}, (tdag_list){4, pads},
                     TDAG_PAD_CONSTANT, 0);
    x = tdagi_window(b, x, 2, s->kernel.v[0], s->stride.v[0], s->dilation.v[0]);
    x = tdagi_window(b, x, 4, s->kernel.v[1], s->stride.v[1], s->dilation.v[1]);
    x = tdag_permute(b, x, TDAG_LIST(0, 1, 3, 5, 2, 4));
    return tdag_group(b, x, TDAG_LIST(1, 3, 2));
}
const tdagi_composite_def tdagi_composite_im2col = {.spec_size =
                                                        sizeof(tdagi_im2col_spec),
                                                    .fields = im2col_fields,
                                                    .n_batched = 1,
                                                    .lower = lower_im2col};

/* How many windows of an axis of size `out`. */
static tdag_dim windows_of(tdagi_pool *pool, const tdagi_im2col_spec *s, uint32_t i)
{
    int64_t span = (s->kernel.v[i] - 1) * s->dilation.v[i] + 1;
    tdag_dim padded = tdagi_dim_add(pool, s->output.v[i], 2 * s->padding.v[i]);
    tdag_dim room = tdagi_dim_sub(pool, padded, span);
    return tdagi_dim_add(pool, tdagi_dim_floordiv(pool, room, s->stride.v[i]), 1);
}

/* One axis of windows folded to `out` elements, cut or padded where strides do not
 * reach the end, padding removed. */
static tdag_value fold_windows(tdag_builder *b, tdag_value x, uint32_t axis,
                               const tdagi_im2col_spec *s, uint32_t i)
{
    tdagi_pool *pool = tdagi_builder_pool(b);
    const tdagi_conv_transpose_spec fold = {
        {1, &s->stride.v[i]}, {1, &s->dilation.v[i]}, TDAG_LIST(0), TDAG_LIST(0), 1};
    x = fold_axis(b, spread_taps(b, x, axis, s->dilation.v[i]), axis, s->kernel.v[i],
                  &fold, 0);
    if (!usable(b, x)) return TDAG_NO_VALUE;
    tdag_dim size = tdag_builder_get_shape(b, x)[axis];
    tdag_dim end = tdagi_dim_add(pool, s->output.v[i], s->padding.v[i]);
    tdag_dim missing = tdagi_dim_max(pool, tdagi_dim_sub(pool, end, size), 0);
    x = tdagi_pad1(b, x, axis, 0, missing, TDAG_PAD_CONSTANT, 0);
    return tdagi_slice1(b, x, axis, s->padding.v[i], end);
}

/* [N (C kh kw) (oh ow)] -> [N C oh kh ow kw] -> folded [N C H W]. */
static tdag_value lower_col2im(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    const tdagi_im2col_spec *s = spec;
    if (tdag_builder_get_rank(b, in[0]) != 3 || s->kernel.n != 2 || s->output.n != 2)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "col2im takes x of rank 3");
    tdagi_pool *pool = tdagi_builder_pool(b);
    const tdag_dim *shape = tdag_builder_get_shape(b, in[0]);
    tdag_dim taps = tdagi_dim_mul(pool, s->kernel.v[0], s->kernel.v[1]);
    const tdag_dim factors[6] = {shape[0],
                                 tdagi_dim_floordiv(pool, shape[1], taps),
                                 s->kernel.v[0],
                                 s->kernel.v[1],
                                 windows_of(pool, s, 0),
                                 windows_of(pool, s, 1)};
    tdag_value x = tdag_ungroup(b, in[0], TDAG_LIST(1, 3, 2), (tdag_list){6, factors});
    x = tdag_permute(b, x, TDAG_LIST(0, 1, 4, 2, 5, 3));
    x = fold_windows(b, x, 2, s, 0);
    return fold_windows(b, x, 3, s, 1);
}
const tdagi_composite_def tdagi_composite_col2im = {.spec_size =
                                                        sizeof(tdagi_im2col_spec),
                                                    .fields = im2col_fields,
                                                    .n_batched = 1,
                                                    .lower = lower_col2im};
