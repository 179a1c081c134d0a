/* Values of a method that are written as lists: tensors that loops carry and that
 * appends alone read, so that a row is added in constant time. */
#ifndef TDAGI_GROWING_H
#define TDAGI_GROWING_H

#include "program/outline/outline.h"

typedef struct tdagi_lists {
    uint32_t *of; /* by value the number of its list, from 1; 0: it is a tensor */
    unsigned char *kind; /* by list, a tdagi_row_way: rows that are set are all set,
                            once, in the order of the rounds, so that nothing of what
                            the loop begins with is left */
    unsigned char *ways; /* by graph, a tdagi_row_way */
} tdagi_lists;

/* In the arena. */
tdag_status tdagi_export_find_lists(tdag_ctx *ctx, tdagi_arena *arena,
                                    const tdag_model *model, const tdagi_method *m,
                                    tdagi_lists *out);

#endif
