/* Nodes that are operators: the call of the row, and the binding of its results. */
#include <string.h>

#include "aten/aten.h"
#include "aten/control/journal.h"
#include "aten/control/stack.h"
#include "aten/selection.h"
#include "torchscript/import/import.h"
#include "torchscript/reader/reader.h"

/* What masks pick is a tensor where it meets a list whose length a run tells. */
static const tdagi_any *with_settled(tdagi_env *env, const tdagi_any *args, uint32_t n)
{
    uint32_t at = 0;
    while (at < n && !tdagi_any_is_stack(args[at]))
        at++;
    tdagi_any *out = at == n ? NULL : tdagi_env_alloc(env, n * sizeof *out);
    for (uint32_t i = 0; out != NULL && i < n; i++)
        out[i] = tdagi_settled(env, args[i]);
    return out == NULL ? args : out;
}

static tdagi_any run(tdagi_env *env, const tdagi_schema *schema, const tdagi_any *args,
                     uint32_t n)
{
    tdagi_any out, before;
    tdagi_import *im = env->reader;
    const char *path = NULL;
    if (n > 0 && args[0].kind == TDAGI_ANY_LIST && args[0].u.seq->lives &&
        schema->n_args > 0 && schema->args[0].is_written)
        path = tdagi_import_path_of(im, args[0].u.seq);
    if (path != NULL) { /* it is state: this walk only finds what of */
        before = tdagi_list_copy_of(env, args[0].u.seq);
        args[0].u.seq->lives = false;
    }
    if (n > 2 && args[0].kind == TDAGI_ANY_DICT && args[0].u.dict->keys.lives &&
        strcmp(schema->name, "aten::_set_item") == 0) {
        const char *of = tdagi_import_path_of(im, &args[0].u.dict->values);
        if (of != NULL && im->found != NULL && env->outline != NULL &&
            tdagi_import_found_value(im, of, args[0].u.dict, args[1], args[2]))
            args[0].u.dict->keys.lives = false;
    }
    if (!tdagi_stack_call(env, schema, with_settled(env, args, n), n, &out))
        out = tdagi_aten_call(env, schema, args, n);
    if (n > 0 && args[0].kind == TDAGI_ANY_DICT &&
        tdagi_import_path_of(im, &args[0].u.dict->values) != NULL)
        args[0].u.dict->keys.lives = true;
    if (path != NULL && tdagi_env_ok(env))
        tdagi_import_found_list(im, path, before, args[0]);
    return out;
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
        args[i] = v == NULL ? tdagi_any_poison() : tdagi_journal_known(*v);
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

/* An operator that no row knows, where such are kept: PyTorch tells its arguments. */
static tdagi_any call_unknown(tdagi_import *im, const tdagi_source_call *call)
{
    tdagi_resolved resolved = {.schema = NULL};
    const tdagi_import_schema *s = tdagi_import_ask_torch(im, call, &resolved);
    if (!tdagi_env_ok(&im->env)) return tdagi_any_poison();
    if (s == NULL) return tdagi_env_issue(&im->env, "%s", call->name);
    im->shim_schema = s->shim;
    return run(&im->env, &s->ours, resolved.args, resolved.n_args);
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
    if (resolved.schema->row == NULL && im->env.opaque != NULL)
        return call_unknown(im, &call);
    return run(&im->env, resolved.schema, resolved.args, resolved.n_args);
}

/* Nodes of kinds that have no schema have no arguments that are known by name. */
static tdagi_any call_shim(tdagi_import *im, const tdag_shim_node *node,
                           const tdagi_any *args, uint32_t n)
{
    const tdag_shim_schema *shim = im->api->node_schema(im->session, node);
    im->shim_schema = shim;
    if (shim == NULL) {
        const tdagi_schema none = {.name = im->api->node_kind(node),
                                   .overload = "",
                                   .n_results = (uint32_t)im->api->node_n_outputs(node),
                                   .is_vararg = true};
        return run(&im->env, &none, args, n);
    }
    const tdagi_import_schema *s = tdagi_import_schema_of(im, shim);
    if (s == NULL) return tdagi_any_poison();
    return run(&im->env, &s->ours, args, n);
}

/* ---- what its row refuses ---- */

static bool has_poison(tdagi_import *im, const tdagi_any *args, uint32_t n)
{
    bool found = false;
    for (uint32_t i = 0; i < n; i++)
        found |= tdagi_env_note_poison(&im->env, &args[i]);
    return found;
}

/* The call by what PyTorch says of it; POISON with an issue where it cannot be kept. */
static tdagi_any keep_opaque(tdagi_import *im, const tdag_shim_node *node,
                             const tdagi_any *args, uint32_t n)
{
    const tdagi_import_schema *s = NULL;
    tdagi_resolved resolved = {.args = args, .n_args = n};
    tdagi_source_call call = {.name = im->api->node_kind(node), .n = n, .args = args};
    if (im->is_native) {
        call.names = tdagi_reader_names(node, &call.n_named);
        call.version = tdagi_reader_version(im->session);
        s = tdagi_import_ask_torch(im, &call, &resolved);
    } else if (im->shim_schema != NULL) {
        s = tdagi_import_schema_of(im, im->shim_schema);
    }
    if (s == NULL) return tdagi_env_issue(&im->env, "%s", call.name);
    im->shim_schema = s->shim;
    return im->env.opaque(&im->env, &s->ours, resolved.args, resolved.n_args);
}

/* A call that its row refuses is kept as an opaque node where such are wanted, or the
 * row's issue stays. */
static tdagi_any refused(tdagi_import *im, const tdag_shim_node *node,
                         const tdagi_any *args, uint32_t n, uint32_t n_issues)
{
    const char *why =
        im->env.n_issues > n_issues ? im->env.issues[n_issues].what : NULL;
    if (why == NULL) return tdagi_any_poison();
    im->env.n_issues = n_issues;
    tdagi_any out = keep_opaque(im, node, args, n);
    if (out.kind != TDAGI_ANY_POISON || !tdagi_env_ok(&im->env)) return out;
    im->env.n_issues = n_issues;
    return tdagi_env_issue(&im->env, "%s", why);
}

/* Values that the next node unpacks this one's list into; 0: it does not. */
static uint32_t n_unpacked(const tdagi_import *im, const tdag_shim_node *node)
{
    const tdag_shim_node *next = im->api->node_next(node);
    if (next == NULL || strcmp(im->api->node_kind(next), "prim::ListUnpack") != 0 ||
        im->api->node_input(next, 0) != im->api->node_output(node, 0))
        return 0;
    return (uint32_t)im->api->node_n_outputs(next);
}

void tdagi_import_operator(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    size_t n = im->api->node_n_inputs(node);
    const tdagi_any *args = read_args(f, node, n);
    if (args == NULL) return;
    if (n == 1 && strcmp(im->api->node_kind(node), "aten::wait") == 0) {
        tdagi_frame_output(f, node, 0, args[0]); /* it is there */
        return;
    }
    if (im->is_native && is_tuple_item(im, node, args)) {
        tdagi_prim_index(f, node);
        return;
    }
    uint32_t before = im->env.b->graph->n, n_issues = im->env.n_issues;
    im->env.n_unpacked = n_unpacked(im, node);
    tdagi_any out = im->is_native ? call_native(im, node, args, (uint32_t)n)
                                  : call_shim(im, node, args, (uint32_t)n);
    if (im->env.opaque != NULL && out.kind == TDAGI_ANY_POISON &&
        tdagi_env_ok(&im->env) && im->env.n_issues > n_issues &&
        !has_poison(im, args, (uint32_t)n))
        out = refused(im, node, args, (uint32_t)n, n_issues);
    if (tdagi_env_ok(&im->env)) bind(f, node, out, before);
}
