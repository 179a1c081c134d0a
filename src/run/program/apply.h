/* The operators whose result's size depends on data. */
#ifndef TDAGI_APPLY_H
#define TDAGI_APPLY_H

#include "base/tensor.h"

typedef struct tdagi_apply_call {
    tdag_ctx *ctx;
    const char *arguments; /* "key=value, ..."; "" if none */
    uint32_t n_inputs, n_results;
    const tdag_tensor *const *inputs;
    tdag_tensor **results; /* to be filled, one reference each; NULL after a failure */
} tdagi_apply_call;

/* Runs the operator of that name. Errors: E_UNSUPPORTED (the engines have none of that
 * name), E_ARG, E_SHAPE, E_NOMEM. */
tdag_status tdagi_apply(const tdagi_apply_call *call, const char *operator_name);

#endif
