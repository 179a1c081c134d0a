/* See rows.h. */
#include "transform/program/rows.h"

#include "base/tensor.h"
#include "derive/derive.h"
#include "ir/graft.h"

typedef struct settling {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdag_builder *b;
    tdagi_graft t;
    unsigned char *is_inner; /* by id: only scatters put more rows into it */
    tdag_value *rows;        /* scratch, by row */
} settling;

static const tdagi_node *input(const settling *s, const tdagi_node *n, uint32_t i)
{
    return &s->g->nodes[tdagi_node_inputs(n)[i].id];
}

/* The first of places that follow each other; -1: they are no such constants. */
static int64_t first_place(const settling *s, const tdagi_node *n)
{
    const tdagi_node *at = input(s, n, 1);
    if (at->rank != 1) return -1;
    while (at->op == TDAG_OP_UNSQUEEZE || at->op == TDAG_OP_SQUEEZE)
        at = input(s, at, 0);
    if (at->op != TDAG_OP_CONSTANT || at->u.tensor->count == 0) return -1;
    int64_t first = tdagi_tensor_get_i64(at->u.tensor, 0);
    for (int64_t i = 1; i < at->u.tensor->count; i++)
        if (tdagi_tensor_get_i64(at->u.tensor, i) != first + i) return -1;
    return first;
}

/* Whether a node puts one row into a value of a known number of them. */
static bool puts_row(const settling *s, const tdagi_node *n)
{
    if (n->op != TDAG_OP_SCATTER || n->rank == 0 || n->shape[0] < 0) return false;
    const tdag_scatter_spec *spec = n->u.spec;
    int64_t at = first_place(s, n);
    return spec->batch == 0 && spec->mode == TDAG_SCATTER_SET && at >= 0 &&
           at < n->shape[0] && input(s, n, 1)->shape[0] == 1;
}

static void find_inner(settling *s)
{
    for (uint32_t id = 1; id <= s->g->n; id++)
        s->is_inner[id] = 1;
    for (uint32_t id = 1; id <= s->g->n; id++) {
        const tdagi_node *n = &s->g->nodes[id];
        bool puts = puts_row(s, n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            if (!puts || i > 0) s->is_inner[tdagi_node_inputs(n)[i].id] = 0;
    }
    for (uint32_t i = 0; i < s->g->n_outputs; i++)
        s->is_inner[s->g->outputs[i].id] = 0;
}

/* The row is the operand of an unsqueeze, or as it is. */
static bool is_unsqueezed(const settling *s, uint32_t id)
{
    const tdagi_node *n = &s->g->nodes[id];
    const tdag_axes_spec *spec = n->u.spec;
    return n->op == TDAG_OP_UNSQUEEZE && spec->axes.n == 1 && spec->axes.v[0] == 0 &&
           n->rank > 0 && input(s, n, 0)->rank + 1u == n->rank;
}

/* The rows of a value that were put in one by one, as updates by their place; false:
 * they are not all. */
static bool find_rows(settling *s, uint32_t id, bool *is_stack)
{
    const tdagi_node *n = &s->g->nodes[id];
    int64_t n_left = n->rank == 0 ? 0 : n->shape[0];
    if (n_left <= 0 || n_left > (int64_t)s->g->n) return false;
    for (int64_t i = 0; i < n->shape[0]; i++)
        s->rows[i].id = 0;
    for (*is_stack = true; n_left > 0 && puts_row(s, n); n = input(s, n, 0)) {
        tdag_value *row = &s->rows[first_place(s, n)];
        if (row->id != 0) continue; /* a later one is there */
        *row = tdagi_node_inputs(n)[2];
        *is_stack = *is_stack && is_unsqueezed(s, row->id);
        n_left--;
    }
    return n_left == 0;
}

/* Rows side by side along an axis: a new one for `stacked`, else one that each has. */
static tdag_value add_rows(settling *s, uint32_t id, uint32_t axis, bool stacked)
{
    bool is_stack;
    if (!find_rows(s, id, &is_stack)) return TDAG_NO_VALUE;
    bool along = stacked && !is_stack && axis == 0; /* they have that axis */
    if (!is_stack && !along) return TDAG_NO_VALUE;
    uint32_t n = (uint32_t)s->g->nodes[id].shape[0];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = s->rows[i].id;
        if (!along) row = tdagi_node_inputs(&s->g->nodes[row])[0].id;
        s->rows[i] = s->t.new_of[row];
    }
    return stacked && !along ? tdagi_stack(s->b, s->rows, n, axis)
                             : tdagi_concat(s->b, s->rows, n, axis);
}

/* The axis that a permute moves the first one to, the others staying in their order. */
static bool moves_first(const tdagi_node *n, uint32_t *axis)
{
    const tdag_permute_spec *spec = n->u.spec;
    uint32_t a = 0;
    while (a < spec->order.n && spec->order.v[a] != 0)
        a++;
    for (uint32_t k = 0; k < spec->order.n; k++)
        if (k != a && spec->order.v[k] != (k < a ? k + 1 : k)) return false;
    *axis = a;
    return true;
}

/* The axis that a group makes of two; UINT32_MAX: it does something else. */
static uint32_t joined_axis(const tdagi_node *n)
{
    const tdag_group_spec *spec = n->u.spec;
    uint32_t axis = UINT32_MAX;
    for (uint32_t k = 0; k < spec->runs.n; k++) {
        if (spec->runs.v[k] == 1) continue;
        if (spec->runs.v[k] != 2 || axis != UINT32_MAX) return UINT32_MAX;
        axis = k;
    }
    return axis;
}

/* All rows, where they were put in and then moved and joined to another axis. */
static tdag_value stack_rows(settling *s, uint32_t id)
{
    const tdagi_node *n = &s->g->nodes[id];
    uint32_t axis = 0, by_group = n->op == TDAG_OP_GROUP ? joined_axis(n) : 0;
    bool stacked = n->op != TDAG_OP_GROUP;
    if (by_group == UINT32_MAX) return TDAG_NO_VALUE;
    if (!stacked) {
        id = tdagi_node_inputs(n)[0].id;
        n = &s->g->nodes[id];
    }
    if (n->op == TDAG_OP_PERMUTE) {
        if (!moves_first(n, &axis)) return TDAG_NO_VALUE;
        id = tdagi_node_inputs(n)[0].id;
    }
    if (!stacked && axis != by_group) return TDAG_NO_VALUE;
    return add_rows(s, id, axis, stacked);
}

/* The row that a select takes of them. */
static tdag_value take_row(settling *s, const tdagi_node *n)
{
    const tdag_select_spec *spec = n->u.spec;
    const tdagi_node *x = input(s, n, 0);
    if (spec->axis != 0 || spec->index < 0) return TDAG_NO_VALUE;
    for (; puts_row(s, x); x = input(s, x, 0))
        if (first_place(s, x) == spec->index)
            return s->t.new_of[tdagi_node_inputs(x)[2].id];
    return TDAG_NO_VALUE;
}

/* A permute before it stands behind it. */
static tdag_value cut_out(settling *s, const tdagi_node *n)
{
    const tdag_gather_spec *spec = n->u.spec;
    const tdagi_node *x = input(s, n, 0);
    int64_t first = first_place(s, n);
    if (spec->batch != 0 || first < 0 || x->shape[0] < 0 ||
        first + n->shape[0] > x->shape[0])
        return TDAG_NO_VALUE;
    tdag_value v = tdagi_node_inputs(n)[0];
    const tdag_permute_spec *moved = x->op == TDAG_OP_PERMUTE ? x->u.spec : NULL;
    uint32_t axis = moved == NULL ? 0 : (uint32_t)moved->order.v[0];
    v = s->t.new_of[moved == NULL ? v.id : tdagi_node_inputs(x)[0].id];
    v = n->shape[0] == 1 ? tdag_select(s->b, v, axis, first)
                         : tdagi_slice1(s->b, v, axis, first, first + n->shape[0]);
    return moved == NULL ? v : tdag_permute(s->b, v, moved->order);
}

static void settle(settling *s, uint32_t id)
{
    const tdagi_node *n = &s->g->nodes[id];
    tdag_value v = TDAG_NO_VALUE;
    tdag_builder_set_scope(s->b, s->g->scopes[n->scope]);
    if (n->op == TDAG_OP_GATHER)
        v = cut_out(s, n);
    else if (n->op == TDAG_OP_SELECT)
        v = take_row(s, n);
    else if (n->op == TDAG_OP_PERMUTE || n->op == TDAG_OP_GROUP ||
             (!s->is_inner[id] && puts_row(s, n)))
        v = stack_rows(s, id);
    if (v.id == 0)
        tdagi_graft_node(&s->t, id);
    else
        s->t.new_of[id] = v;
}

static tdag_status settle_all(settling *s, tdag_graph **out)
{
    size_t n = s->g->n + 1u;
    void *inner = NULL, *rows = NULL;
    tdag_status st = tdagi_array_alloc(s->ctx, n, 1, &inner);
    if (st == TDAG_OK) st = tdagi_array_alloc(s->ctx, n, sizeof(tdag_value), &rows);
    if (st == TDAG_OK) {
        s->is_inner = inner;
        s->rows = rows;
        find_inner(s);
        for (uint32_t id = 1; id <= s->g->n; id++)
            settle(s, id);
        for (uint32_t i = 0; i < s->g->n_outputs; i++)
            tdag_builder_add_output(s->b, s->t.new_of[s->g->outputs[i].id]);
        tdagi_free(s->ctx, rows, n * sizeof(tdag_value));
        st = tdag_builder_finish(s->b, out);
    }
    if (inner != NULL) tdagi_free(s->ctx, inner, n);
    return st;
}

tdag_status tdagi_settle_rows(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out)
{
    settling s = {.ctx = ctx, .g = g};
    tdag_graph *made = NULL;
    TDAGI_TRY(tdagi_builder_create_like(ctx, g, &s.b));
    tdag_status st = tdagi_graft_init(&s.t, s.b, g, NULL);
    if (st == TDAG_OK) st = settle_all(&s, &made);
    tdagi_graft_free(&s.t);
    tdag_builder_free(s.b);
    if (st == TDAG_OK) st = tdagi_graph_prune(ctx, made, out);
    tdag_graph_free(made);
    return st;
}
