/* The reference engine: one core op at a time by the op table's eval, each value freed
 * after its last use. Nodes that no output needs are not evaluated. Sums of products of
 * the half types read the factors instead (product.h). */
#include "run/run.h"

#include <string.h>

#include "run/product.h"

tdag_status tdagi_eval_refuse(tdag_ctx *ctx, uint32_t op, const void *spec)
{
    const tdag_opaque_spec *opaque = op == TDAG_OP_OPAQUE ? spec : NULL;
    return tdagi_fail(ctx, TDAG_E_UNSUPPORTED, "%s cannot be evaluated%s",
                      opaque != NULL ? opaque->name : tdag_op_name((tdag_op)op),
                      opaque != NULL ? ": it is an operator without a recipe" : "");
}

tdag_status tdagi_eval_node(tdag_ctx *ctx, const tdag_graph *g, tdag_value v,
                            const tdag_tensor *const *inputs, tdag_tensor **out)
{
    char buf[16];
    const tdagi_node *n = tdagi_graph_node(g, v);
    const tdagi_opdef *def = tdagi_node_def(n);
    tdag_tensor *t = NULL;
    tdag_status st;
    if (def->eval == NULL)
        st = tdagi_eval_refuse(ctx, n->op, n->u.spec);
    else
        st = tdag_tensor_create(ctx, (tdag_dtype)n->dtype, n->rank, n->shape, &t);
    tdagi_eval_call call = {ctx, n->u.spec, n->n_inputs, inputs, t};
    if (st == TDAG_OK) st = def->eval(&call);
    if (st != TDAG_OK) {
        tdag_tensor_free(t);
        tdagi_fail_at_node(ctx, tdagi_value_name(g, v, buf), tdagi_value_scope(g, v));
        return st;
    }
    *out = t;
    return TDAG_OK;
}

typedef struct run_state {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdag_tensor **values;         /* by id; a reference each */
    uint32_t *uses;               /* by id: uses still to come; 0 = dead */
    const tdag_tensor **operands; /* scratch */
} run_state;

/* What the evaluation of a node reads: the inputs of the node returned, which is its
 * own or the multiply that it sums. */
static const tdagi_node *read_by(const tdag_graph *g, uint32_t id)
{
    uint32_t product = tdagi_product_of(g, id);
    return &g->nodes[product != 0 ? product : id];
}

static uint32_t count_uses(const tdag_graph *g, uint32_t *uses)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < g->n_outputs; i++)
        uses[g->outputs[i].id]++;
    for (uint32_t id = g->n; id >= 1; id--) {
        if (uses[id] == 0) continue;
        const tdagi_node *n = read_by(g, id);
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            uses[in[i].id]++;
        if (n->n_inputs > most) most = n->n_inputs;
    }
    return most;
}

static void drop_use(run_state *r, uint32_t id)
{
    if (--r->uses[id] > 0) return;
    tdag_tensor_free(r->values[id]);
    r->values[id] = NULL;
}

static tdag_status step(run_state *r, uint32_t id)
{
    const tdagi_node *n = &r->g->nodes[id];
    if (r->uses[id] == 0 || n->op == TDAG_OP_INPUT) return TDAG_OK;
    TDAGI_TRY(tdagi_ask(r->ctx));
    if (tdagi_op_holds_tensor(n->op)) {
        r->values[id] = tdag_tensor_copy(n->u.tensor);
        return TDAG_OK;
    }
    const tdagi_node *read = read_by(r->g, id);
    const tdag_value *in = tdagi_node_inputs(read);
    for (uint32_t i = 0; i < read->n_inputs; i++)
        r->operands[i] = r->values[in[i].id];
    tdag_tensor **out = &r->values[id];
    if (read == n)
        TDAGI_TRY(tdagi_eval_node(r->ctx, r->g, (tdag_value){id}, r->operands, out));
    else
        TDAGI_TRY(tdagi_product_sum(r->ctx, r->g, id, r->operands, out));
    for (uint32_t i = 0; i < read->n_inputs; i++)
        drop_use(r, in[i].id);
    return TDAG_OK;
}

static tdag_status run_all(run_state *r, tdag_tensor *const *inputs,
                           tdag_tensor **outputs)
{
    const tdag_graph *g = r->g;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        r->values[g->inputs[i].id] = tdag_tensor_copy(inputs[i]);
    for (uint32_t id = 1; id <= g->n; id++)
        TDAGI_TRY(step(r, id));
    for (uint32_t i = 0; i < g->n_outputs; i++)
        outputs[i] = tdag_tensor_copy(r->values[g->outputs[i].id]);
    return TDAG_OK;
}

tdag_status tdagi_run_reference(tdag_ctx *ctx, const tdag_graph *g,
                                tdag_tensor *const *inputs, tdag_tensor **outputs)
{
    size_t n = (size_t)g->n + 1;
    void *values = NULL, *uses = NULL, *operands = NULL;
    uint32_t most = 1;
    tdag_status st = tdagi_array_alloc(ctx, n, sizeof(tdag_tensor *), &values);
    if (st == TDAG_OK) st = tdagi_array_alloc(ctx, n, sizeof(uint32_t), &uses);
    if (st == TDAG_OK) {
        most = count_uses(g, uses);
        st = tdagi_array_alloc(ctx, most, sizeof(tdag_tensor *), &operands);
    }
    run_state r = {ctx, g, values, uses, operands};
    if (st == TDAG_OK) st = run_all(&r, inputs, outputs);
    if (values != NULL) {
        for (size_t id = 1; id < n; id++)
            tdag_tensor_free(r.values[id]);
        tdagi_free(ctx, values, n * sizeof(tdag_tensor *));
    }
    if (uses != NULL) tdagi_free(ctx, uses, n * sizeof(uint32_t));
    if (operands != NULL) tdagi_free(ctx, operands, most * sizeof(tdag_tensor *));
    return st;
}
