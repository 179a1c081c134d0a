/* Hashes of a graph and of its modules; for one of each there are the public calls. */
#ifndef TDAGI_HASH_H
#define TDAGI_HASH_H

#include <tdagger/file.h>

#include "ir/graph.h"

typedef struct tdagi_hasher tdagi_hasher;

/* The graph is borrowed. Errors: E_NOMEM, E_ARG (kind). */
tdag_status tdagi_hasher_create(tdag_ctx *ctx, const tdag_graph *g, tdag_hash_kind kind,
                                tdagi_hasher **out);
void tdagi_hasher_free(tdagi_hasher *h); /* NULL is fine */
tdag_status tdagi_hasher_graph(tdagi_hasher *h, char out[TDAG_HASH_SIZE]);
/* "" where no node is of that module. */
tdag_status tdagi_hasher_module(tdagi_hasher *h, const char *scope,
                                char out[TDAG_HASH_SIZE]);

/* What identifies one value, whatever it is called and wherever it stands. */
typedef struct tdagi_node_hash {
    uint64_t whole[2]; /* with the elements of tensors and all it is computed from */
    uint64_t form[2];  /* the same without the elements */
    uint64_t own[2];   /* op, spec, dtype and shape only */
    uint64_t shape, spec;
} tdagi_node_hash;
/* out[id] for every value; inputs count by their position. The hasher's
 * kind says whether large tensors count by their elements. */
tdag_status tdagi_hasher_nodes(tdagi_hasher *h, tdagi_node_hash *out);

#endif
