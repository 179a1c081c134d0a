/* Finding the shim: every way it can be missing or wrong is a sentence. No libtorch. */
#include <stdlib.h>

#include "support/test.h"
#include "torchscript/shim_load.h"

static void expect_failure(const char *path, const char *words)
{
    tdag_ctx *ctx = test_ctx();
    const tdag_shim_api *api = NULL;
    assert_int_equal(tdagi_shim_load(ctx, path, &api), TDAG_E_SHIM);
    assert_null(api);
    const char *message = tdag_ctx_get_error(ctx)->message;
    if (strstr(message, words) == NULL) fail_msg("'%s' lacks '%s'", message, words);
    tdag_ctx_free(ctx);
}

static void test_missing_file(void **state)
{
    (void)state;
    expect_failure("/nonexistent/shim.so", "there is no PyTorch shim at /nonexistent");
    assert_int_equal(setenv("TDAG_TORCH_SHIM", "/nonexistent/env.so", 1), 0);
    expect_failure(NULL, "which TDAG_TORCH_SHIM names");
}

static void test_no_library(void **state)
{
    (void)state;
    expect_failure("/dev/null", "does not load");
    expect_failure(getenv("TDAG_TEST_PLAIN_LIBRARY"), "is not a shim");
}

static void test_other_interface(void **state)
{
    (void)state;
    expect_failure(getenv("TDAG_TEST_FAKE_SHIM"),
                   "has interface 45, this libtdagger needs");
}

static void test_path_too_long(void **state)
{
    (void)state;
    char path[8192];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    tdag_ctx *ctx = test_ctx();
    const tdag_shim_api *api = NULL;
    assert_int_equal(tdagi_shim_load(ctx, path, &api), TDAG_E_ARG);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_no_library),
        cmocka_unit_test(test_other_interface),
        cmocka_unit_test(test_path_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
