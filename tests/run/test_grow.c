/* `y = cat([y, row])` in a loop, by both engines: what is there is not copied, values
 * are those of a concat, also where the old value stays in use, where what comes behind
 * does not lie behind, and where memory is short. */
#include "support/test.h"

#include <tdagger.h>

#include "base/tensor.h"

enum { WIDTH = 64, ROWS = 3 };

/* a gets half of its last row behind it, b the round's index for each of its rows; d is
 * the old a with its last row behind it. */
static tdag_model *growing(tdag_ctx *ctx, int b_rows, bool keeps_old)
{
    char text[4096];
    tdag_model *m = NULL;
    const int w = WIDTH, b = b_rows;
    snprintf(text, sizeof text,
             "tdag 2\n"
             "graph step {\n symbols T=3 U=1\n i: i64[] = input\n"
             " a: f32[T,%d] = input\n b: i64[%d,U] = input\n"
             " last: f32[1,%d] = slice(a) {start=[T-1,0], end=[T,%d]}\n"
             " half: f32[] = constant [0.5]\n row: f32[1,%d] = multiply(last, half)\n"
             " a0: f32[T+1,%d] = pad(a) {before=[0,0], after=[1,0], mode=constant, "
             "value=-0}\n"
             " a1: f32[T+1,%d] = pad(row) {before=[T,0], after=[0,0], mode=constant, "
             "value=-0}\n"
             " a2: f32[T+1,%d] = add(a0, a1)\n"
             " j: i64[1,1] = unsqueeze(i) {axes=[0,1]}\n"
             " js: i64[%d,1] = repeat(j) {counts=[%d,1]}\n"
             " b0: i64[%d,U+1] = pad(b) {before=[0,0], after=[0,1], mode=constant, "
             "value=0}\n"
             " b1: i64[%d,U+1] = pad(js) {before=[0,U], after=[0,0], mode=constant, "
             "value=0}\n"
             " b2: i64[%d,U+1] = add(b0, b1)\n"
             " d1: f32[T+1,%d] = pad(last) {before=[T,0], after=[0,0], mode=constant, "
             "value=-0}\n"
             " d2: f32[T+1,%d] = add(a0, d1)\n return a2, b2%s\n}\n"
             "program forward(x: f32[3,%d], y: i64[%d,1], n: i64[]) -> (f32[T_1,%d], "
             "i64[%d,U_1], f32[V_1,%d]) {\n"
             " a3: f32[T_1=3,%d], b3: i64[%d,U_1=1], d3: f32[V_1=3,%d] = loop limit n "
             "(i; a: f32[T=3,%d] = x, b: i64[%d,U=1] = y, d: f32[V=3,%d] = x) {\n"
             "  a4, b4%s = call step(i, a, b)\n  yield a4, b4, %s\n }\n"
             " return a3, b3, d3\n}\n",
             w, b, w, w, w, w, w, w, b, b, b, b, b, w, w, keeps_old ? ", d2" : "", w, b,
             w, b, w, w, b, w, w, b, w, keeps_old ? ", d4" : "",
             keeps_old ? "d4" : "d");
    TEST_OK(ctx, tdag_model_parse(ctx, text, strlen(text), &m));
    return m;
}

typedef struct job {
    const tdag_model *model;
    int64_t b_rows, rounds;
    tdag_engine engine;
    tdag_tensor *out[3];
} job;

static void free_all(tdag_tensor **t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        tdag_tensor_free(t[i]);
        t[i] = NULL;
    }
}

static tdag_status run_job(tdag_ctx *ctx, job *j)
{
    const int64_t x_shape[] = {ROWS, WIDTH}, y_shape[] = {j->b_rows, 1};
    tdag_tensor *in[3] = {NULL, NULL, NULL};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = j->engine;
    tdag_status st = tdag_tensor_create(ctx, TDAG_F32, 2, x_shape, &in[0]);
    if (st == TDAG_OK) st = tdag_tensor_create(ctx, TDAG_I64, 2, y_shape, &in[1]);
    if (st == TDAG_OK) st = tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &in[2]);
    if (st == TDAG_OK) {
        for (int64_t i = 0; i < in[0]->count; i++)
            tdagi_tensor_set_f64(in[0], i, (double)(i + 1));
        for (int64_t i = 0; i < j->b_rows; i++)
            tdagi_tensor_set_i64(in[1], i, -1 - i);
        tdagi_tensor_set_i64(in[2], 0, j->rounds);
        st = tdag_run(ctx, j->model, in, 3, &o, j->out);
    }
    free_all(in, 3);
    return st;
}

static void check_rows(const tdag_tensor *t, int64_t n, double last)
{
    assert_int_equal(t->shape[0], n);
    for (int64_t i = 0; i < t->count; i++) {
        double want =
            (double)((i < ROWS * WIDTH ? i : (ROWS - 1) * WIDTH + i % WIDTH) + 1);
        for (int64_t k = ROWS; k <= i / WIDTH; k++)
            want *= k == n - 1 ? last : 0.5;
        assert_true(tdagi_tensor_get_f64(t, i) == want);
    }
}

static void check(const job *j, bool keeps_old)
{
    const tdag_tensor *b = j->out[1];
    check_rows(j->out[0], ROWS + j->rounds, 0.5);
    check_rows(j->out[2], keeps_old ? ROWS + j->rounds : ROWS, 1);
    assert_int_equal(b->shape[1], 1 + j->rounds);
    for (int64_t i = 0; i < b->count; i++) {
        int64_t at = i % b->shape[1], want = at == 0 ? -1 - i / b->shape[1] : at - 1;
        assert_int_equal(tdagi_tensor_get_i64(b, i), want);
    }
}

static void test_values(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int kind = 0; kind < 8; kind++) {
        const bool keeps_old = (kind & 2) != 0;
        job j = {.b_rows = 1 + (kind & 1),
                 .engine =
                     (kind & 4) != 0 ? TDAG_ENGINE_NATIVE : TDAG_ENGINE_REFERENCE};
        tdag_model *m = growing(ctx, (int)j.b_rows, keeps_old);
        j.model = m;
        for (j.rounds = 0; j.rounds < 20; j.rounds += 1 + j.rounds / 5) {
            TEST_OK(ctx, run_job(ctx, &j));
            check(&j, keeps_old);
            free_all(j.out, 3);
        }
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

/* ---- memory ---- */

static tdag_status run_once(tdag_ctx *ctx, void *arg)
{
    job *j = arg;
    tdag_status st = run_job(ctx, j);
    if (st == TDAG_OK) free_all(j->out, 3);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = growing(ctx, 1, true);
    for (int engine = 0; engine < 2; engine++) {
        job j = {.model = m, .b_rows = 1, .rounds = 4, .engine = (tdag_engine)engine};
        for (int64_t nth = 1; test_one_oom(run_once, &j, nth); nth++)
            assert_true(nth < 100000);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void *count_taken(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)old_size;
    if (new_size > 0) *(int64_t *)user += (int64_t)new_size;
    if (new_size > 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static int64_t bytes_taken(int64_t rounds, tdag_engine engine)
{
    int64_t taken = 0;
    tdag_ctx *ctx = NULL;
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.allocator.realloc = count_taken;
    o.allocator.user = &taken;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    tdag_model *m = growing(ctx, 1, false);
    job j = {.model = m, .b_rows = 1, .rounds = rounds, .engine = engine};
    TEST_OK(ctx, run_once(ctx, &j));
    tdag_model_free(m);
    tdag_ctx_free(ctx);
    return taken;
}

/* What is taken is told by the rounds: 64 times as much for eight times as many, were
 * all rows copied. */
static void test_nothing_is_copied(void **state)
{
    (void)state;
    for (int engine = 0; engine < 2; engine++) {
        int64_t few = bytes_taken(500, (tdag_engine)engine);
        int64_t many = bytes_taken(4000, (tdag_engine)engine);
        if (many > 10 * few)
            fail_msg("%lld bytes for 500 rows, %lld for 4,000", (long long)few,
                     (long long)many);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_nothing_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
