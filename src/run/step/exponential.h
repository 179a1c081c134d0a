/* e^x, the sigmoid and tanh of floats and doubles without a call or a branch, so that
 * the compiler vectorises what loops over them. They are right at infinities, NaNs,
 * zeroes and where e^x is 0 or infinite, and otherwise within a few units of the last
 * place. */
#ifndef TDAGI_EXPONENTIAL_H
#define TDAGI_EXPONENTIAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* x = n ln 2 + r, |r| < 0.35, n being the last bits of *n_out; the result is e^r - 1,
 * by its series up to r^TERMS. BITS: of a fraction; FAR, 1.5 * 2^BITS: what is added to
 * it is rounded. LN2_HIGH has few enough bits for products with n. LEAST, MOST: beyond
 * them e^x is 0 or infinite. NEAR: tanh is 1 behind it. */
#define TDAGI_EXPONENTIALS(T, U, TERMS, BITS, FAR, LN2_HIGH, LN2_LOW, LEAST, MOST,     \
                           NEAR)                                                       \
    static inline T small_exp_##T(T x, U *n_out)                                       \
    {                                                                                  \
        const T shifted = x * (T)1.4426950408889634 + FAR, n = shifted - FAR;          \
        const T r = x - n * LN2_HIGH - n * LN2_LOW;                                    \
        T y = 1;                                                                       \
        for (int i = TERMS; i > 1; i--)                                                \
            y = y * (r * (T)(1.0 / i)) + 1;                                            \
        memcpy(n_out, &shifted, sizeof shifted);                                       \
        return y * r;                                                                  \
    }                                                                                  \
    static inline T scaled_##T(T x, U n)                                               \
    {                                                                                  \
        U bits;                                                                        \
        memcpy(&bits, &x, sizeof x);                                                   \
        bits += n << BITS;                                                             \
        memcpy(&x, &bits, sizeof x);                                                   \
        return x;                                                                      \
    }                                                                                  \
    static inline T sigmoid_##T(T x)                                                   \
    {                                                                                  \
        const T to = -x, at = to < LEAST ? LEAST : to > MOST ? MOST : to;              \
        U n;                                                                           \
        const T part = small_exp_##T(at, &n), power = scaled_##T(1 + part, n);         \
        const T e = to > MOST ? (T)INFINITY : to < LEAST ? 0 : power;                  \
        return x == x ? 1 / (1 + e) : x; /* bits of a NaN may have become a number */  \
    }                                                                                  \
    static inline T tanh_##T(T x)                                                      \
    {                                                                                  \
        const T to = 2 * x, at = to < -NEAR ? -NEAR : to > NEAR ? NEAR : to;           \
        U n;                                                                           \
        const T part = small_exp_##T(at, &n), power = scaled_##T(1, n);                \
        const T m = power * part + (power - 1);  /* e^2x - 1 */                        \
        return x < 0 || x > 0 ? m / (m + 2) : x; /* -0 of -0 */                        \
    }
/* clang-format off */
TDAGI_EXPONENTIALS(float, uint32_t, 7, 23, 12582912.0f,
                   0.693359375f, -2.12194440e-4f, -87.0f, 88.72f, 40.0f)
TDAGI_EXPONENTIALS(double, uint64_t, 13, 52, 6755399441055744.0,
                   6.93147180369123816490e-1, 1.90821492927058770002e-10,
                   -708.0, 709.78, 80.0)
/* clang-format on */

#endif
