/* Simplification of models that are programs. */
#ifndef TDAGI_PROGRAM_SIMPLIFY_H
#define TDAGI_PROGRAM_SIMPLIFY_H

#include <tdagger/simplify.h>

/* What tdag_simplify() does for programs; the options are checked. */
tdag_status tdagi_simplify_program(tdag_ctx *ctx, const tdag_model *model,
                                   const tdag_simplify_options *options,
                                   tdag_model **out);

#endif
