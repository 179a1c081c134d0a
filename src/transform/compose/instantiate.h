/* Putting a copy of a graph into a builder, its inputs fed by values that are there. */
#ifndef TDAGI_INSTANTIATE_H
#define TDAGI_INSTANTIATE_H

#include "ir/graft.h"

typedef struct tdagi_instance {
    tdag_builder *b;
    const tdag_graph *g;
    const char *what;      /* whose inputs they are, for sentences: "part 1" */
    const char *prefix;    /* of scopes and names; NULL: none */
    const tdag_dim *sizes; /* by the graph's symbol, in the builder; NULL: what the fed
                              inputs show */
    const tdag_value *inputs; /* by the graph's input; NO_VALUE becomes an input */
    tdag_value *new_of;       /* out, [g->n + 1], zeroed: every value of g */
} tdagi_instance;

/* Symbols become what the fed inputs show; the others keep their names. A weight that
 * the builder has already, of the same name and memory, is used again. Errors: E_SHAPE
 * and E_DTYPE (a value does not fit its input), those of the builder. */
tdag_status tdagi_instantiate(tdag_ctx *ctx, const tdagi_instance *i);

#endif
