/* See zip.h. A record is proved when it is read: its local header is that of the
 * directory's name and leaves room for its bytes. zlib takes its memory from the
 * archive's allocator, one stream for all records. */
#include <stdlib.h>
#include <string.h>

#include "archive/zip_directory.h"
#include "archive/zip_format.h"

#define MAX_INFLATED ((uint64_t)256 << 20) /* bytes of one archive */
#define MAX_RATIO    1000                  /* of content to deflated bytes */

bool tdagi_zip_is(const void *bytes, size_t n)
{
    if (n < 4) return false;
    uint32_t signature = tdagi_zip_u32(bytes);
    return signature == TDAGI_ZIP_LOCAL || signature == TDAGI_ZIP_END;
}

/* ---- opening and closing ---- */

tdag_status tdagi_zip_open(tdag_ctx *ctx, tdagi_mapping *mapping, const char *what,
                           tdagi_zip **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_zip), &p));
    tdagi_zip *zip = p;
    zip->allocator = ctx->allocator;
    zip->mapping = tdagi_mapping_retain(mapping);
    zip->bytes = tdagi_mapping_data(mapping);
    zip->size = tdagi_mapping_size(mapping);
    tdagi_arena_init(&zip->arena, &zip->allocator);
    zip->what = tdagi_arena_strdup(&zip->arena, what);
    tdag_status st =
        zip->what == NULL ? tdagi_nomem(ctx) : tdagi_zip_read_directory(ctx, zip);
    if (st == TDAG_OK)
        *out = zip;
    else
        tdagi_zip_close(zip);
    return st;
}

void tdagi_zip_close(tdagi_zip *zip)
{
    if (zip == NULL) return;
    const tdag_allocator a = zip->allocator;
    for (uint32_t i = 0; i < zip->n; i++)
        tdagi_mem_free(&a, zip->records[i].content, zip->records[i].entry.size);
    if (zip->has_stream) inflateEnd(&zip->stream);
    tdagi_arena_free(&zip->arena);
    tdagi_mapping_release(zip->mapping);
    tdagi_mem_free(&a, zip, sizeof *zip);
}

/* ---- the directory ---- */

tdagi_mapping *tdagi_zip_mapping(const tdagi_zip *zip) { return zip->mapping; }

const char *tdagi_zip_prefix(const tdagi_zip *zip) { return zip->prefix; }

uint32_t tdagi_zip_count(const tdagi_zip *zip) { return zip->n; }

const tdagi_zip_entry *tdagi_zip_entry_at(const tdagi_zip *zip, uint32_t i)
{
    return &zip->records[i].entry;
}

static int compare_key(const void *name, const void *record)
{
    return strcmp(name, (*(tdagi_zip_record *const *)record)->entry.name);
}

/* The order of full names is that of the names below the folder that all share. */
const tdagi_zip_entry *tdagi_zip_find(const tdagi_zip *zip, const char *name)
{
    if (zip->n == 0) return NULL;
    tdagi_zip_record **found =
        bsearch(name, zip->by_name, zip->n, sizeof *zip->by_name, compare_key);
    return found == NULL ? NULL : &(*found)->entry;
}

/* ---- contents ---- */

/* Where the bytes of a record are. */
static tdag_status find_bytes(tdag_ctx *ctx, const tdagi_zip *zip,
                              const tdagi_zip_record *r, const unsigned char **out)
{
    const unsigned char *h = zip->bytes + r->entry.offset;
    if (tdagi_zip_u32(h) != TDAGI_ZIP_LOCAL)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT, "has no local header");
    if (tdagi_zip_u16(h + 26) != r->name_size ||
        memcmp(h + TDAGI_ZIP_LOCAL_SIZE, r->full_name, r->name_size) != 0)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                                "has another name in its local header");
    if (tdagi_zip_u16(h + 8) != r->entry.method)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                                "has another method in its local header");
    if ((tdagi_zip_u16(h + 6) & TDAGI_ZIP_FLAG_ENCRYPTED) != 0)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_UNSUPPORTED, "is encrypted");
    uint64_t header =
        TDAGI_ZIP_LOCAL_SIZE + (uint64_t)r->name_size + tdagi_zip_u16(h + 28);
    uint64_t room = r->limit - r->entry.offset;
    if (header > room || r->entry.stored > room - header)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT, "overlaps what follows it");
    *out = h + header;
    return TDAG_OK;
}

static tdag_status start_stream(tdag_ctx *ctx, tdagi_zip *zip)
{
    z_stream *s = &zip->stream;
    if (zip->has_stream) return inflateReset(s) == Z_OK ? TDAG_OK : tdagi_nomem(ctx);
    *s = tdagi_inflate_stream(&zip->allocator);
    if (inflateInit2(s, -MAX_WBITS) != Z_OK) return tdagi_nomem(ctx);
    zip->has_stream = true;
    return TDAG_OK;
}

static tdag_status check_inflated_size(tdag_ctx *ctx, const tdagi_zip *zip,
                                       const tdagi_zip_record *r)
{
    const tdagi_zip_entry *e = &r->entry;
    if (e->size / MAX_RATIO > e->stored)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_LIMIT,
                                "would inflate to more than 1000 times its bytes");
    if (e->size > MAX_INFLATED - zip->inflated || e->stored > MAX_INFLATED)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_LIMIT,
                                "would inflate the archive to more than 256 MB");
    return TDAG_OK;
}

static tdag_status inflate_to(tdag_ctx *ctx, tdagi_zip *zip, const tdagi_zip_record *r,
                              const unsigned char *bytes, unsigned char *to)
{
    z_stream *s = &zip->stream;
    TDAGI_TRY(start_stream(ctx, zip));
    s->next_in = (z_const Bytef *)(uintptr_t)bytes; /* only read */
    s->avail_in = (uInt)r->entry.stored;
    s->next_out = to;
    s->avail_out = (uInt)r->entry.size;
    int result = inflate(s, Z_FINISH);
    if (result == Z_MEM_ERROR) return tdagi_nomem(ctx);
    if (result != Z_STREAM_END || s->avail_in != 0 || s->avail_out != 0)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                                "does not inflate to the size that it should have");
    if ((uint32_t)crc32(0, to, (uInt)r->entry.size) == r->entry.crc) return TDAG_OK;
    return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                            "is damaged: its checksum differs");
}

static tdag_status inflate_record(tdag_ctx *ctx, tdagi_zip *zip, tdagi_zip_record *r,
                                  const unsigned char *bytes)
{
    TDAGI_TRY(check_inflated_size(ctx, zip, r));
    size_t size = (size_t)r->entry.size;
    void *content = tdagi_mem_alloc(&zip->allocator, size);
    if (content == NULL) return tdagi_nomem(ctx);
    tdag_status st = inflate_to(ctx, zip, r, bytes, content);
    if (st != TDAG_OK) {
        tdagi_mem_free(&zip->allocator, content, size);
        return st;
    }
    zip->inflated += size;
    r->content = content;
    return TDAG_OK;
}

tdag_status tdagi_zip_read(tdag_ctx *ctx, tdagi_zip *zip, const tdagi_zip_entry *entry,
                           const void **data_out, size_t *size_out)
{
    /* An entry is the first member of its record. */
    tdagi_zip_record *r = &zip->records[(const tdagi_zip_record *)entry - zip->records];
    const unsigned char *bytes = r->content;
    if (bytes == NULL) {
        TDAGI_TRY(find_bytes(ctx, zip, r, &bytes));
        if (entry->method == 8) {
            TDAGI_TRY(inflate_record(ctx, zip, r, bytes));
            bytes = r->content;
        }
    }
    *data_out = bytes;
    *size_out = (size_t)entry->size;
    return TDAG_OK;
}

tdag_status tdagi_zip_check(tdag_ctx *ctx, tdagi_zip *zip, const tdagi_zip_entry *entry)
{
    const void *data = NULL;
    size_t size = 0;
    TDAGI_TRY(tdagi_zip_read(ctx, zip, entry, &data, &size));
    if (entry->method == 8) return TDAG_OK; /* checked when it was inflated */
    if ((uint32_t)crc32_z(0, data, size) == entry->crc) return TDAG_OK;
    return tdagi_zip_refuse(ctx, zip, (const tdagi_zip_record *)entry, TDAG_E_FORMAT,
                            "is damaged: its checksum differs");
}
