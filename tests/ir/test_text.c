/* Graphs as text: round trips of every op and value, refused texts, random damage. */
#include <locale.h>
#include <math.h>

#include <tdagger/graph.h>

#include "ir/graph.h"
#include "ir/text/number.h"
#include "support/test.h"

/* ---- a graph with every op ---- */

static void add_leaves(tdag_ctx *ctx, tdag_builder *b)
{
#define LEAF(id, code, text, size, kind)                                               \
    {                                                                                  \
        const int64_t shape[2] = {2, code % 2 ? 9 : 3};                                \
        tdag_tensor *t = NULL;                                                         \
        if (tdag_tensor_create(ctx, TDAG_##id, 2, shape, &t) == TDAG_OK) {             \
            for (int64_t i = 0; i < t->count; i++)                                     \
                tdagi_tensor_set_f64(t, i, ((double)i - 3) / 7);                       \
            tdag_add_tensor(b, (tdag_op)(TDAG_OP_PARAMETER + code % 3), "leaf." text,  \
                            t);                                                        \
            tdag_tensor_free(t);                                                       \
        }                                                                              \
    }
    TDAG_DTYPE_MAP(LEAF)
#undef LEAF
    const int64_t none[3] = {4, 0, 2};
    tdag_tensor *t = NULL;
    if (tdag_tensor_create(ctx, TDAG_I8, 3, none, &t) == TDAG_OK)
        tdag_add_tensor(b, TDAG_OP_BUFFER, "empty", t);
    tdag_tensor_free(t);
}

static tdag_value add_movement(tdag_builder *b, tdag_value x, tdag_dim n, tdag_dim s)
{
    tdag_dim twice = tdag_dim_mul(b, s, 2);
    tdag_value p = tdag_permute(b, x, TDAG_LIST(1, 0, 2)); /* [S, N, 6] */
    tdag_value g = tdag_group(b, p, TDAG_LIST(2, 1));      /* [N*S, 6] */
    tdag_builder_set_scope(b, "block.0");
    tdag_value u = tdag_ungroup(b, g, TDAG_LIST(2, 2), TDAG_LIST(s, n, 2, 3));
    tdag_value one = tdag_unsqueeze(b, u, TDAG_LIST(0));
    one = tdag_squeeze(b, one, TDAG_LIST(0)); /* [S, N, 2, 3] */
    tdag_value r = tdag_repeat(b, tdag_unsqueeze(b, s == 0 ? one : x, TDAG_LIST(0)),
                               TDAG_LIST(twice, 1, 1, 1));
    r = tdag_slice(b, r, TDAG_LIST(1, 0, 0, 0), TDAG_LIST(twice, n, s, 5));
    r = tdag_select(b, r, 0, tdag_dim_sub(b, s, 1));
    for (int mode = TDAG_PAD_CONSTANT; mode <= TDAG_PAD_CIRCULAR; mode++)
        tdag_pad(b, r, TDAG_LIST(0, 0, 0, 1), TDAG_LIST(0, 0, n, 2),
                 (tdag_pad_mode)mode, mode == 0 ? -(double)INFINITY : 0.1);
    tdag_value f = tdag_unfold(b, x, TDAG_LIST(1, 1, 2), TDAG_LIST(1, 1, 1));
    return tdag_fold(b, f, TDAG_LIST(1, 1, 2), TDAG_LIST(1, 1, 1));
}

static void add_rest(tdag_builder *b, tdag_value x, tdag_dim n, tdag_dim s)
{
    tdag_builder_set_scope(b, "a scope, \"quoted\"");
    for (int op = TDAG_OP_NEG; op <= TDAG_OP_FLOOR; op++)
        tdag_unary(b, (tdag_op)op, x);
    for (int op = TDAG_OP_ADD; op <= TDAG_OP_EQUAL; op++)
        tdag_binary(b, (tdag_op)op, x, x);
    for (int kind = TDAG_REDUCE_SUM; kind <= TDAG_REDUCE_MEAN; kind++)
        tdag_reduce(b, x, (tdag_reduction)kind, TDAG_LIST(1, 2));
    tdag_scan(b, x, TDAG_REDUCE_MAX, 1);
    tdag_argsort(b, x, 2, true);
    tdag_add_node(b, TDAG_OP_ARGSORT, &(tdag_argsort_spec){2, 0, TDAG_ORDER_SELECTED},
                  sizeof(tdag_argsort_spec), &x, 1);
    tdag_convert(b, x, TDAG_BF16);
    tdag_builder_set_scope(b, NULL);
    tdag_where(b, tdag_convert(b, x, TDAG_BOOL), x, x);
    tdag_value index = tdag_iota(b, n, TDAG_I64);
    tdag_gather(b, x, index, 0);
    for (int mode = TDAG_SCATTER_SET; mode <= TDAG_SCATTER_MAX; mode++)
        tdag_scatter(b, x, index, x, 0, (tdag_scatter_mode)mode);
    const tdag_opaque_spec spec = {"lib::op.overload",
                                   "a=\"1\\2\"\n\x01\xC3\xA9",
                                   1,
                                   TDAG_F64,
                                   {2, (const int64_t[]){n, s}}};
    const tdag_value many[5] = {x, x, index, x, x};
    tdag_add_node(b, TDAG_OP_OPAQUE, &spec, sizeof spec, many, 5);
    tdag_value last = tdag_add_node(b, TDAG_OP_OPAQUE, &spec, sizeof spec, many, 0);
    tdag_builder_set_name(b, last, "odd \"name\"\twith\\all");
    tdag_builder_add_output(b, last);
    last = tdag_add_scalar(b, TDAG_F64, -0.0);
    tdag_builder_set_name(b, last, "return");
    tdag_builder_add_output(b, last);
}

static tdag_status build(tdag_ctx *ctx, tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdag_status st = tdag_builder_create(ctx, &b);
    if (st != TDAG_OK) return st;
    tdag_dim n = tdag_builder_symbol(b, "N", 4), s = tdag_builder_symbol(b, "S", 9);
    tdag_value x = tdag_add_input(b, "x", TDAG_F32, 3, (const tdag_dim[]){n, s, 6});
    tdag_dim half = tdag_dim_floordiv(b, tdag_dim_add(b, n, 1), 2);
    tdag_add_input(b, NULL, TDAG_U8, 1, &half);
    add_leaves(ctx, b);
    tdag_value y = add_movement(b, x, n, s);
    add_rest(b, x, n, s);
    tdag_builder_add_output(b, y);
    tdag_builder_add_output(b, y);
    st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

static void test_every_op(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL, *again = NULL;
    char *text = NULL, *text2 = NULL;
    TEST_OK(ctx, build(ctx, &g));
    bool seen[TDAGI_OP_CODES] = {false};
    for (uint32_t id = 1; id <= g->n; id++)
        seen[g->nodes[id].op] = true;
    for (uint32_t op = 0; op < TDAGI_OP_CODES; op++)
        if (tdagi_op_row_of(op) != NULL && !seen[op])
            fail_msg("the graph has no %s", tdag_op_name((tdag_op)op));
    TEST_OK(ctx, tdag_graph_print(ctx, g, TDAG_TEXT_FULL, &text));
    tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &again);
    if (st != TDAG_OK)
        fail_msg("%s at %.100s", tdag_ctx_get_error(ctx)->message,
                 text + tdag_ctx_get_error(ctx)->offset);
    TEST_OK(ctx, tdag_verify(ctx, again));
    TEST_OK(ctx, tdag_graph_print(ctx, again, TDAG_TEXT_FULL, &text2));
    assert_string_equal(text, text2);
    assert_true(tdag_graph_equal(g, again));
    tdag_text_free(ctx, text2);
    tdag_text_free(ctx, text);
    tdag_graph_free(again);

    /* Without the values of large tensors, those become zeros: another graph. */
    TEST_OK(ctx, tdag_graph_print(ctx, g, 0, &text));
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &again));
    assert_false(tdag_graph_equal(g, again));
    assert_int_equal(again->n, g->n);
    tdag_text_free(ctx, text);
    tdag_graph_free(again);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* ---- texts by hand ---- */

static const char golden[] =
    "tdag 1\n"
    "symbols N=4 S=128\n"
    "x: f32[N,3,S] = input\n"
    "w: f32[3] = parameter [1, -0, nan] @layer.0\n"
    "big: i32[17] = buffer\n"
    "v4: f32[N,3,1] = reduce(x) {axes=[2], kind=sum} @layer.0\n"
    "v5: f32[3,1] = unsqueeze(w) {axes=[1]}\n"
    "y: f32[N,3,1] = multiply(v4, v5)\n"
    "return y, y\n";

static void test_golden(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL;
    char *text = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, golden, strlen(golden), &g));
    TEST_OK(ctx, tdag_graph_print(ctx, g, 0, &text));
    assert_string_equal(text, golden);
    tdag_text_free(ctx, text);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* Comments, spaces, other numbers, left-out types and fields: as a person may write. */
static const char loose[] = "# a comment\r\n\n"
                            "tdag  1 # here too\r\n"
                            "  symbols  S = 128 N=4\n\n"
                            "x : f32[ N , 3 , 64 * 2 * S - 127*S ]=input\n"
                            "w: f32[3]=parameter[1,-0.0,nan]@layer.0\n"
                            "big: i32[17] = buffer @\"\"\n";
static const char loose_rest[] =
    "v70 = reduce ( x ) { kind = sum , axes = [2] } @layer.0\n"
    "v4 = unsqueeze(w){axes=[1]}\n"
    "\"y\" = multiply(v70, v4)\n"
    "return y,\"y\"";

static void test_loose(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL, *want = NULL;
    char text[1024];
    snprintf(text, sizeof text, "%s%s", loose, loose_rest);
    assert_int_equal(tdag_graph_parse(ctx, text, strlen(text), &g), TDAG_E_FORMAT);
    *strstr(text, "@\"\"") = '#'; /* an empty scope is not written */
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
    TEST_OK(ctx, tdag_graph_parse(ctx, golden, strlen(golden), &want));
    assert_true(tdag_graph_equal(g, want));
    tdag_graph_free(g);
    tdag_graph_free(want);
    tdag_ctx_free(ctx);
}

/* ---- refused ---- */

#define HEAD "tdag 1\nsymbols N=4\nx: f32[N,3] = input\n"

/* The offset is that of the mark '^', which is taken out; without one, any. */
static const struct {
    const char *name, *text;
    tdag_status status;
} refused[] = {
    {"empty", "^", TDAG_E_FORMAT},
    {"something else", "^{\"a\": 1}", TDAG_E_FORMAT},
    {"a longer word", "^tdagger 1\nreturn\n", TDAG_E_FORMAT},
    {"version", "^tdag 2\nreturn\n", TDAG_E_UNSUPPORTED},
    {"no version", "tdag ^x\n", TDAG_E_FORMAT},
    {"no return", HEAD "^", TDAG_E_FORMAT},
    {"no line end", "tdag 1 ^2\nreturn\n", TDAG_E_FORMAT},
    {"after return", HEAD "return x\n^y = neg(x)\n", TDAG_E_FORMAT},
    {"unknown op", HEAD "y = ^relu(x)\nreturn y\n", TDAG_E_FORMAT},
    {"unknown value", HEAD "y = neg(^z)\nreturn y\n", TDAG_E_FORMAT},
    {"automatic unknown", HEAD "y = neg(^v1)\nreturn y\n", TDAG_E_FORMAT},
    {"value below", HEAD "y = neg(^v2)\nv2 = neg(x)\nreturn y\n", TDAG_E_FORMAT},
    {"return unknown", HEAD "return ^z\n", TDAG_E_FORMAT},
    {"name twice", HEAD "^x = neg(x)\nreturn x\n", TDAG_E_FORMAT},
    {"number twice", HEAD "v1 = neg(x)\n^v1 = neg(x)\nreturn\n", TDAG_E_FORMAT},
    {"number zero", HEAD "^v0 = neg(x)\nreturn\n", TDAG_E_FORMAT},
    {"no type of an input", HEAD "y = ^input\nreturn\n", TDAG_E_FORMAT},
    {"dtype", HEAD "y: ^f31[N] = input\nreturn\n", TDAG_E_FORMAT},
    {"wrong type", HEAD "y: ^f32[N,4] = neg(x)\nreturn\n", TDAG_E_FORMAT},
    {"wrong dtype", HEAD "y: ^f64[N,3] = neg(x)\nreturn\n", TDAG_E_FORMAT},
    {"unknown symbol", HEAD "y: f32[N,2*^M] = neg(x)\nreturn\n", TDAG_E_FORMAT},
    {"negative dim", HEAD "y: ^f32[N-5] = input\nreturn\n", TDAG_E_SHAPE},
    {"many axes", HEAD "y: ^f32[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] = input\nreturn\n",
     TDAG_E_FORMAT},
    {"symbolic tensor", HEAD "y: f32[N] = buffer^\nreturn\n", TDAG_E_FORMAT},
    {"few values", HEAD "y: f32[2] = buffer [1^]\nreturn\n", TDAG_E_FORMAT},
    {"many values", HEAD "y: f32[2] = buffer [1,2^,3]\nreturn\n", TDAG_E_FORMAT},
    {"bad value", HEAD "y: f32[2] = buffer [1,^two]\nreturn\n", TDAG_E_FORMAT},
    {"value of another dtype", HEAD "y: u8[2] = buffer [1,^256]\nreturn\n",
     TDAG_E_FORMAT},
    {"fraction", HEAD "y: i64[1] = buffer [^1.5]\nreturn\n", TDAG_E_FORMAT},
    {"too large", HEAD "y: f16[1] = buffer [^1e6]\nreturn\n", TDAG_E_FORMAT},
    {"bits of no NaN", HEAD "y: f16[1] = buffer [^nan(0x1234)]\nreturn\n",
     TDAG_E_FORMAT},
    {"huge tensor", HEAD "y: f32[1000000000,1000000000] = buffer\nreturn\n",
     TDAG_E_LIMIT},
    {"huge list", HEAD "y: f32[100000] = buffer [^1]\nreturn\n", TDAG_E_FORMAT},
    {"field", HEAD "y = reduce(x) {^axis=[0]}\nreturn\n", TDAG_E_FORMAT},
    {"field twice", HEAD "y = reduce(x) {axes=[0], ^axes=[0]}\nreturn\n",
     TDAG_E_FORMAT},
    {"field of none", HEAD "y = neg(x) {^axes=[0]}\nreturn\n", TDAG_E_FORMAT},
    {"kind", HEAD "y = reduce(x) {axes=[0], kind=^median}\nreturn\n", TDAG_E_FORMAT},
    {"no kind", HEAD "^y = reduce(x) {axes=[0]}\nreturn\n", TDAG_E_ARG},
    {"order", HEAD "y = argsort(x) {axis=0, order=^loose}\nreturn\n", TDAG_E_FORMAT},
    {"bool", HEAD "y = argsort(x) {axis=0, descending=^1}\nreturn\n", TDAG_E_FORMAT},
    {"string", HEAD "y = opaque(x) {name=^lib}\nreturn\n", TDAG_E_FORMAT},
    {"escape", HEAD "y = opaque(x) {name=\"^\\q\"}\nreturn\n", TDAG_E_FORMAT},
    {"open string", HEAD "y = opaque(x) {name=\"^a\nreturn\n", TDAG_E_FORMAT},
    {"a rule of the op", HEAD "^y = permute(x) {order=[0,0]}\nreturn\n", -1},
    {"arity", HEAD "^y = add(x)\nreturn\n", TDAG_E_ARG},
    {"too many operands", HEAD "^y = neg(x, x, x, x, x, x, x, x, x)\nreturn\n",
     TDAG_E_ARG},
    {"scope", HEAD "y = neg(x) @^/\nreturn\n", TDAG_E_FORMAT},
    {"symbol twice", "tdag 1\nsymbols N=4 ^N=5\nreturn\n", TDAG_E_ARG},
    {"symbol's name", "tdag 1\nsymbols ^4=4\nreturn\n", TDAG_E_ARG},
    {"symbol's sample", "tdag 1\nsymbols N=^x\nreturn\n", TDAG_E_FORMAT},
    {"number", "tdag 1\nsymbols N=^99999999999999999999\nreturn\n", TDAG_E_FORMAT},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        tdag_ctx *ctx = test_ctx();
        char text[512];
        snprintf(text, sizeof text, "%s", refused[i].text);
        char *mark = strchr(text, '^');
        if (mark != NULL) memmove(mark, mark + 1, strlen(mark));
        tdag_graph *g = NULL;
        tdag_status st = tdag_graph_parse(ctx, text, strlen(text), &g);
        const tdag_error *e = tdag_ctx_get_error(ctx);
        bool as_said =
            (int)refused[i].status == -1 ? st != TDAG_OK : st == refused[i].status;
        if (!as_said)
            fail_msg("%s: %s (%s)", refused[i].name, tdag_status_text(st), e->message);
        assert_true(strlen(e->message) > 5);
        if (mark != NULL && e->offset != (uint64_t)(mark - text))
            fail_msg("%s: offset %llu, not %llu (%s)", refused[i].name,
                     (unsigned long long)e->offset, (unsigned long long)(mark - text),
                     e->message);
        tdag_ctx_free(ctx);
    }
}

/* ---- damage ---- */

static uint32_t random_below(uint64_t *s, uint32_t n)
{
    *s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*s >> 33) % n;
}

/* Changes, removes, doubles or copies bytes; at most twice the size stays. */
static size_t damage(uint64_t *r, char *text, size_t n)
{
    static const char likely[] = "[](){}=,:@\"\\\n -0123456789vNSx*/+#.";
    uint32_t n_changes = 1 + random_below(r, 3);
    for (uint32_t k = 0; k < n_changes && n > 8; k++) {
        size_t at = random_below(r, (uint32_t)n), length = 1 + random_below(r, 8);
        size_t from = random_below(r, (uint32_t)n);
        if (at + length > n) length = n - at;
        if (from + length > n) from = n - length;
        switch (random_below(r, 4)) {
        case 0:
            text[at] = likely[random_below(r, sizeof likely - 1)];
            break;
        case 1:
            text[at] = (char)random_below(r, 256);
            break;
        case 2:
            memmove(text + at, text + at + length, n - at - length);
            n -= length;
            break;
        default:
            memmove(text + at, text + from, length);
            break;
        }
    }
    return n;
}

static void test_damage(void **state)
{
    (void)state;
    test_heap heap = {0};
    tdag_ctx_options options;
    tdag_ctx_options_init(&options);
    options.allocator.realloc = test_heap_realloc;
    options.allocator.user = &heap;
    options.limits.max_tensor_bytes = 1 << 20;
    tdag_ctx *ctx = NULL;
    assert_int_equal(tdag_ctx_create(&options, &ctx), TDAG_OK);
    tdag_graph *g = NULL;
    char *text = NULL;
    TEST_OK(ctx, build(ctx, &g));
    TEST_OK(ctx, tdag_graph_print(ctx, g, 0, &text));
    size_t size = strlen(text);
    char *broken = malloc(size);
    assert_non_null(broken);
    int64_t live = heap.live_blocks;
    uint64_t r = 7;
    int n_read = 0;
    for (int round = 0; round < 4000; round++) {
        memcpy(broken, text, size);
        size_t n = damage(&r, broken, size);
        tdag_graph *other = NULL;
        if (tdag_graph_parse(ctx, broken, n, &other) == TDAG_OK) {
            char *printed = NULL;
            tdag_graph *again = NULL;
            TEST_OK(ctx, tdag_verify(ctx, other));
            TEST_OK(ctx, tdag_graph_print(ctx, other, TDAG_TEXT_FULL, &printed));
            TEST_OK(ctx, tdag_graph_parse(ctx, printed, strlen(printed), &again));
            assert_true(tdag_graph_equal(other, again));
            tdag_text_free(ctx, printed);
            tdag_graph_free(again);
            n_read++;
        } else {
            assert_true(tdag_ctx_get_error(ctx)->offset <= n);
        }
        tdag_graph_free(other);
        assert_int_equal(heap.live_blocks, live);
    }
    print_message("%d of 4000 damaged texts could still be read\n", n_read);
    free(broken);
    tdag_text_free(ctx, text);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* Every beginning of a text is refused. */
static void test_cut(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    size_t n = strlen(golden);
    for (size_t i = 0; i + strlen("return y, y\n") < n; i++) {
        tdag_graph *g = NULL;
        char *copy = malloc(i + 1); /* exact, so that reading past the end shows */
        assert_non_null(copy);
        memcpy(copy, golden, i);
        assert_int_not_equal(tdag_graph_parse(ctx, copy, i, &g), TDAG_OK);
        free(copy);
    }
    tdag_ctx_free(ctx);
}

/* ---- numbers ---- */

static void check_bits(tdag_tensor *t, uint64_t bits, size_t size)
{
    char text[TDAGI_NUMBER_TEXT_SIZE];
    uint64_t again = 0;
    memcpy(t->data, &bits, size);
    tdagi_element_text(t, 0, text);
    memset(t->data, 0xAA, size);
    if (!tdagi_element_parse(t, 0, text, strlen(text)))
        fail_msg("'%s' is refused", text);
    memcpy(&again, t->data, size);
    if (again != bits)
        fail_msg("%s: %llx became %llx", text, (unsigned long long)bits,
                 (unsigned long long)again);
}

static void check_numbers(tdag_ctx *ctx)
{
    tdag_tensor *t = NULL;
    static const tdag_dtype halves[] = {TDAG_F16, TDAG_BF16, TDAG_I16};
    for (int k = 0; k < 3; k++) {
        TEST_OK(ctx, tdag_tensor_create(ctx, halves[k], 0, NULL, &t));
        for (uint64_t bits = 0; bits < 65536; bits++)
            check_bits(t, bits, 2);
        tdag_tensor_free(t);
    }
    uint64_t r = 11;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 0, NULL, &t));
    for (int i = 0; i < 20000; i++)
        check_bits(t, random_below(&r, 65536) | (uint64_t)random_below(&r, 65536) << 16,
                   4);
    tdag_tensor_free(t);
    static const tdag_dtype wide[] = {TDAG_F64, TDAG_I64};
    for (int k = 0; k < 2; k++) {
        TEST_OK(ctx, tdag_tensor_create(ctx, wide[k], 0, NULL, &t));
        for (int i = 0; i < 20000; i++)
            check_bits(t,
                       (uint64_t)random_below(&r, 1u << 31) << 33 ^
                           random_below(&r, 1u << 31),
                       8);
        for (int i = 0; i < 64; i++)
            check_bits(t, UINT64_C(1) << i, 8);
        tdag_tensor_free(t);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    check_numbers(ctx);
    char text[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_double_text(0.1, text);
    assert_string_equal(text, "0.1");
    tdagi_double_text(-0.0, text);
    assert_string_equal(text, "-0");
    tdagi_double_text(1e300, text);
    assert_string_equal(text, "1e+300");
    static const char *const others[] = {"",
                                         "-",
                                         "1.2.3",
                                         "1e",
                                         "0x10",
                                         "e5",
                                         "1e+",
                                         "inf1",
                                         "infinity",
                                         "1 ",
                                         ".",
                                         "1e999",
                                         "nan(0x7ff0000000000000)"};
    double value;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(tdagi_double_parse(others[i], strlen(others[i]), &value));
    /* A host with a decimal comma, where the machine has such a locale. */
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++) {
        if (setlocale(LC_NUMERIC, commas[i]) == NULL) continue;
        tdagi_double_text(0.5, text);
        assert_string_equal(text, "0.5");
        assert_true(tdagi_double_parse("2.25", 4, &value));
        assert_true(value == 2.25);
        setlocale(LC_NUMERIC, "C");
    }
    tdag_ctx_free(ctx);
}

/* ---- equality ---- */

static void test_unequal(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"symbols N=4", "symbols N=5"},
        {"\nx:", "\nz:"},
        {"[1, -0", "[1, 0"},
        {"nan", "nan(0x7fc00001)"},
        {"@layer.0\nv5", "\nv5"},
        {"kind=sum", "kind=max"},
        {"return y, y", "return y"},
        {"return y, y", "return y, v4"},
        {"multiply", "add"},
        {"(v4, v5)", "(v5, v4)"},
        {"parameter", "constant"},
        {"\nv5:", "\nvv:"},
    };
    tdag_ctx *ctx = test_ctx();
    tdag_graph *want = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, golden, strlen(golden), &want));
    assert_true(tdag_graph_equal(want, want));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[1024] = "";
        const char *from = golden;
        for (const char *at; (at = strstr(from, changes[i][0])) != NULL;
             from = at + strlen(changes[i][0]))
            snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s%s",
                     (int)(at - from), from, changes[i][1]);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s", from);
        if (i == 1) /* the other uses of the name */
            *strstr(text, "(x)") = '(', strstr(text, "(x)")[1] = 'z';
        if (i == 11) memcpy(strstr(text, ", v5"), ", vv", 4);
        tdag_graph *g = NULL;
        TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &g));
        if (tdag_graph_equal(want, g)) fail_msg("%s is not seen", changes[i][1]);
        tdag_graph_free(g);
    }
    tdag_graph_free(want);
    tdag_ctx_free(ctx);
}

/* ---- failing memory ---- */

static tdag_status print_and_parse(tdag_ctx *ctx, void *arg)
{
    tdag_graph *again = NULL;
    char *text = NULL;
    tdag_status st = tdag_graph_print(ctx, arg, TDAG_TEXT_FULL, &text);
    if (st == TDAG_OK) st = tdag_graph_parse(ctx, text, strlen(text), &again);
    if (st == TDAG_OK) assert_true(tdag_graph_equal(arg, again));
    tdag_text_free(ctx, text);
    tdag_graph_free(again);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL;
    TEST_OK(ctx, build(ctx, &g));
    test_every_oom(print_and_parse, g);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_op), cmocka_unit_test(test_golden),
        cmocka_unit_test(test_loose),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_unequal),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
