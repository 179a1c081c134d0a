/* Activations. Half types compute in f32 and round once (tdagi_widen), as PyTorch does.
 */
#include "derive/parts.h"

static tdag_value number(tdag_builder *b, tdag_value like, double value)
{
    return tdag_add_scalar(b, tdag_builder_get_dtype(b, like), value);
}

static tdag_value unary(tdag_builder *b, tdag_op op, tdag_value x)
{
    return tdag_unary(b, op, x);
}

static tdag_value less(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_binary(b, TDAG_OP_LESS, x, y);
}

/* where(x < 0, 0, x): NaN and -0 stay. Exact. */
static tdag_value lower_relu(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    (void)n;
    (void)spec;
    tdag_value zero = number(b, in[0], 0);
    return tdag_where(b, less(b, in[0], zero), zero, in[0]);
}
const tdagi_composite_def tdagi_composite_relu = {.lower = lower_relu};

static const tdagi_field scalar_fields[] = {TDAGI_FIELD(tdagi_scalar_spec, value, F64),
                                            {0}};

/* where(x < 0, slope * x, x). Exact, but for the sign of a zero at slopes below 0. */
static tdag_value lower_leaky_relu(tdag_builder *b, const tdag_value *in, uint32_t n,
                                   const void *spec)
{
    (void)n;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    tdag_value scaled =
        tdagi_mul_scalar(b, x, ((const tdagi_scalar_spec *)spec)->value);
    x = tdag_where(b, less(b, x, number(b, x, 0)), scaled, x);
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_leaky_relu = {.spec_size =
                                                            sizeof(tdagi_scalar_spec),
                                                        .fields = scalar_fields,
                                                        .lower = lower_leaky_relu};

/* A number, a list of one, or a list of one per channel. */
static bool prelu_fits(tdag_builder *b, tdag_value x, tdag_value w)
{
    uint32_t rank = tdag_builder_get_rank(b, w);
    if (rank == 0) return true;
    tdag_dim n = tdag_builder_get_shape(b, w)[0];
    if (rank == 1 &&
        (n == 1 || (tdag_builder_get_rank(b, x) > 1 && n == tdagi_dim_of(b, x, 1))))
        return true;
    tdagi_builder_fail(b, TDAG_E_SHAPE, "prelu takes one weight or one per channel");
    return false;
}

/* where(x > 0, x, w * x); w has one element or one per channel (axis 1 of x). PyTorch
 * multiplies for NaN and 0 as well, which changes neither. Exact. */
static tdag_value lower_prelu(tdag_builder *b, const tdag_value *in, uint32_t n,
                              const void *spec)
{
    (void)n;
    (void)spec;
    tdag_value x = in[0], w = in[1];
    if (!tdagi_builder_ok(b) || !prelu_fits(b, x, w)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x);
    int64_t axes[TDAG_MAX_RANK];
    if (rank == 0 && tdag_builder_get_rank(b, w) == 1) w = tdagi_squeeze1(b, w, 0);
    bool per_channel = tdag_builder_get_rank(b, w) == 1 && rank > 2 &&
                       tdag_builder_get_shape(b, w)[0] != 1;
    for (uint32_t i = 0; i + 2 < rank; i++)
        axes[i] = i + 1;
    if (per_channel) w = tdag_unsqueeze(b, w, (tdag_list){rank - 2, axes});
    return tdag_where(b, less(b, number(b, x, 0), x), x, tdagi_mul(b, w, x));
}
const tdagi_composite_def tdagi_composite_prelu = {.n_batched = 1,
                                                   .lower = lower_prelu};

static const tdagi_field elu_fields[] = {TDAGI_FIELD(tdagi_elu_spec, alpha, F64),
                                         TDAGI_FIELD(tdagi_elu_spec, scale, F64),
                                         TDAGI_FIELD(tdagi_elu_spec, input_scale, F64),
                                         {0}};

/* x > 0 ? scale*x : scale*alpha*expm1(input_scale*x). As exact as expm1. NaN takes the
 * second branch and stays NaN. */
static tdag_value lower_elu(tdag_builder *b, const tdag_value *in, uint32_t n,
                            const void *spec)
{
    (void)n;
    const tdagi_elu_spec *s = spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    tdag_value below =
        tdagi_unary_composite(b, TDAGI_EXPM1, tdagi_mul_scalar(b, x, s->input_scale));
    below = tdagi_mul_scalar(b, below, s->alpha * s->scale);
    tdag_value above = tdagi_mul_scalar(b, x, s->scale);
    x = tdag_where(b, less(b, number(b, x, 0), x), above, below);
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_elu = {
    .spec_size = sizeof(tdagi_elu_spec), .fields = elu_fields, .lower = lower_elu};

/* 1 / (1 + exp(-x)): exp overflows to inf, whose reciprocal is the right 0. */
static tdag_value lower_sigmoid(tdag_builder *b, const tdag_value *in, uint32_t n,
                                const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    x = unary(b, TDAG_OP_EXP, unary(b, TDAG_OP_NEG, x));
    x = unary(b, TDAG_OP_RECIPROCAL, tdagi_add_scalar(b, x, 1));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_sigmoid = {.lower = lower_sigmoid};

/* min(x, 0) - log1p(exp(-|x|)): stable. */
static tdag_value lower_log_sigmoid(tdag_builder *b, const tdag_value *in, uint32_t n,
                                    const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    tdag_value zero = number(b, x, 0);
    tdag_value low = tdag_where(b, less(b, zero, x), zero, x);
    tdag_value decay = unary(
        b, TDAG_OP_EXP, unary(b, TDAG_OP_NEG, tdagi_unary_composite(b, TDAGI_ABS, x)));
    x = tdagi_sub(b, low, tdagi_unary_composite(b, TDAGI_LOG1P, decay));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_log_sigmoid = {.lower = lower_log_sigmoid};

/* x * sigmoid(x): NaN at -inf, as in PyTorch. */
static tdag_value lower_silu(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    x = tdagi_mul(b, x, tdagi_unary_composite(b, TDAGI_SIGMOID, x));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_silu = {.lower = lower_silu};

static const tdagi_field gelu_fields[] = {TDAGI_FIELD(tdagi_gelu_spec, tanh, BOOL),
                                          {0}};

/* x * gaussian(x); or 0.5*x*(1 + tanh(sqrt(2/pi) * (x + 0.044715*x^3))). */
static tdag_value lower_gelu(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    (void)n;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    if (!((const tdagi_gelu_spec *)spec)->tanh) {
        x = tdagi_mul(b, x, unary(b, TDAG_OP_GAUSSIAN, x));
        return tdagi_cast(b, x, own);
    }
    tdag_value cube = tdagi_mul(b, tdagi_mul(b, x, x), x);
    tdag_value inner = tdagi_add(b, x, tdagi_mul_scalar(b, cube, 0.044715));
    inner = unary(b, TDAG_OP_TANH, tdagi_mul_scalar(b, inner, 0.79788456080286535));
    x = tdagi_mul(b, tdagi_mul_scalar(b, x, 0.5), tdagi_add_scalar(b, inner, 1));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_gelu = {
    .spec_size = sizeof(tdagi_gelu_spec), .fields = gelu_fields, .lower = lower_gelu};

static const tdagi_field softplus_fields[] = {
    TDAGI_FIELD(tdagi_softplus_spec, beta, F64),
    TDAGI_FIELD(tdagi_softplus_spec, threshold, F64),
    {0}};

/* log1p(exp(beta*x)) / beta, and x itself where beta*x > threshold. */
static tdag_value lower_softplus(tdag_builder *b, const tdag_value *in, uint32_t n,
                                 const void *spec)
{
    (void)n;
    const tdagi_softplus_spec *s = spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    tdag_value scaled = tdagi_mul_scalar(b, x, s->beta);
    tdag_value y = tdagi_unary_composite(b, TDAGI_LOG1P, unary(b, TDAG_OP_EXP, scaled));
    y = tdagi_div(b, y, number(b, x, s->beta));
    y = tdag_where(b, less(b, number(b, x, s->threshold), scaled), x, y);
    return tdagi_cast(b, y, own);
}
const tdagi_composite_def tdagi_composite_softplus = {.spec_size =
                                                          sizeof(tdagi_softplus_spec),
                                                      .fields = softplus_fields,
                                                      .lower = lower_softplus};

/* x * tanh(softplus(x)), softplus without a threshold: log1p(exp(x)), or x where exp(x)
 * is beyond f32's digits anyway (PyTorch's kernel has no threshold; from 20 on both
 * agree to the last bit). */
static tdag_value lower_mish(tdag_builder *b, const tdag_value *in, uint32_t n,
                             const void *spec)
{
    (void)n;
    (void)spec;
    const tdagi_softplus_spec plain = {1, 20};
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    tdag_value soft = tdagi_lower(b, TDAGI_SOFTPLUS, &x, 1, &plain);
    x = tdagi_mul(b, x, unary(b, TDAG_OP_TANH, soft));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_mish = {.lower = lower_mish};

/* min(max(x + 3, 0), 6), the part that hardsigmoid and hardswish share. */
static tdag_value ramp(tdag_builder *b, tdag_value x)
{
    const tdagi_clamp_spec to6 = {1, 1, 0, 6};
    tdag_value shifted = tdagi_add_scalar(b, x, 3);
    return tdagi_lower(b, TDAGI_CLAMP, &shifted, 1, &to6);
}

/* relu6(x + 3) / 6 */
static tdag_value lower_hardsigmoid(tdag_builder *b, const tdag_value *in, uint32_t n,
                                    const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    x = tdagi_div(b, ramp(b, x), number(b, x, 6));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_hardsigmoid = {.lower = lower_hardsigmoid};

/* x * relu6(x + 3) / 6: NaN at -inf, as in PyTorch. */
static tdag_value lower_hardswish(tdag_builder *b, const tdag_value *in, uint32_t n,
                                  const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    x = tdagi_div(b, tdagi_mul(b, x, ramp(b, x)), number(b, x, 6));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_hardswish = {.lower = lower_hardswish};
