/* Sampled functions: integrals by trapezoids, gradients, and the float next to one. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"

/* ---- differences ---- */

/* x[1:] and x[:-1] of an axis */
static void neighbours(tdagi_call *c, tdag_value x, uint32_t axis, tdag_value out[2])
{
    tdag_dim n = tdagi_dim(c, x, axis);
    out[0] = tdagi_slice1(c->b, x, axis, 1, n);
    out[1] = tdagi_slice1(c->b, x, axis, 0, tdag_dim_sub(c->b, n, 1));
}

/* What lies between the samples: by coordinates along the axis or in y's shape, or
 * equal steps. */
static tdag_value steps_of(tdagi_call *c, tdag_value y, uint32_t axis)
{
    tdag_value pair[2];
    if (!tdagi_has(c, "x"))
        return tdagi_as(c, tdagi_has(c, "dx") ? tdagi_arg(c, "dx") : tdagi_any_float(1),
                        tdagi_dtype(c, y));
    tdag_value x = tdagi_cast(c->b, tdagi_arg_tensor(c, "x"), tdagi_dtype(c, y));
    uint32_t rank = tdagi_rank(c, x);
    if (c->bad) return TDAG_NO_VALUE;
    if (rank != 1 && rank != tdagi_rank(c, y)) {
        tdagi_refuse(c, "x");
        return TDAG_NO_VALUE;
    }
    neighbours(c, x, rank == 1 ? 0 : axis, pair);
    x = tdagi_sub(c->b, pair[0], pair[1]);
    for (uint32_t i = axis + 1; rank == 1 && i < tdagi_rank(c, y); i++)
        x = tdagi_unsqueeze1(c->b, x, i - axis);
    return x;
}

/* trapezoid and trapz; row data 1: cumulative_trapezoid */
tdagi_any tdagi_aten_trapezoid(tdagi_call *c)
{
    tdag_value y = tdagi_arg_tensor(c, "y"), pair[2];
    int64_t given = tdagi_arg_int(c, "dim", -1);
    if (c->bad || tdagi_rank(c, y) == 0) return tdagi_refuse(c, "y");
    tdag_dtype d = tdagi_dtype(c, y);
    if (!tdag_dtype_is_float(d) && d != TDAG_I64 && d != TDAG_I32)
        return tdagi_refuse(c, "y"); /* sums of two would wrap around */
    y = tdagi_as_float(c, y);
    uint32_t axis = tdagi_wrap_axis(c, given, tdagi_rank(c, y));
    if (c->bad || tdagi_dim(c, y, axis) == 0) return tdagi_refuse(c, "y");
    tdag_value dx = steps_of(c, y, axis);
    if (dx.id == 0) return tdagi_any_poison();
    neighbours(c, y, axis, pair);
    tdag_value area = tdagi_mul(c->b, tdagi_add(c->b, pair[0], pair[1]), dx);
    if (area.id == 0) return tdagi_any_poison();
    area = tdagi_mul_scalar(c->b, area, 0.5);
    return tdagi_result(c, c->data == 1 ? tdag_scan(c->b, area, TDAG_REDUCE_SUM, axis)
                                        : step_sum(c, area, axis, false));
}

/* ---- gradients ---- */

static tdag_value part(tdagi_call *c, tdag_value x, uint32_t axis, int64_t from,
                       int64_t to) /* to: counted from the end */
{
    tdag_dim n = tdagi_dim(c, x, axis);
    return tdagi_slice1(c->b, x, axis, from, tdag_dim_sub(c->b, n, to));
}

/* sum of f[i] * weight over n samples at one end */
static tdag_value at_end(tdagi_call *c, tdag_value x, uint32_t axis, bool end,
                         const double *weights, int64_t n)
{
    tdag_value sum = TDAG_NO_VALUE;
    tdag_dim size = tdagi_dim(c, x, axis);
    for (int64_t i = 0; i < n; i++) {
        tdag_dim at = end ? tdag_dim_sub(c->b, size, i + 1) : i;
        tdag_value v = tdagi_slice1(c->b, x, axis, at, tdag_dim_add(c->b, at, 1));
        if (v.id == 0) return v;
        v = tdagi_mul_scalar(c->b, v, end ? -weights[i] : weights[i]);
        sum = sum.id == 0 ? v : tdagi_add(c->b, sum, v);
    }
    return sum;
}

/* Central differences inside, one-sided ones of that order at the ends. */
static tdag_value gradient_along(tdagi_call *c, tdag_value x, uint32_t axis,
                                 int64_t order, tdagi_any spacing)
{
    static const double weights[2][3] = {{-1, 1, 0}, {-1.5, 2, -0.5}};
    tdag_value v[3] = {at_end(c, x, axis, false, weights[order - 1], order + 1),
                       tdagi_sub(c->b, part(c, x, axis, 2, 0), part(c, x, axis, 0, 2)),
                       at_end(c, x, axis, true, weights[order - 1], order + 1)};
    if (v[0].id == 0 || v[1].id == 0 || v[2].id == 0) return TDAG_NO_VALUE;
    v[1] = tdagi_mul_scalar(c->b, v[1], 0.5);
    return tdagi_div(c->b, tdagi_concat(c->b, v, 3, axis),
                     tdagi_as(c, spacing, tdagi_dtype(c, x)));
}

/* The axes of `dim`, all where it is not given. */
static uint32_t read_axes(tdagi_call *c, uint32_t rank, int64_t *out)
{
    tdagi_any dim = tdagi_arg(c, "dim");
    tdag_list given = tdagi_arg_ints(c, "dim");
    uint32_t n = 0;
    if (dim.kind == TDAGI_ANY_NONE)
        for (; n < rank; n++)
            out[n] = n;
    for (uint32_t i = 0; i < given.n && n < rank; i++)
        out[n++] = tdagi_wrap_axis(c, given.v[i], rank);
    return n;
}

tdagi_any tdagi_aten_gradient(tdagi_call *c)
{
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    int64_t order = tdagi_arg_int(c, "edge_order", 1), axes[TDAG_MAX_RANK];
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x), n = read_axes(c, rank, axes);
    tdagi_any spacing = tdagi_arg(c, "spacing");
    if (c->bad || rank == 0) return tdagi_refuse(c, "self");
    if (order != 1 && order != 2) return tdagi_refuse(c, "edge_order");
    bool many = tdagi_any_is_seq(spacing);
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    if (many && spacing.u.seq->n != n) return tdagi_refuse(c, "spacing");
    for (uint32_t i = 0; i < n && out.kind == TDAGI_ANY_LIST; i++) {
        tdagi_any h = many ? spacing.u.seq->v[i] : spacing;
        if (h.kind == TDAGI_ANY_NONE) h = tdagi_any_float(1);
        if (!tdagi_any_is_number(tdagi_any_known(h))) return tdagi_refuse(c, "spacing");
        tdag_value g = gradient_along(c, x, (uint32_t)axes[i], order, h);
        tdagi_seq_append(c->env, out.u.seq, tdagi_result(c, g));
    }
    return c->bad ? tdagi_any_poison() : out;
}

/* ---- the next float ---- */

/* By dtype: bits of what is after the leading one, with it; the exponent of the least
 * number, and the greatest number. */
static const struct {
    int bits, least;
    double most;
} floats[] = {
    [TDAG_F64] = {53, -1074, 1.7976931348623157e308},
    [TDAG_F32] = {24, -149, 3.4028234663852886e38},
    [TDAG_F16] = {11, -24, 65504},
    [TDAG_BF16] = {8, -133, 3.3895313892515355e38},
};

/* Computed in f64: a step of 1.25 * 2^-24 of x is more than half and less than one and
 * a half of the distance to the next f32, of 2^-149 it is that where x is smaller than
 * what has all its bits; of other floats as that table says. */
tdagi_any tdagi_aten_nextafter(tdagi_call *c)
{
    tdag_value x, y;
    tdag_dtype d = step_pair(c, "self", "other", &x, &y);
    if (c->bad || !tdag_dtype_is_float(d)) return tdagi_refuse(c, "self");
    tdag_value pair[2] = {x, y};
    tdagi_match_broadcast(c, 2, pair);
    x = tdagi_cast(c->b, pair[0], TDAG_F64);
    y = tdagi_cast(c->b, pair[1], TDAG_F64);
    tdag_value step =
        tdagi_mul_scalar(c->b, step_abs(c, x), ldexp(1.25, -floats[d].bits));
    step =
        step_max(c, step, tdag_add_scalar(c->b, TDAG_F64, ldexp(1, floats[d].least)));
    tdag_value up = step_less(c, x, y);
    tdag_value next =
        step_where(c, up, tdagi_add(c->b, x, step), tdagi_sub(c->b, x, step));
    tdag_value most = tdag_add_scalar(c->b, TDAG_F64, floats[d].most);
    tdag_value infinite =
        step_equal(c, step_abs(c, x), tdag_add_scalar(c->b, TDAG_F64, INFINITY));
    next = step_where(c, infinite, step_where(c, up, step_neg(c, most), most), next);
    next = step_where(c, step_isnan(c, y), y, next);
    next = step_where(c, step_equal(c, x, y), y, next);
    return tdagi_result(c, tdagi_cast(c->b, next, d));
}
