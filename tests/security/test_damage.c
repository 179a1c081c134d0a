/* Every truncation and every flipped bit of a small TorchScript file that PyTorch wrote
 * (TDAG_TEST_EXAMPLE): a model, or a status with a sentence, and nothing live. */
#include <tdagger.h>

#include "support/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP 13 /* bits: all of them take minutes there */
#else
#define STEP 1
#endif

static size_t read_example(unsigned char *data, size_t room)
{
    const char *path = getenv("TDAG_TEST_EXAMPLE");
    assert_non_null(path);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(data, 1, room, f);
    assert_true(feof(f) && n < room);
    fclose(f);
    return n;
}

/* Whether a model came of it. The bytes are a block of their size, which the sanitizers
 * watch. */
static bool open_bytes(const unsigned char *data, size_t size, const char *what)
{
    const tdag_input_spec x = {.dtype = TDAG_F32, .rank = 4, .shape = {10, 20, 30, 48}};
    test_heap heap = {0};
    tdag_ctx *ctx = test_ctx_on(&heap);
    tdag_model *m = NULL;
    void *copy = malloc(size + (size == 0));
    assert_true(ctx != NULL && copy != NULL);
    memcpy(copy, data, size);
    const tdag_bytes bytes = {.data = copy, .size = size};
    const tdag_open_options o = {.size = sizeof o, .kind = TDAG_FILE_TORCHSCRIPT};
    tdag_status st = tdag_open_memory(ctx, &bytes, &x, 1, &o, &m);
    if (st == TDAG_E_NOMEM || st == TDAG_E_INTERNAL ||
        (st != TDAG_OK && tdag_ctx_get_error(ctx)->message[0] == '\0'))
        fail_msg("%s: %s: %s", what, tdag_status_text(st),
                 tdag_ctx_get_error(ctx)->message);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
    free(copy);
    if (heap.live_blocks != 0) fail_msg("%s: something is left", what);
    return st == TDAG_OK;
}

static void test_truncated(void **state)
{
    (void)state;
    static unsigned char data[8192];
    char what[48];
    size_t size = read_example(data, sizeof data);
    assert_true(open_bytes(data, size, "whole"));
    for (size_t n = 0; n < size; n++) {
        snprintf(what, sizeof what, "%zu bytes", n);
        if (open_bytes(data, n, what)) fail_msg("%s are a model", what);
    }
}

static void test_flipped(void **state)
{
    (void)state;
    static unsigned char data[8192];
    char what[48];
    size_t size = read_example(data, sizeof data), models = 0, n = 0;
    for (size_t i = 0; i < 8 * size; i += STEP, n++) {
        data[i / 8] ^= (unsigned char)(1 << i % 8);
        snprintf(what, sizeof what, "byte %zu, bit %zu", i / 8, i % 8);
        models += open_bytes(data, size, what);
        data[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_true(models > 0 && models < n); /* weights, padding, places in Python */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_truncated),
                                       cmocka_unit_test(test_flipped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
