/* Files told apart by their content, and models from paths and from memory. */
#include <tdagger.h>

#include <unistd.h>

#include "support/test.h"

static char folder[64], path[128];

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *data, size_t size)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static size_t read_bytes(const char *name, char *to, size_t most)
{
    FILE *f = fopen(name, "rb");
    assert_non_null(f);
    size_t n = fread(to, 1, most, f);
    assert_int_equal(fclose(f), 0);
    assert_true(n < most);
    return n;
}

static const char text[] = "tdag 1\nx: f32[2,3] = input\n"
                           "w: f32[3] = parameter [1, 2, 3]\ny: f32[2,3] = add(x, w)\n"
                           "return y\n";

/* The model of `text` as files of each kind that is written without PyTorch. */
static int make_files(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/tdag-open-XXXXXX");
    assert_non_null(mkdtemp(folder));
    tdag_ctx *ctx = test_ctx();
    tdag_graph *graph = NULL;
    tdag_model *model = NULL;
    write_bytes("m.txt", text, sizeof(text) - 1);
    TEST_OK(ctx, tdag_graph_parse(ctx, text, sizeof(text) - 1, &graph));
    TEST_OK(ctx, tdag_model_create(ctx, graph, &model));
    TEST_OK(ctx, tdag_save(ctx, model, in_folder("m.tdag"), NULL));
    TEST_OK(ctx, tdag_to_pt2(ctx, model, in_folder("m.pt2"), NULL));
    tdag_model_free(model);
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    static const char *const names[] = {"m.txt", "m.tdag", "m.pt2", "any"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unlink(in_folder(names[i]));
    return rmdir(folder);
}

/* ---- kinds ---- */

#define BYTES(s) s, sizeof(s) - 1

static const struct {
    const char *name, *bytes;
    size_t size;
    tdag_file_kind kind;
    const char *says; /* NULL: OK */
} kinds[] = {
    {"empty", BYTES(""), TDAG_FILE_UNKNOWN, NULL},
    {"words", BYTES("no model\n"), TDAG_FILE_UNKNOWN, NULL},
    {"text", BYTES("tdag 1\n"), TDAG_FILE_TEXT, NULL},
    {"comment", BYTES("# a model\n\n  # tdag 2\n tdag 1\n"), TDAG_FILE_TEXT, NULL},
    {"only comment", BYTES("# a model"), TDAG_FILE_UNKNOWN, NULL},
    {"safetensors", BYTES("\2\0\0\0\0\0\0\0{}"), TDAG_FILE_TDAG, NULL},
    {"zip", BYTES("PK\3\4"), TDAG_FILE_UNKNOWN, "any"},
    {"pickle", BYTES("\x80\2]q\0."), TDAG_FILE_UNKNOWN, "before PyTorch 1.6"},
    {"onnx", BYTES("\x08\x07\x12\x07pytorch"), TDAG_FILE_UNKNOWN, "an ONNX model"},
    {"tflite", BYTES("\x1c\0\0\0TFL3"), TDAG_FILE_UNKNOWN, "TensorFlow Lite"},
    {"executorch", BYTES("\x1c\0\0\0ET12"), TDAG_FILE_UNKNOWN, "an ExecuTorch program"},
    {"hdf5", BYTES("\x89HDF\r\n\x1a\n"), TDAG_FILE_UNKNOWN, "an HDF5 file"},
    {"gguf", BYTES("GGUF\3\0\0\0"), TDAG_FILE_UNKNOWN, "a GGUF file"},
    {"numpy", BYTES("\x93NUMPY\1\0"), TDAG_FILE_UNKNOWN, "a NumPy array"},
    {"gzip", BYTES("\x1f\x8b\x08\0"), TDAG_FILE_UNKNOWN, "compressed by gzip"},
};

static void test_kinds(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        tdag_file_kind kind = TDAG_FILE_UNKNOWN;
        tdag_model *model = NULL;
        write_bytes("any", kinds[i].bytes, kinds[i].size);
        tdag_status st = tdag_file_get_kind(ctx, in_folder("any"), &kind);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if ((st == TDAG_OK) != (kinds[i].says == NULL) || kind != kinds[i].kind)
            fail_msg("%s: %d: %s", kinds[i].name, (int)kind, message);
        if (st != TDAG_OK && strstr(message, kinds[i].says) == NULL)
            fail_msg("%s: %s", kinds[i].name, message);
        const tdag_bytes bytes = {.data = kinds[i].bytes, .size = kinds[i].size};
        st = tdag_open_memory(ctx, &bytes, NULL, 0, NULL, &model);
        assert_int_not_equal(st, TDAG_OK);
        assert_null(model);
    }
    tdag_file_kind kind = TDAG_FILE_UNKNOWN;
    assert_int_equal(tdag_file_get_kind(ctx, "/no/such/file", &kind), TDAG_E_IO);
    assert_int_equal(tdag_file_get_kind(ctx, folder, &kind), TDAG_E_IO);
    TEST_OK(ctx, tdag_file_get_kind(ctx, in_folder("m.pt2"), &kind));
    assert_int_equal(kind, TDAG_FILE_PT2);
    tdag_ctx_free(ctx);
}

/* ---- paths and memory ---- */

static const char *const files[] = {"m.txt", "m.tdag", "m.pt2"};
enum { N_FILES = sizeof(files) / sizeof(*files) };

static void count_release(void *user) { ++*(int *)user; }

/* The sum of what it computes of ones: 6 + 2 * (1 + 2 + 3). */
static void check_model(tdag_ctx *ctx, const tdag_model *model)
{
    const int64_t shape[2] = {2, 3};
    tdag_tensor *x = NULL, *y = NULL;
    float sum = 0;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, shape, &x));
    for (int i = 0; i < 6; i++)
        ((float *)tdag_tensor_get_mutable_data(x))[i] = 1;
    TEST_OK(ctx, tdag_run(ctx, model, &x, 1, NULL, &y));
    for (int i = 0; i < 6; i++)
        sum += ((const float *)tdag_tensor_get_data(y))[i];
    assert_true(sum == 18);
    tdag_tensor_free(x);
    tdag_tensor_free(y);
}

static void test_paths(void **state)
{
    (void)state;
    const tdag_input_spec good = {.dtype = TDAG_F32, .rank = 2, .shape = {2, 3}},
                          bad = {.dtype = TDAG_F32, .rank = 2, .shape = {2, 4}};
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < N_FILES; i++) {
        tdag_model *model = NULL, *other = NULL;
        TEST_OK(ctx, tdag_open(ctx, in_folder(files[i]), NULL, 0, NULL, &model));
        check_model(ctx, model);
        TEST_OK(ctx, tdag_open(ctx, path, &good, 1, NULL, &other));
        assert_true(
            tdag_graph_equal(tdag_model_get_graph(model), tdag_model_get_graph(other)));
        tdag_model_free(model);
        tdag_model_free(other);
        other = NULL;
        assert_int_not_equal(tdag_open(ctx, path, &bad, 1, NULL, &other), TDAG_OK);
        assert_null(other);
    }
    tdag_ctx_free(ctx);
}

static void test_memory(void **state)
{
    (void)state;
    static char data[1 << 16];
    for (size_t i = 0; i < N_FILES; i++) {
        int released = 0;
        tdag_ctx *ctx = test_ctx();
        tdag_bytes bytes = {.data = data, .release = count_release, .user = &released};
        tdag_model *model = NULL;
        bytes.size = read_bytes(in_folder(files[i]), data, sizeof(data));
        TEST_OK(ctx, tdag_open_memory(ctx, &bytes, NULL, 0, NULL, &model));
        check_model(ctx, model);
        tdag_model_free(model);
        assert_int_equal(released, 1);
        model = NULL;
        bytes.release = NULL; /* lent for the call */
        TEST_OK(ctx, tdag_open_memory(ctx, &bytes, NULL, 0, NULL, &model));
        memset(data, 0x5a, sizeof(data));
        check_model(ctx, model);
        tdag_ctx_free(ctx);
        ctx = test_ctx();
        tdag_model_free(model);
        bytes.release = count_release; /* what fails stays the caller's */
        bytes.name = "it.bin";
        assert_int_equal(tdag_open_memory(ctx, &bytes, NULL, 0, NULL, &model),
                         TDAG_E_FORMAT);
        assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "it.bin is no model"));
        assert_int_equal(released, 1);
        tdag_ctx_free(ctx);
    }
}

static void test_options(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    tdag_open_options o;
    tdag_open_options_init(&o);
    o.kind = TDAG_FILE_TEXT;
    assert_int_equal(tdag_open(ctx, in_folder("m.tdag"), NULL, 0, &o, &model),
                     TDAG_E_FORMAT); /* believed */
    o.kind = (tdag_file_kind)77;
    assert_int_equal(tdag_open(ctx, path, NULL, 0, &o, &model), TDAG_E_ARG);
    o.kind = TDAG_FILE_UNKNOWN;
    o.flags = 1u << 31;
    assert_int_equal(tdag_open(ctx, path, NULL, 0, &o, &model), TDAG_E_ARG);
    o.flags = 0;
    o.program = "other";
    assert_int_equal(tdag_open(ctx, in_folder("m.pt2"), NULL, 0, &o, &model),
                     TDAG_E_ARG);
    assert_null(model);
    tdag_ctx_free(ctx);
}

static tdag_status open_once(tdag_ctx *ctx, void *arg)
{
    tdag_model *model = NULL;
    tdag_status st = tdag_open_memory(ctx, arg, NULL, 0, NULL, &model);
    tdag_model_free(model);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    static char data[1 << 16];
    for (size_t i = 0; i < N_FILES; i++) {
        tdag_bytes bytes = {.data = data};
        bytes.size = read_bytes(in_folder(files[i]), data, sizeof(data));
        test_every_oom(open_once, &bytes);
    }
}

/* TorchScript from a path and from memory is the same graph. */
static void test_torchscript(void **state)
{
    (void)state;
    static char data[1 << 16];
    const char *model_path = getenv("TDAG_TEST_README_MODEL");
    const tdag_input_spec x = {.dtype = TDAG_F32, .rank = 4, .shape = {10, 20, 30, 48}};
    if (model_path == NULL) skip();
    tdag_ctx *ctx = test_ctx();
    tdag_model *a = NULL, *b = NULL;
    int released = 0;
    tdag_bytes bytes = {.data = data, .release = count_release, .user = &released};
    bytes.size = read_bytes(model_path, data, sizeof(data));
    TEST_OK(ctx, tdag_open(ctx, model_path, &x, 1, NULL, &a));
    TEST_OK(ctx, tdag_open_memory(ctx, &bytes, &x, 1, NULL, &b));
    assert_int_equal(released, 0); /* weights stand in the bytes */
    assert_true(tdag_graph_equal(tdag_model_get_graph(a), tdag_model_get_graph(b)));
    tdag_model_free(a);
    tdag_model_free(b);
    assert_int_equal(released, 1);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),  cmocka_unit_test(test_paths),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_options),
        cmocka_unit_test(test_oom),    cmocka_unit_test(test_torchscript),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
