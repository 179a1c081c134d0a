/* What each rule makes of the smallest graph it applies to, and of graphs beside it to
 * which it must not apply, in the textual form. */
#include "support/random_graph.h"

static const struct row {
    const char *name;
    uint32_t passes;
    const char *before; /* NULL in `after`: stays as it is */
    const char *after;
} rows[] = {
    /* dead */
    {"unused nodes and weights, not inputs", TDAG_PASS_DEAD,
     "x: f32[2] = input\nu: f32[3] = input\nw: f32[1] = parameter [1]\ne = exp(x)\n"
     "y = neg(x)\nreturn y\n",
     "x: f32[2] = input\nu: f32[3] = input\ny = neg(x)\nreturn y\n"},
    {"nothing but dead", TDAG_PASS_DEAD,
     "x: f32[2] = input\na = neg(x)\ny = neg(a)\nreturn y\n", NULL},
    /* common */
    {"equal nodes", TDAG_PASS_COMMON,
     "x: f32[2] = input\na = exp(x)\nb = exp(x)\ny = multiply(a, b)\nreturn y\n",
     "x: f32[2] = input\na = exp(x)\ny = multiply(a, a)\nreturn y\n"},
    {"operands in either order", TDAG_PASS_COMMON,
     "x: f32[2] = input\nz: f32[2] = input\na = add(x, z)\nb = add(z, x)\n"
     "y = less(a, b)\nreturn y\n",
     "x: f32[2] = input\nz: f32[2] = input\na = add(x, z)\ny = less(a, a)\nreturn y\n"},
    {"not of less", TDAG_PASS_COMMON,
     "x: f32[2] = input\nz: f32[2] = input\na = less(x, z)\nb = less(z, x)\n"
     "y = add(a, b)\nreturn y\n",
     NULL},
    {"equal constants, not equal weights", TDAG_PASS_COMMON,
     "x: f32[2] = input\nc: f32[] = constant [3]\nd: f32[] = constant [3]\n"
     "p: f32[] = parameter [3]\nq: f32[] = parameter [3]\na = add(x, c)\n"
     "b = less(a, d)\ne = less(x, p)\nf = less(x, q)\nreturn b, e, f\n",
     "x: f32[2] = input\nc: f32[] = constant [3]\np: f32[] = parameter [3]\n"
     "q: f32[] = parameter [3]\na = add(x, c)\nb = less(a, c)\ne = less(x, p)\n"
     "f = less(x, q)\nreturn b, e, f\n"},
    {"constants of another sign of zero", TDAG_PASS_COMMON,
     "x: f32[2] = input\nc: f32[] = constant [0]\nd: f32[] = constant [-0]\n"
     "a = add(x, c)\ny = add(a, d)\nreturn y\n",
     NULL},
    /* constants */
    {"a chain", TDAG_PASS_CONSTANTS,
     "x: f32[2] = input\nc: f32[2] = constant [1, 4]\ns = sqrt(c)\nn = neg(s)\n"
     "y = less(x, n)\nreturn y\n",
     "x: f32[2] = input\nv2: f32[2] = constant [-1, -2]\ny = less(x, v2)\nreturn y\n"},
    {"an iota stays, what is computed of it does not", TDAG_PASS_CONSTANTS,
     "x: i64[3] = input\ni = iota() {n=3, dtype=i64}\nn = neg(i)\na = less(x, i)\n"
     "y = less(x, n)\nreturn a, y\n",
     "x: i64[3] = input\ni = iota() {n=3, dtype=i64}\nv3: i64[3] = constant [0, -1, "
     "-2]\n"
     "a = less(x, i)\ny = less(x, v3)\nreturn a, y\n"},
    {"a repeated constant over the limit", TDAG_PASS_CONSTANTS,
     "x: f32[20000] = input\nc: f32[1] = constant [1]\n"
     "r = repeat(c) {counts=[20000]}\ny = less(x, r)\nreturn y\n",
     NULL},
    {"a gather out of range", TDAG_PASS_CONSTANTS,
     "c: f32[2] = constant [1, 2]\ni: i64[1] = constant [5]\n"
     "y = gather(c, i) {batch=0}\nreturn y\n",
     NULL},
    {"weights are not constants", TDAG_PASS_CONSTANTS,
     "w: f32[1] = parameter [1]\nb: f32[1] = buffer [1]\ny = add(w, b)\nreturn y\n",
     NULL},
    /* identities */
    {"times one", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\nc: f32[] = constant [1]\na = multiply(c, x)\ny = exp(a)\n"
     "return y\n",
     "x: f32[2] = input\ny = exp(x)\nreturn y\n"},
    {"times one that broadcasts", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\nc: f32[1,1] = constant [1]\na = multiply(c, x)\ny = exp(a)\n"
     "return y\n",
     NULL},
    {"times zero", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\nc: f32[] = constant [0]\na = multiply(x, c)\ny = exp(a)\n"
     "return y\n",
     NULL},
    {"plus zero of a float that may be -0", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\nc: f32[] = constant [0]\na = add(x, c)\ny = exp(a)\nreturn "
     "y\n",
     NULL},
    {"plus zero of one that is not", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\nc: f32[] = constant [0]\ne = exp(x)\na = add(e, c)\n"
     "y = exp(a)\nreturn y\n",
     "x: f32[2] = input\ne = exp(x)\ny = exp(e)\nreturn y\n"},
    {"plus the negative zero, integers", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\nz: i32[2] = input\nc: f32[] = constant [-0]\n"
     "d: i32[] = constant [0]\na = add(x, c)\nb = add(z, d)\ny = exp(a)\nv = neg(b)\n"
     "return y, v\n",
     "x: f32[2] = input\nz: i32[2] = input\ny = exp(x)\nv = neg(z)\nreturn y, v\n"},
    {"minus minus", TDAG_PASS_IDENTITIES,
     "x: u8[2] = input\na = neg(x)\nb = neg(a)\nc = neg(b)\nd = sign(c)\ny = sign(d)\n"
     "return y\n",
     "x: u8[2] = input\nc = neg(x)\ny = sign(c)\nreturn y\n"},
    {"converts", TDAG_PASS_IDENTITIES,
     "x: f16[2] = input\na = convert(x) {dtype=f32}\nb = convert(a) {dtype=f64}\n"
     "c = convert(b) {dtype=f16}\nd = convert(c) {dtype=i8}\ny = neg(d)\nreturn y\n",
     "x: f16[2] = input\nd = convert(x) {dtype=i8}\ny = neg(d)\nreturn y\n"},
    {"a convert that loses", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\na = convert(x) {dtype=f16}\ny = convert(a) {dtype=f32}\n"
     "return y\n",
     NULL},
    {"integers wrap, floats saturate", TDAG_PASS_IDENTITIES,
     "x: i8[2] = input\na = convert(x) {dtype=f32}\ny = convert(a) {dtype=u8}\n"
     "return y\n",
     NULL},
    {"where", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\nz: f32[2] = input\nc: bool[2] = input\nt: bool[] = constant "
     "[true]\na = where(t, x, z)\nb = where(c, a, x)\ny = exp(b)\nreturn y\n",
     "x: f32[2] = input\nz: f32[2] = input\nc: bool[2] = input\ny = exp(x)\nreturn "
     "y\n"},
    {"gather of everything", TDAG_PASS_IDENTITIES,
     "symbols N=3\nx: f32[N,2] = input\ni = iota() {n=N, dtype=i64}\n"
     "a = gather(x, i) {batch=0}\ny = exp(a)\nreturn y\n",
     "symbols N=3\nx: f32[N,2] = input\ny = exp(x)\nreturn y\n"},
    {"reductions over one element", TDAG_PASS_IDENTITIES,
     "x: f32[2,1,3] = input\na = reduce(x) {axes=[1,2], kind=max}\n"
     "b = reduce(x) {axes=[1], kind=min}\nc = exp(b)\nreturn a, c\n",
     "x: f32[2,1,3] = input\na = reduce(x) {axes=[2], kind=max}\nc = exp(x)\n"
     "return a, c\n"},
    {"a sum over one element turns -0", TDAG_PASS_IDENTITIES,
     "x: f32[2,1] = input\na = reduce(x) {axes=[1], kind=sum}\ny = exp(a)\nreturn y\n",
     NULL},
    /* views */
    {"permutes", TDAG_PASS_VIEWS,
     "x: f32[2,3,4] = input\na = permute(x) {order=[1,2,0]}\n"
     "b = permute(a) {order=[1,2,0]}\nc = permute(b) {order=[1,2,0]}\n"
     "y = exp(c)\nz = exp(b)\nreturn y, z\n",
     "x: f32[2,3,4] = input\nb = permute(x) {order=[2,0,1]}\ny = exp(x)\nz = exp(b)\n"
     "return y, z\n"},
    {"slices", TDAG_PASS_VIEWS,
     "x: f32[9,9] = input\na = slice(x) {start=[1,0], end=[8,9]}\n"
     "b = slice(a) {start=[2,0], end=[7,9]}\nc = select(b) {axis=0, index=4}\n"
     "y = exp(c)\nreturn y\n",
     "x: f32[9,9] = input\nc = select(x) {axis=0, index=7}\ny = exp(c)\nreturn y\n"},
    {"symbolic slices", TDAG_PASS_VIEWS,
     "symbols N=9\nx: f32[N] = input\na = slice(x) {start=[1], end=[N]}\n"
     "b = slice(a) {start=[0], end=[N-2]}\ny = exp(b)\nreturn y\n",
     "symbols N=9\nx: f32[N] = input\nb = slice(x) {start=[1], end=[N-1]}\ny = exp(b)\n"
     "return y\n"},
    {"pads of one value, and of two", TDAG_PASS_VIEWS,
     "x: f32[2] = input\na = pad(x) {before=[1], after=[0], mode=constant, value=0}\n"
     "b = pad(a) {before=[1], after=[2], mode=constant, value=0}\n"
     "y = pad(b) {before=[0], after=[1], mode=constant, value=1}\nreturn y\n",
     "x: f32[2] = input\nb = pad(x) {before=[2], after=[2], mode=constant, value=0}\n"
     "y = pad(b) {before=[0], after=[1], mode=constant, value=1}\nreturn y\n"},
    {"a slice of padding", TDAG_PASS_VIEWS,
     "x: f32[4] = input\na = pad(x) {before=[3], after=[3], mode=reflect, value=0}\n"
     "b = slice(a) {start=[2], end=[8]}\nc = slice(a) {start=[4], end=[6]}\n"
     "d = slice(a) {start=[2], end=[5]}\nreturn b, c, d\n",
     "x: f32[4] = input\na = pad(x) {before=[3], after=[3], mode=reflect, value=0}\n"
     "b = pad(x) {before=[1], after=[1], mode=reflect, value=0}\n"
     "c = slice(x) {start=[1], end=[3]}\nd = slice(a) {start=[2], end=[5]}\n"
     "return b, c, d\n"},
    {"repeats and parts of them", TDAG_PASS_VIEWS,
     "x: f32[1,1,5] = input\na = repeat(x) {counts=[3,1,1]}\n"
     "b = repeat(a) {counts=[1,4,1]}\nc = slice(b) {start=[1,0,0], end=[3,4,5]}\n"
     "y = exp(c)\nreturn y\n",
     "x: f32[1,1,5] = input\nc = repeat(x) {counts=[2,4,1]}\ny = exp(c)\nreturn y\n"},
    {"strides", TDAG_PASS_VIEWS,
     "x: f32[20] = input\na = unfold(x) {kernel=[1], stride=[2]}\n"
     "b = unfold(a) {kernel=[1], stride=[3]}\nc = unfold(b) {kernel=[1], stride=[1]}\n"
     "y = exp(c)\nreturn y\n",
     "x: f32[20] = input\nb = unfold(x) {kernel=[1], stride=[6]}\ny = exp(b)\nreturn "
     "y\n"},
    {"split and merged again", TDAG_PASS_VIEWS,
     "symbols N=4\nx: f32[N,6] = input\n"
     "a = ungroup(x) {counts=[1,2], factors=[N,2,3]}\nb = group(a) {runs=[1,2]}\n"
     "y = exp(b)\nreturn y\n",
     "symbols N=4\nx: f32[N,6] = input\ny = exp(x)\nreturn y\n"},
    {"merged and split elsewhere", TDAG_PASS_VIEWS,
     "x: f32[4,6,5] = input\na = group(x) {runs=[3]}\n"
     "b = ungroup(a) {counts=[3], factors=[8,3,5]}\ny = exp(b)\nreturn y\n",
     "x: f32[4,6,5] = input\nv2: f32[24,5] = group(x) {runs=[2,1]}\n"
     "b = ungroup(v2) {counts=[2,1], factors=[8,3,5]}\ny = exp(b)\nreturn y\n"},
    {"axes of size 1", TDAG_PASS_VIEWS,
     "x: f32[2,1,3] = input\na = unsqueeze(x) {axes=[0]}\nb = squeeze(a) {axes=[0,2]}\n"
     "c = unsqueeze(b) {axes=[1]}\ny = exp(c)\nreturn y\n",
     "x: f32[2,1,3] = input\ny = exp(x)\nreturn y\n"},
    /* outputs */
    {"an output that is an input keeps its name", TDAG_PASS_IDENTITIES,
     "x: f32[2] = input\na = neg(x)\ny = neg(a)\nreturn y\n", NULL},
    {"two outputs that are one", TDAG_PASS_COMMON,
     "x: f32[2] = input\ny = neg(x)\nz = neg(x)\nreturn y, z\n", NULL},
    {"an output takes its name along", TDAG_PASS_VIEWS,
     "x: f32[2,3] = input\na = exp(x)\nb = permute(a) {order=[1,0]}\n"
     "y = permute(b) {order=[1,0]}\nreturn y\n",
     "x: f32[2,3] = input\ny = exp(x)\nreturn y\n"},
    /* composites */
    {"what a composite has inside stays", TDAG_PASS_EXACT,
     "x: f32[2] = input\nc: f32[] = constant [6]\nr = reciprocal(c)\n"
     "y = multiply(x, r)\nreturn y\n",
     NULL},
};

static tdag_graph *parse(tdag_ctx *ctx, const struct row *r, const char *body)
{
    char text[2048];
    tdag_graph *g = NULL;
    snprintf(text, sizeof text, "tdag 1\n%s", body);
    if (tdag_graph_parse(ctx, text, strlen(text), &g) != TDAG_OK)
        fail_msg("%s: %s\n%s", r->name, tdag_ctx_get_error(ctx)->message, text);
    return g;
}

/* Prints what a row should have given and what it gave. */
static int show(tdag_ctx *ctx, const tdag_graph *want, const tdag_graph *got,
                const char *name)
{
    char *texts[2] = {NULL, NULL};
    TEST_OK(ctx, tdag_graph_print(ctx, want, 0, &texts[0]));
    TEST_OK(ctx, tdag_graph_print(ctx, got, 0, &texts[1]));
    print_error("%s: expected\n%sbut it is\n%s\n", name, texts[0], texts[1]);
    tdag_text_free(ctx, texts[0]);
    tdag_text_free(ctx, texts[1]);
    return 1;
}

static void each_rule(void **state)
{
    (void)state;
    int failed = 0;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        tdag_graph *g = parse(ctx, r, r->before), *got = NULL;
        tdag_graph *want = parse(ctx, r, r->after == NULL ? r->before : r->after);
        tdag_simplify_options o;
        tdag_simplify_options_init(&o);
        o.passes = r->passes;
        TEST_OK(ctx, tdag_graph_simplify(ctx, g, &o, &got));
        if (!tdag_graph_equal(want, got)) failed += show(ctx, want, got, r->name);
        tdag_graph_free(want);
        tdag_graph_free(got);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
    assert_int_equal(failed, 0);
}

/* A limit of its own: folded up to it, not beyond. */
static void the_limit(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const struct row r = {"limit", 0,
                          "x: f32[4] = input\nc: f32[4] = constant [1, 2, 3, 4]\n"
                          "n = neg(c)\ny = less(x, n)\nreturn y\n",
                          NULL};
    for (uint64_t limit = 15; limit <= 16; limit++) {
        tdag_graph *g = parse(ctx, &r, r.before), *out = NULL;
        tdag_simplify_options o;
        tdag_simplify_options_init(&o);
        o.constant_limit = limit;
        TEST_OK(ctx, tdag_graph_simplify(ctx, g, &o, &out));
        assert_int_equal(tdag_graph_get_n_nodes(out), limit == 16 ? 3 : 4);
        tdag_graph_free(out);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

/* A long chain is unwound without a deep stack, to its end. */
static void long_chains(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    tdag_graph *g = NULL, *out = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x = tdag_add_input(b, "x", TDAG_F32, 1, (const tdag_dim[]){4}), v = x;
    for (int i = 0; i < 20000; i++)
        v = tdag_pad(b, v, TDAG_LIST(1), TDAG_LIST(1), TDAG_PAD_CONSTANT, i % 2);
    v = tdag_slice(b, v, TDAG_LIST(20000), TDAG_LIST(20004));
    tdag_builder_add_output(b, tdag_unary(b, TDAG_OP_EXP, v));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    TEST_OK(ctx, tdag_graph_simplify(ctx, g, NULL, &out));
    assert_int_equal(tdag_graph_get_n_nodes(out), 2);
    tdag_graph_free(out);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule),
        cmocka_unit_test(the_limit),
        cmocka_unit_test(long_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
