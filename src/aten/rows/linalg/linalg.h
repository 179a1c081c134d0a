/* Factorisations of matrices of known sizes, unrolled: each step is a few operations on
 * whole matrices, so that a factorisation of n steps has O(n) nodes. The last two axes
 * are a matrix, those before it a batch, whose dims may be symbolic. */
#ifndef TDAGI_LINALG_H
#define TDAGI_LINALG_H

#include "aten/rows/steps.h"
#include "derive/linalg.h"

/* The most steps of an elimination, a substitution or a run of reflections. */
#define TDAGI_LINALG_MOST TDAGI_TRIANGULAR_MOST
/* The most vectors that are turned against each other. */
#define TDAGI_JACOBI_MOST 16

/* ---- matrices (linalg.c) ---- */
/* v as matrices of known sizes, of which the lesser is at most `most`; else an issue,
 * c->bad and false. */
bool tdagi_matrix_of(tdagi_call *c, tdag_value v, int64_t most, tdagi_matrix *out);
/* An argument as matrices of floats; NULL: the first one. */
bool tdagi_arg_matrix(tdagi_call *c, const char *name, int64_t most, tdagi_matrix *out);
/* The same, of as many rows as columns. */
bool tdagi_arg_square(tdagi_call *c, const char *name, int64_t most, tdagi_matrix *out);
tdag_value tdagi_triangle(tdagi_call *c, tdag_value x, bool upper, int64_t diagonal);
/* From 1, as LAPACK's info: the first true of [..., n], or 0; i32. */
tdag_value tdagi_first_true(tdagi_call *c, tdag_value mask, int64_t n);
/* An empty tensor, as PyTorch returns for what was not asked for. */
tdag_value tdagi_nothing(tdagi_call *c, tdag_dtype d);
/* Whether b holds vectors for the systems of a: PyTorch's rule. */
bool tdagi_are_vectors(const tdagi_call *c, tdag_value a, tdag_value b);

/* ---- elimination (eliminate.c) ---- */
/* X of A X = B, or of X A = B, of a square A; batches broadcast. */
tdag_value tdagi_solved(tdagi_call *c, tdagi_matrix a, tdag_value b, bool on_left,
                        tdag_value *info);

/* ---- singular values (jacobi.c) ---- */
/* [..., min(m, n)], descending; m or n at most TDAGI_JACOBI_MOST. */
tdag_value tdagi_singular_values(tdagi_call *c, tdagi_matrix a);

#endif
