/* Leaves of an exported model: parameters and buffers in nested modules under their own
 * names, constants as plain attributes of the root, and the expressions that read them.
 */
#include <stdio.h>
#include <string.h>

#include <math.h>

#include "torchscript/export/export.h"
#include "torchscript/source_name.h"

static tdag_shim_slot slot_of(const tdagi_node *n)
{
    return n->op == TDAG_OP_PARAMETER ? TDAG_SHIM_SLOT_PARAMETER
                                      : TDAG_SHIM_SLOT_BUFFER;
}

tdag_status tdagi_export_register(tdagi_exporter *e)
{
    char buf[16];
    e->tree.root.var = "self";
    for (uint32_t id = 1; id <= e->g->n; id++) {
        const tdagi_node *n = &e->g->nodes[id];
        if (n->op != TDAG_OP_PARAMETER && n->op != TDAG_OP_BUFFER) continue;
        const char *path =
            tdagi_name_given(tdagi_value_name(e->g, (tdag_value){id}, buf));
        if (tdagi_tree_has(&e->tree, path, n->u.tensor)) continue; /* of a program */
        TDAGI_TRY(tdagi_tree_add(&e->tree, path, slot_of(n), n->u.tensor));
    }
    return TDAG_OK;
}

/* ---- reading them ---- */

/* "<module>.<name>", or getattr() where the name is no identifier ("0"). */
static const char *attribute(tdagi_exporter *e, const char *module, const char *name)
{
    tdagi_text text;
    tdagi_text_init(&text, e->ctx);
    if (tdagi_source_is_name(name)) {
        tdagi_text_printf(&text, "%s.%s", module, name);
    } else {
        tdagi_text_printf(&text, "getattr(%s, ", module);
        tdagi_source_quote(&text, name);
        tdagi_text_add(&text, ")");
    }
    return tdagi_export_keep(e, &text);
}

/* The variable of a module, fetched from its parent's when first asked for. */
static const char *module_var(tdagi_exporter *e, tdagi_tree_module *m)
{
    if (m == NULL || m->var != NULL) return m == NULL ? NULL : m->var;
    const char *parent = module_var(e, m->parent);
    if (parent == NULL) return NULL;
    const char *dot = strrchr(m->path, '.');
    const char *get = attribute(e, parent, dot == NULL ? m->path : dot + 1);
    tdagi_text text;
    tdagi_text_init(&text, e->ctx);
    tdagi_text_printf(&text, "%sm%lu", e->mark, (unsigned long)++e->n_vars);
    const char *var = tdagi_export_keep(e, &text);
    if (get == NULL || var == NULL) return NULL;
    tdagi_text_printf(&e->body, "    %s = %s\n", var, get);
    m->var = var;
    return var;
}

static const char *read_leaf(tdagi_exporter *e, tdag_value v)
{
    char buf[16];
    const char *path = tdagi_name_given(tdagi_value_name(e->g, v, buf));
    const char *dot = strrchr(path, '.');
    const char *module = module_var(
        e, tdagi_tree_find(&e->tree, path, dot == NULL ? 0 : (size_t)(dot - path)));
    return module == NULL ? NULL : attribute(e, module, dot == NULL ? path : dot + 1);
}

/* A name for an attribute of the root that nothing else has. */
static void constant_name(tdagi_exporter *e, char *name, size_t size)
{
    do
        snprintf(name, size, "constant_%lu", (unsigned long)e->n_constants++);
    while (tdagi_tree_is_taken(&e->tree, name));
}

static const char *register_constant(tdagi_exporter *e, tdag_value v)
{
    char name[32];
    constant_name(e, name, sizeof(name));
    e->body.status = tdagi_tree_add(&e->tree, name, TDAG_SHIM_SLOT_ATTRIBUTE,
                                    tdagi_graph_node(e->g, v)->u.tensor);
    return e->body.status == TDAG_OK ? attribute(e, "self", name) : NULL;
}

const char *tdagi_export_leaf(tdagi_exporter *e, tdag_value v)
{
    return tdagi_graph_node(e->g, v)->op == TDAG_OP_CONSTANT ? register_constant(e, v)
                                                             : read_leaf(e, v);
}

const char *tdagi_export_value(tdagi_exporter *e, uint32_t kernel)
{
    if (e->body.status != TDAG_OK) return NULL;
    if (e->var[kernel] != NULL) return e->var[kernel];
    const tdagi_kernel *k = tdagi_export_kernel(e, kernel);
    if (k->composite == TDAGI_CORE && tdagi_op_holds_tensor(k->op))
        e->var[kernel] = tdagi_export_leaf(e, k->value);
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

int tdagi_export_power_of_two(const tdagi_exporter *e, const tdagi_kernel *k)
{
    double value;
    int exponent;
    if (tdag_dtype_is_float(k->dtype) || k->dtype == TDAG_BOOL ||
        tdagi_export_is_scalar(e, k, 0) ||
        !tdagi_export_scalar(e, k->inputs[1], &value) || value < 2)
        return 0;
    return frexp(value, &exponent) == 0.5 ? exponent - 1 : 0;
}

const char *tdagi_export_choose(const tdagi_exporter *e, const tdagi_kernel *k,
                                const char *left, const char *right,
                                const char *otherwise)
{
    bool at_left = tdagi_export_is_scalar(e, k, 0),
         at_right = tdagi_export_is_scalar(e, k, 1);
    return at_left == at_right ? otherwise : at_left ? left : right;
}
