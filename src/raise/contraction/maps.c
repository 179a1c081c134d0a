/* Reading the access maps of one reduce sum; see contraction.h. */
#include "raise/contraction/contraction.h"

#include <string.h>

void tdagi_maps_close(tdagi_raiser *r)
{
    tdagi_free(r->ctx, r->maps, sizeof(tdagi_maps));
}

static bool is_sum(const tdagi_node *n)
{
    const tdag_reduce_spec *spec = n->u.spec;
    return n->op == TDAG_OP_REDUCE && spec->kind == TDAG_REDUCE_SUM;
}

/* True where v leads to a multiply through sums and movement. */
static bool leads_to_multiply(const tdagi_raiser *r, tdag_value v)
{
    for (uint32_t i = 0; i < TDAGI_MOST_INTERIOR; i++) {
        const tdagi_node *n = tdagi_raiser_node(r, v);
        if (n->op == TDAG_OP_MULTIPLY) return true;
        if (!is_sum(n) && !tdagi_op_is_movement(n->op)) return false;
        v = tdagi_node_inputs(n)[0];
    }
    return false;
}

/* Opens one loop per reduced axis. */
static void open_sum(tdagi_raiser *r, tdag_value v, tdagi_expr *index)
{
    tdagi_maps *m = r->maps;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_node_inputs(n)[0]);
    const tdag_reduce_spec *spec = n->u.spec;
    for (uint32_t i = 0; i < spec->axes.n; i++) {
        int64_t axis = spec->axes.v[i];
        index[axis] = tdagi_atom(&m->space, tdagi_raiser_dim(r, x->shape[axis]));
        m->reduced |= tdagi_expr_mask(&index[axis]);
    }
}

/* From the reduce down to the multiply, whose index is left in `index`. */
static bool descend(tdagi_raiser *r, tdag_value v, tdagi_expr *index)
{
    tdagi_maps *m = r->maps;
    while (tdagi_raiser_node(r, v)->op != TDAG_OP_MULTIPLY) {
        if (m->n_interior == TDAGI_MOST_INTERIOR) return false;
        m->interior[m->n_interior++] = v;
        if (is_sum(tdagi_raiser_node(r, v))) {
            open_sum(r, v, index);
        } else {
            tdagi_expr below[TDAG_MAX_RANK];
            if (!tdagi_pull(r, &m->space, v, index, below, NULL)) return false;
            memcpy(index, below, sizeof(below));
        }
        v = tdagi_raiser_input(r, v, 0);
    }
    m->multiply = v;
    m->interior[m->n_interior++] = v;
    return true;
}

static void trace_operand(tdagi_raiser *r, uint32_t i, const tdagi_expr *index)
{
    tdagi_maps *m = r->maps;
    tdag_value x = tdagi_raiser_input(r, m->multiply, i);
    const tdagi_node *n = tdagi_raiser_node(r, x);
    uint32_t more = tdagi_raiser_node(r, m->multiply)->rank - n->rank;
    for (uint32_t axis = 0; axis < n->rank; axis++) {
        bool one = n->shape[axis] == 1;
        m->down[i][0].index[axis] = one ? (tdagi_expr){0} : index[axis + more];
    }
    m->guards[i].n = 0;
    m->n_down[i] = tdagi_trace(r, &m->space, x, m->down[i], &m->guards[i]);
}

static void climb(tdagi_raiser *r)
{
    tdagi_maps *m = r->maps;
    m->n_up = 1;
    while (m->n_up < TDAGI_MOST_UP) {
        const tdagi_level *below = &m->up[m->n_up - 1];
        uint32_t user = r->user[below->value.id];
        if (r->uses[below->value.id] != 1 || user == 0) return;
        tdagi_level *level = &m->up[m->n_up];
        if (!tdagi_op_is_movement(r->graph->nodes[user].op)) return;
        level->value = (tdag_value){user};
        level->rank = r->graph->nodes[user].rank;
        if (!tdagi_push(r, &m->space, level->value, below->index, level->index)) return;
        m->n_up++;
    }
}

static void settle(tdagi_raiser *r)
{
    tdagi_maps *m = r->maps;
    for (uint32_t i = 0; i < m->n_up; i++)
        tdagi_level_settle(r, &m->space, &m->up[i]);
    for (uint32_t k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < m->n_down[k]; i++)
            tdagi_level_settle(r, &m->space, &m->down[k][i]);
        for (uint32_t i = 0; i < m->guards[k].n; i++)
            m->holds[k][i] = tdagi_guard_holds(&m->space, &m->guards[k].g[i]);
    }
    m->loops = m->up[0].mask;
    uint64_t reduced = 0;
    for (uint32_t i = 0; i < m->space.n; i++) {
        if (!(m->reduced & (uint64_t)1 << i)) continue;
        tdagi_expr whole = {.n = 1, .k = {1}, .atom = {(uint8_t)i}};
        whole = tdagi_resolve(&m->space, &whole);
        reduced |= tdagi_expr_mask(&whole);
    }
    m->reduced = reduced;
    m->loops |= reduced;
}

tdag_status tdagi_maps_read(tdagi_raiser *r, tdag_value v, bool *ok)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    *ok = false;
    if (n->dtype == TDAG_BOOL || !is_sum(n) ||
        !leads_to_multiply(r, tdagi_node_inputs(n)[0]))
        return TDAG_OK;
    if (r->maps == NULL) {
        void *p = NULL;
        TDAGI_TRY(tdagi_alloc(r->ctx, sizeof(tdagi_maps), &p));
        r->maps = p;
    }
    tdagi_maps *m = r->maps;
    tdagi_expr index[TDAG_MAX_RANK];
    m->space.n = 0;
    m->space.bad = false;
    m->reduced = 0;
    m->n_interior = 0;
    m->up[0].value = v;
    m->up[0].rank = n->rank;
    for (uint32_t i = 0; i < n->rank; i++)
        index[i] = m->up[0].index[i] =
            tdagi_atom(&m->space, tdagi_raiser_dim(r, n->shape[i]));
    if (!descend(r, v, index) || m->space.bad) return TDAG_OK;
    trace_operand(r, 0, index);
    trace_operand(r, 1, index);
    climb(r);
    if (m->space.bad) return TDAG_OK;
    settle(r);
    bool scalar = m->down[0][0].mask == 0 && m->down[0][0].rank == 0;
    scalar |= m->down[1][0].mask == 0 && m->down[1][0].rank == 0;
    *ok = !m->space.bad && !scalar;
    return TDAG_OK;
}
