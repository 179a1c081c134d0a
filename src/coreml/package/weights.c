/* Records of weight files: checked and lent. Every file is mapped once. See weights.h.
 */
#include "coreml/package/weights.h"

#include <string.h>

#include "base/ctx.h"
#include "coreml/package/package.h"

struct tdagi_weight_file {
    struct tdagi_weight_file *next;
    const char *name; /* as blobs give it */
    tdagi_mapping *mapping;
};

void tdagi_weights_close(struct tdagi_weight_file *files)
{
    for (; files != NULL; files = files->next)
        tdagi_mapping_release(files->mapping);
}

uint32_t tdagi_blob_bits(uint32_t dtype)
{
    static const uint8_t bits[] = {0, 16, 32, 8, 8, 16, 16, 16, 4,
                                   1, 2,  4,  3, 6, 32, 32, 8,  8};
    return dtype < sizeof(bits) ? bits[dtype] : 0;
}

/* ---- files ---- */

static uint64_t get(const unsigned char *p, uint32_t n_bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < n_bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static tdag_status check_header(const tdagi_package *p, const char *name,
                                const tdagi_mapping *m)
{
    if (tdagi_mapping_size(m) < TDAGI_WEIGHTS_ALIGN)
        return tdagi_fail(p->ctx, TDAG_E_FORMAT,
                          "the weights %.200s end within their header", name);
    uint64_t version = get(tdagi_mapping_data(m) + 4, 4);
    if (version == TDAGI_WEIGHTS_VERSION) return TDAG_OK;
    return tdagi_fail(p->ctx, TDAG_E_UNSUPPORTED,
                      "the weights %.200s are of version %lu, not %d", name,
                      (unsigned long)version, (int)TDAGI_WEIGHTS_VERSION);
}

static tdag_status map_file(tdagi_package *p, const char *name, tdagi_mapping **out)
{
    const size_t n = sizeof(TDAGI_WEIGHTS_PREFIX) - 1;
    tdagi_mapping *m = NULL;
    if (p->folder.fd < 0)
        return tdagi_fail(p->ctx, TDAG_E_FORMAT,
                          "the weights %.200s are not there: %s is the model of a "
                          "package without the package",
                          name, p->what);
    if (strncmp(name, TDAGI_WEIGHTS_PREFIX, n) != 0)
        return tdagi_fail(p->ctx, TDAG_E_FORMAT,
                          "the weights '%.200s' are not in the model's folder "
                          "(" TDAGI_WEIGHTS_PREFIX ")",
                          name);
    TDAGI_TRY(tdagi_inside_map(&p->folder, name + n, &m));
    tdag_status st = check_header(p, name, m);
    if (st == TDAG_OK)
        *out = m;
    else
        tdagi_mapping_release(m);
    return st;
}

/* The file of that name, mapped when it is first asked for. */
static tdag_status find_file(tdagi_package *p, const char *name, tdagi_mapping **out)
{
    for (struct tdagi_weight_file *f = p->weights; f != NULL; f = f->next) {
        *out = f->mapping;
        if (strcmp(f->name, name) == 0) return TDAG_OK;
    }
    struct tdagi_weight_file *f = tdagi_arena_alloc(&p->arena, sizeof(*f));
    if (f == NULL) return tdagi_nomem(p->ctx);
    TDAGI_TRY(map_file(p, name, &f->mapping));
    f->name = name;
    f->next = p->weights;
    p->weights = f;
    *out = f->mapping;
    return TDAG_OK;
}

/* ---- records ---- */

static tdag_status bad_record(const tdagi_package *p, const Cml__BlobFileValue *at,
                              const char *why)
{
    tdagi_fail(p->ctx, TDAG_E_FORMAT, "the weights %.200s: the record at byte %llu %s",
               at->file_name, (unsigned long long)at->offset, why);
    return tdagi_fail_at_offset(p->ctx, at->offset);
}

static tdag_status check_record(const tdagi_package *p, const Cml__BlobFileValue *at,
                                const tdagi_blob *blob)
{
    uint32_t bits = tdagi_blob_bits(blob->dtype);
    if (bits == 0)
        return tdagi_fail(
            p->ctx, TDAG_E_UNSUPPORTED,
            "the weights %.200s: the record at byte %llu is of dtype %lu, "
            "which is not known",
            at->file_name, (unsigned long long)at->offset, (unsigned long)blob->dtype);
    bool is_whole = bits >= 8 ? blob->size % (bits / 8) == 0 && blob->padding_bits == 0
                              : blob->padding_bits < 8 &&
                                    (blob->size > 0 || blob->padding_bits == 0);
    return is_whole ? TDAG_OK : bad_record(p, at, "has a part of an element");
}

tdag_status tdagi_package_blob(tdagi_package *p, const Cml__BlobFileValue *at,
                               tdagi_blob *out)
{
    tdagi_mapping *file = NULL;
    TDAGI_TRY(find_file(p, at->file_name, &file));
    const uint64_t size = tdagi_mapping_size(file);
    if (at->offset < TDAGI_WEIGHTS_ALIGN || at->offset % TDAGI_WEIGHTS_ALIGN != 0)
        return bad_record(p, at, "is at no multiple of 64");
    if (at->offset > size || size - at->offset < TDAGI_WEIGHTS_ALIGN)
        return bad_record(p, at, "is behind the end of the file");
    const unsigned char *r = tdagi_mapping_data(file) + at->offset;
    const uint64_t data = get(r + 16, 8);
    tdagi_blob blob = {.dtype = (uint32_t)get(r + 4, 4), .mapping = file};
    blob.size = get(r + 8, 8);
    blob.padding_bits = get(r + 24, 8);
    if (get(r, 4) != TDAGI_WEIGHTS_MAGIC) return bad_record(p, at, "is none");
    if (data % TDAGI_WEIGHTS_ALIGN != 0)
        return bad_record(p, at, "has its data at no multiple of 64");
    if (data > size || size - data < blob.size)
        return bad_record(p, at, "has data behind the end of the file");
    TDAGI_TRY(check_record(p, at, &blob));
    blob.data = tdagi_mapping_data(file) + data;
    *out = blob;
    return TDAG_OK;
}
