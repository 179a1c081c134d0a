/* Evaluates the cases that expectations.py wrote with PyTorch and compares: the
 * result's dtype and shape by the op's shape rule, then every element. argv[1] is the
 * file; without it the test is skipped (exit status 77). */
#include "support/test.h"

#include <inttypes.h>
#include <math.h>

#include "base/half.h"
#include "ir/graph.h"

#define MAX_NUMBERS 64

typedef struct one_case {
    char name[64], op[64];
    uint32_t n_inputs;
    int64_t ulps;
    double atol;
    bool fails;
    union {
        double align;
        unsigned char bytes[256];
    } spec;
    int64_t numbers[MAX_NUMBERS]; /* what the spec's lists point to */
    uint32_t n_numbers;
    tdag_tensor *inputs[3], *want;
} one_case;

typedef struct reader {
    tdag_ctx *ctx;
    FILE *file;
    char line[1024];
} reader;

static bool next_line(reader *r)
{
    if (fgets(r->line, sizeof r->line, r->file) == NULL) return false;
    r->line[strcspn(r->line, "\n")] = '\0';
    return true;
}

static tdag_tensor *read_tensor(reader *r)
{
    int64_t shape[TDAG_MAX_RANK];
    tdag_tensor *t = NULL;
    assert_string_equal(strtok(r->line, " "), "tensor");
    tdag_dtype dtype = tdag_dtype_from_name(strtok(NULL, " "));
    uint32_t rank = (uint32_t)strtoul(strtok(NULL, " "), NULL, 10);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = strtoll(strtok(NULL, " "), NULL, 10);
    TEST_OK(r->ctx, tdag_tensor_create(r->ctx, dtype, rank, shape, &t));
    if (t->size > 0) assert_int_equal(fread(t->data, 1, t->size, r->file), t->size);
    return t;
}

static void read_field(reader *r, one_case *c, const tdagi_field *fields)
{
    assert_string_equal(strtok(r->line, " "), "field");
    const char *name = strtok(NULL, " ");
    uint32_t n = (uint32_t)strtoul(strtok(NULL, " "), NULL, 10);
    const tdagi_field *f = fields;
    while (f->name != NULL && strcmp(f->name, name) != 0)
        f++;
    if (f->name == NULL) fail_msg("%s has no field %s", c->op, name);
    void *at = c->spec.bytes + f->offset;
    if (f->kind == TDAGI_FIELD_F64) {
        double value = strtod(strtok(NULL, " "), NULL);
        memcpy(at, &value, sizeof value);
        return;
    }
    assert_true(c->n_numbers + n <= MAX_NUMBERS);
    int64_t *numbers = c->numbers + c->n_numbers;
    c->n_numbers += n;
    for (uint32_t i = 0; i < n; i++)
        numbers[i] = strtoll(strtok(NULL, " "), NULL, 10);
    if (f->kind == TDAGI_FIELD_INTS || f->kind == TDAGI_FIELD_DIMS) {
        tdag_list list = {n, numbers};
        memcpy(at, &list, sizeof list);
    } else {
        assert_int_equal(n, 1);
        memcpy(at, numbers, sizeof *numbers);
    }
}

static bool read_case(reader *r, one_case *c)
{
    if (!next_line(r)) return false;
    memset(c, 0, sizeof *c);
    assert_int_equal(sscanf(r->line, "case %63s %63s %" SCNu32 " %" SCNd64 " %la",
                            c->name, c->op, &c->n_inputs, &c->ulps, &c->atol),
                     5);
    const tdagi_opdef *def = tdagi_op_row_of(tdag_op_from_name(c->op))->def;
    assert_true(def->spec_size <= sizeof c->spec);
    assert_true(next_line(r));
    for (; strncmp(r->line, "field ", 6) == 0; assert_true(next_line(r)))
        read_field(r, c, def->fields);
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        c->inputs[i] = read_tensor(r);
        assert_true(next_line(r));
    }
    c->fails = strcmp(r->line, "fail") == 0;
    if (!c->fails) c->want = read_tensor(r);
    return true;
}

/* Integers that are as far apart as the floats are, in units of the last place. */
static int64_t float_order(const tdag_tensor *t, int64_t i)
{
    int64_t bits = 0;
    if (t->dtype == TDAG_F64) {
        memcpy(&bits, (const double *)t->data + i, 8);
        return bits < 0 ? INT64_MIN - bits : bits;
    }
    if (t->dtype == TDAG_F32) {
        int32_t b;
        memcpy(&b, (const float *)t->data + i, 4);
        bits = b & INT32_MAX;
        return b < 0 ? -bits : bits;
    }
    int16_t h = ((const int16_t *)t->data)[i];
    bits = h & INT16_MAX;
    return h < 0 ? -bits : bits;
}

static bool near(const one_case *c, const tdag_tensor *got, int64_t i)
{
    if (!tdag_dtype_is_float(got->dtype))
        return tdagi_tensor_get_i64(got, i) == tdagi_tensor_get_i64(c->want, i);
    double a = tdagi_tensor_get_f64(got, i), b = tdagi_tensor_get_f64(c->want, i);
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (c->ulps == 0 && c->atol == 0) return a == b && signbit(a) == signbit(b);
    if (a == b || fabs(a - b) <= c->atol) return true;
    if (signbit(a) != signbit(b)) return false;
    int64_t apart = float_order(got, i) - float_order(c->want, i);
    return apart <= c->ulps && -apart <= c->ulps;
}

static void compare(const one_case *c, const tdag_tensor *got)
{
    for (int64_t i = 0; i < got->count; i++) {
        if (near(c, got, i)) continue;
        double x = c->n_inputs > 0 && c->inputs[0]->count > i
                       ? tdagi_tensor_get_f64(c->inputs[0], i)
                       : 0;
        double y = c->n_inputs > 1 && c->inputs[1]->count > i
                       ? tdagi_tensor_get_f64(c->inputs[1], i)
                       : 0;
        fail_msg("%s %s: element %" PRId64
                 " is %.17g, PyTorch has %.17g (operands there:"
                 " %.17g %.17g)",
                 c->op, c->name, i, tdagi_tensor_get_f64(got, i),
                 tdagi_tensor_get_f64(c->want, i), x, y);
    }
}

/* The result's type by the shape rule, as a tensor to be filled. */
static tdag_tensor *result_of(tdag_ctx *ctx, const tdagi_opdef *def, const one_case *c)
{
    tdagi_type inputs[3] = {0}, out = {0};
    tdag_tensor *t = NULL;
    tdagi_pool *pool = tdagi_pool_create(&ctx->allocator);
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        inputs[i].dtype = c->inputs[i]->dtype;
        inputs[i].rank = c->inputs[i]->rank;
        memcpy(inputs[i].shape, c->inputs[i]->shape, sizeof inputs[i].shape);
    }
    tdagi_shape_call call = {ctx, pool, &c->spec, c->n_inputs, inputs, &out};
    TEST_OK(ctx, def->shape(&call));
    tdagi_pool_free(pool);
    TEST_OK(ctx, tdag_tensor_create(ctx, out.dtype, out.rank, out.shape, &t));
    return t;
}

static void run_case(tdag_ctx *ctx, const one_case *c)
{
    const tdagi_opdef *def = tdagi_op_row_of(tdag_op_from_name(c->op))->def;
    const tdag_tensor *inputs[3] = {c->inputs[0], c->inputs[1], c->inputs[2]};
    tdag_tensor *got = result_of(ctx, def, c);
    if (got->size > 0) memset(got->data, 0xa5, got->size);
    tdagi_eval_call call = {ctx, &c->spec, c->n_inputs, inputs, got};
    tdag_status st = def->eval(&call);
    if (c->fails) {
        if (st != TDAG_E_ARG) fail_msg("%s %s is not refused", c->op, c->name);
    } else {
        if (st != TDAG_OK)
            fail_msg("%s %s: %s", c->op, c->name, tdag_ctx_get_error(ctx)->message);
        if (got->dtype != c->want->dtype || got->rank != c->want->rank ||
            memcmp(got->shape, c->want->shape, got->rank * sizeof(int64_t)) != 0)
            fail_msg("%s %s: the result's type differs", c->op, c->name);
        compare(c, got);
    }
    tdag_tensor_free(got);
}

static const char *expectations_path;

static void test_cases(void **state)
{
    (void)state;
    static const char *const never[] = {"input", "parameter", "buffer", "constant",
                                        "opaque"};
    bool seen[TDAGI_OP_CODES] = {false};
    int64_t n = 0;
    one_case c;
    tdag_ctx *ctx = test_ctx();
    reader r = {.ctx = ctx, .file = fopen(expectations_path, "rb")};
    assert_non_null(r.file);
    for (; read_case(&r, &c); n++) {
        seen[tdag_op_from_name(c.op)] = true;
        run_case(ctx, &c);
        for (uint32_t i = 0; i < c.n_inputs; i++)
            tdag_tensor_free(c.inputs[i]);
        tdag_tensor_free(c.want);
    }
    fclose(r.file);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        seen[tdag_op_from_name(never[i])] = true;
    for (uint32_t op = 1; op < TDAGI_OP_CODES; op++)
        if (tdagi_op_row_of(op) != NULL && !seen[op])
            fail_msg("%s has no case", tdag_op_name((tdag_op)op));
    print_message("%" PRId64 " cases\n", n);
    tdag_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    expectations_path = argc < 2 ? EXPECTATIONS : argv[1];
    FILE *file = fopen(expectations_path, "rb");
    if (file == NULL) return 77;
    fclose(file);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
