/* Norms and condition numbers of matrices, their exponential, powers of numbers. */
#include <math.h>
#include <string.h>

#include "aten/rows/linalg/linalg.h"

/* ---- norms ---- */

/* Orders as numbers; the two that have names: */
#define FROBENIUS 1000.0
#define NUCLEAR   1001.0

static double order_of(tdagi_call *c, const char *name, double when_none)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind != TDAGI_ANY_STRING) return tdagi_arg_float(c, name, when_none);
    if (strcmp(v.u.s, "fro") == 0) return FROBENIUS;
    if (strcmp(v.u.s, "nuc") == 0) return NUCLEAR;
    tdagi_refuse(c, name);
    return 0;
}

/* Of the last two axes, which go. */
static tdag_value matrix_norm(tdagi_call *c, tdag_value x, double order)
{
    int64_t rank = tdagi_rank(c, x), both[2] = {rank - 2, rank - 1};
    double size = fabs(order);
    tdag_reduction kind = order < 0 ? TDAG_REDUCE_MIN : TDAG_REDUCE_MAX;
    if (order == FROBENIUS) {
        tdagi_norm_spec s = {{2, both}, 2, 0, 0};
        return x.id == 0 ? x : tdagi_lower(c->b, TDAGI_VECTOR_NORM, &x, 1, &s);
    }
    if (size == 1 || isinf(size)) { /* of the columns' or rows' sums */
        x = step_sum(c, step_abs(c, x), size == 1 ? rank - 2 : rank - 1, false);
        return step_reduce(c, x, kind, rank - 2, false);
    }
    tdagi_matrix a;
    if (!tdagi_matrix_of(c, x, TDAGI_JACOBI_MOST, &a)) return TDAG_NO_VALUE;
    x = tdagi_singular_values(c, a);
    if (order == NUCLEAR) return step_sum(c, x, rank - 2, false);
    return step_reduce(c, x, kind, rank - 2, false);
}

static tdagi_any norm_over(tdagi_call *c, tdag_value x, double order, tdag_list dims,
                           bool keep)
{
    double size = fabs(order);
    if (c->bad || x.id == 0) return tdagi_any_poison();
    if (!(size == 1 || size == 2 || isinf(size) || order == FROBENIUS ||
          order == NUCLEAR))
        return tdagi_refuse(c, tdagi_has(c, "ord") ? "ord" : "p");
    uint32_t rank = tdagi_rank(c, x), n = 0;
    if (rank < 2 || dims.n != 2) return tdagi_refuse(c, "dim");
    uint32_t a = tdagi_wrap_axis(c, dims.v[0], rank),
             b = tdagi_wrap_axis(c, dims.v[1], rank);
    if (c->bad || a == b) return tdagi_refuse(c, "dim");
    int64_t axes[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++)
        if (i != a && i != b) axes[n++] = i;
    axes[n++] = a;
    axes[n] = b;
    if (a + 2 != rank || b + 1 != rank)
        x = tdag_permute(c->b, x, (tdag_list){rank, axes});
    x = matrix_norm(c, x, order);
    if (keep && x.id != 0) {
        x = tdagi_unsqueeze1(c->b, x, a < b ? a : b);
        x = tdagi_unsqueeze1(c->b, x, a < b ? b : a);
    }
    return tdagi_result(c, x);
}

/* The argument as floats of the dtype that is asked for. */
static tdag_value floats(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_dtype d = tdagi_arg_dtype(c, "dtype");
    if (c->bad) return TDAG_NO_VALUE;
    return tdagi_as_float(c, d == TDAG_DTYPE_NONE ? x : tdagi_cast(c->b, x, d));
}

/* linalg_matrix_norm; linalg_norm of an order over two axes; nuclear_norm (row data
 * 'n'). */
tdagi_any tdagi_aten_matrix_norm(tdagi_call *c)
{
    static const int64_t usual[2] = {-2, -1};
    tdag_value x = floats(c);
    double order = c->data == 'n' ? NUCLEAR : order_of(c, "ord", 2);
    tdag_list dims = tdagi_arg_ints(c, "dim");
    bool keep = tdagi_arg_bool(c, "keepdim", false);
    if (dims.n == 0) dims = (tdag_list){2, usual};
    return norm_over(c, x, order, dims, keep);
}

tdagi_any tdagi_aten_cond(tdagi_call *c)
{
    tdagi_matrix a;
    double order = order_of(c, "p", 2);
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    uint32_t last = a.rank - 2;
    if (a.m == 0 || a.n == 0)
        return tdagi_result(
            c, tdagi_batch_full(c->b, a.v, -1, -1, tdagi_dtype(c, a.v), 0));
    if (fabs(order) != 2 && order != NUCLEAR) {
        tdag_value info, eye = tdagi_eye(c->b, tdagi_dtype(c, a.v), a.n, a.n);
        if (a.m != a.n) return tdagi_refuse(c, "self");
        tdag_value x = tdagi_solved(c, a, eye, true, &info);
        tdag_value norm = matrix_norm(c, x, order);
        if (norm.id == 0) return tdagi_any_poison();
        tdag_value singular = step_less(c, tdag_add_scalar(c->b, TDAG_I32, 0), info);
        norm = step_where(c, singular, step_number(c, norm, INFINITY), norm);
        norm = tdagi_mul(c->b, norm, matrix_norm(c, a.v, order));
        if (norm.id == 0) return tdagi_any_poison();
        norm = step_where(c, step_isnan(c, norm), step_number(c, norm, INFINITY), norm);
        return tdagi_result(c, norm);
    }
    if (!tdagi_matrix_of(c, a.v, TDAGI_JACOBI_MOST, &a)) return tdagi_any_poison();
    tdag_value s = tdagi_singular_values(c, a);
    if (order == NUCLEAR) {
        tdag_value other = tdag_unary(c->b, TDAG_OP_RECIPROCAL, s);
        return tdagi_result(c, tdagi_mul(c->b, step_sum(c, s, last, false),
                                         step_sum(c, other, last, false)));
    }
    int64_t n = a.m < a.n ? a.m : a.n;
    tdag_value first = tdagi_select1(c->b, s, last, 0);
    s = tdagi_select1(c->b, s, last, n - 1);
    return tdagi_result(c, order < 0 ? tdagi_div(c->b, s, first)
                                     : tdagi_div(c->b, first, s));
}

/* ---- exponentials ---- */

#define DEGREE    16 /* of the series: off by less than 2^-60 where the norm is 1/2 */
#define SQUARINGS 24

/* The series up to x^16, in powers of x^4. */
static tdag_value series(tdagi_call *c, tdag_value x, tdag_value eye)
{
    tdag_value powers[5] = {eye, x}, out = TDAG_NO_VALUE;
    double factor[DEGREE + 1] = {1};
    for (int i = 1; i <= DEGREE; i++)
        factor[i] = factor[i - 1] / i;
    for (int i = 2; i <= 4; i++)
        powers[i] = tdagi_matmul(c->b, powers[i - 1], x);
    for (int block = DEGREE / 4; block >= 0; block--) {
        tdag_value sum = TDAG_NO_VALUE;
        for (int i = 0; i < 4 && 4 * block + i <= DEGREE; i++) {
            tdag_value one = tdagi_mul_scalar(c->b, powers[i], factor[4 * block + i]);
            sum = i == 0 ? one : tdagi_add(c->b, sum, one);
        }
        out = block == DEGREE / 4
                  ? sum
                  : tdagi_add(c->b, tdagi_matmul(c->b, out, powers[4]), sum);
    }
    return out;
}

/* By scaling and squaring, each matrix as often as its norm asks for: x / 2^s has a
 * norm of at most 1/2. Beyond 2^23 the result is NaN. */
tdagi_any tdagi_aten_matrix_exp(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    if (c->bad || tdagi_rank(c, x) < 2 || !tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_refuse(c, "self");
    uint32_t rank = tdagi_rank(c, x);
    tdag_dtype d = tdagi_dtype(c, x);
    tdag_dim n = tdagi_dim(c, x, rank - 1);
    tdag_value i = tdag_iota(c->b, n, TDAG_I64);
    tdag_value eye =
        tdagi_cast(c->b, step_equal(c, tdagi_unsqueeze1(c->b, i, 1), i), TDAG_F64);
    if (n == 0) return tdagi_result(c, x);
    x = tdagi_cast(c->b, x, TDAG_F64);
    tdag_value norm = step_sum(c, step_abs(c, x), (int64_t)rank - 2, true);
    norm = step_reduce(c, norm, TDAG_REDUCE_MAX, (int64_t)rank - 1, true);
    tdag_value scale = step_number(c, x, 1), least = step_number(c, x, 0.5);
    tdag_value more[SQUARINGS]; /* whether it is scaled once more */
    for (int k = 0; k < SQUARINGS; k++) {
        more[k] = step_less(c, least, norm);
        tdag_value half = step_where(c, more[k], least, step_number(c, x, 1));
        norm = tdagi_mul(c->b, norm, half);
        scale = tdagi_mul(c->b, scale, half);
    }
    tdag_value y = series(c, tdagi_mul(c->b, x, scale), eye);
    for (int k = 0; k < SQUARINGS && tdagi_builder_ok(c->b); k++)
        y = step_where(c, more[k], tdagi_matmul(c->b, y, y), y);
    tdag_value fits = step_lower(c, TDAGI_LESS_EQUAL, norm, least);
    y = step_where(c, fits, y, step_number(c, x, NAN));
    return tdagi_result(c, tdagi_cast(c->b, y, d));
}

/* ---- powers ---- */

/* linalg_vander and vander (row data 1): x^0 ... x^(N-1), the latter the other way
 * round unless `increasing`. */
tdagi_any tdagi_aten_vander(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "x");
    if (c->bad || tdagi_rank(c, x) >= TDAG_MAX_RANK) return tdagi_refuse(c, "x");
    if (tdagi_rank(c, x) == 0) x = tdagi_unsqueeze1(c->b, x, 0);
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim n = tdagi_arg_dim(c, "N", tdagi_dim(c, x, rank - 1)), dims[TDAG_MAX_RANK];
    bool turned = c->data == 1 && !tdagi_arg_bool(c, "increasing", false);
    if (c->bad || n == 0) return tdagi_refuse(c, "N");
    if (!tdag_dtype_is_float(tdagi_dtype(c, x))) x = tdagi_cast(c->b, x, TDAG_I64);
    memcpy(dims, tdagi_shape(c, x), rank * sizeof(*dims));
    dims[rank] = 1;
    tdag_value parts[2] = {tdagi_full(c->b, tdagi_dtype(c, x), rank + 1, dims, 1),
                           tdagi_unsqueeze1(c->b, x, rank)};
    dims[rank] = tdag_dim_sub(c->b, n, 1);
    parts[1] = tdagi_expand(c->b, parts[1], rank + 1, dims);
    x = tdagi_concat(c->b, parts, 2, rank);
    x = tdag_scan(c->b, x, TDAG_REDUCE_PRODUCT, rank);
    const int64_t axis = rank;
    tdagi_axes_list_spec s = {{1, &axis}};
    if (turned && x.id != 0) x = tdagi_lower(c->b, TDAGI_FLIP, &x, 1, &s);
    return tdagi_result(c, x);
}
