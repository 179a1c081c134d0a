/* One small graph for each composite, lowered from operands that fit it. */
#include "raise/examples.h"
#include "raise/rows.h"

#include "base/tensor.h"

/* clang-format off */
static const law examples[] = {
    {TDAGI_SUB, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_DIV, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_RSQRT, NULL, 1, {F(2, 3)}},
    {TDAGI_POW, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_POW_INT, SPEC(pow_int, 3), 1, {F(2, 3)}},
    {TDAGI_REMAINDER, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_TRUNC, NULL, 1, {F(2, 3)}},
    {TDAGI_FRAC, NULL, 1, {F(2, 3)}},
    {TDAGI_CEIL, NULL, 1, {F(2, 3)}},
    {TDAGI_ROUND, SPEC(round, 0), 1, {F(2, 3)}},
    {TDAGI_ABS, NULL, 1, {F(2, 3)}},
    {TDAGI_MAXIMUM, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_MINIMUM, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_CLAMP, SPEC(clamp, 1, 1, -0.25, 0.5), 1, {F(2, 3)}},
    {TDAGI_LOGICAL_NOT, NULL, 1, {B(2, 3)}},
    {TDAGI_NOT_EQUAL, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_LESS_EQUAL, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_LOG1P, NULL, 1, {F(2, 3)}},
    {TDAGI_EXPM1, NULL, 1, {F(2, 3)}},
    {TDAGI_ERF, NULL, 1, {F(2, 3)}},
    {TDAGI_ERFINV, NULL, 1, {F(2, 3)}},
    {TDAGI_RELU, NULL, 1, {F(2, 3)}},
    {TDAGI_LEAKY_RELU, SPEC(scalar, 0.2), 1, {F(2, 3)}},
    {TDAGI_PRELU, NULL, 2, {F(2, 3, 4), F(3)}},
    {TDAGI_ELU, SPEC(elu, 0.7, 1, 1), 1, {F(2, 3)}},
    {TDAGI_SIGMOID, NULL, 1, {F(2, 3)}},
    {TDAGI_LOG_SIGMOID, NULL, 1, {F(2, 3)}},
    {TDAGI_SILU, NULL, 1, {F(2, 3)}},
    {TDAGI_GELU, SPEC(gelu, 0), 1, {F(2, 3)}},
    {TDAGI_SOFTPLUS, SPEC(softplus, 2, 20), 1, {F(2, 3)}},
    {TDAGI_MISH, NULL, 1, {F(2, 3)}},
    {TDAGI_HARDSIGMOID, NULL, 1, {F(2, 3)}},
    {TDAGI_HARDSWISH, NULL, 1, {F(2, 3)}},
    {TDAGI_MASKED_FILL, SPEC(scalar, -1.5), 2, {F(2, 3), B(2, 3)}},
    {TDAGI_LGAMMA, NULL, 1, {F(2, 3)}},
    {TDAGI_DIGAMMA, NULL, 1, {F(2, 3)}},
    {TDAGI_POLYGAMMA, SPEC(order, 2), 1, {F(2, 3)}},
    {TDAGI_IGAMMA, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_IGAMMAC, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_ZETA, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_ERFCX, NULL, 1, {F(2, 3)}},
    {TDAGI_LOG_NDTR, NULL, 1, {F(2, 3)}},
    {TDAGI_I0, NULL, 1, {F(2, 3)}},
    {TDAGI_I0E, NULL, 1, {F(2, 3)}},
    {TDAGI_I1, NULL, 1, {F(2, 3)}},
    {TDAGI_I1E, NULL, 1, {F(2, 3)}},
    {TDAGI_BESSEL_J0, NULL, 1, {F(2, 3)}},
    {TDAGI_BESSEL_J1, NULL, 1, {F(2, 3)}},
    {TDAGI_BESSEL_Y0, NULL, 1, {F(2, 3)}},
    {TDAGI_BESSEL_Y1, NULL, 1, {F(2, 3)}},
    {TDAGI_MODIFIED_BESSEL_K0, NULL, 1, {F(2, 3)}},
    {TDAGI_MODIFIED_BESSEL_K1, NULL, 1, {F(2, 3)}},
    {TDAGI_SCALED_MODIFIED_BESSEL_K0, NULL, 1, {F(2, 3)}},
    {TDAGI_SCALED_MODIFIED_BESSEL_K1, NULL, 1, {F(2, 3)}},
    {TDAGI_SPHERICAL_BESSEL_J0, NULL, 1, {F(2, 3)}},
    {TDAGI_AIRY_AI, NULL, 1, {F(2, 3)}},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_T, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_U, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_V, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_W, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_T, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_U, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_V, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_W, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_ATAN2, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_HYPOT, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_LOGADDEXP, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_LOGADDEXP2, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_XLOGY, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_XLOG1PY, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_HEAVISIDE, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_COPYSIGN, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_FMAX, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_FMIN, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_FMOD, NULL, 2, {F(2, 3), F(2, 3)}},
    {TDAGI_HARDSHRINK, SPEC(scalar, 0.7), 1, {F(2, 3)}},
    {TDAGI_SOFTSHRINK, SPEC(scalar, 0.7), 1, {F(2, 3)}},
    {TDAGI_THRESHOLD, SPEC(threshold, 0.7, 3), 1, {F(2, 3)}},
    {TDAGI_NAN_TO_NUM, SPEC(nan_to_num, 0, 7, -9), 1, {F(2, 3)}},
    {TDAGI_SMOOTH_L1, SPEC(scalar, 0.7), 2, {F(2, 3), F(2, 3)}},
    {TDAGI_HUBER, SPEC(scalar, 0.7), 2, {F(2, 3), F(2, 3)}},
    {TDAGI_CONV, SPEC(conv, L(1, 2), L(1, 1), L(1, 0), L(1, 0), 1), 3,
     {F(1, 2, 5, 6), F(3, 2, 3, 3), F(3)}},
    {TDAGI_CONV_TRANSPOSE, SPEC(conv_transpose, L(2), L(1), L(0), L(0), 1), 2,
     {F(1, 2, 4), F(2, 3, 3)}},
    {TDAGI_LINEAR, NULL, 3, {F(2, 3), F(4, 3), F(4)}},
    {TDAGI_MATMUL, NULL, 2, {F(2, 3, 4), F(2, 4, 5)}},
    {TDAGI_ADDMM, SPEC(addmm, 1, 1), 3, {F(2, 4), F(2, 3), F(3, 4)}},
    {TDAGI_EINSUM, SPEC(einsum, "bhid,bjhd->bhij"), 2, {F(2, 3, 4, 5), F(2, 6, 3, 5)}},
    {TDAGI_MAX_POOL, SPEC(pool, L(2, 3), L(2, 2), L(0, 1), L(1, 1), 0, 0, 0), 1,
     {F(1, 2, 6, 7)}},
    {TDAGI_AVG_POOL, SPEC(pool, L(2, 3), L(2, 2), L(0, 1), L(1, 1), 0, 1, 0), 1,
     {F(1, 2, 6, 7)}},
    {TDAGI_ADAPTIVE_AVG_POOL, SPEC(adaptive_pool, L(2)), 1, {F(1, 2, 5)}},
    {TDAGI_ADAPTIVE_MAX_POOL, SPEC(adaptive_pool, L(2)), 1, {F(1, 2, 5)}},
    {TDAGI_IM2COL, SPEC(im2col, L(2, 2), L(1, 1), L(0, 0), L(1, 2), {0, NULL}), 1,
     {F(1, 2, 4, 6)}},
    {TDAGI_COL2IM, SPEC(im2col, L(2, 2), L(1, 1), L(0, 0), L(1, 2), L(4, 6)), 1,
     {F(1, 8, 9)}},
    {TDAGI_SOFTMAX, SPEC(axis, 1), 1, {F(2, 3)}},
    {TDAGI_LOG_SOFTMAX, SPEC(axis, 1), 1, {F(2, 3)}},
    {TDAGI_LOGSUMEXP, SPEC(axes_keep, L(1), 1), 1, {F(2, 3)}},
    {TDAGI_VAR, SPEC(var, L(1), 1, 0), 1, {F(2, 3)}},
    {TDAGI_STD, SPEC(var, L(1), 1, 0), 1, {F(2, 3)}},
    {TDAGI_VECTOR_NORM, SPEC(norm, L(1), 2, 0, 0), 1, {F(2, 3)}},
    {TDAGI_LAYER_NORM, SPEC(layer_norm, 1, 1e-5), 3, {F(2, 3), F(3), F(3)}},
    {TDAGI_RMS_NORM, SPEC(layer_norm, 1, 1e-5), 2, {F(2, 3), F(3)}},
    {TDAGI_GROUP_NORM, SPEC(group_norm, 2, 1e-5), 3, {F(2, 4, 3), F(4), F(4)}},
    {TDAGI_BATCH_NORM, SPEC(eps, 2), 5, {F(2, 3, 4), F(3), F(3), F(3), F(3)}},
    {TDAGI_INSTANCE_NORM, SPEC(eps, 1e-5), 3, {F(2, 3, 4), F(3), F(3)}},
    {TDAGI_NORMALIZE, SPEC(norm, L(1), 2, 0, 1e-12), 1, {F(2, 3)}},
    {TDAGI_COSINE_SIMILARITY, SPEC(cosine, 1, 1e-8), 2, {F(2, 5), F(2, 5)}},
    {TDAGI_ATTENTION, SPEC(attention, 0.125, 0), 3, {F(2, 4, 8), F(2, 5, 8), F(2, 5, 3)}},
    {TDAGI_CONCAT, SPEC(axis, 1), 3, {F(2, 3), F(2, 1), F(2, 4)}},
    {TDAGI_STACK, SPEC(axis, 1), 3, {F(2, 3), F(2, 3), F(2, 3)}},
    {TDAGI_ROLL, SPEC(roll, L(2), L(1)), 1, {F(2, 5)}},
    {TDAGI_FLIP, SPEC(axes_list, L(1)), 1, {F(2, 5)}},
    {TDAGI_REPEAT_INTERLEAVE, SPEC(repeat_interleave, 1, 2), 1, {F(2, 3)}},
    {TDAGI_TILE, SPEC(tile, L(1, 3)), 1, {F(2, 3)}},
    {TDAGI_UPSAMPLE, SPEC(upsample, TDAGI_UPSAMPLE_NEAREST, 0, L(5), {0}), 1, {F(1, 2, 3)}},
    {TDAGI_GRID_SAMPLE, SPEC(grid_sample, TDAGI_SAMPLE_LINEAR, TDAGI_SAMPLE_BORDER, 1), 2,
     {F(1, 2, 3, 4), F(1, 2, 5, 2)}},
    {TDAGI_EMBEDDING, NULL, 2, {F(5, 3), I(4)}},
    {TDAGI_EMBEDDING_BAG, SPEC(bag, TDAGI_BAG_MEAN, 2, 0), 3, {F(5, 3), I(6), I(2)}},
    {TDAGI_INDEX_SELECT, SPEC(axis, 1), 2, {F(2, 5), I(3)}},
    {TDAGI_INDEX, SPEC(axis, 1), 2, {F(2, 5), I(3)}},
    {TDAGI_TAKE_ALONG, SPEC(axis, 1), 2, {F(2, 5), I(2, 3)}},
    {TDAGI_ARGMAX, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_ARGMIN, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_MAX_WITH_INDEX, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_MIN_WITH_INDEX, SPEC(axis_keep, 1, 1), 1, {F(2, 5)}},
    {TDAGI_TOPK_POSITIONS, SPEC(topk, 1, 1, TDAG_ORDER_SELECTED, 3), 1, {F(2, 5)}},
    {TDAGI_KTH_POSITION, SPEC(kth, 1, 0, 2), 1, {F(2, 5)}},
    {TDAGI_MODE_POSITION, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_SORT, &(const tdag_argsort_spec){1, 1, TDAG_ORDER_FREE}, 1, {F(2, 5)}},
    {TDAGI_TOPK, SPEC(topk, 1, 1, TDAG_ORDER_SET, 3), 1, {F(2, 5)}},
    {TDAGI_KTHVALUE, SPEC(kth, 1, 0, 2), 1, {F(2, 5)}},
    {TDAGI_MODE, SPEC(axis_keep, 1, 1), 1, {F(2, 5)}},
    {TDAGI_MEDIAN_POSITION, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_NANMEDIAN_POSITION, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_MEDIAN, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_NANMEDIAN, SPEC(axis_keep, 1, 0), 1, {F(2, 5)}},
    {TDAGI_CUMMAX_POSITION, SPEC(axis, 1), 1, {F(2, 5)}},
    {TDAGI_CUMMIN_POSITION, SPEC(axis, 1), 1, {F(2, 5)}},
    {TDAGI_CUMMAX, SPEC(axis, 1), 1, {F(2, 5)}},
    {TDAGI_CUMMIN, SPEC(axis, 1), 1, {F(2, 5)}},
    {TDAGI_MAX_POOL_POSITION, SPEC(pool, L(2, 3), L(2, 2), L(0, 1), L(1, 1), 0, 0, 0), 1,
     {F(1, 2, 6, 7)}},
    {TDAGI_MAX_POOL_WITH_INDEX, SPEC(pool, L(2, 3), L(2, 2), L(0, 1), L(1, 1), 0, 0, 0), 1,
     {F(1, 2, 6, 7)}},
    {TDAGI_TRIU, SPEC(diagonal, 1), 1, {F(3, 4)}},
    {TDAGI_TRIL, SPEC(diagonal, 1), 1, {F(3, 4)}},
    {TDAGI_ADAPTIVE_MAX_POOL_POSITION, SPEC(adaptive_pool, L(2)), 1, {F(1, 2, 5)}},
    {TDAGI_ADAPTIVE_MAX_POOL_WITH_INDEX, SPEC(adaptive_pool, L(2)), 1, {F(1, 2, 5)}},
    {TDAGI_SEARCHSORTED, SPEC(search, 1), 2, {F(2, 5), F(2, 3)}},
    {TDAGI_UPSAMPLE_AA, SPEC(upsample_aa, 1, 3, 5, 2, 1.2), 1, {F(1, 2, 6, 6)}},
};
/* clang-format on */

const law *example_of(tdagi_composite id)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
        if (examples[i].id == id) return &examples[i];
    return NULL;
}

tdag_graph *example_graph(tdag_ctx *ctx, const law *l)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_value in[8];
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    for (uint32_t i = 0; i < l->n; i++)
        in[i] = tdag_add_input(b, NULL, l->in[i].dtype, l->in[i].rank, l->in[i].shape);
    output_law(b, l, in);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

void example_fill(tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        tdagi_tensor_set_f64(t, i,
                             tdag_dtype_is_float(t->dtype)
                                 ? 0.05 + 0.0625 * (double)(i * 7 % 15)
                                 : (double)(i % 2));
}
