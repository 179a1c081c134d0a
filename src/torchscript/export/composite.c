/* Composites as aten calls, one row each. Inputs and specs are those of derive.h. */
#include "torchscript/export/export.h"

typedef tdagi_exporter X;
typedef tdagi_kernel K;

static const K *input(const X *e, const K *k, uint32_t i)
{
    return tdagi_export_kernel(e, k->inputs[i]);
}

static bool is_scalar(const X *e, const K *k, uint32_t i)
{
    double value;
    return tdagi_export_scalar(e, k->inputs[i], &value);
}

/* ---- element-wise ---- */

/* Composites whose call is torch.<name>($0); those with an in-place form may use it. */
static const struct {
    const char *name;
    bool in_place;
} plain_unary[TDAGI_N_COMPOSITES] = {
    [TDAGI_RSQRT] = {"rsqrt", false},
    [TDAGI_TRUNC] = {"trunc", false},
    [TDAGI_CEIL] = {"ceil", false},
    [TDAGI_ABS] = {"abs", false},
    [TDAGI_LOGICAL_NOT] = {"logical_not", false},
    [TDAGI_LOG1P] = {"log1p", false},
    [TDAGI_EXPM1] = {"expm1", false},
    [TDAGI_ERF] = {"erf", false},
    [TDAGI_ERFINV] = {"erfinv", false},
    [TDAGI_RELU] = {"relu", true},
    [TDAGI_SIGMOID] = {"sigmoid", true},
    [TDAGI_LOG_SIGMOID] = {"log_sigmoid", false},
    [TDAGI_SILU] = {"silu", true},
    [TDAGI_MISH] = {"mish", true},
    [TDAGI_HARDSIGMOID] = {"hardsigmoid", true},
    [TDAGI_HARDSWISH] = {"hardswish", true},
};

static void emit_sub(X *e, const K *k)
{
    if (is_scalar(e, k, 0) && !is_scalar(e, k, 1))
        tdagi_export_emit(e, k, "torch.rsub($1, #0)");
    else if (is_scalar(e, k, 1) && !is_scalar(e, k, 0))
        tdagi_export_emit(e, k, "torch.sub$_($0, #1)");
    else
        tdagi_export_emit(e, k, "torch.sub$_($0, $1)");
}

static void emit_div(X *e, const K *k)
{
    if (is_scalar(e, k, 1) && !is_scalar(e, k, 0))
        tdagi_export_emit(e, k, "torch.div($0, #1)");
    else
        tdagi_export_emit(e, k, "torch.div($0, $1)");
}

static void emit_pow(X *e, const K *k)
{
    bool base = is_scalar(e, k, 0), exponent = is_scalar(e, k, 1);
    tdagi_export_emit(e, k,
                      exponent && !base   ? "torch.pow($0, #1)"
                      : base && !exponent ? "torch.pow(#0, $1)"
                                          : "torch.pow($0, $1)");
}

static void emit_pow_int(X *e, const K *k)
{
    const tdagi_pow_int_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.pow($0, %i)", s->exponent);
}

static void emit_remainder(X *e, const K *k)
{
    bool right = is_scalar(e, k, 1) && !is_scalar(e, k, 0);
    tdagi_export_emit(e, k,
                      right ? "torch.remainder($0, #1)" : "torch.remainder($0, $1)");
}

static void emit_round(X *e, const K *k)
{
    const tdagi_round_spec *s = k->spec;
    if (s->decimals == 0)
        tdagi_export_emit(e, k, "torch.round($0)");
    else
        tdagi_export_emit(e, k, "torch.round($0, decimals=%i)", s->decimals);
}

static void emit_clamp(X *e, const K *k)
{
    const tdagi_clamp_spec *s = k->spec;
    bool is_float = tdag_dtype_is_float((tdag_dtype)k->dtype);
    tdagi_export_begin(e, k);
    if (is_float && s->has_min && s->has_max)
        tdagi_export_piece(e, k, "torch.hardtanh$_($0, %f, %f)", s->min, s->max);
    else if (is_float && s->has_min)
        tdagi_export_piece(e, k, "torch.clamp_min$_($0, %f)", s->min);
    else if (is_float)
        tdagi_export_piece(e, k, "torch.clamp_max$_($0, %f)", s->max);
    else {
        tdagi_export_piece(e, k, "torch.clamp($0");
        if (s->has_min) tdagi_export_piece(e, k, ", min=%i", (int64_t)s->min);
        if (s->has_max) tdagi_export_piece(e, k, ", max=%i", (int64_t)s->max);
        tdagi_export_piece(e, k, ")");
    }
    tdagi_export_end(e);
}

/* Comparisons: a number may stand on the right; on the left the operands swap. */
static void emit_comparison(X *e, const K *k, const char *name, const char *swapped)
{
    if (is_scalar(e, k, 1) && !is_scalar(e, k, 0))
        tdagi_export_emit(e, k, "torch.%s($0, #1)", name);
    else if (is_scalar(e, k, 0) && !is_scalar(e, k, 1))
        tdagi_export_emit(e, k, "torch.%s($1, #0)", swapped);
    else
        tdagi_export_emit(e, k, "torch.%s($0, $1)", name);
}

static void emit_not_equal(X *e, const K *k) { emit_comparison(e, k, "ne", "ne"); }
static void emit_less_equal(X *e, const K *k) { emit_comparison(e, k, "le", "ge"); }
static void emit_maximum(X *e, const K *k)
{
    tdagi_export_emit(e, k, "torch.maximum($0, $1)");
}
static void emit_minimum(X *e, const K *k)
{
    tdagi_export_emit(e, k, "torch.minimum($0, $1)");
}

static void emit_leaky_relu(X *e, const K *k)
{
    const tdagi_scalar_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.leaky_relu$_($0, %f)", s->value);
}

/* The weight has one element, or one per channel (axis 1). */
static void emit_prelu(X *e, const K *k)
{
    tdagi_export_emit(e, k, "torch.prelu($0, torch.flatten($1))");
}

static void emit_elu(X *e, const K *k)
{
    const tdagi_elu_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.elu$_($0, %f, %f, %f)", s->alpha, s->scale,
                      s->input_scale);
}

static void emit_gelu(X *e, const K *k)
{
    const tdagi_gelu_spec *s = k->spec;
    tdagi_export_emit(
        e, k, s->tanh ? "torch.gelu($0, approximate=\"tanh\")" : "torch.gelu($0)");
}

static void emit_softplus(X *e, const K *k)
{
    const tdagi_softplus_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.softplus($0, %f, %f)", s->beta, s->threshold);
}

static void emit_masked_fill(X *e, const K *k)
{
    const tdagi_scalar_spec *s = k->spec;
    if (tdag_dtype_is_float((tdag_dtype)k->dtype))
        tdagi_export_emit(e, k, "torch.masked_fill($0, $1, %f)", s->value);
    else
        tdagi_export_emit(e, k, "torch.masked_fill($0, $1, %i)", (int64_t)s->value);
}

/* ---- contractions ---- */

static bool same_list(const tdag_list *a, const tdag_list *b)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (a->v[i] != b->v[i]) return false;
    return true;
}

/* Padding that differs at the two ends is a pad of its own. */
static void emit_conv(X *e, const K *k)
{
    const tdagi_conv_spec *s = k->spec;
    int64_t n = s->stride.n;
    tdagi_export_begin(e, k);
    if (same_list(&s->before, &s->after)) {
        tdagi_export_piece(e, k, "torch.conv%id($0, $1, $2, %l, %l, %l, %i)", n,
                           &s->stride, &s->before, &s->dilation, s->groups);
    } else {
        tdagi_export_piece(e, k, "torch.conv%id(torch.constant_pad_nd($0, [", n);
        for (uint32_t i = (uint32_t)n; i-- > 0;)
            tdagi_export_piece(e, k, i > 0 ? "%d, %d, " : "%d, %d", s->before.v[i],
                               s->after.v[i]);
        tdagi_export_piece(e, k, "], 0.), $1, $2, %l, [", &s->stride);
        for (int64_t i = 0; i < n; i++)
            tdagi_export_piece(e, k, i > 0 ? ", 0" : "0");
        tdagi_export_piece(e, k, "], %l, %i)", &s->dilation, s->groups);
    }
    tdagi_export_end(e);
}

static void emit_conv_transpose(X *e, const K *k)
{
    const tdagi_conv_transpose_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.conv_transpose%id($0, $1, $2, %l, %l, %l, %i, %l)",
                      (int64_t)s->stride.n, &s->stride, &s->padding, &s->output_padding,
                      s->groups, &s->dilation);
}

static void emit_linear(X *e, const K *k)
{
    tdagi_export_emit(e, k, "torch.linear($0, $1, $2)");
}

static void emit_matmul(X *e, const K *k)
{
    tdagi_export_emit(e, k, "torch.matmul($0, $1)");
}

static void emit_addmm(X *e, const K *k)
{
    const tdagi_addmm_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.%s($0, $1, $2, beta=%f, alpha=%f)",
                      input(e, k, 1)->rank == 2 ? "addmm" : "baddbmm", s->beta,
                      s->alpha);
}

static void emit_einsum(X *e, const K *k)
{
    const tdagi_einsum_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.einsum(\"%s\", [$0, $1])", s->equation);
}

/* ---- windows ---- */

/* PyTorch pools rank n+1 or n+2; other ranks are flattened to [lead, spatial...]. */
static void pool_begin(X *e, const K *k, uint32_t n, const char *name)
{
    const K *x = input(e, k, 0);
    tdagi_export_begin(e, k);
    bool direct = x->rank == n + 1 || x->rank == n + 2;
    if (direct) {
        tdagi_export_piece(e, k, "torch.%s%id($0", name, (int64_t)n);
        return;
    }
    tdag_dim shape[TDAG_MAX_RANK] = {
        tdagi_dim_product(e->r->pool, x->rank - n, x->shape)};
    for (uint32_t i = 0; i < n; i++)
        shape[i + 1] = x->shape[x->rank - n + i];
    const tdag_list flat = {n + 1, shape};
    tdagi_export_piece(e, k, "torch.reshape(torch.%s%id(torch.reshape($0, %l)", name,
                       (int64_t)n, &flat);
}

static void pool_end(X *e, const K *k, uint32_t n)
{
    const K *x = input(e, k, 0);
    const tdag_list whole = {k->rank, k->shape};
    if (x->rank == n + 1 || x->rank == n + 2)
        tdagi_export_piece(e, k, ")");
    else
        tdagi_export_piece(e, k, "), %l)", &whole);
    tdagi_export_end(e);
}

static void emit_max_pool(X *e, const K *k)
{
    const tdagi_pool_spec *s = k->spec;
    pool_begin(e, k, s->kernel.n, "max_pool");
    tdagi_export_piece(e, k, ", %l, %l, %l, %l, %b", &s->kernel, &s->stride,
                       &s->padding, &s->dilation, s->ceil_mode);
    pool_end(e, k, s->kernel.n);
}

/* PyTorch's avg_pool3d wants an input as long as its window before it is padded. */
static bool pads_apart(const X *e, const K *k)
{
    const tdagi_pool_spec *s = k->spec;
    const K *x = input(e, k, 0);
    bool shorter = false;
    for (uint32_t i = 0; i < s->kernel.n; i++) {
        int64_t n = 0;
        tdag_dim d = x->shape[x->rank - s->kernel.n + i];
        shorter |= tdagi_dim_is_const(e->r->pool, d, &n) && n < s->kernel.v[i];
    }
    return shorter && s->kernel.n == 3 && s->ceil_mode == 0 &&
           (s->count_include_pad != 0 || s->divisor != 0) && x->rank >= 4 &&
           x->rank <= 5;
}

static void emit_avg_pool(X *e, const K *k)
{
    const tdagi_pool_spec *s = k->spec;
    if (pads_apart(e, k)) {
        const int64_t *p = s->padding.v;
        const tdag_list pads = {6,
                                (const int64_t[]){p[2], p[2], p[1], p[1], p[0], p[0]}};
        tdagi_export_begin(e, k);
        tdagi_export_piece(e, k,
                           "torch.avg_pool3d(torch.constant_pad_nd($0, %l, 0.0), %l, "
                           "%l, [0, 0, 0], False, True",
                           &pads, &s->kernel, &s->stride);
        if (s->divisor != 0) tdagi_export_piece(e, k, ", %i", s->divisor);
        tdagi_export_piece(e, k, ")");
        tdagi_export_end(e);
        return;
    }
    pool_begin(e, k, s->kernel.n, "avg_pool");
    tdagi_export_piece(e, k, ", %l, %l, %l, %b, %b", &s->kernel, &s->stride,
                       &s->padding, s->ceil_mode, s->count_include_pad);
    if (s->divisor != 0) tdagi_export_piece(e, k, ", %i", s->divisor);
    pool_end(e, k, s->kernel.n);
}

static void emit_adaptive_avg_pool(X *e, const K *k)
{
    const tdagi_adaptive_pool_spec *s = k->spec;
    pool_begin(e, k, s->output.n, "adaptive_avg_pool");
    tdagi_export_piece(e, k, ", %l", &s->output);
    pool_end(e, k, s->output.n);
}

static void emit_adaptive_max_pool(X *e, const K *k)
{
    const tdagi_adaptive_pool_spec *s = k->spec;
    const K *x = input(e, k, 0);
    uint32_t n = s->output.n;
    if (x->rank != n + 1 && x->rank != n + 2) {
        tdagi_export_fail(e, k, TDAG_E_UNSUPPORTED,
                          "adaptive_max_pool of rank %u cannot be exported", x->rank);
        return;
    }
    tdagi_export_emit(e, k, "torch.adaptive_max_pool%id($0, %l)[0]", (int64_t)n,
                      &s->output);
}

static void emit_im2col(X *e, const K *k)
{
    const tdagi_im2col_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.im2col($0, %l, %l, %l, %l)", &s->kernel,
                      &s->dilation, &s->padding, &s->stride);
}

static void emit_col2im(X *e, const K *k)
{
    const tdagi_im2col_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.col2im($0, %l, %l, %l, %l, %l)", &s->output,
                      &s->kernel, &s->dilation, &s->padding, &s->stride);
}

/* ---- reductions and normalisations ---- */

static void emit_softmax(X *e, const K *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.softmax($0, %i)", s->axis);
}

static void emit_log_softmax(X *e, const K *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.log_softmax($0, %i)", s->axis);
}

static void emit_logsumexp(X *e, const K *k)
{
    const tdagi_axes_keep_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.logsumexp($0, %l, %b)", &s->axes, s->keep);
}

void tdagi_export_var(X *e, const K *k, const char *name, const K *var)
{
    const tdagi_var_spec *s = var->spec;
    uint32_t x = var->inputs[0];
    tdagi_export_value(e, x);
    if (s->correction == 0 || s->correction == 1)
        tdagi_export_emit(e, k, "torch.%s(%v, %l, %b, %b)", name, x, &s->axes,
                          (int64_t)(s->correction == 1), s->keep);
    else
        tdagi_export_emit(e, k, "torch.%s(%v, %l, correction=%i, keepdim=%b)", name, x,
                          &s->axes, (int64_t)s->correction, s->keep);
}

static void emit_var(X *e, const K *k) { tdagi_export_var(e, k, "var", k); }

static void emit_vector_norm(X *e, const K *k)
{
    const tdagi_norm_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.linalg_vector_norm($0, %f, %l, %b)", s->p, &s->axes,
                      s->keep);
}

static void emit_layer_norm(X *e, const K *k)
{
    const tdagi_layer_norm_spec *s = k->spec;
    const tdag_list shape = {(uint32_t)s->n_axes, k->shape + k->rank - s->n_axes};
    tdagi_export_emit(e, k, "torch.layer_norm($0, %l, $1, $2, %f)", &shape, s->eps);
}

static void emit_group_norm(X *e, const K *k)
{
    const tdagi_group_norm_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.group_norm($0, %i, $1, $2, %f)", s->groups, s->eps);
}

static void emit_batch_norm(X *e, const K *k)
{
    const tdagi_eps_spec *s = k->spec;
    tdagi_export_emit(
        e, k, "torch.batch_norm($0, $3, $4, $1, $2, False, 0.1, %f, True)", s->eps);
}

static void emit_instance_norm(X *e, const K *k)
{
    const tdagi_eps_spec *s = k->spec;
    tdagi_export_emit(
        e, k, "torch.instance_norm($0, $1, $2, None, None, True, 0.1, %f, True)",
        s->eps);
}

/* No kernel of PyTorch's: x / max(norm, eps), as torch.nn.functional writes it. */
static void emit_normalize(X *e, const K *k)
{
    const tdagi_norm_spec *s = k->spec;
    const tdag_list shape = {k->rank, k->shape};
    tdagi_export_emit(e, k,
                      "torch.div($0, torch.expand(torch.clamp_min("
                      "torch.linalg_vector_norm($0, %f, %l, True), %f), %l))",
                      s->p, &s->axes, s->eps, &shape);
}

static void emit_rms_norm(X *e, const K *k)
{
    const tdagi_layer_norm_spec *s = k->spec;
    const tdag_list shape = {(uint32_t)s->n_axes, k->shape + k->rank - s->n_axes};
    if (e->api->op_n_overloads("aten::rms_norm") > 0) {
        tdagi_export_emit(e, k, "torch.rms_norm($0, %l, $1, %f)", &shape, s->eps);
        return;
    }
    tdagi_export_begin(e, k);
    bool weighted = k->n_inputs > 1 && k->inputs[1] != 0;
    if (weighted) tdagi_export_piece(e, k, "torch.mul(");
    tdagi_export_piece(e, k,
                       "torch.mul($0, torch.rsqrt(torch.add(torch.mean("
                       "torch.pow($0, 2), [");
    for (int64_t i = 0; i < s->n_axes; i++)
        tdagi_export_piece(e, k, i > 0 ? ", %i" : "%i", i - s->n_axes);
    tdagi_export_piece(e, k, "], True), %f)))", s->eps);
    if (weighted) tdagi_export_piece(e, k, ", $1)");
    tdagi_export_end(e);
}

static void emit_attention(X *e, const K *k)
{
    const tdagi_attention_spec *s = k->spec;
    tdagi_export_emit(e, k,
                      "torch.scaled_dot_product_attention($0, $1, $2, $3, 0., %b, "
                      "scale=%f)",
                      s->causal, s->scale);
}

/* ---- joining and moving ---- */

static void emit_join(X *e, const K *k, const char *name)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.%s([", name);
    for (uint32_t i = 0; i < k->n_inputs; i++)
        tdagi_export_piece(e, k, i > 0 ? ", %v" : "%v", k->inputs[i]);
    tdagi_export_piece(e, k, "], %i)", s->axis);
    tdagi_export_end(e);
}

static void emit_concat(X *e, const K *k) { emit_join(e, k, "cat"); }
static void emit_stack(X *e, const K *k) { emit_join(e, k, "stack"); }

static void emit_roll(X *e, const K *k)
{
    const tdagi_roll_spec *s = k->spec;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.roll($0, [");
    for (uint32_t i = 0; i < s->shifts.n; i++) /* plain integers of any sign */
        tdagi_export_piece(e, k, i > 0 ? ", %i" : "%i", s->shifts.v[i]);
    tdagi_export_piece(e, k, "], %l)", &s->axes);
    tdagi_export_end(e);
}

static void emit_flip(X *e, const K *k)
{
    const tdagi_axes_list_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.flip($0, %l)", &s->axes);
}

static void emit_repeat_interleave(X *e, const K *k)
{
    const tdagi_repeat_interleave_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.repeat_interleave($0, %d, %i)", s->count, s->axis);
}

static void emit_tile(X *e, const K *k)
{
    const tdagi_tile_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.repeat($0, %l)", &s->counts);
}

static void emit_upsample(X *e, const K *k)
{
    static const char *const names[] = {
        [TDAGI_UPSAMPLE_NEAREST] = "upsample_nearest%id",
        [TDAGI_UPSAMPLE_NEAREST_EXACT] = "_upsample_nearest_exact%id",
        [TDAGI_UPSAMPLE_CUBIC] = "upsample_bicubic%id"};
    static const char *const linear[] = {"upsample_linear%id", "upsample_bilinear%id",
                                         "upsample_trilinear%id"};
    const tdagi_upsample_spec *s = k->spec;
    uint32_t n = s->output.n;
    bool aligns = s->mode == TDAGI_UPSAMPLE_LINEAR || s->mode == TDAGI_UPSAMPLE_CUBIC;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.");
    tdagi_export_piece(
        e, k, s->mode == TDAGI_UPSAMPLE_LINEAR ? linear[n - 1] : names[s->mode],
        (int64_t)n);
    tdagi_export_piece(e, k, "($0, %l", &s->output);
    if (aligns) tdagi_export_piece(e, k, ", %b", s->align_corners);
    for (uint32_t i = 0; i < n; i++)
        if (s->scales[i] != 0)
            tdagi_export_piece(e, k, ", %f", s->scales[i]);
        else
            tdagi_export_piece(e, k, ", None");
    tdagi_export_piece(e, k, ")");
    tdagi_export_end(e);
}

static void emit_embedding(X *e, const K *k)
{
    tdagi_export_emit(e, k, "torch.embedding($0, $1)");
}

static void emit_index_select(X *e, const K *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.index_select($0, %i, $1)", s->axis);
}

static void emit_take_along(X *e, const K *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k,
                      input(e, k, 1)->dtype == TDAG_I64
                          ? "torch.gather($0, %i, $1)"
                          : "torch.gather($0, %i, torch.to($1, 4))",
                      s->axis);
}

static void emit_argmax(X *e, const K *k)
{
    const tdagi_axis_keep_spec *s = k->spec;
    bool is_bool = input(e, k, 0)->dtype == TDAG_BOOL; /* which PyTorch refuses */
    tdagi_export_emit(
        e, k, is_bool ? "torch.%s(torch.to($0, 0), %i, %b)" : "torch.%s($0, %i, %b)",
        k->composite == TDAGI_ARGMAX ? "argmax" : "argmin", s->axis, s->keep);
}

static void emit_triangle(X *e, const K *k)
{
    const tdagi_diagonal_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.%s($0, %i)",
                      k->composite == TDAGI_TRIU ? "triu" : "tril", s->diagonal);
}

/* ---- the table ---- */

static void (*const rows[TDAGI_N_COMPOSITES])(X *, const K *) = {
    [TDAGI_SUB] = emit_sub,
    [TDAGI_DIV] = emit_div,
    [TDAGI_POW] = emit_pow,
    [TDAGI_POW_INT] = emit_pow_int,
    [TDAGI_REMAINDER] = emit_remainder,
    [TDAGI_ROUND] = emit_round,
    [TDAGI_MAXIMUM] = emit_maximum,
    [TDAGI_MINIMUM] = emit_minimum,
    [TDAGI_CLAMP] = emit_clamp,
    [TDAGI_NOT_EQUAL] = emit_not_equal,
    [TDAGI_LESS_EQUAL] = emit_less_equal,
    [TDAGI_LEAKY_RELU] = emit_leaky_relu,
    [TDAGI_PRELU] = emit_prelu,
    [TDAGI_ELU] = emit_elu,
    [TDAGI_GELU] = emit_gelu,
    [TDAGI_SOFTPLUS] = emit_softplus,
    [TDAGI_MASKED_FILL] = emit_masked_fill,
    [TDAGI_CONV] = emit_conv,
    [TDAGI_CONV_TRANSPOSE] = emit_conv_transpose,
    [TDAGI_LINEAR] = emit_linear,
    [TDAGI_MATMUL] = emit_matmul,
    [TDAGI_ADDMM] = emit_addmm,
    [TDAGI_EINSUM] = emit_einsum,
    [TDAGI_MAX_POOL] = emit_max_pool,
    [TDAGI_AVG_POOL] = emit_avg_pool,
    [TDAGI_ADAPTIVE_AVG_POOL] = emit_adaptive_avg_pool,
    [TDAGI_ADAPTIVE_MAX_POOL] = emit_adaptive_max_pool,
    [TDAGI_IM2COL] = emit_im2col,
    [TDAGI_COL2IM] = emit_col2im,
    [TDAGI_SOFTMAX] = emit_softmax,
    [TDAGI_LOG_SOFTMAX] = emit_log_softmax,
    [TDAGI_LOGSUMEXP] = emit_logsumexp,
    [TDAGI_VAR] = emit_var,
    [TDAGI_VECTOR_NORM] = emit_vector_norm,
    [TDAGI_LAYER_NORM] = emit_layer_norm,
    [TDAGI_RMS_NORM] = emit_rms_norm,
    [TDAGI_GROUP_NORM] = emit_group_norm,
    [TDAGI_BATCH_NORM] = emit_batch_norm,
    [TDAGI_INSTANCE_NORM] = emit_instance_norm,
    [TDAGI_NORMALIZE] = emit_normalize,
    [TDAGI_ATTENTION] = emit_attention,
    [TDAGI_CONCAT] = emit_concat,
    [TDAGI_STACK] = emit_stack,
    [TDAGI_ROLL] = emit_roll,
    [TDAGI_FLIP] = emit_flip,
    [TDAGI_REPEAT_INTERLEAVE] = emit_repeat_interleave,
    [TDAGI_TILE] = emit_tile,
    [TDAGI_UPSAMPLE] = emit_upsample,
    [TDAGI_EMBEDDING] = emit_embedding,
    [TDAGI_INDEX_SELECT] = emit_index_select,
    [TDAGI_TAKE_ALONG] = emit_take_along,
    [TDAGI_ARGMAX] = emit_argmax,
    [TDAGI_ARGMIN] = emit_argmax,
    [TDAGI_TRIU] = emit_triangle,
    [TDAGI_TRIL] = emit_triangle,
};

void tdagi_export_composite(X *e, const K *k)
{
    if (rows[k->composite] != NULL)
        rows[k->composite](e, k);
    else if (plain_unary[k->composite].name != NULL)
        tdagi_export_emit(e, k,
                          plain_unary[k->composite].in_place ? "torch.%s$_($0)"
                                                             : "torch.%s($0)",
                          plain_unary[k->composite].name);
    else
        tdagi_export_fail(e, k, TDAG_E_UNSUPPORTED, "composite %s cannot be exported",
                          tdagi_composite_row_of(k->composite)->name);
}
