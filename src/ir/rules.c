/* What the shape rules of several ops share. */
#include "ir/graph.h"

static tdag_status broadcast_dim(const tdagi_shape_call *c, uint32_t axis, tdag_dim *d,
                                 tdag_dim e)
{
    if (*d == e || e == 1) return TDAG_OK;
    if (*d == 1) {
        *d = e;
        return TDAG_OK;
    }
    char a[128], b[128];
    tdagi_dim_text(c->pool, *d, a, sizeof(a));
    tdagi_dim_text(c->pool, e, b, sizeof(b));
    bool fixed = tdagi_dim_sample(c->pool, *d) == tdagi_dim_sample(c->pool, e);
    return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                      "operands do not broadcast: dims %s and %s at axis %u%s", a, b,
                      (unsigned)axis,
                      fixed ? ", which are equal at the sample values only" : "");
}

tdag_status tdagi_rule_broadcast(const tdagi_shape_call *c)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < c->n_inputs; i++)
        if (c->inputs[i].rank > rank) rank = c->inputs[i].rank;
    c->out->rank = rank;
    for (uint32_t axis = 0; axis < rank; axis++) {
        c->out->shape[axis] = 1;
        for (uint32_t i = 0; i < c->n_inputs; i++) {
            const tdagi_type *t = &c->inputs[i];
            uint32_t missing = rank - t->rank;
            if (axis < missing) continue;
            TDAGI_TRY(
                broadcast_dim(c, axis, &c->out->shape[axis], t->shape[axis - missing]));
        }
    }
    return TDAG_OK;
}

tdag_status tdagi_check_type(tdag_ctx *ctx, tdagi_pool *pool, const tdagi_type *t)
{
    TDAGI_TRY(tdagi_pool_report(ctx, pool));
    if (tdag_dtype_size(t->dtype) == 0)
        return tdagi_fail(ctx, TDAG_E_DTYPE, "there is no dtype number %d",
                          (int)t->dtype);
    if (t->rank > TDAG_MAX_RANK)
        return tdagi_fail(ctx, TDAG_E_LIMIT, "rank %u is above the limit of %d",
                          (unsigned)t->rank, TDAG_MAX_RANK);
    int64_t bytes = (int64_t)tdag_dtype_size(t->dtype);
    bool empty = false;
    for (uint32_t i = 0; i < t->rank; i++) {
        int64_t n = tdagi_dim_sample(pool, t->shape[i]);
        if (n < 0)
            return tdagi_fail(ctx, TDAG_E_SHAPE, "axis %u would have the dim %lld",
                              (unsigned)i, (long long)n);
        empty = empty || n == 0;
        if (!empty && __builtin_mul_overflow(bytes, n, &bytes))
            return tdagi_fail(ctx, TDAG_E_OVERFLOW,
                              "the size in bytes exceeds 64 bits");
    }
    return TDAG_OK;
}

tdag_dim tdagi_type_count(tdagi_pool *pool, const tdagi_type *t)
{
    return tdagi_dim_product(pool, t->rank, t->shape);
}
