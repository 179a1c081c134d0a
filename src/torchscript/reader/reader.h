/* TorchScript archives read without libtorch. */
#ifndef TDAGI_READER_H
#define TDAGI_READER_H

#include "archive/mapping.h"
#include "tdag_shim.h"

/* The functions of tdag_shim.h that an importer calls, over the archive itself; the
 * others are NULL. A function that fails leaves status and sentence to the session's
 * context as well: see tdagi_reader_status(). Nodes of operators have no schema: they
 * are calls as the source has them. */
void tdagi_reader_api(tdag_shim_api *out);

/* A session over the archive's bytes. Takes a reference of the mapping; path is what
 * sentences call it. *module_out is its root. Errors: E_FORMAT, E_UNSUPPORTED, E_LIMIT,
 * E_NOMEM. */
tdag_status tdagi_reader_open(tdag_ctx *ctx, tdagi_mapping *mapping, const char *path,
                              tdag_shim_session **out,
                              const tdag_shim_value **module_out);
void tdagi_reader_close(tdag_shim_session *s); /* NULL is fine */

bool tdagi_reader_failed(const tdag_shim_session *s);
/* The status of the first failure. */
tdag_status tdagi_reader_status(const tdag_shim_session *s);
/* The version of the operators that the archive was written with. */
uint32_t tdagi_reader_version(const tdag_shim_session *s);
/* The names of an operator's last inputs, those that are given by name. */
const char *const *tdagi_reader_names(const tdag_shim_node *node, uint32_t *n_out);

#endif
