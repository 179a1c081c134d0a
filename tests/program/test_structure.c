/* Structures of inputs and outputs: read, written, made by hand, shared. */
#include "support/test.h"

#include <math.h>

#include "program/structure.h"

static const struct {
    const char *name, *text;
    const char *again; /* as it is written; NULL: no structure */
    uint32_t n_tensors;
} texts[] = {
    {"tensor", "T", "T", 1},
    {"blanks", "  ( T,T ,  T )  ", "(T, T, T)", 3},
    {"no input", "()", "()", 0},
    {"tuple of one", "(T,)", "(T,)", 1},
    {"tuple of one without comma", "(T)", "(T,)", 1},
    {"comma at the end", "[T, T,]", "[T, T]", 2},
    {"empty list and dict", "([], {})", "([], {})", 0},
    {"nested", "([T, (T, T)], {\"a\": T, \"b\": [T,],})",
     "([T, (T, T)], {\"a\": T, \"b\": [T]})", 5},
    {"constants", "(None, True, False, 12, -3, 1.5, \"s\")",
     "(None, True, False, 12, -3, 1.5, \"s\")", 0},
    {"numbers", "(9223372036854775807, -9223372036854775808, 1e3, 2.0, .5, -0.25)",
     "(9223372036854775807, -9223372036854775808, 1000.0, 2.0, 0.5, -0.25)", 0},
    {"not finite", "(inf, -inf, nan)", "(inf, -inf, nan)", 0},
    {"exponents", "(1e-07, 1e300)", "(1e-07, 1e+300)", 0},
    {"named tuple", "Pair(a=T, b=(T,))", "Pair(a=T, b=(T,))", 2},
    {"named tuple of one", "a.b.One(x=1)", "a.b.One(x=1)", 0},
    {"named tuple without fields", "Pair(T, T)", "Pair(T, T)", 2},
    {"named as a tensor", "T(T)", "T(T)", 1},
    {"quotes", "{\"a\\\"b\\\\\": \"\\\\\\\"\"}", "{\"a\\\"b\\\\\": \"\\\\\\\"\"}", 0},
    {"quoted letter", "\"\\n\"", "\"n\"", 0},
    {"bytes beyond ASCII", "\"gr\303\274n\"", "\"gr\303\274n\"", 0},
    {"nothing", "", NULL, 0},
    {"open", "(T", NULL, 0},
    {"open string", "\"s", NULL, 0},
    {"crossed", "([T)]", NULL, 0},
    {"more behind", "(T,) x", NULL, 0},
    {"two commas", "(T,,)", NULL, 0},
    {"only a comma", "(,)", NULL, 0},
    {"no value", "(a=)", NULL, 0},
    {"no key", "{T}", NULL, 0},
    {"key that is no string", "{1: T}", NULL, 0},
    {"field of a list", "[a=T]", NULL, 0},
    {"closed only", ")", NULL, 0},
    {"word", "(what)", NULL, 0},
    {"too large an integer", "9223372036854775808", NULL, 0},
    {"too small an integer", "-9223372036854775809", NULL, 0},
    {"only a sign", "-", NULL, 0},
    {"number with rest", "1.5x", NULL, 0},
};

static void test_text(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tdagi_structure *s = NULL;
        tdag_status st = tdagi_structure_parse(ctx, texts[i].text, &s);
        if (st != (texts[i].again == NULL ? TDAG_E_FORMAT : TDAG_OK))
            fail_msg("%s: %s", texts[i].name, tdag_status_text(st));
        if (st != TDAG_OK) continue;
        if (strcmp(s->text, texts[i].again) != 0 || s->n_tensors != texts[i].n_tensors)
            fail_msg("%s: %s of %u tensors", texts[i].name, s->text,
                     (unsigned)s->n_tensors);
        tdagi_structure_free(s);
    }
    tdag_ctx_free(ctx);
}

/* n opening brackets, a tensor, n closing ones. */
static char *nested(size_t n)
{
    char *text = malloc(2 * n + 2);
    assert_non_null(text);
    memset(text, '[', n);
    text[n] = 'T';
    memset(text + n + 1, ']', n);
    text[2 * n + 1] = '\0';
    return text;
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        size_t depth;
        bool ok;
    } cases[] = {{TDAGI_STRUCTURE_MAX_DEPTH, true},
                 {TDAGI_STRUCTURE_MAX_DEPTH + 1, false},
                 {1000000, false}};
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = nested(cases[i].depth);
        tdagi_structure *s = NULL;
        tdag_status st = tdagi_structure_parse(ctx, text, &s);
        assert_int_equal(st, cases[i].ok ? TDAG_OK : TDAG_E_FORMAT);
        if (cases[i].ok) assert_string_equal(s->text, text);
        tdagi_structure_free(s);
        free(text);
    }
    tdagi_structure_builder b;
    tdagi_structure *s = NULL;
    tdagi_structure_begin(&b, ctx);
    for (uint32_t i = 0; i <= TDAGI_STRUCTURE_MAX_DEPTH; i++)
        tdagi_structure_open(&b, TDAGI_STRUCTURE_TUPLE, NULL);
    for (uint32_t i = 0; i <= TDAGI_STRUCTURE_MAX_DEPTH; i++)
        tdagi_structure_close(&b);
    assert_int_equal(tdagi_structure_finish(&b, &s), TDAG_E_LIMIT);
    tdag_ctx_free(ctx);
}

/* Pair(x=T, y={"k": [None, True, -7, 0.5], "m": "s"}) */
static tdag_status make(tdag_ctx *ctx, tdagi_structure **out)
{
    tdagi_structure_builder b;
    tdagi_structure_begin(&b, ctx);
    tdagi_structure_open(&b, TDAGI_STRUCTURE_TUPLE, "Pair");
    tdagi_structure_key(&b, "x");
    tdagi_structure_tensor(&b);
    tdagi_structure_key(&b, "y");
    tdagi_structure_open(&b, TDAGI_STRUCTURE_DICT, NULL);
    tdagi_structure_key(&b, "k");
    tdagi_structure_open(&b, TDAGI_STRUCTURE_LIST, NULL);
    tdagi_structure_none(&b);
    tdagi_structure_bool(&b, true);
    tdagi_structure_int(&b, -7);
    tdagi_structure_float(&b, 0.5);
    tdagi_structure_close(&b);
    tdagi_structure_key(&b, "m");
    tdagi_structure_string(&b, "s");
    tdagi_structure_close(&b);
    tdagi_structure_close(&b);
    return tdagi_structure_finish(&b, out);
}

static void write_letter(void *user, uint32_t i, tdagi_text *to)
{
    tdagi_text_printf(to, "%s%u", (const char *)user, (unsigned)i);
}

static void test_tree(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_structure *s = NULL;
    TEST_OK(ctx, make(ctx, &s));
    assert_string_equal(s->text,
                        "Pair(x=T, y={\"k\": [None, True, -7, 0.5], \"m\": \"s\"})");
    const tdagi_structure_node *root = s->nodes, *x = tdagi_structure_first(root);
    const tdagi_structure_node *y = tdagi_structure_next(x);
    const tdagi_structure_node *k = tdagi_structure_first(y);
    const tdagi_structure_node *m = tdagi_structure_next(k);
    assert_int_equal(root->n, 2);
    assert_int_equal(root->size, s->n);
    assert_string_equal(x->key, "x");
    assert_int_equal(y->kind, TDAGI_STRUCTURE_DICT);
    assert_string_equal(k->key, "k");
    assert_int_equal(k->size, 5);
    assert_string_equal(m->u.s, "s");
    assert_ptr_equal(tdagi_structure_next(m), s->nodes + s->n);
    char letter[] = "r";
    const tdagi_structure_style style = {true, write_letter, letter};
    tdagi_text text;
    tdagi_text_init(&text, ctx);
    tdagi_structure_write(s, &style, &text);
    assert_string_equal(text.data,
                        "(r0, {\"k\": [None, True, -7, 0.5], \"m\": \"s\"})");
    tdagi_text_free(&text);
    tdagi_structure_free(s);
    tdag_ctx_free(ctx);
}

static void test_flat(void **state)
{
    (void)state;
    static const struct {
        uint32_t n;
        bool is_result;
        const char *text;
    } cases[] = {{0, false, "()"}, {1, false, "(T,)"}, {2, false, "(T, T)"},
                 {0, true, "()"},  {1, true, "T"},     {3, true, "(T, T, T)"}};
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdagi_structure *s = NULL;
        TEST_OK(ctx, tdagi_structure_flat(ctx, cases[i].n, cases[i].is_result, &s));
        assert_string_equal(s->text, cases[i].text);
        assert_int_equal(s->n_tensors, cases[i].n);
        tdagi_structure_free(s);
    }
    tdag_ctx_free(ctx);
}

/* Outlives its context, by reference. */
static void test_shared(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_structure *a = NULL, *other = NULL;
    TEST_OK(ctx, make(ctx, &a));
    TEST_OK(ctx, tdagi_structure_parse(ctx, "(T,)", &other));
    tdagi_structure *b = tdagi_structure_copy(a);
    assert_ptr_equal(a, b);
    assert_true(tdagi_structure_equal(a, b));
    assert_false(tdagi_structure_equal(a, other));
    tdagi_structure_free(other);
    TEST_OK(ctx, tdagi_structure_parse(ctx, a->text, &other));
    assert_true(tdagi_structure_equal(a, other));
    tdag_ctx_free(ctx);
    tdagi_structure_free(a);
    assert_int_equal(b->n_tensors, 1);
    tdagi_structure_free(b);
    tdagi_structure_free(other);
    tdagi_structure_free(NULL);
}

static tdag_status make_and_parse(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdagi_structure *s = NULL, *again = NULL;
    tdag_status st = make(ctx, &s);
    if (st == TDAG_OK) st = tdagi_structure_parse(ctx, s->text, &again);
    tdagi_structure_free(s);
    tdagi_structure_free(again);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(make_and_parse, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),   cmocka_unit_test(test_depth),
        cmocka_unit_test(test_tree),   cmocka_unit_test(test_flat),
        cmocka_unit_test(test_shared), cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
