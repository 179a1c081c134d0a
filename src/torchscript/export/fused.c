/* Calls that compute what several kernels ask for: torch.max, torch.min and torch.sort
 * give values and positions at once, torch.std is the root of a variance, torch.frac
 * what trunc leaves, and torch.index takes positions that count from the end. */
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

/* ---- one result ---- */

static void plan_std(tdagi_exporter *e, uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (!tdagi_export_is_core(k, TDAG_OP_SQRT) || e->uses[k->inputs[0]] != 1) return;
    if (tdagi_export_kernel(e, k->inputs[0])->composite == TDAGI_VAR)
        e->deferred[k->inputs[0]] = 1;
}

/* x - trunc(x); PyTorch 1.13 has no trunc of halves. */
static void plan_frac(tdagi_exporter *e, uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (k->composite != TDAGI_SUB || e->uses[k->inputs[1]] != 1) return;
    const tdagi_kernel *whole = tdagi_export_kernel(e, k->inputs[1]);
    if (whole->composite == TDAGI_TRUNC && whole->inputs[0] == k->inputs[0] &&
        tdag_dtype_is_float((tdag_dtype)k->dtype))
        e->deferred[k->inputs[1]] = 1;
}

static bool is_number(const tdagi_exporter *e, uint32_t i, int64_t want)
{
    double value;
    return tdagi_export_scalar(e, i, &value) && value == (double)want;
}

/* The position p of where(p < 0, p + n, p), which only the kernel k reads; 0: other. */
static uint32_t wrapped_position(const tdagi_exporter *e, uint32_t i, int64_t n)
{
    const tdagi_kernel *where = tdagi_export_kernel(e, i);
    if (!tdagi_export_is_core(where, TDAG_OP_WHERE) || where->dtype != TDAG_I64 ||
        n < 0)
        return 0;
    const tdagi_kernel *less = tdagi_export_kernel(e, where->inputs[0]),
                       *add = tdagi_export_kernel(e, where->inputs[1]);
    uint32_t p = where->inputs[2];
    if (!tdagi_export_is_core(less, TDAG_OP_LESS) ||
        !tdagi_export_is_core(add, TDAG_OP_ADD))
        return 0;
    uint32_t moved = add->inputs[0] == p ? add->inputs[1] : add->inputs[0];
    bool other = add->inputs[0] != p && add->inputs[1] != p;
    if (other || less->inputs[0] != p || !is_number(e, less->inputs[1], 0) ||
        !is_number(e, moved, n))
        return 0;
    bool shared = e->uses[i] != 1 || e->uses[where->inputs[0]] != 1 ||
                  e->uses[where->inputs[1]] != 1;
    return shared ? 0 : p;
}

/* Where k reads by such positions: the axis, or -1. */
static int64_t indexed_axis(const tdagi_kernel *k)
{
    if (k->composite == TDAGI_EMBEDDING) return 0;
    if (k->composite != TDAGI_INDEX_SELECT) return -1;
    const tdagi_axis_spec *s = k->spec;
    return s->axis;
}

static void plan_index(tdagi_exporter *e, uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    int64_t axis = indexed_axis(k);
    if (axis < 0) return;
    const tdagi_kernel *x = tdagi_export_kernel(e, k->inputs[0]);
    uint32_t p = wrapped_position(e, k->inputs[1], x->shape[axis]);
    /* index_select keeps the axis of a single position; torch.index does not */
    if (p == 0 || k->rank + 1u != x->rank + tdagi_export_kernel(e, p)->rank) return;
    const tdagi_kernel *where = tdagi_export_kernel(e, k->inputs[1]);
    e->deferred[k->inputs[1]] = 1;
    e->deferred[where->inputs[0]] = 1;
    e->deferred[where->inputs[1]] = 1;
}

static void emit_index(tdagi_exporter *e, const tdagi_kernel *k)
{
    int64_t axis = indexed_axis(k);
    uint32_t p = tdagi_export_kernel(e, k->inputs[1])->inputs[2];
    tdagi_export_value(e, p);
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.index($0, [");
    for (int64_t i = 0; i < axis; i++)
        tdagi_export_piece(e, k, "None, ");
    tdagi_export_piece(e, k, "%v])", p);
    tdagi_export_end(e);
}

/* ---- all ---- */

void tdagi_export_plan_fused(tdagi_exporter *e)
{
    uint32_t *last = e->partner + e->r->n + 1;
    for (uint32_t i = 1; i <= e->r->n; i++) {
        plan_extreme(e, i, last);
        plan_sort(e, i);
        plan_std(e, i);
        plan_frac(e, i);
        plan_index(e, i);
    }
}

bool tdagi_export_fused(tdagi_exporter *e, uint32_t i)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (e->partner[i] != 0)
        emit_pair(e, i);
    else if (tdagi_export_is_core(k, TDAG_OP_SQRT) && e->deferred[k->inputs[0]])
        tdagi_export_var(e, k, "std", tdagi_export_kernel(e, k->inputs[0]));
    else if (k->composite == TDAGI_SUB && e->deferred[k->inputs[1]])
        tdagi_export_emit(e, k, "torch.frac($0)");
    else if (indexed_axis(k) >= 0 && e->deferred[k->inputs[1]])
        emit_index(e, k);
    else
        return false;
    return true;
}
