/* Counters against hand calculations by the formulas of docs/counters.md: the model of
 * the README, a small convolutional one and an attention block (hand_models.py). A row
 * is a kernel, its numbers written as the products of sizes they come from; totals are
 * the rows' sums. TDAG_TEST_README and TDAG_TEST_HAND_MODELS say where the files are.
 */
#include <tdagger/count.h>
#include <tdagger/torch.h>

#include <cjson/cJSON.h>

#include "support/test.h"

/* Elements of 4 bytes (f32) and of 1 byte (bool) that are read and written. */
typedef struct row {
    const char *op;
    int64_t flops, macs, read_f32, read_bool, write_f32, write_bool;
} row;

typedef struct hand_model {
    const char *name;
    tdag_input_spec input;
    const row *levels[3]; /* core, kernel, fused; each ends with a row without a name */
    int64_t parameters, buffers, total_bytes, peak_bytes;
} hand_model;

/* clang-format off */
/* ---- the model of the README ---- */
enum {
    X = 10 * 20 * 30 * 48,              /* the input */
    PADDED = 10 * 20 * 32 * 50,         /* padded by 1 for the windows */
    ROWS = 10 * 20 * 22 * 50,           /* 11 windows of 2 rows, (32 - 2) / 3 + 1 = 11 */
    WINDOWS = 10 * 20 * 22 * 34,        /* 17 windows of 2 columns, (50 - 2) / 3 + 1 */
    TALL = 10 * 20 * 32 * 34,           /* rows put back: (11 - 1) * 3 + 2 = 32 */
    CUT = 10 * 20 * 30 * 34,            /* without the padding */
    WIDE = 10 * 20 * 30 * 50,           /* columns put back: (17 - 1) * 3 + 2 = 50 */
    PART = 10 * 10 * 20 * 28,           /* x[:, :10, 10:, 10:-10] */
    LARGE = 12 * 12 * 22 * 30,          /* padded by (1, 1, 2, 0, 0, 2, 1, 1) */
    R = 22 * 30,                        /* summed over the first and last axis */
};
static const row readme_core[] = {
    {"add",        X, 0, X + 1, 0, X, 0},     /* to_add has one element */
    {"add",        X, 0, X + 48, 0, X, 0},
    {"neg",       48, 0, 48, 0, 48, 0},       /* x - b is x + (-b) */
    {"add",        X, 0, X + 48, 0, X, 0},
    {"multiply",   X, 0, X + 48, 0, X, 0},
    {"reciprocal", 48, 0, 48, 0, 48, 0},      /* x / b is x * (1 / b) */
    {"multiply",   X, 0, X + 48, 0, X, 0},
    /* F.unfold: pad, windows of rows, of columns, the taps moved to the channels */
    {"pad",        0, 0, X, 0, PADDED, 0},
    {"unfold",     0, 0, ROWS, 0, ROWS, 0},   /* 2 of every 3 rows are in a window */
    {"ungroup",    0, 0, ROWS, 0, ROWS, 0},
    {"unfold",     0, 0, WINDOWS, 0, WINDOWS, 0},
    {"ungroup",    0, 0, WINDOWS, 0, WINDOWS, 0},
    {"permute",    0, 0, WINDOWS, 0, WINDOWS, 0},
    {"group",      0, 0, WINDOWS, 0, WINDOWS, 0},
    /* F.fold, the other way; a fold that grows adds nothing */
    {"ungroup",    0, 0, WINDOWS, 0, WINDOWS, 0},
    {"permute",    0, 0, WINDOWS, 0, WINDOWS, 0},
    {"group",      0, 0, WINDOWS, 0, WINDOWS, 0},
    {"fold",       0, 0, WINDOWS, 0, TALL, 0},
    {"slice",      0, 0, CUT, 0, CUT, 0},
    {"group",      0, 0, CUT, 0, CUT, 0},
    {"fold",       0, 0, CUT, 0, WIDE, 0},
    {"slice",      0, 0, X, 0, X, 0},
    {"slice",      0, 0, 10 * 10 * 30 * 48, 0, 10 * 10 * 30 * 48, 0},
    {"slice",      0, 0, 10 * 10 * 20 * 48, 0, 10 * 10 * 20 * 48, 0},
    {"slice",      0, 0, PART, 0, PART, 0},
    {"pad",        0, 0, PART, 0, LARGE, 0},
    {"permute",    0, 0, LARGE, 0, LARGE, 0},
    {"reduce",     LARGE - R, 0, LARGE, 0, R, 0},
    {"squeeze",    0, 0, R, 0, R, 0},
    {"ungroup",    0, 0, R, 0, R, 0},
    {"neg",        R, 0, R, 0, R, 0},
    /* abs(v) = where(v < 0, -v, v) + 0 */
    {"less",       R, 0, R + 1, 0, 0, R},
    {"neg",        R, 0, R, 0, R, 0},
    {"where",      R, 0, R + R, R, R, 0},
    {"add",        R, 0, R + 1, 0, R, 0},
    {"sin",        R, 0, R, 0, R, 0},
    /* leaky_relu(v) = where(v < 0, v * 0.01, v) */
    {"multiply",   R, 0, R + 1, 0, R, 0},
    {"less",       R, 0, R + 1, 0, 0, R},
    {"where",      R, 0, R + R, R, R, 0},
    {0},
};
static const row readme_kernel[] = {
    {"add",        X, 0, X + 1, 0, X, 0},
    {"add",        X, 0, X + 48, 0, X, 0},
    {"sub",        X + 48, 0, X + 48, 0, X, 0},
    {"multiply",   X, 0, X + 48, 0, X, 0},
    {"div",        X + 48, 0, X + 48, 0, X, 0},
    {"im2col",     0, 0, X, 0, WINDOWS, 0},
    {"col2im",     0, 0, WINDOWS, 0, X, 0},
    {"pad",        0, 0, PART, 0, LARGE, 0},  /* the slices are views */
    {"reduce",     LARGE - R, 0, LARGE, 0, R, 0},
    {"neg",        R, 0, R, 0, R, 0},
    {"abs",        4 * R, 0, R, 0, R, 0},
    {"sin",        R, 0, R, 0, R, 0},
    {"leaky_relu", 3 * R, 0, R, 0, R, 0},
    {0},
};
static const row readme_fused[] = {
    /* x, to_add and my_buffer are read once */
    {"add+add+sub+multiply+div", 5 * X + 96, 0, X + 1 + 48, 0, X, 0},
    {"im2col",     0, 0, X, 0, WINDOWS, 0},
    {"col2im",     0, 0, WINDOWS, 0, X, 0},
    {"pad",        0, 0, PART, 0, LARGE, 0},
    {"reduce",     LARGE - R, 0, LARGE, 0, R, 0},
    {"neg+abs+sin+leaky_relu", 9 * R, 0, R, 0, R, 0},
    {0},
};

/* ---- convolution 3 -> 4 of 3x3, stride 2, padding 1; batch norm; relu; max pool ---- */
enum {
    I = 2 * 3 * 9 * 10,                 /* the input */
    W = 4 * 3 * 3 * 3,
    N = 2 * 4 * 5 * 5,                  /* (9 + 2 - 3) / 2 + 1 = 5, (10 + 2 - 3) / 2 + 1 = 5 */
    TAPS = 2 * 3 * 5 * 3 * 5 * 3,       /* 5 windows of 3 on both axes */
    PRODUCTS = N * 3 * 3 * 3,
    POOLED = 2 * 4 * 2 * 2,             /* 2 windows of 2 on both axes; one row is left over */
};
static const row convolutions_core[] = {
    {"pad",        0, 0, I, 0, 2 * 3 * 11 * 12, 0},
    {"unfold",     0, 0, 2 * 3 * 11 * 12, 0, 2 * 3 * 15 * 12, 0},
    {"ungroup",    0, 0, 2 * 3 * 15 * 12, 0, 2 * 3 * 15 * 12, 0},
    {"unfold",     0, 0, 2 * 3 * 15 * 11, 0, TAPS, 0}, /* the last of 12 columns is unused */
    {"ungroup",    0, 0, TAPS, 0, TAPS, 0},
    {"ungroup",    0, 0, TAPS, 0, TAPS, 0},   /* the groups of x, of which there is one */
    {"unsqueeze",  0, 0, TAPS, 0, TAPS, 0},
    {"ungroup",    0, 0, W, 0, W, 0},         /* and of the weight */
    {"unsqueeze",  0, 0, W, 0, W, 0},
    {"multiply",   PRODUCTS, 0, TAPS + W, 0, PRODUCTS, 0},
    {"reduce",     PRODUCTS - N, 0, PRODUCTS, 0, N, 0},
    {"squeeze",    0, 0, N, 0, N, 0},
    {"group",      0, 0, N, 0, N, 0},
    {"unsqueeze",  0, 0, 4, 0, 4, 0},
    {"add",        N, 0, N + 4, 0, N, 0},
    /* scale = weight / sqrt(var + eps), shift = bias - mean * scale */
    {"add",        4, 0, 4 + 1, 0, 4, 0},
    {"sqrt",       4, 0, 4, 0, 4, 0},
    {"reciprocal", 4, 0, 4, 0, 4, 0},
    {"multiply",   4, 0, 4 + 4, 0, 4, 0},
    {"multiply",   4, 0, 4 + 4, 0, 4, 0},
    {"neg",        4, 0, 4, 0, 4, 0},
    {"add",        4, 0, 4 + 4, 0, 4, 0},
    {"unsqueeze",  0, 0, 4, 0, 4, 0},
    {"unsqueeze",  0, 0, 4, 0, 4, 0},
    {"multiply",   N, 0, N + 4, 0, N, 0},
    {"add",        N, 0, N + 4, 0, N, 0},
    /* relu(v) = where(v < 0, 0, v) */
    {"less",       N, 0, N + 1, 0, 0, N},
    {"where",      N, 0, N + 1, N, N, 0},
    {"unfold",     0, 0, 2 * 4 * 5 * 4, 0, 2 * 4 * 5 * 4, 0},
    {"ungroup",    0, 0, 2 * 4 * 5 * 4, 0, 2 * 4 * 5 * 4, 0},
    {"unfold",     0, 0, 2 * 4 * 4 * 4, 0, 2 * 4 * 4 * 4, 0},
    {"ungroup",    0, 0, 2 * 4 * 4 * 4, 0, 2 * 4 * 4 * 4, 0},
    {"reduce",     2 * 4 * 4 * 4 - POOLED, 0, 2 * 4 * 4 * 4, 0, POOLED, 0},
    {"squeeze",    0, 0, POOLED, 0, POOLED, 0},
    {0},
};
static const row convolutions_kernel[] = {
    {"conv",       2 * PRODUCTS + N, PRODUCTS, I + W + 4, 0, N, 0},
    {"batch_norm", 2 * N + 7 * 4, 0, N + 4 * 4, 0, N, 0},
    {"relu",       2 * N, 0, N, 0, N, 0},
    {"max_pool",   2 * 4 * 4 * 4 - POOLED, 0, N, 0, POOLED, 0},
    {0},
};
static const row convolutions_fused[] = {
    {"conv",       2 * PRODUCTS + N, PRODUCTS, I + W + 4, 0, N, 0},
    {"batch_norm+relu", 4 * N + 7 * 4, 0, N + 4 * 4, 0, N, 0},
    {"max_pool",   2 * 4 * 4 * 4 - POOLED, 0, N, 0, POOLED, 0},
    {0},
};

/* ---- attention over 2 x 5 tokens of 8 features; q and k have 6, v has 4 ---- */
enum {
    T = 2 * 5,                          /* tokens */
    Y = T * 8,
    Q = T * 6,
    V = T * 4,
    S = 2 * 5 * 5,                      /* scores */
};
#define LINEAR_CORE(in, out)                                                          \
    {"unsqueeze",  0, 0, T * (in), 0, T * (in), 0},                                   \
    {"multiply",   T * (in) * (out), 0, T * (in) + (in) * (out), 0, T * (in) * (out), 0}, \
    {"reduce",     T * (in) * (out) - T * (out), 0, T * (in) * (out), 0, T * (out), 0}, \
    {"squeeze",    0, 0, T * (out), 0, T * (out), 0},                                 \
    {"add",        T * (out), 0, T * (out) + (out), 0, T * (out), 0}
#define LINEAR(in, out)                                                               \
    {"linear",     2 * T * (in) * (out) + T * (out), T * (in) * (out),                \
     T * (in) + (in) * (out) + (out), 0, T * (out), 0}
static const row attention_core[] = {
    /* c = x - mean(x); c / sqrt(mean(c * c) + eps) * weight + bias */
    {"reduce",     Y, 0, Y, 0, T, 0},         /* a mean: elements in */
    {"neg",        T, 0, T, 0, T, 0},
    {"add",        Y, 0, Y + T, 0, Y, 0},
    {"multiply",   Y, 0, Y + Y, 0, Y, 0},
    {"reduce",     Y, 0, Y, 0, T, 0},
    {"add",        T, 0, T + 1, 0, T, 0},
    {"sqrt",       T, 0, T, 0, T, 0},
    {"reciprocal", T, 0, T, 0, T, 0},
    {"multiply",   Y, 0, Y + T, 0, Y, 0},
    {"multiply",   Y, 0, Y + 8, 0, Y, 0},
    {"add",        Y, 0, Y + 8, 0, Y, 0},
    LINEAR_CORE(8, 6),
    {"multiply",   Q, 0, Q + 1, 0, Q, 0},     /* * 0.5 */
    LINEAR_CORE(8, 6),
    {"permute",    0, 0, Q, 0, Q, 0},
    {"unsqueeze",  0, 0, Q, 0, Q, 0},
    {"unsqueeze",  0, 0, Q, 0, Q, 0},
    {"multiply",   S * 6, 0, Q + Q, 0, S * 6, 0},
    {"reduce",     S * 6 - S, 0, S * 6, 0, S, 0},
    {"squeeze",    0, 0, S, 0, S, 0},
    /* e = exp(s - max(s)); e / sum(e) */
    {"reduce",     S - T, 0, S, 0, T, 0},
    {"neg",        T, 0, T, 0, T, 0},
    {"add",        S, 0, S + T, 0, S, 0},
    {"exp",        S, 0, S, 0, S, 0},
    {"reduce",     S - T, 0, S, 0, T, 0},
    {"reciprocal", T, 0, T, 0, T, 0},
    {"multiply",   S, 0, S + T, 0, S, 0},
    LINEAR_CORE(8, 4),
    {"unsqueeze",  0, 0, S, 0, S, 0},
    {"unsqueeze",  0, 0, V, 0, V, 0},
    {"multiply",   S * 4, 0, S + V, 0, S * 4, 0},
    {"reduce",     S * 4 - V, 0, S * 4, 0, V, 0},
    {"squeeze",    0, 0, V, 0, V, 0},
    LINEAR_CORE(4, 8),
    {"add",        Y, 0, Y + Y, 0, Y, 0},
    {0},
};
#define NORM {"layer_norm", 2 * Y + 5 * Y + 4 * T, 0, Y + 16, 0, Y, 0}
/* Two contractions; the scaling, and a softmax: max, neg, add, exp, sum, reciprocal, multiply */
#define ATTENTION                                                                     \
    {"attention",  2 * (S * 6 + S * 4) + Q + (S - T) + T + S + S + (S - T) + T + S,   \
     S * 6 + S * 4, Q + Q + V, 0, V, 0}
static const row attention_kernel[] = {
    NORM, LINEAR(8, 6), LINEAR(8, 6), LINEAR(8, 4), ATTENTION, LINEAR(4, 8),
    {"add",        Y, 0, Y + Y, 0, Y, 0},
    {0},
};

static const hand_model models[] = {
    {"readme_model", {.dtype = TDAG_F32, .rank = 4, .shape = {10, 20, 30, 48}},
     {readme_core, readme_kernel, readme_fused},
     1, 48,
     4 * (1 + 48 + 3),                  /* 0 of abs, 0 and 0.01 of leaky_relu */
     4 * (3 * X + R)},                  /* x, one value to read, one to write; the output */
    {"convolutions", {.dtype = TDAG_F32, .rank = 4, .shape = {2, 3, 9, 10}},
     {convolutions_core, convolutions_kernel, convolutions_fused},
     W + 4 + 4 + 4, 4 + 4 + 1,          /* the count of batches is an i64 */
     4 * (W + 3 * 4 + 2 * 4 + 2) + 8,   /* eps, 0 of relu */
     4 * (I + N + N + POOLED)},
    {"attention", {.dtype = TDAG_F32, .rank = 3, .shape = {2, 5, 8}},
     {attention_core, attention_kernel, attention_kernel}, /* nothing merges */
     16 + 2 * (48 + 6) + (32 + 4) + (32 + 8), 0,
     4 * (16 + 2 * (48 + 6) + (32 + 4) + (32 + 8) + 2), /* eps, 0.5 */
     4 * (Y + Y + Y + Q + Q + V)},      /* while v is made of y, which q and k outlive */
};
/* clang-format on */
#define N_MODELS (sizeof(models) / sizeof(models[0]))

static tdag_model *load(tdag_ctx *ctx, const hand_model *hand)
{
    char path[4096];
    tdag_model *model = NULL;
    const char *folder =
        getenv(hand == models ? "TDAG_TEST_README" : "TDAG_TEST_HAND_MODELS");
    assert_non_null(folder);
    snprintf(path, sizeof(path), "%s/%s.pt", folder, hand->name);
    TEST_OK(ctx, tdag_from_torchscript(ctx, path, &hand->input, 1, NULL, &model));
    return model;
}

static void check(const char *where, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        fail_msg("%s: %s is %lld, by hand %lld", where, what, (long long)got,
                 (long long)want);
}

static int64_t number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    assert_true(cJSON_IsNumber(item));
    return (int64_t)item->valuedouble;
}

static void check_row(const char *where, const cJSON *got, const row *want)
{
    if (strcmp(cJSON_GetObjectItem(got, "op")->valuestring, want->op) != 0)
        fail_msg("%s is not %s", where, want->op);
    check(where, "flops", number(got, "flops"), want->flops);
    check(where, "macs", number(got, "macs"), want->macs);
    check(where, "reads", number(got, "memory_reads"),
          want->read_f32 + want->read_bool);
    check(where, "writes", number(got, "memory_writes"),
          want->write_f32 + want->write_bool);
    check(where, "read bytes", number(got, "read_bytes"),
          4 * want->read_f32 + want->read_bool);
    check(where, "write bytes", number(got, "write_bytes"),
          4 * want->write_f32 + want->write_bool);
}

static void check_nodes(tdag_ctx *ctx, const hand_model *hand, const tdag_model *model,
                        tdag_level level)
{
    const row *want = hand->levels[level - 1];
    char *text = NULL, where[256];
    tdag_info_options options;
    tdag_info_options_init(&options);
    options.level = level;
    options.flags = TDAG_INFO_BY_NODE;
    TEST_OK(ctx, tdag_info_json(ctx, model, &options, &text));
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    const cJSON *got;
    cJSON_ArrayForEach(got, cJSON_GetObjectItem(json, "by_node"))
    {
        snprintf(where, sizeof(where), "%s, level %d, %s (%s)", hand->name, (int)level,
                 cJSON_GetObjectItem(got, "node")->valuestring,
                 cJSON_GetObjectItem(got, "op")->valuestring);
        if (want->op == NULL) fail_msg("%s is one kernel too many", where);
        check_row(where, got, want++);
    }
    if (want->op != NULL)
        fail_msg("%s, level %d: no %s", hand->name, (int)level, want->op);
    cJSON_Delete(json);
    tdag_text_free(ctx, text);
}

static void check_totals(tdag_ctx *ctx, const hand_model *hand, const tdag_model *model,
                         tdag_level level)
{
    tdag_counts want = {0}, got;
    int64_t flops, reads, writes;
    for (const row *r = hand->levels[level - 1]; r->op != NULL; r++) {
        want.nodes++;
        want.flops += r->flops;
        want.macs += r->macs;
        want.memory_reads += r->read_f32 + r->read_bool;
        want.memory_writes += r->write_f32 + r->write_bool;
        want.read_bytes += 4 * r->read_f32 + r->read_bool;
        want.write_bytes += 4 * r->write_f32 + r->write_bool;
    }
    TEST_OK(ctx, tdag_count(ctx, tdag_model_get_graph(model), level, &got));
    TEST_OK(ctx, tdag_total_flops(ctx, model, level, &flops));
    TEST_OK(ctx, tdag_total_memory_reads(ctx, model, level, &reads));
    TEST_OK(ctx, tdag_total_memory_writes(ctx, model, level, &writes));
    check(hand->name, "nodes", got.nodes, want.nodes);
    check(hand->name, "flops", got.flops, want.flops);
    check(hand->name, "macs", got.macs, want.macs);
    check(hand->name, "memory_reads", got.memory_reads, want.memory_reads);
    check(hand->name, "memory_writes", got.memory_writes, want.memory_writes);
    check(hand->name, "read_bytes", got.read_bytes, want.read_bytes);
    check(hand->name, "write_bytes", got.write_bytes, want.write_bytes);
    check(hand->name, "unpriced", got.unpriced, 0);
    check(hand->name, "tdag_total_flops", flops, want.flops);
    check(hand->name, "tdag_total_memory_reads", reads, want.memory_reads);
    check(hand->name, "tdag_total_memory_writes", writes, want.memory_writes);
}

static void test_counts(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < N_MODELS; i++) {
        tdag_model *model = load(ctx, &models[i]);
        for (int level = TDAG_LEVEL_CORE; level <= TDAG_LEVEL_FUSED; level++) {
            check_nodes(ctx, &models[i], model, (tdag_level)level);
            check_totals(ctx, &models[i], model, (tdag_level)level);
        }
        tdag_model_free(model);
    }
    tdag_ctx_free(ctx);
}

static void test_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < N_MODELS; i++) {
        const hand_model *hand = &models[i];
        tdag_model *model = load(ctx, hand);
        int64_t total = 0, peak = 0;
        char *text = NULL;
        TEST_OK(ctx, tdag_total_bytes(ctx, model, &total));
        TEST_OK(ctx, tdag_peak_bytes(ctx, model, &peak));
        TEST_OK(ctx, tdag_info_json(ctx, model, NULL, &text));
        cJSON *json = cJSON_Parse(text);
        const cJSON *totals = cJSON_GetObjectItem(json, "totals");
        check(hand->name, "total_bytes", total, hand->total_bytes);
        check(hand->name, "peak_bytes", peak, hand->peak_bytes);
        check(hand->name, "parameters", number(totals, "parameters"), hand->parameters);
        check(hand->name, "buffers", number(totals, "buffers"), hand->buffers);
        cJSON_Delete(json);
        tdag_text_free(ctx, text);
        tdag_model_free(model);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
