/* The sizes of symbols, told by the shapes of tensors. */
#ifndef TDAGI_RUN_BIND_H
#define TDAGI_RUN_BIND_H

#include "base/dim/dim.h"
#include "base/tensor.h"

#define TDAGI_SIZE_UNKNOWN TDAGI_DIM_BAD

/* Where symbols get their sizes. */
typedef struct tdagi_sizes {
    const tdagi_pool *pool;
    tdagi_pool *scratch; /* of the caller alone; numbers only */
    int64_t *of;         /* by symbol; TDAGI_SIZE_UNKNOWN: none yet */
} tdagi_sizes;

/* Which dims are looked at, surest first. */
typedef enum tdagi_telling {
    TDAGI_TELL_ALONE,  /* N */
    TDAGI_TELL_AFFINE, /* 2*N+1 */
    TDAGI_TELL_ANY,    /* floor(N/2), N*M where M has a size */
} tdagi_telling;
#define TDAGI_N_TELLING (TDAGI_TELL_ANY + 1)

/* Gives those symbols a size that have none and that a dim of t tells, t being of this
 * rank. */
void tdagi_sizes_tell(const tdagi_sizes *sizes, const tdag_dim *shape,
                      const tdag_tensor *t, tdagi_telling telling);
/* Whether t has these dims; the axis where it has not. E_OVERFLOW: a dim exceeds 64
 * bits. A dim with a symbol of no size is taken as it is. */
tdag_status tdagi_sizes_compare(tdag_ctx *ctx, const tdagi_sizes *sizes,
                                const tdag_dim *shape, const tdag_tensor *t,
                                uint32_t *axis_out, bool *same_out);
/* The numbers of dims; E_OVERFLOW, or E_SHAPE where a symbol has no size. */
tdag_status tdagi_sizes_eval(tdag_ctx *ctx, const tdagi_sizes *sizes, uint32_t n,
                             const tdag_dim *dims, int64_t *out);

#endif
