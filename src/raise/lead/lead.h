/* Composites with a batch in a graph whose values have no axis for it, or one axis
 * more.
 *
 * Where an operator wants a batch (tdagi_composite_def.n_batched), a graph may hold
 * what it does to one sample, and to samples of two axes: a dimension was removed, or
 * added. So a guess says its `lead`, and what it lowers to is rewritten by the axis
 * rules of its nodes, as the graph was, before it is compared. The composite that is
 * found works on views of its operands, with an axis of size 1 in front, or two axes as
 * one, and a view of its result is the graph's value. */
#ifndef TDAGI_RAISE_LEAD_LEAD_H
#define TDAGI_RAISE_LEAD_LEAD_H

#include "raise/match.h"

/* How many operands have a batch in front; 0: a lead of 0 is all there is. */
uint32_t tdagi_lead_count(uint32_t composite);
/* The type of such an operand as the composite wants it; false: there is none. */
bool tdagi_lead_type(tdagi_raiser *r, const tdagi_guess *guess, uint32_t i,
                     tdagi_type *out);
/* Rewrites what was lowered in the scratch builder. By operand: `graph` is as in the
 * graph, `own` as the composite wants it. *top is the result's value, id 0 where it
 * cannot be rewritten. */
tdag_status tdagi_lead_rewrite(tdagi_raiser *r, const tdagi_guess *guess,
                               const tdag_value *graph, const tdag_value *own,
                               tdag_value *top);
/* Adds the views to a match of such a guess. */
tdag_status tdagi_lead_lay_out(tdagi_raiser *r, int lead, tdagi_match *m);
/* The view that takes the batch off for the graph's value v, and the shape with it. */
tdag_status tdagi_lead_take_off(tdagi_raiser *r, tdag_value v, int lead, uint32_t *n,
                                const tdagi_view **out, uint8_t *rank,
                                const tdag_dim **shape);
/* The lead of a match by its views; false: they say something else. */
bool tdagi_lead_read(const tdagi_match *m, int *lead);

/* Leaves out views that put back the axis that another one has taken off: also where
 * kernels are between that do not mind an axis more (settle.c). */
tdag_status tdagi_lead_settle(tdagi_raiser *r, tdagi_raised *out);

#endif
