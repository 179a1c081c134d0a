/* Bytes of protobuf messages before they are unpacked. */
#ifndef TDAGI_WIRE_H
#define TDAGI_WIRE_H

#include <model.pb-c.h>
#include <tdagger/status.h>

/* The levels that messages nest at most, which unpacking follows by calls of calls; the
 * context's limit may be less. */
enum { TDAGI_WIRE_MAX_DEPTH = 128 };

/* Walks the fields of a message and of the messages in it: tags, kinds and lengths fit,
 * nothing stands twice, nesting has an end, and of fields there are no more than the
 * context's max_steps. Errors: E_FORMAT with the offset, E_LIMIT. */
tdag_status tdagi_wire_check(tdag_ctx *ctx,
                             const ProtobufCMessageDescriptor *descriptor,
                             const void *data, size_t size, const char *what);

#endif
