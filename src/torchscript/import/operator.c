/* Nodes that are operators: their schemas as ours, read once, the call of the row, and
 * the binding of its results. */
#include <string.h>

#include "aten/aten.h"
#include "torchscript/import/import.h"
#include "torchscript/reader/reader.h"

/* ---- schemas ---- */

static uint32_t slot_of(const tdag_shim_schema *shim, uint32_t capacity)
{
    return (uint32_t)((uintptr_t)shim >> 4) & (capacity - 1);
}

static bool schemas_grow(tdagi_import *im)
{
    tdagi_import_schema **old = im->schemas;
    uint32_t n = im->schemas_capacity, wider = n == 0 ? 128 : n * 2;
    tdagi_import_schema **p = tdagi_env_alloc(&im->env, wider * sizeof(*p));
    if (p == NULL) return false;
    memset(p, 0, wider * sizeof(*p));
    for (uint32_t i = 0; i < n; i++) {
        if (old[i] == NULL) continue;
        uint32_t at = slot_of(old[i]->shim, wider);
        while (p[at] != NULL)
            at = (at + 1) & (wider - 1);
        p[at] = old[i];
    }
    im->schemas = p;
    im->schemas_capacity = wider;
    return true;
}

static tdagi_default read_default(tdagi_import *im, const tdag_shim_value *v);

static tdagi_default read_list(tdagi_import *im, const tdag_shim_value *v)
{
    size_t n = im->api->value_size(v);
    tdagi_default *items = tdagi_env_alloc(&im->env, n * sizeof(*items));
    if (items == NULL) return (tdagi_default){.kind = TDAGI_DEFAULT_OTHER};
    for (size_t i = 0; i < n; i++)
        items[i] = read_default(im, im->api->value_item(im->session, v, i));
    return (tdagi_default){
        .kind = TDAGI_DEFAULT_LIST, .n = (uint32_t)n, .items = items};
}

static tdagi_default read_default(tdagi_import *im, const tdag_shim_value *v)
{
    const tdag_shim_api *api = im->api;
    if (v == NULL) return (tdagi_default){.kind = TDAGI_DEFAULT_NONE};
    switch (api->value_kind(v)) {
    case TDAG_SHIM_NONE:
        return (tdagi_default){.kind = TDAGI_DEFAULT_NONE};
    case TDAG_SHIM_INT:
        return (tdagi_default){.kind = TDAGI_DEFAULT_INT, .i = api->value_int(v)};
    case TDAG_SHIM_DOUBLE:
        return (tdagi_default){.kind = TDAGI_DEFAULT_FLOAT, .f = api->value_double(v)};
    case TDAG_SHIM_BOOL:
        return (tdagi_default){.kind = TDAGI_DEFAULT_BOOL, .i = api->value_bool(v)};
    case TDAG_SHIM_STRING:
        return (tdagi_default){.kind = TDAGI_DEFAULT_STRING,
                               .s = api->value_string(im->session, v, NULL)};
    case TDAG_SHIM_LIST:
    case TDAG_SHIM_TUPLE:
        return read_list(im, v);
    case TDAG_SHIM_TENSOR:
    case TDAG_SHIM_DEVICE:
    case TDAG_SHIM_DICT:
    case TDAG_SHIM_OBJECT:
    case TDAG_SHIM_ENUM:
    case TDAG_SHIM_COMPLEX:
    case TDAG_SHIM_OTHER:
        break;
    }
    return (tdagi_default){.kind = TDAGI_DEFAULT_OTHER};
}

static bool read_parameters(tdagi_import *im, tdagi_import_schema *s)
{
    uint32_t n = (uint32_t)im->api->schema_n_args(s->shim);
    tdagi_parameter *args = tdagi_env_alloc(&im->env, n * sizeof(*args));
    if (args == NULL) return false;
    for (uint32_t i = 0; i < n; i++) {
        tdag_shim_arg a;
        im->api->schema_arg(im->session, s->shim, i, &a);
        args[i] = (tdagi_parameter){.name = a.name,
                                    .type = a.type,
                                    .keyword_only = a.kwarg_only,
                                    .is_written = a.is_written};
        if (a.has_default && a.default_value != NULL)
            args[i].by_default = read_default(im, a.default_value);
    }
    s->ours.args = args;
    s->ours.n_args = n;
    return true;
}

/* Without a schema of the shim's (nodes of kinds that have none) it has no arguments
 * that are known by name. */
static tdagi_import_schema *read_schema(tdagi_import *im, const tdag_shim_schema *shim,
                                        const tdag_shim_node *node)
{
    const tdag_shim_api *api = im->api;
    tdagi_import_schema *s = tdagi_env_alloc(&im->env, sizeof(*s));
    if (s == NULL) return NULL;
    memset(s, 0, sizeof(*s));
    s->shim = shim;
    s->ours.name = shim == NULL ? api->node_kind(node) : api->schema_name(shim);
    s->ours.overload = shim == NULL ? "" : api->schema_overload(shim);
    s->ours.n_results = (uint32_t)(shim == NULL ? api->node_n_outputs(node)
                                                : api->schema_n_results(shim));
    s->ours.is_vararg = shim == NULL || api->schema_is_vararg(shim);
    if (shim != NULL && !read_parameters(im, s)) return NULL;
    tdagi_schema_bind(&s->ours);
    return s;
}

static tdagi_import_schema *schema_of(tdagi_import *im, const tdag_shim_node *node)
{
    const tdag_shim_schema *shim = im->api->node_schema(im->session, node);
    if (shim == NULL) return read_schema(im, NULL, node);
    if (2 * (im->n_schemas + 1) > im->schemas_capacity && !schemas_grow(im))
        return NULL;
    uint32_t at = slot_of(shim, im->schemas_capacity);
    while (im->schemas[at] != NULL) {
        if (im->schemas[at]->shim == shim) return im->schemas[at];
        at = (at + 1) & (im->schemas_capacity - 1);
    }
    im->schemas[at] = read_schema(im, shim, node);
    im->n_schemas += im->schemas[at] != NULL;
    return im->schemas[at];
}

/* ---- results ---- */

static bool is_meaningful(const char *name)
{
    return name[strspn(name, "0123456789")] != '\0';
}

/* A new node is called as its variable. */
static void name_result(tdagi_import *im, const tdag_shim_var *var, tdagi_any v,
                        uint32_t before)
{
    if (v.kind != TDAGI_ANY_TENSOR || v.u.tensor->value.id <= before) return;
    if (im->env.b->graph->nodes[v.u.tensor->value.id].name != NULL) return;
    const char *name = im->api->var_name(im->session, var);
    if (is_meaningful(name)) tdag_builder_set_name(im->env.b, v.u.tensor->value, name);
}

static void bind(tdagi_frame *f, const tdag_shim_node *node, tdagi_any v,
                 uint32_t before)
{
    tdagi_import *im = f->im;
    size_t n = im->api->node_n_outputs(node);
    bool spread = n > 1;
    if (spread && v.kind == TDAGI_ANY_TUPLE && v.u.seq->n != n) {
        tdagi_env_fail(&im->env, TDAG_E_INTERNAL, "it has %u results, not %u",
                       (unsigned)n, (unsigned)v.u.seq->n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const tdag_shim_var *var = im->api->node_output(node, i);
        tdagi_any x = !spread                     ? v
                      : v.kind == TDAGI_ANY_TUPLE ? v.u.seq->v[i]
                                                  : tdagi_any_poison();
        name_result(im, var, x, before);
        tdagi_frame_set(f, var, x);
    }
}

/* ---- calls ---- */

static const tdagi_any *read_args(tdagi_frame *f, const tdag_shim_node *node, size_t n)
{
    tdagi_import *im = f->im;
    tdagi_any *args = tdagi_env_alloc(&im->env, (n + 1) * sizeof(*args));
    for (size_t i = 0; i < n && args != NULL; i++) {
        const tdagi_any *v = tdagi_frame_get(f, im->api->node_input(node, i));
        args[i] = v == NULL ? tdagi_any_poison() : *v;
    }
    return args;
}

/* A number that is taken out of a tensor where it is one. */
static bool is_implicit(const char *kind)
{
    size_t n = strlen(kind), end = strlen("Implicit");
    return n > end && strcmp(kind + n - end, "Implicit") == 0;
}

static bool is_tuple_item(const tdagi_import *im, const tdag_shim_node *node,
                          const tdagi_any *args)
{
    return strcmp(im->api->node_kind(node), "aten::__getitem__") == 0 &&
           args[0].kind == TDAGI_ANY_TUPLE;
}

/* A call as the source has it, whose schema the values at hand tell. */
static tdagi_any call_native(tdagi_import *im, const tdag_shim_node *node,
                             const tdagi_any *args, uint32_t n)
{
    tdagi_source_call call = {.name = im->api->node_kind(node), .n = n, .args = args};
    tdagi_resolved resolved;
    if (n > 0 && args[0].kind != TDAGI_ANY_TENSOR && is_implicit(call.name))
        return args[0];
    call.names = tdagi_reader_names(node, &call.n_named);
    call.version = tdagi_reader_version(im->session);
    if (!tdagi_resolve_call(&im->env, &im->resolver, &call, &resolved))
        return tdagi_any_poison();
    return tdagi_aten_call(&im->env, resolved.schema, resolved.args, resolved.n_args);
}

void tdagi_import_operator(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    size_t n = im->api->node_n_inputs(node);
    const tdagi_import_schema *s = im->is_native ? NULL : schema_of(im, node);
    const tdagi_any *args = read_args(f, node, n);
    if (args == NULL || (!im->is_native && s == NULL)) return;
    if (im->is_native && is_tuple_item(im, node, args)) {
        tdagi_prim_index(f, node);
        return;
    }
    uint32_t before = im->env.b->graph->n;
    im->shim_schema = s == NULL ? NULL : s->shim;
    tdagi_any out = im->is_native
                        ? call_native(im, node, args, (uint32_t)n)
                        : tdagi_aten_call(&im->env, &s->ours, args, (uint32_t)n);
    if (tdagi_env_ok(&im->env)) bind(f, node, out, before);
}
