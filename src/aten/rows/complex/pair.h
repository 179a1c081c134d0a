/* Complex tensors as rows see them: pairs of real values, f32 or f64. A real operand
 * has no imaginary value (id 0), which counts as zero and costs nothing. */
#ifndef TDAGI_PAIR_H
#define TDAGI_PAIR_H

#include "aten/rows/steps.h"

/* ---- arguments and results (pair.c) ---- */
/* f32 or f64 where the number of a dtype is that of a complex one, else DTYPE_NONE. */
tdag_dtype tdagi_complex_part(tdagi_any dtype);
bool tdagi_is_complex(tdagi_any v); /* COMPLEX or COMPLEX_NUMBER, no list of them */
/* The type that the halves of these operands have together. */
tdag_dtype tdagi_pair_type(tdagi_call *c, uint32_t n, const tdagi_any *v);
/* An operand in that type. */
tdagi_pair tdagi_pair_as(tdagi_call *c, tdagi_any v, tdag_dtype dtype);
tdagi_pair tdagi_pair_arg(tdagi_call *c, const char *name); /* in a type of its own */
tdagi_any tdagi_pair_result(tdagi_call *c, tdagi_pair z);   /* fresh memory */
/* [..., 2], and the pair of such a value. */
tdag_value tdagi_pair_join(tdagi_call *c, tdagi_pair z);
tdagi_pair tdagi_pair_split(tdagi_call *c, tdag_value pairs);

/* ---- arithmetic (arithmetic.c) ---- */
tdagi_pair tdagi_pair_add(tdagi_call *c, tdagi_pair x, tdagi_pair y);
tdagi_pair tdagi_pair_sub(tdagi_call *c, tdagi_pair x, tdagi_pair y);
tdagi_pair tdagi_pair_mul(tdagi_call *c, tdagi_pair x, tdagi_pair y);
tdagi_pair tdagi_pair_div(tdagi_call *c, tdagi_pair x, tdagi_pair y);
/* Dims that are to be equal, as tdagi_match_broadcast() makes them. */
void tdagi_pair_match(tdagi_call *c, tdagi_pair *x, tdagi_pair *y);
tdagi_pair tdagi_pair_number(tdagi_call *c, tdag_value like, double re, double im);

/* ---- transforms (fft.c) ---- */
/* Of the last axis, of n elements: fft, rfft or irfft (derive.h). */
tdag_value tdagi_transform(tdagi_call *c, tdagi_composite id, tdag_value x,
                           tdagi_fft_spec how);

/* ---- functions (functions.c) ---- */
tdag_value tdagi_pair_abs(tdagi_call *c, tdagi_pair z);
tdagi_pair tdagi_pair_exp(tdagi_call *c, tdagi_pair z);
tdagi_pair tdagi_pair_log(tdagi_call *c, tdagi_pair z);
tdagi_pair tdagi_pair_sqrt(tdagi_call *c, tdagi_pair z);

#endif
