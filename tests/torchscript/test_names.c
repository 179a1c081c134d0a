/* Names of arguments and weights survive any number of conversions, whatever they are
 * called: like each other, like the library's own variables or like the language's. */
#include <tdagger/pt2.h>
#include <tdagger/torch.h>

#include "support/test.h"

#include "derive/derive.h"
#include "program/model.h"

#define N_CONVERSIONS 5
#define FILE_NAME     "names.pt"

static const char *const arguments[] = {"x",  "input",  "v1", "_v2",    "size_N",
                                        "m1", "weight", "t3", "in_ids", "state"};
static const char *const weights[] = {
    "x", "v1", "v7", "layers.0.weight", "layers.0.v1", "weight", "torch"};
#define N_ARGUMENTS (sizeof(arguments) / sizeof(*arguments))
#define N_WEIGHTS   (sizeof(weights) / sizeof(*weights))

/* A name as an importer gives it. */
static void given(tdag_builder *b, const char *name, char out[64])
{
    snprintf(out, 64, "%s", name);
    while (tdagi_name_is_taken(b->graph, out)) {
        memmove(out + 1, out, strlen(out) + 1);
        out[0] = '.';
    }
}

/* The sum of all of them, and of a number that is a size. */
static tdag_model *make_model(tdag_ctx *ctx)
{
    char name[64];
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_model *model = NULL;
    tdag_value sum = TDAG_NO_VALUE;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    const tdag_dim shape[1] = {tdag_builder_symbol(b, "N", 3)};
    for (size_t i = 0; i < N_ARGUMENTS; i++) {
        given(b, arguments[i], name);
        tdag_value v = tdag_add_input(b, name, TDAG_F32, 1, shape);
        sum = i == 0 ? v : tdag_binary(b, TDAG_OP_ADD, sum, v);
    }
    for (size_t i = 0; i < N_WEIGHTS; i++) {
        tdag_tensor *t = NULL;
        TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 0, NULL, &t));
        *(float *)tdag_tensor_get_mutable_data(t) = (float)i;
        given(b, weights[i], name);
        tdag_value w = tdag_add_tensor(b, TDAG_OP_PARAMETER, name, t);
        sum = tdag_binary(b, TDAG_OP_ADD, sum, w);
        tdag_tensor_free(t);
    }
    tdag_value ones = tdagi_full(b, TDAG_F32, 1, shape, 1);
    tdag_builder_add_output(b, tdag_binary(b, TDAG_OP_MULTIPLY, sum, ones));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    TEST_OK(ctx, tdag_model_create(ctx, g, &model));
    tdag_graph_free(g);
    return model;
}

static void check_names(const tdag_graph *g)
{
    char buf[16];
    size_t n = 0;
    assert_int_equal(g->n_inputs, N_ARGUMENTS);
    for (size_t i = 0; i < N_ARGUMENTS; i++)
        assert_string_equal(tdagi_name_given(tdagi_value_name(g, g->inputs[i], buf)),
                            arguments[i]);
    for (uint32_t id = 1; id <= g->n; id++) {
        if (g->nodes[id].op != TDAG_OP_PARAMETER) continue;
        const char *name = tdagi_name_given(tdagi_value_name(g, (tdag_value){id}, buf));
        size_t i =
            (size_t) * (const float *)tdag_tensor_get_data(g->nodes[id].u.tensor);
        assert_true(i < N_WEIGHTS);
        assert_string_equal(name, weights[i]);
        n++;
    }
    assert_int_equal(n, N_WEIGHTS);
}

static void test_names(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = make_model(ctx);
    for (int i = 0; i < N_CONVERSIONS; i++) {
        tdag_input_spec specs[N_ARGUMENTS];
        memset(specs, 0, sizeof(specs));
        for (size_t k = 0; k < N_ARGUMENTS; k++)
            specs[k] = (tdag_input_spec){
                .dtype = TDAG_F32, .rank = 1, .shape = {3}, .symbol = {"N"}};
        check_names(tdag_model_get_graph(model));
        TEST_OK(ctx, tdag_to_torchscript(ctx, model, FILE_NAME, NULL));
        tdag_model_free(model);
        TEST_OK(ctx, tdag_from_torchscript(ctx, FILE_NAME, specs, N_ARGUMENTS, NULL,
                                           &model));
        check_names(tdag_model_get_graph(model));
        TEST_OK(ctx, tdag_to_pt2(ctx, model, FILE_NAME, NULL));
        tdag_model_free(model);
        TEST_OK(ctx, tdag_from_pt2(ctx, FILE_NAME, NULL, 0, NULL, &model));
    }
    check_names(tdag_model_get_graph(model));
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    remove(FILE_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
