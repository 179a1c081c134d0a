/* Element-wise kernels in f32 and f64, by rows of any stride. Everything else
 * (integers, half types, rare ops) falls back to the core nodes. */
#include <math.h>

#include "run/native/native.h"

/* Parameters of a row function: numbers of the composite's spec. */
typedef struct numbers {
    double a, b, c;
} numbers;
typedef void row_fn(const tdagi_rows *r, const numbers *p);

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

#define MAP(name, n, EXPR32, EXPR64)                                                   \
    static void name##_f32(const tdagi_rows *r, const numbers *p)                      \
    {                                                                                  \
        ROW_LOOP(float, n, EXPR32)                                                     \
    }                                                                                  \
    static void name##_f64(const tdagi_rows *r, const numbers *p)                      \
    {                                                                                  \
        ROW_LOOP(double, n, EXPR64)                                                    \
    }
#define MAP1(name, EXPR) MAP(name, 1, EXPR, EXPR)
#define MAP2(name, EXPR) MAP(name, 2, EXPR, EXPR)

MAP1(neg, -x)
MAP1(reciprocal, 1 / x)
MAP(sqrt_, 1, sqrtf(x), sqrt(x))
MAP(rsqrt_, 1, 1 / sqrtf(x), 1 / sqrt(x))
MAP(exp_, 1, expf(x), exp(x))
MAP(log_, 1, logf(x), log(x))
MAP(sin_, 1, sinf(x), sin(x))
MAP(cos_, 1, cosf(x), cos(x))
MAP(tanh_, 1, tanhf(x), tanh(x))
MAP(floor_, 1, floorf(x), floor(x))
MAP(gaussian_, 1, 0.5f * erfcf(-0.70710678f * x), 0.5 * erfc(-0.70710678118654752 * x))
MAP(abs_, 1, fabsf(x), fabs(x))
MAP(erf_, 1, erff(x), erf(x))
MAP(log1p_, 1, log1pf(x), log1p(x))
MAP(expm1_, 1, expm1f(x), expm1(x))
MAP(sigmoid_, 1, 1 / (1 + expf(-x)), 1 / (1 + exp(-x)))
MAP(silu_, 1, x / (1 + expf(-x)), x / (1 + exp(-x)))
MAP(gelu_, 1, 0.5f * x * (1 + erff(0.70710678f * x)),
    0.5 * x * (1 + erf(0.70710678118654752 * x)))
MAP(gelu_tanh_, 1, 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x))),
    0.5 * x * (1 + tanh(0.79788456080286535 * (x + 0.044715 * x * x * x))))
MAP1(relu_, x < 0 ? 0 : x)
MAP(leaky_relu_, 1, x < 0 ? (float)p->a * x : x, x < 0 ? p->a * x : x)
/* a: lower bound, b: upper bound, which wins; the comparisons keep NaN. */
#define RAISE(T) (x < (T)p->a ? (T)p->a : x)
MAP(clamp_, 1, RAISE(float) > (float)p->b ? (float)p->b : RAISE(float),
    RAISE(double) > p->b ? p->b : RAISE(double))
MAP1(hardsigmoid_, (x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3) / 6)
MAP1(hardswish_, x *(x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3) / 6)
MAP(elu_, 1, x > 0 ? (float)p->b * x : (float)(p->a * p->b) * expm1f((float)p->c * x),
    x > 0 ? p->b * x : p->a * p->b * expm1(p->c * x))
/* a: beta, b: threshold */
MAP(softplus_, 1,
    x *(float)p->a > (float)p->b ? x : log1pf(expf(x * (float)p->a)) / (float)p->a,
    x * p->a > p->b ? x : log1p(exp(x * p->a)) / p->a)
MAP2(add_, x + y)
MAP2(sub_, x - y)
MAP2(mul_, x *y)
MAP2(div_, x / y)
MAP(pow_, 2, powf(x, y), pow(x, y))
/* fmod(x, y), made to have y's sign */
#define SIGNED(T, m) ((m) != 0 && ((m) < 0) != (y < 0) ? (T)((m) + y) : (m))
MAP(remainder_, 2, SIGNED(float, fmodf(x, y)), SIGNED(double, fmod(x, y)))
MAP2(maximum_, x < y || y != y ? y : x)
MAP2(minimum_, y < x || y != y ? y : x)

typedef struct map_row {
    row_fn *f32, *f64;
} map_row;
#define ROWS(name)                                                                     \
    {                                                                                  \
        name##_f32, name##_f64                                                         \
    }

static const map_row core_rows[TDAGI_OP_CODES] = {
    [TDAG_OP_NEG] = ROWS(neg),      [TDAG_OP_RECIPROCAL] = ROWS(reciprocal),
    [TDAG_OP_SQRT] = ROWS(sqrt_),   [TDAG_OP_EXP] = ROWS(exp_),
    [TDAG_OP_LOG] = ROWS(log_),     [TDAG_OP_SIN] = ROWS(sin_),
    [TDAG_OP_COS] = ROWS(cos_),     [TDAG_OP_TANH] = ROWS(tanh_),
    [TDAG_OP_FLOOR] = ROWS(floor_), [TDAG_OP_GAUSSIAN] = ROWS(gaussian_),
    [TDAG_OP_ADD] = ROWS(add_),     [TDAG_OP_MULTIPLY] = ROWS(mul_),
};

static const map_row composite_rows[TDAGI_N_COMPOSITES] = {
    [TDAGI_RSQRT] = ROWS(rsqrt_),
    [TDAGI_ABS] = ROWS(abs_),
    [TDAGI_ERF] = ROWS(erf_),
    [TDAGI_LOG1P] = ROWS(log1p_),
    [TDAGI_EXPM1] = ROWS(expm1_),
    [TDAGI_SIGMOID] = ROWS(sigmoid_),
    [TDAGI_SILU] = ROWS(silu_),
    [TDAGI_GELU] = ROWS(gelu_),
    [TDAGI_RELU] = ROWS(relu_),
    [TDAGI_LEAKY_RELU] = ROWS(leaky_relu_),
    [TDAGI_CLAMP] = ROWS(clamp_),
    [TDAGI_HARDSIGMOID] = ROWS(hardsigmoid_),
    [TDAGI_HARDSWISH] = ROWS(hardswish_),
    [TDAGI_ELU] = ROWS(elu_),
    [TDAGI_SOFTPLUS] = ROWS(softplus_),
    [TDAGI_SUB] = ROWS(sub_),
    [TDAGI_DIV] = ROWS(div_),
    [TDAGI_POW] = ROWS(pow_),
    [TDAGI_REMAINDER] = ROWS(remainder_),
    [TDAGI_MAXIMUM] = ROWS(maximum_),
    [TDAGI_MINIMUM] = ROWS(minimum_),
};

static const map_row gelu_tanh_row = ROWS(gelu_tanh_);

static map_row row_of(const tdagi_kernel *k)
{
    if (k->composite == TDAGI_CORE) return core_rows[k->op];
    if (k->composite == TDAGI_GELU && ((const tdagi_gelu_spec *)k->spec)->tanh)
        return gelu_tanh_row;
    return composite_rows[k->composite];
}

static numbers numbers_of(const tdagi_kernel *k)
{
    numbers p = {0, 0, 0};
    if (k->composite == TDAGI_LEAKY_RELU) {
        p.a = ((const tdagi_scalar_spec *)k->spec)->value;
    } else if (k->composite == TDAGI_CLAMP) {
        const tdagi_clamp_spec *s = k->spec;
        p.a = s->has_min ? s->min : -INFINITY;
        p.b = s->has_max ? s->max : INFINITY;
    } else if (k->composite == TDAGI_ELU) {
        const tdagi_elu_spec *s = k->spec;
        p = (numbers){s->alpha, s->scale, s->input_scale};
    } else if (k->composite == TDAGI_SOFTPLUS) {
        const tdagi_softplus_spec *s = k->spec;
        p = (numbers){s->beta, s->threshold, 0};
    }
    return p;
}

static tdag_status run_map(tdagi_native_call *c)
{
    const tdagi_kernel *k = c->kernel;
    map_row row = row_of(k);
    numbers p = numbers_of(k);
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
    row_fn *fn = k->dtype == TDAG_F32 ? row.f32 : row.f64;
    for (int64_t i = 0; i < r.n_rows; i++, tdagi_rows_next(&r))
        fn(&r, &p);
    *c->out = out;
    return TDAG_OK;
}

static tdag_status run_where(tdagi_native_call *c)
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

tdagi_native_fn *tdagi_native_elementwise(const tdagi_kernel *k)
{
    if (k->composite == TDAGI_CORE && k->op == TDAG_OP_WHERE) return run_where;
    if (k->dtype != TDAG_F32 && k->dtype != TDAG_F64) return NULL;
    return row_of(k).f32 == NULL ? NULL : run_map;
}
