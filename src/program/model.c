/* Models: a graph with the structure of its inputs and outputs. */
#include "program/model.h"

#include <string.h>

#include "base/text.h"

/* "(T, T)" of n tensors; one output is that tensor itself. */
static tdag_status flat_structure(tdag_ctx *ctx, uint32_t n, bool is_output, char **out)
{
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    if (is_output && n == 1) {
        tdagi_text_add(&text, "T");
        return tdagi_text_take(&text, out);
    }
    tdagi_text_add(&text, "(");
    for (uint32_t i = 0; i < n; i++)
        tdagi_text_add(&text, i > 0 ? ", T" : "T");
    tdagi_text_add(&text, n == 1 ? ",)" : ")");
    return tdagi_text_take(&text, out);
}

static char *copy_text(const tdag_allocator *a, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = tdagi_mem_alloc(a, size);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

tdag_status tdagi_model_create(tdag_ctx *ctx, const tdag_graph *graph,
                               const char *input_structure,
                               const char *output_structure, tdag_model **out)
{
    tdag_model *m = tdagi_mem_alloc(&ctx->allocator, sizeof(*m));
    if (m == NULL) return tdagi_nomem(ctx);
    m->allocator = ctx->allocator;
    m->graph = tdag_graph_copy(graph);
    m->input_structure = copy_text(&m->allocator, input_structure);
    m->output_structure = copy_text(&m->allocator, output_structure);
    if (m->input_structure == NULL || m->output_structure == NULL) {
        tdag_model_free(m);
        return tdagi_nomem(ctx);
    }
    *out = m;
    return TDAG_OK;
}

tdag_status tdag_model_create(tdag_ctx *ctx, const tdag_graph *graph, tdag_model **out)
{
    if (graph == NULL) return tdagi_fail(ctx, TDAG_E_ARG, "a model needs a graph");
    char *inputs = NULL, *outputs = NULL;
    tdag_status st =
        flat_structure(ctx, tdag_graph_get_n_inputs(graph), false, &inputs);
    if (st == TDAG_OK)
        st = flat_structure(ctx, tdag_graph_get_n_outputs(graph), true, &outputs);
    if (st == TDAG_OK) st = tdagi_model_create(ctx, graph, inputs, outputs, out);
    tdagi_strfree(ctx, inputs);
    tdagi_strfree(ctx, outputs);
    return st;
}

void tdag_model_free(tdag_model *m)
{
    if (m == NULL) return;
    tdag_allocator a = m->allocator;
    tdag_graph_free(m->graph);
    if (m->input_structure != NULL)
        tdagi_mem_free(&a, m->input_structure, strlen(m->input_structure) + 1);
    if (m->output_structure != NULL)
        tdagi_mem_free(&a, m->output_structure, strlen(m->output_structure) + 1);
    tdagi_mem_free(&a, m, sizeof(*m));
}

const tdag_graph *tdag_model_get_graph(const tdag_model *m) { return m->graph; }

const char *tdag_model_get_input_structure(const tdag_model *m)
{
    return m->input_structure;
}

const char *tdag_model_get_output_structure(const tdag_model *m)
{
    return m->output_structure;
}
