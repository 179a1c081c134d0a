/* See graft.h. */
#include "ir/graft.h"

#include <string.h>

tdag_status tdagi_graft_init(tdagi_graft *t, tdag_builder *b, const tdag_graph *g,
                             const tdag_dim *replacements)
{
    memset(t, 0, sizeof(*t));
    t->b = b;
    t->g = g;
    t->replacements = replacements;
    t->most = 1;
    for (uint32_t id = 1; id <= g->n; id++)
        if (g->nodes[id].n_inputs > t->most) t->most = g->nodes[id].n_inputs;
    size_t n = (size_t)g->n + 1;
    void *new_of = NULL, *scratch = NULL;
    TDAGI_TRY(tdagi_array_alloc(b->ctx, n, sizeof(tdag_value), &new_of));
    tdag_status st = tdagi_array_alloc(b->ctx, t->most, sizeof(tdag_value), &scratch);
    if (st != TDAG_OK) {
        tdagi_free(b->ctx, new_of, n * sizeof(tdag_value));
        return st;
    }
    memset(new_of, 0, n * sizeof(tdag_value));
    t->new_of = new_of;
    t->scratch = scratch;
    tdagi_arena_init(&t->specs, &b->ctx->allocator);
    return TDAG_OK;
}

void tdagi_graft_free(tdagi_graft *t)
{
    if (t->new_of == NULL) return;
    tdag_ctx *ctx = t->b->ctx;
    tdagi_arena_free(&t->specs);
    tdagi_free(ctx, t->new_of, ((size_t)t->g->n + 1) * sizeof(tdag_value));
    tdagi_free(ctx, t->scratch, t->most * sizeof(tdag_value));
    t->new_of = NULL;
}

tdag_dim tdagi_graft_dim(tdagi_graft *t, tdag_dim d)
{
    if (t->replacements == NULL || t->b->graph == NULL) return d;
    return tdagi_dim_substitute(t->b->graph->pool, t->g->pool, d, t->replacements);
}

const void *tdagi_graft_spec(tdagi_graft *t, const tdagi_node *n)
{
    const tdagi_opdef *def = tdagi_node_def(n);
    if (def->spec_size == 0) return NULL;
    if (t->replacements == NULL || t->b->graph == NULL) return n->u.spec;
    const tdagi_substitution by = {t->b->graph->pool, t->g->pool, t->replacements};
    const void *spec =
        tdagi_spec_substitute(&t->specs, def->fields, def->spec_size, n->u.spec, &by);
    if (spec == NULL)
        tdagi_builder_fail(t->b, TDAG_E_NOMEM, "%s", tdag_status_text(TDAG_E_NOMEM));
    return spec;
}

const char *tdagi_graft_text(tdagi_graft *t, const char *text)
{
    if (text == NULL || t->prefix == NULL || *t->prefix == '\0') return text;
    if (*text == '\0') return t->prefix;
    size_t head = strlen(t->prefix), tail = strlen(text) + 1;
    char *joined = tdagi_arena_alloc(&t->specs, head + 1 + tail);
    if (joined == NULL) {
        tdagi_builder_fail(t->b, TDAG_E_NOMEM, "%s", tdag_status_text(TDAG_E_NOMEM));
        return text;
    }
    memcpy(joined, t->prefix, head);
    joined[head] = '.';
    memcpy(joined + head + 1, text, tail);
    return joined;
}

tdag_value tdagi_graft_as_input(tdagi_graft *t, uint32_t id)
{
    const tdagi_node *n = &t->g->nodes[id];
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n->rank; i++)
        shape[i] = tdagi_graft_dim(t, n->shape[i]);
    char buf[16];
    const char *name = n->op == TDAG_OP_INPUT
                           ? n->name
                           : tdagi_value_name(t->g, (tdag_value){id}, buf);
    t->new_of[id] = tdag_add_input(t->b, name, (tdag_dtype)n->dtype, n->rank, shape);
    return t->new_of[id];
}

static tdag_value graft_op(tdagi_graft *t, const tdagi_node *n)
{
    const void *spec = tdagi_graft_spec(t, n);
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        t->scratch[i] = t->new_of[in[i].id];
    tdag_value v = tdag_add_node(t->b, (tdag_op)n->op, spec,
                                 tdagi_node_def(n)->spec_size, t->scratch, n->n_inputs);
    tdag_builder_set_name(t->b, v, tdagi_graft_text(t, n->name));
    return v;
}

tdag_value tdagi_graft_node(tdagi_graft *t, uint32_t id)
{
    const tdagi_node *n = &t->g->nodes[id];
    bool was_ok = tdagi_builder_ok(t->b);
    tdag_builder_set_scope(t->b, tdagi_graft_text(t, t->g->scopes[n->scope]));
    if (n->op == TDAG_OP_INPUT) return tdagi_graft_as_input(t, id);
    if (tdagi_op_holds_tensor(n->op))
        t->new_of[id] = tdag_add_tensor(t->b, (tdag_op)n->op,
                                        tdagi_graft_text(t, n->name), n->u.tensor);
    else
        t->new_of[id] = graft_op(t, n);
    char buf[16];
    if (was_ok && !tdagi_builder_ok(t->b)) /* the builder knows no name yet */
        tdagi_fail_at_node(t->b->ctx, tdagi_value_name(t->g, (tdag_value){id}, buf),
                           tdagi_value_scope(t->g, (tdag_value){id}));
    return t->new_of[id];
}

void tdagi_mark_ancestors(const tdag_graph *g, unsigned char *live)
{
    for (uint32_t id = g->n; id >= 1; id--) {
        if (!live[id]) continue;
        const tdagi_node *n = &g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            live[in[i].id] = 1;
    }
}

void tdagi_mark_live(const tdag_graph *g, unsigned char *live)
{
    for (uint32_t i = 0; i < g->n_outputs; i++)
        live[g->outputs[i].id] = 1;
    tdagi_mark_ancestors(g, live);
}

void tdagi_graft_nodes(tdagi_graft *t, const unsigned char *live)
{
    for (uint32_t id = 1; id <= t->g->n; id++)
        if (t->new_of[id].id == 0 &&
            (live == NULL || live[id] || t->g->nodes[id].op == TDAG_OP_INPUT))
            tdagi_graft_node(t, id);
}

tdag_status tdagi_graft_all(tdagi_graft *t, const unsigned char *live, tdag_graph **out)
{
    tdagi_graft_nodes(t, live);
    for (uint32_t i = 0; i < t->g->n_outputs; i++)
        tdag_builder_add_output(t->b, t->new_of[t->g->outputs[i].id]);
    return tdag_builder_finish(t->b, out);
}
