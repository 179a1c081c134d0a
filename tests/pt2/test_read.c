/* Programs read without PyTorch: what comes back of those that we write, sizes that
 * callers give, and files that are cut off or damaged. */
#include <stdio.h>
#include <unistd.h>

#include <tdagger/pt2.h>

#include "pt2/made.h"
#include "support/test.h"

static char path[64];

/* clang-format off */
static const char net[] =
    "tdag 1\n"
    "symbols N=4\n"
    "x: f32[N,3] = input\n"
    "a.w: f32[2,3] = parameter [1, 2, 3, 4, 5, 6] @a\n"
    "t: f32[3,2] = permute(a.w) {order=[1,0]} @a\n"
    "e: f32[3,2] = exp(t) @a\n"
    "y: f32[N,3] = add(x, x)\n"
    "return e, y\n";
/* clang-format on */

static void write_net(tdag_ctx *ctx)
{
    tdag_graph *graph = NULL;
    tdag_model *model = NULL;
    TEST_OK(ctx, tdag_graph_parse(ctx, net, strlen(net), &graph));
    TEST_OK(ctx, tdag_model_create(ctx, graph, &model));
    TEST_OK(ctx, tdag_to_pt2(ctx, model, path, NULL));
    tdag_graph_free(graph);
    tdag_model_free(model);
}

static void test_back(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    write_net(ctx);
    TEST_OK(ctx, tdag_from_pt2(ctx, path, NULL, 0, NULL, &model));
    const tdag_graph *g = tdag_model_get_graph(model);
    tdag_node_info x = tdag_graph_get_node(g, tdag_graph_get_input(g, 0));
    assert_string_equal(x.name, "x");
    assert_int_equal(x.rank, 2);
    assert_true(x.shape[0] < 0);
    assert_int_equal(tdag_graph_get_n_inputs(g), 1);
    assert_string_equal(tdag_model_get_input_structure(model), "(T,)");
    assert_string_equal(tdag_model_get_output_structure(model), "(T, T)");
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

/* A number fixes a free size; one that the program does not take is refused. */
static void test_sizes(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    tdag_input_spec spec = {.dtype = TDAG_F32, .rank = 2, .shape = {5, 3}};
    write_net(ctx);
    TEST_OK(ctx, tdag_from_pt2(ctx, path, &spec, 1, NULL, &model));
    const tdag_graph *g = tdag_model_get_graph(model);
    tdag_node_info x = tdag_graph_get_node(g, tdag_graph_get_input(g, 0));
    assert_int_equal(x.shape[0], 5);
    tdag_model_free(model);
    spec.shape[1] = 4;
    assert_int_equal(tdag_from_pt2(ctx, path, &spec, 1, NULL, &model), TDAG_E_SHAPE);
    spec.rank = 1;
    assert_int_equal(tdag_from_pt2(ctx, path, &spec, 1, NULL, &model), TDAG_E_SHAPE);
    tdag_ctx_free(ctx);
}

/* Read, or refused in a sentence. */
static bool try_bytes(tdag_ctx *ctx, const unsigned char *bytes, size_t n)
{
    tdag_model *model = NULL;
    made_archive part = {malloc(n + 1), n}; /* so that reading beyond is seen */
    assert_non_null(part.bytes);
    memcpy(part.bytes, bytes, n);
    tdag_status st = made_read(ctx, &part, 0, &model);
    if (st != TDAG_OK) assert_true(*tdag_ctx_get_error(ctx)->message != '\0');
    tdag_model_free(model);
    free(part.bytes);
    return st == TDAG_OK;
}

static void test_damaged(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    static unsigned char bytes[1 << 16];
    write_net(ctx);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    assert_true(n > 0 && n < sizeof(bytes));
    for (size_t i = 0; i < n; i++)
        assert_false(try_bytes(ctx, bytes, i));
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1U << bit);
            try_bytes(ctx, bytes, n);
            bytes[i] ^= (unsigned char)(1U << bit);
        }
    }
    assert_true(try_bytes(ctx, bytes, n));
    tdag_ctx_free(ctx);
}

int main(void)
{
    snprintf(path, sizeof(path), "pt2_read_%ld.pt2", (long)getpid());
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_back),
                                       cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_damaged)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove(path);
    return failed;
}
