/* The law of transforms on random programs: results and states are equal before and
 * after, over two calls, by both engines; what a transform makes is verified, printed
 * and read back, saved and loaded; done twice, it changes nothing more. TDAG_SEED
 * chooses another first seed, TDAG_COUNT how many. */
#include "../program/random_program.h"

#include <unistd.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "support/random_graph.h"

enum { N_INPUTS = 4, MOST = 8 };

static char path[64];
static int64_t fixed_rows = -1; /* of the first input; -1: some */

static tdag_status simplify(tdag_ctx *ctx, const tdag_model *m, tdag_model **out)
{
    return tdag_simplify(ctx, m, NULL, out);
}

static tdag_status unroll(tdag_ctx *ctx, const tdag_model *m, tdag_model **out)
{
    return tdag_unroll(ctx, m, NULL, out);
}

static const struct {
    const char *name;
    tdag_status (*apply)(tdag_ctx *ctx, const tdag_model *m, tdag_model **out);
    bool settles; /* once more, it gives the same */
} transforms[] = {
    {"simplify", simplify, true},
    {"inline", tdag_inline, true},
    {"unroll", unroll, false},
    {"roll", tdag_roll, true},
};
#define N_TRANSFORMS (sizeof transforms / sizeof *transforms)

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* ---- running ---- */

/* What two calls give, and the states after them. */
typedef struct outcome {
    tdag_status status;
    char message[256];
    tdag_tensor *values[4 * MOST];
    uint32_t n;
} outcome;

static void free_outcome(outcome *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        tdag_tensor_free(o->values[i]);
    o->n = 0;
}

static void make_inputs(tdag_ctx *ctx, uint64_t seed, tdag_tensor *in[N_INPUTS])
{
    rg_random r = rg_seeded(seed * 77 + 5);
    const int64_t rows = rg_in(&r, 0, 3);
    const int64_t shapes[2][2] = {{fixed_rows < 0 ? rows : fixed_rows, 4}, {3, 4}};
    for (uint32_t i = 0; i < N_INPUTS; i++) {
        static const tdag_dtype dtypes[] = {TDAG_F32, TDAG_F32, TDAG_I64, TDAG_BOOL};
        TEST_OK(ctx, tdag_tensor_create(ctx, dtypes[i], i < 2 ? 2 : 0,
                                        i < 2 ? shapes[i] : NULL, &in[i]));
        for (int64_t k = 0; k < in[i]->count; k++)
            if (i < 2)
                tdagi_tensor_set_f64(in[i], k, (double)rg_in(&r, -2, 2));
            else
                tdagi_tensor_set_i64(in[i], k, rg_in(&r, 0, i == 2 ? 3 : 1));
    }
}

static void run(tdag_ctx *ctx, const tdag_model *m, const char *method,
                tdag_engine engine, uint64_t seed, outcome *out)
{
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    o.method = method;
    const tdagi_method *of = tdagi_model_method(m, method);
    memset(out, 0, sizeof *out);
    TEST_OK(ctx, tdag_state_create(ctx, m, &o.state));
    for (uint64_t call = 0; call < 2 && out->status == TDAG_OK; call++) {
        tdag_tensor *in[N_INPUTS] = {NULL};
        make_inputs(ctx, seed + call, in);
        o.seed = seed + call;
        out->status = tdag_run(ctx, m, in, N_INPUTS, &o, out->values + out->n);
        if (out->status == TDAG_OK) out->n += of->outputs->n_tensors;
        if (out->status != TDAG_OK)
            snprintf(out->message, sizeof out->message, "%s",
                     tdag_ctx_get_error(ctx)->message);
        for (int i = 0; i < N_INPUTS; i++)
            tdag_tensor_free(in[i]);
    }
    for (uint32_t i = 0; i < tdag_state_get_n(o.state); i++)
        out->values[out->n++] =
            tdag_tensor_copy((tdag_tensor *)(uintptr_t)tdag_state_get(o.state, i));
    tdag_state_free(o.state);
}

/* What fails before may do without what failed; a check that fails does so after, too.
 */
static bool same_outcome(const outcome *a, const outcome *b)
{
    if (a->status != TDAG_OK && a->status != TDAG_E_CHECK) return true;
    bool same =
        a->status == b->status && a->n == b->n && strcmp(a->message, b->message) == 0;
    for (uint32_t i = 0; same && i < a->n; i++)
        same = a->values[i]->rank == b->values[i]->rank &&
               memcmp(a->values[i]->shape, b->values[i]->shape,
                      a->values[i]->rank * sizeof(int64_t)) == 0;
    for (uint32_t i = 0; same && i < a->n; i++)
        for (int64_t k = 0; same && k < a->values[i]->count; k++) {
            double x = tdagi_tensor_get_f64(a->values[i], k),
                   y = tdagi_tensor_get_f64(b->values[i], k);
            same = x == y || (x != x && y != y);
        }
    return same;
}

static void fail_with(tdag_ctx *ctx, const char *what, const char *name, uint64_t seed,
                      const tdag_model *before, const tdag_model *after)
{
    char *a = NULL, *b = NULL;
    if (tdag_model_print(ctx, before, TDAG_TEXT_FULL, &a) == TDAG_OK) puts(a);
    if (after != NULL && tdag_model_print(ctx, after, TDAG_TEXT_FULL, &b) == TDAG_OK)
        puts(b);
    fail_msg("%s, seed %llu: %s", name, (unsigned long long)seed, what);
}

/* ---- the law ---- */

static void check_forms(tdag_ctx *ctx, const tdag_model *m, const char *name,
                        uint64_t seed)
{
    char *text = NULL;
    tdag_model *back = NULL, *loaded = NULL;
    TEST_OK(ctx, tdag_model_print(ctx, m, TDAG_TEXT_FULL, &text));
    if (tdag_model_parse(ctx, text, strlen(text), &back) != TDAG_OK ||
        !tdagi_model_equal(m, back))
        fail_with(ctx, "is read as another model", name, seed, m, back);
    TEST_OK(ctx, tdag_save(ctx, m, path, NULL));
    TEST_OK(ctx, tdag_load(ctx, path, NULL, &loaded));
    if (!tdagi_model_equal(m, loaded))
        fail_with(ctx, "is loaded as another model", name, seed, m, loaded);
    tdag_text_free(ctx, text);
    tdag_model_free(back);
    tdag_model_free(loaded);
}

static uint32_t check_results(tdag_ctx *ctx, const tdag_model *before,
                              const tdag_model *after, const char *name, uint64_t seed)
{
    uint32_t n_good = 0;
    for (uint32_t i = 0; i < before->n_methods; i++) {
        outcome a, b, c;
        const char *method = before->methods[i]->name;
        run(ctx, before, method, TDAG_ENGINE_REFERENCE, seed, &a);
        run(ctx, after, method, TDAG_ENGINE_REFERENCE, seed, &b);
        run(ctx, after, method, TDAG_ENGINE_NATIVE, seed, &c);
        n_good += a.status == TDAG_OK;
        if (!same_outcome(&a, &b) || !same_outcome(&a, &c)) {
            printf("%s: %s | %s | %s\n", method, a.message, b.message, c.message);
            fail_with(ctx, "results differ", name, seed, before, after);
        }
        free_outcome(&a);
        free_outcome(&b);
        free_outcome(&c);
    }
    return n_good;
}

/* At a number the program does what it did at that size; it is refused only where
 * something in it does not fit that. */
static void test_sizes(void **state)
{
    (void)state;
    uint32_t n_good = 0;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 1; seed <= 400; seed++) {
        tdag_model *m = NULL, *made = NULL, *unrolled = NULL;
        char text[16];
        const char *const assignments[] = {text};
        fixed_rows = (int64_t)(seed % 4);
        snprintf(text, sizeof text, "N=%d", (int)fixed_rows);
        TEST_OK(ctx, random_running_program(ctx, seed, &m));
        tdag_status st = tdag_substitute(ctx, m, assignments, 1, &made);
        if (st == TDAG_OK) {
            check_forms(ctx, made, "at", seed);
            n_good += check_results(ctx, m, made, "at", seed);
            TEST_OK(ctx, tdag_unroll(ctx, made, NULL, &unrolled));
            check_results(ctx, m, unrolled, "at, unrolled", seed);
        } else if (st != TDAG_E_SHAPE) {
            fail_with(ctx, tdag_ctx_get_error(ctx)->message, "at", seed, m, NULL);
        }
        tdag_model_free(unrolled);
        tdag_model_free(made);
        tdag_model_free(m);
    }
    fixed_rows = -1;
    print_message("%u methods ran\n", (unsigned)n_good);
    assert_true(n_good > 400);
    tdag_ctx_free(ctx);
}

static void test_law(void **state)
{
    (void)state;
    uint64_t first = number_of("TDAG_SEED", 1), n = number_of("TDAG_COUNT", 1000);
    uint32_t n_good = 0;
    tdag_ctx *ctx = test_ctx();
    print_message("seeds %llu to %llu\n", (unsigned long long)first,
                  (unsigned long long)(first + n - 1));
    for (uint64_t seed = first; seed < first + n; seed++) {
        tdag_model *m = NULL;
        TEST_OK(ctx, random_running_program(ctx, seed, &m));
        for (size_t i = 0; i < N_TRANSFORMS; i++) {
            const char *name = transforms[i].name;
            tdag_model *made = NULL, *again = NULL;
            if (transforms[i].apply(ctx, m, &made) != TDAG_OK)
                fail_with(ctx, tdag_ctx_get_error(ctx)->message, name, seed, m, NULL);
            check_forms(ctx, made, name, seed);
            n_good += check_results(ctx, m, made, name, seed);
            TEST_OK(ctx, transforms[i].apply(ctx, made, &again));
            if (transforms[i].settles && !tdagi_model_equal(made, again))
                fail_with(ctx, "done twice is another model", name, seed, made, again);
            tdag_model_free(again);
            tdag_model_free(made);
        }
        tdag_model_free(m);
    }
    print_message("%u runs to their end\n", (unsigned)n_good);
    assert_true(n_good >= n * N_TRANSFORMS / 2);
    tdag_ctx_free(ctx);
}

/* ---- a dimension more ---- */

enum { N_SAMPLES = 3 };

/* The first two inputs get it. */
static tdag_status add_dim(tdag_ctx *ctx, const tdag_model *m, tdag_model **out)
{
    static const char *const by_position[] = {"in0", "in1"};
    const char *names[2];
    const tdagi_method *method = m->methods[0];
    tdag_add_dim_options o;
    tdag_add_dim_options_init(&o);
    for (int i = 0; i < 2; i++) {
        const char *name = tdagi_method_var(method, method->body.params[i])->name;
        names[i] = name == NULL ? by_position[i] : name;
    }
    o.inputs = names;
    o.n_inputs = 2;
    return tdag_add_dim(ctx, m, "Batch", &o, out);
}

/* One of N_SAMPLES samples, or with sample < 0 all of them. */
static tdag_status run_sample(tdag_ctx *ctx, const tdag_model *m, uint64_t seed,
                              int sample, tdag_tensor **out)
{
    tdag_tensor *in[N_INPUTS] = {NULL};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    o.seed = seed;
    make_inputs(ctx, seed, in);
    for (int i = 0; i < 2; i++) {
        const int64_t shape[] = {N_SAMPLES, in[i]->shape[0], 4};
        tdag_tensor *x = NULL;
        bool all = sample < 0;
        TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, all ? 3 : 2,
                                        all ? shape : shape + 1, &x));
        for (int64_t s = all ? 0 : sample; s < (all ? N_SAMPLES : sample + 1); s++)
            for (int64_t k = 0; k < in[i]->count; k++)
                tdagi_tensor_set_f64(x, (all ? s * in[i]->count : 0) + k,
                                     tdagi_tensor_get_f64(in[i], k) + (double)s);
        tdag_tensor_free(in[i]);
        in[i] = x;
    }
    tdag_status st = tdag_run(ctx, m, in, N_INPUTS, &o, out);
    for (int i = 0; i < N_INPUTS; i++)
        tdag_tensor_free(in[i]);
    return st;
}

static bool is_sample(const tdag_tensor *all, const tdag_tensor *one, int sample)
{
    bool same = all->rank == one->rank + 1 && all->count == N_SAMPLES * one->count;
    for (int64_t k = 0; same && k < one->count; k++) {
        double x = tdagi_tensor_get_f64(all, sample * one->count + k),
               y = tdagi_tensor_get_f64(one, k);
        same = x == y || (x != x && y != y);
    }
    return same;
}

/* Whether there was something to compare. */
static bool check_samples(tdag_ctx *ctx, const tdag_model *m, const tdag_model *more,
                          uint64_t seed)
{
    tdag_tensor *all[MOST] = {NULL};
    uint32_t n = m->methods[0]->outputs->n_tensors;
    bool compared = false;
    tdag_status st = run_sample(ctx, more, seed, -1, all);
    for (int sample = 0; sample < N_SAMPLES; sample++) {
        tdag_tensor *one[MOST] = {NULL};
        if (run_sample(ctx, m, seed, sample, one) != TDAG_OK) continue;
        if (st != TDAG_OK)
            fail_with(ctx, tdag_ctx_get_error(ctx)->message, "batch", seed, m, more);
        for (uint32_t i = 0; i < n; i++) {
            if (!is_sample(all[i], one[i], sample))
                fail_with(ctx, "a sample differs", "batch", seed, m, more);
            tdag_tensor_free(one[i]);
        }
        compared = true;
    }
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(all[i]);
    return compared;
}

/* Position i of what the model with one more dimension gives is what the model gives
 * for position i; taken out again, the dimension leaves a model that gives the same. */
static void test_batch(void **state)
{
    (void)state;
    uint64_t first = number_of("TDAG_SEED", 1), n = number_of("TDAG_COUNT", 1000);
    uint32_t n_added = 0, n_compared = 0, n_back = 0;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = first; seed < first + n; seed++) {
        tdag_model *m = NULL, *more = NULL, *back = NULL;
        TEST_OK(ctx, random_running_program(ctx, seed, &m));
        tdag_status st = m->n_methods > 1 ? TDAG_E_UNSUPPORTED : add_dim(ctx, m, &more);
        if (st == TDAG_OK) {
            n_added++;
            check_forms(ctx, more, "batch", seed);
            n_compared += check_samples(ctx, m, more, seed);
            st = tdag_remove_dim(ctx, more, "Batch", NULL, &back);
            if (st == TDAG_OK) check_results(ctx, m, back, "debatch", seed);
            n_back += st == TDAG_OK;
        }
        if (st != TDAG_OK && st != TDAG_E_UNSUPPORTED)
            fail_with(ctx, tdag_ctx_get_error(ctx)->message, "batch", seed, m, more);
        tdag_model_free(back);
        tdag_model_free(more);
        tdag_model_free(m);
    }
    print_message("%u get a dimension, %u are compared, %u lose it again\n",
                  (unsigned)n_added, (unsigned)n_compared, (unsigned)n_back);
    assert_true(n_added * 5 >= n);
    tdag_ctx_free(ctx);
}

/* ---- memory ---- */

typedef struct transforming {
    const tdag_model *m;
    size_t i;
} transforming;

/* What a program may refuse is no failure here. */
static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    static const char *const two[] = {"N=2"};
    const transforming *t = arg;
    tdag_model *made = NULL, *back = NULL;
    tdag_status st = t->i < N_TRANSFORMS    ? transforms[t->i].apply(ctx, t->m, &made)
                     : t->i == N_TRANSFORMS ? add_dim(ctx, t->m, &made)
                                            : tdag_substitute(ctx, t->m, two, 1, &made);
    if (st == TDAG_OK && t->i == N_TRANSFORMS)
        st = tdag_remove_dim(ctx, made, "Batch", NULL, &back);
    tdag_model_free(back);
    tdag_model_free(made);
    return st == TDAG_E_UNSUPPORTED ? TDAG_OK : st;
}

/* All of the first ones, then some. */
static void starve(transforming *t)
{
    for (int64_t nth = 1; test_one_oom(oom_body, t, nth);)
        nth += nth < 100 ? 1 : 13;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint64_t seed = 4; seed < 16; seed++) {
        tdag_model *m = NULL;
        TEST_OK(ctx, random_running_program(ctx, seed, &m));
        for (size_t i = 0; i <= N_TRANSFORMS + 1; i++)
            if (i != N_TRANSFORMS || m->n_methods == 1) starve(&(transforming){m, i});
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_law),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_oom),
    };
    snprintf(path, sizeof path, "/tmp/tdag-law-%ld.tdag", (long)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
