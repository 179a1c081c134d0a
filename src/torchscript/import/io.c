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
    t->text = tdagi_import_text(t->im, "%s%s", t->text, piece);
}

/* ---- inputs ---- */

static tdagi_ival take_input(intake *t, const char *name)
{
    tdagi_import *im = t->im;
    if (t->next >= t->n) {
        t->failed = true;
        return tdagi_iv_poison();
    }
    const tdag_input_spec *s = &t->specs[t->next++];
    tdag_dim dims[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < s->rank && i < TDAG_MAX_RANK; i++)
        dims[i] = s->symbol[i] == NULL
                      ? s->shape[i]
                      : tdag_builder_symbol(im->b, s->symbol[i], s->shape[i]);
    if (s->name != NULL && *s->name != '\0') name = s->name;
    tdag_value v = tdag_add_input(im->b, name, s->dtype, s->rank, dims);
    if (v.id == 0 && tdagi_import_ok(im)) {
        im->status = tdag_builder_get_status(im->b);
        return tdagi_iv_poison();
    }
    say(t, "T");
    return tdagi_iv_tensor(tdagi_it_new(im, v));
}

static tdagi_ival take(intake *t, const char *type, const char *name);

static tdagi_ival take_tuple(intake *t, const char *types, const char *name)
{
    tdagi_ival out = tdagi_iv_seq(t->im, TDAGI_IV_TUPLE, 0, NULL);
    say(t, "(");
    uint32_t i = 0;
    for (; *types != '\0' && *types != ']' && out.kind == TDAGI_IV_TUPLE; i++) {
        if (i > 0) say(t, ", ");
        const char *item = tdagi_import_text(t->im, "%s.%u", name, (unsigned)i);
        tdagi_iv_append(t->im, out.u.seq, take(t, types, item));
        types = type_end(types);
        types += strspn(types, ", ");
    }
    say(t, i == 1 ? ",)" : ")");
    return out;
}

static tdagi_ival take_list(intake *t, const char *type, const char *name)
{
    tdagi_ival out = tdagi_iv_seq(t->im, TDAGI_IV_LIST, 0, NULL);
    say(t, "[");
    for (uint32_t i = 0; t->next < t->n && out.kind == TDAGI_IV_LIST && !t->failed;
         i++) {
        if (i > 0) say(t, ", ");
        const char *item = tdagi_import_text(t->im, "%s.%u", name, (unsigned)i);
        tdagi_iv_append(t->im, out.u.seq, take(t, type, item));
    }
    say(t, "]");
    return out;
}

/* A dict takes what is left, under the names of the inputs. */
static tdagi_ival take_dict(intake *t)
{
    tdagi_ival out = tdagi_iv_dict(t->im);
    say(t, "{");
    for (uint32_t i = 0; t->next < t->n && out.kind == TDAGI_IV_DICT; i++) {
        const char *key = t->specs[t->next].name;
        if (key == NULL || *key == '\0') {
            t->im->status =
                tdagi_fail(t->im->ctx, TDAG_E_ARG,
                           "the model takes a dict: input %u needs its key as "
                           "its name",
                           (unsigned)t->next);
            return out;
        }
        say(t, tdagi_import_text(t->im, "%s\"%s\": ", i > 0 ? ", " : "", key));
        tdagi_iv_dict_set(t->im, out.u.dict, tdagi_iv_string(key), take_input(t, key));
    }
    say(t, "}");
    return out;
}

static tdagi_ival take(intake *t, const char *type, const char *name)
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
        return tdagi_iv_none();
    }
    t->im->status = tdagi_fail(t->im->ctx, TDAG_E_UNSUPPORTED,
                               "argument %s has type %.*s, which tensors do not make",
                               name, (int)(type_end(type) - type), type);
    return tdagi_iv_poison();
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

static tdagi_ival take_default(intake *t, const tdag_shim_arg *arg)
{
    tdagi_ival v = tdagi_iv_none();
    if (arg->default_value != NULL)
        v = tdagi_iv_from_shim(t->im, arg->default_value, arg->name);
    bool plain = v.kind == TDAGI_IV_NONE || tdagi_iv_is_number(v);
    say(t, plain ? tdagi_iv_text(t->im, v) : "None");
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
        least == most || open ? "" : tdagi_import_text(t->im, " to %u", most);
    t->im->status = tdagi_fail(t->im->ctx, TDAG_E_ARG,
                               "the model takes %u%s%s input%s, %u %s given",
                               (unsigned)least, range, open ? " or more" : "",
                               least == 1 && *range == '\0' ? "" : "s", (unsigned)t->n,
                               t->n == 1 ? "was" : "were");
}

bool tdagi_import_inputs(tdagi_import *im, const tdag_shim_schema *schema,
                         const tdag_input_spec *inputs, uint32_t n_inputs,
                         tdagi_ival *args, const char **structure_out)
{
    intake t = {.im = im, .specs = inputs, .n = n_inputs, .text = "("};
    bool by_name = goes_by_name(&t, schema);
    size_t n = im->api->schema_n_args(schema);
    uint32_t taken = 0;
    for (size_t i = 1; i < n && tdagi_import_ok(im) && !t.failed; i++) {
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
    if (tdagi_import_ok(im) && (t.failed || (by_name ? taken : t.next) != t.n))
        wrong_number(&t, schema);
    if (tdag_builder_get_status(im->b) != TDAG_OK && tdagi_import_ok(im))
        im->status = tdag_builder_get_status(im->b);
    *structure_out = tdagi_import_text(im, "%s%s", t.text, n == 2 ? ",)" : ")");
    return tdagi_import_ok(im);
}

/* ---- outputs ---- */

static const char *quote(tdagi_import *im, const char *s)
{
    size_t n = strlen(s), k = 0;
    char *out = tdagi_import_alloc(im, 2 * n + 3);
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

static const char *describe(tdagi_import *im, tdagi_ival v, uint32_t depth);

static const char *describe_seq(tdagi_import *im, tdagi_ival v, uint32_t depth)
{
    const tdagi_iseq *s = v.u.seq;
    bool tuple = v.kind == TDAGI_IV_TUPLE;
    const char *text = tuple ? "(" : "[";
    if (s->type_name != NULL) text = tdagi_import_text(im, "%s(", s->type_name);
    for (uint32_t i = 0; i < s->n && tdagi_import_ok(im); i++) {
        const char *field = s->type_name == NULL || s->fields == NULL
                                ? ""
                                : tdagi_import_text(im, "%s=", s->fields[i]);
        text = tdagi_import_text(im, "%s%s%s%s", text, i > 0 ? ", " : "", field,
                                 describe(im, s->v[i], depth + 1));
    }
    bool one = tuple && s->n == 1 && s->type_name == NULL;
    return tdagi_import_text(im, "%s%s", text, !tuple ? "]" : one ? ",)" : ")");
}

static const char *describe_dict(tdagi_import *im, tdagi_ival v, uint32_t depth)
{
    const tdagi_idict *d = v.u.dict;
    const char *text = "{";
    for (uint32_t i = 0; i < d->keys.n && tdagi_import_ok(im); i++) {
        if (d->keys.v[i].kind != TDAGI_IV_STRING)
            tdagi_import_issue(im, "an output with the dict key %s",
                               tdagi_iv_text(im, d->keys.v[i]));
        text = tdagi_import_text(im, "%s%s%s: %s", text, i > 0 ? ", " : "",
                                 quote(im, tdagi_iv_text(im, d->keys.v[i])),
                                 describe(im, d->values.v[i], depth + 1));
    }
    return tdagi_import_text(im, "%s}", text);
}

static const char *describe(tdagi_import *im, tdagi_ival v, uint32_t depth)
{
    int64_t i;
    if (depth > 64) {
        tdagi_import_fail(im, TDAG_E_LIMIT, "the outputs nest deeper than 64");
        return "None";
    }
    switch ((tdagi_ikind)v.kind) {
    case TDAGI_IV_TENSOR: {
        tdag_value x = tdagi_it_read(im, v.u.tensor);
        tdag_builder_add_output(im->b, x);
        return "T";
    }
    case TDAGI_IV_LIST:
    case TDAGI_IV_TUPLE:
        return describe_seq(im, v, depth);
    case TDAGI_IV_DICT:
        return describe_dict(im, v, depth);
    case TDAGI_IV_NONE:
        return "None";
    case TDAGI_IV_STRING:
        return quote(im, v.u.s);
    case TDAGI_IV_INT:
        if (tdagi_iv_const_int(im, v, &i)) return tdagi_iv_text(im, v);
        break;
    case TDAGI_IV_FLOAT:
    case TDAGI_IV_BOOL:
        if (!v.assumed) return tdagi_iv_text(im, v);
        break;
    case TDAGI_IV_POISON:
        tdagi_import_issue(im, "an output that is not computed");
        return "None";
    case TDAGI_IV_DATA:
    case TDAGI_IV_DEVICE:
    case TDAGI_IV_OBJECT:
    case TDAGI_IV_FUNCTION:
    case TDAGI_IV_OTHER:
        break;
    }
    tdagi_import_issue(im, "an output that is %s", tdagi_iv_text(im, v));
    return "None";
}

bool tdagi_import_outputs(tdagi_import *im, tdagi_ival result,
                          const char **structure_out)
{
    *structure_out = describe(im, result, 0);
    tdag_status st = tdag_builder_get_status(im->b);
    if (st != TDAG_OK) tdagi_import_fail_here(im, st, "the outputs");
    return tdagi_import_ok(im);
}
