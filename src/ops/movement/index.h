/* Loops and evaluation by index maps. */
#ifndef TDAGI_MOVEMENT_INDEX_H
#define TDAGI_MOVEMENT_INDEX_H

#include "ops/loop.h"

/* One side of a map, strided elements; dims are numbers. */
typedef struct tdagi_index_side {
    uint32_t operand; /* of the loop: 0 or 1 */
    const int64_t *shape, *stride;
} tdagi_index_side;

/* A loop over the elements of the map's result and those of its input that they are
 * read from. No piece of the map may pad. */
void tdagi_loop_by_index(tdagi_loop *loop, const tdagi_index_map *m,
                         const tdagi_index_side *out, const tdagi_index_side *in);

typedef void tdagi_index_fn(const tdagi_index_call *call, tdagi_index_map *out);
/* The same between two tensors, the one that is written as operand 0. */
void tdagi_loop_by_spec(tdagi_loop *loop, const void *spec, tdagi_index_fn *index,
                        const tdag_tensor *out, const tdag_tensor *in,
                        const tdag_tensor *written);
/* The evaluation of a movement op that adds nothing. */
tdag_status tdagi_eval_by_index(const tdagi_eval_call *call, tdagi_index_fn *index);

#endif
