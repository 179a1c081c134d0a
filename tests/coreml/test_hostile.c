/* Packages that lie: a good one cut at every byte and with every bit flipped, and
 * messages that are right as messages and wrong as programs. Each ends in a model that
 * can be used, or in a status with a sentence, and leaves nothing behind. */
#include <tdagger.h>

#include <unistd.h>

#include "coreml/made.h"
#include "coreml/package/package.h"
#include "support/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEP 13 /* bits: all of them take minutes there */
#else
#define STEP 1
#endif

#define FILES "p.mlpackage/Data/com.apple.CoreML/"

/* A sum with a weight of 12 elements, which is a blob. */
static const char text[] =
    "tdag 1\nx: f32[3,4] = input\n"
    "w: f32[3,4] = parameter [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]\n"
    "s: f32[3,4] = add(x, w)\ny: f32[3,4] = exp(s)\nreturn y\n";

static int make_package(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    tdag_model *model = NULL;
    made_text("folder", "");
    TEST_OK(ctx, tdag_model_parse(ctx, text, sizeof(text) - 1, &model));
    TEST_OK(ctx, tdag_to_coreml(ctx, model, made_path("p.mlpackage"), NULL));
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    return 0;
}

/* What was read can be used: every weight is read, every shape derived anew. */
static void use(tdag_ctx *ctx, const tdag_model *model, const char *what)
{
    char *printed = NULL;
    if (tdag_model_verify(ctx, model) != TDAG_OK)
        fail_msg("%s: %s", what, tdag_ctx_get_error(ctx)->message);
    if (tdag_model_print(ctx, model, TDAG_TEXT_FULL, &printed) == TDAG_OK)
        tdag_text_free(ctx, printed);
}

/* Opens the package as it is now. */
static tdag_status open_with(const char *what, uint32_t flags, char message[256])
{
    tdag_open_options options;
    tdag_open_options_init(&options);
    options.flags = flags;
    test_heap heap = {0};
    tdag_ctx *ctx = test_ctx_on(&heap);
    tdag_model *model = NULL;
    tdag_status st =
        tdag_open(ctx, made_path("p.mlpackage"), NULL, 0, &options, &model);
    const char *says = st == TDAG_OK ? "" : tdag_ctx_get_error(ctx)->message;
    if (st == TDAG_E_NOMEM || st == TDAG_E_INTERNAL ||
        (st != TDAG_OK && says[0] == '\0'))
        fail_msg("%s: %s: %s", what, tdag_status_text(st), says);
    if (message != NULL) snprintf(message, 256, "%s", says);
    if (st == TDAG_OK) use(ctx, model, what);
    tdag_model_free(model);
    tdag_ctx_free(ctx);
    if (heap.live_blocks != 0) fail_msg("%s: something is left", what);
    return st;
}

static tdag_status open_now(const char *what, char message[256])
{
    return open_with(what, 0, message);
}

static const char *const files[] = {"p.mlpackage/Manifest.json", FILES "model.mlmodel",
                                    FILES "weights/weight.bin"};
enum { N_FILES = sizeof(files) / sizeof(*files) };

static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        size_t size = 0, models = 0;
        char what[100];
        unsigned char *bytes = made_read(files[i], &size);
        assert_int_equal(open_now("whole", NULL), TDAG_OK);
        for (size_t n = size; n-- > 0;) {
            snprintf(what, sizeof(what), "%s: %zu bytes", files[i], n);
            assert_int_equal(truncate(made_path(files[i]), (off_t)n), 0);
            models += open_now(what, NULL) == TDAG_OK;
        }
        made_file(files[i], bytes, size);
        /* the manifest's last line end; a model's end may be a field that is left out
         */
        if (models > (i == 1 ? 4 : 1)) fail_msg("%s: %zu are models", files[i], models);
        free(bytes);
    }
}

static void test_flipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_FILES; i++) {
        size_t size = 0, models = 0, n = 0;
        char what[100];
        unsigned char *bytes = made_read(files[i], &size);
        for (size_t k = 0; k < 8 * size; k += STEP, n++) {
            snprintf(what, sizeof(what), "%s: byte %zu, bit %zu", files[i], k / 8,
                     k % 8);
            made_byte(files[i], k / 8, bytes[k / 8] ^ (1 << k % 8));
            models += open_now(what, NULL) == TDAG_OK;
            made_byte(files[i], k / 8, bytes[k / 8]);
        }
        assert_true(models > 0 && models < n); /* names, weights, descriptions */
        free(bytes);
    }
}

/* ---- programs ---- */

typedef struct program {
    Cml__Model *model;
    Cml__Function *function;
    Cml__Block *block;
    tdagi_arena arena;
} program;

static void *make(program *p, size_t n, size_t size)
{
    void *made = tdagi_arena_array(&p->arena, n, size);
    assert_non_null(made);
    memset(made, 0, n * size);
    return made;
}

static Cml__Operation *find(program *p, const char *type)
{
    for (size_t i = 0; i < p->block->n_operations; i++)
        if (strcmp(p->block->operations[i]->type, type) == 0)
            return p->block->operations[i];
    fail_msg("no %s", type);
    return NULL;
}

/* The value of the const that is a blob. */
static Cml__Value *blob(program *p)
{
    for (size_t i = 0; i < p->block->n_operations; i++) {
        Cml__Operation *op = p->block->operations[i];
        for (size_t k = 0; k < op->n_attributes; k++)
            if (op->attributes[k]->value->value_case ==
                CML__VALUE__VALUE_BLOB_FILE_VALUE)
                return op->attributes[k]->value;
    }
    fail_msg("no blob");
    return NULL;
}

static char *name_of(Cml__Operation *op, const char *operand)
{
    for (size_t i = 0; i < op->n_inputs; i++)
        if (strcmp(op->inputs[i]->key, operand) == 0)
            return op->inputs[i]->value->arguments[0]->name;
    return op->inputs[0]->value->arguments[0]->name;
}

static void set_name(Cml__Operation *op, char *name)
{
    op->inputs[0]->value->arguments[0]->name = name;
}

static char nothing[] = "nothing", empty[] = "", unknown[] = "no_such_op",
            nothing_named[] = "x=1, y",
            outside[] = "@model_path/../../../../Manifest.json",
            absolute[] = "/etc/passwd", other[] = "@model_path/weights/other.bin",
            opset[] = "CoreML99";

static void missing(program *p) { set_name(find(p, "exp"), nothing); }
static void itself(program *p)
{
    set_name(find(p, "exp"), find(p, "exp")->outputs[0]->name);
}
static void cyclic(program *p)
{
    Cml__Operation *first = NULL, *exp = find(p, "exp");
    for (size_t i = 0; i < p->block->n_operations && first == NULL; i++)
        if (p->block->operations[i]->n_inputs > 0) first = p->block->operations[i];
    (void)name_of(first, "x");
    set_name(first, exp->outputs[0]->name);
}
static void twice(program *p)
{
    Cml__Operation *exp = find(p, "exp");
    exp->outputs[0]->name = p->block->operations[0]->outputs[0]->name;
}
static void no_result(program *p) { p->block->outputs[0] = nothing; }
static void no_outputs(program *p) { find(p, "exp")->n_outputs = 0; }
static void no_type(program *p) { find(p, "exp")->outputs[0]->type = NULL; }
static void no_name(program *p) { find(p, "exp")->outputs[0]->name = empty; }
static void no_operation(program *p) { find(p, "exp")->type = unknown; }
static void no_inputs(program *p) { find(p, "exp")->n_inputs = 0; }
static void no_argument(program *p)
{
    find(p, "exp")->inputs[0]->value->n_arguments = 0;
}
static void no_binding(program *p)
{
    Cml__Binding *b = find(p, "exp")->inputs[0]->value->arguments[0];
    b->binding_case = CML__BINDING__BINDING__NOT_SET;
}
static void no_entry(program *p) { find(p, "exp")->inputs[0]->value = NULL; }
static void unknown_no_entry(program *p)
{
    no_entry(p);
    no_operation(p);
}
static void unknown_no_name(program *p)
{
    find(p, "exp")->inputs[0]->key = nothing_named;
    no_operation(p);
}
static void no_program(program *p) { p->model->ml_program->n_functions = 0; }
static void no_function(program *p)
{
    p->model->ml_program->functions[0]->value = NULL;
}
static void no_block(program *p) { p->function->n_block_specializations = 0; }
static void no_opset(program *p) { p->function->opset = opset; }
static void no_description(program *p) { p->model->description = NULL; }
static void no_parameter(program *p) { p->function->n_inputs = 0; }
static void no_const(program *p)
{
    for (size_t i = 0; i < p->block->n_operations; i++)
        if (strcmp(p->block->operations[i]->type, "const") == 0)
            p->block->operations[i]->n_attributes = 0;
}
static void no_value(program *p) { blob(p)->value_case = CML__VALUE__VALUE__NOT_SET; }
static void blob_outside(program *p) { blob(p)->blob_file_value->file_name = outside; }
static void blob_absolute(program *p)
{
    blob(p)->blob_file_value->file_name = absolute;
}
static void blob_missing(program *p) { blob(p)->blob_file_value->file_name = other; }
static void blob_beyond(program *p)
{
    blob(p)->blob_file_value->offset = UINT64_MAX - 127;
}
static void blob_header(program *p) { blob(p)->blob_file_value->offset = 0; }
static void blob_dtype(program *p)
{
    blob(p)->type->tensor_type->data_type = TDAGI_MIL_F16;
}
static void blob_string(program *p)
{
    blob(p)->type->tensor_type->data_type = TDAGI_MIL_STRING;
}
static void blob_size(program *p)
{
    blob(p)->type->tensor_type->dimensions[0]->constant->size = 5;
}
static void blob_huge(program *p)
{
    Cml__TensorType *t = blob(p)->type->tensor_type;
    for (size_t i = 0; i < t->n_dimensions; i++)
        t->dimensions[i]->constant->size = UINT64_C(1) << 40;
}
static void blob_negative(program *p)
{
    blob(p)->type->tensor_type->dimensions[0]->constant->size = UINT64_MAX;
}
static void rank_lies(program *p) { blob(p)->type->tensor_type->rank = INT64_MAX; }
static void rank_negative(program *p) { blob(p)->type->tensor_type->rank = -1; }
static void unknown_dim(program *p)
{
    Cml__Dimension *d = blob(p)->type->tensor_type->dimensions[0];
    d->dimension_case = CML__DIMENSION__DIMENSION__NOT_SET;
}
static void input_huge(program *p)
{
    Cml__TensorType *t = p->function->inputs[0]->type->tensor_type;
    for (size_t i = 0; i < t->n_dimensions; i++)
        t->dimensions[i]->constant->size = UINT64_C(1) << 62;
}
static void many_axes(program *p)
{
    Cml__TensorType *t = p->function->inputs[0]->type->tensor_type;
    Cml__Dimension **dims = make(p, 100, sizeof(*dims));
    for (size_t i = 0; i < 100; i++)
        dims[i] = t->dimensions[0];
    t->dimensions = dims;
    t->n_dimensions = 100;
    t->rank = 100;
}
static void inputs_twice(program *p)
{
    Cml__NamedValueType **inputs = make(p, 2, sizeof(*inputs));
    inputs[0] = inputs[1] = p->function->inputs[0];
    p->function->inputs = inputs;
    p->function->n_inputs = 2;
}
static void functions_twice(program *p)
{
    Cml__Program *of = p->model->ml_program;
    Cml__FunctionEntry **all = make(p, 2, sizeof(*all));
    all[0] = all[1] = of->functions[0];
    of->functions = all;
    of->n_functions = 2;
}
static void dtype_unknown(program *p)
{
    p->function->inputs[0]->type->tensor_type->data_type = 9999;
}
static void description_lies(program *p)
{
    p->model->description->input[0]->name = nothing;
}
static void no_kind(program *p) { p->model->type_case = CML__MODEL__TYPE__NOT_SET; }

/* Types of lists of lists; nothing needs them, but something reads them. */
static void deep_type(program *p)
{
    Cml__ValueType *t = p->function->inputs[0]->type;
    for (int i = 0; i < 200; i++) {
        Cml__ListType *list = make(p, 1, sizeof(*list));
        Cml__ValueType *outer = make(p, 1, sizeof(*outer));
        list->base.descriptor = &cml__list_type__descriptor;
        list->type = t;
        outer->base.descriptor = &cml__value_type__descriptor;
        outer->type_case = CML__VALUE_TYPE__TYPE_LIST_TYPE;
        outer->list_type = list;
        t = outer;
    }
    p->function->inputs[0]->type = t;
}
/* Blocks of blocks. */
static void deep_blocks(program *p)
{
    static char cond[] = "cond";
    for (int i = 0; i < 100; i++) {
        Cml__Operation *op = make(p, 1, sizeof(*op));
        Cml__Operation **ops = make(p, 1, sizeof(*ops));
        Cml__Block *block = make(p, 1, sizeof(*block));
        Cml__Block **blocks = make(p, 2, sizeof(*blocks));
        op->base.descriptor = &cml__operation__descriptor;
        op->type = cond;
        op->n_blocks = 1;
        op->blocks = blocks;
        blocks[0] = p->function->block_specializations[0]->value;
        ops[0] = op;
        block->base.descriptor = &cml__block__descriptor;
        block->n_operations = 1;
        block->operations = ops;
        p->function->block_specializations[0]->value = block;
    }
}

static const struct {
    const char *name;
    void (*change)(program *p);
    bool may_be_fine; /* what is wrong need not be looked at */
} programs[] = {
    {"a value that is not there", missing, false},
    {"an operation of itself", itself, false},
    {"a circle", cyclic, false},
    {"one name twice", twice, true},
    {"a result that is not there", no_result, false},
    {"an operation without outputs", no_outputs, false},
    {"an output without a type", no_type, true},
    {"an output without a name", no_name, true},
    {"an unknown operation", no_operation, false},
    {"no operands", no_inputs, false},
    {"an operand without values", no_argument, false},
    {"an operand that is nothing", no_binding, false},
    {"an entry without a value", no_entry, false},
    {"an unknown operation's entry without a value", unknown_no_entry, false},
    {"an unknown operation's entry without a name", unknown_no_name, false},
    {"no functions", no_program, false},
    {"an empty function", no_function, false},
    {"no block", no_block, false},
    {"an opset of the future", no_opset, false},
    {"no description", no_description, true},
    {"no parameter", no_parameter, false},
    {"consts without attributes", no_const, false},
    {"a const without a value", no_value, false},
    {"weights outside of the package", blob_outside, false},
    {"weights by an absolute path", blob_absolute, false},
    {"weights that are not there", blob_missing, false},
    {"weights beyond the file", blob_beyond, false},
    {"weights in the header", blob_header, false},
    {"weights of another dtype", blob_dtype, false},
    {"texts as weights", blob_string, false},
    {"weights of another shape", blob_size, false},
    {"weights of a huge shape", blob_huge, false},
    {"weights of a negative size", blob_negative, false},
    {"a rank that lies", rank_lies, true},
    {"a negative rank", rank_negative, true},
    {"a weight of unknown size", unknown_dim, false},
    {"a huge input", input_huge, false},
    {"an input of 100 axes", many_axes, false},
    {"one input twice", inputs_twice, true},
    {"one function twice", functions_twice, false},
    {"an unknown dtype", dtype_unknown, false},
    {"a description of another input", description_lies, true},
    {"nothing in it", no_kind, false},
    {"deep types", deep_type, false},
    {"deep blocks", deep_blocks, false},
};

static void change_program(tdag_ctx *ctx, const unsigned char *bytes, size_t size,
                           void (*change)(program *p))
{
    program p = {.model = NULL};
    ProtobufCMessage *m = NULL;
    uint8_t *changed = NULL;
    size_t n = 0;
    tdagi_arena_init(&p.arena, &ctx->allocator);
    TEST_OK(ctx, tdagi_message_read(ctx, &p.arena, &cml__model__descriptor, bytes, size,
                                    "the model", &m));
    p.model = (Cml__Model *)m;
    p.function = p.model->ml_program->functions[0]->value;
    p.block = p.function->block_specializations[0]->value;
    change(&p);
    TEST_OK(ctx, tdagi_message_write(ctx, &p.model->base, &changed, &n));
    made_file(FILES "model.mlmodel", changed, n);
    tdagi_free(ctx, changed, n);
    tdagi_arena_free(&p.arena);
}

static void test_programs(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    size_t size = 0;
    bool wrong = false;
    unsigned char *bytes = made_read(FILES "model.mlmodel", &size);
    for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
        char message[256];
        change_program(ctx, bytes, size, programs[i].change);
        tdag_status st = open_now(programs[i].name, message);
        if (st == TDAG_OK && !programs[i].may_be_fine) {
            print_error("%s: it is read\n", programs[i].name);
            wrong = true;
        }
        (void)open_with(programs[i].name, TDAG_OPEN_OPAQUE, message);
        if (programs[i].change == unknown_no_name)
            assert_non_null(strstr(message, "cannot be written out"));
    }
    made_file(FILES "model.mlmodel", bytes, size);
    assert_false(wrong);
    free(bytes);
    tdag_ctx_free(ctx);
}

/* ---- memory ---- */

static tdag_status there_and_back(tdag_ctx *ctx, void *arg)
{
    tdag_model *model = NULL;
    (void)arg;
    tdag_status st = tdag_open(ctx, made_path("p.mlpackage"), NULL, 0, NULL, &model);
    if (st == TDAG_OK) st = tdag_to_coreml(ctx, model, made_path("q.mlpackage"), NULL);
    tdag_model_free(model);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    test_every_oom(there_and_back, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_programs),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, make_package, made_remove);
}
