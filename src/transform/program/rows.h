/* Looking up and putting in rows at places that are constants, as the steps of a loop
 * that was unrolled do by its index: slices, and all rows side by side. */
#ifndef TDAGI_ROWS_H
#define TDAGI_ROWS_H

#include "ir/graph.h"

/* A gather at one constant place, or at places that follow each other, is a select or
 * a slice; scatters that put in every row of a value, one behind the other, are a stack
 * of these rows. The graph is simplified: constants are leaves. */
tdag_status tdagi_settle_rows(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out);

#endif
