/* Scripted models whose data decides (programs.py): imported, verified and run by both
 * engines, call after call on one state, as PyTorch ran them. */
#include "support/test.h"

#include <math.h>
#include <time.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "program/model.h"

enum { MOST = 16 };

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
    assert_null(find(t, call, kind, (int)n)); /* more than an array here holds */
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

/* ---- several methods of one model ---- */

static tdag_model *import_methods(tdag_ctx *ctx, const char *path)
{
    static const tdag_input_spec x = {.dtype = TDAG_F32, .rank = 2, .shape = {1, 4}};
    static const tdag_torchscript_method more[] = {{"remember", &x, 1}};
    tdag_model *m = NULL;
    tdag_torchscript_options o;
    tdag_torchscript_options_init(&o);
    o.more = more;
    o.n_more = 1;
    TEST_OK(ctx, tdag_from_torchscript(ctx, path, &x, 1, &o, &m));
    return m;
}

static void run_methods(tdag_ctx *ctx, const tdag_model *m, const tdag_named_tensors *t,
                        tdag_engine engine)
{
    static const example e = {.name = "methods"};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    TEST_OK(ctx, tdag_state_create(ctx, m, &o.state));
    for (int call = 0; find(t, call, "out", 0) != NULL; call++) {
        tdag_tensor *in = find(t, call, "in", 0), *got = NULL;
        o.method = call % 2 == 0 ? "remember" : NULL;
        TEST_OK(ctx, tdag_run(ctx, m, &in, 1, &o, &got));
        compare(&e, call, find(t, call, "out", 0), got);
        tdag_tensor_free(got);
    }
    tdag_state_free(o.state);
}

/* They share weights and state, also when they have been exported and read again. */
static void test_methods(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char path[512], out[512], calls[512];
    tdag_named_tensors t;
    snprintf(path, sizeof path, "%s/methods.pt", folder());
    snprintf(out, sizeof out, "%s/methods.out.pt", folder());
    snprintf(calls, sizeof calls, "%s/methods.calls.safetensors", folder());
    TEST_OK(ctx, tdag_tensors_load(ctx, calls, &t));
    tdag_model *m = import_methods(ctx, path);
    assert_int_equal(m->n_methods, 2);
    assert_int_equal(m->n_states, 1);
    TEST_OK(ctx, tdag_to_torchscript(ctx, m, out, NULL));
    tdag_model *again = import_methods(ctx, out);
    for (int i = 0; i < 2; i++) {
        run_methods(ctx, i == 0 ? m : again, &t, TDAG_ENGINE_NATIVE);
        run_methods(ctx, i == 0 ? m : again, &t, TDAG_ENGINE_REFERENCE);
    }
    tdag_model_free(again);
    tdag_model_free(m);
    tdag_tensors_free(&t);
    tdag_ctx_free(ctx);
}

/* ---- appends ---- */

static double seconds_of(tdag_ctx *ctx, const tdag_model *m, int64_t n,
                         tdag_engine engine)
{
    const int64_t shape[] = {500};
    tdag_tensor *in[2], *out[3] = {NULL};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, shape, &in[0]));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &in[1]));
    memset(in[0]->data, 0, in[0]->size);
    tdagi_tensor_set_i64(in[1], 0, n);
    clock_t start = clock();
    TEST_OK(ctx, tdag_run(ctx, m, in, 2, &o, out));
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_int_equal(out[0]->shape[0], n);
    for (int i = 0; i < 5; i++)
        tdag_tensor_free(i < 2 ? in[i] : out[i - 2]);
    return seconds;
}

/* Eight times as many take less than 24 times as long: 64 times if rows were copied. */
static void test_appends(void **state)
{
    (void)state;
    static const tdag_input_spec specs[] = {
        {.dtype = TDAG_F32, .rank = 1, .shape = {500}}, {.dtype = TDAG_I64}};
    static const tdag_engine engines[] = {TDAG_ENGINE_NATIVE, TDAG_ENGINE_REFERENCE};
    char path[512];
    tdag_model *m = NULL;
    snprintf(path, sizeof path, "%s/AppendStack.pt", folder());
    FILE *file = fopen(path, "r"); /* of programs.py */
    if (file == NULL) skip();
    fclose(file);
    tdag_ctx *ctx = test_ctx();
    TEST_OK(ctx, tdag_from_torchscript(ctx, path, specs, 2, NULL, &m));
    for (int i = 0; i < 2; i++) {
        double few = seconds_of(ctx, m, 1250, engines[i]);
        double many = seconds_of(ctx, m, 10000, engines[i]);
        if (many > 24 * few + 0.1)
            fail_msg("%.3f s for 1,250 appends, %.3f s for 10,000", few, many);
    }
    tdag_model_free(m);
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

/* Of most of them a few places in all of the import do. */
static void starve(tdag_ctx *ctx, const example *e)
{
    (void)ctx;
    test_heap heap = {0};
    bool is_wanted =
        strcmp(e->name, "StateInBranch") == 0 || strcmp(e->name, "PushPop") == 0 ||
        strcmp(e->name, "FrameList") == 0 || strcmp(e->name, "Greedy") == 0 ||
        strcmp(e->name, "LazyState") == 0 || strcmp(e->name, "LazyCache") == 0 ||
        strcmp(e->name, "DictState") == 0 || strcmp(e->name, "ListsOfNumbers") == 0;
    tdag_ctx *whole = test_ctx_on(&heap);
    TEST_OK(whole, import_once(whole, (void *)(uintptr_t)e));
    tdag_ctx_free(whole);
    int64_t stride = is_wanted ? 7 : heap.n_allocations / 24 + 1;
    for (int64_t nth = 1 + stride / 2;; nth += stride)
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
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
