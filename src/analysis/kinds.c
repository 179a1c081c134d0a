/* The cost model's kinds, of core ops by their class and of composites by their row. */
#include "analysis/kinds.h"

static const uint8_t class_kinds[] = {
    [TDAGI_CLASS_LEAF] = TDAGI_KIND_LEAF,
    [TDAGI_CLASS_VIEW] = TDAGI_KIND_VIEW,
    [TDAGI_CLASS_MOVE] = TDAGI_KIND_OTHER,
    [TDAGI_CLASS_ELEMENTWISE] = TDAGI_KIND_ELEMENTWISE,
    [TDAGI_CLASS_REDUCTION] = TDAGI_KIND_REDUCTION,
    [TDAGI_CLASS_FOLD] = TDAGI_KIND_OTHER,
    [TDAGI_CLASS_ORDERED] = TDAGI_KIND_OTHER,
    [TDAGI_CLASS_INDEXED] = TDAGI_KIND_OTHER,
    [TDAGI_CLASS_OPAQUE] = TDAGI_KIND_OPAQUE,
};

static const uint8_t composite_kinds[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    [TDAGI_##ID] = TDAGI_KIND_##kind,
#include "derive/composites.def"
};

tdagi_kind tdagi_op_kind(uint32_t op)
{
    return (tdagi_kind)class_kinds[tdagi_op_class_of(op)];
}

tdagi_kind tdagi_kernel_kind(const tdagi_kernel *kernel)
{
    if (kernel->is_size) return TDAGI_KIND_LEAF;
    if (kernel->is_view) return TDAGI_KIND_VIEW;
    if (kernel->is_second) return TDAGI_KIND_SECOND;
    if (kernel->composite == TDAGI_CORE) return tdagi_op_kind(kernel->op);
    return kernel->composite < TDAGI_N_COMPOSITES
               ? (tdagi_kind)composite_kinds[kernel->composite]
               : TDAGI_KIND_OTHER;
}

bool tdagi_kernel_counts(const tdagi_kernel *kernel)
{
    tdagi_kind kind = tdagi_kernel_kind(kernel);
    return kind != TDAGI_KIND_LEAF && kind != TDAGI_KIND_VIEW &&
           kind != TDAGI_KIND_SECOND;
}

const char *tdagi_kernel_name(const tdagi_kernel *kernel)
{
    if (kernel->composite == TDAGI_CORE) return tdag_op_name((tdag_op)kernel->op);
    const tdagi_composite_row *row =
        tdagi_composite_row_of((tdagi_composite)kernel->composite);
    return row == NULL ? "?" : row->name;
}

tdag_dim tdagi_kernel_count(tdagi_pool *pool, const tdagi_kernel *kernel)
{
    return tdagi_dim_product(pool, kernel->rank, kernel->shape);
}
