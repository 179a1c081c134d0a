/* Lowers the cases that expectations.py wrote with PyTorch, runs them by the reference
 * engine and compares dtype, shape and elements: once with the shapes as they are, once
 * with symbols in place of the sizes that the case names, whose samples may differ from
 * the sizes. All failing cases are named before the test fails. argv[1] is the file;
 * without it the test is skipped (exit status 77). argv[2], unless "": the one
 * composite to run; argv[3]: "native" for that engine. */
#include "support/test.h"

#include <inttypes.h>
#include <math.h>

#include <tdagger/run.h>

#include "derive/composites.h"

#define MAX_NUMBERS 64
#define MAX_INPUTS  8
#define MAX_SYMBOLS 8

typedef struct one_case {
    char name[64], op[64];
    uint32_t n_inputs;
    int64_t ulps;
    double atol;
    const tdagi_composite_def *def;
    union {
        double align;
        unsigned char bytes[256];
    } spec;
    int64_t numbers[MAX_NUMBERS]; /* what the spec's lists point to */
    uint32_t n_numbers;
    char string[128]; /* what its string points to */
    uint32_t n_symbols;
    int64_t sizes[MAX_SYMBOLS], samples[MAX_SYMBOLS];
    tdag_tensor *inputs[MAX_INPUTS], *want; /* NULL: an input that is left out */
    tdag_tensor *bounds[2];                 /* f64, by engine; NULL: atol */
} one_case;

/* ---- sugar, as if it were composites ---- */

typedef struct sugar_spec {
    int64_t axis, step, descending;
    tdag_dim start, end;
    tdag_list shape;
} sugar_spec;

static const tdagi_field sugar_fields[] = {
    TDAGI_FIELD(sugar_spec, axis, INT),
    TDAGI_FIELD(sugar_spec, step, INT),
    TDAGI_FIELD(sugar_spec, descending, BOOL),
    TDAGI_FIELD(sugar_spec, start, DIM),
    TDAGI_FIELD(sugar_spec, end, DIM),
    TDAGI_FIELD(sugar_spec, shape, DIMS),
    {0},
};

#define SUGAR(name)                                                                    \
    static tdag_value name(tdag_builder *b, const tdag_value *in, uint32_t n,          \
                           const void *spec)

SUGAR(reshape)
{
    (void)n;
    const sugar_spec *s = spec;
    return tdagi_reshape(b, in[0], s->shape.n, s->shape.v);
}
SUGAR(expand)
{
    (void)n;
    const sugar_spec *s = spec;
    return tdagi_expand(b, in[0], s->shape.n, s->shape.v);
}
SUGAR(slice_assign)
{
    (void)n;
    const sugar_spec *s = spec;
    return tdagi_slice_assign(b, in[0], (uint32_t)s->axis, s->start, s->end, s->step,
                              in[1]);
}
SUGAR(stride)
{
    (void)n;
    const sugar_spec *s = spec;
    return tdagi_stride1(b, in[0], (uint32_t)s->axis, s->start, s->end, s->step);
}
SUGAR(pick)
{
    (void)n;
    const sugar_spec *s = spec;
    return tdagi_select1(b, in[0], (uint32_t)s->axis, s->start);
}
SUGAR(sorted) /* where: the values are the composite's */
{
    const sugar_spec *s = spec;
    tdag_value v[2];
    (void)n;
    tdagi_sort(b, in[0], s->axis, s->descending != 0, v);
    return v[1];
}
SUGAR(size_of)
{
    (void)n;
    const sugar_spec *s = spec;
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    return tdagi_dim_value(b, tdag_builder_get_shape(b, in[0])[s->axis]);
}

#define LOWERED_BY(function)                                                           \
    {                                                                                  \
        .spec_size = sizeof(sugar_spec), .fields = sugar_fields, .lower = function     \
    }
static const struct {
    const char *name;
    tdagi_composite_def def;
} sugar[] = {
    {"@reshape", LOWERED_BY(reshape)},
    {"@expand", LOWERED_BY(expand)},
    {"@slice_assign", LOWERED_BY(slice_assign)},
    {"@stride", LOWERED_BY(stride)},
    {"@select", LOWERED_BY(pick)},
    {"@sort", LOWERED_BY(sorted)},
    {"@size", LOWERED_BY(size_of)},
};

static int composite_of(const char *name)
{
    for (int id = 1; id < TDAGI_N_COMPOSITES; id++)
        if (strcmp(tdagi_composite_row_of((tdagi_composite)id)->name, name) == 0)
            return id;
    return 0;
}

static const tdagi_composite_def *def_of(const char *name)
{
    for (size_t i = 0; i < sizeof sugar / sizeof *sugar; i++)
        if (strcmp(sugar[i].name, name) == 0) return &sugar[i].def;
    if (composite_of(name) == 0) fail_msg("there is no composite %s", name);
    return tdagi_composite_row_of((tdagi_composite)composite_of(name))->def;
}

/* ---- reading ---- */

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
    if (strcmp(r->line, "none") == 0) return NULL;
    assert_string_equal(strtok(r->line, " "), "tensor");
    tdag_dtype dtype = tdag_dtype_from_name(strtok(NULL, " "));
    uint32_t rank = (uint32_t)strtoul(strtok(NULL, " "), NULL, 10);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = strtoll(strtok(NULL, " "), NULL, 10);
    TEST_OK(r->ctx, tdag_tensor_create(r->ctx, dtype, rank, shape, &t));
    if (t->size > 0) assert_int_equal(fread(t->data, 1, t->size, r->file), t->size);
    return t;
}

static void read_numbers(one_case *c, const tdagi_field *f, uint32_t n, void *at)
{
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

static void read_field(reader *r, one_case *c)
{
    assert_string_equal(strtok(r->line, " "), "field");
    const char *name = strtok(NULL, " ");
    uint32_t n = (uint32_t)strtoul(strtok(NULL, " "), NULL, 10);
    const tdagi_field *f = c->def->fields;
    while (f != NULL && f->name != NULL && strcmp(f->name, name) != 0)
        f++;
    if (f == NULL || f->name == NULL) {
        fail_msg("%s has no field %s", c->op, name);
        return;
    }
    void *at = c->spec.bytes + f->offset;
    if (f->kind == TDAGI_FIELD_F64) {
        double value = strtod(strtok(NULL, " "), NULL);
        memcpy(at, &value, sizeof value);
    } else if (f->kind == TDAGI_FIELD_STRING) {
        const char *string = c->string;
        snprintf(c->string, sizeof c->string, "%s", strtok(NULL, " "));
        memcpy(at, &string, sizeof string);
    } else {
        read_numbers(c, f, n, at);
    }
}

static void read_symbols(reader *r, one_case *c)
{
    assert_string_equal(strtok(r->line, " "), "symbols");
    c->n_symbols = (uint32_t)strtoul(strtok(NULL, " "), NULL, 10);
    assert_true(c->n_symbols <= MAX_SYMBOLS);
    for (uint32_t i = 0; i < c->n_symbols; i++) {
        c->sizes[i] = strtoll(strtok(NULL, " "), NULL, 10);
        c->samples[i] = strtoll(strtok(NULL, " "), NULL, 10);
    }
}

static bool read_case(reader *r, one_case *c)
{
    if (!next_line(r)) return false;
    memset(c, 0, sizeof *c);
    assert_int_equal(sscanf(r->line, "case %63s %63s %" SCNu32 " %" SCNd64 " %la",
                            c->name, c->op, &c->n_inputs, &c->ulps, &c->atol),
                     5);
    assert_true(c->n_inputs <= MAX_INPUTS);
    c->def = def_of(c->op);
    assert_true(c->def->spec_size <= sizeof c->spec);
    assert_true(next_line(r));
    read_symbols(r, c);
    assert_true(next_line(r));
    for (; strncmp(r->line, "field ", 6) == 0; assert_true(next_line(r)))
        read_field(r, c);
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        c->inputs[i] = read_tensor(r);
        assert_true(next_line(r));
    }
    c->want = read_tensor(r);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(next_line(r));
        c->bounds[i] = read_tensor(r);
    }
    return true;
}

/* ---- comparing ---- */

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

static double allowed(const one_case *c, tdag_engine engine, int64_t i)
{
    const tdag_tensor *bound = c->bounds[engine == TDAG_ENGINE_NATIVE];
    return c->atol + (bound != NULL ? tdagi_tensor_get_f64(bound, i) : 0);
}

static bool near(const one_case *c, tdag_engine engine, const tdag_tensor *got,
                 int64_t i)
{
    if (!tdag_dtype_is_float(got->dtype))
        return tdagi_tensor_get_i64(got, i) == tdagi_tensor_get_i64(c->want, i);
    double a = tdagi_tensor_get_f64(got, i), b = tdagi_tensor_get_f64(c->want, i);
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (c->ulps == 0 && c->atol == 0 && c->bounds[0] == NULL)
        return a == b && signbit(a) == signbit(b);
    if (a == b || fabs(a - b) <= allowed(c, engine, i)) return true;
    if (signbit(a) != signbit(b)) return false;
    int64_t apart = float_order(got, i) - float_order(c->want, i);
    return apart <= c->ulps && -apart <= c->ulps;
}

/* Writes what is wrong, "" if nothing is. */
static void compare(const one_case *c, tdag_engine engine, const tdag_tensor *got,
                    char *said, size_t room)
{
    int64_t n_wrong = 0;
    said[0] = '\0';
    if (got->dtype != c->want->dtype || got->rank != c->want->rank ||
        memcmp(got->shape, c->want->shape, got->rank * sizeof(int64_t)) != 0) {
        snprintf(said, room, "the result's type differs: %s of rank %u",
                 tdag_dtype_name(got->dtype), (unsigned)got->rank);
        return;
    }
    for (int64_t i = 0; i < got->count; i++) {
        if (near(c, engine, got, i)) continue;
        const tdag_tensor *x = c->inputs[0];
        if (n_wrong++ == 0)
            snprintf(said, room,
                     "element %" PRId64 " is %.9g, PyTorch has %.9g (of %.9g)", i,
                     tdagi_tensor_get_f64(got, i), tdagi_tensor_get_f64(c->want, i),
                     x->count == got->count ? tdagi_tensor_get_f64(x, i) : 0);
    }
    if (n_wrong > 1)
        snprintf(said + strlen(said), room - strlen(said),
                 "; %" PRId64 " of %" PRId64 " differ", n_wrong, got->count);
}

/* ---- lowering and running ---- */

static tdag_value add_input(tdag_builder *b, const one_case *c, uint32_t i,
                            bool symbolic)
{
    char name[16];
    tdag_dim shape[TDAG_MAX_RANK];
    const tdag_tensor *t = c->inputs[i];
    for (uint32_t k = 0; k < t->rank; k++) {
        shape[k] = t->shape[k];
        for (uint32_t s = 0; symbolic && s < c->n_symbols; s++)
            if (c->sizes[s] == t->shape[k]) {
                snprintf(name, sizeof name, "S%" PRId64, c->sizes[s]);
                shape[k] = tdag_builder_symbol(b, name, c->samples[s]);
                break;
            }
    }
    snprintf(name, sizeof name, "in%u", (unsigned)i);
    return tdag_add_input(b, name, t->dtype, t->rank, shape);
}

static tdag_status lower_case(tdag_ctx *ctx, const one_case *c, bool symbolic,
                              tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdag_value in[MAX_INPUTS] = {{0}};
    TDAGI_TRY(tdag_builder_create(ctx, &b));
    for (uint32_t i = 0; i < c->n_inputs; i++)
        if (c->inputs[i] != NULL) in[i] = add_input(b, c, i, symbolic);
    int id = composite_of(c->op);
    const void *spec = c->def->spec_size > 0 ? &c->spec : NULL;
    tdag_value y = id != 0 ? tdagi_lower(b, (tdagi_composite)id, in, c->n_inputs, spec)
                           : c->def->lower(b, in, c->n_inputs, spec);
    tdag_builder_add_output(b, y);
    tdag_status st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

static void run_case(tdag_ctx *ctx, const one_case *c, bool symbolic,
                     tdag_engine engine, char *said, size_t room)
{
    tdag_graph *graph = NULL;
    tdag_tensor *inputs[MAX_INPUTS], *got = NULL;
    uint32_t n = 0;
    tdag_run_options options;
    tdag_run_options_init(&options);
    options.engine = engine;
    for (uint32_t i = 0; i < c->n_inputs; i++)
        if (c->inputs[i] != NULL) inputs[n++] = c->inputs[i];
    tdag_status st = lower_case(ctx, c, symbolic, &graph);
    if (st == TDAG_OK) st = tdag_verify(ctx, graph);
    if (st == TDAG_OK) st = tdag_graph_run(ctx, graph, inputs, n, &options, &got);
    if (st == TDAG_OK)
        compare(c, engine, got, said, room);
    else
        snprintf(said, room, "%s", tdag_ctx_get_error(ctx)->message);
    tdag_graph_free(graph);
    tdag_tensor_free(got);
}

static const char *expectations_path;
static const char *only; /* argv[2]: the op to run */
static tdag_engine engine = TDAG_ENGINE_REFERENCE;

static void free_case(one_case *c)
{
    for (uint32_t i = 0; i < c->n_inputs; i++)
        tdag_tensor_free(c->inputs[i]);
    tdag_tensor_free(c->want);
    tdag_tensor_free(c->bounds[0]);
    tdag_tensor_free(c->bounds[1]);
}

static void test_cases(void **state)
{
    (void)state;
    bool seen[TDAGI_N_COMPOSITES] = {false};
    int64_t n = 0, n_symbolic = 0, n_failed = 0;
    char said[256];
    one_case c;
    tdag_ctx *ctx = test_ctx();
    reader r = {.ctx = ctx, .file = fopen(expectations_path, "rb")};
    assert_non_null(r.file);
    for (; read_case(&r, &c); free_case(&c)) {
        seen[composite_of(c.op)] = true;
        if (only != NULL && strcmp(only, c.op) != 0) continue;
        for (int symbolic = 0; symbolic < (c.n_symbols > 0 ? 2 : 1); symbolic++) {
            run_case(ctx, &c, symbolic != 0, engine, said, sizeof said);
            n_symbolic += symbolic;
            n += !symbolic;
            if (said[0] == '\0') continue;
            n_failed++;
            print_message("%s %s%s: %s\n", c.op, c.name, symbolic ? " symbolic" : "",
                          said);
        }
    }
    fclose(r.file);
    for (int id = 1; id < TDAGI_N_COMPOSITES; id++)
        if (!seen[id])
            fail_msg("%s has no case",
                     tdagi_composite_row_of((tdagi_composite)id)->name);
    print_message("%" PRId64 " cases, %" PRId64 " of them with symbols too\n", n,
                  n_symbolic);
    if (n_failed > 0) fail_msg("%" PRId64 " failures", n_failed);
    tdag_ctx_free(ctx);
}

static tdag_status lower_body(tdag_ctx *ctx, void *arg)
{
    tdag_graph *graph = NULL;
    tdag_status st = lower_case(ctx, arg, true, &graph);
    tdag_graph_free(graph);
    return st;
}

/* The first case of each composite and sugar, with every allocation failing in turn. */
static void test_memory(void **state)
{
    (void)state;
    char last[64] = "";
    bool seen[TDAGI_N_COMPOSITES] = {false};
    one_case c;
    tdag_ctx *ctx = test_ctx();
    reader r = {.ctx = ctx, .file = fopen(expectations_path, "rb")};
    assert_non_null(r.file);
    for (; read_case(&r, &c); free_case(&c)) {
        int id = composite_of(c.op);
        if (id == 0 ? strcmp(last, c.op) == 0 : seen[id]) continue;
        seen[id] = true;
        memcpy(last, c.op, sizeof last);
        test_every_oom(lower_body, &c);
    }
    fclose(r.file);
    tdag_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    expectations_path = argc < 2 ? EXPECTATIONS : argv[1];
    only = argc < 3 || argv[2][0] == '\0' ? NULL : argv[2];
    if (argc > 3 && strcmp(argv[3], "native") == 0) engine = TDAG_ENGINE_NATIVE;
    FILE *file = fopen(expectations_path, "rb");
    if (file == NULL) return 77;
    fclose(file);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
