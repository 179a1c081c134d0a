/* Cutting a model in two where little crosses, and putting the parts together again. */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

static const char text[] = "tdag 1\n"
                           "x: f32[4,64] = input\n"
                           "e = exp(x) @encoder\n"
                           "m: f32[4,1] = reduce(e) {axes=[1], kind=mean} @encoder\n"
                           "s: f32[4,1] = sqrt(m) @decoder\n"
                           "r: f32[4,64] = repeat(s) {counts=[1,64]} @decoder\n"
                           "y = add(r, r) @decoder\n"
                           "return y\n";

static tdag_status parse(tdag_ctx *ctx, tdag_model **out)
{
    tdag_graph *graph = NULL;
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &graph);
    if (st == TDAG_OK) st = tdag_model_create(ctx, graph, out);
    tdag_graph_free(graph);
    return st;
}

/* The place where the fewest bytes cross. */
static tdag_status print_cut(tdag_ctx *ctx, const tdag_model *model)
{
    tdag_cuts cuts;
    tdag_status st = tdag_suggest_cuts(ctx, model, 1, &cuts);
    if (st != TDAG_OK) return st;
    const tdag_graph *graph = tdag_model_get_graph(model);
    for (uint32_t i = 0; i < cuts.n; i++)
        printf("cut at %s: %lld bytes cross\n",
               tdag_graph_get_node(graph, cuts.cuts[i].values[0]).name,
               (long long)cuts.cuts[i].bytes);
    tdag_cuts_free(&cuts);
    return TDAG_OK;
}

/* The encoder and the decoder as models of their own, then one after the other. */
static tdag_status take_apart(tdag_ctx *ctx, const tdag_model *model)
{
    tdag_model *parts[2] = {NULL, NULL}, *whole = NULL;
    tdag_extract_options options;
    static const char *const modules[2] = {"encoder", "decoder"};
    tdag_status st = TDAG_OK;
    for (int i = 0; i < 2 && st == TDAG_OK; i++) {
        tdag_extract_options_init(&options);
        options.module = modules[i];
        st = tdag_extract(ctx, model, &options, &parts[i]);
    }
    if (st == TDAG_OK)
        st = tdag_compose(ctx, (const tdag_model *const *)parts, 2, NULL, &whole);
    if (st == TDAG_OK)
        printf("%u and %u nodes make %u\n",
               (unsigned)tdag_graph_get_n_nodes(tdag_model_get_graph(parts[0])),
               (unsigned)tdag_graph_get_n_nodes(tdag_model_get_graph(parts[1])),
               (unsigned)tdag_graph_get_n_nodes(tdag_model_get_graph(whole)));
    tdag_model_free(whole);
    tdag_model_free(parts[1]);
    tdag_model_free(parts[0]);
    return st;
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    tdag_model *model = NULL;
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_status st = parse(ctx, &model);
    if (st == TDAG_OK) st = print_cut(ctx, model);
    if (st == TDAG_OK) st = take_apart(ctx, model);
    if (st != TDAG_OK) fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
