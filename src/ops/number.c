/* Conversions of rows; see number.h. Integers wrap by way of unsigned types, whose
 * conversion to a signed type of the same size every supported compiler defines as
 * two's complement. */
#include "ops/number.h"

#include <math.h>

#include "base/half.h"
#include "base/tensor.h"

#define LOAD(type, to_type)                                                            \
    do {                                                                               \
        const type *p = from;                                                          \
        for (int64_t i = 0; i < n; i++)                                                \
            to[i] = (to_type)p[i];                                                     \
    } while (0)

void tdagi_load_half(tdag_dtype dtype, const void *from, int64_t n, float *to)
{
    const uint16_t *p = from;
    if (dtype == TDAG_F16)
        for (int64_t i = 0; i < n; i++)
            to[i] = tdagi_f16_to_f32(p[i]);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = tdagi_bf16_to_f32(p[i]);
}

void tdagi_store_half(tdag_dtype dtype, const float *from, int64_t n, void *to)
{
    uint16_t *p = to;
    if (dtype == TDAG_F16)
        for (int64_t i = 0; i < n; i++)
            p[i] = tdagi_f32_to_f16(from[i]);
    else
        for (int64_t i = 0; i < n; i++)
            p[i] = tdagi_f32_to_bf16(from[i]);
}

void tdagi_load_i64(tdag_dtype dtype, const void *from, int64_t n, int64_t *to)
{
    switch (dtype) {
    case TDAG_I64:
        LOAD(int64_t, int64_t);
        break;
    case TDAG_I32:
        LOAD(int32_t, int64_t);
        break;
    case TDAG_I16:
        LOAD(int16_t, int64_t);
        break;
    case TDAG_I8:
        LOAD(int8_t, int64_t);
        break;
    case TDAG_U8:
        LOAD(uint8_t, int64_t);
        break;
    case TDAG_BOOL:
        LOAD(uint8_t, int64_t) /* anything but 0 is true */;
        for (int64_t i = 0; i < n; i++)
            to[i] = to[i] != 0;
        break;
    case TDAG_F64:
    case TDAG_F32:
    case TDAG_F16:
    case TDAG_BF16:
    case TDAG_DTYPE_NONE:
        break;
    }
}

void tdagi_load_f64(tdag_dtype dtype, const void *from, int64_t n, double *to)
{
    switch (dtype) {
    case TDAG_F64:
        LOAD(double, double);
        break;
    case TDAG_F32:
        LOAD(float, double);
        break;
    case TDAG_F16: {
        const uint16_t *p = from;
        for (int64_t i = 0; i < n; i++)
            to[i] = (double)tdagi_f16_to_f32(p[i]);
        break;
    }
    case TDAG_BF16: {
        const uint16_t *p = from;
        for (int64_t i = 0; i < n; i++)
            to[i] = (double)tdagi_bf16_to_f32(p[i]);
        break;
    }
    case TDAG_I64:
        LOAD(int64_t, double);
        break;
    case TDAG_I32:
        LOAD(int32_t, double);
        break;
    case TDAG_I16:
        LOAD(int16_t, double);
        break;
    case TDAG_I8:
        LOAD(int8_t, double);
        break;
    case TDAG_U8:
        LOAD(uint8_t, double);
        break;
    case TDAG_BOOL:
        LOAD(uint8_t, double);
        for (int64_t i = 0; i < n; i++)
            to[i] = to[i] != 0;
        break;
    case TDAG_DTYPE_NONE:
        break;
    }
}

#define STORE_WRAPPED(type, unsigned_type)                                             \
    do {                                                                               \
        type *p = to;                                                                  \
        for (int64_t i = 0; i < n; i++)                                                \
            p[i] = (type)(unsigned_type)from[i];                                       \
    } while (0)
#define STORE(type, value)                                                             \
    do {                                                                               \
        type *p = to;                                                                  \
        for (int64_t i = 0; i < n; i++)                                                \
            p[i] = (value);                                                            \
    } while (0)

void tdagi_store_i64(tdag_dtype dtype, const int64_t *from, int64_t n, void *to)
{
    switch (dtype) {
    case TDAG_F64:
        STORE(double, (double)from[i]);
        break;
    case TDAG_F32:
        STORE(float, (float)from[i]);
        break;
    case TDAG_F16:
        STORE(uint16_t, tdagi_f64_to_f16((double)from[i]));
        break;
    case TDAG_BF16:
        STORE(uint16_t, tdagi_f64_to_bf16((double)from[i]));
        break;
    case TDAG_I64:
        STORE(int64_t, from[i]);
        break;
    case TDAG_I32:
        STORE_WRAPPED(int32_t, uint32_t);
        break;
    case TDAG_I16:
        STORE_WRAPPED(int16_t, uint16_t);
        break;
    case TDAG_I8:
        STORE_WRAPPED(int8_t, uint8_t);
        break;
    case TDAG_U8:
        STORE(uint8_t, (uint8_t)from[i]);
        break;
    case TDAG_BOOL:
        STORE(uint8_t, (uint8_t)(from[i] != 0));
        break;
    case TDAG_DTYPE_NONE:
        break;
    }
}

/* Truncates, saturates, NaN is 0. */
static int64_t saturate(double value, int64_t low, int64_t high)
{
    if (isnan(value)) return 0;
    if (value <= (double)low) return low;
    if (value >= (double)high) return high;
    return (int64_t)value;
}

static void store_integers(tdag_dtype dtype, const double *from, int64_t n, void *to)
{
    int64_t low, high, chunk[TDAGI_CHUNK];
    size_t size = tdag_dtype_size(dtype);
    tdagi_integer_range(dtype, &low, &high);
    while (n > 0) {
        int64_t m = n < TDAGI_CHUNK ? n : TDAGI_CHUNK;
        if (dtype == TDAG_BOOL)
            for (int64_t i = 0; i < m; i++)
                chunk[i] = from[i] != 0;
        else
            for (int64_t i = 0; i < m; i++)
                chunk[i] = saturate(from[i], low, high);
        tdagi_store_i64(dtype, chunk, m, to);
        from += m;
        to = (unsigned char *)to + (size_t)m * size;
        n -= m;
    }
}

void tdagi_store_f64(tdag_dtype dtype, const double *from, int64_t n, void *to)
{
    if (dtype == TDAG_F64)
        STORE(double, from[i]);
    else if (dtype == TDAG_F32)
        STORE(float, (float)from[i]);
    else if (dtype == TDAG_F16)
        STORE(uint16_t, tdagi_f64_to_f16(from[i]));
    else if (dtype == TDAG_BF16)
        STORE(uint16_t, tdagi_f64_to_bf16(from[i]));
    else
        store_integers(dtype, from, n, to);
}

void tdagi_integer_range(tdag_dtype dtype, int64_t *low_out, int64_t *high_out)
{
    *low_out = 0;
    *high_out = dtype == TDAG_BOOL ? 1 : UINT8_MAX;
    if (tdagi_dtype_class(dtype) != 'i') return;
    *high_out = INT64_MAX >> (64 - 8 * (int)tdag_dtype_size(dtype));
    *low_out = -*high_out - 1;
}
