/* Flat inputs and values against the declared types of a method's arguments. */
#include "torchscript/arguments.h"

#include <stdio.h>
#include <string.h>

#include "torchscript/argument_type.h"

typedef struct intake {
    const tdagi_arguments_call *call;
    tdagi_structure_builder s;
    tdagi_arguments out;
    size_t n_args;           /* but self */
    tdagi_structure **given; /* by argument: its value as told; NULL: it is not told */
    uint32_t *input;         /* the inputs in the order in which they are taken */
    uint32_t *n_of;          /* by argument, if `by_name`: inputs of its name */
    bool by_name;
    uint32_t next,
        limit; /* of `input`: the next one, and where those of others begin */
    uint32_t n_tensors;
    bool too_few;
} intake;

static bool is_going(const intake *t) { return t->s.status == TDAG_OK && !t->too_few; }

static bool is_left(const intake *t) { return t->next < t->limit; }

static void get_arg(const intake *t, size_t i, tdag_shim_arg *out)
{
    t->call->api->schema_arg(t->call->session, t->call->schema, i + 1, out);
}

static const char *name_of(const intake *t, uint32_t input)
{
    const char *name = t->call->names == NULL ? NULL : t->call->names[input];
    return name == NULL ? "" : name;
}

/* The rest of an input's name behind that of an argument and a dot, "" if it is the
 * argument's; NULL: it is another. */
static const char *name_within(const char *name, const char *argument)
{
    size_t n = strlen(argument);
    if (strncmp(name, argument, n) != 0) return NULL;
    return name[n] == '.' ? name + n + 1 : name[n] == '\0' ? name + n : NULL;
}

/* ---- one argument ---- */

static void take_input(intake *t)
{
    t->too_few |= !is_left(t);
    if (!is_going(t)) return;
    t->out.order[t->n_tensors++] = t->input[t->next++];
    tdagi_structure_tensor(&t->s);
}

static void take(intake *t, const char *type, const char *name);

/* A dict takes what is left, under the names of the inputs. */
static void take_dict(intake *t, const char *type, const char *name)
{
    tdagi_type_item item;
    bool known = tdagi_type_first(type, &item) && tdagi_type_is(item.type, "str") &&
                 tdagi_type_next(&item) && tdagi_type_is(item.type, "Tensor");
    if (!known && t->s.status == TDAG_OK)
        t->s.status =
            tdagi_fail(t->call->ctx, TDAG_E_ARG,
                       "argument %s has type %.*s: say what it is made of, as "
                       "in %s={\"key\": [T, T]}",
                       name, (int)tdagi_type_size(type), type, name);
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_DICT, NULL);
    while (is_left(t) && is_going(t)) {
        uint32_t input = t->input[t->next];
        const char *key = name_of(t, input), *within = name_within(key, name);
        if (t->by_name && within != NULL) key = within;
        if (*key == '\0')
            t->s.status = tdagi_fail(
                t->call->ctx, TDAG_E_ARG,
                "the model takes a dict: input %u needs its key as its name, or the "
                "dict its keys, as in %s={\"key\": T}",
                (unsigned)input, name);
        tdagi_structure_key(&t->s, key);
        take_input(t);
    }
    tdagi_structure_close(&t->s);
}

/* n bytes as a text of their own; NULL of none. */
static const char *part_of(intake *t, const char *text, size_t n)
{
    char *part = n == 0 ? NULL : tdagi_arena_alloc(t->call->arena, n + 1);
    if (part == NULL) {
        if (n > 0 && t->s.status == TDAG_OK) t->s.status = tdagi_nomem(t->call->ctx);
        return NULL;
    }
    memcpy(part, text, n);
    part[n] = '\0';
    return part;
}

/* Items in front leave what those behind them need. */
static void take_tuple(intake *t, const char *type, const char *name)
{
    tdagi_type_item item;
    size_t n;
    const char *called = tdagi_type_name(type, &n);
    uint32_t limit = t->limit, behind = tdagi_type_n_tensors(type);
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_TUPLE, part_of(t, called, n));
    bool more = tdagi_type_first(type, &item);
    for (; more && is_going(t); more = tdagi_type_next(&item)) {
        behind -= tdagi_type_n_tensors(item.type);
        t->limit = limit > behind ? limit - behind : 0;
        tdagi_structure_key(&t->s, part_of(t, item.field, item.field_size));
        take(t, item.type, name);
    }
    t->limit = limit;
    tdagi_structure_close(&t->s);
}

static void take_list(intake *t, const char *type, const char *name)
{
    tdagi_type_item item;
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_LIST, NULL);
    bool known = tdagi_type_first(type, &item);
    uint32_t before;
    do {
        before = t->next;
        if (known && is_left(t) && is_going(t)) take(t, item.type, name);
    } while (t->next > before);
    tdagi_structure_close(&t->s);
}

/* Recursion ends where the structure's depth does. */
static void take(intake *t, const char *type, const char *name)
{
    bool tensors = tdagi_type_takes_tensors(type);
    if (tdagi_type_is(type, "Tensor"))
        take_input(t);
    else if (tdagi_type_is_tuple(type))
        take_tuple(t, type, name);
    else if (tdagi_type_is(type, "List[") && tensors)
        take_list(t, type, name);
    else if (tdagi_type_is(type, "Dict[") && tensors)
        take_dict(t, type, name);
    else if (tdagi_type_is(type, "Optional[") && tensors && is_left(t))
        take(t, type + strlen("Optional["), name);
    else if (tdagi_type_is(type, "Optional["))
        tdagi_structure_none(&t->s);
    else if (t->s.status == TDAG_OK)
        t->s.status =
            tdagi_fail(t->call->ctx, TDAG_E_ARG,
                       "argument %s has type %.*s: say its value, as in %s=%s", name,
                       (int)tdagi_type_size(type), type, name,
                       tdagi_type_is(type, "bool")    ? "True"
                       : tdagi_type_is(type, "str")   ? "\"text\""
                       : tdagi_type_is(type, "float") ? "0.5"
                       : tdagi_type_is(type, "List[") ? "[1, 2]"
                                                      : "1");
}

/* ---- values ---- */

static void copy(intake *t, const tdagi_structure_node *node, const char *type);

/* Names are those of the type, if it has some. */
static void copy_items(intake *t, const tdagi_structure_node *node, const char *type)
{
    const tdagi_structure_node *item = tdagi_structure_first(node);
    bool is_tuple = node->kind == TDAGI_STRUCTURE_TUPLE;
    bool is_dict = node->kind == TDAGI_STRUCTURE_DICT;
    tdagi_type_item of = {.type = NULL};
    size_t n = 0;
    const char *name = type == NULL ? NULL : tdagi_type_name(type, &n);
    bool known = type != NULL && tdagi_type_first(type, &of) &&
                 (!is_dict || tdagi_type_next(&of));
    tdagi_structure_open(&t->s, (tdagi_structure_kind)node->kind,
                         is_tuple && n > 0 ? part_of(t, name, n)
                         : is_tuple        ? node->u.s
                                           : NULL);
    for (uint32_t i = 0; i < node->n; i++, item = tdagi_structure_next(item)) {
        const char *key =
            known && of.field != NULL ? part_of(t, of.field, of.field_size) : item->key;
        if (key != NULL) tdagi_structure_key(&t->s, key);
        copy(t, item, known ? of.type : NULL);
        if (is_tuple) known = known && tdagi_type_next(&of);
    }
    tdagi_structure_close(&t->s);
}

/* Recursion ends where the structure's depth does. */
static void copy(intake *t, const tdagi_structure_node *node, const char *type)
{
    if (type != NULL && tdagi_type_is(type, "Optional[")) type += strlen("Optional[");
    if (node->kind == TDAGI_STRUCTURE_TENSOR)
        take_input(t);
    else if (tdagi_structure_has_items(node))
        copy_items(t, node, type);
    else
        tdagi_structure_leaf(&t->s, node);
}

/* Types of classes say nothing of what is in them. */
static void take_given(intake *t, const tdag_shim_arg *arg, tdagi_structure *given)
{
    const char *type =
        tdagi_type_is(arg->type, "__torch__") && !tdagi_type_is_tuple(arg->type)
            ? NULL
            : arg->type;
    if (!tdagi_type_fits(type, given->nodes) && t->s.status == TDAG_OK)
        t->s.status = tdagi_fail(t->call->ctx, TDAG_E_ARG,
                                 "argument %s has type %s, which %s is not", arg->name,
                                 arg->type, given->text);
    copy(t, given->nodes, type);
}

/* Defaults that a structure can hold show in it, others are None there. */
static void take_default(intake *t, const tdag_shim_value *v, int depth)
{
    const tdag_shim_api *api = t->call->api;
    tdag_shim_kind kind = v == NULL ? TDAG_SHIM_NONE : api->value_kind(v);
    bool has_items = kind == TDAG_SHIM_LIST || kind == TDAG_SHIM_TUPLE;
    if (kind == TDAG_SHIM_INT) {
        tdagi_structure_int(&t->s, api->value_int(v));
    } else if (kind == TDAG_SHIM_DOUBLE) {
        tdagi_structure_float(&t->s, api->value_double(v));
    } else if (kind == TDAG_SHIM_BOOL) {
        tdagi_structure_bool(&t->s, api->value_bool(v));
    } else if (kind == TDAG_SHIM_STRING) {
        tdagi_structure_string(&t->s, api->value_string(t->call->session, v, NULL));
    } else if (has_items && depth < TDAGI_STRUCTURE_MAX_DEPTH) {
        tdagi_structure_open(&t->s,
                             kind == TDAG_SHIM_LIST ? TDAGI_STRUCTURE_LIST
                                                    : TDAGI_STRUCTURE_TUPLE,
                             NULL);
        for (size_t i = 0; i < api->value_size(v); i++)
            take_default(t, api->value_item(t->call->session, v, i), depth + 1);
        tdagi_structure_close(&t->s);
    } else {
        tdagi_structure_none(&t->s);
    }
}

static tdag_status no_argument(const intake *t, const char *text)
{
    char list[256] = "";
    size_t used = 0;
    tdag_shim_arg arg;
    for (size_t i = 0; i < t->n_args && used < sizeof list; i++) {
        get_arg(t, i, &arg);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 i == 0 ? "" : ", ", arg.name);
    }
    return tdagi_fail(t->call->ctx, TDAG_E_ARG, "%s names no argument; they are %s",
                      text, list);
}

/* "NAME=VALUE" to the argument of that name. */
static tdag_status read_value(intake *t, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t n = equals == NULL ? strlen(text) : (size_t)(equals - text);
    tdag_shim_arg arg;
    for (size_t i = 0; i < t->n_args && equals != NULL; i++) {
        get_arg(t, i, &arg);
        if (strlen(arg.name) != n || strncmp(arg.name, text, n) != 0) continue;
        tdagi_structure_free(t->given[i]);
        t->given[i] = NULL;
        return tdagi_structure_parse(t->call->ctx, equals + 1, &t->given[i]);
    }
    return no_argument(t, text);
}

/* ---- which inputs are whose ---- */

static bool is_optional(const tdag_shim_arg *arg)
{
    return arg->has_default || tdagi_type_is(arg->type, "Optional[");
}

/* Tensors that an argument cannot do without. */
static uint32_t needs(const intake *t, size_t i)
{
    tdag_shim_arg arg;
    get_arg(t, i, &arg);
    if (t->given[i] != NULL) return t->given[i]->n_tensors;
    return is_optional(&arg) ? 0 : tdagi_type_n_tensors(arg.type);
}

/* Puts the inputs of an argument's name behind those that were put before. */
static uint32_t put_named(intake *t, size_t i, uint32_t n)
{
    tdag_shim_arg arg;
    get_arg(t, i, &arg);
    bool one = tdagi_type_is(arg.type, "Tensor") || !tdagi_type_takes_tensors(arg.type);
    for (uint32_t k = 0; k < t->call->n_inputs && n < t->call->n_inputs; k++) {
        const char *within = name_within(name_of(t, k), arg.name);
        if (within == NULL || (one && *within != '\0')) continue;
        t->input[n++] = k;
        t->n_of[i]++;
    }
    return n;
}

/* By name where each input has exactly one argument's, else in order. */
static void sort_inputs(intake *t)
{
    uint32_t n = 0;
    for (size_t i = 0; i < t->n_args; i++)
        n = put_named(t, i, n);
    t->by_name = n == t->call->n_inputs && n > 0;
    for (uint32_t i = 0; i < n && t->by_name; i++)
        for (uint32_t k = 0; k < i && t->by_name; k++)
            t->by_name = t->input[k] != t->input[i];
    for (uint32_t i = 0; i < t->call->n_inputs && !t->by_name; i++)
        t->input[i] = i;
}

static tdag_status wrong_number(const intake *t)
{
    uint32_t least = 0, most = 0, n = t->call->n_inputs;
    bool open = false;
    tdag_shim_arg arg;
    for (size_t i = 0; i < t->n_args; i++) {
        get_arg(t, i, &arg);
        const char *type = arg.type;
        if (tdagi_type_is(type, "Optional[")) type += strlen("Optional[");
        bool given = t->given[i] != NULL;
        open |= !given && tdagi_type_is_open(type);
        most += given ? t->given[i]->n_tensors : tdagi_type_n_tensors(type);
        least += needs(t, i);
    }
    bool is_range = least != most && !open;
    char range[16] = "";
    if (is_range) snprintf(range, sizeof range, " to %u", (unsigned)most);
    return tdagi_fail(t->call->ctx, TDAG_E_ARG,
                      "the model takes %u%s%s input%s, %u %s given", (unsigned)least,
                      range, open ? " or more" : "", least == 1 && !is_range ? "" : "s",
                      (unsigned)n, n == 1 ? "was" : "were");
}

/* Two lists of tensors in order: nothing tells where the second begins. */
static tdag_status check_lengths(const intake *t)
{
    const char *first = NULL;
    tdag_shim_arg arg;
    for (size_t i = 0; i < t->n_args && !t->by_name && t->call->n_inputs > 0; i++) {
        get_arg(t, i, &arg);
        if (t->given[i] != NULL || is_optional(&arg) || !tdagi_type_is_open(arg.type))
            continue;
        if (first != NULL)
            return tdagi_fail(t->call->ctx, TDAG_E_ARG,
                              "arguments %s and %s take tensors of any number: say how "
                              "many, as in %s=[T, T]",
                              first, arg.name, first);
        first = arg.name;
    }
    return TDAG_OK;
}

/* ---- all of them ---- */

static void take_argument(intake *t, size_t i)
{
    tdag_shim_arg arg;
    get_arg(t, i, &arg);
    bool left = is_left(t) && (t->by_name || tdagi_type_takes_tensors(arg.type));
    bool is_default = arg.has_default && !left && t->given[i] == NULL;
    uint32_t at = t->s.status == TDAG_OK ? t->s.made->n : 0;
    t->out.is_default[i] = is_default;
    tdagi_structure_key(&t->s, arg.name);
    if (t->given[i] != NULL)
        take_given(t, &arg, t->given[i]);
    else if (is_default)
        take_default(t, arg.default_value, 0);
    else if (is_optional(&arg) && !left)
        tdagi_structure_none(&t->s);
    else
        take(t, arg.type, arg.name);
    bool made = t->s.status == TDAG_OK && t->s.made->n > at;
    if (made && t->s.made->nodes[at].kind == TDAGI_STRUCTURE_TENSOR)
        t->s.made->nodes[at].key = NULL; /* its own name tells */
}

static tdag_status take_all(intake *t)
{
    uint32_t behind = 0, n = t->call->n_inputs;
    for (size_t i = 0; i < t->n_args; i++)
        behind += needs(t, i);
    tdagi_structure_open(&t->s, TDAGI_STRUCTURE_TUPLE, NULL);
    for (size_t i = 0; i < t->n_args && is_going(t); i++) {
        behind -= needs(t, i);
        t->limit = t->by_name ? t->next + t->n_of[i] : n > behind ? n - behind : 0;
        take_argument(t, i);
        if (t->by_name && t->next != t->limit) t->too_few = true;
    }
    tdagi_structure_close(&t->s);
    if (t->s.status == TDAG_OK && (t->too_few || t->next != n))
        t->s.status = wrong_number(t);
    return tdagi_structure_finish(&t->s, &t->out.structure);
}

static tdag_status reserve(intake *t)
{
    size_t n = t->n_args + 1, n_inputs = t->call->n_inputs + 1u;
    t->out.order = tdagi_arena_array(t->call->arena, n_inputs, sizeof(uint32_t));
    t->input = tdagi_arena_array(t->call->arena, n_inputs, sizeof(uint32_t));
    t->n_of = tdagi_arena_array(t->call->arena, n, sizeof(uint32_t));
    t->out.is_default = tdagi_arena_array(t->call->arena, n, sizeof(bool));
    t->given = tdagi_arena_array(t->call->arena, n, sizeof *t->given);
    if (t->out.order == NULL || t->input == NULL || t->n_of == NULL ||
        t->out.is_default == NULL || t->given == NULL)
        return tdagi_nomem(t->call->ctx);
    memset(t->given, 0, n * sizeof *t->given);
    memset(t->n_of, 0, n * sizeof *t->n_of);
    return TDAG_OK;
}

tdag_status tdagi_arguments_bind(const tdagi_arguments_call *call, tdagi_arguments *out)
{
    intake t = {.call = call};
    size_t n = call->api->schema_n_args(call->schema);
    t.n_args = n == 0 ? 0 : n - 1;
    TDAGI_TRY(reserve(&t));
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < call->n_values && st == TDAG_OK; i++)
        st = read_value(&t, call->values[i]);
    if (st == TDAG_OK) {
        sort_inputs(&t);
        st = check_lengths(&t);
    }
    if (st == TDAG_OK) {
        tdagi_structure_begin(&t.s, call->ctx);
        st = take_all(&t);
    }
    for (size_t i = 0; i < t.n_args; i++)
        tdagi_structure_free(t.given[i]);
    if (st == TDAG_OK) *out = t.out;
    return st;
}
