/* Every kind of the schema's Argument union, made by hand: what a custom operator, kept
 * as an opaque node, is given of it, and what rows of operators read in it. */
#include "support/test.h"

#include <tdagger.h>

#include "pt2/made.h"

/* Reads a program whose node has the arguments; NULL, or the graph as text. */
static char *read_text(tdag_ctx *ctx, const char *target, const char *inputs,
                       const char *more, tdag_status *st)
{
    /* operators that no row knows */
    const uint32_t flags =
        strncmp(target, "torch.ops.mine.", 15) == 0 ? TDAG_OPEN_OPAQUE : 0;
    char nodes[4096];
    snprintf(
        nodes, sizeof nodes,
        "%s{\"target\":\"%s\",\"inputs\":[%s],\"outputs\":[{\"as_tensor\":{\"name\":"
        "\"y\"}}],\"metadata\":{}}",
        more, target, inputs);
    const made_program p = {.nodes = nodes, .numbers = "\"n\":" MADE_N};
    made_archive a = made_pt2(&p);
    tdag_model *m = NULL;
    char *text = NULL;
    *st = made_read(ctx, &a, flags, &m);
    if (*st == TDAG_OK)
        TEST_OK(ctx, tdag_graph_print(ctx, tdag_model_get_graph(m), 0, &text));
    tdag_model_free(m);
    free(a.bytes);
    return text;
}

/* The part of the text, or the sentence, must be there. */
static void expect_in(const char *name, const char *have, const char *want)
{
    if (strstr(have, want) == NULL) fail_msg("%s: no '%s' in\n%s", name, want, have);
}

#define SIZE                                                                           \
    "{\"target\":\"torch.ops.aten.sym_size.int\",\"inputs\":[{\"name\":\"self\","      \
    "\"arg\":{\"as_tensor\":{\"name\":\"x\"}}},{\"name\":\"dim\",\"arg\":{\"as_int\":" \
    "0}}],"                                                                            \
    "\"outputs\":[{\"as_sym_int\":{\"as_name\":\"n\"}}],\"metadata\":{}},"

typedef struct row {
    const char *name, *arg, *want; /* a part of the text, or of the sentence */
    tdag_status st;
} row;

#define GIVEN(text)  "arguments=\"" text "\""
#define REFUSED(tag) "mine::op with an argument of the kind " tag

/* clang-format off */
/* As the one argument of a custom operator, beside the size n. */
static const row opaque[] = {
    {"none", "{\"as_none\":true}", GIVEN("None"), TDAG_OK},
    {"tensor", "{\"as_tensor\":{\"name\":\"i\"}}", GIVEN("$0"), TDAG_OK},
    {"tensors", "{\"as_tensors\":[{\"name\":\"i\"},{\"name\":\"x\"},{\"name\":\"i\"}]}", GIVEN("[$0, $1, $2]"), TDAG_OK},
    {"no tensors", "{\"as_tensors\":[]}", GIVEN("[]"), TDAG_OK},
    {"int", "{\"as_int\":9223372036854775807}", GIVEN("9223372036854775807"), TDAG_OK},
    {"least int", "{\"as_int\":-9223372036854775808}", GIVEN("-9223372036854775808"), TDAG_OK},
    {"int beyond", "{\"as_int\":9223372036854775808}", "a number that does not fit 64 bits", TDAG_E_FORMAT},
    {"int of a float", "{\"as_int\":2.0}", "integer", TDAG_E_FORMAT},
    {"ints", "{\"as_ints\":[1,-2,9007199254740993]}", GIVEN("[1, -2, 9007199254740993]"), TDAG_OK},
    {"float", "{\"as_float\":2.0}", GIVEN("2."), TDAG_OK},
    {"float of an int", "{\"as_float\":2}", GIVEN("2."), TDAG_OK},
    {"negative zero", "{\"as_float\":-0.0}", GIVEN("-0."), TDAG_OK},
    {"infinity", "{\"as_float\":\"-Infinity\"}", GIVEN("-inf"), TDAG_OK},
    {"not a number", "{\"as_float\":\"NaN\"}", GIVEN("nan"), TDAG_OK},
    {"float of a word", "{\"as_float\":\"1.5\"}", "number", TDAG_E_FORMAT},
    {"floats", "{\"as_floats\":[0.5,\"Infinity\",1e-300]}", GIVEN("[0.5, inf, 1e-300]"), TDAG_OK},
    {"string", "{\"as_string\":\"a $0 \\\"b\\\" \\u00e4\"}", "a \\\\0440 \\\\042b\\\\042 \\\\303\\\\244", TDAG_OK},
    {"strings", "{\"as_strings\":[\"a\",\"\"]}", GIVEN("[\\\"a\\\", \\\"\\\"]"), TDAG_OK},
    {"sym_int", "{\"as_sym_int\":{\"as_int\":7}}", GIVEN("7"), TDAG_OK},
    {"sym_int by name", "{\"as_sym_int\":{\"as_name\":\"n\"}}", "with a symbolic size", TDAG_E_UNSUPPORTED},
    {"sym_int unknown", "{\"as_sym_int\":{\"as_name\":\"m\"}}", "m is used before it is computed", TDAG_E_FORMAT},
    {"sym_int otherwise", "{\"as_sym_int\":{\"as_expr\":\"n\"}}", "an unknown kind of symbolic number", TDAG_E_FORMAT},
    {"sym_ints", "{\"as_sym_ints\":[{\"as_int\":7},{\"as_int\":-1}]}", GIVEN("[7, -1]"), TDAG_OK},
    {"scalar type", "{\"as_scalar_type\":13}", GIVEN("15"), TDAG_OK},
    {"scalar type unknown", "{\"as_scalar_type\":99}", GIVEN("-1"), TDAG_OK},
    {"memory format", "{\"as_memory_format\":2}", GIVEN("2"), TDAG_OK},
    {"layout", "{\"as_layout\":7}", GIVEN("0"), TDAG_OK},
    {"sparse", "{\"as_layout\":2}", "mine::op of a layout that is not strided", TDAG_E_UNSUPPORTED},
    {"device", "{\"as_device\":{\"type\":\"cpu\",\"index\":null}}", "an argument that cannot be written out", TDAG_E_UNSUPPORTED},
    {"bool", "{\"as_bool\":true}", GIVEN("True"), TDAG_OK},
    {"bool of an int", "{\"as_bool\":1}", "neither true nor false", TDAG_E_FORMAT},
    {"bools", "{\"as_bools\":[true,false]}", GIVEN("[True, False]"), TDAG_OK},
    {"sym_bool", "{\"as_sym_bool\":{\"as_bool\":false}}", GIVEN("False"), TDAG_OK},
    {"sym_bools", "{\"as_sym_bools\":[{\"as_bool\":false},{\"as_bool\":true}]}", GIVEN("[False, True]"), TDAG_OK},
    {"sym_float", "{\"as_sym_float\":{\"as_float\":0.25}}", GIVEN("0.25"), TDAG_OK},
    {"sym_floats", "{\"as_sym_floats\":[{\"as_float\":0.25},{\"as_float\":1.0}]}", GIVEN("[0.25, 1.]"), TDAG_OK},
    {"graph", "{\"as_graph\":{\"name\":\"g\",\"graph\":{\"inputs\":[],\"outputs\":[],\"nodes\":[]}}}", "mine::op on a graph", TDAG_E_UNSUPPORTED},
    {"optional tensor", "{\"as_optional_tensor\":{\"as_tensor\":{\"name\":\"x\"}}}", GIVEN("$0"), TDAG_OK},
    {"optional none", "{\"as_optional_tensor\":{\"as_none\":true}}", GIVEN("None"), TDAG_OK},
    {"optional tensors", "{\"as_optional_tensors\":[{\"as_none\":true},{\"as_tensor\":{\"name\":\"i\"}}]}", GIVEN("[None, $0]"), TDAG_OK},
    {"custom object", "{\"as_custom_obj\":{\"name\":\"o\",\"class_fqn\":\"a.B\"}}", REFUSED("as_custom_obj"), TDAG_E_UNSUPPORTED},
    {"operator", "{\"as_operator\":\"aten::add\"}", REFUSED("as_operator"), TDAG_E_UNSUPPORTED},
    {"complex", "{\"as_complex\":{\"real\":1.0,\"imag\":2.0}}", "an argument that cannot be written out", TDAG_E_UNSUPPORTED},
    {"half of complex", "{\"as_complex\":{\"real\":1.0}}", "a complex number lacks its field 'imag'", TDAG_E_FORMAT},
    {"nested tensors", "{\"as_nested_tensors\":[[{\"name\":\"x\"}],[]]}", GIVEN("[[$0], []]"), TDAG_OK},
    {"int lists", "{\"as_int_lists\":[[1,2],[],[3]]}", GIVEN("[[1, 2], [], [3]]"), TDAG_OK},
    {"float lists", "{\"as_float_lists\":[[0.5],[\"Infinity\"]]}", GIVEN("[[0.5], [inf]]"), TDAG_OK},
    {"arguments by name", "{\"as_string_to_argument\":{\"a\":{\"as_int\":1}}}", REFUSED("as_string_to_argument"), TDAG_E_UNSUPPORTED},
    {"of later", "{\"as_future\":[{\"x\":null}]}", REFUSED("as_future"), TDAG_E_UNSUPPORTED},
    {"two tags", "{\"as_int\":1,\"as_none\":true}", "something else where } must come", TDAG_E_FORMAT},
    {"no tag", "{}", "something else where \" must come", TDAG_E_FORMAT},
    {"a number", "7", "something else where { must come", TDAG_E_FORMAT},
};

/* What rows read: operator, arguments. */
static const struct {
    row row;
    const char *target;
} of_rows[] = {
    {{"an int promotes nothing", "\"self\":I,\"other\":{\"as_int\":2}", "y: i64[3] = multiply", TDAG_OK}, "mul.Tensor"},
    {{"a float promotes", "\"self\":I,\"other\":{\"as_float\":2.0}", "y: f32[3] = multiply", TDAG_OK}, "mul.Tensor"},
    {{"a bool is a scalar", "\"self\":I,\"value\":{\"as_bool\":true}", "y: i64[3]", TDAG_OK}, "fill.Scalar"},
    {{"a dtype", "\"self\":X,\"dtype\":{\"as_scalar_type\":13}", "y: bf16[s0,4] = convert(x)", TDAG_OK}, "to.dtype"},
    {{"a complex dtype of halves", "\"self\":X,\"dtype\":{\"as_scalar_type\":9}", "dtype", TDAG_E_UNSUPPORTED}, "to.dtype"},
    {{"a complex dtype", "\"self\":X,\"dtype\":{\"as_scalar_type\":10}", "f32[s0,4,2]", TDAG_OK}, "to.dtype"},
    {{"sizes by name", "\"self\":X,\"size\":{\"as_sym_ints\":[{\"as_int\":4},{\"as_name\":\"n\"}]}", "y: f32[4,s0]", TDAG_OK}, "view.default"},
    {{"a size that follows", "\"self\":X,\"size\":{\"as_ints\":[-1]}", "y: f32[4*s0]", TDAG_OK}, "view.default"},
    {{"an axis left out", "\"self\":X", "y: f32[s0,4] = ", TDAG_OK}, "relu.default"},
    {{"the largest int", "\"self\":X,\"dim\":{\"as_int\":1},\"start\":{\"as_int\":1},\"end\":{\"as_int\":9223372036854775807}", "y: f32[s0,3] = slice", TDAG_OK}, "slice.Tensor"},
    {{"none for a number", "\"self\":X,\"dim\":{\"as_int\":1},\"start\":{\"as_none\":true},\"end\":{\"as_int\":2}", "y: f32[s0,2] = slice", TDAG_OK}, "slice.Tensor"},
    {{"a rounding mode", "\"self\":I,\"other\":I,\"rounding_mode\":{\"as_string\":\"floor\"}", "y: i64[3] = floor_divide", TDAG_OK}, "div.Tensor_mode"},
    {{"tensors", "\"tensors\":{\"as_tensors\":[{\"name\":\"x\"},{\"name\":\"x\"}]},\"dim\":{\"as_int\":1}", "y: f32[s0,8]", TDAG_OK}, "cat.default"},
    {{"optional tensors", "\"self\":X,\"indices\":{\"as_optional_tensors\":[{\"as_none\":true},{\"as_tensor\":{\"name\":\"i\"}}]}", "f32[s0,3]", TDAG_OK}, "index.Tensor"},
    {{"a number computed from sizes", "\"self\":X,\"other\":{\"as_sym_int\":{\"as_name\":\"n\"}}", "y: f32[s0,4] = multiply(x, ", TDAG_OK}, "mul.Tensor"},
    {{"a device and a layout", "\"size\":{\"as_ints\":[2]},\"dtype\":{\"as_scalar_type\":5},\"layout\":{\"as_layout\":7},\"device\":{\"as_device\":{\"type\":\"cuda\",\"index\":1}},\"pin_memory\":{\"as_bool\":false}", "i64[2]", TDAG_OK}, "zeros.default"},
    {{"a sparse layout", "\"size\":{\"as_ints\":[2]},\"layout\":{\"as_layout\":1}", "aten::zeros of a layout that is not strided", TDAG_E_UNSUPPORTED}, "zeros.default"},
    {{"a memory format", "\"self\":X,\"memory_format\":{\"as_memory_format\":1}", "return", TDAG_OK}, "contiguous.default"},
    {{"a string that is none", "\"self\":X,\"other\":X,\"rounding_mode\":{\"as_string\":\"up\"}", "rounding_mode", TDAG_E_UNSUPPORTED}, "div.Tensor_mode"},
    {{"no such argument", "\"self\":X,\"colour\":{\"as_int\":1}", "there is no argument colour", TDAG_E_FORMAT}, "relu.default"},
    {{"an argument twice", "\"self\":X,\"self\":X", "the argument self is given twice", TDAG_E_FORMAT}, "relu.default"},
    {{"one is missing", "\"self\":X", "the argument other is missing", TDAG_E_FORMAT}, "add.Tensor"},
    {{"a list for a tensor", "\"self\":{\"as_ints\":[1]}", "self", TDAG_E_UNSUPPORTED}, "relu.default"},
    {{"a tensor for a number", "\"self\":X,\"dim\":X", "dim", TDAG_E_UNSUPPORTED}, "softmax.int"},
};
/* clang-format on */

static void expect(tdag_ctx *ctx, const row *r, const char *target, const char *inputs)
{
    tdag_status st;
    char *text = read_text(ctx, target, inputs, SIZE, &st);
    const char *said = st == TDAG_OK ? text : tdag_ctx_get_error(ctx)->message;
    if (st != r->st) fail_msg("%s: %s, %s", r->name, tdag_status_text(st), said);
    expect_in(r->name, said, r->want);
    tdag_text_free(ctx, text);
}

static void test_opaque(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof opaque / sizeof opaque[0]; i++) {
        tdag_ctx *ctx = test_ctx();
        char inputs[2048];
        snprintf(inputs, sizeof inputs, "{\"name\":\"a\",\"arg\":%s}", opaque[i].arg);
        expect(ctx, &opaque[i], "torch.ops.mine.op.default", inputs);
        tdag_ctx_free(ctx);
    }
}

/* "self":X,"dim":{...} as a list of arguments, where X and I are the inputs. */
static void write_arguments(const char *short_form, char *out, size_t size)
{
    size_t n = 0, depth = 0;
    for (const char *p = short_form; *p != '\0' && n + 64 < size; p++) {
        const char *piece = NULL;
        char one[2] = {*p, '\0'};
        bool begins = depth == 0 && *p == '"' && (p == short_form || p[-1] == ',');
        if (begins) piece = "{\"name\":\"";
        if (depth == 0 && *p == ':') piece = ",\"arg\":";
        if (*p == 'X' && depth == 0) piece = "{\"as_tensor\":{\"name\":\"x\"}}";
        if (*p == 'I' && depth == 0) piece = "{\"as_tensor\":{\"name\":\"i\"}}";
        if (depth == 0 && *p == ',') piece = "},";
        depth += *p == '{';
        n += (size_t)snprintf(out + n, size - n, "%s", piece == NULL ? one : piece);
        depth -= *p == '}';
    }
    snprintf(out + n, size - n, "}");
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof of_rows / sizeof of_rows[0]; i++) {
        tdag_ctx *ctx = test_ctx();
        char inputs[2048], target[128];
        write_arguments(of_rows[i].row.arg, inputs, sizeof inputs);
        snprintf(target, sizeof target, "torch.ops.aten.%s", of_rows[i].target);
        expect(ctx, &of_rows[i].row, target, inputs);
        tdag_ctx_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_opaque),
                                       cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
