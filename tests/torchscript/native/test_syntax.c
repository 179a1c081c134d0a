/* Sources as trees: what PyTorch prints, what people write, and what is neither. */
#include "print_source.h"
#include "support/test.h"

static tdag_status parse(tdag_ctx *ctx, const char *text, size_t size, tdagi_text *t)
{
    tdagi_arena arena;
    tdagi_source source;
    tdagi_arena_init(&arena, &ctx->allocator);
    tdag_status st = tdagi_source_parse(ctx, &arena, "code/f.py", text, size, &source);
    if (st == TDAG_OK) print_source(t, &source);
    tdagi_arena_free(&arena);
    return st;
}

/* The source's tree is `want`. */
static void check(const char *name, const char *text, const char *want)
{
    tdag_ctx *ctx = test_ctx();
    tdagi_text t;
    tdagi_text_init(&t, ctx);
    if (parse(ctx, text, strlen(text), &t) != TDAG_OK)
        fail_msg("%s: %s", name, tdag_ctx_get_error(ctx)->message);
    tdagi_text_add(&t, "");
    if (strcmp(t.data, want) != 0) fail_msg("%s: %s\nnot %s", name, t.data, want);
    tdagi_text_free(&t);
    tdag_ctx_free(ctx);
}

/* ---- expressions ---- */

static const struct {
    const char *text, *want;
} exprs[] = {
    /* literals */
    {"None", "None"},
    {"(True, False)", "(tuple True False)"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"0.10000000000000001", "0.1"},
    {"1.0000000000000001e-05", "1e-05"},
    {"-1.e+20", "-1e+20"},
    {".5", "0.5"},
    {"1e10", "1e+10"},
    {"-inf", "(minus inf)"},
    {"0.+3.j", "(+ 0. 3.j)"},
    {"\"a\"", "'a'"},
    {"'it''s'", "'its'"},
    {"\"\\n\\t\\r\\a\\b\\f\\v\\\\\\'\\\"\\001\\177\"",
     "'<10><9><13><7><8><12><11>\\'\"<1><127>'"},
    {"\"a\" \"b\" 'c'", "'abc'"},
    {"\"\"\"two\n\"lines\"\"\"", "'two<10>\"lines'"},
    {"\"# no comment\"", "'# no comment'"},
    {"\"\xc3\xa9\"", "'<195><169>'"},
    {"\"one\\\nline\"", "'oneline'"},
    /* what PyTorch prints */
    {"torch.add(x, y, alpha=2)", "(call torch.add x y alpha=2)"},
    {"(self.layer).forward(x, )", "(call self.layer.forward x)"},
    {"getattr(self, \"0\")", "(call getattr self '0')"},
    {"annotate(List[int], [])", "(call annotate <List[int]> (list))"},
    {"unchecked_cast(Tensor, x)", "(call unchecked_cast <Tensor> x)"},
    {"uninitialized(Dict[str,Tensor])", "(call uninitialized <Dict[str, Tensor]>)"},
    {"isinstance(x, Tensor)", "(call isinstance x <Tensor>)"},
    {"isinstance(x, (int, List[float],))",
     "(call isinstance x (tuple <int> <List[float]>))"},
    {"isinstance(x, [int])", "(call isinstance x (list <int>))"},
    {"annotate(Optional[Tuple[int, None]], a)",
     "(call annotate <Optional[Tuple[int, NoneType]]> a)"},
    {"annotate(Tuple[()], ())", "(call annotate <Tuple[()]> (tuple))"},
    {"annotate(__torch__.a.___torch_mangle_3.B, x)",
     "(call annotate <__torch__.a.___torch_mangle_3.B> x)"},
    {"__torch__.a.C.__new__(__torch__.a.C)",
     "(call __torch__.a.C.__new__ __torch__.a.C)"},
    {"(t)[0]", "(at t 0)"},
    {"{\"a\": x, \"b\": [1, 2], }", "(dict 'a' x 'b' (list 1 2))"},
    {"{}", "(dict)"},
    {"()", "(tuple)"},
    {"(x,)", "(tuple x)"},
    {"((x))", "x"},
    {"CONSTANTS.c0", "CONSTANTS.c0"},
    {"ops.prim.is", "ops.prim.is"},
    {"f(a,\n    b,  # why\n  )", "(call f a b)"},
    {"f(a=1)(b)[2].c", "(at (call (call f a=1) b) 2).c"},
    /* what people write */
    {"a + b * c - d", "(- (+ a (* b c)) d)"},
    {"(a + b) * c", "(* (+ a b) c)"},
    {"a ** b ** c", "(** a (** b c))"},
    {"-a ** b", "(minus (** a b))"},
    {"-2 ** 2", "(minus (** 2 2))"},
    {"-2. ** 2", "(minus (** 2. 2))"},
    {"2 ** -1", "(** 2 -1)"},
    {"-2 * x", "(* -2 x)"},
    {"- - 3", "(minus -3)"},
    {"a // b % c / d @ e", "(@ (/ (% (// a b) c) d) e)"},
    {"a << 1 | b & c ^ ~d", "(| (<< a 1) (^ (& b c) (~ d)))"},
    {"a or b and not c == d", "(or a (and b (not (== c d))))"},
    {"not a in b", "(not (in a b))"},
    {"a not in b", "(not in a b)"},
    {"a is not None", "(is not a None)"},
    {"a is None", "(is a None)"},
    {"a < b", "(< a b)"},
    {"a < b <= c", "(<= (< a b) c)"},
    {"a != b >= c > d >> 1", "(> (>= (!= a b) c) (>> d 1))"},
    {"a if b else c if d else e", "(pick a b (pick c d e))"},
    {"x[1:2]", "(at x (slice 1 2 _))"},
    {"x[:]", "(at x (slice _ _ _))"},
    {"x[::2]", "(at x (slice _ _ 2))"},
    {"x[a:, :b:c, 0]", "(at x (tuple (slice a _ _) (slice _ b c) 0))"},
    {"x[i,]", "(at x (tuple i))"},
    {"x[None, -1]", "(at x (tuple None -1))"},
};

static void test_exprs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(exprs) / sizeof(exprs[0]); i++) {
        char text[512], want[512];
        snprintf(text, sizeof(text), "def f(x):\n  return %s\n", exprs[i].text);
        snprintf(want, sizeof(want), "(def f x {(return %s)})", exprs[i].want);
        check(exprs[i].text, text, want);
    }
}

/* ---- statements ---- */

static const struct {
    const char *name, *text, *want;
} stmts[] = {
    {"assign", "  x = y\n", "(= x y)"},
    {"unpack", "  a, b, = e\n", "(unpack a b e)"},
    {"one unpacked", "  a, = e\n", "(unpack a e)"},
    {"several", "  a, b = x, y\n", "(= a b (tuple x y))"},
    {"in brackets", "  (a, b) = x\n", "(= a b x)"},
    {"annotated", "  x : Optional[int] = y\n", "(= x <Optional[int]> y)"},
    {"attribute", "  self.x = 1\n", "(= self.x 1)"},
    {"item", "  x[0] = 1\n", "(= (at x 0) 1)"},
    {"call", "  print(x)\n", "(do (call print x))"},
    {"augmented", "  x += 1\n  x //= 2\n  x **= 3\n", "(+= x 1) (//= x 2) (**= x 3)"},
    {"more augmented", "  x -= 1\n  x *= 2\n  x /= 3\n  x @= y\n",
     "(-= x 1) (*= x 2) (/= x 3) (@= x y)"},
    {"bits", "  x <<= 1\n  x >>= 2\n  x |= 3\n  x &= 4\n  x ^= 5\n  x %= 6\n",
     "(<<= x 1) (>>= x 2) (|= x 3) (&= x 4) (^= x 5) (%= x 6)"},
    {"return nothing", "  return\n", "(return)"},
    {"return two", "  return a, b\n", "(return (tuple a b))"},
    {"if", "  if a:\n    pass\n  else:\n    b\n", "(if a {(pass)} {(do b)})"},
    {"elif", "  if a:\n    b\n  elif c:\n    d\n  else:\n    e\n",
     "(if a {(do b)} {(if c {(do d)} {(do e)})})"},
    {"while", "  while a:\n    break\n", "(while a {(break)})"},
    {"for", "  for i in range(n):\n    continue\n",
     "(for i (call range n) {(continue)})"},
    {"for two", "  for i, j in x:\n    pass\n", "(for i j x {(pass)})"},
    {"with", "  with f(x) as g:\n    y\n", "(with g (call f x) {(do y)})"},
    {"with no name", "  with f:\n    y\n", "(with f {(do y)})"},
    {"fork", "  def g(x: int) -> int:\n    return x\n  y = fork(g, 1)\n",
     "(def g x:int -> int {(return x)}) (= y (call fork g 1))"},
    {"assert", "  assert a, \"b\"\n  assert c\n", "(assert a 'b') (assert c)"},
    {"raise", "  raise E(\"a\")\n  raise\n", "(raise (call E 'a')) (raise)"},
    {"comments and empty lines", "\n  # one\n  x = y # two\n\n      # three\n  z\n",
     "(= x y) (do z)"},
    {"lines held together", "  x = y + \\\n    z\n", "(= x (+ y z))"},
    {"no end of the last line", "  x = y", "(= x y)"},
    {"no end of the last block", "  if x:\n    y", "(if x {(do y)})"},
    {"ends of Windows", "  x = y\r\n  z\r\n", "(= x y) (do z)"},
    {"back by two blocks", "  if a:\n    if b:\n      c\n  d\n",
     "(if a {(if b {(do c)})}) (do d)"},
};

static void test_stmts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stmts) / sizeof(stmts[0]); i++) {
        char text[512], want[512];
        snprintf(text, sizeof(text), "def f():\n%s", stmts[i].text);
        snprintf(want, sizeof(want), "(def f {%s})", stmts[i].want);
        check(stmts[i].name, text, want);
    }
}

/* ---- files ---- */

static const struct {
    const char *name, *text, *want;
} files[] = {
    {"nothing", "", ""},
    {"version", "op_version_set = 1\ndef f():\n  pass\n", "(version)(def f {(pass)})"},
    {"functions",
     "def f(x: Tensor,\n    y: int=2, *, z=None) -> None:\n  pass\n"
     "def g():\n  pass\n",
     "(def f x:Tensor y:int=2 z=None -> NoneType {(pass)})(def g {(pass)})"},
    {"module",
     "class M(Module):\n  __parameters__ = [\"w\", ]\n  __buffers__ = [\"b\", \"0\", "
     "]\n"
     "  __annotations__ = []\n  __annotations__[\"0\"] = Tensor\n  w : Tensor\n"
     "  b : Tensor\n  training : bool\n  _is_full_backward_hook : Optional[bool]\n"
     "  l : __torch__.torch.nn.modules.linear.___torch_mangle_0.Linear\n"
     "  k : Final[Tuple[int, int]] = (1, 1)\n"
     "  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return x\n",
     "(class M(Module) buffer 0:Tensor parameter w:Tensor buffer b:Tensor training:bool"
     " _is_full_backward_hook:Optional[bool]"
     " l:__torch__.torch.nn.modules.linear.___torch_mangle_0.Linear"
     " k:Tuple[int, int]=(tuple 1 1)"
     " (def forward self:__torch__.M x:Tensor -> Tensor {(return x)}))"},
    {"roles are of one class",
     "class A(Module):\n  __parameters__ = [\"w\"]\n  w : Tensor\n"
     "class B(Module):\n  __parameters__ = []\n  w : Tensor\n",
     "(class A(Module) parameter w:Tensor)(class B(Module) w:Tensor)"},
    {"hooks",
     "class M(Module):\n  __forward_pre_hooks__ = [\"p\", ]\n"
     "  __forward_hooks__ = [\"h\", \"i\", ]\n  pass\n",
     "(class M(Module) hook:h hook:i pre_hook:p)"},
    {"named tuple", "class T(NamedTuple):\n  a : Tensor\n  b : int=3\n",
     "(class T(NamedTuple) a:Tensor b:int=3)"},
    {"enum", "class E(Enum):\n  A = 1\n  B = \"two\"\n", "(class E(Enum) A=1 B='two')"},
    {"interface",
     "class I(ModuleInterface):\n  def forward(self, x: Tensor) -> Tensor:\n    pass\n",
     "(class I(ModuleInterface) (def forward self x:Tensor -> Tensor {(pass)}))"},
    {"class without a base", "class C:\n  x : int\n", "(class C() x:int)"},
};

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        check(files[i].name, files[i].text, files[i].want);
}

/* ---- what is no source ---- */

static const struct {
    const char *text, *want;
    uint64_t offset;
} errors[] = {
    {"x = 1\n", "line 1: expected a class or a function, not \"x\"", 0},
    {"def f(:\n", "line 1: expected a name, not \":\"", 6},
    {"def f()\n  pass\n", "line 1: expected \":\", not the end of the line", 7},
    {"def f():\npass\n", "line 2: expected a deeper indent, not \"pass\"", 9},
    {"def f():\n", "line 2: expected a deeper indent, not the end of the file", 9},
    {"def f(): pass\n", "line 1: expected the end of the line, not \"pass\"", 9},
    {"def f(*a):\n", "line 1: expected \",\" after \"*\", not \"a\"", 7},
    {"def f(a: b . c):\n", "line 1: a blank in the path of a type", 13},
    {"def f(a: List[int):\n", "line 1: expected \"]\", not \")\"", 17},
    {"def f():\n  x = (1\n", "line 3: expected \")\", not the end of the file", 18},
    {"def f():\n  x = 1 2\n", "line 2: expected the end of the line, not \"2\"", 17},
    {"def f():\n  1 = x\n", "line 2: this cannot be assigned to", 11},
    {"def f():\n  () = x\n", "line 2: this cannot be assigned to", 11},
    {"def f():\n  a, b += x\n", "line 2: expected \"=\", not \"+=\"", 16},
    {"def f():\n  a = b = c\n", "line 2: expected the end of the line, not \"=\"", 17},
    {"def f():\n  x = [i for i in y]\n",
     "line 2: list comprehensions are not supported", 18},
    {"def f():\n  x = a not b\n", "line 2: expected \"in\" after \"not\", not \"b\"",
     21},
    {"def f():\n  x = g(a=1, b)\n",
     "line 2: an argument without a name after one with it", 22},
    {"def f():\n  x = 9223372036854775808\n",
     "line 2: a number that does not fit 64 bits", 15},
    {"def f():\n  x = -9223372036854775808 ** 2\n",
     "line 2: a number that does not fit 64 bits", 15},
    {"def f():\n  x = 1e999\n", "line 2: a number beyond a double's range", 15},
    {"def f():\n  x = 12ab\n", "line 2: a number ends in letters", 15},
    {"def f():\n  x = \"ab\n", "line 2: a string without an end", 15},
    {"def f():\n  x = \"ab", "line 2: a string without an end", 15},
    {"def f():\n  x = \"\\x41\"\n", "line 2: an unknown escape in a string", 16},
    {"def f():\n  x = \"\\400\"\n", "line 2: an unknown escape in a string", 16},
    {"def f():\n  x = \"\\1\"\n", "line 2: an unknown escape in a string", 16},
    {"def f():\n  x = a ! b\n", "line 2: expected the end of the line, not \"!\"", 17},
    {"def f():\n  x = $\n", "line 2: the byte 0x24 is none of the language's", 15},
    {"def f():\n  x = \xc3\xa9\n", "line 2: the byte 0xc3 is none of the language's",
     15},
    {"def f():\n    a\n  b\n", "line 3: the indent is that of no block", 17},
    {"def f():\n  a\n    b\n", "line 3: expected an expression, not a deeper indent",
     17},
    {"def f():\n  else:\n", "line 2: expected an expression, not \"else\"", 11},
    {"def f():\n  for 1 in x:\n", "line 2: this cannot be assigned to", 15},
    {"class C(Module):\n  \"text\"\n", "line 2: expected a name, not \"\"text\"\"", 19},
    {"class C(Module):\n  a\n",
     "line 2: expected \":\" or \"=\", not the end of the line", 20},
    {"class C(Module):\n  __parameters__ = [a]\n",
     "line 2: expected a string, not \"a\"", 37},
    {"class C(Module):\n  __annotations__[0] = int\n",
     "line 2: expected a string, not \"0\"", 35},
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        tdag_ctx *ctx = test_ctx();
        tdagi_text t;
        char want[256];
        tdagi_text_init(&t, ctx);
        tdag_status st = parse(ctx, errors[i].text, strlen(errors[i].text), &t);
        const tdag_error *e = tdag_ctx_get_error(ctx);
        snprintf(want, sizeof(want), "code/f.py, %s", errors[i].want);
        if (st != TDAG_E_FORMAT || strcmp(e->message, want) != 0 ||
            e->offset != errors[i].offset)
            fail_msg("%s: %s at %llu, not %s", errors[i].text, e->message,
                     (unsigned long long)e->offset, want);
        tdagi_text_free(&t);
        tdag_ctx_free(ctx);
    }
}

/* ---- hostile ones ---- */

/* `before`, `piece` n times, `after`: the status, and no crash. */
static void check_many(const char *before, const char *piece, size_t n,
                       const char *after, tdag_status want)
{
    size_t length = strlen(piece), size = strlen(before) + n * length + strlen(after);
    char *text = malloc(size + 1), *to = text + strlen(before);
    assert_non_null(text);
    memcpy(text, before, strlen(before));
    for (size_t i = 0; i < n; i++, to += length)
        memcpy(to, piece, length);
    memcpy(to, after, strlen(after));
    tdag_ctx *ctx = test_ctx();
    tdagi_text t;
    tdagi_text_init(&t, ctx);
    tdag_status st = parse(ctx, text, size, &t);
    if (st != want)
        fail_msg("%zu times %s: %s, %s", n, piece, tdag_status_text(st),
                 tdag_ctx_get_error(ctx)->message);
    tdagi_text_free(&t);
    tdag_ctx_free(ctx);
    free(text);
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *before, *piece, *after;
    } deep[] = {
        {"def f():\n  x = ", "(", "\n"},
        {"def f():\n  x = ", "[", "\n"},
        {"def f():\n  x = ", "{1:", "\n"},
        {"def f():\n  x = ", "-", "1\n"},
        {"def f():\n  x = ", "not ", "1\n"},
        {"def f():\n  x = a", ".b", "\n"},
        {"def f():\n  x = a", "[0]", "\n"},
        {"def f():\n  x = a", "()", "\n"},
        {"def f():\n  x = a", "+a", "\n"},
        {"def f():\n  x = a", "**a", "\n"},
        {"def f():\n  x = ", "a if b else ", "c\n"},
        {"def f(x: ", "List[", "\n"},
        {"def f():\n  x = a", "[b", "\n"},
        {"def f():\n  x = ", "g(", "\n"},
        {"def f():\n  if a:\n    b\n", "  elif a:\n    b\n", ""},
    };
    for (size_t i = 0; i < sizeof(deep) / sizeof(deep[0]); i++)
        check_many(deep[i].before, deep[i].piece, 200000, deep[i].after, TDAG_E_LIMIT);
    check_many("def f():\n  x = ", "(", 199, "a", TDAG_E_FORMAT);
    check_many("def f():\n  x = a", ".b", 199, "\n", TDAG_OK);
}

static void test_blocks(void **state)
{
    (void)state;
    enum { N = 1000 };
    char *text = malloc(N * (N + 16)), *to = text;
    assert_non_null(text);
    to += sprintf(to, "def f():\n");
    for (int i = 1; i < N; i++)
        to += sprintf(to, "%*sif x:\n", i, "");
    tdag_ctx *ctx = test_ctx();
    tdagi_text t;
    tdagi_text_init(&t, ctx);
    assert_int_equal(parse(ctx, text, (size_t)(to - text), &t), TDAG_E_LIMIT);
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "code/f.py, line 202: blocks are nested more than 200 deep");
    tdagi_text_free(&t);
    tdag_ctx_free(ctx);
    free(text);
}

static void test_large(void **state)
{
    (void)state;
    check_many("def f():\n  x\n", "\n", 30 << 20, "", TDAG_OK);
    check_many("def f():\n  x = [", "1,", 5000000, "]\n", TDAG_E_LIMIT);
    check_many("def f(x: Tuple[", "int, ", 30000, "int]):\n  pass\n", TDAG_E_FORMAT);
    check_many("def f():\n  x = ", "\"a\" ", 300000, "\n", TDAG_OK);
}

/* A file cut anywhere, and with any byte changed: no crash, and a sentence. */
static void test_cut(void **state)
{
    (void)state;
    const char *text = files[3].text;
    size_t size = strlen(text);
    char *copy = malloc(size);
    tdag_ctx *ctx = test_ctx();
    tdagi_text t;
    tdagi_text_init(&t, ctx);
    assert_non_null(copy);
    for (size_t i = 0; i < size; i++) {
        memcpy(copy, text, i);
        tdag_status st = parse(ctx, copy, i, &t);
        assert_true(st == TDAG_OK || tdag_ctx_get_error(ctx)->message[0] != '\0');
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, text, size);
            copy[i] = (char)(copy[i] ^ (1 << bit));
            st = parse(ctx, copy, size, &t);
            assert_true(st == TDAG_OK || tdag_ctx_get_error(ctx)->message[0] != '\0');
        }
    }
    tdagi_text_free(&t);
    tdag_ctx_free(ctx);
    free(copy);
}

/* ---- memory ---- */

static tdag_status parse_any(tdag_ctx *ctx, void *arg)
{
    tdagi_arena arena;
    tdagi_source source;
    tdagi_arena_init(&arena, &ctx->allocator);
    tdag_status st =
        tdagi_source_parse(ctx, &arena, "code/f.py", arg, strlen(arg), &source);
    tdagi_arena_free(&arena);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s", files[i].text);
        test_every_oom(parse_any, text);
    }
    char text[] =
        "def f():\n  x = g([1, \"a\"], {b: (c, d)}, e=-h.i)[0:1] if j else k\n"
        "  for l, m in n:\n    o += annotate(List[Tuple[int, str]], [])\n";
    test_every_oom(parse_any, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exprs), cmocka_unit_test(test_stmts),
        cmocka_unit_test(test_files), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_large), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
