/* The reader on small packages, those that fuzzing starts with: whatever allocation
 * fails, it ends in a status and leaves nothing; optional inputs may be left out. */
#include <tdagger.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "coreml/coreml.h"
#include "coreml/made.h"
#include "support/test.h"

/* The length of the message in three bytes, flags, the message, the weights. */
typedef struct seed {
    unsigned char *bytes;
    size_t size, n;
} seed;

static seed load(const char *name)
{
    char path[512];
    seed s = {malloc(1 << 16), 0, 0};
    snprintf(path, sizeof(path), "%s/%s", TDAG_TEST_SEEDS, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_non_null(s.bytes);
    s.size = fread(s.bytes, 1, 1 << 16, f);
    fclose(f);
    assert_true(s.size > 4);
    s.n = (size_t)s.bytes[0] | (size_t)s.bytes[1] << 8 | (size_t)s.bytes[2] << 16;
    assert_true(s.n <= s.size - 4);
    made_file("weights/weight.bin", s.bytes + 4 + s.n, s.size - 4 - s.n);
    return s;
}

static tdag_status read_with(tdag_ctx *ctx, const seed *s, const tdag_input_spec *in,
                             uint32_t n_in, tdag_model **out)
{
    tdagi_mapping *mapping = NULL;
    tdagi_package p;
    tdag_status st = tdagi_mapping_wrap(ctx, s->bytes + 4, s->n, NULL, NULL, &mapping);
    if (st != TDAG_OK) return st;
    st = tdagi_package_open_bytes(ctx, mapping, "the model", &p);
    if (st == TDAG_OK) {
        const tdag_coreml_options o = {.size = sizeof o};
        p.folder = (tdagi_inside){ctx, &p.arena, made_path(""),
                                  open(made_path(""), O_RDONLY | O_DIRECTORY)};
        st = tdagi_coreml_read(&p, in, n_in, &o, out);
    }
    tdagi_package_close(&p);
    tdagi_mapping_release(mapping);
    return st;
}

static tdag_status read_once(tdag_ctx *ctx, void *arg)
{
    tdag_model *model = NULL;
    tdag_status st = read_with(ctx, arg, NULL, 0, &model);
    if (st != TDAG_OK && st != TDAG_E_NOMEM)
        print_message("%s\n", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(model);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    DIR *d = opendir(TDAG_TEST_SEEDS);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        seed s = load(e->d_name);
        print_message("%s\n", e->d_name);
        test_every_oom(read_once, &s);
        free(s.bytes);
    }
    closedir(d);
}

static void test_optional(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    seed s = load("optional");
    tdag_input_spec x = {.name = "x", .dtype = TDAG_F32, .rank = 2, .shape = {2, 3}};
    tdag_model *model = NULL;
    char *text = NULL;
    TEST_OK(ctx, read_with(ctx, &s, &x, 1, &model));
    TEST_OK(ctx, tdag_model_print(ctx, model, TDAG_TEXT_FULL, &text));
    assert_non_null(strstr(text, "= constant [4]"));
    assert_null(strstr(text, "y: f32[3] = input"));
    tdag_text_free(ctx, text);
    tdag_model_free(model);
    model = NULL;
    x.name = "y"; /* x has to be given */
    x.rank = 1;
    x.shape[0] = 3;
    assert_int_equal(read_with(ctx, &s, &x, 1, &model), TDAG_E_ARG);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "takes 2 inputs"));
    tdag_ctx_free(ctx);
    free(s.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory),
                                       cmocka_unit_test(test_optional)};
    return cmocka_run_group_tests(tests, NULL, made_remove);
}
