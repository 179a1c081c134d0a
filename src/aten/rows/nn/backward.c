/* Backward operators, as they stand in exported graphs. */
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
    g = tdagi_mul(c->b, g, tdagi_cast(c->b, m, tdagi_dtype(c, g)));
    return tdagi_result(c, g.id == 0 ? g : tdagi_mul_scalar(c->b, g, scale));
}
