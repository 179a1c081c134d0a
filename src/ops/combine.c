/* Accumulating elements; see combine.h. Sums of a row go through eight partial sums, so
 * that the error of a long f64 sum stays small. */
#include "ops/combine.h"

#include <math.h>

/* NaN wins; of two zeros the positive one for max, the negative one for min. */
static double greater(double a, double b)
{
    if (isnan(a)) return a;
    if (isnan(b) || b > a) return b;
    return a == b && signbit(a) ? b : a;
}
static double lesser(double a, double b)
{
    if (isnan(a)) return a;
    if (isnan(b) || b < a) return b;
    return a == b && signbit(b) ? b : a;
}

static int64_t wrap_add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}
static int64_t wrap_multiply(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static double sum_of(const double *x, int64_t n)
{
    double part[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t k = 0; k < 8; k++)
            part[k] += x[i + k];
    for (int64_t k = 0; i < n; i++, k++)
        part[k] += x[i];
    return ((part[0] + part[1]) + (part[2] + part[3])) +
           ((part[4] + part[5]) + (part[6] + part[7]));
}

#define EACH(member, expression)                                                       \
    for (int64_t i = 0; i < n; i++) {                                                  \
        tdagi_number *a = &into[i * step];                                             \
        a->member = (expression);                                                      \
    }

static void combine_floats(tdag_reduction kind, tdagi_number *into, int64_t step,
                           const double *x, int64_t n)
{
    switch (kind) {
    case TDAG_REDUCE_SUM:
    case TDAG_REDUCE_MEAN:
        if (step == 0) {
            into->f += n == 1 ? x[0] : sum_of(x, n);
            break;
        }
        EACH(f, a->f + x[i])
        break;
    case TDAG_REDUCE_PRODUCT:
        EACH(f, a->f * x[i])
        break;
    case TDAG_REDUCE_MIN:
        EACH(f, lesser(a->f, x[i]))
        break;
    case TDAG_REDUCE_MAX:
        EACH(f, greater(a->f, x[i]))
        break;
    }
}

static void combine_integers(tdag_reduction kind, tdagi_number *into, int64_t step,
                             const int64_t *x, int64_t n)
{
    switch (kind) {
    case TDAG_REDUCE_SUM:
    case TDAG_REDUCE_MEAN:
        EACH(i, wrap_add(a->i, x[i]))
        break;
    case TDAG_REDUCE_PRODUCT:
        EACH(i, wrap_multiply(a->i, x[i]))
        break;
    case TDAG_REDUCE_MIN:
        EACH(i, x[i] < a->i ? x[i] : a->i)
        break;
    case TDAG_REDUCE_MAX:
        EACH(i, x[i] > a->i ? x[i] : a->i)
        break;
    }
}

tdagi_number tdagi_identity(tdag_dtype dtype, tdag_reduction kind)
{
    bool is_float = tdag_dtype_is_float(dtype);
    int64_t low = 0, high = 0;
    tdagi_number one = {0};
    if (!is_float) tdagi_integer_range(dtype, &low, &high);
    if (kind == TDAG_REDUCE_SUM || kind == TDAG_REDUCE_MEAN) {
        if (is_float) one.f = 0;
    } else if (is_float) {
        one.f = kind == TDAG_REDUCE_PRODUCT ? 1
                : kind == TDAG_REDUCE_MIN   ? (double)INFINITY
                                            : -(double)INFINITY;
    } else {
        one.i = kind == TDAG_REDUCE_PRODUCT ? 1 : kind == TDAG_REDUCE_MIN ? high : low;
    }
    return one;
}

void tdagi_combine(tdag_dtype dtype, tdag_reduction kind, tdagi_number *into,
                   int64_t step, const void *from, int64_t n)
{
    tdagi_row row;
    bool is_float = tdag_dtype_is_float(dtype);
    size_t size = tdag_dtype_size(dtype);
    while (n > 0) {
        int64_t m = n < TDAGI_CHUNK ? n : TDAGI_CHUNK;
        if (is_float) {
            tdagi_load_f64(dtype, from, m, row.f);
            combine_floats(kind, into, step, row.f, m);
        } else {
            tdagi_load_i64(dtype, from, m, row.i);
            combine_integers(kind, into, step, row.i, m);
        }
        from = tdagi_const_at(from, m, size);
        into += m * step;
        n -= m;
    }
}

void tdagi_load_numbers(tdag_dtype dtype, const void *from, int64_t n, tdagi_number *to)
{
    tdagi_row row;
    size_t size = tdag_dtype_size(dtype);
    while (n > 0) {
        int64_t m = n < TDAGI_CHUNK ? n : TDAGI_CHUNK;
        if (tdag_dtype_is_float(dtype)) {
            tdagi_load_f64(dtype, from, m, row.f);
            for (int64_t i = 0; i < m; i++)
                to[i].f = row.f[i];
        } else {
            tdagi_load_i64(dtype, from, m, row.i);
            for (int64_t i = 0; i < m; i++)
                to[i].i = row.i[i];
        }
        from = tdagi_const_at(from, m, size);
        to += m;
        n -= m;
    }
}

void tdagi_store_numbers(tdag_dtype dtype, const tdagi_number *from, int64_t n,
                         void *to)
{
    tdagi_row row;
    size_t size = tdag_dtype_size(dtype);
    while (n > 0) {
        int64_t m = n < TDAGI_CHUNK ? n : TDAGI_CHUNK;
        if (tdag_dtype_is_float(dtype)) {
            for (int64_t i = 0; i < m; i++)
                row.f[i] = from[i].f;
            tdagi_store_f64(dtype, row.f, m, to);
        } else {
            for (int64_t i = 0; i < m; i++)
                row.i[i] = from[i].i;
            tdagi_store_i64(dtype, row.i, m, to);
        }
        from += m;
        to = tdagi_at(to, m, size);
        n -= m;
    }
}

tdag_status tdagi_accumulate(const tdagi_eval_call *call, tdag_reduction kind,
                             tdagi_loop *loop, int64_t mean_of)
{
    const tdag_tensor *x = call->inputs[0];
    int64_t count = call->out->count;
    void *block = NULL;
    TDAGI_TRY(
        tdagi_array_alloc(call->ctx, (size_t)count, sizeof(tdagi_number), &block));
    tdagi_number *sums = block, identity = tdagi_identity(x->dtype, kind);
    for (int64_t i = 0; i < count; i++)
        sums[i] = identity;
    if (tdagi_loop_start(loop)) {
        size_t size = tdag_dtype_size(x->dtype);
        int64_t step = tdagi_loop_step(loop, 0), n = tdagi_loop_row(loop);
        do {
            tdagi_combine(x->dtype, kind, sums + loop->offset[0], step,
                          tdagi_const_at(x->data, loop->offset[1], size), n);
        } while (tdagi_loop_next(loop));
    }
    if (kind == TDAG_REDUCE_MEAN)
        for (int64_t i = 0; i < count; i++)
            sums[i].f /= (double)mean_of;
    tdagi_store_numbers(x->dtype, sums, count, call->out->data);
    tdagi_free(call->ctx, block, (size_t)count * sizeof(tdagi_number));
    return TDAG_OK;
}
