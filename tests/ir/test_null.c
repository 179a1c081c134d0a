/* What every exported function (the list TDAG_TEST_EXPORTS) makes of NULL: those that
 * can fail are E_ARG and name the argument, the others do nothing or answer 0. */
#include <tdagger/axis.h>
#include <tdagger/compare.h>
#include <tdagger/compose.h>
#include <tdagger/control.h>
#include <tdagger/coreml.h>
#include <tdagger/count.h>
#include <tdagger/file.h>
#include <tdagger/open.h>
#include <tdagger/ops.h>
#include <tdagger/program.h>
#include <tdagger/pt2.h>
#include <tdagger/run.h>
#include <tdagger/simplify.h>
#include <tdagger/symbol.h>
#include <tdagger/torch.h>

#include "support/test.h"

#define MOST 400

static char exported[MOST][64];
static bool is_seen[MOST];
static size_t n_exported;

static tdag_ctx *ctx;
static tdag_graph *graph;
static tdag_model *model;
static tdag_tensor *tensor;

static void see(const char *name)
{
    for (size_t i = 0; i < n_exported; i++)
        if (strcmp(exported[i], name) == 0) {
            is_seen[i] = true;
            return;
        }
    fail_msg("%s is not exported", name);
}

/* NULL for the argument of that name, whose sentence names it. */
#define FAILS(name, function, ...)                                                     \
    do {                                                                               \
        see(#function);                                                                \
        assert_int_equal(function(ctx, __VA_ARGS__), TDAG_E_ARG);                      \
        assert_string_equal(tdag_ctx_get_error(ctx)->message,                          \
                            "the argument " name " is NULL");                          \
        assert_int_equal(function(NULL, __VA_ARGS__), TDAG_E_ARG);                     \
    } while (0)
/* All else is there, but there is no context. */
#define FAILS_ALONE(function, ...)                                                     \
    assert_int_equal(function(NULL, __VA_ARGS__), TDAG_E_ARG)
/* An answer that is 0, TDAG_NO_VALUE or NULL. */
#define ANSWERS(function, answer)                                                      \
    do {                                                                               \
        see(#function);                                                                \
        assert_true(answer);                                                           \
    } while (0)
#define DOES_NOTHING(function, ...)                                                    \
    do {                                                                               \
        see(#function);                                                                \
        function(__VA_ARGS__);                                                         \
    } while (0)

static void test_contexts(void **state)
{
    (void)state;
    see("tdag_ctx_create");
    assert_int_equal(tdag_ctx_create(NULL, NULL), TDAG_E_ARG);
    DOES_NOTHING(tdag_ctx_free, NULL);
    ANSWERS(tdag_ctx_get_error, tdag_ctx_get_error(NULL)->status == TDAG_E_ARG);
    assert_non_null(strstr(tdag_ctx_get_error(NULL)->message, "ctx"));
    ANSWERS(tdag_status_text, tdag_status_text((tdag_status)9999) != NULL);
    DOES_NOTHING(tdag_text_free, ctx, NULL);
    DOES_NOTHING(tdag_input_spec_free, ctx, NULL);
}

static void test_tensors(void **state)
{
    (void)state;
    tdag_tensor *t = NULL;
    tdag_named_tensors named = {0};
    char byte = 0;
    FAILS("out", tdag_tensor_create, TDAG_F32, 0, NULL, NULL);
    FAILS_ALONE(tdag_tensor_create, TDAG_F32, 0, NULL, &t);
    assert_int_equal(tdag_tensor_create(ctx, TDAG_F32, 1, NULL, &t), TDAG_E_ARG);
    FAILS("out", tdag_tensor_wrap, TDAG_BOOL, 0, NULL, &byte, NULL, NULL, NULL);
    FAILS_ALONE(tdag_tensor_wrap, TDAG_BOOL, 0, NULL, &byte, NULL, NULL, &t);
    assert_int_equal(tdag_tensor_wrap(ctx, TDAG_BOOL, 0, NULL, NULL, NULL, NULL, &t),
                     TDAG_E_ARG);
    ANSWERS(tdag_tensor_copy, tdag_tensor_copy(NULL) == NULL);
    DOES_NOTHING(tdag_tensor_free, NULL);
    ANSWERS(tdag_tensor_get_dtype, tdag_tensor_get_dtype(NULL) == TDAG_DTYPE_NONE);
    ANSWERS(tdag_tensor_get_rank, tdag_tensor_get_rank(NULL) == 0);
    ANSWERS(tdag_tensor_get_shape, tdag_tensor_get_shape(NULL) == NULL);
    ANSWERS(tdag_tensor_get_count, tdag_tensor_get_count(NULL) == 0);
    ANSWERS(tdag_tensor_get_size, tdag_tensor_get_size(NULL) == 0);
    ANSWERS(tdag_tensor_get_data, tdag_tensor_get_data(NULL) == NULL);
    ANSWERS(tdag_tensor_get_mutable_data, tdag_tensor_get_mutable_data(NULL) == NULL);
    ANSWERS(tdag_dtype_name, tdag_dtype_name((tdag_dtype)999) != NULL);
    ANSWERS(tdag_dtype_size, tdag_dtype_size((tdag_dtype)999) == 0);
    ANSWERS(tdag_dtype_from_name, tdag_dtype_from_name(NULL) == TDAG_DTYPE_NONE);
    ANSWERS(tdag_dtype_is_float, !tdag_dtype_is_float((tdag_dtype)999));
    FAILS("path", tdag_tensors_load, NULL, &named);
    FAILS("out", tdag_tensors_load, "x", NULL);
    FAILS("path", tdag_tensors_save, NULL, &named);
    FAILS("tensors", tdag_tensors_save, "x", NULL);
    DOES_NOTHING(tdag_tensors_free, NULL);
    DOES_NOTHING(tdag_tensors_free, &named);
}

static void test_builders(void **state)
{
    (void)state;
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    const tdag_value x = {1};
    FAILS("out", tdag_builder_create, NULL);
    FAILS_ALONE(tdag_builder_create, &b);
    DOES_NOTHING(tdag_builder_free, NULL);
    ANSWERS(tdag_builder_get_status, tdag_builder_get_status(NULL) == TDAG_E_ARG);
    ANSWERS(tdag_builder_symbol, tdag_builder_symbol(NULL, "N", 2) == 0);
    ANSWERS(tdag_dim_add, tdag_dim_add(NULL, 1, 2) == 0);
    ANSWERS(tdag_dim_sub, tdag_dim_sub(NULL, 1, 2) == 0);
    ANSWERS(tdag_dim_mul, tdag_dim_mul(NULL, 1, 2) == 0);
    ANSWERS(tdag_dim_floordiv, tdag_dim_floordiv(NULL, 1, 2) == 0);
    ANSWERS(tdag_dim_max, tdag_dim_max(NULL, 1, 2) == 0);
    ANSWERS(tdag_dim_min, tdag_dim_min(NULL, 1, 2) == 0);
    DOES_NOTHING(tdag_builder_set_scope, NULL, "a");
    DOES_NOTHING(tdag_builder_set_name, NULL, x, "a");
    DOES_NOTHING(tdag_builder_add_output, NULL, x);
    ANSWERS(tdag_builder_get_rank, tdag_builder_get_rank(NULL, x) == 0);
    ANSWERS(tdag_builder_get_shape, tdag_builder_get_shape(NULL, x) == NULL);
    ANSWERS(tdag_builder_get_dtype, tdag_builder_get_dtype(NULL, x) == TDAG_DTYPE_NONE);
    see("tdag_builder_finish");
    assert_int_equal(tdag_builder_finish(NULL, &g), TDAG_E_ARG);
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    assert_int_equal(tdag_builder_finish(b, NULL), TDAG_E_ARG);
    assert_int_equal(tdag_add_input(b, "x", TDAG_F32, 1, NULL).id, 0);
    assert_int_equal(tdag_builder_get_status(b), TDAG_E_ARG);
    tdag_builder_free(b);
}

#define MAKES_NONE(function, ...) ANSWERS(function, function(NULL, __VA_ARGS__).id == 0)

static void test_nodes(void **state)
{
    (void)state;
    const tdag_value x = {1};
    const tdag_list none = {0, NULL};
    MAKES_NONE(tdag_add_input, "x", TDAG_F32, 0, NULL);
    MAKES_NONE(tdag_add_tensor, TDAG_OP_CONSTANT, NULL, tensor);
    MAKES_NONE(tdag_add_scalar, TDAG_F32, 1);
    MAKES_NONE(tdag_add_node, TDAG_OP_NEG, NULL, 0, &x, 1);
    MAKES_NONE(tdag_unary, TDAG_OP_NEG, x);
    MAKES_NONE(tdag_binary, TDAG_OP_ADD, x, x);
    MAKES_NONE(tdag_permute, x, none);
    MAKES_NONE(tdag_group, x, none);
    MAKES_NONE(tdag_ungroup, x, none, none);
    MAKES_NONE(tdag_squeeze, x, none);
    MAKES_NONE(tdag_unsqueeze, x, none);
    MAKES_NONE(tdag_slice, x, none, none);
    MAKES_NONE(tdag_pad, x, none, none, TDAG_PAD_CONSTANT, 0);
    MAKES_NONE(tdag_select, x, 0, 0);
    MAKES_NONE(tdag_repeat, x, none);
    MAKES_NONE(tdag_unfold, x, none, none);
    MAKES_NONE(tdag_fold, x, none, none);
    MAKES_NONE(tdag_reduce, x, TDAG_REDUCE_SUM, none);
    MAKES_NONE(tdag_scan, x, TDAG_REDUCE_SUM, 0);
    MAKES_NONE(tdag_argsort, x, 0, false);
    MAKES_NONE(tdag_convert, x, TDAG_F32);
    MAKES_NONE(tdag_where, x, x, x);
    MAKES_NONE(tdag_gather, x, x, 0);
    MAKES_NONE(tdag_scatter, x, x, x, 0, TDAG_SCATTER_ADD);
    MAKES_NONE(tdag_iota, 3, TDAG_I64);
    ANSWERS(tdag_op_name, tdag_op_name((tdag_op)9999) != NULL);
    ANSWERS(tdag_op_from_name, tdag_op_from_name(NULL) == TDAG_OP_NONE);
    FAILS("out", tdag_ops_markdown, NULL);
    FAILS("out", tdag_torch_operators_markdown, NULL);
}

static void test_graph_getters(void **state)
{
    (void)state;
    char text[8] = "before";
    const tdag_value first = {1}, beyond = {1000};
    ANSWERS(tdag_graph_copy, tdag_graph_copy(NULL) == NULL);
    DOES_NOTHING(tdag_graph_free, NULL);
    ANSWERS(tdag_graph_get_n_nodes, tdag_graph_get_n_nodes(NULL) == 0);
    ANSWERS(tdag_graph_get_n_inputs, tdag_graph_get_n_inputs(NULL) == 0);
    ANSWERS(tdag_graph_get_n_outputs, tdag_graph_get_n_outputs(NULL) == 0);
    ANSWERS(tdag_graph_get_input, tdag_graph_get_input(NULL, 0).id == 0);
    ANSWERS(tdag_graph_get_output, tdag_graph_get_output(NULL, 0).id == 0);
    assert_int_equal(tdag_graph_get_input(graph, 1000).id, 0);
    assert_int_equal(tdag_graph_get_output(graph, 1000).id, 0);
    ANSWERS(tdag_graph_get_node, tdag_graph_get_node(NULL, first).op == TDAG_OP_NONE);
    assert_int_equal(tdag_graph_get_node(graph, beyond).op, TDAG_OP_NONE);
    assert_int_equal(tdag_graph_get_node(graph, TDAG_NO_VALUE).op, TDAG_OP_NONE);
    ANSWERS(tdag_graph_find, tdag_graph_find(NULL, "x").id == 0);
    assert_int_equal(tdag_graph_find(graph, NULL).id, 0);
    ANSWERS(tdag_graph_dim_sample, tdag_graph_dim_sample(NULL, 3) == 0);
    ANSWERS(tdag_graph_dim_text, tdag_graph_dim_text(NULL, 3, text, 8) == 0);
    assert_string_equal(text, "");
    ANSWERS(tdag_graph_get_n_symbols, tdag_graph_get_n_symbols(NULL) == 0);
    ANSWERS(tdag_graph_get_symbol, tdag_graph_get_symbol(NULL, 0, NULL) == NULL);
    assert_null(tdag_graph_get_symbol(graph, 1000, NULL));
    ANSWERS(tdag_graph_equal, !tdag_graph_equal(NULL, graph));
    assert_false(tdag_graph_equal(graph, NULL));
    DOES_NOTHING(tdag_model_free, NULL);
    ANSWERS(tdag_model_get_graph, tdag_model_get_graph(NULL) == NULL);
    ANSWERS(tdag_model_get_input_structure,
            tdag_model_get_input_structure(NULL) == NULL);
    ANSWERS(tdag_model_get_output_structure,
            tdag_model_get_output_structure(NULL) == NULL);
    ANSWERS(tdag_model_get_metadata, tdag_model_get_metadata(NULL, "a") == NULL);
    ANSWERS(tdag_model_get_metadata_key, tdag_model_get_metadata_key(NULL, 0) == NULL);
    DOES_NOTHING(tdag_cuts_free, NULL);
    DOES_NOTHING(tdag_differences_free, NULL);
    DOES_NOTHING(tdag_pairs_free, NULL);
}

static void test_graphs(void **state)
{
    (void)state;
    tdag_graph *g = NULL;
    char *text = NULL, hash[TDAG_HASH_SIZE];
    tdag_counts counts;
    tdag_tensor *result = NULL;
    tdag_differences differences;
    FAILS("graph", tdag_verify, NULL);
    FAILS_ALONE(tdag_verify, graph);
    FAILS("graph", tdag_graph_print, NULL, 0, &text);
    FAILS("out", tdag_graph_print, graph, 0, NULL);
    FAILS("graph", tdag_graph_print_raised, NULL, &text);
    FAILS("out", tdag_graph_print_raised, graph, NULL);
    FAILS("text", tdag_graph_parse, NULL, 0, &g);
    FAILS("out", tdag_graph_parse, "", 0, NULL);
    FAILS("graph", tdag_count, NULL, TDAG_LEVEL_CORE, &counts);
    FAILS("out", tdag_count, graph, TDAG_LEVEL_CORE, NULL);
    FAILS("graph", tdag_graph_get_hash, NULL, TDAG_HASH_STRUCTURE, hash);
    FAILS("out", tdag_graph_get_hash, graph, TDAG_HASH_STRUCTURE, NULL);
    FAILS("graph", tdag_graph_get_module_hash, NULL, "", TDAG_HASH_STRUCTURE, hash);
    FAILS("scope", tdag_graph_get_module_hash, graph, NULL, TDAG_HASH_STRUCTURE, hash);
    FAILS("out", tdag_graph_get_module_hash, graph, "", TDAG_HASH_STRUCTURE, NULL);
    FAILS("graph", tdag_graph_run, NULL, &tensor, 1, NULL, &result);
    FAILS("outputs", tdag_graph_run, graph, &tensor, 1, NULL, NULL);
    FAILS("inputs", tdag_graph_run, graph, NULL, 1, NULL, &result);
    FAILS("graph", tdag_graph_add_dim, NULL, "N", NULL, &g);
    FAILS("dim", tdag_graph_add_dim, graph, NULL, NULL, &g);
    FAILS("out", tdag_graph_add_dim, graph, "N", NULL, NULL);
    FAILS("graph", tdag_graph_remove_dim, NULL, "N", NULL, &g);
    FAILS("dim", tdag_graph_remove_dim, graph, NULL, NULL, &g);
    FAILS("out", tdag_graph_remove_dim, graph, "N", NULL, NULL);
    FAILS("graph", tdag_graph_simplify, NULL, NULL, &g);
    FAILS("out", tdag_graph_simplify, graph, NULL, NULL);
    FAILS("graph", tdag_graph_substitute, NULL, NULL, 0, &g);
    FAILS("assignments", tdag_graph_substitute, graph, NULL, 1, &g);
    FAILS("out", tdag_graph_substitute, graph, NULL, 0, NULL);
    FAILS("a", tdag_graph_diff, NULL, graph, &differences);
    FAILS("b", tdag_graph_diff, graph, NULL, &differences);
    FAILS("out", tdag_graph_diff, graph, graph, NULL);
}

static void test_counts(void **state)
{
    (void)state;
    int64_t number;
    char *text = NULL;
    FAILS("model", tdag_total_flops, NULL, TDAG_LEVEL_CORE, &number);
    FAILS("out", tdag_total_flops, model, TDAG_LEVEL_CORE, NULL);
    FAILS("model", tdag_total_memory_reads, NULL, TDAG_LEVEL_CORE, &number);
    FAILS("out", tdag_total_memory_reads, model, TDAG_LEVEL_CORE, NULL);
    FAILS("model", tdag_total_memory_writes, NULL, TDAG_LEVEL_CORE, &number);
    FAILS("out", tdag_total_memory_writes, model, TDAG_LEVEL_CORE, NULL);
    FAILS("model", tdag_total_bytes, NULL, &number);
    FAILS("out", tdag_total_bytes, model, NULL);
    FAILS("model", tdag_peak_bytes, NULL, &number);
    FAILS("out", tdag_peak_bytes, model, NULL);
    tdag_counts counts;
    FAILS("model", tdag_count_method, NULL, NULL, &counts);
    FAILS("out", tdag_count_method, model, NULL, NULL);
    FAILS("model", tdag_count_formula, NULL, NULL, TDAG_COUNTER_FLOPS, &text);
    FAILS("out", tdag_count_formula, model, NULL, TDAG_COUNTER_FLOPS, NULL);
    FAILS("model", tdag_info_json, NULL, NULL, &text);
    FAILS("out", tdag_info_json, model, NULL, NULL);
}

static void test_models(void **state)
{
    static const char *const names[] = {"forward"}, *const no_names[] = {NULL};
    (void)state;
    tdag_model *m = NULL;
    tdag_tensor *result = NULL;
    tdag_differences differences;
    tdag_pairs pairs;
    FAILS("graph", tdag_model_create, NULL, &m);
    FAILS("out", tdag_model_create, graph, NULL);
    FAILS_ALONE(tdag_model_create, graph, &m);
    FAILS("model", tdag_run, NULL, &tensor, 1, NULL, &result);
    FAILS("outputs", tdag_run, model, &tensor, 1, NULL, NULL);
    FAILS("inputs", tdag_run, model, NULL, 1, NULL, &result);
    tdag_state *remembered = NULL;
    FAILS("model", tdag_state_create, NULL, &remembered);
    FAILS("out", tdag_state_create, model, NULL);
    FAILS_ALONE(tdag_state_create, model, &remembered);
    FAILS("state", tdag_state_set, NULL, "x", tensor);
    DOES_NOTHING(tdag_state_free, NULL);
    ANSWERS(tdag_state_get_n, tdag_state_get_n(NULL) == 0);
    ANSWERS(tdag_state_get_name, tdag_state_get_name(NULL, 0) == NULL);
    ANSWERS(tdag_state_get, tdag_state_get(NULL, 0) == NULL);
    FAILS("model", tdag_save, NULL, "x", NULL);
    FAILS("path", tdag_save, model, NULL, NULL);
    FAILS("path", tdag_load, NULL, NULL, &m);
    FAILS("out", tdag_load, "x", NULL, NULL);
    FAILS("model", tdag_add_dim, NULL, "N", NULL, &m);
    FAILS("dim", tdag_add_dim, model, NULL, NULL, &m);
    FAILS("out", tdag_add_dim, model, "N", NULL, NULL);
    FAILS("model", tdag_remove_dim, NULL, "N", NULL, &m);
    FAILS("dim", tdag_remove_dim, model, NULL, NULL, &m);
    FAILS("out", tdag_remove_dim, model, "N", NULL, NULL);
    FAILS("model", tdag_simplify, NULL, NULL, &m);
    FAILS("out", tdag_simplify, model, NULL, NULL);
    FAILS("model", tdag_fix, NULL, "x", tensor, &m);
    FAILS("name", tdag_fix, model, NULL, tensor, &m);
    FAILS("out", tdag_fix, model, "x", tensor, NULL);
    FAILS("model", tdag_inline, NULL, &m);
    FAILS("out", tdag_inline, model, NULL);
    FAILS("model", tdag_unroll, NULL, NULL, &m);
    FAILS("out", tdag_unroll, model, NULL, NULL);
    FAILS("model", tdag_roll, NULL, &m);
    FAILS("out", tdag_roll, model, NULL);
    FAILS("model", tdag_keep, NULL, names, 1, &m);
    FAILS("names", tdag_keep, model, NULL, 1, &m);
    FAILS("names", tdag_keep, model, NULL, 0, &m);
    FAILS("a name", tdag_keep, model, no_names, 1, &m);
    FAILS("out", tdag_keep, model, names, 1, NULL);
    FAILS("model", tdag_substitute, NULL, NULL, 0, &m);
    FAILS("out", tdag_substitute, model, NULL, 0, NULL);
    FAILS("a", tdag_diff, NULL, model, &differences);
    FAILS("b", tdag_diff, model, NULL, &differences);
    FAILS("out", tdag_diff, model, model, NULL);
    FAILS("a", tdag_pair_values, NULL, model, &pairs);
    FAILS("b", tdag_pair_values, model, NULL, &pairs);
    FAILS("out", tdag_pair_values, model, model, NULL);
}

static void test_cutting(void **state)
{
    (void)state;
    tdag_model *m = NULL;
    uint32_t n = 0;
    tdag_cuts cuts;
    const tdag_model *parts[] = {model, NULL};
    const char *modules[] = {"a"};
    FAILS("model", tdag_extract, NULL, NULL, &m);
    FAILS("out", tdag_extract, model, NULL, NULL);
    FAILS("model", tdag_split, NULL, modules, 1, &m, &n);
    FAILS("modules", tdag_split, model, NULL, 1, &m, &n);
    FAILS("out", tdag_split, model, modules, 1, NULL, &n);
    FAILS("n_out", tdag_split, model, modules, 1, &m, NULL);
    FAILS("model", tdag_suggest_cuts, NULL, 3, &cuts);
    FAILS("out", tdag_suggest_cuts, model, 3, NULL);
    FAILS("parts", tdag_compose, NULL, 1, NULL, &m);
    FAILS("out", tdag_compose, parts, 1, NULL, NULL);
    assert_int_equal(tdag_compose(ctx, parts, 2, NULL, &m), TDAG_E_ARG);
    FAILS("model", tdag_replace, NULL, NULL, model, &m);
    FAILS("replacement", tdag_replace, model, NULL, NULL, &m);
    FAILS("out", tdag_replace, model, NULL, model, NULL);
}

static void test_torch(void **state)
{
    (void)state;
    tdag_model *m = NULL;
    tdag_input_spec spec;
    char *storage = NULL;
    tdag_named_tensors named;
    FAILS("text", tdag_input_spec_parse, NULL, &spec, &storage);
    FAILS("out", tdag_input_spec_parse, "f32", NULL, &storage);
    FAILS("storage_out", tdag_input_spec_parse, "f32", &spec, NULL);
    FAILS("path", tdag_from_torchscript, NULL, &spec, 1, NULL, &m);
    FAILS("inputs", tdag_from_torchscript, "x", NULL, 1, NULL, &m);
    FAILS("out", tdag_from_torchscript, "x", &spec, 1, NULL, NULL);
    FAILS("model", tdag_to_torchscript, NULL, "x", NULL);
    FAILS("path", tdag_to_torchscript, model, NULL, NULL);
    FAILS("path", tdag_from_pt2, NULL, &spec, 1, NULL, &m);
    FAILS("inputs", tdag_from_pt2, "x", NULL, 1, NULL, &m);
    FAILS("out", tdag_from_pt2, "x", &spec, 1, NULL, NULL);
    FAILS("model", tdag_to_pt2, NULL, "x", NULL);
    FAILS("path", tdag_to_pt2, model, NULL, NULL);
    FAILS("path", tdag_from_coreml, NULL, &spec, 1, NULL, &m);
    FAILS("inputs", tdag_from_coreml, "x", NULL, 1, NULL, &m);
    FAILS("out", tdag_from_coreml, "x", &spec, 1, NULL, NULL);
    FAILS("model", tdag_to_coreml, NULL, "x", NULL);
    FAILS("path", tdag_to_coreml, model, NULL, NULL);
    tdag_file_kind kind;
    const tdag_bytes bytes = {.data = "x", .size = 1}, no_data = {.size = 1};
    FAILS("path", tdag_file_get_kind, NULL, &kind);
    FAILS("out", tdag_file_get_kind, "x", NULL);
    FAILS("path", tdag_open, NULL, &spec, 1, NULL, &m);
    FAILS("inputs", tdag_open, "x", NULL, 1, NULL, &m);
    FAILS("out", tdag_open, "x", &spec, 1, NULL, NULL);
    FAILS("bytes", tdag_open_memory, NULL, &spec, 1, NULL, &m);
    FAILS("bytes->data", tdag_open_memory, &no_data, &spec, 1, NULL, &m);
    FAILS("inputs", tdag_open_memory, &bytes, NULL, 1, NULL, &m);
    FAILS("out", tdag_open_memory, &bytes, &spec, 1, NULL, NULL);
    tdag_torch_module *module = NULL;
    FAILS("path", tdag_torch_load_operators, NULL, NULL);
    FAILS("path", tdag_torch_module_open, NULL, NULL, &module);
    FAILS("out", tdag_torch_module_open, "x", NULL, NULL);
    see("tdag_torch_module_run");
    FAILS_ALONE(tdag_torch_module_run, NULL, NULL, 0, NULL, &named);
    see("tdag_torch_module_free");
    tdag_torch_module_free(NULL);
    FAILS("path", tdag_run_torchscript, NULL, &tensor, NULL, 1, NULL, &named);
    FAILS("out", tdag_run_torchscript, "x", &tensor, NULL, 1, NULL, NULL);
}

static void test_programs(void **state)
{
    (void)state;
    tdag_model *m = NULL;
    char *text = NULL, buf[8];
    tdag_model_builder *b = NULL;
    const tdag_vars none = {0, NULL};
    const tdag_var_types no_types = {0, NULL};
    FAILS("model", tdag_model_verify, NULL);
    FAILS_ALONE(tdag_model_verify, model);
    FAILS("model", tdag_model_print, NULL, 0, &text);
    FAILS("out", tdag_model_print, model, 0, NULL);
    FAILS("text", tdag_model_parse, NULL, 0, &m);
    FAILS("out", tdag_model_parse, "", 0, NULL);
    FAILS("out", tdag_model_builder_create, NULL);
    FAILS_ALONE(tdag_model_builder_create, &b);
    see("tdag_model_builder_get_status");
    assert_int_equal(tdag_model_builder_get_status(NULL), TDAG_E_ARG);
    see("tdag_model_builder_finish");
    assert_int_equal(tdag_model_builder_finish(NULL, &m), TDAG_E_ARG);
    DOES_NOTHING(tdag_model_builder_free, NULL);
    ANSWERS(tdag_model_add_graph, tdag_model_add_graph(NULL, NULL, NULL) == 0);
    ANSWERS(tdag_model_add_state, tdag_model_add_state(NULL, NULL, NULL, NULL) == 0);
    DOES_NOTHING(tdag_method_begin, NULL, NULL);
    DOES_NOTHING(tdag_method_end, NULL, NULL, NULL);
    ANSWERS(tdag_method_symbol, tdag_method_symbol(NULL, NULL, 0) == TDAG_NO_DIM);
    ANSWERS(tdag_method_found, tdag_method_found(NULL, NULL, 0, 0) == TDAG_NO_DIM);
    ANSWERS(tdag_method_dim, tdag_method_dim(NULL, NULL) == TDAG_NO_DIM);
    ANSWERS(tdag_method_add_input, tdag_method_add_input(NULL, NULL, NULL).id == 0);
    DOES_NOTHING(tdag_method_set_name, NULL, TDAG_NO_VAR, NULL);
    DOES_NOTHING(tdag_program_call, NULL, 0, none, NULL);
    DOES_NOTHING(tdag_program_give, NULL, NULL, TDAG_NO_VAR, 0);
    ANSWERS(tdag_program_read, tdag_program_read(NULL, 0, NULL).id == 0);
    DOES_NOTHING(tdag_program_write, NULL, 0, TDAG_NO_VAR);
    ANSWERS(tdag_program_draw,
            tdag_program_draw(NULL, TDAG_DRAW_NORMAL, none, NULL).id == 0);
    DOES_NOTHING(tdag_program_apply, NULL, NULL, NULL, none, no_types, NULL);
    DOES_NOTHING(tdag_program_check, NULL, TDAG_NO_VAR, NULL);
    DOES_NOTHING(tdag_program_return, NULL, none);
    DOES_NOTHING(tdag_program_begin_if, NULL, TDAG_NO_VAR);
    DOES_NOTHING(tdag_program_else, NULL, none);
    DOES_NOTHING(tdag_program_end_if, NULL, none, no_types, NULL);
    DOES_NOTHING(tdag_program_begin_loop, NULL, TDAG_NO_VAR, TDAG_NO_VAR, none, NULL,
                 NULL);
    DOES_NOTHING(tdag_program_end_loop, NULL, none, no_types, NULL);
    ANSWERS(tdag_method_dim_text, tdag_method_dim_text(NULL, 0, buf, sizeof buf) == 0);
}

static void test_program_readers(void **state)
{
    (void)state;
    char hash[TDAG_HASH_SIZE];
    tdag_model_differences differences;
    FAILS("model", tdag_model_get_hash, NULL, TDAG_HASH_STRUCTURE, hash);
    FAILS("out", tdag_model_get_hash, model, TDAG_HASH_STRUCTURE, NULL);
    FAILS("a", tdag_model_diff, NULL, model, &differences);
    FAILS("b", tdag_model_diff, model, NULL, &differences);
    FAILS("out", tdag_model_diff, model, model, NULL);
    DOES_NOTHING(tdag_model_differences_free, NULL);
    ANSWERS(tdag_model_get_n_graphs, tdag_model_get_n_graphs(NULL) == 0);
    ANSWERS(tdag_model_get_graph_name, tdag_model_get_graph_name(NULL, 0) == NULL);
    ANSWERS(tdag_model_get_graph_at, tdag_model_get_graph_at(NULL, 0) == NULL);
    ANSWERS(tdag_model_get_n_states, tdag_model_get_n_states(NULL) == 0);
    ANSWERS(tdag_model_get_state_name, tdag_model_get_state_name(NULL, 0) == NULL);
    ANSWERS(tdag_model_get_state_initial,
            tdag_model_get_state_initial(NULL, 0) == NULL);
    ANSWERS(tdag_model_get_state_symbol,
            tdag_model_get_state_symbol(NULL, 0, 0) == NULL);
    ANSWERS(tdag_model_find_graph, tdag_model_find_graph(NULL, "") == TDAG_NO_INDEX);
    ANSWERS(tdag_model_find_state, tdag_model_find_state(model, NULL) == TDAG_NO_INDEX);
    ANSWERS(tdag_model_get_n_methods, tdag_model_get_n_methods(NULL) == 0);
    ANSWERS(tdag_model_get_method, tdag_model_get_method(NULL, 0) == NULL);
    ANSWERS(tdag_model_find_method, tdag_model_find_method(model, NULL) == NULL);
    ANSWERS(tdag_method_get_name, tdag_method_get_name(NULL) == NULL);
    ANSWERS(tdag_method_get_input_structure,
            tdag_method_get_input_structure(NULL) == NULL);
    ANSWERS(tdag_method_get_output_structure,
            tdag_method_get_output_structure(NULL) == NULL);
    ANSWERS(tdag_method_get_body, tdag_method_get_body(NULL) == NULL);
    ANSWERS(tdag_method_get_n_vars, tdag_method_get_n_vars(NULL) == 0);
    ANSWERS(tdag_method_get_type, tdag_method_get_type(NULL, TDAG_NO_VAR).dtype == 0);
    ANSWERS(tdag_method_get_var_name,
            tdag_method_get_var_name(NULL, TDAG_NO_VAR) == NULL);
    ANSWERS(tdag_method_dim_sample, tdag_method_dim_sample(NULL, 4) == 0);
    ANSWERS(tdag_block_get, tdag_block_get(NULL).first == NULL);
    ANSWERS(tdag_statement_get, tdag_statement_get(NULL).kind == TDAG_STATEMENT_NONE);
    ANSWERS(tdag_statement_get_next, tdag_statement_get_next(NULL) == NULL);
    ANSWERS(tdag_statement_get_block, tdag_statement_get_block(NULL, 0) == NULL);
    ANSWERS(tdag_statement_get_binding,
            tdag_statement_get_binding(NULL, 0).symbol == TDAG_NO_DIM);
}

/* The last test: none was forgotten. */
static void test_all_seen(void **state)
{
    (void)state;
    uint32_t n_missing = 0;
    for (size_t i = 0; i < n_exported; i++)
        if (!is_seen[i]) {
            print_message("%s has no case here\n", exported[i]);
            n_missing++;
        }
    assert_int_equal(n_missing, 0);
}

static int setup(void **state)
{
    (void)state;
    static const char text[] = "tdag 1\nx: f32[2] = input\nv2: f32[2] = neg(x)\n"
                               "return v2\n";
    const char *path = getenv("TDAG_TEST_EXPORTS");
    FILE *f = path == NULL ? NULL : fopen(path, "r");
    if (f == NULL) return -1;
    while (n_exported < MOST && fscanf(f, "%63s", exported[n_exported]) == 1)
        n_exported++;
    fclose(f);
    ctx = test_ctx();
    const int64_t shape[] = {2};
    if (tdag_tensor_create(ctx, TDAG_F32, 1, shape, &tensor) != TDAG_OK) return -1;
    TEST_OK(ctx, tdag_graph_parse(ctx, text, strlen(text), &graph));
    return tdag_model_create(ctx, graph, &model) == TDAG_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tdag_tensor_free(tensor);
    tdag_model_free(model);
    tdag_graph_free(graph);
    tdag_ctx_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contexts),      cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_builders),      cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_graph_getters), cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_counts),        cmocka_unit_test(test_models),
        cmocka_unit_test(test_cutting),       cmocka_unit_test(test_torch),
        cmocka_unit_test(test_programs),      cmocka_unit_test(test_program_readers),
        cmocka_unit_test(test_all_seen),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
