/* Discrete Fourier transforms along one axis of a fixed size, as reshapes, small
 * contractions with constant matrices and element-wise twiddles (transform.c).
 *
 * Values are pairs [..., n, 2]. sign -1 is the forward transform, +1 the backward one;
 * neither divides, both multiply by `scale`. */
#ifndef TDAGI_TRANSFORM_H
#define TDAGI_TRANSFORM_H

#include "aten/rows/complex/pair.h"

typedef struct tdagi_dft {
    int sign;
    double scale;
} tdagi_dft;

/* [..., n, 2] to [..., n, 2] */
tdag_value tdagi_dft_complex(tdagi_call *c, tdag_value x, int64_t n, tdagi_dft how);
/* Real [..., n] to the first n/2 + 1 of its transform [..., n/2 + 1, 2]. */
tdag_value tdagi_dft_of_real(tdagi_call *c, tdag_value x, int64_t n, tdagi_dft how);
/* The real transform [..., n] of what is conjugate-symmetric, given by its first
 * n/2 + 1. */
tdag_value tdagi_dft_to_real(tdagi_call *c, tdag_value x, int64_t n, tdagi_dft how);
/* All n of what is conjugate-symmetric, given by its first n/2 + 1. */
tdag_value tdagi_dft_mirror(tdagi_call *c, tdag_value x, int64_t n);

#endif
