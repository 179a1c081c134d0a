/* Zip archives written as PyTorch writes them: one top folder, records stored at
 * multiples of 64 bytes (a local extra field of 'Z's fills up), zip64 where sizes ask
 * for it, times zero, so that equal contents give equal bytes. Written under a
 * temporary name beside the target, which it replaces at once when all is written. */
#ifndef TDAGI_ZIP_WRITE_H
#define TDAGI_ZIP_WRITE_H

#include "archive/mapping.h"
#include "base/tensor.h"

typedef struct tdagi_zip_writer tdagi_zip_writer;

/* prefix: the top folder, without '/'. Errors: E_IO, E_NOMEM. */
tdag_status tdagi_zip_create(tdag_ctx *ctx, const char *path, const char *prefix,
                             tdagi_zip_writer **out);
/* Appends a record, its bytes written through without a copy. */
tdag_status tdagi_zip_add(tdagi_zip_writer *w, const char *name, const void *data,
                          size_t size);
/* The same of a tensor's elements, piece by piece (replace.h). */
tdag_status tdagi_zip_add_tensor(tdagi_zip_writer *w, const char *name,
                                 const tdag_tensor *tensor);
/* Writes the directory, behind which nothing can be added, and maps what was written,
 * which is not in its place yet. */
tdag_status tdagi_zip_map(tdagi_zip_writer *w, tdagi_mapping **out);
/* Writes the directory, syncs and renames. The writer is freed, also on failure, when
 * the temporary file is removed and the old file left whole. */
tdag_status tdagi_zip_finish(tdagi_zip_writer *w);
void tdagi_zip_abandon(tdagi_zip_writer *w); /* NULL is fine; leaves no file */

#endif
