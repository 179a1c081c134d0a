/* The native engine's inside: raised kernels run one by one on strided values. */
#ifndef TDAGI_NATIVE_H
#define TDAGI_NATIVE_H

#include "run/blas.h"
#include "run/run.h"
#include "run/value.h"

typedef struct tdagi_native {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdagi_raised *r;
    const tdagi_blas *blas; /* NULL: plain loops */
    tdagi_strided *values;  /* by kernel */
    uint32_t *uses;         /* by kernel: reads still to come */
} tdagi_native;

/* What runs a kernel: inputs in the order of the kernel's, absent ones without base. It
 * fills *out with a new value (or a window onto an input). A function that does not
 * cover this dtype or shape sets handled to false and leaves out alone; the reference
 * then evaluates the kernel. */
typedef struct tdagi_native_call {
    tdagi_native *native;
    const tdagi_kernel *kernel;
    const tdagi_strided *const *in;
    tdagi_strided *out;
    bool handled;
} tdagi_native_call;
typedef tdag_status tdagi_native_fn(tdagi_native_call *c);

/* NULL: no function of ours. */
tdagi_native_fn *tdagi_native_view(uint32_t op);                  /* native_view.c */
tdagi_native_fn *tdagi_native_elementwise(const tdagi_kernel *k); /* native_map.c */
tdagi_native_fn *tdagi_native_composite(uint32_t composite);      /* the rest */
tdagi_native_fn tdagi_native_reduce;                              /* native_pool.c */

tdagi_native_fn tdagi_native_conv, tdagi_native_conv_transpose; /* native_conv.c */
tdagi_native_fn tdagi_native_linear, tdagi_native_matmul, tdagi_native_addmm,
    tdagi_native_einsum;                                      /* native_matmul.c */
tdagi_native_fn tdagi_native_max_pool, tdagi_native_avg_pool; /* native_pool.c */
tdagi_native_fn tdagi_native_softmax, tdagi_native_layer_norm, tdagi_native_batch_norm,
    tdagi_native_group_norm; /* native_norm.c */
tdagi_native_fn tdagi_native_concat, tdagi_native_stack,
    tdagi_native_embedding; /* native_join.c */

/* C (m x n, row-major, leading dimension ldc) = op(A) op(B) + beta C, f32 or f64. */
void tdagi_native_gemm(const tdagi_native *native, tdag_dtype dtype,
                       const tdagi_gemm *g);
/* A new contiguous result of the kernel's own dtype and shape. */
tdag_status tdagi_native_result(tdagi_native_call *c, tdagi_strided *out);

#endif
