/* Copies of a graph made node by node through a builder: without dead nodes, or with
 * its symbols bound to numbers. */
#include "ir/graph.h"

#include <string.h>

typedef struct rebuild {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdag_builder *b;
    tdag_value *new_of;           /* by old id */
    tdag_value *scratch;          /* inputs of one node */
    uint32_t most;                /* room in scratch */
    unsigned char *live;          /* by old id; NULL = all */
    const tdag_dim *replacements; /* NULL: the new pool is a clone of the old one */
    tdagi_arena specs;            /* substituted specs, only until they are copied */
} rebuild;

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

static tdag_value copy_input(rebuild *r, const tdagi_node *n)
{
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n->rank; i++)
        shape[i] = r->replacements == NULL
                       ? n->shape[i]
                       : tdagi_dim_substitute(r->b->graph->pool, r->g->pool,
                                              n->shape[i], r->replacements);
    return tdag_add_input(r->b, n->name, (tdag_dtype)n->dtype, n->rank, shape);
}

static tdag_value copy_op(rebuild *r, const tdagi_node *n)
{
    const tdagi_opdef *def = tdagi_node_def(n);
    const void *spec = n->u.spec;
    if (r->replacements != NULL && def->spec_size > 0) {
        const tdagi_substitution by = {r->b->graph->pool, r->g->pool, r->replacements};
        spec = tdagi_spec_substitute(&r->specs, def->fields, def->spec_size, spec, &by);
        if (spec == NULL)
            return tdagi_builder_fail(r->b, TDAG_E_NOMEM, "%s",
                                      tdag_status_text(TDAG_E_NOMEM));
    }
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        r->scratch[i] = r->new_of[in[i].id];
    return tdag_add_node(r->b, (tdag_op)n->op, spec, def->spec_size, r->scratch,
                         n->n_inputs);
}

static tdag_value copy_node(rebuild *r, uint32_t id)
{
    const tdagi_node *n = &r->g->nodes[id];
    tdag_builder_set_scope(r->b, r->g->scopes[n->scope]);
    if (n->op == TDAG_OP_INPUT) return copy_input(r, n);
    if (tdagi_op_holds_tensor(n->op))
        return tdag_add_tensor(r->b, (tdag_op)n->op, n->name, n->u.tensor);
    tdag_value v = copy_op(r, n);
    tdag_builder_set_name(r->b, v, n->name);
    return v;
}

static tdag_status copy_all(rebuild *r, tdag_graph **out)
{
    const tdag_graph *g = r->g;
    if (r->live != NULL) mark_live(g, r->live);
    for (uint32_t id = 1; id <= g->n; id++)
        if (r->live == NULL || r->live[id] || g->nodes[id].op == TDAG_OP_INPUT)
            r->new_of[id] = copy_node(r, id);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_builder_add_output(r->b, r->new_of[g->outputs[i].id]);
    return tdag_builder_finish(r->b, out);
}

static tdag_status rebuild_graph(rebuild *r, bool only_live, tdag_graph **out)
{
    tdag_ctx *ctx = r->ctx;
    size_t n = (size_t)r->g->n + 1;
    r->most = 1;
    for (uint32_t id = 1; id <= r->g->n; id++)
        if (r->g->nodes[id].n_inputs > r->most) r->most = r->g->nodes[id].n_inputs;
    void *new_of = NULL, *scratch = NULL, *live = NULL;
    tdag_status st = tdagi_array_alloc(ctx, n, sizeof(tdag_value), &new_of);
    if (st == TDAG_OK)
        st = tdagi_array_alloc(ctx, r->most, sizeof(tdag_value), &scratch);
    if (st == TDAG_OK && only_live) st = tdagi_array_alloc(ctx, n, 1, &live);
    r->new_of = new_of;
    r->scratch = scratch;
    r->live = live;
    tdagi_arena_init(&r->specs, &ctx->allocator);
    if (st == TDAG_OK) st = copy_all(r, out);
    tdagi_arena_free(&r->specs);
    if (new_of != NULL) tdagi_free(ctx, new_of, n * sizeof(tdag_value));
    if (scratch != NULL) tdagi_free(ctx, scratch, r->most * sizeof(tdag_value));
    if (live != NULL) tdagi_free(ctx, live, n);
    tdag_builder_free(r->b);
    return st;
}

tdag_status tdagi_graph_prune(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out)
{
    rebuild r = {.ctx = ctx, .g = g};
    TDAGI_TRY(tdagi_builder_create_like(ctx, g, &r.b));
    return rebuild_graph(&r, true, out);
}

tdag_status tdagi_graph_bind(tdag_ctx *ctx, const tdag_graph *g, const int64_t *values,
                             tdag_graph **out)
{
    rebuild r = {.ctx = ctx, .g = g, .replacements = values};
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    for (uint32_t i = 0; i < n; i++)
        if (values[i] < 0)
            return tdagi_fail(ctx, TDAG_E_ARG, "symbol %s would be %lld",
                              tdagi_pool_symbol(g->pool, i, NULL),
                              (long long)values[i]);
    static const tdag_dim none[1] = {0};
    if (n == 0) r.replacements = none;
    TDAGI_TRY(tdag_builder_create(ctx, &r.b));
    return rebuild_graph(&r, false, out);
}
