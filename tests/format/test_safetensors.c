/* safetensors files: round trips, alignment, hostile files, failing memory and disks.
 */
#include "format/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tensor.h"
#include "support/test.h"

static char folder[64];
static char path[128];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tdag_safetensors_XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/x.safetensors", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails if a temporary file was left */
}

/* A file of a header and n bytes of data, counted up from 0. */
static void write_raw(const char *header, size_t header_size, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 8; i++)
        fputc((int)(header_size >> (8 * i) & 0xFF), f);
    fwrite(header, 1, strlen(header), f);
    for (size_t i = 0; i < n; i++)
        fputc((int)(i & 0xFF), f);
    fclose(f);
}

static void fill(tdag_tensor *t)
{
    unsigned char *bytes = t->data;
    for (size_t i = 0; i < t->size; i++)
        bytes[i] = t->dtype == TDAG_BOOL ? i % 2 : (unsigned char)(i * 7 + t->rank);
}

/* One tensor of every dtype, with ranks and sizes that make odd layouts. */
static void make_tensors(tdag_ctx *ctx, tdag_named_tensors *out, char **names,
                         tdag_tensor **tensors)
{
    static const int64_t shapes[][3] = {{3, 5, 7}, {16, 2, 2}, {1, 1, 3}, {0, 4, 9}};
    uint32_t n = 0;
#define MAKE(id, code, name, size, kind)                                               \
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_##id, code % 4,                          \
                                    shapes[code % 3 + code % 2], &tensors[n]));        \
    fill(tensors[n]);                                                                  \
    names[n++] = (char *)(uintptr_t)name "/\"\\\n\xC3\xA9";
    TDAG_DTYPE_MAP(MAKE)
#undef MAKE
    *out = (tdag_named_tensors){.n = n, .names = names, .tensors = tensors};
}

static void test_round_trip(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char *names[16], *keys[2] = {"format", "tdag"}, *values[2] = {"a\t\"b\"", ""};
    tdag_tensor *tensors[16];
    tdag_named_tensors saved, loaded;
    make_tensors(ctx, &saved, names, tensors);
    tdagi_metadata metadata = {.n = 2, .keys = keys, .values = values}, read;
    TEST_OK(ctx, tdagi_safetensors_save(ctx, path, 0, &saved, &metadata));
    TEST_OK(ctx, tdagi_safetensors_load(ctx, path, 0, &loaded, &read));
    assert_int_equal(loaded.n, saved.n);
    for (uint32_t i = 0; i < saved.n; i++) {
        const tdag_tensor *t = loaded.tensors[i];
        assert_string_equal(loaded.names[i], saved.names[i]);
        assert_true(tdagi_tensor_equal(t, saved.tensors[i]));
        assert_false(t->owns_data); /* mapped, not copied */
        if (t->size > 0 && t->size % 64 == 0)
            assert_int_equal((uintptr_t)t->data % 64, 0);
    }
    assert_int_equal(read.n, 2);
    assert_string_equal(tdagi_metadata_find(&read, "format"), "a\t\"b\"");
    assert_string_equal(tdagi_metadata_find(&read, "tdag"), "");
    assert_null(tdagi_metadata_find(&read, "other"));
    tdagi_metadata_free(&read);

    /* A tensor outlives the others and the file. */
    tdag_tensor *kept = tdag_tensor_copy(loaded.tensors[0]);
    tdag_tensors_free(&loaded);
    assert_int_equal(loaded.n, 0);
    tdag_tensors_free(&loaded);
    unlink(path);
    assert_true(tdagi_tensor_equal(kept, saved.tensors[0]));
    tdag_tensor_free(kept);

    tdag_named_tensors none = {0};
    TEST_OK(ctx, tdag_tensors_save(ctx, path, &none));
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &loaded));
    assert_int_equal(loaded.n, 0);
    tdag_tensors_free(&loaded);
    for (uint32_t i = 0; i < saved.n; i++)
        tdag_tensor_free(tensors[i]);
    tdag_ctx_free(ctx);
}

static void test_unaligned_is_copied(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const char *header =
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
        "\"b\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[3,11]}}";
    write_raw(header, strlen(header), 11);
    tdag_named_tensors t;
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &t));
    assert_true(t.tensors[1]->owns_data);
    assert_int_equal(tdagi_tensor_get_i64(t.tensors[1], 0), 0x06050403);
    tdag_tensors_free(&t);
    tdag_ctx_free(ctx);
}

/* ---- hostile files ---- */

#define A(dtype, shape, offsets)                                                       \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define AB(a, b)                                                                       \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" a "},"                  \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" b "}}"

static const struct {
    const char *name, *header;
    size_t n_data;
    tdag_status status;
} hostile[] = {
    {"not JSON", "hello", 8, TDAG_E_FORMAT},
    {"empty header", "", 0, TDAG_E_FORMAT},
    {"array", "[]", 0, TDAG_E_FORMAT},
    {"cut", "{\"a\":{\"dtype\":\"U8\",", 8, TDAG_E_FORMAT},
    {"cut string", "{\"a", 8, TDAG_E_FORMAT},
    {"more after the end", "{} {}", 0, TDAG_E_FORMAT},
    {"no dtype", "{\"a\":{\"shape\":[8],\"data_offsets\":[0,8]}}", 8, TDAG_E_FORMAT},
    {"empty tensor", "{\"a\":{}}", 0, TDAG_E_FORMAT},
    {"a number for a tensor", "{\"a\":5}", 0, TDAG_E_FORMAT},
    {"field twice", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 8, TDAG_E_FORMAT},
    {"unknown field", "{\"a\":{\"strides\":[1]}}", 8, TDAG_E_FORMAT},
    {"unknown dtype", A("F8_E4M3", "[8]", "[0,8]"), 8, TDAG_E_UNSUPPORTED},
    {"size of the shape", A("F32", "[3]", "[0,8]"), 8, TDAG_E_FORMAT},
    {"size overflows", A("F32", "[4611686018427387904,4]", "[0,0]"), 0, TDAG_E_FORMAT},
    {"dim overflows", A("U8", "[9223372036854775808]", "[0,0]"), 0, TDAG_E_FORMAT},
    {"dim overflows more", A("U8", "[99999999999999999999999]", "[0,0]"), 0,
     TDAG_E_FORMAT},
    {"negative dim", A("U8", "[-8]", "[0,8]"), 8, TDAG_E_FORMAT},
    {"fractional dim", A("U8", "[8.0]", "[0,8]"), 8, TDAG_E_FORMAT},
    {"exponent", A("U8", "[8e0]", "[0,8]"), 8, TDAG_E_FORMAT},
    {"string dim", A("U8", "[\"8\"]", "[0,8]"), 8, TDAG_E_FORMAT},
    {"leading zero", A("U8", "[08]", "[0,8]"), 8, TDAG_E_FORMAT},
    {"too many axes", A("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]"), 1,
     TDAG_E_LIMIT},
    {"beyond the end", A("U8", "[9]", "[0,9]"), 8, TDAG_E_FORMAT},
    {"far beyond", A("U8", "[8]", "[9223372036854775799,9223372036854775807]"), 8,
     TDAG_E_FORMAT},
    {"backwards", A("U8", "[8]", "[8,0]"), 8, TDAG_E_FORMAT},
    {"negative offset", A("U8", "[8]", "[-8,0]"), 8, TDAG_E_FORMAT},
    {"one offset", A("U8", "[8]", "[8]"), 8, TDAG_E_FORMAT},
    {"bytes left", A("U8", "[7]", "[0,7]"), 8, TDAG_E_FORMAT},
    {"hole", AB("[0,4]", "[5,9]"), 9, TDAG_E_FORMAT},
    {"overlap", AB("[0,4]", "[3,7]"), 7, TDAG_E_FORMAT},
    {"same place", AB("[0,4]", "[0,4]"), 4, TDAG_E_FORMAT},
    {"bool of 2", A("BOOL", "[8]", "[0,8]"), 8, TDAG_E_FORMAT},
    {"name twice",
     "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
     "\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
     0, TDAG_E_FORMAT},
    {"not UTF-8", "{\"\xFF\":{}}", 0, TDAG_E_FORMAT},
    {"overlong UTF-8", "{\"\xC0\x80\":{}}", 0, TDAG_E_FORMAT},
    {"surrogate in UTF-8", "{\"\xED\xA0\x80\":{}}", 0, TDAG_E_FORMAT},
    {"half a surrogate pair", "{\"\\ud800\":{}}", 0, TDAG_E_FORMAT},
    {"a zero byte", "{\"a\\u0000\":{}}", 0, TDAG_E_FORMAT},
    {"metadata of numbers", "{\"__metadata__\":{\"a\":1}}", 0, TDAG_E_FORMAT},
    {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, TDAG_E_FORMAT},
    {"trailing comma", "{\"__metadata__\":{},}", 0, TDAG_E_FORMAT},
    {"deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, TDAG_E_FORMAT},
};

static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        test_heap heap = {0};
        tdag_ctx *ctx = test_ctx_on(&heap);
        int64_t before = heap.live_blocks;
        write_raw(hostile[i].header, strlen(hostile[i].header), hostile[i].n_data);
        tdag_named_tensors t;
        tdagi_metadata m;
        tdag_status st = tdagi_safetensors_load(ctx, path, 0, &t, &m);
        if (st != hostile[i].status)
            fail_msg("%s: %s (%s)", hostile[i].name, tdag_status_text(st),
                     tdag_ctx_get_error(ctx)->message);
        assert_true(strlen(tdag_ctx_get_error(ctx)->message) > 5);
        assert_int_equal(heap.live_blocks, before);
        tdag_ctx_free(ctx);
    }
}

static void test_hostile_lengths(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_named_tensors t;
    write_raw("{}", 3, 0);
    assert_int_equal(tdag_tensors_load(ctx, path, &t), TDAG_E_FORMAT);
    write_raw("{}", SIZE_MAX, 0);
    assert_int_equal(tdag_tensors_load(ctx, path, &t), TDAG_E_FORMAT);
    write_raw("{}", SIZE_MAX - 7, 0);
    assert_int_equal(tdag_tensors_load(ctx, path, &t), TDAG_E_FORMAT);
    assert_int_equal(truncate(path, 7), 0);
    assert_int_equal(tdag_tensors_load(ctx, path, &t), TDAG_E_FORMAT);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(tdag_tensors_load(ctx, path, &t), TDAG_E_FORMAT);
    unlink(path);
    assert_int_equal(tdag_tensors_load(ctx, path, &t), TDAG_E_IO);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "x.safetensors"));
    assert_int_equal(tdag_tensors_load(ctx, folder, &t), TDAG_E_IO);
    tdag_ctx_free(ctx);
}

/* Every byte of a valid header changed, and the file cut at every length. */
static void test_mutations(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const char *good =
        "{\"__metadata__\":{\"k\":\"v\\n\"},"
        "\"a\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[1,5]},"
        "\"b\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[0,1]}}";
    size_t n = strlen(good), n_loaded = 0;
    char text[256];
    for (size_t i = 0; i < n; i++)
        for (int c = 1; c < 256; c += i % 3 == 0 ? 1 : 7) {
            memcpy(text, good, n + 1);
            text[i] = (char)c;
            write_raw(text, n, 5);
            tdag_named_tensors t;
            tdagi_metadata m;
            if (tdagi_safetensors_load(ctx, path, 0, &t, &m) != TDAG_OK) continue;
            n_loaded++;
            tdag_tensors_free(&t);
            tdagi_metadata_free(&m);
        }
    for (size_t i = 0; i < n + 12; i++) {
        write_raw(good, n, 5);
        assert_int_equal(truncate(path, (off_t)i), 0);
        tdag_named_tensors t;
        assert_int_not_equal(tdag_tensors_load(ctx, path, &t), TDAG_OK);
    }
    assert_true(n_loaded > 0); /* names and values may be other letters */
    tdag_ctx_free(ctx);
}

/* ---- saving ---- */

static void test_refused_to_save(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 0, NULL, &t));
    tdagi_tensor_set_f64(t, 0, 1);
    tdag_tensor *tensors[2] = {t, t};
    char *names[2] = {"a", "a"};
    tdag_named_tensors twice = {.n = 2, .names = names, .tensors = tensors};
    assert_int_equal(tdag_tensors_save(ctx, path, &twice), TDAG_E_ARG);
    names[1] = "\xFF";
    assert_int_equal(tdag_tensors_save(ctx, path, &twice), TDAG_E_ARG);
    names[1] = "__metadata__";
    assert_int_equal(tdag_tensors_save(ctx, path, &twice), TDAG_E_ARG);
    names[1] = "b";
    tensors[1] = NULL;
    assert_int_equal(tdag_tensors_save(ctx, path, &twice), TDAG_E_ARG);
    tensors[1] = t;
    char nowhere[160];
    snprintf(nowhere, sizeof nowhere, "%s/none/x.safetensors", folder);
    assert_int_equal(tdag_tensors_save(ctx, nowhere, &twice), TDAG_E_IO);

    /* An error leaves the old file whole and no other file behind. */
    TEST_OK(ctx, tdag_tensors_save(ctx, path, &twice));
    chmod(path, 0640);
    TEST_OK(ctx, tdag_tensors_save(ctx, path, &twice));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    names[1] = "a";
    assert_int_equal(tdag_tensors_save(ctx, path, &twice), TDAG_E_ARG);
    tdag_named_tensors loaded;
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &loaded));
    assert_int_equal(loaded.n, 2);
    tdag_tensors_free(&loaded);
    assert_int_equal(tdag_tensors_save(ctx, folder, &loaded),
                     TDAG_E_IO); /* rename fails */
    tdag_tensor_free(t);
    tdag_ctx_free(ctx);
}

static tdag_status save_and_load(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_tensor *tensors[3] = {NULL, NULL, NULL};
    char *names[3] = {"b", "a", "c"}, *key = "k", *value = "v";
    tdag_named_tensors saved = {.n = 3, .names = names, .tensors = tensors},
                       loaded = {0};
    tdagi_metadata metadata = {.n = 1, .keys = &key, .values = &value}, read = {0};
    tdag_status st = TDAG_OK;
    const int64_t shape[1] = {5};
    for (int i = 0; i < 3 && st == TDAG_OK; i++) {
        st =
            tdag_tensor_create(ctx, i == 0 ? TDAG_U8 : TDAG_I64, 1, shape, &tensors[i]);
        if (st == TDAG_OK) fill(tensors[i]);
    }
    if (st == TDAG_OK) st = tdagi_safetensors_save(ctx, path, 0, &saved, &metadata);
    if (st == TDAG_OK) st = tdagi_safetensors_load(ctx, path, 0, &loaded, &read);
    if (st == TDAG_OK) {
        tdag_tensors_free(&loaded);
        tdagi_metadata_free(&read);
    }
    for (int i = 0; i < 3; i++)
        tdag_tensor_free(tensors[i]);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(save_and_load, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_unaligned_is_copied),
        cmocka_unit_test(test_hostile),    cmocka_unit_test(test_hostile_lengths),
        cmocka_unit_test(test_mutations),  cmocka_unit_test(test_refused_to_save),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
