/* The engines behind tdag_graph_run(). */
#ifndef TDAGI_RUN_H
#define TDAGI_RUN_H

#include <tdagger/run.h>

#include "ir/graph.h"
#include "program/model.h"
#include "raise/raise.h"

/* Both run a graph without symbols whose inputs have been checked. */
tdag_status tdagi_run_reference(tdag_ctx *ctx, const tdag_graph *g,
                                tdag_tensor *const *inputs, tdag_tensor **outputs);
tdag_status tdagi_run_native(tdag_ctx *ctx, const tdag_graph *g,
                             tdag_tensor *const *inputs, tdag_tensor **outputs);
/* A method that is more than one call of a graph; its inputs are there. */
tdag_status tdagi_run_method(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *method, tdag_tensor *const *inputs,
                             const tdag_run_options *options, tdag_tensor **outputs);

/* The native engine's second half, for a graph that is run more than once. */
tdag_status tdagi_run_raised(tdag_ctx *ctx, tdagi_raised *raised,
                             tdag_tensor *const *inputs, tdag_tensor **outputs);

/* Fails for an op without evaluation, naming an opaque node's operator. */
tdag_status tdagi_eval_refuse(tdag_ctx *ctx, uint32_t op, const void *spec);
/* Evaluates one node; inputs are its operands' tensors. */
tdag_status tdagi_eval_node(tdag_ctx *ctx, const tdag_graph *g, tdag_value v,
                            const tdag_tensor *const *inputs, tdag_tensor **out);

#endif
