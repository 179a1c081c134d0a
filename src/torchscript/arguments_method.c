/* What is asked before arguments are bound: whether there is such a method. */
#include <stdio.h>
#include <string.h>

#include "torchscript/arguments.h"

tdag_status tdagi_arguments_method(tdag_ctx *ctx, const tdag_shim_api *api,
                                   tdag_shim_session *session,
                                   const tdag_shim_value *module, const char *method)
{
    char list[256] = "";
    size_t used = 0, n = api->object_n_methods(module);
    for (size_t i = 0; i < n; i++) {
        const char *name = api->object_method_name(session, module, i);
        if (name != NULL && strcmp(name, method) == 0) return TDAG_OK;
        if (name == NULL || strncmp(name, "__", 2) == 0 || used >= sizeof list)
            continue;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 used == 0 ? "" : ", ", name);
    }
    return tdagi_fail(ctx, TDAG_E_ARG, "the model has no method %s; it has %s", method,
                      used == 0 ? "none" : list);
}
