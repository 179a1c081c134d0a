/* Models: a graph with the structure of its inputs and outputs. */
#include "program/model.h"

#include <string.h>

#include "base/text.h"
#include "ir/graph.h"

tdag_status tdagi_model_create(tdag_ctx *ctx, const tdag_graph *graph,
                               const char *input_structure,
                               const char *output_structure, tdag_model **out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdag_model), &p));
    tdag_model *m = p;
    m->allocator = ctx->allocator;
    tdag_status st = tdagi_strdup(ctx, input_structure, &m->input_structure);
    if (st == TDAG_OK) st = tdagi_strdup(ctx, output_structure, &m->output_structure);
    if (st != TDAG_OK) {
        tdag_model_free(m);
        return st;
    }
    m->graph = tdag_graph_copy(graph);
    *out = m;
    return TDAG_OK;
}

static void flat_structure(tdagi_text *text, uint32_t n)
{
    tdagi_text_add(text, "(");
    for (uint32_t i = 0; i < n; i++)
        tdagi_text_add(text, i == 0 ? "T" : ", T");
    tdagi_text_add(text, n == 1 ? ",)" : ")");
}

tdag_status tdag_model_create(tdag_ctx *ctx, const tdag_graph *graph, tdag_model **out)
{
    tdagi_text inputs, outputs;
    tdagi_text_init(&inputs, ctx);
    tdagi_text_init(&outputs, ctx);
    flat_structure(&inputs, tdag_graph_get_n_inputs(graph));
    if (tdag_graph_get_n_outputs(graph) == 1)
        tdagi_text_add(&outputs, "T");
    else
        flat_structure(&outputs, tdag_graph_get_n_outputs(graph));
    tdag_status st = inputs.status == TDAG_OK ? outputs.status : inputs.status;
    if (st == TDAG_OK)
        st = tdagi_model_create(ctx, graph, inputs.data, outputs.data, out);
    tdagi_text_free(&inputs);
    tdagi_text_free(&outputs);
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
