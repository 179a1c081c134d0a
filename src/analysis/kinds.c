/* The cost model's kinds, one table over the core ops and one over the composites. */
#include "analysis/kinds.h"

/* clang-format off */
static const uint8_t op_kinds[TDAGI_OP_CODES] = {
#define TDAG_OP(id, code, name, inputs, definition)
#define TDAG_UNARY(id, code, name, definition)  [code] = TDAGI_KIND_ELEMENTWISE,
#define TDAG_BINARY(id, code, name, definition) [code] = TDAGI_KIND_ELEMENTWISE,
#include <tdagger/ops.def>
    [TDAG_OP_WHERE]     = TDAGI_KIND_ELEMENTWISE,
    [TDAG_OP_INPUT]     = TDAGI_KIND_LEAF,
    [TDAG_OP_PARAMETER] = TDAGI_KIND_LEAF,
    [TDAG_OP_BUFFER]    = TDAGI_KIND_LEAF,
    [TDAG_OP_CONSTANT]  = TDAGI_KIND_LEAF,
    [TDAG_OP_IOTA]      = TDAGI_KIND_LEAF,
    [TDAG_OP_PERMUTE]   = TDAGI_KIND_VIEW,
    [TDAG_OP_GROUP]     = TDAGI_KIND_VIEW,
    [TDAG_OP_UNGROUP]   = TDAGI_KIND_VIEW,
    [TDAG_OP_SQUEEZE]   = TDAGI_KIND_VIEW,
    [TDAG_OP_UNSQUEEZE] = TDAGI_KIND_VIEW,
    [TDAG_OP_SLICE]     = TDAGI_KIND_VIEW,
    [TDAG_OP_SELECT]    = TDAGI_KIND_VIEW,
    [TDAG_OP_REPEAT]    = TDAGI_KIND_VIEW,
    [TDAG_OP_REDUCE]    = TDAGI_KIND_REDUCTION,
    [TDAG_OP_OPAQUE]    = TDAGI_KIND_OPAQUE,
};

/* clang-format on */

static const uint8_t composite_kinds[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter)        \
    [TDAGI_##ID] = TDAGI_KIND_##kind,
#include "derive/composites.def"
};

tdagi_kind tdagi_op_kind(uint32_t op)
{
    return op < TDAGI_OP_CODES ? (tdagi_kind)op_kinds[op] : TDAGI_KIND_OTHER;
}

tdagi_kind tdagi_kernel_kind(const tdagi_kernel *kernel)
{
    if (kernel->is_view) return TDAGI_KIND_VIEW;
    if (kernel->composite == TDAGI_CORE) return tdagi_op_kind(kernel->op);
    return kernel->composite < TDAGI_N_COMPOSITES
               ? (tdagi_kind)composite_kinds[kernel->composite]
               : TDAGI_KIND_OTHER;
}

const char *tdagi_kernel_name(const tdagi_kernel *kernel)
{
    if (kernel->composite == TDAGI_CORE) return tdag_op_name((tdag_op)kernel->op);
    const tdagi_composite_row *row =
        tdagi_composite_row_of((tdagi_composite)kernel->composite);
    return row == NULL ? "?" : row->name;
}
