/* A mask among indices: x[:, mask]. */
#ifndef TDAGI_MASK_H
#define TDAGI_MASK_H

#include "aten/aten.h"

typedef struct tdagi_masking {
    tdag_value mask; /* bool, of the axes of x from `axis` on */
    uint32_t axis;
} tdagi_masking;

/* Reads `indices`: whether they are one mask, that has the sizes of x there. */
bool tdagi_arg_masking(tdagi_call *c, tdag_value x, tdagi_masking *out);
/* x with `values` where the mask is true. Row data 1: the values are those of all
 * positions of x. */
tdagi_any tdagi_put_masked(tdagi_call *c, tdag_value x, const tdagi_masking *m);

#endif
