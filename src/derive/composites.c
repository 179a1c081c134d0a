/* The composite table: composites.def expanded into rows. */
#include "derive/parts.h"

static const tdagi_composite_row rows[TDAGI_N_COMPOSITES] = {
#define TDAGI_COMPOSITE(ID, name, definition, min, max, kind, native, exporter,        \
                        coreml)                                                        \
    [TDAGI_##ID] = {name, min, max, &tdagi_composite_##definition},
#include "derive/composites.def"
};

const tdagi_composite_row *tdagi_composite_row_of(tdagi_composite id)
{
    if ((unsigned)id >= TDAGI_N_COMPOSITES || rows[id].name == NULL) return NULL;
    return &rows[id];
}

/* What does not fit sticks in the builder. */
static void check(tdag_builder *b, tdagi_composite id, const tdag_value *inputs,
                  uint32_t n, const void *spec)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    if (row == NULL) {
        tdagi_builder_fail(b, TDAG_E_INTERNAL, "there is no composite number %d",
                           (int)id);
        return;
    }
    if (n < row->min_inputs ||
        (row->max_inputs != TDAGI_ANY_INPUTS && n > row->max_inputs)) {
        tdagi_builder_fail(b, TDAG_E_ARG, "%s does not take %u inputs", row->name,
                           (unsigned)n);
        return;
    }
    for (uint32_t i = 0; i < row->min_inputs; i++)
        if (inputs[i].id == 0) {
            tdagi_builder_fail(b, TDAG_E_ARG, "input %u of %s is no value", (unsigned)i,
                               row->name);
            return;
        }
    (void)tdagi_spec_fits(b, id, inputs, spec);
}

tdag_value tdagi_lower(tdag_builder *b, tdagi_composite id, const tdag_value *inputs,
                       uint32_t n, const void *spec)
{
    tdag_value pair[2];
    if (tdagi_builder_ok(b)) check(b, id, inputs, n, spec);
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    const tdagi_composite_def *def = rows[id].def;
    if (def->lower_formula != NULL) return def->lower_formula(b, id, inputs, n, spec);
    if (def->lower != NULL) return def->lower(b, inputs, n, spec);
    def->lower_pair(b, inputs[0], spec, pair);
    return pair[0];
}

bool tdagi_composite_is_pair(tdagi_composite id)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    return row != NULL && row->def->lower_pair != NULL;
}

void tdagi_lower_pair(tdag_builder *b, tdagi_composite id, tdag_value x,
                      const void *spec, tdag_value out[2])
{
    out[0] = out[1] = TDAG_NO_VALUE;
    if (tdagi_builder_ok(b)) check(b, id, &x, 1, spec);
    if (tdagi_builder_ok(b)) rows[id].def->lower_pair(b, x, spec, out);
}

tdag_value tdagi_unary_composite(tdag_builder *b, tdagi_composite id, tdag_value x)
{
    return tdagi_lower(b, id, &x, 1, NULL);
}
