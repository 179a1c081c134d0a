/* Hashes of graphs, modules and values: what counts and what does not. */
#include "ir/hash.h"

#include "support.h"

static const char base[] = "symbols N=2\nx: f32[N,4] = input\n"
                           "w: f32[4] = parameter [1, 2, 3, 4] @a\n"
                           "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\n"
                           "return z";

/* Another graph, and whether its hash by structure and by content is the same. */
static const struct {
    const char *name, *lines;
    bool structure, content;
} others[] = {
    {"the same", base, true, true},
    {"names and modules",
     "symbols N=2\nin: f32[N,4] = input\np: f32[4] = parameter [1, 2, 3, 4] @b\n"
     "v3 = multiply(in, p)\nout = reduce(v3) {axes=[1], kind=sum} @c\nreturn out",
     true, true},
    {"a dead node",
     "symbols N=2\nx: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 4] @a\n"
     "dead = neg(x)\ny = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\n"
     "return z",
     true, true},
    {"order of independent nodes",
     "symbols N=2\nw: f32[4] = parameter [1, 2, 3, 4] @a\nx: f32[N,4] = input\n"
     "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z",
     true, true},
    {"a weight",
     "symbols N=2\nx: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 5] @a\n"
     "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z",
     true, false},
    {"order of operands",
     "symbols N=2\nx: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 4] @a\n"
     "y = multiply(w, x) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z",
     false, false},
    {"op",
     "symbols N=2\nx: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 4] @a\n"
     "y = add(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z",
     false, false},
    {"spec",
     "symbols N=2\nx: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 4] @a\n"
     "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=max}\nreturn z",
     false, false},
    {"symbol's name",
     "symbols M=2\nx: f32[M,4] = input\nw: f32[4] = parameter [1, 2, 3, 4] @a\n"
     "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z",
     false, false},
    {"a size instead of a symbol",
     "x: f32[2,4] = input\nw: f32[4] = parameter [1, 2, 3, 4] @a\n"
     "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z",
     false, false},
    {"kind of leaf",
     "symbols N=2\nx: f32[N,4] = input\nw: f32[4] = constant [1, 2, 3, 5] @a\n"
     "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z",
     false, false},
    {"one output more",
     "symbols N=2\nx: f32[N,4] = input\nw: f32[4] = parameter [1, 2, 3, 4] @a\n"
     "y = multiply(x, w) @a\nz = reduce(y) {axes=[1], kind=sum}\nreturn z, z",
     false, false},
};

static bool same(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                 tdag_hash_kind kind)
{
    char x[TDAG_HASH_SIZE], y[TDAG_HASH_SIZE];
    TEST_OK(ctx, tdag_graph_get_hash(ctx, a, kind, x));
    TEST_OK(ctx, tdag_graph_get_hash(ctx, b, kind, y));
    assert_int_equal(strlen(x), TDAG_HASH_SIZE - 1);
    return strcmp(x, y) == 0;
}

static void test_graphs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "base", base);
    int wrong = 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        tdag_graph *other = graph_of(ctx, others[i].name, others[i].lines);
        bool structure = same(ctx, g, other, TDAG_HASH_STRUCTURE);
        bool content = same(ctx, g, other, TDAG_HASH_CONTENT);
        if (structure != others[i].structure || content != others[i].content) {
            print_error("%s: structure %d, content %d\n", others[i].name, structure,
                        content);
            wrong++;
        }
        tdag_graph_free(other);
    }
    assert_int_equal(wrong, 0);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* Blocks of the same form have the same hash, whatever their weights and place. */
static const char blocks[] =
    "x: f32[4] = input\n"
    "w0: f32[4] = parameter [1, 2, 3, 4] @b.0\ny0 = multiply(x, w0) @b.0\n"
    "w1: f32[4] = parameter [1, 2, 3, 4] @b.1\ny1 = multiply(y0, w1) @b.1\n"
    "w2: f32[4] = parameter [5, 6, 7, 8] @b.2\ny2 = multiply(y1, w2) @b.2\n"
    "w3: f32[4] = parameter [1, 2, 3, 4] @b.3\ny3 = add(y2, w3) @b.3\nreturn y3";

static void test_modules(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        tdag_hash_kind kind;
        bool same;
    } cases[] = {
        {"b.0", "b.1", TDAG_HASH_STRUCTURE, true},
        {"b.0", "b.1", TDAG_HASH_CONTENT, true},
        {"b.0", "b.2", TDAG_HASH_STRUCTURE, true},
        {"b.0", "b.2", TDAG_HASH_CONTENT, false},
        {"b.0", "b.3", TDAG_HASH_STRUCTURE, false},
        {"b", "b.0", TDAG_HASH_STRUCTURE, false},
    };
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "blocks", blocks);
    char x[TDAG_HASH_SIZE], y[TDAG_HASH_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_hash_kind kind = cases[i].kind;
        TEST_OK(ctx, tdag_graph_get_module_hash(ctx, g, cases[i].a, kind, x));
        TEST_OK(ctx, tdag_graph_get_module_hash(ctx, g, cases[i].b, kind, y));
        if ((strcmp(x, y) == 0) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    static const char *const missing[] = {"c", "b.", "b.00", NULL};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        assert_int_equal(
            tdag_graph_get_module_hash(ctx, g, missing[i], TDAG_HASH_CONTENT, x),
            TDAG_E_ARG);
    assert_int_equal(tdag_graph_get_hash(ctx, g, (tdag_hash_kind)9, x), TDAG_E_ARG);
    assert_int_equal(tdag_graph_get_hash(ctx, NULL, TDAG_HASH_CONTENT, x), TDAG_E_ARG);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* ---- values ---- */

static bool equal(const uint64_t a[2], const uint64_t b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

static tdag_status hash_nodes(tdag_ctx *ctx, const tdag_graph *g, tdagi_node_hash *out)
{
    tdagi_hasher *h = NULL;
    tdag_status st = tdagi_hasher_create(ctx, g, TDAG_HASH_CONTENT, &h);
    if (st == TDAG_OK) st = tdagi_hasher_nodes(h, out);
    tdagi_hasher_free(h);
    return st;
}

static void test_values(void **state)
{
    (void)state;
    /* Pairs of values of `blocks`, and whether whole, form and own are the same. */
    static const struct {
        const char *a, *b;
        bool whole, form, own;
    } cases[] = {
        {"w0", "w1", true, true, true},    {"w0", "w2", false, true, true},
        {"y0", "y1", false, false, true},  {"y0", "y0", true, true, true},
        {"y2", "y3", false, false, false}, {"x", "w0", false, false, false},
    };
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "blocks", blocks);
    tdagi_node_hash hashes[16];
    TEST_OK(ctx, hash_nodes(ctx, g, hashes));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tdagi_node_hash *a = &hashes[value_of(g, cases[i].a).id];
        const tdagi_node_hash *b = &hashes[value_of(g, cases[i].b).id];
        if (equal(a->whole, b->whole) != cases[i].whole ||
            equal(a->form, b->form) != cases[i].form ||
            equal(a->own, b->own) != cases[i].own)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static tdag_status hash_all(tdag_ctx *ctx, void *arg)
{
    const tdag_graph *g = arg;
    char x[TDAG_HASH_SIZE];
    tdagi_node_hash hashes[16];
    tdag_status st = hash_nodes(ctx, g, hashes);
    if (st == TDAG_OK) st = tdag_graph_get_hash(ctx, g, TDAG_HASH_CONTENT, x);
    if (st != TDAG_OK) return st;
    return tdag_graph_get_module_hash(ctx, g, "b.1", TDAG_HASH_STRUCTURE, x);
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "blocks", blocks);
    test_every_oom(hash_all, g);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
