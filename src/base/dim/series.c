/* See series.h. A polynomial c of i is the sum of its differences at 0 times binomials,
 * c(i) = sum of D^k c(0) * (i over k), so its sum below n is that of D^k c(0) * (n over
 * k + 1). Differences are taken of the expression as it is: what is no polynomial has
 * none that vanish. */
#include "base/dim/series.h"

#include "base/dim/pool.h"

#define MAX_DEGREE 12

/* Common factors up to this one leave. */
#define MAX_FACTOR 13

static tdagi_ratio reduce(tdagi_pool *pool, tdagi_ratio r)
{
    for (int64_t f = 2; f <= MAX_FACTOR && r.den > 1; f++)
        while (r.den % f == 0) {
            tdag_dim part = tdagi_dim_floordiv(pool, r.num, f);
            if (part == TDAGI_DIM_BAD || tdagi_dim_mul(pool, part, f) != r.num) break;
            r = (tdagi_ratio){part, r.den / f};
        }
    return r;
}

static tdag_dim scale(tdagi_pool *pool, tdagi_ratio r, int64_t by)
{
    return tdagi_dim_mul(pool, r.num, by);
}

/* Both over one denominator. */
static int64_t align(tdagi_pool *pool, tdagi_ratio *a, tdagi_ratio *b)
{
    int64_t x = a->den, y = b->den, den;
    while (y != 0) {
        int64_t rest = x % y;
        x = y;
        y = rest;
    }
    if (__builtin_mul_overflow(a->den / x, b->den, &den)) {
        a->num = tdagi_pool_fail(pool, TDAG_E_OVERFLOW, "a sum does not fit 64 bits");
        return 1;
    }
    a->num = scale(pool, *a, den / a->den);
    b->num = scale(pool, *b, den / b->den);
    return den;
}

tdagi_ratio tdagi_ratio_add(tdagi_pool *pool, tdagi_ratio a, tdagi_ratio b)
{
    if (a.num == 0) return b;
    if (b.num == 0) return a;
    int64_t den = a.den == b.den ? a.den : align(pool, &a, &b);
    return reduce(pool, (tdagi_ratio){tdagi_dim_add(pool, a.num, b.num), den});
}

tdagi_ratio tdagi_ratio_mul(tdagi_pool *pool, tdagi_ratio a, tdag_dim factor)
{
    return reduce(pool, (tdagi_ratio){tdagi_dim_mul(pool, a.num, factor), a.den});
}

tdagi_ratio tdagi_ratio_max(tdagi_pool *pool, tdagi_ratio a, tdagi_ratio b)
{
    tdagi_ratio x = a, y = b;
    align(pool, &x, &y);
    tdag_dim larger = tdagi_dim_max(pool, x.num, y.num);
    if (larger == x.num) return a;
    if (larger == y.num) return b;
    if (a.den == 1 && b.den == 1) return tdagi_ratio_of(larger);
    return tdagi_ratio_of(
        tdagi_dim_max(pool, tdagi_ratio_dim(pool, a), tdagi_ratio_dim(pool, b)));
}

tdag_dim tdagi_ratio_dim(tdagi_pool *pool, tdagi_ratio a)
{
    return a.den == 1 ? a.num : tdagi_dim_floordiv(pool, a.num, a.den);
}

tdag_dim tdagi_dim_set(tdagi_pool *pool, tdag_dim d, uint32_t symbol, tdag_dim value)
{
    tdag_dim few[16], *all = few;
    uint32_t n = tdagi_pool_n_symbols(pool);
    if (d >= 0 || d == TDAGI_DIM_BAD || !tdagi_dim_has_symbol(pool, d, symbol))
        return d;
    if (n > 16) all = tdagi_mem_alloc(&pool->allocator, n * sizeof *all);
    if (all == NULL) return tdagi_pool_fail(pool, TDAG_E_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        all[i] = tdagi_pool_symbol_dim(pool, i);
    all[symbol] = value;
    d = tdagi_dim_substitute(pool, pool, d, all);
    if (all != few) tdagi_mem_free(&pool->allocator, all, n * sizeof *all);
    return d;
}

/* BAD where it fails, and then the pool tells why. */
static bool sum_up(tdagi_pool *pool, tdagi_ratio r, uint32_t symbol, tdag_dim n,
                   tdagi_ratio *out)
{
    tdag_dim next = tdagi_dim_add(pool, tdagi_pool_symbol_dim(pool, symbol), 1);
    tdagi_ratio sum = {0, 1}, choose = {n, 1}; /* (n over k + 1) */
    tdag_dim d = r.num;
    for (int64_t k = 0; d != 0 && d != TDAGI_DIM_BAD; k++) {
        if (k > MAX_DEGREE) return false;
        tdagi_ratio part =
            tdagi_ratio_mul(pool, choose, tdagi_dim_set(pool, d, symbol, 0));
        sum = tdagi_ratio_add(pool, sum, part);
        d = tdagi_dim_sub(pool, tdagi_dim_set(pool, d, symbol, next), d);
        tdag_dim rest = tdagi_dim_sub(pool, n, tdagi_dim_const(pool, k + 1));
        choose = tdagi_ratio_mul(pool, choose, rest);
        choose.den *= k + 2;
    }
    sum.den *= r.den;
    *out = reduce(pool, sum);
    return d == 0 && out->num != TDAGI_DIM_BAD;
}

bool tdagi_ratio_sum(tdagi_pool *pool, tdagi_ratio r, uint32_t symbol, tdag_dim n,
                     tdagi_ratio *out)
{
    tdag_status before = pool->status;
    bool ok = r.num != TDAGI_DIM_BAD && sum_up(pool, r, symbol, n, out);
    if (!ok && before == TDAG_OK && pool->status != TDAG_E_NOMEM)
        tdagi_pool_clear_status(pool); /* differences that grow without end */
    return ok;
}

const tdag_dim *tdagi_dim_sides(const tdagi_pool *pool, const tdag_dim *d,
                                uint32_t *n_out)
{
    *n_out = 1;
    if (*d >= 0 || *d == TDAGI_DIM_BAD) return d;
    const tdagi_entry *e = tdagi_pool_entry(pool, *d);
    if (e->kind != TDAGI_DIM_MAX) return d;
    *n_out = e->n_words;
    return e->words; /* of the arena: they stay where they are */
}

/* 1: it grows, -1: it falls, 0: signs do not tell; for a symbol >= 0. */
static int direction(tdagi_pool *pool, tdag_dim d, uint32_t symbol)
{
    tdag_dim next = tdagi_dim_add(pool, tdagi_pool_symbol_dim(pool, symbol), 1);
    tdag_dim step = tdagi_dim_sub(pool, tdagi_dim_set(pool, d, symbol, next), d);
    tdag_dim more = tdagi_dim_max(pool, step, 0);
    return more == step ? 1 : more == 0 ? -1 : 0;
}

tdag_dim tdagi_dim_largest(tdagi_pool *pool, tdag_dim d, uint32_t symbol, tdag_dim n)
{
    if (d >= 0 || d == TDAGI_DIM_BAD || !tdagi_dim_has_symbol(pool, d, symbol))
        return d;
    uint32_t n_sides;
    const tdag_dim *sides = tdagi_dim_sides(pool, &d, &n_sides);
    tdag_dim largest = 0;
    for (uint32_t i = 0; n_sides > 1 && i < n_sides; i++)
        largest =
            tdagi_dim_max(pool, largest, tdagi_dim_largest(pool, sides[i], symbol, n));
    if (n_sides > 1) return largest;
    int way = direction(pool, d, symbol);
    tdag_dim last = tdagi_dim_set(pool, d, symbol, tdagi_dim_sub(pool, n, 1));
    if (way > 0) return last;
    tdag_dim first = tdagi_dim_set(pool, d, symbol, 0);
    return way < 0 ? first : tdagi_dim_max(pool, first, last);
}
