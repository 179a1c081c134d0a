/* Files of every released version stay readable: test_released FILE.tdag... has beside
 * each its textual form with every tensor in full, NAME.txt, which is what it must
 * hold. Nothing here is ever written anew. */
#include <tdagger.h>

#include "support/test.h"

static int n_files;
static char **files;

static char *read_text(const char *tdag)
{
    char path[4096];
    snprintf(path, sizeof path, "%.*s.txt", (int)(strlen(tdag) - 5), tdag);
    FILE *f = fopen(path, "rb");
    if (f == NULL) fail_msg("%s is missing", path);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

static void test_read(void **state)
{
    (void)state;
    assert_true(n_files > 0);
    for (int i = 0; i < n_files; i++) {
        tdag_ctx *ctx = test_ctx();
        tdag_model *m = NULL;
        char *text = NULL, *want = read_text(files[i]);
        TEST_OK(ctx, tdag_load(ctx, files[i], NULL, &m));
        TEST_OK(ctx, tdag_verify(ctx, tdag_model_get_graph(m)));
        TEST_OK(ctx,
                tdag_graph_print(ctx, tdag_model_get_graph(m), TDAG_TEXT_FULL, &text));
        assert_string_equal(text, want);
        tdag_text_free(ctx, text);
        free(want);
        tdag_model_free(m);
        tdag_ctx_free(ctx);
    }
}

int main(int argc, char **argv)
{
    n_files = argc - 1;
    files = argv + 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
