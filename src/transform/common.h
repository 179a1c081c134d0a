/* Common subexpressions: a table of the nodes that a rewriter has made, by what they
 * compute. Two nodes are the same if op, spec and operands are, operands of an op that
 * commutes in either order; two constants if dtype, shape and bytes are. Inputs,
 * parameters and buffers have names that mean something and are never merged; an opaque
 * node may do anything, and is only itself. */
#ifndef TDAGI_COMMON_H
#define TDAGI_COMMON_H

#include "ir/graph.h"

struct tdagi_apply;

typedef struct tdagi_common {
    const tdag_graph *g; /* being built */
    uint32_t *ids;       /* open addressing: value ids, 0 = free; a power of two */
    uint64_t *hashes;    /* beside ids */
    uint32_t capacity, n;
} tdagi_common;

void tdagi_common_init(tdagi_common *t, const tdag_graph *g);
void tdagi_common_free(tdag_ctx *ctx, tdagi_common *t);

uint64_t tdagi_common_hash(const struct tdagi_apply *a);
uint64_t tdagi_common_hash_tensor(const tdag_tensor *t);
/* A node equal to the application, or to a constant of the tensor; or no value. */
tdag_value tdagi_common_find(const tdagi_common *t, const struct tdagi_apply *a,
                             uint64_t hash);
tdag_value tdagi_common_find_tensor(const tdagi_common *t, const tdag_tensor *tensor,
                                    uint64_t hash);
tdag_status tdagi_common_add(tdag_ctx *ctx, tdagi_common *t, tdag_value v,
                             uint64_t hash);

#endif
