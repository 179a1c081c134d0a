/* The composite table: composites.def expanded into rows. */
#include "derive/parts.h"

static const tdagi_composite_row rows[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter)        \
    [TDAGI_##ID] = {name, min, max, &tdagi_composite_##definition},
#include "derive/composites.def"
};

const tdagi_composite_row *tdagi_composite_row_of(tdagi_composite id)
{
    if ((unsigned)id >= TDAGI_N_COMPOSITES || rows[id].name == NULL) return NULL;
    return &rows[id];
}

tdag_value tdagi_lower(tdag_builder *b, tdagi_composite id, const tdag_value *inputs,
                       uint32_t n, const void *spec)
{
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    if (row == NULL)
        return tdagi_builder_fail(b, TDAG_E_INTERNAL, "there is no composite number %d",
                                  (int)id);
    if (n < row->min_inputs ||
        (row->max_inputs != TDAGI_ANY_INPUTS && n > row->max_inputs))
        return tdagi_builder_fail(b, TDAG_E_ARG, "%s does not take %u inputs",
                                  row->name, (unsigned)n);
    for (uint32_t i = 0; i < row->min_inputs; i++)
        if (inputs[i].id == 0)
            return tdagi_builder_fail(b, TDAG_E_ARG, "input %u of %s is no value",
                                      (unsigned)i, row->name);
    if (!tdagi_spec_fits(b, id, inputs, spec)) return TDAG_NO_VALUE;
    return row->def->lower(b, inputs, n, spec);
}

tdag_value tdagi_unary_composite(tdag_builder *b, tdagi_composite id, tdag_value x)
{
    return tdagi_lower(b, id, &x, 1, NULL);
}
