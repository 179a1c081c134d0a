/* Core ML's messages, structures of model.pb-c.h, which proto/ is compiled to, from and
 * to bytes. */
#ifndef TDAGI_PROTOBUF_H
#define TDAGI_PROTOBUF_H

#include <model.pb-c.h>
#include <tdagger/status.h>

#include "base/arena.h"

/* Reads a message of that kind; it lives in the arena, and is checked before: levels of
 * nesting and the number of fields (wire.c). `what` names the file in
 * sentences. Errors: E_FORMAT, E_LIMIT, E_NOMEM, E_UNSUPPORTED (the library is not
 * there). */
tdag_status tdagi_message_read(tdag_ctx *ctx, tdagi_arena *arena,
                               const ProtobufCMessageDescriptor *descriptor,
                               const void *data, size_t size, const char *what,
                               ProtobufCMessage **out);
/* An empty message of that kind in the arena; NULL when out of memory. */
void *tdagi_message_new(tdagi_arena *arena,
                        const ProtobufCMessageDescriptor *descriptor);
/* The bytes of a message: a block of *size_out bytes, freed with tdagi_free(). Entries
 * stand in the order in which they are in it. Errors: E_LIMIT (2 GB), E_NOMEM,
 * E_UNSUPPORTED. */
tdag_status tdagi_message_write(tdag_ctx *ctx, const ProtobufCMessage *message,
                                uint8_t **out, size_t *size_out);

#endif
