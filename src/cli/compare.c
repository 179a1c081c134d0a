/* Comparing two tensors: tolerances, the worst element, and how that is printed. */
#include "cli/cli.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/half.h"
#include "base/number_text.h"

static double read_float(tdag_dtype dtype, const unsigned char *at)
{
    double d;
    float f;
    uint16_t half;
    if (dtype == TDAG_F64) {
        memcpy(&d, at, sizeof(d));
        return d;
    }
    if (dtype == TDAG_F32) {
        memcpy(&f, at, sizeof(f));
        return (double)f;
    }
    memcpy(&half, at, sizeof(half));
    return (double)(dtype == TDAG_F16 ? tdagi_f16_to_f32(half)
                                      : tdagi_bf16_to_f32(half));
}

static int64_t read_int(tdag_dtype dtype, const unsigned char *at)
{
    int64_t i64;
    int32_t i32;
    int16_t i16;
    int8_t i8;
    if (dtype == TDAG_I64) return memcpy(&i64, at, sizeof(i64)), i64;
    if (dtype == TDAG_I32) return memcpy(&i32, at, sizeof(i32)), i32;
    if (dtype == TDAG_I16) return memcpy(&i16, at, sizeof(i16)), i16;
    if (dtype == TDAG_I8) return memcpy(&i8, at, sizeof(i8)), i8;
    return *at;
}

static double largest(tdag_dtype dtype, const unsigned char *data, int64_t n)
{
    double most = 0;
    size_t size = tdag_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++) {
        double x = fabs(read_float(dtype, data + (size_t)i * size));
        if (isfinite(x) && x > most) most = x;
    }
    return most;
}

/* Without options a float may differ by rtol of itself plus a part of the output's
 * largest value, since the rounding errors of a sum are as large as its terms. */
static void choose_tolerance(const cli *c, tdag_dtype dtype, const tdag_tensor *b,
                             cli_comparison *out)
{
    memset(out, 0, sizeof(*out));
    if (!tdag_dtype_is_float(dtype)) return;
    if (c->given & (CLI_RTOL | CLI_ATOL)) {
        out->rtol = c->rtol;
        out->atol = c->atol;
        return;
    }
    double part = dtype == TDAG_F64   ? 1e-10
                  : dtype == TDAG_F32 ? 1e-4
                  : dtype == TDAG_F16 ? 1e-2
                                      : 4e-2;
    out->rtol = dtype == TDAG_F64 ? 1e-9 : dtype == TDAG_F32 ? 1e-3 : part;
    out->atol =
        part * largest(dtype, tdag_tensor_get_data(b), tdag_tensor_get_count(b));
}

static void note(cli_comparison *c, int64_t i, double abs, double b, bool bad)
{
    double rel = b == 0 ? (abs == 0 ? 0 : INFINITY) : abs / fabs(b);
    if (abs > c->max_abs || isnan(abs)) c->max_abs = abs;
    if (rel > c->max_rel || isnan(rel)) c->max_rel = rel;
    if (!bad) return;
    if (c->n_bad++ == 0) c->first_bad = i;
}

static void compare_floats(const tdag_tensor *a, const tdag_tensor *b,
                           cli_comparison *c)
{
    tdag_dtype dtype = tdag_tensor_get_dtype(a);
    size_t size = tdag_dtype_size(dtype);
    const unsigned char *pa = tdag_tensor_get_data(a), *pb = tdag_tensor_get_data(b);
    for (int64_t i = 0; i < tdag_tensor_get_count(a); i++) {
        double x = read_float(dtype, pa + (size_t)i * size);
        double y = read_float(dtype, pb + (size_t)i * size);
        if (x == y || (isnan(x) && isnan(y))) continue;
        double abs = fabs(x - y);
        note(c, i, isnan(abs) ? INFINITY : abs, y,
             !(isfinite(y) && abs <= c->atol + c->rtol * fabs(y)));
    }
}

static void compare_ints(const tdag_tensor *a, const tdag_tensor *b, cli_comparison *c)
{
    tdag_dtype dtype = tdag_tensor_get_dtype(a);
    size_t size = tdag_dtype_size(dtype);
    const unsigned char *pa = tdag_tensor_get_data(a), *pb = tdag_tensor_get_data(b);
    for (int64_t i = 0; i < tdag_tensor_get_count(a); i++) {
        int64_t x = read_int(dtype, pa + (size_t)i * size);
        int64_t y = read_int(dtype, pb + (size_t)i * size);
        if (x != y) note(c, i, fabs((double)x - (double)y), (double)y, true);
    }
}

void cli_print_errors(const cli_comparison *c)
{
    const double numbers[] = {c->max_abs, c->max_rel, c->rtol, c->atol};
    char text[4][TDAGI_NUMBER_TEXT_SIZE];
    for (int i = 0; i < 4; i++)
        tdagi_f64_text(numbers[i], 3, text[i]);
    printf("  max abs %s  max rel %s  (rtol %s, atol %s)", text[0], text[1], text[2],
           text[3]);
}

void cli_print_verdict(bool good, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  %s", cli_color(stdout, good ? CLI_GOOD : CLI_WRONG));
    vprintf(format, args);
    printf("%s\n", cli_color(stdout, CLI_PLAIN));
    va_end(args);
}

void cli_compare(const cli *c, const tdag_tensor *a, const tdag_tensor *b,
                 cli_comparison *out)
{
    choose_tolerance(c, tdag_tensor_get_dtype(a), b, out);
    if (tdag_dtype_is_float(tdag_tensor_get_dtype(a)))
        compare_floats(a, b, out);
    else
        compare_ints(a, b, out);
}

bool cli_same_type(const tdag_tensor *a, const tdag_tensor *b)
{
    uint32_t rank = tdag_tensor_get_rank(a);
    return tdag_tensor_get_dtype(a) == tdag_tensor_get_dtype(b) &&
           rank == tdag_tensor_get_rank(b) &&
           memcmp(tdag_tensor_get_shape(a), tdag_tensor_get_shape(b),
                  rank * sizeof(int64_t)) == 0;
}
