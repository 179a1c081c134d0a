/* What merging and carrying ask of values: numbers and tensors as one kind, what may be
 * None, what is the same. */
#ifndef TDAGI_DECIDED_H
#define TDAGI_DECIDED_H

#include "aten/control/merge.h"

bool tdagi_is_numeric(tdagi_any v); /* DATA, or a known number or string */
/* A number, or a tensor, as a value of the graph. */
tdag_value tdagi_value_of(tdagi_env *env, tdagi_any v);
/* The same as a value again: a number if `like` is one. */
tdagi_any tdagi_any_like(tdagi_env *env, tdagi_any like, tdag_value v);
/* v, which may be the memory of `of`, too. */
tdagi_any tdagi_showing(tdagi_any v, tdagi_any of);
tdag_value tdagi_zeros_like(tdagi_env *env, tdag_value v);
bool tdagi_may_be_none(tdagi_any v);
/* letter: 'k' of what a dict may lack. */
tdagi_any tdagi_optional(tdagi_env *env, tdagi_any there, tdagi_any v, char letter);
/* Nothing, with the parts that `like` has. */
tdagi_any tdagi_nothing_like(tdagi_env *env, tdagi_any like);
/* The two parts of what may be None; `like` is what it may be. */
void tdagi_optional_parts(tdagi_env *env, tdagi_any v, tdagi_any like,
                          tdagi_any out[2]);
bool tdagi_same_keys(tdagi_env *env, const tdagi_dict *a, const tdagi_dict *b);
/* The same tensor, object or known value. */
bool tdagi_is_same_value(tdagi_env *env, tdagi_any a, tdagi_any b);

#endif
