/* Composites are found after a transform as they were before: random convolutions and
 * poolings, simplified and with their batch removed, have the same kernels. */
#include <tdagger/axis.h>
#include <tdagger/count.h>
#include <tdagger/simplify.h>

#include "derive/derive.h"
#include "support/test.h"

enum { N_ROUNDS = 300 };

typedef struct random_state {
    uint32_t state;
} random_state;

static int64_t pick(random_state *r, int64_t from, int64_t to) /* both included */
{
    r->state = r->state * 1664525u + 1013904223u;
    return from + (int64_t)((r->state >> 8) % (uint32_t)(to - from + 1));
}

typedef struct shape {
    uint32_t rank;
    tdag_dim v[5];
} shape;

static tdag_value input(tdag_builder *b, const char *name, const shape *s)
{
    return tdag_add_input(b, name, TDAG_F32, s->rank, s->v);
}

/* A convolution of 1 to 3 axes over N samples; groups, strides, dilations, padding. */
static tdag_value random_conv(tdag_builder *b, random_state *r)
{
    int64_t stride[3], dilation[3];
    tdag_dim before[3], after[3];
    uint32_t n = (uint32_t)pick(r, 1, 3);
    const tdagi_conv_spec spec = {
        {n, stride}, {n, dilation}, {n, before}, {n, after}, pick(r, 1, 2)};
    int64_t channels = pick(r, 1, 3);
    shape x = {2 + n, {tdag_builder_symbol(b, "N", 3), spec.groups * channels}};
    shape w = {2 + n, {spec.groups * pick(r, 1, 3), channels}};
    const shape bias = {1, {w.v[0]}};
    for (uint32_t i = 0; i < n; i++) {
        stride[i] = pick(r, 1, 3);
        dilation[i] = pick(r, 1, 2);
        before[i] = pick(r, 0, 2);
        after[i] = pick(r, 0, 2);
        w.v[2 + i] = pick(r, 1, 3);
        x.v[2 + i] = (w.v[2 + i] - 1) * dilation[i] + pick(r, 2, 7);
    }
    const tdag_value in[3] = {input(b, "x", &x), input(b, "w", &w),
                              input(b, "bias", &bias)};
    return tdagi_lower(b, TDAGI_CONV, in, pick(r, 0, 1) == 0 ? 2 : 3, &spec);
}

static tdag_value random_pool(tdag_builder *b, random_state *r)
{
    int64_t kernel[2], stride[2], padding[2], dilation[2] = {1, 1};
    const tdagi_pool_spec spec = {
        {2, kernel}, {2, stride}, {2, padding}, {2, dilation}, 0, pick(r, 0, 1), 0};
    shape x = {4, {tdag_builder_symbol(b, "N", 3), pick(r, 1, 3)}};
    for (int i = 0; i < 2; i++) {
        kernel[i] = pick(r, 2, 3);
        stride[i] = pick(r, 1, 3);
        padding[i] = pick(r, 0, 1);
        x.v[2 + i] = kernel[i] + pick(r, 2, 7);
    }
    tdagi_composite id = pick(r, 0, 1) == 0 ? TDAGI_MAX_POOL : TDAGI_AVG_POOL;
    const tdag_value in = input(b, "x", &x);
    return tdagi_lower(b, id, &in, 1, &spec);
}

static tdag_graph *make(tdag_ctx *ctx, random_state *r, bool pool)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_builder_add_output(b, pool ? random_pool(b, r) : random_conv(b, r));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

static void check(tdag_ctx *ctx, const char *what, int round, const tdag_graph *before,
                  const tdag_graph *after, int64_t samples, int *n_odd)
{
    tdag_counts a, b;
    TEST_OK(ctx, tdag_count(ctx, before, TDAG_LEVEL_KERNEL, &a));
    TEST_OK(ctx, tdag_count(ctx, after, TDAG_LEVEL_KERNEL, &b));
    bool same = a.macs == samples * b.macs && a.flops == samples * b.flops;
    if (samples == 1)
        same = same && a.nodes == b.nodes && a.memory_reads == b.memory_reads &&
               a.memory_writes == b.memory_writes;
    else if (b.nodes > 2) /* windows are written out; the bias may stand alone */
        (*n_odd)++;
    if (same) return;
    char *text = NULL;
    TEST_OK(ctx, tdag_graph_print(ctx, after, 0, &text));
    fail_msg("%s, round %d: %d kernels, %lld MACs, %lld read for %d, %lld, %lld\n%s",
             what, round, (int)b.nodes, (long long)b.macs, (long long)b.memory_reads,
             (int)a.nodes, (long long)a.macs, (long long)a.memory_reads, text);
}

static void run(bool pool)
{
    random_state r = {pool ? 7u : 1u};
    int odd = 0;
    tdag_ctx *ctx = test_ctx();
    for (int i = 0; i < N_ROUNDS; i++) {
        tdag_graph *g = make(ctx, &r, pool), *simple = NULL, *one = NULL;
        TEST_OK(ctx, tdag_graph_simplify(ctx, g, NULL, &simple));
        check(ctx, "simplified", i, g, simple, 1, &odd);
        TEST_OK(ctx, tdag_graph_remove_dim(ctx, g, "N", NULL, &one));
        if (!pool) check(ctx, "without its batch", i, g, one, 3, &odd);
        tdag_graph_free(one);
        tdag_graph_free(simple);
        tdag_graph_free(g);
    }
    print_message("%d of %d write windows out\n", odd, N_ROUNDS);
    assert_true(odd < N_ROUNDS / 8); /* some with an axis of one tap or one position */
    tdag_ctx_free(ctx);
}

static void test_conv(void **state)
{
    (void)state;
    run(false);
}

static void test_pool(void **state)
{
    (void)state;
    run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
