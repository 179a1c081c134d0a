/* One random example of a composite: operands and a spec, by the kinds and roles of its
 * fields. What they do not say, a row of test_law.c adds by a function of fit.c. */
#ifndef TEST_RAISE_DRAW_H
#define TEST_RAISE_DRAW_H

#include "raise/support.h"

#define DRAW_MOST_LISTS 16 /* a spec's fields, drawn once and fitted once */

typedef struct draw {
    rnd r;
    tdag_builder *b;
    law l;
    uint32_t n_spatial;
    union {
        tdagi_conv_spec conv;
        tdagi_conv_transpose_spec transpose;
        tdagi_addmm_spec addmm;
        tdagi_einsum_spec einsum;
        tdagi_pool_spec pool;
        tdagi_adaptive_pool_spec adaptive;
        tdagi_im2col_spec im2col;
        tdagi_axis_spec axis;
        tdagi_var_spec var;
        tdagi_norm_spec norm;
        tdagi_layer_norm_spec layer_norm;
        tdagi_group_norm_spec group_norm;
        tdagi_eps_spec eps;
        tdagi_attention_spec attention;
        tdagi_clamp_spec clamp;
        tdagi_scalar_spec scalar;
        tdagi_threshold_spec threshold;
        tdagi_nan_to_num_spec nan_to_num;
        tdagi_cosine_spec cosine;
        tdagi_elu_spec elu;
        tdagi_softplus_spec softplus;
        tdagi_pow_int_spec pow_int;
        tdagi_order_spec order;
        tdagi_roll_spec roll;
        tdagi_axes_list_spec flip;
        tdagi_repeat_interleave_spec repeat;
        tdagi_tile_spec tile;
        tdagi_upsample_spec upsample;
        tdagi_upsample_aa_spec upsample_aa;
        tdagi_grid_sample_spec grid_sample;
        tdagi_bag_spec bag;
        tdagi_topk_spec topk;
        tdagi_kth_spec kth;
        tdagi_fft_spec fft;
        tdagi_det_spec det;
    } spec;
    int64_t lists[DRAW_MOST_LISTS][TDAG_MAX_RANK]; /* what the spec's lists point at */
    uint32_t n_lists;
} draw;

typedef struct generator {
    tdagi_composite id;
    const char *dtypes;  /* f: f32, d: f64, h: f16, b: bf16, i: i64, o: bool */
    uint8_t least, most; /* ranks of the first input, spatial axes apart */
    uint8_t spatial;     /* the most spatial axes; 0 = it has none */
    /* The other inputs, a letter each: = the same type, ~ broadcastable with the first,
     * ? bool and broadcastable to it, c [channels], p [1] or [channels], l the last
     * n_axes, + any number of the same but for the axis; empty: the function's; .:
     * there is none, and all sizes are numbers. */
    const char *others;
    void (*fit)(draw *d); /* NULL = the roles say all */
    /* Whether the draw may come back as something else, and why; NULL = never. */
    bool (*other)(const draw *d);
    const char *why;
} generator;

/* NULL: it has none. */
const generator *generator_of(tdagi_composite id);
/* Whether another spec says the same, and may come back. */
bool draw_has_other_spec(const draw *d);
/* Fills d; its builder and random numbers are there. */
void draw_example(draw *d, const generator *g);
/* Whether a pool's ceil_mode adds a window. */
bool draw_ceil_shows(const draw *d);
/* A list of the draw, of n numbers within lo...hi. */
tdag_list draw_list(draw *d, uint32_t n, int64_t lo, int64_t hi);
/* The numbers of a list of the draw's spec, to be set. */
int64_t *draw_numbers(tdag_list list);
/* Sometimes makes a symbol of an axis of an input; before the others copy its dim. */
void draw_symbol(draw *d, tdagi_type *t, uint32_t axis);

void fit_positive(draw *d); /* numbers above 0 */
void fit_fill(draw *d);     /* numbers that the dtype holds, and -inf */
void fit_power(draw *d);
void fit_order(draw *d);
void fit_elu(draw *d);
void fit_clamp(draw *d);
void fit_conv(draw *d);
void fit_conv_transpose(draw *d);
void fit_linear(draw *d);
void fit_matmul(draw *d);
void fit_addmm(draw *d);
void fit_einsum(draw *d);
void fit_max_pool(draw *d);
void fit_avg_pool(draw *d);
void fit_adaptive(draw *d);
void fit_im2col(draw *d);
void fit_col2im(draw *d);
void fit_var(draw *d);
void fit_norm(draw *d);
void fit_normalize(draw *d);
void fit_cdist(draw *d);
void fit_pdist(draw *d);
void fit_fft(draw *d);
void fit_layer_norm(draw *d);
void fit_group_norm(draw *d);
void fit_attention(draw *d);
void fit_flip(draw *d);
void fit_roll(draw *d);
void fit_repeat(draw *d);
void fit_tile(draw *d);
void fit_upsample(draw *d);
void fit_embedding(draw *d);
void fit_index_select(draw *d);
void fit_index(draw *d);
void fit_take_along(draw *d);
void fit_search(draw *d);
void fit_triangular(draw *d);
void fit_square(draw *d);
void fit_system(draw *d);
void fit_grid_sample(draw *d);
void fit_bag(draw *d);
void fit_topk(draw *d);
void fit_kth(draw *d);
void fit_edge(draw *d);
void fit_eps(draw *d);
void fit_upsample_aa(draw *d);

#endif
