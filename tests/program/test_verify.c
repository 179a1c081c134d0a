/* The verifier of programs: each rule broken once, in a program that holds otherwise.
 */
#include "programs.h"

/* What is changed at a statement (numbers as in programs.h). */
typedef enum change {
    INPUT,   /* input i is value `to` */
    RESULT,  /* result i */
    YIELD,   /* yield i of block 0 */
    YIELD_2, /* yield i of block 1 */
    PARAM,   /* parameter i of block 0 */
    TARGET,
    KIND,
    DRAW,
    TEXT,      /* none */
    LIMIT,     /* has none */
    CONDITION, /* has none */
    N_INPUTS,
    N_RESULTS,
    N_BINDINGS,
    N_BLOCKS,
    N_PARAMS, /* of block 0 */
    N_YIELDS, /* of block 0 */
    BINDING,  /* binding i binds that of statement `to` */
    OF,       /* binding 0 is of the graph's symbol `to` */
    VALUE,    /* binding 0 has value `to` */
    DTYPE,    /* of value i */
    RANK,     /* of value i */
    DIM,      /* the first of value i */
    DIM_OF,   /* the first of value i is the first of value `to` */
} change;

static const struct {
    const char *name;
    uint32_t statement;
    change part;
    uint32_t i, to;
    tdag_status st;
    const char *word; /* of the sentence */
} cases[] = {
    {"no such value", 1, INPUT, 0, 99, TDAG_E_ARG, "statement 1 (call): there is no"},
    {"no value", 1, INPUT, 0, 0, TDAG_E_ARG, "there is no value 0"},
    {"before its definition", 1, INPUT, 0, 6, TDAG_E_ARG, "before it is defined"},
    {"outside its block", 13, INPUT, 0, 5, TDAG_E_ARG, "outside its block"},
    {"of the other arm", 3, YIELD_2, 0, 5, TDAG_E_ARG, "statement 3 (if)"},
    {"index outside", 16, VALUE, 0, 7, TDAG_E_ARG, "outside its block"},
    {"defined twice", 11, RESULT, 0, 15, TDAG_E_ARG, "value 15 is defined twice"},
    {"no such result", 9, RESULT, 0, 99, TDAG_E_ARG, "no value 99"},
    {"parameter twice", 5, PARAM, 2, 8, TDAG_E_ARG, "value 8 is defined twice"},
    {"no such parameter", 5, PARAM, 2, 99, TDAG_E_ARG, "no value 99"},
    {"no such kind", 11, KIND, 0, 9, TDAG_E_ARG, "no statement of that kind"},
    {"no dtype", 11, DTYPE, 16, 77, TDAG_E_DTYPE, ""},
    {"rank beyond", 14, RANK, 19, 17, TDAG_E_DTYPE, "has no type"},
    {"size of another loop", 11, DIM_OF, 16, 10, TDAG_E_SHAPE, "symbol T"},
    {"size before its time", 1, DIM_OF, 3, 19, TDAG_E_SHAPE, ""},

    {"no such graph", 1, TARGET, 0, 5, TDAG_E_ARG, "no graph number 5"},
    {"another graph", 1, TARGET, 0, 1, TDAG_E_DTYPE, "argument"},
    {"graph of no input", 1, TARGET, 0, 4, TDAG_E_ARG, "takes 0 values"},
    {"an argument less", 1, N_INPUTS, 0, 0, TDAG_E_ARG, "takes 1 values"},
    {"a result less", 1, N_RESULTS, 0, 0, TDAG_E_ARG, "gives 1"},
    {"argument of another dtype", 13, DTYPE, 6, TDAG_F16, TDAG_E_DTYPE, ""},
    {"argument of another size", 6, DIM, 8, 9, TDAG_E_SHAPE, ""},
    {"result of another dtype", 1, DTYPE, 3, TDAG_F64, TDAG_E_DTYPE, "a result is f64"},
    {"result of another size", 1, DIM, 3, 7, TDAG_E_SHAPE, "axis 0 of a result"},
    {"call with blocks", 3, KIND, 0, TDAGI_CALL, TDAG_E_ARG, "it has blocks"},
    {"size of no symbol", 16, OF, 0, 1, TDAG_E_ARG, "no symbol of the graph"},
    {"size of no number", 16, VALUE, 0, 1, TDAG_E_DTYPE, "a size is f32"},
    {"size that nothing tells", 16, N_BINDINGS, 0, 0, TDAG_E_SHAPE, "symbol L"},
    {"symbol bound twice", 16, BINDING, 0, 14, TDAG_E_ARG, "bound twice"},

    {"condition that is no bool", 3, INPUT, 0, 2, TDAG_E_DTYPE, "the condition is i64"},
    {"if without condition", 3, N_INPUTS, 0, 0, TDAG_E_ARG, "one condition"},
    {"if with one arm", 3, N_BLOCKS, 0, 1, TDAG_E_ARG, "two arms"},
    {"arm that yields less", 3, N_YIELDS, 0, 0, TDAG_E_ARG, "yields 0 values, not 1"},
    {"arm of another dtype", 3, YIELD, 0, 4, TDAG_E_DTYPE, "what an arm yields"},
    {"if without result", 3, N_RESULTS, 0, 0, TDAG_E_ARG, "yields 1 values, not 0"},
    {"if of another size", 3, DIM, 6, 9, TDAG_E_SHAPE, "another size"},

    {"loop without limit", 5, LIMIT, 0, 0, TDAG_E_ARG, "are carried"},
    {"loop without condition", 5, CONDITION, 0, 0, TDAG_E_ARG, "are carried"},
    {"limit that is no i64", 5, INPUT, 0, 4, TDAG_E_DTYPE, "the limit is bool"},
    {"condition of the loop", 5, INPUT, 1, 2, TDAG_E_DTYPE, "the condition is i64"},
    {"yielded condition", 5, YIELD, 0, 7, TDAG_E_DTYPE, "the condition is i64"},
    {"carries another dtype", 5, INPUT, 3, 4, TDAG_E_DTYPE, "a carried value"},
    {"carries another size", 5, YIELD, 2, 10, TDAG_E_SHAPE, "no symbol of the loop"},
    {"an entry less", 5, N_INPUTS, 0, 3, TDAG_E_ARG, "1 enter"},
    {"a yield less", 5, N_YIELDS, 0, 2, TDAG_E_ARG, "2 are yielded"},
    {"a carried value less", 5, N_PARAMS, 0, 2, TDAG_E_ARG, "1 values are carried"},
    {"no index", 5, N_PARAMS, 0, 0, TDAG_E_ARG, "not those of a loop"},
    {"index of another dtype", 5, DTYPE, 7, TDAG_I32, TDAG_E_DTYPE, ""},
    {"loop of no block", 5, N_BLOCKS, 0, 0, TDAG_E_ARG, "not those of a loop"},
    {"result of a fixed size", 5, DIM, 12, 5, TDAG_E_SHAPE, "a result"},
    {"size that is not bound", 5, N_BINDINGS, 0, 0, TDAG_E_SHAPE, "a result"},

    {"no such state", 8, TARGET, 0, 1, TDAG_E_ARG, "no state number 1"},
    {"state written that is none", 10, TARGET, 0, 1, TDAG_E_ARG, "no state number 1"},
    {"read of another dtype", 8, DTYPE, 14, TDAG_F64, TDAG_E_DTYPE, "the value is f64"},
    {"read of another rank", 8, RANK, 14, 1, TDAG_E_SHAPE, "rank 1"},
    {"read of a fixed size", 8, DIM, 14, 3, TDAG_E_SHAPE, "the state cache"},
    {"written with another dtype", 10, INPUT, 0, 4, TDAG_E_DTYPE, "the value is bool"},
    {"read that takes a value", 8, KIND, 0, TDAGI_WRITE, TDAG_E_ARG, "does not take"},
    {"write that gives a value", 10, KIND, 0, TDAGI_READ, TDAG_E_ARG, "does not take"},

    {"no such draw", 11, DRAW, 0, 9, TDAG_E_ARG, "numbers"},
    {"draw of no value", 11, DRAW, 0, TDAGI_DRAW_BERNOULLI, TDAG_E_ARG, "bernoulli"},
    {"normal of bool", 11, DTYPE, 16, TDAG_BOOL, TDAG_E_DTYPE, "does not give bool"},
    {"permutation of a float", 12, INPUT, 0, 1, TDAG_E_DTYPE, "does not take that"},
    {"permutation of rank 0", 12, RANK, 17, 0, TDAG_E_SHAPE, "a permutation"},

    {"no operator", 14, TEXT, 0, 0, TDAG_E_ARG, "no operator"},
    {"size that nobody binds", 14, N_BINDINGS, 0, 0, TDAG_E_SHAPE, "symbol K"},
    {"no sentence", 15, TEXT, 0, 0, TDAG_E_ARG, "no sentence"},
    {"check of a number", 15, INPUT, 0, 2, TDAG_E_DTYPE, "what is checked is i64"},
    {"check of nothing", 15, N_INPUTS, 0, 0, TDAG_E_ARG, "does not take 0"},
    {"returns less", 17, N_INPUTS, 0, 4, TDAG_E_ARG, "as many tensors"},
    {"returns what is gone", 17, INPUT, 0, 10, TDAG_E_ARG, "outside its block"},
    {"does not return", 17, KIND, 0, TDAGI_CHECK, TDAG_E_ARG, ""},
};

static void set_var(const tdagi_var *vars, uint32_t i, uint32_t to)
{
    ((tdagi_var *)(uintptr_t)vars)[i].id = to;
}

static void set_size(const tdag_dim *dims, tdag_dim to)
{
    *(tdag_dim *)(uintptr_t)dims = to;
}

static void change_value(tdagi_method *m, change part, uint32_t i, uint32_t to)
{
    tdagi_var_info *info = &m->vars[i];
    if (part == DTYPE) info->dtype = (tdag_dtype)to;
    if (part == RANK) info->rank = to;
    if (part == DIM) set_size(info->shape, to);
    if (part == DIM_OF) set_size(info->shape, m->vars[to].shape[0]);
}

static void change_counts(tdagi_statement *s, change part, uint32_t to)
{
    tdagi_block *block = (tdagi_block *)(uintptr_t)s->blocks;
    if (part == N_INPUTS) s->n_inputs = to;
    if (part == N_RESULTS) s->n_results = to;
    if (part == N_BINDINGS) s->n_bindings = to;
    if (part == N_BLOCKS) s->n_blocks = to;
    if (part == N_PARAMS) block->n_params = to;
    if (part == N_YIELDS) block->n_yields = to;
}

static void change_statement(tdagi_method *m, size_t row)
{
    tdagi_statement *s = statement_at(m, cases[row].statement);
    tdagi_binding *binding = (tdagi_binding *)(uintptr_t)s->bindings;
    uint32_t i = cases[row].i, to = cases[row].to;
    change part = cases[row].part;
    if (part == INPUT) set_var(s->inputs, i, to);
    if (part == RESULT) set_var(s->results, i, to);
    if (part == YIELD) set_var(s->blocks[0].yields, i, to);
    if (part == YIELD_2) set_var(s->blocks[1].yields, i, to);
    if (part == PARAM) set_var(s->blocks[0].params, i, to);
    if (part == TARGET) s->target = to;
    if (part == KIND) s->kind = (uint8_t)to;
    if (part == DRAW) s->draw = (uint8_t)to;
    if (part == TEXT) s->text = NULL;
    if (part == LIMIT) s->has_limit = false;
    if (part == CONDITION) s->has_condition = false;
    if (part == BINDING) binding->symbol = statement_at(m, to)->bindings[0].symbol;
    if (part == OF) binding->of = to;
    if (part == VALUE) binding->value.id = to;
    change_counts(s, part, to);
    change_value(m, part, i, to);
}

static void test_rules(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tdag_model *m = NULL;
        TEST_OK(ctx, make_everything(ctx, &m));
        change_statement(m->methods[0], i);
        tdag_status st = tdagi_model_verify(ctx, m);
        const char *message = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].st || strstr(message, cases[i].word) == NULL ||
            strstr(message, "method forward") == NULL) {
            print_error("%s: %s: %s\n", cases[i].name, tdag_status_text(st), message);
            wrong++;
        }
        tdag_model_free(m);
    }
    assert_int_equal(wrong, 0);
    tdag_ctx_free(ctx);
}

/* A loop that nothing ends. */
static void test_endless(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, make_everything(ctx, &m));
    tdagi_statement *loop = statement_at(m->methods[0], 5);
    loop->has_limit = loop->has_condition = false;
    assert_int_equal(tdagi_model_verify(ctx, m), TDAG_E_ARG);
    assert_string_equal(tdag_ctx_get_error(ctx)->message,
                        "method forward, statement 5 (loop): it has neither limit nor "
                        "condition");
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_no_method(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_model_builder b;
    tdag_model *m = NULL;
    tdagi_model_begin(&b, ctx);
    TEST_OK(ctx, tdagi_model_finish(&b, &m));
    assert_int_equal(tdagi_model_verify(ctx, m), TDAG_E_ARG);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_endless),
        cmocka_unit_test(test_no_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
