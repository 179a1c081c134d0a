/* Running models on tensors. */
#ifndef TDAGGER_RUN_H
#define TDAGGER_RUN_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef enum tdag_engine {
    TDAG_ENGINE_NATIVE = 0,    /* raised composites, contractions through a BLAS */
    TDAG_ENGINE_REFERENCE = 1, /* one core op at a time, plain loops */
} tdag_engine;

typedef struct tdag_run_options {
    size_t size; /* set by tdag_run_options_init() */
    tdag_engine engine;
} tdag_run_options;
TDAG_OPTIONS_INIT(tdag_run_options)

/* Runs a graph. inputs[i] is graph input i: same dtype and rank, fixed dims equal; a
 * symbolic graph is run at the sizes of its inputs, one number per symbol. outputs gets
 * n_outputs new tensors (tdag_graph_get_n_outputs) for the caller to free. Errors:
 * E_ARG, E_SHAPE, E_DTYPE, E_LIMIT, E_NOMEM, E_UNSUPPORTED (an opaque node). */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_run(
    tdag_ctx *ctx, const tdag_graph *graph, tdag_tensor *const *inputs,
    uint32_t n_inputs, const tdag_run_options *options, tdag_tensor **outputs);
/* The same for a model's forward. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_run(tdag_ctx *ctx, const tdag_model *model,
                                              tdag_tensor *const *inputs,
                                              uint32_t n_inputs,
                                              const tdag_run_options *options,
                                              tdag_tensor **outputs);

TDAG_END_DECLS

#endif
