/* The table of patterns, the order in which recognisers are asked, and their steps.
 *
 * Within a list larger composites stand before those they contain. */
#include "raise/patterns.h"

#define ANY TDAG_OP_NONE

/* clang-format off */
const tdagi_pattern tdagi_patterns_large[] = {
    {TDAGI_ATTENTION,   TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_attention},
    /* a norm may end in its bias, its weight, or the group of its channels */
    {TDAGI_BATCH_NORM,  TDAG_OP_ADD, TDAG_OP_MULTIPLY, ANY, tdagi_guess_batch_norm},
    {TDAGI_LAYER_NORM,  TDAG_OP_ADD, TDAG_OP_MULTIPLY, ANY, tdagi_guess_norm},
    {TDAGI_LAYER_NORM,  TDAG_OP_ADD, TDAG_OP_GROUP, TDAG_OP_MULTIPLY, tdagi_guess_norm},
    {TDAGI_LAYER_NORM,  TDAG_OP_MULTIPLY, TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, tdagi_guess_norm},
    {TDAGI_LAYER_NORM,  TDAG_OP_MULTIPLY, TDAG_OP_GROUP, TDAG_OP_MULTIPLY, tdagi_guess_norm},
    {TDAGI_LAYER_NORM,  TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, TDAG_OP_SQRT, tdagi_guess_norm},
    {TDAGI_LAYER_NORM,  TDAG_OP_GROUP, TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, tdagi_guess_norm},
    {TDAGI_NORMALIZE,   TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, TDAG_OP_WHERE, tdagi_guess_normalize},
    {TDAGI_NORMALIZE,   TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, TDAG_OP_CONVERT, tdagi_guess_normalize},
    {TDAGI_VECTOR_NORM, TDAG_OP_SQRT, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_SQUEEZE, TDAG_OP_SQRT, TDAG_OP_REDUCE, tdagi_guess_vector_norm},
    {TDAGI_CORE, ANY, ANY, ANY, NULL},
};

const tdagi_pattern tdagi_patterns_small[] = {
    /* windows */
    {TDAGI_MAX_POOL,    TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_UNGROUP, tdagi_guess_pool},
    {TDAGI_MAX_POOL,    TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_UNFOLD, tdagi_guess_pool},
    {TDAGI_AVG_POOL,    TDAG_OP_MULTIPLY, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_pool},
    {TDAGI_ADAPTIVE_MAX_POOL, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_UNGROUP, tdagi_guess_adaptive_pool},
    {TDAGI_ADAPTIVE_MAX_POOL, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_WHERE, tdagi_guess_adaptive_pool},
    {TDAGI_ADAPTIVE_MAX_POOL, TDAG_OP_REDUCE, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_adaptive_pool},
    {TDAGI_ADAPTIVE_AVG_POOL, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, tdagi_guess_adaptive_pool},
    {TDAGI_ADAPTIVE_AVG_POOL, TDAG_OP_MULTIPLY, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_adaptive_pool},
    {TDAGI_IM2COL,      TDAG_OP_GROUP, TDAG_OP_PERMUTE, TDAG_OP_UNGROUP, tdagi_guess_im2col},
    {TDAGI_IM2COL,      TDAG_OP_GROUP, TDAG_OP_PERMUTE, TDAG_OP_UNFOLD, tdagi_guess_im2col},
    {TDAGI_COL2IM,      TDAG_OP_FOLD, ANY, ANY, tdagi_guess_col2im},
    {TDAGI_COL2IM,      TDAG_OP_SLICE, TDAG_OP_FOLD, ANY, tdagi_guess_col2im},
    {TDAGI_COL2IM,      TDAG_OP_PAD, TDAG_OP_FOLD, ANY, tdagi_guess_col2im},
    {TDAGI_COL2IM,      TDAG_OP_SLICE, TDAG_OP_PAD, TDAG_OP_FOLD, tdagi_guess_col2im},
    {TDAGI_COL2IM,      TDAG_OP_PAD, TDAG_OP_SLICE, TDAG_OP_FOLD, tdagi_guess_col2im},
    {TDAGI_COL2IM,      TDAG_OP_SLICE, TDAG_OP_SLICE, TDAG_OP_FOLD, tdagi_guess_col2im},
    {TDAGI_COL2IM,      TDAG_OP_SLICE, TDAG_OP_PAD, TDAG_OP_SLICE, tdagi_guess_col2im},
    /* reading by index */
    {TDAGI_UPSAMPLE,    TDAG_OP_PERMUTE, TDAG_OP_GATHER, TDAG_OP_WHERE, tdagi_guess_upsample},
    {TDAGI_UPSAMPLE,    TDAG_OP_ADD, TDAG_OP_MULTIPLY, TDAG_OP_PERMUTE, tdagi_guess_upsample},
    {TDAGI_EMBEDDING,   TDAG_OP_GATHER, ANY, ANY, tdagi_guess_gather},
    {TDAGI_INDEX_SELECT, TDAG_OP_PERMUTE, TDAG_OP_GATHER, ANY, tdagi_guess_gather_axis},
    /* reductions */
    {TDAGI_SOFTMAX,     TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, TDAG_OP_REDUCE, tdagi_guess_softmax},
    {TDAGI_LOG_SOFTMAX, TDAG_OP_ADD, TDAG_OP_NEG, TDAG_OP_LOG, tdagi_guess_log_softmax},
    {TDAGI_LOGSUMEXP,   TDAG_OP_ADD, TDAG_OP_LOG, TDAG_OP_REDUCE, tdagi_guess_logsumexp},
    {TDAGI_LOGSUMEXP,   TDAG_OP_SQUEEZE, TDAG_OP_ADD, TDAG_OP_LOG, tdagi_guess_logsumexp},
    {TDAGI_VAR,         TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, TDAG_OP_ADD, tdagi_guess_var},
    {TDAGI_VAR,         TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_var},
    {TDAGI_VAR,         TDAG_OP_MULTIPLY, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_var},
    {TDAGI_VAR,         TDAG_OP_SQUEEZE, TDAG_OP_MULTIPLY, TDAG_OP_REDUCE, tdagi_guess_var},
    {TDAGI_VECTOR_NORM, TDAG_OP_WHERE, TDAG_OP_WHERE, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_SQUEEZE, TDAG_OP_WHERE, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_REDUCE, TDAG_OP_ADD, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_ADD, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_REDUCE, TDAG_OP_WHERE, TDAG_OP_EQUAL, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_ARGMAX,      TDAG_OP_REDUCE, TDAG_OP_WHERE, TDAG_OP_EQUAL, tdagi_guess_argmax},
    {TDAGI_ARGMAX,      TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, TDAG_OP_WHERE, tdagi_guess_argmax},
    /* joining and moving */
    {TDAGI_CONCAT,      TDAG_OP_ADD, TDAG_OP_PAD, ANY, tdagi_guess_concat},
    {TDAGI_ROLL,        TDAG_OP_SLICE, TDAG_OP_PAD, ANY, tdagi_guess_roll},
    {TDAGI_FLIP,        TDAG_OP_SLICE, TDAG_OP_PAD, ANY, tdagi_guess_flip},
    {TDAGI_REPEAT_INTERLEAVE, TDAG_OP_GROUP, TDAG_OP_REPEAT, TDAG_OP_UNSQUEEZE, tdagi_guess_repeat_interleave},
    {TDAGI_TILE,        TDAG_OP_GROUP, TDAG_OP_REPEAT, TDAG_OP_UNSQUEEZE, tdagi_guess_tile},
    {TDAGI_TRIU,        TDAG_OP_WHERE, TDAG_OP_LESS, TDAG_OP_IOTA, tdagi_guess_triangle},
    {TDAGI_TRIL,        TDAG_OP_WHERE, TDAG_OP_LESS, TDAG_OP_IOTA, tdagi_guess_triangle},
    /* activations */
    {TDAGI_MISH,        TDAG_OP_MULTIPLY, TDAG_OP_TANH, TDAG_OP_WHERE, tdagi_guess_unary},
    {TDAGI_SILU,        TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, TDAG_OP_ADD, tdagi_guess_unary},
    {TDAGI_GELU,        TDAG_OP_MULTIPLY, TDAG_OP_GAUSSIAN, ANY, tdagi_guess_gelu},
    {TDAGI_GELU,        TDAG_OP_MULTIPLY, TDAG_OP_ADD, TDAG_OP_TANH, tdagi_guess_gelu},
    {TDAGI_GELU,        TDAG_OP_MULTIPLY, ANY, ANY, tdagi_guess_gelu_formula},
    {TDAGI_HARDSWISH,   TDAG_OP_MULTIPLY, TDAG_OP_MULTIPLY, TDAG_OP_WHERE, tdagi_guess_unary},
    {TDAGI_HARDSIGMOID, TDAG_OP_MULTIPLY, TDAG_OP_WHERE, TDAG_OP_WHERE, tdagi_guess_unary},
    {TDAGI_LOG_SIGMOID, TDAG_OP_ADD, TDAG_OP_WHERE, TDAG_OP_LESS, tdagi_guess_unary},
    {TDAGI_SIGMOID,     TDAG_OP_RECIPROCAL, TDAG_OP_ADD, TDAG_OP_EXP, tdagi_guess_unary},
    {TDAGI_ELU,         TDAG_OP_WHERE, TDAG_OP_MULTIPLY, TDAG_OP_WHERE, tdagi_guess_elu},
    {TDAGI_SOFTPLUS,    TDAG_OP_WHERE, TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, tdagi_guess_softplus},
    {TDAGI_PRELU,       TDAG_OP_WHERE, TDAG_OP_MULTIPLY, ANY, tdagi_guess_prelu},
    {TDAGI_LEAKY_RELU,  TDAG_OP_WHERE, TDAG_OP_MULTIPLY, TDAG_OP_CONSTANT, tdagi_guess_leaky_relu},
    {TDAGI_RELU,        TDAG_OP_WHERE, TDAG_OP_LESS, TDAG_OP_CONSTANT, tdagi_guess_unary},
    /* element-wise */
    {TDAGI_LOG1P,       TDAG_OP_WHERE, TDAG_OP_WHERE, TDAG_OP_EQUAL, tdagi_guess_unary},
    {TDAGI_EXPM1,       TDAG_OP_WHERE, TDAG_OP_LESS, TDAG_OP_ADD, tdagi_guess_unary},
    {TDAGI_ERF,         TDAG_OP_ADD, TDAG_OP_MULTIPLY, TDAG_OP_GAUSSIAN, tdagi_guess_unary},
    {TDAGI_ERFINV,      TDAG_OP_MULTIPLY, TDAG_OP_INV_GAUSSIAN, ANY, tdagi_guess_unary},
    {TDAGI_POW,         TDAG_OP_WHERE, TDAG_OP_WHERE, TDAG_OP_WHERE, tdagi_guess_pow},
    {TDAGI_ROUND,       TDAG_OP_WHERE, TDAG_OP_ADD, TDAG_OP_LESS, tdagi_guess_round},
    {TDAGI_ROUND,       TDAG_OP_MULTIPLY, TDAG_OP_WHERE, TDAG_OP_ADD, tdagi_guess_round},
    {TDAGI_TRUNC,       TDAG_OP_WHERE, TDAG_OP_NEG, TDAG_OP_FLOOR, tdagi_guess_unary},
    {TDAGI_CEIL,        TDAG_OP_NEG, TDAG_OP_FLOOR, TDAG_OP_NEG, tdagi_guess_unary},
    {TDAGI_ABS,         TDAG_OP_ADD, TDAG_OP_WHERE, TDAG_OP_NEG, tdagi_guess_unary},
    {TDAGI_ABS,         TDAG_OP_WHERE, TDAG_OP_NEG, ANY, tdagi_guess_unary},
    {TDAGI_CLAMP,       TDAG_OP_WHERE, TDAG_OP_LESS, TDAG_OP_CONSTANT, tdagi_guess_clamp},
    {TDAGI_MAXIMUM,     TDAG_OP_WHERE, TDAG_OP_WHERE, TDAG_OP_LESS, tdagi_guess_maximum},
    {TDAGI_MINIMUM,     TDAG_OP_WHERE, TDAG_OP_WHERE, TDAG_OP_LESS, tdagi_guess_maximum},
    {TDAGI_MAXIMUM,     TDAG_OP_WHERE, TDAG_OP_LESS, ANY, tdagi_guess_maximum_int},
    {TDAGI_MINIMUM,     TDAG_OP_WHERE, TDAG_OP_LESS, ANY, tdagi_guess_maximum_int},
    {TDAGI_MASKED_FILL, TDAG_OP_WHERE, TDAG_OP_CONSTANT, ANY, tdagi_guess_masked_fill},
    {TDAGI_LESS_EQUAL,  TDAG_OP_ADD, TDAG_OP_LESS, ANY, tdagi_guess_less_equal},
    {TDAGI_NOT_EQUAL,   TDAG_OP_EQUAL, TDAG_OP_EQUAL, ANY, tdagi_guess_not_equal},
    {TDAGI_LOGICAL_NOT, TDAG_OP_EQUAL, TDAG_OP_CONSTANT, ANY, tdagi_guess_logical_not},
    {TDAGI_REMAINDER,   TDAG_OP_ADD, TDAG_OP_NEG, TDAG_OP_MULTIPLY, tdagi_guess_remainder},
    {TDAGI_RSQRT,       TDAG_OP_RECIPROCAL, TDAG_OP_SQRT, ANY, tdagi_guess_unary},
    {TDAGI_POW_INT,     TDAG_OP_MULTIPLY, ANY, ANY, tdagi_guess_pow_int},
    {TDAGI_POW_INT,     TDAG_OP_RECIPROCAL, TDAG_OP_MULTIPLY, ANY, tdagi_guess_pow_int},
    {TDAGI_SUB,         TDAG_OP_ADD, TDAG_OP_NEG, ANY, tdagi_guess_sub},
    {TDAGI_DIV,         TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, ANY, tdagi_guess_div},
    {TDAGI_CORE, ANY, ANY, ANY, NULL},
};
/* clang-format on */

/* ---- steps ---- */

tdag_value tdagi_step(const tdagi_raiser *r, tdag_value v, uint32_t op, uint32_t i)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (v.id == 0 || i >= n->n_inputs || (op != TDAG_OP_NONE && n->op != op))
        return TDAG_NO_VALUE;
    return tdagi_node_inputs(n)[i];
}

tdag_value tdagi_step_to(const tdagi_raiser *r, tdag_value v, uint32_t op)
{
    if (v.id == 0) return v;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (tdagi_raiser_node(r, in[i])->op == op) return in[i];
    return TDAG_NO_VALUE;
}

tdag_value tdagi_step_other(const tdagi_raiser *r, tdag_value v, tdag_value but)
{
    tdag_value a = tdagi_step(r, v, TDAG_OP_NONE, 0),
               b = tdagi_step(r, v, TDAG_OP_NONE, 1);
    return a.id == but.id ? b : a;
}

tdag_value tdagi_narrow(const tdagi_raiser *r, const tdagi_root *root, tdag_value v)
{
    if (!root->half || v.id == 0) return v;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op != TDAG_OP_CONVERT) return v;
    tdag_value x = tdagi_node_inputs(n)[0];
    return tdagi_raiser_node(r, x)->dtype == root->type.dtype ? x : v;
}

tdag_value tdagi_below_views(const tdagi_raiser *r, tdag_value v)
{
    while (v.id != 0 && tdagi_op_is_movement(tdagi_raiser_node(r, v)->op))
        v = tdagi_raiser_input(r, v, 0);
    return v;
}

bool tdagi_scalar_of(const tdagi_raiser *r, tdag_value v, double *out)
{
    if (v.id == 0) return false;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op != TDAG_OP_CONSTANT || n->u.tensor->count != 1) return false;
    *out = tdagi_tensor_get_f64(n->u.tensor, 0);
    return true;
}

bool tdagi_scalar_input(const tdagi_raiser *r, tdag_value v, double *out)
{
    return tdagi_scalar_of(r, tdagi_step(r, v, TDAG_OP_NONE, 1), out) ||
           tdagi_scalar_of(r, tdagi_step(r, v, TDAG_OP_NONE, 0), out);
}

static tdag_value find_below(const tdagi_raiser *r, tdag_value v, uint32_t op,
                             uint32_t *budget)
{
    if (v.id == 0 || *budget == 0) return TDAG_NO_VALUE;
    (*budget)--;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op == op) return v;
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        tdag_value found = find_below(r, in[i], op, budget);
        if (found.id != 0) return found;
    }
    return TDAG_NO_VALUE;
}

tdag_value tdagi_find_below(const tdagi_raiser *r, tdag_value v, uint32_t op,
                            uint32_t budget)
{
    return find_below(r, v, op, &budget);
}

/* ---- guesses of common forms ---- */

tdag_status tdagi_guess_typed(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                              const tdagi_type *type, tdagi_match **out)
{
    tdagi_guess g = {.composite = root->composite, .spec = spec, .n = 1};
    g.in[0].type = type;
    return tdagi_check_guess(r, root->v, &g, out);
}

tdag_status tdagi_guess_unary(tdagi_raiser *r, const tdagi_root *root,
                              tdagi_match **out)
{
    return tdagi_guess_typed(r, root, NULL, &root->type, out);
}

tdag_status tdagi_guess_known(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                              uint32_t n, const tdag_value *in, tdagi_match **out)
{
    tdagi_guess g = {.composite = root->composite, .spec = spec, .n = n};
    for (uint32_t i = 0; i < n; i++)
        g.in[i].value = in[i];
    return tdagi_check_guess(r, root->v, &g, out);
}

/* ---- asking ---- */

static bool worth_trying(const tdagi_raiser *r, const tdagi_pattern *p, tdag_value top)
{
    const tdagi_node *n = tdagi_raiser_node(r, top);
    if (n->op != p->op) return false;
    if (p->child == ANY) return true;
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (tdagi_raiser_node(r, in[i])->op != p->child) continue;
        if (p->grandchild == ANY || tdagi_step_to(r, in[i], p->grandchild).id != 0)
            return true;
    }
    return false;
}

static bool left_out(const tdagi_raiser *r, uint32_t composite)
{
    return r->by_parts != NULL && r->by_parts[composite];
}

static tdag_status ask(tdagi_raiser *r, const tdagi_pattern *rows, tdagi_root *root,
                       tdagi_match **out)
{
    for (const tdagi_pattern *p = rows; p->composite != TDAGI_CORE; p++) {
        if (!worth_trying(r, p, root->top)) continue;
        root->composite = p->composite;
        TDAGI_TRY(p->guess(r, root, out));
        if (*out != NULL && !left_out(r, (*out)->composite)) return TDAG_OK;
        *out = NULL;
    }
    return TDAG_OK;
}

tdag_status tdagi_recognise(tdagi_raiser *r, tdag_value v, tdagi_match **out)
{
    tdagi_root root = {.v = v, .top = v};
    tdagi_value_type(r->graph, v, &root.type);
    if (root.type.dtype == TDAG_F16 || root.type.dtype == TDAG_BF16) {
        tdag_value below = tdagi_step(r, v, TDAG_OP_CONVERT, 0);
        root.half = below.id != 0 && tdagi_raiser_node(r, below)->dtype == TDAG_F32;
        if (root.half) root.top = below;
    }
    TDAGI_TRY(ask(r, tdagi_patterns_large, &root, out));
    tdagi_match *contraction = r->contractions[v.id];
    if (*out == NULL && contraction != NULL && !left_out(r, contraction->composite))
        *out = contraction;
    if (*out == NULL) TDAGI_TRY(ask(r, tdagi_patterns_small, &root, out));
    return TDAG_OK;
}
