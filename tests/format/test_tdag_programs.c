/* .tdag files of version 2: models with programs, their weights shared; files that are
 * wrong. */
#include "program/random_program.h"

#include <unistd.h>

#include <tdagger.h>
#include <tdagger/program.h>

#include "format/tdag.h"
#include "support/random_graph.h"

static char folder[64], path[96];

static tdag_model *parsed(tdag_ctx *ctx, const char *text)
{
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, text, strlen(text), &m));
    return m;
}

static tdag_model *there_and_back(tdag_ctx *ctx, const tdag_model *m)
{
    tdag_model *back = NULL;
    TEST_OK(ctx, tdag_save(ctx, m, path, NULL));
    TEST_OK(ctx, tdag_load(ctx, path, NULL, &back));
    assert_true(tdagi_model_equal(m, back));
    return back;
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

static bool says(const char *word)
{
    size_t n, k = strlen(word);
    char *bytes = read_bytes(&n);
    bool found = false;
    for (size_t i = 0; i + k <= n && !found; i++)
        found = memcmp(bytes + i, word, k) == 0;
    free(bytes);
    return found;
}

/* ---- what is written ---- */

/* Two graphs with weights of one name that differ; a third whose weight is shared. */
static const char weights[] =
    "tdag 2\n"
    "graph a {\nx: f32[2] = input\nw: f32[2] = parameter [1, 2]\ny = multiply(x, w)\n"
    "return y\n}\n"
    "graph b {\nx: f32[2] = input\nw: f32[2] = parameter [3, 4]\ny = multiply(x, w)\n"
    "return y\n}\n"
    "graph \"__padding__\" {\nx: f32[2] = input\n\"0\": f32[2] = parameter [5, 6]\n"
    "y = multiply(x, \"0\")\nreturn y\n}\n"
    "state w: f32[2] = [7, 8]\n"
    "state s: f32[A=0,2] = []\n"
    "program f(x: f32[2]) {\ny = call a(x)\nz = call b(y)\nreturn z\n}\n";

static void test_weights(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parsed(ctx, weights), *back = there_and_back(ctx, m);
    assert_true(says("tdag/2") && says("\"b.w\"") && says("\"value:0:w\""));
    tdag_model *again = there_and_back(ctx, back);
    tdag_model_free(again);
    tdag_model_free(back);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* One tensor of two graphs is stored once and shared when it is read. */
static void test_shared(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *one = parsed(ctx, weights), *m = NULL;
    tdagi_model_builder b;
    tdagi_model_begin(&b, ctx);
    tdagi_model_add_graph(&b, "first", one->graphs[0].graph);
    tdagi_model_add_graph(&b, "second", one->graphs[0].graph);
    tdagi_method_begin(&b, "forward");
    const tdagi_statement_spec s = {.kind = TDAGI_RETURN};
    tdagi_program_add(&b, &s, 0, NULL, NULL);
    tdagi_method_end(&b, NULL, NULL);
    TEST_OK(ctx, tdagi_model_finish(&b, &m));
    tdag_model *back = there_and_back(ctx, m);
    assert_false(says("second.w"));
    const tdag_graph *x = back->graphs[0].graph, *y = back->graphs[1].graph;
    assert_ptr_equal(x->nodes[2].u.tensor->data, y->nodes[2].u.tensor->data);
    tdag_model_free(back);
    tdag_model_free(m);
    tdag_model_free(one);
    tdag_ctx_free(ctx);
}

/* One graph is written as ever. */
static void test_plain(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parsed(ctx, "tdag 1\nx: f32[2] = input\nreturn x\n");
    tdag_model_free(there_and_back(ctx, m));
    assert_true(says("tdag/1") && !says("tdag/2"));
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* A reader that shares no code with the library reads them, too. */
static void test_reader(void **state)
{
    (void)state;
    const char *reader = getenv("TDAG_READER");
    if (reader == NULL) skip();
    char command[4096];
    tdag_ctx *ctx = test_ctx();
    int n = snprintf(command, sizeof command, "%s", reader);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        char name[128];
        tdag_model *m = NULL;
        snprintf(name, sizeof name, "%s/%llu.tdag", folder, (unsigned long long)seed);
        TEST_OK(ctx, random_program(ctx, seed, &m));
        TEST_OK(ctx, tdag_save(ctx, m, name, NULL));
        n += snprintf(command + n, sizeof command - (size_t)n, " %s", name);
        tdag_model_free(m);
    }
    snprintf(command + n, sizeof command - (size_t)n, " >/dev/null");
    assert_int_equal(system(command), 0);
    tdag_ctx_free(ctx);
}

/* ---- files that are wrong ---- */

static tdag_status load_bytes(tdag_ctx *ctx, const char *bytes, size_t n)
{
    tdag_model *m = NULL;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    tdag_load_options o;
    tdag_load_options_init(&o);
    o.flags = TDAG_LOAD_COPY;
    tdag_status st = tdag_load(ctx, path, &o, &m);
    if (st == TDAG_OK) TEST_OK(ctx, tdag_model_verify(ctx, m));
    if (st == TDAG_E_INTERNAL || st == TDAG_E_NOMEM)
        fail_msg("%s", tdag_status_text(st));
    tdag_model_free(m);
    return st;
}

static const char small[] =
    "tdag 2\ngraph g {\nsymbols N=2\nx: f32[N] = input\ny = neg(x)\nreturn y\n}\n"
    "state s: f32[A=2] = [1, 2]\n"
    "program f(x: f32[N=3], n: i64[]) {\n"
    "y: f32[R=3] = loop limit n (i; t: f32[T=3] = x) {\nk: f32[K=2] = read s, K <= N\n"
    "z = call g(k)\nyield z\n}\nreturn y\n}\n";

static void test_damaged(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parsed(ctx, small);
    size_t n, loaded = 0;
    TEST_OK(ctx, tdag_save(ctx, m, path, NULL));
    char *bytes = read_bytes(&n);
    for (size_t i = 0; i < n; i++)
        if (load_bytes(ctx, bytes, i) == TDAG_OK) fail_msg("%zu bytes load", i);
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
            loaded += load_bytes(ctx, bytes, n) == TDAG_OK;
            bytes[i] = (char)(bytes[i] ^ 1 << bit);
        }
    assert_true(loaded > 0 && loaded < n * 4);
    free(bytes);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* Parts of that model's JSON, and what they become. */
static const struct {
    const char *name, *from, *to;
    tdag_status st;
    const char *word; /* of the sentence */
} cases[] = {
    {"as it is", "\"f\"", "\"f\"", TDAG_OK, ""},
    {"no states", ",\n\"states\":[", ",\n\"state\":[", TDAG_E_FORMAT, "'state'"},
    {"two graphs", "\"name\":\"g\"", "\"name\":\"\"", TDAG_E_ARG, "no name"},
    {"unknown statement", "\"do\":\"call\"", "\"do\":\"jump\"", TDAG_E_UNSUPPORTED,
     "'jump'"},
    {"statement no string", "\"do\":\"call\"", "\"do\":7", TDAG_E_FORMAT, ""},
    {"no graph", "\"graph\":0", "\"graph\":1", TDAG_E_ARG, "no graph number 1"},
    {"a negative graph", "\"graph\":0", "\"graph\":-1", TDAG_E_FORMAT,
     "not in the table"},
    {"field of another", "\"graph\":0", "\"graph\":0,\"state\":0", TDAG_E_FORMAT,
     "does not have the field 'state'"},
    {"field missing", "\"state\":0,", "", TDAG_E_FORMAT, "needs the field 'state'"},
    {"no state", "\"state\":0", "\"state\":1", TDAG_E_ARG, "no state number 1"},
    {"no value", "\"in\":[5]", "\"in\":[9]", TDAG_E_ARG, "no value 9"},
    {"value 0", "\"in\":[5]", "\"in\":[0]", TDAG_E_FORMAT, "no value's"},
    {"a later value", "\"in\":[5]", "\"in\":[6]", TDAG_E_ARG, "before it is defined"},
    {"a cycle", "\"in\":[5],\"out\":[6]", "\"in\":[6],\"out\":[6]", TDAG_E_ARG,
     "before it is defined"},
    {"a huge value", "\"in\":[5]", "\"in\":[4294967297]", TDAG_E_FORMAT, "no value's"},
    {"results in disorder", "\"out\":[6]", "\"out\":[7]", TDAG_E_FORMAT,
     "not numbered in the order"},
    {"results that are none", "\"out\":[6]", "\"out\":[8]", TDAG_E_FORMAT, "next ones"},
    {"results far off", "\"out\":[6]", "\"out\":[4294967295]", TDAG_E_FORMAT,
     "next ones"},
    {"results twice", "\"out\":[6]", "\"out\":[6,6]", TDAG_E_FORMAT, "next ones"},
    {"no result", "\"out\":[6]", "\"out\":[]", TDAG_E_FORMAT, ""},
    {"parameters", "\"params\":[3,4]", "\"params\":[4,3]", TDAG_E_FORMAT, "next ones"},
    {"a parameter less", "\"params\":[3,4]", "\"params\":[3]", TDAG_E_FORMAT, ""},
    {"inputs", "\"params\":[1,2]", "\"params\":[1]", TDAG_E_FORMAT, ""},
    {"loop without blocks", "\"blocks\":", "\"block\":", TDAG_E_FORMAT, "'block'"},
    {"loop of no block", "\"blocks\":[{", "\"blocks\":[],\"x\":[{", TDAG_E_FORMAT,
     "'x'"},
    {"limit of a number", "\"limit\":true", "\"limit\":1", TDAG_E_FORMAT, ""},
    {"endless", "\"limit\":true", "\"limit\":false", TDAG_E_ARG, "neither limit"},
    {"yield", "\"yield\":[6]", "\"yield\":[]", TDAG_E_ARG, "are yielded"},
    {"no symbol", "\"symbols\":[\"T\"]", "\"symbols\":[\"Q\"]", TDAG_E_FORMAT, "'Q'"},
    {"symbol of a number", "\"symbols\":[\"T\"]", "\"symbols\":[4]", TDAG_E_SHAPE, ""},
    {"symbols beyond", "\"symbols\":[\"T\"]",
     "\"symbols\":[\"T\",\"T\",\"T\",\"T\",\"T\"]", TDAG_E_FORMAT, "too many symbols"},
    {"binds an expression", "{\"symbol\":\"K\"", "{\"symbol\":\"K+1\"", TDAG_E_ARG, ""},
    {"binds a symbol twice", "{\"symbol\":\"K\"", "{\"symbol\":\"N\"", TDAG_E_ARG,
     "twice"},
    {"a size of a read", "\"most\":\"N\"", "\"of\":\"N\",\"value\":2", TDAG_E_FORMAT,
     "'of'"},
    {"bound", "\"most\":\"N\"", "\"most\":\"K\"", TDAG_E_SHAPE, "symbol K"},
    {"symbol twice", "[[\"N\",3]]", "[[\"N\",3],[\"N\",3]]", TDAG_E_FORMAT, "twice"},
    {"no sample", "[[\"N\",3]]", "[[\"N\"]]", TDAG_E_FORMAT, ""},
    {"values missing", "\"values\":", "\"value\":", TDAG_E_FORMAT, "'value'"},
    {"a value more", "\"params\":[1,2]", "\"params\":[1,2],\"more\":1", TDAG_E_FORMAT,
     "'more'"},
    {"dtype of a value", "{\"name\":\"k\",\"dtype\":\"f32\"",
     "{\"name\":\"k\",\"dtype\":\"f8\"", TDAG_E_FORMAT, "'f8'"},
    {"wrong dtype", "{\"name\":\"k\",\"dtype\":\"f32\"",
     "{\"name\":\"k\",\"dtype\":\"f64\"", TDAG_E_DTYPE, "f64"},
    {"negative size", "{\"name\":\"k\",\"dtype\":\"f32\",\"shape\":[\"K\"]",
     "{\"name\":\"k\",\"dtype\":\"f32\",\"shape\":[-1]", TDAG_E_SHAPE, "-1"},
    {"name twice", "\"name\":\"k\"", "\"name\":\"x\"", TDAG_E_FORMAT, "used twice"},
    {"automatic name", "\"name\":\"k\"", "\"name\":\"v5\"", TDAG_E_FORMAT, "no name"},
    {"structure", "\"(T, T)\"", "\"(T,\"", TDAG_E_FORMAT, "no structure"},
    {"structure of less", "\"(T, T)\"", "\"(T,)\"", TDAG_E_ARG, "as many tensors"},
    {"state's tensor", "\"tensor\":\"value:0:s\"", "\"tensor\":\"s\"", TDAG_E_FORMAT,
     "no tensor 's'"},
    {"state's symbols", "\"symbols\":[\"A\"]", "\"symbols\":[]", TDAG_E_FORMAT,
     "fewer"},
    {"state's symbols beyond", "\"symbols\":[\"A\"]", "\"symbols\":[\"A\",null]",
     TDAG_E_FORMAT, "more symbols"},
    {"state's symbol", "\"symbols\":[\"A\"]", "\"symbols\":[\"A B\"]", TDAG_E_ARG,
     "identifier"},
};

/* Writes that JSON with the small model's tensor. */
static void write_json(tdag_ctx *ctx, const tdag_model *m, const char *json)
{
    char format_key[] = TDAGI_TDAG_FORMAT_KEY, model_key[] = TDAGI_TDAG_MODEL_KEY;
    char format[] = "tdag/2", name[] = "value:0:s";
    char *keys[] = {format_key, model_key}, *names[] = {name};
    char *values[] = {format, (char *)(uintptr_t)json};
    tdag_tensor *tensors[] = {m->states[0].initial};
    const tdag_named_tensors t = {.n = 1, .names = names, .tensors = tensors};
    const tdagi_metadata metadata = {.n = 2, .keys = keys, .values = values};
    TEST_OK(ctx, tdagi_safetensors_save(ctx, path, 0, &t, &metadata));
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (at == NULL) fail_msg("the model has no %s in\n%s", from, text);
    size_t n = strlen(text) + strlen(to) + 1;
    char *out = malloc(n);
    assert_non_null(out);
    snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void test_wrong(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parsed(ctx, small);
    tdagi_arena arena;
    tdag_named_tensors tensors = {0};
    char *json = NULL;
    int version = 0, wrong = 0;
    tdagi_arena_init(&arena, &ctx->allocator);
    TEST_OK(ctx, tdagi_tdag_write(ctx, &arena, m, &version, &json, &tensors));
    assert_int_equal(version, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = replaced(json, cases[i].from, cases[i].to);
        tdag_model *other = NULL;
        write_json(ctx, m, text);
        tdag_status st = tdag_load(ctx, path, NULL, &other);
        const char *sentence = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].st || strstr(sentence, cases[i].word) == NULL) {
            print_error("%s: %s: %s\n", cases[i].name, tdag_status_text(st), sentence);
            wrong++;
        }
        tdag_model_free(other);
        free(text);
    }
    assert_int_equal(wrong, 0);
    tdagi_strfree(ctx, json);
    tdagi_arena_free(&arena);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* A word or a piece of the JSON becomes another one. */
static size_t damage(rg_random *r, char *json, size_t n, size_t room)
{
    static const char *const words[] = {
        "0",     "1",      "2",      "7",       "-1",    "4294967295", "null", "true",
        "[]",    "{}",     "[1,1]",  "\"T\"",   "\"N\"", "\"K0+1\"",   "call", "loop",
        "if",    "read",   "write",  "draw",    "apply", "check",      "i64",  "f64",
        "yield", "params", "blocks", "symbols", ",",     "\"",         "}",    "]"};
    size_t at = (size_t)rg_in(r, 0, (int64_t)n - 1), cut = 0;
    const char *word = words[rg_in(r, 0, sizeof words / sizeof *words - 1)];
    while (at > 0 && strchr(",:[{\"", json[at - 1]) == NULL)
        at--;
    while (at + cut < n && strchr(",:]}\"", json[at + cut]) == NULL)
        cut++;
    size_t length = strlen(word);
    if (n - cut + length + 1 > room) return n;
    memmove(json + at + length, json + at + cut, n - at - cut + 1);
    memcpy(json + at, word, length);
    return n - cut + length;
}

/* Damaged JSON of random programs is refused, or is a model that holds. */
static void test_damaged_json(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    uint32_t n_read = 0, n_tried = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        tdag_model *m = NULL;
        tdagi_arena arena;
        tdag_named_tensors tensors = {0};
        char *json = NULL;
        int version = 0;
        rg_random r = rg_seeded(seed);
        tdagi_arena_init(&arena, &ctx->allocator);
        TEST_OK(ctx, random_program(ctx, seed, &m));
        TEST_OK(ctx, tdagi_tdag_write(ctx, &arena, m, &version, &json, &tensors));
        size_t n = strlen(json), room = n + 64;
        char *copy = malloc(room);
        assert_non_null(copy);
        for (int i = 0; i < 30; i++, n_tried++) {
            tdag_model *other = NULL;
            memcpy(copy, json, n + 1);
            size_t size = damage(&r, copy, n, room);
            if (rg_chance(&r, 30)) damage(&r, copy, size, room);
            tdag_status st = tdagi_tdag_read(ctx, 2, copy, &tensors, &other);
            if (st == TDAG_OK) TEST_OK(ctx, tdag_model_verify(ctx, other));
            if (st == TDAG_E_INTERNAL || st == TDAG_E_NOMEM)
                fail_msg("seed %llu: %s", (unsigned long long)seed,
                         tdag_status_text(st));
            n_read += st == TDAG_OK;
            tdag_model_free(other);
        }
        free(copy);
        tdagi_strfree(ctx, json);
        tdagi_arena_free(&arena);
        tdag_model_free(m);
    }
    assert_true(n_read > 0 && n_read < n_tried);
    tdag_ctx_free(ctx);
}

/* Blocks in blocks, far beyond the limit. */
static void test_depth(void **state)
{
    (void)state;
    static const char open[] =
        "{\"do\":\"if\",\"in\":[1],\"out\":[],\"blocks\":[{\"program\":[";
    static const char close[] = "],\"yield\":[]},{\"program\":[],\"yield\":[]}]}";
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parsed(ctx, small), *out = NULL;
    enum { DEPTH = 5000 };
    char *text = malloc(DEPTH * 128), *to = text;
    assert_non_null(text);
    to += sprintf(
        to, "{\"methods\":[{\"name\":\"f\",\"inputs\":\"(T,)\",\"outputs\":\"()\","
            "\"symbols\":[],\"found\":[],\"values\":[{\"dtype\":\"bool\","
            "\"shape\":[]}],\"params\":[1],\"program\":[");
    for (int i = 0; i < DEPTH; i++)
        to += sprintf(to, "%s", open);
    for (int i = 0; i < DEPTH; i++)
        to += sprintf(to, "%s", close);
    sprintf(to, ",{\"do\":\"return\",\"in\":[],\"out\":[]}]}],\"graphs\":[],\"states\":"
                "[{\"name\":\"s\",\"tensor\":\"value:0:s\",\"symbols\":[null]}]}");
    write_json(ctx, m, text);
    assert_int_equal(tdag_load(ctx, path, NULL, &out), TDAG_E_LIMIT);
    free(text);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights), cmocka_unit_test(test_shared),
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_reader),
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_depth),   cmocka_unit_test(test_damaged_json),
    };
    char remove_all[128];
    snprintf(folder, sizeof folder, "/tmp/tdag-programs-XXXXXX");
    if (mkdtemp(folder) == NULL) return 1;
    snprintf(path, sizeof path, "%s/m.tdag", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(remove_all, sizeof remove_all, "rm -r %s", folder);
    return system(remove_all) == 0 ? failed : 1;
}
