/* Programs written to Core ML: read again they do the same, call after call. With a
 * folder as argument the packages stay there with inputs and results, for
 * check_packages.py. */
#include <math.h>
#include <sys/stat.h>

#include <tdagger.h>
#include <tdagger/coreml.h>

#include "base/tensor.h"
#include "coreml/made.h"
#include "program/model.h"
#include "support/test.h"

enum { MOST = 12, N_CALLS = 3 };

static const char *folder; /* NULL: of the test */

static const char *path_of(const char *name, const char *ending)
{
    static char paths[4][512];
    static int n;
    char *path = paths[n++ % 4], file[128];
    snprintf(file, sizeof file, "%s%s", name, ending);
    if (folder != NULL) snprintf(path, 512, "%s/%s", folder, file);
    return folder != NULL ? path : made_path(file);
}

static tdag_model *parse(tdag_ctx *ctx, const char *text)
{
    tdag_model *m = NULL;
    if (tdag_model_parse(ctx, text, strlen(text), &m) != TDAG_OK)
        fail_msg("%s", tdag_ctx_get_error(ctx)->message);
    return m;
}

/* Counts are small, numbers change from call to call. */
static tdag_tensor *make_input(tdag_ctx *ctx, const tdagi_method *m, uint32_t i,
                               int call)
{
    const tdagi_var_info *is = tdagi_method_var(m, m->body.params[i]);
    int64_t shape[TDAG_MAX_RANK];
    tdag_tensor *t = NULL;
    for (uint32_t k = 0; k < is->rank; k++)
        shape[k] = tdagi_dim_sample(m->pool, is->shape[k]);
    TEST_OK(ctx, tdag_tensor_create(ctx, is->dtype, is->rank, shape, &t));
    for (int64_t k = 0; k < t->count; k++)
        tdagi_tensor_set_f64(t, k,
                             is->dtype == TDAG_BOOL  ? call % 2
                             : is->dtype == TDAG_I64 ? (double)call + 1
                                                     : (double)(k % 3 + call) - 1.5);
    return t;
}

/* The elements as the other model has them: in its dtype and sizes. */
static tdag_tensor *convert(tdag_ctx *ctx, const tdag_tensor *t, tdag_dtype dtype,
                            uint32_t rank)
{
    const int64_t one = 1;
    tdag_tensor *out = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, rank, t->rank == rank ? t->shape : &one,
                                    &out));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(out, i, tdagi_tensor_get_f64(t, i));
    return out;
}

static void free_all(tdag_tensor **t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(t[i]);
}

static void compare(const tdag_tensor *a, const tdag_tensor *b, double tolerance)
{
    assert_int_equal(a->count, b->count);
    for (int64_t i = 0; i < a->count; i++)
        assert_true(fabs(tdagi_tensor_get_f64(a, i) - tdagi_tensor_get_f64(b, i)) <=
                    tolerance);
}

/* What the other model is given and has to give, under the names of positions. */
static void keep(tdag_ctx *ctx, const char *name, int call, tdag_tensor **in,
                 uint32_t n_in, tdag_tensor **out, uint32_t n_out)
{
    char ending[40], names[2 * MOST][8];
    char *pointers[2 * MOST];
    tdag_tensor *all[2 * MOST];
    for (uint32_t i = 0; i < n_in + n_out; i++) {
        all[i] = i < n_in ? in[i] : out[i - n_in];
        snprintf(names[i], sizeof names[i], i < n_in ? "in%u" : "out%u",
                 (unsigned)(i < n_in ? i : i - n_in));
        pointers[i] = names[i];
    }
    snprintf(ending, sizeof ending, call == 0 ? ".io.safetensors" : ".io%d.safetensors",
             call);
    const tdag_named_tensors set = {
        .n = n_in + n_out, .names = pointers, .tensors = all};
    TEST_OK(ctx, tdag_tensors_save(ctx, path_of(name, ending), &set));
}

/* A method of both, several times, with what they remember. */
static void run_method(tdag_ctx *ctx, const tdag_model *a, const tdag_model *b,
                       const tdagi_method *m, const char *name, double tolerance)
{
    const tdagi_method *n = tdagi_model_method(b, m->name);
    tdag_run_options of_a, of_b;
    tdag_run_options_init(&of_a);
    assert_non_null(n);
    assert_int_equal(m->body.n_params, n->body.n_params);
    of_a.method = m->name;
    of_b = of_a;
    TEST_OK(ctx, tdag_state_create(ctx, a, &of_a.state));
    TEST_OK(ctx, tdag_state_create(ctx, b, &of_b.state));
    const uint32_t n_in = m->body.n_params, n_out = m->outputs->n_tensors;
    for (int call = 0; call < N_CALLS; call++) {
        tdag_tensor *in[MOST], *given[MOST], *want[MOST], *got[MOST];
        for (uint32_t i = 0; i < n_in; i++) {
            const tdagi_var_info *is = tdagi_method_var(n, n->body.params[i]);
            in[i] = make_input(ctx, m, i, call);
            given[i] = convert(ctx, in[i], is->dtype, is->rank);
        }
        TEST_OK(ctx, tdag_run(ctx, a, in, n_in, &of_a, want));
        TEST_OK(ctx, tdag_run(ctx, b, given, n_in, &of_b, got));
        for (uint32_t i = 0; i < n_out; i++)
            compare(want[i], got[i], tolerance);
        if (strcmp(m->name, "forward") == 0)
            keep(ctx, name, call, given, n_in, got, n_out);
        free_all(in, n_in);
        free_all(given, n_in);
        free_all(want, n_out);
        free_all(got, n_out);
    }
    tdag_state_free(of_a.state);
    tdag_state_free(of_b.state);
}

static void write_program(tdag_ctx *ctx, const char *name, uint32_t flags,
                          const char *text)
{
    tdag_model *a = parse(ctx, text), *b = NULL;
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    o.flags = flags;
    const char *path = path_of(name, ".mlpackage");
    tdag_status st = tdag_to_coreml(ctx, a, path, &o);
    if (st != TDAG_OK) fail_msg("%s: %s", name, tdag_ctx_get_error(ctx)->message);
    TEST_OK(ctx, tdag_from_coreml(ctx, path, NULL, 0, NULL, &b));
    assert_int_equal(a->n_methods, b->n_methods);
    assert_int_equal(a->n_states, b->n_states);
    for (uint32_t i = 0; i < a->n_states; i++) {
        uint32_t k = 0;
        while (k < b->n_states && strcmp(a->states[i].name, b->states[k].name) != 0)
            k++;
        if (k == b->n_states) fail_msg("%s: no state %s", name, a->states[i].name);
    }
    const bool is_half =
        (flags & TDAG_COREML_F16) != 0 || (flags == 0 && a->n_states > 0);
    const double tolerance = is_half ? 3e-2 : 1e-5;
    for (uint32_t i = 0; i < a->n_methods; i++)
        run_method(ctx, a, b, a->methods[i], name, tolerance);
    tdag_model_free(a);
    tdag_model_free(b);
}

static const struct {
    const char *name;
    uint32_t flags;
    const char *text;
} programs[] = {
#define PROGRAM(name, flags, text) {#name, flags, text},
#include "coreml/support/programs.def"
};

static void test_programs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        char half[64];
        snprintf(half, sizeof half, "%s.half", programs[i].name);
        write_program(ctx, programs[i].name, programs[i].flags, programs[i].text);
        write_program(ctx, half, TDAG_COREML_F16 | programs[i].flags, programs[i].text);
    }
    tdag_ctx_free(ctx);
}

#define TWICE                                                                          \
    "graph twice {\n  symbols N=2\n  x: f32[N] = input\n  y: f32[N] = add(x, x)\n"     \
    "  return y\n}\n"
#define STATE(type, values)                                                            \
    "state s: " type " = [" values "]\nprogram forward() -> (" type ") {\n"            \
    "  k = read s\n  return k\n}\n"

/* What Core ML cannot have is told with the statement. */
static void test_refused(void **state)
{
    static const struct {
        const char *text, *says;
        uint32_t target;
    } rows[] = {
        {TWICE "program forward(x: f32[3,4], y: f32[3], c: bool[]) -> (i64[K]) {\n"
               "  check c \"no\"\n"
               "  a = apply torchvision::nms(x, y) as i64[K=2], K <= 3\n"
               "  return a\n}\n",
         "statement 2 of forward, apply: Core ML has no operator whose size data tells "
         "as "
         "that of torchvision::nms does; compute",
         0},
        {"state s: f16[T=0,2]\nprogram forward() -> (f16[T,2]) {\n"
         "  k = read s\n  return k\n}\n",
         "statement 1 of forward, read: s: its sizes change", 0},
        {STATE("f32[2]", "0, 0"),
         "read: s: Core ML's states are fp16; write with --f16, or as inputs", 0},
        {STATE("f16[2]", "0, 1"), "begin as zeroes", 0},
        {STATE("i64[2]", "0, 0"), "the state is of integers", 0},
        {STATE("f16[]", "0"), "no axes", 0},
        {STATE("f16[2]", "0, 0"), "state needs iOS18, the target is iOS17", 17},
        {TWICE "program forward(x: f32[2]) -> (f32[2]) {\n  return x\n}\n"
               "program more(x: f32[2]) -> (f32[2]) {\n  y = call twice(x)\n"
               "  return y\n}\n",
         "a second function needs iOS18", 16},
    };
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[2048];
        tdag_coreml_options o;
        tdag_coreml_options_init(&o);
        o.target = rows[i].target;
        snprintf(text, sizeof text, "tdag 2\n%s", rows[i].text);
        tdag_model *m = parse(ctx, text);
        tdag_status st = tdag_to_coreml(ctx, m, path_of("refused", ".mlpackage"), &o);
        const char *said = tdag_ctx_get_error(ctx)->message;
        if (st != TDAG_E_UNSUPPORTED || strstr(said, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].says, st == TDAG_OK ? "is written" : said);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

static tdag_status write_one(tdag_ctx *ctx, void *text)
{
    tdag_model *m = NULL;
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    o.flags = TDAG_COREML_F16 | TDAG_COREML_NO_CHECK;
    tdag_status st = tdag_model_parse(ctx, text, strlen(text), &m);
    if (st == TDAG_OK) st = tdag_to_coreml(ctx, m, path_of("oom", ".mlpackage"), &o);
    tdag_model_free(m);
    return st;
}

/* Every allocation of writing may fail. */
static void test_oom(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(programs[i].name, "total") == 0 ||
            strcmp(programs[i].name, "swap") == 0)
            test_every_oom(write_one, (void *)(uintptr_t)programs[i].text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_oom),
    };
    folder = argc > 1 ? argv[1] : NULL;
    if (folder != NULL) mkdir(folder, 0777);
    return cmocka_run_group_tests(tests, NULL, folder == NULL ? made_remove : NULL);
}
