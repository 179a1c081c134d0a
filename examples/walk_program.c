/* Reading the programs of any model: walk_program [FILE] prints each method as an
 * indented list of statements, with what they call, read and write; of a model of its
 * own without FILE (.tdag or text). */
#include <stdio.h>
#include <string.h>

#include <tdagger.h>

static const char own[] =
    "tdag 2\n"
    "graph step {\nsymbols N=4\nx: f32[N] = input\ny = tanh(x)\nreturn y\n}\n"
    "state memory: f32[S=2] = [0, 0]\n"
    "program forward(x: f32[N=4], steps: i64[], c: bool[]) -> (f32[N]) {\n"
    "y = loop limit steps (i; y = x) {\nz = call step(y)\nyield z\n}\n"
    "k = read memory\n"
    "z = if c {\nt = call step(y)\nwrite memory t\nyield t\n} else {\nyield y\n}\n"
    "return z\n}\n";

static const char *const kinds[] = {"",      "call", "if",    "loop",  "read",
                                    "write", "draw", "apply", "check", "return"};

typedef struct walk {
    const tdag_model *model;
    const tdag_method *method;
    int depth;
} walk;

static void print_value(const walk *w, tdag_var v)
{
    const tdag_var_type type = tdag_method_get_type(w->method, v);
    const char *name = tdag_method_get_var_name(w->method, v);
    char dim[64];
    if (name != NULL)
        printf(" %s", name);
    else
        printf(" v%u", (unsigned)v.id);
    printf(":%s[", tdag_dtype_name(type.dtype));
    for (uint32_t k = 0; k < type.rank; k++) {
        tdag_method_dim_text(w->method, type.shape[k], dim, sizeof(dim));
        printf("%s%s", k == 0 ? "" : ",", dim);
    }
    printf("]");
}

static void print_values(const walk *w, const char *before, tdag_vars vars)
{
    if (vars.n > 0) printf("%s", before);
    for (uint32_t i = 0; i < vars.n; i++)
        print_value(w, vars.v[i]);
}

/* What a statement uses: a graph, a state, an operator, a sentence. */
static const char *target_of(const walk *w, const tdag_statement_info *s)
{
    if (s->kind == TDAG_STATEMENT_CALL)
        return tdag_model_get_graph_name(w->model, s->target);
    if (s->kind == TDAG_STATEMENT_READ || s->kind == TDAG_STATEMENT_WRITE)
        return tdag_model_get_state_name(w->model, s->target);
    return s->text == NULL ? "" : s->text;
}

static void print_block(walk *w, const tdag_block *block)
{
    const tdag_block_info info = tdag_block_get(block);
    const tdag_statement *at = info.first;
    w->depth++;
    for (; at != NULL; at = tdag_statement_get_next(at)) {
        const tdag_statement_info s = tdag_statement_get(at);
        printf("%*s%s %s", 2 * w->depth, "", kinds[s.kind], target_of(w, &s));
        print_values(w, " <-", s.inputs);
        print_values(w, " ->", s.results);
        printf("\n");
        for (uint32_t i = 0; i < s.n_blocks; i++) {
            if (i > 0) printf("%*selse\n", 2 * w->depth, "");
            print_block(w, tdag_statement_get_block(at, i));
        }
    }
    w->depth--;
}

static void print_model(const tdag_model *model)
{
    printf("%u graphs, %u states, %u methods\n",
           (unsigned)tdag_model_get_n_graphs(model),
           (unsigned)tdag_model_get_n_states(model),
           (unsigned)tdag_model_get_n_methods(model));
    for (uint32_t i = 0; i < tdag_model_get_n_methods(model); i++) {
        walk w = {model, tdag_model_get_method(model, i), 0};
        const tdag_block *body = tdag_method_get_body(w.method);
        printf("%s", tdag_method_get_name(w.method));
        print_values(&w, "", tdag_block_get(body).params);
        printf("\n");
        print_block(&w, body);
    }
}

int main(int argc, char **argv)
{
    tdag_ctx *ctx = NULL;
    tdag_model *model = NULL;
    if (tdag_ctx_create(NULL, &ctx) != TDAG_OK) return 1;
    tdag_status st = argc > 1 ? tdag_open(ctx, argv[1], NULL, 0, NULL, &model)
                              : tdag_model_parse(ctx, own, strlen(own), &model);
    if (st == TDAG_OK)
        print_model(model);
    else
        fprintf(stderr, "error: %s\n", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    return st == TDAG_OK ? 0 : 1;
}
