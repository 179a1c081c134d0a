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

static uint8_t new_atom(tdagi_space *s, int64_t extent)
{
    if (s->n == TDAGI_MOST_ATOMS) {
        s->bad = true;
        return 0;
    }
    s->extent[s->n] = extent;
    s->split[s->n] = false;
    return (uint8_t)s->n++;
}

tdagi_expr tdagi_atom(tdagi_space *s, int64_t extent)
{
    tdagi_expr e = {0};
    if (extent == 1) return e;
    if (extent < 1) s->bad = true;
    e.n = 1;
    e.atom[0] = new_atom(s, extent);
    e.k[0] = 1;
    return e;
}

static void drop_term(tdagi_expr *e, uint32_t i)
{
    e->n--;
    e->k[i] = e->k[e->n];
    e->atom[i] = e->atom[e->n];
}

static void add_term(tdagi_space *s, tdagi_expr *e, uint8_t atom, int64_t k)
{
    for (uint32_t i = 0; i < e->n; i++) {
        if (e->atom[i] != atom) continue;
        e->k[i] = plus(s, e->k[i], k);
        if (e->k[i] == 0) drop_term(e, i);
        return;
    }
    if (k == 0) return;
    if (e->n == TDAGI_MOST_TERMS) {
        s->bad = true;
        return;
    }
    e->atom[e->n] = atom;
    e->k[e->n] = k;
    e->n++;
}

tdagi_expr tdagi_expr_add(tdagi_space *s, const tdagi_expr *a, const tdagi_expr *b,
                          int64_t m)
{
    tdagi_expr e = *a;
    e.c = plus(s, e.c, mul(s, b->c, m));
    for (uint32_t i = 0; i < b->n; i++)
        add_term(s, &e, b->atom[i], mul(s, b->k[i], m));
    return e;
}

tdagi_expr tdagi_resolve(tdagi_space *s, const tdagi_expr *e)
{
    tdagi_expr now = *e;
    for (uint32_t round = 0; round < TDAGI_MOST_ATOMS && !s->bad; round++) {
        uint32_t i = 0;
        while (i < now.n && !s->split[now.atom[i]])
            i++;
        if (i == now.n) return now;
        uint32_t atom = now.atom[i];
        int64_t k = now.k[i];
        drop_term(&now, i);
        now = tdagi_expr_add(s, &now, &s->subst[atom], k);
    }
    return now;
}

bool tdagi_expr_equal(const tdagi_expr *a, const tdagi_expr *b)
{
    if (a->c != b->c || a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (tdagi_expr_factor(b, a->atom[i]) != a->k[i]) return false;
    return true;
}

uint64_t tdagi_expr_mask(const tdagi_expr *e)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < e->n; i++)
        mask |= (uint64_t)1 << e->atom[i];
    return mask;
}

int64_t tdagi_expr_factor(const tdagi_expr *e, uint32_t atom)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (e->atom[i] == atom) return e->k[i];
    return 0;
}

void tdagi_expr_bounds(tdagi_space *s, const tdagi_expr *e, int64_t *lo, int64_t *hi)
{
    *lo = *hi = e->c;
    for (uint32_t i = 0; i < e->n; i++) {
        int64_t most = mul(s, e->k[i], s->extent[e->atom[i]] - 1);
        if (most < 0)
            *lo = plus(s, *lo, most);
        else
            *hi = plus(s, *hi, most);
    }
}

/* atom = inner*outer + rest */
static void split(tdagi_space *s, uint32_t atom, int64_t inner)
{
    uint8_t outer = new_atom(s, s->extent[atom] / inner);
    uint8_t rest = new_atom(s, inner);
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
        int64_t k = rest->k[i], n = s->extent[rest->atom[i]];
        if (k <= 0 || b % k != 0) continue;
        int64_t inner = b / k;
        if (n <= inner || n % inner != 0) continue;
        split(s, rest->atom[i], inner);
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
            if (now.k[i] % b == 0)
                add_term(s, q, now.atom[i], now.k[i] / b);
            else
                add_term(s, r, now.atom[i], now.k[i]);
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

static void pull_affine(const tdagi_raiser *r, tdagi_space *s, const tdagi_piece *p,
                        const tdagi_expr *index, tdagi_expr *out)
{
    if (p->n_out == 0 || p->stride == 0)
        *out = (tdagi_expr){0};
    else if (p->stride == 1)
        *out = index[p->out];
    else
        *out = tdagi_expr_add(s, &(tdagi_expr){0}, &index[p->out], p->stride);
    if (p->start != 0) out->c = plus(s, out->c, tdagi_raiser_dim(r, p->start));
}

static bool pull_windows(tdagi_space *s, const tdagi_piece *p, const tdagi_expr *index,
                         tdagi_expr *out)
{
    tdagi_expr window, tap;
    *out = index[p->out];
    if (p->kernel == p->stride) return true;
    if (!tdagi_expr_divide(s, &index[p->out], p->kernel, &window, &tap)) return false;
    *out = tdagi_expr_add(s, &tap, &window, p->stride);
    return true;
}

/* The guard of an axis that is padded; out is its index. */
static bool guard_pad(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                      const tdagi_piece *p, tdagi_expr *out, tdagi_guards *guards)
{
    const tdag_pad_spec *spec = tdagi_raiser_node(r, v)->u.spec;
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_raiser_input(r, v, 0));
    int64_t before = tdagi_raiser_dim(r, p->before),
            after = tdagi_raiser_dim(r, p->after);
    if (before == 0 && after == 0) return true;
    out->c = plus(s, out->c, -before);
    if (guards->n == TDAGI_MOST_GUARDS) return false;
    guards->g[guards->n++] = (tdagi_guard){.e = *out,
                                           .size = tdagi_raiser_dim(r, x->shape[p->in]),
                                           .value = spec->value,
                                           .pad = v,
                                           .axis = p->in};
    return true;
}

static void index_map(const tdagi_node *n, const tdagi_node *x, tdagi_index_map *map)
{
    tdagi_op_index(n->op, &(tdagi_index_call){n->u.spec, x->rank, n->rank}, map);
}

bool tdagi_pull(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                const tdagi_expr *index, tdagi_expr *out, tdagi_guards *guards)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_node_inputs(n)[0]);
    tdagi_index_map map;
    index_map(n, x, &map);
    if (map.pad != NULL && (map.pad->mode != TDAG_PAD_CONSTANT || guards == NULL))
        return false;
    for (uint32_t i = 0; i < map.n; i++) {
        const tdagi_piece *p = &map.pieces[i];
        bool ok = true;
        if (p->kind == TDAGI_PIECE_WINDOWS)
            ok = pull_windows(s, p, index, &out[p->in]);
        else if (p->kind == TDAGI_PIECE_AFFINE && p->n_in == 1)
            pull_affine(r, s, p, index, &out[p->in]);
        else if (p->kind == TDAGI_PIECE_DIGITS && p->n_out == 1)
            ok = spread(r, s, &index[p->out], x->shape + p->in, p->n_in, out + p->in);
        else if (p->kind == TDAGI_PIECE_DIGITS)
            out[p->in] = combine(r, s, index + p->out, n->shape + p->out, p->n_out);
        if (ok && map.pad != NULL) ok = guard_pad(r, s, v, p, &out[p->in], guards);
        if (!ok) return false;
    }
    return true;
}

bool tdagi_push(const tdagi_raiser *r, tdagi_space *s, tdag_value v,
                const tdagi_expr *index, tdagi_expr *out)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_node_inputs(n)[0]);
    tdagi_index_map map;
    if (!tdagi_node_def(n)->rearranges) return false;
    index_map(n, x, &map);
    for (uint32_t i = 0; i < map.n; i++) {
        const tdagi_piece *p = &map.pieces[i];
        if (p->kind == TDAGI_PIECE_AFFINE && p->n_out == 1)
            out[p->out] = p->n_in == 1 ? index[p->in] : (tdagi_expr){0};
        else if (p->kind == TDAGI_PIECE_DIGITS && p->n_out == 1)
            out[p->out] = combine(r, s, index + p->in, x->shape + p->in, p->n_in);
        else if (p->kind == TDAGI_PIECE_DIGITS &&
                 !spread(r, s, &index[p->in], n->shape + p->out, p->n_out,
                         out + p->out))
            return false;
    }
    return true;
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
        while (i < e->n && (e->k[i] != inner || !(left & (uint64_t)1 << e->atom[i])))
            i++;
        if (i == e->n) return;
        reversed[axis->n++] = e->atom[i];
        left &= ~((uint64_t)1 << e->atom[i]);
        inner *= s->extent[e->atom[i]];
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
