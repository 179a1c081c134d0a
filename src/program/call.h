/* What the arguments of a call tell about the sizes of its graph. */
#ifndef TDAGI_PROGRAM_CALL_H
#define TDAGI_PROGRAM_CALL_H

#include "program/program.h"

/* Solves the graph's symbols that dims of its inputs tell: sizes[s], where it is
 * TDAGI_DIM_BAD, becomes a dim of `to`, which is the method's pool or a clone. There
 * are as many arguments as the graph has inputs; one of another rank tells nothing. */
void tdagi_call_solve(const tdag_graph *g, const tdagi_method *m, const tdagi_var *args,
                      tdagi_pool *to, tdag_dim *sizes);

/* What no argument tells is the method's symbol of that name, of those with seen[i] 1
 * (NULL: of all). *missing_out: the name of one that there is not, or NULL. E_NOMEM. */
tdag_status tdagi_call_take_names(tdag_ctx *ctx, const tdag_graph *g,
                                  const tdagi_pool *to, const unsigned char *seen,
                                  tdag_dim *sizes, const char **missing_out);

/* The types of a call's results, in the method's pool: of the statement are read its
 * inputs, as many as the graph has, and its bindings, whose `of` are symbols of the
 * graph. What neither tells is the method's symbol of that name. Errors: E_FORMAT where
 * there is none, E_NOMEM, E_OVERFLOW, E_LIMIT. */
tdag_status tdagi_call_types(tdag_ctx *ctx, const tdag_graph *g, const tdagi_method *m,
                             const tdagi_statement *call, tdagi_type *types);

#endif
