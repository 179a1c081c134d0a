/* Import, export and PyTorch's run of TorchScript files with allocations failing: some
 * of the cases of import_cases.py (a folder in TDAG_TEST_CASES), spread over all of
 * them. Each failure is TDAG_E_NOMEM, leaves nothing live, and leaves the file that
 * stood at the path of the export as it was, with nothing beside it. */
#include <dirent.h>
#include <unistd.h>

#include <tdagger/torch.h>

#include "support/test.h"
#include "torchscript/one_thread.h"

#define N_CASES    40 /* taken of those in the folder */
#define N_FAILURES 40 /* at most, of each case: the first ones, then in strides */

typedef struct round {
    char source[4200], folder[64], target[128];
    tdag_input_spec specs[8];
    tdag_named_tensors inputs;
} round;

static tdag_status convert_and_run(tdag_ctx *ctx, void *arg)
{
    const round *r = arg;
    tdag_model *model = NULL;
    tdag_named_tensors outputs = {0};
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.flags = TDAG_TORCH_OPAQUE;
    tdag_status st =
        tdag_from_torchscript(ctx, r->source, r->specs, r->inputs.n, &o, &model);
    if (st == TDAG_OK) st = tdag_to_torchscript(ctx, model, r->target, NULL);
    tdag_model_free(model);
    if (st == TDAG_OK)
        st = tdag_run_torchscript(ctx, r->source, r->inputs.tensors, NULL, r->inputs.n,
                                  NULL, &outputs);
    tdag_tensors_free(&outputs);
    return st;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* The export's folder holds one file, the target. */
static void check_folder(const round *r)
{
    DIR *d = opendir(r->folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') assert_string_equal(e->d_name, "export.pt");
    closedir(d);
    assert_int_equal(access(r->target, R_OK), 0);
}

static void run_case(tdag_ctx *ctx, round *r, const char *stem)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s.in.safetensors", stem);
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &r->inputs));
    assert_true(r->inputs.n <= 8);
    for (uint32_t i = 0; i < r->inputs.n; i++) {
        const tdag_tensor *t = r->inputs.tensors[i];
        tdag_input_spec *s = &r->specs[i];
        memset(s, 0, sizeof(*s));
        s->dtype = tdag_tensor_get_dtype(t);
        s->rank = tdag_tensor_get_rank(t);
        memcpy(s->shape, tdag_tensor_get_shape(t), s->rank * sizeof(int64_t));
    }
    snprintf(r->source, sizeof(r->source), "%s.pt", stem);
    test_heap heap = {0};
    tdag_ctx *whole = test_ctx_on(&heap);
    heap.n_allocations = 0;
    TEST_OK(whole, convert_and_run(whole, r));
    tdag_ctx_free(whole);
    const int64_t stride = heap.n_allocations / N_FAILURES + 1;
    for (int64_t i = 1; test_one_oom(convert_and_run, r, i); i += stride)
        check_folder(r);
    check_folder(r);
    tdag_tensors_free(&r->inputs);
}

/* True if what must be refused: such cases have no inputs either. */
static bool is_refused(const char *stem)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s.refused", stem);
    return access(path, F_OK) == 0;
}

static void test_cases(void **state)
{
    (void)state;
    const char *folder = getenv("TDAG_TEST_CASES");
    char stem[4096], line[2048], name[32];
    uint32_t n_lines = 0, n_done = 0;
    round r = {.folder = "/tmp/tdag-oom-XXXXXX"};
    assert_non_null(folder);
    assert_non_null(mkdtemp(r.folder));
    snprintf(r.target, sizeof(r.target), "%s/export.pt", r.folder);
    write_text(r.target, "what was here before\n");
    tdag_ctx *ctx = test_ctx();
    snprintf(stem, sizeof(stem), "%s/manifest", folder);
    FILE *f = fopen(stem, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL)
        n_lines++;
    rewind(f);
    const uint32_t stride = n_lines / N_CASES + 1;
    for (uint32_t i = 0; fgets(line, sizeof(line), f) != NULL; i++) {
        if (i % stride != 0 || sscanf(line, "%31s", name) != 1) continue;
        snprintf(stem, sizeof(stem), "%s/%s", folder, name);
        if (is_refused(stem)) continue;
        print_message("%s", line);
        run_case(ctx, &r, stem);
        n_done++;
    }
    fclose(f);
    tdag_ctx_free(ctx);
    assert_int_equal(unlink(r.target), 0);
    assert_int_equal(rmdir(r.folder), 0);
    assert_true(n_done > N_CASES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, one_thread, NULL);
}
