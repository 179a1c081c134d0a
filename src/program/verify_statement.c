/* The rules of statements without blocks: calls of graphs, state, random numbers,
 * operators whose sizes depend on data, checks. */
#include <string.h>

#include "program/call.h"
#include "program/verify.h"

/* ---- call ---- */

typedef struct call_check {
    tdagi_verifier *v;
    const tdag_graph *g;
    tdag_dim *sizes; /* by the graph's symbol: a dim of the method; BAD: not told yet */
    uint32_t n;
} call_check;

static tdag_status no_such(const tdagi_verifier *v, const char *what)
{
    return tdagi_verify_fail(v, TDAG_E_ARG, "there is no %s number %u", what,
                             (unsigned)v->at->target);
}

static tdag_status take_bindings(call_check *c)
{
    const tdagi_statement *s = c->v->at;
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        const tdagi_binding *b = &s->bindings[i];
        if (b->of >= c->n || c->sizes[b->of] != TDAGI_DIM_BAD)
            return tdagi_verify_fail(c->v, TDAG_E_ARG,
                                     "a size is given to no symbol of the graph or "
                                     "given twice");
        TDAGI_TRY(tdagi_verify_scalar(c->v, b->value, TDAG_I64, "a size"));
        c->sizes[b->of] = b->symbol;
    }
    return TDAG_OK;
}

/* A graph's value is an argument or result of the call. */
static tdag_status check_value(const call_check *c, tdag_value value, tdagi_var var,
                               const char *what)
{
    const tdagi_verifier *v = c->v;
    const tdagi_node *n = tdagi_graph_node(c->g, value);
    const tdagi_var_info *is = tdagi_method_var(v->method, var);
    TDAGI_TRY(tdagi_verify_form(v, is, (tdag_dtype)n->dtype, n->rank, what));
    for (uint32_t k = 0; k < n->rank; k++)
        if (tdagi_dim_substitute(v->pool, c->g->pool, n->shape[k], c->sizes) !=
            is->shape[k])
            return tdagi_verify_fail(v, TDAG_E_SHAPE,
                                     "axis %u of %s has another size than the graph's",
                                     (unsigned)k, what);
    return TDAG_OK;
}

static tdag_status check_call(call_check *c)
{
    const tdagi_statement *s = c->v->at;
    TDAGI_TRY(take_bindings(c));
    tdagi_call_solve(c->g, c->v->method, s->inputs, c->v->pool, c->sizes);
    const char *missing;
    TDAGI_TRY(tdagi_call_take_names(c->v->ctx, c->g, c->v->pool, c->v->symbols,
                                    c->sizes, &missing));
    if (missing != NULL)
        return tdagi_verify_fail(c->v, TDAG_E_SHAPE,
                                 "nothing tells the graph's symbol %.80s", missing);
    for (uint32_t i = 0; i < s->n_inputs; i++)
        TDAGI_TRY(check_value(c, c->g->inputs[i], s->inputs[i], "an argument"));
    for (uint32_t i = 0; i < s->n_results; i++)
        TDAGI_TRY(check_value(c, c->g->outputs[i], s->results[i], "a result"));
    return TDAG_OK;
}

tdag_status tdagi_verify_call(tdagi_verifier *v)
{
    const tdagi_statement *s = v->at;
    if (s->target >= v->model->n_graphs) return no_such(v, "graph");
    const tdag_graph *g = v->model->graphs[s->target].graph;
    if (s->n_inputs != g->n_inputs || s->n_results != g->n_outputs)
        return tdagi_verify_fail(v, TDAG_E_ARG,
                                 "the graph takes %u values and gives %u",
                                 (unsigned)g->n_inputs, (unsigned)g->n_outputs);
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    void *sizes = NULL;
    TDAGI_TRY(tdagi_array_alloc(v->ctx, n, sizeof(tdag_dim), &sizes));
    call_check c = {v, g, sizes, n};
    for (uint32_t i = 0; i < n; i++)
        c.sizes[i] = TDAGI_DIM_BAD;
    tdag_status st = check_call(&c);
    if (st == TDAG_E_SHAPE && tdagi_pool_status(v->pool) != TDAG_OK)
        st = tdagi_pool_report(v->ctx, v->pool);
    tdagi_free(v->ctx, sizes, n * sizeof(tdag_dim));
    return st;
}

/* ---- state ---- */

/* A value that is read or written; sizes of the state that may change are symbols that
 * a read binds, and anything for a write. */
static tdag_status check_state(const tdagi_verifier *v, tdagi_var var)
{
    const tdagi_state *state = &v->model->states[v->at->target];
    const tdag_tensor *t = state->initial;
    const tdagi_var_info *is = tdagi_method_var(v->method, var);
    TDAGI_TRY(tdagi_verify_form(v, is, t->dtype, t->rank, "the value"));
    for (uint32_t k = 0; k < t->rank; k++) {
        bool fits = state->symbols[k] == NULL ? is->shape[k] == t->shape[k]
                    : v->at->kind == TDAGI_WRITE
                        ? true
                        : tdagi_verify_is_bound_here(v, is->shape[k]);
        if (!fits)
            return tdagi_verify_fail(v, TDAG_E_SHAPE,
                                     "axis %u has another size than the state %.80s",
                                     (unsigned)k, state->name);
    }
    return TDAG_OK;
}

static tdag_status check_access(const tdagi_verifier *v)
{
    const tdagi_statement *s = v->at;
    if (s->target >= v->model->n_states) return no_such(v, "state");
    return check_state(v, s->kind == TDAGI_READ ? s->results[0] : s->inputs[0]);
}

/* ---- draw ---- */

static tdag_status check_draw(const tdagi_verifier *v)
{
    static const struct {
        uint32_t n_inputs;
        const char *classes; /* of the result's dtype */
    } draws[TDAGI_N_DRAW_KINDS] = {[TDAGI_DRAW_NORMAL] = {0, "f"},
                                   [TDAGI_DRAW_UNIFORM] = {0, "f"},
                                   [TDAGI_DRAW_BERNOULLI] = {1, "fiub"},
                                   [TDAGI_DRAW_INTEGERS] = {2, "fiu"},
                                   [TDAGI_DRAW_PERMUTATION] = {1, "iu"}};
    const tdagi_statement *s = v->at;
    if (s->draw >= TDAGI_N_DRAW_KINDS || s->n_inputs != draws[s->draw].n_inputs)
        return tdagi_verify_fail(v, TDAG_E_ARG, "%s does not take %u values",
                                 tdagi_draw_name(s->draw), (unsigned)s->n_inputs);
    const tdagi_var_info *is = tdagi_method_var(v->method, s->results[0]);
    if (strchr(draws[s->draw].classes, tdagi_dtype_class(is->dtype)) == NULL)
        return tdagi_verify_fail(v, TDAG_E_DTYPE, "%s does not give %s",
                                 tdagi_draw_name(s->draw), tdag_dtype_name(is->dtype));
    bool is_float = s->draw == TDAGI_DRAW_BERNOULLI;
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const tdagi_var_info *in = tdagi_method_var(v->method, s->inputs[i]);
        if (in->rank != 0 || (tdagi_dtype_class(in->dtype) == 'f') != is_float)
            return tdagi_verify_fail(v, TDAG_E_DTYPE, "%s does not take that value",
                                     tdagi_draw_name(s->draw));
    }
    if (s->draw == TDAGI_DRAW_PERMUTATION)
        return tdagi_verify_form(v, is, is->dtype, 1, "a permutation");
    return TDAG_OK;
}

/* ---- all of them ---- */

#define ANY UINT32_MAX

static tdag_status check_counts(const tdagi_verifier *v)
{
    static const struct {
        uint32_t n_inputs, n_results;
        bool binds;
    } counts[TDAGI_N_STATEMENT_KINDS] = {
        [TDAGI_READ] = {0, 1, true},   [TDAGI_WRITE] = {1, 0, false},
        [TDAGI_DRAW] = {ANY, 1, true}, [TDAGI_APPLY] = {ANY, ANY, true},
        [TDAGI_CHECK] = {1, 0, false}, [TDAGI_RETURN] = {ANY, 0, false},
    };
    const tdagi_statement *s = v->at;
    bool fits =
        (counts[s->kind].n_inputs == ANY || counts[s->kind].n_inputs == s->n_inputs) &&
        (counts[s->kind].n_results == ANY || counts[s->kind].n_results == s->n_results);
    if (!fits)
        return tdagi_verify_fail(v, TDAG_E_ARG,
                                 "it does not take %u values and give %u",
                                 (unsigned)s->n_inputs, (unsigned)s->n_results);
    if (s->n_bindings > 0 && !counts[s->kind].binds)
        return tdagi_verify_fail(v, TDAG_E_ARG, "it binds no symbols");
    return TDAG_OK;
}

tdag_status tdagi_verify_leaf_statement(tdagi_verifier *v)
{
    const tdagi_statement *s = v->at;
    TDAGI_TRY(check_counts(v));
    bool needs_text = s->kind == TDAGI_APPLY || s->kind == TDAGI_CHECK;
    if (needs_text && (s->text == NULL || *s->text == '\0'))
        return tdagi_verify_fail(v, TDAG_E_ARG, "it has no %s",
                                 s->kind == TDAGI_APPLY ? "operator" : "sentence");
    if (s->kind == TDAGI_READ || s->kind == TDAGI_WRITE) return check_access(v);
    if (s->kind == TDAGI_DRAW) return check_draw(v);
    if (s->kind == TDAGI_CHECK)
        return tdagi_verify_scalar(v, s->inputs[0], TDAG_BOOL, "what is checked");
    return TDAG_OK;
}
