/* Flat inputs against declared arguments, by a shim of our own: no PyTorch is needed.
 */
#include "torchscript/arguments.h"

#include "support/test.h"

/* A method's arguments behind self, a blank line of NULL at the end. */
typedef struct argument {
    const char *type, *name;
    int has_default; /* 1: None, 2: the number 3, 3: 0.5, 4: True, 5: "s" */
} argument;

#define MOST 6

static size_t n_args(const tdag_shim_schema *schema)
{
    const argument *a = (const argument *)(const void *)schema;
    size_t n = 1;
    while (n < MOST && a[n - 1].type != NULL)
        n++;
    return n;
}

static int defaults[] = {0, 1, 2, 3, 4, 5};

static void get_arg(tdag_shim_session *session, const tdag_shim_schema *schema,
                    size_t i, tdag_shim_arg *out)
{
    (void)session;
    const argument *a = (const argument *)(const void *)schema + (i - 1);
    memset(out, 0, sizeof *out);
    out->name = a->name;
    out->type = a->type;
    out->has_default = a->has_default != 0;
    if (out->has_default)
        out->default_value =
            (const tdag_shim_value *)(const void *)&defaults[a->has_default];
}

static tdag_shim_kind value_kind(const tdag_shim_value *v)
{
    static const tdag_shim_kind kinds[] = {TDAG_SHIM_NONE, TDAG_SHIM_NONE,
                                           TDAG_SHIM_INT,  TDAG_SHIM_DOUBLE,
                                           TDAG_SHIM_BOOL, TDAG_SHIM_STRING};
    return kinds[*(const int *)(const void *)v];
}

static int64_t value_int(const tdag_shim_value *v) { return v != NULL ? 3 : 0; }
static double value_double(const tdag_shim_value *v) { return v != NULL ? 0.5 : 0; }
static bool value_bool(const tdag_shim_value *v) { return v != NULL; }
static const char *value_string(tdag_shim_session *s, const tdag_shim_value *v,
                                size_t *size_out)
{
    (void)s, (void)v, (void)size_out;
    return "s";
}

static const struct {
    const char *name;
    argument arguments[MOST];
    const char *names[4]; /* of the inputs */
    uint32_t n;
    tdag_status st;
    const char *want;  /* the structure, or of the sentence */
    const char *order; /* the inputs that the tensors are */
    const char *values[3];
} cases[] = {
    {"nothing", {{0}}, {0}, 0, TDAG_OK, "()", "", {0}},
    {"one", {{"Tensor", "x", 0}}, {0}, 1, TDAG_OK, "(T,)", "0", {0}},
    {"two",
     {{"Tensor", "x", 0}, {"Tensor", "y", 0}},
     {0},
     2,
     TDAG_OK,
     "(T, T)",
     "01",
     {0}},
    {"by name",
     {{"Tensor", "x", 0}, {"Tensor", "y", 0}},
     {"y", "x"},
     2,
     TDAG_OK,
     "(T, T)",
     "10",
     {0}},
    {"names of something else",
     {{"Tensor", "x", 0}, {"Tensor", "y", 0}},
     {"y", "z"},
     2,
     TDAG_OK,
     "(T, T)",
     "01",
     {0}},
    {"tuple",
     {{"Tuple[Tensor, Tuple[Tensor], Tensor]", "x", 0}},
     {0},
     3,
     TDAG_OK,
     "(x=(T, (T,), T),)",
     "012",
     {0}},
    {"list",
     {{"Tensor", "x", 0}, {"List[Tensor]", "y", 0}},
     {0},
     3,
     TDAG_OK,
     "(T, y=[T, T])",
     "012",
     {0}},
    {"empty list", {{"List[Tensor]", "y", 0}}, {0}, 0, TDAG_OK, "(y=[],)", "", {0}},
    {"list of pairs",
     {{"List[Tuple[Tensor, Tensor]]", "y", 0}},
     {0},
     4,
     TDAG_OK,
     "(y=[(T, T), (T, T)],)",
     "0123",
     {0}},
    {"dict",
     {{"Dict[str, Tensor]", "d", 0}},
     {"a", "b"},
     2,
     TDAG_OK,
     "(d={\"a\": T, \"b\": T},)",
     "01",
     {0}},
    {"optional given",
     {{"Optional[Tensor]", "x", 0}},
     {0},
     1,
     TDAG_OK,
     "(T,)",
     "0",
     {0}},
    {"optional not given",
     {{"Optional[Tensor]", "x", 0}},
     {0},
     0,
     TDAG_OK,
     "(x=None,)",
     "",
     {0}},
    {"optional left out by name",
     {{"Optional[Tensor]", "x", 0}, {"Tensor", "y", 0}},
     {"y"},
     1,
     TDAG_OK,
     "(x=None, T)",
     "0",
     {0}},
    {"optional number",
     {{"Optional[int]", "k", 0}, {"Tensor", "y", 0}},
     {0},
     1,
     TDAG_OK,
     "(k=None, T)",
     "0",
     {0}},
    {"defaults",
     {{"Tensor", "x", 0},
      {"int", "k", 2},
      {"float", "p", 3},
      {"bool", "b", 4},
      {"str", "s", 5}},
     {0},
     1,
     TDAG_OK,
     "(T, k=3, p=0.5, b=True, s=\"s\")",
     "0",
     {0}},
    {"default of a tensor",
     {{"Tensor", "x", 0}, {"Optional[Tensor]", "m", 1}},
     {0},
     2,
     TDAG_OK,
     "(T, T)",
     "01",
     {0}},

    {"too few",
     {{"Tensor", "x", 0}, {"Tensor", "y", 0}},
     {0},
     1,
     TDAG_E_ARG,
     "the model takes 2 inputs, 1 was given",
     "",
     {0}},
    {"too many",
     {{"Tensor", "x", 0}},
     {0},
     2,
     TDAG_E_ARG,
     "the model takes 1 input, 2 were given",
     "",
     {0}},
    {"a range",
     {{"Tensor", "x", 0}, {"Optional[Tensor]", "m", 1}},
     {0},
     3,
     TDAG_E_ARG,
     "the model takes 1 to 2 inputs, 3 were given",
     "",
     {0}},
    {"at least",
     {{"Tuple[Tensor, Tensor]", "x", 0}, {"List[Tensor]", "y", 0}},
     {0},
     1,
     TDAG_E_ARG,
     "the model takes 2 or more inputs, 1 was given",
     "",
     {0}},
    {"dict without keys",
     {{"Dict[str, Tensor]", "d", 0}},
     {"a", NULL},
     2,
     TDAG_E_ARG,
     "input 1 needs its key as its name",
     "",
     {0}},
    {"number needed",
     {{"int", "k", 0}},
     {0},
     0,
     TDAG_E_ARG,
     "argument k has type int: say its value, as in k=1",
     "",
     {0}},
    {"number within",
     {{"Tuple[Tensor, int]", "k", 0}},
     {0},
     1,
     TDAG_E_ARG,
     "argument k has type int: say",
     "",
     {0}},
    {"a list leaves what others need",
     {{"List[Tensor]", "y", 0}, {"Tuple[Tensor, Tensor]", "z", 0}, {"Tensor", "m", 1}},
     {0},
     4,
     TDAG_OK,
     "(y=[T, T], z=(T, T), m=None)",
     "0123",
     {0}},
    {"a list within leaves what others need",
     {{"Tuple[List[Tensor], Tensor]", "y", 0}, {"Tensor", "x", 0}},
     {0},
     4,
     TDAG_OK,
     "(y=([T, T], T), T)",
     "0123",
     {0}},
    {"an optional tensor leaves what others need",
     {{"Optional[Tensor]", "m", 0}, {"Tensor", "x", 0}},
     {0},
     1,
     TDAG_OK,
     "(m=None, T)",
     "0",
     {0}},
    {"by names with parts",
     {{"List[Tensor]", "a", 0}, {"Dict[str, Tensor]", "b", 0}, {"Tensor", "x", 0}},
     {"x", "b.k", "a.0", "a.1"},
     4,
     TDAG_OK,
     "(a=[T, T], b={\"k\": T}, T)",
     "2310",
     {0}},
    {"two lists",
     {{"List[Tensor]", "a", 0}, {"List[Tensor]", "b", 0}},
     {0},
     3,
     TDAG_E_ARG,
     "arguments a and b take tensors of any number: say how many, as in a=[T, T]",
     "",
     {0}},
    {"two lists and a length",
     {{"List[Tensor]", "a", 0}, {"List[Tensor]", "b", 0}},
     {0},
     3,
     TDAG_OK,
     "(a=[T, T], b=[T])",
     "012",
     {"a=[T,T]"}},
    {"values",
     {{"Tensor", "x", 0},
      {"int", "sr", 0},
      {"float", "p", 0},
      {"List[float]", "l", 0},
      {"Optional[bool]", "b", 0}},
     {0},
     1,
     TDAG_OK,
     "(T, sr=16000, p=1.0, l=[1.0, 2.5], b=None)",
     "0",
     {"sr=16000", "p=1", "l=[1, 2.5]"}},
    {"a named tuple",
     {{"__torch__.Point(x: Tensor, y: Tuple[Tensor, int])", "p", 0}},
     {0},
     2,
     TDAG_OK,
     "(p=Point(x=T, y=(T, 3)),)",
     "01",
     {"p=(T, (T, 3))"}},
    {"a named tuple without its value",
     {{"__torch__.Point(x: Tensor, y: Tensor)", "p", 0}, {"Tensor", "z", 0}},
     {0},
     3,
     TDAG_OK,
     "(p=Point(x=T, y=T), T)",
     "012",
     {0}},
    {"a class",
     {{"__torch__.P", "p", 0}},
     {0},
     1,
     TDAG_OK,
     "(p=(T,),)",
     "0",
     {"p=(T,)"}},
    {"another type",
     {{"int", "k", 0}},
     {0},
     0,
     TDAG_E_ARG,
     "argument k has type int, which 1.5 is not",
     "",
     {"k=1.5"}},
    {"no argument",
     {{"Tensor", "x", 0}, {"int", "k", 2}},
     {0},
     1,
     TDAG_E_ARG,
     "n=1 names no argument; they are x, k",
     "",
     {"n=1"}},
    {"no value", {{"int", "k", 0}}, {0}, 0, TDAG_E_FORMAT, "'[1' is no", "", {"k=[1"}},
};

static tdag_status bind(tdag_ctx *ctx, size_t row, tdagi_arena *arena,
                        tdagi_arguments *out)
{
    const tdag_shim_api api = {.schema_n_args = n_args,
                               .schema_arg = get_arg,
                               .value_kind = value_kind,
                               .value_int = value_int,
                               .value_double = value_double,
                               .value_bool = value_bool,
                               .value_string = value_string};
    const void *schema = cases[row].arguments;
    uint32_t n_values = 0;
    while (n_values < 3 && cases[row].values[n_values] != NULL)
        n_values++;
    const tdagi_arguments_call call = {.ctx = ctx,
                                       .api = &api,
                                       .schema = schema,
                                       .arena = arena,
                                       .names = cases[row].names,
                                       .n_inputs = cases[row].n,
                                       .values = cases[row].values,
                                       .n_values = n_values};
    return tdagi_arguments_bind(&call, out);
}

static bool is_wanted(tdag_ctx *ctx, size_t row, tdag_status st,
                      const tdagi_arguments *bound)
{
    if (st != cases[row].st) return false;
    if (st != TDAG_OK)
        return strstr(tdag_ctx_get_error(ctx)->message, cases[row].want) != NULL;
    bool same = strcmp(bound->structure->text, cases[row].want) == 0 &&
                bound->structure->n_tensors == strlen(cases[row].order);
    for (size_t i = 0; same && cases[row].order[i] != '\0'; i++)
        same = bound->order[i] == (uint32_t)(cases[row].order[i] - '0');
    return same;
}

static void test_bind(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdagi_arena arena;
        tdagi_arguments bound = {0};
        tdagi_arena_init(&arena, &ctx->allocator);
        tdag_status st = bind(ctx, i, &arena, &bound);
        if (!is_wanted(ctx, i, st, &bound))
            fail_msg("%s: %s: %s", cases[i].name, tdag_status_text(st),
                     st == TDAG_OK ? bound.structure->text
                                   : tdag_ctx_get_error(ctx)->message);
        tdagi_structure_free(bound.structure);
        tdagi_arena_free(&arena);
    }
    tdag_ctx_free(ctx);
}

/* Types that nest without end meet the limit of structures. */
static void test_deep(void **state)
{
    (void)state;
    enum { DEPTH = 100000, SIZE = 6 * DEPTH + 1 };
    char *type = malloc(SIZE);
    assert_non_null(type);
    for (int i = 0; i < DEPTH; i++)
        memcpy(type + 6 * i, "Tuple[", 6);
    type[SIZE - 1] = '\0';
    const argument arguments[MOST] = {{type, "x", 0}};
    const tdag_shim_api api = {.schema_n_args = n_args, .schema_arg = get_arg};
    tdag_ctx *ctx = test_ctx();
    tdagi_arena arena;
    tdagi_arguments bound;
    tdagi_arena_init(&arena, &ctx->allocator);
    const void *schema = arguments;
    const tdagi_arguments_call call = {
        .ctx = ctx, .api = &api, .schema = schema, .arena = &arena, .n_inputs = 1};
    assert_int_equal(tdagi_arguments_bind(&call, &bound), TDAG_E_LIMIT);
    tdagi_arena_free(&arena);
    tdag_ctx_free(ctx);
    free(type);
}

static tdag_status bind_all(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_status st = TDAG_OK;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && st == TDAG_OK; i++) {
        tdagi_arena arena;
        tdagi_arguments bound = {0};
        tdagi_arena_init(&arena, &ctx->allocator);
        st = bind(ctx, i, &arena, &bound);
        if (st == cases[i].st) st = TDAG_OK;
        tdagi_structure_free(bound.structure);
        tdagi_arena_free(&arena);
    }
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(bind_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
