/* Removing a named dimension from a graph, and adding one: a model of batches becomes
 * one of single samples, and back. docs/axis.md tells the rules and their limits. */
#ifndef TDAGGER_AXIS_H
#define TDAGGER_AXIS_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef struct tdag_remove_dim_options {
    size_t size;    /* set by tdag_remove_dim_options_init() */
    uint32_t flags; /* TDAG_REMOVE_DIM_* */
    /* For a graph in which the dimension is no symbol, but a fixed size 1: per input
     * the axis that goes, or -1. As with AT_ONE nothing is refused; an output keeps an
     * axis of size 1 where a node made it anew. n_axes is the number of inputs, or 0.
     */
    uint32_t n_axes;
    const int64_t *axes;
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
 * Errors: E_ARG (no such symbol; axes that do not fit
 * the inputs), E_UNSUPPORTED where a node mixes positions (its name,
 * module path and the reason are in the context), E_NOMEM, E_LIMIT. options may be
 * NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_graph_remove_dim(tdag_ctx *ctx, const tdag_graph *graph, const char *dim,
                      const tdag_remove_dim_options *options, tdag_graph **out);
/* The same for a model. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_remove_dim(tdag_ctx *ctx, const tdag_model *model, const char *dim,
                const tdag_remove_dim_options *options, tdag_model **out);

typedef struct tdag_add_dim_options {
    size_t size;               /* set by tdag_add_dim_options_init() */
    int64_t sample;            /* of the new symbol, >= 1; 0: 2 */
    uint32_t axis;             /* where the inputs and outputs get the new axis */
    uint32_t n_inputs;         /* of `inputs`; 0: every input gets it */
    const char *const *inputs; /* names of those that get it; the others are shared */
} tdag_add_dim_options;
TDAG_OPTIONS_INIT(tdag_add_dim_options)

/* The inverse: the graph on many samples at once. The inputs named in the options, or
 * all, get a new axis of the new symbol `dim`, and so does every output; position i of
 * the outputs is what the graph gives for position i of the inputs. Weights and what
 * depends on them alone stay as they are. Errors: E_ARG (dim is a symbol of the graph
 * already or no identifier, no input of that name, an axis beyond a rank),
 * E_UNSUPPORTED (an opaque node, by name), E_SHAPE (a rank above TDAG_MAX_RANK),
 * E_NOMEM, E_LIMIT. options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_graph_add_dim(tdag_ctx *ctx, const tdag_graph *graph, const char *dim,
                   const tdag_add_dim_options *options, tdag_graph **out);
/* The same for a model. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_add_dim(tdag_ctx *ctx,
                                                  const tdag_model *model,
                                                  const char *dim,
                                                  const tdag_add_dim_options *options,
                                                  tdag_model **out);

TDAG_END_DECLS

#endif
