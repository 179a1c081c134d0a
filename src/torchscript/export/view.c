/* Views in TorchScript: chains of group, ungroup, squeeze and unsqueeze become one
 * reshape, and a reduction or select whose axis the next squeeze removes becomes one
 * call without keepdim. A size as data is a number. tdagi_export_plan_views() marks the
 * kernels that their only user thus takes along; they are not emitted by themselves. */
#include "torchscript/export/export.h"

bool tdagi_export_is_reshape(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CORE && tdagi_op_row_of(k->op)->def->same_order;
}

/* A row at one position that data tells, in a program, where the position is a number
 * by nature: a loop's counter. */
static bool is_row(const tdagi_exporter *e, const tdagi_kernel *x)
{
    if (x->composite != TDAGI_INDEX_SELECT || tdag_model_get_graph(e->model) != NULL)
        return false;
    const tdagi_kernel *index = tdagi_export_input(e, x, 1);
    return index->rank == 0 || (index->rank == 1 && index->shape[0] == 1);
}

/* True if `squeeze` removes just the axes that its input made 1. */
static bool completes(const tdagi_exporter *e, const tdagi_kernel *squeeze,
                      const tdagi_kernel *x)
{
    const tdag_axes_spec *removed = squeeze->spec;
    if (is_row(e, x)) {
        const tdagi_axis_spec *s = x->spec;
        return removed->axes.n == 1 && removed->axes.v[0] == s->axis;
    }
    if (tdagi_export_is_core(x, TDAG_OP_SELECT)) {
        const tdag_select_spec *s = x->spec;
        return removed->axes.n == 1 && removed->axes.v[0] == s->axis;
    }
    if (!tdagi_export_is_core(x, TDAG_OP_REDUCE)) return false;
    const tdag_reduce_spec *s = x->spec;
    if (s->axes.n == 0 || s->axes.n != removed->axes.n) return false;
    for (uint32_t i = 0; i < s->axes.n; i++)
        if (s->axes.v[i] != removed->axes.v[i]) return false;
    return true;
}

/* A size as data is written as a number; what it is counted by is not, where nothing
 * else reads it. A quotient is one of two such numbers. */
static bool plan_size(tdagi_exporter *e, const tdagi_kernel *k)
{
    tdagi_size size;
    if (!k->is_size || !tdagi_is_size(e->g, k->value.id, &size) || size.is_ratio)
        return false;
    for (uint32_t i = 1; i < size.n_nodes; i++) {
        uint32_t part = e->r->kernel_of[size.nodes[i]];
        if (e->uses[part] != 1) break;
        e->deferred[part] = 1;
    }
    return true;
}

/* x becomes a part of its user, and the shape of a row's position a part of the row. */
static void take_along(tdagi_exporter *e, const tdagi_kernel *x)
{
    e->deferred[tdagi_export_index(e, x)] = 1;
    if (x->composite != TDAGI_INDEX_SELECT) return;
    uint32_t index = x->inputs[1];
    if (e->uses[index] == 1 && tdagi_export_is_reshape(tdagi_export_kernel(e, index)))
        e->deferred[index] = 1;
}

static bool is_conv(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CONV || k->composite == TDAGI_CONV_TRANSPOSE;
}

/* Whether `batched` is x as a batch of one. */
static bool is_batch_of(const tdagi_kernel *batched, const tdagi_kernel *x)
{
    if (batched->rank != x->rank + 1u || batched->shape[0] != 1) return false;
    for (uint32_t i = 0; i < x->rank; i++)
        if (batched->shape[i + 1] != x->shape[i]) return false;
    return true;
}

/* A convolution of a batch of one, made for it and undone behind it, is written without
 * it: PyTorch takes either. */
static void plan_batch(tdagi_exporter *e, uint32_t conv)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, conv);
    if (e->is_functional || !is_conv(k) || e->uses[conv] != 1 || e->user[conv] == 0)
        return;
    uint32_t before = k->inputs[0], behind = e->user[conv];
    const tdagi_kernel *x = tdagi_export_kernel(e, before),
                       *y = tdagi_export_kernel(e, behind);
    if (e->uses[before] != 1 || e->deferred[behind] || !tdagi_export_is_reshape(x) ||
        !tdagi_export_is_reshape(y) || !is_batch_of(k, y))
        return;
    const tdagi_kernel *whole = tdagi_export_input(e, x, 0);
    if (!is_batch_of(x, whole) || tdagi_export_is_reshape(whole)) return;
    e->deferred[before] = e->deferred[behind] = TDAGI_AS_INPUT;
}

/* If i is one half of an axis and nothing else, that only one kernel reads: of what. */
static uint32_t half_of(const tdagi_exporter *e, uint32_t i, bool is_second,
                        int64_t *axis)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    if (!tdagi_export_is_core(k, TDAG_OP_SLICE) || e->uses[i] != 1) return 0;
    const tdagi_kernel *x = tdagi_export_input(e, k, 0);
    const tdag_slice_spec *s = k->spec;
    uint32_t n = 0;
    for (uint32_t a = 0; a < k->rank; a++) {
        if (k->shape[a] == x->shape[a]) continue;
        if (n++ > 0 || k->shape[a] < 0 || x->shape[a] != 2 * k->shape[a] ||
            s->start.v[a] != (is_second ? k->shape[a] : 0))
            return 0;
        *axis = a;
    }
    return n == 1 ? k->inputs[0] : 0;
}

uint32_t tdagi_export_glu(const tdagi_exporter *e, const tdagi_kernel *k, int64_t *axis,
                          uint32_t *gate_out)
{
    for (uint32_t j = 0; j < 2 && !e->is_functional; j++) {
        uint32_t gate = k->inputs[1 - j];
        const tdagi_kernel *g = tdagi_export_kernel(e, gate);
        int64_t other = 0;
        if (g->composite != TDAGI_SIGMOID || e->uses[gate] != 1) continue;
        uint32_t x = half_of(e, k->inputs[j], false, axis);
        if (x == 0 || half_of(e, g->inputs[0], true, &other) != x || other != *axis)
            continue;
        *gate_out = gate;
        return x;
    }
    return 0;
}

/* The gate, and what it is made of, are parts of a gated linear unit. */
static void plan_glu(tdagi_exporter *e, const tdagi_kernel *k)
{
    int64_t axis;
    uint32_t gate;
    if (!tdagi_export_is_core(k, TDAG_OP_MULTIPLY) ||
        tdagi_export_glu(e, k, &axis, &gate) == 0)
        return;
    e->deferred[k->inputs[0]] = e->deferred[k->inputs[1]] = 1;
    e->deferred[tdagi_export_kernel(e, gate)->inputs[0]] = 1;
}

/* One number, of which expand makes any shape by itself. */
static bool is_number(const tdagi_exporter *e, const tdagi_kernel *x)
{
    while (tdagi_export_is_reshape(x))
        x = tdagi_export_input(e, x, 0);
    return x->rank == 0;
}

void tdagi_export_plan_views(tdagi_exporter *e)
{
    for (uint32_t i = e->r->n; i >= 1; i--) {
        const tdagi_kernel *x = tdagi_export_kernel(e, i);
        uint32_t user = e->user[i];
        if (e->deferred[i] || plan_size(e, x)) continue;
        plan_glu(e, x);
        if (e->uses[i] != 1 || user == 0) continue;
        const tdagi_kernel *k = tdagi_export_kernel(e, user);
        plan_batch(e, i);
        if (tdagi_export_is_reshape(x) &&
            (tdagi_export_is_reshape(k) ||
             (tdagi_export_is_core(k, TDAG_OP_REPEAT) && is_number(e, x))))
            e->deferred[i] = 1;
        else if (tdagi_export_is_core(k, TDAG_OP_SQUEEZE) && !e->deferred[user] &&
                 completes(e, k, x))
            take_along(e, x);
    }
}

static bool same_shape(const tdagi_kernel *a, const tdagi_kernel *b)
{
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

/* If k joins just one run of adjacent axes of x, the run's ends. */
static bool is_flatten(const tdagi_kernel *x, const tdagi_kernel *k, int64_t *first,
                       int64_t *last)
{
    if (k->rank >= x->rank || k->rank == 0) return false;
    uint32_t start = 0, tail = 0, joined = x->rank - k->rank;
    while (start < k->rank && x->shape[start] == k->shape[start])
        start++;
    if (start == k->rank) return false;
    while (tail < k->rank - start - 1 &&
           x->shape[x->rank - 1 - tail] == k->shape[k->rank - 1 - tail])
        tail++;
    *first = start;
    *last = start + joined;
    return start + 1 + tail == k->rank;
}

/* The axis that k removes (or, the two swapped, inserts) where nothing else changes. */
static bool is_squeeze(const tdagi_kernel *x, const tdagi_kernel *k, int64_t *axis)
{
    if (k->rank + 1 != x->rank) return false;
    uint32_t i = 0;
    while (i < k->rank && x->shape[i] == k->shape[i])
        i++;
    if (x->shape[i] != 1) return false;
    *axis = i;
    for (; i < k->rank; i++)
        if (x->shape[i + 1] != k->shape[i]) return false;
    return true;
}

uint32_t tdagi_export_base(const tdagi_exporter *e, uint32_t value)
{
    while (e->deferred[value] == 1 &&
           tdagi_export_is_reshape(tdagi_export_kernel(e, value)))
        value = tdagi_export_kernel(e, value)->inputs[0];
    return value;
}

static void emit_completed(tdagi_exporter *e, const tdagi_kernel *k,
                           const tdagi_kernel *x)
{
    tdagi_export_value(e, x->inputs[0]);
    if (tdagi_export_is_core(x, TDAG_OP_REDUCE)) {
        tdagi_export_reduce(e, k, false, x);
        return;
    }
    if (tdagi_export_is_core(x, TDAG_OP_SELECT)) {
        const tdag_select_spec *s = x->spec;
        tdagi_export_emit(e, k, "torch.select(%v, %i, %d)", x->inputs[0], s->axis,
                          s->index);
        return;
    }
    const tdagi_axis_spec *s = x->spec;
    uint32_t index = tdagi_export_base(e, x->inputs[1]);
    tdagi_export_value(e, index);
    tdagi_export_emit(e, k, "torch.select(%v, %i, int(%v))", x->inputs[0], s->axis,
                      index);
}

void tdagi_export_reshape(tdagi_exporter *e, const tdagi_kernel *k)
{
    uint32_t base = tdagi_export_base(e, k->inputs[0]);
    const tdagi_kernel *x = tdagi_export_kernel(e, base);
    if (e->deferred[base] == 1) {
        emit_completed(e, k, x);
        return;
    }
    const char *value = tdagi_export_value(e, base);
    int64_t first, last;
    if (same_shape(x, k)) {
        e->var[tdagi_export_index(e, k)] = value;
    } else if (is_squeeze(x, k, &first)) {
        tdagi_export_emit(e, k, "torch.squeeze(%v, %i)", base, first);
    } else if (is_squeeze(k, x, &first)) {
        tdagi_export_emit(e, k, "torch.unsqueeze(%v, %i)", base, first);
    } else if (is_flatten(x, k, &first, &last)) {
        tdagi_export_emit(e, k, "torch.flatten(%v, %i, %i)", base, first, last);
    } else {
        tdagi_export_begin(e, k);
        tdagi_export_piece(e, k, "torch.reshape(%v, ", base);
        tdagi_export_shape(e, k->rank, k->shape);
        tdagi_export_piece(e, k, ")");
        tdagi_export_end(e);
    }
}

/* By a function that takes one axis; of all axes at once where it can. */
static void reduce_each(tdagi_exporter *e, const tdagi_kernel *k, bool keep,
                        const tdagi_kernel *reduce, const char *name)
{
    const tdag_reduce_spec *s = reduce->spec;
    bool typed = reduce->dtype != TDAG_BOOL;
    if (s->axes.n == tdagi_export_kernel(e, reduce->inputs[0])->rank && !keep) {
        tdagi_export_emit(e, k, typed ? "torch.%s(%v, dtype=%t)" : "torch.%s(%v)", name,
                          reduce->inputs[0], (int)reduce->dtype);
        return;
    }
    tdagi_export_begin(e, k);
    for (uint32_t i = 0; i < s->axes.n; i++)
        tdagi_export_piece(e, k, "torch.%s(", name);
    tdagi_export_piece(e, k, "%v", reduce->inputs[0]);
    for (uint32_t i = s->axes.n; i-- > 0;) /* from the last axis: earlier ones stay */
        tdagi_export_piece(e, k, typed ? ", %i, %b, dtype=%t)" : ", %i, %b)",
                           s->axes.v[i], (int64_t)keep, (int)reduce->dtype);
    tdagi_export_end(e);
}

void tdagi_export_reduce(tdagi_exporter *e, const tdagi_kernel *k, bool keep,
                         const tdagi_kernel *reduce)
{
    const tdag_reduce_spec *s = reduce->spec;
    uint32_t x = reduce->inputs[0];
    int64_t keepdim = keep;
    bool is_float = tdag_dtype_is_float((tdag_dtype)reduce->dtype);
    if (s->axes.n == 0) { /* the identity; PyTorch would reduce all axes */
        tdagi_export_emit(e, k, "%v", x);
    } else if (s->kind == TDAG_REDUCE_PRODUCT) {
        reduce_each(e, k, keep, reduce, "prod");
    } else if (reduce->dtype == TDAG_BOOL && s->kind == TDAG_REDUCE_MAX) {
        reduce_each(e, k, keep, reduce, "any"); /* amax refuses what is empty */
    } else if (reduce->dtype == TDAG_BOOL && s->kind == TDAG_REDUCE_MIN) {
        reduce_each(e, k, keep, reduce, "all");
    } else if (s->kind == TDAG_REDUCE_SUM && !is_float) {
        tdagi_export_emit(e, k, "torch.sum(%v, %l, %b, dtype=%t)", x, &s->axes, keepdim,
                          (int)reduce->dtype);
    } else {
        static const char *const names[] = {[TDAG_REDUCE_SUM] = "sum",
                                            [TDAG_REDUCE_MIN] = "amin",
                                            [TDAG_REDUCE_MAX] = "amax",
                                            [TDAG_REDUCE_MEAN] = "mean"};
        tdagi_export_emit(e, k, "torch.%s(%v, %l, %b)", names[s->kind], x, &s->axes,
                          keepdim);
    }
}
