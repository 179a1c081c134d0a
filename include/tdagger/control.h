/* Changing what programs consist of: calls into one graph, loops into statements, the
 * unrolled steps of a recurrence into a loop (docs/programs.md). Results and states are
 * the same, method by method; structures, states and symbols of inputs stay. */
#ifndef TDAGGER_CONTROL_H
#define TDAGGER_CONTROL_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/* Calls that stand side by side become one call of one graph, inside of branches and
 * loops, too. A program that is one call then is a straight-line model. Errors: E_ARG,
 * E_NOMEM, E_LIMIT. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_inline(tdag_ctx *ctx, const tdag_model *model,
                                                 tdag_model **out);

typedef struct tdag_unroll_options {
    size_t size;   /* set by tdag_unroll_options_init() */
    uint32_t most; /* rounds of a loop that is unrolled, at most; 0 = 1024 */
} tdag_unroll_options;
TDAG_OPTIONS_INIT(tdag_unroll_options)

/* Loops whose count is a constant become the statements of all rounds, the inner ones
 * first to last; then calls are inlined and the model is simplified, what an index
 * looks up or puts in being a slice or a part of a stack. Loops of an unknown count,
 * with a condition, or of more rounds than `most` stay. options may be NULL. Errors:
 * E_ARG, E_NOMEM, E_LIMIT (more than a million statements). */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_unroll(tdag_ctx *ctx, const tdag_model *model,
                                                 const tdag_unroll_options *options,
                                                 tdag_model **out);

/* The unrolled steps of a recurrence, as the trace of an LSTM over a sequence has them,
 * become a loop over one graph; what is before and behind them is a graph each. Steps
 * are at least three copies of the same four nodes or more that follow each other in
 * the order of the nodes, that use the same weights, and of which each takes values of
 * the one before; what each takes of a tensor of all steps is looked up by the loop's
 * index. The model is simplified before and after. Errors: E_ARG, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_roll(tdag_ctx *ctx, const tdag_model *model,
                                               tdag_model **out);

/* An input or a state that is a constant from now on; what that decides is decided, as
 * the model is simplified. An input, of that name (in0, ... by position) in the methods
 * that have it, is a number: it becomes a constant of their structures. A state is
 * gone: reads give the value (NULL: the initial one), writes are left out. Errors:
 * E_ARG (there is none of that name, no value), E_SHAPE (a value that does not fit),
 * E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_fix(tdag_ctx *ctx, const tdag_model *model,
                                              const char *name,
                                              const tdag_tensor *value,
                                              tdag_model **out);

/* Those methods of a model, in its order, with the graphs and states that they use.
 * Errors: E_ARG (no name, or no method of that name), E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_keep(tdag_ctx *ctx, const tdag_model *model,
                                               const char *const *names,
                                               uint32_t n_names, tdag_model **out);

TDAG_END_DECLS

#endif
