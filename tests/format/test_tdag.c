/* .tdag files: what is saved comes back equal, equal models make equal bytes, tensors
 * are stored once, and no allocation that fails leaks or harms. */
#include <unistd.h>

#include <tdagger.h>

#include "format/safetensors.h"
#include "support/random_graph.h"
#include "support/test.h"

static char folder[64], path[96], again[96];

static tdag_model *model_of(tdag_ctx *ctx, tdag_graph *g)
{
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_graph_free(g);
    return m;
}

static tdag_model *load(tdag_ctx *ctx, const char *file)
{
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_load(ctx, file, NULL, &m));
    TEST_OK(ctx, tdag_verify(ctx, tdag_model_get_graph(m)));
    return m;
}

static char *bytes_of(const char *file, size_t *size_out)
{
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    rewind(f);
    char *bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, f), size);
    bytes[size] = '\0';
    fclose(f);
    *size_out = (size_t)size;
    return bytes;
}

static void expect_same_bytes(const char *a, const char *b)
{
    size_t n, m;
    char *x = bytes_of(a, &n), *y = bytes_of(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

/* Saves, loads, compares, saves again. */
static void round_trip(tdag_ctx *ctx, tdag_graph *g)
{
    tdag_model *m = model_of(ctx, tdag_graph_copy(g));
    TEST_OK(ctx, tdag_save(ctx, m, path, NULL));
    tdag_model *back = load(ctx, path);
    assert_true(tdag_graph_equal(g, tdag_model_get_graph(back)));
    assert_string_equal(tdag_model_get_input_structure(m),
                        tdag_model_get_input_structure(back));
    assert_string_equal(tdag_model_get_output_structure(m),
                        tdag_model_get_output_structure(back));
    TEST_OK(ctx, tdag_save(ctx, back, again, NULL));
    expect_same_bytes(path, again);
    tdag_model_free(back);
    tdag_model_free(m);
}

/* The reader that follows docs/formats.md alone, where Python is there. */
static void read_by_others(void)
{
    char command[4096];
    const char *reader = getenv("TDAG_READER");
    if (reader == NULL || *reader == '\0') return;
    snprintf(command, sizeof command, "%s %s >/dev/null", reader, path);
    if (system(command) != 0) fail_msg("the other reader finds fault");
}

static void test_random_graphs(void **state)
{
    (void)state;
    uint64_t n = rg_n_seeds(300, 1000);
    for (uint64_t seed = 1; seed <= n; seed++) {
        tdag_ctx *ctx = test_ctx();
        tdag_graph *g = rg_graph(ctx, &(rg_options){.seed = seed, .symbols = seed % 2});
        round_trip(ctx, g);
        if (seed % 30 == 0) read_by_others();
        tdag_graph_free(g);
        tdag_ctx_free(ctx);
    }
}

/* Every dtype with special values, rank 0, no elements, odd names, weights that nothing
 * uses, specs with numbers that JSON lacks. */
static tdag_graph *special_graph(tdag_ctx *ctx)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    rg_random r = rg_seeded(7);
    const int64_t shape[2] = {3, 5}, none[3] = {2, 0, 4};
    static const tdag_dtype dtypes[] = {TDAG_F64, TDAG_F32, TDAG_F16, TDAG_BF16,
                                        TDAG_I64, TDAG_I32, TDAG_I16, TDAG_I8,
                                        TDAG_U8,  TDAG_BOOL};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        for (uint32_t rank = 0; rank <= 3; rank++) {
            tdag_tensor *t = rg_tensor(ctx, &r, dtypes[i], rank == 1 ? 2 : rank,
                                       rank == 3 ? none : shape, true);
            tdag_op op = (tdag_op)(TDAG_OP_PARAMETER + rank % 3);
            tdag_value v = tdag_add_tensor(b, op, "w.weight", t);
            tdag_tensor_free(t);
            tdag_builder_add_output(b, v);
        }
    tdag_dim n = tdag_builder_symbol(b, "N", 3);
    tdag_builder_symbol(b, "unused", 9);
    tdag_builder_set_scope(b, "a.b");
    tdag_builder_set_scope(b, "layer \"1\"\n\xE2\x82\xAC");
    tdag_dim dims[2] = {tdag_dim_add(b, tdag_dim_mul(b, n, n), 1),
                        tdag_dim_floordiv(b, tdag_dim_add(b, n, 5), 2)};
    tdag_value x = tdag_add_input(b, "__metadata__", TDAG_F64, 2, dims);
    static const double values[] = {-0.0, 1e300, 0.1};
    for (size_t i = 0; i < 3; i++)
        x = tdag_pad(b, x, TDAG_LIST(1, 0), TDAG_LIST(0, 2), TDAG_PAD_CONSTANT,
                     values[i]);
    uint64_t bits = UINT64_C(0xfff8000000000123);
    double nan;
    memcpy(&nan, &bits, 8);
    x = tdag_pad(b, x, TDAG_LIST(1, 0), TDAG_LIST(0, 2), TDAG_PAD_CONSTANT, nan);
    x = tdag_pad(b, x, TDAG_LIST(1, 0), TDAG_LIST(0, 2), TDAG_PAD_CONSTANT, -1 / 0.0);
    tdag_builder_add_output(b, x);
    tdag_tensor *t = rg_tensor(ctx, &r, TDAG_F32, 2, shape, true);
    tdag_add_tensor(b, TDAG_OP_PARAMETER, "__metadata__", t);
    tdag_add_tensor(b, TDAG_OP_BUFFER, "__padding__.0", t);
    tdag_tensor_free(t);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

static void test_special(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g = special_graph(ctx);
    round_trip(ctx, g);
    read_by_others();
    tdag_graph_free(g);
    tdag_ctx_free(ctx);
}

/* ---- storage ---- */

static tdag_tensor *filled(tdag_ctx *ctx, int64_t n, float value, float last)
{
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 1, &n, &t));
    float *data = tdag_tensor_get_mutable_data(t);
    for (int64_t i = 0; i < n; i++)
        data[i] = i == n - 1 ? last : value;
    return t;
}

static void test_storage(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_tensor *shared = filled(ctx, 1000, 1, 2), *equal = filled(ctx, 1000, 1, 2);
    tdag_tensor *ones = filled(ctx, 100000, 1, 1), *odd = filled(ctx, 7, 0, 1);
    tdag_add_tensor(b, TDAG_OP_PARAMETER, "first", shared);
    tdag_add_tensor(b, TDAG_OP_PARAMETER, "tied", shared);
    tdag_add_tensor(b, TDAG_OP_PARAMETER, "like", equal);
    tdag_add_tensor(b, TDAG_OP_CONSTANT, "c1", equal);
    tdag_add_tensor(b, TDAG_OP_CONSTANT, "c2", shared);
    tdag_add_tensor(b, TDAG_OP_CONSTANT, "ones", ones);
    tdag_add_tensor(b, TDAG_OP_BUFFER, "odd", odd);
    tdag_builder_add_output(b, tdag_add_tensor(b, TDAG_OP_BUFFER, "odd2", odd));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    round_trip(ctx, g);
    tdag_graph_free(g);
    tdag_tensor_free(shared);
    tdag_tensor_free(equal);
    tdag_tensor_free(ones);
    tdag_tensor_free(odd);

    /* `tied` is stored as `first`; equal constants once; `ones` not at all */
    tdag_named_tensors stored = {0};
    static const char *const want[] = {"first", "like", "c1", "odd"};
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &stored));
    uint32_t found = 0;
    for (uint32_t i = 0; i < stored.n; i++) {
        assert_int_equal((uintptr_t)tdag_tensor_get_data(stored.tensors[i]) % 64 == 0 ||
                             strncmp(stored.names[i], "__padding__", 11) == 0,
                         1);
        if (strncmp(stored.names[i], "__padding__", 11) == 0) continue;
        assert_true(found < 4);
        assert_string_equal(stored.names[i], want[found++]);
    }
    assert_int_equal(found, 4);
    tdag_tensors_free(&stored);

    /* what was shared is shared again, and mapped */
    tdag_model *m = load(ctx, path);
    const tdag_graph *back = tdag_model_get_graph(m);
    const void *data[2];
    static const char *const names[2] = {"first", "tied"};
    for (int i = 0; i < 2; i++) {
        tdag_value v = tdag_graph_find(back, names[i]);
        data[i] = tdag_tensor_get_data(tdag_graph_get_node(back, v).tensor);
    }
    assert_ptr_equal(data[0], data[1]);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* Without fillers only what is a multiple of 64 bytes long is aligned. */
static void test_packed(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_save_options o;
    tdag_save_options_init(&o);
    o.flags = TDAG_SAVE_PACKED;
    tdag_model *m = model_of(ctx, special_graph(ctx));
    TEST_OK(ctx, tdag_save(ctx, m, path, &o));
    tdag_named_tensors stored = {0};
    TEST_OK(ctx, tdag_tensors_load(ctx, path, &stored));
    for (uint32_t i = 0; i < stored.n; i++)
        assert_true(strncmp(stored.names[i], TDAGI_SAFETENSORS_PADDING, 12) != 0);
    tdag_tensors_free(&stored);
    tdag_model *back = load(ctx, path);
    assert_true(tdag_graph_equal(tdag_model_get_graph(m), tdag_model_get_graph(back)));
    tdag_model_free(back);
    o.flags = 2;
    assert_int_equal(tdag_save(ctx, m, path, &o), TDAG_E_ARG);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* The weights live in the mapping, or in memory if that is asked for; both outlive
 * everything else, and a copy also outlives the file. */
static void test_lifetime(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags <= TDAG_LOAD_COPY; flags++) {
        tdag_ctx *ctx = test_ctx();
        tdag_graph *g = special_graph(ctx);
        tdag_model *m = model_of(ctx, tdag_graph_copy(g)), *back = NULL;
        tdag_load_options o;
        tdag_load_options_init(&o);
        o.flags = flags;
        TEST_OK(ctx, tdag_save(ctx, m, path, NULL));
        TEST_OK(ctx, tdag_load(ctx, path, &o, &back));
        if (flags == TDAG_LOAD_COPY)
            assert_int_equal(truncate(path, 0), 0);
        else
            assert_int_equal(unlink(path), 0);
        tdag_graph *kept = tdag_graph_copy(tdag_model_get_graph(back));
        tdag_model_free(back);
        tdag_model_free(m);
        tdag_ctx_free(ctx);
        assert_true(tdag_graph_equal(g, kept));
        tdag_graph_free(kept);
        tdag_graph_free(g);
    }
}

/* ---- running out of memory ---- */

static tdag_status save_and_load(tdag_ctx *ctx, void *arg)
{
    tdag_model *back = NULL;
    tdag_status st = tdag_save(ctx, arg, path, NULL);
    if (st == TDAG_OK) st = tdag_load(ctx, path, NULL, &back);
    tdag_model_free(back);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = model_of(ctx, special_graph(ctx));
    test_every_oom(save_and_load, m);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* ---- hashes ---- */

static void hash(tdag_ctx *ctx, const tdag_graph *g, tdag_hash_kind kind, char out[65])
{
    TEST_OK(ctx, tdag_graph_get_hash(ctx, g, kind, out));
    assert_int_equal(strlen(out), 64);
}

/* relu(x * w + b) twice, in scopes s1 and s2; `order` swaps independent leaves, `eps`
 * is the constant, `weight` the weights. */
static tdag_graph *two_blocks(tdag_ctx *ctx, bool order, double eps, float weight)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_value x =
        tdag_add_input(b, order ? "x" : "y", TDAG_F32, 1, (const tdag_dim[]){100});
    tdag_tensor *t = filled(ctx, 100, weight, 0);
    tdag_value c = tdag_add_scalar(b, TDAG_F32, eps); /* shared, of no scope */
    for (int i = 0; i < 2; i++) {
        tdag_builder_set_scope(b, i == 0 ? "s1" : "s2.inner");
        tdag_value v[2];
        for (int k = 0; k < 2; k++)
            v[(k ^ order) & 1] = tdag_add_tensor(b, TDAG_OP_PARAMETER, "p", t);
        x = tdag_binary(b, TDAG_OP_MULTIPLY, x, v[0]);
        x = tdag_binary(b, TDAG_OP_ADD, x, v[1]);
        x = tdag_binary(b, TDAG_OP_ADD, x, c);
    }
    tdag_tensor_free(t);
    tdag_builder_add_output(b, x);
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    tdag_builder_free(b);
    return g;
}

static void test_hashes(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_graph *g[4] = {two_blocks(ctx, false, 1, 2), two_blocks(ctx, true, 1, 2),
                        two_blocks(ctx, false, 1.5, 2), two_blocks(ctx, false, 1, 3)};
    char s[4][65], c[4][65], m[3][65];
    for (int i = 0; i < 4; i++) {
        hash(ctx, g[i], TDAG_HASH_STRUCTURE, s[i]);
        hash(ctx, g[i], TDAG_HASH_CONTENT, c[i]);
        assert_string_not_equal(s[i], c[i]);
    }
    assert_string_equal(s[0], s[1]); /* names and order do not count */
    assert_string_equal(c[0], c[1]);
    assert_string_not_equal(s[0], s[2]); /* a small constant does */
    assert_string_equal(s[0], s[3]);     /* weights do in the content alone */
    assert_string_not_equal(c[0], c[3]);
    static const char *const scopes[] = {"s1", "s2", "s2.inner"};
    for (int i = 0; i < 3; i++)
        TEST_OK(ctx, tdag_graph_get_module_hash(ctx, g[0], scopes[i],
                                                TDAG_HASH_STRUCTURE, m[i]));
    assert_string_equal(m[0], m[1]); /* two blocks of the same structure */
    assert_string_equal(m[0], m[2]);
    assert_int_equal(
        tdag_graph_get_module_hash(ctx, g[0], "s", TDAG_HASH_STRUCTURE, m[0]),
        TDAG_E_ARG);
    for (int i = 0; i < 4; i++)
        tdag_graph_free(g[i]);
    tdag_ctx_free(ctx);
}

/* ---- */

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tdag-file-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/a.tdag", folder);
    snprintf(again, sizeof again, "%s/b.tdag", folder);
    return 0;
}

/* Nothing but the two files may be left. */
static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(again);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_graphs), cmocka_unit_test(test_special),
        cmocka_unit_test(test_storage),       cmocka_unit_test(test_packed),
        cmocka_unit_test(test_lifetime),      cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_hashes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
