/* Tensors inside the library. */
#ifndef TDAGI_TENSOR_H
#define TDAGI_TENSOR_H

#include <stdatomic.h>

#include <tdagger/tensor.h>

#include "base/ctx.h"

struct tdag_tensor {
    atomic_uint refs;
    tdag_allocator allocator;
    tdag_dtype dtype;
    uint32_t rank;
    int64_t shape[TDAG_MAX_RANK];
    int64_t count; /* elements */
    size_t size;   /* bytes */
    void *data;
    void (*release)(
        void *user); /* NULL: data is a block of the allocator, or foreign */
    void *user;
    bool owns_data; /* data came from the allocator */
};

/* Elements as numbers, i in row-major order. Float types round to nearest even; float
 * to integer truncates, saturates, and turns NaN into 0; integers wrap (two's
 * complement); to bool is != 0. */
double tdagi_tensor_get_f64(const tdag_tensor *t, int64_t i);
int64_t tdagi_tensor_get_i64(const tdag_tensor *t, int64_t i);
void tdagi_tensor_set_f64(tdag_tensor *t, int64_t i, double value);
void tdagi_tensor_set_i64(tdag_tensor *t, int64_t i, int64_t value);
/* Same dtype, shape and bytes (so NaN equals the same NaN). */
bool tdagi_tensor_equal(const tdag_tensor *a, const tdag_tensor *b);

/* Whether two shapes are numbers, and the same but for axes of size 1. */
bool tdagi_same_sizes(uint32_t rank, const int64_t *a, uint32_t rank_b,
                      const int64_t *b);

/* The class letter of TDAG_DTYPE_MAP. */
char tdagi_dtype_class(tdag_dtype dtype);

#endif
