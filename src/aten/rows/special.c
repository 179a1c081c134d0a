/* Element-wise operators of two arguments with edges of their own, and special
 * functions. Tensors and numbers, with promotion. */
#include <math.h>

#include "aten/rows/steps.h"

#define MOST_ORDER 170 /* of gamma functions; 170! is a number */

/* Below zero or -0. */
static tdag_value has_minus(tdagi_call *c, tdag_value x)
{
    tdag_value zero = step_number(c, x, 0), below = step_less(c, x, zero);
    if (x.id == 0 || !tdag_dtype_is_float(tdagi_dtype(c, x))) return below;
    tdag_value inverse = tdag_unary(c->b, TDAG_OP_RECIPROCAL, x);
    return step_or(c, below, step_less(c, inverse, zero));
}

/* Row data: the composite, of whatever dtype both have. */
tdagi_any tdagi_aten_binary_same(tdagi_call *c)
{
    tdag_value in[2];
    step_pair(c, "self", tdagi_has(c, "values") ? "values" : "other", &in[0], &in[1]);
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, tdagi_lower(c->b, (tdagi_composite)c->data, in, 2, NULL));
}

tdagi_any tdagi_aten_signbit(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    if (tdagi_dtype(c, x) == TDAG_BOOL)
        return tdagi_result(c, tdagi_full_like(c->b, x, 0));
    return tdagi_result(c, has_minus(c, x));
}

/* x 2^y */
tdagi_any tdagi_aten_ldexp(tdagi_call *c)
{
    tdag_value y = tdagi_as_float(c, tdagi_arg_tensor(c, "other"));
    if (c->bad) return tdagi_any_poison();
    tdag_value power = step_lower(c, TDAGI_POW, step_number(c, y, 2), y);
    return tdagi_binary(c, TDAGI_FOLD_MUL, tdagi_arg(c, "self"),
                        tdagi_result(c, power));
}

/* x == y, or both finite and |x - y| <= atol + rtol |y| */
tdagi_any tdagi_aten_isclose(tdagi_call *c)
{
    tdag_value x, y;
    double rtol = tdagi_arg_float(c, "rtol", 1e-5),
           atol = tdagi_arg_float(c, "atol", 0);
    bool nan = tdagi_arg_bool(c, "equal_nan", false);
    tdag_dtype d = step_pair(c, "self", "other", &x, &y);
    if (c->bad) return tdagi_any_poison();
    tdag_value same = step_equal(c, x, y);
    if (nan && tdag_dtype_is_float(d))
        same = step_or(c, same, step_and(c, step_isnan(c, x), step_isnan(c, y)));
    x = tdagi_as_float(c, x);
    y = tdagi_as_float(c, y);
    tdag_value gap = step_abs(c, tdagi_sub(c->b, x, y));
    tdag_value most =
        tdagi_add_scalar(c->b, step_abs(c, tdagi_mul_scalar(c->b, y, rtol)), atol);
    tdag_value near = step_and(c, step_lower(c, TDAGI_LESS_EQUAL, gap, most),
                               step_less(c, gap, step_number(c, gap, INFINITY)));
    return tdagi_result(c, step_or(c, same, near));
}

/* equal, and allclose by row data 1: one bool, which a run tells */
tdagi_any tdagi_aten_all_equal(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), y = tdagi_arg_tensor(c, "other");
    if (c->bad) return tdagi_any_poison();
    if (c->data == 0) {
        int64_t n, m;
        bool same = tdagi_rank(c, x) == tdagi_rank(c, y), differ = !same;
        for (uint32_t i = 0; same && i < tdagi_rank(c, x); i++) {
            tdag_dim a = tdagi_shape(c, x)[i], b = tdagi_shape(c, y)[i];
            differ |= a != b && tdagi_dim_is_const(c->env->pool, a, &n) &&
                      tdagi_dim_is_const(c->env->pool, b, &m);
            same = a == b;
        }
        if (differ) return tdagi_any_bool(false);
        if (!same) return tdagi_refuse(c, "other");
    }
    tdagi_any near = c->data == 1 ? tdagi_aten_isclose(c)
                                  : tdagi_binary(c, TDAGI_FOLD_EQ, tdagi_arg(c, "self"),
                                                 tdagi_arg(c, "other"));
    tdagi_any all = tdagi_aten_call_named(c->env, "aten::all", "", 1, &near);
    if (all.kind == TDAGI_ANY_TENSOR) all.kind = TDAGI_ANY_DATA;
    all.letter = 'b';
    return all;
}

/* Row data: the sign of the infinity. */
tdagi_any tdagi_aten_isinf_of(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    if (!tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_result(
            c, tdagi_full(c->b, TDAG_BOOL, tdagi_rank(c, x), tdagi_shape(c, x), 0));
    return tdagi_result(
        c, step_equal(c, x, step_number(c, x, c->data < 0 ? -INFINITY : INFINITY)));
}

/* Row data: the composite. */
tdagi_any tdagi_aten_binary_float(tdagi_call *c)
{
    tdag_value in[2];
    step_float_pair(c, "self", "other", &in[0], &in[1]);
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, tdagi_lower(c->b, (tdagi_composite)c->data, in, 2, NULL));
}

tdagi_any tdagi_aten_polygamma(tdagi_call *c)
{
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    tdagi_order_spec s = {tdagi_arg_int(c, "n", 0)};
    if (c->bad) return tdagi_any_poison();
    if (s.order < 0 || s.order > MOST_ORDER) return tdagi_refuse(c, "n");
    if (s.order == 0) return tdagi_result(c, step_one(c, TDAGI_DIGAMMA, x));
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_POLYGAMMA, &x, 1, &s));
}

/* The sum of lgamma(x - j/2) for j of 0...p-1, and p (p - 1)/4 log(pi). */
tdagi_any tdagi_aten_mvlgamma(tdagi_call *c)
{
    const double log_pi = 1.14472988584940017414;
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    int64_t p = tdagi_arg_int(c, "p", 0);
    if (c->bad) return tdagi_any_poison();
    if (p < 1 || p > MOST_ORDER) return tdagi_refuse(c, "p");
    uint32_t last = tdagi_rank(c, x);
    tdag_value j = tdagi_mul_scalar(c->b, tdag_iota(c->b, p, tdagi_dtype(c, x)), -0.5);
    tdag_value y = tdagi_add(c->b, tdagi_unsqueeze1(c->b, x, last), j);
    y = step_sum(c, step_one(c, TDAGI_LGAMMA, y), last, false);
    return tdagi_result(c,
                        tdagi_add_scalar(c->b, y, (double)(p * (p - 1)) / 4 * log_pi));
}

/* Of one float argument; row data: 'd' deg2rad, 'r' rad2deg, 's' sinc, 'e' entr,
 * 'c' erfc. */
tdagi_any tdagi_aten_special(tdagi_call *c)
{
    const double pi = 3.14159265358979323846;
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    if (c->bad) return tdagi_any_poison();
    tdag_value zero = step_number(c, x, 0), y;
    switch (c->data) {
    case 'd':
        return tdagi_result(c, tdagi_mul_scalar(c->b, x, pi / 180));
    case 'r':
        return tdagi_result(c, tdagi_mul_scalar(c->b, x, 180 / pi));
    case 's': /* sin(pi x) / (pi x), 1 at 0 */
        y = tdagi_mul_scalar(c->b, x, pi);
        y = tdagi_div(c->b, tdag_unary(c->b, TDAG_OP_SIN, y), y);
        return tdagi_result(
            c, step_where(c, step_equal(c, x, zero), step_number(c, x, 1), y));
    case 'e': /* -x log x, 0 at 0, -inf below */
        y = step_neg(c, tdagi_mul(c->b, x, step_log(c, x)));
        y = step_where(c, step_equal(c, x, zero), zero, y);
        return tdagi_result(
            c, step_where(c, step_less(c, x, zero), step_number(c, x, -INFINITY), y));
    default: /* 2 P(X > x sqrt 2), accurate where erf is near 1 */
        y = tdagi_mul_scalar(c->b, x, -1.41421356237309504880);
        y = tdag_unary(c->b, TDAG_OP_GAUSSIAN, y);
        return tdagi_result(c, tdagi_mul_scalar(c->b, y, 2));
    }
}

/* ---- what complex numbers have, of real ones ---- */

tdagi_any tdagi_aten_isreal(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(
        c, tdagi_full(c->b, TDAG_BOOL, tdagi_rank(c, x), tdagi_shape(c, x), 1));
}

/* pi of what is negative, 0 of what is not */
tdagi_any tdagi_aten_angle(tdagi_call *c)
{
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    if (c->bad || x.id == 0) return tdagi_any_poison();
    tdag_value zero = step_number(c, x, 0);
    tdag_value y = step_where(c, step_less(c, x, zero),
                              step_number(c, x, 3.14159265358979323846), zero);
    return tdagi_result(c, step_where(c, step_isnan(c, x), x, y));
}

/* ---- mantissa and exponent ---- */

/* x 2^-e for e of -most...most */
static tdag_value divide_by_power(tdagi_call *c, tdag_value x, tdag_value e, int most)
{
    const tdag_dim n = 2 * most + 1;
    tdag_tensor *t;
    tdag_status st = tdag_tensor_create(c->env->ctx, TDAG_F64, 1, &n, &t);
    if (st != TDAG_OK) {
        tdagi_builder_fail(c->b, st, "a table of powers");
        return TDAG_NO_VALUE;
    }
    double *powers = tdag_tensor_get_mutable_data(t);
    for (int i = 0; i < n; i++)
        powers[i] = ldexp(1, most - i);
    tdag_value v = tdag_add_tensor(c->b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    e = tdagi_add_scalar(c->b, tdagi_cast(c->b, e, TDAG_I64), most);
    return tdagi_mul(c->b, x, tdag_gather(c->b, v, e, 0));
}

/* x = m 2^e with m in [0.5, 1), exact: the exponent that a logarithm says is moved to
 * where m lies, and powers of two divide exactly in f64, those of f64 in two steps. */
tdagi_any tdagi_aten_frexp(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad || !tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_refuse(c, "self");
    tdag_dtype d = tdagi_dtype(c, x);
    tdag_value wide = tdagi_cast(c->b, x, TDAG_F64), half = step_number(c, wide, 0.5);
    tdag_value one = step_number(c, wide, 1), zero = step_number(c, wide, 0);
    tdag_value infinite =
        step_equal(c, step_abs(c, wide), step_number(c, wide, INFINITY));
    tdag_value plain = step_or(c, step_equal(c, wide, zero), infinite);
    plain = step_or(c, plain, step_isnan(c, wide)); /* is its own mantissa */
    tdag_value a = step_where(c, plain, half, step_abs(c, wide));
    tdag_value e = tdagi_mul_scalar(c->b, step_log(c, a), 1.44269504088896340736);
    e = tdagi_add_scalar(c->b, tdag_unary(c->b, TDAG_OP_FLOOR, e), 1);
    tdag_value m = a;
    if (d == TDAG_F64) {
        tdag_value part = tdagi_mul_scalar(c->b, e, 0.5);
        part = tdag_unary(c->b, TDAG_OP_FLOOR, part);
        m = divide_by_power(c, m, part, 540);
        m = divide_by_power(c, m, tdagi_sub(c->b, e, part), 540);
    } else {
        m = divide_by_power(c, m, e, 160); /* beyond that of any f32 */
    }
    tdag_value high = step_lower(c, TDAGI_LESS_EQUAL, one, m);
    tdag_value low = step_less(c, m, half);
    m = step_where(c, high, tdagi_mul_scalar(c->b, m, 0.5), m);
    m = step_where(c, low, tdagi_mul_scalar(c->b, m, 2), m);
    e = step_where(c, high, tdagi_add_scalar(c->b, e, 1), e);
    e = step_where(c, low, tdagi_add_scalar(c->b, e, -1), e);
    m = step_where(c, step_less(c, wide, zero), step_neg(c, m), m);
    tdag_value v[2] = {tdagi_cast(c->b, step_where(c, plain, wide, m), d),
                       tdagi_cast(c->b, step_where(c, plain, zero, e), TDAG_I32)};
    return tdagi_results(c, 2, v);
}
