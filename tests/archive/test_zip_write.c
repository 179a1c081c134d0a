/* Archives written: read back by our own reader, laid out as PyTorch's are, put in
 * their place at once. Python's zipfile and torch.export read them in tests/pt2. */
#include <sys/stat.h>
#include <unistd.h>

#include "archive/zip.h"
#include "archive/zip_write.h"
#include "support/test.h"

static char folder[64], path[96];

static const struct {
    const char *name, *content;
} records[] = {
    {"data/weights/weight_0", "weights"},
    {"models/model.json", "{}"},
    {"data/sample_inputs/model.pt", ""},
    {"b\303\266.txt", "a content of more than one line\n and this is the other"},
    {"archive_format", "pt2"}};
enum { N = sizeof records / sizeof *records };

static tdag_status write_all(tdag_ctx *ctx, void *to)
{
    tdagi_zip_writer *w = NULL;
    TDAGI_TRY(tdagi_zip_create(ctx, to, "net", &w));
    tdag_status st = TDAG_OK;
    for (int i = 0; i < N && st == TDAG_OK; i++)
        st = tdagi_zip_add(w, records[i].name, records[i].content,
                           strlen(records[i].content));
    if (st == TDAG_OK) return tdagi_zip_finish(w);
    tdagi_zip_abandon(w);
    return st;
}

static tdagi_zip *open_file(tdag_ctx *ctx)
{
    tdagi_mapping *m = NULL;
    tdagi_zip *zip = NULL;
    TEST_OK(ctx, tdagi_mapping_open(ctx, path, 0, &m));
    TEST_OK(ctx, tdagi_zip_open(ctx, m, path, &zip));
    tdagi_mapping_release(m);
    return zip;
}

static size_t place_of(const tdagi_zip *zip, const void *data)
{
    const unsigned char *file = tdagi_mapping_data(tdagi_zip_mapping(zip));
    return (size_t)((const unsigned char *)data - file);
}

static void test_records(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    TEST_OK(ctx, write_all(ctx, path));
    tdagi_zip *zip = open_file(ctx);
    assert_string_equal(tdagi_zip_prefix(zip), "net");
    assert_int_equal(tdagi_zip_count(zip), N);
    for (int i = 0; i < N; i++) {
        const void *data = NULL;
        size_t size = 0;
        const tdagi_zip_entry *e = tdagi_zip_find(zip, records[i].name);
        assert_non_null(e);
        TEST_OK(ctx, tdagi_zip_read(ctx, zip, e, &data, &size));
        TEST_OK(ctx, tdagi_zip_check(ctx, zip, e));
        assert_int_equal(size, strlen(records[i].content));
        assert_memory_equal(data, records[i].content, size);
        assert_int_equal(place_of(zip, data) % 64, 0);
        assert_int_equal(e->method, 0);
    }
    tdagi_zip_close(zip);
    tdag_ctx_free(ctx);
}

/* More than 16 bits count: the zip64 end. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 66000 };
    tdag_ctx *ctx = test_ctx();
    tdagi_zip_writer *w = NULL;
    TEST_OK(ctx, tdagi_zip_create(ctx, path, "many", &w));
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "r%d", i);
        TEST_OK(ctx, tdagi_zip_add(w, name, name, strlen(name)));
    }
    TEST_OK(ctx, tdagi_zip_finish(w));
    tdagi_zip *zip = open_file(ctx);
    assert_int_equal(tdagi_zip_count(zip), MANY);
    assert_int_equal(tdagi_zip_find(zip, "r65999")->size, 6);
    tdagi_zip_close(zip);
    tdag_ctx_free(ctx);
}

static void test_abandoned(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    struct stat before, after;
    TEST_OK(ctx, write_all(ctx, path));
    assert_int_equal(stat(path, &before), 0);
    tdagi_zip_writer *w = NULL;
    TEST_OK(ctx, tdagi_zip_create(ctx, path, "net", &w));
    TEST_OK(ctx, tdagi_zip_add(w, "a", "other", 5));
    tdagi_zip_abandon(w);
    tdagi_zip_abandon(NULL);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    char nowhere[128];
    snprintf(nowhere, sizeof nowhere, "%s/nowhere/a.pt2", folder);
    assert_int_equal(tdagi_zip_create(ctx, nowhere, "net", &w), TDAG_E_IO);
    tdag_ctx_free(ctx);
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(write_all, path);
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tdag-zip-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/a.zip", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where a temporary file is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
