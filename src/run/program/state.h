/* What a model remembers between calls, inside the library. */
#ifndef TDAGI_STATE_H
#define TDAGI_STATE_H

#include <tdagger/run.h>

#include "program/model.h"

struct tdag_state {
    tdag_allocator allocator;
    tdag_model *model; /* one reference: names, types and initial values */
    tdag_tensor **now; /* by state of the model; one reference each */
};

/* Fails unless the state is of a model with these states. */
tdag_status tdagi_state_check(tdag_ctx *ctx, const tdag_state *state,
                              const tdag_model *model);

#endif
