/* Element-wise composites as aten calls. Inputs and specs are those of derive.h. */
#include "torchscript/export/export.h"

const tdagi_emitter tdagi_emitter_rsqrt = {.format = "torch.rsqrt($0)"};
const tdagi_emitter tdagi_emitter_trunc = {.format = "torch.trunc($0)"};
const tdagi_emitter tdagi_emitter_frac = {.format = "torch.frac($0)"};
const tdagi_emitter tdagi_emitter_ceil = {.format = "torch.ceil($0)"};
const tdagi_emitter tdagi_emitter_abs = {.format = "torch.abs($0)"};
const tdagi_emitter tdagi_emitter_logical_not = {.format = "torch.logical_not($0)"};
const tdagi_emitter tdagi_emitter_log1p = {.format = "torch.log1p($0)"};
const tdagi_emitter tdagi_emitter_expm1 = {.format = "torch.expm1($0)"};
const tdagi_emitter tdagi_emitter_erf = {.format = "torch.erf($0)"};
const tdagi_emitter tdagi_emitter_erfinv = {.format = "torch.erfinv($0)"};
const tdagi_emitter tdagi_emitter_lgamma = {.format = "torch.lgamma($0)"};
const tdagi_emitter tdagi_emitter_digamma = {.format = "torch.digamma($0)"};
const tdagi_emitter tdagi_emitter_igamma = {.format = "torch.igamma($0, $1)"};
const tdagi_emitter tdagi_emitter_igammac = {.format = "torch.igammac($0, $1)"};

static const char *name_of(const tdagi_kernel *k)
{
    return tdagi_composite_row_of((tdagi_composite)k->composite)->name;
}

/* Under the composite's own name. */
static void emit_special(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_emit(
        e, k, k->n_inputs == 1 ? "torch.special_%s($0)" : "torch.special_%s($0, $1)",
        name_of(k));
}
const tdagi_emitter tdagi_emitter_special = {.emit = emit_special};

/* Under the composite's own name; a number may stand on the right. */
static void emit_named(tdagi_exporter *e, const tdagi_kernel *k)
{
    bool number = tdagi_export_is_scalar(e, k, 1) && !tdagi_export_is_scalar(e, k, 0) &&
                  (k->composite == TDAGI_FMOD || k->composite == TDAGI_XLOGY ||
                   k->composite == TDAGI_COPYSIGN);
    uint32_t pairs = tdagi_export_pairs(e, k, 0);
    if (pairs != 0) {
        tdagi_export_value(e, pairs);
        tdagi_export_emit(
            e, k, "torch.abs(torch.view_as_complex(torch.contiguous(%v)))", pairs);
        return;
    }
    tdagi_export_emit(e, k, number ? "torch.%s($0, #1)" : "torch.%s($0, $1)",
                      name_of(k));
}
const tdagi_emitter tdagi_emitter_named = {.emit = emit_named};

static void emit_shrink(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.%s($0, %f)", name_of(k), s->value);
}
const tdagi_emitter tdagi_emitter_shrink = {.emit = emit_shrink};

/* Without a reduction. */
static void emit_close_loss(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.%s_loss($0, $1, 0, %f)", name_of(k), s->value);
}
const tdagi_emitter tdagi_emitter_close_loss = {.emit = emit_close_loss};

static void emit_threshold(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_threshold_spec *s = k->spec;
    const bool is_float = tdag_dtype_is_float((tdag_dtype)k->dtype);
    if (is_float)
        tdagi_export_emit(e, k, "torch.threshold($0, %f, %f)", s->threshold, s->value);
    else
        tdagi_export_emit(e, k, "torch.threshold($0, %i, %i)", (int64_t)s->threshold,
                          (int64_t)s->value);
}
const tdagi_emitter tdagi_emitter_threshold = {.emit = emit_threshold};

static void emit_nan_to_num(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_nan_to_num_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.nan_to_num($0, %f, %f, %f)", s->nan, s->posinf,
                      s->neginf);
}
const tdagi_emitter tdagi_emitter_nan_to_num = {.emit = emit_nan_to_num};

static void emit_polygamma(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_order_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.polygamma(%i, $0)", s->order);
}
const tdagi_emitter tdagi_emitter_polygamma = {.emit = emit_polygamma};

const tdagi_emitter tdagi_emitter_relu = {.format = "torch.relu$_($0)"};
const tdagi_emitter tdagi_emitter_sigmoid = {.format = "torch.sigmoid$_($0)"};
const tdagi_emitter tdagi_emitter_log_sigmoid = {.format = "torch.log_sigmoid($0)"};
const tdagi_emitter tdagi_emitter_silu = {.format = "torch.silu$_($0)"};
const tdagi_emitter tdagi_emitter_mish = {.format = "torch.mish$_($0)"};
const tdagi_emitter tdagi_emitter_hardsigmoid = {.format = "torch.hardsigmoid$_($0)"};
const tdagi_emitter tdagi_emitter_hardswish = {.format = "torch.hardswish$_($0)"};
const tdagi_emitter tdagi_emitter_maximum = {.format = "torch.maximum($0, $1)"};
const tdagi_emitter tdagi_emitter_minimum = {.format = "torch.minimum($0, $1)"};
/* The weight has one element, or one per channel (axis 1). */
static void emit_prelu(tdagi_exporter *e, const tdagi_kernel *k)
{
    bool is_row = tdagi_export_input(e, k, 1)->rank == 1;
    tdagi_export_emit(
        e, k, is_row ? "torch.prelu($0, $1)" : "torch.prelu($0, torch.flatten($1))");
}
const tdagi_emitter tdagi_emitter_prelu = {.emit = emit_prelu};

static void emit_sub(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_emit(e, k,
                      tdagi_export_choose(e, k, "torch.rsub($1, #0)",
                                          "torch.sub$_($0, #1)",
                                          "torch.sub$_($0, $1)"));
}
const tdagi_emitter tdagi_emitter_sub = {.emit = emit_sub,
                                         .is_fresh = tdagi_export_owns};

static void emit_div(tdagi_exporter *e, const tdagi_kernel *k)
{
    const char *plain = "torch.div($0, $1)";
    tdagi_export_emit(e, k,
                      tdagi_export_choose(e, k, plain, "torch.div($0, #1)", plain));
}
const tdagi_emitter tdagi_emitter_div = {.emit = emit_div};

static void emit_pow(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_emit(e, k,
                      tdagi_export_choose(e, k, "torch.pow(#0, $1)",
                                          "torch.pow($0, #1)", "torch.pow($0, $1)"));
}
const tdagi_emitter tdagi_emitter_pow = {.emit = emit_pow};

static void emit_pow_int(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_pow_int_spec *s = k->spec;
    if (k->dtype == TDAG_BOOL) /* whose powers are i64 in PyTorch */
        tdagi_export_emit(e, k, "torch.logical_and($0, $0)");
    else
        tdagi_export_emit(e, k, "torch.pow($0, %i)", s->exponent);
}
const tdagi_emitter tdagi_emitter_pow_int = {.emit = emit_pow_int};

static void emit_remainder(tdagi_exporter *e, const tdagi_kernel *k)
{
    bool right = tdagi_export_is_scalar(e, k, 1) && !tdagi_export_is_scalar(e, k, 0);
    int64_t bits = tdagi_export_power_of_two(e, k);
    if (bits > 0) {
        tdagi_export_emit(e, k, "torch.bitwise_and($0, %i)", (INT64_C(1) << bits) - 1);
        return;
    }
    tdagi_export_emit(e, k,
                      right ? "torch.remainder($0, #1)" : "torch.remainder($0, $1)");
}
const tdagi_emitter tdagi_emitter_remainder = {.emit = emit_remainder};

static void emit_round(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_round_spec *s = k->spec;
    if (s->decimals == 0)
        tdagi_export_emit(e, k, "torch.round($0)");
    else
        tdagi_export_emit(e, k, "torch.round($0, decimals=%i)", s->decimals);
}
const tdagi_emitter tdagi_emitter_round = {.emit = emit_round};

static void emit_clamp(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_clamp_spec *s = k->spec;
    bool is_float = tdag_dtype_is_float((tdag_dtype)k->dtype);
    tdagi_export_begin(e, k);
    if (is_float && s->has_min && s->has_max) /* hardtanh calls it */
        tdagi_export_piece(e, k, "torch.clamp$_($0, %f, %f)", s->min, s->max);
    else if (is_float && s->has_min)
        tdagi_export_piece(e, k, "torch.clamp_min$_($0, %f)", s->min);
    else if (is_float)
        tdagi_export_piece(e, k, "torch.clamp_max$_($0, %f)", s->max);
    else {
        tdagi_export_piece(e, k, "torch.clamp($0");
        if (s->has_min) tdagi_export_piece(e, k, ", min=%i", (int64_t)s->min);
        if (s->has_max) tdagi_export_piece(e, k, ", max=%i", (int64_t)s->max);
        tdagi_export_piece(e, k, ")");
    }
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_clamp = {.emit = emit_clamp};

/* Comparisons: a number may stand on the right; on the left the operands swap. */
static void emit_comparison(tdagi_exporter *e, const tdagi_kernel *k, const char *name,
                            const char *swapped)
{
    tdagi_export_emit(e, k,
                      tdagi_export_choose(e, k, "torch.%s($1, #0)", "torch.%s($0, #1)",
                                          "torch.%s($0, $1)"),
                      tdagi_export_choose(e, k, swapped, name, name));
}

static void emit_not_equal(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_comparison(e, k, "ne", "ne");
}
const tdagi_emitter tdagi_emitter_not_equal = {.emit = emit_not_equal};

static void emit_less_equal(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_comparison(e, k, "le", "ge");
}
const tdagi_emitter tdagi_emitter_less_equal = {.emit = emit_less_equal};

static void emit_leaky_relu(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.leaky_relu$_($0, %f)", s->value);
}
const tdagi_emitter tdagi_emitter_leaky_relu = {.emit = emit_leaky_relu};

static void emit_elu(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_elu_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.elu$_($0, %f, %f, %f)", s->alpha, s->scale,
                      s->input_scale);
}
const tdagi_emitter tdagi_emitter_elu = {.emit = emit_elu};

static void emit_gelu(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_gelu_spec *s = k->spec;
    tdagi_export_emit(
        e, k, s->tanh ? "torch.gelu($0, approximate=\"tanh\")" : "torch.gelu($0)");
}
const tdagi_emitter tdagi_emitter_gelu = {.emit = emit_gelu};

static void emit_softplus(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_softplus_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.softplus($0, %f, %f)", s->beta, s->threshold);
}
const tdagi_emitter tdagi_emitter_softplus = {.emit = emit_softplus};

static void emit_masked_fill(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_scalar_spec *s = k->spec;
    if (tdag_dtype_is_float((tdag_dtype)k->dtype))
        tdagi_export_emit(e, k, "torch.masked_fill($0, $1, %f)", s->value);
    else
        tdagi_export_emit(e, k, "torch.masked_fill($0, $1, %i)", (int64_t)s->value);
}
const tdagi_emitter tdagi_emitter_masked_fill = {.emit = emit_masked_fill};
