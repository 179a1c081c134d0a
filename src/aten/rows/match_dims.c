/* Dims that an operator wants equal and that are equal at the samples, but not the same
 * expression: min(S,64) and S where a table of 64 positions was sliced, 2*floor(H/2)
 * and H where a map was halved and doubled. PyTorch takes the sizes where they agree
 * and fails at the others. So does a slice of the one that is never the larger to the
 * size of the other: at the sizes where they agree it is the identity, at the others
 * its end is out of range. Where no order is proven, one is split into the other as its
 * only factor: the identity or an error, too. A number is no such dim: where one meets
 * an expression, the model has fixed a size, which is an error to be told; nor is one
 * that other symbols make up, unless a run finds it, by data. What a run finds may meet
 * a number, too: the run checks that it is that. */
#include "aten/aten.h"
#include "aten/control/statement.h"

/* v with the dim of an axis made `want`, where that can be said. */
static tdag_value narrowed(tdagi_call *c, tdag_value v, uint32_t axis, tdag_dim want)
{
    uint32_t rank = tdagi_rank(c, v);
    int64_t *start = tdagi_env_alloc(c->env, 2 * rank * sizeof(int64_t));
    if (start == NULL) return TDAG_NO_VALUE;
    int64_t *end = start + rank;
    for (uint32_t i = 0; i < rank; i++) {
        start[i] = 0;
        end[i] = i == axis ? want : tdagi_shape(c, v)[i];
    }
    return tdag_slice(c->b, v, (tdag_list){rank, start}, (tdag_list){rank, end});
}

/* Whether both are made of the same symbols. */
static bool same_symbols(const tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(pool); i++)
        if (tdagi_dim_has_symbol(pool, a, i) != tdagi_dim_has_symbol(pool, b, i))
            return false;
    return true;
}

tdag_value tdagi_assume_dim(tdag_builder *b, tdag_value v, uint32_t axis, tdag_dim want)
{
    int64_t counts[TDAG_MAX_RANK], factors[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(b, v);
    for (uint32_t i = 0; i < rank; i++) {
        counts[i] = 1;
        factors[i] = i == axis ? want : tdag_builder_get_shape(b, v)[i];
    }
    return tdag_ungroup(b, v, (tdag_list){rank, counts}, (tdag_list){rank, factors});
}

/* By way of the larger of the two: which neither is below, as ungroup sees, and both
 * are where they are equal. */
tdag_value tdagi_with_dim(tdagi_env *env, tdag_value v, uint32_t axis, tdag_dim want)
{
    if (v.id == 0) return v;
    tdag_dim d = tdag_builder_get_shape(env->b, v)[axis];
    if (d == want) return v;
    v = tdagi_assume_dim(env->b, v, axis, tdagi_dim_max(env->pool, d, want));
    return v.id == 0 ? v : tdagi_assume_dim(env->b, v, axis, want);
}

/* Whether d, of open sizes, is that number at multiples of the samples, too: as the
 * channels of windows that are counted anew, and no size that the model fixes. */
static bool is_often(tdagi_env *env, tdag_dim d, int64_t number)
{
    uint32_t n = tdagi_pool_n_symbols(env->pool);
    int64_t *v = tdagi_env_alloc(env, ((size_t)n + 1) * sizeof(*v)), now = 0;
    for (int64_t times = 1; v != NULL && times <= 4; times++) {
        for (uint32_t i = 0; i < n; i++) {
            tdagi_pool_symbol(env->pool, i, &v[i]);
            if (times > 1 && v[i] <= INT32_MAX) v[i] *= times + i; /* no two alike */
        }
        if (!tdagi_dim_eval(env->pool, d, v, &now) || now != number) return false;
    }
    return v != NULL;
}

/* By padding to no less, and cutting: the identity where the check before it holds. */
tdag_value tdagi_fixed_dim(tdagi_call *c, tdag_value v, uint32_t axis, int64_t want)
{
    tdag_dim d = v.id == 0 ? want : tdagi_dim(c, v, axis);
    tdagi_pool *pool = c->env->pool;
    if (d == want) return v;
    const bool is_most = tdagi_dim_is_at_most(pool, d, want);
    if (!tdagi_is_found(c->env, d)) /* the last piece of a split may be another */
        return !is_most && is_often(c->env, d, want)
                   ? tdagi_assume_dim(c->b, v, axis, want)
                   : v;
    const bool is_enough = tdagi_dim_is_at_most(pool, want, d);
    if (is_enough && is_most) return tdagi_slice1(c->b, v, axis, 0, want);
    tdag_value is = tdag_binary(c->b, TDAG_OP_EQUAL, tdagi_dim_value(c->b, d),
                                tdag_add_scalar(c->b, TDAG_I64, (double)want));
    tdagi_check_add(c->env, is,
                    "a size that a run finds is not the one that the model fixes");
    tdag_dim less =
        is_enough ? 0 : tdagi_dim_max(pool, tdagi_dim_sub(pool, want, d), 0);
    v = tdagi_pad1(c->b, v, axis, 0, less, TDAG_PAD_CONSTANT, 0);
    return tdagi_slice1(c->b, v, axis, 0, want);
}

/* One dim of v made `want`, where a run finds one of them. */
static tdag_value match_found(tdagi_call *c, tdag_value v, uint32_t axis, tdag_dim want)
{
    tdag_dim d = tdagi_dim(c, v, axis);
    if (want >= 0) return tdagi_fixed_dim(c, v, axis, want);
    bool found = tdagi_is_found(c->env, d) || tdagi_is_found(c->env, want);
    if (d == 1 || d == want || !found ||
        tdagi_dim_sample(c->env->pool, d) != tdagi_dim_sample(c->env->pool, want))
        return v;
    return tdagi_with_dim(c->env, v, axis, want);
}

void tdagi_match_shape(tdagi_call *c, tdag_value *v, uint32_t rank,
                       const tdag_dim *shape)
{
    uint32_t n = v->id == 0 ? 0 : tdagi_rank(c, *v);
    for (uint32_t i = 1; i <= n && i <= rank && v->id != 0; i++)
        *v = match_found(c, *v, n - i, shape[rank - i]);
}

void tdagi_match_dims(tdagi_call *c, tdag_value *x, uint32_t x_axis, tdag_value *y,
                      uint32_t y_axis)
{
    if (x->id == 0 || y->id == 0) return;
    tdagi_pool *pool = c->env->pool;
    tdag_dim a = tdagi_shape(c, *x)[x_axis], b = tdagi_shape(c, *y)[y_axis];
    if (a >= 0)
        *y = tdagi_fixed_dim(c, *y, y_axis, a);
    else if (b >= 0)
        *x = tdagi_fixed_dim(c, *x, x_axis, b);
    if (a == b || a >= 0 || b >= 0 ||
        tdagi_dim_sample(pool, a) != tdagi_dim_sample(pool, b))
        return;
    if (tdagi_dim_is_at_most(pool, a, b))
        *x = narrowed(c, *x, x_axis, b);
    else if (tdagi_dim_is_at_most(pool, b, a))
        *y = narrowed(c, *y, y_axis, a);
    else if (same_symbols(pool, a, b))
        *y = tdagi_assume_dim(c->b, *y, y_axis, a);
    else if (tdagi_is_found(c->env, a) || tdagi_is_found(c->env, b))
        *y = tdagi_with_dim(c->env, *y, y_axis, a);
    else if (is_often(c->env, tdagi_dim_sub(pool, a, b), 0))
        *y = tdagi_assume_dim(c->b, *y, y_axis, a);
}

/* A dim that is 1 or 0, as that of y[-1:], is 1 where it meets another one. */
static void settle_one(tdagi_call *c, tdag_value *v, uint32_t axis, tdag_dim other)
{
    tdagi_pool *pool = c->env->pool;
    tdag_dim d = tdagi_dim(c, *v, axis);
    if (d < 0 && d != other && tdagi_dim_sample(pool, d) == 1 &&
        tdagi_dim_is_at_most(pool, d, 1))
        *v = narrowed(c, *v, axis, 1);
}

void tdagi_match_broadcast(tdagi_call *c, uint32_t n, tdag_value *v)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++) {
            if (v[i].id == 0 || v[k].id == 0) return;
            uint32_t ri = tdagi_rank(c, v[i]), rk = tdagi_rank(c, v[k]);
            for (uint32_t back = 1; back <= ri && back <= rk; back++) {
                settle_one(c, &v[i], ri - back, tdagi_dim(c, v[k], rk - back));
                settle_one(c, &v[k], rk - back, tdagi_dim(c, v[i], ri - back));
                if (v[i].id == 0 || v[k].id == 0) return;
                if (tdagi_dim(c, v[i], ri - back) == 1 ||
                    tdagi_dim(c, v[k], rk - back) == 1)
                    continue;
                tdagi_match_dims(c, &v[i], ri - back, &v[k], rk - back);
                if (v[i].id == 0 || v[k].id == 0) return;
            }
        }
}

void tdagi_match_all_but(tdagi_call *c, uint32_t n, tdag_value *v, uint32_t axis)
{
    for (int round = 0; round < 2; round++) /* the first may have been the smaller */
        for (uint32_t i = 1; i < n && v[0].id != 0; i++)
            for (uint32_t k = 0; v[i].id != 0 && k < tdagi_rank(c, v[i]); k++)
                if (k != axis && k < tdagi_rank(c, v[0]))
                    tdagi_match_dims(c, &v[0], k, &v[i], k);
}
