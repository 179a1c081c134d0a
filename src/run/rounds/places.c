/* Which place each kernel of the step has. */
#include <string.h>

#include "run/rounds/work.h"

/* A number of the index: first + factor * index. */
static bool match_index(const tdagi_rounds *w, uint32_t i, int64_t *first,
                        int64_t *factor)
{
    const tdagi_kernel *k = tdagi_round_kernel(w, i);
    tdagi_size size;
    int64_t f[2], by[2];
    *first = *factor = 0;
    if (i == 0 || k->dtype != TDAG_I64 || k->rank > 1) return false;
    if (k->composite == TDAGI_CORE && k->op == TDAG_OP_CONSTANT) {
        const tdag_tensor *t = tdagi_graph_node(w->r->graph, k->value)->u.tensor;
        *first = t->count == 1 ? tdagi_tensor_get_i64(t, 0) : 0;
        return t->count == 1;
    }
    if (tdagi_round_is(w, i, TDAG_OP_INPUT)) {
        uint32_t n = 0;
        while (w->r->graph->inputs[n].id != k->value.id)
            n++;
        *factor = 1;
        return w->step->inputs[n].id == w->loop->blocks->params[0].id;
    }
    if (k->value.id != 0 && tdagi_is_size(w->r->graph, k->value.id, &size)) {
        *first = size.n;
        return !size.is_ratio && size.n >= 0;
    }
    if (tdagi_round_is(w, i, TDAG_OP_UNSQUEEZE) ||
        tdagi_round_is(w, i, TDAG_OP_SQUEEZE))
        return match_index(w, tdagi_round_in(w, i, 0), first, factor);
    bool is_sum = tdagi_round_is(w, i, TDAG_OP_ADD),
         is_difference = k->composite == TDAGI_SUB;
    if (tdagi_round_is(w, i, TDAG_OP_WHERE)) { /* from the end, where it is negative */
        const uint32_t less = tdagi_round_in(w, i, 0), x = tdagi_round_in(w, i, 2);
        return tdagi_round_is(w, less, TDAG_OP_LESS) &&
               tdagi_round_in(w, less, 0) == x &&
               match_index(w, tdagi_round_in(w, less, 1), &f[0], &by[0]) && f[0] == 0 &&
               by[0] == 0 && match_index(w, x, first, factor);
    }
    if ((!is_sum && !is_difference) ||
        !match_index(w, tdagi_round_in(w, i, 0), &f[0], &by[0]) ||
        !match_index(w, tdagi_round_in(w, i, 1), &f[1], &by[1]))
        return false;
    *first = is_sum ? f[0] + f[1] : f[0] - f[1];
    *factor = is_sum ? by[0] + by[1] : by[0] - by[1];
    return *factor >= -1 && *factor <= 1;
}

/* A row of a sequence that is an argument. */
static bool match_row(const tdagi_rounds *w, uint32_t i, tdagi_round_place *p)
{
    const uint32_t from = tdagi_round_in(w, i, 0), x = tdagi_round_in(w, from, 0);
    const tdagi_kernel *k = tdagi_round_kernel(w, from),
                       *row = tdagi_round_kernel(w, i), *of = tdagi_round_kernel(w, x);
    if (!tdagi_round_is(w, i, TDAG_OP_SQUEEZE) || k->composite != TDAGI_INDEX_SELECT ||
        ((const tdagi_axis_spec *)k->spec)->axis != 0 ||
        tdagi_round_given(w, x) == NULL || row->rank + 1 != of->rank ||
        !tdagi_round_same_dims(row->rank, row->shape, of->shape + 1) ||
        !match_index(w, tdagi_round_in(w, from, 1), &p->first, &p->factor))
        return false;
    const int64_t one = p->first + p->factor,
                  last = p->first + p->factor * (w->limit - 1);
    p->kind = TDAGI_ROUND_ROW;
    p->in[0] = x;
    return one >= 0 && one < of->shape[0] && last >= 0 && last < of->shape[0];
}

/* Whether kernel i has n elements a row; what does not change can be repeated to that.
 */
static bool has_place(tdagi_rounds *w, uint32_t i, int64_t n)
{
    tdagi_round_place *p = &w->places[i];
    const tdagi_kernel *k = tdagi_round_kernel(w, i);
    if (p->kind == TDAGI_ROUND_UNKNOWN && k->rank <= 2 &&
        tdagi_round_constant(w, i) != NULL) {
        const bool repeats =
            (k->rank < 1 || k->shape[k->rank - 1u] == 1 ||
             k->shape[k->rank - 1u] == n) &&
            (k->rank < 2 || k->shape[0] == 1 || k->shape[0] == w->rows);
        if (repeats)
            *p = (tdagi_round_place){.kind = TDAGI_ROUND_FIXED, .n = n, .stride = n};
    }
    return i != 0 && p->kind != TDAGI_ROUND_UNKNOWN && p->n == n;
}

static bool match_product(tdagi_rounds *w, uint32_t i, tdagi_round_place *p)
{
    const uint32_t weight = tdagi_round_in(w, i, 1), bias = tdagi_round_in(w, i, 2);
    const tdagi_kernel *b = tdagi_round_kernel(w, bias);
    if (tdagi_round_kernel(w, i)->composite != TDAGI_LINEAR ||
        tdagi_round_constant(w, weight) == NULL)
        return false;
    p->kind = TDAGI_ROUND_PRODUCT;
    p->in[0] = tdagi_round_in(w, i, 0);
    p->weight = weight;
    if (tdagi_round_constant(w, bias) != NULL && b->rank == 1 && b->shape[0] == p->n)
        p->bias = bias;
    else
        p->in[1] = bias;
    return has_place(w, p->in[0], tdagi_round_kernel(w, weight)->shape[1]) &&
           (p->in[1] == 0 || has_place(w, bias, p->n));
}

/* A product that only sum i reads adds the rest of it. */
static void join_product(tdagi_rounds *w, uint32_t i, tdagi_round_place *p)
{
    for (uint32_t j = 0;
         j < 2 && p->kind == TDAGI_ROUND_MAP && tdagi_round_is(w, i, TDAG_OP_ADD);
         j++) {
        tdagi_round_place *product = &w->places[tdagi_round_in(w, i, j)];
        if (product->kind != TDAGI_ROUND_PRODUCT || product->in[1] != 0 ||
            w->uses[tdagi_round_in(w, i, j)] != 1)
            continue;
        *p = *product;
        p->in[1] = tdagi_round_in(w, i, 1 - j);
        product->kind = TDAGI_ROUND_UNKNOWN;
    }
}

static bool match_map(tdagi_rounds *w, uint32_t i, tdagi_round_place *p)
{
    static const struct {
        uint16_t composite, op, n;
    } maps[] = {
#define STEP(name, composite, op, operands, expression) {composite, op, operands},
#include "run/step/step.def"
    };
    const tdagi_kernel *k = tdagi_round_kernel(w, i);
    uint32_t m = 0;
    while (m < TDAGI_N_STEPS && (maps[m].composite != k->composite ||
                                 (k->composite == TDAGI_CORE && maps[m].op != k->op)))
        m++;
    if (m == TDAGI_N_STEPS) return false;
    *p = (tdagi_round_place){
        .kind = TDAGI_ROUND_MAP, .map = m, .n = p->n, .stride = p->n};
    p->in[0] = tdagi_round_in(w, i, 0);
    p->in[1] = tdagi_round_in(w, i, maps[m].n - 1u);
    bool fit = has_place(w, p->in[0], p->n) && has_place(w, p->in[1], p->n);
    if (fit) join_product(w, i, p);
    return fit;
}

static bool match_part(const tdagi_rounds *w, uint32_t i, tdagi_round_place *p)
{
    const tdagi_kernel *k = tdagi_round_kernel(w, i);
    const uint32_t x = tdagi_round_in(w, i, 0);
    if (!tdagi_round_is(w, i, TDAG_OP_SLICE) ||
        w->places[x].kind == TDAGI_ROUND_UNKNOWN)
        return false;
    p->kind = TDAGI_ROUND_PART;
    p->in[0] = x;
    p->offset = ((const tdag_slice_spec *)k->spec)->start.v[k->rank - 1u];
    return true;
}

/* Gives kernel i a place, if it can have one. */
static void find_place(tdagi_rounds *w, uint32_t i)
{
    const tdagi_kernel *k = tdagi_round_kernel(w, i);
    if (k->dtype != w->dtype || k->rank < 1 || k->rank > 2 ||
        (k->rank == 2 ? k->shape[0] : 1) != w->rows || k->shape[k->rank - 1u] == 0)
        return;
    const tdagi_round_place empty = {.n = k->shape[k->rank - 1u],
                                     .stride = k->shape[k->rank - 1u]};
    tdagi_round_place p = empty;
    bool found = tdagi_round_given(w, i) != NULL;
    if (found) p.kind = TDAGI_ROUND_FIXED;
    if (!found) found = match_row(w, i, &p);
    if (!found) p = empty, found = match_part(w, i, &p);
    if (!found) p = empty, found = match_product(w, i, &p);
    if (!found) p = empty, found = match_map(w, i, &p);
    if (found) w->places[i] = p;
}

/* What a cell computes at once, if nothing else reads what is inside. */
static void join_cell(tdagi_rounds *w, uint32_t i)
{
    tdagi_lstm_cell cell;
    const int64_t n = w->places[i].n;
    if (w->places[i].kind != TDAGI_ROUND_MAP ||
        !tdagi_round_is(w, i, TDAG_OP_MULTIPLY) ||
        !tdagi_find_lstm_cell(w->r, i, &cell) || !has_place(w, cell.sum, 4 * n) ||
        !has_place(w, cell.before, n) || w->places[cell.c].kind != TDAGI_ROUND_MAP)
        return;
    const uint32_t n_inside = sizeof cell.inside / sizeof *cell.inside;
    for (uint32_t j = 0; j < n_inside; j++)
        if (w->uses[cell.inside[j]] != 1) return;
    for (uint32_t j = 0; j < n_inside; j++)
        w->places[cell.inside[j]].kind = TDAGI_ROUND_UNKNOWN;
    w->places[cell.c] = (tdagi_round_place){.kind = TDAGI_ROUND_CELL,
                                            .in = {cell.sum, cell.before},
                                            .second = cell.h,
                                            .n = n,
                                            .stride = n};
    w->places[cell.h] =
        (tdagi_round_place){.kind = TDAGI_ROUND_SECOND, .n = n, .stride = n};
}

bool tdagi_round_find_places(tdagi_rounds *w)
{
    for (uint32_t i = 1; i <= w->r->n; i++)
        for (uint32_t j = 0; j < tdagi_round_kernel(w, i)->n_inputs; j++)
            w->uses[tdagi_round_in(w, i, j)]++;
    for (uint32_t i = 1; i <= w->r->n; i++)
        find_place(w, i);
    for (uint32_t i = 1; i <= w->r->n; i++)
        join_cell(w, i);
    for (uint32_t k = 0; k < w->loop->n_results; k++)
        if (w->places[w->results[k]].kind <= TDAGI_ROUND_FIXED) return false;
    return true;
}
