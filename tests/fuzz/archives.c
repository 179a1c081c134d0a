/* See archives.h. Records are written without checksums, which are only looked at of
 * deflated ones. */
#include "fuzz/archives.h"

#include <string.h>

#include "archive/zip.h"
#include "archive/zip_format.h"
#include "fuzz/fuzz.h"

/* ---- the archives ---- */

static void read_records(tdag_ctx *ctx, fuzz_archive *a)
{
    char path[4096];
    tdagi_mapping *m = NULL;
    snprintf(path, sizeof path, "%s/%s", TDAG_FUZZ_SEEDS, a->file);
    EXPECT(tdagi_mapping_open(ctx, path, 0, &m) == TDAG_OK);
    EXPECT(tdagi_zip_open(ctx, m, a->file, &a->zip) == TDAG_OK);
    tdagi_mapping_release(m);
    a->n = tdagi_zip_count(a->zip);
    a->records = calloc(a->n, sizeof *a->records);
    EXPECT(a->records != NULL);
    for (uint32_t i = 0; i < a->n; i++) {
        const tdagi_zip_entry *entry = tdagi_zip_entry_at(a->zip, i);
        const void *data = NULL;
        a->records[i].name = entry->name;
        EXPECT(tdagi_zip_read(ctx, a->zip, entry, &data, &a->records[i].size) ==
               TDAG_OK);
        a->records[i].data = data;
    }
}

/* Once; the context lives as long as the records. */
static void read_all(fuzz_archive *all, uint32_t n)
{
    tdag_ctx *ctx = NULL;
    if (all[0].records != NULL) return;
    EXPECT(tdag_ctx_create(NULL, &ctx) == TDAG_OK);
    for (uint32_t i = 0; i < n; i++) {
        read_records(ctx, &all[i]);
        all[i].ctx = ctx;
    }
}

const fuzz_archive *fuzz_archives(void)
{
    static fuzz_archive all[FUZZ_ARCHIVES] = {
        {.file = "control.pt", .inputs = "f32[2,4]"},
        {.file = "convolution.pt", .inputs = "f32[1,1,4,4]"},
        {.file = "fused.pt", .inputs = "f32[1,1,4,4]"},
        {.file = "recurrent.pt", .inputs = "f32[1,2,3]"}};
    read_all(all, FUZZ_ARCHIVES);
    return all;
}

const fuzz_archive *fuzz_programs(void)
{
    static fuzz_archive all[FUZZ_PROGRAMS] = {{.file = "program.pt2"},
                                              {.file = "decomposed.pt2"},
                                              {.file = "branch.pt2"},
                                              {.file = "network.pt2"}};
    read_all(all, FUZZ_PROGRAMS);
    return all;
}

bool fuzz_is_changed(const fuzz_record *r)
{
    return strncmp(r->name, "data/", 5) != 0 && strncmp(r->name, "constants/", 10) != 0;
}

bool fuzz_is_json(const fuzz_record *r)
{
    size_t n = strlen(r->name);
    return n > 5 && strcmp(r->name + n - 5, ".json") == 0;
}

/* ---- another archive ---- */

static unsigned char *put(unsigned char *p, uint64_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++, value >>= 8)
        *p++ = (unsigned char)value;
    return p;
}

static unsigned char *put_bytes(unsigned char *p, const void *bytes, size_t n)
{
    if (n > 0) memcpy(p, bytes, n);
    return p + n;
}

/* From the flags to the length of the extra field: one header has it after `at`. */
static unsigned char *put_facts(unsigned char *p, const fuzz_record *r)
{
    p = put(p, 0, 4); /* flags, stored */
    p = put(p, 0, 8); /* time, date, checksum */
    p = put(p, r->size, 4);
    p = put(p, r->size, 4);
    p = put(p, strlen(r->name), 2);
    return put(p, 0, 2);
}

static unsigned char *put_local(unsigned char *p, const fuzz_record *r)
{
    p = put(p, TDAGI_ZIP_LOCAL, 4);
    p = put_facts(put(p, 20, 2), r);
    p = put_bytes(p, r->name, strlen(r->name));
    return put_bytes(p, r->data, r->size);
}

static unsigned char *put_central(unsigned char *p, const fuzz_record *r,
                                  uint64_t offset)
{
    p = put(p, TDAGI_ZIP_CENTRAL, 4);
    p = put_facts(put(p, 20, 4), r);
    p = put(p, 0, 10); /* comment, disk, attributes */
    p = put(p, offset, 4);
    return put_bytes(p, r->name, strlen(r->name));
}

static size_t room_for(const fuzz_archive *a, size_t size)
{
    size_t room = size + TDAGI_ZIP_END_SIZE;
    for (uint32_t i = 0; i < a->n; i++)
        room += a->records[i].size + 2 * strlen(a->records[i].name) +
                TDAGI_ZIP_LOCAL_SIZE + TDAGI_ZIP_CENTRAL_SIZE;
    return room;
}

unsigned char *fuzz_archive_with(const fuzz_archive *a, uint32_t i, const void *content,
                                 size_t size, size_t *size_out)
{
    unsigned char *all = malloc(room_for(a, size)), *p = all;
    uint64_t *offsets = calloc(a->n, sizeof *offsets);
    EXPECT(all != NULL && offsets != NULL);
    for (uint32_t k = 0; k < 2 * a->n; k++) {
        fuzz_record r = a->records[k % a->n];
        if (k % a->n == i) {
            r.data = content;
            r.size = size;
        }
        if (k < a->n) offsets[k] = (uint64_t)(p - all);
        p = k < a->n ? put_local(p, &r) : put_central(p, &r, offsets[k - a->n]);
        if (k + 1 == a->n) *size_out = (size_t)(p - all);
    }
    uint64_t start = *size_out, length = (uint64_t)(p - all) - start;
    p = put(put(p, TDAGI_ZIP_END, 4), 0, 4);
    p = put(put(p, a->n, 2), a->n, 2);
    p = put(put(put(p, length, 4), start, 4), 0, 2);
    free(offsets);
    *size_out = (size_t)(p - all);
    return all;
}
