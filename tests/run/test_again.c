/* Graphs that are run again: what was prepared for the first run serves the next one,
 * at the same sizes, whoever runs it; and unrolled recurrences, whose weights are
 * packed for all steps at once, against the reference engine. */
#include "support/pick.h"
#include "support/test.h"

#include <math.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "derive/derive.h"

/* ---- graphs ---- */

typedef struct shape {
    tdag_dtype dtype;
    bool is_lstm, has_bias, has_batch;
    int64_t steps, batch, width;
} shape;

/* Small ones: in a recurrence of large weights what is rounded grows with each step. */
static void fill(tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        const double x = ((double)pick(2001) / 1000 - 1) / 4;
        if (t->dtype == TDAG_F32)
            ((float *)t->data)[i] = (float)x;
        else
            ((double *)t->data)[i] = x;
    }
}

static tdag_tensor *random_tensor(tdag_ctx *ctx, tdag_dtype dtype, uint32_t rank,
                                  const int64_t *dims)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, rank, dims, &t));
    fill(t);
    return t;
}

static tdag_value weight(tdag_ctx *ctx, tdag_builder *b, const char *name,
                         tdag_dtype dtype, uint32_t rank, int64_t n, int64_t k)
{
    tdag_tensor *t = random_tensor(ctx, dtype, rank, (const int64_t[]){n, k});
    tdag_value v = tdag_add_tensor(b, TDAG_OP_PARAMETER, name, t);
    tdag_tensor_free(t);
    return v;
}

static tdag_value gate(tdag_builder *b, tdag_value x, const shape *s, int64_t i)
{
    return tdagi_slice1(b, x, s->has_batch, i * s->width, (i + 1) * s->width);
}

/* The sum of a step's products -> the new state h. */
static tdag_value step(tdag_builder *b, const shape *s, tdag_value sum, tdag_value *c)
{
    if (!s->is_lstm) return tdag_unary(b, TDAG_OP_TANH, sum);
    tdag_value on[4];
    for (int64_t i = 0; i < 4; i++)
        on[i] = i == 2 ? tdag_unary(b, TDAG_OP_TANH, gate(b, sum, s, i))
                       : tdagi_unary_composite(b, TDAGI_SIGMOID, gate(b, sum, s, i));
    *c = tdagi_add(b, tdagi_mul(b, on[1], *c), tdagi_mul(b, on[0], on[2]));
    return tdagi_mul(b, on[3], tdag_unary(b, TDAG_OP_TANH, *c));
}

/* h of every step, and c at the end: h0 and c0 are inputs, the weights are shared. */
static tdag_graph *recurrence(tdag_ctx *ctx, const shape *s)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    const int64_t rows[] = {s->batch, s->width}, n = s->width * (s->is_lstm ? 4 : 1);
    const uint32_t rank = 1u + s->has_batch;
    tdag_value h = tdag_add_input(b, "h", s->dtype, rank, rows + 2 - rank);
    tdag_value c = tdag_add_input(b, "c", s->dtype, rank, rows + 2 - rank);
    tdag_value w = weight(ctx, b, "w", s->dtype, 2, n, s->width), bias = TDAG_NO_VALUE;
    if (s->has_bias) bias = weight(ctx, b, "bias", s->dtype, 1, n, 0);
    for (int64_t i = 0; i < s->steps; i++) {
        h = step(b, s, tdagi_linear(b, h, w, bias), &c);
        tdag_builder_add_output(b, h);
    }
    tdag_builder_add_output(b, c);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

/* ---- runs ---- */

static void expect_near(const tdag_tensor *x, const tdag_tensor *y)
{
    const double tolerance = x->dtype == TDAG_F32 ? 1e-5 : 1e-13;
    assert_int_equal(x->count, y->count);
    for (int64_t i = 0; i < x->count; i++) {
        const bool is_f32 = x->dtype == TDAG_F32;
        const double a =
            is_f32 ? (double)((float *)x->data)[i] : ((double *)x->data)[i];
        const double e =
            is_f32 ? (double)((float *)y->data)[i] : ((double *)y->data)[i];
        if (!(fabs(a - e) <= tolerance)) fail_msg("%.17g, not %.17g", a, e);
    }
}

static tdag_status run(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *in,
                       tdag_engine engine, tdag_tensor **out)
{
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    return tdag_graph_run(ctx, g, in, g->n_inputs, &o, out);
}

/* By both engines, by the native one as often as asked. */
static void expect_runs(tdag_ctx *ctx, const tdag_graph *g, tdag_tensor *const *in,
                        int times)
{
    tdag_tensor *want[80], *got[80];
    assert_true(g->n_outputs <= 80);
    TEST_OK(ctx, run(ctx, g, in, TDAG_ENGINE_REFERENCE, want));
    for (int i = 0; i < times; i++) {
        TEST_OK(ctx, run(ctx, g, in, TDAG_ENGINE_NATIVE, got));
        for (uint32_t j = 0; j < g->n_outputs; j++) {
            expect_near(got[j], want[j]);
            tdag_tensor_free(got[j]);
        }
    }
    for (uint32_t j = 0; j < g->n_outputs; j++)
        tdag_tensor_free(want[j]);
}

static void test_recurrences(void **unused)
{
    (void)unused;
    static const int64_t steps[] = {1, 7, 8, 12}, widths[] = {1, 3, 16, 40, 65};
    static const int64_t batches[] = {1, 2, 5, 64, 65};
    tdag_ctx *ctx = test_ctx();
    pick_state = 11;
    for (uint32_t i = 0; i < 160; i++) {
        const shape s = {.dtype = i % 2 == 0 ? TDAG_F32 : TDAG_F64,
                         .is_lstm = i / 2 % 2 == 0,
                         .has_bias = i / 4 % 2 == 0,
                         .has_batch = i / 8 % 2 == 0,
                         .steps = steps[pick(4)],
                         .batch = batches[pick(5)],
                         .width = widths[pick(5)]};
        const int64_t dims[] = {s.batch, s.width};
        const uint32_t rank = 1u + s.has_batch;
        tdag_graph *g = recurrence(ctx, &s);
        for (int again = 0; again < 2; again++) {
            tdag_tensor *in[2];
            for (int j = 0; j < 2; j++)
                in[j] = random_tensor(ctx, s.dtype, rank, dims + 2 - rank);
            expect_runs(ctx, g, in, 2);
            tdag_tensor_free(in[0]);
            tdag_tensor_free(in[1]);
        }
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

static tdag_graph *parse(tdag_ctx *ctx)
{
    static const char text[] = "tdag 1\n"
                               "symbols N=4\n"
                               "x: f32[N,3] = input\n"
                               "t: f32[N,1] = reduce(x) {axes=[1], kind=sum}\n"
                               "e: f32[N,3] = add(x, t)\n"
                               "y: f32[N,3] = tanh(e)\n"
                               "return y\n";
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    return g;
}

static void expect_at(tdag_ctx *ctx, const tdag_graph *g, int64_t n)
{
    tdag_tensor *x = random_tensor(ctx, TDAG_F32, 2, (const int64_t[]){n, 3});
    expect_runs(ctx, g, &x, 1);
    tdag_tensor_free(x);
}

static void test_sizes(void **unused)
{
    (void)unused;
    static const int64_t sizes[] = {4, 4, 5, 4, 0, 5, 5, 1, 4};
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = parse(ctx);
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        expect_at(ctx, g, sizes[i]);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static int64_t allocations(tdag_ctx *ctx, const test_heap *heap, const tdag_graph *g,
                           tdag_tensor *x)
{
    const int64_t before = heap->n_allocations;
    tdag_tensor *y = NULL;
    TEST_OK(ctx, run(ctx, g, &x, TDAG_ENGINE_NATIVE, &y));
    tdag_tensor_free(y);
    return heap->n_allocations - before;
}

/* A second run of the same sizes prepares nothing. */
static void test_kept(void **unused)
{
    (void)unused;
    test_heap heap = {0};
    tdag_ctx *ctx = test_ctx_on(&heap);
    tdag_graph *g = parse(ctx);
    tdag_tensor *x = random_tensor(ctx, TDAG_F32, 2, (const int64_t[]){4, 3});
    const int64_t first = allocations(ctx, &heap, g, x);
    const int64_t second = allocations(ctx, &heap, g, x);
    assert_true(2 * second < first);
    assert_int_equal(allocations(ctx, &heap, g, x), second);
    tdag_tensor_free(x);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
    assert_int_equal(heap.live_blocks, 0);
}

/* What a context's allocator gave does not stay with a graph of another one. */
static void test_other_allocator(void **unused)
{
    (void)unused;
    test_heap one = {0}, other = {0};
    tdag_ctx *ctx = test_ctx_on(&one), *guest = test_ctx_on(&other);
    tdag_graph *g = parse(ctx);
    expect_at(guest, g, 4);
    tdag_ctx_free(guest);
    assert_int_equal(other.live_blocks, 0);
    expect_at(ctx, g, 4);
    guest = test_ctx_on(&other);
    expect_at(guest, g, 4); /* takes what the first one left */
    expect_at(guest, g, 5);
    tdag_ctx_free(guest);
    assert_int_equal(other.live_blocks, 0);
    tdag_ctx_free(ctx); /* the graph lives longer */
    tdag_graph_free(g);
    assert_int_equal(one.live_blocks, 0);
}

static tdag_status run_twice(tdag_ctx *ctx, void *graph)
{
    tdag_tensor *x = NULL;
    TDAGI_TRY(tdag_tensor_create(ctx, TDAG_F32, 2, (const int64_t[]){2, 4}, &x));
    memset(x->data, 0, x->size);
    tdag_tensor *const in[] = {x, x};
    tdag_tensor *out[16] = {NULL};
    tdag_status st = TDAG_OK;
    for (int i = 0; i < 2 && st == TDAG_OK; i++) {
        st = run(ctx, graph, in, TDAG_ENGINE_NATIVE, out);
        for (uint32_t j = 0; j < 16 && st == TDAG_OK; j++) {
            tdag_tensor_free(out[j]);
            out[j] = NULL;
        }
    }
    tdag_tensor_free(x);
    return st;
}

static void test_no_memory(void **unused)
{
    (void)unused;
    const shape s = {TDAG_F32, true, true, true, 9, 2, 4};
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = recurrence(ctx, &s);
    test_every_oom(run_twice, g);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recurrences), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_kept),        cmocka_unit_test(test_other_allocator),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
