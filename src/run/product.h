/* Products of the half types that are only summed: they are not rounded in between. */
#ifndef TDAGI_PRODUCT_H
#define TDAGI_PRODUCT_H

#include "ir/graph.h"

/* The multiply that node `sum` adds up, directly or through movement, or 0: `sum` is no
 * reduce sum of a half type, or of something else. */
uint32_t tdagi_product_of(const tdag_graph *g, uint32_t sum);

/* Evaluates `sum` from the two factors of that multiply; all in between is f32. */
tdag_status tdagi_product_sum(tdag_ctx *ctx, const tdag_graph *g, uint32_t sum,
                              const tdag_tensor *const *factors, tdag_tensor **out);

#endif
