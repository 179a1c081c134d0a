/* tdag_verify: each rule broken once in a graph that holds otherwise. */
#include "support.h"

static const char lines[] = "symbols N=2\n"
                            "x: f32[N,4] = input\n"
                            "w: f32[4] = parameter [1, 2, 3, 4] @layer\n"
                            "y = multiply(x, w) @layer\n"
                            "z = reduce(y) {axes=[1], kind=sum}\n"
                            "return z, y";

static tdagi_node *node_of(tdag_graph *g, const char *name)
{
    return &g->nodes[value_of(g, name).id];
}

static void op_number(tdag_graph *g) { node_of(g, "y")->op = 9999; }
static void other_op(tdag_graph *g) { node_of(g, "y")->op = TDAG_OP_NEG; }
static void dtype(tdag_graph *g) { node_of(g, "y")->dtype = TDAG_F16; }
static void rank(tdag_graph *g) { node_of(g, "z")->rank = 1; }
static void size(tdag_graph *g) { node_of(g, "y")->shape = node_of(g, "z")->shape; }
static void scope(tdag_graph *g) { node_of(g, "y")->scope = 99; }
static void name(tdag_graph *g) { node_of(g, "z")->name = node_of(g, "y")->name; }
static void spec(tdag_graph *g) { node_of(g, "z")->u.spec = NULL; }
static void no_input(tdag_graph *g) { node_of(g, "y")->in.few[1].id = 0; }
static void itself(tdag_graph *g) { node_of(g, "y")->in.few[0] = value_of(g, "y"); }
static void later(tdag_graph *g) { node_of(g, "y")->in.few[0] = value_of(g, "z"); }
static void leaf_input(tdag_graph *g) { node_of(g, "w")->n_inputs = 1; }
static void leaf_type(tdag_graph *g) { node_of(g, "w")->dtype = TDAG_I32; }
static void input_dtype(tdag_graph *g) { node_of(g, "x")->dtype = 77; }
static void lost_input(tdag_graph *g) { g->n_inputs = 0; }
static void wrong_input(tdag_graph *g) { g->inputs[0] = value_of(g, "y"); }
static void wrong_output(tdag_graph *g) { g->outputs[1].id = 99; }
static void no_output(tdag_graph *g) { g->outputs[0].id = 0; }

static const struct {
    const char *name;
    void (*breaks)(tdag_graph *g);
    tdag_status st;
    const char *word, *node; /* of the sentence; where it is */
} cases[] = {
    {"op number", op_number, TDAG_E_ARG, "no op number 9999", "y"},
    {"another op", other_op, TDAG_E_ARG, "neg takes 1 inputs, not 2", "y"},
    {"dtype", dtype, TDAG_E_SHAPE, "not the one its rule gives", "y"},
    {"rank", rank, TDAG_E_SHAPE, "not the one its rule gives", "z"},
    {"size", size, TDAG_E_SHAPE, "not the one its rule gives", "y"},
    {"scope", scope, TDAG_E_ARG, "scope", "y"},
    {"name twice", name, TDAG_E_ARG, "'y' is used twice", "y"},
    {"no spec", spec, TDAG_E_ARG, "reduce has no spec", "z"},
    {"no input", no_input, TDAG_E_ARG, "input 1 of multiply", "y"},
    {"its own input", itself, TDAG_E_ARG, "does not come before it", "y"},
    {"a later input", later, TDAG_E_ARG, "does not come before it", "y"},
    {"leaf with an input", leaf_input, TDAG_E_ARG, "a leaf has inputs", "w"},
    {"leaf of another type", leaf_type, TDAG_E_SHAPE, "that of its tensor", "w"},
    {"input of no dtype", input_dtype, TDAG_E_DTYPE, "", "x"},
    {"input that is not listed", lost_input, TDAG_E_ARG, "misses an input", ""},
    {"input that is none", wrong_input, TDAG_E_ARG, "graph input 0", ""},
    {"output beyond", wrong_output, TDAG_E_ARG, "graph output 1 is no value", ""},
    {"no output", no_output, TDAG_E_ARG, "graph output 0 is no value", ""},
};

static void test_rules(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_graph *g = graph_of(ctx, cases[i].name, lines);
        TEST_OK(ctx, tdag_verify(ctx, g));
        tdagi_node was[8];
        memcpy(was, g->nodes, (g->n + 1) * sizeof *was);
        const uint32_t n_inputs = g->n_inputs;
        cases[i].breaks(g);
        tdag_status st = tdag_verify(ctx, g);
        const tdag_error *e = tdag_ctx_get_error(ctx);
        bool found = st == cases[i].st && strstr(e->message, cases[i].word) != NULL;
        const char *node = st == TDAG_OK || e->node == NULL ? "" : e->node;
        if (!found || strcmp(node, cases[i].node) != 0) {
            print_error("%s: %s at '%s': %s\n", cases[i].name, tdag_status_text(st),
                        node, st == TDAG_OK ? "" : e->message);
            wrong++;
        }
        memcpy(g->nodes, was, (g->n + 1) * sizeof *was); /* so that it can be freed */
        g->n_inputs = n_inputs;
        tdag_graph_free(g);
    }
    assert_int_equal(wrong, 0);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
