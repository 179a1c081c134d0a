/* Building a program by hand: a loop that doubles a number while it is below 100,
 * collects what it meets in a list that grows, and remembers the last one.
 * build_program prints the program, runs it, and prints the list and the state. */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

/* All arithmetic is in graphs. */
static const struct {
    const char *name, *text;
} graphs[] = {
    {"below", "tdag 1\nv: f32[] = input\nmost: f32[] = constant [100]\n"
              "c = less(v, most)\nreturn c\n"},
    {"twice", "tdag 1\nv: f32[] = input\nw = add(v, v)\nreturn w\n"},
    {"nothing", "tdag 1\nt: f32[0] = constant []\nreturn t\n"},
    {"append", "tdag 1\nsymbols T=3\nt: f32[T] = input\nv: f32[] = input\n"
               "u = unsqueeze(v) {axes=[0]}\na = pad(t) {before=[0], after=[1]}\n"
               "b = pad(u) {before=[T], after=[0]}\nr = add(a, b)\nreturn r\n"},
};
enum { BELOW, TWICE, NOTHING, APPEND, N_GRAPHS };

static tdag_status add_graphs(tdag_ctx *ctx, tdag_model_builder *b)
{
    tdag_status st = TDAG_OK;
    for (int i = 0; i < N_GRAPHS && st == TDAG_OK; i++) {
        tdag_graph *graph = NULL;
        st = tdag_graph_parse(ctx, graphs[i].text, strlen(graphs[i].text), &graph);
        if (st == TDAG_OK) tdag_model_add_graph(b, graphs[i].name, graph);
        tdag_graph_free(graph);
    }
    return st;
}

/* Every call may fail; the first failure is what finishing the builder returns. */
static tdag_var call(tdag_model_builder *b, uint32_t graph, uint32_t n,
                     const tdag_var *inputs)
{
    tdag_var result = TDAG_NO_VAR;
    tdag_program_call(b, graph, (tdag_vars){n, inputs}, &result);
    return result;
}

static void add_forward(tdag_model_builder *b, uint32_t last)
{
    const tdag_var_type number = {TDAG_F32, 0, NULL};
    tdag_method_begin(b, "forward");
    tdag_var v = tdag_method_add_input(b, "v", &number);
    tdag_var c = call(b, BELOW, 1, &v);
    /* The list has size T in the loop, and another one, R, behind it. */
    tdag_dim t = tdag_method_found(b, "T", 3, TDAG_NO_DIM);
    const tdag_var_type carried[] = {{TDAG_F32, 1, &t}, number};
    const tdag_var entries[] = {call(b, NOTHING, 0, NULL), v};
    tdag_var in[3]; /* the index, the list, the number */
    tdag_program_begin_loop(b, TDAG_NO_VAR, c, (tdag_vars){2, entries}, carried, in);
    tdag_var list = call(b, APPEND, 2, &in[1]);
    tdag_var next = call(b, TWICE, 1, &in[2]);
    const tdag_var yields[] = {call(b, BELOW, 1, &next), list, next};
    tdag_dim r = tdag_method_found(b, "R", 3, TDAG_NO_DIM);
    const tdag_var_type results[] = {{TDAG_F32, 1, &r}, number};
    tdag_var out[2];
    tdag_program_end_loop(b, (tdag_vars){3, yields}, (tdag_var_types){2, results}, out);
    tdag_method_set_name(b, out[0], "met");
    tdag_program_write(b, last, out[1]);
    tdag_program_return(b, (tdag_vars){1, out});
    tdag_method_end(b, NULL, NULL);
}

static tdag_status build(tdag_ctx *ctx, tdag_model **out)
{
    tdag_model_builder *b = NULL;
    tdag_tensor *zero = NULL;
    tdag_status st = tdag_model_builder_create(ctx, &b);
    if (st == TDAG_OK) st = add_graphs(ctx, b);
    if (st == TDAG_OK) st = tdag_tensor_create(ctx, TDAG_F32, 0, NULL, &zero);
    if (st == TDAG_OK) {
        memset(tdag_tensor_get_mutable_data(zero), 0, tdag_tensor_get_size(zero));
        add_forward(b, tdag_model_add_state(b, "last", zero, NULL));
        st = tdag_model_builder_finish(b, out); /* verifies */
    }
    tdag_tensor_free(zero);
    tdag_model_builder_free(b);
    return st;
}

static tdag_status run(tdag_ctx *ctx, const tdag_model *model)
{
    tdag_tensor *v = NULL, *met = NULL;
    tdag_run_options options;
    tdag_run_options_init(&options);
    tdag_status st = tdag_state_create(ctx, model, &options.state);
    if (st == TDAG_OK) st = tdag_tensor_create(ctx, TDAG_F32, 0, NULL, &v);
    if (st == TDAG_OK) {
        *(float *)tdag_tensor_get_mutable_data(v) = 3;
        st = tdag_run(ctx, model, &v, 1, &options, &met);
    }
    if (st == TDAG_OK) {
        const float *numbers = tdag_tensor_get_data(met);
        for (int64_t i = 0; i < tdag_tensor_get_count(met); i++)
            printf("%g ", (double)numbers[i]);
        const tdag_tensor *last = tdag_state_get(options.state, 0);
        printf("then %g\n", (double)*(const float *)tdag_tensor_get_data(last));
    }
    tdag_tensor_free(met);
    tdag_tensor_free(v);
    tdag_state_free(options.state);
    return st;
}

int main(void)
{
    tdag_ctx *ctx = NULL;
    tdag_model *model = NULL;
    char *text = NULL;
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_status st = build(ctx, &model);
    if (st == TDAG_OK) st = tdag_model_print(ctx, model, 0, &text);
    if (st == TDAG_OK) printf("%s", strstr(text, "program"));
    if (st == TDAG_OK) st = run(ctx, model);
    if (st != TDAG_OK) fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_text_free(ctx, text);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
