/* Outlines: statements and blocks as they are found. */
#include "program/outline/outline.h"

#include <string.h>

static void *take(tdagi_outline *o, size_t n, size_t size)
{
    void *p = o->is_out_of_memory ? NULL : tdagi_arena_array(o->arena, n + 1, size);
    if (p == NULL) o->is_out_of_memory = true;
    if (p != NULL) memset(p, 0, (n + 1) * size);
    return p;
}

void tdagi_outline_init(tdagi_outline *o, tdagi_arena *arena)
{
    memset(o, 0, sizeof *o);
    o->arena = arena;
    o->at = &o->body;
    o->body.link = &o->body.first;
    o->n_blocks = 1;
}

void tdagi_outline_begin(tdagi_outline *o, tdagi_arena *arena, const tdag_graph *g)
{
    tdagi_outline_init(o, arena);
    o->body.params = tdagi_outline_keep(o, g->n_inputs, g->inputs);
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    tdag_dim *symbols = take(o, n, sizeof *symbols);
    for (uint32_t i = 0; symbols != NULL && i < n; i++)
        symbols[i] = tdagi_pool_symbol_dim(g->pool, i);
    o->body.symbols = symbols;
    o->body.n_symbols = symbols == NULL ? 0 : n;
}

tdagi_outline_statement *tdagi_outline_add(tdagi_outline *o,
                                           const tdagi_statement_spec *what)
{
    tdagi_outline_statement *s = take(o, 1, sizeof *s);
    if (s == NULL) return NULL;
    s->what = *what;
    s->in = o->at;
    s->index = o->at->n++;
    *o->at->link = s;
    o->at->link = &s->next;
    return s;
}

tdagi_outline_statement *tdagi_outline_prepend(tdagi_outline *o,
                                               const tdagi_statement_spec *what)
{
    tdagi_outline_statement *s = take(o, 1, sizeof *s);
    if (s == NULL) return NULL;
    s->what = *what;
    s->in = &o->body;
    s->next = o->body.first;
    if (o->body.first == NULL) o->body.link = &s->next;
    o->body.first = s;
    o->body.n++;
    for (tdagi_outline_statement *t = s->next; t != NULL; t = t->next)
        t->index++;
    return s;
}

tdagi_outline_block *tdagi_outline_open(tdagi_outline *o, tdagi_outline_statement *s)
{
    tdagi_outline_block *block = take(o, 1, sizeof *block);
    if (block == NULL) return NULL;
    block->parent = o->at;
    block->owner = s;
    block->depth = o->at->depth + 1;
    block->repeats = s->what.kind == TDAGI_LOOP;
    block->number = o->n_blocks++;
    block->link = &block->first;
    s->blocks[s->n_blocks++] = block;
    o->at = block;
    return block;
}

void tdagi_outline_close(tdagi_outline *o) { o->at = o->at->parent; }

void tdagi_outline_cut_back(tdagi_outline *o, uint32_t n)
{
    tdagi_outline_statement **link = &o->at->first;
    while (*link != NULL && (*link)->index < n)
        link = &(*link)->next;
    *link = NULL;
    o->at->link = link;
    o->at->n = n;
}

void tdagi_outline_forget(tdagi_outline *o, tdagi_outline_statement *s)
{
    tdagi_outline_statement **link = &s->in->first;
    while (*link != s)
        link = &(*link)->next;
    *link = NULL;
    s->in->link = link;
    s->in->n = s->index;
    o->at = s->in;
}

tdagi_outline_values tdagi_outline_keep(tdagi_outline *o, uint32_t n,
                                        const tdag_value *v)
{
    tdag_value *kept = take(o, n, sizeof *kept);
    if (kept == NULL) return (tdagi_outline_values){NULL, 0};
    if (n > 0) memcpy(kept, v, n * sizeof *kept);
    return (tdagi_outline_values){kept, n};
}

uint32_t tdagi_outline_add_state(tdagi_outline *o, const tdagi_outline_state *state)
{
    if (o->n_states == o->states_capacity) {
        uint32_t wider = o->states_capacity == 0 ? 8 : 2 * o->states_capacity;
        tdagi_outline_state *more = take(o, wider, sizeof *more);
        if (more == NULL) return 0;
        if (o->n_states > 0) memcpy(more, o->states, o->n_states * sizeof *more);
        o->states = more;
        o->states_capacity = wider;
    }
    o->states[o->n_states] = *state;
    return o->n_states++;
}
