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
    const char *const *values; /* "NAME=VALUE", as tdagger/torch.h tells */
    uint32_t n_values;
} tdagi_arguments_call;

typedef struct tdagi_arguments {
    tdagi_structure *structure; /* a tuple, an item per argument but self; those that
                                   are no tensors have the argument's name as key */
    uint32_t *order;            /* by tensor of the structure: the input it is */
    bool *is_default;           /* by argument but self: it is left to its default */
} tdagi_arguments;

/* An argument that is named in `values` is what stands there. Inputs go by name where
 * each is called as an argument is, or as one and a dot and more; else in order. A list
 * or dict of tensors takes all but those that the arguments behind it need. Errors:
 * E_ARG (numbers that do not fit, a dict without keys, an argument whose value or
 * length nothing tells, a value of another type), E_UNSUPPORTED (types that no text
 * makes), E_FORMAT (a text that is no value), E_LIMIT, E_NOMEM. The structure is the
 * caller's to free. */
tdag_status tdagi_arguments_bind(const tdagi_arguments_call *call,
                                 tdagi_arguments *out);

/* E_ARG names the methods that there are, if that one is not. */
tdag_status tdagi_arguments_method(tdag_ctx *ctx, const tdag_shim_api *api,
                                   tdag_shim_session *session,
                                   const tdag_shim_value *module, const char *method);

#endif
