/* Arithmetic on dims. Two integers >= 0, the case of every model without symbols, are
 * computed on the spot; all else goes through words (dim_poly.c) and is interned. */
#include "base/dim/dim.h"

#include "base/dim/pool.h"

static tdag_dim overflow(tdagi_pool *pool)
{
    return tdagi_pool_fail(pool, TDAG_E_OVERFLOW, "a dim does not fit 64 bits");
}

/* BAD in is BAD out, silently: the pool has failed already. */
static bool check(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (tdagi_dim_is_valid(pool, a) && tdagi_dim_is_valid(pool, b)) return true;
    if (a != TDAGI_DIM_BAD && b != TDAGI_DIM_BAD)
        tdagi_pool_fail(pool, TDAG_E_ARG, "a number that is no dim of this graph");
    return false;
}

tdag_dim tdagi_dim_const(tdagi_pool *pool, int64_t value)
{
    if (value >= 0) return value;
    return tdagi_pool_intern(pool, TDAGI_DIM_INTEGER, &value, 1);
}

bool tdagi_dim_is_const(const tdagi_pool *pool, tdag_dim d, int64_t *value_out)
{
    int64_t value = d;
    if (d < 0) {
        if (!tdagi_dim_is_valid(pool, d)) return false;
        const tdagi_entry *e = tdagi_pool_entry(pool, d);
        if (e->kind != TDAGI_DIM_INTEGER) return false;
        value = e->words[0];
    }
    if (value_out != NULL) *value_out = value;
    return true;
}

static tdag_dim add_scaled(tdagi_pool *pool, tdag_dim a, int64_t scale, tdag_dim b)
{
    if (!check(pool, a, b)) return TDAGI_DIM_BAD;
    tdagi_terms ta, tb;
    tdagi_terms_of(pool, a, &ta);
    tdagi_terms_of(pool, b, &tb);
    const int64_t term[2] = {scale, 0};
    tdagi_words sum = {0};
    tdag_dim d = TDAGI_DIM_BAD;
    if (tdagi_terms_add_scaled(pool, &sum, &ta, term, &tb))
        d = tdagi_terms_finish(pool, &sum);
    tdagi_words_free(pool, &sum);
    return d;
}

tdag_dim tdagi_dim_add(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    int64_t sum;
    if (a < 0 || b < 0) return add_scaled(pool, a, 1, b);
    if (__builtin_add_overflow(a, b, &sum)) return overflow(pool);
    return sum;
}

tdag_dim tdagi_dim_sub(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a < 0 || b < 0) return add_scaled(pool, a, -1, b);
    return tdagi_dim_const(pool, a - b);
}

static tdag_dim multiply_terms(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (!check(pool, a, b)) return TDAGI_DIM_BAD;
    if (a == 0 || b == 0) return 0;
    if (a == 1) return b;
    if (b == 1) return a;
    tdagi_terms ta, tb;
    tdagi_terms_of(pool, a, &ta);
    tdagi_terms_of(pool, b, &tb);
    tdagi_words words = {0};
    tdag_dim d = TDAGI_DIM_BAD;
    if (tdagi_terms_multiply(pool, &words, &ta, &tb))
        d = tdagi_terms_finish(pool, &words);
    tdagi_words_free(pool, &words);
    return d;
}

static inline tdag_dim multiply(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    int64_t product;
    if (a < 0 || b < 0) return multiply_terms(pool, a, b);
    if (__builtin_mul_overflow(a, b, &product)) return overflow(pool);
    return product;
}

tdag_dim tdagi_dim_mul(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    return multiply(pool, a, b);
}

tdag_dim tdagi_dim_floordiv(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (b == 0 && a != TDAGI_DIM_BAD)
        return tdagi_pool_fail(pool, TDAG_E_ARG, "a dim is divided by zero");
    if (a >= 0 && b > 0) return a / b;
    if (!check(pool, a, b)) return TDAGI_DIM_BAD;
    int64_t x, y, quotient;
    if (tdagi_dim_is_const(pool, a, &x) && tdagi_dim_is_const(pool, b, &y)) {
        if (!tdagi_floor_divide(x, y, &quotient)) return overflow(pool);
        return tdagi_dim_const(pool, quotient);
    }
    return tdagi_divide(pool, a, b);
}

tdag_dim tdagi_dim_mod(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a >= 0 && b > 0) return a % b;
    tdag_dim whole = tdagi_dim_mul(pool, tdagi_dim_floordiv(pool, a, b), b);
    return tdagi_dim_sub(pool, a, whole);
}

tdag_dim tdagi_dim_max(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a >= 0 && b >= 0) return a > b ? a : b;
    if (!check(pool, a, b)) return TDAGI_DIM_BAD;
    return tdagi_extremum(pool, TDAGI_DIM_MAX, a, b);
}

tdag_dim tdagi_dim_min(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a >= 0 && b >= 0) return a < b ? a : b;
    if (!check(pool, a, b)) return TDAGI_DIM_BAD;
    if (a == INT64_MAX || b == INT64_MAX) return a == INT64_MAX ? b : a;
    return tdagi_extremum(pool, TDAGI_DIM_MIN, a, b);
}

tdag_dim tdagi_dim_product(tdagi_pool *pool, uint32_t n, const tdag_dim *v)
{
    /* A 0 anywhere wins over the overflow of what stands before it. */
    tdag_dim product = 1;
    for (uint32_t i = 0; i < n; i++)
        if (v[i] == 0) product = 0;
    for (uint32_t i = 0; i < n; i++)
        product = multiply(pool, product, v[i]);
    return product;
}
