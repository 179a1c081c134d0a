/* What every test includes: cmocka with the headers it wants first, and a context. */
#ifndef TDAG_TEST_H
#define TDAG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tdagger/status.h>

/* An allocator that counts what is live and can fail its nth allocation; user = this.
 */
typedef struct test_heap {
    int64_t live_blocks;
    int64_t live_bytes;
    int64_t n_allocations; /* so far; growing a block counts */
    int64_t fail_at;       /* 0 = never; 1 = the next one after it was set, ... */
} test_heap;

static inline void *test_heap_realloc(void *user, void *ptr, size_t old_size,
                                      size_t new_size)
{
    test_heap *h = user;
    if (new_size == 0) {
        if (ptr != NULL) {
            h->live_blocks--;
            h->live_bytes -= (int64_t)old_size;
        }
        free(ptr);
        return NULL;
    }
    h->n_allocations++;
    if (h->fail_at > 0 && --h->fail_at == 0) return NULL;
    void *p = realloc(ptr, new_size);
    if (p == NULL) return NULL;
    if (ptr == NULL) h->live_blocks++;
    h->live_bytes += (int64_t)new_size - (int64_t)(ptr == NULL ? 0 : old_size);
    return p;
}

static inline tdag_ctx *test_ctx_on(test_heap *heap)
{
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.allocator.realloc = test_heap_realloc;
    o.allocator.user = heap;
    tdag_ctx *ctx = NULL;
    return tdag_ctx_create(&o, &ctx) == TDAG_OK ? ctx : NULL;
}

static inline tdag_ctx *test_ctx(void)
{
    tdag_ctx *ctx = NULL;
    return tdag_ctx_create(NULL, &ctx) == TDAG_OK ? ctx : NULL;
}

/* Fails the test with the context's sentence unless the status is OK. */
#define TEST_OK(ctx, expression)                                                       \
    do {                                                                               \
        tdag_status test_st_ = (expression);                                           \
        if (test_st_ != TDAG_OK)                                                       \
            fail_msg("%s: %s", #expression, tdag_ctx_get_error(ctx)->message);         \
    } while (0)

/* Runs `body(ctx, arg)` with the nth allocation failing: that must be TDAG_E_NOMEM and
 * leave nothing live when the context is freed. False when body needs fewer, and has
 * succeeded. */
static inline int test_one_oom(tdag_status (*body)(tdag_ctx *ctx, void *arg), void *arg,
                               int64_t nth)
{
    test_heap heap = {0};
    tdag_ctx *ctx = test_ctx_on(&heap);
    assert_non_null(ctx);
    heap.fail_at = nth;
    tdag_status st = body(ctx, arg);
    int failed = heap.fail_at == 0;
    heap.fail_at = 0;
    if (failed && st != TDAG_E_NOMEM)
        fail_msg("allocation %lld failed but the status is: %s", (long long)nth,
                 tdag_status_text(st));
    if (!failed) TEST_OK(ctx, st);
    tdag_ctx_free(ctx);
    if (heap.live_blocks != 0 || heap.live_bytes != 0)
        fail_msg("allocation %lld failed: %lld blocks, %lld bytes leaked",
                 (long long)nth, (long long)heap.live_blocks,
                 (long long)heap.live_bytes);
    return failed;
}

/* With the 1st, 2nd, ... allocation failing until `body(ctx, arg)` succeeds. body:
 * tdag_status (*)(tdag_ctx *, void *). */
static inline void test_every_oom(tdag_status (*body)(tdag_ctx *ctx, void *arg),
                                  void *arg)
{
    for (int64_t i = 1; test_one_oom(body, arg, i); i++)
        ;
}

#endif
