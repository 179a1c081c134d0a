/* Joining, moving and indexing composites as aten calls. Inputs and specs are those of
 * derive.h. */
#include "torchscript/export/export.h"

const tdagi_emitter tdagi_emitter_embedding = {.format = "torch.embedding($0, $1)"};

static void emit_join(tdagi_exporter *e, const tdagi_kernel *k, const char *name)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.%s([", name);
    for (uint32_t i = 0; i < k->n_inputs; i++)
        tdagi_export_piece(e, k, i > 0 ? ", %v" : "%v", k->inputs[i]);
    tdagi_export_piece(e, k, "], %i)", s->axis);
    tdagi_export_end(e);
}

static void emit_concat(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_join(e, k, "cat");
}
const tdagi_emitter tdagi_emitter_concat = {.emit = emit_concat,
                                            .is_fresh = tdagi_export_owns};

static void emit_stack(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_join(e, k, "stack");
}
const tdagi_emitter tdagi_emitter_stack = {.emit = emit_stack};

static void emit_roll(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_roll_spec *s = k->spec;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.roll($0, [");
    for (uint32_t i = 0; i < s->shifts.n; i++) /* plain integers of any sign */
        tdagi_export_piece(e, k, i > 0 ? ", %i" : "%i", s->shifts.v[i]);
    tdagi_export_piece(e, k, "], %l)", &s->axes);
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_roll = {.emit = emit_roll};

static void emit_flip(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axes_list_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.flip($0, %l)", &s->axes);
}
const tdagi_emitter tdagi_emitter_flip = {.emit = emit_flip};

/* By a copy of what is expanded: PyTorch 1.13 gathers elements at computed positions,
 * which takes up to twice as long. */
static void emit_repeat_interleave(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_repeat_interleave_spec *s = k->spec;
    if (k->rank == TDAG_MAX_RANK) {
        tdagi_export_emit(e, k, "torch.repeat_interleave($0, %d, %i)", s->count,
                          s->axis);
        return;
    }
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.flatten(torch.expand(torch.unsqueeze($0, %i), [",
                       s->axis + 1);
    for (int64_t i = 0; i <= s->axis; i++)
        tdagi_export_piece(e, k, "-1, ");
    tdagi_export_piece(e, k, "%d", s->count);
    for (int64_t i = s->axis + 1; i < k->rank; i++)
        tdagi_export_piece(e, k, ", -1");
    tdagi_export_piece(e, k, "]), %i, %i)", s->axis, s->axis + 1);
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_repeat_interleave = {.emit = emit_repeat_interleave};

static void emit_tile(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_tile_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.repeat($0, %l)", &s->counts);
}
const tdagi_emitter tdagi_emitter_tile = {.emit = emit_tile};

static void emit_upsample(tdagi_exporter *e, const tdagi_kernel *k)
{
    static const char *const names[] = {
        [TDAGI_UPSAMPLE_NEAREST] = "upsample_nearest%id",
        [TDAGI_UPSAMPLE_NEAREST_EXACT] = "_upsample_nearest_exact%id",
        [TDAGI_UPSAMPLE_CUBIC] = "upsample_bicubic%id"};
    static const char *const linear[] = {"upsample_linear%id", "upsample_bilinear%id",
                                         "upsample_trilinear%id"};
    const tdagi_upsample_spec *s = k->spec;
    uint32_t n = s->output.n;
    bool aligns = s->mode == TDAGI_UPSAMPLE_LINEAR || s->mode == TDAGI_UPSAMPLE_CUBIC;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.");
    tdagi_export_piece(
        e, k, s->mode == TDAGI_UPSAMPLE_LINEAR ? linear[n - 1] : names[s->mode],
        (int64_t)n);
    tdagi_export_piece(e, k, "($0, %l", &s->output);
    if (aligns) tdagi_export_piece(e, k, ", %b", s->align_corners);
    for (uint32_t i = 0; i < n; i++)
        if (s->scales[i] != 0)
            tdagi_export_piece(e, k, ", %f", s->scales[i]);
        else
            tdagi_export_piece(e, k, ", None");
    tdagi_export_piece(e, k, ")");
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_upsample = {.emit = emit_upsample};

/* The scales are what the sizes say, what they say of corners, or the caller's. */
static void emit_upsample_aa(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_upsample_aa_spec *s = k->spec;
    const tdag_dim *from = tdagi_export_input(e, k, 0)->shape + 2;
    const int64_t out[2] = {s->height, s->width};
    const double scales[2] = {s->scale_h, s->scale_w};
    bool plain = true, align = true;
    for (uint32_t i = 0; i < 2; i++) {
        const double in = (double)from[i], n = (double)out[i];
        plain = plain && scales[i] == in / n;
        align = align && scales[i] == (n > 1 ? (in - 1) / (n - 1) : 0);
    }
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch._upsample_%s2d_aa($0, [%i, %i], %b",
                       s->cubic ? "bicubic" : "bilinear", out[0], out[1],
                       (int64_t)(align && !plain));
    if (!plain && !align)
        tdagi_export_piece(e, k, ", %f, %f", 1 / scales[0], 1 / scales[1]);
    tdagi_export_piece(e, k, ")");
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_upsample_aa = {.emit = emit_upsample_aa};

static void emit_embedding_bag(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_bag_spec *s = k->spec;
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.embedding_bag($0, $1, $2, False, %i, False, $3, %b",
                       s->mode, s->has_end);
    if (s->padding >= 0)
        tdagi_export_piece(e, k, ", %i)[0]", s->padding);
    else
        tdagi_export_piece(e, k, ")[0]");
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_embedding_bag = {.emit = emit_embedding_bag};

static void emit_index_select(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.index_select($0, %i, $1)", s->axis);
}
const tdagi_emitter tdagi_emitter_index_select = {.emit = emit_index_select};

static void emit_index(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_value(e, k->inputs[1]);
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.index($0, [");
    for (int64_t i = 0; i < s->axis; i++)
        tdagi_export_piece(e, k, "None, ");
    tdagi_export_piece(e, k, "$1])");
    tdagi_export_end(e);
}
const tdagi_emitter tdagi_emitter_index = {.emit = emit_index};

static void emit_take_along(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_axis_spec *s = k->spec;
    tdagi_export_emit(e, k,
                      tdagi_export_input(e, k, 1)->dtype == TDAG_I64
                          ? "torch.gather($0, %i, $1)"
                          : "torch.gather($0, %i, torch.to($1, 4))",
                      s->axis);
}
const tdagi_emitter tdagi_emitter_take_along = {.emit = emit_take_along};

static void emit_position(tdagi_exporter *e, const tdagi_kernel *k, const char *name)
{
    const tdagi_axis_keep_spec *s = k->spec;
    bool is_bool =
        tdagi_export_input(e, k, 0)->dtype == TDAG_BOOL; /* which PyTorch refuses */
    tdagi_export_emit(
        e, k, is_bool ? "torch.%s(torch.to($0, 0), %i, %b)" : "torch.%s($0, %i, %b)",
        name, s->axis, s->keep);
}

static void emit_argmax(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_position(e, k, "argmax");
}
const tdagi_emitter tdagi_emitter_argmax = {.emit = emit_argmax};

static void emit_argmin(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_position(e, k, "argmin");
}
const tdagi_emitter tdagi_emitter_argmin = {.emit = emit_argmin};

static void emit_extremes(tdagi_exporter *e, const tdagi_kernel *k, const char *name)
{
    const tdagi_axis_keep_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.%s($0, %i, %b)", name, s->axis, s->keep);
}

static void emit_max_with_index(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_extremes(e, k, "max");
}
const tdagi_emitter tdagi_emitter_max_with_index = {.emit = emit_max_with_index};

static void emit_min_with_index(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_extremes(e, k, "min");
}
const tdagi_emitter tdagi_emitter_min_with_index = {.emit = emit_min_with_index};

static void emit_sort(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_argsort_spec *s = k->spec;
    tdagi_export_emit(e, k,
                      s->order == TDAG_ORDER_STABLE
                          ? "torch.sort($0, stable=True, dim=%i, descending=%b)"
                          : "torch.sort($0, %i, %b)",
                      s->axis, s->descending);
}
const tdagi_emitter tdagi_emitter_sort = {.emit = emit_sort};

/* `part`: what is taken of both results. */
static void emit_topk_part(tdagi_exporter *e, const tdagi_kernel *k, const char *part)
{
    const tdagi_topk_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.topk($0, %d, %i, %b, %b)%s", s->k, s->axis,
                      s->descending, (int64_t)(s->order != TDAG_ORDER_SET), part);
}

static void emit_topk(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_topk_part(e, k, "");
}
const tdagi_emitter tdagi_emitter_topk = {.emit = emit_topk};

static void emit_topk_positions(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_topk_part(e, k, "[1]");
}
const tdagi_emitter tdagi_emitter_topk_positions = {.emit = emit_topk_positions};

static void emit_kth_part(tdagi_exporter *e, const tdagi_kernel *k, const char *part)
{
    const tdagi_kth_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.kthvalue($0, %d, %i, %b)%s",
                      tdagi_dim_add(e->r->pool, s->index, 1), s->axis, s->keep, part);
}

static void emit_kthvalue(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_kth_part(e, k, "");
}
const tdagi_emitter tdagi_emitter_kthvalue = {.emit = emit_kthvalue};

static void emit_kth_position(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_kth_part(e, k, "[1]");
}
const tdagi_emitter tdagi_emitter_kth_position = {.emit = emit_kth_position};

/* Called like the composite, along an axis; "_position" is the second result. */
static void emit_along(tdagi_exporter *e, const tdagi_kernel *k, bool has_keep)
{
    const char *whole = tdagi_composite_row_of((tdagi_composite)k->composite)->name;
    const size_t n = strcspn(whole, "_");
    const tdagi_axis_keep_spec *s = k->spec;
    char name[16] = "";
    memcpy(name, whole, n);
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.%s($0, %i", name, s->axis);
    if (has_keep) tdagi_export_piece(e, k, ", %b", s->keep);
    tdagi_export_piece(e, k, whole[n] == '\0' ? ")" : ")[1]");
    tdagi_export_end(e);
}

static void emit_order(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_along(e, k, true);
}
const tdagi_emitter tdagi_emitter_order = {.emit = emit_order};

static void emit_running(tdagi_exporter *e, const tdagi_kernel *k)
{
    emit_along(e, k, false);
}
const tdagi_emitter tdagi_emitter_running = {.emit = emit_running};

static void emit_searchsorted(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_search_spec *s = k->spec;
    bool is_bool = tdagi_export_input(e, k, 0)->dtype == TDAG_BOOL;
    tdagi_export_emit(e, k,
                      is_bool ? "torch.searchsorted(torch.to($0, 0), torch.to($1, 0), "
                                "right=%b)"
                              : "torch.searchsorted($0, $1, right=%b)",
                      s->right);
}
const tdagi_emitter tdagi_emitter_searchsorted = {.emit = emit_searchsorted};

static void emit_solve_triangular(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_triangular_spec *s = k->spec;
    tdagi_export_emit(
        e, k, "torch.linalg_solve_triangular($0, $1, upper=%b, unitriangular=%b)",
        s->upper, s->unit);
}
const tdagi_emitter tdagi_emitter_solve_triangular = {.emit = emit_solve_triangular};

/* Raises where there is no factor: the form that does not leaves numbers there. */
const tdagi_emitter tdagi_emitter_cholesky = {.format = "torch.linalg_cholesky($0)"};

/* The forms that raise no error: of a singular matrix they have infinities or NaN. */
static void emit_solve(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_export_emit(e, k,
                      k->n_inputs < 2 ? "torch.linalg_inv_ex($0)[0]"
                                      : "torch.linalg_solve_ex($0, $1)[0]");
}
const tdagi_emitter tdagi_emitter_solve = {.emit = emit_solve};

static void emit_det(tdagi_exporter *e, const tdagi_kernel *k)
{
    static const char *const formats[] = {
        [TDAGI_DET_VALUE] = "torch.linalg_det($0)",
        [TDAGI_LOGABSDET] = "torch.linalg_slogdet($0)[1]",
        [TDAGI_LOGDET] = "torch.logdet($0)",
    };
    tdagi_export_emit(e, k, formats[((const tdagi_det_spec *)k->spec)->kind]);
}
const tdagi_emitter tdagi_emitter_det = {.emit = emit_det};

/* Under the composite's own name. */
static void emit_diagonal(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_diagonal_spec *s = k->spec;
    tdagi_export_emit(e, k, "torch.%s($0, %i)",
                      tdagi_composite_row_of((tdagi_composite)k->composite)->name,
                      s->diagonal);
}
const tdagi_emitter tdagi_emitter_diagonal = {.emit = emit_diagonal};
