/* Writing zip archives: each record is written through behind its header, what the
 * directory says of it is kept until the end. See zip_write.h. */
#include "archive/zip_write.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "archive/replace.h"
#include "archive/zip_format.h"
#include "base/text.h"

#define ALIGNMENT 64

struct tdagi_zip_writer {
    tdag_ctx *ctx;
    tdagi_replacement file;
    char *prefix;
    tdagi_text directory; /* bytes of the central directory so far */
    uint64_t offset;      /* bytes of the file so far */
    uint64_t n;           /* records */
    bool is_complete;     /* the directory stands behind them */
};

/* What is said of a record. */
typedef struct record {
    const char *name; /* without the top folder */
    size_t prefix, length;
    uint64_t size, offset;
    uint32_t crc;
} record;

/* ---- numbers ---- */

static void put(tdagi_text *to, uint64_t value, uint32_t n_bytes)
{
    char bytes[8];
    for (uint32_t i = 0; i < n_bytes; i++)
        bytes[i] = (char)(unsigned char)(value >> (8 * i));
    tdagi_text_add_bytes(to, bytes, n_bytes);
}

/* A number of 32 bits, or the mark that the zip64 field has it. */
static void put_or_mark(tdagi_text *to, uint64_t value)
{
    put(to, value < TDAGI_ZIP_MAX32 ? value : TDAGI_ZIP_MAX32, 4);
}

static bool is_large(uint64_t value) { return value >= TDAGI_ZIP_MAX32; }

static void put_name(const tdagi_zip_writer *w, tdagi_text *to, const record *r)
{
    tdagi_text_add_bytes(to, w->prefix, r->prefix - 1);
    tdagi_text_add_bytes(to, "/", 1);
    tdagi_text_add_bytes(to, r->name, r->length);
}

/* What both headers of a record begin with. */
static void put_facts(tdagi_text *to, const record *r)
{
    bool large = is_large(r->size) || is_large(r->offset);
    put(to, large ? 45 : 20, 2); /* version needed */
    put(to, TDAGI_ZIP_FLAG_UTF8, 2);
    put(to, 0, 2); /* stored */
    put(to, 0, 4); /* time and date */
    put(to, r->crc, 4);
    put_or_mark(to, r->size);
    put_or_mark(to, r->size);
    put(to, r->prefix + r->length, 2);
}

/* ---- records ---- */

/* The header, its extra fields such that the content starts at a multiple of 64. */
static void put_local(const tdagi_zip_writer *w, tdagi_text *to, const record *r)
{
    uint64_t size64 = is_large(r->size) ? 20 : 0;
    uint64_t end =
        r->offset + TDAGI_ZIP_LOCAL_SIZE + r->prefix + r->length + size64 + 4;
    uint64_t fill = (ALIGNMENT - end % ALIGNMENT) % ALIGNMENT;
    put(to, TDAGI_ZIP_LOCAL, 4);
    put_facts(to, r);
    put(to, size64 + 4 + fill, 2);
    put_name(w, to, r);
    if (size64 > 0) {
        put(to, TDAGI_ZIP_EXTRA64, 2);
        put(to, 16, 2);
        put(to, r->size, 8);
        put(to, r->size, 8);
    }
    put(to, TDAGI_ZIP_PADDING, 2);
    put(to, fill, 2);
    for (uint64_t i = 0; i < fill; i++)
        tdagi_text_add_bytes(to, "Z", 1);
}

static void put_central(const tdagi_zip_writer *w, tdagi_text *to, const record *r)
{
    uint32_t size64 = (is_large(r->size) ? 16U : 0U) + (is_large(r->offset) ? 8U : 0U);
    put(to, TDAGI_ZIP_CENTRAL, 4);
    put(to, 45, 2); /* version made by */
    put_facts(to, r);
    put(to, size64 > 0 ? size64 + 4 : 0, 2);
    put(to, 0, 4); /* comment, disk */
    put(to, 0, 6); /* attributes */
    put_or_mark(to, r->offset);
    put_name(w, to, r);
    if (size64 == 0) return;
    put(to, TDAGI_ZIP_EXTRA64, 2);
    put(to, size64, 2);
    if (is_large(r->size)) put(to, r->size, 8);
    if (is_large(r->size)) put(to, r->size, 8);
    if (is_large(r->offset)) put(to, r->offset, 8);
}

static tdag_status write_bytes(tdagi_zip_writer *w, const void *bytes, size_t size)
{
    TDAGI_TRY(tdagi_replace_write(&w->file, bytes, size));
    w->offset += size;
    return TDAG_OK;
}

static tdag_status write_text(tdagi_zip_writer *w, tdagi_text *text)
{
    tdag_status st = text->status;
    if (st == TDAG_OK) st = write_bytes(w, text->data, text->length);
    tdagi_text_free(text);
    return st;
}

static tdag_status begin_record(tdagi_zip_writer *w, record *r, const char *name,
                                size_t size)
{
    tdagi_text header;
    r->name = name;
    r->prefix = strlen(w->prefix) + 1;
    r->length = strlen(name);
    r->size = size;
    r->offset = w->offset;
    if (r->prefix + r->length > TDAGI_ZIP_MAX16 - 1)
        return tdagi_fail(w->ctx, TDAG_E_LIMIT, "a record's name is too long: %.80s...",
                          name);
    tdagi_text_init(&header, w->ctx);
    put_local(w, &header, r);
    return write_text(w, &header);
}

static tdag_status end_record(tdagi_zip_writer *w, const record *r)
{
    put_central(w, &w->directory, r);
    w->n++;
    return w->directory.status;
}

tdag_status tdagi_zip_add(tdagi_zip_writer *w, const char *name, const void *data,
                          size_t size)
{
    record r = {.crc = (uint32_t)crc32_z(0, size == 0 ? Z_NULL : data, size)};
    TDAGI_TRY(begin_record(w, &r, name, size));
    TDAGI_TRY(write_bytes(w, data, size));
    return end_record(w, &r);
}

/* One pass over the elements: their CRC is known behind them and goes into the header
 * then. */
tdag_status tdagi_zip_add_tensor(tdagi_zip_writer *w, const char *name,
                                 const tdag_tensor *tensor)
{
    record r = {.crc = 0};
    TDAGI_TRY(begin_record(w, &r, name, tensor->size));
    TDAGI_TRY(tdagi_replace_write_tensor(&w->file, tensor, &r.crc));
    w->offset += tensor->size;
    unsigned char crc[4];
    for (int i = 0; i < 4; i++)
        crc[i] = (unsigned char)(r.crc >> (8 * i));
    TDAGI_TRY(
        tdagi_replace_patch(&w->file, r.offset + TDAGI_ZIP_LOCAL_CRC, crc, sizeof crc));
    return end_record(w, &r);
}

/* ---- the file ---- */

/* The zip64 end, where the other one has not enough room, and that. */
static void put_end(tdagi_zip_writer *w, tdagi_text *to, uint64_t start, uint64_t size)
{
    bool large = w->n >= TDAGI_ZIP_MAX16 || is_large(start) || is_large(size);
    uint64_t n = large ? TDAGI_ZIP_MAX16 : w->n;
    if (large) {
        put(to, TDAGI_ZIP_END64, 4);
        put(to, TDAGI_ZIP_END64_SIZE - 12, 8);
        put(to, 45, 2);
        put(to, 45, 2);
        put(to, 0, 8); /* this disk, that of the directory */
        put(to, w->n, 8);
        put(to, w->n, 8);
        put(to, size, 8);
        put(to, start, 8);
        put(to, TDAGI_ZIP_LOCATOR64, 4);
        put(to, 0, 4);
        put(to, start + size, 8);
        put(to, 1, 4);
    }
    put(to, TDAGI_ZIP_END, 4);
    put(to, 0, 4);
    put(to, n, 2);
    put(to, n, 2);
    put(to, large ? TDAGI_ZIP_MAX32 : size, 4);
    put(to, large ? TDAGI_ZIP_MAX32 : start, 4);
    put(to, 0, 2);
}

static void free_writer(tdagi_zip_writer *w)
{
    tdagi_text_free(&w->directory);
    if (w->prefix != NULL) tdagi_strfree(w->ctx, w->prefix);
    tdagi_free(w->ctx, w, sizeof *w);
}

tdag_status tdagi_zip_create(tdag_ctx *ctx, const char *path, const char *prefix,
                             tdagi_zip_writer **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_zip_writer), &p));
    tdagi_zip_writer *w = p;
    w->ctx = ctx;
    tdagi_text_init(&w->directory, ctx);
    tdag_status st = tdagi_strdup(ctx, prefix, &w->prefix);
    if (st == TDAG_OK) st = tdagi_replace_begin(ctx, path, &w->file);
    if (st == TDAG_OK)
        *out = w;
    else
        free_writer(w);
    return st;
}

static tdag_status complete(tdagi_zip_writer *w)
{
    tdagi_text end;
    if (w->is_complete) return TDAG_OK;
    tdagi_text_init(&end, w->ctx);
    put_end(w, &end, w->offset, w->directory.length);
    tdag_status st = w->directory.status;
    if (st == TDAG_OK) st = write_bytes(w, w->directory.data, w->directory.length);
    if (st == TDAG_OK)
        st = write_text(w, &end);
    else
        tdagi_text_free(&end);
    w->is_complete = st == TDAG_OK;
    return st;
}

tdag_status tdagi_zip_map(tdagi_zip_writer *w, tdagi_mapping **out)
{
    TDAGI_TRY(complete(w));
    return tdagi_mapping_of_file(w->ctx, w->file.fd, w->file.path, 0, out);
}

tdag_status tdagi_zip_finish(tdagi_zip_writer *w)
{
    tdag_status st = complete(w);
    if (st == TDAG_OK)
        st = tdagi_replace_finish(&w->file);
    else
        tdagi_replace_abandon(&w->file);
    free_writer(w);
    return st;
}

void tdagi_zip_abandon(tdagi_zip_writer *w)
{
    if (w == NULL) return;
    tdagi_replace_abandon(&w->file);
    free_writer(w);
}
