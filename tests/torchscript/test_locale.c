/* A host's locale with a decimal comma changes nothing that is written: every fifth
 * case of import_cases.py (a folder in TDAG_TEST_CASES) is imported, saved, exported
 * and printed in it and without it. */
#include <unistd.h>

#include <tdagger/file.h>
#include <tdagger/program.h>
#include <tdagger/torch.h>

#include "support/comma.h"
#include "torchscript/one_thread.h"

enum { TDAG, SOURCE, TEXT, N_MADE };

typedef struct made {
    char *bytes[N_MADE]; /* NULL: it is refused */
    size_t size[N_MADE];
} made;

static char *read_file(const char *path, size_t *size_out)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    char *bytes = malloc((size_t)size + 1);
    assert_true(size > 0 && bytes != NULL);
    rewind(f);
    assert_int_equal(fread(bytes, 1, (size_t)size, f), size);
    fclose(f);
    *size_out = (size_t)size;
    return bytes;
}

/* Saves and exports under the names of a folder of this process. */
static void write_all(tdag_ctx *ctx, const tdag_model *model, made *m)
{
    char path[64], *text = NULL;
    snprintf(path, sizeof(path), "/tmp/tdag-locale-%ld", (long)getpid());
    TEST_OK(ctx, tdag_save(ctx, model, path, NULL));
    m->bytes[TDAG] = read_file(path, &m->size[TDAG]);
    if (tdag_to_torchscript(ctx, model, path, NULL) == TDAG_OK)
        m->bytes[SOURCE] = read_file(path, &m->size[SOURCE]);
    unlink(path);
    TEST_OK(ctx, tdag_model_print(ctx, model, 0, &text));
    m->size[TEXT] = strlen(text);
    m->bytes[TEXT] = malloc(m->size[TEXT] + 1);
    assert_non_null(m->bytes[TEXT]);
    memcpy(m->bytes[TEXT], text, m->size[TEXT] + 1);
    tdag_text_free(ctx, text);
}

static void make(tdag_ctx *ctx, const char *stem, made *m)
{
    char path[4200];
    tdag_named_tensors inputs = {0};
    tdag_input_spec specs[8] = {0};
    tdag_torchscript_options o;
    tdag_model *model = NULL;
    memset(m, 0, sizeof(*m));
    snprintf(path, sizeof(path), "%s.in.safetensors", stem);
    if (access(path, R_OK) != 0) return; /* a case that must be refused */
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &inputs));
    for (uint32_t i = 0; i < inputs.n && i < 8; i++) {
        specs[i].dtype = tdag_tensor_get_dtype(inputs.tensors[i]);
        specs[i].rank = tdag_tensor_get_rank(inputs.tensors[i]);
        memcpy(specs[i].shape, tdag_tensor_get_shape(inputs.tensors[i]),
               specs[i].rank * sizeof(int64_t));
    }
    tdag_torchscript_options_init(&o);
    o.flags = TDAG_TORCH_OPAQUE;
    snprintf(path, sizeof(path), "%s.pt", stem);
    if (tdag_from_torchscript(ctx, path, specs, inputs.n, &o, &model) == TDAG_OK)
        write_all(ctx, model, m);
    tdag_model_free(model);
    tdag_tensors_free(&inputs);
}

static bool has_fraction(const made *m)
{
    for (size_t i = 1; i + 1 < m->size[TEXT]; i++)
        if (m->bytes[TEXT][i] == '.') return true;
    return false;
}

static void compare(tdag_ctx *ctx, const char *stem, uint32_t *n_fractions)
{
    made point, comma;
    make(ctx, stem, &point);
    test_use_comma();
    make(ctx, stem, &comma);
    test_use_point();
    for (int i = 0; i < N_MADE; i++) {
        assert_int_equal(point.size[i], comma.size[i]);
        if (point.size[i] > 0 &&
            memcmp(point.bytes[i], comma.bytes[i], point.size[i]) != 0)
            fail_msg("%s: other bytes under the comma", stem);
    }
    *n_fractions += has_fraction(&point);
    for (int i = 0; i < N_MADE; i++) {
        free(point.bytes[i]);
        free(comma.bytes[i]);
    }
}

static void test_cases(void **state)
{
    (void)state;
    const char *folder = getenv("TDAG_TEST_CASES");
    char path[4096], line[2048], name[32];
    uint32_t n_fractions = 0;
    test_use_comma();
    test_use_point();
    assert_non_null(folder);
    snprintf(path, sizeof(path), "%s/manifest", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    tdag_ctx *ctx = test_ctx();
    for (uint32_t i = 0; fgets(line, sizeof(line), f) != NULL; i++) {
        if (i % 5 != 0 || sscanf(line, "%31s", name) != 1) continue;
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        compare(ctx, path, &n_fractions);
    }
    fclose(f);
    tdag_ctx_free(ctx);
    assert_true(n_fractions > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, one_thread, NULL);
}
