/* What recurrences compute again and again: products by weights that were packed once,
 * element-wise rows and cells, for the processor at hand. They are in
 * libtdagger_blas.so, compiled once for each level of processors (step.c). */
#ifndef TDAGI_STEP_H
#define TDAGI_STEP_H

#include <stddef.h>
#include <stdint.h>

enum {
#define STEP(name, composite, op, operands, expression) TDAGI_STEP_##name,
#include "run/step/step.def"
    TDAGI_N_STEPS
};

/* y = a w^T + bias, w [n, k]; all pointers are to elements of one type. */
typedef struct tdagi_packed {
    int64_t n, k;
    const void *data; /* as pack() left it */
} tdagi_packed;

/* Rows of a matrix that are `stride` elements apart. */
typedef struct tdagi_step_rows {
    const void *data; /* NULL: there is no such matrix */
    int64_t stride;
} tdagi_step_rows;

/* For a type. */
typedef struct tdagi_step_kernels {
    size_t (*packed_size)(int64_t n, int64_t k); /* bytes; 0: too many */
    /* w has the strides row and column; bias may be NULL. Returns where the weights
     * lie in the `packed_size` bytes at `to`. */
    const void *(*pack)(int64_t n, int64_t k, const void *w, int64_t row,
                        int64_t column, const void *bias, void *to);
    /* out [m, n] = a w^T + bias + more */
    void (*product)(const tdagi_packed *w, int64_t m, tdagi_step_rows a,
                    tdagi_step_rows more, void *out);
    /* n elements; y is x where there is one operand. */
    void (*maps[TDAGI_N_STEPS])(const void *x, const void *y, void *out, int64_t n);
    /* A row of an LSTM's cell: c' = f*c + i*g and h' = o*tanh(c') of the gates i, f, g
     * and o, n elements of each, side by side: sigmoids, and a tanh of g. */
    void (*cell)(const void *gates, const void *c, void *new_c, void *h, int64_t n);
} tdagi_step_kernels;

/* Both types: f32, f64. */
typedef struct tdagi_step_level {
    const tdagi_step_kernels *f32, *f64;
} tdagi_step_level;

#endif
