/* States: one tensor per state of a model, replaced as a whole. */
#include "run/program/state.h"

#include <string.h>

tdag_status tdag_state_create(tdag_ctx *ctx, const tdag_model *model, tdag_state **out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    void *made = NULL, *now = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdag_state), &made));
    tdag_status st =
        tdagi_array_alloc(ctx, model->n_states, sizeof(tdag_tensor *), &now);
    if (st != TDAG_OK) {
        tdagi_free(ctx, made, sizeof(tdag_state));
        return st;
    }
    tdag_state *state = made;
    state->allocator = ctx->allocator;
    state->model = tdagi_model_copy(model);
    state->now = now;
    for (uint32_t i = 0; i < model->n_states; i++)
        state->now[i] = tdag_tensor_copy(model->states[i].initial);
    *out = state;
    return TDAG_OK;
}

void tdag_state_free(tdag_state *state)
{
    if (state == NULL) return;
    tdag_allocator a = state->allocator;
    uint32_t n = state->model->n_states;
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(state->now[i]);
    tdagi_mem_free(&a, state->now, n * sizeof(tdag_tensor *));
    tdag_model_free(state->model);
    tdagi_mem_free(&a, state, sizeof *state);
}

uint32_t tdag_state_get_n(const tdag_state *state)
{
    return state == NULL ? 0 : state->model->n_states;
}

const char *tdag_state_get_name(const tdag_state *state, uint32_t i)
{
    return i < tdag_state_get_n(state) ? state->model->states[i].name : NULL;
}

const tdag_tensor *tdag_state_get(const tdag_state *state, uint32_t i)
{
    return i < tdag_state_get_n(state) ? state->now[i] : NULL;
}

/* Whether a tensor can be that state: sizes that may change are free. */
static bool fits(const tdagi_state *state, const tdag_tensor *t)
{
    const tdag_tensor *initial = state->initial;
    bool same = t->dtype == initial->dtype && t->rank == initial->rank;
    for (uint32_t k = 0; same && k < t->rank; k++)
        same = state->symbols[k] != NULL || t->shape[k] == initial->shape[k];
    return same;
}

tdag_status tdag_state_set(tdag_ctx *ctx, tdag_state *state, const char *name,
                           const tdag_tensor *value)
{
    TDAGI_TRY(tdagi_need(ctx, state, "state"));
    TDAGI_TRY(tdagi_need(ctx, name, "name"));
    TDAGI_TRY(tdagi_need(ctx, value, "value"));
    for (uint32_t i = 0; i < state->model->n_states; i++) {
        const tdagi_state *s = &state->model->states[i];
        if (strcmp(s->name, name) != 0) continue;
        if (!fits(s, value))
            return tdagi_fail(ctx, TDAG_E_SHAPE,
                              "the state %.80s has another dtype or other sizes", name);
        tdag_tensor_free(state->now[i]);
        state->now[i] = tdag_tensor_copy(value);
        return TDAG_OK;
    }
    return tdagi_fail(ctx, TDAG_E_ARG, "the model has no state named %.80s", name);
}

tdag_status tdagi_state_check(tdag_ctx *ctx, const tdag_state *state,
                              const tdag_model *model)
{
    bool same = state->model->n_states == model->n_states;
    for (uint32_t i = 0; same && i < model->n_states; i++)
        same = strcmp(state->model->states[i].name, model->states[i].name) == 0 &&
               fits(&model->states[i], state->now[i]);
    return same ? TDAG_OK
                : tdagi_fail(ctx, TDAG_E_ARG, "the state is of another model");
}
