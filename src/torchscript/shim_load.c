/* Loads the shim with dlopen. Its libtorch registers operators, threads and destructors
 * that do not survive dlclose, so it is loaded for good (RTLD_NODELETE) and no handle
 * is kept: another dlopen of the same file gives the same table. RTLD_LOCAL keeps
 * libtorch's symbols from the host's other libraries. RTLD_DEEPBIND would also keep the
 * host's from libtorch's, but it breaks a replaced malloc (and the sanitizers). */
#include "torchscript/shim_load.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beside.h"
#include <tdagger/torch.h>

#include "base/ctx.h"

#define SHIM_FILE "libtdagger_torch.so"

tdag_status tdagi_shim_fail(tdag_ctx *ctx, tdag_status status,
                            const tdag_shim_error *error)
{
    return tdagi_fail(ctx, status, "%s", error->message);
}

static tdag_status load_file(tdag_ctx *ctx, const char *path, const tdag_shim_api **out)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL)
        return tdagi_fail(ctx, TDAG_E_SHIM, "the PyTorch shim does not load: %s",
                          dlerror());
    tdag_shim_get_api_fn get_api = NULL;
    void *symbol = dlsym(library, TDAG_SHIM_SYMBOL);
    memcpy(&get_api, &symbol, sizeof get_api);
    dlclose(library); /* stays mapped */
    if (get_api == NULL)
        return tdagi_fail(ctx, TDAG_E_SHIM, "%s is not a shim of libtdagger", path);
    const tdag_shim_api *api = get_api(TDAG_SHIM_ABI);
    if (api == NULL) {
        const tdag_shim_api *other = get_api(0);
        return tdagi_fail(ctx, TDAG_E_SHIM,
                          "the shim %s has interface %u, this libtdagger needs %u; "
                          "install both from the same release",
                          path, other == NULL ? 0u : (unsigned)other->abi,
                          TDAG_SHIM_ABI);
    }
    *out = api;
    return TDAG_OK;
}

/* A name without a slash would be searched for, not opened. */
static tdag_status as_path(tdag_ctx *ctx, const char *name, char out[PATH_MAX])
{
    const char *prefix = strchr(name, '/') == NULL ? "./" : "";
    const int n = snprintf(out, PATH_MAX, "%s%s", prefix, name);
    if (n >= 0 && n < PATH_MAX) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_ARG,
                      "the path of a library of PyTorch's is too long");
}

tdag_status tdagi_shim_load(tdag_ctx *ctx, const char *path, const tdag_shim_api **out)
{
    const char *chosen = path != NULL ? path : getenv("TDAG_TORCH_SHIM");
    if (chosen != NULL && chosen[0] != '\0') {
        char local[PATH_MAX];
        TDAGI_TRY(as_path(ctx, chosen, local));
        if (access(local, F_OK) != 0)
            return tdagi_fail(ctx, TDAG_E_SHIM,
                              "there is no PyTorch shim at %s, which %s names", chosen,
                              path != NULL ? "the option" : "TDAG_TORCH_SHIM");
        return load_file(ctx, local, out);
    }
    char found[PATH_MAX];
    if (tdagi_find_beside(SHIM_FILE, found, sizeof found))
        return load_file(ctx, found, out);
    const tdag_status st = load_file(ctx, SHIM_FILE, out);
    /* Found but not loadable (its libtorch is gone) is another story than not found. */
    if (st == TDAG_OK || strstr(ctx->message, SHIM_FILE ": cannot open") == NULL)
        return st;
    return tdagi_fail(ctx, TDAG_E_SHIM,
                      "TorchScript files need the PyTorch shim " SHIM_FILE
                      ": install it with libtdagger (built with TDAG_SHIM=ON), or set "
                      "TDAG_TORCH_SHIM to its path");
}

/* Its operators register themselves with the libtorch that is there already. */
tdag_status tdag_torch_load_operators(tdag_ctx *ctx, const char *path,
                                      const char *shim_path)
{
    const tdag_shim_api *api = NULL;
    char full[PATH_MAX];
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_shim_load(ctx, shim_path, &api));
    TDAGI_TRY(as_path(ctx, path, full));
    void *library = dlopen(full, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL)
        return tdagi_fail(ctx, TDAG_E_SHIM,
                          "the library of operators does not load: %s", dlerror());
    dlclose(library); /* stays mapped */
    return TDAG_OK;
}
