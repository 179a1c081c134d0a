/* Which node of one graph stands for which of another. */
#ifndef TDAGI_DIFF_MATCH_H
#define TDAGI_DIFF_MATCH_H

#include "ir/graph.h"
#include "ir/hash.h"

typedef struct tdagi_match_side {
    const tdag_graph *g;
    tdagi_node_hash *hashes; /* by id, with all elements of tensors */
    uint32_t *partner;       /* by id: the other graph's node; 0 = none */
    unsigned char *counts;   /* by id: an input, or an output needs it */
    unsigned char *is_free;  /* by id: depends on no input */
} tdagi_match_side;

typedef struct tdagi_graph_match {
    tdag_ctx *ctx;
    tdagi_arena arena;
    tdagi_match_side a, b;
} tdagi_graph_match;

/* The graphs of two models that are to be compared, whose result goes to `out`; each
 * may be missing, which is E_ARG. */
tdag_status tdagi_match_operands(tdag_ctx *ctx, const tdag_model *a,
                                 const tdag_model *b, const void *out,
                                 const tdag_graph *graphs[2]);
/* The graphs are borrowed. On failure there is nothing to free. Errors: E_NOMEM. */
tdag_status tdagi_match_graphs(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                               tdagi_graph_match *out);
void tdagi_match_free(tdagi_graph_match *m);

/* Whether the two compute the same from the same leaves. */
static inline bool tdagi_match_equal(const tdagi_graph_match *m, uint32_t a, uint32_t b)
{
    const uint64_t *x = m->a.hashes[a].whole, *y = m->b.hashes[b].whole;
    return x[0] == y[0] && x[1] == y[1];
}

#endif
