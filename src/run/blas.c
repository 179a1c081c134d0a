/* Loads libtdagger_blas.so. A BLAS keeps threads and thread-local buffers that do not
 * survive dlclose, so it is loaded for good (RTLD_NODELETE) and no handle is kept:
 * another dlopen of the same file finds it loaded and gives the same table. */
#include "run/blas.h"

#include <dlfcn.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/beside.h"

const tdagi_blas *tdagi_blas_get(void)
{
    char path[PATH_MAX];
    if (!tdagi_find_beside("libtdagger_blas.so", path, sizeof path)) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) return NULL;
    tdagi_blas_get_api_fn *get_api = NULL;
    void *symbol = dlsym(library, TDAGI_BLAS_SYMBOL);
    memcpy(&get_api, &symbol, sizeof get_api);
    dlclose(library); /* stays mapped */
    if (get_api == NULL) return NULL;
    const tdagi_blas *api = get_api();
    return api->abi == TDAGI_BLAS_ABI ? api : NULL;
}
