/* Values of a method that are written as lists: tensors that loops carry and that
 * appends alone read, so that a row is added in constant time. */
#ifndef TDAGI_GROWING_H
#define TDAGI_GROWING_H

#include "program/model.h"

/* lists_out: by value the number of its list, from 1; 0: it is a tensor. In the arena,
 * as is appends_out: by graph, whether it adds a row. */
tdag_status tdagi_export_find_lists(tdag_ctx *ctx, tdagi_arena *arena,
                                    const tdag_model *model, const tdagi_method *m,
                                    uint32_t **lists_out, bool **appends_out);

#endif
