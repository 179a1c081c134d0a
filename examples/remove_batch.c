/* A model of batches becomes one of single samples, or is refused with the reason. */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

static const char per_sample[] = "tdag 1\n"
                                 "symbols N=4\n"
                                 "x: f32[N,8] = input\n"
                                 "m = reduce(x) {axes=[1], kind=mean} @norm\n"
                                 "n = neg(m) @norm\n"
                                 "y = add(x, n) @norm\n"
                                 "return y\n";
static const char across[] = "tdag 1\n"
                             "symbols N=4\n"
                             "x: f32[N,8] = input\n"
                             "m = reduce(x) {axes=[0], kind=mean} @norm\n"
                             "n = neg(m) @norm\n"
                             "y = add(x, n) @norm\n"
                             "return y\n";

static tdag_status remove_batch(tdag_ctx *ctx, const char *text)
{
    tdag_graph *graph = NULL, *single = NULL;
    char *shown = NULL;
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &graph);
    if (st == TDAG_OK) st = tdag_graph_remove_dim(ctx, graph, "N", NULL, &single);
    if (st == TDAG_OK) st = tdag_graph_print(ctx, single, 0, &shown);
    if (st == TDAG_OK) {
        printf("%s\n", shown);
    } else {
        const tdag_error *e = tdag_ctx_get_error(ctx);
        printf("refused: %s (node %s, module %s)\n", e->message, e->node, e->scope);
    }
    tdag_text_free(ctx, shown);
    tdag_graph_free(single);
    tdag_graph_free(graph);
    return st;
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_status good = remove_batch(ctx, per_sample);
    tdag_status bad = remove_batch(ctx, across);
    tdag_ctx_free(ctx);
    return good == TDAG_OK && bad == TDAG_E_UNSUPPORTED ? 0 : 1;
}
