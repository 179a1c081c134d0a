/* Programs that no exporter writes: each has its status and a sentence. Then files that
 * are cut off or have one bit changed, and reading without memory. */
#include "support/test.h"

#include <tdagger.h>

#include "pt2/made.h"

typedef struct row {
    const char *name;
    tdag_status st;
    const char *want; /* a part of the sentence */
    made_program p;
} row;

#define NODE(target, inputs, output)                                                   \
    "{\"target\":\"" target "\",\"inputs\":[" inputs "],\"outputs\":[" output          \
    "],\"metadata\":{}}"
#define ARG(name, arg) "{\"name\":\"" name "\",\"arg\":" arg "}"
#define T(name)        "{\"as_tensor\":{\"name\":\"" name "\"}}"
#define S(name)        "{\"as_sym_int\":{\"as_name\":\"" name "\"}}"
#define ADD(a, b, y)                                                                   \
    NODE("torch.ops.aten.add.Tensor", ARG("self", T(a)) "," ARG("other", T(b)), T(y))
#define USER(name) "{\"user_input\":{\"arg\":" T(name) "}}"
#define OUT(name)  "{\"user_output\":{\"arg\":" T(name) "}}"
#define WEIGHT(name, path, pickled, meta)                                              \
    "\"" name "\":{\"path_name\":\"" path                                              \
    "\",\"is_param\":true,\"use_pickle\":" pickled ",\"tensor_meta\":" meta "}"
#define PARAMETER(name)                                                                \
    .inputs = "," T("p"), .in_specs = ",{\"parameter\":{\"arg\":{\"name\":\"p\"},"     \
                                      "\"parameter_name\":\"" name "\"}}"
#define FLAT(n) MADE_META("7", MADE_INT(n), MADE_INT(1))

/* clang-format off */
static const row rows[] = {
    {"plain", TDAG_OK, NULL, {0}},
    /* ---- names of values ---- */
    {"used before", TDAG_E_FORMAT, "z is used before it is computed", {.nodes = ADD("z", "x", "y")}},
    {"used by itself", TDAG_E_FORMAT, "y is used before it is computed", {.nodes = ADD("y", "x", "y")}},
    {"computed twice", TDAG_E_FORMAT, "y is computed twice", {.nodes = ADD("x", "x", "y") "," ADD("x", "x", "y")}},
    {"an input again", TDAG_E_FORMAT, "x is computed twice", {.nodes = ADD("x", "x", "x")}},
    {"output not computed", TDAG_E_FORMAT, "z is used before it is computed", {.outputs = T("z"), .specs = OUT("z")}},
    {"a name with a zero", TDAG_E_FORMAT, "U+0000", {.nodes = ADD("x\\u0000", "x", "y")}},
    {"half a surrogate", TDAG_E_FORMAT, "", {.nodes = ADD("x\\ud800", "x", "y")}},
    {"no results named", TDAG_E_FORMAT, "y is used before", {.nodes = NODE("torch.ops.aten.relu.default", ARG("self", T("x")), "")}},
    {"too many results", TDAG_E_UNSUPPORTED, "", {.nodes = NODE("torch.ops.aten.relu.default", ARG("self", T("x")), T("y") "," T("z"))}},
    {"too few parts", TDAG_E_FORMAT, "it has 2 results, the program names 1", {.nodes = NODE("torch.ops.aten.chunk.default", ARG("self", T("x")) "," ARG("chunks", "{\"as_int\":2}") "," ARG("dim", "{\"as_int\":1}"), "{\"as_tensors\":[{\"name\":\"y\"}]}")}},
    /* ---- targets ---- */
    {"an unknown operator", TDAG_E_UNSUPPORTED, "aten::conjure", {.nodes = NODE("torch.ops.aten.conjure.default", ARG("self", T("x")), T("y"))}},
    {"no overload", TDAG_E_FORMAT, "an operator without its overload", {.nodes = NODE("torch.ops.aten.relu", ARG("self", T("x")), T("y"))}},
    {"Python's eval", TDAG_E_UNSUPPORTED, "builtins.eval", {.nodes = NODE("builtins.eval", ARG("", "{\"as_string\":\"1\"}"), T("y"))}},
    {"os.system", TDAG_E_UNSUPPORTED, "torch.ops.os.system", {.nodes = NODE("torch.ops.os.system", ARG("", "{\"as_string\":\"true\"}"), T("y"))}},
    {"a file's tensor", TDAG_E_UNSUPPORTED, "aten::from_file", {.nodes = NODE("torch.ops.aten.from_file.default", ARG("filename", "{\"as_string\":\"x\"}") "," ARG("shared", "{\"as_bool\":true}") "," ARG("size", "{\"as_int\":16}"), T("y"))}},
    {"control flow", TDAG_E_UNSUPPORTED, "torch.ops.higher_order.cond", {.nodes = NODE("torch.ops.higher_order.cond", ARG("", T("x")), T("y"))}},
    {"a mode without its graph", TDAG_E_UNSUPPORTED, "wrap_with_set_grad_enabled", {.nodes = NODE("torch.ops.higher_order.wrap_with_set_grad_enabled", ARG("", T("x")), T("y"))}},
    {"a graph of other inputs", TDAG_E_FORMAT, "takes or gives another number of values", {.nodes = NODE("torch.ops.higher_order.wrap_with_set_grad_enabled", ARG("", "{\"as_bool\":true}") "," ARG("", "{\"as_graph\":{\"name\":\"g\",\"graph\":{\"inputs\":[" T("a") "],\"outputs\":[" T("a") "],\"nodes\":[]}}}"), T("y"))}},
    {"a size by Python", TDAG_E_FORMAT, "it has 1 arguments, not 2", {.nodes = NODE("_operator.add", ARG("a", "{\"as_int\":1}"), S("n"))}},
    /* ---- shapes ---- */
    {"shapes that do not fit", TDAG_E_SHAPE, "aten::add", {.nodes = ADD("x", "i", "y")}},
    {"huge", TDAG_E_OVERFLOW, "aten::zeros", {.nodes = NODE("torch.ops.aten.zeros.default", ARG("size", "{\"as_ints\":[4611686018427387904,4]}"), T("y"))}},
    {"below zero", TDAG_E_SHAPE, "", {.nodes = NODE("torch.ops.aten.zeros.default", ARG("size", "{\"as_ints\":[-3]}"), T("y"))}},
    {"a division by 0", TDAG_E_UNSUPPORTED, "", {.nodes = NODE("_operator.floordiv", ARG("a", "{\"as_int\":1}") "," ARG("b", "{\"as_int\":0}"), S("n")) "," NODE("torch.ops.aten.zeros.default", ARG("size", "{\"as_sym_ints\":[{\"as_name\":\"n\"}]}"), T("y"))}},
    /* ---- inputs and outputs ---- */
    {"one spec more", TDAG_E_FORMAT, "the signature's inputs are not those of the graph", {.in_specs = "," USER("x")}},
    {"one input more", TDAG_E_FORMAT, "the signature's inputs are not those of the graph", {.inputs = "," T("z")}},
    {"another input", TDAG_E_FORMAT, "the signature's inputs are not those of the graph", {.inputs = "," T("z"), .in_specs = "," USER("q")}},
    {"an input twice", TDAG_E_FORMAT, "x is computed twice", {.inputs = "," T("x"), .in_specs = "," USER("x")}},
    {"an input without a type", TDAG_E_FORMAT, "the type of the input z is missing", {.inputs = "," T("z"), .in_specs = "," USER("z")}},
    {"a literal as an input", TDAG_E_FORMAT, "an input of the signature has no name", {.inputs = ",{\"as_int\":1}", .in_specs = ",{\"user_input\":{\"arg\":{\"as_int\":1}}}"}},
    {"a number as an input", TDAG_E_UNSUPPORTED, "the input k, which is a number", {.inputs = "," S("k"), .in_specs = ",{\"user_input\":{\"arg\":" S("k") "}}"}},
    {"a token", TDAG_E_UNSUPPORTED, "an input of the kind token", {.inputs = "," T("z"), .in_specs = ",{\"token\":{\"arg\":{\"name\":\"z\"}}}"}},
    {"another output", TDAG_E_FORMAT, "the signature's outputs are not those of the graph", {.specs = OUT("x")}},
    {"a gradient", TDAG_E_UNSUPPORTED, "an output of the kind loss_output", {.specs = "{\"loss_output\":{\"arg\":{\"name\":\"y\"}}}"}},
    {"state", TDAG_E_UNSUPPORTED, "b, which the program updates", {.specs = "{\"buffer_mutation\":{\"arg\":{\"name\":\"y\"},\"buffer_name\":\"b\"}}"}},
    {"a sparse input", TDAG_E_UNSUPPORTED, "the input z, which is sparse", {.inputs = "," T("z"), .in_specs = "," USER("z"), .values = ",\"z\":{\"dtype\":7,\"sizes\":[],\"strides\":[],\"storage_offset\":{\"as_int\":0},\"layout\":1}"}},
    {"a complex input", TDAG_E_UNSUPPORTED, "the input z, which is of a dtype that is not supported", {.inputs = "," T("z"), .in_specs = "," USER("z"), .values = ",\"z\":" MADE_META("9", "", "")}},
    {"a size below 0", TDAG_E_UNSUPPORTED, "the input z of the size below 0", {.inputs = "," T("z"), .in_specs = "," USER("z"), .values = ",\"z\":" MADE_META("7", "{\"as_int\":-1}", "{\"as_int\":1}")}},
    {"a size that is code", TDAG_E_UNSUPPORTED, "an input of the size __import__('os').system('true')", {.inputs = "," T("z"), .in_specs = "," USER("z"), .values = ",\"z\":" MADE_META("7", "{\"as_expr\":{\"expr_str\":\"__import__('os').system('true')\",\"hint\":null}}", "{\"as_int\":1}")}},
    {"a size of no symbol", TDAG_E_UNSUPPORTED, "an input of the size Symbol(", {.inputs = "," T("z"), .in_specs = "," USER("z"), .values = ",\"z\":" MADE_META("7", "{\"as_expr\":{\"expr_str\":\"Symbol('\",\"hint\":null}}", "{\"as_int\":1}")}},
    {"a range that excludes it", TDAG_E_ARG, "the size s0 is 3, which is not within the program's range, at least 5", {.ranges = "\"s0\":{\"min_val\":5,\"max_val\":null}"}},
    {"a range beyond", TDAG_E_ARG, "at most 2", {.ranges = "\"s0\":{\"min_val\":0,\"max_val\":2}"}},
    /* ---- weights ---- */
    {"no weight", TDAG_E_FORMAT, "the archive has no elements of w", {PARAMETER("w")}},
    {"no record", TDAG_E_FORMAT, "the record data/weights/weight_9 of w is missing", {PARAMETER("w"), .weights = WEIGHT("w", "weight_9", "false", FLAT(2))}},
    {"too long", TDAG_E_FORMAT, "w reaches beyond the end of the record data/weights/weight_0", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", FLAT(9))}},
    {"a stride beyond", TDAG_E_FORMAT, "w reaches beyond the end", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("7", MADE_INT(2), MADE_INT(8)))}},
    {"a stride below 0", TDAG_E_FORMAT, "w has sizes, strides or an offset that no tensor has", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("7", MADE_INT(2), MADE_INT(-1)))}},
    {"a stride that overflows", TDAG_E_FORMAT, "that no tensor has", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("7", MADE_INT(3), MADE_INT(9223372036854775807)))}},
    {"a size that overflows", TDAG_E_FORMAT, "that no tensor has", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("7", MADE_INT(4611686018427387904) "," MADE_INT(4), MADE_INT(0) "," MADE_INT(0)))}},
    {"expanded to be huge", TDAG_E_UNSUPPORTED, "w, which is an expanded tensor of a huge shape", {PARAMETER("w"), .nodes = ADD("p", "p", "y"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("7", MADE_INT(1099511627776), MADE_INT(0)))}},
    {"a stride less", TDAG_E_FORMAT, "that no tensor has", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("7", MADE_INT(2), ""))}},
    {"a symbolic weight", TDAG_E_FORMAT, "that no tensor has", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("7", MADE_N, MADE_INT(1)))}},
    {"pickled", TDAG_E_UNSUPPORTED, "w, which is pickled by Python", {PARAMETER("w"), .nodes = ADD("p", "x", "y"), .weights = WEIGHT("w", "weight_0", "true", FLAT(2))}},
    {"complex", TDAG_E_UNSUPPORTED, "w, which is a tensor of a dtype that is not supported", {PARAMETER("w"), .nodes = ADD("p", "x", "y"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("9", MADE_INT(2), MADE_INT(1)))}},
    {"not bool", TDAG_E_FORMAT, "w is bool and has a byte that is not 0 or 1", {PARAMETER("w"), .weights = WEIGHT("w", "weight_0", "false", MADE_META("12", MADE_INT(2), MADE_INT(1)))}},
    {"a weight twice", TDAG_E_FORMAT, "a weight stands twice in the config", {.weights = WEIGHT("w", "weight_0", "false", FLAT(2)) "," WEIGHT("w", "weight_0", "false", FLAT(2))}},
    {"named twice", TDAG_E_FORMAT, "the signature names w twice", {.inputs = "," T("p") "," T("q"), .in_specs = ",{\"parameter\":{\"arg\":{\"name\":\"p\"},\"parameter_name\":\"w\"}},{\"parameter\":{\"arg\":{\"name\":\"q\"},\"parameter_name\":\"w\"}}", .weights = WEIGHT("w", "weight_0", "false", FLAT(2))}},
    {"a path upwards", TDAG_E_FORMAT, "../../etc/passwd of w is missing", {PARAMETER("w"), .weights = WEIGHT("w", "../../etc/passwd", "false", FLAT(2))}},
    /* ---- structure, version ---- */
    {"fewer leaves", TDAG_E_FORMAT, "the signature has 2 arguments, their structure 1", {.calls = "{\"fqn\":\"\",\"signature\":{\"in_spec\":\"[1,{\\\"type\\\":\\\"builtins.tuple\\\",\\\"context\\\":\\\"null\\\",\\\"children_spec\\\":[{\\\"type\\\":null,\\\"context\\\":null,\\\"children_spec\\\":[]}]}]\",\"out_spec\":\"\"}}"}},
    {"a structure that is none", TDAG_E_FORMAT, "", {.calls = "{\"fqn\":\"\",\"signature\":{\"in_spec\":\"[1,{\",\"out_spec\":\"\"}}"}},
    {"a structure of later", TDAG_E_FORMAT, "structures of an unknown version", {.calls = "{\"fqn\":\"\",\"signature\":{\"in_spec\":\"[2,{}]\",\"out_spec\":\"\"}}"}},
    {"a class", TDAG_E_UNSUPPORTED, "an argument of type pkg.Thing", {.calls = "{\"fqn\":\"\",\"signature\":{\"in_spec\":\"[1,{\\\"type\\\":\\\"pkg.Thing\\\",\\\"context\\\":\\\"null\\\",\\\"children_spec\\\":[]}]\",\"out_spec\":\"\"}}"}},
    {"schema 9", TDAG_E_UNSUPPORTED, "a program of schema 9.0, of which 8 is known", {.version = "{\"major\":9,\"minor\":0}"}},
    {"no schema", TDAG_E_FORMAT, "schema", {.version = "{}"}},
};
/* clang-format on */

static void test_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tdag_ctx *ctx = test_ctx();
        tdag_model *m = NULL;
        made_archive a = made_pt2(&rows[i].p);
        tdag_status st = made_read(ctx, &a, 0, &m);
        const char *said = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != rows[i].st)
            fail_msg("%s: %s, %s", rows[i].name, tdag_status_text(st), said);
        if (st != TDAG_OK && *said == '\0') fail_msg("%s: no sentence", rows[i].name);
        if (st != TDAG_OK && strstr(said, rows[i].want) == NULL)
            fail_msg("%s: %s", rows[i].name, said);
        tdag_model_free(m);
        free(a.bytes);
        tdag_ctx_free(ctx);
    }
}

/* ---- deep and long ---- */

/* n times the piece before the middle, n times the other behind it; to be freed. */
static char *repeated(const char *before, size_t n, const char *middle,
                      const char *after)
{
    size_t a = strlen(before), b = strlen(after), m = strlen(middle);
    char *text = malloc(n * (a + b) + m + 1), *p = text;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++, p += a)
        memcpy(p, before, a);
    memcpy(p, middle, m);
    p += m;
    for (size_t i = 0; i < n; i++, p += b)
        memcpy(p, after, b);
    *p = '\0';
    return text;
}

#define INNER_BEFORE                                                                   \
    "{\"target\":\"torch.ops.higher_order.wrap_with_set_grad_enabled\",\"inputs\":["   \
    "{\"name\":\"\",\"arg\":{\"as_bool\":false}},{\"name\":\"\",\"arg\":{\"as_"        \
    "graph\":{"                                                                        \
    "\"name\":\"g\",\"graph\":{\"inputs\":[],\"outputs\":[],\"nodes\":["
#define INNER_AFTER "]}}}}],\"outputs\":[]}"

static const struct {
    const char *name, *start, *before, *middle, *after, *end;
    size_t n;
    bool is_value; /* of a tensor, not a node */
    tdag_status st;
    const char *want;
} deep[] = {
    {"graphs", "", INNER_BEFORE, "", INNER_AFTER, "", 20, false, TDAG_E_FORMAT,
     "y is used before"},
    {"too many graphs", "", INNER_BEFORE, "", INNER_AFTER, "", 100, false, TDAG_E_LIMIT,
     "graphs nest deeper than 32"},
    {"optional tensors",
     "{\"target\":\"torch.ops.aten.relu.default\",\"inputs\":[{\"name\":\"self\","
     "\"arg\":",
     "{\"as_optional_tensor\":", T("x"), "}", "}],\"outputs\":[" T("y") "]}", 100,
     false, TDAG_OK, NULL},
    {"too many optional tensors",
     "{\"target\":\"torch.ops.aten.relu.default\",\"inputs\":[{\"name\":\"self\","
     "\"arg\":",
     "{\"as_optional_tensor\":", T("x"), "}", "}],\"outputs\":[" T("y") "]}", 200,
     false, TDAG_E_LIMIT, "arguments nest deeper than 128"},
    {"brackets that nobody reads", ",\"more\":", "[", "", "]", "", 100000, true,
     TDAG_OK, NULL},
    {"a long name", "{\"target\":\"torch.ops.mine.", "x", "", "",
     "\",\"inputs\":[],\"outputs\":[]}", 100000, false, TDAG_E_UNSUPPORTED,
     "torch.ops.mine.xxx"},
};

/* All of a row's text; to be freed. */
static char *text_of(size_t i)
{
    char *inner = repeated(deep[i].before, deep[i].n, deep[i].middle, deep[i].after);
    char *front = repeated(deep[i].start, 1, inner, deep[i].end);
    free(inner);
    return front;
}

static void test_deep(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof deep / sizeof deep[0]; i++) {
        tdag_ctx *ctx = test_ctx();
        tdag_model *m = NULL;
        char *text = text_of(i);
        const made_program p = {.values = deep[i].is_value ? text : NULL,
                                .nodes = deep[i].is_value ? NULL : text};
        made_archive a = made_pt2(&p);
        tdag_status st = made_read(ctx, &a, 0, &m);
        const char *said = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != deep[i].st || (st != TDAG_OK && strstr(said, deep[i].want) == NULL))
            fail_msg("%s: %s, %s", deep[i].name, tdag_status_text(st), said);
        tdag_model_free(m);
        free(a.bytes);
        free(text);
        tdag_ctx_free(ctx);
    }
}

/* ---- archives ---- */

static const struct {
    const char *name;
    made_record records[3];
    tdag_status st;
    const char *want;
} archives[] = {
    {"empty", {{"a/b", "", 0}}, TDAG_E_FORMAT, "no archive of torch.export"},
    {"no program", {{"a/archive_format", "pt2", 0}}, TDAG_E_FORMAT, "no models/ in it"},
    {"compiled code",
     {{"a/archive_format", "pt2", 0}, {"a/data/aotinductor/model/x.so", "", 0}},
     TDAG_E_UNSUPPORTED,
     "an archive of compiled code (AOTInductor) without a program"},
    {"TorchScript", {{"a/data.pkl", "", 0}}, TDAG_E_FORMAT, "a TorchScript archive"},
    {"2.5",
     {{"serialized_exported_program.json", "{}", 0}, {"version", "7.3", 0}},
     TDAG_E_UNSUPPORTED,
     "an archive of PyTorch 2.1 to 2.5"},
    {"2.6",
     {{"serialized_exported_program.json", "{}", 0}, {"version", "8.2", 0}},
     TDAG_E_FORMAT,
     "graph_module"},
    {"not JSON",
     {{"a/archive_format", "pt2", 0}, {"a/models/model.json", "<xml/>", 0}},
     TDAG_E_FORMAT,
     "must come"},
    {"no JSON",
     {{"a/archive_format", "pt2", 0}, {"a/models/model.json", "", 0}},
     TDAG_E_FORMAT,
     "must come"},
    {"an empty program",
     {{"a/archive_format", "pt2", 0}, {"a/models/model.json", "{}", 0}},
     TDAG_E_FORMAT,
     "graph_module"},
};

static void test_archives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof archives / sizeof archives[0]; i++) {
        tdag_ctx *ctx = test_ctx();
        tdag_model *m = NULL;
        uint32_t n = 0;
        while (n < 3 && archives[i].records[n].name != NULL)
            n++;
        made_archive a = made_zip(archives[i].records, n);
        tdag_status st = made_read(ctx, &a, 0, &m);
        const char *said = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != archives[i].st || strstr(said, archives[i].want) == NULL)
            fail_msg("%s: %s, %s", archives[i].name, tdag_status_text(st), said);
        free(a.bytes);
        tdag_ctx_free(ctx);
    }
}

/* ---- pickled weights ---- */

#define STORAGE(n)                                                                     \
    "(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"                             \
    "0X\x03\0\0\0cpuK" n "tQ"
#define REBUILT(offset, size, stride)                                                  \
    "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE("\x04") "K" offset "K" size         \
                                                           "\x85K" stride              \
                                                           "\x85\x89}tR"
#define NAMED        "\x80\x02}X\x01\0\0\0w"
#define PICKLE(text) text, sizeof(text) - 1

/* What stands in data/weights/model.pt, and in data.pkl inside of it (NULL: no
 * archive). */
static const struct {
    const char *name, *pickle;
    size_t size;
    tdag_status st;
    const char *want;
} pickles[] = {
    {"four numbers", PICKLE(NAMED REBUILT("\0", "\x04", "\x01") "s."), TDAG_OK, NULL},
    {"strided", PICKLE(NAMED REBUILT("\x01", "\x02", "\x02") "s."), TDAG_OK, NULL},
    {"beyond", PICKLE(NAMED REBUILT("\x01", "\x04", "\x01") "s."), TDAG_E_FORMAT,
     "w reaches beyond the end of the record data/weights/model.pt/data/0"},
    {"no archive", NULL, 0, TDAG_E_FORMAT, "zip"},
    {"no dict", PICKLE("\x80\x02K\x01."), TDAG_E_FORMAT, "is no dict of weights"},
    {"no name", PICKLE("\x80\x02}K\x01" REBUILT("\0", "\x04", "\x01") "s."),
     TDAG_E_FORMAT, "has a weight without a name"},
    {"a number", PICKLE(NAMED "K\x01s."), TDAG_E_UNSUPPORTED, "w, which is pickled"},
    {"a call", PICKLE(NAMED "cos\nsystem\n(X\x04\0\0\0truetRs."), TDAG_E_UNSUPPORTED,
     "w, which is pickled by Python"},
    {"cut off", PICKLE(NAMED), TDAG_E_FORMAT, ""},
    {"another weight",
     PICKLE("\x80\x02}X\x01\0\0\0v" REBUILT("\0", "\x04", "\x01") "s."), TDAG_E_FORMAT,
     "the archive has no elements of w"},
};

/* The program with the weight w, its weights in that record. */
static made_archive with_pickle(const char *pickle, size_t size)
{
    const made_record inner[] = {{"a/data.pkl", pickle, size},
                                 {"a/data/0", "0123456789abcdef", 0}};
    const made_program p = {PARAMETER("w"), .nodes = ADD("p", "p", "y")};
    const made_archive weights =
        pickle == NULL ? (made_archive){calloc(1, 100), 100} : made_zip(inner, 2);
    made_archive all =
        made_pt2_with(&p, &(made_record){"m/data/weights/model.pt",
                                         (const char *)weights.bytes, weights.size});
    free(weights.bytes);
    return all;
}

static void test_pickled(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pickles / sizeof pickles[0]; i++) {
        tdag_ctx *ctx = test_ctx();
        tdag_model *m = NULL;
        made_archive a = with_pickle(pickles[i].pickle, pickles[i].size);
        tdag_status st = made_read(ctx, &a, 0, &m);
        const char *said = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != pickles[i].st ||
            (st != TDAG_OK && strstr(said, pickles[i].want) == NULL))
            fail_msg("%s: %s, %s", pickles[i].name, tdag_status_text(st), said);
        tdag_model_free(m);
        free(a.bytes);
        tdag_ctx_free(ctx);
    }
}

/* ---- damage, memory ---- */

/* A weight in place and a copied one, symbols, a graph inside, an opaque operator. */
static const made_program rich = {
    .nodes = ADD("x", "p", "z") "," NODE(
        "torch.ops.aten.sym_size.int",
        ARG("self", T("z")) "," ARG("dim", "{\"as_int\":0}"),
        S("n")) "," NODE("torch.ops.higher_order.wrap_with_set_grad_enabled",
                         ARG("", "{\"as_bool\":false}") "," ARG(
                             "",
                             "{\"as_graph\":{\"name\":\"g\",\"graph\":{\"inputs\":"
                             "[" T("a") "],\"outputs\":[" T("b") "],\"nodes\":[" ADD(
                                 "a", "a", "b") "]}}}") "," ARG("", T("z")),
                         T("u")) "," NODE("torch.ops.mine.op.default",
                                          ARG("a", T("u")) "," ARG(
                                              "b", "{\"as_ints\":[1,2]}"),
                                          T("y")),
    PARAMETER("w"),
    .numbers = "\"n\":" MADE_N,
    .weights =
        WEIGHT("w", "weight_0", "false",
               MADE_META("7", MADE_INT(4), MADE_INT(2))) "," WEIGHT("other", "weight_0",
                                                                    "false", FLAT(4)),
    .ranges = "\"s0\":{\"min_val\":2,\"max_val\":64}",
    .calls =
        "{\"fqn\":\"\",\"signature\":{\"in_spec\":\"[1,{\\\"type\\\":"
        "\\\"builtins.tuple\\\",\\\"context\\\":\\\"null\\\",\\\"children_spec\\\":["
        "{\\\"type\\\":\\\"builtins.dict\\\",\\\"context\\\":\\\"[\\\\\\\"a\\\\\\\","
        "\\\\\\\"b\\\\\\\"]\\\",\\\"children_spec\\\":[{\\\"type\\\":null,"
        "\\\"context\\\":null,\\\"children_spec\\\":[]},{\\\"type\\\":null,"
        "\\\"context\\\":null,\\\"children_spec\\\":[]}]}]}]\",\"out_spec\":\"\"}}",
};

static tdag_status read_rich(tdag_ctx *ctx, void *arg)
{
    tdag_model *m = NULL;
    tdag_status st = made_read(ctx, arg, TDAG_OPEN_OPAQUE, &m);
    tdag_model_free(m);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    made_archive a = made_pt2(&rich);
    test_every_oom(read_rich, &a);
    free(a.bytes);
    a = with_pickle(pickles[0].pickle, pickles[0].size);
    test_every_oom(read_rich, &a);
    free(a.bytes);
}

/* Whether it is read; else there is a sentence. */
static bool is_read(tdag_ctx *ctx, const made_archive *a)
{
    tdag_model *m = NULL;
    tdag_status st = made_read(ctx, a, TDAG_OPEN_OPAQUE, &m);
    if (st == TDAG_OK) assert_int_equal(tdag_verify(ctx, tdag_model_get_graph(m)), st);
    if (st != TDAG_OK) assert_true(*tdag_ctx_get_error(ctx)->message != '\0');
    assert_int_not_equal(st, TDAG_E_INTERNAL);
    tdag_model_free(m);
    return st == TDAG_OK;
}

static void test_truncated(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    made_archive a = made_pt2(&rich);
    assert_true(is_read(ctx, &a));
    for (size_t i = 0; i < a.size; i++) {
        made_archive part = {malloc(i + 1), i}; /* so that reading beyond is seen */
        assert_non_null(part.bytes);
        memcpy(part.bytes, a.bytes, i);
        assert_false(is_read(ctx, &part));
        free(part.bytes);
    }
    free(a.bytes);
    tdag_ctx_free(ctx);
}

static void test_flipped(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    made_archive a = made_pt2(&rich);
    uint64_t n_read = 0;
    for (size_t i = 0; i < 8 * a.size; i++) {
        a.bytes[i / 8] ^= (unsigned char)(1U << i % 8);
        n_read += is_read(ctx, &a);
        a.bytes[i / 8] ^= (unsigned char)(1U << i % 8);
    }
    assert_true(n_read > 0 && n_read < 8 * a.size);
    free(a.bytes);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),  cmocka_unit_test(test_deep),
        cmocka_unit_test(test_archives),  cmocka_unit_test(test_pickled),
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
