/* A program of somebody else's: builds a graph, counts and runs it. client.cpp is the
 * same file read as C++. */
#include <stdio.h>

#include <tdagger.h>

static tdag_status make_graph(tdag_ctx *ctx, tdag_graph **out)
{
    const tdag_dim shape[2] = {2, 3};
    const int64_t axis[1] = {1};
    tdag_list axes;
    tdag_builder *b = NULL;
    tdag_status st = tdag_builder_create(ctx, &b);
    if (st != TDAG_OK) return st;
    axes.n = 1;
    axes.v = axis;
    tdag_value x = tdag_add_input(b, "x", TDAG_F32, 2, shape);
    tdag_value y = tdag_binary(b, TDAG_OP_MULTIPLY, x, x);
    tdag_builder_add_output(b, tdag_reduce(b, y, TDAG_REDUCE_SUM, axes));
    st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

static tdag_status run(tdag_ctx *ctx, const tdag_graph *graph, float *first,
                       float *second)
{
    const int64_t shape[2] = {2, 3};
    tdag_tensor *x = NULL;
    tdag_tensor *y = NULL;
    tdag_status st = tdag_tensor_create(ctx, TDAG_F32, 2, shape, &x);
    if (st != TDAG_OK) return st;
    for (int i = 0; i < 6; i++)
        ((float *)tdag_tensor_get_mutable_data(x))[i] = (float)i;
    st = tdag_graph_run(ctx, graph, &x, 1, NULL, &y);
    if (st == TDAG_OK) {
        *first = ((const float *)tdag_tensor_get_data(y))[0];
        *second = ((const float *)tdag_tensor_get_data(y))[1];
    }
    tdag_tensor_free(x);
    tdag_tensor_free(y);
    return st;
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    tdag_graph *graph = NULL;
    tdag_counts counts;
    float first = 0;
    float second = 0;
    tdag_status st = tdag_ctx_create(NULL, &ctx);
    if (st != TDAG_OK) return 1;
    st = make_graph(ctx, &graph);
    if (st == TDAG_OK) st = tdag_count(ctx, graph, TDAG_LEVEL_CORE, &counts);
    if (st == TDAG_OK) st = run(ctx, graph, &first, &second);
    if (st != TDAG_OK) {
        fprintf(stderr, "client: %s\n", tdag_ctx_get_error(ctx)->message);
    } else {
        /* 6 products and 6 - 2 sums; 0 + 1 + 4 and 9 + 16 + 25 */
        printf("flops %lld, sums %g %g\n", (long long)counts.flops, (double)first,
               (double)second);
    }
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
