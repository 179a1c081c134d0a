/* Contexts: the allocator hook, the limits and the detail of the last failure.
 *
 * The message is formatted into a buffer on the stack first, because its arguments may
 * point into the buffer that it replaces. Reporting allocates nothing. */
#include "base/ctx.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_NODES        UINT64_C(2147483646)
#define DEFAULT_MAX_TENSOR_BYTES (UINT64_C(1) << 40)
#define DEFAULT_MAX_LOOP_TRIPS   UINT64_C(10000)
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

tdag_status tdag_ctx_create(const tdag_ctx_options *options, tdag_ctx **out)
{
    if (out == NULL) return TDAG_E_ARG;
    tdag_ctx_options o;
    TDAGI_TRY(tdagi_options_load(NULL, &o, sizeof o, options));
    if (o.allocator.realloc == NULL) o.allocator.realloc = libc_realloc;
    if (o.limits.max_nodes == 0) o.limits.max_nodes = DEFAULT_MAX_NODES;
    if (o.limits.max_nodes > DEFAULT_MAX_NODES) o.limits.max_nodes = DEFAULT_MAX_NODES;
    if (o.limits.max_tensor_bytes == 0)
        o.limits.max_tensor_bytes = DEFAULT_MAX_TENSOR_BYTES;
    if (o.limits.max_loop_trips == 0) o.limits.max_loop_trips = DEFAULT_MAX_LOOP_TRIPS;
    tdag_ctx *ctx = tdagi_mem_alloc(&o.allocator, sizeof *ctx);
    if (ctx == NULL) return TDAG_E_NOMEM;
    ctx->allocator = o.allocator;
    ctx->limits = o.limits;
    clear_error(ctx);
    *out = ctx;
    return TDAG_OK;
}

void tdag_ctx_free(tdag_ctx *ctx)
{
    if (ctx == NULL) return;
    tdag_allocator a = ctx->allocator;
    tdagi_mem_free(&a, ctx, sizeof *ctx);
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
