/* See arrange.h. An arrangement is a list of axes, each a row-major run of atoms (a
 * window axis of an operand is an atom of its own there). Going from one arrangement to
 * another takes a squeeze, an ungroup, a permute, a group and an unsqueeze, each only
 * if needed. */
#include "raise/arrange.h"

#include <string.h>

#define WINDOW TDAGI_MOST_ATOMS /* WINDOW + axis: the window axis of a level */

typedef struct run {
    uint32_t n;
    uint8_t atoms[2 * TDAGI_MOST_TERMS];
} run;

typedef struct plan {
    uint32_t rank;
    run axis[2 * TDAG_MAX_RANK];
} plan;

static void push(run *to, uint8_t atom)
{
    if (to->n < sizeof(to->atoms)) to->atoms[to->n++] = atom;
}

static bool plan_equal(const plan *a, const plan *b)
{
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->axis[i].n != b->axis[i].n ||
            memcmp(a->axis[i].atoms, b->axis[i].atoms, a->axis[i].n) != 0)
            return false;
    return true;
}

/* True where `b` comes right after `a` within one axis. */
static bool follows(const plan *p, uint8_t a, uint8_t b)
{
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 1; j < p->axis[i].n; j++)
            if (p->axis[i].atoms[j - 1] == a && p->axis[i].atoms[j] == b) return true;
    return false;
}

static bool contains(const plan *p, uint8_t atom)
{
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 0; j < p->axis[i].n; j++)
            if (p->axis[i].atoms[j] == atom) return true;
    return false;
}

/* ---- from one arrangement to another ---- */

/* `from`, its axes cut where `to` separates what they join; without empty axes. */
static void cut(const plan *from, const plan *to, plan *out)
{
    out->rank = 0;
    for (uint32_t i = 0; i < from->rank; i++)
        for (uint32_t j = 0; j < from->axis[i].n; j++) {
            const uint8_t *a = from->axis[i].atoms;
            if (j == 0 || !follows(to, a[j - 1], a[j])) out->axis[out->rank++].n = 0;
            if (out->rank > TDAG_MAX_RANK) return;
            push(&out->axis[out->rank - 1], a[j]);
        }
}

static tdag_value drop_ones(tdag_builder *b, tdag_value v, const plan *from)
{
    int64_t axes[2 * TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->rank; i++)
        if (from->axis[i].n == 0) axes[n++] = i;
    return n == 0 ? v : tdag_squeeze(b, v, (tdag_list){n, axes});
}

static int64_t extent(const tdagi_space *s, const run *axis)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < axis->n; i++)
        n *= s->extent[axis->atoms[i]];
    return n;
}

/* Splits the axes of v (the non-empty ones of `from`) into those of `pieces`. A
 * symbolic dim leaves its symbols to the outermost piece. */
static tdag_value split_axes(tdagi_raiser *r, tdag_value v, const plan *from,
                             const plan *pieces)
{
    tdag_builder *b = r->scratch;
    int64_t counts[TDAG_MAX_RANK], factors[2 * TDAG_MAX_RANK];
    uint32_t n = 0, at = 0;
    bool any = false;
    const tdag_dim *shape = tdag_builder_get_shape(b, v);
    if (shape == NULL) return v; /* a failure sticks, or there is nothing to split */
    for (uint32_t i = 0; i < from->rank; i++) {
        if (from->axis[i].n == 0) continue;
        uint32_t first = at, left = from->axis[i].n;
        int64_t inner = 1;
        while (left > 0) {
            if (at > first) inner *= extent(&r->maps->space, &pieces->axis[at]);
            if (at > first) factors[at] = extent(&r->maps->space, &pieces->axis[at]);
            left -= pieces->axis[at++].n;
        }
        factors[first] =
            at == first + 1 ? shape[n] : tdagi_dim_floordiv(r->pool, shape[n], inner);
        counts[n++] = at - first;
        any = any || at > first + 1;
    }
    if (!any) return v;
    return tdag_ungroup(b, v, (tdag_list){n, counts}, (tdag_list){at, factors});
}

/* Puts the pieces into the order of `to`. */
static tdag_value order_axes(tdag_builder *b, tdag_value v, const plan *pieces,
                             const plan *to)
{
    int64_t order[TDAG_MAX_RANK];
    uint32_t n = 0;
    bool moved = false;
    for (uint32_t i = 0; i < to->rank; i++)
        for (uint32_t j = 0; j < to->axis[i].n; j++)
            for (uint32_t k = 0; k < pieces->rank; k++)
                if (pieces->axis[k].atoms[0] == to->axis[i].atoms[j]) {
                    moved = moved || k != n;
                    order[n++] = k;
                }
    return moved ? tdag_permute(b, v, (tdag_list){n, order}) : v;
}

static tdag_value join_axes(tdag_builder *b, tdag_value v, const plan *pieces,
                            const plan *to)
{
    int64_t runs[2 * TDAG_MAX_RANK];
    uint32_t n = 0;
    bool any = false;
    for (uint32_t i = 0; i < to->rank; i++) {
        int64_t count = 0;
        for (uint32_t j = 0; j < to->axis[i].n; j++)
            for (uint32_t k = 0; k < pieces->rank; k++)
                count += pieces->axis[k].atoms[0] == to->axis[i].atoms[j];
        any = any || count > 1;
        if (count > 0) runs[n++] = count;
    }
    return any ? tdag_group(b, v, (tdag_list){n, runs}) : v;
}

static tdag_value add_ones(tdag_builder *b, tdag_value v, const plan *to)
{
    int64_t axes[2 * TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < to->rank; i++)
        if (to->axis[i].n == 0) axes[n++] = i;
    return n == 0 ? v : tdag_unsqueeze(b, v, (tdag_list){n, axes});
}

/* Adds the views to the scratch builder. */
static tdag_value lay_out(tdagi_raiser *r, tdag_value v, const plan *from,
                          const plan *to)
{
    plan pieces;
    if (plan_equal(from, to)) return v;
    cut(from, to, &pieces);
    if (pieces.rank > TDAG_MAX_RANK || to->rank > TDAG_MAX_RANK)
        return tdagi_builder_fail(r->scratch, TDAG_E_UNSUPPORTED, "too many axes");
    v = drop_ones(r->scratch, v, from);
    v = split_axes(r, v, from, &pieces);
    v = order_axes(r->scratch, v, &pieces, to);
    v = join_axes(r->scratch, v, &pieces, to);
    return add_ones(r->scratch, v, to);
}

/* ---- reading levels ---- */

/* The axes of a level as runs; window axes as themselves. False where an axis is
 * neither dense nor in `windows` (a mask of axes). */
static bool read_level(const tdagi_level *level, uint32_t windows, plan *out)
{
    out->rank = level->rank;
    for (uint32_t i = 0; i < level->rank; i++) {
        out->axis[i].n = 0;
        if (windows & 1u << i) {
            push(&out->axis[i], (uint8_t)(WINDOW + i));
            continue;
        }
        if (!level->axis[i].dense) return false;
        for (uint32_t j = 0; j < level->axis[i].n; j++)
            push(&out->axis[i], level->axis[i].atoms[j]);
    }
    return true;
}

static bool unguarded(const tdagi_maps *m, uint32_t side, const tdagi_level *level)
{
    for (uint32_t i = 0; i < level->n_guards; i++)
        if (!m->holds[side][i]) return false;
    return true;
}

/* The shallowest level that is dense and unguarded, or one that is `want` already. */
static bool pick_level(const tdagi_maps *m, uint32_t side, const plan *want,
                       uint32_t *out)
{
    bool found = false;
    plan p;
    for (uint32_t i = 0; i < m->n_down[side]; i++) {
        const tdagi_level *level = &m->down[side][i];
        if (!unguarded(m, side, level) || !read_level(level, 0, &p)) continue;
        bool exact = want != NULL && plan_equal(&p, want);
        if (found && !exact) continue;
        *out = i;
        found = true;
        if (exact) return true;
    }
    return found;
}

/* ---- building the match ---- */

typedef struct arrangement {
    tdagi_candidate c; /* levels, composite, spec */
    plan from[2], to[2], result, target;
} arrangement;

/* The chain of views from scratch value `first` to `last`, as views of the result. */
static tdag_status copy_views(tdagi_raiser *r, uint32_t first, uint32_t last,
                              uint32_t *n, const tdagi_view **out)
{
    *n = last - first;
    tdagi_view *views = tdagi_raiser_alloc(r, *n, sizeof(*views));
    if (views == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < *n; i++) {
        const tdagi_node *node = &r->scratch->graph->nodes[first + 1 + i];
        const tdagi_opdef *def = tdagi_node_def(node);
        views[i] = (tdagi_view){
            .op = node->op,
            .rank = node->rank,
            .shape = tdagi_raiser_dup(r, node->shape, node->rank, sizeof(tdag_dim)),
            .spec =
                tdagi_spec_copy(&r->arena, def->fields, def->spec_size, node->u.spec)};
        if (views[i].shape == NULL || views[i].spec == NULL) return tdagi_nomem(r->ctx);
    }
    *out = views;
    return TDAG_OK;
}

typedef struct built {
    tdag_value in[2], laid[2], result, top;
} built;

static void build(tdagi_raiser *r, const arrangement *a, built *out)
{
    tdag_builder *b = r->scratch;
    tdagi_scratch_empty(r);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t side = i == 0 ? a->c.first : 1 - a->c.first;
        tdagi_type type;
        tdagi_value_type(r->graph, r->maps->down[side][a->c.level[i]].value, &type);
        out->in[i] = tdag_add_input(b, NULL, type.dtype, type.rank, type.shape);
        out->laid[i] = lay_out(r, out->in[i], &a->from[i], &a->to[i]);
    }
    out->result =
        tdagi_lower(b, a->c.composite, out->laid, 2, tdagi_candidate_spec(&a->c));
    out->top = lay_out(r, out->result, &a->result, &a->target);
}

static bool same_type(const tdagi_node *a, const tdagi_node *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

static tdag_status accept(tdagi_raiser *r, const arrangement *a, tdagi_match **out)
{
    const tdagi_maps *m = r->maps;
    tdag_value covered[TDAGI_MOST_COVERS], root = m->up[a->c.up].value;
    built made;
    bool ok;
    build(r, a, &made);
    TDAGI_TRY(tdagi_scratch_settle(r, &ok));
    if (!ok) return TDAG_OK;
    const tdagi_node *nodes = r->scratch->graph->nodes;
    if (!same_type(&nodes[made.top.id], tdagi_raiser_node(r, root))) return TDAG_OK;
    tdagi_guess g = {
        .composite = a->c.composite, .spec = tdagi_candidate_spec(&a->c), .n = 2};
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t side = i == 0 ? a->c.first : 1 - a->c.first;
        g.in[i].value = m->down[side][a->c.level[i]].value;
    }
    uint32_t n = tdagi_candidate_covered(m, &a->c, covered);
    tdagi_match *match = NULL;
    TDAGI_TRY(tdagi_accept_guess(r, root, &g, covered, n, &match));
    if (match == NULL) return TDAG_OK;
    tdagi_operand *operands =
        tdagi_raiser_dup(r, match->operands, match->n_operands, sizeof(*operands));
    if (operands == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < 2; i++)
        TDAGI_TRY(copy_views(r, made.in[i].id, made.laid[i].id, &operands[i].n_views,
                             &operands[i].views));
    match->operands = operands;
    TDAGI_TRY(
        copy_views(r, made.result.id, made.top.id, &match->n_after, &match->after));
    const tdagi_node *own = &nodes[made.result.id];
    match->rank = own->rank;
    match->shape = tdagi_raiser_dup(r, own->shape, own->rank, sizeof(tdag_dim));
    if (match->shape == NULL) return tdagi_nomem(r->ctx);
    *out = match;
    return TDAG_OK;
}

/* ---- convolutions ---- */

/* One spatial axis of x: which atoms are positions and which are taps. */
typedef struct spatial {
    uint32_t axis;
    run positions, taps;
    int64_t stride, dilation;
} spatial;

/* Orders the atoms of `mask` in e by falling factor; their common step in *step. */
static bool read_run(const tdagi_space *s, const tdagi_expr *e, uint64_t mask, run *out,
                     int64_t *step)
{
    uint8_t reversed[TDAGI_MOST_TERMS];
    uint32_t n = 0;
    int64_t next = 0;
    *step = 1;
    for (uint64_t left = mask & tdagi_expr_mask(e); left != 0;) {
        uint32_t best = TDAGI_MOST_TERMS;
        for (uint32_t i = 0; i < e->n; i++)
            if ((left & (uint64_t)1 << e->t[i].atom) &&
                (best == TDAGI_MOST_TERMS || e->t[i].k < e->t[best].k))
                best = i;
        if (best == TDAGI_MOST_TERMS) return false;
        if (n == 0) *step = e->t[best].k;
        if (e->t[best].k < 1 || (n > 0 && e->t[best].k != next)) return false;
        next = e->t[best].k * s->extent[e->t[best].atom];
        reversed[n++] = (uint8_t)e->t[best].atom;
        left &= ~((uint64_t)1 << e->t[best].atom);
    }
    out->n = 0;
    while (n > 0)
        push(out, reversed[--n]);
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

static void push_all(run *to, const run *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        push(to, from->atoms[i]);
}

/* Appends to `to` the atoms of p (a plan) that lie in mask, in p's order. */
static void push_mask(run *to, const plan *p, uint64_t mask)
{
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 0; j < p->axis[i].n; j++) {
            uint8_t atom = p->axis[i].atoms[j];
            if (atom < WINDOW && (mask & (uint64_t)1 << atom)) push(to, atom);
        }
}

/* The canonical axes of x, w and the result. */
static void plan_conv(const tdagi_maps *m, arrangement *a, const spatial *s, uint32_t n,
                      uint64_t x_mask, uint64_t w_mask)
{
    uint64_t result = m->up[0].mask, groups = result & x_mask & w_mask;
    const plan *x = &a->from[0];
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
        push(&a->to[0].axis[2 + i], (uint8_t)(WINDOW + s[i].axis));
        push_all(&a->to[1].axis[2 + i], &s[i].taps);
        push_all(&a->result.axis[2 + i], &s[i].positions);
    }
}

static bool fill_conv(tdagi_raiser *r, arrangement *a, const tdagi_level *x,
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
static bool conv_from(tdagi_raiser *r, arrangement *a)
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
    if (!read_level(x, windows, &a->from[0])) return false;
    a->c.up = m->n_up - 1;
    if (!read_level(&m->up[a->c.up], 0, &a->target)) return false;
    plan_conv(m, a, s, n, x->mask, w_mask);
    for (uint32_t i = 0; i < m->n_up; i++) { /* the lowest level that fits as it is */
        plan p;
        if (!read_level(&m->up[i], 0, &p) || !plan_equal(&p, &a->result)) continue;
        a->c.up = i;
        a->target = p;
        break;
    }
    if (a->target.rank != a->result.rank) {
        a->c.up = 0;
        if (!read_level(&m->up[0], 0, &a->target)) return false;
    }
    if (!pick_level(m, 1 - a->c.first, &a->to[1], &a->c.level[1])) return false;
    if (!read_level(&m->down[1 - a->c.first][a->c.level[1]], 0, &a->from[1]))
        return false;
    return fill_conv(r, a, x, s, n, result & x->mask & w_mask);
}

/* The deepest level of x that is laid out already, else the deepest that can be. */
static tdag_status arrange_conv(tdagi_raiser *r, arrangement *a, tdagi_match **out)
{
    for (uint32_t k = 0; k < 4; k++) {
        bool exact = k < 2;
        a->c.first = k % 2;
        for (uint32_t i = r->maps->n_down[a->c.first]; i-- > 0 && *out == NULL;) {
            a->c.level[0] = i;
            if (!conv_from(r, a)) continue;
            if (exact && !plan_equal(&a->from[0], &a->to[0])) continue;
            TDAGI_TRY(accept(r, a, out));
        }
    }
    return TDAG_OK;
}

tdag_status tdagi_arrange_conv(tdagi_raiser *r, tdagi_match **out)
{
    arrangement a;
    memset(&a, 0, sizeof(a));
    return arrange_conv(r, &a, out);
}

/* ---- einsums ---- */

/* `p` with every axis cut where one of the three tensors separates its atoms. */
static void refine(const plan *p, const plan *const all[3], plan *out)
{
    out->rank = 0;
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 0; j < p->axis[i].n; j++) {
            uint8_t atom = p->axis[i].atoms[j];
            bool joined = j > 0;
            for (uint32_t k = 0; k < 3 && joined; k++) {
                uint8_t before = p->axis[i].atoms[j - 1];
                bool either = contains(all[k], before) || contains(all[k], atom);
                joined = !either || follows(all[k], before, atom);
            }
            if (!joined) out->axis[out->rank++].n = 0;
            if (out->rank > TDAG_MAX_RANK) return;
            push(&out->axis[out->rank - 1], atom);
        }
}

static char letter_of(const plan *x, const plan *w, uint8_t atom)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < 2; k++) {
        const plan *p = k == 0 ? x : w;
        for (uint32_t i = 0; i < p->rank; i++) {
            uint8_t first = p->axis[i].atoms[0];
            if (k == 1 && contains(x, first)) continue;
            if (first == atom) return (char)(n < 26 ? 'a' + n : 'A' + (n - 26));
            n++;
        }
    }
    return '?';
}

static void write_equation(arrangement *a)
{
    char *at = a->c.equation;
    const plan *terms[3] = {&a->to[0], &a->to[1], &a->result};
    for (uint32_t k = 0; k < 3; k++) {
        for (uint32_t i = 0; i < terms[k]->rank; i++)
            *at++ = letter_of(&a->to[0], &a->to[1], terms[k]->axis[i].atoms[0]);
        if (k == 0) *at++ = ',';
        if (k == 1) *at++ = '-', *at++ = '>';
    }
    *at = '\0';
    a->c.spec.einsum.equation = a->c.equation;
}

static tdag_status arrange_einsum(tdagi_raiser *r, arrangement *a, tdagi_match **out)
{
    const tdagi_maps *m = r->maps;
    a->c.first = 0;
    a->c.up = 0;
    a->c.composite = TDAGI_EINSUM;
    if (!read_level(&m->up[0], 0, &a->target)) return TDAG_OK;
    for (uint32_t i = 0; i < 2; i++) {
        if (!pick_level(m, i, NULL, &a->c.level[i])) return TDAG_OK;
        if (!read_level(&m->down[i][a->c.level[i]], 0, &a->from[i])) return TDAG_OK;
    }
    uint64_t both = m->down[0][a->c.level[0]].mask | m->down[1][a->c.level[1]].mask;
    if ((both & m->loops) != m->loops) return TDAG_OK;
    const plan *all[3] = {&a->from[0], &a->from[1], &a->target};
    refine(&a->from[0], all, &a->to[0]);
    refine(&a->from[1], all, &a->to[1]);
    refine(&a->target, all, &a->result);
    if (a->to[0].rank > TDAG_MAX_RANK || a->to[1].rank > TDAG_MAX_RANK ||
        a->result.rank > TDAG_MAX_RANK)
        return TDAG_OK;
    write_equation(a);
    return accept(r, a, out);
}

tdag_status tdagi_arrange(tdagi_raiser *r, tdagi_match **out)
{
    arrangement a;
    memset(&a, 0, sizeof(a));
    TDAGI_TRY(tdagi_arrange_conv(r, out));
    if (*out == NULL) TDAGI_TRY(arrange_einsum(r, &a, out));
    return TDAG_OK;
}
