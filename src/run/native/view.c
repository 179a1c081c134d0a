/* Views of the native engine: new strides on the same elements. */
#include "run/native/native.h"

static void window_on(const tdagi_native_call *c, tdagi_strided *v)
{
    *v = *c->in[0];
    tdag_tensor_copy(v->base);
}

tdag_status tdagi_native_permute(tdagi_native_call *c)
{
    const tdag_permute_spec *s = c->kernel->spec;
    const tdagi_strided *x = c->in[0];
    window_on(c, c->out);
    for (uint32_t i = 0; i < x->rank; i++) {
        c->out->shape[i] = x->shape[s->order.v[i]];
        c->out->stride[i] = x->stride[s->order.v[i]];
    }
    return TDAG_OK;
}

tdag_status tdagi_native_reshape(tdagi_native_call *c)
{
    return tdagi_strided_reshape(c->native->ctx, c->in[0], c->kernel->rank,
                                 c->kernel->shape, c->out);
}

static void move_start(tdagi_strided *v, uint32_t axis, int64_t start)
{
    v->data += start * v->stride[axis] * (int64_t)tdag_dtype_size(v->dtype);
}

tdag_status tdagi_native_slice(tdagi_native_call *c)
{
    const tdag_slice_spec *s = c->kernel->spec;
    window_on(c, c->out);
    for (uint32_t i = 0; i < c->out->rank; i++) {
        c->out->shape[i] = s->end.v[i] - s->start.v[i];
        move_start(c->out, i, s->start.v[i]);
    }
    return TDAG_OK;
}

tdag_status tdagi_native_select(tdagi_native_call *c)
{
    const tdag_select_spec *s = c->kernel->spec;
    window_on(c, c->out);
    c->out->shape[s->axis] = 1;
    move_start(c->out, (uint32_t)s->axis, s->index);
    return TDAG_OK;
}

tdag_status tdagi_native_repeat(tdagi_native_call *c)
{
    const tdag_repeat_spec *s = c->kernel->spec;
    window_on(c, c->out);
    for (uint32_t i = 0; i < c->out->rank; i++) {
        if (s->counts.v[i] == 1) continue;
        c->out->shape[i] = s->counts.v[i];
        c->out->stride[i] = 0;
    }
    return TDAG_OK;
}

/* A strided slice is a view; real windows are left to the reference. */
tdag_status tdagi_native_unfold(tdagi_native_call *c)
{
    const tdag_window_spec *s = c->kernel->spec;
    for (uint32_t i = 0; i < c->kernel->rank; i++)
        if (s->kernel.v[i] != 1) {
            c->handled = false;
            return TDAG_OK;
        }
    window_on(c, c->out);
    for (uint32_t i = 0; i < c->out->rank; i++) {
        c->out->shape[i] = c->kernel->shape[i];
        c->out->stride[i] *= s->stride.v[i];
    }
    return TDAG_OK;
}

/* Constant padding: the value everywhere, then the input inside. */
tdag_status tdagi_native_pad(tdagi_native_call *c)
{
    const tdag_pad_spec *s = c->kernel->spec;
    if (s->mode != TDAG_PAD_CONSTANT) {
        c->handled = false;
        return TDAG_OK;
    }
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
            move_start(&inside, i, s->before.v[i]);
            inside.shape[i] = c->in[0]->shape[i];
        }
        tdagi_strided_copy(c->in[0], &inside);
        *c->out = out;
    }
    tdag_tensor_free(value);
    return st;
}
