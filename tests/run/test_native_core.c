/* The native engine's table of core ops, row by row: a function that stands there runs
 * the op itself, on f32 operands as random graphs have them, as the reference does. */
#include "support/random_graph.h"

#include "run/native/native.h"

#define DRAWS 60

/* A graph of the op alone, as random graphs use it; NULL: the operands did not fit. */
static tdag_graph *draw(tdag_ctx *ctx, tdag_op op, uint64_t seed)
{
    rg_options o = {.seed = seed, .only_f32 = true, .no_empty = true};
    rg_maker m;
    tdag_builder *b = NULL, *alone = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    TEST_OK(ctx, tdag_builder_create(ctx, &alone));
    rg_maker_init(&m, ctx, b, &o);
    rg_add_leaves(&m);
    tdag_value v = rg_add_op(&m, op), in[TDAGI_INLINE_INPUTS];
    const tdagi_node *n = &b->graph->nodes[v.id];
    if (v.id != 0 && n->op == op) {
        for (uint32_t i = 0; i < n->n_inputs; i++) {
            const tdagi_node *x = &b->graph->nodes[tdagi_node_inputs(n)[i].id];
            in[i] =
                tdag_add_input(alone, NULL, (tdag_dtype)x->dtype, x->rank, x->shape);
        }
        tdag_builder_add_output(alone, tdag_add_node(alone, op, n->u.spec,
                                                     tdagi_node_def(n)->spec_size, in,
                                                     n->n_inputs));
        TEST_OK(ctx, tdag_builder_finish(alone, &g));
    }
    tdag_builder_free(b);
    tdag_builder_free(alone);
    return g;
}

/* Whether the row's function runs the graph's op itself. */
static bool is_handled(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *in)
{
    tdagi_raised *r = NULL;
    tdagi_strided values[TDAGI_INLINE_INPUTS], out = {0};
    const tdagi_strided *operands[TDAGI_INLINE_INPUTS];
    TEST_OK(ctx, tdagi_raise(ctx, g, NULL, &r));
    tdagi_native s = {.ctx = ctx, .g = g, .r = r};
    const tdagi_kernel *k = &r->kernels[r->kernel_of[g->outputs[0].id]];
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        tdagi_strided_wrap(&values[i], in[i]);
        operands[i] = &values[i];
    }
    tdagi_native_call call = {&s, k, operands, &out, true};
    if (k->composite == TDAGI_CORE)
        TEST_OK(ctx, tdagi_native_core(k->op)(&call));
    else
        call.handled = false; /* the op is a composite */
    for (uint32_t i = 0; i < k->n_inputs; i++)
        tdagi_strided_free(&values[i]);
    tdagi_strided_free(&out);
    tdagi_raised_free(r);
    return call.handled;
}

static void expect_same(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *in,
                        uint64_t seed)
{
    static const rg_tolerance close = {1e-5, 1e-6};
    tdag_tensor **want = NULL, *got = NULL;
    char why[256];
    TEST_OK(ctx, rg_run(ctx, g, in, &want));
    TEST_OK(ctx, tdag_graph_run(ctx, g, in, g->n_inputs, NULL, &got));
    if (!rg_same(got, want[0], &close, why, sizeof(why)))
        rg_fail(ctx, g, NULL, why, seed);
    tdag_tensor_free(got);
    rg_free_tensors(want, 1);
}

/* How many draws the row's function runs. */
static uint32_t try_op(tdag_ctx *ctx, tdag_op op)
{
    uint32_t n = 0;
    for (uint64_t seed = 1; seed <= DRAWS; seed++) {
        tdag_graph *g = draw(ctx, op, seed);
        if (g == NULL) continue;
        rg_random random = rg_seeded(seed);
        tdag_tensor **in = rg_inputs(ctx, &random, g, NULL, false);
        n += is_handled(ctx, g, in);
        expect_same(ctx, g, in, seed);
        rg_free_tensors(in, g->n_inputs);
        tdag_graph_free(g);
    }
    return n;
}

static void test_core(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t op = 0; op < TDAGI_OP_CODES; op++) {
        if (tdagi_op_row_of(op) == NULL) continue;
        assert_non_null(tdagi_native_core(op));
        if (tdagi_native_core(op) == tdagi_native_BY_REFERENCE) continue;
        if (try_op(ctx, (tdag_op)op) == 0)
            fail_msg("%s is never run natively", tdag_op_name((tdag_op)op));
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_core)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
