/* Which overload a call in TorchScript source means, told from the values at hand, and
 * all arguments of it in order. */
#ifndef TDAGI_RESOLVE_H
#define TDAGI_RESOLVE_H

#include "aten/env.h"

/* A call as the source has it. */
typedef struct tdagi_source_call {
    const char *name;      /* "aten::add", "prim::NumToTensor", "torchvision::nms" */
    uint32_t n, n_named;   /* arguments; the last n_named are by name */
    const tdagi_any *args; /* POISON among them fits any type */
    const char *const *names;
    uint32_t version; /* the archive's operator version: what meant something else then
                         is called as what it meant */
} tdagi_source_call;

/* What it is. Both live in the environment's arena. */
typedef struct tdagi_resolved {
    const tdagi_schema *schema;
    const tdagi_any *args; /* schema->n_args of them, defaults included */
    uint32_t n_args;
    uint64_t given; /* bit i: argument i stands in the call; the others are defaults */
} tdagi_resolved;

/* Schemas that were read, by name; zeroes to begin with, in the environment's arena. */
typedef struct tdagi_resolver {
    struct tdagi_resolver_name **names; /* open addressing */
    uint32_t n, capacity;
} tdagi_resolver;

/* An operator that the table does not know gets a schema of its name without parameters
 * (is_vararg) and its arguments as they are: tdagi_aten_call() then says what it is.
 * False: a failure in env->status, or no overload fits, which was noted as an issue. */
bool tdagi_resolve_call(tdagi_env *env, tdagi_resolver *resolver,
                        const tdagi_source_call *call, tdagi_resolved *out);
/* The first of these schemas that takes the call. False: none does, or a failure. */
bool tdagi_resolve_among(tdagi_env *env, const tdagi_schema *const *schemas, uint32_t n,
                         const tdagi_source_call *call, tdagi_resolved *out);

#endif
