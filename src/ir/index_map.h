/* The index map of a movement op: which element of the input stands where in its
 * result. It consists of pieces; each says the index along some axes of the input by
 * the index along some axes of the result, and together they name every axis of both
 * once. Evaluation, access maps, native views and transforms all read it.
 *
 * Pieces stand in the order of the result's axes. */
#ifndef TDAGI_INDEX_MAP_H
#define TDAGI_INDEX_MAP_H

#include <tdagger/ops.h>

typedef enum tdagi_piece_kind {
    /* in = start - before + stride*out, one axis each. An axis of the input that no
     * axis of the result is read for is at start; one of the result that reads none has
     * n_in = 0. */
    TDAGI_PIECE_AFFINE,
    /* The row-major numbers of a run of axes and of one axis are equal. */
    TDAGI_PIECE_DIGITS,
    /* in = out/kernel*stride + out%kernel, one axis each; kernel > 1 */
    TDAGI_PIECE_WINDOWS,
} tdagi_piece_kind;

typedef struct tdagi_piece {
    uint8_t kind;
    uint8_t in, n_in;   /* axes of the input */
    uint8_t out, n_out; /* axes of the result */
    int64_t kernel, stride;
    tdag_dim start, before, after; /* after is what the axis grows by at its end */
} tdagi_piece;

typedef struct tdagi_index_map {
    uint32_t n;
    const tdag_pad_spec *pad; /* what stands outside of the input; NULL: nothing does */
    tdagi_piece pieces[2 * TDAG_MAX_RANK];
} tdagi_index_map;

typedef struct tdagi_index_call {
    const void *spec;
    uint32_t in_rank, out_rank;
} tdagi_index_call;

/* Adds in = out and returns it for changes; in or out < 0: there is none. */
static inline tdagi_piece *tdagi_index_add(tdagi_index_map *m, int64_t in, int64_t out)
{
    tdagi_piece *p = &m->pieces[m->n++];
    *p = (tdagi_piece){.kind = TDAGI_PIECE_AFFINE,
                       .in = (uint8_t)(in < 0 ? 0 : in),
                       .n_in = in >= 0,
                       .out = (uint8_t)(out < 0 ? 0 : out),
                       .n_out = out >= 0,
                       .stride = 1};
    return p;
}

/* Whether it takes all of one axis as it is. */
static inline bool tdagi_piece_is_whole(const tdagi_piece *p, const tdag_dim *in_shape,
                                        const tdag_dim *out_shape)
{
    return p->kind == TDAGI_PIECE_AFFINE && p->n_in == 1 && p->n_out == 1 &&
           p->start == 0 && p->before == 0 && p->stride == 1 &&
           in_shape[p->in] == out_shape[p->out];
}

/* Whether the result is its input. */
static inline bool tdagi_index_is_identity(const tdagi_index_map *m,
                                           const tdag_dim *in_shape,
                                           const tdag_dim *out_shape)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (m->pieces[i].in != m->pieces[i].out ||
            !tdagi_piece_is_whole(&m->pieces[i], in_shape, out_shape))
            return false;
    return true;
}

/* Whether strides say it all: nothing is added, and no axis splits or merges. */
static inline bool tdagi_index_is_strided(const tdagi_index_map *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (m->pieces[i].kind != TDAGI_PIECE_AFFINE) return false;
    return m->pad == NULL;
}

#endif
