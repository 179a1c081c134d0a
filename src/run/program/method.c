/* A run of a method from outside: its inputs are compared with what it takes, the
 * state is replaced as a whole when all went well. */
#include <stdio.h>

#include "program/outline/outline.h"
#include "run/program/append.h"
#include "run/program/interpret.h"
#include "run/run.h"

static tdag_status check_inputs(tdag_ctx *ctx, const tdagi_method *m,
                                tdag_tensor *const *inputs)
{
    for (uint32_t i = 0; i < m->body.n_params; i++) {
        const tdagi_var_info *is = tdagi_method_var(m, m->body.params[i]);
        char number[24];
        snprintf(number, sizeof number, "%u", (unsigned)i);
        const char *name = is->name == NULL ? number : is->name;
        if (inputs[i]->dtype != is->dtype)
            return tdagi_fail(
                ctx, TDAG_E_DTYPE, "input %.80s has dtype %s, the model takes %s", name,
                tdag_dtype_name(inputs[i]->dtype), tdag_dtype_name(is->dtype));
        if (inputs[i]->rank != is->rank)
            return tdagi_fail(ctx, TDAG_E_SHAPE,
                              "input %.80s has rank %u, the model takes %u", name,
                              (unsigned)inputs[i]->rank, (unsigned)is->rank);
    }
    return TDAG_OK;
}

static tdag_status find_appends(tdagi_execution *f)
{
    void *callees = NULL;
    const uint32_t n = f->model->n_graphs;
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n, sizeof *f->callees, &callees));
    f->callees = callees;
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(tdagi_is_append(f->ctx, f->model->graphs[i].graph,
                                  &f->callees[i].is_append));
    return TDAG_OK;
}

static tdag_status open_frame(tdagi_execution *f, const tdag_run_options *o)
{
    size_t n_vars = f->method->n_vars + 1u;
    size_t n_symbols = tdagi_pool_n_symbols(f->method->pool);
    void *values = NULL, *trail = NULL, *sizes = NULL;
    tdagi_workshop_open(&f->graphs, f->ctx, o->engine);
    tdagi_generator_seed(&f->random, o->seed);
    f->sizes.pool = f->method->pool;
    f->sizes.scratch = tdagi_pool_create(&f->ctx->allocator);
    if (f->sizes.scratch == NULL) return tdagi_nomem(f->ctx);
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n_symbols, sizeof(int64_t), &sizes));
    f->sizes.of = sizes;
    for (size_t i = 0; i < n_symbols; i++)
        f->sizes.of[i] = TDAGI_SIZE_UNKNOWN;
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n_vars, sizeof(uint32_t), &trail));
    f->trail = trail;
    TDAGI_TRY(tdagi_array_alloc(f->ctx, n_vars, sizeof(tdag_tensor *), &values));
    f->values = values;
    TDAGI_TRY(find_appends(f));
    TDAGI_TRY(tdagi_plan_make(f->ctx, f->method, &f->plan));
    return tdag_state_create(f->ctx, f->model, &f->state);
}

static void close_frame(tdagi_execution *f)
{
    size_t n_vars = f->method->n_vars + 1u;
    size_t n_symbols = tdagi_pool_n_symbols(f->method->pool);
    tdagi_workshop_close(&f->graphs);
    for (size_t i = 0; f->values != NULL && i < n_vars; i++)
        tdag_tensor_free(f->values[i]);
    if (f->values != NULL)
        tdagi_free(f->ctx, f->values, n_vars * sizeof(tdag_tensor *));
    for (uint32_t i = 0; f->callees != NULL && i < f->model->n_graphs; i++)
        tdagi_callee_free(f->ctx, &f->callees[i], f->model->graphs[i].graph);
    if (f->callees != NULL)
        tdagi_free(f->ctx, f->callees, f->model->n_graphs * sizeof *f->callees);
    if (f->trail != NULL) tdagi_free(f->ctx, f->trail, n_vars * sizeof(uint32_t));
    if (f->sizes.of != NULL)
        tdagi_free(f->ctx, f->sizes.of, n_symbols * sizeof(int64_t));
    tdagi_pool_free(f->sizes.scratch);
    tdagi_plan_free(f->ctx, &f->plan);
    tdag_state_free(f->state);
}

/* Puts the values of one state into another of the same model. */
static void move_state(const tdag_state *from, tdag_state *to)
{
    for (uint32_t i = 0; i < to->model->n_states; i++) {
        tdag_tensor *value = tdag_tensor_copy(from->now[i]);
        tdag_tensor_free(to->now[i]);
        to->now[i] = value;
    }
}

/* All or none. */
static tdag_status settle(tdag_ctx *ctx, uint32_t n, tdag_tensor **outputs)
{
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < n && st == TDAG_OK; i++)
        st = tdagi_append_settle(ctx, &outputs[i]);
    for (uint32_t i = 0; i < n && st != TDAG_OK; i++) {
        tdag_tensor_free(outputs[i]);
        outputs[i] = NULL;
    }
    return st;
}

tdag_status tdagi_run_method(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *method, tdag_tensor *const *inputs,
                             const tdag_run_options *options, tdag_tensor **outputs)
{
    TDAGI_TRY(tdagi_model_verify(ctx, model));
    TDAGI_TRY(check_inputs(ctx, method, inputs));
    if (options->state != NULL)
        TDAGI_TRY(tdagi_state_check(ctx, options->state, model));
    tdagi_execution f = {.ctx = ctx, .model = model, .method = method};
    tdag_status st = open_frame(&f, options);
    if (st == TDAG_OK && options->state != NULL) move_state(options->state, f.state);
    if (st == TDAG_OK) st = tdagi_interpret(&f, inputs, outputs);
    if (st == TDAG_OK) st = settle(ctx, method->outputs->n_tensors, outputs);
    if (st == TDAG_OK && options->state != NULL) move_state(f.state, options->state);
    close_frame(&f);
    return st;
}
