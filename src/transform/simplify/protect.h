/* What simplification leaves alone: the core nodes of recognised composites.
 *
 * Raising finds a softmax or a hard-swish by the very nodes that its recipe makes. A
 * pass that merges two views at the seam of two composites, or computes the reciprocal
 * of a constant inside one, makes fewer nodes, and costs a kernel. So the nodes that a
 * composite covers are copied as they are, rules do not look into them, and nodes
 * inside are not shared; whole composites are, where they are equal. A composite that
 * depends on constants only and can be computed now is free. */
#ifndef TDAGI_PROTECT_H
#define TDAGI_PROTECT_H

#include "ir/graph.h"

enum {
    TDAGI_KEPT = 1,   /* a composite covers it */
    TDAGI_INSIDE = 2, /* and nobody else asks for it */
};

/* Bits of every value, by id; freed with tdagi_free(ctx, bits, n + 1). Constants of at
 * most constant_limit bytes will be computed; 0 = none will. */
tdag_status tdagi_protect(tdag_ctx *ctx, const tdag_graph *g, uint64_t constant_limit,
                          uint8_t **out);

#endif
