/* What a walk over kernels wants to know before it starts: found once for a graph that
 * is run again and again. */
#ifndef TDAGI_NATIVE_PLAN_H
#define TDAGI_NATIVE_PLAN_H

#include "raise/cell.h"
#include "run/blas.h"

/* All by kernel. */
typedef struct tdagi_native_plan {
    const tdagi_blas *blas; /* NULL: plain loops */
    tdagi_arena arena;
    uint32_t most;  /* operands of one kernel */
    uint32_t *uses; /* reads, as inputs and as results */
    /* By its inner state the cell that is computed at once, whose other kernels are
     * `inside`: element by element, so that NULL and false are none. */
    const tdagi_lstm_cell **cells;
    bool *inside;
    /* Of a product of few rows by a weight that many have, as a recurrence has: the
     * weight and bias, packed once; NULL: no such product. */
    const tdagi_packed **packed;
} tdagi_native_plan;

/* E_NOMEM. Freed by its arena, in any case. */
tdag_status tdagi_native_plan_make(tdag_ctx *ctx, const tdagi_raised *r,
                                   tdagi_native_plan *out);

/* weight [n, k] and bias [n], which may be NULL, in memory of the arena. E_NOMEM. */
tdag_status tdagi_native_pack(tdag_ctx *ctx, tdagi_arena *arena,
                              const tdagi_step_kernels *step, const tdag_tensor *weight,
                              const tdag_tensor *bias, tdagi_packed *out);

/* If kernel i sums products of a half type that stand apart, the kernels of the two
 * factors. */
bool tdagi_native_sums_products(const tdagi_raised *r, uint32_t i, uint32_t factors[2]);

/* Of a type; NULL: there is no BLAS, or it is another type. */
static inline const tdagi_step_kernels *tdagi_step_of(const tdagi_blas *blas,
                                                      tdag_dtype dtype)
{
    if (blas == NULL) return NULL;
    return dtype == TDAG_F32   ? blas->step()->f32
           : dtype == TDAG_F64 ? blas->step()->f64
                               : NULL;
}

#endif
