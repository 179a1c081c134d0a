/* tdag verify: two models on the same inputs, every output compared. */
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/number_text.h"

/* ---- one output ---- */

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

static void type_text(const tdag_tensor *t, char *buf, size_t size)
{
    tdag_input_spec spec;
    cli_spec_of_tensor(t, &spec);
    cli_spec_text(&spec, buf, size);
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

/* One line on standard output; true if the outputs agree. */
static bool compare_output(const cli *c, uint32_t i, const tdag_tensor *a,
                           const tdag_tensor *b)
{
    char type_a[256], type_b[256];
    type_text(a, type_a, sizeof(type_a));
    type_text(b, type_b, sizeof(type_b));
    if (!cli_same_type(a, b)) {
        printf("out%u  %s against %s", (unsigned)i, type_a, type_b);
        cli_print_verdict(false, "DIFFERS");
        return false;
    }
    cli_comparison result;
    cli_compare(c, a, b, &result);
    printf("out%u  %s", (unsigned)i, type_a);
    cli_print_errors(&result);
    if (result.n_bad == 0)
        cli_print_verdict(true, "ok");
    else
        cli_print_verdict(
            false, "DIFFERS in %" PRId64 " of %" PRId64 " elements, first %" PRId64,
            result.n_bad, tdag_tensor_get_count(a), result.first_bad);
    return result.n_bad == 0;
}

/* ---- both models ---- */
static int compare(const cli *c, const cli_outputs *a, const cli_outputs *b)
{
    if (a->n != b->n) {
        printf("%s has %u outputs, %s has %u", c->files[0], (unsigned)a->n, c->files[1],
               (unsigned)b->n);
        cli_print_verdict(false, "DIFFERS");
        return CLI_NO;
    }
    bool equal = true;
    for (uint32_t i = 0; i < a->n; i++)
        if (!compare_output(c, i, a->tensors[i], b->tensors[i])) equal = false;
    return equal ? CLI_DONE : CLI_NO;
}

/* What the first model declares that declares its inputs; it stays in *model_out, which
 * lends their names. */
static int declared_inputs(cli *c, cli_inputs *out, tdag_model **model_out)
{
    const cli_inputs none = {0};
    for (int i = 0; i < 2; i++) {
        cli_format format = CLI_UNKNOWN;
        int status = cli_format_of_file(c->files[i], &format);
        if (status == CLI_DONE && format == CLI_TORCHSCRIPT) continue;
        if (status == CLI_DONE) status = cli_load(c, c->files[i], &none, model_out);
        if (status == CLI_DONE)
            status = cli_inputs_of_graph(tdag_model_get_graph(*model_out), out);
        return status;
    }
    return cli_fail(CLI_USAGE,
                    "neither file stores the shapes of its inputs: give one -i "
                    "DTYPE[DIMS] per input, --like or --in");
}

static int run_both(cli *c, const cli_inputs *inputs, tdag_tensor *const *values)
{
    cli_outputs a = {0}, b = {0};
    int status = cli_execute(c, c->files[0], c->engine, inputs, values, &a);
    if (status == CLI_DONE)
        status = cli_execute(c, c->files[1], c->engine_b, inputs, values, &b);
    cli_progress(c, "comparing", "outputs");
    if (status == CLI_DONE) status = compare(c, &a, &b);
    cli_outputs_free(&a);
    cli_outputs_free(&b);
    if (status == CLI_NO && c->given & CLI_FIRST)
        status = cli_find_first(c, inputs, values);
    return status;
}

static int verify(cli *c, const cli_inputs *inputs)
{
    if (c->in != NULL) return run_both(c, inputs, inputs->values);
    tdag_tensor **values = calloc((size_t)inputs->n + 1, sizeof(*values));
    if (values == NULL) return cli_fail(CLI_BAD, "out of memory");
    int status = cli_random_tensors(c, inputs, values);
    if (status == CLI_DONE) status = run_both(c, inputs, values);
    for (uint32_t i = 0; i < inputs->n; i++)
        tdag_tensor_free(values[i]);
    free(values);
    return status;
}

/* Which engines run the two models. */
static int choose_engines(cli *c)
{
    if (c->given & CLI_FIRST) {
        bool same = strcmp(c->files[0], c->files[1]) == 0;
        if (c->engine_b == NULL)
            c->engine_b = c->engine != NULL ? c->engine : same ? "native" : "reference";
        if (c->engine == NULL) c->engine = "reference";
        if (strcmp(c->engine, "torch") == 0 || strcmp(c->engine_b, "torch") == 0)
            return cli_fail(CLI_USAGE,
                            "--first compares values of the engines native and "
                            "reference; PyTorch does not show its own");
    }
    if (c->engine_b == NULL) c->engine_b = c->engine;
    return CLI_DONE;
}

int cli_verify(cli *c)
{
    cli_inputs inputs = {0};
    tdag_model *model = NULL;
    bool given = c->in != NULL || c->like != NULL || c->n_inputs > 0;
    int status = choose_engines(c);
    if (status != CLI_DONE) return status;
    status = given ? cli_inputs_get(c, &inputs) : declared_inputs(c, &inputs, &model);
    if (status == CLI_DONE) status = verify(c, &inputs);
    cli_inputs_free(c, &inputs);
    tdag_model_free(model);
    return status;
}
