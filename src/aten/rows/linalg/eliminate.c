/* LU with partial pivoting, and what is solved and computed by it. */
#include <math.h>
#include <string.h>

#include "aten/rows/linalg/linalg.h"

/* ---- rows that change places ---- */

/* Positions 0...n-1 with those of k and p [..., 1] exchanged. */
static tdag_value exchanged(tdagi_call *c, int64_t k, tdag_value p, int64_t n)
{
    tdag_value i = tdag_iota(c->b, n, TDAG_I64),
               at = tdag_add_scalar(c->b, TDAG_I64, (double)k);
    tdag_value back = step_where(c, step_equal(c, i, p), at, i);
    return step_where(c, step_equal(c, i, at), p, back);
}

/* Rows of x's matrices, or elements of [..., n]. */
static tdag_value rows_at(tdagi_call *c, tdag_value x, tdag_value index)
{
    if (x.id == 0 || index.id == 0) return TDAG_NO_VALUE;
    return tdag_gather(c->b, x, index, (int64_t)tdagi_rank(c, index) - 1);
}

/* [..., n] i64: which row of A stands where, by the pivots. */
static tdag_value rows_by_pivots(tdagi_call *c, tdag_value like, tdag_value pivots,
                                 int64_t n, int64_t steps)
{
    tdag_value rows = tdagi_batch_full(c, like, n, -1, TDAG_I64, 0);
    rows = tdagi_add(c->b, rows, tdag_iota(c->b, n, TDAG_I64));
    tdag_value at = tdagi_add_scalar(c->b, tdagi_cast(c->b, pivots, TDAG_I64), -1);
    if (at.id == 0) return at;
    if (tdagi_rank(c, at) == 0) {
        tdagi_call_fail(c, TDAG_E_SHAPE, "pivots of rank 0");
        return TDAG_NO_VALUE;
    }
    uint32_t last = tdagi_rank(c, at) - 1;
    for (int64_t k = 0; k < steps && tdagi_builder_ok(c->b); k++)
        rows = rows_at(c, rows,
                       exchanged(c, k, tdagi_slice1(c->b, at, last, k, k + 1), n));
    return rows;
}

/* ---- elimination ---- */

/* What is left: rows k...m-1, their columns k...n-1 first, then the multipliers of the
 * steps before. */
typedef struct left {
    tdag_value x;
    int64_t rows, columns, k;
} left;

/* The row that has the largest element of the first column goes to the top. */
static tdag_value pivot(tdagi_call *c, left *l)
{
    uint32_t last = tdagi_rank(c, l->x) - 2;
    if (l->rows == 1) {
        tdag_value zero = tdagi_batch_full(c, l->x, 1, -1, TDAG_I64, 0);
        return zero;
    }
    tdag_value column = tdagi_block(c, l->x, 0, l->rows, 0, 1);
    column = step_abs(c, tdagi_squeeze1(c->b, column, last + 1));
    tdagi_axis_keep_spec s = {last, 1};
    if (column.id == 0) return column;
    tdag_value p = tdagi_lower(c->b, TDAGI_ARGMAX, &column, 1, &s);
    l->x = rows_at(c, l->x, exchanged(c, 0, p, l->rows));
    return p;
}

/* Takes the first row and column away; the row is returned. Where the pivot is 0, so is
 * the column below it, as LAPACK leaves it. */
static tdag_value eliminate(tdagi_call *c, left *l)
{
    int64_t width = l->columns + l->k, active = l->columns;
    tdag_value row = tdagi_block(c, l->x, 0, 1, 0, width);
    if (l->rows > 1) {
        uint32_t last = tdagi_rank(c, l->x) - 1;
        tdag_value top = tdagi_block(c, row, 0, 1, 0, 1), zero = step_number(c, top, 0);
        tdag_value by = tdagi_block(c, l->x, 1, l->rows, 0, 1), rest;
        by = step_where(c, step_equal(c, top, zero), by, tdagi_div(c->b, by, top));
        if (width > 1) {
            rest = tdagi_block(c, l->x, 1, l->rows, 1, width);
            if (active > 1) {
                tdag_value known = tdagi_block(c, row, 0, 1, 1, active);
                if (l->k > 0)
                    known =
                        tdagi_pad1(c->b, known, last, 0, l->k, TDAG_PAD_CONSTANT, 0);
                rest = tdagi_sub(c->b, rest, tdagi_mul(c->b, by, known));
            }
            tdag_value both[2] = {rest, by};
            by = tdagi_concat(c->b, both, 2, last);
        }
        l->x = by;
    }
    l->rows--;
    l->columns--;
    l->k++;
    return row;
}

/* The columns in order, of rows that were turned by a step each. */
static tdag_value unturned(tdagi_call *c, tdag_value x, tdagi_matrix a)
{
    int64_t *at = tdagi_env_alloc(c->env, (size_t)(a.m * a.n + 1) * sizeof(*at));
    if (at == NULL || x.id == 0) return TDAG_NO_VALUE;
    for (int64_t i = 0; i < a.m; i++)
        for (int64_t j = 0; j < a.n; j++) {
            int64_t k = i < a.n ? i : a.n;
            at[i * a.n + j] = i * a.n + (j - k + a.n) % a.n;
        }
    tdag_dim dims[TDAG_MAX_RANK];
    memcpy(dims, tdagi_shape(c, a.v), a.rank * sizeof(*dims));
    x = tdagi_pick(c, x, a.m * a.n, at);
    return x.id == 0 ? x : tdagi_reshape(c->b, x, a.rank, dims);
}

tdagi_lu tdagi_eliminate(tdagi_call *c, tdagi_matrix a)
{
    int64_t steps = a.m < a.n ? a.m : a.n;
    tdagi_lu out = {a.v, {0}, {0}};
    if (steps == 0) {
        out.pivots = tdagi_batch_full(c, a.v, 0, -1, TDAG_I32, 0);
        out.info = tdagi_batch_full(c, a.v, -1, -1, TDAG_I32, 0);
        return out;
    }
    left l = {a.v, a.m, a.n, 0};
    tdag_value *rows = tdagi_env_alloc(c->env, 2 * (size_t)(steps + 1) * sizeof(*rows));
    tdag_value *pivots = rows + steps + 1;
    for (int64_t k = 0; rows != NULL && k < steps && tdagi_builder_ok(c->b); k++) {
        pivots[k] = tdagi_add_scalar(c->b, pivot(c, &l), (double)(k + 1));
        rows[k] = eliminate(c, &l);
    }
    if (rows == NULL || !tdagi_builder_ok(c->b)) return (tdagi_lu){{0}, {0}, {0}};
    rows[steps] = l.x;
    tdag_value all =
        tdagi_concat(c->b, rows, (uint32_t)(steps + (a.m > steps)), a.rank - 2);
    a.v = out.lu = unturned(c, all, a);
    out.pivots = tdagi_cast(
        c->b, tdagi_concat(c->b, pivots, (uint32_t)steps, a.rank - 2), TDAG_I32);
    tdag_value d = tdagi_diagonal_of(c, a);
    out.info = tdagi_first_true(c, step_equal(c, d, step_number(c, d, 0)), steps);
    return out;
}

/* linalg_lu_factor, _lu_with_info (LU, pivots, info). */
tdagi_any tdagi_aten_lu_factor(tdagi_call *c)
{
    tdagi_matrix a;
    bool pivots = tdagi_arg_bool(c, "pivot", true);
    tdagi_ignore(c, "check_errors");
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    if (!pivots) return tdagi_refuse(c, "pivot");
    tdagi_lu f = tdagi_eliminate(c, a);
    return tdagi_results(c, c->schema->n_results,
                         (tdag_value[]){f.lu, f.pivots, f.info});
}

/* P, L and U as matrices; P of m rows. */
static tdagi_any unpacked(tdagi_call *c, tdagi_matrix lu, tdag_value pivots,
                          bool unpack_data, bool unpack_pivots)
{
    int64_t k = lu.m < lu.n ? lu.m : lu.n;
    tdag_dtype d = tdagi_dtype(c, lu.v);
    tdag_value none = tdagi_nothing(c, d), out[3] = {none, none, none};
    if (unpack_pivots) {
        tdag_value rows = rows_by_pivots(c, lu.v, pivots, lu.m, k);
        tdag_value i = tdagi_unsqueeze1(c->b, tdag_iota(c->b, lu.m, TDAG_I64), 1);
        rows = tdagi_unsqueeze1(c->b, rows, lu.rank - 2);
        out[0] = tdagi_cast(c->b, step_equal(c, i, rows), d);
    }
    if (unpack_data) {
        out[1] = tdagi_triangle(c, tdagi_block(c, lu.v, 0, lu.m, 0, k), false, -1);
        out[1] = tdagi_add(c->b, out[1], tdagi_eye(c, d, lu.m, k));
        out[2] = tdagi_triangle(c, tdagi_block(c, lu.v, 0, k, 0, lu.n), true, 0);
    }
    return tdagi_results(c, 3, out);
}

tdagi_any tdagi_aten_linalg_lu(tdagi_call *c)
{
    tdagi_matrix a;
    bool pivots = tdagi_arg_bool(c, "pivot", true);
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    if (!pivots) return tdagi_refuse(c, "pivot");
    tdagi_lu f = tdagi_eliminate(c, a);
    a.v = f.lu;
    return f.lu.id == 0 ? tdagi_any_poison() : unpacked(c, a, f.pivots, true, true);
}

tdagi_any tdagi_aten_lu_unpack(tdagi_call *c)
{
    tdagi_matrix lu;
    tdag_value pivots = tdagi_arg_tensor(c, "LU_pivots");
    bool data = tdagi_arg_bool(c, "unpack_data", true),
         rows = tdagi_arg_bool(c, "unpack_pivots", true);
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &lu)) return tdagi_any_poison();
    return unpacked(c, lu, pivots, data, rows);
}

/* ---- systems ---- */

/* X of A X = B, or of A^T X = B if turned, where lu and pivots are A's. */
static tdag_value by_lu(tdagi_call *c, tdagi_matrix lu, tdag_value pivots, tdag_value b,
                        bool turned)
{
    b = tdagi_batch_as(c, b, lu.v);
    if (b.id == 0 || pivots.id == 0) return TDAG_NO_VALUE;
    if (tdagi_rank(c, pivots) > 0)
        pivots = tdagi_unsqueeze1(c->b, pivots, tdagi_rank(c, pivots) - 1);
    pivots = tdagi_batch_as(c, pivots, b); /* as matrices, which broadcast */
    if (pivots.id == 0) return pivots;
    pivots = tdagi_squeeze1(c->b, pivots, tdagi_rank(c, pivots) - 2);
    tdag_value rows = rows_by_pivots(c, b, pivots, lu.n, lu.n);
    if (!turned) {
        b = tdagi_substitute(c, lu.v, rows_at(c, b, rows), lu.n, false, true);
        return tdagi_substitute(c, lu.v, b, lu.n, true, false);
    }
    tdag_value t = tdagi_mt(c, lu.v);
    b = tdagi_substitute(c, t, b, lu.n, false, false);
    b = tdagi_substitute(c, t, b, lu.n, true, true);
    if (rows.id == 0) return rows;
    return rows_at(c, b,
                   tdag_argsort(c->b, rows, (int64_t)tdagi_rank(c, rows) - 1, false));
}

/* As PyTorch does for a matrix that lies row by row, A^T is factored: so the same
 * matrices are found to be singular. */
tdag_value tdagi_solved(tdagi_call *c, tdagi_matrix a, tdag_value b, bool on_left,
                        tdag_value *info)
{
    a.v = tdagi_mt(c, a.v);
    tdagi_lu f = tdagi_eliminate(c, a);
    a.v = f.lu;
    *info = f.info;
    if (on_left) return by_lu(c, a, f.pivots, b, true);
    return tdagi_mt(c, by_lu(c, a, f.pivots, tdagi_mt(c, b), false));
}

/* linalg_inv, inverse, linalg_inv_ex (inverse, info). */
tdagi_any tdagi_aten_inv(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value out[2];
    tdagi_ignore(c, "check_errors");
    if (!tdagi_arg_square(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    tdag_value eye = tdagi_eye(c, tdagi_dtype(c, a.v), a.n, a.n);
    out[0] = tdagi_solved(c, a, eye, true, &out[1]);
    return c->schema->n_results < 2 ? tdagi_result(c, out[0])
                                    : tdagi_results(c, 2, out);
}

/* A X = B or X A = B: the solution and info. */
static tdagi_any solve(tdagi_call *c, tdag_value *info)
{
    tdagi_matrix a;
    tdag_value b = tdagi_arg_tensor(c, "B");
    bool on_left = tdagi_arg_bool(c, "left", true);
    if (!tdagi_arg_square(c, "A", TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    bool vectors = tdagi_are_vectors(c, a.v, b);
    if (vectors) b = tdagi_unsqueeze1(c->b, b, tdagi_rank(c, b));
    if (vectors && !on_left) return tdagi_refuse(c, "left");
    tdag_value x = tdagi_solved(c, a, b, on_left, info);
    if (x.id != 0 && vectors) x = tdagi_squeeze1(c->b, x, tdagi_rank(c, x) - 1);
    return tdagi_result(c, x);
}

/* linalg_solve; row data 1: linalg_solve_ex, with info; 2: _linalg_solve_ex, where info
 * is the last of four. */
tdagi_any tdagi_aten_linalg_solve(tdagi_call *c)
{
    tdag_value info = TDAG_NO_VALUE;
    tdagi_ignore(c, "check_errors");
    tdagi_any x = solve(c, &info);
    if (c->data == 0 || x.kind != TDAGI_ANY_TENSOR) return x;
    if (c->data == 2) return tdagi_first_result(c, x);
    tdagi_any both[2] = {x, tdagi_result(c, info)};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, both);
}

/* lu_solve and linalg_lu_solve: by LU and pivots. */
tdagi_any tdagi_aten_lu_solve(tdagi_call *c)
{
    bool old = c->data == 1;
    tdagi_matrix a;
    tdag_value b = tdagi_arg_tensor(c, old ? "self" : "B");
    tdag_value pivots = tdagi_arg_tensor(c, old ? "LU_pivots" : "pivots");
    bool on_left = tdagi_arg_bool(c, "left", true),
         turned = tdagi_arg_bool(c, "adjoint", false) != !on_left;
    if (!tdagi_arg_square(c, old ? "LU_data" : "LU", TDAGI_LINALG_MOST, &a))
        return tdagi_any_poison();
    if (tdagi_rank(c, b) < 2) return tdagi_refuse(c, old ? "self" : "B");
    if (!on_left) b = tdagi_mt(c, b);
    b = by_lu(c, a, pivots, b, turned);
    return tdagi_result(c, on_left ? b : tdagi_mt(c, b));
}

/* ---- determinants ---- */

/* Of [..., n] i32: -1 where an odd number of rows changed places, else 1. */
static tdag_value parity(tdagi_call *c, tdagi_matrix a, tdag_value pivots)
{
    tdag_dtype d = tdagi_dtype(c, a.v);
    tdag_value i = tdagi_add_scalar(c->b, tdag_iota(c->b, a.n, TDAG_I32), 1);
    tdag_value each =
        step_where(c, step_equal(c, pivots, i), tdag_add_scalar(c->b, d, 1),
                   tdag_add_scalar(c->b, d, -1));
    return step_reduce(c, each, TDAG_REDUCE_PRODUCT, (int64_t)a.rank - 2, false);
}

/* det (row data 'd'), logdet ('l'), slogdet ('s'). */
tdagi_any tdagi_aten_det(tdagi_call *c)
{
    tdagi_matrix a;
    if (!tdagi_arg_square(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    a.v = tdagi_mt(c, a.v); /* as for systems */
    tdagi_lu f = tdagi_eliminate(c, a);
    int64_t last = (int64_t)a.rank - 2;
    tdag_value sign = parity(c, a, f.pivots), out[2];
    a.v = f.lu;
    tdag_value d = f.lu.id == 0 ? f.lu : tdagi_diagonal_of(c, a);
    if (c->data == 'd') {
        d = step_reduce(c, d, TDAG_REDUCE_PRODUCT, last, false);
        return tdagi_first_result(c, tdagi_result(c, tdagi_mul(c->b, d, sign)));
    }
    out[0] = tdag_unary(c->b, TDAG_OP_SIGN, d);
    out[0] = step_reduce(c, out[0], TDAG_REDUCE_PRODUCT, last, false);
    out[0] = tdagi_mul(c->b, out[0], sign);
    out[1] = step_sum(c, step_log(c, step_abs(c, d)), last, false);
    if (c->data == 's') return tdagi_first_results(c, 2, out);
    tdag_value negative = step_equal(c, out[0], step_number(c, out[0], -1));
    return tdagi_result(c,
                        step_where(c, negative, step_number(c, out[1], NAN), out[1]));
}

/* ---- tensors as matrices ---- */

/* dims of x from `first` to `end` appended to out. */
static uint32_t append_dims(const tdagi_call *c, tdag_value x, uint32_t first,
                            uint32_t end, uint32_t n, tdag_dim *out)
{
    for (uint32_t i = first; i < end && n < TDAG_MAX_RANK; i++)
        out[n++] = tdagi_dim(c, x, i);
    return n;
}

/* The inverse of a tensor that maps its last axes to the first `ind` ones. */
tdagi_any tdagi_aten_tensorinv(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), info;
    int64_t ind = tdagi_arg_int(c, "ind", 2);
    if (c->bad || ind <= 0 || ind > tdagi_rank(c, x)) return tdagi_refuse(c, "ind");
    uint32_t rank = tdagi_rank(c, x), k = (uint32_t)ind;
    tdag_dim flat[2] = {tdagi_dim_product(c->env->pool, k, tdagi_shape(c, x)), 0};
    tdag_dim dims[TDAG_MAX_RANK];
    flat[1] = tdagi_dim_product(c->env->pool, rank - k, tdagi_shape(c, x) + k);
    uint32_t n = append_dims(c, x, k, rank, 0, dims);
    n = append_dims(c, x, 0, k, n, dims);
    tdagi_matrix a;
    if (!tdagi_matrix_of(c, tdagi_reshape(c->b, x, 2, flat), TDAGI_LINALG_MOST, &a))
        return tdagi_any_poison();
    if (a.m != a.n) return tdagi_refuse(c, "ind");
    x = tdagi_solved(c, a, tdagi_eye(c, tdagi_dtype(c, x), a.n, a.n), true, &info);
    return tdagi_result(c, tdagi_reshape(c->b, x, n, dims));
}

/* The tensor that self maps to other; axes `dims` of self last. */
tdagi_any tdagi_aten_tensorsolve(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), b = tdagi_arg_tensor(c, "other"), info;
    tdag_list moved = tdagi_arg_ints(c, "dims");
    int64_t order[TDAG_MAX_RANK];
    uint32_t rank = tdagi_rank(c, x), n = 0;
    uint64_t last = 0;
    for (uint32_t i = 0; !c->bad && i < moved.n; i++)
        last |= UINT64_C(1) << tdagi_wrap_axis(c, moved.v[i], rank);
    if (c->bad || moved.n > rank) return tdagi_any_poison();
    for (uint32_t i = 0; i < rank; i++)
        if ((last >> i & 1) == 0) order[n++] = i;
    for (uint32_t i = 0; i < moved.n && n < rank; i++)
        order[n++] = tdagi_wrap_axis(c, moved.v[i], rank);
    if (moved.n > 0) x = tdag_permute(c->b, x, (tdag_list){rank, order});
    tdag_dim dims[TDAG_MAX_RANK], size = step_count(c, b);
    if (x.id == 0 || tdagi_rank(c, b) > rank) return tdagi_refuse(c, "other");
    n = append_dims(c, x, tdagi_rank(c, b), rank, 0, dims);
    tdag_dim flat[2] = {size, size}, column[2] = {size, 1};
    tdagi_matrix a;
    if (!tdagi_matrix_of(c, tdagi_reshape(c->b, x, 2, flat), TDAGI_LINALG_MOST, &a))
        return tdagi_any_poison();
    x = tdagi_solved(c, a, tdagi_reshape(c->b, b, 2, column), true, &info);
    return tdagi_result(c, tdagi_reshape(c->b, x, n, dims));
}
