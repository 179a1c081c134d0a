/* Layers whose fields choose among operators: activations, functions of one number,
 * sums of any number of inputs, and a few more. */
#include <string.h>

#include "coreml/network/network.h"

/* ---- activations ---- */

static const struct {
    const char *kind, *formula;
} activations[] = {
    {"linear", "add(mul(x, alpha), beta)"},
    {"re_lu", "relu(x)"},
    {"leaky_re_lu", "leaky_relu(x, alpha)"},
    {"thresholded_re_lu", "mil::thresholded_relu(x=x, alpha=alpha)"},
    {"p_re_lu", "if(is(rank(x), 4), mil::prelu(x=x, alpha=alpha), where(gt(x, 0), x, "
                "mul(x, reshape(alpha, [-1, 1, 1]))))"},
    {"tanh", "tanh(x)"},
    {"scaled_tanh", "mul(tanh(mul(x, beta)), alpha)"},
    {"sigmoid", "sigmoid(x)"},
    {"sigmoid_hard", "mil::sigmoid_hard(x=x, alpha=alpha, beta=beta)"},
    {"elu", "elu(x, alpha)"},
    {"softsign", "div(x, add(abs(x), 1))"},
    {"softplus", "softplus(x)"},
    {"parametric_softplus",
     "mul(softplus(mul(x, reshape(beta, [-1, 1, 1]))), reshape(alpha, [-1, 1, 1]))"},
};

/* Fields of the activation; numbers of channels are leaves. */
static bool take_activation(tdagi_layer *l, const ProtobufCMessage *m)
{
    static const char *const names[] = {"alpha", "beta"};
    const ProtobufCFieldDescriptor *f;
    for (uint32_t i = 0; i < 2; i++) {
        const void *p = tdagi_message_field(m, names[i], &f);
        tdagi_any v = tdagi_any_none();
        if (p == NULL) continue;
        if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            int64_t count = tdagi_weights_count(p);
            v = tdagi_layer_weights(l, names[i], p, 1, &count);
        } else if (f->type == PROTOBUF_C_TYPE_FLOAT) {
            v = tdagi_any_float((double)*(const float *)p);
        }
        if (v.kind == TDAGI_ANY_POISON) return false;
        tdagi_cml_set(&l->call, names[i], v);
    }
    return true;
}

tdagi_any tdagi_layer_activation(tdagi_layer *l)
{
    const ProtobufCFieldDescriptor *f;
    for (size_t i = 0; i < sizeof(activations) / sizeof(activations[0]); i++) {
        const void *m = tdagi_message_field(l->params, activations[i].kind, &f);
        if (m == NULL) continue;
        if (!take_activation(l, m)) return tdagi_any_poison();
        return tdagi_layer_eval(l, activations[i].formula);
    }
    return tdagi_cml_refuse(&l->call, "an unknown function");
}

/* ---- functions of one number ---- */

tdagi_any tdagi_layer_unary(tdagi_layer *l)
{
    static const char *const formulas[] = {"sqrt(x)",
                                           "mil::rsqrt(x=x, epsilon=epsilon)",
                                           "mil::inverse(x=x, epsilon=epsilon)",
                                           "pow(x, alpha)",
                                           "exp(x)",
                                           "mil::log(x=x, epsilon=epsilon)",
                                           "abs(x)",
                                           "clamp(x, alpha)"};
    const Cml__UnaryFunctionLayerParams *p = l->layer->unary;
    if (p->type < 0 || p->type > 7)
        return tdagi_cml_refuse(&l->call, "an unknown type");
    if (p->scale != 0 && p->scale != 1) tdagi_cml_let(&l->call, "x", "mul(x, scale)");
    if (p->shift != 0) tdagi_cml_let(&l->call, "x", "add(x, shift)");
    return tdagi_layer_eval(l, formulas[p->type]);
}

/* ---- any number of inputs ---- */

static const struct {
    const char *kind, *pair;
    const char *alone; /* with one input; NULL: it is the result */
} folds[] = {
    {"add", "add(y, x)", "add(y, alpha)"},
    {"multiply", "mul(y, x)", "mul(y, alpha)"},
    {"max", "maximum(y, x)", NULL},
    {"min", "minimum(y, x)", NULL},
    {"average", "add(y, x)", NULL},
    {"add_broadcastable", "add(y, x)", NULL},
    {"multiply_broadcastable", "mul(y, x)", NULL},
    {"max_broadcastable", "maximum(y, x)", NULL},
    {"min_broadcastable", "minimum(y, x)", NULL},
};

tdagi_any tdagi_layer_many(tdagi_layer *l)
{
    tdagi_cml_call *c = &l->call;
    tdagi_any values = tdagi_cml_at(c, "values");
    size_t k = 0;
    while (k < sizeof(folds) / sizeof(folds[0]) - 1 &&
           strcmp(folds[k].kind, l->kind) != 0)
        k++;
    if (!tdagi_any_is_seq(values) || values.u.seq->n == 0)
        return tdagi_cml_refuse(c, "no inputs");
    uint32_t n = values.u.seq->n;
    tdagi_cml_set(c, "y", values.u.seq->v[0]);
    for (uint32_t i = 1; i < n; i++) {
        tdagi_cml_set(c, "x", values.u.seq->v[i]);
        tdagi_cml_let(c, "y", folds[k].pair);
    }
    if (n == 1 && folds[k].alone != NULL) tdagi_cml_let(c, "y", folds[k].alone);
    tdagi_cml_set_int(c, "n", n);
    if (strcmp(l->kind, "average") == 0) return tdagi_layer_eval(l, "div(y, n)");
    return tdagi_cml_at(c, "y");
}

/* ---- others ---- */

tdagi_any tdagi_layer_scatter(tdagi_layer *l)
{
    static const char *const modes[] = {"update", "add", "sub", "mul",
                                        "div",    "max", "min"};
    int64_t mode = tdagi_cml_int(&l->call, "mode", 0);
    if (mode < 0 || mode > 6) return tdagi_cml_refuse(&l->call, "an unknown mode");
    tdagi_cml_set(&l->call, "mode", tdagi_any_string(modes[mode]));
    if (strcmp(l->kind, "scatter_nd") == 0)
        return tdagi_layer_eval(l, "mil::scatter_nd(data=x, indices=to(i, 3), "
                                   "updates=u, mode=mode)");
    if (strcmp(l->kind, "scatter") == 0)
        return tdagi_layer_eval(l, "mil::scatter(data=x, indices=to(i, 3), updates=u, "
                                   "axis=axis, mode=mode)");
    return tdagi_layer_eval(l, "mil::scatter_along_axis(data=x, indices=to(i, 3), "
                               "updates=u, axis=axis, mode=mode)");
}

tdagi_any tdagi_layer_reverse(tdagi_layer *l)
{
    const Cml__ReverseLayerParams *p = l->layer->reverse;
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n = 0;
    for (size_t i = 0; i < p->n_reverse_dim && i < TDAG_MAX_RANK; i++)
        if (p->reverse_dim[i]) axes[n++] = (int64_t)i;
    tdagi_cml_set_dims(&l->call, "axes", n, axes);
    return tdagi_layer_eval(l, "flip(x, axes)");
}

tdagi_any tdagi_layer_batched_matmul(tdagi_layer *l)
{
    if (tdagi_cml_has(&l->call, "y"))
        return tdagi_layer_eval(l, "mil::matmul(x=x, y=y, transpose_x=transpose_a, "
                                   "transpose_y=transpose_b)");
    return tdagi_layer_eval(l, "y = matmul(x, weights); if(has_bias, add(y, bias), y)");
}

/* Before and after each axis; in the other mode amounts are sizes to reach. */
tdagi_any tdagi_layer_constant_pad(tdagi_layer *l)
{
    const Cml__ConstantPaddingLayerParams *p = l->layer->constant_pad;
    uint32_t rank = tdagi_cml_rank(&l->call, "x");
    int64_t pad[2 * TDAG_MAX_RANK];
    if (p->n_pad_amounts != 2 * (size_t)rank)
        return tdagi_cml_refuse(&l->call, "amounts of another number than axes");
    for (uint32_t i = 0; i < 2 * rank; i++) {
        tdag_dim d = tdagi_cml_dim(&l->call, "x", i / 2);
        int64_t size, amount = (int64_t)p->pad_amounts[i];
        pad[i] = amount;
        if (!p->pad_to_given_output_size_mode || amount == 0) continue;
        if (!tdagi_dim_is_const(l->im->env.pool, d, &size) || amount < size)
            return tdagi_cml_refuse(&l->call, "a size that it cannot be padded to");
        pad[i] = amount - size;
    }
    tdagi_cml_set_dims(&l->call, "pad", 2 * rank, pad);
    return tdagi_layer_eval(l, "mil::pad(x=x, pad=pad, mode='constant', "
                               "constant_val=value)");
}
