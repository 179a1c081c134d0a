/* Folding scales and shifts into contractions: which ones go in, by the kernels that
 * are left; random chains of contractions with scales and shifts between them compute
 * the same within a tolerance; names of weights. */
#include <math.h>

#include "raise/raise.h"
#include "support/random_graph.h"

#define TOLERANCE 1e-4 /* of the largest element of an output */

/* ---- layers ---- */

static tdag_value leaf(rg_maker *m, tdag_op op, const char *name, uint32_t rank,
                       const int64_t *shape)
{
    tdag_tensor *t = rg_tensor(m->ctx, &m->random, TDAG_F32, rank, shape, false);
    for (int64_t i = 0; i < t->count; i++) /* no zeroes, nothing large */
        tdagi_tensor_set_f64(t, i, 0.1 + tdagi_tensor_get_f64(t, i) / 4);
    tdag_value v = tdag_add_tensor(m->b, op, name, t);
    tdag_tensor_free(t);
    return v;
}

static tdag_value weight(rg_maker *m, uint32_t rank, const int64_t *shape)
{
    return leaf(m, TDAG_OP_PARAMETER, "layer.weight", rank, shape);
}

typedef enum kind { LINEAR, CONV, PADDED, GROUPED, TRANSPOSED, EINSUM, N_KINDS } kind;

/* x has 4 channels: at the last axis for linear and einsum, else at axis 1. */
static tdag_value contract(rg_maker *m, kind k, tdag_value x, bool bias)
{
    tdag_builder *b = m->b;
    const int64_t channels[1] = {4};
    tdag_value in[3] = {x};
    uint32_t n = bias ? 3 : 2;
    if (bias) in[2] = leaf(m, TDAG_OP_PARAMETER, "layer.bias", 1, channels);
    if (k == LINEAR) {
        in[1] = weight(m, 2, (const int64_t[]){4, 4});
        return tdagi_lower(b, TDAGI_LINEAR, in, n, NULL);
    }
    if (k == EINSUM) {
        in[1] = weight(m, 3, (const int64_t[]){4, 2, 4});
        const tdagi_einsum_spec spec = {"nthc,cdk->nthdk"};
        tdag_value y = tdagi_lower(b, TDAGI_EINSUM, in, 2, &spec);
        return tdag_reduce(b, y, TDAG_REDUCE_MAX, TDAG_LIST(3));
    }
    const int64_t ones[2] = {1, 1}, twos[2] = {2, 2}, none[2] = {0, 0};
    int64_t groups = k == GROUPED ? 2 : 1;
    in[1] = weight(m, 4, (const int64_t[]){4, 4 / groups, 3, 3});
    if (k == TRANSPOSED) {
        const tdagi_conv_transpose_spec spec = {
            {2, twos}, {2, ones}, {2, ones}, {2, ones}, 1};
        return tdagi_lower(b, TDAGI_CONV_TRANSPOSE, in, n, &spec);
    }
    const int64_t *pad = k == PADDED ? ones : none;
    const tdagi_conv_spec spec = {{2, ones}, {2, ones}, {2, pad}, {2, pad}, groups};
    return tdagi_lower(b, TDAGI_CONV, in, n, &spec);
}

/* x scaled or shifted as the letter says: s S by a number, c C per channel (capital
 * letters: shifted), v C by a computed weight per channel. */
static tdag_value affine(rg_maker *m, kind k, tdag_value x, char letter)
{
    tdag_builder *b = m->b;
    bool last = k == LINEAR || k == EINSUM;
    const int64_t shape[3] = {4, 1, 1};
    tdag_op op = letter >= 'a' ? TDAG_OP_MULTIPLY : TDAG_OP_ADD;
    tdag_value w;
    if (letter == 's' || letter == 'S') {
        w = tdag_add_scalar(b, TDAG_F32, 0.5);
    } else {
        w = leaf(m, TDAG_OP_BUFFER, "norm.scale", last ? 1 : 3, shape);
        if (letter == 'v')
            w = tdag_unary(b, TDAG_OP_SQRT, tdag_binary(b, TDAG_OP_MULTIPLY, w, w));
    }
    return tdag_binary(b, op, x, w);
}

static tdag_value affine_all(rg_maker *m, kind k, tdag_value x, const char *letters)
{
    for (const char *s = letters; *s != '\0'; s++)
        x = affine(m, k, x, *s);
    return x;
}

static tdag_graph *finish(rg_maker *m)
{
    tdag_graph *g = NULL;
    TEST_OK(m->ctx, tdag_builder_finish(m->b, &g));
    tdag_builder_free(m->b);
    return g;
}

static void start(rg_maker *m, tdag_ctx *ctx, uint64_t seed)
{
    tdag_builder *b = NULL;
    const rg_options o = {.seed = seed};
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    rg_maker_init(m, ctx, b, &o);
}

/* ---- checks ---- */

static tdag_graph *folded(tdag_ctx *ctx, const tdag_graph *g)
{
    tdag_graph *out = NULL;
    tdag_simplify_options o;
    tdag_simplify_options_init(&o);
    o.passes = TDAG_PASS_EXACT | TDAG_PASS_FOLD;
    TEST_OK(ctx, tdag_graph_simplify(ctx, g, &o, &out));
    TEST_OK(ctx, tdag_verify(ctx, out));
    return out;
}

static tdag_counts count(tdag_ctx *ctx, const tdag_graph *g)
{
    tdag_counts counts;
    TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_KERNEL, &counts));
    return counts;
}

static uint32_t n_kernels(tdag_ctx *ctx, const tdag_graph *g)
{
    return (uint32_t)count(ctx, g).nodes;
}

static void expect_close(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                         uint64_t seed, const char *what)
{
    rg_random r = rg_seeded(seed);
    tdag_tensor **in = rg_inputs(ctx, &r, a, NULL, false), **x = NULL, **y = NULL;
    TEST_OK(ctx, rg_run(ctx, a, in, &x));
    TEST_OK(ctx, rg_run(ctx, b, in, &y));
    for (uint32_t i = 0; i < a->n_outputs; i++) {
        double most = 1e-20;
        char why[160];
        for (int64_t k = 0; k < x[i]->count; k++)
            most = fmax(most, fabs(tdagi_tensor_get_f64(x[i], k)));
        const rg_tolerance t = {TOLERANCE, TOLERANCE * most};
        if (!rg_same(x[i], y[i], &t, why, sizeof why)) {
            print_error("%s: %s\n", what, why);
            rg_fail(ctx, a, b, what, seed);
        }
    }
    rg_free_tensors(in, a->n_inputs);
    rg_free_tensors(x, a->n_outputs);
    rg_free_tensors(y, b->n_outputs);
}

/* ---- rows ---- */

static const struct row {
    const char *name;
    kind kind;
    bool bias;
    const char *before, *after;
    uint32_t kernels; /* that are left */
} rows[] = {
    {"nothing to fold", CONV, true, "", "", 1},
    {"number behind linear", LINEAR, true, "", "s", 1},
    {"channels behind linear", LINEAR, false, "", "c", 1},
    {"scale and shift behind linear", LINEAR, false, "", "cC", 1},
    {"batch norm behind linear", LINEAR, true, "", "CvcC", 1},
    {"before linear", LINEAR, false, "c", "", 1},
    {"shift before linear", LINEAR, false, "C", "", 1},
    {"both before linear", LINEAR, true, "cC", "", 1},
    {"all around linear", LINEAR, true, "CcS", "cCs", 1},
    {"behind a convolution", CONV, false, "", "c", 1},
    {"batch norm behind a convolution", CONV, false, "", "CvcC", 1},
    {"batch norm behind one with bias", CONV, true, "", "CvcC", 1},
    {"scale before a convolution", CONV, false, "c", "", 1},
    {"shift before a convolution", CONV, false, "C", "", 1},
    {"both before a convolution", CONV, true, "cC", "", 1},
    {"scale before padding", PADDED, false, "c", "", 1},
    {"shift before padding stays", PADDED, true, "C", "", 2},
    {"scale before padding, behind a shift", PADDED, true, "Cc", "", 2},
    {"shift before padding, behind a scale", PADDED, true, "cC", "", 3},
    {"around groups", GROUPED, true, "cC", "CvcC", 1},
    {"behind a transposed convolution", TRANSPOSED, true, "", "CvcC", 1},
    {"scale before a transposed one", TRANSPOSED, true, "c", "", 1},
    {"shift before a transposed one stays", TRANSPOSED, true, "C", "", 2},
    {"around an einsum", EINSUM, false, "cs", "", 2},
};

static tdag_graph *build_row(tdag_ctx *ctx, const struct row *r)
{
    rg_maker m;
    start(&m, ctx, 1);
    bool last = r->kind == LINEAR || r->kind == EINSUM;
    const int64_t shape[4] = {2, last ? 6 : 4, 6, last ? 4 : 6};
    tdag_value x = tdag_add_input(m.b, "x", TDAG_F32, 4, shape);
    x = affine_all(&m, r->kind, x, r->before);
    x = contract(&m, r->kind, x, r->bias);
    tdag_builder_add_output(m.b, affine_all(&m, r->kind, x, r->after));
    return finish(&m);
}

static void what_goes_in(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tdag_graph *g = build_row(ctx, &rows[i]), *once = folded(ctx, g);
        expect_close(ctx, g, once, i, rows[i].name);
        tdag_graph *twice = folded(ctx, once);
        if (!tdag_graph_equal(once, twice)) rg_fail(ctx, once, twice, rows[i].name, i);
        uint32_t n = n_kernels(ctx, once);
        if (n != rows[i].kernels) {
            print_error("%s: %u kernels, not %u\n", rows[i].name, n, rows[i].kernels);
            rg_fail(ctx, g, once, rows[i].name, i);
        }
        tdag_graph_free(twice);
        tdag_graph_free(once);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

/* Weights keep their names, and a new bias is named after its weight. */
static void names_of_weights(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int bias = 0; bias < 2; bias++) {
        const struct row r = {"", CONV, bias, "", "CvcC", 1};
        tdag_graph *g = build_row(ctx, &r), *out = folded(ctx, g);
        static const char *const names[] = {"layer.weight", "layer.bias"};
        for (int i = 0; i < 2; i++) {
            tdag_value v = tdag_graph_find(out, names[i]);
            if (v.id == 0) rg_fail(ctx, g, out, names[i], 0);
            assert_int_equal(tdag_graph_get_node(out, v).op, TDAG_OP_PARAMETER);
        }
        assert_int_equal(tdag_graph_find(out, "norm.scale").id, 0);
        tdag_graph_free(out);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

/* A weight with two readers, and a contraction with two, stay as they are. */
static void shared_stay(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int i = 0; i < 2; i++) {
        rg_maker m;
        start(&m, ctx, 1);
        tdag_value x = tdag_add_input(m.b, "x", TDAG_F32, 2, (const int64_t[]){3, 4});
        tdag_value y = tdag_add_input(m.b, "y", TDAG_F32, 2, (const int64_t[]){5, 4});
        tdag_value w = weight(&m, 2, (const int64_t[]){4, 4});
        const tdag_value in[2] = {x, w}, other[2] = {y, w};
        tdag_value a = tdagi_lower(m.b, TDAGI_LINEAR, in, 2, NULL);
        tdag_builder_add_output(m.b, affine(&m, LINEAR, a, 'c'));
        tdag_value second = i == 0 ? tdagi_lower(m.b, TDAGI_LINEAR, other, 2, NULL) : a;
        tdag_builder_add_output(m.b, second);
        tdag_graph *g = finish(&m), *out = folded(ctx, g);
        assert_int_equal(n_kernels(ctx, g), n_kernels(ctx, out));
        expect_close(ctx, g, out, 1, "shared");
        tdag_graph_free(out);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

/* ---- random chains ---- */

static tdag_value random_view(rg_maker *m, tdag_value x)
{
    tdag_value y = TDAG_NO_VALUE;
    if (rg_chance(&m->random, 60)) return x;
    m->n = 0;
    rg_offer(m, x);
    y = rg_add_op(m, (tdag_op)rg_in(&m->random, TDAG_OP_PERMUTE, TDAG_OP_UNFOLD));
    if (y.id == 0) return x;
    tdagi_type t;
    tdagi_value_type(m->b->graph, y, &t);
    int64_t count = 1;
    for (uint32_t i = 0; i < t.rank; i++)
        count *= t.shape[i];
    return count > 0 && count < 3000 ? y : x;
}

/* A weight of a random broadcast shape, or one that makes the value larger. */
static tdag_value random_affine(rg_maker *m, tdag_value x)
{
    tdagi_type t;
    int64_t shape[TDAG_MAX_RANK];
    static const tdag_op leaves[] = {TDAG_OP_PARAMETER, TDAG_OP_BUFFER,
                                     TDAG_OP_CONSTANT};
    tdagi_value_type(m->b->graph, x, &t);
    uint32_t rank = (uint32_t)rg_in(&m->random, 0, t.rank);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = rg_chance(&m->random, 40) ? t.shape[t.rank - rank + i] : 1;
    tdag_value w = leaf(m, leaves[rg_in(&m->random, 0, 2)], "w", rank, shape);
    tdag_op op = rg_chance(&m->random, 60) ? TDAG_OP_MULTIPLY : TDAG_OP_ADD;
    return rg_chance(&m->random, 50) ? tdag_binary(m->b, op, x, w)
                                     : tdag_binary(m->b, op, w, x);
}

static tdag_value random_contraction(rg_maker *m, tdag_value x)
{
    tdagi_type t;
    tdagi_value_type(m->b->graph, x, &t);
    if (t.rank == 0) return x;
    kind k = (kind)rg_in(&m->random, 0, N_KINDS - 2);
    if (k != LINEAR && t.rank == 4 && t.shape[1] == 4 && t.shape[2] > 2 &&
        t.shape[3] > 2)
        return contract(m, k, x, rg_chance(&m->random, 50));
    const int64_t out = rg_in(&m->random, 1, 5), w[2] = {out, t.shape[t.rank - 1]};
    tdag_value in[3] = {x, weight(m, 2, w)};
    bool bias = rg_chance(&m->random, 40);
    if (bias) in[2] = leaf(m, TDAG_OP_PARAMETER, "layer.bias", 1, &out);
    return tdagi_lower(m->b, TDAGI_LINEAR, in, bias ? 3 : 2, NULL);
}

static tdag_graph *random_chain(tdag_ctx *ctx, uint64_t seed)
{
    rg_maker m;
    start(&m, ctx, seed);
    const int64_t shape[4] = {2, 4, 6, 6};
    tdag_value x = tdag_add_input(m.b, "x", TDAG_F32, 4, shape);
    int64_t n = rg_in(&m.random, 1, 3);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = rg_in(&m.random, 0, 2); k > 0; k--)
            x = random_affine(&m, x);
        x = random_view(&m, x);
        x = random_contraction(&m, x);
        if (rg_chance(&m.random, 20)) tdag_builder_add_output(m.b, x);
        x = random_view(&m, x);
        for (int64_t k = rg_in(&m.random, 0, 3); k > 0; k--)
            x = random_affine(&m, x);
        if (rg_chance(&m.random, 40)) x = tdag_unary(m.b, TDAG_OP_ARCTAN, x);
    }
    tdag_builder_add_output(m.b, x);
    return finish(&m);
}

static void random_chains(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    uint64_t before = 0, after = 0;
    for (uint64_t seed = 1; seed <= rg_n_seeds(1000, 10000); seed++) {
        tdag_graph *g = random_chain(ctx, seed), *once = folded(ctx, g);
        expect_close(ctx, g, once, seed, "folded");
        tdag_graph *twice = folded(ctx, once);
        if (!tdag_graph_equal(once, twice))
            rg_fail(ctx, once, twice, "folded twice is not folded once", seed);
        tdag_counts a = count(ctx, g), b = count(ctx, once);
        if (b.flops > a.flops) rg_fail(ctx, g, once, "more FLOPs", seed);
        before += (uint64_t)a.nodes;
        after += (uint64_t)b.nodes;
        tdag_graph_free(twice);
        tdag_graph_free(once);
        tdag_graph_free(g);
    }
    print_message("%llu kernels became %llu\n", (unsigned long long)before,
                  (unsigned long long)after);
    assert_true(after < before * 9 / 10);
    tdag_ctx_free(ctx);
}

/* Ops behind which a rounding error may become anything. */
static const tdag_op jumps[] = {
    TDAG_OP_ARGSORT, TDAG_OP_FLOOR,  TDAG_OP_SIGN,         TDAG_OP_LESS,
    TDAG_OP_EQUAL,   TDAG_OP_WHERE,  TDAG_OP_FLOOR_DIVIDE, TDAG_OP_RECIPROCAL,
    TDAG_OP_LOG,     TDAG_OP_TAN,    TDAG_OP_EXP,          TDAG_OP_SINH,
    TDAG_OP_COSH,    TDAG_OP_ARCSIN, TDAG_OP_ARCCOS,       TDAG_OP_ARCCOSH,
    TDAG_OP_ARCTANH, TDAG_OP_SQRT,   TDAG_OP_INV_GAUSSIAN, TDAG_OP_GATHER,
    TDAG_OP_SCATTER, TDAG_OP_OPAQUE,
};

/* Graphs of all other ops, as for the exact passes. */
static void random_graphs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    bool leave_out[TDAGI_OP_CODES] = {false};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++)
        leave_out[jumps[i]] = true;
    for (uint64_t seed = 1; seed <= rg_n_seeds(1000, 10000); seed++) {
        const rg_options o = {.seed = seed,
                              .symbols = seed % 3 == 0,
                              .no_special = true,
                              .only_f32 = true,
                              .leave_out = leave_out};
        tdag_graph *g = rg_graph(ctx, &o), *once = folded(ctx, g);
        expect_close(ctx, g, once, seed, "a random graph");
        tdag_graph *twice = folded(ctx, once);
        if (!tdag_graph_equal(once, twice))
            rg_fail(ctx, once, twice, "folded twice is not folded once", seed);
        tdag_graph_free(twice);
        tdag_graph_free(once);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

static tdag_status fold_and_forget(tdag_ctx *ctx, void *arg)
{
    tdag_graph *out = NULL;
    tdag_simplify_options o;
    tdag_simplify_options_init(&o);
    o.passes = TDAG_PASS_EXACT | TDAG_PASS_FOLD;
    tdag_status st = tdag_graph_simplify(ctx, arg, &o, &out);
    tdag_graph_free(out);
    return st;
}

static void out_of_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    static const struct row some[] = {{"", LINEAR, true, "cC", "CvcC", 0},
                                      {"", TRANSPOSED, true, "c", "cC", 0},
                                      {"", CONV, false, "C", "cC", 0}};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        tdag_graph *g = build_row(ctx, &some[i]);
        test_every_oom(fold_and_forget, g);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in),  cmocka_unit_test(names_of_weights),
        cmocka_unit_test(shared_stay),   cmocka_unit_test(random_chains),
        cmocka_unit_test(random_graphs), cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
