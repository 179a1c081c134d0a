/* Reductions over axes, softmax, running sums, order. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"

static tdag_value lower(tdagi_call *c, tdagi_composite id, tdag_value x,
                        const void *spec)
{
    return c->bad ? TDAG_NO_VALUE : tdagi_lower(c->b, id, &x, 1, spec);
}

/* The input, in the dtype that the argument `dtype` asks for. */
static tdag_value input(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, c->schema->args[0].name);
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    if (c->bad || d == TDAG_DTYPE_NONE) return x;
    return tdagi_cast(c->b, x, d);
}

static tdag_value widen_integers(tdagi_call *c, tdag_value x)
{
    if (c->bad || tdag_dtype_is_float(tdagi_dtype(c, x)) || tdagi_has(c, "dtype"))
        return x;
    return tdagi_cast(c->b, x, TDAG_I64);
}

/* Row data: tdag_reduction; amax and amin too. Sums and products of integers are i64.
 */
tdagi_any tdagi_aten_reduce(tdagi_call *c)
{
    tdag_reduction kind = (tdag_reduction)c->data;
    tdagi_any folded;
    if (c->n == 1 && kind == TDAG_REDUCE_SUM &&
        tdagi_list_reduce(c, TDAGI_FOLD_ADD, &folded))
        return folded;
    tdag_value x = input(c);
    if (kind == TDAG_REDUCE_SUM || kind == TDAG_REDUCE_PRODUCT)
        x = widen_integers(c, x);
    if (c->bad) return tdagi_any_poison();
    if (kind == TDAG_REDUCE_MEAN && !tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_call_fail(c, TDAG_E_DTYPE, "a mean of integers");
    tdag_list axes = tdagi_arg_axes(c, "dim", tdagi_rank(c, x));
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, tdagi_reduce_keep(c->b, x, kind, axes, keep));
}

/* max and min (row data) of a tensor, of an axis with positions, or of two tensors */
tdagi_any tdagi_aten_extreme(tdagi_call *c)
{
    bool max = c->data == TDAG_REDUCE_MAX;
    tdagi_fold_op op = max ? TDAGI_FOLD_MAX : TDAGI_FOLD_MIN;
    if (tdagi_has(c, "other")) {
        c->read |= 3;
        return tdagi_binary(c, op, c->args[0], c->args[1]);
    }
    tdagi_any folded;
    if (c->n == 1 && tdagi_list_reduce(c, op, &folded)) return folded;
    if (!tdagi_has(c, "dim")) return tdagi_aten_reduce(c);
    tdag_value x = input(c);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    int64_t axis = tdagi_arg_axis(c, "dim", rank);
    tdagi_axis_keep_spec s = {axis, tdagi_arg_bool(c, "keepdim", false)};
    if (c->bad) return tdagi_any_poison();
    tdag_value v[2] = {x, tdag_add_scalar(c->b, TDAG_I64, 0)};
    if (rank == 0) return tdagi_results(c, 2, v);
    tdagi_lower_pair(c->b, max ? TDAGI_MAX_WITH_INDEX : TDAGI_MIN_WITH_INDEX, x, &s, v);
    return tdagi_results(c, 2, v);
}

/* argmax, argmin: row data is the composite */
tdagi_any tdagi_aten_argmax(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    tdagi_axis_keep_spec s = {0, keep};
    uint32_t rank = tdagi_rank(c, x);
    bool flat = rank == 0 || !tdagi_has(c, "dim");
    if (!flat) {
        s.axis = tdagi_arg_axis(c, "dim", rank);
    } else { /* the position among all elements */
        if (rank == 0) tdagi_arg_axis(c, "dim", rank);
        tdag_dim n = tdagi_dim_product(c->env->pool, rank, tdagi_shape(c, x));
        x = tdagi_reshape(c->b, x, 1, &n);
        s.keep = 0;
    }
    if (x.id != 0 && tdagi_dtype(c, x) == TDAG_BOOL) x = tdagi_cast(c->b, x, TDAG_U8);
    x = lower(c, (tdagi_composite)c->data, x, &s);
    if (flat && keep) {
        tdag_list ones = tdagi_list_of(c, rank, 1);
        x = tdagi_reshape(c->b, x, ones.n, ones.v);
    }
    return tdagi_result(c, x);
}

/* any (row data: max) and all (min) */
tdagi_any tdagi_aten_any(tdagi_call *c)
{
    bool any = c->data == TDAG_REDUCE_MAX;
    tdagi_any folded;
    if (c->n == 1 &&
        tdagi_list_reduce(c, any ? TDAGI_FOLD_OR : TDAGI_FOLD_AND, &folded))
        return folded;
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    bool bytes = tdagi_dtype(c, x) == TDAG_U8; /* which give bytes */
    tdag_list axes = tdagi_arg_axes(c, "dim", tdagi_rank(c, x));
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    x = tdagi_reduce_keep(c->b, tdagi_cast(c->b, x, TDAG_BOOL), (tdag_reduction)c->data,
                          axes, keep);
    return tdagi_result(c, bytes ? tdagi_cast(c->b, x, TDAG_U8) : x);
}

/* ---- softmax ---- */

/* softmax, log_softmax: row data is the composite; softmin: SOFTMAX negated by 1000 */
tdagi_any tdagi_aten_softmax(tdagi_call *c)
{
    tdag_value x = input(c);
    if (c->bad) return tdagi_any_poison();
    if (tdagi_arg_bool(c, "half_to_float", false)) x = tdagi_cast(c->b, x, TDAG_F32);
    uint32_t rank = tdagi_rank(c, x);
    tdagi_axis_spec s = {tdagi_arg_axis(c, "dim", rank)};
    if (rank == 0) x = tdagi_reshape(c->b, x, 1, (tdag_dim[]){1});
    tdag_value y = lower(c, (tdagi_composite)c->data, x, &s);
    return tdagi_result(c, rank == 0 ? tdagi_reshape(c->b, y, 0, NULL) : y);
}

/* A softmax of which a row of nothing but -inf is 0. */
tdagi_any tdagi_aten_safe_softmax(tdagi_call *c)
{
    tdag_value x = input(c);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdagi_axis_spec s = {tdagi_arg_axis(c, "dim", rank)};
    bool single = rank == 0;
    if (single) x = tdagi_unsqueeze1(c->b, x, 0);
    if (c->bad || x.id == 0) return tdagi_any_poison();
    tdag_value empty =
        tdagi_reduce_keep(c->b, x, TDAG_REDUCE_MAX, (tdag_list){1, &s.axis}, true);
    tdag_dtype d = tdagi_dtype(c, x);
    empty =
        tdag_binary(c->b, TDAG_OP_EQUAL, empty, tdag_add_scalar(c->b, d, -INFINITY));
    tdag_value y = tdag_where(c->b, empty, tdag_add_scalar(c->b, d, 0),
                              lower(c, TDAGI_SOFTMAX, x, &s));
    return tdagi_result(c, single ? tdagi_reshape(c->b, y, 0, NULL) : y);
}

tdagi_any tdagi_aten_logsumexp(tdagi_call *c)
{
    tdag_value x = tdagi_as_float(c, tdagi_arg_tensor(c, "self"));
    if (c->bad) return tdagi_any_poison();
    tdagi_axes_keep_spec s = {tdagi_arg_axes(c, "dim", tdagi_rank(c, x)),
                              tdagi_arg_bool(c, "keepdim", false)};
    return tdagi_result(c, lower(c, TDAGI_LOGSUMEXP, x, &s));
}

/* ---- moments and norms ---- */

/* var, std, and with the mean: row data bit 0: root, bit 1: mean too */
tdagi_any tdagi_aten_var(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad) return tdagi_any_poison();
    tdagi_var_spec s = {tdagi_arg_axes(c, "dim", tdagi_rank(c, x)), 1, 0};
    s.keep = tdagi_arg_bool(c, "keepdim", false);
    s.correction = tdagi_arg_bool(c, "unbiased", true) ? 1 : 0;
    if (tdagi_has(c, "correction")) s.correction = tdagi_arg_float(c, "correction", 1);
    tdagi_composite id = (c->data & 1) != 0 ? TDAGI_STD : TDAGI_VAR;
    tdag_value v[2] = {lower(c, id, x, &s), TDAG_NO_VALUE};
    if ((c->data & 2) == 0) return tdagi_result(c, v[0]);
    v[1] = tdagi_reduce_keep(c->b, x, TDAG_REDUCE_MEAN, s.axes, s.keep != 0);
    return tdagi_results(c, 2, v);
}

/* norm, linalg_vector_norm, linalg_norm, frobenius_norm: as vectors. linalg_norm of a
 * given order over two axes is a matrix norm. */
tdagi_any tdagi_aten_norm(tdagi_call *c)
{
    tdag_value x = input(c);
    const char *order = tdagi_has(c, "p") ? "p" : "ord";
    if (c->bad) return tdagi_any_poison();
    x = tdagi_as_float(c, x);
    tdag_list dims = tdagi_arg_ints(c, "dim");
    bool named = tdagi_has(c, order);
    if (c->data == 1 && named && (dims.n == 2 || (dims.n == 0 && tdagi_rank(c, x) > 1)))
        return tdagi_aten_matrix_norm(c);
    tdagi_any p = tdagi_arg(c, order);
    if (p.kind == TDAGI_ANY_STRING && strcmp(p.u.s, "fro") != 0)
        return tdagi_refuse(c, order);
    tdagi_norm_spec s = {tdagi_arg_axes(c, "dim", tdagi_rank(c, x)), 2,
                         tdagi_arg_bool(c, "keepdim", false), 0};
    if (named && p.kind != TDAGI_ANY_STRING) s.p = tdagi_arg_float(c, order, 2);
    return tdagi_result(c, lower(c, TDAGI_VECTOR_NORM, x, &s));
}

tdagi_any tdagi_aten_cosine_similarity(tdagi_call *c)
{
    tdagi_any both[2] = {tdagi_arg(c, "x1"), tdagi_arg(c, "x2")};
    tdag_dtype d = tdagi_result_type(c, 2, both);
    tdag_value x[2] = {tdagi_as(c, both[0], d), tdagi_as(c, both[1], d)};
    int64_t axis = tdagi_arg_int(c, "dim", 1);
    const double eps = tdagi_arg_float(c, "eps", 1e-8);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = 0;
    tdag_dim dims[TDAG_MAX_RANK];
    tdagi_broadcast_shape(c->b, x, 2, &rank, dims);
    axis = tdagi_wrap_axis(c, axis, rank);
    for (uint32_t i = 0; i < 2; i++)
        x[i] = tdagi_expand(c->b, x[i], rank, dims);
    if (x[0].id == 0 || x[1].id == 0) return tdagi_any_poison();
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_COSINE_SIMILARITY, x, 2,
                                       &(tdagi_cosine_spec){axis, eps}));
}

tdagi_any tdagi_aten_pairwise_distance(tdagi_call *c)
{
    tdagi_any d =
        tdagi_binary(c, TDAGI_FOLD_SUB, tdagi_arg(c, "x1"), tdagi_arg(c, "x2"));
    double p = tdagi_arg_float(c, "p", 2), eps = tdagi_arg_float(c, "eps", 1e-6);
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    if (c->bad || d.kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
    tdag_value x = tdagi_as_float(c, tdagi_cell_read(c->env, d.u.tensor));
    if (x.id == 0 || tdagi_rank(c, x) == 0) return tdagi_refuse(c, "x1");
    x = tdagi_add_scalar(c->b, x, eps);
    int64_t last = (int64_t)tdagi_rank(c, x) - 1;
    tdagi_norm_spec s = {{1, &last}, p, keep, 0};
    return tdagi_result(c, lower(c, TDAGI_VECTOR_NORM, x, &s));
}

/* ---- along an axis ---- */

/* cumsum, cumprod: row data is the reduction */
tdagi_any tdagi_aten_scan(tdagi_call *c)
{
    tdag_value x = widen_integers(c, input(c));
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x), axis = tdagi_arg_axis(c, "dim", rank);
    if (c->bad || rank == 0) return tdagi_result(c, x);
    return tdagi_result(c, tdag_scan(c->b, x, (tdag_reduction)c->data, axis));
}

/* The sum over what broadcasting had added. */
tdagi_any tdagi_aten_sum_to_size(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_list size = tdagi_arg_dims(c, "size");
    if (c->bad || size.n > tdagi_rank(c, x)) return tdagi_refuse(c, "size");
    uint32_t rank = tdagi_rank(c, x), more = rank - size.n, n = 0;
    int64_t axes[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++)
        if (i < more || (size.v[i - more] == 1 && tdagi_dim(c, x, i) != 1))
            axes[n++] = i;
    if (n > 0 || size.n == 0) x = step_summand(c, x);
    if (n > 0)
        x = tdagi_reduce_keep(c->b, x, TDAG_REDUCE_SUM, (tdag_list){n, axes}, true);
    return tdagi_result(c, tdagi_reshape(c->b, x, size.n, size.v));
}

tdagi_any tdagi_aten_vecdot(tdagi_call *c)
{
    tdagi_any xy =
        tdagi_binary(c, TDAGI_FOLD_MUL, tdagi_arg(c, "x"), tdagi_arg(c, "y"));
    int64_t given = tdagi_arg_int(c, "dim", -1);
    if (c->bad || xy.kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
    tdag_value v = tdagi_cell_read(c->env, xy.u.tensor);
    if (v.id == 0 || tdagi_rank(c, v) == 0) return tdagi_refuse(c, "x");
    int64_t axis = tdagi_wrap_axis(c, given, tdagi_rank(c, v));
    return tdagi_result(
        c, tdagi_reduce_keep(c->b, v, TDAG_REDUCE_SUM, (tdag_list){1, &axis}, false));
}

tdagi_any tdagi_aten_diff(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    int64_t n = tdagi_arg_int(c, "n", 1), given = tdagi_arg_int(c, "dim", -1);
    if (c->bad || tdagi_rank(c, x) == 0) return tdagi_refuse(c, "self");
    uint32_t axis = tdagi_wrap_axis(c, given, tdagi_rank(c, x));
    tdag_value parts[3] = {tdagi_arg_optional(c, "prepend"), x,
                           tdagi_arg_optional(c, "append")};
    uint32_t k = 0;
    for (uint32_t i = 0; i < 3; i++)
        if (parts[i].id != 0) parts[k++] = parts[i];
    if (k > 1) x = tdagi_concat(c->b, parts, k, axis);
    for (int64_t i = 0; i < n && x.id != 0; i++) {
        tdag_dim d = tdagi_dim(c, x, axis);
        tdag_value next = tdagi_slice1(c->b, x, axis, 1, d);
        tdag_value last = tdagi_slice1(c->b, x, axis, 0, tdag_dim_sub(c->b, d, 1));
        if (next.id == 0) break;
        x = tdagi_dtype(c, x) == TDAG_BOOL ? step_lower(c, TDAGI_NOT_EQUAL, next, last)
                                           : tdagi_sub(c->b, next, last);
    }
    return tdagi_result(c, x);
}

/* What its caller leaves open of the order: PyTorch sorts by another way than it
 * selects, and picks others among equals. */
static int64_t order_of_call(tdagi_call *c)
{
    if (c->data == 2)
        return tdagi_arg_bool(c, "sorted", true) ? TDAG_ORDER_SELECTED : TDAG_ORDER_SET;
    return tdagi_arg_bool(c, "stable", false) ? TDAG_ORDER_STABLE : TDAG_ORDER_FREE;
}

/* sort and argsort (row data 1), topk (2) */
tdagi_any tdagi_aten_sort(tdagi_call *c)
{
    if (c->n > 0 && tdagi_any_is_seq(c->args[0])) {
        c->data = 0;
        return tdagi_aten_sort_list(c);
    }
    tdag_value x = tdagi_arg_tensor(c, "self"), v[2];
    int64_t given = c->data == 3 ? 0 : tdagi_arg_int(c, "dim", -1);
    bool largest = c->data == 2 ? tdagi_arg_bool(c, "largest", true)
                                : tdagi_arg_bool(c, "descending", false);
    tdag_dim k = c->data == 2 ? tdagi_arg_dim(c, "k", 1) : 0;
    const int64_t order = order_of_call(c);
    if (c->bad) return tdagi_any_poison();
    bool single = tdagi_rank(c, x) == 0; /* as an axis of one */
    if (single && c->data == 2 && k != 1) return tdagi_refuse(c, "k");
    if (single) x = tdagi_unsqueeze1(c->b, x, 0);
    if (x.id == 0) return tdagi_any_poison();
    uint32_t axis = tdagi_wrap_axis(c, given, tdagi_rank(c, x));
    if (c->data == 2)
        tdagi_lower_pair(c->b, TDAGI_TOPK, x,
                         &(tdagi_topk_spec){axis, largest, order, k}, v);
    else
        tdagi_lower_pair(c->b, TDAGI_SORT, x,
                         &(tdag_argsort_spec){axis, largest, order}, v);
    for (uint32_t i = 0; i < 2 && single; i++)
        v[i] = tdagi_reshape(c->b, v[i], 0, NULL);
    if (c->data == 1 || c->data == 3) return tdagi_result(c, v[c->data == 1]);
    return tdagi_results(c, 2, v);
}

/* median; row data 1: nanmedian. Of all or along an axis. */
tdagi_any tdagi_aten_median(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), v[2];
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x), axis = 0;
    bool keep = tdagi_arg_bool(c, "keepdim", false), along = tdagi_has(c, "dim");
    if (along) axis = tdagi_arg_axis(c, "dim", rank);
    if (!along || rank == 0) {
        tdag_dim n = tdagi_dim_product(c->env->pool, rank, tdagi_shape(c, x));
        x = tdagi_reshape(c->b, x, 1, &n);
    }
    if (c->bad || x.id == 0) return tdagi_any_poison();
    const tdagi_axis_keep_spec s = {axis, along && keep && rank > 0};
    tdagi_lower_pair(c->b, c->data == 1 ? TDAGI_NANMEDIAN : TDAGI_MEDIAN, x, &s, v);
    return along ? tdagi_results(c, 2, v) : tdagi_result(c, v[0]);
}
