/* What the rounds of loops compute, by each level of processors that this one can run,
 * against plain loops: products of all small sizes, with rows that are apart, with and
 * without a bias and something added; element-wise rows, of infinities and NaNs too. */
#include "support/pick.h"
#include "support/test.h"

#include <math.h>

#include "run/step/step.h"

extern const tdagi_step_level tdagi_step_plain, tdagi_step_avx2, tdagi_step_avx512;

/* Elements of a type, seen as doubles. */
typedef struct array {
    bool is_f32;
    int64_t n;
    void *data;
} array;

static size_t size_of(bool is_f32) { return is_f32 ? sizeof(float) : sizeof(double); }

static double get(const array *a, int64_t i)
{
    assert_true(i >= 0 && i < a->n);
    return a->is_f32 ? (double)((float *)a->data)[i] : ((double *)a->data)[i];
}

static void set(const array *a, int64_t i, double x)
{
    if (a->is_f32)
        ((float *)a->data)[i] = (float)x;
    else
        ((double *)a->data)[i] = x;
}

static array make(bool is_f32, int64_t n)
{
    array a = {is_f32, n, malloc((size_t)n * size_of(is_f32))};
    assert_non_null(a.data);
    for (int64_t i = 0; i < n; i++)
        set(&a, i, (double)pick(2001) / 1000 - 1);
    return a;
}

static void expect(double x, double y, bool is_f32, const char *level, const char *what)
{
    const double tolerance = is_f32 ? 1e-5 : 1e-14;
    bool same = (isnan(x) && isnan(y)) || (x == y && signbit(x) == signbit(y)) ||
                fabs(x - y) <= tolerance * (1 + fabs(y));
    if (!same) fail_msg("%s, %s: %.17g, not %.17g", level, what, x, y);
}

static void multiply(const tdagi_step_kernels *k, bool is_f32, const char *level)
{
    const int64_t n = 1 + pick(70), m = 1 + pick(11), depth = 1 + pick(40);
    const int64_t apart = depth + pick(3), more_apart = n + pick(3);
    const bool has_bias = pick(2) == 0, adds = pick(2) == 0, turned = pick(2) == 0;
    array a = make(is_f32, m * apart), w = make(is_f32, n * depth);
    array bias = make(is_f32, n), more = make(is_f32, m * more_apart);
    array out = make(is_f32, m * n);
    void *room = malloc(k->packed_size(n, depth));
    const int64_t row = turned ? 1 : depth, column = turned ? n : 1;
    assert_non_null(room);
    const tdagi_packed packed = {
        n, depth,
        k->pack(n, depth, w.data, row, column, has_bias ? bias.data : NULL, room)};
    k->product(&packed, m, (tdagi_step_rows){a.data, apart},
               (tdagi_step_rows){adds ? more.data : NULL, more_apart}, out.data);
    for (int64_t i = 0; i < m * n; i++) {
        double sum = has_bias ? get(&bias, i % n) : 0;
        if (adds) sum += get(&more, i / n * more_apart + i % n);
        for (int64_t p = 0; p < depth; p++)
            sum += get(&a, i / n * apart + p) * get(&w, i % n * row + p * column);
        expect(get(&out, i), sum, is_f32, level, "a product");
    }
    const array all[] = {a, w, bias, more, out};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i].data);
    free(room);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double element(uint32_t map, double x, double y)
{
    switch (map) {
    case TDAGI_STEP_ADD:
        return x + y;
    case TDAGI_STEP_SUB:
        return x - y;
    case TDAGI_STEP_MULTIPLY:
        return x * y;
    case TDAGI_STEP_NEG:
        return -x;
    case TDAGI_STEP_TANH:
        return tanh(x);
    case TDAGI_STEP_SIGMOID:
        return sigmoid(x);
    default:
        return x < 0 ? 0 : x;
    }
}

/* Elements from -40 to 40, where sigmoids of floats and doubles are numbers, and the
 * extremes of both types. */
static void map_all(const tdagi_step_kernels *k, bool is_f32, const char *level)
{
    static const char *const names[] = {
#define STEP(name, composite, op, operands, expression) #name,
#include "run/step/step.def"
    };
    const double most = is_f32 ? 88.8 : 709.9;
    const double extremes[] = {INFINITY, -INFINITY, NAN,   0.0,  -0.0,  1e-30,
                               -1e-30,   most,      -most, 1e30, -1e30, 0.3};
    const int64_t n_extremes = sizeof extremes / sizeof *extremes;
    for (uint32_t i = 0; i < TDAGI_N_STEPS; i++) {
        const int64_t n = 1 + pick(150);
        array x = make(is_f32, n), y = make(is_f32, n), out = make(is_f32, n);
        for (int64_t j = 0; j < n; j++)
            set(&x, j,
                pick(4) == 0 ? extremes[pick((uint32_t)n_extremes)] : 40 * get(&x, j));
        k->maps[i](x.data, y.data, out.data, n);
        for (int64_t j = 0; j < n; j++)
            expect(get(&out, j), element(i, get(&x, j), get(&y, j)), is_f32, level,
                   names[i]);
        free(x.data);
        free(y.data);
        free(out.data);
    }
}

static void one_cell(const tdagi_step_kernels *k, bool is_f32, const char *level)
{
    const int64_t n = 1 + pick(70);
    array gates = make(is_f32, 4 * n), was = make(is_f32, n), c = make(is_f32, n),
          h = make(is_f32, n);
    if (pick(2) == 0) set(&gates, pick((uint32_t)n), NAN);
    k->cell(gates.data, was.data, c.data, h.data, n);
    for (int64_t j = 0; j < n; j++) {
        const double state = sigmoid(get(&gates, n + j)) * get(&was, j) +
                             sigmoid(get(&gates, j)) * tanh(get(&gates, 2 * n + j));
        expect(get(&c, j), state, is_f32, level, "a cell's state");
        expect(get(&h, j), sigmoid(get(&gates, 3 * n + j)) * tanh(state), is_f32, level,
               "a cell's result");
    }
    const array all[] = {gates, was, c, h};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i].data);
}

static void check(const tdagi_step_level *level, const char *name)
{
    pick_state = 5;
    for (int i = 0; i < 200; i++) {
        const bool is_f32 = i % 2 == 0;
        const tdagi_step_kernels *k = is_f32 ? level->f32 : level->f64;
        multiply(k, is_f32, name);
        map_all(k, is_f32, name);
        one_cell(k, is_f32, name);
    }
    assert_true(level->f32->packed_size(INT64_MAX / 2, INT64_MAX / 2) == 0);
}

static void test_levels(void **unused)
{
    (void)unused;
    check(&tdagi_step_plain, "plain");
#ifdef TDAGI_STEP_AVX
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        check(&tdagi_step_avx2, "avx2");
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        check(&tdagi_step_avx512, "avx512");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
