/* What adding and removing a dimension share: the walk over a graph whose nodes are
 * rewritten one by one by the axis rules, and the room for one call of a rule. */
#ifndef TDAGI_AXIS_WALK_H
#define TDAGI_AXIS_WALK_H

#include <tdagger/axis.h>

#include "ir/graph.h"

/* What a rule is told of a node's inputs; room for those of any node of a graph. */
typedef struct tdagi_axis_operands {
    tdagi_type *types;
    tdagi_mark *marks;
    uint32_t *in; /* rewritten, by id */
} tdagi_axis_operands;

tdag_status tdagi_axis_get_operands(tdag_ctx *ctx, const tdag_graph *g,
                                    tdagi_arena *arena, tdagi_axis_operands *out);

/* Adds a node, or an output, of the old graph to the new one. */
typedef struct tdagi_axis_rewriter {
    void *self;
    tdag_status (*add_node)(void *self, uint32_t id);
    tdag_status (*add_output)(void *self, tdag_value old);
} tdagi_axis_rewriter;

/* All nodes in order, then the outputs. A failure names the node. */
tdag_status tdagi_axis_walk(tdag_ctx *ctx, const tdag_graph *g,
                            const tdagi_axis_rewriter *by);

/* tdag_graph_add_dim() for those outputs that want the axis; the others, which depend
 * on no input that gets it, stay as they are. wants: by output, NULL for all. */
tdag_status tdagi_graph_add_dim(tdag_ctx *ctx, const tdag_graph *graph, const char *dim,
                                const tdag_add_dim_options *options,
                                const unsigned char *wants, tdag_graph **out);

#endif
