/* Shared by the files that write the JSON of a .tdag file. */
#ifndef TDAGI_TDAG_WRITE_H
#define TDAGI_TDAG_WRITE_H

#include "base/text.h"
#include "format/tdag.h"
#include "program/name_map.h"
#include "program/text/text.h"

/* A method of a verified model as an object of version 2. */
void tdagi_tdag_write_method(tdag_ctx *ctx, const tdag_model *model,
                             const tdagi_method *m, tdagi_text *to);

#endif
