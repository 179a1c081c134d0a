/* Tensors of the archive, in place in its records. */
#include <stdio.h>
#include <string.h>

#include "torchscript/reader/session.h"
#include "torchscript/storage.h"

#define MAX_REPEATED (256 << 20) /* bytes, of all tensors */

/* ---- what a tensor is ---- */

/* Sizes and strides as numbers, the count, and whether elements lie in order. False:
 * out of memory, or more elements than a number counts. */
static bool read_shape(tdag_shim_session *s, const tdagi_pickle_tensor *t,
                       tdag_shim_tensor *info)
{
    int64_t *sizes = tdagi_reader_alloc(s, 2u * t->rank + 1, sizeof *sizes);
    int64_t *strides = sizes == NULL ? NULL : sizes + t->rank;
    if (sizes == NULL) return false;
    info->rank = t->rank;
    info->sizes = sizes;
    info->strides = strides;
    info->is_contiguous = true;
    info->count = 1;
    bool over = false;
    for (uint32_t i = t->rank; i-- > 0;) {
        sizes[i] = t->sizes[i]->u.i;
        strides[i] = t->strides[i]->u.i;
        info->is_contiguous &= sizes[i] == 1 || strides[i] == info->count;
        over |= __builtin_mul_overflow(info->count, sizes[i], &info->count);
    }
    for (uint32_t i = 0; i < t->rank; i++)
        if (sizes[i] == 0) {
            info->count = 0;
            info->is_contiguous = true;
            over = false;
        }
    if (over) tdagi_reader_fail(s, TDAG_E_OVERFLOW, "tensor %s is too large", t->key);
    return !over;
}

/* The number of elements of a storage that a tensor reaches. */
static bool reach(const tdag_shim_tensor *info, int64_t *out)
{
    int64_t last = info->storage_offset;
    if (last < 0) return false;
    if (info->count == 0) {
        *out = 0;
        return true;
    }
    for (uint32_t i = 0; i < info->rank; i++) {
        int64_t step;
        if (info->strides[i] < 0 ||
            __builtin_mul_overflow(info->sizes[i] - 1, info->strides[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    }
    return !__builtin_add_overflow(last, 1, out);
}

/* ---- its record ---- */

static const tdagi_zip_entry *find_record(tdag_shim_session *s, const char *records,
                                          const char *key)
{
    const char *name = tdagi_reader_join(s, records, strlen(records), "/", key);
    if (name == NULL) return NULL;
    const tdagi_zip_entry *entry = tdagi_zip_find(s->zip, name);
    if (entry == NULL)
        tdagi_reader_fail(s, TDAG_E_FORMAT, "it has no record %s of a tensor", name);
    return entry;
}

static bool check_record(tdag_shim_session *s, const tdagi_zip_entry *entry,
                         const tdagi_pickle_tensor *t, const tdagi_reader_tensor *made)
{
    uint64_t needed;
    int64_t reached = 0;
    if (t->storage_count < 0 ||
        __builtin_mul_overflow((uint64_t)t->storage_count, (uint64_t)made->item_size,
                               &needed) ||
        needed > entry->size) {
        tdagi_reader_fail(s, TDAG_E_FORMAT,
                          "record %s has %llu bytes, fewer than its storage of %lld "
                          "elements",
                          entry->name, (unsigned long long)entry->size,
                          (long long)t->storage_count);
        return false;
    }
    if (__builtin_mul_overflow((uint64_t)made->info.count, (uint64_t)made->item_size,
                               &needed) ||
        needed > INT64_MAX) {
        tdagi_reader_fail(s, TDAG_E_OVERFLOW, "tensor %s is too large", t->key);
        return false;
    }
    if (reach(&made->info, &reached) && reached <= t->storage_count) return true;
    tdagi_reader_fail(s, TDAG_E_FORMAT, "a tensor reaches beyond its record %s",
                      entry->name);
    return false;
}

/* Where the elements are; nothing of them is read. */
static bool locate(tdag_shim_session *s, const tdagi_zip_entry *entry,
                   tdagi_reader_tensor *made)
{
    const void *data;
    size_t size;
    tdag_status st = tdagi_zip_read(s->ctx, s->zip, entry, &data, &size);
    if (tdagi_reader_note(s, st) != TDAG_OK) return false;
    made->owner = entry->method == 0 ? tdagi_zip_mapping(s->zip) : NULL;
    made->info.storage = size == 0 ? NULL : data;
    made->info.storage_size = size;
    if (made->info.count == 0 || size == 0) return true;
    made->info.data =
        (const char *)data + (size_t)made->info.storage_offset * made->item_size;
    return true;
}

static bool set_dtype(const tdagi_pickle_tensor *t, tdagi_reader_tensor *made)
{
    const tdagi_storage_class *c = tdagi_storage_class_of_name(t->storage_type);
    made->info.dtype_name = c == NULL ? t->storage_type : c->element;
    if (c == NULL) return false;
    made->info.dtype = c->dtype;
    made->info.is_complex = c->is_complex;
    made->item_size = c->size;
    return true;
}

static tdag_shim_value *wrap(tdag_shim_session *s, tdagi_reader_tensor **out)
{
    tdag_shim_value *v = tdagi_reader_new_value(s, TDAG_SHIM_TENSOR);
    *out = tdagi_reader_alloc(s, 1, sizeof **out);
    if (v == NULL || *out == NULL) return NULL;
    v->u.tensor = *out;
    (*out)->info.is_dense = (*out)->info.is_cpu = true;
    return v;
}

const tdag_shim_value *tdagi_reader_tensor_value(tdag_shim_session *s,
                                                 const tdagi_pickle_tensor *t,
                                                 const char *records)
{
    tdagi_reader_tensor *made;
    tdag_shim_value *v = wrap(s, &made);
    if (v == NULL || !read_shape(s, t, &made->info)) return NULL;
    made->info.storage_offset = t->offset;
    made->info.requires_grad = t->requires_grad;
    made->info.is_quantized = t->is_quantized;
    bool known = set_dtype(t, made);
    if (t->is_quantized || !known) return v; /* refused by whoever uses it */
    const tdagi_zip_entry *entry = find_record(s, records, t->key);
    if (entry == NULL || !check_record(s, entry, t, made) || !locate(s, entry, made))
        return NULL;
    return v;
}

/* ---- elements in order ---- */

typedef struct block {
    tdag_allocator allocator;
    size_t size;
} block;

static void free_block(void *user)
{
    block *b = user;
    tdag_allocator allocator = b->allocator;
    tdagi_mem_free(&allocator, b, sizeof *b + b->size);
}

/* n elements of one size, which the compiler is told. */
static void gather_row(char *to, const char *from, int64_t n, size_t step, size_t item)
{
    for (; n > 0; n--, to += item, from += step)
        memcpy(to, from, item);
}

static void gather_axis(char *to, const char *from, int64_t n, size_t step, size_t item)
{
    if (step == item)
        memcpy(to, from, (size_t)n * item);
    else if (item == 1)
        gather_row(to, from, n, step, 1);
    else if (item == 4)
        gather_row(to, from, n, step, 4);
    else
        gather_row(to, from, n, step, item);
}

/* Row-major at `to`, the last axis at once. */
static void gather(const tdag_shim_tensor *t, size_t item, char *to)
{
    int64_t at[TDAG_MAX_RANK] = {0};
    const char *from = t->data;
    uint32_t last = t->rank == 0 ? 0 : t->rank - 1;
    int64_t row = t->rank == 0 ? 1 : t->sizes[last];
    size_t row_step = t->rank == 0 ? item : (size_t)t->strides[last] * item;
    for (int64_t done = 0; done < t->count; done += row, to += (size_t)row * item) {
        gather_axis(to, from, row, row_step, item);
        for (uint32_t i = last; i-- > 0;) {
            size_t step = (size_t)t->strides[i] * item;
            from += step;
            if (++at[i] < t->sizes[i]) break;
            from -= step * (size_t)t->sizes[i];
            at[i] = 0;
        }
    }
}

static bool keep(tdag_shim_session *s, tdagi_mapping *m)
{
    tdagi_mapping_list *link = tdagi_reader_alloc(s, 1, sizeof *link);
    if (link == NULL) return false;
    link->mapping = m;
    link->next = s->copies;
    s->copies = link;
    return true;
}

/* A block of a tensor's size that its mapping owns, which the session keeps. */
static tdagi_mapping *new_block(tdag_shim_session *s, size_t size, char **data_out)
{
    block *b = tdagi_mem_alloc(&s->ctx->allocator, sizeof *b + size);
    tdagi_mapping *m = NULL;
    if (b == NULL) {
        tdagi_reader_nomem(s);
        return NULL;
    }
    b->allocator = s->ctx->allocator;
    b->size = size;
    *data_out = (char *)(b + 1);
    tdag_status st = tdagi_mapping_wrap(s->ctx, *data_out, size, free_block, b, &m);
    if (tdagi_reader_note(s, st) != TDAG_OK) {
        free_block(b);
        return NULL;
    }
    if (keep(s, m)) return m;
    tdagi_mapping_release(m);
    return NULL;
}

/* A storage may be small and its elements be seen again and again (strides of 0), more
 * often than there is memory. */
static bool check_repeated(tdag_shim_session *s, const tdagi_reader_tensor *t,
                           size_t size)
{
    uint64_t more = size > t->info.storage_size ? size - t->info.storage_size : 0;
    if (more <= MAX_REPEATED - s->repeated) {
        s->repeated += more;
        return true;
    }
    tdagi_reader_fail(s, TDAG_E_LIMIT,
                      "its tensors repeat elements to more than %d MB beyond what is "
                      "stored",
                      MAX_REPEATED >> 20);
    return false;
}

static const tdag_shim_value *copied(tdag_shim_session *s, const tdagi_reader_tensor *t)
{
    tdagi_reader_tensor *made;
    tdag_shim_value *v = wrap(s, &made);
    char *data = NULL;
    size_t size = (size_t)t->info.count * t->item_size;
    if (v == NULL || t->info.rank > TDAG_MAX_RANK || !check_repeated(s, t, size))
        return NULL;
    *made = *t;
    made->owner = new_block(s, size, &data);
    if (made->owner == NULL) return NULL;
    gather(&t->info, t->item_size, data);
    made->info.data = made->info.storage = data;
    made->info.storage_offset = 0;
    made->info.storage_size = size;
    made->info.is_contiguous = true;
    return v;
}

/* ---- functions of the table ---- */

static int tensor_get(const tdag_shim_value *v, tdag_shim_tensor *out,
                      tdag_shim_error *error)
{
    if (v->kind != TDAG_SHIM_TENSOR) {
        snprintf(error->message, sizeof error->message, "a value is no tensor");
        return -1;
    }
    *out = v->u.tensor->info;
    return 0;
}

/* The elements of a complex tensor in order as pairs of real ones: one axis more. */
static const tdag_shim_value *as_pairs(tdag_shim_session *s, const tdag_shim_value *v)
{
    tdagi_reader_tensor *made;
    tdag_shim_value *out = wrap(s, &made);
    uint32_t rank = v->u.tensor->info.rank;
    int64_t *sizes = tdagi_reader_alloc(s, 2u * rank + 2, sizeof *sizes);
    if (out == NULL || sizes == NULL) return NULL;
    *made = *v->u.tensor;
    made->item_size /= 2;
    made->info.is_complex = false;
    made->info.dtype = made->item_size == 8 ? TDAG_F64 : TDAG_F32;
    made->info.rank = rank + 1;
    made->info.count *= 2;
    if (rank > 0) memcpy(sizes, v->u.tensor->info.sizes, rank * sizeof *sizes);
    sizes[rank] = 2;
    int64_t *strides = sizes + rank + 1, step = 1;
    for (uint32_t i = rank + 1; i-- > 0; step *= sizes[i])
        strides[i] = step;
    made->info.sizes = sizes;
    made->info.strides = strides;
    made->info.storage_offset *= 2;
    return out;
}

/* In place where elements lie in order, at a multiple of their size, in the file. */
static int tensor_contiguous(tdag_shim_session *s, const tdag_shim_value *v,
                             const tdag_shim_value **out, tdag_shim_error *error)
{
    tdagi_reader_tensor *t = v->u.tensor;
    size_t unit = t->info.is_complex ? t->item_size / 2 : t->item_size;
    bool aligned = (uintptr_t)t->info.data % unit == 0;
    bool in_place = t->info.is_contiguous && aligned && t->owner != NULL;
    if (!in_place && t->dense == NULL) t->dense = copied(s, t);
    *out = in_place ? v : t->dense;
    if (*out != NULL && t->info.is_complex) *out = as_pairs(s, *out);
    if (*out != NULL) return 0;
    snprintf(error->message, sizeof error->message, "%s",
             tdag_ctx_get_error(s->ctx)->message);
    return -1;
}

static void *tensor_retain(const tdag_shim_value *v)
{
    return tdagi_mapping_retain(v->u.tensor->owner);
}

void tdagi_reader_tensor_functions(tdag_shim_api *api)
{
    api->tensor_get = tensor_get;
    api->tensor_contiguous = tensor_contiguous;
    api->tensor_retain = tensor_retain;
    api->tensor_release = tdagi_mapping_release;
}
