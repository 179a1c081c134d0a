/* Elements of weights. A record is a whole storage; a weight is sizes, strides and an
 * offset over it. Where that is row-major it points into the mapped file and nothing is
 * read; else, or where the record is compressed or not aligned, it is a copy. A record
 * of no bytes stands for zeroes. */
#include "pt2/read/import.h"

#include <string.h>

#include "aten/dtype.h"
#include "base/tensor.h"

#define MAX_EXPANDED                                                                   \
    ((uint64_t)256 << 20)               /* bytes, where a storage is much smaller      \
                                         */
#define MAX_LEFT_OUT ((int64_t)2 << 30) /* bytes of zeroes */
#define MAX_TWINS    64                 /* looked at for the same tensor */

typedef struct layout {
    tdag_dtype dtype;
    uint32_t rank;
    int64_t sizes[TDAG_MAX_RANK], strides[TDAG_MAX_RANK], offset; /* elements */
    int64_t count;
    size_t item;
    uint64_t reach; /* bytes of the storage that it takes */
    bool is_dense;  /* row-major */
} layout;

/* ---- what the config says ---- */

static const char *refuse(const tdagi_pt2_weight *w)
{
    if (w->is_pickled) return "pickled by Python";
    if (!w->has_meta) return "no tensor";
    if (w->meta.layout != 7) return "a sparse tensor";
    bool is_complex = tdagi_part_of_scalar_type(w->meta.scalar_type) != TDAG_DTYPE_NONE;
    if (!is_complex &&
        tdagi_dtype_of_scalar_type(w->meta.scalar_type) == TDAG_DTYPE_NONE)
        return "a tensor of a dtype that is not supported";
    return w->meta.rank + is_complex > TDAG_MAX_RANK ? "a tensor of too many axes"
                                                     : NULL;
}

static bool is_number(const tdagi_pt2_size *size)
{
    return size->expression == NULL && size->number >= 0;
}

/* The bytes up to the end of the last element; false beyond 2^63. */
static bool measure(layout *l)
{
    uint64_t count = 1, last = (uint64_t)l->offset;
    l->is_dense = true;
    for (uint32_t i = l->rank; i-- > 0;) {
        uint64_t n = (uint64_t)l->sizes[i], step = (uint64_t)l->strides[i], far;
        if (n > 1 && step != count) l->is_dense = false;
        if (n > 1 && (__builtin_mul_overflow(n - 1, step, &far) ||
                      __builtin_add_overflow(last, far, &last)))
            return false;
        if (__builtin_mul_overflow(count, n, &count)) return false;
    }
    if (count == 0) l->is_dense = true;
    if (count > INT64_MAX / 16 || last > INT64_MAX / 16) return false;
    l->count = (int64_t)count;
    l->reach = count == 0 ? 0 : (last + 1) * l->item;
    return true;
}

/* Complex elements as pairs of real ones: one axis more. */
static bool as_pairs(int64_t scalar_type, layout *l)
{
    tdag_dtype part = tdagi_part_of_scalar_type(scalar_type);
    bool over = false;
    if (part != TDAG_DTYPE_NONE) {
        for (uint32_t i = 0; i < l->rank; i++)
            over |= __builtin_mul_overflow(l->strides[i], 2, &l->strides[i]);
        over |= __builtin_mul_overflow(l->offset, 2, &l->offset);
        l->dtype = part;
        l->sizes[l->rank] = 2;
        l->strides[l->rank++] = 1;
    }
    l->item = tdag_dtype_size(l->dtype);
    return !over;
}

static bool read_layout(const tdagi_pt2_weight *w, layout *out)
{
    const tdagi_pt2_meta *meta = &w->meta;
    *out = (layout){.dtype = tdagi_dtype_of_scalar_type(meta->scalar_type),
                    .rank = meta->rank,
                    .offset = meta->offset.number};
    if (meta->n_strides != meta->rank || !is_number(&meta->offset)) return false;
    for (uint32_t i = 0; i < meta->rank; i++) {
        if (!is_number(&meta->sizes[i]) || !is_number(&meta->strides[i])) return false;
        out->sizes[i] = meta->sizes[i].number;
        out->strides[i] = meta->strides[i].number;
    }
    return as_pairs(meta->scalar_type, out) && measure(out);
}

static bool same_layout(const layout *a, const layout *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank || a->offset != b->offset)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->sizes[i] != b->sizes[i] || a->strides[i] != b->strides[i]) return false;
    return true;
}

/* ---- making tensors ---- */

static tdag_tensor *failed(tdagi_pt2 *im, tdag_status st)
{
    if (tdagi_env_ok(&im->env)) im->env.status = st;
    return NULL;
}

static void free_tensor(void *tensor) { tdag_tensor_free(tensor); }

/* Elements that somebody else keeps; user's reference is given up where it fails. */
static tdag_tensor *wrap(tdagi_pt2 *im, const layout *l, const void *data,
                         void (*release)(void *user), void *user)
{
    union { /* the elements are only read, tdag_tensor_wrap has one signature for all */
        const void *in;
        void *out;
    } elements = {data};
    tdag_tensor *t = NULL;
    tdag_status st = tdag_tensor_wrap(im->env.ctx, l->dtype, l->rank, l->sizes,
                                      elements.out, release, user, &t);
    if (st == TDAG_OK) return t;
    release(user);
    return failed(im, st);
}

/* All that are left out share the same zeroes. */
static tdag_tensor *zeroes(tdagi_pt2 *im, const layout *l, const char **why_out)
{
    int64_t bytes = l->count * (int64_t)l->item;
    if (bytes > MAX_LEFT_OUT) {
        *why_out = "left out of the file and larger than 2 GiB";
        return NULL;
    }
    if (im->zeros == NULL || im->zeros->count < bytes) {
        tdag_tensor *more = NULL;
        tdag_status st = tdag_tensor_create(im->env.ctx, TDAG_U8, 1, &bytes, &more);
        if (st != TDAG_OK) return failed(im, st);
        memset(more->data, 0, more->size);
        tdag_tensor_free(im->zeros);
        im->zeros = more;
    }
    return wrap(im, l, im->zeros->data, free_tensor, tdag_tensor_copy(im->zeros));
}

/* Row by row over the last axis. */
static void gather(const layout *l, const unsigned char *storage, unsigned char *to)
{
    int64_t at[TDAG_MAX_RANK] = {0};
    for (int64_t done = 0; done < l->count; done++) {
        uint64_t from = (uint64_t)l->offset;
        for (uint32_t i = 0; i < l->rank; i++)
            from += (uint64_t)at[i] * (uint64_t)l->strides[i];
        memcpy(to + (size_t)done * l->item, storage + from * l->item, l->item);
        for (uint32_t i = l->rank; i-- > 0 && ++at[i] == l->sizes[i];)
            at[i] = 0;
    }
}

static tdag_tensor *copy(tdagi_pt2 *im, const layout *l, const unsigned char *storage,
                         size_t size, const char **why_out)
{
    uint64_t bytes = (uint64_t)l->count * l->item;
    if (bytes > MAX_EXPANDED && bytes / 16 > size) {
        *why_out = "an expanded tensor of a huge shape";
        return NULL;
    }
    tdag_tensor *t = NULL;
    tdag_status st = tdag_tensor_create(im->env.ctx, l->dtype, l->rank, l->sizes, &t);
    if (st != TDAG_OK) return failed(im, st);
    if (l->is_dense)
        memcpy(t->data, storage + (size_t)l->offset * l->item, (size_t)bytes);
    else
        gather(l, storage, t->data);
    return t;
}

static bool has_other_bools(const layout *l, const unsigned char *bytes)
{
    for (int64_t i = 0; l->dtype == TDAG_BOOL && i < l->count; i++)
        if (bytes[i] > 1) return true;
    return false;
}

static tdag_tensor *make(tdagi_pt2 *im, const tdagi_pt2_weight *w, const layout *l,
                         const char **why_out)
{
    const tdagi_zip_entry *entry = w->record->entry;
    tdagi_zip *zip = w->record->zip;
    if (entry == NULL) {
        tdagi_pt2_bad(im, "the record %s of %s is missing", w->record->name, w->name);
        return NULL;
    }
    if (entry->size == 0 && l->count > 0) return zeroes(im, l, why_out);
    if (l->reach > entry->size) {
        tdagi_pt2_bad(im, "%s reaches beyond the end of the record %s", w->name,
                      w->record->name);
        return NULL;
    }
    const void *storage;
    size_t size;
    tdag_status st = tdagi_zip_read(im->env.ctx, zip, entry, &storage, &size);
    if (st != TDAG_OK) return failed(im, st);
    const unsigned char *elements = (const unsigned char *)storage +
                                    (l->count == 0 ? 0 : (size_t)l->offset * l->item);
    bool in_place = l->is_dense && entry->method == 0 && l->count > 0 &&
                    w->record->is_kept && (uintptr_t)elements % l->item == 0;
    tdag_tensor *t = in_place ? wrap(im, l, elements, tdagi_mapping_release,
                                     tdagi_mapping_retain(tdagi_zip_mapping(zip)))
                              : copy(im, l, storage, size, why_out);
    if (t == NULL || !has_other_bools(l, t->data)) return t;
    tdag_tensor_free(t);
    tdagi_pt2_bad(im, "%s is bool and has a byte that is not 0 or 1", w->name);
    return NULL;
}

tdag_tensor *tdagi_pt2_tensor(tdagi_pt2 *im, tdagi_pt2_weight *w, const char **why_out)
{
    layout l, other;
    *why_out = refuse(w);
    if (*why_out != NULL) return NULL;
    if (!read_layout(w, &l)) {
        tdagi_pt2_bad(im, "%s has sizes, strides or an offset that no tensor has",
                      w->name);
        return NULL;
    }
    const tdagi_pt2_weight *twin = w->record->weights;
    for (uint32_t i = 0; twin != NULL && i < MAX_TWINS; i++, twin = twin->same_record) {
        if (twin->tensor == NULL || !read_layout(twin, &other)) continue;
        if (!same_layout(&l, &other)) continue;
        w->tensor = tdag_tensor_copy(twin->tensor);
        return w->tensor;
    }
    w->tensor = make(im, w, &l, why_out);
    return w->tensor;
}
