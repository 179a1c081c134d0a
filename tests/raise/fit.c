/* What the roles of a spec's fields do not say: see draw.h. Where two specs say the
 * same, the one that raising tells is drawn: a stride of 1 for a single tap, say. */
#include "raise/draw.h"

#include <math.h>

static double fraction(draw *d) { return (double)rnd_in(&d->r, 1, 400) / 100; }

/* ---- numbers ---- */

/* Of the operand's dtype, and the shortest decimal that means it. */
static double exact(draw *d)
{
    double v = (double)rnd_in(&d->r, -40, 40);
    if (d->l.in[0].dtype == TDAG_I64) return v;
    return d->l.in[0].dtype == TDAG_F32 && rnd_yes(&d->r) ? v / 10 : v / 2;
}

static double small(draw *d) { return (double)rnd_in(&d->r, 1, 400) / 100000; }

void fit_fill(draw *d)
{
    bool inf = tdag_dtype_is_float(d->l.in[0].dtype) && rnd_in(&d->r, 0, 3) == 0;
    d->spec.scalar.value = inf ? -(double)INFINITY : exact(d);
}

void fit_order(draw *d) { d->spec.order.order = rnd_in(&d->r, 1, 9); }
void fit_power(draw *d) { d->spec.pow_int.exponent = rnd_in(&d->r, -20, 20); }

void fit_elu(draw *d)
{
    tdagi_elu_spec *s = &d->spec.elu;
    *s = (tdagi_elu_spec){fraction(d), rnd_yes(&d->r) ? 1 : fraction(d),
                          rnd_yes(&d->r) ? 1 : fraction(d)};
}

void fit_positive(draw *d) { d->spec.softplus.beta = fraction(d); }

void fit_clamp(draw *d)
{
    tdagi_clamp_spec *s = &d->spec.clamp;
    s->min = s->has_min ? exact(d) : 0;
    s->max = s->has_max ? exact(d) : 0;
}

/* ---- contractions ---- */

static int64_t span_of(int64_t kernel, int64_t dilation)
{
    return (kernel - 1) * dilation + 1;
}

/* x [N, groups*in, ...], the weight [first, second, kernel...], maybe a bias. */
static void conv_operands(draw *d, int64_t groups, const int64_t *dilation,
                          bool transposed)
{
    tdagi_type *x = &d->l.in[0], *w = &d->l.in[1];
    int64_t in = rnd_in(&d->r, 1, 3), out = rnd_in(&d->r, 1, 3);
    *w = type_of(x->dtype, 2, transposed ? groups * in : groups * out,
                 transposed ? out : in);
    w->rank = x->rank;
    x->shape[1] = groups * in;
    d->l.in[2] = type_of(x->dtype, 1, groups * out);
    for (uint32_t i = 2; i < x->rank; i++) {
        w->shape[i] = rnd_in(&d->r, 1, d->n_spatial == 3 ? 3 : 5);
        x->shape[i] = span_of(w->shape[i], dilation[i - 2]) + rnd_in(&d->r, 0, 4);
    }
}

void fit_conv(draw *d)
{
    tdagi_conv_spec *s = &d->spec.conv;
    conv_operands(d, s->groups, s->dilation.v, false);
    tdagi_type *x = &d->l.in[0];
    for (uint32_t i = 0; i < d->n_spatial; i++) {
        int64_t kernel = d->l.in[1].shape[2 + i];
        if (kernel == 1) draw_numbers(s->dilation)[i] = 1;
        int64_t room = x->shape[2 + i] + s->before.v[i] + s->after.v[i] - 1;
        if (kernel == 1 && room < s->stride.v[i]) draw_numbers(s->stride)[i] = 1;
    }
    draw_symbol(d, x, 0);
    draw_symbol(d, x, 2);
}

void fit_conv_transpose(draw *d)
{
    tdagi_conv_transpose_spec *s = &d->spec.transpose;
    conv_operands(d, s->groups, s->dilation.v, true);
    for (uint32_t i = 0; i < d->n_spatial; i++) {
        int64_t kernel = d->l.in[1].shape[2 + i];
        if (kernel == 1) draw_numbers(s->dilation)[i] = 1;
        int64_t dilation = s->dilation.v[i], stride = s->stride.v[i];
        int64_t span = span_of(kernel, dilation) - 1;
        int64_t most = (stride > dilation ? stride : dilation) - 1;
        d->l.in[0].shape[2 + i] = rnd_in(&d->r, 3, 5);
        draw_numbers(s->padding)[i] = rnd_in(&d->r, 0, span < 2 ? span : 2);
        draw_numbers(s->output_padding)[i] = rnd_in(&d->r, 0, most);
    }
    draw_symbol(d, &d->l.in[0], 0);
    draw_symbol(d, &d->l.in[0], 2);
}

void fit_linear(draw *d)
{
    tdagi_type *x = &d->l.in[0];
    int64_t out = rnd_in(&d->r, 1, 4);
    d->l.in[1] = type_of(x->dtype, 2, out, x->shape[x->rank - 1]);
    d->l.in[2] = type_of(x->dtype, 1, out);
    if (x->rank > 1) draw_symbol(d, x, 0);
}

/* A vector on either side, and leading axes that broadcast, of either side. */
void fit_matmul(draw *d)
{
    tdagi_type *x = &d->l.in[0], *y = &d->l.in[1];
    if (x->rank > 2) draw_symbol(d, x, 0);
    uint32_t batch = x->rank > 2 ? (uint32_t)rnd_in(&d->r, 0, x->rank - 2) : 0;
    y->dtype = x->dtype;
    for (uint32_t i = x->rank - 2 - batch; batch > 0 && i < x->rank - 2; i++)
        y->shape[y->rank++] = rnd_in(&d->r, 0, 3) == 0 ? 1 : x->shape[i];
    y->shape[y->rank++] = x->shape[x->rank - 1];
    if (batch > 0 || rnd_yes(&d->r)) y->shape[y->rank++] = rnd_in(&d->r, 1, 4);
    if (x->rank > 2 && y->rank == x->rank && rnd_yes(&d->r))
        x->shape[0] = 1;
    else if (x->rank > 2 && y->rank == x->rank && rnd_yes(&d->r))
        *x = type_of_dims(x->dtype, x->rank - 1, x->shape + 1);
}

void fit_addmm(draw *d)
{
    tdagi_type *c = &d->l.in[0];
    int64_t m = rnd_in(&d->r, 2, 4), k = rnd_in(&d->r, 2, 4), n = c->shape[c->rank - 1];
    if (c->rank == 2 && c->shape[0] > 1) m = c->shape[0];
    d->l.in[1] = type_of(c->dtype, 2, m, k);
    d->l.in[2] = type_of(c->dtype, 2, k, n);
    for (uint32_t i = 1; i < 3 && c->rank == 3; i++)
        d->l.in[i] =
            type_of(c->dtype, 3, c->shape[0], d->l.in[i].shape[0], d->l.in[i].shape[1]);
    if (c->rank == 3 && c->shape[1] > 1) d->l.in[1].shape[1] = c->shape[1];
    if (c->rank < 3 && rnd_yes(&d->r)) /* the same for all products */
        for (uint32_t i = 1; i < 3; i++)
            d->l.in[i] = type_of(c->dtype, 3, INT64_C(2), d->l.in[i].shape[0],
                                 d->l.in[i].shape[1]);
    d->spec.addmm.alpha = rnd_yes(&d->r) ? 1 : exact(d);
    d->spec.addmm.beta = rnd_yes(&d->r) ? 1 : exact(d);
}

static void swap_letters(char *part, int64_t *shape, uint32_t i, uint32_t k)
{
    char c = part[i];
    part[i] = part[k];
    part[k] = c;
    if (shape == NULL) return;
    int64_t size = shape[i];
    shape[i] = shape[k];
    shape[k] = size;
}

/* Names the letters that stand in the second operand alone anew, in order. */
static void rename_letters(const char *first, char *second, char *result)
{
    char names[26] = {0}, next = (char)('a' + strlen(first));
    for (char *p = second; *p != '\0'; p++) {
        if (strchr(first, *p) != NULL) continue;
        names[*p - 'a'] = next++;
        *p = names[*p - 'a'];
    }
    for (char *p = result; *p != '\0'; p++)
        if (names[*p - 'a'] != 0) *p = names[*p - 'a'];
}

/* Each letter is in one of the operands or in both, and in the result or summed; one of
 * a single operand is never summed. Raising names them as they come. */
void fit_einsum(draw *d)
{
    char *text = (char *)draw_numbers(draw_list(d, TDAG_MAX_RANK, 0, 0));
    char part[3][8] = {"", "", ""};
    uint32_t n[3] = {0}, n_letters = (uint32_t)rnd_in(&d->r, 2, 6);
    tdagi_type *in = d->l.in;
    in[1].dtype = in[0].dtype;
    in[0].rank = 0;
    int64_t alone = rnd_in(&d->r, 0, n_letters - 1); /* in the second only, from here */
    for (uint32_t i = 0; i < n_letters; i++) {
        bool first = i <= alone, second = !first || i == 0 || rnd_yes(&d->r);
        int64_t size = rnd_in(&d->r, 0, 9) == 0 ? 1 : rnd_in(&d->r, 2, 4);
        if (rnd_in(&d->r, 0, 5) == 0)
            size = tdag_builder_symbol(d->b, (const char[]){(char)('A' + i), 0}, size);
        if (first) part[0][n[0]++] = (char)('a' + i);
        if (first) in[0].shape[in[0].rank++] = size;
        if (second) part[1][n[1]++] = (char)('a' + i);
        if (second) in[1].shape[in[1].rank++] = size;
        bool kept = i > 0 && (!first || !second || rnd_yes(&d->r));
        if (kept) part[2][n[2]++] = (char)('a' + i);
    }
    for (uint32_t i = n[1]; i-- > 1;) /* the second operand in any order */
        swap_letters(part[1], in[1].shape, i, (uint32_t)rnd_in(&d->r, 0, i));
    for (uint32_t i = n[2]; i-- > 1;) /* and the result */
        swap_letters(part[2], NULL, i, (uint32_t)rnd_in(&d->r, 0, i));
    rename_letters(part[0], part[1], part[2]);
    snprintf(text, 32, "%s,%s->%s", part[0], part[1], part[2]);
    d->spec.einsum.equation = text;
}

/* ---- windows ---- */

/* Sizes of the last axes that a window fits. */
static void window_sizes(draw *d, const int64_t *kernel, const int64_t *dilation)
{
    tdagi_type *x = &d->l.in[0];
    for (uint32_t i = 0; i < d->n_spatial; i++)
        x->shape[x->rank - d->n_spatial + i] =
            span_of(kernel[i], dilation[i]) + rnd_in(&d->r, 2, 5);
}

bool draw_ceil_shows(const draw *d)
{
    const tdagi_type *x = &d->l.in[0];
    const tdagi_pool_spec *s = &d->spec.pool;
    uint32_t n = s->kernel.n;
    for (uint32_t i = 0; i < n; i++) {
        int64_t room = x->shape[x->rank - n + i] + 2 * s->padding.v[i] -
                       span_of(s->kernel.v[i], s->dilation.v[i]);
        int64_t next = (room / s->stride.v[i] + 1) * s->stride.v[i];
        bool starts = next < x->shape[x->rank - n + i] + s->padding.v[i];
        if (room % s->stride.v[i] != 0 && starts) return true;
    }
    return false;
}

/* A padding is at most half the kernel. */
static bool fit_pool(draw *d)
{
    tdagi_pool_spec *s = &d->spec.pool;
    bool padded = false;
    for (uint32_t i = 0; i < d->n_spatial; i++) {
        int64_t most = s->kernel.v[i] / 2;
        if (s->padding.v[i] > most) draw_numbers(s->padding)[i] = most;
        if (s->kernel.v[i] == 1) draw_numbers(s->dilation)[i] = 1;
        padded = padded || s->padding.v[i] > 0;
    }
    window_sizes(d, s->kernel.v, s->dilation.v);
    return padded;
}

void fit_max_pool(draw *d)
{
    fit_pool(d);
    d->spec.pool.count_include_pad = 0;
    d->spec.pool.divisor = 0;
}

void fit_avg_pool(draw *d)
{
    tdagi_pool_spec *s = &d->spec.pool;
    s->dilation = draw_list(d, d->n_spatial, 1, 1);
    bool padded = fit_pool(d);
    s->divisor = rnd_in(&d->r, 0, 2) == 0 ? 5 : 0;
    if (!padded || s->divisor != 0) s->count_include_pad = 1;
}

/* The first axis shrinks: one that keeps its size is no axis of the pooling. */
void fit_adaptive(draw *d)
{
    tdagi_type *x = &d->l.in[0];
    d->spec.adaptive.output = draw_list(d, d->n_spatial, 1, 5);
    for (uint32_t i = 0; i < d->n_spatial; i++)
        x->shape[x->rank - d->n_spatial + i] =
            d->spec.adaptive.output.v[i] + rnd_in(&d->r, i == 0, 4);
}

void fit_im2col(draw *d)
{
    tdagi_im2col_spec *s = &d->spec.im2col;
    d->n_spatial = 2;
    d->l.in[0].rank = 4;
    s->kernel = draw_list(d, 2, 2, 3);
    s->dilation = draw_list(d, 2, 1, 2);
    s->padding = draw_list(d, 2, 0, 2);
    s->stride = draw_list(d, 2, 1, 3);
    window_sizes(d, s->kernel.v, s->dilation.v);
}

void fit_col2im(draw *d)
{
    tdagi_im2col_spec *s = &d->spec.im2col;
    fit_im2col(d);
    tdagi_type *x = &d->l.in[0];
    int64_t length = 1;
    s->output = draw_list(d, 2, 0, 0);
    for (uint32_t i = 0; i < 2; i++) {
        int64_t span = span_of(s->kernel.v[i], s->dilation.v[i]);
        int64_t size = draw_numbers(s->output)[i] = span + rnd_in(&d->r, 2, 5);
        length *= (size + 2 * s->padding.v[i] - span) / s->stride.v[i] + 1;
    }
    *x = type_of(x->dtype, 3, x->shape[0],
                 rnd_in(&d->r, 1, 3) * s->kernel.v[0] * s->kernel.v[1], length);
}

/* ---- reductions and norms ---- */

void fit_var(draw *d) { d->spec.var.correction = (double)rnd_in(&d->r, 0, 1); }

void fit_norm(draw *d)
{
    static const double ps[] = {2, 1, 0, (double)INFINITY, -(double)INFINITY, 3, 2.5};
    d->spec.norm.p = ps[rnd_in(&d->r, 0, 6)];
    d->spec.norm.eps = 0;
}

/* p, and what it is of: rows of one width, of any batches that meet. */
void fit_cdist(draw *d)
{
    static const double ps[] = {2, 1, 0, (double)INFINITY, 3, 2.5};
    tdagi_type *x = &d->l.in[0], *y = &d->l.in[1];
    d->spec.scalar.value = ps[rnd_in(&d->r, 0, 5)];
    x->shape[x->rank - 1] += 1; /* of one element there is no norm */
    *y = *x;
    y->shape[y->rank - 2] = rnd_in(&d->r, 1, 4);
    for (uint32_t i = 0; i + 2 < y->rank; i++)
        if (rnd_yes(&d->r)) y->shape[i] = 1;
}

void fit_pdist(draw *d)
{
    fit_cdist(d);
    d->l.in[0].shape[0] += 2;
}

/* Of any size: one matrix, several, with large primes; of a batch of any size. */
void fit_fft(draw *d)
{
    static const int64_t sizes[] = {2,  3,  4,  5,   12,  16,  31,  64,
                                    67, 72, 96, 100, 128, 134, 257, 402};
    tdagi_type *x = &d->l.in[0];
    const bool pair = d->l.id != TDAGI_RFFT;
    int64_t n = sizes[rnd_in(&d->r, 0, 15)];
    d->spec.fft.n = n;
    d->spec.fft.scale = pow((double)n, -0.5 * (double)rnd_in(&d->r, 0, 2));
    x->shape[x->rank - 1] = 2;
    x->shape[x->rank - 1 - pair] = d->l.id == TDAGI_IRFFT ? n / 2 + 1 : n;
    for (uint32_t i = 0; i + 1 + pair < x->rank; i++)
        draw_symbol(d, x, i);
}

void fit_normalize(draw *d)
{
    fit_norm(d);
    d->spec.norm.keep = 0;
    d->spec.norm.axes.n = 1;
    d->spec.norm.eps = d->l.in[0].dtype == TDAG_F32 ? small(d)
                       : rnd_yes(&d->r)             ? 0.125
                                                    : 0.5; /* of any dtype */
}

void fit_layer_norm(draw *d) { d->spec.layer_norm.eps = small(d); }

void fit_group_norm(draw *d)
{
    d->spec.group_norm.eps = small(d);
    d->l.in[0].rank = (uint32_t)rnd_in(&d->r, 2, d->l.in[0].rank);
    d->l.in[0].shape[1] = d->spec.group_norm.groups * rnd_in(&d->r, 1, 3);
}

void fit_attention(draw *d)
{
    tdagi_type *q = &d->l.in[0], *k = &d->l.in[1], *v = &d->l.in[2];
    d->spec.attention.scale = fraction(d);
    for (uint32_t i = 0; i < q->rank; i++)
        draw_symbol(d, q, i);
    *k = *q;
    k->shape[k->rank - 2] = rnd_in(&d->r, 1, 5);
    *v = *k;
    v->shape[v->rank - 1] = rnd_in(&d->r, 1, 5);
    d->l.in[3] = type_of(rnd_yes(&d->r) ? q->dtype : TDAG_BOOL, 2,
                         q->shape[q->rank - 2], k->shape[k->rank - 2]);
}

/* ---- moving ---- */

/* Axes in falling order, at times. */
static void turn_axes(draw *d, tdag_list axes)
{
    int64_t *v = draw_numbers(axes);
    bool falls = rnd_yes(&d->r);
    for (uint32_t i = 0; falls && i < axes.n / 2; i++) {
        int64_t axis = v[i];
        v[i] = v[axes.n - 1 - i];
        v[axes.n - 1 - i] = axis;
    }
}

void fit_flip(draw *d) { turn_axes(d, d->spec.flip.axes); }

/* Neither 0 nor the whole axis. */
void fit_roll(draw *d)
{
    tdagi_roll_spec *s = &d->spec.roll;
    turn_axes(d, s->axes);
    s->shifts = draw_list(d, s->axes.n, 1, 2);
    for (uint32_t i = 0; i < s->axes.n; i++) {
        d->l.in[0].shape[s->axes.v[i]] = rnd_in(&d->r, 3, 5);
        if (rnd_yes(&d->r)) draw_numbers(s->shifts)[i] *= -1;
    }
}

void fit_repeat(draw *d) { d->spec.repeat.count = rnd_in(&d->r, 1, 3); }

void fit_tile(draw *d) { d->spec.tile.counts = draw_list(d, d->l.in[0].rank, 1, 3); }

/* Scales are none that a quotient of two such sizes is, and double none. */
void fit_upsample(draw *d)
{
    tdagi_upsample_spec *s = &d->spec.upsample;
    tdagi_type *x = &d->l.in[0];
    bool scaled = rnd_yes(&d->r);
    if (s->mode == TDAGI_UPSAMPLE_CUBIC && d->n_spatial != 2)
        s->mode = TDAGI_UPSAMPLE_LINEAR;
    if (s->mode < TDAGI_UPSAMPLE_LINEAR) s->align_corners = 0;
    s->output = draw_list(d, d->n_spatial, 1, 5);
    for (uint32_t i = 0; i < 3; i++)
        s->scales[i] = 0;
    for (uint32_t i = 0; i < d->n_spatial; i++) {
        int64_t size = x->shape[2 + i] = rnd_in(&d->r, 2, 4);
        draw_numbers(s->output)[i] += size;
        if (!scaled || s->align_corners) continue;
        s->scales[i] = 2.6;
        draw_numbers(s->output)[i] = (int64_t)floor((double)size * 2.6);
    }
}

/* Of two axes, or three where it is linear: halfway between two elements of three axes,
 * the nearest is the even one since 2.x, as of two axes, and was the farther one
 * in 1.13. */
void fit_grid_sample(draw *d)
{
    tdagi_type *x = &d->l.in[0], *grid = &d->l.in[1];
    bool planar = d->spec.grid_sample.mode != TDAGI_SAMPLE_LINEAR || rnd_yes(&d->r);
    uint32_t n = planar ? 2 : 3;
    x->rank = n + 2;
    *grid = type_of(x->dtype, n + 2);
    for (uint32_t i = 0; i < n; i++) {
        x->shape[i + 2] = rnd_in(&d->r, 2, 4);
        grid->shape[i + 1] = rnd_in(&d->r, 1, 3);
    }
    grid->shape[0] = x->shape[0];
    grid->shape[n + 1] = n;
}

/* Positions in the tests' inputs are 0 to 3. */
static void indices(draw *d, uint32_t least, uint32_t most)
{
    tdagi_type *x = &d->l.in[0], *index = &d->l.in[1];
    for (uint32_t i = 0; i < x->rank; i++)
        x->shape[i] += 3;
    draw_symbol(d, x, 0);
    *index = type_of(TDAG_I64, 0);
    index->rank = (uint32_t)rnd_in(&d->r, least, most);
    for (uint32_t i = 0; i < index->rank; i++)
        index->shape[i] = rnd_in(&d->r, 1, 4);
}

/* Factors are for sums alone; -1 is no padding. */
void fit_bag(draw *d)
{
    indices(d, 1, 1);
    if (d->spec.bag.padding < 0) d->spec.bag.padding = -1;
    tdagi_type *in = d->l.in;
    in[1].shape[0] = rnd_in(&d->r, 3, 5);
    in[2] = type_of(TDAG_I64, 1, rnd_in(&d->r, 2, 3));
    in[3] = type_of(in[0].dtype, 1, in[1].shape[0]);
    if (d->spec.bag.mode != TDAGI_BAG_SUM || rnd_yes(&d->r))
        in[3].dtype = TDAG_DTYPE_NONE;
}

void fit_embedding(draw *d) { indices(d, 0, 3); }
void fit_index_select(draw *d) { indices(d, 1, 1); }
void fit_index(draw *d) { indices(d, 0, 3); }
void fit_take_along(draw *d) { indices(d, d->l.in[0].rank, d->l.in[0].rank); }

/* Numbers of the axes of the sorted ones or, of one axis, of any. */
void fit_search(draw *d)
{
    tdagi_type *x = &d->l.in[0], *v = &d->l.in[1];
    uint32_t last = x->rank - 1;
    x->shape[last] += 3;
    draw_symbol(d, x, last);
    *v = *x;
    v->shape[last] = rnd_in(&d->r, 1, 4);
    if (x->rank > 1) return;
    v->rank = (uint32_t)rnd_in(&d->r, 0, 3);
    for (uint32_t i = 0; i < v->rank; i++)
        v->shape[i] = rnd_in(&d->r, 1, 4);
}

/* Of at least two rows. */
void fit_square(draw *d)
{
    tdagi_type *a = &d->l.in[0];
    a->shape[a->rank - 2] = a->shape[a->rank - 1] = rnd_in(&d->r, 2, 5);
}

/* A square, and as many rows. */
void fit_triangular(draw *d)
{
    tdagi_type *a = &d->l.in[0], *b = &d->l.in[1];
    fit_square(d);
    *b = *a;
    b->shape[b->rank - 1] = rnd_in(&d->r, 1, 4);
}

/* The same, of a square without a batch, too; or the square alone. */
void fit_system(draw *d)
{
    fit_triangular(d);
    tdagi_type *a = &d->l.in[0];
    int64_t form = rnd_in(&d->r, 0, 2);
    if (form == 0) d->l.n = 1;
    if (form != 1) return;
    a->shape[0] = a->shape[1] = a->shape[a->rank - 1];
    a->rank = 2;
}

/* How many of an axis there are to choose from. */
static int64_t choice(draw *d, int64_t axis)
{
    tdagi_type *x = &d->l.in[0];
    x->shape[axis] = rnd_in(&d->r, 2, 5);
    return rnd_in(&d->r, 1, x->shape[axis]);
}

void fit_topk(draw *d)
{
    tdagi_topk_spec *s = &d->spec.topk;
    s->order = rnd_in(&d->r, TDAG_ORDER_SELECTED, TDAG_ORDER_SET);
    s->k = choice(d, s->axis);
}

void fit_kth(draw *d) { d->spec.kth.index = choice(d, d->spec.kth.axis) - 1; }

void fit_edge(draw *d) { d->spec.scalar.value = fraction(d); }

void fit_eps(draw *d) { d->spec.cosine.eps = small(d); }

/* Sizes that are known, scales that some argument of PyTorch's gives. */
void fit_upsample_aa(draw *d)
{
    tdagi_upsample_aa_spec *s = &d->spec.upsample_aa;
    tdag_dim *size = d->l.in[0].shape + 2;
    const bool align = rnd_yes(&d->r);
    d->n_spatial = 2;
    d->l.in[0].rank = 4;
    for (uint32_t i = 0; i < 2; i++) {
        const int64_t in = size[i] = rnd_in(&d->r, 2, 9);
        int64_t out = rnd_in(&d->r, 2, 9);
        if (out == in) out++;
        const double scale =
            align ? (double)(in - 1) / (double)(out - 1) : (double)in / (double)out;
        *(i == 0 ? &s->height : &s->width) = out;
        *(i == 0 ? &s->scale_h : &s->scale_w) = scale;
    }
}
