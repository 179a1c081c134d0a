/* Flat inputs against the declared types of a method's arguments. */
#include "torchscript/arguments.h"

#include <stdio.h>
#include <string.h>

typedef struct intake {
    const tdagi_arguments_call *call;
    tdagi_structure_builder s;
    tdagi_arguments out;
    uint32_t next; /* input */
    uint32_t n_tensors;
    bool too_few;
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

/* The type after one in a list of types, or the end of the list. */
static const char *next_type(const char *type)
{
    type = type_end(type);
    return type + strspn(type, ", ");
}

/* Tensors that a type asks for; a list asks for at least none. */
static uint32_t count_tensors(const char *type)
{
    if (starts(type, "Tensor")) return 1;
    if (!starts(type, "Tuple[")) return 0;
    uint32_t n = 0;
    for (type += strlen("Tuple["); *type != '\0' && *type != ']';
         type = next_type(type))
        n += count_tensors(type);
    return n;
}

static bool takes_tensors(const char *type) { return strstr(type, "Tensor") != NULL; }

static bool is_going(const intake *t) { return t->s.status == TDAG_OK && !t->too_few; }

static bool is_left(const intake *t) { return t->next < t->call->n_inputs; }

static const char *name_of(const intake *t, uint32_t input)
{
    const char *name = t->call->names == NULL ? NULL : t->call->names[input];
    return name == NULL ? "" : name;
}

/* ---- one argument ---- */

static void take_input(intake *t)
{
    t->too_few |= !is_left(t);
    if (!is_going(t)) return;
    t->out.order[t->n_tensors++] = t->next++;
    tdagi_structure_tensor(&t->s);
}

/* A dict takes what is left, under the names of the inputs. */
static void take_dict(intake *t)
{
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_DICT, NULL);
    while (is_left(t) && is_going(t)) {
        const char *key = name_of(t, t->next);
        if (*key == '\0')
            t->s.status =
                tdagi_fail(t->call->ctx, TDAG_E_ARG,
                           "the model takes a dict: input %u needs its key as its name",
                           (unsigned)t->next);
        tdagi_structure_key(&t->s, key);
        take_input(t);
    }
    tdagi_structure_close(&t->s);
}

static void take(intake *t, const char *type, const char *name);

static void take_tuple(intake *t, const char *types, const char *name)
{
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_TUPLE, NULL);
    for (; *types != '\0' && *types != ']' && is_going(t); types = next_type(types))
        take(t, types, name);
    tdagi_structure_close(&t->s);
}

static void take_list(intake *t, const char *type, const char *name)
{
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_LIST, NULL);
    while (is_left(t) && is_going(t))
        take(t, type, name);
    tdagi_structure_close(&t->s);
}

/* Recursion ends where the structure's depth does. */
static void take(intake *t, const char *type, const char *name)
{
    if (starts(type, "Tensor")) {
        take_input(t);
    } else if (starts(type, "Tuple[")) {
        take_tuple(t, type + strlen("Tuple["), name);
    } else if (starts(type, "List[") && takes_tensors(type)) {
        take_list(t, type + strlen("List["), name);
    } else if (starts(type, "Dict[str, Tensor]")) {
        take_dict(t);
    } else if (!starts(type, "Optional[")) {
        t->s.status = tdagi_fail(t->call->ctx, TDAG_E_UNSUPPORTED,
                                 "argument %s has type %.*s, which tensors do not make",
                                 name, (int)(type_end(type) - type), type);
    } else if (takes_tensors(type) && is_left(t)) {
        take(t, type + strlen("Optional["), name);
    } else {
        tdagi_structure_none(&t->s);
    }
}

/* Numbers show in the structure; other defaults are None there. */
static void take_default(intake *t, const tdag_shim_arg *arg)
{
    const tdag_shim_api *api = t->call->api;
    const tdag_shim_value *v = arg->default_value;
    tdag_shim_kind kind = v == NULL ? TDAG_SHIM_NONE : api->value_kind(v);
    if (kind == TDAG_SHIM_INT)
        tdagi_structure_int(&t->s, api->value_int(v));
    else if (kind == TDAG_SHIM_DOUBLE)
        tdagi_structure_float(&t->s, api->value_double(v));
    else if (kind == TDAG_SHIM_BOOL)
        tdagi_structure_bool(&t->s, api->value_bool(v));
    else
        tdagi_structure_none(&t->s);
}

/* ---- all of them ---- */

/* The input named as an argument is; n_inputs if there is none. */
static uint32_t find_input(const intake *t, const char *name)
{
    uint32_t i = 0;
    while (i < t->call->n_inputs && strcmp(name_of(t, i), name) != 0)
        i++;
    return i;
}

static void get_arg(const intake *t, size_t i, tdag_shim_arg *out)
{
    t->call->api->schema_arg(t->call->session, t->call->schema, i, out);
}

static bool is_optional(const tdag_shim_arg *arg)
{
    return arg->has_default || starts(arg->type, "Optional[");
}

/* Whether every input is named as an argument, so that order does not matter. */
static bool goes_by_name(const intake *t, size_t n_args)
{
    uint32_t found = 0;
    tdag_shim_arg arg;
    for (size_t i = 1; i < n_args; i++) {
        get_arg(t, i, &arg);
        found += find_input(t, arg.name) < t->call->n_inputs;
    }
    return found == t->call->n_inputs && found > 0;
}

static tdag_status wrong_number(const intake *t, size_t n_args)
{
    uint32_t least = 0, most = 0, n = t->call->n_inputs;
    bool open = false;
    tdag_shim_arg arg;
    for (size_t i = 1; i < n_args; i++) {
        get_arg(t, i, &arg);
        const char *type = arg.type;
        if (starts(type, "Optional[")) type += strlen("Optional[");
        open |= starts(type, "List[Tensor]") || starts(type, "Dict[str, Tensor]");
        most += count_tensors(type);
        if (!is_optional(&arg)) least += count_tensors(type);
    }
    bool is_range = least != most && !open;
    char range[16] = "";
    if (is_range) snprintf(range, sizeof range, " to %u", (unsigned)most);
    return tdagi_fail(t->call->ctx, TDAG_E_ARG,
                      "the model takes %u%s%s input%s, %u %s given", (unsigned)least,
                      range, open ? " or more" : "", least == 1 && !is_range ? "" : "s",
                      (unsigned)n, n == 1 ? "was" : "were");
}

static void take_all(intake *t, size_t n_args)
{
    bool by_name = goes_by_name(t, n_args);
    uint32_t taken = 0;
    tdag_shim_arg arg;
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_TUPLE, NULL);
    for (size_t i = 1; i < n_args && is_going(t); i++) {
        get_arg(t, i, &arg);
        if (by_name) t->next = find_input(t, arg.name);
        bool left = is_left(t) && (by_name || takes_tensors(arg.type));
        uint32_t before = t->next;
        t->out.is_default[i - 1] = arg.has_default && !left;
        if (is_optional(&arg) && !left)
            take_default(t, &arg);
        else
            take(t, arg.type, arg.name);
        if (left) taken += t->next - before;
    }
    tdagi_structure_close(&t->s);
    if (t->s.status == TDAG_OK &&
        (t->too_few || (by_name ? taken : t->next) != t->call->n_inputs))
        t->s.status = wrong_number(t, n_args);
}

tdag_status tdagi_arguments_bind(const tdagi_arguments_call *call, tdagi_arguments *out)
{
    size_t n_args = call->api->schema_n_args(call->schema);
    intake t = {.call = call};
    t.out.order = tdagi_arena_array(call->arena, call->n_inputs + 1u, sizeof(uint32_t));
    t.out.is_default = tdagi_arena_array(call->arena, n_args + 1, sizeof(bool));
    if (t.out.order == NULL || t.out.is_default == NULL) return tdagi_nomem(call->ctx);
    tdagi_structure_begin(&t.s, call->ctx);
    take_all(&t, n_args);
    TDAGI_TRY(tdagi_structure_finish(&t.s, &t.out.structure));
    *out = t.out;
    return TDAG_OK;
}
