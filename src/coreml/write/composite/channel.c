/* What has a factor per channel or per group of them: prelu, group_norm; rms_norm. */
#include "coreml/write/mil.h"

/* A vector that goes with axis 1 of what has that rank. */
static tdagi_mil along_channels(tdagi_mil_writer *w, tdagi_mil v, uint32_t rank)
{
    tdag_dim shape[TDAG_MAX_RANK];
    if (v == NULL || v->type.rank == 0) return v;
    for (uint32_t i = 1; i < rank; i++)
        shape[i] = 1;
    shape[1] = v->type.shape[0];
    return tdagi_mil_reshape(w, v, rank - 1, shape + 1);
}

/* [N, C, ...] as four axes, which the operator has a slope for each channel of. */
static void emit_by_channel(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdag_dim shape[4] = {k->shape[0], k->shape[1], 1, 1};
    if (k->rank == 4) {
        tdagi_mil_emit(w, k, "prelu(x=$0, alpha=$1)");
        return;
    }
    if (k->rank > 2) shape[2] = k->shape[2];
    shape[3] =
        tdagi_dim_product(w->now.r->pool, k->rank > 3 ? k->rank - 3u : 0, k->shape + 3);
    tdagi_mil x = tdagi_mil_reshape(w, tdagi_mil_in(w, k, 0), 4, shape);
    if (x != NULL) x = tdagi_mil_op(w, &x->type, "prelu(x=%v, alpha=$1)", x);
    tdagi_mil_set(w, k, tdagi_mil_reshape(w, x, k->rank, k->shape));
}

static void emit_prelu(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil slope = tdagi_mil_in(w, k, 1);
    if (slope == NULL) return;
    const bool is_vector = slope->type.rank == 1;
    if (k->dtype == TDAG_F32 && slope->is_const && is_vector && k->rank > 1 &&
        slope->type.shape[0] == k->shape[1]) {
        emit_by_channel(w, k);
        return;
    }
    if (is_vector && slope->type.shape[0] == 1)
        slope = tdagi_mil_reshape(w, slope, 0, NULL);
    else if (k->rank > 2)
        slope = along_channels(w, slope, k->rank);
    tdagi_mil_emit(w, k, "select(cond=greater(x=$0, y=0.0), a=$0, b=mul(x=$0, y=%v))",
                   slope);
}
const tdagi_mil_emitter tdagi_mil_emitter_prelu = {.emit = emit_prelu};

/* x with the channels apart, [N, groups, channels, ...]; the last axes as one where
 * that would be too many. */
static tdagi_mil in_groups(tdagi_mil_writer *w, tdagi_mil x, int64_t groups)
{
    tdagi_pool *pool = w->now.r->pool;
    tdag_dim shape[TDAG_MAX_RANK + 1];
    if (x == NULL) return NULL;
    uint32_t rank = x->type.rank + 1;
    shape[0] = x->type.shape[0];
    shape[1] = groups;
    shape[2] = tdagi_dim_floordiv(pool, x->type.shape[1], groups);
    for (uint32_t i = 3; i < rank; i++)
        shape[i] = x->type.shape[i - 1];
    if (rank > TDAGI_MIL_MAX_RANK) {
        shape[3] = tdagi_dim_product(pool, rank - 3, x->type.shape + 2);
        rank = 4;
    }
    return tdagi_mil_reshape(w, x, rank, shape);
}

static void emit_group_norm(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    static const int64_t after[TDAG_MAX_RANK] = {2, 3, 4};
    const tdagi_group_norm_spec *s = k->spec;
    tdagi_mil gamma = along_channels(w, tdagi_mil_in(w, k, 1), k->rank),
              beta = along_channels(w, tdagi_mil_in(w, k, 2), k->rank),
              x = in_groups(w, tdagi_mil_in(w, k, 0), s->groups);
    if (x == NULL) return;
    const tdag_list axes = {x->type.rank - 2, after};
    x = tdagi_mil_op(w, &x->type, "layer_norm(x=%v, axes=%l, epsilon=%f)", x, &axes,
                     s->eps);
    x = tdagi_mil_reshape(w, x, k->rank, k->shape);
    if (gamma != NULL && beta != NULL)
        tdagi_mil_emit(w, k, "add(x=mul(x=%v, y=%v), y=%v)", x, gamma, beta);
    else if (gamma != NULL)
        tdagi_mil_emit(w, k, "mul(x=%v, y=%v)", x, gamma);
    else if (beta != NULL)
        tdagi_mil_emit(w, k, "add(x=%v, y=%v)", x, beta);
    else
        tdagi_mil_set(w, k, x);
}
const tdagi_mil_emitter tdagi_mil_emitter_group_norm = {.emit = emit_group_norm};

/* In fp32 also with --f16, where squares soon pass what that holds. */
static void emit_rms_norm(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_layer_norm_spec *s = k->spec;
    int64_t v[TDAG_MAX_RANK];
    tdagi_mil x = tdagi_mil_cast(w, tdagi_mil_in(w, k, 0), TDAG_F64),
              gamma = tdagi_mil_cast(w, tdagi_mil_in(w, k, 1), TDAG_F64);
    if (x == NULL) return;
    tdagi_type type = x->type;
    const tdag_list axes = {(uint32_t)s->n_axes, v};
    for (uint32_t i = 0; i < axes.n; i++) {
        v[i] = (int64_t)(k->rank - axes.n + i);
        type.shape[v[i]] = 1;
    }
    tdagi_mil mean = tdagi_mil_op(
        w, &type, "reduce_mean(x=square(x=%v), axes=%l, keep_dims=true)", x, &axes);
    tdagi_mil root =
        tdagi_mil_op(w, &type, "rsqrt(x=add(x=%v, y=%f), epsilon=0.0)", mean, s->eps);
    const char *const formats[2][2] = {
        {"mul(x=%v, y=%v)", "cast(x=mul(x=%v, y=%v), dtype=\"fp16\")"},
        {"mul(x=mul(x=%v, y=%v), y=%v)",
         "cast(x=mul(x=mul(x=%v, y=%v), y=%v), dtype=\"fp16\")"}};
    tdagi_mil_emit(w, k, formats[gamma != NULL][tdagi_mil_is_f16(w)], x, root, gamma);
}
const tdagi_mil_emitter tdagi_mil_emitter_rms_norm = {.emit = emit_rms_norm};
