/* safetensors files inside the library: with their metadata, which .tdag files live in.
 */
#ifndef TDAGI_SAFETENSORS_H
#define TDAGI_SAFETENSORS_H

#include <tdagger/tensor.h>

#include "archive/mapping.h"
#include "base/ctx.h"

/* The strings of "__metadata__". When saving, keys must be unique. */
typedef struct tdagi_metadata {
    uint32_t n;
    char **keys;
    char **values;
    tdag_allocator allocator; /* what the arrays came from; set by loading */
} tdagi_metadata;

/* What to do otherwise than tdag_tensors_load() and _save() do. */
enum {
    /* Reads the file into memory instead of mapping it. */
    TDAGI_SAFETENSORS_COPY = 1,
    /* Starts every tensor at a multiple of 64 bytes. The format allows no holes, so
     * tensors of bytes named __padding__.0, __padding__.1, ... fill them. */
    TDAGI_SAFETENSORS_ALIGN = 2,
};
#define TDAGI_SAFETENSORS_PADDING "__padding__."

/* tdag_tensors_load() and _save() with metadata; NULL to leave it out. */
tdag_status tdagi_safetensors_load(tdag_ctx *ctx, const char *path, uint32_t flags,
                                   tdag_named_tensors *out,
                                   tdagi_metadata *metadata_out);
/* The same of bytes in memory, which tensors point into; `what` names them. */
tdag_status tdagi_safetensors_read(tdag_ctx *ctx, tdagi_mapping *m, const char *what,
                                   tdag_named_tensors *out,
                                   tdagi_metadata *metadata_out);
tdag_status tdagi_safetensors_save(tdag_ctx *ctx, const char *path, uint32_t flags,
                                   const tdag_named_tensors *tensors,
                                   const tdagi_metadata *metadata);
/* The value of a key, or NULL. */
const char *tdagi_metadata_find(const tdagi_metadata *metadata, const char *key);
void tdagi_metadata_free(
    tdagi_metadata *metadata); /* of a loaded one; leaves it empty */

/* ---- shared by reading and writing ---- */
/* A longer header is refused, as other readers do. */
#define TDAGI_SAFETENSORS_MAX_HEADER (100 * 1000 * 1000)

/* "F32"; NULL for a bad code. */
const char *tdagi_safetensors_dtype_name(tdag_dtype dtype);

#endif
