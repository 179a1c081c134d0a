/* Which values of two models stand for each other, for comparing what they compute. */
#include <tdagger/compare.h>

#include <string.h>

#include "program/model.h"
#include "transform/diff/match.h"

static bool has_same_type(const tdag_graph *a, uint32_t x, const tdag_graph *b,
                          uint32_t y)
{
    return a->nodes[x].dtype == b->nodes[y].dtype &&
           a->nodes[x].rank == b->nodes[y].rank;
}

/* The value of b that has the name; 0 if there is none of that type. */
static uint32_t find_by_name(const tdagi_graph_match *m, uint32_t id)
{
    const tdagi_node *n = &m->a.g->nodes[id];
    if (n->name == NULL) return 0;
    uint32_t other = tdag_graph_find(m->b.g, n->name).id;
    if (other == 0) return 0;
    return has_same_type(m->a.g, id, m->b.g, other) ? other : 0;
}

/* other_use[id] = 1 where something but a sum uses the value. */
static void mark_other_uses(const tdag_graph *g, unsigned char *other_use)
{
    for (uint32_t id = 1; id <= g->n; id++) {
        const tdagi_node *n = &g->nodes[id];
        const tdag_reduce_spec *spec = n->u.spec;
        if (n->op == TDAG_OP_REDUCE && spec->kind == TDAG_REDUCE_SUM) continue;
        for (uint32_t i = 0; i < n->n_inputs; i++)
            other_use[tdagi_node_inputs(n)[i].id] = 1;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        other_use[g->outputs[i].id] = 1;
}

/* slots[id]: a value of b that a matched node takes where its partner takes id; what
 * stands at the same place is compared, though it be made by another op. */
static void find_slots(const tdagi_graph_match *m, uint32_t *slots)
{
    for (uint32_t id = 1; id <= m->a.g->n; id++) {
        if (m->a.partner[id] == 0) continue;
        const tdagi_node *x = &m->a.g->nodes[id];
        const tdagi_node *y = &m->b.g->nodes[m->a.partner[id]];
        for (uint32_t i = 0; i < x->n_inputs && x->n_inputs == y->n_inputs; i++) {
            uint32_t a = tdagi_node_inputs(x)[i].id, b = tdagi_node_inputs(y)[i].id;
            if (m->a.partner[a] == 0 && m->b.partner[b] == 0) slots[a] = b;
        }
    }
}

/* The value of b to compare a value of a with; 0 for none. */
static uint32_t find_other(const tdagi_graph_match *m, uint32_t id,
                           const unsigned char *other_use, const uint32_t *slots)
{
    const tdagi_node *n = &m->a.g->nodes[id];
    if (!m->a.counts[id] || m->a.is_free[id] || n->op == TDAG_OP_INPUT) return 0;
    if (n->op == TDAG_OP_MULTIPLY && !other_use[id]) return 0;
    uint32_t other = find_by_name(m, id);
    if (other == 0) other = m->a.partner[id];
    if (other == 0) other = slots[id];
    if (other == 0 || !has_same_type(m->a.g, id, m->b.g, other)) return 0;
    if (m->b.g->nodes[other].op == TDAG_OP_INPUT) return 0;
    return m->b.counts[other] && !m->b.is_free[other] ? other : 0;
}

static tdag_status list_pairs(tdag_ctx *ctx, tdagi_graph_match *m, tdag_pairs *out)
{
    size_t n = m->a.g->n, count = 0;
    void *found = NULL;
    unsigned char *other_use = tdagi_arena_alloc(&m->arena, n + 1);
    uint32_t *other = tdagi_arena_array(&m->arena, n + 1, sizeof *other);
    uint32_t *slots = tdagi_arena_array(&m->arena, n + 1, sizeof *slots);
    if (other_use == NULL || other == NULL || slots == NULL) return tdagi_nomem(ctx);
    memset(other_use, 0, n + 1);
    memset(slots, 0, (n + 1) * sizeof *slots);
    mark_other_uses(m->a.g, other_use);
    find_slots(m, slots);
    for (uint32_t id = 1; id <= n; id++) {
        other[id] = find_other(m, id, other_use, slots);
        count += other[id] != 0;
    }
    TDAGI_TRY(tdagi_array_alloc(ctx, 2 * count, sizeof(tdag_value), &found));
    *out = (tdag_pairs){(uint32_t)count, found, (tdag_value *)found + count,
                        ctx->allocator};
    for (uint32_t id = 1, i = 0; id <= n; id++) {
        if (other[id] == 0) continue;
        out->a[i].id = id;
        out->b[i++].id = other[id];
    }
    return TDAG_OK;
}

tdag_status tdag_pair_values(tdag_ctx *ctx, const tdag_model *a, const tdag_model *b,
                             tdag_pairs *out)
{
    tdagi_graph_match m;
    const tdag_graph *graphs[2] = {NULL, NULL};
    TDAGI_TRY(tdagi_match_operands(ctx, a, b, out, graphs));
    TDAGI_TRY(tdagi_match_graphs(ctx, graphs[0], graphs[1], &m));
    tdag_status st = list_pairs(ctx, &m, out);
    tdagi_match_free(&m);
    return st;
}

void tdag_pairs_free(tdag_pairs *p)
{
    if (p == NULL || p->a == NULL) return;
    tdagi_mem_free(&p->allocator, p->a, 2 * (size_t)p->n * sizeof *p->a);
    memset(p, 0, sizeof *p);
}
