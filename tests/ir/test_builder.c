/* Building graphs: what it gives, what it refuses, and that the first failure stays. */
#include "support.h"

static tdag_value input(tdag_builder *b)
{
    const tdag_dim dims[] = {tdag_builder_symbol(b, "N", 2), 4};
    return tdag_add_input(b, "x", TDAG_F32, 2, dims);
}

/* ---- refusals ---- */

static void symbol_no_name(tdag_builder *b) { tdag_builder_symbol(b, "a b", 1); }
static void symbol_null(tdag_builder *b) { tdag_builder_symbol(b, NULL, 1); }
static void symbol_negative(tdag_builder *b) { tdag_builder_symbol(b, "N", -1); }
static void symbol_twice(tdag_builder *b)
{
    tdag_builder_symbol(b, "N", 1);
    tdag_builder_symbol(b, "N", 2);
}
static void divided_by_zero(tdag_builder *b)
{
    tdag_dim_floordiv(b, tdag_builder_symbol(b, "N", 1), 0);
}
static void negative_size(tdag_builder *b)
{
    const tdag_dim dims[] = {tdag_dim_sub(b, tdag_builder_symbol(b, "N", 1), 2)};
    tdag_add_input(b, "x", TDAG_F32, 1, dims);
}
static void bad_dtype(tdag_builder *b)
{
    tdag_add_input(b, "x", (tdag_dtype)77, 0, NULL);
}
static void bad_rank(tdag_builder *b)
{
    static const tdag_dim dims[TDAG_MAX_RANK + 1] = {0};
    tdag_add_input(b, "x", TDAG_F32, TDAG_MAX_RANK + 1, dims);
}
static void tensor_null(tdag_builder *b)
{
    tdag_add_tensor(b, TDAG_OP_PARAMETER, "w", NULL);
}
static void tensor_op(tdag_builder *b) { tdag_add_tensor(b, TDAG_OP_ADD, "w", NULL); }
static void no_such_op(tdag_builder *b)
{
    tdag_value x = input(b);
    tdag_add_node(b, (tdag_op)9999, NULL, 0, &x, 1);
}
static void leaf_as_node(tdag_builder *b)
{
    tdag_add_node(b, TDAG_OP_INPUT, NULL, 0, NULL, 0);
}
static void no_value(tdag_builder *b) { tdag_unary(b, TDAG_OP_NEG, TDAG_NO_VALUE); }
static void later_value(tdag_builder *b)
{
    tdag_unary(b, TDAG_OP_NEG, (tdag_value){input(b).id + 1});
}
static void too_few(tdag_builder *b)
{
    tdag_value x = input(b);
    tdag_add_node(b, TDAG_OP_ADD, NULL, 0, &x, 1);
}
static void no_spec(tdag_builder *b)
{
    tdag_value x = input(b);
    tdag_add_node(b, TDAG_OP_REDUCE, NULL, 0, &x, 1);
}
static void null_list(tdag_builder *b)
{
    tdag_permute(b, input(b), (tdag_list){2, NULL});
}
static void longer_spec(tdag_builder *b)
{
    struct {
        tdag_permute_spec known;
        int64_t unknown;
    } spec = {{TDAG_LIST(1, 0)}, 1};
    tdag_value x = input(b);
    tdag_add_node(b, TDAG_OP_PERMUTE, &spec, sizeof spec, &x, 1);
}
static void shape_rule(tdag_builder *b)
{
    tdag_permute(b, input(b), TDAG_LIST(0, 1, 2));
}
static void output_of_nothing(tdag_builder *b)
{
    tdag_builder_add_output(b, TDAG_NO_VALUE);
}

static const struct {
    const char *name;
    void (*build)(tdag_builder *b);
    tdag_status st;
    const char *word; /* of the sentence */
} refusals[] = {
    {"symbol's name", symbol_no_name, TDAG_E_ARG, "identifier, not 'a b'"},
    {"symbol without name", symbol_null, TDAG_E_ARG, "identifier"},
    {"negative sample", symbol_negative, TDAG_E_ARG, "negative sample -1"},
    {"two samples", symbol_twice, TDAG_E_ARG, ""},
    {"division by zero", divided_by_zero, TDAG_E_ARG, ""},
    {"negative size", negative_size, TDAG_E_SHAPE, ""},
    {"dtype", bad_dtype, TDAG_E_DTYPE, ""},
    {"rank", bad_rank, TDAG_E_LIMIT, ""},
    {"no tensor", tensor_null, TDAG_E_ARG, "has a tensor"},
    {"op of a tensor", tensor_op, TDAG_E_ARG, "parameter, a buffer or a constant"},
    {"op", no_such_op, TDAG_E_ARG, "op number 9999"},
    {"leaf as node", leaf_as_node, TDAG_E_ARG, "cannot be added as a node"},
    {"no value", no_value, TDAG_E_ARG, "input 0 of neg is no value"},
    {"later value", later_value, TDAG_E_ARG, "input 0 of neg is no value"},
    {"too few inputs", too_few, TDAG_E_ARG, "add takes 2 inputs, not 1"},
    {"no spec", no_spec, TDAG_E_ARG, "reduce needs its spec"},
    {"list that is NULL", null_list, TDAG_E_ARG, "permute: the list order is NULL"},
    {"spec of the future", longer_spec, TDAG_E_ARG, "does not know"},
    {"rule of the op", shape_rule, TDAG_E_SHAPE, "permute"},
    {"output", output_of_nothing, TDAG_E_ARG, "output 0 is no value"},
};

static void test_refusals(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    int wrong = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        tdag_builder *b = NULL;
        tdag_graph *g = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        refusals[i].build(b);
        tdag_status st = tdag_builder_finish(b, &g);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != refusals[i].st || strstr(message, refusals[i].word) == NULL) {
            print_error("%s: %s: %s\n", refusals[i].name, tdag_status_text(st),
                        st == TDAG_OK ? "" : message);
            wrong++;
        }
        if (st == TDAG_OK) tdag_graph_free(g);
        tdag_builder_free(b);
    }
    assert_int_equal(wrong, 0);
    tdag_ctx_free(ctx);
}

/* After a failure nothing is added; forgiven, it goes on. */
static void test_sticks(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x = input(b);
    no_value(b);
    assert_int_equal(tdag_builder_get_status(b), TDAG_E_ARG);
    assert_int_equal(tdag_unary(b, TDAG_OP_NEG, x).id, 0);
    assert_int_equal(tdag_builder_symbol(b, "M", 1), 0);
    bad_rank(b); /* another failure does not replace the first */
    assert_int_equal(tdag_builder_get_status(b), TDAG_E_ARG);
    tdagi_builder_forgive(b);
    tdag_builder_add_output(b, tdag_unary(b, TDAG_OP_NEG, x));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    assert_int_equal(tdag_graph_get_n_nodes(g), 2);
    tdag_graph *again = NULL;
    assert_int_equal(tdag_builder_finish(b, &again), TDAG_E_ARG);
    tdag_builder_free(b);
    tdag_builder_free(NULL);
    TEST_OK(ctx, tdag_verify(ctx, g));
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* What an op would give, without adding it. */
static void test_infer(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x = input(b);
    tdagi_type type;
    const tdag_permute_spec good = {TDAG_LIST(1, 0)}, bad = {TDAG_LIST(0, 0)};
    TEST_OK(ctx, tdagi_builder_infer(b, TDAG_OP_PERMUTE, &good, &x, 1, &type));
    assert_int_equal(type.rank, 2);
    assert_int_equal(type.shape[0], 4);
    assert_int_equal(tdagi_builder_infer(b, TDAG_OP_PERMUTE, &bad, &x, 1, &type),
                     TDAG_E_SHAPE);
    assert_int_equal(tdag_builder_get_status(b), TDAG_OK);
    assert_int_equal(tdag_builder_get_rank(b, TDAG_NO_VALUE), 0);
    assert_int_equal(tdag_builder_get_rank(b, x), 2);
    assert_int_equal(tdag_builder_get_dtype(b, x), TDAG_F32);
    tdag_builder_free(b);
    tdag_ctx_free(ctx);
}

/* A limit of the context counts leaves, too. */
static void test_limit(void **state)
{
    (void)state;
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.limits.max_nodes = 3;
    tdag_ctx *ctx = NULL;
    tdag_builder *b = NULL;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x = input(b);
    for (int i = 0; i < 2; i++)
        x = tdag_unary(b, TDAG_OP_NEG, x);
    assert_int_equal(tdag_builder_get_status(b), TDAG_OK);
    tdag_unary(b, TDAG_OP_NEG, x);
    assert_int_equal(tdag_builder_get_status(b), TDAG_E_LIMIT);
    tdag_builder_free(b);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_sticks),
        cmocka_unit_test(test_infer),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
