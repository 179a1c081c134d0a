/* A dimension is removed from programs: what they give for one sample is what they gave
 * for it as part of a batch, states included; refused where it steers, with the
 * statement. */
#include "support/test.h"

#include <tdagger.h>

#include "base/tensor.h"
#include "program/model.h"

#define STEP                                                                           \
    "graph zeros {\n  symbols N=2\n  z: f32[] = constant [0]\n"                        \
    "  u: f32[1,1] = unsqueeze(z) {axes=[0,1]}\n"                                      \
    "  r: f32[N,4] = repeat(u) {counts=[N,4]}\n  return r\n}\n"                        \
    "graph steps {\n  n: i64[] = constant [5]\n  return n\n}\n"                        \
    "graph step {\n  symbols N=2 T=5\n  i: i64[] = input\n  h: f32[N,4] = input\n"     \
    "  x: f32[T,N,4] = input\n  w: f32[4] = parameter [0.5, 0.25, -0.5, 1]\n"          \
    "  at: i64[1] = unsqueeze(i) {axes=[0]}\n"                                         \
    "  row: f32[1,N,4] = gather(x, at) {batch=0}\n"                                    \
    "  r: f32[N,4] = squeeze(row) {axes=[0]}\n  m: f32[N,4] = multiply(h, w)\n"        \
    "  s: f32[N,4] = add(m, r)\n  y: f32[N,4] = tanh(s)\n  return y\n}\n"              \
    "graph grow {\n  symbols L=1 N=2\n  t: f32[L,N,4] = input\n"                       \
    "  h: f32[N,4] = input\n  u: f32[1,N,4] = unsqueeze(h) {axes=[0]}\n"               \
    "  a: f32[L+1,N,4] = pad(t) {before=[0,0,0], after=[1,0,0]}\n"                     \
    "  b: f32[L+1,N,4] = pad(u) {before=[L,0,0], after=[0,0,0]}\n"                     \
    "  r: f32[L+1,N,4] = add(a, b)\n  return r\n}\n"                                   \
    "graph first {\n  symbols N=2\n  h: f32[N,4] = input\n"                            \
    "  u: f32[1,N,4] = unsqueeze(h) {axes=[0]}\n  return u\n}\n"                       \
    "graph positive {\n  n: i64[] = input\n  z: i64[] = constant [2]\n"                \
    "  c: bool[] = less(z, n)\n  return c\n}\n"                                        \
    "graph neg {\n  symbols M=2\n  x: f32[M,4] = input\n  y: f32[M,4] = neg(x)\n"      \
    "  return y\n}\n"                                                                  \
    "graph largest {\n  symbols N=2\n  h: f32[N,4] = input\n"                          \
    "  m: f32[1,1] = reduce(h) {axes=[0,1], kind=max}\n"                               \
    "  r: f32[] = squeeze(m) {axes=[0,1]}\n  z: f32[] = constant [0.5]\n"              \
    "  c: bool[] = less(z, r)\n  return c\n}\n"

static const char good[] =
    "tdag 2\n" STEP "state mem: f32[B=1,4] = [1, 2, 3, 4]\n"
    "program forward(x: f32[5,N,4], k: i64[]) -> (f32[N,4], f32[L,N,4], f32[N,4]) {\n"
    "  symbols N=2\n  m: f32[B,4] = read mem\n  m1 = call neg(m)\n  write mem m1\n"
    "  h0 = call zeros()\n  n = call steps()\n  t0 = call first(h0)\n"
    "  h, t: f32[L,N,4] = loop limit n (i; a = h0, s: f32[S=1,N,4] = t0) {\n"
    "    b = call step(i, a, x)\n    s1 = call grow(s, b)\n    yield b, s1\n  }\n"
    "  c = call positive(k)\n"
    "  y = if c {\n    y1 = call neg(h)\n    write mem y1\n    yield y1\n  } else {\n"
    "    yield h0\n  }\n  return h, t, y\n}\n";

static const struct {
    const char *name, *body, *says;
} refused[] = {
    {"a branch",
     "  c = call largest(x)\n  y = if c {\n    z = call neg(x)\n    yield z\n"
     "  } else {\n    yield x\n  }\n  return y\n",
     "method forward, statement 1 (call): N cannot be removed: reduce reduces over its "
     "axis, and statement 2 (if) depends on it"},
    {"a loop",
     "  c = call largest(x)\n  y = loop while c (i; a = x) {\n"
     "    b = call neg(a)\n    d = call largest(b)\n    yield d; b\n  }\n"
     "  return y\n",
     "method forward, statement 1 (call): N cannot be removed: reduce reduces over its "
     "axis, and statement 2 (loop) depends on it"},
    {"a check", "  c = call largest(x)\n  check c \"it is large\"\n  return x\n",
     "method forward, statement 1 (call): N cannot be removed: reduce reduces over its "
     "axis, and statement 2 (check) depends on it"},
    {"an operator", "  i = apply nonzero(x) as i64[K,2]\n  return i\n",
     "method forward, statement 1 (apply): N cannot be removed: nonzero looks at all "
     "positions"},
    {"no such dimension", "  return x\n", NULL},
};

static tdag_model *parse(tdag_ctx *ctx, const char *text)
{
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, text, strlen(text), &m));
    return m;
}

enum { SAMPLES = 3, STEPS = 5, N_OUT = 3 };

/* Sample `only` of the input, or all of them. */
static void run(tdag_ctx *ctx, const tdag_model *m, int only, int64_t k,
                tdag_tensor **out)
{
    const int64_t all[] = {STEPS, SAMPLES, 4}, one[] = {STEPS, 4};
    tdag_tensor *in[2] = {NULL, NULL};
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, only < 0 ? 3 : 2,
                                    only < 0 ? all : one, &in[0]));
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_I64, 0, NULL, &in[1]));
    tdagi_tensor_set_i64(in[1], 0, k);
    for (int64_t t = 0; t < STEPS; t++)
        for (int64_t n = 0; n < SAMPLES; n++)
            for (int64_t j = 0; j < 4; j++) {
                double v = (double)((t * 7 + n * 5 + j * 3) % 11 - 5) / 4;
                if (only < 0)
                    tdagi_tensor_set_f64(in[0], (t * SAMPLES + n) * 4 + j, v);
                else if (n == only)
                    tdagi_tensor_set_f64(in[0], t * 4 + j, v);
            }
    TEST_OK(ctx, tdag_run(ctx, m, in, 2, NULL, out));
    tdag_tensor_free(in[0]);
    tdag_tensor_free(in[1]);
}

/* Row n of [N, 4] or [L, N, 4]. */
static void check_sample(const tdag_tensor *all, const tdag_tensor *one, int64_t n)
{
    int64_t rows = all->rank == 3 ? all->shape[0] : 1;
    assert_int_equal(one->rank, all->rank - 1);
    assert_int_equal(one->count, rows * 4);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < 4; j++)
            assert_true(tdagi_tensor_get_f64(all, (r * SAMPLES + n) * 4 + j) ==
                        tdagi_tensor_get_f64(one, r * 4 + j));
}

static void test_samples(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, good), *less = NULL;
    TEST_OK(ctx, tdag_remove_dim(ctx, m, "N", NULL, &less));
    assert_int_equal(tdag_model_get_state_initial(less, 0)->rank, 1);
    for (int64_t k = 1; k < 5; k += 3) {
        tdag_tensor *all[N_OUT] = {NULL}, *one[N_OUT] = {NULL};
        run(ctx, m, -1, k, all);
        for (int n = 0; n < SAMPLES; n++) {
            run(ctx, less, n, k, one);
            for (int i = 0; i < N_OUT; i++) {
                check_sample(all[i], one[i], n);
                tdag_tensor_free(one[i]);
            }
        }
        for (int i = 0; i < N_OUT; i++)
            tdag_tensor_free(all[i]);
    }
    tdag_model_free(less);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_refused(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[8192];
        bool other = refused[i].says == NULL;
        snprintf(text, sizeof text,
                 "tdag 2\n" STEP "program forward(x: f32[N,4]) {\n  symbols N=2\n%s}\n",
                 refused[i].body);
        tdag_model *m = parse(ctx, text), *less = NULL;
        tdag_status st = tdag_remove_dim(ctx, m, other ? "M" : "N", NULL, &less);
        assert_int_equal(st, other ? TDAG_E_ARG : TDAG_E_UNSUPPORTED);
        if (!other)
            assert_string_equal(tdag_ctx_get_error(ctx)->message, refused[i].says);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

/* At one nothing mixes. */
static void test_at_one(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char text[8192];
    snprintf(text, sizeof text,
             "tdag 2\n" STEP "program forward(x: f32[N,4]) -> (f32[N,4]) {\n"
             "  symbols N=2\n%s}\n",
             refused[0].body);
    tdag_model *m = parse(ctx, text), *less = NULL;
    tdag_remove_dim_options o;
    tdag_remove_dim_options_init(&o);
    o.flags = TDAG_REMOVE_DIM_AT_ONE;
    TEST_OK(ctx, tdag_remove_dim(ctx, m, "N", &o, &less));
    const int64_t shape[] = {4};
    tdag_tensor *in = NULL, *out = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, shape, &in));
    tdagi_tensor_set_f64(in, 0, 2);
    TEST_OK(ctx, tdag_run(ctx, less, &in, 1, NULL, &out));
    assert_int_equal(out->rank, 1);
    assert_true(tdagi_tensor_get_f64(out, 0) == -2);
    tdag_tensor_free(in);
    tdag_tensor_free(out);
    tdag_model_free(less);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    tdag_model *less = NULL;
    tdag_status st = tdag_remove_dim(ctx, arg, "N", NULL, &less);
    tdag_model_free(less);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, good);
    test_every_oom(oom_body, m);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_at_one),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
