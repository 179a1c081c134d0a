/* Models: a graph with the structure of its inputs and outputs. */
#include "program/model.h"

#include "ir/graph.h"

static tdag_status set_structures(tdag_ctx *ctx, tdag_model *m,
                                  const tdagi_structure *inputs,
                                  const tdagi_structure *outputs)
{
    const tdag_graph *g = m->graph;
    bool fits = (inputs == NULL || inputs->n_tensors == g->n_inputs) &&
                (outputs == NULL || outputs->n_tensors == g->n_outputs);
    if (!fits)
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "a structure has not as many tensors as the graph");
    if (inputs != NULL)
        m->inputs = tdagi_structure_copy(inputs);
    else
        TDAGI_TRY(tdagi_structure_flat(ctx, g->n_inputs, false, &m->inputs));
    if (outputs == NULL)
        return tdagi_structure_flat(ctx, g->n_outputs, true, &m->outputs);
    m->outputs = tdagi_structure_copy(outputs);
    return TDAG_OK;
}

tdag_status tdagi_model_create(tdag_ctx *ctx, const tdag_graph *graph,
                               const tdagi_structure *inputs,
                               const tdagi_structure *outputs, tdag_model **out)
{
    void *made = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdag_model), &made));
    tdag_model *m = made;
    m->allocator = ctx->allocator;
    m->graph = tdag_graph_copy(graph);
    tdag_status st = set_structures(ctx, m, inputs, outputs);
    if (st == TDAG_OK)
        *out = m;
    else
        tdag_model_free(m);
    return st;
}

tdag_status tdag_model_create(tdag_ctx *ctx, const tdag_graph *graph, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    return tdagi_model_create(ctx, graph, NULL, NULL, out);
}

void tdag_model_free(tdag_model *m)
{
    if (m == NULL) return;
    tdag_allocator a = m->allocator;
    tdag_graph_free(m->graph);
    tdagi_structure_free(m->inputs);
    tdagi_structure_free(m->outputs);
    tdagi_mem_free(&a, m, sizeof(*m));
}

tdag_status tdagi_model_straight(tdag_ctx *ctx, const tdag_model *m,
                                 const tdag_graph **out)
{
    TDAGI_TRY(tdagi_need(ctx, m, "model"));
    *out = m->graph;
    return TDAG_OK;
}

tdag_status tdagi_model_with_graph(tdag_ctx *ctx, const tdag_model *m,
                                   const tdag_graph *graph, tdag_model **out)
{
    return tdagi_model_create(ctx, graph, m->inputs, m->outputs, out);
}

const tdag_graph *tdag_model_get_graph(const tdag_model *m)
{
    return m == NULL ? NULL : m->graph;
}

const tdagi_structure *tdagi_model_inputs(const tdag_model *m) { return m->inputs; }
const tdagi_structure *tdagi_model_outputs(const tdag_model *m) { return m->outputs; }

const char *tdag_model_get_input_structure(const tdag_model *m)
{
    return m == NULL ? NULL : m->inputs->text;
}

const char *tdag_model_get_output_structure(const tdag_model *m)
{
    return m == NULL ? NULL : m->outputs->text;
}
