/* The rows that read composites off by hand, and the choice between what they, the
 * skeletons and the access maps find at a value: that which covers the most core nodes.
 * Between equals contractions come first, then skeletons, then the rows in order. */
#include <string.h>

#include "raise/guess/guess.h"
#include "raise/lead/lead.h"
#include "raise/skeleton.h"
#include "raise/steps.h"

#define ANY TDAG_OP_NONE

typedef tdag_status (*guess_fn)(tdagi_raiser *r, const tdagi_root *root,
                                tdagi_match **out);

typedef struct pattern {
    tdagi_composite composite;
    uint8_t child, grandchild; /* ops that some input, and some input of that one, has;
                                  TDAG_OP_NONE: any */
    guess_fn guess;
} pattern;

/* What no fixed tree shows, by the op of its root: norms have a power that depends on
 * p; windows and upsampling as many steps as there are axes; joins any number of
 * operands; gelu's formula any order; integer powers any number of factors; a choice by
 * rank goes by what the order leaves open; special functions have too many nodes. */
/* clang-format off */
static const pattern squeeze_rows[] = {
    {TDAGI_BITWISE_AND, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_bitwise},
    {TDAGI_VECTOR_NORM, TDAG_OP_SQRT, TDAG_OP_REDUCE, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_WHERE, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_REDUCE, TDAG_OP_ADD, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_REDUCE, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_MAX_POOL, TDAG_OP_REDUCE, TDAG_OP_UNGROUP, tdagi_guess_pool},
    {TDAGI_MAX_POOL, TDAG_OP_REDUCE, TDAG_OP_UNFOLD, tdagi_guess_pool},
    {TDAGI_ADAPTIVE_MAX_POOL, TDAG_OP_REDUCE, TDAG_OP_UNGROUP, tdagi_guess_adaptive_pool},
    {TDAGI_ADAPTIVE_MAX_POOL, TDAG_OP_REDUCE, TDAG_OP_WHERE, tdagi_guess_adaptive_pool},
    {TDAGI_KTH_POSITION, TDAG_OP_SELECT, TDAG_OP_ARGSORT, tdagi_guess_kth_position},
    {TDAGI_UPSAMPLE_AA, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_upsample_aa},
    {TDAGI_IRFFT, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_fft},
    {TDAGI_IRFFT, TDAG_OP_SELECT, ANY, tdagi_guess_fft},
    {TDAGI_DET, TDAG_OP_REDUCE, TDAG_OP_LOG, tdagi_guess_det},
};
static const pattern ungroup_rows[] = {
    {TDAGI_FFT, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_fft},
    {TDAGI_RFFT, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_fft},
};
static const pattern scatter_rows[] = {
    {TDAGI_EMBEDDING_BAG, TDAG_OP_ADD, TDAG_OP_SCAN, tdagi_guess_embedding_bag},
};
static const pattern select_rows[] = {
    {TDAGI_KTH_POSITION, TDAG_OP_ARGSORT, ANY, tdagi_guess_kth_position},
};
static const pattern multiply_rows[] = {
    {TDAGI_NORMALIZE, TDAG_OP_RECIPROCAL, TDAG_OP_WHERE, tdagi_guess_normalize},
    {TDAGI_NORMALIZE, TDAG_OP_RECIPROCAL, TDAG_OP_CONVERT, tdagi_guess_normalize},
    {TDAGI_AVG_POOL, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_pool},
    {TDAGI_DET, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_det},
    {TDAGI_ADAPTIVE_AVG_POOL, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_adaptive_pool},
    {TDAGI_EMBEDDING_BAG, TDAG_OP_SCATTER, TDAG_OP_ADD, tdagi_guess_embedding_bag},
    {TDAGI_RFFT, TDAG_OP_PERMUTE, TDAG_OP_GATHER, tdagi_guess_fft},
    {TDAGI_RFFT, TDAG_OP_GATHER, TDAG_OP_GROUP, tdagi_guess_fft},
    {TDAGI_GELU, ANY, ANY, tdagi_guess_gelu_formula},
    {TDAGI_POW_INT, ANY, ANY, tdagi_guess_pow_int},
};
static const pattern sqrt_rows[] = {
    {TDAGI_VECTOR_NORM, TDAG_OP_REDUCE, TDAG_OP_MULTIPLY, tdagi_guess_vector_norm},
};
static const pattern where_rows[] = {
    {TDAGI_BITWISE_LEFT_SHIFT, TDAG_OP_MULTIPLY, TDAG_OP_MULTIPLY, tdagi_guess_shift},
    {TDAGI_BITWISE_RIGHT_SHIFT, TDAG_OP_FLOOR_DIVIDE, TDAG_OP_GATHER, tdagi_guess_shift},
    {TDAGI_BITWISE_RIGHT_SHIFT, TDAG_OP_FLOOR_DIVIDE, TDAG_OP_CONVERT, tdagi_guess_shift},
    {TDAGI_EMBEDDING_BAG, TDAG_OP_SCATTER, TDAG_OP_ADD, tdagi_guess_embedding_bag},
    {TDAGI_VECTOR_NORM, TDAG_OP_WHERE, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_LGAMMA, TDAG_OP_EQUAL, ANY, tdagi_guess_special},
    {TDAGI_ADAPTIVE_MAX_POOL_POSITION, TDAG_OP_NEG, TDAG_OP_SQUEEZE, tdagi_guess_adaptive_position},
    {TDAGI_DET, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_det},
    {TDAGI_SEARCHSORTED, TDAG_OP_MULTIPLY, ANY, tdagi_guess_searchsorted},
    {TDAGI_MAX_POOL_POSITION, TDAG_OP_NEG, TDAG_OP_SQUEEZE, tdagi_guess_pool_position},
};
static const pattern neg_rows[] = {
    {TDAGI_MAX_POOL_POSITION, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_pool_position},
    {TDAGI_ADAPTIVE_MAX_POOL_POSITION, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_adaptive_position},
};
static const pattern convert_rows[] = {
    {TDAGI_BITWISE_AND, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_bitwise},
    {TDAGI_LGAMMA, TDAG_OP_WHERE, TDAG_OP_EQUAL, tdagi_guess_special},
};
static const pattern reduce_rows[] = {
    {TDAGI_VECTOR_NORM, TDAG_OP_ADD, TDAG_OP_WHERE, tdagi_guess_vector_norm},
    {TDAGI_VECTOR_NORM, TDAG_OP_WHERE, TDAG_OP_EQUAL, tdagi_guess_vector_norm},
    {TDAGI_ADAPTIVE_MAX_POOL, TDAG_OP_SQUEEZE, TDAG_OP_REDUCE, tdagi_guess_adaptive_pool},
    {TDAGI_ADAPTIVE_AVG_POOL, TDAG_OP_MULTIPLY, TDAG_OP_RECIPROCAL, tdagi_guess_adaptive_pool},
};
static const pattern group_rows[] = {
    {TDAGI_FFT, TDAG_OP_PERMUTE, ANY, tdagi_guess_fft},
    {TDAGI_IRFFT, TDAG_OP_PERMUTE, TDAG_OP_SQUEEZE, tdagi_guess_fft},
    {TDAGI_IM2COL, TDAG_OP_PERMUTE, TDAG_OP_UNGROUP, tdagi_guess_im2col},
    {TDAGI_IM2COL, TDAG_OP_PERMUTE, TDAG_OP_UNFOLD, tdagi_guess_im2col},
    {TDAGI_REPEAT_INTERLEAVE, TDAG_OP_REPEAT, TDAG_OP_UNSQUEEZE, tdagi_guess_repeat_interleave},
    {TDAGI_TILE, TDAG_OP_REPEAT, TDAG_OP_UNSQUEEZE, tdagi_guess_tile},
};
static const pattern fold_rows[] = {
    {TDAGI_COL2IM, ANY, ANY, tdagi_guess_col2im},
};
static const pattern slice_rows[] = {
    {TDAGI_RFFT, TDAG_OP_ADD, TDAG_OP_MULTIPLY, tdagi_guess_fft},
    {TDAGI_COL2IM, TDAG_OP_FOLD, ANY, tdagi_guess_col2im},
    {TDAGI_COL2IM, TDAG_OP_PAD, TDAG_OP_FOLD, tdagi_guess_col2im},
    {TDAGI_COL2IM, TDAG_OP_SLICE, TDAG_OP_FOLD, tdagi_guess_col2im},
    {TDAGI_COL2IM, TDAG_OP_PAD, TDAG_OP_SLICE, tdagi_guess_col2im},
    {TDAGI_ROLL, TDAG_OP_PAD, ANY, tdagi_guess_roll},
    {TDAGI_FLIP, TDAG_OP_PAD, ANY, tdagi_guess_flip},
    {TDAGI_TOPK_POSITIONS, TDAG_OP_ARGSORT, ANY, tdagi_guess_topk_positions},
};
static const pattern pad_rows[] = {
    {TDAGI_COL2IM, TDAG_OP_FOLD, ANY, tdagi_guess_col2im},
    {TDAGI_COL2IM, TDAG_OP_SLICE, TDAG_OP_FOLD, tdagi_guess_col2im},
};
static const pattern gather_rows[] = {
    {TDAGI_RFFT, TDAG_OP_GROUP, ANY, tdagi_guess_fft},
    {TDAGI_SOLVE, TDAG_OP_ARGSORT, TDAG_OP_GATHER, tdagi_guess_solve},
};
static const pattern permute_rows[] = {
    {TDAGI_RFFT, TDAG_OP_GATHER, TDAG_OP_PERMUTE, tdagi_guess_fft},
    {TDAGI_UPSAMPLE, TDAG_OP_GATHER, TDAG_OP_WHERE, tdagi_guess_upsample},
    {TDAGI_GRID_SAMPLE, TDAG_OP_ADD, TDAG_OP_MULTIPLY, tdagi_guess_grid_sample},
    {TDAGI_GRID_SAMPLE, TDAG_OP_ADD, TDAG_OP_ADD, tdagi_guess_grid_sample},
    {TDAGI_GRID_SAMPLE, TDAG_OP_GATHER, ANY, tdagi_guess_grid_sample},
    {TDAGI_GRID_SAMPLE, TDAG_OP_WHERE, TDAG_OP_GATHER, tdagi_guess_grid_sample},
};
static const pattern add_rows[] = {
    {TDAGI_FFT, TDAG_OP_MULTIPLY, TDAG_OP_SLICE, tdagi_guess_fft},
    {TDAGI_BITWISE_OR, TDAG_OP_NEG, ANY, tdagi_guess_bitwise},
    {TDAGI_BITWISE_XOR, TDAG_OP_NEG, TDAG_OP_MULTIPLY, tdagi_guess_bitwise},
    {TDAGI_UPSAMPLE, TDAG_OP_MULTIPLY, TDAG_OP_PERMUTE, tdagi_guess_upsample},
    {TDAGI_SOLVE_TRIANGULAR, TDAG_OP_PAD, ANY, tdagi_guess_solve_triangular},
    {TDAGI_CHOLESKY, TDAG_OP_PAD, TDAG_OP_ADD, tdagi_guess_cholesky},
    {TDAGI_CONCAT, TDAG_OP_PAD, ANY, tdagi_guess_concat},
};
static const pattern reciprocal_rows[] = {
    {TDAGI_POW_INT, TDAG_OP_MULTIPLY, ANY, tdagi_guess_pow_int},
};
#define ROWS(rows) {rows, sizeof(rows) / sizeof(rows[0])}
static const struct {
    const pattern *rows;
    size_t n;
} patterns[TDAGI_OP_CODES] = {
    [TDAG_OP_SQUEEZE] = ROWS(squeeze_rows),
    [TDAG_OP_SELECT] = ROWS(select_rows),
    [TDAG_OP_SCATTER] = ROWS(scatter_rows),
    [TDAG_OP_MULTIPLY] = ROWS(multiply_rows),
    [TDAG_OP_SQRT] = ROWS(sqrt_rows),
    [TDAG_OP_WHERE] = ROWS(where_rows),
    [TDAG_OP_NEG] = ROWS(neg_rows),
    [TDAG_OP_CONVERT] = ROWS(convert_rows),
    [TDAG_OP_REDUCE] = ROWS(reduce_rows),
    [TDAG_OP_GROUP] = ROWS(group_rows),
    [TDAG_OP_UNGROUP] = ROWS(ungroup_rows),
    [TDAG_OP_FOLD] = ROWS(fold_rows),
    [TDAG_OP_SLICE] = ROWS(slice_rows),
    [TDAG_OP_PAD] = ROWS(pad_rows),
    [TDAG_OP_PERMUTE] = ROWS(permute_rows),
    [TDAG_OP_GATHER] = ROWS(gather_rows),
    [TDAG_OP_ADD] = ROWS(add_rows),
    [TDAG_OP_RECIPROCAL] = ROWS(reciprocal_rows),
};
/* clang-format on */

/* ---- asking ---- */

static bool worth_trying(const tdagi_raiser *r, const pattern *p, tdag_value top)
{
    const tdagi_node *n = tdagi_raiser_node(r, top);
    if (p->child == ANY) return true;
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        if (tdagi_raiser_node(r, in[i])->op != p->child) continue;
        if (p->grandchild == ANY || tdagi_step_to(r, in[i], p->grandchild).id != 0)
            return true;
    }
    return false;
}

/* Half types compute in f32: the top is then below the last convert. */
static tdagi_root root_at(const tdagi_raiser *r, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    tdagi_root root = {.v = v, .top = v};
    if (n->op != TDAG_OP_CONVERT) return root;
    tdag_value below = tdagi_node_inputs(n)[0];
    root.half = (n->dtype == TDAG_F16 || n->dtype == TDAG_BF16) &&
                tdagi_raiser_node(r, below)->dtype == TDAG_F32;
    if (root.half) root.top = below;
    return root;
}

/* The type of the composite's result, where the graph's value has that lead. */
static bool set_lead(tdagi_raiser *r, tdagi_root *root, int lead)
{
    tdagi_type *t = &root->type;
    tdagi_value_type(r->graph, root->v, t);
    root->lead = lead;
    if (lead > 0 && t->rank > 1)
        memmove(t->shape, t->shape + 1, --t->rank * sizeof(tdag_dim));
    else if (lead < 0 && t->rank < TDAG_MAX_RANK)
        memmove(t->shape + 1, t->shape, t->rank++ * sizeof(tdag_dim));
    else
        return lead == 0;
    if (lead < 0) t->shape[0] = 1;
    return true;
}

static tdag_status guess_leads(tdagi_raiser *r, const pattern *p, tdagi_root *root,
                               tdagi_match **out)
{
    TDAGI_TRY(p->guess(r, root, out));
    if (tdagi_lead_count(p->composite) == 0) return TDAG_OK;
    for (int lead = -1; lead < 2 && *out == NULL; lead += 2)
        if (set_lead(r, root, lead)) TDAGI_TRY(p->guess(r, root, out));
    set_lead(r, root, 0);
    return TDAG_OK;
}

/* *out stays unless a row finds more than it has. */
static tdag_status ask(tdagi_raiser *r, tdag_value v, tdagi_match **out)
{
    tdagi_root root = root_at(r, v);
    uint32_t op = tdagi_raiser_node(r, root.top)->op, most = 0;
    for (size_t i = 0; i < patterns[op].n; i++) {
        const pattern *p = &patterns[op].rows[i];
        tdagi_match *m = NULL;
        if (!worth_trying(r, p, root.top)) continue;
        if (root.composite == TDAGI_CORE) {
            tdagi_value_type(r->graph, v, &root.type);
            most = tdagi_match_size(r, *out);
        }
        root.composite = p->composite;
        TDAGI_TRY(guess_leads(r, p, &root, &m));
        uint32_t size = tdagi_match_size(r, m);
        if (size <= most || tdagi_raiser_leaves_out(r, m->composite)) continue;
        most = size;
        *out = m;
    }
    return TDAG_OK;
}

tdag_status tdagi_recognise(tdagi_raiser *r, tdag_value v, tdagi_match **out)
{
    tdagi_match *m = NULL;
    *out = r->contractions[v.id];
    if (*out != NULL && tdagi_raiser_leaves_out(r, (*out)->composite)) *out = NULL;
    TDAGI_TRY(tdagi_match_skeletons(r, v, tdagi_match_size(r, *out), &m));
    if (m != NULL) *out = m;
    return ask(r, v, out);
}
