/* Rows of elements as numbers of one C type, and back. The rules are those of
 * tdagi_tensor_set_f64() and its sisters. */
#ifndef TDAGI_OPS_NUMBER_H
#define TDAGI_OPS_NUMBER_H

#include <tdagger/tensor.h>

/* Numbers that a kernel holds at a time. */
#define TDAGI_CHUNK 512

void tdagi_load_f64(tdag_dtype dtype, const void *from, int64_t n, double *to);
void tdagi_store_f64(tdag_dtype dtype, const double *from, int64_t n, void *to);
/* Integer dtypes and bool only. */
void tdagi_load_i64(tdag_dtype dtype, const void *from, int64_t n, int64_t *to);
void tdagi_store_i64(tdag_dtype dtype, const int64_t *from, int64_t n, void *to);
/* Half dtypes only. */
void tdagi_load_half(tdag_dtype dtype, const void *from, int64_t n, float *to);
void tdagi_store_half(tdag_dtype dtype, const float *from, int64_t n, void *to);
/* The least and the greatest number of an integer dtype or bool. */
void tdagi_integer_range(tdag_dtype dtype, int64_t *low_out, int64_t *high_out);

#endif
