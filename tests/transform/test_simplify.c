/* Every simplification pass on random graphs: the result is valid, computes the same,
 * keeps inputs and outputs with their names, and simplified again it stays as it is. */
#include "support/random_graph.h"

static rg_options options_of(uint64_t seed)
{
    return (rg_options){
        .seed = seed, .symbols = seed % 3 == 0, .movement = seed % 2 == 0 ? 80 : 40};
}

static const char *name_of(const tdag_graph *g, tdag_value v)
{
    const char *name = tdag_graph_get_node(g, v).name;
    return name == NULL ? "" : name;
}

/* Names and types of inputs and outputs; the names of outputs that have one. */
static bool same_ends(const tdag_graph *a, const tdag_graph *b)
{
    bool same = tdag_graph_get_n_inputs(a) == tdag_graph_get_n_inputs(b) &&
                tdag_graph_get_n_outputs(a) == tdag_graph_get_n_outputs(b);
    for (uint32_t i = 0; same && i < tdag_graph_get_n_inputs(a); i++) {
        tdag_value x = tdag_graph_get_input(a, i), y = tdag_graph_get_input(b, i);
        same = strcmp(name_of(a, x), name_of(b, y)) == 0;
    }
    for (uint32_t i = 0; same && i < tdag_graph_get_n_outputs(a); i++) {
        tdag_value x = tdag_graph_get_output(a, i), y = tdag_graph_get_output(b, i);
        const char *name = name_of(a, x);
        same = *name == '\0' || strcmp(name, name_of(b, y)) == 0;
    }
    return same;
}

/* Every weight that is left has its name and its very tensor. */
static bool same_weights(const tdag_graph *a, const tdag_graph *b)
{
    for (uint32_t id = 1; id <= tdag_graph_get_n_nodes(b); id++) {
        tdag_node_info n = tdag_graph_get_node(b, (tdag_value){id});
        if (n.op != TDAG_OP_PARAMETER && n.op != TDAG_OP_BUFFER) continue;
        tdag_value v = tdag_graph_find(a, n.name);
        if (v.id == 0 || tdag_graph_get_node(a, v).tensor != n.tensor) return false;
    }
    return true;
}

static void check_passes(tdag_ctx *ctx, uint64_t seed, uint32_t passes)
{
    const rg_options ro = options_of(seed);
    tdag_graph *g = rg_graph(ctx, &ro), *once = NULL, *twice = NULL;
    tdag_simplify_options o;
    tdag_simplify_options_init(&o);
    o.passes = passes;
    if (tdag_graph_simplify(ctx, g, &o, &once) != TDAG_OK)
        rg_fail(ctx, g, NULL, tdag_ctx_get_error(ctx)->message, seed);
    TEST_OK(ctx, tdag_verify(ctx, once));
    if (!same_ends(g, once)) rg_fail(ctx, g, once, "inputs or outputs changed", seed);
    if (!same_weights(g, once)) rg_fail(ctx, g, once, "weights changed", seed);
    rg_expect_same(ctx, g, once, seed, NULL, "simplified");
    TEST_OK(ctx, tdag_graph_simplify(ctx, once, &o, &twice));
    if (!tdag_graph_equal(once, twice))
        rg_fail(ctx, once, twice, "simplified twice is not simplified once", seed);
    tdag_graph_free(twice);
    tdag_graph_free(once);
    tdag_graph_free(g);
}

#define PASS_TEST(id, bit, name, text)                                                 \
    static void pass_##id(void **state)                                                \
    {                                                                                  \
        (void)state;                                                                   \
        tdag_ctx *ctx = test_ctx();                                                    \
        if (TDAG_PASS_##id != TDAG_PASS_FOLD) /* test_fold.c */                        \
            for (uint64_t seed = 1; seed <= rg_n_seeds(1000, 10000); seed++)           \
                check_passes(ctx, seed + 10000 * bit, TDAG_PASS_##id);                 \
        tdag_ctx_free(ctx);                                                            \
    }
TDAG_PASS_MAP(PASS_TEST)

static void all_passes(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= rg_n_seeds(1000, 20000); seed++)
        check_passes(ctx, seed, 0);
    tdag_ctx_free(ctx);
}

static tdag_status simplify_and_forget(tdag_ctx *ctx, void *arg)
{
    tdag_graph *out = NULL;
    tdag_status st = tdag_graph_simplify(ctx, arg, NULL, &out);
    tdag_graph_free(out);
    return st;
}

static void out_of_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= 12; seed++) {
        rg_options ro = options_of(seed);
        ro.n_nodes = 20;
        tdag_graph *g = rg_graph(ctx, &ro);
        test_every_oom(simplify_and_forget, g);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

static void bad_options(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const rg_options ro = options_of(1);
    tdag_graph *g = rg_graph(ctx, &ro), *out = NULL;
    tdag_simplify_options o;
    tdag_simplify_options_init(&o);
    o.passes = 1 << 20;
    assert_int_equal(tdag_graph_simplify(ctx, g, &o, &out), TDAG_E_ARG);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "pass"));
    assert_null(out);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define PASS_ROW(id, bit, name, text) cmocka_unit_test(pass_##id),
        TDAG_PASS_MAP(PASS_ROW)
#undef PASS_ROW
            cmocka_unit_test(all_passes),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
