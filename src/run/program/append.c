/* Growing tensors: several tensors, each the beginning of the next one, share a block.
 * `used` says how far it is written; who ends there may write behind it, once. */
#include "run/program/append.h"

#include <string.h>

typedef struct growing {
    atomic_uint refs;
    tdag_allocator allocator;
    size_t capacity;
    atomic_size_t used; /* bytes */
    unsigned char *data;
} growing;

static void release(void *user)
{
    growing *g = user;
    if (atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1) return;
    tdag_allocator a = g->allocator;
    tdagi_mem_free(&a, g->data, g->capacity);
    tdagi_mem_free(&a, g, sizeof *g);
}

static growing *growing_of(const tdag_tensor *t)
{
    return t->release == release ? t->user : NULL;
}

/* Room for twice as much as t has, which is copied; one reference. */
static tdag_status start(tdag_ctx *ctx, const tdag_tensor *t, size_t more,
                         growing **out)
{
    void *p = NULL, *data = NULL;
    size_t n = t->size + more;
    if (n > ctx->limits.max_tensor_bytes)
        return tdagi_fail(ctx, TDAG_E_LIMIT,
                          "a tensor of %zu bytes; the context allows %llu", n,
                          (unsigned long long)ctx->limits.max_tensor_bytes);
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(growing), &p));
    tdag_status st = tdagi_array_alloc(ctx, 2, n, &data);
    if (st != TDAG_OK) {
        tdagi_free(ctx, p, sizeof(growing));
        return st;
    }
    growing *g = p;
    atomic_init(&g->refs, 1);
    atomic_init(&g->used, t->size);
    g->allocator = ctx->allocator;
    g->capacity = 2 * n;
    g->data = data;
    if (t->size > 0) memcpy(g->data, t->data, t->size);
    *out = g;
    return TDAG_OK;
}

/* Whether the bytes behind t are its own now. */
static bool claim(growing *g, const tdag_tensor *t, size_t more)
{
    size_t end = t->size;
    return g != NULL && t->data == g->data && more <= g->capacity - end &&
           atomic_compare_exchange_strong(&g->used, &end, end + more);
}

static tdag_status append(tdag_ctx *ctx, const tdag_tensor *t, const tdag_tensor *v,
                          const int64_t *shape, tdag_tensor **out)
{
    growing *g = growing_of(t);
    if (v->size == 0) return tdag_tensor_create(ctx, t->dtype, t->rank, shape, out);
    if (claim(g, t, v->size)) {
        atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    } else {
        TDAGI_TRY(start(ctx, t, v->size, &g));
        (void)claim(g, &(tdag_tensor){.data = g->data, .size = t->size}, v->size);
    }
    memcpy(g->data + t->size, v->data, v->size);
    tdag_status st =
        tdag_tensor_wrap(ctx, t->dtype, t->rank, shape, g->data, release, g, out);
    if (st != TDAG_OK) release(g);
    return st;
}

tdag_status tdagi_append_row(tdag_ctx *ctx, const tdag_tensor *t, const tdag_tensor *v,
                             tdag_tensor **out)
{
    int64_t shape[TDAG_MAX_RANK];
    memcpy(shape, t->shape, sizeof shape);
    shape[0]++;
    return append(ctx, t, v, shape, out);
}

tdag_status tdagi_append_all(tdag_ctx *ctx, tdag_tensor *t, const tdag_tensor *v,
                             uint32_t axis, tdag_tensor **out)
{
    int64_t shape[TDAG_MAX_RANK];
    memcpy(shape, t->shape, sizeof shape);
    shape[axis] += v->shape[axis];
    if (shape[axis] != t->shape[axis]) return append(ctx, t, v, shape, out);
    *out = tdag_tensor_copy(t);
    return TDAG_OK;
}

tdag_status tdagi_append_settle(tdag_ctx *ctx, tdag_tensor **t)
{
    tdag_tensor *copy = NULL;
    if (*t == NULL || growing_of(*t) == NULL) return TDAG_OK;
    TDAGI_TRY(tdag_tensor_create(ctx, (*t)->dtype, (*t)->rank, (*t)->shape, &copy));
    if (copy->size > 0) memcpy(copy->data, (*t)->data, copy->size);
    tdag_tensor_free(*t);
    *t = copy;
    return TDAG_OK;
}
