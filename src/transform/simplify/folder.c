/* See folder.h: what the walk and the rules of folding share. */
#include "transform/simplify/folder.h"

#include <math.h>

#include "transform/simplify/rewrite.h"

tdag_status tdagi_folder_note(tdagi_folder *f, tdag_value v, const tdagi_folded *info)
{
    if (v.id == 0) return tdag_builder_get_status(f->b);
    if (v.id >= f->n_infos) {
        uint32_t n = v.id + v.id / 2 + 64;
        void *p = f->infos;
        TDAGI_TRY(tdagi_realloc(f->ctx, &p, f->n_infos * sizeof(*f->infos),
                                n * sizeof(*f->infos)));
        f->infos = p;
        f->n_infos = n;
    }
    f->infos[v.id] = *info;
    return TDAG_OK;
}

bool tdagi_tensor_is_finite(const tdag_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        if (!isfinite(tdagi_tensor_get_f64(t, i))) return false;
    return true;
}

const char *tdagi_folder_name(const tdagi_folder *f, tdag_value v)
{
    const char *wanted = f->infos[v.id].name;
    return wanted != NULL ? wanted : f->b->graph->nodes[v.id].name;
}

int tdagi_folder_weight_operand(const tdagi_folder *f, tdag_value v)
{
    const tdagi_node *n = &f->b->graph->nodes[v.id];
    if (n->n_inputs != 2 || !tdag_dtype_is_float((tdag_dtype)n->dtype)) return -1;
    for (int i = 0; i < 2; i++) {
        const tdagi_node *x = &f->b->graph->nodes[n->in.few[1 - i].id];
        if (!tdagi_is_weight(f, n->in.few[i]) || tdagi_is_weight(f, n->in.few[1 - i]))
            continue;
        bool same = x->rank == n->rank;
        for (uint32_t k = 0; same && k < n->rank; k++)
            same = x->shape[k] == n->shape[k];
        return same ? i : -1;
    }
    return -1;
}

uint8_t tdagi_folder_weight_depth(const tdagi_folder *f, tdag_value v)
{
    const tdagi_node *n = &f->b->graph->nodes[v.id];
    const tdagi_opdef *def = tdagi_node_def(n);
    if (tdagi_op_holds_tensor(n->op)) return 0;
    if (def->eval == NULL || n->n_inputs > TDAGI_INLINE_INPUTS) return TDAGI_NO_WEIGHT;
    if (!tdagi_spec_is_fixed(def->fields, n->u.spec)) return TDAGI_NO_WEIGHT;
    uint8_t depth = 0;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        uint8_t d = f->infos[n->in.few[i].id].weight;
        if (d >= TDAGI_DEEPEST_WEIGHT) return TDAGI_NO_WEIGHT;
        if (d + 1 > depth) depth = (uint8_t)(d + 1);
    }
    return depth;
}

void tdagi_folder_scope(tdagi_folder *f, tdag_value v)
{
    const tdag_graph *g = f->b->graph;
    tdag_builder_set_scope(f->b, g->scopes[g->nodes[v.id].scope]);
}

tdag_status tdagi_folder_add(tdagi_folder *f, tdag_value like, const tdag_value *in,
                             tdag_value *out)
{
    const tdagi_node n = f->b->graph->nodes[like.id];
    tdagi_folded info = f->infos[like.id];
    info.uses = 1;
    info.weight = TDAGI_NO_WEIGHT;
    info.name = tdagi_folder_name(f, like);
    tdagi_folder_scope(f, like);
    *out = tdag_add_node(f->b, (tdag_op)n.op, n.u.spec, tdagi_node_def(&n)->spec_size,
                         in, n.n_inputs);
    TDAGI_TRY(tdagi_folder_note(f, *out, &info));
    if (out->id != 0) f->infos[out->id].weight = tdagi_folder_weight_depth(f, *out);
    return TDAG_OK;
}

tdag_status tdagi_folder_tensor(tdagi_folder *f, tdag_value v, tdag_tensor **out)
{
    tdagi_node n = f->b->graph->nodes[v.id];
    if (tdagi_op_holds_tensor(n.op)) {
        *out = tdag_tensor_copy(n.u.tensor);
        return TDAG_OK;
    }
    tdag_tensor *in[3] = {NULL};
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; st == TDAG_OK && i < n.n_inputs; i++)
        st = tdagi_folder_tensor(f, n.in.few[i], &in[i]);
    const tdag_tensor *lent[3] = {in[0], in[1], in[2]};
    if (st == TDAG_OK)
        st = tdagi_factor_apply(&f->factors, (tdag_op)n.op, n.u.spec, n.n_inputs, lent,
                                out);
    for (uint32_t i = 0; i < n.n_inputs; i++)
        tdag_tensor_free(in[i]);
    return st;
}

void tdagi_folder_step(const tdagi_folder *f, tdag_value v, tdagi_step *step,
                       tdagi_type types[2])
{
    const tdagi_node *n = &f->b->graph->nodes[v.id];
    tdagi_value_type(f->b->graph, n->in.few[0], &types[0]);
    tdagi_value_type(f->b->graph, v, &types[1]);
    *step = (tdagi_step){(tdag_op)n->op, n->u.spec, &types[0], &types[1]};
}
