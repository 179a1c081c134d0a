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

static bool at_most(tdagi_pool *pool, tdag_dim d, tdag_dim bound, int depth);

/* factor * atom + offset <= bound, by something that the atom is at most. */
static bool atom_at_most(tdagi_pool *pool, const tdagi_entry *atom, int64_t factor,
                         int64_t offset, tdag_dim bound, int depth)
{
    tdag_dim f = tdagi_dim_const(pool, factor), o = tdagi_dim_const(pool, offset);
    if (atom->kind == TDAGI_DIM_FLOOR && atom->words[1] >= 1) {
        /* factor * floor(a/m) <= floor(factor*a/m) */
        tdag_dim a = tdagi_dim_mul(pool, f, atom->words[0]);
        tdag_dim whole = tdagi_dim_floordiv(pool, a, atom->words[1]);
        return at_most(pool, tdagi_dim_add(pool, whole, o), bound, depth - 1);
    }
    const bool is_max = atom->kind == TDAGI_DIM_MAX; /* both are at most it */
    if (!is_max && atom->kind != TDAGI_DIM_MIN) return false;
    for (uint32_t i = 0; i < atom->n_words; i++) {
        tdag_dim side = tdagi_dim_mul(pool, f, atom->words[i]);
        if (at_most(pool, tdagi_dim_add(pool, side, o), bound, depth - 1) != is_max)
            return !is_max;
    }
    return is_max;
}

/* d <= factor * atom + offset, by something that the atom is at least. */
static bool at_most_atom(tdagi_pool *pool, tdag_dim d, const tdagi_entry *atom,
                         int64_t factor, int64_t offset, int depth)
{
    tdag_dim o = tdagi_dim_const(pool, offset);
    if (atom->kind == TDAGI_DIM_FLOOR && atom->words[1] >= 1 &&
        factor % atom->words[1] == 0) {
        /* m * floor(a/m) >= a - (m-1) */
        tdag_dim least = tdagi_dim_sub(pool, atom->words[0], atom->words[1] - 1);
        tdag_dim times = tdagi_dim_const(pool, factor / atom->words[1]);
        least = tdagi_dim_add(pool, tdagi_dim_mul(pool, times, least), o);
        return at_most(pool, d, least, depth - 1);
    }
    if (atom->kind != TDAGI_DIM_MAX) return false;
    tdag_dim f = tdagi_dim_const(pool, factor);
    for (uint32_t i = 0; i < atom->n_words; i++) {
        tdag_dim side = tdagi_dim_mul(pool, f, atom->words[i]);
        if (at_most(pool, d, tdagi_dim_add(pool, side, o), depth - 1)) return true;
    }
    return false;
}

static bool at_most(tdagi_pool *pool, tdag_dim d, tdag_dim bound, int depth)
{
    if (d == bound || tdagi_dim_proves_ge(pool, bound, d)) return true;
    tdag_dim atom;
    int64_t factor, offset;
    if (depth == 0) return false;
    if (single_atom(pool, d, &atom, &factor, &offset)) {
        const tdagi_entry e = *tdagi_pool_entry(pool, atom); /* the pool may grow */
        if (atom_at_most(pool, &e, factor, offset, bound, depth)) return true;
    }
    if (!single_atom(pool, bound, &atom, &factor, &offset)) return false;
    const tdagi_entry e = *tdagi_pool_entry(pool, atom);
    return at_most_atom(pool, d, &e, factor, offset, depth);
}

bool tdagi_dim_is_at_most(tdagi_pool *pool, tdag_dim d, tdag_dim bound)
{
    return tdagi_dim_is_valid(pool, d) && tdagi_dim_is_valid(pool, bound) &&
           (at_most(pool, d, bound, 4) || tdagi_cases_prove(pool, d, bound));
}
