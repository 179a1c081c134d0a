/* The op table: ops.def expanded into rows indexed by op code. */
#include "ir/opdef.h"

#include <string.h>

const tdagi_op_row tdagi_op_rows[TDAGI_OP_CODES] = {
#define TDAG_OP(id, code, name, inputs, definition)                                    \
    [TDAG_OP_##id] = {name, inputs, &tdagi_op_##definition},
#include <tdagger/ops.def>
};

const char *tdag_op_name(tdag_op op)
{
    const tdagi_op_row *row = tdagi_op_row_of(op);
    return row == NULL ? "?" : row->name;
}

tdag_op tdag_op_from_name(const char *name)
{
    if (name == NULL) return TDAG_OP_NONE;
    for (uint32_t i = 0; i < TDAGI_OP_CODES; i++)
        if (tdagi_op_rows[i].name != NULL && strcmp(tdagi_op_rows[i].name, name) == 0)
            return (tdag_op)i;
    return TDAG_OP_NONE;
}
