/* Functions that the C library lacks. */
#ifndef TDAGI_UNARY_MATH_H
#define TDAGI_UNARY_MATH_H

/* The standard normal cumulative distribution, accurate relative to its value. */
double tdagi_gaussian(double x);
/* Its inverse: 0 gives -inf, 1 gives +inf, outside of 0..1 and NaN give NaN. */
double tdagi_inv_gaussian(double p);

#endif
