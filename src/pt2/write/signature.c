/* Inputs and results: the user's in the signature, how they are arranged as pytrees,
 * and the list of modules. */
#include <string.h>

#include "pt2/write/write.h"

typedef tdagi_structure_node node;

/* ---- constants of structures ---- */

/* The argument that a constant is, {"as_int":1}. */
static void add_constant(tdagi_pt2_writer *w, tdagi_text *to, const node *of)
{
    static const tdagi_parameter any = {.name = "", .type = ""};
    tdagi_any v = tdagi_any_none();
    if (of->kind == TDAGI_STRUCTURE_BOOL) v = tdagi_any_bool(of->u.b);
    if (of->kind == TDAGI_STRUCTURE_INT) v = tdagi_any_int(&w->env, of->u.i);
    if (of->kind == TDAGI_STRUCTURE_FLOAT) v = tdagi_any_float(of->u.f);
    if (of->kind == TDAGI_STRUCTURE_STRING) v = tdagi_any_string(of->u.s);
    tdagi_pt2_add_argument(w, to, &any, v);
}

/* ---- pytrees ---- */

static void add_tree(tdagi_text *to, const node *of);

static void add_items(tdagi_text *to, const node *of)
{
    const node *item = tdagi_structure_first(of);
    tdagi_text_add(to, "\"children_spec\":[");
    for (uint32_t i = 0; i < of->n; i++, item = tdagi_structure_next(item)) {
        if (i > 0) tdagi_text_add(to, ",");
        add_tree(to, item);
    }
    tdagi_text_add(to, "]}");
}

/* A list of keys as JSON, inside a string. */
static void add_keys(tdagi_text *to, const node *of)
{
    tdagi_text keys;
    tdagi_text_init(&keys, to->ctx);
    const node *item = tdagi_structure_first(of);
    for (uint32_t i = 0; i < of->n; i++, item = tdagi_structure_next(item)) {
        tdagi_text_add(&keys, i > 0 ? "," : "[");
        tdagi_text_add_json(&keys, item->key);
    }
    tdagi_text_add(&keys, of->n > 0 ? "]" : "[]");
    if (keys.status == TDAG_OK)
        tdagi_text_add_json(to, keys.data);
    else if (to->status == TDAG_OK)
        to->status = keys.status;
    tdagi_text_free(&keys);
}

/* Named tuples are plain ones: their types are not known where the file is read. */
static void add_tree(tdagi_text *to, const node *of)
{
    if (!tdagi_structure_has_items(of)) {
        tdagi_text_add(to, "{\"type\":null,\"context\":null,\"children_spec\":[]}");
        return;
    }
    if (of->kind == TDAGI_STRUCTURE_DICT) {
        tdagi_text_add(to, "{\"type\":\"builtins.dict\",\"context\":");
        add_keys(to, of);
        tdagi_text_add(to, ",");
    } else {
        tdagi_text_printf(to, "{\"type\":\"builtins.%s\",\"context\":\"null\",",
                          of->kind == TDAGI_STRUCTURE_LIST ? "list" : "tuple");
    }
    add_items(to, of);
}

/* ---- arguments ---- */

typedef struct arguments {
    const node *first;
    uint32_t n; /* those behind the last tensor are left to their defaults */
} arguments;

static bool has_tensor(const node *of)
{
    for (uint32_t i = 0; i < of->size; i++)
        if (of[i].kind == TDAGI_STRUCTURE_TENSOR) return true;
    return false;
}

static arguments arguments_of(const tdag_model *model)
{
    const node *root = tdagi_model_inputs(model)->nodes;
    bool is_list = root->kind == TDAGI_STRUCTURE_TUPLE && root->u.s == NULL;
    arguments out = {is_list ? tdagi_structure_first(root) : root, 0};
    uint32_t n = is_list ? root->n : 1;
    const node *item = out.first;
    for (uint32_t i = 0; i < n; i++, item = tdagi_structure_next(item))
        if (has_tensor(item)) out.n = i + 1;
    return out;
}

static void add_input(tdagi_pt2_writer *w, uint32_t i)
{
    char buf[16];
    tdag_value v = w->g->inputs[i];
    const tdagi_node *n = tdagi_graph_node(w->g, v);
    const char *full = tdagi_value_name(w->g, v, buf);
    const char *name = tdagi_pt2_unique(w, "", tdagi_name_given(full));
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t axis = 0; axis < n->rank; axis++)
        shape[axis] = tdagi_dim_import(w->env.pool, w->g->pool, n->shape[axis]);
    w->inputs[i] = name;
    tdagi_text_printf(&w->user_inputs, "{\"as_tensor\":{\"name\":\"%s\"}}", name);
    tdagi_text_printf(&w->user_specs,
                      "{\"user_input\":{\"arg\":{\"as_tensor\":{\"name\":\"%s\"}}}}",
                      name);
    tdagi_pt2_declare(w, name, (tdag_dtype)n->dtype, n->rank, shape, false);
    tdag_value made =
        tdag_add_input(w->env.b, full, (tdag_dtype)n->dtype, n->rank, shape);
    uint32_t kernel = w->s->raised->kernel_of[v.id];
    if (made.id == 0 && tdagi_env_ok(&w->env))
        w->env.status = tdag_builder_get_status(w->env.b);
    if (kernel == 0 || !tdagi_env_ok(&w->env)) return;
    w->values[kernel] = tdagi_any_tensor(tdagi_cell_new(&w->env, made));
    if (tdagi_env_ok(&w->env))
        tdagi_pt2_set_label(w, tdagi_pt2_cell_key(w->values[kernel].u.tensor), name);
}

static void add_literal(tdagi_pt2_writer *w, const node *of)
{
    const char *name = tdagi_pt2_unique(w, "", of->key == NULL ? "constant" : of->key);
    add_constant(w, &w->user_inputs, of);
    tdagi_text_printf(&w->user_specs,
                      "{\"constant_input\":{\"name\":\"%s\",\"value\":", name);
    add_constant(w, &w->user_specs, of);
    tdagi_text_add(&w->user_specs, "}}");
}

void tdagi_pt2_add_inputs(tdagi_pt2_writer *w)
{
    arguments a = arguments_of(w->model);
    const node *item = a.first, *end = a.first;
    uint32_t next = 0;
    for (uint32_t i = 0; i < a.n; i++)
        end = tdagi_structure_next(end);
    for (; item < end && tdagi_env_ok(&w->env); item++) {
        if (tdagi_structure_has_items(item)) continue;
        tdagi_pt2_comma(&w->user_inputs);
        tdagi_pt2_comma(&w->user_specs);
        if (item->kind == TDAGI_STRUCTURE_TENSOR)
            add_input(w, next++);
        else
            add_literal(w, item);
    }
}

/* ---- results ---- */

static void add_result(tdagi_pt2_writer *w, tdagi_text *to, uint32_t i)
{
    static const tdagi_parameter tensor = {.name = "", .type = "Tensor"};
    tdagi_any v = tdagi_pt2_value(w, w->s->raised->kernel_of[w->g->outputs[i].id]);
    if (v.kind == TDAGI_ANY_TENSOR)
        tdagi_pt2_add_argument(w, to, &tensor, v);
    else
        tdagi_pt2_fail(w, "an output that no call gives");
}

void tdagi_pt2_add_outputs(tdagi_pt2_writer *w)
{
    const tdagi_structure *s = tdagi_model_outputs(w->model);
    uint32_t next = 0;
    for (uint32_t i = 0; i < s->n && tdagi_env_ok(&w->env); i++) {
        const node *item = &s->nodes[i];
        tdagi_text *to = &w->piece;
        if (tdagi_structure_has_items(item)) continue;
        to->length = 0;
        if (item->kind == TDAGI_STRUCTURE_STRING)
            tdagi_env_fail(
                &w->env, TDAG_E_UNSUPPORTED,
                "a string among the results, which torch.export cannot load");
        if (item->kind == TDAGI_STRUCTURE_TENSOR)
            add_result(w, to, next++);
        else
            add_constant(w, to, item);
        if (to->status != TDAG_OK || to->length == 0) return;
        tdagi_pt2_comma(&w->outputs);
        tdagi_text_add(&w->outputs, to->data);
        tdagi_pt2_comma(&w->output_specs);
        tdagi_text_printf(&w->output_specs, "{\"user_output\":{\"arg\":%s}}", to->data);
    }
}

/* ---- modules ---- */

/* "[1,TREE]" as a string of JSON. */
static void add_spec(tdagi_text *to, tdagi_text *tree)
{
    tdagi_text_add(tree, "]");
    if (tree->status == TDAG_OK)
        tdagi_text_add_json(to, tree->data);
    else if (to->status == TDAG_OK)
        to->status = tree->status;
    tdagi_text_free(tree);
}

static void add_in_spec(tdagi_pt2_writer *w, tdagi_text *to)
{
    tdagi_text tree;
    arguments a = arguments_of(w->model);
    const node *item = a.first;
    tdagi_text_init(&tree, w->ctx);
    tdagi_text_add(&tree, "[1,{\"type\":\"builtins.tuple\",\"context\":\"null\","
                          "\"children_spec\":[{\"type\":\"builtins.tuple\",\"context\":"
                          "\"null\",\"children_spec\":[");
    for (uint32_t i = 0; i < a.n; i++, item = tdagi_structure_next(item)) {
        if (i > 0) tdagi_text_add(&tree, ",");
        add_tree(&tree, item);
    }
    tdagi_text_add(&tree, "]},{\"type\":\"builtins.dict\",\"context\":\"[]\","
                          "\"children_spec\":[]}]}");
    add_spec(to, &tree);
}

void tdagi_pt2_add_modules(tdagi_pt2_writer *w, tdagi_text *to)
{
    tdagi_text tree;
    tdagi_text_add(to, "{\"fqn\":\"\",\"signature\":{\"inputs\":[],\"outputs\":[],"
                       "\"in_spec\":");
    add_in_spec(w, to);
    tdagi_text_add(to, ",\"out_spec\":");
    tdagi_text_init(&tree, w->ctx);
    tdagi_text_add(&tree, "[1,");
    add_tree(&tree, tdagi_model_outputs(w->model)->nodes);
    add_spec(to, &tree);
    tdagi_text_add(to, ",\"forward_arg_names\":null}}");
    if (w->calls.length > 0) tdagi_text_add_bytes(to, w->calls.data, w->calls.length);
}
