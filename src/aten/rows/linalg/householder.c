/* QR by Householder's reflections, with LAPACK's signs, and products of reflections. */
#include "aten/rows/linalg/linalg.h"

/* What is left of the matrix: rows k...m-1 and columns k...n-1, then `extra` columns
 * that are reflected alongside. */
typedef struct left {
    tdag_value x;
    int64_t rows, columns, extra;
} left;

typedef struct reflection {
    tdag_value head; /* [..., 1, columns + extra]: the row of R that is done */
    tdag_value v;    /* [..., rows - 1, 1], below the 1; NO_VALUE without rows */
    tdag_value tau;  /* [..., 1, 1] */
} reflection;

/* The vector of the first column and its factor; returns what stands on the diagonal
 * then. A column of zeros below the diagonal is left as it is. */
static tdag_value larfg(tdagi_call *c, const left *l, reflection *r)
{
    tdag_value alpha = tdagi_block_of(c->b, l->x, 0, 1, 0, 1);
    tdag_value below = tdagi_block_of(c->b, l->x, 1, l->rows, 0, 1);
    int64_t axis = (int64_t)tdagi_rank(c, l->x) - 2;
    tdag_value square = step_sum(c, tdagi_mul(c->b, below, below), axis, true);
    tdag_value zero = step_number(c, alpha, 0), none = step_equal(c, square, zero);
    tdag_value norm =
        step_sqrt(c, tdagi_add(c->b, tdagi_mul(c->b, alpha, alpha), square));
    tdag_value beta = step_where(c, step_less(c, alpha, zero), norm, step_neg(c, norm));
    tdag_value tau = tdagi_div(c->b, tdagi_sub(c->b, beta, alpha), beta);
    tdag_value v = tdagi_div(c->b, below, tdagi_sub(c->b, alpha, beta));
    r->tau = step_where(c, none, zero, tau);
    r->v = step_where(c, none, zero, v);
    return step_where(c, none, alpha, beta);
}

static reflection reflect(tdagi_call *c, left *l)
{
    reflection r = {l->x, TDAG_NO_VALUE, TDAG_NO_VALUE};
    int64_t width = l->columns + l->extra;
    uint32_t rank = tdagi_rank(c, l->x);
    if (l->rows == 1) { /* nothing to make zero */
        r.tau = tdagi_batch_full(c->b, l->x, 1, 1, tdagi_dtype(c, l->x), 0);
    } else {
        tdag_value head = larfg(c, l, &r);
        if (width > 1) {
            tdag_value first = tdagi_block_of(c->b, l->x, 0, 1, 1, width);
            tdag_value rest = tdagi_block_of(c->b, l->x, 1, l->rows, 1, width);
            tdag_value dot = tdagi_matmul(c->b, tdagi_mt(c->b, r.v), rest);
            dot = tdagi_mul(c->b, tdagi_add(c->b, dot, first), r.tau);
            tdag_value both[2] = {head, tdagi_sub(c->b, first, dot)};
            head = tdagi_concat(c->b, both, 2, rank - 1);
            l->x = tdagi_sub(c->b, rest, tdagi_mul(c->b, r.v, dot));
        }
        r.head = head;
    }
    l->rows--;
    l->columns--;
    return r;
}

/* Matrices by their largest element, so that squares neither overflow nor vanish;
 * *size_out: [..., 1, 1]. */
static tdag_value scaled(tdagi_call *c, tdagi_matrix a, tdag_value *size_out)
{
    const int64_t axes[2] = {a.rank - 2, a.rank - 1};
    tdag_value s = tdagi_reduce_keep(c->b, step_abs(c, a.v), TDAG_REDUCE_MAX,
                                     (tdag_list){2, axes}, true);
    if (s.id == 0) return s;
    s = step_where(c, step_equal(c, s, step_number(c, s, 0)), step_number(c, s, 1), s);
    *size_out = s;
    return tdagi_div(c->b, a.v, s);
}

typedef struct qr {
    tdag_value *heads; /* a row of R each, as wide as what was left */
    tdag_value *v, *taus;
    tdag_value rest, size; /* rows below, where there are; what R is to be scaled by */
    int64_t steps;
} qr;

/* a, and beside it the unit matrix if Q is wanted; steps > 0. */
static bool factor(tdagi_call *c, tdagi_matrix a, bool with_q, qr *out)
{
    int64_t n = a.m < a.n ? a.m : a.n;
    out->steps = n;
    out->heads = tdagi_env_alloc(c->env, 3 * (size_t)n * sizeof(*out->heads));
    tdag_value x = scaled(c, a, &out->size);
    if (out->heads == NULL || x.id == 0) return false;
    out->v = out->heads + n;
    out->taus = out->v + n;
    if (with_q) {
        tdag_value eye = tdagi_eye(c->b, tdagi_dtype(c, x), a.m, a.m);
        tdag_value both[2] = {x, tdagi_batch_as(c->b, eye, x)};
        x = tdagi_concat(c->b, both, 2, a.rank - 1);
    }
    left l = {x, a.m, a.n, with_q ? a.m : 0};
    for (int64_t k = 0; k < n && tdagi_builder_ok(c->b); k++) {
        reflection r = reflect(c, &l);
        out->heads[k] = r.head;
        out->v[k] = r.v;
        out->taus[k] = r.tau;
    }
    out->rest = l.x;
    return tdagi_builder_ok(c->b);
}

/* R of as many rows as there were steps. */
static tdag_value r_of(tdagi_call *c, tdagi_matrix a, const qr *f)
{
    tdag_value *rows = tdagi_env_alloc(c->env, (size_t)f->steps * sizeof(*rows));
    for (int64_t k = 0; rows != NULL && k < f->steps; k++) {
        rows[k] = tdagi_block_of(c->b, f->heads[k], 0, 1, 0, a.n - k);
        if (k > 0)
            rows[k] = tdagi_pad1(c->b, rows[k], a.rank - 1, k, 0, TDAG_PAD_CONSTANT, 0);
    }
    if (rows == NULL || !tdagi_builder_ok(c->b)) return TDAG_NO_VALUE;
    tdag_value r = tdagi_concat(c->b, rows, (uint32_t)f->steps, a.rank - 2);
    return tdagi_mul(c->b, r, f->size);
}

/* Q of as many columns as there were steps, or of all. */
static tdag_value q_of(tdagi_call *c, tdagi_matrix a, const qr *f, bool all)
{
    tdag_value *rows = tdagi_env_alloc(c->env, (size_t)(f->steps + 1) * sizeof(*rows));
    for (int64_t k = 0; rows != NULL && k < f->steps; k++)
        rows[k] = tdagi_block_of(c->b, f->heads[k], 0, 1, a.n - k, a.n - k + a.m);
    if (rows == NULL || !tdagi_builder_ok(c->b)) return TDAG_NO_VALUE;
    bool more = all && a.m > f->steps;
    if (more) rows[f->steps] = tdagi_block_of(c->b, f->rest, 0, a.m - f->steps, 0, a.m);
    return tdagi_mt(c->b,
                    tdagi_concat(c->b, rows, (uint32_t)(f->steps + more), a.rank - 2));
}

/* linalg_qr by its mode; qr (row data 1) by `some`. */
tdagi_any tdagi_aten_qr(tdagi_call *c)
{
    tdagi_matrix a;
    const char *mode = c->data == 0                      ? tdagi_arg_string(c, "mode")
                       : tdagi_arg_bool(c, "some", true) ? "reduced"
                                                         : "complete";
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &a) || mode == NULL)
        return tdagi_any_poison();
    bool with_q = mode[0] != 'r' || mode[1] != '\0', all = mode[0] == 'c';
    tdag_dtype d = tdagi_dtype(c, a.v);
    int64_t n = a.m < a.n ? a.m : a.n, rows = all ? a.m : n;
    tdag_value out[2];
    qr f;
    if (n == 0) { /* R has no elements or no rows that are not 0 */
        out[0] = tdagi_batch_as(c->b, tdagi_eye(c->b, d, a.m, rows), a.v);
        out[1] = tdagi_batch_full(c->b, a.v, rows, a.n, d, 0);
    } else {
        if (!factor(c, a, with_q, &f)) return tdagi_any_poison();
        out[1] = r_of(c, a, &f);
        if (rows > n)
            out[1] =
                tdagi_pad1(c->b, out[1], a.rank - 2, 0, rows - n, TDAG_PAD_CONSTANT, 0);
        if (with_q) out[0] = q_of(c, a, &f, all);
    }
    if (!with_q) out[0] = tdagi_nothing(c, d);
    return tdagi_results(c, 2, out);
}

/* R with the vectors below its diagonal, and the factors. */
tdagi_any tdagi_aten_geqrf(tdagi_call *c)
{
    tdagi_matrix a;
    qr f;
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &a)) return tdagi_any_poison();
    int64_t n = a.m < a.n ? a.m : a.n;
    tdag_value out[2] = {a.v,
                         tdagi_batch_full(c->b, a.v, 0, -1, tdagi_dtype(c, a.v), 0)};
    if (n == 0) return tdagi_results(c, 2, out);
    if (!factor(c, a, false, &f)) return tdagi_any_poison();
    out[0] = r_of(c, a, &f);
    if (a.m > n)
        out[0] = tdagi_pad1(c->b, out[0], a.rank - 2, 0, a.m - n, TDAG_PAD_CONSTANT, 0);
    uint32_t below = 0;
    for (int64_t k = 0; k < n && f.v[k].id != 0; k++, below++)
        f.v[k] = tdagi_pad1(c->b, f.v[k], a.rank - 2, k + 1, 0, TDAG_PAD_CONSTANT, 0);
    if (below > 0) {
        tdag_value v = tdagi_concat(c->b, f.v, below, a.rank - 1);
        v = tdagi_pad1(c->b, v, a.rank - 1, 0, a.n - below, TDAG_PAD_CONSTANT, 0);
        out[0] = tdagi_add(c->b, out[0], v);
    }
    out[1] = tdagi_concat(c->b, f.taus, (uint32_t)n, a.rank - 1);
    out[1] = tdagi_squeeze1(c->b, out[1], a.rank - 2);
    return tdagi_results(c, 2, out);
}

/* ---- products of reflections ---- */

/* H_1 ... H_k x, or the factors the other way round; the vectors stand below the
 * diagonal of v. */
static tdag_value reflected(tdagi_call *c, tdagi_matrix v, tdag_value tau, int64_t k,
                            tdag_value x, bool turned)
{
    if (tau.id == 0 || x.id == 0) return TDAG_NO_VALUE;
    tdag_value below = tdagi_block_of(c->b, v.v, 0, v.m, 0, k);
    below = tdagi_add(c->b, tdagi_triangle(c, below, false, -1),
                      tdagi_eye(c->b, tdagi_dtype(c, x), v.m, k));
    tau = tdagi_unsqueeze1(c->b, tau, v.rank - 2); /* [..., 1, k] */
    tdag_value scaled_by = tdagi_mul(c->b, below, tau);
    for (int64_t i = 0; i < k && tdagi_builder_ok(c->b); i++) {
        int64_t at = turned ? i : k - 1 - i;
        tdag_value one = tdagi_block_of(c->b, below, 0, v.m, at, at + 1);
        tdag_value dot = tdagi_matmul(c->b, tdagi_mt(c->b, one), x);
        one = tdagi_block_of(c->b, scaled_by, 0, v.m, at, at + 1);
        x = tdagi_sub(c->b, x, tdagi_mul(c->b, one, dot));
    }
    return x;
}

/* How many reflections there are. */
static bool count_of(tdagi_call *c, tdag_value tau, const char *name, int64_t *k)
{
    uint32_t rank = tdagi_rank(c, tau);
    if (!c->bad && rank > 0 &&
        tdagi_dim_is_const(c->env->pool, tdagi_dim(c, tau, rank - 1), k) &&
        *k <= TDAGI_LINALG_MOST)
        return true;
    if (!c->bad) tdagi_refuse(c, name);
    return false;
}

/* linalg_householder_product and orgqr: the first columns of the product. */
tdagi_any tdagi_aten_householder_product(tdagi_call *c)
{
    tdagi_matrix v;
    const char *name = c->schema->args[1].name;
    tdag_value tau = tdagi_arg_tensor(c, name);
    int64_t k = 0;
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &v)) return tdagi_any_poison();
    if (!count_of(c, tau, name, &k)) return tdagi_any_poison();
    tdag_value x = tdagi_eye(c->b, tdagi_dtype(c, v.v), v.m, v.n);
    x = tdagi_batch_as(c->b, x, v.v);
    return tdagi_result(c, reflected(c, v, tau, k, x, false));
}

/* The product or its transpose by a matrix from either side. */
tdagi_any tdagi_aten_ormqr(tdagi_call *c)
{
    tdagi_matrix v;
    tdag_value tau = tdagi_arg_tensor(c, "input2"), x = tdagi_arg_tensor(c, "input3");
    bool on_left = tdagi_arg_bool(c, "left", true),
         turned = tdagi_arg_bool(c, "transpose", false);
    int64_t k = 0;
    if (!tdagi_arg_matrix(c, NULL, TDAGI_LINALG_MOST, &v)) return tdagi_any_poison();
    if (!count_of(c, tau, "input2", &k)) return tdagi_any_poison();
    if (tdagi_rank(c, x) < 2) return tdagi_refuse(c, "input3");
    if (!on_left) x = tdagi_mt(c->b, x);
    x = reflected(c, v, tau, k, x, turned == on_left);
    return tdagi_result(c, on_left ? x : tdagi_mt(c->b, x));
}
