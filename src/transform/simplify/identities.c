/* Arithmetic that changes nothing. Everything here gives the same bits, NaN aside,
 * which has many forms and counts as one. So x + 0 is only x where x is an integer,
 * where 0 is the negative zero, or where x is known not to be -0 (as -0 + 0 is +0); a
 * sum over axes of size 1 likewise, as it begins with +0. With `inexact` the sign of a
 * zero counts no more. x*0 is never 0: x may be inf or NaN. */
#include "transform/simplify/rewrite.h"

#include <math.h>

static tdagi_node input(const tdagi_rewriter *rw, const tdagi_apply *a, uint32_t i)
{
    return tdagi_made_by(rw, a->in[i]);
}

/* ---- what is known of a value ---- */

/* Whether v is a constant all of whose elements are x, with the sign of a zero. */
static bool is_splat(const tdagi_rewriter *rw, tdag_value v, double x)
{
    const tdagi_node *n = tdagi_made(rw, v);
    if (n->op != TDAG_OP_CONSTANT) return false;
    const tdag_tensor *t = n->u.tensor;
    for (int64_t i = 0; i < t->count; i++) {
        double y = tdagi_tensor_get_f64(t, i);
        if (!(y == x) || signbit(y) != signbit(x)) return false;
    }
    return true;
}

/* Whether no element can be the negative zero. */
static bool never_negative_zero(const tdagi_rewriter *rw, tdag_value v)
{
    for (int depth = 0; depth < 16; depth++) {
        const tdagi_node *n = tdagi_made(rw, v);
        if (!tdag_dtype_is_float((tdag_dtype)n->dtype)) return true;
        if (n->op == TDAG_OP_EXP || n->op == TDAG_OP_IOTA) return true;
        if (n->op != TDAG_OP_CONVERT && !tdagi_op_selects(n->op)) return false;
        v = tdagi_node_inputs(n)[0];
        /* A small negative number may become -0 in a narrower dtype. */
        if (n->op == TDAG_OP_CONVERT &&
            tdag_dtype_is_float((tdag_dtype)tdagi_made(rw, v)->dtype))
            return false;
    }
    return false;
}

static bool zero_sign_is_kept(const tdagi_rewriter *rw, tdag_value v)
{
    return rw->options.inexact || never_negative_zero(rw, v);
}

/* ---- binary ---- */

static tdag_value times_one(tdagi_rewriter *rw, const tdagi_apply *a)
{
    for (uint32_t i = 0; i < 2; i++)
        if (is_splat(rw, a->in[i], 1)) return a->in[1 - i];
    return TDAG_NO_VALUE;
}

static tdag_value plus_zero(tdagi_rewriter *rw, const tdagi_apply *a)
{
    for (uint32_t i = 0; i < 2; i++) {
        tdag_value x = a->in[1 - i];
        if (is_splat(rw, a->in[i], -0.0)) return x;
        if (is_splat(rw, a->in[i], 0) && zero_sign_is_kept(rw, x)) return x;
    }
    return TDAG_NO_VALUE;
}

/* ---- unary ---- */

/* f(f(x)) is x */
static tdag_value twice_is_none(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdagi_node x = input(rw, a, 0);
    return x.op == (uint32_t)a->op ? tdagi_node_inputs(&x)[0] : TDAG_NO_VALUE;
}

/* floor and sign of what is whole already. */
static tdag_value twice_is_once(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdagi_node x = input(rw, a, 0);
    bool whole = x.op == (uint32_t)a->op;
    if (a->op == TDAG_OP_FLOOR)
        whole |= x.op == TDAG_OP_SIGN || !tdag_dtype_is_float((tdag_dtype)x.dtype);
    return whole ? a->in[0] : TDAG_NO_VALUE;
}

/* Bits of precision and the exponents' range, for what a dtype holds exactly. */
typedef struct range {
    int digits;         /* binary digits that any number may have */
    int least, largest; /* exponents: of the smallest step, above the greatest number */
    bool is_signed;
} range;

static range range_of(tdag_dtype dtype)
{
    static const range ranges[] = {
        [TDAG_F64] = {53, -1074, 1024, true}, [TDAG_F32] = {24, -149, 128, true},
        [TDAG_F16] = {11, -24, 16, true},     [TDAG_BF16] = {8, -133, 128, true},
        [TDAG_I64] = {63, 0, 63, true},       [TDAG_I32] = {31, 0, 31, true},
        [TDAG_I16] = {15, 0, 15, true},       [TDAG_I8] = {7, 0, 7, true},
        [TDAG_U8] = {8, 0, 8, false},         [TDAG_BOOL] = {1, 0, 1, false}};
    return ranges[dtype];
}

/* Whether every number of dtype a is one of dtype b, -0, inf and NaN included. A least
 * integer, -2^n, is a power of two, which any float holds that holds its exponent. */
static bool holds(tdag_dtype b, tdag_dtype a)
{
    range x = range_of(a), y = range_of(b);
    if (a == b) return true;
    if (b == TDAG_BOOL || (tdag_dtype_is_float(a) && !tdag_dtype_is_float(b)))
        return false;
    bool room =
        tdag_dtype_is_float(b) ? y.largest > x.largest || tdag_dtype_is_float(a) : true;
    return room && x.digits <= y.digits && x.least >= y.least &&
           x.largest <= y.largest && (y.is_signed || !x.is_signed);
}

/* Whether converting a -> b -> c is the same as a -> c. The first step loses nothing;
 * the second one must treat the number in the same way: integers wrap where floats
 * saturate, which only shows where c does not hold the number. */
static bool is_one_step(tdag_dtype a, tdag_dtype b, tdag_dtype c)
{
    if (!holds(b, a)) return false;
    bool same_kind = tdag_dtype_is_float(a) == tdag_dtype_is_float(b);
    return same_kind || tdag_dtype_is_float(c) || c == TDAG_BOOL || holds(c, a);
}

static tdag_value convert(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_convert_spec *spec = a->spec;
    const tdagi_node x = input(rw, a, 0);
    if (x.dtype == (uint64_t)spec->dtype) return a->in[0];
    if (x.op != TDAG_OP_CONVERT) return TDAG_NO_VALUE;
    tdag_value inner = tdagi_node_inputs(&x)[0];
    tdag_dtype from = (tdag_dtype)tdagi_made(rw, inner)->dtype;
    if (!is_one_step(from, (tdag_dtype)x.dtype, (tdag_dtype)spec->dtype))
        return TDAG_NO_VALUE;
    return tdagi_remake1(rw, TDAG_OP_CONVERT, spec, inner);
}

/* ---- the rest ---- */

static tdag_value where(tdagi_rewriter *rw, const tdagi_apply *a)
{
    if (a->in[1].id == a->in[2].id || is_splat(rw, a->in[0], 1)) return a->in[1];
    return is_splat(rw, a->in[0], 0) ? a->in[2] : TDAG_NO_VALUE;
}

/* x at the positions 0, 1, 2, ... is x. */
static tdag_value gather(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_gather_spec *spec = a->spec;
    return spec->batch == 0 && input(rw, a, 1).op == TDAG_OP_IOTA ? a->in[0]
                                                                  : TDAG_NO_VALUE;
}

/* Axes of size 1 need no reducing, and without axes nothing is left to do. */
static tdag_value reduce(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_reduce_spec *spec = a->spec;
    const tdag_dim *shape = input(rw, a, 0).shape;
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < spec->axes.n; i++)
        if (shape[spec->axes.v[i]] != 1) axes[n++] = spec->axes.v[i];
    bool sums = spec->kind == TDAG_REDUCE_SUM || spec->kind == TDAG_REDUCE_MEAN;
    if (n == 0 && (!sums || zero_sign_is_kept(rw, a->in[0]))) return a->in[0];
    if (n == 0 || n == spec->axes.n) return TDAG_NO_VALUE;
    const tdag_reduce_spec fewer = {{n, axes}, spec->kind};
    return tdagi_remake1(rw, TDAG_OP_REDUCE, &fewer, a->in[0]);
}

/* A fold of windows that touch but do not overlap puts everything back in its place. */
static tdag_value fold(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_window_spec *spec = a->spec;
    for (uint32_t i = 0; i < spec->kernel.n; i++)
        if (spec->kernel.v[i] != spec->stride.v[i]) return TDAG_NO_VALUE;
    return zero_sign_is_kept(rw, a->in[0]) ? a->in[0] : TDAG_NO_VALUE;
}

const tdagi_rule_row tdagi_identity_rules[] = {
    {TDAG_OP_MULTIPLY, times_one}, {TDAG_OP_ADD, plus_zero},
    {TDAG_OP_NEG, twice_is_none},  {TDAG_OP_FLOOR, twice_is_once},
    {TDAG_OP_SIGN, twice_is_once}, {TDAG_OP_CONVERT, convert},
    {TDAG_OP_WHERE, where},        {TDAG_OP_GATHER, gather},
    {TDAG_OP_REDUCE, reduce},      {TDAG_OP_FOLD, fold},
    {TDAG_OP_NONE, NULL},
};
