/* An input or a state that is a constant from now on. */
#include <stdio.h>
#include <string.h>

#include <tdagger/control.h>
#include <tdagger/simplify.h>

#include "base/tensor.h"
#include "transform/program/copy.h"

typedef struct fixing {
    tdagi_copier c;
    const char *name;
    const tdag_tensor *value;
    uint32_t state; /* its number; TDAG_NO_INDEX: an input is fixed */
    uint32_t n_found;
} fixing;

/* The value in the new method. */
static tdagi_var add_value(fixing *f)
{
    tdagi_copier *c = &f->c;
    tdag_builder *b = NULL;
    if (tdagi_copier_ok(c)) c->b.status = tdag_builder_create(c->ctx, &b);
    tdag_builder_add_output(b, tdag_add_tensor(b, TDAG_OP_CONSTANT, NULL, f->value));
    return tdagi_copier_call_made(c, b, "fixed", NULL);
}

/* ---- methods ---- */

static bool is_input(const fixing *f, uint32_t i)
{
    char by_position[16];
    const tdagi_method *m = f->c.m;
    const char *name = tdagi_method_var(m, m->body.params[i])->name;
    snprintf(by_position, sizeof by_position, "in%u", (unsigned)i);
    return strcmp(f->name, name == NULL ? by_position : name) == 0 ||
           strcmp(f->name, by_position) == 0;
}

/* Whether input i of the method is the one; then it is none of the new method. */
static bool drop_input(tdagi_copier *c, uint32_t i)
{
    fixing *f = c->self;
    if (f->state != TDAG_NO_INDEX || !is_input(f, i)) return false;
    const tdagi_var_info *is = tdagi_method_var(c->m, c->m->body.params[i]);
    if (is->rank != 0 || is->dtype != f->value->dtype || f->value->rank != 0)
        c->b.status =
            tdagi_fail(c->ctx, TDAG_E_SHAPE,
                       "input %.80s is %s of rank %u, and only a number of "
                       "its own dtype can be given to it for good",
                       f->name, tdag_dtype_name(is->dtype), (unsigned)is->rank);
    const tdag_tensor **known =
        tdagi_copier_take(c, c->m->body.n_params, sizeof *known);
    if (!tdagi_copier_ok(c)) return true;
    known[i] = f->value;
    c->b.status = tdagi_structure_settle(c->ctx, c->m->inputs, known, &c->inputs);
    f->n_found++;
    return true;
}

static void begin_method(tdagi_copier *c)
{
    fixing *f = c->self;
    for (uint32_t i = 0; f->state == TDAG_NO_INDEX && i < c->m->body.n_params; i++)
        if (c->var_of[c->m->body.params[i].id].id == 0)
            c->var_of[c->m->body.params[i].id] = add_value(f);
}

static bool do_statement(tdagi_copier *c, const tdagi_statement *s)
{
    fixing *f = c->self;
    bool is_access = s->kind == TDAGI_READ || s->kind == TDAGI_WRITE;
    if (!is_access || s->target != f->state) return false;
    if (s->kind == TDAGI_READ) tdagi_copier_map(c, s->results[0], add_value(f));
    return true;
}

/* ---- models ---- */

static tdag_status check_state(const fixing *f, const tdagi_state *state)
{
    const tdag_tensor *t = f->value, *was = state->initial;
    bool fits = t->dtype == was->dtype && t->rank == was->rank;
    for (uint32_t k = 0; k < t->rank && fits; k++)
        fits = t->shape[k] == was->shape[k] || state->symbols[k] != NULL;
    return fits ? TDAG_OK
                : tdagi_fail(
                      f->c.ctx, TDAG_E_SHAPE,
                      "the value is not of the dtype and the sizes of state %.80s",
                      state->name);
}

/* The copy, a graph if it was one, simplified. */
static tdag_status finish(tdag_ctx *ctx, bool was_graph, const tdag_model *made,
                          tdag_model **out)
{
    tdag_model *graph = NULL;
    if (!was_graph) return tdag_simplify(ctx, made, NULL, out);
    TDAGI_TRY(tdag_inline(ctx, made, &graph));
    tdag_status st = tdag_simplify(ctx, graph, NULL, out);
    tdag_model_free(graph);
    return st;
}

tdag_status tdag_fix(tdag_ctx *ctx, const tdag_model *model, const char *name,
                     const tdag_tensor *value, tdag_model **out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, name, "name"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    fixing f = {.name = name, .value = value};
    f.state = tdag_model_find_state(model, name);
    f.c = (tdagi_copier){.ctx = ctx, .self = &f};
    if (f.state != TDAG_NO_INDEX) {
        if (value == NULL) f.value = model->states[f.state].initial;
        TDAGI_TRY(check_state(&f, &model->states[f.state]));
        f.c.drops_state = f.state + 1;
    }
    if (f.value == NULL)
        return tdagi_fail(ctx, TDAG_E_ARG,
                          "there is no state %.80s, and an input needs a value", name);
    f.c.input = drop_input;
    f.c.method = begin_method;
    f.c.statement = do_statement;
    tdag_model *made = NULL;
    TDAGI_TRY(tdagi_copy_model(&f.c, ctx, model, &made));
    tdag_status st =
        f.n_found == 0 && f.state == TDAG_NO_INDEX
            ? tdagi_fail(ctx, TDAG_E_ARG, "there is no input or state %.80s", name)
            : finish(ctx, tdag_model_get_graph(model) != NULL, made, out);
    tdag_model_free(made);
    return st;
}
