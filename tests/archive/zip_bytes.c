/* See zip_bytes.h. Local headers have data descriptors and a padding of Zs, as
 * PyTorch's do. */
#include "archive/zip_bytes.h"

#include <zlib.h>

#include "support/test.h"

#define ROOM (1 << 20)

static void put(zip_bytes *zip, int width, uint64_t value)
{
    assert_true(zip->size + 8 < ROOM);
    zip_bytes_put(zip, zip->size, width, value);
    zip->size += (size_t)width;
}

static void put_bytes(zip_bytes *zip, const void *bytes, size_t n)
{
    assert_true(zip->size + n < ROOM);
    if (n > 0) memcpy(zip->data + zip->size, bytes, n);
    zip->size += n;
}

void zip_bytes_put(zip_bytes *zip, size_t at, int width, uint64_t value)
{
    for (int i = 0; i < width; i++)
        zip->data[at + (size_t)i] = (unsigned char)(value >> (8 * i));
}

/* ---- records ---- */

typedef struct stored {
    uint64_t size, stored, offset;
    uint32_t crc;
} stored;

static size_t deflate_to(zip_bytes *zip, const void *content, size_t size)
{
    z_stream s = {0};
    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    s.next_in = (z_const Bytef *)(uintptr_t)content;
    s.avail_in = (uInt)size;
    s.next_out = zip->data + zip->size;
    s.avail_out = (uInt)(ROOM - zip->size);
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    size_t n = s.total_out;
    deflateEnd(&s);
    zip->size += n;
    return n;
}

static stored put_local(zip_bytes *zip, const zip_bytes_record *r)
{
    size_t name = strlen(r->name), size = r->size > 0 ? r->size : strlen(r->content);
    stored s = {.size = size, .offset = zip->size};
    put(zip, 4, 0x04034b50);
    put(zip, 2, 0);      /* version */
    put(zip, 2, 0x0808); /* UTF-8, sizes behind the data */
    put(zip, 2, r->deflated ? 8 : 0);
    put(zip, 8, 0); /* time, date, checksum */
    put(zip, 8, 0); /* sizes */
    put(zip, 2, name);
    size_t padding = (64 - (zip->size + 2 + name + 4) % 64) % 64;
    put(zip, 2, padding + 4);
    put_bytes(zip, r->name, name);
    put(zip, 2, 0x4246);
    put(zip, 2, padding);
    for (size_t i = 0; i < padding; i++)
        put(zip, 1, 'Z');
    size_t start = zip->size;
    if (r->deflated)
        deflate_to(zip, r->content, size);
    else
        put_bytes(zip, r->content, size);
    s.stored = zip->size - start;
    s.crc = (uint32_t)crc32(0, (const Bytef *)r->content, (uInt)size);
    put(zip, 4, 0x08074b50); /* the descriptor */
    put(zip, 4, s.crc);
    put(zip, 4, s.stored);
    put(zip, 4, s.size);
    return s;
}

static void put_central(zip_bytes *zip, const zip_bytes_record *r, const stored *s)
{
    put(zip, 4, 0x02014b50);
    put(zip, 4, 0); /* versions */
    put(zip, 2, 0x0808);
    put(zip, 2, r->deflated ? 8 : 0);
    put(zip, 4, 0);
    put(zip, 4, s->crc);
    put(zip, 4, r->zip64 ? UINT32_MAX : s->stored);
    put(zip, 4, r->zip64 ? UINT32_MAX : s->size);
    put(zip, 2, strlen(r->name));
    put(zip, 2, r->zip64 ? 28 : 0);
    put(zip, 8, 0); /* comment, disk, attributes */
    put(zip, 2, 0);
    put(zip, 4, r->zip64 ? UINT32_MAX : s->offset);
    put_bytes(zip, r->name, strlen(r->name));
    if (!r->zip64) return;
    put(zip, 2, 1);
    put(zip, 2, 24);
    put(zip, 8, s->size);
    put(zip, 8, s->stored);
    put(zip, 8, s->offset);
}

/* ---- the end ---- */

static void put_end64(zip_bytes *zip, size_t n, size_t start)
{
    size_t size = zip->size - start;
    zip->end64 = zip->size;
    put(zip, 4, 0x06064b50);
    put(zip, 8, 44);
    put(zip, 4, 0); /* versions */
    put(zip, 8, 0); /* disks */
    put(zip, 8, n);
    put(zip, 8, n);
    put(zip, 8, size);
    put(zip, 8, start);
    zip->locator = zip->size;
    put(zip, 4, 0x07064b50);
    put(zip, 4, 0);
    put(zip, 8, zip->end64);
    put(zip, 4, 1);
}

zip_bytes zip_bytes_make(const zip_bytes_record *records, size_t n, bool end64)
{
    zip_bytes zip = {.data = calloc(1, ROOM)};
    stored s[8];
    assert_non_null(zip.data);
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++) {
        zip.local[i] = zip.size;
        s[i] = put_local(&zip, &records[i]);
    }
    size_t start = zip.size;
    for (size_t i = 0; i < n; i++) {
        zip.central[i] = zip.size;
        put_central(&zip, &records[i], &s[i]);
    }
    size_t size = zip.size - start;
    if (end64) put_end64(&zip, n, start);
    zip.end = zip.size;
    put(&zip, 4, 0x06054b50);
    put(&zip, 4, 0); /* disks */
    put(&zip, 2, n);
    put(&zip, 2, n);
    put(&zip, 4, size);
    put(&zip, 4, start);
    put(&zip, 2, 0);
    return zip;
}
