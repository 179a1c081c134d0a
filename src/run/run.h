/* The engines behind tdag_graph_run(). */
#ifndef TDAGI_RUN_H
#define TDAGI_RUN_H

#include <tdagger/run.h>

#include "ir/graph.h"

/* Both run a graph without symbols whose inputs have been checked. */
tdag_status tdagi_run_reference(tdag_ctx *ctx, const tdag_graph *g,
                                tdag_tensor *const *inputs, tdag_tensor **outputs);
tdag_status tdagi_run_native(tdag_ctx *ctx, const tdag_graph *g,
                             tdag_tensor *const *inputs, tdag_tensor **outputs);

/* Fails for an op without evaluation, naming an opaque node's operator. */
tdag_status tdagi_eval_refuse(tdag_ctx *ctx, uint32_t op, const void *spec);
/* Evaluates one node; inputs are its operands' tensors. */
tdag_status tdagi_eval_node(tdag_ctx *ctx, const tdag_graph *g, tdag_value v,
                            const tdag_tensor *const *inputs, tdag_tensor **out);

#endif
