/* The op table: ops.def expanded into rows indexed by op code. */
#include "ir/opdef.h"

#include <string.h>

static const tdagi_op_row rows[TDAGI_OP_CODES] = {
#define TDAG_OP(id, code, name, inputs, definition)                                    \
    [TDAG_OP_##id] = {name, inputs, &tdagi_op_##definition},
#include <tdagger/ops.def>
};

const tdagi_op_row *tdagi_op_row_of(uint32_t op)
{
    if (op >= TDAGI_OP_CODES || rows[op].name == NULL) return NULL;
    return &rows[op];
}

tdagi_op_class tdagi_op_class_of(uint32_t op)
{
    const tdagi_op_row *row = tdagi_op_row_of(op);
    return row == NULL ? 0 : (tdagi_op_class)row->def->op_class;
}

bool tdagi_op_holds_tensor(uint32_t op)
{
    const tdagi_op_row *row = tdagi_op_row_of(op);
    return row != NULL && row->def->holds_tensor;
}

void tdagi_op_index(uint32_t op, const tdagi_index_call *call, tdagi_index_map *out)
{
    out->n = 0;
    out->pad = NULL;
    rows[op].def->index(call, out);
}

const char *tdag_op_name(tdag_op op)
{
    const tdagi_op_row *row = tdagi_op_row_of(op);
    return row == NULL ? "?" : row->name;
}

tdag_op tdag_op_from_name(const char *name)
{
    if (name == NULL) return TDAG_OP_NONE;
    for (uint32_t i = 0; i < TDAGI_OP_CODES; i++)
        if (rows[i].name != NULL && strcmp(rows[i].name, name) == 0) return (tdag_op)i;
    return TDAG_OP_NONE;
}
