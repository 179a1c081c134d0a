/* Finished graphs: reading, sharing, comparing. */
#include "support.h"

static const char lines[] = "symbols N=2 M=3\nx: f32[N,4] = input @a\n"
                            "w: f16[4] = buffer [1, 2, 3, 4] @a.b\n"
                            "c: i64[] = constant [7]\n"
                            "v4 = convert(w) {dtype=f32}\n"
                            "y = multiply(x, v4) @a\n"
                            "z = reduce(y) {axes=[1], kind=sum}\nreturn z, y, z";

static void test_reading(void **state)
{
    (void)state;
    static const struct {
        const char *name, *scope;
        tdag_op op;
        tdag_dtype dtype;
        uint32_t rank, n_inputs;
        bool tensor, spec;
    } nodes[] = {
        {"x", "a", TDAG_OP_INPUT, TDAG_F32, 2, 0, false, false},
        {"w", "a.b", TDAG_OP_BUFFER, TDAG_F16, 1, 0, true, false},
        {"c", "", TDAG_OP_CONSTANT, TDAG_I64, 0, 0, true, false},
        {"v4", "", TDAG_OP_CONVERT, TDAG_F32, 1, 1, false, true},
        {"y", "a", TDAG_OP_MULTIPLY, TDAG_F32, 2, 2, false, false},
        {"z", "", TDAG_OP_REDUCE, TDAG_F32, 2, 1, false, true},
    };
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "graph", lines);
    assert_int_equal(tdag_graph_get_n_nodes(g), 6);
    for (uint32_t i = 0; i < 6; i++) {
        const tdag_value v = value_of(g, nodes[i].name);
        const tdag_node_info n = tdag_graph_get_node(g, v);
        bool same = v.id == i + 1 && n.op == nodes[i].op && n.dtype == nodes[i].dtype &&
                    n.rank == nodes[i].rank && n.n_inputs == nodes[i].n_inputs &&
                    (n.tensor != NULL) == nodes[i].tensor &&
                    (n.spec != NULL) == nodes[i].spec &&
                    strcmp(n.scope, nodes[i].scope) == 0 &&
                    (n.name == NULL) == (nodes[i].name[0] == 'v');
        if (!same) fail_msg("%s", nodes[i].name);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static void test_ends(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "graph", lines);
    assert_int_equal(tdag_graph_get_n_inputs(g), 1);
    assert_int_equal(tdag_graph_get_n_outputs(g), 3);
    assert_int_equal(tdag_graph_get_input(g, 0).id, value_of(g, "x").id);
    assert_int_equal(tdag_graph_get_output(g, 0).id, value_of(g, "z").id);
    assert_int_equal(tdag_graph_get_output(g, 1).id, value_of(g, "y").id);
    assert_int_equal(tdag_graph_get_output(g, 2).id, value_of(g, "z").id);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static void test_symbols(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "graph", lines);
    int64_t sample = 0;
    assert_int_equal(tdag_graph_get_n_symbols(g), 2);
    assert_string_equal(tdag_graph_get_symbol(g, 1, &sample), "M");
    assert_int_equal(sample, 3);
    const tdag_dim n = tdag_graph_get_node(g, value_of(g, "x")).shape[0];
    assert_int_equal(tdag_graph_dim_sample(g, n), 2);
    assert_int_equal(tdag_graph_dim_sample(g, 17), 17);
    char text[2];
    assert_int_equal(tdag_graph_dim_text(g, n, text, sizeof text), 1);
    assert_string_equal(text, "N");
    assert_int_equal(tdag_graph_dim_text(g, 1234, text, sizeof text), 4);
    assert_string_equal(text, "1"); /* cut, and terminated */
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static void test_shared(void **state)
{
    (void)state;
    test_heap heap = {0};
    tdag_ctx *ctx = test_ctx_on(&heap);
    tdag_graph *g = graph_of(ctx, "graph", lines);
    tdag_graph *copy = tdag_graph_copy(g);
    assert_ptr_equal(g, copy);
    tdag_ctx_free(ctx);
    tdag_graph_free(g);
    assert_int_equal(tdag_graph_get_n_nodes(copy), 6);
    tdag_graph_free(copy);
    tdag_graph_free(NULL);
    assert_int_equal(heap.live_blocks, 0);
}

/* Everything counts: order, names, scopes, specs, elements. */
static const struct {
    const char *name, *from, *to;
} changes[] = {
    {"dtype", "x: f32", "x: f64"},
    {"size", "[N,4] = input", "[4,4] = input"},
    {"sample", "N=2", "N=5"},
    {"symbol's name", "N=2 M=3\nx: f32[N,4]", "K=2 M=3\nx: f32[K,4]"},
    {"name", "c: i64", "d: i64"},
    {"scope", "@a.b", "@a.c"},
    {"element", "[7]", "[8]"},
    {"kind of leaf", "buffer", "parameter"},
    {"spec", "kind=sum", "kind=max"},
    {"op", "multiply(x, v4)", "add(x, v4)"},
    {"order of operands", "(x, v4)", "(v4, x)"},
    {"outputs", "z, y, z", "z, y"},
    {"order of outputs", "z, y, z", "y, z, z"},
    {"one node less", "c: i64[] = constant [7]\n", ""},
};

/* lines with the first `from` replaced. */
static void change(const char *from, const char *to, char out[1024])
{
    const char *at = strstr(lines, from);
    assert_non_null(at);
    snprintf(out, 1024, "%.*s%s%s", (int)(at - lines), lines, to, at + strlen(from));
}

static void test_equal(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = graph_of(ctx, "graph", lines), *again = graph_of(ctx, "", lines);
    assert_true(tdag_graph_equal(g, again));
    assert_true(tdag_graph_equal(g, g));
    int wrong = 0;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[1024];
        change(changes[i].from, changes[i].to, text);
        if (strcmp(changes[i].name, "dtype") == 0) { /* of both operands */
            char *dtype = strstr(text, "dtype=f32");
            memcpy(dtype, "dtype=f64", strlen("dtype=f64"));
        }
        tdag_graph *other = graph_of(ctx, changes[i].name, text);
        if (tdag_graph_equal(g, other) || tdag_graph_equal(other, g)) {
            print_error("%s: still equal\n", changes[i].name);
            wrong++;
        }
        tdag_graph_free(other);
    }
    assert_int_equal(wrong, 0);
    tdag_graph_free(g);
    tdag_graph_free(again);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_symbols), cmocka_unit_test(test_shared),
        cmocka_unit_test(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
