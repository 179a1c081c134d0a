/* What calls of operators have in common, and rows that cases.golden has not. */
#include <math.h>

#include <tdagger/run.h>
#include <tdagger/torch.h>

#include "aten/case.h"

typedef struct fixture {
    tdag_ctx *ctx;
    tdagi_env env;
    uint32_t n;
    tdag_tensor *inputs[8];
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){.ctx = test_ctx()};
    tdagi_env_init(&f.env, f.ctx);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    for (uint32_t i = 0; i < f->n; i++)
        tdag_tensor_free(f->inputs[i]);
    tdagi_env_free(&f->env);
    tdag_ctx_free(f->ctx);
    return 0;
}

/* 1, 2, 3, ... of rank 2 */
static tdagi_any matrix(fixture *f, int64_t rows, int64_t columns)
{
    char name[8];
    const int64_t shape[] = {rows, columns};
    tdag_tensor *t;
    TEST_OK(f->ctx, tdag_tensor_create(f->ctx, TDAG_F32, 2, shape, &t));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(t, i, (double)i + 1);
    snprintf(name, sizeof(name), "x%u", (unsigned)f->n);
    f->inputs[f->n++] = t;
    return tdagi_any_tensor(
        tdagi_cell_new(&f->env, tdag_add_input(f->env.b, name, TDAG_F32, 2, shape)));
}

static tdagi_any call(fixture *f, const char *name, const char *overload, uint32_t n,
                      const tdagi_any *args)
{
    tdagi_schema s;
    assert_true(tdagi_schemas_find(&f->env, name, overload,
                                   TDAGI_PYTORCH_1_13 | TDAGI_PYTORCH_2_13, &s));
    return tdagi_aten_call(&f->env, &s, args, n);
}

#define CALL(f, name, overload, ...)                                                   \
    call(f, name, overload, sizeof((tdagi_any[]){__VA_ARGS__}) / sizeof(tdagi_any),    \
         (tdagi_any[]){__VA_ARGS__})
#define INT(i) tdagi_any_int(&f->env, i)

/* An operator without a schema in the table, with parameters self and other. */
static tdagi_any call_unlisted(fixture *f, const char *name, uint32_t n,
                               const tdagi_any *args)
{
    bool shapes = strcmp(name, "aten::infer_size") == 0;
    const char *names[] = {shapes ? "a" : "self", shapes ? "b" : "other"};
    tdagi_parameter parameters[2] = {{0}};
    tdagi_schema s = {.name = name, .overload = "", .n_args = n, .n_results = 1};
    s.args = parameters;
    for (uint32_t i = 0; i < n; i++)
        parameters[i].name = names[i], parameters[i].type = "Any";
    return tdagi_aten_call(&f->env, &s, args, n);
}

/* The elements of a tensor, computed; the graph is finished by it. */
static void expect_elements(fixture *f, tdagi_any v, int64_t n, const double *want)
{
    tdag_graph *graph;
    tdag_tensor *out = NULL;
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    tdagi_env_report(&f->env);
    if (f->env.status != TDAG_OK) fail_msg("%s", tdag_ctx_get_error(f->ctx)->message);
    assert_int_equal(v.kind, TDAGI_ANY_TENSOR);
    tdag_builder_add_output(f->env.b, tdagi_cell_read(&f->env, v.u.tensor));
    TEST_OK(f->ctx, tdag_builder_finish(f->env.b, &graph));
    TEST_OK(f->ctx, tdag_graph_run(f->ctx, graph, f->inputs, f->n, &o, &out));
    assert_int_equal(out->count, n);
    for (int64_t i = 0; i < n; i++)
        if (tdagi_tensor_get_f64(out, i) != want[i])
            fail_msg("element %lld is %g, not %g", (long long)i,
                     tdagi_tensor_get_f64(out, i), want[i]);
    tdag_tensor_free(out);
    tdag_graph_free(graph);
}

#define EXPECT(f, v, ...)                                                              \
    expect_elements(f, v, sizeof((double[]){__VA_ARGS__}) / sizeof(double),            \
                    (double[]){__VA_ARGS__})

/* ---- memory that is shared ---- */

static void writing_to_a_view_writes_to_what_it_shows(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 3);
    tdagi_any row = CALL(f, "aten::select", "int", x, INT(0), INT(1));
    tdagi_any some = CALL(f, "aten::slice", "Tensor", row, INT(0), INT(0), INT(2));
    CALL(f, "aten::add_", "Scalar", some, INT(10));
    EXPECT(f, x, 1, 2, 3, 14, 15, 6);
}

static void a_view_shows_what_was_written(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 2);
    tdagi_any t = CALL(f, "aten::t", "", x), flat;
    flat = CALL(f, "aten::reshape", "", x,
                tdagi_any_seq(&f->env, TDAGI_ANY_LIST, 1, (tdagi_any[]){INT(4)}));
    CALL(f, "aten::mul_", "Scalar", x, INT(2));
    tdagi_any all =
        CALL(f, "aten::cat", "",
             tdagi_any_seq(
                 &f->env, TDAGI_ANY_LIST, 2,
                 (tdagi_any[]){flat, CALL(f, "aten::reshape", "", t,
                                          tdagi_any_seq(&f->env, TDAGI_ANY_LIST, 1,
                                                        (tdagi_any[]){INT(-1)}))}));
    EXPECT(f, all, 2, 4, 6, 8, 2, 6, 4, 8);
}

/* x seen through each kind of view, 100 written there, x afterwards. */
static void write_through(fixture *f, tdagi_any x, tdagi_any view)
{
    CALL(f, "aten::fill_", "Scalar", view, INT(100));
    assert_int_equal(x.kind, TDAGI_ANY_TENSOR);
}

static tdagi_any ints(fixture *f, uint32_t n, const int64_t *v)
{
    tdagi_any out = tdagi_any_seq(&f->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < n; i++)
        tdagi_seq_append(&f->env, out.u.seq, INT(v[i]));
    return out;
}

static void stepped_slices_are_written(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 1, 6);
    write_through(f, x,
                  CALL(f, "aten::slice", "Tensor", x, INT(1), INT(1), INT(6), INT(2)));
    EXPECT(f, x, 1, 100, 3, 100, 5, 100);
}

static void permuted_parts_are_written(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 3);
    tdagi_any y = CALL(f, "aten::permute", "", x, ints(f, 2, (int64_t[]){1, 0}));
    y = CALL(f, "aten::unsqueeze", "", y, INT(1));
    y = CALL(f, "aten::select", "int", y, INT(0), INT(2));
    write_through(f, x, CALL(f, "aten::squeeze", "", y));
    EXPECT(f, x, 1, 2, 100, 4, 5, 100);
}

static void reshaped_and_split_parts_are_written(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 3);
    tdagi_any y = CALL(f, "aten::view", "", x, ints(f, 2, (int64_t[]){3, 2}));
    tdagi_any parts = CALL(f, "aten::unbind", "int", y, INT(1));
    write_through(f, x, parts.u.seq->v[1]);
    EXPECT(f, x, 1, 100, 3, 100, 5, 100);
}

static void diagonals_are_written(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 3, 3);
    write_through(f, x, CALL(f, "aten::diagonal", "", x, INT(0), INT(0), INT(1)));
    EXPECT(f, x, 100, 2, 3, 4, 100, 6, 7, 8, 100);
}

static void expanded_memory_is_not_written(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 1, 2);
    tdagi_any y = CALL(f, "aten::expand", "", x, ints(f, 2, (int64_t[]){2, 2}));
    CALL(f, "aten::add_", "Scalar", y, INT(1));
    tdagi_env_report(&f->env);
    assert_int_not_equal(f->env.status, TDAG_OK);
}

static void known_numbers_stay_known(void **state)
{
    fixture *f = *state;
    tdagi_any x = tdagi_any_tensor(tdagi_cell_known(&f->env, TDAG_I64, INT(3)));
    CALL(f, "aten::add_", "Scalar", x, INT(4));
    const tdagi_any *number = tdagi_cell_number(x.u.tensor);
    assert_non_null(number);
    assert_int_equal(number->u.i, 7);
    CALL(f, "aten::copy_", "", x,
         tdagi_any_tensor(tdagi_cell_known(&f->env, TDAG_I64, INT(9))));
    EXPECT(f, x, 9);
}

static void a_list_is_extended_where_it_stands(void **state)
{
    fixture *f = *state;
    tdagi_any x = ints(f, 1, (int64_t[]){1}), same = x;
    CALL(f, "aten::add_", "t", x, ints(f, 1, (int64_t[]){2}));
    assert_string_equal(tdagi_any_text(&f->env, same), "[1, 2]");
}

/* ---- calls ---- */

static void what_is_left_out_has_its_default(void **state)
{
    fixture *f = *state;
    EXPECT(f, CALL(f, "aten::sub", "Tensor", matrix(f, 1, 2), matrix(f, 1, 2)), 0, 0);
}

static void expect_issue(fixture *f, const char *what)
{
    assert_int_equal(f->env.n_issues, 1);
    assert_string_equal(f->env.issues[0].what, what);
    tdagi_env_report(&f->env);
    assert_int_equal(f->env.status, TDAG_E_UNSUPPORTED);
    assert_non_null(strstr(tdag_ctx_get_error(f->ctx)->message, what));
}

static void an_argument_nobody_reads_is_an_issue(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 1, 2);
    tdagi_any list = tdagi_any_seq(&f->env, TDAGI_ANY_LIST, 1, &x);
    CALL(f, "aten::unsafe_split", "Tensor_out", x, INT(1), INT(0), list);
    expect_issue(f, "aten::unsafe_split.Tensor_out with out = [a tensor]");
}

static void a_refused_operator_says_why(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 2);
    assert_int_equal(call_unlisted(f, "aten::linalg_ldl_factor", 1, &x).kind,
                     TDAGI_ANY_POISON);
    expect_issue(f,
                 "aten::linalg_ldl_factor: blocks of one or two rows, as tensor data "
                 "asks for");
}

static void an_unknown_operator_is_an_issue(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 2);
    x = call_unlisted(f, "my::own", 1, &x);
    x = CALL(f, "aten::relu", "", x); /* silent */
    assert_int_equal(x.kind, TDAGI_ANY_POISON);
    expect_issue(f, "my::own");
}

static tdagi_any keep_opaque(tdagi_env *env, const tdagi_schema *schema,
                             const tdagi_any *args, uint32_t n_args)
{
    (void)env;
    assert_string_equal(schema->name, "my::own");
    assert_int_equal(n_args, 1);
    return args[0];
}

static void a_reader_may_keep_unknown_operators(void **state)
{
    fixture *f = *state;
    f->env.opaque = keep_opaque;
    tdagi_any x = matrix(f, 1, 2);
    EXPECT(f, call_unlisted(f, "my::own", 1, &x), 1, 2);
}

static tdagi_place somewhere(tdagi_env *env)
{
    (void)env;
    return (tdagi_place){"aten::cat", "model.py:7"};
}

static void a_failure_says_where(void **state)
{
    fixture *f = *state;
    f->env.place = somewhere;
    f->env.scope = "layer1";
    CALL(f, "aten::matmul", "", matrix(f, 2, 3), matrix(f, 2, 3));
    assert_int_equal(f->env.status, TDAG_E_SHAPE);
    assert_non_null(strstr(tdag_ctx_get_error(f->ctx)->message,
                           "aten::matmul in layer1 (model.py:7): "));
    assert_int_equal(call_unlisted(f, "aten::relu", 0, NULL).kind, TDAGI_ANY_POISON);
}

static void many_issues_are_reported_with_numbers(void **state)
{
    fixture *f = *state;
    char what[64];
    for (int i = 0; i < 400; i++) {
        snprintf(what, sizeof(what), "my::operator_number_%d", i % 100);
        f->env.scope = i < 100 ? "first" : i < 200 ? "second" : "third";
        tdagi_any x = tdagi_any_none();
        call_unlisted(f, what, 1, &x);
    }
    tdagi_env_report(&f->env);
    assert_int_equal(f->env.status, TDAG_E_UNSUPPORTED);
    assert_non_null(strstr(tdag_ctx_get_error(f->ctx)->message, "more"));
    tdagi_env_fail(&f->env, TDAG_E_ARG, "not said: the first failure stays");
    assert_int_equal(f->env.status, TDAG_E_UNSUPPORTED);
}

/* ---- rows that cases.golden has not ---- */

static void rows_without_a_schema(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 3), two[] = {INT(2), INT(5)};
    assert_string_equal(tdagi_any_text(&f->env, call_unlisted(f, "prim::shape", 1, &x)),
                        "[2, 3]");
    assert_true(call_unlisted(f, "prim::is_leaf", 1, &x).kind == TDAGI_ANY_BOOL);
    assert_false(call_unlisted(f, "aten::requires_grad", 1, &x).u.b);
    assert_false(call_unlisted(f, "aten::is_tracing", 0, NULL).u.b);
    assert_int_equal(call_unlisted(f, "aten::__add__", 2, two).u.i, 7);
    tdagi_any list[] = {ints(f, 2, (int64_t[]){4, 6}), INT(0)};
    call_unlisted(f, "aten::__delitem__", 2, list);
    assert_string_equal(tdagi_any_text(&f->env, list[0]), "[6]");
    tdagi_any shapes[] = {ints(f, 2, (int64_t[]){3, 1}), ints(f, 1, (int64_t[]){4})};
    assert_string_equal(
        tdagi_any_text(&f->env, call_unlisted(f, "aten::infer_size", 2, shapes)),
        "[3, 4]");
}

/* x[:n] of a row is what its mask counts; what is not there shows as the padding. */
static void a_nested_tensor_is_a_padded_one(void **state)
{
    fixture *f = *state;
    tdagi_any two = INT(2), x = CALL(f, "aten::unsqueeze", "", matrix(f, 2, 3), two);
    tdagi_any mask = CALL(f, "aten::gt", "Scalar", matrix(f, 2, 3), INT(2));
    tdagi_any there =
        CALL(f, "aten::_nested_tensor_from_mask", "", x, mask, tdagi_any_bool(false));
    assert_int_equal(there.kind, TDAGI_ANY_NESTED);
    assert_true(CALL(f, "prim::is_nested", "", there).u.b);
    assert_string_equal(tdagi_any_text(&f->env, CALL(f, "aten::dim", "", there)), "3");
    tdagi_any items[] = {INT(2), INT(3), INT(1)};
    tdagi_any size = tdagi_any_seq(&f->env, TDAGI_ANY_LIST, 3, items);
    tdagi_any y =
        CALL(f, "aten::to_padded_tensor", "", there, tdagi_any_float(9), size);
    EXPECT(f, y, 1, 9, 9, 4, 5, 6);
}

static void a_nested_tensor_is_no_other_argument(void **state)
{
    fixture *f = *state;
    tdagi_any x = CALL(f, "aten::unsqueeze", "", matrix(f, 2, 3), INT(2));
    tdagi_any mask = CALL(f, "aten::gt", "Scalar", matrix(f, 2, 3), INT(2));
    tdagi_any there = CALL(f, "aten::_nested_tensor_from_mask", "", x, mask);
    CALL(f, "aten::relu", "", there);
    expect_issue(f, "aten::relu with self = a nested tensor");
}

static void a_nested_tensor_has_its_own_size(void **state)
{
    fixture *f = *state;
    tdagi_any x = CALL(f, "aten::unsqueeze", "", matrix(f, 2, 3), INT(2));
    tdagi_any mask = CALL(f, "aten::gt", "Scalar", matrix(f, 2, 3), INT(2));
    tdagi_any there = CALL(f, "aten::_nested_tensor_from_mask", "", x, mask);
    tdagi_any items[] = {INT(2), INT(4), INT(1)};
    tdagi_any size = tdagi_any_seq(&f->env, TDAGI_ANY_LIST, 3, items);
    CALL(f, "aten::nested_to_padded_tensor", "", there, tdagi_any_float(0), size);
    expect_issue(f, "aten::nested_to_padded_tensor to a size other than that of the "
                    "padded tensor");
}

/* ---- numbers of weights ---- */

/* The sum of a constant's elements, as Int() gives it. */
static tdagi_any sum_of(fixture *f, uint32_t n, const double *elements)
{
    const int64_t shape[] = {n};
    tdag_tensor *t;
    TEST_OK(f->ctx, tdag_tensor_create(f->ctx, TDAG_F32, 1, shape, &t));
    for (uint32_t i = 0; i < n; i++)
        tdagi_tensor_set_f64(t, i, elements[i]);
    tdag_value v = tdag_add_tensor(f->env.b, TDAG_OP_BUFFER, "sizes", t);
    tdag_tensor_free(t);
    tdagi_any x = tdagi_any_tensor(tdagi_cell_new(&f->env, v));
    return CALL(f, "aten::Int", "Tensor", CALL(f, "aten::sum", "", x));
}

static void a_number_of_constants_is_known_where_it_must_be(void **state)
{
    fixture *f = *state;
    tdagi_any n = sum_of(f, 3, (double[]){1.5, -2, 1.75});
    assert_int_equal(n.kind, TDAGI_ANY_DATA); /* nobody has asked */
    tdagi_any x = matrix(f, 2, 3);
    EXPECT(f, CALL(f, "aten::narrow", "", x, INT(1), n, n), 2, 5);
}

static void a_number_of_inputs_is_data(void **state)
{
    fixture *f = *state;
    tdagi_any x = matrix(f, 2, 3);
    tdagi_any n = CALL(f, "aten::Int", "Tensor", CALL(f, "aten::sum", "", x));
    CALL(f, "aten::narrow", "", x, INT(1), INT(0), n);
    expect_issue(f, "aten::narrow with length = a number that depends on tensor data");
}

static void texts_are_formatted(void **state)
{
    fixture *f = *state;
    tdagi_any s = CALL(f, "aten::format", "", tdagi_any_string("{} of {}"), INT(2),
                       tdagi_any_string("b"));
    assert_string_equal(s.u.s, "2 of b");
    s = CALL(f, "aten::percentFormat", "", tdagi_any_string("%d of %s"), INT(2),
             tdagi_any_string("b"));
    assert_true(s.kind == TDAGI_ANY_STRING || s.kind == TDAGI_ANY_POISON);
    CALL(f, "aten::warn", "", tdagi_any_string("careful"), INT(2));
}

static void operators_have_a_document(void **state)
{
    fixture *f = *state;
    char *text = NULL;
    TEST_OK(f->ctx, tdag_torch_operators_markdown(f->ctx, &text));
    assert_non_null(strstr(text, "`aten::relu`"));
    assert_non_null(strstr(text, "## Refused"));
    tdag_text_free(f->ctx, text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writing_to_a_view_writes_to_what_it_shows),
        TEST(a_view_shows_what_was_written),
        TEST(stepped_slices_are_written),
        TEST(permuted_parts_are_written),
        TEST(reshaped_and_split_parts_are_written),
        TEST(diagonals_are_written),
        TEST(expanded_memory_is_not_written),
        TEST(known_numbers_stay_known),
        TEST(a_list_is_extended_where_it_stands),
        TEST(what_is_left_out_has_its_default),
        TEST(an_argument_nobody_reads_is_an_issue),
        TEST(a_refused_operator_says_why),
        TEST(an_unknown_operator_is_an_issue),
        TEST(a_reader_may_keep_unknown_operators),
        TEST(a_failure_says_where),
        TEST(many_issues_are_reported_with_numbers),
        TEST(rows_without_a_schema),
        TEST(a_nested_tensor_is_a_padded_one),
        TEST(a_nested_tensor_is_no_other_argument),
        TEST(a_nested_tensor_has_its_own_size),
        TEST(a_number_of_constants_is_known_where_it_must_be),
        TEST(a_number_of_inputs_is_data),
        TEST(texts_are_formatted),
        TEST(operators_have_a_document)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
