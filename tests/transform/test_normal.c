/* The normal form: random graphs compute the same in it and have it only once, and
 * graphs that differ by where they squeeze have the same one, where others have not. */
#include "support/random_graph.h"
#include "transform/simplify/normal.h"

static const struct row {
    const char *name, *a, *b;
    bool is_same;
} rows[] = {
    {"a product of two without their batch, and with it",
     "q: f32[1,3,4,5] = input\nk: f32[1,3,5,6] = input\nu = unsqueeze(q) {axes=[4]}\n"
     "v = unsqueeze(k) {axes=[2]}\nm = multiply(u, v)\n"
     "r = reduce(m) {axes=[3], kind=sum}\ny = squeeze(r) {axes=[3]}\nreturn y\n",
     "q: f32[1,3,4,5] = input\nk: f32[1,3,5,6] = input\ns = squeeze(q) {axes=[0]}\n"
     "t = squeeze(k) {axes=[0]}\nu = unsqueeze(s) {axes=[3]}\n"
     "v = unsqueeze(t) {axes=[1]}\nm = multiply(u, v)\n"
     "r = reduce(m) {axes=[2], kind=sum}\nz = squeeze(r) {axes=[2]}\n"
     "y = unsqueeze(z) {axes=[0]}\nreturn y\n",
     true},
    {"a sum over another axis",
     "x: f32[1,3,3] = input\nr = reduce(x) {axes=[1], kind=sum}\n"
     "y = squeeze(r) {axes=[1]}\nreturn y\n",
     "x: f32[1,3,3] = input\ns = squeeze(x) {axes=[0]}\n"
     "r = reduce(s) {axes=[1], kind=sum}\nz = squeeze(r) {axes=[1]}\n"
     "y = unsqueeze(z) {axes=[0]}\nreturn y\n",
     false},
    {"two axes change places around a third",
     "x: f32[2,1,3] = input\ny = permute(x) {order=[2,1,0]}\nreturn y\n",
     "x: f32[2,1,3] = input\ns = squeeze(x) {axes=[1]}\np = permute(s) {order=[1,0]}\n"
     "y = unsqueeze(p) {axes=[1]}\nreturn y\n",
     true},
    {"a bias with an axis in front, and without",
     "x: f32[2,3] = input\nb: f32[3] = input\nc = unsqueeze(b) {axes=[0]}\n"
     "y = add(x, c)\nreturn y\n",
     "x: f32[2,3] = input\nb: f32[3] = input\ny = add(x, b)\nreturn y\n", true},
    {"a bias along the other axis",
     "x: f32[3,3] = input\nb: f32[3] = input\nc = unsqueeze(b) {axes=[1]}\n"
     "y = add(x, c)\nreturn y\n",
     "x: f32[3,3] = input\nb: f32[3] = input\ny = add(x, b)\nreturn y\n", false},
    {"an axis of size 1 joined to another one, and squeezed",
     "x: f32[1,4,3,2] = input\ny = group(x) {runs=[2,1,1]}\nreturn y\n",
     "x: f32[1,4,3,2] = input\ny = squeeze(x) {axes=[0]}\nreturn y\n", true},
    {"axes of size 1 from nothing, and others joined",
     "x: f32[4,1,3,2] = input\ng = group(x) {runs=[1,2,1]}\n"
     "y = ungroup(g) {counts=[3,1,1], factors=[1,2,2,3,2]}\nreturn y\n",
     "x: f32[4,1,3,2] = input\nu = squeeze(x) {axes=[1]}\n"
     "v = ungroup(u) {counts=[2,1,1], factors=[2,2,3,2]}\n"
     "y = unsqueeze(v) {axes=[0]}\nreturn y\n",
     true},
    {"axes that are joined in another order",
     "x: f32[1,4,3] = input\ny = group(x) {runs=[1,2]}\nreturn y\n",
     "x: f32[1,4,3] = input\np = permute(x) {order=[0,2,1]}\n"
     "y = group(p) {runs=[1,2]}\nreturn y\n",
     false},
    {"channels split before pixels are shuffled, and after",
     "x: f32[6,4,4] = input\na = ungroup(x) {counts=[2,2,2], factors=[2,3,2,2,2,2]}\n"
     "p = permute(a) {order=[0,1,3,5,2,4]}\ny = group(p) {runs=[1,1,2,2]}\nreturn y\n",
     "x: f32[6,4,4] = input\na = ungroup(x) {counts=[1,2,2], factors=[6,2,2,2,2]}\n"
     "p = permute(a) {order=[0,2,4,1,3]}\ng = group(p) {runs=[3,2]}\n"
     "y = ungroup(g) {counts=[3,1], factors=[2,3,4,4]}\nreturn y\n",
     true},
    {"joined axes permuted, and permuted axes joined",
     "x: f32[2,3,4] = input\ng = group(x) {runs=[2,1]}\n"
     "y = permute(g) {order=[1,0]}\nreturn y\n",
     "x: f32[2,3,4] = input\np = permute(x) {order=[2,0,1]}\n"
     "y = group(p) {runs=[1,2]}\nreturn y\n",
     true},
    {"a select and a slice",
     "x: f32[3,1,4] = input\ny = select(x) {axis=0, index=1}\nreturn y\n",
     "x: f32[3,1,4] = input\ns = squeeze(x) {axes=[1]}\n"
     "t = slice(s) {start=[1,0], end=[2,4]}\ny = unsqueeze(t) {axes=[1]}\nreturn y\n",
     true},
    {"another row", "x: f32[3,4] = input\ny = select(x) {axis=0, index=1}\nreturn y\n",
     "x: f32[3,4] = input\ny = select(x) {axis=0, index=2}\nreturn y\n", false},
    {"what a composite covers is simplified, too",
     "x: f32[2,3] = input\nu = unsqueeze(x) {axes=[0]}\ns = squeeze(u) {axes=[0]}\n"
     "n = neg(s)\ne = exp(n)\none: f32[] = constant [1]\na = add(e, one)\n"
     "y = reciprocal(a)\nreturn y\n",
     "x: f32[2,3] = input\nn = neg(x)\ne = exp(n)\none: f32[] = constant [1]\n"
     "a = add(e, one)\ny = reciprocal(a)\nreturn y\n",
     true},
};

static void normal_hash(tdag_ctx *ctx, const char *rest, char *out)
{
    char text[2048];
    tdag_graph *g = NULL, *normal = NULL;
    snprintf(text, sizeof text, "tdag 1\n%s", rest);
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    TEST_OK(ctx, tdagi_normal_form(ctx, g, &normal));
    TEST_OK(ctx, tdag_graph_get_hash(ctx, normal, TDAG_HASH_CONTENT, out));
    tdag_graph_free(normal);
    tdag_graph_free(g);
}

static void pairs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char hash[2][TDAG_HASH_SIZE];
        normal_hash(ctx, rows[i].a, hash[0]);
        normal_hash(ctx, rows[i].b, hash[1]);
        if ((strcmp(hash[0], hash[1]) == 0) != rows[i].is_same)
            fail_msg("%s: %s", rows[i].name, rows[i].is_same ? "differ" : "are equal");
    }
    tdag_ctx_free(ctx);
}

static rg_options options_of(uint64_t seed)
{
    return (rg_options){
        .seed = seed, .symbols = seed % 3 == 0, .movement = seed % 2 == 0 ? 80 : 40};
}

static void random_graphs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= rg_n_seeds(1000, 20000); seed++) {
        const rg_options ro = options_of(seed);
        tdag_graph *g = rg_graph(ctx, &ro), *once = NULL, *twice = NULL;
        if (tdagi_normal_form(ctx, g, &once) != TDAG_OK)
            rg_fail(ctx, g, NULL, tdag_ctx_get_error(ctx)->message, seed);
        TEST_OK(ctx, tdag_verify(ctx, once));
        rg_expect_same(ctx, g, once, seed, NULL, "in normal form");
        TEST_OK(ctx, tdagi_normal_form(ctx, once, &twice));
        if (!tdag_graph_equal(once, twice))
            rg_fail(ctx, once, twice, "a normal form has another one", seed);
        tdag_graph_free(twice);
        tdag_graph_free(once);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

static tdag_status normal_and_forget(tdag_ctx *ctx, void *arg)
{
    tdag_graph *out = NULL;
    tdag_status st = tdagi_normal_form(ctx, arg, &out);
    tdag_graph_free(out);
    return st;
}

static void out_of_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= 12; seed++) {
        rg_options ro = options_of(seed);
        ro.n_nodes = 20;
        tdag_graph *g = rg_graph(ctx, &ro);
        test_every_oom(normal_and_forget, g);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
