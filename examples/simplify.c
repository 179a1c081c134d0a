/* Simplification: what it removes, and that it changes no bit. */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

static const char text[] = "tdag 1\n"
                           "x: f32[2,3] = input\n"
                           "one: f32[] = constant [1]\n"
                           "a = multiply(x, one)\n"
                           "b = permute(a) {order=[1,0]}\n"
                           "c = permute(b) {order=[1,0]}\n"
                           "e = exp(c)\n"
                           "f = exp(x)\n"
                           "unused = sin(f)\n"
                           "y = add(e, f)\n"
                           "return y\n";

static tdag_status simplify(tdag_ctx *ctx)
{
    tdag_graph *graph = NULL, *simple = NULL;
    tdag_simplify_options options;
    char *shown = NULL;
    tdag_simplify_options_init(&options); /* all exact passes */
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &graph);
    if (st == TDAG_OK) st = tdag_graph_simplify(ctx, graph, &options, &simple);
    if (st == TDAG_OK) st = tdag_graph_print(ctx, simple, 0, &shown);
    if (st == TDAG_OK)
        printf("%u nodes became %u\n%s", (unsigned)tdag_graph_get_n_nodes(graph),
               (unsigned)tdag_graph_get_n_nodes(simple), shown);
    tdag_text_free(ctx, shown);
    tdag_graph_free(simple);
    tdag_graph_free(graph);
    return st;
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_status st = simplify(ctx);
    if (st != TDAG_OK) fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
