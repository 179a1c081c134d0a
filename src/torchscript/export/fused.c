/* Calls that compute what several kernels ask for: torch.max, torch.min and torch.sort
 * give values and positions at once. */
#include "torchscript/export/export.h"

/* ---- values and positions ---- */

/* The extremes of x along one axis, or where they are. */
typedef struct extreme {
    uint32_t x;
    int64_t axis, keep;
    bool is_min, is_position;
} extreme;

static bool is_extreme(const tdagi_exporter *e, uint32_t i, extreme *out)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (e->deferred[i]) return false;
    if (k->composite == TDAGI_ARGMAX || k->composite == TDAGI_ARGMIN) {
        const tdagi_axis_keep_spec *s = k->spec;
        *out = (extreme){k->inputs[0], s->axis, s->keep, k->composite == TDAGI_ARGMIN,
                         true};
    } else {
        bool squeezed =
            tdagi_export_is_core(k, TDAG_OP_SQUEEZE) && e->deferred[k->inputs[0]];
        if (squeezed) k = tdagi_export_kernel(e, k->inputs[0]);
        const tdag_reduce_spec *s = k->spec;
        if (!tdagi_export_is_core(k, TDAG_OP_REDUCE) || s->axes.n != 1 ||
            (s->kind != TDAG_REDUCE_MAX && s->kind != TDAG_REDUCE_MIN))
            return false;
        *out = (extreme){k->inputs[0], s->axes.v[0], !squeezed,
                         s->kind == TDAG_REDUCE_MIN, false};
    }
    return tdagi_export_kernel(e, out->x)->dtype != TDAG_BOOL;
}

static void pair(tdagi_exporter *e, uint32_t i, uint32_t j)
{
    e->partner[i] = j;
    e->partner[j] = i;
}

/* last[x]: the last extreme of x that is still alone. */
static void plan_extreme(tdagi_exporter *e, uint32_t i, uint32_t *last)
{
    extreme here, there;
    if (!is_extreme(e, i, &here)) return;
    uint32_t other = last[here.x];
    if (other != 0 && is_extreme(e, other, &there) && there.axis == here.axis &&
        there.keep == here.keep && there.is_min == here.is_min &&
        there.is_position != here.is_position) {
        pair(e, other, i);
        last[here.x] = 0;
    } else {
        last[here.x] = i;
    }
}

/* What is read in the order of its own sort. */
static void plan_sort(tdagi_exporter *e, uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (k->composite != TDAGI_TAKE_ALONG) return;
    const tdagi_kernel *order = tdagi_export_kernel(e, k->inputs[1]);
    if (!tdagi_export_is_core(order, TDAG_OP_ARGSORT) ||
        order->inputs[0] != k->inputs[0])
        return;
    const tdagi_axis_spec *s = k->spec;
    const tdag_argsort_spec *t = order->spec;
    const tdagi_kernel *x = tdagi_export_kernel(e, k->inputs[0]);
    if (s->axis != t->axis || k->rank != x->rank || e->partner[k->inputs[1]] != 0)
        return;
    pair(e, k->inputs[1], i);
}

/* Both at the first one's place. */
static void emit_pair(tdagi_exporter *e, uint32_t i)
{
    uint32_t other = e->partner[i];
    if (e->var[i] != NULL) return;
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    extreme m;
    if (tdagi_export_is_core(k, TDAG_OP_ARGSORT)) {
        const tdag_argsort_spec *s = k->spec;
        tdagi_export_value(e, k->inputs[0]);
        tdagi_export_begin_pair(e, other, i);
        tdagi_export_piece(e, k, "torch.sort($0, stable=True, dim=%i, descending=%b)",
                           s->axis, s->descending);
    } else if (is_extreme(e, i, &m)) {
        tdagi_export_value(e, m.x);
        tdagi_export_begin_pair(e, m.is_position ? other : i,
                                m.is_position ? i : other);
        tdagi_export_piece(e, k, "torch.%s(%v, %i, %b)", m.is_min ? "min" : "max", m.x,
                           m.axis, m.keep);
    }
    tdagi_export_end(e);
}

/* ---- all ---- */

void tdagi_export_plan_fused(tdagi_exporter *e)
{
    uint32_t *last = e->partner + e->r->n + 1;
    for (uint32_t i = 1; i <= e->r->n; i++) {
        plan_extreme(e, i, last);
        plan_sort(e, i);
    }
}

bool tdagi_export_fused(tdagi_exporter *e, uint32_t i)
{
    if (e->partner[i] == 0) return false;
    emit_pair(e, i);
    return true;
}
