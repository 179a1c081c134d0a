/* Structural comparison: what is found between small graphs, and that a graph with its
 * nodes renamed and in another order is the same graph. */
#include <tdagger/compare.h>
#include <tdagger/file.h>
#include <tdagger/simplify.h>

#include <math.h>

#include "ir/graft.h"
#include "support/random_graph.h"
#include "support/test.h"

static tdag_graph *parse(tdag_ctx *ctx, const char *text)
{
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    return g;
}

static const char base[] = "tdag 1\n"
                           "symbols N=2\n"
                           "x: f32[N,3] = input\n"
                           "w: f32[3] = parameter [1, -2, 3]\n"
                           "u: f32[3] = parameter [4, 5, 6]\n"
                           "a: f32[N,3] = multiply(x, w) @first\n"
                           "b: f32[N,3] = add(a, u) @first\n"
                           "c: f32[N,3] = sin(b)\n"
                           "d: f32[N,1] = reduce(c) {axes=[1], kind=sum} @last\n"
                           "return d, b\n";

typedef struct diff_case {
    const char *name, *b;
    const char *want; /* kinds with the names of both and what, in order */
} diff_case;

#define HEAD   "tdag 1\nsymbols N=2\nx: f32[N,3] = input\n"
#define W      "w: f32[3] = parameter [1, -2, 3]\n"
#define U      "u: f32[3] = parameter [4, 5, 6]\n"
#define A      "a: f32[N,3] = multiply(x, w)\n"
#define B      "b: f32[N,3] = add(a, u)\n"
#define C      "c: f32[N,3] = sin(b)\n"
#define D      "d: f32[N,1] = reduce(c) {axes=[1], kind=sum}\n"
#define RETURN "return d, b\n"

static const diff_case cases[] = {
    {"scopes gone", HEAD W U A B C D RETURN, ""},
    {"dead nodes", HEAD W U A B C D "e: f32[N,3] = neg(a)\n" RETURN, ""},
    {"renamed, in another order",
     "tdag 1\nsymbols N=2\nu: f32[3] = parameter [1, -2, 3]\nq: f32[N,3] = input\n"
     "a: f32[N,3] = multiply(q, u)\nw: f32[3] = parameter [4, 5, 6]\n"
     "v: f32[N,3] = add(a, w)\nb: f32[N,3] = sin(v)\n"
     "z: f32[N,1] = reduce(b) {axes=[1], kind=sum}\nreturn z, v\n",
     ""},
    {"the symbol's sample is another",
     "tdag 1\nsymbols N=5\nx: f32[N,3] = input\n" W U A B C D RETURN, ""},
    {"a weight", HEAD W "u: f32[3] = parameter [4, 5.5, 8]\n" A B C D RETURN,
     "weight u/u 2@1 max 2; "},
    {"a weight that is NaN, under another name",
     HEAD W "k: f32[3] = parameter [4, 5, nan]\n" A
            "b: f32[N,3] = add(a, k)\n" C D RETURN,
     "weight u/k 1@2 max inf; "},
    {"both weights",
     HEAD "w: f32[3] = parameter [1, -2, 4]\nu: f32[3] = parameter [0, 5, 6]\n" A B C D
         RETURN,
     "weight w/w 1@2 max 1; weight u/u 1@0 max 4; "},
    {"a buffer instead", HEAD W "u: f32[3] = buffer [4, 5, 6]\n" A B C D RETURN,
     "node u/u op; "},
    {"a spec", HEAD W U A B C "d: f32[N,1] = reduce(c) {axes=[1], kind=max}\n" RETURN,
     "node d/d spec; "},
    {"an extra node",
     HEAD W U A B "m: f32[N,3] = neg(b)\nc: f32[N,3] = sin(m)\n" D RETURN,
     "node c/c operands; only_b /m; "},
    {"a missing node",
     HEAD W U A B "d: f32[N,1] = reduce(b) {axes=[1], kind=sum}\n" RETURN,
     "node d/d operands; only_a c/; "},
    {"another op", HEAD W U A B "c: f32[N,3] = cos(b)\n" D RETURN,
     "node d/d operands; only_a c/; only_b /c; "},
    {"operands swapped", HEAD W U A "b: f32[N,3] = add(u, a)\n" C D RETURN,
     "node b/b operands; "},
    {"outputs swapped", HEAD W U A B C D "return b, d\n", "output0 d/b; output1 b/d; "},
    {"an output more", HEAD W U A B C D "return d, b, b\n", "output2 /b; "},
    {"an output less", HEAD W U A B C D "return d\n", "output1 b/; "},
    {"an input more", HEAD "y: f32[] = input\n" W U A B C D RETURN, "input1 /y; "},
    {"another symbol",
     "tdag 1\nsymbols M=2\nx: f32[M,3] = input\n" W U
     "a: f32[M,3] = multiply(x, w)\nb: f32[M,3] = add(a, u)\nc: f32[M,3] = sin(b)\n"
     "d: f32[M,1] = reduce(c) {axes=[1], kind=sum}\n" RETURN,
     "input0 x/x shape; node a/a shape; node b/b shape; node c/c shape; node d/d "
     "shape; "},
};

static const char *const kind_names[] = {"",     "input",  "output", "weight",
                                         "node", "only_a", "only_b"};

static const char *name_of(const tdag_graph *g, tdag_value v)
{
    const char *name = v.id == 0 ? "" : tdag_graph_get_node(g, v).name;
    return name == NULL ? "?" : name;
}

static void describe(const tdag_graph *a, const tdag_graph *b,
                     const tdag_differences *found, char *buf, size_t size)
{
    static const char *const aspects[] = {"op", "dtype", "shape", "spec", "operands"};
    size_t n = 0;
    buf[0] = '\0';
    for (uint32_t i = 0; i < found->n; i++) {
        const tdag_difference *d = &found->items[i];
        n += (size_t)snprintf(buf + n, size - n, "%s", kind_names[d->kind]);
        if (d->kind <= TDAG_DIFFERS_OUTPUT)
            n += (size_t)snprintf(buf + n, size - n, "%u", (unsigned)d->position);
        n += (size_t)snprintf(buf + n, size - n, " %s/%s", name_of(a, d->a),
                              name_of(b, d->b));
        for (int k = 0; k < 5; k++)
            if (d->what & 1U << k)
                n += (size_t)snprintf(buf + n, size - n, " %s", aspects[k]);
        if (d->kind == TDAG_DIFFERS_WEIGHT)
            n +=
                (size_t)snprintf(buf + n, size - n, " %d@%d max %g", (int)d->n_elements,
                                 (int)d->first_element, d->max_abs);
        n += (size_t)snprintf(buf + n, size - n, "; ");
    }
}

static void small_graphs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *a = parse(ctx, base);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[1000];
        tdag_differences found = {0};
        tdag_graph *b = parse(ctx, cases[i].b);
        TEST_OK(ctx, tdag_graph_diff(ctx, a, b, &found));
        describe(a, b, &found, got, sizeof got);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].name, got, cases[i].want);
        tdag_differences_free(&found);
        tdag_graph_free(b);
    }
    tdag_graph_free(a);
    tdag_ctx_free(ctx);
}

/* ---- random graphs ---- */

/* The graph with its nodes in a random topological order (inputs keep theirs), and
 * other names. */
static tdag_graph *shuffle(tdag_ctx *ctx, rg_random *r, const tdag_graph *g)
{
    tdag_builder *b = NULL;
    tdagi_graft graft;
    TEST_OK(ctx, tdagi_builder_create_like(ctx, g, &b));
    TEST_OK(ctx, tdagi_graft_init(&graft, b, g, NULL));
    for (uint32_t i = 0; i < g->n_inputs; i++)
        tdagi_graft_node(&graft, g->inputs[i].id);
    for (uint32_t left = g->n - g->n_inputs; left > 0;) {
        uint32_t id = (uint32_t)rg_in(r, 1, g->n);
        bool ready = graft.new_of[id].id == 0;
        for (uint32_t i = 0; ready && i < g->nodes[id].n_inputs; i++)
            ready = graft.new_of[tdagi_node_inputs(&g->nodes[id])[i].id].id != 0;
        if (!ready) continue;
        tdag_value v = tdagi_graft_node(&graft, id);
        char name[32];
        snprintf(name, sizeof name, "n%u", (unsigned)rg_in(r, 0, 1000));
        tdag_builder_set_name(b, v, name);
        left--;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_builder_add_output(b, graft.new_of[g->outputs[i].id]);
    tdag_graph *out = NULL;
    TEST_OK(ctx, tdag_builder_finish(b, &out));
    tdagi_graft_free(&graft);
    tdag_builder_free(b);
    return out;
}

static bool same_content(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b)
{
    char x[TDAG_HASH_SIZE], y[TDAG_HASH_SIZE];
    TEST_OK(ctx, tdag_graph_get_hash(ctx, a, TDAG_HASH_CONTENT, x));
    TEST_OK(ctx, tdag_graph_get_hash(ctx, b, TDAG_HASH_CONTENT, y));
    return strcmp(x, y) == 0;
}

static uint32_t count_differences(tdag_ctx *ctx, const tdag_graph *a,
                                  const tdag_graph *b)
{
    tdag_differences found = {0};
    TEST_OK(ctx, tdag_graph_diff(ctx, a, b, &found));
    uint32_t n = found.n;
    tdag_differences_free(&found);
    return n;
}

static void random_graphs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    uint32_t n_simpler = 0;
    for (uint64_t seed = 0; seed < rg_n_seeds(300, 5000); seed++) {
        rg_options o = {.seed = seed, .symbols = true};
        rg_random r = rg_seeded(seed);
        tdag_graph *g = rg_graph(ctx, &o), *simple = NULL;
        tdag_graph *other = shuffle(ctx, &r, g);
        if (count_differences(ctx, g, other) != 0)
            rg_fail(ctx, g, other, "differences between the same graphs", seed);
        TEST_OK(ctx, tdag_graph_simplify(ctx, g, NULL, &simple));
        const rg_tolerance exact = {0};
        rg_expect_same(ctx, g, simple, seed, &exact, "simplifying changed a result");
        bool same = same_content(ctx, g, simple);
        if ((count_differences(ctx, g, simple) == 0) != same)
            rg_fail(ctx, g, simple, "differences and hashes disagree", seed);
        if ((count_differences(ctx, simple, other) == 0) != same)
            rg_fail(ctx, simple, other, "the other way, they disagree", seed);
        n_simpler += !same;
        tdag_graph_free(simple);
        tdag_graph_free(other);
        tdag_graph_free(g);
    }
    assert_true(n_simpler > 50);
    tdag_ctx_free(ctx);
}

/* ---- memory, arguments ---- */

static tdag_status compare_twice(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_graph *a = NULL, *b = NULL;
    tdag_differences found = {0};
    const char *other = cases[8].b;
    tdag_status st = tdag_graph_parse(ctx, base, strlen(base), &a);
    if (st == TDAG_OK) st = tdag_graph_parse(ctx, other, strlen(other), &b);
    if (st == TDAG_OK) st = tdag_graph_diff(ctx, a, b, &found);
    tdag_differences_free(&found);
    tdag_graph_free(a);
    tdag_graph_free(b);
    return st;
}

/* ---- pairs ---- */

typedef struct pair_case {
    const char *name, *b;
    const char *want; /* names of both */
} pair_case;

static const pair_case pair_cases[] = {
    {"the same", HEAD W U A B C D RETURN, "a/a b/b c/c d/d "},
    {"renamed",
     HEAD W U "p: f32[N,3] = multiply(x, w)\nq: f32[N,3] = add(p, u)\n"
              "r: f32[N,3] = sin(q)\n"
              "s: f32[N,1] = reduce(r) {axes=[1], kind=sum}\nreturn s, q\n",
     "a/p b/q c/r d/s "},
    {"another op at the same place, another name",
     HEAD W U A B "r: f32[N,3] = cos(b)\n"
                  "d: f32[N,1] = reduce(r) {axes=[1], kind=sum}\n" RETURN,
     "a/a b/b c/r d/d "},
    {"another op of the same name", HEAD W U A B "c: f32[N,3] = cos(b)\n" D RETURN,
     "a/a b/b c/c d/d "},
    {"a name that is a weight",
     HEAD "a: f32[3] = parameter [1, -2, 3]\n" U "p: f32[N,3] = multiply(x, a)\n"
          "b: f32[N,3] = add(p, u)\n" C D RETURN,
     "a/p b/b c/c d/d "},
    {"an extra node",
     HEAD W U A B "m: f32[N,3] = neg(b)\nc: f32[N,3] = sin(m)\n" D RETURN,
     "a/a b/b c/c d/d "},
};

static void pairs_of_values(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *a = NULL;
    tdag_graph *g = parse(ctx, base);
    TEST_OK(ctx, tdag_model_create(ctx, g, &a));
    for (size_t i = 0; i < sizeof pair_cases / sizeof *pair_cases; i++) {
        char got[200] = "";
        size_t n = 0;
        tdag_model *b = NULL;
        tdag_pairs pairs = {0};
        tdag_graph *other = parse(ctx, pair_cases[i].b);
        TEST_OK(ctx, tdag_model_create(ctx, other, &b));
        TEST_OK(ctx, tdag_pair_values(ctx, a, b, &pairs));
        for (uint32_t k = 0; k < pairs.n; k++)
            n += (size_t)snprintf(got + n, sizeof got - n, "%s/%s ",
                                  name_of(g, pairs.a[k]), name_of(other, pairs.b[k]));
        if (strcmp(got, pair_cases[i].want) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", pair_cases[i].name, got,
                     pair_cases[i].want);
        tdag_pairs_free(&pairs);
        tdag_model_free(b);
        tdag_graph_free(other);
    }
    tdag_model_free(a);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static tdag_status pair_once(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    tdag_pairs pairs = {0};
    tdag_status st = tdag_graph_parse(ctx, base, strlen(base), &g);
    if (st == TDAG_OK) st = tdag_model_create(ctx, g, &m);
    if (st == TDAG_OK) st = tdag_pair_values(ctx, m, m, &pairs);
    tdag_pairs_free(&pairs);
    tdag_model_free(m);
    tdag_graph_free(g);
    return st;
}

static void out_of_memory(void **state)
{
    (void)state;
    test_every_oom(compare_twice, NULL);
    test_every_oom(pair_once, NULL);
}

static void bad_arguments(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = parse(ctx, base);
    tdag_differences found = {0};
    assert_int_equal(tdag_graph_diff(ctx, g, NULL, &found), TDAG_E_ARG);
    assert_int_equal(tdag_graph_diff(ctx, NULL, g, &found), TDAG_E_ARG);
    assert_int_equal(tdag_diff(ctx, NULL, NULL, &found), TDAG_E_ARG);
    tdag_pairs pairs = {0};
    assert_int_equal(tdag_pair_values(ctx, NULL, NULL, &pairs), TDAG_E_ARG);
    tdag_pairs_free(NULL);
    tdag_differences_free(&found);
    tdag_differences_free(NULL);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_graphs),    cmocka_unit_test(random_graphs),
        cmocka_unit_test(pairs_of_values), cmocka_unit_test(out_of_memory),
        cmocka_unit_test(bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
