/* Dtypes and tensors in memory: one row-major block with an atomic reference count,
 * either a block of the allocator or memory of somebody else with a release function.
 */
#include "base/tensor.h"

#include <string.h>

#include "base/half.h"

/* ---- dtypes ---- */

const char *tdag_dtype_name(tdag_dtype dtype)
{
    switch (dtype) {
#define NAME_CASE(id, code, name, size, kind)                                          \
    case TDAG_##id:                                                                    \
        return name;
        TDAG_DTYPE_MAP(NAME_CASE)
#undef NAME_CASE
    case TDAG_DTYPE_NONE:
        break;
    }
    return "?";
}

size_t tdag_dtype_size(tdag_dtype dtype)
{
    switch (dtype) {
#define SIZE_CASE(id, code, name, size, kind)                                          \
    case TDAG_##id:                                                                    \
        return size;
        TDAG_DTYPE_MAP(SIZE_CASE)
#undef SIZE_CASE
    case TDAG_DTYPE_NONE:
        break;
    }
    return 0;
}

char tdagi_dtype_class(tdag_dtype dtype)
{
    switch (dtype) {
#define CLASS_CASE(id, code, name, size, kind)                                         \
    case TDAG_##id:                                                                    \
        return kind;
        TDAG_DTYPE_MAP(CLASS_CASE)
#undef CLASS_CASE
    case TDAG_DTYPE_NONE:
        break;
    }
    return '?';
}

tdag_dtype tdag_dtype_from_name(const char *name)
{
    if (name == NULL) return TDAG_DTYPE_NONE;
#define FROM_NAME(id, code, text, size, kind)                                          \
    if (strcmp(name, text) == 0) return TDAG_##id;
    TDAG_DTYPE_MAP(FROM_NAME)
#undef FROM_NAME
    return TDAG_DTYPE_NONE;
}

bool tdag_dtype_is_float(tdag_dtype dtype) { return tdagi_dtype_class(dtype) == 'f'; }

/* ---- making and freeing ---- */

static tdag_status fill_shape(tdag_ctx *ctx, tdag_tensor *t, tdag_dtype dtype,
                              uint32_t rank, const int64_t *shape)
{
    size_t element = tdag_dtype_size(dtype);
    if (element == 0) return tdagi_fail(ctx, TDAG_E_ARG, "%d is no dtype", (int)dtype);
    if (rank > TDAG_MAX_RANK)
        return tdagi_fail(ctx, TDAG_E_LIMIT,
                          "a tensor of %u axes; at most %d are possible",
                          (unsigned)rank, TDAG_MAX_RANK);
    if (rank > 0 && shape == NULL)
        return tdagi_fail(ctx, TDAG_E_ARG, "the shape is NULL, the rank is %u",
                          (unsigned)rank);
    bool empty = false;
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return tdagi_fail(ctx, TDAG_E_ARG, "dim %lld of axis %u is negative",
                              (long long)shape[i], (unsigned)i);
        empty = empty || shape[i] == 0;
        t->shape[i] = shape[i];
    }
    int64_t count = 1;
    for (uint32_t i = 0; i < rank && !empty; i++) {
        if (shape[i] > INT64_MAX / (int64_t)element / count)
            return tdagi_fail(ctx, TDAG_E_OVERFLOW,
                              "the tensor's size in bytes does not fit 64 bits");
        count *= shape[i];
    }
    t->dtype = dtype;
    t->rank = rank;
    t->count = empty ? 0 : count;
    t->size = (size_t)t->count * element;
    return TDAG_OK;
}

static tdag_status new_tensor(tdag_ctx *ctx, const tdag_tensor *shaped,
                              tdag_tensor **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof **out, &p));
    tdag_tensor *t = p;
    atomic_init(&t->refs, 1);
    t->allocator = ctx->allocator;
    t->dtype = shaped->dtype;
    t->rank = shaped->rank;
    memcpy(t->shape, shaped->shape, sizeof t->shape);
    t->count = shaped->count;
    t->size = shaped->size;
    *out = t;
    return TDAG_OK;
}

tdag_status tdag_tensor_create(tdag_ctx *ctx, tdag_dtype dtype, uint32_t rank,
                               const int64_t *shape, tdag_tensor **out)
{
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_tensor shaped = {.rank = 0};
    TDAGI_TRY(fill_shape(ctx, &shaped, dtype, rank, shape));
    if (shaped.size > ctx->limits.max_tensor_bytes)
        return tdagi_fail(ctx, TDAG_E_LIMIT,
                          "a tensor of %zu bytes; the context allows %llu", shaped.size,
                          (unsigned long long)ctx->limits.max_tensor_bytes);
    tdag_tensor *t = NULL;
    TDAGI_TRY(new_tensor(ctx, &shaped, &t));
    t->data = tdagi_mem_alloc(&t->allocator, t->size);
    t->owns_data = true;
    if (t->data == NULL) {
        tdagi_free(ctx, t, sizeof *t);
        return tdagi_nomem(ctx);
    }
    *out = t;
    return TDAG_OK;
}

tdag_status tdag_tensor_wrap(tdag_ctx *ctx, tdag_dtype dtype, uint32_t rank,
                             const int64_t *shape, void *data,
                             void (*release)(void *user), void *user, tdag_tensor **out)
{
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_tensor shaped = {.rank = 0};
    TDAGI_TRY(fill_shape(ctx, &shaped, dtype, rank, shape));
    if (data == NULL && shaped.size > 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "the elements are NULL");
    tdag_tensor *t = NULL;
    TDAGI_TRY(new_tensor(ctx, &shaped, &t));
    t->data = data;
    t->release = release;
    t->user = user;
    *out = t;
    return TDAG_OK;
}

/* A const tensor still counts its owners: the count is not part of its value. */
static atomic_uint *refs_of(const tdag_tensor *tensor)
{
    union {
        const tdag_tensor *shared;
        tdag_tensor *counted;
    } u = {tensor};
    return &u.counted->refs;
}

tdag_tensor *tdag_tensor_copy(const tdag_tensor *tensor)
{
    if (tensor == NULL) return NULL;
    union {
        const tdag_tensor *shared;
        tdag_tensor *counted;
    } u = {tensor};
    atomic_fetch_add_explicit(refs_of(tensor), 1, memory_order_relaxed);
    return u.counted;
}

void tdag_tensor_free(tdag_tensor *tensor)
{
    if (tensor == NULL) return;
    if (atomic_fetch_sub_explicit(&tensor->refs, 1, memory_order_acq_rel) != 1) return;
    tdag_allocator a = tensor->allocator;
    if (tensor->owns_data) tdagi_mem_free(&a, tensor->data, tensor->size);
    if (tensor->release != NULL) tensor->release(tensor->user);
    tdagi_mem_free(&a, tensor, sizeof *tensor);
}

/* ---- reading ---- */

tdag_dtype tdag_tensor_get_dtype(const tdag_tensor *tensor)
{
    return tensor == NULL ? TDAG_DTYPE_NONE : tensor->dtype;
}

uint32_t tdag_tensor_get_rank(const tdag_tensor *tensor)
{
    return tensor == NULL ? 0 : tensor->rank;
}

const int64_t *tdag_tensor_get_shape(const tdag_tensor *tensor)
{
    return tensor == NULL ? NULL : tensor->shape;
}
int64_t tdag_tensor_get_count(const tdag_tensor *tensor)
{
    return tensor == NULL ? 0 : tensor->count;
}

size_t tdag_tensor_get_size(const tdag_tensor *tensor)
{
    return tensor == NULL ? 0 : tensor->size;
}

const void *tdag_tensor_get_data(const tdag_tensor *tensor)
{
    return tensor == NULL ? NULL : tensor->data;
}

void *tdag_tensor_get_mutable_data(tdag_tensor *tensor)
{
    return tensor == NULL ? NULL : tensor->data;
}

bool tdagi_tensor_equal(const tdag_tensor *a, const tdag_tensor *b)
{
    if (a == b) return true;
    if (a == NULL || b == NULL || a->dtype != b->dtype || a->rank != b->rank)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return a->size == 0 || a->data == b->data || memcmp(a->data, b->data, a->size) == 0;
}

bool tdagi_same_sizes(uint32_t rank, const int64_t *a, uint32_t rank_b,
                      const int64_t *b)
{
    uint32_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < rank && a[i] == 1)
            i++;
        while (k < rank_b && b[k] == 1)
            k++;
        if (i == rank || k == rank_b) return i == rank && k == rank_b;
        if (a[i] < 0 || a[i] != b[k]) return false;
    }
}
