/* Products of vectors and matrices beyond matmul, distances. */
#include <string.h>

#include "aten/rows/linalg/linalg.h"

static tdag_value einsum(tdagi_call *c, const char *equation, tdag_value x,
                         tdag_value y)
{
    tdag_value in[2] = {x, y};
    tdagi_einsum_spec s = {equation};
    return c->bad ? TDAG_NO_VALUE : tdagi_lower(c->b, TDAGI_EINSUM, in, 2, &s);
}

/* The constant dims of a value's axes; false where one is symbolic. */
static bool fixed(tdagi_call *c, tdag_value x, uint32_t axis, int64_t *n)
{
    if (x.id != 0 && tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, axis), n))
        return true;
    c->bad = true;
    tdagi_env_issue(c->env, "%s of an axis of symbolic size", c->schema->name);
    return false;
}

/* ---- products ---- */

/* Every element of self times the whole of other: [a0 b0, a1 b1, ...]. */
tdagi_any tdagi_aten_kron(tdagi_call *c)
{
    tdag_value x, y;
    step_pair(c, "self", "other", &x, &y);
    if (c->bad) return tdagi_any_poison();
    uint32_t n =
        tdagi_rank(c, x) > tdagi_rank(c, y) ? tdagi_rank(c, x) : tdagi_rank(c, y);
    if (2 * n > TDAG_MAX_RANK) return tdagi_refuse(c, "self");
    tdag_dim a[TDAG_MAX_RANK], b[TDAG_MAX_RANK], out[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t mx = n - tdagi_rank(c, x), my = n - tdagi_rank(c, y);
        a[2 * i] = i < mx ? 1 : tdagi_dim(c, x, i - mx);
        b[2 * i + 1] = i < my ? 1 : tdagi_dim(c, y, i - my);
        a[2 * i + 1] = b[2 * i] = 1;
        out[i] = tdag_dim_mul(c->b, a[2 * i], b[2 * i + 1]);
    }
    x = tdagi_mul(c->b, tdagi_reshape(c->b, x, 2 * n, a),
                  tdagi_reshape(c->b, y, 2 * n, b));
    return tdagi_result(c, tdagi_reshape(c->b, x, n, out));
}

/* x1 y2 - x2 y1, ...: two rolled products. Row data 1: linalg_cross. */
tdagi_any tdagi_aten_cross(tdagi_call *c)
{
    tdag_value v[2];
    step_pair(c, "self", "other", &v[0], &v[1]);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = 0;
    tdag_dim dims[TDAG_MAX_RANK];
    tdagi_broadcast_shape(c->b, v, 2, &rank, dims);
    int64_t axis = -1, n = 0;
    if (c->data == 1 || tdagi_has(c, "dim")) {
        axis = tdagi_wrap_axis(c, tdagi_arg_int(c, "dim", -1), rank);
    } else { /* the first axis of dim 3 */
        tdagi_ignore(c, "dim");
        for (uint32_t i = 0; i < rank && axis < 0; i++)
            if (dims[i] == 3) axis = i;
    }
    if (c->bad || axis < 0 || rank == 0) return tdagi_refuse(c, "self");
    if (!tdagi_dim_is_const(c->env->pool, dims[axis], &n) || n != 3)
        return tdagi_call_fail(c, TDAG_E_SHAPE,
                               "a cross product of an axis that is "
                               "not of 3 elements");
    tdag_value r[2][2];
    for (uint32_t i = 0; i < 2; i++) {
        tdag_value x = tdagi_expand(c->b, v[i], rank, dims);
        for (int64_t k = 0; k < 2; k++) {
            int64_t shift = k == 0 ? -1 : -2;
            tdagi_roll_spec s = {{1, &shift}, {1, &axis}};
            r[i][k] = tdagi_lower(c->b, TDAGI_ROLL, &x, 1, &s);
        }
    }
    return tdagi_result(c, tdagi_sub(c->b, tdagi_mul(c->b, r[0][0], r[1][1]),
                                     tdagi_mul(c->b, r[0][1], r[1][0])));
}

/* Sums of products over dims_self and dims_other. */
tdagi_any tdagi_aten_tensordot(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), y = tdagi_arg_tensor(c, "other");
    tdag_list dx = tdagi_arg_ints(c, "dims_self"), dy = tdagi_arg_ints(c, "dims_other");
    char text[3 * TDAG_MAX_RANK + 8], of_y[TDAG_MAX_RANK + 1];
    if (c->bad || dx.n != dy.n) return tdagi_refuse(c, "dims_other");
    uint32_t rx = tdagi_rank(c, x), ry = tdagi_rank(c, y), n = 0;
    if (rx + ry > 26) return tdagi_refuse(c, "self");
    for (uint32_t i = 0; i < rx; i++)
        text[n++] = (char)('a' + i);
    text[n++] = ',';
    for (uint32_t i = 0; i < ry; i++)
        of_y[i] = (char)('a' + rx + i);
    bool gone[2 * TDAG_MAX_RANK] = {false};
    for (uint32_t i = 0; i < dx.n; i++) {
        uint32_t a = tdagi_wrap_axis(c, dx.v[i], rx),
                 b = tdagi_wrap_axis(c, dy.v[i], ry);
        if (c->bad) return tdagi_any_poison();
        of_y[b] = (char)('a' + a);
        gone[a] = gone[rx + b] = true;
    }
    memcpy(text + n, of_y, ry);
    n += ry;
    text[n++] = '-';
    text[n++] = '>';
    for (uint32_t i = 0; i < rx + ry; i++)
        if (!gone[i]) text[n++] = (char)('a' + i);
    text[n] = '\0';
    return tdagi_result(c, einsum(c, text, x, y));
}

/* inner (row data 0): over the last axes; vdot (1): of two vectors. */
tdagi_any tdagi_aten_inner(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), y = tdagi_arg_tensor(c, "other");
    if (c->bad) return tdagi_any_poison();
    uint32_t rx = tdagi_rank(c, x), ry = tdagi_rank(c, y), n = 0;
    if (rx == 0 || ry == 0) return tdagi_result(c, tdagi_mul(c->b, x, y));
    char text[4 * TDAG_MAX_RANK + 8];
    if (rx + ry > 26) return tdagi_refuse(c, "self");
    for (uint32_t i = 0; i < rx; i++)
        text[n++] = (char)('a' + i);
    text[n++] = ',';
    for (uint32_t i = 0; i + 1 < ry; i++)
        text[n++] = (char)('a' + rx + i);
    text[n++] = (char)('a' + rx - 1);
    text[n++] = '-';
    text[n++] = '>';
    for (uint32_t i = 0; i + 1 < rx; i++)
        text[n++] = (char)('a' + i);
    for (uint32_t i = 0; i + 1 < ry; i++)
        text[n++] = (char)('a' + rx + i);
    text[n] = '\0';
    return tdagi_result(c, einsum(c, text, x, y));
}

/* The product of a chain of matrices, from the left; the first and the last may be
 * vectors. */
tdagi_any tdagi_aten_multi_dot(tdagi_call *c)
{
    const tdag_value *v;
    tdag_list n = tdagi_arg_tensors(c, c->schema->args[0].name, &v);
    if (c->bad || n.n == 0) return tdagi_any_poison();
    tdag_value x = v[0];
    for (uint32_t i = 1; i < n.n; i++)
        x = tdagi_matmul(c->b, x, v[i]);
    return tdagi_result(c, x);
}

/* The inverse of matrices of known size. */
static tdag_value inverse(tdagi_call *c)
{
    tdagi_matrix a;
    tdag_value info;
    if (!tdagi_arg_square(c, "self", TDAGI_LINALG_MOST, &a)) return TDAG_NO_VALUE;
    return tdagi_solved(c, a, tdagi_eye(c->b, tdagi_dtype(c, a.v), a.n, a.n), true,
                        &info);
}

/* By repeated squaring, of the inverse where the power is negative. */
tdagi_any tdagi_aten_matrix_power(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), power = TDAG_NO_VALUE;
    int64_t e = tdagi_arg_int(c, "n", 1);
    if (c->bad || e < -INT64_MAX) return tdagi_refuse(c, "n");
    if (e < 0) {
        x = inverse(c);
        e = -e;
    }
    if (x.id == 0) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    if (rank < 2) return tdagi_refuse(c, "self");
    tdag_dim n = tdagi_dim(c, x, rank - 1);
    if (e == 0) {
        tdag_value i = tdag_iota(c->b, n, TDAG_I64);
        power = step_equal(c, tdagi_unsqueeze1(c->b, i, 1), i);
        power = tdagi_expand(c->b, tdagi_cast(c->b, power, tdagi_dtype(c, x)), rank,
                             tdagi_shape(c, x));
    }
    for (int64_t left = e; left > 0 && x.id != 0; left >>= 1) {
        if (left & 1) power = power.id == 0 ? x : tdagi_matmul(c->b, power, x);
        if (left > 1) x = tdagi_matmul(c->b, x, x);
    }
    return tdagi_result(c, power);
}

/* beta self + alpha p, where a beta of 0 forgets self */
static tdagi_any plus_product(tdagi_call *c, tdag_value p)
{
    double alpha = tdagi_arg_float(c, "alpha", 1), beta = tdagi_arg_float(c, "beta", 1);
    tdag_value self = tdagi_arg_tensor(c, "self");
    if (c->bad || p.id == 0) return tdagi_any_poison();
    if (alpha != 1) p = tdagi_mul_scalar(c->b, p, alpha);
    if (beta == 0) return tdagi_result(c, p);
    if (beta != 1) self = tdagi_mul_scalar(c->b, self, beta);
    return tdagi_result(c, tdagi_add(c->b, self, p));
}

tdagi_any tdagi_aten_addbmm(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "batch1"), y = tdagi_arg_tensor(c, "batch2");
    return plus_product(c, einsum(c, "bij,bjk->ik", x, y));
}

tdagi_any tdagi_aten_addr(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "vec1"), y = tdagi_arg_tensor(c, "vec2");
    return plus_product(c, einsum(c, "i,j->ij", x, y));
}

/* x1 W_o x2 + bias_o for each output o */
tdagi_any tdagi_aten_bilinear(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "input1"), y = tdagi_arg_tensor(c, "input2");
    tdag_value w = tdagi_arg_tensor(c, "weight"), bias = tdagi_arg_optional(c, "bias");
    if (c->bad || tdagi_rank(c, x) == 0) return tdagi_refuse(c, "input1");
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim shape[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, x), rank * sizeof(*shape));
    tdag_dim n = tdagi_dim_product(c->env->pool, rank - 1, shape);
    tdag_dim left[2] = {n, shape[rank - 1]}, right[2] = {n, tdagi_dim(c, y, rank - 1)};
    x = tdagi_reshape(c->b, x, 2, left);
    y = tdagi_reshape(c->b, y, 2, right);
    tdag_value half = einsum(c, "bi,oij->boj", x, w);
    tdag_value z = einsum(c, "boj,bj->bo", half, y);
    if (z.id == 0) return tdagi_any_poison();
    shape[rank - 1] = tdagi_dim(c, z, 1);
    z = tdagi_reshape(c->b, z, rank, shape);
    return tdagi_result(c, bias.id == 0 ? z : tdagi_add(c->b, z, bias));
}

/* A letter for each axis but those of the list; false without any. */
static bool letters(tdag_list without, uint32_t rank, char *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rank; i++) {
        bool has = true;
        for (uint32_t k = 0; k < without.n; k++)
            has = has && without.v[k] != i;
        if (has) out[n++] = (char)('a' + i);
    }
    out[n] = '\0';
    return n > 0;
}

/* The product of three tensors, each of which lacks the axes expand1 ... of it, summed
 * over sumdim. */
tdagi_any tdagi_aten_trilinear(tdagi_call *c)
{
    static const char *const names[] = {"expand1", "expand2", "expand3", "sumdim"};
    tdag_value x = tdagi_arg_tensor(c, "i1"), y = tdagi_arg_tensor(c, "i2"),
               z = tdagi_arg_tensor(c, "i3");
    char text[4][TDAG_MAX_RANK + 1], half[TDAG_MAX_RANK + 1];
    uint32_t rank = 0, n = 0;
    for (uint32_t i = 0; i < 4; i++) {
        tdag_list gone = tdagi_arg_ints(c, names[i]);
        if (c->bad) return tdagi_any_poison();
        if (i == 0) rank = tdagi_rank(c, x) + gone.n;
        if (rank > TDAG_MAX_RANK || !letters(gone, rank, text[i]))
            return tdagi_refuse(c, names[i]);
    }
    for (char a = 'a'; a < (char)('a' + rank); a++) {
        bool before = strchr(text[0], a) != NULL || strchr(text[1], a) != NULL;
        bool later = strchr(text[2], a) != NULL || strchr(text[3], a) != NULL;
        if (before && later) half[n++] = a;
    }
    half[n] = '\0';
    tdagi_env *env = c->env;
    y = einsum(c, tdagi_env_text(env, "%s,%s->%s", text[0], text[1], half), x, y);
    z = einsum(c, tdagi_env_text(env, "%s,%s->%s", half, text[2], text[3]), y, z);
    return tdagi_result(c, z);
}

/* Rows of self by the matrix of their group: rows up to offs[0] are of group 0, ... */
static tdag_value grouped_rows(tdagi_call *c, tdag_value x, tdag_value w,
                               tdag_value offs)
{
    tdag_value row = tdagi_unsqueeze1(
        c->b, tdag_iota(c->b, tdagi_dim(c, x, 0), tdagi_dtype(c, offs)), 1);
    tdag_value past = step_not(c, step_less(c, row, offs)); /* groups that ended */
    tdag_value group = step_sum(c, tdagi_cast(c->b, past, TDAG_I64), 1, false);
    tdag_value none =
        step_not(c, step_less(c, group, tdagi_dim_value(c->b, tdagi_dim(c, offs, 0))));
    group = step_where(c, none, tdag_add_scalar(c->b, TDAG_I64, 0), group);
    tdag_value y = einsum(c, "mk,mkn->mn", x, tdag_gather(c->b, w, group, 0));
    return step_where(c, tdagi_unsqueeze1(c->b, none, 1), step_number(c, y, 0), y);
}

tdagi_any tdagi_aten_grouped_mm(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, c->schema->args[0].name);
    tdag_value y = tdagi_arg_tensor(c, c->schema->args[1].name);
    tdag_value offs = tdagi_arg_optional(c, "offs");
    tdag_dtype d = tdagi_arg_dtype(c, "out_dtype");
    if (c->bad) return tdagi_any_poison();
    tdag_value z;
    if (offs.id == 0)
        z = tdagi_matmul(c->b, x, y);
    else if (tdagi_rank(c, x) == 2 && tdagi_rank(c, y) == 3)
        z = grouped_rows(c, x, y, offs);
    else
        return tdagi_refuse(c, "offs");
    return tdagi_result(c, d == TDAG_DTYPE_NONE ? z : tdagi_cast(c->b, z, d));
}

/* ---- distances ---- */

static tdag_value norm_of(tdagi_call *c, tdag_value x, int64_t axis, double p)
{
    tdagi_norm_spec s = {{1, &axis}, p, 0, 0};
    return x.id == 0 ? x : tdagi_lower(c->b, TDAGI_VECTOR_NORM, &x, 1, &s);
}

/* sqrt(max(0, |x|^2 - 2 x.y + |y|^2)) as one product of matrices, as PyTorch does it
 * where there are many rows */
static tdag_value euclidean(tdagi_call *c, tdag_value x, tdag_value y, uint32_t rank)
{
    tdag_value xx = step_sum(c, tdagi_mul(c->b, x, x), rank - 1, true);
    tdag_value yy = step_sum(c, tdagi_mul(c->b, y, y), rank - 1, true);
    if (xx.id == 0 || yy.id == 0) return TDAG_NO_VALUE;
    tdag_value one = tdagi_full_like(c->b, xx, 1), other = tdagi_full_like(c->b, yy, 1);
    tdag_value a[3] = {tdagi_mul_scalar(c->b, x, -2), xx, one}, b[3] = {y, other, yy};
    x = tdagi_concat(c->b, a, 3, rank - 1);
    y = tdagi_transpose(c->b, tdagi_concat(c->b, b, 3, rank - 1), rank - 2, rank - 1);
    return step_sqrt(c, step_at_least(c, tdagi_matmul(c->b, x, y), 0));
}

tdagi_any tdagi_aten_cdist(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "x1"), y = tdagi_arg_tensor(c, "x2");
    double p = tdagi_arg_float(c, "p", 2);
    int64_t mode = tdagi_arg_int(c, "compute_mode", 0);
    if (c->bad) return tdagi_any_poison();
    uint32_t rx = tdagi_rank(c, x), ry = tdagi_rank(c, y);
    if (rx < 2 || ry < 2 || rx + 1 > TDAG_MAX_RANK || ry + 1 > TDAG_MAX_RANK)
        return tdagi_refuse(c, "x1");
    tdagi_pool *pool = c->env->pool;
    bool many = tdagi_dim_sample(pool, tdagi_dim(c, x, rx - 2)) > 25 ||
                tdagi_dim_sample(pool, tdagi_dim(c, y, ry - 2)) > 25;
    if (p == 2 && rx == ry && (mode == 1 || (mode == 0 && many)))
        return tdagi_result(c, euclidean(c, x, y, rx));
    const tdag_value in[2] = {x, y};
    return tdagi_result(c,
                        tdagi_lower(c->b, TDAGI_CDIST, in, 2, &(tdagi_scalar_spec){p}));
}

/* Of all differences: ||self - other||_p */
tdagi_any tdagi_aten_dist(tdagi_call *c)
{
    tdag_value x, y;
    step_pair(c, "self", "other", &x, &y);
    double p = tdagi_arg_float(c, "p", 2);
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, norm_of(c, step_flat(c, tdagi_sub(c->b, x, y)), 0, p));
}

/* Distances of the rows i < j, in the order of the upper triangle. */
tdagi_any tdagi_aten_pdist(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    double p = tdagi_arg_float(c, "p", 2);
    int64_t n = 0;
    if (c->bad || tdagi_rank(c, x) != 2) return tdagi_refuse(c, "self");
    if (!fixed(c, x, 0, &n)) return tdagi_any_poison();
    if (n > 10000) return tdagi_refuse(c, "self");
    return tdagi_result(c,
                        tdagi_lower(c->b, TDAGI_PDIST, &x, 1, &(tdagi_scalar_spec){p}));
}
