/* One small example of each composite. */
#ifndef TEST_RAISE_EXAMPLES_H
#define TEST_RAISE_EXAMPLES_H

#include "raise/support.h"

/* NULL: it has none. */
const law *example_of(tdagi_composite id);
/* Its graph, of an input per operand. */
tdag_graph *example_graph(tdag_ctx *ctx, const law *l);
/* Numbers that are positions, probabilities and whatever else operands are. */
void example_fill(tdag_tensor *t);

#endif
