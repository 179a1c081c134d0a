/* The multiply-adds of contractions: what their loop nest performs, padding included.
 */
#include "analysis/price.h"

static const tdagi_kernel *operand(const tdagi_pricer *p, const tdagi_kernel *kernel,
                                   uint32_t i)
{
    return &p->raised->kernels[i < kernel->n_inputs ? kernel->inputs[i] : 0];
}

/* The dim of an axis counted from the last one (0); 1 where the operand has none. */
static tdag_dim last_dim(const tdagi_kernel *kernel, uint32_t from_last)
{
    return from_last < kernel->rank ? kernel->shape[kernel->rank - 1 - from_last] : 1;
}

/* Per element of the result (conv) or of the input (transposed conv), the weight's dims
 * but its first: channels per group times taps. */
static tdag_dim conv_macs(tdagi_pricer *p, const tdagi_kernel *elements,
                          const tdagi_kernel *weight)
{
    tdag_dim n = tdagi_kernel_count(p->pool, elements);
    for (uint32_t i = 1; i < weight->rank; i++)
        n = tdagi_dim_mul(p->pool, n, weight->shape[i]);
    return n;
}

static int letter_index(char c)
{
    if (c >= 'a' && c <= 'z') return c - 'a';
    if (c >= 'A' && c <= 'Z') return c - 'A' + 26;
    return -1;
}

/* Takes over the dims of one operand's letters; returns the position after them. */
static const char *take_letters(const char *s, const tdagi_kernel *from, tdag_dim *dims)
{
    uint32_t axis = 0;
    for (; *s != '\0' && *s != ',' && *s != '-'; s++) {
        int i = letter_index(*s);
        if (i < 0 || axis >= from->rank) continue;
        tdag_dim d = from->shape[axis++];
        if (dims[i] == 1 || dims[i] == TDAGI_DIM_BAD) dims[i] = d; /* 1 broadcasts */
    }
    return *s == ',' ? s + 1 : s;
}

static tdag_dim einsum_macs(tdagi_pricer *p, const tdagi_kernel *kernel)
{
    const tdagi_einsum_spec *spec = kernel->spec;
    tdag_dim dims[52], n = 1;
    for (int i = 0; i < 52; i++)
        dims[i] = TDAGI_DIM_BAD; /* not met */
    const char *s = spec->equation;
    for (uint32_t i = 0; i < kernel->n_inputs; i++)
        s = take_letters(s, operand(p, kernel, i), dims);
    for (int i = 0; i < 52; i++)
        if (dims[i] != TDAGI_DIM_BAD) n = tdagi_dim_mul(p->pool, n, dims[i]);
    return n;
}

/* q [..., L, E], k [..., S, E], v [..., S, Ev]: L*S*E for the scores, L*S*Ev after. */
static tdag_dim attention_macs(tdagi_pricer *p, const tdagi_kernel *kernel)
{
    const tdagi_kernel *q = operand(p, kernel, 0), *k = operand(p, kernel, 1);
    tdag_dim scores = 1;
    for (uint32_t i = 0; i + 1 < kernel->rank; i++) /* batch axes and L of the result */
        scores = tdagi_dim_mul(p->pool, scores, kernel->shape[i]);
    scores = tdagi_dim_mul(p->pool, scores, last_dim(k, 1));
    return tdagi_dim_mul(p->pool, scores,
                         tdagi_dim_add(p->pool, last_dim(q, 0), last_dim(kernel, 0)));
}

void tdagi_contraction_work(tdagi_pricer *p, const tdagi_kernel *kernel,
                            tdag_dim *macs_out, tdag_dim *bias_out)
{
    const tdagi_kernel *a = operand(p, kernel, 0), *b = operand(p, kernel, 1);
    tdag_dim result = tdagi_kernel_count(p->pool, kernel);
    bool has_bias = kernel->n_inputs > 2 && kernel->inputs[2] != 0;
    tdag_dim macs = 0;
    if (kernel->composite == TDAGI_CONV) {
        macs = conv_macs(p, kernel, b);
    } else if (kernel->composite == TDAGI_CONV_TRANSPOSE) {
        macs = conv_macs(p, a, b);
    } else if (kernel->composite == TDAGI_ADDMM) { /* c + a @ b */
        macs = tdagi_dim_mul(p->pool, result, last_dim(b, 0));
        has_bias = true;
    } else if (kernel->composite == TDAGI_EINSUM) {
        macs = einsum_macs(p, kernel);
    } else if (kernel->composite == TDAGI_ATTENTION) {
        macs = attention_macs(p, kernel);
        has_bias = false; /* its third operand is v */
    } else {              /* linear, matmul: the last axis of a is contracted */
        macs = tdagi_dim_mul(p->pool, result, last_dim(a, 0));
    }
    *macs_out = macs;
    *bias_out = has_bias ? result : 0;
}

tdag_dim tdagi_cosine_macs(tdagi_pricer *p, const tdagi_kernel *kernel)
{
    const tdagi_kernel *a = operand(p, kernel, 0), *b = operand(p, kernel, 1);
    const int64_t axis = ((const tdagi_cosine_spec *)kernel->spec)->axis;
    const tdag_dim summed = a->shape[axis] == 1 ? b->shape[axis] : a->shape[axis];
    return tdagi_dim_mul(p->pool, tdagi_kernel_count(p->pool, kernel), summed);
}

static bool covers(const tdagi_kernel *kernel, tdag_value v)
{
    for (uint32_t i = 0; i < kernel->n_covered; i++)
        if (kernel->covered[i].id == v.id) return true;
    return false;
}

/* The multiply that a reduce sum contracts, looking through views; 0 = it is no
 * contraction. */
static tdag_value contracted(const tdag_graph *g, tdag_value v)
{
    const tdagi_node *node = tdagi_graph_node(g, v);
    if (node->op != TDAG_OP_REDUCE) return TDAG_NO_VALUE;
    const tdag_reduce_spec *spec = node->u.spec;
    if (spec->kind != TDAG_REDUCE_SUM) return TDAG_NO_VALUE;
    do {
        v = node->in.few[0];
        node = tdagi_graph_node(g, v);
    } while (tdagi_op_kind(node->op) == TDAGI_KIND_VIEW);
    return node->op == TDAG_OP_MULTIPLY ? v : TDAG_NO_VALUE;
}

tdag_dim tdagi_attention_rest(tdagi_pricer *p, const tdagi_kernel *kernel)
{
    tdag_dim flops = 0;
    for (uint32_t i = 0; i < kernel->n_covered; i++) {
        tdagi_cost cost;
        tdagi_price_node(p, kernel->covered[i], &cost);
        flops = tdagi_dim_add(p->pool, flops, cost.flops);
    }
    for (uint32_t i = 0; i < kernel->n_covered; i++) {
        tdag_value product = contracted(p->graph, kernel->covered[i]);
        if (product.id == 0 || !covers(kernel, product)) continue;
        tdagi_cost sum, multiply;
        tdagi_price_node(p, kernel->covered[i], &sum);
        tdagi_price_node(p, product, &multiply);
        flops = tdagi_dim_sub(p->pool, flops, sum.flops);
        flops = tdagi_dim_sub(p->pool, flops, multiply.flops);
    }
    return flops;
}
