/* See index.h. */
#include "ops/movement/index.h"

static void add_axis(tdagi_loop *loop, int64_t dim, const tdagi_index_side *out,
                     int64_t to, const tdagi_index_side *in, int64_t from)
{
    int64_t step[2];
    step[out->operand] = to;
    step[in->operand] = from;
    tdagi_loop_axis(loop, dim, step);
}

/* A run of n axes of one side, which one axis of the other side counts. */
static void add_digits(tdagi_loop *loop, uint32_t n, uint32_t first,
                       const tdagi_index_side *run, int64_t one,
                       const tdagi_index_side *other)
{
    int64_t inner = 1;
    for (uint32_t i = 0; i < n; i++)
        inner *= run->shape[first + i];
    if (inner == 0) loop->empty = true;
    for (uint32_t i = 0; i < n && inner > 0; i++) {
        inner /= run->shape[first + i];
        add_axis(loop, run->shape[first + i], run, run->stride[first + i], other,
                 one * inner);
    }
}

static void add_piece(tdagi_loop *loop, const tdagi_piece *p,
                      const tdagi_index_side *out, const tdagi_index_side *in)
{
    int64_t from = p->n_in > 0 ? in->stride[p->in] : 0;
    int64_t to = p->n_out > 0 ? out->stride[p->out] : 0;
    if (p->kind == TDAGI_PIECE_DIGITS && p->n_out == 1) {
        add_digits(loop, p->n_in, p->in, in, to, out);
    } else if (p->kind == TDAGI_PIECE_DIGITS) {
        add_digits(loop, p->n_out, p->out, out, from, in);
    } else if (p->kind == TDAGI_PIECE_WINDOWS) {
        int64_t windows = out->shape[p->out] / p->kernel;
        add_axis(loop, windows, out, p->kernel * to, in, p->stride * from);
        add_axis(loop, p->kernel, out, to, in, from);
    } else if (p->n_out == 1) {
        add_axis(loop, out->shape[p->out], out, to, in, p->stride * from);
    }
}

void tdagi_loop_by_index(tdagi_loop *loop, const tdagi_index_map *m,
                         const tdagi_index_side *out, const tdagi_index_side *in)
{
    tdagi_loop_init(loop, 2);
    for (uint32_t i = 0; i < m->n; i++) {
        const tdagi_piece *p = &m->pieces[i];
        add_piece(loop, p, out, in);
        if (p->n_in > 0) loop->offset[in->operand] += p->start * in->stride[p->in];
    }
}

void tdagi_loop_by_spec(tdagi_loop *loop, const void *spec, tdagi_index_fn *index,
                        const tdag_tensor *out, const tdag_tensor *in,
                        const tdag_tensor *written)
{
    int64_t to[TDAG_MAX_RANK], from[TDAG_MAX_RANK];
    const tdagi_index_side sides[2] = {{out != written, out->shape, to},
                                       {in != written, in->shape, from}};
    tdagi_index_map map;
    map.n = 0;
    map.pad = NULL;
    index(&(tdagi_index_call){spec, in->rank, out->rank}, &map);
    tdagi_strides(out, to);
    tdagi_strides(in, from);
    tdagi_loop_by_index(loop, &map, &sides[0], &sides[1]);
}

tdag_status tdagi_eval_by_index(const tdagi_eval_call *c, tdagi_index_fn *index)
{
    tdagi_loop loop;
    tdagi_loop_by_spec(&loop, c->spec, index, c->out, c->inputs[0], c->out);
    tdagi_loop_copy(&loop, c->out->data, c->inputs[0]->data,
                    tdag_dtype_size(c->out->dtype));
    return TDAG_OK;
}
