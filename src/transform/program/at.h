/* Programs at other sizes. */
#ifndef TDAGI_PROGRAM_AT_H
#define TDAGI_PROGRAM_AT_H

#include "program/model.h"

/* tdag_substitute() of a program: symbols of its methods' inputs, in every method that
 * has them. */
tdag_status tdagi_program_at(tdag_ctx *ctx, const tdag_model *model,
                             const char *const *assignments, uint32_t n_assignments,
                             tdag_model **out);

#endif
