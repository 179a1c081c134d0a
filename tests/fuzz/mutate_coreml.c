/* A mutator that knows where messages end: random bytes would hardly ever get past the
 * lengths around them. It goes down to some message by the types of its fields, changes
 * one field of it, and sets the lengths anew on the way back. */
#include <model.pb-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

enum { MOST = 65536, FIELDS = 256, WORDS = 64 };

static uint64_t rng;

static size_t below(size_t n) /* splitmix64 */
{
    uint64_t z = rng += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return n == 0 ? 0 : (size_t)((z ^ (z >> 31)) % n);
}

/* ---- fields ---- */

typedef struct field {
    size_t start, value, end; /* value: behind the tag and the length */
    uint64_t tag;
} field;

static bool take(const uint8_t *data, size_t *at, size_t n, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; *at < n && shift < 64; shift += 7) {
        uint8_t byte = data[(*at)++];
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

static size_t put(uint8_t *to, uint64_t value)
{
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        to[n++] = (uint8_t)(value | 0x80);
    to[n++] = (uint8_t)value;
    return n;
}

/* Those of a message, as far as they are some. */
static size_t split(const uint8_t *data, size_t n, field *out)
{
    size_t count = 0;
    for (size_t at = 0; at < n && count < FIELDS; count++) {
        field f = {.start = at};
        uint64_t length = 0;
        if (!take(data, &at, n, &f.tag)) break;
        f.value = at;
        if ((f.tag & 7) == 0 && !take(data, &at, n, &length)) break;
        if ((f.tag & 7) == 1) at += 8;
        if ((f.tag & 7) == 5) at += 4;
        if ((f.tag & 7) == 2) {
            if (!take(data, &at, n, &length) || length > n - at) break;
            f.value = at;
            at += length;
        }
        if (at > n) break;
        f.end = at;
        out[count] = f;
    }
    return count;
}

static const ProtobufCFieldDescriptor *type_of(const ProtobufCMessageDescriptor *d,
                                               uint64_t tag)
{
    for (unsigned i = 0; i < d->n_fields; i++)
        if (d->fields[i].id == tag >> 3) return &d->fields[i];
    return NULL;
}

/* ---- changes ---- */

static uint8_t words[WORDS][64]; /* texts that were met */
static size_t word_sizes[WORDS], n_words;

static void meet_word(const uint8_t *text, size_t n)
{
    if (n == 0 || n > sizeof(words[0])) return;
    size_t i = n_words < WORDS ? n_words++ : below(WORDS);
    memcpy(words[i], text, n);
    word_sizes[i] = n;
}

/* data[start, end) becomes `with`; nothing where there is no room. */
static size_t splice(uint8_t *data, size_t n, size_t max, size_t start, size_t end,
                     const uint8_t *with, size_t size)
{
    if (n - (end - start) + size > max) return n;
    memmove(data + start + size, data + end, n - end);
    memcpy(data + start, with, size);
    return n - (end - start) + size;
}

/* The field with another value. */
static size_t replace(uint8_t *data, size_t n, size_t max, const field *f,
                      const uint8_t *value, size_t size)
{
    static uint8_t whole[MOST + 32];
    size_t at = put(whole, f->tag);
    if ((f->tag & 7) == 2) at += put(whole + at, size);
    if (size > MOST) return n;
    memcpy(whole + at, value, size);
    return splice(data, n, max, f->start, f->end, whole, at + size);
}

static uint64_t number(void)
{
    static const uint64_t some[] = {0,          1,         2,  3,  10,  11,  12,
                                    13,         21,        23, 31, 255, 256, UINT32_MAX,
                                    INT32_MAX,  INT64_MAX, 4,  5,  6,   7,   8,
                                    UINT64_MAX, 1u << 20,  64};
    return some[below(sizeof(some) / sizeof(*some))];
}

static size_t change_value(uint8_t *data, size_t n, size_t max, const field *f,
                           const ProtobufCFieldDescriptor *type)
{
    uint8_t value[512];
    size_t size = f->end - f->value;
    if ((f->tag & 7) == 0) return replace(data, n, max, f, value, put(value, number()));
    if (type != NULL && type->type == PROTOBUF_C_TYPE_STRING && n_words > 0 &&
        below(4) > 0) {
        size_t i = below(n_words);
        return replace(data, n, max, f, words[i], word_sizes[i]);
    }
    if (size > sizeof(value) / 2) return n;
    memcpy(value, data + f->value, size);
    size_t most = (f->tag & 7) == 2 ? sizeof(value) : size;
    if (most == 0) return n;
    size_t changed = LLVMFuzzerMutate(value, size, most);
    if ((f->tag & 7) != 2) changed = size;
    return replace(data, n, max, f, value, changed);
}

/* A field of the type's that is empty. */
static size_t insert(const ProtobufCMessageDescriptor *d, uint8_t *data, size_t n,
                     size_t max, size_t at)
{
    uint8_t made[24];
    if (d->n_fields == 0) return n;
    const ProtobufCFieldDescriptor *f = &d->fields[below(d->n_fields)];
    bool has_length =
        f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING ||
        f->type == PROTOBUF_C_TYPE_BYTES || f->label == PROTOBUF_C_LABEL_REPEATED;
    size_t size = put(made, (uint64_t)f->id << 3 | (has_length ? 2 : 0));
    size += put(made + size, has_length ? 0 : number());
    return splice(data, n, max, at, at, made, size);
}

static size_t change(const ProtobufCMessageDescriptor *d, uint8_t *data, size_t n,
                     size_t max, int depth);

static size_t change_inner(const ProtobufCMessageDescriptor *d, uint8_t *data, size_t n,
                           size_t max, const field *f, int depth)
{
    uint8_t *inner = malloc(MOST);
    size_t size = f->end - f->value;
    if (inner != NULL && size <= MOST) {
        memcpy(inner, data + f->value, size);
        size = change(d, inner, size, MOST, depth + 1);
        n = replace(data, n, max, f, inner, size);
    }
    free(inner);
    return n;
}

static size_t change(const ProtobufCMessageDescriptor *d, uint8_t *data, size_t n,
                     size_t max, int depth)
{
    field *f = malloc(FIELDS * sizeof(*f));
    size_t count = f == NULL ? 0 : split(data, n, f);
    if (count == 0 || below(24) == 0) {
        size_t at = count == 0 ? 0 : f[below(count)].start;
        free(f);
        return insert(d, data, n, max, at);
    }
    for (size_t i = 0; i < count; i++) {
        const ProtobufCFieldDescriptor *type = type_of(d, f[i].tag);
        if (type != NULL && type->type == PROTOBUF_C_TYPE_STRING)
            meet_word(data + f[i].value, f[i].end - f[i].value);
    }
    const field one = f[below(count)], other = f[below(count)];
    const ProtobufCFieldDescriptor *type = type_of(d, one.tag);
    free(f);
    if (type != NULL && type->type == PROTOBUF_C_TYPE_MESSAGE && (one.tag & 7) == 2 &&
        depth < 40 && below(8) > 0)
        return change_inner(type->descriptor, data, n, max, &one, depth);
    static uint8_t copy[MOST];
    size_t size = other.end - other.start;
    if (size > sizeof(copy)) return n;
    memcpy(copy, data + other.start, size);
    switch (below(6)) {
    case 0:
        return splice(data, n, max, one.start, one.end, copy, 0);
    case 1:
        return splice(data, n, max, one.start, one.start, copy, size);
    case 2:
        return splice(data, n, max, one.start, one.end, copy, size);
    default:
        return change_value(data, n, max, &one, type);
    }
}

/* The message with its length, and the weights behind it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    static uint8_t message[MOST], weights[MOST];
    rng = seed;
    if (size < 4 || size > MOST) return LLVMFuzzerMutate(data, size, max_size);
    size_t n = (size_t)data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
    if (n > size - 4) n = size - 4;
    size_t n_weights = size - 4 - n;
    memcpy(message, data + 4, n);
    memcpy(weights, data + 4 + n, n_weights);
    if (below(8) == 0 && n_weights > 0)
        n_weights = LLVMFuzzerMutate(weights, n_weights, n_weights);
    else
        for (size_t times = 1 + below(3); times > 0; times--)
            n = change(&cml__model__descriptor, message, n, MOST, 0);
    if (4 + n + n_weights > max_size) return size;
    for (int i = 0; i < 3; i++)
        data[i] = (uint8_t)(n >> 8 * i);
    if (below(16) == 0) data[3] ^= 1;
    memcpy(data + 4, message, n);
    memcpy(data + 4 + n, weights, n_weights);
    return 4 + n + n_weights;
}
