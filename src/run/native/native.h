/* The native engine's inside: raised kernels run one by one on strided values. */
#ifndef TDAGI_NATIVE_H
#define TDAGI_NATIVE_H

#include "run/native/plan.h"
#include "run/run.h"
#include "run/value.h"

typedef struct tdagi_native {
    tdag_ctx *ctx;
    const tdag_graph *g;
    const tdagi_raised *r;
    const tdagi_native_plan *plan; /* NULL: of a kernel alone */
    const tdagi_blas *blas;        /* NULL: plain loops */
    tdagi_strided *values;         /* by kernel */
    uint32_t *uses;                /* by kernel: reads still to come */
} tdagi_native;

/* What runs a kernel: inputs in the order of the kernel's, absent ones without base. It
 * fills *out with a new value (or a window onto an input). A function that does not
 * cover this dtype or shape sets handled to false and leaves out alone; the reference
 * then evaluates the kernel. */
typedef struct tdagi_native_call {
    tdagi_native *native;
    const tdagi_kernel *kernel;
    const tdagi_strided *const *in;
    tdagi_strided
        *out; /* the one behind it: the positions, where the kernel is a pair */
    bool handled;
} tdagi_native_call;
typedef tdag_status tdagi_native_fn(tdagi_native_call *c);

/* Of a composite: its column of composites.def. */
tdagi_native_fn *tdagi_native_composite(uint32_t composite);
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    tdagi_native_fn tdagi_native_##native;
/* Handles nothing: the reference evaluates the op, or what the composite lowers to. */
#define tdagi_native_BY_LOWERING tdagi_native_BY_REFERENCE
#include "derive/composites.def"

/* Of a core op: its row of core.def. */
tdagi_native_fn *tdagi_native_core(uint32_t op);
#define TDAGI_NATIVE(ID, native) tdagi_native_fn tdagi_native_##native;
#include "run/native/core.def"

/* C (m x n, row-major, leading dimension ldc) = op(A) op(B) + beta C, f32 or f64. */
void tdagi_native_gemm(const tdagi_native *native, tdag_dtype dtype,
                       const tdagi_gemm *g);
/* The weight and bias of c's kernel, a product, if they are packed; or NULL. */
static inline const tdagi_packed *tdagi_native_packed(const tdagi_native_call *c)
{
    const tdagi_native *s = c->native;
    return s->plan == NULL ? NULL : s->plan->packed[c->kernel - s->r->kernels];
}
/* One read of a kernel is done. */
static inline void tdagi_native_drop_use(tdagi_native *s, uint32_t kernel)
{
    if (kernel != 0 && --s->uses[kernel] == 0) tdagi_strided_free(&s->values[kernel]);
}
/* A new contiguous result of the kernel's own dtype and shape. */
static inline tdag_status tdagi_native_result(tdagi_native_call *c, tdagi_strided *out)
{
    const tdagi_kernel *k = c->kernel;
    return tdagi_strided_create(c->native->ctx, (tdag_dtype)k->dtype, k->rank, k->shape,
                                out);
}

#endif
