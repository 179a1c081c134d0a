/* Activations that have parameters of their own; the plain ones are rows of `unary`. */
#include <math.h>
#include <string.h>

#include "aten/aten.h"

static tdag_value self_float(tdagi_call *c)
{
    return tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
}

static tdagi_any lowered(tdagi_call *c, tdagi_composite id, tdag_value x,
                         const void *spec)
{
    return c->bad ? tdagi_any_poison()
                  : tdagi_result(c, tdagi_lower(c->b, id, &x, 1, spec));
}

static tdag_value number(tdagi_call *c, tdag_value like, double v)
{
    return like.id == 0 ? like : tdag_add_scalar(c->b, tdagi_dtype(c, like), v);
}

tdagi_any tdagi_aten_leaky_relu(tdagi_call *c)
{
    tdag_value x = self_float(c);
    tdagi_scalar_spec s = {tdagi_arg_float(c, "negative_slope", 0.01)};
    return lowered(c, TDAGI_LEAKY_RELU, x, &s);
}

tdagi_any tdagi_aten_prelu(tdagi_call *c)
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "self"), tdagi_arg_tensor(c, "weight")};
    return c->bad ? tdagi_any_poison()
                  : tdagi_result(c, tdagi_lower(c->b, TDAGI_PRELU, in, 2, NULL));
}

/* elu, celu (row data 1), selu (2) */
tdagi_any tdagi_aten_elu(tdagi_call *c)
{
    tdag_value x = self_float(c);
    tdagi_elu_spec s = {tdagi_arg_float(c, "alpha", 1), tdagi_arg_float(c, "scale", 1),
                        tdagi_arg_float(c, "input_scale", 1)};
    if (c->data == 1) s.input_scale = 1 / s.alpha;
    if (c->data == 2) {
        s.alpha = 1.6732632423543772848170429916717;
        s.scale = 1.0507009873554804934193349852946;
    }
    return lowered(c, TDAGI_ELU, x, &s);
}

tdagi_any tdagi_aten_gelu(tdagi_call *c)
{
    tdag_value x = self_float(c);
    tdagi_gelu_spec s = {0};
    if (tdagi_has(c, "approximate")) {
        const char *how = tdagi_arg_string(c, "approximate");
        s.tanh = strcmp(how, "tanh") == 0;
        if (!s.tanh && strcmp(how, "none") != 0) return tdagi_refuse(c, "approximate");
    }
    return lowered(c, TDAGI_GELU, x, &s);
}

tdagi_any tdagi_aten_softplus(tdagi_call *c)
{
    tdag_value x = self_float(c);
    tdagi_softplus_spec s = {tdagi_arg_float(c, "beta", 1),
                             tdagi_arg_float(c, "threshold", 20)};
    return lowered(c, TDAGI_SOFTPLUS, x, &s);
}

tdagi_any tdagi_aten_hardtanh(tdagi_call *c) /* row data 1: relu6 */
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_clamp_spec s = {1, 1, tdagi_arg_float(c, "min_val", c->data == 1 ? 0 : -1),
                          tdagi_arg_float(c, "max_val", c->data == 1 ? 6 : 1)};
    return lowered(c, TDAGI_CLAMP, x, &s);
}

/* x where x > threshold, else value */
tdagi_any tdagi_aten_threshold(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    const tdagi_threshold_spec s = {tdagi_arg_float(c, "threshold", 0),
                                    tdagi_arg_float(c, "value", 0)};
    return lowered(c, TDAGI_THRESHOLD, x, &s);
}

/* hardshrink: 0 within ±lambd; softshrink: x moved towards 0 by lambd, where NaN stays.
 * Row data: the composite. */
tdagi_any tdagi_aten_shrink(tdagi_call *c)
{
    tdag_value x = self_float(c);
    const tdagi_scalar_spec s = {tdagi_arg_float(c, "lambd", 0.5)};
    if (s.value < 0 && c->data == TDAGI_HARDSHRINK && !c->bad)
        return tdagi_result(c, x);
    if (s.value < 0) return tdagi_refuse(c, "lambd");
    return lowered(c, (tdagi_composite)c->data, x, &s);
}

/* a * sigmoid(b) of the halves of an axis */
tdagi_any tdagi_aten_glu(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad || tdagi_rank(c, x) == 0) return tdagi_refuse(c, "self");
    int64_t given = tdagi_arg_int(c, "dim", -1);
    uint32_t axis = tdagi_wrap_axis(c, given, tdagi_rank(c, x));
    tdag_dim n = tdagi_dim(c, x, axis), half = tdag_dim_floordiv(c->b, n, 2);
    tdag_dim even = tdag_dim_mul(c->b, half, 2);
    if (even != n &&
        tdagi_dim_sample(c->env->pool, even) != tdagi_dim_sample(c->env->pool, n))
        return tdagi_call_fail(c, TDAG_E_SHAPE, "glu of an axis of odd size");
    if (even != n) x = tdagi_assume_dim(c->b, x, axis, even);
    n = even;
    tdag_value a = tdagi_slice1(c->b, x, axis, 0, half);
    tdag_value b = tdagi_slice1(c->b, x, axis, half, n);
    return tdagi_result(
        c, tdagi_mul(c->b, a, tdagi_unary_composite(c->b, TDAGI_SIGMOID, b)));
}

/* The sigmoid's inverse, of x clamped to eps..1-eps if eps is given. */
tdagi_any tdagi_aten_logit(tdagi_call *c)
{
    tdag_value x = self_float(c);
    if (tdagi_has(c, "eps")) {
        double eps = tdagi_arg_float(c, "eps", 0);
        tdagi_clamp_spec s = {1, 1, eps, 1 - eps};
        x = tdagi_lower(c->b, TDAGI_CLAMP, &x, 1, &s);
    }
    if (c->bad || x.id == 0) return tdagi_any_poison();
    tdag_value rest = tdagi_sub(c->b, number(c, x, 1), x);
    return tdagi_result(c, tdag_unary(c->b, TDAG_OP_LOG, tdagi_div(c->b, x, rest)));
}

tdagi_any tdagi_aten_nan_to_num(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    tdag_dtype d = tdagi_dtype(c, x);
    double most = d == TDAG_F64    ? 1.7976931348623157e308
                  : d == TDAG_F16  ? 65504
                  : d == TDAG_BF16 ? 3.3895313892515355e38
                                   : 3.4028234663852886e38;
    const tdagi_nan_to_num_spec s = {tdagi_arg_float(c, "nan", 0),
                                     tdagi_arg_float(c, "posinf", most),
                                     tdagi_arg_float(c, "neginf", -most)};
    if (c->bad || !tdag_dtype_is_float(d)) return tdagi_result(c, x);
    return lowered(c, TDAGI_NAN_TO_NUM, x, &s);
}
