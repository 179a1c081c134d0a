/* Copying nodes into a builder, pruning, and binding symbols. */
#include "ir/graft.h"

#include "support.h"

static const char lines[] = "symbols N=2 M=3\n"
                            "x: f32[N,M] = input\n"
                            "w: f32[4] = parameter [1, 2, 3, 4] @layer\n"
                            "dead = neg(x) @layer\n"
                            "r = unsqueeze(w) {axes=[0]} @layer.deep\n"
                            "i = iota() {n=2*N, dtype=i64}\n"
                            "y = reduce(x) {axes=[1], kind=sum}\n"
                            "return y, r, i";

/* ---- grafts ---- */

typedef struct graft_case {
    const char *name, *prefix;
    bool replace; /* N and M by 5 and K */
    const char *want;
} graft_case;

static const graft_case grafts[] = {
    {"as it is", NULL, false,
     "symbols N=2 M=3\nx: f32[N,M] = input\n"
     "w: f32[4] = parameter [1, 2, 3, 4] @layer\ndead = neg(x) @layer\n"
     "r = unsqueeze(w) {axes=[0]} @layer.deep\ni = iota() {n=2*N, dtype=i64}\n"
     "y = reduce(x) {axes=[1], kind=sum}\nreturn y"},
    {"prefix", "part", false,
     "symbols N=2 M=3\nx: f32[N,M] = input @part\n"
     "part.w: f32[4] = parameter [1, 2, 3, 4] @part.layer\n"
     "part.dead = neg(x) @part.layer\n"
     "part.r = unsqueeze(part.w) {axes=[0]} @part.layer.deep\n"
     "part.i = iota() {n=2*N, dtype=i64} @part\n"
     "part.y = reduce(x) {axes=[1], kind=sum} @part\nreturn part.y"},
    {"symbols replaced", "", true,
     "symbols K=3\nx: f32[5,K] = input\nw: f32[4] = parameter [1, 2, 3, 4] @layer\n"
     "dead = neg(x) @layer\nr = unsqueeze(w) {axes=[0]} @layer.deep\n"
     "i = iota() {n=10, dtype=i64}\ny = reduce(x) {axes=[1], kind=sum}\nreturn y"},
};

static tdag_status graft_all(tdag_ctx *ctx, const tdag_graph *g, const graft_case *c,
                             tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdagi_graft t = {0};
    tdag_dim by[2];
    tdag_status st = c->replace ? tdag_builder_create(ctx, &b)
                                : tdagi_builder_create_like(ctx, g, &b);
    if (st == TDAG_OK && c->replace) {
        by[0] = 5;
        by[1] = tdag_builder_symbol(b, "K", 3);
    }
    if (st == TDAG_OK) st = tdagi_graft_init(&t, b, g, c->replace ? by : NULL);
    if (st == TDAG_OK) {
        t.prefix = c->prefix;
        for (uint32_t id = 1; id <= g->n; id++)
            tdagi_graft_node(&t, id);
        tdag_builder_add_output(b, t.new_of[g->outputs[0].id]);
        st = tdag_builder_finish(b, out);
    }
    tdagi_graft_free(&t);
    tdag_builder_free(b);
    return st;
}

/* The text with everything in it: what differs is seen. */
static void expect(tdag_ctx *ctx, const char *name, const tdag_graph *g,
                   const char *want)
{
    char *is = NULL, *as = NULL;
    tdag_graph *other = graph_of(ctx, name, want);
    TEST_OK(ctx, tdag_verify(ctx, g));
    TEST_OK(ctx, tdag_graph_print(ctx, g, TDAG_TEXT_FULL, &is));
    TEST_OK(ctx, tdag_graph_print(ctx, other, TDAG_TEXT_FULL, &as));
    if (strcmp(is, as) != 0) fail_msg("%s:\n%s\nnot\n%s", name, is, as);
    tdag_text_free(ctx, is);
    tdag_text_free(ctx, as);
    tdag_graph_free(other);
}

static void test_graft(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "source", lines);
    for (size_t i = 0; i < sizeof grafts / sizeof *grafts; i++) {
        tdag_graph *copy = NULL;
        TEST_OK(ctx, graft_all(ctx, g, &grafts[i], &copy));
        expect(ctx, grafts[i].name, copy, grafts[i].want);
        tdag_graph_free(copy);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* Weights are shared, not copied. */
static void test_shares(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "source", lines), *copy = NULL;
    TEST_OK(ctx, graft_all(ctx, g, &grafts[0], &copy));
    assert_ptr_equal(tdag_graph_get_node(copy, value_of(copy, "w")).tensor,
                     tdag_graph_get_node(g, value_of(g, "w")).tensor);
    tdag_graph_free(g);
    TEST_OK(ctx, tdag_verify(ctx, copy));
    tdag_graph_free(copy);
    tdag_ctx_free(ctx);
}

/* A value of the middle becomes an input, under its own name. */
static void test_as_input(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "source", lines), *part = NULL;
    tdag_builder *b = NULL;
    tdagi_graft t;
    TEST_OK(ctx, tdagi_builder_create_like(ctx, g, &b));
    TEST_OK(ctx, tdagi_graft_init(&t, b, g, NULL));
    tdag_value r = tdagi_graft_as_input(&t, value_of(g, "r").id);
    assert_int_equal(t.new_of[value_of(g, "r").id].id, r.id);
    tdag_builder_add_output(b, tdag_unary(b, TDAG_OP_NEG, r));
    TEST_OK(ctx, tdag_builder_finish(b, &part));
    expect(ctx, "part", part,
           "symbols N=2 M=3\nr: f32[1,4] = input\nv2 = neg(r)\nreturn v2");
    tdagi_graft_free(&t);
    tdag_builder_free(b);
    tdag_graph_free(part);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static void test_ancestors(void **state)
{
    (void)state;
    static const struct {
        const char *of, *live; /* names, a blank between two */
    } cases[] = {
        {"x", "x"}, {"y", "x y"}, {"r", "w r"}, {"dead", "x dead"}, {"i", "i"}};
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "source", lines);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char live[16] = {0};
        char names[64] = "", buf[16];
        live[value_of(g, cases[i].of).id] = 1;
        tdagi_mark_ancestors(g, live);
        for (uint32_t id = 1; id <= g->n; id++)
            if (live[id]) {
                if (*names != '\0') strcat(names, " ");
                strcat(names, tdagi_value_name(g, (tdag_value){id}, buf));
            }
        assert_string_equal(names, cases[i].live);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* ---- rebuilding ---- */

static void test_prune(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "source", lines), *pruned = NULL;
    TEST_OK(ctx, tdagi_graph_prune(ctx, g, &pruned));
    expect(ctx, "pruned", pruned,
           "symbols N=2 M=3\nx: f32[N,M] = input\n"
           "w: f32[4] = parameter [1, 2, 3, 4] @layer\n"
           "r = unsqueeze(w) {axes=[0]} @layer.deep\ni = iota() {n=2*N, dtype=i64}\n"
           "y = reduce(x) {axes=[1], kind=sum}\nreturn y, r, i");
    tdag_graph_free(pruned);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static void test_bind(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t values[2];
        tdag_status st;
        const char *want; /* the type of i and of y; or of the sentence */
    } cases[] = {
        {"samples", {2, 3}, TDAG_OK, "i64[4] f32[2,1]"},
        {"others", {7, 1}, TDAG_OK, "i64[14] f32[7,1]"},
        {"zero", {0, 3}, TDAG_OK, "i64[0] f32[0,1]"},
        {"negative", {2, -1}, TDAG_E_ARG, "symbol M would be -1"},
    };
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "source", lines);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_graph *bound = NULL;
        tdag_status st = tdagi_graph_bind(ctx, g, cases[i].values, &bound);
        assert_int_equal(st, cases[i].st);
        if (st != TDAG_OK) {
            assert_string_equal(tdag_ctx_get_error(ctx)->message, cases[i].want);
            continue;
        }
        char is[64];
        const tdag_node_info n = tdag_graph_get_node(bound, value_of(bound, "i"));
        const tdag_node_info y = tdag_graph_get_node(bound, value_of(bound, "y"));
        snprintf(is, sizeof is, "i64[%d] f32[%d,%d]", (int)n.shape[0], (int)y.shape[0],
                 (int)y.shape[1]);
        assert_string_equal(is, cases[i].want);
        assert_int_equal(tdag_graph_get_n_symbols(bound), 0);
        TEST_OK(ctx, tdag_verify(ctx, bound));
        tdag_graph_free(bound);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* What does not fit at those numbers names its node. */
static void test_bind_fails(void **state)
{
    (void)state;
    static const int64_t values[] = {1};
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "slice",
                             "symbols N=5\nx: f32[N] = input\n"
                             "y = slice(x) {start=[0], end=[3]} @a\nreturn y");
    tdag_graph *bound = NULL;
    assert_int_equal(tdagi_graph_bind(ctx, g, values, &bound), TDAG_E_SHAPE);
    assert_string_equal(tdag_ctx_get_error(ctx)->node, "y");
    assert_string_equal(tdag_ctx_get_error(ctx)->scope, "a");
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static tdag_status rebuild(tdag_ctx *ctx, void *arg)
{
    static const int64_t values[] = {2, 3};
    const tdag_graph *g = arg;
    tdag_graph *pruned = NULL, *bound = NULL, *copy = NULL;
    tdag_status st = tdagi_graph_prune(ctx, g, &pruned);
    if (st == TDAG_OK) st = tdagi_graph_bind(ctx, g, values, &bound);
    if (st == TDAG_OK) st = graft_all(ctx, g, &grafts[1], &copy);
    tdag_graph_free(pruned);
    tdag_graph_free(bound);
    tdag_graph_free(copy);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "source", lines);
    test_every_oom(rebuild, g);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graft),      cmocka_unit_test(test_shares),
        cmocka_unit_test(test_as_input),   cmocka_unit_test(test_ancestors),
        cmocka_unit_test(test_prune),      cmocka_unit_test(test_bind),
        cmocka_unit_test(test_bind_fails), cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
