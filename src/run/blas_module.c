/* libtdagger_blas.so: the only object that is linked with a CBLAS. It exports one
 * symbol and holds no state. */
#include <cblas.h>
#include <stddef.h>

#include <tdagger/version.h>

#include "run/blas.h"

static CBLAS_TRANSPOSE transpose(bool t) { return t ? CblasTrans : CblasNoTrans; }

static void sgemm(const tdagi_gemm *g)
{
    cblas_sgemm(CblasRowMajor, transpose(g->transpose_a), transpose(g->transpose_b),
                g->m, g->n, g->k, (float)g->alpha, g->a, g->lda, g->b, g->ldb,
                (float)g->beta, g->c, g->ldc);
}

static void dgemm(const tdagi_gemm *g)
{
    cblas_dgemm(CblasRowMajor, transpose(g->transpose_a), transpose(g->transpose_b),
                g->m, g->n, g->k, g->alpha, g->a, g->lda, g->b, g->ldb, g->beta, g->c,
                g->ldc);
}

TDAG_API tdagi_blas_get_api_fn tdag_blas_get_api;

const tdagi_blas *tdag_blas_get_api(void)
{
    static const tdagi_blas api = {TDAGI_BLAS_ABI, sgemm, dgemm};
    return &api;
}
