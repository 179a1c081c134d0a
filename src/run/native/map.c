/* Element-wise kernels in f32 and f64, by rows of any stride; the loops in f32.
 * Everything else (integers, half types, rare ops) falls back to the core nodes. */
#include "run/native/map.h"
#include "run/native/native.h"

/* f32: the row function of map.def, whose other one is f64 `at`. */
static tdag_status run_map(tdagi_native_call *c, tdagi_map_fn *f32, int at,
                           const tdagi_map_numbers p)
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
    tdagi_map_fn *fn = k->dtype == TDAG_F32 ? f32 : tdagi_map_f64[at];
    for (int64_t i = 0; i < r.n_rows; i++, tdagi_rows_next(&r))
        fn(&r, &p);
    *c->out = out;
    return TDAG_OK;
}

/* Unit strides are written out so that the compiler can vectorise. */
#define T           float
#define F(function) function##f
#define ROW(name, n, expression)                                                       \
    static void map_##name(const tdagi_rows *r, const tdagi_map_numbers *p)            \
    {                                                                                  \
        const T *xp = (const void *)r->data[0];                                        \
        const T *yp = (const void *)r->data[(n)-1];                                    \
        T *op = (void *)r->data[n];                                                    \
        int64_t xs = r->stride[0], ys = r->stride[(n)-1], os = r->stride[n];           \
        (void)p;                                                                       \
        if (xs == 1 && ys == 1 && os == 1)                                             \
            for (int64_t i = 0; i < r->length; i++) {                                  \
                T x = xp[i], y = yp[i];                                                \
                (void)y;                                                               \
                op[i] = (T)(expression);                                               \
            }                                                                          \
        else                                                                           \
            for (int64_t i = 0; i < r->length; i++) {                                  \
                T x = xp[i * xs], y = yp[i * ys];                                      \
                (void)y;                                                               \
                op[i * os] = (T)(expression);                                          \
            }                                                                          \
    }
#include "run/native/map.def"

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

/* ---- the kernels; NUMBERS reads theirs from the spec ---- */

#define MAP_WITH(name, numbers)                                                        \
    tdag_status tdagi_native_##name(tdagi_native_call *c)                              \
    {                                                                                  \
        return run_map(c, map_##name, TDAGI_MAP_##name, numbers(c->kernel->spec));     \
    }
#define MAP(name) MAP_WITH(name, no_numbers)

static tdagi_map_numbers no_numbers(const void *spec)
{
    (void)spec;
    return (tdagi_map_numbers){0, 0, 0};
}

MAP(neg)
MAP(reciprocal)
MAP(sqrt)
MAP(exp)
MAP(log)
MAP(sin)
MAP(cos)
MAP(tanh)
MAP(floor)
MAP(gaussian)
MAP(add)
MAP(multiply)
MAP(rsqrt)
MAP(abs)
MAP(erf)
MAP(log1p)
MAP(expm1)
MAP(sigmoid)
MAP(silu)
MAP(relu)
MAP(hardsigmoid)
MAP(hardswish)
MAP(sub)
MAP(div)
MAP(pow)
MAP(remainder)
MAP(maximum)
MAP(minimum)

static tdagi_map_numbers leaky_relu_numbers(const tdagi_scalar_spec *s)
{
    return (tdagi_map_numbers){s->value, 0, 0};
}
MAP_WITH(leaky_relu, leaky_relu_numbers)

static tdagi_map_numbers clamp_numbers(const tdagi_clamp_spec *s)
{
    return (tdagi_map_numbers){s->has_min ? s->min : -INFINITY,
                               s->has_max ? s->max : INFINITY, 0};
}
MAP_WITH(clamp, clamp_numbers)

static tdagi_map_numbers elu_numbers(const tdagi_elu_spec *s)
{
    return (tdagi_map_numbers){s->alpha, s->scale, s->input_scale};
}
MAP_WITH(elu, elu_numbers)

static tdagi_map_numbers softplus_numbers(const tdagi_softplus_spec *s)
{
    return (tdagi_map_numbers){s->beta, s->threshold, 0};
}
MAP_WITH(softplus, softplus_numbers)

tdag_status tdagi_native_gelu(tdagi_native_call *c)
{
    const tdagi_gelu_spec *s = c->kernel->spec;
    return s->tanh ? run_map(c, map_gelu_tanh, TDAGI_MAP_gelu_tanh, no_numbers(s))
                   : run_map(c, map_gelu, TDAGI_MAP_gelu, no_numbers(s));
}
