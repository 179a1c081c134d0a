/* Pools and reductions of the native engine, f32 and f64. */
#include <math.h>
#include <string.h>

#include "run/native/native.h"

static tdag_status not_handled(tdagi_native_call *c)
{
    c->handled = false;
    return TDAG_OK;
}

/* Two spatial axes, the first of size 1 for pools over one axis. */
typedef struct window {
    int64_t lanes, in[2], out[2], kernel[2], stride[2], padding[2], dilation[2];
} window;

static window window_of(const tdagi_kernel *k, const tdagi_strided *x)
{
    const tdagi_pool_spec *s = k->spec;
    uint32_t nd = s->kernel.n;
    window w = {1, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 1}};
    for (uint32_t i = 0; i + nd < x->rank; i++)
        w.lanes *= x->shape[i];
    for (uint32_t i = 0; i < nd; i++) {
        uint32_t to = 2 - nd + i;
        w.in[to] = x->shape[x->rank - nd + i];
        w.out[to] = k->shape[k->rank - nd + i];
        w.kernel[to] = s->kernel.v[i];
        w.stride[to] = s->stride.v[i];
        w.padding[to] = s->padding.v[i];
        w.dilation[to] = s->dilation.n == nd ? s->dilation.v[i] : 1;
    }
    return w;
}

/* VISIT sees `value`, for each element of each window; DONE ends a window. */
#define POOL_LANES(T, START, VISIT, DONE)                                              \
    for (int64_t lane = 0; lane < w.lanes; lane++) {                                   \
        const T *in = (const T *)(const void *)x.data + lane * w.in[0] * w.in[1];      \
        T *to = (T *)(void *)out.data + lane * w.out[0] * w.out[1];                    \
        for (int64_t oh = 0; oh < w.out[0]; oh++)                                      \
            for (int64_t ow = 0; ow < w.out[1]; ow++) {                                \
                T result = START;                                                      \
                for (int64_t kh = 0; kh < w.kernel[0]; kh++) {                         \
                    int64_t h = oh * w.stride[0] + kh * w.dilation[0] - w.padding[0];  \
                    if (h < 0 || h >= w.in[0]) continue;                               \
                    for (int64_t kw = 0; kw < w.kernel[1]; kw++) {                     \
                        int64_t i =                                                    \
                            ow * w.stride[1] + kw * w.dilation[1] - w.padding[1];      \
                        if (i < 0 || i >= w.in[1]) continue;                           \
                        T value = in[h * w.in[1] + i];                                 \
                        VISIT                                                          \
                    }                                                                  \
                }                                                                      \
                DONE;                                                                  \
                *to++ = result;                                                        \
            }                                                                          \
    }

static bool covered(const tdagi_native_call *c)
{
    const tdagi_pool_spec *s = c->kernel->spec;
    return (c->kernel->dtype == TDAG_F32 || c->kernel->dtype == TDAG_F64) &&
           s->kernel.n <= 2;
}

static tdag_status start(tdagi_native_call *c, tdagi_strided *x, tdagi_strided *out)
{
    TDAGI_TRY(tdagi_strided_contiguous(c->native->ctx, c->in[0], x));
    tdag_status st = tdagi_native_result(c, out);
    if (st != TDAG_OK) tdagi_strided_free(x);
    return st;
}

tdag_status tdagi_native_max_pool(tdagi_native_call *c)
{
    if (!covered(c)) return not_handled(c);
    tdagi_strided x, out;
    TDAGI_TRY(start(c, &x, &out));
    const window w = window_of(c->kernel, &x);
#define TAKE_LARGER                                                                    \
    if (value > result || value != value) result = value;
    if (x.dtype == TDAG_F32)
        POOL_LANES(float, -INFINITY, TAKE_LARGER, (void)0)
    else
        POOL_LANES(double, -INFINITY, TAKE_LARGER, (void)0)
    tdagi_strided_free(&x);
    *c->out = out;
    return TDAG_OK;
}

/* What a window's sum is divided by: its part within the padded input, or within the
 * input alone, or a fixed number. */
static int64_t divisor_of(const window *w, const tdagi_pool_spec *s, int64_t oh,
                          int64_t ow)
{
    if (s->divisor != 0) return s->divisor;
    const int64_t position[2] = {oh, ow};
    int64_t count = 1;
    for (int i = 0; i < 2; i++) {
        int64_t from = position[i] * w->stride[i] - w->padding[i];
        int64_t to = from + w->kernel[i], end = w->in[i] + w->padding[i];
        if (to > end) to = end;
        if (!s->count_include_pad) {
            if (from < 0) from = 0;
            if (to > w->in[i]) to = w->in[i];
        }
        count *= to - from;
    }
    return count;
}

tdag_status tdagi_native_avg_pool(tdagi_native_call *c)
{
    if (!covered(c)) return not_handled(c);
    tdagi_strided x, out;
    TDAGI_TRY(start(c, &x, &out));
    const window w = window_of(c->kernel, &x);
    const tdagi_pool_spec *s = c->kernel->spec;
    if (x.dtype == TDAG_F32)
        POOL_LANES(float, 0, result += value;
                   , result /= (float)divisor_of(&w, s, oh, ow))
    else
        POOL_LANES(double, 0, result += value;
                   , result /= (double)divisor_of(&w, s, oh, ow))
    tdagi_strided_free(&x);
    *c->out = out;
    return TDAG_OK;
}

/* ---- reductions: sum and mean over the last axes ---- */

tdag_status tdagi_native_reduce(tdagi_native_call *c)
{
    const tdagi_kernel *k = c->kernel;
    const tdag_reduce_spec *s = k->spec;
    bool last = k->dtype == TDAG_F32 && s->axes.n > 0 &&
                (s->kind == TDAG_REDUCE_SUM || s->kind == TDAG_REDUCE_MEAN);
    for (uint32_t i = 0; last && i < s->axes.n; i++)
        last = s->axes.v[i] == (int64_t)(k->rank - s->axes.n + i);
    if (!last) return not_handled(c);
    tdagi_strided x, out;
    TDAGI_TRY(start(c, &x, &out));
    int64_t lanes = tdagi_strided_count(&out);
    int64_t n = lanes == 0 ? 0 : tdagi_strided_count(&x) / lanes;
    const float *in = (const void *)x.data;
    float *to = (void *)out.data;
    for (int64_t i = 0; i < lanes; i++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++)
            sum += (double)*in++;
        to[i] = (float)(s->kind == TDAG_REDUCE_MEAN ? sum / (double)n : sum);
    }
    tdagi_strided_free(&x);
    *c->out = out;
    return TDAG_OK;
}
