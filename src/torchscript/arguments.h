/* The arguments of a method as flat inputs fill them: what the importer and the runner
 * of files take alike. */
#ifndef TDAGI_TORCHSCRIPT_ARGUMENTS_H
#define TDAGI_TORCHSCRIPT_ARGUMENTS_H

#include "program/model.h"
#include "tdag_shim.h"

typedef struct tdagi_arguments_call {
    tdag_ctx *ctx;
    const tdag_shim_api *api;
    tdag_shim_session *session;
    const tdag_shim_schema *schema; /* of the method; argument 0 is self */
    tdagi_arena *arena;             /* for the arrays of the result */
    const char *const *names;       /* of the inputs; NULL or an entry NULL: unknown */
    uint32_t n_inputs;
} tdagi_arguments_call;

typedef struct tdagi_arguments {
    tdagi_structure *structure; /* a tuple, an item per argument but self */
    uint32_t *order;            /* by tensor of the structure: the input it is */
    bool *is_default;           /* by argument but self: it is left to its default */
} tdagi_arguments;

/* By name where every input has an argument's name, else in order; a list or dict of
 * tensors takes all that is left. Errors: E_ARG (numbers that do not fit, a dict
 * without keys), E_UNSUPPORTED (types that tensors do not make), E_LIMIT, E_NOMEM. The
 * structure is the caller's to free. */
tdag_status tdagi_arguments_bind(const tdagi_arguments_call *call,
                                 tdagi_arguments *out);

#endif
