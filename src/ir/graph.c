/* Finished graphs: reference counting and reading. */
#include "ir/graph.h"

#include <stdio.h>
#include <string.h>

#include "ir/names.h"

static void free_array(const tdag_graph *g, void *ptr, size_t n, size_t size)
{
    if (ptr != NULL) tdagi_mem_free(&g->allocator, ptr, n * size);
}

tdag_graph *tdag_graph_copy(const tdag_graph *graph)
{
    if (graph == NULL) return NULL;
    /* Only the count changes, which is atomic: the graph's contents stay const. */
    tdag_graph *g = (tdag_graph *)(uintptr_t)graph;
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

static tdagi_left *exchange_left(const tdag_graph *graph, tdagi_left *left)
{
    tdag_graph *g = (tdag_graph *)(uintptr_t)graph; /* as above */
    return atomic_exchange_explicit(&g->left, left, memory_order_acq_rel);
}

tdagi_left *tdagi_graph_take_left(const tdag_graph *g)
{
    return exchange_left(g, NULL);
}

void tdagi_graph_leave(const tdag_graph *g, tdagi_left *left)
{
    tdagi_left *before = exchange_left(g, left);
    if (before != NULL) before->free(before);
}

void tdag_graph_free(tdag_graph *g)
{
    if (g == NULL) return;
    if (atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1) return;
    tdagi_graph_leave(g, NULL);
    for (uint32_t id = 1; id <= g->n; id++)
        if (tdagi_op_holds_tensor(g->nodes[id].op))
            tdag_tensor_free(g->nodes[id].u.tensor);
    tdagi_names_free(g);
    tdagi_pool_free(g->pool);
    free_array(g, g->nodes, g->capacity, sizeof(tdagi_node));
    free_array(g, g->inputs, g->inputs_capacity, sizeof(tdag_value));
    free_array(g, g->outputs, g->outputs_capacity, sizeof(tdag_value));
    free_array(g, g->scopes, g->scopes_capacity, sizeof(char *));
    tdagi_arena_free(&g->arena);
    tdag_allocator allocator = g->allocator;
    tdagi_mem_free(&allocator, g, sizeof(*g));
}

void tdagi_value_type(const tdag_graph *g, tdag_value v, tdagi_type *out)
{
    const tdagi_node *n = tdagi_graph_node(g, v);
    out->dtype = (tdag_dtype)n->dtype;
    out->rank = n->rank;
    for (uint32_t i = 0; i < n->rank; i++)
        out->shape[i] = n->shape[i];
}

const char *tdagi_value_name(const tdag_graph *g, tdag_value v, char buf[16])
{
    const char *name = g->nodes[v.id].name;
    if (name != NULL) return name;
    snprintf(buf, 16, "v%lu", (unsigned long)v.id);
    return buf;
}

const char *tdagi_value_scope(const tdag_graph *g, tdag_value v)
{
    return g->scopes[g->nodes[v.id].scope];
}

uint32_t tdag_graph_get_n_nodes(const tdag_graph *g) { return g == NULL ? 0 : g->n; }

uint32_t tdag_graph_get_n_inputs(const tdag_graph *g)
{
    return g == NULL ? 0 : g->n_inputs;
}

uint32_t tdag_graph_get_n_outputs(const tdag_graph *g)
{
    return g == NULL ? 0 : g->n_outputs;
}

tdag_value tdag_graph_get_input(const tdag_graph *g, uint32_t i)
{
    return g == NULL || i >= g->n_inputs ? TDAG_NO_VALUE : g->inputs[i];
}
tdag_value tdag_graph_get_output(const tdag_graph *g, uint32_t i)
{
    return g == NULL || i >= g->n_outputs ? TDAG_NO_VALUE : g->outputs[i];
}

tdag_node_info tdag_graph_get_node(const tdag_graph *g, tdag_value value)
{
    tdag_node_info info = {0};
    if (g == NULL || value.id == 0 || value.id > g->n) return info;
    const tdagi_node *n = tdagi_graph_node(g, value);
    info.op = (tdag_op)n->op;
    info.dtype = (tdag_dtype)n->dtype;
    info.rank = n->rank;
    info.shape = n->shape;
    info.n_inputs = n->n_inputs;
    info.inputs = tdagi_node_inputs(n);
    info.name = n->name;
    info.scope = g->scopes[n->scope];
    if (tdagi_op_holds_tensor(n->op))
        info.tensor = n->u.tensor;
    else
        info.spec = n->u.spec;
    return info;
}

tdag_value tdag_graph_find(const tdag_graph *g, const char *name)
{
    uint32_t id = 0;
    if (g == NULL || name == NULL) return TDAG_NO_VALUE;
    if (tdagi_name_is_automatic(name, &id)) {
        bool named_so = id >= 1 && id <= g->n && g->nodes[id].name == NULL;
        return (tdag_value){named_so ? id : 0};
    }
    return (tdag_value){tdagi_names_find(g, name)};
}

int64_t tdag_graph_dim_sample(const tdag_graph *g, tdag_dim dim)
{
    return g == NULL ? 0 : tdagi_dim_sample(g->pool, dim);
}

size_t tdag_graph_dim_text(const tdag_graph *g, tdag_dim dim, char *buf, size_t size)
{
    if (g != NULL) return tdagi_dim_text(g->pool, dim, buf, size);
    if (size > 0) buf[0] = '\0';
    return 0;
}

uint32_t tdag_graph_get_n_symbols(const tdag_graph *g)
{
    return g == NULL ? 0 : tdagi_pool_n_symbols(g->pool);
}

const char *tdag_graph_get_symbol(const tdag_graph *g, uint32_t i, int64_t *sample_out)
{
    if (i >= tdag_graph_get_n_symbols(g)) return NULL;
    return tdagi_pool_symbol(g->pool, i, sample_out);
}
