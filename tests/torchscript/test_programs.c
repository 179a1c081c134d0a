/* Scripted models whose data decides (programs.py): imported, verified and run by both
 * engines, call after call on one state, as PyTorch ran them. */
#include "support/test.h"

#include <math.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "program/model.h"

enum { MOST = 8 };

typedef struct example {
    char name[64];
    tdag_input_spec specs[MOST];
    char *storage[MOST];
    uint32_t n_specs;
} example;

static const char *folder(void)
{
    const char *path = getenv("TDAG_TEST_PROGRAMS");
    return path == NULL ? "." : path;
}

static bool next_example(tdag_ctx *ctx, FILE *index, example *e)
{
    char line[512];
    memset(e, 0, sizeof *e);
    if (fgets(line, sizeof line, index) == NULL) return false;
    const char *word = strtok(line, " \n");
    snprintf(e->name, sizeof e->name, "%s", word);
    while ((word = strtok(NULL, " \n")) != NULL) {
        uint32_t i = e->n_specs++;
        TEST_OK(ctx, tdag_input_spec_parse(ctx, word, &e->specs[i], &e->storage[i]));
    }
    return true;
}

static tdag_status import(tdag_ctx *ctx, const example *e, tdag_model **out)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.pt", folder(), e->name);
    return tdag_from_torchscript(ctx, path, e->specs, e->n_specs, NULL, out);
}

/* "c<call>.<kind><i>" of the file; NULL: there is none. */
static tdag_tensor *find(const tdag_named_tensors *t, int call, const char *kind, int i)
{
    char name[32];
    snprintf(name, sizeof name, "c%d.%s%d", call, kind, i);
    for (uint32_t k = 0; k < t->n; k++)
        if (strcmp(t->names[k], name) == 0) return t->tensors[k];
    return NULL;
}

static uint32_t find_all(const tdag_named_tensors *t, int call, const char *kind,
                         tdag_tensor *out[MOST])
{
    uint32_t n = 0;
    while (n < MOST && (out[n] = find(t, call, kind, (int)n)) != NULL)
        n++;
    return n;
}

static void compare(const example *e, int call, const tdag_tensor *want,
                    const tdag_tensor *got)
{
    bool same = want->dtype == got->dtype && want->rank == got->rank;
    for (uint32_t k = 0; same && k < want->rank; k++)
        same = want->shape[k] == got->shape[k];
    for (int64_t i = 0; same && i < want->count; i++) {
        double x = tdagi_tensor_get_f64(want, i), y = tdagi_tensor_get_f64(got, i);
        same = x == y || fabs(x - y) <= 1e-5 + 1e-4 * fabs(x);
    }
    if (!same) fail_msg("%s, call %d: another result", e->name, call);
}

static void run_calls(tdag_ctx *ctx, const example *e, const tdag_model *m,
                      const tdag_named_tensors *t, tdag_engine engine)
{
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    TEST_OK(ctx, tdag_state_create(ctx, m, &o.state));
    for (int call = 0; find(t, call, "out", 0) != NULL; call++) {
        tdag_tensor *in[MOST], *want[MOST], *got[MOST] = {NULL};
        uint32_t n_in = find_all(t, call, "in", in),
                 n_out = find_all(t, call, "out", want);
        if (tdag_run(ctx, m, in, n_in, &o, got) != TDAG_OK)
            fail_msg("%s, call %d: %s (%s)", e->name, call,
                     tdag_ctx_get_error(ctx)->message, tdag_ctx_get_error(ctx)->node);
        for (uint32_t i = 0; i < n_out; i++) {
            assert_non_null(got[i]);
            compare(e, call, want[i], got[i]);
            tdag_tensor_free(got[i]);
        }
    }
    tdag_state_free(o.state);
}

static void check_example(tdag_ctx *ctx, const example *e)
{
    char path[512];
    tdag_model *m = NULL;
    tdag_named_tensors t;
    if (import(ctx, e, &m) != TDAG_OK)
        fail_msg("%s: %s", e->name, tdag_ctx_get_error(ctx)->message);
    TEST_OK(ctx, tdagi_model_verify(ctx, m));
    snprintf(path, sizeof path, "%s/%s.calls.safetensors", folder(), e->name);
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &t));
    run_calls(ctx, e, m, &t, TDAG_ENGINE_NATIVE);
    run_calls(ctx, e, m, &t, TDAG_ENGINE_REFERENCE);
    tdag_tensors_free(&t);
    tdag_model_free(m);
}

static void for_all(tdag_ctx *ctx, void (*visit)(tdag_ctx *ctx, const example *e))
{
    char path[512];
    example e;
    uint32_t n = 0;
    snprintf(path, sizeof path, "%s/index", folder());
    FILE *index = fopen(path, "r");
    assert_non_null(index);
    for (; next_example(ctx, index, &e); n++) {
        visit(ctx, &e);
        for (uint32_t i = 0; i < e.n_specs; i++)
            tdag_input_spec_free(ctx, e.storage[i]);
    }
    fclose(index);
    assert_true(n >= 20);
}

static void test_run(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for_all(ctx, check_example);
    tdag_ctx_free(ctx);
}

/* Each allocation of an import fails in turn, every seventh of them. */
static tdag_status import_once(tdag_ctx *ctx, void *arg)
{
    tdag_model *m = NULL;
    tdag_status st = import(ctx, arg, &m);
    if (st == TDAG_OK) tdag_model_free(m);
    return st;
}

static void starve(tdag_ctx *ctx, const example *e)
{
    (void)ctx;
    bool is_wanted =
        strcmp(e->name, "StateInBranch") == 0 || strcmp(e->name, "Greedy") == 0;
    for (int64_t nth = 1; is_wanted; nth += 7)
        if (!test_one_oom(import_once, (void *)(uintptr_t)e, nth)) break;
}

static void test_no_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for_all(ctx, starve);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
