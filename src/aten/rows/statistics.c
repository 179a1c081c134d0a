/* Statistics: quantiles, the most frequent element, covariances. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"

/* ---- quantiles ---- */

/* How an element is found between two ranks. */
typedef enum between { LINEAR, LOWER, HIGHER, MIDPOINT, NEAREST, N_BETWEEN } between;

static bool read_between(tdagi_call *c, between *out)
{
    static const char *const names[] = {"linear", "lower", "higher", "midpoint",
                                        "nearest"};
    const char *name = tdagi_arg_string(c, "interpolation");
    for (*out = LINEAR; *out < N_BETWEEN; ++*out)
        if (strcmp(name, names[*out]) == 0) return true;
    tdagi_refuse(c, "interpolation");
    return false;
}

/* The ranks of q [Q, 1...] in each row of x, sorted along its last axis: of all, a NaN
 * standing for the row, or of what is no NaN. */
static tdag_value ranks_of(tdagi_call *c, tdag_value sorted, tdag_value q, bool no_nan)
{
    uint32_t last = tdagi_rank(c, sorted) - 1;
    tdag_dtype d = tdagi_dtype(c, sorted);
    tdag_value real = step_equal(c, sorted, sorted);
    tdag_dim most = tdag_dim_sub(c->b, tdagi_dim(c, sorted, last), 1);
    tdag_value top;
    if (no_nan) {
        top = step_sum(c, tdagi_cast(c->b, real, d), last, true);
        top = tdagi_add_scalar(c->b, top, -1);
        return step_max(c, tdagi_mul(c->b, q, top), step_number(c, sorted, 0));
    }
    top = tdagi_dim_scalar(c->b, most, d);
    tdag_value all = step_reduce(c, real, TDAG_REDUCE_MIN, last, true);
    return step_where(c, all, tdagi_mul(c->b, q, top), top);
}

/* Elements of rows at whole ranks: [Q, rows..., 1] */
static tdag_value at_ranks(tdagi_call *c, tdag_value sorted, tdag_value ranks)
{
    if (sorted.id == 0 || ranks.id == 0) return TDAG_NO_VALUE;
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank = tdagi_rank(c, ranks);
    if (rank > tdagi_rank(c, sorted)) sorted = tdagi_unsqueeze1(c->b, sorted, 0);
    if (sorted.id == 0) return sorted;
    memcpy(shape, tdagi_shape(c, sorted), rank * sizeof(*shape));
    if (rank > 0) shape[0] = tdagi_dim(c, ranks, 0);
    sorted = tdagi_expand(c->b, sorted, rank, shape);
    return step_take(c, sorted, tdagi_cast(c->b, ranks, TDAG_I64), rank - 1);
}

static tdag_value quantiles(tdagi_call *c, tdag_value sorted, tdag_value ranks,
                            between how)
{
    tdag_value low = tdag_unary(c->b, TDAG_OP_FLOOR, ranks);
    if (how == NEAREST) {
        const tdagi_round_spec whole = {0};
        if (ranks.id == 0) return ranks;
        return at_ranks(c, sorted, tdagi_lower(c->b, TDAGI_ROUND, &ranks, 1, &whole));
    }
    if (how == LOWER) return at_ranks(c, sorted, low);
    tdag_value high = step_one(c, TDAGI_CEIL, ranks);
    if (how == HIGHER) return at_ranks(c, sorted, high);
    tdag_value below = at_ranks(c, sorted, low), above = at_ranks(c, sorted, high);
    tdag_value w =
        how == MIDPOINT ? step_number(c, sorted, 0.5) : tdagi_sub(c->b, ranks, low);
    tdag_value d = tdagi_sub(c->b, above, below);
    tdag_value from_below = tdagi_add(c->b, below, tdagi_mul(c->b, w, d));
    tdag_value rest = tdagi_sub(c->b, step_number(c, sorted, 1), w);
    tdag_value from_above = tdagi_sub(c->b, above, tdagi_mul(c->b, d, rest));
    tdag_value near = step_less(c, w, step_number(c, sorted, 0.5));
    return step_where(c, near, from_below, from_above); /* as lerp() has it */
}

/* [Q, rows..., 1] as the operator's result: the axis kept or gone, Q where q has it. */
static tdag_value arranged(tdagi_call *c, tdag_value y, bool many, bool flat, bool keep,
                           uint32_t axis, uint32_t rank)
{
    if (y.id == 0) return y;
    tdag_dim dims[TDAG_MAX_RANK];
    uint32_t n = 0;
    if (many) dims[n++] = tdagi_dim(c, y, 0);
    for (uint32_t i = 0, k = 1; i < rank; i++) {
        bool reduced = flat || i == axis;
        if (reduced && keep) dims[n++] = 1;
        if (!reduced) dims[n++] = tdagi_dim(c, y, k++);
    }
    return tdagi_reshape(c->b, y, n, dims);
}

/* x with one axis last; all of it where `flat`. */
static tdag_value axis_last(tdagi_call *c, tdag_value x, bool flat, uint32_t axis)
{
    uint32_t rank = tdagi_rank(c, x), k = 0;
    int64_t order[TDAG_MAX_RANK];
    if (flat || rank == 0) return step_flat(c, x);
    for (uint32_t i = 0; i < rank; i++)
        if (i != axis) order[k++] = i;
    order[k] = axis;
    return axis == rank - 1 ? x : tdag_permute(c->b, x, (tdag_list){rank, order});
}

/* quantile; row data 1: nanquantile */
tdagi_any tdagi_aten_quantile(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), sorted[2];
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x), axis = 0;
    bool flat = !tdagi_has(c, "dim"), keep = tdagi_arg_bool(c, "keepdim", false);
    if (!flat) axis = tdagi_arg_axis(c, "dim", rank);
    between how;
    tdag_value q = tdagi_as(c, tdagi_arg(c, "q"), tdagi_dtype(c, x));
    if (!read_between(c, &how) || c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, q) > 1) return tdagi_refuse(c, "q");
    bool many = tdagi_rank(c, q) == 1;
    x = axis_last(c, x, flat, axis);
    if (x.id == 0) return tdagi_any_poison();
    tdagi_sort(c->b, x, (int64_t)tdagi_rank(c, x) - 1, false, sorted);
    if (!many) q = tdagi_unsqueeze1(c->b, q, 0);
    for (uint32_t i = 0; i < tdagi_rank(c, x);
         i++) /* [Q, 1 for each axis of rows, 1] */
        q = tdagi_unsqueeze1(c->b, q, 1);
    tdag_value ranks = ranks_of(c, sorted[0], q, c->data == 1);
    tdag_value y = quantiles(c, sorted[0], ranks, how);
    return tdagi_result(c, arranged(c, y, many, flat, keep, axis, rank));
}

/* ---- the most frequent ---- */

/* The least of the most frequent elements, and its last place. */
tdagi_any tdagi_aten_mode(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), v[2];
    int64_t given = tdagi_arg_int(c, "dim", -1);
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x), axis = tdagi_wrap_axis(c, given, rank);
    if (rank == 0)
        return tdagi_results(c, 2,
                             (tdag_value[]){x, tdag_add_scalar(c->b, TDAG_I64, 0)});
    if (c->bad) return tdagi_any_poison();
    tdagi_lower_pair(c->b, TDAGI_MODE, x, &(tdagi_axis_keep_spec){axis, keep}, v);
    return tdagi_results(c, 2, v);
}

/* ---- covariances ---- */

/* The sum of products of rows with their mean taken off, by the weights of columns;
 * *norm_out is what it is divided by. */
static tdag_value co_moments(tdagi_call *c, tdag_value x, tdag_value *norm_out)
{
    int64_t correction = tdagi_arg_int(c, "correction", 1), last = 1;
    tdag_dtype d = tdagi_dtype(c, x);
    tdag_value f = tdagi_arg_optional(c, "fweights");
    tdag_value a = tdagi_arg_optional(c, "aweights"), w = TDAG_NO_VALUE, mean;
    if (f.id != 0) w = tdagi_cast(c->b, f, d);
    if (a.id != 0) a = tdagi_cast(c->b, a, d);
    if (a.id != 0) w = w.id == 0 ? a : tdagi_mul(c->b, w, a);
    tdag_value total = w.id != 0 ? step_sum(c, w, 0, false)
                                 : tdagi_dim_scalar(c->b, tdagi_dim(c, x, 1), d);
    if (w.id == 0)
        mean =
            tdagi_reduce_keep(c->b, x, TDAG_REDUCE_MEAN, (tdag_list){1, &last}, true);
    else
        mean = tdagi_div(c->b, step_sum(c, tdagi_mul(c->b, x, w), 1, true), total);
    tdag_value less = step_number(c, x, (double)correction);
    if (a.id != 0 && correction != 0)
        less = tdagi_mul(
            c->b, less,
            tdagi_div(c->b, step_sum(c, tdagi_mul(c->b, w, a), 0, false), total));
    if (a.id != 0 && correction == 0) less = step_number(c, x, 0);
    *norm_out = step_at_least(c, tdagi_sub(c->b, total, less), 0);
    x = tdagi_sub(c->b, x, mean);
    if (x.id == 0) return x;
    tdag_value y = w.id == 0 ? x : tdagi_mul(c->b, x, w);
    return tdagi_matmul(c->b, x, tdagi_transpose(c->b, y, 0, 1));
}

/* [variables, variables] of x [variables, observations] */
static tdag_value covariance(tdagi_call *c, tdag_value x)
{
    tdag_value norm;
    if (tdagi_rank(c, x) == 0) x = tdagi_unsqueeze1(c->b, x, 0);
    if (tdagi_rank(c, x) == 1) x = tdagi_unsqueeze1(c->b, x, 0);
    if (x.id == 0) return x;
    if (!tdag_dtype_is_float(tdagi_dtype(c, x))) x = tdagi_cast(c->b, x, TDAG_F32);
    x = co_moments(c, x, &norm);
    return tdagi_div(c->b, x, norm);
}

/* cov; row data 1: corrcoef */
tdagi_any tdagi_aten_cov(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_value w = tdagi_arg_optional(c, "aweights");
    if (c->bad || tdagi_rank(c, x) > 2) return tdagi_refuse(c, "self");
    if (w.id != 0)
        x = tdagi_cast(c->b, x, tdagi_promote(tdagi_dtype(c, x), tdagi_dtype(c, w)));
    tdag_value y = covariance(c, x);
    if (y.id == 0 || c->bad) return tdagi_any_poison();
    bool one = tdagi_dim(c, y, 0) == 1;
    if (c->data == 1 && one)
        y = tdagi_div(c->b, y, y);
    else if (c->data == 1) {
        tdag_dim n = tdagi_dim(c, y, 0);
        tdag_value i = tdag_iota(c->b, n, TDAG_I64);
        tdag_value own = step_take(c, y, tdagi_unsqueeze1(c->b, i, 1), 1);
        tdag_value deviation = step_sqrt(c, own); /* [n, 1] */
        y = tdagi_div(c->b, y, deviation);
        y = tdagi_div(c->b, y, tdagi_transpose(c->b, deviation, 0, 1));
        y = step_at_least(c, step_at_most(c, y, 1), -1);
    }
    return tdagi_result(c, one ? tdagi_reshape(c->b, y, 0, NULL) : y);
}
