/* Which composite three levels are: the result's, and the two operands'. Each function
 * compares expressions axis by axis; none of them changes the maps. */
#include "raise/contraction/contraction.h"

#include <string.h>

typedef struct trio {
    const tdagi_maps *m;
    const tdagi_level *r, *x, *w;
    uint32_t side[2]; /* which guards are those of x and w */
    uint32_t channel; /* axis of r and x, behind those of a convolution's batch */
} trio;

static bool same_axis(const tdagi_level *a, uint32_t i, const tdagi_level *b,
                      uint32_t j)
{
    return a->axis[i].dim == b->axis[j].dim && a->axis[i].dense && b->axis[j].dense &&
           tdagi_expr_equal(&a->index[i], &b->index[j]);
}

/* Nothing of the operand is padding. */
static bool unguarded(const trio *t, uint32_t operand)
{
    const tdagi_level *level = operand == 0 ? t->x : t->w;
    uint32_t side = t->side[operand];
    for (uint32_t i = 0; i < level->n_guards; i++)
        if (!t->m->holds[side][i]) return false;
    return true;
}

static bool unpadded(const trio *t) { return unguarded(t, 0) && unguarded(t, 1); }

static bool covers_loops(const trio *t)
{
    return ((t->x->mask | t->w->mask) & t->m->loops) == t->m->loops;
}

/* ---- conv ---- */

/* e = stride*o + dilation*k - before, o and k being dense axes */
typedef struct window {
    int64_t stride, dilation, before;
} window;

static bool read_window(tdagi_space *s, const tdagi_expr *e, const tdagi_expr *o,
                        const tdagi_axis *o_axis, const tdagi_expr *k,
                        const tdagi_axis *k_axis, window *out)
{
    if (!o_axis->dense || !k_axis->dense || (o_axis->mask & k_axis->mask) != 0)
        return false;
    out->stride = out->dilation = 1;
    if (o_axis->n > 0) out->stride = tdagi_expr_factor(e, o_axis->atoms[o_axis->n - 1]);
    if (k_axis->n > 0)
        out->dilation = tdagi_expr_factor(e, k_axis->atoms[k_axis->n - 1]);
    out->before = -e->c;
    if (out->stride < 1 || out->dilation < 1 || out->before < 0) return false;
    tdagi_expr want = {.c = e->c};
    want = tdagi_expr_add(s, &want, o, out->stride);
    want = tdagi_expr_add(s, &want, k, out->dilation);
    return !s->bad && tdagi_expr_equal(&want, e);
}

/* Where the result has one window the maps cannot show the stride; the unfold can. Axes
 * are unfolded one by one, each with the taps behind it: those to come keep their
 * places, counted from the last. */
static int64_t unfold_stride(const tdagi_raiser *r, const trio *t, uint32_t axis)
{
    int64_t stride = 1;
    for (uint32_t i = 0; i < t->m->n_down[t->side[0]]; i++) {
        const tdagi_level *level = &t->m->down[t->side[0]][i];
        if (level == t->x) break;
        const tdagi_node *n = tdagi_raiser_node(r, level->value);
        const tdag_window_spec *spec = n->u.spec;
        if (n->op != TDAG_OP_UNFOLD || n->rank < t->x->rank) continue;
        uint32_t there = n->rank - t->x->rank + axis;
        if (spec->kernel.v[there] > 1 || spec->stride.v[there] > 1)
            stride = spec->stride.v[there]; /* the last one says it: others dilate */
    }
    return stride;
}

/* True where e is the axis's expression plus a constant. */
static bool shifted(const tdagi_expr *e, const tdagi_expr *axis)
{
    tdagi_expr moved = *e;
    moved.c = axis->c;
    return tdagi_expr_equal(&moved, axis);
}

bool tdagi_read_padding(tdagi_raiser *r, uint32_t side, const tdagi_level *x,
                        uint32_t axis, int64_t before, tdag_dim *before_out,
                        tdag_dim *after_out)
{
    const tdagi_guards *guards = &r->maps->guards[side];
    tdag_dim b = 0, a = 0;
    bool zeroes = true;
    for (uint32_t i = 0; i < x->n_guards; i++) {
        const tdagi_guard *g = &guards->g[i];
        if (!shifted(&g->e, &x->index[axis])) continue;
        const tdag_pad_spec *spec = tdagi_raiser_node(r, g->pad)->u.spec;
        b = tdagi_dim_add(r->pool, b, spec->before.v[g->axis]);
        a = tdagi_dim_add(r->pool, a, spec->after.v[g->axis]);
        zeroes = zeroes && g->value == 0;
    }
    if (b == TDAGI_DIM_BAD || a == TDAGI_DIM_BAD) return false;
    *before_out = b;
    *after_out = a;
    if (zeroes && tdagi_raiser_dim(r, b) == before) return true;
    int64_t lo, hi, last = x->axis[axis].dim - 1;
    tdagi_expr_bounds(&r->maps->space, &x->index[axis], &lo, &hi);
    *before_out = before;
    *after_out = hi <= last ? 0 : hi - last;
    return !r->maps->space.bad;
}

bool tdagi_guards_are_padding(const tdagi_maps *m, uint32_t side, const tdagi_level *x,
                              uint32_t but)
{
    for (uint32_t i = 0; i < x->n_guards; i++) {
        const tdagi_guard *g = &m->guards[side].g[i];
        if (m->holds[side][i]) continue;
        bool found = false;
        for (uint32_t axis = 0; axis < x->rank && !found; axis++) {
            if ((but & 1u << axis) || !shifted(&g->e, &x->index[axis])) continue;
            int64_t ahead = g->e.c - x->index[axis].c;
            found = ahead >= 0 && x->axis[axis].dim - 1 + ahead < g->size;
        }
        if (!found || g->value != 0) return false;
    }
    return true;
}

/* The channels: x has groups*c, w axis 0 = r groups*o, w axis 1 = c. */
static bool read_groups(const trio *t, int64_t *groups)
{
    const tdagi_axis *c = &t->x->axis[t->channel], *o = &t->w->axis[0],
                     *ci = &t->w->axis[1];
    if (!c->dense || !ci->dense || c->n < ci->n) return false;
    if (!same_axis(t->r, t->channel, t->w, 0)) return false;
    uint32_t n = c->n - ci->n; /* atoms of the group index */
    if (n > o->n || memcmp(c->atoms, o->atoms, n) != 0) return false;
    if (memcmp(c->atoms + n, ci->atoms, ci->n) != 0) return false;
    if (c->dim % ci->dim != 0) return false;
    *groups = c->dim / ci->dim;
    return true;
}

/* The variables play their parts and no others. */
static bool conv_roles(const trio *t)
{
    uint64_t position = 0, taps = 0;
    for (uint32_t i = 0; i < t->r->rank; i++)
        if (i != t->channel) position |= t->r->axis[i].mask;
    for (uint32_t i = 1; i < t->w->rank; i++)
        taps |= t->w->axis[i].mask;
    return (position & t->w->mask) == 0 && (taps & t->r->mask) == 0 && covers_loops(t);
}

static bool as_conv(tdagi_raiser *r, const trio *t, tdagi_candidate *c)
{
    uint32_t rank = t->w->rank, n = rank - 2, first = t->channel + 1;
    if (rank < 3 || rank > 2 + TDAGI_MOST_SPATIAL || t->x->rank != first + n ||
        t->r->rank != first + n)
        return false;
    for (uint32_t i = 0; i < t->channel; i++)
        if (!same_axis(t->r, i, t->x, i)) return false;
    tdagi_conv_spec *spec = &c->spec.conv;
    *spec = (tdagi_conv_spec){
        {n, c->stride}, {n, c->dilation}, {n, c->before}, {n, c->after}, 1};
    if (!read_groups(t, &spec->groups) || !unguarded(t, 1) || !conv_roles(t) ||
        !tdagi_guards_are_padding(t->m, t->side[0], t->x, (1u << first) - 1))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t axis = first + i;
        window win;
        tdagi_space s; /* large, and nothing is split in it */
        s.n = 0;
        s.bad = false;
        if (!read_window(&s, &t->x->index[axis], &t->r->index[axis], &t->r->axis[axis],
                         &t->w->index[2 + i], &t->w->axis[2 + i], &win))
            return false;
        if (t->r->axis[axis].n == 0) win.stride = unfold_stride(r, t, axis);
        if (!tdagi_read_padding(r, t->side[0], t->x, axis, win.before, &c->before[i],
                                &c->after[i]))
            return false;
        c->stride[i] = win.stride;
        c->dilation[i] = win.dilation;
    }
    return true;
}

/* ---- linear and matmul ---- */

static bool as_linear(const trio *t)
{
    uint32_t rank = t->r->rank;
    if (t->w->rank != 2 || rank < 1 || t->x->rank != rank) return false;
    for (uint32_t i = 0; i + 1 < rank; i++)
        if (!same_axis(t->r, i, t->x, i) || (t->x->axis[i].mask & t->w->mask) != 0)
            return false;
    return same_axis(t->r, rank - 1, t->w, 0) && same_axis(t->x, rank - 1, t->w, 1) &&
           (t->w->axis[1].mask & t->r->mask) == 0 && covers_loops(t);
}

/* The batch axes of an operand with `own` leading ones against the result's. */
static bool same_batch(const tdagi_level *r, uint32_t n, const tdagi_level *x,
                       uint32_t own)
{
    if (own > n) return false;
    for (uint32_t i = 0; i < own; i++) {
        bool one = x->axis[i].dim == 1;
        if (!one && !same_axis(r, n - own + i, x, i)) return false;
    }
    return true;
}

static bool as_matmul(const trio *t)
{
    uint32_t rx = t->x->rank, rw = t->w->rank;
    if (rx < 1 || rw < 1) return false;
    uint32_t bx = rx < 2 ? 0 : rx - 2, bw = rw < 2 ? 0 : rw - 2;
    uint32_t batch = bx > bw ? bx : bw;
    uint32_t rank = batch + (rx > 1) + (rw > 1);
    if (t->r->rank != rank || !same_batch(t->r, batch, t->x, bx) ||
        !same_batch(t->r, batch, t->w, bw))
        return false;
    for (uint32_t i = 0; i < batch; i++) { /* not broadcast by nobody */
        int64_t dx = i + bx < batch ? 1 : t->x->axis[i + bx - batch].dim;
        int64_t dw = i + bw < batch ? 1 : t->w->axis[i + bw - batch].dim;
        if (t->r->axis[i].dim != (dx == 1 ? dw : dx)) return false;
    }
    uint32_t k = rw > 1 ? rw - 2 : 0;
    if (!same_axis(t->x, rx - 1, t->w, k)) return false;
    if (rx > 1 && (!same_axis(t->r, batch, t->x, rx - 2) ||
                   (t->x->axis[rx - 2].mask & t->w->mask) != 0))
        return false;
    if (rw > 1 && (!same_axis(t->r, rank - 1, t->w, rw - 1) ||
                   (t->w->axis[rw - 1].mask & t->x->mask) != 0))
        return false;
    return (t->w->axis[k].mask & t->r->mask) == 0 && covers_loops(t);
}

/* ---- einsum ---- */

typedef struct letters {
    uint32_t n;
    const tdagi_axis *axis[52];
    uint64_t used;  /* atoms */
    bool taken[52]; /* a dim-1 letter of an operand that the result has claimed */
} letters;

static char letter(uint32_t i) { return (char)(i < 26 ? 'a' + i : 'A' + (i - 26)); }

/* The letter of an axis; a new one where it has none. 0: the axes overlap otherwise. */
static char letter_of(letters *l, const tdagi_axis *axis, bool result)
{
    if (!axis->dense) return 0;
    for (uint32_t i = 0; i < l->n; i++) {
        const tdagi_axis *other = l->axis[i];
        if (other->n != axis->n) continue;
        if (axis->n > 0 && memcmp(other->atoms, axis->atoms, axis->n) == 0)
            return letter(i);
        if (axis->n == 0 && result && !l->taken[i]) {
            l->taken[i] = true;
            return letter(i);
        }
    }
    if (result || (l->used & axis->mask) != 0 || l->n == 52) return 0;
    l->used |= axis->mask;
    l->axis[l->n] = axis;
    l->taken[l->n] = false;
    return letter(l->n++);
}

static bool write_term(letters *l, const tdagi_level *level, bool result, char **at)
{
    const char *start = *at;
    for (uint32_t i = 0; i < level->rank; i++) {
        char c = letter_of(l, &level->axis[i], result);
        if (c == 0) return false;
        for (const char *p = start; p < *at; p++)
            if (*p == c) return false;
        *(*at)++ = c;
    }
    return true;
}

static bool as_einsum(const trio *t, tdagi_candidate *c)
{
    letters l = {0};
    char *at = c->equation;
    if (!covers_loops(t) || !write_term(&l, t->x, false, &at)) return false;
    *at++ = ',';
    if (!write_term(&l, t->w, false, &at)) return false;
    *at++ = '-';
    *at++ = '>';
    if (!write_term(&l, t->r, true, &at)) return false;
    *at = '\0';
    c->spec.einsum.equation = c->equation;
    return true;
}

/* ---- all ---- */

bool tdagi_classify(tdagi_raiser *r, tdagi_candidate *c)
{
    const tdagi_maps *m = r->maps;
    trio t = {.m = m, .r = &m->up[c->up], .side = {c->first, 1 - c->first}};
    t.channel = (uint32_t)(1 + c->lead);
    t.x = &m->down[c->first][c->level[0]];
    t.w = &m->down[1 - c->first][c->level[1]];
    if (c->composite == TDAGI_CONV) return as_conv(r, &t, c);
    if (c->composite == TDAGI_LINEAR) return as_linear(&t) && unpadded(&t);
    if (c->composite == TDAGI_MATMUL) return as_matmul(&t) && unpadded(&t);
    return c->composite == TDAGI_EINSUM && unpadded(&t) && as_einsum(&t, c);
}

const void *tdagi_candidate_spec(const tdagi_candidate *c)
{
    if (c->composite == TDAGI_CONV) return &c->spec.conv;
    return c->composite == TDAGI_EINSUM ? &c->spec.einsum : NULL;
}

uint32_t tdagi_candidate_covered(const tdagi_maps *m, const tdagi_candidate *c,
                                 tdag_value *covered)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i <= c->up; i++)
        covered[n++] = m->up[i].value;
    for (uint32_t i = 0; i < m->n_interior; i++)
        covered[n++] = m->interior[i];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t side = i == 0 ? c->first : 1 - c->first;
        for (uint32_t j = 0; j < c->level[i]; j++)
            covered[n++] = m->down[side][j].value;
    }
    return n;
}
