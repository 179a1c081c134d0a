/* Element-wise kernels in f32 and f64, by rows of any stride. Everything else
 * (integers, half types, rare ops) falls back to the core nodes. */
#include <math.h>

#include "run/native/native.h"

/* Parameters of a row function: numbers of the kernel's spec. */
typedef struct numbers {
    double a, b, c;
} numbers;
typedef void row_fn(const tdagi_rows *r, const numbers *p);

static tdag_status run_map(tdagi_native_call *c, row_fn *f32, row_fn *f64,
                           const numbers p)
{
    const tdagi_kernel *k = c->kernel;
    c->handled = k->dtype == TDAG_F32 || k->dtype == TDAG_F64;
    if (!c->handled) return TDAG_OK;
    tdagi_strided operands[3], *list[3], out;
    TDAGI_TRY(tdagi_native_result(c, &out));
    uint32_t n = k->n_inputs;
    for (uint32_t i = 0; i < n; i++) {
        operands[i] = tdagi_strided_broadcast(c->in[i], k->rank, k->shape);
        list[i] = &operands[i];
    }
    list[n] = &out;
    tdagi_rows r;
    tdagi_rows_start(&r, n + 1, list);
    row_fn *fn = k->dtype == TDAG_F32 ? f32 : f64;
    for (int64_t i = 0; i < r.n_rows; i++, tdagi_rows_next(&r))
        fn(&r, &p);
    *c->out = out;
    return TDAG_OK;
}

/* One row of out = EXPR of x (and y), for both float types. r->data: operands, then the
 * result. Unit strides are written out so that the compiler can vectorise. */
#define ROW_LOOP(T, N, EXPR)                                                           \
    const T *xp = (const void *)r->data[0];                                            \
    const T *yp = (const void *)r->data[(N)-1];                                        \
    T *op = (void *)r->data[N];                                                        \
    int64_t xs = r->stride[0], ys = r->stride[(N)-1], os = r->stride[N];               \
    (void)p;                                                                           \
    if (xs == 1 && ys == 1 && os == 1)                                                 \
        for (int64_t i = 0; i < r->length; i++) {                                      \
            T x = xp[i], y = yp[i];                                                    \
            (void)y;                                                                   \
            op[i] = (T)(EXPR);                                                         \
        }                                                                              \
    else                                                                               \
        for (int64_t i = 0; i < r->length; i++) {                                      \
            T x = xp[i * xs], y = yp[i * ys];                                          \
            (void)y;                                                                   \
            op[i * os] = (T)(EXPR);                                                    \
        }

/* The row functions of both types. */
#define ROWS(name, n, EXPR32, EXPR64)                                                  \
    static void name##_f32(const tdagi_rows *r, const numbers *p)                      \
    {                                                                                  \
        ROW_LOOP(float, n, EXPR32)                                                     \
    }                                                                                  \
    static void name##_f64(const tdagi_rows *r, const numbers *p)                      \
    {                                                                                  \
        ROW_LOOP(double, n, EXPR64)                                                    \
    }
/* The function of a core op or composite; NUMBERS reads them from the spec. */
#define MAP_WITH(name, n, NUMBERS, EXPR32, EXPR64)                                     \
    ROWS(name, n, EXPR32, EXPR64)                                                      \
    tdag_status tdagi_native_##name(tdagi_native_call *c)                              \
    {                                                                                  \
        return run_map(c, name##_f32, name##_f64, NUMBERS(c->kernel->spec));           \
    }
#define MAP(name, n, EXPR32, EXPR64) MAP_WITH(name, n, no_numbers, EXPR32, EXPR64)
#define MAP1(name, EXPR)             MAP(name, 1, EXPR, EXPR)
#define MAP2(name, EXPR)             MAP(name, 2, EXPR, EXPR)

static numbers no_numbers(const void *spec)
{
    (void)spec;
    return (numbers){0, 0, 0};
}

/* ---- core ops ---- */

MAP1(neg, -x)
MAP1(reciprocal, 1 / x)
MAP(sqrt, 1, sqrtf(x), sqrt(x))
MAP(exp, 1, expf(x), exp(x))
MAP(log, 1, logf(x), log(x))
MAP(sin, 1, sinf(x), sin(x))
MAP(cos, 1, cosf(x), cos(x))
MAP(tanh, 1, tanhf(x), tanh(x))
MAP(floor, 1, floorf(x), floor(x))
MAP(gaussian, 1, 0.5f * erfcf(-0.70710678f * x), 0.5 * erfc(-0.70710678118654752 * x))
MAP2(add, x + y)
MAP2(multiply, x *y)

tdag_status tdagi_native_where(tdagi_native_call *c)
{
    const tdagi_kernel *k = c->kernel;
    size_t size = tdag_dtype_size((tdag_dtype)k->dtype);
    if (size != 4 && size != 8) {
        c->handled = false;
        return TDAG_OK;
    }
    tdagi_strided operands[3], *list[4], out;
    TDAGI_TRY(tdagi_native_result(c, &out));
    for (uint32_t i = 0; i < 3; i++) {
        operands[i] = tdagi_strided_broadcast(c->in[i], k->rank, k->shape);
        list[i] = &operands[i];
    }
    list[3] = &out;
    tdagi_rows r;
    tdagi_rows_start(&r, 4, list);
#define WHERE_ROW(T)                                                                   \
    {                                                                                  \
        const uint8_t *m = (const void *)r.data[0];                                    \
        const T *x = (const void *)r.data[1], *y = (const void *)r.data[2];            \
        T *o = (void *)r.data[3];                                                      \
        for (int64_t j = 0; j < r.length; j++)                                         \
            o[j * r.stride[3]] =                                                       \
                m[j * r.stride[0]] ? x[j * r.stride[1]] : y[j * r.stride[2]];          \
    }
    for (int64_t i = 0; i < r.n_rows; i++, tdagi_rows_next(&r)) {
        if (size == 4)
            WHERE_ROW(uint32_t)
        else
            WHERE_ROW(uint64_t)
    }
    *c->out = out;
    return TDAG_OK;
}

/* ---- composites ---- */

MAP(rsqrt, 1, 1 / sqrtf(x), 1 / sqrt(x))
MAP(abs, 1, fabsf(x), fabs(x))
MAP(erf, 1, erff(x), erf(x))
MAP(log1p, 1, log1pf(x), log1p(x))
MAP(expm1, 1, expm1f(x), expm1(x))
MAP(sigmoid, 1, 1 / (1 + expf(-x)), 1 / (1 + exp(-x)))
MAP(silu, 1, x / (1 + expf(-x)), x / (1 + exp(-x)))
MAP1(relu, x < 0 ? 0 : x)
MAP1(hardsigmoid, (x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3) / 6)
MAP1(hardswish, x *(x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3) / 6)
MAP2(sub, x - y)
MAP2(div, x / y)
MAP(pow, 2, powf(x, y), pow(x, y))
/* fmod(x, y), made to have y's sign */
#define SIGNED(T, m) ((m) != 0 && ((m) < 0) != (y < 0) ? (T)((m) + y) : (m))
MAP(remainder, 2, SIGNED(float, fmodf(x, y)), SIGNED(double, fmod(x, y)))
MAP2(maximum, x < y || y != y ? y : x)
MAP2(minimum, y < x || y != y ? y : x)

static numbers leaky_relu_numbers(const tdagi_scalar_spec *s)
{
    return (numbers){s->value, 0, 0};
}
MAP_WITH(leaky_relu, 1, leaky_relu_numbers, x < 0 ? (float)p->a * x : x,
         x < 0 ? p->a * x : x)

/* a: lower bound, b: upper bound, which wins; the comparisons keep NaN. */
static numbers clamp_numbers(const tdagi_clamp_spec *s)
{
    return (numbers){s->has_min ? s->min : -INFINITY, s->has_max ? s->max : INFINITY,
                     0};
}
#define RAISE(T) (x < (T)p->a ? (T)p->a : x)
MAP_WITH(clamp, 1, clamp_numbers,
         RAISE(float) > (float)p->b ? (float)p->b : RAISE(float),
         RAISE(double) > p->b ? p->b : RAISE(double))

static numbers elu_numbers(const tdagi_elu_spec *s)
{
    return (numbers){s->alpha, s->scale, s->input_scale};
}
MAP_WITH(elu, 1, elu_numbers,
         x > 0 ? (float)p->b * x : (float)(p->a * p->b) * expm1f((float)p->c * x),
         x > 0 ? p->b * x : p->a * p->b * expm1(p->c * x))

/* a: beta, b: threshold */
static numbers softplus_numbers(const tdagi_softplus_spec *s)
{
    return (numbers){s->beta, s->threshold, 0};
}
MAP_WITH(softplus, 1, softplus_numbers,
         x *(float)p->a > (float)p->b ? x : log1pf(expf(x * (float)p->a)) / (float)p->a,
         x * p->a > p->b ? x : log1p(exp(x * p->a)) / p->a)

ROWS(gelu, 1, 0.5f * x * (1 + erff(0.70710678f * x)),
     0.5 * x * (1 + erf(0.70710678118654752 * x)))
ROWS(gelu_tanh, 1, 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x))),
     0.5 * x * (1 + tanh(0.79788456080286535 * (x + 0.044715 * x * x * x))))
tdag_status tdagi_native_gelu(tdagi_native_call *c)
{
    const tdagi_gelu_spec *s = c->kernel->spec;
    return run_map(c, s->tanh ? gelu_tanh_f32 : gelu_f32,
                   s->tanh ? gelu_tanh_f64 : gelu_f64, no_numbers(s));
}
