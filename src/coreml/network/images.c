/* Layers on images: channels, height and width are the last three axes, before which a
 * batch, and a sequence before that, may stand. Operators of ML programs want exactly a
 * batch. */
#include <string.h>

#include "coreml/network/network.h"

/* ---- a batch in front ---- */

/* Evaluates a formula on x as [N, C, H, W]; the result has x's leading axes. */
static tdagi_any on_image(tdagi_layer *l, const char *formula)
{
    tdagi_cml_call *c = &l->call;
    uint32_t rank = tdagi_cml_rank(c, "x");
    if (rank < 3 || rank > 5) return tdagi_cml_refuse(c, "an input that is no image");
    tdagi_cml_set(c, "whole", tdagi_cml_at(c, "x"));
    if (rank == 3) tdagi_cml_let(c, "x", "unsqueeze(x, 0)");
    if (rank == 5) tdagi_cml_let(c, "x", "flatten(x, 0, 1)");
    tdagi_cml_let(c, "y", formula);
    if (rank == 3) return tdagi_layer_eval(l, "squeeze(y, 0)");
    if (rank == 5)
        return tdagi_layer_eval(l, "unflatten(y, 0, [size(whole, 0), size(whole, 1)])");
    return tdagi_cml_at(c, "y");
}

/* ---- amounts at borders ---- */

/* Sets "pad" to [before, after] of each axis; zeroes where there are none. */
static void set_borders(tdagi_layer *l, const Cml__BorderAmounts *b)
{
    int64_t pad[4] = {0, 0, 0, 0};
    for (size_t i = 0; b != NULL && i < b->n_border_amounts && i < 2; i++) {
        pad[2 * i] = (int64_t)b->border_amounts[i]->start_edge_size;
        pad[2 * i + 1] = (int64_t)b->border_amounts[i]->end_edge_size;
    }
    tdagi_cml_set_dims(&l->call, "pad", 4, pad);
}

static void set_valid(tdagi_layer *l, const Cml__ValidPadding *v)
{
    tdagi_cml_set(&l->call, "pad_type", tdagi_any_string("custom"));
    set_borders(l, v == NULL ? NULL : v->padding_amounts);
}

static void set_same(tdagi_layer *l, const Cml__SamePadding *s)
{
    bool low = s != NULL && s->asymmetry_mode == 1;
    tdagi_cml_set(&l->call, "pad_type", tdagi_any_string(low ? "same_lower" : "same"));
    tdagi_cml_set(&l->call, "pad", tdagi_any_none());
}

/* Numbers that are left out have this value. */
static void set_default(tdagi_layer *l, const char *name, int64_t each)
{
    const int64_t two[2] = {each, each};
    if (!tdagi_cml_has(&l->call, name)) tdagi_cml_set_dims(&l->call, name, 2, two);
}

static void set_one(tdagi_layer *l, const char *name, int64_t otherwise)
{
    if (tdagi_cml_int(&l->call, name, 0) == 0)
        tdagi_cml_set_int(&l->call, name, otherwise);
}

/* ---- convolutions ---- */

static bool take_kernel(tdagi_layer *l, const Cml__ConvolutionLayerParams *p)
{
    int64_t groups = p->n_groups == 0 ? 1 : (int64_t)p->n_groups;
    int64_t shape[4] = {(int64_t)p->output_channels, (int64_t)p->kernel_channels, 3, 3};
    if (p->is_deconvolution) {
        shape[0] = (int64_t)p->kernel_channels;
        shape[1] = (int64_t)p->output_channels / groups;
    }
    for (size_t i = 0; i < p->n_kernel_size && i < 2; i++)
        shape[2 + i] = (int64_t)p->kernel_size[i];
    tdagi_any w = tdagi_layer_weights(l, "weights", p->weights, 4, shape);
    if (w.kind != TDAGI_ANY_NONE) tdagi_cml_set(&l->call, "w", w);
    return w.kind != TDAGI_ANY_POISON;
}

tdagi_any tdagi_layer_convolution(tdagi_layer *l)
{
    const Cml__ConvolutionLayerParams *p = l->layer->convolution;
    if (!take_kernel(l, p)) return tdagi_any_poison();
    set_one(l, "n_groups", 1);
    set_default(l, "stride", 1);
    set_default(l, "dilation_factor", 1);
    if (p->kind_case == CML__CONVOLUTION_LAYER_PARAMS__KIND_SAME)
        set_same(l, p->same);
    else
        set_valid(l, p->kind_case == CML__CONVOLUTION_LAYER_PARAMS__KIND_VALID
                         ? p->valid
                         : NULL);
    if (!p->is_deconvolution)
        return on_image(l, "mil::conv(x=x, weight=w, bias=if(has_bias, bias, None), "
                           "strides=stride, pad_type=pad_type, pad=pad, "
                           "dilations=dilation_factor, groups=n_groups)");
    if (p->n_output_shape == 2)
        tdagi_cml_let(
            &l->call, "full",
            "[size(x, 0), output_channels, output_shape[0], output_shape[1]]");
    return on_image(l, "mil::conv_transpose(x=x, weight=w, "
                       "bias=if(has_bias, bias, None), strides=stride, "
                       "pad_type=pad_type, pad=pad, dilations=dilation_factor, "
                       "groups=n_groups, output_shape=full)");
}

/* ---- pools ---- */

static const char *pool_of(int32_t type)
{
    static const char *const formulas[] = {
        "mil::max_pool(x=x, kernel_sizes=kernel_size, strides=stride, "
        "pad_type=pad_type, pad=pad, ceil_mode=ceil_mode)",
        "mil::avg_pool(x=x, kernel_sizes=kernel_size, strides=stride, "
        "pad_type=pad_type, pad=pad, ceil_mode=ceil_mode, "
        "exclude_padding_from_average=avg_pool_exclude_padding)",
        "mil::l2_pool(x=x, kernel_sizes=kernel_size, strides=stride, "
        "pad_type=pad_type, pad=pad, ceil_mode=ceil_mode)"};
    return type < 0 || type > 2 ? NULL : formulas[type];
}

static const char *global_pool_of(int32_t type)
{
    static const char *const formulas[] = {"amax(x, [-2, -1], True)",
                                           "mean(x, [-2, -1], True)",
                                           "sqrt(sum(square(x), [-2, -1], True))"};
    return type < 0 || type > 2 ? NULL : formulas[type];
}

tdagi_any tdagi_layer_pooling(tdagi_layer *l)
{
    const Cml__PoolingLayerParams *p = l->layer->pooling;
    bool completes = p->kind_case == CML__POOLING_LAYER_PARAMS__KIND_INCLUDE_LAST_PIXEL;
    const char *formula =
        p->global_pooling ? global_pool_of(p->type) : pool_of(p->type);
    if (formula == NULL) return tdagi_cml_refuse(&l->call, "an unknown type");
    if (p->global_pooling) return tdagi_layer_eval(l, formula);
    set_default(l, "kernel_size", 3);
    set_default(l, "stride", 1);
    tdagi_cml_set(&l->call, "ceil_mode", tdagi_any_bool(completes));
    if (p->kind_case == CML__POOLING_LAYER_PARAMS__KIND_SAME) {
        set_same(l, p->same);
    } else {
        set_valid(l, p->kind_case == CML__POOLING_LAYER_PARAMS__KIND_VALID ? p->valid
                                                                           : NULL);
    }
    if (completes) {
        const Cml__ValidCompletePadding *v = p->include_last_pixel;
        int64_t pad[4] = {0, 0, 0, 0};
        for (size_t i = 0; i < v->n_padding_amounts && i < 2; i++)
            pad[2 * i] = pad[2 * i + 1] = (int64_t)v->padding_amounts[i];
        tdagi_cml_set_dims(&l->call, "pad", 4, pad);
    }
    return on_image(l, formula);
}

/* ---- norms ---- */

tdagi_any tdagi_layer_batchnorm(tdagi_layer *l)
{
    const Cml__BatchnormLayerParams *p = l->layer->batchnorm;
    if (p->instance_normalization && p->compute_mean_var)
        return on_image(l, "mil::instance_norm(x=x, gamma=gamma, beta=beta, "
                           "epsilon=epsilon)");
    if (p->compute_mean_var)
        return tdagi_cml_refuse(&l->call, "statistics of the batch");
    return on_image(l, "mil::batch_norm(x=x, mean=mean, variance=variance, "
                       "gamma=gamma, beta=beta, epsilon=epsilon)");
}

tdagi_any tdagi_layer_lrn(tdagi_layer *l)
{
    return on_image(l, "mil::local_response_norm(x=x, size=local_size, alpha=alpha, "
                       "beta=beta, k=k)");
}

/* ---- borders ---- */

tdagi_any tdagi_layer_crop(tdagi_layer *l)
{
    if (!tdagi_cml_has(&l->call, "like")) {
        set_borders(l, l->layer->crop->crop_amounts);
        return tdagi_layer_eval(l, "slice(slice(x, -2, pad[0], sub(size(x, -2), "
                                   "pad[1])), -1, pad[2], sub(size(x, -1), pad[3]))");
    }
    set_default(l, "offset", 0);
    return tdagi_layer_eval(l, "narrow(narrow(x, -2, offset[0], size(like, -2)), -1, "
                               "offset[1], size(like, -1))");
}

tdagi_any tdagi_layer_padding(tdagi_layer *l)
{
    const Cml__PaddingLayerParams *p = l->layer->padding;
    const char *mode = "constant";
    if (p->kind_case == CML__PADDING_LAYER_PARAMS__KIND_REFLECTION) mode = "reflect";
    if (p->kind_case == CML__PADDING_LAYER_PARAMS__KIND_REPLICATION) mode = "replicate";
    bool has = p->kind_case == CML__PADDING_LAYER_PARAMS__KIND_CONSTANT;
    tdagi_cml_set(&l->call, "value",
                  tdagi_any_float(has ? (double)p->constant->value : 0));
    tdagi_cml_set(&l->call, "mode", tdagi_any_string(mode));
    set_borders(l, p->padding_amounts);
    return on_image(l, "mil::pad(x=x, pad=pad, mode=mode, constant_val=value)");
}

/* ---- sizes ---- */

tdagi_any tdagi_layer_upsample(tdagi_layer *l)
{
    const Cml__UpsampleLayerParams *p = l->layer->upsample;
    bool corners = p->linear_upsample_mode == 1, halves = p->linear_upsample_mode == 2;
    if (p->n_fractional_scaling_factor == 2)
        tdagi_cml_let(&l->call, "scaling_factor", "fractional_scaling_factor");
    set_default(l, "scaling_factor", 1);
    tdagi_cml_set(&l->call, "corners", tdagi_any_bool(corners));
    tdagi_cml_set(&l->call, "halves", tdagi_any_bool(halves));
    if (p->mode == 0)
        return on_image(l, "mil::upsample_nearest_neighbor(x=x, "
                           "scale_factor_height=scaling_factor[0], "
                           "scale_factor_width=scaling_factor[1])");
    return on_image(l, "mil::upsample_bilinear(x=x, "
                       "scale_factor_height=scaling_factor[0], "
                       "scale_factor_width=scaling_factor[1], align_corners=corners, "
                       "half_pixel_centers=halves)");
}

tdagi_any tdagi_layer_resize_bilinear(tdagi_layer *l)
{
    static const char *const modes[] = {"STRICT_ALIGN_CORNERS", "ALIGN_CORNERS",
                                        "DEFAULT", "OFFSET_CORNERS"};
    const Cml__ResizeBilinearLayerParams *p = l->layer->resize_bilinear;
    int32_t mode = p->mode == NULL ? 0 : p->mode->sampling_method;
    if (mode < 0 || mode > 3) return tdagi_cml_refuse(&l->call, "an unknown mode");
    set_default(l, "target_size", 1);
    tdagi_cml_set(&l->call, "mode", tdagi_any_string(modes[mode]));
    return on_image(l, "mil::resize_bilinear(x=x, target_size_height=target_size[0], "
                       "target_size_width=target_size[1], sampling_mode=mode)");
}

/* ---- numbers per channel ---- */

/* A shape of one axis stands for the channels. */
static void as_channels(tdagi_layer *l, const char *name)
{
    tdagi_any v = tdagi_cml_at(&l->call, name);
    if (v.kind != TDAGI_ANY_TENSOR || tdagi_cml_rank(&l->call, name) != 1) return;
    if (tdagi_cml_rank(&l->call, "x") < 3) return;
    tdagi_cml_set(&l->call, "v", v);
    tdagi_cml_let(&l->call, name, "reshape(v, [-1, 1, 1])");
}

tdagi_any tdagi_layer_scale(tdagi_layer *l)
{
    as_channels(l, "scale");
    as_channels(l, "bias");
    return tdagi_layer_eval(
        l, "y = mul(x, scale); if(has_bias, if(is(bias, None), y, add(y, bias)), y)");
}

tdagi_any tdagi_layer_bias(tdagi_layer *l)
{
    as_channels(l, "bias");
    return tdagi_layer_eval(l, "add(x, bias)");
}

/* ---- views ---- */

tdagi_any tdagi_layer_flatten(tdagi_layer *l)
{
    if (l->layer->flatten->mode == 1)
        tdagi_cml_let(&l->call, "x", "movedim(x, -3, -1)");
    return tdagi_layer_eval(l, "unsqueeze(unsqueeze(flatten(x, -3), -1), -1)");
}

tdagi_any tdagi_layer_reshape(tdagi_layer *l)
{
    uint32_t rank = tdagi_cml_rank(&l->call, "x");
    const Cml__ReshapeLayerParams *p = l->layer->reshape;
    if (p->mode == 1) return tdagi_cml_refuse(&l->call, "channels that come last");
    if (p->n_target_shape == 3 && rank == 5)
        return tdagi_layer_eval(l, "reshape(x, [size(x, 0), size(x, 1), "
                                   "target_shape[0], target_shape[1], "
                                   "target_shape[2]])");
    if (p->n_target_shape == 4 && rank == 5)
        return tdagi_layer_eval(l, "reshape(x, [target_shape[0], size(x, 1), "
                                   "target_shape[1], target_shape[2], "
                                   "target_shape[3]])");
    if (p->n_target_shape == 3 && rank == 4)
        return tdagi_layer_eval(l, "reshape(x, [size(x, 0), target_shape[0], "
                                   "target_shape[1], target_shape[2]])");
    return tdagi_layer_eval(l, "reshape(x, target_shape)");
}

/* Four axes: sequence, channels, height and width; the batch stays where it is. */
tdagi_any tdagi_layer_permute(tdagi_layer *l)
{
    const Cml__PermuteLayerParams *p = l->layer->permute;
    int64_t axes[5] = {0, 1, 0, 0, 0};
    if (tdagi_cml_rank(&l->call, "x") != 5 || p->n_axis != 4)
        return tdagi_layer_eval(l, "permute(x, axis)");
    for (size_t i = 0; i < 4; i++) {
        int64_t from = (int64_t)p->axis[i];
        axes[i == 0 ? 0 : i + 1] = from == 0 ? 0 : from + 1;
    }
    tdagi_cml_set_dims(&l->call, "axes", 5, axes);
    return tdagi_layer_eval(l, "permute(x, axes)");
}

tdagi_any tdagi_layer_slice(tdagi_layer *l)
{
    const Cml__SliceLayerParams *p = l->layer->slice;
    if (p->axis < 0 || p->axis > 2)
        return tdagi_cml_refuse(&l->call, "an unknown axis");
    tdagi_cml_set_int(&l->call, "axis", p->axis - 3);
    set_one(l, "stride", 1);
    return tdagi_layer_eval(l, "slice(x, axis, start_index, end_index, stride)");
}

tdagi_any tdagi_layer_reduce(tdagi_layer *l)
{
    static const int64_t axes[][3] = {
        {-3, -2, -1}, {-2, -1, 0}, {-3, 0, 0}, {-2, 0, 0}, {-1, 0, 0}};
    static const uint32_t counts[] = {3, 2, 1, 1, 1};
    static const char *const formulas[] = {
        "sum(x, axes, True)",
        "mean(x, axes, True)",
        "mil::reduce_prod(x=x, axes=axes, keep_dims=True)",
        "log(add(sum(x, axes, True), epsilon))",
        "sum(square(x), axes, True)",
        "sum(abs(x), axes, True)",
        "sqrt(sum(square(x), axes, True))",
        "amax(x, axes, True)",
        "amin(x, axes, True)",
        "to(argmax(x, axes[0], True), 6)"};
    const Cml__ReduceLayerParams *p = l->layer->reduce;
    if (p->axis < 0 || p->axis > 4 || p->mode < 0 || p->mode > 9)
        return tdagi_cml_refuse(&l->call, "an unknown mode or axis");
    tdagi_cml_set_dims(&l->call, "axes", counts[p->axis], axes[p->axis]);
    return tdagi_layer_eval(l, formulas[p->mode]);
}
