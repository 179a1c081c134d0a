/* The public interface of programs: a model built by it is the one that its text says,
 * wrong use is refused, readers answer what is there. */
#include "programs.h"

#include <tdagger.h>
#include <tdagger/program.h>

static const char want[] =
    "tdag 2\n"
    "graph neg {\nsymbols N=2\nx: f32[N,4] = input\ny = neg(x)\nreturn y\n}\n"
    "graph positive {\nn: i64[] = input\nzero: i64[] = constant [0]\n"
    "c = less(zero, n)\nreturn c\n}\n"
    "graph grow {\nsymbols L=3\nk: f32[L,4] = input\n"
    "g = pad(k) {before=[0, 0], after=[1, 0]}\nreturn g\n}\n"
    "graph range {\nsymbols L=3\nv = iota() {n=L, dtype=i64}\nreturn v\n}\n"
    "state cache: f32[S=3,4]\n"
    "program forward(x: f32[N,4], n: i64[]) -> (f32[R,4], f32[A,4], f32[2*N], "
    "i64[K,2], "
    "i64[Q]) {\n"
    "symbols N=2\ninputs \"({\\\"x\\\": T}, T)\"\n"
    "y = call neg(x)\nc = call positive(n)\n"
    "z: f32[A=4,4] = if c {\na = call grow(y)\nyield a\n} else {\nyield y\n}\n"
    "t: f32[R=5,4], s = loop limit n while c (i; t: f32[T=2,4] = z, s = y) {\n"
    "u = call grow(t)\nd = call positive(i)\nyield d; u, s\n}\n"
    "k: f32[S=3,4] = read cache\nwrite cache k\ne = draw uniform f32[2*N]\n"
    "p = draw permutation(n) i64[P=3]\n"
    "m = apply aten::nonzero(s) with \"dim=0\" as i64[K=3,2], K <= 4*N\n"
    "check c \"the count is positive\"\n"
    "q = call range() with L = n as Q=3\n"
    "if c {\nwrite cache x\n}\nloop limit n (j) {\n}\n"
    "return t, z, e, m, q\n}\n"
    "program encode() -> () {\nreturn\n}\n";
enum { NEG, POSITIVE, GROW, RANGE };

/* The parts, taken from the parsed model. */
static void add_parts(tdag_model_builder *b, const tdag_model *from)
{
    const char *const symbols[] = {tdag_model_get_state_symbol(from, 0, 0), NULL};
    for (uint32_t i = 0; i < tdag_model_get_n_graphs(from); i++)
        tdag_model_add_graph(b, tdag_model_get_graph_name(from, i),
                             tdag_model_get_graph_at(from, i));
    tdag_model_add_state(b, tdag_model_get_state_name(from, 0),
                         tdag_model_get_state_initial(from, 0), symbols);
}

static tdag_var call(tdag_model_builder *b, uint32_t graph, tdag_var x,
                     const char *name)
{
    tdag_var out = TDAG_NO_VAR;
    tdag_program_call(b, graph, (tdag_vars){1, &x}, &out);
    tdag_method_set_name(b, out, name);
    return out;
}

/* f32[rows,4] */
static tdag_var_type matrix(tdag_dim dims[2], tdag_dim rows)
{
    dims[0] = rows;
    dims[1] = 4;
    return (tdag_var_type){TDAG_F32, 2, dims};
}

static tdag_var add_if(tdag_model_builder *b, tdag_var c, tdag_var y)
{
    tdag_dim dims[2], a = tdag_method_found(b, "A", 4, TDAG_NO_DIM);
    const tdag_var_type type = matrix(dims, a);
    tdag_var z = TDAG_NO_VAR;
    tdag_program_begin_if(b, c);
    tdag_var longer = call(b, GROW, y, "a");
    tdag_program_else(b, (tdag_vars){1, &longer});
    tdag_program_end_if(b, (tdag_vars){1, &y}, (tdag_var_types){1, &type}, &z);
    tdag_method_set_name(b, z, "z");
    return z;
}

static void add_loop(tdag_model_builder *b, tdag_var n, tdag_var c, tdag_var z,
                     tdag_var y, tdag_dim rows, tdag_var out[2])
{
    tdag_dim dims[2], fixed[2];
    const tdag_var entries[] = {z, y};
    tdag_dim r = tdag_method_found(b, "R", 5, TDAG_NO_DIM);
    tdag_var_type types[2] = {matrix(dims, tdag_method_found(b, "T", 2, TDAG_NO_DIM)),
                              matrix(fixed, rows)};
    tdag_var in[3];
    tdag_program_begin_loop(b, n, c, (tdag_vars){2, entries}, types, in);
    tdag_method_set_name(b, in[0], "i");
    tdag_method_set_name(b, in[1], "t");
    tdag_method_set_name(b, in[2], "s");
    tdag_var u = call(b, GROW, in[1], "u"), d = call(b, POSITIVE, in[0], "d");
    const tdag_var yields[] = {d, u, in[2]};
    types[0] = matrix(dims, r);
    tdag_program_end_loop(b, (tdag_vars){3, yields}, (tdag_var_types){2, types}, out);
    tdag_method_set_name(b, out[0], "t");
    tdag_method_set_name(b, out[1], "s");
}

static tdag_var add_found(tdag_model_builder *b, tdag_var s)
{
    tdag_dim dims[2] = {0, 2};
    tdag_var m = TDAG_NO_VAR;
    dims[0] = tdag_method_found(b, "K", 3, tdag_method_dim(b, "4*N"));
    const tdag_var_type type = {TDAG_I64, 2, dims};
    tdag_program_apply(b, "aten::nonzero", "dim=0", (tdag_vars){1, &s},
                       (tdag_var_types){1, &type}, &m);
    tdag_method_set_name(b, m, "m");
    return m;
}

static tdag_var add_draws(tdag_model_builder *b, tdag_var n)
{
    tdag_dim dim = tdag_method_dim(b, "2*N");
    const tdag_var_type numbers = {TDAG_F32, 1, &dim};
    tdag_var e =
        tdag_program_draw(b, TDAG_DRAW_UNIFORM, (tdag_vars){0, NULL}, &numbers);
    tdag_method_set_name(b, e, "e");
    tdag_dim size = tdag_method_found(b, "P", 3, TDAG_NO_DIM);
    const tdag_var_type order = {TDAG_I64, 1, &size};
    tdag_var p =
        tdag_program_draw(b, TDAG_DRAW_PERMUTATION, (tdag_vars){1, &n}, &order);
    tdag_method_set_name(b, p, "p");
    return e;
}

static void add_effects(tdag_model_builder *b, tdag_var c, tdag_var n, tdag_var x)
{
    tdag_var index;
    tdag_program_begin_if(b, c);
    tdag_program_write(b, 0, x);
    tdag_program_else(b, (tdag_vars){0, NULL});
    tdag_program_end_if(b, (tdag_vars){0, NULL}, (tdag_var_types){0, NULL}, NULL);
    tdag_program_begin_loop(b, n, TDAG_NO_VAR, (tdag_vars){0, NULL}, NULL, &index);
    tdag_method_set_name(b, index, "j");
    tdag_program_end_loop(b, (tdag_vars){0, NULL}, (tdag_var_types){0, NULL}, NULL);
}

static void add_forward(tdag_model_builder *b)
{
    tdag_dim dims[2];
    const tdag_var_type count = {TDAG_I64, 0, NULL};
    tdag_method_begin(b, "forward");
    tdag_dim rows = tdag_method_symbol(b, "N", 2);
    tdag_var_type type = matrix(dims, rows);
    tdag_var x = tdag_method_add_input(b, "x", &type);
    tdag_var n = tdag_method_add_input(b, "n", &count), carried[2], q = TDAG_NO_VAR;
    tdag_var y = call(b, NEG, x, "y"), c = call(b, POSITIVE, n, "c");
    tdag_var z = add_if(b, c, y);
    add_loop(b, n, c, z, y, rows, carried);
    type = matrix(dims, tdag_method_found(b, "S", 3, TDAG_NO_DIM));
    tdag_var k = tdag_program_read(b, 0, &type);
    tdag_method_set_name(b, k, "k");
    tdag_program_write(b, 0, k);
    tdag_var e = add_draws(b, n), m = add_found(b, carried[1]);
    tdag_program_check(b, c, "the count is positive");
    tdag_program_give(b, "L", n, tdag_method_found(b, "Q", 3, TDAG_NO_DIM));
    tdag_program_call(b, RANGE, (tdag_vars){0, NULL}, &q);
    tdag_method_set_name(b, q, "q");
    add_effects(b, c, n, x);
    const tdag_var out[] = {carried[0], z, e, m, q};
    tdag_program_return(b, (tdag_vars){5, out});
    tdag_method_end(b, "({\"x\": T}, T)", NULL);
}

static tdag_status build(tdag_ctx *ctx, const tdag_model *parts, tdag_model **out)
{
    tdag_model_builder *b = NULL;
    tdag_status st = tdag_model_builder_create(ctx, &b);
    if (st != TDAG_OK) return st;
    add_parts(b, parts);
    add_forward(b);
    tdag_method_begin(b, "encode");
    tdag_program_return(b, (tdag_vars){0, NULL});
    tdag_method_end(b, NULL, NULL);
    st = tdag_model_builder_finish(b, out);
    tdag_model_builder_free(b);
    return st;
}

static tdag_model *parsed(tdag_ctx *ctx)
{
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, want, sizeof want - 1, &m));
    return m;
}

static void test_build(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *parts = parsed(ctx), *m = NULL;
    TEST_OK(ctx, build(ctx, parts, &m));
    char *a = NULL, *b = NULL;
    TEST_OK(ctx, tdag_model_print(ctx, parts, 0, &a));
    TEST_OK(ctx, tdag_model_print(ctx, m, 0, &b));
    assert_string_equal(a, b);
    assert_true(tdagi_model_equal(parts, m));
    tdag_text_free(ctx, a);
    tdag_text_free(ctx, b);
    tdag_model_free(m);
    tdag_model_free(parts);
    tdag_ctx_free(ctx);
}

/* ---- wrong use ---- */

/* In a method `f` with an input x: f32[N,4] and a count n. */
typedef struct place {
    tdag_model_builder *b;
    tdag_var x, n;
    tdag_dim rows;
} place;

static void no_value(place *p) { tdag_program_write(p->b, 0, TDAG_NO_VAR); }
static void another_value(place *p) { tdag_program_write(p->b, 0, (tdag_var){99}); }
static void no_graph(place *p)
{
    tdag_program_call(p->b, 9, (tdag_vars){1, &p->x}, NULL);
}
static void fewer_values(place *p)
{
    tdag_program_call(p->b, NEG, (tdag_vars){0, NULL}, NULL);
}
static void no_values(place *p)
{
    tdag_program_call(p->b, NEG, (tdag_vars){1, NULL}, NULL);
}
static void no_size(place *p)
{
    tdag_program_call(p->b, RANGE, (tdag_vars){0, NULL}, NULL);
}
static void gives_nothing(place *p) { tdag_program_give(p->b, "L", p->n, p->rows); }
static void gives_no_symbol(place *p)
{
    tdag_program_give(p->b, "M", p->n, tdag_method_found(p->b, "Q", 1, TDAG_NO_DIM));
    tdag_program_call(p->b, RANGE, (tdag_vars){0, NULL}, NULL);
}
static void symbol_twice(place *p) { tdag_method_symbol(p->b, "N", 2); }
static void symbol_name(place *p) { tdag_method_symbol(p->b, "a b", 2); }
static void bad_dim(place *p) { tdag_method_dim(p->b, "N+"); }
static void half_a_dim(place *p) { tdag_method_dim(p->b, "N N"); }
static void too_many_axes(place *p)
{
    const tdag_var_type type = {TDAG_F32, 17, &p->rows};
    tdag_program_draw(p->b, TDAG_DRAW_NORMAL, (tdag_vars){0, NULL}, &type);
}
static void no_dim(place *p)
{
    const tdag_dim dim = TDAG_NO_DIM;
    const tdag_var_type type = {TDAG_F32, 1, &dim};
    tdag_program_draw(p->b, TDAG_DRAW_NORMAL, (tdag_vars){0, NULL}, &type);
}
static void no_shape(place *p)
{
    const tdag_var_type type = {TDAG_F32, 1, NULL};
    tdag_program_draw(p->b, TDAG_DRAW_NORMAL, (tdag_vars){0, NULL}, &type);
}
static void no_draw(place *p)
{
    const tdag_var_type type = {TDAG_F32, 0, NULL};
    tdag_program_draw(p->b, (tdag_draw_kind)7, (tdag_vars){0, NULL}, &type);
}
static void no_type(place *p)
{
    tdag_program_draw(p->b, TDAG_DRAW_NORMAL, (tdag_vars){0, NULL}, NULL);
}
static void no_operator(place *p)
{
    tdag_program_apply(p->b, NULL, NULL, (tdag_vars){1, &p->x},
                       (tdag_var_types){0, NULL}, NULL);
}
static void no_sentence(place *p) { tdag_program_check(p->b, p->n, NULL); }
static void else_of_nothing(place *p) { tdag_program_else(p->b, (tdag_vars){0, NULL}); }
static void end_of_a_loop(place *p)
{
    tdag_program_end_loop(p->b, (tdag_vars){0, NULL}, (tdag_var_types){0, NULL}, NULL);
}
static void if_without_else(place *p)
{
    tdag_program_begin_if(p->b, p->n);
    tdag_program_end_if(p->b, (tdag_vars){0, NULL}, (tdag_var_types){0, NULL}, NULL);
}
static void else_twice(place *p)
{
    tdag_program_begin_if(p->b, p->n);
    tdag_program_else(p->b, (tdag_vars){0, NULL});
    tdag_program_else(p->b, (tdag_vars){0, NULL});
}
static void loop_as_if(place *p)
{
    tdag_program_begin_if(p->b, p->n);
    tdag_program_end_loop(p->b, (tdag_vars){0, NULL}, (tdag_var_types){0, NULL}, NULL);
}
static void loop_of_no_limit(place *p)
{
    tdag_program_begin_loop(p->b, (tdag_var){99}, TDAG_NO_VAR, (tdag_vars){0, NULL},
                            NULL, NULL);
}
static void another_method(place *p) { tdag_method_begin(p->b, "g"); }
static void late_input(place *p)
{
    const tdag_var_type type = {TDAG_F32, 0, NULL};
    tdag_program_write(p->b, 0, p->x);
    tdag_method_add_input(p->b, "z", &type);
}
static void structure(place *p)
{
    tdag_program_return(p->b, (tdag_vars){0, NULL});
    tdag_method_end(p->b, "(T", NULL);
}
static void another_count(place *p)
{
    tdag_program_return(p->b, (tdag_vars){0, NULL});
    tdag_method_end(p->b, "(T,)", NULL);
}
static void nothing(place *p) { (void)p; }
static void no_method(place *p)
{
    tdag_program_return(p->b, (tdag_vars){0, NULL});
    tdag_method_end(p->b, NULL, NULL);
    tdag_program_write(p->b, 0, p->x);
}
static void rule(place *p)
{
    tdag_program_begin_if(p->b, p->n);
    tdag_program_else(p->b, (tdag_vars){0, NULL});
    tdag_program_end_if(p->b, (tdag_vars){0, NULL}, (tdag_var_types){0, NULL}, NULL);
    tdag_program_return(p->b, (tdag_vars){0, NULL});
    tdag_method_end(p->b, NULL, NULL);
}
static void null_graph(place *p) { tdag_model_add_graph(p->b, "other", NULL); }

static const struct {
    const char *name;
    void (*build)(place *p);
    tdag_status st;
    const char *word;
} misuses[] = {
    {"no value", no_value, TDAG_E_ARG, "none of the method"},
    {"another value", another_value, TDAG_E_ARG, "none of the method"},
    {"no graph", no_graph, TDAG_E_ARG, "no graph of that number"},
    {"fewer values", fewer_values, TDAG_E_ARG, "another number"},
    {"no values", no_values, TDAG_E_ARG, "argument values is NULL"},
    {"no size", no_size, TDAG_E_FORMAT, "nothing tells"},
    {"gives nothing", gives_nothing, TDAG_E_ARG, "no symbol, or one that is bound"},
    {"gives no symbol", gives_no_symbol, TDAG_E_ARG, "no symbol of the graph"},
    {"symbol twice", symbol_twice, TDAG_E_ARG, "symbol of that name"},
    {"symbol's name", symbol_name, TDAG_E_ARG, "identifier"},
    {"dim", bad_dim, TDAG_E_FORMAT, "expected"},
    {"half a dim", half_a_dim, TDAG_E_ARG, "behind"},
    {"too many axes", too_many_axes, TDAG_E_ARG, "more axes"},
    {"no dim", no_dim, TDAG_E_ARG, "a size is none"},
    {"no shape", no_shape, TDAG_E_ARG, "argument shape is NULL"},
    {"no draw", no_draw, TDAG_E_ARG, "random numbers"},
    {"no type", no_type, TDAG_E_ARG, "argument type is NULL"},
    {"no operator", no_operator, TDAG_E_ARG, "argument name is NULL"},
    {"no sentence", no_sentence, TDAG_E_ARG, "argument sentence is NULL"},
    {"else of nothing", else_of_nothing, TDAG_E_ARG, "no if"},
    {"end of a loop", end_of_a_loop, TDAG_E_ARG, "no loop"},
    {"if without else", if_without_else, TDAG_E_ARG, "no if"},
    {"else twice", else_twice, TDAG_E_ARG, "no if"},
    {"loop as if", loop_as_if, TDAG_E_ARG, "no loop"},
    {"loop of no limit", loop_of_no_limit, TDAG_E_ARG, "none of the method"},
    {"another method", another_method, TDAG_E_ARG, "has not ended"},
    {"late input", late_input, TDAG_E_ARG, "out of place"},
    {"structure", structure, TDAG_E_FORMAT, "no structure"},
    {"structure of another count", another_count, TDAG_E_ARG, "as many tensors"},
    {"no end", nothing, TDAG_E_ARG, "has not ended"},
    {"no method", no_method, TDAG_E_ARG, "no method"},
    {"a rule", rule, TDAG_E_DTYPE, "statement 1 (if): the condition is i64"},
    {"no graph at all", null_graph, TDAG_E_ARG, "argument graph is NULL"},
};

static void test_misuse(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        test_heap heap = {0};
        tdag_ctx *ctx = test_ctx_on(&heap);
        tdag_model *parts = parsed(ctx), *m = NULL;
        place p = {NULL, TDAG_NO_VAR, TDAG_NO_VAR, 0};
        tdag_dim dims[2];
        const tdag_var_type count = {TDAG_I64, 0, NULL};
        TEST_OK(ctx, tdag_model_builder_create(ctx, &p.b));
        add_parts(p.b, parts);
        tdag_method_begin(p.b, "f");
        p.rows = tdag_method_symbol(p.b, "N", 2);
        const tdag_var_type type = matrix(dims, p.rows);
        p.x = tdag_method_add_input(p.b, "x", &type);
        p.n = tdag_method_add_input(p.b, "n", &count);
        misuses[i].build(&p);
        tdag_status st = tdag_model_builder_finish(p.b, &m);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != misuses[i].st || strstr(message, misuses[i].word) == NULL) {
            print_error("%s: %s: %s\n", misuses[i].name, tdag_status_text(st), message);
            wrong++;
        }
        tdag_model_builder_free(p.b);
        tdag_model_free(m);
        tdag_model_free(parts);
        tdag_ctx_free(ctx);
        assert_int_equal(heap.live_blocks, 0);
    }
    assert_int_equal(wrong, 0);
}

/* ---- reading ---- */

static void test_read(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = parsed(ctx);
    assert_int_equal(tdag_model_get_n_graphs(m), 4);
    assert_int_equal(tdag_model_find_graph(m, "grow"), GROW);
    assert_int_equal(tdag_model_find_graph(m, "no"), TDAG_NO_INDEX);
    assert_int_equal(tdag_model_find_state(m, "cache"), 0);
    assert_int_equal(tdag_model_get_n_methods(m), 2);
    assert_null(tdag_model_get_method(m, 2));
    const tdag_method *f = tdag_model_find_method(m, "forward");
    assert_ptr_equal(f, tdag_model_get_method(m, 0));
    assert_string_equal(tdag_method_get_input_structure(f), "({\"x\": T}, T)");
    const tdag_block_info body = tdag_block_get(tdag_method_get_body(f));
    assert_int_equal(body.params.n, 2);
    assert_int_equal(body.n_symbols, 1);
    assert_int_equal(tdag_method_dim_sample(f, body.symbols[0]), 2);
    char dim[16];
    assert_int_equal(tdag_method_dim_text(f, body.symbols[0], dim, sizeof dim), 1);
    assert_string_equal(dim, "N");
    assert_string_equal(tdag_method_get_var_name(f, body.params.v[0]), "x");
    assert_int_equal(tdag_method_get_type(f, body.params.v[0]).rank, 2);
    const tdag_statement *s = body.first;
    assert_int_equal(tdag_statement_get(s).kind, TDAG_STATEMENT_CALL);
    for (int i = 0; i < 3; i++)
        s = tdag_statement_get_next(s);
    const tdag_statement_info loop = tdag_statement_get(s);
    assert_int_equal(loop.kind, TDAG_STATEMENT_LOOP);
    assert_true(loop.has_limit && loop.has_condition);
    assert_int_equal(loop.inputs.n, 4);
    assert_int_equal(loop.n_bindings, 1);
    assert_true(tdag_statement_get_binding(s, 0).most == TDAG_NO_DIM);
    assert_true(tdag_statement_get_binding(s, 1).symbol == TDAG_NO_DIM);
    assert_int_equal(tdag_block_get(tdag_statement_get_block(s, 0)).yields.n, 3);
    assert_null(tdag_statement_get_block(s, 1));
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    tdag_model *m = NULL;
    tdag_status st = build(ctx, arg, &m);
    tdag_model_free(m);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *parts = parsed(ctx);
    test_every_oom(oom_body, parts);
    tdag_model_free(parts);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
