/* A file written piece by piece beside the one that it replaces at once when it is
 * complete, so that an error at any moment leaves the old file whole. */
#ifndef TDAGI_REPLACE_H
#define TDAGI_REPLACE_H

#include "base/tensor.h"

typedef struct tdagi_replacement {
    tdag_ctx *ctx;
    char *path, *temporary; /* temporary: "" while the file has no name */
    size_t path_size, room; /* bytes of the two blocks */
    int fd;
} tdagi_replacement;

/* Errors: E_IO, E_NOMEM. After a success one of finish and abandon must follow. */
tdag_status tdagi_replace_begin(tdag_ctx *ctx, const char *path,
                                tdagi_replacement *out);
tdag_status tdagi_replace_write(tdagi_replacement *r, const void *bytes, size_t size);
/* A tensor's elements, piece by piece: of a mapped file no more than a piece is in
 * memory at once. *crc, unless NULL, is the CRC-32 of what came before and goes on. The
 * host is asked between pieces: E_STOPPED. */
tdag_status tdagi_replace_write_tensor(tdagi_replacement *r, const tdag_tensor *t,
                                       uint32_t *crc);
/* Writes over what stands at an offset already. */
tdag_status tdagi_replace_patch(tdagi_replacement *r, uint64_t offset,
                                const void *bytes, size_t size);
/* Syncs and puts the file in its place; on failure the old one stays. */
tdag_status tdagi_replace_finish(tdagi_replacement *r);
void tdagi_replace_abandon(tdagi_replacement *r);

#endif
