/* Methods that do the same and others that do not, by pairs of small programs. */
#include <tdagger.h>

#include "program/model.h"
#include "proof/proof.h"
#include "support/test.h"

/* clang-format off */
#define GRAPHS \
    "tdag 2\n" \
    "graph up {\n x: f32[3] = input\n c: f32[] = constant [2]\n y: f32[3] = multiply(x, c)\n return y\n}\n" \
    "graph twice {\n x: f32[3] = input\n y: f32[3] = add(x, x)\n return y\n}\n" \
    "graph sin {\n x: f32[3] = input\n y: f32[3] = sin(x)\n return y\n}\n" \
    "graph next {\n n: i64[] = input\n c: i64[] = constant [1]\n m: i64[] = add(n, c)\n return m\n}\n" \
    "graph lt {\n a: i64[] = input\n b: i64[] = input\n c: bool[] = less(a, b)\n return c\n}\n" \
    "graph nil {\n c: i64[] = constant [0]\n return c\n}\n" \
    "graph yes {\n c: bool[] = constant [true]\n return c\n}\n" \
    "state s: f32[3] = [1, 2, 3]\n"
#define HEAD GRAPHS "program forward(x: f32[3], c: bool[], n: i64[]) -> (f32[3]) {\n"
/* A loop of n rounds, with a limit and as a condition that compares what is counted. */
#define LIMITED HEAD "y = loop limit n (i; a = x) {\nb = call up(a)\nyield b\n}\nreturn y\n}\n"
#define COUNTED(counter) \
    "k = call nil()\nf = call lt(k, n)\ny, m = loop while f (i; a = x, j = k) {\nb = call up(a)\nl = call next(j)\n" \
    "g = call lt(" counter ", n)\nyield g; b, l\n}\nreturn y\n}\n"

enum { SAME, WRONG, OPEN, SKIPS = 4 }; /* checks do not count */
static const struct {
    const char *name, *a, *b;
    int what;
    uint32_t wrong; /* the statement of a */
} cases[] = {
    {"other nodes", HEAD "y = call up(x)\nreturn y\n}\n", HEAD "y = call twice(x)\nreturn y\n}\n", SAME, 0},
    {"other values", HEAD "y = call up(x)\nreturn y\n}\n", HEAD "y = call sin(x)\nreturn y\n}\n", WRONG, 2},
    {"arms", HEAD "y = if c {\na = call up(x)\nyield a\n} else {\nyield x\n}\nreturn y\n}\n",
     HEAD "b = call twice(x)\ny = if c {\nyield b\n} else {\nyield x\n}\nreturn y\n}\n", SAME, 0},
    {"arms, swapped", HEAD "y = if c {\na = call up(x)\nyield a\n} else {\nyield x\n}\nreturn y\n}\n",
     HEAD "y = if c {\nyield x\n} else {\na = call up(x)\nyield a\n}\nreturn y\n}\n", WRONG, 3},
    {"an arm that a constant takes", HEAD "y = call up(x)\nreturn y\n}\n",
     HEAD "k = call yes()\ny = if k {\na = call up(x)\nyield a\n} else {\nyield x\n}\nreturn y\n}\n", SAME, 0},
    {"carried twice, and in another order",
     HEAD "k = call nil()\ny, m = loop limit n (i; a = x, j = k) {\nb = call up(a)\nl = call next(j)\nyield b, l\n}\nreturn y\n}\n",
     HEAD "k = call nil()\nm, z, y = loop limit n (i; j = k, d = x, a = x) {\nb = call twice(d)\nl = call next(j)\nyield l, b, b\n}\nreturn z\n}\n", SAME, 0},
    {"another step",
     HEAD "y = loop limit n (i; a = x) {\nb = call up(a)\nyield b\n}\nreturn y\n}\n",
     HEAD "y = loop limit n (i; a = x) {\nb = call sin(a)\nyield b\n}\nreturn y\n}\n", WRONG, 3},
    {"another number of rounds",
     HEAD "y = loop limit n (i; a = x) {\nb = call up(a)\nyield b\n}\nreturn y\n}\n",
     HEAD "k = call next(n)\ny = loop limit k (i; a = x) {\nb = call up(a)\nyield b\n}\nreturn y\n}\n", WRONG, 1},
    {"what stays as it is need not be carried",
     HEAD "w = call sin(x)\ny = loop limit n (i; a = x) {\nyield w\n}\nreturn y\n}\n",
     HEAD "w = call sin(x)\ny, u = loop limit n (i; a = x, v = w) {\nyield v, v\n}\nreturn y\n}\n", SAME, 0},
    {"swapped each round",
     HEAD "w = call sin(x)\ny, z = loop limit n (i; a = x, b = w) {\nyield b, a\n}\nreturn y\n}\n",
     HEAD "w = call sin(x)\nz, y = loop limit n (i; b = w, a = x) {\nyield a, b\n}\nreturn z\n}\n", WRONG, 3},
    {"state", HEAD "r = read s\nwrite s x\nreturn r\n}\n", HEAD "r = read s\nwrite s x\nreturn r\n}\n", SAME, 0},
    {"read too late", HEAD "r = read s\nwrite s x\nreturn r\n}\n", HEAD "write s x\nr = read s\nreturn r\n}\n", WRONG, 3},
    {"not written", HEAD "r = read s\nwrite s x\nreturn r\n}\n", HEAD "r = read s\nreturn r\n}\n", WRONG, 3},
    {"a check of something else", HEAD "check c \"no\"\nreturn x\n}\n",
     HEAD "k = call yes()\ncheck k \"no\"\nreturn x\n}\n", WRONG, 1},
    {"a limit, and a condition that counts", LIMITED, HEAD COUNTED("l"), SAME, 0},
    {"one that counts from the condition on", HEAD COUNTED("l"), LIMITED, SAME, 0},
    {"one round too many", LIMITED, HEAD COUNTED("j"), WRONG, 1},
    {"a limit of a condition, and one of nothing", LIMITED,
     HEAD "y = loop while c (i; a = x) {\nb = call up(a)\nyield c; b\n}\nreturn y\n}\n", WRONG, 1},
    {"a check that is left out", HEAD "check c \"no\"\nreturn x\n}\n", HEAD "return x\n}\n", SAME | SKIPS, 0},
    {"another value without its check", HEAD "check c \"no\"\nreturn x\n}\n", HEAD "y = call sin(x)\nreturn y\n}\n", WRONG | SKIPS, 2},
    {"other statements", HEAD "check c \"no\"\nreturn x\n}\n", HEAD "return x\n}\n", OPEN, 0},
};
/* clang-format on */

static tdag_model *parse(tdag_ctx *ctx, const char *text)
{
    tdag_model *m = NULL;
    if (tdag_model_parse(ctx, text, strlen(text), &m) != TDAG_OK)
        fail_msg("%s in %s", tdag_ctx_get_error(ctx)->message, text);
    return m;
}

static tdag_dtype as_it_is(tdag_dtype dtype) { return dtype; }

static void test_cases(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tdag_model *a = parse(ctx, cases[i].a), *b = parse(ctx, cases[i].b);
        const tdagi_proof_held held = {.as = as_it_is};
        uint32_t wrong = 0;
        bool proven = false;
        TEST_OK(ctx, tdagi_prove_methods(ctx, a, a->methods[0], b, b->methods[0],
                                         (cases[i].what & SKIPS) != 0 ? &held : NULL,
                                         &wrong, &proven));
        if (wrong != cases[i].wrong || proven != (cases[i].what != OPEN))
            fail_msg("%s: statement %u, %s", cases[i].name, (unsigned)wrong,
                     proven ? "told" : "not told");
        tdag_model_free(b);
        tdag_model_free(a);
    }
    tdag_ctx_free(ctx);
}

/* Each allocation fails in turn. */
static tdag_status prove_once(tdag_ctx *ctx, void *arg)
{
    tdag_model **both = arg;
    uint32_t wrong = 0;
    bool proven = false;
    return tdagi_prove_methods(ctx, both[0], both[0]->methods[0], both[1],
                               both[1]->methods[0], NULL, &wrong, &proven);
}

static void test_no_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *both[] = {parse(ctx, cases[5].a), parse(ctx, cases[5].b)};
    for (int64_t nth = 1;; nth++)
        if (!test_one_oom(prove_once, both, nth)) break;
    for (int i = 0; i < 2; i++)
        tdag_model_free(both[i]);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
