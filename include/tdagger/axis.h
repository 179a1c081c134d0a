/* Removing a named dimension from a graph, and adding one: a model of batches becomes
 * one of single samples, and back. docs/axis.md tells the rules and their limits. */
#ifndef TDAGGER_AXIS_H
#define TDAGGER_AXIS_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef struct tdag_remove_dim_options {
    size_t size;    /* set by tdag_remove_dim_options_init() */
    uint32_t flags; /* TDAG_REMOVE_DIM_* */
} tdag_remove_dim_options;
/* The dimension is taken to be 1: then nothing can mix samples, and whatever the graph
 * is, the result equals it at that size. */
enum { TDAG_REMOVE_DIM_AT_ONE = 1 };
TDAG_OPTIONS_INIT(tdag_remove_dim_options)

/* The graph without the symbol `dim`: each input that has it loses that axis, and so
 * does every value that depends on it, wherever the symbol was merged, indexed or
 * broadcast. Run on the part of its inputs that belongs to one position of the
 * dimension, the result gives that part of the graph's outputs, exactly. Names, scopes,
 * weights and the order of inputs and outputs stay; nodes that no output needs go.
 * Errors: E_ARG (no such symbol), E_UNSUPPORTED where a node mixes positions (its name,
 * module path and the reason are in the context), E_NOMEM, E_LIMIT. options may be
 * NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_graph_remove_dim(tdag_ctx *ctx, const tdag_graph *graph, const char *dim,
                      const tdag_remove_dim_options *options, tdag_graph **out);
/* The same for a model. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_remove_dim(tdag_ctx *ctx, const tdag_model *model, const char *dim,
                const tdag_remove_dim_options *options, tdag_model **out);

TDAG_END_DECLS

#endif
