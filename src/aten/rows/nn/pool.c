/* Pools, and the positions of maxima: as results, and as where elements go back to. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"
#include "derive/parts.h"

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

static tdagi_pool_spec read_pool(tdagi_call *c, uint32_t n)
{
    tdagi_pool_spec s = {.kernel = tdagi_arg_spatial(c, "kernel_size", n, 1)};
    s.padding = tdagi_arg_spatial(c, "padding", n, 0);
    s.dilation = tdagi_arg_spatial(c, "dilation", n, 1);
    s.stride = tdagi_arg_spatial(c, "stride", n, 0);
    if (n > 0 && s.stride.n == n && s.stride.v[0] == 0) s.stride = s.kernel;
    s.ceil_mode = tdagi_arg_bool(c, "ceil_mode", false);
    s.count_include_pad = tdagi_arg_bool(c, "count_include_pad", true);
    s.divisor = tdagi_arg_int(c, "divisor_override", 0);
    return s;
}

/* Row data: spatial axes, + 10 for an average, + 20 for values with indices. */
tdagi_any tdagi_aten_pool(tdagi_call *c)
{
    uint32_t n = (uint32_t)c->data % 10;
    bool average = c->data / 10 == 1;
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdagi_pool_spec s = read_pool(c, n);
    if (!average) s.count_include_pad = 0;
    if (!window_fits(c, x, n)) return tdagi_any_poison();
    if (average && !tdag_dtype_is_float(tdagi_dtype(c, x)))
        return tdagi_refuse_integers(c);
    tdag_value v[2] = {TDAG_NO_VALUE, TDAG_NO_VALUE};
    if (c->schema->n_results == 2)
        tdagi_lower_pair(c->b, TDAGI_MAX_POOL_WITH_INDEX, x, &s, v);
    else
        v[0] = lower(c, average ? TDAGI_AVG_POOL : TDAGI_MAX_POOL, &x, &s);
    return v[0].id == 0 ? tdagi_any_poison() : tdagi_first_results(c, 2, v);
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
    if (v[0].id == 0 || c->schema->n_results < 2)
        return tdagi_first_result(c, tdagi_result(c, v[0]));
    for (uint32_t i = 0; i < n; i++)
        if (tdagi_dim_sample(c->env->pool, out[i]) < 1)
            return tdagi_first_results(c, 1, v);
    v[1] = lower(c, TDAGI_ADAPTIVE_MAX_POOL_POSITION, &x, &s);
    return tdagi_first_results(c, 2, v);
}

/* The elements of x, set or added up, at the places `at` of planes of zeroes; `size`:
 * the last axes of the result. */
static tdagi_any spread(tdagi_call *c, tdag_value x, tdag_value at, tdag_list size,
                        tdag_scatter_mode how)
{
    uint32_t n = size.n, lead = tdagi_rank(c, x) - n;
    tdagi_pool *pool = c->env->pool;
    tdag_dim shape[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, x), (lead + n) * sizeof(*shape));
    tdag_dim images = tdagi_dim_product(pool, lead, shape);
    tdag_dim from[2] = {images, tdagi_dim_product(pool, n, shape + lead)};
    tdag_dim to[2] = {images, tdagi_dim_product(pool, n, size.v)};
    memcpy(shape + lead, size.v, n * sizeof(*shape));
    tdag_value y = tdagi_full(c->b, tdagi_dtype(c, x), 2, to, 0);
    y = tdag_scatter(c->b, y, tdagi_reshape(c->b, at, 2, from),
                     tdagi_reshape(c->b, x, 2, from), 1, how);
    return tdagi_result(c, tdagi_reshape(c->b, y, lead + n, shape));
}

/* g, an element per window, added to all places of its window; those beyond the plane
 * fall away. `at`: the places, with the axes `taps`, for one plane. */
static tdagi_any shared_out(tdagi_call *c, tdag_value g, tdag_value at,
                            const tdag_list *size, tdag_list taps)
{
    uint32_t n = size->n, rank = tdagi_rank(c, at), lead = tdagi_rank(c, g) - n;
    tdagi_pool *pool = c->env->pool;
    tdag_dim shape[TDAG_MAX_RANK], whole[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, at), rank * sizeof(*shape));
    memcpy(shape, tdagi_shape(c, g), lead * sizeof(*shape));
    memcpy(whole, shape, lead * sizeof(*shape));
    memcpy(whole + lead, size->v, n * sizeof(*shape));
    tdag_dim images = tdagi_dim_product(pool, lead, shape);
    tdag_dim taken = tdagi_dim_product(pool, rank - lead, shape + lead);
    tdag_dim count = tdagi_dim_product(pool, n, size->v);
    g = tdagi_expand(c->b, tdag_unsqueeze(c->b, g, taps), rank, shape);
    at = tdagi_reshape(c->b, at, 1, &taken);
    g = tdagi_reshape(c->b, g, 2, (tdag_dim[]){images, taken});
    tdag_value y = tdagi_full(c->b, tdagi_dtype(c, g), 2,
                              (tdag_dim[]){tdag_dim_add(c->b, count, 1), images}, 0);
    y = tdag_scatter(c->b, y, at, tdagi_transpose(c->b, g, 0, 1), 0, TDAG_SCATTER_ADD);
    y = tdagi_transpose(c->b, tdagi_slice1(c->b, y, 0, 0, count), 0, 1);
    return tdagi_result(c, tdagi_reshape(c->b, y, lead + n, whole));
}

/* Each element of self where its index says, in an image of zeroes. Row data: spatial
 * axes. */
tdagi_any tdagi_aten_max_unpool(tdagi_call *c)
{
    uint32_t n = (uint32_t)c->data;
    tdag_value x = tdagi_arg_tensor(c, "self"), at = tdagi_arg_tensor(c, "indices");
    tdag_list size = tdagi_arg_dims(c, "output_size");
    if (c->bad || tdagi_rank(c, x) < n || size.n != n) return tdagi_refuse(c, "self");
    return spread(c, x, at, size, TDAG_SCATTER_SET);
}

/* Each element of the gradient to the place that its window's greatest element has. Row
 * data: spatial axes. */
tdagi_any tdagi_aten_max_pool_backward(tdagi_call *c)
{
    uint32_t n = (uint32_t)c->data;
    tdag_value x = tdagi_arg_tensor(c, "self"), at = tdagi_arg_tensor(c, "indices");
    tdag_value g = tdagi_arg_tensor(c, "grad_output");
    if (c->bad || tdagi_rank(c, x) < n || tdagi_rank(c, x) != tdagi_rank(c, g))
        return tdagi_refuse(c, "self");
    tdag_dim size[3];
    memcpy(size, tdagi_shape(c, x) + tdagi_rank(c, x) - n, n * sizeof(*size));
    return spread(c, g, at, (tdag_list){n, size}, TDAG_SCATTER_ADD);
}

/* Each element of the gradient, shared out to its window: a tap has of it what the
 * average of a window of ones is, over the taps that are no padding. Row data: spatial
 * axes. */
tdagi_any tdagi_aten_average_pool_backward(tdagi_call *c)
{
    uint32_t n = (uint32_t)c->data;
    tdag_value x = tdagi_arg_tensor(c, "self"), g = tdagi_arg_tensor(c, "grad_output");
    tdagi_pool_spec s = read_pool(c, n);
    if (!window_fits(c, x, n)) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x), lead = rank - n;
    int64_t axes[TDAG_MAX_RANK];
    const tdag_list taps = {n, axes};
    tdag_dim size[3],
        beyond = tdagi_dim_product(c->env->pool, n, tdagi_shape(c, x) + lead);
    memcpy(size, tdagi_shape(c, x) + lead, n * sizeof(*size));
    tdag_value at = tdagi_plane_places(c->b, x, n, tdagi_rank(c, x)),
               one = tdagi_full_like(c->b, tdagi_cast(c->b, at, tdagi_dtype(c, g)), 1);
    one = lower(c, TDAGI_AVG_POOL, &one, &s);
    at = tdagi_pool_windows(c->b, at, &s, -1, axes);
    if (at.id == 0 || one.id == 0) return tdagi_any_poison();
    tdag_value padding = step_less(c, at, step_number(c, at, 0));
    tdag_value real = tdagi_cast(c->b, step_not(c, padding), tdagi_dtype(c, g));
    real = tdagi_reduce_keep(c->b, real, TDAG_REDUCE_SUM, taps, false);
    g = tdagi_mul(c->b, g, tdagi_div(c->b, one, step_at_least(c, real, 1)));
    if (g.id == 0) return tdagi_any_poison();
    at = step_where(c, padding, tdagi_dim_value(c->b, beyond), at);
    return shared_out(c, g, at, &(const tdag_list){n, size}, taps);
}
