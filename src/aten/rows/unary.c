/* Element-wise operators of one tensor or number. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"

static bool fold_one(tdagi_call *c, tdagi_any v, bool to_float, tdagi_any *out)
{
    tdagi_any number = tdagi_any_known(v), folded;
    if (tdagi_any_is_tensor(number) || !tdagi_fold_unary(c, number, &folded))
        return false;
    tdag_dtype d = tdagi_cell_dtype(c->env, v.u.tensor);
    if (to_float && !tdag_dtype_is_float(d)) d = TDAG_F32;
    return tdagi_known_result(c, folded, d, out);
}

static tdag_value unary_node(tdagi_call *c, int code, tdag_value x)
{
    if (code < TDAGI_OP_CODES) return tdag_unary(c->b, (tdag_op)code, x);
    return tdagi_unary_composite(c->b, (tdagi_composite)(code - TDAGI_OP_CODES), x);
}

static tdagi_any unary(tdagi_call *c, bool to_float)
{
    tdagi_any v = c->args[0], out;
    c->read |= 1;
    if (tdagi_any_is_number(v)) return tdagi_number_unary(c, v);
    if (!tdagi_any_is_tensor(v)) return tdagi_refuse(c, c->schema->args[0].name);
    if (fold_one(c, v, to_float, &out)) return tdagi_as_number(c, v, v, out);
    tdag_value x = tdagi_cell_read(c->env, v.u.tensor);
    if (x.id == 0) return tdagi_any_poison();
    if (to_float) x = tdagi_as_float(c, x);
    return tdagi_as_number(c, v, v, tdagi_result(c, unary_node(c, c->data, x)));
}

/* Row data: a core op, or TDAGI_OP_CODES + a composite. Integers become f32. */
tdagi_any tdagi_aten_unary_float(tdagi_call *c) { return unary(c, true); }
/* Integers stay integers. */
tdagi_any tdagi_aten_unary(tdagi_call *c) { return unary(c, false); }

/* floor, ceil, round, trunc: nothing to do for integers */
tdagi_any tdagi_aten_rounding(tdagi_call *c)
{
    tdagi_any v = c->args[0];
    int64_t decimals = tdagi_arg_int(c, "decimals", 0);
    if (tdagi_any_is_tensor(v) &&
        !tdag_dtype_is_float(tdagi_cell_dtype(c->env, v.u.tensor))) {
        c->read |= 1;
        tdagi_any out;
        if (fold_one(c, v, false, &out)) return out;
        return tdagi_result(c, tdagi_cell_read(c->env, v.u.tensor));
    }
    if (tdagi_any_is_tensor(v) && c->data == TDAGI_OP_CODES + TDAGI_ROUND) {
        tdag_value x = tdagi_arg_tensor(c, c->schema->args[0].name);
        tdagi_round_spec s = {decimals};
        return tdagi_result(c, tdagi_lower(c->b, TDAGI_ROUND, &x, 1, &s));
    }
    tdagi_any out = unary(c, false);
    if (v.kind != TDAGI_ANY_DATA || strcmp(c->schema->overload, "float") != 0 ||
        !(c->data == TDAG_OP_FLOOR || c->data == TDAGI_OP_CODES + TDAGI_CEIL))
        return out;
    if (!tdagi_any_is_tensor(out)) return out;
    tdag_value x = tdagi_cell_read(c->env, out.u.tensor); /* math.floor(): an integer */
    out = tdagi_result(c, tdagi_cast(c->b, x, TDAG_I64));
    if (out.kind == TDAGI_ANY_TENSOR) out.kind = TDAGI_ANY_DATA;
    out.letter = 'i';
    return out;
}

/* exp2, log2, log10: row data '2', 'l', 't' */
tdagi_any tdagi_aten_other_base(tdagi_call *c)
{
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    if (c->bad) return tdagi_any_poison();
    if (c->data == '2') {
        tdag_value in[2] = {tdagi_full_like(c->b, x, 2), x};
        return tdagi_result(c, tdagi_lower(c->b, TDAGI_POW, in, 2, NULL));
    }
    double base = c->data == 'l' ? log(2) : log(10);
    tdag_value y = tdag_unary(c->b, TDAG_OP_LOG, x);
    return tdagi_result(
        c, tdagi_div(c->b, y, tdag_add_scalar(c->b, tdagi_dtype(c, x), base)));
}

/* isnan, isinf, isfinite: row data 'n', 'i', 'f' */
tdagi_any tdagi_aten_is_special(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    if (!tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_result(c, tdagi_full(c->b, TDAG_BOOL, tdagi_rank(c, x),
                                          tdagi_shape(c, x), c->data == 'f'));
    if (c->data == 'n') return tdagi_result(c, step_isnan(c, x));
    tdag_value size = tdagi_unary_composite(c->b, TDAGI_ABS, x);
    tdag_value inf = tdag_add_scalar(c->b, tdagi_dtype(c, x), INFINITY);
    return tdagi_result(
        c, tdag_binary(c->b, c->data == 'i' ? TDAG_OP_EQUAL : TDAG_OP_LESS, size, inf));
}
