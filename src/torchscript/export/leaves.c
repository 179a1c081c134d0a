/* Leaves of an exported model: parameters and buffers in nested modules under their own
 * names, constants as plain attributes of the root, and the expressions that read them.
 */
#include <stdio.h>
#include <string.h>

#include "torchscript/export/export.h"

static tdag_status shim_failed(tdagi_exporter *e, const tdag_shim_error *error)
{
    return tdagi_fail(e->ctx, TDAG_E_SHIM, "PyTorch: %s", error->message);
}

static tdagi_export_module *find_module(tdagi_exporter *e, const char *path, size_t n)
{
    for (uint32_t i = e->n_modules; i-- > 0;)
        if (strlen(e->modules[i].path) == n && memcmp(e->modules[i].path, path, n) == 0)
            return &e->modules[i];
    return NULL;
}

static tdag_status append_module(tdagi_exporter *e, const char *path, size_t n,
                                 const tdag_shim_value *handle)
{
    if (e->n_modules == e->modules_capacity) {
        uint32_t wider = e->modules_capacity == 0 ? 32 : e->modules_capacity * 2;
        void *p = e->modules;
        TDAGI_TRY(tdagi_realloc(e->ctx, &p,
                                e->modules_capacity * sizeof(tdagi_export_module),
                                wider * sizeof(tdagi_export_module)));
        e->modules = p;
        e->modules_capacity = wider;
    }
    char *copy = tdagi_arena_alloc(&e->arena, n + 1);
    if (copy == NULL) return tdagi_nomem(e->ctx);
    memcpy(copy, path, n);
    copy[n] = '\0';
    e->modules[e->n_modules++] =
        (tdagi_export_module){copy, handle, n == 0 ? "self" : NULL};
    return TDAG_OK;
}

void tdagi_export_modules_free(tdagi_exporter *e)
{
    if (e->modules != NULL)
        tdagi_free(e->ctx, e->modules,
                   e->modules_capacity * sizeof(tdagi_export_module));
}

/* The module path of n bytes, made with all its parents. */
static tdag_status need_module(tdagi_exporter *e, const char *path, size_t n,
                               const tdag_shim_value **out)
{
    tdag_shim_error error = {""};
    for (size_t end = 0; end <= n; end++) {
        bool boundary = end == 0 || end == n || path[end] == '.';
        if (!boundary || find_module(e, path, end) != NULL) continue;
        const tdag_shim_value *handle = NULL;
        int failed;
        if (end == 0) {
            failed =
                e->api->module_create(e->session, "__torch__.Model", &handle, &error);
        } else {
            size_t start = end;
            while (start > 0 && path[start - 1] != '.')
                start--;
            size_t parent_end = start == 0 ? 0 : start - 1;
            char name[256];
            if (end - start >= sizeof(name))
                return tdagi_fail(e->ctx, TDAG_E_LIMIT, "a module's name is too long");
            memcpy(name, path + start, end - start);
            name[end - start] = '\0';
            failed = e->api->module_add_module(
                e->session, find_module(e, path, parent_end)->handle, name,
                "__torch__.Module", &handle, &error);
        }
        if (failed) return shim_failed(e, &error);
        TDAGI_TRY(append_module(e, path, end, handle));
    }
    *out = find_module(e, path, n)->handle;
    return TDAG_OK;
}

static void release_tensor(void *user) { tdag_tensor_free(user); }

static tdag_status make_tensor(tdagi_exporter *e, const tdag_tensor *t, bool grad,
                               const tdag_shim_value **out)
{
    tdag_shim_error error = {""};
    tdag_shim_tensor_spec spec = {0};
    spec.dtype = t->dtype;
    spec.rank = t->rank;
    spec.sizes = t->shape;
    spec.data = t->data;
    spec.release = release_tensor;
    spec.user = tdag_tensor_copy(t);
    spec.requires_grad = grad && tdag_dtype_is_float(t->dtype);
    if (e->api->make_tensor(e->session, &spec, out, &error)) {
        tdag_tensor_free(spec.user);
        return shim_failed(e, &error);
    }
    return TDAG_OK;
}

static tdag_status register_leaf(tdagi_exporter *e, const char *path,
                                 tdag_shim_slot slot, const tdag_tensor *t)
{
    const char *dot = strrchr(path, '.');
    const char *name = dot == NULL ? path : dot + 1;
    const tdag_shim_value *module = NULL, *value = NULL;
    tdag_shim_error error = {""};
    TDAGI_TRY(need_module(e, path, dot == NULL ? 0 : (size_t)(dot - path), &module));
    TDAGI_TRY(make_tensor(e, t, slot == TDAG_SHIM_SLOT_PARAMETER, &value));
    if (e->api->module_add_attr(e->session, module, name, slot, NULL, value, &error))
        return shim_failed(e, &error);
    return TDAG_OK;
}

tdag_status tdagi_export_register(tdagi_exporter *e)
{
    const tdag_shim_value *root;
    char buf[16];
    TDAGI_TRY(need_module(e, "", 0, &root));
    for (uint32_t id = 1; id <= e->g->n; id++) {
        const tdagi_node *n = &e->g->nodes[id];
        if (n->op != TDAG_OP_PARAMETER && n->op != TDAG_OP_BUFFER) continue;
        TDAGI_TRY(register_leaf(e, tdagi_value_name(e->g, (tdag_value){id}, buf),
                                n->op == TDAG_OP_PARAMETER ? TDAG_SHIM_SLOT_PARAMETER
                                                           : TDAG_SHIM_SLOT_BUFFER,
                                n->u.tensor));
    }
    return TDAG_OK;
}

/* ---- reading them ---- */

static bool is_identifier(const char *s)
{
    if (*s >= '0' && *s <= '9') return false;
    return s[strspn(
               s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")] ==
           '\0';
}

/* "<module>.<name>", or getattr() where the name is no identifier ("0"). */
static char *attribute(tdagi_exporter *e, const char *module, const char *name)
{
    size_t size = strlen(module) + strlen(name) + 16;
    char *text = tdagi_arena_alloc(&e->arena, size);
    if (text == NULL)
        e->body.status = tdagi_nomem(e->ctx);
    else if (is_identifier(name))
        snprintf(text, size, "%s.%s", module, name);
    else
        snprintf(text, size, "getattr(%s, \"%s\")", module, name);
    return text;
}

/* The variable of a module, fetched from its parent's when first asked for. */
static const char *module_var(tdagi_exporter *e, const char *path, size_t n)
{
    tdagi_export_module *m = find_module(e, path, n);
    if (m == NULL || m->var != NULL) return m == NULL ? NULL : m->var;
    size_t start = n;
    while (start > 0 && path[start - 1] != '.')
        start--;
    const char *parent = module_var(e, path, start == 0 ? 0 : start - 1);
    char *var = tdagi_arena_alloc(&e->arena, 16);
    if (var == NULL) e->body.status = tdagi_nomem(e->ctx);
    if (parent == NULL || var == NULL) return NULL;
    snprintf(var, 16, "m%u", (unsigned)(m - e->modules));
    const char *get = attribute(e, parent, m->path + start);
    if (get == NULL) return NULL;
    tdagi_text_printf(&e->body, "    %s = %s\n", var, get);
    m->var = var;
    return var;
}

static const char *read_leaf(tdagi_exporter *e, const tdagi_kernel *k)
{
    char buf[16];
    const char *path = tdagi_value_name(e->g, k->value, buf);
    const char *dot = strrchr(path, '.');
    const char *module = module_var(e, path, dot == NULL ? 0 : (size_t)(dot - path));
    return module == NULL ? NULL : attribute(e, module, dot == NULL ? path : dot + 1);
}

/* A name for an attribute of the root that no parameter, buffer or module has. */
static void constant_name(tdagi_exporter *e, char *name, size_t size)
{
    do
        snprintf(name, size, "constant_%lu", (unsigned long)e->n_constants++);
    while (tdag_graph_find(e->g, name).id != 0 || find_module(e, name, strlen(name)));
}

static const char *register_constant(tdagi_exporter *e, const tdagi_kernel *k)
{
    char name[32];
    constant_name(e, name, sizeof(name));
    e->body.status = register_leaf(e, name, TDAG_SHIM_SLOT_ATTRIBUTE,
                                   tdagi_graph_node(e->g, k->value)->u.tensor);
    return e->body.status == TDAG_OK ? attribute(e, "self", name) : NULL;
}

const char *tdagi_export_value(tdagi_exporter *e, uint32_t kernel)
{
    if (e->body.status != TDAG_OK) return NULL;
    if (e->var[kernel] != NULL) return e->var[kernel];
    const tdagi_kernel *k = tdagi_export_kernel(e, kernel);
    bool is_core = k->composite == TDAGI_CORE;
    if (is_core && (k->op == TDAG_OP_PARAMETER || k->op == TDAG_OP_BUFFER))
        e->var[kernel] = read_leaf(e, k);
    else if (is_core && k->op == TDAG_OP_CONSTANT)
        e->var[kernel] = register_constant(e, k);
    else
        tdagi_export_fail(e, k, TDAG_E_INTERNAL,
                          "a value is used before it is computed");
    return e->var[kernel];
}

bool tdagi_export_scalar(const tdagi_exporter *e, uint32_t kernel, double *value_out)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, kernel);
    if (k->composite != TDAGI_CORE || k->op != TDAG_OP_CONSTANT || k->rank != 0)
        return false;
    *value_out = tdagi_tensor_get_f64(tdagi_graph_node(e->g, k->value)->u.tensor, 0);
    return true;
}

bool tdagi_export_is_scalar(const tdagi_exporter *e, const tdagi_kernel *k, uint32_t i)
{
    double value;
    return tdagi_export_scalar(e, k->inputs[i], &value);
}

const char *tdagi_export_choose(const tdagi_exporter *e, const tdagi_kernel *k,
                                const char *left, const char *right,
                                const char *otherwise)
{
    bool at_left = tdagi_export_is_scalar(e, k, 0),
         at_right = tdagi_export_is_scalar(e, k, 1);
    return at_left == at_right ? otherwise : at_left ? left : right;
}
