/* Archives that lie: each gets a status and a sentence, and nothing is read outside of
 * the file: the bytes are a block of exactly their size, which the sanitizers watch. */
#include "archive/zip.h"
#include "archive/zip_bytes.h"
#include "support/test.h"

static const zip_bytes_record records[] = {
    {.name = "n/data.pkl", .content = "a pickle"},
    {.name = "n/code/a.py",
     .content = "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     .deflated = true},
    {.name = "n/data/0", .content = "weights", .zip64 = true},
};
enum { N = sizeof records / sizeof *records };

/* Reads every record. */
static tdag_status read_all(tdag_ctx *ctx, const unsigned char *data, size_t size)
{
    tdagi_mapping *m = NULL;
    tdagi_zip *zip = NULL;
    TEST_OK(ctx, tdagi_mapping_wrap(ctx, data, size, NULL, NULL, &m));
    tdag_status st = tdagi_zip_open(ctx, m, "net.pt", &zip);
    uint32_t n = st == TDAG_OK ? tdagi_zip_count(zip) : 0;
    for (uint32_t i = 0; st == TDAG_OK && i < n; i++)
        st = tdagi_zip_check(ctx, zip, tdagi_zip_entry_at(zip, i));
    tdagi_zip_close(zip);
    tdagi_mapping_release(m);
    return st;
}

static tdag_status read_exactly(tdag_ctx *ctx, const unsigned char *data, size_t size,
                                const char *what)
{
    unsigned char *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    if (size > 0) memcpy(copy, data, size);
    tdag_status st = read_all(ctx, copy, size);
    if (st != TDAG_OK && tdag_ctx_get_error(ctx)->message[0] == '\0')
        fail_msg("%s: no sentence", what);
    if (st == TDAG_E_NOMEM || st == TDAG_E_INTERNAL)
        fail_msg("%s: %s", what, tdag_status_text(st));
    free(copy);
    return st;
}

/* ---- one lie ---- */

enum where { LOCAL, CENTRAL, END, END64, LOCATOR, EXTRA64 };
static const struct {
    const char *name;
    enum where where;
    size_t record, at;
    int width;
    uint64_t value;
    tdag_status st;
    const char *sentence;
} cases[] = {
    {"encrypted", CENTRAL, 0, 8, 2, 0x0801, TDAG_E_UNSUPPORTED, "is encrypted"},
    {"encrypted below", LOCAL, 0, 6, 2, 0x0801, TDAG_E_UNSUPPORTED, "is encrypted"},
    {"strong", CENTRAL, 0, 8, 2, 0x0840, TDAG_E_UNSUPPORTED, "is encrypted"},
    {"masked", CENTRAL, 0, 8, 2, 0x2800, TDAG_E_UNSUPPORTED, "is encrypted"},
    {"bzip2", CENTRAL, 0, 10, 2, 12, TDAG_E_UNSUPPORTED, "another method"},
    {"methods differ", LOCAL, 0, 8, 2, 8, TDAG_E_FORMAT, "another method in its local"},
    {"no local header", LOCAL, 0, 0, 4, 0, TDAG_E_FORMAT, "no local header"},
    {"another name", LOCAL, 0, 32, 1, 'x', TDAG_E_FORMAT, "another name"},
    {"a longer name", LOCAL, 0, 26, 2, 11, TDAG_E_FORMAT, "another name"},
    {"a long extra", LOCAL, 0, 28, 2, 200, TDAG_E_FORMAT, "overlaps what follows"},
    {"the longest extra", LOCAL, 2, 28, 2, 65535, TDAG_E_FORMAT, "overlaps what"},
    {"no directory", CENTRAL, 0, 0, 4, 0, TDAG_E_FORMAT, "no list of records"},
    {"a size for each", CENTRAL, 0, 20, 4, 7, TDAG_E_FORMAT, "two different sizes"},
    {"a shorter content", CENTRAL, 1, 24, 4, 27, TDAG_E_FORMAT, "does not inflate"},
    {"a longer content", CENTRAL, 1, 24, 4, 29, TDAG_E_FORMAT, "does not inflate"},
    {"a huge content", CENTRAL, 1, 24, 4, 1u << 31, TDAG_E_LIMIT, "1000 times"},
    {"fewer bytes", CENTRAL, 1, 20, 4, 2, TDAG_E_FORMAT, "does not inflate"},
    {"more bytes", CENTRAL, 1, 20, 4, 12, TDAG_E_FORMAT, "does not inflate"},
    {"far more bytes", CENTRAL, 1, 20, 4, 4000, TDAG_E_FORMAT, "overlaps another"},
    {"a checksum", CENTRAL, 0, 16, 4, 1, TDAG_E_FORMAT, "checksum"},
    {"an inflated checksum", CENTRAL, 1, 16, 4, 1, TDAG_E_FORMAT, "checksum"},
    {"names cut", CENTRAL, 2, 28, 2, 65535, TDAG_E_FORMAT, "directory cuts"},
    {"no name", CENTRAL, 2, 28, 2, 0, TDAG_E_FORMAT, "has no name"},
    {"a line in a name", CENTRAL, 0, 50, 1, '\n', TDAG_E_FORMAT, "control character"},
    {"a zero in a name", CENTRAL, 0, 50, 1, 0, TDAG_E_FORMAT, "not UTF-8"},
    {"no UTF-8", CENTRAL, 0, 50, 1, 0xC3, TDAG_E_FORMAT, "not UTF-8"},
    {"a backslash", CENTRAL, 0, 50, 1, '\\', TDAG_E_FORMAT, "backslash"},
    {"an absolute name", CENTRAL, 0, 46, 1, '/', TDAG_E_FORMAT, "absolute"},
    {"upwards", CENTRAL, 0, 52, 4, 0x2f2e2e2f, TDAG_E_FORMAT, "upwards"},
    {"extra cut", CENTRAL, 2, 56, 2, 999, TDAG_E_FORMAT, "extra fields"},
    {"extra too short", EXTRA64, 2, 2, 2, 16, TDAG_E_FORMAT, "extra fields"},
    {"no extra", EXTRA64, 2, 0, 2, 9, TDAG_E_FORMAT, "outside"},
    {"far away", EXTRA64, 2, 20, 8, UINT64_MAX, TDAG_E_FORMAT, "outside"},
    {"huge", EXTRA64, 2, 12, 8, UINT64_MAX, TDAG_E_FORMAT, "two different sizes"},
    {"offset behind", CENTRAL, 0, 42, 4, 0x7fffffff, TDAG_E_FORMAT, "outside"},
    {"in the directory", CENTRAL, 0, 42, 4, 500, TDAG_E_FORMAT, "outside"},
    {"the same place", CENTRAL, 1, 42, 4, 0, TDAG_E_FORMAT, "overlaps another"},
    {"inside another", CENTRAL, 1, 42, 4, 40, TDAG_E_FORMAT, "overlaps another"},
    {"several disks", END, 0, 4, 2, 1, TDAG_E_FORMAT, "of several"},
    {"a record elsewhere", END64, 0, 24, 8, 2, TDAG_E_FORMAT, "of several"},
    {"more disks", LOCATOR, 0, 16, 4, 2, TDAG_E_FORMAT, "of several"},
    {"fewer records", END64, 0, 32, 8, 2, TDAG_E_FORMAT, "contradict"},
    {"another size", END, 0, 12, 4, 9, TDAG_E_FORMAT, "contradict"},
    {"another offset", END, 0, 16, 4, 9, TDAG_E_FORMAT, "contradict"},
    {"a locator outside", LOCATOR, 0, 8, 8, 1u << 30, TDAG_E_FORMAT, "no end record"},
    {"a locator beyond", LOCATOR, 0, 8, 8, UINT64_MAX, TDAG_E_FORMAT, "no end record"},
    {"a locator to a file", LOCATOR, 0, 8, 8, 0, TDAG_E_FORMAT, "no end record"},
};

static void test_lies(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zip_bytes z = zip_bytes_make(records, N, true);
        size_t central = z.central[cases[i].record];
        const size_t at[] = {z.local[cases[i].record],
                             central,
                             z.end,
                             z.end64,
                             z.locator,
                             central + 46 + strlen(records[cases[i].record].name)};
        zip_bytes_put(&z, at[cases[i].where] + cases[i].at, cases[i].width,
                      cases[i].value);
        tdag_status st = read_exactly(ctx, z.data, z.size, cases[i].name);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].st || strstr(message, cases[i].sentence) == NULL)
            fail_msg("%s: %s: %s", cases[i].name, tdag_status_text(st), message);
        free(z.data);
    }
    tdag_ctx_free(ctx);
}

/* Both end records say the same of a directory that is not so. */
static void test_directories(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t n, size_less, offset_more;
        const char *sentence;
    } both[] = {
        {"more records", 4, 0, 0, "no list of records"},
        {"fewer records", 2, 0, 0, "more in its directory"},
        {"far more", 1000, 0, 0, "too short for its number"},
        {"most", UINT64_MAX, 0, 0, "too short for its number"},
        {"shorter", 3, 1, 0, "directory cuts"},
        {"elsewhere", 3, 0, 1, "outside"},
        {"far away", 3, 0, UINT64_MAX / 2, "outside"},
        {"overflow", 3, UINT64_MAX / 2, UINT64_MAX / 2, "outside"},
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        zip_bytes z = zip_bytes_make(records, N, true);
        uint64_t start = z.central[0], size = z.end64 - z.central[0];
        for (int k = 0; k < 2;
             k++) /* what the old form cannot say is left to the new */
            zip_bytes_put(&z, z.end + 8 + 2 * (size_t)k, 2, UINT16_MAX);
        zip_bytes_put(&z, z.end + 12, 4, UINT32_MAX);
        zip_bytes_put(&z, z.end + 16, 4, UINT32_MAX);
        zip_bytes_put(&z, z.end64 + 24, 8, both[i].n);
        zip_bytes_put(&z, z.end64 + 32, 8, both[i].n);
        zip_bytes_put(&z, z.end64 + 40, 8, size - both[i].size_less);
        zip_bytes_put(&z, z.end64 + 48, 8, start + both[i].offset_more);
        tdag_status st = read_exactly(ctx, z.data, z.size, both[i].name);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != TDAG_E_FORMAT || strstr(message, both[i].sentence) == NULL)
            fail_msg("%s: %s: %s", both[i].name, tdag_status_text(st), message);
        free(z.data);
    }
    tdag_ctx_free(ctx);
}

static void test_twice(void **state)
{
    (void)state;
    static const zip_bytes_record twice[] = {{.name = "n/a", .content = "1"},
                                             {.name = "n/b", .content = "2"},
                                             {.name = "n/a", .content = "3"}};
    tdag_ctx *ctx = test_ctx();
    zip_bytes z = zip_bytes_make(twice, 3, true);
    assert_int_equal(read_exactly(ctx, z.data, z.size, "twice"), TDAG_E_FORMAT);
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "record n/a in net.pt has a name that is there twice");
    free(z.data);
    tdag_ctx_free(ctx);
}

/* ---- damage ---- */

static void test_truncated(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char what[32];
    zip_bytes z = zip_bytes_make(records, N, true);
    for (size_t i = 0; i < z.size; i++) {
        snprintf(what, sizeof what, "%zu bytes", i);
        if (read_exactly(ctx, z.data, i, what) == TDAG_OK) fail_msg("%s load", what);
        if (read_exactly(ctx, z.data + i + 1, z.size - i - 1, what) == TDAG_OK)
            fail_msg("all but %s load", what);
    }
    free(z.data);
    tdag_ctx_free(ctx);
}

static void test_flipped(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char what[48];
    zip_bytes z = zip_bytes_make(records, N, true);
    size_t loaded = 0;
    for (size_t i = 0; i < 8 * z.size; i++) {
        z.data[i / 8] ^= (unsigned char)(1 << i % 8);
        snprintf(what, sizeof what, "byte %zu, bit %zu", i / 8, i % 8);
        loaded += read_exactly(ctx, z.data, z.size, what) == TDAG_OK;
        z.data[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_true(loaded > 0 && loaded < 4 * z.size); /* times, padding, descriptors */
    free(z.data);
    tdag_ctx_free(ctx);
}

/* ---- bombs ---- */

static void test_bombs(void **state)
{
    (void)state;
    enum { SIZE = 40 << 20 };
    char *zeros = calloc(1, SIZE);
    assert_non_null(zeros);
    zip_bytes_record r[7];
    char names[7][8];
    for (int i = 0; i < 7; i++) { /* deflated below 1000 : 1, 280 MB together */
        snprintf(names[i], sizeof names[i], "n/%d", i);
        r[i] = (zip_bytes_record){
            .name = names[i], .content = zeros, .size = SIZE, .deflated = true};
    }
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < SIZE; i += 3000)
        zeros[i] = 1;
    zip_bytes z = zip_bytes_make(r, 7, true);
    assert_int_equal(read_exactly(ctx, z.data, z.size, "bombs"), TDAG_E_LIMIT);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "256 MB"));
    free(z.data);
    memset(zeros, 0, SIZE);
    z = zip_bytes_make(r, 1, true);
    assert_int_equal(read_exactly(ctx, z.data, z.size, "zeros"), TDAG_E_LIMIT);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "1000 times"));
    free(z.data);
    free(zeros);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lies),    cmocka_unit_test(test_directories),
        cmocka_unit_test(test_twice),   cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped), cmocka_unit_test(test_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
