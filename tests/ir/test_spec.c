/* Specs by their fields: every kind of field copied, compared, hashed, taken elsewhere.
 */
#include "support.h"

typedef struct all_spec {
    int64_t i, b, e, d;
    tdag_dim dim;
    double f;
    tdag_list ints, dims;
    const char *s;
} all_spec;

static const char *const names[] = {"zero", "one", NULL};
static const tdagi_field fields[] = {
    TDAGI_FIELD(all_spec, i, INT),         TDAGI_FIELD(all_spec, b, BOOL),
    TDAGI_FIELD_NAMED(all_spec, e, names), TDAGI_FIELD(all_spec, d, DTYPE),
    TDAGI_FIELD(all_spec, dim, DIM),       TDAGI_FIELD(all_spec, f, F64),
    TDAGI_FIELD(all_spec, ints, INTS),     TDAGI_FIELD(all_spec, dims, DIMS),
    TDAGI_FIELD(all_spec, s, STRING),      {0}};

/* A spec over the symbols N=2 and M=3. */
typedef struct fixture {
    tdag_ctx *ctx;
    tdagi_pool *pool;
    tdagi_arena arena;
    tdag_dim dims[2]; /* N, N+M */
    all_spec spec;
} fixture;

static const int64_t two_ints[] = {7, -1};

static void set_up(fixture *x)
{
    memset(x, 0, sizeof *x);
    x->ctx = test_ctx();
    x->pool = tdagi_pool_create(&x->ctx->allocator);
    assert_non_null(x->pool);
    tdagi_arena_init(&x->arena, &x->ctx->allocator);
    x->dims[0] = tdagi_dim_symbol(x->pool, "N", 2);
    x->dims[1] = tdagi_dim_add(x->pool, x->dims[0], tdagi_dim_symbol(x->pool, "M", 3));
    x->spec = (all_spec){.i = -5,
                         .b = 1,
                         .e = 1,
                         .d = TDAG_F16,
                         .dim = x->dims[1],
                         .f = 0.1,
                         .ints = {2, two_ints},
                         .dims = {2, x->dims},
                         .s = "text"};
}

static void tear_down(fixture *x)
{
    tdagi_arena_free(&x->arena);
    tdagi_pool_free(x->pool);
    tdag_ctx_free(x->ctx);
}

/* Changes of one field each. */
static const int64_t other_ints[] = {7, -2};
static void change_i(all_spec *s) { s->i = 5; }
static void change_b(all_spec *s) { s->b = 0; }
static void change_e(all_spec *s) { s->e = 0; }
static void change_d(all_spec *s) { s->d = TDAG_F32; }
static void change_dim(all_spec *s) { s->dim = 3; }
static void change_f(all_spec *s) { s->f = -s->f; }
static void change_ints(all_spec *s) { s->ints.v = other_ints; }
static void shorten_ints(all_spec *s) { s->ints.n = 1; }
static void empty_dims(all_spec *s) { s->dims = (tdag_list){0, NULL}; }
static void change_dims(all_spec *s) { s->dims.v = two_ints; }
static void change_s(all_spec *s) { s->s = "texts"; }

static const struct {
    const char *name;
    void (*change)(all_spec *s);
} changes[] = {
    {"int", change_i},     {"bool", change_b},       {"enum", change_e},
    {"dtype", change_d},   {"dim", change_dim},      {"f64", change_f},
    {"ints", change_ints}, {"n ints", shorten_ints}, {"no dims", empty_dims},
    {"dims", change_dims}, {"string", change_s},
};

static void test_equal(void **state)
{
    (void)state;
    fixture x;
    set_up(&x);
    all_spec *copy = tdagi_spec_copy(&x.arena, fields, sizeof x.spec, &x.spec);
    assert_non_null(copy);
    assert_true(tdagi_spec_equal(fields, copy, &x.spec));
    uint64_t hash = tdagi_spec_hash(fields, &x.spec);
    assert_true(tdagi_spec_hash(fields, copy) == hash);
    assert_ptr_not_equal(copy->ints.v, x.spec.ints.v);
    assert_ptr_not_equal(copy->dims.v, x.spec.dims.v);
    assert_ptr_not_equal(copy->s, x.spec.s);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        all_spec other = x.spec;
        changes[i].change(&other);
        if (tdagi_spec_equal(fields, &other, &x.spec) ||
            tdagi_spec_hash(fields, &other) == hash)
            fail_msg("%s: still the same", changes[i].name);
    }
    assert_true(tdagi_spec_equal(NULL, NULL, NULL));
    tear_down(&x);
}

/* Zeroes and NaN count as they are written. */
static void test_bits(void **state)
{
    (void)state;
    all_spec a = {.s = ""}, b = {.s = ""};
    b.f = -0.0;
    assert_false(tdagi_spec_equal(fields, &a, &b));
    a.f = b.f = (double)__builtin_nanf("");
    assert_true(tdagi_spec_equal(fields, &a, &b));
}

static void test_import(void **state)
{
    (void)state;
    fixture x;
    set_up(&x);
    tdagi_pool *to = tdagi_pool_create(&x.ctx->allocator);
    tdagi_dim_symbol(to, "K", 9); /* numbers differ between the pools */
    const tdagi_substitution keep = {to, x.pool, NULL};
    const all_spec *s =
        tdagi_spec_substitute(&x.arena, fields, sizeof x.spec, &x.spec, &keep);
    assert_non_null(s);
    assert_true(tdagi_dim_same(to, s->dim, x.pool, x.spec.dim));
    assert_true(tdagi_dim_same(to, s->dims.v[0], x.pool, x.spec.dims.v[0]));
    assert_int_equal(s->ints.v[1], -1);
    assert_string_equal(s->s, "text");
    assert_int_equal(tdagi_pool_n_symbols(to), 3);
    tdagi_pool_free(to);
    tear_down(&x);
}

static void test_sample(void **state)
{
    (void)state;
    fixture x;
    set_up(&x);
    const all_spec *s =
        tdagi_spec_sample(&x.arena, fields, sizeof x.spec, &x.spec, x.pool);
    assert_non_null(s);
    assert_int_equal(s->dim, 5);
    assert_int_equal(s->dims.v[0], 2);
    assert_int_equal(s->dims.v[1], 5);
    assert_int_equal(s->ints.v[0], 7);
    assert_int_equal(s->i, -5);
    tear_down(&x);
}

static void test_substitute(void **state)
{
    (void)state;
    fixture x;
    set_up(&x);
    tdagi_pool *to = tdagi_pool_create(&x.ctx->allocator);
    const tdag_dim by[] = {tdagi_dim_symbol(to, "M", 3), 4}; /* N by M, M by 4 */
    const tdagi_substitution replace = {to, x.pool, by};
    const all_spec *s =
        tdagi_spec_substitute(&x.arena, fields, sizeof x.spec, &x.spec, &replace);
    assert_non_null(s);
    char text[16];
    tdagi_dim_text(to, s->dim, text, sizeof text);
    assert_string_equal(text, "M+4");
    tdagi_dim_text(to, s->dims.v[0], text, sizeof text);
    assert_string_equal(text, "M");
    assert_int_equal(s->ints.v[0], 7);
    tdagi_pool_free(to);
    tear_down(&x);
}

/* Every op's fields lie in its spec, in 8 bytes or a list each, without overlap. */
static void test_rows(void **state)
{
    (void)state;
    for (uint32_t op = 0; op < 256; op++) {
        const tdagi_op_row *row = tdagi_op_row_of(op);
        if (row == NULL || row->def->fields == NULL) continue;
        size_t end = 0;
        for (const tdagi_field *f = row->def->fields; f->kind != TDAGI_FIELD_END; f++) {
            bool is_list = f->kind == TDAGI_FIELD_INTS || f->kind == TDAGI_FIELD_DIMS;
            if (f->offset < end) fail_msg("%s: %s overlaps", row->name, f->name);
            end = f->offset + (is_list ? sizeof(tdag_list) : 8);
            if (f->kind == TDAGI_FIELD_ENUM) assert_non_null(f->names);
        }
        if (end > row->def->spec_size) fail_msg("%s: beyond its spec", row->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),      cmocka_unit_test(test_bits),
        cmocka_unit_test(test_import),     cmocka_unit_test(test_sample),
        cmocka_unit_test(test_substitute), cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
