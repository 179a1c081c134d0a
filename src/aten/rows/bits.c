/* Integers as bits: and, or, xor, not, shifts, by arithmetic that is exact in two's
 * complement.
 *
 * With one side a known number the other is cut at each run of bits: a quotient, a
 * remainder and a product per run, and one remainder for a mask such as 15. Otherwise
 * both are split into digits of 4 bits, whose `and` is looked up in a table: along an
 * axis of a quarter of the dtype's bits two quotients, two remainders, a gather, two
 * products and a sum. x | y is x + y - (x & y), x ^ y is x + y - 2 (x & y). */
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

/* x | y or x ^ y by what is common to both */
static tdag_value by_common(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdag_value y,
                            tdag_value common)
{
    if (op == TDAGI_FOLD_AND) return common;
    if (op == TDAGI_FOLD_XOR) common = product(c, common, 1);
    return tdagi_sub(c->b, tdagi_add(c->b, x, y), common);
}

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
    *out = by_common(c, op, x, tdagi_as(c, y, d), common);
    return n <= MOST_RUNS;
}

/* ---- digits ---- */

#define DIGIT 4 /* bits */

/* A constant of integers. */
static tdag_value table(tdagi_call *c, int64_t n, int64_t (*element)(int64_t))
{
    tdag_tensor *t;
    tdag_status st = tdag_tensor_create(c->env->ctx, TDAG_I64, 1, &n, &t);
    if (st != TDAG_OK) {
        tdagi_builder_fail(c->b, st, "a table of %lld numbers", (long long)n);
        return TDAG_NO_VALUE;
    }
    int64_t *elements = tdag_tensor_get_mutable_data(t);
    for (int64_t i = 0; i < n; i++)
        elements[i] = element(i);
    tdag_value v = tdag_add_tensor(c->b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

static int64_t common_of(int64_t i) { return (i >> DIGIT) & i & ((1 << DIGIT) - 1); }
static int64_t weight_of(int64_t i) { return (int64_t)1 << (DIGIT * i); }

static tdag_value digits(tdagi_call *c, tdag_value x, tdag_value weights)
{
    x = tdagi_cast(c->b, x, TDAG_I64);
    if (x.id == 0) return x;
    x = tdagi_unsqueeze1(c->b, x, tdagi_rank(c, x));
    tdag_value q = tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, x, weights);
    return step_lower(c, TDAGI_REMAINDER, q, power_of_two(c, TDAG_I64, DIGIT));
}

tdag_value tdagi_bitwise(tdagi_call *c, tdagi_fold_op op, tdag_value x, tdag_value y)
{
    tdag_dtype d = tdagi_dtype(c, x);
    if (tdag_dtype_is_float(d)) {
        tdagi_env_issue(c->env, "%s of floating numbers", c->schema->name);
        c->bad = true;
        return TDAG_NO_VALUE;
    }
    tdag_value weights = table(c, width_of(d) / DIGIT, weight_of);
    tdag_value high = product(c, digits(c, x, weights), DIGIT);
    tdag_value both = tdagi_add(c->b, high, digits(c, y, weights));
    tdag_value common =
        tdag_gather(c->b, table(c, 1 << (2 * DIGIT), common_of), both, 0);
    if (common.id == 0) return common;
    common =
        step_sum(c, tdagi_mul(c->b, common, weights), tdagi_rank(c, common) - 1, false);
    return by_common(c, op, x, y, tdagi_cast(c->b, common, d));
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

/* x 2^y and floor(x / 2^y) of integers: row data 0, 1. The powers come from a table;
 * a shift beyond the width leaves 0, or the sign. */
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
    tdag_value x = tdagi_as(c, both[0], d), y = tdagi_as(c, both[1], TDAG_I64);
    if (c->bad) return tdagi_any_poison();
    int64_t bits = (int64_t)tdag_dtype_size(d) * 8;
    bool keeps_sign = d != TDAG_U8 && c->data == 1;
    tdag_value most =
        tdag_add_scalar(c->b, TDAG_I64, (double)(keeps_sign ? bits - 2 : bits - 1));
    tdag_value beyond = step_or(c, step_less(c, most, y),
                                step_less(c, y, tdag_add_scalar(c->b, TDAG_I64, 0)));
    tdag_value i = tdag_iota(c->b, bits, TDAG_I64); /* 1, 2, 2, ... multiplied up */
    i = tdagi_add_scalar(c->b, tdag_unary(c->b, TDAG_OP_SIGN, i), 1);
    tdag_value powers = tdag_scan(c->b, i, TDAG_REDUCE_PRODUCT, 0);
    y = step_where(c, beyond, tdag_add_scalar(c->b, TDAG_I64, 0), y);
    tdag_value p = tdagi_cast(c->b, tdag_gather(c->b, powers, y, 0), d);
    tdag_value zero = step_number(c, x, 0);
    if (c->data == 0)
        return as_number(
            both, tdagi_result(c, step_where(c, beyond, zero, tdagi_mul(c->b, x, p))));
    tdag_value gone =
        !keeps_sign ? zero
                    : step_where(c, step_less(c, x, zero), step_number(c, x, -1), zero);
    return as_number(
        both,
        tdagi_result(c, step_where(c, beyond, gone,
                                   tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, x, p))));
}
