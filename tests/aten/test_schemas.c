/* The table of schemas, read without PyTorch. */
#include <tdagger/graph.h>

#include "aten/aten.h"
#include "support/test.h"

#define BOTH_LINES (TDAGI_PYTORCH_1_13 | TDAGI_PYTORCH_2_13)

typedef struct fixture {
    tdag_ctx *ctx;
    tdagi_env env;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    assert_int_equal(tdag_ctx_create(NULL, &f.ctx), TDAG_OK);
    tdagi_env_init(&f.env, f.ctx);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tdagi_env_free(&f->env);
    tdag_ctx_free(f->ctx);
    return 0;
}

static tdagi_schema find(fixture *f, const char *name, const char *overload)
{
    tdagi_schema s;
    assert_true(tdagi_schemas_find(&f->env, name, overload, BOTH_LINES, &s));
    return s;
}

static void a_schema_has_all_of_it(void **state)
{
    tdagi_schema s = find(*state, "aten::add", "Tensor");
    assert_string_equal(s.name, "aten::add");
    assert_string_equal(s.overload, "Tensor");
    assert_int_equal(s.n_args, 3);
    assert_int_equal(s.n_results, 1);
    assert_string_equal(s.args[0].name, "self");
    assert_string_equal(s.args[0].type, "Tensor");
    assert_int_equal(s.args[0].by_default.kind, TDAGI_DEFAULT_ABSENT);
    assert_false(s.args[0].keyword_only || s.args[0].is_written);
    assert_string_equal(s.args[2].name, "alpha");
    assert_string_equal(s.args[2].type, "number");
    assert_int_equal(s.args[2].by_default.kind, TDAGI_DEFAULT_INT);
    assert_int_equal(s.args[2].by_default.i, 1);
    assert_true(s.args[2].keyword_only);
    assert_ptr_equal(s.row, tdagi_aten_row_of("aten::add", 9));
}

static void what_is_written_is_known(void **state)
{
    tdagi_schema s = find(*state, "aten::relu_", "");
    assert_true(s.args[0].is_written);
    assert_string_equal(s.args[0].type, "Tensor");
    assert_true(s.in_place_of_row);
    s = find(*state, "aten::add", "Scalar_out");
    assert_int_equal(s.n_args, 4);
    assert_string_equal(s.args[1].type, "number");
    assert_string_equal(s.args[3].name, "out");
    assert_true(s.args[3].is_written && s.args[3].keyword_only);
    assert_false(s.in_place_of_row);
    s = find(*state, "aten::append", "t");
    assert_true(s.args[0].is_written);
    assert_string_equal(s.args[0].type, "List[t]");
}

typedef struct parameter_case {
    const char *operator, * overload, *name, *type;
    tdagi_default want;
} parameter_case;

static const parameter_case parameter_cases[] = {
    {"aten::sum", "dim_IntList", "dim", "Optional[List[int]]", {0}},
    {"aten::sum", "", "dtype", "Optional[int]", {.kind = TDAGI_DEFAULT_NONE}},
    {"aten::conv2d", "", "stride", "List[int]", {.kind = TDAGI_DEFAULT_INT, .i = 1}},
    {"aten::max_pool2d", "", "stride", "List[int]", {.kind = TDAGI_DEFAULT_LIST}},
    {"aten::rot90", "", "dims", "List[int]", {.kind = TDAGI_DEFAULT_LIST, .n = 2}},
    {"aten::group_norm", "", "eps", "float", {.kind = TDAGI_DEFAULT_FLOAT, .f = 1e-5}},
    {"aten::softplus", "", "threshold", "number", {.kind = TDAGI_DEFAULT_INT, .i = 20}},
    {"aten::gelu", "", "approximate", "str", {.kind = TDAGI_DEFAULT_STRING}},
    {"aten::flatten", "using_ints", "end_dim", "int", {.kind = 2, .i = -1}},
    {"aten::softmax", "int", "dtype", "Optional[int]", {.kind = TDAGI_DEFAULT_NONE}},
    {"aten::sort", "", "descending", "bool", {.kind = TDAGI_DEFAULT_BOOL}},
    {"aten::tril_indices", "", "dtype", "Optional[int]", {.kind = 2, .i = 4}},
    {"aten::contiguous", "", "memory_format", "int", {.kind = TDAGI_DEFAULT_INT}},
    {"aten::keys", "str", "self", "Dict(str, t)", {0}},
};

static void check_parameter(fixture *f, const parameter_case *want)
{
    tdagi_schema s = find(f, want->operator, want->overload);
    uint32_t i = 0;
    while (i < s.n_args && strcmp(s.args[i].name, want->name) != 0)
        i++;
    assert_true(i < s.n_args);
    const tdagi_default *d = &s.args[i].by_default;
    assert_string_equal(s.args[i].type, want->type);
    assert_int_equal(d->kind, want->want.kind);
    assert_int_equal(d->n, want->want.n);
    assert_int_equal(d->i, want->want.i);
    assert_true(d->f == want->want.f);
}

static void parameters_have_types_and_defaults(void **state)
{
    for (size_t i = 0; i < sizeof(parameter_cases) / sizeof(parameter_cases[0]); i++)
        check_parameter(*state, &parameter_cases[i]);
    tdagi_schema s = find(*state, "aten::gelu", "");
    assert_string_equal(s.args[1].by_default.s, "none");
    s = find(*state, "aten::rot90", "");
    assert_int_equal(s.args[2].by_default.items[1].i, 1);
}

static void results_are_counted(void **state)
{
    assert_int_equal(find(*state, "aten::max", "dim").n_results, 2);
    assert_int_equal(find(*state, "aten::lstm", "input").n_results, 3);
    assert_int_equal(find(*state, "aten::items", "str").n_results, 1);
    assert_int_equal(find(*state, "aten::clear", "t").n_results, 0);
    assert_true(find(*state, "aten::format", "").is_vararg);
}

static void overloads_stand_in_order(void **state)
{
    static const char *const first[] = {"Tensor", "Scalar", "out", "Scalar_out"};
    fixture *f = *state;
    tdagi_schema s;
    unsigned lines;
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(tdagi_schemas_get(&f->env, "aten::add", i, &s, &lines));
        assert_string_equal(s.overload, first[i]);
        assert_int_equal(lines, BOTH_LINES);
    }
    assert_false(tdagi_schemas_get(&f->env, "aten::add", 100, &s, &lines));
    assert_false(tdagi_schemas_get(&f->env, "aten::no_such", 0, &s, &lines));
    assert_false(tdagi_schemas_find(&f->env, "aten::add", "no", BOTH_LINES, &s));
}

static void lines_are_told_apart(void **state)
{
    fixture *f = *state;
    tdagi_schema s;
    assert_false(
        tdagi_schemas_find(&f->env, "aten::rms_norm", "", TDAGI_PYTORCH_1_13, &s));
    assert_true(
        tdagi_schemas_find(&f->env, "aten::rms_norm", "", TDAGI_PYTORCH_2_13, &s));
}

/* Rows of names that PyTorch has given up or never registered. */
static const char *const without_schema[] = {
    "__add__",    "prim::shape", "prim::is_leaf", "requires_grad",
    "is_tracing", "__delitem__", "infer_size"};

#define ATEN(name, handler, data, ignorable) name,
static const char *const rows[] = {
#include "aten/aten.def"
};
#define OPERATOR(name) name,
static const char *const operators[] = {
#include "aten/schemas/schemas.def"
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void operators_stand_in_the_order_of_rows(void **state)
{
    (void)state;
    assert_int_equal(sizeof(operators), sizeof(rows));
    for (size_t i = 0; i < N_ROWS; i++)
        assert_string_equal(operators[i], rows[i]);
}

static void every_row_has_schemas(void **state)
{
    fixture *f = *state;
    size_t missing = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        tdagi_schema s;
        unsigned lines;
        uint32_t n = 0;
        while (tdagi_schemas_get(&f->env, rows[i], n, &s, &lines))
            n++;
        if (n > 0) continue;
        if (missing >= sizeof(without_schema) / sizeof(without_schema[0]) ||
            strcmp(rows[i], without_schema[missing++]) != 0)
            fail_msg("%s has no schema: see tests/aten/schemas.py", rows[i]);
    }
}

static void memory_may_run_out(void **state)
{
    (void)state;
    bool done = false;
    for (int64_t fail_at = 1; !done; fail_at++) {
        test_heap heap = {0};
        tdag_ctx *ctx = test_ctx_on(&heap);
        tdagi_env env;
        heap.fail_at = fail_at;
        tdagi_env_init(&env, ctx);
        tdagi_schema s;
        done = env.status == TDAG_OK &&
               tdagi_schemas_find(&env, "aten::rot90", "out", BOTH_LINES, &s);
        if (!done) assert_int_equal(env.status, TDAG_E_NOMEM);
        tdagi_env_free(&env);
        tdag_ctx_free(ctx);
        assert_int_equal(heap.live_blocks, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_schema_has_all_of_it),
                                       TEST(what_is_written_is_known),
                                       TEST(parameters_have_types_and_defaults),
                                       TEST(results_are_counted),
                                       TEST(overloads_stand_in_order),
                                       TEST(lines_are_told_apart),
                                       TEST(operators_stand_in_the_order_of_rows),
                                       TEST(every_row_has_schemas),
                                       TEST(memory_may_run_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
