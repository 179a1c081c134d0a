/* A graph at other sizes, as an import at those sizes would have made it: a size as
 * data that has become a number is a constant. */
#ifndef TDAGI_SIZES_H
#define TDAGI_SIZES_H

#include "ir/graft.h"

/* Copies all nodes of the graft's graph, by its replacements, and finishes. */
tdag_status tdagi_graft_sizes(tdagi_graft *t, tdag_graph **out);

#endif
