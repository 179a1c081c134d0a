/* Folding constant scales and shifts into the weights of contractions.
 *
 * At the level of core ops a contraction is a sum over products, whatever operator it
 * came from, so folding needs no list of operators: a factor behind it goes down
 * through the views to the sum and into the weight's side of the product; a factor
 * before it goes up through the views and unfolds to the product and into the weight; a
 * term before it becomes a bias. */
#ifndef TDAGI_FOLD_H
#define TDAGI_FOLD_H

#include "ir/graph.h"

/* *changed_out says whether anything was folded; if not, *out is a copy. */
tdag_status tdagi_fold_weights(tdag_ctx *ctx, const tdag_graph *g, bool *changed_out,
                               tdag_graph **out);

#endif
