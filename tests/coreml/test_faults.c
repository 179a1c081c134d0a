/* Faults planted in packages before they are proven: each is found, and told with its
 * node or statement; a composite is written by its parts. */
#include <unistd.h>

#include <tdagger.h>
#include <tdagger/coreml.h>

#include "coreml/made.h"
#include "coreml/write/mil.h"
#include "support/test.h"

enum { RENAME, SWAP_BLOCKS, SWAP_INPUTS, SWAP_YIELDS };

typedef struct fault {
    const char *of; /* the type of the operations */
    int how;
    char *to; /* its new type */
    uint32_t n;
} fault;

static void swap(void *a, void *b)
{
    void *x = *(void **)a;
    *(void **)a = *(void **)b;
    *(void **)b = x;
}

static void plant_at(fault *f, Cml__Operation *o)
{
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
#define STATEFUL WITH_STATE("state s: f32[3] = [0, 0, 0]\n", "k = read s\nu = call up(k)\nwrite s u\nv = call up(x)\nreturn k, v\n")
static const struct {
    const char *name, *text, *of;
    int how;
    const char *to, *says; /* NULL: it is written by its parts */
} cases[] = {
    {"a core op", GRAPH "y = sin(x)\nz = exp(y)\nreturn z\n", "sin", RENAME, "cos", "(node y)"},
    {"swapped operands", GRAPH "y = sin(x)\nz = less(x, y)\nreturn z\n", "less", SWAP_INPUTS, NULL, "(node z)"},
    {"a composite", GRAPH "n = neg(x)\ne = exp(n)\no: f32[] = constant [1]\ns = add(e, o)\ny = reciprocal(s)\nreturn y\n",
     "sigmoid", RENAME, "tanh", NULL},
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

static void check_one(tdag_ctx *ctx, size_t i)
{
    char name[32];
    snprintf(name, sizeof name, "%u.mlpackage", (unsigned)i);
    const char *path = made_path(name);
    tdag_coreml_options o;
    tdag_model *model = NULL;
    fault f = {cases[i].of, cases[i].how, (char *)(uintptr_t)cases[i].to, 0};
    tdag_coreml_options_init(&o);
    o.flags = TDAG_COREML_STATE_INPUTS;
    TEST_OK(ctx, tdag_model_parse(ctx, cases[i].text, strlen(cases[i].text), &model));
    tdag_status st = tdagi_coreml_write(ctx, model, path, &o, plant, &f);
    char said[512] = "";
    if (st != TDAG_OK)
        snprintf(said, sizeof said, "%s (node %s)", tdag_ctx_get_error(ctx)->message,
                 tdag_ctx_get_error(ctx)->node == NULL ? ""
                                                       : tdag_ctx_get_error(ctx)->node);
    if (f.n == 0) fail_msg("%s: not planted", cases[i].name);
    if (st != (cases[i].says == NULL ? TDAG_OK : TDAG_E_INTERNAL) ||
        (cases[i].says != NULL && strstr(said, cases[i].says) == NULL))
        fail_msg("%s: %d %s", cases[i].name, (int)st, said);
    assert_int_equal(access(path, F_OK) == 0, cases[i].says == NULL);
    tdag_model_free(model);
}

static void test_faults(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_one(ctx, i);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, made_remove);
}
