/* What a mask picks, y[m]: its shape depends on data, so it is no tensor here but
 * POISON with an issue. What it is of is remembered: element-wise operators act on all
 * of y, and x[m] = y[m] writes where the mask says, so that the issue is noted for
 * other uses only. */
#ifndef TDAGI_SELECTION_H
#define TDAGI_SELECTION_H

#include "aten/aten.h"

typedef struct tdagi_selection {
    tdag_value full; /* y, or what an operator makes of all of it */
    tdag_value mask; /* bool, of the axes of y from `axis` on */
    uint32_t axis;
} tdagi_selection;

tdagi_any tdagi_selection_new(tdagi_call *c, tdag_value full, tdag_value mask,
                              uint32_t axis);
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
