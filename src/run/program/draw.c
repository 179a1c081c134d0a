/* Random numbers. The generator is SplitMix64: a counter that is mixed, so that a run
 * depends on its seed and on the order of its draws alone. */
#include "run/program/draw.h"

#include <math.h>

void tdagi_generator_seed(tdagi_generator *g, uint64_t seed) { g->state = seed; }

static uint64_t next(tdagi_generator *g)
{
    uint64_t x = g->state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* In [0, 1), a multiple of 2^-bits, so that no rounding gives 1. */
static double uniform(tdagi_generator *g, tdag_dtype dtype)
{
    int bits = dtype == TDAG_F64 ? 53 : dtype == TDAG_F32 ? 24 : 8;
    return ldexp((double)(next(g) >> (64 - bits)), -bits);
}

/* By Box and Muller; one of the pair is left out, so each number takes as many. */
static double normal(tdagi_generator *g)
{
    double u = 1 - uniform(g, TDAG_F64), v = uniform(g, TDAG_F64);
    return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}

/* In [0, n), all equally likely. */
static uint64_t below(tdagi_generator *g, uint64_t n)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do
        x = next(g);
    while (x >= limit);
    return x % n;
}

static tdag_status draw_bernoulli(tdag_ctx *ctx, tdagi_generator *g, double p,
                                  tdag_tensor *t)
{
    if (!(p >= 0 && p <= 1))
        return tdagi_fail(ctx, TDAG_E_ARG, "the probability is not between 0 and 1");
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_i64(t, i, uniform(g, TDAG_F64) < p);
    return TDAG_OK;
}

static tdag_status draw_integers(tdag_ctx *ctx, tdagi_generator *g, int64_t from,
                                 int64_t to, tdag_tensor *t)
{
    if (from >= to)
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "there is no integer from %lld to below %lld",
                          (long long)from, (long long)to);
    for (int64_t i = 0; i < t->count; i++) {
        uint64_t x = below(g, (uint64_t)to - (uint64_t)from) + (uint64_t)from;
        tdagi_tensor_set_i64(t, i, (int64_t)x);
    }
    return TDAG_OK;
}

/* By Fisher and Yates. */
static void draw_permutation(tdagi_generator *g, tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_i64(t, i, i);
    for (int64_t i = t->count - 1; i > 0; i--) {
        int64_t j = (int64_t)below(g, (uint64_t)i + 1);
        int64_t kept = tdagi_tensor_get_i64(t, i);
        tdagi_tensor_set_i64(t, i, tdagi_tensor_get_i64(t, j));
        tdagi_tensor_set_i64(t, j, kept);
    }
}

tdag_status tdagi_draw(tdag_ctx *ctx, tdagi_generator *g, tdagi_draw_kind kind,
                       const tdag_tensor *const *in, tdag_tensor *t)
{
    switch (kind) {
    case TDAGI_DRAW_NORMAL:
        for (int64_t i = 0; i < t->count; i++)
            tdagi_tensor_set_f64(t, i, normal(g));
        return TDAG_OK;
    case TDAGI_DRAW_UNIFORM:
        for (int64_t i = 0; i < t->count; i++)
            tdagi_tensor_set_f64(t, i, uniform(g, t->dtype));
        return TDAG_OK;
    case TDAGI_DRAW_BERNOULLI:
        return draw_bernoulli(ctx, g, tdagi_tensor_get_f64(in[0], 0), t);
    case TDAGI_DRAW_INTEGERS:
        return draw_integers(ctx, g, tdagi_tensor_get_i64(in[0], 0),
                             tdagi_tensor_get_i64(in[1], 0), t);
    case TDAGI_DRAW_PERMUTATION:
        draw_permutation(g, t);
        return TDAG_OK;
    }
    return tdagi_fail(ctx, TDAG_E_ARG, "there is no draw number %d", (int)kind);
}
