/* Windows of signals. A periodic one is a symmetric one of one element more, without
 * its last. All are computed in f64; one of one element is 1. */
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

/* Row data: 'n' hann, 'm' hamming, 'b' blackman, 't' bartlett, 'k' kaiser. */
tdagi_any tdagi_aten_window(tdagi_call *c)
{
    tdag_dim n = tdagi_arg_dim(c, "window_length", 0);
    bool periodic = tdagi_arg_bool(c, "periodic", true);
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    if (c->bad) return tdagi_any_poison();
    if (d == TDAG_DTYPE_NONE) d = TDAG_F32;
    if (!tdag_dtype_is_float(d)) return tdagi_refuse(c, "dtype");
    tdag_value i = tdag_iota(c->b, n, TDAG_F64);
    tdag_value count = tdagi_dim_scalar(c->b, n, TDAG_F64);
    tdag_value steps =
        periodic ? count : tdagi_dim_scalar(c->b, tdag_dim_sub(c->b, n, 1), TDAG_F64);
    tdag_value w = shape_of(c, tdagi_div(c->b, i, steps));
    tdag_value one = step_number(c, i, 1);
    /* a symbol may be 1, too */
    if (n < 2) w = step_where(c, step_equal(c, count, one), one, w);
    return tdagi_result(c, tdagi_cast(c->b, w, d));
}
