/* One graph with every core op, built, verified, counted, printed, parsed back and run
 * by both engines, with each allocation failing in turn, stopped at every place where
 * the host is asked, and with too little memory allowed. */
#include "support/test.h"

#include <tdagger.h>

#define N_ROWS 2 /* the sample of the symbol N */

static void check(tdag_builder *b, tdag_value v) { tdag_builder_add_output(b, v); }

static void add_movement(tdag_builder *b, tdag_value x, tdag_dim n)
{
    /* x f32[N, 3, 4, 4] */
    check(b, tdag_permute(b, x, TDAG_LIST(1, 0, 3, 2)));
    tdag_value grouped = tdag_group(b, x, TDAG_LIST(1, 1, 2));
    check(b, tdag_ungroup(b, grouped, TDAG_LIST(1, 1, 2), TDAG_LIST(n, 3, 2, 8)));
    tdag_value one = tdag_unsqueeze(b, x, TDAG_LIST(1));
    check(b, tdag_squeeze(b, one, TDAG_LIST(1)));
    check(b, tdag_slice(b, x, TDAG_LIST(0, 1, 0, 2), TDAG_LIST(n, 3, 4, 4)));
    check(b, tdag_select(b, x, 1, 2));
    check(b, tdag_repeat(b, one, TDAG_LIST(1, 3, 1, 1, 1)));
    static const tdag_pad_mode modes[] = {TDAG_PAD_CONSTANT, TDAG_PAD_REFLECT,
                                          TDAG_PAD_REPLICATE, TDAG_PAD_CIRCULAR};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        check(b, tdag_pad(b, x, TDAG_LIST(0, 0, 1, 2), TDAG_LIST(0, 0, 0, 1), modes[i],
                          0.5));
    tdag_list kernel = TDAG_LIST(1, 1, 2, 3);
    tdag_list stride = TDAG_LIST(1, 1, 2, 1);
    check(b, tdag_fold(b, tdag_unfold(b, x, kernel, stride), kernel, stride));
}

static void add_reductions(tdag_builder *b, tdag_value x)
{
    static const tdag_reduction kinds[] = {TDAG_REDUCE_SUM, TDAG_REDUCE_PRODUCT,
                                           TDAG_REDUCE_MIN, TDAG_REDUCE_MAX};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        check(b, tdag_reduce(b, x, kinds[i], TDAG_LIST(1, 3)));
        check(b, tdag_scan(b, x, kinds[i], 2));
    }
    check(b, tdag_reduce(b, x, TDAG_REDUCE_MEAN, TDAG_LIST(2)));
    check(b, tdag_argsort(b, x, 1, true));
}

static void add_elementwise(tdag_builder *b, tdag_value x)
{
    for (int op = TDAG_OP_NEG; op <= TDAG_OP_FLOOR; op++)
        check(b, tdag_unary(b, (tdag_op)op, x));
    check(b, tdag_convert(b, x, TDAG_F16));
    tdag_value y = tdag_add_scalar(b, TDAG_F32, 0.25);
    for (int op = TDAG_OP_ADD; op <= TDAG_OP_EQUAL; op++)
        check(b, tdag_binary(b, (tdag_op)op, x, y));
    check(b, tdag_where(b, tdag_binary(b, TDAG_OP_LESS, x, y), x, y));
}

static void add_indexed(tdag_builder *b, tdag_value x, tdag_dim n)
{
    tdag_value index = tdag_iota(b, n, TDAG_I64);
    check(b, tdag_gather(b, x, index, 0));
    static const tdag_scatter_mode modes[] = {TDAG_SCATTER_SET, TDAG_SCATTER_ADD,
                                              TDAG_SCATTER_MULTIPLY, TDAG_SCATTER_MIN,
                                              TDAG_SCATTER_MAX};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        check(b, tdag_scatter(b, x, index, x, 0, modes[i]));
}

/* A contraction and a softmax, so that raising has something to raise. */
static void add_composites(tdag_builder *b, tdag_value x, tdag_value weight)
{
    tdag_value left = tdag_unsqueeze(b, x, TDAG_LIST(4));
    tdag_value product = tdag_binary(b, TDAG_OP_MULTIPLY, left, weight);
    tdag_value sum = tdag_reduce(b, product, TDAG_REDUCE_SUM, TDAG_LIST(3));
    check(b, tdag_squeeze(b, sum, TDAG_LIST(3)));
    tdag_value most = tdag_reduce(b, x, TDAG_REDUCE_MAX, TDAG_LIST(3));
    tdag_value less = tdag_binary(b, TDAG_OP_ADD, x, tdag_unary(b, TDAG_OP_NEG, most));
    tdag_value e = tdag_unary(b, TDAG_OP_EXP, less);
    tdag_value total = tdag_reduce(b, e, TDAG_REDUCE_SUM, TDAG_LIST(3));
    check(b, tdag_binary(b, TDAG_OP_MULTIPLY, e,
                         tdag_unary(b, TDAG_OP_RECIPROCAL, total)));
}

static tdag_status make_weight(tdag_ctx *ctx, uint32_t rank, tdag_tensor **out)
{
    const int64_t shape[2] = {4, 4};
    tdag_status st = tdag_tensor_create(ctx, TDAG_F32, rank, shape, out);
    if (st != TDAG_OK) return st;
    float *data = tdag_tensor_get_mutable_data(*out);
    for (int64_t i = 0; i < tdag_tensor_get_count(*out); i++)
        data[i] = (float)i / 8.0f;
    return TDAG_OK;
}

static tdag_status build(tdag_ctx *ctx, tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdag_tensor *weight = NULL;
    tdag_status st = tdag_builder_create(ctx, &b);
    if (st == TDAG_OK) st = make_weight(ctx, 2, &weight);
    if (st == TDAG_OK) {
        tdag_dim n = tdag_builder_symbol(b, "N", N_ROWS);
        tdag_value x =
            tdag_add_input(b, "x", TDAG_F32, 4, (const tdag_dim[]){n, 3, 4, 4});
        tdag_builder_set_scope(b, "layer.0");
        tdag_value w = tdag_add_tensor(b, TDAG_OP_PARAMETER, "layer.0.weight", weight);
        tdag_value mean = tdag_add_tensor(b, TDAG_OP_BUFFER, "layer.0.mean", weight);
        check(b, tdag_binary(b, TDAG_OP_ADD, x, mean));
        add_movement(b, x, n);
        add_reductions(b, x);
        add_elementwise(b, x);
        add_indexed(b, x, n);
        add_composites(b, x, w);
        st = tdag_builder_finish(b, out);
    }
    tdag_tensor_free(weight);
    tdag_builder_free(b);
    return st;
}

static tdag_status run(tdag_ctx *ctx, const tdag_graph *graph, tdag_engine engine)
{
    tdag_tensor *outputs[256] = {NULL};
    tdag_tensor *x = NULL;
    const int64_t shape[4] = {N_ROWS, 3, 4, 4};
    tdag_run_options options;
    tdag_run_options_init(&options);
    options.engine = engine;
    assert_in_range(tdag_graph_get_n_outputs(graph), 1, 256);
    tdag_status st = tdag_tensor_create(ctx, TDAG_F32, 4, shape, &x);
    if (st != TDAG_OK) return st;
    float *data = tdag_tensor_get_mutable_data(x);
    for (int i = 0; i < N_ROWS * 48; i++)
        data[i] = (float)(i % 17) / 16.0f;
    st = tdag_graph_run(ctx, graph, &x, 1, &options, outputs);
    for (uint32_t i = 0; i < tdag_graph_get_n_outputs(graph); i++)
        tdag_tensor_free(outputs[i]);
    tdag_tensor_free(x);
    return st;
}

static tdag_status use(tdag_ctx *ctx, const tdag_graph *graph)
{
    static const tdag_level levels[] = {TDAG_LEVEL_CORE, TDAG_LEVEL_KERNEL,
                                        TDAG_LEVEL_FUSED};
    tdag_status st = tdag_verify(ctx, graph);
    for (size_t i = 0; st == TDAG_OK && i < sizeof levels / sizeof levels[0]; i++) {
        tdag_counts counts;
        st = tdag_count(ctx, graph, levels[i], &counts);
    }
    if (st == TDAG_OK) st = run(ctx, graph, TDAG_ENGINE_REFERENCE);
    if (st == TDAG_OK) st = run(ctx, graph, TDAG_ENGINE_NATIVE);
    return st;
}

static tdag_status build_and_use(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_graph *graph = NULL;
    tdag_status st = build(ctx, &graph);
    if (st == TDAG_OK) st = use(ctx, graph);
    tdag_graph_free(graph);
    return st;
}

static tdag_status print_and_parse(tdag_ctx *ctx, void *arg)
{
    (void)arg;
    tdag_graph *graph = NULL, *again = NULL;
    char *text = NULL;
    tdag_status st = build(ctx, &graph);
    if (st == TDAG_OK) st = tdag_graph_print(ctx, graph, TDAG_TEXT_FULL, &text);
    if (st == TDAG_OK) st = tdag_graph_parse(ctx, text, strlen(text), &again);
    if (st == TDAG_OK) assert_true(tdag_graph_equal(graph, again));
    tdag_graph_free(again);
    tdag_text_free(ctx, text);
    tdag_graph_free(graph);
    return st;
}

/* The graph above really has every row of the table, so that a new op is not forgotten.
 */
static void every_op_is_there(void **state)
{
    (void)state;
    static const struct {
        tdag_op op;
        const char *name;
    } rows[] = {
#define TDAG_OP(id, code, name, inputs, definition) {TDAG_OP_##id, name},
#include <tdagger/ops.def>
    };
    tdag_ctx *ctx = test_ctx();
    tdag_graph *graph = NULL;
    TEST_OK(ctx, build(ctx, &graph));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool found = rows[i].op == TDAG_OP_OPAQUE; /* not core: no evaluation */
        for (uint32_t id = 1; id <= tdag_graph_get_n_nodes(graph); id++)
            found |= tdag_graph_get_node(graph, (tdag_value){id}).op == rows[i].op;
        if (!found) fail_msg("no node of op %s", rows[i].name);
    }
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
}

static void building_and_using(void **state)
{
    (void)state;
    test_every_oom(build_and_use, NULL);
}

static void printing_and_parsing(void **state)
{
    (void)state;
    test_every_oom(print_and_parse, NULL);
}

/* ---- the other limits, over the same ---- */

typedef struct questions {
    int64_t asked, until; /* no from then on; 0: never */
} questions;

static bool keep_going(void *user)
{
    questions *q = user;
    q->asked++;
    return q->until == 0 || q->asked < q->until;
}

/* build_and_use() on a heap that must be empty afterwards. */
static tdag_status use_within(const tdag_limits *limits)
{
    test_heap heap = {0};
    tdag_ctx_options o;
    tdag_ctx_options_init(&o);
    o.allocator = (tdag_allocator){test_heap_realloc, &heap};
    o.limits = *limits;
    tdag_ctx *ctx = NULL;
    assert_int_equal(tdag_ctx_create(&o, &ctx), TDAG_OK);
    tdag_status st = build_and_use(ctx, NULL);
    if (st != TDAG_OK) assert_true(tdag_ctx_get_error(ctx)->message[0] != '\0');
    tdag_ctx_free(ctx);
    assert_int_equal(heap.live_blocks, 0);
    assert_int_equal(heap.live_bytes, 0);
    return st;
}

static void stopping(void **state)
{
    (void)state;
    questions q = {0, 0};
    const tdag_limits limits = {.keep_going = keep_going, .keep_going_user = &q};
    assert_int_equal(use_within(&limits), TDAG_OK);
    const int64_t all = q.asked;
    assert_true(all > 100); /* every kernel of two runs */
    for (int64_t i = 1; i <= all; i++) {
        q = (questions){0, i};
        assert_int_equal(use_within(&limits), TDAG_E_STOPPED);
    }
}

static void metering(void **state)
{
    (void)state;
    tdag_limits limits = {.max_memory = 4096};
    int n_refused = 0;
    while (use_within(&limits) == TDAG_E_NOMEM) {
        limits.max_memory += limits.max_memory / 8;
        n_refused++;
    }
    assert_true(n_refused > 10);
    assert_true(limits.max_memory < 1 << 20);
    assert_int_equal(use_within(&limits), TDAG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_is_there),
        cmocka_unit_test(building_and_using),
        cmocka_unit_test(printing_and_parsing),
        cmocka_unit_test(stopping),
        cmocka_unit_test(metering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
