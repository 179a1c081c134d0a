/* Symbols replaced: what a model becomes, what is refused, and every allocation
 * failing.
 */
#include <tdagger/program.h>
#include <tdagger/symbol.h>

#include "base/dim/dim.h"
#include "support/test.h"

static const char text[] = "tdag 1\n"
                           "symbols N=4 H=12 M=4\n"
                           "x: f32[N,H] = input\n"
                           "y: f32[M,1] = input\n"
                           "w: f32[16] = parameter\n"
                           "u: f32[H] = slice(w) {start=[0], end=[H]} @table\n"
                           "a: f32[N,H] = multiply(x, u)\n"
                           "b: f32[N,H] = exp(a)\n"
                           "return b, y\n";

static const struct {
    const char *name;
    const char *assignments[3];
    tdag_status status;
    const char *says; /* a part of the text that results, or of the sentence */
} cases[] = {
    {"a number", {"N=8"}, TDAG_OK, "x: f32[8,H] = input"},
    {"numbers", {"N=8", "H=16"}, TDAG_OK, "a: f32[8,16] = multiply"},
    {"renamed", {"N=B"}, TDAG_OK, "symbols H=12 M=4 B=4"},
    {"declared equal", {"M=N"}, TDAG_OK, "y: f32[N,1] = input"},
    {"exchanged", {"N=M", "M=N"}, TDAG_OK, "x: f32[M,H] = input"},
    {"a multiple", {"H=4*K"}, TDAG_OK, "symbols N=4 M=4 K=3"},
    {"of another", {"H=3*N"}, TDAG_OK, "b: f32[N,3*N] = exp"},
    {"zero", {"N=0"}, TDAG_OK, "x: f32[0,H] = input"},
    {"beyond a fixed extent", {"H=17"}, TDAG_E_SHAPE, "from 0 to 17"},
    {"no such symbol", {"Q=1"}, TDAG_E_ARG, "no symbol Q"},
    {"a part of a name", {"=1"}, TDAG_E_ARG, "no symbol"},
    {"no assignment", {"N"}, TDAG_E_ARG, "no assignment"},
    {"twice", {"N=1", "N=2"}, TDAG_E_ARG, "given twice"},
    {"no sample", {"H=5*K"}, TDAG_E_ARG, "H has the sample 12"},
    {"two new ones", {"H=K*L"}, TDAG_E_ARG, "H has the sample 12"},
    {"negative", {"N=0-3"}, TDAG_E_ARG, "N would be -3"},
    {"no expression", {"N=8)"}, TDAG_E_FORMAT, ""},
    {"nothing", {"N="}, TDAG_E_FORMAT, ""},
};

static tdag_status substitute(tdag_ctx *ctx, const char *const *assignments, uint32_t n,
                              char **out)
{
    tdag_graph *g = NULL, *other = NULL;
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &g);
    if (st == TDAG_OK) st = tdag_graph_substitute(ctx, g, assignments, n, &other);
    if (st == TDAG_OK) st = tdag_verify(ctx, other);
    if (st == TDAG_OK) st = tdag_graph_print(ctx, other, 0, out);
    tdag_graph_free(other);
    tdag_graph_free(g);
    return st;
}

static void test_cases(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t n = 0;
        while (n < 3 && cases[i].assignments[n] != NULL)
            n++;
        char *made = NULL;
        tdag_status st = substitute(ctx, cases[i].assignments, n, &made);
        const char *said = st == TDAG_OK ? made : tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].status || strstr(said, cases[i].says) == NULL)
            fail_msg("%s: %s: %s", cases[i].name, tdag_status_text(st), said);
        tdag_text_free(ctx, made);
    }
    /* The node that does not fit is named. */
    const char *const wide[] = {"H=17"};
    char *made = NULL;
    assert_int_equal(substitute(ctx, wide, 1, &made), TDAG_E_SHAPE);
    assert_string_equal(tdag_ctx_get_error(ctx)->node, "u");
    assert_string_equal(tdag_ctx_get_error(ctx)->scope, "table");
    tdag_ctx_free(ctx);
}

/* ---- programs ---- */

/* Two methods, a loop over the rows, a graph that is called at two sizes. */
static const char program[] =
    "tdag 2\n"
    "graph count {\n"
    "  symbols N=4\n"
    "  x: f32[N,2] = input\n"
    "  one: i64[] = constant [1]\n"
    "  row: i64[1] = unsqueeze(one) {axes=[0]}\n"
    "  ones: i64[N] = repeat(row) {counts=[N]}\n"
    "  sum: i64[1] = reduce(ones) {axes=[0], kind=sum}\n"
    "  n: i64[] = squeeze(sum) {axes=[0]}\n"
    "  return n\n"
    "}\n"
    "graph twice {\n"
    "  symbols N=4\n"
    "  x: f32[N,2] = input\n"
    "  y: f32[N,2] = add(x, x)\n"
    "  return y\n"
    "}\n"
    "program forward(x: f32[N,2], z: f32[M,2]) -> (f32[N,2], f32[M,2]) {\n"
    "  symbols N=4 M=6\n"
    "  n = call count(x)\n"
    "  y = loop limit n (i; v = x) {\n"
    "    w = call twice(v)\n"
    "    yield w\n"
    "  }\n"
    "  u = call twice(z)\n"
    "  return y, u\n"
    "}\n"
    "program other(x: f32[N,2]) -> (f32[N,2]) {\n"
    "  symbols N=3\n"
    "  y = call twice(x)\n"
    "  return y\n"
    "}\n";

static const struct {
    const char *assignments[3];
    tdag_status status;
    const char *says[3]; /* parts of the text, or of the sentence */
} program_cases[] = {
    {{"N=8"},
     TDAG_OK,
     {"program forward(x: f32[8,2], z: f32[M,2]) -> (f32[8,2], f32[M,2])",
      "program other(x: f32[8,2])", "n: i64[] = constant [8]"}},
    {{"N=5", "M=5"},
     TDAG_OK,
     {"z: f32[5,2]", "u = call twice(z)", "y = call twice(x)"}},
    {{"M=N"}, TDAG_OK, {"z: f32[N,2]", "symbols N=4", "x: f32[N,2]"}},
    {{"N=3*K"}, TDAG_E_ARG, {"N has the sample 4"}},
    {{"M=2*K"}, TDAG_OK, {"z: f32[2*K,2]", "K=3", "x: f32[N,2]"}},
    {{"N=0"}, TDAG_OK, {"x: f32[0,2]"}},
    {{"Q=1"}, TDAG_E_ARG, {"no method has an input of the size Q"}},
    {{"N"}, TDAG_E_ARG, {"\"N\" is no assignment"}},
    {{"N=1", "N=2"}, TDAG_E_ARG, {"symbol N is given twice"}},
    {{"N=8)"}, TDAG_E_FORMAT, {""}},
};

static void test_programs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, program, strlen(program), &m));
    for (size_t i = 0; i < sizeof(program_cases) / sizeof(program_cases[0]); i++) {
        uint32_t n = 0;
        while (n < 3 && program_cases[i].assignments[n] != NULL)
            n++;
        char *made = NULL;
        tdag_model *other = NULL;
        tdag_status st =
            tdag_substitute(ctx, m, program_cases[i].assignments, n, &other);
        if (st == TDAG_OK) st = tdag_model_print(ctx, other, 0, &made);
        const char *said = st == TDAG_OK ? made : tdag_ctx_get_error(ctx)->message;
        for (size_t k = 0; k < 3 && program_cases[i].says[k] != NULL; k++)
            if (st != program_cases[i].status ||
                strstr(said, program_cases[i].says[k]) == NULL)
                fail_msg("%s: %s: %s", program_cases[i].assignments[0],
                         tdag_status_text(st), said);
        tdag_text_free(ctx, made);
        tdag_model_free(other);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- the dims below it ---- */

static const struct {
    const char *d, *bound;
    bool at_most;
} bounds[] = {
    {"min(S,64)", "S", true},
    {"min(S,64)", "64", true},
    {"S", "min(S,64)", false},
    {"2*floor(S/2)", "S", true},
    {"S", "2*floor((S+1)/2)", true},
    {"2*floor((S+1)/2)", "S", false},
    {"2*floor(S/4)", "floor(S/2)", true},
    {"S", "max(S,T)", true},
    {"T", "S", false},
    {"4*floor(S/2)", "S", false},
};

static void test_bounds(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const tdag_allocator a = ctx->allocator;
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        tdagi_pool *pool = tdagi_pool_create(&a);
        tdagi_dim_symbol(pool, "S", 8);
        tdagi_dim_symbol(pool, "T", 8);
        tdag_dim d, bound;
        const char *end;
        TEST_OK(ctx, tdagi_dim_parse(ctx, pool, bounds[i].d,
                                     bounds[i].d + strlen(bounds[i].d), &end, &d));
        TEST_OK(ctx, tdagi_dim_parse(ctx, pool, bounds[i].bound,
                                     bounds[i].bound + strlen(bounds[i].bound), &end,
                                     &bound));
        if (tdagi_dim_is_at_most(pool, d, bound) != bounds[i].at_most)
            fail_msg("%s <= %s", bounds[i].d, bounds[i].bound);
        /* What is said must be true. */
        for (int64_t s = 1; s < 20 && bounds[i].at_most; s++) {
            const int64_t at[2] = {s, 20 - s};
            int64_t x, y;
            assert_true(tdagi_dim_eval(pool, d, at, &x));
            assert_true(tdagi_dim_eval(pool, bound, at, &y));
            assert_true(x <= y);
        }
        tdagi_pool_free(pool);
    }
    tdag_ctx_free(ctx);
}

static tdag_status for_oom(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    const char *const assignments[] = {"H=4*K", "M=N"};
    char *made = NULL;
    tdag_status st = substitute(ctx, assignments, 2, &made);
    tdag_text_free(ctx, made);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(for_oom, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
