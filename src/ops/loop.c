/* Strided loops; see loop.h. */
#include "ops/loop.h"

#include <string.h>

void tdagi_loop_init(tdagi_loop *loop, uint32_t n_operands)
{
    loop->n_operands = n_operands;
    loop->rank = 0;
    loop->empty = false;
    for (uint32_t k = 0; k < n_operands; k++)
        loop->offset[k] = 0;
}

static bool merges(const tdagi_loop *loop, int64_t dim, const int64_t *strides)
{
    if (loop->rank == 0) return false;
    for (uint32_t k = 0; k < loop->n_operands; k++)
        if (loop->stride[loop->rank - 1][k] != dim * strides[k]) return false;
    return true;
}

void tdagi_loop_axis(tdagi_loop *loop, int64_t dim, const int64_t *strides)
{
    if (dim == 0) loop->empty = true;
    if (dim == 1 || loop->empty) return;
    uint32_t axis = loop->rank;
    if (merges(loop, dim, strides)) {
        axis--;
        loop->dim[axis] *= dim;
    } else {
        loop->dim[axis] = dim;
        loop->rank++;
    }
    for (uint32_t k = 0; k < loop->n_operands; k++)
        loop->stride[axis][k] = strides[k];
}

bool tdagi_loop_start(tdagi_loop *loop)
{
    if (loop->empty) return false;
    if (loop->rank == 0) {
        loop->rank = 1;
        loop->dim[0] = 1;
        for (uint32_t k = 0; k < loop->n_operands; k++)
            loop->stride[0][k] = 1;
    }
    for (uint32_t i = 0; i < loop->rank; i++)
        loop->at[i] = 0;
    return true;
}

bool tdagi_loop_next(tdagi_loop *loop)
{
    for (uint32_t i = loop->rank - 1; i-- > 0;) {
        if (++loop->at[i] < loop->dim[i]) {
            for (uint32_t k = 0; k < loop->n_operands; k++)
                loop->offset[k] += loop->stride[i][k];
            return true;
        }
        loop->at[i] = 0;
        for (uint32_t k = 0; k < loop->n_operands; k++)
            loop->offset[k] -= (loop->dim[i] - 1) * loop->stride[i][k];
    }
    return false;
}

void tdagi_strides(const tdag_tensor *t, int64_t strides[TDAG_MAX_RANK])
{
    int64_t step = 1;
    for (uint32_t i = t->rank; i-- > 0;) {
        strides[i] = step;
        step *= t->shape[i];
    }
}

void tdagi_loop_broadcast(tdagi_loop *loop, const tdagi_eval_call *call)
{
    int64_t strides[TDAGI_LOOP_OPERANDS][TDAG_MAX_RANK];
    uint32_t rank = call->out->rank;
    tdagi_strides(call->out, strides[0]);
    for (uint32_t k = 0; k < call->n_inputs; k++)
        tdagi_strides(call->inputs[k], strides[k + 1]);
    tdagi_loop_init(loop, call->n_inputs + 1);
    for (uint32_t i = 0; i < rank; i++) {
        int64_t step[TDAGI_LOOP_OPERANDS] = {strides[0][i]};
        for (uint32_t k = 0; k < call->n_inputs; k++) {
            const tdag_tensor *t = call->inputs[k];
            uint32_t missing = rank - t->rank;
            bool walks = i >= missing && t->shape[i - missing] != 1;
            step[k + 1] = walks ? strides[k + 1][i - missing] : 0;
        }
        tdagi_loop_axis(loop, call->out->shape[i], step);
    }
}

#define COPY_ROW(type)                                                                 \
    do {                                                                               \
        type *t = to;                                                                  \
        const type *f = from;                                                          \
        if (from_step == 0)                                                            \
            for (int64_t i = 0; i < n; i++)                                            \
                t[i * to_step] = *f;                                                   \
        else                                                                           \
            for (int64_t i = 0; i < n; i++)                                            \
                t[i * to_step] = f[i * from_step];                                     \
    } while (0)

static void copy_row(void *to, int64_t to_step, const void *from, int64_t from_step,
                     int64_t n, size_t size)
{
    switch (size) {
    case 1:
        COPY_ROW(tdagi_bits8);
        break;
    case 2:
        COPY_ROW(tdagi_bits16);
        break;
    case 4:
        COPY_ROW(tdagi_bits32);
        break;
    default:
        COPY_ROW(tdagi_bits64);
        break;
    }
}

void tdagi_loop_copy(tdagi_loop *loop, void *to, const void *from, size_t size)
{
    if (!tdagi_loop_start(loop)) return;
    int64_t n = tdagi_loop_row(loop);
    int64_t to_step = tdagi_loop_step(loop, 0), from_step = tdagi_loop_step(loop, 1);
    bool runs = to_step == 1 && from_step == 1 && n > 8;
    do {
        void *t = tdagi_at(to, loop->offset[0], size);
        const void *f = tdagi_const_at(from, loop->offset[1], size);
        if (runs)
            memcpy(t, f, (size_t)n * size);
        else
            copy_row(t, to_step, f, from_step, n, size);
    } while (tdagi_loop_next(loop));
}

tdag_status tdagi_eval_same_order(const tdagi_eval_call *call)
{
    if (call->out->size > 0)
        memcpy(call->out->data, call->inputs[0]->data, call->out->size);
    return TDAG_OK;
}
