/* Contexts, errors, options structs, arenas. */
#include "base/ctx.h"

#include "base/arena.h"
#include "support/test.h"

static void test_status_texts(void **state)
{
    (void)state;
#define CHECK_TEXT(id, code, text)                                                     \
    assert_string_equal(tdag_status_text(TDAG_##id), text);
    TDAG_STATUS_MAP(CHECK_TEXT)
#undef CHECK_TEXT
    assert_non_null(tdag_status_text((tdag_status)12345));
    assert_non_null(tdag_status_text((tdag_status)-1));
}

static void test_errors(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const tdag_error *e = tdag_ctx_get_error(ctx);
    assert_int_equal(e->status, TDAG_OK);
    assert_string_equal(e->message, "");
    assert_int_equal(tdagi_fail(ctx, TDAG_E_SHAPE, "axis %d", 3), TDAG_E_SHAPE);
    assert_int_equal(tdagi_fail_at_node(ctx, "v3", NULL), TDAG_E_SHAPE);
    assert_int_equal(tdagi_fail_at_node(ctx, "v4", "layer.0"), TDAG_E_SHAPE);
    assert_int_equal(tdagi_fail_at_offset(ctx, 7), TDAG_E_SHAPE);
    tdagi_fail_at_offset(ctx, 8);
    e = tdag_ctx_get_error(ctx);
    assert_string_equal(e->message, "axis 3");
    assert_string_equal(e->node, "v3"); /* what was there first stays */
    assert_string_equal(e->scope, "layer.0");
    assert_int_equal(e->offset, 7);
    tdagi_fail(ctx, TDAG_E_ARG, "%s again",
               e->message); /* its own words as an argument */
    e = tdag_ctx_get_error(ctx);
    assert_string_equal(e->message, "axis 3 again");
    assert_string_equal(e->node, "");
    assert_true(e->offset == UINT64_MAX);
    tdag_ctx_free(ctx);
    tdag_ctx_free(NULL);
}

/* A long sentence is cut between characters. */
static void test_cut(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char text[3 * TDAGI_MESSAGE_SIZE];
    for (int shift = 0; shift < 3; shift++) {
        size_t n = (size_t)shift;
        memset(text, 'x', n);
        for (; n + 3 < sizeof text; n += 3)
            memcpy(text + n, "\xE2\x82\xAC", 3);
        text[n] = '\0';
        tdagi_fail(ctx, TDAG_E_ARG, "%s", text);
        const char *message = tdag_ctx_get_error(ctx)->message;
        size_t length = strlen(message);
        assert_in_range(length, TDAGI_MESSAGE_SIZE - 3, TDAGI_MESSAGE_SIZE - 1);
        assert_int_equal((length - (size_t)shift) % 3, 0);
        tdagi_fail_at_node(ctx, text, text);
        assert_in_range(strlen(tdag_ctx_get_error(ctx)->node), 253, 255);
    }
    tdag_ctx_free(ctx);
}

static void test_options(void **state)
{
    (void)state;
    struct {
        tdag_ctx_options known;
        uint64_t newer[2];
    } o;
    memset(&o, 0, sizeof o);
    tdag_ctx *ctx = NULL;
    assert_int_equal(tdag_ctx_create(NULL, NULL), TDAG_E_ARG);
    assert_int_equal(tdag_ctx_create(&o.known, &ctx), TDAG_E_ARG); /* size 0 */
    o.known.size = 3;
    assert_int_equal(tdag_ctx_create(&o.known, &ctx), TDAG_E_ARG);
    o.known.size = SIZE_MAX;
    assert_int_equal(tdag_ctx_create(&o.known, &ctx), TDAG_E_ARG);
    o.known.size = sizeof o; /* newer, with zeroes that we do not know */
    assert_int_equal(tdag_ctx_create(&o.known, &ctx), TDAG_OK);
    tdag_ctx_free(ctx);
    ctx = NULL;
    o.newer[1] = 1;
    assert_int_equal(tdag_ctx_create(&o.known, &ctx), TDAG_E_ARG);
    assert_null(ctx);
    o.known.size = offsetof(tdag_ctx_options, limits); /* older */
    o.known.limits.max_nodes = 5;
    assert_int_equal(tdag_ctx_create(&o.known, &ctx), TDAG_OK);
    assert_true(ctx->limits.max_nodes > 1000);
    assert_int_equal(ctx->limits.max_loop_trips, 10000);
    tdag_ctx_free(ctx);
    o.known.size = sizeof o.known;
    assert_int_equal(tdag_ctx_create(&o.known, &ctx), TDAG_OK);
    assert_int_equal(ctx->limits.max_nodes, 5);
    tdag_ctx_free(ctx);
}

static void test_allocation(void **state)
{
    (void)state;
    test_heap heap = {0};
    tdag_ctx *ctx = test_ctx_on(&heap);
    void *p = NULL, *q = NULL;
    TEST_OK(ctx, tdagi_alloc(ctx, 0, &p));
    TEST_OK(ctx, tdagi_array_alloc(ctx, 3, 8, &q));
    for (int i = 0; i < 24; i++)
        assert_int_equal(((char *)q)[i], 0);
    TEST_OK(ctx, tdagi_realloc(ctx, &q, 24, 100));
    assert_int_equal(tdagi_array_alloc(ctx, SIZE_MAX / 4, 8, &p), TDAG_E_NOMEM);
    char *s = NULL;
    TEST_OK(ctx, tdagi_strdup(ctx, "text", &s));
    assert_string_equal(s, "text");
    tdagi_strfree(ctx, s);
    tdagi_strfree(ctx, NULL);
    tdagi_free(ctx, p, 0);
    tdagi_free(ctx, q, 100);
    heap.fail_at = 1;
    q = NULL;
    assert_int_equal(tdagi_realloc(ctx, &q, 0, 8), TDAG_E_NOMEM);
    assert_null(q);
    tdag_ctx_free(ctx);
    assert_int_equal(heap.live_blocks, 0);
    assert_int_equal(heap.live_bytes, 0);
}

static void test_arena(void **state)
{
    (void)state;
    test_heap heap = {0};
    const tdag_allocator a = {test_heap_realloc, &heap};
    tdagi_arena arena;
    tdagi_arena_init(&arena, &a);
    uint64_t *words[500];
    for (size_t i = 0; i < 500; i++) {
        size_t n = 1 + i * 7 % 100;
        words[i] = tdagi_arena_array(&arena, n, sizeof(uint64_t));
        assert_non_null(words[i]);
        assert_int_equal((uintptr_t)words[i] % 8, 0);
        for (size_t k = 0; k < n; k++)
            words[i][k] = i;
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < 1 + i * 7 % 100; k++)
            assert_int_equal(words[i][k], i);
    assert_true(heap.live_blocks < 16); /* blocks grow */
    assert_true(tdagi_arena_alloc(&arena, 0) != tdagi_arena_alloc(&arena, 0));
    assert_non_null(tdagi_arena_alloc(&arena, 5 << 20)); /* larger than any block */
    assert_string_equal(tdagi_arena_strdup(&arena, "abc"), "abc");
    assert_null(tdagi_arena_array(&arena, SIZE_MAX / 4, 8));
    assert_null(tdagi_arena_alloc(&arena, SIZE_MAX));
    assert_null(tdagi_arena_alloc(&arena, SIZE_MAX - 16));
    heap.fail_at = 1;
    assert_null(tdagi_arena_alloc(&arena, 6 << 20));
    tdagi_arena_free(&arena);
    assert_int_equal(heap.live_blocks, 0);
    assert_int_equal(heap.live_bytes, 0);
    assert_non_null(tdagi_arena_alloc(&arena, 8)); /* usable again */
    tdagi_arena_free(&arena);
    assert_int_equal(heap.live_bytes, 0);
}

/* ---- limits ---- */

static void test_max_memory(void **state)
{
    (void)state;
    test_heap heap = {0};
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.allocator = (tdag_allocator){test_heap_realloc, &heap};
    o.limits.max_memory = 64;
    tdag_ctx *ctx = NULL;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_E_NOMEM);
    assert_int_equal(heap.live_blocks, 0);
    heap.fail_at = 1;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_E_NOMEM);
    o.limits.max_memory = 10000;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    void *p = NULL, *q = NULL;
    TEST_OK(ctx, tdagi_alloc(ctx, 5000, &p));
    assert_int_equal(tdagi_alloc(ctx, 5000, &q), TDAG_E_NOMEM);
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "out of memory: the context allows 10000 bytes");
    assert_int_equal(tdagi_alloc(ctx, SIZE_MAX, &q), TDAG_E_NOMEM);
    TEST_OK(ctx, tdagi_realloc(ctx, &p, 5000, 6000));
    assert_int_equal(tdagi_realloc(ctx, &p, 6000, 20000), TDAG_E_NOMEM);
    TEST_OK(ctx, tdagi_realloc(ctx, &p, 6000, 100));
    TEST_OK(ctx, tdagi_alloc(ctx, 5000, &q)); /* what was given back is free again */
    tdagi_free(ctx, p, 100);
    heap.fail_at = 1; /* the host's own end of memory says no limit */
    assert_int_equal(tdagi_alloc(ctx, 100, &p), TDAG_E_NOMEM);
    assert_string_equal(tdag_ctx_get_error(ctx)->message, "out of memory");
    const tdag_allocator outlives = ctx->allocator;
    tdag_ctx_free(ctx);
    assert_int_equal(heap.live_blocks, 2); /* the block, and what counts it */
    tdagi_mem_free(&outlives, q, 5000);
    assert_int_equal(heap.live_blocks, 0);
    assert_int_equal(heap.live_bytes, 0);
}

static bool answer(void *user)
{
    int *calls = user;
    return --*calls > 0;
}

static void test_keep_going(void **state)
{
    (void)state;
    int calls = 3;
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.limits.keep_going = answer;
    o.limits.keep_going_user = &calls;
    o.limits.max_depth = 1 << 20;
    tdag_ctx *ctx = NULL;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    assert_int_equal(ctx->limits.max_depth, 500);
    TEST_OK(ctx, tdagi_ask(ctx));
    int polls = 0;
    while (tdagi_poll(ctx) == TDAG_OK)
        polls++;
    assert_int_equal(polls, 511); /* asked at every 256th */
    assert_int_equal(tdag_ctx_get_error(ctx)->status, TDAG_E_STOPPED);
    assert_string_equal(tdag_ctx_get_error(ctx)->message, "stopped by the host");
    assert_true(tdagi_is_final(TDAG_E_STOPPED) && !tdagi_is_final(TDAG_E_LIMIT));
    tdag_ctx_free(ctx);
    ctx = test_ctx();
    assert_int_equal(ctx->limits.max_depth, 200);
    TEST_OK(ctx, tdagi_ask(ctx));
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_texts), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_options),
        cmocka_unit_test(test_allocation),   cmocka_unit_test(test_arena),
        cmocka_unit_test(test_max_memory),   cmocka_unit_test(test_keep_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
