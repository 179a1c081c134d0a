/* What a file is, by its content. */
#ifndef TDAGI_OPEN_KIND_H
#define TDAGI_OPEN_KIND_H

#include <tdagger/open.h>

#include "archive/mapping.h"

/* As tdag_file_get_kind(), of a mapped file that sentences call `what`. */
tdag_status tdagi_file_kind(tdag_ctx *ctx, tdagi_mapping *mapping, const char *what,
                            tdag_file_kind *out);

#endif
