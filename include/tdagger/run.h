/* Running models on tensors. */
#ifndef TDAGGER_RUN_H
#define TDAGGER_RUN_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef enum tdag_engine {
    TDAG_ENGINE_NATIVE = 0,    /* raised composites, contractions through a BLAS */
    TDAG_ENGINE_REFERENCE = 1, /* one core op at a time, plain loops */
} tdag_engine;

/* What a model remembers between calls: a tensor for each of its states. Calls with
 * separate states do not meet, on any threads; one state serves one call at a time. */
typedef struct tdag_state tdag_state;

/* All states at their initial values. Errors: E_ARG, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_state_create(tdag_ctx *ctx,
                                                       const tdag_model *model,
                                                       tdag_state **out);
TDAG_API void tdag_state_free(tdag_state *state); /* NULL is fine */
TDAG_API uint32_t tdag_state_get_n(const tdag_state *state);
/* By position, in the model's order; lent, NULL from n on. */
TDAG_API const char *tdag_state_get_name(const tdag_state *state, uint32_t i);
TDAG_API const tdag_tensor *tdag_state_get(const tdag_state *state, uint32_t i);
/* Another value, of the state's dtype and sizes (those that are symbols may differ);
 * one reference more. Errors: E_ARG (no state of that name), E_SHAPE. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_state_set(tdag_ctx *ctx, tdag_state *state,
                                                    const char *name,
                                                    const tdag_tensor *value);

typedef struct tdag_run_options {
    size_t size; /* set by tdag_run_options_init() */
    tdag_engine engine;
    const char *method; /* NULL: forward */
    tdag_state *state;  /* read, and written if the call succeeds; NULL: the initial
                           values, and what is written is dropped */
    uint64_t seed;      /* of random draws: equal seeds, equal numbers */
} tdag_run_options;
TDAG_OPTIONS_INIT(tdag_run_options)

/* Runs a graph. What the native engine prepared of it for these sizes stays with the
 * graph, where its allocator is the context's, and serves the next run of the same
 * sizes: some 200 bytes a node, and the weights of an unrolled recurrence once more.
 * inputs[i] is graph input i: same dtype and rank, fixed dims equal; a symbolic graph
 * is run at the sizes of its inputs, one number per symbol. outputs gets n_outputs new
 * tensors (tdag_graph_get_n_outputs) for the caller to free. Errors: E_ARG, E_SHAPE,
 * E_DTYPE, E_LIMIT, E_NOMEM, E_UNSUPPORTED (an opaque node). */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_run(
    tdag_ctx *ctx, const tdag_graph *graph, tdag_tensor *const *inputs,
    uint32_t n_inputs, const tdag_run_options *options, tdag_tensor **outputs);
/* The same for a method of a model; outputs gets as many tensors as it returns. Errors,
 * too: E_CHECK, with the model's own sentence, where a check of it fails. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_run(tdag_ctx *ctx, const tdag_model *model,
                                              tdag_tensor *const *inputs,
                                              uint32_t n_inputs,
                                              const tdag_run_options *options,
                                              tdag_tensor **outputs);

TDAG_END_DECLS

#endif
