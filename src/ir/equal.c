/* Equality of graphs, across pools: normal forms do not depend on the pool, so dims are
 * compared by their structure. */
#include <string.h>

#include "ir/graph.h"

static bool dims_equal(const tdag_graph *a, const tdag_graph *b, uint32_t n,
                       const tdag_dim *x, const tdag_dim *y)
{
    for (uint32_t i = 0; i < n; i++)
        if (x[i] >= 0 ? x[i] != y[i] : !tdagi_dim_same(a->pool, x[i], b->pool, y[i]))
            return false;
    return true;
}

static bool field_equal(const tdag_graph *a, const tdag_graph *b, const tdagi_field *f,
                        const void *x, const void *y)
{
    const tdagi_field one[2] = {*f, {0}};
    if (!tdagi_field_has_dims(f)) return tdagi_spec_equal(one, x, y);
    tdag_list dims = tdagi_field_numbers(f, x), others = tdagi_field_numbers(f, y);
    return dims.n == others.n && dims_equal(a, b, dims.n, dims.v, others.v);
}

static bool specs_equal(const tdag_graph *a, const tdag_graph *b, const tdagi_node *x,
                        const tdagi_node *y)
{
    const tdagi_field *fields = tdagi_node_def(x)->fields;
    if (fields == NULL) return true;
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++)
        if (!field_equal(a, b, f, x->u.spec, y->u.spec)) return false;
    return true;
}

static bool names_equal(const char *x, const char *y)
{
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

static bool values_equal(uint32_t n, const tdag_value *x, const tdag_value *y)
{
    for (uint32_t i = 0; i < n; i++)
        if (x[i].id != y[i].id) return false;
    return true;
}

/* Weights go by name. */
static bool has_name(const tdagi_node *n)
{
    return n->op == TDAG_OP_PARAMETER || n->op == TDAG_OP_BUFFER;
}

bool tdagi_node_same_form(const tdag_graph *a, const tdagi_node *x, const tdag_graph *b,
                          const tdagi_node *y)
{
    if (x->op != y->op || x->dtype != y->dtype || x->rank != y->rank) return false;
    return x->n_inputs == y->n_inputs &&
           dims_equal(a, b, x->rank, x->shape, y->shape) &&
           (tdagi_op_holds_tensor(x->op) || x->u.spec == y->u.spec ||
            specs_equal(a, b, x, y));
}

static bool nodes_equal(const tdag_graph *a, const tdag_graph *b, uint32_t id,
                        bool all_names)
{
    const tdagi_node *x = &a->nodes[id], *y = &b->nodes[id];
    if (!tdagi_node_same_form(a, x, b, y)) return false;
    if ((all_names || has_name(x)) && !names_equal(x->name, y->name)) return false;
    if (strcmp(a->scopes[x->scope], b->scopes[y->scope]) != 0) return false;
    if (!values_equal(x->n_inputs, tdagi_node_inputs(x), tdagi_node_inputs(y)))
        return false;
    return !tdagi_op_holds_tensor(x->op) ||
           tdagi_tensor_equal(x->u.tensor, y->u.tensor);
}

static bool graphs_equal(const tdag_graph *a, const tdag_graph *b, bool all_names)
{
    if (a->n != b->n || a->n_inputs != b->n_inputs || a->n_outputs != b->n_outputs)
        return false;
    if (!values_equal(a->n_inputs, a->inputs, b->inputs)) return false;
    if (!values_equal(a->n_outputs, a->outputs, b->outputs)) return false;
    for (uint32_t id = 1; id <= a->n; id++)
        if (!nodes_equal(a, b, id, all_names)) return false;
    return true;
}

bool tdag_graph_equal(const tdag_graph *a, const tdag_graph *b)
{
    return a == b || (a != NULL && b != NULL && graphs_equal(a, b, true));
}

bool tdagi_graph_computes_equal(const tdag_graph *a, const tdag_graph *b)
{
    return graphs_equal(a, b, false);
}
