/* Tensors of more than five axes, which Core ML does not have. Such a value is held by
 * a tensor of fewer axes with the same elements in the same order; an op on it is done
 * with those axes as one that move together, if five are left. */
#include <string.h>

#include "coreml/write/mil.h"

/* Axes of the op's frame (its first input's) in runs: axis i belongs to run of[i]. */
typedef struct merging {
    uint32_t rank, n;
    bool alone[TDAG_MAX_RANK];  /* the op treats that axis */
    bool joins[TDAG_MAX_RANK];  /* to the axis before it */
    uint32_t of[TDAG_MAX_RANK]; /* the run of an axis */
} merging;

static void number_runs(merging *m)
{
    m->n = 0;
    for (uint32_t i = 0; i < m->rank; i++) {
        const bool joins = i > 0 && m->joins[i] && !m->alone[i] && !m->alone[i - 1];
        if (!joins) m->n++;
        m->of[i] = m->n - 1;
    }
}

/* A shape by runs; axes that are missing in front are 1. */
static uint32_t merge_shape(const tdagi_mil_writer *w, const merging *m, uint32_t rank,
                            const tdag_dim *shape, tdag_dim *out)
{
    if (rank == 0) return 0;
    for (uint32_t i = 0; i < m->n; i++)
        out[i] = 1;
    for (uint32_t i = 0; i < rank; i++) {
        tdag_dim *d = &out[m->of[m->rank - rank + i]];
        *d = tdagi_dim_mul(w->now.r->pool, *d, shape[i]);
    }
    return m->n;
}

/* ---- which axes go together ---- */

/* An operand that has both axes, or is broadcast along both. */
static void join_broadcast(merging *m, const tdagi_kernel *k, const tdagi_kernel *x)
{
    bool was_full = true, is_known = false;
    for (uint32_t i = 0; i < m->rank; i++) {
        const uint32_t missing = m->rank - x->rank;
        const bool is_full = i >= missing && x->shape[i - missing] == k->shape[i];
        if (k->shape[i] == 1) continue; /* either */
        if (is_known && is_full != was_full) m->joins[i] = false;
        was_full = is_full;
        is_known = true;
    }
}

static void join_all(tdagi_mil_writer *w, merging *m, const tdagi_kernel *k,
                     bool broadcasts)
{
    m->rank = k->rank;
    for (uint32_t i = 0; i < m->rank; i++)
        m->joins[i] = true;
    for (uint32_t i = 0; i < k->n_inputs && broadcasts; i++)
        if (k->inputs[i] != 0) join_broadcast(m, k, tdagi_mil_kernel(w, k->inputs[i]));
}

enum { OTHER, ELEMENTWISE, CONTRACTION = 0, REDUCTION = 0, GATHER = 0, BAG = 0 };
static const bool is_elementwise[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    [TDAGI_##ID] = kind == ELEMENTWISE,
#include "derive/composites.def"
};

static bool treats_elements(const tdagi_kernel *k)
{
    if (k->composite == TDAGI_CORE)
        return tdagi_op_class_of(k->op) == TDAGI_CLASS_ELEMENTWISE;
    return is_elementwise[k->composite] && k->composite != TDAGI_BATCH_NORM &&
           k->composite != TDAGI_TRIU && k->composite != TDAGI_TRIL &&
           k->composite != TDAGI_PRELU;
}

static bool is_by_axis(const tdagi_kernel *k)
{
    return k->composite == TDAGI_SOFTMAX || k->composite == TDAGI_LOG_SOFTMAX ||
           k->composite == TDAGI_CONCAT || tdagi_mil_is_core(k, TDAG_OP_SCAN) ||
           tdagi_mil_is_core(k, TDAG_OP_ARGSORT) ||
           tdagi_mil_is_core(k, TDAG_OP_SELECT);
}

/* The lists of a spec by axis that say nothing of an axis: 0 and the dim, 0 and 0, ...
 */
static void mark_lists(merging *m, const tdag_list *a, const tdag_list *b, int64_t idle,
                       const tdag_dim *idle_b)
{
    for (uint32_t i = 0; i < m->rank; i++)
        m->alone[i] = a->v[i] != idle || (b != NULL && b->v[i] != idle_b[i]);
}

static bool mark_movement(tdagi_mil_writer *w, merging *m, const tdagi_kernel *k)
{
    static const tdag_dim zeroes[TDAG_MAX_RANK] = {0};
    static const tdag_dim ones[TDAG_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    const tdag_dim *shape = tdagi_mil_kernel(w, k->inputs[0])->shape;
    const tdag_slice_spec *slice = k->spec;
    const tdag_pad_spec *pad = k->spec;
    const tdag_window_spec *window = k->spec;
    const tdag_repeat_spec *repeat = k->spec;
    if (tdagi_mil_is_core(k, TDAG_OP_SLICE))
        mark_lists(m, &slice->start, &slice->end, 0, shape);
    else if (tdagi_mil_is_core(k, TDAG_OP_PAD))
        mark_lists(m, &pad->before, &pad->after, 0, zeroes);
    else if (tdagi_mil_is_core(k, TDAG_OP_UNFOLD) || tdagi_mil_is_core(k, TDAG_OP_FOLD))
        mark_lists(m, &window->kernel, &window->stride, 1, ones);
    else if (tdagi_mil_is_core(k, TDAG_OP_REPEAT))
        mark_lists(m, &repeat->counts, NULL, 1, NULL);
    else
        return false;
    return true;
}

/* An axis of 1 goes with any. */
static void mark_reduced(merging *m, const tdagi_kernel *k, const tdag_dim *shape)
{
    const tdag_reduce_spec *s = k->spec;
    bool reduced[TDAG_MAX_RANK] = {false}, is_known = false, was = false;
    for (uint32_t i = 0; i < s->axes.n; i++)
        reduced[s->axes.v[i]] = true;
    for (uint32_t i = 0; i < m->rank; i++) {
        if (shape[i] == 1) continue;
        m->joins[i] = !is_known || reduced[i] == was;
        is_known = true;
        was = reduced[i];
    }
}

/* The last axes, which a pool has its windows along; NULL: it is none. */
static const tdag_list *windows_of(const tdagi_kernel *k)
{
    const tdagi_pool_spec *s = k->spec;
    const tdagi_adaptive_pool_spec *adaptive = k->spec;
    if (k->composite == TDAGI_MAX_POOL || k->composite == TDAGI_AVG_POOL)
        return &s->kernel;
    return k->composite == TDAGI_ADAPTIVE_AVG_POOL ||
                   k->composite == TDAGI_ADAPTIVE_MAX_POOL
               ? &adaptive->output
               : NULL;
}

/* False: it is not known how. */
static bool find_runs(tdagi_mil_writer *w, const tdagi_kernel *k, merging *m)
{
    const tdag_list *windows = windows_of(k);
    memset(m, 0, sizeof *m);
    join_all(w, m, k, treats_elements(k) || k->composite == TDAGI_MATMUL);
    for (uint32_t i = 0; windows != NULL && i < windows->n; i++)
        m->alone[m->rank - 1 - i] = true;
    if (is_by_axis(k))
        m->alone[((const tdagi_axis_spec *)k->spec)->axis] = true;
    else if (tdagi_mil_is_core(k, TDAG_OP_REDUCE))
        mark_reduced(m, k, tdagi_mil_kernel(w, k->inputs[0])->shape);
    else if (k->composite == TDAGI_MATMUL)
        m->alone[m->rank - 1] = m->alone[m->rank - 2] = true;
    else if (k->composite == TDAGI_LAYER_NORM)
        for (int64_t i = 0; i < ((const tdagi_layer_norm_spec *)k->spec)->n_axes; i++)
            m->alone[m->rank - 1 - i] = true;
    else if (windows == NULL && !treats_elements(k) && !mark_movement(w, m, k))
        return false;
    number_runs(m);
    return true;
}

/* ---- the op on runs ---- */

/* Its spec: the entries of the first axis of each run. */
static tdag_list first_of(tdagi_mil_writer *w, const merging *m, const tdag_list *l)
{
    int64_t *v = tdagi_mil_alloc(w, TDAG_MAX_RANK * sizeof *v);
    for (uint32_t i = m->rank; i-- > 0 && v != NULL;)
        v[m->of[i]] = l->v[i];
    return (tdag_list){v == NULL ? 0 : m->n, v};
}

/* The runs of a list of axes, each once, without axes of 1. */
static tdag_list runs_of(tdagi_mil_writer *w, const merging *m, const tdag_list *axes,
                         const tdag_dim *shape)
{
    int64_t *v = tdagi_mil_alloc(w, TDAG_MAX_RANK * sizeof *v);
    uint32_t n = 0;
    for (uint32_t i = 0; i < axes->n && v != NULL; i++) {
        const int64_t run = m->of[axes->v[i]];
        if (shape[axes->v[i]] == 1) continue;
        if (n == 0 || v[n - 1] != run) v[n++] = run;
    }
    return (tdag_list){n, v};
}

/* The spec of the op on runs, in `room`, which holds a copy of the old one. */
static void merge_spec(tdagi_mil_writer *w, const merging *m, const tdagi_kernel *k,
                       void *room)
{
    if (is_by_axis(k)) {
        tdagi_axis_spec *s = room;
        s->axis = m->of[s->axis];
    } else if (tdagi_mil_is_core(k, TDAG_OP_REDUCE)) {
        tdag_reduce_spec *s = room;
        s->axes = runs_of(w, m, &s->axes, tdagi_mil_kernel(w, k->inputs[0])->shape);
    } else if (tdagi_mil_is_core(k, TDAG_OP_REPEAT)) {
        tdag_repeat_spec *s = room;
        s->counts = first_of(w, m, &s->counts);
    } else if (k->composite == TDAGI_CORE &&
               tdagi_op_class_of(k->op) != TDAGI_CLASS_ELEMENTWISE) {
        tdag_slice_spec *s = room; /* two lists by axis are first in all others */
        s->start = first_of(w, m, &s->start);
        s->end = first_of(w, m, &s->end);
    }
}

/* The end of a slice that takes all of a run is the run's. */
static void end_of_runs(const merging *m, const tdagi_kernel *k, const tdag_dim *shape,
                        tdag_slice_spec *s)
{
    int64_t *end = (int64_t *)(uintptr_t)s->end.v;
    if (!tdagi_mil_is_core(k, TDAG_OP_SLICE)) return;
    for (uint32_t i = 0; i < m->rank && end != NULL; i++)
        if (!m->alone[i]) end[m->of[i]] = shape[m->of[i]];
}

static const void *merged_spec(tdagi_mil_writer *w, const merging *m,
                               const tdagi_kernel *k, const tdag_dim *shape)
{
    const size_t size =
        k->composite == TDAGI_CORE
            ? tdagi_op_row_of(k->op)->def->spec_size
            : tdagi_composite_row_of((tdagi_composite)k->composite)->def->spec_size;
    void *room = size == 0 ? NULL : tdagi_mil_alloc(w, size);
    if (room == NULL) return NULL;
    memcpy(room, k->spec, size);
    merge_spec(w, m, k, room);
    end_of_runs(m, k, shape, room);
    return room;
}

static void merge_operands(tdagi_mil_writer *w, const merging *m, const tdagi_kernel *k,
                           tdagi_mil *out)
{
    const uint32_t last = k->composite == TDAGI_LAYER_NORM ? 1 : k->n_inputs;
    for (uint32_t i = 0; i < k->n_inputs; i++) {
        tdag_dim shape[TDAG_MAX_RANK];
        out[i] = tdagi_mil_in(w, k, i);
        if (out[i] == NULL || i >= last) continue;
        const uint32_t rank =
            merge_shape(w, m, out[i]->type.rank, out[i]->type.shape, shape);
        out[i] = tdagi_mil_reshape(w, out[i], rank, shape);
    }
}

bool tdagi_mil_is_high(const tdagi_mil_writer *w, const tdagi_kernel *k)
{
    bool is_high = k->rank > TDAGI_MIL_MAX_RANK;
    for (uint32_t i = 0; i < k->n_inputs; i++)
        is_high =
            is_high || (k->inputs[i] != 0 &&
                        tdagi_mil_kernel(w, k->inputs[i])->rank > TDAGI_MIL_MAX_RANK);
    return is_high && k->n_inputs > 0 && !tdagi_mil_is_core(k, TDAG_OP_PERMUTE) &&
           k->composite != TDAGI_EINSUM;
}

void tdagi_mil_emit_high(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    merging m;
    tdag_dim in[TDAG_MAX_RANK], shape[TDAG_MAX_RANK];
    tdagi_mil *operands = tdagi_mil_alloc(w, (k->n_inputs + 1u) * sizeof *operands);
    tdagi_kernel merged = *k;
    if (operands == NULL) return;
    if (!find_runs(w, k, &m) || m.n > TDAGI_MIL_MAX_RANK) {
        if (k->composite != TDAGI_CORE)
            tdagi_mil_by_parts(w, k);
        else
            tdagi_mil_fail(
                w, TDAG_E_UNSUPPORTED,
                "%s of a tensor of %lu axes, of which Core ML has five; have "
                "fewer axes there",
                tdagi_op_row_of(k->op)->name, (unsigned long)m.rank);
        return;
    }
    const tdagi_kernel *x = tdagi_mil_kernel(w, k->inputs[0]);
    merge_operands(w, &m, k, operands);
    merge_shape(w, &m, x->rank, x->shape, in);
    merged.spec = merged_spec(w, &m, k, in);
    if (w->status != TDAG_OK) return;
    merge_shape(w, &m, k->rank, k->shape, shape);
    merged.rank = (uint8_t)m.n;
    merged.shape = shape;
    w->now.operands = operands;
    tdagi_mil_emit_one(w, &merged);
    w->now.operands = NULL;
    w->now.value[w->now.at] =
        tdagi_mil_reshape(w, w->now.value[w->now.at], k->rank, k->shape);
}

/* ---- orders of axes ---- */

/* The axes that are not 1, in the order of the result: runs of them that are adjacent
 * in x, too, as one. */
static uint32_t find_moved(const tdagi_mil_writer *w, tdagi_mil x, const int64_t *perm,
                           int64_t *first, tdag_dim *sizes)
{
    uint32_t n = 0;
    int64_t last = -1;
    for (uint32_t i = 0; i < x->type.rank; i++) {
        int64_t next = last + 1;
        if (x->type.shape[perm[i]] == 1) continue;
        while (n > 0 && next < perm[i] && x->type.shape[next] == 1)
            next++;
        last = perm[i];
        if (n > 0 && next == perm[i]) {
            sizes[n - 1] =
                tdagi_dim_mul(w->now.r->pool, sizes[n - 1], x->type.shape[perm[i]]);
        } else {
            first[n] = perm[i];
            sizes[n++] = x->type.shape[perm[i]];
        }
    }
    return n;
}

/* Where the axes of an order come to lie when its first two are in front, the others as
 * they were. */
static void order_behind(uint32_t n, const int64_t *order, int64_t *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] =
            i < 2 ? i : 2 + order[i] - (order[0] < order[i]) - (order[1] < order[i]);
}

/* Too many axes for one transpose: the first two of the result come to the front, where
 * they are one run from then on; the axes between move as one. */
static tdagi_mil transpose_two(tdagi_mil_writer *w, tdagi_mil x, uint32_t n,
                               const tdag_dim *from, const int64_t *order)
{
    const uint32_t a = (uint32_t)order[0], b = (uint32_t)order[1];
    tdag_dim part[TDAGI_MIL_MAX_RANK], shape[TDAG_MAX_RANK] = {from[a], from[b]};
    int64_t perm[TDAGI_MIL_MAX_RANK] = {0}, rest[TDAG_MAX_RANK];
    uint32_t n_parts = 0, n_moved = 2, k = 2;
    bool joins = false;
    for (uint32_t i = 0; i < n; i++) {
        const bool is_front = i == a || i == b;
        if (joins && !is_front) {
            part[n_parts - 1] =
                tdagi_dim_mul(w->now.r->pool, part[n_parts - 1], from[i]);
        } else {
            if (is_front)
                perm[i == b] = n_parts;
            else
                perm[n_moved++] = n_parts;
            part[n_parts++] = from[i];
        }
        joins = !is_front;
        if (!is_front) shape[k++] = from[i];
    }
    tdagi_mil y = tdagi_mil_transpose(w, tdagi_mil_reshape(w, x, n_parts, part), perm);
    order_behind(n, order, rest);
    return tdagi_mil_transpose(w, tdagi_mil_reshape(w, y, n, shape), rest);
}

/* By no more axes than it needs. */
static tdagi_mil transpose_runs(tdagi_mil_writer *w, tdagi_mil x, const int64_t *perm)
{
    int64_t first[TDAG_MAX_RANK], order[TDAG_MAX_RANK];
    tdag_dim sizes[TDAG_MAX_RANK], from[TDAG_MAX_RANK];
    const uint32_t n = find_moved(w, x, perm, first, sizes);
    for (uint32_t i = 0; i < n; i++) {
        order[i] = 0;
        for (uint32_t j = 0; j < n; j++)
            order[i] += first[j] < first[i];
        from[order[i]] = sizes[i];
    }
    if (n > TDAGI_MIL_MAX_RANK) return transpose_two(w, x, n, from, order);
    return tdagi_mil_transpose(w, tdagi_mil_reshape(w, x, n, from), order);
}

tdagi_mil tdagi_mil_transpose(tdagi_mil_writer *w, tdagi_mil x, const int64_t *perm)
{
    bool moves = false;
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    for (uint32_t i = 0; i < type.rank; i++) {
        moves = moves || perm[i] != (int64_t)i;
        type.shape[i] = x->type.shape[perm[i]];
    }
    const tdag_list l = {type.rank, perm};
    if (!moves) return x;
    if (type.rank > TDAGI_MIL_MAX_RANK)
        return tdagi_mil_reshape(w, transpose_runs(w, x, perm), type.rank, type.shape);
    return tdagi_mil_op(w, &type, "transpose(x=%v, perm=%l)", x, &l);
}
