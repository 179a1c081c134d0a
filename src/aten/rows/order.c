/* What depends on the order of elements: extremes so far, ranks, positions in sorted
 * sequences, counts; and reductions that leave some elements out. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"

/* self with an axis to work along; one of rank 0 becomes [1] for the time. */
typedef struct along {
    tdag_value x;
    uint32_t rank, axis; /* of x */
    bool scalar;
} along;

static bool read_along(tdagi_call *c, along *a, int64_t when_none)
{
    memset(a, 0, sizeof(*a));
    a->x = tdagi_arg_tensor(c, "self");
    int64_t axis = tdagi_arg_int(c, "dim", when_none);
    if (c->bad) return false;
    a->rank = tdagi_rank(c, a->x);
    a->axis = tdagi_wrap_axis(c, axis, a->rank);
    a->scalar = a->rank == 0;
    if (a->scalar) {
        a->x = tdagi_reshape(c->b, a->x, 1, (tdag_dim[]){1});
        a->rank = 1;
    }
    return !c->bad && a->x.id != 0;
}

static tdag_value as_given(tdagi_call *c, const along *a, tdag_value v)
{
    return a->scalar && v.id != 0 ? tdagi_reshape(c->b, v, 0, NULL) : v;
}

/* ---- along an axis ---- */

/* cummax and cummin: row data. The position is the last one that holds the extreme. */
tdagi_any tdagi_aten_cummax(tdagi_call *c)
{
    along a;
    tdag_value v[2];
    if (!read_along(c, &a, 0)) return tdagi_any_poison();
    tdag_value x = a.x;
    if (tdagi_dtype(c, x) == TDAG_BOOL) x = tdagi_cast(c->b, x, TDAG_U8);
    tdagi_lower_pair(c->b, (tdagi_composite)c->data, x, &(tdagi_axis_spec){a.axis}, v);
    v[0] = tdagi_cast(c->b, v[0], tdagi_dtype(c, a.x));
    for (uint32_t i = 0; i < 2; i++)
        v[i] = as_given(c, &a, v[i]);
    return tdagi_results(c, 2, v);
}

/* log(e^x + e^y) from the larger */
static tdag_value log_add(tdagi_call *c, tdag_value x, tdag_value y)
{
    tdag_value m = step_max(c, x, y);
    tdag_value d = step_neg(c, step_abs(c, tdagi_sub(c->b, x, y)));
    tdag_value same =
        step_and(c, step_equal(c, x, y),
                 step_equal(c, step_abs(c, x), step_number(c, x, INFINITY)));
    d = tdagi_add(c->b, m, step_one(c, TDAGI_LOG1P, step_exp(c, d)));
    return step_where(c, same, x, d);
}

/* Prefixes doubled in length log2 n times: as stable as one after the other. */
tdagi_any tdagi_aten_logcumsumexp(tdagi_call *c)
{
    along a;
    int64_t n = 0;
    if (!read_along(c, &a, 0)) return tdagi_any_poison();
    tdag_value x = a.x;
    if (!tdag_dtype_is_float(tdagi_dtype(c, x))) return tdagi_refuse(c, "self");
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, a.axis), &n)) {
        c->bad = true;
        return tdagi_env_issue(c->env, "%s of an axis of symbolic size",
                               c->schema->name);
    }
    for (int64_t step = 1; step < n; step *= 2) {
        tdag_value before = tdagi_slice1(c->b, x, a.axis, 0, n - step);
        before =
            tdagi_pad1(c->b, before, a.axis, step, 0, TDAG_PAD_CONSTANT, -INFINITY);
        x = log_add(c, x, before);
    }
    return tdagi_result(c, as_given(c, &a, x));
}

/* The k-th smallest and its position. */
tdagi_any tdagi_aten_kthvalue(tdagi_call *c)
{
    along a;
    tdag_value v[2];
    tdag_dim k = tdagi_arg_dim(c, "k", 1);
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    if (!read_along(c, &a, -1)) return tdagi_any_poison();
    const tdagi_kth_spec s = {a.axis, keep && !a.scalar, tdag_dim_sub(c->b, k, 1)};
    tdagi_lower_pair(c->b, TDAGI_KTHVALUE, a.x, &s, v);
    return tdagi_results(c, 2, v);
}

/* min and max at once, of all or along an axis */
tdagi_any tdagi_aten_aminmax(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), v[2];
    if (c->bad) return tdagi_any_poison();
    tdag_list axes = tdagi_arg_axes(c, "dim", tdagi_rank(c, x));
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    if (c->bad) return tdagi_any_poison();
    v[0] = tdagi_reduce_keep(c->b, x, TDAG_REDUCE_MIN, axes, keep);
    v[1] = tdagi_reduce_keep(c->b, x, TDAG_REDUCE_MAX, axes, keep);
    return tdagi_results(c, 2, v);
}

/* ---- leaving elements out ---- */

/* nansum (row data 0), nanmean (1), count_nonzero (2) */
tdagi_any tdagi_aten_nansum(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), n;
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    if (c->bad) return tdagi_any_poison();
    tdag_list axes = tdagi_arg_axes(c, "dim", tdagi_rank(c, x));
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    if (c->bad) return tdagi_any_poison();
    if (c->data == 2) {
        x = tdagi_cast(c->b, tdagi_cast(c->b, x, TDAG_BOOL), TDAG_I64);
        return tdagi_result(c, tdagi_reduce_keep(c->b, x, TDAG_REDUCE_SUM, axes, keep));
    }
    bool is_float = tdag_dtype_is_float(tdagi_dtype(c, x));
    tdag_value real = is_float ? step_equal(c, x, x) : TDAG_NO_VALUE;
    if (is_float) x = step_where(c, real, x, step_number(c, x, 0));
    if (d == TDAG_DTYPE_NONE) d = is_float ? tdagi_dtype(c, x) : TDAG_I64;
    x = tdagi_reduce_keep(c->b, tdagi_cast(c->b, x, d), TDAG_REDUCE_SUM, axes, keep);
    if (c->data == 0) return tdagi_result(c, x);
    if (!is_float) return tdagi_refuse(c, "self");
    n = tdagi_cast(c->b, real, TDAG_I64);
    n = tdagi_reduce_keep(c->b, n, TDAG_REDUCE_SUM, axes, keep);
    return tdagi_result(c, tdagi_div(c->b, x, tdagi_cast(c->b, n, d)));
}

/* ---- positions in sorted sequences ---- */

tdag_value tdagi_search(tdagi_call *c, tdag_value sorted, tdag_value v, bool right)
{
    tdag_value in[2] = {sorted, v};
    return sorted.id == 0 || v.id == 0 ? TDAG_NO_VALUE
                                       : tdagi_lower(c->b, TDAGI_SEARCHSORTED, in, 2,
                                                     &(tdagi_search_spec){right});
}

/* searchsorted; row data 1: bucketize */
tdagi_any tdagi_aten_searchsorted(tdagi_call *c)
{
    const char *of = c->data == 1 ? "boundaries" : "sorted_sequence";
    tdag_value sorted, v;
    step_pair(c, of, "self", &sorted, &v);
    bool right = tdagi_arg_bool(c, "right", false);
    if (tdagi_has(c, "side")) {
        const char *side = tdagi_arg_string(c, "side");
        if (strcmp(side, "left") != 0 && strcmp(side, "right") != 0)
            return tdagi_refuse(c, "side");
        right = strcmp(side, "right") == 0;
    }
    bool narrow = tdagi_arg_bool(c, "out_int32", false);
    tdag_value sorter = tdagi_arg_optional(c, "sorter");
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, sorted);
    if (rank == 0 || (rank > 1 && rank != tdagi_rank(c, v))) return tdagi_refuse(c, of);
    if (sorter.id != 0) sorted = step_take(c, sorted, sorter, rank - 1);
    tdag_value at = tdagi_search(c, sorted, v, right);
    return tdagi_result(c, narrow ? tdagi_cast(c->b, at, TDAG_I32) : at);
}

/* Whether an element is among the test elements: found where it would be sorted in. */
tdagi_any tdagi_aten_isin(tdagi_call *c)
{
    bool one = tdagi_has(c, "test_element");
    tdag_value x, among, sorted[2];
    step_pair(c, tdagi_has(c, "element") ? "element" : "elements",
              one ? "test_element" : "test_elements", &x, &among);
    bool invert = tdagi_arg_bool(c, "invert", false);
    tdagi_ignore(c, "assume_unique"); /* about speed */
    if (c->bad) return tdagi_any_poison();
    tdag_value found;
    among = step_flat(c, among);
    tdag_dim n = tdagi_dim(c, among, 0);
    if (n == 0) {
        found = tdagi_full(c->b, TDAG_BOOL, tdagi_rank(c, x), tdagi_shape(c, x), 0);
    } else {
        if (tdagi_dtype(c, x) == TDAG_BOOL) {
            x = tdagi_cast(c->b, x, TDAG_U8);
            among = tdagi_cast(c->b, among, TDAG_U8);
        }
        tdagi_sort(c->b, among, 0, false, sorted);
        among = sorted[0];
        tdag_value at = tdagi_search(c, among, x, false);
        tdag_value last = tdagi_add_scalar(c->b, tdagi_dim_value(c->b, n), -1);
        found = step_equal(c, tdag_gather(c->b, among, step_min(c, at, last), 0), x);
    }
    return tdagi_result(c, invert ? step_not(c, found) : found);
}

/* How many elements fall into each of equal parts of min...max, the last one closed.
 * min == max: of the extremes of the data. */
tdagi_any tdagi_aten_histc(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), low, high;
    int64_t bins = tdagi_arg_int(c, "bins", 100);
    double least = tdagi_arg_float(c, "min", 0), most = tdagi_arg_float(c, "max", 0);
    if (c->bad || bins < 1 || !tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_refuse(c, "self");
    x = step_flat(c, x);
    low = step_number(c, x, least);
    high = step_number(c, x, most);
    if (least == most) {
        low = step_all(c, x, TDAG_REDUCE_MIN);
        high = step_all(c, x, TDAG_REDUCE_MAX);
        tdag_value same = step_equal(c, low, high);
        low = step_where(c, same, tdagi_add_scalar(c->b, low, -1), low);
        high = step_where(c, same, tdagi_add_scalar(c->b, high, 1), high);
    }
    tdag_value in = step_and(c, step_lower(c, TDAGI_LESS_EQUAL, low, x),
                             step_lower(c, TDAGI_LESS_EQUAL, x, high));
    tdag_value part = tdagi_sub(c->b, x, low), one = step_number(c, x, 1);
    part = tdagi_div(c->b, part, tdagi_sub(c->b, high, low));
    part = tdagi_mul_scalar(c->b, part, (double)bins);
    part = step_where(c, in, part, step_number(c, x, 0));
    part = tdagi_cast(c->b, tdag_unary(c->b, TDAG_OP_FLOOR, part), TDAG_I64);
    part = step_min(c, part, tdag_add_scalar(c->b, TDAG_I64, (double)bins - 1));
    tdag_value n = step_where(c, in, one, step_number(c, x, 0));
    tdag_value none = tdagi_full(c->b, tdagi_dtype(c, x), 1, &bins, 0);
    return tdagi_result(c, tdag_scatter(c->b, none, part, n, 0, TDAG_SCATTER_ADD));
}
