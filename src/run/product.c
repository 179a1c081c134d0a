/* A multiply that feeds a reduce sum is one contraction: its product is not rounded in
 * between. For f32 and f64 a product rounded to the type is as good as any; for the
 * half types it is not, so these nodes are evaluated together, in f32, and rounded
 * once. */
#include "run/product.h"

#include "ops/ops.h"

/* Movement between the two; what is longer is no contraction's. */
#define MOST_MOVES 16

static bool is_half(uint32_t dtype) { return dtype == TDAG_F16 || dtype == TDAG_BF16; }

/* The nodes from `sum` down to the multiply, both included; 0: there is none. */
static uint32_t path_to(const tdag_graph *g, uint32_t sum, uint32_t *path)
{
    const tdagi_node *n = &g->nodes[sum];
    if (n->op != TDAG_OP_REDUCE || !is_half(n->dtype)) return 0;
    const tdag_reduce_spec *spec = n->u.spec;
    if (spec->kind != TDAG_REDUCE_SUM) return 0;
    path[0] = sum;
    for (uint32_t length = 1; length < MOST_MOVES + 2; length++) {
        uint32_t id = tdagi_node_inputs(n)[0].id;
        path[length] = id;
        n = &g->nodes[id];
        if (n->op == TDAG_OP_MULTIPLY) return length + 1;
        bool moves = n->n_inputs == 1 && !tdagi_op_is_leaf(n->op) &&
                     tdagi_node_def(n)->cost == tdagi_cost_move &&
                     n->dtype == g->nodes[sum].dtype;
        if (!moves) return 0;
    }
    return 0;
}

uint32_t tdagi_product_of(const tdag_graph *g, uint32_t sum)
{
    uint32_t path[MOST_MOVES + 2];
    uint32_t length = path_to(g, sum, path);
    return length == 0 ? 0 : path[length - 1];
}

static tdag_status eval(tdag_ctx *ctx, const tdagi_opdef *def, const void *spec,
                        const tdag_tensor *const *inputs, tdag_tensor *out)
{
    const tdagi_eval_call call = {ctx, spec, inputs[1] == NULL ? 1 : 2, inputs, out};
    return def->eval(&call);
}

static tdag_status convert(tdag_ctx *ctx, const tdag_tensor *x, tdag_dtype dtype,
                           tdag_tensor **out)
{
    const tdag_convert_spec spec = {dtype};
    const tdag_tensor *const inputs[2] = {x, NULL};
    tdag_tensor *t = NULL;
    TDAGI_TRY(tdag_tensor_create(ctx, dtype, x->rank, x->shape, &t));
    tdag_status st = eval(ctx, tdagi_op_row_of(TDAG_OP_CONVERT)->def, &spec, inputs, t);
    if (st == TDAG_OK)
        *out = t;
    else
        tdag_tensor_free(t);
    return st;
}

/* Evaluates a node in f32. */
static tdag_status eval_wide(tdag_ctx *ctx, const tdagi_node *n,
                             const tdag_tensor *const *inputs, tdag_tensor **out)
{
    tdag_tensor *t = NULL;
    TDAGI_TRY(tdag_tensor_create(ctx, TDAG_F32, n->rank, n->shape, &t));
    tdag_status st = eval(ctx, tdagi_node_def(n), n->u.spec, inputs, t);
    if (st == TDAG_OK)
        *out = t;
    else
        tdag_tensor_free(t);
    return st;
}

static tdag_status multiply(tdag_ctx *ctx, const tdagi_node *n,
                            const tdag_tensor *const *factors, tdag_tensor **out)
{
    tdag_tensor *x = NULL, *y = NULL;
    tdag_status st = convert(ctx, factors[0], TDAG_F32, &x);
    if (st == TDAG_OK) st = convert(ctx, factors[1], TDAG_F32, &y);
    const tdag_tensor *const inputs[2] = {x, y};
    if (st == TDAG_OK) st = eval_wide(ctx, n, inputs, out);
    tdag_tensor_free(x);
    tdag_tensor_free(y);
    return st;
}

tdag_status tdagi_product_sum(tdag_ctx *ctx, const tdag_graph *g, uint32_t sum,
                              const tdag_tensor *const *factors, tdag_tensor **out)
{
    uint32_t path[MOST_MOVES + 2];
    uint32_t length = path_to(g, sum, path);
    tdag_tensor *value = NULL;
    tdag_status st = multiply(ctx, &g->nodes[path[length - 1]], factors, &value);
    for (uint32_t i = length - 1; i-- > 0 && st == TDAG_OK;) {
        const tdag_tensor *const inputs[2] = {value, NULL};
        tdag_tensor *next = NULL;
        st = eval_wide(ctx, &g->nodes[path[i]], inputs, &next);
        if (st != TDAG_OK) break;
        tdag_tensor_free(value);
        value = next;
    }
    if (st == TDAG_OK) st = convert(ctx, value, (tdag_dtype)g->nodes[sum].dtype, out);
    tdag_tensor_free(value);
    if (st != TDAG_OK) {
        char buf[16];
        tdag_value v = {sum};
        tdagi_fail_at_node(ctx, tdagi_value_name(g, v, buf), tdagi_value_scope(g, v));
    }
    return st;
}
