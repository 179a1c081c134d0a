/* What packs and unpacks messages, libprotobuf-c. It is not linked with libtdagger: it
 * comes with a small library of its own (libtdagger_protobuf.so, from module.c), which
 * is loaded when the first such file is met. */
#ifndef TDAGI_MODULE_H
#define TDAGI_MODULE_H

#include <protobuf-c/protobuf-c.h>

#define TDAGI_PROTOBUF_ABI    1u
#define TDAGI_PROTOBUF_SYMBOL "tdag_protobuf_get_api"

typedef struct tdagi_protobuf {
    uint32_t abi; /* TDAGI_PROTOBUF_ABI */
    ProtobufCMessage *(*unpack)(const ProtobufCMessageDescriptor *descriptor,
                                ProtobufCAllocator *allocator, size_t size,
                                const uint8_t *data);
    size_t (*size)(const ProtobufCMessage *message);
    size_t (*pack)(const ProtobufCMessage *message, uint8_t *out);
} tdagi_protobuf;

/* What the symbol is: one constant table for the life of the process. */
typedef const tdagi_protobuf *tdagi_protobuf_get_api_fn(void);

#endif
