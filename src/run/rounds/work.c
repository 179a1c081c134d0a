/* What kernels and values of the step are. */
#include "run/rounds/work.h"

#include <string.h>

tdag_status tdagi_round_take(tdagi_rounds *w, size_t n, size_t size, void **out)
{
    *out = tdagi_arena_array(&w->arena, n, size);
    return *out == NULL ? tdagi_nomem(w->f->ctx) : TDAG_OK;
}

uint32_t tdagi_round_position(const tdagi_var *v, uint32_t n, tdagi_var x)
{
    uint32_t i = 0;
    while (i < n && v[i].id != x.id)
        i++;
    return i;
}

const tdagi_var *tdagi_round_params(const tdagi_rounds *w)
{
    return w->loop->blocks->params + 1;
}

const tdag_tensor *tdagi_round_argument(const tdagi_rounds *w, uint32_t i)
{
    const tdagi_var x = w->step->inputs[i];
    uint32_t k = tdagi_round_position(tdagi_round_params(w), w->loop->n_results, x);
    return k < w->loop->n_results ? w->now[k] : w->f->values[x.id];
}

bool tdagi_round_same_dims(uint32_t rank, const tdag_dim *a, const tdag_dim *b)
{
    return rank == 0 || memcmp(a, b, rank * sizeof *a) == 0;
}

const tdag_tensor *tdagi_round_given(const tdagi_rounds *w, uint32_t i)
{
    const tdag_graph *g = w->r->graph;
    for (uint32_t n = 0; n < g->n_inputs && tdagi_round_is(w, i, TDAG_OP_INPUT); n++)
        if (g->inputs[n].id == tdagi_round_kernel(w, i)->value.id)
            return tdagi_round_argument(w, n);
    return NULL;
}

static bool is_leaf(const tdagi_rounds *w, uint32_t i)
{
    return i != 0 && tdagi_round_kernel(w, i)->composite == TDAGI_CORE &&
           tdagi_op_holds_tensor(tdagi_round_kernel(w, i)->op) &&
           tdagi_round_kernel(w, i)->dtype == w->dtype;
}

const tdag_tensor *tdagi_round_constant(const tdagi_rounds *w, uint32_t i)
{
    if (is_leaf(w, i))
        return tdagi_graph_node(w->r->graph, tdagi_round_kernel(w, i)->value)->u.tensor;
    const tdag_tensor *t = i == 0 || tdagi_round_kernel(w, i)->dtype != w->dtype
                               ? NULL
                               : tdagi_round_given(w, i);
    for (uint32_t k = 0; k < w->loop->n_results; k++)
        if (t == w->now[k]) return NULL;
    return t;
}
