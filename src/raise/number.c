/* See number.h. */
#include "raise/number.h"

#include <math.h>

#include "base/half.h"
#include "base/number_text.h"

double tdagi_rounded(tdag_dtype dtype, double x)
{
    if (dtype == TDAG_F32) return (double)(float)x;
    if (dtype == TDAG_F16) return (double)tdagi_f16_to_f32(tdagi_f64_to_f16(x));
    if (dtype == TDAG_BF16) return (double)tdagi_bf16_to_f32(tdagi_f64_to_bf16(x));
    return x;
}

/* PyTorch refuses a number beyond it, though it would round to it. */
static double largest(tdag_dtype dtype)
{
    return dtype == TDAG_F32    ? 0x1.fffffep127
           : dtype == TDAG_F16  ? 65504
           : dtype == TDAG_BF16 ? 0x1.fep127
                                : INFINITY;
}

/* The shortest decimal near `near` that, or whose inverse, rounds to x. */
static double shorten(tdag_dtype dtype, double x, double near, bool inverse)
{
    if (!isfinite(near)) return near;
    for (int digits = 1; digits < 17; digits++) {
        double y = tdagi_f64_rounded(near, digits);
        if (fabs(y) > largest(dtype)) continue;
        if (tdagi_rounded(dtype, inverse ? 1 / y : y) == x) return y;
    }
    return near;
}

double tdagi_shortest(tdag_dtype dtype, double x)
{
    return shorten(dtype, x, x, false);
}

double tdagi_shortest_inverse(tdag_dtype dtype, double x)
{
    return shorten(dtype, x, 1 / x, true);
}

double tdagi_shortest_factor(tdag_dtype dtype, double product, double factor)
{
    for (int digits = 1; digits <= 17; digits++) {
        double x = tdagi_f64_rounded(product / factor, digits);
        if (tdagi_rounded(dtype, x * factor) == product) return x;
    }
    return product / factor;
}
