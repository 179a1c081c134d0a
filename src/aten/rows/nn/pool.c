/* Pools, and the positions of maxima: as results, and as where elements go back to. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"

static tdag_value lower(tdagi_call *c, tdagi_composite id, const tdag_value *x,
                        const void *spec)
{
    return c->bad ? TDAG_NO_VALUE : tdagi_lower(c->b, id, x, 1, spec);
}

/* Windows over n axes take an input of channels, or of a batch of them. */
static bool window_fits(tdagi_call *c, tdag_value x, uint32_t n)
{
    if (c->bad) return false;
    uint32_t rank = tdagi_rank(c, x);
    if (rank == n + 1 || rank == n + 2) return true;
    tdagi_call_fail(c, TDAG_E_SHAPE, "an input of rank %u", (unsigned)rank);
    return false;
}

/* Where in its plane each window has its greatest element, counted row by row: the
 * first such place, of NaN too. */
static tdag_value positions(tdagi_call *c, tdag_value x, const tdagi_pool_spec *s)
{
    int64_t taps[TDAG_MAX_RANK];
    uint32_t n = s->kernel.n, rank = tdagi_rank(c, x);
    tdag_list axes = {n, taps};
    const tdag_dim *plane = tdagi_shape(c, x) + rank - n;
    tdag_dim count = tdagi_dim_product(c->env->pool, n, plane), shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = i < rank - n ? 1 : plane[i - (rank - n)];
    tdag_value at = tdag_unary(c->b, TDAG_OP_NEG, tdag_iota(c->b, count, TDAG_I64));
    at = tdagi_reshape(c->b, at, rank, shape);
    at = tdagi_pool_windows(c->b, at, s, -INFINITY, taps);
    tdag_value w = tdagi_pool_windows(c->b, x, s, -INFINITY, taps);
    if (at.id == 0 || w.id == 0) return TDAG_NO_VALUE;
    tdag_value most = tdagi_reduce_keep(c->b, w, TDAG_REDUCE_MAX, axes, true);
    tdag_value hit = step_equal(c, w, most);
    if (tdag_dtype_is_float(tdagi_dtype(c, x))) hit = step_or(c, hit, step_isnan(c, w));
    tdag_value least = tdag_add_scalar(c->b, TDAG_I64, -ldexp(1, 63));
    at = tdagi_reduce_keep(c->b, step_where(c, hit, at, least), TDAG_REDUCE_MAX, axes,
                           false);
    return step_neg(c, at);
}

/* Row data: spatial axes, + 10 for an average, + 20 for values with indices. */
tdagi_any tdagi_aten_pool(tdagi_call *c)
{
    uint32_t n = (uint32_t)c->data % 10;
    bool average = c->data / 10 == 1;
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_pool_spec s = {.kernel = tdagi_arg_spatial(c, "kernel_size", n, 1)};
    s.padding = tdagi_arg_spatial(c, "padding", n, 0);
    s.dilation = tdagi_arg_spatial(c, "dilation", n, 1);
    s.stride = tdagi_arg_spatial(c, "stride", n, 0);
    if (n > 0 && s.stride.n == n && s.stride.v[0] == 0) s.stride = s.kernel;
    s.ceil_mode = tdagi_arg_bool(c, "ceil_mode", false);
    s.count_include_pad = tdagi_arg_bool(c, "count_include_pad", true);
    s.divisor = tdagi_arg_int(c, "divisor_override", 0);
    if (!average) s.count_include_pad = 0;
    if (!window_fits(c, x, n)) return tdagi_any_poison();
    tdag_value v[2] = {lower(c, average ? TDAGI_AVG_POOL : TDAGI_MAX_POOL, &x, &s)};
    if (v[0].id == 0) return tdagi_any_poison();
    if (c->schema->n_results == 2) v[1] = positions(c, x, &s);
    return tdagi_first_results(c, 2, v);
}

/* The pool that an adaptive one is where sizes divide evenly. */
static bool equal_windows(tdagi_call *c, tdag_value x,
                          const tdagi_adaptive_pool_spec *s, tdagi_pool_spec *out)
{
    uint32_t n = s->output.n, lead = tdagi_rank(c, x) - n;
    int64_t size[3], have = 0, want = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, lead + i), &have) ||
            !tdagi_dim_is_const(c->env->pool, s->output.v[i], &want) || want < 1 ||
            have % want != 0)
            return false;
        size[i] = have / want;
    }
    *out = (tdagi_pool_spec){.kernel = tdagi_list_copy(c, n, size),
                             .stride = tdagi_list_copy(c, n, size),
                             .padding = tdagi_list_of(c, n, 0),
                             .dilation = tdagi_list_of(c, n, 1)};
    return !c->bad;
}

/* Row data: spatial axes, + 10 for an average. */
tdagi_any tdagi_aten_adaptive_pool(tdagi_call *c)
{
    uint32_t n = (uint32_t)c->data % 10;
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_any sizes = tdagi_arg(c, "output_size");
    if (!window_fits(c, x, n)) return tdagi_any_poison();
    tdag_dim out[3];
    bool one = !tdagi_any_is_seq(sizes) || sizes.u.seq->n == 1;
    if (!one && sizes.u.seq->n != n) return tdagi_refuse(c, "output_size");
    for (uint32_t i = 0; i < n; i++) {
        tdagi_any v = !tdagi_any_is_seq(sizes) ? sizes : sizes.u.seq->v[one ? 0 : i];
        out[i] =
            v.kind == TDAGI_ANY_INT ? v.u.i : tdagi_dim(c, x, tdagi_rank(c, x) - n + i);
        if (v.kind != TDAGI_ANY_INT && v.kind != TDAGI_ANY_NONE)
            return tdagi_refuse(c, "output_size");
    }
    tdagi_adaptive_pool_spec s = {{n, out}};
    bool average = c->data / 10 == 1;
    tdag_value v[2] = {
        lower(c, average ? TDAGI_ADAPTIVE_AVG_POOL : TDAGI_ADAPTIVE_MAX_POOL, &x, &s)};
    tdagi_pool_spec equal;
    if (v[0].id == 0 || c->schema->n_results < 2 || !equal_windows(c, x, &s, &equal))
        return tdagi_first_result(c, tdagi_result(c, v[0]));
    v[1] = positions(c, x, &equal);
    return tdagi_first_results(c, 2, v);
}

/* Each element of self where its index says, in an image of zeroes. Row data: spatial
 * axes. */
tdagi_any tdagi_aten_max_unpool(tdagi_call *c)
{
    uint32_t n = (uint32_t)c->data;
    tdag_value x = tdagi_arg_tensor(c, "self"), at = tdagi_arg_tensor(c, "indices");
    tdag_list size = tdagi_arg_dims(c, "output_size");
    if (c->bad || tdagi_rank(c, x) < n || size.n != n) return tdagi_refuse(c, "self");
    uint32_t lead = tdagi_rank(c, x) - n;
    tdagi_pool *pool = c->env->pool;
    tdag_dim shape[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, x), (lead + n) * sizeof(*shape));
    tdag_dim images = tdagi_dim_product(pool, lead, shape);
    tdag_dim from[2] = {images, tdagi_dim_product(pool, n, shape + lead)};
    tdag_dim to[2] = {images, tdagi_dim_product(pool, n, size.v)};
    memcpy(shape + lead, size.v, n * sizeof(*shape));
    tdag_value y = tdagi_full(c->b, tdagi_dtype(c, x), 2, to, 0);
    y = tdag_scatter(c->b, y, tdagi_reshape(c->b, at, 2, from),
                     tdagi_reshape(c->b, x, 2, from), 1, TDAG_SCATTER_SET);
    return tdagi_result(c, tdagi_reshape(c->b, y, lead + n, shape));
}
