/* Backward operators, as they stand in exported graphs. */
#include <string.h>

#include "aten/rows/steps.h"

/* Of softmax: (grad - sum(grad * y)) * y; row data 1, of log_softmax:
 * grad - exp(y) * sum(grad). */
tdagi_any tdagi_aten_softmax_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, "grad_output"),
               y = tdagi_arg_tensor(c, "output");
    if (c->bad || tdagi_rank(c, y) == 0) return tdagi_refuse(c, "output");
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, y));
    tdag_dtype d = tdagi_arg_dtype(c, "input_dtype");
    if (c->bad) return tdagi_any_poison();
    if (d != tdagi_dtype(c, y)) return tdagi_refuse(c, "input_dtype");
    tdag_value sum = step_sum(c, c->data == 1 ? g : tdagi_mul(c->b, g, y), axis, true);
    if (c->data == 1)
        return tdagi_result(c,
                            tdagi_sub(c->b, g, tdagi_mul(c->b, step_exp(c, y), sum)));
    return tdagi_result(c, tdagi_mul(c->b, tdagi_sub(c->b, g, sum), y));
}

/* Of sigmoid and tanh (row data 1) by their results. */
tdagi_any tdagi_aten_sigmoid_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, "grad_output"),
               y = tdagi_arg_tensor(c, "output");
    if (c->bad) return tdagi_any_poison();
    tdag_value one = step_number(c, y, 1);
    tdag_value slope = c->data == 1 ? tdagi_sub(c->b, one, tdagi_mul(c->b, y, y))
                                    : tdagi_mul(c->b, y, tdagi_sub(c->b, one, y));
    return tdagi_result(c, tdagi_mul(c->b, g, slope));
}

tdagi_any tdagi_aten_threshold_backward(tdagi_call *c)
{
    tdag_value g, x;
    step_pair(c, "grad_output", "self", &g, &x);
    tdag_value least = tdagi_as(c, tdagi_arg(c, "threshold"), tdagi_dtype(c, x));
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, step_where(c, step_lower(c, TDAGI_LESS_EQUAL, x, least),
                                      step_number(c, g, 0), g));
}

tdagi_any tdagi_aten_dropout_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, "grad_output"), m = tdagi_arg_tensor(c, "mask");
    double scale = tdagi_arg_float(c, "scale", 1);
    if (c->bad) return tdagi_any_poison();
    g = tdagi_as_float(c, g);
    g = tdagi_mul(c->b, g, tdagi_cast(c->b, m, tdagi_dtype(c, g)));
    return tdagi_result(c, g.id == 0 ? g : tdagi_mul_scalar(c->b, g, scale));
}

/* ---- of activations, by their inputs ---- */

typedef struct slope {
    tdagi_call *c;
    tdag_value g, x;
} slope;

static tdag_value times(slope *s, tdag_value factor)
{
    return tdagi_mul(s->c->b, s->g, factor);
}
/* g where the condition holds, else 0 */
static tdag_value only(slope *s, tdag_value condition)
{
    return step_where(s->c, condition, s->g, step_number(s->c, s->g, 0));
}
static tdag_value below(slope *s, tdag_value x, double y)
{
    return step_less(s->c, x, step_number(s->c, x, y));
}
static tdag_value above(slope *s, tdag_value x, double y)
{
    return step_less(s->c, step_number(s->c, x, y), x);
}
static tdag_value one_minus(slope *s, tdag_value x)
{
    return tdagi_sub(s->c->b, step_number(s->c, x, 1), x);
}
/* x a + b */
static tdag_value line(slope *s, tdag_value x, double a, double b)
{
    x = tdagi_mul_scalar(s->c->b, x, a);
    return x.id == 0 ? x : tdagi_add_scalar(s->c->b, x, b);
}

static tdag_value leaky_relu_slope(slope *s)
{
    double a = tdagi_arg_float(s->c, "negative_slope", 0.01);
    tdagi_ignore(s->c, "self_is_result"); /* of the same sign */
    return step_where(s->c, above(s, s->x, 0), s->g,
                      tdagi_mul_scalar(s->c->b, s->g, a));
}

static tdag_value elu_slope(slope *s)
{
    double scale = tdagi_arg_float(s->c, "scale", 1),
           in = tdagi_arg_float(s->c, "input_scale", 1);
    double low = scale * tdagi_arg_float(s->c, "alpha", 1);
    tdag_value y = s->x;
    if (tdagi_arg_bool(s->c, "is_result", false))
        y = line(s, y, in, in * low);
    else
        y = line(s, step_exp(s->c, tdagi_mul_scalar(s->c->b, y, in)), in * low, 0);
    return step_where(s->c, above(s, s->x, 0), tdagi_mul_scalar(s->c->b, s->g, scale),
                      times(s, y));
}

/* Where x is strictly between two numbers. */
static tdag_value between(slope *s, double low, double high)
{
    return step_and(s->c, above(s, s->x, low), below(s, s->x, high));
}

/* x (1 + y) / 2 with y = erf(x / sqrt(2)) or tanh(u): (1 + y) / 2 + x y' / 2 */
static tdag_value gelu_slope(slope *s)
{
    tdagi_call *c = s->c;
    bool tanh = strcmp(tdagi_arg_string(c, "approximate"), "tanh") == 0;
    tdag_value square = tdagi_mul(c->b, s->x, s->x);
    const double root = 0.7978845608028654; /* sqrt(2 / pi) */
    if (!tanh) {
        tdag_value cdf = tdag_unary(c->b, TDAG_OP_GAUSSIAN, s->x);
        tdag_value pdf = line(s, step_exp(c, line(s, square, -0.5, 0)), root / 2, 0);
        return times(s, tdagi_add(c->b, cdf, tdagi_mul(c->b, s->x, pdf)));
    }
    tdag_value u = tdagi_mul(c->b, s->x, line(s, square, root * 0.044715, root));
    tdag_value y = tdag_unary(c->b, TDAG_OP_TANH, u);
    tdag_value du = line(s, square, root * 3 * 0.044715, root);
    tdag_value dy = tdagi_mul(c->b, one_minus(s, tdagi_mul(c->b, y, y)), du);
    dy = tdagi_mul(c->b, line(s, s->x, 0.5, 0), dy);
    return times(s, tdagi_add(c->b, line(s, y, 0.5, 0.5), dy));
}

/* sigmoid(x) (1 + x (1 - sigmoid(x))) */
static tdag_value silu_slope(slope *s)
{
    tdag_value y = step_one(s->c, TDAGI_SIGMOID, s->x);
    tdag_value inner = tdagi_mul(s->c->b, s->x, one_minus(s, y));
    return times(s, tdagi_mul(s->c->b, y, line(s, inner, 1, 1)));
}

/* t + x sigmoid(x) (1 - t^2) with t = tanh(softplus(x)) */
static tdag_value mish_slope(slope *s)
{
    tdagi_call *c = s->c;
    const tdagi_softplus_spec spec = {1, 20};
    tdag_value t =
        s->x.id == 0 ? s->x : tdagi_lower(c->b, TDAGI_SOFTPLUS, &s->x, 1, &spec);
    t = tdag_unary(c->b, TDAG_OP_TANH, t);
    tdag_value rest = tdagi_mul(c->b, s->x, step_one(c, TDAGI_SIGMOID, s->x));
    rest = tdagi_mul(c->b, rest, one_minus(s, tdagi_mul(c->b, t, t)));
    return times(s, tdagi_add(c->b, t, rest));
}

static tdag_value softplus_slope(slope *s)
{
    tdag_value x = tdagi_mul_scalar(s->c->b, s->x, tdagi_arg_float(s->c, "beta", 1));
    return step_where(s->c, above(s, x, tdagi_arg_float(s->c, "threshold", 20)), s->g,
                      times(s, step_one(s->c, TDAGI_SIGMOID, x)));
}

static tdag_value hardswish_slope(slope *s)
{
    tdag_value inner = times(s, line(s, s->x, 1.0 / 3, 0.5));
    inner = step_where(s->c, above(s, s->x, 3), s->g, inner);
    return step_where(s->c, below(s, s->x, -3), step_number(s->c, s->g, 0), inner);
}

static tdag_value slope_of(slope *s)
{
    tdagi_call *c = s->c;
    double a;
    switch (c->data) {
    case 'l':
        return leaky_relu_slope(s);
    case 'e':
        return elu_slope(s);
    case 'g':
        return gelu_slope(s);
    case 's':
        return silu_slope(s);
    case 'm':
        return mish_slope(s);
    case 'p':
        return softplus_slope(s);
    case 'w':
        return hardswish_slope(s);
    case 'h':
        return only(s, between(s, tdagi_arg_float(c, "min_val", -1),
                               tdagi_arg_float(c, "max_val", 1)));
    case 'i':
        return tdagi_mul_scalar(c->b, only(s, between(s, -3, 3)), 1.0 / 6);
    case 'o':
        return times(s, step_one(c, TDAGI_SIGMOID, step_neg(c, s->x)));
    default: /* shrink */
        a = tdagi_arg_float(c, "lambd", 0.5);
        return only(s, step_or(c, above(s, s->x, a), below(s, s->x, -a)));
    }
}

/* Row data: which. Halves are computed in f32. */
tdagi_any tdagi_aten_activation_backward(tdagi_call *c)
{
    slope s = {.c = c};
    step_pair(c, c->schema->args[0].name,
              tdagi_has(c, "self_or_result") ? "self_or_result" : "self", &s.g, &s.x);
    if (c->bad) return tdagi_any_poison();
    tdag_value pair[2] = {s.g, s.x};
    tdag_dtype own = tdagi_dtype(c, s.x);
    tdagi_match_broadcast(c, 2, pair);
    s.g = tdagi_widen(c->b, pair[0], &own);
    s.x = tdagi_widen(c->b, pair[1], &own);
    tdag_value y = slope_of(&s);
    return c->bad ? tdagi_any_poison() : tdagi_result(c, tdagi_cast(c->b, y, own));
}

/* 2 (x - target) g, over the number of elements for a mean */
tdagi_any tdagi_aten_mse_loss_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, "grad_output"), x, t;
    step_pair(c, "self", "target", &x, &t);
    bool mean = tdagi_arg_int(c, "reduction", 1) == 1;
    if (c->bad) return tdagi_any_poison();
    tdag_value y = tdagi_mul_scalar(c->b, tdagi_mul(c->b, tdagi_sub(c->b, x, t), g), 2);
    if (mean && y.id != 0)
        y = tdagi_div(c->b, y,
                      tdagi_dim_scalar(c->b, step_count(c, y), tdagi_dtype(c, y)));
    return tdagi_result(c, y);
}

/* ---- of views: the gradient in its place among zeroes ---- */

/* slice_backward; row data 1: select_backward */
tdagi_any tdagi_aten_slice_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, "grad_output");
    tdag_list size = tdagi_arg_dims(c, "input_sizes");
    uint32_t axis = tdagi_arg_axis(c, "dim", size.n);
    if (c->bad || axis >= size.n) return tdagi_refuse(c, "dim");
    tdag_dim n = size.v[axis], start, end;
    int64_t step = 1;
    if (c->data == 1) {
        start = tdagi_slice_bound(c, tdagi_arg_dim(c, "index", 0), n);
        end = tdag_dim_add(c->b, start, 1);
        if (!c->bad && tdagi_rank(c, g) + 1 == size.n)
            g = tdagi_unsqueeze1(c->b, g, axis);
    } else {
        start = tdagi_slice_bound(c, tdagi_arg_dim(c, "start", 0), n);
        end = tdagi_slice_bound(c, tdagi_arg_dim(c, "end", INT64_MAX), n);
        step = tdagi_arg_int(c, "step", 1);
    }
    bool fits = !c->bad && step >= 1 && tdagi_rank(c, g) == size.n;
    for (uint32_t i = 0; fits && i < size.n; i++)
        fits = i == axis || tdagi_dim(c, g, i) == size.v[i];
    int64_t from, to;
    if (!fits || !tdagi_dim_is_const(c->env->pool, start, &from) ||
        !tdagi_dim_is_const(c->env->pool, end, &to) || to < from ||
        tdagi_dim(c, g, axis) != (to - from + step - 1) / step)
        return tdagi_refuse(c, "input_sizes");
    tdag_value y = tdagi_full(c->b, tdagi_dtype(c, g), size.n, size.v, 0);
    return tdagi_result(c, tdagi_slice_assign(c->b, y, axis, start, end, step, g));
}

tdagi_any tdagi_aten_diagonal_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, "grad_output");
    tdag_list size = tdagi_arg_dims(c, "input_sizes");
    if (c->bad) return tdagi_any_poison();
    tdagi_any whole =
        tdagi_result(c, tdagi_full(c->b, tdagi_dtype(c, g), size.n, size.v, 0));
    tdagi_replace_arg(c, "grad_output", whole);
    tdagi_any part = tdagi_aten_diagonal(c);
    if (part.kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
    if (!tdagi_same_shape(c, g, tdagi_cell_rank(c->env, part.u.tensor),
                          tdagi_cell_shape(c->env, part.u.tensor)))
        return tdagi_refuse(c, "grad_output");
    tdagi_cell_write(c->env, part.u.tensor, g);
    return whole;
}
