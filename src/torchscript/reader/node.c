/* Nodes, blocks and vars: making them, and the functions that walk them. */
#include <stdio.h>
#include <string.h>

#include "torchscript/reader/lower.h"
#include "torchscript/reader/reader.h"

/* ---- making ---- */

tdag_shim_var *tdagi_new_var(tdagi_lowering *l, const tdag_shim_block *block,
                             const tdag_shim_node *node)
{
    tdag_shim_var *v = tdagi_reader_alloc(l->s, 1, sizeof *v);
    if (v == NULL) return NULL;
    v->id = l->graph->n_vars++;
    v->block = block;
    v->node = node;
    return v;
}

tdag_shim_block *tdagi_new_block(tdagi_lowering *l, uint32_t n_inputs)
{
    tdag_shim_block *b = tdagi_reader_alloc(l->s, 1, sizeof *b);
    if (b == NULL) return NULL;
    b->graph = l->graph;
    b->inputs = tdagi_reader_alloc(l->s, n_inputs + 1u, sizeof *b->inputs);
    for (uint32_t i = 0; i < n_inputs && b->inputs != NULL; i++) {
        b->inputs[i] = tdagi_new_var(l, b, NULL);
        if (b->inputs[i] == NULL) return NULL;
    }
    b->n_inputs = n_inputs;
    return b->inputs == NULL ? NULL : b;
}

tdag_shim_node *tdagi_new_node(tdagi_lowering *l, const char *kind, uint32_t n_inputs,
                               uint32_t n_outputs)
{
    tdag_shim_node *n = tdagi_reader_alloc(l->s, 1, sizeof *n);
    if (n == NULL) return NULL;
    n->kind = kind;
    n->offset = l->offset;
    n->block = l->block;
    n->inputs = tdagi_reader_alloc(l->s, n_inputs + 1u, sizeof *n->inputs);
    n->outputs = tdagi_reader_alloc(l->s, n_outputs + 1u, sizeof *n->outputs);
    if (n->inputs == NULL || n->outputs == NULL) return NULL;
    for (uint32_t i = 0; i < n_outputs; i++) {
        n->outputs[i] = tdagi_new_var(l, l->block, n);
        if (n->outputs[i] == NULL) return NULL;
    }
    n->n_inputs = n_inputs;
    n->n_outputs = n_outputs;
    return n;
}

void tdagi_append_node(tdagi_lowering *l, tdag_shim_node *node)
{
    if (l->block->last == NULL)
        l->block->first = node;
    else
        l->block->last->next = node;
    l->block->last = node;
}

tdag_shim_node *tdagi_add_node(tdagi_lowering *l, const char *kind, uint32_t n_inputs,
                               tdag_shim_var *const *inputs)
{
    for (uint32_t i = 0; i < n_inputs; i++)
        if (inputs[i] == NULL) return NULL;
    tdag_shim_node *n = tdagi_new_node(l, kind, n_inputs, 1);
    if (n == NULL) return NULL;
    for (uint32_t i = 0; i < n_inputs; i++)
        n->inputs[i] = inputs[i];
    tdagi_append_node(l, n);
    return n;
}

tdagi_lowered tdagi_operand_of(tdag_shim_node *node)
{
    return (tdagi_lowered){.var = node == NULL ? NULL : node->outputs[0]};
}

/* ---- functions of the table ---- */

static const tdag_shim_block *graph_block(const tdag_shim_graph *g) { return g->block; }

static size_t block_n_inputs(const tdag_shim_block *b) { return b->n_inputs; }

static const tdag_shim_var *block_input(const tdag_shim_block *b, size_t i)
{
    return i < b->n_inputs ? b->inputs[i] : NULL;
}

static size_t block_n_outputs(const tdag_shim_block *b) { return b->n_outputs; }

static const tdag_shim_var *block_output(const tdag_shim_block *b, size_t i)
{
    return i < b->n_outputs ? b->outputs[i] : NULL;
}

static const tdag_shim_node *block_first(const tdag_shim_block *b) { return b->first; }

static const tdag_shim_node *node_next(const tdag_shim_node *n) { return n->next; }

static const char *node_kind(const tdag_shim_node *n) { return n->kind; }

static size_t node_n_inputs(const tdag_shim_node *n) { return n->n_inputs; }

static const tdag_shim_var *node_input(const tdag_shim_node *n, size_t i)
{
    return i < n->n_inputs ? n->inputs[i] : NULL;
}

static size_t node_n_outputs(const tdag_shim_node *n) { return n->n_outputs; }

static const tdag_shim_var *node_output(const tdag_shim_node *n, size_t i)
{
    return i < n->n_outputs ? n->outputs[i] : NULL;
}

static size_t node_n_blocks(const tdag_shim_node *n) { return n->n_blocks; }

static const tdag_shim_block *node_block(const tdag_shim_node *n, size_t i)
{
    return i < n->n_blocks ? n->blocks[i] : NULL;
}

static const tdag_shim_schema *node_schema(tdag_shim_session *s,
                                           const tdag_shim_node *n)
{
    (void)s;
    (void)n;
    return NULL;
}

static const tdag_shim_value *node_attr(tdag_shim_session *s, const tdag_shim_node *n,
                                        const char *name)
{
    if (strcmp(name, "types") == 0) return n->types;
    if (strcmp(name, "name") != 0 || n->name == NULL) return NULL;
    return tdagi_reader_string(s, n->name);
}

static uint64_t var_id(const tdag_shim_var *v) { return v->id; }

static const char *var_name(tdag_shim_session *s, const tdag_shim_var *v)
{
    (void)s;
    return v->name == NULL ? "" : v->name;
}

static const char *var_type(tdag_shim_session *s, const tdag_shim_var *v)
{
    (void)s;
    return v->type == NULL ? "" : v->type;
}

static const char *var_tuple_field(tdag_shim_session *s, const tdag_shim_var *v,
                                   size_t i)
{
    (void)s;
    const tdagi_definition *d = v->definition;
    if (d == NULL || d->class_ == NULL || i >= d->class_->n_attrs) return NULL;
    return d->class_->attrs[i].name;
}

static const tdag_shim_value *var_constant(tdag_shim_session *s, const tdag_shim_var *v)
{
    (void)s;
    return v->constant;
}

static int var_function(tdag_shim_session *s, const tdag_shim_var *v,
                        const tdag_shim_graph **graph_out, const char **name_out,
                        tdag_shim_error *error)
{
    *graph_out = v->definition == NULL ? NULL : tdagi_reader_graph(s, v->definition);
    if (*graph_out == NULL) {
        snprintf(error->message, sizeof error->message, "%s",
                 tdag_ctx_get_error(s->ctx)->message);
        return -1;
    }
    *name_out = v->definition->path;
    return 0;
}

static void node_source(tdag_shim_session *s, const tdag_shim_node *n,
                        tdag_shim_source *out)
{
    tdagi_code *code = n->block->graph->code;
    out->text = "";
    out->location = tdagi_reader_place(s, code, n->offset);
    if (out->location != NULL) return;
    out->location = tdagi_reader_numbered(s, code->path, ':',
                                          tdagi_reader_line(s, code, n->offset));
}

void tdagi_reader_graph_functions(tdag_shim_api *api)
{
    api->var_function = var_function;
    api->graph_block = graph_block;
    api->block_n_inputs = block_n_inputs;
    api->block_input = block_input;
    api->block_n_outputs = block_n_outputs;
    api->block_output = block_output;
    api->block_first = block_first;
    api->node_next = node_next;
    api->node_kind = node_kind;
    api->node_n_inputs = node_n_inputs;
    api->node_input = node_input;
    api->node_n_outputs = node_n_outputs;
    api->node_output = node_output;
    api->node_n_blocks = node_n_blocks;
    api->node_block = node_block;
    api->node_schema = node_schema;
    api->node_source = node_source;
    api->node_attr = node_attr;
    api->var_id = var_id;
    api->var_name = var_name;
    api->var_type = var_type;
    api->var_tuple_field = var_tuple_field;
    api->var_constant = var_constant;
}

const char *const *tdagi_reader_names(const tdag_shim_node *node, uint32_t *n_out)
{
    *n_out = node->n_named;
    return node->names;
}
