/* See arrange.h: convolutions. An axis of one operand whose index mixes result
 * positions and summed taps is a spatial axis; what the other axes are follows from
 * which of their atoms the operands and the result have. */
#include "raise/contraction/arrange.h"

#include <string.h>

#include "raise/contraction/layout.h"

/* ---- convolutions ---- */

/* One spatial axis of x: which atoms are positions and which are taps. */
typedef struct spatial {
    uint32_t axis;
    tdagi_run positions, taps;
    int64_t stride, dilation;
} spatial;

/* Orders the atoms of `mask` in e by falling factor; their common step in *step. */
static bool read_run(const tdagi_space *s, const tdagi_expr *e, uint64_t mask,
                     tdagi_run *out, int64_t *step)
{
    uint8_t reversed[TDAGI_MOST_TERMS];
    uint32_t n = 0;
    int64_t next = 0;
    *step = 1;
    for (uint64_t left = mask & tdagi_expr_mask(e); left != 0;) {
        uint32_t best = TDAGI_MOST_TERMS;
        for (uint32_t i = 0; i < e->n; i++)
            if ((left & (uint64_t)1 << e->atom[i]) &&
                (best == TDAGI_MOST_TERMS || e->k[i] < e->k[best]))
                best = i;
        if (best == TDAGI_MOST_TERMS) return false;
        if (n == 0) *step = e->k[best];
        if (e->k[best] < 1 || (n > 0 && e->k[best] != next)) return false;
        next = e->k[best] * s->extent[e->atom[best]];
        reversed[n++] = e->atom[best];
        left &= ~((uint64_t)1 << e->atom[best]);
    }
    out->n = 0;
    while (n > 0)
        tdagi_run_push(out, reversed[--n]);
    return true;
}

/* The window axes of x; false where an axis that is not dense is none. */
static bool read_windows(const tdagi_maps *m, const tdagi_level *x, uint64_t w_mask,
                         spatial *out, uint32_t *n_out, uint32_t *mask_out)
{
    uint64_t result = m->up[0].mask;
    *n_out = *mask_out = 0;
    for (uint32_t i = 0; i < x->rank; i++) {
        uint64_t own = x->axis[i].mask, o = own & result & ~w_mask;
        uint64_t k = own & w_mask & ~result;
        bool window = !x->axis[i].dense || (o != 0 && k != 0);
        if (!window) continue;
        if (*n_out == TDAGI_MOST_SPATIAL || own != (o | k)) return false;
        spatial *s = &out[(*n_out)++];
        s->axis = i;
        *mask_out |= 1u << i;
        if (!read_run(&m->space, &x->index[i], o, &s->positions, &s->stride) ||
            !read_run(&m->space, &x->index[i], k, &s->taps, &s->dilation) ||
            x->index[i].c > 0)
            return false;
    }
    return *n_out > 0;
}

static void push_all(tdagi_run *to, const tdagi_run *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        tdagi_run_push(to, from->atoms[i]);
}

/* Appends to `to` the atoms of p (a plan) that lie in mask, in p's order. */
static void push_mask(tdagi_run *to, const tdagi_plan *p, uint64_t mask)
{
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 0; j < p->axis[i].n; j++) {
            uint8_t atom = p->axis[i].atoms[j];
            if (atom < TDAGI_WINDOW && (mask & (uint64_t)1 << atom))
                tdagi_run_push(to, atom);
        }
}

/* The canonical axes of x, w and the result. */
static void plan_conv(const tdagi_maps *m, tdagi_arrangement *a, const spatial *s,
                      uint32_t n, uint64_t x_mask, uint64_t w_mask)
{
    uint64_t result = m->up[0].mask, groups = result & x_mask & w_mask;
    const tdagi_plan *x = &a->from[0];
    a->to[0].rank = a->to[1].rank = a->result.rank = 2 + n;
    memset(a->to, 0, sizeof(a->to));
    memset(&a->result, 0, sizeof(a->result));
    a->to[0].rank = a->to[1].rank = a->result.rank = 2 + n;
    push_mask(&a->to[0].axis[0], x, result & ~w_mask);
    push_all(&a->result.axis[0], &a->to[0].axis[0]);
    push_mask(&a->to[0].axis[1], x, groups);
    push_mask(&a->to[0].axis[1], x, w_mask & ~result);
    push_mask(&a->to[1].axis[0], x, groups);
    push_mask(&a->to[1].axis[0], &a->target, result & w_mask & ~groups);
    push_all(&a->result.axis[1], &a->to[1].axis[0]);
    push_mask(&a->to[1].axis[1], x, w_mask & ~result);
    for (uint32_t i = 0; i < n; i++) {
        tdagi_run_push(&a->to[0].axis[2 + i], (uint8_t)(TDAGI_WINDOW + s[i].axis));
        push_all(&a->to[1].axis[2 + i], &s[i].taps);
        push_all(&a->result.axis[2 + i], &s[i].positions);
    }
}

static bool fill_conv(tdagi_raiser *r, tdagi_arrangement *a, const tdagi_level *x,
                      const spatial *s, uint32_t n, uint64_t groups)
{
    tdagi_candidate *c = &a->c;
    c->composite = TDAGI_CONV;
    c->spec.conv = (tdagi_conv_spec){
        {n, c->stride}, {n, c->dilation}, {n, c->before}, {n, c->after}, 1};
    for (uint32_t i = 0; i < r->maps->space.n; i++)
        if (groups & (uint64_t)1 << i) c->spec.conv.groups *= r->maps->space.extent[i];
    for (uint32_t i = 0; i < n; i++) {
        c->stride[i] = s[i].stride;
        c->dilation[i] = s[i].dilation;
        if (!tdagi_read_padding(r, c->first, x, s[i].axis, -x->index[s[i].axis].c,
                                &c->before[i], &c->after[i]))
            return false;
    }
    return true;
}

/* One level of x: is there a convolution that takes it? */
static bool conv_from(tdagi_raiser *r, tdagi_arrangement *a)
{
    const tdagi_maps *m = r->maps;
    const tdagi_level *x = &m->down[a->c.first][a->c.level[0]];
    uint64_t w_mask = m->down[1 - a->c.first][0].mask, result = m->up[0].mask;
    spatial s[TDAGI_MOST_SPATIAL];
    uint32_t n, windows;
    if (!read_windows(m, x, w_mask, s, &n, &windows)) return false;
    if (!tdagi_guards_are_padding(m, a->c.first, x, ~windows)) return false;
    if (((x->mask | w_mask) & m->loops) != m->loops) return false;
    if ((x->mask & ~w_mask & ~result) != 0 || (w_mask & ~result & ~x->mask) != 0)
        return false;
    if (!tdagi_plan_read(x, windows, &a->from[0])) return false;
    a->c.up = m->n_up - 1;
    if (!tdagi_plan_read(&m->up[a->c.up], 0, &a->target)) return false;
    plan_conv(m, a, s, n, x->mask, w_mask);
    for (uint32_t i = 0; i < m->n_up; i++) { /* the lowest level that fits as it is */
        tdagi_plan p;
        if (!tdagi_plan_read(&m->up[i], 0, &p) || !tdagi_plan_equal(&p, &a->result))
            continue;
        a->c.up = i;
        a->target = p;
        break;
    }
    if (a->target.rank != a->result.rank) {
        a->c.up = 0;
        if (!tdagi_plan_read(&m->up[0], 0, &a->target)) return false;
    }
    if (!tdagi_pick_level(m, 1 - a->c.first, &a->to[1], &a->c.level[1])) return false;
    if (!tdagi_plan_read(&m->down[1 - a->c.first][a->c.level[1]], 0, &a->from[1]))
        return false;
    return fill_conv(r, a, x, s, n, result & x->mask & w_mask);
}

/* Views that move nothing in memory: it makes no difference what they are read above.
 */
static bool is_relabeling(const tdagi_raiser *r, tdag_value v)
{
    return tdagi_node_def(tdagi_raiser_node(r, v))->rearranges;
}

/* From the level that *out reads up to the first one that is more than a view of it: so
 * the operand is what the source has, not what its producer has below its own views. */
static tdag_status rise(tdagi_raiser *r, tdagi_arrangement *a, uint32_t level,
                        tdagi_match **out)
{
    while (level-- > 0 && is_relabeling(r, r->maps->down[a->c.first][level].value)) {
        tdagi_match *higher = NULL;
        a->c.level[0] = level;
        if (conv_from(r, a)) TDAGI_TRY(tdagi_accept_arrangement(r, a, &higher));
        if (higher != NULL) *out = higher;
    }
    return TDAG_OK;
}

/* The deepest level of x that is laid out already, else the deepest that can be, or the
 * source's view of that. */
static tdag_status arrange_conv(tdagi_raiser *r, tdagi_arrangement *a,
                                tdagi_match **out)
{
    for (uint32_t k = 0; k < 4; k++) {
        bool exact = k < 2;
        a->c.first = k % 2;
        for (uint32_t i = r->maps->n_down[a->c.first]; i-- > 0 && *out == NULL;) {
            a->c.level[0] = i;
            if (!conv_from(r, a)) continue;
            if (exact && !tdagi_plan_equal(&a->from[0], &a->to[0])) continue;
            TDAGI_TRY(tdagi_accept_arrangement(r, a, out));
            if (*out != NULL && !exact) TDAGI_TRY(rise(r, a, i, out));
        }
    }
    return TDAG_OK;
}

tdag_status tdagi_arrange_conv(tdagi_raiser *r, tdagi_match **out)
{
    tdagi_arrangement a;
    memset(&a, 0, sizeof(a));
    return arrange_conv(r, &a, out);
}
