/* Pickles written are read back as what was written. */
#include <math.h>

#include "archive/pickle_show.h"
#include "archive/pickle_write.h"
#include "support/test.h"

static const int64_t integers[] = {0,         1,         255,       256,
                                   65535,     65536,     -1,        -128,
                                   INT32_MAX, INT32_MIN, 1LL << 31, -(1LL << 31) - 1,
                                   INT64_MAX, INT64_MIN};
enum { N_INTEGERS = sizeof integers / sizeof *integers };

static void write_integers(tdagi_pickler *p)
{
    tdagi_pickle_mark(p);
    for (int i = 0; i < N_INTEGERS; i++)
        tdagi_pickle_int(p, integers[i]);
    tdagi_pickle_tuple(p);
}

static void write_plain(tdagi_pickler *p)
{
    tdagi_pickle_mark(p);
    tdagi_pickle_none(p);
    tdagi_pickle_bool(p, true);
    tdagi_pickle_bool(p, false);
    tdagi_pickle_float(p, 1.5);
    tdagi_pickle_float(p, -INFINITY);
    tdagi_pickle_string(p, "", 0);
    tdagi_pickle_string(p, "a\303\266", 3);
    tdagi_pickle_empty_tuple(p);
    tdagi_pickle_tuple(p);
}

static void write_containers(tdagi_pickler *p)
{
    tdagi_pickle_mark(p);
    tdagi_pickle_empty_list(p);
    tdagi_pickle_mark(p);
    tdagi_pickle_int(p, 1);
    tdagi_pickle_int(p, 2);
    tdagi_pickle_appends(p);
    tdagi_pickle_empty_dict(p);
    tdagi_pickle_mark(p);
    tdagi_pickle_string(p, "k", 1);
    tdagi_pickle_none(p);
    tdagi_pickle_setitems(p);
    tdagi_pickle_empty_dict(p);
    tdagi_pickle_mark(p);
    tdagi_pickle_setitems(p);
    tdagi_pickle_tuple(p);
}

static void write_object(tdagi_pickler *p)
{
    tdagi_pickle_global(p, "__torch__.a", "B");
    tdagi_pickle_empty_tuple(p);
    tdagi_pickle_newobj(p);
    tdagi_pickle_empty_dict(p);
    tdagi_pickle_mark(p);
    tdagi_pickle_string(p, "f", 1);
    tdagi_pickle_global(p, "m", "f");
    tdagi_pickle_mark(p);
    tdagi_pickle_int(p, 7);
    tdagi_pickle_persid(p);
    tdagi_pickle_tuple(p);
    tdagi_pickle_reduce(p);
    tdagi_pickle_setitems(p);
    tdagi_pickle_build(p);
}

static void write_shared(tdagi_pickler *p)
{
    tdagi_pickle_mark(p);
    tdagi_pickle_string(p, "s", 1);
    uint32_t memo = tdagi_pickle_put(p);
    tdagi_pickle_get(p, memo);
    tdagi_pickle_tuple(p);
}

static const struct {
    void (*write)(tdagi_pickler *p);
    const char *want;
} cases[] = {
    {write_integers,
     "(0, 1, 255, 256, 65535, 65536, -1, -128, 2147483647, -2147483648, "
     "2147483648, -2147483649, 9223372036854775807, "
     "-9223372036854775808)"},
    {write_plain, "(None, True, False, 1.5, -inf, '', 'a\303\266', ())"},
    {write_containers, "([1, 2], {'k': None}, {})"},
    {write_object, "new __torch__.a B() with {'f': m f(persistent 7)}"},
    {write_shared, "('s', 's')"},
};

static void check(tdag_ctx *ctx, const tdagi_text *bytes, const char *want)
{
    tdagi_arena arena;
    tdagi_text shown;
    const tdagi_pickle *v = NULL;
    tdagi_arena_init(&arena, &ctx->allocator);
    tdagi_text_init(&shown, ctx);
    TEST_OK(ctx, tdagi_pickle_read(ctx, &arena, bytes->data, bytes->length, "p", &v));
    pickle_show(&shown, v);
    assert_string_equal(shown.data, want);
    tdagi_text_free(&shown);
    tdagi_arena_free(&arena);
}

static void test_values(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdagi_text bytes;
        tdagi_pickler p;
        tdagi_text_init(&bytes, ctx);
        tdagi_pickle_begin(&p, &bytes);
        cases[i].write(&p);
        tdagi_pickle_end(&p);
        TEST_OK(ctx, bytes.status);
        check(ctx, &bytes, cases[i].want);
        tdagi_text_free(&bytes);
    }
    tdag_ctx_free(ctx);
}

/* Memo numbers over 255 take more bytes. */
static void test_many(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_text bytes;
    tdagi_pickler p;
    tdagi_text_init(&bytes, ctx);
    tdagi_pickle_begin(&p, &bytes);
    tdagi_pickle_mark(&p);
    for (int i = 0; i < 300; i++) {
        tdagi_pickle_int(&p, i);
        assert_int_equal(tdagi_pickle_put(&p), i);
    }
    for (uint32_t i = 0; i < 300; i++)
        tdagi_pickle_get(&p, i);
    tdagi_pickle_tuple(&p);
    tdagi_pickle_end(&p);
    tdagi_arena arena;
    const tdagi_pickle *v = NULL;
    tdagi_arena_init(&arena, &ctx->allocator);
    TEST_OK(ctx, tdagi_pickle_read(ctx, &arena, bytes.data, bytes.length, "p", &v));
    assert_int_equal(v->n, 600);
    for (uint64_t i = 0; i < 300; i++)
        assert_ptr_equal(v->u.items[i], v->u.items[300 + i]);
    tdagi_arena_free(&arena);
    tdagi_text_free(&bytes);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
