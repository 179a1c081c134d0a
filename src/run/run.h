/* The engines behind tdag_graph_run(). */
#ifndef TDAGI_RUN_H
#define TDAGI_RUN_H

#include <tdagger/run.h>

#include "ir/graph.h"
#include "program/model.h"
#include "raise/raise.h"
#include "run/native/plan.h"

/* Runs a graph without symbols whose inputs have been checked. */
tdag_status tdagi_run_reference(tdag_ctx *ctx, const tdag_graph *g,
                                tdag_tensor *const *inputs, tdag_tensor **outputs);
/* A method that is more than one call of a graph; its inputs are there. */
tdag_status tdagi_run_method(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *method, tdag_tensor *const *inputs,
                             const tdag_run_options *options, tdag_tensor **outputs);

/* Raises a graph for the native engine: without composites whose parts it is better at.
 */
tdag_status tdagi_run_raise(tdag_ctx *ctx, const tdag_graph *g, tdagi_raised **out);
/* The native engine, of a graph that was raised, and the reference engine: both take
 * the references of the inputs, so that what dies may be written to. */
tdag_status tdagi_run_raised(tdag_ctx *ctx, const tdagi_raised *raised,
                             const tdagi_native_plan *plan, tdag_tensor **inputs,
                             tdag_tensor **outputs);
/* An array of one more reference each; and its end, NULL allowed. */
tdag_status tdagi_run_take(tdag_ctx *ctx, tdag_tensor *const *inputs, uint32_t n,
                           tdag_tensor ***out);
void tdagi_run_drop(tdag_ctx *ctx, tdag_tensor **inputs, uint32_t n);
tdag_status tdagi_run_reference_on(tdag_ctx *ctx, const tdag_graph *g,
                                   tdag_tensor **inputs, tdag_tensor **outputs);

/* Fails for an op without evaluation, naming an opaque node's operator. */
tdag_status tdagi_eval_refuse(tdag_ctx *ctx, uint32_t op, const void *spec);
/* The first operand of an op, one more reference, where the result may be written over
 * it: nobody has it but by these many references, which end with the op. NULL: a new
 * tensor is needed. */
tdag_tensor *tdagi_eval_over(uint32_t op, const tdag_tensor *first, uint32_t n_refs);
/* Evaluates one node; inputs are its operands' tensors. */
tdag_status tdagi_eval_node(tdag_ctx *ctx, const tdag_graph *g, tdag_value v,
                            const tdag_tensor *const *inputs, tdag_tensor **out);

#endif
