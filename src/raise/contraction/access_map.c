/* See access_map.h: expressions, and what each movement op does to them. */
#include "raise/contraction/access_map.h"

#include <string.h>

/* ---- expressions ---- */

static int64_t mul(tdagi_space *s, int64_t a, int64_t b)
{
    int64_t x;
    if (__builtin_mul_overflow(a, b, &x)) {
        s->bad = true;
        return 0;
    }
    return x;
}

static int64_t plus(tdagi_space *s, int64_t a, int64_t b)
{
    int64_t x;
    if (__builtin_add_overflow(a, b, &x)) {
        s->bad = true;
        return 0;
    }
    return x;
}

static uint32_t new_atom(tdagi_space *s, int64_t extent)
{
    if (s->n == TDAGI_MOST_ATOMS) {
        s->bad = true;
        return 0;
    }
    s->extent[s->n] = extent;
    s->split[s->n] = false;
    return s->n++;
}

tdagi_expr tdagi_atom(tdagi_space *s, int64_t extent)
{
    tdagi_expr e = {0};
    if (extent == 1) return e;
    if (extent < 1) s->bad = true;
    e.n = 1;
    e.t[0].atom = new_atom(s, extent);
    e.t[0].k = 1;
    return e;
}

static void add_term(tdagi_space *s, tdagi_expr *e, uint32_t atom, int64_t k)
{
    for (uint32_t i = 0; i < e->n; i++) {
        if (e->t[i].atom != atom) continue;
        e->t[i].k = plus(s, e->t[i].k, k);
        if (e->t[i].k == 0) e->t[i] = e->t[--e->n];
        return;
    }
    if (k == 0) return;
    if (e->n == TDAGI_MOST_TERMS) {
        s->bad = true;
        return;
    }
    e->t[e->n].atom = atom;
    e->t[e->n].k = k;
    e->n++;
}

tdagi_expr tdagi_expr_add(tdagi_space *s, const tdagi_expr *a, const tdagi_expr *b,
                          int64_t m)
{
    tdagi_expr e = *a;
    e.c = plus(s, e.c, mul(s, b->c, m));
    for (uint32_t i = 0; i < b->n; i++)
        add_term(s, &e, b->t[i].atom, mul(s, b->t[i].k, m));
    return e;
}

tdagi_expr tdagi_resolve(tdagi_space *s, const tdagi_expr *e)
{
    tdagi_expr now = *e;
    for (uint32_t round = 0; round < TDAGI_MOST_ATOMS && !s->bad; round++) {
        uint32_t i = 0;
        while (i < now.n && !s->split[now.t[i].atom])
            i++;
        if (i == now.n) return now;
        uint32_t atom = now.t[i].atom;
        int64_t k = now.t[i].k;
        now.t[i] = now.t[--now.n];
        now = tdagi_expr_add(s, &now, &s->subst[atom], k);
    }
    return now;
}

bool tdagi_expr_equal(const tdagi_expr *a, const tdagi_expr *b)
{
    if (a->c != b->c || a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (tdagi_expr_factor(b, a->t[i].atom) != a->t[i].k) return false;
    return true;
}

uint64_t tdagi_expr_mask(const tdagi_expr *e)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < e->n; i++)
        mask |= (uint64_t)1 << e->t[i].atom;
    return mask;
}

int64_t tdagi_expr_factor(const tdagi_expr *e, uint32_t atom)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->t[i].atom == atom) return e->t[i].k;
    return 0;
}

void tdagi_expr_bounds(tdagi_space *s, const tdagi_expr *e, int64_t *lo, int64_t *hi)
{
    *lo = *hi = e->c;
    for (uint32_t i = 0; i < e->n; i++) {
        int64_t most = mul(s, e->t[i].k, s->extent[e->t[i].atom] - 1);
        if (most < 0)
            *lo = plus(s, *lo, most);
        else
            *hi = plus(s, *hi, most);
    }
}

/* atom = inner*outer + rest */
static void split(tdagi_space *s, uint32_t atom, int64_t inner)
{
    uint32_t outer = new_atom(s, s->extent[atom] / inner);
    uint32_t rest = new_atom(s, inner);
    if (s->bad) return;
    tdagi_expr e = {0};
    add_term(s, &e, outer, inner);
    add_term(s, &e, rest, 1);
    s->subst[atom] = e;
    s->split[atom] = true;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static bool split_for(tdagi_space *s, const tdagi_expr *rest, int64_t b)
{
    for (uint32_t i = 0; i < rest->n; i++) {
        int64_t k = rest->t[i].k, n = s->extent[rest->t[i].atom];
        if (k <= 0 || b % k != 0) continue;
        int64_t inner = b / k;
        if (n <= inner || n % inner != 0) continue;
        split(s, rest->t[i].atom, inner);
        return !s->bad;
    }
    return false;
}

bool tdagi_expr_divide(tdagi_space *s, const tdagi_expr *e, int64_t b, tdagi_expr *q,
                       tdagi_expr *r)
{
    if (b < 1) return false;
    while (!s->bad) {
        tdagi_expr now = tdagi_resolve(s, e);
        *q = (tdagi_expr){.c = floor_div(now.c, b)};
        *r = (tdagi_expr){.c = now.c - q->c * b};
        for (uint32_t i = 0; i < now.n; i++) {
            if (now.t[i].k % b == 0)
                add_term(s, q, now.t[i].atom, now.t[i].k / b);
            else
                add_term(s, r, now.t[i].atom, now.t[i].k);
        }
        int64_t lo, hi;
        tdagi_expr_bounds(s, r, &lo, &hi);
        if (lo >= 0 && hi < b) return !s->bad;
        if (!split_for(s, r, b)) return false;
    }
    return false;
}

/* ---- movement ---- */

/* Divides e by the dims of a run, the last axis first; parts[0] is what remains. */
static bool spread(const tdagi_raiser *r, tdagi_space *s, const tdagi_expr *e,
                   const tdag_dim *dims, uint32_t n, tdagi_expr *parts)
{
    tdagi_expr rest = *e;
    for (uint32_t i = n - 1; i > 0; i--) {
        tdagi_expr q;
        if (!tdagi_expr_divide(s, &rest, tdagi_raiser_dim(r, dims[i]), &q, &parts[i]))
            return false;
        rest = q;
    }
    parts[0] = rest;
    return true;
}

/* The row-major number of a run of axes. */
static tdagi_expr combine(const tdagi_raiser *r, tdagi_space *s,
                          const tdagi_expr *parts, const tdag_dim *dims, uint32_t n)
{
    tdagi_expr e = {0};
    for (uint32_t i = 0; i < n; i++)
        e = tdagi_expr_add(s, &parts[i], &e, tdagi_raiser_dim(r, dims[i]));
    return e;
}

/* From per-run expressions to per-axis ones: down through group, up through ungroup. */
static bool spread_runs(const tdagi_raiser *r, tdagi_space *s, tdag_list runs,
                        const tdag_dim *dims, const tdagi_expr *in, tdagi_expr *out)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < runs.n; i++) {
        uint32_t n = (uint32_t)runs.v[i];
        if (!spread(r, s, &in[i], dims + at, n, out + at)) return false;
        at += n;
    }
    return true;
}

static void combine_runs(const tdagi_raiser *r, tdagi_space *s, tdag_list runs,
                         const tdag_dim *dims, const tdagi_expr *in, tdagi_expr *out)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < runs.n; i++) {
        uint32_t n = (uint32_t)runs.v[i];
        out[i] = combine(r, s, in + at, dims + at, n);
        at += n;
    }
}

static bool has(tdag_list axes, uint32_t axis)
{
    for (uint32_t i = 0; i < axes.n; i++)
        if (axes.v[i] == (int64_t)axis) return true;
    return false;
}

/* Takes the listed axes out of in[0..rank). */
static void drop_axes(tdag_list axes, const tdagi_expr *in, uint32_t rank,
                      tdagi_expr *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rank; i++)
        if (!has(axes, i)) out[n++] = in[i];
}

/* Inserts zeroes so that out[0..rank) has them at the listed axes. */
static void insert_axes(tdag_list axes, const tdagi_expr *in, uint32_t rank,
                        tdagi_expr *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rank; i++)
        out[i] = has(axes, i) ? (tdagi_expr){0} : in[n++];
}

static bool pull_pad(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                     const tdagi_expr *index, tdagi_expr *out, tdagi_guards *guards)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_node_inputs(n)[0]);
    const tdag_pad_spec *spec = n->u.spec;
    if (spec->mode != TDAG_PAD_CONSTANT || guards == NULL) return false;
    for (uint32_t i = 0; i < n->rank; i++) {
        int64_t before = tdagi_raiser_dim(r, spec->before.v[i]),
                after = tdagi_raiser_dim(r, spec->after.v[i]);
        out[i] = index[i];
        if (before == 0 && after == 0) continue;
        out[i].c = plus(s, out[i].c, -before);
        if (guards->n == TDAGI_MOST_GUARDS) return false;
        guards->g[guards->n++] = (tdagi_guard){.e = out[i],
                                               .size = tdagi_raiser_dim(r, x->shape[i]),
                                               .value = spec->value,
                                               .pad = v,
                                               .axis = i};
    }
    return true;
}

static bool pull_unfold(tdagi_space *s, const tdag_window_spec *spec,
                        const tdagi_expr *index, tdagi_expr *out)
{
    for (uint32_t i = 0; i < spec->kernel.n; i++) {
        int64_t k = spec->kernel.v[i], stride = spec->stride.v[i];
        out[i] = index[i];
        if (k == stride) continue;
        tdagi_expr window, tap;
        if (!tdagi_expr_divide(s, &index[i], k, &window, &tap)) return false;
        out[i] = tdagi_expr_add(s, &tap, &window, stride);
    }
    return true;
}

bool tdagi_pull(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                const tdagi_expr *index, tdagi_expr *out, tdagi_guards *guards)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_node_inputs(n)[0]);
    const void *spec = n->u.spec;
    const tdag_permute_spec *permute = spec;
    const tdag_group_spec *group = spec;
    const tdag_ungroup_spec *ungroup = spec;
    const tdag_axes_spec *axes = spec;
    const tdag_slice_spec *slice = spec;
    const tdag_select_spec *select = spec;
    const tdag_repeat_spec *repeat = spec;
    uint32_t rank = n->rank;
    switch (n->op) {
    case TDAG_OP_PERMUTE:
        for (uint32_t i = 0; i < rank; i++)
            out[permute->order.v[i]] = index[i];
        return true;
    case TDAG_OP_GROUP:
        return spread_runs(r, s, group->runs, x->shape, index, out);
    case TDAG_OP_UNGROUP:
        combine_runs(r, s, ungroup->counts, n->shape, index, out);
        return true;
    case TDAG_OP_SQUEEZE:
        insert_axes(axes->axes, index, x->rank, out);
        return true;
    case TDAG_OP_UNSQUEEZE:
        drop_axes(axes->axes, index, rank, out);
        return true;
    case TDAG_OP_SLICE:
        for (uint32_t i = 0; i < rank; i++) {
            out[i] = index[i];
            out[i].c = plus(s, out[i].c, tdagi_raiser_dim(r, slice->start.v[i]));
        }
        return true;
    case TDAG_OP_SELECT:
        memcpy(out, index, rank * sizeof(*out));
        out[select->axis] = (tdagi_expr){.c = tdagi_raiser_dim(r, select->index)};
        return true;
    case TDAG_OP_REPEAT:
        for (uint32_t i = 0; i < rank; i++)
            out[i] = repeat->counts.v[i] == 1 ? index[i] : (tdagi_expr){0};
        return true;
    case TDAG_OP_PAD:
        return pull_pad(r, s, v, index, out, guards);
    case TDAG_OP_UNFOLD:
        return pull_unfold(s, spec, index, out);
    default:
        return false;
    }
}

bool tdagi_push(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                const tdagi_expr *index, tdagi_expr *out)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_node_inputs(n)[0]);
    const void *spec = n->u.spec;
    const tdag_permute_spec *permute = spec;
    const tdag_group_spec *group = spec;
    const tdag_ungroup_spec *ungroup = spec;
    const tdag_axes_spec *axes = spec;
    switch (n->op) {
    case TDAG_OP_PERMUTE:
        for (uint32_t i = 0; i < n->rank; i++)
            out[i] = index[permute->order.v[i]];
        return true;
    case TDAG_OP_GROUP:
        combine_runs(r, s, group->runs, x->shape, index, out);
        return true;
    case TDAG_OP_UNGROUP:
        return spread_runs(r, s, ungroup->counts, n->shape, index, out);
    case TDAG_OP_SQUEEZE:
        drop_axes(axes->axes, index, x->rank, out);
        return true;
    case TDAG_OP_UNSQUEEZE:
        insert_axes(axes->axes, index, n->rank, out);
        return true;
    default:
        return false;
    }
}

/* ---- levels ---- */

uint32_t tdagi_trace(const tdagi_raiser *r, tdagi_space *s, tdag_value from,
                     tdagi_level *levels, tdagi_guards *guards)
{
    uint32_t n = 1;
    levels[0].value = from;
    levels[0].n_guards = guards->n;
    levels[0].rank = tdagi_raiser_node(r, from)->rank;
    while (n < TDAGI_MOST_LEVELS) {
        tdag_value v = levels[n - 1].value;
        const tdagi_node *node = tdagi_raiser_node(r, v);
        if (!tdagi_op_is_movement(node->op)) break;
        uint32_t n_guards = guards->n;
        if (!tdagi_pull(r, s, v, levels[n - 1].index, levels[n].index, guards)) {
            guards->n = n_guards;
            break;
        }
        levels[n].value = tdagi_node_inputs(node)[0];
        levels[n].rank = tdagi_raiser_node(r, levels[n].value)->rank;
        levels[n].n_guards = guards->n;
        n++;
    }
    return n;
}

/* Orders the terms by falling coefficient and sees whether they tile the axis. */
static void settle_axis(const tdagi_space *s, const tdagi_expr *e, int64_t dim,
                        tdagi_axis *axis)
{
    *axis = (tdagi_axis){.mask = tdagi_expr_mask(e), .dim = dim};
    int64_t inner = 1;
    uint64_t left = axis->mask;
    uint8_t reversed[TDAGI_MOST_TERMS];
    while (left != 0) {
        uint32_t i = 0;
        while (i < e->n &&
               (e->t[i].k != inner || !(left & (uint64_t)1 << e->t[i].atom)))
            i++;
        if (i == e->n) return;
        reversed[axis->n++] = (uint8_t)e->t[i].atom;
        left &= ~((uint64_t)1 << e->t[i].atom);
        inner *= s->extent[e->t[i].atom];
    }
    for (uint32_t i = 0; i < axis->n; i++)
        axis->atoms[i] = reversed[axis->n - 1 - i];
    axis->dense = e->c == 0 && inner == dim;
}

void tdagi_level_settle(const tdagi_raiser *r, tdagi_space *s, tdagi_level *level)
{
    const tdagi_node *n = tdagi_raiser_node(r, level->value);
    level->mask = 0;
    for (uint32_t i = 0; i < level->rank; i++) {
        level->index[i] = tdagi_resolve(s, &level->index[i]);
        settle_axis(s, &level->index[i], tdagi_raiser_dim(r, n->shape[i]),
                    &level->axis[i]);
        level->mask |= level->axis[i].mask;
    }
}

bool tdagi_guard_holds(tdagi_space *s, tdagi_guard *guard)
{
    int64_t lo, hi;
    guard->e = tdagi_resolve(s, &guard->e);
    tdagi_expr_bounds(s, &guard->e, &lo, &hi);
    return lo >= 0 && hi < guard->size;
}
