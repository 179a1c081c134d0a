/* Solving a dim for its symbols (which size an input's extent shows), and bounds. */
#include "base/dim/pool.h"

bool tdagi_dim_has_symbol(const tdagi_pool *pool, tdag_dim d, uint32_t symbol)
{
    if (d >= 0 || !tdagi_dim_is_valid(pool, d)) return false;
    const tdagi_entry *e = tdagi_pool_entry(pool, d);
    switch ((tdagi_dim_kind)e->kind) {
    case TDAGI_DIM_INTEGER:
        return false;
    case TDAGI_DIM_SYMBOL:
        return e->words[0] == (int64_t)symbol;
    case TDAGI_DIM_FLOOR:
    case TDAGI_DIM_MAX:
    case TDAGI_DIM_MIN:
        for (uint32_t i = 0; i < e->n_words; i++)
            if (tdagi_dim_has_symbol(pool, e->words[i], symbol)) return true;
        return false;
    case TDAGI_DIM_POLYNOMIAL:
        for (size_t i = 0; i < e->n_words; i += tdagi_term_size(e->words + i))
            for (int64_t k = 0; k < e->words[i + 1]; k++)
                if (tdagi_dim_has_symbol(pool, e->words[i + 2 + 2 * (size_t)k], symbol))
                    return true;
        return false;
    }
    return false;
}

/* d = factor * atom + offset of a single atom, factor >= 1. */
static bool single_atom(const tdagi_pool *pool, tdag_dim d, tdag_dim *atom_out,
                        int64_t *factor_out, int64_t *offset_out)
{
    if (d >= 0 || !tdagi_dim_is_valid(pool, d)) return false;
    tdagi_terms t;
    tdagi_terms_of(pool, d, &t);
    if (t.n == 0 || t.v[0] < 1 || t.v[1] != 1 || t.v[3] != 1) return false;
    size_t size = tdagi_term_size(t.v);
    if (t.n > size && (t.v[size + 1] != 0 || t.n > size + 2)) return false;
    *factor_out = t.v[0];
    *atom_out = t.v[2];
    *offset_out = t.n > size ? t.v[size] : 0;
    return true;
}

bool tdagi_dim_is_affine(const tdagi_pool *pool, tdag_dim d, uint32_t *symbol_out,
                         int64_t *factor_out, int64_t *offset_out)
{
    tdag_dim atom = d;
    int64_t factor = 1, offset = 0;
    bool is_atom = d < 0 && tdagi_dim_is_valid(pool, d) &&
                   tdagi_pool_entry(pool, d)->kind == TDAGI_DIM_SYMBOL;
    if ((!is_atom && !single_atom(pool, d, &atom, &factor, &offset)) ||
        tdagi_pool_entry(pool, atom)->kind != TDAGI_DIM_SYMBOL)
        return false;
    *symbol_out = (uint32_t)tdagi_pool_entry(pool, atom)->words[0];
    *factor_out = factor;
    *offset_out = offset;
    return true;
}

/* symbol := floor((value - offset) / factor). */
static bool solve_affine(const tdagi_pool *pool, tdag_dim d, tdagi_pool *to,
                         tdag_dim value, tdag_dim *replacements)
{
    uint32_t symbol;
    int64_t factor, offset;
    if (!tdagi_dim_is_affine(pool, d, &symbol, &factor, &offset)) return false;
    if (replacements[symbol] != TDAGI_DIM_BAD) return false;
    tdag_dim rest = tdagi_dim_sub(to, value, tdagi_dim_const(to, offset));
    replacements[symbol] = tdagi_dim_floordiv(to, rest, factor);
    return true;
}

/* d = floor(x / m) + offset: x := m * (value - offset), or m - 1 more. */
static bool solve_floor(const tdagi_pool *pool, tdag_dim d, tdagi_pool *to,
                        tdag_dim value, bool other, tdag_dim *replacements)
{
    tdag_dim atom;
    int64_t factor, offset;
    if (!single_atom(pool, d, &atom, &factor, &offset) || factor != 1) return false;
    const tdagi_entry *e = tdagi_pool_entry(pool, atom);
    if (e->kind != TDAGI_DIM_FLOOR || e->words[1] < 1) return false;
    tdag_dim x = e->words[0], m = e->words[1];
    tdag_dim rest = tdagi_dim_sub(to, value, tdagi_dim_const(to, offset));
    tdag_dim dividend = tdagi_dim_mul(to, rest, m);
    if (other) dividend = tdagi_dim_add(to, dividend, m - 1);
    return tdagi_dim_solve(pool, x, to, dividend, other, replacements);
}

/* d = factor * a * b ...: one symbol takes it all, the others are 1. */
static bool solve_product(const tdagi_pool *pool, tdag_dim d, tdagi_pool *to,
                          tdag_dim value, bool other, tdag_dim *replacements)
{
    tdagi_terms t;
    if (d >= 0 || !tdagi_dim_is_valid(pool, d)) return false;
    tdagi_terms_of(pool, d, &t);
    if (t.n == 0 || t.n != tdagi_term_size(t.v) || t.v[0] < 1 || t.v[1] < 2)
        return false;
    for (int64_t i = 0; i < t.v[1]; i++) {
        const tdagi_entry *e = tdagi_pool_entry(pool, t.v[2 + 2 * i]);
        if (e->kind != TDAGI_DIM_SYMBOL || t.v[3 + 2 * i] != 1 ||
            replacements[e->words[0]] != TDAGI_DIM_BAD)
            return false;
    }
    int64_t all = other ? t.v[1] - 1 : 0;
    for (int64_t i = 0; i < t.v[1]; i++) {
        int64_t symbol = tdagi_pool_entry(pool, t.v[2 + 2 * i])->words[0];
        replacements[symbol] = i == all ? tdagi_dim_floordiv(to, value, t.v[0]) : 1;
    }
    return true;
}

bool tdagi_dim_solve(const tdagi_pool *pool, tdag_dim d, tdagi_pool *to, tdag_dim value,
                     bool other, tdag_dim *replacements)
{
    return solve_affine(pool, d, to, value, replacements) ||
           solve_floor(pool, d, to, value, other, replacements) ||
           solve_product(pool, d, to, value, other, replacements);
}

/* ---- bounds ---- */

#define MOST_TRIALS 64

/* A difference that is looked at, and how much more of it may be. */
typedef struct bounding {
    tdagi_pool *pool;
    int trials;
} bounding;

static bool is_positive(bounding *b, tdag_dim d, int depth);

/* d, where factor * atom is a term of it, with factor * side instead. */
static tdag_dim with_side(tdagi_pool *pool, tdag_dim d, const int64_t *term,
                          tdag_dim side)
{
    const tdag_dim more = tdagi_dim_sub(pool, side, term[2]);
    return tdagi_dim_add(pool, d,
                         tdagi_dim_mul(pool, tdagi_dim_const(pool, term[0]), more));
}

/* By the sides of a max or min: all of them where the term is at least one of them,
 * any where it is at least each. */
static bool by_sides(bounding *b, tdag_dim d, const int64_t *term,
                     const tdagi_entry *atom, bool all, int depth)
{
    for (uint32_t i = 0; i < atom->n_words; i++)
        if (is_positive(b, with_side(b->pool, d, term, atom->words[i]), depth) != all)
            return !all;
    return all;
}

/* By factor * floor(a/m) >= factor/m * (a - (m-1)), and >= -floor(-factor*a/m). */
static bool by_floor(bounding *b, tdag_dim d, const int64_t *term,
                     const tdagi_entry *atom, int depth)
{
    tdagi_pool *pool = b->pool;
    const tdag_dim a = atom->words[0], m = atom->words[1], part = term[2];
    const int64_t factor = term[0];
    if (m < 1 || (factor > 0 && factor % m != 0)) return false;
    const tdag_dim rest = tdagi_dim_sub(
        pool, d, tdagi_dim_mul(pool, tdagi_dim_const(pool, factor), part));
    if (factor < 0) {
        const tdag_dim times = tdagi_dim_const(pool, -factor);
        const tdag_dim whole =
            tdagi_dim_floordiv(pool, tdagi_dim_mul(pool, times, a), m);
        return whole != part && is_positive(b, tdagi_dim_sub(pool, rest, whole), depth);
    }
    const tdag_dim least =
        tdagi_dim_mul(pool, factor / m, tdagi_dim_sub(pool, a, m - 1));
    return is_positive(b, tdagi_dim_add(pool, rest, least), depth);
}

/* The term of d that is the n-th of one atom; 0: there is none. */
static bool nth_atom(tdagi_pool *pool, tdag_dim d, uint32_t n, int64_t *term)
{
    tdagi_terms t;
    tdagi_terms_of(pool, d, &t);
    for (size_t i = 0; i < t.n; i += tdagi_term_size(t.v + i)) {
        if (t.v[i + 1] != 1 || t.v[i + 3] != 1 || n-- > 0) continue;
        term[0] = t.v[i];
        term[2] = t.v[i + 2];
        return true;
    }
    return false;
}

/* Whether d >= 0 is seen. What is as well the other way round is done first, and alone:
 * nothing is lost by it. */
static bool is_positive(bounding *b, tdag_dim d, int depth)
{
    int64_t term[3];
    if (d == TDAGI_DIM_BAD || tdagi_dim_proves_ge(b->pool, d, 0))
        return d != TDAGI_DIM_BAD;
    if (depth == 0 || d >= 0 || b->trials-- <= 0) return false;
    for (int all = 1; all >= 0; all--)
        for (uint32_t n = 0; nth_atom(b->pool, d, n, term); n++) {
            const tdagi_entry e = *tdagi_pool_entry(b->pool, term[2]);
            const bool is_sided = e.kind == TDAGI_DIM_MAX || e.kind == TDAGI_DIM_MIN;
            if (is_sided && ((e.kind == TDAGI_DIM_MAX) == (term[0] < 0)) == all) {
                const bool yes = by_sides(b, d, term, &e, all, depth - 1);
                if (all || yes) return yes;
            } else if (!all && e.kind == TDAGI_DIM_FLOOR &&
                       by_floor(b, d, term, &e, depth - 1))
                return true;
        }
    return false;
}

bool tdagi_dim_is_at_most(tdagi_pool *pool, tdag_dim d, tdag_dim bound)
{
    const tdag_status status = pool->status;
    const char *reason = pool->reason;
    bounding b = {pool, MOST_TRIALS};
    if (!tdagi_dim_is_valid(pool, d) || !tdagi_dim_is_valid(pool, bound)) return false;
    const bool is = tdagi_dim_proves_ge(pool, bound, d) ||
                    is_positive(&b, tdagi_dim_sub(pool, bound, d), 6);
    tdagi_pool_restore(pool, status, reason);
    return is || tdagi_cases_prove(pool, d, bound);
}
