/* Backward operators of layers with weights or windows. What `output_mask` leaves out
 * is None. */
#include <string.h>

#include "aten/rows/steps.h"

/* Whether gradient i is wanted. */
static bool is_wanted(tdagi_call *c, uint32_t i)
{
    tdagi_any mask = tdagi_arg(c, "output_mask");
    if (!tdagi_any_is_seq(mask) || i >= mask.u.seq->n) return true;
    return mask.u.seq->v[i].kind != TDAGI_ANY_BOOL || mask.u.seq->v[i].u.b;
}

static tdagi_any gradients(tdagi_call *c, uint32_t n, const tdag_value *v)
{
    tdagi_any out[3];
    for (uint32_t i = 0; i < n; i++)
        out[i] =
            v[i].id != 0 && is_wanted(c, i) ? tdagi_result(c, v[i]) : tdagi_any_none();
    return c->bad ? tdagi_any_poison() : tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, n, out);
}

/* Sums over all axes of x from `from` to `to`, which go. */
static tdag_value sum_axes(tdagi_call *c, tdag_value x, uint32_t from, uint32_t to)
{
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = from; i < to; i++)
        axes[n++] = i;
    return tdagi_reduce_keep(c->b, x, TDAG_REDUCE_SUM, (tdag_list){n, axes}, false);
}

/* ---- embeddings ---- */

/* Each row of the gradient added to the row of the table that it came from. */
tdagi_any tdagi_aten_embedding_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, c->schema->args[0].name),
               at = tdagi_arg_tensor(c, "indices");
    tdag_dim rows = tdagi_arg_dim(c, "num_weights", 0);
    int64_t skip = tdagi_arg_int(c, "padding_idx", -1);
    bool by_count = tdagi_arg_bool(c, "scale_grad_by_freq", false);
    if (c->bad || tdagi_rank(c, g) == 0) return tdagi_any_poison();
    if (by_count) return tdagi_refuse(c, "scale_grad_by_freq");
    tdag_dim n = step_count(c, at), width = tdagi_dim(c, g, tdagi_rank(c, g) - 1);
    at = step_flat(c, at);
    g = tdagi_reshape(c->b, g, 2, (tdag_dim[]){n, width});
    tdag_value skipped = step_equal(c, at, step_number(c, at, (double)skip));
    g = step_where(c, tdagi_unsqueeze1(c->b, skipped, 1), step_number(c, g, 0), g);
    if (g.id == 0) return tdagi_any_poison();
    tdag_value y = tdagi_full(c->b, tdagi_dtype(c, g), 2, (tdag_dim[]){rows, width}, 0);
    return tdagi_result(c, tdag_scatter(c->b, y, at, g, 0, TDAG_SCATTER_ADD));
}

/* ---- norms ---- */

/* With h = (x - mean) rstd and g the gradient times the weight, over the last axis:
 * rstd (g - mean(g) - h mean(g h)). */
static tdag_value norm_input(tdagi_call *c, tdag_value g, tdag_value h, tdag_value rstd)
{
    int64_t last = (int64_t)tdagi_rank(c, h) - 1;
    tdag_value both = tdagi_mul(c->b, g, h);
    tdag_value m = step_reduce(c, g, TDAG_REDUCE_MEAN, last, true);
    tdag_value k = step_reduce(c, both, TDAG_REDUCE_MEAN, last, true);
    tdag_value y = tdagi_sub(c->b, tdagi_sub(c->b, g, m), tdagi_mul(c->b, h, k));
    return tdagi_mul(c->b, y, rstd);
}

/* x as [rows, n] in f32 if it is a half */
static tdag_value rows_of(tdagi_call *c, tdag_value x, tdag_dim rows, tdag_dim n)
{
    tdag_dtype own;
    if (x.id == 0) return x;
    return tdagi_reshape(c->b, tdagi_widen(c->b, x, &own), 2, (tdag_dim[]){rows, n});
}

tdagi_any tdagi_aten_layer_norm_backward(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "input"), g = tdagi_arg_tensor(c, "grad_out");
    tdag_value mean = tdagi_arg_tensor(c, "mean"), rstd = tdagi_arg_tensor(c, "rstd");
    tdag_value w = tdagi_arg_optional(c, "weight");
    tdag_list shape = tdagi_arg_dims(c, "normalized_shape");
    tdagi_ignore(c, "bias");
    if (c->bad || shape.n > tdagi_rank(c, x)) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x), lead = rank - shape.n;
    tdag_dtype own = tdagi_dtype(c, x);
    tdag_dim whole[TDAG_MAX_RANK];
    memcpy(whole, tdagi_shape(c, x), rank * sizeof(*whole));
    tdag_dim rows = tdagi_dim_product(c->env->pool, lead, whole);
    tdag_dim n = tdagi_dim_product(c->env->pool, shape.n, whole + lead);
    rstd = rows_of(c, rstd, rows, 1);
    tdag_value h = tdagi_sub(c->b, rows_of(c, x, rows, n), rows_of(c, mean, rows, 1));
    h = tdagi_mul(c->b, h, rstd);
    g = rows_of(c, g, rows, n);
    tdag_value gw = w.id == 0 ? g : tdagi_mul(c->b, g, rows_of(c, w, 1, n));
    tdag_value v[3] = {norm_input(c, gw, h, rstd),
                       sum_axes(c, tdagi_mul(c->b, g, h), 0, 1), sum_axes(c, g, 0, 1)};
    for (uint32_t i = 0; i < 3; i++)
        v[i] = tdagi_cast(c->b,
                          tdagi_reshape(c->b, v[i], i == 0 ? rank : shape.n,
                                        i == 0 ? whole : whole + lead),
                          own);
    return gradients(c, 3, v);
}

tdagi_any tdagi_aten_group_norm_backward(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "input"), g = tdagi_arg_tensor(c, "grad_out");
    tdag_value mean = tdagi_arg_tensor(c, "mean"), rstd = tdagi_arg_tensor(c, "rstd");
    tdag_value w = tdagi_arg_optional(c, "weight");
    tdag_dim n = tdagi_arg_dim(c, "N", 1), ch = tdagi_arg_dim(c, "C", 1),
             hw = tdagi_arg_dim(c, "HxW", 1);
    int64_t groups = tdagi_arg_int(c, "group", 1);
    if (c->bad || groups < 1) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdag_dtype own = tdagi_dtype(c, x), unused;
    tdag_dim whole[TDAG_MAX_RANK], rows = tdag_dim_mul(c->b, n, groups);
    memcpy(whole, tdagi_shape(c, x), rank * sizeof(*whole));
    tdag_dim in_row = tdag_dim_mul(c->b, tdag_dim_floordiv(c->b, ch, groups), hw);
    tdag_dim by_channel[3] = {n, ch, hw};
    rstd = rows_of(c, rstd, rows, 1);
    tdag_value h =
        tdagi_sub(c->b, rows_of(c, x, rows, in_row), rows_of(c, mean, rows, 1));
    h = tdagi_mul(c->b, h, rstd);
    g = tdagi_reshape(c->b, tdagi_widen(c->b, g, &unused), 3, by_channel);
    tdag_value gw = g;
    if (w.id != 0)
        gw = tdagi_mul(c->b, g,
                       tdagi_unsqueeze1(c->b, tdagi_widen(c->b, w, &unused), 1));
    tdag_value product = tdagi_mul(c->b, g, tdagi_reshape(c->b, h, 3, by_channel));
    tdag_value v[3] = {norm_input(c, rows_of(c, gw, rows, in_row), h, rstd),
                       sum_axes(c, sum_axes(c, product, 2, 3), 0, 1),
                       sum_axes(c, sum_axes(c, g, 2, 3), 0, 1)};
    v[0] = tdagi_reshape(c->b, v[0], rank, whole);
    for (uint32_t i = 0; i < 3; i++)
        v[i] = tdagi_cast(c->b, v[i], own);
    return gradients(c, 3, v);
}

/* ---- convolutions ---- */

typedef struct conv {
    tdag_value g, x, w;
    uint32_t n; /* spatial axes */
    tdag_list stride, padding, dilation;
    int64_t groups;
} conv;

/* What the sizes of x leave open of a transposed convolution of g: at most stride - 1.
 */
static tdag_value conv_input(tdagi_call *c, const conv *k)
{
    int64_t more[3] = {0}, have, from, taps;
    for (uint32_t i = 0; i < k->n; i++) {
        if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, k->x, 2 + i), &have) ||
            !tdagi_dim_is_const(c->env->pool, tdagi_dim(c, k->g, 2 + i), &from) ||
            !tdagi_dim_is_const(c->env->pool, tdagi_dim(c, k->w, 2 + i), &taps)) {
            tdagi_refuse_open(c);
            return TDAG_NO_VALUE;
        }
        more[i] = have - ((from - 1) * k->stride.v[i] - 2 * k->padding.v[i] +
                          k->dilation.v[i] * (taps - 1) + 1);
    }
    const tdagi_conv_transpose_spec s = {
        k->stride, k->dilation, k->padding, {k->n, more}, k->groups};
    return tdagi_lower(c->b, TDAGI_CONV_TRANSPOSE, (tdag_value[]){k->g, k->w}, 2, &s);
}

/* [N, G m, ...] as [m, G N, ...], or with `out` as [G m, N, ...] */
static tdag_value batch_as_channels(tdagi_call *c, const conv *k, tdag_value x,
                                    bool out)
{
    uint32_t rank = k->n + 2;
    if (out) return tdagi_transpose(c->b, x, 0, 1);
    tdag_dim split[TDAG_MAX_RANK], shape[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, x), rank * sizeof(*shape));
    memcpy(split + 3, shape + 2, k->n * sizeof(*shape));
    split[0] = shape[0];
    split[1] = k->groups;
    split[2] = tdag_dim_floordiv(c->b, shape[1], k->groups);
    shape[1] = tdag_dim_mul(c->b, shape[0], k->groups);
    shape[0] = split[2];
    x = tdagi_transpose(c->b, tdagi_reshape(c->b, x, rank + 1, split), 0, 2);
    return tdagi_reshape(c->b, x, rank, shape);
}

/* The input convolved with the gradient, stride and dilation in each other's place; as
 * many taps as the weight has. */
static tdag_value conv_weight(tdagi_call *c, const conv *k)
{
    const tdagi_conv_spec s = {k->dilation, k->stride, k->padding, k->padding,
                               k->groups};
    const tdag_value in[2] = {batch_as_channels(c, k, k->x, false),
                              batch_as_channels(c, k, k->g, true)};
    tdag_value y = tdagi_lower(c->b, TDAGI_CONV, in, 2, &s);
    for (uint32_t i = 0; i < k->n; i++)
        y = y.id == 0 ? y : tdagi_slice1(c->b, y, 2 + i, 0, tdagi_dim(c, k->w, 2 + i));
    return y.id == 0 ? y : tdagi_transpose(c->b, y, 0, 1);
}

tdagi_any tdagi_aten_convolution_backward(tdagi_call *c)
{
    conv k = {.g = tdagi_arg_tensor(c, "grad_output"),
              .x = tdagi_arg_tensor(c, "input"),
              .w = tdagi_arg_tensor(c, "weight")};
    tdagi_ignore(c, "bias_sizes");
    tdagi_ignore(c, "output_padding");
    k.groups = tdagi_arg_int(c, "groups", 1);
    bool transposed = tdagi_arg_bool(c, "transposed", false);
    if (c->bad || tdagi_rank(c, k.w) < 3 || tdagi_rank(c, k.w) > 5 ||
        tdagi_rank(c, k.x) != tdagi_rank(c, k.w) || k.groups < 1)
        return tdagi_refuse(c, "input");
    if (transposed) return tdagi_refuse(c, "transposed");
    k.n = tdagi_rank(c, k.w) - 2;
    k.stride = tdagi_arg_spatial(c, "stride", k.n, 1);
    k.padding = tdagi_arg_spatial(c, "padding", k.n, 0);
    k.dilation = tdagi_arg_spatial(c, "dilation", k.n, 1);
    if (c->bad) return tdagi_any_poison();
    tdag_value v[3] = {TDAG_NO_VALUE};
    if (is_wanted(c, 0)) v[0] = conv_input(c, &k);
    if (is_wanted(c, 1)) v[1] = conv_weight(c, &k);
    if (is_wanted(c, 2)) v[2] = sum_axes(c, sum_axes(c, k.g, 2, k.n + 2), 0, 1);
    return gradients(c, 3, v);
}

/* ---- averages of windows ---- */

/* [out, n]: what each of n elements is of the average of window i */
static tdag_value shares(tdagi_call *c, tdag_dim n, tdag_dim out, tdag_dtype dtype)
{
    tdag_value size = tdagi_dim_value(c->b, n), parts = tdagi_dim_value(c->b, out);
    tdag_value low = tdagi_mul(c->b, tdag_iota(c->b, out, TDAG_I64), size);
    tdag_value high =
        tdagi_add(c->b, tdagi_add(c->b, low, size), tdagi_add_scalar(c->b, parts, -1));
    low = tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, low, parts);
    high = tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, high, parts);
    low = tdagi_unsqueeze1(c->b, low, 1);
    high = tdagi_unsqueeze1(c->b, high, 1);
    tdag_value at = tdag_iota(c->b, n, TDAG_I64);
    tdag_value inside =
        step_and(c, step_less(c, at, high), step_not(c, step_less(c, at, low)));
    tdag_value length = tdagi_cast(c->b, tdagi_sub(c->b, high, low), dtype);
    return tdagi_div(c->b, tdagi_cast(c->b, inside, dtype), length);
}

/* Row data: spatial axes. */
tdagi_any tdagi_aten_adaptive_average_backward(tdagi_call *c)
{
    tdag_value g = tdagi_arg_tensor(c, "grad_output"), x = tdagi_arg_tensor(c, "self");
    uint32_t n = (uint32_t)c->data, rank = tdagi_rank(c, x);
    if (c->bad || rank < n || tdagi_rank(c, g) != rank) return tdagi_refuse(c, "self");
    tdag_dtype own;
    tdag_value y = tdagi_widen(c->b, g, &own);
    for (uint32_t i = rank - n; i < rank && y.id != 0; i++) { /* each axis to the end */
        tdag_dim to = tdagi_dim(c, x, i), from = tdagi_dim(c, g, i);
        y = tdagi_transpose(c->b, y, i, rank - 1);
        y = tdagi_matmul(c->b, y, shares(c, to, from, tdagi_dtype(c, y)));
        y = y.id == 0 ? y : tdagi_transpose(c->b, y, i, rank - 1);
    }
    return tdagi_result(c, tdagi_cast(c->b, y, own));
}
