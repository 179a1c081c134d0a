/* Packages on disk: written and read again, replaced, and those that are no packages.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"
#include "coreml/made.h"
#include "coreml/package/package.h"
#include "support/test.h"

#define FILES "x.mlpackage/Data/com.apple.CoreML/"

/* ---- written and read ---- */

static const float floats[3] = {1, 2, 3};
static const unsigned char bytes[70] = {5, 6, 7};

/* Writes a package of two weights, of which the model's description tells the offsets.
 */
static tdag_status write_package(tdag_ctx *ctx, const char *path, bool finish)
{
    char author[] = "an author";
    Cml__Model model = CML__MODEL__INIT;
    Cml__ModelDescription description = CML__MODEL_DESCRIPTION__INIT;
    Cml__Metadata metadata = CML__METADATA__INIT;
    Cml__BlobFileValue *a = NULL, *b = NULL;
    tdagi_package_writer *w = NULL;
    metadata.author = author;
    description.metadata = &metadata;
    model.description = &description;
    model.specification_version = 7;
    TDAGI_TRY(tdagi_package_create(ctx, path, &w));
    tdag_status st =
        tdagi_package_add_blob(w, TDAGI_BLOB_F32, floats, sizeof(floats), &a);
    if (st == TDAG_OK)
        st = tdagi_package_add_blob(w, TDAGI_BLOB_U8, bytes, sizeof(bytes), &b);
    if (st == TDAG_OK) {
        assert_int_equal(a->offset, 64);
        assert_int_equal(b->offset, 192);
        st = tdagi_package_write(w, &model);
    }
    if (st == TDAG_OK && finish) st = tdagi_package_finish(w, NULL);
    tdagi_package_writer_free(w);
    return st;
}

static tdag_status blob_at(tdagi_package *p, const char *name, uint64_t offset,
                           tdagi_blob *out)
{
    char file[200];
    Cml__BlobFileValue at = CML__BLOB_FILE_VALUE__INIT;
    snprintf(file, sizeof(file), "%s", name);
    at.file_name = tdagi_arena_strdup(&p->arena, file);
    if (at.file_name == NULL) return tdagi_nomem(p->ctx);
    at.offset = offset;
    return tdagi_package_blob(p, &at, out);
}

#define WEIGHTS "@model_path/weights/weight.bin"

static tdag_status read_package(tdag_ctx *ctx, const char *path)
{
    tdagi_package p;
    tdagi_blob a = {0}, b = {0};
    TDAGI_TRY(tdagi_package_open(ctx, path, &p));
    assert_int_equal(p.model->specification_version, 7);
    assert_string_equal(p.model->description->metadata->author, "an author");
    tdag_status st = blob_at(&p, WEIGHTS, 64, &a);
    if (st == TDAG_OK) st = blob_at(&p, WEIGHTS, 192, &b);
    if (st == TDAG_OK) {
        assert_int_equal(a.dtype, TDAGI_BLOB_F32);
        assert_int_equal(a.size, sizeof(floats));
        assert_memory_equal(a.data, floats, sizeof(floats));
        assert_int_equal((uintptr_t)b.data % 64, 0);
        assert_memory_equal(b.data, bytes, sizeof(bytes));
        assert_ptr_equal(a.mapping, b.mapping);
    }
    tdagi_package_close(&p);
    return st;
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {
        FILES "model.mlmodel", FILES "weights/weight.bin", "x.mlpackage/Manifest.json"};
    tdag_ctx *ctx = test_ctx();
    char path[100];
    snprintf(path, sizeof(path), "%s", made_path("x.mlpackage"));
    assert_false(tdagi_package_is(path));
    for (int round = 0; round < 3; round++) { /* new, replacing, with a slash */
        char slash[200];
        unsigned char *old[3] = {NULL};
        size_t n = 0, size[3] = {0};
        for (int i = 0; round > 0 && i < 3; i++)
            old[i] = made_read(names[i], &size[i]);
        snprintf(slash, sizeof(slash), "%s%s", path, round == 2 ? "//" : "");
        TEST_OK(ctx, write_package(ctx, slash, true));
        assert_true(tdagi_package_is(slash));
        TEST_OK(ctx, read_package(ctx, slash));
        for (int i = 0; round > 0 && i < 3; i++) {
            unsigned char *now = made_read(names[i], &n);
            assert_int_equal(n, size[i]);
            assert_memory_equal(now, old[i], n);
            free(now);
            free(old[i]);
        }
    }
    TEST_OK(ctx, write_package(ctx, path, false)); /* given up: the old one stays */
    TEST_OK(ctx, read_package(ctx, path));
    tdag_ctx_free(ctx);
}

/* The file of weights byte by byte, as the format has it. */
static void test_weight_bytes(void **state)
{
    (void)state;
    unsigned char want[320 + 6] = {2, 0, 0, 0, 2};
    static const unsigned char first[] = {0xef, 0xbe, 0xad, 0xde, 2, 0, 0, 0, 12},
                               second[] = {0xef, 0xbe, 0xad, 0xde, 3, 0, 0, 0, 70};
    size_t n = 0;
    memcpy(want + 64, first, sizeof(first));
    want[64 + 16] = 128;
    memcpy(want + 128, floats, sizeof(floats));
    memcpy(want + 192, second, sizeof(second));
    want[192 + 17] = 1; /* 256 */
    memcpy(want + 256, bytes, sizeof(bytes));
    unsigned char *is = made_read(FILES "weights/weight.bin", &n);
    assert_int_equal(n, sizeof(want));
    assert_memory_equal(is, want, n);
    free(is);
}

/* ---- what is there already ---- */

static int count_entries(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

static void test_not_replaced(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    made_text("file.mlpackage", "text");
    made_text("dir.mlpackage/any", "text");
    made_text("more.mlpackage/Manifest.json", "{}");
    made_text("more.mlpackage/thesis.txt", "text");
    assert_int_equal(symlink("x.mlpackage", made_path("link.mlpackage")), 0);
    static const char *const names[] = {"file.mlpackage", "dir.mlpackage",
                                        "more.mlpackage", "link.mlpackage"};
    int n = count_entries(made_path(""));
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        tdagi_package_writer *w = NULL;
        assert_int_equal(tdagi_package_create(ctx, made_path(names[i]), &w), TDAG_E_IO);
        if (strstr(tdag_ctx_get_error(ctx)->message, "no Core ML package") == NULL)
            fail_msg("%s: %s", names[i], tdag_ctx_get_error(ctx)->message);
    }
    tdagi_package_writer *w = NULL;
    assert_int_equal(tdagi_package_create(ctx, "", &w), TDAG_E_ARG);
    assert_int_equal(tdagi_package_create(ctx, made_path("none/x.mlpackage"), &w),
                     TDAG_E_IO);
    assert_int_equal(count_entries(made_path("")), n); /* nothing is left behind */
    tdag_ctx_free(ctx);
}

/* ---- manifests ---- */

#define ITEM(path) "\"m\": {\"path\": " path "}"
#define WHOLE(version, items, root)                                                    \
    "{\"fileFormatVersion\": " version ", \"itemInfoEntries\": {" items                \
    "}, \"rootModelIdentifier\": " root "}"

static const struct {
    const char *name, *text;
    tdag_status status;
    const char *says;
} manifests[] = {
    {"good", MADE_MANIFEST(MADE_MODEL), TDAG_OK, ""},
    {"short", WHOLE("\"1.0.0\"", ITEM("\"" MADE_MODEL "\""), "\"m\""), TDAG_OK, ""},
    {"empty", "", TDAG_E_FORMAT, "Manifest.json: the JSON has"},
    {"list", "[]", TDAG_E_FORMAT, "{ must come"},
    {"no fields", "{}", TDAG_E_FORMAT, "lacks its field 'fileFormatVersion'"},
    {"later", WHOLE("\"2.0.0\"", ITEM("\"a\""), "\"m\""), TDAG_E_UNSUPPORTED,
     "version '2.0.0'"},
    {"other item", WHOLE("\"1.0.0\"", ITEM("\"a\""), "\"n\""), TDAG_E_FORMAT,
     "no item 'n'"},
    {"twice", WHOLE("\"1.0.0\"", ITEM("\"a\"") "," ITEM("\"b\""), "\"m\""),
     TDAG_E_FORMAT, "there twice"},
    {"no path", WHOLE("\"1.0.0\"", "\"m\": {}", "\"m\""), TDAG_E_FORMAT,
     "lacks its field 'path'"},
    {"a number", WHOLE("\"1.0.0\"", ITEM("1"), "\"m\""), TDAG_E_FORMAT, "Manifest"},
    {"more", MADE_MANIFEST(MADE_MODEL) "x", TDAG_E_FORMAT, "more after the end"},
    {"not UTF-8", "{\"\xff\": 1}", TDAG_E_FORMAT, "UTF-8"},
    {"outside", MADE_MANIFEST("../x"), TDAG_E_FORMAT, "no path within"},
    {"outside later", MADE_MANIFEST("com.apple.CoreML/../../../x"), TDAG_E_FORMAT,
     "no path within"},
    {"outside at the end", MADE_MANIFEST("com.apple.CoreML/.."), TDAG_E_FORMAT,
     "no path within"},
    {"absolute", MADE_MANIFEST("/etc/passwd"), TDAG_E_FORMAT, "no path within"},
    {"nothing", MADE_MANIFEST(""), TDAG_E_FORMAT, "no path within"},
    {"here", MADE_MANIFEST("./com.apple.CoreML/model.mlmodel"), TDAG_E_FORMAT,
     "no path within"},
    {"folder", MADE_MANIFEST("com.apple.CoreML"), TDAG_E_IO, "no regular file"},
    {"not there", MADE_MANIFEST("com.apple.CoreML/other"), TDAG_E_IO, "No such file"},
    {"through a file", MADE_MANIFEST(MADE_MODEL "/x"), TDAG_E_IO, "Not a directory"},
    {"link", MADE_MANIFEST("com.apple.CoreML/link"), TDAG_E_FORMAT, "a symbolic link"},
    {"linked folder", MADE_MANIFEST("out/passwd"), TDAG_E_FORMAT, "a symbolic link"},
    {"pipe", MADE_MANIFEST("com.apple.CoreML/pipe"), TDAG_E_IO, "no regular file"},
};

static void test_manifests(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    made_file("m.mlpackage/Data/" MADE_MODEL, "\x08\x07", 2);
    assert_int_equal(
        symlink("/etc/passwd", made_path("m.mlpackage/Data/com.apple.CoreML/link")), 0);
    assert_int_equal(symlink("/etc", made_path("m.mlpackage/Data/out")), 0);
    assert_int_equal(mkfifo(made_path("m.mlpackage/Data/com.apple.CoreML/pipe"), 0666),
                     0);
    for (size_t i = 0; i < sizeof(manifests) / sizeof(*manifests); i++) {
        tdagi_package p;
        made_text("m.mlpackage/Manifest.json", manifests[i].text);
        tdag_status st = tdagi_package_open(ctx, made_path("m.mlpackage"), &p);
        const char *message = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != manifests[i].status || strstr(message, manifests[i].says) == NULL)
            fail_msg("%s: %d: %s", manifests[i].name, (int)st, message);
        tdagi_package_close(&p);
    }
    tdag_ctx_free(ctx);
}

/* ---- weights ---- */

/* A record with its data, and words of it changed: at the header's or record's bytes.
 */
static const struct {
    const char *name;
    uint32_t at, value;
    uint64_t offset;
    tdag_status status;
    const char *says;
} records[] = {
    {"good", 0, 1, 64, TDAG_OK, ""},
    {"version", 4, 1, 64, TDAG_E_UNSUPPORTED, "of version 1"},
    {"header", 0, 1, 0, TDAG_E_FORMAT, "multiple of 64"},
    {"odd", 0, 1, 65, TDAG_E_FORMAT, "multiple of 64"},
    {"data as record", 0, 1, 128, TDAG_E_FORMAT, "behind the end"},
    {"far", 0, 1, UINT64_MAX - 63, TDAG_E_FORMAT, "behind the end"},
    {"magic", 64, 1, 64, TDAG_E_FORMAT, "is none"},
    {"dtype 0", 68, 0, 64, TDAG_E_UNSUPPORTED, "dtype 0"},
    {"dtype 18", 68, 18, 64, TDAG_E_UNSUPPORTED, "dtype 18"},
    {"too long", 72, 17, 64, TDAG_E_FORMAT, "data behind the end"},
    {"huge", 76, UINT32_MAX, 64, TDAG_E_FORMAT, "data behind the end"},
    {"part", 72, 15, 64, TDAG_E_FORMAT, "a part of an element"},
    {"padding", 88, 1, 64, TDAG_E_FORMAT, "a part of an element"},
    {"data elsewhere", 80, 1, 64, TDAG_E_FORMAT, "its data at no multiple"},
    {"data far", 84, UINT32_MAX, 64, TDAG_E_FORMAT, "data behind the end"},
    {"no data", 72, 0, 64, TDAG_OK, ""},
};

static void test_records(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
        uint32_t words[36] = {1, 2};
        const uint32_t record[] = {0xDEADBEEF, TDAGI_BLOB_F32, 16, 0, 128};
        tdagi_package p;
        tdagi_blob blob;
        memcpy(words + 16, record, sizeof(record));
        words[records[i].at / 4] = records[i].value;
        made_text("m.mlpackage/Manifest.json", MADE_MANIFEST(MADE_MODEL));
        made_file("m.mlpackage/Data/com.apple.CoreML/weights/w", words, sizeof(words));
        TEST_OK(ctx, tdagi_package_open(ctx, made_path("m.mlpackage"), &p));
        tdag_status st = blob_at(&p, "@model_path/weights/w", records[i].offset, &blob);
        const char *message = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != records[i].status || strstr(message, records[i].says) == NULL)
            fail_msg("%s: %d: %s", records[i].name, (int)st, message);
        tdagi_package_close(&p);
    }
    tdag_ctx_free(ctx);
}

/* A record behind 5 GB of nothing. */
static void test_large(void **state)
{
    (void)state;
    const uint64_t at = UINT64_C(5) << 30;
    const uint64_t record[4] = {0x2DEADBEEF, 16, at + 64, 0};
    static const float numbers[4] = {1, 2, 3, 4};
    static const char name[] = "m.mlpackage/Data/com.apple.CoreML/weights/large";
    tdag_ctx *ctx = test_ctx();
    tdagi_package p;
    tdagi_blob blob;
    made_file(name, "\1\0\0\0\2\0\0\0", 8);
    int fd = open(made_path(name), O_WRONLY);
    assert_int_equal(pwrite(fd, record, sizeof(record), (off_t)at), sizeof(record));
    assert_int_equal(pwrite(fd, numbers, sizeof(numbers), (off_t)at + 64),
                     sizeof(numbers));
    assert_int_equal(close(fd), 0);
    TEST_OK(ctx, tdagi_package_open(ctx, made_path("m.mlpackage"), &p));
    TEST_OK(ctx, blob_at(&p, "@model_path/weights/large", at, &blob));
    assert_memory_equal(blob.data, numbers, sizeof(numbers));
    tdagi_package_close(&p);
    assert_int_equal(unlink(made_path(name)), 0);
    tdag_ctx_free(ctx);
}

static void test_weight_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "weights/w",
                                      "@model_path/",
                                      "@model_path/../x",
                                      "@model_path/link",
                                      "@model_path//weights/w",
                                      "@model_path/weights/none",
                                      "@model_path/short",
                                      "/etc/passwd"};
    tdag_ctx *ctx = test_ctx();
    tdagi_package p;
    tdagi_blob blob;
    made_text("m.mlpackage/Data/com.apple.CoreML/short", "short");
    TEST_OK(ctx, tdagi_package_open(ctx, made_path("m.mlpackage"), &p));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (blob_at(&p, bad[i], 64, &blob) == TDAG_OK) fail_msg("%s", bad[i]);
    tdagi_package_close(&p);
    TEST_OK(ctx, tdagi_package_open(ctx, made_path("m.mlpackage/Data/" MADE_MODEL),
                                    &p)); /* bare */
    assert_int_equal(p.model->specification_version, 7);
    assert_int_equal(blob_at(&p, "@model_path/weights/w", 64, &blob), TDAG_E_FORMAT);
    tdagi_package_close(&p);
    assert_int_equal(tdagi_package_open(ctx, made_path("none"), &p), TDAG_E_IO);
    tdag_ctx_free(ctx);
}

/* ---- memory ---- */

static tdag_status write_once(tdag_ctx *ctx, void *arg)
{
    int n = count_entries(made_path(""));
    tdag_status st = write_package(ctx, arg, true);
    assert_int_equal(count_entries(made_path("")), n);
    tdag_ctx *other = test_ctx(); /* the old one or the new one is whole */
    TEST_OK(other, read_package(other, arg));
    tdag_ctx_free(other);
    return st;
}

static tdag_status read_once(tdag_ctx *ctx, void *arg)
{
    return read_package(ctx, arg);
}

static void test_memory(void **state)
{
    (void)state;
    char path[200];
    snprintf(path, sizeof(path), "%s", made_path("x.mlpackage"));
    test_every_oom(write_once, path);
    test_every_oom(read_once, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_weight_bytes),
        cmocka_unit_test(test_not_replaced), cmocka_unit_test(test_manifests),
        cmocka_unit_test(test_records),      cmocka_unit_test(test_large),
        cmocka_unit_test(test_weight_names), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, made_remove);
}
