/* Random expressions: their dims have the values of the expressions, at any values of
 * the symbols; polynomials that are equal are the same dim however they were built;
 * text and other pools keep the dim. */
#include "base/dim/dim.h"

#include "support/test.h"

#define N_SYMBOLS 4
#define N_ROUNDS  20000

typedef struct random_source {
    uint64_t state;
} random_source;

static uint32_t random_below(random_source *r, uint32_t n)
{
    r->state = r->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(r->state >> 33) % n;
}

typedef enum op { CONSTANT, SYMBOL, ADD, SUB, MUL, FLOOR, MAX, MIN, N_OPS } op;

typedef struct expression {
    op op;
    int64_t value; /* of a constant, or the symbol's number */
    int a, b;      /* operands, as indexes */
} expression;

typedef struct forest {
    expression e[256];
    int n;
} forest;

static int leaf(forest *f, op o, int64_t value)
{
    f->e[f->n] = (expression){.op = o, .value = value};
    return f->n++;
}

static int node(forest *f, op o, int a, int b)
{
    f->e[f->n] = (expression){.op = o, .a = a, .b = b};
    return f->n++;
}

static int random_tree(random_source *r, forest *f, int depth, op n_ops)
{
    op o = depth == 0 ? (op)random_below(r, 2) : (op)random_below(r, n_ops);
    if (o == CONSTANT) return leaf(f, o, (int64_t)random_below(r, 11) - 3);
    if (o == SYMBOL) return leaf(f, o, (int64_t)random_below(r, N_SYMBOLS));
    int a = random_tree(r, f, depth - 1, n_ops);
    int b = random_tree(r, f, depth - 1, n_ops);
    return node(f, o, a, b);
}

/* False where the mathematics gives no value, or one beyond what the test can hold. */
static bool value_of(const forest *f, int i, const int64_t *values, int64_t *out)
{
    const expression *e = &f->e[i];
    int64_t a = 0, b = 0;
    if (e->op > SYMBOL &&
        (!value_of(f, e->a, values, &a) || !value_of(f, e->b, values, &b)))
        return false;
    switch (e->op) {
    case CONSTANT:
        *out = e->value;
        break;
    case SYMBOL:
        *out = values[e->value];
        break;
    case ADD:
        *out = a + b;
        break;
    case SUB:
        *out = a - b;
        break;
    case MUL:
        *out = a * b;
        break;
    case FLOOR:
        if (b == 0) return false;
        *out = a / b - (a % b != 0 && (a < 0) != (b < 0));
        break;
    case MAX:
        *out = a > b ? a : b;
        break;
    case MIN:
        *out = a < b ? a : b;
        break;
    case N_OPS:
        break;
    }
    return *out < INT64_C(1) << 31 && *out > -(INT64_C(1) << 31);
}

static tdag_dim build(tdagi_pool *pool, const forest *f, int i)
{
    const expression *e = &f->e[i];
    if (e->op == CONSTANT) return tdagi_dim_const(pool, e->value);
    if (e->op == SYMBOL) return tdagi_pool_symbol_dim(pool, (uint32_t)e->value);
    tdag_dim a = build(pool, f, e->a), b = build(pool, f, e->b);
    switch (e->op) {
    case ADD:
        return tdagi_dim_add(pool, a, b);
    case SUB:
        return tdagi_dim_sub(pool, a, b);
    case MUL:
        return tdagi_dim_mul(pool, a, b);
    case FLOOR:
        return tdagi_dim_floordiv(pool, a, b);
    case MAX:
        return tdagi_dim_max(pool, a, b);
    case MIN:
        return tdagi_dim_min(pool, a, b);
    case CONSTANT:
    case SYMBOL:
    case N_OPS:
        break;
    }
    return TDAGI_DIM_BAD;
}

static tdagi_pool *new_pool(tdag_ctx *ctx, const int64_t *samples)
{
    tdagi_pool *pool = tdagi_pool_create(&ctx->allocator);
    assert_non_null(pool);
    const char *const names[N_SYMBOLS] = {"A", "B", "C", "D"};
    for (int i = 0; i < N_SYMBOLS; i++)
        tdagi_dim_symbol(pool, names[i], samples[i]);
    return pool;
}

static void show(const tdagi_pool *pool, tdag_dim d, char buf[512])
{
    tdagi_dim_text(pool, d, buf, 512);
}

/* A dim's value at many points against the tree's. */
static int check_values(random_source *r, const tdagi_pool *pool, const forest *f,
                        int root, tdag_dim d)
{
    int n_compared = 0;
    for (int k = 0; k < 8; k++) {
        int64_t values[N_SYMBOLS], want, got;
        for (int i = 0; i < N_SYMBOLS; i++)
            values[i] = (int64_t)random_below(r, k < 4 ? 5 : 40);
        if (!value_of(f, root, values, &want)) continue;
        char text[512];
        show(pool, d, text);
        if (!tdagi_dim_eval(pool, d, values, &got))
            fail_msg("%s has no value at %d %d %d %d", text, (int)values[0],
                     (int)values[1], (int)values[2], (int)values[3]);
        if (got != want)
            fail_msg("%s is %lld, not %lld, at %d %d %d %d", text, (long long)got,
                     (long long)want, (int)values[0], (int)values[1], (int)values[2],
                     (int)values[3]);
        n_compared++;
    }
    return n_compared;
}

static void check_text_and_import(tdag_ctx *ctx, tdagi_pool *pool, tdag_dim d,
                                  const int64_t *samples)
{
    char text[4096];
    const char *end;
    tdag_dim again = TDAGI_DIM_BAD;
    size_t n = tdagi_dim_text(pool, d, text, sizeof text);
    if (n >= sizeof text) return;
    TEST_OK(ctx, tdagi_dim_parse(ctx, pool, text, text + n, &end, &again));
    assert_ptr_equal(end, text + n);
    if (again != d) fail_msg("%s read back is another dim", text);
    tdagi_pool *to = tdagi_pool_create(&ctx->allocator);
    tdagi_dim_symbol(to, "D", samples[3]); /* another order */
    tdag_dim there = tdagi_dim_import(to, pool, d);
    TEST_OK(ctx, tdagi_pool_report(ctx, to));
    assert_int_equal(tdagi_dim_sample(to, there), tdagi_dim_sample(pool, d));
    if (tdagi_dim_import(pool, to, there) != d)
        fail_msg("%s imported forth and back is another dim", text);
    assert_int_equal(tdagi_pool_status(pool), TDAG_OK);
    tdagi_pool_free(to);
}

static void test_values(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    random_source r = {1};
    int n_compared = 0, n_built = 0;
    for (int round = 0; round < N_ROUNDS; round++) {
        int64_t samples[N_SYMBOLS], sample;
        for (int i = 0; i < N_SYMBOLS; i++)
            samples[i] = 1 + (int64_t)random_below(&r, 60);
        forest f = {.n = 0};
        int root = random_tree(&r, &f, 1 + (int)random_below(&r, 5), N_OPS);
        if (!value_of(&f, root, samples, &sample)) continue;
        tdagi_pool *pool = new_pool(ctx, samples);
        tdag_dim d = build(pool, &f, root);
        if (tdagi_pool_status(pool) == TDAG_OK) {
            n_built++;
            assert_int_equal(tdagi_dim_sample(pool, d), sample);
            n_compared += check_values(&r, pool, &f, root, d);
            check_text_and_import(ctx, pool, d, samples);
        }
        tdagi_pool_free(pool);
    }
    print_message("%d of %d expressions built, %d values compared\n", n_built, N_ROUNDS,
                  n_compared);
    assert_true(n_built > N_ROUNDS / 2);
    tdag_ctx_free(ctx);
}

/* ---- another way to write the same ---- */

static int rewrite(random_source *r, forest *f, int i);

/* (x + y) * b = x*b + y*b, and the like, at random. */
static int rewrite_product(random_source *r, forest *f, int a, int b)
{
    op sum = f->e[a].op;
    if ((sum == ADD || sum == SUB) && random_below(r, 2) == 0) {
        int x = f->e[a].a, y = f->e[a].b;
        return node(f, sum, rewrite(r, f, node(f, MUL, x, b)),
                    rewrite(r, f, node(f, MUL, b, y)));
    }
    a = rewrite(r, f, a);
    b = rewrite(r, f, b);
    return random_below(r, 2) ? node(f, MUL, a, b) : node(f, MUL, b, a);
}

static int rewrite(random_source *r, forest *f, int i)
{
    expression e = f->e[i];
    if (e.op <= SYMBOL || f->n > 200) return i;
    if (e.op == MUL) return rewrite_product(r, f, e.a, e.b);
    int a = rewrite(r, f, e.a), b = rewrite(r, f, e.b);
    if (e.op == SUB && random_below(r, 2) == 0)
        return node(f, ADD, node(f, MUL, leaf(f, CONSTANT, -1), b), a);
    if (e.op != SUB && e.op != FLOOR && random_below(r, 2) == 0)
        return node(f, e.op, b, a);
    if (e.op == FLOOR &&
        random_below(r, 2) == 0) { /* floor(a/b) = floor((a+b*q)/b)-q */
        int q = random_tree(r, f, 1, FLOOR);
        int shifted = node(f, ADD, a, node(f, MUL, b, q));
        return node(f, SUB, node(f, FLOOR, shifted, b), q);
    }
    return node(f, e.op, a, b);
}

static void check_same(tdag_ctx *ctx, random_source *r, op n_ops, int *n_compared)
{
    int64_t samples[N_SYMBOLS];
    for (int i = 0; i < N_SYMBOLS; i++)
        samples[i] = 1 + (int64_t)random_below(r, 60);
    forest f = {.n = 0};
    int root = random_tree(r, &f, 1 + (int)random_below(r, 4), n_ops);
    tdagi_pool *pool = new_pool(ctx, samples);
    tdag_dim d = build(pool, &f, root);
    if (tdagi_pool_status(pool) == TDAG_OK) {
        int other = rewrite(r, &f, root);
        tdag_dim again = build(pool, &f, other);
        char text[512], text2[512];
        show(pool, d, text);
        show(pool, again, text2);
        if (tdagi_pool_status(pool) == TDAG_OK && d != again)
            fail_msg("%s and %s are the same", text, text2);
        ++*n_compared;
    }
    tdagi_pool_free(pool);
}

static void test_same_polynomial(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    random_source r = {2};
    int n = 0;
    for (int round = 0; round < N_ROUNDS; round++)
        check_same(ctx, &r, FLOOR, &n);
    assert_true(n > N_ROUNDS / 2);
    tdag_ctx_free(ctx);
}

static void test_same_atoms(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    random_source r = {3};
    int n = 0;
    for (int round = 0; round < N_ROUNDS; round++)
        check_same(ctx, &r, N_OPS, &n);
    assert_true(n > N_ROUNDS / 2);
    tdag_ctx_free(ctx);
}

/* What is proved holds at every point. */
static void test_proofs_hold(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    random_source r = {4};
    int n_proved = 0;
    for (int round = 0; round < N_ROUNDS; round++) {
        const int64_t samples[N_SYMBOLS] = {3, 5, 7, 9};
        forest f = {.n = 0};
        int a = random_tree(&r, &f, (int)random_below(&r, 4), N_OPS);
        int b = random_tree(&r, &f, (int)random_below(&r, 4), N_OPS);
        tdagi_pool *pool = new_pool(ctx, samples);
        tdag_dim da = build(pool, &f, a), db = build(pool, &f, b);
        if (tdagi_pool_status(pool) == TDAG_OK &&
            (round % 2 ? tdagi_dim_proves_ge(pool, da, db)
                       : tdagi_dim_is_at_most(pool, db, da))) {
            n_proved++;
            assert_int_equal(tdagi_pool_status(pool), TDAG_OK);
            for (int k = 0; k < 16; k++) {
                int64_t values[N_SYMBOLS], va, vb;
                for (int i = 0; i < N_SYMBOLS; i++)
                    values[i] = 1 + (int64_t)random_below(&r, 20);
                if (!value_of(&f, a, values, &va) || !value_of(&f, b, values, &vb))
                    continue;
                char ta[512], tb[512];
                show(pool, da, ta);
                show(pool, db, tb);
                if (va < vb) fail_msg("%s >= %s is wrong", ta, tb);
            }
        }
        tdagi_pool_free(pool);
    }
    print_message("%d of %d proved\n", n_proved, N_ROUNDS);
    assert_true(n_proved > N_ROUNDS / 10);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_same_polynomial),
        cmocka_unit_test(test_same_atoms),
        cmocka_unit_test(test_proofs_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
