/* Numbers of specs from the constants of a graph: those a person would have written. */
#ifndef TDAGI_RAISE_NUMBER_H
#define TDAGI_RAISE_NUMBER_H

#include <tdagger/tensor.h>

/* x as a constant of that dtype has it. */
double tdagi_rounded(tdag_dtype dtype, double x);
/* The shortest decimal that has the value x in that dtype: 1e-5 for f32 9.99999975e-06.
 */
double tdagi_shortest(tdag_dtype dtype, double x);
/* The shortest decimal whose inverse has the value x in that dtype. */
double tdagi_shortest_inverse(tdag_dtype dtype, double x);
/* The shortest decimal whose product with `factor` has the value `product` in it. */
double tdagi_shortest_factor(tdag_dtype dtype, double product, double factor);

#endif
