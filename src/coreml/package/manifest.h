/* Manifest.json: which file of a package is its model. */
#ifndef TDAGI_MANIFEST_H
#define TDAGI_MANIFEST_H

#include "coreml/package/inside.h"

/* The path of the model below Data/, in the arena; not looked at. Errors: E_FORMAT,
 * E_UNSUPPORTED (of a later version), E_IO, E_NOMEM. */
tdag_status tdagi_manifest_read(const tdagi_inside *package, const char **model_out);

/* Writes the manifest of a package that has the model of that SHA-256, with weights or
 * none: a text to be freed with tdagi_strfree(). Its identifiers follow from the hash,
 * so that equal packages are equal bytes. */
tdag_status tdagi_manifest_write(tdag_ctx *ctx, const char sha256[65], bool has_weights,
                                 char **out);

#endif
