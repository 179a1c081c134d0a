/* Symbolic dims: the normal form rule by rule, text, limits, failing memory. */
#include "base/dim/dim.h"

#include "support/test.h"

static tdagi_pool *new_pool(tdag_ctx *ctx)
{
    tdagi_pool *pool = tdagi_pool_create(&ctx->allocator);
    assert_non_null(pool);
    tdagi_dim_symbol(pool, "N", 4);
    tdagi_dim_symbol(pool, "S", 128);
    tdagi_dim_symbol(pool, "H", 30);
    tdagi_dim_symbol(pool, "W", 48);
    return pool;
}

static tdag_dim parse(tdag_ctx *ctx, tdagi_pool *pool, const char *text)
{
    const char *end = NULL;
    tdag_dim d = TDAGI_DIM_BAD;
    TEST_OK(ctx, tdagi_dim_parse(ctx, pool, text, text + strlen(text), &end, &d));
    assert_int_equal(*end, '\0');
    return d;
}

/* Each text normalises to the other one, and prints so. */
static const char *const normal_forms[][2] = {
    {"7", "7"},
    {"3-5", "-2"},
    {"-3*N+N*3", "0"},
    {"N+1-N", "1"},
    {"S*2*N+1", "2*N*S+1"},
    {"(N+1)*(N-1)", "N*N-1"},
    {"(N+S)*(N+S)", "N*N+2*N*S+S*S"},
    {"3-N", "-N+3"},
    {"N-N*N", "-N*N+N"},
    /* floor: constants */
    {"floor(N/1)", "N"},
    {"floor(N/(-1))", "-N"},
    {"floor(7/2)", "3"},
    {"floor((-7)/2)", "-4"},
    {"floor(7/(-2))", "-4"},
    {"floor((-7)/(-2))", "3"},
    {"floor((2*H+1)/2)", "H"},
    {"floor((4*H+3)/2)", "2*H+1"},
    {"floor((H+5)/2)", "floor((H+1)/2)+2"},
    {"floor((H-1)/2)+1", "floor((H+1)/2)"},
    {"floor((H-2)/2)+1", "floor(H/2)"},
    {"floor((6*H+4)/4)", "H+floor(H/2)+1"},
    {"floor((2*H+3)/4)", "floor((H+1)/2)"},
    {"floor((N*H+4*N)/4)", "N+floor(H*N/4)"},
    {"floor(H/(-2))", "-H+floor(H/2)"},
    /* floors join */
    {"floor(floor(H/2)/3)", "floor(H/6)"},
    {"floor((floor((H+1)/2)+1)/2)", "floor((H+3)/4)"},
    {"floor((floor((H-1)/2)+1-1)/2)+1", "floor((H+3)/4)"},
    /* exact division */
    {"floor(N*S*768/(N*S))", "768"},
    {"floor(N*H*W/(N*W))", "H"},
    {"floor((N*N-1)/(N+1))", "N-1"},
    {"floor((N*S+N+S+1)/(S+1))", "N+1"},
    {"floor(2*N/(4*N))", "0"},
    {"floor(N*H/(2*N))", "floor(H/2)"},
    {"floor(N*H/(N*W))", "floor(H/W)"},
    {"floor((2*H+1)/(2*W))", "floor(H/W)"},
    {"floor((N*S+H)/N)", "S+floor(H/N)"},
    {"floor((H+W*(N+1))/(N+1))", "W+floor(H/(N+1))"},
    {"floor(N/(N+1))", "0"},
    {"floor((-1)/(N+1))", "-1"},
    {"floor(H/(2*W))", "floor(H/(2*W))"},
    {"floor(H/(W*N))", "floor(H/(N*W))"},
    {"floor(1/W)", "floor(1/W)"},
    {"floor(0/W)", "0"},
    {"floor(W/W)", "1"},
    /* max, min */
    {"max(3,4)", "4"},
    {"max(N,N)", "N"},
    {"max(4,N)", "max(N,4)"},
    {"max(N+1,N+3)", "N+3"},
    {"min(N+1,N+3)", "N+1"},
    {"max(N,0)", "N"},
    {"max(N,-3)", "N"},
    {"min(N,0)", "0"},
    {"max(N,2*N+S)", "2*N+S"},
    {"max(max(N,S),max(4,N))", "max(N,S,4)"},
    {"min(min(N,S),N-1)", "min(N-1,S)"},
    {"max(N-5,0)", "max(N-5,0)"},
    {"max(N*H,N*H-1)*2", "2*H*N"},
    {" max( N , 4 ) * 2 ", "2*max(N,4)"},
};

static void test_normal_forms(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    for (size_t i = 0; i < sizeof normal_forms / sizeof *normal_forms; i++) {
        char text[256], source[64];
        snprintf(source, sizeof source, "%s", normal_forms[i][0]);
        for (size_t n = strlen(source); n > 0 && source[n - 1] == ' '; n--)
            source[n - 1] = '\0';
        tdag_dim d = parse(ctx, pool, source);
        size_t length = tdagi_dim_text(pool, d, text, sizeof text);
        assert_int_equal(length, strlen(text));
        tdag_dim want = parse(ctx, pool, normal_forms[i][1]);
        if (d != want)
            fail_msg("%s became %s, not %s", normal_forms[i][0], text,
                     normal_forms[i][1]);
        assert_int_equal(parse(ctx, pool, text), d);
        assert_string_equal(text, normal_forms[i][1]);
    }
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

static void test_samples(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    assert_int_equal(tdagi_dim_sample(pool, parse(ctx, pool, "2*N*S+1")), 1025);
    assert_int_equal(tdagi_dim_sample(pool, parse(ctx, pool, "floor((H+1)/4)-9")), -2);
    assert_int_equal(tdagi_dim_sample(pool, parse(ctx, pool, "max(H,W-1,N)")), 47);
    const int64_t values[4] = {3, 5, 7, 0};
    int64_t v = -1;
    assert_true(tdagi_dim_eval(pool, parse(ctx, pool, "N*N*S-H"), values, &v));
    assert_int_equal(v, 38);
    assert_false(tdagi_dim_eval(pool, parse(ctx, pool, "floor(N/W)"), values, &v));
    const int64_t large[4] = {INT64_MAX, 2, 1, 1};
    assert_false(tdagi_dim_eval(pool, parse(ctx, pool, "N*S"), large, &v));
    assert_true(tdagi_dim_is_const(pool, tdagi_dim_const(pool, -7), &v));
    assert_int_equal(v, -7);
    assert_true(tdagi_dim_is_const(pool, tdagi_dim_const(pool, INT64_MIN), &v));
    assert_true(v == INT64_MIN);
    assert_false(tdagi_dim_is_const(pool, tdagi_pool_symbol_dim(pool, 0), &v));
    assert_false(tdagi_dim_is_const(pool, TDAGI_DIM_BAD, &v));
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

static void test_mod(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    tdag_dim n = tdagi_pool_symbol_dim(pool, 0);
    assert_int_equal(tdagi_dim_mod(pool, 7, 4), 3);
    assert_int_equal(tdagi_dim_mod(pool, tdagi_dim_mul(pool, n, 6), 3), 0);
    assert_int_equal(tdagi_dim_mod(pool, tdagi_dim_const(pool, -7), 4), 1);
    assert_int_equal(tdagi_dim_mod(pool, tdagi_dim_mul(pool, n, n), n), 0);
    const tdag_dim with_zero[4] = {INT64_MAX, n, INT64_MAX, 0};
    assert_int_equal(tdagi_dim_product(pool, 4, with_zero), 0);
    assert_int_equal(tdagi_dim_product(pool, 0, NULL), 1);
    assert_int_equal(tdagi_pool_status(pool), TDAG_OK);
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

static const struct {
    const char *a, *b;
    bool proved;
} proofs[] = {
    {"5", "4", true},
    {"4", "5", false},
    {"N", "1", true},
    {"N", "2", false},
    {"N*S", "N", true},
    {"N*S*H", "N*S", true},
    {"2*N", "N+1", true},
    {"N", "S", false},
    {"floor((H+1)/2)", "1", true},
    {"floor(H/2)", "0", true},
    {"floor(H/2)", "1", false},
    {"max(N,4)", "4", true},
    {"max(N,4)*S", "4*S", true},
    {"min(N,4)", "1", true},
    {"min(N,4)", "2", false},
    {"floor(H/W)", "0", true},
    {"N-5", "N-6", true},
    {"-N", "-3", false},
    {"N*S-N-S+1", "0", true},
};

static void test_proofs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    for (size_t i = 0; i < sizeof proofs / sizeof *proofs; i++) {
        tdag_dim a = parse(ctx, pool, proofs[i].a), b = parse(ctx, pool, proofs[i].b);
        if (tdagi_dim_proves_ge(pool, a, b) != proofs[i].proved)
            fail_msg("%s >= %s should be %d", proofs[i].a, proofs[i].b,
                     proofs[i].proved);
    }
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

/* Sizes that meet where maps are halved and doubled, padded and cut. */
static const struct {
    const char *d, *bound;
    bool at_most;
} orders[] = {
    {"floor((H+1)/2)", "2*floor((H+3)/4)", true},
    {"2*floor((H+3)/4)", "floor((H+1)/2)", false},
    {"2*floor((H+3)/4)", "floor((H+1)/2)+1", true},
    {"2*floor(H/4)", "floor(H/2)", true},
    {"8*floor(H/8)", "H", true},
    {"H", "8*floor(H/8)", false},
    {"H", "4*floor((H+3)/4)", true},
    {"H", "4*floor((H+2)/4)", false},
    {"4*floor((H+3)/4)", "H+3", true},
    {"4*floor((H+3)/4)", "H+2", false},
    {"S", "S+64*S-64*floor((63*S+63)/64)+63", true},
    {"0", "64*S-64*floor(63*S/64)-S", true},
    {"H*W", "49*floor((H+6)/7)*floor((W+6)/7)", true},
    {"floor(floor((H+1)/2)/3)", "floor((H+1)/6)", true},
    {"min(N,S)", "max(N,S)", true},
    {"4*floor((N+3)/4)", "4*floor((S+3)/4)", false},
    {"floor(H/5000)", "H", false}, /* too many cases */
    {"floor(H/W)", "H", false},
    {"3", "H+max(3-H,0)", true}, /* by a side that is there, too */
    {"4", "H+max(3-H,0)", false},
    {"min(H,3)+max(3-min(H,3),0)", "3", true},
    {"6*min(H,1)+max(6-6*min(H,1),0)", "6", true},
    {"min(H,1)", "min(H,2)", true},
    {"min(H,2)", "min(H,1)", false},
    {"max(min(H,1),min(H,2))", "min(H,2)", true},
    {"H-min(H,W)", "H-min(W,H,N)", true},
    {"max(H,W)-max(H,N)", "max(W-N,0)", true},
    {"max(H,W)-max(H,N)", "max(W-N-1,0)", false},
};

static void test_orders(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    uint32_t n = tdagi_pool_n_symbols(pool);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        tdag_dim a = parse(ctx, pool, orders[i].d),
                 b = parse(ctx, pool, orders[i].bound);
        if (tdagi_dim_is_at_most(pool, a, b) != orders[i].at_most)
            fail_msg("%s <= %s should be %d", orders[i].d, orders[i].bound,
                     orders[i].at_most);
    }
    assert_int_equal(tdagi_pool_n_symbols(pool), n);
    assert_int_equal(tdagi_pool_status(pool), TDAG_OK);
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

/* ---- failing ---- */

static const struct {
    const char *text;
    tdag_status status;
    int64_t offset; /* -1: any */
} refused[] = {
    {"", TDAG_E_FORMAT, 0},
    {"N+", TDAG_E_FORMAT, 2},
    {"Q", TDAG_E_FORMAT, 0},
    {"N+Qx*2", TDAG_E_FORMAT, 2},
    {"(N", TDAG_E_FORMAT, 2},
    {"floor(N+1/2)", TDAG_E_FORMAT, 7},
    {"floor(N)", TDAG_E_FORMAT, 7},
    {"floor(N/2", TDAG_E_FORMAT, 9},
    {"max(N)", TDAG_E_FORMAT, 5},
    {"round(N/2)", TDAG_E_FORMAT, 0},
    {"9223372036854775808", TDAG_E_FORMAT, 0},
    {"9223372036854775807+1", TDAG_E_OVERFLOW, -1},
    {"9223372036854775807*N", TDAG_E_OVERFLOW, -1},
    {"N*4611686018427387904*2", TDAG_E_OVERFLOW, -1},
    {"floor(N/0)", TDAG_E_ARG, -1},
    {"floor(N/(S-128))", TDAG_E_ARG, -1},
    {"floor((-9223372036854775808)/(-1))", TDAG_E_OVERFLOW, -1},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        tdag_ctx *ctx = test_ctx();
        tdagi_pool *pool = new_pool(ctx);
        const char *text = refused[i].text, *end;
        tdag_dim d;
        tdag_status st =
            tdagi_dim_parse(ctx, pool, text, text + strlen(text), &end, &d);
        if (st != refused[i].status) fail_msg("'%s': %s", text, tdag_status_text(st));
        assert_true(tdag_ctx_get_error(ctx)->message[0] != '\0');
        if (refused[i].offset >= 0)
            assert_int_equal(tdag_ctx_get_error(ctx)->offset, refused[i].offset);
        tdagi_pool_free(pool);
        tdag_ctx_free(ctx);
    }
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    assert_int_equal(tdagi_dim_sample(pool, parse(ctx, pool, "-9223372036854775808")),
                     INT64_MIN);
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

static void test_status_sticks(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    assert_true(tdagi_dim_add(pool, INT64_MAX, 1) == TDAGI_DIM_BAD);
    assert_true(tdagi_dim_floordiv(pool, 3, 0) == TDAGI_DIM_BAD);
    assert_int_equal(tdagi_pool_status(pool), TDAG_E_OVERFLOW); /* the first one */
    assert_true(tdagi_dim_mul(pool, 2, TDAGI_DIM_BAD) == TDAGI_DIM_BAD);
    assert_true(tdagi_dim_max(pool, TDAGI_DIM_BAD, 2) == TDAGI_DIM_BAD);
    assert_true(tdagi_dim_floordiv(pool, TDAGI_DIM_BAD, 0) == TDAGI_DIM_BAD);
    assert_int_equal(tdagi_pool_report(ctx, pool), TDAG_E_OVERFLOW);
    assert_true(tdag_ctx_get_error(ctx)->message[0] != '\0');
    tdagi_pool_clear_status(pool);
    assert_int_equal(tdagi_pool_report(ctx, pool), TDAG_OK);
    assert_true(tdagi_dim_add(pool, -12345, 1) == TDAGI_DIM_BAD); /* nobody's dim */
    assert_int_equal(tdagi_pool_status(pool), TDAG_E_ARG);
    tdagi_pool_clear_status(pool);
    assert_true(tdagi_dim_symbol(pool, "N", 5) == TDAGI_DIM_BAD);
    assert_int_equal(tdagi_pool_status(pool), TDAG_E_ARG);
    tdagi_pool_clear_status(pool);
    assert_true(tdagi_dim_symbol(pool, "N", 4) == tdagi_pool_symbol_dim(pool, 0));
    assert_true(tdagi_dim_symbol(pool, "2N", 4) == TDAGI_DIM_BAD);
    tdagi_pool_clear_status(pool);
    assert_true(tdagi_dim_symbol(pool, "M", -1) == TDAGI_DIM_BAD);
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

/* Hostile expressions end in E_LIMIT or E_OVERFLOW, not in a deep stack or full memory.
 */
static void test_limits(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    size_t n = 100000;
    char *text = malloc(n * 6 + 1);
    assert_non_null(text);
    const char *end;
    tdag_dim d;
    memset(text, '(', n);
    assert_int_equal(tdagi_dim_parse(ctx, pool, text, text + n, &end, &d),
                     TDAG_E_LIMIT);
    for (size_t i = 0; i < n; i++)
        memcpy(text + 6 * i, "floor(", 6);
    assert_int_equal(tdagi_dim_parse(ctx, pool, text, text + 6 * n, &end, &d),
                     TDAG_E_LIMIT);
    free(text);
    tdag_dim s = tdagi_pool_symbol_dim(pool, 0), one = tdagi_dim_symbol(pool, "one", 1);
    d = one;
    for (int i = 0; i < 100 && d != TDAGI_DIM_BAD; i++) /* nested too deeply */
        d = tdagi_dim_floordiv(pool, tdagi_dim_add(pool, tdagi_dim_mul(pool, d, d), 1),
                               s);
    assert_int_equal(tdagi_pool_status(pool), TDAG_E_LIMIT);
    tdagi_pool_clear_status(pool);
    d = one;
    for (int i = 0; i < 100 && d != TDAGI_DIM_BAD; i++) /* of too high a degree */
        d = tdagi_dim_mul(pool, d, one);
    assert_int_equal(tdagi_pool_status(pool), TDAG_E_LIMIT);
    tdagi_pool_clear_status(pool);
    d = 0;
    for (int i = 0; i < 40; i++) { /* of too many terms */
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        d = tdagi_dim_add(pool, d, tdagi_dim_symbol(pool, name, 0));
    }
    d = tdagi_dim_mul(pool, d, d);
    assert_int_equal(tdagi_pool_status(pool), TDAG_OK); /* 820 terms */
    tdagi_dim_mul(pool, d, d);
    assert_int_equal(tdagi_pool_status(pool), TDAG_E_LIMIT);
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

/* ---- two pools ---- */

static void test_import(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *from = new_pool(ctx), *to = tdagi_pool_create(&ctx->allocator);
    assert_non_null(to);
    tdagi_dim_symbol(to, "W", 48); /* another order of the symbols */
    tdagi_dim_symbol(to, "H", 30);
    const char *text = "floor((H*W+1)/(2*N))+max(N,S,W-H)*N*N-3";
    tdag_dim d = tdagi_dim_import(to, from, parse(ctx, from, text));
    assert_int_equal(tdagi_pool_status(to), TDAG_OK);
    assert_int_equal(d, parse(ctx, to, text));
    assert_int_equal(tdagi_dim_sample(to, d),
                     tdagi_dim_sample(from, parse(ctx, from, text)));
    assert_int_equal(tdagi_dim_import(to, from, 12), 12);
    assert_int_equal(tdagi_pool_n_symbols(to), 4);

    tdagi_pool *clone = tdagi_pool_clone(from);
    assert_non_null(clone);
    assert_int_equal(parse(ctx, clone, text), parse(ctx, from, text));
    tdagi_pool_free(from);
    int64_t sample;
    assert_string_equal(tdagi_pool_symbol(clone, 1, &sample), "S");
    assert_int_equal(sample, 128);

    tdag_dim replacements[4] = {1, 10, 2, 3};
    assert_int_equal(
        tdagi_dim_substitute(to, clone, parse(ctx, clone, text), replacements),
        3 + 10 - 3);
    replacements[0] = tdagi_dim_symbol(to, "N", 4);
    d = tdagi_dim_substitute(clone, clone, parse(ctx, clone, "N*S+H"), replacements);
    tdagi_pool *other = tdagi_pool_create(&ctx->allocator);
    tdagi_dim_symbol(other, "N", 5); /* another sample */
    assert_true(tdagi_dim_import(other, to, replacements[0]) == TDAGI_DIM_BAD);
    assert_int_equal(tdagi_pool_status(other), TDAG_E_ARG);
    tdagi_pool_free(other);
    tdagi_pool_free(to);
    tdagi_pool_free(clone);
    tdag_ctx_free(ctx);
}

static void test_text_is_cut(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_pool *pool = new_pool(ctx);
    tdag_dim d = parse(ctx, pool, "2*N*S+1");
    char buf[4] = "xyz";
    assert_int_equal(tdagi_dim_text(pool, d, buf, sizeof buf), 7);
    assert_string_equal(buf, "2*N");
    assert_int_equal(tdagi_dim_text(pool, d, NULL, 0), 7);
    tdagi_pool_free(pool);
    tdag_ctx_free(ctx);
}

/* ---- failing memory ---- */

static tdag_status work(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdagi_pool *pool = tdagi_pool_create(&ctx->allocator);
    tdagi_pool *clone = NULL, *other = NULL;
    if (pool == NULL) return tdagi_nomem(ctx);
    tdag_dim n = tdagi_dim_symbol(pool, "N", 4), s = tdagi_dim_symbol(pool, "S", 7);
    tdag_dim a = tdagi_dim_add(pool, tdagi_dim_mul(pool, n, s), 1);
    tdag_dim b = tdagi_dim_floordiv(pool, a, 3);
    tdag_dim c = tdagi_dim_max(pool, b, tdagi_dim_min(pool, n, 3));
    tdag_dim e =
        tdagi_dim_floordiv(pool, tdagi_dim_mul(pool, c, n), tdagi_dim_mul(pool, s, n));
    for (int i = 0; i < 80; i++)
        e = tdagi_dim_add(pool, e, tdagi_dim_floordiv(pool, n, i + 2));
    tdag_status st = TDAG_OK;
    (void)tdagi_dim_proves_ge(pool, e, c);
    (void)tdagi_dim_is_at_most(pool, tdagi_dim_floordiv(pool, n, 3), s);
    if (st == TDAG_OK) st = tdagi_pool_report(ctx, pool);
    if (st == TDAG_OK) {
        clone = tdagi_pool_clone(pool);
        other = tdagi_pool_create(&ctx->allocator);
        if (clone == NULL || other == NULL) st = tdagi_nomem(ctx);
    }
    if (st == TDAG_OK) {
        tdagi_dim_import(other, clone, e);
        st = tdagi_pool_report(ctx, other);
    }
    tdagi_pool_free(other);
    tdagi_pool_free(clone);
    tdagi_pool_free(pool);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(work, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_forms),  cmocka_unit_test(test_samples),
        cmocka_unit_test(test_mod),           cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_orders),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_status_sticks), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_import),        cmocka_unit_test(test_text_is_cut),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
