/* What the cost model needs to know of an op or a composite beyond its own cost. */
#ifndef TDAGI_KINDS_H
#define TDAGI_KINDS_H

#include "raise/raise.h"

typedef enum tdagi_kind {
    TDAGI_KIND_OTHER = 0,   /* priced, but a kernel by itself at the fused level, too */
    TDAGI_KIND_LEAF,        /* counts nothing */
    TDAGI_KIND_VIEW,        /* free where composites are the kernels */
    TDAGI_KIND_ELEMENTWISE, /* each result element from one element of each operand */
    TDAGI_KIND_REDUCTION,   /* takes in element-wise producers */
    TDAGI_KIND_CONTRACTION, /* has multiply-adds */
    TDAGI_KIND_GATHER,      /* reads of operand 0 only what it returns */
    TDAGI_KIND_BAG,         /* reads of operand 0 a row for each of operand 1 */
    TDAGI_KIND_OPAQUE,      /* cannot be priced */
    TDAGI_KIND_SECOND,      /* counted with the kernel before it */
} tdagi_kind;

tdagi_kind tdagi_op_kind(uint32_t op);
tdagi_kind tdagi_kernel_kind(const tdagi_kernel *kernel);
/* Whether it counts by itself: it is no leaf, no view and no second result. */
bool tdagi_kernel_counts(const tdagi_kernel *kernel);
/* The name of its composite, or of its op. */
const char *tdagi_kernel_name(const tdagi_kernel *kernel);
/* Elements of a kernel's result. */
tdag_dim tdagi_kernel_count(tdagi_pool *pool, const tdagi_kernel *kernel);

#endif
