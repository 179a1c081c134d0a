/* Contexts: the allocator hook, the limits and the detail of the last failure.
 *
 * The message is formatted into a buffer on the stack first, because its arguments may
 * point into the buffer that it replaces. Reporting allocates nothing. */
#include "base/ctx.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_NODES        UINT64_C(2147483646)
#define DEFAULT_MAX_TENSOR_BYTES (UINT64_C(1) << 40)
#define DEFAULT_MAX_LOOP_TRIPS   UINT64_C(10000)
#define DEFAULT_MAX_DEPTH        UINT64_C(200)
#define DEFAULT_MAX_STEPS        UINT64_C(20000000)
#define MOST_DEPTH               UINT64_C(500) /* what a stack of 8 MB bears under the sanitizers */
#define MAX_OPTIONS_SIZE         4096 /* a larger size field is garbage, not a newer struct */

/* ---- status texts ---- */

const char *tdag_status_text(tdag_status status)
{
    switch (status) {
#define STATUS_CASE(id, code, text)                                                    \
    case TDAG_##id:                                                                    \
        return text;
        TDAG_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

/* ---- allocation ---- */

static void *libc_realloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

/* Counts what lives of a context's memory. Objects keep the allocator of the context
 * they were made with and may outlive it, so the meter goes with the last of them. */
typedef struct tdagi_meter {
    tdag_allocator inner;
    atomic_size_t held; /* bytes, those of the meter included while the context lives */
    size_t most;
    atomic_bool refused; /* since the last failure that said so */
} tdagi_meter;

static void meter_drop(tdagi_meter *m, size_t size)
{
    const tdag_allocator inner = m->inner;
    if (atomic_fetch_sub_explicit(&m->held, size, memory_order_acq_rel) == size)
        inner.realloc(inner.user, m, sizeof *m, 0);
}

static bool meter_add(tdagi_meter *m, size_t size)
{
    size_t held = atomic_fetch_add_explicit(&m->held, size, memory_order_relaxed);
    if (held <= m->most && size <= m->most - held) return true;
    atomic_fetch_sub_explicit(&m->held, size, memory_order_relaxed);
    atomic_store_explicit(&m->refused, true, memory_order_relaxed);
    return false;
}

static void *meter_realloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
    tdagi_meter *m = user;
    if (new_size > old_size && !meter_add(m, new_size - old_size)) return NULL;
    void *p = m->inner.realloc(m->inner.user, ptr, old_size, new_size);
    if (p == NULL && new_size > 0) {
        if (new_size > old_size) meter_drop(m, new_size - old_size);
        return NULL;
    }
    if (new_size < old_size) meter_drop(m, old_size - new_size);
    return p;
}

static tdag_status meter_create(const tdag_allocator *inner, uint64_t most,
                                tdagi_meter **out)
{
    tdagi_meter *m = inner->realloc(inner->user, NULL, 0, sizeof *m);
    if (m == NULL) return TDAG_E_NOMEM;
    m->inner = *inner;
    m->most = most > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)most;
    atomic_init(&m->held, sizeof *m);
    atomic_init(&m->refused, false);
    *out = m;
    return TDAG_OK;
}

/* The hook reads size 0 as "free", so an empty block is one byte, here and when freed.
 */
static size_t real_size(size_t size) { return size == 0 ? 1 : size; }

void *tdagi_mem_alloc(const tdag_allocator *a, size_t size)
{
    return a->realloc(a->user, NULL, 0, real_size(size));
}

void tdagi_mem_free(const tdag_allocator *a, void *ptr, size_t size)
{
    if (ptr != NULL) a->realloc(a->user, ptr, real_size(size), 0);
}

tdag_status tdagi_alloc(tdag_ctx *ctx, size_t size, void **out)
{
    void *p = tdagi_mem_alloc(&ctx->allocator, size);
    if (p == NULL) return tdagi_nomem(ctx);
    memset(p, 0, real_size(size));
    *out = p;
    return TDAG_OK;
}

tdag_status tdagi_array_alloc(tdag_ctx *ctx, size_t n, size_t size, void **out)
{
    if (size != 0 && n > SIZE_MAX / size) return tdagi_nomem(ctx);
    return tdagi_alloc(ctx, n * size, out);
}

tdag_status tdagi_realloc(tdag_ctx *ctx, void **ptr, size_t old_size, size_t new_size)
{
    size_t old = *ptr == NULL ? 0 : real_size(old_size);
    void *p =
        ctx->allocator.realloc(ctx->allocator.user, *ptr, old, real_size(new_size));
    if (p == NULL) return tdagi_nomem(ctx);
    *ptr = p;
    return TDAG_OK;
}

void tdagi_free(tdag_ctx *ctx, void *ptr, size_t size)
{
    tdagi_mem_free(&ctx->allocator, ptr, size);
}

tdag_status tdagi_strdup(tdag_ctx *ctx, const char *text, char **out)
{
    size_t size = strlen(text) + 1;
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, size, &p));
    memcpy(p, text, size);
    *out = p;
    return TDAG_OK;
}

void tdagi_strfree(tdag_ctx *ctx, char *text)
{
    if (text != NULL) tdagi_free(ctx, text, strlen(text) + 1);
}

/* ---- failing ---- */

/* Copies text, cut at a whole UTF-8 character where it does not fit. */
static void copy_cut(char *to, size_t size, const char *text)
{
    size_t n = strlen(text);
    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--;
    }
    memmove(to, text, n);
    to[n] = '\0';
}

static void clear_error(tdag_ctx *ctx)
{
    ctx->message[0] = ctx->node[0] = ctx->scope[0] = '\0';
    ctx->error = (tdag_error){.status = TDAG_OK,
                              .message = ctx->message,
                              .node = ctx->node,
                              .scope = ctx->scope,
                              .offset = UINT64_MAX};
}

tdag_status tdagi_fail(tdag_ctx *ctx, tdag_status status, const char *format, ...)
{
    if (ctx == NULL) return status;
    char text[TDAGI_MESSAGE_SIZE + 4]; /* room to see where a cut character begins */
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0) text[0] = '\0';
    va_end(args);
    clear_error(ctx);
    ctx->error.status = status;
    copy_cut(ctx->message, sizeof ctx->message, text);
    if (status == TDAG_E_NOMEM && ctx->meter != NULL &&
        atomic_exchange_explicit(&ctx->meter->refused, false, memory_order_relaxed))
        snprintf(ctx->message, sizeof ctx->message,
                 "out of memory: the context allows %llu bytes",
                 (unsigned long long)ctx->limits.max_memory);
    return status;
}

tdag_status tdagi_nomem(tdag_ctx *ctx)
{
    return tdagi_fail(ctx, TDAG_E_NOMEM, "out of memory");
}

tdag_status tdagi_fail_io(tdag_ctx *ctx, const char *verb, const char *path, int error)
{
    char words[128];
    if (strerror_r(error, words, sizeof words) != 0) strcpy(words, "unknown error");
    return tdagi_fail(ctx, TDAG_E_IO, "cannot %s %s: %s", verb, path, words);
}

tdag_status tdagi_fail_at_node(tdag_ctx *ctx, const char *node, const char *scope)
{
    if (node != NULL && ctx->node[0] == '\0')
        copy_cut(ctx->node, sizeof ctx->node, node);
    if (scope != NULL && ctx->scope[0] == '\0')
        copy_cut(ctx->scope, sizeof ctx->scope, scope);
    return ctx->error.status;
}

tdag_status tdagi_fail_at_offset(tdag_ctx *ctx, uint64_t offset)
{
    if (ctx->error.offset == UINT64_MAX) ctx->error.offset = offset;
    return ctx->error.status;
}

tdag_status tdagi_ask(tdag_ctx *ctx)
{
    const tdag_limits *l = &ctx->limits;
    if (l->keep_going == NULL || l->keep_going(l->keep_going_user)) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_STOPPED, "stopped by the host");
}

tdag_status tdagi_poll(tdag_ctx *ctx)
{
    return (++ctx->polls & 255) == 0 ? tdagi_ask(ctx) : TDAG_OK;
}

tdag_status tdagi_need(tdag_ctx *ctx, const void *pointer, const char *name)
{
    if (ctx != NULL && pointer != NULL) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_ARG, "the argument %s is NULL", name);
}

/* ---- options ---- */

static bool all_zero(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0) return false;
    return true;
}

tdag_status tdagi_options_load(tdag_ctx *ctx, void *known, size_t full_size,
                               const void *options)
{
    memset(known, 0, full_size);
    if (options != NULL) {
        size_t size;
        memcpy(&size, options, sizeof size);
        if (size < sizeof size || size > MAX_OPTIONS_SIZE)
            return tdagi_fail(ctx, TDAG_E_ARG,
                              "the options struct has size %zu; call its init function",
                              size);
        if (size > full_size &&
            !all_zero((const unsigned char *)options + full_size, size - full_size))
            return tdagi_fail(ctx, TDAG_E_ARG,
                              "the options struct sets fields that this version of the "
                              "library does not know");
        memcpy(known, options, size < full_size ? size : full_size);
    }
    memcpy(known, &full_size, sizeof full_size);
    return TDAG_OK;
}

/* ---- contexts ---- */

static void fill_limits(tdag_limits *l)
{
    if (l->max_nodes == 0 || l->max_nodes > DEFAULT_MAX_NODES)
        l->max_nodes = DEFAULT_MAX_NODES;
    if (l->max_tensor_bytes == 0) l->max_tensor_bytes = DEFAULT_MAX_TENSOR_BYTES;
    if (l->max_loop_trips == 0) l->max_loop_trips = DEFAULT_MAX_LOOP_TRIPS;
    if (l->max_depth == 0) l->max_depth = DEFAULT_MAX_DEPTH;
    if (l->max_depth > MOST_DEPTH) l->max_depth = MOST_DEPTH;
    if (l->max_steps == 0) l->max_steps = DEFAULT_MAX_STEPS;
}

tdag_status tdag_ctx_create(const tdag_ctx_options *options, tdag_ctx **out)
{
    if (out == NULL) return TDAG_E_ARG;
    tdag_ctx_options o;
    tdagi_meter *meter = NULL;
    TDAGI_TRY(tdagi_options_load(NULL, &o, sizeof o, options));
    if (o.allocator.realloc == NULL) o.allocator.realloc = libc_realloc;
    fill_limits(&o.limits);
    if (o.limits.max_memory > 0) {
        TDAGI_TRY(meter_create(&o.allocator, o.limits.max_memory, &meter));
        o.allocator = (tdag_allocator){meter_realloc, meter};
    }
    tdag_ctx *ctx = tdagi_mem_alloc(&o.allocator, sizeof *ctx);
    if (ctx == NULL) {
        if (meter != NULL) meter_drop(meter, sizeof *meter);
        return TDAG_E_NOMEM;
    }
    ctx->allocator = o.allocator;
    ctx->meter = meter;
    ctx->limits = o.limits;
    ctx->polls = 0;
    ctx->blas = NULL;
    ctx->schemas = ctx->formulas = (tdagi_kept){NULL, 0};
    clear_error(ctx);
    *out = ctx;
    return TDAG_OK;
}

void tdag_ctx_free(tdag_ctx *ctx)
{
    if (ctx == NULL) return;
    tdag_allocator a = ctx->allocator;
    tdagi_meter *meter = ctx->meter;
    tdagi_mem_free(&a, ctx->schemas.block, ctx->schemas.size);
    tdagi_mem_free(&a, ctx->formulas.block, ctx->formulas.size);
    tdagi_mem_free(&a, ctx, sizeof *ctx);
    if (meter != NULL) meter_drop(meter, sizeof *meter);
}

const tdag_error *tdag_ctx_get_error(const tdag_ctx *ctx)
{
    static const tdag_error none = {.status = TDAG_E_ARG,
                                    .message = "the argument ctx is NULL",
                                    .node = "",
                                    .scope = "",
                                    .offset = UINT64_MAX};
    return ctx == NULL ? &none : &ctx->error;
}
