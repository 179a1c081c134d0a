/* Opening an archive: the end record, its zip64 form, the directory, and the checks of
 * all records against each other. Only the end of the file is touched.
 *
 * Local headers, which stand between the records, are not read here: a record is known
 * to begin behind the one before it and to end before the next, whatever its local
 * header says of itself, and that is held against it when it is read. */
#include "archive/zip_directory.h"

#include <stdlib.h>
#include <string.h>

#include "archive/zip_format.h"
#include "base/text.h"

#define MAX_COMMENT 65535
#define MAX_RECORDS 10000000

/* What the end of the archive says of the directory. */
typedef struct directory {
    uint64_t n_records;
    uint64_t offset, size;
    uint64_t end; /* where the directory ends at the latest */
} directory;

static tdag_status refuse_file(tdag_ctx *ctx, const tdagi_zip *zip, uint64_t offset,
                               const char *why)
{
    tdagi_fail(ctx, TDAG_E_FORMAT, "%s %s", zip->what, why);
    return tdagi_fail_at_offset(ctx, offset);
}

tdag_status tdagi_zip_refuse(tdag_ctx *ctx, const tdagi_zip *zip,
                             const tdagi_zip_record *record, tdag_status status,
                             const char *why)
{
    tdagi_fail(ctx, status, "record %s in %s %s", record->full_name, zip->what, why);
    return tdagi_fail_at_offset(ctx, record->entry.offset);
}

/* ---- the end records ---- */

/* The last end record whose comment fits; bytes behind it are junk that others take. */
static bool find_end(const tdagi_zip *zip, uint64_t *out)
{
    if (zip->size < TDAGI_ZIP_END_SIZE) return false;
    uint64_t last = zip->size - TDAGI_ZIP_END_SIZE;
    uint64_t first = last > MAX_COMMENT ? last - MAX_COMMENT : 0;
    for (uint64_t at = last + 1; at-- > first;) {
        const unsigned char *p = zip->bytes + at;
        if (tdagi_zip_u32(p) != TDAGI_ZIP_END) continue;
        if (tdagi_zip_u16(p + 20) > last - at) continue;
        *out = at;
        return true;
    }
    return false;
}

/* A field of the end record and its zip64 form must not contradict each other. */
static bool agrees(uint64_t field, uint64_t saturated, uint64_t full)
{
    return field == saturated || field == full;
}

static bool spans_disks(const unsigned char *end, const unsigned char *end64)
{
    uint16_t disk = tdagi_zip_u16(end + 4), start = tdagi_zip_u16(end + 6);
    if (end64 == NULL)
        return disk != 0 || start != 0 ||
               tdagi_zip_u16(end + 8) != tdagi_zip_u16(end + 10);
    return !agrees(disk, TDAGI_ZIP_MAX16, 0) || !agrees(start, TDAGI_ZIP_MAX16, 0) ||
           tdagi_zip_u32(end64 + 16) != 0 || tdagi_zip_u32(end64 + 20) != 0 ||
           tdagi_zip_u64(end64 + 24) != tdagi_zip_u64(end64 + 32);
}

/* Finds the zip64 end record by its locator before `end`; NULL if there is none. */
static tdag_status find_end64(tdag_ctx *ctx, const tdagi_zip *zip, uint64_t end,
                              const unsigned char **out, uint64_t *at_out)
{
    *out = NULL;
    if (end < TDAGI_ZIP_LOCATOR64_SIZE) return TDAG_OK;
    uint64_t locator = end - TDAGI_ZIP_LOCATOR64_SIZE;
    const unsigned char *p = zip->bytes + locator;
    if (tdagi_zip_u32(p) != TDAGI_ZIP_LOCATOR64) return TDAG_OK;
    uint64_t at = tdagi_zip_u64(p + 8);
    if (tdagi_zip_u32(p + 4) != 0 || tdagi_zip_u32(p + 16) > 1)
        return refuse_file(ctx, zip, locator, "is a part of an archive of several");
    if (locator < TDAGI_ZIP_END64_SIZE || at > locator - TDAGI_ZIP_END64_SIZE ||
        tdagi_zip_u32(zip->bytes + at) != TDAGI_ZIP_END64)
        return refuse_file(ctx, zip, locator,
                           "has a zip64 locator that leads to no end record");
    *out = zip->bytes + at;
    *at_out = at;
    return TDAG_OK;
}

static bool forms_agree(const unsigned char *end, const directory *d)
{
    return agrees(tdagi_zip_u16(end + 10), TDAGI_ZIP_MAX16, d->n_records) &&
           agrees(tdagi_zip_u32(end + 12), TDAGI_ZIP_MAX32, d->size) &&
           agrees(tdagi_zip_u32(end + 16), TDAGI_ZIP_MAX32, d->offset);
}

static tdag_status read_end(tdag_ctx *ctx, const tdagi_zip *zip, directory *d)
{
    uint64_t at = 0;
    const unsigned char *end64 = NULL;
    if (!find_end(zip, &at))
        return refuse_file(ctx, zip, zip->size,
                           "is no zip archive or is cut: it has no end record");
    const unsigned char *end = zip->bytes + at;
    *d = (directory){.n_records = tdagi_zip_u16(end + 10),
                     .size = tdagi_zip_u32(end + 12),
                     .offset = tdagi_zip_u32(end + 16),
                     .end = at};
    TDAGI_TRY(find_end64(ctx, zip, at, &end64, &d->end));
    if (end64 != NULL) {
        d->n_records = tdagi_zip_u64(end64 + 32);
        d->size = tdagi_zip_u64(end64 + 40);
        d->offset = tdagi_zip_u64(end64 + 48);
        if (!forms_agree(end, d))
            return refuse_file(ctx, zip, d->end,
                               "has two end records that contradict each other");
    }
    if (spans_disks(end, end64))
        return refuse_file(ctx, zip, at, "is a part of an archive of several");
    if (d->offset > d->end || d->size > d->end - d->offset)
        return refuse_file(ctx, zip, at, "has a directory that lies outside of it");
    if (d->n_records > d->size / TDAGI_ZIP_CENTRAL_SIZE)
        return refuse_file(ctx, zip, at,
                           "has a directory too short for its number of records");
    if (d->n_records <= MAX_RECORDS) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_LIMIT, "%s has %llu records; at most %d are read",
                      zip->what, (unsigned long long)d->n_records, MAX_RECORDS);
}

/* ---- one record of the directory ---- */

static const char *name_fault(const char *name, size_t size)
{
    const char *end = name + size;
    if (size == 0) return "has no name";
    if (*name == '/') return "has an absolute path as its name";
    for (const char *part = name, *p = name; p <= end; p++) {
        if (p < end && *p != '/') continue;
        if (p - part == 2 && part[0] == '.' && part[1] == '.')
            return "has a name that leads upwards";
        part = p + 1;
    }
    for (const char *p = name; p < end;) {
        size_t n = *p > 0 && *p < 0x7f ? 1 : tdagi_utf8_length(p, end);
        if (n == 0) return "has a name that is not UTF-8";
        if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\')
            return "has a name with a control character or a backslash";
        p += n;
    }
    return NULL;
}

/* The zip64 extra field has those numbers, in this order, that do not fit theirs. */
static bool read_extra64(const unsigned char *p, const unsigned char *end,
                         tdagi_zip_entry *e)
{
    uint64_t *const fields[] = {&e->size, &e->stored, &e->offset};
    for (int i = 0; i < 3; i++) {
        if (*fields[i] != TDAGI_ZIP_MAX32) continue;
        if (end - p < 8) return false;
        *fields[i] = tdagi_zip_u64(p);
        p += 8;
    }
    return true;
}

static bool read_extras(const unsigned char *p, const unsigned char *end,
                        tdagi_zip_entry *e)
{
    bool seen = false;
    while (end - p >= 4) {
        uint16_t id = tdagi_zip_u16(p), size = tdagi_zip_u16(p + 2);
        p += 4;
        if (size > end - p) return false;
        if (id == TDAGI_ZIP_EXTRA64 && (seen || !read_extra64(p, p + size, e)))
            return false;
        seen = seen || id == TDAGI_ZIP_EXTRA64;
        p += size;
    }
    return true;
}

static tdag_status check_record(tdag_ctx *ctx, const tdagi_zip *zip,
                                const tdagi_zip_record *r, uint16_t flags)
{
    const tdagi_zip_entry *e = &r->entry;
    const uint16_t hidden = TDAGI_ZIP_FLAG_ENCRYPTED | TDAGI_ZIP_FLAG_PATCH |
                            TDAGI_ZIP_FLAG_STRONG | TDAGI_ZIP_FLAG_MASKED;
    if ((flags & hidden) != 0)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_UNSUPPORTED, "is encrypted");
    if (e->method != 0 && e->method != 8)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_UNSUPPORTED,
                                "is compressed by another method than deflate");
    if (e->method == 0 && e->stored != e->size)
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                                "is stored with two different sizes");
    return TDAG_OK;
}

/* Reads the record of the directory at *p, moves *p behind it. */
static tdag_status read_record(tdag_ctx *ctx, tdagi_zip *zip, const unsigned char **p,
                               const unsigned char *end, tdagi_zip_record *r)
{
    const unsigned char *h = *p;
    uint64_t at = (uint64_t)(h - zip->bytes);
    if (end - h < TDAGI_ZIP_CENTRAL_SIZE || tdagi_zip_u32(h) != TDAGI_ZIP_CENTRAL)
        return refuse_file(ctx, zip, at, "has a directory that is no list of records");
    size_t name_size = tdagi_zip_u16(h + 28), extra_size = tdagi_zip_u16(h + 30);
    size_t rest = name_size + extra_size + tdagi_zip_u16(h + 32);
    const unsigned char *name = h + TDAGI_ZIP_CENTRAL_SIZE;
    if (rest > (size_t)(end - name))
        return refuse_file(ctx, zip, at, "has a record that its directory cuts");
    char *copy = tdagi_arena_alloc(&zip->arena, name_size + 1);
    if (copy == NULL) return tdagi_nomem(ctx);
    memcpy(copy, name, name_size);
    copy[name_size] = '\0';
    const char *fault = name_fault(copy, name_size);
    if (fault != NULL) {
        tdagi_fail(ctx, TDAG_E_FORMAT, "a record in %s %s", zip->what, fault);
        return tdagi_fail_at_offset(ctx, at);
    }
    *r = (tdagi_zip_record){.entry = {.name = copy,
                                      .offset = tdagi_zip_u32(h + 42),
                                      .stored = tdagi_zip_u32(h + 20),
                                      .size = tdagi_zip_u32(h + 24),
                                      .crc = tdagi_zip_u32(h + 16),
                                      .method = tdagi_zip_u16(h + 10)},
                            .full_name = copy,
                            .name_size = (uint32_t)name_size};
    *p = name + rest;
    if (!read_extras(name + name_size, name + name_size + extra_size, &r->entry))
        return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                                "has extra fields that contradict their lengths");
    return check_record(ctx, zip, r, tdagi_zip_u16(h + 8));
}

/* ---- all records ---- */

static bool is_folder(const tdagi_zip_record *r)
{
    return r->full_name[r->name_size - 1] == '/' && r->entry.size == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(tdagi_zip_record *const *)a)->full_name,
                  (*(tdagi_zip_record *const *)b)->full_name);
}

static int compare_places(const void *a, const void *b)
{
    uint64_t x = (*(tdagi_zip_record *const *)a)->entry.offset;
    uint64_t y = (*(tdagi_zip_record *const *)b)->entry.offset;
    return (x > y) - (x < y);
}

static tdag_status check_names(tdag_ctx *ctx, tdagi_zip *zip)
{
    if (zip->n > 0) qsort(zip->by_name, zip->n, sizeof *zip->by_name, compare_names);
    for (uint32_t i = 1; i < zip->n; i++)
        if (strcmp(zip->by_name[i - 1]->full_name, zip->by_name[i]->full_name) == 0)
            return tdagi_zip_refuse(ctx, zip, zip->by_name[i], TDAG_E_FORMAT,
                                    "has a name that is there twice");
    return TDAG_OK;
}

/* Each begins where no other is, and before the directory. */
static tdag_status check_places(tdag_ctx *ctx, const tdagi_zip *zip,
                                tdagi_zip_record **order, uint64_t directory_offset)
{
    memcpy(order, zip->by_name, zip->n * sizeof *order);
    if (zip->n > 0) qsort(order, zip->n, sizeof *order, compare_places);
    for (uint32_t i = 0; i < zip->n; i++) {
        tdagi_zip_record *r = order[i];
        r->limit = i + 1 < zip->n ? order[i + 1]->entry.offset : directory_offset;
        if (r->limit > directory_offset || r->entry.offset > r->limit)
            return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                                    "lies outside of the archive's data");
        uint64_t room = r->limit - r->entry.offset;
        uint64_t header = TDAGI_ZIP_LOCAL_SIZE + (uint64_t)r->name_size;
        if (room < header || r->entry.stored > room - header)
            return tdagi_zip_refuse(ctx, zip, r, TDAG_E_FORMAT,
                                    i + 1 < zip->n
                                        ? "overlaps another one"
                                        : "lies outside of the archive's data");
    }
    return TDAG_OK;
}

/* The folder that all names begin with, which readers do not ask for. */
static tdag_status find_prefix(tdag_ctx *ctx, tdagi_zip *zip)
{
    zip->prefix = "";
    const char *slash = zip->n == 0 ? NULL : strchr(zip->records[0].full_name, '/');
    if (slash == NULL) return TDAG_OK;
    const char *first = zip->records[0].full_name;
    size_t size = (size_t)(slash - first);
    for (uint32_t i = 0; i < zip->n; i++)
        if (strncmp(zip->records[i].full_name, first, size + 1) != 0) return TDAG_OK;
    char *prefix = tdagi_arena_alloc(&zip->arena, size + 1);
    if (prefix == NULL) return tdagi_nomem(ctx);
    memcpy(prefix, first, size);
    prefix[size] = '\0';
    zip->prefix = prefix;
    for (uint32_t i = 0; i < zip->n; i++)
        zip->records[i].entry.name += size + 1;
    return TDAG_OK;
}

static tdag_status read_records(tdag_ctx *ctx, tdagi_zip *zip, const directory *d)
{
    const unsigned char *p = zip->bytes + d->offset, *end = p + d->size;
    size_t n = (size_t)d->n_records;
    zip->records = tdagi_arena_array(&zip->arena, n, sizeof *zip->records);
    zip->by_name = tdagi_arena_array(&zip->arena, n, sizeof *zip->by_name);
    if (zip->records == NULL || zip->by_name == NULL) return tdagi_nomem(ctx);
    for (size_t i = 0; i < n; i++) {
        tdagi_zip_record *r = &zip->records[zip->n];
        TDAGI_TRY(read_record(ctx, zip, &p, end, r));
        if (!is_folder(r)) zip->by_name[zip->n++] = r;
    }
    if (p == end) return TDAG_OK;
    return refuse_file(ctx, zip, (uint64_t)(p - zip->bytes),
                       "has more in its directory than its number of records");
}

tdag_status tdagi_zip_read_directory(tdag_ctx *ctx, tdagi_zip *zip)
{
    directory d = {0};
    void *order = NULL;
    TDAGI_TRY(read_end(ctx, zip, &d));
    TDAGI_TRY(read_records(ctx, zip, &d));
    TDAGI_TRY(check_names(ctx, zip));
    TDAGI_TRY(tdagi_array_alloc(ctx, zip->n, sizeof(tdagi_zip_record *), &order));
    tdag_status st = check_places(ctx, zip, order, d.offset);
    tdagi_free(ctx, order, zip->n * sizeof(tdagi_zip_record *));
    TDAGI_TRY(st);
    return find_prefix(ctx, zip);
}
