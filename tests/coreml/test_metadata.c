/* Author, license and the like: from and to Core ML's descriptions, in .tdag files, and
 * through transforms. */
#include <tdagger.h>

#include "coreml/made.h"
#include "coreml/package/metadata.h"
#include "ir/graph.h"
#include "support/test.h"

static const char text[] =
    "tdag 1\nsymbols N=2\nx: f32[N,3] = input\ny: f32[N,3] = add(x, x)\n"
    "return y\n";

static tdag_model *make_model(tdag_ctx *ctx)
{
    tdag_model *model = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, text, sizeof(text) - 1, &model));
    return model;
}

/* A description with everything, in an arena. */
static char author[] = "A. Author", license[] = "MIT", brief[] = "what it does",
            version[] = "1.2", key[] = "k", value[] = "v \xc3\xa9", x[] = "x",
            of_x[] = "the image", y[] = "y", of_y[] = "its negative";

typedef struct description {
    Cml__Metadata metadata;
    Cml__StringEntry user, *users[1];
    Cml__FeatureDescription in, out, *ins[1], *outs[1];
    Cml__ModelDescription whole;
} description;

static void init(void *message, const ProtobufCMessageDescriptor *kind)
{
    memset(message, 0, kind->sizeof_message);
    ((ProtobufCMessage *)message)->descriptor = kind;
}

static void describe(description *d)
{
    init(&d->metadata, &cml__metadata__descriptor);
    d->metadata.author = author;
    d->metadata.license = license;
    d->metadata.short_description = brief;
    d->metadata.version_string = version;
    init(&d->user, &cml__string_entry__descriptor);
    d->user.key = key;
    d->user.value = value;
    d->users[0] = &d->user;
    d->metadata.n_user_defined = 1;
    d->metadata.user_defined = d->users;
    init(&d->in, &cml__feature_description__descriptor);
    init(&d->out, &cml__feature_description__descriptor);
    d->in.name = x;
    d->in.short_description = of_x;
    d->out.name = y;
    d->out.short_description = of_y;
    d->ins[0] = &d->in;
    d->outs[0] = &d->out;
    init(&d->whole, &cml__model_description__descriptor);
    d->whole.metadata = &d->metadata;
    d->whole.n_input = d->whole.n_output = 1;
    d->whole.input = d->ins;
    d->whole.output = d->outs;
}

static const char *const want[][2] = {
    {"author", author},   {"description", brief}, {"input.x", of_x},
    {"license", license}, {"output.y", of_y},     {"user.k", value},
    {"version", version},
};
enum { N = sizeof(want) / sizeof(*want) };

static void check(const tdag_model *model)
{
    for (uint32_t i = 0; i < N; i++) {
        assert_string_equal(tdag_model_get_metadata_key(model, i), want[i][0]);
        assert_string_equal(tdag_model_get_metadata(model, want[i][0]), want[i][1]);
    }
    assert_null(tdag_model_get_metadata_key(model, N));
    assert_null(tdag_model_get_metadata(model, "format"));
    assert_null(tdag_model_get_metadata(model, "x"));
}

static void check_written(tdag_ctx *ctx, const tdag_model *model)
{
    description d;
    tdagi_arena arena;
    tdagi_arena_init(&arena, &ctx->allocator);
    describe(&d);
    d.in.short_description = d.out.short_description = NULL;
    d.whole.metadata = NULL;
    TEST_OK(ctx, tdagi_metadata_write(ctx, &arena, model, &d.whole));
    const Cml__Metadata *m = d.whole.metadata;
    assert_string_equal(m->author, author);
    assert_string_equal(m->license, license);
    assert_string_equal(m->short_description, brief);
    assert_string_equal(m->version_string, version);
    assert_int_equal(m->n_user_defined, 1);
    assert_string_equal(m->user_defined[0]->key, key);
    assert_string_equal(m->user_defined[0]->value, value);
    assert_string_equal(d.in.short_description, of_x);
    assert_string_equal(d.out.short_description, of_y);
    tdagi_arena_free(&arena);
}

static void test_ways(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = make_model(ctx), *other = NULL;
    description d;
    describe(&d);
    TEST_OK(ctx, tdagi_metadata_read(ctx, NULL, model));
    assert_null(tdag_model_get_metadata_key(model, 0));
    TEST_OK(ctx, tdagi_metadata_read(ctx, &d.whole, model));
    check(model);
    check_written(ctx, model);
    made_text("folder", ""); /* the folder is there */
    TEST_OK(ctx, tdag_save(ctx, model, made_path("m.tdag"), NULL));
    TEST_OK(ctx, tdag_load(ctx, made_path("m.tdag"), NULL, &other));
    check(other);
    tdag_model_free(other);
    TEST_OK(ctx, tdag_simplify(ctx, model, NULL, &other));
    check(other);
    tdag_model_free(other);
    const char *const at[] = {"N=5"};
    TEST_OK(ctx, tdag_substitute(ctx, model, at, 1, &other));
    check(other);
    tdag_model_free(other);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

/* .tdag -> .mlpackage -> .tdag -> .mlpackage: the same bytes. */
static void test_package(void **state)
{
    (void)state;
    static const char *const files[] = {"Manifest.json",
                                        "Data/com.apple.CoreML/model.mlmodel"};
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = make_model(ctx), *other = NULL, *again = NULL;
    description d;
    describe(&d);
    TEST_OK(ctx, tdagi_metadata_read(ctx, &d.whole, model));
    TEST_OK(ctx, tdag_to_coreml(ctx, model, made_path("a.mlpackage"), NULL));
    TEST_OK(ctx,
            tdag_from_coreml(ctx, made_path("a.mlpackage"), NULL, 0, NULL, &other));
    check(other);
    tdag_model_free(other);
    TEST_OK(ctx, tdag_open(ctx, made_path("a.mlpackage"), NULL, 0, NULL, &other));
    check(other);
    TEST_OK(ctx, tdag_save(ctx, other, made_path("a.tdag"), NULL));
    TEST_OK(ctx, tdag_load(ctx, made_path("a.tdag"), NULL, &again));
    TEST_OK(ctx, tdag_to_coreml(ctx, again, made_path("b.mlpackage"), NULL));
    for (size_t i = 0; i < 2; i++) {
        char a[100], b[100];
        size_t n = 0, m = 0;
        snprintf(a, sizeof(a), "a.mlpackage/%s", files[i]);
        snprintf(b, sizeof(b), "b.mlpackage/%s", files[i]);
        unsigned char *p = made_read(a, &n), *q = made_read(b, &m);
        assert_int_equal(n, m);
        assert_memory_equal(p, q, n);
        free(p);
        free(q);
    }
    tdag_model_free(again);
    tdag_model_free(other);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
}

static tdag_status all_once(tdag_ctx *ctx, void *arg)
{
    tdag_model *model = NULL;
    tdagi_arena arena;
    description d;
    (void)arg;
    describe(&d);
    TDAGI_TRY(tdag_model_parse(ctx, text, sizeof(text) - 1, &model));
    tdag_status st = tdagi_metadata_read(ctx, &d.whole, model);
    tdagi_arena_init(&arena, &ctx->allocator);
    if (st == TDAG_OK) st = tdagi_metadata_write(ctx, &arena, model, &d.whole);
    tdagi_arena_free(&arena);
    if (st == TDAG_OK) st = tdag_save(ctx, model, made_path("m.tdag"), NULL);
    tdag_model_free(model);
    model = NULL;
    if (st == TDAG_OK) st = tdag_load(ctx, made_path("m.tdag"), NULL, &model);
    tdag_model_free(model);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    test_every_oom(all_once, NULL);
}

/* What a package cannot say: dtypes, names and modules come back as they were, from a
 * file that was written again, too. */
static const char noted[] = "tdag 1\n"
                            "\"ids.1\": i64[3] = input\n"
                            "mask: bool[3] = input\n"
                            "n: i64[] = input\n"
                            "k: u8[2] = input\n"
                            "\"fc.weight\": f32[3] = parameter [0.5, 0.25, 0.125]\n"
                            "fc_weight: f32[3] = parameter [1, 2, 3]\n"
                            "\"gate.table\": i64[20] = constant [4, 5, 6, 7, 8, 9, 10, "
                            "11, 12, 13, 14, 15, 1, 2, "
                            "3, 4, 5, 6, 7, 8]\n"
                            "a: f32[3] = convert(\"ids.1\") {dtype=f32} \n"
                            "b: f32[3] = multiply(a, \"fc.weight\") @\"enc.fc\"\n"
                            "c: f32[3] = add(b, fc_weight) @\"enc.fc\"\n"
                            "d: f32[3] = tanh(c) @gate\n"
                            "e: bool[3] = less(a, d) @gate\n"
                            "o: bool[3] = equal(e, mask)\n"
                            "m: i64[] = add(n, n)\n"
                            "l: u8[2] = add(k, k)\n"
                            "q: i64[1] = unsqueeze(n) {axes=[0]}\n"
                            "r: i64[20] = repeat(q) {counts=[20]}\n"
                            "p: i64[20] = add(\"gate.table\", r)\n"
                            "return d, o, m, l, p\n";

static tdag_model *again(tdag_ctx *ctx, const tdag_model *model)
{
    tdag_model *out = NULL;
    TEST_OK(ctx, tdag_to_coreml(ctx, model, made_path("n.mlpackage"), NULL));
    TEST_OK(ctx, tdag_from_coreml(ctx, made_path("n.mlpackage"), NULL, 0, NULL, &out));
    return out;
}

static bool has_leaf(const tdag_graph *g, const char *name)
{
    for (uint32_t id = 1; id <= g->n; id++)
        if (g->nodes[id].name != NULL && tdagi_op_is_leaf(g->nodes[id].op) &&
            strcmp(tdagi_name_given(g->nodes[id].name), name) == 0)
            return true;
    return false;
}

static bool is_in(const tdag_graph *g, const char *op, const char *scope)
{
    for (uint32_t id = 1; id <= g->n; id++)
        if (strcmp(tdagi_op_row_of(g->nodes[id].op)->name, op) == 0 &&
            strcmp(g->scopes[g->nodes[id].scope], scope) == 0)
            return true;
    return false;
}

/* Constants that are outputs, and so are the names of these, are called alike. */
static void test_outputs(void **state)
{
    static const char given[] = "tdag 1\nx: f32[3] = input\n"
                                "c: f32[2] = constant [1, 2]\n"
                                "w: f32[2] = parameter [3, 4]\n"
                                "return c, w\n",
                      file[] = "n.mlpackage/Data/" MADE_MODEL;
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, given, strlen(given), &m));
    tdag_model *once = again(ctx, m), *twice;
    size_t n = 0, n2 = 0;
    unsigned char *first = made_read(file, &n), *second;
    twice = again(ctx, once);
    second = made_read(file, &n2);
    assert_int_equal(n, n2);
    assert_memory_equal(first, second, n);
    assert_true(has_leaf(tdag_model_get_graph(twice), "c"));
    assert_true(has_leaf(tdag_model_get_graph(twice), "w"));
    free(first);
    free(second);
    tdag_model_free(m);
    tdag_model_free(once);
    tdag_model_free(twice);
    tdag_ctx_free(ctx);
}

static void test_notes(void **state)
{
    static const char *const leaves[] = {"ids.1",     "mask",      "n",         "k",
                                         "fc.weight", "fc_weight", "gate.table"};
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_model_parse(ctx, noted, strlen(noted), &m));
    const tdag_graph *g = tdag_model_get_graph(m);
    tdag_model *once = again(ctx, m), *twice = again(ctx, once);
    const tdag_graph *h = tdag_model_get_graph(twice);
    for (uint32_t i = 0; i < g->n_inputs + g->n_outputs; i++) {
        const tdagi_node *a, *b;
        const bool is_input = i < g->n_inputs;
        const uint32_t k = is_input ? i : i - g->n_inputs;
        a = tdagi_graph_node(g, is_input ? g->inputs[k] : g->outputs[k]);
        b = tdagi_graph_node(h, is_input ? h->inputs[k] : h->outputs[k]);
        assert_int_equal(a->dtype, b->dtype);
        assert_int_equal(a->rank, b->rank);
    }
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
        if (!has_leaf(h, leaves[i])) fail_msg("%s is called otherwise", leaves[i]);
    assert_true(is_in(h, "multiply", "enc.fc"));
    assert_true(is_in(h, "add", "enc.fc"));
    assert_true(is_in(h, "tanh", "gate"));
    tdag_model_free(m);
    tdag_model_free(once);
    tdag_model_free(twice);
    tdag_ctx_free(ctx);
}

/* ---- shapes ---- */

/* [1, 3, 32, 32], of which two sizes are open as the writer has them. */
typedef struct shaped {
    int64_t sizes[4];
    Cml__SizeRange ranges[4], *all[4];
    Cml__ShapeRange range;
    Cml__ArrayFeatureType array;
    Cml__FeatureType type;
} shaped;

static void make_shaped(shaped *s)
{
    static const int64_t sizes[4] = {1, 3, 32, 32};
    init(&s->range, &cml__shape_range__descriptor);
    init(&s->array, &cml__array_feature_type__descriptor);
    init(&s->type, &cml__feature_type__descriptor);
    for (int k = 0; k < 4; k++) {
        init(&s->ranges[k], &cml__size_range__descriptor);
        s->sizes[k] = sizes[k];
        s->ranges[k].lower_bound = k < 2 ? (uint64_t)sizes[k] : 1;
        s->ranges[k].upper_bound = k < 2 ? sizes[k] : tdagi_open_end(sizes[k]);
        s->all[k] = &s->ranges[k];
    }
    s->range.n_size_ranges = s->array.n_shape = 4;
    s->range.size_ranges = s->all;
    s->array.shape = s->sizes;
    s->array.flex_case = CML__ARRAY_FEATURE_TYPE__FLEX_SHAPE_RANGE;
    s->array.shape_range = &s->range;
    s->type.type_case = CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE;
    s->type.multi_array_type = &s->array;
}

static void test_shapes(void **state)
{
    static const struct {
        const char *text, *becomes; /* NULL: it does not fit */
    } rows[] = {
        {"1,3,16..128,8..", "1,3,16..128,8.."},
        {"1,1..5,16..128,8..64", "1,3,16..128,8..64"},
        {"1,3,32,32 1,3,48,64", "1,3,32,32 1,3,48,64"},
        {"1,3,48,64 1,3,32,32", "1,3,48,64 1,3,32,32"},
        {"1,3,32,32 2,3,48,64 1,3,16,16", "1,3,32,32 1,3,16,16"},
        {"1,3,48,64", NULL},
        {"1,3,64..128,1..64", NULL},
        {"1,1,16..64,16..64", NULL},
        {"1,3,16..64", NULL},
        {"1,3,16..64,1..64,5", NULL},
        {"1,3,32,32,5", NULL},
        {"1,3,32", NULL},
        {"1,3,-4..64,1..64", NULL},
        {"1,3,a..64,1..64", NULL},
        {"..", NULL},
        {"", NULL},
    };
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shaped s;
        bool failed = false;
        tdagi_arena arena;
        tdagi_arena_init(&arena, &ctx->allocator);
        make_shaped(&s);
        tdagi_shapes_restore(&arena, rows[i].text, &s.array, &failed);
        const char *got = tdagi_shapes_text(&arena, &s.type, &failed);
        assert_false(failed);
        if ((got == NULL) != (rows[i].becomes == NULL) ||
            (got != NULL && strcmp(got, rows[i].becomes) != 0))
            fail_msg("%s: %s", rows[i].text, got == NULL ? "nothing" : got);
        tdagi_arena_free(&arena);
    }
    tdag_ctx_free(ctx);
}

/* Images tell height and width, in either way. */
static void test_images(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdagi_arena arena;
    bool failed = false;
    Cml__FeatureType type;
    Cml__ImageFeatureType image;
    Cml__ImageSizeRange range;
    Cml__SizeRange width, height;
    Cml__EnumeratedImageSizes sizes;
    Cml__ImageSize size[2], *all[2] = {&size[0], &size[1]};
    tdagi_arena_init(&arena, &ctx->allocator);
    init(&type, &cml__feature_type__descriptor);
    init(&image, &cml__image_feature_type__descriptor);
    init(&range, &cml__image_size_range__descriptor);
    init(&width, &cml__size_range__descriptor);
    init(&height, &cml__size_range__descriptor);
    init(&sizes, &cml__enumerated_image_sizes__descriptor);
    type.type_case = CML__FEATURE_TYPE__TYPE_IMAGE_TYPE;
    type.image_type = &image;
    assert_null(tdagi_shapes_text(&arena, &type, &failed));
    image.color_space = 20;
    width.lower_bound = 8;
    width.upper_bound = -1;
    height.lower_bound = 16;
    height.upper_bound = 16;
    range.width_range = &width;
    range.height_range = &height;
    image.flex_case = CML__IMAGE_FEATURE_TYPE__FLEX_IMAGE_SIZE_RANGE;
    image.image_size_range = &range;
    assert_string_equal(tdagi_shapes_text(&arena, &type, &failed), "1,3,16,8..");
    for (int i = 0; i < 2; i++) {
        init(&size[i], &cml__image_size__descriptor);
        size[i].width = (uint64_t)i + 1;
        size[i].height = 5;
    }
    sizes.n_sizes = 2;
    sizes.sizes = all;
    image.color_space = 10;
    image.flex_case = CML__IMAGE_FEATURE_TYPE__FLEX_ENUMERATED_SIZES;
    image.enumerated_sizes = &sizes;
    assert_string_equal(tdagi_shapes_text(&arena, &type, &failed), "1,1,5,1 1,1,5,2");
    tdagi_arena_free(&arena);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),   cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_images), cmocka_unit_test(test_package),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, NULL, made_remove);
}
