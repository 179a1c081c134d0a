/* See walk.h. */
#include "transform/axis/walk.h"

#include "transform/compose/cut.h"

tdag_status tdagi_axis_get_operands(tdag_ctx *ctx, const tdag_graph *g,
                                    tdagi_arena *arena, tdagi_axis_operands *out)
{
    uint32_t most = 0;
    void *types, *marks, *in;
    for (uint32_t id = 1; id <= g->n; id++)
        if (g->nodes[id].n_inputs > most) most = g->nodes[id].n_inputs;
    TDAGI_TRY(tdagi_scratch(ctx, arena, most, sizeof(tdagi_type), &types));
    TDAGI_TRY(tdagi_scratch(ctx, arena, most, sizeof(tdagi_mark), &marks));
    TDAGI_TRY(tdagi_scratch(ctx, arena, most, sizeof(uint32_t), &in));
    *out = (tdagi_axis_operands){types, marks, in};
    return TDAG_OK;
}

static tdag_status fail_at(tdag_ctx *ctx, const tdag_graph *g, tdag_value v,
                           tdag_status st)
{
    char buf[16];
    if (st == TDAG_OK || tdagi_is_final(st)) return st;
    return tdagi_fail_at_node(ctx, tdagi_value_name(g, v, buf),
                              tdagi_value_scope(g, v));
}

tdag_status tdagi_axis_walk(tdag_ctx *ctx, const tdag_graph *g,
                            const tdagi_axis_rewriter *by)
{
    for (uint32_t id = 1; id <= g->n; id++)
        TDAGI_TRY(fail_at(ctx, g, (tdag_value){id}, by->add_node(by->self, id)));
    for (uint32_t i = 0; i < g->n_outputs; i++)
        TDAGI_TRY(
            fail_at(ctx, g, g->outputs[i], by->add_output(by->self, g->outputs[i])));
    return TDAG_OK;
}
