/* A shim of another interface version, for test_shim_load.c. */
#include "tdag_shim.h"

const tdag_shim_api *tdag_shim_get_api(uint32_t abi)
{
    static const tdag_shim_api other = {.abi = TDAG_SHIM_ABI + 41};
    return abi == 0 || abi == other.abi ? &other : NULL;
}
