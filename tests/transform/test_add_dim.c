/* Adding a dimension: the graph that comes out, as text; arguments; out of memory. What
 * it computes is the business of test_axis_random.c. */
#include <tdagger/axis.h>

#include "support/test.h"

#define HEAD     "tdag 1\nsymbols S=4\n"
#define HEAD_OUT "tdag 1\nsymbols S=4 N=2\n"

typedef struct addition_case {
    const char *name, *text;
    uint32_t axis;
    const char *input; /* NULL: all of them */
    const char *want;
} addition_case;

static const addition_case cases[] = {
    {"a lower rank broadcasts behind it",
     HEAD "x: f32[S] = input\n"
          "k: f32[3,S] = input\n"
          "w: f32[5,1] = parameter [0, 0, 0, 0, 0] @a\n"
          "y = multiply(x, w) @a\n"
          "z = add(y, x)\n"
          "return z\n",
     0, "x",
     HEAD_OUT "x: f32[N,S] = input\n"
              "k: f32[3,S] = input\n"
              "w: f32[5,1] = parameter [0, 0, 0, 0, 0] @a\n"
              "v4: f32[N,1,S] = unsqueeze(x) {axes=[1]} @a\n"
              "y: f32[N,5,S] = multiply(v4, w) @a\n"
              "z: f32[N,5,S] = add(y, v4)\n"
              "return z\n"},
    {"behind, and an output without it",
     HEAD "x: f32[3,S] = input\n"
          "k: f32[3] = input\n"
          "y = reduce(x) {axes=[0], kind=max}\n"
          "return y, k\n",
     1, "x",
     HEAD_OUT "x: f32[3,N,S] = input\n"
              "v2: f32[N,3,S] = permute(x) {order=[1,0,2]}\n"
              "k: f32[3] = input\n"
              "y: f32[N,1,S] = reduce(v2) {axes=[1], kind=max}\n"
              "v5: f32[1,N,S] = permute(y) {order=[1,0,2]}\n"
              "v6: f32[3,1] = unsqueeze(k) {axes=[1]}\n"
              "v7: f32[3,N] = repeat(v6) {counts=[1,N]}\n"
              "return v5, v7\n"},
    {"a shared index",
     HEAD "x: f32[S,3] = input\n"
          "i: i64[2] = input\n"
          "y = gather(x, i) {batch=0}\n"
          "return y\n",
     0, "x",
     HEAD_OUT "x: f32[N,S,3] = input\n"
              "i: i64[2] = input\n"
              "v3: f32[S,N,3] = permute(x) {order=[1,0,2]}\n"
              "v4: f32[2,N,3] = gather(v3, i) {batch=0}\n"
              "y: f32[N,2,3] = permute(v4) {order=[1,0,2]}\n"
              "return y\n"},
    {"a shared table",
     HEAD "x: f32[S,3] = input\n"
          "i: i64[2] = input\n"
          "y = gather(x, i) {batch=0}\n"
          "return y\n",
     0, "i",
     HEAD_OUT "x: f32[S,3] = input\n"
              "i: i64[N,2] = input\n"
              "y: f32[N,2,3] = gather(x, i) {batch=0}\n"
              "return y\n"},
};

static tdag_status add_to(tdag_ctx *ctx, const addition_case *c, tdag_graph **g,
                          tdag_graph **out)
{
    tdag_add_dim_options o;
    tdag_add_dim_options_init(&o);
    o.axis = c->axis;
    o.n_inputs = c->input != NULL;
    o.inputs = &c->input;
    tdag_status st = tdag_graph_parse(ctx, c->text, strlen(c->text), g);
    return st == TDAG_OK ? tdag_graph_add_dim(ctx, *g, "N", &o, out) : st;
}

static void test_cases(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tdag_graph *g = NULL, *out = NULL;
        char *text = NULL;
        TEST_OK(ctx, add_to(ctx, &cases[i], &g, &out));
        TEST_OK(ctx, tdag_verify(ctx, out));
        TEST_OK(ctx, tdag_graph_print(ctx, out, 0, &text));
        if (strcmp(text, cases[i].want) != 0) fail_msg("%s: %s", cases[i].name, text);
        tdag_text_free(ctx, text);
        tdag_graph_free(out);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

static void expect(tdag_ctx *ctx, const char *text, const char *dim,
                   const tdag_add_dim_options *o, tdag_status status, const char *words)
{
    tdag_graph *g = NULL, *out = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    tdag_status st = tdag_graph_add_dim(ctx, g, dim, o, &out);
    if (st != status || strstr(tdag_ctx_get_error(ctx)->message, words) == NULL)
        fail_msg("status %d: %s", (int)st, tdag_ctx_get_error(ctx)->message);
    tdag_graph_free(out);
    tdag_graph_free(g);
}

static void test_refused(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const char *name = "y";
    tdag_add_dim_options o;
    tdag_add_dim_options_init(&o);
    o.inputs = &name;
    o.n_inputs = 1;
    expect(ctx, cases[0].text, "N", &o, TDAG_E_ARG, "the graph has no input named y");
    tdag_add_dim_options_init(&o);
    o.axis = 2;
    expect(ctx, cases[0].text, "N", &o, TDAG_E_ARG,
           "N cannot be axis 2 of an input of 1 axes");
    tdag_add_dim_options_init(&o);
    o.sample = -1;
    expect(ctx, cases[0].text, "N", &o, TDAG_E_ARG, "the sample of N is negative");
    expect(ctx, cases[0].text, "S", NULL, TDAG_E_ARG, "a dimension S already");
    expect(ctx, cases[0].text, "a b", NULL, TDAG_E_ARG, "must be an identifier");
    expect(ctx,
           "tdag 1\nx: f32[2] = input\n"
           "y = opaque(x) {name=\"a::b\", dtype=f32, shape=[2]} @m\nreturn y\n",
           "N", NULL, TDAG_E_UNSUPPORTED,
           "N cannot be added: a::b is an operator without a recipe");
    expect(ctx, "tdag 1\nx: f32[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] = input\nreturn x\n",
           "N", NULL, TDAG_E_SHAPE, "16 axes, the most there are");
    expect(ctx,
           "tdag 1\nx: f32[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] = input\n"
           "u = unsqueeze(x) {axes=[0]}\ny = squeeze(u) {axes=[0,1]}\nreturn y\n",
           "N", NULL, TDAG_E_SHAPE, "unsqueeze");
    tdag_ctx_free(ctx);
}

static tdag_status add_one(tdag_ctx *ctx, void *arg)
{
    tdag_graph *g = NULL, *out = NULL;
    tdag_status st = add_to(ctx, arg, &g, &out);
    tdag_graph_free(out);
    tdag_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        addition_case c = cases[i];
        test_every_oom(add_one, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
