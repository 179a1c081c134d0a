/* Removing a dimension: the graph that comes out, as text, or the refusal with its node
 * and module path. */
#include <tdagger/axis.h>

#include "support/test.h"

#define HEAD     "tdag 1\nsymbols N=3 S=4\n"
#define HEAD_OUT "tdag 1\nsymbols S=4\n"

typedef struct removal_case {
    const char *name, *text;
    uint32_t flags;
    const char *want;          /* the new text; "!" and a part of the sentence */
    const char *node, *module; /* where it is refused */
} removal_case;

static const removal_case cases[] = {
    {"leading axis",
     HEAD "x: f32[N,3,S] = input\n"
          "w: f32[3] = parameter [1, 2, 3] @a.b\n"
          "u = unsqueeze(w) {axes=[1]} @a.b\n"
          "y = multiply(x, u) @a\n"
          "z = reduce(y) {axes=[1], kind=sum}\n"
          "return z\n",
     0,
     HEAD_OUT "x: f32[3,S] = input\n"
              "w: f32[3] = parameter [1, 2, 3] @a.b\n"
              "u: f32[3,1] = unsqueeze(w) {axes=[1]} @a.b\n"
              "y: f32[3,S] = multiply(x, u) @a\n"
              "z: f32[1,S] = reduce(y) {axes=[0], kind=sum}\n"
              "return z\n",
     NULL, NULL},
    {"merged and split",
     HEAD "x: f32[S,N,6] = input\n"
          "g = group(x) {runs=[2,1]}\n"
          "e = exp(g)\n"
          "u = ungroup(e) {counts=[2,2], factors=[S,N,2,3]}\n"
          "h = group(u) {runs=[1,2,1]}\n"
          "return h\n",
     0,
     HEAD_OUT "x: f32[S,6] = input\n"
              "g: f32[S,6] = group(x) {runs=[1,1]}\n"
              "e: f32[S,6] = exp(g)\n"
              "u: f32[S,2,3] = ungroup(e) {counts=[1,2], factors=[S,2,3]}\n"
              "h: f32[S,2,3] = group(u) {runs=[1,1,1]}\n"
              "return h\n",
     NULL, NULL},
    {"a node that no output needs may mix",
     HEAD "x: f32[N,2] = input\n"
          "m = reduce(x) {axes=[0], kind=max}\n"
          "y = neg(x)\n"
          "return y, y\n",
     0,
     HEAD_OUT "x: f32[2] = input\n"
              "y: f32[2] = neg(x)\n"
              "return y, y\n",
     NULL, NULL},
    {"an input and an output without it",
     HEAD "x: f32[N,2] = input\n"
          "k: f32[S] = input\n"
          "y = neg(k)\n"
          "return y, x, k\n",
     0,
     HEAD_OUT "x: f32[2] = input\n"
              "k: f32[S] = input\n"
              "y: f32[S] = neg(k)\n"
              "return y, x, k\n",
     NULL, NULL},
    {"a batch index",
     HEAD "x: f32[N,S,5] = input\n"
          "i: i64[N] = input\n"
          "g = group(x) {runs=[2,1]}\n"
          "n = iota {n=N, dtype=i64}\n"
          "one: i64[1] = constant [1]\n"
          "r = repeat(one) {counts=[S]}\n"
          "s = reduce(r) {axes=[0], kind=sum}\n"
          "f = multiply(n, s)\n"
          "at = add(f, i)\n"
          "y = gather(g, at) {batch=0}\n"
          "return y\n",
     0,
     HEAD_OUT "x: f32[S,5] = input\n"
              "i: i64[] = input\n"
              "g: f32[S,5] = group(x) {runs=[1,1]}\n"
              "n: i64[] = constant [0]\n"
              "one: i64[1] = constant [1]\n"
              "r: i64[S] = repeat(one) {counts=[S]}\n"
              "s: i64[1] = reduce(r) {axes=[0], kind=sum}\n"
              "v8: i64[] = squeeze(s) {axes=[0]}\n"
              "f: i64[] = multiply(n, v8)\n"
              "at: i64[] = add(f, i)\n"
              "y: f32[5] = gather(g, at) {batch=0}\n"
              "return y\n",
     NULL, NULL},
    {"mixes",
     HEAD "x: f32[N,2] = input\n"
          "m = reduce(x) {axes=[0], kind=max} @top.norm\n"
          "y = add(x, m) @top\n"
          "return y\n",
     0, "!N cannot be removed: reduce reduces over its axis", "m", "top.norm"},
    {"mixes, at one",
     HEAD "x: f32[N,2] = input\n"
          "m = reduce(x) {axes=[0], kind=max} @top.norm\n"
          "y = add(x, m) @top\n"
          "return y\n",
     TDAG_REMOVE_DIM_AT_ONE,
     HEAD_OUT "x: f32[2] = input\n"
              "v2: f32[1,2] = unsqueeze(x) {axes=[0]} @top.norm\n"
              "m: f32[1,2] = reduce(v2) {axes=[0], kind=max} @top.norm\n"
              "v4: f32[2] = squeeze(m) {axes=[0]} @top\n"
              "y: f32[2] = add(x, v4) @top\n"
              "return y\n",
     NULL, NULL},
    {"the size as a number, at one",
     HEAD "x: f32[N,2] = input\n"
          "one: f32[1] = constant [1]\n"
          "r = repeat(one) {counts=[N]}\n"
          "n = reduce(r) {axes=[0], kind=sum}\n"
          "y = multiply(x, n)\n"
          "return y\n",
     TDAG_REMOVE_DIM_AT_ONE,
     HEAD_OUT "x: f32[2] = input\n"
              "one: f32[1] = constant [1]\n"
              "v3: f32[] = squeeze(one) {axes=[0]}\n"
              "r: f32[] = repeat(v3) {counts=[]}\n"
              "v5: f32[1] = unsqueeze(r) {axes=[0]}\n"
              "n: f32[1] = reduce(v5) {axes=[0], kind=sum}\n"
              "y: f32[2] = multiply(x, n)\n"
              "return y\n",
     NULL, NULL},
    {"twice in an input",
     HEAD "x: f32[N,N] = input\n"
          "return x\n",
     0, "!N cannot be removed: the input has it in more than one axis of its own", "x",
     ""},
    {"twice in an input, at one",
     HEAD "x: f32[N,N,2] = input\n"
          "y = reduce(x) {axes=[0], kind=max}\n"
          "return x, y\n",
     TDAG_REMOVE_DIM_AT_ONE,
     HEAD_OUT "x: f32[2] = input\n"
              "v2: f32[1,1,2] = unsqueeze(x) {axes=[0,1]}\n"
              "y: f32[1,1,2] = reduce(v2) {axes=[0], kind=max}\n"
              "v4: f32[2] = squeeze(v2) {axes=[0,1]}\n"
              "v5: f32[1,2] = squeeze(y) {axes=[1]}\n"
              "return v4, v5\n",
     NULL, NULL},
    {"positions as an output",
     HEAD "x: f32[N,2] = input\n"
          "n = iota {n=N, dtype=i64} @ids\n"
          "return x, n\n",
     0, "!N cannot be removed: an output counts its positions", "n", "ids"},
    {"part of an input's axis",
     HEAD "x: f32[N+1] = input\n"
          "return x\n",
     0, "!more than one axis of its own", "x", ""},
};

static void run_case(tdag_ctx *ctx, const removal_case *c)
{
    tdag_graph *g = NULL, *out = NULL;
    char *text = NULL;
    tdag_remove_dim_options o;
    tdag_remove_dim_options_init(&o);
    o.flags = c->flags;
    TEST_OK(ctx, tdag_graph_parse(ctx, c->text, strlen(c->text), &g));
    tdag_status st = tdag_graph_remove_dim(ctx, g, "N", &o, &out);
    const tdag_error *e = tdag_ctx_get_error(ctx);
    if (c->want[0] == '!') {
        if (st != TDAG_E_UNSUPPORTED || strstr(e->message, c->want + 1) == NULL ||
            strcmp(e->node, c->node) != 0 || strcmp(e->scope, c->module) != 0)
            fail_msg("%s: status %d, %s, node \"%s\", module \"%s\"", c->name, (int)st,
                     e->message, e->node, e->scope);
    } else {
        if (st != TDAG_OK)
            fail_msg("%s: %s (%s, %s)", c->name, e->message, e->node, e->scope);
        TEST_OK(ctx, tdag_verify(ctx, out));
        TEST_OK(ctx, tdag_graph_print(ctx, out, TDAG_TEXT_FULL, &text));
        if (strcmp(text, c->want) != 0) fail_msg("%s: %s", c->name, text);
    }
    tdag_text_free(ctx, text);
    tdag_graph_free(out);
    tdag_graph_free(g);
}

static void test_cases(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        run_case(ctx, &cases[i]);
    tdag_ctx_free(ctx);
}

static void test_arguments(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL, *out = NULL;
    tdag_remove_dim_options o;
    TEST_OK(ctx, tdag_graph_parse(ctx, cases[0].text, strlen(cases[0].text), &g));
    assert_int_equal(tdag_graph_remove_dim(ctx, g, "B", NULL, &out), TDAG_E_ARG);
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "the graph has no symbolic dimension B; it has N, S");
    assert_int_equal(tdag_graph_remove_dim(ctx, g, NULL, NULL, &out), TDAG_E_ARG);
    assert_int_equal(tdag_graph_remove_dim(ctx, NULL, "N", NULL, &out), TDAG_E_ARG);
    tdag_remove_dim_options_init(&o);
    o.flags = 2;
    assert_int_equal(tdag_graph_remove_dim(ctx, g, "N", &o, &out), TDAG_E_ARG);
    TEST_OK(ctx, tdag_graph_remove_dim(ctx, g, "N", NULL, &out));
    tdag_graph_free(g);
    g = NULL;
    assert_int_equal(tdag_graph_remove_dim(ctx, out, "N", NULL, &g), TDAG_E_ARG);
    tdag_graph_free(out);
    tdag_ctx_free(ctx);
}

#define FIXED                                                                          \
    "tdag 1\nx: f32[2,1] = input\nk: f32[1] = input\n"                                 \
    "m = reduce(x) {axes=[1], kind=mean}\ny = add(m, k)\nreturn x, y\n"

static tdag_status remove_fixed(tdag_ctx *ctx, void *arg)
{
    tdag_graph *g = NULL, *out = NULL;
    char *text = NULL;
    tdag_remove_dim_options o;
    tdag_remove_dim_options_init(&o);
    o.axes = arg;
    o.n_axes = 2;
    tdag_status st = tdag_graph_parse(ctx, FIXED, strlen(FIXED), &g);
    if (st == TDAG_OK) st = tdag_graph_remove_dim(ctx, g, "N", &o, &out);
    if (st == TDAG_OK) st = tdag_graph_print(ctx, out, 0, &text);
    if (st == TDAG_OK)
        assert_string_equal(text, "tdag 1\n"
                                  "x: f32[2] = input\n"
                                  "k: f32[1] = input\n"
                                  "v3: f32[2,1] = unsqueeze(x) {axes=[1]}\n"
                                  "v4: f32[2,1] = reduce(v3) {axes=[1], kind=mean}\n"
                                  "m: f32[2] = squeeze(v4) {axes=[1]}\n"
                                  "v6: f32[] = squeeze(k) {axes=[0]}\n"
                                  "y: f32[2] = add(m, v6)\n"
                                  "return x, y\n");
    tdag_text_free(ctx, text);
    tdag_graph_free(out);
    tdag_graph_free(g);
    return st;
}

/* A size 1 that is no symbol, by the axis of each input. */
static void test_fixed(void **state)
{
    (void)state;
    int64_t axes[2] = {1, -1};
    tdag_ctx *ctx = test_ctx();
    test_every_oom(remove_fixed, axes);
    axes[0] = 0;
    assert_int_equal(remove_fixed(ctx, axes), TDAG_E_ARG);
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "input 0 has no axis 0 of size 1 to remove");
    tdag_ctx_free(ctx);
}

static tdag_status remove_one(tdag_ctx *ctx, void *arg)
{
    const removal_case *c = arg;
    tdag_graph *g = NULL, *out = NULL;
    tdag_remove_dim_options o;
    tdag_remove_dim_options_init(&o);
    o.flags = c->flags;
    tdag_status st = tdag_graph_parse(ctx, c->text, strlen(c->text), &g);
    if (st == TDAG_OK) st = tdag_graph_remove_dim(ctx, g, "N", &o, &out);
    tdag_graph_free(out);
    tdag_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        removal_case c = cases[i];
        if (c.want[0] != '!') test_every_oom(remove_one, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
