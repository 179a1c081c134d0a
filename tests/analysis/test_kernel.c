/* The kernel and fused levels, the memory held and the peak: small graphs made of
 * recipes, the numbers by hand. Kinds of rows: contraction: 2*MACs FLOPs, + result
 * elements for a bias; every operand once other composites: the FLOPs of the core ops
 * they are made of */
#include "analysis/count_support.h"

#include "derive/derive.h"

typedef tdag_value (*build_fn)(tdag_builder *b);

static tdag_value lower(tdag_builder *b, tdagi_composite id, uint32_t n,
                        const tdag_value *inputs, const void *spec)
{
    return tdagi_lower(b, id, inputs, n, spec);
}
#define LOWER(b, id, spec, ...)                                                        \
    lower(b, id, (uint32_t)(sizeof((tdag_value[]){__VA_ARGS__}) / sizeof(tdag_value)), \
          (const tdag_value[]){__VA_ARGS__}, spec)

/* ---- contractions ---- */
static tdag_value conv(tdag_builder *b, tdag_value x)
{
    const tdagi_conv_spec spec = {TDAG_LIST(2, 2), TDAG_LIST(1, 1), TDAG_LIST(1, 1),
                                  TDAG_LIST(1, 1), 2};
    return LOWER(b, TDAGI_CONV, &spec, x, F32_INPUT(b, "w", 6, 2, 3, 3),
                 F32_INPUT(b, "bias", 6));
}
static tdag_value b_conv(tdag_builder *b)
{
    return conv(b, F32_INPUT(b, "x", 1, 4, 5, 5));
}
static tdag_value b_conv1(tdag_builder *b)
{
    const tdagi_conv_spec spec = {TDAG_LIST(1), TDAG_LIST(2), TDAG_LIST(0),
                                  TDAG_LIST(0), 1};
    return LOWER(b, TDAGI_CONV, &spec, F32_INPUT(b, "x", 2, 3, 10),
                 F32_INPUT(b, "w", 4, 3, 3));
}
static tdag_value b_conv_transpose(tdag_builder *b)
{
    const tdagi_conv_transpose_spec spec = {TDAG_LIST(2, 2), TDAG_LIST(1, 1),
                                            TDAG_LIST(0, 0), TDAG_LIST(0, 0), 1};
    return LOWER(b, TDAGI_CONV_TRANSPOSE, &spec, F32_INPUT(b, "x", 1, 4, 3, 3),
                 F32_INPUT(b, "w", 4, 5, 2, 2), F32_INPUT(b, "bias", 5));
}
static tdag_value b_linear(tdag_builder *b)
{
    return LOWER(b, TDAGI_LINEAR, NULL, F32_INPUT(b, "x", 2, 3, 8),
                 F32_INPUT(b, "w", 5, 8), F32_INPUT(b, "bias", 5));
}
static tdag_value b_linear_plain(tdag_builder *b)
{
    return LOWER(b, TDAGI_LINEAR, NULL, F32_INPUT(b, "x", 2, 3, 8),
                 F32_INPUT(b, "w", 5, 8));
}
static tdag_value b_matmul(tdag_builder *b)
{
    return LOWER(b, TDAGI_MATMUL, NULL, F32_INPUT(b, "x", 7, 2, 3),
                 F32_INPUT(b, "y", 7, 3, 5));
}
static tdag_value b_addmm(tdag_builder *b)
{
    const tdagi_addmm_spec spec = {1, 1};
    return LOWER(b, TDAGI_ADDMM, &spec, F32_INPUT(b, "c", 2, 5),
                 F32_INPUT(b, "x", 2, 3), F32_INPUT(b, "y", 3, 5));
}
static tdag_value b_einsum(tdag_builder *b)
{
    const tdagi_einsum_spec spec = {"bij,kjb->ikb"};
    return LOWER(b, TDAGI_EINSUM, &spec, F32_INPUT(b, "x", 2, 3, 4),
                 F32_INPUT(b, "y", 5, 4, 2));
}
static tdag_value b_attention(tdag_builder *b)
{
    const tdagi_attention_spec spec = {0.5, 0};
    return LOWER(b, TDAGI_ATTENTION, &spec, F32_INPUT(b, "q", 2, 3, 4),
                 F32_INPUT(b, "k", 2, 5, 4), F32_INPUT(b, "v", 2, 5, 6));
}
static tdag_value b_by_hand(tdag_builder *b) /* unsqueeze, multiply, sum */
{
    tdag_value x = tdag_unsqueeze(b, F32_INPUT(b, "x", 2, 3), TDAG_LIST(2));
    tdag_value p = tdag_binary(b, TDAG_OP_MULTIPLY, x, F32_INPUT(b, "y", 3, 5));
    return tdag_squeeze(b, tdag_reduce(b, p, TDAG_REDUCE_SUM, TDAG_LIST(1)),
                        TDAG_LIST(1));
}

/* ---- the others ---- */
static tdag_value relu(tdag_builder *b, tdag_value x)
{
    return tdagi_unary_composite(b, TDAGI_RELU, x);
}
static tdag_value b_relu(tdag_builder *b) { return relu(b, F32_INPUT(b, "x", 3, 4)); }
static tdag_value b_softmax(tdag_builder *b)
{
    return tdagi_softmax(b, F32_INPUT(b, "x", 3, 4), 1);
}
static tdag_value b_max_pool(tdag_builder *b)
{
    const tdagi_pool_spec spec = {
        TDAG_LIST(2, 2), TDAG_LIST(2, 2), TDAG_LIST(0, 0), TDAG_LIST(1, 1), 0, 0, 0};
    return LOWER(b, TDAGI_MAX_POOL, &spec, F32_INPUT(b, "x", 1, 3, 4, 4));
}
static tdag_value b_embedding(tdag_builder *b)
{
    return LOWER(b, TDAGI_EMBEDDING, NULL, F32_INPUT(b, "table", 1000, 8),
                 tdag_add_input(b, "i", TDAG_I64, SHAPE(2, 3)));
}

static tdag_value extremes(tdag_builder *b, tdag_value x)
{
    tdag_value v[2];
    tdagi_lower_pair(b, TDAGI_MAX_WITH_INDEX, x, &(tdagi_axis_keep_spec){1, 0}, v);
    tdag_builder_add_output(b, v[0]);
    return v[1];
}
static tdag_value b_extremes(tdag_builder *b)
{
    return extremes(b, F32_INPUT(b, "x", 3, 4));
}
static tdag_value b_sort(tdag_builder *b) /* its positions are not asked for */
{
    tdag_value v[2];
    tdagi_sort(b, F32_INPUT(b, "x", 3, 5), 1, false, v);
    return v[0];
}

/* ---- views ---- */
static tdag_value b_views(tdag_builder *b)
{
    tdag_value x = tdag_permute(b, F32_INPUT(b, "x", 6, 4), TDAG_LIST(1, 0));
    x = tdag_ungroup(b, x, TDAG_LIST(1, 2), TDAG_LIST(4, 2, 3));
    x = tdag_slice(b, x, TDAG_LIST(1, 0, 0), TDAG_LIST(3, 2, 3));
    return tdag_group(b, x, TDAG_LIST(1, 2));
}
static tdag_value b_part(tdag_builder *b) /* exp of 2 rows of 6 */
{
    tdag_value x = F32_INPUT(b, "x", 6, 4);
    x = tdag_slice(b, x, TDAG_LIST(1, 0), TDAG_LIST(3, 4));
    return tdag_unary(b, TDAG_OP_EXP, x);
}
static tdag_value b_repeated(tdag_builder *b) /* 4 elements shown as 12 */
{
    tdag_value y = tdag_repeat(b, F32_INPUT(b, "y", 1, 4), TDAG_LIST(3, 1));
    return tdag_binary(b, TDAG_OP_ADD, F32_INPUT(b, "x", 3, 4), y);
}
static tdag_value b_repeated_part(tdag_builder *b) /* 2 of 4 elements, shown as 6 */
{
    tdag_value y = tdag_repeat(b, F32_INPUT(b, "y", 1, 4), TDAG_LIST(3, 1));
    y = tdag_permute(b, y, TDAG_LIST(1, 0));
    return tdag_unary(b, TDAG_OP_EXP, y);
}

/* nodes, flops, macs, reads, writes, bytes read, bytes written, unpriced */
static const struct {
    const char *name;
    build_fn build;
    tdag_counts want;
} cases[] = {
    /* 54 results * 2 channels a group * 9 taps = 972; + 54; reads 100 + 108 + 6 */
    {"conv", b_conv, {1, 1998, 972, 214, 54, 856, 216, 0}},
    /* length 10 - 2*2 = 6: 2*4*6 results * 3 * 3; reads 60 + 36 */
    {"conv, dilated", b_conv1, {1, 864, 432, 96, 48, 384, 192, 0}},
    /* 36 inputs * 5 * 4 taps = 720; + 1*5*6*6 = 180; reads 36 + 80 + 5 */
    {"conv_transpose", b_conv_transpose, {1, 1620, 720, 121, 180, 484, 720, 0}},
    /* 30 results * 8; + 30; reads 48 + 40 + 5 */
    {"linear", b_linear, {1, 510, 240, 93, 30, 372, 120, 0}},
    {"linear without bias", b_linear_plain, {1, 480, 240, 88, 30, 352, 120, 0}},
    /* 70 results * 3; reads 42 + 105 */
    {"matmul", b_matmul, {1, 420, 210, 147, 70, 588, 280, 0}},
    /* 10 results * 3; + 10; reads 10 + 6 + 15 */
    {"addmm", b_addmm, {1, 70, 30, 31, 10, 124, 40, 0}},
    /* b2 i3 j4 k5 = 120; reads 24 + 40 */
    {"einsum", b_einsum, {1, 240, 120, 64, 30, 256, 120, 0}},
    /* x[2,3] @ y[3,5] */
    {"matmul by hand", b_by_hand, {1, 60, 30, 21, 10, 84, 40, 0}},
    /* a less and a where per element */
    {"relu", b_relu, {1, 24, 0, 12, 12, 48, 48, 0}},
    /* 4 windows of 2x2 per channel: 48 - 12 */
    {"max_pool", b_max_pool, {1, 36, 0, 48, 12, 192, 48, 0}},
    /* 48 elements of the table and 6 indices of 8 bytes */
    {"embedding", b_embedding, {1, 0, 0, 54, 48, 240, 192, 0}},
    /* 12 - 3 for the values; equal, where, max, equal, where, min for the positions:
     * 4 * 12 + 2 * 9; read once, 3 values and 3 positions of 8 bytes written */
    {"max_with_index", b_extremes, {1, 75, 0, 12, 6, 48, 36, 0}},
    /* argsort's 3 lanes of 5 * 3; writes its positions as well */
    {"sort", b_sort, {1, 45, 0, 15, 30, 60, 180, 0}},
    {"views are free", b_views, {0, 0, 0, 0, 0, 0, 0, 0}},
    {"a part is read", b_part, {1, 8, 0, 8, 8, 32, 32, 0}},
    {"repeated elements once", b_repeated, {1, 12, 0, 16, 12, 64, 48, 0}},
    {"repeated, permuted", b_repeated_part, {1, 12, 0, 4, 12, 16, 48, 0}},
};

static void test_kernels(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        tdag_graph *g = finish(ctx, b, cases[i].build(b));
        for (int level = TDAG_LEVEL_KERNEL; level <= TDAG_LEVEL_FUSED; level++) {
            tdag_counts got; /* alone, a kernel is its own group */
            TEST_OK(ctx, tdag_count(ctx, g, (tdag_level)level, &got));
            check_counts(cases[i].name, &got, &cases[i].want);
        }
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

/* Composites that are sums of their core ops. softmax: max 9, subtract (neg 3 and add
 * 12), exp 12, sum 9, ... is whatever its recipe has, so the core level is asked. */
static void test_sum_of_core(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_graph *g = finish(ctx, b, b_softmax(b));
    tdag_counts core, kernel;
    TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_CORE, &core));
    TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_KERNEL, &kernel));
    assert_true(core.flops > 0);
    const tdag_counts want = {1, core.flops, 0, 12, 12, 48, 48, 0};
    check_counts("softmax", &kernel, &want);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* 2*3*5 scores of 4, 36 results of 5: 120 + 180 multiply-adds. The rest is a softmax of
 * [2,3,5] and the scaling of one operand. */
static void test_attention(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_graph *g = finish(ctx, b, b_attention(b));
    tdag_counts core, kernel;
    TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_CORE, &core));
    TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_KERNEL, &kernel));
    assert_int_equal(kernel.nodes, 1);
    assert_int_equal(kernel.macs, 300);
    /* multiply and sum of each contraction are 2*MACs - results in the core ops */
    assert_int_equal(kernel.flops, core.flops + 30 + 36);
    assert_int_equal(kernel.memory_reads, 24 + 40 + 60);
    assert_int_equal(kernel.memory_writes, 36);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* ---- fused ---- */
static tdag_value f_chain(tdag_builder *b) /* relu(x + y) * y */
{
    tdag_value x = F32_INPUT(b, "x", 3, 4), y = F32_INPUT(b, "y", 4);
    tdag_value s = tdag_binary(b, TDAG_OP_ADD, x, y);
    return tdag_binary(b, TDAG_OP_MULTIPLY, relu(b, s), y);
}
static tdag_value f_diamond(tdag_builder *b) /* e = exp(x); sin(e) + cos(e) */
{
    tdag_value e = tdag_unary(b, TDAG_OP_EXP, F32_INPUT(b, "x", 3, 4));
    return tdag_binary(b, TDAG_OP_ADD, tdag_unary(b, TDAG_OP_SIN, e),
                       tdag_unary(b, TDAG_OP_COS, e));
}
static tdag_value f_producer(tdag_builder *b) /* sum(exp(x)) */
{
    tdag_value e = tdag_unary(b, TDAG_OP_EXP, F32_INPUT(b, "x", 3, 4));
    return tdag_reduce(b, e, TDAG_REDUCE_SUM, TDAG_LIST(1));
}
static tdag_value f_extremes(tdag_builder *b) /* max with index of exp(x) */
{
    return extremes(b, tdag_unary(b, TDAG_OP_EXP, F32_INPUT(b, "x", 3, 4)));
}
static tdag_value f_consumers(tdag_builder *b) /* neg(sin(sum(exp(x)))) */
{
    return tdag_unary(b, TDAG_OP_NEG, tdag_unary(b, TDAG_OP_SIN, f_producer(b)));
}
static tdag_value f_conv_between(tdag_builder *b) /* relu(sin(conv(exp(x)))) */
{
    tdag_value e = tdag_unary(b, TDAG_OP_EXP, F32_INPUT(b, "x", 1, 4, 5, 5));
    return relu(b, tdag_unary(b, TDAG_OP_SIN, conv(b, e)));
}
static tdag_value
f_two_conv(tdag_builder *b) /* matmul + matmul: the second is an addmm */
{
    tdag_value x = F32_INPUT(b, "x", 2, 3), y = F32_INPUT(b, "y", 3, 5);
    tdag_value z = F32_INPUT(b, "z", 3, 5);
    return tdag_binary(b, TDAG_OP_ADD, tdagi_matmul(b, x, y), tdagi_matmul(b, x, z));
}
static tdag_value f_output(tdag_builder *b) /* exp is an output too */
{
    tdag_value e = tdag_unary(b, TDAG_OP_EXP, F32_INPUT(b, "x", 3, 4));
    tdag_builder_add_output(b, e);
    return tdag_unary(b, TDAG_OP_NEG, e);
}
static tdag_value f_halves(tdag_builder *b) /* x[:2] * x[1:], of 3 rows */
{
    tdag_value x = F32_INPUT(b, "x", 3, 4);
    tdag_value u = tdag_slice(b, x, TDAG_LIST(0, 0), TDAG_LIST(2, 4));
    tdag_value v = tdag_slice(b, x, TDAG_LIST(1, 0), TDAG_LIST(3, 4));
    return tdag_binary(b, TDAG_OP_MULTIPLY, u, v);
}
static tdag_value f_square(tdag_builder *b)
{
    tdag_value x = F32_INPUT(b, "x", 3, 4);
    return tdag_binary(b, TDAG_OP_ADD, x, x);
}
static tdag_value f_view_between(tdag_builder *b) /* neg(permute(exp(x))) */
{
    tdag_value e = tdag_unary(b, TDAG_OP_EXP, F32_INPUT(b, "x", 3, 4));
    return tdag_unary(b, TDAG_OP_NEG, tdag_permute(b, e, TDAG_LIST(1, 0)));
}
static tdag_value f_two_users(tdag_builder *b) /* e is read by a sum and by an exp */
{
    tdag_value e = tdag_unary(b, TDAG_OP_EXP, F32_INPUT(b, "x", 3, 4));
    tdag_builder_add_output(b, tdag_reduce(b, e, TDAG_REDUCE_SUM, TDAG_LIST(1)));
    return tdag_unary(b, TDAG_OP_SIN, e);
}

static const struct {
    const char *name;
    build_fn build;
    tdag_counts want;
} fused[] = {
    /* 12 + 24 + 12 flops; x 12 and y 4 once */
    {"chain", f_chain, {1, 48, 0, 16, 12, 64, 48, 0}},
    {"diamond", f_diamond, {1, 48, 0, 12, 12, 48, 48, 0}},
    {"producer of a reduction", f_producer, {1, 21, 0, 12, 3, 48, 12, 0}},
    {"producer of a pair", f_extremes, {1, 87, 0, 12, 6, 48, 36, 0}},
    /* exp: 100 in, 100 out; conv 1998, reads 100 + 108 + 6; sin and relu of 54: 162 */
    {"no chain through a conv", f_conv_between, {3, 2260, 972, 368, 208, 1472, 832, 0}},
    /* matmul 60, addmm 60 + 10; x+y -> 10, then x+z+10 */
    {"two contractions", f_two_conv, {2, 130, 60, 21 + 31, 20, 208, 80, 0}},
    /* sum(exp(x)) is a group, sin and neg after it another: 21 + 6; 12 + 3; 3 + 3 */
    {"consumers of a reduction", f_consumers, {2, 27, 0, 15, 6, 60, 24, 0}},
    {"an output is written", f_output, {2, 24, 0, 24, 24, 96, 96, 0}},
    /* 8 + 8 elements of 12 */
    {"overlapping parts", f_halves, {1, 8, 0, 12, 8, 48, 32, 0}},
    {"x + x", f_square, {1, 12, 0, 12, 12, 48, 48, 0}},
    {"through a view", f_view_between, {1, 24, 0, 12, 12, 48, 48, 0}},
    /* exp, sum, sin: three groups */
    {"two users", f_two_users, {3, 33, 0, 36, 27, 144, 108, 0}},
};

static void test_fused(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(fused) / sizeof(fused[0]); i++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        tdag_graph *g = finish(ctx, b, fused[i].build(b));
        tdag_counts got, kernel;
        TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_FUSED, &got));
        TEST_OK(ctx, tdag_count(ctx, g, TDAG_LEVEL_KERNEL, &kernel));
        check_counts(fused[i].name, &got, &fused[i].want);
        assert_int_equal(got.flops, kernel.flops);
        assert_true(got.memory_reads <= kernel.memory_reads);
        tdag_graph_free(g);
    }
    tdag_ctx_free(ctx);
}

/* ---- memory ---- */
static tdag_model *model_of(tdag_ctx *ctx, tdag_builder *b, tdag_value output)
{
    tdag_model *m = NULL;
    tdag_graph *g = finish(ctx, b, output);
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_graph_free(g);
    return m;
}

static int64_t peak(tdag_ctx *ctx, tdag_builder *b, tdag_value output)
{
    int64_t bytes = -1;
    tdag_model *m = model_of(ctx, b, output);
    TEST_OK(ctx, tdag_peak_bytes(ctx, m, &bytes));
    tdag_model_free(m);
    return bytes;
}

static tdag_value exps(tdag_builder *b, tdag_value x, int n)
{
    for (int i = 0; i < n; i++)
        x = tdag_unary(b, TDAG_OP_EXP, x);
    return x;
}

static tdag_value p_chain(tdag_builder *b) /* in 40 + out 40 + one or two of 40 */
{
    return exps(b, F32_INPUT(b, "x", 10), 5);
}
static tdag_value p_one(tdag_builder *b) { return exps(b, F32_INPUT(b, "x", 10), 1); }
static tdag_value p_view(tdag_builder *b)
{
    /* e (80 bytes) lives until the add, by its slice: x 80, e, s = sin(v) 40, out 40 */
    tdag_value e = exps(b, F32_INPUT(b, "x", 20), 1);
    tdag_value v = tdag_slice(b, e, TDAG_LIST(0), TDAG_LIST(10));
    return tdag_binary(b, TDAG_OP_ADD, tdag_unary(b, TDAG_OP_SIN, v), v);
}
static tdag_value p_view_out(tdag_builder *b) /* the output is a part of e: e is kept */
{
    tdag_value e = exps(b, F32_INPUT(b, "x", 20), 1);
    return tdag_slice(b, e, TDAG_LIST(0), TDAG_LIST(10));
}
/* x and w of 40, the output of 40; the sort holds e, its values and positions: 40, 40
 * and 80. Nobody asks for the positions, so the product holds 400 and the values. */
static tdag_value p_sort(tdag_builder *b, bool multiplies)
{
    tdag_value v[2], w = F32_INPUT(b, "w", 10, 1);
    tdagi_sort(b, exps(b, F32_INPUT(b, "x", 10), 1), 0, false, v);
    if (!multiplies) return exps(b, v[0], 1);
    v[0] = tdag_binary(b, TDAG_OP_MULTIPLY, v[0], w);
    return tdag_reduce(b, v[0], TDAG_REDUCE_MAX, TDAG_LIST(0));
}
static tdag_value p_sorting(tdag_builder *b) { return p_sort(b, false); }
static tdag_value p_sorted(tdag_builder *b) { return p_sort(b, true); }
static tdag_value p_input_out(tdag_builder *b)
{
    return tdag_permute(b, F32_INPUT(b, "x", 5, 4), TDAG_LIST(1, 0));
}

static void test_peak(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        build_fn build;
        int64_t want;
    } peaks[] = {
        {"sorting", p_sorting, 280},    {"sorted", p_sorted, 560},
        {"chain", p_chain, 160},        {"one", p_one, 80},
        {"view", p_view, 240},          {"output is a view", p_view_out, 160},
        {"input out", p_input_out, 80},
    };
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(peaks) / sizeof(peaks[0]); i++) {
        tdag_builder *b = NULL;
        TEST_OK(ctx, tdag_builder_create(ctx, &b));
        int64_t got = peak(ctx, b, peaks[i].build(b));
        if (got != peaks[i].want)
            fail_msg("%s: %lld, not %lld", peaks[i].name, (long long)got,
                     (long long)peaks[i].want);
    }
    tdag_ctx_free(ctx);
}

/* Two leaves on one tensor's memory count once, unused ones count. */
static void test_total_bytes(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_tensor *t = NULL;
    const int64_t shape[] = {3, 4};
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 2, shape, &t));
    tdag_value w = tdag_add_tensor(b, TDAG_OP_PARAMETER, "w", t);
    (void)tdag_add_tensor(b, TDAG_OP_BUFFER, "shared", t);
    (void)add_weight(ctx, b, "unused", 1, (const int64_t[]){5});
    (void)add_weight(ctx, b, "empty", 1, (const int64_t[]){0});
    tdag_value c = tdag_add_scalar(b, TDAG_F64, 1);
    (void)c;
    tdag_model *m = model_of(ctx, b, tdag_unary(b, TDAG_OP_EXP, w));
    int64_t bytes = 0, flops = 0, reads = 0, writes = 0;
    TEST_OK(ctx, tdag_total_bytes(ctx, m, &bytes));
    assert_int_equal(bytes, 48 + 20 + 8);
    TEST_OK(ctx, tdag_total_flops(ctx, m, TDAG_LEVEL_KERNEL, &flops));
    TEST_OK(ctx, tdag_total_memory_reads(ctx, m, TDAG_LEVEL_CORE, &reads));
    TEST_OK(ctx, tdag_total_memory_writes(ctx, m, TDAG_LEVEL_FUSED, &writes));
    assert_int_equal(flops, 12);
    assert_int_equal(reads, 12);
    assert_int_equal(writes, 12);
    tdag_tensor_free(t);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels),   cmocka_unit_test(test_sum_of_core),
        cmocka_unit_test(test_attention), cmocka_unit_test(test_fused),
        cmocka_unit_test(test_peak),      cmocka_unit_test(test_total_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
