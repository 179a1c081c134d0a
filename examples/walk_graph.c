/* Reading a graph: every node with its op, operands, type and module. walk_graph prints
 * a graph of its own in the manner of an assembler's listing. */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

static const char text[] = "tdag 1\n"
                           "symbols N=4\n"
                           "x: f32[N,8] = input\n"
                           "w: f32[8] = parameter [1, 2, 3, 4, 5, 6, 7, 8] @scale\n"
                           "scaled = multiply(x, w) @scale\n"
                           "total = reduce(scaled) {axes=[1], kind=sum} @head\n"
                           "y = group(total) {runs=[2]} @head\n"
                           "return y\n";

static void print_name(const tdag_graph *graph, tdag_value v)
{
    const char *name = tdag_graph_get_node(graph, v).name;
    if (name != NULL)
        printf(" %s", name);
    else
        printf(" v%u", (unsigned)v.id); /* the name that the textual form gives it */
}

static void print_node(const tdag_graph *graph, tdag_value v)
{
    const tdag_node_info node = tdag_graph_get_node(graph, v);
    char dim[64];
    printf("%2u %-6s %-10s", (unsigned)v.id, node.scope, tdag_op_name(node.op));
    for (uint32_t i = 0; i < node.n_inputs; i++)
        print_name(graph, node.inputs[i]);
    printf(" -> %s", tdag_dtype_name(node.dtype));
    for (uint32_t k = 0; k < node.rank; k++) {
        tdag_graph_dim_text(graph, node.shape[k], dim, sizeof(dim));
        printf(" %s", dim);
    }
    if (node.op == TDAG_OP_REDUCE) { /* a spec is the struct of its op, in ops.h */
        const tdag_reduce_spec *spec = node.spec;
        printf(", over axis %lld", (long long)spec->axes.v[0]);
    }
    printf("\n");
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    tdag_graph *graph = NULL;
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &graph);
    if (st == TDAG_OK) st = tdag_verify(ctx, graph);
    if (st != TDAG_OK) {
        fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    } else { /* numbers ascend in topological order: operands come first */
        for (uint32_t id = 1; id <= tdag_graph_get_n_nodes(graph); id++)
            print_node(graph, (tdag_value){id});
    }
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
