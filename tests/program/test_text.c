/* The text form of models: printed, read back, written by hand, refused. */
#include "programs.h"

#include <tdagger.h>
#include <tdagger/program.h>

static char *printed(tdag_ctx *ctx, const tdag_model *m)
{
    char *text = NULL;
    TEST_OK(ctx, tdag_model_print(ctx, m, TDAG_TEXT_FULL, &text));
    return text;
}

static tdag_model *parsed(tdag_ctx *ctx, const char *text)
{
    tdag_model *m = NULL;
    tdag_status st = tdag_model_parse(ctx, text, strlen(text), &m);
    const tdag_error *e = tdag_ctx_get_error(ctx);
    if (st != TDAG_OK)
        fail_msg("%s at %llu in\n%s", e->message, (unsigned long long)e->offset, text);
    return m;
}

/* ---- what is printed ---- */

static const char everything[] =
    "tdag 2\n"
    "graph neg {\n"
    "  symbols N=2\n"
    "  x: f32[N,4] = input\n"
    "  y: f32[N,4] = neg(x)\n"
    "  return y\n"
    "}\n"
    "graph positive {\n"
    "  n: i64[] = input\n"
    "  zero: i64[] = constant [0]\n"
    "  c: bool[] = less(zero, n)\n"
    "  return c\n"
    "}\n"
    "graph grow {\n"
    "  symbols L=3\n"
    "  k: f32[L,4] = input\n"
    "  g: f32[L+1,4] = pad(k) {before=[0,0], after=[1,0], mode=constant, value=0}\n"
    "  return g\n"
    "}\n"
    "graph mask {\n"
    "  symbols N=2\n"
    "  x: f32[N,4] = input\n"
    "  zero: f32[] = constant [0]\n"
    "  m: bool[N,4] = less(zero, x)\n"
    "  return m\n"
    "}\n"
    "graph range {\n"
    "  symbols L=3\n"
    "  v: i64[L] = iota {n=L, dtype=i64}\n"
    "  return v\n"
    "}\n"
    "state cache: f32[S=3,4] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n"
    "program forward(x: f32[N,4], v2: i64[]) -> (f32[R,4], f32[N,4], f32[N,8], "
    "i64[K,2], i64[Q]) {\n"
    "  symbols N=2\n"
    "  y = call neg(x)\n"
    "  v4 = call positive(v2)\n"
    "  v6 = if v4 {\n"
    "    v5 = call neg(y)\n"
    "    yield v5\n"
    "  } else {\n"
    "    yield y\n"
    "  }\n"
    "  v12: f32[R=5,4], v13 = loop limit v2 while v4 (v7; v8: f32[T=2,4] = v6, v9 = y) "
    "{\n"
    "    v10 = call grow(v8)\n"
    "    v11 = call positive(v7)\n"
    "    yield v11; v10, v9\n"
    "  }\n"
    "  v14: f32[S=3,4] = read cache\n"
    "  v15 = call grow(v14)\n"
    "  write cache v15\n"
    "  v16 = draw normal f32[N,8]\n"
    "  v17 = draw permutation(v2) i64[P=3]\n"
    "  v18 = call mask(v6)\n"
    "  v19 = apply nonzero(v18) as i64[K=3,2], K <= 4*N\n"
    "  check v4 \"the count is positive\"\n"
    "  v20 = call range() with L = v2 as Q=3\n"
    "  return v12, v13, v16, v19, v20\n"
    "}\n";

static void test_everything(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, make_everything(ctx, &m));
    char *text = printed(ctx, m);
    assert_string_equal(text, everything);
    tdag_model *back = parsed(ctx, text);
    TEST_OK(ctx, tdag_model_verify(ctx, back));
    assert_true(tdagi_model_equal(m, back));
    char *again = printed(ctx, back);
    assert_string_equal(text, again);
    tdag_text_free(ctx, again);
    tdag_text_free(ctx, text);
    tdag_model_free(back);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- written by hand ---- */

#define GRAPHS                                                                         \
    "tdag 2\n"                                                                         \
    "graph neg {\nsymbols N=2\nx: f32[N,4] = input\ny = neg(x)\nreturn y\n}\n"         \
    "graph more {\nn: i64[] = input\nzero: i64[] = constant [0]\n"                     \
    "c = less(zero, n)\nreturn c\n}\n"                                                 \
    "graph grow {\nsymbols L=3\nk: f32[L,4] = input\n"                                 \
    "g = pad(k) {before=[0,0], after=[1,0]}\nreturn g\n}\n"                            \
    "graph range {\nsymbols L=3\nv = iota {n=L, dtype=i64}\nreturn v\n}\n"             \
    "state cache: f32[S=3,4]\n"
#define PROGRAM "program forward(x: f32[N,4], n: i64[]) -> "

/* What is left out, and what it is when it is printed. */
static const struct {
    const char *name, *text, *inferred; /* a line of the printed text */
} hand[] = {
    {"types of a call",
     PROGRAM "(f32[N,4]) {\nsymbols N=2\ny = call neg(x)\nreturn y\n}\n",
     "  y = call neg(x)\n"},
    {"a symbol in the head",
     "program forward(x: f32[N=2,4]) -> (f32[N,4]) {\ny = call neg(x)\nreturn y\n}\n",
     "  symbols N=2\n"},
    {"no types of outputs", "program forward(x: f32[N=2,4]) {\nreturn x\n}\n",
     "program forward(x: f32[N,4]) -> (f32[N,4]) {\n"},
    {"names of a loop and its results",
     PROGRAM
     "(f32[N,4], f32[T_1,4]) {\nsymbols N=2\nc = call more(n)\n"
     "s, t = loop limit n while c (i; s = x, t: f32[T,4] = x) {\n"
     "t2 = call grow(t)\nc1 = call more(i)\nyield c1; s, t2\n}\nreturn s, t\n}\n",
     "  s, t: f32[T_1=2,4] = loop limit n while c (i; s = x, t: f32[T=2,4] = x) {\n"},
    {"a loop of nothing",
     PROGRAM
     "(f32[N,4]) {\nsymbols N=2\nloop limit n (i) {\nwrite cache x\n}\nreturn x\n}\n",
     "  loop limit n (i) {\n"},
    {"a loop of a condition",
     PROGRAM "(f32[N,4]) {\nsymbols N=2\nc = call more(n)\nloop while c (i) {\n"
             "d = call more(i)\nyield d\n}\nreturn x\n}\n",
     "    yield d;\n"},
    {"an if without results",
     PROGRAM "(f32[N,4]) {\nsymbols N=2\nc = call more(n)\nif c {\nwrite cache x\n}\n"
             "return x\n}\n",
     "  if c {\n    write cache x\n  }\n  return x\n"},
    {"an if of sizes that differ",
     PROGRAM
     "(f32[N_1,4]) {\nsymbols N=2\nc = call more(n)\ny = if c {\nyield x\n} else {\n"
     "z = call grow(x)\nyield z\n}\nreturn y\n}\n",
     "  y: f32[N_1=2,4] = if c {\n"},
    {"a state that is read",
     PROGRAM "(f32[S,4]) {\nsymbols N=2\nk = read cache\nreturn k\n}\n",
     "  k: f32[S=3,4] = read cache\n"},
    {"a state's type",
     PROGRAM
     "(f32[Q,4]) {\nsymbols N=2\nk: f32[Q,4] = read cache, Q <= N+1\nreturn k\n}\n",
     "  k: f32[Q=3,4] = read cache, Q <= N+1\n"},
    {"a size by a value",
     PROGRAM "(i64[L]) {\nsymbols N=2\nr = call range() with L = n\nreturn r\n}\n",
     "  r = call range() with L = n as L=3\n"},
    {"two sizes by a value",
     PROGRAM "(i64[L_1]) {\nsymbols N=2\na = call range() with L = n <= 4*N\n"
             "b = call range() with L = n\nreturn b\n}\n",
     "  b = call range() with L = n as L_1=3\n"},
    {"an operator that is quoted",
     PROGRAM
     "(f32[A+B]) {\nsymbols N=2\n"
     "a, b = apply \"odd op\"(x, n) with \"k=\\\"1\\\"\" as f32[A+B], i64[A=7,B]\n"
     "return a\n}\n",
     "  a, b = apply \"odd op\"(x, n) with \"k=\\\"1\\\"\" as f32[A+B], "
     "i64[A=7,B=1]\n"},
    {"an operator without results",
     PROGRAM "(f32[N,4]) {\nsymbols N=2\napply debug::print(x)\nreturn x\n}\n",
     "  apply debug::print(x)\n"},
    {"draws",
     PROGRAM
     "(i64[3]) {\nsymbols N=2\ni: i64[3] = draw integers(n, n) i64[3]\nreturn i\n}\n",
     "  i = draw integers(n, n) i64[3]\n"},
    {"words as names",
     "program forward(\"loop\": f32[2], inputs: f32[2]) -> (f32[2], f32[2]) {\n"
     "return \"loop\", inputs\n}\n",
     "program forward(\"loop\": f32[2], \"inputs\": f32[2]) -> (f32[2], f32[2]) {\n"},
    {"structures",
     "program forward(x: f32[2], y: f32[2]) -> (f32[2], f32[2]) {\n"
     "outputs \"{\\\"a\\\": T, \\\"b\\\": [T]}\"\ninputs \"(T, (T,))\"\nreturn x, "
     "y\n}\n",
     "  inputs \"(T, (T,))\"\n  outputs \"{\\\"a\\\": T, \\\"b\\\": [T]}\"\n"},
    {"two methods",
     "program encode(x: f32[N=2,4]) -> (f32[N,4]) {\ny = call neg(x)\nreturn y\n}\n"
     "program decode(x: f32[M=3,4]) -> (f32[M,4]) {\ny = call neg(x)\nreturn y\n}\n",
     "program decode(x: f32[M,4]) -> (f32[M,4]) {\n"},
    {"comments and spaces",
     "# a comment\nprogram forward ( x : f32 [ 2 ] ) -> ( f32 [ 2 ] ) { # x\n\n"
     "  # another\n  return   x # and another\n }  # end\n\n",
     "program forward(x: f32[2]) -> (f32[2]) {\n"},
};

static void test_by_hand(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char text[4096];
    for (size_t i = 0; i < sizeof hand / sizeof *hand; i++) {
        snprintf(text, sizeof text, "%s%s", GRAPHS, hand[i].text);
        tdag_model *m = parsed(ctx, text);
        char *out = printed(ctx, m);
        if (strstr(out, hand[i].inferred) == NULL)
            fail_msg("%s:\n%s", hand[i].name, out);
        tdag_model *back = parsed(ctx, out);
        if (!tdagi_model_equal(m, back)) fail_msg("%s: not equal", hand[i].name);
        tdag_text_free(ctx, out);
        tdag_model_free(back);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

/* A model of one graph is written as that graph, unless it has another name. */
static void test_plain(void **state)
{
    (void)state;
    static const char graph[] = "tdag 1\nsymbols N=2\nx: f32[N] = input\n"
                                "y: f32[N] = neg(x)\nreturn y\n";
    static const char named[] =
        "tdag 2\ngraph forward {\nx: f32[2] = input\nreturn x\n}\n"
        "program encode(x: f32[2]) -> (f32[2]) {\n"
        "y = call forward(x)\nreturn y\n}\n";
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parsed(ctx, graph);
    char *text = printed(ctx, m);
    assert_string_equal(text, graph);
    tdag_text_free(ctx, text);
    tdag_model_free(m);
    m = parsed(ctx, named);
    assert_non_null(tdag_model_get_graph(m));
    text = printed(ctx, m);
    assert_memory_equal(text, "tdag 2\n", 7);
    tdag_text_free(ctx, text);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* Elements of a large state are left out, and are zeros when read. */
static void test_large_state(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m =
        parsed(ctx, "tdag 2\nstate s: f32[A=5,4]\nstate \"a b\": i8[2] = [1, -2]\n"
                    "program f() {\nx = read s\nreturn x\n}\n");
    char *text = NULL;
    TEST_OK(ctx, tdag_model_print(ctx, m, 0, &text));
    assert_non_null(
        strstr(text, "\nstate s: f32[A=5,4]\nstate \"a b\": i8[2] = [1, -2]\n"));
    tdag_model *back = parsed(ctx, text);
    assert_true(tdagi_model_equal(m, back));
    tdag_text_free(ctx, text);
    tdag_model_free(back);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- refused ---- */

#define BODY(lines) PROGRAM "(f32[N,4]) {\nsymbols N=2\n" lines "return x\n}\n"

/* `at`: the text begins there, of the place that is told. */
static const struct {
    const char *name, *text;
    tdag_status st;
    const char *word, *at;
} refused[] = {
    {"no version", "graph g {\n", TDAG_E_FORMAT, "begin with", "graph"},
    {"version 3", "tdag 3\n", TDAG_E_UNSUPPORTED, "version 3", "tdag"},
    {"nothing", "tdag 2\n", TDAG_E_ARG, "no method", "tdag"},
    {"a word", GRAPHS "module m {\n", TDAG_E_FORMAT, "expected a graph", "module"},
    {"two graphs", GRAPHS "graph neg {\nreturn\n}\n", TDAG_E_ARG, "two graphs",
     " neg {\nret"},
    {"two states", GRAPHS "state cache: f32[]\n", TDAG_E_ARG, "two states",
     " cache: f32[]"},
    {"two methods", "tdag 2\nprogram f() {\nreturn\n}\nprogram f() {\nreturn\n}\n",
     TDAG_E_ARG, "two methods", ""},
    {"no end of a graph", "tdag 2\ngraph g {\nreturn\nx\n", TDAG_E_FORMAT, "'}'",
     "x\n"},
    {"no end", "tdag 2\nprogram f() {\nreturn\n", TDAG_E_FORMAT, "without an end", ""},
    {"no return", "tdag 2\nprogram f() {\n}\n", TDAG_E_ARG, "does not return", ""},
    {"behind return", GRAPHS BODY("return x\n"), TDAG_E_ARG, "in no block",
     "return x\n}"},
    {"return in a block", GRAPHS BODY("c = call more(n)\nif c {\nreturn x\n}\n"),
     TDAG_E_ARG, "not the last", "return x\n}\n"},
    {"a method that yields", GRAPHS BODY("yield x\n}\n"), TDAG_E_FORMAT,
     "yields nothing", ""},
    {"no such graph", GRAPHS BODY("y = call no(x)\n"), TDAG_E_FORMAT, "no graph 'no'",
     "no(x)"},
    {"no such state", GRAPHS BODY("y = read no\n"), TDAG_E_FORMAT, "no state 'no'",
     "no\n"},
    {"no such value", GRAPHS BODY("y = call neg(z)\n"), TDAG_E_FORMAT, "no value 'z'",
     "z)"},
    {"a value of a block",
     GRAPHS BODY("c = call more(n)\nif c {\ny = call neg(x)\n}\n"
                 "z = call neg(y)\n"),
     TDAG_E_FORMAT, "no value 'y'", "y)\nreturn"},
    {"a name twice", GRAPHS BODY("x = call neg(x)\n"), TDAG_E_FORMAT, "used twice",
     "x = call"},
    {"a name of two parameters",
     GRAPHS "program f(x: f32[2], x: f32[2]) {\nreturn x\n}\n", TDAG_E_FORMAT,
     "used twice", "x: f32[2])"},
    {"a name twice inside", GRAPHS BODY("loop limit n (x) {\n}\n"), TDAG_E_FORMAT,
     "used twice", "x) {"},
    {"too few arguments", GRAPHS BODY("y = call neg()\n"), TDAG_E_FORMAT,
     "takes 1 values", "y = call neg()"},
    {"too few results", GRAPHS BODY("call neg(x)\n"), TDAG_E_FORMAT, "0 results",
     "call neg(x)"},
    {"an argument that does not fit", GRAPHS BODY("y = call neg(n)\n"), TDAG_E_DTYPE,
     "statement 1 (call)", "y = call neg(n)"},
    {"another type", GRAPHS BODY("y: f32[N,5] = call neg(x)\n"), TDAG_E_FORMAT,
     "'y' is f32[N,4]", "f32[N,5] ="},
    {"another output", "tdag 2\nprogram f(x: f32[2]) -> (f32[3]) {\nreturn x\n}\n",
     TDAG_E_FORMAT, "f32[2] is returned", "f32[3]"},
    {"an output less", "tdag 2\nprogram f(x: f32[2]) -> () {\nreturn x\n}\n",
     TDAG_E_FORMAT, "", ") {"},
    {"an output more", "tdag 2\nprogram f() -> (f32[3]) {\nreturn\n}\n", TDAG_E_FORMAT,
     "')'", "f32[3]"},
    {"no brace", "tdag 2\nprogram f()\n{\nreturn\n}\n", TDAG_E_FORMAT, "'{'", ""},
    {"symbol twice", "tdag 2\nprogram f() {\nsymbols N=1 N=1\nreturn\n}\n",
     TDAG_E_FORMAT, "twice", "N=1\n"},
    {"symbol bound twice", GRAPHS BODY("k: f32[N=2,4] = read cache\n"), TDAG_E_FORMAT,
     "bound twice", "N=2,4] = read"},
    {"unknown symbol", GRAPHS BODY("y: f32[M,4] = call neg(x)\n"), TDAG_E_FORMAT, "",
     "M,4] = call"},
    {"symbol of another loop",
     GRAPHS BODY("t = loop limit n (i; t: f32[T,4] = x) {\nyield t\n}\n"
                 "e = draw normal f32[T]\n"),
     TDAG_E_SHAPE, "symbol T, which is not bound", "e = draw"},
    {"bound of nothing", GRAPHS BODY("k = read cache, N <= 4\n"), TDAG_E_FORMAT,
     "N is no size", "N <= 4"},
    {"bounded twice", GRAPHS BODY("k: f32[S,4] = read cache, S <= 4, S <= 5\n"),
     TDAG_E_FORMAT, "bounded twice", "S <= 5"},
    {"half a bound", GRAPHS BODY("k: f32[S,4] = read cache, S < 4\n"), TDAG_E_FORMAT,
     "'='", "4\nr"},
    {"no size", GRAPHS BODY("y = call range()\n"), TDAG_E_FORMAT, "nothing tells",
     "y = call"},
    {"size of no symbol", GRAPHS BODY("y = call range() with K = n\n"), TDAG_E_FORMAT,
     "no symbol 'K'", "K = n"},
    {"size of a float", GRAPHS BODY("y = call range() with L = x\n"), TDAG_E_DTYPE,
     "a size is", "y = call range"},
    {"endless loop", GRAPHS BODY("loop (i) {\n}\n"), TDAG_E_ARG, "neither limit",
     "loop (i)"},
    {"loop of another count", GRAPHS BODY("y = loop limit n (i) {\n}\n"), TDAG_E_FORMAT,
     "carries 0", "y = loop"},
    {"loop that yields less", GRAPHS BODY("y = loop limit n (i; y = x) {\n}\n"),
     TDAG_E_FORMAT, "yields 0 values, not 1", "}\nreturn x"},
    {"loop without index", GRAPHS BODY("loop limit n {\n}\n"), TDAG_E_FORMAT, "'('",
     "{\n}\nret"},
    {"arms of another count", GRAPHS BODY("c = call more(n)\ny = if c {\nyield x\n}\n"),
     TDAG_E_FORMAT, "yields 0 values", "\nreturn x"},
    {"condition", GRAPHS BODY("if n {\n}\n"), TDAG_E_DTYPE, "condition is i64", "if n"},
    {"results of a write", GRAPHS BODY("y = write cache x\n"), TDAG_E_FORMAT,
     "1 results", "y = write"},
    {"check of no sentence", GRAPHS BODY("c = call more(n)\ncheck c\n"), TDAG_E_FORMAT,
     "", "\nret"},
    {"empty sentence", GRAPHS BODY("c = call more(n)\ncheck c \"\"\n"), TDAG_E_ARG,
     "no sentence", "check c"},
    {"draw of a kind", GRAPHS BODY("e = draw cauchy f32[2]\n"), TDAG_E_FORMAT,
     "'cauchy'", "cauchy"},
    {"draw of no type", GRAPHS BODY("e = draw normal\n"), TDAG_E_FORMAT, "",
     "\nreturn"},
    {"operator of no types", GRAPHS BODY("e = apply f(x)\n"), TDAG_E_FORMAT, "'as'",
     "\nreturn"},
    {"statement of no kind", GRAPHS BODY("y = neg(x)\n"), TDAG_E_FORMAT,
     "expected a statement", "neg(x)\nret"},
    {"17 axes", GRAPHS BODY("e = draw normal f32[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]\n"),
     TDAG_E_FORMAT, "16 axes", "1]\nret"},
    {"huge type", GRAPHS BODY("e = draw normal f32[4611686018427387904,4]\n"),
     TDAG_E_OVERFLOW, "", "f32[4611"},
    {"negative state", "tdag 2\nstate s: f32[-1]\n", TDAG_E_FORMAT, "negative", "-1"},
    {"elements of a state", "tdag 2\nstate s: f32[2] = [1]\n", TDAG_E_FORMAT, "",
     "]\n"},
    {"symbol of a state", "tdag 2\nstate s: f32[1.5=2]\n", TDAG_E_FORMAT, "", ""},
    {"structure of another count",
     "tdag 2\nprogram f(x: f32[2]) {\ninputs \"(T, T)\"\nreturn x\n}\n", TDAG_E_ARG,
     "as many tensors", "tdag 2\nprogram"},
    {"structure", "tdag 2\nprogram f(x: f32[2]) {\ninputs \"(T\"\nreturn x\n}\n",
     TDAG_E_FORMAT, "no structure", "\"(T\""},
    {"structure twice",
     "tdag 2\nprogram f(x: f32[2]) {\ninputs \"(T,)\"\ninputs \"(T,)\"\nreturn x\n}\n",
     TDAG_E_FORMAT, "twice", "\"(T,)\"\nret"},
};

static void test_refused(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        test_heap heap = {0};
        tdag_ctx *ctx = test_ctx_on(&heap);
        tdag_model *m = NULL;
        const char *text = refused[i].text;
        tdag_status st = tdag_model_parse(ctx, text, strlen(text), &m);
        const tdag_error *e = tdag_ctx_get_error(ctx);
        const char *at = e->offset > strlen(text) ? "(nowhere)" : text + e->offset;
        if (st != refused[i].st || strstr(e->message, refused[i].word) == NULL ||
            strncmp(at, refused[i].at, strlen(refused[i].at)) != 0) {
            print_error("%s: %s: %s, at '%.20s'\n", refused[i].name,
                        tdag_status_text(st), e->message, at);
            wrong++;
        }
        tdag_model_free(m);
        tdag_ctx_free(ctx);
        assert_int_equal(heap.live_blocks, 0);
    }
    assert_int_equal(wrong, 0);
}

/* Every beginning of the text is refused, and so is, without a crash, what has a byte
 * less or another one. */
static void test_damaged(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    size_t size = sizeof everything - 1, loaded = 0;
    char *text = malloc(size + 1);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++) {
        for (int way = 0; way < 4; way++) {
            tdag_model *m = NULL;
            size_t n = size;
            memcpy(text, everything, size);
            if (way == 0) n = i;
            if (way == 1) memmove(text + i, text + i + 1, --n - i);
            if (way > 1) text[i] = way == 2 ? '{' : (char)(text[i] ^ 1);
            tdag_status st = tdag_model_parse(ctx, text, n, &m);
            if (way == 0 && st == TDAG_OK && i + 1 < size) fail_msg("%zu bytes", i);
            if (st == TDAG_OK) TEST_OK(ctx, tdagi_model_verify(ctx, m));
            if (st == TDAG_E_INTERNAL || st == TDAG_E_NOMEM)
                fail_msg("byte %zu, way %d: %s", i, way, tdag_status_text(st));
            loaded += st == TDAG_OK;
            tdag_model_free(m);
        }
    }
    assert_true(loaded > 0 && loaded < size * 2);
    free(text);
    tdag_ctx_free(ctx);
}

/* ---- limits ---- */

static void test_depth(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (int depth = TDAGI_PROGRAM_MAX_DEPTH; depth <= 100000; depth *= 10) {
        size_t size = (size_t)depth * 32 + 256, n = 0;
        char *text = malloc(size);
        assert_non_null(text);
        n += (size_t)sprintf(text, "tdag 2\nprogram f(c: bool[]) {\n");
        for (int i = 0; i < depth; i++)
            n += (size_t)sprintf(text + n, "if c {\n");
        for (int i = 0; i < depth; i++)
            n += (size_t)sprintf(text + n, "}\n");
        n += (size_t)sprintf(text + n, "return\n}\n");
        tdag_model *m = NULL;
        tdag_status st = tdag_model_parse(ctx, text, n, &m);
        assert_int_equal(st, depth == TDAGI_PROGRAM_MAX_DEPTH ? TDAG_OK : TDAG_E_LIMIT);
        tdag_model_free(m);
        free(text);
    }
    tdag_ctx_free(ctx);
}

/* Many of each thing, in time that grows with the text only. */
static void test_many(void **state)
{
    (void)state;
    enum { N = 20000 };
    tdag_ctx *ctx = test_ctx();
    char *text = malloc(N * 128);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, "tdag 2\n");
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(text + n, "graph g%d {\nx: f32[] = input\nreturn x\n}\n",
                             i);
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(text + n, "program p%d(x: f32[]) {\nreturn x\n}\n", i);
    n += (size_t)sprintf(text + n, "program f(x0: f32[]) {\n");
    for (int i = 1; i < N; i++)
        n += (size_t)sprintf(text + n, "x%d = call g%d(x%d)\n", i, i, i - 1);
    n += (size_t)sprintf(text + n, "return x%d\n}\n", N - 1);
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, text, n, &m));
    assert_int_equal(m->n_methods, N + 1);
    tdag_model_free(m);
    free(text);
    tdag_ctx_free(ctx);
}

/* Calls of a graph of many symbols, each of them one of the method's many. */
static void test_many_symbols(void **state)
{
    (void)state;
    enum { N = 3000 };
    tdag_ctx *ctx = test_ctx();
    char *text = malloc(N * 64);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, "tdag 2\ngraph g {\nsymbols");
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(text + n, " S%d=1", i);
    n += (size_t)sprintf(text + n, "\nreturn\n}\nprogram f() {\nsymbols");
    for (int i = N - 1; i >= 0; i--)
        n += (size_t)sprintf(text + n, " S%d=1", i);
    n += (size_t)sprintf(text + n, "\n");
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(text + n, "call g()\n");
    n += (size_t)sprintf(text + n, "return\n}\n");
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, text, n, &m));
    tdag_model_free(m);
    free(text);
    tdag_ctx_free(ctx);
}

static tdag_status there_and_back(tdag_ctx *ctx, void *arg)
{
    tdag_model *m = NULL;
    char *text = NULL;
    tdag_status st = tdag_model_parse(ctx, arg, strlen(arg), &m);
    if (st == TDAG_OK) st = tdag_model_print(ctx, m, 0, &text);
    tdag_text_free(ctx, text);
    tdag_model_free(m);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(there_and_back, (void *)(uintptr_t)everything);
    for (size_t i = 0; i < sizeof hand / sizeof *hand; i++) {
        char text[4096];
        snprintf(text, sizeof text, "%s%s", GRAPHS, hand[i].text);
        test_every_oom(there_and_back, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything), cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_plain),      cmocka_unit_test(test_large_state),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_many),
        cmocka_unit_test(test_oom),        cmocka_unit_test(test_many_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
