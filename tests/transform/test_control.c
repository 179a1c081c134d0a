/* Inputs and states that become constants; graphs taken out of programs. */
#include "support/test.h"

#include <tdagger.h>

#include "base/tensor.h"
#include "program/model.h"

static const char text[] =
    "tdag 2\n"
    "graph positive {\n  n: i64[] = input\n  z: i64[] = constant [0]\n"
    "  c: bool[] = less(z, n)\n  return c\n}\n"
    "graph step {\n  h: f32[4] = input\n  k: f32[4] = input\n"
    "  w: f32[4] = parameter [0.5, 0.25, -0.5, 1] @cell\n"
    "  m: f32[4] = multiply(h, w) @cell\n  y: f32[4] = add(m, k) @cell\n  return y\n}\n"
    "graph neg {\n  h: f32[4] = input\n  y: f32[4] = neg(h)\n  return y\n}\n"
    "state kept: f32[4] = [1, 2, 3, 4]\n"
    "state other: f32[4] = [0, 0, 0, 0]\n"
    "program forward(x: f32[4], n: i64[]) -> (f32[4]) {\n"
    "  inputs \"(T, {\\\"n\\\": T})\"\n"
    "  k = read kept\n  c = call positive(n)\n"
    "  y = loop limit n (i; h = x) {\n    h1 = call step(h, k)\n    yield h1\n  }\n"
    "  z = if c {\n    write kept y\n    yield y\n  } else {\n"
    "    v = call neg(y)\n    yield v\n  }\n  write other z\n  return z\n}\n";

static tdag_model *parse(tdag_ctx *ctx)
{
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, text, strlen(text), &m));
    return m;
}

static tdag_tensor *number(tdag_ctx *ctx, tdag_dtype dtype, int64_t value)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, 0, NULL, &t));
    tdagi_tensor_set_i64(t, 0, value);
    return t;
}

static void run(tdag_ctx *ctx, const tdag_model *m, tdag_tensor *n, double out[4])
{
    const int64_t shape[] = {4};
    tdag_tensor *in[2] = {NULL, n}, *y = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, shape, &in[0]));
    for (int i = 0; i < 4; i++)
        tdagi_tensor_set_f64(in[0], i, i - 1.5);
    TEST_OK(ctx, tdag_run(ctx, m, in, n == NULL ? 1 : 2, NULL, &y));
    for (int i = 0; i < 4; i++)
        out[i] = tdagi_tensor_get_f64(y, i);
    tdag_tensor_free(in[0]);
    tdag_tensor_free(y);
}

static void test_input(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx);
    for (int64_t n = -1; n < 4; n++) {
        double before[4], after[4];
        tdag_model *fixed = NULL;
        tdag_tensor *value = number(ctx, TDAG_I64, n);
        TEST_OK(ctx, tdag_fix(ctx, m, n % 2 == 0 ? "n" : "in1", value, &fixed));
        char says[64];
        snprintf(says, sizeof says, "(T, {\"n\": %d})", (int)n);
        assert_string_equal(tdag_model_get_input_structure(fixed), says);
        run(ctx, m, value, before);
        run(ctx, fixed, NULL, after);
        assert_memory_equal(before, after, sizeof before);
        tdag_model_free(fixed);
        tdag_tensor_free(value);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_state(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx), *fixed = NULL, *graph = NULL, *one = NULL;
    tdag_tensor *n = number(ctx, TDAG_I64, 2);
    double before[4], after[4];
    TEST_OK(ctx, tdag_fix(ctx, m, "kept", NULL, &fixed));
    assert_int_equal(tdag_model_get_n_states(fixed), 1);
    assert_string_equal(tdag_model_get_state_name(fixed, 0), "other");
    run(ctx, m, n, before);
    run(ctx, fixed, n, after);
    assert_memory_equal(before, after, sizeof before);
    /* without states, and with a count, it is a graph once it is unrolled */
    TEST_OK(ctx, tdag_fix(ctx, fixed, "other", NULL, &one));
    tdag_model_free(fixed);
    TEST_OK(ctx, tdag_fix(ctx, one, "n", n, &fixed));
    TEST_OK(ctx, tdag_unroll(ctx, fixed, NULL, &graph));
    if (tdag_model_get_graph(graph) == NULL) {
        char *t = NULL;
        TEST_OK(ctx, tdag_model_print(ctx, graph, 0, &t));
        fail_msg("%s", t);
    }
    run(ctx, graph, NULL, after);
    assert_memory_equal(before, after, sizeof before);
    tdag_model_free(graph);
    tdag_model_free(one);
    tdag_model_free(fixed);
    tdag_model_free(m);
    tdag_tensor_free(n);
    tdag_ctx_free(ctx);
}

static void test_refused(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx), *out = NULL;
    tdag_tensor *i = number(ctx, TDAG_I64, 1), *b = number(ctx, TDAG_BOOL, 1);
    const struct {
        const char *name;
        const tdag_tensor *value;
        tdag_status status;
    } cases[] = {{"none", i, TDAG_E_ARG},
                 {"n", NULL, TDAG_E_ARG},
                 {"n", b, TDAG_E_SHAPE},
                 {"x", i, TDAG_E_SHAPE},
                 {"kept", i, TDAG_E_SHAPE}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        assert_int_equal(tdag_fix(ctx, m, cases[k].name, cases[k].value, &out),
                         cases[k].status);
    tdag_tensor_free(i);
    tdag_tensor_free(b);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_extract(void **state)
{
    (void)state;
    static const struct {
        const char *graph, *module, *from, *says;
    } cases[] = {
        {"step", NULL, NULL, NULL},
        {NULL, "cell", NULL, NULL},
        {"step", "cell", NULL, NULL},
        {"step", NULL, "m", NULL},
        {"none", NULL, NULL, "the model has no graph none"},
        {NULL, "head", NULL, "no graph has a node in a module \"head\""},
        {NULL, NULL, "m", "the model is a program, and this takes one graph only"}};
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *inputs[] = {"m", "k"};
        tdag_model *part = NULL;
        tdag_extract_options o;
        tdag_extract_options_init(&o);
        o.graph = cases[i].graph;
        o.module = cases[i].module;
        o.inputs = inputs;
        o.n_inputs = cases[i].from == NULL ? 0 : 2;
        tdag_status st = tdag_extract(ctx, m, &o, &part);
        if (cases[i].says != NULL) {
            assert_string_equal(tdag_ctx_get_error(ctx)->message, cases[i].says);
            continue;
        }
        TEST_OK(ctx, st);
        const tdag_graph *g = tdag_model_get_graph(part);
        assert_int_equal(tdag_graph_get_n_inputs(g), 2);
        assert_int_equal(tdag_graph_get_n_outputs(g), 1);
        tdag_model_free(part);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    tdag_model *a = NULL, *b = NULL;
    tdag_tensor *n = NULL;
    tdag_status st = tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &n);
    if (st == TDAG_OK) st = tdag_fix(ctx, arg, "n", n, &a);
    if (st == TDAG_OK) st = tdag_fix(ctx, a, "other", NULL, &b);
    tdag_tensor_free(n);
    tdag_model_free(a);
    tdag_model_free(b);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx);
    test_every_oom(oom_body, m);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input),   cmocka_unit_test(test_state),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_extract),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
