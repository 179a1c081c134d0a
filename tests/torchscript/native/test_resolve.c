/* Which overload a call means, from the values at hand: calls as short texts, and what
 * libtorch makes of them (where its compiler takes the call, 1.13 and 2.13 agree).
 *
 *   T a tensor   2 1.5 true   'text'   cpu a device   None   [1 2] a list
 *   {} a dict    # a number that depends on data   ? a value that is not there
 *   name=2 by name */
#include "aten/cell.h"
#include "base/dim/dim.h"
#include "base/text.h"
#include "support/test.h"
#include "torchscript/native/resolve.h"

#define MOST 16

typedef struct world {
    tdag_ctx *ctx;
    tdagi_env env;
    tdagi_resolver resolver;
    const char *at; /* in the text of the call */
    uint32_t n_inputs;
} world;

static void open_world(world *w)
{
    *w = (world){.ctx = test_ctx()};
    assert_non_null(w->ctx);
    tdagi_env_init(&w->env, w->ctx);
}

static void close_world(world *w)
{
    tdagi_env_free(&w->env);
    tdag_ctx_free(w->ctx);
}

/* ---- values of the text ---- */

static bool take(world *w, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(w->at, word, n) != 0) return false;
    w->at += n;
    return true;
}

static tdagi_any tensor(world *w, uint32_t rank)
{
    const tdag_dim dims[] = {2, 3};
    char name[16];
    snprintf(name, sizeof name, "x%u", (unsigned)w->n_inputs++);
    return tdagi_any_tensor(
        tdagi_cell_new(&w->env, tdag_add_input(w->env.b, name, TDAG_F32, rank, dims)));
}

static tdagi_any read_number(world *w)
{
    char *end = NULL;
    const char *start = w->at;
    double number = strtod(start, &end);
    if (end == start) fail_msg("no value: %s", start);
    w->at = end;
    bool is_float = memchr(start, '.', (size_t)(end - start)) != NULL;
    return is_float ? tdagi_any_float(number) : tdagi_any_int(&w->env, (int64_t)number);
}

static tdagi_any read_value(world *w);

static tdagi_any read_list(world *w)
{
    tdagi_any items[MOST];
    uint32_t n = 0;
    while (!take(w, "]")) {
        assert_true(n < MOST);
        items[n++] = read_value(w);
        take(w, " ");
    }
    return tdagi_any_seq(&w->env, TDAGI_ANY_LIST, n, items);
}

static tdagi_any read_value(world *w)
{
    if (take(w, "T")) return tensor(w, 2);
    if (take(w, "true")) return tdagi_any_bool(true);
    if (take(w, "'text'")) return tdagi_any_string("text");
    if (take(w, "cpu")) return (tdagi_any){.kind = TDAGI_ANY_DEVICE, .u.s = "cpu"};
    if (take(w, "None")) return tdagi_any_none();
    if (take(w, "?")) return tdagi_any_poison();
    if (take(w, "{}")) return tdagi_any_dict(&w->env);
    if (take(w, "[")) return read_list(w);
    if (!take(w, "#")) return read_number(w);
    tdagi_any v = tensor(w, 0);
    v.kind = TDAGI_ANY_DATA;
    v.letter = 'i';
    return v;
}

/* ---- values as text ---- */

static void write_value(world *w, tdagi_text *to, tdagi_any v)
{
    switch ((tdagi_any_kind)v.kind) {
    case TDAGI_ANY_TENSOR:
        tdagi_text_add(to, "T");
        break;
    case TDAGI_ANY_INT:
        tdagi_text_printf(to, "%.0f", tdagi_any_sample(&w->env, v));
        break;
    case TDAGI_ANY_FLOAT:
        tdagi_text_printf(to, v.u.f == (double)(int64_t)v.u.f ? "%.1f" : "%g", v.u.f);
        break;
    case TDAGI_ANY_BOOL:
        tdagi_text_add(to, v.u.b ? "true" : "false");
        break;
    case TDAGI_ANY_STRING:
        tdagi_text_printf(to, "'%s'", v.u.s);
        break;
    case TDAGI_ANY_DEVICE:
        tdagi_text_add(to, v.u.s);
        break;
    case TDAGI_ANY_NONE:
        tdagi_text_add(to, "None");
        break;
    case TDAGI_ANY_POISON:
        tdagi_text_add(to, "?");
        break;
    case TDAGI_ANY_DATA:
        tdagi_text_add(to, "#");
        break;
    case TDAGI_ANY_DICT:
        tdagi_text_add(to, "{}");
        break;
    case TDAGI_ANY_LIST:
    case TDAGI_ANY_TUPLE:
        tdagi_text_add(to, "[");
        for (uint32_t i = 0; i < v.u.seq->n; i++) {
            if (i > 0) tdagi_text_add(to, " ");
            write_value(w, to, v.u.seq->v[i]);
        }
        tdagi_text_add(to, "]");
        break;
    case TDAGI_ANY_NESTED:
    case TDAGI_ANY_OPTIONAL:
    case TDAGI_ANY_COMPLEX:
    case TDAGI_ANY_COMPLEX_NUMBER:
    case TDAGI_ANY_OBJECT:
    case TDAGI_ANY_FUNCTION:
    case TDAGI_ANY_OTHER:
        fail_msg("a value of another kind");
    }
}

/* ---- calls ---- */

typedef struct sent {
    tdagi_any args[MOST];
    char names[MOST][32];
    const char *named[MOST];
    tdagi_source_call call;
} sent;

static void read_call(world *w, const char *name, const char *text, uint32_t version,
                      sent *out)
{
    uint32_t n = 0, n_named = 0;
    w->at = text;
    while (*w->at != '\0') {
        size_t letters = strspn(w->at, "abcdefghijklmnopqrstuvwxyz_");
        assert_true(n < MOST && letters < 32);
        if (w->at[letters] == '=' && letters > 0) {
            memcpy(out->names[n_named], w->at, letters);
            out->names[n_named][letters] = '\0';
            out->named[n_named] = out->names[n_named];
            n_named++;
            w->at += letters + 1;
        }
        out->args[n++] = read_value(w);
        take(w, " ");
    }
    out->call = (tdagi_source_call){.name = name,
                                    .n = n,
                                    .n_named = n_named,
                                    .args = out->args,
                                    .names = out->named,
                                    .version = version};
}

/* "Tensor: T T 1"; "none" if no overload takes it. */
static void resolve(world *w, const sent *s, tdagi_text *to)
{
    tdagi_resolved r;
    if (!tdagi_resolve_call(&w->env, &w->resolver, &s->call, &r)) {
        tdagi_text_add(to, "none");
        return;
    }
    tdagi_text_printf(to, "%s%s:", r.schema->is_vararg ? "*" : "", r.schema->overload);
    for (uint32_t i = 0; i < r.n_args; i++) {
        tdagi_text_add(to, " ");
        write_value(w, to, r.args[i]);
    }
}

static const struct {
    const char *name, *args;
    uint32_t version;
    const char *want;
} cases[] = {
    /* by kinds */
    {"aten::add", "T T", 10, "Tensor: T T 1"},
    {"aten::add", "T 2", 10, "Scalar: T 2 1"},
    {"aten::add", "T 1.5", 10, "Scalar: T 1.5 1"},
    {"aten::add", "1 2", 10, "int: 1 2"},
    {"aten::add", "1.5 2.5", 10, "float: 1.5 2.5"},
    {"aten::add", "1 2.5", 10, "int_float: 1 2.5"},
    {"aten::add", "2.5 1", 10, "float_int: 2.5 1"},
    {"aten::add", "[1 2] [3]", 10, "t: [1 2] [3]"},
    {"aten::add", "'text' 'text'", 10, "str: 'text' 'text'"},
    {"aten::add", "# 1", 10, "int: # 1"},
    /* by number */
    {"aten::max", "T", 10, ": T"},
    {"aten::max", "T T", 10, "other: T T"},
    {"aten::max", "T 1", 10, "dim: T 1 false"},
    {"aten::max", "T 1 true", 10, "dim: T 1 true"},
    {"aten::sum", "T", 10, ": T None"},
    {"aten::sum", "T [1]", 10, "dim_IntList: T [1] false None"},
    {"aten::sum", "T [1] true", 10, "dim_IntList: T [1] true None"},
    /* by name, in any order; None and defaults */
    {"aten::add", "T T alpha=3", 10, "Tensor: T T 3"},
    {"aten::add", "T other=T alpha=3", 10, "Tensor: T T 3"},
    {"aten::sum", "T dtype=6", 10, ": T 6"},
    {"aten::sum", "T keepdim=true dim=[0]", 10, "dim_IntList: T [0] true None"},
    {"aten::clamp", "T", 10, ": T None None"},
    {"aten::clamp", "T None 2", 10, ": T None 2"},
    {"aten::clamp", "T max=2", 10, ": T None 2"},
    {"aten::clamp", "T T None", 10, "Tensor: T T None"},
    {"aten::softmax", "T -1", 10, "int: T -1 None"},
    /* one number for a list; defaults stay as the schema has them */
    {"aten::sum", "T 1", 10, "dim_IntList: T [1] false None"},
    {"aten::avg_pool2d", "T 2", 10, ": T [2] [] 0 false true None"},
    {"aten::avg_pool2d", "T [2 3] 1", 10, ": T [2 3] [1] 0 false true None"},
    {"aten::conv2d", "T T", 10, ": T T None 1 0 1 1"},
    {"aten::conv2d", "T T None 2 'text'", 10, "padding: T T None [2] 'text' 1 1"},
    {"aten::cat", "[T T]", 10, ": [T T] 0"},
    {"aten::zeros", "[2 3]", 10, ": [2 3] None None None None"},
    /* conversions, where nothing fits without */
    {"aten::dropout", "T 1 true", 10, ": T 1 true"},
    {"aten::full", "[2] 1", 10, ": [2] 1 None None None None"},
    {"aten::to", "T cpu", 10, "prim_Device: T cpu None false false"},
    {"aten::select", "T 0 T", 10, "int: T 0 T"},
    /* what is not there fits anything */
    {"aten::add", "? T", 10, "Tensor: ? T 1"},
    {"aten::add", "T ?", 10, "Tensor: T ? 1"},
    {"aten::relu", "?", 10, ": ?"},
    /* none */
    {"aten::relu", "", 10, "none"},
    {"aten::relu", "T T T", 10, "none"},
    {"aten::relu", "T inplace=true", 10, "none"},
    {"aten::add", "T other=T other=T", 10, "none"},
    {"aten::add", "T T self=T", 10, "none"},
    /* operators that nobody knows take what they are given */
    {"aten::no_such", "T 2 'text'", 10, "*: T 2 'text'"},
    {"my::own", "", 10, "*:"},
    /* other names */
    {"aten::multiply", "T T", 10, "Tensor: T T"},
    {"aten::true_divide_", "T T", 10, "Tensor: T T"},
    {"aten::clip", "T 0 1", 10, ": T 0 1"},
    {"aten::special_expit", "T", 10, ": T"},
    /* what older archives meant */
    {"aten::full", "[2] 1", 4, ": [2] 1 6 None None None"},
    {"aten::full", "[2] 1", 5, ": [2] 1 None None None None"},
    {"aten::full", "[2] 1 dtype=3", 4, ": [2] 1 3 None None None"},
    {"aten::linspace", "0. 1.", 7, ": 0.0 1.0 100 None None None None"},
    {"aten::linspace", "0. 1. 5", 7, ": 0.0 1.0 5 None None None None"},
    {"aten::logspace", "0. 1.", 8, ": 0.0 1.0 100 10.0 None None None None"},
    {"aten::div", "T T", 3, "Tensor: T T"},
    {"aten::div", "T 2", 3, "Scalar: T 2"},
};

static void test_calls(void **state)
{
    (void)state;
    uint32_t wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world w;
        sent s;
        tdagi_text got;
        open_world(&w);
        tdagi_text_init(&got, w.ctx);
        read_call(&w, cases[i].name, cases[i].args, cases[i].version, &s);
        resolve(&w, &s, &got);
        assert_int_equal(w.env.status, TDAG_OK);
        bool none = strcmp(cases[i].want, "none") == 0;
        if (strcmp(got.data, cases[i].want) != 0 || (w.env.n_issues == 1) != none) {
            print_error("%s(%s): %s, not %s\n", cases[i].name, cases[i].args, got.data,
                        cases[i].want);
            wrong++;
        }
        tdagi_text_free(&got);
        close_world(&w);
    }
    assert_int_equal(wrong, 0);
}

/* ---- schemas of a file ---- */

static void test_among(void **state)
{
    (void)state;
    static const tdagi_parameter args[] = {
        {.name = "a", .type = "int"},
        {.name = "b", .type = "str", .by_default = {.kind = TDAGI_DEFAULT_NONE}},
        {.name = "c",
         .type = "bool",
         .by_default = {.kind = TDAGI_DEFAULT_NONE},
         .keyword_only = true}};
    const tdagi_schema
        first = {.name = "my::f", .overload = "one", .n_args = 1, .args = args},
        second = {.name = "my::f", .overload = "three", .n_args = 3, .args = args};
    const tdagi_schema *const both[] = {&first, &second};
    static const struct {
        const char *args, *want;
    } calls[] = {{"1", "one"},     {"1 'text'", "three"},     {"1 c=true", "three"},
                 {"a=1", "one"},   {"b='text' a=1", "three"}, {"1 'text' true", NULL},
                 {"c=true", NULL}, {"'text'", "one"}}; /* by number alone, when nothing
                                                          else fits */
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        world w;
        sent s;
        tdagi_resolved r;
        open_world(&w);
        read_call(&w, "my::f", calls[i].args, 10, &s);
        bool found = tdagi_resolve_among(&w.env, both, 2, &s.call, &r);
        if (found != (calls[i].want != NULL) ||
            (found && strcmp(r.schema->overload, calls[i].want) != 0))
            fail_msg("f(%s): %s", calls[i].args, found ? r.schema->overload : "none");
        close_world(&w);
    }
}

/* ---- out of memory ---- */

static tdag_status resolve_many(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    world w = {.ctx = ctx};
    tdagi_env_init(&w.env, ctx);
    for (uint32_t i = 0; i < 80 && tdagi_env_ok(&w.env); i++) {
        char name[32];
        tdagi_any two = tdagi_any_int(&w.env, 2);
        const tdagi_any args[] = {tdagi_any_poison(), two};
        const tdagi_source_call call = {
            .name = name, .n = 2, .args = args, .version = i % 2 == 0 ? 3 : 10};
        tdagi_resolved r;
        snprintf(name, sizeof name, i % 5 == 0 ? "aten::linspace" : "my::f%u", i);
        (void)!tdagi_resolve_call(&w.env, &w.resolver, &call, &r);
    }
    tdag_status st = w.env.status;
    tdagi_env_free(&w.env);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(resolve_many, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls),
                                       cmocka_unit_test(test_among),
                                       cmocka_unit_test(test_oom)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
