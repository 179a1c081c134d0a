/* LU with partial pivoting, and what is solved and computed by it. */
#include "aten/rows/linalg/linalg.h"

/* LAPACK's info: the first zero on the diagonal [..., n]. */
static tdag_value info_of(tdagi_call *c, tdag_value d, int64_t n)
{
    return tdagi_first_true(c, step_equal(c, d, step_number(c, d, 0)), n);
}

/* linalg_lu_factor, _lu_with_info (LU, pivots, info). */
tdagi_any tdagi_aten_lu_factor(tdagi_call *c)
{
    tdagi_matrix a;
    bool pivots = tdagi_arg_bool(c, "pivot", true);
    tdagi_ignore(c, "check_errors");
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    if (!pivots) return tdagi_refuse(c, "pivot");
    tdagi_lu f = tdagi_eliminate(c->b, a);
    a.v = f.lu;
    tdag_value info = info_of(c, tdagi_diagonal(c->b, a.v, 0), a.m < a.n ? a.m : a.n);
    return tdagi_results(c, c->schema->n_results, (tdag_value[]){f.lu, f.pivots, info});
}

/* P, L and U as matrices; P of m rows. */
static tdagi_any unpacked(tdagi_call *c, tdagi_matrix lu, tdag_value pivots,
                          bool unpack_data, bool unpack_pivots)
{
    int64_t k = lu.m < lu.n ? lu.m : lu.n;
    tdag_dtype d = tdagi_dtype(c, lu.v);
    tdag_value none = tdagi_nothing(c, d), out[3] = {none, none, none};
    if (unpack_pivots) {
        tdag_value rows = tdagi_rows_by_pivots(c->b, lu.v, pivots, lu.m, k);
        tdag_value i = tdagi_unsqueeze1(c->b, tdag_iota(c->b, lu.m, TDAG_I64), 1);
        rows = tdagi_unsqueeze1(c->b, rows, lu.rank - 2);
        out[0] = tdagi_cast(c->b, step_equal(c, i, rows), d);
    }
    if (unpack_data) {
        out[1] =
            tdagi_triangle(c, tdagi_block_of(c->b, lu.v, 0, lu.m, 0, k), false, -1);
        out[1] = tdagi_add(c->b, out[1], tdagi_eye(c->b, d, lu.m, k));
        out[2] = tdagi_triangle(c, tdagi_block_of(c->b, lu.v, 0, k, 0, lu.n), true, 0);
    }
    return tdagi_results(c, 3, out);
}

tdagi_any tdagi_aten_linalg_lu(tdagi_call *c)
{
    tdagi_matrix a;
    bool pivots = tdagi_arg_bool(c, "pivot", true);
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    if (!pivots) return tdagi_refuse(c, "pivot");
    tdagi_lu f = tdagi_eliminate(c->b, a);
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

tdag_value tdagi_solved(tdagi_call *c, tdagi_matrix a, tdag_value b, bool on_left,
                        tdag_value *info)
{
    tdag_value d = TDAG_NO_VALUE, x = tdagi_solve(c->b, a, b, on_left, &d);
    *info = info_of(c, d, a.n);
    return x;
}

/* linalg_inv, inverse, linalg_inv_ex (inverse, info). */
tdagi_any tdagi_aten_inv(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value out[2];
    tdagi_ignore(c, "check_errors");
    if (!tdagi_arg_square(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    tdag_value eye = tdagi_eye(c->b, tdagi_dtype(c, a.v), a.n, a.n);
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
    if (!on_left) b = tdagi_mt(c->b, b);
    b = tdagi_solve_by_lu(c->b, a, pivots, b, turned);
    return tdagi_result(c, on_left ? b : tdagi_mt(c->b, b));
}

/* ---- determinants ---- */

/* det (row data 'd'), logdet ('l'), slogdet ('s'). */
tdagi_any tdagi_aten_det(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value out[TDAGI_N_DETERMINANTS];
    if (!tdagi_arg_square(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    tdagi_determinant(c->b, a, out);
    if (c->data == 'l') return tdagi_result(c, out[TDAGI_LOGDET]);
    if (c->data == 'd')
        return tdagi_first_result(c, tdagi_result(c, out[TDAGI_DET_VALUE]));
    return tdagi_first_results(
        c, 2, (tdag_value[]){out[TDAGI_DET_SIGN], out[TDAGI_LOGABSDET]});
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
    x = tdagi_solved(c, a, tdagi_eye(c->b, tdagi_dtype(c, x), a.n, a.n), true, &info);
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
