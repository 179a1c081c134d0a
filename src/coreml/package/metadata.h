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

/* ---- the shapes of inputs (shapes.c) ---- */
/* The end that Core ML wants of a size that is open, which is that one by default. */
static inline int64_t tdagi_open_end(int64_t at) { return 16 * (at < 256 ? 256 : at); }
/* Those that a feature may have, as text; NULL: it has one, or any. */
char *tdagi_shapes_text(tdagi_arena *arena, const Cml__FeatureType *type, bool *failed);
/* Puts them back where open sizes have a range, and fit. */
void tdagi_shapes_restore(tdagi_arena *arena, const char *text,
                          Cml__ArrayFeatureType *a, bool *failed);

#endif
