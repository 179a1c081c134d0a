/* Reading through the shim, with a real libtorch: files, values, tensors, graphs. */
#include "torchscript/shim/shim_fixture.h"

static void test_version(void **state)
{
    (void)state;
    assert_int_equal(fx.api->abi, TDAG_SHIM_ABI);
    assert_int_equal(atoi(fx.api->torch_version), fx.api->torch_major);
    SHIM_OK(fx.api->set_threads(1, &fx.error));
    assert_int_equal(fx.api->get_threads(), 1);
    SHIM_FAILS(fx.api->set_threads(0, &fx.error), "at least 1");
    assert_int_equal(fx.api->set_threads(0, NULL), -1);
}

static void test_load_errors(void **state)
{
    (void)state;
    static const struct {
        const char *file, *words;
    } cases[] = {
        {"missing.pt", "No such file"},        {"text.pt", "as TorchScript: "},
        {"empty.pt", "as TorchScript: "},      {"truncated.pt", "as TorchScript: "},
        {"state_dict.pt", "as TorchScript: "}, {".", "as TorchScript: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const tdag_shim_value *module = NULL;
        SHIM_FAILS(fx.api->module_load(fx.session, model_path(cases[i].file), &module,
                                       &fx.error),
                   cases[i].words);
        assert_non_null(strstr(fx.error.message, cases[i].file));
        assert_null(module);
    }
}

static void test_attributes(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *m = load("walk.pt");
    assert_int_equal(a->value_kind(m), TDAG_SHIM_OBJECT);
    assert_true(a->object_is_module(m));
    assert_string_equal(a->value_type(fx.session, m), "__torch__.Walk");
    assert_false(a->value_bool(attr(m, "training"))); /* saved in training mode */
    assert_false(a->value_bool(attr(attr(attr(m, "inner"), "drop"), "training")));
    assert_int_equal(a->value_int(attr(m, "whole")), 7);
    assert_true(a->value_double(attr(m, "real")) == 0.5);
    assert_true(a->value_bool(attr(m, "flag")));
    size_t length = 0;
    assert_string_equal(a->value_string(fx.session, attr(m, "text"), &length), "text");
    assert_int_equal(length, 4);
    assert_int_equal(a->value_kind(attr(m, "maybe")), TDAG_SHIM_NONE);
    assert_null(a->object_attr(fx.session, m, "no such name"));

    const tdag_shim_value *names = attr(m, "names");
    assert_int_equal(a->value_kind(names), TDAG_SHIM_LIST);
    assert_int_equal(a->list_kind(names), TDAG_SHIM_STRING);
    assert_int_equal(a->value_size(names), 2);
    const tdag_shim_value *b = a->value_item(fx.session, names, 1);
    assert_string_equal(a->value_string(fx.session, b, NULL), "b");
    assert_null(a->value_item(fx.session, names, 2));
    assert_int_equal(a->value_size(attr(m, "empty")), 0);
    assert_int_equal(a->list_kind(attr(m, "empty")), TDAG_SHIM_DOUBLE);

    const tdag_shim_value *table = attr(m, "table");
    assert_int_equal(a->value_kind(table), TDAG_SHIM_DICT);
    const tdag_shim_value *key = a->dict_key(fx.session, table, 1);
    assert_string_equal(a->value_string(fx.session, key, NULL), "two");
    assert_int_equal(a->value_int(a->value_item(fx.session, table, 1)), 2);
    const tdag_shim_value *pair = attr(m, "pair");
    assert_int_equal(a->value_kind(pair), TDAG_SHIM_TUPLE);
    assert_null(a->tuple_field(fx.session, pair, 0));
    assert_true(a->value_double(a->value_item(fx.session, pair, 1)) == 4.5);
    assert_int_equal(a->value_int(pair), 0); /* another kind: zero, no crash */
    assert_int_equal(a->value_size(attr(m, "whole")), 0);
}

static void test_slots(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *m = load("walk.pt");
    const size_t n = a->value_size(m);
    int counts[4] = {0};
    for (size_t i = 0; i < n; i++) {
        const char *name = a->object_attr_name(fx.session, m, i);
        const tdag_shim_slot slot = a->object_attr_slot(m, i);
        counts[slot]++;
        if (strcmp(name, "offset") == 0) assert_int_equal(slot, TDAG_SHIM_SLOT_BUFFER);
        if (strcmp(name, "tied") == 0) assert_int_equal(slot, TDAG_SHIM_SLOT_PARAMETER);
        assert_non_null(a->value_item(fx.session, m, i));
    }
    assert_int_equal(counts[TDAG_SHIM_SLOT_PARAMETER], 1);
    assert_int_equal(counts[TDAG_SHIM_SLOT_BUFFER], 1);
    assert_int_equal(counts[TDAG_SHIM_SLOT_MODULE], 2);
    assert_string_equal(a->object_attr_name(fx.session, m, n), "");
    /* One object has one identity; PyTorch's scripting makes two of a shared submodule,
     * whose parameters stay shared. */
    assert_ptr_equal(a->value_identity(attr(m, "inner")),
                     a->value_identity(attr(m, "inner")));
    assert_ptr_not_equal(a->value_identity(m), a->value_identity(attr(m, "inner")));
    const tdag_shim_value *weight = attr(attr(m, "inner"), "weight");
    assert_ptr_equal(a->value_identity(weight), a->value_identity(attr(m, "tied")));
    assert_ptr_equal(tensor(weight).storage, tensor(attr(m, "tied")).storage);
    bool found = false;
    for (size_t i = 0; i < a->object_n_methods(m); i++)
        found |= strcmp(a->object_method_name(fx.session, m, i), "pairs") == 0;
    assert_true(found);
}

static void test_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        tdag_dtype dtype;
    } cases[] = {{"v_float64", TDAG_F64},
                 {"v_float32", TDAG_F32},
                 {"v_float16", TDAG_F16},
                 {"v_bfloat16", TDAG_BF16},
                 {"v_int64", TDAG_I64},
                 {"v_int32", TDAG_I32},
                 {"v_int16", TDAG_I16},
                 {"v_int8", TDAG_I8},
                 {"v_uint8", TDAG_U8},
                 {"v_bool", TDAG_BOOL},
                 {"v_complex64", TDAG_DTYPE_NONE}};
    const tdag_shim_value *m = load("dtypes.pt");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const tdag_shim_tensor t = tensor(attr(m, cases[i].name));
        assert_int_equal(t.dtype, cases[i].dtype);
        assert_int_equal(t.rank, 1);
        assert_int_equal(t.sizes[0], 4);
        assert_int_equal(t.count, 4);
        assert_true(t.is_contiguous && t.is_cpu && t.is_dense && !t.is_quantized);
        assert_non_null(t.data);
    }
    assert_true(tensor(attr(m, "v_complex64")).is_complex);
    assert_string_equal(tensor(attr(m, "v_complex64")).dtype_name, "ComplexFloat");
    assert_int_equal(((const uint8_t *)tensor(attr(m, "v_bool")).data)[1], 0);
    assert_int_equal(((const int64_t *)tensor(attr(m, "v_int64")).data)[3], 1);
    assert_int_equal(tensor(attr(m, "scalar")).rank, 0);
    assert_int_equal(tensor(attr(m, "nothing")).count, 0);
    assert_null(tensor(attr(m, "nothing")).data);
    assert_true(tensor(attr(m, "quantized")).is_quantized);
    const tdag_shim_value *out = NULL;
    SHIM_FAILS(
        fx.api->tensor_contiguous(fx.session, attr(m, "quantized"), &out, &fx.error),
        "quantized");
    tdag_shim_tensor t;
    SHIM_FAILS(fx.api->tensor_get(m, &t, &fx.error), "is no tensor");
}

static void test_contiguous(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *m = load("dtypes.pt");
    const tdag_shim_value *turned = attr(m, "turned"), *out = NULL;
    assert_false(tensor(turned).is_contiguous);
    assert_int_equal(tensor(turned).strides[0], 1);
    SHIM_OK(a->tensor_contiguous(fx.session, turned, &out, &fx.error));
    static const float want[6] = {0, 3, 1, 4, 2, 5};
    assert_memory_equal(tensor(out).data, want, sizeof want);
    assert_ptr_not_equal(tensor(out).storage, tensor(turned).storage);

    const tdag_shim_value *tail = attr(m, "tail");
    SHIM_OK(a->tensor_contiguous(fx.session, tail, &out, &fx.error));
    assert_ptr_equal(out, tail); /* nothing to copy */
    const tdag_shim_tensor t = tensor(tail);
    assert_ptr_equal((const float *)t.storage + t.storage_offset, t.data);
    assert_true(t.storage_size >= 16);

    /* As a tensor of the library, it outlives the session. */
    void *owner = a->tensor_retain(tail);
    assert_non_null(owner);
    tdag_tensor *wrapped = NULL;
    union {
        const void *in;
        void *out;
    } data = {t.data};
    TEST_OK(fx.ctx, tdag_tensor_wrap(fx.ctx, t.dtype, t.rank, t.sizes, data.out,
                                     a->tensor_release, owner, &wrapped));
    a->session_free(fx.session);
    SHIM_OK(a->session_create(&fx.session, &fx.error));
    assert_true(((const float *)tdag_tensor_get_data(wrapped))[0] == 2.0F);
    tdag_tensor_free(wrapped);
}

/* The first node of that kind in the block, sub-blocks not searched. */
static const tdag_shim_node *find(const tdag_shim_block *block, const char *kind)
{
    const tdag_shim_node *node = fx.api->block_first(block);
    while (node != NULL && strcmp(fx.api->node_kind(node), kind) != 0)
        node = fx.api->node_next(node);
    if (node == NULL) fail_msg("no %s", kind);
    return node;
}

static const tdag_shim_block *body(const tdag_shim_value *module, const char *method)
{
    const tdag_shim_graph *graph = NULL;
    SHIM_OK(fx.api->method_graph(fx.session, module, method, &graph, &fx.error));
    return fx.api->graph_block(graph);
}

static void test_graph(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *m = load("walk.pt");
    const tdag_shim_block *b = body(m, "forward");
    assert_int_equal(a->block_n_inputs(b), 4);
    assert_string_equal(a->var_type(fx.session, a->block_input(b, 0)),
                        "__torch__.Walk");
    assert_string_equal(a->var_name(fx.session, a->block_input(b, 1)), "x.1");
    assert_string_equal(a->var_type(fx.session, a->block_input(b, 1)), "Tensor");
    assert_string_equal(a->var_type(fx.session, a->block_input(b, 3)),
                        "Optional[float]");
    assert_int_equal(a->block_n_outputs(b), 1);
    assert_null(a->block_input(b, 4));

    const tdag_shim_node *get = find(b, "prim::GetAttr");
    const tdag_shim_value *name = a->node_attr(fx.session, get, "name");
    assert_string_equal(a->value_string(fx.session, name, NULL), "inner");
    assert_string_equal(a->node_attr_name(get, 0), "name");
    assert_null(a->node_attr(fx.session, get, "other"));
    assert_null(a->node_schema(fx.session, get));
    assert_ptr_equal(a->var_node(a->node_output(get, 0)), get);
    assert_int_equal(a->var_id(a->node_input(get, 0)), a->var_id(a->block_input(b, 0)));

    const tdag_shim_node *loop = find(b, "prim::Loop");
    assert_int_equal(a->node_n_blocks(loop), 1);
    assert_int_equal(a->block_n_inputs(a->node_block(loop, 0)), 2);
    assert_int_equal(a->block_n_outputs(a->node_block(loop, 0)), 2);
    assert_int_equal(a->node_n_blocks(find(b, "prim::If")), 2);
    assert_null(a->block_first(a->node_block(find(b, "prim::If"), 1)));

    const tdag_shim_node *add =
        find(a->node_block(find(b, "prim::If"), 0), "aten::add");
    const tdag_shim_value *one = a->var_constant(fx.session, a->node_input(add, 1));
    assert_int_equal(a->value_kind(one), TDAG_SHIM_INT);
    assert_int_equal(a->value_int(one), 1);
    assert_null(a->var_constant(fx.session, a->node_input(add, 0)));
    tdag_shim_source source;
    a->node_source(fx.session, add, &source);
    assert_non_null(strstr(source.location, "make_shim_models.py:"));
    assert_string_equal(source.text, "y = torch.add(y, 1, alpha=2)");
    const tdag_shim_graph *graph = NULL;
    SHIM_FAILS(a->method_graph(fx.session, m, "nope", &graph, &fx.error), "no method");
    SHIM_FAILS(a->method_graph(fx.session, one, "forward", &graph, &fx.error),
               "is no object");
}

static void test_call_function(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_block *b = body(load("walk.pt"), "forward");
    const tdag_shim_node *call = find(b, "prim::CallFunction");
    const tdag_shim_graph *graph = NULL;
    const char *name = NULL;
    SHIM_OK(
        a->var_function(fx.session, a->node_input(call, 0), &graph, &name, &fx.error));
    assert_string_equal(name, "twice");
    assert_int_equal(a->block_n_inputs(a->graph_block(graph)), 2);
    find(a->graph_block(graph), "aten::mul");
    assert_null(a->var_constant(fx.session, a->node_input(call, 0)));
    SHIM_FAILS(
        a->var_function(fx.session, a->node_input(call, 1), &graph, &name, &fx.error),
        "is no function");
    const tdag_shim_node *pair =
        find(body(load("walk.pt"), "pairs"), "prim::TupleConstruct");
    const tdag_shim_var *out = a->node_output(pair, 0);
    assert_string_equal(a->var_tuple_field(fx.session, out, 1), "second");
    assert_null(a->var_tuple_field(fx.session, out, 2));
}

static void test_schemas(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_schema *s = a->op_schema(fx.session, "aten::add", "Tensor");
    assert_non_null(s);
    assert_string_equal(a->schema_name(s), "aten::add");
    assert_string_equal(a->schema_overload(s), "Tensor");
    assert_int_equal(a->schema_n_args(s), 3);
    assert_int_equal(a->schema_n_results(s), 1);
    assert_false(a->schema_is_vararg(s));
    tdag_shim_arg arg;
    a->schema_arg(fx.session, s, 2, &arg);
    assert_string_equal(arg.name, "alpha");
    assert_true(arg.kwarg_only && arg.has_default && !arg.is_written);
    assert_int_equal(a->value_int(arg.default_value), 1);
    a->schema_arg(fx.session, s, 3, &arg);
    assert_string_equal(arg.name, "");
    a->schema_result(fx.session, s, 0, &arg);
    assert_string_equal(arg.type, "Tensor");
    s = a->op_schema(fx.session, "aten::relu_", "");
    a->schema_arg(fx.session, s, 0, &arg);
    assert_true(arg.is_written);
    assert_null(a->op_schema(fx.session, "aten::no_such_operator", ""));
    assert_null(a->op_schema(fx.session, "no colons", ""));
    assert_int_equal(a->op_n_overloads("aten::no_such_operator"), 0);
    assert_true(a->op_n_overloads("aten::add") > 5);
    assert_non_null(a->op_overload(fx.session, "aten::add", 0));
    /* One of the two lines lacks it, so that exporters can ask. */
    s = a->op_schema(fx.session, "aten::scaled_dot_product_attention", "");
    assert_int_equal(s != NULL, fx.api->torch_major >= 2);

    SHIM_OK(a->method_schema(fx.session, load("walk.pt"), "forward", &s, &fx.error));
    assert_int_equal(a->schema_n_args(s), 4);
    a->schema_arg(fx.session, s, 2, &arg);
    assert_string_equal(arg.name, "n");
    assert_string_equal(arg.type, "int");
    assert_int_equal(a->value_int(arg.default_value), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),    cmocka_unit_test(test_load_errors),
        cmocka_unit_test(test_attributes), cmocka_unit_test(test_slots),
        cmocka_unit_test(test_tensors),    cmocka_unit_test(test_contiguous),
        cmocka_unit_test(test_graph),      cmocka_unit_test(test_call_function),
        cmocka_unit_test(test_schemas),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
