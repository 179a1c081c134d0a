/* What factorisations are made of: matrices of known sizes, the last two axes of a
 * value, those before them a batch, whose dims may be symbolic. */
#ifndef TDAGI_DERIVE_LINALG_H
#define TDAGI_DERIVE_LINALG_H

#include "derive/derive.h"

typedef struct tdagi_matrix {
    tdag_value v;
    uint32_t rank;
    int64_t m, n; /* rows, columns */
} tdagi_matrix;

/* ---- matrices (recipes/matrix.c) ---- */
/* x as a square of floats of 1 to TDAGI_TRIANGULAR_MOST rows; false with the failure
 * recorded. */
bool tdagi_square_of(tdag_builder *b, tdag_value x, tdagi_matrix *out);
/* The same of A, where B has as many rows and all of A's batch. */
bool tdagi_system_of(tdag_builder *b, const tdag_value *in, tdagi_matrix *out);
/* Rows r0 to r1 and columns c0 to c1 of the last two axes. */
tdag_value tdagi_block_of(tdag_builder *b, tdag_value x, int64_t r0, int64_t r1,
                          int64_t c0, int64_t c1);
tdag_value tdagi_mt(tdag_builder *b, tdag_value x); /* matrices transposed */
/* A matrix of zeros with ones where column - row is 0; no batch. */
tdag_value tdagi_eye(tdag_builder *b, tdag_dtype d, int64_t m, int64_t n);
/* Elements of x's matrices by their positions, row by row, as [..., n]. */
tdag_value tdagi_pick(tdag_builder *b, tdag_value x, int64_t n, const int64_t *at);
/* The diagonal so far above the main one of matrices of known sizes, as [..., n]: a
 * part, with steps, of the elements in one row. */
tdag_value tdagi_diagonal(tdag_builder *b, tdag_value x, int64_t offset);
/* Zeros (or another number) of x's batch dims, then m and n; m < 0: none, n < 0: m
 * alone. */
tdag_value tdagi_batch_full(tdag_builder *b, tdag_value x, int64_t m, int64_t n,
                            tdag_dtype d, double v);
/* x with the batch dims of y, where it has fewer or ones. */
tdag_value tdagi_batch_as(tdag_builder *b, tdag_value x, tdag_value y);

/* ---- substitution (recipes/triangular.c) ---- */
/* A X = B of a triangular A [..., n, n]; batches broadcast. */
tdag_value tdagi_substitute(tdag_builder *b, tdag_value a, tdag_value y, int64_t n,
                            bool upper, bool unit);
/* The lower factor of positive definite matrices, of which the lower triangle alone is
 * read; *pivots_out, unless NULL: [..., n], what was to have a root. */
tdag_value tdagi_cholesky(tdag_builder *b, tdag_value x, tdag_value *pivots_out);

/* ---- elimination (recipes/eliminate.c) ---- */
typedef struct tdagi_lu {
    tdag_value lu;     /* [..., m, n] */
    tdag_value pivots; /* [..., min(m, n)] i32, from 1 */
} tdagi_lu;
/* LU with partial pivoting; min(m, n) is at most TDAGI_TRIANGULAR_MOST. */
tdagi_lu tdagi_eliminate(tdag_builder *b, tdagi_matrix a);
/* [..., n] i64: which row of A stands where, by the pivots; like: A's batch. */
tdag_value tdagi_rows_by_pivots(tdag_builder *b, tdag_value like, tdag_value pivots,
                                int64_t n, int64_t steps);
/* X of A X = B, or of A^T X = B if turned, where lu and pivots are A's. */
tdag_value tdagi_solve_by_lu(tdag_builder *b, tdagi_matrix lu, tdag_value pivots,
                             tdag_value y, bool turned);
/* X of A X = B, or of X A = B, of a square A; batches broadcast. Of what A became the
 * diagonal goes to *diagonal_out, unless NULL. */
tdag_value tdagi_solve(tdag_builder *b, tdagi_matrix a, tdag_value y, bool on_left,
                       tdag_value *diagonal_out);
/* Of a square, by the kinds of tdagi_det_spec; the last one is the determinant's sign.
 */
#define TDAGI_DET_SIGN       (TDAGI_LOGDET + 1)
#define TDAGI_N_DETERMINANTS (TDAGI_LOGDET + 2)
void tdagi_determinant(tdag_builder *b, tdagi_matrix a,
                       tdag_value out[TDAGI_N_DETERMINANTS]);

#endif
