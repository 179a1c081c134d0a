/* Operators of neural networks with weights or windows: convolutions, matrix products,
 * pooling, norms, embeddings, resampling, attention. */
#include <math.h>
#include <string.h>

#include "aten/aten.h"

static tdag_value lower(tdagi_call *c, tdagi_composite id, uint32_t n,
                        const tdag_value *in, const void *spec)
{
    return c->bad ? TDAG_NO_VALUE : tdagi_lower(c->b, id, in, n, spec);
}

/* ---- matrix products ---- */

tdagi_any tdagi_aten_linear(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "input"), w = tdagi_arg_tensor(c, "weight");
    tdag_value bias = tdagi_arg_optional(c, "bias");
    if (c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, x) > 0 && tdagi_rank(c, w) > 0)
        tdagi_match_dims(c, &x, tdagi_rank(c, x) - 1, &w, tdagi_rank(c, w) - 1);
    if (x.id == 0 || w.id == 0) return tdagi_any_poison();
    if (tdagi_rank(c, w) != 1 && (bias.id == 0 || tdagi_rank(c, bias) < 2))
        return tdagi_result(c, tdagi_linear(c->b, x, w, bias));
    tdag_value y = tdagi_rank(c, w) == 1 /* a weight of one row gives no axis */
                       ? tdagi_matmul(c->b, x, w)
                       : tdagi_linear(c->b, x, w, TDAG_NO_VALUE);
    return tdagi_result(c, bias.id == 0 ? y : tdagi_add(c->b, y, bias));
}

/* Row data: the operands' ranks as two digits; 0: any. */
static bool ranks_fit(tdagi_call *c, tdag_value x, tdag_value y)
{
    if (c->bad || c->data == 0) return !c->bad;
    uint32_t ranks = 10 * tdagi_rank(c, x) + tdagi_rank(c, y);
    if (ranks == (uint32_t)c->data) return true;
    tdagi_call_fail(c, TDAG_E_SHAPE, "operands of rank %u and %u",
                    (unsigned)tdagi_rank(c, x), (unsigned)tdagi_rank(c, y));
    return false;
}

/* Two factors: batches of matrices are as many on either side, and what is summed over
 * has one size. */
static bool factors_fit(tdagi_call *c, tdag_value *x, tdag_value *y)
{
    if (!ranks_fit(c, *x, *y)) return false;
    uint32_t rx = tdagi_rank(c, *x), ry = tdagi_rank(c, *y);
    if (c->data == 33) tdagi_match_dims(c, x, 0, y, 0);
    bool differ = c->data == 33 && tdagi_dim(c, *x, 0) != tdagi_dim(c, *y, 0);
    if (differ)
        tdagi_call_fail(c, TDAG_E_SHAPE, "operands of other numbers of matrices");
    if (!differ && rx > 0 && ry > 0)
        tdagi_match_dims(c, x, rx - 1, y, ry > 1 ? ry - 2 : 0);
    return !differ && x->id != 0 && y->id != 0;
}

/* matmul, mm, bmm, mv, dot: the second operand has one of these names */
tdagi_any tdagi_aten_matmul(tdagi_call *c)
{
    static const char *const names[] = {"other", "mat2", "vec", "tensor", "vec2"};
    const char *second = "other";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (tdagi_has(c, names[i])) second = names[i];
    tdag_value x = tdagi_arg_tensor(c, "self"), y = tdagi_arg_tensor(c, second);
    if (!factors_fit(c, &x, &y)) return tdagi_any_poison();
    uint32_t rx = tdagi_rank(c, x), ry = tdagi_rank(c, y);
    return tdagi_result(c, rx == 2 && ry == 1 ? tdagi_linear(c->b, y, x, TDAG_NO_VALUE)
                                              : tdagi_matmul(c->b, x, y));
}

tdagi_any tdagi_aten_outer(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), y = tdagi_arg_tensor(c, "vec2");
    if (c->bad) return tdagi_any_poison();
    return tdagi_binary(c, TDAGI_FOLD_MUL,
                        tdagi_result(c, tdagi_unsqueeze1(c->b, x, 1)),
                        tdagi_result(c, y));
}

/* addmv: beta*self + alpha*(mat @ vec) */
static tdag_value plus_vector(tdagi_call *c, const tdag_value *in,
                              const tdagi_addmm_spec *s)
{
    tdag_value self = in[0];
    if (s->alpha == 1 && s->beta == 1 && tdagi_rank(c, self) == 1 &&
        tdagi_dim(c, self, 0) == tdagi_dim(c, in[1], 0)) /* as the exporter has it */
        return tdagi_linear(c->b, in[2], in[1], self);
    tdag_value y = tdagi_matmul(c->b, in[1], in[2]);
    if (s->alpha != 1) y = tdagi_mul_scalar(c->b, y, s->alpha);
    if (s->beta != 1) self = tdagi_mul_scalar(c->b, self, s->beta);
    if (tdagi_rank(c, self) > 1)
        tdagi_call_fail(c, TDAG_E_SHAPE, "an addend of rank %u",
                        (unsigned)tdagi_rank(c, self));
    return c->bad ? TDAG_NO_VALUE : tdagi_add(c->b, y, self);
}

/* addmm, baddbmm; addmv: the vector is mat2 */
tdagi_any tdagi_aten_addmm(tdagi_call *c)
{
    bool batched = tdagi_has(c, "batch1"), vector = tdagi_has(c, "vec");
    tdag_value in[3] = {tdagi_arg_tensor(c, "self"),
                        tdagi_arg_tensor(c, batched  ? "batch1"
                                            : vector ? "mat"
                                                     : "mat1"),
                        tdagi_arg_tensor(c, batched  ? "batch2"
                                            : vector ? "vec"
                                                     : "mat2")};
    tdagi_addmm_spec s = {tdagi_arg_float(c, "alpha", 1),
                          tdagi_arg_float(c, "beta", 1)};
    if (!factors_fit(c, &in[1], &in[2])) return tdagi_any_poison();
    if (s.beta == 0) { /* what is in self is not looked at, NaN included */
        tdag_value y = lower(c, TDAGI_MATMUL, 2, in + 1, NULL);
        return tdagi_result(c, s.alpha == 1 ? y : tdagi_mul_scalar(c->b, y, s.alpha));
    }
    return tdagi_result(c, vector ? plus_vector(c, in, &s)
                                  : lower(c, TDAGI_ADDMM, 3, in, &s));
}

/* Whether a dim is a number; else an issue. */
static bool is_fixed(tdagi_call *c, tdag_dim d, const char *what)
{
    if (d >= 0) return true;
    c->bad = true;
    tdagi_env_issue(c->env, "%s with %s of symbolic size; give that dim a fixed size",
                    c->schema->name, what);
    return false;
}

/* ---- convolutions ---- */

typedef struct conv {
    tdag_value x, w, bias;
    uint32_t n; /* spatial axes */
    bool unbatched;
    tdag_list stride, padding, dilation;
    int64_t groups;
} conv;

/* Row data 1: what wants a batch. */
static bool read_conv(tdagi_call *c, conv *k)
{
    k->x = tdagi_arg_tensor(c, "input");
    k->w = tdagi_arg_tensor(c, "weight");
    k->bias = tdagi_arg_optional(c, "bias");
    k->groups = tdagi_arg_int(c, "groups", 1);
    if (c->bad) return false;
    uint32_t rank = tdagi_rank(c, k->w);
    if (rank < 3 || rank > 5 || tdagi_rank(c, k->x) + (c->data == 0) < rank ||
        tdagi_rank(c, k->x) > rank) {
        tdagi_call_fail(c, TDAG_E_SHAPE, "an input of rank %u and a weight of rank %u",
                        (unsigned)tdagi_rank(c, k->x), (unsigned)rank);
        return false;
    }
    k->n = rank - 2;
    for (uint32_t i = 2; i < rank; i++)
        if (!is_fixed(c, tdagi_dim(c, k->w, i), "a kernel")) return false;
    k->unbatched = tdagi_rank(c, k->x) == rank - 1;
    if (k->unbatched) k->x = tdagi_unsqueeze1(c->b, k->x, 0);
    k->stride = tdagi_arg_spatial(c, "stride", k->n, 1);
    k->dilation = tdagi_arg_spatial(c, "dilation", k->n, 1);
    return !c->bad;
}

static tdagi_any conv_result(tdagi_call *c, const conv *k, tdag_value y)
{
    return tdagi_result(c, k->unbatched ? tdagi_squeeze1(c->b, y, 0) : y);
}

static tdagi_any forward_conv(tdagi_call *c, const conv *k, tdag_list before,
                              tdag_list after)
{
    tdag_value in[3] = {k->x, k->w, k->bias};
    tdagi_conv_spec s = {k->stride, k->dilation, before, after, k->groups};
    return conv_result(c, k, lower(c, TDAGI_CONV, k->bias.id == 0 ? 2 : 3, in, &s));
}

static tdagi_any transposed_conv(tdagi_call *c, const conv *k)
{
    tdag_list more = tdagi_arg_spatial(c, "output_padding", k->n, 0);
    tdag_value in[3] = {k->x, k->w, k->bias};
    tdagi_conv_transpose_spec s = {k->stride, k->dilation, k->padding, more, k->groups};
    return conv_result(c, k,
                       lower(c, TDAGI_CONV_TRANSPOSE, k->bias.id == 0 ? 2 : 3, in, &s));
}

/* 'same' pads dilation * (kernel - 1) in all, the odd one at the end. */
static tdagi_any conv_by_mode(tdagi_call *c, const conv *k)
{
    const char *mode = tdagi_arg_string(c, "padding");
    int64_t before[3] = {0}, after[3] = {0};
    if (strcmp(mode, "same") == 0) {
        for (uint32_t i = 0; i < k->n; i++) {
            int64_t total = k->dilation.v[i] * (tdagi_dim(c, k->w, 2 + i) - 1);
            before[i] = total / 2;
            after[i] = total - total / 2;
        }
    } else if (strcmp(mode, "valid") != 0) {
        return tdagi_refuse(c, "padding");
    }
    return forward_conv(c, k, (tdag_list){k->n, before}, (tdag_list){k->n, after});
}

/* conv1d, conv2d, conv3d, _convolution, convolution, and the modes by name */
tdagi_any tdagi_aten_conv(tdagi_call *c)
{
    conv k;
    if (!read_conv(c, &k)) return tdagi_any_poison();
    if (tdagi_arg(c, "padding").kind == TDAGI_ANY_STRING) return conv_by_mode(c, &k);
    k.padding = tdagi_arg_spatial(c, "padding", k.n, 0);
    bool transposed = tdagi_arg_bool(c, "transposed", false);
    if (c->bad) return tdagi_any_poison();
    if (transposed) return transposed_conv(c, &k);
    if (tdagi_has(c, "output_padding")) tdagi_ignore(c, "output_padding");
    return forward_conv(c, &k, k.padding, k.padding);
}

tdagi_any tdagi_aten_conv_transpose(tdagi_call *c)
{
    conv k;
    if (!read_conv(c, &k)) return tdagi_any_poison();
    k.padding = tdagi_arg_spatial(c, "padding", k.n, 0);
    return c->bad ? tdagi_any_poison() : transposed_conv(c, &k);
}

/* ---- windows as columns ---- */

/* unfold and fold of images; row data 1: fold */
tdagi_any tdagi_aten_im2col(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_im2col_spec s = {tdagi_arg_spatial(c, "kernel_size", 2, 1),
                           tdagi_arg_spatial(c, "dilation", 2, 1),
                           tdagi_arg_spatial(c, "padding", 2, 0),
                           tdagi_arg_spatial(c, "stride", 2, 1),
                           {0, NULL}};
    if (c->data == 1) s.output = tdagi_arg_dims(c, "output_size");
    if (c->bad) return tdagi_any_poison();
    bool unbatched = tdagi_rank(c, x) == (c->data == 1 ? 2 : 3);
    if (unbatched) x = tdagi_unsqueeze1(c->b, x, 0);
    tdag_value y = lower(c, c->data == 1 ? TDAGI_COL2IM : TDAGI_IM2COL, 1, &x, &s);
    return tdagi_result(c, unbatched ? tdagi_squeeze1(c->b, y, 0) : y);
}

/* ---- norms ---- */

/* Statistics of x itself over all axes but the channels, for training = True. */
static void batch_statistics(tdagi_call *c, tdag_value x, tdag_value *mean,
                             tdag_value *variance)
{
    int64_t axes[TDAG_MAX_RANK];
    uint32_t rank = tdagi_rank(c, x), n = 0;
    for (uint32_t i = 0; i < rank; i++)
        if (i != 1) axes[n++] = i;
    tdagi_var_spec s = {{n, axes}, 0, 0};
    *mean = tdagi_reduce_keep(c->b, x, TDAG_REDUCE_MEAN, s.axes, false);
    *variance = tdagi_lower(c->b, TDAGI_VAR, &x, 1, &s);
}

/* Statistics are not learnt: PyTorch takes no gradient of them. */
static void keep_unlearnt(tdagi_call *c, tdag_value v)
{
    tdagi_node *n = v.id == 0 ? NULL : &c->b->graph->nodes[v.id];
    if (n != NULL && n->op == TDAG_OP_PARAMETER) n->op = TDAG_OP_BUFFER;
}

static tdagi_any batch_norm(tdagi_call *c, tdag_value x, bool from_batch)
{
    tdag_value in[5] = {x, tdagi_arg_optional(c, "running_mean"),
                        tdagi_arg_optional(c, "running_var"),
                        tdagi_arg_optional(c, "weight"), tdagi_arg_optional(c, "bias")};
    tdagi_eps_spec s = {tdagi_arg_float(c, "eps", 1e-5)};
    if (c->bad) return tdagi_any_poison();
    if (from_batch || in[1].id == 0 || in[2].id == 0)
        batch_statistics(c, x, &in[1], &in[2]);
    keep_unlearnt(c, in[1]);
    keep_unlearnt(c, in[2]);
    return tdagi_result(c, lower(c, TDAGI_BATCH_NORM, 5, in, &s));
}

tdagi_any tdagi_aten_batch_norm(tdagi_call *c) /* row data 1: in training */
{
    tdag_value x = tdagi_arg_tensor(c, "input");
    bool training = c->data == 1 || tdagi_arg_bool(c, "training", false);
    if (c->bad || tdagi_rank(c, x) < 2) return tdagi_refuse(c, "input");
    return batch_norm(c, x, training);
}

tdagi_any tdagi_aten_instance_norm(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "input");
    bool from_input = tdagi_arg_bool(c, "use_input_stats", true);
    tdag_value in[3] = {x, tdagi_arg_optional(c, "weight"),
                        tdagi_arg_optional(c, "bias")};
    tdagi_eps_spec s = {tdagi_arg_float(c, "eps", 1e-5)};
    if (c->bad) return tdagi_any_poison();
    if (!from_input) return batch_norm(c, x, false);
    tdagi_ignore(c, "running_mean"); /* would only be updated */
    tdagi_ignore(c, "running_var");
    return tdagi_result(c, lower(c, TDAGI_INSTANCE_NORM, 3, in, &s));
}

tdagi_any tdagi_aten_layer_norm(tdagi_call *c) /* row data 1: rms_norm */
{
    tdag_value in[3] = {tdagi_arg_tensor(c, "input"), tdagi_arg_optional(c, "weight"),
                        tdagi_arg_optional(c, "bias")};
    tdag_list shape = tdagi_arg_dims(c, "normalized_shape");
    tdagi_layer_norm_spec s = {shape.n, tdagi_arg_float(c, "eps", 1e-5)};
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, in[0]);
    for (uint32_t i = 0; i < shape.n; i++)
        if (rank < shape.n || tdagi_dim(c, in[0], rank - shape.n + i) != shape.v[i])
            return tdagi_call_fail(
                c, TDAG_E_SHAPE,
                "normalized_shape is not the end of the input's shape");
    if (c->data == 0) return tdagi_result(c, lower(c, TDAGI_LAYER_NORM, 3, in, &s));
    if (!tdagi_has(c, "eps"))
        s.eps = tdagi_dtype(c, in[0]) == TDAG_F64 ? 2.220446049250313e-16
                                                  : 1.1920928955078125e-07;
    return tdagi_result(c, lower(c, TDAGI_RMS_NORM, 2, in, &s));
}

tdagi_any tdagi_aten_group_norm(tdagi_call *c)
{
    tdag_value in[3] = {tdagi_arg_tensor(c, "input"), tdagi_arg_optional(c, "weight"),
                        tdagi_arg_optional(c, "bias")};
    tdagi_group_norm_spec s = {tdagi_arg_int(c, "num_groups", 1),
                               tdagi_arg_float(c, "eps", 1e-5)};
    return tdagi_result(c, lower(c, TDAGI_GROUP_NORM, 3, in, &s));
}

/* x / (k + alpha/size * sum of squares of `size` channels around)^beta is a Python
 * composite in PyTorch; weight_norm: v * (g / ||v||) over all axes but one. */
tdagi_any tdagi_aten_weight_norm(tdagi_call *c)
{
    tdag_value v = tdagi_arg_tensor(c, "v"), g = tdagi_arg_tensor(c, "g");
    int64_t axes[TDAG_MAX_RANK], dim = tdagi_arg_int(c, "dim", 0);
    uint32_t n = 0;
    if (c->bad) return tdagi_any_poison();
    for (uint32_t i = 0; i < tdagi_rank(c, v); i++)
        if (dim == -1 || i != tdagi_wrap_axis(c, dim, tdagi_rank(c, v))) axes[n++] = i;
    tdagi_norm_spec s = {{n, axes}, 2, dim != -1, 0};
    tdag_value norm = lower(c, TDAGI_VECTOR_NORM, 1, &v, &s);
    tdag_value y = tdagi_mul(c->b, v, tdagi_div(c->b, g, norm));
    return tdagi_first_results(c, 2, (tdag_value[]){y, norm});
}

/* ---- embeddings ---- */

tdagi_any tdagi_aten_embedding(tdagi_call *c)
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "weight"), tdagi_arg_tensor(c, "indices")};
    return tdagi_result(c, lower(c, TDAGI_EMBEDDING, 2, in, NULL));
}

tdagi_any tdagi_aten_one_hot(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_dim n = tdagi_arg_dim(c, "num_classes", -1);
    if (c->bad || n == tdagi_dim_const(c->env->pool, -1))
        return tdagi_refuse(c, "num_classes");
    tdag_value classes =
        tdagi_cast(c->b, tdag_iota(c->b, n, TDAG_I64), tdagi_dtype(c, x));
    tdag_value y = tdag_binary(c->b, TDAG_OP_EQUAL,
                               tdagi_unsqueeze1(c->b, x, tdagi_rank(c, x)), classes);
    return tdagi_result(c, tdagi_cast(c->b, y, TDAG_I64));
}

/* ---- resampling ---- */

/* A scale: an element of scale_factors, or scales, scales_h, ... of the older forms. */
static double scale_of(tdagi_call *c, uint32_t i, uint32_t n)
{
    static const char *const names[] = {"scales_d", "scales_h", "scales_w"};
    if (tdagi_has(c, "scale_factors")) return tdagi_arg_item(c, "scale_factors", i);
    tdagi_ignore(c, "scale_factors");
    if (n == 1 && tdagi_has(c, "scales")) return tdagi_arg_float(c, "scales", 0);
    tdagi_ignore(c, "scales");
    return tdagi_arg_float(c, names[3 - n + i], 0);
}

/* floor(n * scale) */
static tdag_dim scaled_size(tdagi_call *c, tdag_dim n, double scale)
{
    int64_t k = 0;
    if (tdagi_dim_is_const(c->env->pool, n, &k)) return (tdag_dim)((double)k * scale);
    int64_t by = 1; /* a double is so many in full */
    while (by < 1024 && scale * (double)by != floor(scale * (double)by))
        by *= 2;
    if (scale < 1e9 && scale * (double)by == floor(scale * (double)by)) {
        tdag_dim many = tdag_dim_mul(c->b, n, (int64_t)(scale * (double)by));
        return tdag_dim_floordiv(c->b, many, by);
    }
    if (1 / scale == floor(1 / scale))
        return tdag_dim_floordiv(c->b, n, (int64_t)(1 / scale));
    tdagi_refuse(c, "scale_factors");
    return n;
}

/* Row data: the mode, + 10 for each spatial axis. */
tdagi_any tdagi_aten_upsample(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, tdagi_has(c, "input") ? "input" : "self");
    uint32_t n = (uint32_t)c->data / 10;
    tdagi_upsample_spec s = {.mode = c->data % 10};
    s.align_corners = tdagi_arg_bool(c, "align_corners", false);
    tdag_list size = tdagi_arg_dims(c, "output_size");
    if (c->bad) return tdagi_any_poison();
    if (s.mode >= TDAGI_UPSAMPLE_LINEAR && !tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_refuse_integers(c);
    if (tdagi_rank(c, x) != n + 2)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "an input of rank %u",
                               (unsigned)tdagi_rank(c, x));
    tdag_dim out[3];
    for (uint32_t i = 0; i < n; i++) {
        s.scales[i] = scale_of(c, i, n);
        if (c->bad) return tdagi_any_poison();
        out[i] = size.n == n ? size.v[i]
                             : scaled_size(c, tdagi_dim(c, x, 2 + i), s.scales[i]);
    }
    if (size.n != 0 && size.n != n) return tdagi_refuse(c, "output_size");
    s.output = (tdag_list){n, out};
    return tdagi_result(c, lower(c, TDAGI_UPSAMPLE, 1, &x, &s));
}

/* ---- attention ---- */

/* The rows of keys and values, and those of queries and keys with a mask's. */
static void match_rows(tdagi_call *c, tdag_value in[4])
{
    uint32_t rank[4];
    for (uint32_t i = 0; i < 4; i++)
        rank[i] = in[i].id == 0 ? 0 : tdagi_rank(c, in[i]);
    for (uint32_t i = 0; i < 2 && i < rank[3]; i++) { /* of keys, then of queries */
        uint32_t axis = rank[3] - 1 - i, of = 1 - i;
        if (rank[of] > 1 && in[3].id != 0 && tdagi_dim(c, in[3], axis) != 1)
            tdagi_match_dims(c, &in[of], rank[of] - 2, &in[3], axis);
    }
    if (rank[1] > 1 && rank[2] > 1)
        tdagi_match_dims(c, &in[1], rank[1] - 2, &in[2], rank[2] - 2);
}

tdagi_any tdagi_aten_attention(tdagi_call *c)
{
    tdag_value in[4] = {
        tdagi_arg_tensor(c, "query"), tdagi_arg_tensor(c, "key"),
        tdagi_arg_tensor(c, "value"),
        tdagi_arg_optional(c, tdagi_has(c, "attn_bias") ? "attn_bias" : "attn_mask")};
    tdagi_attention_spec s = {tdagi_arg_float(c, "scale", 0),
                              tdagi_arg_bool(c, "is_causal", false)};
    bool grouped = tdagi_arg_bool(c, "enable_gqa", false);
    if (c->bad || tdagi_rank(c, in[0]) < 2) return tdagi_refuse(c, "query");
    uint32_t rank = tdagi_rank(c, in[0]);
    if (!tdagi_has(c, "scale")) {
        tdag_dim e = tdagi_dim(c, in[0], rank - 1);
        if (!is_fixed(c, e, "heads")) return tdagi_any_poison();
        s.scale = 1 / sqrt((double)e);
    }
    for (uint32_t i = 1; grouped && i < 3 && rank >= 3; i++) {
        tdagi_repeat_interleave_spec r = {(int64_t)rank - 3, 0};
        r.count = tdag_dim_floordiv(c->b, tdagi_dim(c, in[0], rank - 3),
                                    tdagi_dim(c, in[i], rank - 3));
        if (r.count != 1) in[i] = lower(c, TDAGI_REPEAT_INTERLEAVE, 1, &in[i], &r);
    }
    match_rows(c, in);
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, tdagi_attention(c->b, in, &s));
}
