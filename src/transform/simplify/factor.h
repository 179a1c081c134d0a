/* Factors and terms on their way through views: what fold.c multiplies into weights.
 *
 * A factor belongs to a value: a tensor of the value's rank whose every dim is 1 or the
 * value's own. Where v = view(x), a factor of v may be one of x instead, v*f =
 * view(x*g), and the other way round; these functions find g from f and f from g. */
#ifndef TDAGI_FACTOR_H
#define TDAGI_FACTOR_H

#include "ir/graph.h"

typedef struct tdagi_factors {
    tdag_ctx *ctx;
    tdagi_pool *pool; /* scratch, without symbols */
} tdagi_factors;

/* A view (or fold, reduce sum, reduce mean, neg) from x to its result. */
typedef struct tdagi_step {
    tdag_op op;
    const void *spec;
    const tdagi_type *x;
    const tdagi_type *result;
} tdagi_step;

/* The op on tensors, by its own rule and evaluation; a new tensor. */
tdag_status tdagi_factor_apply(tdagi_factors *f, tdag_op op, const void *spec,
                               uint32_t n, const tdag_tensor *const *in,
                               tdag_tensor **out);
/* The same elements in a shape of as many; a new tensor that shares them. */
tdag_status tdagi_factor_reshape(tdagi_factors *f, const tdag_tensor *t, uint32_t rank,
                                 const int64_t *shape, tdag_tensor **out);
/* t as a factor of a value of that type: leading dims of 1 are added. *out is NULL
 * where it is none, as it would make the value larger. */
tdag_status tdagi_factor_of(tdagi_factors *f, const tdag_tensor *t,
                            const tdagi_type *value, tdag_tensor **out);
/* From a factor of the result to one of x. *out is NULL where there is none. */
tdag_status tdagi_factor_pull(tdagi_factors *f, const tdagi_step *s,
                              const tdag_tensor *t, tdag_tensor **out);
/* From a factor of x to one of the result; `term`: from something added to x to what is
 * added to the result by it. *out is NULL where there is none. */
tdag_status tdagi_factor_push(tdagi_factors *f, const tdagi_step *s,
                              const tdag_tensor *t, bool term, tdag_tensor **out);

#endif
