/* Values of the native engine: strided windows onto tensors, so that views move
 * nothing. */
#ifndef TDAGI_RUN_VALUE_H
#define TDAGI_RUN_VALUE_H

#include "base/tensor.h"
#include "raise/raise.h"

typedef struct tdagi_strided {
    tdag_tensor *base; /* one reference; NULL = no value */
    char *data;        /* the first element */
    tdag_dtype dtype;
    uint32_t rank;
    int64_t shape[TDAG_MAX_RANK];
    int64_t stride[TDAG_MAX_RANK]; /* in elements; 0 where an axis repeats */
} tdagi_strided;

/* All of a tensor; takes one more reference. */
void tdagi_strided_wrap(tdagi_strided *v, const tdag_tensor *t);
void tdagi_strided_free(tdagi_strided *v); /* leaves it empty */
/* A new uninitialised contiguous value. */
tdag_status tdagi_strided_create(tdag_ctx *ctx, tdag_dtype dtype, uint32_t rank,
                                 const int64_t *shape, tdagi_strided *out);
int64_t tdagi_strided_count(const tdagi_strided *v);
bool tdagi_strided_is_contiguous(const tdagi_strided *v);
/* x itself (one more reference) or a contiguous copy. */
tdag_status tdagi_strided_contiguous(tdag_ctx *ctx, const tdagi_strided *x,
                                     tdagi_strided *out);
/* The same as a tensor of exactly that shape. */
tdag_status tdagi_strided_tensor(tdag_ctx *ctx, const tdagi_strided *x,
                                 tdag_tensor **out);
/* Copies x into out (same dtype and shape), whatever their strides. */
void tdagi_strided_copy(const tdagi_strided *x, tdagi_strided *out);
/* x under another shape of as many elements: without a copy where the strides allow. */
tdag_status tdagi_strided_reshape(tdag_ctx *ctx, const tdagi_strided *x, uint32_t rank,
                                  const int64_t *shape, tdagi_strided *out);
/* x seen with the (broadcast) shape of `like`: missing and size-1 axes get stride 0. */
tdagi_strided tdagi_strided_broadcast(const tdagi_strided *x, uint32_t rank,
                                      const int64_t *shape);

/* Visits rows of up to four operands of one shape. Axes are merged where every operand
 * allows, so a row is as long as it can be. */
#define TDAGI_MAX_OPERANDS 4
typedef struct tdagi_rows {
    uint32_t n;                         /* operands */
    char *data[TDAGI_MAX_OPERANDS];     /* of the current row */
    int64_t stride[TDAGI_MAX_OPERANDS]; /* within a row, in elements */
    int64_t length;                     /* elements of a row */
    int64_t n_rows;
    uint32_t rank; /* outer axes */
    int64_t shape[TDAG_MAX_RANK], index[TDAG_MAX_RANK];
    int64_t step[TDAGI_MAX_OPERANDS][TDAG_MAX_RANK]; /* bytes */
} tdagi_rows;
void tdagi_rows_start(tdagi_rows *r, uint32_t n, tdagi_strided *const *operands);
void tdagi_rows_next(tdagi_rows *r);

#endif
