/* Contractions whose operands no level has as a composite wants them: hand-written
 * im2col and matmul, products over parts of axes. Synthetic views lay them out. */
#ifndef TDAGI_ARRANGE_H
#define TDAGI_ARRANGE_H

#include "raise/contraction/contraction.h"

/* What r->maps holds, as a convolution or an einsum of laid-out operands; *out stays
 * NULL where the maps are neither. */
tdag_status tdagi_arrange_conv(tdagi_raiser *r, tdagi_match **out);
tdag_status tdagi_arrange(tdagi_raiser *r, tdagi_match **out);

#endif
