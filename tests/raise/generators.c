/* The generators: how examples of each composite are drawn, and which of them may come
 * back from raising as something else. */
#include "raise/draw.h"

/* ---- where another form says the same ---- */

static bool is_no_power(const draw *d)
{
    return llabs((long long)d->spec.pow_int.exponent) < 2;
}
static bool has_no_bound(const draw *d)
{
    const tdagi_clamp_spec *s = &d->spec.clamp;
    return !s->has_max && (!s->has_min || s->min == 0);
}
static bool has_no_addend(const draw *d) { return d->spec.addmm.beta == 0; }
static bool is_alone(const draw *d) { return d->l.n == 1; }
static bool is_vector(const draw *d) { return d->l.in[0].rank == 1; }
static bool picks_rows(const draw *d)
{
    return d->l.in[0].rank == 2 && d->spec.axis.axis == 0;
}
static bool pools_all(const draw *d)
{
    const tdagi_type *x = &d->l.in[0];
    tdag_list out = d->spec.adaptive.output;
    for (uint32_t i = 0; i < out.n; i++)
        if (out.v[i] != 1 && out.v[i] != x->shape[x->rank - out.n + i]) return false;
    return true;
}
static int64_t size_of(const draw *d, uint32_t i, uint32_t axis)
{
    return tdagi_dim_sample(tdagi_builder_pool(d->b), d->l.in[i].shape[axis]);
}
/* A summed symbol whose sample is 1 is read as no axis at all (see prove() of
 * contraction.c), so that the product and its sum may stay. */
static bool is_product(const draw *d)
{
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; k < d->l.in[i].rank; k++)
            if (size_of(d, i, k) == 1) return true;
    return d->l.in[0].rank + d->l.in[1].rank == 3;
}
static bool flips_one(const draw *d)
{
    tdag_list axes = d->spec.flip.axes;
    for (uint32_t i = 0; i < axes.n; i++)
        if (size_of(d, 0, (uint32_t)axes.v[i]) == 1) return true;
    return false;
}
static bool tiles_ones(const draw *d)
{
    tdag_list counts = d->spec.tile.counts;
    for (uint32_t i = 0; i < counts.n; i++)
        if (counts.v[i] != 1 && d->l.in[0].shape[i] != 1) return false;
    return true;
}

bool draw_has_other_spec(const draw *d)
{
    bool pool = d->l.id == TDAGI_MAX_POOL || d->l.id == TDAGI_AVG_POOL ||
                d->l.id == TDAGI_MAX_POOL_POSITION ||
                d->l.id == TDAGI_MAX_POOL_WITH_INDEX;
    return pool && d->spec.pool.ceil_mode && !draw_ceil_shows(d);
}

/* ---- the table ---- */

/* clang-format off */
static const generator generators[] = {
    {TDAGI_SUB,               "fdhbi", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_DIV,               "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_RSQRT,             "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_POW,               "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_POW_INT,           "fdhb",  0, 4, 0, "",     fit_power,          is_no_power,
     "x, 1 or a reciprocal"},
    {TDAGI_REMAINDER,         "fdhbi", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_TRUNC,             "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_FRAC,              "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_CEIL,              "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_ROUND,             "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_ABS,               "fdhbi", 0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MAXIMUM,           "fdhbi", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_MINIMUM,           "fdhbi", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_CLAMP,             "fdhbi", 0, 4, 0, "",     fit_clamp,          has_no_bound,
     "x, or a relu"},
    {TDAGI_LOGICAL_NOT,       "o",     0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_NOT_EQUAL,         "fdhbi", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_LESS_EQUAL,        "fdhbi", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_LOG1P,             "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_EXPM1,             "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_ERF,               "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_ERFINV,            "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_RELU,              "fdhbi", 0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_LEAKY_RELU,        "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_PRELU,             "fdhb",  1, 4, 0, "p",    NULL,               NULL, NULL},
    {TDAGI_ELU,               "fdhb",  0, 4, 0, "",     fit_elu,            NULL, NULL},
    {TDAGI_SIGMOID,           "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_LOG_SIGMOID,       "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_SILU,              "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_GELU,              "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_SOFTPLUS,          "fdhb",  0, 4, 0, "",     fit_positive,       NULL, NULL},
    {TDAGI_MISH,              "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_HARDSIGMOID,       "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_HARDSWISH,         "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MASKED_FILL,       "fdhbi", 0, 4, 0, "?",    fit_fill,           NULL, NULL},
    {TDAGI_LGAMMA,            "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_DIGAMMA,           "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_POLYGAMMA,         "fdhb",  0, 4, 0, "",     fit_order,          NULL, NULL},
    {TDAGI_IGAMMA,            "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_IGAMMAC,           "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_ZETA,              "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_ERFCX,             "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_LOG_NDTR,          "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_I0,                "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_I0E,               "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_I1,                "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_I1E,               "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_BESSEL_J0,         "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_BESSEL_J1,         "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_BESSEL_Y0,         "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_BESSEL_Y1,         "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MODIFIED_BESSEL_K0, "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MODIFIED_BESSEL_K1, "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_SCALED_MODIFIED_BESSEL_K0, "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_SCALED_MODIFIED_BESSEL_K1, "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_SPHERICAL_BESSEL_J0, "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_AIRY_AI,           "fdhb",  0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_T, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_U, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_V, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_CHEBYSHEV_POLYNOMIAL_W, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_T, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_U, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_V, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_SHIFTED_CHEBYSHEV_POLYNOMIAL_W, "fdhb",  0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_ATAN2,             "fdhb", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_HYPOT,             "fdhb", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_LOGADDEXP,         "fdhb", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_LOGADDEXP2,        "fdhb", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_XLOGY,             "fdhb", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_XLOG1PY,           "fdhb", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_COPYSIGN,          "fdhb", 0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_HEAVISIDE,         "fdhbi",0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_FMAX,              "fdhbi",0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_FMIN,              "fdhbi",0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_FMOD,              "fdhbi",0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_BITWISE_AND,         "i",    0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_BITWISE_OR,          "i",    0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_BITWISE_XOR,         "i",    0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_BITWISE_LEFT_SHIFT,  "i",    0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_BITWISE_RIGHT_SHIFT, "i",    0, 4, 0, "~",    NULL,               NULL, NULL},
    {TDAGI_HARDSHRINK,        "fdhb", 0, 4, 0, "",     fit_edge,              NULL, NULL},
    {TDAGI_SOFTSHRINK,        "fdhb", 0, 4, 0, "",     fit_edge,              NULL, NULL},
    {TDAGI_THRESHOLD,         "fdhb", 0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_NAN_TO_NUM,        "fdhb", 0, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_SMOOTH_L1,         "fdhb", 0, 4, 0, "~",    fit_edge,              NULL, NULL},
    {TDAGI_HUBER,             "fdhb", 0, 4, 0, "~",    fit_edge,              NULL, NULL},
    {TDAGI_CONV,              "fdhb",  2, 2, 3, "",     fit_conv,           NULL, NULL},
    {TDAGI_CONV_TRANSPOSE,    "fdhb",  2, 2, 3, "",     fit_conv_transpose, NULL, NULL},
    {TDAGI_LINEAR,            "fdhb",  1, 4, 0, "",     fit_linear,         NULL, NULL},
    {TDAGI_MATMUL,            "fdhb",  1, 4, 0, "",     fit_matmul,         NULL, NULL},
    {TDAGI_ADDMM,             "fdhb",  1, 3, 0, "",     fit_addmm,          has_no_addend,
     "a matmul, times alpha"},
    {TDAGI_EINSUM,            "fdhb",  1, 1, 0, "",     fit_einsum,         is_product,
     "a linear, a matmul or a conv where a matrix meets a vector or a size is 1"},
    {TDAGI_MAX_POOL,          "fdhbi", 1, 2, 3, "",     fit_max_pool,       NULL, NULL},
    {TDAGI_AVG_POOL,          "fdhb",  1, 2, 3, "",     fit_avg_pool,       NULL, NULL},
    {TDAGI_ADAPTIVE_AVG_POOL, "fdhb",  1, 2, 3, "",     fit_adaptive,       pools_all,
     "a mean of whole axes"},
    {TDAGI_ADAPTIVE_MAX_POOL, "fdhb",  1, 2, 3, "",     fit_adaptive,       pools_all,
     "a maximum of whole axes"},
    {TDAGI_IM2COL,            "fdhbi", 2, 2, 2, "",     fit_im2col,         NULL, NULL},
    {TDAGI_COL2IM,            "fdhb",  2, 2, 2, "",     fit_col2im,         NULL, NULL},
    {TDAGI_SOFTMAX,           "fdhb",  1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_LOG_SOFTMAX,       "fdhb",  1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_LOGSUMEXP,         "fdhb",  1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_VAR,               "fdhb",  1, 4, 0, "",     fit_var,            NULL, NULL},
    {TDAGI_STD,               "fdhb",  1, 4, 0, "",     fit_var,            NULL, NULL},
    {TDAGI_VECTOR_NORM,       "fdhb",  1, 4, 0, "",     fit_norm,           NULL, NULL},
    {TDAGI_LAYER_NORM,        "fdhb",  1, 4, 0, "ll",   fit_layer_norm,     NULL, NULL},
    {TDAGI_RMS_NORM,          "fdhb",  1, 4, 0, "l",    fit_layer_norm,     NULL, NULL},
    {TDAGI_GROUP_NORM,        "fdhb",  2, 2, 2, "cc",   fit_group_norm,     NULL, NULL},
    {TDAGI_BATCH_NORM,        "fdhb",  2, 4, 0, "cccc", NULL,               NULL, NULL},
    {TDAGI_INSTANCE_NORM,     "fdhb",  3, 4, 0, "cc",   NULL,               is_alone,
     "a layer_norm of the spatial axes"},
    {TDAGI_NORMALIZE,         "fdhb",  1, 4, 0, "",     fit_normalize,      NULL, NULL},
    {TDAGI_COSINE_SIMILARITY, "fdhb", 1, 4, 0, "=",    fit_eps,              NULL, NULL},
    {TDAGI_ATTENTION,         "fdhb",  2, 4, 0, "",     fit_attention,      NULL, NULL},
    {TDAGI_CONCAT,            "fdhio", 1, 4, 0, "+",    NULL,               is_alone,
     "x"},
    {TDAGI_STACK,             "fdhio", 0, 4, 0, "+",    NULL,               is_alone,
     "an unsqueeze"},
    {TDAGI_ROLL,              "fdhio", 1, 4, 0, "",     fit_roll,           NULL, NULL},
    {TDAGI_FLIP,              "fdhio", 1, 4, 0, "",     fit_flip,           flips_one,
     "an axis of one element is left out"},
    {TDAGI_REPEAT_INTERLEAVE, "fdhio", 1, 4, 0, "",     fit_repeat,         NULL, NULL},
    {TDAGI_TILE,              "fdhio", 1, 4, 0, "",     fit_tile,           tiles_ones,
     "a repeat"},
    {TDAGI_UPSAMPLE,          "fdhb",  2, 2, 3, "",     fit_upsample,       NULL, NULL},
    {TDAGI_GRID_SAMPLE,       "fdhb",  2, 2, 3, "",     fit_grid_sample,    NULL, NULL},
    {TDAGI_EMBEDDING,         "fdhb",  2, 2, 0, "",     fit_embedding,      NULL, NULL},
    {TDAGI_EMBEDDING_BAG,     "fd",    2, 2, 0, "",     fit_bag,            NULL, NULL},
    {TDAGI_INDEX_SELECT,      "fdhio", 1, 4, 0, "",     fit_index_select,   picks_rows,
     "an embedding"},
    {TDAGI_INDEX,             "fdhio", 1, 4, 0, "",     fit_index,          NULL, NULL},
    {TDAGI_TAKE_ALONG,        "fdhio", 1, 4, 0, "",     fit_take_along,     is_vector,
     "an index_select"},
    {TDAGI_ARGMAX,            "fdhbi", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_ARGMIN,            "fdhbi", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MAX_WITH_INDEX,    "fdhbi", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MIN_WITH_INDEX,    "fdhbi", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_SORT,              "fdhbi", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_TOPK_POSITIONS,    "fdhbi", 1, 4, 0, "",     fit_topk,           NULL, NULL},
    {TDAGI_KTH_POSITION,      "fdhbi", 1, 4, 0, "",     fit_kth,            NULL, NULL},
    {TDAGI_MODE_POSITION,     "fdhbi", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_TOPK,              "fdhbi", 1, 4, 0, "",     fit_topk,           NULL, NULL},
    {TDAGI_KTHVALUE,          "fdhbi", 1, 4, 0, "",     fit_kth,            NULL, NULL},
    {TDAGI_MODE,              "fdhbi", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MEDIAN_POSITION,   "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_NANMEDIAN_POSITION, "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_CUMMAX_POSITION,   "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_CUMMIN_POSITION,   "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MEDIAN,            "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_NANMEDIAN,         "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_CUMMAX,            "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_CUMMIN,            "fdhbi",1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_MAX_POOL_POSITION, "fdhbi",1, 2, 3, "",     fit_max_pool,       NULL, NULL},
    {TDAGI_MAX_POOL_WITH_INDEX, "fdhbi",1, 2, 3, "",     fit_max_pool,       NULL, NULL},
    {TDAGI_ADAPTIVE_MAX_POOL_POSITION, "fdhb",  1, 2, 3, "",     fit_adaptive,       NULL, NULL},
    {TDAGI_ADAPTIVE_MAX_POOL_WITH_INDEX, "fdhb",  1, 2, 3, "",     fit_adaptive,       pools_all,
     "a maximum of whole axes"},
    {TDAGI_SEARCHSORTED,      "fdhbi",1, 4, 0, "",     fit_search,         NULL, NULL},
    {TDAGI_COMPLEX_MULTIPLY,  "fd",   0, 4, 0, "~~~",  NULL,               NULL, NULL},
    {TDAGI_COMPLEX_DIVIDE,    "fd",   0, 4, 0, "~~~",  NULL,               NULL, NULL},
    {TDAGI_CDIST,             "fd",   2, 4, 0, "",     fit_cdist,          NULL, NULL},
    {TDAGI_PDIST,             "fd",   2, 2, 0, ".",    fit_pdist,          NULL, NULL},
    {TDAGI_NANSUM,            "fdhb", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_FFT,               "fd",   2, 5, 0, ".",    fit_fft,            NULL, NULL},
    {TDAGI_RFFT,              "fd",   1, 5, 0, ".",    fit_fft,            NULL, NULL},
    {TDAGI_IRFFT,             "fd",   2, 5, 0, ".",    fit_fft,            NULL, NULL},
    {TDAGI_SOLVE_TRIANGULAR,  "fd",    2, 4, 0, "",     fit_triangular,     NULL, NULL},
    {TDAGI_CHOLESKY,          "fd",    2, 4, 0, ".",    fit_square,         NULL, NULL},
    {TDAGI_SOLVE,             "fd",    2, 4, 0, "",     fit_system,         NULL, NULL},
    {TDAGI_DET,               "fd",    2, 4, 0, ".",    fit_square,         NULL, NULL},
    {TDAGI_TRIU,              "fdhio", 2, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_TRIL,              "fdhio", 2, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_DIAG_EMBED,        "fdhio", 1, 4, 0, "",     NULL,               NULL, NULL},
    {TDAGI_UPSAMPLE_AA,       "fdhb",  2, 2, 2, "",     fit_upsample_aa,    NULL, NULL},
};
/* clang-format on */

const generator *generator_of(tdagi_composite id)
{
    for (size_t i = 0; i < sizeof(generators) / sizeof(*generators); i++)
        if (generators[i].id == id) return &generators[i];
    return NULL;
}
