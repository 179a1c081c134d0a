/* What is repeated without being written out: tiles that are split again, and rows that
 * several matrices multiply. */
#include "torchscript/export/export.h"

typedef struct axes_list {
    uint32_t n;
    int64_t v[TDAG_MAX_RANK];
} axes_list;

/* The new axes of a tile of x that is not written out: it has shape `k` then, each
 * count an axis of its own. False: it has not. */
static bool is_expanded(const tdagi_exporter *e, const tdagi_kernel *tile,
                        const tdagi_kernel *k, axes_list *fresh)
{
    const tdagi_tile_spec *s = tile->spec;
    const tdagi_kernel *x = tdagi_export_input(e, tile, 0);
    const uint32_t lead = s->counts.n - x->rank;
    uint32_t at = 0;
    fresh->n = 0;
    for (uint32_t i = 0; i < s->counts.n; i++) {
        const tdag_dim n = i < lead ? 1 : x->shape[i - lead], count = s->counts.v[i];
        if (count != 1 && n != 1) fresh->v[fresh->n++] = at;
        if (count != 1 && (at == k->rank || k->shape[at++] != count)) return false;
        if ((count == 1 || n != 1) && (at == k->rank || k->shape[at++] != n))
            return false;
    }
    return at == k->rank;
}

void tdagi_export_split_tile(tdagi_exporter *e, const tdagi_kernel *k,
                             const tdagi_kernel *tile)
{
    const tdag_list shape = {k->rank, k->shape};
    axes_list fresh;
    is_expanded(e, tile, k, &fresh);
    tdagi_export_value(e, tile->inputs[0]);
    tdagi_export_begin(e, k);
    tdagi_export_piece(e, k, "torch.expand(");
    for (uint32_t i = 0; i < fresh.n; i++)
        tdagi_export_piece(e, k, "torch.unsqueeze(");
    tdagi_export_piece(e, k, "%v", tile->inputs[0]);
    for (uint32_t i = 0; i < fresh.n; i++)
        tdagi_export_piece(e, k, ", %i)", fresh.v[i]);
    tdagi_export_piece(e, k, ", %l)", &shape);
    tdagi_export_end(e);
}

bool tdagi_export_is_split_tile(const tdagi_exporter *e, const tdagi_kernel *x,
                                const tdagi_kernel *k)
{
    axes_list fresh;
    if (x->composite != TDAGI_TILE) return false;
    while (tdagi_export_is_reshape(k) && e->deferred[tdagi_export_index(e, k)])
        k = tdagi_export_kernel(e, e->user[tdagi_export_index(e, k)]);
    const uint32_t i = tdagi_export_index(e, k);
    return tdagi_export_is_reshape(k) && e->uses[i] == 1 && e->user[i] != 0 &&
           is_expanded(e, x, k, &fresh);
}

uint32_t tdagi_export_repeated(const tdagi_exporter *e, uint32_t value, uint32_t axis)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, value), *x = k;
    axes_list fresh;
    uint32_t n = 0;
    while (e->uses[tdagi_export_index(e, x)] == 1 && tdagi_export_is_reshape(x))
        x = tdagi_export_input(e, x, 0);
    bool is_tile = x->composite == TDAGI_TILE;
    if (e->uses[tdagi_export_index(e, x)] != 1 ||
        !(is_tile ? is_expanded(e, x, k, &fresh) && fresh.n == 1 && fresh.v[0] == axis
                  : x == k && tdagi_export_is_core(x, TDAG_OP_REPEAT)))
        return 0;
    const tdag_list counts = is_tile ? ((const tdagi_tile_spec *)x->spec)->counts
                                     : ((const tdag_repeat_spec *)x->spec)->counts;
    for (uint32_t i = 0; i < counts.n; i++)
        n += counts.v[i] != 1;
    return n == 1 && (is_tile || counts.v[axis] != 1) ? x->inputs[0] : 0;
}

void tdagi_export_plan_rows(tdagi_exporter *e, const tdagi_kernel *k)
{
    uint32_t shared = tdagi_export_shared_rows(e, k);
    if (shared == 0) return;
    for (uint32_t i = k->inputs[0]; i != shared;
         i = tdagi_export_kernel(e, i)->inputs[0])
        e->deferred[i] = 1;
    e->deferred[shared] |=
        e->uses[shared] == 1 && tdagi_export_is_reshape(tdagi_export_kernel(e, shared));
}
