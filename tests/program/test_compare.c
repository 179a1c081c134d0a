/* Models with programs compared: what differs, and hashes. */
#include "programs.h"

#include <tdagger.h>
#include <tdagger/program.h>

#define GRAPHS                                                                         \
    "tdag 2\n"                                                                         \
    "graph neg {\nsymbols N=2\nx: f32[N,4] = input\ny = neg(x)\nreturn y\n}\n"         \
    "graph exp {\nsymbols N=2\nx: f32[N,4] = input\ny = exp(x)\nreturn y\n}\n"         \
    "graph more {\nn: i64[] = input\nzero: i64[] = constant [0]\n"                     \
    "c = less(zero, n)\nreturn c\n}\n"
#define STATE "state cache: f32[S=3,4]\n"
#define HEAD  "program forward(x: f32[N=2,4], n: i64[]) -> (f32[N,4]) {\n"
#define BODY                                                                           \
    "c = call more(n)\ny = call neg(x)\n"                                              \
    "z = loop limit n while c (i; t = y) {\nu = call neg(t)\nd = call more(i)\n"       \
    "yield d; u\n}\nwrite cache z\n"                                                   \
    "e = draw normal f32[N,4]\ncheck c \"it holds\"\nreturn z\n}\n"
#define MODEL GRAPHS STATE HEAD BODY

/* Statements: 1 more, 2 neg, 3 loop, 4 neg, 5 more, 6 write, 7 draw, 8 check, 9 return.
 */
static const struct {
    const char *name, *from, *to, *found;
    bool same_structure; /* of their hashes */
} cases[] = {
    {"nothing", "", "", "", true},
    {"names of values", "z = loop", "z = loop", "", true},
    {"another graph", "y = call neg(x)", "y = call exp(x)", "statement forward 2 2 1;",
     false},
    {"inside a loop", "u = call neg(t)", "u = call exp(t)", "statement forward 4 4 1;",
     false},
    {"an operand", "t = y)", "t = x)", "statement forward 3 3 16;", false},
    {"what is yielded", "yield d; u", "yield d; t", "statement forward 3 3 16;", false},
    {"a statement less", "write cache z\n", "", "only_a statement forward 6 0;", false},
    {"a statement more", "write cache z\n", "write cache z\nwrite cache x\n",
     "only_b statement forward 0 7;", false},
    {"a statement in front", "c = call more(n)", "write cache x\nc = call more(n)",
     "only_b statement forward 0 1;", false},
    {"another draw", "draw normal", "draw uniform", "statement forward 7 7 8;", false},
    {"another type", "draw normal f32[N,4]", "draw normal f64[N,5]",
     "statement forward 7 7 6;", false},
    {"another sentence", "it holds", "it fails", "statement forward 8 8 1;", false},
    {"loop without limit", "limit n while", "while", "statement forward 3 3 24;",
     false},
    {"another output", "return z", "return y", "statement forward 9 9 16;", false},
    {"symbol", "f32[N=2,4], n", "f32[N=3,4], n", "*", true},
    {"input", "n: i64[]) -> (f32[N,4]) {\n", "n: i64[], m: f32[]) -> (f32[N,4]) {\n",
     "method forward 0 0 24;", false},
    {"structure", "-> (f32[N,4]) {\n", "-> (f32[N,4]) {\noutputs \"[T]\"\n",
     "method forward 0 0 8;", true},
    {"method's name", "program forward", "program encode",
     "only_a method forward 0 0;only_b method encode 0 0;", false},
    {"graph's nodes", "y = exp(x)", "y = neg(x)", "graph exp 0 0 0;", true},
    {"graph that is used", "y = neg(x)", "y = tanh(x)", "graph neg 0 0 0;", false},
    {"graph's name", "graph exp", "graph e", "only_a graph exp 0 0;only_b graph e 0 0;",
     true},
    {"state's size", "S=3,4]", "S=5,4]", "state cache 0 0 4;", true},
    {"state's elements", "S=3,4]", "S=3,4] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]",
     "weight state cache 0 0;", true},
};

static tdag_model *parsed(tdag_ctx *ctx, const char *text)
{
    tdag_model *m = NULL;
    if (tdag_model_parse(ctx, text, strlen(text), &m) != TDAG_OK)
        fail_msg("%s in\n%s", tdag_ctx_get_error(ctx)->message, text);
    return m;
}

static tdag_model *changed(tdag_ctx *ctx, size_t i)
{
    char text[4096];
    const char *model = MODEL, *at = strstr(model, cases[i].from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - model), model, cases[i].to,
             at + strlen(cases[i].from));
    return parsed(ctx, text);
}

static void describe(const tdag_model_differences *d, char *out, size_t size)
{
    static const char *const kinds[] = {"", "",        "",       "weight ",
                                        "", "only_a ", "only_b "};
    static const char *const parts[] = {"", "graph", "state", "method", "statement"};
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < d->n; i++) {
        const tdag_model_difference *x = &d->items[i];
        n += (size_t)snprintf(out + n, size - n, "%s%s %s %u %u", kinds[x->kind],
                              parts[x->part], x->name, (unsigned)x->a, (unsigned)x->b);
        if (x->kind == TDAG_DIFFERS_NODE)
            n += (size_t)snprintf(out + n, size - n, " %u", (unsigned)x->what);
        n += (size_t)snprintf(out + n, size - n, ";");
    }
}

static void test_diff(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *a = parsed(ctx, MODEL);
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_model *b = changed(ctx, i);
        tdag_model_differences d = {0};
        char found[1024];
        TEST_OK(ctx, tdag_model_diff(ctx, a, b, &d));
        describe(&d, found, sizeof found);
        bool any = strcmp(cases[i].found, "*") == 0 && d.n > 0;
        if (!any && strcmp(found, cases[i].found) != 0) {
            print_error("%s: %s\n", cases[i].name, found);
            wrong++;
        }
        tdag_model_differences_free(&d);
        tdag_model_free(b);
    }
    assert_int_equal(wrong, 0);
    tdag_model_free(a);
    tdag_ctx_free(ctx);
}

static void test_hash(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *a = parsed(ctx, MODEL);
    char x[TDAG_HASH_SIZE], y[TDAG_HASH_SIZE];
    int wrong = 0;
    TEST_OK(ctx, tdag_model_get_hash(ctx, a, TDAG_HASH_STRUCTURE, x));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_model *b = changed(ctx, i);
        TEST_OK(ctx, tdag_model_get_hash(ctx, b, TDAG_HASH_STRUCTURE, y));
        if ((strcmp(x, y) == 0) != cases[i].same_structure) {
            print_error("%s: %s hash\n", cases[i].name,
                        cases[i].same_structure ? "another" : "the same");
            wrong++;
        }
        tdag_model_free(b);
    }
    assert_int_equal(wrong, 0);
    tdag_model_free(a);
    tdag_ctx_free(ctx);
}

/* Elements count in the hash of the content; one graph has its own hash. */
static void test_content(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char x[TDAG_HASH_SIZE], y[TDAG_HASH_SIZE];
    tdag_model *a = parsed(ctx, MODEL), *b = changed(ctx, 22);
    assert_string_equal(cases[22].name, "state's elements");
    TEST_OK(ctx, tdag_model_get_hash(ctx, a, TDAG_HASH_CONTENT, x));
    TEST_OK(ctx, tdag_model_get_hash(ctx, b, TDAG_HASH_CONTENT, y));
    assert_string_not_equal(x, y);
    tdag_model_free(a);
    tdag_model_free(b);
    a = parsed(ctx, "tdag 1\nx: f32[2] = input\ny = neg(x)\nreturn y\n");
    TEST_OK(ctx, tdag_model_get_hash(ctx, a, TDAG_HASH_STRUCTURE, x));
    TEST_OK(ctx,
            tdag_graph_get_hash(ctx, tdag_model_get_graph(a), TDAG_HASH_STRUCTURE, y));
    assert_string_equal(x, y);
    assert_int_equal(tdag_model_get_hash(ctx, a, (tdag_hash_kind)9, x), TDAG_E_ARG);
    tdag_model_free(a);
    tdag_ctx_free(ctx);
}

static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    const tdag_model *const *models = arg;
    tdag_model_differences d = {0};
    char hash[TDAG_HASH_SIZE];
    tdag_status st = tdag_model_diff(ctx, models[0], models[1], &d);
    tdag_model_differences_free(&d);
    if (st == TDAG_OK)
        st = tdag_model_get_hash(ctx, models[0], TDAG_HASH_CONTENT, hash);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *models[2] = {parsed(ctx, MODEL), changed(ctx, 6)};
    test_every_oom(oom_body, models);
    tdag_model_free(models[0]);
    tdag_model_free(models[1]);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
