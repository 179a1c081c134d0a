/* zlib with a context's memory. */
#ifndef TDAGI_INFLATE_H
#define TDAGI_INFLATE_H

#include <stddef.h>
#include <zlib.h>

#include "base/ctx.h"

/* A stream whose memory is the allocator's, which outlives it. */
z_stream tdagi_inflate_stream(const tdag_allocator *a);
/* A table that was built in as n bytes (pack.h), inflated when it is first asked for
 * and kept by the context: a conversion asks often. Errors: E_NOMEM. */
tdag_status tdagi_built_in(tdag_ctx *ctx, tdagi_kept *kept, const unsigned char *bytes,
                           size_t n, size_t size, const void **out);

#endif
