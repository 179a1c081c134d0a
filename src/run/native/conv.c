/* Convolutions of the native engine, f32 and f64, 1 to 3 spatial axes: a GEMM per
 * sample and group on the columns of the input's windows (im2col), made for one sample
 * at a time; a 1x1 convolution reads the input itself. Depthwise ones run direct loops.
 */
#include <string.h>

#include "run/native/native.h"

/* Everything as three spatial axes, the missing ones of size 1. */
typedef struct geometry {
    int64_t samples, groups, in_channels, out_channels; /* channels per group */
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3];
    int64_t n_in, n_out, n_taps; /* products */
} geometry;

static void finish_geometry(geometry *g)
{
    g->n_in = g->n_out = g->n_taps = 1;
    for (int i = 0; i < 3; i++) {
        g->n_in *= g->in[i];
        g->n_out *= g->out[i];
        g->n_taps *= g->kernel[i];
    }
}

/* Of a convolution from `in` to `out`, shapes [N, C, spatial...]; its weight is `w`. */
static geometry make_geometry(const int64_t *in, const int64_t *out,
                              const tdagi_strided *w, int64_t groups,
                              const tdag_list *stride, const tdag_list *dilation,
                              const tdag_list *before)
{
    uint32_t nd = stride->n;
    geometry g = {in[0],     groups,    w->shape[1], w->shape[0] / groups,
                  {1, 1, 1}, {1, 1, 1}, {1, 1, 1},   {1, 1, 1},
                  {1, 1, 1}, {0, 0, 0}, 0,           0,
                  0};
    for (uint32_t i = 0; i < nd; i++) {
        uint32_t at = 3 - nd + i;
        g.in[at] = in[2 + i];
        g.out[at] = out[2 + i];
        g.kernel[at] = w->shape[2 + i];
        g.stride[at] = stride->v[i];
        g.dilation[at] = dilation->v[i];
        g.before[at] = before->v[i];
    }
    finish_geometry(&g);
    return g;
}

/* The first position along an axis whose tap is inside the input, and past the last. */
static void valid_range(const geometry *g, int axis, int64_t tap, int64_t *first,
                        int64_t *last)
{
    int64_t offset = tap * g->dilation[axis] - g->before[axis],
            stride = g->stride[axis];
    int64_t lo = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    int64_t room = g->in[axis] - 1 - offset;
    int64_t hi = room < 0 ? 0 : room / stride + 1;
    *last = hi < g->out[axis] ? hi : g->out[axis];
    *first = lo < *last ? lo : *last;
}

/* Visits, for one channel and tap, the rows of (depth, height) positions; GATHER reads
 * the input row into a column row, SCATTER adds a column row to it. */
#define WINDOW_ROWS(T, ROW)                                                            \
    for (int64_t kd = 0; kd < g->kernel[0]; kd++)                                      \
        for (int64_t kh = 0; kh < g->kernel[1]; kh++)                                  \
            for (int64_t kw = 0; kw < g->kernel[2]; kw++, column += g->n_out) {        \
                int64_t w0, w1;                                                        \
                valid_range(g, 2, kw, &w0, &w1);                                       \
                for (int64_t od = 0; od < g->out[0]; od++)                             \
                    for (int64_t oh = 0; oh < g->out[1]; oh++) {                       \
                        int64_t d =                                                    \
                            od * g->stride[0] + kd * g->dilation[0] - g->before[0];    \
                        int64_t h =                                                    \
                            oh * g->stride[1] + kh * g->dilation[1] - g->before[1];    \
                        T *row = column + (od * g->out[1] + oh) * g->out[2];           \
                        bool inside =                                                  \
                            d >= 0 && d < g->in[0] && h >= 0 && h < g->in[1];          \
                        ROW                                                            \
                    }                                                                  \
            }

#define DEFINE_COLUMNS(T)                                                              \
    static void columns_##T(const geometry *g, const T *x, T *column)                  \
    {                                                                                  \
        WINDOW_ROWS(T, {                                                               \
            if (!inside) {                                                             \
                memset(row, 0, (size_t)g->out[2] * sizeof(T));                         \
                continue;                                                              \
            }                                                                          \
            const T *from = x + (d * g->in[1] + h) * g->in[2] + kw * g->dilation[2] -  \
                            g->before[2];                                              \
            for (int64_t i = 0; i < w0; i++)                                           \
                row[i] = 0;                                                            \
            for (int64_t i = w0; i < w1; i++)                                          \
                row[i] = from[i * g->stride[2]];                                       \
            for (int64_t i = w1; i < g->out[2]; i++)                                   \
                row[i] = 0;                                                            \
        })                                                                             \
    }                                                                                  \
    static void add_columns_##T(const geometry *g, T *x, const T *columns)             \
    {                                                                                  \
        const T *column = columns;                                                     \
        WINDOW_ROWS(const T, {                                                         \
            if (!inside) continue;                                                     \
            T *to = x + (d * g->in[1] + h) * g->in[2] + kw * g->dilation[2] -          \
                    g->before[2];                                                      \
            for (int64_t i = w0; i < w1; i++)                                          \
                to[i * g->stride[2]] += row[i];                                        \
        })                                                                             \
    }                                                                                  \
    static void depthwise_##T(const geometry *g, const T *x, const T *w, T *out)       \
    {                                                                                  \
        memset(out, 0, (size_t)g->n_out * sizeof(T));                                  \
        int64_t tap = 0;                                                               \
        T *column = out;                                                               \
        int64_t step = g->n_out;                                                       \
        (void)step;                                                                    \
        for (int64_t kd = 0; kd < g->kernel[0]; kd++)                                  \
            for (int64_t kh = 0; kh < g->kernel[1]; kh++)                              \
                for (int64_t kw = 0; kw < g->kernel[2]; kw++) {                        \
                    T weight = w[tap++];                                               \
                    int64_t w0, w1, h0, h1, d0, d1;                                    \
                    valid_range(g, 0, kd, &d0, &d1);                                   \
                    valid_range(g, 1, kh, &h0, &h1);                                   \
                    valid_range(g, 2, kw, &w0, &w1);                                   \
                    for (int64_t od = d0; od < d1; od++)                               \
                        for (int64_t oh = h0; oh < h1; oh++) {                         \
                            int64_t d = od * g->stride[0] + kd * g->dilation[0] -      \
                                        g->before[0];                                  \
                            int64_t h = oh * g->stride[1] + kh * g->dilation[1] -      \
                                        g->before[1];                                  \
                            const T *from = x + (d * g->in[1] + h) * g->in[2] +        \
                                            kw * g->dilation[2] - g->before[2];        \
                            T *row = column + (od * g->out[1] + oh) * g->out[2];       \
                            for (int64_t i = w0; i < w1; i++)                          \
                                row[i] += weight * from[i * g->stride[2]];             \
                        }                                                              \
                }                                                                      \
    }
DEFINE_COLUMNS(float)
DEFINE_COLUMNS(double)

static bool reads_input_itself(const geometry *g)
{
    for (int i = 0; i < 3; i++)
        if (g->kernel[i] != 1 || g->stride[i] != 1 || g->before[i] != 0 ||
            g->in[i] != g->out[i])
            return false;
    return true;
}

static void add_channel_bias(const geometry *g, const tdagi_strided *bias, bool single,
                             char *out)
{
    int64_t channels = g->groups * g->out_channels;
    for (int64_t i = 0; i < g->samples * channels; i++) {
        int64_t at = (i % channels) * bias->stride[0];
        if (single) {
            float *row = (void *)(out + i * g->n_out * 4);
            for (int64_t j = 0; j < g->n_out; j++)
                row[j] += ((const float *)(const void *)bias->data)[at];
        } else {
            double *row = (void *)(out + i * g->n_out * 8);
            for (int64_t j = 0; j < g->n_out; j++)
                row[j] += ((const double *)(const void *)bias->data)[at];
        }
    }
}

/* One sample and group: x, w and out are its parts, columns the scratch. */
static void conv_part(const tdagi_native *native, const geometry *g, bool single,
                      const char *const parts[2], char *out, char *columns)
{
    const char *x = parts[0], *w = parts[1];
    if (g->in_channels == 1 && g->out_channels == 1) {
        if (single)
            depthwise_float(g, (const void *)x, (const void *)w, (void *)out);
        else
            depthwise_double(g, (const void *)x, (const void *)w, (void *)out);
        return;
    }
    size_t size = single ? 4 : 8;
    int64_t k = g->in_channels * g->n_taps;
    const char *b = x;
    if (!reads_input_itself(g)) {
        for (int64_t c = 0; c < g->in_channels; c++) {
            const char *from = x + (size_t)(c * g->n_in) * size;
            char *to = columns + (size_t)(c * g->n_taps * g->n_out) * size;
            if (single)
                columns_float(g, (const void *)from, (void *)to);
            else
                columns_double(g, (const void *)from, (void *)to);
        }
        b = columns;
    }
    const tdagi_gemm gemm = {
        false, false,  (int)g->out_channels, (int)g->n_out, (int)k, 1, 0, w, b,
        out,   (int)k, (int)g->n_out,        (int)g->n_out};
    tdagi_native_gemm(native, single ? TDAG_F32 : TDAG_F64, &gemm);
}

static bool fits_blas(const geometry *g)
{
    return g->n_out <= INT32_MAX && g->n_in <= INT32_MAX &&
           g->in_channels * g->n_taps <= INT32_MAX &&
           g->out_channels * g->n_taps <= INT32_MAX;
}

/* Room for columns of that many rows; one byte where none are needed (rows = 0). */
static tdag_status columns_of(tdagi_native_call *c, const geometry *g, int64_t rows,
                              size_t *size, void **out)
{
    const size_t element = c->kernel->dtype == TDAG_F32 ? 4 : 8;
    *size = 1;
    if (rows > 0 && (__builtin_mul_overflow((size_t)rows, (size_t)g->n_out, size) ||
                     __builtin_mul_overflow(*size, element, size)))
        return tdagi_fail(c->native->ctx, TDAG_E_OVERFLOW,
                          "the columns of a convolution are too many");
    return tdagi_alloc(c->native->ctx, *size, out);
}

static tdag_status conv_all(tdagi_native_call *c, const geometry *g,
                            const tdagi_strided *x, const tdagi_strided *w)
{
    bool single = c->kernel->dtype == TDAG_F32;
    int64_t size = single ? 4 : 8, k = g->in_channels * g->n_taps;
    void *columns = NULL;
    tdag_ctx *ctx = c->native->ctx;
    size_t scratch;
    bool depthwise = g->in_channels == 1 && g->out_channels == 1;
    int64_t rows = depthwise || reads_input_itself(g) ? 0 : k;
    TDAGI_TRY(columns_of(c, g, rows, &scratch, &columns));
    tdagi_strided out;
    tdag_status st = tdagi_native_result(c, &out);
    if (st == TDAG_OK) {
        for (int64_t n = 0; n < g->samples; n++)
            for (int64_t group = 0; group < g->groups; group++) {
                int64_t part = n * g->groups + group;
                const char *const parts[2] = {
                    x->data + part * g->in_channels * g->n_in * size,
                    w->data + group * g->out_channels * k * size};
                conv_part(c->native, g, single, parts,
                          out.data + part * g->out_channels * g->n_out * size, columns);
            }
        if (c->kernel->n_inputs > 2 && c->in[2]->base != NULL)
            add_channel_bias(g, c->in[2], single, out.data);
        *c->out = out;
    }
    tdagi_free(ctx, columns, scratch);
    return st;
}

typedef tdag_status contiguous_fn(tdagi_native_call *c, const tdagi_strided *x,
                                  const tdagi_strided *w);

static tdag_status with_contiguous(tdagi_native_call *c, contiguous_fn *run)
{
    tdagi_strided x = {0}, w = {0};
    tdag_ctx *ctx = c->native->ctx;
    if (c->kernel->dtype != TDAG_F32 && c->kernel->dtype != TDAG_F64) {
        c->handled = false;
        return TDAG_OK;
    }
    tdag_status st = tdagi_strided_contiguous(ctx, c->in[0], &x);
    if (st == TDAG_OK) st = tdagi_strided_contiguous(ctx, c->in[1], &w);
    if (st == TDAG_OK) st = run(c, &x, &w);
    tdagi_strided_free(&x);
    tdagi_strided_free(&w);
    return st;
}

static tdag_status run_conv(tdagi_native_call *c, const tdagi_strided *x,
                            const tdagi_strided *w)
{
    const tdagi_conv_spec *s = c->kernel->spec;
    geometry g = make_geometry(x->shape, c->kernel->shape, w, s->groups, &s->stride,
                               &s->dilation, &s->before);
    c->handled = fits_blas(&g);
    return c->handled ? conv_all(c, &g, x, w) : TDAG_OK;
}

tdag_status tdagi_native_conv(tdagi_native_call *c)
{
    return with_contiguous(c, run_conv);
}

/* ---- transposed ---- */

/* columns = w^T x per sample and group, then added where their taps lie. */
static tdag_status transpose_all(tdagi_native_call *c, const geometry *g,
                                 const tdagi_strided *x, const tdagi_strided *w)
{
    bool single = c->kernel->dtype == TDAG_F32;
    int64_t size = single ? 4 : 8, m = g->in_channels * g->n_taps;
    tdag_ctx *ctx = c->native->ctx;
    void *columns = NULL;
    size_t scratch;
    TDAGI_TRY(columns_of(c, g, m, &scratch, &columns));
    tdagi_strided out;
    tdag_status st = tdagi_native_result(c, &out);
    if (st == TDAG_OK) {
        memset(out.data, 0, out.base->size);
        for (int64_t part = 0; part < g->samples * g->groups; part++) {
            int64_t group = part % g->groups;
            const tdagi_gemm gemm = {true,
                                     false,
                                     (int)m,
                                     (int)g->n_out,
                                     (int)g->out_channels,
                                     1,
                                     0,
                                     w->data + group * g->out_channels * m * size,
                                     x->data + part * g->out_channels * g->n_out * size,
                                     columns,
                                     (int)m,
                                     (int)g->n_out,
                                     (int)g->n_out};
            tdagi_native_gemm(c->native, single ? TDAG_F32 : TDAG_F64, &gemm);
            for (int64_t i = 0; i < g->in_channels; i++) {
                char *to = out.data + (part * g->in_channels + i) * g->n_in * size;
                char *from = (char *)columns + i * g->n_taps * g->n_out * size;
                if (single)
                    add_columns_float(g, (void *)to, (const void *)from);
                else
                    add_columns_double(g, (void *)to, (const void *)from);
            }
        }
        geometry result = *g;
        result.out_channels = g->in_channels;
        result.n_out = g->n_in;
        if (c->kernel->n_inputs > 2 && c->in[2]->base != NULL)
            add_channel_bias(&result, c->in[2], single, out.data);
        *c->out = out;
    }
    tdagi_free(ctx, columns, scratch);
    return st;
}

static tdag_status run_transpose(tdagi_native_call *c, const tdagi_strided *x,
                                 const tdagi_strided *w)
{
    const tdagi_conv_transpose_spec *s = c->kernel->spec;
    /* of the convolution that it is the transpose of */
    geometry g = make_geometry(c->kernel->shape, x->shape, w, s->groups, &s->stride,
                               &s->dilation, &s->padding);
    c->handled = fits_blas(&g);
    return c->handled ? transpose_all(c, &g, x, w) : TDAG_OK;
}

tdag_status tdagi_native_conv_transpose(tdagi_native_call *c)
{
    return with_contiguous(c, run_transpose);
}
