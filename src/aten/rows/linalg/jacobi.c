/* Singular values and the eigenvalues of symmetric matrices by Jacobi's rotations, and
 * what depends on them without depending on the vectors' signs.
 *
 * The vectors of a matrix are turned against each other, pair by pair, until all are
 * orthogonal: their lengths are then the singular values. n vectors make n-1 rounds of
 * n/2 pairs, which are turned at once, a sweep; after 3 + ceil(n/2) sweeps the values
 * are off by less than 1e-14 of the largest one. All is done in f64. */
#include <math.h>
#include <string.h>

#include "aten/rows/linalg/linalg.h"

#define MOST TDAGI_JACOBI_MOST

typedef struct svd {
    tdag_value w;    /* [N, ..., m]: each singular vector by its value */
    tdag_value v;    /* [N, ..., n]: the other vectors, where asked for */
    tdag_value s;    /* [N, ..., 1]: the values in no order; N is n or one more */
    tdag_value size; /* [..., 1]: all of it is to be scaled by that */
} svd;

/* ---- rotations ---- */

/* The sine and cosine that make vectors orthogonal, by their products. */
static void angle(tdagi_call *c, tdag_value p, tdag_value q, tdag_value out[2])
{
    int64_t last = (int64_t)tdagi_rank(c, p) - 1;
    tdag_value zero = step_number(c, p, 0);
    tdag_value pp = step_sum(c, tdagi_mul(c->b, p, p), last, true);
    tdag_value qq = step_sum(c, tdagi_mul(c->b, q, q), last, true);
    tdag_value g = step_sum(c, tdagi_mul(c->b, p, q), last, true);
    tdag_value d = tdagi_sub(c->b, qq, pp);
    g = tdagi_add(c->b, g, g);
    tdag_value r =
        step_sqrt(c, tdagi_add(c->b, tdagi_mul(c->b, d, d), tdagi_mul(c->b, g, g)));
    r = step_where(c, step_less(c, d, zero), step_neg(c, r), r);
    d = tdagi_add(c->b, d, r);
    tdag_value t = step_where(c, step_equal(c, d, zero), zero, tdagi_div(c->b, g, d));
    out[1] = step_one(c, TDAGI_RSQRT, tdagi_add_scalar(c->b, tdagi_mul(c->b, t, t), 1));
    out[0] = tdagi_mul(c->b, t, out[1]);
}

/* One round: vector i against vector n/2 + i; the first m numbers of each count. */
static tdag_value turn(tdagi_call *c, tdag_value x, int64_t n, tdag_dim m)
{
    tdag_value p = tdagi_slice1(c->b, x, 0, 0, n / 2);
    tdag_value q = tdagi_slice1(c->b, x, 0, n / 2, n), a[2] = {p, q}, sc[2];
    uint32_t last = tdagi_rank(c, x) - 1;
    if (x.id == 0) return x;
    for (uint32_t i = 0; i < 2 && tdagi_dim(c, x, last) != m; i++)
        a[i] = tdagi_slice1(c->b, a[i], last, 0, m);
    angle(c, a[0], a[1], sc);
    a[0] = tdagi_sub(c->b, tdagi_mul(c->b, sc[1], p), tdagi_mul(c->b, sc[0], q));
    a[1] = tdagi_add(c->b, tdagi_mul(c->b, sc[0], p), tdagi_mul(c->b, sc[1], q));
    return tdagi_concat(c->b, a, 2, 0);
}

/* How the vectors sit for the next round: all but the first move on by one. */
static tdag_value seats(tdagi_call *c, int64_t n)
{
    int64_t at[MOST + 1], h = n / 2;
    for (int64_t i = 0; i < n; i++)
        at[i] = i == 0 ? 0 : i == 1 ? h : i < h ? i - 1 : i + 1 < n ? i + 1 : h - 1;
    if (h == 1) at[1] = 1;
    return tdagi_positions(c, n, at);
}

/* a has at least as many rows as columns. */
static svd rotated(tdagi_call *c, tdagi_matrix a, bool with_v)
{
    int64_t n = a.n + a.n % 2, last = (int64_t)a.rank - 1, order[TDAG_MAX_RANK];
    const int64_t both[2] = {last - 1, last};
    svd out = {{0}, {0}, {0}, {0}};
    tdag_value x = tdagi_cast(c->b, a.v, TDAG_F64);
    tdag_value size = tdagi_reduce_keep(c->b, step_abs(c, x), TDAG_REDUCE_MAX,
                                        (tdag_list){2, both}, true);
    if (size.id == 0) return out;
    size = step_where(c, step_equal(c, size, step_number(c, size, 0)),
                      step_number(c, size, 1), size);
    out.size = tdagi_squeeze1(c->b, size, (uint32_t)last);
    x = tdagi_div(c->b, x, size);
    for (int64_t i = 0; i <= last; i++)
        order[i] = i == 0 ? last : i - 1;
    x = tdag_permute(c->b, x, (tdag_list){a.rank, order}); /* [n, ..., m] */
    if (n > a.n) x = tdagi_pad1(c->b, x, 0, 0, 1, TDAG_PAD_CONSTANT, 0);
    tdag_value eye = tdagi_eye(c->b, TDAG_F64, n, a.n);
    if (with_v && x.id != 0) {
        tdag_dim dims[TDAG_MAX_RANK];
        memcpy(dims, tdagi_shape(c, x), a.rank * sizeof(*dims));
        for (uint32_t i = 2; i < a.rank; i++)
            eye = tdagi_unsqueeze1(c->b, eye, 1);
        dims[last] = a.n;
        tdag_value pair[2] = {x, tdagi_expand(c->b, eye, a.rank, dims)};
        x = tdagi_concat(c->b, pair, 2, last);
    }
    tdag_value at = seats(c, n);
    int64_t rounds = a.n < 2 ? 0 : n == 2 ? 1 : (n - 1) * (3 + n / 2);
    for (int64_t i = 0; i < rounds && tdagi_builder_ok(c->b); i++) {
        x = turn(c, x, n, a.m);
        if (n > 2) x = tdag_gather(c->b, x, at, 0);
    }
    if (x.id == 0) return out;
    out.w = with_v ? tdagi_slice1(c->b, x, (uint32_t)last, 0, a.m) : x;
    if (with_v) out.v = tdagi_slice1(c->b, x, (uint32_t)last, a.m, a.m + a.n);
    out.s = step_sqrt(c, step_sum(c, tdagi_mul(c->b, out.w, out.w), last, true));
    return out;
}

/* [..., n], the first n of them, ascending or descending. */
static tdag_value sorted(tdagi_call *c, tdag_value s, tdag_value size, uint32_t rank,
                         int64_t n, bool descending)
{
    int64_t order[TDAG_MAX_RANK];
    tdag_value out[2];
    if (s.id == 0) return s;
    for (uint32_t i = 0; i + 1 < rank; i++)
        order[i] = i + 2 == rank ? 0 : i + 1;
    s = tdag_permute(c->b, tdagi_squeeze1(c->b, s, rank - 1),
                     (tdag_list){rank - 1, order});
    tdagi_sort(c->b, s, (int64_t)rank - 2, true, out);
    s = tdagi_slice1(c->b, out[0], rank - 2, 0, n); /* not the zero that was added */
    if (!descending) {
        const int64_t axis = (int64_t)rank - 2;
        tdagi_axes_list_spec f = {{1, &axis}};
        s = s.id == 0 ? s : tdagi_lower(c->b, TDAGI_FLIP, &s, 1, &f);
    }
    return tdagi_mul(c->b, s, size);
}

/* Wider than high: the transpose has the same values. */
static bool stand(tdagi_call *c, tdagi_matrix *a)
{
    if (a->m >= a->n) return false;
    *a = (tdagi_matrix){tdagi_mt(c->b, a->v), a->rank, a->n, a->m};
    return true;
}

tdag_value tdagi_singular_values(tdagi_call *c, tdagi_matrix a)
{
    tdag_dtype d = tdagi_dtype(c, a.v);
    stand(c, &a);
    if (a.n == 0) return tdagi_batch_full(c->b, a.v, 0, -1, d, 0);
    svd f = rotated(c, a, false);
    return tdagi_cast(c->b, sorted(c, f.s, f.size, a.rank, a.n, true), d);
}

/* The lower triangle (or upper) on both sides. */
static tdag_value symmetric(tdagi_call *c, tdagi_matrix a, bool upper)
{
    tdag_value x = tdagi_triangle(c, a.v, upper, 0);
    return tdagi_add(c->b, x,
                     tdagi_mt(c->b, tdagi_triangle(c, a.v, upper, upper ? 1 : -1)));
}

/* Ascending: those of a + size I, which are positive and so its singular values. */
static tdag_value eigenvalues(tdagi_call *c, tdagi_matrix a, bool upper)
{
    tdag_dtype d = tdagi_dtype(c, a.v);
    if (a.n == 0) return tdagi_batch_full(c->b, a.v, 0, -1, d, 0);
    const int64_t both[2] = {a.rank - 2, a.rank - 1};
    a.v = tdagi_cast(c->b, symmetric(c, a, upper), TDAG_F64);
    tdagi_norm_spec s = {{2, both}, 2, 1, 0};
    if (a.v.id == 0) return a.v;
    tdag_value shift = tdagi_lower(c->b, TDAGI_VECTOR_NORM, &a.v, 1, &s);
    a.v = tdagi_add(c->b, a.v,
                    tdagi_mul(c->b, shift, tdagi_eye(c->b, TDAG_F64, a.n, a.n)));
    svd f = rotated(c, a, false);
    tdag_value x = sorted(c, f.s, f.size, a.rank, a.n, false);
    shift = tdagi_squeeze1(c->b, shift, a.rank - 1);
    return tdagi_cast(c->b, tdagi_sub(c->b, x, shift), d);
}

/* ---- values ---- */

#define SIGNS "%s: vectors whose signs are not determined"

/* Of vectors, whose signs PyTorch does not tell: an issue where they are used. Where
 * they are not asked for, zeros [..., m, m], or nothing of m < 0. */
static tdagi_any vectors(tdagi_call *c, tdagi_matrix a, bool wanted, int64_t m)
{
    tdag_dtype d = tdagi_dtype(c, a.v);
    if (!wanted)
        return tdagi_result(c, m < 0 ? tdagi_nothing(c, d)
                                     : tdagi_batch_full(c->b, a.v, m, m, d, 0));
    return tdagi_env_issue_if_used(c->env, SIGNS, c->schema->name);
}

/* Whether the vectors are wanted and an opaque node can give them. */
static bool is_opaque(const tdagi_call *c, bool wanted)
{
    return wanted && c->schema->n_results > 1 && c->env->opaque != NULL;
}

/* linalg_svd and linalg_svdvals, by how many results there are; svd (row data 1). */
tdagi_any tdagi_aten_svd(tdagi_call *c)
{
    tdagi_matrix a;
    bool wanted = tdagi_arg_bool(c, "compute_uv", true);
    tdagi_ignore(c, "full_matrices");
    tdagi_ignore(c, "some");
    tdagi_ignore(c, "driver");
    if (is_opaque(c, wanted)) return tdagi_env_issue(c->env, SIGNS, c->schema->name);
    if (!tdagi_arg_matrix(c, NULL, MOST, &a)) return tdagi_any_poison();
    tdagi_any s = tdagi_result(c, tdagi_singular_values(c, a));
    if (c->schema->n_results < 2) return s;
    tdagi_any all[3] = {vectors(c, a, wanted, c->data == 1 ? a.m : -1), s,
                        vectors(c, a, wanted, c->data == 1 ? a.n : -1)};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 3, all);
}

/* linalg_eigvalsh, linalg_eigh and symeig (row data 1). */
tdagi_any tdagi_aten_eigh(tdagi_call *c)
{
    tdagi_matrix a;
    bool wanted = c->data == 1 ? tdagi_arg_bool(c, "eigenvectors", false)
                               : tdagi_arg_bool(c, "compute_v", true);
    const char *side = c->data == 0 ? tdagi_arg_string(c, "UPLO") : NULL;
    bool upper = side != NULL ? side[0] == 'U' || side[0] == 'u'
                              : c->data == 1 && tdagi_arg_bool(c, "upper", true);
    if (is_opaque(c, wanted)) return tdagi_env_issue(c->env, SIGNS, c->schema->name);
    if (!tdagi_arg_square(c, NULL, MOST, &a)) return tdagi_any_poison();
    tdagi_any s = tdagi_result(c, eigenvalues(c, a, upper));
    if (c->schema->n_results < 2) return s;
    tdagi_any all[2] = {s, vectors(c, a, wanted, -1)};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, all);
}

/* ---- what is small ---- */

static double epsilon(tdag_dtype d) { return d == TDAG_F64 ? 0x1p-52 : 0x1p-23; }

/* A number or a tensor that is a limit; NO_VALUE: None. */
static tdag_value limit(tdagi_call *c, const char *name, tdag_dtype d)
{
    tdagi_any v = tdagi_arg(c, name);
    return !tdagi_has(c, name) ? TDAG_NO_VALUE : tdagi_as(c, v, d);
}

/* max(atol, rtol * largest), where rtol is max(m, n) epsilon if there is no positive
 * atol; largest [...]. */
static tdag_value small(tdagi_call *c, tdagi_matrix a, tdag_value largest)
{
    tdag_dtype d = tdagi_dtype(c, largest);
    double usual = (double)(a.m > a.n ? a.m : a.n) * epsilon(tdagi_dtype(c, a.v));
    tdag_value atol = limit(c, "atol", d), rtol = limit(c, "rtol", d);
    if (rtol.id == 0) {
        rtol = tdag_add_scalar(c->b, d, usual);
        if (atol.id != 0) {
            tdag_value zero = step_number(c, atol, 0);
            rtol = step_where(c, step_less(c, zero, atol), zero, rtol);
        }
    }
    tdag_value least = tdagi_mul(c->b, rtol, largest);
    return atol.id == 0 ? least : step_max(c, least, atol);
}

/* How many singular values are not small; `tol` is the limit itself. */
tdagi_any tdagi_aten_matrix_rank(tdagi_call *c)
{
    tdagi_matrix a;
    bool hermitian = tdagi_arg_bool(c, "hermitian", false);
    if (!tdagi_arg_matrix(c, NULL, MOST, &a)) return tdagi_any_poison();
    if (a.m == 0 || a.n == 0)
        return tdagi_result(c, tdagi_batch_full(c->b, a.v, -1, -1, TDAG_I64, 0));
    tdagi_matrix whole = a;
    if (hermitian) whole.v = symmetric(c, a, false);
    tdag_value s = tdagi_singular_values(c, whole);
    if (s.id == 0) return tdagi_any_poison();
    int64_t last = (int64_t)a.rank - 2;
    tdag_value largest = tdagi_slice1(c->b, s, (uint32_t)last, 0, 1);
    tdag_value least = limit(c, "tol", tdagi_dtype(c, s));
    if (least.id == 0) {
        largest = tdagi_squeeze1(c->b, largest, (uint32_t)last);
        least = small(c, a, largest);
    }
    if (c->bad || least.id == 0) return tdagi_any_poison();
    least = tdagi_unsqueeze1(c->b, least, tdagi_rank(c, least));
    tdag_value there = tdagi_cast(c->b, step_less(c, least, s), TDAG_I64);
    return tdagi_result(c, step_sum(c, there, last, false));
}

/* ---- pseudo-inverses ---- */

/* 1/s^2 of the values that are not small, else 0: [N, ..., 1]. `least` [...] or
 * NO_VALUE: as small() says. */
static tdag_value weights(tdagi_call *c, tdagi_matrix a, const svd *f, tdag_value rtol)
{
    tdag_value largest = step_reduce(c, f->s, TDAG_REDUCE_MAX, 0, true);
    tdag_value size = f->size; /* [..., 1] */
    if (largest.id == 0) return largest;
    tdag_value least;
    if (rtol.id != 0) {
        if (tdagi_rank(c, rtol) > 0)
            rtol = tdagi_unsqueeze1(c->b, rtol, tdagi_rank(c, rtol));
        least = tdagi_mul(c->b, largest, rtol);
    } else {
        uint32_t rank = tdagi_rank(c, largest);
        tdag_value whole =
            tdagi_squeeze1(c->b, tdagi_squeeze1(c->b, largest, 0), rank - 2);
        tdag_value scale = tdagi_squeeze1(c->b, size, tdagi_rank(c, size) - 1);
        least = small(c, a, tdagi_mul(c->b, whole, scale));
        if (least.id == 0) return least;
        least = tdagi_unsqueeze1(c->b, least, tdagi_rank(c, least));
        least = tdagi_div(c->b, least, size);
    }
    tdag_value square = tdagi_mul(c->b, f->s, f->s);
    return step_where(c, step_lower(c, TDAGI_LESS_EQUAL, f->s, least),
                      step_number(c, square, 0),
                      tdag_unary(c->b, TDAG_OP_RECIPROCAL, square));
}

/* [N, ..., k] as [..., N, k] */
static tdag_value vectors_last(tdagi_call *c, tdag_value x)
{
    int64_t order[TDAG_MAX_RANK];
    uint32_t rank = tdagi_rank(c, x);
    for (uint32_t i = 0; i < rank; i++)
        order[i] = i + 2 == rank ? 0 : i + 1 == rank ? i : i + 1;
    return x.id == 0 ? x : tdag_permute(c->b, x, (tdag_list){rank, order});
}

/* The pseudo-inverse of a, in f64, by b if there is one. */
static tdag_value pseudo(tdagi_call *c, tdagi_matrix a, tdag_value rtol, tdag_value b)
{
    bool turned = stand(c, &a);
    svd f = rotated(c, a, true);
    tdag_value by =
        tdagi_div(c->b, weights(c, a, &f, rtol), tdagi_unsqueeze1(c->b, f.size, 0));
    tdag_value v = vectors_last(c, f.v);
    tdag_value w = vectors_last(c, tdagi_mul(c->b, f.w, by));
    if (v.id == 0 || w.id == 0) return TDAG_NO_VALUE;
    tdag_value first = turned ? w : v, second = turned ? v : w;
    if (b.id != 0) second = tdagi_matmul(c->b, second, tdagi_cast(c->b, b, TDAG_F64));
    return tdagi_matmul(c->b, tdagi_mt(c->b, first), second);
}

tdagi_any tdagi_aten_pinv(tdagi_call *c)
{
    tdagi_matrix a;
    bool hermitian = tdagi_arg_bool(c, "hermitian", false);
    tdag_value rtol = limit(c, "rcond", TDAG_F64);
    if (!tdagi_arg_matrix(c, NULL, MOST, &a)) return tdagi_any_poison();
    tdag_dtype d = tdagi_dtype(c, a.v);
    if (a.m == 0 || a.n == 0)
        return tdagi_result(c, tdagi_batch_full(c->b, a.v, a.n, a.m, d, 0));
    if (hermitian) a.v = symmetric(c, a, false);
    return tdagi_result(c, tdagi_cast(c->b, pseudo(c, a, rtol, TDAG_NO_VALUE), d));
}

/* ---- least squares ---- */

/* How many values are above rtol by the largest: [...] i64 */
static tdag_value rank_of(tdagi_call *c, tdagi_matrix a, tdag_value rtol)
{
    tdag_value s = tdagi_cast(c->b, tdagi_singular_values(c, a), TDAG_F64);
    if (s.id == 0 || rtol.id == 0) return TDAG_NO_VALUE;
    int64_t last = (int64_t)a.rank - 2;
    tdag_value least =
        tdagi_mul(c->b, tdagi_slice1(c->b, s, (uint32_t)last, 0, 1), rtol);
    return step_sum(c, tdagi_cast(c->b, step_less(c, least, s), TDAG_I64), last, false);
}

/* Solution, residuals, rank and singular values; which of the last three there are
 * depends on the driver. The residuals of gelsd and gelss are there or not by the rank.
 */
static tdagi_any with_report(tdagi_call *c, tdagi_matrix a, tdag_value b, tdag_value x,
                             tdag_value rtol, const char *driver)
{
    tdag_dtype d = tdagi_dtype(c, a.v);
    bool full = strcmp(driver, "gels") == 0,
         by_svd = strlen(driver) == 5 && driver[4] != 'y';
    tdagi_any out[4] = {tdagi_result(c, x)};
    tdag_value rest = tdagi_nothing(c, d);
    if (full && a.m > a.n) {
        rest = tdagi_sub(c->b, tdagi_matmul(c->b, a.v, x), b);
        rest = step_sum(c, tdagi_mul(c->b, rest, rest), (int64_t)tdagi_rank(c, x) - 2,
                        false);
    }
    out[1] = by_svd && a.m > a.n
                 ? tdagi_env_issue_if_used(
                       c->env, "residuals of %s, whose size depends on tensor data",
                       c->schema->name)
                 : tdagi_result(c, rest);
    out[2] = tdagi_result(c, full ? tdagi_nothing(c, TDAG_I64) : rank_of(c, a, rtol));
    out[3] =
        tdagi_result(c, by_svd ? tdagi_singular_values(c, a) : tdagi_nothing(c, d));
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 4, out);
}

tdagi_any tdagi_aten_lstsq(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value b = tdagi_arg_tensor(c, "b");
    const char *driver =
        tdagi_has(c, "driver") ? tdagi_arg_string(c, "driver") : "gelsy";
    tdagi_ignore(c, "driver");
    if (!tdagi_arg_matrix(c, NULL, MOST, &a) || driver == NULL)
        return tdagi_any_poison();
    tdag_dtype d = tdagi_dtype(c, a.v);
    double rcond =
        tdagi_arg_float(c, "rcond", (double)(a.m > a.n ? a.m : a.n) * epsilon(d));
    bool vectors = tdagi_are_vectors(c, a.v, b);
    if (c->bad) return tdagi_any_poison();
    if (a.m == 0 || a.n == 0) return tdagi_refuse(c, "self");
    if (vectors) b = tdagi_unsqueeze1(c->b, b, tdagi_rank(c, b));
    b = tdagi_batch_as(c->b, b, a.v);
    if (b.id == 0) return tdagi_any_poison();
    tdag_value rtol = tdag_add_scalar(c->b, TDAG_F64, rcond);
    tdag_value x = tdagi_cast(c->b, pseudo(c, a, rtol, b), d);
    if (!vectors) return with_report(c, a, b, x, rtol, driver);
    tdagi_any all = with_report(c, a, b, x, rtol, driver);
    if (x.id != 0)
        all.u.seq->v[0] =
            tdagi_result(c, tdagi_squeeze1(c->b, x, tdagi_rank(c, x) - 1));
    return all;
}
