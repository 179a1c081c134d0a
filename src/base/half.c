/* f16 and bf16 to f32 and back, on bits: no rounding mode or flush-to-zero setting of
 * the host changes the results. NaN keeps its sign and the upper part of its payload.
 */
#include "base/half.h"

#include <string.h>

static uint32_t f32_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float f32_of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static uint64_t f64_bits(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

/* Rounds a binary64 to exponent_bits and mantissa_bits, nearest even. */
static uint16_t narrow_f64(uint64_t bits, int exponent_bits, int mantissa_bits)
{
    uint64_t sign = (bits >> 63) << (exponent_bits + mantissa_bits);
    uint64_t infinity = ((UINT64_C(1) << exponent_bits) - 1) << mantissa_bits;
    int exponent = (int)((bits >> 52) & 0x7FF);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0x7FF) {
        if (mantissa == 0) return (uint16_t)(sign | infinity);
        uint64_t payload = mantissa >> (52 - mantissa_bits);
        if (payload == 0) payload = UINT64_C(1) << (mantissa_bits - 1);
        return (uint16_t)(sign | infinity | payload);
    }
    if (exponent == 0) return (uint16_t)sign; /* far below the smallest subnormal */
    int bias = (1 << (exponent_bits - 1)) - 1;
    int e = exponent - 1023;
    if (e > bias) return (uint16_t)(sign | infinity);
    mantissa |= UINT64_C(1) << 52;
    int shift = 52 - mantissa_bits;
    if (e < 1 - bias) shift += 1 - bias - e;
    if (shift > 53) return (uint16_t)sign;
    uint64_t half = UINT64_C(1) << (shift - 1);
    uint64_t rest = mantissa & ((half << 1) - 1);
    uint64_t q = mantissa >> shift;
    if (rest > half || (rest == half && (q & 1) != 0)) q++;
    /* A normal q has the implicit bit, which adds 1 to the exponent; a carry of the
     * rounding runs into the exponent and, at the top, into infinity, as it should. */
    if (e >= 1 - bias) q += (uint64_t)(e + bias - 1) << mantissa_bits;
    return (uint16_t)(sign | q);
}

/* A float to the bits of the double of that value; NaN stays as it is. */
static uint64_t widen_f32(float f)
{
    uint32_t u = f32_bits(f);
    if ((u & 0x7F800000) == 0x7F800000)
        return (uint64_t)(u >> 31) << 63 | UINT64_C(0x7FF) << 52 |
               (uint64_t)(u & 0x7FFFFF) << 29;
    return f64_bits(f);
}

float tdagi_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = (h >> 10) & 0x1F;
    uint32_t mantissa = h & 0x3FF;
    if (exponent == 0x1F) return f32_of_bits(sign | 0x7F800000 | mantissa << 13);
    if (exponent != 0)
        return f32_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    if (mantissa == 0) return f32_of_bits(sign);
    exponent = 113; /* a subnormal: shift until the implicit bit appears */
    while ((mantissa & 0x400) == 0) {
        mantissa <<= 1;
        exponent--;
    }
    return f32_of_bits(sign | exponent << 23 | (mantissa & 0x3FF) << 13);
}

uint16_t tdagi_f32_to_f16(float f) { return narrow_f64(widen_f32(f), 5, 10); }
uint16_t tdagi_f64_to_f16(double d) { return narrow_f64(f64_bits(d), 5, 10); }
float tdagi_bf16_to_f32(uint16_t h) { return f32_of_bits((uint32_t)h << 16); }
uint16_t tdagi_f32_to_bf16(float f)
{
    uint32_t u = f32_bits(f);
    if ((u & 0x7FFFFFFF) > 0x7F800000)
        return (uint16_t)((u >> 16) | ((u & 0x7F0000) == 0 ? 0x40 : 0));
    return (uint16_t)((u + 0x7FFF + ((u >> 16) & 1)) >> 16);
}
uint16_t tdagi_f64_to_bf16(double d) { return narrow_f64(f64_bits(d), 8, 7); }
