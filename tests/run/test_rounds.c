/* Loops over the rows of a sequence, which the native engine runs as a plan: every kind
 * of cell, of both types, with and without a batch, in both directions, of few rounds
 * and none, of no elements, with infinities and NaNs, against the reference engine;
 * what has no place in a plan; and which of them are planned. */
#include "support/pick.h"
#include "support/test.h"

#include <math.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "derive/derive.h"
#include "program/outline/outline.h"
#include "run/blas.h"

/* ---- steps ---- */

typedef struct sizes {
    tdag_dtype dtype;
    bool has_batch, is_backwards;
    int64_t rows, batch, width;
} sizes;

typedef struct step {
    tdag_builder *b;
    uint32_t axis; /* the last one of states */
    int64_t width;
    tdag_value row, h, c, w, bias;
    tdag_value h_now, c_now;
} step;

static tdag_value gate(const step *s, tdag_value x, int64_t i)
{
    return tdagi_slice1(s->b, x, s->axis, i * s->width, (i + 1) * s->width);
}
static tdag_value sigmoid(const step *s, tdag_value x)
{
    return tdagi_unary_composite(s->b, TDAGI_SIGMOID, x);
}
static tdag_value tanh_of(const step *s, tdag_value x)
{
    return tdag_unary(s->b, TDAG_OP_TANH, x);
}
static tdag_value product(const step *s)
{
    return tdagi_linear(s->b, s->h, s->w, s->bias);
}
static tdag_value sum(const step *s) { return tdagi_add(s->b, s->row, product(s)); }

static void rnn_tanh(step *s) { s->h_now = tanh_of(s, sum(s)); }
static void rnn_relu(step *s)
{
    s->h_now = tdagi_unary_composite(s->b, TDAGI_RELU, sum(s));
}
static void lstm(step *s)
{
    tdag_value x = sum(s), kept = tdagi_mul(s->b, sigmoid(s, gate(s, x, 1)), s->c),
               added = tdagi_mul(s->b, sigmoid(s, gate(s, x, 0)),
                                 tanh_of(s, gate(s, x, 2)));
    s->c_now = tdagi_add(s->b, kept, added);
    s->h_now = tdagi_mul(s->b, sigmoid(s, gate(s, x, 3)), tanh_of(s, s->c_now));
}
static void gru(step *s)
{
    tdag_value y = product(s), gates[2];
    for (int64_t i = 0; i < 2; i++)
        gates[i] = sigmoid(s, tdagi_add(s->b, gate(s, s->row, i), gate(s, y, i)));
    tdag_value n = tanh_of(s, tdagi_add(s->b, gate(s, s->row, 2),
                                        tdagi_mul(s->b, gates[0], gate(s, y, 2))));
    s->h_now = tdagi_add(s->b, tdagi_mul(s->b, gates[1], tdagi_sub(s->b, s->h, n)), n);
}
/* Without a product; with numbers, and a weight for each element. */
static void average(step *s)
{
    tdag_value x = tdagi_mul(s->b, s->h, s->bias);
    s->h_now = tdagi_add_scalar(
        s->b, tdagi_add(s->b, x, tdagi_mul_scalar(s->b, s->row, 0.25)), 1);
}
/* The bias is a state. */
static void peephole(step *s)
{
    s->c_now =
        tdag_unary(s->b, TDAG_OP_NEG, tdagi_linear(s->b, s->h, s->w, TDAG_NO_VALUE));
    s->h_now = tanh_of(s, tdagi_add(s->b, tdagi_add(s->b, s->c_now, s->c), s->row));
}
static void sine(step *s) { s->h_now = tdag_unary(s->b, TDAG_OP_SIN, sum(s)); }
static void exchange(step *s)
{
    s->h_now = tdagi_add(s->b, s->c, s->row);
    s->c_now = s->h;
}

static const struct {
    const char *name;
    void (*make)(step *s);
    int64_t n_gates;
    bool has_c;
    bool is_planned;
} cells[] = {
    {"tanh", rnn_tanh, 1, false, true},      {"relu", rnn_relu, 1, false, true},
    {"lstm", lstm, 4, true, true},           {"gru", gru, 3, false, true},
    {"an average", average, 1, false, true}, {"a peephole", peephole, 1, true, true},
    {"a sine", sine, 1, false, false},       {"an exchange", exchange, 1, true, false},
};
enum { N_CELLS = sizeof cells / sizeof *cells };

/* ---- programs ---- */

static tdag_value input(tdag_builder *b, const char *name, tdag_dtype dtype,
                        tdag_var_type type)
{
    return tdag_add_input(b, name, dtype, type.rank, type.shape);
}

/* The row of x by the index i. */
static tdag_value row_of(tdag_builder *b, tdag_value x, tdag_value i, const sizes *s)
{
    const tdag_dim last[] = {s->rows - 1};
    tdag_value at = tdagi_unsqueeze1(b, i, 0);
    if (s->is_backwards)
        at = tdagi_sub(b, tdagi_unsqueeze1(b, tdagi_dim_value(b, last[0]), 0), at);
    return tdagi_squeeze1(b, tdag_gather(b, x, at, 0), 0);
}

/* Types of what forward takes: x, h, c, w, the bias. */
static void types_of(const sizes *s, uint32_t cell, tdag_dim shape[5][3],
                     tdag_var_type out[5])
{
    const int64_t gates = cells[cell].n_gates * s->width;
    const uint32_t rank = s->has_batch ? 2 : 1;
    const tdag_dim x[] = {s->rows, s->batch, gates}, h[] = {s->batch, s->width},
                   w[] = {gates, s->width};
    shape[0][0] = x[0];
    memcpy(shape[0] + 1, x + 3 - rank, rank * sizeof *x);
    memcpy(shape[1], h + 2 - rank, rank * sizeof *h);
    memcpy(shape[2], shape[1], sizeof shape[1]);
    memcpy(shape[3], w, sizeof w);
    shape[4][0] = gates;
    const uint32_t ranks[] = {rank + 1, rank, rank, 2, 1};
    for (uint32_t i = 0; i < 5; i++)
        out[i] = (tdag_var_type){s->dtype, ranks[i], shape[i]};
}

static tdag_graph *make_step(tdag_ctx *ctx, uint32_t cell, const sizes *s,
                             const tdag_var_type *types)
{
    step t = {.axis = s->has_batch, .width = s->width};
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &t.b));
    tdag_value i = tdag_add_input(t.b, "i", TDAG_I64, 0, NULL);
    tdag_value x = input(t.b, "x", s->dtype, types[0]);
    t.h = input(t.b, "h", s->dtype, types[1]);
    t.c = input(t.b, "c", s->dtype, types[2]);
    t.w = input(t.b, "w", s->dtype, types[3]);
    t.bias = input(t.b, "bias", s->dtype, types[4]);
    t.row = row_of(t.b, x, i, s);
    cells[cell].make(&t);
    tdag_builder_add_output(t.b, t.h_now);
    if (cells[cell].has_c) tdag_builder_add_output(t.b, t.c_now);
    TEST_OK(ctx, tdag_builder_finish(t.b, &g));
    tdag_builder_free(t.b);
    return g;
}

/* Rows that are none, and one row more. */
static tdag_graph *make_rows(tdag_ctx *ctx, const tdag_var_type *row, bool appends)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_dim shape[3] = {0};
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    memcpy(shape + 1, row->shape, row->rank * sizeof *shape);
    if (appends) {
        shape[0] = tdag_builder_symbol(b, "T", 1);
        tdag_value rows = tdag_add_input(b, "rows", row->dtype, row->rank + 1, shape);
        tdag_value v = tdagi_unsqueeze1(b, input(b, "row", row->dtype, *row), 0);
        tdag_builder_add_output(b,
                                tdagi_concat(b, (const tdag_value[]){rows, v}, 2, 0));
    } else {
        tdag_builder_add_output(b, tdagi_full(b, row->dtype, row->rank + 1, shape, 0));
    }
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

/* The loop over n steps, of h, maybe c, and each h. */
static void add_loop(tdag_model_builder *b, const tdag_var in[6],
                     const uint32_t graphs[3], const tdag_var_type *h, bool has_c)
{
    const uint32_t n = has_c ? 3 : 2;
    tdag_dim shape[2][3];
    tdag_var_type types[2][3];
    tdag_var none, p[4], now[3], out[3];
    tdag_program_call(b, graphs[2], (tdag_vars){0}, &none);
    for (uint32_t i = 0; i < 2; i++) {
        memcpy(shape[i] + 1, h->shape, h->rank * sizeof **shape);
        shape[i][0] = tdag_method_found(b, i == 0 ? "T" : "all", 1, TDAG_NO_DIM);
        types[i][0] = types[i][1] = *h;
        types[i][n - 1] = (tdag_var_type){h->dtype, h->rank + 1, shape[i]};
    }
    const tdag_var entries[] = {in[1], has_c ? in[2] : none, none};
    tdag_program_begin_loop(b, in[5], TDAG_NO_VAR, (tdag_vars){n, entries}, types[0],
                            p);
    const tdag_var of[] = {p[0], in[0], p[1], has_c ? p[2] : in[2], in[3], in[4]};
    tdag_program_call(b, graphs[0], (tdag_vars){6, of}, now);
    const tdag_var appended[] = {p[n], now[0]};
    tdag_program_call(b, graphs[1], (tdag_vars){2, appended}, &now[n - 1]);
    tdag_program_end_loop(b, (tdag_vars){n, now}, (tdag_var_types){n, types[1]}, out);
    tdag_program_return(b, (tdag_vars){n, out});
}

/* forward(x, h, c, w, bias, n) */
static tdag_model *make(tdag_ctx *ctx, uint32_t cell, const sizes *s)
{
    static const char *const names[] = {"step", "append", "none"};
    tdag_dim shape[5][3];
    tdag_var_type types[5];
    tdag_model_builder *b = NULL;
    tdag_model *m = NULL;
    tdag_var in[6];
    uint32_t numbers[3];
    types_of(s, cell, shape, types);
    TEST_OK(ctx, tdag_model_builder_create(ctx, &b));
    tdag_graph *graphs[] = {make_step(ctx, cell, s, types),
                            make_rows(ctx, &types[1], true),
                            make_rows(ctx, &types[1], false)};
    for (uint32_t i = 0; i < 3; i++) {
        numbers[i] = tdag_model_add_graph(b, names[i], graphs[i]);
        tdag_graph_free(graphs[i]);
    }
    tdag_method_begin(b, "forward");
    for (uint32_t i = 0; i < 5; i++)
        in[i] = tdag_method_add_input(b, NULL, &types[i]);
    in[5] = tdag_method_add_input(b, NULL, &(tdag_var_type){TDAG_I64, 0, NULL});
    add_loop(b, in, numbers, &types[1], cells[cell].has_c);
    tdag_method_end(b, NULL, NULL);
    TEST_OK(ctx, tdag_model_builder_finish(b, &m));
    tdag_model_builder_free(b);
    return m;
}

/* ---- runs ---- */

static tdag_tensor *random_tensor(tdag_ctx *ctx, const tdag_var_type *type,
                                  bool has_extremes)
{
    static const double extremes[] = {INFINITY, -INFINITY, NAN, 100, -100, -0.0, 1e-30};
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, type->dtype, type->rank, type->shape, &t));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(t, i,
                             has_extremes && pick(3) == 0
                                 ? extremes[pick(sizeof extremes / sizeof *extremes)]
                                 : (double)pick(2001) / 2000 - 0.5);
    return t;
}

static void make_inputs(tdag_ctx *ctx, uint32_t cell, const sizes *s, int64_t n,
                        bool has_extremes, tdag_tensor *in[6])
{
    tdag_dim shape[5][3];
    tdag_var_type types[5];
    types_of(s, cell, shape, types);
    for (uint32_t i = 0; i < 5; i++)
        in[i] = random_tensor(ctx, &types[i], has_extremes && (i == 0 || i == 2));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &in[5]));
    tdagi_tensor_set_i64(in[5], 0, n);
}

static void free_all(tdag_tensor **t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(t[i]);
}

static void compare(const tdag_tensor *got, const tdag_tensor *want, const char *name)
{
    const double tolerance = got->dtype == TDAG_F32 ? 2e-5 : 1e-13;
    assert_int_equal(got->count, want->count);
    for (int64_t j = 0; j < got->count; j++) {
        double x = tdagi_tensor_get_f64(got, j), y = tdagi_tensor_get_f64(want, j);
        bool same = (isnan(x) && isnan(y)) || x == y ||
                    fabs(x - y) <= tolerance * (1 + fabs(y));
        if (!same)
            fail_msg("%s: element %lld: %.17g, not %.17g", name, (long long)j, x, y);
    }
}

static void run_both(tdag_ctx *ctx, uint32_t cell, const sizes *s, int64_t n,
                     bool has_extremes)
{
    tdag_model *m = make(ctx, cell, s);
    const uint32_t n_out = cells[cell].has_c ? 3 : 2;
    tdag_tensor *in[6] = {NULL}, *out[2][3] = {{NULL}};
    make_inputs(ctx, cell, s, n, has_extremes, in);
    for (int i = 0; i < 2; i++) {
        tdag_run_options o;
        tdag_run_options_init(&o);
        o.engine = i == 0 ? TDAG_ENGINE_NATIVE : TDAG_ENGINE_REFERENCE;
        TEST_OK(ctx, tdag_run(ctx, m, in, 6, &o, out[i]));
    }
    for (uint32_t i = 0; i < n_out; i++)
        compare(out[0][i], out[1][i], cells[cell].name);
    free_all(in, 6);
    free_all(out[0], n_out);
    free_all(out[1], n_out);
    tdag_model_free(m);
}

static void test_engines_agree(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    pick_state = 11;
    for (uint32_t i = 0; i < 16 * N_CELLS; i++) {
        const sizes s = {.dtype = i / N_CELLS % 2 == 0 ? TDAG_F32 : TDAG_F64,
                         .has_batch = i / N_CELLS % 4 < 3,
                         .is_backwards = pick(2) == 0,
                         .rows = 9 + (int64_t)pick(5),
                         .batch = 1 + (int64_t)pick(8),
                         .width = 1 + (int64_t)pick(21)};
        run_both(ctx, i % N_CELLS, &s, pick(10), i / N_CELLS % 2 == 1);
        run_both(ctx, i % N_CELLS, &s, s.rows, pick(2) == 0);
    }
    tdag_ctx_free(ctx);
}

static void test_nothing_is_there(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t cell = 0; cell < N_CELLS; cell++) {
        run_both(ctx, cell, &(sizes){TDAG_F32, true, false, 9, 0, 4}, 9, false);
        run_both(ctx, cell, &(sizes){TDAG_F32, true, true, 9, 2, 0}, 9, false);
        run_both(ctx, cell, &(sizes){TDAG_F32, true, true, 9, 2, 3}, 0, false);
    }
    tdag_ctx_free(ctx);
}

/* ---- what is asked ---- */

static bool count(void *calls)
{
    ++*(int64_t *)calls;
    return true;
}

/* How often a run asks whether it may go on: once a round, if there is a plan. */
static void test_cells_are_planned(void **unused)
{
    (void)unused;
    int64_t calls = 0;
    tdag_ctx_options o;
    tdag_ctx *ctx = NULL;
    tdag_ctx_options_init(&o);
    o.limits.keep_going = count;
    o.limits.keep_going_user = &calls;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    const bool has_blas = tdagi_blas_get(ctx) != NULL;
    for (uint32_t i = 0; i < 4 * N_CELLS; i++) {
        const sizes s = {i % 2 == 0 ? TDAG_F32 : TDAG_F64, true, i % 4 > 1, 40, 2, 3};
        tdag_model *m = make(ctx, i / 4, &s);
        tdag_tensor *in[6] = {NULL}, *out[3] = {NULL};
        make_inputs(ctx, i / 4, &s, s.rows, false, in);
        calls = 0;
        TEST_OK(ctx, tdag_run(ctx, m, in, 6, NULL, out));
        if (has_blas && (calls < 3 * s.rows) != cells[i / 4].is_planned)
            fail_msg("%s: asked %lld times", cells[i / 4].name, (long long)calls);
        free_all(in, 6);
        free_all(out, 3);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

/* A sequence that ends before the loop does is told, not read on. */
static void test_rows_end(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    for (int i = 0; i < 2; i++) {
        const sizes s = {TDAG_F32, true, i == 1, 6, 2, 3};
        tdag_model *m = make(ctx, 2, &s);
        tdag_tensor *in[6] = {NULL}, *out[3] = {NULL};
        make_inputs(ctx, 2, &s, 7, false, in);
        assert_int_not_equal(tdag_run(ctx, m, in, 6, NULL, out), TDAG_OK);
        free_all(in, 6);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

typedef struct job {
    tdag_model *m;
    tdag_tensor **in;
} job;

static tdag_status run_once(tdag_ctx *ctx, void *arg)
{
    const job *j = arg;
    tdag_tensor *out[3] = {NULL};
    tdag_status st = tdag_run(ctx, j->m, j->in, 6, NULL, out);
    free_all(out, 3);
    return st;
}

static void test_no_memory(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    const sizes s = {TDAG_F32, true, false, 6, 2, 3};
    tdag_tensor *in[6] = {NULL};
    job j = {make(ctx, 2, &s), in};
    make_inputs(ctx, 2, &s, 6, false, in);
    test_every_oom(run_once, &j);
    free_all(in, 6);
    tdag_model_free(j.m);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engines_agree),
        cmocka_unit_test(test_nothing_is_there),
        cmocka_unit_test(test_cells_are_planned),
        cmocka_unit_test(test_rows_end),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
