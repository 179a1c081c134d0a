/* Loops of known count become statements. */
#include <tdagger/control.h>
#include <tdagger/simplify.h>

#include "transform/program/copy.h"
#include "transform/program/facts.h"
#include "transform/program/rows.h"

#define DEFAULT_MOST    1024
#define MOST_STATEMENTS 1000000 /* that a method gets in place of loops */

typedef struct unroller {
    tdagi_copier c;
    tdagi_facts facts;
    uint32_t *uses; /* by old id */
    int64_t most;
    uint64_t n_statements;
} unroller;

static void begin_method(tdagi_copier *c)
{
    unroller *u = c->self;
    u->n_statements = 0;
    u->uses = tdagi_copier_take(c, c->m->n_vars, sizeof *u->uses);
    if (u->uses == NULL) return;
    tdagi_count_uses(&c->m->body, u->uses);
    c->b.status = tdagi_find_facts(c->ctx, c->model, c->m, &c->arena, &u->facts);
}

/* The number of rounds of a loop; -1: not known, or too many. */
static int64_t count_of(const unroller *u, const tdagi_statement *s)
{
    const tdag_tensor *limit =
        s->kind == TDAGI_LOOP && s->has_limit && !s->has_condition
            ? u->facts.known[s->inputs[0].id]
            : NULL;
    int64_t n = limit == NULL ? -1 : tdagi_tensor_get_i64(limit, 0);
    if (limit != NULL && n < 0) n = 0;
    return n <= u->most ? n : -1;
}

static void forget(tdagi_copier *c, tdag_dim symbol)
{
    uint32_t s = tdagi_copier_symbol(c, symbol);
    if (s != UINT32_MAX) c->dim_of[s] = TDAGI_DIM_BAD;
}

/* What is carried stands for these values. */
static void carry(tdagi_copier *c, const tdagi_block *body, const tdagi_var *is)
{
    for (uint32_t i = 0; i < body->n_symbols; i++)
        forget(c, body->symbols[i]);
    for (uint32_t i = 1; i < body->n_params && tdagi_copier_ok(c); i++)
        tdagi_copier_map(c, body->params[i], is[i - 1]);
}

static void unroll(unroller *u, const tdagi_statement *s, int64_t n)
{
    tdagi_copier *c = &u->c;
    const tdagi_block *body = &s->blocks[0];
    tdagi_var *is = tdagi_copier_vars(c, s->inputs + 1, s->n_inputs - 1);
    for (int64_t t = 0; t < n && tdagi_copier_ok(c); t++) {
        carry(c, body, is);
        if (u->uses[body->params[0].id] > 0)
            c->var_of[body->params[0].id] = tdagi_copier_number(c, "index", t);
        tdagi_copy_statements(c, body);
        is = tdagi_copier_vars(c, body->yields, body->n_yields);
    }
    for (uint32_t i = 0; i < s->n_bindings; i++)
        forget(c, s->bindings[i].symbol);
    for (uint32_t i = 0; i < s->n_results && tdagi_copier_ok(c); i++)
        tdagi_copier_map(c, s->results[i], is[i]);
}

static bool do_statement(tdagi_copier *c, const tdagi_statement *s)
{
    unroller *u = c->self;
    int64_t n = count_of(u, s);
    if (++u->n_statements > MOST_STATEMENTS && tdagi_copier_ok(c))
        c->b.status =
            tdagi_fail(c->ctx, TDAG_E_LIMIT,
                       "the loops of method %.80s are more than %d statements",
                       c->m->name, MOST_STATEMENTS);
    if (n < 0) return false;
    unroll(u, s, n);
    return true;
}

/* ---- the graphs of all rounds ---- */

static tdag_status settle(tdag_ctx *ctx, const tdag_model *model, tdag_graph **graphs,
                          tdag_model **out)
{
    void *forms = NULL;
    size_t size = model->n_graphs * sizeof(tdagi_graph_form);
    TDAGI_TRY(tdagi_alloc(ctx, size, &forms));
    tdagi_copier c = {.forms = forms};
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < model->n_graphs && st == TDAG_OK; i++) {
        st = tdagi_settle_rows(ctx, model->graphs[i].graph, &graphs[i]);
        ((tdagi_graph_form *)forms)[i].graph = graphs[i];
    }
    if (st == TDAG_OK) st = tdagi_copy_model(&c, ctx, model, out);
    tdagi_free(ctx, forms, size);
    return st;
}

static tdag_status settle_rows(tdag_ctx *ctx, const tdag_model *model, tdag_model **out)
{
    void *block = NULL;
    size_t size = model->n_graphs * sizeof(tdag_graph *);
    TDAGI_TRY(tdagi_alloc(ctx, size, &block));
    tdag_graph **graphs = block;
    tdag_status st = settle(ctx, model, graphs, out);
    for (uint32_t i = 0; i < model->n_graphs; i++)
        tdag_graph_free(graphs[i]);
    tdagi_free(ctx, block, size);
    return st;
}

static tdag_status simplify(tdag_ctx *ctx, const tdag_model *model, tdag_model **out)
{
    return tdag_simplify(ctx, model, NULL, out);
}

/* Calls are one; indices are constants, what they look up are slices. *model is
 * replaced. */
static tdag_status finish(tdag_ctx *ctx, tdag_model **model)
{
    static tdag_status (*const steps[])(tdag_ctx *, const tdag_model *,
                                        tdag_model **) = {tdag_inline, simplify,
                                                          settle_rows, simplify};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        tdag_model *next = NULL;
        TDAGI_TRY(steps[i](ctx, *model, &next));
        tdag_model_free(*model);
        *model = next;
    }
    return TDAG_OK;
}

tdag_status tdag_unroll(tdag_ctx *ctx, const tdag_model *model,
                        const tdag_unroll_options *options, tdag_model **out)
{
    tdag_unroll_options o;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof o, options));
    unroller u = {.most = o.most == 0 ? DEFAULT_MOST : (int64_t)o.most};
    u.c.self = &u;
    u.c.method = begin_method;
    u.c.statement = do_statement;
    tdag_model *made = NULL;
    TDAGI_TRY(tdagi_copy_model(&u.c, ctx, model, &made));
    tdag_status st = finish(ctx, &made);
    if (st == TDAG_OK)
        *out = made;
    else
        tdag_model_free(made);
    return st;
}
