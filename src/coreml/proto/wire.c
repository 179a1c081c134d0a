/* See wire.h. One level of messages is one level of calls, at most
 * TDAGI_WIRE_MAX_DEPTH. */
#include "coreml/proto/wire.h"

#include "base/ctx.h"

typedef struct walk {
    tdag_ctx *ctx;
    const char *what;
    const uint8_t *start; /* of the file, for offsets */
} walk;

typedef struct bytes {
    const uint8_t *p, *end;
} bytes;

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

static tdag_status damaged(const walk *w, const uint8_t *at, const char *how)
{
    tdagi_fail(w->ctx, TDAG_E_FORMAT, "%s is damaged: %s", w->what, how);
    tdagi_fail_at_offset(w->ctx, (uint64_t)(at - w->start));
    return TDAG_E_FORMAT;
}

static bool take_varint(bytes *b, uint64_t *out)
{
    *out = 0;
    for (uint32_t shift = 0; b->p < b->end && shift < 64; shift += 7) {
        uint8_t byte = *b->p++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *d,
                                                  uint64_t number)
{
    uint32_t low = 0, high = d->n_fields;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (d->fields[middle].id < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < d->n_fields && d->fields[low].id == number ? &d->fields[low] : NULL;
}

/* Steps over a field's value; inner_out: the bytes of one with a length. */
static bool take_value(bytes *b, uint32_t kind, bytes *inner_out)
{
    uint64_t n = 0;
    *inner_out = (bytes){b->p, b->p};
    if (kind == VARINT) return take_varint(b, &n);
    if (kind == LENGTH && !take_varint(b, &n)) return false;
    if (kind == FIXED64) n = 8;
    if (kind == FIXED32) n = 4;
    if (kind > LENGTH && kind != FIXED32) return false;
    if (n > (uint64_t)(b->end - b->p)) return false;
    *inner_out = (bytes){b->p, b->p + n};
    b->p += n;
    return true;
}

static tdag_status check(const walk *w, const ProtobufCMessageDescriptor *d, bytes b,
                         uint32_t depth)
{
    if (depth > TDAGI_WIRE_MAX_DEPTH)
        return tdagi_fail(w->ctx, TDAG_E_LIMIT, "%s nests more than %d messages",
                          w->what, (int)TDAGI_WIRE_MAX_DEPTH);
    while (b.p < b.end) {
        const uint8_t *at = b.p;
        uint64_t tag;
        bytes inner;
        if (!take_varint(&b, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
            return damaged(w, at, "a field without a number");
        if (!take_value(&b, (uint32_t)(tag & 7), &inner))
            return damaged(w, at, "a field that ends beyond its message");
        const ProtobufCFieldDescriptor *f = find_field(d, tag >> 3);
        if (f == NULL || f->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        if ((tag & 7) != LENGTH) return damaged(w, at, "a number for a message");
        TDAGI_TRY(check(w, f->descriptor, inner, depth + 1));
    }
    return tdagi_poll(w->ctx);
}

tdag_status tdagi_wire_check(tdag_ctx *ctx,
                             const ProtobufCMessageDescriptor *descriptor,
                             const void *data, size_t size, const char *what)
{
    const walk w = {ctx, what, data};
    bytes all = {data, (const uint8_t *)data + size};
    return check(&w, descriptor, all, 0);
}
