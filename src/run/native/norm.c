/* Softmax and normalisations of the native engine, f32 and f64, on contiguous values.
 */
#include <math.h>

#include "run/native/native.h"

static bool covered(const tdagi_native_call *c)
{
    return c->kernel->dtype == TDAG_F32 || c->kernel->dtype == TDAG_F64;
}

static tdag_status not_handled(tdagi_native_call *c)
{
    c->handled = false;
    return TDAG_OK;
}

/* Numbers of a vector of the kernel's dtype, or of a missing one a default. */
static double at(const tdagi_strided *v, int64_t i, double missing)
{
    if (v == NULL || v->base == NULL) return missing;
    const char *p =
        v->data + i * v->stride[v->rank - 1] * (v->dtype == TDAG_F32 ? 4 : 8);
    return v->dtype == TDAG_F32 ? (double)*(const float *)(const void *)p
                                : *(const double *)(const void *)p;
}

static const tdagi_strided *optional(const tdagi_native_call *c, uint32_t i)
{
    return i < c->kernel->n_inputs ? c->in[i] : NULL;
}

/* x contiguous and a result; what a function body works on. */
static tdag_status start(tdagi_native_call *c, tdagi_strided *x, tdagi_strided *out)
{
    TDAGI_TRY(tdagi_strided_contiguous(c->native->ctx, c->in[0], x));
    tdag_status st = tdagi_native_result(c, out);
    if (st != TDAG_OK) tdagi_strided_free(x);
    return st;
}

/* Lanes of n elements `step` apart. */
#define SOFTMAX_LANE(T, EXP, LOG)                                                      \
    {                                                                                  \
        const T *in = (const T *)(const void *)x.data + base;                          \
        T *to = (T *)(void *)out.data + base;                                          \
        T most = (T)-INFINITY, sum = 0;                                                \
        for (int64_t j = 0; j < n; j++)                                                \
            if (in[j * step] > most || in[j * step] != in[j * step])                   \
                most = in[j * step];                                                   \
        for (int64_t j = 0; j < n; j++) {                                              \
            T e = EXP(in[j * step] - most);                                            \
            to[j * step] = logarithm ? in[j * step] - most : e;                        \
            sum += e;                                                                  \
        }                                                                              \
        T scale = logarithm ? LOG(sum) : 1 / sum;                                      \
        for (int64_t j = 0; j < n; j++)                                                \
            to[j * step] = logarithm ? to[j * step] - scale : to[j * step] * scale;    \
    }

tdag_status tdagi_native_softmax(tdagi_native_call *c)
{
    if (!covered(c)) return not_handled(c);
    tdagi_strided x, out;
    TDAGI_TRY(start(c, &x, &out));
    const tdagi_axis_spec *s = c->kernel->spec;
    bool logarithm = c->kernel->composite == TDAGI_LOG_SOFTMAX;
    int64_t n = x.shape[s->axis], step = x.stride[s->axis];
    int64_t lanes = n == 0 ? 0 : tdagi_strided_count(&x) / n;
    for (int64_t i = 0; i < lanes; i++) {
        int64_t base = i / step * step * n + i % step;
        if (x.dtype == TDAG_F32)
            SOFTMAX_LANE(float, expf, logf)
        else
            SOFTMAX_LANE(double, exp, log)
    }
    tdagi_strided_free(&x);
    *c->out = out;
    return TDAG_OK;
}

/* One block of n elements normalised; element j's affine numbers are at first + j /
 * run. */
typedef struct affine {
    const tdagi_strided *weight, *bias;
    int64_t first, run;
} affine;

#define NORM_BLOCK(T)                                                                  \
    {                                                                                  \
        const T *in = (const T *)(const void *)x->data + base;                         \
        T *to = (T *)(void *)out->data + base;                                         \
        double sum = 0, square = 0;                                                    \
        for (int64_t j = 0; j < n; j++)                                                \
            sum += (double)in[j];                                                      \
        double mean = sum / (double)n;                                                 \
        for (int64_t j = 0; j < n; j++)                                                \
            square += ((double)in[j] - mean) * ((double)in[j] - mean);                 \
        double scale = 1 / sqrt(square / (double)n + eps);                             \
        for (int64_t j = 0; j < n; j++) {                                              \
            int64_t k = a->first + j / a->run;                                         \
            to[j] = (T)(((double)in[j] - mean) * scale * at(a->weight, k, 1) +         \
                        at(a->bias, k, 0));                                            \
        }                                                                              \
    }

static void norm_block(const tdagi_strided *x, tdagi_strided *out, int64_t base,
                       int64_t n, double eps, const affine *a)
{
    if (x->dtype == TDAG_F32)
        NORM_BLOCK(float)
    else
        NORM_BLOCK(double)
}

tdag_status tdagi_native_layer_norm(tdagi_native_call *c)
{
    const tdagi_layer_norm_spec *s = c->kernel->spec;
    if (!covered(c) || s->n_axes != 1) return not_handled(c);
    tdagi_strided x, out;
    TDAGI_TRY(start(c, &x, &out));
    int64_t n = x.shape[x.rank - 1];
    int64_t blocks = n == 0 ? 0 : tdagi_strided_count(&x) / n;
    const affine a = {optional(c, 1), optional(c, 2), 0, 1};
    for (int64_t i = 0; i < blocks; i++)
        norm_block(&x, &out, i * n, n, s->eps, &a);
    tdagi_strided_free(&x);
    *c->out = out;
    return TDAG_OK;
}

tdag_status tdagi_native_group_norm(tdagi_native_call *c)
{
    const tdagi_group_norm_spec *s = c->kernel->spec;
    if (!covered(c)) return not_handled(c);
    tdagi_strided x, out;
    TDAGI_TRY(start(c, &x, &out));
    int64_t count = tdagi_strided_count(&x), channels = x.shape[1];
    int64_t blocks = count == 0 ? 0 : x.shape[0] * s->groups;
    int64_t per_group = channels / s->groups;
    for (int64_t i = 0; i < blocks; i++) {
        int64_t n = count / blocks;
        const affine a = {optional(c, 1), optional(c, 2), i % s->groups * per_group,
                          n / per_group};
        norm_block(&x, &out, i * n, n, s->eps, &a);
    }
    tdagi_strided_free(&x);
    *c->out = out;
    return TDAG_OK;
}

/* x*scale + shift per channel, both made once per channel in double. */
tdag_status tdagi_native_batch_norm(tdagi_native_call *c)
{
    const tdagi_eps_spec *s = c->kernel->spec;
    if (!covered(c) || c->in[1]->dtype != c->in[0]->dtype) return not_handled(c);
    tdagi_strided x, out;
    TDAGI_TRY(start(c, &x, &out));
    int64_t count = tdagi_strided_count(&x), channels = x.shape[1];
    int64_t lanes = count == 0 ? 0 : x.shape[0] * channels;
    for (int64_t i = 0; i < lanes; i++) {
        int64_t channel = i % channels, n = count / lanes;
        double scale =
            at(optional(c, 3), channel, 1) / sqrt(at(c->in[2], channel, 1) + s->eps);
        double shift =
            at(optional(c, 4), channel, 0) - at(c->in[1], channel, 0) * scale;
        if (x.dtype == TDAG_F32) {
            const float *in = (const float *)(const void *)x.data + i * n;
            float *to = (float *)(void *)out.data + i * n, a = (float)scale,
                  b = (float)shift;
            for (int64_t j = 0; j < n; j++)
                to[j] = in[j] * a + b;
        } else {
            const double *in = (const double *)(const void *)x.data + i * n;
            double *to = (double *)(void *)out.data + i * n;
            for (int64_t j = 0; j < n; j++)
                to[j] = in[j] * scale + shift;
        }
    }
    tdagi_strided_free(&x);
    *c->out = out;
    return TDAG_OK;
}
