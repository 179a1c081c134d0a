/* Inputs and outputs of the imported method: flat tensors against the structure that
 * the method's declared types and its result have (the grammar of tdagger/model.h). */
#include <string.h>

#include "torchscript/import/import.h"

typedef struct intake {
    tdagi_import *im;
    const tdag_input_spec *specs;
    uint32_t n, next;
    bool failed;
    const char *text; /* the structure so far */
} intake;

static bool starts(const char *type, const char *head)
{
    return strncmp(type, head, strlen(head)) == 0;
}

/* The end of one type in a list of types: the ',' or ']' after it. */
static const char *type_end(const char *type)
{
    int depth = 0;
    for (; *type != '\0'; type++) {
        if (*type == '[') depth++;
        if (depth == 0 && (*type == ',' || *type == ']')) break;
        if (*type == ']') depth--;
    }
    return type;
}

/* Tensors that a type asks for; a list asks for at least none. */
static uint32_t count_tensors(const char *type)
{
    if (starts(type, "Tensor")) return 1;
    if (!starts(type, "Tuple[")) return 0;
    uint32_t n = 0;
    for (type += strlen("Tuple["); *type != '\0' && *type != ']';) {
        n += count_tensors(type);
        type = type_end(type);
        type += strspn(type, ", ");
    }
    return n;
}

static bool takes_tensors(const char *type) { return strstr(type, "Tensor") != NULL; }

static void say(intake *t, const char *piece)
{
    t->text = tdagi_env_text(&t->im->env, "%s%s", t->text, piece);
}

/* ---- inputs ---- */

static tdagi_any take_input(intake *t, const char *name)
{
    tdagi_import *im = t->im;
    if (t->next >= t->n) {
        t->failed = true;
        return tdagi_any_poison();
    }
    const tdag_input_spec *s = &t->specs[t->next++];
    tdag_dim dims[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < s->rank && i < TDAG_MAX_RANK; i++)
        dims[i] = s->symbol[i] == NULL
                      ? s->shape[i]
                      : tdag_builder_symbol(im->env.b, s->symbol[i], s->shape[i]);
    if (s->name != NULL && *s->name != '\0') name = s->name;
    tdag_value v = tdag_add_input(im->env.b, name, s->dtype, s->rank, dims);
    if (v.id == 0 && tdagi_env_ok(&im->env)) {
        im->env.status = tdag_builder_get_status(im->env.b);
        return tdagi_any_poison();
    }
    say(t, "T");
    return tdagi_any_tensor(tdagi_cell_new(&im->env, v));
}

static tdagi_any take(intake *t, const char *type, const char *name);

static tdagi_any take_tuple(intake *t, const char *types, const char *name)
{
    tdagi_any out = tdagi_any_seq(&t->im->env, TDAGI_ANY_TUPLE, 0, NULL);
    say(t, "(");
    uint32_t i = 0;
    for (; *types != '\0' && *types != ']' && out.kind == TDAGI_ANY_TUPLE; i++) {
        if (i > 0) say(t, ", ");
        const char *item = tdagi_env_text(&t->im->env, "%s.%u", name, (unsigned)i);
        tdagi_seq_append(&t->im->env, out.u.seq, take(t, types, item));
        types = type_end(types);
        types += strspn(types, ", ");
    }
    say(t, i == 1 ? ",)" : ")");
    return out;
}

static tdagi_any take_list(intake *t, const char *type, const char *name)
{
    tdagi_any out = tdagi_any_seq(&t->im->env, TDAGI_ANY_LIST, 0, NULL);
    say(t, "[");
    for (uint32_t i = 0; t->next < t->n && out.kind == TDAGI_ANY_LIST && !t->failed;
         i++) {
        if (i > 0) say(t, ", ");
        const char *item = tdagi_env_text(&t->im->env, "%s.%u", name, (unsigned)i);
        tdagi_seq_append(&t->im->env, out.u.seq, take(t, type, item));
    }
    say(t, "]");
    return out;
}

/* A dict takes what is left, under the names of the inputs. */
static tdagi_any take_dict(intake *t)
{
    tdagi_any out = tdagi_any_dict(&t->im->env);
    say(t, "{");
    for (uint32_t i = 0; t->next < t->n && out.kind == TDAGI_ANY_DICT; i++) {
        const char *key = t->specs[t->next].name;
        if (key == NULL || *key == '\0') {
            t->im->env.status =
                tdagi_fail(t->im->env.ctx, TDAG_E_ARG,
                           "the model takes a dict: input %u needs its key as "
                           "its name",
                           (unsigned)t->next);
            return out;
        }
        say(t, tdagi_env_text(&t->im->env, "%s\"%s\": ", i > 0 ? ", " : "", key));
        tdagi_dict_set(&t->im->env, out.u.dict, tdagi_any_string(key),
                       take_input(t, key));
    }
    say(t, "}");
    return out;
}

static tdagi_any take(intake *t, const char *type, const char *name)
{
    if (starts(type, "Tensor")) return take_input(t, name);
    if (starts(type, "Tuple[")) return take_tuple(t, type + strlen("Tuple["), name);
    if (starts(type, "List[") && takes_tensors(type))
        return take_list(t, type + strlen("List["), name);
    if (starts(type, "Dict[str, Tensor]")) return take_dict(t);
    if (starts(type, "Optional[")) {
        if (takes_tensors(type) && t->next < t->n)
            return take(t, type + strlen("Optional["), name);
        say(t, "None");
        return tdagi_any_none();
    }
    t->im->env.status =
        tdagi_fail(t->im->env.ctx, TDAG_E_UNSUPPORTED,
                   "argument %s has type %.*s, which tensors do not make", name,
                   (int)(type_end(type) - type), type);
    return tdagi_any_poison();
}

/* The input named as an argument is; n if there is none. */
static uint32_t find_input(const intake *t, const char *name)
{
    uint32_t i = 0;
    while (i < t->n &&
           (t->specs[i].name == NULL || strcmp(t->specs[i].name, name) != 0))
        i++;
    return i;
}

/* Whether every input is named as an argument, so that order does not matter. */
static bool goes_by_name(intake *t, const tdag_shim_schema *schema)
{
    uint32_t found = 0;
    for (size_t i = 1; i < t->im->api->schema_n_args(schema); i++) {
        tdag_shim_arg arg;
        t->im->api->schema_arg(t->im->session, schema, i, &arg);
        found += find_input(t, arg.name) < t->n;
    }
    return found == t->n && found > 0;
}

static tdagi_any take_default(intake *t, const tdag_shim_arg *arg)
{
    tdagi_any v = tdagi_any_none();
    if (arg->default_value != NULL)
        v = tdagi_import_value(t->im, arg->default_value, arg->name);
    bool plain = v.kind == TDAGI_ANY_NONE || tdagi_any_is_number(v);
    say(t, plain ? tdagi_any_text(&t->im->env, v) : "None");
    return v;
}

static void wrong_number(intake *t, const tdag_shim_schema *schema)
{
    uint32_t least = 0, most = 0;
    bool open = false;
    for (size_t i = 1; i < t->im->api->schema_n_args(schema); i++) {
        tdag_shim_arg arg;
        t->im->api->schema_arg(t->im->session, schema, i, &arg);
        bool optional = arg.has_default || starts(arg.type, "Optional[");
        const char *type = arg.type;
        if (starts(type, "Optional[")) type += strlen("Optional[");
        open |= starts(type, "List[Tensor]") || starts(type, "Dict[str, Tensor]");
        most += count_tensors(type);
        if (!optional) least += count_tensors(type);
    }
    const char *range =
        least == most || open ? "" : tdagi_env_text(&t->im->env, " to %u", most);
    t->im->env.status = tdagi_fail(t->im->env.ctx, TDAG_E_ARG,
                                   "the model takes %u%s%s input%s, %u %s given",
                                   (unsigned)least, range, open ? " or more" : "",
                                   least == 1 && *range == '\0' ? "" : "s",
                                   (unsigned)t->n, t->n == 1 ? "was" : "were");
}

bool tdagi_import_inputs(tdagi_import *im, const tdag_shim_schema *schema,
                         const tdag_input_spec *inputs, uint32_t n_inputs,
                         tdagi_any *args, const char **structure_out)
{
    intake t = {.im = im, .specs = inputs, .n = n_inputs, .text = "("};
    bool by_name = goes_by_name(&t, schema);
    size_t n = im->api->schema_n_args(schema);
    uint32_t taken = 0;
    for (size_t i = 1; i < n && tdagi_env_ok(&im->env) && !t.failed; i++) {
        tdag_shim_arg arg;
        im->api->schema_arg(im->session, schema, i, &arg);
        if (i > 1) say(&t, ", ");
        bool left = t.next < t.n && takes_tensors(arg.type);
        if (by_name) {
            t.next = find_input(&t, arg.name);
            left = t.next < t.n;
        }
        bool optional = arg.has_default || starts(arg.type, "Optional[");
        uint32_t before = t.next;
        args[i] =
            optional && !left ? take_default(&t, &arg) : take(&t, arg.type, arg.name);
        if (left) taken += t.next - before;
    }
    if (tdagi_env_ok(&im->env) && (t.failed || (by_name ? taken : t.next) != t.n))
        wrong_number(&t, schema);
    if (tdag_builder_get_status(im->env.b) != TDAG_OK && tdagi_env_ok(&im->env))
        im->env.status = tdag_builder_get_status(im->env.b);
    *structure_out = tdagi_env_text(&im->env, "%s%s", t.text, n == 2 ? ",)" : ")");
    return tdagi_env_ok(&im->env);
}

/* ---- outputs ---- */

static const char *quote(tdagi_import *im, const char *s)
{
    size_t n = strlen(s), k = 0;
    char *out = tdagi_env_alloc(&im->env, 2 * n + 3);
    if (out == NULL) return "\"\"";
    out[k++] = '"';
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') out[k++] = '\\';
        out[k++] = *s;
    }
    out[k++] = '"';
    out[k] = '\0';
    return out;
}

static const char *describe(tdagi_import *im, tdagi_any v, uint32_t depth);

static const char *describe_seq(tdagi_import *im, tdagi_any v, uint32_t depth)
{
    const tdagi_seq *s = v.u.seq;
    bool tuple = v.kind == TDAGI_ANY_TUPLE;
    const char *text = tuple ? "(" : "[";
    if (s->type_name != NULL) text = tdagi_env_text(&im->env, "%s(", s->type_name);
    for (uint32_t i = 0; i < s->n && tdagi_env_ok(&im->env); i++) {
        const char *field = s->type_name == NULL || s->fields == NULL
                                ? ""
                                : tdagi_env_text(&im->env, "%s=", s->fields[i]);
        text = tdagi_env_text(&im->env, "%s%s%s%s", text, i > 0 ? ", " : "", field,
                              describe(im, s->v[i], depth + 1));
    }
    bool one = tuple && s->n == 1 && s->type_name == NULL;
    return tdagi_env_text(&im->env, "%s%s", text, !tuple ? "]" : one ? ",)" : ")");
}

static const char *describe_dict(tdagi_import *im, tdagi_any v, uint32_t depth)
{
    const tdagi_dict *d = v.u.dict;
    const char *text = "{";
    for (uint32_t i = 0; i < d->keys.n && tdagi_env_ok(&im->env); i++) {
        if (d->keys.v[i].kind != TDAGI_ANY_STRING)
            tdagi_env_issue(&im->env, "an output with the dict key %s",
                            tdagi_any_text(&im->env, d->keys.v[i]));
        text = tdagi_env_text(&im->env, "%s%s%s: %s", text, i > 0 ? ", " : "",
                              quote(im, tdagi_any_text(&im->env, d->keys.v[i])),
                              describe(im, d->values.v[i], depth + 1));
    }
    return tdagi_env_text(&im->env, "%s}", text);
}

static const char *describe(tdagi_import *im, tdagi_any v, uint32_t depth)
{
    int64_t i;
    if (depth > 64) {
        tdagi_env_fail(&im->env, TDAG_E_LIMIT, "the outputs nest deeper than 64");
        return "None";
    }
    switch ((tdagi_any_kind)v.kind) {
    case TDAGI_ANY_TENSOR: {
        tdag_value x = tdagi_cell_read(&im->env, v.u.tensor);
        tdag_builder_add_output(im->env.b, x);
        return "T";
    }
    case TDAGI_ANY_LIST:
    case TDAGI_ANY_TUPLE:
        return describe_seq(im, v, depth);
    case TDAGI_ANY_DICT:
        return describe_dict(im, v, depth);
    case TDAGI_ANY_NONE:
        return "None";
    case TDAGI_ANY_STRING:
        return quote(im, v.u.s);
    case TDAGI_ANY_INT:
        if (tdagi_any_const_int(&im->env, v, &i)) return tdagi_any_text(&im->env, v);
        break;
    case TDAGI_ANY_FLOAT:
    case TDAGI_ANY_BOOL:
        if (!v.assumed) return tdagi_any_text(&im->env, v);
        break;
    case TDAGI_ANY_POISON:
        tdagi_env_note_poison(&im->env, &v);
        if (im->env.n_noted == 0)
            tdagi_env_issue(&im->env, "an output that is not computed");
        return "None";
    case TDAGI_ANY_DATA:
    case TDAGI_ANY_DEVICE:
    case TDAGI_ANY_OBJECT:
    case TDAGI_ANY_FUNCTION:
    case TDAGI_ANY_OTHER:
        break;
    }
    tdagi_env_issue(&im->env, "an output that is %s", tdagi_any_text(&im->env, v));
    return "None";
}

bool tdagi_import_outputs(tdagi_import *im, tdagi_any result,
                          const char **structure_out)
{
    *structure_out = describe(im, result, 0);
    tdag_status st = tdag_builder_get_status(im->env.b);
    if (st != TDAG_OK) tdagi_env_fail_here(&im->env, st, "the outputs");
    return tdagi_env_ok(&im->env);
}
