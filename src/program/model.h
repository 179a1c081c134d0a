/* Models inside the library. */
#ifndef TDAGI_MODEL_H
#define TDAGI_MODEL_H

#include <tdagger/model.h>

#include "program/structure.h"

struct tdag_model {
    tdag_allocator allocator;
    tdag_graph *graph;
    tdagi_structure *inputs, *outputs;
};

/* As tdag_model_create, with structures (one more reference each); NULL: flat. */
tdag_status tdagi_model_create(tdag_ctx *ctx, const tdag_graph *graph,
                               const tdagi_structure *inputs,
                               const tdagi_structure *outputs, tdag_model **out);

/* The graph of a straight-line model, lent: what those start with who know graphs only.
 * Errors: E_ARG (NULL), E_UNSUPPORTED (a program of more than one call). */
tdag_status tdagi_model_straight(tdag_ctx *ctx, const tdag_model *model,
                                 const tdag_graph **out);
/* A straight-line model with another graph, of as many inputs and outputs: what those
 * end with. */
tdag_status tdagi_model_with_graph(tdag_ctx *ctx, const tdag_model *model,
                                   const tdag_graph *graph, tdag_model **out);

/* The structures of forward; lent. */
const tdagi_structure *tdagi_model_inputs(const tdag_model *model);
const tdagi_structure *tdagi_model_outputs(const tdag_model *model);

#endif
