/* Reading models through the public interface. */
#include <string.h>

#include <tdagger/program.h>

#include "program/model.h"

/* The public names of what is inside. */
static const tdagi_method *method_of(const tdag_method *m) { return (const void *)m; }
static const tdagi_block *block_of(const tdag_block *b) { return (const void *)b; }
static const tdagi_statement *statement_of(const tdag_statement *s)
{
    return (const void *)s;
}

/* ---- graphs ---- */

static const tdagi_named_graph *graph_at(const tdag_model *m, uint32_t i)
{
    return m != NULL && i < m->n_graphs ? &m->graphs[i] : NULL;
}

uint32_t tdag_model_get_n_graphs(const tdag_model *m)
{
    return m == NULL ? 0 : m->n_graphs;
}

const char *tdag_model_get_graph_name(const tdag_model *m, uint32_t i)
{
    const tdagi_named_graph *g = graph_at(m, i);
    return g == NULL ? NULL : g->name;
}

const tdag_graph *tdag_model_get_graph_at(const tdag_model *m, uint32_t i)
{
    const tdagi_named_graph *g = graph_at(m, i);
    return g == NULL ? NULL : g->graph;
}

uint32_t tdag_model_find_graph(const tdag_model *m, const char *name)
{
    for (uint32_t i = 0; m != NULL && name != NULL && i < m->n_graphs; i++)
        if (strcmp(m->graphs[i].name, name) == 0) return i;
    return TDAG_NO_INDEX;
}

/* ---- states ---- */

static const tdagi_state *state_at(const tdag_model *m, uint32_t i)
{
    return m != NULL && i < m->n_states ? &m->states[i] : NULL;
}

uint32_t tdag_model_get_n_states(const tdag_model *m)
{
    return m == NULL ? 0 : m->n_states;
}

const char *tdag_model_get_state_name(const tdag_model *m, uint32_t i)
{
    const tdagi_state *s = state_at(m, i);
    return s == NULL ? NULL : s->name;
}

const tdag_tensor *tdag_model_get_state_initial(const tdag_model *m, uint32_t i)
{
    const tdagi_state *s = state_at(m, i);
    return s == NULL ? NULL : s->initial;
}

const char *tdag_model_get_state_symbol(const tdag_model *m, uint32_t i, uint32_t axis)
{
    const tdagi_state *s = state_at(m, i);
    return s == NULL || axis >= s->initial->rank ? NULL : s->symbols[axis];
}

uint32_t tdag_model_find_state(const tdag_model *m, const char *name)
{
    for (uint32_t i = 0; m != NULL && name != NULL && i < m->n_states; i++)
        if (strcmp(m->states[i].name, name) == 0) return i;
    return TDAG_NO_INDEX;
}

/* ---- methods ---- */

uint32_t tdag_model_get_n_methods(const tdag_model *m)
{
    return m == NULL ? 0 : m->n_methods;
}

const tdag_method *tdag_model_get_method(const tdag_model *m, uint32_t i)
{
    return m != NULL && i < m->n_methods ? (const void *)m->methods[i] : NULL;
}

const tdag_method *tdag_model_find_method(const tdag_model *m, const char *name)
{
    if (m == NULL || name == NULL) return NULL;
    return (const void *)tdagi_model_method(m, name);
}

const char *tdag_method_get_name(const tdag_method *m)
{
    return m == NULL ? NULL : method_of(m)->name;
}

const char *tdag_method_get_input_structure(const tdag_method *m)
{
    return m == NULL ? NULL : method_of(m)->inputs->text;
}

const char *tdag_method_get_output_structure(const tdag_method *m)
{
    return m == NULL ? NULL : method_of(m)->outputs->text;
}

const tdag_block *tdag_method_get_body(const tdag_method *m)
{
    return m == NULL ? NULL : (const void *)&method_of(m)->body;
}

uint32_t tdag_method_get_n_vars(const tdag_method *m)
{
    return m == NULL ? 0 : method_of(m)->n_vars;
}

static const tdagi_var_info *info_of(const tdag_method *m, tdag_var value)
{
    if (m == NULL || value.id == 0 || value.id > method_of(m)->n_vars) return NULL;
    return tdagi_method_var(method_of(m), value);
}

tdag_var_type tdag_method_get_type(const tdag_method *m, tdag_var value)
{
    const tdagi_var_info *info = info_of(m, value);
    if (info == NULL) return (tdag_var_type){.rank = 0};
    return (tdag_var_type){info->dtype, info->rank, info->shape};
}

const char *tdag_method_get_var_name(const tdag_method *m, tdag_var value)
{
    const tdagi_var_info *info = info_of(m, value);
    return info == NULL ? NULL : info->name;
}

int64_t tdag_method_dim_sample(const tdag_method *m, tdag_dim dim)
{
    if (m == NULL || dim == TDAG_NO_DIM) return 0;
    return tdagi_dim_sample(method_of(m)->pool, dim);
}

size_t tdag_method_dim_text(const tdag_method *m, tdag_dim dim, char *buf, size_t size)
{
    if (m != NULL && dim != TDAG_NO_DIM && (buf != NULL || size == 0))
        return tdagi_dim_text(method_of(m)->pool, dim, buf, size);
    if (buf != NULL && size > 0) buf[0] = '\0';
    return 0;
}

/* ---- statements ---- */

tdag_block_info tdag_block_get(const tdag_block *block)
{
    tdag_block_info info;
    memset(&info, 0, sizeof info);
    if (block == NULL) return info;
    const tdagi_block *b = block_of(block);
    info.params = (tdag_vars){b->n_params, b->params};
    info.yields = (tdag_vars){b->n_yields, b->yields};
    info.n_symbols = b->n_symbols;
    info.symbols = b->symbols;
    info.first = (const void *)b->first;
    return info;
}

tdag_statement_info tdag_statement_get(const tdag_statement *statement)
{
    tdag_statement_info info;
    memset(&info, 0, sizeof info);
    if (statement == NULL) return info;
    const tdagi_statement *s = statement_of(statement);
    info.kind = (tdag_statement_kind)(s->kind + 1);
    info.draw = (tdag_draw_kind)s->draw;
    info.has_limit = s->has_limit;
    info.has_condition = s->has_condition;
    info.target = s->target;
    info.text = s->text;
    info.arguments = s->arguments;
    info.inputs = (tdag_vars){s->n_inputs, s->inputs};
    info.results = (tdag_vars){s->n_results, s->results};
    info.n_bindings = s->n_bindings;
    info.n_blocks = s->n_blocks;
    return info;
}

const tdag_statement *tdag_statement_get_next(const tdag_statement *statement)
{
    return statement == NULL ? NULL : (const void *)statement_of(statement)->next;
}

const tdag_block *tdag_statement_get_block(const tdag_statement *statement, uint32_t i)
{
    const tdagi_statement *s = statement_of(statement);
    return s == NULL || i >= s->n_blocks ? NULL : (const void *)&s->blocks[i];
}

tdag_binding_info tdag_statement_get_binding(const tdag_statement *statement,
                                             uint32_t i)
{
    const tdagi_statement *s = statement_of(statement);
    if (s == NULL || i >= s->n_bindings)
        return (tdag_binding_info){.symbol = TDAG_NO_DIM, .most = TDAG_NO_DIM};
    const tdagi_binding *b = &s->bindings[i];
    return (tdag_binding_info){
        .symbol = b->symbol, .most = b->bound, .value = b->value, .of = b->of};
}
