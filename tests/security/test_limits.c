/* The limits of a context while TorchScript files are imported: each of the files that
 * hostile.py made (the folder TDAG_TEST_HOSTILE) ends by one of them, in a sentence,
 * and leaves nothing live. */
#include <tdagger.h>

#include "support/test.h"

typedef struct outcome {
    tdag_status status;
    char message[1024];
} outcome;

static outcome import_within(const char *name, const tdag_limits *limits)
{
    char path[4200];
    const char *folder = getenv("TDAG_TEST_HOSTILE");
    const tdag_input_spec x = {.dtype = TDAG_F32, .rank = 2, .shape = {2, 2}};
    test_heap heap = {0};
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.allocator = (tdag_allocator){test_heap_realloc, &heap};
    o.limits = *limits;
    tdag_ctx *ctx = NULL;
    tdag_model *model = NULL;
    outcome out;
    assert_non_null(folder);
    snprintf(path, sizeof(path), "%s/%s.pt", folder, name);
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    out.status = tdag_from_torchscript(ctx, path, &x, 1, NULL, &model);
    snprintf(out.message, sizeof(out.message), "%s", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    assert_int_equal(heap.live_blocks, 0);
    assert_int_equal(heap.live_bytes, 0);
    return out;
}

static void expect(const char *name, const tdag_limits *limits, tdag_status status,
                   const char *words)
{
    outcome o = import_within(name, limits);
    if (o.status != status || strstr(o.message, words) == NULL)
        fail_msg("%s: %s: %s", name, tdag_status_text(o.status), o.message);
}

static void test_steps(void **state)
{
    (void)state;
    static const char *const names[] = {
        "nested_loops", "list_doubling", "list_growing", "text_doubling",
        "sorting",      "many_calls",    "many_nodes"};
    const tdag_limits few = {.max_steps = 100000};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        expect(names[i], &few, TDAG_E_LIMIT, "the import takes more than 100000 steps");
    const tdag_limits none = {.max_steps = 1};
    expect("endless", &none, TDAG_E_LIMIT, "more than 1 steps");
}

static void test_trips(void **state)
{
    (void)state;
    const tdag_limits usual = {0}, few = {.max_loop_trips = 77};
    expect("endless", &usual, TDAG_E_LIMIT, "a loop runs more than 10000 times");
    expect("nested_loops", &few, TDAG_E_LIMIT, "a loop runs more than 77 times");
}

static void test_nodes(void **state)
{
    (void)state;
    const tdag_limits few = {.max_nodes = 500};
    expect("many_nodes", &few, TDAG_E_LIMIT, "the graph would exceed 500 nodes");
}

static void test_depth(void **state)
{
    (void)state;
    const tdag_limits usual = {0}, deep = {.max_depth = 400}, flat = {.max_depth = 2};
    expect("deep_calls", &usual, TDAG_E_LIMIT, "nest deeper than 200");
    expect("deep_modules", &usual, TDAG_E_LIMIT, "nest deeper than 200");
    expect("deep_calls", &deep, TDAG_OK, "");
    expect("deep_modules", &deep, TDAG_OK, "");
    expect("endless", &flat, TDAG_E_LIMIT, "a loop runs more");
    expect("nested_loops", &flat, TDAG_E_LIMIT, "nest deeper than 2");
}

static void test_memory(void **state)
{
    (void)state;
    const tdag_limits little = {.max_memory = 3000000, .max_steps = UINT64_MAX};
    static const char *const names[] = {"list_doubling", "text_doubling", "many_calls",
                                        "many_nodes"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        expect(names[i], &little, TDAG_E_NOMEM, "the context allows 3000000 bytes");
}

static bool count_down(void *user) { return --*(int *)user > 0; }

static void test_stop(void **state)
{
    (void)state;
    static const char *const names[] = {"nested_loops", "many_calls", "many_nodes",
                                        "sorting"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        int questions = 50;
        const tdag_limits limits = {.keep_going = count_down,
                                    .keep_going_user = &questions};
        expect(names[i], &limits, TDAG_E_STOPPED, "stopped by the host");
        assert_int_equal(questions, 0); /* the first no is enough */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),  cmocka_unit_test(test_trips),
        cmocka_unit_test(test_nodes),  cmocka_unit_test(test_depth),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
