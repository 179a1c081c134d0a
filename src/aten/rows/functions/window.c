/* Windows of signals. A periodic one is a symmetric one of one element more, without
 * its last. All are computed in f64. */
#include <math.h>

#include "aten/rows/steps.h"

static const double two_pi = 6.28318530717958647693;

static tdag_value cosine(tdagi_call *c, tdag_value turn, double times)
{
    return tdag_unary(c->b, TDAG_OP_COS, tdagi_mul_scalar(c->b, turn, times * two_pi));
}

/* I0(beta sqrt(1 - y^2)) / I0(beta), y from -1 to 1 */
static tdag_value kaiser(tdagi_call *c, tdag_value turn)
{
    tdag_value beta = step_number(c, turn, tdagi_arg_float(c, "beta", 12));
    tdag_value y = tdagi_add_scalar(c->b, tdagi_mul_scalar(c->b, turn, 2), -1);
    y = tdagi_sub(c->b, step_number(c, turn, 1), tdagi_mul(c->b, y, y));
    y = tdagi_mul(c->b, beta, step_sqrt(c, step_at_least(c, y, 0)));
    return tdagi_div(c->b, step_one(c, TDAGI_I0, y), step_one(c, TDAGI_I0, beta));
}

/* a - b cos(turn) + e cos(2 turn) */
static tdag_value cosines(tdagi_call *c, tdag_value turn, double a, double b, double e)
{
    tdag_value w = tdagi_mul_scalar(c->b, cosine(c, turn, 1), -b);
    w = tdagi_add_scalar(c->b, w, a);
    if (e == 0) return w;
    return tdagi_add(c->b, w, tdagi_mul_scalar(c->b, cosine(c, turn, 2), e));
}

static tdag_value shape_of(tdagi_call *c, tdag_value turn)
{
    switch (c->data) {
    case 'n':
        return cosines(c, turn, 0.5, 0.5, 0);
    case 'm': {
        double alpha = tdagi_arg_float(c, "alpha", 0.54);
        return cosines(c, turn, alpha, tdagi_arg_float(c, "beta", 0.46), 0);
    }
    case 'b':
        return cosines(c, turn, 0.42, 0.5, 0.08);
    case 't': {
        tdag_value y = tdagi_add_scalar(c->b, tdagi_mul_scalar(c->b, turn, 2), -1);
        return tdagi_sub(c->b, step_number(c, y, 1), step_abs(c, y));
    }
    default:
        return kaiser(c, turn);
    }
}

/* Of one element, which is 1, it is the middle of a window of three, at any size that a
 * symbol may have: `alone` is 1 there and 0 at others. The middle of a Hamming window
 * of other factors is not 1. */
static tdag_value window(tdagi_call *c, tdag_dim n, bool periodic)
{
    tdag_dim alone = tdag_dim_max(c->b, 0, tdag_dim_sub(c->b, 2, n));
    tdag_dim end = tdag_dim_add(c->b, n, alone);
    tdag_dim steps = periodic ? end : tdag_dim_add(c->b, end, alone);
    if (!periodic) steps = tdag_dim_sub(c->b, steps, 1);
    tdag_value i = tdag_iota(c->b, end, TDAG_F64);
    i = tdagi_slice1(c->b, i, 0, alone, end);
    tdag_value w =
        shape_of(c, tdagi_div(c->b, i, tdagi_dim_scalar(c->b, steps, TDAG_F64)));
    if (c->data != 'm' || n > 1 ||
        tdagi_arg_float(c, "alpha", 0.54) + tdagi_arg_float(c, "beta", 0.46) == 1)
        return w;
    tdag_value one = tdag_add_scalar(c->b, TDAG_I64, 1);
    return step_where(c, step_equal(c, tdagi_dim_value(c->b, n), one),
                      step_number(c, i, 1), w);
}

/* Row data: 'n' hann, 'm' hamming, 'b' blackman, 't' bartlett, 'k' kaiser. */
tdagi_any tdagi_aten_window(tdagi_call *c)
{
    tdag_dim n = tdagi_arg_dim(c, "window_length", 0);
    bool periodic = tdagi_arg_bool(c, "periodic", true);
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    if (c->bad) return tdagi_any_poison();
    if (d == TDAG_DTYPE_NONE) d = TDAG_F32;
    if (!tdag_dtype_is_float(d)) return tdagi_refuse(c, "dtype");
    return tdagi_result(c, tdagi_cast(c->b, window(c, n, periodic), d));
}
