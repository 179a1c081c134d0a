/* Lists whose length a run tells, as a loop's that grow: one tensor that has the items
 * as its rows, of one dtype and size; of tuples, a list for each item of them; of
 * tensors of several lengths, their rows one after the other, and the lengths. Items
 * are values: who writes to one in place after it was put into such a list is refused.
 */
#ifndef TDAGI_STACK_H
#define TDAGI_STACK_H

#include "aten/aten.h"

/* The list with its items as rows. `like`, a list too, tells the type of items where it
 * has none; sizes may have the first n_symbols only, as later ones are not seen where
 * the list is made. NONE: the items are of no or several types. */
tdagi_any tdagi_stack_of(tdagi_env *env, tdagi_any list, tdagi_any like,
                         uint32_t n_symbols);
/* Of tuples: one with the columns of another, which are then put in. */
tdagi_any tdagi_stack_columns(tdagi_env *env, const tdagi_seq *columns, char letter);
/* A list of those rows. */
tdagi_any tdagi_stack_list(tdagi_env *env, tdagi_cell *rows, char letter);
/* The parts of a tensor along an axis; letter: of a tensor's numbers, else 0. */
tdagi_any tdagi_stack_unbind(tdagi_env *env, tdagi_any t, int64_t axis, char letter);
/* Its n items: the run checks that it has as many. */
tdagi_any tdagi_stack_items(tdagi_env *env, tdagi_any list, uint32_t n);
/* rows with `row` behind them, by a statement of the program. */
tdag_value tdagi_stack_append(tdagi_env *env, tdag_value rows, tdag_value row);
/* An operator that has such a list among its arguments. False: none has one. */
bool tdagi_stack_call(tdagi_env *env, const tdagi_schema *schema, const tdagi_any *args,
                      uint32_t n_args, tdagi_any *out);

#endif
