/* Views in TorchScript: chains of group, ungroup, squeeze and unsqueeze become one
 * reshape, and a reduction or select whose axis the next squeeze removes becomes one
 * call without keepdim. Two reshapes and what swaps axes between them may be a shuffle
 * of pixels. A size as data is a number. tdagi_export_plan_views() marks the
 * kernels that their only user thus takes along; they are not emitted by themselves. */
#include "base/tensor.h"
#include "torchscript/export/export.h"

bool tdagi_export_is_reshape(const tdagi_kernel *k)
{
    return k->composite == TDAGI_CORE && tdagi_op_row_of(k->op)->def->same_order;
}

/* A row at one position that data tells, in a program, where the position is a number
 * by nature: a loop's counter. A constant may lie beyond the sample of a size that a
 * run finds, which a number must not. */
static bool is_row(const tdagi_exporter *e, const tdagi_kernel *x)
{
    if (x->composite != TDAGI_INDEX_SELECT || tdag_model_get_graph(e->model) != NULL)
        return false;
    const tdagi_kernel *index = tdagi_export_input(e, x, 1), *at = index;
    while (tdagi_export_is_reshape(at))
        at = tdagi_export_input(e, at, 0);
    bool is_constant = tdagi_export_is_core(at, TDAG_OP_CONSTANT);
    return !is_constant &&
           (index->rank == 0 || (index->rank == 1 && index->shape[0] == 1));
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

/* ---- pixels from channels, and back ---- */

typedef struct shuffle {
    uint32_t x; /* [.., C*r*r, H, W]; [.., C, H*r, W*r] where it is undone; 0: none */
    int64_t r;
    bool is_up;
} shuffle;

/* Whether only the last four axes change places, and those as `order` says. */
static bool swaps(const tdagi_kernel *permute, const uint32_t order[4])
{
    const tdag_permute_spec *s = permute->spec;
    for (uint32_t i = 0; i < s->order.n; i++) {
        uint32_t lead = s->order.n - 4;
        if (s->order.v[i] != (int64_t)(i < lead ? i : lead + order[i - lead]))
            return false;
    }
    return true;
}

/* What `permute` shuffles. The axes before its last four are in the order of x's. */
static shuffle shuffle_of(const tdagi_exporter *e, const tdagi_kernel *permute)
{
    static const uint32_t up[4] = {2, 0, 3, 1}, down[4] = {1, 3, 0, 2};
    shuffle out = {0};
    if (e->is_functional || !tdagi_export_is_core(permute, TDAG_OP_PERMUTE) ||
        permute->rank < 4)
        return out;
    out.is_up = swaps(permute, up);
    if (!out.is_up && !swaps(permute, down)) return out;
    uint32_t i = permute->inputs[0];
    const tdagi_kernel *parts = tdagi_export_kernel(e, i), *x = parts;
    while (tdagi_export_is_reshape(x) && e->uses[i] == 1) {
        i = x->inputs[0];
        x = tdagi_export_kernel(e, i);
    }
    const tdag_dim *p = parts->shape + (parts->rank - 4);
    out.r = out.is_up ? p[0] : p[1];
    if (x == parts || x->rank < 3 || out.r < 2 || out.r > INT16_MAX ||
        p[out.is_up ? 1 : 3] != out.r)
        return out;
    const tdag_dim *s = x->shape + (x->rank - 3);
    bool fits = out.is_up ? s[0] > 0 && s[0] % (out.r * out.r) == 0 && s[1] == p[2] &&
                                s[2] == p[3]
                          : s[1] == tdagi_dim_mul(e->r->pool, p[0], out.r) &&
                                s[2] == tdagi_dim_mul(e->r->pool, p[2], out.r);
    bool may_complete = tdagi_export_is_core(x, TDAG_OP_SELECT) ||
                        tdagi_export_is_core(x, TDAG_OP_REDUCE) || is_row(e, x);
    out.x = fits && !may_complete ? i : 0;
    return out;
}

/* Whether the call gives what k, a reshape of it, is. */
static bool has_shape(const tdagi_exporter *e, const shuffle *s, const tdagi_kernel *k)
{
    const tdagi_kernel *x = tdagi_export_kernel(e, s->x);
    if (k->rank != x->rank) return false;
    const tdagi_kernel *large = s->is_up ? k : x, *small = s->is_up ? x : k;
    for (uint32_t i = 0; i < k->rank; i++) {
        bool is_channel = i + 3 == k->rank, is_pixel = i + 3 > k->rank;
        const tdag_dim a = is_pixel ? small->shape[i] : large->shape[i],
                       b = is_pixel ? large->shape[i] : small->shape[i];
        int64_t times = is_channel ? s->r * s->r : is_pixel ? s->r : 1;
        if (tdagi_dim_mul(e->r->pool, a, times) != b) return false;
    }
    return true;
}

static void emit_shuffle(tdagi_exporter *e, const tdagi_kernel *k, const shuffle *s)
{
    bool is_whole = has_shape(e, s, k);
    tdagi_export_value(e, s->x);
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k,
                       is_whole ? "torch.pixel_%s(%v, %i)"
                                : "torch.reshape(torch.pixel_%s(%v, %i), ",
                       s->is_up ? "shuffle" : "unshuffle", s->x, s->r);
    if (!is_whole) {
        tdagi_export_shape(e, k->rank, k->shape);
        tdagi_export_piece(e, k, ")");
    }
    tdagi_export_end(e);
}

bool tdagi_export_is_mask(const tdagi_exporter *e, uint32_t i, const tdagi_kernel *user)
{
    const tdagi_kernel *x = tdagi_export_kernel(e, i);
    if (e->is_functional || !tdagi_export_is_core(user, TDAG_OP_MULTIPLY) ||
        !tdagi_export_is_core(x, TDAG_OP_CONVERT) ||
        tdagi_export_input(e, x, 0)->dtype != TDAG_BOOL || x->rank == 0 ||
        user->inputs[0] == user->inputs[1])
        return false;
    const uint32_t other = user->inputs[user->inputs[0] == i];
    return tdagi_export_kernel(e, other)->rank > 0 && !e->deferred[other];
}

/* Halves of complex numbers that nothing else reads. */
static void plan_complex(tdagi_exporter *e, const tdagi_kernel *k)
{
    for (uint32_t i = 0; i + (i % 2 == 0) < k->n_inputs; i++) {
        if (k->composite == TDAGI_CORE || tdagi_export_pairs(e, k, i & 6) == 0)
            continue;
        uint32_t half = k->inputs[i];
        if (e->uses[half] != 1 ||
            tdagi_export_is_core(tdagi_export_kernel(e, half), TDAG_OP_NEG))
            continue;
        e->deferred[half] = 1;
        e->deferred[tdagi_export_kernel(e, half)->inputs[0]] |=
            e->uses[tdagi_export_kernel(e, half)->inputs[0]] == 1;
    }
}

/* A batch's own mean and variance, where nothing else reads them. */
static void plan_stats(tdagi_exporter *e, const tdagi_kernel *k)
{
    if (!tdagi_export_is_batch_stats(e, k)) return;
    uint32_t mean = k->inputs[1], reduce = tdagi_export_kernel(e, mean)->inputs[0];
    e->deferred[k->inputs[2]] = e->uses[k->inputs[2]] == 1;
    e->deferred[mean] = e->uses[mean] == 1;
    e->deferred[reduce] = e->uses[mean] == 1 && e->uses[reduce] == 1;
}

/* One number, of which expand makes any shape by itself. */
static bool is_number(const tdagi_exporter *e, const tdagi_kernel *x)
{
    while (tdagi_export_is_reshape(x))
        x = tdagi_export_input(e, x, 0);
    return x->rank == 0;
}

static bool same_shape(const tdagi_kernel *a, const tdagi_kernel *b)
{
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

void tdagi_export_plan_views(tdagi_exporter *e)
{
    for (uint32_t i = e->r->n; i >= 1; i--) {
        const tdagi_kernel *x = tdagi_export_kernel(e, i);
        uint32_t user = e->user[i];
        if (e->deferred[i] || plan_size(e, x)) continue;
        plan_glu(e, x);
        plan_complex(e, x);
        plan_stats(e, x);
        tdagi_export_plan_rows(e, x);
        if (e->uses[i] != 1 || user == 0) continue;
        const tdagi_kernel *k = tdagi_export_kernel(e, user);
        /* a reshape that does nothing takes nothing along */
        bool is_view =
            tdagi_export_is_reshape(k) && (e->deferred[user] || !same_shape(x, k));
        if (tdagi_export_is_reshape(x) &&
            (is_view || (tdagi_export_is_core(k, TDAG_OP_REPEAT) &&
                         (e->deferred[user] || is_number(e, x)))))
            e->deferred[i] = 1;
        else if (tdagi_export_is_split_tile(e, x, k) || tdagi_export_is_mask(e, i, k))
            e->deferred[i] = 1;
        else if (tdagi_export_is_reshape(k) && shuffle_of(e, x).x != 0)
            e->deferred[i] = e->deferred[x->inputs[0]] = 1;
        else if (tdagi_export_is_core(k, TDAG_OP_SQUEEZE) && !e->deferred[user] &&
                 completes(e, k, x))
            take_along(e, x);
    }
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

/* Whether only axes of size 1 come or go, and all sizes are numbers: any tensor has
 * such a view, and it costs less than squeeze() and unsqueeze(), whose code few calls
 * have in common. */
static bool is_plain_view(const tdagi_kernel *x, const tdagi_kernel *k)
{
    return tdagi_same_sizes(x->rank, x->shape, k->rank, k->shape);
}

/* Whether both have as many elements, at all sizes. Of a program's graphs only a run
 * tells that: what are two symbols here may be one size. */
static bool has_same_count(const tdagi_exporter *e, const tdagi_kernel *x,
                           const tdagi_kernel *k)
{
    return e->graphs != NULL || tdagi_dim_product(e->r->pool, x->rank, x->shape) ==
                                    tdagi_dim_product(e->r->pool, k->rank, k->shape);
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
    const shuffle s = shuffle_of(e, x);
    if (e->deferred[base] == 1) {
        if (s.x != 0)
            emit_shuffle(e, k, &s);
        else if (x->composite == TDAGI_TILE)
            tdagi_export_split_tile(e, k, x);
        else
            emit_completed(e, k, x);
        return;
    }
    const char *value = tdagi_export_value(e, base);
    int64_t first, last;
    bool is_view = !e->is_functional && is_plain_view(x, k);
    if (same_shape(x, k)) {
        e->var[tdagi_export_index(e, k)] = value;
    } else if (!is_view && is_squeeze(x, k, &first)) {
        tdagi_export_emit(e, k, "torch.squeeze(%v, %i)", base, first);
    } else if (!is_view && is_squeeze(k, x, &first)) {
        tdagi_export_emit(e, k, "torch.unsqueeze(%v, %i)", base, first);
    } else if (!is_view && is_flatten(x, k, &first, &last)) {
        tdagi_export_emit(e, k, "torch.flatten(%v, %i, %i)", base, first, last);
    } else {
        tdagi_export_begin(e, k);
        tdagi_export_piece(e, k, is_view ? "torch.view(%v, " : "torch.reshape(%v, ",
                           base);
        if (has_same_count(e, x, k))
            tdagi_export_shape(e, k->rank, k->shape);
        else /* so at some sizes: the run compares them */
            tdagi_export_dims(e, k->rank, k->shape);
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
