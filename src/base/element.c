/* Single elements of tensors as numbers, for every dtype. Slow and general; kernels
 * have their own loops. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/tensor.h"

/* Truncates, saturates to low..high, NaN is 0. */
static int64_t saturate(double value, int64_t low, int64_t high)
{
    if (isnan(value)) return 0;
    if (value <= (double)low) return low;
    if (value >= (double)high) return high;
    return (int64_t)value;
}

/* A typed view of the elements; cases of the dtypes in one place. */
typedef union element_ptr {
    const void *any;
    const double *f64;
    const float *f32;
    const uint16_t *half;
    const int64_t *i64;
    const int32_t *i32;
    const int16_t *i16;
    const int8_t *i8;
    const uint8_t *u8;
} element_ptr;

double tdagi_tensor_get_f64(const tdag_tensor *t, int64_t i)
{
    const element_ptr p = {t->data};
    switch (t->dtype) {
    case TDAG_F64:
        return p.f64[i];
    case TDAG_F32:
        return (double)p.f32[i];
    case TDAG_F16:
        return (double)tdagi_f16_to_f32(p.half[i]);
    case TDAG_BF16:
        return (double)tdagi_bf16_to_f32(p.half[i]);
    case TDAG_I64:
    case TDAG_I32:
    case TDAG_I16:
    case TDAG_I8:
    case TDAG_U8:
    case TDAG_BOOL:
        return (double)tdagi_tensor_get_i64(t, i);
    case TDAG_DTYPE_NONE:
        break;
    }
    return 0;
}

int64_t tdagi_tensor_get_i64(const tdag_tensor *t, int64_t i)
{
    const element_ptr p = {t->data};
    switch (t->dtype) {
    case TDAG_F64:
    case TDAG_F32:
    case TDAG_F16:
    case TDAG_BF16:
        return saturate(tdagi_tensor_get_f64(t, i), INT64_MIN, INT64_MAX);
    case TDAG_I64:
        return p.i64[i];
    case TDAG_I32:
        return p.i32[i];
    case TDAG_I16:
        return p.i16[i];
    case TDAG_I8:
        return p.i8[i];
    case TDAG_U8:
        return p.u8[i];
    case TDAG_BOOL:
        return p.u8[i] != 0;
    case TDAG_DTYPE_NONE:
        break;
    }
    return 0;
}

/* Stores an integer that wraps, into an integer dtype. Two's complement is cut by
 * memcpy from an unsigned value, which C defines; casts to narrower signed types it
 * does not. */
static void store_wrapped(tdag_tensor *t, int64_t i, int64_t value)
{
    uint64_t u = (uint64_t)value;
    uint32_t u32 = (uint32_t)u;
    uint16_t u16 = (uint16_t)u;
    uint8_t u8 = (uint8_t)u;
    size_t size = tdag_dtype_size(t->dtype);
    const void *from = size == 8   ? (const void *)&u
                       : size == 4 ? (const void *)&u32
                       : size == 2 ? (const void *)&u16
                                   : (const void *)&u8;
    memcpy((unsigned char *)t->data + (size_t)i * size, from, size);
}

static void store_float(tdag_tensor *t, int64_t i, double value)
{
    if (t->dtype == TDAG_F64)
        ((double *)t->data)[i] = value;
    else if (t->dtype == TDAG_F32)
        ((float *)t->data)[i] = (float)value;
    else
        ((uint16_t *)t->data)[i] =
            t->dtype == TDAG_F16 ? tdagi_f64_to_f16(value) : tdagi_f64_to_bf16(value);
}

void tdagi_tensor_set_f64(tdag_tensor *t, int64_t i, double value)
{
    switch (tdagi_dtype_class(t->dtype)) {
    case 'f':
        store_float(t, i, value);
        break;
    case 'b':
        store_wrapped(t, i, value != 0);
        break;
    case 'u':
        store_wrapped(t, i, saturate(value, 0, UINT8_MAX));
        break;
    case 'i': {
        int bits = (int)tdag_dtype_size(t->dtype) * 8;
        int64_t high = INT64_MAX >> (64 - bits);
        store_wrapped(t, i, saturate(value, -high - 1, high));
        break;
    }
    default:
        break;
    }
}

void tdagi_tensor_set_i64(tdag_tensor *t, int64_t i, int64_t value)
{
    switch (tdagi_dtype_class(t->dtype)) {
    case 'f':
        if (t->dtype == TDAG_F32)
            ((float *)t->data)[i] =
                (float)value; /* not by way of double: one rounding */
        else
            store_float(t, i, (double)value);
        break;
    case 'b':
        store_wrapped(t, i, value != 0);
        break;
    default:
        store_wrapped(t, i, value);
        break;
    }
}
