/* Loads libtdagger_protobuf.so and drives it: messages are unpacked into an arena,
 * which is what frees them. */
#include "coreml/proto/protobuf.h"

#include <limits.h>
#include <string.h>

#include "base/beside.h"
#include "base/ctx.h"
#include "coreml/proto/module.h"
#include "coreml/proto/wire.h"

/* What the messages' defaults point to, instead of libprotobuf-c's own. */
const char tdagi_protobuf_empty_string[] = "";

/* Loaded for good: what was unpacked outlives no call, but loading costs. */
static const tdagi_protobuf *load(void)
{
    tdagi_protobuf_get_api_fn *get_api = NULL;
    if (!tdagi_load_beside("libtdagger_protobuf.so", TDAGI_PROTOBUF_SYMBOL, &get_api))
        return NULL;
    const tdagi_protobuf *api = get_api();
    return api->abi == TDAGI_PROTOBUF_ABI ? api : NULL;
}

static tdag_status need_api(tdag_ctx *ctx, const tdagi_protobuf **out)
{
    *out = load();
    if (*out != NULL) return TDAG_OK;
    return tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                      "Core ML's files need libtdagger_protobuf.so beside libtdagger, "
                      "with libprotobuf-c");
}

typedef struct unpacking {
    tdagi_arena *arena;
    bool is_out_of_memory;
} unpacking;

static void *take(void *user, size_t size)
{
    unpacking *u = user;
    void *p = tdagi_arena_alloc(u->arena, size);
    if (p == NULL) u->is_out_of_memory = true;
    return p;
}

static void leave(void *user, void *p)
{
    (void)user;
    (void)p;
}

tdag_status tdagi_message_read(tdag_ctx *ctx, tdagi_arena *arena,
                               const ProtobufCMessageDescriptor *descriptor,
                               const void *data, size_t size, const char *what,
                               ProtobufCMessage **out)
{
    const tdagi_protobuf *api;
    unpacking u = {arena, false};
    ProtobufCAllocator allocator = {take, leave, &u};
    TDAGI_TRY(need_api(ctx, &api));
    TDAGI_TRY(tdagi_wire_check(ctx, descriptor, data, size, what));
    *out = api->unpack(descriptor, &allocator, size, data);
    if (*out != NULL) return TDAG_OK;
    if (u.is_out_of_memory) return tdagi_nomem(ctx);
    return tdagi_fail(ctx, TDAG_E_FORMAT, "%s is damaged: its messages end too early",
                      what);
}

void *tdagi_message_new(tdagi_arena *arena,
                        const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *m = tdagi_arena_alloc(arena, descriptor->sizeof_message);
    const char *empty = tdagi_protobuf_empty_string;
    if (m == NULL) return NULL;
    memset(m, 0, descriptor->sizeof_message);
    m->descriptor = descriptor;
    for (uint32_t i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &descriptor->fields[i];
        bool is_one = f->label != PROTOBUF_C_LABEL_REPEATED &&
                      (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0;
        if (f->type == PROTOBUF_C_TYPE_STRING && is_one)
            memcpy((char *)m + f->offset, &empty, sizeof(empty));
    }
    return m;
}

tdag_status tdagi_message_write(tdag_ctx *ctx, const ProtobufCMessage *message,
                                uint8_t **out, size_t *size_out)
{
    const tdagi_protobuf *api;
    void *block = NULL;
    TDAGI_TRY(need_api(ctx, &api));
    size_t size = api->size(message);
    if (size > INT_MAX)
        return tdagi_fail(ctx, TDAG_E_LIMIT,
                          "the program needs %llu bytes, more than the 2 GB of a "
                          "message; keep its numbers in weights",
                          (unsigned long long)size);
    TDAGI_TRY(tdagi_alloc(ctx, size, &block));
    api->pack(message, block);
    *out = block;
    *size_out = size;
    return TDAG_OK;
}
