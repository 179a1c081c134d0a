/* A graph built by hand, counted, printed and run; PyTorch is never loaded.
 *
 * y = relu(x · w + 1) for a batch of N rows: a matrix product written as core ops
 * (multiply with broadcasting, then a sum), which the kernel level sees as one product.
 */
#include <stdio.h>

#include <tdagger.h>

static const float weights[3][2] = {{1, -1}, {0, 2}, {3, 1}};

/* x f32[N, 3], w f32[3, 2] -> f32[N, 2] */
static tdag_value product(tdag_builder *b, tdag_value x, tdag_value w)
{
    tdag_value wide = tdag_unsqueeze(b, x, TDAG_LIST(2));            /* N, 3, 1 */
    tdag_value products = tdag_binary(b, TDAG_OP_MULTIPLY, wide, w); /* N, 3, 2 */
    tdag_value sums = tdag_reduce(b, products, TDAG_REDUCE_SUM, TDAG_LIST(1));
    return tdag_squeeze(b, sums, TDAG_LIST(1));
}

static tdag_status build(tdag_ctx *ctx, tdag_graph **out)
{
    tdag_tensor *tensor = NULL;
    tdag_builder *b = NULL;
    /* The weights stay where they are: the graph borrows them. */
    tdag_status st = tdag_tensor_wrap(ctx, TDAG_F32, 2, (const int64_t[]){3, 2},
                                      (void *)(uintptr_t)weights, NULL, NULL, &tensor);
    if (st == TDAG_OK) st = tdag_builder_create(ctx, &b);
    if (st == TDAG_OK) {
        /* Errors stick to the builder, so one check at the end is enough. */
        const tdag_dim shape[] = {tdag_builder_symbol(b, "N", 4), 3};
        tdag_value x = tdag_add_input(b, "x", TDAG_F32, 2, shape);
        tdag_value w = tdag_add_tensor(b, TDAG_OP_PARAMETER, "w", tensor);
        tdag_value one = tdag_add_scalar(b, TDAG_F32, 1);
        tdag_value zero = tdag_add_scalar(b, TDAG_F32, 0);
        tdag_value z = tdag_binary(b, TDAG_OP_ADD, product(b, x, w), one);
        tdag_value negative = tdag_binary(b, TDAG_OP_LESS, z, zero);
        tdag_builder_add_output(b, tdag_where(b, negative, zero, z));
        st = tdag_builder_finish(b, out);
    }
    tdag_builder_free(b);
    tdag_tensor_free(tensor); /* the graph has its own reference */
    return st;
}

static tdag_status report(tdag_ctx *ctx, const tdag_graph *graph)
{
    tdag_counts core, kernel;
    char *text = NULL;
    tdag_status st = tdag_graph_print(ctx, graph, 0, &text);
    if (st == TDAG_OK) st = tdag_count(ctx, graph, TDAG_LEVEL_CORE, &core);
    if (st == TDAG_OK) st = tdag_count(ctx, graph, TDAG_LEVEL_KERNEL, &kernel);
    if (st == TDAG_OK)
        printf("%s\nat N = 4: %lld FLOPs in %lld core ops, %lld in %lld kernels\n",
               text, (long long)core.flops, (long long)core.nodes,
               (long long)kernel.flops, (long long)kernel.nodes);
    tdag_text_free(ctx, text);
    return st;
}

/* N was 4 when we counted; here it is 2. */
static tdag_status run(tdag_ctx *ctx, const tdag_graph *graph)
{
    float rows[2][3] = {{1, 2, 3}, {-1, 0, 0}};
    tdag_tensor *x = NULL;
    tdag_tensor *y = NULL;
    tdag_status st = tdag_tensor_wrap(ctx, TDAG_F32, 2, (const int64_t[]){2, 3}, rows,
                                      NULL, NULL, &x);
    if (st == TDAG_OK) st = tdag_graph_run(ctx, graph, &x, 1, NULL, &y);
    if (st == TDAG_OK) {
        const float *v = tdag_tensor_get_data(y);
        printf("at N = 2: [[%g, %g], [%g, %g]]\n", (double)v[0], (double)v[1],
               (double)v[2], (double)v[3]);
    }
    tdag_tensor_free(y);
    tdag_tensor_free(x);
    return st;
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    tdag_graph *graph = NULL;
    tdag_status st = tdag_ctx_create(NULL, &ctx);
    if (st != TDAG_OK) return 1;
    st = build(ctx, &graph);
    if (st == TDAG_OK) st = report(ctx, graph);
    if (st == TDAG_OK) st = run(ctx, graph);
    if (st != TDAG_OK) fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
