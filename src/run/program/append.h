/* Rows added to tensors without copying those that are there. */
#ifndef TDAGI_APPEND_H
#define TDAGI_APPEND_H

#include "base/tensor.h"

/* t [T, ...] with the row v [...] behind it: [T + 1, ...]. The first append copies t
 * into memory with room for more, later ones write behind it as long as nothing else
 * was; t stays what it is, and so does what others see of its memory. */
tdag_status tdagi_append_row(tdag_ctx *ctx, const tdag_tensor *t, const tdag_tensor *v,
                             tdag_tensor **out);
/* The same with all of v, which has t's rank, behind it along an axis before which
 * there are only ones. */
tdag_status tdagi_append_all(tdag_ctx *ctx, tdag_tensor *t, const tdag_tensor *v,
                             uint32_t axis, tdag_tensor **out);
/* t itself, or a copy where it lies in memory with room: for who keeps it or may write
 * to it. Takes the reference. */
tdag_status tdagi_append_settle(tdag_ctx *ctx, tdag_tensor **t);

#endif
