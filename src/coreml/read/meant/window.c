/* Windows: those of a convolution with a weight of ones and zeroes, and what a
 * transposed convolution pads behind. */
#include "coreml/read/meant/match.h"

#include "aten/aten.h"
#include "base/tensor.h"

/* Whether output c * k + j of a weight takes element j of channel c alone. */
static bool picks_one(const tdag_tensor *t)
{
    int64_t each = t->count / t->shape[0], k = each / t->shape[1];
    for (int64_t i = 0; i < t->shape[0]; i++)
        for (int64_t j = 0; j < each; j++)
            if (tdagi_tensor_get_f64(t, i * each + j) != (i == j ? 1 : 0)) return false;
    return k > 1;
}

tdagi_any tdagi_cml_meant_im2col(tdagi_cml_matching *m)
{
    const tdag_tensor *w = tdagi_cml_leaf(&m->call, "weight");
    int64_t pad[4], outer[3];
    uint32_t n = 0;
    bool ok = w != NULL && w->rank == 4 && w->count > 0 &&
              w->count == w->shape[0] * w->shape[0] && picks_one(w) &&
              tdagi_cml_matched(m, "pad", 4, pad, &n) && n == 4 && pad[0] == pad[1] &&
              pad[2] == pad[3] && tdagi_cml_matched(m, "outer", 3, outer, &n) &&
              n == 3 && outer[0] == tdagi_cml_dim(&m->call, "x", 0) &&
              outer[1] == w->shape[0];
    if (!ok) return tdagi_any_none();
    const int64_t padding[2] = {pad[0], pad[2]};
    tdagi_cml_set_dims(&m->call, "kernel", 2, w->shape + 2);
    tdagi_cml_set_dims(&m->call, "padding", 2, padding);
    return tdagi_cml_eval(&m->call, "im2col(x, kernel, dilations, padding, strides)");
}

/* Cut off after the convolution is a padding of it, and what is left behind of more
 * than that its output padding. */
tdagi_any tdagi_cml_meant_output_padding(tdagi_cml_matching *m)
{
    tdagi_cml_call *c = &m->call;
    int64_t pad[4] = {0, 0, 0, 0}, cut[2][2], size[TDAG_MAX_RANK];
    uint32_t n = 4, k[2], rank = 0;
    bool ok = tdagi_cml_matched(m, "high", 2, cut[0], &k[0]) && k[0] == 2 &&
              tdagi_cml_matched(m, "wide", 2, cut[1], &k[1]) && k[1] == 2 &&
              tdagi_cml_matched(m, "whole", TDAG_MAX_RANK, size, &rank) && rank == 4;
    if (ok && tdagi_cml_is(c, "pad_type", "custom"))
        ok = tdagi_cml_matched(m, "pad", 4, pad, &n) && n == 4 && pad[0] == pad[1] &&
             pad[2] == pad[3];
    else
        ok &= tdagi_cml_is(c, "pad_type", "valid");
    for (uint32_t i = 0; ok && i < 2; i++) {
        ok = cut[i][0] >= cut[i][1] && cut[i][1] >= 0 &&
             tdagi_dim_is_const(c->env->pool, size[i + 2], &size[i + 2]);
        size[i + 2] -= cut[i][0] + cut[i][1];
        pad[2 * i] += cut[i][0];
        pad[2 * i + 1] += cut[i][0];
        ok &= size[i + 2] > 0;
    }
    if (!ok) return tdagi_any_none();
    tdagi_cml_set_dims(c, "pad", 4, pad);
    tdagi_cml_set_dims(c, "whole", 4, size);
    return tdagi_cml_eval(
        c, "mil::conv_transpose(x=x, weight=weight, bias=bias, pad_type='custom', "
           "pad=pad, "
           "strides=strides, dilations=dilations, groups=groups, output_shape=whole)");
}
