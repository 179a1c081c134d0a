/* Scaled dot-product attention. */
#include "derive/parts.h"

#include <math.h>
#include <string.h>

static const tdagi_field attention_fields[] = {
    TDAGI_FIELD(tdagi_attention_spec, scale, F64),
    TDAGI_FIELD(tdagi_attention_spec, causal, BOOL),
    {0},
};

/* -inf where key position s > query position l, counted from the start of both. */
static tdag_value hide_future(tdag_builder *b, tdag_value scores)
{
    if (!tdagi_usable(b, scores)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, scores);
    tdag_value l = tdag_iota(b, tdagi_dim_of(b, scores, rank - 2), TDAG_I64);
    tdag_value s = tdag_iota(b, tdagi_dim_of(b, scores, rank - 1), TDAG_I64);
    tdag_value future = tdag_binary(b, TDAG_OP_LESS, tdagi_unsqueeze1(b, l, 1), s);
    tdag_value hidden =
        tdag_add_scalar(b, tdag_builder_get_dtype(b, scores), -INFINITY);
    return tdag_where(b, future, hidden, scores);
}

static tdag_value add_mask(tdag_builder *b, tdag_value scores, tdag_value mask)
{
    if (!tdagi_usable(b, scores)) return TDAG_NO_VALUE;
    tdag_dtype dtype = tdag_builder_get_dtype(b, scores);
    if (tdag_builder_get_dtype(b, mask) != TDAG_BOOL)
        return tdagi_add(b, scores, tdagi_cast(b, mask, dtype));
    return tdag_where(b, mask, scores, tdag_add_scalar(b, dtype, -INFINITY));
}

/* A mask broadcasts to the scores, which do not broadcast to it. */
static tdag_value hide_by_mask(tdag_builder *b, tdag_value scores, tdag_value mask)
{
    tdag_value y = add_mask(b, scores, mask);
    if (!tdagi_usable(b, y)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, scores);
    bool same = tdag_builder_get_rank(b, y) == rank;
    for (uint32_t i = 0; i < rank && same; i++)
        same = tdagi_dim_of(b, y, i) == tdagi_dim_of(b, scores, i);
    if (same) return y;
    return tdagi_builder_fail(b, TDAG_E_SHAPE, "a mask is wider than the scores");
}

/* A softmax whose rows of nothing but -inf are 0, as PyTorch has it since 2.5. */
static tdag_value safe_softmax(tdag_builder *b, tdag_value scores)
{
    if (!tdagi_usable(b, scores)) return TDAG_NO_VALUE;
    int64_t last = (int64_t)tdag_builder_get_rank(b, scores) - 1;
    tdag_dtype dtype = tdag_builder_get_dtype(b, scores);
    tdag_value greatest =
        tdag_reduce(b, scores, TDAG_REDUCE_MAX, (tdag_list){1, &last});
    tdag_value empty =
        tdag_binary(b, TDAG_OP_EQUAL, greatest, tdag_add_scalar(b, dtype, -INFINITY));
    return tdag_where(b, empty, tdag_add_scalar(b, dtype, 0),
                      tdagi_softmax(b, scores, last));
}

/* softmax((q*scale) @ k^T + mask) @ v. A bool mask hides (-inf) where it is false;
 * causal hides key positions after the query's. Only a mask can leave a row without a
 * key; such a row is 0. Half types are computed in f32 and rounded once. */
static tdag_value lower_attention(tdag_builder *b, const tdag_value *in, uint32_t n,
                                  const void *spec)
{
    const tdagi_attention_spec *s = spec;
    tdag_value mask = tdagi_optional(in, n, 3);
    for (uint32_t i = 0; i < 3; i++)
        if (!tdagi_usable(b, in[i]) || tdag_builder_get_rank(b, in[i]) < 2)
            return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                      "attention needs inputs of 2 axes or more");
    uint32_t rank = tdag_builder_get_rank(b, in[1]);
    tdag_value q = tdagi_mul_scalar(b, tdagi_wide(b, in[0]), s->scale);
    tdag_value k = tdagi_transpose(b, tdagi_wide(b, in[1]), rank - 2, rank - 1);
    tdag_value scores = tdagi_matmul(b, q, k);
    if (s->causal) scores = hide_future(b, scores);
    if (mask.id != 0) scores = hide_by_mask(b, scores, mask);
    if (!tdagi_usable(b, scores)) return TDAG_NO_VALUE;
    int64_t last = (int64_t)tdag_builder_get_rank(b, scores) - 1;
    tdag_value p =
        mask.id != 0 ? safe_softmax(b, scores) : tdagi_softmax(b, scores, last);
    tdag_value y = tdagi_matmul(b, p, tdagi_wide(b, in[2]));
    return tdagi_cast(b, y, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_attention = {
    .spec_size = sizeof(tdagi_attention_spec),
    .fields = attention_fields,
    .lower = lower_attention,
};

/* Heads that were made a batch of one, as exports make them, are themselves. */
static bool is_batch_of_one(tdag_builder *b, tdag_value in[4])
{
    tdag_value x[4] = {{0}};
    for (uint32_t i = 0; i < 4; i++) {
        if (in[i].id == 0) continue;
        const tdagi_node *n = tdagi_graph_node(b->graph, in[i]);
        if (i == 3 && n->rank <= 2) {
            x[i] = in[i];
            continue;
        }
        if (n->op != TDAG_OP_UNSQUEEZE || n->rank != 4) return false;
        tdag_list axes = ((const tdag_axes_spec *)n->u.spec)->axes;
        if (axes.n != 1 || axes.v[0] != 0) return false;
        x[i] = tdagi_node_inputs(n)[0];
    }
    memcpy(in, x, sizeof x);
    return true;
}

tdag_value tdagi_attention(tdag_builder *b, const tdag_value in[4],
                           const tdagi_attention_spec *s)
{
    tdag_value x[4];
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    memcpy(x, in, sizeof x);
    bool one = is_batch_of_one(b, x);
    tdag_value y = tdagi_lower(b, TDAGI_ATTENTION, x, x[3].id == 0 ? 3 : 4, s);
    return one ? tdagi_unsqueeze1(b, y, 0) : y;
}
