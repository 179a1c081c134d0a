/* The public calls: formulas of programs by hand, sizes that are given, what is
 * refused, and memory that is short. */
#include "program/programs.h"

#include <cjson/cJSON.h>

#include <tdagger.h>

static tdag_model *open_text(tdag_ctx *ctx, const char *file)
{
    char path[512];
    tdag_model *m = NULL;
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE, file);
    TEST_OK(ctx, tdag_open(ctx, path, NULL, 0, NULL, &m));
    return m;
}

/* Sums by hand: square of T elements adds T*T, reads 2*T (views are free) and is
 * followed by grow, which reads T and writes T + 1; twice adds P elements. A round of
 * remember has 1 + 2 + ... squares of S + 3 elements behind one twice of these. One of
 * prefill holds x (4*P), c and n (9), the round's number (8), t and what is made. */
static const struct {
    const char *file, *method, *at;
    tdag_level level;
    tdag_counter counter;
    const char *want;
} formulas[] = {
    {"../golden/branches.txt", "prefill", NULL, 0, TDAG_COUNTER_NODES,
     "2*trip_loop1+1"},
    {"../golden/branches.txt", "prefill", "trip_loop1=1", 0, TDAG_COUNTER_FLOPS,
     "P*P+P"},
    {"../golden/branches.txt", "prefill", "trip_loop1=2", 0, TDAG_COUNTER_FLOPS,
     "2*P*P+3*P+1"},
    {"../golden/branches.txt", "prefill", "P=2", 0, TDAG_COUNTER_FLOPS,
     "trip_loop1*trip_loop1+2*trip_loop1+"
     "floor((2*trip_loop1*trip_loop1*trip_loop1+3*trip_loop1*trip_loop1+"
     "trip_loop1)/6)+2"},
    {"../golden/branches.txt", "prefill", "trip_loop1=0", 0, TDAG_COUNTER_MEMORY_READS,
     "2*P"},
    {"../golden/branches.txt", "prefill", "trip_loop1=3", 0, TDAG_COUNTER_MEMORY_READS,
     "11*P+9"},
    {"../golden/branches.txt", "prefill", NULL, 0, TDAG_COUNTER_PEAK_BYTES,
     "4*P*P+8*P*trip_loop1+4*trip_loop1*trip_loop1-4*trip_loop1+17"},
    {"../golden/branches.txt", "remember", "trip_loop1=3", 0, TDAG_COUNTER_FLOPS,
     "-S*S*trip_loop2+3*S*trip_loop2*trip_loop2-2*S*trip_loop2+"
     "4*trip_loop2*trip_loop2-2*trip_loop2+floor((S*S*trip_loop2*trip_loop2+"
     "S*S*trip_loop2+trip_loop2*trip_loop2+trip_loop2)/2)"},
    {"../golden/branches.txt", "remember", "S=0", 0, TDAG_COUNTER_READ_BYTES, NULL},
    {"../golden/branches.txt", "found", NULL, 0, TDAG_COUNTER_WRITE_BYTES, "12*N+8*U"},
    {"../golden/branches.txt", "found", "K=4", 0, TDAG_COUNTER_WRITE_BYTES, "8*U+48"},
    {"../golden/branches.txt", "found", "K=4,N=5,U=6", 0, TDAG_COUNTER_WRITE_BYTES,
     "96"},
    {"../golden/branches.txt", "found", NULL, TDAG_LEVEL_CORE, TDAG_COUNTER_UNPRICED,
     "0"},
    {"decoder.txt", NULL, NULL, 0, TDAG_COUNTER_MACS,
     "8*P*P+8*P*trip_loop1+4*trip_loop1*trip_loop1+76*P+80*trip_loop1"},
    {"lstm.txt", NULL, NULL, TDAG_LEVEL_FUSED, TDAG_COUNTER_MACS, "360*T"},
    {"../program/collect.txt", NULL, NULL, 0, TDAG_COUNTER_PEAK_BYTES,
     "max(32*trip_loop1+145,64*trip_loop1+41)"},
    {"../program/collect.txt", NULL, NULL, TDAG_LEVEL_CORE, TDAG_COUNTER_FLOPS,
     "40*trip_loop1+16"},
};

static void test_formulas(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        tdag_model *m = open_text(ctx, formulas[i].file);
        char *text = NULL, at[64] = "";
        const char *list[4];
        tdag_count_options o;
        tdag_count_options_init(&o);
        o.method = formulas[i].method;
        o.level = formulas[i].level;
        o.at = list;
        snprintf(at, sizeof at, "%s", formulas[i].at == NULL ? "" : formulas[i].at);
        for (char *p = strtok(at, ","); p != NULL; p = strtok(NULL, ","))
            list[o.n_at++] = p;
        TEST_OK(ctx, tdag_count_formula(ctx, m, &o, formulas[i].counter, &text));
        if (formulas[i].want != NULL && strcmp(text, formulas[i].want) != 0)
            fail_msg("%s, %s, case %d: %s, not %s", formulas[i].file,
                     formulas[i].method, (int)i, text, formulas[i].want);
        tdag_text_free(ctx, text);
        tdag_model_free(m);
    }
    tdag_ctx_free(ctx);
}

/* Numbers of a method, and of a model, agree. */
static void test_numbers(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = open_text(ctx, "decoder.txt");
    tdag_counts c;
    int64_t flops, reads, writes, bytes, peak;
    tdag_count_options o;
    tdag_count_options_init(&o);
    o.level = TDAG_LEVEL_FUSED;
    TEST_OK(ctx, tdag_count_method(ctx, m, &o, &c));
    TEST_OK(ctx, tdag_total_flops(ctx, m, TDAG_LEVEL_FUSED, &flops));
    TEST_OK(ctx, tdag_total_memory_reads(ctx, m, TDAG_LEVEL_FUSED, &reads));
    TEST_OK(ctx, tdag_total_memory_writes(ctx, m, TDAG_LEVEL_FUSED, &writes));
    TEST_OK(ctx, tdag_total_bytes(ctx, m, &bytes));
    TEST_OK(ctx, tdag_peak_bytes(ctx, m, &peak));
    assert_int_equal(flops, c.flops);
    assert_int_equal(reads, c.memory_reads);
    assert_int_equal(writes, c.memory_writes);
    assert_int_equal(c.macs, 8 * 9 + 8 * 3 + 4 + 76 * 3 + 80);
    assert_int_equal(bytes, 954); /* each graph of a text has weights of its own */
    assert_int_equal(peak, 120 * 3 + 80 + 107);
    tdag_model_free(m);
    m = open_text(ctx, "../golden/branches.txt");
    TEST_OK(ctx, tdag_total_bytes(ctx, m, &bytes));
    assert_int_equal(bytes, 12);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static tdag_graph *scale_graph(tdag_ctx *ctx, tdag_tensor *weight, tdag_op op)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    const tdag_dim shape[] = {6};
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x = tdag_add_input(b, "x", TDAG_F32, 1, shape);
    tdag_value w = tdag_add_tensor(b, TDAG_OP_PARAMETER, "w", weight);
    tdag_builder_add_output(b, tdag_binary(b, op, x, w));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

/* Weights that graphs share are held once. */
static void test_shared(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    const int64_t six = 6;
    tdag_tensor *weight = NULL;
    tdag_model *m = NULL;
    tdag_model_builder *b = NULL;
    tdag_var x, y;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, &six, &weight));
    memset(tdag_tensor_get_mutable_data(weight), 0, 24);
    tdag_graph *graphs[] = {scale_graph(ctx, weight, TDAG_OP_ADD),
                            scale_graph(ctx, weight, TDAG_OP_MULTIPLY)};
    TEST_OK(ctx, tdag_model_builder_create(ctx, &b));
    const tdag_var_type type = {TDAG_F32, 1, (const tdag_dim[]){6}};
    for (int i = 0; i < 2; i++) {
        tdag_model_add_graph(b, i == 0 ? "one" : "two", graphs[i]);
        tdag_graph_free(graphs[i]);
    }
    for (int i = 0; i < 2; i++) {
        tdag_method_begin(b, i == 0 ? "encode" : "decode");
        x = tdag_method_add_input(b, "x", &type);
        tdag_program_call(b, (uint32_t)i, (tdag_vars){1, &x}, &y);
        tdag_program_return(b, (tdag_vars){1, &y});
        tdag_method_end(b, NULL, NULL);
    }
    TEST_OK(ctx, tdag_model_builder_finish(b, &m));
    tdag_model_builder_free(b);
    int64_t bytes, flops;
    TEST_OK(ctx, tdag_total_bytes(ctx, m, &bytes));
    TEST_OK(ctx, tdag_total_flops(ctx, m, TDAG_LEVEL_KERNEL, &flops));
    assert_int_equal(bytes, 24);
    assert_int_equal(flops, 6);
    tdag_tensor_free(weight);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* A straight-line model counts by this call what its graph does. */
static void test_straight(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = open_text(ctx, "../golden/net.txt");
    for (int level = 1; level <= 3; level++) {
        tdag_counts of_graph, of_method;
        tdag_count_options o;
        tdag_count_options_init(&o);
        o.level = (tdag_level)level;
        TEST_OK(ctx, tdag_count(ctx, tdag_model_get_graph(m), o.level, &of_graph));
        TEST_OK(ctx, tdag_count_method(ctx, m, &o, &of_method));
        assert_memory_equal(&of_graph, &of_method, sizeof of_graph);
    }
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *method, *at;
        int level, counter;
        tdag_status status;
        const char *words;
    } cases[] = {
        {"none", NULL, 0, 0, TDAG_E_ARG, "no method none"},
        {"prefill", "Q=3", 0, 0, TDAG_E_ARG, "\"Q=3\" gives no symbol"},
        {"prefill", "trip_loop2=3", 0, 0, TDAG_E_ARG, "gives no symbol"},
        {"prefill", "P=-1", 0, 0, TDAG_E_ARG, "gives no size"},
        {"prefill", "P=3x", 0, 0, TDAG_E_ARG, "gives no size"},
        {"prefill", "P=", 0, 0, TDAG_E_FORMAT, "expected"},
        {"prefill", "P=Q", 0, 0, TDAG_E_FORMAT, "unknown symbol"},
        {"prefill", "P", 0, 0, TDAG_E_ARG, "gives no symbol"},
        {"prefill", "P=9223372036854775807", 0, 1, TDAG_E_OVERFLOW, "64 bits"},
        {"prefill", NULL, 4, 0, TDAG_E_ARG, "no level number 4"},
        {"prefill", NULL, 0, 9, TDAG_E_ARG, "no counter number 9"},
    };
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = open_text(ctx, "../golden/branches.txt");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        tdag_count_options o;
        tdag_count_options_init(&o);
        o.method = cases[i].method;
        o.level = (tdag_level)cases[i].level;
        o.at = &cases[i].at;
        o.n_at = cases[i].at != NULL;
        tdag_status st =
            tdag_count_formula(ctx, m, &o, (tdag_counter)cases[i].counter, &text);
        const char *message = tdag_ctx_get_error(ctx)->message;
        if (st != cases[i].status || strstr(message, cases[i].words) == NULL)
            fail_msg("case %d: %s: %s", (int)i, tdag_status_text(st), message);
    }
    tdag_info_options o;
    char *text = NULL;
    tdag_info_options_init(&o);
    o.flags = TDAG_INFO_BY_NODE;
    assert_int_equal(tdag_info_json(ctx, m, &o, &text), TDAG_E_UNSUPPORTED);
    o.flags = 0;
    o.method = "none";
    assert_int_equal(tdag_info_json(ctx, m, &o, &text), TDAG_E_ARG);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- the report ---- */

static double total(const cJSON *rows, const char *key)
{
    double sum = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *n = cJSON_GetObjectItem(row, key);
        if (cJSON_IsObject(n)) n = cJSON_GetObjectItem(n, "at_sample");
        sum += n->valuedouble;
    }
    return sum;
}

/* Without a branch the rows of every table add up to the whole. */
static void test_report(void **state)
{
    (void)state;
    static const char *const keys[] = {"nodes",        "flops",      "macs",
                                       "memory_reads", "read_bytes", "memory_writes",
                                       "write_bytes"};
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = open_text(ctx, "decoder.txt");
    tdag_info_options o;
    char *text = NULL, *again = NULL;
    const char *const at[] = {"trip_loop1=7", "P=5"};
    tdag_info_options_init(&o);
    o.at = at;
    o.n_at = 2;
    TEST_OK(ctx, tdag_info_json(ctx, m, &o, &text));
    TEST_OK(ctx, tdag_info_json(ctx, m, &o, &again));
    assert_string_equal(text, again);
    cJSON *report = cJSON_Parse(text);
    assert_non_null(report);
    const cJSON *method = cJSON_GetArrayItem(cJSON_GetObjectItem(report, "methods"), 0);
    const cJSON *whole =
        cJSON_GetObjectItem(cJSON_GetObjectItem(method, "totals"), "kernel");
    const cJSON *modules = cJSON_GetObjectItem(method, "by_module");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        double n = cJSON_GetObjectItem(whole, keys[i])->valuedouble;
        assert_true(n == total(cJSON_GetObjectItem(method, "statements"), keys[i]));
        assert_true(n == total(cJSON_GetObjectItem(method, "by_graph"), keys[i]));
        assert_true(n == total(cJSON_GetObjectItem(method, "by_op"), keys[i]));
        const cJSON *all = cJSON_GetArrayItem(modules, 0);
        assert_true(n == cJSON_GetObjectItem(all, keys[i])->valuedouble);
    }
    cJSON_Delete(report);
    tdag_text_free(ctx, text);
    tdag_text_free(ctx, again);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static tdag_status report_everything(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_model *m = NULL;
    char *text = NULL;
    tdag_info_options o;
    tdag_info_options_init(&o);
    const char *const at[] = {"trip_loop1=3"};
    o.at = at;
    o.n_at = 1;
    tdag_status st = make_everything(ctx, &m);
    if (st == TDAG_OK) st = tdag_info_json(ctx, m, &o, &text);
    tdag_text_free(ctx, text);
    tdag_model_free(m);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    test_every_oom(report_everything, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_shared),        cmocka_unit_test(test_straight),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_report),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
