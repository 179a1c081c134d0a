/* Folds a norm into the weights beside it, and prints the model before and after: a
 * linear layer, the batch norm behind it, and a few nodes that do nothing. No PyTorch
 * needed. */
#include <stdio.h>
#include <stdlib.h>

#include <tdagger.h>

static tdag_ctx *ctx;

static void check(tdag_status status)
{
    if (status == TDAG_OK) return;
    fprintf(stderr, "%s\n", tdag_ctx_get_error(ctx)->message);
    exit(1);
}

static tdag_value leaf(tdag_builder *b, tdag_op op, const char *name, uint32_t rank,
                       const int64_t *shape, const float *elements)
{
    tdag_tensor *t = NULL;
    check(tdag_tensor_create(ctx, TDAG_F32, rank, shape, &t));
    memcpy(tdag_tensor_get_mutable_data(t), elements, tdag_tensor_get_size(t));
    tdag_value v = tdag_add_tensor(b, op, name, t);
    tdag_tensor_free(t);
    return v;
}

/* y = (x @ weight^T + shift) * scale, for a batch of N */
static tdag_graph *build(void)
{
    tdag_builder *b = NULL;
    tdag_graph *graph = NULL;
    const int64_t square[2] = {2, 2}, pair[1] = {2};
    check(tdag_builder_create(ctx, &b));
    tdag_dim n = tdag_builder_symbol(b, "N", 4);
    tdag_value x = tdag_add_input(b, "x", TDAG_F32, 2, (const tdag_dim[]){n, 2});
    tdag_value weight = leaf(b, TDAG_OP_PARAMETER, "layer.weight", 2, square,
                             (const float[]){1, 2, 3, 4});
    tdag_value shift =
        leaf(b, TDAG_OP_BUFFER, "norm.shift", 1, pair, (const float[]){-1, 1});
    tdag_value scale =
        leaf(b, TDAG_OP_BUFFER, "norm.scale", 1, pair, (const float[]){10, 100});
    tdag_value wide = tdag_unsqueeze(b, x, TDAG_LIST(1));
    tdag_value product = tdag_binary(b, TDAG_OP_MULTIPLY, wide, weight);
    tdag_value sum = tdag_reduce(b, product, TDAG_REDUCE_SUM, TDAG_LIST(2));
    tdag_value y = tdag_squeeze(b, sum, TDAG_LIST(2));
    y = tdag_binary(b, TDAG_OP_ADD, y, shift);
    y = tdag_binary(b, TDAG_OP_MULTIPLY, y, scale);
    y = tdag_binary(b, TDAG_OP_MULTIPLY, y, tdag_add_scalar(b, TDAG_F32, 1));
    y = tdag_permute(b, tdag_permute(b, y, TDAG_LIST(1, 0)), TDAG_LIST(1, 0));
    tdag_builder_set_name(b, y, "y");
    tdag_builder_add_output(b, y);
    check(tdag_builder_finish(b, &graph));
    tdag_builder_free(b);
    return graph;
}

static void print(const char *what, const tdag_graph *graph)
{
    char *text = NULL;
    check(tdag_graph_print(ctx, graph, 0, &text));
    printf("%s\n%s\n", what, text);
    tdag_text_free(ctx, text);
}

static void simplify(const char *what, const tdag_graph *graph, uint32_t passes)
{
    tdag_simplify_options options;
    tdag_graph *simpler = NULL;
    tdag_simplify_options_init(&options);
    options.passes = passes; /* 0: all that change no bit */
    check(tdag_graph_simplify(ctx, graph, &options, &simpler));
    print(what, simpler);
    tdag_graph_free(simpler);
}

int main(void)
{
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_graph *graph = build();
    print("as built:", graph);
    simplify("simplified:", graph, 0);
    simplify("with fold:", graph, TDAG_PASS_EXACT | TDAG_PASS_FOLD);
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
    return 0;
}
