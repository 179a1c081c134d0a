/* Archives written without PyTorch and read back: names of every kind, tensors of every
 * dtype, shared memory, the version of the operators; what has no file is refused and
 * leaves none. PyTorch loads and runs such files in torchscript.import and models.*. */
#include <tdagger/compare.h>
#include <tdagger/torch.h>

#include "archive/zip.h"
#include "support/model.h"

/* The inputs that a graph declares. */
static uint32_t inputs_of(const tdag_graph *g, tdag_input_spec *specs)
{
    uint32_t n = tdag_graph_get_n_inputs(g);
    for (uint32_t i = 0; i < n; i++) {
        tdag_node_info node = tdag_graph_get_node(g, tdag_graph_get_input(g, i));
        memset(&specs[i], 0, sizeof specs[i]);
        specs[i].dtype = node.dtype;
        specs[i].rank = node.rank;
        memcpy(specs[i].shape, node.shape, node.rank * sizeof(int64_t));
    }
    return n;
}

static tdag_model *read_back(tdag_ctx *ctx, const tdag_model *model)
{
    tdag_input_spec specs[4];
    tdag_model *again = NULL;
    uint32_t n = inputs_of(tdag_model_get_graph(model), specs);
    TEST_OK(ctx, tdag_from_torchscript(ctx, test_path, specs, n, NULL, &again));
    return again;
}

/* clang-format off */
static const char *const texts[] = {
    /* every kind of name */
    "tdag 1\n"
    "x: f32[2] = input\n"
    "w: f32[2] = parameter [1, 2]\n"
    "a.0.w: f32[2] = parameter [3, 4]\n"
    "a.1.w: f32[2] = buffer [5, 6]\n"
    "lambda.in: f32[2] = parameter [7, 8]\n"
    "\"a b.c\\\"d\\\\e\\nf\": f32[2] = parameter [1, 2]\n"
    "\"\\xc3\\xa9t\\xc3\\xa9.poids\": f32[2] = buffer [1, 2]\n"
    "constant_0: f32[2] = buffer [1, 1]\n"
    "c: f32[2] = constant [0.5, 0.25]\n"
    "v1 = add(x, w)\n"
    "v2 = add(v1, a.0.w)\n"
    "v3 = add(v2, a.1.w)\n"
    "v4 = add(v3, lambda.in)\n"
    "v5 = add(v4, \"a b.c\\\"d\\\\e\\nf\")\n"
    "v6 = add(v5, \"\\xc3\\xa9t\\xc3\\xa9.poids\")\n"
    "v7 = add(v6, c)\n"
    "v8 = add(v7, constant_0)\n"
    "return v8\n",
    /* every dtype, no elements, no axes, a leaf that is a result, one unused */
    "tdag 1\n"
    "x: f32[2] = input\n"
    "p1: f64[2] = parameter [1, 2]\n"
    "p2: f16[2] = parameter [1, 2]\n"
    "p3: bf16[2] = parameter [1, 2]\n"
    "b1: i64[2] = buffer [-9223372036854775807, 2]\n"
    "b2: i32[2] = buffer [1, 2]\n"
    "b3: i16[2] = buffer [1, 2]\n"
    "b4: i8[2] = buffer [-1, 2]\n"
    "b5: u8[2] = buffer [255, 2]\n"
    "b6: bool[2] = buffer [true, false]\n"
    "b7: i64[2] = parameter [1, 2]\n"
    "e: f32[0,3] = parameter []\n"
    "s: f32[] = buffer [3]\n"
    "unused: f32[1,1,4] = parameter [1, 2, 3, 4]\n"
    "y = multiply(x, s)\n"
    "return y, p1, p2, p3, b1, b2, b3, b4, b5, b6, b7, e\n",
    /* nothing at all */
    "tdag 1\n"
    "x: f32[2] = input\n"
    "return x\n",
};
/* clang-format on */

static void check_same(tdag_ctx *ctx, const tdag_model *a, const tdag_model *b)
{
    tdag_differences d;
    TEST_OK(ctx, tdag_diff(ctx, a, b, &d));
    if (d.n > 0) fail_msg("%u differences", (unsigned)d.n);
    tdag_differences_free(&d);
}

/* Names, too: a leaf that is read has the name that it had. */
static void check_names(const tdag_graph *a, const tdag_graph *b)
{
    uint32_t n = 0;
    for (uint32_t id = 1; id <= tdag_graph_get_n_nodes(b); id++) {
        tdag_node_info node = tdag_graph_get_node(b, (tdag_value){id});
        if (node.op != TDAG_OP_PARAMETER && node.op != TDAG_OP_BUFFER) continue;
        tdag_value other = tdag_graph_find(a, node.name);
        if (other.id == 0) fail_msg("%s is new", node.name);
        assert_int_equal(tdag_graph_get_node(a, other).op, node.op);
        n++;
    }
    for (uint32_t id = 1; id <= tdag_graph_get_n_nodes(a); id++) {
        tdag_op op = (tdag_op)tdag_graph_get_node(a, (tdag_value){id}).op;
        n -= op == TDAG_OP_PARAMETER || op == TDAG_OP_BUFFER;
    }
    assert_true(n == 0 || n == UINT32_MAX); /* one is not used */
}

static void test_round_trip(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tdag_model *model = test_model(ctx, texts[i]);
        TEST_OK(ctx, tdag_to_torchscript(ctx, model, test_path, NULL));
        tdag_model *again = read_back(ctx, model);
        check_same(ctx, model, again);
        check_names(tdag_model_get_graph(model), tdag_model_get_graph(again));
        tdag_model_free(again);
        tdag_model_free(model);
    }
    tdag_ctx_free(ctx);
}

/* ---- shared memory ---- */

static const int64_t one_axis[] = {4}, two_axes[] = {2, 2};
static float memory[4] = {1, 2, 3, 4};

/* w and tied are one tensor; b shares its memory with another shape. */
static tdag_status make_tied(tdag_ctx *ctx, tdag_model **out)
{
    tdag_tensor *w = NULL, *view = NULL;
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_status st =
        tdag_tensor_wrap(ctx, TDAG_F32, 1, one_axis, memory, NULL, NULL, &w);
    if (st == TDAG_OK)
        st = tdag_tensor_wrap(ctx, TDAG_F32, 2, two_axes, memory, NULL, NULL, &view);
    if (st == TDAG_OK) st = tdag_builder_create(ctx, &b);
    if (st == TDAG_OK) {
        tdag_add_tensor(b, TDAG_OP_PARAMETER, "w", w);
        tdag_value tied = tdag_add_tensor(b, TDAG_OP_PARAMETER, "m.tied", w);
        tdag_value other = tdag_add_tensor(b, TDAG_OP_BUFFER, "m.b", view);
        tdag_value x = tdag_add_input(b, "x", TDAG_F32, 1, one_axis);
        tdag_builder_add_output(b, tdag_binary(b, TDAG_OP_ADD, x, tied));
        tdag_builder_add_output(b, tdag_unary(b, TDAG_OP_EXP, other));
        st = tdag_builder_finish(b, &g);
    }
    if (st == TDAG_OK) st = tdag_model_create(ctx, g, out);
    tdag_graph_free(g);
    tdag_builder_free(b);
    tdag_tensor_free(w); /* the model has what it needs */
    tdag_tensor_free(view);
    return st;
}

static uint32_t count_records(tdag_ctx *ctx)
{
    tdagi_mapping *m = NULL;
    tdagi_zip *zip = NULL;
    char name[32];
    uint32_t n = 0;
    TEST_OK(ctx, tdagi_mapping_open(ctx, test_path, 0, &m));
    TEST_OK(ctx, tdagi_zip_open(ctx, m, test_path, &zip));
    do
        snprintf(name, sizeof name, "data/%u", (unsigned)n);
    while (tdagi_zip_find(zip, name) != NULL && ++n < 100);
    tdagi_zip_close(zip);
    tdagi_mapping_release(m);
    return n;
}

static void test_shared(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    TEST_OK(ctx, make_tied(ctx, &model));
    TEST_OK(ctx, tdag_to_torchscript(ctx, model, test_path, NULL));
    assert_int_equal(count_records(ctx), 1);
    tdag_model *again = read_back(ctx, model);
    check_same(ctx, model, again);
    tdag_model_free(again);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

/* ---- the version of the operators ---- */

static void test_version(void **state)
{
    (void)state;
    static const char head[] = "tdag 1\nx: f32[2] = input\ny: f32[2] = input\n";
    static const struct {
        const char *rest, *version;
    } cases[] = {
        {"v1 = add(x, y)\nreturn v1\n", "3\n"},
        {"v1 = reciprocal(y)\nv2 = multiply(x, v1)\nreturn v2\n", "4\n"},
        {"v1 = gaussian(x)\nv2 = multiply(x, v1)\nreturn v2\n", "10\n"},
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        tdagi_mapping *m = NULL;
        tdagi_zip *zip = NULL;
        const void *data = NULL;
        size_t size = 0;
        snprintf(text, sizeof text, "%s%s", head, cases[i].rest);
        tdag_model *model = test_model(ctx, text);
        TEST_OK(ctx, tdag_to_torchscript(ctx, model, test_path, NULL));
        TEST_OK(ctx, tdagi_mapping_open(ctx, test_path, 0, &m));
        TEST_OK(ctx, tdagi_zip_open(ctx, m, test_path, &zip));
        TEST_OK(ctx,
                tdagi_zip_read(ctx, zip, tdagi_zip_find(zip, "version"), &data, &size));
        assert_int_equal(size, strlen(cases[i].version));
        assert_memory_equal(data, cases[i].version, size);
        tdagi_zip_close(zip);
        tdagi_mapping_release(m);
        tdag_model_free(model);
    }
    tdag_ctx_free(ctx);
}

/* ---- what has no file ---- */

static void deep_text(char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "tdag 1\nx: f32[1] = input\n");
    for (int i = 0; i < 201; i++)
        n += (size_t)snprintf(text + n, size - n, "m.");
    snprintf(text + n, size - n, "w: f32[1] = parameter [1]\nreturn x\n");
}

static void test_refused(void **state)
{
    (void)state;
    char deep[1024];
    const struct {
        const char *text;
        tdag_status status;
        const char *words;
    } cases[] = {
        {"tdag 1\nx: f32[1] = input\na: f32[1] = parameter [1]\n"
         "a.b: f32[1] = parameter [1]\nreturn x\n",
         TDAG_E_ARG, "two things of the model are called \"a\""},
        {"tdag 1\nx: f32[1] = input\na.b: f32[1] = parameter [1]\n"
         "a: f32[1] = parameter [1]\nreturn x\n",
         TDAG_E_ARG, "two things of the model are called \"a\""},
        {"tdag 1\nx: f32[1] = input\n\"a..b\": f32[1] = parameter [1]\nreturn x\n",
         TDAG_E_ARG, "has an empty part"},
        {deep, TDAG_E_LIMIT, "nested too deep"},
    };
    deep_text(deep, sizeof deep);
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_model *model = test_model(ctx, cases[i].text);
        unlink(test_path);
        assert_int_equal(tdag_to_torchscript(ctx, model, test_path, NULL),
                         cases[i].status);
        const char *said = tdag_ctx_get_error(ctx)->message;
        if (strstr(said, cases[i].words) == NULL) fail_msg("case %zu: %s", i, said);
        assert_int_not_equal(access(test_path, F_OK), 0);
        tdag_model_free(model);
    }
    tdag_ctx_free(ctx);
}

static void test_arguments(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = test_model(ctx, texts[0]);
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.writer = 2;
    assert_int_equal(tdag_to_torchscript(ctx, model, test_path, &o), TDAG_E_ARG);
    assert_int_equal(tdag_to_torchscript(ctx, NULL, test_path, NULL), TDAG_E_ARG);
    assert_int_equal(tdag_to_torchscript(ctx, model, NULL, NULL), TDAG_E_ARG);
    assert_int_equal(tdag_to_torchscript(ctx, model, "/tmp/no/such/folder/a.pt", NULL),
                     TDAG_E_IO);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

static tdag_status write_tied(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_model *model = NULL;
    tdag_status st = make_tied(ctx, &model);
    if (st == TDAG_OK) st = tdag_to_torchscript(ctx, model, test_path, NULL);
    tdag_model_free(model);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(write_tied, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_shared),
        cmocka_unit_test(test_version),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_arguments),  cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
