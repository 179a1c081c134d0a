/* See wire.h. One level of messages is one level of calls, at most
 * TDAGI_WIRE_MAX_DEPTH. What libprotobuf-c would take, and nobody writes, is refused: a
 * field of another kind than its type's, and one that stands twice, which it would
 * merge. */
#include "coreml/proto/wire.h"

#include "base/ctx.h"

typedef struct walk {
    tdag_ctx *ctx;
    const char *what;
    const uint8_t *start; /* of the file, for offsets */
    uint64_t steps;       /* fields that may still come */
    uint32_t max_depth;
} walk;

/* What a message has had: fields that may stand there once, by their place in the
 * structure, where those of which one may stand there share one. */
typedef struct once {
    unsigned seen[8]; /* the first ones; a message has a few such fields */
    uint32_t n;
} once;

typedef struct bytes {
    const uint8_t *p, *end;
} bytes;

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };

static tdag_status damaged(walk *w, const uint8_t *at, const char *how)
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

/* How a type's values stand in a file. */
static uint32_t kind_of(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return FIXED64;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return FIXED32;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return LENGTH;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        break;
    }
    return VARINT;
}

/* Numbers that repeat stand one by one, or all in one field. */
static bool is_kind(const ProtobufCFieldDescriptor *f, uint32_t kind)
{
    return kind == kind_of(f) ||
           (kind == LENGTH && f->label == PROTOBUF_C_LABEL_REPEATED);
}

/* Whether the field, or another one of which one may stand there, was there before. */
static bool is_second(once *o, const ProtobufCFieldDescriptor *f)
{
    bool shares = (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    unsigned place = shares ? f->quantifier_offset : f->offset;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return false;
    for (uint32_t i = 0; i < o->n; i++)
        if (o->seen[i] == place) return true;
    if (o->n < sizeof(o->seen) / sizeof(*o->seen)) o->seen[o->n++] = place;
    return false;
}

static tdag_status too_much(walk *w, const char *what, uint64_t limit)
{
    return tdagi_fail(w->ctx, TDAG_E_LIMIT, "%s has more than %llu %s", w->what,
                      (unsigned long long)limit, what);
}

static tdag_status check(walk *w, const ProtobufCMessageDescriptor *d, bytes b,
                         uint32_t depth)
{
    once o = {.n = 0};
    if (depth > w->max_depth) return too_much(w, "levels of messages", w->max_depth);
    while (b.p < b.end) {
        const uint8_t *at = b.p;
        uint64_t tag;
        bytes inner;
        if (!take_varint(&b, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
            return damaged(w, at, "a field without a number");
        if (!take_value(&b, (uint32_t)(tag & 7), &inner))
            return damaged(w, at, "a field that ends beyond its message");
        const ProtobufCFieldDescriptor *f = find_field(d, tag >> 3);
        if (w->steps-- == 0) return too_much(w, "fields", w->ctx->limits.max_steps);
        if (f == NULL) continue;
        if (!is_kind(f, (uint32_t)(tag & 7)))
            return damaged(w, at, "a field of another kind than its type's");
        if (is_second(&o, f)) return damaged(w, at, "a field that stands there twice");
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        TDAGI_TRY(check(w, f->descriptor, inner, depth + 1));
    }
    return tdagi_poll(w->ctx);
}

tdag_status tdagi_wire_check(tdag_ctx *ctx,
                             const ProtobufCMessageDescriptor *descriptor,
                             const void *data, size_t size, const char *what)
{
    const uint64_t depth = ctx->limits.max_depth;
    walk w = {ctx, what, data, ctx->limits.max_steps, TDAGI_WIRE_MAX_DEPTH};
    if (depth < w.max_depth) w.max_depth = (uint32_t)depth;
    bytes all = {data, (const uint8_t *)data + size};
    return check(&w, descriptor, all, 0);
}
