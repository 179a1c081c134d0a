/* Bytes of messages that libprotobuf-c would take, or read its own way, and those that
 * it must not see at all. */
#include "base/ctx.h"
#include "coreml/proto/protobuf.h"
#include "support/test.h"

#define BYTES(s) s, sizeof(s) - 1

/* A Model: field 2 is its description, of which 1 are inputs and 11 is a text; 500 and
 * 502 exclude each other. */
static const struct {
    const char *name, *bytes;
    size_t size;
    tdag_status status;
    const char *says;
} cases[] = {
    {"empty", BYTES(""), TDAG_OK, ""},
    {"plain", BYTES("\x08\x07\x12\x05\x5a\x01y\x0a\x00\xb2\x1f\x02\x08\x01"), TDAG_OK,
     ""},
    {"unknown fields", BYTES("\x18\x05\x22\x01x\x2d\x01\x02\x03\x04"), TDAG_OK, ""},
    {"no tag", BYTES("\x00"), TDAG_E_FORMAT, "a field without a number"},
    {"half a tag", BYTES("\xb2"), TDAG_E_FORMAT, "a field without a number"},
    {"a tag that never ends", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
     TDAG_E_FORMAT, "a field without a number"},
    {"a number that never ends", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
     TDAG_E_FORMAT, "beyond its message"},
    {"no number", BYTES("\x08"), TDAG_E_FORMAT, "beyond its message"},
    {"too long", BYTES("\x12\x05\x5a\x01y"), TDAG_E_FORMAT, "beyond its message"},
    {"huge", BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), TDAG_E_FORMAT,
     "beyond its message"},
    {"too long inside", BYTES("\x12\x03\x5a\x02y"), TDAG_E_FORMAT,
     "beyond its message"},
    {"a group", BYTES("\x0b\x0c"), TDAG_E_FORMAT, "beyond its message"},
    {"a text as number", BYTES("\x0a\x01x"), TDAG_E_FORMAT, "another kind"},
    {"a number as message", BYTES("\x10\x07"), TDAG_E_FORMAT, "another kind"},
    {"a number as text", BYTES("\x12\x02\x58\x01"), TDAG_E_FORMAT, "another kind"},
    {"32 bits as number", BYTES("\x0d\x01\x02\x03\x04"), TDAG_E_FORMAT, "another kind"},
    {"number twice", BYTES("\x08\x07\x08\x07"), TDAG_E_FORMAT, "twice"},
    {"message twice", BYTES("\x12\x00\x12\x00"), TDAG_E_FORMAT, "twice"},
    {"two of a choice", BYTES("\xb2\x1f\x00\xa2\x1f\x00"), TDAG_E_FORMAT, "twice"},
    {"repeated", BYTES("\x12\x04\x0a\x00\x0a\x00"), TDAG_OK, ""},
};

static void test_cases(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tdagi_arena arena;
        ProtobufCMessage *m = NULL;
        tdagi_arena_init(&arena, &ctx->allocator);
        tdag_status st =
            tdagi_message_read(ctx, &arena, &cml__model__descriptor, cases[i].bytes,
                               cases[i].size, "the model", &m);
        const char *message = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].status || strstr(message, cases[i].says) == NULL)
            fail_msg("%s: %d: %s", cases[i].name, (int)st, message);
        tdagi_arena_free(&arena);
    }
    tdag_ctx_free(ctx);
}

/* ---- limits ---- */

static tdag_status read_with(const tdag_limits *limits, const uint8_t *bytes,
                             size_t size)
{
    tdag_ctx_options o;
    tdag_ctx *ctx = NULL;
    tdagi_arena arena;
    ProtobufCMessage *m = NULL;
    tdag_ctx_options_init(&o);
    o.limits = *limits;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    tdagi_arena_init(&arena, &ctx->allocator);
    tdag_status st = tdagi_message_read(ctx, &arena, &cml__model__descriptor, bytes,
                                        size, "the model", &m);
    if (st != TDAG_OK) assert_true(tdag_ctx_get_error(ctx)->message[0] != '\0');
    tdagi_arena_free(&arena);
    tdag_ctx_free(ctx);
    return st;
}

/* Pipelines of pipelines: written from the inside out. */
static size_t nest(uint8_t *room, size_t end, uint32_t levels)
{
    size_t at = end;
    for (uint32_t i = 0; i < levels; i++) {
        static const uint8_t tags[2][2] = {{0x0a, 0}, {0xd2, 0x0c}}; /* 1, 202 */
        size_t n = end - at;
        if (n > 127) room[--at] = (uint8_t)(n >> 7);
        room[--at] = (uint8_t)((n & 127) | (n > 127 ? 128 : 0));
        if (i % 2 == 1) room[--at] = tags[1][1];
        room[--at] = tags[i % 2][0];
    }
    return at;
}

static void test_nesting(void **state)
{
    (void)state;
    static uint8_t room[4096];
    const tdag_limits none = {0}, few = {.max_depth = 20};
    size_t at = nest(room, sizeof(room), 100);
    assert_int_equal(read_with(&none, room + at, sizeof(room) - at), TDAG_OK);
    assert_int_equal(read_with(&few, room + at, sizeof(room) - at), TDAG_E_LIMIT);
    at = nest(room, sizeof(room), 300);
    assert_int_equal(read_with(&none, room + at, sizeof(room) - at), TDAG_E_LIMIT);
}

/* Two bytes of a file become an input in memory: what it takes is bounded. */
static void test_amplified(void **state)
{
    (void)state;
    enum { N = 100000 };
    uint8_t *bytes = malloc(2 * N + 4);
    assert_non_null(bytes);
    bytes[0] = 0x12; /* a description of 200,000 bytes */
    bytes[1] = (uint8_t)(2 * N & 127) | 128;
    bytes[2] = (uint8_t)(2 * N >> 7 & 127) | 128;
    bytes[3] = (uint8_t)(2 * N >> 14);
    for (int i = 0; i < N; i++) {
        bytes[4 + 2 * i] = 0x0a;
        bytes[5 + 2 * i] = 0;
    }
    const tdag_limits none = {0}, steps = {.max_steps = N - 1},
                      memory = {.max_memory = 1 << 20};
    assert_int_equal(read_with(&none, bytes, 2 * N + 4), TDAG_OK);
    assert_int_equal(read_with(&steps, bytes, 2 * N + 4), TDAG_E_LIMIT);
    assert_int_equal(read_with(&memory, bytes, 2 * N + 4), TDAG_E_NOMEM);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_amplified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
