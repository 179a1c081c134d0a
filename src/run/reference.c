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

tdag_tensor *tdagi_eval_over(uint32_t op, const tdag_tensor *first, uint32_t n_refs)
{
    bool may = tdagi_op_row_of(op)->def->overwrites && first->owns_data &&
               atomic_load_explicit(&first->refs, memory_order_acquire) == n_refs;
    return may ? tdag_tensor_copy(first) : NULL;
}

/* Into t, which is taken, or a new tensor. */
static tdag_status eval(tdag_ctx *ctx, const tdag_graph *g, tdag_value v,
                        const tdag_tensor *const *inputs, tdag_tensor *t,
                        tdag_tensor **out)
{
    char buf[16];
    const tdagi_node *n = tdagi_graph_node(g, v);
    const tdagi_opdef *def = tdagi_node_def(n);
    tdag_status st = TDAG_OK;
    if (def->eval == NULL)
        st = tdagi_eval_refuse(ctx, n->op, n->u.spec);
    else if (t == NULL)
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

tdag_status tdagi_eval_node(tdag_ctx *ctx, const tdag_graph *g, tdag_value v,
                            const tdag_tensor *const *inputs, tdag_tensor **out)
{
    return eval(ctx, g, v, inputs, NULL, out);
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
    tdag_tensor **out = &r->values[id], *over = NULL;
    if (read == n && n->n_inputs > 0)
        over = tdagi_eval_over(n->op, r->operands[0], r->uses[in[0].id] == 1 ? 1 : 0);
    if (read == n)
        TDAGI_TRY(eval(r->ctx, r->g, (tdag_value){id}, r->operands, over, out));
    else
        TDAGI_TRY(tdagi_product_sum(r->ctx, r->g, id, r->operands, out));
    for (uint32_t i = 0; i < read->n_inputs; i++)
        drop_use(r, in[i].id);
    return TDAG_OK;
}

/* Leaves none of them with the caller. */
static void take_inputs(run_state *r, tdag_tensor **inputs)
{
    for (uint32_t i = 0; i < r->g->n_inputs; i++) {
        r->values[r->g->inputs[i].id] = inputs[i];
        inputs[i] = NULL;
    }
}

static tdag_status run_all(run_state *r, tdag_tensor **outputs)
{
    const tdag_graph *g = r->g;
    for (uint32_t id = 1; id <= g->n; id++)
        TDAGI_TRY(step(r, id));
    for (uint32_t i = 0; i < g->n_outputs; i++)
        outputs[i] = tdag_tensor_copy(r->values[g->outputs[i].id]);
    return TDAG_OK;
}

tdag_status tdagi_run_take(tdag_ctx *ctx, tdag_tensor *const *inputs, uint32_t n,
                           tdag_tensor ***out)
{
    void *block = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof(tdag_tensor *), &block));
    *out = block;
    for (uint32_t i = 0; i < n; i++)
        (*out)[i] = tdag_tensor_copy(inputs[i]);
    return TDAG_OK;
}

void tdagi_run_drop(tdag_ctx *ctx, tdag_tensor **inputs, uint32_t n)
{
    for (uint32_t i = 0; inputs != NULL && i < n; i++)
        tdag_tensor_free(inputs[i]);
    if (inputs != NULL) tdagi_free(ctx, inputs, n * sizeof(tdag_tensor *));
}

tdag_status tdagi_run_reference(tdag_ctx *ctx, const tdag_graph *g,
                                tdag_tensor *const *inputs, tdag_tensor **outputs)
{
    tdag_tensor **taken = NULL;
    TDAGI_TRY(tdagi_run_take(ctx, inputs, g->n_inputs, &taken));
    tdag_status st = tdagi_run_reference_on(ctx, g, taken, outputs);
    tdagi_run_drop(ctx, taken, g->n_inputs);
    return st;
}

tdag_status tdagi_run_reference_on(tdag_ctx *ctx, const tdag_graph *g,
                                   tdag_tensor **inputs, tdag_tensor **outputs)
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
    if (st == TDAG_OK) take_inputs(&r, inputs);
    if (st == TDAG_OK) st = run_all(&r, outputs);
    if (values != NULL) {
        for (size_t id = 1; id < n; id++)
            tdag_tensor_free(r.values[id]);
        tdagi_free(ctx, values, n * sizeof(tdag_tensor *));
    }
    if (uses != NULL) tdagi_free(ctx, uses, n * sizeof(uint32_t));
    if (operands != NULL) tdagi_free(ctx, operands, most * sizeof(tdag_tensor *));
    return st;
}
