/* Dtypes as PyTorch numbers them (ScalarType). */
#ifndef TDAGI_ATEN_DTYPE_H
#define TDAGI_ATEN_DTYPE_H

#include <tdagger/tensor.h>

/* DTYPE_NONE and -1 where there is none. */
tdag_dtype tdagi_dtype_of_scalar_type(int64_t scalar_type);
int64_t tdagi_scalar_type_of_dtype(tdag_dtype dtype);
/* What the halves of a complex dtype are: f32 or f64; DTYPE_NONE of any other. */
tdag_dtype tdagi_part_of_scalar_type(int64_t scalar_type);

#endif
