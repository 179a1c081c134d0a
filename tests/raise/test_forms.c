/* Forms that people write by hand, which are found too; the source's own views, which
 * stay; and what looks like a composite but is none. */
#include "raise/support.h"

#include <math.h>

static tdag_builder *builder(tdag_ctx *ctx)
{
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    return b;
}

static tdag_value input(tdag_builder *b, uint32_t rank, ...)
{
    tdag_dim shape[TDAG_MAX_RANK];
    va_list args;
    va_start(args, rank);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = va_arg(args, int);
    va_end(args);
    return tdag_add_input(b, NULL, TDAG_F64, rank, shape);
}

static tdag_value reshape(tdag_builder *b, tdag_value x, uint32_t rank, ...)
{
    tdag_dim shape[TDAG_MAX_RANK];
    va_list args;
    va_start(args, rank);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = va_arg(args, int);
    va_end(args);
    return tdagi_reshape(b, x, rank, shape);
}

static tdag_value core(tdag_builder *b, tdag_op op, tdag_value x)
{
    return tdag_unary(b, op, x);
}

/* Raises what leads to v; `working` kernels that are neither leaves nor views, one of
 * them the composite `id` (0: any); the values must agree. */
static tdagi_raised *expect(tdag_ctx *ctx, tdag_builder *b, tdag_value v,
                            tdagi_composite id, uint32_t working)
{
    tdag_builder_add_output(b, v);
    if (tdag_builder_get_status(b) != TDAG_OK)
        fail_msg("%s", tdag_ctx_get_error(ctx)->message);
    tdagi_raised *r = raise_built(ctx, b);
    if (id != TDAGI_CORE && n_of(r, id) != 1) fail_raised(ctx, r, "not found");
    if (n_working(r) != working) fail_raised(ctx, r, "another number of kernels");
    expect_same_values(ctx, r);
    return r;
}

static void expect_and_free(tdag_ctx *ctx, tdag_builder *b, tdag_value v,
                            tdagi_composite id, uint32_t working)
{
    tdagi_raised_free(expect(ctx, b, v, id, working));
    tdag_ctx_free(ctx);
}

/* ---- convolutions by hand ---- */

static void unfold_and_matmul_is_conv(void **state)
{
    (void)state;
    static const int64_t three[2] = {3, 3}, one[2] = {1, 1}, two[2] = {2, 2};
    for (int64_t order = 0; order < 2; order++) {
        tdag_ctx *ctx = test_ctx();
        tdag_builder *b = builder(ctx);
        tdag_value x = input(b, 4, 2, 3, 9, 8), w = input(b, 4, 5, 3, 3, 3);
        const tdagi_im2col_spec spec = {
            {2, three}, {2, one}, {2, one}, {2, two}, {0, NULL}};
        tdag_value columns = tdagi_lower(b, TDAGI_IM2COL, &x, 1, &spec);
        tdag_value flat = reshape(b, w, 2, 5, 27), y;
        if (order == 0) { /* w @ columns */
            y = tdagi_matmul(b, flat, columns);
        } else { /* (columns^T @ w^T)^T */
            y = tdagi_matmul(b, tdagi_transpose(b, columns, 1, 2),
                             tdagi_transpose(b, flat, 0, 1));
            y = tdagi_transpose(b, y, 1, 2);
        }
        y = reshape(b, y, 4, 2, 5, 5, 4);
        tdagi_raised *r = expect(ctx, b, y, TDAGI_CONV, 1);
        const tdagi_kernel *k = output_kernel(r, 0);
        if (k->composite != TDAGI_CONV) fail_raised(ctx, r, "views around it");
        const tdagi_conv_spec *conv = k->spec;
        assert_int_equal(conv->stride.v[0], 2);
        assert_int_equal(conv->before.v[1], 1);
        assert_int_equal(conv->after.v[1], 1);
        assert_int_equal(r->kernels[k->inputs[1]].rank, 4);
        tdagi_raised_free(r);
        tdag_ctx_free(ctx);
    }
}

static void symbolic_unfold_and_matmul_is_conv(void **state)
{
    (void)state;
    static const int64_t three[2] = {3, 3}, one[2] = {1, 1}, two[2] = {2, 2};
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_dim h = tdag_builder_symbol(b, "H", 9);
    const tdag_dim shape[4] = {tdag_builder_symbol(b, "N", 1), 3, h, 8};
    tdag_value x = tdag_add_input(b, NULL, TDAG_F64, 4, shape);
    tdag_value w = input(b, 2, 5, 27);
    const tdagi_im2col_spec spec = {
        {2, three}, {2, one}, {2, one}, {2, two}, {0, NULL}};
    tdag_value y = tdagi_matmul(b, w, tdagi_lower(b, TDAGI_IM2COL, &x, 1, &spec));
    tdag_dim rows = tdag_dim_floordiv(b, tdag_dim_sub(b, h, 1), 2);
    rows = tdag_dim_add(b, rows, 1);
    y = tdagi_reshape(b, y, 4, (tdag_dim[]){shape[0], 5, rows, 4});
    tdagi_raised *r = expect(ctx, b, y, TDAGI_CONV, 1);
    assert_int_equal(output_kernel(r, 0)->composite, TDAGI_CONV);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

/* The weight is a matrix from the start: a synthetic view gives it its axes. */
static void matrix_weight_is_laid_out(void **state)
{
    (void)state;
    static const int64_t three[2] = {3, 3}, one[2] = {1, 1}, none[2] = {0, 0};
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 4, 2, 3, 6, 6), w = input(b, 2, 5, 27);
    const tdagi_im2col_spec spec = {
        {2, three}, {2, one}, {2, none}, {2, one}, {0, NULL}};
    tdag_value y = tdagi_matmul(b, w, tdagi_lower(b, TDAGI_IM2COL, &x, 1, &spec));
    tdagi_raised *r = expect(ctx, b, y, TDAGI_CONV, 1);
    for (uint32_t i = 1; i <= r->n; i++)
        if (r->kernels[i].composite == TDAGI_CONV)
            assert_int_equal(r->kernels[r->kernels[i].inputs[1]].op, TDAG_OP_UNGROUP);
    assert_true(output_kernel(r, 0)->is_view); /* [2,5,4,4] grouped to [2,5,16] */
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

/* A strided, dilated convolution from core ops in an order of its own: taps first. */
static void conv_in_other_order(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 3, 2, 4, 11), w = input(b, 3, 6, 4, 3);
    x = tdag_unfold(b, x, TDAG_LIST(1, 1, 5), TDAG_LIST(1, 1, 2)); /* 4 windows of 5 */
    x = reshape(b, x, 4, 2, 4, 4, 5);
    x = tdag_unfold(b, x, TDAG_LIST(1, 1, 1, 1),
                    TDAG_LIST(1, 1, 1, 2));        /* taps 0 2 4 */
    x = tdag_permute(b, x, TDAG_LIST(2, 0, 3, 1)); /* o n k c */
    w = tdag_permute(b, w, TDAG_LIST(0, 2, 1));
    x = reshape(b, x, 3, 4, 2, 12);
    w = tdag_group(b, w, TDAG_LIST(1, 2));
    tdag_value y = tdagi_linear(b, x, w, TDAG_NO_VALUE); /* o n O */
    y = tdag_permute(b, y, TDAG_LIST(1, 2, 0));
    tdagi_raised *r = expect(ctx, b, y, TDAGI_CONV, 1);
    const tdagi_conv_spec *conv = output_kernel(r, 0)->spec;
    assert_int_equal(conv->stride.v[0], 2);
    assert_int_equal(conv->dilation.v[0], 2);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void pad_before_conv(void **state)
{
    (void)state;
    static const int64_t one[1] = {1}, none[1] = {0};
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value in[2] = {input(b, 3, 2, 4, 9), input(b, 3, 6, 4, 4)};
    in[0] = tdagi_pad1(b, in[0], 2, 1, 2, TDAG_PAD_CONSTANT, 0);
    const tdagi_conv_spec spec = {{1, one}, {1, one}, {1, none}, {1, none}, 1};
    tdag_value y = tdagi_lower(b, TDAGI_CONV, in, 2, &spec);
    tdagi_raised *r = expect(ctx, b, y, TDAGI_CONV, 1);
    const tdagi_conv_spec *conv = output_kernel(r, 0)->spec;
    assert_int_equal(conv->before.v[0], 1);
    assert_int_equal(conv->after.v[0], 2);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

/* ---- products by hand ---- */

/* Heads: views and permutes of the source stay, and the product is a matmul. */
static void heads_are_matmuls(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value q = input(b, 3, 2, 6, 32), k = input(b, 3, 2, 9, 32);
    q = tdag_permute(b, reshape(b, q, 4, 2, 6, 4, 8), TDAG_LIST(0, 2, 1, 3));
    k = tdag_permute(b, reshape(b, k, 4, 2, 9, 4, 8), TDAG_LIST(0, 2, 1, 3));
    tdag_value y = tdagi_matmul(b, q, tdagi_transpose(b, k, 2, 3));
    tdagi_raised *r = expect(ctx, b, y, TDAGI_MATMUL, 1);
    const tdagi_kernel *m = output_kernel(r, 0);
    assert_int_equal(r->kernels[m->inputs[0]].value.id, q.id);
    assert_int_equal(r->kernels[m->inputs[1]].op, TDAG_OP_PERMUTE);
    assert_int_equal(n_of_op(r, TDAG_OP_PERMUTE), 3);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void linear_keeps_its_views(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 3, 2, 6, 16), w = input(b, 2, 32, 16), c = input(b, 1, 32);
    tdag_value y = tdagi_linear(b, x, w, c);
    y = tdag_permute(b, reshape(b, y, 4, 2, 6, 4, 8), TDAG_LIST(0, 2, 1, 3));
    tdagi_raised *r = expect(ctx, b, y, TDAGI_LINEAR, 1);
    assert_int_equal(output_kernel(r, 0)->op, TDAG_OP_PERMUTE);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void bias_in_other_shapes(void **state)
{
    (void)state;
    static const int64_t one[2] = {1, 1}, none[2] = {0, 0};
    for (uint32_t form = 0; form < 2; form++) {
        tdag_ctx *ctx = test_ctx();
        tdag_builder *b = builder(ctx);
        tdag_value in[2] = {input(b, 4, 2, 3, 5, 5), input(b, 4, 4, 3, 3, 3)};
        tdag_value bias = input(b, 1, 4);
        const tdagi_conv_spec spec = {{2, one}, {2, one}, {2, none}, {2, none}, 1};
        tdag_value y = tdagi_lower(b, TDAGI_CONV, in, 2, &spec);
        bias = form == 0 ? reshape(b, bias, 4, 1, 4, 1, 1)
                         : tdag_repeat(b, reshape(b, bias, 4, 1, 4, 1, 1),
                                       TDAG_LIST(2, 1, 3, 3));
        y = tdag_binary(b, TDAG_OP_ADD, bias, y);
        tdagi_raised *r = expect(ctx, b, y, TDAGI_CONV, 1);
        assert_int_equal(output_kernel(r, 0)->n_inputs, 3);
        tdagi_raised_free(r);
        tdag_ctx_free(ctx);
    }
}

/* Heads contracted where they lie, no permute anywhere: an einsum of parts. */
static void parts_of_axes_are_an_einsum(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 2, 3, 20), w = input(b, 3, 4, 5, 6);
    tdag_value y = tdag_binary(b, TDAG_OP_MULTIPLY, reshape(b, x, 4, 3, 4, 5, 1),
                               reshape(b, w, 4, 1, 4, 5, 6));
    y = tdag_reduce(b, y, TDAG_REDUCE_SUM, TDAG_LIST(2)); /* 3 4 1 6 */
    y = tdag_group(b, y, TDAG_LIST(1, 3));
    expect_and_free(ctx, b, y, TDAGI_EINSUM, 1);
}

/* Sums over no axes, as those of numbers are of which a batch was made. */
static void sums_may_have_no_axes(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_graph *g = NULL;
    const tdag_list none = {0, NULL};
    tdag_value y = tdag_binary(b, TDAG_OP_MULTIPLY, input(b, 1, 3), input(b, 1, 3));
    tdag_builder_add_output(b, tdag_reduce(b, y, TDAG_REDUCE_SUM, none));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    const bool by_parts[TDAGI_N_COMPOSITES] = {false}; /* as an exporter has it */
    for (int parts = 0; parts <= 1; parts++) {
        tdagi_raised *r = NULL;
        TEST_OK(ctx, tdagi_raise(ctx, g, parts ? by_parts : NULL, &r));
        assert_int_equal(n_of(r, TDAGI_EINSUM), parts ? 0 : 1);
        expect_same_values(ctx, r);
        tdagi_raised_free(r);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* Axes of size 1 that only make operands meet are no letters of it. */
static void einsum_has_no_letters_of_ones(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 3, 2, 3, 16), w = input(b, 3, 4, 5, 16);
    x = tdag_unsqueeze(b, x, TDAG_LIST(2, 3));
    w = tdag_unsqueeze(b, w, TDAG_LIST(0));
    tdag_value y = tdag_binary(b, TDAG_OP_MULTIPLY, x, w);
    y = tdag_reduce(b, y, TDAG_REDUCE_SUM, TDAG_LIST(4));
    y = tdag_squeeze(b, y, TDAG_LIST(4));
    tdagi_raised *r = expect(ctx, b, y, TDAGI_EINSUM, 1);
    const tdagi_einsum_spec *s = output_kernel(r, 0)->spec;
    assert_string_equal(s->equation, "abc,dec->abde");
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void attention_may_be_kept_apart(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_graph *g = NULL;
    const tdagi_attention_spec spec = {0.25, 0};
    tdag_value in[3] = {input(b, 3, 2, 4, 8), input(b, 3, 2, 5, 8),
                        input(b, 3, 2, 5, 3)};
    tdag_builder_add_output(b, tdagi_lower(b, TDAGI_ATTENTION, in, 3, &spec));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    bool by_parts[TDAGI_N_COMPOSITES] = {[TDAGI_ATTENTION] = true};
    for (int parts = 0; parts <= 1; parts++) {
        tdagi_raised *r = NULL;
        TEST_OK(ctx, tdagi_raise(ctx, g, parts ? by_parts : NULL, &r));
        assert_int_equal(n_of(r, TDAGI_ATTENTION), parts ? 0 : 1);
        assert_int_equal(n_of(r, TDAGI_MATMUL), parts ? 2 : 0);
        assert_int_equal(n_of(r, TDAGI_SOFTMAX), parts ? 1 : 0);
        tdagi_raised_free(r);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* ---- element-wise by hand ---- */

static void softmax_by_hand(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 2, 4, 7);
    tdag_value max = tdag_reduce(b, x, TDAG_REDUCE_MAX, TDAG_LIST(1));
    tdag_value e =
        core(b, TDAG_OP_EXP, tdag_binary(b, TDAG_OP_ADD, core(b, TDAG_OP_NEG, max), x));
    tdag_value sum = tdag_reduce(b, e, TDAG_REDUCE_SUM, TDAG_LIST(1));
    tdag_value y =
        tdag_binary(b, TDAG_OP_MULTIPLY, core(b, TDAG_OP_RECIPROCAL, sum), e);
    expect_and_free(ctx, b, y, TDAGI_SOFTMAX, 1);
}

static void silu_by_hand(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 2, 4, 7);
    tdag_value s = tdagi_unary_composite(b, TDAGI_SIGMOID, x);
    expect_and_free(ctx, b, tdag_binary(b, TDAG_OP_MULTIPLY, s, x), TDAGI_SILU, 1);
}

/* number * x * (1 + tanh(p(x))) or, with the Gaussian, in two orders; with another
 * number it is no gelu. */
static void gelu_by_hand(void **state)
{
    (void)state;
    for (uint32_t form = 0; form < 8; form++) {
        bool tanh = form & 1, late = form & 2, other = form & 4;
        tdag_ctx *ctx = test_ctx();
        tdag_builder *b = builder(ctx);
        tdag_value x = input(b, 2, 4, 7), inner = x, f;
        if (tanh) {
            tdag_value cube = tdagi_mul_scalar(b, x, 0.044715);
            for (uint32_t i = 0; i < 2; i++)
                cube = tdagi_mul(b, cube, x);
            inner = tdagi_mul_scalar(b, tdagi_add(b, cube, x), 0.7978845608);
        }
        f = core(b, tanh ? TDAG_OP_TANH : TDAG_OP_GAUSSIAN, inner);
        f = tanh ? tdagi_add_scalar(b, f, 1) : tdagi_mul_scalar(b, f, 2);
        double half = other ? 0.5001 : 0.5;
        f = late ? tdagi_mul_scalar(b, tdagi_mul(b, f, x), half)
                 : tdagi_mul(b, f, tdagi_mul_scalar(b, x, half));
        tdag_builder_add_output(b, f);
        tdagi_raised *r = raise_built(ctx, b);
        assert_int_equal(n_of(r, TDAGI_GELU), !other);
        if (!other) assert_int_equal(n_working(r), 1);
        expect_same_values(ctx, r);
        tdagi_raised_free(r);
        tdag_ctx_free(ctx);
    }
}

/* x * sigmoid(y) is no x / (1 + exp(-y)), and x + ceil(y) no x - floor(-y). */
static void wholes_are_not_taken_apart(void **state)
{
    (void)state;
    for (uint32_t form = 0; form < 2; form++) {
        tdag_ctx *ctx = test_ctx();
        tdag_builder *b = builder(ctx);
        tdagi_composite id = form == 0 ? TDAGI_SIGMOID : TDAGI_CEIL;
        tdag_value x = input(b, 2, 4, 7), y = input(b, 2, 4, 7);
        y = tdagi_unary_composite(b, id, y);
        y = tdag_binary(b, form == 0 ? TDAG_OP_MULTIPLY : TDAG_OP_ADD, x, y);
        expect_and_free(ctx, b, y, id, 2);
    }
}

static void shared_sigmoid_is_not_repeated(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 2, 4, 7);
    tdag_value s = tdagi_unary_composite(b, TDAGI_SIGMOID, x);
    tdag_builder_add_output(b, s);
    tdagi_raised *r =
        expect(ctx, b, tdag_binary(b, TDAG_OP_MULTIPLY, x, s), TDAGI_SIGMOID, 2);
    assert_int_equal(n_of(r, TDAGI_SILU), 0);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void shared_weights_may_be_repeated(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    const tdagi_eps_spec spec = {1e-5};
    tdag_value in[5] = {input(b, 3, 2, 4, 5)};
    int64_t four = 4;
    for (uint32_t i = 1; i < 5; i++) {
        tdag_tensor *t = NULL;
        TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F64, 1, &four, &t));
        for (int64_t j = 0; j < 4; j++)
            tdagi_tensor_set_f64(t, j, 0.5 + (double)j);
        in[i] = tdag_add_tensor(b, TDAG_OP_PARAMETER, NULL, t);
        tdag_tensor_free(t);
    }
    tdag_value y = tdagi_lower(b, TDAGI_BATCH_NORM, in, 5, &spec);
    tdag_value scale = {
        0}; /* x * scale: what scale was unsqueezed from is read twice */
    for (uint32_t i = 1; i < y.id; i++)
        if (b->graph->nodes[i].op == TDAG_OP_MULTIPLY && b->graph->nodes[i].rank == 1)
            scale.id = scale.id == 0 ? i : scale.id;
    tdag_builder_add_output(b, scale);
    tdagi_raised *r = expect(ctx, b, y, TDAGI_BATCH_NORM, 4);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void nested_concats_are_one(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value v[3] = {input(b, 2, 2, 3), input(b, 2, 2, 4), input(b, 2, 2, 5)};
    tdag_value pair[2] = {v[0], tdagi_concat(b, v + 1, 2, 1)};
    tdagi_raised *r = expect(ctx, b, tdagi_concat(b, pair, 2, 1), TDAGI_CONCAT, 1);
    assert_int_equal(output_kernel(r, 0)->n_inputs, 3);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

/* ---- what is none ---- */

static tdag_value almost_conv(tdag_builder *b, double value, bool shared)
{
    static const int64_t one[1] = {1}, none[1] = {0};
    tdag_value in[2] = {input(b, 3, 2, 4, 9), input(b, 3, 6, 4, 3)};
    in[0] = tdagi_pad1(b, in[0], 2, 1, 1, TDAG_PAD_CONSTANT, value);
    const tdagi_conv_spec spec = {{1, one}, {1, one}, {1, none}, {1, none}, 1};
    tdag_value y = tdagi_lower(b, TDAGI_CONV, in, 2, &spec);
    for (uint32_t i = 1; shared && i <= y.id; i++)
        if (b->graph->nodes[i].op == TDAG_OP_MULTIPLY)
            tdag_builder_add_output(b, (tdag_value){i});
    return y;
}

static void other_padding_stays_outside(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value y = almost_conv(b, 1, false);
    tdagi_raised *r = expect(ctx, b, y, TDAGI_CONV, 2);
    const tdagi_conv_spec *conv = output_kernel(r, 0)->spec;
    assert_int_equal(conv->before.v[0], 0);
    assert_int_equal(n_of_op(r, TDAG_OP_PAD), 1);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void shared_products_are_no_conv(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value y = almost_conv(b, 0, true);
    tdagi_raised *r = expect(ctx, b, y, TDAGI_CORE, 4);
    assert_int_equal(n_of(r, TDAGI_CONV), 0);
    tdagi_raised_free(r);
    tdag_ctx_free(ctx);
}

static void max_of_products_is_no_contraction(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value y =
        tdag_binary(b, TDAG_OP_MULTIPLY, input(b, 3, 2, 1, 4), input(b, 2, 3, 4));
    y = tdag_reduce(b, y, TDAG_REDUCE_MAX, TDAG_LIST(2));
    expect_and_free(ctx, b, y, TDAGI_CORE, 2);
}

/* Windows within blocks: a convolution of each block, the blocks are made before. */
static void windows_of_blocks(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 3, 2, 4, 20), w = input(b, 3, 6, 4, 3);
    x = tdag_unfold(b, x, TDAG_LIST(1, 1, 6), TDAG_LIST(1, 1, 7)); /* 3 blocks of 6 */
    x = reshape(b, x, 4, 2, 4, 3, 6);
    x = tdag_unfold(b, x, TDAG_LIST(1, 1, 1, 3), TDAG_LIST(1, 1, 1, 1)); /* 4 of 3 */
    x = tdag_ungroup(b, x, TDAG_LIST(1, 1, 1, 2), TDAG_LIST(2, 4, 3, 4, 3));
    x = tdag_permute(b, x, TDAG_LIST(0, 2, 3, 1, 4));
    x = tdag_group(b, x, TDAG_LIST(1, 2, 2)); /* n (b o) (c k) */
    tdag_value y = tdagi_linear(b, x, tdag_group(b, w, TDAG_LIST(1, 2)), TDAG_NO_VALUE);
    expect_and_free(ctx, b, y, TDAGI_CONV, 2); /* and the unfold of 6 by 7 */
}

static void dead_nodes_are_left_out(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 1, 3);
    core(b, TDAG_OP_EXP, x);
    expect_and_free(ctx, b, core(b, TDAG_OP_SIN, x), TDAGI_CORE, 1);
}

/* What reads the sigmoid in vain does not keep it from the silu. */
static void dead_readers_do_not_count(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_value x = input(b, 2, 4, 7);
    tdag_value s = tdagi_unary_composite(b, TDAGI_SIGMOID, x);
    core(b, TDAG_OP_EXP, s);
    expect_and_free(ctx, b, tdag_binary(b, TDAG_OP_MULTIPLY, x, s), TDAGI_SILU, 1);
}

/* addmm takes two matrices, or as many of one as of the other. */
static void repeated_matrices_are_no_addmm(void **state)
{
    (void)state;
    static const struct {
        uint32_t rank;
        int batch;
        bool is_addmm;
    } rows[] = {{3, 2, true}, {3, 1, false}, {2, 0, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tdag_ctx *ctx = test_ctx();
        tdag_builder *b = builder(ctx);
        tdag_value x = input(b, 3, 2, 3, 4), c = input(b, 3, 2, 3, 5);
        tdag_value y =
            rows[i].rank == 2 ? input(b, 2, 4, 5) : input(b, 3, rows[i].batch, 4, 5);
        tdag_value sum = tdagi_add(b, c, tdagi_matmul(b, x, y));
        tdagi_raised *r = expect(ctx, b, sum, TDAGI_CORE, rows[i].is_addmm ? 1 : 2);
        assert_int_equal(n_of(r, TDAGI_ADDMM), rows[i].is_addmm);
        tdagi_raised_free(r);
        tdag_ctx_free(ctx);
    }
}

/* ---- memory ---- */

static tdag_status raise_all(tdag_ctx *ctx, void *arg)
{
    tdagi_raised *r = NULL;
    char *text = NULL;
    tdag_status st = tdagi_raise(ctx, arg, NULL, &r);
    if (st == TDAG_OK) st = tdagi_raised_print(ctx, r, &text);
    tdag_text_free(ctx, text);
    tdagi_raised_free(r);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const int64_t three[2] = {3, 3}, one[2] = {1, 1}, none[2] = {0, 0};
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = builder(ctx);
    tdag_graph *g = NULL;
    tdag_value x = input(b, 4, 2, 3, 6, 6), w = input(b, 2, 5, 27);
    const tdagi_im2col_spec spec = {
        {2, three}, {2, one}, {2, none}, {2, one}, {0, NULL}};
    tdag_value y = tdagi_matmul(b, w, tdagi_lower(b, TDAGI_IM2COL, &x, 1, &spec));
    tdag_value pair[2] = {y, tdagi_softmax(b, y, 1)};
    y = tdagi_unary_composite(b, TDAGI_SILU, tdagi_concat(b, pair, 2, 2));
    tdagi_sort(b, y, 1, false, pair);
    tdag_builder_add_output(b, core(b, TDAG_OP_EXP, pair[0]));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    test_every_oom(raise_all, g);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unfold_and_matmul_is_conv),
        cmocka_unit_test(symbolic_unfold_and_matmul_is_conv),
        cmocka_unit_test(matrix_weight_is_laid_out),
        cmocka_unit_test(conv_in_other_order),
        cmocka_unit_test(pad_before_conv),
        cmocka_unit_test(heads_are_matmuls),
        cmocka_unit_test(linear_keeps_its_views),
        cmocka_unit_test(bias_in_other_shapes),
        cmocka_unit_test(parts_of_axes_are_an_einsum),
        cmocka_unit_test(sums_may_have_no_axes),
        cmocka_unit_test(einsum_has_no_letters_of_ones),
        cmocka_unit_test(attention_may_be_kept_apart),
        cmocka_unit_test(softmax_by_hand),
        cmocka_unit_test(silu_by_hand),
        cmocka_unit_test(gelu_by_hand),
        cmocka_unit_test(wholes_are_not_taken_apart),
        cmocka_unit_test(shared_sigmoid_is_not_repeated),
        cmocka_unit_test(shared_weights_may_be_repeated),
        cmocka_unit_test(nested_concats_are_one),
        cmocka_unit_test(other_padding_stays_outside),
        cmocka_unit_test(shared_products_are_no_conv),
        cmocka_unit_test(max_of_products_is_no_contraction),
        cmocka_unit_test(windows_of_blocks),
        cmocka_unit_test(dead_nodes_are_left_out),
        cmocka_unit_test(dead_readers_do_not_count),
        cmocka_unit_test(repeated_matrices_are_no_addmm),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
