/* What the axis rules share (see tdagi_axis_call in ir/opdef.h). "The axis" is the one
 * that holds the dim D which is being removed. It goes away where it is D alone; where
 * it is outer*D*inner, it stays with the dim outer*inner. */
#ifndef TDAGI_OPS_AXIS_H
#define TDAGI_OPS_AXIS_H

#include "ir/graph.h"

/* The numbers of a list that a rule rewrites. */
typedef struct tdagi_axis_numbers {
    uint32_t n;
    int64_t v[2 * TDAG_MAX_RANK];
} tdagi_axis_numbers;
static inline tdag_list tdagi_axis_list(const tdagi_axis_numbers *numbers)
{
    return (tdag_list){numbers->n, numbers->v};
}

/* The value has D, in an axis that holds nothing else. */
bool tdagi_mark_alone(const tdagi_mark *mark);
/* Where an axis other than the axis is in the rewritten value. */
int64_t tdagi_mark_shift(const tdagi_mark *mark, int64_t axis);
/* What is left of the axis: outer*inner. */
tdag_dim tdagi_mark_rest(const tdagi_axis_call *c, const tdagi_mark *mark);
/* A list with one entry per axis, without the axis, or with `rest` as its entry. */
tdagi_axis_numbers tdagi_mark_entries(const tdagi_mark *mark, tdag_list list,
                                      int64_t rest);
/* The expression depends on D. */
tdag_status tdagi_axis_mentions(const tdagi_axis_call *c, tdag_dim d, bool *out);
/* Both have D in the same axis and place, as far as a free one can be told. */
bool tdagi_mark_agrees(const tdagi_axis_call *c, const tdagi_mark *a,
                       const tdagi_mark *b);
/* The number that every element of a new, integer value is; false: not known. */
bool tdagi_axis_number(const tdagi_axis_call *c, uint32_t id, tdag_dim *out);
/* The op's drop_dim, with what follows for the result's mark from those of the inputs.
 */
tdag_status tdagi_axis_drop(const tdagi_axis_call *c, uint32_t op);
/* Fails: "<D> cannot be removed: <op> <why>". */
tdag_status tdagi_axis_refuse(const tdagi_axis_call *c, const char *op,
                              const char *why);
/* Adds a node; fails where its spec still depends on D. */
tdag_status tdagi_axis_add(const tdagi_axis_call *c, tdag_op op, const void *spec,
                           const uint32_t *inputs, uint32_t n_inputs, uint32_t *out);
/* The same without that check. */
tdag_status tdagi_axis_put(const tdagi_axis_call *c, tdag_op op, const void *spec,
                           const uint32_t *inputs, uint32_t n_inputs, uint32_t *out);
/* The last node of a rule, on the rewritten inputs: sets the result and its mark. */
tdag_status tdagi_axis_done(const tdagi_axis_call *c, tdag_op op, const void *spec,
                            const uint32_t *inputs, const tdagi_mark *mark);
/* The same node again: no input has D, or (elementwise) the mark stays where it is. */
tdag_status tdagi_axis_same(const tdagi_axis_call *c, tdag_op op,
                            const tdagi_mark *mark);
/* Rules of whole families. */
tdag_status tdagi_axis_unary(const tdagi_axis_call *c, tdag_op op);
tdag_status tdagi_axis_broadcast(const tdagi_axis_call *c, tdag_op op);
/* squeeze or unsqueeze of one axis. */
tdag_status tdagi_axis_resize(const tdagi_axis_call *c, tdag_op op, int64_t axis,
                              uint32_t x, uint32_t *out);

/* The value x of the new graph, which has no D, without its axis, of size 1 (sink.c).
 */
tdag_status tdagi_axis_squeeze(const tdagi_axis_call *c, int64_t axis, uint32_t x,
                               uint32_t *out);

static inline const tdagi_mark *tdagi_mark_none(void)
{
    static const tdagi_mark none = {.axis = -1, .outer = 1, .inner = 1};
    return &none;
}

/* ---- a new leading axis ---- */
/* The list with one more entry in front; and each entry one more. */
tdagi_axis_numbers tdagi_axis_lead(int64_t first, tdag_list list);
tdagi_axis_numbers tdagi_axis_later(tdag_list list);
/* The node that add_dim adds for an op of one input. */
tdag_status tdagi_axis_put_one(const tdagi_axis_call *c, tdag_op op, const void *spec);
/* Elementwise: operands of lower rank that have D get axes of size 1 behind it. */
tdag_status tdagi_axis_lead_broadcast(const tdagi_axis_call *c, tdag_op op);
/* A permute of x, as one with the permute that x is, if it is one. */
tdag_status tdagi_axis_permute(const tdagi_axis_call *c,
                               const tdagi_axis_numbers *order, uint32_t x,
                               uint32_t *out);
/* Moves axis `from` of x to `to`; rank is x's. */
tdag_status tdagi_axis_move(const tdagi_axis_call *c, uint32_t rank, uint32_t from,
                            uint32_t to, uint32_t *x);
/* x, which has D in front, with axes of size 1 behind it (sink.c). */
tdag_status tdagi_axis_unsqueeze(const tdagi_axis_call *c,
                                 const tdagi_axis_numbers *axes, uint32_t x,
                                 uint32_t *out);
/* The node joins two parts, padded; and such a part, repeated along a new leading axis.
 */
bool tdagi_axis_is_concat(const tdagi_axis_call *c, tdag_op op);
tdag_status tdagi_axis_repeat_part(const tdagi_axis_call *c, uint32_t x, uint32_t *out);
/* x, repeated along a new leading axis. */
tdag_status tdagi_axis_repeat(const tdagi_axis_call *c, uint32_t x, uint32_t *out);
/* The input i, repeated along a new leading axis where it has none. */
tdag_status tdagi_axis_with_lead(const tdagi_axis_call *c, uint32_t i, uint32_t *out);

/* The n_inputs inputs have no D. */
bool tdagi_axis_unmarked(const tdagi_axis_call *c);

#endif
