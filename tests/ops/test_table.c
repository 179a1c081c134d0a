/* The op table as a table: every row has its hooks and a sane spec description. */
#include "support/test.h"

#include "ir/graph.h"

static size_t field_size(const tdagi_field *f)
{
    switch ((tdagi_field_kind)f->kind) {
    case TDAGI_FIELD_INT:
    case TDAGI_FIELD_BOOL:
    case TDAGI_FIELD_ENUM:
    case TDAGI_FIELD_DTYPE:
        return sizeof(int64_t);
    case TDAGI_FIELD_DIM:
        return sizeof(tdag_dim);
    case TDAGI_FIELD_F64:
        return sizeof(double);
    case TDAGI_FIELD_INTS:
    case TDAGI_FIELD_DIMS:
        return sizeof(tdag_list);
    case TDAGI_FIELD_STRING:
        return sizeof(const char *);
    case TDAGI_FIELD_END:
        break;
    }
    return 0;
}

/* Fields lie inside of the spec, do not overlap, and cover all of it. */
static void check_fields(const char *name, const tdagi_opdef *def)
{
    size_t covered = 0;
    if (def->fields == NULL) {
        assert_int_equal(def->spec_size, 0);
        return;
    }
    for (const tdagi_field *f = def->fields; f->name != NULL; f++) {
        size_t size = field_size(f);
        if (size == 0) fail_msg("%s: field %s has no kind", name, f->name);
        if (f->offset + size > def->spec_size)
            fail_msg("%s: field %s ends outside of the spec", name, f->name);
        if (f->offset < covered) fail_msg("%s: field %s overlaps", name, f->name);
        covered = f->offset + size;
        if ((f->kind == TDAGI_FIELD_ENUM) != (f->names != NULL))
            fail_msg("%s: field %s has names or not, wrongly", name, f->name);
    }
    if (covered != def->spec_size) fail_msg("%s: the fields leave out a part", name);
}

static void check_class(uint32_t op, const tdagi_op_row *row)
{
    const tdagi_opdef *def = row->def;
    bool moves = tdagi_op_is_movement(op);
    if (def->op_class == 0 || def->op_class > TDAGI_CLASS_OPAQUE)
        fail_msg("%s has no class", row->name);
    if ((def->op_class == TDAGI_CLASS_LEAF) != (row->n_inputs == 0))
        fail_msg("%s is a leaf or not, wrongly", row->name);
    if ((def->index != NULL) != (moves || def->op_class == TDAGI_CLASS_FOLD))
        fail_msg("%s has an index map or not, wrongly", row->name);
    if ((def->same_order && !def->rearranges) || (def->rearranges && !moves))
        fail_msg("%s does not rearrange", row->name);
    if (def->holds_tensor && (def->op_class != TDAGI_CLASS_LEAF || def->fields != NULL))
        fail_msg("%s holds no tensor", row->name);
}

static void test_rows(void **state)
{
    (void)state;
    uint32_t n = 0;
    for (uint32_t op = 1; op < TDAGI_OP_CODES; op++) {
        const tdagi_op_row *row = tdagi_op_row_of(op);
        if (row == NULL) continue;
        n++;
        assert_int_equal(tdag_op_from_name(row->name), op);
        assert_string_equal(tdag_op_name((tdag_op)op), row->name);
        if (row->def->brief == NULL || row->def->brief[0] == '\0')
            fail_msg("%s has no brief", row->name);
        if (row->def->shape == NULL) fail_msg("%s has no shape rule", row->name);
        if (row->def->cost == NULL) fail_msg("%s has no cost", row->name);
        bool declared = op == TDAG_OP_INPUT || tdagi_op_holds_tensor(op);
        bool is_opaque = row->def->op_class == TDAGI_CLASS_OPAQUE;
        if ((row->def->eval == NULL) != (declared || is_opaque))
            fail_msg("%s has an evaluation or not, wrongly", row->name);
        if ((row->def->drop_dim == NULL) != declared)
            fail_msg("%s has an axis rule or not, wrongly", row->name);
        check_class(op, row);
        check_fields(row->name, row->def);
    }
    uint32_t rows = 0;
#define TDAG_OP(id, code, name, inputs, definition) rows++;
#include <tdagger/ops.def>
    assert_int_equal(n, rows);
}

/* ---- names of values ---- */

/* An op with a named value, on f32 inputs of shape [2,3] (and indices of shape [2]). */
typedef struct named {
    tdag_op op;
    union {
        tdag_reduce_spec reduce;
        tdag_scan_spec scan;
        tdag_pad_spec pad;
        tdag_scatter_spec scatter;
        tdag_argsort_spec argsort;
    } spec;
} named;

static const named named_ops[] = {
    {TDAG_OP_REDUCE, {.reduce = {.axes = {1, (const int64_t[]){1}}}}},
    {TDAG_OP_SCAN, {.scan = {.axis = 1}}},
    {TDAG_OP_PAD,
     {.pad = {{2, (const int64_t[]){1, 1}}, {2, (const int64_t[]){0, 1}}, 0, 0}}},
    {TDAG_OP_SCATTER, {.scatter = {.batch = 0}}},
    {TDAG_OP_ARGSORT, {.argsort = {.axis = 1}}},
};

static bool takes(tdag_ctx *ctx, named n, const tdagi_field *f, int64_t value)
{
    tdag_builder *b = NULL;
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    const tdag_dim shape[] = {2, 3};
    const tdag_value in[] = {tdag_add_input(b, NULL, TDAG_F32, 2, shape),
                             tdag_add_input(b, NULL, TDAG_I64, 1, shape),
                             tdag_add_input(b, NULL, TDAG_F32, 2, shape)};
    const tdagi_op_row *row = tdagi_op_row_of(n.op);
    memcpy((char *)&n.spec + f->offset, &value, sizeof(value));
    tdag_add_node(b, n.op, &n.spec, row->def->spec_size, in, row->n_inputs);
    bool ok = tdag_builder_get_status(b) == TDAG_OK;
    tdag_builder_free(b);
    return ok;
}

/* A value has a name exactly where the op takes it. */
static void check_names(tdag_ctx *ctx, uint32_t op, const tdagi_field *f)
{
    uint32_t i = 0, n = 1;
    while (i < sizeof(named_ops) / sizeof(*named_ops) && named_ops[i].op != op)
        i++;
    if (i == sizeof(named_ops) / sizeof(*named_ops))
        fail_msg("%s.%s is in no example", tdag_op_name((tdag_op)op), f->name);
    while (f->names[n] != NULL)
        n++;
    for (uint32_t value = 0; value <= n; value++)
        if (takes(ctx, named_ops[i], f, value) != (f->names[value] != NULL))
            fail_msg("%s: %s %u has a name or not, wrongly", tdag_op_name((tdag_op)op),
                     f->name, (unsigned)value);
}

static void test_names(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    for (uint32_t op = 1; op < TDAGI_OP_CODES; op++) {
        const tdagi_op_row *row = tdagi_op_row_of(op);
        if (row == NULL || row->def->fields == NULL) continue;
        for (const tdagi_field *f = row->def->fields; f->name != NULL; f++)
            if (f->kind == TDAGI_FIELD_ENUM) check_names(ctx, op, f);
    }
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
