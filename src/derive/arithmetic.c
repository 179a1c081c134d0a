/* Sugar for arithmetic, and the binary composites: sub, div, pow, remainder, maximum,
 * minimum, comparisons. */
#include <math.h>

#include "derive/composites.h"

static bool usable(tdag_builder *b, tdag_value x)
{
    return tdagi_builder_ok(b) && x.id != 0;
}

/* ---- sugar ---- */

tdag_value tdagi_add(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_binary(b, TDAG_OP_ADD, x, y);
}

tdag_value tdagi_mul(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_binary(b, TDAG_OP_MULTIPLY, x, y);
}

tdag_value tdagi_sub(tdag_builder *b, tdag_value x, tdag_value y)
{
    const tdag_value in[2] = {x, y};
    return tdagi_lower(b, TDAGI_SUB, in, 2, NULL);
}

tdag_value tdagi_div(tdag_builder *b, tdag_value x, tdag_value y)
{
    const tdag_value in[2] = {x, y};
    return tdagi_lower(b, TDAGI_DIV, in, 2, NULL);
}

tdag_value tdagi_greater(tdag_builder *b, tdag_value x, tdag_value y)
{
    return tdag_binary(b, TDAG_OP_LESS, y, x);
}

static tdag_value scalar_like(tdag_builder *b, tdag_value x, double value)
{
    if (!usable(b, x)) return TDAG_NO_VALUE;
    return tdag_add_scalar(b, tdag_builder_get_dtype(b, x), value);
}

tdag_value tdagi_add_scalar(tdag_builder *b, tdag_value x, double y)
{
    return tdagi_add(b, x, scalar_like(b, x, y));
}

tdag_value tdagi_mul_scalar(tdag_builder *b, tdag_value x, double y)
{
    return tdagi_mul(b, x, scalar_like(b, x, y));
}

tdag_value tdagi_cast(tdag_builder *b, tdag_value x, tdag_dtype dtype)
{
    if (!usable(b, x) || tdag_builder_get_dtype(b, x) == dtype) return x;
    return tdag_convert(b, x, dtype);
}

tdag_value tdagi_widen(tdag_builder *b, tdag_value x, tdag_dtype *own)
{
    *own = tdag_builder_get_dtype(b, x);
    bool half = *own == TDAG_F16 || *own == TDAG_BF16;
    return half ? tdagi_cast(b, x, TDAG_F32) : x;
}

/* ---- binary composites ---- */

/* x + (-y): exact. */
static tdag_value lower_sub(tdag_builder *b, const tdag_value *in, uint32_t n,
                            const void *spec)
{
    (void)n;
    (void)spec;
    return tdagi_add(b, in[0], tdag_unary(b, TDAG_OP_NEG, in[1]));
}
const tdagi_composite_def tdagi_composite_sub = {.lower = lower_sub};

/* x * (1/y): two roundings instead of one; the raised kernel divides. */
static tdag_value lower_div(tdag_builder *b, const tdag_value *in, uint32_t n,
                            const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own, other;
    tdag_value x = tdagi_widen(b, in[0], &own), y = tdagi_widen(b, in[1], &other);
    tdag_value q = tdagi_mul(b, x, tdag_unary(b, TDAG_OP_RECIPROCAL, y));
    return tdagi_cast(b, q, own);
}
const tdagi_composite_def tdagi_composite_div = {.lower = lower_div};

/* |b| odd: b/2 is no integer though b is one. */
static tdag_value is_odd(tdag_builder *b, tdag_value y)
{
    tdag_value half = tdagi_mul_scalar(b, y, 0.5);
    tdag_value whole =
        tdag_binary(b, TDAG_OP_EQUAL, half, tdag_unary(b, TDAG_OP_FLOOR, half));
    return tdagi_unary_composite(b, TDAGI_LOGICAL_NOT, whole);
}

/* C99's pow on every edge, up to the rounding of exp(y*log|x|):
 *   y == 0 or x == 1: 1;  x < 0: by the parity of y, NaN where y is no integer;
 *   x is a zero and y odd: a zero or infinity of its sign;
 *   |x| == 1 and y infinite: 1.
 * log|x| of 0 is -inf and of inf is inf, so the remaining edges come out by themselves.
 */
static tdag_value lower_pow(tdag_builder *b, const tdag_value *in, uint32_t n,
                            const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own, other;
    tdag_value x = tdagi_widen(b, in[0], &own), y = tdagi_widen(b, in[1], &other);
    if (!usable(b, x) || !usable(b, y)) return TDAG_NO_VALUE;
    tdag_value zero = scalar_like(b, x, 0), one = scalar_like(b, x, 1);
    tdag_value size = tdagi_unary_composite(b, TDAGI_ABS, x);
    tdag_value power =
        tdag_unary(b, TDAG_OP_EXP, tdagi_mul(b, y, tdag_unary(b, TDAG_OP_LOG, size)));
    power = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, size, one), one, power);
    tdag_value whole =
        tdag_binary(b, TDAG_OP_EQUAL, y, tdag_unary(b, TDAG_OP_FLOOR, y));
    tdag_value odd = is_odd(b, y);
    tdag_value flipped = tdag_where(b, odd, tdag_unary(b, TDAG_OP_NEG, power), power);
    tdag_value infinite =
        tdag_binary(b, TDAG_OP_EQUAL, size, scalar_like(b, x, INFINITY));
    tdag_value not_real = tdag_where(b, infinite, power, scalar_like(b, x, NAN));
    tdag_value negative = tdag_where(b, whole, flipped, not_real);
    power = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, x, zero), negative, power);
    tdag_value own_sign = tdag_where(b, tdag_binary(b, TDAG_OP_LESS, y, zero),
                                     tdag_unary(b, TDAG_OP_RECIPROCAL, x), x);
    tdag_value of_zero = tdagi_mul(b, odd, tdag_binary(b, TDAG_OP_EQUAL, x, zero));
    of_zero = tdagi_mul(b, of_zero, whole);
    power = tdag_where(b, of_zero, own_sign, power);
    power = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, y, zero), one, power);
    power = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, x, one), one, power);
    return tdagi_cast(b, power, own);
}
const tdagi_composite_def tdagi_composite_pow = {.lower = lower_pow};

static const tdagi_field pow_int_fields[] = {
    TDAGI_FIELD(tdagi_pow_int_spec, exponent, INT), {0}};

/* Repeated squaring; x^-n = 1 / x^n (floats). Exact but for the roundings of its at
 * most 2*log2(n) products. Integers wrap. */
static tdag_value lower_pow_int(tdag_builder *b, const tdag_value *in, uint32_t n,
                                const void *spec)
{
    (void)n;
    int64_t e = ((const tdagi_pow_int_spec *)spec)->exponent;
    if (e < -64 || e > 64)
        return tdagi_builder_fail(b, TDAG_E_ARG, "pow_int of exponent %lld",
                                  (long long)e);
    tdag_dtype own;
    tdag_value square = tdagi_widen(b, in[0], &own), power = TDAG_NO_VALUE;
    if (!usable(b, square)) return TDAG_NO_VALUE;
    if (e == 0) return tdagi_full_like(b, in[0], 1);
    for (int64_t left = e < 0 ? -e : e; left > 0; left >>= 1) {
        if (left & 1) power = power.id == 0 ? square : tdagi_mul(b, power, square);
        if (left > 1) square = tdagi_mul(b, square, square);
    }
    if (e < 0) power = tdag_unary(b, TDAG_OP_RECIPROCAL, power);
    return tdagi_cast(b, power, own);
}
const tdagi_composite_def tdagi_composite_pow_int = {.spec_size =
                                                         sizeof(tdagi_pow_int_spec),
                                                     .fields = pow_int_fields,
                                                     .lower = lower_pow_int};

/* x - y*floor(x/y): the sign of y. Floats: exact where the product is; where it is not
 * (or y is infinite), PyTorch's fmod-based kernel is exact and raising gives it back.
 */
static tdag_value lower_remainder(tdag_builder *b, const tdag_value *in, uint32_t n,
                                  const void *spec)
{
    (void)n;
    (void)spec;
    tdag_dtype own, other;
    tdag_value x = tdagi_widen(b, in[0], &own), y = tdagi_widen(b, in[1], &other);
    tdag_value q = tdag_binary(b, TDAG_OP_FLOOR_DIVIDE, x, y);
    return tdagi_cast(b, tdagi_sub(b, x, tdagi_mul(b, y, q)), own);
}
const tdagi_composite_def tdagi_composite_remainder = {.lower = lower_remainder};

/* where(x < y, y, x), but NaN where either is: x + y is NaN then. */
static tdag_value pick(tdag_builder *b, tdag_value x, tdag_value y, bool larger)
{
    tdag_value less = larger ? tdag_binary(b, TDAG_OP_LESS, x, y)
                             : tdag_binary(b, TDAG_OP_LESS, y, x);
    tdag_value z = tdag_where(b, less, y, x);
    if (!usable(b, y) || !tdag_dtype_is_float(tdag_builder_get_dtype(b, y))) return z;
    /* x is NaN: the comparison is false and z is x already. */
    return tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, y, y), z, y);
}

/* NaN where either operand is; of -0 and +0 the first operand stays. Exact. */
static tdag_value lower_maximum(tdag_builder *b, const tdag_value *in, uint32_t n,
                                const void *spec)
{
    (void)n;
    (void)spec;
    return pick(b, in[0], in[1], true);
}
const tdagi_composite_def tdagi_composite_maximum = {.lower = lower_maximum};

static tdag_value lower_minimum(tdag_builder *b, const tdag_value *in, uint32_t n,
                                const void *spec)
{
    (void)n;
    (void)spec;
    return pick(b, in[0], in[1], false);
}
const tdagi_composite_def tdagi_composite_minimum = {.lower = lower_minimum};

/* x == false. Exact. */
static tdag_value lower_logical_not(tdag_builder *b, const tdag_value *in, uint32_t n,
                                    const void *spec)
{
    (void)n;
    (void)spec;
    return tdag_binary(b, TDAG_OP_EQUAL, in[0], scalar_like(b, in[0], 0));
}
const tdagi_composite_def tdagi_composite_logical_not = {.lower = lower_logical_not};

/* not (x == y): true where one is NaN. Exact. */
static tdag_value lower_not_equal(tdag_builder *b, const tdag_value *in, uint32_t n,
                                  const void *spec)
{
    (void)n;
    (void)spec;
    return tdagi_unary_composite(b, TDAGI_LOGICAL_NOT,
                                 tdag_binary(b, TDAG_OP_EQUAL, in[0], in[1]));
}
const tdagi_composite_def tdagi_composite_not_equal = {.lower = lower_not_equal};

/* (x < y) or (x == y): false where one is NaN. Exact. */
static tdag_value lower_less_equal(tdag_builder *b, const tdag_value *in, uint32_t n,
                                   const void *spec)
{
    (void)n;
    (void)spec;
    return tdagi_add(b, tdag_binary(b, TDAG_OP_LESS, in[0], in[1]),
                     tdag_binary(b, TDAG_OP_EQUAL, in[0], in[1]));
}
const tdagi_composite_def tdagi_composite_less_equal = {.lower = lower_less_equal};
