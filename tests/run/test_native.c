/* The native engine against the reference: the same graph, both engines, close results.
 * Graphs are made by recipes with random shapes and attributes; the seed is printed. */
#include "support/test.h"

#include <math.h>

#include <tdagger/run.h>

#include "base/tensor.h"
#include "derive/derive.h"

static uint64_t state;

static uint32_t pick(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

/* Bits of f32: infinities, NaNs that carry something, what exp is 0 or infinite of. */
static const uint32_t extremes[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7fc00001,
                                    0xffc12345, 0x42c80000, 0xc2c80000, 0x7f7fffff,
                                    0xff7fffff, 0x00000001, 0x80000000, 0x3e7fffff};
enum { N_EXTREMES = sizeof extremes / sizeof *extremes };
static bool has_extremes; /* half of the elements */

static tdag_tensor *random_tensor(tdag_ctx *ctx, tdag_dtype dtype, uint32_t rank,
                                  const int64_t *shape)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, dtype, rank, shape, &t));
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(t, i, (double)pick(2001) / 500 - 2);
    for (int64_t i = 0; i < t->count && has_extremes; i++)
        if (pick(2) == 0)
            memcpy((float *)t->data + i, &extremes[pick(N_EXTREMES)], sizeof(float));
    return t;
}

/* Runs the graph of b's outputs on random inputs by both engines. */
static void compare(tdag_ctx *ctx, tdag_builder *b, const char *what)
{
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_tensor *in[8] = {NULL}, *want[4] = {NULL}, *got[4] = {NULL};
    uint32_t n = tdag_graph_get_n_inputs(g), n_out = tdag_graph_get_n_outputs(g);
    for (uint32_t i = 0; i < n; i++) {
        tdag_node_info info = tdag_graph_get_node(g, tdag_graph_get_input(g, i));
        in[i] = random_tensor(ctx, info.dtype, info.rank, info.shape);
    }
    tdag_run_options o;
    tdag_run_options_init(&o);
    TEST_OK(ctx, tdag_graph_run(ctx, g, in, n, &o, got));
    o.engine = TDAG_ENGINE_REFERENCE;
    TEST_OK(ctx, tdag_graph_run(ctx, g, in, n, &o, want));
    for (uint32_t i = 0; i < n_out; i++) {
        assert_int_equal(got[i]->count, want[i]->count);
        for (int64_t j = 0; j < got[i]->count; j++) {
            double x = tdagi_tensor_get_f64(got[i], j);
            double y = tdagi_tensor_get_f64(want[i], j);
            bool same =
                (isnan(x) && isnan(y)) || x == y || fabs(x - y) <= 2e-4 * (1 + fabs(y));
            if (!same)
                fail_msg("%s: output %u, element %lld: %g, not %g", what, i,
                         (long long)j, x, y);
        }
        tdag_tensor_free(got[i]);
        tdag_tensor_free(want[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(in[i]);
    tdag_graph_free(g);
    tdag_builder_free(b);
}

static tdag_value input(tdag_builder *b, uint32_t rank, const tdag_dim *shape)
{
    return tdag_add_input(b, NULL, TDAG_F32, rank, shape);
}

static void convolutions(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    state = 7;
    for (int trial = 0; trial < 60; trial++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        uint32_t nd = 1 + pick(3);
        int64_t groups = 1 + pick(3), c = 1 + pick(3), o = 1 + pick(3);
        if (pick(4) == 0) c = o = 1;
        int64_t xs[5] = {1 + pick(3), groups * c}, ws[5] = {groups * o, c};
        int64_t stride[3], dilation[3], before[3], after[3];
        for (uint32_t i = 0; i < nd; i++) {
            ws[2 + i] = 1 + pick(3);
            stride[i] = 1 + pick(2);
            dilation[i] = 1 + pick(2);
            before[i] = pick(3);
            after[i] = pick(4) == 0 ? pick(3) : before[i];
            xs[2 + i] = (ws[2 + i] - 1) * dilation[i] + 1 + pick(6);
        }
        tdagi_conv_spec s = {
            {nd, stride}, {nd, dilation}, {nd, before}, {nd, after}, groups};
        tdag_value in[3] = {input(b, nd + 2, xs), input(b, nd + 2, ws),
                            input(b, 1, (int64_t[]){groups * o})};
        tdag_value y = tdagi_lower(b, TDAGI_CONV, in, 2 + pick(2), &s);
        tdag_builder_add_output(b, tdagi_unary_composite(b, TDAGI_RELU, y));
        compare(ctx, b, "conv");
    }
    tdag_ctx_free(ctx);
}

static void transposed_convolutions(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    state = 11;
    for (int trial = 0; trial < 40; trial++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        uint32_t nd = 1 + pick(3);
        int64_t groups = 1 + pick(2), c = 1 + pick(3), o = 1 + pick(3);
        int64_t xs[5] = {1 + pick(2), groups * c}, ws[5] = {groups * c, o};
        int64_t stride[3], dilation[3], padding[3], output_padding[3];
        for (uint32_t i = 0; i < nd; i++) {
            ws[2 + i] = 2 + pick(2);
            stride[i] = 1 + pick(3);
            dilation[i] = 1 + pick(2);
            padding[i] = pick(2);
            output_padding[i] = stride[i] > 1 ? pick(2) : 0;
            xs[2 + i] = 2 + pick(4);
        }
        tdagi_conv_transpose_spec s = {
            {nd, stride}, {nd, dilation}, {nd, padding}, {nd, output_padding}, groups};
        tdag_value in[3] = {input(b, nd + 2, xs), input(b, nd + 2, ws),
                            input(b, 1, (int64_t[]){groups * o})};
        tdag_builder_add_output(
            b, tdagi_lower(b, TDAGI_CONV_TRANSPOSE, in, 2 + pick(2), &s));
        compare(ctx, b, "conv_transpose");
    }
    tdag_ctx_free(ctx);
}

static void matrices(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    state = 13;
    for (int trial = 0; trial < 40; trial++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        int64_t n = 1 + pick(3), m = 1 + pick(5), k = 1 + pick(5), p = 1 + pick(5);
        tdag_value x = input(b, 3, (int64_t[]){n, m, k});
        tdag_value w = input(b, 2, (int64_t[]){p, k});
        tdag_value y = tdagi_linear(b, x, w, input(b, 1, (int64_t[]){p}));
        tdag_value z = input(b, 3, (int64_t[]){n, m, p});
        tdag_value scores = tdagi_matmul(b, y, tdagi_transpose(b, z, 1, 2));
        tdag_builder_add_output(b, tdagi_softmax(b, scores, 2));
        const tdagi_einsum_spec s = {"nmp,nqp->mnq"};
        const tdag_value in[2] = {y, z};
        tdag_builder_add_output(b, tdagi_lower(b, TDAGI_EINSUM, in, 2, &s));
        compare(ctx, b, "matmul");
    }
    tdag_ctx_free(ctx);
}

static void pools_and_norms(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    state = 17;
    for (int trial = 0; trial < 40; trial++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        int64_t c = 2 * (1 + (int64_t)pick(2)), h = 6 + pick(4), w = 6 + pick(4);
        int64_t kernel[2], stride[2], padding[2], dilation[2] = {1, 1};
        for (uint32_t i = 0; i < 2; i++) {
            kernel[i] = 2 + pick(2);
            stride[i] = 1 + pick(3);
            padding[i] = pick(2);
        }
        tdagi_pool_spec s = {
            {2, kernel}, {2, stride}, {2, padding}, {2, dilation}, pick(2), pick(2), 0};
        tdag_value x = input(b, 4, (int64_t[]){2, c, h, w});
        tdag_builder_add_output(b, tdagi_lower(b, TDAGI_MAX_POOL, &x, 1, &s));
        tdag_builder_add_output(b, tdagi_lower(b, TDAGI_AVG_POOL, &x, 1, &s));
        const tdagi_group_norm_spec group = {2, 1e-5};
        tdag_value in[3] = {x, input(b, 1, &c), input(b, 1, &c)};
        tdag_builder_add_output(b, tdagi_lower(b, TDAGI_GROUP_NORM, in, 3, &group));
        const tdagi_layer_norm_spec layer = {1, 1e-5};
        in[1] = input(b, 1, &w);
        tdag_builder_add_output(b, tdagi_lower(b, TDAGI_LAYER_NORM, in, 2, &layer));
        compare(ctx, b, "pools and norms");
    }
    tdag_ctx_free(ctx);
}

static void views_and_maps(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    state = 19;
    static const tdagi_composite maps[] = {TDAGI_ABS,       TDAGI_SIGMOID, TDAGI_SILU,
                                           TDAGI_HARDSWISH, TDAGI_LOG1P,   TDAGI_ERF,
                                           TDAGI_MISH,      TDAGI_CEIL,    TDAGI_TRUNC};
    for (uint32_t trial = 0; trial < 9 * 6; trial++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        tdag_value x = input(b, 3, (int64_t[]){2, 6, 4});
        tdag_value y = tdag_permute(b, x, TDAG_LIST(2, 0, 1));
        y = tdagi_slice1(b, y, 2, pick(2), 5);
        y = tdagi_stride1(b, y, 0, pick(2), 4, 2);
        const tdag_value parts[2] = {y, tdagi_unary_composite(b, maps[trial % 9], y)};
        y = tdagi_concat(b, parts, 2, 1);
        tdag_dim count = 1;
        for (uint32_t i = 0; i < 3; i++)
            count *= tdag_builder_get_shape(b, y)[i];
        tdag_builder_add_output(b, tdagi_reshape(b, y, 1, &count));
        tdag_builder_add_output(
            b, tdagi_sub(b, y, tdagi_unsqueeze1(b, tdagi_select1(b, y, 1, 0), 1)));
        compare(ctx, b, "views");
    }
    tdag_ctx_free(ctx);
}

static tdag_value gate(tdag_builder *b, tdag_value x, uint32_t axis, int64_t n,
                       int64_t which)
{
    x = tdagi_slice1(b, x, axis, which * n, (which + 1) * n);
    return which == 2 ? tdag_unary(b, TDAG_OP_TANH, x)
                      : tdagi_lower(b, TDAGI_SIGMOID, &x, 1, NULL);
}

/* The cell of an LSTM, which is one kernel, of rows or of one vector, of no elements
 * too. */
static void cells(void **unused)
{
    (void)unused;
    tdag_ctx *ctx = test_ctx();
    has_extremes = true;
    for (int i = 0; i < 40; i++) {
        tdag_builder *b = NULL;
        const int64_t n = pick(20), rows = 1 + pick(3);
        const tdag_dim sums[] = {rows, 4 * n}, states[] = {rows, n};
        const uint32_t rank = 1 + (uint32_t)i % 2, axis = rank - 1;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        tdag_value x = input(b, rank, sums + 2 - rank),
                   before = input(b, rank, states + 2 - rank), part[4];
        for (uint32_t k = 0; k < 4; k++)
            part[k] = gate(b, x, axis, n, k);
        tdag_value c =
            tdagi_add(b, tdagi_mul(b, part[1], before), tdagi_mul(b, part[0], part[2]));
        tdag_value h = tdagi_mul(b, part[3], tdag_unary(b, TDAG_OP_TANH, c));
        tdag_builder_add_output(b, h);
        tdag_builder_add_output(b, c);
        compare(ctx, b, "a cell");
    }
    has_extremes = false;
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),   cmocka_unit_test(transposed_convolutions),
        cmocka_unit_test(matrices),       cmocka_unit_test(pools_and_norms),
        cmocka_unit_test(views_and_maps), cmocka_unit_test(cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
