/* Order of dims by cases. Where a floor divides by a number, a symbol is written as P*Q
 * + r, for every rest r of a period P that all those numbers divide: the floors are
 * polynomials of Q then, and signs tell the order. As many cases as the periods of the
 * symbols multiply to; beyond MOST_CASES nothing is proven. Works in a copy of the
 * pool, so that its symbols are those of the graph. */
#include <stdio.h>

#include "base/dim/pool.h"

#define MOST_CASES   4096
#define MOST_SYMBOLS 4 /* of two dims that are compared */

typedef struct split {
    uint32_t n;
    uint32_t symbols[MOST_SYMBOLS];
    int64_t periods[MOST_SYMBOLS];
    bool known; /* no limit was met */
} split;

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void add_period(split *s, uint32_t symbol, int64_t period)
{
    uint32_t i = 0;
    while (i < s->n && s->symbols[i] != symbol)
        i++;
    if (i == MOST_SYMBOLS || period > MOST_CASES) {
        s->known = false;
        return;
    }
    if (i == s->n) {
        s->symbols[s->n] = symbol;
        s->periods[s->n++] = 1;
    }
    period = s->periods[i] / gcd(s->periods[i], period) * period;
    s->known = s->known && period <= MOST_CASES;
    if (s->known) s->periods[i] = period;
}

/* Adds the periods of all symbols of d, which is divided by `by` outside. */
static void find_periods(const tdagi_pool *pool, tdag_dim d, int64_t by, split *s)
{
    if (d >= 0 || !s->known) return;
    const tdagi_entry *e = tdagi_pool_entry(pool, d);
    if (e->kind == TDAGI_DIM_SYMBOL) {
        add_period(s, (uint32_t)e->words[0], by);
    } else if (e->kind == TDAGI_DIM_FLOOR) {
        int64_t divisor = e->words[1];
        s->known = divisor >= 1 && divisor <= MOST_CASES && by <= MOST_CASES;
        if (s->known) find_periods(pool, e->words[0], by * divisor, s);
    } else if (e->kind == TDAGI_DIM_POLYNOMIAL) {
        for (size_t i = 0; i < e->n_words; i += tdagi_term_size(e->words + i))
            for (int64_t k = 0; k < e->words[i + 1]; k++)
                find_periods(pool, e->words[i + 2 + 2 * (size_t)k], by, s);
    } else if (e->kind != TDAGI_DIM_INTEGER) {
        for (uint32_t i = 0; i < e->n_words; i++)
            find_periods(pool, e->words[i], by, s);
    }
}

/* Sets each symbol to P*Q - P + r, r = 1 ... P, of the case: >= 1 as Q is; one that may
 * be 0 to one less. */
static void set_case(tdagi_pool *to, tdagi_pool *pool, const split *s,
                     const tdag_dim *q, int64_t number, tdag_dim *replacements)
{
    for (uint32_t i = 0; i < s->n; i++) {
        tdag_dim symbol = tdagi_pool_symbol_dim(pool, s->symbols[i]);
        int64_t period = s->periods[i],
                rest = number % period + tdagi_dim_proves_ge(pool, symbol, 1);
        tdag_dim least = tdagi_dim_const(to, rest - period);
        replacements[s->symbols[i]] =
            tdagi_dim_add(to, tdagi_dim_mul(to, period, q[i]), least);
        number /= period;
    }
}

static bool prove_cases(tdagi_pool *to, tdagi_pool *pool, const split *s,
                        tdag_dim difference, tdag_dim *replacements)
{
    tdag_dim q[MOST_SYMBOLS];
    int64_t n = 1;
    char name[32];
    for (uint32_t i = 0; i < s->n; i++) {
        n *= s->periods[i];
        snprintf(name, sizeof name, "quotient__%u", (unsigned)i);
        q[i] = tdagi_dim_symbol(to, name, 1);
        if (n > MOST_CASES) return false;
    }
    for (int64_t number = 0; number < n; number++) {
        set_case(to, pool, s, q, number, replacements);
        tdag_dim d = tdagi_dim_substitute(to, pool, difference, replacements);
        if (d == TDAGI_DIM_BAD || !tdagi_dim_proves_ge(to, d, 0)) return false;
    }
    return true;
}

bool tdagi_cases_prove(tdagi_pool *pool, tdag_dim d, tdag_dim bound)
{
    tdag_status status = pool->status;
    const char *reason = pool->reason;
    split s = {.known = true};
    tdag_dim difference = tdagi_dim_sub(pool, bound, d);
    if (difference == TDAGI_DIM_BAD) {
        tdagi_pool_restore(pool, status, reason);
        return false;
    }
    find_periods(pool, difference, 1, &s);
    if (!s.known || pool->n_symbols == 0) return false;
    size_t size = pool->n_symbols * sizeof(tdag_dim);
    tdag_dim *replacements = tdagi_mem_alloc(&pool->allocator, size);
    tdagi_pool *to = tdagi_pool_create(&pool->allocator);
    bool yes = replacements != NULL && to != NULL;
    for (uint32_t i = 0; yes && i < pool->n_symbols; i++)
        replacements[i] = 1; /* those that the dims do not have */
    bool no_memory = !yes;
    yes = yes && prove_cases(to, pool, &s, difference, replacements);
    no_memory = no_memory || tdagi_pool_status(to) == TDAG_E_NOMEM;
    if (no_memory) tdagi_pool_fail(pool, TDAG_E_NOMEM, "out of memory");
    tdagi_pool_free(to);
    tdagi_mem_free(&pool->allocator, replacements, size);
    return yes;
}
