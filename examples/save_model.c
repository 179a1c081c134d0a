/* A model saved with its weights in one .tdag file, mapped again, and known by its
 * hash: save_model FILE.tdag */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

static const char text[] = "tdag 1\n"
                           "symbols N=2\n"
                           "x: f32[N,3] = input\n"
                           "w: f32[3] = parameter [1, 2, 3] @scale\n"
                           "y = multiply(x, w) @scale\n"
                           "return y\n";

static tdag_status make(tdag_ctx *ctx, tdag_model **out)
{
    tdag_graph *graph = NULL;
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &graph);
    if (st == TDAG_OK) st = tdag_model_create(ctx, graph, out);
    tdag_graph_free(graph);
    return st;
}

static tdag_status hash(tdag_ctx *ctx, const tdag_model *model, char *out)
{
    return tdag_graph_get_hash(ctx, tdag_model_get_graph(model), TDAG_HASH_CONTENT,
                               out);
}

int main(int argc, char **argv)
{
    tdag_ctx *ctx = NULL;
    tdag_model *model = NULL, *again = NULL;
    char before[TDAG_HASH_SIZE], after[TDAG_HASH_SIZE];
    if (argc != 2 || tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 2;
    tdag_status st = make(ctx, &model);
    if (st == TDAG_OK) st = tdag_save(ctx, model, argv[1], NULL);
    if (st == TDAG_OK) st = tdag_load(ctx, argv[1], NULL, &again);
    if (st == TDAG_OK) st = hash(ctx, model, before);
    if (st == TDAG_OK) st = hash(ctx, again, after);
    if (st == TDAG_OK)
        printf("%s\n", strcmp(before, after) == 0 ? "the same model" : "another model");
    else
        fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(again);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 3;
}
