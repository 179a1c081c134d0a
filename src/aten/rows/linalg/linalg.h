/* Factorisations of matrices of known sizes, unrolled: each step is a few operations on
 * whole matrices, so that a factorisation of n steps has O(n) nodes. The last two axes
 * are a matrix, those before it a batch, whose dims may be symbolic. */
#ifndef TDAGI_LINALG_H
#define TDAGI_LINALG_H

#include "aten/rows/steps.h"

/* The most steps of an elimination, a substitution or a run of reflections. */
#define TDAGI_LINALG_MOST TDAGI_TRIANGULAR_MOST
/* The most vectors that are turned against each other. */
#define TDAGI_JACOBI_MOST 16

typedef struct tdagi_matrix {
    tdag_value v;
    uint32_t rank;
    int64_t m, n; /* rows, columns */
} tdagi_matrix;

/* ---- matrices (linalg.c) ---- */
/* v as matrices of known sizes, of which the lesser is at most `most`; else an issue,
 * c->bad and false. */
bool tdagi_matrix_of(tdagi_call *c, tdag_value v, int64_t most, tdagi_matrix *out);
/* An argument as matrices of floats; NULL: the first one. */
bool tdagi_arg_matrix(tdagi_call *c, const char *name, int64_t most, tdagi_matrix *out);
/* The same, of as many rows as columns. */
bool tdagi_arg_square(tdagi_call *c, const char *name, int64_t most, tdagi_matrix *out);
/* Rows r0 to r1 and columns c0 to c1 of the last two axes. */
tdag_value tdagi_block(tdagi_call *c, tdag_value x, int64_t r0, int64_t r1, int64_t c0,
                       int64_t c1);
tdag_value tdagi_mt(tdagi_call *c, tdag_value x); /* matrices transposed */
/* A matrix of zeros with ones where column - row is 0; no batch. */
tdag_value tdagi_eye(tdagi_call *c, tdag_dtype d, int64_t m, int64_t n);
tdag_value tdagi_triangle(tdagi_call *c, tdag_value x, bool upper, int64_t diagonal);
/* Elements of x's matrices by their positions, row by row, as [..., n]. */
tdag_value tdagi_pick(tdagi_call *c, tdag_value x, int64_t n, const int64_t *at);
tdag_value tdagi_diagonal_of(tdagi_call *c, tdagi_matrix x);
/* Zeros (or another number) of x's batch dims, then m and n; m < 0: none, n < 0: m
 * alone. */
tdag_value tdagi_batch_full(tdagi_call *c, tdag_value x, int64_t m, int64_t n,
                            tdag_dtype d, double v);
/* x with the batch dims of y, where it has fewer or ones. */
tdag_value tdagi_batch_as(tdagi_call *c, tdag_value x, tdag_value y);
/* From 1, as LAPACK's info: the first true of [..., n], or 0; i32. */
tdag_value tdagi_first_true(tdagi_call *c, tdag_value mask, int64_t n);
/* An empty tensor, as PyTorch returns for what was not asked for. */
tdag_value tdagi_nothing(tdagi_call *c, tdag_dtype d);
/* Whether b holds vectors for the systems of a: PyTorch's rule. */
bool tdagi_are_vectors(const tdagi_call *c, tdag_value a, tdag_value b);

/* ---- elimination (eliminate.c) ---- */
typedef struct tdagi_lu {
    tdag_value lu;     /* [..., m, n] */
    tdag_value pivots; /* [..., min(m, n)] i32, from 1 */
    tdag_value info;   /* [...] i32 */
} tdagi_lu;
/* LU with partial pivoting. */
tdagi_lu tdagi_eliminate(tdagi_call *c, tdagi_matrix a);
/* X of A X = B, or of X A = B, of a square A; batches broadcast. */
tdag_value tdagi_solved(tdagi_call *c, tdagi_matrix a, tdag_value b, bool on_left,
                        tdag_value *info);

/* ---- substitution (triangular.c) ---- */
/* A X = B of a triangular A [..., n, n]; batches broadcast. */
tdag_value tdagi_substitute(tdagi_call *c, tdag_value a, tdag_value b, int64_t n,
                            bool upper, bool unit);

/* ---- singular values (jacobi.c) ---- */
/* [..., min(m, n)], descending; m or n at most TDAGI_JACOBI_MOST. */
tdag_value tdagi_singular_values(tdagi_call *c, tdagi_matrix a);

#endif
