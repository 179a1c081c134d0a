/* Author, license and the like: of Core ML's descriptions and of models. */
#ifndef TDAGI_METADATA_H
#define TDAGI_METADATA_H

#include "coreml/proto/protobuf.h"
#include "program/model.h"

/* The user-defined entry that is the exporter's own (write/notes.c): no metadata of the
 * model. */
#define TDAGI_NOTES_KEY "tdagger"

/* Gives a new model the metadata of a description; NULL is fine. Errors: E_NOMEM. */
tdag_status tdagi_metadata_read(tdag_ctx *ctx, const Cml__ModelDescription *description,
                                tdag_model *model);
/* Puts a model's metadata into a description whose features are there, in memory of the
 * arena; `description->metadata` is set. Errors: E_NOMEM. */
tdag_status tdagi_metadata_write(tdag_ctx *ctx, tdagi_arena *arena,
                                 const tdag_model *model,
                                 Cml__ModelDescription *description);
/* Adds the exporter's entry, whose text is lent. Errors: E_NOMEM. */
tdag_status tdagi_metadata_add_notes(tdag_ctx *ctx, tdagi_arena *arena, char *text,
                                     Cml__ModelDescription *description);

#endif
