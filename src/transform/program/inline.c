/* Calls that stand side by side become one call of one graph, and a program that is one
 * call then is a straight-line model. */
#include <string.h>

#include <tdagger/control.h>

#include "transform/compose/instantiate.h"
#include "transform/program/copy.h"
#include "transform/program/facts.h"

typedef struct inliner {
    tdagi_copier c;
    const tdagi_statement *last; /* of the run that stands in the new method; NULL: the
                                    statement at hand is in none */
    uint32_t *uses;              /* by old id */
} inliner;

static void begin_method(tdagi_copier *c)
{
    inliner *in = c->self;
    in->uses = tdagi_copier_take(c, c->m->n_vars, sizeof *in->uses);
    if (in->uses != NULL) tdagi_count_uses(&c->m->body, in->uses);
}

/* ---- a run of calls ---- */

typedef struct run {
    inliner *in;
    const tdagi_statement *first, *end; /* the one behind the last */
    tdag_builder *b;
    tdag_value *value_of; /* by old id, in the new graph */
    uint32_t *left;       /* by old id: uses that are not in the run */
    tdagi_var *inputs;    /* of the new graph, in the new method */
    uint32_t n_inputs;
    tdagi_binding *bindings;
    uint32_t n_bindings;
    tdagi_var *gives; /* of the new graph, old ones */
    uint32_t n_gives;
} run;

/* Where the run ends: what gives a size stands before it. */
static const tdagi_statement *end_of(const tdagi_statement *first)
{
    const tdagi_statement *end = first;
    for (; end != NULL && end->kind == TDAGI_CALL; end = end->next)
        for (const tdagi_statement *s = first; s != end; s = s->next)
            for (uint32_t i = 0; i < end->n_bindings; i++)
                for (uint32_t k = 0; k < s->n_results; k++)
                    if (s->results[k].id == end->bindings[i].value.id) return end;
    return end;
}

static tdag_value add_input(run *r, tdagi_var old)
{
    tdagi_copier *c = &r->in->c;
    tdagi_type type;
    tdagi_var is = c->var_of[old.id];
    tdagi_copier_type(c, is, &type);
    tdagi_pool *pool = tdagi_builder_ok(r->b) ? tdagi_builder_pool(r->b) : NULL;
    for (uint32_t k = 0; pool != NULL && k < type.rank; k++)
        type.shape[k] = tdagi_dim_import(pool, c->b.method->pool, type.shape[k]);
    if (pool != NULL) c->b.status = tdagi_pool_report(c->ctx, pool);
    if (!tdagi_copier_ok(c)) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < r->n_inputs; i++) /* another name of one that is there */
        if (r->inputs[i].id == is.id && pool != NULL) return r->b->graph->inputs[i];
    r->inputs[r->n_inputs++] = is;
    tdag_builder_set_scope(r->b, "");
    return tdag_add_input(r->b, tdagi_method_var(c->b.method, is)->name, type.dtype,
                          type.rank, type.shape);
}

static tdag_value value_of(run *r, tdagi_var old)
{
    tdag_value *v = &r->value_of[old.id];
    if (v->id == 0) *v = add_input(r, old);
    return *v;
}

static void add_call(run *r, const tdagi_statement *s)
{
    tdagi_copier *c = &r->in->c;
    const tdag_graph *g = c->model->graphs[s->target].graph;
    tdag_value *inputs = tdagi_copier_take(c, s->n_inputs, sizeof *inputs);
    tdag_value *new_of = tdagi_copier_take(c, g->n, sizeof *new_of);
    tdagi_binding *bindings = tdagi_copier_bindings(c, s, g);
    tdag_dim *sizes = tdagi_copier_new_sizes(c, s, g);
    if (sizes == NULL || !tdagi_copier_ok(c)) return;
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        r->bindings[r->n_bindings] = bindings[i];
        r->bindings[r->n_bindings++].of = UINT32_MAX;
    }
    for (uint32_t i = 0; i < s->n_inputs; i++)
        inputs[i] = value_of(r, s->inputs[i]);
    if (tdagi_copier_ok(c)) c->b.status = tdag_builder_get_status(r->b);
    if (!tdagi_copier_ok(c)) return;
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(g->pool); i++)
        if (sizes[i] != TDAGI_DIM_BAD)
            sizes[i] =
                tdagi_dim_import(tdagi_builder_pool(r->b), c->b.method->pool, sizes[i]);
    const tdagi_instance instance = {.b = r->b,
                                     .g = g,
                                     .what = c->model->graphs[s->target].name,
                                     .inputs = inputs,
                                     .sizes = sizes,
                                     .new_of = new_of};
    c->b.status = tdagi_instantiate(c->ctx, &instance);
    for (uint32_t i = 0; i < s->n_results; i++)
        r->value_of[s->results[i].id] = new_of[g->outputs[i].id];
}

/* Uses inside go; what is left of a result makes it an output, as does a size: what
 * binds it stays. */
static void find_outputs(run *r)
{
    uint32_t n_vars = r->in->c.m->n_vars;
    memcpy(r->left, r->in->uses, (n_vars + 1u) * sizeof *r->left);
    for (const tdagi_statement *s = r->first; s != r->end; s = s->next)
        for (uint32_t i = 0; i < s->n_inputs; i++)
            r->left[s->inputs[i].id]--;
    for (const tdagi_statement *s = r->first; s != r->end; s = s->next)
        for (uint32_t i = 0; i < s->n_results; i++)
            if (r->left[s->results[i].id] > 0 || s->n_bindings > 0)
                r->gives[r->n_gives++] = s->results[i];
}

static bool take_room(run *r)
{
    tdagi_copier *c = &r->in->c;
    size_t n_inputs = 0, n_bindings = 0, n_vars = c->m->n_vars;
    for (const tdagi_statement *s = r->first; s != r->end; s = s->next) {
        n_inputs += s->n_inputs;
        n_bindings += s->n_bindings;
    }
    r->value_of = tdagi_copier_take(c, n_vars, sizeof *r->value_of);
    r->left = tdagi_copier_take(c, n_vars, sizeof *r->left);
    r->gives = tdagi_copier_take(c, n_vars, sizeof *r->gives);
    r->inputs = tdagi_copier_take(c, n_inputs, sizeof *r->inputs);
    r->bindings = tdagi_copier_take(c, n_bindings, sizeof *r->bindings);
    return r->bindings != NULL;
}

/* The sizes of the new graph's symbols are the method's symbols of their names. */
static tdag_dim *named_sizes(tdagi_copier *c, const tdag_graph *g)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    tdag_dim *sizes = tdagi_copier_take(c, n, sizeof *sizes);
    for (uint32_t i = 0; sizes != NULL && i < n; i++)
        sizes[i] = tdagi_dim_import(c->b.method->pool, g->pool,
                                    tdagi_pool_symbol_dim(g->pool, i));
    return sizes;
}

static void emit(run *r, const tdag_graph *g)
{
    tdagi_copier *c = &r->in->c;
    tdagi_bind_sizes(c, g, r->n_bindings, r->bindings);
    const tdagi_new_call call = {
        .name = c->model->graphs[r->first->target].name,
        .graph = g,
        .sizes = named_sizes(c, g),
        .inputs = r->inputs,
        .n_bindings = r->n_bindings,
        .bindings = r->bindings,
        .results = tdagi_copier_take(c, r->n_gives, sizeof(tdagi_var))};
    if (call.results == NULL) return;
    tdagi_copier_call(c, &call);
    tdagi_copier_name(c, r->gives, call.results, r->n_gives);
}

static void merge(run *r)
{
    tdagi_copier *c = &r->in->c;
    tdag_graph *g = NULL;
    if (!take_room(r)) return;
    find_outputs(r);
    if (r->n_gives == 0) return; /* nobody needs it */
    c->b.status = tdag_builder_create(c->ctx, &r->b);
    for (const tdagi_statement *s = r->first; s != r->end && tdagi_copier_ok(c);
         s = s->next)
        add_call(r, s);
    for (uint32_t i = 0; i < r->n_gives && tdagi_copier_ok(c); i++)
        tdag_builder_add_output(r->b, r->value_of[r->gives[i].id]);
    if (tdagi_copier_ok(c)) c->b.status = tdag_builder_finish(r->b, &g);
    tdag_builder_free(r->b);
    if (g != NULL) emit(r, g);
    tdag_graph_free(g);
}

static bool do_statement(tdagi_copier *c, const tdagi_statement *s)
{
    inliner *in = c->self;
    if (in->last != NULL) {
        if (in->last == s) in->last = NULL;
        return true;
    }
    run r = {.in = in, .first = s, .end = end_of(s)};
    if (s->kind != TDAGI_CALL || s->next == r.end) return false;
    merge(&r);
    in->last = s->next;
    while (in->last->next != r.end)
        in->last = in->last->next;
    return true;
}

/* ---- one call ---- */

static uint32_t position(const tdagi_var *vars, uint32_t n, tdagi_var v)
{
    uint32_t i = 0;
    while (i < n && vars[i].id != v.id)
        i++;
    return i;
}

/* The graph of a method that is at most one call, with the method's inputs and outputs.
 */
static tdag_status straighten(tdag_ctx *ctx, const tdag_model *model,
                              const tdagi_statement *call, tdag_builder *b)
{
    const tdagi_method *m = model->methods[0];
    const tdagi_statement *ret = call->kind == TDAGI_CALL ? call->next : call;
    const tdag_graph *g = ret == call ? NULL : model->graphs[call->target].graph;
    size_t n = m->body.n_params + 1u, n_all = n + (g == NULL ? 0 : g->n_inputs + g->n);
    void *block = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n_all + 1, sizeof(tdag_value), &block));
    tdag_value *params = block, *fed = params + n;
    for (uint32_t i = 0; i < m->body.n_params; i++) {
        const tdagi_var_info *info = tdagi_method_var(m, m->body.params[i]);
        tdag_dim shape[TDAG_MAX_RANK];
        for (uint32_t k = 0; k < info->rank && tdagi_builder_ok(b); k++)
            shape[k] = tdagi_dim_import(tdagi_builder_pool(b), m->pool, info->shape[k]);
        if (tdagi_builder_ok(b) &&
            tdagi_pool_report(ctx, tdagi_builder_pool(b)) != TDAG_OK)
            tdagi_builder_fail(b, TDAG_E_NOMEM, "%s", tdag_status_text(TDAG_E_NOMEM));
        params[i] = tdag_add_input(b, info->name, info->dtype, info->rank, shape);
    }
    tdagi_instance instance = {.b = b, .g = g, .what = m->name, .inputs = fed};
    tdag_status st = tdag_builder_get_status(b);
    for (uint32_t i = 0; g != NULL && i < g->n_inputs; i++)
        fed[i] = params[position(m->body.params, m->body.n_params, call->inputs[i])];
    if (g != NULL) instance.new_of = fed + g->n_inputs;
    if (g != NULL && st == TDAG_OK) st = tdagi_instantiate(ctx, &instance);
    for (uint32_t i = 0; i < ret->n_inputs && st == TDAG_OK; i++) {
        uint32_t p = position(m->body.params, m->body.n_params, ret->inputs[i]);
        uint32_t o =
            g == NULL ? 0 : position(call->results, g->n_outputs, ret->inputs[i]);
        tdag_builder_add_output(
            b, p < m->body.n_params ? params[p] : fed[g->n_inputs + g->outputs[o].id]);
    }
    tdagi_free(ctx, block, (n_all + 1) * sizeof(tdag_value));
    return st;
}

/* *model is replaced where it can be a straight-line model. */
static tdag_status make_straight(tdag_ctx *ctx, tdag_model **model)
{
    const tdag_model *m = *model;
    const tdagi_statement *first = m->methods[0]->body.first;
    tdag_builder *b = NULL;
    tdag_model *made = NULL;
    bool is_call = first->kind == TDAGI_CALL && first->n_bindings == 0;
    if (m->n_methods != 1 || m->n_states != 0 ||
        strcmp(m->methods[0]->name, "forward") != 0 ||
        (is_call ? first->next : first)->kind != TDAGI_RETURN)
        return TDAG_OK;
    TDAGI_TRY(tdag_builder_create(ctx, &b));
    tdag_status st = straighten(ctx, m, first, b);
    if (st == TDAG_OK)
        st = tdagi_model_of_builder(ctx, b, m->methods[0]->inputs,
                                    m->methods[0]->outputs, &made);
    tdag_builder_free(b);
    if (st != TDAG_OK) return st;
    tdag_model_free(*model);
    *model = made;
    return TDAG_OK;
}

tdag_status tdag_inline(tdag_ctx *ctx, const tdag_model *model, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    if (tdag_model_get_graph(model) != NULL) {
        *out = tdagi_model_copy(model);
        return TDAG_OK;
    }
    inliner in = {.c = {.method = begin_method, .statement = do_statement}};
    tdag_model *made = NULL;
    in.c.self = &in;
    TDAGI_TRY(tdagi_copy_model(&in.c, ctx, model, &made));
    tdag_status st = make_straight(ctx, &made);
    if (st == TDAG_OK)
        *out = made;
    else
        tdag_model_free(made);
    return st;
}
