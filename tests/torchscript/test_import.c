/* The importer against PyTorch: every case of import_cases.py (a folder in
 * TDAG_TEST_CASES) is imported, run by both engines and compared with what PyTorch
 * computed when the case was made. All failures are printed before the test fails. With
 * TDAG_TEST_FUZZ the cases are those of fuzz_operators.py: what is unsupported is
 * counted. Every third export is written by the shim. With TDAG_TEST_KEEP the cases are
 * those of export_ops.py: every export stays beside its case, as N.export.pt. With
 * TDAG_TEST_REFUSED the cases are those of operator_database.py: what is unsupported
 * has to be in that list (refusals.h), whose reasons are in the document
 * TDAG_TEST_DOCS. */
#include <math.h>

#include <tdagger/run.h>
#include <tdagger/torch.h>

#include "base/tensor.h"
#include "program/model.h"
#include "refusals.h"
#include "support/test.h"

#define MAX_INPUTS  16
#define MAX_OUTPUTS 128

/* What a case must give, and how far each element of an output may be off. */
typedef struct wanted {
    tdag_named_tensors tensors;
    double bounds[MAX_OUTPUTS];
} wanted;

typedef struct tally {
    tdag_ctx *ctx;
    uint32_t n, failed, refused;
    bool may_refuse;  /* what is unsupported is counted and listed, no failure */
    bool keep;        /* the exports */
    bool draws;       /* the model at hand draws random numbers */
    refusals *list;   /* what may be refused, by operator; else NULL */
    uint32_t writer;  /* of the export */
    const char *line; /* of the manifest */
} tally;

static void report(tally *t, const char *what)
{
    t->failed++;
    print_error("%s: %s\n", t->line, what);
}

/* A call failed: what the error says. */
static void report_status(tally *t, tdag_status status, const char *by)
{
    char what[512];
    const char *message = tdag_ctx_get_error(t->ctx)->message;
    if (t->list != NULL && status == TDAG_E_UNSUPPORTED &&
        refusals_allow(t->list, message))
        return;
    if (t->may_refuse && status == TDAG_E_UNSUPPORTED) {
        t->refused++;
        print_message("%s: refused: %s%s\n", t->line, by, message);
        return;
    }
    snprintf(what, sizeof(what), "%s%.400s", by, message);
    report(t, what);
}

/* Largest difference of two elements; INFINITY for another type. */
static double distance(const tdag_tensor *got, const tdag_tensor *want)
{
    if (got->dtype != want->dtype || got->rank != want->rank) return INFINITY;
    for (uint32_t i = 0; i < got->rank; i++)
        if (got->shape[i] != want->shape[i]) return INFINITY;
    double most = 0;
    for (int64_t i = 0; i < got->count; i++) {
        double a = tdagi_tensor_get_f64(got, i), b = tdagi_tensor_get_f64(want, i);
        if (isnan(a) != isnan(b)) return INFINITY;
        if (isnan(a) || a == b) continue;
        if (!isfinite(a) || !isfinite(b)) return INFINITY;
        if (fabs(a - b) > most) most = fabs(a - b);
    }
    return most;
}

/* Numbers of a model that draws some are compared by their types alone. */
static bool draws(const tdagi_block *block)
{
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next) {
        if (s->kind == TDAGI_DRAW) return true;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            if (draws(&s->blocks[i])) return true;
    }
    return false;
}

static void compare_output(tally *t, const char *by, const tdag_tensor *got,
                           const wanted *want, uint32_t i)
{
    char what[256];
    double d = distance(got, want->tensors.tensors[i]);
    if (d <= want->bounds[i] || (t->draws && d < INFINITY)) return;
    snprintf(what, sizeof(what), "%soutput %u (%s of %u axes) differs by %g, not %g",
             by, (unsigned)i, tdag_dtype_name(got->dtype), (unsigned)got->rank, d,
             want->bounds[i]);
    report(t, what);
}

static uint32_t n_outputs(const tdag_model *m)
{
    const tdagi_statement *last = m->methods[0]->body.first;
    while (last->next != NULL)
        last = last->next;
    return last->n_inputs;
}

static void compare(tally *t, const tdag_model *m, const tdag_named_tensors *in,
                    const wanted *want, tdag_engine engine)
{
    char what[256];
    const char *by = engine == TDAG_ENGINE_NATIVE ? "native: " : "reference: ";
    tdag_tensor *out[MAX_OUTPUTS] = {NULL};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    uint32_t n = n_outputs(m);
    if (n != want->tensors.n || n > MAX_OUTPUTS) {
        snprintf(what, sizeof(what), "%u outputs, not %u", (unsigned)n,
                 (unsigned)want->tensors.n);
        report(t, what);
        return;
    }
    tdag_status status = tdag_run(t->ctx, m, in->tensors, in->n, &o, out);
    if (status != TDAG_OK) {
        report_status(t, status, by);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        compare_output(t, by, out[i], want, i);
        tdag_tensor_free(out[i]);
    }
}

/* Exported, run by PyTorch, compared. */
static void round_trip(tally *t, const tdag_model *model, const tdag_named_tensors *in,
                       const wanted *want, const char *path)
{
    tdag_named_tensors out = {0};
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.writer = t->writer;
    tdag_status status = tdag_to_torchscript(t->ctx, model, path, &o);
    if (status == TDAG_OK)
        status =
            tdag_run_torchscript(t->ctx, path, in->tensors, NULL, in->n, NULL, &out);
    if (status != TDAG_OK) {
        report_status(t, status, "exported: ");
        return;
    }
    if (out.n != want->tensors.n) report(t, "exported: another number of outputs");
    for (uint32_t i = 0; i < out.n && i < want->tensors.n; i++)
        compare_output(t, "exported: ", out.tensors[i], want, i);
    tdag_tensors_free(&out);
}

/* True if the case is one that must be refused, in those words. */
static bool is_refused(tally *t, const char *folder, const char *n)
{
    char path[4096], words[256] = "";
    tdag_model *model = NULL;
    snprintf(path, sizeof(path), "%s/%s.refused", folder, n);
    FILE *f = fopen(path, "r");
    if (f == NULL) return false;
    if (fgets(words, sizeof(words), f) == NULL) report(t, "no words");
    fclose(f);
    words[strcspn(words, "\n")] = '\0';
    tdag_input_spec spec = {.dtype = TDAG_F32, .rank = 2, .shape = {3, 2}};
    snprintf(path, sizeof(path), "%s/%s.pt", folder, n);
    tdag_status status = tdag_from_torchscript(t->ctx, path, &spec, 1, NULL, &model);
    if (status != TDAG_E_UNSUPPORTED)
        report(t, "it is not refused");
    else if (strstr(tdag_ctx_get_error(t->ctx)->message, words) == NULL)
        report(t, tdag_ctx_get_error(t->ctx)->message);
    tdag_model_free(model);
    return true;
}

static void read_wanted(tally *t, const char *folder, const char *n, wanted *want)
{
    char path[4096];
    memset(want, 0, sizeof(*want));
    snprintf(path, sizeof(path), "%s/%s.out.safetensors", folder, n);
    TEST_OK(t->ctx, tdag_tensors_load(t->ctx, path, &want->tensors));
    assert_true(want->tensors.n <= MAX_OUTPUTS);
    snprintf(path, sizeof(path), "%s/%s.bounds", folder, n);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (uint32_t i = 0; i < want->tensors.n; i++)
        assert_int_equal(fscanf(f, "%la", &want->bounds[i]), 1);
    fclose(f);
}

static void run_case(tally *t, const char *folder, const char *n)
{
    char path[4096];
    tdag_named_tensors in = {0};
    wanted want;
    tdag_model *model = NULL;
    tdag_input_spec specs[MAX_INPUTS];
    memset(specs, 0, sizeof(specs));
    if (is_refused(t, folder, n)) return;
    snprintf(path, sizeof(path), "%s/%s.in.safetensors", folder, n);
    TEST_OK(t->ctx, tdag_tensors_load(t->ctx, path, &in));
    read_wanted(t, folder, n, &want);
    assert_true(in.n <= MAX_INPUTS);
    for (uint32_t i = 0; i < in.n; i++) {
        specs[i].dtype = in.tensors[i]->dtype;
        specs[i].rank = in.tensors[i]->rank;
        memcpy(specs[i].shape, in.tensors[i]->shape, specs[i].rank * sizeof(int64_t));
    }
    snprintf(path, sizeof(path), "%s/%s.pt", folder, n);
    tdag_status status = tdag_from_torchscript(t->ctx, path, specs, in.n, NULL, &model);
    if (status != TDAG_OK) {
        report_status(t, status, "");
    } else {
        if (tdag_model_verify(t->ctx, model) != TDAG_OK)
            report(t, tdag_ctx_get_error(t->ctx)->message);
        t->draws = draws(&model->methods[0]->body);
        compare(t, model, &in, &want, TDAG_ENGINE_REFERENCE);
        compare(t, model, &in, &want, TDAG_ENGINE_NATIVE);
        snprintf(path, sizeof(path), "%s/%s.export.pt", folder, t->keep ? n : "last");
        round_trip(t, model, &in, &want, path);
    }
    tdag_model_free(model);
    tdag_tensors_free(&in);
    tdag_tensors_free(&want.tensors);
}

static void test_cases(void **state)
{
    (void)state;
    const char *folder = getenv("TDAG_TEST_CASES");
    char path[4096], line[2048], name[32];
    assert_non_null(folder);
    snprintf(path, sizeof(path), "%s/manifest", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    tally t = {.ctx = test_ctx(), .line = line};
    t.may_refuse = getenv("TDAG_TEST_FUZZ") != NULL;
    t.keep = getenv("TDAG_TEST_KEEP") != NULL;
    if (getenv("TDAG_TEST_REFUSED") != NULL)
        t.list = refusals_load(getenv("TDAG_TEST_REFUSED"), getenv("TDAG_TEST_DOCS"));
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%31s", name) != 1) continue;
        if (t.list != NULL) refusals_meet(t.list, line);
        t.writer = t.n % 3 == 0 && !t.keep ? TDAG_TORCH_SHIM : TDAG_TORCH_NATIVE;
        run_case(&t, folder, name);
        t.n++;
    }
    fclose(f);
    tdag_ctx_free(t.ctx);
    if (t.list != NULL) t.failed += refusals_report(t.list);
    refusals_free(t.list);
    print_message("%u cases, %u refused\n", (unsigned)t.n, (unsigned)t.refused);
    if (t.failed > 0)
        fail_msg("%u failures in %u cases", (unsigned)t.failed, (unsigned)t.n);
    assert_true(t.n > (t.may_refuse || t.keep || t.list != NULL ? 100 : 500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
