/* Loads libtdagger_blas.so. A BLAS keeps threads and thread-local buffers that do not
 * survive dlclose, so it is loaded for good (RTLD_NODELETE) and no handle is kept:
 * another dlopen of the same file finds it loaded and gives the same table. */
#include "run/blas.h"

#include <stddef.h>

#include "base/beside.h"
#include "base/ctx.h"

const tdagi_blas *tdagi_blas_get(tdag_ctx *ctx)
{
    if (ctx->blas != NULL) return ctx->blas;
    tdagi_blas_get_api_fn *get_api = NULL;
    if (!tdagi_load_beside("libtdagger_blas.so", TDAGI_BLAS_SYMBOL, &get_api))
        return NULL;
    const tdagi_blas *api = get_api();
    if (api->abi == TDAGI_BLAS_ABI) ctx->blas = api;
    return ctx->blas;
}
