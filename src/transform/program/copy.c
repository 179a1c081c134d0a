/* See copy.h. */
#include "transform/program/copy.h"

#include <stdio.h>
#include <string.h>

#include "program/call.h"
#include "transform/compose/sizes.h"

void *tdagi_copier_take(tdagi_copier *c, size_t n, size_t size)
{
    void *p = tdagi_copier_ok(c) ? tdagi_arena_array(&c->arena, n + 1, size) : NULL;
    if (p != NULL)
        memset(p, 0, (n + 1) * size);
    else if (tdagi_copier_ok(c))
        c->b.status = tdagi_nomem(c->ctx);
    return p;
}

/* ---- types ---- */

tdag_dim tdagi_copier_dim(tdagi_copier *c, tdag_dim d)
{
    tdagi_pool *pool = tdagi_method_pool(&c->b);
    if (pool == NULL || d == TDAGI_DIM_BAD) return TDAGI_DIM_BAD;
    tdag_dim is = tdagi_dim_substitute(pool, c->pool, d, c->dim_of);
    if (is == TDAGI_DIM_BAD) c->b.status = tdagi_pool_report(c->ctx, pool);
    return is;
}

void tdagi_copier_type(const tdagi_copier *c, tdagi_var v, tdagi_type *out)
{
    *out = (tdagi_type){.dtype = TDAG_BOOL};
    if (!tdagi_copier_ok(c) || v.id == 0) return;
    const tdagi_var_info *info = tdagi_method_var(c->b.method, v);
    out->dtype = info->dtype;
    out->rank = info->rank;
    for (uint32_t k = 0; k < info->rank; k++)
        out->shape[k] = info->shape[k];
}

void tdagi_copier_old_type(tdagi_copier *c, tdagi_var old, tdagi_type *out)
{
    const tdagi_var_info *info = tdagi_method_var(c->m, old);
    *out = (tdagi_type){.dtype = info->dtype};
    if (c->has_added != NULL && c->has_added[old.id])
        out->shape[out->rank++] = c->added;
    if (out->rank + info->rank > TDAG_MAX_RANK) {
        c->b.status = tdagi_fail(c->ctx, TDAG_E_SHAPE,
                                 "method %.80s: a value would have more than %d axes",
                                 c->m->name, TDAG_MAX_RANK);
        return;
    }
    for (uint32_t k = 0; k < info->rank; k++) {
        tdag_dim d = tdagi_copier_dim(c, info->shape[k]);
        if (c->gone < 0 && d == c->gone) continue;
        out->shape[out->rank++] = d;
        if (c->gone < 0 && tdagi_copier_ok(c) && d < 0 &&
            tdagi_dim_has_symbol(c->b.method->pool, d, 0))
            c->b.status = tdagi_fail(
                c->ctx, TDAG_E_UNSUPPORTED, "method %.80s: a size is made of %.80s",
                c->m->name, tdagi_pool_symbol(c->b.method->pool, 0, NULL));
    }
}

/* Whether an old symbol is one whose axes are left out. */
static bool is_gone(const tdagi_copier *c, tdag_dim old)
{
    uint32_t s = c->gone < 0 ? tdagi_copier_symbol(c, old) : UINT32_MAX;
    return s != UINT32_MAX && c->dim_of[s] == c->gone;
}

uint32_t tdagi_copier_symbol(const tdagi_copier *c, tdag_dim d)
{
    uint32_t s;
    int64_t factor, offset;
    bool is_symbol = d < 0 && d != TDAGI_DIM_BAD &&
                     tdagi_dim_is_affine(c->pool, d, &s, &factor, &offset) &&
                     factor == 1 && offset == 0;
    return is_symbol ? s : UINT32_MAX;
}

static bool is_declared(const tdagi_pool *pool, const char *name)
{
    uint32_t i = 0, n = tdagi_pool_n_symbols(pool);
    while (i < n && strcmp(tdagi_pool_symbol(pool, i, NULL), name) != 0)
        i++;
    return i < n;
}

tdag_dim tdagi_copier_bind(tdagi_copier *c, tdag_dim old)
{
    int64_t sample;
    char name[256];
    uint32_t s = tdagi_copier_symbol(c, old);
    tdagi_pool *pool = tdagi_method_pool(&c->b);
    if (pool == NULL || s == UINT32_MAX) return TDAGI_DIM_BAD;
    const char *is = tdagi_pool_symbol(c->pool, s, &sample);
    snprintf(name, sizeof name, "%.200s", is);
    while (is_declared(pool, name))
        snprintf(name, sizeof name, "%.200s_%u", is, (unsigned)++c->n_renamed);
    c->dim_of[s] = tdagi_dim_symbol(pool, name, sample);
    if (tdagi_copier_ok(c)) c->b.status = tdagi_pool_report(c->ctx, pool);
    return c->dim_of[s];
}

void tdagi_copier_map(tdagi_copier *c, tdagi_var old, tdagi_var is)
{
    tdagi_type type;
    tdagi_copier_type(c, is, &type);
    const tdagi_var_info *info = tdagi_method_var(c->m, old);
    c->var_of[old.id] = is;
    for (uint32_t k = 0; k < info->rank && k < type.rank; k++) {
        uint32_t s = tdagi_copier_symbol(c, info->shape[k]);
        if (s != UINT32_MAX && c->dim_of[s] == TDAGI_DIM_BAD)
            c->dim_of[s] = type.shape[k];
    }
}

tdagi_var *tdagi_copier_vars(tdagi_copier *c, const tdagi_var *old, uint32_t n)
{
    tdagi_var *vars = tdagi_copier_take(c, n, sizeof *vars);
    for (uint32_t i = 0; vars != NULL && i < n; i++)
        vars[i] = c->var_of[old[i].id];
    return vars;
}

/* What is new stands for what is old, under its name. */
static void name_var(tdagi_copier *c, tdagi_var old, tdagi_var is)
{
    const char *name = tdagi_method_var(c->m, old)->name;
    c->var_of[old.id] = is;
    if (name != NULL) tdagi_program_name(&c->b, is, name);
}

void tdagi_copier_name(tdagi_copier *c, const tdagi_var *old, const tdagi_var *is,
                       uint32_t n)
{
    for (uint32_t i = 0; i < n && tdagi_copier_ok(c); i++)
        name_var(c, old[i], is[i]);
}

/* ---- calls ---- */

static uint32_t symbol_of(const tdag_graph *g, const char *name)
{
    uint32_t s = 0, n = tdagi_pool_n_symbols(g->pool);
    while (s < n && strcmp(tdagi_pool_symbol(g->pool, s, NULL), name) != 0)
        s++;
    return s < n ? s : UINT32_MAX;
}

tdag_status tdagi_call_sizes(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *m, const tdagi_statement *call,
                             tdagi_pool *pool, tdag_dim *sizes)
{
    const tdag_graph *g = model->graphs[call->target].graph;
    const char *missing = NULL;
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(g->pool); s++)
        sizes[s] = TDAGI_DIM_BAD;
    for (uint32_t i = 0; i < call->n_bindings; i++)
        sizes[call->bindings[i].of] = call->bindings[i].symbol;
    tdagi_call_solve(g, m, call->inputs, pool, sizes);
    TDAGI_TRY(tdagi_pool_report(ctx, pool));
    return tdagi_call_take_names(ctx, g, pool, NULL, sizes, &missing);
}

tdag_dim *tdagi_copier_sizes(tdagi_copier *c, const tdagi_statement *call)
{
    uint32_t n = tdagi_pool_n_symbols(c->model->graphs[call->target].graph->pool);
    tdag_dim *sizes = tdagi_copier_take(c, n, sizeof *sizes);
    if (sizes != NULL)
        c->b.status = tdagi_call_sizes(c->ctx, c->model, c->m, call, c->pool, sizes);
    return sizes;
}

tdag_status tdagi_graph_at(tdagi_copier *c, const tdag_graph *g, const tdag_dim *sizes,
                           tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdagi_graft t;
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    tdag_dim *is = tdagi_copier_take(c, n, sizeof *is);
    if (is == NULL) return c->b.status;
    TDAGI_TRY(tdag_builder_create(c->ctx, &b));
    for (uint32_t s = 0; s < n; s++)
        is[s] = tdagi_dim_import(tdagi_builder_pool(b), c->b.method->pool, sizes[s]);
    tdag_status st = tdagi_graft_init(&t, b, g, is);
    if (st == TDAG_OK) {
        st = tdagi_graft_sizes(&t, out);
        tdagi_graft_free(&t);
    }
    tdag_builder_free(b);
    return st;
}

/* The number of a graph: that of one which is there, or a new one of a name that is
 * free. */
static uint32_t enter_graph(tdagi_copier *c, const char *name, const tdag_graph *g)
{
    char free_name[256];
    const tdag_model *made = c->b.made;
    for (uint32_t i = made->n_graphs; i-- > 0;) /* the last ones are asked for most */
        if (made->graphs[i].graph == g) return i;
    snprintf(free_name, sizeof free_name, "%.200s", name);
    for (uint32_t i = 1; tdagi_name_map_get(&c->b.graphs, free_name) != 0; i++)
        snprintf(free_name, sizeof free_name, "%.200s_%u", name, (unsigned)i);
    return tdagi_model_add_graph(&c->b, free_name, g);
}

/* Whether inputs, bindings and names tell just these sizes, and all of them. */
static bool tells(tdagi_copier *c, const tdag_graph *g, const tdagi_new_call *call,
                  tdag_dim *told)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    const char *missing = NULL;
    for (uint32_t s = 0; s < n; s++)
        told[s] = TDAGI_DIM_BAD;
    for (uint32_t i = 0; i < call->n_bindings; i++)
        if (call->bindings[i].of != UINT32_MAX)
            told[call->bindings[i].of] = call->bindings[i].symbol;
    tdagi_pool *pool = tdagi_method_pool(&c->b);
    tdagi_call_solve(g, c->b.method, call->inputs, pool, told);
    c->b.status = tdagi_call_take_names(c->ctx, g, pool, NULL, told, &missing);
    return n == 0 ||
           (missing == NULL &&
            (call->sizes == NULL || memcmp(told, call->sizes, n * sizeof *told) == 0));
}

void tdagi_bind_sizes(const tdagi_copier *c, const tdag_graph *g, uint32_t n,
                      tdagi_binding *bindings)
{
    const tdagi_pool *pool = c->b.method->pool;
    uint32_t s;
    int64_t factor, offset;
    for (uint32_t i = 0; i < n; i++)
        if (tdagi_dim_is_affine(pool, bindings[i].symbol, &s, &factor, &offset))
            bindings[i].of = symbol_of(g, tdagi_pool_symbol(pool, s, NULL));
}

void tdagi_copier_call(tdagi_copier *c, const tdagi_new_call *call)
{
    const tdag_graph *g = call->graph;
    tdag_graph *other = NULL;
    tdag_dim *told = tdagi_copier_take(c, tdagi_pool_n_symbols(g->pool), sizeof *told);
    tdagi_type *types = tdagi_copier_take(c, g->n_outputs, sizeof *types);
    if (types == NULL) return;
    if (!tells(c, g, call, told) && tdagi_copier_ok(c)) {
        c->b.status =
            tdagi_graph_at(c, g, call->sizes == NULL ? told : call->sizes, &other);
        g = other;
        if (g != NULL) tdagi_bind_sizes(c, g, call->n_bindings, call->bindings);
    }
    if (!tdagi_copier_ok(c)) return;
    uint32_t n_bindings = 0; /* of symbols that the graph has */
    for (uint32_t i = 0; i < call->n_bindings; i++)
        if (call->bindings[i].of != UINT32_MAX)
            call->bindings[n_bindings++] = call->bindings[i];
    const tdagi_statement_spec spec = {.kind = TDAGI_CALL,
                                       .target = enter_graph(c, call->name, g),
                                       .inputs = call->inputs,
                                       .n_inputs = g->n_inputs,
                                       .bindings = call->bindings,
                                       .n_bindings = n_bindings};
    if (tdagi_copier_ok(c))
        c->b.status = tdagi_call_types(c->ctx, g, c->b.method, &spec, types);
    tdagi_program_add(&c->b, &spec, g->n_outputs, types, call->results);
    tdag_graph_free(other);
}

tdagi_var tdagi_copier_call_made(tdagi_copier *c, tdag_builder *b, const char *name,
                                 const tdagi_var *inputs)
{
    tdag_graph *g = NULL;
    tdagi_var result = TDAG_NO_VAR;
    if (tdagi_copier_ok(c)) c->b.status = tdag_builder_finish(b, &g);
    tdag_builder_free(b);
    const tdagi_new_call call = {
        .name = name, .graph = g, .inputs = inputs, .results = &result};
    if (g != NULL) tdagi_copier_call(c, &call);
    tdag_graph_free(g);
    return result;
}

tdagi_var tdagi_copier_number(tdagi_copier *c, const char *name, int64_t value)
{
    tdag_builder *b = NULL;
    if (tdagi_copier_ok(c)) c->b.status = tdag_builder_create(c->ctx, &b);
    tdag_builder_add_output(b, tdag_add_scalar(b, TDAG_I64, (double)value));
    return tdagi_copier_call_made(c, b, name, NULL);
}

/* Those of n values that a form has; NULL: all. */
static tdagi_var *filter(tdagi_copier *c, const tdagi_var *vars, uint32_t n,
                         const unsigned char *has)
{
    uint32_t n_kept = 0;
    tdagi_var *kept = tdagi_copier_take(c, n, sizeof *kept);
    for (uint32_t i = 0; kept != NULL && i < n; i++)
        if (has == NULL || has[i]) kept[n_kept++] = vars[i];
    return kept;
}

tdagi_binding *tdagi_copier_bindings(tdagi_copier *c, const tdagi_statement *s,
                                     const tdag_graph *g)
{
    const tdag_graph *old = c->model->graphs[s->target].graph;
    tdagi_binding *bindings = tdagi_copier_take(c, s->n_bindings, sizeof *bindings);
    for (uint32_t i = 0; bindings != NULL && i < s->n_bindings; i++) {
        const tdagi_binding *b = &s->bindings[i];
        bindings[i] = (tdagi_binding){
            .bound = tdagi_copier_dim(c, b->bound),
            .value = c->var_of[b->value.id],
            .of = symbol_of(g, tdagi_pool_symbol(old->pool, b->of, NULL))};
    }
    for (uint32_t i = 0; bindings != NULL && i < s->n_bindings; i++)
        bindings[i].symbol = tdagi_copier_bind(c, s->bindings[i].symbol);
    return bindings;
}

/* Sizes of the graph that is called now, in the new method. */
tdag_dim *tdagi_copier_new_sizes(tdagi_copier *c, const tdagi_statement *s,
                                 const tdag_graph *g)
{
    const tdag_graph *old = c->model->graphs[s->target].graph;
    const tdag_dim *sizes = tdagi_copier_sizes(c, s);
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    tdag_dim *is = tdagi_copier_take(c, n, sizeof *is);
    for (uint32_t i = 0; is != NULL && i < n; i++) {
        uint32_t of = symbol_of(old, tdagi_pool_symbol(g->pool, i, NULL));
        is[i] = of == UINT32_MAX ? TDAGI_DIM_BAD : tdagi_copier_dim(c, sizes[of]);
    }
    return is;
}

static void copy_call(tdagi_copier *c, const tdagi_statement *s)
{
    const tdagi_named_graph *old = &c->model->graphs[s->target];
    const tdagi_graph_form form = c->forms == NULL
                                      ? (tdagi_graph_form){.graph = old->graph}
                                      : c->forms[s->target];
    tdagi_new_call call = {
        .name = old->name, .graph = form.graph, .n_bindings = s->n_bindings};
    tdagi_var *kept = filter(c, s->inputs, s->n_inputs, form.takes);
    if (kept != NULL) call.inputs = tdagi_copier_vars(c, kept, form.graph->n_inputs);
    call.bindings = tdagi_copier_bindings(c, s, form.graph);
    call.sizes = tdagi_copier_new_sizes(c, s, form.graph);
    call.results = tdagi_copier_take(c, s->n_results, sizeof *call.results);
    kept = filter(c, s->results, s->n_results, form.gives);
    if (kept == NULL) return;
    tdag_graph *own = c->graph == NULL ? NULL : c->graph(c, s, &call);
    tdagi_copier_call(c, &call);
    tdagi_copier_name(c, kept, call.results, form.graph->n_outputs);
    tdag_graph_free(own); /* the new model has it */
}

/* ---- what stays ---- */

static bool is_live(const tdagi_copier *c, tdagi_var old)
{
    return c->live == NULL || c->live[old.id] != 0;
}

/* The live ones of n values, of which `by` tells. */
static tdagi_var *pick(tdagi_copier *c, const tdagi_var *vars, const tdagi_var *by,
                       uint32_t n, uint32_t *n_out)
{
    tdagi_var *picked = tdagi_copier_take(c, n, sizeof *picked);
    *n_out = 0;
    for (uint32_t i = 0; picked != NULL && i < n; i++)
        if (is_live(c, by[i])) picked[(*n_out)++] = vars[i];
    return picked;
}

static bool is_size_of(const tdagi_copier *c, tdag_dim d, const tdagi_var *vars,
                       uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_var_info *info = tdagi_method_var(c->m, vars[i]);
        for (uint32_t k = 0; k < info->rank; k++)
            if (info->shape[k] == d) return true;
    }
    return false;
}

/* The bindings of symbols that the old results have. */
static tdagi_binding *copy_bindings(tdagi_copier *c, const tdagi_statement *s,
                                    const tdagi_var *results, uint32_t n_results,
                                    uint32_t *n_out)
{
    tdagi_binding *made = tdagi_copier_take(c, s->n_bindings, sizeof *made);
    *n_out = 0;
    for (uint32_t i = 0; made != NULL && i < s->n_bindings; i++)
        if (!is_gone(c, s->bindings[i].symbol) &&
            is_size_of(c, s->bindings[i].symbol, results, n_results))
            made[(*n_out)++] =
                (tdagi_binding){.symbol = s->bindings[i].symbol,
                                .bound = tdagi_copier_dim(c, s->bindings[i].bound)};
    for (uint32_t i = 0; made != NULL && i < *n_out; i++)
        made[i].symbol = tdagi_copier_bind(c, made[i].symbol);
    return made;
}

static tdagi_type *old_types(tdagi_copier *c, const tdagi_var *vars, uint32_t n)
{
    tdagi_type *types = tdagi_copier_take(c, n, sizeof *types);
    for (uint32_t i = 0; types != NULL && i < n; i++)
        tdagi_copier_old_type(c, vars[i], &types[i]);
    return types;
}

static bool drops_state(const tdagi_copier *c, uint32_t i)
{
    return i + 1 == c->drops_state || (c->keeps_states != NULL && !c->keeps_states[i]);
}

static void copy_leaf(tdagi_copier *c, const tdagi_statement *s)
{
    uint32_t n_bindings;
    tdagi_statement_spec spec = *s;
    bool is_access = s->kind == TDAGI_READ || s->kind == TDAGI_WRITE;
    for (uint32_t i = 0; is_access && i < s->target; i++)
        spec.target -= drops_state(c, i);
    spec.inputs = tdagi_copier_vars(c, s->inputs, s->n_inputs);
    spec.bindings = copy_bindings(c, s, s->results, s->n_results, &n_bindings);
    spec.n_bindings = n_bindings;
    tdagi_type *types = old_types(c, s->results, s->n_results);
    tdagi_var *results = tdagi_copier_take(c, s->n_results, sizeof *results);
    if (results == NULL) return;
    tdagi_program_add(&c->b, &spec, s->n_results, types, results);
    tdagi_copier_name(c, s->results, results, s->n_results);
}

static void copy_block(tdagi_copier *c, const tdagi_statement *s, uint32_t i)
{
    if (c->block != NULL && tdagi_copier_ok(c)) c->block(c, s, i, true);
    tdagi_copy_statements(c, &s->blocks[i]);
    if (c->block != NULL && tdagi_copier_ok(c)) c->block(c, s, i, false);
}

void tdagi_copy_statements(tdagi_copier *c, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL && tdagi_copier_ok(c);
         s = s->next)
        if (c->statement == NULL || !c->statement(c, s)) tdagi_copy_statement(c, s);
}

/* ---- statements with blocks ---- */

/* Ends the statement, whose results are those of `old` that are live. */
static void close(tdagi_copier *c, const tdagi_statement *s)
{
    uint32_t n, n_bindings;
    tdagi_var *old = pick(c, s->results, s->results, s->n_results, &n);
    const tdagi_binding *bindings =
        old == NULL ? NULL : copy_bindings(c, s, old, n, &n_bindings);
    tdagi_type *types = bindings == NULL ? NULL : old_types(c, old, n);
    tdagi_var *results = tdagi_copier_take(c, n, sizeof *results);
    if (types == NULL || results == NULL) return;
    tdagi_program_bind(&c->b, n_bindings, bindings);
    tdagi_program_close(&c->b, n, types, results);
    tdagi_copier_name(c, old, results, n);
}

static void copy_if(tdagi_copier *c, const tdagi_statement *s)
{
    tdagi_statement_spec spec = {
        .kind = TDAGI_IF, .n_inputs = 1, .inputs = &c->var_of[s->inputs[0].id]};
    tdagi_program_open(&c->b, &spec);
    for (uint32_t i = 0; i < 2 && tdagi_copier_ok(c); i++) {
        uint32_t n;
        const tdagi_block *arm = &s->blocks[i];
        tdagi_program_begin_block(&c->b, 0, NULL, 0, NULL, NULL);
        copy_block(c, s, i);
        tdagi_var *yields = pick(c, arm->yields, s->results, s->n_results, &n);
        if (yields == NULL) return;
        tdagi_program_end_block(&c->b, n, tdagi_copier_vars(c, yields, n));
    }
    close(c, s);
}

/* The head's values, then those of carried values that are live. */
static tdagi_var *loop_vars(tdagi_copier *c, const tdagi_var *vars, uint32_t n_head,
                            const tdagi_block *body, uint32_t *n_out)
{
    uint32_t n_carried = body->n_params - 1, n = 0;
    tdagi_var *all = tdagi_copier_take(c, (size_t)n_head + n_carried, sizeof *all);
    for (uint32_t i = 0; all != NULL && i < n_head; i++)
        all[n++] = vars[i];
    for (uint32_t i = 0; all != NULL && i < n_carried; i++)
        if (is_live(c, body->params[i + 1])) all[n++] = vars[n_head + i];
    *n_out = n;
    return all == NULL ? NULL : tdagi_copier_vars(c, all, n);
}

static void begin_body(tdagi_copier *c, const tdagi_block *body)
{
    uint32_t n, n_symbols = 0;
    tdagi_var *old =
        pick(c, body->params + 1, body->params + 1, body->n_params - 1, &n);
    tdag_dim *symbols = tdagi_copier_take(c, body->n_symbols, sizeof *symbols);
    tdagi_var *params = tdagi_copier_take(c, (size_t)n + 1, sizeof *params);
    if (params == NULL) return;
    memmove(old + 1, old, n * sizeof *old);
    old[0] = body->params[0];
    for (uint32_t i = 0; i < body->n_symbols; i++)
        if (!is_gone(c, body->symbols[i]) &&
            is_size_of(c, body->symbols[i], old, n + 1))
            symbols[n_symbols++] = tdagi_copier_bind(c, body->symbols[i]);
    tdagi_program_begin_block(&c->b, n + 1, old_types(c, old, n + 1), n_symbols,
                              symbols, params);
    tdagi_copier_name(c, old, params, n + 1);
}

static void copy_loop(tdagi_copier *c, const tdagi_statement *s)
{
    const tdagi_block *body = &s->blocks[0];
    uint32_t n, n_head = (uint32_t)s->has_limit + s->has_condition;
    tdagi_statement_spec spec = {.kind = TDAGI_LOOP,
                                 .has_limit = s->has_limit,
                                 .has_condition = s->has_condition};
    spec.inputs = loop_vars(c, s->inputs, n_head, body, &n);
    spec.n_inputs = n;
    if (spec.inputs == NULL) return;
    tdagi_program_open(&c->b, &spec);
    begin_body(c, body);
    copy_block(c, s, 0);
    tdagi_var *yields = loop_vars(c, body->yields, s->has_condition, body, &n);
    if (yields == NULL) return;
    tdagi_program_end_block(&c->b, n, yields);
    close(c, s);
}

void tdagi_copy_statement(tdagi_copier *c, const tdagi_statement *s)
{
    if (!tdagi_copier_ok(c)) return;
    if (s->kind == TDAGI_CALL)
        copy_call(c, s);
    else if (s->kind == TDAGI_IF)
        copy_if(c, s);
    else if (s->kind == TDAGI_LOOP)
        copy_loop(c, s);
    else
        copy_leaf(c, s);
}

/* ---- methods and models ---- */

/* Its symbols and inputs. */
static void copy_head(tdagi_copier *c)
{
    const tdagi_method *m = c->m;
    tdagi_type type;
    for (uint32_t i = 0; i < m->body.n_symbols; i++)
        if (c->dim_of[tdagi_copier_symbol(c, m->body.symbols[i])] == TDAGI_DIM_BAD)
            tdagi_method_symbol(&c->b, tdagi_copier_bind(c, m->body.symbols[i]));
    for (uint32_t i = 0; i < m->body.n_params && tdagi_copier_ok(c); i++) {
        tdagi_var old = m->body.params[i];
        if (c->input != NULL && c->input(c, i)) continue;
        tdagi_copier_old_type(c, old, &type);
        c->var_of[old.id] =
            tdagi_method_input(&c->b, tdagi_method_var(m, old)->name, &type);
    }
}

static void copy_method(tdagi_copier *c, uint32_t number)
{
    const tdagi_method *m = c->m = c->model->methods[number];
    uint32_t n_symbols = tdagi_pool_n_symbols(m->pool);
    c->pool = tdagi_pool_clone(m->pool);
    c->var_of = tdagi_copier_take(c, m->n_vars, sizeof *c->var_of);
    c->dim_of = tdagi_copier_take(c, n_symbols, sizeof *c->dim_of);
    if (c->pool == NULL) c->b.status = tdagi_nomem(c->ctx);
    tdagi_method_begin(&c->b, m->name);
    if (!tdagi_copier_ok(c)) return;
    for (uint32_t i = 0; i < n_symbols; i++)
        c->dim_of[i] = TDAGI_DIM_BAD;
    if (c->symbols != NULL) c->symbols(c, number);
    copy_head(c);
    if (c->method != NULL && tdagi_copier_ok(c)) c->method(c);
    tdagi_copy_statements(c, &m->body);
    tdagi_method_end(&c->b, c->inputs == NULL ? m->inputs : c->inputs, m->outputs);
}

tdag_status tdagi_copy_model(tdagi_copier *c, tdag_ctx *ctx, const tdag_model *model,
                             tdag_model **out)
{
    c->ctx = ctx;
    c->model = model;
    const tdagi_state *states = c->states == NULL ? model->states : c->states;
    tdagi_arena_init(&c->arena, &ctx->allocator);
    tdagi_model_begin(&c->b, ctx);
    for (uint32_t i = 0; i < model->n_states; i++)
        if (!drops_state(c, i))
            tdagi_model_add_state(&c->b, states[i].name, states[i].initial,
                                  states[i].symbols);
    for (uint32_t i = 0; i < model->n_methods && tdagi_copier_ok(c); i++) {
        if (c->keeps != NULL && !c->keeps[i]) continue;
        copy_method(c, i);
        if (tdagi_copier_ok(c)) c->b.status = tdagi_poll(ctx);
        tdagi_structure_free(c->inputs);
        tdagi_pool_free(c->pool);
        c->inputs = NULL;
        c->pool = NULL;
    }
    tdag_model *made = NULL;
    tdag_status st = tdagi_model_finish(&c->b, &made);
    tdagi_arena_free(&c->arena);
    if (st == TDAG_OK) st = tdagi_model_verify(ctx, made);
    if (st == TDAG_OK) st = tdagi_model_keep_metadata(ctx, model, made);
    if (st == TDAG_OK) {
        *out = made;
        made = NULL;
    }
    tdag_model_free(made);
    return st;
}

/* ---- what statements do ---- */

bool tdagi_has_effects(const tdagi_statement *s)
{
    if (s->kind == TDAGI_APPLY)
        return strstr(s->text, "::") != NULL && strncmp(s->text, "aten::", 6) != 0;
    bool has = s->kind == TDAGI_WRITE || s->kind == TDAGI_DRAW ||
               s->kind == TDAGI_CHECK || s->kind == TDAGI_RETURN;
    for (uint32_t i = 0; i < s->n_blocks && !has; i++)
        for (const tdagi_statement *t = s->blocks[i].first; t != NULL && !has;
             t = t->next)
            has = tdagi_has_effects(t);
    return has;
}
