/* Sums over a symbol in closed form, as exact rationals: the rounds of a loop. */
#ifndef TDAGI_DIM_SERIES_H
#define TDAGI_DIM_SERIES_H

#include "base/dim/dim.h"

/* num / den, an integer wherever its symbols are; den >= 1. What fails sticks in the
 * pool, and num is TDAGI_DIM_BAD. */
typedef struct tdagi_ratio {
    tdag_dim num;
    int64_t den;
} tdagi_ratio;

static inline tdagi_ratio tdagi_ratio_of(tdag_dim d) { return (tdagi_ratio){d, 1}; }
tdagi_ratio tdagi_ratio_add(tdagi_pool *pool, tdagi_ratio a, tdagi_ratio b);
tdagi_ratio tdagi_ratio_mul(tdagi_pool *pool, tdagi_ratio a, tdag_dim factor);
/* The larger one, or the max of both where signs do not tell. */
tdagi_ratio tdagi_ratio_max(tdagi_pool *pool, tdagi_ratio a, tdagi_ratio b);
tdag_dim tdagi_ratio_dim(tdagi_pool *pool, tdagi_ratio a);

/* d with one symbol replaced. */
tdag_dim tdagi_dim_set(tdagi_pool *pool, tdag_dim d, uint32_t symbol, tdag_dim value);
/* The sum of r where the symbol is 0, 1, ... n - 1; n may have that symbol. False: r is
 * no polynomial of it (of a degree up to 12). */
bool tdagi_ratio_sum(tdagi_pool *pool, tdagi_ratio r, uint32_t symbol, tdag_dim n,
                     tdagi_ratio *out);
/* The largest value where the symbol is 0, 1, ... n - 1, n >= 1, for what grows or
 * falls with it all the way; else that of the two ends. */
tdag_dim tdagi_dim_largest(tdagi_pool *pool, tdag_dim d, uint32_t symbol, tdag_dim n);

/* The sides of a max; of any other dim that dim itself. */
const tdag_dim *tdagi_dim_sides(const tdagi_pool *pool, const tdag_dim *d,
                                uint32_t *n_out);

#endif
