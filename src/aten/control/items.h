/* How lists whose length a run tells are kept, for those who change them. */
#ifndef TDAGI_ITEMS_H
#define TDAGI_ITEMS_H

#include "aten/control/stack.h"

typedef struct tdagi_item_type {
    char letter; /* of a number; 0: a tensor */
    tdag_dtype dtype;
    uint32_t rank;
    const tdag_dim *dims;
} tdagi_item_type;

tdag_dtype tdagi_number_dtype(char letter);
/* False: an item, or a list of items, that no row holds. */
bool tdagi_item_type_of(tdagi_env *env, tdagi_any v, tdagi_item_type *out);
bool tdagi_item_type_of_list(tdagi_env *env, tdagi_any list, tdagi_item_type *out);
/* The item's value; its memory is in a list from now on. */
tdag_value tdagi_item_take(tdagi_env *env, tdagi_any item);
/* Items j of the tuples of a list. */
tdagi_any tdagi_column_of(tdagi_env *env, tdagi_any list, uint32_t j);
/* Whether it is kept as rows and lengths. */
bool tdagi_is_ragged(tdagi_any v);
/* Whether items of both types are of several lengths, which a run tells. */
bool tdagi_differs_in_length(const tdagi_env *env, const tdagi_item_type *a,
                             const tdagi_item_type *b);
/* The list as rows and lengths; NONE: other sizes differ, too. */
tdagi_any tdagi_ragged_of(tdagi_env *env, tdagi_any list, tdagi_any like,
                          uint32_t n_symbols);

#endif
