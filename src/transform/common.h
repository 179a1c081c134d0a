/* Common subexpressions: a table of the nodes that a rewriter has made, by what they
 * compute. Two nodes are the same if op, spec and operands are, operands of an op that
 * commutes in either order; two constants if dtype, shape and bytes are. Inputs,
 * parameters and buffers have names that mean something and are never merged; an opaque
 * node may do anything, and is only itself.
 *
 * Equal nodes need not become one: what a composite has inside stays its own (see
 * protect.h). So each node has a class, the first of those that are equal to it, and
 * operands are compared by their classes. */
#ifndef TDAGI_COMMON_H
#define TDAGI_COMMON_H

#include "ir/graph.h"

struct tdagi_apply;

typedef struct tdagi_common {
    const tdag_graph *g; /* being built */
    uint32_t *ids;       /* open addressing: value ids, 0 = free; a power of two */
    uint64_t *hashes;    /* beside ids */
    uint32_t capacity, n;
    uint32_t *classes; /* by value id; 0, or beyond the end: its own */
    uint32_t n_classes;
} tdagi_common;

void tdagi_common_init(tdagi_common *t, const tdag_graph *g);
void tdagi_common_free(tdag_ctx *ctx, tdagi_common *t);

uint64_t tdagi_common_hash(const tdagi_common *t, const struct tdagi_apply *a);
uint64_t tdagi_common_hash_tensor(const tdag_tensor *t);
/* The place in the table of a node equal to the application, or of a constant equal to
 * the tensor; NULL if there is none. What stands there may be replaced by an equal one.
 */
uint32_t *tdagi_common_find(const tdagi_common *t, const struct tdagi_apply *a,
                            uint64_t hash);
uint32_t *tdagi_common_find_tensor(const tdagi_common *t, const tdag_tensor *tensor,
                                   uint64_t hash);
tdag_status tdagi_common_add(tdag_ctx *ctx, tdagi_common *t, tdag_value v,
                             uint64_t hash);
/* Makes v one of the class of `like`. */
tdag_status tdagi_common_join(tdag_ctx *ctx, tdagi_common *t, tdag_value v,
                              tdag_value like);

#endif
