/* The report: the whole JSON text of a small model, and every allocation failing. */
#include "analysis/count_support.h"

#include <cjson/cJSON.h>
#include <tdagger/program.h>

#include "derive/derive.h"

/* Two modules: a.fc (linear 3 -> 2 with bias), a.act (exp); and an unused parameter. */
static tdag_status make_model(tdag_ctx *ctx, tdag_model **out)
{
    tdag_builder *b = NULL;
    tdag_tensor *w = NULL, *c = NULL;
    tdag_graph *g = NULL;
    tdag_status st = tdag_builder_create(ctx, &b);
    if (st == TDAG_OK)
        st = tdag_tensor_create(ctx, TDAG_F32, 2, (const int64_t[]){2, 3}, &w);
    if (st == TDAG_OK)
        st = tdag_tensor_create(ctx, TDAG_F32, 1, (const int64_t[]){2}, &c);
    if (st == TDAG_OK) {
        memset(tdag_tensor_get_mutable_data(w), 0, tdag_tensor_get_size(w));
        memset(tdag_tensor_get_mutable_data(c), 0, tdag_tensor_get_size(c));
        tdag_value x = F32_INPUT(b, "x", 4, 3);
        tdag_builder_set_scope(b, "a.fc");
        tdag_value weight = tdag_add_tensor(b, TDAG_OP_PARAMETER, "a.fc.weight", w);
        tdag_value bias = tdag_add_tensor(b, TDAG_OP_PARAMETER, "a.fc.bias", c);
        tdag_value y = tdagi_linear(b, x, weight, bias);
        tdag_builder_set_scope(b, "a.act");
        y = tdag_unary(b, TDAG_OP_EXP, y);
        tdag_builder_set_name(b, y, "y \"quoted\"");
        tdag_builder_add_output(b, y);
        st = tdag_builder_finish(b, &g);
    }
    if (st == TDAG_OK) st = tdag_model_create(ctx, g, out);
    tdag_graph_free(g);
    tdag_tensor_free(w);
    tdag_tensor_free(c);
    tdag_builder_free(b);
    return st;
}

static tdag_status report(tdag_ctx *ctx, char **out)
{
    tdag_model *model = NULL;
    tdag_info_options options;
    tdag_info_options_init(&options);
    options.model_name = "small";
    options.flags = TDAG_INFO_BY_NODE;
    tdag_status st = make_model(ctx, &model);
    if (st == TDAG_OK) st = tdag_info_json(ctx, model, &options, out);
    tdag_model_free(model);
    return st;
}

/* linear: 8 results * 3 = 24 MACs, 48 + 8 FLOPs; reads 12 + 6 + 2; exp: 8. */
#define LINEAR                                                                         \
    "\"nodes\": 1, \"flops\": 56, \"macs\": 24, \"memory_reads\": 20, "                \
    "\"memory_writes\": 8, \"read_bytes\": 80, \"write_bytes\": 32"
#define EXP                                                                            \
    "\"nodes\": 1, \"flops\": 8, \"macs\": 0, \"memory_reads\": 8, "                   \
    "\"memory_writes\": 8, \"read_bytes\": 32, \"write_bytes\": 32"
#define BOTH                                                                           \
    "\"nodes\": 2, \"flops\": 64, \"macs\": 24, \"memory_reads\": 28, "                \
    "\"memory_writes\": 16, \"read_bytes\": 112, \"write_bytes\": 64"
#define NOTHING                                                                        \
    "\"nodes\": 0, \"flops\": 0, \"macs\": 0, \"memory_reads\": 0, "                   \
    "\"memory_writes\": 0, \"read_bytes\": 0, \"write_bytes\": 0"
static const char golden_tail[] =
    "    \"kernel\": {" BOTH "},\n"
    "    \"fused\": {" BOTH "}\n"
    "  },\n"
    "  \"by_op\": [\n"
    "    {\"op\": \"linear\", \"count\": 1, " LINEAR "},\n"
    "    {\"op\": \"exp\", \"count\": 1, " EXP "}\n"
    "  ],\n"
    "  \"by_module\": [\n"
    "    {\"module\": \"\", \"parameters\": 8, " BOTH ", \"self\": {" NOTHING "}},\n"
    "    {\"module\": \"a\", \"parameters\": 8, " BOTH ", \"self\": {" NOTHING "}},\n"
    "    {\"module\": \"a.fc\", \"parameters\": 8, " LINEAR ", \"self\": {" LINEAR
    "}},\n"
    "    {\"module\": \"a.act\", \"parameters\": 0, " EXP ", \"self\": {" EXP "}}\n"
    "  ],\n";
static const char golden_head[] =
    "{\n"
    "  \"format\": \"tdag-info/1\",\n"
    "  \"model\": \"small\",\n"
    "  \"inputs\": [\n"
    "    {\"name\": \"x\", \"dtype\": \"f32\", \"shape\": [4, 3]}\n"
    "  ],\n"
    "  \"outputs\": [\n"
    "    {\"name\": \"out0\", \"dtype\": \"f32\", \"shape\": [4, 2]}\n"
    "  ],\n"
    "  \"totals\": {\n"
    "    \"parameters\": 8,\n"
    "    \"buffers\": 0,\n"
    "    \"parameter_bytes\": 32,\n"
    "    \"buffer_bytes\": 0,\n"
    "    \"constant_bytes\": 0,\n"
    "    \"total_bytes\": 32,\n"
    "    \"peak_bytes\": 112,\n" /* x 48, linear 32, the output 32 */
    "    \"core\": {";

static void expect_part(const char *json, const char *part)
{
    if (strstr(json, part) == NULL) fail_msg("missing\n%s\nin\n%s", part, json);
}

static void test_golden(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char *json = NULL;
    TEST_OK(ctx, report(ctx, &json));
    expect_part(json, golden_head);
    expect_part(json, golden_tail);
    expect_part(json, "{\"node\": \"y \\\"quoted\\\"\", \"op\": \"exp\", \"module\": "
                      "\"a.act\", \"dtype\": \"f32\", \"shape\": [4, 2], " EXP "}");
    cJSON *parsed = cJSON_Parse(json);
    assert_non_null(parsed);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(parsed, "by_node")), 2);
    cJSON_Delete(parsed);
    tdag_text_free(ctx, json);
    tdag_ctx_free(ctx);
}

/* A module that only holds weights has a row, and nothing to hash. */
static void test_weights_only(void **state)
{
    static const char text[] = "tdag 1\nx: f32[2] = input\n"
                               "\"a.w\": f32[2] = parameter [1, 2]\n"
                               "y: f32[2] = add(x, \"a.w\") @\"b\"\nreturn y\n";
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    tdag_info_options options;
    char *json = NULL;
    tdag_info_options_init(&options);
    options.flags = TDAG_INFO_HASH;
    TEST_OK(ctx, tdag_model_parse(ctx, text, sizeof text - 1, &model));
    TEST_OK(ctx, tdag_info_json(ctx, model, &options, &json));
    expect_part(json, "{\"module\": \"a\", \"parameters\": 2, ");
    expect_part(json, "{\"module\": \"b\", \"hash\": \"");
    tdag_text_free(ctx, json);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

/* The root row is the total, at every level. */
static void test_root_is_total(void **state)
{
    (void)state;
    static const char *const names[] = {"core", "kernel", "fused"};
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    TEST_OK(ctx, make_model(ctx, &model));
    for (int level = 1; level <= 3; level++) {
        tdag_info_options options;
        tdag_info_options_init(&options);
        options.level = (tdag_level)level;
        char *json = NULL;
        TEST_OK(ctx, tdag_info_json(ctx, model, &options, &json));
        cJSON *r = cJSON_Parse(json);
        const cJSON *root = cJSON_GetArrayItem(cJSON_GetObjectItem(r, "by_module"), 0);
        const cJSON *total =
            cJSON_GetObjectItem(cJSON_GetObjectItem(r, "totals"), names[level - 1]);
        const cJSON *item;
        cJSON_ArrayForEach(item, total) assert_true(
            cJSON_GetObjectItem(root, item->string)->valuedouble == item->valuedouble);
        assert_null(cJSON_GetObjectItem(r, "by_node"));
        cJSON_Delete(r);
        tdag_text_free(ctx, json);
    }
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

static void test_bad_options(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    TEST_OK(ctx, make_model(ctx, &model));
    tdag_info_options options;
    tdag_info_options_init(&options);
    char *json = NULL;
    options.flags = 64;
    assert_int_equal(tdag_info_json(ctx, model, &options, &json), TDAG_E_ARG);
    options.flags = 0;
    options.level = (tdag_level)9;
    assert_int_equal(tdag_info_json(ctx, model, &options, &json), TDAG_E_ARG);
    assert_null(json);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

static tdag_status oom_body(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    char *json = NULL, *ops = NULL;
    tdag_status st = report(ctx, &json);
    if (st == TDAG_OK) st = tdag_ops_markdown(ctx, &ops);
    tdag_text_free(ctx, json);
    tdag_text_free(ctx, ops);
    return st;
}

static void test_oom(void **state)
{
    (void)state;
    test_every_oom(oom_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_only),  cmocka_unit_test(test_golden),
        cmocka_unit_test(test_root_is_total), cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
