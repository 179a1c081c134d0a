/* Floor division of symbolic dims.
 *
 * In order: the divisor's first coefficient is made positive; the quotient of
 * polynomial division with rest moves out, so that floor((a + q*b)/b) and q +
 * floor(a/b) are equal; integers and atoms common to the rest and the divisor cancel;
 * floors inside a floor join where both divisors are integers; a rest that is seen to
 * lie between 0 and the divisor vanishes. What remains is an atom. */
#include "base/dim/pool.h"

#include <string.h>

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static uint64_t magnitude(int64_t x) { return x < 0 ? 0 - (uint64_t)x : (uint64_t)x; }

/* The common divisor of the coefficients and *so_far; without the integer term if told.
 */
static uint64_t content(const tdagi_terms *t, uint64_t so_far, bool skip_integer)
{
    for (size_t i = 0; i < t->n; i += tdagi_term_size(t->v + i))
        if (!skip_integer || t->v[i + 1] != 0) so_far = gcd(so_far, magnitude(t->v[i]));
    return so_far;
}

static int64_t power_of(const int64_t *term, tdag_dim atom)
{
    for (int64_t i = 0; i < term[1]; i++)
        if (term[2 + 2 * i] == atom) return term[3 + 2 * i];
    return 0;
}

static int64_t least_power(const tdagi_terms *t, tdag_dim atom, int64_t so_far)
{
    for (size_t i = 0; i < t->n && so_far > 0; i += tdagi_term_size(t->v + i)) {
        int64_t power = power_of(t->v + i, atom);
        if (power < so_far) so_far = power;
    }
    return so_far;
}

/* The largest monomial that divides every term of both, with coefficient 1. */
static void common_monomial(const tdagi_terms *a, const tdagi_terms *b,
                            int64_t out[2 + 2 * TDAGI_DIM_MAX_DEGREE])
{
    out[0] = 1;
    out[1] = 0;
    for (int64_t i = 0; i < b->v[1]; i++) {
        const int64_t *factor = b->v + 2 + 2 * i;
        int64_t power = least_power(a, factor[0], factor[1]);
        power = least_power(b, factor[0], power);
        if (power == 0) continue;
        out[2 + 2 * out[1]] = factor[0];
        out[3 + 2 * out[1]] = power;
        out[1]++;
    }
}

/* Divides all coefficients by g > 0, with the floor of the integer term's. */
static void divide_coefficients(tdagi_words *words, int64_t g)
{
    size_t size, kept = 0;
    for (size_t i = 0; i < words->n; i += size) {
        size = tdagi_term_size(words->v + i);
        int64_t quotient = 0;
        tdagi_floor_divide(words->v[i], g, &quotient);
        if (quotient == 0) continue;
        words->v[i] = quotient;
        memmove(words->v + kept, words->v + i, size * sizeof *words->v);
        kept += size;
    }
    words->n = kept;
}

/* Divides both by their common factors; *cancelled tells whether atoms were among them.
 * An integer term of a that the common integer does not divide is rounded down, which
 * changes nothing for c > 0: floor((g*x + r)/(g*c)) = floor((x + floor(r/g))/c). */
static bool cancel(tdagi_pool *pool, tdagi_words *a, tdagi_words *b, bool *cancelled)
{
    int64_t monomial[2 + 2 * TDAGI_DIM_MAX_DEGREE];
    tdagi_terms ta, tb, tm = {.v = monomial};
    tdagi_terms_view(a, &ta);
    tdagi_terms_view(b, &tb);
    common_monomial(&ta, &tb, monomial);
    tm.n = tdagi_term_size(monomial);
    *cancelled = monomial[1] > 0;
    bool ok = true;
    if (*cancelled) {
        tdagi_words qa = {0}, qb = {0}, rest = {0};
        ok = tdagi_terms_divide(pool, &ta, &tm, &qa, &rest) &&
             tdagi_terms_divide(pool, &tb, &tm, &qb, &rest);
        tdagi_words old_a = *a, old_b = *b;
        *a = qa;
        *b = qb;
        tdagi_words_free(pool, &old_a);
        tdagi_words_free(pool, &old_b);
        tdagi_words_free(pool, &rest);
        tdagi_terms_view(a, &ta);
        tdagi_terms_view(b, &tb);
    }
    bool positive = tdagi_terms_non_negative(pool, &tb);
    uint64_t g = content(&tb, content(&ta, 0, positive), false);
    if (ok && g > 1 && g <= INT64_MAX) {
        divide_coefficients(a, (int64_t)g);
        divide_coefficients(b, (int64_t)g);
    }
    return ok;
}

/* The only term of a that is one floor with an integer divisor, times 1; else 0. */
static tdag_dim single_floor(const tdagi_pool *pool, const tdagi_terms *a)
{
    tdag_dim found = 0;
    for (size_t i = 0; i < a->n; i += tdagi_term_size(a->v + i)) {
        const int64_t *t = a->v + i;
        if (t[0] != 1 || t[1] != 1 || t[3] != 1) continue;
        const tdagi_entry *e = tdagi_pool_entry(pool, t[2]);
        if (e->kind != TDAGI_DIM_FLOOR || e->words[1] < 0) continue;
        if (found != 0) return 0;
        found = t[2];
    }
    return found;
}

/* floor((floor(x/m) + p)/c) = floor((x + p*m)/(m*c)) for integers m, c > 0, joined =
 * m*c. */
static tdag_dim join_floors(tdagi_pool *pool, tdag_dim a, tdag_dim inner,
                            int64_t joined)
{
    const int64_t *words = tdagi_pool_entry(pool, inner)->words;
    tdag_dim x = words[0], m = words[1];
    tdag_dim p = tdagi_dim_sub(pool, a, inner);
    tdag_dim dividend = tdagi_dim_add(pool, x, tdagi_dim_mul(pool, p, m));
    return tdagi_dim_floordiv(pool, dividend, joined);
}

/* floor(a/b) as an atom, or 0 or -1 where the signs tell; a and b are reduced. */
static tdag_dim floor_atom(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    tdagi_terms ta, tb, minus_one;
    tdagi_terms_of(pool, a, &ta);
    tdagi_terms_of(pool, b, &tb);
    minus_one = (tdagi_terms){.n = 2, .own = {-1, 0}};
    minus_one.v = minus_one.own;
    bool inside = tdagi_terms_non_negative(pool, &ta) &&
                  tdagi_signs_prove(pool, &tb, -1, &ta, -1);
    if (inside) return 0;
    bool below = tdagi_signs_prove(pool, &minus_one, -1, &ta, 0) &&
                 tdagi_signs_prove(pool, &tb, 1, &ta, 0);
    if (below) return tdagi_dim_const(pool, -1);
    if (pool->status == TDAG_E_NOMEM) return TDAGI_DIM_BAD;
    const int64_t words[2] = {a, b};
    return tdagi_pool_intern(pool, TDAGI_DIM_FLOOR, words, 2);
}

/* floor(rest / b) for a rest of the division by b; both may be changed. */
static tdag_dim divide_rest(tdagi_pool *pool, tdagi_words *rest, tdagi_words *b)
{
    if (rest->n == 0) return 0;
    bool cancelled = false;
    if (!cancel(pool, rest, b, &cancelled)) return TDAGI_DIM_BAD;
    tdag_dim x = tdagi_terms_finish(pool, rest), y = tdagi_terms_finish(pool, b);
    if (x == TDAGI_DIM_BAD || y == TDAGI_DIM_BAD) return TDAGI_DIM_BAD;
    if (x == 0) return 0;
    if (cancelled) return tdagi_dim_floordiv(pool, x, y);
    tdagi_terms tx;
    tdagi_terms_of(pool, x, &tx);
    tdag_dim inner = y > 0 ? single_floor(pool, &tx) : 0;
    int64_t joined;
    if (inner != 0 &&
        !__builtin_mul_overflow(tdagi_pool_entry(pool, inner)->words[1], y, &joined))
        return join_floors(pool, x, inner, joined);
    return floor_atom(pool, x, y);
}

tdag_dim tdagi_divide(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a == b) return 1;
    if (a == 0 || b == 1) return a;
    tdagi_terms ta, tb;
    tdagi_terms_of(pool, b, &tb);
    if (tb.v[0] < 0) {
        a = tdagi_dim_sub(pool, 0, a);
        b = tdagi_dim_sub(pool, 0, b);
        return tdagi_dim_floordiv(pool, a, b);
    }
    tdagi_terms_of(pool, a, &ta);
    tdagi_words quotient = {0}, rest = {0}, divisor = {0};
    tdag_dim d = TDAGI_DIM_BAD;
    if (tdagi_terms_divide(pool, &ta, &tb, &quotient, &rest) &&
        tdagi_words_push(pool, &divisor, tb.v, tb.n)) {
        d = tdagi_terms_finish(pool, &quotient);
        d = tdagi_dim_add(pool, d, divide_rest(pool, &rest, &divisor));
    }
    tdagi_words_free(pool, &quotient);
    tdagi_words_free(pool, &rest);
    tdagi_words_free(pool, &divisor);
    return d;
}
