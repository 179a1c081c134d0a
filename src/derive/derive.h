/* Recipes: operators built from core ops, PyTorch's semantics. Each function adds core
 * nodes to a builder (whose errors stick) and returns the result; shapes may be
 * symbolic. Axes are non-negative here: importers resolve negative ones.
 *
 * A composite is a recipe that is recognised again: its row in composites.def has a
 * spec and a lowering, so that raise(lower(op)) == op can be tested, and so that a
 * guess of src/raise is checked by lowering it anew and comparing. Every other function
 * here is sugar made of those. */
#ifndef TDAGI_DERIVE_H
#define TDAGI_DERIVE_H

#include "ir/graph.h"

typedef enum tdagi_composite {
    TDAGI_CORE = 0, /* no composite: one core op by itself */
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    TDAGI_##ID,
#include "derive/composites.def"
    TDAGI_N_COMPOSITES
} tdagi_composite;

typedef struct tdagi_composite_def {
    uint16_t spec_size;        /* 0 = no spec */
    const tdagi_field *fields; /* as in tdagi_opdef */
    /* So many operands, from the first on, have a batch as axis 0, and so has the
     * result: what is at one position of it depends on that position alone. */
    uint8_t n_batched;
    /* So many operands, from the first on, may have axes more in front, and so has the
     * result then: axes that a spec names are one further. 255: all. */
    uint8_t n_leading;
    /* Absent optional inputs are TDAG_NO_VALUE or beyond n. */
    tdag_value (*lower)(tdag_builder *b, const tdag_value *inputs, uint32_t n,
                        const void *spec);
    /* Instead of it, of one whose results are values and their positions. */
    void (*lower_pair)(tdag_builder *b, tdag_value x, const void *spec,
                       tdag_value out[2]);
    /* Instead of it, of one that is a formula, which its name tells (formula.h). */
    tdag_value (*lower_formula)(tdag_builder *b, tdagi_composite id,
                                const tdag_value *inputs, uint32_t n, const void *spec);
} tdagi_composite_def;

typedef struct tdagi_composite_row {
    const char *name;
    uint8_t min_inputs, max_inputs; /* 255 = any */
    const tdagi_composite_def *def;
} tdagi_composite_row;
const tdagi_composite_row *tdagi_composite_row_of(tdagi_composite id); /* NULL: none */
/* Lowers a composite by its row; of a pair the values. */
tdag_value tdagi_lower(tdag_builder *b, tdagi_composite id, const tdag_value *inputs,
                       uint32_t n, const void *spec);
/* All results of one that has a pair of them. */
void tdagi_lower_pair(tdag_builder *b, tdagi_composite id, tdag_value x,
                      const void *spec, tdag_value out[2]);
/* Whether a composite gives values and their positions. */
bool tdagi_composite_is_pair(tdagi_composite id);

/* ---- specs ---- (lists per spatial axis unless said otherwise) */
typedef struct tdagi_pow_int_spec {
    int64_t exponent; /* any integer; negative by the reciprocal; |exponent| <= 64 */
} tdagi_pow_int_spec;
typedef struct tdagi_clamp_spec {
    int64_t has_min, has_max; /* 0 or 1 */
    double min, max;
} tdagi_clamp_spec;
typedef struct tdagi_scalar_spec { /* leaky_relu: slope; masked_fill: value; hardshrink,
                                      softshrink: lambd; smooth_l1: beta; huber:
                                      delta; cdist, pdist: p */
    double value;
} tdagi_scalar_spec;
typedef struct tdagi_threshold_spec {
    double threshold, value;
} tdagi_threshold_spec;
typedef struct tdagi_nan_to_num_spec {
    double nan, posinf, neginf;
} tdagi_nan_to_num_spec;
typedef struct tdagi_elu_spec {
    double alpha, scale, input_scale;
} tdagi_elu_spec;
typedef struct tdagi_gelu_spec {
    int64_t tanh; /* 1: the tanh approximation */
} tdagi_gelu_spec;
typedef struct tdagi_softplus_spec {
    double beta, threshold;
} tdagi_softplus_spec;
typedef struct tdagi_order_spec { /* polygamma */
    int64_t order;                /* at least 1 */
} tdagi_order_spec;
typedef struct tdagi_round_spec {
    int64_t decimals;
} tdagi_round_spec;
/* x [N, C, spatial...], w [O, C/groups, kernel...], bias [O]; before/after pad by zeros
 */
typedef struct tdagi_conv_spec {
    tdag_list stride, dilation, before, after; /* before/after are dims */
    int64_t groups;
} tdagi_conv_spec;
/* x [N, C, spatial...], w [C, O/groups, kernel...], bias [O] */
typedef struct tdagi_conv_transpose_spec {
    tdag_list stride, dilation, padding, output_padding;
    int64_t groups;
} tdagi_conv_transpose_spec;
/* linear: x [..., I], w [O, I], bias [O]. matmul: PyTorch's matmul of any ranks >= 1.
 * addmm: beta*c + alpha*(a @ b) with a, b both rank 2 or both rank 3. */
typedef struct tdagi_addmm_spec {
    double alpha, beta;
} tdagi_addmm_spec;
/* Two operands, letters a-zA-Z, "ij,jk->ik"; no ellipsis, no repeated letter within one
 * operand (the importer resolves both). */
typedef struct tdagi_einsum_spec {
    const char *equation;
} tdagi_einsum_spec;
/* x [..., spatial...] pooled over the last n axes; any leading axes */
typedef struct tdagi_pool_spec {
    tdag_list kernel, stride, padding, dilation;
    int64_t ceil_mode;
    int64_t count_include_pad; /* average only */
    int64_t divisor;           /* average only; 0 = none */
} tdagi_pool_spec;
typedef struct tdagi_adaptive_pool_spec {
    tdag_list output; /* dims, of the last n axes */
} tdagi_adaptive_pool_spec;
/* im2col x [N, C, H, W] -> [N, C*kh*kw, L]; col2im is its transpose to `output` H, W */
typedef struct tdagi_im2col_spec {
    tdag_list kernel, dilation, padding, stride;
    tdag_list output; /* dims; col2im only, empty for im2col */
} tdagi_im2col_spec;
typedef struct tdagi_axis_spec { /* softmax, log_softmax, concat, stack, argmax, ... */
    int64_t axis;                /* stack: of the result */
} tdagi_axis_spec;
typedef struct tdagi_axes_keep_spec { /* logsumexp, nansum; kept axes have dim 1 */
    tdag_list axes;
    int64_t keep;
} tdagi_axes_keep_spec;
typedef struct tdagi_var_spec {
    tdag_list axes;
    double correction;
    int64_t keep;
} tdagi_var_spec;
typedef struct tdagi_norm_spec { /* vector_norm; normalize (one axis, keep unused, eps)
                                  */
    tdag_list axes;
    double p;
    int64_t keep;
    double eps;
} tdagi_norm_spec;
typedef struct tdagi_cosine_spec { /* cosine_similarity of two tensors of one rank */
    int64_t axis;
    double eps;
} tdagi_cosine_spec;
typedef struct tdagi_layer_norm_spec { /* over the last n axes; weight, bias of those
                                          dims */
    int64_t n_axes;
    double eps;
} tdagi_layer_norm_spec;
typedef struct tdagi_group_norm_spec { /* x [N, C, ...]; weight, bias [C] */
    int64_t groups;
    double eps;
} tdagi_group_norm_spec;
typedef struct tdagi_eps_spec { /* batch_norm: x [N, C, ...], mean, var, weight?, bias?
                                   [C]; instance_norm: x [N, C, ...], weight?, bias? [C]
                                 */
    double eps;
} tdagi_eps_spec;
/* q [..., L, E], k [..., S, E], v [..., S, Ev], mask? bool (true = attend) or float
 * (added), broadcastable to [..., L, S] */
typedef struct tdagi_attention_spec {
    double scale;
    int64_t causal;
} tdagi_attention_spec;
typedef struct tdagi_roll_spec {
    tdag_list shifts, axes; /* shifts of any sign, plain integers; axes distinct */
} tdagi_roll_spec;
typedef struct tdagi_axes_list_spec { /* flip */
    tdag_list axes;
} tdagi_axes_list_spec;
typedef struct tdagi_repeat_interleave_spec {
    int64_t axis;
    tdag_dim count;
} tdagi_repeat_interleave_spec;
typedef struct tdagi_tile_spec { /* one count per axis of the result; rank may grow */
    tdag_list counts;            /* dims */
} tdagi_tile_spec;
typedef enum tdagi_upsample_mode {
    TDAGI_UPSAMPLE_NEAREST = 0,
    TDAGI_UPSAMPLE_NEAREST_EXACT = 1,
    TDAGI_UPSAMPLE_LINEAR = 2, /* linear, bilinear, trilinear by the number of axes */
    TDAGI_UPSAMPLE_CUBIC = 3,  /* bicubic */
} tdagi_upsample_mode;
/* x [N, C, spatial...]. scales: per axis the scale_factor as written where PyTorch uses
 * it for the coordinates, or 0 = computed from the sizes. */
typedef struct tdagi_upsample_spec {
    int64_t mode, align_corners;
    tdag_list output; /* dims */
    double scales[3];
} tdagi_upsample_spec;
typedef struct tdagi_upsample_aa_spec { /* x [N, C, H, W] of known H, W */
    int64_t cubic;                      /* 0: linear */
    int64_t height, width;
    double scale_h, scale_w; /* from a place in the result to one in x */
} tdagi_upsample_aa_spec;
enum { TDAGI_SAMPLE_LINEAR = 0, TDAGI_SAMPLE_NEAREST = 1, TDAGI_SAMPLE_CUBIC = 2 };
enum { TDAGI_SAMPLE_ZEROS = 0, TDAGI_SAMPLE_BORDER = 1, TDAGI_SAMPLE_REFLECTION = 2 };
typedef struct tdagi_grid_sample_spec { /* x [N, C, in...], grid [N, out..., n] */
    int64_t mode, padding, align_corners;
} tdagi_grid_sample_spec;
enum { TDAGI_BAG_SUM = 0, TDAGI_BAG_MEAN = 1, TDAGI_BAG_MAX = 2 };
/* weight [rows, width], indices [n], offsets [bags], a factor for each index? [n] */
typedef struct tdagi_bag_spec {
    int64_t mode;
    int64_t padding; /* the row that counts for nothing; negative: none */
    int64_t has_end; /* the last offset is the end, no bag's start */
} tdagi_bag_spec;
typedef struct tdagi_axis_keep_spec { /* argmax, argmin, and these with the values */
    int64_t axis, keep;
} tdagi_axis_keep_spec;
/* topk_positions, and topk with the values; the first fields are an argsort's */
typedef struct tdagi_topk_spec {
    int64_t axis, descending;
    int64_t order; /* tdag_order: selected or set */
    tdag_dim k;
} tdagi_topk_spec;
typedef struct tdagi_kth_spec { /* kth_position, and kthvalue with the value */
    int64_t axis, keep;
    tdag_dim index; /* 0: the smallest */
} tdagi_kth_spec;
typedef struct tdagi_search_spec { /* searchsorted: sorted [..., n] and numbers of its
                                      dtype, [..., m] or, of one axis, any */
    int64_t right;                 /* behind equal ones */
} tdagi_search_spec;
#define TDAGI_TRIANGULAR_MOST 64       /* rows that are solved one by one */
typedef struct tdagi_triangular_spec { /* solve_triangular: A [..., n, n] of a known n
                                          and B [..., n, k] with all of A's batch */
    int64_t upper, unit;               /* which triangle; ones on its diagonal */
} tdagi_triangular_spec;
enum { TDAGI_DET_VALUE, TDAGI_LOGABSDET, TDAGI_LOGDET };
typedef struct tdagi_det_spec { /* det: A [..., n, n], as triangular's */
    int64_t kind;               /* it, or the logarithm of its absolute value, or of it:
                                   NaN where it is negative */
} tdagi_det_spec;
#define TDAGI_FFT_MOST (1 << 22) /* elements, tables of which are 64 MiB */
typedef struct tdagi_fft_spec {  /* fft: pairs [..., n, 2]; rfft: x [..., n] to the
                                    first n/2 + 1 pairs; irfft: these to [..., n] */
    int64_t inverse, n;
    double scale; /* of the result, which is not divided otherwise */
} tdagi_fft_spec;
typedef struct tdagi_diagonal_spec { /* triu, tril over the last two axes; diag_embed */
    int64_t diagonal;
} tdagi_diagonal_spec;

/* ---- sugar: shapes ---- */
/* Any reshape of the same element count by the fewest group/ungroup/(un)squeeze ops;
 * dims may be symbolic, none open (see tdagi_reshape_dims). */
tdag_value tdagi_reshape(tdag_builder *b, tdag_value x, uint32_t rank,
                         const tdag_dim *shape);
/* The mark of a dim to be inferred. It cannot be -1, which may name an expression. */
#define TDAGI_DIM_OPEN TDAGI_DIM_BAD
/* Resolves one TDAGI_DIM_OPEN in `shape` in place; fails where it is ambiguous. */
void tdagi_reshape_dims(tdag_builder *b, tdag_value x, uint32_t rank, tdag_dim *shape);
tdag_value tdagi_transpose(tdag_builder *b, tdag_value x, uint32_t axis0,
                           uint32_t axis1);
/* One-axis forms of the core ops. */
tdag_value tdagi_squeeze1(tdag_builder *b, tdag_value x, uint32_t axis);
tdag_value tdagi_unsqueeze1(tdag_builder *b, tdag_value x, uint32_t axis);
tdag_value tdagi_slice1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim start,
                        tdag_dim end);
/* The same of what x is a slice or a concat of, where the slice is one of that: a part
 * written in place does not stand between another part and who reads it. */
tdag_value tdagi_slice_below(tdag_builder *b, tdag_value x, uint32_t axis,
                             tdag_dim start, tdag_dim end);
tdag_value tdagi_pad1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim before,
                      tdag_dim after, tdag_pad_mode mode, double value);
/* Pads of all axes, of which a negative one, by the samples, cuts: before the padding,
 * or behind it where that repeats elements. */
tdag_value tdagi_pad_or_cut(tdag_builder *b, tdag_value x, const tdag_dim *before,
                            const tdag_dim *after, tdag_pad_mode mode, double value);
/* x[start:end:step] on one axis, 0 <= start <= end <= dim, step >= 1; an unfold of
 * kernel 1 */
tdag_value tdagi_stride1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim start,
                         tdag_dim end, int64_t step);
/* x[axis = index], the axis gone */
tdag_value tdagi_select1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim index);
/* reduce with keep = 0 or 1; an empty axes list is the identity */
tdag_value tdagi_reduce_keep(tdag_builder *b, tdag_value x, tdag_reduction kind,
                             tdag_list axes, bool keep);
/* NumPy broadcasting to a shape of the same or a higher rank (unsqueeze + repeat). */
tdag_value tdagi_expand(tdag_builder *b, tdag_value x, uint32_t rank,
                        const tdag_dim *shape);
/* Broadcast shape of n values; rank_out axes in shape_out[TDAG_MAX_RANK]. */
void tdagi_broadcast_shape(tdag_builder *b, const tdag_value *v, uint32_t n,
                           uint32_t *rank_out, tdag_dim *shape_out);
/* A constant of one value; [dims] by repeat of a scalar, not stored expanded. */
tdag_value tdagi_full(tdag_builder *b, tdag_dtype dtype, uint32_t rank,
                      const tdag_dim *shape, double value);
tdag_value tdagi_full_like(tdag_builder *b, tdag_value x, double value); /* x's dtype */
/* A scalar (rank 0) that holds a dim, or the quotient of two as a float: a constant, or
 * its formula by core ops, so that a symbolic size may be used as data (size.c). The
 * first is i64. */
tdag_value tdagi_dim_value(tdag_builder *b, tdag_dim d);
tdag_value tdagi_dim_scalar(tdag_builder *b, tdag_dim d, tdag_dtype dtype);
tdag_value tdagi_dim_ratio(tdag_builder *b, tdag_dim x, tdag_dim y, tdag_dtype dtype);
/* Such a scalar of symbolic sizes, found in a graph. */
typedef struct tdagi_size {
    tdag_dim n, by; /* by: of a quotient */
    bool is_ratio;
    uint32_t n_nodes;
    uint32_t nodes[13]; /* the scalar, and what it is made of, but for constants */
} tdagi_size;
bool tdagi_is_size(const tdag_graph *g, uint32_t id, tdagi_size *out);
/* Makes it anew, with the dims that `size` has now. */
tdag_value tdagi_size_value(tdag_builder *b, const tdagi_size *size, tdag_dtype dtype);
/* Sets the mark of all nodes that such scalars are made of. */
void tdagi_mark_sizes(const tdag_graph *g, unsigned char *marks, unsigned char mark);
/* x with x[start...end, step] of one axis replaced by y (y has the slice's shape). */
tdag_value tdagi_slice_assign(tdag_builder *b, tdag_value x, uint32_t axis,
                              tdag_dim start, tdag_dim end, int64_t step, tdag_value y);
/* The last axes of x, padded by `value`, each split into position and tap, as a pool
 * has them; the axes of the taps in the result go to `taps`. */
tdag_value tdagi_pool_windows(tdag_builder *b, tdag_value x, const tdagi_pool_spec *s,
                              double value, int64_t *taps);
/* The places of a plane, the last n axes of x, counted row by row: its dims, behind
 * ones up to the rank. */
tdag_value tdagi_plane_places(tdag_builder *b, tdag_value x, uint32_t n, uint32_t rank);
/* The place of the greatest element over the taps of windows w, whose places are `at`:
 * the first such place, but the last one of NaN. */
tdag_value tdagi_place_of_most(tdag_builder *b, tdag_value w, tdag_value at,
                               tdag_list taps);
/* ---- sugar: arithmetic ---- */
tdag_value tdagi_add(tdag_builder *b, tdag_value x, tdag_value y);
tdag_value tdagi_mul(tdag_builder *b, tdag_value x, tdag_value y);
tdag_value tdagi_sub(tdag_builder *b, tdag_value x, tdag_value y);
tdag_value tdagi_div(tdag_builder *b, tdag_value x, tdag_value y); /* float dtypes */
tdag_value tdagi_greater(tdag_builder *b, tdag_value x, tdag_value y);
/* With a scalar constant of x's dtype on the right. */
tdag_value tdagi_add_scalar(tdag_builder *b, tdag_value x, double y);
tdag_value tdagi_mul_scalar(tdag_builder *b, tdag_value x, double y);
/* Half types compute in f32 and round once at the end, as PyTorch's kernels do: x as
 * f32 if it is f16 or bf16 (its own dtype goes to *own), and the result back. */
tdag_value tdagi_widen(tdag_builder *b, tdag_value x, tdag_dtype *own);
/* convert, or x itself where it has that dtype already */
tdag_value tdagi_cast(tdag_builder *b, tdag_value x, tdag_dtype dtype);
/* ---- sugar: complex numbers ---- (id 0 as imaginary part: zero, which costs nothing)
 */
typedef struct tdagi_pair {
    tdag_value re, im;
} tdagi_pair;
tdagi_pair tdagi_complex_multiply(tdag_builder *b, tdagi_pair x, tdagi_pair y);
tdagi_pair tdagi_complex_divide(tdag_builder *b, tdagi_pair x, tdagi_pair y);
/* All n pairs of what is conjugate-symmetric, given by its first n/2 + 1. */
tdag_value tdagi_fft_mirror(tdag_builder *b, tdag_value x, int64_t n);
/* x [..., n] as that diagonal of matrices, which are `elsewhere` besides. */
tdag_value tdagi_on_diagonal(tdag_builder *b, tdag_value x, int64_t offset,
                             tdag_dim rows, tdag_dim columns, tdag_value elsewhere);
/* What bitwise_and, or and xor give, by the bits that both operands have. */
tdag_value tdagi_bits_by_common(tdag_builder *b, tdagi_composite id, tdag_value x,
                                tdag_value y, tdag_value common);
/* ---- sugar: constants ---- */
tdag_value tdagi_integers(tdag_builder *b, int64_t n, const int64_t *v); /* i64 */
/* Rows i and columns j with j - i >= offset (or <= it), row by row. */
void tdagi_triangle_pairs(tdag_builder *b, const int64_t size[2], int64_t offset,
                          bool above, tdag_value out[2]);
/* ---- sugar: composites by their usual arguments ---- */
tdag_value tdagi_unary_composite(tdag_builder *b, tdagi_composite id, tdag_value x);
tdag_value tdagi_softmax(tdag_builder *b, tdag_value x, int64_t axis);
tdag_value tdagi_matmul(tdag_builder *b, tdag_value x, tdag_value y);
/* Heads that were made a batch of one, as exports make them, are taken as they were. */
tdag_value tdagi_attention(tdag_builder *b, const tdag_value in[4],
                           const tdagi_attention_spec *s);
tdag_value tdagi_linear(tdag_builder *b, tdag_value x, tdag_value w, tdag_value bias);
tdag_value tdagi_concat(tdag_builder *b, const tdag_value *v, uint32_t n, int64_t axis);
tdag_value tdagi_stack(tdag_builder *b, const tdag_value *v, uint32_t n, int64_t axis);
/* Positions along an axis of n, as i64: negative ones are counted from its end. */
tdag_value tdagi_wrap_position(tdag_builder *b, tdag_value index, tdag_dim n);
/* The i64 positions that sort an axis, with what its order leaves open. */
tdag_value tdagi_argsort(tdag_builder *b, tdag_value x, const tdag_argsort_spec *spec);
/* Sorted values and their positions along an axis, stable. */
void tdagi_sort(tdag_builder *b, tdag_value x, int64_t axis, bool descending,
                tdag_value out[2]);

#endif
