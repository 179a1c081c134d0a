/* What factorisations are made of: matrices with known sizes, their blocks, elements at
 * known positions. */
#include "aten/rows/linalg/linalg.h"

/* False and a failure: x has no last two axes. */
static bool is_matrix(tdagi_call *c, tdag_value x)
{
    if (x.id == 0 || tdagi_rank(c, x) >= 2) return x.id != 0;
    tdagi_call_fail(c, TDAG_E_SHAPE, "a matrix of rank %u", (unsigned)tdagi_rank(c, x));
    return false;
}

bool tdagi_matrix_of(tdagi_call *c, tdag_value v, int64_t most, tdagi_matrix *out)
{
    uint32_t rank = tdagi_rank(c, v);
    if (c->bad || !is_matrix(c, v)) return c->bad = true, false;
    *out = (tdagi_matrix){v, rank, 0, 0};
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, v, rank - 2), &out->m) ||
        !tdagi_dim_is_const(c->env->pool, tdagi_dim(c, v, rank - 1), &out->n)) {
        tdagi_env_issue(c->env, "%s of matrices of symbolic size", c->schema->name);
        return c->bad = true, false;
    }
    if (out->m > most && out->n > most) {
        tdagi_env_issue(c->env, "%s of matrices of %lld x %lld, more than %lld",
                        c->schema->name, (long long)out->m, (long long)out->n,
                        (long long)most);
        return c->bad = true, false;
    }
    return true;
}

bool tdagi_arg_matrix(tdagi_call *c, const char *name, int64_t most, tdagi_matrix *out)
{
    if (name == NULL) name = c->schema->args[0].name;
    tdag_value v = tdagi_arg_tensor(c, name);
    if (!c->bad && !tdag_dtype_is_float(tdagi_dtype(c, v))) {
        tdagi_call_fail(c, TDAG_E_DTYPE, "a matrix of integers");
        return c->bad = true, false;
    }
    return tdagi_matrix_of(c, v, most, out);
}

bool tdagi_arg_square(tdagi_call *c, const char *name, int64_t most, tdagi_matrix *out)
{
    if (!tdagi_arg_matrix(c, name, most, out)) return false;
    if (out->m == out->n) return true;
    tdagi_call_fail(c, TDAG_E_SHAPE, "a matrix of %lld x %lld, which is not square",
                    (long long)out->m, (long long)out->n);
    return c->bad = true, false;
}

tdag_value tdagi_block(tdagi_call *c, tdag_value x, int64_t r0, int64_t r1, int64_t c0,
                       int64_t c1)
{
    return tdagi_block_of(c->b, x, r0, r1, c0, c1);
}

tdag_value tdagi_mt(tdagi_call *c, tdag_value x)
{
    uint32_t rank = tdagi_rank(c, x);
    if (!is_matrix(c, x)) return TDAG_NO_VALUE;
    return tdagi_transpose(c->b, x, rank - 2, rank - 1);
}

tdag_value tdagi_eye(tdagi_call *c, tdag_dtype d, int64_t m, int64_t n)
{
    tdag_value i = tdagi_unsqueeze1(c->b, tdag_iota(c->b, m, TDAG_I64), 1);
    return tdagi_cast(c->b, step_equal(c, i, tdag_iota(c->b, n, TDAG_I64)), d);
}

tdag_value tdagi_triangle(tdagi_call *c, tdag_value x, bool upper, int64_t diagonal)
{
    tdagi_diagonal_spec s = {diagonal};
    return x.id == 0 ? x
                     : tdagi_lower(c->b, upper ? TDAGI_TRIU : TDAGI_TRIL, &x, 1, &s);
}

tdag_value tdagi_pick(tdagi_call *c, tdag_value x, int64_t n, const int64_t *at)
{
    if (x.id == 0) return x;
    uint32_t rank = tdagi_rank(c, x) - 1; /* of the result */
    tdag_dim dims[TDAG_MAX_RANK];
    int64_t order[TDAG_MAX_RANK], back[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        dims[i] = tdagi_dim(c, x, i);
        order[i] = i == 0 ? rank - 1 : i - 1;
        back[i] = i + 1 == rank ? 0 : i + 1;
    }
    dims[rank - 1] = tdag_dim_mul(c->b, dims[rank - 1], tdagi_dim(c, x, rank));
    x = tdagi_reshape(c->b, x, rank, dims);
    if (rank > 1) x = tdag_permute(c->b, x, (tdag_list){rank, order});
    x = tdag_gather(c->b, x, tdagi_positions(c, n, at), 0);
    return rank > 1 ? tdag_permute(c->b, x, (tdag_list){rank, back}) : x;
}

tdag_value tdagi_diagonal_of(tdagi_call *c, tdagi_matrix x)
{
    int64_t n = x.m < x.n ? x.m : x.n;
    int64_t *at = tdagi_env_alloc(c->env, (size_t)(n + 1) * sizeof(*at));
    if (at == NULL) return TDAG_NO_VALUE;
    if (n == 0) return tdagi_batch_full(c, x.v, 0, -1, tdagi_dtype(c, x.v), 0);
    for (int64_t i = 0; i < n; i++)
        at[i] = i * (x.n + 1);
    return tdagi_pick(c, x.v, n, at);
}

tdag_value tdagi_batch_full(tdagi_call *c, tdag_value x, int64_t m, int64_t n,
                            tdag_dtype d, double v)
{
    tdag_dim dims[TDAG_MAX_RANK];
    uint32_t rank = tdagi_rank(c, x) - 2;
    if (x.id == 0) return x;
    for (uint32_t i = 0; i < rank; i++)
        dims[i] = tdagi_dim(c, x, i);
    if (m >= 0) dims[rank++] = m;
    if (m >= 0 && n >= 0) dims[rank++] = n;
    return tdagi_full(c->b, d, rank, dims, v);
}

tdag_value tdagi_batch_as(tdagi_call *c, tdag_value x, tdag_value y)
{
    uint32_t rx = tdagi_rank(c, x), ry = tdagi_rank(c, y), rank = rx > ry ? rx : ry;
    tdag_dim dims[TDAG_MAX_RANK];
    if (!is_matrix(c, x) || !is_matrix(c, y)) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i + 2 < rank; i++) {
        tdag_dim of_x = i + rx < rank ? 1 : tdagi_dim(c, x, i + rx - rank);
        dims[i] = i + ry < rank || of_x != 1 ? of_x : tdagi_dim(c, y, i + ry - rank);
    }
    dims[rank - 2] = tdagi_dim(c, x, rx - 2);
    dims[rank - 1] = tdagi_dim(c, x, rx - 1);
    return tdagi_expand(c->b, x, rank, dims);
}

tdag_value tdagi_first_true(tdagi_call *c, tdag_value mask, int64_t n)
{
    if (mask.id == 0) return mask;
    int64_t last = tdagi_rank(c, mask) - 1;
    if (n == 0) {
        tdag_value zero = tdagi_cast(c->b, mask, TDAG_I32);
        return step_sum(c, zero, last, false);
    }
    tdagi_axis_keep_spec s = {last, 0};
    tdag_value at = tdagi_cast(c->b, mask, TDAG_I32);
    at = tdagi_lower(c->b, TDAGI_ARGMAX, &at, 1, &s);
    at = tdagi_cast(c->b, tdagi_add_scalar(c->b, at, 1), TDAG_I32);
    tdag_value any = step_reduce(c, mask, TDAG_REDUCE_MAX, last, false);
    return step_where(c, any, at, tdag_add_scalar(c->b, TDAG_I32, 0));
}

tdag_value tdagi_nothing(tdagi_call *c, tdag_dtype d)
{
    const tdag_dim zero = 0;
    return tdagi_full(c->b, d, 1, &zero, 0);
}

bool tdagi_are_vectors(const tdagi_call *c, tdag_value a, tdag_value b)
{
    uint32_t ra = tdagi_rank(c, a), rb = tdagi_rank(c, b);
    if (rb == 1) return true;
    if (rb + 1 != ra) return false;
    for (uint32_t i = 0; i < rb; i++)
        if (tdagi_dim(c, a, i) != tdagi_dim(c, b, i)) return false;
    return true;
}
