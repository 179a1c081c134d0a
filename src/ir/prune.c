/* Dead code: a copy of a graph without the nodes that no output needs. */
#include "ir/graph.h"

#include <string.h>

static void mark_live(const tdag_graph *g, unsigned char *live)
{
    for (uint32_t i = 0; i < g->n_outputs; i++)
        live[g->outputs[i].id] = 1;
    for (uint32_t id = g->n; id >= 1; id--) {
        if (!live[id]) continue;
        const tdagi_node *n = &g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            live[in[i].id] = 1;
    }
}

static tdag_value copy_node(tdag_builder *b, const tdag_graph *g, uint32_t id,
                            const tdag_value *new_of, tdag_value *scratch)
{
    const tdagi_node *n = &g->nodes[id];
    tdag_builder_set_scope(b, g->scopes[n->scope]);
    tdag_value v;
    if (n->op == TDAG_OP_INPUT)
        v = tdag_add_input(b, n->name, (tdag_dtype)n->dtype, n->rank, n->shape);
    else if (tdagi_op_holds_tensor(n->op))
        v = tdag_add_tensor(b, (tdag_op)n->op, n->name, n->u.tensor);
    else {
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            scratch[i] = new_of[in[i].id];
        v = tdag_add_node(b, (tdag_op)n->op, n->u.spec, tdagi_node_def(n)->spec_size,
                          scratch, n->n_inputs);
        tdag_builder_set_name(b, v, n->name);
    }
    return v;
}

static uint32_t max_inputs(const tdag_graph *g)
{
    uint32_t most = 1;
    for (uint32_t id = 1; id <= g->n; id++)
        if (g->nodes[id].n_inputs > most) most = g->nodes[id].n_inputs;
    return most;
}

static tdag_status prune_into(tdag_builder *b, const tdag_graph *g, unsigned char *live,
                              tdag_value *new_of, tdag_value *scratch)
{
    mark_live(g, live);
    for (uint32_t id = 1; id <= g->n; id++)
        if (live[id] || g->nodes[id].op == TDAG_OP_INPUT)
            new_of[id] = copy_node(b, g, id, new_of, scratch);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_builder_add_output(b, new_of[g->outputs[i].id]);
    return tdag_builder_get_status(b);
}

tdag_status tdagi_graph_prune(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out)
{
    uint32_t most = max_inputs(g);
    tdag_builder *b = NULL;
    void *live = NULL, *new_of = NULL, *scratch = NULL;
    tdag_status st = tdagi_builder_create_like(ctx, g, &b);
    if (st == TDAG_OK) st = tdagi_array_alloc(ctx, g->n + 1, 1, &live);
    if (st == TDAG_OK)
        st = tdagi_array_alloc(ctx, g->n + 1, sizeof(tdag_value), &new_of);
    if (st == TDAG_OK) st = tdagi_array_alloc(ctx, most, sizeof(tdag_value), &scratch);
    if (st == TDAG_OK) st = prune_into(b, g, live, new_of, scratch);
    if (st == TDAG_OK) st = tdag_builder_finish(b, out);
    tdagi_free(ctx, live, g->n + 1);
    tdagi_free(ctx, new_of, (g->n + 1) * sizeof(tdag_value));
    tdagi_free(ctx, scratch, most * sizeof(tdag_value));
    tdag_builder_free(b);
    return st;
}
