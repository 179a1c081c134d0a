/* Arithmetic of complex numbers. */
#include "aten/rows/complex/pair.h"

/* ---- pairs ---- */

tdagi_pair tdagi_pair_number(tdagi_call *c, tdag_value like, double re, double im)
{
    return (tdagi_pair){step_number(c, like, re),
                        im == 0 ? TDAG_NO_VALUE : step_number(c, like, im)};
}

tdagi_pair tdagi_pair_add(tdagi_call *c, tdagi_pair x, tdagi_pair y)
{
    tdag_value im = x.im.id == 0   ? y.im
                    : y.im.id == 0 ? x.im
                                   : tdagi_add(c->b, x.im, y.im);
    return (tdagi_pair){tdagi_add(c->b, x.re, y.re), im};
}

tdagi_pair tdagi_pair_sub(tdagi_call *c, tdagi_pair x, tdagi_pair y)
{
    tdag_value im = y.im.id == 0   ? x.im
                    : x.im.id == 0 ? step_neg(c, y.im)
                                   : tdagi_sub(c->b, x.im, y.im);
    return (tdagi_pair){tdagi_sub(c->b, x.re, y.re), im};
}

tdagi_pair tdagi_pair_mul(tdagi_call *c, tdagi_pair x, tdagi_pair y)
{
    return tdagi_complex_multiply(c->b, x, y);
}

tdagi_pair tdagi_pair_div(tdagi_call *c, tdagi_pair x, tdagi_pair y)
{
    return tdagi_complex_divide(c->b, x, y);
}

/* ---- two operands ---- */

void tdagi_pair_match(tdagi_call *c, tdagi_pair *x, tdagi_pair *y)
{
    tdag_value *all[4] = {&x->re, &x->im, &y->re, &y->im}, v[4];
    uint32_t n = 0;
    for (uint32_t i = 0; i < 4; i++)
        if (all[i]->id != 0) v[n++] = *all[i];
    tdagi_match_broadcast(c, n, v);
    for (uint32_t i = 0, k = 0; i < 4; i++)
        if (all[i]->id != 0) *all[i] = v[k++];
}

static tdag_value equal(tdagi_call *c, tdagi_pair x, tdagi_pair y)
{
    tdag_value zero = step_number(c, x.re, 0);
    if (x.im.id == 0) x.im = zero;
    if (y.im.id == 0) y.im = zero;
    return step_and(c, step_equal(c, x.re, y.re), step_equal(c, x.im, y.im));
}

static tdagi_any combine(tdagi_call *c, tdagi_fold_op op, tdagi_pair x, tdagi_pair y)
{
    if (op == TDAGI_FOLD_EQ) return tdagi_result(c, equal(c, x, y));
    if (op == TDAGI_FOLD_NE) return tdagi_result(c, step_not(c, equal(c, x, y)));
    tdagi_pair z = op == TDAGI_FOLD_ADD   ? tdagi_pair_add(c, x, y)
                   : op == TDAGI_FOLD_SUB ? tdagi_pair_sub(c, x, y)
                   : op == TDAGI_FOLD_MUL ? tdagi_pair_mul(c, x, y)
                                          : tdagi_pair_div(c, x, y);
    return tdagi_pair_result(c, z);
}

static bool is_operand(tdagi_any v)
{
    return tdagi_is_complex(v) || tdagi_any_is_tensor(v) || tdagi_any_is_number(v);
}

/* Python numbers, one of them complex; none: the operation is not of these. */
static tdagi_any of_numbers(tdagi_call *c, tdagi_fold_op op, tdagi_any a, tdagi_any b)
{
    double x[2], y[2];
    for (int i = 0; i < 2; i++) {
        x[i] = tdagi_any_sample(c->env, tdagi_complex_half(c, a, i == 1));
        y[i] = tdagi_any_sample(c->env, tdagi_complex_half(c, b, i == 1));
    }
    if (op == TDAGI_FOLD_ADD)
        return tdagi_any_complex_number(c->env, x[0] + y[0], x[1] + y[1]);
    if (op == TDAGI_FOLD_SUB)
        return tdagi_any_complex_number(c->env, x[0] - y[0], x[1] - y[1]);
    if (op == TDAGI_FOLD_MUL)
        return tdagi_any_complex_number(c->env, x[0] * y[0] - x[1] * y[1],
                                        x[0] * y[1] + x[1] * y[0]);
    return tdagi_any_none();
}

/* x op alpha y */
static tdagi_any scaled(tdagi_call *c, tdagi_fold_op op, tdagi_any x, tdagi_any y)
{
    if (!is_operand(x)) return tdagi_refuse(c, c->schema->args[0].name);
    if (!is_operand(y)) return tdagi_refuse(c, c->schema->args[1].name);
    bool data = x.kind == TDAGI_ANY_COMPLEX || y.kind == TDAGI_ANY_COMPLEX ||
                tdagi_any_is_tensor(x) || tdagi_any_is_tensor(y);
    bool open = tdagi_any_is_open(c->env, x) || tdagi_any_is_open(c->env, y);
    tdagi_any known = data || open ? tdagi_any_none() : of_numbers(c, op, x, y);
    if (known.kind != TDAGI_ANY_NONE) return known;
    tdagi_any all[3] = {x, y, tdagi_arg(c, "alpha")};
    bool has_alpha = all[2].kind != TDAGI_ANY_NONE, assumed = false;
    if (has_alpha)
        has_alpha =
            !tdagi_any_equal(c->env, all[2], tdagi_any_int(c->env, 1), &assumed);
    tdag_dtype d = tdagi_pair_type(c, 2, all);
    tdagi_pair a = tdagi_pair_as(c, x, d), b = tdagi_pair_as(c, y, d);
    if (has_alpha) b = tdagi_pair_mul(c, b, tdagi_pair_as(c, all[2], d));
    if (c->bad) return tdagi_any_poison();
    tdagi_pair_match(c, &a, &b);
    return combine(c, op, a, b);
}

tdagi_any tdagi_pairs_binary(tdagi_call *c)
{
    tdagi_fold_op op = (tdagi_fold_op)c->data;
    bool is = op == TDAGI_FOLD_ADD || op == TDAGI_FOLD_SUB || op == TDAGI_FOLD_MUL ||
              op == TDAGI_FOLD_DIV || op == TDAGI_FOLD_EQ || op == TDAGI_FOLD_NE;
    c->read |= 3;
    if (!is || c->n < 2)
        return tdagi_refuse(c,
                            c->schema->args[tdagi_is_complex(c->args[0]) ? 0 : 1].name);
    return scaled(c, op, c->args[0], c->args[1]);
}

tdagi_any tdagi_pairs_rsub(tdagi_call *c)
{
    c->read |= 3;
    return scaled(c, TDAGI_FOLD_SUB, c->args[1], c->args[0]);
}

/* self + value * tensor1 * tensor2, or with a division (row data 1) */
tdagi_any tdagi_pairs_addc(tdagi_call *c)
{
    tdagi_any v[4] = {tdagi_arg(c, "self"), tdagi_arg(c, "tensor1"),
                      tdagi_arg(c, "tensor2"), tdagi_arg(c, "value")};
    tdag_dtype d = tdagi_pair_type(c, 3, v);
    tdagi_pair x = tdagi_pair_as(c, v[0], d), y = tdagi_pair_as(c, v[1], d),
               z = tdagi_pair_as(c, v[2], d), by = tdagi_pair_as(c, v[3], d);
    if (c->bad) return tdagi_any_poison();
    y = tdagi_pair_mul(c, by, y);
    tdagi_pair_match(c, &y, &z);
    y = c->data == 1 ? tdagi_pair_div(c, y, z) : tdagi_pair_mul(c, y, z);
    tdagi_pair_match(c, &x, &y);
    return tdagi_pair_result(c, tdagi_pair_add(c, x, y));
}

/* beta self + alpha a b */
tdagi_any tdagi_pairs_addmm(tdagi_call *c)
{
    tdagi_schema s;
    if (!tdagi_schemas_find(c->env, "aten::matmul", "",
                            TDAGI_PYTORCH_1_13 | TDAGI_PYTORCH_2_13, &s))
        return tdagi_any_poison();
    c->read |= 7;
    tdagi_any product = tdagi_aten_call(c->env, &s, c->args + 1, 2);
    if (product.kind == TDAGI_ANY_POISON) return product;
    tdagi_any v[4] = {c->args[0], product, tdagi_arg(c, "beta"), tdagi_arg(c, "alpha")};
    tdag_dtype d = tdagi_pair_type(c, 2, v);
    tdagi_pair p[4];
    for (uint32_t i = 0; i < 4; i++)
        p[i] = tdagi_pair_as(c, v[i], d);
    if (c->bad) return tdagi_any_poison();
    return tdagi_pair_result(c, tdagi_pair_add(c, tdagi_pair_mul(c, p[0], p[2]),
                                               tdagi_pair_mul(c, p[1], p[3])));
}

tdagi_any tdagi_pairs_square(tdagi_call *c)
{
    tdagi_pair x = tdagi_pair_arg(c, "self");
    return tdagi_pair_result(c, tdagi_pair_mul(c, x, x));
}
