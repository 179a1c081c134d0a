/* tdag_verify: every rule of the IR checked anew on a finished graph. Inference runs on
 * a clone of the graph's pool, so a const graph stays as it is. */
#include "ir/graph.h"

#include <string.h>

#include "ir/names.h"

typedef struct verifier {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdagi_pool *pool;
    tdagi_type *types; /* scratch for the inputs of one node */
    size_t n_types;
} verifier;

static tdag_status at_node(const verifier *v, uint32_t id, tdag_status status)
{
    char buf[16];
    tdagi_fail_at_node(v->ctx, tdagi_value_name(v->g, (tdag_value){id}, buf),
                       v->g->nodes[id].scope < v->g->n_scopes
                           ? tdagi_value_scope(v->g, (tdag_value){id})
                           : "");
    return status;
}

static tdag_status check_leaf(const verifier *v, const tdagi_node *n)
{
    if (n->n_inputs != 0) return tdagi_fail(v->ctx, TDAG_E_ARG, "a leaf has inputs");
    if (!tdagi_op_holds_tensor(n->op)) return TDAG_OK;
    const tdag_tensor *t = n->u.tensor;
    if (t == NULL) return tdagi_fail(v->ctx, TDAG_E_ARG, "a tensor leaf has no tensor");
    bool same = t->dtype == n->dtype && t->rank == n->rank;
    for (uint32_t i = 0; same && i < n->rank; i++)
        same = t->shape[i] == n->shape[i];
    if (!same)
        return tdagi_fail(v->ctx, TDAG_E_SHAPE,
                          "the dtype or shape of a leaf is not that of its tensor");
    return TDAG_OK;
}

static tdag_status scratch_types(verifier *v, uint32_t n)
{
    if (n <= v->n_types) return TDAG_OK;
    void *p = v->types;
    TDAGI_TRY(tdagi_realloc(v->ctx, &p, v->n_types * sizeof(tdagi_type),
                            n * sizeof(tdagi_type)));
    v->types = p;
    v->n_types = n;
    return TDAG_OK;
}

static tdag_status check_op(verifier *v, uint32_t id, const tdagi_op_row *row)
{
    const tdagi_node *n = &v->g->nodes[id];
    if (row->n_inputs != TDAGI_ANY_INPUTS && row->n_inputs != n->n_inputs)
        return tdagi_fail(v->ctx, TDAG_E_ARG, "%s takes %u inputs, not %u", row->name,
                          (unsigned)row->n_inputs, (unsigned)n->n_inputs);
    if (row->def->spec_size > 0 && n->u.spec == NULL)
        return tdagi_fail(v->ctx, TDAG_E_ARG, "%s has no spec", row->name);
    TDAGI_TRY(scratch_types(v, n->n_inputs));
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (in[i].id == 0 || in[i].id >= id)
            return tdagi_fail(v->ctx, TDAG_E_ARG,
                              "input %u of %s does not come before it", (unsigned)i,
                              row->name);
        tdagi_value_type(v->g, in[i], &v->types[i]);
    }
    tdagi_type out;
    memset(&out, 0, sizeof(out));
    tdagi_shape_call call = {v->ctx, v->pool, n->u.spec, n->n_inputs, v->types, &out};
    TDAGI_TRY(row->def->shape(&call));
    TDAGI_TRY(tdagi_check_type(v->ctx, v->pool, &out));
    bool same = out.dtype == (tdag_dtype)n->dtype && out.rank == n->rank;
    for (uint32_t i = 0; same && i < n->rank; i++)
        same = out.shape[i] == n->shape[i];
    if (!same)
        return tdagi_fail(
            v->ctx, TDAG_E_SHAPE,
            "the stored dtype or shape of %s is not the one its rule gives", row->name);
    return TDAG_OK;
}

static tdag_status check_node(verifier *v, uint32_t id)
{
    const tdagi_node *n = &v->g->nodes[id];
    const tdagi_op_row *row = tdagi_op_row_of(n->op);
    if (row == NULL)
        return tdagi_fail(v->ctx, TDAG_E_ARG, "there is no op number %u", n->op);
    if (n->scope >= v->g->n_scopes)
        return tdagi_fail(v->ctx, TDAG_E_ARG, "the scope of a node is out of range");
    if (n->name != NULL && tdagi_names_find(v->g, n->name) != id)
        return tdagi_fail(v->ctx, TDAG_E_ARG, "the name '%s' is used twice", n->name);
    if (n->op == TDAG_OP_INPUT || tdagi_op_holds_tensor(n->op)) {
        tdagi_type type;
        tdagi_value_type(v->g, (tdag_value){id}, &type);
        TDAGI_TRY(tdagi_check_type(v->ctx, v->pool, &type));
        return check_leaf(v, n);
    }
    return check_op(v, id, row);
}

static tdag_status check_ends(const verifier *v)
{
    const tdag_graph *g = v->g;
    uint32_t n_inputs = 0;
    for (uint32_t id = 1; id <= g->n; id++)
        n_inputs += g->nodes[id].op == TDAG_OP_INPUT;
    if (n_inputs != g->n_inputs)
        return tdagi_fail(v->ctx, TDAG_E_ARG,
                          "the list of inputs misses an input node");
    for (uint32_t i = 0; i < g->n_inputs; i++)
        if (g->inputs[i].id == 0 || g->inputs[i].id > g->n ||
            g->nodes[g->inputs[i].id].op != TDAG_OP_INPUT)
            return tdagi_fail(v->ctx, TDAG_E_ARG, "graph input %u is no input node",
                              (unsigned)i);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i].id == 0 || g->outputs[i].id > g->n)
            return tdagi_fail(v->ctx, TDAG_E_ARG, "graph output %u is no value",
                              (unsigned)i);
    return TDAG_OK;
}

tdag_status tdag_verify(tdag_ctx *ctx, const tdag_graph *graph)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    verifier v = {ctx, graph, tdagi_pool_clone(graph->pool), NULL, 0};
    if (v.pool == NULL) return tdagi_nomem(ctx);
    tdag_status st = check_ends(&v);
    for (uint32_t id = 1; st == TDAG_OK && id <= graph->n; id++) {
        st = check_node(&v, id);
        if (st != TDAG_OK) at_node(&v, id, st);
    }
    tdagi_free(ctx, v.types, v.n_types * sizeof(tdagi_type));
    tdagi_pool_free(v.pool);
    return st;
}
