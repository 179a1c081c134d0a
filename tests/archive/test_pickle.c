/* Pickles as PyTorch writes them: every opcode, and the tensors they rebuild. */
#include "archive/pickle_show.h"
#include "support/test.h"

#define BYTES(text)   .bytes = text, .size = sizeof text - 1
#define PICKLE(text)  BYTES("\x80\x02" text ".")
#define STRING(n, s)  "X" n "\0\0\0" s
#define FLOAT_STORAGE "ctorch\nFloatStorage\n"

static const struct {
    const char *bytes;
    size_t size;
    const char *want;
} cases[] = {
    {PICKLE("N"), "None"},
    {PICKLE("\x88"), "True"},
    {PICKLE("\x89"), "False"},
    {PICKLE("K\xff"), "255"},
    {PICKLE("M\x01\x02"), "513"},
    {PICKLE("J\xff\xff\xff\xff"), "-1"},
    {PICKLE("J\xff\xff\xff\x7f"), "2147483647"},
    {PICKLE("\x8a\x00"), "0"},
    {PICKLE("\x8a\x01\x80"), "-128"},
    {PICKLE("\x8a\x02\x80\x00"), "128"},
    {PICKLE("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), "9223372036854775807"},
    {PICKLE("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"), "-9223372036854775808"},
    {PICKLE("G\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5"},
    {PICKLE("G\xff\xf0\x00\x00\x00\x00\x00\x00"), "-inf"},
    {PICKLE(STRING("\x03", "a\303\266")), "'a\303\266'"},
    {PICKLE(STRING("\x00", "")), "''"},
    {PICKLE("ctorch.jit._pickle\nbuild_intlist\n"),
     "<torch.jit._pickle build_intlist>"},
    {PICKLE(")"), "()"},
    {PICKLE("K\x01\x85"), "(1)"},
    {PICKLE("K\x01K\x02\x86"), "(1, 2)"},
    {PICKLE("K\x01K\x02K\x03\x87"), "(1, 2, 3)"},
    {PICKLE("(K\x01(K\x02Nt(tt"), "(1, (2, None), ())"},
    {PICKLE("]"), "[]"},
    {PICKLE("](e"), "[]"},
    {PICKLE("](K\x01K\x02"
            "e"),
     "[1, 2]"},
    {PICKLE("](K\x01K\x02"
            "eK\x03"
            "a(K\x04K\x05K\x06K\x07K\x08K\x09"
            "e"),
     "[1, 2, 3, 4, 5, 6, 7, 8, 9]"},
    {PICKLE("}"), "{}"},
    {PICKLE("}(" STRING("\x01", "a") "K\x01K\x02Nu"), "{'a': 1, 2: None}"},
    {PICKLE("}K\x01K\x02s(K\x03K\x04uK\x05K\x06s"), "{1: 2, 3: 4, 5: 6}"},
    {PICKLE("c__torch__.a\nB\n)\x81}(" STRING("\x01", "w") "K\x01ub"),
     "new __torch__.a B() with {'w': 1}"},
    {PICKLE("cm\nf\nK\x01\x85R"), "m f(1)"},
    {PICKLE("ccollections\nOrderedDict\n)R"), "{}"},
    {PICKLE("ccollections\nOrderedDict\n)R(K\x01K\x02u}b"), "{1: 2}"},
    {PICKLE("K\x01K\x02\x86Q"), "persistent (1, 2)"},
    {PICKLE("(K\x07q\0h\0j\0\0\0\0t"), "(7, 7, 7)"},
    {PICKLE("(Nr\x01\0\0\0K\x01q\x02h\x01t"), "(None, 1, None)"},
    {PICKLE("(]q\0h\0t"), "([], [])"},
    {PICKLE("cm\nf\n(h\0t"), NULL}, /* nothing is there */
};

static void test_values(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdagi_arena arena;
        tdagi_text text;
        const tdagi_pickle *v = NULL;
        tdagi_arena_init(&arena, &ctx->allocator);
        tdagi_text_init(&text, ctx);
        tdag_status st = tdagi_pickle_read(ctx, &arena, cases[i].bytes, cases[i].size,
                                           "data.pkl", &v);
        if ((st == TDAG_OK) != (cases[i].want != NULL))
            fail_msg("case %zu: %s", i, tdag_ctx_get_error(ctx)->message);
        if (st == TDAG_OK) {
            pickle_show(&text, v);
            if (strcmp(text.data, cases[i].want) != 0)
                fail_msg("case %zu: %s instead of %s", i, text.data, cases[i].want);
        }
        tdagi_text_free(&text);
        tdagi_arena_free(&arena);
    }
    tdag_ctx_free(ctx);
}

/* The same object is the same pointer; the values that remember where they stood. */
static void test_sharing(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_arena arena;
    tdagi_arena_init(&arena, &ctx->allocator);
    static const char bytes[] = "\x80\x02(]q\0K\x01"
                                "ah\0]t.";
    const tdagi_pickle *v = NULL;
    TEST_OK(ctx, tdagi_pickle_read(ctx, &arena, bytes, sizeof bytes - 1, "p", &v));
    assert_int_equal(v->n, 3);
    assert_ptr_equal(v->u.items[0], v->u.items[1]);
    assert_ptr_not_equal(v->u.items[0], v->u.items[2]);
    assert_int_equal(v->u.items[0]->offset, 3);
    assert_int_equal(v->u.items[0]->u.items[0]->offset, 6);
    assert_int_equal(v->depth, 2);
    assert_int_equal(v->weight, 6);
    tdagi_arena_free(&arena);
    tdag_ctx_free(ctx);
}

/* ---- tensors ---- */

#define STORAGE(class, key, count)                                                     \
    "(X\7\0\0\0storage" class "X\1\0\0\0" key "X\3\0\0\0cpuK" count "tQ"
#define NO_HOOKS     "ccollections\nOrderedDict\n)R"
#define TENSOR(rest) "ctorch._utils\n_rebuild_tensor_v2\n(" rest "tR"
#define PLAIN(sizes, strides)                                                          \
    TENSOR(STORAGE(FLOAT_STORAGE, "3", "\x18") "K\x02" sizes strides "\x88" NO_HOOKS)

static const struct {
    const char *name;
    const char *bytes;
    size_t size;
    const char *want; /* NULL: it is no tensor; "!...": the sentence */
} tensors[] = {
    {"matrix", PICKLE(PLAIN("K\x02K\x03\x86", "K\x03K\x01\x86")),
     "FloatStorage 3 of 24 at 2: 2/3 3/1 grad"},
    {"scalar", PICKLE(PLAIN(")", ")")), "FloatStorage 3 of 24 at 2: grad"},
    {"seven parts",
     PICKLE(TENSOR(STORAGE("ctorch\nLongStorage\n", "0", "\x01") "K\x00))\x89" NO_HOOKS
                                                                 "}")),
     "LongStorage 0 of 1 at 0:"},
    {"parameter",
     PICKLE("ctorch._utils\n_rebuild_parameter\n(" PLAIN(")", ")") "\x89" NO_HOOKS
                                                                   "tR"),
     "FloatStorage 3 of 24 at 2:"},
    {"quantized",
     PICKLE("ctorch._utils\n_rebuild_qtensor\n(" STORAGE(
         "ctorch\nQInt8Storage\n", "1", "\x04") "K\x00K\x04\x85K\x01\x85(ctorch\nper_"
                                                "tensor_affine\nG\x3f\xf0\0\0\0\0\0\0"
                                                "K\0t\x89" NO_HOOKS "tR"),
     "QInt8Storage 1 of 4 at 0: 4/1 quantized"},
    {"another function", PICKLE("cos\nsystem\n)R"), NULL},
    {"a number", PICKLE("K\x01"), NULL},
    {"too few parts", PICKLE(TENSOR("K\x01")), "!too few parts"},
    {"no storage", PICKLE(TENSOR("NK\x00))\x89" NO_HOOKS)), "!storage that is none"},
    {"another class",
     PICKLE(TENSOR(STORAGE("cos\nStorage\n", "1", "\x04") "K\0))\x89N")),
     "!unknown form of id"},
    {"no class", PICKLE(TENSOR(STORAGE("ctorch\nFloat\n", "1", "\x04") "K\0))\x89N")),
     "!unknown form of id"},
    {"a number as id", PICKLE(TENSOR("K\x01QK\x00))\x89N")), "!unknown form of id"},
    {"another id", PICKLE(TENSOR("(X\1\0\0\0aNNNNtQK\x00))\x89N")),
     "!unknown form of id"},
    {"a zero in the key",
     PICKLE(TENSOR("(X\7\0\0\0storage" FLOAT_STORAGE "X\2\0\0\0a\0X\3\0\0\0cpuK\1tQ"
                   "K\x00))\x89N")),
     "!unknown form of id"},
    {"ranks", PICKLE(PLAIN("K\x02\x85", ")")), "!do not fit each other"},
    {"a negative size", PICKLE(PLAIN("J\xff\xff\xff\xff\x85", "K\x01\x85")),
     "!size or stride"},
    {"a negative stride", PICKLE(PLAIN("K\x01\x85", "J\xff\xff\xff\xff\x85")),
     "!size or stride"},
    {"a size that is none", PICKLE(PLAIN("N\x85", "K\x01\x85")), "!size or stride"},
    {"no flag", PICKLE(TENSOR(STORAGE(FLOAT_STORAGE, "3", "\x18") "K\0))NN")),
     "!offset or a flag"},
    {"a parameter of none",
     PICKLE("ctorch._utils\n_rebuild_parameter\n(N\x89" NO_HOOKS "tR"),
     "!parameter of no tensor"},
    {"a parameter alone", PICKLE("ctorch._utils\n_rebuild_parameter\n)R"),
     "!unknown form"},
};

static void show_tensor(tdagi_text *to, const tdagi_pickle_tensor *t)
{
    tdagi_text_printf(to, "%s %s of %lld at %lld:", t->storage_type, t->key,
                      (long long)t->storage_count, (long long)t->offset);
    for (uint32_t i = 0; i < t->rank; i++)
        tdagi_text_printf(to, " %lld/%lld", (long long)t->sizes[i]->u.i,
                          (long long)t->strides[i]->u.i);
    if (t->requires_grad) tdagi_text_add(to, " grad");
    if (t->is_quantized) tdagi_text_add(to, " quantized");
}

static void test_tensors(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        tdagi_arena arena;
        tdagi_text text;
        const tdagi_pickle *v = NULL;
        tdagi_pickle_tensor t;
        const char *want = tensors[i].want;
        bool is = false;
        tdagi_arena_init(&arena, &ctx->allocator);
        tdagi_text_init(&text, ctx);
        TEST_OK(ctx, tdagi_pickle_read(ctx, &arena, tensors[i].bytes, tensors[i].size,
                                       "data.pkl", &v));
        tdag_status st = tdagi_pickle_get_tensor(ctx, v, &is, &t);
        bool fails = want != NULL && want[0] == '!';
        if ((st != TDAG_OK) != fails) fail_msg("%s: status", tensors[i].name);
        if (fails && strstr(tdag_ctx_get_error(ctx)->message, want + 1) == NULL)
            fail_msg("%s: %s", tensors[i].name, tdag_ctx_get_error(ctx)->message);
        assert_true(is == (want != NULL && !fails));
        if (is) show_tensor(&text, &t);
        if (is && strcmp(text.data, want) != 0)
            fail_msg("%s: %s", tensors[i].name, text.data);
        tdagi_text_free(&text);
        tdagi_arena_free(&arena);
    }
    tdag_ctx_free(ctx);
}

/* ((((None, None), ...), ...), ...): 2^40 values as a tree, 41 as they are shared. */
static void test_shared(void **state)
{
    (void)state;
    char bytes[256] = {'\x80', '\x02', 'N'};
    size_t n = 3;
    tdagi_arena arena;
    const tdagi_pickle *v = NULL;
    tdag_ctx *ctx = test_ctx();
    for (int i = 0; i < 40; i++) {
        const char twice[] = {'q', (char)i, 'h', (char)i, '\x86'};
        memcpy(bytes + n, twice, sizeof(twice));
        n += sizeof(twice);
    }
    bytes[n++] = '.';
    tdagi_arena_init(&arena, &ctx->allocator);
    assert_int_equal(tdagi_pickle_read(ctx, &arena, bytes, n, "p", &v), TDAG_E_LIMIT);
    TEST_OK(ctx, tdagi_pickle_read_shared(ctx, &arena, bytes, n, "p", &v));
    assert_int_equal(v->n, 2);
    assert_int_equal(v->weight, UINT32_MAX);
    tdagi_arena_free(&arena);
    tdag_ctx_free(ctx);
}

/* ---- no memory ---- */

static tdag_status read_one(tdag_ctx *ctx, void *nothing)
{
    static const char bytes[] = "\x80\x02(]q\0(K\x01X\1\0\0\0a"
                                "eK\x02"
                                "ah\0"
                                "cm\nf\n)R}(NNu}bQt.";
    tdagi_arena arena;
    const tdagi_pickle *v = NULL;
    (void)nothing;
    tdagi_arena_init(&arena, &ctx->allocator);
    tdag_status st = tdagi_pickle_read(ctx, &arena, bytes, sizeof bytes - 1, "p", &v);
    tdagi_arena_free(&arena);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(read_one, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),  cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_tensors), cmocka_unit_test(test_shared),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
