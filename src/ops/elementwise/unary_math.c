/* The normal distribution. The distribution itself comes from erfc, with the rounding
 * of x/sqrt(2) made good; the inverse starts from a series or a fitted fraction and is
 * refined by steps of third order, in the tail of numbers below 1e-290 by steps on
 * logarithms, as the density there has too few bits. */
#include "ops/elementwise/unary_math.h"

#include <math.h>

#define SQRT_HALF       0.70710678118654752440 /* rounded: is SQRT_HALF_REST too small */
#define SQRT_HALF_REST  (-4.8336466567264567e-17)
#define SQRT_2PI        2.50662827463100050242
#define LOG_SQRT_2PI    0.91893853320467274178
#define TWO_OVER_SQRTPI 1.12837916709551257390
#define PI              3.14159265358979323846

double tdagi_gaussian(double x)
{
    double z = -x * SQRT_HALF;
    double tail = erfc(z);
    if (!(z > 1) || tail == 0) return 0.5 * tail;
    double rest = fma(-x, SQRT_HALF, -z) - x * SQRT_HALF_REST;
    return 0.5 * (tail - TWO_OVER_SQRTPI * exp(-z * z) * rest);
}

/* The inverse around the middle; d = p - 0.5, |d| <= 0.25. */
static double inverse_centre(double d)
{
    double u = 2 * PI * d * d;
    double x = SQRT_2PI * d * (1 + u * (1.0 / 6 + u * (7.0 / 120 + u * 127.0 / 5040)));
    for (int i = 0; i < 3; i++) {
        double error = 0.5 * erf(x * SQRT_HALF) - d;
        double step = error * SQRT_2PI * exp(0.5 * x * x);
        x -= step / (1 + 0.5 * x * step);
    }
    return x;
}

/* The upper tail divided by the density, by its asymptotic series; t > 30. */
static double mills_ratio(double t)
{
    double sum = 1, term = 1, u = 1 / (t * t);
    for (int k = 1; k <= 10; k++) {
        term *= -(2 * k - 1) * u;
        sum += term;
    }
    return sum / t;
}

/* The t > 0 whose upper tail is q, q <= 0.25. */
static double inverse_tail(double q)
{
    double r = sqrt(-2 * log(q));
    double t = r - (2.515517 + r * (0.802853 + r * 0.010328)) /
                       (1 + r * (1.432788 + r * (0.189269 + r * 0.001308)));
    if (q < 1e-290) {
        double goal = log(q);
        for (int i = 0; i < 4; i++) {
            double m = mills_ratio(t);
            t += (log(m) - 0.5 * t * t - LOG_SQRT_2PI - goal) * m;
        }
        return t;
    }
    for (int i = 0; i < 3; i++) {
        double step = (q - tdagi_gaussian(-t)) * SQRT_2PI * exp(0.5 * t * t);
        t -= step / (1 + 0.5 * t * step);
    }
    return t;
}

double tdagi_inv_gaussian(double p)
{
    if (!(p >= 0 && p <= 1)) return (double)NAN;
    if (p == 0) return -(double)INFINITY;
    if (p == 1) return (double)INFINITY;
    if (p >= 0.25 && p <= 0.75) return inverse_centre(p - 0.5);
    return p < 0.25 ? -inverse_tail(p) : inverse_tail(1 - p);
}
