/* What is proven equal, and what is found to be wrong, by pairs of small graphs. */
#include "proof/proof.h"
#include "support/test.h"

/* clang-format off */
#define X    "x: f32[2,3] = input\n"
#define XY   X "y: f32[2,3] = input\n"
#define XN   "symbols N=4\nx: f32[N,3] = input\n"
static const struct {
    const char *name, *a, *b;
    const char *wrong; /* the value of a; NULL: proven */
} cases[] = {
    {"the same", X "v = exp(x)\nreturn v\n", X "w = exp(x)\nreturn w\n", NULL},
    {"operands that commute", XY "v = add(x, y)\nreturn v\n", XY "v = add(y, x)\nreturn v\n", NULL},
    {"operands that do not", XY "v = less(x, y)\nreturn v\n", XY "v = less(y, x)\nreturn v\n", "v"},
    {"another op", X "v = exp(x)\nreturn v\n", X "v = sin(x)\nreturn v\n", "v"},
    {"an axis", "x: f32[2,2] = input\nv = reduce(x) {axes=[1], kind=sum}\nw = squeeze(v) {axes=[1]}\nreturn w\n",
     "x: f32[2,2] = input\nu = reduce(x) {axes=[0], kind=sum}\nw = squeeze(u) {axes=[0]}\nreturn w\n", "w"},
    {"an input that two outputs are", "x: f32[] = input\nv = reduce(x) {axes=[], kind=sum}\nreturn v, x\n",
     "x: f32[] = input\nreturn x, x\n", NULL},
    {"twice negated", X "v = neg(x)\nw = neg(v)\nreturn w\n", X "return x\n", NULL},
    {"order of scale and sum",
     X "c: f32[] = constant [2]\nv = multiply(x, c)\nw = reduce(v) {axes=[1], kind=sum}\nreturn w\n",
     X "c: f32[] = constant [2]\nu = reduce(x) {axes=[1], kind=sum}\nw = multiply(u, c)\nreturn w\n", NULL},
    {"another constant",
     X "c: f32[] = constant [2]\nv = multiply(x, c)\nreturn v\n",
     X "c: f32[] = constant [3]\nv = multiply(x, c)\nreturn v\n", "v"},
    {"a dropped bias",
     X "b: f32[3] = parameter [1, 2, 3]\nv = exp(x)\nw = add(v, b)\nreturn w\n",
     X "w = exp(x)\nreturn w\n", "w"},
    {"weights by name",
     X "b: f32[3] = parameter [1, 2, 3]\nd: f32[3] = parameter [1, 2, 3]\nw = add(x, b)\nreturn w\n",
     X "d: f32[3] = parameter [1, 2, 3]\nw = add(x, d)\nreturn w\n", "w"},
    {"a weight that is none of a's",
     X "b: f32[3] = parameter [1, 2, 3]\nw = add(x, b)\nreturn w\n",
     X "e: f32[3] = parameter [1, 2, 3]\nw = add(x, e)\nreturn w\n", "w"},
    {"a permutation for another",
     "x: f32[2,2] = input\nv = permute(x) {order=[1,0]}\nw = exp(v)\nreturn w\n",
     "x: f32[2,2] = input\nw = exp(x)\nreturn w\n", "w"},
    {"outputs in another order", XY "v = exp(x)\nw = exp(y)\nreturn v, w\n",
     XY "v = exp(x)\nw = exp(y)\nreturn w, v\n", "v"},
    {"fewer outputs", XY "v = exp(x)\nw = exp(y)\nreturn v, w\n", XY "v = exp(x)\nreturn v\n", "v"},
    {"another type", X "v = convert(x) {dtype=f64}\nreturn v\n",
     X "v = convert(x) {dtype=f16}\nreturn v\n", "v"},
    {"symbols", XN "v = reduce(x) {axes=[0], kind=sum}\nreturn v\n",
     XN "u = neg(x)\nw = neg(u)\nv = reduce(w) {axes=[0], kind=sum}\nreturn v\n", NULL},
    {"symbols, wrong", XN "v = reduce(x) {axes=[0], kind=sum}\nreturn v\n",
     XN "v = reduce(x) {axes=[0], kind=max}\nreturn v\n", "v"},
    {"integers", "x: i64[3] = input\nc: i64[] = constant [2]\nv = multiply(x, c)\nreturn v\n",
     "x: i64[3] = input\nv = add(x, x)\nreturn v\n", NULL},
    {"integers, wrong", "x: i64[3] = input\nc: i64[] = constant [2]\nv = multiply(x, c)\nreturn v\n",
     "x: i64[3] = input\nv = multiply(x, x)\nreturn v\n", "v"},
    {"a number and nothing", "x: i64[3] = input\nc: i64[] = constant [0]\ne: i64[0] = constant []\nreturn c, e\n",
     "x: i64[3] = input\nc: i64[] = constant [0]\ne: i64[0] = constant []\nreturn e, c\n", "c"},
    {"what never runs",
     "x: f32[3] = input\ni: i64[] = constant [7]\nv = gather(x, i) {batch=0}\nreturn v\n",
     "x: f32[3] = input\ni: i64[] = constant [8]\nv = gather(x, i) {batch=0}\nreturn v\n", "v"},
    {"positions that wrap",
     "x: f32[3] = input\ni: i64[2] = input\nv = gather(x, i) {batch=0}\nreturn v\n",
     "x: f32[3] = input\ni: i64[2] = input\nz: i64[] = constant [0]\nn: i64[] = constant [3]\n"
     "l = less(i, z)\nm = add(i, n)\nj = where(l, m, i)\nv = gather(x, j) {batch=0}\nreturn v\n",
     NULL},
};
/* clang-format on */

static tdag_graph *graph_of(tdag_ctx *ctx, const char *rest)
{
    char text[2048];
    tdag_graph *g = NULL;
    snprintf(text, sizeof text, "tdag 1\n%s", rest);
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    return g;
}

/* Values of the same name are partners, as an exporter's are. */
static void match(const tdag_graph *a, const tdag_graph *b, uint32_t *partner)
{
    memset(partner, 0, (b->n + 1u) * sizeof *partner);
    for (uint32_t id = 1; id <= b->n; id++) {
        const tdagi_node *n = &b->nodes[id];
        if (tdagi_op_is_leaf(n->op) || n->name == NULL) continue;
        if (strcmp(n->name, "v") == 0 || strcmp(n->name, "w") == 0)
            partner[id] = tdag_graph_find(a, n->name).id;
    }
}

static void check(tdag_ctx *ctx, const char *name, const char *x, const char *y,
                  const char *want, bool with_partners)
{
    uint32_t partner[64], wrong = 0;
    char buf[16];
    tdag_graph *a = graph_of(ctx, x), *b = graph_of(ctx, y);
    match(a, b, partner);
    if (!with_partners) memset(partner, 0, sizeof partner);
    TEST_OK(ctx, tdagi_prove(ctx, a, b, partner, &wrong));
    const char *got = wrong == 0 ? "" : tdagi_value_name(a, (tdag_value){wrong}, buf);
    if (strcmp(got, want == NULL ? "" : want) != 0)
        fail_msg("%s: \"%s\" is wrong, not \"%s\"", name, got,
                 want == NULL ? "" : want);
    tdag_graph_free(a);
    tdag_graph_free(b);
}

static void test_pairs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int with = 0; with < 2; with++)
            check(ctx, cases[i].name, cases[i].a, cases[i].b, cases[i].wrong,
                  with == 1);
    tdag_ctx_free(ctx);
}

/* The first value that is wrong is told, not what follows from it. */
static void test_place(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    static const char a[] = X "v = exp(x)\nw = neg(v)\nu = sin(w)\nreturn u\n",
                      b[] = X "v = log(x)\nw = neg(v)\nu = sin(w)\nreturn u\n";
    check(ctx, "the first", a, b, "v", true);
    check(ctx, "no names", a, b, "u", false);
    tdag_ctx_free(ctx);
}

/* A piece that is too large to run is taken as it is: the law of the exporter's calls
 * is tested elsewhere. */
static void test_large(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    check(ctx, "large", "x: f32[3000,3000] = input\nv = exp(x)\nreturn v\n",
          "x: f32[3000,3000] = input\nv = sin(x)\nreturn v\n", NULL, true);
    tdag_ctx_free(ctx);
}

static tdag_status prove_one(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    static const char a[] =
        "tdag 1\n" XN "v = reduce(x) {axes=[0], kind=sum}\nreturn v\n",
                      b[] =
                          "tdag 1\n" XN "c: f32[] = constant [3]\ny = multiply(x, c)\n"
                          "z = reduce(y) {axes=[0], kind=sum}\n"
                          "r = reciprocal(c)\nv = multiply(z, r)\nreturn v\n";
    tdag_graph *g[2] = {NULL, NULL};
    uint32_t partner[16] = {0}, wrong = 1;
    tdag_status st = tdag_graph_parse(ctx, a, sizeof a - 1, &g[0]);
    if (st == TDAG_OK) st = tdag_graph_parse(ctx, b, sizeof b - 1, &g[1]);
    if (st == TDAG_OK) st = tdagi_prove(ctx, g[0], g[1], partner, &wrong);
    if (st == TDAG_OK) assert_int_equal(wrong, 0);
    tdag_graph_free(g[0]);
    tdag_graph_free(g[1]);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(prove_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
