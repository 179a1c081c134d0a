/* See protect.h. */
#include "transform/simplify/protect.h"

#include "derive/derive.h"
#include "raise/raise.h"

static bool is_small(const tdagi_node *n, uint64_t limit)
{
    uint64_t size = tdag_dtype_size((tdag_dtype)n->dtype);
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] < 0 ||
            __builtin_mul_overflow(size, (uint64_t)n->shape[i], &size))
            return false;
    return size <= limit;
}

/* Whether a value will be computed from constants, by id. */
static void find_constant(const tdag_graph *g, uint64_t limit, uint8_t *constant)
{
    for (uint32_t id = 1; id <= g->n; id++) {
        const tdagi_node *n = &g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        bool all =
            n->op == TDAG_OP_CONSTANT || n->op == TDAG_OP_IOTA || n->n_inputs > 0;
        for (uint32_t i = 0; i < n->n_inputs; i++)
            all = all && constant[in[i].id];
        constant[id] = all && (n->op == TDAG_OP_CONSTANT || is_small(n, limit));
    }
}

static void mark(const tdagi_raised *r, const uint8_t *constant, uint8_t *bits)
{
    for (uint32_t i = 1; i <= r->n; i++) {
        const tdagi_kernel *k = &r->kernels[i];
        /* One node is an operator by another name: nothing is taken apart. */
        if (k->composite == TDAGI_CORE || constant[k->value.id]) continue;
        if (k->n_covered < 2) continue;
        for (uint32_t j = 0; j < k->n_covered; j++) {
            uint32_t id = k->covered[j].id;
            if (tdagi_op_is_leaf(r->graph->nodes[id].op)) continue;
            bits[id] = TDAGI_KEPT;
            if (r->kernel_of[id] == 0) bits[id] |= TDAGI_INSIDE;
        }
    }
}

/* Sizes as data that symbols tell. */
static void mark_sizes(const tdag_graph *g, const uint8_t *constant, uint8_t *bits)
{
    tdagi_size size;
    for (uint32_t id = 1; id <= g->n; id++)
        if (!constant[id] && tdagi_is_size(g, id, &size))
            for (uint32_t i = 0; i < size.n_nodes; i++)
                bits[size.nodes[i]] |= TDAGI_KEPT;
}

tdag_status tdagi_protect(tdag_ctx *ctx, const tdag_graph *g, uint64_t constant_limit,
                          uint8_t **out)
{
    size_t n = (size_t)g->n + 1;
    tdagi_raised *raised = NULL;
    void *bits = NULL, *constant = NULL;
    TDAGI_TRY(tdagi_raise(ctx, g, NULL, &raised));
    tdag_status st = tdagi_alloc(ctx, n, &constant);
    if (st == TDAG_OK) st = tdagi_alloc(ctx, n, &bits);
    if (st == TDAG_OK) {
        find_constant(g, constant_limit, constant);
        mark(raised, constant, bits);
        mark_sizes(g, constant, bits);
        *out = bits;
    }
    if (constant != NULL) tdagi_free(ctx, constant, n);
    tdagi_raised_free(raised);
    return st;
}
