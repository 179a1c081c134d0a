/* Faults planted in exported source: the proof finds each, and the composite at fault
 * is exported by its parts, or the conversion fails with the node and leaves no file.
 */
#include <math.h>

#include <tdagger/compare.h>
#include <tdagger/program.h>
#include <tdagger/run.h>

#include "support/model.h"
#include "torchscript/export/export.h"

/* A text of the source that becomes another one, wherever it stands. */
typedef struct fault {
    const char *from, *to;
    uint32_t n; /* times that it stood there */
} fault;

static void plant(void *user, tdagi_text *source)
{
    fault *f = user;
    tdagi_text other;
    tdagi_text_init(&other, source->ctx);
    for (const char *p = source->data, *at; *p != '\0'; p = at + strlen(f->from)) {
        at = strstr(p, f->from);
        if (at == NULL) {
            tdagi_text_add(&other, p);
            break;
        }
        tdagi_text_add_bytes(&other, p, (size_t)(at - p));
        tdagi_text_add(&other, f->to);
        f->n++;
    }
    tdagi_text_free(source);
    *source = other;
}

/* clang-format off */
#define X2 "tdag 1\nx: f32[2,2] = input\n"
#define SOFTMAX \
    "m = reduce(x) {axes=[1], kind=max}\nn = neg(m)\ns = add(x, n)\ne = exp(s)\n" \
    "t = reduce(e) {axes=[1], kind=sum}\nr = reciprocal(t)\ny = multiply(e, r)\nreturn y\n"
/* A program of two graphs: y = sum(x) > 0 ? then(x) : x */
#define PROGRAM(then, call) \
    "tdag 2\ngraph sum {\nx: f32[2,2] = input\ns = reduce(x) {axes=[0,1], kind=sum}\n" \
    "z: f32[] = squeeze(s) {axes=[0,1]}\no: f32[] = constant [0]\nc = less(o, z)\nreturn c\n}\n" \
    "graph then {\n" then "}\nprogram forward(x: f32[2,2], n: i64[]) -> (f32[2,2]) {\n" \
    "c = call sum(x)\nr = if c {\na = call then(x)" call "\nyield a\n} else {\nyield x\n}\nreturn r\n}\n"
#define TWO_GRAPHS(body) PROGRAM("x: f32[2,2] = input\n" body, "")
#define SIZED \
    PROGRAM("symbols L=3\nx: f32[2,2] = input\nu = unsqueeze(x) {axes=[0]}\nv = repeat(u) {counts=[L,1,1]}\n" \
            "w = reduce(v) {axes=[0], kind=sum}\ny: f32[2,2] = squeeze(w) {axes=[0]}\nreturn y\n", " with L = n")
static const struct {
    const char *name, *text, *from, *to;
    const char *node; /* of the failure; NULL: exported by parts */
} cases[] = {
    {"a wrong axis", X2 SOFTMAX, "softmax(x, 1)", "softmax(x, 0)", NULL},
    {"another function", X2 SOFTMAX, "torch.softmax(x, 1)", "torch.log_softmax(x, 1)", NULL},
    {"no such operator", X2 SOFTMAX, "torch.softmax(", "torch.softmacks(", NULL},
    {"a wrong rank", X2 SOFTMAX, "torch.softmax(x, 1)", "torch.softmax(torch.unsqueeze(x, 0), 1)", NULL},
    {"no name", X2 SOFTMAX, "torch.softmax(x, 1)", "torch.softmax(in_z, 1)", ""},
    {"a swapped operand", X2 "y = permute(x) {order=[1,0]}\nz = less(x, y)\nreturn z\n",
     "torch.lt(x, v2)", "torch.lt(v2, x)", "z"},
    {"a core op", X2 "y = sin(x)\nz = exp(y)\nreturn z\n", "torch.sin(", "torch.cos(", "y"},
    {"an operand that is dropped", X2 "b: f32[2] = parameter [1, 2]\ny = add(x, b)\nreturn y\n",
     "torch.add(x, self.b)", "torch.clone(x)", "y"},
    {"another weight", X2 "b: f32[2] = parameter [1, 2]\nc: f32[2] = parameter [1, 2]\n"
     "y = add(x, b)\nz = multiply(y, c)\nreturn z\n", "self.b", "self.c", "y"},
    {"results in another order", X2 "y = sin(x)\nz = exp(y)\nreturn y, z\n",
     "return (v2, v3)", "return (v3, v2)", "y"},
    {"a result that is missing", X2 "y = sin(x)\nz = exp(y)\nreturn y, z\n",
     "return (v2, v3)", "return v2", "y"},
    {"a composite of a program", TWO_GRAPHS(SOFTMAX), "torch.softmax(in0, 1)", "torch.softmax(in0, 0)", NULL},
    {"a core op of a program", TWO_GRAPHS("y = sin(x)\nz = exp(y)\nreturn z\n"), "torch.sin(", "torch.cos(", "y"},
    {"what cannot be read of a program", TWO_GRAPHS("y = sin(x)\nz = exp(y)\nreturn z\n"), "torch.sin(in0", "torch.sin(in9", ""},
    {"a size that is passed", SIZED, "[size_L, 2", "[size_L + 1, 2", "y"},
};
/* clang-format on */

/* A program that was exported runs as the model does. */
static void check_runs(tdag_ctx *ctx, const tdag_model *model)
{
    static const float values[4] = {1, -2, 3, 4};
    const tdag_input_spec specs[2] = {{.dtype = TDAG_F32, .rank = 2, .shape = {2, 2}},
                                      {.dtype = TDAG_I64}};
    tdag_model *again = NULL;
    tdag_tensor *in[2], *a = NULL, *b = NULL;
    TEST_OK(ctx, tdag_from_torchscript(ctx, test_path, specs, 2, NULL, &again));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, specs[0].shape, &in[0]));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &in[1]));
    memcpy(tdag_tensor_get_mutable_data(in[0]), values, sizeof values);
    memset(tdag_tensor_get_mutable_data(in[1]), 0, sizeof(int64_t));
    TEST_OK(ctx, tdag_run(ctx, model, in, 2, NULL, &a));
    TEST_OK(ctx, tdag_run(ctx, again, in, 2, NULL, &b));
    const float *x = tdag_tensor_get_data(a), *y = tdag_tensor_get_data(b);
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(x[i] - y[i]) < 1e-6F);
    tdag_tensor_free(a);
    tdag_tensor_free(b);
    tdag_tensor_free(in[0]);
    tdag_tensor_free(in[1]);
    tdag_model_free(again);
}

static tdag_model *parse(tdag_ctx *ctx, const char *text)
{
    tdag_model *model = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, text, strlen(text), &model));
    return model;
}

static void check_equal(tdag_ctx *ctx, const tdag_model *model)
{
    const tdag_input_spec spec = {.dtype = TDAG_F32, .rank = 2, .shape = {2, 2}};
    tdag_model *again = NULL;
    tdag_differences d;
    if (tdag_model_get_graph(model) == NULL) {
        check_runs(ctx, model);
        return;
    }
    TEST_OK(ctx, tdag_from_torchscript(ctx, test_path, &spec, 1, NULL, &again));
    TEST_OK(ctx, tdag_diff(ctx, model, again, &d));
    assert_int_equal(d.n, 0);
    tdag_differences_free(&d);
    tdag_model_free(again);
}

static void test_faults(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_model *model = parse(ctx, cases[i].text);
        fault f = {cases[i].from, cases[i].to, 0};
        unlink(test_path);
        tdag_status st = tdagi_export_model(ctx, model, test_path, NULL, plant, &f);
        if (f.n == 0) fail_msg("%s: not planted", cases[i].name);
        if (cases[i].node == NULL) {
            if (st != TDAG_OK)
                fail_msg("%s: %s", cases[i].name, tdag_ctx_get_error(ctx)->message);
            check_equal(ctx, model);
        } else {
            assert_int_equal(st, TDAG_E_INTERNAL);
            const char *node = tdag_ctx_get_error(ctx)->node;
            assert_string_equal(node == NULL ? "" : node, cases[i].node);
            assert_int_not_equal(access(test_path, F_OK), 0);
        }
        tdag_model_free(model);
    }
    tdag_ctx_free(ctx);
}

/* Asked for no proof there is none. */
static void test_no_check(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = test_model(ctx, X2 SOFTMAX);
    fault f = {"softmax(x, 1)", "softmax(x, 0)", 0};
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.flags = TDAG_TORCH_NO_CHECK;
    TEST_OK(ctx, tdagi_export_model(ctx, model, test_path, &o, plant, &f));
    assert_int_equal(f.n, 1);
    assert_int_equal(access(test_path, F_OK), 0);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_no_check)};
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
