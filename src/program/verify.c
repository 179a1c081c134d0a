/* tdagi_model_verify: SSA, scopes, types of programs. One walk in the order of the
 * text; trails of what was defined are cut back where a block ends. */
#include "program/verify.h"

#include <stdio.h>
#include <string.h>

#include <tdagger/program.h>

/* Counts the statements of a block and those inside, as far as `at`; true if it is one
 * of them. */
static bool count_to(const tdagi_block *block, const tdagi_statement *at, uint32_t *n)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        ++*n;
        if (s == at) return true;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            if (count_to(&s->blocks[i], at, n)) return true;
    }
    return false;
}

uint32_t tdagi_statement_number(const tdagi_method *m, const tdagi_statement *s)
{
    uint32_t n = 0;
    return count_to(&m->body, s, &n) ? n : 0;
}

tdag_status tdagi_verify_fail(const tdagi_verifier *v, tdag_status status,
                              const char *format, ...)
{
    char rule[256], place[64] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(rule, sizeof rule, format, args);
    va_end(args);
    uint32_t position = 0;
    if (v->at != NULL && count_to(&v->method->body, v->at, &position))
        snprintf(place, sizeof place, ", statement %u (%s)", (unsigned)position,
                 tdagi_statement_name(v->at->kind));
    return tdagi_fail(v->ctx, status, "method %.80s%s: %s", v->method->name, place,
                      rule);
}

/* ---- scopes ---- */

static tdag_status no_such(const tdagi_verifier *v, tdagi_var var)
{
    return tdagi_verify_fail(v, TDAG_E_ARG, "there is no value %u", (unsigned)var.id);
}

tdag_status tdagi_verify_use(const tdagi_verifier *v, tdagi_var var,
                             const tdagi_var_info **out)
{
    if (var.id == 0 || var.id > v->method->n_vars) return no_such(v, var);
    if (v->vars[var.id] != TDAGI_IN_SCOPE)
        return tdagi_verify_fail(v, TDAG_E_ARG, "value %u is %s", (unsigned)var.id,
                                 v->vars[var.id] == TDAGI_NOT_YET
                                     ? "used before it is defined"
                                     : "used outside its block");
    *out = tdagi_method_var(v->method, var);
    return TDAG_OK;
}

static tdag_status check_ids(const tdagi_verifier *v, const tdagi_var *vars, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (vars[i].id == 0 || vars[i].id > v->method->n_vars)
            return no_such(v, vars[i]);
    return TDAG_OK;
}

static tdag_status use_all(const tdagi_verifier *v, const tdagi_var *vars, uint32_t n)
{
    const tdagi_var_info *info;
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(tdagi_verify_use(v, vars[i], &info));
    return TDAG_OK;
}

static tdag_status check_dim(const tdagi_verifier *v, tdag_dim d)
{
    if (d >= 0) return TDAG_OK;
    for (uint32_t s = 0; s < v->n_symbols; s++)
        if (v->symbols[s] != TDAGI_IN_SCOPE && tdagi_dim_has_symbol(v->pool, d, s))
            return tdagi_verify_fail(v, TDAG_E_SHAPE,
                                     "a size has the symbol %.80s, which is not bound",
                                     tdagi_pool_symbol(v->pool, s, NULL));
    if (tdagi_dim_sample(v->pool, d) < 0)
        return tdagi_verify_fail(v, TDAG_E_SHAPE, "a size is negative");
    return TDAG_OK;
}

static tdag_status define(tdagi_verifier *v, tdagi_var var)
{
    if (var.id == 0 || var.id > v->method->n_vars || v->vars[var.id] != TDAGI_NOT_YET)
        return tdagi_verify_fail(v, TDAG_E_ARG, "value %u is defined twice",
                                 (unsigned)var.id);
    const tdagi_var_info *info = tdagi_method_var(v->method, var);
    if (tdag_dtype_size(info->dtype) == 0 || info->rank > TDAG_MAX_RANK)
        return tdagi_verify_fail(v, TDAG_E_DTYPE, "value %u has no type",
                                 (unsigned)var.id);
    for (uint32_t i = 0; i < info->rank; i++)
        TDAGI_TRY(check_dim(v, info->shape[i]));
    v->vars[var.id] = TDAGI_IN_SCOPE;
    v->var_trail[v->n_var_trail++] = var.id;
    return TDAG_OK;
}

static tdag_status define_all(tdagi_verifier *v, const tdagi_var *vars, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(define(v, vars[i]));
    return TDAG_OK;
}

static tdag_status bind(tdagi_verifier *v, tdag_dim symbol)
{
    uint32_t s = 0;
    while (s < v->n_symbols && tdagi_pool_symbol_dim(v->pool, s) != symbol)
        s++;
    if (s == v->n_symbols || v->symbols[s] != TDAGI_NOT_YET)
        return tdagi_verify_fail(v, TDAG_E_ARG,
                                 "what is bound is no symbol or bound twice");
    v->symbols[s] = TDAGI_IN_SCOPE;
    v->symbol_trail[v->n_symbol_trail++] = s;
    return TDAG_OK;
}

static tdag_status bind_all(tdagi_verifier *v, const tdagi_statement *s)
{
    for (uint32_t i = 0; i < s->n_bindings; i++)
        if (s->bindings[i].bound != TDAGI_DIM_BAD)
            TDAGI_TRY(check_dim(v, s->bindings[i].bound));
    for (uint32_t i = 0; i < s->n_bindings; i++)
        TDAGI_TRY(bind(v, s->bindings[i].symbol));
    return TDAG_OK;
}

/* A size that the statement finds is one that a value has. */
static tdag_status check_found(const tdagi_verifier *v, tdag_dim symbol,
                               const tdagi_var *vars, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_var_info *is = tdagi_method_var(v->method, vars[i]);
        for (uint32_t k = 0; k < is->rank; k++)
            if (is->shape[k] == symbol) return TDAG_OK;
    }
    return tdagi_verify_fail(v, TDAG_E_SHAPE,
                             "a symbol that it binds is no value's size");
}

static tdag_status check_all_found(const tdagi_verifier *v)
{
    const tdagi_statement *s = v->at;
    for (uint32_t i = 0; s->kind != TDAGI_CALL && i < s->n_bindings; i++)
        TDAGI_TRY(check_found(v, s->bindings[i].symbol, s->results, s->n_results));
    return TDAG_OK;
}

/* Ends a block that began when the trails were as long as that. */
static void leave(tdagi_verifier *v, uint32_t n_vars, uint32_t n_symbols)
{
    while (v->n_var_trail > n_vars)
        v->vars[v->var_trail[--v->n_var_trail]] = TDAGI_OUT_OF_SCOPE;
    while (v->n_symbol_trail > n_symbols)
        v->symbols[v->symbol_trail[--v->n_symbol_trail]] = TDAGI_OUT_OF_SCOPE;
}

/* ---- types ---- */

bool tdagi_verify_is_bound_here(const tdagi_verifier *v, tdag_dim d)
{
    uint32_t i = 0;
    while (i < v->at->n_bindings && v->at->bindings[i].symbol != d)
        i++;
    return i < v->at->n_bindings;
}

tdag_status tdagi_verify_form(const tdagi_verifier *v, const tdagi_var_info *is,
                              tdag_dtype dtype, uint32_t rank, const char *what)
{
    if (is->dtype != dtype || is->rank != rank)
        return tdagi_verify_fail(v, is->dtype != dtype ? TDAG_E_DTYPE : TDAG_E_SHAPE,
                                 "%s is %s of rank %u, not %s of rank %u", what,
                                 tdag_dtype_name(is->dtype), (unsigned)is->rank,
                                 tdag_dtype_name(dtype), (unsigned)rank);
    return TDAG_OK;
}

tdag_status tdagi_verify_scalar(const tdagi_verifier *v, tdagi_var var,
                                tdag_dtype dtype, const char *what)
{
    const tdagi_var_info *is = NULL;
    TDAGI_TRY(tdagi_verify_use(v, var, &is));
    return tdagi_verify_form(v, is, dtype, 0, what);
}

static tdag_status check_block(tdagi_verifier *v, const tdagi_block *block);

/* ---- if ---- */

/* A result is what either arm yields, but for sizes that are bound by the if. */
static tdag_status check_arm(const tdagi_verifier *v, const tdagi_statement *s,
                             const tdagi_block *arm)
{
    if (arm->n_yields != s->n_results)
        return tdagi_verify_fail(v, TDAG_E_ARG, "an arm yields %u values, not %u",
                                 (unsigned)arm->n_yields, (unsigned)s->n_results);
    for (uint32_t i = 0; i < s->n_results; i++) {
        const tdagi_var_info *is = NULL, *as = &v->method->vars[s->results[i].id];
        TDAGI_TRY(tdagi_verify_use(v, arm->yields[i], &is));
        TDAGI_TRY(tdagi_verify_form(v, is, as->dtype, as->rank, "what an arm yields"));
        for (uint32_t k = 0; k < is->rank; k++)
            if (is->shape[k] != as->shape[k] &&
                !tdagi_verify_is_bound_here(v, as->shape[k]))
                return tdagi_verify_fail(
                    v, TDAG_E_SHAPE, "an arm yields another size than the result's");
    }
    return TDAG_OK;
}

static tdag_status check_if(tdagi_verifier *v)
{
    const tdagi_statement *s = v->at;
    if (s->n_inputs != 1 || s->n_blocks != 2)
        return tdagi_verify_fail(v, TDAG_E_ARG, "it takes one condition and two arms");
    TDAGI_TRY(tdagi_verify_scalar(v, s->inputs[0], TDAG_BOOL, "the condition"));
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t n_vars = v->n_var_trail, n_symbols = v->n_symbol_trail;
        if (s->blocks[i].n_params != 0 || s->blocks[i].n_symbols != 0)
            return tdagi_verify_fail(v, TDAG_E_ARG, "an arm has parameters");
        TDAGI_TRY(check_block(v, &s->blocks[i]));
        v->at = s;
        TDAGI_TRY(check_arm(v, s, &s->blocks[i]));
        leave(v, n_vars, n_symbols);
    }
    return TDAG_OK;
}

/* ---- loop ---- */

static bool is_local(const tdagi_block *body, tdag_dim d)
{
    uint32_t i = 0;
    while (i < body->n_symbols && body->symbols[i] != d)
        i++;
    return i < body->n_symbols;
}

/* What enters or is yielded as carried value `param`. A symbol of the loop may be any
 * size, but one only: sizes[axis of all] keeps the first. */
static tdag_status check_carried(const tdagi_verifier *v, const tdagi_block *body,
                                 tdagi_var var, tdagi_var param, tdag_dim *sizes)
{
    const tdagi_var_info *is = NULL, *as = tdagi_method_var(v->method, param);
    TDAGI_TRY(tdagi_verify_use(v, var, &is));
    TDAGI_TRY(tdagi_verify_form(v, is, as->dtype, as->rank, "a carried value"));
    for (uint32_t k = 0; k < is->rank; k++) {
        tdag_dim want = as->shape[k];
        for (uint32_t i = 0; i < body->n_symbols; i++) {
            if (body->symbols[i] != want) continue;
            if (sizes[i] == TDAGI_DIM_BAD) sizes[i] = is->shape[k];
            want = sizes[i];
            break;
        }
        if (is->shape[k] != want)
            return tdagi_verify_fail(v, TDAG_E_SHAPE,
                                     "a carried value changes a size that is no "
                                     "symbol of the loop");
    }
    return TDAG_OK;
}

static tdag_status check_all_carried(const tdagi_verifier *v, const tdagi_block *body,
                                     const tdagi_var *vars)
{
    void *block = NULL;
    size_t n = body->n_symbols;
    TDAGI_TRY(tdagi_array_alloc(v->ctx, n, sizeof(tdag_dim), &block));
    tdag_dim *sizes = block;
    for (size_t i = 0; i < n; i++)
        sizes[i] = TDAGI_DIM_BAD;
    tdag_status st = TDAG_OK;
    for (uint32_t i = 1; i < body->n_params && st == TDAG_OK; i++)
        st = check_carried(v, body, vars[i - 1], body->params[i], sizes);
    tdagi_free(v->ctx, block, n * sizeof(tdag_dim));
    return st;
}

/* A result is the carried value, its changing sizes symbols that the loop binds. */
static tdag_status check_loop_result(const tdagi_verifier *v, const tdagi_block *body,
                                     tdagi_var result, tdagi_var param)
{
    const tdagi_var_info *is = tdagi_method_var(v->method, result),
                         *as = tdagi_method_var(v->method, param);
    TDAGI_TRY(tdagi_verify_form(v, is, as->dtype, as->rank, "a result"));
    for (uint32_t k = 0; k < is->rank; k++)
        if (is_local(body, as->shape[k]) ? !tdagi_verify_is_bound_here(v, is->shape[k])
                                         : is->shape[k] != as->shape[k])
            return tdagi_verify_fail(v, TDAG_E_SHAPE,
                                     "a result has not the size of what is carried");
    return TDAG_OK;
}

static tdag_status check_loop_counts(const tdagi_verifier *v, uint32_t n_head)
{
    const tdagi_statement *s = v->at;
    if (!s->has_limit && !s->has_condition)
        return tdagi_verify_fail(v, TDAG_E_ARG, "it has neither limit nor condition");
    if (s->n_blocks != 1 || s->n_inputs < n_head || s->blocks[0].n_params == 0)
        return tdagi_verify_fail(v, TDAG_E_ARG, "its parts are not those of a loop");
    const tdagi_block *body = &s->blocks[0];
    TDAGI_TRY(check_ids(v, body->params, body->n_params));
    uint32_t n = body->n_params - 1;
    if (s->n_inputs - n_head != n || s->n_results != n ||
        body->n_yields != n + s->has_condition)
        return tdagi_verify_fail(v, TDAG_E_ARG,
                                 "%u values are carried, %u enter, %u are yielded, %u "
                                 "are results",
                                 (unsigned)n, (unsigned)(s->n_inputs - n_head),
                                 (unsigned)body->n_yields, (unsigned)s->n_results);
    return TDAG_OK;
}

static tdag_status check_body(tdagi_verifier *v, const tdagi_statement *s)
{
    const tdagi_block *body = &s->blocks[0];
    TDAGI_TRY(check_block(v, body));
    v->at = s;
    TDAGI_TRY(tdagi_verify_scalar(v, body->params[0], TDAG_I64, "the index"));
    if (s->has_condition)
        TDAGI_TRY(tdagi_verify_scalar(v, body->yields[0], TDAG_BOOL, "the condition"));
    return check_all_carried(v, body,
                             s->has_condition ? body->yields + 1 : body->yields);
}

static tdag_status check_loop(tdagi_verifier *v)
{
    const tdagi_statement *s = v->at;
    uint32_t n_head = (uint32_t)s->has_limit + s->has_condition;
    uint32_t n_vars = v->n_var_trail, n_symbols = v->n_symbol_trail;
    TDAGI_TRY(check_loop_counts(v, n_head));
    if (s->has_limit)
        TDAGI_TRY(tdagi_verify_scalar(v, s->inputs[0], TDAG_I64, "the limit"));
    if (s->has_condition)
        TDAGI_TRY(
            tdagi_verify_scalar(v, s->inputs[n_head - 1], TDAG_BOOL, "the condition"));
    const tdagi_block *body = &s->blocks[0];
    for (uint32_t i = 0; i < body->n_symbols; i++)
        TDAGI_TRY(check_found(v, body->symbols[i], body->params, body->n_params));
    TDAGI_TRY(check_all_carried(v, body, n_head ? s->inputs + n_head : s->inputs));
    TDAGI_TRY(check_body(v, s));
    leave(v, n_vars, n_symbols);
    for (uint32_t i = 0; i < s->n_results; i++)
        TDAGI_TRY(check_loop_result(v, &s->blocks[0], s->results[i],
                                    s->blocks[0].params[i + 1]));
    return TDAG_OK;
}

/* ---- statements ---- */

static tdag_status check_parts(tdagi_verifier *v)
{
    switch ((tdagi_statement_kind)v->at->kind) {
    case TDAGI_CALL:
        return tdagi_verify_call(v);
    case TDAGI_IF:
        return check_if(v);
    case TDAGI_LOOP:
        return check_loop(v);
    case TDAGI_READ:
    case TDAGI_WRITE:
    case TDAGI_DRAW:
    case TDAGI_APPLY:
    case TDAGI_CHECK:
    case TDAGI_RETURN:
        return tdagi_verify_leaf_statement(v);
    }
    return tdagi_verify_fail(v, TDAG_E_ARG, "there is no statement of that kind");
}

/* The statement's symbols are bound when its blocks have ended: they do not see them.
 */
static tdag_status check_statement(tdagi_verifier *v, const tdagi_statement *s)
{
    v->at = s;
    if (s->kind == TDAGI_RETURN && s != v->last)
        return tdagi_verify_fail(v, TDAG_E_ARG, "it is not the last of the method");
    TDAGI_TRY(check_ids(v, s->results, s->n_results));
    TDAGI_TRY(use_all(v, s->inputs, s->n_inputs));
    bool has_blocks = s->kind == TDAGI_IF || s->kind == TDAGI_LOOP;
    if (!has_blocks && s->n_blocks != 0)
        return tdagi_verify_fail(v, TDAG_E_ARG, "it has blocks");
    if (!has_blocks) TDAGI_TRY(bind_all(v, s));
    TDAGI_TRY(check_parts(v));
    v->at = s;
    if (has_blocks) TDAGI_TRY(bind_all(v, s));
    TDAGI_TRY(check_all_found(v));
    return define_all(v, s->results, s->n_results);
}

/* Parameters, statements and the use of what is yielded; the block stays open. */
static tdag_status check_block(tdagi_verifier *v, const tdagi_block *block)
{
    for (uint32_t i = 0; i < block->n_symbols; i++)
        TDAGI_TRY(bind(v, block->symbols[i]));
    TDAGI_TRY(define_all(v, block->params, block->n_params));
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        TDAGI_TRY(check_statement(v, s));
    return use_all(v, block->yields, block->n_yields);
}

/* ---- methods ---- */

static tdag_status check_end(tdagi_verifier *v)
{
    const tdagi_method *m = v->method;
    const tdagi_statement *last = v->last;
    v->at = NULL;
    if (last == NULL || last->kind != TDAGI_RETURN)
        return tdagi_verify_fail(v, TDAG_E_ARG, "it does not return");
    if (m->inputs->n_tensors != m->body.n_params ||
        m->outputs->n_tensors != last->n_inputs)
        return tdagi_verify_fail(v, TDAG_E_ARG,
                                 "a structure has not as many tensors as the method");
    return TDAG_OK;
}

static tdag_status check_method(tdagi_verifier *v)
{
    TDAGI_TRY(check_block(v, &v->method->body));
    TDAGI_TRY(check_end(v));
    return tdagi_pool_report(v->ctx, v->pool);
}

static tdag_status verify_method(tdag_ctx *ctx, const tdag_model *model,
                                 const tdagi_method *m, uint32_t *number_out)
{
    size_t n_vars = m->n_vars + 1u;
    size_t n_symbols = tdagi_pool_n_symbols(m->pool) + 1u;
    size_t size = (n_vars + n_symbols) * (sizeof(uint32_t) + 1);
    void *block = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, size, &block));
    tdagi_verifier v = {.ctx = ctx, .model = model, .method = m, .last = m->body.first};
    while (v.last != NULL && v.last->next != NULL)
        v.last = v.last->next;
    v.n_symbols = (uint32_t)n_symbols - 1;
    v.var_trail = block;
    v.symbol_trail = v.var_trail + n_vars;
    v.vars = (unsigned char *)(v.symbol_trail + n_symbols);
    v.symbols = v.vars + n_vars;
    v.pool = tdagi_pool_clone(m->pool);
    tdag_status st = v.pool == NULL ? tdagi_nomem(ctx) : check_method(&v);
    *number_out = 0;
    if (st != TDAG_OK && v.at != NULL) count_to(&m->body, v.at, number_out);
    tdagi_pool_free(v.pool);
    tdagi_free(ctx, block, size);
    return st;
}

tdag_status tdagi_model_verify_where(tdag_ctx *ctx, const tdag_model *model,
                                     const tdagi_method **method_out,
                                     uint32_t *statement_out)
{
    if (model->n_methods == 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "the model has no method");
    for (uint32_t i = 0; i < model->n_methods; i++) {
        *method_out = model->methods[i];
        TDAGI_TRY(verify_method(ctx, model, model->methods[i], statement_out));
    }
    return TDAG_OK;
}

tdag_status tdagi_model_verify(tdag_ctx *ctx, const tdag_model *model)
{
    const tdagi_method *method;
    uint32_t statement;
    return tdagi_model_verify_where(ctx, model, &method, &statement);
}

tdag_status tdag_model_verify(tdag_ctx *ctx, const tdag_model *model)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    for (uint32_t i = 0; i < model->n_graphs; i++)
        TDAGI_TRY(tdag_verify(ctx, model->graphs[i].graph));
    return tdagi_model_verify(ctx, model);
}
