/* What the exporter of Core ML writes: every composite by its example, and core ops by
 * graphs of their own, at two targets. With a folder as argument the packages stay
 * there with inputs and results, for check_packages.py. */
#include "raise/examples.h"

#include <tdagger/coreml.h>
#include <tdagger/run.h>

#include <sys/stat.h>

#include "base/tensor.h"
#include "coreml/made.h"
#include "coreml/write/mil.h"

static const char *folder; /* NULL: of the test */
static int n_failed;

static const char *path_of(const char *name, uint32_t target, const char *ending)
{
    static char paths[4][512];
    static int n;
    char *path = paths[n++ % 4], file[128];
    snprintf(file, sizeof file, "%s.%lu%s", name, (unsigned long)target, ending);
    if (folder != NULL) snprintf(path, 512, "%s/%s", folder, file);
    return folder != NULL ? path : made_path(file);
}

/* As the program has them: no bool, 32 bits. */
static tdag_tensor *narrow(tdag_ctx *ctx, const tdag_tensor *t)
{
    tdag_tensor *out = NULL;
    TEST_OK(ctx,
            tdag_tensor_create(ctx, tdag_dtype_is_float(t->dtype) ? TDAG_F32 : TDAG_I32,
                               t->rank, t->shape, &out));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(out, i, tdagi_tensor_get_f64(t, i));
    return out;
}

static void keep(tdag_ctx *ctx, const char *path, tdag_tensor *const *in, uint32_t n_in,
                 tdag_tensor *const *out, uint32_t n_out)
{
    tdag_tensor *all[16];
    char names[16][8];
    char *pointers[16];
    for (uint32_t i = 0; i < n_in + n_out; i++) {
        all[i] = narrow(ctx, i < n_in ? in[i] : out[i - n_in]);
        snprintf(names[i], sizeof names[i], i < n_in ? "in%u" : "out%u",
                 (unsigned)(i < n_in ? i : i - n_in));
        pointers[i] = names[i];
    }
    const tdag_named_tensors set = {
        .n = n_in + n_out, .names = pointers, .tensors = all};
    TEST_OK(ctx, tdag_tensors_save(ctx, path, &set));
    for (uint32_t i = 0; i < n_in + n_out; i++)
        tdag_tensor_free(all[i]);
}

/* Of the graph with the dtypes that the program has. */
static void run_and_keep(tdag_ctx *ctx, const tdag_graph *model, const char *path)
{
    tdag_graph *g = NULL;
    tdag_tensor *in[8], *out[8];
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    TEST_OK(ctx, tdagi_coreml_prepare(ctx, model, NULL, &g));
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
        int64_t shape[TDAG_MAX_RANK];
        for (uint32_t k = 0; k < n->rank; k++)
            shape[k] = tdagi_dim_sample(g->pool, n->shape[k]);
        TEST_OK(ctx,
                tdag_tensor_create(ctx, (tdag_dtype)n->dtype, n->rank, shape, &in[i]));
        example_fill(in[i]);
    }
    TEST_OK(ctx, tdag_graph_run(ctx, g, in, g->n_inputs, &o, out));
    keep(ctx, path, in, g->n_inputs, out, g->n_outputs);
    for (uint32_t i = 0; i < g->n_inputs; i++)
        tdag_tensor_free(in[i]);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_tensor_free(out[i]);
    tdag_graph_free(g);
}

static void write_at(tdag_ctx *ctx, const tdag_graph *g, const char *name,
                     uint32_t target)
{
    tdag_model *m = NULL;
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    o.target = target;
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_status st = tdag_to_coreml(ctx, m, path_of(name, target, ".mlpackage"), &o);
    if (st != TDAG_OK)
        print_error("%s at %lu: %s\n", name, (unsigned long)target,
                    tdag_ctx_get_error(ctx)->message);
    n_failed += st != TDAG_OK;
    tdag_model_free(m);
    if (st == TDAG_OK) run_and_keep(ctx, g, path_of(name, target, ".io.safetensors"));
}

/* Where fp16 is too little: of formulas whose coefficients cancel, near a jump. */
static bool needs_more(const char *name)
{
    return strstr(name, "bessel") != NULL || strcmp(name, "core_floor_divide") == 0 ||
           strcmp(name, "core_inv_gaussian_far") == 0;
}

/* Numbers that fp16 does not hold are said. */
static void write_half(tdag_ctx *ctx, const tdag_graph *g, const char *name)
{
    tdag_model *m = NULL;
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    o.flags = TDAG_COREML_F16;
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_status st = tdag_to_coreml(ctx, m, path_of(name, 0, ".f16.mlpackage"), &o);
    const char *said = tdag_ctx_get_error(ctx)->message;
    const bool is_told = st == TDAG_E_UNSUPPORTED && strstr(said, "does not hold");
    if (st != TDAG_OK && !is_told) print_error("%s as f16: %s\n", name, said);
    n_failed += st != TDAG_OK && !is_told;
    tdag_model_free(m);
}

static void write_case(tdag_ctx *ctx, tdag_graph *g, const char *name)
{
    write_at(ctx, g, name, 0);
    if (!needs_more(name)) write_half(ctx, g, name);
    write_at(ctx, g, name, 17);
    tdag_graph_free(g);
}

static void test_composites(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t id = 1; id < TDAGI_N_COMPOSITES; id++)
        write_case(ctx, example_graph(ctx, example_of((tdagi_composite)id)),
                   tdagi_composite_row_of((tdagi_composite)id)->name);
    tdag_ctx_free(ctx);
    assert_int_equal(n_failed, 0);
}

static void test_core(void **state)
{
    static const struct {
        const char *name, *text;
    } graphs[] = {
#define GRAPH(name, text) {"core_" #name, "tdag 1\n" text "\n"},
#include "coreml/graphs.def"
    };
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++) {
        tdag_graph *g = NULL;
        tdag_status st =
            tdag_graph_parse(ctx, graphs[i].text, strlen(graphs[i].text), &g);
        if (st != TDAG_OK)
            fail_msg("%s: %s", graphs[i].name, tdag_ctx_get_error(ctx)->message);
        write_case(ctx, g, graphs[i].name);
    }
    tdag_ctx_free(ctx);
    assert_int_equal(n_failed, 0);
}

static tdag_status write_small(tdag_ctx *ctx, void *flags)
{
    const char *text = "tdag 1\nx: f32[1,2,4] = input\nw: f32[3,2,2,2,3] = parameter\n"
                       "c: f32[2] = constant [1, 2]\nd = unsqueeze(c) {axes=[1]}\n"
                       "y = multiply(x, d)\nz = slice(y) {start=[0,0,1], end=[1,2,3]}\n"
                       "s = reduce(w) {axes=[0,1], kind=sum}\nreturn z, s\n";
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    o.flags = *(const uint32_t *)flags;
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &g);
    if (st == TDAG_OK) st = tdag_model_create(ctx, g, &m);
    if (st == TDAG_OK) st = tdag_to_coreml(ctx, m, made_path("oom.mlpackage"), &o);
    tdag_model_free(m);
    tdag_graph_free(g);
    return st;
}

static void test_oom(void **state)
{
    uint32_t plain = TDAG_COREML_NO_CHECK, half = plain | TDAG_COREML_F16, proven = 0;
    (void)state;
    test_every_oom(write_small, &plain);
    test_every_oom(write_small, &half);
    test_every_oom(write_small, &proven);
}

static void expect_refused(const char *text, uint32_t flags, uint32_t target,
                           tdag_status want, const char *words)
{
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    tdag_coreml_options o;
    tdag_coreml_options_init(&o);
    o.flags = flags;
    o.target = target;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_status st = tdag_to_coreml(ctx, m, made_path("refused.mlpackage"), &o);
    if (st != want || strstr(tdag_ctx_get_error(ctx)->message, words) == NULL)
        fail_msg("%s", tdag_ctx_get_error(ctx)->message);
    tdag_model_free(m);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

static void test_refused(void **state)
{
    const char *six = "tdag 1\nx: f32[1,2,1,2,1,2] = input\ny = exp(x)\nreturn y\n";
    const char *far = "tdag 1\nx: f32[2] = input\nc: f32[2] = constant [1e9, 2]\n"
                      "y = add(x, c)\nreturn y\n";
    const char *large = "tdag 1\nx: i64[2] = input\nc: i64[] = constant [5000000000]\n"
                        "y = add(x, c)\nreturn y\n";
    (void)state;
    expect_refused(six, 0, 0, TDAG_E_UNSUPPORTED, "6 axes");
    expect_refused(far, TDAG_COREML_F16, 0, TDAG_E_UNSUPPORTED,
                   "does not hold: const_1 (1000000000)");
    expect_refused(large, 0, 0, TDAG_E_UNSUPPORTED,
                   "int32 does not hold: const (5000000000)");
    expect_refused(six, 0, 14, TDAG_E_ARG, "no target");
    expect_refused(six, 64, 0, TDAG_E_ARG, "flag");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_composites),
        cmocka_unit_test(test_core),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_oom),
    };
    folder = argc > 1 ? argv[1] : NULL;
    if (folder != NULL) mkdir(folder, 0777);
    return cmocka_run_group_tests(tests, NULL, folder == NULL ? made_remove : NULL);
}
