/* Positions of what is not zero, of a number that data decides. */
#ifndef TDAGI_FOUND_H
#define TDAGI_FOUND_H

#include "aten/aten.h"

/* How many elements it has. */
tdag_dim tdagi_numel(tdagi_env *env, tdag_value v);
/* i64[K]: which of the elements, row by row, are not zero. NO_VALUE after an issue or
 * failure. */
tdag_value tdagi_positions_of(tdagi_env *env, tdag_value mask);
/* `indices` with the positions along each of its axes in the place of a mask. */
tdagi_any tdagi_without_masks(tdagi_call *c, tdagi_any indices);
/* self with slices of an axis as often as `repeats`, a tensor, says. */
tdagi_any tdagi_repeated(tdagi_call *c, tdag_value x, tdag_value repeats);

#endif
