/* Loads the shim with dlopen. Its libtorch registers operators, threads and destructors
 * that do not survive dlclose, so it is loaded for good (RTLD_NODELETE) and no handle
 * is kept: another dlopen of the same file gives the same table. RTLD_LOCAL keeps
 * libtorch's symbols from the host's other libraries. RTLD_DEEPBIND would also keep the
 * host's from libtorch's, but it breaks a replaced malloc (and the sanitizers). */
#define _GNU_SOURCE /* dladdr */
#include "torch/shim_load.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"

#define SHIM_FILE "libtdagger_torch.so"

/* Where the shim may be, seen from the folder of libtdagger.so (or of the program that
 * has it linked in): beside it, as installed, as installed beside bin/, in a build's
 * folder. */
static const char *const folders[] = {"", "tdagger/", "../lib/tdagger/", "../shim/",
                                      "../../shim/"};

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

/* The folder of the object that this code is in, with its slash; false if unknown. */
static bool own_folder(char *folder, size_t size)
{
    static const char anchor = 0;
    Dl_info info = {0};
    if (dladdr(&anchor, &info) == 0 || info.dli_fname == NULL) return false;
    if (strlen(info.dli_fname) >= size) return false;
    strcpy(folder, info.dli_fname);
    if (strchr(folder, '/') == NULL) { /* a program found by PATH */
        const ssize_t n = readlink("/proc/self/exe", folder, size - 1);
        if (n < 0) return false;
        folder[n] = '\0';
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL) return false;
    slash[1] = '\0';
    return true;
}

/* The first candidate that is there; "" when none is. */
static void find_beside(char *path, size_t size)
{
    char folder[PATH_MAX];
    path[0] = '\0';
    if (!own_folder(folder, sizeof folder)) return;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const int n = snprintf(path, size, "%s%s" SHIM_FILE, folder, folders[i]);
        if (n > 0 && (size_t)n < size && access(path, F_OK) == 0) return;
    }
    path[0] = '\0';
}

tdag_status tdagi_shim_load(tdag_ctx *ctx, const char *path, const tdag_shim_api **out)
{
    const char *chosen = path != NULL ? path : getenv("TDAG_TORCH_SHIM");
    if (chosen != NULL && chosen[0] != '\0') {
        /* A name without a slash would be searched for, not opened. */
        char local[PATH_MAX];
        const char *prefix = strchr(chosen, '/') == NULL ? "./" : "";
        const int n = snprintf(local, sizeof local, "%s%s", prefix, chosen);
        if (n < 0 || (size_t)n >= sizeof local)
            return tdagi_fail(ctx, TDAG_E_ARG,
                              "the path of the PyTorch shim is too long");
        if (access(local, F_OK) != 0)
            return tdagi_fail(ctx, TDAG_E_SHIM,
                              "there is no PyTorch shim at %s, which %s names", chosen,
                              path != NULL ? "the option" : "TDAG_TORCH_SHIM");
        return load_file(ctx, local, out);
    }
    char found[PATH_MAX];
    find_beside(found, sizeof found);
    if (found[0] != '\0') return load_file(ctx, found, out);
    const tdag_status st = load_file(ctx, SHIM_FILE, out);
    /* Found but not loadable (its libtorch is gone) is another story than not found. */
    if (st == TDAG_OK || strstr(ctx->message, SHIM_FILE ": cannot open") == NULL)
        return st;
    return tdagi_fail(ctx, TDAG_E_SHIM,
                      "TorchScript files need the PyTorch shim " SHIM_FILE
                      ": install it with libtdagger (built with TDAG_SHIM=ON), or set "
                      "TDAG_TORCH_SHIM to its path");
}
