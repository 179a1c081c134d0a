/* Models: straight-line ones and programs; sharing, comparing, refusing. */
#include "programs.h"

#include <tdagger.h>

static const char text[] =
    "tdag 1\nsymbols N=2 M=3\nx: f32[N,4] = input\n"
    "v2: f32[N*M,4] = input\nw: f32[4] = parameter [1, 2, 3, 4]\n"
    "y = multiply(x, w)\nz = neg(v2)\nreturn y, z, y\n";

static tdag_model *straight(tdag_ctx *ctx)
{
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    TEST_OK(ctx, graph_of(ctx, text, &g));
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_graph_free(g);
    return m;
}

/* One method, one call, one return, with the graph's types. */
static void test_straight(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = straight(ctx);
    TEST_OK(ctx, tdagi_model_verify(ctx, m));
    const tdag_graph *g = NULL;
    TEST_OK(ctx, tdagi_model_straight(ctx, m, &g));
    assert_ptr_equal(g, tdag_model_get_graph(m));
    assert_string_equal(tdag_model_get_input_structure(m), "(T, T)");
    assert_string_equal(tdag_model_get_output_structure(m), "(T, T, T)");
    const tdagi_method *f = tdagi_model_method(m, "forward");
    assert_non_null(f);
    assert_null(tdagi_model_method(m, "encode"));
    assert_int_equal(f->body.n_params, 2);
    assert_int_equal(f->body.n_symbols, 2);
    assert_string_equal(tdagi_method_var(f, f->body.params[0])->name, "x");
    assert_null(tdagi_method_var(f, f->body.params[1])->name); /* v2 is automatic */
    assert_int_equal(statement_at(f, 1)->kind, TDAGI_CALL);
    assert_int_equal(statement_at(f, 2)->kind, TDAGI_RETURN);
    assert_null(statement_at(f, 3));
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_with_graph(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL, *other = NULL;
    tdagi_structure *in = NULL;
    tdag_model *m = NULL, *changed = NULL;
    TEST_OK(ctx, graph_of(ctx, text, &g));
    TEST_OK(ctx, tdagi_structure_parse(ctx, "({\"a\": T, \"b\": T},)", &in));
    TEST_OK(ctx, tdagi_model_create(ctx, g, in, NULL, &m));
    TEST_OK(ctx, tdagi_graph_prune(ctx, g, &other));
    TEST_OK(ctx, tdagi_model_with_graph(ctx, m, other, &changed));
    assert_ptr_equal(tdag_model_get_graph(changed), other);
    assert_ptr_equal(tdagi_model_inputs(changed), in);
    assert_int_equal(tdagi_model_create(ctx, g, NULL, in, &changed), TDAG_E_ARG);
    tdagi_structure_free(in);
    tdag_model_free(m);
    tdag_graph_free(g);
    tdag_graph_free(other);
    assert_string_equal(tdag_model_get_input_structure(changed),
                        "({\"a\": T, \"b\": T},)");
    tdag_model_free(changed);
    tdag_ctx_free(ctx);
}

static void test_arguments(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    const tdag_graph *g = NULL;
    assert_int_equal(tdag_model_create(ctx, NULL, &m), TDAG_E_ARG);
    assert_int_equal(tdagi_model_straight(ctx, NULL, &g), TDAG_E_ARG);
    tdag_model_free(NULL);
    tdag_ctx_free(ctx);
}

static void test_everything(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, make_everything(ctx, &m));
    TEST_OK(ctx, tdagi_model_verify(ctx, m));
    const tdagi_method *f = tdagi_model_method(m, "forward");
    static const uint8_t kinds[] = {
        TDAGI_CALL, TDAGI_CALL,  TDAGI_IF,    TDAGI_CALL,  TDAGI_LOOP,  TDAGI_CALL,
        TDAGI_CALL, TDAGI_READ,  TDAGI_CALL,  TDAGI_WRITE, TDAGI_DRAW,  TDAGI_DRAW,
        TDAGI_CALL, TDAGI_APPLY, TDAGI_CHECK, TDAGI_CALL,  TDAGI_RETURN};
    for (uint32_t i = 0; i < sizeof kinds; i++)
        assert_int_equal(statement_at(f, i + 1)->kind, kinds[i]);
    assert_null(statement_at(f, sizeof kinds + 1));
    assert_int_equal(f->n_vars, 20);
    assert_string_equal(tdagi_method_var(f, (tdagi_var){3})->name, "y");
    assert_int_equal(statement_at(f, 5)->blocks[0].params[0].id, 7);
    assert_int_equal(statement_at(f, 17)->inputs[0].id, 12);
    assert_string_equal(tdag_model_get_output_structure(m), "(T, T, T, T, T)");
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* The model outlives its context and the reference that made it. */
static void test_shared(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, make_everything(ctx, &m));
    tdag_model *copy = tdagi_model_copy(m);
    tdagi_method *method = tdagi_method_copy(m->methods[0]);
    tdag_ctx_free(ctx);
    tdag_model_free(m);
    assert_int_equal(copy->n_graphs, 5);
    tdag_model_free(copy);
    assert_string_equal(method->name, "forward");
    tdagi_method_free(method);
    tdagi_method_free(NULL);
}

/* What knows graphs only refuses it in one sentence. */
static void test_refused(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL, *out = NULL;
    TEST_OK(ctx, make_everything(ctx, &m));
    assert_null(tdag_model_get_graph(m));
    tdag_cuts cuts;
    tdag_differences differences;
    tdag_pairs pairs;
    const tdag_status refused[] = {
        tdag_pair_values(ctx, m, m, &pairs),
        tdag_to_pt2(ctx, m, "program.pt2", NULL),
        tdag_extract(ctx, m, NULL, &out),
        tdag_compose(ctx, (const tdag_model *const[]){m, m}, 2, NULL, &out),
        tdag_suggest_cuts(ctx, m, 3, &cuts),
        tdag_diff(ctx, m, m, &differences),
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i] != TDAG_E_UNSUPPORTED)
            fail_msg("call %u: %s", (unsigned)i, tdag_status_text(refused[i]));
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "the model is a program, and this takes one graph only");
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- equality ---- */

/* Changes that make a model another one. */
static void rename_graph(tdag_model *m) { m->graphs[1].name = "other"; }
static void swap_graphs(tdag_model *m)
{
    tdag_graph *g = m->graphs[0].graph;
    m->graphs[0].graph = m->graphs[3].graph;
    m->graphs[3].graph = g;
}
static void rename_state(tdag_model *m) { m->states[0].name = "other"; }
static void fix_state(tdag_model *m)
{
    ((const char **)(uintptr_t)m->states[0].symbols)[0] = NULL;
}
static void fill_state(tdag_model *m)
{
    tdagi_tensor_set_f64(m->states[0].initial, 3, 1);
}
static void rename_method(tdag_model *m) { m->methods[0]->name = "encode"; }
static void name_value(tdag_model *m) { m->methods[0]->vars[5].name = "z1"; }
static void retype(tdag_model *m) { m->methods[0]->vars[16].dtype = TDAG_F16; }
static void another_kind(tdag_model *m)
{
    statement_at(m->methods[0], 11)->draw = TDAGI_DRAW_UNIFORM;
}
static void another_input(tdag_model *m)
{
    ((tdagi_var *)(uintptr_t)statement_at(m->methods[0], 4)->inputs)->id = 1;
}
static void another_yield(tdag_model *m)
{
    tdagi_statement *s = statement_at(m->methods[0], 3);
    ((tdagi_var *)(uintptr_t)s->blocks[1].yields)->id = 1;
}
static void another_bound(tdag_model *m)
{
    tdagi_statement *s = statement_at(m->methods[0], 14);
    ((tdagi_binding *)(uintptr_t)s->bindings)->bound = TDAGI_DIM_BAD;
}
static void another_sentence(tdag_model *m)
{
    statement_at(m->methods[0], 15)->text = "other";
}
static void a_statement_less(tdag_model *m)
{
    statement_at(m->methods[0], 15)->next = NULL;
}

static const struct {
    const char *name;
    void (*change)(tdag_model *m);
} changes[] = {
    {"graph's name", rename_graph},   {"graphs", swap_graphs},
    {"state's name", rename_state},   {"state's symbol", fix_state},
    {"state's elements", fill_state}, {"method's name", rename_method},
    {"value's name", name_value},     {"value's type", retype},
    {"kind of draw", another_kind},   {"input", another_input},
    {"yield", another_yield},         {"bound", another_bound},
    {"sentence", another_sentence},   {"statement less", a_statement_less},
};

static void test_equal(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *a = NULL, *b = NULL, *flat = straight(ctx);
    TEST_OK(ctx, make_everything(ctx, &a));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        TEST_OK(ctx, make_everything(ctx, &b));
        assert_true(tdagi_model_equal(a, b));
        changes[i].change(b);
        if (tdagi_model_equal(a, b)) fail_msg("%s: still equal", changes[i].name);
        tdag_model_free(b);
    }
    assert_false(tdagi_model_equal(a, flat));
    tdag_model_free(a);
    tdag_model_free(flat);
    tdag_ctx_free(ctx);
}

/* Which symbols stand in a graph's table, and in which order, is no part of it. */
static void test_equal_symbols(void **state)
{
    static const char other[] =
        "tdag 1\nsymbols K=9 M=3 N=2\nx: f32[N,4] = input\n"
        "v2: f32[N*M,4] = input\nw: f32[4] = parameter [1, 2, 3, 4]\n"
        "y = multiply(x, w)\nz = neg(v2)\nreturn y, z, y\n";
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *a = straight(ctx), *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, graph_of(ctx, other, &g));
    TEST_OK(ctx, tdag_model_create(ctx, g, &b));
    assert_true(tdagi_model_equal(a, b));
    tdag_graph_free(g);
    tdag_model_free(a);
    tdag_model_free(b);
    tdag_ctx_free(ctx);
}

/* ---- building ---- */

static void begin(tdagi_model_builder *b, tdag_ctx *ctx)
{
    tdagi_model_begin(b, ctx);
    tdagi_method_begin(b, "forward");
}
static const tdagi_statement_spec returns = {.kind = TDAGI_RETURN};
static const tdagi_statement_spec branches = {.kind = TDAGI_IF};

static void two_methods(tdagi_model_builder *b)
{
    tdagi_program_add(b, &returns, 0, NULL, NULL);
    tdagi_method_end(b, NULL, NULL);
    tdagi_method_begin(b, "forward");
}
static void no_return(tdagi_model_builder *b) { tdagi_method_end(b, NULL, NULL); }
static void open_block(tdagi_model_builder *b)
{
    tdagi_program_open(b, &branches);
    tdagi_program_begin_block(b, 0, NULL, 0, NULL, NULL);
    tdagi_program_add(b, &returns, 0, NULL, NULL);
    tdagi_method_end(b, NULL, NULL);
}
static void behind_return(tdagi_model_builder *b)
{
    tdagi_program_add(b, &returns, 0, NULL, NULL);
    tdagi_program_add(b, &returns, 0, NULL, NULL);
}
static void between_blocks(tdagi_model_builder *b)
{
    tdagi_program_open(b, &branches);
    tdagi_program_add(b, &returns, 0, NULL, NULL);
}
static void block_of_nothing(tdagi_model_builder *b)
{
    tdagi_program_begin_block(b, 0, NULL, 0, NULL, NULL);
}
static void end_of_nothing(tdagi_model_builder *b)
{
    tdagi_program_end_block(b, 0, NULL);
}
static void close_of_nothing(tdagi_model_builder *b)
{
    tdagi_program_close(b, 0, NULL, NULL);
}
static void three_blocks(tdagi_model_builder *b)
{
    tdagi_program_open(b, &branches);
    for (int i = 0; i < 3; i++) {
        tdagi_program_begin_block(b, 0, NULL, 0, NULL, NULL);
        tdagi_program_end_block(b, 0, NULL);
    }
}
static void too_deep(tdagi_model_builder *b)
{
    for (int i = 0; i <= TDAGI_PROGRAM_MAX_DEPTH; i++) {
        tdagi_program_open(b, &branches);
        tdagi_program_begin_block(b, 0, NULL, 0, NULL, NULL);
    }
}

static const struct {
    const char *name;
    void (*build)(tdagi_model_builder *b);
    tdag_status st;
    const char *word;
} misuses[] = {
    {"two methods", two_methods, TDAG_E_ARG, "two methods named forward"},
    {"no return", no_return, TDAG_E_ARG, "does not return"},
    {"open block", open_block, TDAG_E_ARG, "does not return"},
    {"behind return", behind_return, TDAG_E_ARG, "stands in no block"},
    {"between blocks", between_blocks, TDAG_E_ARG, "stands in no block"},
    {"block of nothing", block_of_nothing, TDAG_E_ARG, "out of place"},
    {"end of nothing", end_of_nothing, TDAG_E_ARG, "out of place"},
    {"close of nothing", close_of_nothing, TDAG_E_ARG, "out of place"},
    {"three blocks", three_blocks, TDAG_E_ARG, "out of place"},
    {"too deep", too_deep, TDAG_E_LIMIT, "deeper than 64"},
};

static void test_builder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        test_heap heap = {0};
        tdag_ctx *ctx = test_ctx_on(&heap);
        tdagi_model_builder b;
        tdag_model *m = NULL;
        begin(&b, ctx);
        misuses[i].build(&b);
        tdag_status st = tdagi_model_finish(&b, &m);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != misuses[i].st || strstr(message, misuses[i].word) == NULL)
            fail_msg("%s: %s: %s", misuses[i].name, tdag_status_text(st), message);
        tdag_ctx_free(ctx);
        assert_int_equal(heap.live_blocks, 0);
    }
}

static void test_names(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = NULL;
    TEST_OK(ctx, graph_of(ctx, text, &g));
    tdagi_model_builder b;
    tdag_model *m = NULL;
    tdagi_model_begin(&b, ctx);
    assert_int_equal(tdagi_model_add_graph(&b, "a", g), 0);
    assert_int_equal(tdagi_model_add_graph(&b, "b", g), 1);
    tdagi_model_add_graph(&b, "a", g);
    assert_int_equal(tdagi_model_finish(&b, &m), TDAG_E_ARG);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* ---- memory ---- */

static tdag_status build_all(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_model *m = NULL, *flat = NULL;
    tdag_status st = make_everything(ctx, &m);
    if (st == TDAG_OK) st = tdagi_model_verify(ctx, m);
    if (st == TDAG_OK) st = tdag_model_create(ctx, m->graphs[3].graph, &flat);
    if (st == TDAG_OK) st = tdagi_model_verify(ctx, flat);
    tdag_model_free(m);
    tdag_model_free(flat);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(build_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_straight),  cmocka_unit_test(test_with_graph),
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_everything),
        cmocka_unit_test(test_shared),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_equal),     cmocka_unit_test(test_equal_symbols),
        cmocka_unit_test(test_builder),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
