/* What the files of symbolic dims share: the pool, its entries, polynomials as words.
 *
 * A polynomial is a flat run of terms, each [coefficient, n, atom 1, power 1, ... atom
 * n, power n] with a coefficient other than 0, atoms in the order of
 * tdagi_dims_compare() and powers >= 1. Terms stand in descending order of degree, then
 * lexicographically: an order that multiplication keeps, so that products of sorted
 * runs are sorted. No terms is 0. */
#ifndef TDAGI_DIM_POOL_H
#define TDAGI_DIM_POOL_H

#include "base/arena.h"
#include "base/dim/dim.h"

/* Limits; beyond one the status is E_LIMIT. Recursion over a dim goes at most as deep
 * as its depth and visits at most its weight. */
#define TDAGI_DIM_MAX_DEPTH    64    /* floor, max and min inside each other */
#define TDAGI_DIM_MAX_WEIGHT   65536 /* numbers and names in the written expression */
#define TDAGI_DIM_MAX_TERMS    1024 /* of one polynomial, and sides of one max or min */
#define TDAGI_DIM_MAX_DEGREE   64   /* of one term */
#define TDAGI_POOL_MAX_SYMBOLS 4096 /* of one pool */
#define TDAGI_POOL_MAX_ENTRIES (1 << 28) /* entries */

/* In the order in which atoms are sorted. */
typedef enum tdagi_dim_kind {
    TDAGI_DIM_INTEGER, /* negative; words: the value */
    TDAGI_DIM_SYMBOL,  /* words: its number */
    TDAGI_DIM_FLOOR,   /* words: dividend, divisor */
    TDAGI_DIM_MAX,     /* words: the sides, sorted */
    TDAGI_DIM_MIN,
    TDAGI_DIM_POLYNOMIAL, /* words: terms; neither an integer nor a bare atom */
} tdagi_dim_kind;

typedef struct tdagi_entry {
    uint64_t hash;
    int64_t sample;
    const int64_t *words; /* in the pool's arena */
    uint32_t n_words;
    uint32_t weight;
    uint8_t kind;
    uint8_t depth;
    bool non_negative; /* for all symbols >= 0, seen from signs alone */
    bool low_known;
    int64_t low; /* for all symbols >= 1; INT64_MIN = unknown; valid when low_known */
} tdagi_entry;

typedef struct tdagi_symbol {
    const char *name;
    int64_t sample;
    tdag_dim dim;
} tdagi_symbol;

/* A growing run of words. */
typedef struct tdagi_words {
    int64_t *v;
    size_t n, capacity;
} tdagi_words;

struct tdagi_pool {
    tdag_allocator allocator;
    tdagi_arena arena; /* words and names */
    tdagi_entry *entries;
    uint32_t n, capacity;
    uint32_t *table; /* entry number + 1 by hash; a power of two slots */
    uint32_t n_slots;
    tdagi_symbol *symbols;
    uint32_t n_symbols, symbols_capacity;
    tdag_status status;
    const char *reason; /* a literal that goes with status */
};

/* A dim's terms, whatever its kind; must not be moved. */
typedef struct tdagi_terms {
    const int64_t *v;
    size_t n;
    int64_t own[4];
} tdagi_terms;

static inline const tdagi_entry *tdagi_pool_entry(const tdagi_pool *pool, tdag_dim d)
{
    return &pool->entries[-(d + 1)];
}
/* False for BAD and for numbers that this pool never gave out. */
static inline bool tdagi_dim_is_valid(const tdagi_pool *pool, tdag_dim d)
{
    return d >= 0 || (uint64_t)(-(d + 1)) < pool->n;
}
static inline size_t tdagi_term_size(const int64_t *term)
{
    return 2 + 2 * (size_t)term[1];
}

/* ---- dim_pool.c ---- */
/* Sticks; returns TDAGI_DIM_BAD. The reason is a literal. */
tdag_dim tdagi_pool_fail(tdagi_pool *pool, tdag_status status, const char *reason);
/* Forgets failures that a question which may be answered "no" has caused. */
void tdagi_pool_restore(tdagi_pool *pool, tdag_status status, const char *reason);
/* The dim of these words, made on the first call. Words of dims below must be normal.
 */
tdag_dim tdagi_pool_intern(tdagi_pool *pool, tdagi_dim_kind kind, const int64_t *words,
                           size_t n);
bool tdagi_words_push(tdagi_pool *pool, tdagi_words *to, const int64_t *words,
                      size_t n);
void tdagi_words_free(tdagi_pool *pool, tdagi_words *words);

/* ---- dim_poly.c: false means that the pool has failed, except where said ---- */
void tdagi_terms_of(const tdagi_pool *pool, tdag_dim d, tdagi_terms *out);
static inline void tdagi_terms_view(const tdagi_words *words, tdagi_terms *out)
{
    out->v = words->v;
    out->n = words->n;
}
/* Negative where a comes before b. Total and, as symbols are compared by name, the same
 * in every pool: so are the normal forms and their text. */
int tdagi_dims_compare(const tdagi_pool *pool, tdag_dim a, tdag_dim b);
/* out = a + term * b. out is overwritten and must not hold a or b. */
bool tdagi_terms_add_scaled(tdagi_pool *pool, tdagi_words *out, const tdagi_terms *a,
                            const int64_t *term, const tdagi_terms *b);
bool tdagi_terms_multiply(tdagi_pool *pool, tdagi_words *out, const tdagi_terms *a,
                          const tdagi_terms *b);
/* a = quotient * b + rest. No term of rest is divisible by b's first term, whose
 * coefficient must be positive; coefficients divide with rests of 0 and more. */
bool tdagi_terms_divide(tdagi_pool *pool, const tdagi_terms *a, const tdagi_terms *b,
                        tdagi_words *quotient, tdagi_words *rest);
/* All coefficients positive and all atoms non-negative. */
bool tdagi_terms_non_negative(const tdagi_pool *pool, const tdagi_terms *t);
/* The normal dim of a polynomial. */
tdag_dim tdagi_terms_finish(tdagi_pool *pool, const tdagi_words *words);

/* ---- dim_divide.c, dim_order.c: operands valid, not both constants >= 0 ---- */
tdag_dim tdagi_divide(tdagi_pool *pool, tdag_dim a, tdag_dim b);
tdag_dim tdagi_extremum(tdagi_pool *pool, tdagi_dim_kind kind, tdag_dim a, tdag_dim b);
/* Whether a + scale * b + integer is seen from its signs to be >= 0 for all symbols >=
 * 0. False also where it cannot be computed; of that, only E_NOMEM sticks. */
bool tdagi_signs_prove(tdagi_pool *pool, const tdagi_terms *a, int64_t scale,
                       const tdagi_terms *b, int64_t integer);

/* ---- dim_residue.c ---- */
/* Whether d <= bound for all symbols >= 1, by their rests. */
bool tdagi_cases_prove(tdagi_pool *pool, tdag_dim d, tdag_dim bound);

/* floor(a / b), b != 0; false on overflow. */
bool tdagi_floor_divide(int64_t a, int64_t b, int64_t *out);

/* The value with values[i] for symbol i, or with the samples for NULL, of the words of
 * an entry. False where it does not fit 64 bits or a divisor is 0; then *by_zero tells.
 */
bool tdagi_words_eval(const tdagi_pool *pool, tdagi_dim_kind kind, const int64_t *words,
                      size_t n, const int64_t *values, int64_t *out, bool *by_zero);

#endif
