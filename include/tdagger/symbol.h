/* Symbols of a model: given numbers, renamed, declared equal, written as expressions of
 * others. */
#ifndef TDAGGER_SYMBOL_H
#define TDAGGER_SYMBOL_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/* The model with symbols replaced. Each assignment is "SYMBOL=EXPRESSION":
 *   N=8       a number: the symbol is gone, and every count of it a number
 *   N=B       another name; where B is a symbol of the model, both are one from now on
 *   H=32*K    an expression over symbols, written as dims are (docs/text.md)
 * All take effect at once; right-hand sides mean symbols as they are called afterwards.
 * A new symbol gets the sample that gives the replaced one its own (H=224: K=7); one of
 * the model keeps its sample. Shapes are inferred anew, so that what does not fit (a
 * broadcast of two sizes, a slice beyond a fixed extent) fails and names its node.
 * Of a program, these are symbols of its methods' inputs, in all methods that have
 * them. Errors: E_ARG (no such symbol, one twice, a new symbol whose sample cannot be
 * told), E_FORMAT (no expression), E_SHAPE and the builder's, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_substitute(tdag_ctx *ctx,
                                                     const tdag_model *model,
                                                     const char *const *assignments,
                                                     uint32_t n_assignments,
                                                     tdag_model **out);
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_substitute(
    tdag_ctx *ctx, const tdag_graph *graph, const char *const *assignments,
    uint32_t n_assignments, tdag_graph **out);

TDAG_END_DECLS

#endif
