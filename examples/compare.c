/* Comparing two models: what differs in their structure, whatever values are called. */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

static const char one[] = "tdag 1\n"
                          "x: f32[2,3] = input\n"
                          "w: f32[3] = parameter [1, 2, 3]\n"
                          "a = multiply(x, w)\n"
                          "y = reduce(a) {axes=[1], kind=sum}\n"
                          "return y\n";
static const char other[] = "tdag 1\n"
                            "weight: f32[3] = parameter [1, 2, 3.5]\n"
                            "in: f32[2,3] = input\n"
                            "b = multiply(in, weight)\n"
                            "c = exp(b)\n"
                            "z = reduce(c) {axes=[1], kind=sum}\n"
                            "return z\n";

static void print_item(const tdag_graph *a, const tdag_graph *b,
                       const tdag_difference *d)
{
    const tdag_graph *g = d->a.id != 0 ? a : b;
    tdag_node_info node = tdag_graph_get_node(g, d->a.id != 0 ? d->a : d->b);
    printf("%s (%s): ", node.name, tdag_op_name(node.op));
    if (d->kind == TDAG_DIFFERS_WEIGHT)
        printf("%d element differs, by %g\n", (int)d->n_elements, d->max_abs);
    else if (d->kind == TDAG_DIFFERS_NODE)
        printf("%s\n",
               d->what & TDAG_DIFFERS_IN_OPERANDS ? "takes another value" : "changed");
    else
        printf("only one of them has it\n");
}

static tdag_status compare(tdag_ctx *ctx)
{
    tdag_graph *a = NULL, *b = NULL;
    tdag_differences found = {0};
    tdag_status st = tdag_graph_parse(ctx, one, strlen(one), &a);
    if (st == TDAG_OK) st = tdag_graph_parse(ctx, other, strlen(other), &b);
    if (st == TDAG_OK) st = tdag_graph_diff(ctx, a, b, &found);
    for (uint32_t i = 0; i < found.n; i++)
        print_item(a, b, &found.items[i]);
    tdag_differences_free(&found);
    tdag_graph_free(b);
    tdag_graph_free(a);
    return st;
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_status st = compare(ctx);
    if (st != TDAG_OK) fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
