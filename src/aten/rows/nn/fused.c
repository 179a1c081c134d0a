/* PyTorch's fused operators of transformers, written out as what they compute.
 *
 * A mask hides the keys where it is not 0, whatever its dtype: -inf of an additive mask
 * does, and so does any finite bias. A query without a key is NaN. In a nested tensor
 * the keys are hidden that are not there, and each query that is there has a key. */
#include <math.h>

#include "aten/aten.h"

typedef struct heads {
    int64_t n;     /* heads */
    tdag_dim size; /* of one head */
    tdag_value qkv_weight, qkv_bias, out_weight, out_bias;
    tdag_value mask;  /* bool, true hides; broadcasts to [B, n, L, S]; may be absent */
    tdag_value there; /* bool [B, L]: of a nested tensor; else absent */
    double scale;
} heads;

/* [B, S] for all heads and queries; none stays none. */
static tdag_value of_keys(tdagi_call *c, tdag_value mask)
{
    if (mask.id == 0) return mask;
    return tdagi_unsqueeze1(c->b, tdagi_unsqueeze1(c->b, mask, 1), 1);
}

/* mask_type: 0 [L, S], 1 [B, S] of padding, 2 [B, n, L, S]; where nothing says it, the
 * shape does. */
static bool read_mask(tdagi_call *c, heads *h)
{
    h->mask = tdagi_arg_optional(c, "mask");
    int64_t type = tdagi_arg_int(c, "mask_type", -1);
    if (c->bad) return false;
    if (h->mask.id == 0) return true;
    uint32_t rank = tdagi_rank(c, h->mask);
    if ((rank != 2 && rank != 4) || h->there.id != 0) {
        tdagi_refuse(c, "mask");
        return false;
    }
    bool square = tdagi_dim(c, h->mask, 0) == tdagi_dim(c, h->mask, 1);
    h->mask = tdagi_cast(c->b, h->mask, TDAG_BOOL);
    if (rank == 2 && (type == 1 || (type < 0 && !square)))
        h->mask = of_keys(c, h->mask);
    return true;
}

static bool read_heads(tdagi_call *c, heads *h, const char *n_name)
{
    int64_t e = tdagi_arg_int(c, "embed_dim", 0);
    h->n = tdagi_arg_int(c, n_name, 1);
    h->qkv_weight = tdagi_arg_tensor(c, "qkv_weight");
    h->qkv_bias = tdagi_arg_optional(c, "qkv_bias");
    h->out_weight = tdagi_arg_tensor(c, "proj_weight");
    h->out_bias = tdagi_arg_optional(c, "proj_bias");
    if (!read_mask(c, h)) return false;
    if (h->n < 1 || e % h->n != 0) {
        tdagi_refuse(c, n_name);
        return false;
    }
    h->size = e / h->n;
    h->scale = 1 / sqrt((double)h->size);
    return true;
}

/* [B, L, n*size] as [B, n, L, size] */
static tdag_value by_head(tdagi_call *c, const heads *h, tdag_value x)
{
    if (x.id == 0) return x;
    tdag_dim dims[4] = {tdagi_dim(c, x, 0), tdagi_dim(c, x, 1), h->n, h->size};
    return tdagi_transpose(c->b, tdagi_reshape(c->b, x, 4, dims), 1, 2);
}

/* Part i of the three that the projection's rows are. */
static tdag_value third(tdagi_call *c, const heads *h, tdag_value v, uint32_t axis,
                        int64_t i)
{
    tdag_dim e = tdag_dim_mul(c->b, h->size, h->n);
    if (v.id == 0) return v;
    return tdagi_slice1(c->b, v, axis, tdag_dim_mul(c->b, e, i),
                        tdag_dim_mul(c->b, e, i + 1));
}

static void project(tdagi_call *c, const heads *h, const tdag_value in[3],
                    tdag_value out[3])
{
    if (in[0].id == in[1].id && in[1].id == in[2].id) { /* one product for all three */
        tdag_value y = tdagi_linear(c->b, in[0], h->qkv_weight, h->qkv_bias);
        for (int64_t i = 0; i < 3; i++)
            out[i] = by_head(c, h, third(c, h, y, 2, i));
        return;
    }
    for (int64_t i = 0; i < 3; i++)
        out[i] = by_head(c, h,
                         tdagi_linear(c->b, in[i], third(c, h, h->qkv_weight, 0, i),
                                      third(c, h, h->qkv_bias, 0, i)));
}

/* The weights themselves, for who asks for them: softmax(q k^T * scale). */
static tdag_value attention_weights(tdagi_call *c, const heads *h,
                                    const tdag_value qkv[3])
{
    tdag_value k = tdagi_transpose(c->b, qkv[1], 2, 3);
    tdag_value scores = tdagi_matmul(c->b, tdagi_mul_scalar(c->b, qkv[0], h->scale), k);
    if (scores.id == 0) return scores;
    if (h->mask.id != 0) {
        tdag_value in[2] = {scores, h->mask};
        tdagi_scalar_spec hidden = {-INFINITY};
        scores = tdagi_lower(c->b, TDAGI_MASKED_FILL, in, 2, &hidden);
    }
    return tdagi_softmax(c->b, scores, 3);
}

static tdag_value attend(tdagi_call *c, const heads *h, const tdag_value in[3],
                         tdag_value *weights)
{
    tdag_value qkv[3], y, unused;
    project(c, h, in, qkv);
    if (weights != NULL || h->mask.id != 0) {
        tdag_value *w = weights == NULL ? &unused : weights;
        *w = attention_weights(c, h, qkv);
        y = tdagi_matmul(c->b, *w, qkv[2]);
    } else {
        tdag_value operands[4] = {qkv[0], qkv[1], qkv[2], of_keys(c, h->there)};
        tdagi_attention_spec s = {h->scale, 0};
        y = tdagi_lower(c->b, TDAGI_ATTENTION, operands, h->there.id == 0 ? 3 : 4, &s);
    }
    y = tdagi_transpose(c->b, y, 1, 2);
    if (y.id == 0) return y;
    tdag_dim dims[3] = {tdagi_dim(c, y, 0), tdagi_dim(c, y, 1),
                        tdag_dim_mul(c->b, h->size, h->n)};
    return tdagi_linear(c->b, tdagi_reshape(c->b, y, 3, dims), h->out_weight,
                        h->out_bias);
}

tdagi_any tdagi_aten_native_attention(tdagi_call *c)
{
    tdag_value in[3] = {tdagi_arg_tensor(c, "query"), tdagi_arg_tensor(c, "key"),
                        tdagi_arg_tensor(c, "value")};
    heads h = {0};
    bool need = tdagi_arg_bool(c, "need_weights", true);
    bool average = tdagi_arg_bool(c, "average_attn_weights", true);
    if (!read_heads(c, &h, "num_head") || c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, in[0]) != 3) return tdagi_refuse(c, "query");
    tdag_value weights = TDAG_NO_VALUE;
    tdagi_any out[2] = {tdagi_result(c, attend(c, &h, in, need ? &weights : NULL)),
                        tdagi_any_none()};
    if (need && average)
        weights =
            tdagi_reduce_keep(c->b, weights, TDAG_REDUCE_MEAN, TDAG_LIST(1), false);
    if (need) out[1] = tdagi_result(c, weights);
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, out);
}

static tdag_value layer_norm(tdagi_call *c, tdag_value x, const char *weight,
                             const char *bias, double eps)
{
    tdag_value in[3] = {x, tdagi_arg_tensor(c, weight), tdagi_arg_tensor(c, bias)};
    tdagi_layer_norm_spec s = {1, eps};
    return c->bad ? TDAG_NO_VALUE : tdagi_lower(c->b, TDAGI_LAYER_NORM, in, 3, &s);
}

static tdag_value feed_forward(tdagi_call *c, tdag_value x, bool gelu)
{
    tdag_value w[4] = {
        tdagi_arg_tensor(c, "ffn_weight_1"), tdagi_arg_tensor(c, "ffn_bias_1"),
        tdagi_arg_tensor(c, "ffn_weight_2"), tdagi_arg_tensor(c, "ffn_bias_2")};
    if (c->bad) return TDAG_NO_VALUE;
    x = tdagi_linear(c->b, x, w[0], w[1]);
    tdagi_gelu_spec exact = {0};
    x = gelu ? tdagi_lower(c->b, TDAGI_GELU, &x, 1, &exact)
             : tdagi_unary_composite(c->b, TDAGI_RELU, x);
    return tdagi_linear(c->b, x, w[2], w[3]);
}

tdagi_any tdagi_aten_encoder_layer(tdagi_call *c)
{
    heads h = {0};
    tdag_value src = tdagi_arg_padded(c, "src", &h.there), x = src;
    bool first = tdagi_arg_bool(c, "norm_first", false);
    bool gelu = tdagi_arg_bool(c, "use_gelu", false);
    double eps = tdagi_arg_float(c, "eps", 1e-5);
    if (!read_heads(c, &h, "num_heads") || c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, src) != 3) return tdagi_refuse(c, "src");
    if (first) x = layer_norm(c, x, "norm_weight_1", "norm_bias_1", eps);
    tdag_value in[3] = {x, x, x};
    x = tdagi_add(c->b, attend(c, &h, in, NULL), src);
    if (!first) x = layer_norm(c, x, "norm_weight_1", "norm_bias_1", eps);
    tdag_value before = x;
    if (first) x = layer_norm(c, x, "norm_weight_2", "norm_bias_2", eps);
    x = tdagi_add(c->b, feed_forward(c, x, gelu), before);
    if (!first) x = layer_norm(c, x, "norm_weight_2", "norm_bias_2", eps);
    return tdagi_padded_result(c, x, h.there);
}
