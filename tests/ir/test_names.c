/* Names of values: what is free, what is taken, what is automatic. */
#include "ir/names.h"

#include "support.h"

static const struct {
    const char *name;
    bool automatic;
    uint32_t id;
} forms[] = {
    {"v1", true, 1},    {"v12", true, 12}, {"v4294967295", true, UINT32_MAX},
    {"v", false, 0},    {"v1a", false, 0}, {"V1", false, 0},
    {"x1", false, 0},   {"", false, 0},    {"v 1", false, 0},
    {"v1_1", false, 0}, {"v-1", false, 0},
};

static void test_automatic(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uint32_t id = 0;
        bool is = tdagi_name_is_automatic(forms[i].name, &id);
        if (is != forms[i].automatic || (is && id != forms[i].id))
            fail_msg("'%s': %d, %u", forms[i].name, is, (unsigned)id);
    }
}

/* Names given in this order to values of one graph, and what they become. */
static const struct {
    const char *given, *becomes; /* NULL: stays automatic */
} given[] = {
    {"x", "x"},     {"x", "x_1"},       {"x", "x_2"}, {"x_1", "x_1_1"}, {"v3", "v3_1"},
    {"v3", "v3_2"}, {"a.b c", "a.b c"}, {"", NULL},   {NULL, NULL},     {"y", "y"},
};
enum { N_GIVEN = sizeof given / sizeof *given };

static void test_given(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    for (size_t i = 0; i < N_GIVEN; i++)
        tdag_builder_set_name(b, tdag_add_scalar(b, TDAG_F32, (double)i),
                              given[i].given);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    for (uint32_t i = 0; i < N_GIVEN; i++) {
        const tdag_value v = {i + 1};
        const char *name = tdag_graph_get_node(g, v).name;
        const char *want = given[i].becomes;
        if ((name == NULL) != (want == NULL) ||
            (want != NULL && strcmp(name, want) != 0))
            fail_msg("value %u: %s", (unsigned)i, name == NULL ? "no name" : name);
        char own[16];
        const char *full = tdagi_value_name(g, v, own);
        assert_int_equal(tdag_graph_find(g, full).id, v.id);
        assert_int_equal(tdagi_names_find(g, full), name == NULL ? 0 : v.id);
    }
    assert_int_equal(tdag_graph_find(g, "z").id, 0);
    assert_int_equal(tdag_graph_find(g, "v99").id, 0);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* The table grows, and every name is found in it. */
static void test_many(void **state)
{
    (void)state;
    enum { N = 5000 };
    char name[16];
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    for (int i = 1; i <= N; i++) {
        snprintf(name, sizeof name, "n%d", i * 7919);
        tdag_builder_set_name(b, tdag_add_scalar(b, TDAG_F32, i), name);
    }
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    for (int i = 1; i <= N; i++) {
        snprintf(name, sizeof name, "n%d", i * 7919);
        assert_int_equal(tdag_graph_find(g, name).id, i);
    }
    assert_int_equal(g->names->n, N);
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* One name for many values: each gets the first suffix that is free, also of one that
 * was given up, and finding it takes no longer for the last of them. */
static void test_suffixes(void **state)
{
    (void)state;
    enum { N = 50000 };
    char name[16];
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    for (int i = 0; i < N; i++)
        tdag_builder_set_name(b, tdag_add_scalar(b, TDAG_F32, i), "x");
    tdag_builder_set_name(b, (tdag_value){18}, "other"); /* was x_17 */
    for (int i = 0; i < 2; i++)
        tdag_builder_set_name(b, tdag_add_scalar(b, TDAG_F32, i), "x");
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    for (int i = 1; i <= N + 1; i++) {
        snprintf(name, sizeof name, "x_%d", i == N + 1 ? N : i);
        int id = i == 17 ? N + 1 : i == N + 1 ? N + 2 : i + 1;
        if (i != N) assert_int_equal(tdag_graph_find(g, name).id, id);
    }
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_automatic),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_suffixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
