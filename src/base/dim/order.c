/* Which of two dims is larger: max and min, and proofs.
 *
 * In max and min, a side goes when another one is seen from signs alone to be at least
 * as large: the difference has positive coefficients and non-negative atoms. That
 * relation is transitive, so the sides that stay do not depend on the order of the
 * calls.
 *
 * tdagi_dim_proves_ge() may use more, as nothing normal depends on it: it writes every
 * atom as its lower bound plus a rest >= 0, and looks at the signs then. */
#include "base/dim/pool.h"

#define MAX_PROOF_TERMS 64 /* a longer difference is not looked at */

void tdagi_pool_restore(tdagi_pool *pool, tdag_status status, const char *reason)
{
    if (pool->status == TDAG_E_NOMEM) return;
    pool->status = status;
    pool->reason = reason;
}

bool tdagi_signs_prove(tdagi_pool *pool, const tdagi_terms *a, int64_t scale,
                       const tdagi_terms *b, int64_t integer)
{
    const int64_t scale_term[2] = {scale, 0}, one[2] = {1, 0}, number[2] = {integer, 0};
    const tdagi_terms constant = {.v = number, .n = integer == 0 ? 0 : 2};
    tdag_status status = pool->status;
    const char *reason = pool->reason;
    tdagi_words sum = {0}, shifted = {0};
    tdagi_terms ts;
    bool yes = tdagi_terms_add_scaled(pool, &sum, a, scale_term, b);
    tdagi_terms_view(&sum, &ts);
    yes = yes && tdagi_terms_add_scaled(pool, &shifted, &ts, one, &constant);
    tdagi_terms_view(&shifted, &ts);
    yes = yes && tdagi_terms_non_negative(pool, &ts);
    tdagi_words_free(pool, &sum);
    tdagi_words_free(pool, &shifted);
    tdagi_pool_restore(pool, status, reason);
    return yes;
}

/* ---- max and min ---- */

/* Whether x makes y superfluous as a side. */
static bool dominates(tdagi_pool *pool, tdagi_dim_kind kind, tdag_dim x, tdag_dim y)
{
    int64_t vx, vy;
    bool is_max = kind == TDAGI_DIM_MAX;
    if (tdagi_dim_is_const(pool, x, &vx) && tdagi_dim_is_const(pool, y, &vy))
        return is_max ? vx >= vy : vx <= vy;
    tdagi_terms tx, ty;
    tdagi_terms_of(pool, x, &tx);
    tdagi_terms_of(pool, y, &ty);
    return is_max ? tdagi_signs_prove(pool, &tx, -1, &ty, 0)
                  : tdagi_signs_prove(pool, &ty, -1, &tx, 0);
}

/* Puts a side into the sorted sides, unless one of them makes it superfluous; removes
 * those which it does. */
static bool add_side(tdagi_pool *pool, tdagi_dim_kind kind, tdagi_words *sides,
                     tdag_dim d)
{
    size_t kept = 0;
    for (size_t i = 0; i < sides->n; i++)
        if (sides->v[i] == d || dominates(pool, kind, sides->v[i], d)) return true;
    for (size_t i = 0; i < sides->n; i++)
        if (!dominates(pool, kind, d, sides->v[i])) sides->v[kept++] = sides->v[i];
    sides->n = kept;
    if (kept >= TDAGI_DIM_MAX_TERMS) {
        tdagi_pool_fail(pool, TDAG_E_LIMIT, "a max or min of more than 1024 dims");
        return false;
    }
    if (!tdagi_words_push(pool, sides, &d, 1)) return false;
    for (size_t i = kept; i > 0; i--) {
        if (tdagi_dims_compare(pool, sides->v[i - 1], d) < 0) break;
        sides->v[i] = sides->v[i - 1];
        sides->v[i - 1] = d;
    }
    return true;
}

static bool add_sides(tdagi_pool *pool, tdagi_dim_kind kind, tdagi_words *sides,
                      tdag_dim d)
{
    if (d >= 0 || tdagi_pool_entry(pool, d)->kind != (uint8_t)kind)
        return add_side(pool, kind, sides, d);
    const int64_t *words = tdagi_pool_entry(pool, d)->words;
    uint32_t n = tdagi_pool_entry(pool, d)->n_words;
    for (uint32_t i = 0; i < n; i++)
        if (!add_side(pool, kind, sides, words[i])) return false;
    return true;
}

tdag_dim tdagi_extremum(tdagi_pool *pool, tdagi_dim_kind kind, tdag_dim a, tdag_dim b)
{
    if (a == b) return a;
    tdagi_words sides = {0};
    tdag_dim d = TDAGI_DIM_BAD;
    bool ok = add_sides(pool, kind, &sides, a) && add_sides(pool, kind, &sides, b);
    if (ok && pool->status != TDAG_E_NOMEM)
        d = sides.n == 1 ? sides.v[0] : tdagi_pool_intern(pool, kind, sides.v, sides.n);
    tdagi_words_free(pool, &sides);
    return d;
}

/* ---- lower bounds and proofs, for symbols >= 1 ---- */

static int64_t low_of(tdagi_pool *pool, tdag_dim d);

/* out = t with every atom x replaced by low(x) + x; false where a bound is unknown. */
static bool shift_atoms(tdagi_pool *pool, const tdagi_terms *t, tdagi_words *out)
{
    tdagi_words term = {0}, next = {0};
    const int64_t one[2] = {1, 0};
    bool ok = true;
    out->n = 0;
    for (size_t i = 0; ok && i < t->n; i += tdagi_term_size(t->v + i)) {
        const int64_t coefficient[2] = {t->v[i], 0};
        term.n = 0;
        ok = tdagi_words_push(pool, &term, coefficient, 2);
        for (int64_t k = 0; ok && k < t->v[i + 1]; k++) {
            const int64_t *factor = t->v + i + 2 + 2 * k;
            int64_t low = low_of(pool, factor[0]);
            ok = low != INT64_MIN;
            const int64_t words[6] = {1, 1, factor[0], 1, low, 0};
            const tdagi_terms shifted = {.v = words, .n = low == 0 ? 4 : 6};
            for (int64_t p = 0; ok && p < factor[1]; p++) {
                tdagi_terms so_far;
                tdagi_terms_view(&term, &so_far);
                ok = tdagi_terms_multiply(pool, &next, &so_far, &shifted);
                tdagi_words swapped = term;
                term = next;
                next = swapped;
            }
        }
        tdagi_terms sum, addend;
        tdagi_terms_view(out, &sum);
        tdagi_terms_view(&term, &addend);
        ok = ok && tdagi_terms_add_scaled(pool, &next, &sum, one, &addend);
        tdagi_words swapped = *out;
        *out = next;
        next = swapped;
    }
    tdagi_words_free(pool, &term);
    tdagi_words_free(pool, &next);
    return ok;
}

/* A lower bound of a polynomial, or INT64_MIN. */
static int64_t low_of_terms(tdagi_pool *pool, const tdagi_terms *t)
{
    size_t n_terms = 0;
    for (size_t i = 0; i < t->n; i += tdagi_term_size(t->v + i))
        n_terms++;
    if (n_terms > MAX_PROOF_TERMS) return INT64_MIN;
    tdagi_words shifted = {0};
    int64_t low = 0;
    if (!shift_atoms(pool, t, &shifted)) low = INT64_MIN;
    for (size_t i = 0; low != INT64_MIN && i < shifted.n;
         i += tdagi_term_size(shifted.v + i)) {
        if (shifted.v[i + 1] == 0)
            low = shifted.v[i];
        else if (shifted.v[i] < 0)
            low = INT64_MIN;
    }
    tdagi_words_free(pool, &shifted);
    return low;
}

static int64_t low_of_dim(tdagi_pool *pool, tdag_dim d)
{
    tdagi_terms t;
    tdagi_terms_of(pool, d, &t);
    return low_of_terms(pool, &t);
}

static int64_t low_of_floor(tdagi_pool *pool, const int64_t *words)
{
    int64_t low = low_of_dim(pool, words[0]), quotient;
    if (low == INT64_MIN) return low;
    if (words[1] > 0)
        return tdagi_floor_divide(low, words[1], &quotient) ? quotient : INT64_MIN;
    return low >= 0 && low_of_dim(pool, words[1]) >= 1 ? 0 : INT64_MIN;
}

static int64_t compute_low(tdagi_pool *pool, const tdagi_entry *e)
{
    if (e->kind == TDAGI_DIM_SYMBOL) return 1;
    if (e->kind == TDAGI_DIM_FLOOR) return low_of_floor(pool, e->words);
    bool is_max = e->kind == TDAGI_DIM_MAX;
    int64_t low = is_max ? INT64_MIN : INT64_MAX;
    for (uint32_t i = 0; i < e->n_words; i++) {
        int64_t side = low_of_dim(pool, e->words[i]);
        if (is_max ? side > low : side < low) low = side;
    }
    return low;
}

/* The lower bound of an atom, computed once. Its recursion is as deep as the atom. */
static int64_t low_of(tdagi_pool *pool, tdag_dim d)
{
    const tdagi_entry e = *tdagi_pool_entry(pool, d);
    if (e.low_known) return e.low;
    int64_t low = compute_low(pool, &e);
    pool->entries[-(d + 1)].low = low;
    pool->entries[-(d + 1)].low_known = true;
    return low;
}

void tdagi_dim_may_be_zero(tdagi_pool *pool, tdag_dim symbol)
{
    if (symbol >= 0 || !tdagi_dim_is_valid(pool, symbol)) return;
    pool->entries[-(symbol + 1)].low = 0;
    pool->entries[-(symbol + 1)].low_known = true;
}

bool tdagi_dim_proves_ge(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a >= 0 && b >= 0) return a >= b;
    if (!tdagi_dim_is_valid(pool, a) || !tdagi_dim_is_valid(pool, b)) return false;
    if (a == b) return true;
    tdag_status status = pool->status;
    const char *reason = pool->reason;
    const int64_t minus[2] = {-1, 0};
    tdagi_terms ta, tb, td;
    tdagi_terms_of(pool, a, &ta);
    tdagi_terms_of(pool, b, &tb);
    tdagi_words difference = {0};
    bool yes = tdagi_terms_add_scaled(pool, &difference, &ta, minus, &tb);
    tdagi_terms_view(&difference, &td);
    yes = yes && (tdagi_terms_non_negative(pool, &td) || low_of_terms(pool, &td) >= 0);
    tdagi_words_free(pool, &difference);
    tdagi_pool_restore(pool, status, reason);
    return yes;
}
