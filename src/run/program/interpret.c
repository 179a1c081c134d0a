/* Running a method. The plan tells which values die where; sizes that only a run can
 * tell are taken from the values that show them, and all others are checked. */
#include "run/program/interpret.h"

#include <stdio.h>
#include <string.h>

#include "run/program/apply.h"
#include "run/rounds/rounds.h"

static tdag_status run_block(tdagi_execution *f, const tdagi_block *block, uint32_t at);

/* ---- values ---- */

static void release(tdagi_execution *f, uint32_t id)
{
    tdag_tensor_free(f->values[id]);
    f->values[id] = NULL;
}

/* Values that were defined since are gone. */
static void end_scope(tdagi_execution *f, uint32_t n_trail)
{
    while (f->n_trail > n_trail)
        release(f, f->trail[--f->n_trail]);
}

static uint32_t symbol_of(const tdagi_execution *f, tdag_dim symbol)
{
    uint32_t s = 0;
    int64_t factor, offset;
    (void)tdagi_dim_is_affine(f->method->pool, symbol, &s, &factor, &offset);
    return s;
}

static void forget(tdagi_execution *f, tdag_dim symbol)
{
    f->sizes.of[symbol_of(f, symbol)] = TDAGI_SIZE_UNKNOWN;
}

/* Values get their names, sizes theirs from the values; takes the references. */
static tdag_status define(tdagi_execution *f, const tdagi_var *vars, uint32_t n,
                          tdag_tensor **tensors)
{
    for (uint32_t i = 0; i < n; i++) {
        release(f, vars[i].id);
        f->values[vars[i].id] = tensors[i];
        tensors[i] = NULL;
        f->trail[f->n_trail++] = vars[i].id;
    }
    for (uint32_t how = 0; how < TDAGI_N_TELLING; how++)
        for (uint32_t i = 0; i < n; i++)
            tdagi_sizes_tell(&f->sizes, tdagi_method_var(f->method, vars[i])->shape,
                             f->values[vars[i].id], (tdagi_telling)how);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t axis = 0;
        bool same = true;
        const tdagi_var_info *is = tdagi_method_var(f->method, vars[i]);
        const tdag_tensor *t = f->values[vars[i].id];
        TDAGI_TRY(tdagi_sizes_compare(f->ctx, &f->sizes, is->shape, t, &axis, &same));
        if (same) continue;
        char text[128];
        tdagi_dim_text(f->method->pool, is->shape[axis], text, sizeof text);
        return tdagi_fail(f->ctx, TDAG_E_SHAPE,
                          "axis %u of %s has the dim %lld, not %s", (unsigned)axis,
                          is->name == NULL ? "a value" : is->name,
                          (long long)t->shape[axis], text);
    }
    return TDAG_OK;
}

/* What a statement binds is at most what it says. */
static tdag_status check_bounds(tdagi_execution *f, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_bindings; i++) {
        const tdagi_binding *b = &s->bindings[i];
        int64_t size, bound;
        if (b->bound == TDAGI_DIM_BAD) continue;
        TDAGI_TRY(tdagi_sizes_eval(f->ctx, &f->sizes, 1, &b->symbol, &size));
        TDAGI_TRY(tdagi_sizes_eval(f->ctx, &f->sizes, 1, &b->bound, &bound));
        if (size > bound)
            return tdagi_fail(
                f->ctx, TDAG_E_SHAPE, "the size %s is %lld, not at most %lld",
                tdagi_pool_symbol(f->method->pool, symbol_of(f, b->symbol), NULL),
                (long long)size, (long long)bound);
    }
    return TDAG_OK;
}

static bool is_true(const tdagi_execution *f, tdagi_var v)
{
    return tdagi_tensor_get_i64(f->values[v.id], 0) != 0;
}

/* ---- statements ---- */

static tdag_status run_if(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                          tdag_tensor **results)
{
    uint32_t arm = is_true(f, s->inputs[0]) ? 0 : 1, n_trail = f->n_trail;
    const tdagi_block *block = &s->blocks[arm];
    TDAGI_TRY(run_block(f, block, tdagi_plan_block(&f->plan, s, at, arm)));
    for (uint32_t i = 0; i < s->n_results; i++)
        results[i] = tdag_tensor_copy(f->values[block->yields[i].id]);
    end_scope(f, n_trail);
    return TDAG_OK;
}

/* One round: carried holds the values before and after, a reference each. */
static tdag_status run_round(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                             int64_t i, tdag_tensor **carried, bool *goes_on)
{
    const tdagi_block *body = &s->blocks[0];
    const uint32_t n_trail = f->n_trail;
    tdag_tensor *index = NULL;
    for (uint32_t k = 0; k < body->n_symbols; k++)
        forget(f, body->symbols[k]);
    TDAGI_TRY(tdag_tensor_create(f->ctx, TDAG_I64, 0, NULL, &index));
    tdagi_tensor_set_i64(index, 0, i);
    TDAGI_TRY(define(f, body->params, 1, &index));
    TDAGI_TRY(define(f, body->params + 1, body->n_params - 1, carried));
    TDAGI_TRY(run_block(f, body, at + 1));
    const tdagi_var *yields = body->yields + s->has_condition;
    if (s->has_condition) *goes_on = is_true(f, body->yields[0]);
    for (uint32_t k = 0; k < s->n_results; k++)
        carried[k] = tdag_tensor_copy(f->values[yields[k].id]);
    end_scope(f, n_trail);
    return TDAG_OK;
}

#define FEW_ROUNDS 4 /* are not worth a plan of their own */

static tdag_status run_loop(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                            tdag_tensor **carried)
{
    const tdagi_var *in = s->inputs;
    int64_t limit = INT64_MAX;
    bool goes_on = true;
    if (s->has_limit) limit = tdagi_tensor_get_i64(f->values[(in++)->id], 0);
    if (s->has_condition) goes_on = is_true(f, *in++);
    for (uint32_t k = 0; k < s->n_results; k++)
        carried[k] = tdag_tensor_copy(f->values[in[k].id]);
    for (int64_t i = 0; i < limit && goes_on; i++) {
        TDAGI_TRY(tdagi_ask(f->ctx));
        TDAGI_TRY(run_round(f, s, at, i, carried, &goes_on));
        bool done = false;
        if (i == 0 && !s->has_condition && limit > FEW_ROUNDS &&
            f->graphs.engine != TDAG_ENGINE_REFERENCE)
            TDAGI_TRY(tdagi_run_rounds(f, s, limit, carried, &done));
        if (done) break;
    }
    return TDAG_OK;
}

static tdag_status run_draw(tdagi_execution *f, const tdagi_statement *s,
                            tdag_tensor **results)
{
    const tdagi_var_info *is = tdagi_method_var(f->method, s->results[0]);
    const tdag_tensor *in[2] = {NULL, NULL};
    int64_t shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < s->n_inputs; i++)
        in[i] = f->values[s->inputs[i].id];
    if (s->draw == TDAGI_DRAW_PERMUTATION) {
        shape[0] = tdagi_tensor_get_i64(in[0], 0);
        if (shape[0] < 0)
            return tdagi_fail(f->ctx, TDAG_E_SHAPE, "a permutation of %lld numbers",
                              (long long)shape[0]);
    } else {
        TDAGI_TRY(tdagi_sizes_eval(f->ctx, &f->sizes, is->rank, is->shape, shape));
    }
    TDAGI_TRY(tdag_tensor_create(f->ctx, is->dtype, is->rank, shape, &results[0]));
    return tdagi_draw(f->ctx, &f->random, (tdagi_draw_kind)s->draw, in, results[0]);
}

/* The results are what the statement says of them. */
static tdag_status check_results(const tdagi_execution *f, const tdagi_statement *s,
                                 tdag_tensor *const *results)
{
    for (uint32_t i = 0; i < s->n_results; i++) {
        const tdagi_var_info *is = tdagi_method_var(f->method, s->results[i]);
        if (results[i]->dtype != is->dtype || results[i]->rank != is->rank)
            return tdagi_fail(f->ctx, TDAG_E_DTYPE, "%s gives %s of rank %u", s->text,
                              tdag_dtype_name(results[i]->dtype),
                              (unsigned)results[i]->rank);
    }
    return TDAG_OK;
}

static tdag_status run_apply(tdagi_execution *f, const tdagi_statement *s,
                             tdag_tensor **results)
{
    void *block = NULL;
    size_t n = s->n_inputs;
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n, sizeof(tdag_tensor *), &block));
    const tdag_tensor **in = block;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        in[i] = f->values[s->inputs[i].id];
    const tdagi_apply_call call = {f->ctx,       s->arguments, s->n_inputs,
                                   s->n_results, in,           results};
    tdag_status st = tdagi_apply(&call, s->text);
    tdagi_free(f->ctx, block, n * sizeof(tdag_tensor *));
    return st == TDAG_OK ? check_results(f, s, results) : st;
}

static void run_write(tdagi_execution *f, const tdagi_statement *s)
{
    tdag_tensor **now = &f->state->now[s->target];
    tdag_tensor *value = tdag_tensor_copy(f->values[s->inputs[0].id]);
    tdag_tensor_free(*now);
    *now = value;
}

static tdag_status run_parts(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                             tdag_tensor **results)
{
    switch ((tdagi_statement_kind)s->kind) {
    case TDAGI_CALL:
        return tdagi_frame_call(f, s, at, results);
    case TDAGI_IF:
        return run_if(f, s, at, results);
    case TDAGI_LOOP:
        return run_loop(f, s, at, results);
    case TDAGI_READ:
        results[0] = tdag_tensor_copy(f->state->now[s->target]);
        return TDAG_OK;
    case TDAGI_WRITE:
        run_write(f, s);
        return TDAG_OK;
    case TDAGI_DRAW:
        return run_draw(f, s, results);
    case TDAGI_APPLY:
        return run_apply(f, s, results);
    case TDAGI_CHECK:
        return is_true(f, s->inputs[0])
                   ? TDAG_OK
                   : tdagi_fail(f->ctx, TDAG_E_CHECK, "%s", s->text);
    case TDAGI_RETURN:
        return TDAG_OK;
    }
    return tdagi_fail(f->ctx, TDAG_E_ARG, "there is no statement of that kind");
}

/* Where it went wrong, for what does not say it: "forward, statement 3 (call)". */
static void name_place(const tdagi_execution *f, const tdagi_statement *s, uint32_t at)
{
    char place[160];
    snprintf(place, sizeof place, "%.80s, statement %u (%s)", f->method->name, at + 1,
             tdagi_statement_name(s->kind));
    tdagi_fail_at_node(f->ctx, place, NULL);
}

/* results: as many as the statement has, empty. */
static tdag_status run_into(tdagi_execution *f, const tdagi_statement *s, uint32_t at,
                            tdag_tensor **results)
{
    for (uint32_t i = 0; i < s->n_bindings; i++)
        forget(f, s->bindings[i].symbol);
    TDAGI_TRY(run_parts(f, s, at, results));
    TDAGI_TRY(define(f, s->results, s->n_results, results));
    return check_bounds(f, s);
}

static tdag_status run_statement(tdagi_execution *f, const tdagi_statement *s,
                                 uint32_t at)
{
    const tdagi_method_plan *plan = &f->plan;
    void *block = NULL;
    size_t n = s->n_results;
    TDAGI_TRY(tdagi_ask(f->ctx));
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n, sizeof(tdag_tensor *), &block));
    tdag_tensor **results = block;
    tdag_status st = run_into(f, s, at, results);
    if (st != TDAG_OK) name_place(f, s, at);
    for (size_t i = 0; i < n; i++)
        tdag_tensor_free(results[i]);
    tdagi_free(f->ctx, block, n * sizeof(tdag_tensor *));
    for (uint32_t k = plan->first_dying[at]; k < plan->first_dying[at + 1]; k++)
        release(f, plan->dying[k]);
    return st;
}

static tdag_status run_block(tdagi_execution *f, const tdagi_block *block, uint32_t at)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        if (s->kind == TDAGI_RETURN) return TDAG_OK;
        TDAGI_TRY(run_statement(f, s, at));
        at += f->plan.size[at];
    }
    return TDAG_OK;
}

/* ---- methods ---- */

static const tdagi_statement *last_statement(const tdagi_method *m)
{
    const tdagi_statement *last = m->body.first;
    while (last->next != NULL)
        last = last->next;
    return last;
}

tdag_status tdagi_interpret(tdagi_execution *f, tdag_tensor *const *inputs,
                            tdag_tensor **outputs)
{
    const tdagi_block *body = &f->method->body;
    void *block = NULL;
    size_t n = body->n_params;
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n, sizeof(tdag_tensor *), &block));
    tdag_tensor **given = block;
    for (size_t i = 0; i < n; i++)
        given[i] = tdag_tensor_copy(inputs[i]);
    tdag_status st = define(f, body->params, body->n_params, given);
    tdagi_free(f->ctx, block, n * sizeof(tdag_tensor *));
    if (st == TDAG_OK) st = run_block(f, body, 0);
    const tdagi_statement *ret = last_statement(f->method);
    for (uint32_t i = 0; i < ret->n_inputs && st == TDAG_OK; i++)
        outputs[i] = tdag_tensor_copy(f->values[ret->inputs[i].id]);
    return st;
}
