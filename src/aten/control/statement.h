/* What no pure graph holds, as statements of the program that is being read: random
 * numbers, operators whose results' sizes depend on data, sizes that data decides.
 * Where there can be no program, an issue is noted and no value given. */
#ifndef TDAGI_STATEMENT_H
#define TDAGI_STATEMENT_H

#include "aten/env.h"
#include "program/outline/outline.h"

/* Random numbers of that type; inputs as TDAGI_DRAW_... takes them. */
tdag_value tdagi_draw_add(tdagi_env *env, tdagi_draw_kind kind, uint32_t n_inputs,
                          const tdag_value *inputs, const tdagi_type *type);

/* A condition as a rank-0 bool; an issue where it is none. */
tdag_value tdagi_truth(tdagi_env *env, tdagi_any condition);
/* Ends the run with that sentence, which lives as long, where it does not hold. */
void tdagi_check_add(tdagi_env *env, tdag_value holds, const char *sentence);

/* An operator whose results have sizes that data decides. */
typedef struct tdagi_applied {
    const char *name, *arguments; /* as of tdagi_statement; they live as long */
    const tdag_value *inputs;
    uint32_t n_inputs, n_results;
} tdagi_applied;

/* The results where the same was applied to the same before, which is seen here. */
bool tdagi_apply_again(const tdagi_env *env, const tdagi_applied *a, tdag_value *out);
/* One more application; bindings: the symbols in the types, which it finds. */
void tdagi_apply_add(tdagi_env *env, const tdagi_applied *a, const tdagi_type *types,
                     const tdagi_outline_binding *bindings, uint32_t n_bindings,
                     tdag_value *out);
/* A symbol for a size that data decides, at most `most` (TDAGI_DIM_BAD: any). */
tdag_dim tdagi_found_symbol(tdagi_env *env, const char *prefix, tdag_dim most);
/* The size that n, a rank-0 i64, has; BAD after an issue or failure. */
tdag_dim tdagi_size_add(tdagi_env *env, tdag_value n, tdag_dim most);
/* Whether two values are computed in the same way; looks a few nodes up. */
bool tdagi_same_value(const tdag_graph *g, tdag_value a, tdag_value b);
/* Whether a dim depends on a size that a statement finds. */
bool tdagi_is_found(const tdagi_env *env, tdag_dim d);

#endif
