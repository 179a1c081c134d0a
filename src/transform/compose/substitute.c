/* Symbols replaced by numbers, other symbols, expressions: every dim of a graph is
 * taken over. */
#include <tdagger/symbol.h>

#include "program/model.h"
#include "transform/compose/assign.h"
#include "transform/compose/sizes.h"
#include "transform/program/at.h"

static tdag_status copy_all(tdag_builder *b, const tdag_graph *g,
                            const tdag_dim *replacements, tdag_graph **out)
{
    tdagi_graft t;
    TDAGI_TRY(tdagi_graft_init(&t, b, g, replacements));
    tdag_status st = tdagi_graft_sizes(&t, out);
    tdagi_graft_free(&t);
    return st;
}

tdag_status tdag_graph_substitute(tdag_ctx *ctx, const tdag_graph *graph,
                                  const char *const *assignments,
                                  uint32_t n_assignments, tdag_graph **out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_assignments > 0) TDAGI_TRY(tdagi_need(ctx, assignments, "assignments"));
    const uint32_t n = tdagi_pool_n_symbols(graph->pool);
    const size_t size = sizeof(tdag_dim);
    tdag_builder *b = NULL;
    void *replacements = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, (size_t)n + 1, size, &replacements));
    tdag_status st = tdag_builder_create(ctx, &b);
    if (st == TDAG_OK)
        st = tdagi_assign(ctx, graph->pool, NULL, n, assignments, n_assignments,
                          tdagi_builder_pool(b), replacements);
    if (st == TDAG_OK) st = copy_all(b, graph, replacements, out);
    tdag_builder_free(b);
    tdagi_free(ctx, replacements, ((size_t)n + 1) * size);
    return st;
}

/* ---- results that are numbers ---- */

/* Those of the graph that are known now, by output; how many there are. */
static uint32_t find_known(const tdagi_structure *s, const tdag_graph *g,
                           const tdag_tensor **known)
{
    uint32_t found = 0;
    for (uint32_t k = 0, i = 0; k < s->n; k++) {
        const tdagi_structure_node *node = &s->nodes[k];
        if (node->kind != TDAGI_STRUCTURE_TENSOR) continue;
        const tdagi_node *n = tdagi_graph_node(g, g->outputs[i]);
        bool is = (node->u.i == 'i' || node->u.i == 'f' || node->u.i == 'b') &&
                  n->op == TDAG_OP_CONSTANT;
        known[i++] = is ? n->u.tensor : NULL;
        found += is;
    }
    return found;
}

/* The model whose known results stand in the structure, as an import has them. */
static tdag_status write_down(tdag_ctx *ctx, const tdag_model *m, const tdag_graph *g,
                              const tdag_tensor *const *known, tdag_model **out)
{
    tdagi_structure *outputs = NULL;
    tdag_builder *b = NULL;
    tdagi_graft t;
    TDAGI_TRY(tdagi_structure_settle(ctx, tdagi_model_outputs(m), known, &outputs));
    tdag_status st = tdagi_builder_create_like(ctx, g, &b);
    if (st == TDAG_OK) st = tdagi_graft_init(&t, b, g, NULL);
    if (st == TDAG_OK) {
        for (uint32_t id = 1; id <= g->n; id++)
            tdagi_graft_node(&t, id);
        for (uint32_t i = 0; i < g->n_outputs; i++)
            if (known[i] == NULL)
                tdag_builder_add_output(b, t.new_of[g->outputs[i].id]);
        tdagi_graft_free(&t);
        st = tdagi_model_of_builder(ctx, b, tdagi_model_inputs(m), outputs, out);
    }
    tdag_builder_free(b);
    tdagi_structure_free(outputs);
    return st;
}

static tdag_status with_graph(tdag_ctx *ctx, const tdag_model *m, const tdag_graph *g,
                              tdag_model **out)
{
    void *known = NULL;
    tdag_model *made = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, g->n_outputs, sizeof(tdag_tensor *), &known));
    uint32_t n = find_known(tdagi_model_outputs(m), g, known);
    tdag_status st = n == 0 ? tdagi_model_with_graph(ctx, m, g, out)
                            : write_down(ctx, m, g, known, &made);
    tdagi_free(ctx, known, g->n_outputs * sizeof(tdag_tensor *));
    if (made == NULL) return st;
    st = tdagi_model_keep_metadata(ctx, m, made);
    if (st == TDAG_OK)
        *out = made;
    else
        tdag_model_free(made);
    return st;
}

tdag_status tdag_substitute(tdag_ctx *ctx, const tdag_model *model,
                            const char *const *assignments, uint32_t n_assignments,
                            tdag_model **out)
{
    tdag_graph *g = NULL;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (n_assignments > 0) TDAGI_TRY(tdagi_need(ctx, assignments, "assignments"));
    const tdag_graph *graph = tdag_model_get_graph(model);
    if (graph == NULL)
        return tdagi_program_at(ctx, model, assignments, n_assignments, out);
    TDAGI_TRY(tdag_graph_substitute(ctx, graph, assignments, n_assignments, &g));
    tdag_status st = with_graph(ctx, model, g, out);
    tdag_graph_free(g);
    return st;
}
