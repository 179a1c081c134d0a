/* Rounds of a loop that are one call of a graph, the step, of whose results some are
 * carried and some appended to lists, as those of recurrent layers are: the step's
 * kernels become a plan over memory of their own, with weights packed once, that every
 * round walks. The interpreter has run the first round, so that all sizes are known to
 * fit, and runs all where a kernel has no place here: a row of a sequence by the index,
 * a part of the last axis, a product by a weight, what step.def has.
 *
 * Values are matrices of as many rows as the states have, or one where these are
 * vectors. */
#include "run/program/rounds.h"

#include <string.h>

#include "base/arena.h"
#include "raise/cell.h"
#include "run/value.h"

typedef enum place_kind {
    UNKNOWN, /* no value here, or of something else */
    FIXED,   /* lies where it lies: states, what the loop does not change */
    ROW,     /* of `in[0]`, by the index */
    PART,    /* of the last axis of `in[0]` */
    PRODUCT, /* of in[0] by a weight, in[1] added */
    MAP,     /* element by element of in[0] and in[1] */
    CELL,    /* both states of an LSTM's, of the gates in[0] and the state in[1] */
    SECOND,  /* the outer of the two, computed with the inner one */
} place_kind;

/* Of a kernel. */
typedef struct place {
    place_kind kind;
    uint32_t in[2], map;   /* kernels, 0: there is none; row of step.def */
    uint32_t second;       /* of a cell: the kernel of its outer state */
    const char *data;      /* of this round: */
    char *own;             /* of a product or map */
    int64_t n, stride;     /* elements of a row, and from one to the next */
    int64_t first, factor; /* of a row: its number is first + factor * round */
    int64_t offset;        /* of a part: elements */
    uint32_t weight;       /* of a product, and its bias: what does not change */
    uint32_t bias;
    tdagi_packed packed;
} place;

typedef struct rounds {
    tdagi_execution *f;
    const tdagi_statement *loop, *step;
    const tdagi_raised *r;
    const tdagi_step_kernels *kernels;
    tdagi_arena arena;
    place *places;  /* by kernel */
    uint32_t *uses; /* by kernel: reads by others, and as results */
    tdag_dtype dtype;
    size_t size; /* of an element */
    int64_t rows, limit;
    uint32_t *results; /* by what is carried: the kernel; of a list: what is appended */
    const tdag_tensor **now; /* the same: states and lists, */
    tdag_tensor **owned;     /* then our own, with room for all rounds */
    char **staged;           /* of a state that may be read off another's old value */
    size_t *used;            /* of a list: bytes; SIZE_MAX: a state */
} rounds;

static const tdagi_kernel *kernel(const rounds *w, uint32_t i)
{
    return &w->r->kernels[i];
}

static bool is_core(const rounds *w, uint32_t i, tdag_op op)
{
    return kernel(w, i)->composite == TDAGI_CORE && kernel(w, i)->op == op;
}

static uint32_t in(const rounds *w, uint32_t i, uint32_t n)
{
    return n < kernel(w, i)->n_inputs ? kernel(w, i)->inputs[n] : 0;
}

static tdag_status take(rounds *w, size_t n, size_t size, void **out)
{
    *out = tdagi_arena_array(&w->arena, n, size);
    return *out == NULL ? tdagi_nomem(w->f->ctx) : TDAG_OK;
}

static bool same_dims(uint32_t rank, const tdag_dim *a, const tdag_dim *b)
{
    return rank == 0 || memcmp(a, b, rank * sizeof *a) == 0;
}

/* ---- statements ---- */

static uint32_t position(const tdagi_var *v, uint32_t n, tdagi_var x)
{
    uint32_t i = 0;
    while (i < n && v[i].id != x.id)
        i++;
    return i;
}

static const tdagi_var *params(const rounds *w) { return w->loop->blocks->params + 1; }

/* The kernel of the step's result x; 0: x is none. */
static uint32_t result_kernel(const rounds *w, tdagi_var x)
{
    uint32_t i = position(w->step->results, w->step->n_results, x);
    return i == w->step->n_results ? 0 : w->r->kernel_of[w->r->graph->outputs[i].id];
}

/* What the step is called with, by its input i. */
static const tdag_tensor *argument(const rounds *w, uint32_t i)
{
    const tdagi_var x = w->step->inputs[i];
    uint32_t k = position(params(w), w->loop->n_results, x);
    return k < w->loop->n_results ? w->now[k] : w->f->values[x.id];
}

static bool fits(const rounds *w, const tdag_graph *g)
{
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
        const tdag_tensor *t = argument(w, i);
        if (t != NULL &&
            (t->rank != n->rank || !same_dims(n->rank, t->shape, n->shape)))
            return false;
    }
    return true;
}

/* The step as it was run: its inputs tell the sizes of all that has a place here. */
static bool find_step(rounds *w)
{
    const tdagi_workshop *shop = &w->f->graphs;
    const tdag_graph *of = w->f->model->graphs[w->step->target].graph;
    for (uint32_t i = 0; i < shop->n && w->r == NULL; i++)
        if (shop->ready[i]->of == of && shop->ready[i]->raised != NULL &&
            fits(w, shop->ready[i]->graph))
            w->r = shop->ready[i]->raised;
    return w->r != NULL;
}

/* Whether the body is the step, and appends of its results. */
static bool match_body(rounds *w)
{
    const tdagi_block *body = w->loop->blocks;
    const uint32_t n = w->loop->n_results;
    w->step = body->first;
    for (const tdagi_statement *s = body->first; s != NULL; s = s->next) {
        if (s->kind != TDAGI_CALL || s->n_bindings > 0) return false;
        if (s == w->step) continue;
        uint32_t k = s->n_inputs == 2 ? position(params(w), n, s->inputs[0]) : n;
        if (k == n || !w->f->callees[s->target].is_append ||
            body->yields[k].id != s->results[0].id ||
            position(w->step->inputs, w->step->n_inputs, params(w)[k]) <
                w->step->n_inputs)
            return false;
        w->used[k] = 0;
        w->results[k] = position(w->step->results, w->step->n_results, s->inputs[1]);
    }
    return w->step != NULL && !w->f->callees[w->step->target].is_append;
}

/* The kernels of what is carried, and its shape: of a list, its rows'. */
static bool match_results(rounds *w)
{
    for (uint32_t k = 0; k < w->loop->n_results; k++) {
        const uint32_t is_list = w->used[k] != SIZE_MAX;
        const tdagi_var *of = w->step->results;
        if (is_list && w->results[k] >= w->step->n_results) return false;
        uint32_t i =
            result_kernel(w, is_list ? of[w->results[k]] : w->loop->blocks->yields[k]);
        const tdag_tensor *t = w->now[k];
        const tdagi_kernel *is = kernel(w, i);
        if (i == 0 || is->dtype != t->dtype || is->rank + is_list != t->rank ||
            !same_dims(is->rank, is->shape, t->shape + is_list))
            return false;
        w->results[k] = i;
        w->uses[i]++;
        if (!is_list) w->dtype = t->dtype;
        if (!is_list && t->rank > 0) w->rows = t->rank == 2 ? t->shape[0] : 1;
    }
    return true;
}

/* ---- kernels ---- */

/* A number of the index: first + factor * index. */
static bool match_index(const rounds *w, uint32_t i, int64_t *first, int64_t *factor)
{
    const tdagi_kernel *k = kernel(w, i);
    tdagi_size size;
    int64_t f[2], by[2];
    *first = *factor = 0;
    if (i == 0 || k->dtype != TDAG_I64 || k->rank > 1) return false;
    if (k->composite == TDAGI_CORE && k->op == TDAG_OP_CONSTANT) {
        const tdag_tensor *t = tdagi_graph_node(w->r->graph, k->value)->u.tensor;
        *first = t->count == 1 ? tdagi_tensor_get_i64(t, 0) : 0;
        return t->count == 1;
    }
    if (is_core(w, i, TDAG_OP_INPUT)) {
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
    if (is_core(w, i, TDAG_OP_UNSQUEEZE) || is_core(w, i, TDAG_OP_SQUEEZE))
        return match_index(w, in(w, i, 0), first, factor);
    bool is_sum = is_core(w, i, TDAG_OP_ADD), is_difference = k->composite == TDAGI_SUB;
    if (is_core(w, i, TDAG_OP_WHERE)) { /* from the end, where it is negative */
        const uint32_t less = in(w, i, 0), x = in(w, i, 2);
        return is_core(w, less, TDAG_OP_LESS) && in(w, less, 0) == x &&
               match_index(w, in(w, less, 1), &f[0], &by[0]) && f[0] == 0 &&
               by[0] == 0 && match_index(w, x, first, factor);
    }
    if ((!is_sum && !is_difference) || !match_index(w, in(w, i, 0), &f[0], &by[0]) ||
        !match_index(w, in(w, i, 1), &f[1], &by[1]))
        return false;
    *first = is_sum ? f[0] + f[1] : f[0] - f[1];
    *factor = is_sum ? by[0] + by[1] : by[0] - by[1];
    return *factor >= -1 && *factor <= 1;
}

/* The argument that kernel i is; NULL: it is none of the step's, or the index. */
static const tdag_tensor *given(const rounds *w, uint32_t i)
{
    const tdag_graph *g = w->r->graph;
    for (uint32_t n = 0; n < g->n_inputs && is_core(w, i, TDAG_OP_INPUT); n++)
        if (g->inputs[n].id == kernel(w, i)->value.id) return argument(w, n);
    return NULL;
}

/* A row of a sequence that is an argument. */
static bool match_row(const rounds *w, uint32_t i, place *p)
{
    const uint32_t from = in(w, i, 0), x = in(w, from, 0);
    const tdagi_kernel *k = kernel(w, from), *row = kernel(w, i), *of = kernel(w, x);
    if (!is_core(w, i, TDAG_OP_SQUEEZE) || k->composite != TDAGI_INDEX_SELECT ||
        ((const tdagi_axis_spec *)k->spec)->axis != 0 || given(w, x) == NULL ||
        row->rank + 1 != of->rank || !same_dims(row->rank, row->shape, of->shape + 1) ||
        !match_index(w, in(w, from, 1), &p->first, &p->factor))
        return false;
    const int64_t one = p->first + p->factor,
                  last = p->first + p->factor * (w->limit - 1);
    p->kind = ROW;
    p->in[0] = x;
    return one >= 0 && one < of->shape[0] && last >= 0 && last < of->shape[0];
}

static bool is_leaf(const rounds *w, uint32_t i)
{
    return i != 0 && kernel(w, i)->composite == TDAGI_CORE &&
           tdagi_op_holds_tensor(kernel(w, i)->op) && kernel(w, i)->dtype == w->dtype;
}

/* What the loop does not change: a leaf, or an argument that is not carried; or NULL.
 */
static const tdag_tensor *constant(const rounds *w, uint32_t i)
{
    if (is_leaf(w, i))
        return tdagi_graph_node(w->r->graph, kernel(w, i)->value)->u.tensor;
    const tdag_tensor *t =
        i == 0 || kernel(w, i)->dtype != w->dtype ? NULL : given(w, i);
    for (uint32_t k = 0; k < w->loop->n_results; k++)
        if (t == w->now[k]) return NULL;
    return t;
}

/* Whether kernel i has n elements a row; what does not change can be repeated to that.
 */
static bool has_place(rounds *w, uint32_t i, int64_t n)
{
    place *p = &w->places[i];
    const tdagi_kernel *k = kernel(w, i);
    if (p->kind == UNKNOWN && k->rank <= 2 && constant(w, i) != NULL) {
        const bool repeats =
            (k->rank < 1 || k->shape[k->rank - 1u] == 1 ||
             k->shape[k->rank - 1u] == n) &&
            (k->rank < 2 || k->shape[0] == 1 || k->shape[0] == w->rows);
        if (repeats) *p = (place){.kind = FIXED, .n = n, .stride = n};
    }
    return i != 0 && p->kind != UNKNOWN && p->n == n;
}

static bool match_product(rounds *w, uint32_t i, place *p)
{
    const uint32_t weight = in(w, i, 1), bias = in(w, i, 2);
    const tdagi_kernel *b = kernel(w, bias);
    if (kernel(w, i)->composite != TDAGI_LINEAR || constant(w, weight) == NULL)
        return false;
    p->kind = PRODUCT;
    p->in[0] = in(w, i, 0);
    p->weight = weight;
    if (constant(w, bias) != NULL && b->rank == 1 && b->shape[0] == p->n)
        p->bias = bias;
    else
        p->in[1] = bias;
    return has_place(w, p->in[0], kernel(w, weight)->shape[1]) &&
           (p->in[1] == 0 || has_place(w, bias, p->n));
}

/* A product that only sum i reads adds the rest of it. */
static void join_product(rounds *w, uint32_t i, place *p)
{
    for (uint32_t j = 0; j < 2 && p->kind == MAP && is_core(w, i, TDAG_OP_ADD); j++) {
        place *product = &w->places[in(w, i, j)];
        if (product->kind != PRODUCT || product->in[1] != 0 ||
            w->uses[in(w, i, j)] != 1)
            continue;
        *p = *product;
        p->in[1] = in(w, i, 1 - j);
        product->kind = UNKNOWN;
    }
}

static bool match_map(rounds *w, uint32_t i, place *p)
{
    static const struct {
        uint16_t composite, op, n;
    } maps[] = {
#define STEP(name, composite, op, operands, expression) {composite, op, operands},
#include "run/step/step.def"
    };
    const tdagi_kernel *k = kernel(w, i);
    uint32_t m = 0;
    while (m < TDAGI_N_STEPS && (maps[m].composite != k->composite ||
                                 (k->composite == TDAGI_CORE && maps[m].op != k->op)))
        m++;
    if (m == TDAGI_N_STEPS) return false;
    *p = (place){.kind = MAP, .map = m, .n = p->n, .stride = p->n};
    p->in[0] = in(w, i, 0);
    p->in[1] = in(w, i, maps[m].n - 1u);
    bool fit = has_place(w, p->in[0], p->n) && has_place(w, p->in[1], p->n);
    if (fit) join_product(w, i, p);
    return fit;
}

static bool match_part(const rounds *w, uint32_t i, place *p)
{
    const tdagi_kernel *k = kernel(w, i);
    const uint32_t x = in(w, i, 0);
    if (!is_core(w, i, TDAG_OP_SLICE) || w->places[x].kind == UNKNOWN) return false;
    p->kind = PART;
    p->in[0] = x;
    p->offset = ((const tdag_slice_spec *)k->spec)->start.v[k->rank - 1u];
    return true;
}

/* Gives kernel i a place, if it can have one. */
static void find_place(rounds *w, uint32_t i)
{
    const tdagi_kernel *k = kernel(w, i);
    if (k->dtype != w->dtype || k->rank < 1 || k->rank > 2 ||
        (k->rank == 2 ? k->shape[0] : 1) != w->rows || k->shape[k->rank - 1u] == 0)
        return;
    const place empty = {.n = k->shape[k->rank - 1u], .stride = k->shape[k->rank - 1u]};
    place p = empty;
    bool found = given(w, i) != NULL;
    if (found) p.kind = FIXED;
    if (!found) found = match_row(w, i, &p);
    if (!found) p = empty, found = match_part(w, i, &p);
    if (!found) p = empty, found = match_product(w, i, &p);
    if (!found) p = empty, found = match_map(w, i, &p);
    if (found) w->places[i] = p;
}

/* What a cell computes at once, if nothing else reads what is inside. */
static void join_cell(rounds *w, uint32_t i)
{
    tdagi_lstm_cell cell;
    const int64_t n = w->places[i].n;
    if (w->places[i].kind != MAP || !is_core(w, i, TDAG_OP_MULTIPLY) ||
        !tdagi_find_lstm_cell(w->r, i, &cell) || !has_place(w, cell.sum, 4 * n) ||
        !has_place(w, cell.before, n) || w->places[cell.c].kind != MAP)
        return;
    const uint32_t n_inside = sizeof cell.inside / sizeof *cell.inside;
    for (uint32_t j = 0; j < n_inside; j++)
        if (w->uses[cell.inside[j]] != 1) return;
    for (uint32_t j = 0; j < n_inside; j++)
        w->places[cell.inside[j]].kind = UNKNOWN;
    w->places[cell.c] = (place){.kind = CELL,
                                .in = {cell.sum, cell.before},
                                .second = cell.h,
                                .n = n,
                                .stride = n};
    w->places[cell.h] = (place){.kind = SECOND, .n = n, .stride = n};
}

/* Whether all that is carried has one. */
static bool find_places(rounds *w)
{
    for (uint32_t i = 1; i <= w->r->n; i++)
        for (uint32_t j = 0; j < kernel(w, i)->n_inputs; j++)
            w->uses[in(w, i, j)]++;
    for (uint32_t i = 1; i <= w->r->n; i++)
        find_place(w, i);
    for (uint32_t i = 1; i <= w->r->n; i++)
        join_cell(w, i);
    for (uint32_t k = 0; k < w->loop->n_results; k++)
        if (w->places[w->results[k]].kind <= FIXED) return false;
    return true;
}

/* ---- memory ---- */

static tdag_status pack(rounds *w, place *p)
{
    const tdag_tensor *m = constant(w, p->weight);
    const int64_t n = m->shape[0], k = m->shape[1];
    const size_t size = w->kernels->packed_size(n, k);
    void *to = NULL;
    TDAGI_TRY(take(w, size == 0 ? SIZE_MAX : 1, size == 0 ? SIZE_MAX : size, &to));
    p->packed.n = n;
    p->packed.k = k;
    p->packed.data = w->kernels->pack(
        n, k, m->data, k, 1, p->bias == 0 ? NULL : constant(w, p->bias)->data, to);
    return TDAG_OK;
}

/* What does not change, by as many rows as all have. */
static void repeat(const rounds *w, uint32_t i, void *data)
{
    const int64_t n = w->places[i].n, shape[2] = {w->rows, n};
    tdagi_strided of, out = {.data = data, .dtype = w->dtype, .rank = 2};
    memcpy(out.shape, shape, sizeof shape);
    out.stride[0] = n;
    out.stride[1] = 1;
    tdagi_strided_wrap(&of, constant(w, i));
    tdagi_strided all = tdagi_strided_broadcast(&of, 2, shape);
    tdagi_strided_copy(&all, &out);
    tdagi_strided_free(&of);
}

static tdag_status fill_places(rounds *w)
{
    for (uint32_t i = 1; i <= w->r->n; i++) {
        place *p = &w->places[i];
        const tdag_tensor *t = given(w, i);
        void *data = NULL;
        const bool is_one = t != NULL && p->kind == FIXED && t->count != w->rows * p->n;
        if (t != NULL) p->data = t->data;
        if ((t != NULL && !is_one) || p->kind == UNKNOWN || p->kind == ROW ||
            p->kind == PART)
            continue;
        if (p->kind == PRODUCT) TDAGI_TRY(pack(w, p));
        TDAGI_TRY(take(w, (size_t)w->rows * (size_t)p->n, w->size, &data));
        if (p->kind == FIXED) repeat(w, i, data);
        p->data = p->own = data;
    }
    return TDAG_OK;
}

/* Carried tensors of our own: states as they are, lists with room. */
static tdag_status own(rounds *w)
{
    for (uint32_t k = 0; k < w->loop->n_results; k++) {
        const tdag_tensor *t = w->now[k];
        int64_t shape[TDAG_MAX_RANK];
        memcpy(shape, t->shape, sizeof shape);
        if (w->used[k] != SIZE_MAX) {
            shape[0] += w->limit - 1;
            w->used[k] = t->size;
        }
        TDAGI_TRY(
            tdag_tensor_create(w->f->ctx, t->dtype, t->rank, shape, &w->owned[k]));
        memcpy(w->owned[k]->data, t->data, t->size);
        w->now[k] = w->owned[k];
        const place_kind kind = w->places[w->results[k]].kind;
        void *staged = NULL;
        if (w->used[k] == SIZE_MAX && (kind == ROW || kind == PART))
            TDAGI_TRY(take(w, 1, t->size, &staged));
        w->staged[k] = staged;
    }
    return TDAG_OK;
}

/* ---- rounds ---- */

static void map(const rounds *w, const place *p)
{
    const place *x = &w->places[p->in[0]], *y = &w->places[p->in[1]];
    const bool is_whole = x->stride == p->n && y->stride == p->n;
    const int64_t n = is_whole ? w->rows * p->n : p->n;
    for (int64_t r = 0; r < (is_whole ? 1 : w->rows); r++)
        w->kernels->maps[p->map](x->data + (size_t)(r * x->stride) * w->size,
                                 y->data + (size_t)(r * y->stride) * w->size,
                                 p->own + (size_t)(r * n) * w->size, n);
}

static void run_cell(const rounds *w, const place *p)
{
    const place *gates = &w->places[p->in[0]], *before = &w->places[p->in[1]];
    char *outer = w->places[p->second].own;
    for (int64_t r = 0; r < w->rows; r++)
        w->kernels->cell(gates->data + (size_t)(r * gates->stride) * w->size,
                         before->data + (size_t)(r * before->stride) * w->size,
                         p->own + (size_t)(r * p->n) * w->size,
                         outer + (size_t)(r * p->n) * w->size, p->n);
}

static void walk(const rounds *w, int64_t round)
{
    for (uint32_t i = 1; i <= w->r->n; i++) {
        place *p = &w->places[i];
        const place *x = &w->places[p->in[0]], *y = &w->places[p->in[1]];
        switch (p->kind) {
        case UNKNOWN:
        case FIXED:
        case SECOND:
            break;
        case CELL:
            run_cell(w, p);
            break;
        case ROW:
            p->data =
                x->data +
                (size_t)((p->first + p->factor * round) * w->rows * p->n) * w->size;
            break;
        case PART:
            p->data = x->data + (size_t)p->offset * w->size;
            p->stride = x->stride;
            break;
        case PRODUCT:
            w->kernels->product(
                &p->packed, w->rows, (tdagi_step_rows){x->data, x->stride},
                (tdagi_step_rows){p->in[1] == 0 ? NULL : y->data, y->stride}, p->own);
            break;
        case MAP:
            map(w, p);
            break;
        }
    }
}

/* The bytes of a carried state, or of a list's new rows. */
static size_t bytes_of(const rounds *w, uint32_t k)
{
    return (size_t)w->rows * (size_t)w->places[w->results[k]].n * w->size;
}

static void copy_result(const rounds *w, uint32_t k, char *to)
{
    const place *p = &w->places[w->results[k]];
    const size_t row = (size_t)p->n * w->size;
    for (int64_t r = 0; r < w->rows; r++)
        memcpy(to + (size_t)r * row, p->data + (size_t)(r * p->stride) * w->size, row);
}

/* What the round gives, to where the next one reads it: first what may be a part of a
 * state that changes. */
static void carry(const rounds *w)
{
    for (uint32_t k = 0; k < w->loop->n_results; k++) {
        if (w->used[k] != SIZE_MAX) {
            copy_result(w, k, (char *)w->owned[k]->data + w->used[k]);
            w->used[k] += bytes_of(w, k);
        } else if (w->staged[k] != NULL) {
            copy_result(w, k, w->staged[k]);
        }
    }
    for (uint32_t k = 0; k < w->loop->n_results; k++)
        if (w->staged[k] != NULL)
            memcpy(w->owned[k]->data, w->staged[k], bytes_of(w, k));
        else if (w->used[k] == SIZE_MAX)
            copy_result(w, k, w->owned[k]->data);
}

/* All rounds but the first. */
static tdag_status run(rounds *w)
{
    TDAGI_TRY(own(w));
    TDAGI_TRY(fill_places(w));
    for (int64_t i = 1; i < w->limit; i++) {
        TDAGI_TRY(tdagi_ask(w->f->ctx));
        walk(w, i);
        carry(w);
    }
    return TDAG_OK;
}

static tdag_status take_tables(rounds *w)
{
    const size_t n = w->loop->n_results;
    void *results = NULL, *now = NULL, *used = NULL, *owned = NULL, *staged = NULL;
    TDAGI_TRY(take(w, n, sizeof *w->results, &results));
    TDAGI_TRY(take(w, n, sizeof *w->now, &now));
    TDAGI_TRY(take(w, n, sizeof *w->owned, &owned));
    TDAGI_TRY(take(w, n, sizeof *w->used, &used));
    TDAGI_TRY(take(w, n, sizeof *w->staged, &staged));
    w->results = results;
    w->now = now;
    w->owned = memset(owned, 0, n * sizeof *w->owned);
    w->staged = staged;
    w->used = memset(used, 0xff, n * sizeof *w->used);
    return TDAG_OK;
}

static tdag_status match(rounds *w, tdag_tensor *const *carried, bool *matches)
{
    if (w->loop->n_results == 0) return TDAG_OK;
    TDAGI_TRY(take_tables(w));
    void *places = NULL, *uses = NULL;
    memcpy(w->now, carried, w->loop->n_results * sizeof *w->now);
    if (w->f->graphs.blas == NULL || !match_body(w) || !find_step(w)) return TDAG_OK;
    const size_t n = (size_t)w->r->n + 1;
    TDAGI_TRY(take(w, n, sizeof *w->places, &places));
    TDAGI_TRY(take(w, n, sizeof *w->uses, &uses));
    w->places = memset(places, 0, n * sizeof *w->places);
    w->uses = memset(uses, 0, n * sizeof *w->uses);
    if (!match_results(w) || w->rows == 0) return TDAG_OK;
    w->size = tdag_dtype_size(w->dtype);
    w->kernels = tdagi_step_of(w->f->graphs.blas, w->dtype);
    *matches = w->kernels != NULL && find_places(w);
    return TDAG_OK;
}

tdag_status tdagi_run_rounds(tdagi_execution *f, const tdagi_statement *s,
                             int64_t limit, tdag_tensor **carried, bool *done)
{
    rounds w = {.f = f, .loop = s, .limit = limit};
    bool matches = false;
    tdagi_arena_init(&w.arena, &f->ctx->allocator);
    tdag_status st = match(&w, carried, &matches);
    if (st == TDAG_OK && matches) st = run(&w);
    for (uint32_t k = 0; w.owned != NULL && k < s->n_results; k++) {
        tdag_tensor *t = w.owned[k];
        if (matches && st == TDAG_OK) {
            t = carried[k];
            carried[k] = w.owned[k];
        }
        tdag_tensor_free(t);
    }
    tdagi_arena_free(&w.arena);
    *done = matches && st == TDAG_OK;
    return st;
}
