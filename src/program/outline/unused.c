/* Statements that only find something, values and sizes, are left out where nobody
 * needs it. One sweep, from the last value to the first: who uses a value or symbol
 * stands behind the statement that gives it. */
#include <string.h>

#include "program/outline/outline.h"

static void visit_dim(const tdagi_pool *pool, tdag_dim d,
                      void (*visit)(void *user, uint32_t symbol), void *user)
{
    for (uint32_t i = 0; d < 0 && i < tdagi_pool_n_symbols(pool); i++)
        if (tdagi_dim_has_symbol(pool, d, i)) visit(user, i);
}

void tdagi_outline_symbols(const tdag_graph *g, const tdagi_node *n,
                           void (*visit)(void *user, uint32_t symbol), void *user)
{
    for (uint32_t i = 0; i < n->rank; i++)
        visit_dim(g->pool, n->shape[i], visit, user);
    if (n->op == TDAG_OP_INPUT || tdagi_op_holds_tensor(n->op)) return;
    const tdagi_field *f = tdagi_node_def(n)->fields;
    for (; f != NULL && f->kind != TDAGI_FIELD_END; f++) {
        if (!tdagi_field_has_dims(f)) continue;
        tdag_list dims = tdagi_field_numbers(f, n->u.spec);
        for (uint32_t i = 0; i < dims.n; i++)
            visit_dim(g->pool, dims.v[i], visit, user);
    }
}

typedef struct sweep {
    const tdag_graph *g;
    bool *values, *symbols;                /* which are needed */
    const tdagi_outline_statement **finds; /* by id: what gives it, if that may go */
} sweep;

static bool only_finds(const tdagi_outline_statement *s)
{
    return s->what.kind == TDAGI_APPLY || s->what.kind == TDAGI_CALL;
}

static void need_symbol(void *user, uint32_t symbol)
{
    ((sweep *)user)->symbols[symbol] = true;
}

static void need_all(sweep *w, tdagi_outline_values values)
{
    for (uint32_t i = 0; i < values.n; i++)
        w->values[values.v[i].id] = true;
}

static void need_bindings(sweep *w, const tdagi_outline_statement *s)
{
    for (uint32_t i = 0; i < s->n_bindings; i++)
        visit_dim(w->g->pool, s->bindings[i].bound, need_symbol, w);
}

static void start(sweep *w, const tdagi_outline_block *block)
{
    need_all(w, block->yields);
    need_all(w, block->params);
    for (const tdagi_outline_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t i = 0; only_finds(s) && i < s->results.n; i++)
            w->finds[s->results.v[i].id] = s;
        if (only_finds(s)) continue;
        need_all(w, s->inputs);
        need_all(w, s->results);
        need_bindings(w, s);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            start(w, s->blocks[i]);
    }
}

static bool is_needed(const sweep *w, const tdagi_outline_statement *s)
{
    bool is = false;
    for (uint32_t i = 0; i < s->results.n; i++)
        is |= w->values[s->results.v[i].id];
    for (uint32_t i = 0; i < s->n_bindings; i++)
        for (uint32_t k = 0; k < tdagi_pool_n_symbols(w->g->pool); k++)
            is |= w->symbols[k] &&
                  tdagi_dim_has_symbol(w->g->pool, s->bindings[i].symbol, k);
    return is;
}

static void go(sweep *w)
{
    for (uint32_t id = w->g->n; id >= 1; id--) {
        const tdagi_outline_statement *s = w->finds[id];
        if (s != NULL && is_needed(w, s)) {
            need_all(w, s->inputs);
            need_all(w, s->results);
            need_bindings(w, s);
        }
        if (!w->values[id]) continue;
        const tdagi_node *n = &w->g->nodes[id];
        tdagi_outline_symbols(w->g, n, need_symbol, w);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            w->values[tdagi_node_inputs(n)[i].id] = true;
    }
}

static void drop(const sweep *w, tdagi_outline_block *block)
{
    tdagi_outline_statement *s = block->first;
    block->link = &block->first;
    block->n = 0;
    for (; s != NULL; s = s->next) {
        if (only_finds(s) && !is_needed(w, s)) continue;
        s->index = block->n++;
        *block->link = s;
        block->link = &s->next;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            drop(w, s->blocks[i]);
    }
    *block->link = NULL;
}

tdag_status tdagi_outline_drop_unused(tdag_ctx *ctx, tdagi_outline *o,
                                      const tdag_graph *g)
{
    size_t n = g->n + 1u, n_symbols = tdagi_pool_n_symbols(g->pool) + 1u;
    sweep w = {.g = g};
    w.values = tdagi_arena_array(o->arena, n + n_symbols, sizeof *w.values);
    w.finds = tdagi_arena_array(o->arena, n, sizeof *w.finds);
    if (w.values == NULL || w.finds == NULL) return tdagi_nomem(ctx);
    memset(w.values, 0, (n + n_symbols) * sizeof *w.values);
    memset(w.finds, 0, n * sizeof *w.finds);
    w.symbols = w.values + n;
    start(&w, &o->body);
    go(&w);
    drop(&w, &o->body);
    return TDAG_OK;
}
