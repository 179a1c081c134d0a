/* Faults planted in packages before they are proven: each is found, and told with its
 * node or statement; a composite is written by its parts. */
#include <unistd.h>

#include <tdagger.h>
#include <tdagger/coreml.h>

#include "coreml/made.h"
#include "coreml/write/mil.h"
#include "support/test.h"

enum { RENAME, SWAP_BLOCKS, SWAP_INPUTS, SWAP_YIELDS, DROP, EXCHANGE };

typedef struct fault {
    const char *of; /* the type of the operations */
    int how;
    char *to; /* its new type; the operand that is dropped or exchanged */
    uint32_t n;
    void *first; /* operand */
} fault;

static void swap(void *a, void *b)
{
    void *x = *(void **)a;
    *(void **)a = *(void **)b;
    *(void **)b = x;
}

static void plant_at_operand(fault *f, Cml__Operation *o)
{
    for (size_t i = 0; i < o->n_inputs; i++) {
        if (strcmp(o->inputs[i]->key, f->to) != 0) continue;
        f->n++;
        if (f->how == EXCHANGE && f->first == NULL)
            f->first = o->inputs[i];
        else if (f->how == EXCHANGE)
            swap(&((Cml__ArgumentEntry *)f->first)->value, &o->inputs[i]->value);
        else
            o->inputs[i] = o->inputs[--o->n_inputs];
    }
}

static void plant_at(fault *f, Cml__Operation *o)
{
    if (f->how >= DROP) {
        plant_at_operand(f, o);
        return;
    }
    f->n++;
    if (f->how == RENAME) o->type = f->to;
    if (f->how == SWAP_BLOCKS) swap(&o->blocks[0], &o->blocks[1]);
    if (f->how == SWAP_INPUTS) swap(&o->inputs[0]->key, &o->inputs[1]->key);
    if (f->how == SWAP_YIELDS)
        swap(&o->blocks[1]->outputs[0], &o->blocks[1]->outputs[1]);
}

static void plant_in(fault *f, Cml__Block *b)
{
    for (size_t i = 0; i < b->n_operations; i++) {
        Cml__Operation *o = b->operations[i];
        for (size_t k = 0; k < o->n_blocks; k++)
            plant_in(f, o->blocks[k]);
        if (strcmp(o->type, f->of) == 0) plant_at(f, o);
    }
}

static void plant(void *user, Cml__Model *model)
{
    const Cml__Program *p = model->ml_program;
    ((fault *)user)->first = NULL;
    for (size_t i = 0; i < p->n_functions; i++)
        plant_in(user, p->functions[i]->value->block_specializations[0]->value);
}

/* clang-format off */
#define GRAPH "tdag 1\nx: f32[3] = input\n"
#define PROGRAM(body) WITH_STATE("", body)
#define WITH_STATE(state, body) \
    "tdag 2\ngraph up {\nx: f32[3] = input\nz: f32[3] = sin(x)\ny: f32[3] = add(z, x)\nreturn y\n}\n" \
    "graph least {\nx: f32[3] = input\no: f32[] = constant [0.5]\n" \
    "m: f32[1] = reduce(x) {axes=[0], kind=min}\nr: f32[] = squeeze(m) {axes=[0]}\nc = less(o, r)\nreturn c\n}\n" \
    state "program forward(x: f32[3], n: i64[]) -> (f32[3], f32[3]) {\n" body "}\n"
#define BRANCH PROGRAM("c = call least(x)\ny = if c {\na = call up(x)\nyield a\n} else {\nyield x\n}\nreturn y, x\n")
#define COUNTED PROGRAM("u = call up(x)\ny, z = loop limit n (i; a = x, b = u) {\nd = call up(b)\nyield b, d\n}\nreturn y, z\n")
#define WAITING \
    PROGRAM("c = call least(x)\ny = loop while c (i; a = x) {\nd = call up(a)\ne = call least(d)\nyield e; d\n}\nreturn y, x\n")
#define STATEFUL WITH_STATE("state s.k: f32[3] = [0, 0, 0]\n", "k = read s.k\nu = call up(k)\nwrite s.k u\nv = call up(x)\nreturn k, v\n")
#define LINEAR \
    "tdag 2\ngraph up {\nx: f32[3] = input\nw: f32[3,3] = parameter [-1, 2, 3, 4, 1, 0, 2, 2, 5]\nb: f32[3] = parameter [1, 3, 2]\n" \
    "u = unsqueeze(x) {axes=[0]}\np = multiply(u, w)\ns = reduce(p) {axes=[1], kind=sum}\nq = squeeze(s) {axes=[1]}\ny = add(q, b)\nreturn y\n}\n" \
    "program forward(x: f32[3], c: bool[]) -> (f32[3]) {\ny = if c {\na = call up(x)\nyield a\n} else {\nyield x\n}\nreturn y\n}\n"
static const struct {
    const char *name, *text, *of;
    int how;
    const char *to, *says; /* NULL: it is written by its parts */
} cases[] = {
    {"a core op", GRAPH "y = sin(x)\nz = exp(y)\nreturn z\n", "sin", RENAME, "cos", "(node y)"},
    {"swapped operands", GRAPH "y = sin(x)\nz = less(x, y)\nreturn z\n", "less", SWAP_INPUTS, NULL, "(node z)"},
    {"a composite", GRAPH "n = neg(x)\ne = exp(n)\no: f32[] = constant [1]\ns = add(e, o)\ny = reciprocal(s)\nreturn y\n",
     "sigmoid", RENAME, "tanh", NULL},
    {"a bias", GRAPH "w: f32[2,3] = parameter [-1, 2, 3, 4, 1, 0]\nb: f32[2] = parameter [1, 3]\nu = unsqueeze(x) {axes=[0]}\n"
     "p = multiply(u, w)\ns = reduce(p) {axes=[1], kind=sum}\nq = squeeze(s) {axes=[1]}\ny = add(q, b)\nreturn y\n", "linear", DROP, "bias", NULL},
    {"an axis", "tdag 1\nx: f32[3,3] = input\nc = reduce(x) {axes=[0], kind=max}\na = squeeze(c) {axes=[0]}\n"
     "d = reduce(x) {axes=[1], kind=max}\nb = squeeze(d) {axes=[1]}\ny = less(a, b)\nreturn y\n", "reduce_max", EXCHANGE, "axes", "(node a)"},
    {"factors", "tdag 1\nx: f32[3,3] = input\nz = sin(x)\na = unsqueeze(x) {axes=[2]}\nb = unsqueeze(z) {axes=[0]}\nc = multiply(a, b)\n"
     "d = reduce(c) {axes=[1], kind=sum}\ny = squeeze(d) {axes=[1]}\nreturn y\n", "matmul", SWAP_INPUTS, NULL, NULL},
    {"a pool beside one that has no operator", "tdag 1\nx: f32[1,1,6] = input\na = unfold(x) {kernel=[1,1,3], stride=[1,1,1]}\n"
     "b = ungroup(a) {counts=[1,1,2], factors=[1,1,4,3]}\nc = unfold(b) {kernel=[1,1,1,1], stride=[1,1,1,2]}\n"
     "d = reduce(c) {axes=[3], kind=max}\ny = squeeze(d) {axes=[3]}\ne = unfold(x) {kernel=[1,1,2], stride=[1,1,2]}\n"
     "f = ungroup(e) {counts=[1,1,2], factors=[1,1,3,2]}\ng = reduce(f) {axes=[3], kind=max}\nz = squeeze(g) {axes=[3]}\nreturn y, z\n",
     "max_pool", DROP, "strides", "max_pool"},
    {"a bias in a branch", LINEAR, "linear", DROP, "bias", "method forward, statement 3"},
    {"a core op of a branch", BRANCH, "sin", RENAME, "cos", "method forward, statement 4"},
    {"its condition", BRANCH, "less", SWAP_INPUTS, NULL, "method forward, statement 2"},
    {"its arms", BRANCH, "cond", SWAP_BLOCKS, NULL, "method forward, statement 4"},
    {"a core op of a loop", COUNTED, "sin", RENAME, "cos", "method forward, statement 4"},
    {"what it carries", COUNTED, "while_loop", SWAP_YIELDS, NULL, "method forward, statement 4"},
    {"its number of rounds", COUNTED, "less", RENAME, "less_equal", "method forward, statement 2"},
    {"a loop's condition", WAITING, "less", RENAME, "greater", "method forward, statement 2"},
    {"a core op of a loop with a condition", WAITING, "add", RENAME, "sub", "method forward, statement 2"},
    {"a state", STATEFUL, "sin", RENAME, "cos", "method forward, statement 5"},
};
/* clang-format on */

/* The floats of the model, and whether they are written as halves. */
static const struct {
    const char *floats;
    uint32_t flags;
} kinds[] = {{"f32", 0}, {"f32", TDAG_COREML_F16}, {"f64", 0}, {"f16", 0}, {"bf16", 0}};

/* The text with other floats. */
static const char *text_of(size_t i, size_t kind, char *out, size_t size)
{
    size_t n = 0;
    for (const char *c = cases[i].text; *c != 0 && n + 8 < size;) {
        if (strncmp(c, "f32", 3) != 0) {
            out[n++] = *c++;
            continue;
        }
        n += (size_t)snprintf(out + n, size - n, "%s", kinds[kind].floats);
        c += 3;
    }
    out[n] = 0;
    return out;
}

static void check_one(tdag_ctx *ctx, size_t i, size_t kind)
{
    char name[32], text[2048];
    snprintf(name, sizeof name, "%u_%u.mlpackage", (unsigned)i, (unsigned)kind);
    const char *path = made_path(name);
    tdag_coreml_options o;
    tdag_model *model = NULL;
    fault f = {cases[i].of, cases[i].how, (char *)(uintptr_t)cases[i].to, 0, NULL};
    tdag_coreml_options_init(&o);
    o.flags = TDAG_COREML_STATE_INPUTS | kinds[kind].flags;
    text_of(i, kind, text, sizeof text);
    TEST_OK(ctx, tdag_model_parse(ctx, text, strlen(text), &model));
    tdag_status st = tdagi_coreml_write(ctx, model, path, &o, plant, &f);
    char said[512] = "";
    if (st != TDAG_OK)
        snprintf(said, sizeof said, "%s (node %s)", tdag_ctx_get_error(ctx)->message,
                 tdag_ctx_get_error(ctx)->node == NULL ? ""
                                                       : tdag_ctx_get_error(ctx)->node);
    if (f.n == 0) fail_msg("%s: not planted", cases[i].name);
    if (st != (cases[i].says == NULL ? TDAG_OK : TDAG_E_INTERNAL) ||
        (cases[i].says != NULL && strstr(said, cases[i].says) == NULL))
        fail_msg("%s of %s, %u: %d %s", cases[i].name, kinds[kind].floats,
                 (unsigned)kinds[kind].flags, (int)st, said);
    assert_int_equal(access(path, F_OK) == 0, cases[i].says == NULL);
    tdag_model_free(model);
}

static void test_faults(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
            check_one(ctx, i, kind);
    tdag_ctx_free(ctx);
}

/* What makes something of the operator is not read, wherever it stands. */
static void test_unknown(void **state)
{
    static const struct {
        const char *text, *of;
    } rows[] = {{GRAPH "y = sin(x)\nz = exp(y)\nreturn z\n", "sin"},
                {BRANCH, "sin"},
                {COUNTED, "sin"},
                {WAITING, "sin"},
                {WAITING, "less"},
                {STATEFUL, "sin"}};
    static char unknown[] = "no_such_op";
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tdag_coreml_options o;
        tdag_model *model = NULL, *again = NULL;
        fault f = {rows[i].of, RENAME, unknown, 0, NULL};
        const char *path = made_path("unknown.mlpackage");
        tdag_coreml_options_init(&o);
        o.flags = TDAG_COREML_STATE_INPUTS | TDAG_COREML_NO_CHECK;
        TEST_OK(ctx, tdag_model_parse(ctx, rows[i].text, strlen(rows[i].text), &model));
        TEST_OK(ctx, tdagi_coreml_write(ctx, model, path, &o, plant, &f));
        assert_true(f.n > 0);
        tdag_status st = tdag_from_coreml(ctx, path, NULL, 0, NULL, &again);
        assert_int_equal(st, TDAG_E_UNSUPPORTED);
        assert_non_null(strstr(tdag_ctx_get_error(ctx)->message, unknown));
        tdag_model_free(model);
    }
    tdag_ctx_free(ctx);
}

static void lie(void *user, Cml__Model *model)
{
    const Cml__Metadata *m = model->description->metadata;
    for (size_t i = 0; i < m->n_user_defined; i++)
        if (strcmp(m->user_defined[i]->key, "tdagger") == 0)
            m->user_defined[i]->value = user;
}

/* Two states stay two, and have names, whatever the notes say. */
static void test_notes_that_lie(void **state)
{
    static const char text[] =
        WITH_STATE("state s.k: f32[3] = [0, 0, 0]\nstate t: f32[3] = [0, 0, 0]\n",
                   "k = read s.k\nu = call up(k)\nwrite s.k u\nl = read t\n"
                   "v = call up(x)\nwrite t v\nreturn k, l\n");
    static char notes[][80] = {
        "function main forward\nstate s_k t f16\n",
        "function main forward\nstate s_k x f16\nstate t x f16\n",
        "function main forward\nstate s_k  f16\nstate t\n"};
    static const char *const want[][2] = {{"t", "t_"}, {"x", "t"}, {"s_k", "t"}};
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        tdag_coreml_options o;
        tdag_model *model = NULL, *again = NULL;
        const char *path = made_path("lies.mlpackage");
        tdag_coreml_options_init(&o);
        o.flags = TDAG_COREML_F16 | TDAG_COREML_NO_CHECK;
        TEST_OK(ctx, tdag_model_parse(ctx, text, sizeof text - 1, &model));
        TEST_OK(ctx, tdagi_coreml_write(ctx, model, path, &o, lie, notes[i]));
        TEST_OK(ctx, tdag_from_coreml(ctx, path, NULL, 0, NULL, &again));
        assert_int_equal(again->n_states, 2);
        for (uint32_t k = 0; k < 2; k++)
            assert_string_equal(again->states[k].name, want[i][k]);
        tdag_model_free(model);
        tdag_model_free(again);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_unknown),
                                       cmocka_unit_test(test_notes_that_lie)};
    return cmocka_run_group_tests(tests, NULL, made_remove);
}
