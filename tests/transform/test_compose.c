/* Models cut apart and put together: what each call takes and refuses, random graphs
 * cut at random places, and every allocation failing. */
#include <tdagger/compose.h>

#include "program/model.h"
#include "support/random_graph.h"
#include "support/test.h"

static tdag_model *parse(tdag_ctx *ctx, const char *text)
{
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_graph_free(g);
    return m;
}

/* a, b in a chain with a weight; c goes round both; r does not depend on an input. */
static const char chain[] = "tdag 1\n"
                            "x: f32[2,3] = input\n"
                            "y: f32[2,3] = input\n"
                            "w: f32[3] = parameter [1, 2, 3]\n"
                            "r: f32[3] = exp(w)\n"
                            "a: f32[2,3] = multiply(x, w) @first.one\n"
                            "b: f32[2,3] = add(a, r) @first.two\n"
                            "c: f32[2,3] = sin(y) @side\n"
                            "d: f32[2,3] = add(b, c) @second\n"
                            "e: f32[2,3] = multiply(d, a) @third\n"
                            "return e, b\n";

typedef struct extract_case {
    const char *name;
    const char *inputs[4], *outputs[4];
    const char *module;
    tdag_status status;
    const char *says; /* part of the sentence, or the graph's text without spaces */
} extract_case;

static const extract_case cases[] = {
    {"between values", {"a", "c"}, {"e"}, NULL, TDAG_OK, "return e"},
    {"by position", {"in0", "in1"}, {"out1", "out0"}, NULL, TDAG_OK, "return b, e"},
    {"only outputs", {NULL}, {"b"}, NULL, TDAG_OK, "return b"},
    {"only inputs", {"b", "c", "a"}, {NULL}, NULL, TDAG_OK, "return e, b"},
    {"an input that is an output", {"a", "x"}, {"b"}, NULL, TDAG_E_ARG, "needs x"},
    {"itself", {"a"}, {"a"}, NULL, TDAG_OK, "return a"},
    {"a module", {NULL}, {NULL}, "first", TDAG_OK, "return a, b"},
    {"a submodule", {NULL}, {NULL}, "first.two", TDAG_OK, "b: f32[2,3] = add(a, r)"},
    {"no such value", {"nix"}, {"e"}, NULL, TDAG_E_ARG, "no value named \"nix\""},
    {"no such module", {NULL}, {NULL}, "fir", TDAG_E_ARG, "module \"fir\""},
    {"does not separate", {"a"}, {"e"}, NULL, TDAG_E_ARG, "model's input y"},
    {"twice", {"a", "a"}, {"b"}, NULL, TDAG_E_ARG, "a is an input of the cut twice"},
    {"module and names", {"a"}, {NULL}, "first", TDAG_E_ARG, "not by both"},
};

static uint32_t count_names(const char *const names[4])
{
    uint32_t n = 0;
    while (n < 4 && names[n] != NULL)
        n++;
    return n;
}

static void test_extract(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, chain);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const extract_case *k = &cases[i];
        tdag_extract_options o;
        tdag_extract_options_init(&o);
        o.inputs = k->inputs;
        o.n_inputs = count_names(k->inputs);
        o.outputs = k->outputs;
        o.n_outputs = count_names(k->outputs);
        o.module = k->module;
        tdag_model *part = NULL;
        char *text = NULL;
        tdag_status st = tdag_extract(ctx, m, &o, &part);
        const char *said = tdag_ctx_get_error(ctx)->message;
        if (st != k->status) fail_msg("%s: %s", k->name, tdag_status_text(st));
        if (st == TDAG_OK) {
            TEST_OK(ctx, tdag_verify(ctx, tdag_model_get_graph(part)));
            TEST_OK(ctx, tdag_graph_print(ctx, tdag_model_get_graph(part), 0, &text));
            said = text;
        }
        if (strstr(said, k->says) == NULL) fail_msg("%s: %s", k->name, said);
        tdag_text_free(ctx, text);
        tdag_model_free(part);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* Cut-out weights and inputs are exactly those that are needed. */
static void test_only_what_is_used(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, chain), *part = NULL;
    tdag_extract_options o;
    tdag_extract_options_init(&o);
    o.module = "third";
    TEST_OK(ctx, tdag_extract(ctx, m, &o, &part));
    assert_int_equal(tdag_graph_get_n_nodes(tdag_model_get_graph(part)), 3);
    assert_int_equal(tdag_graph_find(tdag_model_get_graph(part), "w").id, 0);
    tdag_model_free(part);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- symbols ---- */

/* A size that the inputs show inside an expression only. */
static const char halves[] = "tdag 1\n"
                             "symbols H=9\n"
                             "x: f32[H] = input\n"
                             "h: f32[floor(H/2)] = slice(x) {start=[0], "
                             "end=[floor(H/2)]} @a\n"
                             "q: f32[floor(H/4)] = slice(h) {start=[0], "
                             "end=[floor(H/4)]} @b\n"
                             "s: f32[H] = pad(q) {before=[0], after=[H-floor(H/4)], "
                             "mode=constant, value=0} @c\n"
                             "return s\n";

static void test_symbols(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, halves), *part = NULL;
    tdag_extract_options o;
    tdag_extract_options_init(&o);
    o.module = "b";
    TEST_OK(ctx, tdag_extract(ctx, m, &o, &part));
    const tdag_graph *g = tdag_model_get_graph(part);
    char dim[32];
    tdag_node_info in = tdag_graph_get_node(g, tdag_graph_get_input(g, 0));
    tdag_graph_dim_text(g, in.shape[0], dim, sizeof(dim));
    assert_string_equal(dim, "H");
    assert_int_equal(tdag_graph_dim_sample(g, in.shape[0]), 4);
    tdag_node_info out = tdag_graph_get_node(g, tdag_graph_get_output(g, 0));
    tdag_graph_dim_text(g, out.shape[0], dim, sizeof(dim));
    assert_string_equal(dim, "floor(H/2)");
    tdag_model_free(part);
    /* floor(H/4) does not tell H. */
    o.module = "c";
    assert_int_equal(tdag_extract(ctx, m, &o, &part), TDAG_E_UNSUPPORTED);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "sizes"));
    assert_string_equal(tdag_ctx_get_error(ctx)->node, "s");
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- split and compose ---- */

static void test_split(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, chain), *parts[5] = {0}, *whole = NULL;
    const char *const modules[] = {"first", "second"};
    uint32_t n = 0;
    TEST_OK(ctx, tdag_split(ctx, m, modules, 2, parts, &n));
    assert_int_equal(n, 4); /* side, first, second, third */
    const tdag_model *lent[5] = {parts[0], parts[1], parts[2], parts[3]};
    TEST_OK(ctx, tdag_compose(ctx, lent, n, NULL, &whole));
    assert_string_equal(tdag_model_get_output_structure(whole), "(T, T)");
    const rg_tolerance exact = {0};
    rg_expect_same(ctx, tdag_model_get_graph(m), tdag_model_get_graph(whole), 1, &exact,
                   "split and composed");
    const char *const wrong[] = {"second", "first"}, *const none[] = {"nowhere"};
    assert_int_equal(tdag_split(ctx, m, wrong, 2, parts, &n), TDAG_E_ARG);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "module second"));
    assert_int_equal(tdag_split(ctx, m, none, 1, parts, &n), TDAG_E_ARG);
    for (uint32_t i = 0; i < 4; i++)
        tdag_model_free(parts[i]);
    tdag_model_free(whole);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static const char block[] = "tdag 1\n"
                            "symbols N=2\n"
                            "x: f32[N,3] = input\n"
                            "w: f32[3] = parameter [1, 2, 3]\n"
                            "y: f32[N,3] = multiply(x, w) @act\n"
                            "return y\n";

/* One model twice: its weight is one weight, its inputs are fed or stay. */
static void test_shared(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, block), *whole = NULL;
    const tdag_model *parts[2] = {m, m};
    tdag_compose_options o;
    tdag_compose_options_init(&o);
    TEST_OK(ctx, tdag_compose(ctx, parts, 2, &o, &whole));
    assert_int_equal(tdag_graph_get_n_nodes(tdag_model_get_graph(whole)), 4);
    tdag_model_free(whole);
    /* Both on the same input, both results out. */
    const tdag_link same = {0, "x", 1, "x"};
    o.links = &same;
    o.n_links = 1;
    TEST_OK(ctx, tdag_compose(ctx, parts, 2, &o, &whole));
    assert_int_equal(tdag_graph_get_n_inputs(tdag_model_get_graph(whole)), 1);
    assert_int_equal(tdag_graph_get_n_outputs(tdag_model_get_graph(whole)), 2);
    tdag_model_free(whole);
    /* Under scopes of their own the weights are two. */
    const char *const scopes[2] = {"left", "right"};
    o.scopes = scopes;
    TEST_OK(ctx, tdag_compose(ctx, parts, 2, &o, &whole));
    const tdag_graph *g = tdag_model_get_graph(whole);
    assert_int_not_equal(tdag_graph_find(g, "left.w").id, 0);
    assert_int_not_equal(tdag_graph_find(g, "right.w").id, 0);
    assert_string_equal(tdag_graph_get_node(g, tdag_graph_get_output(g, 1)).scope,
                        "right.act");
    tdag_model_free(whole);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static const char narrow[] = "tdag 1\n"
                             "x: f32[2,4] = input\n"
                             "y: f32[2,4] = exp(x)\n"
                             "return y\n";

static void test_compose_refuses(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, block), *n = parse(ctx, narrow),
               *two = parse(ctx, chain);
    const tdag_model *parts[3] = {m, n, two};
    tdag_model *whole = NULL;
    tdag_compose_options o;
    tdag_compose_options_init(&o);
    assert_int_equal(tdag_compose(ctx, parts, 2, &o, &whole), TDAG_E_SHAPE);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "f32[2,4]"));
    assert_int_equal(tdag_compose(ctx, parts + 1, 2, &o, &whole), TDAG_E_ARG);
    assert_int_equal(tdag_compose(ctx, parts, 0, &o, &whole), TDAG_E_ARG);
    static const struct {
        tdag_link links[2];
        uint32_t n;
        const char *says;
    } bad[] = {
        {{{1, "y", 0, "x"}}, 1, "later one"},
        {{{0, "y", 3, "x"}}, 1, "later one"},
        {{{0, "z", 1, "x"}}, 1, "named \"z\""},
        {{{0, "y", 2, "a"}}, 1, "no input of part 2"},
        {{{0, "y", 2, "x"}, {1, "y", 2, "x"}}, 2, "fed twice"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        o.links = bad[i].links;
        o.n_links = bad[i].n;
        assert_int_equal(tdag_compose(ctx, parts, 3, &o, &whole), TDAG_E_ARG);
        const char *said = tdag_ctx_get_error(ctx)->message;
        if (strstr(said, bad[i].says) == NULL) fail_msg("link case %zu: %s", i, said);
    }
    tdag_model_free(m);
    tdag_model_free(n);
    tdag_model_free(two);
    tdag_ctx_free(ctx);
}

static void test_replace(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, chain), *by = parse(ctx, block), *out = NULL;
    tdag_replace_options o;
    tdag_replace_options_init(&o);
    const char *const inputs[] = {"x"}, *const outputs[] = {"a"},
                      *const behind[] = {"d"};
    o.inputs = inputs;
    o.n_inputs = 1;
    o.outputs = outputs;
    o.n_outputs = 1;
    TEST_OK(ctx, tdag_replace(ctx, m, &o, by, &out));
    TEST_OK(ctx, tdag_verify(ctx, tdag_model_get_graph(out)));
    char *text = NULL;
    TEST_OK(ctx, tdag_graph_print(ctx, tdag_model_get_graph(out), 0, &text));
    if (strstr(text, "@act") == NULL || strstr(text, "@first.one") != NULL)
        fail_msg("%s", text);
    tdag_text_free(ctx, text);
    tdag_model_free(out);
    o.inputs = behind;
    assert_int_equal(tdag_replace(ctx, m, &o, by, &out), TDAG_E_ARG);
    o.module = "side";
    o.n_inputs = o.n_outputs = 0;
    TEST_OK(ctx, tdag_replace(ctx, m, &o, by, &out));
    tdag_model_free(out);
    o.module = "first"; /* two outputs */
    assert_int_equal(tdag_replace(ctx, m, &o, by, &out), TDAG_E_ARG);
    tdag_model_free(by);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_cuts(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, "tdag 1\n"
                               "x: f32[8,8] = input\n"
                               "a: f32[8,1] = reduce(x) {axes=[1], kind=sum} @m\n"
                               "b: f32[8,8] = repeat(a) {counts=[1,8]}\n"
                               "c: f32[8,8] = exp(b)\n"
                               "return c\n");
    tdag_cuts cuts = {0};
    TEST_OK(ctx, tdag_suggest_cuts(ctx, m, 1, &cuts));
    assert_int_equal(cuts.n, 1);
    assert_int_equal(cuts.cuts[0].bytes, 32);
    assert_int_equal(cuts.cuts[0].n_values, 1);
    assert_string_equal(cuts.cuts[0].module, "m");
    tdag_cuts_free(&cuts);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- random graphs ---- */

/* Names every value, so that any can be cut. */
static void name_of(const tdag_graph *g, tdag_value v, char *buf, size_t size)
{
    tdag_node_info n = tdag_graph_get_node(g, v);
    if (n.name != NULL)
        snprintf(buf, size, "%s", n.name);
    else
        snprintf(buf, size, "v%u", (unsigned)v.id);
}

/* The values that cross behind value `at`, by the definition. */
static uint32_t crossing(const tdag_graph *g, uint32_t at, char (*names)[64])
{
    uint32_t n = 0, count = tdag_graph_get_n_nodes(g);
    unsigned char depends[RG_MOST_VALUES * 8] = {0}, used[RG_MOST_VALUES * 8] = {0};
    assert_true(count < sizeof(depends));
    for (uint32_t id = 1; id <= count; id++) {
        tdag_node_info node = tdag_graph_get_node(g, (tdag_value){id});
        depends[id] = node.op == TDAG_OP_INPUT;
        for (uint32_t i = 0; i < node.n_inputs; i++) {
            depends[id] |= depends[node.inputs[i].id];
        }
    }
    for (uint32_t i = 0; i < tdag_graph_get_n_outputs(g); i++)
        used[tdag_graph_get_output(g, i).id] = 1;
    for (uint32_t id = count; id > at; id--) {
        tdag_node_info node = tdag_graph_get_node(g, (tdag_value){id});
        for (uint32_t i = 0; used[id] && i < node.n_inputs; i++)
            used[node.inputs[i].id] = 1;
    }
    for (uint32_t id = 1; id <= at; id++)
        if (depends[id] && used[id]) name_of(g, (tdag_value){id}, names[n++], 64);
    /* Inputs that stand behind the cut cross it, too. */
    for (uint32_t i = 0; i < tdag_graph_get_n_inputs(g); i++)
        if (tdag_graph_get_input(g, i).id > at && used[tdag_graph_get_input(g, i).id])
            name_of(g, tdag_graph_get_input(g, i), names[n++], 64);
    return n;
}

static int n_cut;

static void cut_and_join(tdag_ctx *ctx, uint64_t seed, bool symbols)
{
    const rg_options options = {.seed = seed, .symbols = symbols};
    tdag_graph *g = rg_graph(ctx, &options);
    tdag_model *m = NULL, *a = NULL, *b = NULL, *whole = NULL;
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    rg_random r = rg_seeded(seed);
    char(*names)[64] = calloc(RG_MOST_VALUES * 8, 64);
    const char **lent = calloc(RG_MOST_VALUES * 8, sizeof(*lent));
    uint32_t at = (uint32_t)rg_in(&r, 1, tdag_graph_get_n_nodes(g));
    uint32_t n = crossing(g, at, names);
    for (uint32_t i = 0; i < n; i++)
        lent[i] = names[i];
    tdag_extract_options head, tail;
    tdag_extract_options_init(&head);
    tdag_extract_options_init(&tail);
    head.outputs = tail.inputs = lent;
    head.n_outputs = tail.n_inputs = n;
    tdag_status st = n == 0 ? TDAG_E_UNSUPPORTED : tdag_extract(ctx, m, &head, &a);
    if (st == TDAG_OK) st = tdag_extract(ctx, m, &tail, &b);
    if (st != TDAG_OK && st != TDAG_E_UNSUPPORTED)
        fail_msg("seed %llu cut behind %u: %s", (unsigned long long)seed, at,
                 tdag_ctx_get_error(ctx)->message);
    if (st == TDAG_OK) {
        const tdag_model *parts[2] = {a, b};
        if (tdag_compose(ctx, parts, 2, NULL, &whole) != TDAG_OK)
            fail_msg("seed %llu: %s", (unsigned long long)seed,
                     tdag_ctx_get_error(ctx)->message);
        const rg_tolerance exact = {0};
        rg_expect_same(ctx, g, tdag_model_get_graph(whole), seed, &exact,
                       "cut and joined");
        n_cut++;
    }
    free(lent);
    free(names);
    tdag_model_free(whole);
    tdag_model_free(a);
    tdag_model_free(b);
    tdag_model_free(m);
    tdag_graph_free(g);
}

static void test_random(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    n_cut = 0;
    for (uint64_t seed = 1; seed <= 500; seed++)
        cut_and_join(ctx, seed, seed % 2 == 0);
    printf("seed 1 to 500: %d of 500 graphs cut and joined\n", n_cut);
    assert_true(n_cut > 200);
    tdag_ctx_free(ctx);
}

/* ---- memory ---- */

static tdag_status everything(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_graph *g = NULL;
    tdag_model *m = NULL, *parts[5] = {0}, *whole = NULL, *part = NULL, *other = NULL;
    tdag_cuts cuts = {0};
    const char *const modules[] = {"first", "second"};
    uint32_t n = 0;
    tdag_extract_options o;
    tdag_extract_options_init(&o);
    o.module = "third";
    tdag_replace_options ro;
    tdag_replace_options_init(&ro);
    ro.module = "third";
    tdag_status st = tdag_graph_parse(ctx, chain, strlen(chain), &g);
    if (st == TDAG_OK) st = tdag_model_create(ctx, g, &m);
    if (st == TDAG_OK) st = tdag_split(ctx, m, modules, 2, parts, &n);
    const tdag_model *lent[5] = {parts[0], parts[1], parts[2], parts[3]};
    if (st == TDAG_OK) st = tdag_compose(ctx, lent, n, NULL, &whole);
    if (st == TDAG_OK) st = tdag_extract(ctx, m, &o, &part);
    if (st == TDAG_OK) st = tdag_replace(ctx, m, &ro, part, &other);
    if (st == TDAG_OK) st = tdag_suggest_cuts(ctx, m, 3, &cuts);
    tdag_cuts_free(&cuts);
    for (uint32_t i = 0; i < n; i++)
        tdag_model_free(parts[i]);
    tdag_model_free(whole);
    tdag_model_free(part);
    tdag_model_free(other);
    tdag_model_free(m);
    tdag_graph_free(g);
    return st;
}

static tdag_status symbolic(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_graph *g = NULL;
    tdag_model *m = NULL, *part = NULL;
    tdag_extract_options o;
    tdag_extract_options_init(&o);
    o.module = "b";
    tdag_status st = tdag_graph_parse(ctx, halves, strlen(halves), &g);
    if (st == TDAG_OK) st = tdag_model_create(ctx, g, &m);
    if (st == TDAG_OK) st = tdag_extract(ctx, m, &o, &part);
    tdag_model_free(part);
    tdag_model_free(m);
    tdag_graph_free(g);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(everything, NULL);
    test_every_oom(symbolic, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extract),
        cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_only_what_is_used),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_compose_refuses),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
