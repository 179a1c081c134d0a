/* Nodes that are structure rather than arithmetic: constants, attributes, calls and
 * containers. What they need is known at import, or it is an issue. */
#include "aten/control/merge.h"
#include "aten/control/stack.h"
#include "derive/derive.h"
#include "torchscript/import/import.h"

#include <stdio.h>
#include <string.h>

typedef void (*prim_fn)(tdagi_frame *f, const tdag_shim_node *node);

/* What a node that needs something else of its argument gives. */
static tdagi_any refuse(tdagi_frame *f, const char *what, tdagi_any v)
{
    if (tdagi_env_note_poison(&f->im->env, &v)) return tdagi_any_poison();
    return tdagi_env_issue(&f->im->env, "%s of %s", what,
                           tdagi_any_text(&f->im->env, v));
}

static tdagi_any args_as(tdagi_frame *f, const tdag_shim_node *node,
                         tdagi_any_kind kind, size_t first, size_t step)
{
    tdagi_any out = tdagi_any_seq(&f->im->env, kind, 0, NULL);
    size_t n = f->im->api->node_n_inputs(node);
    for (size_t i = first; i < n && out.kind != TDAGI_ANY_POISON; i += step)
        tdagi_seq_append(&f->im->env, out.u.seq, tdagi_frame_input(f, node, i));
    return out;
}

static const char *string_attr(tdagi_frame *f, const tdag_shim_node *node,
                               const char *name)
{
    const tdag_shim_api *api = f->im->api;
    const tdag_shim_value *v = api->node_attr(f->im->session, node, name);
    if (v == NULL || api->value_kind(v) != TDAG_SHIM_STRING) return "";
    return api->value_string(f->im->session, v, NULL);
}

/* ---- constants, attributes, calls ---- */

static const char *meaningful(const char *name)
{
    return name[strspn(name, "0123456789.")] == '\0' ? NULL : name;
}

static void do_constant(tdagi_frame *f, const tdag_shim_node *node)
{
    const tdag_shim_api *api = f->im->api;
    const tdag_shim_var *out = api->node_output(node, 0);
    if (*string_attr(f, node, "name") != '\0' &&
        api->node_attr(f->im->session, node, "value") == NULL) {
        tdagi_frame_output(f, node, 0,
                           (tdagi_any){.kind = TDAGI_ANY_FUNCTION, .u.foreign = out});
        return;
    }
    const tdag_shim_value *v = api->var_constant(f->im->session, out);
    if (v == NULL) {
        tdagi_frame_output(
            f, node, 0, tdagi_env_issue(&f->im->env, "a constant of an unknown type"));
        return;
    }
    const char *name = NULL;
    if (api->value_kind(v) == TDAG_SHIM_TENSOR)
        name = meaningful(api->var_name(f->im->session, out));
    tdagi_any x = tdagi_import_value(f->im, v, name);
    if (x.kind == TDAGI_ANY_TENSOR && !x.u.tensor->is_leaf)
        x.u.tensor->is_literal = tdagi_cell_number(x.u.tensor) != NULL;
    tdagi_frame_output(f, node, 0, x);
}

static void do_get_attr(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any o = tdagi_frame_input(f, node, 0);
    if (o.kind != TDAGI_ANY_OBJECT) { /* None: a context of create_object */
        tdagi_frame_output(f, node, 0,
                           o.kind == TDAGI_ANY_NONE ? o : refuse(f, "an attribute", o));
        return;
    }
    tdagi_frame_output(
        f, node, 0, tdagi_import_attr(f->im, o.u.object, string_attr(f, node, "name")));
}

static tdagi_any shim_failed(tdagi_import *im, const tdag_shim_error *error)
{
    tdagi_import_fail(im, TDAG_E_SHIM, error);
    return tdagi_any_poison();
}

/* Its attributes are those that its methods set. */
static tdagi_any new_object(tdagi_import *im, const tdag_shim_node *node)
{
    tdag_shim_error error;
    const tdag_shim_value *v = NULL;
    if (im->api->object_new(im->session, node, &v, &error) != 0)
        return shim_failed(im, &error);
    tdagi_object *o = tdagi_env_alloc(&im->env, sizeof *o);
    if (o == NULL) return tdagi_any_poison();
    *o = (tdagi_object){.shim = v, .born = im->env.epoch};
    return (tdagi_any){.kind = TDAGI_ANY_OBJECT, .u.object = o};
}

/* `with torch.no_grad():` and its like, which change nothing here, are None. */
static void do_create_object(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    const char *type = im->api->var_type(im->session, im->api->node_output(node, 0));
    tdagi_frame_output(f, node, 0,
                       strstr(type, "grad_mode") != NULL ? tdagi_any_none()
                                                         : new_object(im, node));
}

static void do_set_attr(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any o = tdagi_frame_input(f, node, 0);
    if (o.kind == TDAGI_ANY_OBJECT)
        tdagi_import_set_attr(f->im, o.u.object, string_attr(f, node, "name"),
                              tdagi_frame_input(f, node, 1));
}

/* Runs a graph on the node's arguments; `owner` has it as its method, NULL: nobody. */
static void call(tdagi_frame *f, const tdag_shim_node *node,
                 const tdag_shim_graph *graph, tdagi_object *owner)
{
    tdagi_import *im = f->im;
    tdagi_any args = args_as(f, node, TDAGI_ANY_LIST, owner == NULL ? 1 : 0, 1);
    if (args.kind == TDAGI_ANY_POISON) return;
    const char *before = im->env.scope;
    tdagi_object *owner_before = im->owner;
    bool is_module = owner != NULL && owner->path != NULL;
    if (is_module) {
        im->env.scope = tdagi_import_scope(im, owner);
        im->owner = owner;
        tdag_builder_set_scope(im->env.b, im->env.scope);
    }
    tdagi_any out = tdagi_import_call(im, graph, args.u.seq->v, args.u.seq->n);
    if (is_module) tdag_builder_set_scope(im->env.b, before);
    im->env.scope = before;
    im->owner = owner_before;
    tdagi_frame_output(f, node, 0, out);
}

static void do_call_method(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    tdagi_any o = tdagi_frame_input(f, node, 0);
    const char *name = string_attr(f, node, "name");
    const tdag_shim_graph *graph = NULL;
    tdag_shim_error error;
    if (o.kind == TDAGI_ANY_NONE && strcmp(name, "__init__") == 0) {
        tdagi_frame_output(f, node, 0, o);
        return;
    }
    if (o.kind != TDAGI_ANY_OBJECT) {
        tdagi_frame_output(f, node, 0,
                           o.kind == TDAGI_ANY_POISON
                               ? o
                               : tdagi_env_issue(&im->env, "a call of %s on %s", name,
                                                 tdagi_any_text(&im->env, o)));
        return;
    }
    if (im->api->method_graph(im->session, o.u.object->shim, name, &graph, &error) !=
        0) {
        tdagi_frame_output(f, node, 0, shim_failed(im, &error));
        return;
    }
    call(f, node, graph, o.u.object);
}

static void do_call_function(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    tdagi_any fn = tdagi_frame_input(f, node, 0);
    const tdag_shim_graph *graph = NULL;
    const char *name = NULL;
    tdag_shim_error error;
    if (fn.kind != TDAGI_ANY_FUNCTION) {
        tdagi_frame_output(
            f, node, 0,
            tdagi_env_issue(&im->env, "a call of %s", tdagi_any_text(&im->env, fn)));
        return;
    }
    if (im->api->var_function(im->session, fn.u.foreign, &graph, &name, &error) != 0) {
        tdagi_frame_output(f, node, 0, shim_failed(im, &error));
        return;
    }
    call(f, node, graph, NULL);
}

/* ---- containers ---- */

static void do_list(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    tdagi_any l = args_as(f, node, TDAGI_ANY_LIST, 0, 1);
    const char *type = im->api->var_type(im->session, im->api->node_output(node, 0));
    if (l.kind == TDAGI_ANY_LIST && l.u.seq->n == 0 && type != NULL)
        l.u.seq->letter = strcmp(type, "List[int]") == 0     ? 'i'
                          : strcmp(type, "List[float]") == 0 ? 'f'
                          : strcmp(type, "List[bool]") == 0  ? 'b'
                          : strcmp(type, "List[str]") == 0   ? 's'
                                                             : 0;
    tdagi_frame_output(f, node, 0, l);
}

static void do_tuple(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    tdagi_any t = args_as(f, node, TDAGI_ANY_TUPLE, 0, 1);
    const tdag_shim_var *var = im->api->node_output(node, 0);
    if (t.kind == TDAGI_ANY_TUPLE && t.u.seq->n > 0 &&
        im->api->var_tuple_field(im->session, var, 0) != NULL) {
        tdagi_seq *s = t.u.seq;
        const char *type = im->api->var_type(im->session, var);
        const char *dot = strrchr(type, '.');
        s->type_name = dot == NULL ? type : dot + 1;
        s->fields = tdagi_env_alloc(&im->env, s->n * sizeof(char *));
        for (uint32_t i = 0; i < s->n && s->fields != NULL; i++)
            s->fields[i] = im->api->var_tuple_field(im->session, var, i);
    }
    tdagi_frame_output(f, node, 0, t);
}

static void do_unpack(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any s = tdagi_frame_input(f, node, 0);
    size_t n = f->im->api->node_n_outputs(node);
    if (tdagi_any_is_stack(s)) s = tdagi_stack_items(&f->im->env, s, (uint32_t)n);
    if (!tdagi_any_is_seq(s)) {
        tdagi_frame_outputs(f, node, refuse(f, "an unpacking", s));
        return;
    }
    if (s.u.seq->n != n) {
        tdagi_env_fail(&f->im->env, TDAG_E_SHAPE, "%u values are unpacked into %zu",
                       (unsigned)s.u.seq->n, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        tdagi_frame_output(f, node, i, s.u.seq->v[i]);
}

void tdagi_prim_index(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any s = tdagi_frame_input(f, node, 0);
    int64_t i = 0;
    bool known = tdagi_any_const_int(&f->im->env, tdagi_frame_input(f, node, 1), &i);
    if (!tdagi_any_is_seq(s) || !known) {
        tdagi_frame_output(f, node, 0, refuse(f, "an item", s));
        return;
    }
    if (i < 0) i += s.u.seq->n;
    if (i < 0 || i >= s.u.seq->n) {
        tdagi_env_fail(&f->im->env, TDAG_E_ARG, "index %lld of a tuple of %u",
                       (long long)i, (unsigned)s.u.seq->n);
        return;
    }
    tdagi_frame_output(f, node, 0, s.u.seq->v[i]);
}

static void do_dict(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any d = tdagi_any_dict(&f->im->env);
    size_t n = f->im->api->node_n_inputs(node);
    for (size_t i = 0; i + 1 < n && d.kind == TDAGI_ANY_DICT; i += 2)
        tdagi_dict_set(&f->im->env, d.u.dict, tdagi_frame_input(f, node, i),
                       tdagi_frame_input(f, node, i + 1));
    tdagi_frame_output(f, node, 0, d);
}

/* What is known to be there. */
static void do_unwrap(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any v = tdagi_frame_input(f, node, 0);
    tdagi_frame_output(f, node, 0, v.kind == TDAGI_ANY_OPTIONAL ? v.u.seq->v[1] : v);
}

static void do_unset(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_frame_outputs(f, node, tdagi_unset());
}

static void do_none(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_frame_outputs(f, node, tdagi_any_none());
}

/* What is forked is done at once, in a frame of its own: it has its arguments. */
static void do_fork(tdagi_frame *f, const tdag_shim_node *node)
{
    const tdag_shim_api *api = f->im->api;
    const tdag_shim_block *block = api->node_block(node, 0);
    tdagi_frame inner = {.im = f->im};
    if (block == NULL) {
        tdagi_frame_output(f, node, 0, tdagi_env_issue(&f->im->env, "prim::fork"));
        return;
    }
    for (size_t i = 0; i < api->block_n_inputs(block); i++)
        tdagi_frame_set(&inner, api->block_input(block, i),
                        tdagi_frame_input(f, node, i));
    tdagi_import_block(&inner, block);
    f->im->node = node;
    const tdagi_any *v = tdagi_frame_get(&inner, api->block_output(block, 0));
    tdagi_frame_output(f, node, 0, v == NULL ? tdagi_any_none() : *v);
}

/* Of a tensor of one axis that depends on data: its numbers. */
static tdagi_any list_of_data(tdagi_env *env, tdagi_any v)
{
    if (tdagi_env_note_poison(env, &v)) return tdagi_any_poison();
    if (v.kind != TDAGI_ANY_TENSOR || tdagi_cell_rank(env, v.u.tensor) != 1)
        return tdagi_env_issue(env, "tolist() of a tensor that depends on data");
    tdag_dtype d = tdagi_cell_dtype(env, v.u.tensor);
    char letter = tdag_dtype_is_float(d) ? 'f' : d == TDAG_BOOL ? 'b' : 'i';
    tdag_value as = tdagi_cast(env->b, tdagi_cell_read(env, v.u.tensor),
                               letter == 'f'   ? TDAG_F64
                               : letter == 'b' ? TDAG_BOOL
                                               : TDAG_I64);
    return tdagi_stack_list(env, tdagi_cell_new(env, as), letter);
}

static void do_tolist(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any v = tdagi_frame_input(f, node, 0), list;
    if (!tdagi_any_listed(&f->im->env, v, &list)) list = list_of_data(&f->im->env, v);
    tdagi_frame_output(f, node, 0, list);
}

/* ---- isinstance ---- */

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_instance(tdagi_any v, const char *type)
{
    if (starts(type, "Optional["))
        return v.kind == TDAGI_ANY_NONE || is_instance(v, type + strlen("Optional["));
    switch ((tdagi_any_kind)v.kind) {
    case TDAGI_ANY_NONE:
        return starts(type, "NoneType") || starts(type, "None");
    case TDAGI_ANY_TENSOR:
    case TDAGI_ANY_NESTED:
    case TDAGI_ANY_COMPLEX:
        return starts(type, "Tensor");
    case TDAGI_ANY_COMPLEX_NUMBER:
        return starts(type, "complex");
    case TDAGI_ANY_INT:
        return starts(type, "int");
    case TDAGI_ANY_FLOAT:
        return starts(type, "float");
    case TDAGI_ANY_BOOL:
        return starts(type, "bool");
    case TDAGI_ANY_DATA:
        return starts(type, v.letter == 'i'   ? "int"
                            : v.letter == 'f' ? "float"
                            : v.letter == 's' ? "str"
                                              : "bool");
    case TDAGI_ANY_STRING:
        return starts(type, "str");
    case TDAGI_ANY_LIST: /* TorchScript compares the element type, as the first one's */
        if (!starts(type, "List[")) return false;
        return v.u.seq->n == 0 || is_instance(v.u.seq->v[0], type + strlen("List["));
    case TDAGI_ANY_TUPLE:
        return starts(type, "Tuple[") || starts(type, "NamedTuple");
    case TDAGI_ANY_DICT:
        return starts(type, "Dict[");
    case TDAGI_ANY_DEVICE:
        return starts(type, "Device") || starts(type, "device");
    case TDAGI_ANY_POISON:
    case TDAGI_ANY_OPTIONAL:
    case TDAGI_ANY_OBJECT:
    case TDAGI_ANY_FUNCTION:
    case TDAGI_ANY_OTHER:
        break;
    }
    return false;
}

static void do_isinstance(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    tdagi_any v = tdagi_frame_input(f, node, 0);
    const tdag_shim_value *types = im->api->node_attr(im->session, node, "types");
    bool is = false;
    size_t n = types == NULL ? 0 : im->api->value_size(types);
    for (size_t i = 0; i < n && !is; i++) {
        const tdag_shim_value *t = im->api->value_item(im->session, types, i);
        is = t != NULL && is_instance(v, im->api->value_string(im->session, t, NULL));
    }
    tdagi_frame_output(f, node, 0, v.kind == TDAGI_ANY_POISON ? v : tdagi_any_bool(is));
}

/* ---- the table ---- */

static const struct {
    const char *kind;
    prim_fn fn;
} rows[] = {
    {"CallFunction", do_call_function},
    {"CallMethod", do_call_method},
    {"Constant", do_constant},
    {"CreateObject", do_create_object},
    {"DictConstruct", do_dict},
    {"Enter", do_none},
    {"Exit", do_none},
    {"GetAttr", do_get_attr},
    {"If", tdagi_prim_if},
    {"ListConstruct", do_list},
    {"ListUnpack", do_unpack},
    {"Loop", tdagi_prim_loop},
    {"Print", do_none},
    {"RaiseException", tdagi_prim_raise},
    {"SetAttr", do_set_attr},
    {"TupleConstruct", do_tuple},
    {"TupleIndex", tdagi_prim_index},
    {"TupleUnpack", do_unpack},
    {"Uninitialized", do_unset},
    {"fork", do_fork},
    {"isinstance", do_isinstance},
    {"tolist", do_tolist},
    {"unchecked_cast", do_unwrap},
    {"unchecked_unwrap_optional", do_unwrap},
};

bool tdagi_import_prim(tdagi_frame *f, const tdag_shim_node *node, const char *kind)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].kind, kind + strlen("prim::")) == 0) {
            rows[i].fn(f, node);
            return true;
        }
    return false;
}
