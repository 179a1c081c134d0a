/* See text_number.h. Floats take the fewest digits that read back to the same bits. */
#include "ir/text/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The bits of element i, in the low bytes. */
static uint64_t element_bits(const tdag_tensor *t, int64_t i)
{
    size_t size = tdag_dtype_size(t->dtype);
    const unsigned char *from = (const unsigned char *)t->data + (size_t)i * size;
    uint64_t b64;
    uint32_t b32;
    uint16_t b16;
    switch (size) {
    case 8:
        memcpy(&b64, from, 8);
        return b64;
    case 4:
        memcpy(&b32, from, 4);
        return b32;
    case 2:
        memcpy(&b16, from, 2);
        return b16;
    default:
        return *from;
    }
}

static void set_element_bits(tdag_tensor *t, int64_t i, uint64_t bits)
{
    size_t size = tdag_dtype_size(t->dtype);
    unsigned char *to = (unsigned char *)t->data + (size_t)i * size;
    uint32_t b32 = (uint32_t)bits;
    uint16_t b16 = (uint16_t)bits;
    if (size == 8)
        memcpy(to, &bits, 8);
    else if (size == 4)
        memcpy(to, &b32, 4);
    else if (size == 2)
        memcpy(to, &b16, 2);
}

/* A scratch tensor of one element of some dtype, on the stack. */
typedef struct one_element {
    tdag_tensor tensor;
    uint64_t data;
} one_element;

static void one_init(one_element *one, tdag_dtype dtype)
{
    memset(one, 0, sizeof *one);
    one->tensor.dtype = dtype;
    one->tensor.count = 1;
    one->tensor.data = &one->data;
}

static void float_text(const tdag_tensor *t, int64_t i,
                       char buf[TDAGI_NUMBER_TEXT_SIZE])
{
    double value = tdagi_tensor_get_f64(t, i);
    uint64_t bits = element_bits(t, i);
    one_element again;
    one_init(&again, t->dtype);
    int fewest = t->dtype == TDAG_F64 ? 15 : t->dtype == TDAG_F32 ? 6 : 1;
    for (int digits = fewest; digits <= 17; digits++) {
        tdagi_f64_text(value, digits, buf);
        if (tdagi_element_parse(&again.tensor, 0, buf, strlen(buf)) &&
            element_bits(&again.tensor, 0) == bits)
            return;
    }
    snprintf(buf, TDAGI_NUMBER_TEXT_SIZE, "nan(0x%llx)", (unsigned long long)bits);
}

void tdagi_element_text(const tdag_tensor *t, int64_t i,
                        char buf[TDAGI_NUMBER_TEXT_SIZE])
{
    if (tdag_dtype_is_float(t->dtype))
        float_text(t, i, buf);
    else if (t->dtype == TDAG_BOOL)
        strcpy(buf, tdagi_tensor_get_i64(t, i) != 0 ? "true" : "false");
    else
        snprintf(buf, TDAGI_NUMBER_TEXT_SIZE, "%lld",
                 (long long)tdagi_tensor_get_i64(t, i));
}

/* nan(0x...): bits that must be a NaN of the dtype. */
static bool parse_bits(tdag_tensor *t, int64_t i, const char *text, size_t n)
{
    uint64_t bits = 0;
    if (n < 8 || n > 23 || memcmp(text, "nan(0x", 6) != 0 || text[n - 1] != ')')
        return false;
    for (size_t k = 6; k < n - 1; k++) {
        char c = text[k];
        if (c >= '0' && c <= '9')
            bits = bits << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            bits = bits << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    set_element_bits(t, i, bits);
    return element_bits(t, i) == bits && isnan(tdagi_tensor_get_f64(t, i));
}

static bool parse_float(tdag_tensor *t, int64_t i, const char *text, size_t n)
{
    double value;
    if (parse_bits(t, i, text, n)) return true;
    if (!tdagi_f64_parse(text, n, &value)) return false;
    tdagi_tensor_set_f64(t, i, value);
    return isinf(value) || !isinf(tdagi_tensor_get_f64(t, i));
}

static bool parse_integer(tdag_tensor *t, int64_t i, const char *text, size_t n)
{
    bool negative = n > 0 && text[0] == '-';
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (n == (negative ? 1u : 0u)) return false;
    for (size_t k = negative; k < n; k++) {
        if (text[k] < '0' || text[k] > '9') return false;
        uint64_t digit = (uint64_t)(text[k] - '0');
        if (magnitude > (limit - digit) / 10) return false;
        magnitude = magnitude * 10 + digit;
    }
    int64_t value = !negative               ? (int64_t)magnitude
                    : magnitude > INT64_MAX ? INT64_MIN
                                            : -(int64_t)magnitude;
    tdagi_tensor_set_i64(t, i, value);
    return tdagi_tensor_get_i64(t, i) == value;
}

bool tdagi_element_parse(tdag_tensor *t, int64_t i, const char *text, size_t n)
{
    if (tdag_dtype_is_float(t->dtype)) return parse_float(t, i, text, n);
    if (t->dtype != TDAG_BOOL) return parse_integer(t, i, text, n);
    bool yes = n == 4 && memcmp(text, "true", 4) == 0;
    tdagi_tensor_set_i64(t, i, yes);
    return yes || (n == 5 && memcmp(text, "false", 5) == 0);
}

void tdagi_double_text(double value, char buf[TDAGI_NUMBER_TEXT_SIZE])
{
    one_element one;
    one_init(&one, TDAG_F64);
    memcpy(&one.data, &value, sizeof value);
    tdagi_element_text(&one.tensor, 0, buf);
}

bool tdagi_double_parse(const char *text, size_t n, double *out)
{
    one_element one;
    one_init(&one, TDAG_F64);
    if (!tdagi_element_parse(&one.tensor, 0, text, n)) return false;
    memcpy(out, &one.data, sizeof *out);
    return true;
}
