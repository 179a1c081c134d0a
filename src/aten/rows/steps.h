/* Short steps that functions of several operators are written in. All take and give
 * values of the builder; TDAG_NO_VALUE passes through. */
#ifndef TDAGI_STEPS_H
#define TDAGI_STEPS_H

#include "aten/aten.h"

/* A number as a rank-0 value of x's dtype. */
static inline tdag_value step_number(tdagi_call *c, tdag_value x, double v)
{
    return x.id == 0 ? x : tdag_add_scalar(c->b, tdagi_dtype(c, x), v);
}
static inline tdag_value step_lower(tdagi_call *c, tdagi_composite id, tdag_value x,
                                    tdag_value y)
{
    tdag_value in[2] = {x, y};
    return x.id == 0 || y.id == 0 ? TDAG_NO_VALUE : tdagi_lower(c->b, id, in, 2, NULL);
}
static inline tdag_value step_one(tdagi_call *c, tdagi_composite id, tdag_value x)
{
    return x.id == 0 ? x : tdagi_unary_composite(c->b, id, x);
}
static inline tdag_value step_neg(tdagi_call *c, tdag_value x)
{
    return tdag_unary(c->b, TDAG_OP_NEG, x);
}
static inline tdag_value step_exp(tdagi_call *c, tdag_value x)
{
    return tdag_unary(c->b, TDAG_OP_EXP, x);
}
static inline tdag_value step_log(tdagi_call *c, tdag_value x)
{
    return tdag_unary(c->b, TDAG_OP_LOG, x);
}
static inline tdag_value step_sqrt(tdagi_call *c, tdag_value x)
{
    return tdag_unary(c->b, TDAG_OP_SQRT, x);
}
static inline tdag_value step_abs(tdagi_call *c, tdag_value x)
{
    if (x.id != 0 && (tdagi_dtype(c, x) == TDAG_U8 || tdagi_dtype(c, x) == TDAG_BOOL))
        return x;
    return step_one(c, TDAGI_ABS, x);
}
static inline tdag_value step_max(tdagi_call *c, tdag_value x, tdag_value y)
{
    return step_lower(c, TDAGI_MAXIMUM, x, y);
}
static inline tdag_value step_min(tdagi_call *c, tdag_value x, tdag_value y)
{
    return step_lower(c, TDAGI_MINIMUM, x, y);
}
static inline tdag_value step_less(tdagi_call *c, tdag_value x, tdag_value y)
{
    return tdag_binary(c->b, TDAG_OP_LESS, x, y);
}
static inline tdag_value step_equal(tdagi_call *c, tdag_value x, tdag_value y)
{
    return tdag_binary(c->b, TDAG_OP_EQUAL, x, y);
}
static inline tdag_value step_not(tdagi_call *c, tdag_value x)
{
    return step_one(c, TDAGI_LOGICAL_NOT, x);
}
static inline tdag_value step_and(tdagi_call *c, tdag_value x, tdag_value y)
{
    return tdag_binary(c->b, TDAG_OP_MULTIPLY, x, y);
}
static inline tdag_value step_or(tdagi_call *c, tdag_value x, tdag_value y)
{
    return tdag_binary(c->b, TDAG_OP_ADD, x, y);
}
static inline tdag_value step_isnan(tdagi_call *c, tdag_value x)
{
    return step_lower(c, TDAGI_NOT_EQUAL, x, x);
}
static inline tdag_value step_where(tdagi_call *c, tdag_value condition, tdag_value x,
                                    tdag_value y)
{
    return tdag_where(c->b, condition, x, y);
}
/* max(x, v), NaN kept */
static inline tdag_value step_at_least(tdagi_call *c, tdag_value x, double v)
{
    tdagi_clamp_spec s = {1, 0, v, 0};
    return x.id == 0 ? x : tdagi_lower(c->b, TDAGI_CLAMP, &x, 1, &s);
}
static inline tdag_value step_at_most(tdagi_call *c, tdag_value x, double v)
{
    tdagi_clamp_spec s = {0, 1, 0, v};
    return x.id == 0 ? x : tdagi_lower(c->b, TDAGI_CLAMP, &x, 1, &s);
}
static inline tdag_value step_reduce(tdagi_call *c, tdag_value x, tdag_reduction kind,
                                     int64_t axis, bool keep)
{
    return x.id == 0 ? x
                     : tdagi_reduce_keep(c->b, x, kind, (tdag_list){1, &axis}, keep);
}
static inline tdag_value step_sum(tdagi_call *c, tdag_value x, int64_t axis, bool keep)
{
    return step_reduce(c, x, TDAG_REDUCE_SUM, axis, keep);
}
/* What PyTorch sums: integers and bools as i64. */
static inline tdag_value step_summand(tdagi_call *c, tdag_value x)
{
    return x.id == 0 || tdag_dtype_is_float(tdagi_dtype(c, x))
               ? x
               : tdagi_cast(c->b, x, TDAG_I64);
}
/* How many elements a value has. */
static inline tdag_dim step_count(const tdagi_call *c, tdag_value x)
{
    return tdagi_dim_product(c->env->pool, tdagi_rank(c, x), tdagi_shape(c, x));
}
/* The elements in one axis. */
static inline tdag_value step_flat(tdagi_call *c, tdag_value x)
{
    if (x.id == 0) return x;
    tdag_dim n = step_count(c, x);
    return tdagi_reshape(c->b, x, 1, &n);
}
/* All elements reduced to a rank-0 value. */
static inline tdag_value step_all(tdagi_call *c, tdag_value x, tdag_reduction kind)
{
    int64_t axes[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < TDAG_MAX_RANK; i++)
        axes[i] = i;
    return x.id == 0 ? x
                     : tdagi_reduce_keep(c->b, x, kind,
                                         (tdag_list){tdagi_rank(c, x), axes}, false);
}
/* An iota that broadcasts along `axis` of a value of `rank` axes. */
static inline tdag_value step_iota(tdagi_call *c, tdag_dim n, uint32_t axis,
                                   uint32_t rank, tdag_dtype dtype)
{
    tdag_value i = tdag_iota(c->b, n, dtype);
    for (uint32_t a = axis + 1; a < rank; a++)
        i = tdagi_unsqueeze1(c->b, i, 1);
    return i;
}
/* torch.gather along an axis */
static inline tdag_value step_take(tdagi_call *c, tdag_value x, tdag_value index,
                                   int64_t axis)
{
    tdag_value in[2] = {x, index};
    tdagi_axis_spec s = {axis};
    return x.id == 0 || index.id == 0 ? TDAG_NO_VALUE
                                      : tdagi_lower(c->b, TDAGI_TAKE_ALONG, in, 2, &s);
}
/* Two arguments in their common dtype. */
static inline tdag_dtype step_pair(tdagi_call *c, const char *a, const char *b,
                                   tdag_value *x, tdag_value *y)
{
    tdagi_any both[2] = {tdagi_arg(c, a), tdagi_arg(c, b)};
    tdag_dtype d = tdagi_result_type(c, 2, both);
    *x = tdagi_as(c, both[0], d);
    *y = tdagi_as(c, both[1], d);
    return d;
}
/* The same, integers as f32. */
static inline tdag_dtype step_float_pair(tdagi_call *c, const char *a, const char *b,
                                         tdag_value *x, tdag_value *y)
{
    tdagi_any both[2] = {tdagi_arg(c, a), tdagi_arg(c, b)};
    tdag_dtype d = tdagi_result_type(c, 2, both);
    if (!tdag_dtype_is_float(d)) d = TDAG_F32;
    *x = tdagi_as(c, both[0], d);
    *y = tdagi_as(c, both[1], d);
    return d;
}

#endif
