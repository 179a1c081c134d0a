/* Positions of the greatest, the least and the first few, alone and with the values. Of
 * equal elements Core ML promises none in particular: see docs/coreml.md. */
#include "coreml/write/mil.h"

static void emit_arg(tdagi_mil_writer *w, const tdagi_kernel *k, const char *format)
{
    const tdagi_axis_keep_spec *s = k->spec;
    tdagi_mil_emit(w, k, format, tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0)), s->axis,
                   (int)s->keep);
}

static const char *const argmax = "reduce_argmax(x=%v, axis=%i, keep_dims=%b)",
                         *const argmin = "reduce_argmin(x=%v, axis=%i, keep_dims=%b)";

static void emit_argmax(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    emit_arg(w, k, argmax);
}
const tdagi_mil_emitter tdagi_mil_emitter_argmax = {.emit = emit_argmax};

static void emit_argmin(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    emit_arg(w, k, argmin);
}
const tdagi_mil_emitter tdagi_mil_emitter_argmin = {.emit = emit_argmin};

static void emit_extreme(tdagi_mil_writer *w, const tdagi_kernel *k, const char *value,
                         const char *position)
{
    const tdagi_axis_keep_spec *s = k->spec;
    const tdag_list axes = {1, &s->axis};
    tdagi_mil x = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0));
    tdagi_type type;
    tdagi_mil_type_of(k, &type);
    type.dtype = TDAG_I64;
    tdagi_mil_emit_numbers(w, k, value, x, &axes, (int)s->keep);
    w->now.kernel = tdagi_mil_kernel(w, w->now.at + 1);
    tdagi_mil_set_second(w, k,
                         tdagi_mil_op(w, &type, position, x, s->axis, (int)s->keep));
    w->now.kernel = k;
}

static void emit_max_with_index(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    emit_extreme(w, k, "reduce_max(x=%v, axes=%l, keep_dims=%b)", argmax);
}
const tdagi_mil_emitter tdagi_mil_emitter_max_with_index = {.emit =
                                                                emit_max_with_index};

static void emit_min_with_index(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    emit_extreme(w, k, "reduce_min(x=%v, axes=%l, keep_dims=%b)", argmin);
}
const tdagi_mil_emitter tdagi_mil_emitter_min_with_index = {.emit =
                                                                emit_min_with_index};

/* ---- the first few ---- */

/* Values, and the positions as a second result of the same operation. */
static tdagi_mil first_few(tdagi_mil_writer *w, const tdagi_kernel *k,
                           const tdagi_kernel *positions, tdagi_mil *values)
{
    const tdagi_topk_spec *s = k->spec;
    tdagi_type type;
    tdagi_mil x = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 0));
    if (x == NULL) return NULL;
    tdagi_mil_type_of(k, &type);
    type.dtype = x->type.dtype;
    *values = tdagi_mil_op(
        w, &type,
        w->target >= 17 ? "topk(x=%v, k=%i, axis=%i, ascending=%b, sort=%b, "
                          "return_indices=true, output_indices_dtype=\"int32\")"
        : w->target == 16
            ? "topk(x=%v, k=%i, axis=%i, ascending=%b, sort=%b, return_indices=true)"
            : "topk(x=%v, k=%i, axis=%i, ascending=%b)",
        x, (int64_t)s->k, s->axis, !s->descending, s->order != TDAG_ORDER_SET);
    if (*values == NULL) return NULL;
    type.dtype = TDAG_I64;
    w->now.kernel = positions;
    tdagi_mil_value *at = tdagi_mil_new(w, tdagi_mil_like(w, "topk", true), &type);
    w->now.kernel = k;
    if (at != NULL) tdagi_mil_give(w, w->ops.v[w->ops.n - 1], at);
    return at;
}

static void emit_topk(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil values;
    if (((const tdagi_topk_spec *)k->spec)->k < 0) {
        tdagi_mil_by_parts(w, k);
        return;
    }
    tdagi_mil at = first_few(w, k, tdagi_mil_kernel(w, w->now.at + 1), &values);
    if (at == NULL) return;
    tdagi_mil_set(w, k, tdagi_mil_cast(w, values, (tdag_dtype)k->dtype));
    tdagi_mil_set_second(w, k, at);
}
const tdagi_mil_emitter tdagi_mil_emitter_topk = {.emit = emit_topk};

static void emit_topk_positions(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    tdagi_mil values;
    if (((const tdagi_topk_spec *)k->spec)->k < 0)
        tdagi_mil_by_parts(w, k);
    else
        tdagi_mil_set(w, k, first_few(w, k, k, &values));
}
const tdagi_mil_emitter tdagi_mil_emitter_topk_positions = {.emit =
                                                                emit_topk_positions};
