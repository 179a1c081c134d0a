/* Adding a dimension to models: to their graphs each by itself (add_dim.c), and to the
 * values that programs hand on.
 *
 * First it is found which values have the new axis, their first one: the inputs that
 * get it, what is computed from them, what a loop carries or a branch gives if any of
 * what enters it has, and every output. Then the methods are copied; where a value
 * without the axis stands for one that has it, it is repeated. What steers, states and
 * operators whose sizes depend on data may not have it. */
#include <stdio.h>
#include <string.h>

#include <tdagger/axis.h>

#include "derive/derive.h"
#include "ir/graft.h"
#include "transform/axis/walk.h"
#include "transform/compose/cut.h"
#include "transform/program/copy.h"

typedef struct adding {
    tdagi_copier c;
    const char *dim;
    const tdag_add_dim_options *options;
    unsigned char *has; /* by old id: it gets the axis */
    tdagi_var *outside; /* by old id: what stood for it where the statement begins */
    unsigned char *
        *needs; /* by graph: needs[output * n_inputs + input], NULL: not yet */
    bool changed;
} adding;

/* ---- which values have it ---- */

static void give(adding *a, tdagi_var v)
{
    if (a->has[v.id]) return;
    a->has[v.id] = 1;
    a->changed = true;
}

/* n values that go together: each to[i] has it where from[i] does; those that are one
 * value in two places are alike in both. */
static void spread(adding *a, const tdagi_var *from, const tdagi_var *to, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a->has[from[i].id]) give(a, to[i]);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++)
            if (from[i].id == from[k].id && a->has[to[i].id]) give(a, to[k]);
}

/* By output and input of a graph: whether the one is computed from the other. */
static const unsigned char *needs_of(adding *a, uint32_t target)
{
    const tdag_graph *g = a->c.model->graphs[target].graph;
    unsigned char **needs = &a->needs[target];
    unsigned char *live = *needs != NULL ? NULL : tdagi_copier_take(&a->c, g->n, 1);
    if (live == NULL) return *needs;
    *needs = tdagi_copier_take(&a->c, (size_t)g->n_outputs * g->n_inputs, 1);
    for (uint32_t k = 0; *needs != NULL && k < g->n_outputs; k++) {
        memset(live, 0, g->n + 1u);
        live[g->outputs[k].id] = 1;
        tdagi_mark_ancestors(g, live);
        for (uint32_t i = 0; i < g->n_inputs; i++)
            (*needs)[k * g->n_inputs + i] = live[g->inputs[i].id];
    }
    return *needs;
}

static void spread_call(adding *a, const tdagi_statement *s)
{
    const unsigned char *needs = needs_of(a, s->target);
    for (uint32_t k = 0; needs != NULL && k < s->n_results; k++)
        for (uint32_t i = 0; i < s->n_inputs; i++)
            if (a->has[s->inputs[i].id] && needs[k * s->n_inputs + i])
                give(a, s->results[k]);
}

static void spread_all(adding *a, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        uint32_t n_head = (uint32_t)s->has_limit + s->has_condition;
        if (s->kind == TDAGI_CALL) spread_call(a, s);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            spread_all(a, &s->blocks[i]);
        if (s->kind == TDAGI_IF)
            for (uint32_t arm = 0; arm < 2; arm++)
                spread(a, s->blocks[arm].yields, s->results, s->n_results);
        if (s->kind != TDAGI_LOOP || s->n_results == 0) continue;
        const tdagi_block *body = &s->blocks[0];
        spread(a, s->inputs + n_head, body->params + 1, s->n_results);
        spread(a, body->yields + s->has_condition, body->params + 1, s->n_results);
        spread(a, body->params + 1, s->results, s->n_results);
    }
}

/* ---- refusing ---- */

static void fail(adding *a, const tdagi_statement *s, const char *what)
{
    if (tdagi_copier_ok(&a->c))
        a->c.b.status =
            tdagi_fail(a->c.ctx, TDAG_E_UNSUPPORTED,
                       "method %.80s, statement %u (%s): %s would depend on %.80s",
                       a->c.m->name, (unsigned)tdagi_statement_number(a->c.m, s),
                       tdagi_statement_name(s->kind), what, a->dim);
}

/* What may not have the axis. */
static void check(adding *a, const tdagi_statement *s)
{
    bool steers = s->kind == TDAGI_IF || s->kind == TDAGI_LOOP;
    uint32_t n =
        s->kind == TDAGI_LOOP ? (uint32_t)s->has_limit + s->has_condition : s->n_inputs;
    for (uint32_t i = 0; i < n; i++)
        if (s->kind != TDAGI_CALL && s->kind != TDAGI_RETURN && a->has[s->inputs[i].id])
            fail(a, s,
                 steers || s->kind == TDAGI_CHECK ? "what steers"
                 : s->kind == TDAGI_WRITE         ? "a state"
                                                  : "an operand");
    for (uint32_t i = 0; i < s->n_bindings; i++)
        if (s->kind == TDAGI_CALL && a->has[s->bindings[i].value.id])
            fail(a, s, "a size");
    if (s->has_condition && a->has[s->blocks[0].yields[0].id])
        fail(a, s, "what steers");
}

/* ---- calls ---- */

static void do_call(adding *a, const tdagi_statement *s)
{
    tdagi_copier *c = &a->c;
    const tdag_graph *g = c->model->graphs[s->target].graph;
    tdag_graph *at = NULL, *more = NULL;
    char(*names)[16] = tdagi_copier_take(c, s->n_inputs, sizeof *names);
    const char **chosen = tdagi_copier_take(c, s->n_inputs, sizeof *chosen);
    tdag_add_dim_options o = *a->options;
    tdagi_new_call call = {.name = c->model->graphs[s->target].name,
                           .n_bindings = s->n_bindings};
    call.bindings = tdagi_copier_bindings(c, s, g);
    call.results = tdagi_copier_take(c, s->n_results, sizeof *call.results);
    call.inputs = tdagi_copier_vars(c, s->inputs, s->n_inputs);
    const tdag_dim *sizes = tdagi_copier_new_sizes(c, s, g);
    unsigned char *wants = tdagi_copier_take(c, s->n_results, 1);
    if (!tdagi_copier_ok(c)) return;
    for (uint32_t k = 0; k < s->n_results; k++)
        wants[k] = a->has[s->results[k].id];
    c->b.status = tdagi_graph_at(c, g, sizes, &at);
    o.inputs = chosen;
    o.n_inputs = 0;
    for (uint32_t i = 0; i < s->n_inputs && at != NULL; i++)
        if (a->has[s->inputs[i].id])
            chosen[o.n_inputs++] = tdagi_value_name(at, at->inputs[i], names[i]);
    if (tdagi_copier_ok(c))
        c->b.status = tdagi_graph_add_dim(c->ctx, at, a->dim, &o, wants, &more);
    tdag_graph_free(at);
    if (!tdagi_copier_ok(c)) return;
    call.graph = more;
    tdagi_bind_sizes(c, more, call.n_bindings, call.bindings);
    tdagi_copier_call(c, &call);
    tdagi_copier_name(c, s->results, call.results, s->n_results);
    tdag_graph_free(more);
}

/* The value at all positions of the new axis, which is its first one. */
static tdagi_var repeat(adding *a, tdagi_var v)
{
    tdagi_copier *c = &a->c;
    tdag_builder *b = NULL;
    tdagi_type type;
    tdagi_copier_type(c, v, &type);
    if (tdagi_copier_ok(c)) c->b.status = tdag_builder_create(c->ctx, &b);
    if (!tdagi_copier_ok(c)) return v;
    tdagi_pool *pool = tdagi_builder_pool(b);
    for (uint32_t k = 0; k < type.rank; k++)
        type.shape[k] = tdagi_dim_import(pool, c->b.method->pool, type.shape[k]);
    tdag_value x = tdag_add_input(b, NULL, type.dtype, type.rank, type.shape);
    memmove(type.shape + 1, type.shape, type.rank * sizeof *type.shape);
    type.shape[0] = tdagi_dim_import(pool, c->b.method->pool, c->added);
    tdag_builder_add_output(b, tdagi_expand(b, x, type.rank + 1, type.shape));
    c->b.status = tdagi_pool_report(c->ctx, pool);
    return tdagi_copier_call_made(c, b, "repeat", &v);
}

/* Those of n values that stand for others with the axis, and have none, are repeated.
 * to NULL: all of them. */
static void fit(adding *a, const tdagi_var *from, const tdagi_var *to, uint32_t n)
{
    for (uint32_t i = 0; i < n && tdagi_copier_ok(&a->c); i++) {
        bool done = false;
        for (uint32_t k = 0; k < i; k++)
            done = done || from[k].id == from[i].id;
        if (!done && !a->has[from[i].id] && (to == NULL || a->has[to[i].id]))
            a->c.var_of[from[i].id] = repeat(a, a->c.var_of[from[i].id]);
    }
}

/* What stood for values before the statement does so in each of its blocks, too. */
static void restore(adding *a, const tdagi_var *vars, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (a->outside[vars[i].id].id != 0)
            a->c.var_of[vars[i].id] = a->outside[vars[i].id];
}

/* At the end of a block, what it yields is fitted. */
static void enter_or_leave(tdagi_copier *c, const tdagi_statement *s, uint32_t i,
                           bool begins)
{
    adding *a = c->self;
    const tdagi_block *block = &s->blocks[i];
    if (begins && s->kind == TDAGI_LOOP)
        restore(a, s->inputs, s->n_inputs);
    else if (begins && i > 0)
        restore(a, s->blocks[0].yields, s->blocks[0].n_yields);
    else if (!begins && s->kind == TDAGI_IF)
        fit(a, block->yields, s->results, s->n_results);
    else if (!begins && s->n_results > 0)
        fit(a, block->yields + s->has_condition, block->params + 1, s->n_results);
}

static void do_blocks(adding *a, const tdagi_statement *s)
{
    tdagi_copier *c = &a->c;
    uint32_t n_head = (uint32_t)s->has_limit + s->has_condition;
    tdagi_var *before = a->outside,
              *all = tdagi_copier_take(c, c->m->n_vars, sizeof *all);
    if (all == NULL) return;
    memcpy(all, c->var_of, (c->m->n_vars + 1u) * sizeof *all);
    a->outside = all;
    if (s->kind == TDAGI_LOOP && s->n_results > 0)
        fit(a, s->inputs + n_head, s->blocks[0].params + 1, s->n_results);
    tdagi_copy_statement(c, s);
    for (uint32_t i = 0; i < s->n_results && tdagi_copier_ok(c); i++)
        all[s->results[i].id] = c->var_of[s->results[i].id];
    memcpy(c->var_of, all, (c->m->n_vars + 1u) * sizeof *all);
    a->outside = before;
}

static bool do_statement(tdagi_copier *c, const tdagi_statement *s)
{
    adding *a = c->self;
    bool any = false;
    check(a, s);
    if (!tdagi_copier_ok(c)) return true;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        any = any || a->has[s->inputs[i].id];
    if (s->kind == TDAGI_CALL && any)
        do_call(a, s);
    else if (s->n_blocks > 0)
        do_blocks(a, s);
    else if (s->kind == TDAGI_RETURN)
        fit(a, s->inputs, NULL, s->n_inputs);
    return (s->kind == TDAGI_CALL && any) || s->n_blocks > 0;
}

/* ---- methods ---- */

static bool is_chosen(const adding *a, const tdagi_method *m, uint32_t i)
{
    char by_position[16];
    const char *name = tdagi_method_var(m, m->body.params[i])->name;
    bool chosen = a->options->n_inputs == 0;
    snprintf(by_position, sizeof by_position, "in%u", (unsigned)i);
    for (uint32_t k = 0; k < a->options->n_inputs && !chosen; k++)
        chosen = strcmp(a->options->inputs[k], name == NULL ? by_position : name) == 0;
    return chosen;
}

static void begin_method(tdagi_copier *c, uint32_t number)
{
    adding *a = c->self;
    const tdagi_method *m = c->m;
    tdagi_pool *pool = tdagi_method_pool(&c->b);
    uint32_t n_chosen = 0;
    (void)number;
    a->has = tdagi_copier_take(c, m->n_vars, 1);
    a->needs = tdagi_copier_take(c, c->model->n_graphs, sizeof *a->needs);
    if (a->needs == NULL) return;
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(m->pool); i++)
        if (strcmp(tdagi_pool_symbol(m->pool, i, NULL), a->dim) == 0)
            c->b.status = tdagi_fail(c->ctx, TDAG_E_ARG,
                                     "method %.80s has a dimension %.80s already",
                                     m->name, a->dim);
    for (uint32_t i = 0; i < m->body.n_params; i++)
        if (is_chosen(a, m, i)) {
            give(a, m->body.params[i]);
            n_chosen++;
        }
    if (n_chosen == 0 && m->body.n_params > 0 && tdagi_copier_ok(c))
        c->b.status = tdagi_fail(c->ctx, TDAG_E_ARG,
                                 "method %.80s has no input of these names", m->name);
    do {
        a->changed = false;
        spread_all(a, &m->body);
    } while (a->changed);
    c->added = tdagi_dim_symbol(pool, a->dim,
                                a->options->sample == 0 ? 2 : a->options->sample);
    c->has_added = a->has;
    tdagi_method_symbol(&c->b, c->added);
    if (tdagi_copier_ok(c)) c->b.status = tdagi_pool_report(c->ctx, pool);
}

static tdag_status check_options(tdag_ctx *ctx, const char *dim,
                                 const tdag_add_dim_options *o)
{
    if (!tdagi_is_identifier(dim) || o->sample < 0)
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "%.80s is no identifier, or its sample is "
                          "negative",
                          dim);
    if (o->n_inputs > 0) TDAGI_TRY(tdagi_need(ctx, o->inputs, "inputs"));
    return o->axis == 0 ? TDAG_OK
                        : tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                                     "of a program the new axis is the first one");
}

/* ---- models ---- */

typedef struct add_arguments {
    const char *dim;
    const tdag_add_dim_options *options;
} add_arguments;

static tdag_status add_graph(tdag_ctx *ctx, const tdag_graph *graph,
                             const void *arguments, tdag_graph **out)
{
    const add_arguments *a = arguments;
    return tdag_graph_add_dim(ctx, graph, a->dim, a->options, out);
}

tdag_status tdag_add_dim(tdag_ctx *ctx, const tdag_model *model, const char *dim,
                         const tdag_add_dim_options *options, tdag_model **out)
{
    const add_arguments arguments = {dim, options};
    tdag_add_dim_options o;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    if (tdag_model_get_graph(model) != NULL)
        return tdagi_model_transform(ctx, model, add_graph, &arguments, out);
    TDAGI_TRY(tdagi_need(ctx, dim, "dim"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof o, options));
    TDAGI_TRY(check_options(ctx, dim, &o));
    adding a = {.dim = dim, .options = &o};
    a.c.self = &a;
    a.c.symbols = begin_method;
    a.c.statement = do_statement;
    a.c.block = enter_or_leave;
    return tdagi_copy_model(&a.c, ctx, model, out);
}
