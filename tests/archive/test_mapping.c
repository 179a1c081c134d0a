/* Files in memory: mapped, read, lent. */
#include <unistd.h>

#include "archive/mapping.h"
#include "support/test.h"

static char path[64];

static void write_file(const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void test_open(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t flags = 0; flags <= TDAGI_MAPPING_COPY; flags++) {
        tdagi_mapping *m = NULL;
        write_file("some bytes");
        TEST_OK(ctx, tdagi_mapping_open(ctx, path, flags, &m));
        assert_int_equal(tdagi_mapping_size(m), 10);
        assert_memory_equal(tdagi_mapping_data(m), "some bytes", 10);
        assert_ptr_equal(tdagi_mapping_retain(m), m);
        tdagi_mapping_release(m);
        unlink(path); /* it stays readable */
        assert_memory_equal(tdagi_mapping_data(m), "some bytes", 10);
        tdagi_mapping_release(m);
        write_file("");
        TEST_OK(ctx, tdagi_mapping_open(ctx, path, flags, &m));
        assert_int_equal(tdagi_mapping_size(m), 0);
        assert_non_null(tdagi_mapping_data(m));
        tdagi_mapping_release(m);
    }
    tdagi_mapping_release(NULL);
    tdag_ctx_free(ctx);
}

static void test_failures(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_mapping *m = NULL;
    assert_int_equal(tdagi_mapping_open(ctx, "/tmp", 0, &m), TDAG_E_IO);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "no regular file"));
    assert_int_equal(tdagi_mapping_open(ctx, "/tmp/is/not/there", 0, &m), TDAG_E_IO);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "/tmp/is/not/there"));
    assert_null(m);
    tdag_ctx_free(ctx);
}

static void count_up(void *user) { ++*(int *)user; }

static void test_wrap(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_mapping *m = NULL;
    int released = 0;
    TEST_OK(ctx, tdagi_mapping_wrap(ctx, "abc", 3, count_up, &released, &m));
    assert_memory_equal(tdagi_mapping_data(m), "abc", 3);
    tdagi_mapping_retain(m);
    tdag_ctx_free(ctx); /* outlived */
    tdagi_mapping_release(m);
    assert_int_equal(released, 0);
    tdagi_mapping_release(m);
    assert_int_equal(released, 1);
}

static tdag_status open_and_wrap(tdag_ctx *ctx, void *user)
{
    tdagi_mapping *m = NULL;
    for (uint32_t flags = 0; flags <= TDAGI_MAPPING_COPY; flags++) {
        tdag_status st = tdagi_mapping_open(ctx, path, flags, &m);
        if (st != TDAG_OK) return st;
        tdagi_mapping_release(m);
    }
    tdag_status st = tdagi_mapping_wrap(ctx, "x", 1, count_up, user, &m);
    if (st == TDAG_OK) tdagi_mapping_release(m);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    int released = 0;
    write_file("some bytes");
    test_every_oom(open_and_wrap, &released);
    assert_int_equal(released, 1);
    unlink(path);
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/tdag_mapping_%ld", (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
