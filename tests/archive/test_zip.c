/* Archives that are as they should be: what their records say and hold. */
#include "archive/zip.h"
#include "archive/zip_bytes.h"
#include "support/test.h"

static const zip_bytes_record records[] = {
    {.name = "net/data.pkl", .content = "a pickle"},
    {.name = "net/code/a.py",
     .content = "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     .deflated = true},
    {.name = "net/data/0", .content = ""},
    {.name = "net/data/1", .content = "weights", .zip64 = true},
    {.name = "net/code/b\303\266.py",
     .content = "bbbbbbbb",
     .deflated = true,
     .zip64 = true},
    {.name = "net/empty.py", .content = "", .deflated = true},
};
enum { N = sizeof records / sizeof *records };

static tdagi_zip *open_bytes(tdag_ctx *ctx, const zip_bytes *bytes)
{
    tdagi_mapping *m = NULL;
    tdagi_zip *zip = NULL;
    TEST_OK(ctx, tdagi_mapping_wrap(ctx, bytes->data, bytes->size, NULL, NULL, &m));
    TEST_OK(ctx, tdagi_zip_open(ctx, m, "net.pt", &zip));
    assert_ptr_equal(tdagi_zip_mapping(zip), m);
    tdagi_mapping_release(m);
    return zip;
}

static void check_content(tdag_ctx *ctx, tdagi_zip *zip, const char *name,
                          const char *content)
{
    const void *data = NULL, *again = NULL;
    size_t size = 99;
    const tdagi_zip_entry *e = tdagi_zip_find(zip, name);
    if (e == NULL) fail_msg("no record %s", name);
    assert_string_equal(e->name, name);
    TEST_OK(ctx, tdagi_zip_read(ctx, zip, e, &data, &size));
    assert_int_equal(size, strlen(content));
    assert_int_equal(size, e->size);
    assert_memory_equal(data, content, size);
    TEST_OK(ctx, tdagi_zip_check(ctx, zip, e));
    TEST_OK(ctx, tdagi_zip_read(ctx, zip, e, &again, &size));
    assert_ptr_equal(again, data); /* inflated once */
    const unsigned char *file = tdagi_mapping_data(tdagi_zip_mapping(zip));
    bool inside =
        (uintptr_t)data >= (uintptr_t)file &&
        (uintptr_t)data < (uintptr_t)file + tdagi_mapping_size(tdagi_zip_mapping(zip));
    assert_true(inside == (e->method == 0));
}

static void test_records(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int end64 = 0; end64 < 2; end64++) {
        zip_bytes bytes = zip_bytes_make(records, N, end64 != 0);
        assert_true(tdagi_zip_is(bytes.data, bytes.size));
        tdagi_zip *zip = open_bytes(ctx, &bytes);
        assert_string_equal(tdagi_zip_prefix(zip), "net");
        assert_int_equal(tdagi_zip_count(zip), N);
        for (uint32_t i = 0; i < N; i++) {
            assert_string_equal(tdagi_zip_entry_at(zip, i)->name, records[i].name + 4);
            check_content(ctx, zip, records[i].name + 4, records[i].content);
        }
        assert_null(tdagi_zip_find(zip, "net/data.pkl"));
        assert_null(tdagi_zip_find(zip, "data"));
        assert_null(tdagi_zip_find(zip, ""));
        tdagi_zip_close(zip);
        free(bytes.data);
    }
    tdagi_zip_close(NULL);
    tdag_ctx_free(ctx);
}

/* Comments and junk behind the end are fine, as they are for PyTorch. */
static void test_behind_the_end(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    static const int lengths[][2] = {
        {0, 1}, {5, 5}, {5, 99}, {65535, 65535}, {0, 65535}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        zip_bytes bytes = zip_bytes_make(records, 2, true);
        zip_bytes_put(&bytes, bytes.end + 20, 2, (uint64_t)lengths[i][0]);
        bytes.size += (size_t)lengths[i][1];
        tdagi_zip *zip = open_bytes(ctx, &bytes);
        check_content(ctx, zip, "data.pkl", "a pickle");
        tdagi_zip_close(zip);
        free(bytes.data);
    }
    tdag_ctx_free(ctx);
}

static void test_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *names[3];
        const char *prefix, *first;
    } cases[] = {
        {{"a/x", "a/y", "a/z"}, "a", "x"},
        {{"a/b/x", "a/b/y", "a/z"}, "a", "b/x"},
        {{"a/x", "a/y", "z"}, "", "a/x"},
        {{"a/x", "ab/y", "a/z"}, "", "a/x"},
        {{"x", "y", "z"}, "", "x"},
        {{"a/", "a/b/", "a/b/x"}, "a", "b/x"}, /* folders are no records */
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zip_bytes_record r[3];
        for (int k = 0; k < 3; k++)
            r[k] = (zip_bytes_record){.name = cases[i].names[k], .content = ""};
        zip_bytes bytes = zip_bytes_make(r, 3, true);
        tdagi_zip *zip = open_bytes(ctx, &bytes);
        assert_string_equal(tdagi_zip_prefix(zip), cases[i].prefix);
        assert_string_equal(tdagi_zip_entry_at(zip, 0)->name, cases[i].first);
        check_content(ctx, zip, cases[i].first, "");
        tdagi_zip_close(zip);
        free(bytes.data);
    }
    tdag_ctx_free(ctx);
}

static void test_empty(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int end64 = 0; end64 < 2; end64++) {
        zip_bytes bytes = zip_bytes_make(NULL, 0, end64 != 0);
        tdagi_zip *zip = open_bytes(ctx, &bytes);
        assert_int_equal(tdagi_zip_count(zip), 0);
        assert_string_equal(tdagi_zip_prefix(zip), "");
        assert_null(tdagi_zip_find(zip, "data.pkl"));
        tdagi_zip_close(zip);
        free(bytes.data);
    }
    assert_false(tdagi_zip_is("PK", 2));
    assert_false(tdagi_zip_is("PK\1\2", 4));
    tdag_ctx_free(ctx);
}

static tdag_status read_all(tdag_ctx *ctx, void *bytes)
{
    const zip_bytes *b = bytes;
    tdagi_mapping *m = NULL;
    tdagi_zip *zip = NULL;
    tdag_status st = tdagi_mapping_wrap(ctx, b->data, b->size, NULL, NULL, &m);
    if (st == TDAG_OK) st = tdagi_zip_open(ctx, m, "net.pt", &zip);
    for (uint32_t i = 0; st == TDAG_OK && i < N; i++)
        st = tdagi_zip_check(ctx, zip, tdagi_zip_entry_at(zip, i));
    tdagi_zip_close(zip);
    tdagi_mapping_release(m);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    zip_bytes bytes = zip_bytes_make(records, N, true);
    test_every_oom(read_all, &bytes);
    free(bytes.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),  cmocka_unit_test(test_behind_the_end),
        cmocka_unit_test(test_prefixes), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
