/* See inflate.h. */
#include <stdint.h>
#include <string.h>

#include "base/pack/inflate.h"

/* A block for zlib, its size before it. */
static voidpf take_block(voidpf user, uInt n, uInt size)
{
    size_t all = (size_t)n * size + sizeof(max_align_t);
    unsigned char *block = tdagi_mem_alloc(user, all);
    if (block == NULL) return NULL;
    memcpy(block, &all, sizeof all);
    return block + sizeof(max_align_t);
}

static void give_block(voidpf user, voidpf address)
{
    unsigned char *block = (unsigned char *)address - sizeof(max_align_t);
    size_t all;
    memcpy(&all, block, sizeof all);
    tdagi_mem_free(user, block, all);
}

z_stream tdagi_inflate_stream(const tdag_allocator *a)
{
    return (z_stream){
        .zalloc = take_block, .zfree = give_block, .opaque = (void *)(uintptr_t)a};
}

/* Of what was built in nothing but memory can be missing. */
static tdag_status inflate_all(tdag_ctx *ctx, const unsigned char *bytes, size_t n,
                               void *out, size_t n_out)
{
    z_stream s = tdagi_inflate_stream(&ctx->allocator);
    if (inflateInit(&s) != Z_OK) return tdagi_nomem(ctx);
    s.next_in = (z_const Bytef *)(uintptr_t)bytes; /* only read */
    s.avail_in = (uInt)n;
    s.next_out = out;
    s.avail_out = (uInt)n_out;
    int result = inflate(&s, Z_FINISH);
    inflateEnd(&s);
    return result == Z_STREAM_END ? TDAG_OK : tdagi_nomem(ctx);
}

tdag_status tdagi_built_in(tdag_ctx *ctx, tdagi_kept *kept, const unsigned char *bytes,
                           size_t n, size_t size, const void **out)
{
    if (kept->block == NULL) {
        void *table = tdagi_mem_alloc(&ctx->allocator, size);
        tdag_status st =
            table == NULL ? tdagi_nomem(ctx) : inflate_all(ctx, bytes, n, table, size);
        if (st != TDAG_OK) {
            tdagi_mem_free(&ctx->allocator, table, size);
            return st;
        }
        *kept = (tdagi_kept){table, size};
    }
    *out = kept->block;
    return TDAG_OK;
}
