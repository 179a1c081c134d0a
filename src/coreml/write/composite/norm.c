/* Softmaxes, normalisations, variances. */
#include <math.h>

#include "coreml/write/mil.h"

static void emit_softmax(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil_emit(w, k, "softmax(x=$0, axis=%i)",
                   ((const tdagi_axis_spec *)k->spec)->axis);
}
const tdagi_mil_emitter tdagi_mil_emitter_softmax = {.emit = emit_softmax};

static void emit_log_softmax(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_axis_spec *s = k->spec;
    const tdag_list axis = {1, &s->axis};
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    type.shape[s->axis] = 1;
    tdagi_mil_emit(w, k, "sub(x=$0, y=%v)",
                   tdagi_mil_op(w, &type,
                                "reduce_log_sum_exp(x=%v, axes=%l, keep_dims=true)",
                                tdagi_mil_in(w, k, 0), &axis));
}
const tdagi_mil_emitter tdagi_mil_emitter_log_softmax = {.emit = emit_log_softmax};

static void emit_logsumexp(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_axes_keep_spec *s = k->spec;
    tdagi_mil_emit(w, k, "reduce_log_sum_exp(x=$0, axes=%l, keep_dims=%b)", &s->axes,
                   (int)s->keep);
}
const tdagi_mil_emitter tdagi_mil_emitter_logsumexp = {.emit = emit_logsumexp};

static bool are_fixed(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    for (uint32_t i = 1; i < k->n_inputs; i++) {
        tdagi_mil v = tdagi_mil_in(w, k, i);
        if (v != NULL && !v->is_const) return false;
    }
    return true;
}

/* A factor and a summand that are no constants follow. */
static void emit_layer_norm(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_layer_norm_spec *s = k->spec;
    int64_t v[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < s->n_axes; i++)
        v[i] = (int64_t)k->rank - s->n_axes + i;
    const tdag_list axes = {(uint32_t)s->n_axes, v};
    if (are_fixed(w, k)) {
        tdagi_mil_emit(w, k, "layer_norm(x=$0, axes=%l, gamma=$1, beta=$2, epsilon=%f)",
                       &axes, s->eps);
        return;
    }
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    tdagi_mil x =
        tdagi_mil_op(w, &type, "layer_norm(x=$0, axes=%l, epsilon=%f)", &axes, s->eps);
    if (tdagi_mil_in(w, k, 1) != NULL) x = tdagi_mil_op(w, NULL, "mul(x=%v, y=$1)", x);
    if (tdagi_mil_in(w, k, 2) != NULL) x = tdagi_mil_op(w, NULL, "add(x=%v, y=$2)", x);
    tdagi_mil_set(w, k, x);
}
const tdagi_mil_emitter tdagi_mil_emitter_layer_norm = {.emit = emit_layer_norm};

/* x [N, C] as [N, C, 1]. */
static void emit_batch_norm(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_eps_spec *s = k->spec;
    const char *format = "batch_norm(x=%v, mean=$1, variance=$2, gamma=$3, beta=$4, "
                         "epsilon=%f)";
    tdagi_mil x = tdagi_mil_in(w, k, 0);
    if (!are_fixed(w, k) || k->rank < 2 || k->rank > 5) {
        tdagi_mil_by_parts(w, k);
    } else if (k->rank > 2) {
        tdagi_mil_emit(w, k, format, x, s->eps);
    } else {
        const tdagi_type type = {TDAG_F32, 3, {k->shape[0], k->shape[1], 1}};
        x = tdagi_mil_op(w, &type, format, tdagi_mil_reshape(w, x, 3, type.shape),
                         s->eps);
        tdagi_mil_set(w, k, tdagi_mil_reshape(w, x, 2, k->shape));
    }
}
const tdagi_mil_emitter tdagi_mil_emitter_batch_norm = {.emit = emit_batch_norm};

static void emit_instance_norm(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_eps_spec *s = k->spec;
    if (!are_fixed(w, k) || (k->rank != 3 && k->rank != 4))
        tdagi_mil_by_parts(w, k);
    else
        tdagi_mil_emit(w, k, "instance_norm(x=$0, gamma=$1, beta=$2, epsilon=%f)",
                       s->eps);
}
const tdagi_mil_emitter tdagi_mil_emitter_instance_norm = {.emit = emit_instance_norm};

static void emit_vector_norm(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_norm_spec *s = k->spec;
    if ((s->p != 1 && s->p != 2) || s->axes.n == 0)
        tdagi_mil_by_parts(w, k);
    else
        tdagi_mil_emit(w, k,
                       s->p == 1 ? "reduce_l1_norm(x=$0, axes=%l, keep_dims=%b)"
                                 : "reduce_l2_norm(x=$0, axes=%l, keep_dims=%b)",
                       &s->axes, (int)s->keep);
}
const tdagi_mil_emitter tdagi_mil_emitter_vector_norm = {.emit = emit_vector_norm};

/* ---- variances ---- */

/* What the sum of squares is divided by: max(n - correction, 0), n of the axes. */
static tdagi_mil degrees(tdagi_mil_writer *w, tdagi_mil x, const tdagi_var_spec *s)
{
    tdag_dim n = 1;
    for (uint32_t i = 0; i < s->axes.n; i++)
        n = tdagi_dim_mul(w->now.r->pool, n, x->type.shape[s->axes.v[i]]);
    if (n >= 0)
        return tdagi_mil_scalar(w, x->type.dtype, fmax((double)n - s->correction, 0));
    return tdagi_mil_op(w, NULL, "maximum(x=sub(x=%v, y=%f), y=0.0)",
                        tdagi_mil_cast(w, tdagi_mil_dim(w, n), x->type.dtype),
                        s->correction);
}

/* In fp32 also with --f16, where squares soon pass what that holds. */
static tdagi_mil variance(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdagi_var_spec *s = k->spec;
    tdagi_mil x = tdagi_mil_cast(w, tdagi_mil_in(w, k, 0), TDAG_F64);
    if (x == NULL) return NULL;
    tdagi_type kept = x->type, type;
    for (uint32_t i = 0; i < s->axes.n; i++)
        kept.shape[s->axes.v[i]] = 1;
    tdagi_mil_type_of(k, &type);
    type.dtype = TDAG_F64;
    tdagi_mil y = tdagi_mil_op(
        w, &x->type, "square(x=sub(x=%v, y=%v))", x,
        tdagi_mil_op(w, &kept, "reduce_mean(x=%v, axes=%l, keep_dims=true)", x,
                     &s->axes));
    if (s->correction == 0)
        return tdagi_mil_op(w, &type, "reduce_mean(x=%v, axes=%l, keep_dims=%b)", y,
                            &s->axes, (int)s->keep);
    y = tdagi_mil_op(w, &kept, "reduce_sum(x=%v, axes=%l, keep_dims=true)", y,
                     &s->axes);
    y = tdagi_mil_op(w, &kept, "real_div(x=%v, y=%v)", y, degrees(w, x, s));
    return tdagi_mil_reshape(w, y, type.rank, type.shape);
}

static void emit_var(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    if (((const tdagi_var_spec *)k->spec)->axes.n == 0)
        tdagi_mil_by_parts(w, k);
    else
        tdagi_mil_set(w, k, tdagi_mil_cast(w, variance(w, k), TDAG_F32));
}
const tdagi_mil_emitter tdagi_mil_emitter_var = {.emit = emit_var};

static void emit_std(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    if (((const tdagi_var_spec *)k->spec)->axes.n == 0) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    tdagi_mil v = tdagi_mil_op(w, NULL, "sqrt(x=%v)", variance(w, k));
    tdagi_mil_set(w, k, tdagi_mil_cast(w, v, TDAG_F32));
}
const tdagi_mil_emitter tdagi_mil_emitter_std = {.emit = emit_std};
