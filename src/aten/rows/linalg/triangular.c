/* Triangular systems, and the factorisation of positive definite matrices. */
#include "aten/rows/linalg/linalg.h"

/* A X = B, or X A = B by transposing everything. */
tdagi_any tdagi_aten_solve_triangular(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value b = tdagi_arg_tensor(c, "B");
    bool upper = tdagi_arg_bool(c, "upper", false),
         left = tdagi_arg_bool(c, "left", true);
    bool unit = tdagi_arg_bool(c, "unitriangular", false);
    if (!tdagi_arg_square(c, "self", TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    if (tdagi_rank(c, b) < 2) return tdagi_refuse(c, "B");
    if (!left) {
        a.v = tdagi_mt(c->b, a.v);
        b = tdagi_mt(c->b, b);
    }
    b = tdagi_substitute(c->b, a.v, b, a.n, upper == left, unit);
    return tdagi_result(c, left ? b : tdagi_mt(c->b, b));
}

/* The older form, and A as a second result. */
tdagi_any tdagi_aten_old_triangular_solve(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value b = tdagi_arg_tensor(c, "self"), out[2];
    bool upper = tdagi_arg_bool(c, "upper", true),
         transposed = tdagi_arg_bool(c, "transpose", false);
    bool unit = tdagi_arg_bool(c, "unitriangular", false);
    if (!tdagi_arg_square(c, "A", TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    if (tdagi_rank(c, b) < 2) return tdagi_refuse(c, "self");
    out[1] = tdagi_batch_as(c->b, a.v, b);
    if (transposed) a.v = tdagi_mt(c->b, a.v);
    out[0] = tdagi_substitute(c->b, a.v, b, a.n, upper != transposed, unit);
    return tdagi_results(c, 2, out);
}

/* ---- Cholesky ---- */

/* linalg_cholesky and cholesky; row data 1: linalg_cholesky_ex, with LAPACK's info. */
tdagi_any tdagi_aten_cholesky(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value out[2], pivots;
    bool upper = tdagi_arg_bool(c, "upper", false);
    tdagi_ignore(c, "check_errors");
    if (!tdagi_arg_square(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    if (upper) a.v = tdagi_mt(c->b, a.v);
    pivots = tdagi_batch_full(c->b, a.v, 0, -1, TDAG_F32, 0);
    out[0] = a.n == 0 ? a.v : tdagi_cholesky(c->b, a.v, &pivots);
    if (upper) out[0] = tdagi_mt(c->b, out[0]);
    if (c->data == 0) return tdagi_result(c, out[0]);
    tdag_value good = step_less(c, step_number(c, pivots, 0), pivots);
    out[1] = tdagi_first_true(c, step_not(c, good), a.n);
    return tdagi_results(c, 2, out);
}

/* X of A X = B, where a is A's factor. */
static tdagi_any by_factor(tdagi_call *c, tdagi_matrix a, tdag_value b, bool upper)
{
    tdag_value t = tdagi_mt(c->b, a.v);
    b = tdagi_substitute(c->b, upper ? t : a.v, b, a.n, false, false);
    return tdagi_result(c,
                        tdagi_substitute(c->b, upper ? a.v : t, b, a.n, true, false));
}

tdagi_any tdagi_aten_cholesky_solve(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value b = tdagi_arg_tensor(c, "self");
    bool upper = tdagi_arg_bool(c, "upper", false);
    if (!tdagi_arg_square(c, "input2", TDAGI_LINALG_MOST, &a))
        return tdagi_any_poison();
    if (tdagi_rank(c, b) < 2) return tdagi_refuse(c, "self");
    return by_factor(c, a, b, upper);
}

tdagi_any tdagi_aten_cholesky_inverse(tdagi_call *c)
{
    tdagi_matrix a;
    bool upper = tdagi_arg_bool(c, "upper", false);
    if (!tdagi_arg_square(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    return by_factor(c, a, tdagi_eye(c->b, tdagi_dtype(c, a.v), a.n, a.n), upper);
}
