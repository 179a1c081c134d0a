/* Matrix products by a BLAS. The BLAS is not linked with libtdagger: it lives in a
 * small library of its own (libtdagger_blas.so, from blas_module.c) that is loaded when
 * it is first asked for, because a BLAS starts its threads when it is loaded and most
 * programs never multiply. */
#ifndef TDAGI_BLAS_H
#define TDAGI_BLAS_H

#include <stdbool.h>
#include <stdint.h>

#include <tdagger/status.h>

#include "run/step/step.h"

/* C = alpha * op(A) * op(B) + beta * C, all row-major. op(A) is m x k, op(B) k x n, C
 * m x n. A leading dimension is the elements from one row of the matrix in memory to
 * the next. With beta 0, C is written, not read. Empty matrices (m, n or k of 0) are
 * the caller's to handle. */
typedef struct tdagi_gemm {
    bool transpose_a, transpose_b; /* memory holds the transpose of op(A), op(B) */
    int m, n, k;
    double alpha, beta;
    const void *a, *b;
    void *c;
    int lda, ldb, ldc;
} tdagi_gemm;

#define TDAGI_BLAS_ABI    3u
#define TDAGI_BLAS_SYMBOL "tdag_blas_get_api"

typedef struct tdagi_blas {
    uint32_t abi;                          /* TDAGI_BLAS_ABI */
    void (*sgemm)(const tdagi_gemm *g);    /* elements are float */
    void (*dgemm)(const tdagi_gemm *g);    /* elements are double */
    const tdagi_step_level *(*step)(void); /* of this processor */
} tdagi_blas;

/* What the symbol is: one constant table for the life of the process. */
typedef const tdagi_blas *tdagi_blas_get_api_fn(void);

/* The BLAS, or NULL where none is installed; then plain loops have to do. The first
 * call of a process loads it, later ones cost microseconds: ask once per run, not per
 * product. */
const tdagi_blas *tdagi_blas_get(tdag_ctx *ctx);

#endif
