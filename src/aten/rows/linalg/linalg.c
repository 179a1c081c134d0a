/* Arguments as matrices of known sizes, and what rows of several of their operators
 * share. */
#include "aten/rows/linalg/linalg.h"

bool tdagi_matrix_of(tdagi_call *c, tdag_value v, int64_t most, tdagi_matrix *out)
{
    uint32_t rank = tdagi_rank(c, v);
    if (c->bad || v.id == 0) return c->bad = true, false;
    if (rank < 2) {
        tdagi_call_fail(c, TDAG_E_SHAPE, "a matrix of rank %u", (unsigned)rank);
        return c->bad = true, false;
    }
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

tdag_value tdagi_triangle(tdagi_call *c, tdag_value x, bool upper, int64_t diagonal)
{
    tdagi_diagonal_spec s = {diagonal};
    return x.id == 0 ? x
                     : tdagi_lower(c->b, upper ? TDAGI_TRIU : TDAGI_TRIL, &x, 1, &s);
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
