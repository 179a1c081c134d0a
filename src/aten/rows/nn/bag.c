/* Embeddings in bags, renormalised rows, and the forms of norms and attention that
 * return more than the result. */
#include <math.h>

#include "aten/rows/steps.h"

/* ---- embedding_bag ---- */

tdagi_any tdagi_aten_embedding_bag(tdagi_call *c)
{
    tdag_value in[4] = {tdagi_arg_tensor(c, "weight"), tdagi_arg_tensor(c, "indices"),
                        tdagi_arg_tensor(c, "offsets"),
                        tdagi_arg_optional(c, "per_sample_weights")};
    const tdagi_bag_spec s = {tdagi_arg_int(c, "mode", 0),
                              tdagi_arg_int(c, "padding_idx", -1),
                              tdagi_arg_bool(c, "include_last_offset", false)};
    if (c->bad || tdagi_rank(c, in[1]) != 1 || tdagi_rank(c, in[2]) != 1)
        return tdagi_refuse(c, "indices");
    if (s.mode < TDAGI_BAG_SUM || s.mode > TDAGI_BAG_MAX)
        return tdagi_refuse(c, "mode");
    return tdagi_first_result(
        c, tdagi_result(c, tdagi_lower(c->b, TDAGI_EMBEDDING_BAG, in, 4, &s)));
}

/* ---- renormalised rows ---- */

/* What slices along an axis are multiplied by so that their norm is at most `most`. */
static tdag_value shrink(tdagi_call *c, tdag_value x, uint32_t axis, double p,
                         double most)
{
    int64_t others[TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < tdagi_rank(c, x); i++)
        if (i != axis) others[n++] = i;
    tdagi_norm_spec s = {{n, others}, p, 1, 0};
    tdag_value norm = tdagi_lower(c->b, TDAGI_VECTOR_NORM, &x, 1, &s);
    tdag_value limit = step_number(c, x, most);
    tdag_value f = tdagi_div(c->b, limit, tdagi_add_scalar(c->b, norm, 1e-7));
    return step_where(c, step_less(c, limit, norm), f, step_number(c, x, 1));
}

tdagi_any tdagi_aten_renorm(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    double p = tdagi_arg_float(c, "p", 2), most = tdagi_arg_float(c, "maxnorm", 1);
    if (c->bad || tdagi_rank(c, x) < 2) return tdagi_refuse(c, "self");
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x));
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, tdagi_mul(c->b, x, shrink(c, x, axis, p, most)));
}

/* Only the rows that the indices name. */
tdagi_any tdagi_aten_embedding_renorm(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), at = tdagi_arg_tensor(c, "indices");
    double most = tdagi_arg_float(c, "max_norm", 1),
           p = tdagi_arg_float(c, "norm_type", 2);
    if (c->bad || tdagi_rank(c, x) != 2) return tdagi_refuse(c, "self");
    tdag_dim rows = tdagi_dim(c, x, 0), n = step_count(c, at);
    tdag_value named = tdagi_full(c->b, TDAG_BOOL, 1, &rows, 0);
    named = tdag_scatter(c->b, named, step_flat(c, at),
                         tdagi_full(c->b, TDAG_BOOL, 1, &n, 1), 0, TDAG_SCATTER_SET);
    tdag_value f = shrink(c, x, 0, p, most);
    f = step_where(c, tdagi_unsqueeze1(c->b, named, 1), f, step_number(c, x, 1));
    return tdagi_result(c, tdagi_mul(c->b, x, f));
}

/* ---- forms with more results ---- */

/* 1 / sqrt(v + eps) */
static tdag_value inverse_root(tdagi_call *c, tdag_value v, double eps)
{
    return step_one(c, TDAGI_RSQRT, v.id == 0 ? v : tdagi_add_scalar(c->b, v, eps));
}

/* Mean and inverse deviation of x over axes, which stay as 1 where `keep`. */
static void statistics(tdagi_call *c, tdag_value x, tdag_list axes, bool keep,
                       double eps, tdag_value out[2])
{
    tdagi_var_spec s = {axes, 0, keep};
    out[0] = out[1] = TDAG_NO_VALUE;
    if (x.id == 0) return;
    out[0] = tdagi_reduce_keep(c->b, x, TDAG_REDUCE_MEAN, axes, keep);
    out[1] = inverse_root(c, tdagi_lower(c->b, TDAGI_VAR, &x, 1, &s), eps);
}

static tdag_value value_of(tdagi_call *c, tdagi_any v)
{
    return v.kind == TDAGI_ANY_TENSOR ? tdagi_cell_read(c->env, v.u.tensor)
                                      : TDAG_NO_VALUE;
}

/* The last n axes of a rank. */
static tdag_list last_axes(tdagi_call *c, uint32_t rank, uint32_t n)
{
    tdag_list axes = tdagi_list_of(c, n, 0);
    int64_t v[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < n && i < TDAG_MAX_RANK; i++)
        v[i] = rank - n + i;
    return c->bad ? axes : tdagi_list_copy(c, n, v);
}

/* native_layer_norm; row data 1: _fused_rms_norm, which has no mean */
tdagi_any tdagi_aten_native_layer_norm(tdagi_call *c)
{
    tdag_value v[3] = {value_of(c, tdagi_aten_layer_norm(c))};
    if (v[0].id == 0 || c->bad) return tdagi_any_poison();
    tdag_value x = tdagi_arg_tensor(c, "input");
    tdag_list shape = tdagi_arg_dims(c, "normalized_shape");
    double eps = tdagi_arg_float(c, "eps", 1.1920928955078125e-07);
    tdag_list axes = last_axes(c, tdagi_rank(c, x), shape.n);
    if (c->data == 0) {
        statistics(c, x, axes, true, eps, v + 1);
        return tdagi_first_results(c, 3, v);
    }
    v[1] = tdagi_reduce_keep(c->b, tdagi_mul(c->b, x, x), TDAG_REDUCE_MEAN, axes, true);
    v[1] = inverse_root(c, v[1], eps);
    return tdagi_first_results(c, 2, v);
}

/* running = (1 - momentum) running + momentum batch, where the schema says that it is
 * written. */
static void update_running(tdagi_call *c, const char *name, tdag_value batch)
{
    double momentum = tdagi_arg_float(c, "momentum", 0.1);
    for (uint32_t i = 0; i < c->schema->n_args && i < c->n; i++) {
        const tdagi_parameter *p = &c->schema->args[i];
        if (!p->is_written || strcmp(p->name, name) != 0 || !tdagi_has(c, name))
            continue;
        tdagi_cell *t = tdagi_arg_cell(c, name);
        if (t == NULL || batch.id == 0) return;
        tdag_value old =
            tdagi_mul_scalar(c->b, tdagi_cell_read(c->env, t), 1 - momentum);
        batch = tdagi_cast(c->b, batch, tdagi_cell_dtype(c->env, t));
        batch = tdagi_mul_scalar(c->b, batch, momentum);
        tdagi_cell_write(c->env, t, tdagi_add(c->b, old, batch));
    }
}

/* The statistics of a batch over axes, to the running ones as well: of n elements the
 * variance is over n - 1 there. */
static void batch_statistics(tdagi_call *c, tdag_value x, tdag_list axes, double eps,
                             tdag_value out[2])
{
    const tdagi_var_spec s = {axes, 1, 0};
    statistics(c, x, axes, false, eps, out);
    update_running(c, "running_mean", out[0]);
    update_running(c, "running_var", tdagi_lower(c->b, TDAGI_VAR, &x, 1, &s));
}

/* What is saved for a backward pass: statistics of the batch, nothing in eval mode. Row
 * data 1: of the batch always, and a fourth result without elements. */
tdagi_any tdagi_aten_native_batch_norm(tdagi_call *c)
{
    tdag_value v[4] = {value_of(c, tdagi_aten_batch_norm(c))};
    if (v[0].id == 0 || c->bad) return tdagi_any_poison();
    tdag_value x = tdagi_arg_tensor(c, "input");
    bool training = c->data == 1 || tdagi_arg_bool(c, "training", false);
    double eps = tdagi_arg_float(c, "eps", 1e-5);
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < tdagi_rank(c, x); i++)
        if (i != 1) axes[n++] = i;
    if (training)
        batch_statistics(c, x, (tdag_list){n, axes}, eps, v + 1);
    else
        v[1] = v[2] = tdagi_full(c->b, tdagi_dtype(c, x), 1, (tdag_dim[]){0}, 0);
    v[3] = tdagi_full(c->b, TDAG_U8, 1, (tdag_dim[]){0}, 0);
    return tdagi_first_results(c, c->data == 1 ? 4 : 3, v);
}

tdagi_any tdagi_aten_native_group_norm(tdagi_call *c)
{
    tdag_value in[3] = {tdagi_arg_tensor(c, "input"), tdagi_arg_optional(c, "weight"),
                        tdagi_arg_optional(c, "bias")};
    tdagi_group_norm_spec s = {tdagi_arg_int(c, "group", 1),
                               tdagi_arg_float(c, "eps", 1e-5)};
    if (c->bad || tdagi_rank(c, in[0]) < 2) return tdagi_refuse(c, "input");
    tdag_value v[3] = {tdagi_lower(c->b, TDAGI_GROUP_NORM, in, 3, &s)};
    if (v[0].id == 0) return tdagi_any_poison();
    tdag_dim shape[3] = {tdagi_dim(c, in[0], 0), s.groups, TDAGI_DIM_OPEN};
    tdagi_reshape_dims(c->b, in[0], 3, shape);
    int64_t last = 2;
    statistics(c, tdagi_reshape(c->b, in[0], 3, shape), (tdag_list){1, &last}, false,
               s.eps, v + 1);
    return tdagi_first_results(c, 3, v);
}

tdagi_any tdagi_aten_attention_with_others(tdagi_call *c)
{
    return tdagi_first_result(c, tdagi_aten_attention(c));
}

/* Attention and its weights, which are what attends to the rows of a unit matrix. */
tdagi_any tdagi_aten_attention_with_weights(tdagi_call *c)
{
    tdag_value k = tdagi_arg_tensor(c, "key");
    tdagi_ignore(c, "need_attn_weights"); /* they are given in any case */
    tdag_value v[2] = {value_of(c, tdagi_aten_attention(c))};
    if (c->bad || v[0].id == 0) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, k);
    tdag_dim shape[TDAG_MAX_RANK], n = tdagi_dim(c, k, rank - 2);
    memcpy(shape, tdagi_shape(c, k), rank * sizeof(*shape));
    shape[rank - 1] = n;
    tdag_value at = tdag_iota(c->b, n, TDAG_I64);
    tdag_value unit = step_equal(c, tdagi_unsqueeze1(c->b, at, 1), at);
    unit = tdagi_expand(c->b, tdagi_cast(c->b, unit, tdagi_dtype(c, k)), rank, shape);
    tdagi_replace_arg(c, "value", tdagi_result(c, unit));
    v[1] = value_of(c, tdagi_aten_attention(c));
    return tdagi_results(c, 2, v);
}
