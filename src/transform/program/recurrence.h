/* The unrolled steps of a recurrence in a graph: equal copies of a cell, one behind the
 * other, that are told apart by what they are computed from only. */
#ifndef TDAGI_RECURRENCE_H
#define TDAGI_RECURRENCE_H

#include "base/arena.h"
#include "ir/graph.h"

/* What a node of the cell is computed from. */
typedef enum tdagi_origin {
    TDAGI_FROM_CELL,    /* a node of the same step, by its number in the cell */
    TDAGI_FROM_STEP,    /* a node of a step before, by the number of what is carried */
    TDAGI_FROM_OUTSIDE, /* a value of the graph that all steps use, by its id */
} tdagi_origin;

typedef struct tdagi_cell_operand {
    tdagi_origin from;
    uint32_t i;
} tdagi_cell_operand;

typedef struct tdagi_cell_node {
    const uint32_t *ids; /* [n_steps] */
    const tdagi_cell_operand *in;
    bool is_stepped; /* it takes a part of its operand that moves with the steps: */
    uint32_t axis;   /* from start + step * stride on, as many as its own dim is */
    int64_t start, stride;
} tdagi_cell_node;

typedef struct tdagi_carried_value {
    uint32_t offset; /* in the step: the node whose value is carried to the next one */
    uint32_t entry;  /* a value of the graph: what the first step has instead */
    uint32_t before; /* of one from farther back: the number of the carried value whose
                        last one it is; UINT32_MAX: it is the node's */
} tdagi_carried_value;

typedef struct tdagi_recurrence {
    const tdag_graph *g;
    const uint32_t *order; /* nodes that are no leaves */
    const uint32_t *place; /* by id: in `order`, from 1; 0: a leaf */
    uint32_t n_order;
    uint32_t first, size, n_steps; /* steps are order[first + t*size + offset] */
    tdagi_cell_node *nodes;        /* of the cell */
    uint32_t n_nodes;
    uint32_t *node_of; /* by offset: its number among them */
    tdagi_carried_value *carried;
    uint32_t n_carried;
} tdagi_recurrence;

/* The one that leaves the fewest nodes; n_steps 0: there is none. Tables are of the
 * arena. E_NOMEM. */
tdag_status tdagi_find_recurrence(tdag_ctx *ctx, const tdag_graph *g,
                                  tdagi_arena *arena, tdagi_recurrence *out);

static inline uint32_t tdagi_step_node(const tdagi_recurrence *r, uint32_t t,
                                       uint32_t offset)
{
    return r->order[r->first + t * r->size + offset];
}
/* Whether a value stands before the first step. */
static inline bool tdagi_is_outside(const tdagi_recurrence *r, uint32_t id)
{
    return r->place[id] <= r->first;
}
static inline bool tdagi_is_in_steps(const tdagi_recurrence *r, uint32_t id)
{
    return r->place[id] > r->first && r->place[id] <= r->first + r->size * r->n_steps;
}

#endif
