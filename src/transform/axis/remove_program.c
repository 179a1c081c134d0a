/* Removing a dimension from models: from their graphs each by itself (remove_dim.c),
 * and from the values that programs hand on.
 *
 * A size that is the dimension is known by its symbol: the method's own, what a loop or
 * a branch makes of it, and that of a state which it is written to. All of them are
 * found first; then the methods are copied without the axes of these sizes. What steers
 * (a condition, a limit, a check) is a number without axes, so where it depends on the
 * dimension a graph mixes positions, which is refused there. */
#include <stdio.h>
#include <string.h>

#include <tdagger/axis.h>

#include "derive/derive.h"
#include "ir/graft.h"
#include "transform/compose/cut.h"
#include "transform/program/copy.h"

/* A graph that has been done, at these sizes. */
typedef struct done_graph {
    struct done_graph *next;
    uint32_t method;
    const tdag_graph *of;
    const tdag_dim *sizes;
    tdag_graph *less;
} done_graph;

typedef struct removing {
    tdagi_copier c;
    tdag_ctx *ctx;
    tdagi_arena arena;
    const tdag_model *model;
    const char *dim;
    const tdag_remove_dim_options *options;
    unsigned char **gone;       /* by method, by symbol: it is the dimension */
    unsigned char **state_axes; /* by state, by axis: it is the dimension */
    tdagi_state *states;        /* without it */
    done_graph *done;
    bool changed;
    uint32_t method; /* at hand */
} removing;

/* ---- which sizes are the dimension ---- */

static unsigned char *symbol_mark(removing *r, const tdagi_method *m, tdag_dim d)
{
    uint32_t s;
    int64_t factor, offset;
    bool is_symbol = d < 0 && d != TDAGI_DIM_BAD &&
                     tdagi_dim_is_affine(m->pool, d, &s, &factor, &offset) &&
                     factor == 1 && offset == 0;
    return is_symbol ? &r->gone[r->method][s] : NULL;
}

static bool is_gone(removing *r, const tdagi_method *m, tdag_dim d)
{
    const unsigned char *mark = symbol_mark(r, m, d);
    return mark != NULL && *mark;
}

/* Where axis k of one value is the dimension, that of the other one is, too, if it is a
 * symbol. */
static void spread(removing *r, const tdagi_method *m, tdagi_var from, tdagi_var to)
{
    const tdagi_var_info *x = tdagi_method_var(m, from), *y = tdagi_method_var(m, to);
    for (uint32_t k = 0; k < x->rank && k < y->rank; k++) {
        unsigned char *mark = symbol_mark(r, m, y->shape[k]);
        if (mark == NULL || *mark || !is_gone(r, m, x->shape[k])) continue;
        *mark = 1;
        r->changed = true;
    }
}

static void spread_state(removing *r, const tdagi_method *m, const tdagi_statement *s)
{
    const tdagi_var_info *v =
        tdagi_method_var(m, s->kind == TDAGI_READ ? s->results[0] : s->inputs[0]);
    for (uint32_t k = 0; k < v->rank; k++) {
        unsigned char *mark = symbol_mark(r, m, v->shape[k]);
        unsigned char *axis = &r->state_axes[s->target][k];
        if (mark == NULL || *mark == *axis) continue;
        r->changed = true;
        if (*mark)
            *axis = 1;
        else if (s->kind == TDAGI_READ)
            *mark = 1;
        else
            r->changed = false;
    }
}

static void spread_all(removing *r, const tdagi_method *m, const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        uint32_t n_head = (uint32_t)s->has_limit + s->has_condition;
        bool changed = r->changed;
        r->changed = false;
        if (s->kind == TDAGI_READ || s->kind == TDAGI_WRITE) spread_state(r, m, s);
        for (uint32_t i = 0; i < s->n_blocks; i++)
            spread_all(r, m, &s->blocks[i]);
        for (uint32_t i = 0; i < s->n_results && s->kind == TDAGI_LOOP; i++) {
            tdagi_var param = s->blocks[0].params[i + 1];
            spread(r, m, s->inputs[n_head + i], param);
            spread(r, m, s->blocks[0].yields[s->has_condition + i], param);
            spread(r, m, param, s->results[i]);
        }
        for (uint32_t i = 0; i < s->n_results && s->kind == TDAGI_IF; i++)
            for (uint32_t arm = 0; arm < 2; arm++)
                spread(r, m, s->blocks[arm].yields[i], s->results[i]);
        r->changed = r->changed || changed;
    }
}

static tdag_status find_symbol(removing *r)
{
    bool found = false;
    for (r->method = 0; r->method < r->model->n_methods; r->method++) {
        const tdagi_method *m = r->model->methods[r->method];
        for (uint32_t i = 0; i < m->body.n_symbols; i++) {
            uint32_t s;
            int64_t factor, offset;
            if (!tdagi_dim_is_affine(m->pool, m->body.symbols[i], &s, &factor,
                                     &offset) ||
                strcmp(tdagi_pool_symbol(m->pool, s, NULL), r->dim) != 0)
                continue;
            r->gone[r->method][s] = 1;
            found = true;
        }
    }
    return found ? TDAG_OK
                 : tdagi_fail(r->ctx, TDAG_E_ARG,
                              "no method has a symbolic dimension %.80s", r->dim);
}

static tdag_status find_gone(removing *r)
{
    const tdag_model *model = r->model;
    void *gone = NULL, *axes = NULL, *row = NULL;
    TDAGI_TRY(
        tdagi_scratch(r->ctx, &r->arena, model->n_methods, sizeof(void *), &gone));
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, model->n_states, sizeof(void *), &axes));
    r->gone = gone;
    r->state_axes = axes;
    for (uint32_t i = 0; i < model->n_methods; i++) {
        TDAGI_TRY(tdagi_scratch(
            r->ctx, &r->arena, tdagi_pool_n_symbols(model->methods[i]->pool), 1, &row));
        r->gone[i] = row;
    }
    for (uint32_t i = 0; i < model->n_states; i++) {
        TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, TDAG_MAX_RANK, 1, &row));
        r->state_axes[i] = row;
    }
    TDAGI_TRY(find_symbol(r));
    do {
        r->changed = false;
        for (r->method = 0; r->method < model->n_methods; r->method++)
            spread_all(r, model->methods[r->method], &model->methods[r->method]->body);
    } while (r->changed);
    return TDAG_OK;
}

/* ---- states ---- */

/* The tensor at position 0 of an axis, if it is the same at all positions. */
static tdag_status drop_axis(removing *r, const char *name, tdag_tensor **t,
                             uint32_t axis)
{
    const tdag_tensor *x = *t;
    int64_t shape[TDAG_MAX_RANK], outer = 1;
    uint32_t rank = 0;
    size_t inner = tdag_dtype_size(x->dtype);
    for (uint32_t k = 0; k < x->rank; k++) {
        if (k < axis) outer *= x->shape[k];
        if (k > axis) inner *= (size_t)x->shape[k];
        if (k != axis) shape[rank++] = x->shape[k];
    }
    const char *from = x->data;
    bool same = x->shape[axis] > 0;
    for (int64_t o = 0; o < outer && same; o++)
        for (int64_t i = 1; i < x->shape[axis] && same; i++)
            same = memcmp(from + (size_t)(o * x->shape[axis] + i) * inner,
                          from + (size_t)(o * x->shape[axis]) * inner, inner) == 0;
    if (!same)
        return tdagi_fail(
            r->ctx, TDAG_E_UNSUPPORTED,
            "%s cannot be removed: state %.80s begins with other values at "
            "each position",
            r->dim, name);
    tdag_tensor *less = NULL;
    TDAGI_TRY(tdag_tensor_create(r->ctx, x->dtype, rank, shape, &less));
    char *to = tdag_tensor_get_mutable_data(less);
    for (int64_t o = 0; o < outer; o++)
        memcpy(to + (size_t)o * inner, from + (size_t)(o * x->shape[axis]) * inner,
               inner);
    tdag_tensor_free(*t);
    *t = less;
    return TDAG_OK;
}

static tdag_status drop_state_axes(removing *r, uint32_t i)
{
    const tdagi_state *old = &r->model->states[i];
    void *symbols = NULL;
    uint32_t n = 0;
    TDAGI_TRY(
        tdagi_scratch(r->ctx, &r->arena, TDAG_MAX_RANK, sizeof(char *), &symbols));
    r->states[i] = (tdagi_state){old->name, tdag_tensor_copy(old->initial), symbols};
    for (uint32_t k = 0; k < old->initial->rank; k++)
        if (!r->state_axes[i][k]) ((const char **)symbols)[n++] = old->symbols[k];
    for (uint32_t k = old->initial->rank; k-- > 0;)
        if (r->state_axes[i][k])
            TDAGI_TRY(drop_axis(r, old->name, &r->states[i].initial, k));
    return TDAG_OK;
}

static tdag_status make_states(removing *r)
{
    void *states = NULL;
    uint32_t n = r->model->n_states;
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, n, sizeof(tdagi_state), &states));
    r->states = states;
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(drop_state_axes(r, i));
    return TDAG_OK;
}

/* ---- statements ---- */

/* The first statement that one of a call's results steers; NULL: none. */
static const tdagi_statement *steered(const tdagi_block *block,
                                      const tdagi_statement *call)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        bool steers =
            s->kind == TDAGI_IF || s->kind == TDAGI_LOOP || s->kind == TDAGI_CHECK;
        uint32_t n =
            s->kind == TDAGI_LOOP ? (uint32_t)s->has_limit + s->has_condition : 1;
        for (uint32_t i = 0; i < call->n_results; i++) {
            uint32_t id = call->results[i].id;
            for (uint32_t k = 0; steers && k < n; k++)
                if (s->inputs[k].id == id) return s;
            if (s->has_condition && s->blocks[0].yields[0].id == id) return s;
        }
        for (uint32_t i = 0; i < s->n_blocks; i++) {
            const tdagi_statement *inside = steered(&s->blocks[i], call);
            if (inside != NULL) return inside;
        }
    }
    return NULL;
}

/* What failed at a statement, and what that steers. */
static tdag_status fail_at(removing *r, const tdagi_statement *s, tdag_status st)
{
    const tdagi_method *m = r->c.m;
    const tdag_error *e = tdag_ctx_get_error(r->ctx);
    char sentence[512], node[128], scope[128], steers[96] = "";
    if (st == TDAG_E_NOMEM) return st;
    snprintf(sentence, sizeof sentence, "%s", e->message);
    snprintf(node, sizeof node, "%s", e->node);
    snprintf(scope, sizeof scope, "%s", e->scope);
    const tdagi_statement *by = steered(&m->body, s);
    if (by != NULL)
        snprintf(steers, sizeof steers, ", and statement %u (%s) depends on it",
                 (unsigned)tdagi_statement_number(m, by),
                 tdagi_statement_name(by->kind));
    tdagi_fail(r->ctx, st, "method %.80s, statement %u (%s): %s%s", m->name,
               (unsigned)tdagi_statement_number(m, s), tdagi_statement_name(s->kind),
               sentence, steers);
    return node[0] == '\0' ? st : tdagi_fail_at_node(r->ctx, node, scope);
}

/* Outputs that have kept an axis of size 1, as they may at one, lose it. *g is
 * replaced.
 */
static tdag_status fit(removing *r, const tdagi_statement *call, tdag_graph **g)
{
    tdag_builder *b = NULL;
    tdagi_graft t;
    bool fits = true;
    for (uint32_t i = 0; i < call->n_results; i++) {
        tdagi_type want;
        tdagi_copier_old_type(&r->c, call->results[i], &want);
        fits = fits && want.rank == tdagi_graph_node(*g, (*g)->outputs[i])->rank;
    }
    if (fits) return r->c.b.status;
    TDAGI_TRY(tdagi_builder_create_like(r->ctx, *g, &b));
    tdag_status st = tdagi_graft_init(&t, b, *g, NULL);
    tdag_graph *made = NULL;
    if (st == TDAG_OK) tdagi_graft_nodes(&t, NULL);
    for (uint32_t i = 0; i < call->n_results && st == TDAG_OK; i++) {
        const tdagi_var_info *old = tdagi_method_var(r->c.m, call->results[i]);
        tdag_value v = t.new_of[(*g)->outputs[i].id];
        for (uint32_t k = old->rank; k-- > 0;)
            if (is_gone(r, r->c.m, old->shape[k]) &&
                tdag_builder_get_rank(b, v) == old->rank)
                v = tdagi_squeeze1(b, v, k);
        tdag_builder_add_output(b, v);
    }
    if (st == TDAG_OK) tdagi_graft_free(&t);
    if (st == TDAG_OK) st = tdag_builder_finish(b, &made);
    tdag_builder_free(b);
    if (st != TDAG_OK) return st;
    tdag_graph_free(*g);
    *g = made;
    return TDAG_OK;
}

static bool has_symbol(const tdag_graph *g, const char *name)
{
    bool has = false;
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(g->pool) && !has; i++)
        has = strcmp(tdagi_pool_symbol(g->pool, i, NULL), name) == 0;
    return has;
}

/* The graph of a call without the dimension, which is done once for equal sizes; lent.
 */
static tdag_status remove_from(removing *r, const tdagi_statement *s,
                               const tdag_graph **out)
{
    tdagi_copier *c = &r->c;
    const tdag_graph *g = r->model->graphs[s->target].graph;
    const tdag_dim *sizes = tdagi_copier_new_sizes(c, s, g);
    if (sizes == NULL) return c->b.status;
    size_t n = tdagi_pool_n_symbols(g->pool) * sizeof *sizes;
    for (const done_graph *d = r->done; d != NULL; d = d->next)
        if (d->of == g && d->method == r->method &&
            (n == 0 || memcmp(d->sizes, sizes, n) == 0)) {
            *out = d->less;
            return TDAG_OK;
        }
    tdag_graph *at = NULL, *less = NULL;
    void *done = NULL;
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, 1, sizeof(done_graph), &done));
    TDAGI_TRY(tdagi_graph_at(c, g, sizes, &at));
    const char *name = tdagi_pool_symbol(c->b.method->pool, 0, NULL);
    tdag_status st = TDAG_OK;
    if (has_symbol(at, name))
        st = tdag_graph_remove_dim(r->ctx, at, name, r->options, &less);
    else
        less = tdag_graph_copy(at);
    tdag_graph_free(at);
    if (st == TDAG_OK) st = fit(r, s, &less);
    if (st != TDAG_OK) {
        tdag_graph_free(less);
        return fail_at(r, s, st);
    }
    *(done_graph *)done = (done_graph){r->done, r->method, g, sizes, less};
    r->done = done;
    *out = less;
    return TDAG_OK;
}

static void do_call(removing *r, const tdagi_statement *s)
{
    tdagi_copier *c = &r->c;
    tdagi_new_call call = {.name = r->model->graphs[s->target].name,
                           .n_bindings = s->n_bindings};
    call.bindings = tdagi_copier_bindings(c, s, r->model->graphs[s->target].graph);
    if (tdagi_copier_ok(c)) c->b.status = remove_from(r, s, &call.graph);
    if (!tdagi_copier_ok(c)) return;
    tdagi_bind_sizes(c, call.graph, call.n_bindings, call.bindings);
    call.inputs = tdagi_copier_vars(c, s->inputs, s->n_inputs);
    call.results = tdagi_copier_take(c, s->n_results, sizeof *call.results);
    if (call.results == NULL) return;
    tdagi_copier_call(c, &call);
    tdagi_copier_name(c, s->results, call.results, s->n_results);
}

/* An operator whose sizes depend on data looks at all positions. */
static tdag_status check_apply(removing *r, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        const tdagi_var_info *v = tdagi_method_var(r->c.m, s->inputs[i]);
        for (uint32_t k = 0; k < v->rank; k++)
            if (is_gone(r, r->c.m, v->shape[k]))
                return fail_at(r, s,
                               tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED,
                                          "%s cannot be removed: %.80s looks at all "
                                          "positions",
                                          r->dim, s->text));
    }
    return TDAG_OK;
}

static bool do_statement(tdagi_copier *c, const tdagi_statement *s)
{
    removing *r = c->self;
    if (s->kind == TDAGI_APPLY) c->b.status = check_apply(r, s);
    if (s->kind != TDAGI_CALL) return false;
    do_call(r, s);
    return true;
}

/* Symbols that are the dimension are one symbol of the new method, its first, which no
 * type has. */
static void begin_method(tdagi_copier *c, uint32_t number)
{
    removing *r = c->self;
    int64_t sample = 1;
    r->method = number;
    const unsigned char *gone = r->gone[number];
    uint32_t n = tdagi_pool_n_symbols(c->m->pool);
    for (uint32_t s = 0; s < n; s++)
        if (gone[s]) tdagi_pool_symbol(c->m->pool, s, &sample);
    c->gone = tdagi_dim_symbol(tdagi_method_pool(&c->b), r->dim, sample);
    for (uint32_t s = 0; s < n; s++)
        if (gone[s]) c->dim_of[s] = c->gone;
    c->b.status = tdagi_pool_report(c->ctx, tdagi_method_pool(&c->b));
}

static tdag_status remove_from_program(removing *r, tdag_model **out)
{
    TDAGI_TRY(find_gone(r));
    tdag_status st = make_states(r);
    r->c.self = r;
    r->c.states = r->states;
    r->c.statement = do_statement;
    r->c.symbols = begin_method;
    if (st == TDAG_OK) st = tdagi_copy_model(&r->c, r->ctx, r->model, out);
    for (uint32_t i = 0; r->states != NULL && i < r->model->n_states; i++)
        tdag_tensor_free(r->states[i].initial);
    for (const done_graph *d = r->done; d != NULL; d = d->next)
        tdag_graph_free(d->less);
    return st;
}

/* ---- models ---- */

typedef struct remove_arguments {
    const char *dim;
    const tdag_remove_dim_options *options;
} remove_arguments;

static tdag_status remove_graph(tdag_ctx *ctx, const tdag_graph *graph,
                                const void *arguments, tdag_graph **out)
{
    const remove_arguments *a = arguments;
    return tdag_graph_remove_dim(ctx, graph, a->dim, a->options, out);
}

tdag_status tdag_remove_dim(tdag_ctx *ctx, const tdag_model *model, const char *dim,
                            const tdag_remove_dim_options *options, tdag_model **out)
{
    const remove_arguments a = {dim, options};
    tdag_remove_dim_options o;
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    if (tdag_model_get_graph(model) != NULL)
        return tdagi_model_transform(ctx, model, remove_graph, &a, out);
    TDAGI_TRY(tdagi_need(ctx, dim, "dim"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof o, options));
    if (o.n_axes > 0)
        return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                          "axes of a program are removed by their symbol only");
    removing r = {.ctx = ctx, .model = model, .dim = dim, .options = &o};
    tdagi_arena_init(&r.arena, &ctx->allocator);
    tdag_status st = remove_from_program(&r, out);
    tdagi_arena_free(&r.arena);
    return st;
}
