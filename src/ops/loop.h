/* Walking several strided operands at once, and copying between two of them. */
#ifndef TDAGI_OPS_LOOP_H
#define TDAGI_OPS_LOOP_H

#include "ir/opdef.h"

#define TDAGI_LOOP_RANK     (2 * TDAG_MAX_RANK)
#define TDAGI_LOOP_OPERANDS 4

/* Axes are appended from the outermost to the innermost; neighbours that every operand
 * walks as one are merged, and size 1 is left out. Strides and offsets are in elements.
 */
typedef struct tdagi_loop {
    uint32_t n_operands;
    uint32_t rank;
    bool empty;
    int64_t dim[TDAGI_LOOP_RANK];
    int64_t stride[TDAGI_LOOP_RANK][TDAGI_LOOP_OPERANDS];
    int64_t at[TDAGI_LOOP_RANK];
    int64_t offset[TDAGI_LOOP_OPERANDS]; /* of the current row */
} tdagi_loop;

void tdagi_loop_init(tdagi_loop *loop, uint32_t n_operands);
void tdagi_loop_axis(tdagi_loop *loop, int64_t dim, const int64_t *strides);
/* Goes to the first row, a run along the innermost axis; false if there is none. */
bool tdagi_loop_start(tdagi_loop *loop);
bool tdagi_loop_next(tdagi_loop *loop);
/* Of the current loop's rows: their length and an operand's step. */
static inline int64_t tdagi_loop_row(const tdagi_loop *loop)
{
    return loop->dim[loop->rank - 1];
}
static inline int64_t tdagi_loop_step(const tdagi_loop *loop, uint32_t operand)
{
    return loop->stride[loop->rank - 1][operand];
}

/* Row-major strides of a tensor. */
void tdagi_strides(const tdag_tensor *t, int64_t strides[TDAG_MAX_RANK]);
/* A loop over out (operand 0) and its inputs broadcast to it (operands 1...). */
void tdagi_loop_broadcast(tdagi_loop *loop, const tdagi_eval_call *call);
/* Copies elements of `size` bytes; operand 0 is written, operand 1 is read. */
void tdagi_loop_copy(tdagi_loop *loop, void *to, const void *from, size_t size);
/* Same number of elements in the same order. */
tdag_status tdagi_eval_same_order(const tdagi_eval_call *call);

/* Elements that are only moved are seen as bits of their size. */
typedef uint8_t tdagi_bits8;
typedef uint16_t __attribute__((may_alias)) tdagi_bits16;
typedef uint32_t __attribute__((may_alias)) tdagi_bits32;
typedef uint64_t __attribute__((may_alias)) tdagi_bits64;

/* A pointer to element i; data may be NULL where i is 0 and there are no elements. */
static inline void *tdagi_at(void *data, int64_t i, size_t size)
{
    return (unsigned char *)data + (size_t)i * size;
}
static inline const void *tdagi_const_at(const void *data, int64_t i, size_t size)
{
    return (const unsigned char *)data + (size_t)i * size;
}

#endif
