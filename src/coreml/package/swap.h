/* Folders put in the place of others. */
#ifndef TDAGI_SWAP_H
#define TDAGI_SWAP_H

#include <tdagger/status.h>

/* Fails with E_IO where something is at `path` that is no package of Core ML, or one
 * with more in it than a package has: that is not to be replaced. */
tdag_status tdagi_swap_check(tdag_ctx *ctx, const char *path);
/* Gives the folder `from` the name `path`, beside it, and removes the package that had
 * it. At any moment one of the two has the name, where the system can exchange names.
 */
tdag_status tdagi_swap(tdag_ctx *ctx, const char *from, const char *path);
/* Removes a folder with all that is in it, following no link; what cannot be removed
 * stays. */
void tdagi_folder_remove(const char *path);

#endif
