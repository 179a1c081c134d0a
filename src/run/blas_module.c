/* libtdagger_blas.so: the only object that is linked with a CBLAS; and what loops
 * compute again and again, for several levels of processors. It exports one symbol and
 * holds no state. */
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

extern const tdagi_step_level tdagi_step_plain, tdagi_step_avx2, tdagi_step_avx512;

static const tdagi_step_level *step(void)
{
#ifdef TDAGI_STEP_AVX
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        return &tdagi_step_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &tdagi_step_avx2;
#endif
    return &tdagi_step_plain;
}

TDAG_API tdagi_blas_get_api_fn tdag_blas_get_api;

const tdagi_blas *tdag_blas_get_api(void)
{
    static const tdagi_blas api = {TDAGI_BLAS_ABI, sgemm, dgemm, step};
    return &api;
}
