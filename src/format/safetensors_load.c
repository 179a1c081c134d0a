/* Reading safetensors: 8 bytes of header length, a JSON header, then the elements.
 *
 * The file is hostile until proved otherwise: the header is copied and read into
 * entries; entries are checked against each other and the file (names once, bytes
 * covered once and without holes, sizes as the shapes say); only then are tensors made.
 * They point into the mapping, which goes when the last of them does. */
#include <stdlib.h>
#include <string.h>

#include "archive/mapping.h"
#include "base/tensor.h"
#include "format/json_read.h"
#include "format/safetensors.h"

/* ---- the header ---- */

typedef struct entry {
    const char *name;
    const char *dtype_name;
    tdag_dtype dtype;
    uint32_t rank;
    int64_t shape[TDAG_MAX_RANK];
    uint64_t begin, end; /* in the data */
    uint64_t offset;     /* of the entry in the file, for messages */
} entry;

typedef struct loader {
    tdag_ctx *ctx;
    const char *path;
    tdagi_arena arena;
    entry *entries;
    uint32_t n, capacity;
    const char **pairs; /* metadata: key, value, key, ... */
    uint32_t n_pairs, pairs_capacity;
    bool has_metadata;
    uint64_t data_size;
} loader;

static tdag_status grow(tdag_ctx *ctx, void **array, uint32_t n, uint32_t *capacity,
                        size_t size)
{
    if (n < *capacity) return TDAG_OK;
    uint32_t wider = *capacity == 0 ? 16 : *capacity * 2;
    TDAGI_TRY(tdagi_realloc(ctx, array, *capacity * size, wider * size));
    *capacity = wider;
    return TDAG_OK;
}

static tdag_status read_metadata(loader *l, tdagi_json_reader *r)
{
    bool first = true, more = false;
    if (l->has_metadata) return tdagi_json_fail(r, "__metadata__ stands there twice");
    l->has_metadata = true;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) return TDAG_OK;
        void *pairs = l->pairs;
        tdag_status st = grow(l->ctx, &pairs, l->n_pairs * 2 + 1, &l->pairs_capacity,
                              sizeof *l->pairs);
        l->pairs = pairs;
        TDAGI_TRY(st);
        TDAGI_TRY(tdagi_json_key(r, &l->pairs[2 * l->n_pairs]));
        TDAGI_TRY(tdagi_json_string(r, &l->pairs[2 * l->n_pairs + 1]));
        l->n_pairs++;
    }
}

static tdag_status read_shape(tdagi_json_reader *r, entry *e)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, ']', &first, &more));
        if (!more) return TDAG_OK;
        int64_t dim;
        TDAGI_TRY(tdagi_json_int64(r, &dim));
        if (dim < 0) return tdagi_json_fail(r, "a negative dim");
        if (e->rank == TDAG_MAX_RANK) {
            tdagi_fail(r->ctx, TDAG_E_LIMIT, "tensor %s has more than %d axes", e->name,
                       TDAG_MAX_RANK);
            return tdagi_fail_at_offset(r->ctx, e->offset);
        }
        e->shape[e->rank++] = dim;
    }
}

static tdag_status read_offsets(tdagi_json_reader *r, entry *e)
{
    int64_t begin, end;
    TDAGI_TRY(tdagi_json_expect(r, '['));
    TDAGI_TRY(tdagi_json_int64(r, &begin));
    TDAGI_TRY(tdagi_json_expect(r, ','));
    TDAGI_TRY(tdagi_json_int64(r, &end));
    TDAGI_TRY(tdagi_json_expect(r, ']'));
    if (begin < 0 || end < begin)
        return tdagi_json_fail(r, "data_offsets that are no range");
    e->begin = (uint64_t)begin;
    e->end = (uint64_t)end;
    return TDAG_OK;
}

/* The fields of one tensor, each exactly once. */
static tdag_status read_entry(tdagi_json_reader *r, entry *e)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
    int seen = 0;
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) break;
        const char *key;
        TDAGI_TRY(tdagi_json_key(r, &key));
        int field = strcmp(key, "dtype") == 0          ? DTYPE
                    : strcmp(key, "shape") == 0        ? SHAPE
                    : strcmp(key, "data_offsets") == 0 ? OFFSETS
                                                       : 0;
        if (field == 0) return tdagi_json_fail(r, "an unknown field of a tensor");
        if ((seen & field) != 0) return tdagi_json_fail(r, "a field of a tensor twice");
        seen |= field;
        TDAGI_TRY(field == DTYPE   ? tdagi_json_string(r, &e->dtype_name)
                  : field == SHAPE ? read_shape(r, e)
                                   : read_offsets(r, e));
    }
    if (seen == (DTYPE | SHAPE | OFFSETS)) return TDAG_OK;
    return tdagi_json_fail(r, "a tensor without dtype, shape or data_offsets");
}

static tdag_status read_header(loader *l, tdagi_json_reader *r)
{
    bool first = true, more = false;
    TDAGI_TRY(tdagi_json_check_utf8(r));
    TDAGI_TRY(tdagi_json_expect(r, '{'));
    for (;;) {
        TDAGI_TRY(tdagi_json_next(r, '}', &first, &more));
        if (!more) return tdagi_json_end(r);
        uint64_t offset = r->offset + (uint64_t)(r->p - r->text);
        const char *name;
        TDAGI_TRY(tdagi_json_key(r, &name));
        if (strcmp(name, "__metadata__") == 0) {
            TDAGI_TRY(read_metadata(l, r));
            continue;
        }
        void *entries = l->entries;
        tdag_status st = grow(l->ctx, &entries, l->n, &l->capacity, sizeof *l->entries);
        l->entries = entries;
        TDAGI_TRY(st);
        entry *e = &l->entries[l->n++];
        *e = (entry){.name = name, .offset = offset};
        TDAGI_TRY(read_entry(r, e));
    }
}

/* ---- checks ---- */

static tdag_status refuse(const loader *l, const entry *e, tdag_status status,
                          const char *why)
{
    tdagi_fail(l->ctx, status, "tensor %s in %s %s", e->name, l->path, why);
    return tdagi_fail_at_offset(l->ctx, e->offset);
}

static tdag_status check_entry(const loader *l, entry *e)
{
#define FIND_DTYPE(id, code, name, size, kind)                                         \
    if (strcmp(e->dtype_name, tdagi_safetensors_dtype_name(TDAG_##id)) == 0)           \
        e->dtype = TDAG_##id;
    TDAG_DTYPE_MAP(FIND_DTYPE)
#undef FIND_DTYPE
    if (e->dtype == TDAG_DTYPE_NONE) {
        tdagi_fail(l->ctx, TDAG_E_UNSUPPORTED,
                   "tensor %s in %s has dtype %s, which is not supported", e->name,
                   l->path, e->dtype_name);
        return tdagi_fail_at_offset(l->ctx, e->offset);
    }
    uint64_t size = tdag_dtype_size(e->dtype);
    bool empty = false;
    for (uint32_t i = 0; i < e->rank; i++)
        empty = empty || e->shape[i] == 0;
    for (uint32_t i = 0; i < e->rank && !empty; i++)
        if (__builtin_mul_overflow(size, (uint64_t)e->shape[i], &size))
            return refuse(l, e, TDAG_E_FORMAT, "has a size that does not fit 64 bits");
    if (e->end > l->data_size)
        return refuse(l, e, TDAG_E_FORMAT, "lies beyond the end of the file");
    if ((empty ? 0 : size) != e->end - e->begin)
        return refuse(l, e, TDAG_E_FORMAT,
                      "has data_offsets that do not fit its shape");
    return TDAG_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const entry *const *)a)->name, (*(const entry *const *)b)->name);
}

static int compare_places(const void *a, const void *b)
{
    const entry *x = *(const entry *const *)a, *y = *(const entry *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static tdag_status check_order(const loader *l, const entry **order)
{
    for (uint32_t i = 0; i < l->n; i++)
        order[i] = &l->entries[i];
    if (l->n > 0) qsort(order, l->n, sizeof *order, compare_names);
    for (uint32_t i = 1; i < l->n; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            return refuse(l, order[i], TDAG_E_FORMAT, "has a name that is there twice");
    if (l->n > 0) qsort(order, l->n, sizeof *order, compare_places);
    uint64_t covered = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        if (order[i]->begin < covered)
            return refuse(l, order[i], TDAG_E_FORMAT, "overlaps another one");
        if (order[i]->begin > covered)
            return refuse(l, order[i], TDAG_E_FORMAT, "leaves a hole before it");
        covered = order[i]->end;
    }
    if (covered == l->data_size) return TDAG_OK;
    return tdagi_fail(l->ctx, TDAG_E_FORMAT, "%s has %llu bytes after its last tensor",
                      l->path, (unsigned long long)(l->data_size - covered));
}

static tdag_status check_entries(const loader *l)
{
    void *order = NULL;
    for (uint32_t i = 0; i < l->n; i++)
        TDAGI_TRY(check_entry(l, &l->entries[i]));
    TDAGI_TRY(tdagi_array_alloc(l->ctx, l->n, sizeof(entry *), &order));
    tdag_status st = check_order(l, order);
    tdagi_free(l->ctx, order, l->n * sizeof(entry *));
    return st;
}

/* ---- tensors ---- */

static tdag_status check_bools(const loader *l, const entry *e,
                               const unsigned char *data)
{
    for (uint64_t i = 0; i < e->end - e->begin; i++)
        if (data[i] > 1)
            return refuse(l, e, TDAG_E_FORMAT,
                          "is bool and has a byte that is not 0 or 1");
    return TDAG_OK;
}

static tdag_status make_tensor(const loader *l, const entry *e, tdagi_mapping *m,
                               size_t start, tdag_tensor **out)
{
    const unsigned char *data = tdagi_mapping_data(m) + start + e->begin;
    if (e->dtype == TDAG_BOOL) TDAGI_TRY(check_bools(l, e, data));
    if ((uintptr_t)data % tdag_dtype_size(e->dtype) == 0) {
        TDAGI_TRY(tdag_tensor_wrap(l->ctx, e->dtype, e->rank, e->shape,
                                   (void *)(uintptr_t)data, /* only read */
                                   tdagi_mapping_release, m, out));
        tdagi_mapping_retain(m);
        return TDAG_OK;
    }
    TDAGI_TRY(tdag_tensor_create(l->ctx, e->dtype, e->rank, e->shape, out));
    if (e->end > e->begin) memcpy((*out)->data, data, e->end - e->begin);
    return TDAG_OK;
}

static tdag_status make_tensors(const loader *l, tdagi_mapping *m, size_t start,
                                tdag_named_tensors *out)
{
    void *p = NULL;
    out->allocator = l->ctx->allocator;
    TDAGI_TRY(tdagi_array_alloc(l->ctx, l->n, sizeof(char *), &p));
    out->names = p;
    tdag_status st = tdagi_array_alloc(l->ctx, l->n, sizeof(tdag_tensor *), &p);
    if (st != TDAG_OK) {
        tdagi_free(l->ctx, out->names, l->n * sizeof(char *));
        out->names = NULL;
        return st;
    }
    out->tensors = p;
    out->n = l->n; /* from here on the arrays are freed as a whole; rests are NULL */
    for (uint32_t i = 0; i < l->n; i++) {
        TDAGI_TRY(tdagi_strdup(l->ctx, l->entries[i].name, &out->names[i]));
        TDAGI_TRY(make_tensor(l, &l->entries[i], m, start, &out->tensors[i]));
    }
    return TDAG_OK;
}

static tdag_status make_metadata(const loader *l, tdagi_metadata *out)
{
    void *p = NULL;
    out->allocator = l->ctx->allocator;
    TDAGI_TRY(tdagi_array_alloc(l->ctx, l->n_pairs, 2 * sizeof(char *), &p));
    out->keys = p;
    out->values = out->keys + l->n_pairs; /* one block */
    out->n = l->n_pairs;
    for (uint32_t i = 0; i < l->n_pairs; i++) {
        TDAGI_TRY(tdagi_strdup(l->ctx, l->pairs[2 * i], &out->keys[i]));
        TDAGI_TRY(tdagi_strdup(l->ctx, l->pairs[2 * i + 1], &out->values[i]));
    }
    return TDAG_OK;
}

/* ---- all of it ---- */

static tdag_status header_size(tdag_ctx *ctx, const char *path, const tdagi_mapping *m,
                               size_t *out)
{
    const unsigned char *data = tdagi_mapping_data(m);
    size_t file_size = tdagi_mapping_size(m);
    uint64_t size = 0;
    if (file_size < 8)
        return tdagi_fail(ctx, TDAG_E_FORMAT,
                          "%s is no safetensors file: it has %zu bytes", path,
                          file_size);
    for (int i = 7; i >= 0; i--)
        size = size << 8 | data[i];
    if (size > file_size - 8) {
        tdagi_fail(
            ctx, TDAG_E_FORMAT,
            "%s is no safetensors file or is cut: its header would have %llu bytes",
            path, (unsigned long long)size);
        return tdagi_fail_at_offset(ctx, 0);
    }
    if (size > TDAGI_SAFETENSORS_MAX_HEADER)
        return tdagi_fail(ctx, TDAG_E_LIMIT,
                          "%s has a header of %llu bytes; at most %d "
                          "are read",
                          path, (unsigned long long)size, TDAGI_SAFETENSORS_MAX_HEADER);
    *out = (size_t)size;
    return TDAG_OK;
}

/* Parses a private copy of the header, which nobody can change meanwhile. */
static tdag_status load_header(loader *l, const tdagi_mapping *m, size_t size)
{
    void *copy = NULL;
    TDAGI_TRY(tdagi_alloc(l->ctx, size, &copy));
    memcpy(copy, tdagi_mapping_data(m) + 8, size);
    tdagi_json_reader r = {.ctx = l->ctx,
                           .arena = &l->arena,
                           .text = copy,
                           .p = copy,
                           .end = (const char *)copy + size,
                           .offset = 8};
    tdag_status st = read_header(l, &r);
    tdagi_free(l->ctx, copy, size);
    return st;
}

static tdag_status load(loader *l, tdagi_mapping *m, tdag_named_tensors *tensors,
                        tdagi_metadata *metadata)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    return tdagi_fail(l->ctx, TDAG_E_UNSUPPORTED,
                      "safetensors files on a big-endian machine");
#endif
    size_t size = 0;
    TDAGI_TRY(header_size(l->ctx, l->path, m, &size));
    l->data_size = tdagi_mapping_size(m) - 8 - size;
    TDAGI_TRY(load_header(l, m, size));
    TDAGI_TRY(check_entries(l));
    TDAGI_TRY(make_tensors(l, m, 8 + size, tensors));
    return metadata == NULL ? TDAG_OK : make_metadata(l, metadata);
}

tdag_status tdagi_safetensors_read(tdag_ctx *ctx, tdagi_mapping *m, const char *what,
                                   tdag_named_tensors *out,
                                   tdagi_metadata *metadata_out)
{
    loader l = {.ctx = ctx, .path = what};
    tdagi_arena_init(&l.arena, &ctx->allocator);
    tdag_named_tensors tensors = {0};
    tdagi_metadata metadata = {0};
    tdag_status st = load(&l, m, &tensors, metadata_out == NULL ? NULL : &metadata);
    if (st == TDAG_OK) {
        *out = tensors;
        if (metadata_out != NULL) *metadata_out = metadata;
    } else {
        tdag_tensors_free(&tensors);
        tdagi_metadata_free(&metadata);
    }
    tdagi_free(ctx, l.entries, l.capacity * sizeof *l.entries);
    tdagi_free(ctx, l.pairs, l.pairs_capacity * sizeof *l.pairs);
    tdagi_arena_free(&l.arena);
    return st;
}

tdag_status tdagi_safetensors_load(tdag_ctx *ctx, const char *path, uint32_t flags,
                                   tdag_named_tensors *out,
                                   tdagi_metadata *metadata_out)
{
    tdagi_mapping *m = NULL;
    bool copy = (flags & TDAGI_SAFETENSORS_COPY) != 0;
    TDAGI_TRY(tdagi_mapping_open(ctx, path, copy ? TDAGI_MAPPING_COPY : 0, &m));
    tdag_status st = tdagi_safetensors_read(ctx, m, path, out, metadata_out);
    tdagi_mapping_release(m);
    return st;
}

tdag_status tdag_tensors_load(tdag_ctx *ctx, const char *path, tdag_named_tensors *out)
{
    TDAGI_TRY(tdagi_need(ctx, path, "path"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    return tdagi_safetensors_load(ctx, path, 0, out, NULL);
}
