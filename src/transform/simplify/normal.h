/* A form in which graphs are compared. */
#ifndef TDAGI_NORMAL_H
#define TDAGI_NORMAL_H

#include "ir/graph.h"

/* The graph by the exact simplifications, without regard to what raising would find in
 * it, without axes of size 1 that do nothing, its axes split, then permuted, then
 * joined: graphs with equal ones compute the same. */
tdag_status tdagi_normal_form(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out);

#endif
