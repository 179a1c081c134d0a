/* State: Core ML's own, which is fp16, or where that cannot hold it and the option says
 * so an input and an output, whose value goes through branches and loops. */
#include <stdio.h>
#include <string.h>

#include "base/tensor.h"
#include "coreml/write/mil.h"

/* ---- Core ML's own ---- */

static bool is_zero(const tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        if (tdagi_tensor_get_f64(t, i) != 0) return false;
    return true;
}

/* What keeps Core ML from having such a state; NULL: nothing. */
static const char *trouble_of(const tdagi_mil_writer *w, const tdagi_state *s)
{
    const tdag_tensor *t = s->initial;
    if (s->symbols != NULL)
        for (uint32_t i = 0; i < t->rank; i++)
            if (s->symbols[i] != NULL)
                return "its sizes change, and Core ML has fixed ones only; give it the "
                       "largest "
                       "size, and write its rows by position";
    if (!tdag_dtype_is_float(t->dtype))
        return "Core ML's states are fp16, and the state is of integers; write it as "
               "an "
               "input and an output (--state-inputs)";
    if (t->dtype != TDAG_F16 && !tdagi_mil_is_f16(w))
        return "Core ML's states are fp16; write with --f16, or as inputs and outputs "
               "(--state-inputs)";
    if (t->rank == 0) return "a state of no axes; give it one of size 1";
    return is_zero(t) ? NULL
                      : "Core ML's states begin as zeroes, and this one does not; add "
                        "what it begins with where it is read";
}

/* An input of the function from its first use on. */
static tdagi_mil state_of(tdagi_mil_writer *w, const tdagi_statement *s)
{
    if (w->status != TDAG_OK || w->states[s->target] != NULL)
        return w->states[s->target];
    const tdagi_state *state = &w->model->states[s->target];
    const char *trouble = trouble_of(w, state);
    tdagi_type type = {TDAG_F16, state->initial->rank, {0}};
    if (trouble != NULL) tdagi_mil_refuse(w, s, "%.80s: %s", state->name, trouble);
    if (!tdagi_mil_require(w, 18, "state") || trouble != NULL) return NULL;
    memcpy(type.shape, state->initial->shape, type.rank * sizeof *type.shape);
    tdagi_mil_value *v = tdagi_mil_new(w, state->name, &type);
    if (v == NULL) return NULL;
    tdagi_mil_push(w, &w->inputs, tdagi_mil_named_state(w, v));
    tdagi_mil_push(w, &w->keeps, v);
    if (tdagi_mil_is_noted(v->name, state->name))
        tdagi_mil_note_type(w, "state", v, state->name, TDAG_F16, false);
    w->states[s->target] = v;
    return v;
}

/* ---- inputs and outputs ---- */

static bool uses(const tdagi_block *block, uint32_t state, bool writes_only)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        if ((s->kind == TDAGI_WRITE || (s->kind == TDAGI_READ && !writes_only)) &&
            s->target == state)
            return true;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            if (uses(&s->blocks[i], state, writes_only)) return true;
    }
    return false;
}

static bool is_changed(const tdagi_mil_writer *w, const tdagi_statement *s,
                       uint32_t state)
{
    bool is = false;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        is = is || (w->held[state] != NULL && uses(&s->blocks[i], state, true));
    return is;
}

static bool is_uniform(const tdag_tensor *t)
{
    for (int64_t i = 1; i < t->count; i++)
        if (tdagi_tensor_get_f64(t, i) != tdagi_tensor_get_f64(t, 0)) return false;
    return true;
}

static void held_type(const tdagi_state *s, tdagi_type *out)
{
    *out = (tdagi_type){tdagi_coreml_held_as(s->initial->dtype), s->initial->rank, {0}};
    memcpy(out->shape, s->initial->shape, out->rank * sizeof *out->shape);
}

static void take_state(tdagi_mil_writer *w, uint32_t i)
{
    const tdagi_state *s = &w->model->states[i];
    tdagi_type own, type;
    for (uint32_t k = 0; k < s->initial->rank; k++)
        if (s->symbols != NULL && s->symbols[k] != NULL) return;
    if (!is_uniform(s->initial)) return;
    held_type(s, &own);
    type = own;
    if (type.dtype == TDAG_BOOL) type.dtype = TDAG_I64;
    if (type.rank == 0) type.shape[0] = 1;
    if (type.rank == 0) type.rank = 1;
    tdagi_mil x = tdagi_mil_add_input(w, s->name, type);
    if (x == NULL) return;
    ((tdagi_mil_value *)(uintptr_t)x)->begins_as = s->initial;
    if (own.rank == 0) x = tdagi_mil_reshape(w, x, 0, NULL);
    w->held[i] = tdagi_mil_cast(w, x, own.dtype);
    w->held_input[i] = w->takes.v[w->takes.n - 1];
}

void tdagi_mil_take_states(tdagi_mil_writer *w)
{
    const size_t n = w->model->n_states + (size_t)1;
    w->held = tdagi_mil_alloc(w, n * sizeof *w->held);
    w->held_input = tdagi_mil_alloc(w, n * sizeof *w->held_input);
    if (w->status != TDAG_OK || (w->options->flags & TDAG_COREML_STATE_INPUTS) == 0)
        return;
    const bool has_states = w->options->target == 0 || w->options->target >= 18;
    for (uint32_t i = 0; i < w->model->n_states && w->status == TDAG_OK; i++)
        if (uses(&w->method->body, i, false) &&
            (!has_states || trouble_of(w, &w->model->states[i]) != NULL))
            take_state(w, i);
}

tdagi_mil *tdagi_mil_keep_states(tdagi_mil_writer *w)
{
    const size_t size = (w->model->n_states + (size_t)1) * sizeof *w->held;
    tdagi_mil *const before = w->held, *own = tdagi_mil_alloc(w, size);
    if (own == NULL) return before;
    memcpy(own, before, size);
    w->held = own;
    return before;
}

void tdagi_mil_yield_states(tdagi_mil_writer *w, const tdagi_statement *s,
                            void (*yield)(tdagi_mil_writer *w, tdagi_mil_array *to,
                                          tdagi_mil v),
                            tdagi_mil_array *to)
{
    for (uint32_t i = 0; i < w->model->n_states && w->status == TDAG_OK; i++)
        if (is_changed(w, s, i)) yield(w, to, w->held[i]);
}

void tdagi_mil_renew_states(tdagi_mil_writer *w, const tdagi_statement *s,
                            Cml__Operation *o)
{
    for (uint32_t i = 0; i < w->model->n_states && w->status == TDAG_OK; i++) {
        tdagi_type type;
        if (!is_changed(w, s, i)) continue;
        held_type(&w->model->states[i], &type);
        tdagi_mil_value *v = tdagi_mil_new(w, w->model->states[i].name, &type);
        if (o != NULL) tdagi_mil_give(w, o, v);
        w->held[i] = v;
    }
}

/* NAME_out, of that name whatever computes it. */
static void give_state(tdagi_mil_writer *w, uint32_t i)
{
    const tdagi_state *s = &w->model->states[i];
    tdagi_mil v = w->held[i];
    const tdagi_mil input = w->held_input[i];
    const size_t size = strlen(input->name) + 8;
    char *name = tdagi_mil_alloc(w, size);
    if (name == NULL) return;
    snprintf(name, size, "%s_out", input->name);
    if (v->type.dtype == TDAG_BOOL) v = tdagi_mil_cast(w, v, TDAG_I64);
    if (v != NULL && v->type.dtype == TDAG_F32) v = tdagi_mil_cast(w, v, TDAG_F64);
    tdagi_mil_value *own = v == NULL ? NULL : tdagi_mil_new(w, name, &v->type);
    if (own == NULL) return;
    Cml__Operation *o = tdagi_mil_add(w, "identity", own->name);
    tdagi_mil_bind(w, o, "x", 1, &v);
    tdagi_mil_give(w, o, own);
    tdagi_mil_add_output(w, own);
    tdagi_mil_note(w, "kept", input->name, own->name);
    tdagi_mil_note_type(w, "state", input, s->name, s->initial->dtype,
                        s->initial->rank == 0);
}

void tdagi_mil_give_states(tdagi_mil_writer *w)
{
    for (uint32_t i = 0; i < w->model->n_states && w->status == TDAG_OK; i++)
        if (w->held[i] != NULL) give_state(w, i);
}

static void access_held(tdagi_mil_writer *w, const tdagi_statement *s)
{
    if (s->kind == TDAGI_READ)
        tdagi_mil_define(w, s->results[0], w->held[s->target]);
    else
        w->held[s->target] = tdagi_mil_read_var(w, s->inputs[0]);
}

void tdagi_mil_write_access(tdagi_mil_writer *w, const tdagi_statement *s)
{
    if (w->status == TDAG_OK && w->held[s->target] != NULL) {
        access_held(w, s);
        return;
    }
    tdagi_mil state = state_of(w, s);
    if (state == NULL) return;
    if (s->kind == TDAGI_READ) {
        tdagi_mil_define(w, s->results[0],
                         tdagi_mil_op(w, &state->type, "read_state(input=%v)", state));
        return;
    }
    tdagi_mil v = tdagi_mil_cast(w, tdagi_mil_read_var(w, s->inputs[0]), TDAG_F16);
    if (v == NULL) return;
    if (tdagi_pool_n_symbols(w->pool) > 0) /* its sizes may not be seen to be fixed */
        v = tdagi_mil_op(w, &state->type, "reshape(x=%v, shape=%v)", v,
                         tdagi_mil_ints(w, state->type.rank, state->type.shape));
    Cml__Operation *o = tdagi_mil_add(w, "write_state", tdagi_mil_name(w, "write"));
    tdagi_mil_bind(w, o, "input", 1, &state);
    tdagi_mil_bind(w, o, "data", 1, &v);
}
