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
        bool declared = op <= TDAG_OP_CONSTANT || op == TDAG_OP_OPAQUE;
        if ((row->def->eval == NULL) != declared)
            fail_msg("%s has an evaluation or not, wrongly", row->name);
        if ((row->def->drop_dim == NULL) != (op <= TDAG_OP_CONSTANT))
            fail_msg("%s has an axis rule or not, wrongly", row->name);
        check_fields(row->name, row->def);
    }
    uint32_t rows = 0;
#define TDAG_OP(id, code, name, inputs, definition) rows++;
#include <tdagger/ops.def>
    assert_int_equal(n, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
