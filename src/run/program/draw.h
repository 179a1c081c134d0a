/* Random numbers: equal seeds give equal runs, on every machine. */
#ifndef TDAGI_DRAW_H
#define TDAGI_DRAW_H

#include "base/tensor.h"
#include "program/program.h"

typedef struct tdagi_generator {
    uint64_t state;
} tdagi_generator;

void tdagi_generator_seed(tdagi_generator *g, uint64_t seed);
/* Fills t, of the draw's dtype and shape; inputs as the statement's. Errors: E_ARG, of
 * a probability outside 0 to 1, or of no integer between the two. */
tdag_status tdagi_draw(tdag_ctx *ctx, tdagi_generator *g, tdagi_draw_kind kind,
                       const tdag_tensor *const *inputs, tdag_tensor *t);

#endif
