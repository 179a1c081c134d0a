/* Formulas of programs against what their runs call: every graph that the engine runs
 * is counted at the sizes that it runs at, every row that it appends by itself.
 * Decoders over prompt length and tokens produced, an LSTM over its length, steps that
 * are collected; models of TorchScript, with TDAG_TEST_PROGRAMS (programs.py). The
 * linker puts the counting before the engine's functions (--wrap); loops that the
 * native engine plans call none of them, so those run by the reference engine. */
#include "support/test.h"

#include <tdagger.h>

#include "base/tensor.h"
#include "evaluate.h"
#include "run/program/append.h"
#include "run/program/grow.h"

/* ---- counting a run ---- */

typedef struct counted_run {
    const tdagi_prices *prices; /* NULL: nothing is counted */
    int64_t counts[EV_COLUMNS];
} counted_run;
static counted_run now;

tdag_status __real_tdagi_callee_run(tdagi_workshop *w, tdagi_callee *c,
                                    const tdag_graph *g, int64_t *sizes,
                                    tdag_tensor **inputs, tdag_tensor **outputs);
tdag_status __wrap_tdagi_callee_run(tdagi_workshop *w, tdagi_callee *c,
                                    const tdag_graph *g, int64_t *sizes,
                                    tdag_tensor **inputs, tdag_tensor **outputs);

tdag_status __wrap_tdagi_callee_run(tdagi_workshop *w, tdagi_callee *c,
                                    const tdag_graph *g, int64_t *sizes,
                                    tdag_tensor **inputs, tdag_tensor **outputs)
{
    const tdagi_prices *p = now.prices;
    for (uint32_t i = 0; p != NULL && i < p->model->n_graphs; i++) {
        if (p->model->graphs[i].graph != g) continue;
        for (int k = 0; k < EV_COLUMNS; k++) {
            int64_t n = 0;
            assert_true(tdagi_dim_eval(p->pricers[i]->pool,
                                       p->counts[i * EV_COLUMNS + (uint32_t)k], sizes,
                                       &n));
            now.counts[k] += n;
        }
        break;
    }
    return __real_tdagi_callee_run(w, c, g, sizes, inputs, outputs);
}

tdag_status __real_tdagi_append_row(tdag_ctx *ctx, const tdag_tensor *t,
                                    const tdag_tensor *v, tdag_tensor **out);
tdag_status __wrap_tdagi_append_row(tdag_ctx *ctx, const tdag_tensor *t,
                                    const tdag_tensor *v, tdag_tensor **out);

tdag_status __wrap_tdagi_append_row(tdag_ctx *ctx, const tdag_tensor *t,
                                    const tdag_tensor *v, tdag_tensor **out)
{
    const int64_t row[TDAGI_N_COLUMNS] = {
        1, 0, 0, v->count, v->count, (int64_t)v->size, (int64_t)v->size, 0};
    for (int c = 0; now.prices != NULL && c < EV_COLUMNS; c++)
        now.counts[c] += row[c % TDAGI_N_COLUMNS];
    return __real_tdagi_append_row(ctx, t, v, out);
}

/* ---- models ---- */

typedef struct subject {
    tdag_ctx *ctx;
    tdag_model *model;
    tdagi_prices prices;
    tdagi_walk walk; /* of calls alone */
    uint32_t *groups;
} subject;

static void begin(subject *s)
{
    const tdagi_method *m = s->model->methods[0];
    TEST_OK(s->ctx, tdagi_prices_make(s->ctx, s->model, &s->prices));
    size_t n = 2 * (size_t)m->n_vars + 64;
    s->groups = malloc(n * sizeof *s->groups);
    assert_non_null(s->groups);
    memset(s->groups, 0xff, n * sizeof *s->groups);
    s->prices.groups_of = s->groups; /* checks count nowhere */
    TEST_OK(s->ctx, tdagi_walk_method(s->ctx, &s->prices, m, NULL, &s->walk));
}

static void end(subject *s)
{
    tdagi_walk_free(&s->walk);
    tdagi_prices_free(&s->prices);
    free(s->groups);
    tdag_model_free(s->model);
}

static void open_text(subject *s, const char *file)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE, file);
    tdag_open_options o;
    tdag_open_options_init(&o);
    TEST_OK(s->ctx, tdag_open(s->ctx, path, NULL, 0, &o, &s->model));
    begin(s);
}

static void open_torchscript(subject *s, const char *path, const char *const *types,
                             uint32_t n)
{
    tdag_input_spec specs[2];
    char *storage[2];
    for (uint32_t i = 0; i < n; i++)
        TEST_OK(s->ctx,
                tdag_input_spec_parse(s->ctx, types[i], &specs[i], &storage[i]));
    TEST_OK(s->ctx, tdag_from_torchscript(s->ctx, path, specs, n, NULL, &s->model));
    for (uint32_t i = 0; i < n; i++)
        tdag_input_spec_free(s->ctx, storage[i]);
    begin(s);
}

/* The formulas where the symbol of that name is as large, one named trip_loop1 as
 * `trips`, against the run. */
static void compare(subject *s, const char *symbol, int64_t size, int64_t trips)
{
    int64_t values[64];
    uint32_t n = tdagi_pool_n_symbols(s->walk.pool);
    assert_true(n <= 64);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = tdagi_pool_symbol(s->walk.pool, i, &values[i]);
        if (strcmp(name, symbol) == 0) values[i] = size;
        if (strcmp(name, "trip_loop1") == 0) values[i] = trips;
    }
    for (int c = 0; c < EV_COLUMNS; c++) {
        int64_t got = 0;
        char text[400];
        tdag_dim d = tdagi_ratio_dim(s->walk.pool, s->walk.total[c]);
        assert_true(tdagi_dim_eval(s->walk.pool, d, values, &got));
        tdagi_dim_text(s->walk.pool, d, text, sizeof text);
        if (got != now.counts[c])
            fail_msg("%s=%lld, trips %lld, column %d: %s is %lld, the run has %lld",
                     symbol, (long long)size, (long long)trips, c, text, (long long)got,
                     (long long)now.counts[c]);
    }
}

static void run(subject *s, tdag_tensor *const *inputs, uint32_t n, tdag_engine engine,
                tdag_tensor **outputs)
{
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = engine;
    memset(&now, 0, sizeof now);
    now.prices = &s->prices;
    TEST_OK(s->ctx, tdag_run(s->ctx, s->model, inputs, n, &o, outputs));
    now.prices = NULL;
}

static tdag_tensor *number(tdag_ctx *ctx, int64_t value)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &t));
    tdagi_tensor_set_i64(t, 0, value);
    return t;
}

static tdag_tensor *filled(tdag_ctx *ctx, tdag_dtype dtype, uint32_t rank,
                           const int64_t *shape)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, rank, shape, &t));
    for (int64_t i = 0; i < t->count; i++)
        if (dtype == TDAG_I64)
            tdagi_tensor_set_i64(t, i, i % 7);
        else
            tdagi_tensor_set_f64(t, i, (double)(i % 5) / 4 - 0.5);
    return t;
}

static void free_all(tdag_tensor **t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(t[i]);
}

/* ---- a decoder ---- */

/* By both engines. Returns how often it loops: of the tokens that it gives first,
 * `not_looped` stand there before. */
static int64_t decode(subject *s, int64_t prompt, int64_t most, uint32_t n_outputs,
                      int64_t not_looped)
{
    int64_t trips = 0;
    for (int engine = 0; engine < 2; engine++) {
        tdag_tensor *in[2] = {filled(s->ctx, TDAG_I64, 1, &prompt),
                              number(s->ctx, most)},
                    *out[2] = {NULL};
        run(s, in, 2, engine == 0 ? TDAG_ENGINE_NATIVE : TDAG_ENGINE_REFERENCE, out);
        trips = out[0]->shape[0] - not_looped;
        compare(s, "P", prompt, trips);
        free_all(in, 2);
        free_all(out, n_outputs);
    }
    return trips;
}

/* It stops at an end token, or after `most`. */
static void test_decoder(void **state)
{
    (void)state;
    subject s = {.ctx = test_ctx()};
    open_text(&s, "decoder.txt");
    static const int64_t prompts[] = {1, 2, 3, 5, 6, 8, 13};
    bool met[16] = {false};
    uint32_t n_met = 0;
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        for (int64_t most = 0; most < 16; most += 5) {
            int64_t produced = decode(&s, prompts[i], most, 2, prompts[i]);
            n_met += !met[produced];
            met[produced] = true;
        }
    assert_true(n_met >= 5);
    end(&s);
    tdag_ctx_free(s.ctx);
}

/* That of docs/programs.md, whose first token is before the loop. */
static void test_decoder_example(void **state)
{
    (void)state;
    static const char *const types[] = {"i64[P=5]", "i64[]"};
    subject s = {.ctx = test_ctx()};
    if (getenv("TDAG_TEST_PROGRAMS") != NULL) {
        open_torchscript(&s, TEST_SOURCE "/../../examples/programs/decoder.pt", types,
                         2);
        for (int64_t prompt = 1; prompt < 14; prompt += 3)
            for (int64_t most = 1; most < 40; most += 8)
                assert_int_equal(decode(&s, prompt, most, 1, 1), most - 1);
        end(&s);
    }
    tdag_ctx_free(s.ctx);
}

/* ---- an LSTM ---- */

static void lstm(subject *s)
{
    static const int64_t lengths[] = {1, 2, 3, 7, 20, 50};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const int64_t shape[] = {lengths[i], 2, 4};
        tdag_tensor *in = filled(s->ctx, TDAG_F32, 3, shape), *out = NULL;
        run(s, &in, 1, TDAG_ENGINE_REFERENCE, &out);
        compare(s, "T", lengths[i], -1);
        tdag_tensor_free(in);
        tdag_tensor_free(out);
    }
}

static void test_lstm(void **state)
{
    (void)state;
    subject s = {.ctx = test_ctx()};
    open_text(&s, "lstm.txt");
    lstm(&s);
    end(&s);
    tdag_ctx_free(s.ctx);
}

/* ---- steps that are collected ---- */

static void test_collect(void **state)
{
    (void)state;
    subject s = {.ctx = test_ctx()};
    open_text(&s, "../program/collect.txt");
    for (int64_t steps = 0; steps < 8; steps++) {
        const int64_t shape[] = {2, 4};
        tdag_tensor *in[2] = {filled(s.ctx, TDAG_F32, 2, shape), number(s.ctx, steps)};
        tdag_tensor *out = NULL;
        run(&s, in, 2, TDAG_ENGINE_REFERENCE, &out);
        compare(&s, "none", 0, out->shape[0]);
        free_all(in, 2);
        tdag_tensor_free(out);
    }
    end(&s);
    tdag_ctx_free(s.ctx);
}

/* ---- models of TorchScript ---- */

/* False: there are none. */
static bool open_module(subject *s, const char *name, const char *const *types,
                        uint32_t n)
{
    char path[512];
    const char *folder = getenv("TDAG_TEST_PROGRAMS");
    if (folder == NULL) return false;
    snprintf(path, sizeof path, "%s/%s.pt", folder, name);
    open_torchscript(s, path, types, n);
    return true;
}

static void test_imported_lstm(void **state)
{
    (void)state;
    static const char *const names[] = {"CellOverTime", "LongShortTerm", "GatedUnits"};
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        subject s = {.ctx = ctx};
        if (!open_module(&s, names[i], (const char *const[]){"f32[T=3,2,4]"}, 1))
            continue;
        lstm(&s);
        end(&s);
    }
    tdag_ctx_free(ctx);
}

static void test_imported_counted(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type;
        int64_t shape[2];
    } models[] = {{"Grows", "f32[2,4]", {2, 4}},
                  {"Sinkhorn", "f32[3,4]", {3, 4}},
                  {"RungeKutta", "f32[2,3]", {2, 3}}};
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        subject s = {.ctx = ctx};
        const char *const types[] = {models[i].type, "i64[]"};
        if (!open_module(&s, models[i].name, types, 2)) continue;
        for (int64_t n = 0; n < 6; n++) {
            tdag_tensor *in[2] = {filled(ctx, TDAG_F32, 2, models[i].shape),
                                  number(ctx, n)},
                        *out = NULL;
            run(&s, in, 2, TDAG_ENGINE_REFERENCE, &out);
            compare(&s, "none", 0, n);
            free_all(in, 2);
            tdag_tensor_free(out);
        }
        end(&s);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoder),       cmocka_unit_test(test_decoder_example),
        cmocka_unit_test(test_lstm),          cmocka_unit_test(test_collect),
        cmocka_unit_test(test_imported_lstm), cmocka_unit_test(test_imported_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
