/* zlib with a context's memory. */
#ifndef TDAGI_ARCHIVE_INFLATE_H
#define TDAGI_ARCHIVE_INFLATE_H

#include <stddef.h>
#include <zlib.h>

#include "base/ctx.h"

/* A stream whose memory is the allocator's, which outlives it. */
z_stream tdagi_inflate_stream(const tdag_allocator *a);
/* Inflates n bytes that zlib made of n_out: of what was built in, so that nothing but
 * memory is missing. */
tdag_status tdagi_inflate(tdag_ctx *ctx, const unsigned char *bytes, size_t n,
                          void *out, size_t n_out);

#endif
