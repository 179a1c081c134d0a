/* tdag_simplify. A model that is a graph is simplified as that. A program is in rounds,
 * until one changes nothing: what is needed and what is constant is found; graphs take
 * their forms by it (forms.h); the methods are copied statement by statement, and on
 * the way
 * - what nobody needs is left out,
 * - conditions and limits that are constants decide: an arm stands in the place of its
 *   if, a loop that never runs gives what enters it, a check that holds goes,
 * - a value that is another one is that one: what a graph, both arms, or all rounds of
 *   a loop pass on, and what a state was read or written as before,
 * - equal calls are one call,
 * - calls that a loop does not change stand before it, if they cannot fail.
 * Nothing moves into a block, and reads and writes stay in their order. */
#include <string.h>

#include "transform/compose/cut.h"
#include "transform/program/forms.h"
#include "transform/simplify/rewrite.h"

#define MOST_ROUNDS 100
#define N_HEADS     64

/* A call that is there, for equal ones. */
typedef struct known_call {
    struct known_call *next; /* of the same hash, older */
    const tdag_graph *graph;
    const tdagi_var *inputs, *results;
    uint32_t n;
} known_call;

/* What is seen at a place of the text. */
typedef struct view {
    known_call *calls[N_HEADS];
    tdagi_var *states; /* by number: what the state is; 0: not known */
} view;

typedef struct simplifier {
    tdagi_copier c;
    tdagi_facts *facts; /* by method */
    const tdagi_facts *f;
    tdagi_forms forms;
    unsigned char *moved; /* by old id: its call stands before the loop */
    uint32_t method;
    view now, outside[TDAGI_PROGRAM_MAX_DEPTH];
    uint32_t depth;
} simplifier;

static void begin_method(tdagi_copier *c)
{
    simplifier *s = c->self;
    s->f = &s->facts[s->method++];
    c->live = s->f->live;
    s->moved = tdagi_copier_take(c, c->m->n_vars, 1);
    memset(&s->now, 0, sizeof s->now);
    s->now.states = tdagi_copier_take(c, c->model->n_states, sizeof(tdagi_var));
    s->depth = 0;
}

/* ---- blocks ---- */

static void forget_written(simplifier *s, const tdagi_statement *in)
{
    if (in->kind == TDAGI_WRITE) s->now.states[in->target].id = 0;
    for (uint32_t i = 0; i < in->n_blocks; i++)
        for (const tdagi_statement *t = in->blocks[i].first; t != NULL; t = t->next)
            forget_written(s, t);
}

static void enter_or_leave(tdagi_copier *c, const tdagi_statement *in, uint32_t i,
                           bool begins)
{
    (void)i;
    simplifier *s = c->self;
    uint32_t n = c->model->n_states;
    if (begins) {
        tdagi_var *states = tdagi_copier_take(c, n, sizeof *states);
        if (states == NULL) return;
        s->outside[s->depth++] = s->now;
        if (n > 0) memcpy(states, s->now.states, n * sizeof *states);
        s->now.states = states;
    } else {
        s->now = s->outside[--s->depth];
    }
    if (!begins || in->kind == TDAGI_LOOP) forget_written(s, in);
}

/* ---- values that are others ---- */

/* Whether the sizes that a statement finds are each one size, where its results are
 * these values of the old method. */
static bool is_consistent(const tdagi_copier *c, const tdagi_statement *s,
                          const tdagi_var *is)
{
    for (uint32_t b = 0; b < s->n_bindings; b++) {
        tdag_dim size = TDAGI_DIM_BAD;
        for (uint32_t i = 0; i < s->n_results; i++) {
            const tdagi_var_info *result = tdagi_method_var(c->m, s->results[i]);
            const tdagi_var_info *other = tdagi_method_var(c->m, is[i]);
            for (uint32_t k = 0; k < result->rank; k++) {
                if (result->shape[k] != s->bindings[b].symbol) continue;
                if (size != TDAGI_DIM_BAD && size != other->shape[k]) return false;
                size = other->shape[k];
            }
        }
    }
    return true;
}

static bool map_all(tdagi_copier *c, const tdagi_var *old, const tdagi_var *is,
                    uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (c->var_of[is[i].id].id != 0)
            tdagi_copier_map(c, old[i], c->var_of[is[i].id]);
    return true;
}

static bool is_true(const tdag_tensor *t) { return tdagi_tensor_get_i64(t, 0) != 0; }

/* ---- calls ---- */

static uint32_t hash_call(const tdag_graph *g, const tdagi_var *inputs)
{
    uint64_t h = (uint64_t)(uintptr_t)g >> 4;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        h = h * 31 + inputs[i].id;
    return (uint32_t)(h % N_HEADS);
}

/* An equal call that is seen from here. */
static const known_call *find_call(const simplifier *s, const tdag_graph *g,
                                   const tdagi_var *inputs)
{
    const known_call *k = s->now.calls[hash_call(g, inputs)];
    while (k != NULL &&
           (k->graph != g ||
            (k->n > 0 && memcmp(k->inputs, inputs, k->n * sizeof *inputs) != 0)))
        k = k->next;
    return k;
}

/* What the call gives, by output of the form; NULL: a failure. */
static const tdagi_var *new_results(simplifier *s, const tdagi_statement *call,
                                    const tdagi_graph_form *form)
{
    tdagi_var *all = tdagi_copier_take(&s->c, form->graph->n_outputs, sizeof *all);
    uint32_t n = 0;
    for (uint32_t i = 0; all != NULL && i < call->n_results; i++)
        if (form->gives[i]) all[n++] = s->c.var_of[call->results[i].id];
    return all;
}

static const tdagi_var *new_inputs(simplifier *s, const tdagi_statement *call,
                                   const tdagi_graph_form *form)
{
    tdagi_var *all = tdagi_copier_take(&s->c, form->graph->n_inputs, sizeof *all);
    uint32_t n = 0;
    for (uint32_t i = 0; all != NULL && i < call->n_inputs; i++)
        if (form->takes[i]) all[n++] = s->c.var_of[call->inputs[i].id];
    return all;
}

/* The value that output i of a graph passes on: of its inputs, or an output before it.
 * 0: it computes one. */
static tdagi_var passed_on(const tdag_graph *g, uint32_t i, const tdagi_var *inputs,
                           const tdagi_var *results)
{
    tdag_value v = g->outputs[i];
    for (uint32_t k = 0; k < g->n_inputs; k++)
        if (g->inputs[k].id == v.id) return inputs[k];
    for (uint32_t k = 0; k < i; k++)
        if (g->outputs[k].id == v.id) return results[k];
    return TDAG_NO_VAR;
}

/* Results that the graph passes on are what went in. */
static void pass_on(simplifier *s, const tdagi_statement *call,
                    const tdagi_graph_form *form, const tdagi_var *inputs,
                    const tdagi_var *results)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < call->n_results; i++) {
        if (!form->gives[i]) continue;
        tdagi_var is = passed_on(form->graph, at, inputs, results);
        s->c.var_of[call->results[i].id] = is.id != 0 ? is : results[at];
        at++;
    }
}

static void remember(simplifier *s, const tdag_graph *g, const tdagi_var *inputs,
                     const tdagi_var *results)
{
    known_call **head = &s->now.calls[hash_call(g, inputs)];
    known_call *k = tdagi_copier_take(&s->c, 1, sizeof *k);
    if (k == NULL) return;
    *k = (known_call){*head, g, inputs, results, g->n_inputs};
    *head = k;
}

/* Whether sizes of the call's graph are told by nothing but names: then equal inputs do
 * not make equal calls. */
static bool has_named_sizes(const tdag_graph *g)
{
    bool told = true;
    for (uint32_t s = 0; told && s < tdagi_pool_n_symbols(g->pool); s++) {
        told = false;
        for (uint32_t i = 0; i < g->n_inputs; i++) {
            const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
            for (uint32_t k = 0; k < n->rank; k++)
                told = told || n->shape[k] == tdagi_pool_symbol_dim(g->pool, s);
        }
    }
    return !told;
}

static bool do_call(simplifier *s, const tdagi_statement *call)
{
    tdagi_copier *c = &s->c;
    const tdagi_graph_form *form = &s->forms.forms[call->target];
    const tdagi_var *inputs = new_inputs(s, call, form);
    if (inputs == NULL) return true;
    bool can_share = call->n_bindings == 0 && !has_named_sizes(form->graph);
    const known_call *k = can_share ? find_call(s, form->graph, inputs) : NULL;
    const tdagi_var *results = k == NULL ? NULL : k->results;
    if (k == NULL) {
        tdagi_copy_statement(c, call);
        results = new_results(s, call, form);
        if (results == NULL) return true;
        if (can_share) remember(s, form->graph, inputs, results);
    }
    pass_on(s, call, form, inputs, results);
    return true;
}

/* ---- loops ---- */

static bool can_fail(const tdag_graph *g)
{
    bool can = false;
    for (uint32_t id = 1; id <= g->n && !can; id++)
        can = g->nodes[id].op == TDAG_OP_GATHER || g->nodes[id].op == TDAG_OP_SCATTER ||
              g->nodes[id].op == TDAG_OP_OPAQUE;
    return can;
}

/* Whether a call in a loop's body could stand before the loop. */
static bool is_same_in_all_rounds(simplifier *s, const tdagi_statement *call)
{
    tdagi_copier *c = &s->c;
    const tdagi_graph_form *form = &s->forms.forms[call->target];
    if (call->n_bindings > 0 || call->n_results == 0 || can_fail(form->graph))
        return false;
    for (uint32_t i = 0; i < call->n_inputs; i++)
        if (c->var_of[call->inputs[i].id].id == 0) return false;
    const tdag_dim *sizes = tdagi_copier_sizes(c, call);
    uint32_t n = tdagi_pool_n_symbols(c->model->graphs[call->target].graph->pool);
    for (uint32_t i = 0; sizes != NULL && i < n; i++)
        for (uint32_t k = 0; sizes[i] < 0 && k < tdagi_pool_n_symbols(c->m->pool); k++)
            if (c->dim_of[k] == TDAGI_DIM_BAD && sizes[i] != TDAGI_DIM_BAD &&
                tdagi_dim_has_symbol(c->pool, sizes[i], k))
                return false;
    return sizes != NULL;
}

static void move_out(simplifier *s, const tdagi_block *body)
{
    for (const tdagi_statement *t = body->first; t != NULL && tdagi_copier_ok(&s->c);
         t = t->next) {
        if (t->kind != TDAGI_CALL || !tdagi_is_needed(s->f, s->c.m, t) ||
            !is_same_in_all_rounds(s, t))
            continue;
        do_call(s, t);
        s->moved[t->results[0].id] = 1;
    }
}

static bool has_symbol_of(const tdagi_copier *c, const tdagi_block *body,
                          uint32_t param, tdag_dim symbol)
{
    const tdagi_var_info *info = tdagi_method_var(c->m, body->params[param]);
    bool has = false;
    for (uint32_t k = 0; k < info->rank && !has; k++)
        has = info->shape[k] == symbol;
    return has;
}

/* A carried value that every round passes on: its sizes may be no other's. */
static bool is_passed_on(const tdagi_copier *c, const tdagi_statement *s, uint32_t i)
{
    const tdagi_block *body = &s->blocks[0];
    if (body->yields[s->has_condition + i].id != body->params[i + 1].id) return false;
    for (uint32_t k = 0; k < body->n_symbols; k++)
        for (uint32_t other = 1; other < body->n_params; other++)
            if (other != i + 1 && has_symbol_of(c, body, i + 1, body->symbols[k]) &&
                has_symbol_of(c, body, other, body->symbols[k]))
                return false;
    return true;
}

static void drop_passed_on(simplifier *s, const tdagi_statement *loop)
{
    tdagi_copier *c = &s->c;
    uint32_t n_head = (uint32_t)loop->has_limit + loop->has_condition;
    const tdagi_block *body = &loop->blocks[0];
    for (uint32_t i = 0; i < loop->n_results; i++) {
        tdagi_var entry = loop->inputs[n_head + i];
        if (!s->f->live[body->params[i + 1].id] || !is_passed_on(c, loop, i) ||
            c->var_of[entry.id].id == 0)
            continue;
        s->f->live[body->params[i + 1].id] = s->f->live[loop->results[i].id] = 0;
        tdagi_copier_map(c, body->params[i + 1], c->var_of[entry.id]);
        tdagi_copier_map(c, loop->results[i], c->var_of[entry.id]);
    }
}

static bool do_loop(simplifier *s, const tdagi_statement *loop)
{
    uint32_t n_head = (uint32_t)loop->has_limit + loop->has_condition;
    const tdag_tensor *limit = loop->has_limit ? s->f->known[loop->inputs[0].id] : NULL;
    const tdag_tensor *condition =
        loop->has_condition ? s->f->known[loop->inputs[n_head - 1].id] : NULL;
    bool never = (limit != NULL && tdagi_tensor_get_i64(limit, 0) <= 0) ||
                 (condition != NULL && !is_true(condition));
    if (never && is_consistent(&s->c, loop, loop->inputs + n_head))
        return map_all(&s->c, loop->results, loop->inputs + n_head, loop->n_results);
    drop_passed_on(s, loop);
    move_out(s, &loop->blocks[0]);
    tdagi_copy_statement(&s->c, loop);
    return true;
}

/* ---- other statements ---- */

static bool do_if(simplifier *s, const tdagi_statement *t)
{
    const tdag_tensor *known = s->f->known[t->inputs[0].id];
    if (known != NULL) {
        const tdagi_block *arm = &t->blocks[is_true(known) ? 0 : 1];
        if (!is_consistent(&s->c, t, arm->yields)) return false;
        tdagi_copy_statements(&s->c, arm);
        return tdagi_copier_ok(&s->c) &&
               map_all(&s->c, t->results, arm->yields, t->n_results);
    }
    for (uint32_t i = 0; i < t->n_results; i++) {
        tdagi_var is = t->blocks[0].yields[i], result = t->results[i];
        if (is.id != t->blocks[1].yields[i].id) continue;
        bool binds = false;
        for (uint32_t k = 0; k < t->n_bindings && !binds; k++)
            for (uint32_t a = 0; a < tdagi_method_var(s->c.m, result)->rank; a++)
                binds = binds || tdagi_method_var(s->c.m, result)->shape[a] ==
                                     t->bindings[k].symbol;
        if (binds) continue;
        s->f->live[result.id] = 0;
        map_all(&s->c, &result, &is, 1);
    }
    return false;
}

static bool do_access(simplifier *s, const tdagi_statement *t)
{
    tdagi_copier *c = &s->c;
    tdagi_var *state = &s->now.states[t->target];
    if (t->kind == TDAGI_WRITE) {
        tdagi_var is = c->var_of[t->inputs[0].id];
        if (state->id == is.id) return true; /* it is that already */
        tdagi_copy_statement(c, t);
        *state = is;
        return true;
    }
    if (state->id != 0) {
        tdagi_copier_map(c, t->results[0], *state);
        return true;
    }
    tdagi_copy_statement(c, t);
    *state = c->var_of[t->results[0].id];
    return true;
}

static bool do_statement(tdagi_copier *c, const tdagi_statement *t)
{
    simplifier *s = c->self;
    if (!tdagi_is_needed(s->f, c->m, t)) return true;
    switch ((tdagi_statement_kind)t->kind) {
    case TDAGI_CALL:
        return s->moved[t->results[0].id] || do_call(s, t);
    case TDAGI_LOOP:
        return do_loop(s, t);
    case TDAGI_IF:
        return do_if(s, t);
    case TDAGI_READ:
    case TDAGI_WRITE:
        return do_access(s, t);
    case TDAGI_CHECK:
        return s->f->known[t->inputs[0].id] != NULL &&
               is_true(s->f->known[t->inputs[0].id]);
    case TDAGI_DRAW:
    case TDAGI_APPLY:
    case TDAGI_RETURN:
        break;
    }
    return false;
}

/* ---- rounds ---- */

static tdag_status find_all(tdag_ctx *ctx, const tdag_model *model, tdagi_arena *arena,
                            tdagi_facts **out)
{
    void *facts = NULL;
    TDAGI_TRY(tdagi_scratch(ctx, arena, model->n_methods, sizeof **out, &facts));
    *out = facts;
    for (uint32_t i = 0; i < model->n_methods; i++)
        TDAGI_TRY(tdagi_find_facts(ctx, model, model->methods[i], arena, &(*out)[i]));
    return TDAG_OK;
}

/* *simple is replaced by the forms of this round, whose tables are of the arena. */
static tdag_status do_round(tdag_ctx *ctx, const tdag_model *model,
                            const tdag_simplify_options *options, tdagi_arena *arena,
                            tdagi_forms *simple, tdag_model **out)
{
    void *block = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(simplifier), &block));
    simplifier *s = block;
    tdag_status st = find_all(ctx, model, arena, &s->facts);
    if (st == TDAG_OK)
        st = tdagi_find_forms(ctx, model, s->facts, options, simple, arena, &s->forms);
    s->c.self = s;
    s->c.forms = s->forms.forms;
    s->c.method = begin_method;
    s->c.statement = do_statement;
    s->c.block = enter_or_leave;
    if (st == TDAG_OK) st = tdagi_copy_model(&s->c, ctx, model, out);
    tdagi_forms_free(simple);
    *simple = s->forms;
    tdagi_free(ctx, block, sizeof(simplifier));
    return st;
}

static tdag_status simplify_program(tdag_ctx *ctx, const tdag_model *model,
                                    const tdag_simplify_options *options,
                                    tdag_model **out)
{
    tdagi_arena arenas[2];
    tdagi_forms simple = {0};
    tdag_model *now = tdagi_model_copy(model);
    tdag_status st = TDAG_OK;
    bool changed = true;
    for (int i = 0; i < 2; i++)
        tdagi_arena_init(&arenas[i], &ctx->allocator);
    for (int i = 0; i < MOST_ROUNDS && st == TDAG_OK && changed; i++) {
        tdag_model *next = NULL;
        tdagi_arena_empty(&arenas[i % 2]);
        st = do_round(ctx, now, options, &arenas[i % 2], &simple, &next);
        if (st != TDAG_OK) break;
        changed = !tdagi_model_equal(now, next);
        tdag_model_free(now);
        now = next;
    }
    tdagi_forms_free(&simple);
    for (int i = 0; i < 2; i++)
        tdagi_arena_free(&arenas[i]);
    if (st == TDAG_OK)
        *out = now;
    else
        tdag_model_free(now);
    return st;
}

static tdag_status simplify_graph(tdag_ctx *ctx, const tdag_graph *graph,
                                  const void *options, tdag_graph **out)
{
    return tdag_graph_simplify(ctx, graph, options, out);
}

tdag_status tdag_simplify(tdag_ctx *ctx, const tdag_model *model,
                          const tdag_simplify_options *options, tdag_model **out)
{
    tdag_simplify_options o;
    tdagi_rewrite_options checked;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    if (tdag_model_get_graph(model) != NULL)
        return tdagi_model_transform(ctx, model, simplify_graph, options, out);
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_rewrite_load(ctx, options, &checked));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    return simplify_program(ctx, model, &o, out);
}
