/* torch.cond and while_loop, as statements of the program. Their graphs write nothing;
 * what they need of outside they are given. */
#include "pt2/read/import.h"

#include <string.h>

#include "aten/control/merge.h"
#include "aten/control/statement.h"
#include "aten/selection.h"

#define MOST_TRIES 16

static void forget(const tdagi_pt2_arg *arg)
{
    if (arg->kind == TDAGI_PT2_VALUE) arg->u.value->is_defined = false;
    for (uint32_t i = 0; arg->kind == TDAGI_PT2_LIST && i < arg->n; i++)
        forget(&arg->u.items[i]);
}

/* Runs a graph, once more perhaps, on n values; out gets its results. */
static void run_graph(tdagi_pt2 *im, tdagi_pt2_graph *graph, uint32_t n,
                      const tdagi_any *in, tdagi_any *out)
{
    if (n != graph->n_inputs) {
        tdagi_pt2_bad(im, "its graph takes another number of values");
        return;
    }
    for (const tdagi_pt2_node *node = graph->first; node != NULL; node = node->next)
        for (uint32_t i = 0; i < node->n_outputs; i++)
            forget(&node->outputs[i]);
    for (uint32_t i = 0; i < n; i++) {
        forget(&graph->inputs[i]);
        tdagi_pt2_define(im, &graph->inputs[i], in[i]);
    }
    tdagi_pt2_run_graph(im, graph);
    for (uint32_t i = 0; i < graph->n_outputs && tdagi_env_ok(&im->env); i++) {
        out[i] = tdagi_settled(&im->env, tdagi_pt2_any(im, &graph->outputs[i]));
        if (out[i].kind == TDAGI_ANY_TENSOR) tdagi_cell_read(&im->env, out[i].u.tensor);
    }
}

/* The values of a list of arguments, `more` with them. */
static tdagi_any *values_of(tdagi_pt2 *im, const tdagi_pt2_arg *list,
                            const tdagi_pt2_arg *more, uint32_t *n_out)
{
    uint32_t n = list->n, n_more = more == NULL ? 0 : more->n;
    tdagi_any *v = tdagi_env_alloc(&im->env, (n + n_more + (size_t)1) * sizeof *v);
    for (uint32_t i = 0; v != NULL && i < n + n_more; i++)
        v[i] = tdagi_pt2_any(im, i < n ? &list->u.items[i] : &more->u.items[i - n]);
    *n_out = n + n_more;
    return v;
}

static void end_statement(tdagi_pt2 *im)
{
    if (im->env.outline->is_out_of_memory && tdagi_env_ok(&im->env))
        im->env.status = tdagi_nomem(im->env.ctx);
}

static tdagi_any *walk_arm(tdagi_pt2 *im, const tdagi_pt2_node *node, uint32_t at,
                           tdagi_outline_statement *s, tdagi_outline_block **block_out)
{
    tdagi_journal journal;
    tdagi_pt2_graph *graph = node->inputs[at].arg.u.graph;
    uint32_t n;
    const tdagi_any *in = values_of(im, &node->inputs[3].arg, NULL, &n);
    tdagi_any *out = tdagi_env_alloc(&im->env, (graph->n_outputs + 1) * sizeof *out);
    tdagi_outline_block *block = tdagi_outline_open(im->env.outline, s);
    if (in == NULL || out == NULL || block == NULL) return NULL;
    tdagi_journal_open(&im->env, &journal);
    run_graph(im, graph, n, in, out);
    tdagi_journal_undo(&im->env, &journal);
    tdagi_outline_close(im->env.outline);
    *block_out = block;
    return out;
}

void tdagi_pt2_cond(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    tdagi_outline *o = im->env.outline;
    const tdagi_statement_spec what = {.kind = TDAGI_IF};
    tdagi_outline_block *blocks[2] = {NULL};
    tdagi_any *results[2] = {NULL};
    uint32_t n = node->inputs[1].arg.u.graph->n_outputs;
    if (n != node->inputs[2].arg.u.graph->n_outputs || n != node->n_outputs) {
        tdagi_pt2_bad(im, "its graphs give another number of values");
        return;
    }
    tdagi_settle_all(&im->env);
    tdag_value c = tdagi_truth(&im->env, tdagi_pt2_any(im, &node->inputs[0].arg));
    tdagi_outline_statement *s = c.id == 0 ? NULL : tdagi_outline_add(o, &what);
    tdagi_arms arms = {.env = &im->env,
                       .n_symbols = tdagi_pool_n_symbols(im->env.pool)};
    for (uint32_t i = 0; i < 2 && s != NULL && tdagi_env_ok(&im->env); i++)
        results[i] = walk_arm(im, node, i + 1, s, &blocks[i]);
    for (uint32_t i = 0; i < n && results[1] != NULL && tdagi_env_ok(&im->env); i++)
        tdagi_pt2_define(im, &node->outputs[i],
                         tdagi_merge(&arms, results[0][i], results[1][i]));
    if (results[1] != NULL && tdagi_env_ok(&im->env)) {
        s->inputs = tdagi_outline_keep(o, 1, &c);
        for (int i = 0; i < 2; i++)
            blocks[i]->yields = tdagi_outline_keep(o, arms.n, arms.yields[i]);
        s->results = tdagi_outline_keep(o, arms.n, arms.results);
        s->bindings = arms.bindings;
        s->n_bindings = arms.n_bindings;
    }
    end_statement(im);
}

typedef struct looping {
    tdagi_pt2 *im;
    tdagi_pt2_graph *condition, *body;
    tdagi_any *in; /* what is carried, then what is not */
    uint32_t n, n_in;
    tdagi_carrying carrying;
} looping;

/* One walk of the body; true: it was the last one. */
static bool try_body(looping *l, tdagi_outline_statement *s)
{
    tdagi_env *env = &l->im->env;
    tdagi_outline *o = env->outline;
    tdagi_carrying *c = &l->carrying;
    tdagi_journal journal;
    tdagi_any holds = tdagi_any_poison();
    tdagi_outline_block *block = tdagi_outline_open(o, s);
    tdagi_any *v = tdagi_env_alloc(env, 2 * (l->n_in + (size_t)1) * sizeof *v);
    if (block == NULL || v == NULL) return true;
    tdagi_any *next = v + l->n_in + 1;
    tdagi_journal_open(env, &journal);
    tdag_value index = tdagi_given(env, TDAG_I64, 0, NULL);
    c->has_changed = false;
    c->at = 0;
    for (uint32_t i = 0; i < l->n_in; i++)
        v[i] = i < l->n ? tdagi_carry_in(c, l->in[i]) : l->in[i];
    run_graph(l->im, l->body, l->n_in, v, next);
    c->at = 0;
    for (uint32_t i = 0; i < l->n && tdagi_env_ok(env); i++)
        tdagi_carry_on(c, l->in[i], next[i]);
    for (uint32_t i = l->n; i < l->n_in; i++)
        next[i] = l->in[i];
    if (tdagi_env_ok(env)) run_graph(l->im, l->condition, l->n_in, next, &holds);
    bool is_last = !c->has_changed || env->n_issues > 0 || !tdagi_env_ok(env);
    tdag_value *values = tdagi_env_alloc(env, (c->n + (size_t)1) * sizeof *values);
    if (is_last && values != NULL && tdagi_env_ok(env)) {
        values[0] = index;
        block->params =
            tdagi_outline_keep(o, 1 + TDAGI_COLLECT(c, values + 1, param), values);
        values[0] = tdagi_truth(env, holds);
        block->yields =
            tdagi_outline_keep(o, 1 + TDAGI_COLLECT(c, values + 1, yield), values);
        tdagi_carry_symbols(c, block);
    }
    tdagi_journal_undo(env, &journal);
    tdagi_outline_close(o);
    return is_last;
}

static void finish(looping *l, const tdagi_pt2_node *node, tdagi_outline_statement *s,
                   tdag_value start)
{
    tdagi_env *env = &l->im->env;
    tdagi_carrying *c = &l->carrying;
    tdag_value *v = tdagi_env_alloc(env, (c->n + (size_t)1) * sizeof *v);
    c->bindings =
        tdagi_env_alloc(env, (c->n * TDAG_MAX_RANK + 1) * sizeof *c->bindings);
    if (v == NULL || c->bindings == NULL) return;
    c->at = 0;
    for (uint32_t i = 0; i < l->n; i++)
        tdagi_pt2_define(l->im, &node->outputs[i], tdagi_carry_out(c, l->in[i]));
    v[0] = start;
    s->what.has_condition = true;
    s->inputs = tdagi_outline_keep(env->outline, 1 + TDAGI_COLLECT(c, v + 1, entry), v);
    s->results = tdagi_outline_keep(env->outline, TDAGI_COLLECT(c, v, result), v);
    s->bindings = c->bindings;
    s->n_bindings = c->n_bindings;
}

void tdagi_pt2_while(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    const tdagi_statement_spec what = {.kind = TDAGI_LOOP};
    looping l = {.im = im,
                 .condition = node->inputs[0].arg.u.graph,
                 .body = node->inputs[1].arg.u.graph,
                 .n = node->inputs[2].arg.n};
    tdagi_any holds = tdagi_any_poison();
    if (l.condition->n_outputs != 1 || l.body->n_outputs != l.n ||
        node->n_outputs != l.n) {
        tdagi_pt2_bad(im, "its graphs give another number of values");
        return;
    }
    tdagi_settle_all(&im->env);
    l.in = values_of(im, &node->inputs[2].arg, &node->inputs[3].arg, &l.n_in);
    if (l.in == NULL) return;
    l.carrying = (tdagi_carrying){.env = &im->env,
                                  .n_symbols = tdagi_pool_n_symbols(im->env.pool),
                                  .trips = TDAGI_DIM_BAD};
    run_graph(im, l.condition, l.n_in, l.in, &holds);
    tdag_value start = tdagi_truth(&im->env, holds);
    tdagi_outline_statement *s = NULL;
    bool is_done = false;
    for (int i = 0; i < MOST_TRIES && !is_done && tdagi_env_ok(&im->env); i++) {
        if (s != NULL) tdagi_outline_forget(im->env.outline, s);
        s = tdagi_outline_add(im->env.outline, &what);
        is_done = s == NULL || try_body(&l, s);
    }
    if (!is_done && tdagi_env_ok(&im->env))
        tdagi_env_issue(&im->env, "a loop whose carried sizes have no pattern");
    if (s != NULL && tdagi_env_ok(&im->env)) finish(&l, node, s, start);
    end_statement(im);
}
