/* Composites as aten calls: the exporter's column of composites.def. */
#include "torchscript/export/export.h"

/* The exporter raises without these, so it meets what they lower to. */
const tdagi_emitter tdagi_emitter_BY_PARTS = {.format = NULL};

const tdagi_emitter *tdagi_export_composite_emitter(uint32_t composite)
{
    static const tdagi_emitter *const rows[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    [TDAGI_##ID] = &tdagi_emitter_##exporter,
#include "derive/composites.def"
    };
    return rows[composite];
}
