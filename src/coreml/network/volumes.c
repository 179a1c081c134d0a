/* Layers on volumes: [batch, channels, depth, height, width]. */
#include "coreml/network/network.h"

static void set_three(tdagi_layer *l, const char *name, int64_t a, int64_t b, int64_t c,
                      int64_t otherwise)
{
    const int64_t v[3] = {a == 0 ? otherwise : a, b == 0 ? otherwise : b,
                          c == 0 ? otherwise : c};
    tdagi_cml_set_dims(&l->call, name, 3, v);
}

enum { CUSTOM = 0, VALID = 1, SAME = 2 };

static void set_padding(tdagi_layer *l, int32_t type, const int64_t pad[6])
{
    static const int64_t none[6] = {0};
    tdagi_cml_set(&l->call, "pad_type",
                  tdagi_any_string(type == SAME ? "same" : "custom"));
    if (type != SAME)
        tdagi_cml_set_dims(&l->call, "pad", 6, type == CUSTOM ? pad : none);
}

tdagi_any tdagi_layer_convolution3d(tdagi_layer *l)
{
    const Cml__Convolution3DLayerParams *p = l->layer->convolution3d;
    int64_t groups = p->n_groups == 0 ? 1 : p->n_groups;
    int64_t shape[5] = {p->output_channels, p->input_channels / groups, p->kernel_depth,
                        p->kernel_height, p->kernel_width};
    const int64_t pad[6] = {p->custom_padding_front, p->custom_padding_back,
                            p->custom_padding_top,   p->custom_padding_bottom,
                            p->custom_padding_left,  p->custom_padding_right};
    if (p->is_deconvolution) {
        shape[0] = p->input_channels;
        shape[1] = p->output_channels / groups;
    }
    tdagi_any w = tdagi_layer_weights(l, "weights", p->weights, 5, shape);
    if (w.kind == TDAGI_ANY_POISON) return w;
    tdagi_cml_set(&l->call, "w", w);
    tdagi_cml_set_int(&l->call, "groups", groups);
    set_three(l, "strides", p->stride_depth, p->stride_height, p->stride_width, 1);
    set_three(l, "dilations", p->dilation_depth, p->dilation_height, p->dilation_width,
              1);
    set_padding(l, p->padding_type, pad);
    if (!p->is_deconvolution)
        return tdagi_layer_eval(l,
                                "mil::conv(x=x, weight=w, bias=if(has_bias, bias, "
                                "None), strides=strides, pad_type=pad_type, pad=pad, "
                                "dilations=dilations, groups=groups)");
    if (p->n_output_shape == 3)
        tdagi_cml_let(&l->call, "full",
                      "[size(x, 0), output_channels, output_shape[0], output_shape[1], "
                      "output_shape[2]]");
    return tdagi_layer_eval(l, "mil::conv_transpose(x=x, weight=w, bias=if(has_bias, "
                               "bias, None), strides=strides, pad_type=pad_type, "
                               "pad=pad, dilations=dilations, groups=groups, "
                               "output_shape=full)");
}

tdagi_any tdagi_layer_pooling3d(tdagi_layer *l)
{
    const Cml__Pooling3DLayerParams *p = l->layer->pooling3d;
    const int64_t pad[6] = {p->custom_padding_front, p->custom_padding_back,
                            p->custom_padding_top,   p->custom_padding_bottom,
                            p->custom_padding_left,  p->custom_padding_right};
    set_three(l, "kernel", p->kernel_depth, p->kernel_height, p->kernel_width, 3);
    set_three(l, "strides", p->stride_depth, p->stride_height, p->stride_width, 1);
    set_padding(l, p->padding_type, pad);
    if (p->type == 0)
        return tdagi_layer_eval(l, "mil::max_pool(x=x, kernel_sizes=kernel, "
                                   "strides=strides, pad_type=pad_type, pad=pad)");
    return tdagi_layer_eval(l, "mil::avg_pool(x=x, kernel_sizes=kernel, "
                               "strides=strides, pad_type=pad_type, pad=pad, "
                               "exclude_padding_from_average=count_exclude_padding)");
}
