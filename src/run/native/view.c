/* Views of the native engine: new strides on the same elements. */
#include "run/native/native.h"

static void move_start(tdagi_strided *v, int64_t start, int64_t stride)
{
    v->data += start * stride * (int64_t)tdag_dtype_size(v->dtype);
}

/* Strides by the index map; real windows are left to the reference. */
static void strided_view(tdagi_native_call *c, const tdagi_index_map *map)
{
    const tdagi_strided *x = c->in[0];
    tdagi_strided *out = c->out;
    *out = *x;
    tdag_tensor_copy(out->base);
    for (uint32_t i = 0; i < map->n; i++) {
        const tdagi_piece *p = &map->pieces[i];
        out->shape[p->out] = c->kernel->shape[p->out];
        out->stride[p->out] = p->stride * x->stride[p->in];
        move_start(out, p->start, x->stride[p->in]);
    }
}

/* Constant padding: the value everywhere, then the input inside. */
static tdag_status pad(tdagi_native_call *c, const tdag_pad_spec *s)
{
    tdagi_strided out, fill, inside;
    tdag_tensor *value = NULL;
    TDAGI_TRY(tdag_tensor_create(c->native->ctx, c->in[0]->dtype, 0, NULL, &value));
    tdag_status st = tdagi_native_result(c, &out);
    if (st == TDAG_OK) {
        tdagi_tensor_set_f64(value, 0, s->value);
        tdagi_strided_wrap(&fill, value);
        inside = tdagi_strided_broadcast(&fill, out.rank, out.shape);
        tdagi_strided_copy(&inside, &out);
        tdagi_strided_free(&fill);
        inside = out;
        for (uint32_t i = 0; i < out.rank; i++) {
            move_start(&inside, s->before.v[i], out.stride[i]);
            inside.shape[i] = c->in[0]->shape[i];
        }
        tdagi_strided_copy(c->in[0], &inside);
        *c->out = out;
    }
    tdag_tensor_free(value);
    return st;
}

tdag_status tdagi_native_view(tdagi_native_call *c)
{
    const tdagi_kernel *k = c->kernel;
    tdagi_index_map map;
    if (tdagi_op_row_of(k->op)->def->same_order)
        return tdagi_strided_reshape(c->native->ctx, c->in[0], k->rank, k->shape,
                                     c->out);
    tdagi_op_index(k->op, &(tdagi_index_call){k->spec, c->in[0]->rank, k->rank}, &map);
    if (map.pad != NULL && map.pad->mode == TDAG_PAD_CONSTANT) return pad(c, map.pad);
    c->handled = tdagi_index_is_strided(&map);
    if (c->handled) strided_view(c, &map);
    return TDAG_OK;
}
