/* Sums over a symbol in closed form, against sums one by one. TDAG_SEED chooses another
 * first seed. */
#include "support/test.h"

#include "base/dim/series.h"
#include "support/random_graph.h"

enum { I, N, S, N_SYMBOLS };

typedef struct pool_of {
    tdagi_pool *pool;
    tdag_dim symbols[N_SYMBOLS];
} pool_of;

static pool_of make_pool(tdag_ctx *ctx)
{
    static const char *const names[] = {"i", "n", "S"};
    pool_of p = {.pool = tdagi_pool_create(&ctx->allocator)};
    assert_non_null(p.pool);
    for (int k = 0; k < N_SYMBOLS; k++)
        p.symbols[k] = tdagi_dim_symbol(p.pool, names[k], 2);
    return p;
}

/* A polynomial of i and S, of that degree at most. */
static tdag_dim polynomial(pool_of *p, rg_random *r, int degree)
{
    tdag_dim sum = tdagi_dim_const(p->pool, rg_in(r, -3, 9)), power = 1;
    for (int k = 1; k <= degree; k++) {
        power = tdagi_dim_mul(p->pool, power, p->symbols[I]);
        tdag_dim by = tdagi_dim_const(p->pool, rg_in(r, -5, 9));
        if (rg_chance(r, 40)) by = tdagi_dim_mul(p->pool, by, p->symbols[S]);
        sum = tdagi_dim_add(p->pool, sum, tdagi_dim_mul(p->pool, power, by));
    }
    return sum;
}

static int64_t value(const pool_of *p, tdag_dim d, int64_t i, int64_t n, int64_t s)
{
    const int64_t values[N_SYMBOLS] = {i, n, s};
    int64_t out = 0;
    assert_true(tdagi_dim_eval(p->pool, d, values, &out));
    return out;
}

static void check_sum(const pool_of *p, tdagi_ratio r, tdagi_ratio sum, uint64_t seed)
{
    for (int64_t n = 0; n < 9; n++)
        for (int64_t s = 0; s < 4; s++) {
            int64_t want = 0;
            for (int64_t i = 0; i < n; i++)
                want += value(p, r.num, i, n, s) / r.den;
            int64_t got = value(p, sum.num, 0, n, s);
            if (got % sum.den != 0 || got / sum.den != want)
                fail_msg("seed %llu: n=%lld S=%lld gives %lld/%lld, not %lld",
                         (unsigned long long)seed, (long long)n, (long long)s,
                         (long long)got, (long long)sum.den, (long long)want);
        }
}

/* Also sums of sums, whose denominators are of higher powers. */
static void test_polynomials(void **state)
{
    (void)state;
    const char *text = getenv("TDAG_SEED");
    uint64_t first = text == NULL ? 1 : strtoull(text, NULL, 10);
    tdag_ctx *ctx = test_ctx();
    print_message("seeds %llu to %llu\n", (unsigned long long)first,
                  (unsigned long long)(first + 199));
    for (uint64_t seed = first; seed < first + 200; seed++) {
        pool_of p = make_pool(ctx);
        rg_random r = rg_seeded(seed);
        tdagi_ratio c = {polynomial(&p, &r, (int)rg_in(&r, 0, 4)), 1}, sum, again;
        assert_true(tdagi_ratio_sum(p.pool, c, I, p.symbols[N], &sum));
        check_sum(&p, c, sum, seed);
        assert_true(tdagi_ratio_sum(p.pool, c, I, p.symbols[I], &sum));
        assert_true(tdagi_ratio_sum(p.pool, sum, I, p.symbols[N], &again));
        check_sum(&p, sum, again, seed);
        TEST_OK(ctx, tdagi_pool_report(ctx, p.pool));
        tdagi_pool_free(p.pool);
    }
    tdag_ctx_free(ctx);
}

static tdag_dim read_dim(tdag_ctx *ctx, const pool_of *p, const char *text)
{
    const char *end = NULL;
    tdag_dim d = 0;
    TEST_OK(ctx, tdagi_dim_parse(ctx, p->pool, text, text + strlen(text), &end, &d));
    assert_int_equal(*end, '\0');
    return d;
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *of, *sum; /* NULL: it has no closed form */
    } cases[] = {
        {"0", "0"},
        {"7", "7*n"},
        {"S", "S*n"},
        {"2*i", "n*n-n"},
        {"i", "floor((n*n+n)/2)-n"},
        {"6*i*i", "2*n*n*n-3*n*n+n"},
        {"S+2*i", "S*n+n*n-n"},
        {"2*floor((i*i+i)/2)-2*floor((i*i+i+2)/2)+3", "n"},
        {"max(i,4)", NULL},
        {"floor(i/2)", NULL},
        {"min(S,i)", NULL},
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        pool_of p = make_pool(ctx);
        tdagi_ratio sum, of = {read_dim(ctx, &p, cases[k].of), 1};
        bool closed = tdagi_ratio_sum(p.pool, of, I, p.symbols[N], &sum);
        if (closed != (cases[k].sum != NULL)) fail_msg("%s: %d", cases[k].of, closed);
        if (closed && tdagi_ratio_dim(p.pool, sum) != read_dim(ctx, &p, cases[k].sum)) {
            char got[128];
            tdagi_dim_text(p.pool, tdagi_ratio_dim(p.pool, sum), got, sizeof got);
            fail_msg("the sum of %s is %s, not %s", cases[k].of, got, cases[k].sum);
        }
        assert_int_equal(tdagi_pool_status(p.pool), TDAG_OK);
        tdagi_pool_free(p.pool);
    }
    tdag_ctx_free(ctx);
}

static void test_largest(void **state)
{
    (void)state;
    static const struct {
        const char *of, *largest;
    } cases[] = {
        {"5", "5"},
        {"S", "S"},
        {"4*i+S", "4*n+S-4"},
        {"S-2*i", "S"},
        {"max(2*i,S)", "max(2*n-2,S)"},
        {"i*i-3*i", "max(0,n*n-5*n+4)"},
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        pool_of p = make_pool(ctx);
        tdag_dim d =
            tdagi_dim_largest(p.pool, read_dim(ctx, &p, cases[k].of), I, p.symbols[N]);
        if (d != read_dim(ctx, &p, cases[k].largest)) {
            char got[128];
            tdagi_dim_text(p.pool, d, got, sizeof got);
            fail_msg("the largest of %s is %s", cases[k].of, got);
        }
        tdagi_pool_free(p.pool);
    }
    tdag_ctx_free(ctx);
}

static tdag_status sum_it(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdagi_pool *pool = tdagi_pool_create(&ctx->allocator);
    if (pool == NULL) return tdagi_nomem(ctx);
    tdag_dim i = tdagi_dim_symbol(pool, "i", 2), n = tdagi_dim_symbol(pool, "n", 2);
    tdagi_ratio sum;
    tdag_dim square = tdagi_dim_mul(pool, i, i);
    (void)tdagi_ratio_sum(pool, tdagi_ratio_of(square), 0, n, &sum);
    tdag_status st = tdagi_pool_report(ctx, pool);
    tdagi_pool_free(pool);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    test_every_oom(sum_it, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_polynomials),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
