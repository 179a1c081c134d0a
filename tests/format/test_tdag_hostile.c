/* Files that are wrong: each ends in a status and a sentence, and what loads all the
 * same is a model that verifies. Every one is read both mapped and into memory, where
 * the sanitizers see what is read beyond its end. */
#include <unistd.h>

#include <tdagger.h>

#include "base/text.h"
#include "format/safetensors.h"
#include "support/random_graph.h"
#include "support/test.h"

static char folder[64], path[96];

static void write_bytes(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static char *read_bytes(size_t *n_out)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    *n_out = fread(bytes, 1, 1 << 20, f);
    assert_true(*n_out < 1 << 20);
    fclose(f);
    return bytes;
}

/* The same status both ways; the sentence stays in the context. */
static tdag_status load(tdag_ctx *ctx, const char *what)
{
    tdag_status st[2];
    for (uint32_t flags = 0; flags <= TDAG_LOAD_COPY; flags++) {
        tdag_load_options o;
        tdag_load_options_init(&o);
        o.flags = flags;
        tdag_model *m = NULL;
        st[flags] = tdag_load(ctx, path, &o, &m);
        if (st[flags] == TDAG_OK)
            TEST_OK(ctx, tdag_verify(ctx, tdag_model_get_graph(m)));
        else if (tdag_ctx_get_error(ctx)->message[0] == '\0')
            fail_msg("%s: no sentence", what);
        if (st[flags] == TDAG_E_INTERNAL || st[flags] == TDAG_E_NOMEM)
            fail_msg("%s: %s", what, tdag_status_text(st[flags]));
        tdag_model_free(m);
    }
    if (st[0] != st[1])
        fail_msg("%s: %s mapped, %s copied", what, tdag_status_text(st[0]),
                 tdag_status_text(st[1]));
    return st[0];
}

/* A small file with symbols, weights, a constant, a spec. */
static char *small_file(tdag_ctx *ctx, size_t *n_out)
{
    static const char text[] = "tdag 1\n"
                               "symbols N=3\n"
                               "x: f32[N,2] = input\n"
                               "w: f32[2] = parameter [1, 2]\n"
                               "b: bool[3] = buffer [true, false, true]\n"
                               "y: f32[N,2] = multiply(x, w) @layer\n"
                               "z: f32[N+1,2] = pad(y) {before=[1,0], after=[0,0], "
                               "mode=constant, value=-inf}\n"
                               "c: f32[] = constant [0.5]\n"
                               "return z, c\n";
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, sizeof text - 1, &g));
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    TEST_OK(ctx, tdag_save(ctx, m, path, NULL));
    tdag_model_free(m);
    tdag_graph_free(g);
    return read_bytes(n_out);
}

static void test_truncated(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    size_t n;
    char *bytes = small_file(ctx, &n), what[32];
    assert_int_equal(load(ctx, "whole"), TDAG_OK);
    for (size_t i = 0; i < n; i++) {
        write_bytes(bytes, i);
        snprintf(what, sizeof what, "%zu bytes", i);
        if (load(ctx, what) == TDAG_OK) fail_msg("%s load", what);
    }
    bytes[n] = 0; /* one more than all */
    write_bytes(bytes, n + 1);
    assert_int_equal(load(ctx, "longer"), TDAG_E_FORMAT);
    free(bytes);
    tdag_ctx_free(ctx);
}

static void test_flipped(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    size_t n, loaded = 0;
    char *bytes = small_file(ctx, &n), what[48];
    for (size_t i = 0; i < n; i++) {
        char old = bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(old ^ 1 << bit);
            write_bytes(bytes, n);
            snprintf(what, sizeof what, "byte %zu, bit %d", i, bit);
            loaded += load(ctx, what) == TDAG_OK;
        }
        bytes[i] = old;
    }
    assert_true(loaded > 0 && loaded < n * 4); /* names and weights may change */
    free(bytes);
    tdag_ctx_free(ctx);
}

/* ---- the JSON ---- */

/* Writes a file with that JSON and the tensors w (two f32) and b (a bool). */
static void write_json(tdag_ctx *ctx, const char *format, const char *json)
{
    char format_key[] = "format", model_key[] = "tdag", w[] = "w", b[] = "b";
    char *keys[] = {format_key, model_key}, *names[] = {w, b};
    char *values[] = {(char *)(uintptr_t)format, (char *)(uintptr_t)json};
    const int64_t shape[1] = {2};
    tdag_tensor *tensors[2];
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, shape, &tensors[0]));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_BOOL, 0, NULL, &tensors[1]));
    memset(tdag_tensor_get_mutable_data(tensors[0]), 0, 8);
    memset(tdag_tensor_get_mutable_data(tensors[1]), 0, 1);
    const tdag_named_tensors t = {.n = 2, .names = names, .tensors = tensors};
    const tdagi_metadata m = {.n = 2, .keys = keys, .values = values};
    TEST_OK(ctx, tdagi_safetensors_save(ctx, path, 0, &t, &m));
    for (int i = 0; i < 2; i++)
        tdag_tensor_free(tensors[i]);
}

/* A valid model; cases replace a part of it. */
#define METHOD                                                                         \
    "{\"name\":\"forward\",\"inputs\":\"(T,)\",\"outputs\":\"T\",\"program\":"         \
    "[{\"do\":\"call\",\"graph\":0,\"in\":[1],\"out\":[2]}],\"return\":[2]}"
#define LEAVES                                                                         \
    "{\"op\":\"input\",\"name\":\"x\",\"dtype\":\"f32\",\"shape\":[\"N\",2]},"         \
    "{\"op\":\"parameter\",\"name\":\"w\",\"tensor\":\"w\",\"dtype\":\"f32\","         \
    "\"shape\":[2]},{\"op\":\"buffer\",\"name\":\"b\",\"tensor\":\"b\","               \
    "\"dtype\":\"bool\",\"shape\":[]}"
#define ADD "{\"op\":\"add\",\"in\":[1,2],\"dtype\":\"f32\",\"shape\":[\"N\",2]}"
static const char valid[] = "{\"methods\":[" METHOD "],\"graphs\":[{\"symbols\":"
                            "[[\"N\",3]],\"scopes\":[\"s\"],\"nodes\":[" LEAVES "," ADD
                            "],\"inputs\":[1],\"outputs\":[4]}]}";

static char *replaced(const char *from, const char *to)
{
    const char *at = strstr(valid, from);
    if (at == NULL) fail_msg("the valid model has no %s", from);
    size_t n = sizeof valid + strlen(to);
    char *out = malloc(n);
    assert_non_null(out);
    snprintf(out, n, "%.*s%s%s", (int)(at - valid), valid, to, at + strlen(from));
    return out;
}

static const struct {
    const char *name, *from, *to;
    tdag_status st;
    const char *word; /* that the sentence must have */
} cases[] = {
    {"as it is", "forward", "forward", TDAG_OK, ""},
    {"other order of keys", "\"op\":\"add\",\"in\":[1,2]",
     "\"in\":[1,2],\"op\":\"add\"", TDAG_OK, ""},
    {"unknown op", "\"op\":\"add\"", "\"op\":\"conv\"", TDAG_E_FORMAT, "'conv'"},
    {"op no string", "\"op\":\"add\"", "\"op\":80", TDAG_E_FORMAT, "\""},
    {"unknown field", "\"in\":[1,2]", "\"in\":[1,2],\"alpha\":2", TDAG_E_FORMAT,
     "'alpha'"},
    {"field twice", "\"in\":[1,2]", "\"in\":[1,2],\"in\":[1,2]", TDAG_E_FORMAT,
     "twice"},
    {"no shape", ADD, "{\"op\":\"add\",\"in\":[1,2],\"dtype\":\"f32\"}", TDAG_E_FORMAT,
     "'shape'"},
    {"no operands", "\"in\":[1,2],", "", TDAG_E_FORMAT, "'in'"},
    {"three operands", "\"in\":[1,2]", "\"in\":[1,2,2]", TDAG_E_ARG, "2 inputs"},
    {"operands of a leaf", "\"op\":\"input\"", "\"op\":\"input\",\"in\":[]",
     TDAG_E_FORMAT, "'in'"},
    {"a cycle", "\"in\":[1,2]", "\"in\":[1,4]", TDAG_E_FORMAT, "value 4"},
    {"a later value", "\"in\":[1,2]", "\"in\":[1,4000000000]", TDAG_E_FORMAT, "before"},
    {"value 0", "\"in\":[1,2]", "\"in\":[1,0]", TDAG_E_FORMAT, "no value"},
    {"a negative value", "\"in\":[1,2]", "\"in\":[1,-1]", TDAG_E_FORMAT, "no value"},
    {"value 2^32+1", "\"in\":[1,2]", "\"in\":[1,4294967297]", TDAG_E_FORMAT,
     "no value"},
    {"half a value", "\"in\":[1,2]", "\"in\":[1,1.5]", TDAG_E_FORMAT, "integer"},
    {"spec of add", "\"in\":[1,2]", "\"in\":[1,2],\"spec\":{}", TDAG_E_FORMAT,
     "'spec'"},
    {"no spec", "\"op\":\"add\",\"in\":[1,2]", "\"op\":\"permute\",\"in\":[1]",
     TDAG_E_FORMAT, "'spec'"},
    {"spec lacks", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"slice\",\"in\":[1],\"spec\":{\"start\":[0,0]}", TDAG_E_FORMAT, "'end'"},
    {"spec unknown", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"permute\",\"in\":[1],\"spec\":{\"axes\":[0,1]}", TDAG_E_FORMAT,
     "'axes'"},
    {"spec twice", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"permute\",\"in\":[1],\"spec\":{\"order\":[0,1],\"order\":[0,1]}",
     TDAG_E_FORMAT, "twice"},
    {"unknown kind", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"reduce\",\"in\":[1],\"spec\":{\"axes\":[0],\"kind\":\"median\"}",
     TDAG_E_FORMAT, "'median'"},
    {"axis twice", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"reduce\",\"in\":[1],\"spec\":{\"axes\":[0,0],\"kind\":\"sum\"}",
     TDAG_E_SHAPE, "reduce"},
    {"huge axis", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"scan\",\"in\":[1],\"spec\":{\"axis\":9223372036854775807,\"kind\":"
     "\"sum\"}",
     TDAG_E_SHAPE, "scan"},
    {"too large a number", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"scan\",\"in\":[1],\"spec\":{\"axis\":9223372036854775808,\"kind\":"
     "\"sum\"}",
     TDAG_E_FORMAT, "64 bits"},
    {"pad by a word", "\"op\":\"add\",\"in\":[1,2]",
     "\"op\":\"pad\",\"in\":[1],\"spec\":{\"before\":[0,0],\"after\":[0,0],\"mode\":"
     "\"constant\",\"value\":\"much\"}",
     TDAG_E_FORMAT, "number"},
    {"wrong shape", "\"in\":[1,2],\"dtype\":\"f32\",\"shape\":[\"N\",2]",
     "\"in\":[1,2],\"dtype\":\"f32\",\"shape\":[\"N\",3]", TDAG_E_FORMAT, "f32[N,2]"},
    {"wrong dtype", "\"in\":[1,2],\"dtype\":\"f32\"", "\"in\":[1,2],\"dtype\":\"f64\"",
     TDAG_E_FORMAT, "f64[N,2]"},
    {"unknown dtype", "\"in\":[1,2],\"dtype\":\"f32\"", "\"in\":[1,2],\"dtype\":\"f8\"",
     TDAG_E_FORMAT, "'f8'"},
    {"operands do not fit", "\"shape\":[\"N\",2]}", "\"shape\":[\"N\",3]}",
     TDAG_E_SHAPE, "broadcast"},
    {"dtypes differ", "\"name\":\"x\",\"dtype\":\"f32\"",
     "\"name\":\"x\",\"dtype\":\"f64\"", TDAG_E_DTYPE, "add"},
    {"negative dim", "\"shape\":[\"N\",2]}", "\"shape\":[-1,2]}", TDAG_E_SHAPE, "-1"},
    {"huge dims", "\"shape\":[\"N\",2]}", "\"shape\":[4611686018427387904,4]}",
     TDAG_E_OVERFLOW, "64 bits"},
    {"17 axes", "\"shape\":[\"N\",2]}",
     "\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", TDAG_E_LIMIT, "16"},
    {"unknown symbol", "\"shape\":[\"N\",2]}", "\"shape\":[\"M\",2]}", TDAG_E_FORMAT,
     "'M'"},
    {"no expression", "\"shape\":[\"N\",2]}", "\"shape\":[\"N+\",2]}", TDAG_E_FORMAT,
     "expected"},
    {"half an expression", "\"shape\":[\"N\",2]}", "\"shape\":[\"N N\",2]}",
     TDAG_E_FORMAT, "after the end"},
    {"empty expression", "\"shape\":[\"N\",2]}", "\"shape\":[\"\",2]}", TDAG_E_FORMAT,
     "expected"},
    {"division by 0", "\"shape\":[\"N\",2]}", "\"shape\":[\"floor(N/0)\",2]}",
     TDAG_E_ARG, "zero"},
    {"overflow", "\"shape\":[\"N\",2]}", "\"shape\":[\"9223372036854775807*N*N\",2]}",
     TDAG_E_OVERFLOW, "64 bits"},
    {"symbol twice", "[\"N\",3]", "[\"N\",3],[\"N\",3]", TDAG_E_FORMAT, "twice"},
    {"symbol of two samples", "[\"N\",3]", "[\"N\",3],[\"N\",4]", TDAG_E_ARG,
     "samples"},
    {"negative sample", "[\"N\",3]", "[\"N\",-3]", TDAG_E_ARG, "negative"},
    {"no identifier", "[\"N\",3]", "[\"N*N\",3]", TDAG_E_ARG, "identifier"},
    {"three parts", "[\"N\",3]", "[\"N\",3,3]", TDAG_E_FORMAT, "]"},
    {"scope that is not there", "\"in\":[1,2]", "\"in\":[1,2],\"scope\":1",
     TDAG_E_FORMAT, "scope"},
    {"negative scope", "\"in\":[1,2]", "\"in\":[1,2],\"scope\":-1", TDAG_E_FORMAT,
     "scope"},
    {"name twice", "\"name\":\"w\"", "\"name\":\"x\"", TDAG_E_FORMAT, "'x'"},
    {"automatic name", "\"name\":\"w\"", "\"name\":\"v9\"", TDAG_E_FORMAT, "'v9'"},
    {"empty name", "\"name\":\"w\"", "\"name\":\"\"", TDAG_E_FORMAT, "name"},
    {"name no string", "\"name\":\"w\"", "\"name\":null", TDAG_E_FORMAT, "\""},
    {"tensor that is not there", "\"tensor\":\"w\"", "\"tensor\":\"v\"", TDAG_E_FORMAT,
     "'v'"},
    {"tensor not mentioned", "\"tensor\":\"b\",\"dtype\":\"bool\",\"shape\":[]",
     "\"tensor\":\"w\",\"dtype\":\"f32\",\"shape\":[2]", TDAG_E_FORMAT, "'b'"},
    {"tensor of another dtype", "\"tensor\":\"w\",\"dtype\":\"f32\"",
     "\"tensor\":\"w\",\"dtype\":\"i32\"", TDAG_E_FORMAT, "i32[2]"},
    {"tensor of another shape", "\"dtype\":\"f32\",\"shape\":[2]",
     "\"dtype\":\"f32\",\"shape\":[1,2]", TDAG_E_FORMAT, "f32[1,2]"},
    {"value of a parameter", "\"tensor\":\"w\"", "\"value\":1", TDAG_E_FORMAT,
     "'tensor'"},
    {"both", "\"op\":\"parameter\",\"name\":\"w\",",
     "\"op\":\"constant\",\"name\":\"w\",\"value\":1,", TDAG_E_FORMAT, "one of"},
    {"tensor of an op", "\"in\":[1,2]", "\"in\":[1,2],\"tensor\":\"w\"", TDAG_E_FORMAT,
     "holds no tensor"},
    {"huge constant", ADD,
     "{\"op\":\"constant\",\"value\":0,\"dtype\":\"f32\",\"shape\":[1000000000]}",
     TDAG_E_LIMIT, "268435456"},
    {"overflowing constant", ADD,
     "{\"op\":\"constant\",\"value\":0,\"dtype\":\"f32\",\"shape\":[4294967296,"
     "4294967296]}",
     TDAG_E_LIMIT, "268435456"},
    {"empty constant", ADD,
     "{\"op\":\"constant\",\"value\":0,\"dtype\":\"f32\",\"shape\":[0]}", TDAG_E_FORMAT,
     "without elements"},
    {"negative constant", ADD,
     "{\"op\":\"constant\",\"value\":0,\"dtype\":\"f32\",\"shape\":[-2]}",
     TDAG_E_FORMAT, "negative"},
    {"symbolic constant", ADD,
     "{\"op\":\"constant\",\"value\":0,\"dtype\":\"f32\",\"shape\":[\"N\"]}",
     TDAG_E_FORMAT, "symbolic"},
    {"half an integer", ADD,
     "{\"op\":\"constant\",\"value\":0.5,\"dtype\":\"i32\",\"shape\":[]}",
     TDAG_E_FORMAT, "i32"},
    {"an integer too large", ADD,
     "{\"op\":\"constant\",\"value\":300,\"dtype\":\"u8\",\"shape\":[]}", TDAG_E_FORMAT,
     "u8"},
    {"inputs miss one", "\"inputs\":[1]", "\"inputs\":[]", TDAG_E_FORMAT, "inputs"},
    {"inputs name another", "\"inputs\":[1]", "\"inputs\":[2]", TDAG_E_FORMAT,
     "inputs"},
    {"output that is not there", "\"outputs\":[4]", "\"outputs\":[5]", TDAG_E_ARG,
     "output 0"},
    {"unknown statement", "\"do\":\"call\"", "\"do\":\"loop\"", TDAG_E_UNSUPPORTED,
     "'loop'"},
    {"unknown graph", "\"graph\":0", "\"graph\":1", TDAG_E_FORMAT, "graph"},
    {"another argument", "\"graph\":0,\"in\":[1]", "\"graph\":0,\"in\":[2]",
     TDAG_E_FORMAT, "inputs"},
    {"no result", "\"out\":[2]", "\"out\":[]", TDAG_E_FORMAT, "outputs"},
    {"returns an input", "\"return\":[2]", "\"return\":[1]", TDAG_E_FORMAT, "return"},
    {"two statements", "\"out\":[2]}", "\"out\":[2]},{\"do\":\"call\"}",
     TDAG_E_UNSUPPORTED, "statements"},
    {"no statement", "{\"do\":\"call\",\"graph\":0,\"in\":[1],\"out\":[2]}", "",
     TDAG_E_FORMAT, ""},
    {"another method", "\"forward\"", "\"encode\"", TDAG_E_UNSUPPORTED, "'encode'"},
    {"two methods", METHOD, METHOD "," METHOD, TDAG_E_UNSUPPORTED, "methods"},
    {"no method", METHOD, "", TDAG_E_FORMAT, ""},
    {"structure of two", "(T,)", "(T, T)", TDAG_E_FORMAT, "1 tensors"},
    {"structure open", "(T,)", "(T", TDAG_E_FORMAT, "structure"},
    {"structure crossed", "(T,)", "([T)]", TDAG_E_FORMAT, "structure"},
    {"structure with more", "(T,)", "(T,) x", TDAG_E_FORMAT, "structure"},
    {"structure with all", "(T,)",
     "(None, {\\\"k\\\": [T], \\\"m\\\": Pair(a=1, b=-2.5e-3)}, \\\"s\\\")", TDAG_OK,
     ""},
    {"unknown key of the model", "{\"methods\"", "{\"state\":[],\"methods\"",
     TDAG_E_FORMAT, "'state'"},
    {"more after the model", "\"outputs\":[4]}]}", "\"outputs\":[4]}]} x",
     TDAG_E_FORMAT, "more"},
    {"brackets crossed", "\"outputs\":[4]}]}", "\"outputs\":[4}]]}", TDAG_E_FORMAT, ""},
    {"a comma more", "\"outputs\":[4]", "\"outputs\":[4,]", TDAG_E_FORMAT, ""},
    {"a comma less", "\"inputs\":[1],", "\"inputs\":[1]", TDAG_E_FORMAT, ""},
    {"a string without end", "\"scopes\":[\"s\"]", "\"scopes\":[\"s]", TDAG_E_FORMAT,
     ""},
    {"a bad escape", "\"scopes\":[\"s\"]", "\"scopes\":[\"\\\\s\"]", TDAG_OK, ""},
    {"half a surrogate", "\"scopes\":[\"s\"]", "\"scopes\":[\"\\ud800\"]",
     TDAG_E_FORMAT, "surrogate"},
    {"U+0000", "\"scopes\":[\"s\"]", "\"scopes\":[\"\\u0000\"]", TDAG_E_FORMAT,
     "U+0000"},
};

static void test_json(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *json = replaced(cases[i].from, cases[i].to);
        write_json(ctx, "tdag/1", json);
        tdag_status st = load(ctx, cases[i].name);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].st)
            fail_msg("%s: %s: %s", cases[i].name, tdag_status_text(st), message);
        if (st != TDAG_OK && strstr(message, cases[i].word) == NULL)
            fail_msg("%s: the sentence is: %s", cases[i].name, message);
        free(json);
    }
    tdag_ctx_free(ctx);
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        tdag_status st;
    } formats[] = {{"tdag/1", TDAG_OK},
                   {"tdag/3", TDAG_E_UNSUPPORTED},
                   {"tdag/99999999999999999999", TDAG_E_FORMAT},
                   {"tdag/0", TDAG_E_FORMAT},
                   {"tdag/01", TDAG_E_FORMAT},
                   {"tdag/", TDAG_E_FORMAT},
                   {"tdag/1x", TDAG_E_FORMAT},
                   {"tdag", TDAG_E_FORMAT},
                   {"pt", TDAG_E_FORMAT},
                   {"", TDAG_E_FORMAT}};
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        write_json(ctx, formats[i].format, valid);
        assert_int_equal(load(ctx, formats[i].format), formats[i].st);
    }
    tdag_ctx_free(ctx);
}

/* ---- large ones ---- */

/* `head`, `n` times `piece`, `tail` in the place of `from`. */
static void expect_long(tdag_ctx *ctx, const char *from, const char *head,
                        const char *piece, size_t n, const char *tail, tdag_status want)
{
    tdagi_text t;
    tdagi_text_init(&t, ctx);
    tdagi_text_add(&t, head);
    for (size_t i = 0; i < n; i++)
        tdagi_text_add(&t, piece);
    tdagi_text_add(&t, tail);
    assert_int_equal(t.status, TDAG_OK);
    char *json = replaced(from, t.data);
    tdagi_text_free(&t);
    write_json(ctx, "tdag/1", json);
    free(json);
    tdag_status st = load(ctx, piece);
    if (st != want)
        fail_msg("%zu times %s: %s: %s", n, piece, tdag_status_text(st),
                 tdag_ctx_get_error(ctx)->message);
}

static void test_long(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const size_t million = 1000000;
    expect_long(ctx, "\"shape\":[\"N\",2]}", "\"shape\":[1", ",1", 10 * million, "]}",
                TDAG_E_LIMIT);
    expect_long(ctx, "\"op\":\"add\",\"in\":[1,2]",
                "\"op\":\"permute\",\"in\":[1],\"spec\":{\"order\":[0", ",1",
                3 * million, "]}", TDAG_E_SHAPE);
    expect_long(ctx, "\"op\":\"add\",\"in\":[1,2]", "\"op\":\"add\",\"in\":[1", ",1",
                3 * million, "]", TDAG_E_ARG);
    expect_long(ctx, "\"in\":[1,2]", "\"in\":", "[", 3 * million, "", TDAG_E_FORMAT);
    expect_long(ctx, "\"in\":[1,2]", "\"in\":", "{\"a\":", million, "1", TDAG_E_FORMAT);
    expect_long(ctx, "\"shape\":[\"N\",2]}", "\"shape\":[\"", "(", million, "N\"]}",
                TDAG_E_LIMIT);
    expect_long(ctx, "\"shape\":[\"N\",2]}", "\"shape\":[\"", "max(N,", million,
                "N\"]}", TDAG_E_LIMIT);
    expect_long(ctx, "\"shape\":[\"N\",2]}", "\"shape\":[\"", "N*", million, "N\"]}",
                TDAG_E_OVERFLOW);
    expect_long(ctx, "\"shape\":[\"N\",2]}", "\"shape\":[\"-", "-", million, "N\"]}",
                TDAG_E_FORMAT);
    expect_long(ctx, "(T,)", "", "(", million, "T", TDAG_E_FORMAT);
    expect_long(ctx, "(T,)", "(", "None, ", million, "T)", TDAG_OK);
    expect_long(ctx, "\"name\":\"x\"", "\"name\":\"", "long", million, "\"", TDAG_OK);
    expect_long(ctx, "\"scopes\":[\"s\"]", "\"scopes\":[\"s\"", ",\"t\"", million, "]",
                TDAG_OK);
    expect_long(ctx, ADD, "",
                "{\"op\":\"constant\",\"value\":1,\"dtype\":\"i8\","
                "\"shape\":[100000,100]},",
                50, ADD, TDAG_E_LIMIT);
    tdag_ctx_free(ctx);
}

/* A context's own limits hold. */
static void test_limits(void **state)
{
    (void)state;
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.limits.max_nodes = 3;
    tdag_ctx *ctx = NULL;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    write_json(ctx, "tdag/1", valid);
    assert_int_equal(load(ctx, "four nodes"), TDAG_E_LIMIT);
    tdag_ctx_free(ctx);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tdag-hostile-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/a.tdag", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_json),      cmocka_unit_test(test_format),
        cmocka_unit_test(test_long),      cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
