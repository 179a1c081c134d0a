/* Functions of complex numbers, by those of real ones. */
#include "aten/rows/complex/pair.h"

#include <math.h>

static tdag_value unary(tdagi_call *c, tdag_op op, tdag_value x)
{
    return tdag_unary(c->b, op, x);
}

static tdag_value times(tdagi_call *c, tdag_value x, tdag_value y)
{
    return tdagi_mul(c->b, x, y);
}

static tdagi_pair scaled(tdagi_call *c, tdagi_pair z, double by)
{
    return (tdagi_pair){tdagi_mul_scalar(c->b, z.re, by),
                        tdagi_mul_scalar(c->b, z.im, by)};
}

/* i z */
static tdagi_pair turned(tdagi_call *c, tdagi_pair z)
{
    return (tdagi_pair){step_neg(c, z.im), z.re};
}

/* -i z */
static tdagi_pair turned_back(tdagi_call *c, tdagi_pair z)
{
    return (tdagi_pair){z.im, step_neg(c, z.re)};
}

static tdagi_pair one(tdagi_call *c, tdagi_pair z)
{
    return tdagi_pair_number(c, z.re, 1, 0);
}

/* The result of an operator of that name on two values. */
static tdag_value call_row(tdagi_call *c, const char *name, tdag_value x, tdag_value y)
{
    tdagi_schema s;
    if (x.id == 0 || y.id == 0 ||
        !tdagi_schemas_find(c->env, name, "", TDAGI_PYTORCH_1_13 | TDAGI_PYTORCH_2_13,
                            &s))
        return TDAG_NO_VALUE;
    tdagi_any args[2] = {tdagi_result(c, x), tdagi_result(c, y)};
    tdagi_any out = tdagi_aten_call(c->env, &s, args, 2);
    if (out.kind == TDAGI_ANY_TENSOR) return tdagi_cell_read(c->env, out.u.tensor);
    c->bad = true;
    return TDAG_NO_VALUE;
}

/* ---- parts ---- */

tdag_value tdagi_pair_abs(tdagi_call *c, tdagi_pair z)
{
    if (z.im.id == 0) return step_abs(c, z.re);
    return call_row(c, "aten::hypot", z.re, z.im);
}

static tdag_value angle(tdagi_call *c, tdagi_pair z)
{
    return call_row(c, "aten::atan2", z.im, z.re);
}

/* The sign of y with the magnitude of x. */
static tdag_value with_sign_of(tdagi_call *c, tdag_value x, tdag_value y)
{
    tdag_value below = step_less(c, y, step_number(c, y, 0));
    return step_where(c, below, step_neg(c, x), x);
}

static tdagi_pair neg(tdagi_call *c, tdagi_pair z)
{
    return (tdagi_pair){step_neg(c, z.re), step_neg(c, z.im)};
}

/* z / |z|, 0 at 0 */
static tdagi_pair sgn(tdagi_call *c, tdagi_pair z)
{
    tdag_value r = tdagi_pair_abs(c, z), zero = step_number(c, r, 0);
    r = step_where(c, step_equal(c, r, zero), step_number(c, r, 1), r);
    return (tdagi_pair){tdagi_div(c->b, z.re, r), tdagi_div(c->b, z.im, r)};
}

/* ---- exponentials and roots ---- */

static tdagi_pair reciprocal(tdagi_call *c, tdagi_pair z)
{
    return tdagi_pair_div(c, one(c, z), z);
}

static tdagi_pair polar(tdagi_call *c, tdag_value r, tdag_value angle)
{
    return (tdagi_pair){times(c, r, unary(c, TDAG_OP_COS, angle)),
                        times(c, r, unary(c, TDAG_OP_SIN, angle))};
}

tdagi_pair tdagi_pair_exp(tdagi_call *c, tdagi_pair z)
{
    return polar(c, step_exp(c, z.re), z.im);
}

/* (e^a - 1) cos b - 2 sin^2(b/2), e^a sin b */
static tdagi_pair expm1_(tdagi_call *c, tdagi_pair z)
{
    tdag_value half = unary(c, TDAG_OP_SIN, tdagi_mul_scalar(c->b, z.im, 0.5));
    tdagi_pair e = tdagi_pair_exp(c, z);
    tdag_value re =
        times(c, step_one(c, TDAGI_EXPM1, z.re), unary(c, TDAG_OP_COS, z.im));
    tdag_value rest = tdagi_mul_scalar(c->b, times(c, half, half), 2);
    return (tdagi_pair){tdagi_sub(c->b, re, rest), e.im};
}

tdagi_pair tdagi_pair_log(tdagi_call *c, tdagi_pair z)
{
    if (z.im.id == 0) z.im = tdagi_full_like(c->b, z.re, 0);
    return (tdagi_pair){step_log(c, tdagi_pair_abs(c, z)), angle(c, z)};
}

/* log(1 + z) by log1p(a (2 + a) + b^2) / 2 near 0 */
static tdagi_pair log1p_(tdagi_call *c, tdagi_pair z)
{
    tdagi_pair far = tdagi_pair_log(c, tdagi_pair_add(c, z, one(c, z)));
    tdag_value near = tdagi_add(c->b, times(c, z.re, tdagi_add_scalar(c->b, z.re, 2)),
                                times(c, z.im, z.im));
    tdag_value small = step_less(c, tdagi_pair_abs(c, z), step_number(c, z.re, 0.5));
    near = tdagi_mul_scalar(c->b, step_one(c, TDAGI_LOG1P, near), 0.5);
    return (tdagi_pair){step_where(c, small, near, far.re), far.im};
}

/* t = sqrt((|a| + |z|) / 2): (t, b / 2t) on the right, (|b| / 2t, +-t) on the left; all
 * by a quarter, so that |a| + |z| does not overflow */
tdagi_pair tdagi_pair_sqrt(tdagi_call *c, tdagi_pair z)
{
    tdag_value zero = step_number(c, z.re, 0);
    if (z.im.id == 0) z.im = tdagi_full_like(c->b, z.re, 0);
    tdag_value sum = tdagi_add(c->b, tdagi_mul_scalar(c->b, step_abs(c, z.re), 0.25),
                               tdagi_mul_scalar(c->b, tdagi_pair_abs(c, z), 0.25));
    tdag_value t = step_sqrt(c, tdagi_mul_scalar(c->b, sum, 2));
    tdag_value safe = step_where(c, step_equal(c, t, zero), step_number(c, t, 1), t);
    tdag_value other = tdagi_div(c->b, tdagi_mul_scalar(c->b, z.im, 0.5), safe);
    tdag_value left = step_less(c, z.re, zero);
    return (tdagi_pair){step_where(c, left, step_abs(c, other), t),
                        step_where(c, left, with_sign_of(c, t, z.im), other)};
}

static tdagi_pair rsqrt(tdagi_call *c, tdagi_pair z)
{
    return reciprocal(c, tdagi_pair_sqrt(c, z));
}

static tdagi_pair sigmoid(tdagi_call *c, tdagi_pair z)
{
    return reciprocal(c, tdagi_pair_add(c, tdagi_pair_exp(c, neg(c, z)), one(c, z)));
}

static tdagi_pair silu(tdagi_call *c, tdagi_pair z)
{
    return tdagi_pair_mul(c, z, sigmoid(c, z));
}

/* ---- circular and hyperbolic ---- */

static tdagi_pair sinh_(tdagi_call *c, tdagi_pair z)
{
    return (tdagi_pair){
        times(c, unary(c, TDAG_OP_SINH, z.re), unary(c, TDAG_OP_COS, z.im)),
        times(c, unary(c, TDAG_OP_COSH, z.re), unary(c, TDAG_OP_SIN, z.im))};
}

static tdagi_pair cosh_(tdagi_call *c, tdagi_pair z)
{
    return (tdagi_pair){
        times(c, unary(c, TDAG_OP_COSH, z.re), unary(c, TDAG_OP_COS, z.im)),
        times(c, unary(c, TDAG_OP_SINH, z.re), unary(c, TDAG_OP_SIN, z.im))};
}

/* With t = tanh a, s = sin b, k = cos b, h = 1 / cosh^2 a: over k^2 + t^2 s^2, the real
 * part is t and the imaginary one h s k. */
static tdagi_pair tanh_(tdagi_call *c, tdagi_pair z)
{
    tdag_value t = unary(c, TDAG_OP_TANH, z.re), s = unary(c, TDAG_OP_SIN, z.im),
               k = unary(c, TDAG_OP_COS, z.im);
    tdag_value h = unary(c, TDAG_OP_RECIPROCAL, unary(c, TDAG_OP_COSH, z.re));
    tdag_value ts = times(c, t, s);
    tdag_value by = tdagi_add(c->b, times(c, k, k), times(c, ts, ts));
    tdag_value im = times(c, times(c, h, h), times(c, s, k));
    return (tdagi_pair){tdagi_div(c->b, t, by), tdagi_div(c->b, im, by)};
}

/* f(z) of the hyperbolic one: sin z = -i sinh iz, tan z = -i tanh iz, cos z = cosh iz
 */
static tdagi_pair sin_(tdagi_call *c, tdagi_pair z)
{
    return turned_back(c, sinh_(c, turned(c, z)));
}

static tdagi_pair cos_(tdagi_call *c, tdagi_pair z) { return cosh_(c, turned(c, z)); }

static tdagi_pair tan_(tdagi_call *c, tdagi_pair z)
{
    return turned_back(c, tanh_(c, turned(c, z)));
}

/* ---- rows ---- */

typedef tdagi_pair (*function)(tdagi_call *c, tdagi_pair z);

/* By what the row gives its function. */
static const struct {
    int data;
    function fn;
} functions[] = {
    {TDAG_OP_NEG, neg},
    {TDAG_OP_SIGN, sgn},
    {TDAG_OP_RECIPROCAL, reciprocal},
    {TDAG_OP_SQRT, tdagi_pair_sqrt},
    {TDAGI_OP_CODES + TDAGI_RSQRT, rsqrt},
    {TDAG_OP_EXP, tdagi_pair_exp},
    {TDAGI_OP_CODES + TDAGI_EXPM1, expm1_},
    {TDAG_OP_LOG, tdagi_pair_log},
    {TDAGI_OP_CODES + TDAGI_LOG1P, log1p_},
    {TDAG_OP_SIN, sin_},
    {TDAG_OP_COS, cos_},
    {TDAG_OP_TAN, tan_},
    {TDAG_OP_SINH, sinh_},
    {TDAG_OP_COSH, cosh_},
    {TDAG_OP_TANH, tanh_},
    {TDAGI_OP_CODES + TDAGI_SIGMOID, sigmoid},
    {TDAGI_OP_CODES + TDAGI_SILU, silu},
};

tdagi_any tdagi_pairs_unary(tdagi_call *c)
{
    c->read |= 1;
    const char *name = c->schema->n_args > 0 ? c->schema->args[0].name : "self";
    tdagi_pair z = tdagi_pair_arg(c, name);
    if (c->bad) return tdagi_any_poison();
    if (c->data == TDAGI_OP_CODES + TDAGI_ABS)
        return tdagi_result(c, tdagi_pair_abs(c, z));
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (functions[i].data == c->data)
            return tdagi_pair_result(c, functions[i].fn(c, z));
    return tdagi_refuse(c, name);
}

/* exp2, log2, log10 */
tdagi_any tdagi_pairs_other_base(tdagi_call *c)
{
    const double ln2 = 0.69314718055994530942, ln10 = 2.30258509299404568402;
    tdagi_pair z = tdagi_pair_arg(c, "self");
    if (c->bad) return tdagi_any_poison();
    if (c->data == '2')
        return tdagi_pair_result(c, tdagi_pair_exp(c, scaled(c, z, ln2)));
    return tdagi_pair_result(
        c, scaled(c, tdagi_pair_log(c, z), 1 / (c->data == 'l' ? ln2 : ln10)));
}

tdagi_any tdagi_pairs_angle(tdagi_call *c)
{
    return tdagi_result(c, angle(c, tdagi_pair_arg(c, "self")));
}

/* Whether a part is NaN or infinite, both are finite, or the imaginary one is zero. */
tdagi_any tdagi_pairs_test(tdagi_call *c)
{
    tdagi_pair z = tdagi_pair_arg(c, "self");
    tdag_value v[2];
    if (c->bad) return tdagi_any_poison();
    if (c->row->fn == tdagi_aten_isreal)
        return tdagi_result(c, step_equal(c, z.im, step_number(c, z.re, 0)));
    for (int i = 0; i < 2; i++) {
        tdagi_call half = *c;
        tdagi_any part = tdagi_complex_half(c, c->args[0], i == 1);
        half.args = &part;
        tdagi_any out = c->row->fn(&half);
        if (out.kind != TDAGI_ANY_TENSOR) return out;
        v[i] = tdagi_cell_read(c->env, out.u.tensor);
    }
    return tdagi_result(c, c->data == 'f' ? step_and(c, v[0], v[1])
                                          : step_or(c, v[0], v[1]));
}

/* abs and angle given: torch.polar */
tdagi_any tdagi_aten_polar(tdagi_call *c)
{
    tdag_value r = tdagi_arg_tensor(c, "abs"), by = tdagi_arg_tensor(c, "angle");
    if (c->bad) return tdagi_any_poison();
    return tdagi_pair_result(c, polar(c, r, by));
}
