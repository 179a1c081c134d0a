/* How the time of tdag_graph_simplify() grows with a graph: 10,000 to 1,000,000 nodes
 * of layers as importers make them, with views to merge, equal values, constants and
 * dead nodes between them. With the argument "check" it fails where ten times the nodes
 * take more than fifteen times the time, after more runs while it looks so. The promise
 * of a second for 100,000 nodes is for a reader of the figures: machines differ. */
#include <time.h>

#include "support/test.h"

#include <tdagger.h>

#define MOST_GROWTH 15.0

/* Nodes of one round: a 1x1 convolution, a relu, and what a pass can remove. */
#define NODES_PER_ROUND 16

/* Of this process, so that a busy machine does not count. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* x [1, 8, 4, 4], weight [8, 8, 1, 1] */
static tdag_value add_round(tdag_builder *b, tdag_value x, tdag_value weight,
                            tdag_value one)
{
    tdag_value wide = tdag_unsqueeze(b, x, TDAG_LIST(1));
    tdag_value product = tdag_binary(b, TDAG_OP_MULTIPLY, wide, weight);
    tdag_value sum = tdag_reduce(b, product, TDAG_REDUCE_SUM, TDAG_LIST(2));
    tdag_value conv = tdag_squeeze(b, sum, TDAG_LIST(2));
    tdag_value turned = tdag_permute(b, conv, TDAG_LIST(0, 2, 1, 3));
    tdag_value back = tdag_permute(b, turned, TDAG_LIST(0, 2, 1, 3));
    tdag_value again = tdag_permute(b, conv, TDAG_LIST(0, 2, 1, 3));
    tdag_value same = tdag_binary(b, TDAG_OP_MULTIPLY, back, one);
    tdag_value minus = tdag_unary(b, TDAG_OP_NEG, one);
    tdag_value shifted = tdag_binary(b, TDAG_OP_ADD, same, minus);
    tdag_value dead = tdag_unary(b, TDAG_OP_EXP, again);
    (void)dead;
    tdag_value negative = tdag_binary(b, TDAG_OP_LESS, shifted, one);
    tdag_value relu = tdag_where(b, negative, one, shifted);
    tdag_value padded = tdag_pad(b, relu, TDAG_LIST(0, 0, 1, 1), TDAG_LIST(0, 0, 1, 1),
                                 TDAG_PAD_CONSTANT, 0);
    tdag_value cut =
        tdag_slice(b, padded, TDAG_LIST(0, 0, 1, 1), TDAG_LIST(1, 8, 5, 5));
    return tdag_binary(b, TDAG_OP_ADD, cut, x);
}

static tdag_graph *build(tdag_ctx *ctx, uint32_t rounds)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_tensor *w = NULL;
    TEST_OK(ctx,
            tdag_tensor_create(ctx, TDAG_F32, 5, (const int64_t[]){1, 8, 8, 1, 1}, &w));
    memset(tdag_tensor_get_mutable_data(w), 0, tdag_tensor_get_size(w));
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value weight = tdag_add_tensor(b, TDAG_OP_PARAMETER, "weight", w);
    tdag_value one = tdag_add_scalar(b, TDAG_F32, 1);
    tdag_value x = tdag_add_input(b, "x", TDAG_F32, 4, (const tdag_dim[]){1, 8, 4, 4});
    for (uint32_t i = 0; i < rounds; i++) {
        char scope[32];
        snprintf(scope, sizeof scope, "layer%u", i / 4);
        tdag_builder_set_scope(b, scope);
        x = add_round(b, x, weight, one);
    }
    tdag_builder_add_output(b, x);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    tdag_tensor_free(w);
    return g;
}

/* The fastest of n, and of before unless that is 0. */
static double measure(uint32_t nodes, int n, double before)
{
    double best = before;
    for (int i = 0; i < n; i++) {
        tdag_ctx *ctx = test_ctx();
        tdag_graph *g = build(ctx, nodes / NODES_PER_ROUND), *out = NULL;
        double t0 = now();
        TEST_OK(ctx, tdag_graph_simplify(ctx, g, NULL, &out));
        double t = now() - t0;
        if (best == 0 || t < best) best = t;
        if (i == 0)
            printf("%9u nodes -> %7u ", tdag_graph_get_n_nodes(g),
                   tdag_graph_get_n_nodes(out));
        tdag_graph_free(out);
        tdag_graph_free(g);
        tdag_ctx_free(ctx);
    }
    printf("%8.4f s, %5.0f ns a node\n", best, 1e9 * best / nodes);
    return best;
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {10000, 30000, 100000, 300000, 1000000};
    double seconds[5];
    for (int i = 0; i < 5; i++)
        seconds[i] = measure(sizes[i], sizes[i] > 300000 ? 1 : 3, 0);
    if (argc < 2 || strcmp(argv[1], "check") != 0) return 0;
    for (int i = 0; i < 10 && seconds[4] > MOST_GROWTH * seconds[2]; i++) {
        seconds[2] = measure(sizes[2], 3, seconds[2]);
        seconds[4] = measure(sizes[4], 1, seconds[4]);
    }
    if (seconds[4] <= MOST_GROWTH * seconds[2]) return 0;
    printf("ten times the nodes take %.1f times the time\n", seconds[4] / seconds[2]);
    return 1;
}
