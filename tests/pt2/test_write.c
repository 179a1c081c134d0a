/* Programs written without PyTorch: what the JSON says of small graphs, what is
 * refused, no memory. tests/pt2/check_cases.py has torch.export load and run such
 * files. */
#include <tdagger/pt2.h>

#include "archive/zip.h"
#include "support/model.h"

/* clang-format off */
static const char net[] =
    "tdag 1\n"
    "symbols N=4\n"
    "x: f32[N,3] = input\n"
    "a.w: f32[2,3] = parameter [1, 2, 3, 4, 5, 6] @a\n"
    "two: f32[3] = constant [1, 2, 3]\n"
    "t: f32[3,2] = permute(a.w) {order=[1,0]} @a\n"
    "e: f32[3,2] = exp(t) @a\n"
    "n: f32[2*N+1] = iota {n=2*N+1, dtype=f32}\n"
    "y: f32[N,3] = add(x, two)\n"
    "return e, n, y\n";
/* clang-format on */

static tdagi_zip *open_file(tdag_ctx *ctx)
{
    tdagi_mapping *m = NULL;
    tdagi_zip *zip = NULL;
    TEST_OK(ctx, tdagi_mapping_open(ctx, test_path, 0, &m));
    TEST_OK(ctx, tdagi_zip_open(ctx, m, test_path, &zip));
    tdagi_mapping_release(m);
    return zip;
}

/* The record's text, to be freed. */
static char *record(tdag_ctx *ctx, tdagi_zip *zip, const char *name)
{
    const void *data = NULL;
    size_t size = 0;
    const tdagi_zip_entry *e = tdagi_zip_find(zip, name);
    if (e == NULL) fail_msg("no record %s", name);
    TEST_OK(ctx, tdagi_zip_read(ctx, zip, e, &data, &size));
    char *text = malloc(size + 1);
    assert_non_null(text);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

static void expect(tdag_ctx *ctx, tdagi_zip *zip, const char *name, const char *words)
{
    char *text = record(ctx, zip, name);
    if (strstr(text, words) == NULL) fail_msg("%s has no %s: %s", name, words, text);
    free(text);
}

static void test_program(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = test_model(ctx, net);
    TEST_OK(ctx, tdag_to_pt2(ctx, model, test_path, NULL));
    tdagi_zip *zip = open_file(ctx);
    static const char program[] = "models/model.json";
    expect(ctx, zip, "archive_format", "pt2");
    expect(ctx, zip, program, "\"target\":\"torch.ops.aten.transpose.int\"");
    expect(ctx, zip, program, "\"target\":\"torch.ops.aten.exp.default\"");
    expect(ctx, zip, program, "Symbol('N', positive=True, integer=True)");
    expect(ctx, zip, program, "\"range_constraints\":{\"N\":{\"min_val\":1,");
    expect(ctx, zip, program, "\"expr_str\":\"Add(Mul(Integer(2), Symbol('N', ");
    expect(ctx, zip, program, "\"target\":\"_operator.add\"");
    expect(ctx, zip, program, "\"tensor_constant_name\":\"constant_0\"");
    expect(ctx, zip, program, "\"parameter_name\":\"a.w\"");
    expect(ctx, zip, program, "{\"fqn\":\"a\",\"signature\":null}");
    expect(ctx, zip, "data/weights/model_weights_config.json",
           "\"a.w\":{\"path_name\":\"weight_0\",\"is_param\":true");
    assert_int_equal(tdagi_zip_find(zip, "data/weights/weight_0")->size, 24);
    tdagi_zip_close(zip);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

static void test_name(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = test_model(ctx, net);
    tdag_pt2_options o;
    tdag_pt2_options_init(&o);
    o.program = "decoder";
    TEST_OK(ctx, tdag_to_pt2(ctx, model, test_path, &o));
    tdagi_zip *zip = open_file(ctx);
    assert_non_null(tdagi_zip_find(zip, "models/decoder.json"));
    tdagi_zip_close(zip);
    o.program = "a/b";
    assert_int_equal(tdag_to_pt2(ctx, model, test_path, &o), TDAG_E_ARG);
    o.program = NULL;
    o.flags = 1;
    assert_int_equal(tdag_to_pt2(ctx, model, test_path, &o), TDAG_E_ARG);
    assert_int_equal(tdag_to_pt2(ctx, NULL, test_path, NULL), TDAG_E_ARG);
    assert_int_equal(tdag_to_pt2(ctx, model, NULL, NULL), TDAG_E_ARG);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

/* Two writings give the same bytes. */
static void test_bytes(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = test_model(ctx, net);
    tdagi_mapping *m[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        TEST_OK(ctx, tdag_to_pt2(ctx, model, test_path, NULL));
        TEST_OK(ctx, tdagi_mapping_open(ctx, test_path, TDAGI_MAPPING_COPY, &m[i]));
    }
    assert_int_equal(tdagi_mapping_size(m[0]), tdagi_mapping_size(m[1]));
    assert_memory_equal(tdagi_mapping_data(m[0]), tdagi_mapping_data(m[1]),
                        tdagi_mapping_size(m[0]));
    tdagi_mapping_release(m[0]);
    tdagi_mapping_release(m[1]);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

static tdag_status convert(tdag_ctx *ctx, void *text)
{
    tdag_graph *graph = NULL;
    tdag_model *model = NULL;
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &graph);
    if (st == TDAG_OK) st = tdag_model_create(ctx, graph, &model);
    tdag_graph_free(graph);
    if (st == TDAG_OK) st = tdag_to_pt2(ctx, model, test_path, NULL);
    tdag_model_free(model);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    char text[sizeof net];
    memcpy(text, net, sizeof net);
    test_every_oom(convert, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
