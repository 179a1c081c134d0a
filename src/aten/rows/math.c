/* Element-wise operators with type promotion: arithmetic, comparisons, logic,
 * selection. The same rows serve Python numbers, which are computed at import. */
#include <math.h>
#include <string.h>

#include "aten/aten.h"
#include "aten/control/merge.h"
#include "aten/rows/steps.h"

/* ---- helpers ---- */

static bool compares(tdagi_fold_op op)
{
    return op >= TDAGI_FOLD_LT && op <= TDAGI_FOLD_NE;
}

bool tdagi_known_result(tdagi_call *c, tdagi_any v, tdag_dtype dtype, tdagi_any *out)
{
    int64_t i;
    if (v.assumed) return false;
    if (tdag_dtype_is_float(dtype)) {
        if (v.kind != TDAGI_ANY_FLOAT) {
            if (!tdagi_any_const_int(c->env, v, &i)) return false;
            v = tdagi_any_float((double)i);
        }
        if (dtype != TDAG_F64 && dtype != TDAG_F32) return false;
        if (dtype == TDAG_F32) v.u.f = (double)(float)v.u.f;
    } else if (dtype == TDAG_BOOL) {
        if (v.kind != TDAGI_ANY_BOOL) return false;
    } else if ((dtype != TDAG_I64 && dtype != TDAG_I32) || v.kind != TDAGI_ANY_INT) {
        return false;
    } else if (dtype == TDAG_I32 && tdagi_any_const_int(c->env, v, &i) &&
               i != (int32_t)i) {
        return false;
    }
    *out = tdagi_any_tensor(tdagi_cell_known(c->env, dtype, v));
    return true;
}

static bool fold_tensors(tdagi_call *c, tdagi_fold_op op, tdagi_any x, tdagi_any y,
                         tdag_dtype dtype, tdagi_any *out)
{
    tdagi_any a = tdagi_any_known(x), b = tdagi_any_known(y), v;
    if (tdagi_any_is_tensor(a) || tdagi_any_is_tensor(b)) return false;
    if (!tdagi_fold(c->env, op, a, b, &v)) return false;
    return tdagi_known_result(c, v, compares(op) ? TDAG_BOOL : dtype, out);
}

static tdag_value composite(tdagi_call *c, tdagi_composite id, tdag_value x,
                            tdag_value y)
{
    tdag_value in[2] = {x, y};
    return tdagi_lower(c->b, id, in, 2, NULL);
}

static tdag_value absolute(tdagi_call *c, tdag_value x)
{
    if (x.id != 0 && tdagi_dtype(c, x) == TDAG_U8) return x;
    return tdagi_unary_composite(c->b, TDAGI_ABS, x);
}

static tdag_value is_negative(tdagi_call *c, tdag_value x)
{
    return tdag_binary(c->b, TDAG_OP_LESS, x,
                       tdag_add_scalar(c->b, tdagi_dtype(c, x), 0));
}

/* -v where `negative`, v elsewhere */
static tdag_value with_sign(tdagi_call *c, tdag_value negative, tdag_value v)
{
    return tdag_where(c->b, negative, tdag_unary(c->b, TDAG_OP_NEG, v), v);
}

/* Division of integers towards zero, by division of magnitudes. */
static tdag_value truncating_divide(tdagi_call *c, tdag_value x, tdag_value y)
{
    if (tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_unary_composite(c->b, TDAGI_TRUNC, tdagi_div(c->b, x, y));
    tdag_value q =
        tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, absolute(c, x), absolute(c, y));
    if (tdagi_dtype(c, x) == TDAG_U8) return q;
    tdag_value differ =
        composite(c, TDAGI_NOT_EQUAL, is_negative(c, x), is_negative(c, y));
    return with_sign(c, differ, q);
}

static tdag_value logic(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdag_value y)
{
    if (x.id == 0 || y.id == 0) return TDAG_NO_VALUE;
    if (tdagi_dtype(c, x) != TDAG_BOOL) return tdagi_bitwise(c, op, x, y);
    if (op == TDAGI_FOLD_XOR) return composite(c, TDAGI_NOT_EQUAL, x, y);
    return tdag_binary(c->b, op == TDAGI_FOLD_AND ? TDAG_OP_MULTIPLY : TDAG_OP_ADD, x,
                       y);
}

static tdag_value compute(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdag_value y)
{
    switch (op) {
    case TDAGI_FOLD_ADD:
        return tdag_binary(c->b, TDAG_OP_ADD, x, y);
    case TDAGI_FOLD_SUB:
        return tdagi_sub(c->b, x, y);
    case TDAGI_FOLD_MUL:
        return tdag_binary(c->b, TDAG_OP_MULTIPLY, x, y);
    case TDAGI_FOLD_DIV:
        return tdagi_div(c->b, x, y);
    case TDAGI_FOLD_FLOORDIV:
        return tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, x, y);
    case TDAGI_FOLD_TRUNCDIV:
        return truncating_divide(c, x, y);
    case TDAGI_FOLD_MOD:
        return composite(c, TDAGI_REMAINDER, x, y);
    case TDAGI_FOLD_FMOD:
        return composite(c, TDAGI_FMOD, x, y);
    case TDAGI_FOLD_POW:
        return composite(c, TDAGI_POW, x, y);
    case TDAGI_FOLD_MIN:
        return composite(c, TDAGI_MINIMUM, x, y);
    case TDAGI_FOLD_MAX:
        return composite(c, TDAGI_MAXIMUM, x, y);
    case TDAGI_FOLD_LT:
        return tdag_binary(c->b, TDAG_OP_LESS, x, y);
    case TDAGI_FOLD_GT:
        return tdag_binary(c->b, TDAG_OP_LESS, y, x);
    case TDAGI_FOLD_LE:
        return composite(c, TDAGI_LESS_EQUAL, x, y);
    case TDAGI_FOLD_GE:
        return composite(c, TDAGI_LESS_EQUAL, y, x);
    case TDAGI_FOLD_EQ:
        return tdag_binary(c->b, TDAG_OP_EQUAL, x, y);
    case TDAGI_FOLD_NE:
        return composite(c, TDAGI_NOT_EQUAL, x, y);
    case TDAGI_FOLD_AND:
    case TDAGI_FOLD_OR:
    case TDAGI_FOLD_XOR:
        return logic(c, op, x, y);
    case TDAGI_FOLD_FUNCTION:
        break;
    }
    return TDAG_NO_VALUE;
}

tdagi_any tdagi_as_number(tdagi_call *c, tdagi_any x, tdagi_any y, tdagi_any out)
{
    if (x.kind == TDAGI_ANY_TENSOR || y.kind == TDAGI_ANY_TENSOR) return out;
    if (out.kind != TDAGI_ANY_TENSOR) return out;
    tdag_dtype d = tdagi_cell_dtype(c->env, out.u.tensor);
    out.kind = TDAGI_ANY_DATA;
    out.letter = tdag_dtype_is_float(d) ? 'f' : d == TDAG_BOOL ? 'b' : 'i';
    return out;
}

/* x^y of integers by the bits of y; past the widest only the last bit counts, as of 1
 * and -1. 0 for a negative y, but of 1 and -1. */
static tdagi_any whole_power(tdagi_call *c, tdagi_any base, tdagi_any exponent,
                             tdag_dtype dtype)
{
    tdag_builder *b = c->b;
    tdag_value v[2] = {tdagi_as(c, base, TDAG_I64), tdagi_as(c, exponent, TDAG_I64)};
    if (c->bad) return tdagi_any_poison();
    tdagi_match_broadcast(c, 2, v);
    tdag_value one = tdag_add_scalar(b, TDAG_I64, 1),
               zero = tdag_add_scalar(b, TDAG_I64, 0);
    tdag_value left = step_abs(c, v[1]), x = v[0], out = one;
    for (int i = 0; i < 7; i++) {
        tdag_value half =
            tdag_binary(b, TDAG_OP_FLOOR_DIVIDE, left, tdag_add_scalar(b, TDAG_I64, 2));
        tdag_value odd =
            step_equal(c, tdagi_sub(b, left, tdagi_add(b, half, half)), one);
        out = step_where(c, odd, tdagi_mul(b, out, x), out);
        x = tdagi_mul(b, x, x);
        left = half;
    }
    tdag_value unit = step_equal(c, step_abs(c, v[0]), one);
    tdag_value lost = step_and(c, step_less(c, v[1], zero), step_not(c, unit));
    return tdagi_result(c, tdagi_cast(b, step_where(c, lost, zero, out), dtype));
}

tdagi_any tdagi_binary(tdagi_call *c, tdagi_fold_op op, tdagi_any x, tdagi_any y)
{
    tdagi_any both[2] = {x, y}, out;
    if (!tdagi_any_is_tensor(x) && !tdagi_any_is_tensor(y) &&
        tdagi_fold(c->env, op, x, y, &out))
        return out;
    tdag_dtype dtype = tdagi_result_type(c, 2, both);
    if (op == TDAGI_FOLD_DIV && !tdag_dtype_is_float(dtype)) dtype = TDAG_F32;
    if (op == TDAGI_FOLD_POW && dtype == TDAG_BOOL) dtype = TDAG_I64;
    if (fold_tensors(c, op, x, y, dtype, &out)) return tdagi_as_number(c, x, y, out);
    if (op == TDAGI_FOLD_POW && !tdag_dtype_is_float(dtype))
        return tdagi_as_number(c, x, y, whole_power(c, x, y, dtype));
    tdag_value v[2] = {tdagi_as(c, x, dtype), tdagi_as(c, y, dtype)};
    if (c->bad) return tdagi_any_poison();
    tdagi_match_broadcast(c, 2, v);
    if (op >= TDAGI_FOLD_AND && dtype != TDAG_BOOL &&
        tdagi_bitwise_known(c, op, v[0], y, &v[0]))
        return tdagi_as_number(c, x, y, tdagi_result(c, v[0]));
    return tdagi_as_number(c, x, y, tdagi_result(c, compute(c, op, v[0], v[1])));
}

/* ---- rows ---- */

tdagi_any tdagi_both(tdagi_call *c, tdagi_fold_op op, tdagi_any x, tdagi_any y)
{
    const tdagi_any *v[] = {&x, &y};
    for (int i = 0; i < 2;
         i++) /* one that is decided is the result or leaves the other */
        if (v[i]->kind == TDAGI_ANY_BOOL && !v[i]->assumed)
            return v[i]->u.b == (op == TDAGI_FOLD_OR) ? *v[i] : *v[1 - i];
    return tdagi_binary(c, op, x, y);
}

/* A number or string that tensor data may decide, to be compared. */
static tdagi_any comparable(tdagi_call *c, tdagi_any v)
{
    if (tdagi_number_letter(v) != 's') return v;
    v = tdagi_number_data(c->env, v);
    if (v.kind != TDAGI_ANY_TENSOR) return v;
    return (tdagi_any){.kind = TDAGI_ANY_DATA, .letter = 'i', .u.tensor = v.u.tensor};
}

tdagi_any tdagi_equality(tdagi_call *c, tdagi_any x, tdagi_any y)
{
    bool assumed = false,
         decided = x.kind != TDAGI_ANY_DATA && y.kind != TDAGI_ANY_DATA;
    tdagi_any out = tdagi_any_bool(true);
    if (tdagi_fold(c->env, TDAGI_FOLD_EQ, x, y, &out)) return out;
    if (tdagi_any_is_seq(x) && tdagi_any_is_seq(y) && x.u.seq->n == y.u.seq->n) {
        for (uint32_t i = 0; i < x.u.seq->n && out.kind != TDAGI_ANY_POISON; i++)
            out = tdagi_both(c, TDAGI_FOLD_AND, out,
                             tdagi_equality(c, x.u.seq->v[i], y.u.seq->v[i]));
        return out;
    }
    if (!decided && tdagi_number_letter(x) != 0 && tdagi_number_letter(y) != 0)
        return tdagi_binary(c, TDAGI_FOLD_EQ, comparable(c, x), comparable(c, y));
    out.u.b = tdagi_any_equal(c->env, x, y, &assumed);
    out.assumed = assumed;
    return out;
}

/* Operands that are no tensors: numbers, but strings and lists too. */
static tdagi_any python_binary(tdagi_call *c, tdagi_fold_op op, tdagi_any x,
                               tdagi_any y)
{
    tdagi_any out;
    int64_t n;
    if (c->n == 1 && tdagi_list_reduce(c, op, &out)) return out;
    if (tdagi_fold(c->env, op, x, y, &out)) return out;
    if (op == TDAGI_FOLD_EQ || op == TDAGI_FOLD_NE) {
        out = tdagi_equality(c, x, y);
        if (op == TDAGI_FOLD_NE && (out.kind == TDAGI_ANY_DATA || out.how != 0))
            return tdagi_binary(c, TDAGI_FOLD_EQ, out, tdagi_any_bool(false));
        if (out.kind == TDAGI_ANY_BOOL) out.u.b = out.u.b == (op == TDAGI_FOLD_EQ);
        return out;
    }
    if (op == TDAGI_FOLD_ADD && tdagi_number_letter(x) == 's' &&
        tdagi_number_letter(y) == 's')
        return tdagi_any_string(tdagi_env_text(
            c->env, "%s%s", tdagi_any_text(c->env, x), tdagi_any_text(c->env, y)));
    if (op == TDAGI_FOLD_ADD && tdagi_any_is_seq(x) && tdagi_any_is_seq(y))
        return tdagi_list_concat(c, x, y);
    if (op == TDAGI_FOLD_MUL && tdagi_any_is_seq(x) &&
        tdagi_any_const_int(c->env, y, &n))
        return tdagi_list_times(c, x, n);
    return tdagi_env_issue(c->env, "%s of %s and %s", c->schema->name,
                           tdagi_any_text(c->env, x), tdagi_any_text(c->env, y));
}

static tdagi_any second(tdagi_call *c)
{
    return c->n > 1 ? c->args[1] : tdagi_any_none();
}

/* PyTorch's executor turns a constant second operand of rank 0 of these operators into
 * a Python number before it runs them, so the dtype of that constant does not count. */
static tdagi_any literal_as_number(tdagi_call *c, tdagi_any y)
{
    static const char *const names[] = {"aten::add", "aten::sub", "aten::mul",
                                        "aten::div"};
    if (y.kind != TDAGI_ANY_TENSOR || !y.u.tensor->is_literal) return y;
    if (tdagi_has(c, "rounding_mode")) return y;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(c->schema->name, names[i]) == 0) return tdagi_any_known(y);
    return y;
}

/* Row data: the operation. div takes rounding_mode, add and sub take alpha. */
tdagi_any tdagi_aten_binary(tdagi_call *c)
{
    tdagi_fold_op op = (tdagi_fold_op)c->data;
    tdagi_any x = c->args[0], y = second(c);
    c->read |= 3;
    bool is_text = tdagi_number_letter(x) == 's' || tdagi_number_letter(y) == 's';
    if (is_text || (!tdagi_any_is_tensor(x) && !tdagi_any_is_tensor(y))) {
        if (c->n > 2 && (tdagi_has(c, "alpha") || tdagi_has(c, "rounding_mode")))
            tdagi_refuse(c, tdagi_has(c, "alpha") ? "alpha" : "rounding_mode");
        return python_binary(c, op, x, y);
    }
    if (y.kind == TDAGI_ANY_NONE) return tdagi_refuse(c, c->schema->args[0].name);
    if (tdagi_any_is_tensor(x)) y = literal_as_number(c, y);
    if (tdagi_has(c, "rounding_mode")) {
        const char *mode = tdagi_arg_string(c, "rounding_mode");
        if (strcmp(mode, "trunc") == 0)
            op = TDAGI_FOLD_TRUNCDIV;
        else if (strcmp(mode, "floor") == 0)
            op = TDAGI_FOLD_FLOORDIV;
        else
            return tdagi_refuse(c, "rounding_mode");
    }
    if (tdagi_has(c, "alpha")) {
        tdagi_any alpha = tdagi_arg(c, "alpha");
        bool assumed = false;
        if (!tdagi_any_equal(c->env, alpha, tdagi_any_int(c->env, 1), &assumed)) {
            tdagi_any both[2] = {x, y};
            tdag_dtype d = tdagi_result_type(c, 2, both);
            if (tdagi_any_is_tensor(y)) y = tdagi_result(c, tdagi_as(c, y, d));
            y = tdagi_binary(c, TDAGI_FOLD_MUL, y, alpha);
        }
    }
    if (c->bad || y.kind == TDAGI_ANY_POISON) return tdagi_any_poison();
    return tdagi_binary(c, op, x, y);
}

/* other - alpha * self */
tdagi_any tdagi_aten_rsub(tdagi_call *c)
{
    tdagi_any x = tdagi_arg(c, "self"), alpha = tdagi_arg(c, "alpha");
    bool assumed = false;
    if (!tdagi_any_equal(c->env, alpha, tdagi_any_int(c->env, 1), &assumed))
        x = tdagi_binary(c, TDAGI_FOLD_MUL, x, alpha);
    return tdagi_binary(c, TDAGI_FOLD_SUB, tdagi_arg(c, "other"), x);
}

/* logical_and, _or, _xor: of truth values */
tdagi_any tdagi_aten_logical(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), y = tdagi_arg_tensor(c, "other");
    return tdagi_result(c,
                        logic(c, (tdagi_fold_op)c->data, tdagi_cast(c->b, x, TDAG_BOOL),
                              tdagi_cast(c->b, y, TDAG_BOOL)));
}

tdagi_any tdagi_aten_logical_not(tdagi_call *c)
{
    tdag_value x = tdagi_cast(c->b, tdagi_arg_tensor(c, "self"), TDAG_BOOL);
    return tdagi_result(c, tdagi_unary_composite(c->b, TDAGI_LOGICAL_NOT, x));
}

/* ---- powers ---- */

static tdagi_any constant_power(tdagi_call *c, tdag_value x, double e)
{
    if (e == 0.5 && tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_result(c, tdag_unary(c->b, TDAG_OP_SQRT, x));
    if (e == -0.5) return tdagi_result(c, tdagi_unary_composite(c->b, TDAGI_RSQRT, x));
    bool whole = e == nearbyint(e) && fabs(e) <= 64;
    if (whole && (e >= 0 || tdag_dtype_is_float(tdagi_dtype(c, x)))) {
        tdagi_pow_int_spec s = {(int64_t)e};
        return tdagi_result(c, tdagi_lower(c->b, TDAGI_POW_INT, &x, 1, &s));
    }
    tdag_value in[2] = {x, tdag_add_scalar(c->b, tdagi_dtype(c, x), e)};
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_POW, in, 2, NULL));
}

/* Row data 1: float_power, which computes in f64 whatever it is given. */
tdagi_any tdagi_aten_pow(tdagi_call *c)
{
    tdagi_any x = c->args[0], y = second(c), out;
    c->read |= 3;
    if (!tdagi_any_is_tensor(x) && !tdagi_any_is_tensor(y)) {
        if (tdagi_fold(c->env, TDAGI_FOLD_POW, x, y, &out)) return out;
        return python_binary(c, TDAGI_FOLD_POW, x, y);
    }
    if (c->data == 1) {
        if (tdagi_any_is_tensor(x)) x = tdagi_result(c, tdagi_as(c, x, TDAG_F64));
        y = tdagi_any_known(y);
        if (tdagi_any_is_tensor(y) || !tdagi_any_is_tensor(x))
            y = tdagi_result(c, tdagi_as(c, y, TDAG_F64));
        if (c->bad) return tdagi_any_poison();
    }
    if (strcmp(c->schema->overload, "int") == 0) { /* Python's, which is a float */
        x = tdagi_as_number(c, y, y, tdagi_result(c, tdagi_as(c, x, TDAG_F64)));
        y = tdagi_as_number(c, x, x, tdagi_result(c, tdagi_as(c, y, TDAG_F64)));
    }
    tdagi_any e = tdagi_any_known(y);
    if (tdagi_any_is_tensor(x) && tdagi_any_is_number(e) && !e.assumed) {
        int64_t i = 0;
        tdagi_any both[2] = {x, y};
        tdag_dtype d = tdagi_result_type(c, 2, both);
        if (fold_tensors(c, TDAGI_FOLD_POW, x, y, d, &out)) return out;
        if (e.kind == TDAGI_ANY_FLOAT || tdagi_any_const_int(c->env, e, &i))
            return constant_power(c, tdagi_as(c, x, d == TDAG_BOOL ? TDAG_I64 : d),
                                  e.kind == TDAGI_ANY_FLOAT ? e.u.f : (double)i);
    }
    return tdagi_binary(c, TDAGI_FOLD_POW, x, y);
}

tdagi_any tdagi_aten_square(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    if (tdagi_dtype(c, x) == TDAG_BOOL) x = tdagi_cast(c->b, x, TDAG_I64);
    return constant_power(c, x, 2);
}

/* ---- clamp, where, maximum of rows with other names ---- */

tdagi_any tdagi_aten_clamp(tdagi_call *c)
{
    tdagi_any x = c->args[0], low = tdagi_arg(c, "min"), high = tdagi_arg(c, "max");
    c->read |= 1;
    tdagi_any all[3] = {x};
    uint32_t n = 1;
    if (low.kind != TDAGI_ANY_NONE) all[n++] = low;
    if (high.kind != TDAGI_ANY_NONE) all[n++] = high;
    tdag_dtype d = tdagi_result_type(c, n, all);
    tdagi_clamp_spec s = {low.kind != TDAGI_ANY_NONE, high.kind != TDAGI_ANY_NONE, 0,
                          0};
    int64_t i = 0;
    bool plain = (!s.has_min || low.kind == TDAGI_ANY_FLOAT ||
                  tdagi_any_const_int(c->env, low, &i)) &&
                 (!s.has_max || high.kind == TDAGI_ANY_FLOAT ||
                  tdagi_any_const_int(c->env, high, &i));
    bool known = !tdagi_any_is_tensor(tdagi_any_known(x));
    if (plain && !known && !low.assumed && !high.assumed) {
        if (s.has_min) s.min = tdagi_any_sample(c->env, low);
        if (s.has_max) s.max = tdagi_any_sample(c->env, high);
        tdag_value v = tdagi_as(c, x, d);
        return tdagi_result(c, tdagi_lower(c->b, TDAGI_CLAMP, &v, 1, &s));
    }
    if (s.has_min) x = tdagi_binary(c, TDAGI_FOLD_MAX, x, low);
    if (s.has_max) x = tdagi_binary(c, TDAGI_FOLD_MIN, x, high);
    return x;
}

tdagi_any tdagi_aten_where(tdagi_call *c)
{
    tdag_value condition =
        tdagi_cast(c->b, tdagi_arg_tensor(c, "condition"), TDAG_BOOL);
    if (!tdagi_has(c, "self")) {
        c->data = 1;
        return tdagi_aten_nonzero(c);
    }
    tdagi_any both[2] = {tdagi_arg(c, "self"), tdagi_arg(c, "other")};
    tdag_dtype d = tdagi_result_type(c, 2, both);
    tdag_value v[3] = {condition, tdagi_as(c, both[0], d), tdagi_as(c, both[1], d)};
    if (c->bad) return tdagi_any_poison();
    tdagi_match_broadcast(c, 3, v);
    return tdagi_result(c, tdag_where(c->b, v[0], v[1], v[2]));
}

/* self + value * tensor1 * tensor2, or / tensor2: row data 0, 1 */
tdagi_any tdagi_aten_addc(tdagi_call *c)
{
    tdagi_any v[3] = {tdagi_arg(c, "self"), tdagi_arg(c, "tensor1"),
                      tdagi_arg(c, "tensor2")};
    tdagi_any value = tdagi_arg(c, "value"), one = tdagi_any_int(c->env, 1);
    tdag_dtype d =
        tdagi_result_type(c, 3, v); /* the number is made of this dtype too */
    bool assumed = false;
    if (c->bad) return tdagi_any_poison();
    for (uint32_t i = 0; i < 3; i++)
        v[i] = tdagi_result(c, tdagi_as(c, v[i], d));
    tdagi_any y =
        tdagi_binary(c, c->data == 0 ? TDAGI_FOLD_MUL : TDAGI_FOLD_DIV, v[1], v[2]);
    if (!c->bad && !tdagi_any_equal(c->env, value, one, &assumed))
        y = tdagi_binary(c, TDAGI_FOLD_MUL, y, tdagi_result(c, tdagi_as(c, value, d)));
    if (c->bad) return tdagi_any_poison();
    return tdagi_binary(c, TDAGI_FOLD_ADD, v[0], y);
}

/* start + weight * (end - start), from the nearer end as PyTorch computes it */
tdagi_any tdagi_aten_lerp(tdagi_call *c)
{
    tdagi_any start = tdagi_arg(c, "self"), end = tdagi_arg(c, "end");
    tdagi_any w = tdagi_arg(c, "weight");
    tdagi_any d = tdagi_binary(c, TDAGI_FOLD_SUB, end, start);
    if (c->bad) return d;
    return tdagi_binary(c, TDAGI_FOLD_ADD, start,
                        tdagi_binary(c, TDAGI_FOLD_MUL, d, w));
}

tdagi_any tdagi_aten_divmod(tdagi_call *c)
{
    tdagi_any x = tdagi_arg(c, "x"), y = tdagi_arg(c, "y");
    const tdagi_any both[2] = {tdagi_binary(c, TDAGI_FOLD_FLOORDIV, x, y),
                               tdagi_binary(c, TDAGI_FOLD_MOD, x, y)};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, both);
}
