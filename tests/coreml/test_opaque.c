/* Operations kept as opaque nodes: written to a package and read again they are the
 * same; texts that are none of operands are told. */
#include <tdagger.h>
#include <tdagger/coreml.h>

#include "coreml/made.h"
#include "support/test.h"

/* clang-format off */
#define INPUTS "tdag 1\nx: f32[2,3] = input\nn: i32[4] = input\n"
#define OPAQUE(value, type, name, arguments, output, dtype, shape) \
    value ": " type " = opaque(x, n) {name=\"" name "\", arguments=\"" arguments "\", output=" output \
    ", dtype=" dtype ", shape=" shape "}\n"
#define ONE(arguments) INPUTS OPAQUE("y", "f32[2,3]", "coreml::mystery", arguments, "0", "f32", "[2,3]") "return y\n"
#define SEVERAL "x=$0, n=$1 of CoreML7 -> f32[2,3] i32[4,5] bool[] f32[2]"
static const struct {
    const char *name, *text;
    const char *says; /* NULL: it is written */
} cases[] = {
    {"operands of every kind",
     ONE("x=$0, values=($1, $0, 3), axis=-1, size=[2, -3], flags=[True, False], scale=0.5, scales=[1.0, 2.5], "
         "one=[7], none=[], keep=True, mode=\\\"same, or not\\\" of CoreML6"), NULL},
    {"several results, of which two are used",
     INPUTS OPAQUE("b", "bool[]", "coreml::mystery", SEVERAL, "2", "bool", "[]")
     OPAQUE("y", "f32[2,3]", "coreml::mystery", SEVERAL, "0", "f32", "[2,3]") "return y, b\n", NULL},
    {"of PyTorch", INPUTS OPAQUE("y", "f32[2,3]", "aten::mystery", "$0", "0", "f32", "[2,3]") "return y\n",
     "aten::mystery is not known"},
    {"bytes", INPUTS OPAQUE("y", "u8[2]", "coreml::mystery", "x=$0 of CoreML6", "0", "u8", "[2]") "return y\n",
     "gives u8"},
    {"no such input", ONE("x=$2 of CoreML6"), "cannot be read"},
    {"no number", ONE("x=$ of CoreML6"), "cannot be read"},
    {"no value", ONE("x= of CoreML6"), "cannot be read"},
    {"no key", ONE("$0 of CoreML6"), "cannot be read"},
    {"no operators", ONE("x=$0"), "cannot be read"},
    {"no such operators", ONE("x=$0 of CoreML4"), "cannot be read"},
    {"no end of several", ONE("x=($0 of CoreML6"), "cannot be read"},
    {"no end of a vector", ONE("x=[1 of CoreML6"), "cannot be read"},
    {"no end of a text", ONE("x=\\\"1 of CoreML6"), "cannot be read"},
    {"no type", ONE("x=$0 of CoreML6 -> f32"), "cannot be read"},
    {"too many axes", ONE("x=$0 of CoreML6 -> f32[1,1,1,1,1,1]"), "cannot be read"},
    {"an open size", ONE("x=$0 of CoreML6 -> f32[?]"), "cannot be read"},
    {"a negative size", ONE("x=$0 of CoreML6 -> f32[-2]"), "cannot be read"},
    {"more than that", ONE("x=$0 of CoreML6, y=1"), "cannot be read"},
};
/* clang-format on */

static tdag_model *parse(tdag_ctx *ctx, const char *text)
{
    tdag_model *m = NULL;
    if (tdag_model_parse(ctx, text, strlen(text), &m) != TDAG_OK)
        fail_msg("%s in %s", tdag_ctx_get_error(ctx)->message, text);
    return m;
}

static tdag_model *read_back(tdag_ctx *ctx, const char *path)
{
    tdag_coreml_options o;
    tdag_model *m = NULL;
    tdag_coreml_options_init(&o);
    assert_int_equal(tdag_from_coreml(ctx, path, NULL, 0, NULL, &m),
                     TDAG_E_UNSUPPORTED);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "mystery"));
    o.flags = TDAG_COREML_OPAQUE;
    TEST_OK(ctx, tdag_from_coreml(ctx, path, NULL, 0, &o, &m));
    return m;
}

static void check_same(tdag_ctx *ctx, const tdag_model *a, const tdag_model *b)
{
    tdag_differences d;
    TEST_OK(ctx, tdag_diff(ctx, a, b, &d));
    assert_int_equal(d.n, 0);
    tdag_differences_free(&d);
}

/* Vectors of the text are constants when they are read. */
static void check_again(tdag_ctx *ctx, const tdag_model *model, const char *path)
{
    tdag_model *again = read_back(ctx, path), *third = NULL;
    if (strstr(path, "/1.") != NULL) check_same(ctx, model, again);
    TEST_OK(ctx, tdag_to_coreml(ctx, again, path, NULL));
    third = read_back(ctx, path);
    check_same(ctx, again, third);
    tdag_model_free(third);
    tdag_model_free(again);
}

static void test_cases(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[32];
        snprintf(name, sizeof name, "%u.mlpackage", (unsigned)i);
        const char *path = made_path(name);
        tdag_model *m = parse(ctx, cases[i].text);
        tdag_status st = tdag_to_coreml(ctx, m, path, NULL);
        const char *said = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != (cases[i].says == NULL ? TDAG_OK : TDAG_E_UNSUPPORTED) ||
            (cases[i].says != NULL && strstr(said, cases[i].says) == NULL))
            fail_msg("%s: %d %s", cases[i].name, (int)st, said);
        if (st == TDAG_OK) check_again(ctx, m, path);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

static tdag_status write_once(tdag_ctx *ctx, void *model)
{
    return tdag_to_coreml(ctx, model, made_path("oom.mlpackage"), NULL);
}

static void test_no_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parse(ctx, cases[1].text);
    for (int64_t nth = 1;; nth++)
        if (!test_one_oom(write_once, m, nth)) break;
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, made_remove);
}
