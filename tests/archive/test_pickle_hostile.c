/* Pickles that are wrong or mean: a status, a sentence, and memory in proportion to
 * their bytes. */
#include "archive/pickle.h"
#include "support/test.h"

#define BYTES(text)  .bytes = text, .size = sizeof text - 1
#define PICKLE(text) BYTES("\x80\x02" text ".")

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
    tdag_status st;
    const char *sentence;
} cases[] = {
    {"empty", .bytes = "", .size = 0, TDAG_E_FORMAT, "ends in the middle"},
    {"text", BYTES("hello"), TDAG_E_FORMAT, "it is no pickle"},
    {"protocol 4", BYTES("\x80\x04N."), TDAG_E_UNSUPPORTED, "another protocol"},
    {"no STOP", BYTES("\x80\x02N"), TDAG_E_FORMAT, "ends in the middle"},
    {"bytes behind", BYTES("\x80\x02N.N"), TDAG_E_FORMAT, "goes on behind its end"},
    {"nothing", PICKLE(""), TDAG_E_FORMAT, "more or less than one value"},
    {"two values", PICKLE("NN"), TDAG_E_FORMAT, "more or less than one value"},
    {"a mark left", PICKLE("(N"), TDAG_E_FORMAT, "more or less than one value"},
    {"GLOBAL by stack", PICKLE("\x93"), TDAG_E_UNSUPPORTED, "opcode 0x93"},
    {"INST", PICKLE("(ios\nsystem\n"), TDAG_E_UNSUPPORTED, "opcode 0x69"},
    {"OBJ", PICKLE("(o"), TDAG_E_UNSUPPORTED, "opcode 0x6f"},
    {"EXT1", PICKLE("\x82\x01"), TDAG_E_UNSUPPORTED, "opcode 0x82"},
    {"POP", PICKLE("N0"), TDAG_E_UNSUPPORTED, "opcode 0x30"},
    {"DUP", PICKLE("N2"), TDAG_E_UNSUPPORTED, "opcode 0x32"},
    {"NEWOBJ_EX", PICKLE("\x92"), TDAG_E_UNSUPPORTED, "opcode 0x92"},
    {"a mark that is none", PICKLE("Nt"), TDAG_E_FORMAT, "no mark"},
    {"a list that is none", PICKLE("N(e"), TDAG_E_FORMAT, "no list"},
    {"a list of nothing", PICKLE("(e"), TDAG_E_FORMAT, "too few values"},
    {"a list below a mark", PICKLE("](((ee"), TDAG_E_FORMAT, "too few values"},
    {"a dict that is none", PICKLE("](NNu"), TDAG_E_FORMAT, "no dict"},
    {"half a pair", PICKLE("}(Nu"), TDAG_E_FORMAT, "no dict"},
    {"SETITEM of one", PICKLE("}Ns"), TDAG_E_FORMAT, "too few values"},
    {"APPEND of none", PICKLE("]a"), TDAG_E_FORMAT, "too few values"},
    {"APPEND below a mark", PICKLE("](Na"), TDAG_E_FORMAT, "too few values"},
    {"TUPLE3 of two", PICKLE("NN\x87"), TDAG_E_FORMAT, "too few values"},
    {"persistent nothing", PICKLE("Q"), TDAG_E_FORMAT, "too few values"},
    {"REDUCE of one", PICKLE("NR"), TDAG_E_FORMAT, "too few values"},
    {"no tuple of arguments", PICKLE("cm\nf\nNR"), TDAG_E_FORMAT, "no tuple"},
    {"a state for a number", PICKLE("K\1}b"), TDAG_E_FORMAT, "takes none"},
    {"two states", PICKLE("cm\nf\n)\x81}b}b"), TDAG_E_FORMAT, "takes none"},
    {"a string cut", PICKLE("X\x7f\0\0\0abc"), TDAG_E_FORMAT, "ends in the middle"},
    {"2 GB of string", PICKLE("X\xff\xff\xff\x7f"), TDAG_E_FORMAT, "ends in the"},
    {"4 GB of string", PICKLE("X\xff\xff\xff\xff"), TDAG_E_FORMAT, "ends in the"},
    {"no UTF-8", PICKLE("X\1\0\0\0\xff"), TDAG_E_FORMAT, "not UTF-8"},
    {"surrogates", PICKLE("X\3\0\0\0\xed\xa0\x80"), TDAG_E_FORMAT, "not UTF-8"},
    {"a name cut", PICKLE("cos"), TDAG_E_FORMAT, "does not end"},
    {"half a name", PICKLE("cos\nsystem"), TDAG_E_FORMAT, "does not end"},
    {"no name", PICKLE("cos\n\n"), TDAG_E_FORMAT, "name that is none"},
    {"a blank in a name", PICKLE("cos\nsys tem\n"), TDAG_E_FORMAT, "with a blank"},
    {"a zero in a name", PICKLE("cos\nsys\0tem\n"), TDAG_E_FORMAT, "with a blank"},
    {"a long integer", PICKLE("\x8a\x09\1\1\1\1\1\1\1\1\1"), TDAG_E_UNSUPPORTED,
     "does not fit 64 bits"},
    {"a memo index", PICKLE("Nr\xff\xff\xff\x0f"), TDAG_E_FORMAT, "memo index above"},
    {"the last one", PICKLE("Nr\xff\xff\xff\xff"), TDAG_E_FORMAT, "memo index above"},
    {"nothing there", PICKLE("NNh\0"), TDAG_E_FORMAT, "nothing was put at"},
    {"nothing far there", PICKLE("Nq\0j\x01\0\0\0"), TDAG_E_FORMAT, "nothing was put"},
    {"nothing to put", PICKLE("(q\0"), TDAG_E_FORMAT, "too few values"},
    {"a list in itself", PICKLE("]q\0h\0a"), TDAG_E_FORMAT, "contained itself"},
    {"in itself by a tuple", PICKLE("]q\0(h\0te"), TDAG_E_FORMAT, "no mark"},
    {"in itself by a pair",
     PICKLE("]q\0h\0\x85"
            "a"),
     TDAG_E_FORMAT, "contained itself"},
    {"a dict in itself", PICKLE("}q\0Nh\0s"), TDAG_E_FORMAT, "contained itself"},
    {"an object in itself", PICKLE("cm\nf\n)\x81q\0}(Nh\0ub"), TDAG_E_FORMAT,
     "contained itself"},
    {"two lists", PICKLE("]q\0]q\1h\0ah\1a"), TDAG_E_FORMAT, "contained itself"},
    {"fetched before", PICKLE("(]q\0\x85q\1h\0h\1at"), TDAG_E_FORMAT,
     "contained itself"},
};

static tdag_status read_bytes(tdag_ctx *ctx, const char *bytes, size_t size,
                              const char *what)
{
    tdagi_arena arena;
    const tdagi_pickle *v = NULL;
    char *copy = malloc(size + (size == 0)); /* the sanitizers watch its end */
    assert_non_null(copy);
    if (size > 0) memcpy(copy, bytes, size);
    tdagi_arena_init(&arena, &ctx->allocator);
    tdag_status st = tdagi_pickle_read(ctx, &arena, copy, size, "data.pkl", &v);
    if (st != TDAG_OK && tdag_ctx_get_error(ctx)->message[0] == '\0')
        fail_msg("%s: no sentence", what);
    if (st == TDAG_E_NOMEM || st == TDAG_E_INTERNAL || (st == TDAG_OK && v == NULL))
        fail_msg("%s: %s", what, tdag_status_text(st));
    if (arena.total > 2048 + 200 * size) fail_msg("%s: %zu bytes", what, arena.total);
    tdagi_arena_free(&arena);
    free(copy);
    return st;
}

static void test_wrong(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_status st = read_bytes(ctx, cases[i].bytes, cases[i].size, cases[i].name);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].st || strstr(message, cases[i].sentence) == NULL)
            fail_msg("%s: %s: %s", cases[i].name, tdag_status_text(st), message);
        if (strncmp(message, "data.pkl: ", 10) != 0) fail_msg("%s: where", message);
    }
    tdag_ctx_free(ctx);
}

/* ---- too deep, too many ---- */

/* A pickle of `head`, n times `body`, `tail`. */
static tdag_status repeat(tdag_ctx *ctx, const char *head, const char *body, size_t n,
                          const char *tail, const char *what)
{
    size_t head_n = strlen(head), body_n = strlen(body), tail_n = strlen(tail);
    char *bytes = malloc(2 + head_n + n * body_n + tail_n + 1), *p = bytes;
    assert_non_null(bytes);
    memcpy(p, "\x80\x02", 2);
    memcpy(p += 2, head, head_n);
    p += head_n;
    for (size_t i = 0; i < n; i++, p += body_n)
        memcpy(p, body, body_n);
    memcpy(p, tail, tail_n + 1);
    p[tail_n] = '.';
    tdag_status st = read_bytes(ctx, bytes, (size_t)(p - bytes) + tail_n + 1, what);
    free(bytes);
    return st;
}

static void test_deep(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    assert_int_equal(repeat(ctx, "N", "\x85", 2048, "", "2048 tuples"), TDAG_OK);
    assert_int_equal(repeat(ctx, "N", "\x85", 2049, "", "2049 tuples"), TDAG_E_LIMIT);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "2048 levels"));
    assert_int_equal(repeat(ctx, "N", "\x85", 200000, "", "tuples"), TDAG_E_LIMIT);
    assert_int_equal(repeat(ctx, "", "(", 1000000, "", "marks"), TDAG_E_FORMAT);
    assert_int_equal(repeat(ctx, "(", "N", 1000000, "t", "items"), TDAG_OK);
    assert_int_equal(repeat(ctx, "]", "Na", 1000000, "", "appended"), TDAG_OK);
    assert_int_equal(repeat(ctx, "]", "(Ne", 300000, "", "appended"), TDAG_OK);
    tdag_ctx_free(ctx);
}

/* Each of n tuples has the one before it twice: 2^n values as a tree. */
static tdag_status share(tdag_ctx *ctx, int n)
{
    char bytes[2000] = "\x80\x02Nq\0";
    size_t size = 5;
    bytes[4] = 0;
    for (int i = 0; i < n; i++) {
        const char step[] = {'h', (char)i, '\x86', 'q', (char)(i + 1)};
        memcpy(bytes + size, step, sizeof step);
        size += sizeof step;
    }
    bytes[size++] = '.';
    return read_bytes(ctx, bytes, size, "shared");
}

static void test_shared(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    assert_int_equal(share(ctx, 10), TDAG_OK);
    assert_int_equal(share(ctx, 18), TDAG_OK);
    assert_int_equal(share(ctx, 25), TDAG_E_LIMIT);
    assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, "share"));
    assert_int_equal(share(ctx, 200), TDAG_E_LIMIT);
    tdag_ctx_free(ctx);
}

/* ---- damage ---- */

static const char whole[] =
    "\x80\x02"
    "c__torch__.net\nNet\nq\0)\x81}(X\6\0\0\0weightq\1ctorch._utils\n"
    "_rebuild_tensor_v2\nq\2((X\7\0\0\0storageq\3ctorch\nFloatStorage\nq\4X\1\0\0\0"
    "0X\3\0\0\0cpuK\6tQq\5K\0K\2K\3\x86K\3K\1\x86\x89"
    "ccollections\nOrderedDict\n)R"
    "tRX\4\0\0\0tiedh\2(h\5M\1\2J\1\2\3\4\x8a\1\5]tRX\1\0\0\0sG\1\2\3\4\5\6\7\x08ub.";

static void test_truncated(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    size_t size = sizeof whole - 1;
    assert_int_equal(read_bytes(ctx, whole, size, "whole"), TDAG_OK);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(read_bytes(ctx, whole, i, "cut"), TDAG_E_FORMAT);
    tdag_ctx_free(ctx);
}

static void test_flipped(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char bytes[sizeof whole];
    size_t size = sizeof whole - 1, loaded = 0;
    memcpy(bytes, whole, sizeof whole);
    for (size_t i = 0; i < 8 * size; i++) {
        bytes[i / 8] = (char)(bytes[i / 8] ^ 1 << i % 8);
        loaded += read_bytes(ctx, bytes, size, "flipped") == TDAG_OK;
        bytes[i / 8] = whole[i / 8];
    }
    assert_true(loaded > 0 && loaded < 6 * size); /* texts and numbers */
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong),   cmocka_unit_test(test_deep),
        cmocka_unit_test(test_shared),  cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
