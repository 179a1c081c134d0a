/* Integers as bits: and, or, xor, not, shifts, by arithmetic that is exact in two's
 * complement.
 *
 * With one side a known number the other is cut at each run of bits: a quotient, a
 * remainder and a product per run, and one remainder for a mask such as 15. x | y is
 * x + y - (x & y), x ^ y is x + y - 2 (x & y). Otherwise they are composites. */
#include <math.h>

#include "aten/rows/steps.h"

/* ---- runs of bits ---- */

#define MOST_RUNS 4 /* of a known number; digits cost less beyond */

static int width_of(tdag_dtype d) { return (int)tdag_dtype_size(d) * 8; }

static tdag_value power_of_two(tdagi_call *c, tdag_dtype d, int e)
{
    return tdag_add_scalar(c->b, d, ldexp(1, e));
}

static tdag_value quotient(tdagi_call *c, tdag_value x, int e)
{
    if (e == 0 || x.id == 0) return x;
    return tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, x,
                       power_of_two(c, tdagi_dtype(c, x), e));
}

static tdag_value product(tdagi_call *c, tdag_value x, int e)
{
    if (e == 0 || x.id == 0) return x;
    return tdag_binary(c->b, TDAG_OP_MULTIPLY, x,
                       power_of_two(c, tdagi_dtype(c, x), e));
}

/* The least number of a signed dtype where x is negative, 0 elsewhere. */
static tdag_value sign_bit(tdagi_call *c, tdag_value x)
{
    tdag_value zero = step_number(c, x, 0);
    tdag_value least = step_number(c, x, -ldexp(1, width_of(tdagi_dtype(c, x)) - 1));
    return step_where(c, step_less(c, x, zero), least, zero);
}

/* Bits low..high-1 of x, where they stand. */
static tdag_value run_of(tdagi_call *c, tdag_value x, int low, int high)
{
    tdag_dtype d = tdagi_dtype(c, x);
    int width = width_of(d);
    bool is_signed = d != TDAG_U8;
    if (low == 0 && high == width) return x;
    if (low == width - 1 && is_signed) return sign_bit(c, x);
    tdag_value q = quotient(c, x, low);
    if (high == width) return product(c, q, low);
    if (high - low == width - 1 && is_signed) /* all but the sign */
        return tdagi_sub(c->b, x, sign_bit(c, x));
    q = step_lower(c, TDAGI_REMAINDER, q, power_of_two(c, d, high - low));
    return product(c, q, low);
}

/* x & mask, of the lowest `width` bits; *n_out runs were found. */
static tdag_value and_known(tdagi_call *c, tdag_value x, uint64_t mask, int width,
                            uint32_t *n_out)
{
    tdag_value sum = TDAG_NO_VALUE;
    *n_out = 0;
    for (int low = 0; low < width && *n_out <= MOST_RUNS; low++) {
        if ((mask >> low & 1) == 0) continue;
        int high = low;
        while (high < width && (mask >> high & 1) != 0)
            high++;
        tdag_value run = run_of(c, x, low, high);
        sum = sum.id == 0 ? run : tdagi_add(c->b, sum, run);
        low = high;
        ++*n_out;
    }
    return sum.id == 0 ? tdagi_mul_scalar(c->b, x, 0) : sum;
}

static const tdagi_composite by_op[] = {[TDAGI_FOLD_AND] = TDAGI_BITWISE_AND,
                                        [TDAGI_FOLD_OR] = TDAGI_BITWISE_OR,
                                        [TDAGI_FOLD_XOR] = TDAGI_BITWISE_XOR};

bool tdagi_bitwise_known(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdagi_any y,
                         tdag_value *out)
{
    int64_t mask;
    uint32_t n;
    if (x.id == 0 || !tdagi_any_const_int(c->env, tdagi_any_known(y), &mask))
        return false;
    tdag_dtype d = tdagi_dtype(c, x);
    if (tdag_dtype_is_float(d)) return false;
    tdag_value common = and_known(c, x, (uint64_t)mask, width_of(d), &n);
    *out = tdagi_bits_by_common(c->b, by_op[op], x, tdagi_as(c, y, d), common);
    return n <= MOST_RUNS;
}

tdag_value tdagi_bitwise(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdag_value y)
{
    if (!tdag_dtype_is_float(tdagi_dtype(c, x))) return step_lower(c, by_op[op], x, y);
    tdagi_env_issue(c->env, "%s of floating numbers", c->schema->name);
    c->bad = true;
    return TDAG_NO_VALUE;
}

/* ---- rows ---- */

tdagi_any tdagi_aten_bitwise_not(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    if (tdagi_dtype(c, x) == TDAG_BOOL)
        return tdagi_result(c, tdagi_unary_composite(c->b, TDAGI_LOGICAL_NOT, x));
    if (tdagi_dtype(c, x) == TDAG_U8) /* 255 - x */
        return tdagi_result(c, tdagi_sub(c->b, tdag_add_scalar(c->b, TDAG_U8, 255), x));
    return tdagi_result(
        c, tdagi_add_scalar(c->b, tdag_unary(c->b, TDAG_OP_NEG, x), -1)); /* -x - 1 */
}

/* Of Python numbers; false: not known, or wider than they are here. */
static bool shift_numbers(tdagi_call *c, tdagi_any x, tdagi_any y, tdagi_any *out)
{
    int64_t e;
    if (!tdagi_any_const_int(c->env, y, &e) || e < 0 || e > 62) return false;
    tdagi_fold_op op = c->data == 0 ? TDAGI_FOLD_MUL : TDAGI_FOLD_FLOORDIV;
    return tdagi_any_is_number(x) &&
           tdagi_fold(c->env, op, x, tdagi_any_int(c->env, (int64_t)1 << e), out);
}

/* Of two numbers it is one. */
static tdagi_any as_number(const tdagi_any both[2], tdagi_any out)
{
    if (both[0].kind == TDAGI_ANY_TENSOR || both[1].kind == TDAGI_ANY_TENSOR ||
        out.kind != TDAGI_ANY_TENSOR)
        return out;
    return (tdagi_any){.kind = TDAGI_ANY_DATA, .letter = 'i', .u.tensor = out.u.tensor};
}

/* By a known number of bits: a product or a quotient. */
static bool shift_known(tdagi_call *c, tdag_value x, tdagi_any y, tdag_value *out)
{
    int64_t e;
    if (x.id == 0 || !tdagi_any_const_int(c->env, tdagi_any_known(y), &e) || e < 0)
        return false;
    const bool is_unsigned = tdagi_dtype(c, x) == TDAG_U8;
    if (e > width_of(tdagi_dtype(c, x)) - (is_unsigned ? 1 : 2)) return false;
    *out = c->data == 0 ? product(c, x, (int)e) : quotient(c, x, (int)e);
    return true;
}

/* x 2^y and floor(x / 2^y) of integers: row data 0, 1. */
tdagi_any tdagi_aten_shift(tdagi_call *c)
{
    tdagi_any both[2] = {c->args[0], c->n > 1 ? c->args[1] : tdagi_any_none()};
    tdagi_any known;
    c->read |= 3;
    if (shift_numbers(c, both[0], both[1], &known)) return known;
    if (!tdagi_any_is_tensor(both[0]) && !tdagi_any_is_tensor(both[1]))
        return tdagi_refuse(c, c->schema->args[0].name);
    tdag_dtype d = tdagi_result_type(c, 2, both);
    if (tdag_dtype_is_float(d) || d == TDAG_BOOL)
        return tdagi_refuse(c, c->schema->args[0].name);
    tdag_value x = tdagi_as(c, both[0], d), y = tdagi_as(c, both[1], d), at_once;
    if (c->bad) return tdagi_any_poison();
    if (!tdagi_any_is_tensor(both[1]) && shift_known(c, x, both[1], &at_once))
        return as_number(both, tdagi_result(c, at_once));
    return as_number(
        both, tdagi_result(c, step_lower(c,
                                         c->data == 0 ? TDAGI_BITWISE_LEFT_SHIFT
                                                      : TDAGI_BITWISE_RIGHT_SHIFT,
                                         x, y)));
}
