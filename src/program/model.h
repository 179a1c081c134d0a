/* Models inside the library. */
#ifndef TDAGI_MODEL_H
#define TDAGI_MODEL_H

#include <tdagger/model.h>

#include "base/ctx.h"

struct tdag_model {
    tdag_allocator allocator;
    tdag_graph *graph;
    char *input_structure;
    char *output_structure;
};

/* As tdag_model_create, with structures (copied). */
tdag_status tdagi_model_create(tdag_ctx *ctx, const tdag_graph *graph,
                               const char *input_structure,
                               const char *output_structure, tdag_model **out);

#endif
