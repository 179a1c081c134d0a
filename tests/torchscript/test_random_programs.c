/* Random programs, exported and run by PyTorch: what each of two calls gives is what
 * the reference engine gives, a check that fails fails there, too. Programs that draw
 * are left out, as PyTorch draws other numbers. TDAG_SEED chooses another first seed,
 * TDAG_COUNT how many. */
#include "../program/random_program.h"

#include <math.h>
#include <unistd.h>

#include <tdagger.h>

#include "base/tensor.h"
#include "support/random_graph.h"

enum { N_INPUTS = 4, MOST = 16 };

static char path[64];

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static bool draws(const tdagi_block *block)
{
    bool does = false;
    for (const tdagi_statement *s = block->first; s != NULL && !does; s = s->next) {
        does = s->kind == TDAGI_DRAW;
        for (uint32_t i = 0; i < s->n_blocks; i++)
            does = does || draws(&s->blocks[i]);
    }
    return does;
}

static void make_inputs(tdag_ctx *ctx, uint64_t seed, tdag_tensor *in[N_INPUTS])
{
    rg_random r = rg_seeded(seed * 77 + 5);
    const int64_t shapes[2][2] = {{rg_in(&r, 0, 3), 4}, {3, 4}};
    static const tdag_dtype dtypes[] = {TDAG_F32, TDAG_F32, TDAG_I64, TDAG_BOOL};
    for (uint32_t i = 0; i < N_INPUTS; i++) {
        TEST_OK(ctx, tdag_tensor_create(ctx, dtypes[i], i < 2 ? 2 : 0,
                                        i < 2 ? shapes[i] : NULL, &in[i]));
        for (int64_t k = 0; k < in[i]->count; k++)
            if (i < 2)
                tdagi_tensor_set_f64(in[i], k, (double)rg_in(&r, -2, 2));
            else
                tdagi_tensor_set_i64(in[i], k, rg_in(&r, 0, i == 2 ? 3 : 1));
    }
}

/* An example: its model, and both ways of running one of its methods. */
typedef struct example {
    uint64_t seed;
    const tdag_model *model;
    const tdagi_method *method;
    tdag_torch_module *torch;
    tdag_state *state;
} example;

static void fail_with(tdag_ctx *ctx, const example *e, const char *what)
{
    char *text = NULL, why[256];
    snprintf(why, sizeof why, "%s", tdag_ctx_get_error(ctx)->message);
    if (tdag_model_print(ctx, e->model, TDAG_TEXT_FULL, &text) == TDAG_OK) puts(text);
    fail_msg("seed %llu, method %s: %s (%s)", (unsigned long long)e->seed,
             e->method == NULL ? "" : e->method->name, what, why);
}

static bool is_same(const tdag_tensor *a, const tdag_tensor *b)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank &&
                memcmp(a->shape, b->shape, a->rank * sizeof(int64_t)) == 0;
    for (int64_t k = 0; same && k < a->count; k++) {
        double x = tdagi_tensor_get_f64(a, k), y = tdagi_tensor_get_f64(b, k);
        same = x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= 1e-5 * fabs(x);
    }
    return same;
}

static void compare(tdag_ctx *ctx, const example *e, tdag_tensor *const *want,
                    const tdag_named_tensors *got)
{
    uint32_t n = e->method->outputs->n_tensors;
    if (got->n != n) fail_with(ctx, e, "another number of results");
    for (uint32_t i = 0; i < n; i++)
        if (!is_same(want[i], got->tensors[i])) fail_with(ctx, e, "another result");
}

/* The method's name in the file. */
static void name_there(const char *name, char *buf, size_t size)
{
    snprintf(buf, size, "%s", name);
    for (char *c = buf; *c != '\0'; c++)
        if (*c == ' ') *c = '_';
}

/* One call by both; false: it failed, as it should. */
static bool call(tdag_ctx *ctx, const example *e, uint64_t number)
{
    tdag_tensor *in[N_INPUTS] = {NULL}, *want[MOST] = {NULL};
    tdag_named_tensors got = {0};
    tdag_run_options o;
    tdag_torchscript_options t;
    tdag_run_options_init(&o);
    tdag_torchscript_options_init(&t);
    o.engine = TDAG_ENGINE_REFERENCE;
    o.state = e->state;
    char there_name[64];
    name_there(e->method->name, there_name, sizeof there_name);
    o.method = e->method->name;
    t.method = there_name;
    t.outputs = e->method->outputs->text;
    make_inputs(ctx, e->seed + number, in);
    tdag_status here = tdag_run(ctx, e->model, in, N_INPUTS, &o, want);
    tdag_status there = tdag_torch_module_run(e->torch, in, NULL, N_INPUTS, &t, &got);
    if (here == TDAG_OK && there != TDAG_OK) fail_with(ctx, e, "PyTorch fails");
    if (here == TDAG_E_CHECK && there == TDAG_OK) fail_with(ctx, e, "PyTorch goes on");
    if (here == TDAG_OK) compare(ctx, e, want, &got);
    for (uint32_t i = 0; i < N_INPUTS; i++)
        tdag_tensor_free(in[i]);
    for (uint32_t i = 0; i < MOST && here == TDAG_OK; i++)
        tdag_tensor_free(want[i]);
    tdag_tensors_free(&got);
    return here == TDAG_OK;
}

/* How many calls went to an end. */
static uint32_t check_method(tdag_ctx *ctx, example *e)
{
    uint32_t n = 0;
    if (tdag_torch_module_open(ctx, path, NULL, &e->torch) != TDAG_OK)
        fail_with(ctx, e, "PyTorch does not load it");
    TEST_OK(ctx, tdag_state_create(ctx, e->model, &e->state));
    while (n < 2 && call(ctx, e, n))
        n++;
    tdag_state_free(e->state);
    tdag_torch_module_free(e->torch);
    return n;
}

static uint32_t check(tdag_ctx *ctx, uint64_t seed)
{
    tdag_model *m = NULL;
    uint32_t n = 0;
    TEST_OK(ctx, random_running_program(ctx, seed, &m));
    example e = {.seed = seed, .model = m};
    bool is_drawn = false;
    for (uint32_t i = 0; i < m->n_methods; i++)
        is_drawn = is_drawn || draws(&m->methods[i]->body);
    if (!is_drawn && tdag_to_torchscript(ctx, m, path, NULL) != TDAG_OK)
        fail_with(ctx, &e, "it is not exported");
    for (uint32_t i = 0; i < m->n_methods && !is_drawn; i++) {
        e.method = m->methods[i];
        n += check_method(ctx, &e);
    }
    tdag_model_free(m);
    return n;
}

static void test_random(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    uint64_t first = number_of("TDAG_SEED", 1), count = number_of("TDAG_COUNT", 300);
    uint32_t n = 0;
    snprintf(path, sizeof path, "/tmp/tdagger_random_%d.pt", (int)getpid());
    for (uint64_t seed = first; seed < first + count; seed++)
        n += check(ctx, seed);
    remove(path);
    printf("seeds %llu to %llu: %u calls compared\n", (unsigned long long)first,
           (unsigned long long)(first + count - 1), (unsigned)n);
    assert_true(n >= count / 4);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
