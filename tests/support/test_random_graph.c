/* The generator of random graphs: what it makes is valid, runs, covers the op table,
 * and follows from its seed. */
#include <math.h>

#include "support/random_graph.h"

#define N_SEEDS 300

static rg_options options_of(uint64_t seed)
{
    return (rg_options){.seed = seed, .symbols = seed % 2 == 1};
}

static void graphs_are_valid_and_run(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    bool seen[TDAGI_OP_CODES] = {false}, dtypes[TDAG_BOOL + 1] = {false};
    uint32_t empty = 0, symbolic = 0;
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        const rg_options o = options_of(seed);
        tdag_graph *g = rg_graph(ctx, &o);
        TEST_OK(ctx, tdag_verify(ctx, g));
        rg_expect_same(ctx, g, g, seed, NULL, "a graph and itself");
        for (uint32_t id = 1; id <= g->n; id++) {
            tdag_node_info n = tdag_graph_get_node(g, (tdag_value){id});
            seen[n.op] = dtypes[n.dtype] = true;
            for (uint32_t i = 0; i < n.rank; i++) {
                empty += n.shape[i] == 0;
                symbolic += n.shape[i] < 0;
            }
        }
        tdag_graph_free(g);
    }
    for (uint32_t op = 1; op < TDAGI_OP_CODES; op++) {
        const tdagi_op_row *row = tdagi_op_row_of(op);
        bool wanted = row != NULL && row->name != NULL && op != TDAG_OP_OPAQUE;
        if (wanted && !seen[op]) fail_msg("no graph has the op %s", row->name);
    }
    for (int d = TDAG_F64; d <= TDAG_BOOL; d++)
        assert_true(dtypes[d]);
    assert_true(empty > 100 && symbolic > 100);
    tdag_ctx_free(ctx);
}

static void a_seed_says_it_all(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *last = NULL;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const rg_options o = options_of(seed);
        tdag_graph *a = rg_graph(ctx, &o), *b = rg_graph(ctx, &o);
        assert_true(tdag_graph_equal(a, b));
        if (last != NULL) assert_false(tdag_graph_equal(a, last));
        tdag_graph_free(last);
        tdag_graph_free(b);
        last = a;
    }
    tdag_graph_free(last);
    tdag_ctx_free(ctx);
}

static void comparison_sees_differences(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const rg_tolerance exact = {0, 0}, close = {1e-3, 0};
    char why[160];
    rg_random r = rg_seeded(1);
    tdag_tensor *a = rg_tensor(ctx, &r, TDAG_F32, 1, (const int64_t[]){2}, false);
    tdag_tensor *b = rg_tensor(ctx, &r, TDAG_F32, 1, (const int64_t[]){2}, false);
    static const struct {
        double a, b;
        bool exact, close;
    } cases[] = {{1, 1, true, true},
                 {0, -0.0, false, true},
                 {1, 1.0001, false, true},
                 {1, 1.1, false, false},
                 {1, (double)NAN, false, false},
                 {(double)NAN, (double)NAN, true, true},
                 {1, (double)INFINITY, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int64_t k = 0; k < 2; k++) {
            tdagi_tensor_set_f64(a, k, cases[i].a);
            tdagi_tensor_set_f64(b, k, k == 1 ? cases[i].b : cases[i].a);
        }
        assert_int_equal(rg_same(a, b, &exact, why, sizeof why), cases[i].exact);
        assert_int_equal(rg_same(a, b, &close, why, sizeof why), cases[i].close);
    }
    tdag_tensor_free(a);
    tdag_tensor_free(b);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_are_valid_and_run),
        cmocka_unit_test(a_seed_says_it_all),
        cmocka_unit_test(comparison_sees_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
