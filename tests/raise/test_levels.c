/* Composites made of composites: the larger one is found where nobody else asks for the
 * smaller, which stays where somebody does. */
#include "raise/support.h"

static tdag_ctx *ctx;
static tdag_builder *b;

static void start(void)
{
    ctx = test_ctx();
    b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
}

static tdag_value input(tdag_dtype dtype, uint32_t rank, ...)
{
    tdag_dim shape[TDAG_MAX_RANK];
    va_list args;
    va_start(args, rank);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = va_arg(args, int);
    va_end(args);
    return tdag_add_input(b, NULL, dtype, rank, shape);
}

static tdag_value unary(tdag_op op, tdag_value x) { return tdag_unary(b, op, x); }
static tdag_value binary(tdag_op op, tdag_value x, tdag_value y)
{
    return tdag_binary(b, op, x, y);
}

/* Raises what leads to the outputs: one kernel `id` among `working` that are neither
 * leaves nor views. */
static void expect(tdagi_composite id, uint32_t working)
{
    if (tdag_builder_get_status(b) != TDAG_OK)
        fail_msg("%s", tdag_ctx_get_error(ctx)->message);
    tdagi_raised *r = raise_built(ctx, b);
    if (n_of(r, id) != 1) fail_raised(ctx, r, "not found, or too often");
    if (n_working(r) != working) fail_raised(ctx, r, "another number of kernels");
    expect_same_values(ctx, r);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void output(tdag_value v) { tdag_builder_add_output(b, v); }

/* ---- std ---- */

static void root_of_variance_is_std(void **state)
{
    (void)state;
    static const int64_t axes[] = {1};
    for (int64_t keep = 0; keep < 2; keep++) {
        start();
        const tdagi_var_spec spec = {{1, axes}, 1, keep};
        tdag_value x = input(TDAG_F32, 2, 3, 5);
        output(unary(TDAG_OP_SQRT, tdagi_lower(b, TDAGI_VAR, &x, 1, &spec)));
        expect(TDAGI_STD, 1);
    }
}

static void variance_that_is_returned_stays(void **state)
{
    (void)state;
    static const int64_t axes[] = {0};
    start();
    const tdagi_var_spec spec = {{1, axes}, 1, 0};
    tdag_value x = input(TDAG_F32, 2, 3, 5);
    tdag_value var = tdagi_lower(b, TDAGI_VAR, &x, 1, &spec);
    output(var);
    output(unary(TDAG_OP_SQRT, var));
    expect(TDAGI_VAR, 2);
}

/* ---- frac ---- */

static void what_trunc_leaves_is_frac(void **state)
{
    (void)state;
    start();
    tdag_value x = input(TDAG_F16, 2, 3, 5);
    tdag_value whole = tdagi_unary_composite(b, TDAGI_TRUNC, x);
    output(binary(TDAG_OP_ADD, unary(TDAG_OP_NEG, whole), x));
    expect(TDAGI_FRAC, 1);
}

static void trunc_of_another_is_no_frac(void **state)
{
    (void)state;
    start();
    tdag_value x = input(TDAG_F32, 1, 5), y = input(TDAG_F32, 1, 5);
    output(tdagi_sub(b, x, tdagi_unary_composite(b, TDAGI_TRUNC, y)));
    expect(TDAGI_TRUNC, 2);
}

/* ---- index ---- */

/* where(p < 0, n + p, p), the sum in either order. */
static tdag_value wrapped(tdag_value p, int64_t n, bool swapped)
{
    tdag_value size = tdag_add_scalar(b, TDAG_I64, (double)n);
    tdag_value up = binary(TDAG_OP_ADD, swapped ? size : p, swapped ? p : size);
    tdag_value low = binary(TDAG_OP_LESS, p, tdag_add_scalar(b, TDAG_I64, 0));
    return tdag_where(b, low, up, p);
}

static void wrapped_positions_are_an_index(void **state)
{
    (void)state;
    for (int64_t axis = 0; axis < 3; axis++)
        for (int swapped = 0; swapped < 2; swapped++) {
            start();
            tdag_value x = input(TDAG_F32, 3, 5, 6, 7), p = input(TDAG_I64, 1, 4);
            tdag_value in[2] = {x, wrapped(p, 5 + axis, swapped)};
            output(tdagi_lower(b, TDAGI_INDEX_SELECT, in, 2, &(tdagi_axis_spec){axis}));
            expect(TDAGI_INDEX, 1);
        }
}

static void positions_of_another_size_are_none(void **state)
{
    (void)state;
    start();
    tdag_value x = input(TDAG_F32, 2, 5, 6), p = input(TDAG_I64, 1, 4);
    tdag_value in[2] = {x, wrapped(p, 4, false)};
    output(tdagi_lower(b, TDAGI_EMBEDDING, in, 2, NULL));
    expect(TDAGI_EMBEDDING, 4);
}

static void shared_positions_are_wrapped_once(void **state)
{
    (void)state;
    start();
    tdag_value x = input(TDAG_F32, 2, 5, 6), y = input(TDAG_F32, 3, 5, 6, 7);
    tdag_value p = wrapped(input(TDAG_I64, 1, 4), 5, false);
    tdag_value one[2] = {x, p}, two[2] = {y, p};
    output(tdagi_lower(b, TDAGI_EMBEDDING, one, 2, NULL));
    output(tdagi_lower(b, TDAGI_INDEX_SELECT, two, 2, &(tdagi_axis_spec){0}));
    expect(TDAGI_EMBEDDING, 5);
}

/* ---- values and positions ---- */

static tdag_value extreme(tdag_value x, bool min, int64_t axis, bool keep)
{
    const tdag_list axes = {1, &axis};
    tdag_value v = tdag_reduce(b, x, min ? TDAG_REDUCE_MIN : TDAG_REDUCE_MAX, axes);
    return keep ? v : tdag_squeeze(b, v, axes);
}

static tdag_value position(tdag_value x, bool min, int64_t axis, bool keep)
{
    const tdagi_axis_keep_spec spec = {axis, keep};
    return tdagi_lower(b, min ? TDAGI_ARGMIN : TDAGI_ARGMAX, &x, 1, &spec);
}

/* In either order, with another kernel between. */
static void extremes_and_positions_are_a_pair(void **state)
{
    (void)state;
    for (int form = 0; form < 8; form++) {
        bool min = form & 1, keep = form & 2, first = form & 4;
        start();
        tdag_value x = input(TDAG_F32, 2, 3, 5), i;
        if (first) i = position(x, min, 1, keep);
        output(unary(TDAG_OP_EXP, x));
        output(extreme(x, min, 1, keep));
        output(first ? i : position(x, min, 1, keep));
        expect(min ? TDAGI_MIN_WITH_INDEX : TDAGI_MAX_WITH_INDEX, 2);
    }
}

static void others_are_none(void **state)
{
    (void)state;
    for (int form = 0; form < 5; form++) {
        start();
        tdag_value x = input(TDAG_F32, 2, 3, 3), y = input(TDAG_F32, 2, 3, 3);
        tdag_value v = extreme(x, false, 1, form >= 3);
        output(position(form == 0 ? y : x, false, form == 1 ? 0 : 1, form == 2));
        if (form == 3) v = tdag_squeeze(b, v, (tdag_list){1, (int64_t[]){1}});
        output(v);
        if (form == 3) /* the values are another's as well */
            output(tdag_unary(b, TDAG_OP_EXP,
                              tdagi_node_inputs(&b->graph->nodes[v.id])[0]));
        expect(TDAGI_ARGMAX, form == 3 ? 3 : 2);
    }
}

/* Among others of the same operand, each once. */
static void many_are_paired_once(void **state)
{
    (void)state;
    start();
    tdag_value x = input(TDAG_I64, 2, 3, 5);
    for (int i = 0; i < 3; i++)
        output(extreme(x, i == 2, 0, true));
    for (int i = 0; i < 2; i++)
        output(position(x, false, i, true));
    output(position(x, true, 0, true));
    expect(TDAGI_MAX_WITH_INDEX, 4);
}

/* Whether its positions are asked for or not, and of a vector, too. */
static void what_is_read_in_its_order_is_a_sort(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        start();
        tdag_value x = form & 1 ? input(TDAG_F32, 1, 5) : input(TDAG_F32, 3, 2, 5, 3);
        int64_t axis = form & 1 ? 0 : 1;
        tdag_value in[2] = {x, tdag_argsort(b, x, axis, true)};
        output(tdagi_lower(b, TDAGI_TAKE_ALONG, in, 2, &(tdagi_axis_spec){axis}));
        if (form & 2) output(in[1]);
        expect(TDAGI_SORT, 1);
    }
}

static void another_read_in_its_order_is_none(void **state)
{
    (void)state;
    for (int form = 0; form < 2; form++) {
        start();
        tdag_value x = input(TDAG_F32, 2, 4, 4), y = input(TDAG_F32, 2, 4, 4);
        tdag_value in[2] = {form == 0 ? y : x, tdag_argsort(b, x, 1, false)};
        output(tdagi_lower(b, TDAGI_TAKE_ALONG, in, 2, &(tdagi_axis_spec){form == 0}));
        output(in[1]);
        expect(TDAGI_TAKE_ALONG, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_of_variance_is_std),
        cmocka_unit_test(variance_that_is_returned_stays),
        cmocka_unit_test(what_trunc_leaves_is_frac),
        cmocka_unit_test(trunc_of_another_is_no_frac),
        cmocka_unit_test(wrapped_positions_are_an_index),
        cmocka_unit_test(positions_of_another_size_are_none),
        cmocka_unit_test(shared_positions_are_wrapped_once),
        cmocka_unit_test(extremes_and_positions_are_a_pair),
        cmocka_unit_test(others_are_none),
        cmocka_unit_test(many_are_paired_once),
        cmocka_unit_test(what_is_read_in_its_order_is_a_sort),
        cmocka_unit_test(another_read_in_its_order_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
