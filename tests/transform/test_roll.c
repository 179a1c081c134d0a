/* Unrolled recurrences: rolled they are a loop over one cell, with equal results;
 * unrolled again they are what they were. Random cells, forwards and backwards over
 * each axis, with one or two values carried, results last, stacked, concatenated or
 * picked. Seeds are printed where something fails; TDAG_COUNT says how many. */
#include "support/test.h"

#include <math.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "derive/derive.h"
#include "program/model.h"
#include "support/random_graph.h"

enum { MOST_STEPS = 12, WIDTH = 4 };

typedef struct shape_of {
    uint32_t n_steps, axis, n_states, n_ops;
    bool is_reversed, other_weights, has_entry, takes_rows, many_rows;
    int results; /* 0 last, 1 stacked, 2 concatenated, 3 a few of them */
} shape_of;

static shape_of draw(rg_random *r)
{
    return (shape_of){.n_steps = (uint32_t)rg_in(r, 5, MOST_STEPS),
                      .axis = (uint32_t)rg_in(r, 0, 1),
                      .n_states = (uint32_t)rg_in(r, 1, 2),
                      .n_ops = (uint32_t)rg_in(r, 3, 7),
                      .is_reversed = rg_chance(r, 40),
                      .has_entry = rg_chance(r, 50),
                      .takes_rows = rg_chance(r, 80),
                      .many_rows = rg_chance(r, 30),
                      .results = (int)rg_in(r, 0, 3)};
}

static tdag_value weight(tdag_ctx *ctx, tdag_builder *b, const char *name, double scale)
{
    tdag_tensor *t = NULL;
    const int64_t shape[] = {WIDTH};
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, shape, &t));
    for (int64_t i = 0; i < WIDTH; i++)
        tdagi_tensor_set_f64(t, i, scale * (double)(i + 1));
    tdag_value v = tdag_add_tensor(b, TDAG_OP_PARAMETER, name, t);
    tdag_tensor_free(t);
    return v;
}

/* The row, or rows, of x that a step takes: f32[2,4]. */
static tdag_value row_of(tdag_builder *b, const shape_of *s, tdag_value x, uint32_t t)
{
    int64_t width = s->many_rows ? 2 : 1;
    int64_t at = width * (s->is_reversed ? s->n_steps - 1 - t : t);
    if (width == 1) return tdagi_select1(b, x, s->axis, at);
    tdag_value part = tdagi_slice1(b, x, s->axis, at, at + width);
    return tdagi_reduce_keep(b, part, TDAG_REDUCE_MAX, TDAG_LIST(s->axis), false);
}

/* h[] becomes the states behind the step. */
static void add_step(tdag_builder *b, const shape_of *s, const int *ops, tdag_value w,
                     tdag_value x, uint32_t t, tdag_value h[2])
{
    tdag_value v = h[0];
    if (s->takes_rows) v = tdagi_add(b, v, row_of(b, s, x, t));
    v = tdagi_mul(b, v, w);
    for (uint32_t i = 0; i < s->n_ops; i++) {
        const tdag_value other = s->n_states == 2 ? h[1] : w;
        v = ops[i] == 0   ? tdag_add_node(b, TDAG_OP_TANH, NULL, 0, &v, 1)
            : ops[i] == 1 ? tdagi_mul(b, v, other)
            : ops[i] == 2 ? tdagi_add(b, v, other)
                          : tdag_add_node(b, TDAG_OP_SIN, NULL, 0, &v, 1);
    }
    if (s->n_states == 2) h[1] = h[0];
    h[0] = v;
}

static void add_results(tdag_builder *b, const shape_of *s, const tdag_value *all)
{
    tdag_value in_order[MOST_STEPS];
    for (uint32_t t = 0; t < s->n_steps; t++)
        in_order[t] = all[s->is_reversed ? s->n_steps - 1 - t : t];
    if (s->results == 1)
        tdag_builder_add_output(b, tdagi_stack(b, in_order, s->n_steps, 0));
    else if (s->results == 2)
        tdag_builder_add_output(b, tdagi_concat(b, in_order, s->n_steps, 1));
    else if (s->results == 3)
        for (uint32_t t = 1; t < s->n_steps; t += 3)
            tdag_builder_add_output(b, all[t]);
    tdag_builder_add_output(b, all[s->n_steps - 1]);
}

static tdag_model *make(tdag_ctx *ctx, const shape_of *s, uint64_t seed)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    rg_random r = rg_seeded(seed + 1000);
    int ops[8];
    for (int i = 0; i < 8; i++)
        ops[i] = (int)rg_in(&r, 0, 3);
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    const tdag_dim rows = (s->many_rows ? 2 : 1) * (int64_t)s->n_steps;
    const tdag_dim by_axis[2][3] = {{rows, 2, WIDTH}, {2, rows, WIDTH}};
    const tdag_dim state[] = {2, WIDTH};
    tdag_value all[MOST_STEPS], h[2], w = weight(ctx, b, "w", 0.25);
    tdag_value x = tdag_add_input(b, "x", TDAG_F32, 3, by_axis[s->axis]);
    h[0] = s->has_entry ? tdag_add_input(b, "h", TDAG_F32, 2, state)
                        : tdagi_full(b, TDAG_F32, 2, state, 0.5);
    h[1] = tdagi_full(b, TDAG_F32, 2, state, 1);
    for (uint32_t t = 0; t < s->n_steps; t++) {
        char name[16];
        snprintf(name, sizeof name, "w%u", (unsigned)t);
        if (s->other_weights) w = weight(ctx, b, name, 0.5);
        add_step(b, s, ops, w, x, t, h);
        all[t] = h[0];
    }
    add_results(b, s, all);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_builder_free(b);
    tdag_graph_free(g);
    return m;
}

/* ---- the law ---- */

static void run(tdag_ctx *ctx, const tdag_model *m, const shape_of *s, bool native,
                uint32_t n_inputs, tdag_tensor **out)
{
    tdag_tensor *in[2] = {NULL, NULL};
    const int64_t rows = (s->many_rows ? 2 : 1) * (int64_t)s->n_steps;
    const int64_t by_axis[2][3] = {{rows, 2, WIDTH}, {2, rows, WIDTH}};
    const int64_t state[] = {2, WIDTH};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = native ? TDAG_ENGINE_NATIVE : TDAG_ENGINE_REFERENCE;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 3, by_axis[s->axis], &in[0]));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, state, &in[1]));
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < in[k]->count; i++)
            tdagi_tensor_set_f64(in[k], i, (double)((i * 7 + k) % 5 - 2) / 3);
    TEST_OK(ctx, tdag_run(ctx, m, in, n_inputs, &o, out));
    tdag_tensor_free(in[0]);
    tdag_tensor_free(in[1]);
}

/* The native engine rounds otherwise in loops that it plans. */
static bool is_near(double x, double y, bool is_native)
{
    return x == y || (is_native && fabs(x - y) <= 1e-5 * (1 + fabs(x)));
}

static void check_equal(tdag_ctx *ctx, const tdag_model *a, const tdag_model *b,
                        const shape_of *s, uint64_t seed)
{
    tdag_tensor *x[16] = {NULL}, *y[16] = {NULL};
    const tdag_graph *g = tdag_model_get_graph(a);
    for (int native = 0; native < 2; native++) {
        run(ctx, a, s, native == 1, tdag_graph_get_n_inputs(g), x);
        run(ctx, b, s, native == 1, tdag_graph_get_n_inputs(g), y);
        for (uint32_t i = 0; i < tdag_graph_get_n_outputs(g); i++) {
            for (int64_t k = 0; k < x[i]->count; k++)
                if (!is_near(tdagi_tensor_get_f64(x[i], k),
                             tdagi_tensor_get_f64(y[i], k), native == 1))
                    fail_msg("seed %llu: output %u differs: %g for %g",
                             (unsigned long long)seed, (unsigned)i,
                             tdagi_tensor_get_f64(y[i], k),
                             tdagi_tensor_get_f64(x[i], k));
            tdag_tensor_free(x[i]);
            tdag_tensor_free(y[i]);
        }
    }
}

static uint32_t count_loops(const tdag_block *block)
{
    uint32_t n = 0;
    const tdag_statement *s = tdag_block_get(block).first;
    for (; s != NULL; s = tdag_statement_get_next(s)) {
        tdag_statement_info info = tdag_statement_get(s);
        n += info.kind == TDAG_STATEMENT_LOOP;
        for (uint32_t i = 0; i < info.n_blocks; i++)
            n += count_loops(tdag_statement_get_block(s, i));
    }
    return n;
}

static uint32_t n_loops(const tdag_model *m)
{
    return count_loops(tdag_method_get_body(tdag_model_get_method(m, 0)));
}

static void test_law(void **state)
{
    (void)state;
    const char *count = getenv("TDAG_COUNT");
    uint64_t n = count == NULL ? 300 : strtoull(count, NULL, 10);
    uint32_t n_back = 0, n_rolled = 0;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= n; seed++) {
        rg_random r = rg_seeded(seed);
        const shape_of s = draw(&r);
        char a[TDAG_HASH_SIZE], b[TDAG_HASH_SIZE];
        tdag_model *m = make(ctx, &s, seed), *rolled = NULL, *back = NULL,
                   *simple = NULL;
        TEST_OK(ctx, tdag_roll(ctx, m, &rolled));
        check_equal(ctx, m, rolled, &s, seed);
        n_rolled += n_loops(rolled) == 1;
        TEST_OK(ctx, tdag_unroll(ctx, rolled, NULL, &back));
        assert_non_null(tdag_model_get_graph(back));
        check_equal(ctx, m, back, &s, seed);
        TEST_OK(ctx, tdag_simplify(ctx, m, NULL, &simple));
        TEST_OK(ctx, tdag_model_get_hash(ctx, simple, TDAG_HASH_CONTENT, a));
        TEST_OK(ctx, tdag_model_get_hash(ctx, back, TDAG_HASH_CONTENT, b));
        n_back += strcmp(a, b) == 0;
        if (getenv("TDAG_VERBOSE") != NULL)
            printf("seed %llu: steps %u axis %u states %u ops %u back %d entry %d "
                   "takes %d "
                   "many %d results %d: %u loops, %s\n",
                   (unsigned long long)seed, s.n_steps, s.axis, s.n_states, s.n_ops,
                   s.is_reversed, s.has_entry, s.takes_rows, s.many_rows, s.results,
                   n_loops(rolled), strcmp(a, b) == 0 ? "back" : "other");
        tdag_model_free(simple);
        tdag_model_free(back);
        tdag_model_free(rolled);
        tdag_model_free(m);
    }
    print_message("%u of %u are one loop, %u come back\n", (unsigned)n_rolled,
                  (unsigned)n, (unsigned)n_back);
    assert_true(n_rolled * 10 >= n * 9);
    assert_true(n_back * 2 >= n);
    tdag_ctx_free(ctx);
}

/* Steps with weights of their own stay, and so do three ops in a row. */
static void test_kept(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        rg_random r = rg_seeded(seed);
        shape_of s = draw(&r);
        tdag_model *rolled = NULL;
        s.other_weights = true;
        tdag_model *m = make(ctx, &s, seed);
        TEST_OK(ctx, tdag_roll(ctx, m, &rolled));
        assert_non_null(tdag_model_get_graph(rolled));
        tdag_model_free(rolled);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    tdag_model *rolled = NULL, *back = NULL;
    tdag_status st = tdag_roll(ctx, arg, &rolled);
    if (st == TDAG_OK) st = tdag_unroll(ctx, rolled, NULL, &back);
    tdag_model_free(rolled);
    tdag_model_free(back);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int results = 0; results < 4; results++) {
        const shape_of s = {.n_steps = 4,
                            .n_states = 2,
                            .n_ops = 4,
                            .results = results,
                            .takes_rows = true,
                            .is_reversed = results % 2 == 1};
        tdag_model *m = make(ctx, &s, 3);
        test_every_oom(oom_body, m);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_law),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
