/* What the arguments of a call tell about the sizes of its graph. */
#ifndef TDAGI_PROGRAM_CALL_H
#define TDAGI_PROGRAM_CALL_H

#include "program/program.h"

/* Solves the graph's symbols that dims of its inputs tell: sizes[s], where it is
 * TDAGI_DIM_BAD, becomes a dim of `to`, which is the method's pool or a clone. There
 * are as many arguments as the graph has inputs; one of another rank tells nothing. */
void tdagi_call_solve(const tdag_graph *g, const tdagi_method *m, const tdagi_var *args,
                      tdagi_pool *to, tdag_dim *sizes);

#endif
