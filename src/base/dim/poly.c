/* Polynomials as words: order, sums, products, division with rest. Their form is told
 * in dim_pool.h. Work happens in word buffers; only finished results are interned. */
#include "base/dim/pool.h"

#include <string.h>

void tdagi_terms_of(const tdagi_pool *pool, tdag_dim d, tdagi_terms *out)
{
    out->v = out->own;
    out->own[0] = d;
    out->own[1] = 0;
    out->n = d == 0 ? 0 : 2;
    if (d >= 0) return;
    const tdagi_entry *e = tdagi_pool_entry(pool, d);
    if (e->kind == TDAGI_DIM_POLYNOMIAL) {
        out->v = e->words;
        out->n = e->n_words;
    } else if (e->kind == TDAGI_DIM_INTEGER) {
        out->own[0] = e->words[0];
    } else {
        out->own[0] = 1;
        out->own[1] = 1;
        out->own[2] = d;
        out->own[3] = 1;
        out->n = 4;
    }
}

/* ---- order ---- */

static int compare_numbers(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int64_t degree(const int64_t *term)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < term[1]; i++)
        sum += term[3 + 2 * i];
    return sum;
}

static int compare_atoms(const tdagi_pool *pool, tdag_dim a, tdag_dim b);

/* Negative where term a's monomial comes first: it has the higher degree, or the higher
 * power of the first atom in which they differ. */
static int compare_monomials(const tdagi_pool *pool, const int64_t *a, const int64_t *b)
{
    int by_degree = compare_numbers(degree(b), degree(a));
    if (by_degree != 0) return by_degree;
    for (int64_t i = 0; i < a[1] && i < b[1]; i++) {
        const int64_t *fa = a + 2 + 2 * i, *fb = b + 2 + 2 * i;
        if (fa[0] != fb[0]) return compare_atoms(pool, fa[0], fb[0]);
        if (fa[1] != fb[1]) return compare_numbers(fb[1], fa[1]);
    }
    return 0;
}

int tdagi_dims_compare(const tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a == b) return 0;
    tdagi_terms ta, tb;
    tdagi_terms_of(pool, a, &ta);
    tdagi_terms_of(pool, b, &tb);
    size_t i = 0, k = 0;
    while (i < ta.n && k < tb.n) {
        int c = compare_monomials(pool, ta.v + i, tb.v + k);
        if (c == 0) c = compare_numbers(ta.v[i], tb.v[k]);
        if (c != 0) return c;
        i += tdagi_term_size(ta.v + i);
        k += tdagi_term_size(tb.v + k);
    }
    return (k < tb.n) - (i < ta.n);
}

static int compare_atoms(const tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a == b) return 0;
    const tdagi_entry *ea = tdagi_pool_entry(pool, a), *eb = tdagi_pool_entry(pool, b);
    if (ea->kind != eb->kind) return ea->kind < eb->kind ? -1 : 1;
    if (ea->kind == TDAGI_DIM_SYMBOL)
        return strcmp(pool->symbols[ea->words[0]].name,
                      pool->symbols[eb->words[0]].name);
    for (uint32_t i = 0; i < ea->n_words && i < eb->n_words; i++) {
        int c = tdagi_dims_compare(pool, ea->words[i], eb->words[i]);
        if (c != 0) return c;
    }
    return compare_numbers(ea->n_words, eb->n_words);
}

/* ---- sums and products ---- */

#define MAX_TERM_WORDS     (2 + 2 * TDAGI_DIM_MAX_DEGREE)
#define MAX_DIVISION_STEPS (2 * TDAGI_DIM_MAX_TERMS)

static bool overflow(tdagi_pool *pool)
{
    tdagi_pool_fail(pool, TDAG_E_OVERFLOW,
                    "a coefficient of a symbolic dim does not fit 64 bits");
    return false;
}

static bool multiply_terms(tdagi_pool *pool, const int64_t *a, const int64_t *b,
                           int64_t out[MAX_TERM_WORDS])
{
    if (degree(a) + degree(b) > TDAGI_DIM_MAX_DEGREE) {
        tdagi_pool_fail(pool, TDAG_E_LIMIT, "a symbolic dim has a degree above 64");
        return false;
    }
    if (__builtin_mul_overflow(a[0], b[0], &out[0])) return overflow(pool);
    int64_t i = 0, k = 0, n = 0;
    while (i < a[1] || k < b[1]) {
        const int64_t *fa = a + 2 + 2 * i, *fb = b + 2 + 2 * k;
        int c = i == a[1] ? 1 : k == b[1] ? -1 : compare_atoms(pool, fa[0], fb[0]);
        out[2 + 2 * n] = c <= 0 ? fa[0] : fb[0];
        out[3 + 2 * n] = (c <= 0 ? fa[1] : 0) + (c >= 0 ? fb[1] : 0);
        i += c <= 0;
        k += c >= 0;
        n++;
    }
    out[1] = n;
    return true;
}

bool tdagi_terms_add_scaled(tdagi_pool *pool, tdagi_words *out, const tdagi_terms *a,
                            const int64_t *term, const tdagi_terms *b)
{
    out->n = 0;
    int64_t product[MAX_TERM_WORDS];
    size_t i = 0, k = 0, n_terms = 0;
    bool have = false; /* product holds term * b[k] */
    while (i < a->n || k < b->n) {
        if (k < b->n && !have) {
            if (!multiply_terms(pool, term, b->v + k, product)) return false;
            have = true;
        }
        int c = i >= a->n   ? 1
                : k >= b->n ? -1
                            : compare_monomials(pool, a->v + i, product);
        const int64_t *from = c < 0 ? a->v + i : product;
        if (c == 0 && __builtin_add_overflow(product[0], a->v[i], &product[0]))
            return overflow(pool);
        if (from[0] != 0) {
            if (!tdagi_words_push(pool, out, from, tdagi_term_size(from))) return false;
            n_terms++;
        }
        if (c <= 0) i += tdagi_term_size(a->v + i);
        if (c >= 0) {
            k += tdagi_term_size(b->v + k);
            have = false;
        }
    }
    if (n_terms <= TDAGI_DIM_MAX_TERMS) return true;
    tdagi_pool_fail(pool, TDAG_E_LIMIT, "a symbolic dim has more than 1024 terms");
    return false;
}

static void swap_words(tdagi_words *a, tdagi_words *b)
{
    tdagi_words t = *a;
    *a = *b;
    *b = t;
}

bool tdagi_terms_multiply(tdagi_pool *pool, tdagi_words *out, const tdagi_terms *a,
                          const tdagi_terms *b)
{
    tdagi_words sum = {0};
    bool ok = true;
    out->n = 0;
    for (size_t i = 0; ok && i < a->n; i += tdagi_term_size(a->v + i)) {
        tdagi_terms so_far;
        tdagi_terms_view(out, &so_far);
        ok = tdagi_terms_add_scaled(pool, &sum, &so_far, a->v + i, b);
        swap_words(out, &sum);
    }
    tdagi_words_free(pool, &sum);
    return ok;
}

/* ---- division ---- */

bool tdagi_floor_divide(int64_t a, int64_t b, int64_t *out)
{
    if (a == INT64_MIN && b == -1) return false;
    *out = a / b - (a % b != 0 && (a < 0) != (b < 0));
    return true;
}

/* out = a / b with the coefficient's floor, if b's monomial divides a's and that floor
 * is not 0; b[0] > 0. */
static bool divide_term(const int64_t *a, const int64_t *b, int64_t out[MAX_TERM_WORDS])
{
    tdagi_floor_divide(a[0], b[0], &out[0]);
    if (out[0] == 0) return false;
    int64_t k = 0, n = 0;
    for (int64_t i = 0; i < a[1]; i++) {
        const int64_t *fa = a + 2 + 2 * i, *fb = b + 2 + 2 * k;
        int64_t power = fa[1];
        if (k < b[1] && fa[0] == fb[0]) {
            power -= fb[1];
            k++;
        }
        if (power < 0) return false;
        if (power == 0) continue;
        out[2 + 2 * n] = fa[0];
        out[3 + 2 * n] = power;
        n++;
    }
    out[1] = n;
    return k == b[1];
}

bool tdagi_terms_divide(tdagi_pool *pool, const tdagi_terms *a, const tdagi_terms *b,
                        tdagi_words *quotient, tdagi_words *rest)
{
    tdagi_words left = {0}, next = {0};
    int64_t q[MAX_TERM_WORDS];
    quotient->n = rest->n = 0;
    bool ok = tdagi_words_push(pool, &left, a->v, a->n);
    for (uint32_t step = 0; ok && left.n > 0; step++) {
        if (step >= MAX_DIVISION_STEPS) {
            tdagi_pool_fail(pool, TDAG_E_LIMIT,
                            "the quotient of two symbolic dims has too many terms");
            ok = false;
        } else if (divide_term(left.v, b->v, q)) {
            /* A rest of the first coefficient stays; it will not be divided again. */
            tdagi_terms terms;
            tdagi_terms_view(&left, &terms);
            ok = tdagi_words_push(pool, quotient, q, tdagi_term_size(q));
            if (ok && __builtin_mul_overflow(q[0], -1, &q[0])) ok = overflow(pool);
            ok = ok && tdagi_terms_add_scaled(pool, &next, &terms, q, b);
            swap_words(&left, &next);
        } else {
            size_t size = tdagi_term_size(left.v);
            ok = tdagi_words_push(pool, rest, left.v, size);
            left.n -= size;
            memmove(left.v, left.v + size, left.n * sizeof *left.v);
        }
    }
    tdagi_words_free(pool, &left);
    tdagi_words_free(pool, &next);
    return ok;
}

/* ---- results ---- */

bool tdagi_terms_non_negative(const tdagi_pool *pool, const tdagi_terms *t)
{
    for (size_t i = 0; i < t->n; i += tdagi_term_size(t->v + i)) {
        if (t->v[i] < 0) return false;
        for (int64_t k = 0; k < t->v[i + 1]; k++)
            if (!tdagi_pool_entry(pool, t->v[i + 2 + (size_t)(2 * k)])->non_negative)
                return false;
    }
    return true;
}

tdag_dim tdagi_terms_finish(tdagi_pool *pool, const tdagi_words *words)
{
    const int64_t *v = words->v;
    if (words->n == 0) return 0;
    if (words->n == 2) return tdagi_dim_const(pool, v[0]);
    if (words->n == 4 && v[0] == 1 && v[3] == 1) return v[2];
    return tdagi_pool_intern(pool, TDAGI_DIM_POLYNOMIAL, v, words->n);
}
