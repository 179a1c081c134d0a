/* See facts.h. Needs go backwards: from what a method does and returns to what that is
 * computed from. A loop is walked until nothing new is needed, as what it carries goes
 * round. */
#include "transform/program/facts.h"

#include "transform/compose/cut.h"
#include "transform/program/copy.h"

typedef struct finding {
    tdag_ctx *ctx;
    const tdag_model *model;
    const tdagi_method *m;
    tdagi_arena *arena;
    tdagi_pool *pool;
    tdagi_facts *f;
    bool changed;
} finding;

static void mark_symbols(finding *w, tdag_dim d)
{
    uint32_t n = d < 0 && d != TDAGI_DIM_BAD ? tdagi_pool_n_symbols(w->m->pool) : 0;
    for (uint32_t s = 0; s < n; s++)
        if (!w->f->live_symbols[s] && tdagi_dim_has_symbol(w->pool, d, s)) {
            w->f->live_symbols[s] = 1;
            w->changed = true;
        }
}

static void mark(finding *w, tdagi_var v)
{
    const tdagi_var_info *info = tdagi_method_var(w->m, v);
    if (w->f->live[v.id]) return;
    w->f->live[v.id] = 1;
    w->changed = true;
    for (uint32_t k = 0; k < info->rank; k++)
        mark_symbols(w, info->shape[k]);
}

static void mark_all(finding *w, const tdagi_var *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        mark(w, v[i]);
}

static bool is_live_symbol(const tdagi_facts *f, const tdagi_method *m, tdag_dim d)
{
    uint32_t s;
    int64_t factor, offset;
    return tdagi_dim_is_affine(m->pool, d, &s, &factor, &offset) && f->live_symbols[s];
}

bool tdagi_is_needed(const tdagi_facts *f, const tdagi_method *m,
                     const tdagi_statement *s)
{
    bool needed = tdagi_has_effects(s);
    for (uint32_t i = 0; i < s->n_results && !needed; i++)
        needed = f->live[s->results[i].id];
    for (uint32_t i = 0; i < s->n_bindings && !needed; i++)
        needed = is_live_symbol(f, m, s->bindings[i].symbol);
    return needed;
}

/* Values that show a size which is needed. */
static void mark_shown(finding *w, tdag_dim symbol, const tdagi_var *vars, uint32_t n)
{
    if (!is_live_symbol(w->f, w->m, symbol)) return;
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_var_info *info = tdagi_method_var(w->m, vars[i]);
        for (uint32_t k = 0; k < info->rank; k++)
            if (info->shape[k] == symbol) mark(w, vars[i]);
    }
}

static tdag_status walk(finding *w, const tdagi_block *block);

static tdag_status walk_call(finding *w, const tdagi_statement *s)
{
    uint32_t n = tdagi_pool_n_symbols(w->model->graphs[s->target].graph->pool);
    void *sizes = NULL;
    mark_all(w, s->inputs, s->n_inputs);
    if (n == 0) return TDAG_OK;
    TDAGI_TRY(tdagi_array_alloc(w->ctx, n, sizeof(tdag_dim), &sizes));
    tdag_status st = tdagi_call_sizes(w->ctx, w->model, w->m, s, w->pool, sizes);
    for (uint32_t i = 0; i < n && st == TDAG_OK; i++)
        mark_symbols(w, ((tdag_dim *)sizes)[i]);
    for (uint32_t i = 0; i < s->n_bindings; i++)
        mark(w, s->bindings[i].value);
    tdagi_free(w->ctx, sizes, n * sizeof(tdag_dim));
    return st;
}

static tdag_status walk_loop(finding *w, const tdagi_statement *s)
{
    const tdagi_block *body = &s->blocks[0];
    uint32_t n_head = (uint32_t)s->has_limit + s->has_condition;
    mark_all(w, s->inputs, n_head);
    mark_all(w, body->yields, s->has_condition);
    bool changed = w->changed;
    do {
        w->changed = false;
        for (uint32_t i = 0; i < body->n_symbols; i++)
            mark_shown(w, body->symbols[i], body->params, body->n_params);
        for (uint32_t i = 0; i < s->n_results; i++) {
            tdagi_var param = body->params[i + 1];
            if (!w->f->live[param.id] && !w->f->live[s->results[i].id]) continue;
            mark(w, param);
            mark(w, s->results[i]);
            mark(w, s->inputs[n_head + i]);
            mark(w, body->yields[s->has_condition + i]);
        }
        TDAGI_TRY(walk(w, body));
        changed = changed || w->changed;
    } while (w->changed);
    w->changed = changed;
    return TDAG_OK;
}

static tdag_status walk_statement(finding *w, const tdagi_statement *s)
{
    if (!tdagi_is_needed(w->f, w->m, s)) return TDAG_OK;
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        if (s->kind != TDAGI_CALL)
            mark_shown(w, s->bindings[i].symbol, s->results, s->n_results);
        mark_symbols(w, s->bindings[i].bound);
    }
    if (s->kind == TDAGI_CALL) return walk_call(w, s);
    if (s->kind == TDAGI_LOOP) return walk_loop(w, s);
    mark_all(w, s->inputs, s->n_inputs);
    if (s->n_blocks == 0) mark_all(w, s->results, s->n_results); /* they stay */
    for (uint32_t i = 0; i < s->n_blocks; i++) {
        for (uint32_t k = 0; k < s->n_results; k++)
            if (w->f->live[s->results[k].id]) mark(w, s->blocks[i].yields[k]);
        TDAGI_TRY(walk(w, &s->blocks[i]));
    }
    return TDAG_OK;
}

/* The last statement first. */
static tdag_status walk(finding *w, const tdagi_block *block)
{
    uint32_t n = 0;
    void *order = NULL;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        n++;
    size_t size = n * sizeof(tdagi_statement *);
    TDAGI_TRY(tdagi_alloc(w->ctx, size, &order));
    const tdagi_statement **all = order;
    n = 0;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        all[n++] = s;
    tdag_status st = TDAG_OK;
    while (n-- > 0 && st == TDAG_OK)
        st = walk_statement(w, all[n]);
    tdagi_free(w->ctx, order, size);
    return st;
}

static void find_known(finding *w, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t i = 0; s->kind == TDAGI_CALL && i < s->n_results; i++)
            w->f->known[s->results[i].id] =
                tdagi_graph_constant(w->model->graphs[s->target].graph, i);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            find_known(w, &s->blocks[i]);
    }
}

tdag_status tdagi_find_facts(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *m, tdagi_arena *arena,
                             tdagi_facts *out)
{
    finding w = {.ctx = ctx, .model = model, .m = m, .arena = arena, .f = out};
    void *live = NULL, *symbols = NULL, *known = NULL;
    TDAGI_TRY(tdagi_scratch(ctx, arena, m->n_vars, 1, &live));
    TDAGI_TRY(tdagi_scratch(ctx, arena, tdagi_pool_n_symbols(m->pool), 1, &symbols));
    TDAGI_TRY(tdagi_scratch(ctx, arena, m->n_vars, sizeof(void *), &known));
    *out = (tdagi_facts){live, symbols, known};
    w.pool = tdagi_pool_clone(m->pool);
    if (w.pool == NULL) return tdagi_nomem(ctx);
    find_known(&w, &m->body);
    tdag_status st = TDAG_OK;
    do {
        w.changed = false;
        st = walk(&w, &m->body);
    } while (st == TDAG_OK && w.changed);
    if (st == TDAG_OK) st = tdagi_pool_report(ctx, w.pool);
    tdagi_pool_free(w.pool);
    return st;
}

void tdagi_count_uses(const tdagi_block *block, uint32_t *uses)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->n_inputs; i++)
            uses[s->inputs[i].id]++;
        for (uint32_t i = 0; s->kind == TDAGI_CALL && i < s->n_bindings; i++)
            uses[s->bindings[i].value.id]++;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            tdagi_count_uses(&s->blocks[i], uses);
    }
    for (uint32_t i = 0; i < block->n_yields; i++)
        uses[block->yields[i].id]++;
}
