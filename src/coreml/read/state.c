/* State: an input of a function that lives between its calls, read and written where
 * the program says so. It is zero at first. */
#include "coreml/read/import.h"

#include <string.h>

#include "aten/control/merge.h"
#include "aten/selection.h"
#include "base/tensor.h"
#include "derive/derive.h"

/* What no state of the function is called: as noted, as in the file, or like that. */
static const char *name_of(tdagi_cml *im, const char *noted, const char *own)
{
    const char *name = noted;
    const tdagi_cml_state *s = im->states;
    while (s != NULL && name != NULL) {
        if (strcmp(s->name, name) != 0) {
            s = s->next;
            continue;
        }
        name = name == noted && strcmp(noted, own) != 0
                   ? own
                   : tdagi_env_text(&im->env, "%s_", name);
        s = im->states;
    }
    return name;
}

void tdagi_cml_add_state(tdagi_cml *im, const char *name, const Cml__TensorType *type)
{
    tdagi_env *env = &im->env;
    tdag_dim dims[TDAG_MAX_RANK];
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    const char *called = name;
    bool is_scalar;
    if (!tdagi_cml_type(im, name, type, &dtype, dims)) return;
    tdagi_cml_state *s = tdagi_env_alloc(env, sizeof(*s)), **end = &im->states;
    (void)tdagi_cml_noted_type(im, "state", name, dtype, &called, &is_scalar);
    called = name_of(im, called, name);
    if (s == NULL || !tdagi_env_ok(env)) return;
    *s = (tdagi_cml_state){.name = called, .of = name};
    env->status = tdag_tensor_create(env->ctx, dtype, (uint32_t)type->n_dimensions,
                                     dims, &s->initial);
    if (!tdagi_env_ok(env)) return;
    memset(s->initial->data, 0, s->initial->size);
    while (*end != NULL)
        end = &(*end)->next;
    *end = s;
}

void tdagi_cml_declare_states(tdagi_cml *im)
{
    for (tdagi_cml_state *s = im->states; s != NULL; s = s->next) {
        const tdagi_outline_state state = {.name = s->name, .initial = s->initial};
        s->index = tdagi_outline_add_state(im->env.outline, &state);
    }
}

/* The state that an operand names. */
static const tdagi_cml_state *state_of(tdagi_cml *im, const Cml__Operation *op)
{
    const Cml__Argument *a = tdagi_cml_argument(op, "input");
    bool named = a != NULL && a->n_arguments == 1 &&
                 a->arguments[0]->binding_case == CML__BINDING__BINDING_NAME;
    const tdagi_cml_state *s = named ? im->states : NULL;
    while (s != NULL && (s->of == NULL || strcmp(s->of, a->arguments[0]->name) != 0))
        s = s->next;
    if (s == NULL && im->env.n_issues == 0) tdagi_cml_bad(im, "its input is no state");
    return s;
}

static tdagi_outline_statement *add(tdagi_cml *im, int kind, const tdagi_cml_state *s)
{
    const tdagi_statement_spec what = {.kind = (uint8_t)kind, .target = s->index};
    tdagi_outline_statement *made = tdagi_outline_add(im->env.outline, &what);
    if (made == NULL && tdagi_env_ok(&im->env))
        im->env.status = tdagi_nomem(im->env.ctx);
    return made;
}

void tdagi_cml_read_state(tdagi_cml *im, const Cml__Operation *op)
{
    const tdagi_cml_state *s = state_of(im, op);
    if (s == NULL) {
        tdagi_cml_give(im, op, tdagi_any_poison());
        return;
    }
    const tdag_tensor *t = s->initial;
    tdag_value v = tdagi_given(&im->env, t->dtype, t->rank, t->shape);
    tdagi_outline_statement *read = add(im, TDAGI_READ, s);
    if (read == NULL || v.id == 0) return;
    read->results = tdagi_outline_keep(im->env.outline, 1, &v);
    tdagi_cml_give(im, op, tdagi_any_tensor(tdagi_cell_new(&im->env, v)));
}

void tdagi_cml_write_state(tdagi_cml *im, const Cml__Operation *op)
{
    tdagi_env *env = &im->env;
    const tdagi_cml_state *s = state_of(im, op);
    const Cml__Argument *a = tdagi_cml_argument(op, "data");
    if (a == NULL || a->n_arguments != 1) tdagi_cml_bad(im, "it has no data");
    if (s == NULL || !tdagi_env_ok(env)) return;
    tdagi_any v = tdagi_cml_binding(im, a->arguments[0]);
    if (v.kind != TDAGI_ANY_TENSOR) {
        tdagi_env_note_poison(env, &v);
        return;
    }
    tdag_value x = tdagi_cell_read(env, v.u.tensor);
    const tdag_tensor *t = s->initial;
    bool same = x.id != 0 && tdag_builder_get_rank(env->b, x) == t->rank &&
                tdag_builder_get_dtype(env->b, x) == t->dtype;
    for (uint32_t i = 0; same && i < t->rank; i++)
        same = tdag_builder_get_shape(env->b, x)[i] == t->shape[i];
    if (!same) {
        tdagi_cml_bad(im, "what it writes is not of the type of the state %.200s",
                      s->name);
        return;
    }
    tdagi_outline_statement *write = add(im, TDAGI_WRITE, s);
    if (write != NULL) write->inputs = tdagi_outline_keep(env->outline, 1, &x);
}

/* ---- inputs and outputs that stand for a state ---- */

/* The line "kept INPUT OUTPUT" makes it one; "state INPUT NAME DTYPE" tells the rest.
 */
bool tdagi_cml_is_kept(tdagi_cml *im, const char *input)
{
    return tdagi_cml_note(im, "kept", input) != NULL;
}

void tdagi_cml_keep_input(tdagi_cml *im, const char *input, const Cml__TensorType *type,
                          const Cml__FeatureType *is)
{
    tdagi_env *env = &im->env;
    tdag_dim dims[TDAG_MAX_RANK];
    tdag_dtype dtype = TDAG_DTYPE_NONE;
    const char *name = input;
    bool is_scalar;
    if (!tdagi_cml_type(im, input, type, &dtype, dims)) return;
    tdagi_cml_state *s = tdagi_env_alloc(env, sizeof(*s)), **end = &im->states;
    const tdag_dtype own =
        tdagi_cml_noted_type(im, "state", input, dtype, &name, &is_scalar);
    name = name_of(im, name, input);
    if (s == NULL || !tdagi_env_ok(env)) return;
    is_scalar = is_scalar && type->n_dimensions == 1 && dims[0] == 1;
    *s = (tdagi_cml_state){.name = name,
                           .input = input,
                           .output = tdagi_cml_note(im, "kept", input),
                           .held_as = dtype,
                           .rank = (uint32_t)type->n_dimensions};
    env->status =
        tdag_tensor_create(env->ctx, own, is_scalar ? 0 : s->rank, dims, &s->initial);
    if (!tdagi_env_ok(env)) return;
    const bool is_array =
        is != NULL && is->type_case == CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE;
    const double begins_as = is_array ? tdagi_cml_default_of(is->multi_array_type) : 0;
    for (int64_t i = 0; i < s->initial->count; i++)
        tdagi_tensor_set_f64(s->initial, i, begins_as);
    while (*end != NULL)
        end = &(*end)->next;
    *end = s;
}

void tdagi_cml_read_kept(tdagi_cml *im)
{
    static const tdag_dim one = 1;
    tdagi_env *env = &im->env;
    for (tdagi_cml_state *s = im->states; s != NULL && tdagi_env_ok(env); s = s->next) {
        const tdag_tensor *t = s->initial;
        if (s->input == NULL) continue;
        tdag_value v = tdagi_given(env, t->dtype, t->rank, t->shape);
        tdagi_outline_statement *read = add(im, TDAGI_READ, s);
        if (read == NULL || v.id == 0) return;
        read->results = tdagi_outline_keep(env->outline, 1, &v);
        if (t->rank < s->rank) v = tdagi_reshape(env->b, v, 1, &one);
        v = tdagi_cast(env->b, v, s->held_as);
        tdagi_cml_define(im, s->input, tdagi_any_tensor(tdagi_cell_new(env, v)));
    }
}

bool tdagi_cml_write_kept(tdagi_cml *im, const char *output)
{
    tdagi_env *env = &im->env;
    const tdagi_cml_state *s = im->states;
    while (s != NULL && (s->output == NULL || strcmp(s->output, output) != 0))
        s = s->next;
    if (s == NULL) return false;
    tdagi_any v = tdagi_settled(env, tdagi_cml_get(im, output));
    const tdag_tensor *t = s->initial;
    if (v.kind != TDAGI_ANY_TENSOR) {
        tdagi_env_note_poison(env, &v);
        return true;
    }
    tdag_value x = tdagi_cell_read(env, v.u.tensor),
               was = tdagi_cml_before(im, x, t->dtype);
    x = was.id != 0 ? was : x.id == 0 ? x : tdagi_cast(env->b, x, t->dtype);
    if (x.id != 0 && tdag_builder_get_rank(env->b, x) != t->rank && t->count == 1)
        x = tdagi_reshape(env->b, x, t->rank, t->shape);
    tdagi_outline_statement *write = x.id == 0 ? NULL : add(im, TDAGI_WRITE, s);
    if (write != NULL) write->inputs = tdagi_outline_keep(env->outline, 1, &x);
    return true;
}
