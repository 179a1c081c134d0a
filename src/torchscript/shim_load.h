/* Finding and loading the PyTorch shim, when something first needs it. */
#ifndef TDAGI_SHIM_LOAD_H
#define TDAGI_SHIM_LOAD_H

#include <tdagger/status.h>

#include "tdag_shim.h"

/* Gives the table of the shim at `path`, or, if that is NULL, at the path in the
 * environment variable TDAG_TORCH_SHIM, or else of the first libtdagger_torch.so in the
 * folders beside the library (see shim_load.c), or else of the one that the dynamic
 * linker finds by name. A path that was given is final: nothing else is tried after it.
 *
 * The table stays valid until the process ends, since libtorch cannot be unloaded;
 * loading again is cheap and gives the same table. Errors: E_SHIM, E_ARG (a path too
 * long). */
tdag_status tdagi_shim_load(tdag_ctx *ctx, const char *path, const tdag_shim_api **out);

/* Fails with the shim's sentence as TDAG_E_SHIM, or any other status that fits better.
 */
tdag_status tdagi_shim_fail(tdag_ctx *ctx, tdag_status status,
                            const tdag_shim_error *error);

#endif
