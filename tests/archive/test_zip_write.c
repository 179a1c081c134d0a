/* Archives written: read back by our own reader, laid out as PyTorch's are, put in
 * their place at once. Python's zipfile and torch.export read them in tests/pt2. */
#include <sys/resource.h>
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

/* Elements of a mapped file pass through in pieces: their CRC is right, and no more
 * than a few pieces are ever in memory. */
static void test_tensor(void **state)
{
    (void)state;
    enum { SIZE = 96 << 20 };
    tdag_ctx *ctx = test_ctx();
    char large[96];
    const int64_t shape[] = {SIZE + 3};
    struct rusage before, after;
    tdagi_mapping *m = NULL;
    tdag_tensor *t = NULL;
    tdagi_zip_writer *w = NULL;
    snprintf(large, sizeof large, "%s/large", folder);
    FILE *f = fopen(large, "w");
    assert_non_null(f);
    assert_int_equal(fputs("begins", f) < 0, 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(truncate(large, SIZE + 3), 0); /* no blocks on the disk */
    TEST_OK(ctx, tdagi_mapping_open(ctx, large, 0, &m));
    TEST_OK(ctx, tdag_tensor_wrap(ctx, TDAG_U8, 1, shape,
                                  (void *)(uintptr_t)tdagi_mapping_data(m),
                                  tdagi_mapping_release, m, &t));
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    TEST_OK(ctx, tdagi_zip_create(ctx, path, "net", &w));
    TEST_OK(ctx, tdagi_zip_add(w, "before", "b", 1));
    TEST_OK(ctx, tdagi_zip_add_tensor(w, "large", t));
    TEST_OK(ctx, tdagi_zip_add(w, "after", "a", 1));
    TEST_OK(ctx, tdagi_zip_finish(w));
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_true(after.ru_maxrss - before.ru_maxrss < (SIZE >> 10) / 3); /* kilobytes */
    assert_int_equal(tdagi_tensor_get_i64(t, 0), 'b'); /* it comes back */
    tdag_tensor_free(t);
    tdagi_zip *zip = open_file(ctx);
    TEST_OK(ctx, tdagi_zip_check(ctx, zip, tdagi_zip_find(zip, "large")));
    TEST_OK(ctx, tdagi_zip_check(ctx, zip, tdagi_zip_find(zip, "after")));
    tdagi_zip_close(zip);
    assert_int_equal(unlink(large), 0);
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
        cmocka_unit_test(test_records), cmocka_unit_test(test_many),
        cmocka_unit_test(test_tensor),  cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
