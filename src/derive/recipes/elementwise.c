/* Unary composites that are not activations: rounding, absolute value, clamp,
 * logarithms near 1, error function, masked_fill. */
#include <math.h>

#include "derive/composites.h"

static bool is_float(tdag_builder *b, tdag_value x)
{
    return tdag_dtype_is_float(tdag_builder_get_dtype(b, x));
}

static tdag_value number(tdag_builder *b, tdag_value like, double value)
{
    return tdag_add_scalar(b, tdag_builder_get_dtype(b, like), value);
}

#define UNARY(name)                                                                    \
    static tdag_value lower_##name(tdag_builder *b, const tdag_value *in, uint32_t n,  \
                                   const void *spec)

/* 1 / sqrt(x): two roundings, as in PyTorch. */
UNARY(rsqrt)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    x = tdag_unary(b, TDAG_OP_RECIPROCAL, tdag_unary(b, TDAG_OP_SQRT, x));
    return tdagi_cast(b, x, own);
}
const tdagi_composite_def tdagi_composite_rsqrt = {.lower = lower_rsqrt};

/* -floor(-x): exact; ceil(-0.5) is -0, as in C. */
UNARY(ceil)
{
    (void)n;
    (void)spec;
    if (!is_float(b, in[0])) return in[0];
    tdag_value x = tdag_unary(b, TDAG_OP_FLOOR, tdag_unary(b, TDAG_OP_NEG, in[0]));
    return tdag_unary(b, TDAG_OP_NEG, x);
}
const tdagi_composite_def tdagi_composite_ceil = {.lower = lower_ceil};

/* x < 0 ? ceil(x) : floor(x): exact. */
UNARY(trunc)
{
    (void)n;
    (void)spec;
    if (!is_float(b, in[0])) return in[0];
    tdag_value up = tdagi_unary_composite(b, TDAGI_CEIL, in[0]);
    tdag_value down = tdag_unary(b, TDAG_OP_FLOOR, in[0]);
    tdag_value negative = tdag_binary(b, TDAG_OP_LESS, in[0], number(b, in[0], 0));
    return tdag_where(b, negative, up, down);
}
const tdagi_composite_def tdagi_composite_trunc = {.lower = lower_trunc};

/* x - trunc(x): exact; NaN at the infinities. */
UNARY(frac)
{
    (void)n;
    (void)spec;
    if (!is_float(b, in[0]))
        return tdagi_builder_fail(b, TDAG_E_DTYPE, "frac takes floating numbers");
    return tdagi_sub(b, in[0], tdagi_unary_composite(b, TDAGI_TRUNC, in[0]));
}
const tdagi_composite_def tdagi_composite_frac = {.lower = lower_frac};

static const tdagi_field round_fields[] = {
    TDAGI_FIELD_AS(tdagi_round_spec, decimals, INT, DECIMALS), {0}};

/* To nearest, ties to even: f = floor(x), d = x - f; up where d > 1/2, or d == 1/2 and
 * f is odd. d is exact, so for decimals = 0 the result is. Otherwise round(x * 10^d) /
 * 10^d with PyTorch's roundings. inf - inf is NaN, which no comparison takes: inf
 * stays. */
UNARY(round)
{
    (void)n;
    int64_t decimals = ((const tdagi_round_spec *)spec)->decimals;
    if (!is_float(b, in[0])) return in[0];
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    double scale = pow(10, decimals < 0 ? -(double)decimals : (double)decimals);
    if (decimals > 0) x = tdagi_mul_scalar(b, x, scale);
    if (decimals < 0) x = tdagi_div(b, x, number(b, x, scale));
    tdag_value f = tdag_unary(b, TDAG_OP_FLOOR, x);
    tdag_value d = tdagi_sub(b, x, f);
    tdag_value half_f = tdagi_mul_scalar(b, f, 0.5);
    tdag_value even =
        tdag_binary(b, TDAG_OP_EQUAL, half_f, tdag_unary(b, TDAG_OP_FLOOR, half_f));
    tdag_value tie = tdag_binary(b, TDAG_OP_EQUAL, d, number(b, x, 0.5));
    tdag_value odd_tie =
        tdagi_mul(b, tie, tdagi_unary_composite(b, TDAGI_LOGICAL_NOT, even));
    tdag_value above = tdag_binary(b, TDAG_OP_LESS, number(b, x, 0.5), d);
    tdag_value up = tdagi_add(b, above, odd_tie);
    tdag_value y = tdag_where(b, up, tdagi_unary_composite(b, TDAGI_CEIL, x), f);
    if (decimals > 0) y = tdagi_div(b, y, number(b, y, scale));
    if (decimals < 0) y = tdagi_mul_scalar(b, y, scale);
    return tdagi_cast(b, y, own);
}
const tdagi_composite_def tdagi_composite_round = {.spec_size =
                                                       sizeof(tdagi_round_spec),
                                                   .fields = round_fields,
                                                   .lower = lower_round};

/* where(x < 0, -x, x) + 0, which turns -0 into +0 and changes nothing else. Exact. */
UNARY(abs)
{
    (void)n;
    (void)spec;
    tdag_value zero = number(b, in[0], 0);
    tdag_value negative = tdag_binary(b, TDAG_OP_LESS, in[0], zero);
    tdag_value x = tdag_where(b, negative, tdag_unary(b, TDAG_OP_NEG, in[0]), in[0]);
    return is_float(b, in[0]) ? tdagi_add(b, x, zero) : x;
}
const tdagi_composite_def tdagi_composite_abs = {.lower = lower_abs};

static const tdagi_field clamp_fields[] = {TDAGI_FIELD(tdagi_clamp_spec, has_min, BOOL),
                                           TDAGI_FIELD(tdagi_clamp_spec, has_max, BOOL),
                                           TDAGI_FIELD(tdagi_clamp_spec, min, F64),
                                           TDAGI_FIELD(tdagi_clamp_spec, max, F64),
                                           {0}};

/* min(max(x, lo), hi): lo first, so that hi wins where lo > hi; NaN stays. Exact. */
UNARY(clamp)
{
    (void)n;
    const tdagi_clamp_spec *s = spec;
    tdag_value x = in[0];
    if (s->has_min) {
        tdag_value lo = number(b, x, s->min);
        x = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, x, lo), lo, x);
    }
    if (s->has_max) {
        tdag_value hi = number(b, x, s->max);
        x = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, hi, x), hi, x);
    }
    return x;
}
const tdagi_composite_def tdagi_composite_clamp = {.spec_size =
                                                       sizeof(tdagi_clamp_spec),
                                                   .fields = clamp_fields,
                                                   .lower = lower_clamp};

/* log(1 + x) without cancellation: with u = 1 + x rounded, log(u) * x/(u-1), and x
 * where u is 1 (W. Kahan). Within a few ulp; u infinite gives log(u). */
UNARY(log1p)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    tdag_value u = tdagi_add_scalar(b, x, 1);
    tdag_value log_u = tdag_unary(b, TDAG_OP_LOG, u);
    tdag_value ratio = tdagi_div(b, x, tdagi_add_scalar(b, u, -1));
    tdag_value y = tdagi_mul(b, log_u, ratio);
    y = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, u, number(b, x, 1)), x, y);
    tdag_value infinite = tdag_binary(b, TDAG_OP_EQUAL, u, number(b, x, INFINITY));
    return tdagi_cast(b, tdag_where(b, infinite, u, y), own);
}
const tdagi_composite_def tdagi_composite_log1p = {.lower = lower_log1p};

/* exp(x) - 1 = 2 * sinh(x/2) * exp(x/2): no cancellation; the sum form where |x| is
 * large enough for the product to overflow early. Within a few ulp. */
UNARY(expm1)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    tdag_value half = tdagi_mul_scalar(b, x, 0.5);
    tdag_value product = tdagi_mul(b, tdag_unary(b, TDAG_OP_SINH, half),
                                   tdag_unary(b, TDAG_OP_EXP, half));
    product = tdagi_mul_scalar(b, product, 2);
    tdag_value plain = tdagi_add_scalar(b, tdag_unary(b, TDAG_OP_EXP, x), -1);
    tdag_value small = tdag_binary(
        b, TDAG_OP_LESS, tdagi_unary_composite(b, TDAGI_ABS, x), number(b, x, 1));
    return tdagi_cast(b, tdag_where(b, small, product, plain), own);
}
const tdagi_composite_def tdagi_composite_expm1 = {.lower = lower_expm1};

/* erf(x) = 2 * gaussian(x * sqrt(2)) - 1: an absolute error of an ulp of 1, so few
 * digits near 0; the raised kernel has them. */
UNARY(erf)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    x = tdag_unary(b, TDAG_OP_GAUSSIAN, tdagi_mul_scalar(b, x, 1.4142135623730951));
    return tdagi_cast(b, tdagi_add_scalar(b, tdagi_mul_scalar(b, x, 2), -1), own);
}
const tdagi_composite_def tdagi_composite_erf = {.lower = lower_erf};

/* erfinv(x) = inv_gaussian((x + 1) / 2) / sqrt(2): as erf, few digits near 0. */
UNARY(erfinv)
{
    (void)n;
    (void)spec;
    tdag_dtype own;
    tdag_value x = tdagi_widen(b, in[0], &own);
    x = tdagi_mul_scalar(b, tdagi_add_scalar(b, x, 1), 0.5);
    x = tdag_unary(b, TDAG_OP_INV_GAUSSIAN, x);
    return tdagi_cast(b, tdagi_mul_scalar(b, x, 0.70710678118654752), own);
}
const tdagi_composite_def tdagi_composite_erfinv = {.lower = lower_erfinv};

static const tdagi_field scalar_fields[] = {TDAGI_FIELD(tdagi_scalar_spec, value, F64),
                                            {0}};

/* where(mask, value, x); inputs x, mask. Exact. */
UNARY(masked_fill)
{
    (void)n;
    const tdagi_scalar_spec *s = spec;
    return tdag_where(b, in[1], number(b, in[0], s->value), in[0]);
}
const tdagi_composite_def tdagi_composite_masked_fill = {.spec_size =
                                                             sizeof(tdagi_scalar_spec),
                                                         .fields = scalar_fields,
                                                         .lower = lower_masked_fill};
