/* Arenas: what is freed, what emptying keeps, and that reuse takes no more memory. */
#include "base/arena.h"

#include "support/test.h"

static void fill(tdagi_arena *arena, int n)
{
    for (int i = 0; i < n; i++) {
        unsigned char *p = tdagi_arena_alloc(arena, 100);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 8, 0);
        memset(p, i, 100); /* sanitizers see it where blocks overlap or are gone */
    }
}

static void test_freeing(void **state)
{
    (void)state;
    test_heap heap = {0};
    tdagi_arena arena;
    tdagi_arena_init(&arena, &(tdag_allocator){test_heap_realloc, &heap});
    tdagi_arena_empty(&arena);
    fill(&arena, 100);
    assert_true(heap.live_blocks > 1);
    tdagi_arena_free(&arena);
    assert_int_equal(heap.live_bytes, 0);
    fill(&arena, 1);
    tdagi_arena_free(&arena);
    assert_int_equal(heap.live_blocks, 0);
}

static void test_emptying(void **state)
{
    (void)state;
    test_heap heap = {0};
    tdagi_arena arena;
    tdagi_arena_init(&arena, &(tdag_allocator){test_heap_realloc, &heap});
    fill(&arena, 100);
    tdagi_arena_empty(&arena);
    assert_int_equal(heap.live_blocks, 1);
    for (int round = 0; round < 1000; round++) {
        fill(&arena, 20);
        tdagi_arena_empty(&arena);
    }
    assert_true(heap.n_allocations < 12);
    tdagi_arena_free(&arena);
    assert_int_equal(heap.live_blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_freeing),
                                       cmocka_unit_test(test_emptying)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
