/* Cutting a part out of a graph, and which values a cut goes through. */
#ifndef TDAGI_CUT_H
#define TDAGI_CUT_H

#include "ir/graph.h"
#include "program/model.h"

/* Values by id, in an array of the arena they were made in. */
typedef struct tdagi_values {
    tdag_value *v;
    uint32_t n;
} tdagi_values;

typedef struct tdagi_cut {
    const tdag_graph *of;
    tdagi_values inputs, outputs;
    bool needs_all; /* an input that no output needs is an error */
} tdagi_cut;

/* Zeroed memory in an arena; failure is reported. */
tdag_status tdagi_scratch(tdag_ctx *ctx, tdagi_arena *arena, size_t n, size_t size,
                          void **out);
/* The graph from the cut's inputs to its outputs. */
tdag_status tdagi_cut_graph(tdag_ctx *ctx, const tdag_graph *g, const tdagi_cut *cut,
                            tdag_graph **out);

/* free_of[id] = 1 for values that depend on no input of the graph. */
void tdagi_mark_free(const tdag_graph *g, unsigned char *free_of);
/* The values of names; "in3" and "out0" by position. */
tdag_status tdagi_find_values(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                              const char *const *names, uint32_t n, tdagi_values *out);
/* The value of one name; `what` says in a sentence whose it is. */
tdag_status tdagi_find_value(tdag_ctx *ctx, const tdag_graph *g, const char *name,
                             tdag_value *out);
tdag_status tdagi_graph_inputs(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                               tdagi_values *out);
tdag_status tdagi_graph_outputs(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                                tdagi_values *out);

/* Whether a scope is a module's or lies below it. */
bool tdagi_scope_is_in(const char *scope, const char *module);
/* The values that enter and leave a module. E_ARG where there is no such module, or
 * where what leaves it comes back. */
tdag_status tdagi_cut_module(tdag_ctx *ctx, const tdag_graph *g, tdagi_arena *arena,
                             const char *module, tdagi_cut *out);

#endif
