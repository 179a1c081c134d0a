/* Making values, building, saving and running modules through the shim, with a real
 * libtorch. */
#include <math.h>
#include <unistd.h>

#include "torchscript/shim/shim_fixture.h"

static void test_op_run(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_schema *s = a->op_schema(fx.session, "aten::add", "Tensor");
    const tdag_shim_value *x = floats(1, (const int64_t[]){2}, (const float[]){1, 2});
    const tdag_shim_value *args[3] = {x, x, a->make_int(fx.session, 3)}, *out = NULL;
    SHIM_OK(a->op_run(fx.session, s, 3, args, 1, &out, &fx.error));
    assert_true(((const float *)tensor(out).data)[1] == 8);
    SHIM_FAILS(a->op_run(fx.session, s, 2, args, 1, &out, &fx.error),
               "takes 3 arguments");
    args[1] = a->make_string(fx.session, "no tensor");
    SHIM_FAILS(a->op_run(fx.session, s, 3, args, 1, &out, &fx.error), "aten::add");
}

static const tdag_shim_value *meta(uint32_t rank, const int64_t *sizes)
{
    const tdag_shim_tensor_spec spec = {
        .dtype = TDAG_F32, .rank = rank, .sizes = sizes};
    const tdag_shim_value *out = NULL;
    SHIM_OK(fx.api->make_meta(fx.session, &spec, &out, &fx.error));
    return out;
}

/* Shapes of results without elements, and nothing done by who would do something. */
static void test_op_ask(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_schema *s = a->op_schema(fx.session, "aten::add", "Tensor");
    const tdag_shim_value *x = meta(2, (const int64_t[]){1 << 20, 1 << 20});
    const tdag_shim_value *args[7] = {x, x, a->make_int(fx.session, 3)}, *out = NULL;
    SHIM_OK(a->op_ask(fx.session, s, 3, args, 1, &out, &fx.error));
    const tdag_shim_tensor t = tensor(out);
    assert_true(t.dtype == TDAG_F32 && t.rank == 2 && t.sizes[0] == 1 << 20);
    assert_null(t.data);
    assert_false(a->op_is_sized_by_data(s));
    SHIM_FAILS(a->op_ask(fx.session, s, 2, args, 1, &out, &fx.error),
               "takes 3 arguments");
    args[1] = meta(1, (const int64_t[]){3});
    SHIM_FAILS(a->op_ask(fx.session, s, 3, args, 1, &out, &fx.error), "must match");

    s = a->op_schema(fx.session, "aten::nonzero", "");
    assert_true(a->op_is_sized_by_data(s));

    s = a->op_schema(fx.session, "aten::from_file", "");
    for (int i = 0; i < 7; i++)
        args[i] = a->make_none(fx.session);
    args[0] = a->make_string(fx.session, "made");
    args[1] = a->make_bool(fx.session, true);
    args[2] = a->make_int(fx.session, 16);
    SHIM_FAILS(a->op_ask(fx.session, s, 7, args, 1, &out, &fx.error),
               "takes no tensor");
    assert_int_not_equal(access("made", F_OK), 0);

    s = a->op_schema(fx.session, "aten::hann_window", "");
    for (int i = 0; i < 5; i++)
        args[i] = a->make_none(fx.session);
    args[0] = a->make_int(fx.session, INT64_C(1) << 40);
    SHIM_OK(a->op_ask(fx.session, s, 5, args, 1, &out, &fx.error));
    assert_int_equal(tensor(out).count, INT64_C(1) << 40);
}

static void test_run(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *m = load("traced.pt");
    const tdag_shim_tensor want = tensor(attr(m, "y"));
    const tdag_shim_tensor got = tensor(run(m, "forward", attr(m, "x")));
    assert_int_equal(got.count, want.count);
    assert_false(got.requires_grad);
    for (int64_t i = 0; i < got.count; i++)
        assert_true(fabsf(((const float *)got.data)[i] -
                          ((const float *)want.data)[i]) < 1e-5F);

    m = load("walk.pt");
    const tdag_shim_value *x =
        floats(2, (const int64_t[]){1, 3}, (const float[]){1, 0, 0});
    const tdag_shim_value *args[2] = {x, a->make_double(fx.session, 10)}, *y = NULL;
    static const char *const names[2] = {NULL, "scale"};
    SHIM_OK(a->method_run(fx.session, m, "forward", 2, args, names, &y, &fx.error));
    /* ((0,1,2,3)*2 + (0,1,2,3) + 1 + 2 + (0+1+2)) * 10 */
    static const float scaled[4] = {60, 90, 120, 150};
    assert_memory_equal(tensor(y).data, scaled, sizeof scaled);
    y = run(m, "pairs", x);
    assert_int_equal(a->value_size(y), 3);
    const tdag_shim_value *pair = a->value_item(fx.session, y, 0);
    assert_string_equal(a->tuple_field(fx.session, pair, 1), "second");
    assert_int_equal(a->list_kind(a->value_item(fx.session, y, 2)), TDAG_SHIM_TENSOR);

    SHIM_FAILS(a->method_run(fx.session, m, "fail", 1, args, NULL, &y, &fx.error),
               "shape '[7, 11]' is invalid");
    SHIM_FAILS(a->method_run(fx.session, m, "forward", 0, NULL, NULL, &y, &fx.error),
               "missing value for argument 'x'");
}

static void count_release(void *user) { ++*(int *)user; }

static void add_attr(const tdag_shim_value *module, const char *name,
                     tdag_shim_slot slot, const char *type,
                     const tdag_shim_value *value)
{
    SHIM_OK(fx.api->module_add_attr(fx.session, module, name, slot, type, value,
                                    &fx.error));
}

/* A module with a shared parameter on two levels, saved under that path. */
static void build_and_save(const char *path, const tdag_shim_tensor_spec *weight)
{
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *top = NULL, *sub = NULL, *w[2] = {NULL, NULL}, *list = NULL;
    SHIM_OK(a->module_create(fx.session, "__torch__.Exported", &top, &fx.error));
    SHIM_OK(a->module_add_module(fx.session, top, "layer", "__torch__.Exported", &sub,
                                 &fx.error));
    for (int i = 0; i < 2; i++)
        SHIM_OK(a->make_tensor(fx.session, weight, &w[i], &fx.error));
    assert_ptr_equal(a->value_identity(w[0]), a->value_identity(w[1]));
    add_attr(sub, "weight", TDAG_SHIM_SLOT_PARAMETER, NULL, w[0]);
    add_attr(top, "tied", TDAG_SHIM_SLOT_PARAMETER, NULL, w[1]);
    const tdag_shim_value *five = floats(0, NULL, (const float[]){5});
    add_attr(top, "bias", TDAG_SHIM_SLOT_BUFFER, NULL, five);
    const tdag_shim_value *ints[2] = {a->make_int(fx.session, 2),
                                      a->make_int(fx.session, 3)};
    SHIM_OK(a->make_list(fx.session, NULL, 2, ints, &list, &fx.error));
    add_attr(top, "sizes", TDAG_SHIM_SLOT_ATTRIBUTE, NULL, list);
    SHIM_OK(a->make_list(fx.session, "float", 0, NULL, &list, &fx.error));
    add_attr(top, "none", TDAG_SHIM_SLOT_ATTRIBUTE, "Optional[List[float]]",
             a->make_none(fx.session));
    add_attr(top, "floats", TDAG_SHIM_SLOT_ATTRIBUTE, NULL, list);
    SHIM_OK(a->module_define(fx.session, sub,
                             "def forward(self, x: Tensor) -> Tensor:\n"
                             "    return torch.mul(x, self.weight)\n",
                             &fx.error));
    SHIM_OK(a->module_define(
        fx.session, top,
        "def forward(self, x: Tensor) -> Tuple[Tensor, int]:\n"
        "    y = torch.add(self.layer.forward(x), self.bias, alpha=2)\n"
        "    n = ops.aten.size(y, 0)\n"
        "    z = torch.clamp(y, -inf, inf)\n"
        "    return z, n + self.sizes[1]\n",
        &fx.error));
    SHIM_OK(a->module_save(fx.session, top, path, &fx.error));
}

static void test_build(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    char path[] = "/tmp/tdag_shim_XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    static const float data[3] = {1, 2, 3};
    int released = 0;
    const tdag_shim_tensor_spec weight = {.dtype = TDAG_F32,
                                          .rank = 1,
                                          .sizes = (const int64_t[]){3},
                                          .data = data,
                                          .release = count_release,
                                          .user = &released,
                                          .requires_grad = true};
    build_and_save(path, &weight);
    assert_int_equal(released, 1); /* that of the second, equal spec */

    const tdag_shim_value *m = NULL;
    SHIM_OK(a->module_load(fx.session, path, &m, &fx.error));
    unlink(path);
    const tdag_shim_value *w = attr(attr(m, "layer"), "weight");
    assert_ptr_equal(a->value_identity(w), a->value_identity(attr(m, "tied")));
    assert_true(tensor(w).requires_grad);
    assert_int_equal(a->value_kind(attr(m, "none")), TDAG_SHIM_NONE);
    assert_int_equal(a->value_size(attr(m, "sizes")), 2);
    const tdag_shim_value *y =
        run(m, "forward", floats(1, (const int64_t[]){3}, (const float[]){1, 1, 2}));
    static const float want[3] = {11, 12, 16};
    assert_memory_equal(tensor(a->value_item(fx.session, y, 0)).data, want,
                        sizeof want);
    assert_int_equal(a->value_int(a->value_item(fx.session, y, 1)), 6);
    a->session_free(fx.session);
    assert_int_equal(released, 2);
    SHIM_OK(a->session_create(&fx.session, &fx.error));
}

static void test_build_errors(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *m = NULL, *out = NULL, *one = a->make_int(fx.session, 1);
    SHIM_OK(a->module_create(fx.session, "__torch__.Bad", &m, &fx.error));
    SHIM_FAILS(a->module_define(fx.session, m, "def forward(self, x) ->\n", &fx.error),
               "expected");
    SHIM_FAILS(a->module_define(fx.session, m,
                                "def forward(self, x: Tensor) -> Tensor:\n"
                                "    return torch.no_such_operator(x)\n",
                                &fx.error),
               "no_such_operator");
    SHIM_FAILS(a->module_add_attr(fx.session, m, "p", TDAG_SHIM_SLOT_PARAMETER, NULL,
                                  one, &fx.error),
               "ensor");
    add_attr(m, "n", TDAG_SHIM_SLOT_ATTRIBUTE, NULL, one);
    SHIM_FAILS(a->module_add_attr(fx.session, m, "n", TDAG_SHIM_SLOT_ATTRIBUTE, NULL,
                                  one, &fx.error),
               "already");
    SHIM_FAILS(a->module_save(fx.session, m, "/nonexistent/folder/x.pt", &fx.error),
               "nonexistent");
    SHIM_FAILS(a->module_save(fx.session, one, "/dev/null", &fx.error), "no module");
    SHIM_FAILS(a->make_list(fx.session, "str", 1, &one, &out, &fx.error), "not str");
    SHIM_FAILS(a->make_list(fx.session, "NoSuchType", 0, NULL, &out, &fx.error),
               "NoSuchType");
    SHIM_FAILS(a->make_device(fx.session, "toaster", &out, &fx.error), "toaster");
    const tdag_shim_tensor_spec bad = {.dtype = TDAG_DTYPE_NONE};
    SHIM_FAILS(a->make_tensor(fx.session, &bad, &out, &fx.error), "dtype");
    int released = 0;
    const tdag_shim_tensor_spec negative = {.dtype = TDAG_F32,
                                            .rank = 1,
                                            .sizes = (const int64_t[]){-1},
                                            .data = &bad,
                                            .release = count_release,
                                            .user = &released};
    assert_int_equal(a->make_tensor(fx.session, &negative, &out, &fx.error), -1);
    assert_int_equal(released, 0);
    assert_null(out);
}

static void test_make_containers(void **state)
{
    (void)state;
    const tdag_shim_api *a = fx.api;
    const tdag_shim_value *x = floats(1, (const int64_t[]){1}, (const float[]){1});
    const tdag_shim_value *key = a->make_string(fx.session, "k"), *out = NULL;
    SHIM_OK(a->make_dict(fx.session, NULL, NULL, 1, &key, &x, &out, &fx.error));
    assert_string_equal(a->value_type(fx.session, out), "Dict[str, Tensor]");
    SHIM_OK(a->make_tuple(fx.session, 1, &x, &out, &fx.error));
    assert_string_equal(a->value_type(fx.session, out), "Tuple[Tensor]");
    const tdag_shim_value *items[2] = {x, a->make_none(fx.session)};
    SHIM_OK(a->make_list(fx.session, "Optional[Tensor]", 2, items, &out, &fx.error));
    assert_int_equal(a->value_size(out), 2);
    SHIM_OK(a->make_list(fx.session, NULL, 0, NULL, &out, &fx.error));
    assert_string_equal(a->value_type(fx.session, out), "List[Tensor]");
    SHIM_OK(a->make_device(fx.session, "cpu", &out, &fx.error));
    assert_string_equal(a->value_string(fx.session, out, NULL), "cpu");
    a->session_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_op_run),       cmocka_unit_test(test_op_ask),
        cmocka_unit_test(test_run),          cmocka_unit_test(test_build),
        cmocka_unit_test(test_build_errors), cmocka_unit_test(test_make_containers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
