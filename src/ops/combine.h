/* Accumulators of reduce, scan, fold and scatter: doubles for floats, 64-bit integers
 * that wrap for the others; rounded or cut to the dtype once, when they are stored. */
#ifndef TDAGI_OPS_COMBINE_H
#define TDAGI_OPS_COMBINE_H

#include "ops/loop.h"
#include "ops/number.h"

typedef union tdagi_number {
    double f;
    int64_t i;
} tdagi_number;

/* A row of elements on their way into accumulators. */
typedef union tdagi_row {
    double f[TDAGI_CHUNK];
    int64_t i[TDAGI_CHUNK];
} tdagi_row;

/* What a reduction of no elements gives (the sum's, for mean). */
tdagi_number tdagi_identity(tdag_dtype dtype, tdag_reduction kind);
/* into[i*step] = into[i*step] op the i-th of n elements of `from`; any n. */
void tdagi_combine(tdag_dtype dtype, tdag_reduction kind, tdagi_number *into,
                   int64_t step, const void *from, int64_t n);
void tdagi_load_numbers(tdag_dtype dtype, const void *from, int64_t n,
                        tdagi_number *to);
void tdagi_store_numbers(tdag_dtype dtype, const tdagi_number *from, int64_t n,
                         void *to);
/* Reduces elements of inputs[0] (operand 1, of step 1) into out (operand 0). mean_of:
 * the number of elements that a mean divides by. */
tdag_status tdagi_accumulate(const tdagi_eval_call *call, tdag_reduction kind,
                             tdagi_loop *loop, int64_t mean_of);

#endif
