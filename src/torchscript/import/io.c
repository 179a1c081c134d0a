/* Inputs and outputs of the imported method: flat tensors against the structure that
 * the method's declared types and its result have. */
#include "aten/control/merge.h"
#include "aten/control/statement.h"
#include "aten/selection.h"
#include "derive/derive.h"
#include "torchscript/import/import.h"

/* ---- inputs ---- */

typedef struct intake {
    tdagi_import *im;
    const tdag_input_spec *specs;
    const uint32_t *order; /* by tensor of the structure: its spec */
    uint32_t n_tensors;    /* so far */
} intake;

static tdagi_any take_input(intake *t, const char *name)
{
    tdagi_import *im = t->im;
    uint32_t which = t->order[t->n_tensors++];
    const tdag_input_spec *s = &t->specs[which];
    bool is_complex = which < 64 && (im->complex_inputs >> which & 1) != 0;
    tdag_dim dims[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < s->rank && i < TDAG_MAX_RANK; i++)
        dims[i] = s->symbol[i] == NULL
                      ? s->shape[i]
                      : tdag_builder_symbol(im->env.b, s->symbol[i], s->shape[i]);
    if (s->name != NULL && *s->name != '\0') name = s->name;
    name = tdagi_env_name(&im->env, name);
    tdag_value v = tdag_add_input(im->env.b, name, s->dtype, s->rank, dims);
    if (v.id == 0 && tdagi_env_ok(&im->env)) {
        im->env.status = tdag_builder_get_status(im->env.b);
        return tdagi_any_poison();
    }
    tdagi_cell *cell = tdagi_cell_new(&im->env, v);
    if (!is_complex) return tdagi_any_tensor(cell);
    bool wide = s->dtype == TDAG_F32 || s->dtype == TDAG_F64;
    if (wide && s->rank > 0 && s->symbol[s->rank - 1] == NULL &&
        s->shape[s->rank - 1] == 2)
        return tdagi_cell_of_pairs(&im->env, cell);
    tdagi_env_fail(&im->env, TDAG_E_ARG,
                   "a complex input is given as pairs f32[...,2] or f64[...,2]");
    return tdagi_any_poison();
}

static tdagi_any take(intake *t, const tdagi_structure_node *node, const char *name);

static const char *part(tdagi_env *env, const tdagi_structure_node *item,
                        const char *name, uint32_t i)
{
    if (item->key != NULL) return tdagi_env_text(env, "%s.%s", name, item->key);
    return tdagi_env_text(env, "%s.%u", name, (unsigned)i);
}

static void name_fields(tdagi_env *env, tdagi_seq *s, const tdagi_structure_node *node)
{
    const tdagi_structure_node *item = tdagi_structure_first(node);
    s->fields = tdagi_env_alloc(env, (node->n + 1u) * sizeof(char *));
    s->type_name = tdagi_env_text(env, "%s", node->u.s);
    for (uint32_t i = 0; i < node->n && s->fields != NULL; i++) {
        s->fields[i] = item->key == NULL ? "" : tdagi_env_text(env, "%s", item->key);
        item = tdagi_structure_next(item);
    }
}

static tdagi_any take_items(intake *t, const tdagi_structure_node *node,
                            const char *name)
{
    tdagi_env *env = &t->im->env;
    bool is_list = node->kind == TDAGI_STRUCTURE_LIST;
    tdagi_any out =
        tdagi_any_seq(env, is_list ? TDAGI_ANY_LIST : TDAGI_ANY_TUPLE, 0, NULL);
    const tdagi_structure_node *item = tdagi_structure_first(node);
    for (uint32_t i = 0; i < node->n && tdagi_env_ok(env); i++) {
        tdagi_seq_append(env, out.u.seq, take(t, item, part(env, item, name, i)));
        item = tdagi_structure_next(item);
    }
    if (!is_list && node->u.s != NULL && tdagi_env_ok(env))
        name_fields(env, out.u.seq, node);
    return out;
}

/* Tensors of a dict are called as their keys. */
static tdagi_any take_dict(intake *t, const tdagi_structure_node *node)
{
    tdagi_env *env = &t->im->env;
    tdagi_any out = tdagi_any_dict(env);
    const tdagi_structure_node *item = tdagi_structure_first(node);
    for (uint32_t i = 0; i < node->n && tdagi_env_ok(env); i++) {
        const char *key = tdagi_env_text(env, "%s", item->key);
        tdagi_dict_set(env, out.u.dict, tdagi_any_string(key), take(t, item, key));
        item = tdagi_structure_next(item);
    }
    return out;
}

/* A value of a structure; recursion ends where its depth does. */
static tdagi_any take(intake *t, const tdagi_structure_node *node, const char *name)
{
    tdagi_env *env = &t->im->env;
    switch ((tdagi_structure_kind)node->kind) {
    case TDAGI_STRUCTURE_TENSOR:
        return take_input(t, name);
    case TDAGI_STRUCTURE_DICT:
        return take_dict(t, node);
    case TDAGI_STRUCTURE_TUPLE:
    case TDAGI_STRUCTURE_LIST:
        return take_items(t, node, name);
    case TDAGI_STRUCTURE_BOOL:
        return tdagi_any_bool(node->u.b);
    case TDAGI_STRUCTURE_INT:
        return tdagi_any_int(env, node->u.i);
    case TDAGI_STRUCTURE_FLOAT:
        return tdagi_any_float(node->u.f);
    case TDAGI_STRUCTURE_STRING:
        return tdagi_any_string(tdagi_env_text(env, "%s", node->u.s));
    case TDAGI_STRUCTURE_NONE:
        break;
    }
    return tdagi_any_none();
}

static tdag_status bind(tdagi_import *im, const tdag_shim_schema *schema,
                        const tdag_input_spec *inputs, uint32_t n, tdagi_arguments *out)
{
    const char **names = tdagi_arena_array(&im->env.arena, n + 1u, sizeof *names);
    if (names == NULL) return tdagi_nomem(im->env.ctx);
    for (uint32_t i = 0; i < n; i++)
        names[i] = inputs[i].name;
    const tdagi_arguments_call call = {.ctx = im->env.ctx,
                                       .api = im->api,
                                       .session = im->session,
                                       .schema = schema,
                                       .arena = &im->env.arena,
                                       .names = names,
                                       .n_inputs = n,
                                       .values = im->values,
                                       .n_values = im->n_values};
    return tdagi_arguments_bind(&call, out);
}

bool tdagi_import_inputs(tdagi_import *im, const tdag_shim_schema *schema,
                         const tdag_input_spec *inputs, uint32_t n_inputs,
                         tdagi_any *args, tdagi_structure **structure_out)
{
    tdagi_arguments bound;
    im->env.status = bind(im, schema, inputs, n_inputs, &bound);
    if (!tdagi_env_ok(&im->env)) return false;
    *structure_out = bound.structure;
    intake t = {.im = im, .specs = inputs, .order = bound.order};
    const tdagi_structure_node *root = bound.structure->nodes;
    const tdagi_structure_node *item = tdagi_structure_first(root);
    for (uint32_t i = 0; i < root->n && tdagi_env_ok(&im->env); i++) {
        tdag_shim_arg arg;
        im->api->schema_arg(im->session, schema, i + 1, &arg);
        args[i + 1] = bound.is_default[i]
                          ? tdagi_import_value(im, arg.default_value, arg.name)
                          : take(&t, item, arg.name);
        item = tdagi_structure_next(item);
    }
    if (tdag_builder_get_status(im->env.b) != TDAG_OK && tdagi_env_ok(&im->env))
        im->env.status = tdag_builder_get_status(im->env.b);
    return tdagi_env_ok(&im->env);
}

/* ---- outputs ---- */

typedef struct outcome {
    tdagi_import *im;
    tdagi_structure_builder s;
} outcome;

static void describe(outcome *o, tdagi_any v);

/* letter: of a number, a list of tensors or numbers; 0: it is a tensor */
static void describe_tensor(outcome *o, tdagi_any v, char letter)
{
    tdag_value x = tdagi_cell_read(&o->im->env, v.u.tensor);
    tdag_builder_add_output(o->im->env.b, x);
    tdagi_structure_number(&o->s, letter);
}

static void refuse(outcome *o, tdagi_any v);

static void describe_seq(outcome *o, tdagi_any v)
{
    const tdagi_seq *s = v.u.seq;
    if (s->columns != NULL && s->letter != 'r') {
        tdagi_env_issue(&o->im->env,
                        "an output that is a list of tuples whose length a "
                        "run tells; return a list of each of their items");
        return;
    }
    if (s->columns != NULL || s->letter == 's') {
        refuse(o, v);
        return;
    }
    if (tdagi_any_is_stack(v)) {
        describe_tensor(o, tdagi_any_tensor(s->rows),
                        s->letter == 0 ? 't' : (char)(s->letter - 'a' + 'A'));
        return;
    }
    bool is_tuple = v.kind == TDAGI_ANY_TUPLE;
    tdagi_structure_open(&o->s, is_tuple ? TDAGI_STRUCTURE_TUPLE : TDAGI_STRUCTURE_LIST,
                         s->type_name);
    for (uint32_t i = 0; i < s->n && o->s.status == TDAG_OK; i++) {
        if (s->type_name != NULL && s->fields != NULL)
            tdagi_structure_key(&o->s, s->fields[i]);
        describe(o, s->v[i]);
    }
    tdagi_structure_close(&o->s);
}

static void describe_dict(outcome *o, tdagi_any v)
{
    tdagi_env *env = &o->im->env;
    const tdagi_dict *d = v.u.dict;
    tdagi_structure_open(&o->s, TDAGI_STRUCTURE_DICT, NULL);
    for (uint32_t i = 0; i < d->keys.n && o->s.status == TDAG_OK; i++) {
        const char *key = tdagi_any_text(env, d->keys.v[i]);
        if (d->keys.v[i].kind != TDAGI_ANY_STRING)
            tdagi_env_issue(env, "an output with the dict key %s", key);
        tdagi_structure_key(&o->s, key);
        describe(o, d->values.v[i]);
    }
    tdagi_structure_close(&o->s);
}

/* What is no value that a structure holds; None stands for it. */
static void refuse(outcome *o, tdagi_any v)
{
    tdagi_env *env = &o->im->env;
    tdagi_structure_none(&o->s);
    if (v.kind != TDAGI_ANY_POISON) {
        tdagi_env_issue(env, "an output that is %s", tdagi_any_text(env, v));
        return;
    }
    tdagi_env_note_poison(env, &v);
    if (env->n_noted == 0) tdagi_env_issue(env, "an output that is not computed");
}

/* Recursion ends where the structure's depth does. */
static void describe(outcome *o, tdagi_any v)
{
    int64_t i;
    v = tdagi_settled(&o->im->env, v);
    char letter = tdagi_number_letter(v);
    if (v.kind == TDAGI_ANY_DATA && letter != 's')
        v = tdagi_number_data(&o->im->env, v);
    bool is_open =
        (v.kind == TDAGI_ANY_INT && !tdagi_any_const_int(&o->im->env, v, &i)) ||
        (v.assumed && v.how != 0);
    if (is_open && o->im->env.outline != NULL) /* a run tells */
        v = tdagi_number_data(&o->im->env, v);
    if (v.kind == TDAGI_ANY_COMPLEX) /* as pairs */
        v = tdagi_any_tensor(tdagi_cell_pairs(&o->im->env, v.u.tensor));
    if (v.kind == TDAGI_ANY_TENSOR)
        describe_tensor(o, v, letter);
    else if (v.kind == TDAGI_ANY_LIST || v.kind == TDAGI_ANY_TUPLE)
        describe_seq(o, v);
    else if (v.kind == TDAGI_ANY_DICT)
        describe_dict(o, v);
    else if (v.kind == TDAGI_ANY_NONE)
        tdagi_structure_none(&o->s);
    else if (v.kind == TDAGI_ANY_STRING)
        tdagi_structure_string(&o->s, v.u.s);
    else if (v.kind == TDAGI_ANY_INT && tdagi_any_const_int(&o->im->env, v, &i))
        tdagi_structure_int(&o->s, i);
    else if (v.kind == TDAGI_ANY_FLOAT && !v.assumed)
        tdagi_structure_float(&o->s, v.u.f);
    else if (v.kind == TDAGI_ANY_BOOL && !v.assumed)
        tdagi_structure_bool(&o->s, v.u.b);
    else
        refuse(o, v);
}

bool tdagi_import_outputs(tdagi_import *im, tdagi_any result,
                          tdagi_structure **structure_out)
{
    outcome o = {.im = im};
    tdagi_structure_begin(&o.s, im->env.ctx);
    describe(&o, result);
    tdag_status st = tdagi_structure_finish(&o.s, structure_out);
    if (st == TDAG_OK) st = tdag_builder_get_status(im->env.b);
    if (st != TDAG_OK) tdagi_env_fail_here(&im->env, st, "the outputs");
    return tdagi_env_ok(&im->env);
}
