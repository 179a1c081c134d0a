/* Symbols of a pool replaced by what assignments say (tdagger/symbol.h). */
#ifndef TDAGI_ASSIGN_H
#define TDAGI_ASSIGN_H

#include "base/ctx.h"
#include "base/dim/dim.h"

/* Where an assignment has its '='. E_ARG. */
tdag_status tdagi_assignment_equals(tdag_ctx *ctx, const char *text, const char **out);
/* What n symbols of `from`, by number or, where it is NULL, the first ones, become in
 * `to`, where they or what they are made of are declared; replacements is by symbol. */
tdag_status tdagi_assign(tdag_ctx *ctx, const tdagi_pool *from, const uint32_t *symbols,
                         uint32_t n, const char *const *assignments,
                         uint32_t n_assignments, tdagi_pool *to,
                         tdag_dim *replacements);

#endif
