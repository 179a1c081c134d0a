/* What a mask picks, y[m]: its shape depends on data, so it is no tensor at first but
 * POISON with an issue. What it is of is remembered: element-wise operators act on all
 * of y, and x[m] = y[m] writes where the mask says, so that no shape has to be known.
 * For all other uses it becomes a tensor, of a size that a statement finds; where there
 * can be no statements the issue is noted. */
#ifndef TDAGI_SELECTION_H
#define TDAGI_SELECTION_H

#include "aten/aten.h"

typedef struct tdagi_selection {
    tdag_value full; /* y, or what an operator makes of all of it */
    tdag_value mask; /* bool, of the axes of y from `axis` on */
    uint32_t axis;
    tdagi_cell *cell;  /* once it is a tensor; else NULL */
    tdag_value picked; /* what that held at first */
    tdag_dim first;    /* known of it: its first element; 0: nothing */
    const struct tdagi_selection
        *sizes; /* of the steps of a packed sequence; or NULL */
    struct tdagi_selection *next;
} tdagi_selection;

/* What v is a selection of as a tensor from now on, where it is one and there can be
 * statements; any other value as it is. */
tdagi_any tdagi_settled(tdagi_env *env, tdagi_any v);
/* All selections so far: what follows is a block that may not be run. */
void tdagi_settle_all(tdagi_env *env);

tdagi_any tdagi_selection_new(tdagi_call *c, tdag_value full, tdag_value mask,
                              uint32_t axis);
/* A packed sequence: the rows of x [T, B, ...] that mask [T, B] picks, and how many
 * there are of each step. */
void tdagi_selection_packed(tdagi_call *c, tdag_value x, tdag_value mask,
                            tdagi_any out[2]);
/* Another one of the same mask and steps. */
tdagi_any tdagi_selection_as(tdagi_call *c, const tdagi_selection *as, tdag_value full);
/* The same of another one's issue, which is noted when something else uses it. */
tdagi_any tdagi_selection_like(tdagi_call *c, tdagi_selection is,
                               const struct tdagi_issue *issue);
/* Puts all of y in the place of y[m] among the arguments of a call that can be made so.
 * The result is what *out says, of which the elements are picked; NULL: it is whole, or
 * there is no such argument. False: no memory. */
bool tdagi_selection_enter(tdagi_call *c, tdagi_any *out);
/* The result of such a call. */
tdagi_any tdagi_selection_leave(tdagi_call *c, tdagi_any of, tdagi_any result);

#endif
