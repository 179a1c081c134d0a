/* Reductions and normalisations as aten calls. Inputs and specs are those of derive.h.
 */
#include "torchscript/export/export.h"

static void emit_softmax(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.softmax($0, %i)", s->axis);
}
const tdagi_emitter tdagi_emitter_softmax = {.emit = emit_softmax};

static void emit_log_softmax(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.log_softmax($0, %i)", s->axis);
}
const tdagi_emitter tdagi_emitter_log_softmax = {.emit = emit_log_softmax};

static void emit_logsumexp(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axes_keep_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.logsumexp($0, %l, %b)", &s->axes, s->keep);
}
const tdagi_emitter tdagi_emitter_logsumexp = {.emit = emit_logsumexp};

static void emit_spread(tdagi_exporter *e, const tdagi_kernel *k, const char *name)
{
    const tdagi_var_spec *s = k->spec;
    if (s->correction == 0 || s->correction == 1)
        tdagi_export_emit(e, k, "torch.%s($0, %l, %b, %b)", name, &s->axes,
                          (int64_t)(s->correction == 1), s->keep);
    else
        tdagi_export_emit(e, k, "torch.%s($0, %l, correction=%i, keepdim=%b)", name,
                          &s->axes, (int64_t)s->correction, s->keep);
}

static void emit_var(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_spread(e, k, "var");
}
const tdagi_emitter tdagi_emitter_var = {.emit = emit_var};

static void emit_std(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_spread(e, k, "std");
}
const tdagi_emitter tdagi_emitter_std = {.emit = emit_std};

static void emit_vector_norm(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_norm_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.linalg_vector_norm($0, %f, %l, %b)", s->p, &s->axes,
                      s->keep);
}
const tdagi_emitter tdagi_emitter_vector_norm = {.emit = emit_vector_norm};

/* By differences, as it is lowered, not by a product of matrices. */
static void emit_cdist(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.cdist($0, $1, %f, 2)", s->value);
}
const tdagi_emitter tdagi_emitter_cdist = {.emit = emit_cdist};

static void emit_pdist(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.pdist($0, %f)", s->value);
}
const tdagi_emitter tdagi_emitter_pdist = {.emit = emit_pdist};

static void emit_nansum(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axes_keep_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.nansum($0, %l, %b)", &s->axes, s->keep);
}
const tdagi_emitter tdagi_emitter_nansum = {.emit = emit_nansum};

static void emit_layer_norm(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_layer_norm_spec *s = k->spec;
    const tdag_list shape = {(uint32_t)s->n_axes, k->shape + k->rank - s->n_axes};
    tdagi_export_emit(e, k, "torch.layer_norm($0, %l, $1, $2, %f)", &shape, s->eps);
}
const tdagi_emitter tdagi_emitter_layer_norm = {.emit = emit_layer_norm,
                                                .is_fresh = tdagi_export_owns};

static void emit_group_norm(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_group_norm_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.group_norm($0, %i, $1, $2, %f)", s->groups, s->eps);
}
const tdagi_emitter tdagi_emitter_group_norm = {.emit = emit_group_norm,
                                                .is_fresh = tdagi_export_owns};

/* Whether the axes are all of x's but the channels'. */
static bool is_all_but_channels(const tdagi_kernel *x, const tdag_list *axes)
{
    for (uint32_t i = 0; i < axes->n; i++)
        if (axes->v[i] != (i == 0 ? 0 : (int64_t)i + 1)) return false;
    return axes->n + 1 == x->rank;
}

bool tdagi_export_is_batch_stats(const tdagi_exporter *e, const tdagi_kernel *k)
{
    if (e->is_functional || k->composite != TDAGI_BATCH_NORM) return false;
    const tdagi_kernel *x = tdagi_export_input(e, k, 0);
    const tdagi_kernel *mean = tdagi_export_input(e, k, 1);
    const tdagi_kernel *var = tdagi_export_input(e, k, 2);
    const tdagi_var_spec *spread = var->spec;
    if (var->composite != TDAGI_VAR || var->inputs[0] != k->inputs[0] ||
        spread->correction != 0 || spread->keep ||
        !is_all_but_channels(x, &spread->axes) ||
        !tdagi_export_is_core(mean, TDAG_OP_SQUEEZE))
        return false;
    const tdagi_kernel *reduce = tdagi_export_input(e, mean, 0);
    const tdag_reduce_spec *s = reduce->spec;
    return mean->rank == 1 && tdagi_export_is_core(reduce, TDAG_OP_REDUCE) &&
           reduce->inputs[0] == k->inputs[0] && s->kind == TDAG_REDUCE_MEAN &&
           is_all_but_channels(x, &s->axes);
}

static void emit_batch_norm(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_eps_spec *s = k->spec;
    const char *format =
        tdagi_export_is_batch_stats(e, k)
            ? "torch.batch_norm($0, $3, $4, None, None, True, 0.1, %f, True)"
            : "torch.batch_norm($0, $3, $4, $1, $2, False, 0.1, %f, True)";
    tdagi_export_emit(e, k, format, s->eps);
}
const tdagi_emitter tdagi_emitter_batch_norm = {.emit = emit_batch_norm,
                                                .is_fresh = tdagi_export_owns};

static void emit_instance_norm(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_eps_spec *s = k->spec;
    tdagi_export_emit(
        e, k, "torch.instance_norm($0, $1, $2, None, None, True, 0.1, %f, True)",
        s->eps);
}
const tdagi_emitter tdagi_emitter_instance_norm = {.emit = emit_instance_norm};

/* No kernel of PyTorch's: x / max(norm, eps), as torch.nn.functional writes it. */
static void emit_normalize(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_norm_spec *s = k->spec;
    const tdag_list shape = {k->rank, k->shape};
    tdagi_export_emit(e, k,
                      "torch.div($0, torch.expand(torch.clamp_min("
                      "torch.linalg_vector_norm($0, %f, %l, True), %f), %l))",
                      s->p, &s->axes, s->eps, &shape);
}
const tdagi_emitter tdagi_emitter_normalize = {.emit = emit_normalize};

/* The same of older operators; halves in f32, as a square is beyond them soon. */
static void emit_rms_norm_parts(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_layer_norm_spec *s = k->spec;
    tdagi_export_begin(e, k);
    bool weighted = k->n_inputs > 1 && k->inputs[1] != 0;
    bool half = k->dtype == TDAG_F16 || k->dtype == TDAG_BF16;
    if (half) tdagi_export_piece(e, k, "torch.to(");
    if (weighted) tdagi_export_piece(e, k, "torch.mul(");
    if (half)
        tdagi_export_piece(e, k,
                           "torch.mul(torch.to($0, %t), torch.rsqrt(torch.add("
                           "torch.mean(torch.pow(torch.to($0, %t), 2), [",
                           TDAG_F32, TDAG_F32);
    else
        tdagi_export_piece(e, k,
                           "torch.mul($0, torch.rsqrt(torch.add(torch.mean("
                           "torch.pow($0, 2), [");
    for (int64_t i = 0; i < s->n_axes; i++)
        tdagi_export_piece(e, k, i > 0 ? ", %i" : "%i", i - s->n_axes);
    tdagi_export_piece(e, k, "], True), %f)))", s->eps);
    if (weighted) tdagi_export_piece(e, k, ", $1)");
    if (half) tdagi_export_piece(e, k, ", %t)", (int)k->dtype);
    tdagi_export_end(e);
}

static void emit_rms_norm(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_layer_norm_spec *s = k->spec;
    const tdag_list shape = {(uint32_t)s->n_axes, k->shape + k->rank - s->n_axes};
    bool has_call = e->api == NULL || e->api->op_n_overloads("aten::rms_norm") > 0;
    if (has_call && !e->is_portable) /* 1.13 has no call for it */
        tdagi_export_emit(e, k, "torch.rms_norm($0, %l, $1, %f)", &shape, s->eps);
    else
        emit_rms_norm_parts(e, k);
}
const tdagi_emitter tdagi_emitter_rms_norm = {.emit = emit_rms_norm};

static void emit_cosine_similarity(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_cosine_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.cosine_similarity($0, $1, %i, %f)", s->axis, s->eps);
}
const tdagi_emitter tdagi_emitter_cosine_similarity = {.emit = emit_cosine_similarity};
