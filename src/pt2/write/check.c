/* The proof of a written program: it is read as any other is, and the graph that comes
 * out is compared with the one that went in. Values are matched by their names. */
#include "proof/proof.h"
#include "pt2/pt2.h"
#include "pt2/write/write.h"

static void match(const tdagi_pt2_writer *w, const tdag_graph *b, uint32_t *partner)
{
    const tdagi_raised *r = w->s->raised;
    for (uint32_t i = 1; i <= r->n; i++) {
        const tdagi_any v = w->values[i];
        if (v.kind != TDAGI_ANY_TENSOR || r->kernels[i].value.id == 0) continue;
        const char *name = tdagi_pt2_label(w, tdagi_pt2_cell_key(v.u.tensor));
        tdag_value there = name == NULL ? TDAG_NO_VALUE : tdag_graph_find(b, name);
        if (there.id == 0 || tdagi_op_is_leaf(b->nodes[there.id].op)) continue;
        partner[there.id] = r->kernels[i].value.id;
    }
}

static tdag_status compare(tdagi_pt2_writer *w, const tdag_graph *b)
{
    void *partner = NULL;
    uint32_t wrong = 0;
    const tdagi_raised *r = w->s->raised;
    TDAGI_TRY(tdagi_array_alloc(w->ctx, b->n + 1u, sizeof(uint32_t), &partner));
    match(w, b, partner);
    tdag_status st = tdagi_prove_file(w->ctx, w->g, b, partner, &wrong);
    tdagi_free(w->ctx, partner, (b->n + 1u) * sizeof(uint32_t));
    if (wrong != 0) w->wrong = r->kernels[r->kernel_of[wrong]].composite;
    return st;
}

tdag_status tdagi_pt2_check(tdagi_pt2_writer *w, tdagi_mapping *archive)
{
    const tdagi_pt2_file file = {archive, "the export"};
    tdag_pt2_options o;
    tdag_model *model = NULL;
    tdag_pt2_options_init(&o);
    o.program = w->program;
    tdag_status st = tdagi_pt2_read(w->ctx, &file, NULL, 0, &o, &model);
    if (st != TDAG_OK) return tdagi_file_is_wrong(w->ctx, st);
    st = compare(w, tdag_model_get_graph(model));
    tdag_model_free(model);
    return st;
}
