/* What writing and reading .tdag files share; docs/formats.md tells the format. */
#ifndef TDAGI_TDAG_H
#define TDAGI_TDAG_H

#include <tdagger/file.h>

#include "format/safetensors.h"
#include "ir/graph.h"
#include "program/model.h"

/* The keys of the metadata, and what stands before the version under the first one. */
#define TDAGI_TDAG_FORMAT_KEY "format"
#define TDAGI_TDAG_MODEL_KEY  "tdag"
#define TDAGI_TDAG_FORMAT     "tdag/"

/* Constants of one repeated value take no room in the file, but do in memory: beyond
 * this many bytes of them in one file they are stored as tensors, and reading refuses
 * more, so that a small file cannot ask for all memory. */
#define TDAGI_TDAG_MAX_REPEATED ((uint64_t)1 << 28)

/* The model as JSON; the tensors it refers to by name go to *tensors_out, whose arrays
 * and names live in the arena and whose tensors are lent. */
tdag_status tdagi_tdag_write(tdag_ctx *ctx, tdagi_arena *arena, const tdag_model *model,
                             int *version_out, char **json_out,
                             tdag_named_tensors *tensors_out);
/* As tdag_load(), of bytes in memory that sentences call `what`. */
tdag_status tdagi_tdag_load(tdag_ctx *ctx, tdagi_mapping *mapping, const char *what,
                            tdag_model **out);
/* The model that JSON of that version describes, with the tensors it refers to. */
tdag_status tdagi_tdag_read(tdag_ctx *ctx, uint32_t version, const char *json,
                            const tdag_named_tensors *tensors, tdag_model **out);

#endif
