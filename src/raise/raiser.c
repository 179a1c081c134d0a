/* See raiser.h. */
#include "raise/raiser.h"

#include <string.h>

#define CHEAP_ELEMENTS                                                                 \
    16384 /* weight-side arithmetic up to this size may be repeated */

void *tdagi_raiser_alloc(tdagi_raiser *r, size_t n, size_t size)
{
    return tdagi_arena_array(&r->arena, n, size);
}

void *tdagi_raiser_dup(tdagi_raiser *r, const void *data, size_t n, size_t size)
{
    void *p = tdagi_arena_array(&r->arena, n, size);
    if (p != NULL && n > 0) memcpy(p, data, n * size);
    return p;
}

int64_t tdagi_raiser_dim(const tdagi_raiser *r, tdag_dim d)
{
    int64_t number;
    if (r->values == NULL) return tdagi_dim_sample(r->pool, d);
    return tdagi_dim_eval(r->pool, d, r->values, &number) ? number : -1;
}

bool tdagi_raiser_is_cheap(const tdagi_raiser *r, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (tdagi_op_is_leaf(n->op) || tdagi_op_is_movement(n->op)) return true;
    if (!(r->facts[v.id] & TDAGI_FACT_WEIGHT)) return false;
    int64_t count = 1;
    for (uint32_t i = 0; i < n->rank; i++) {
        int64_t d = tdagi_dim_sample(r->pool, n->shape[i]);
        if (d > CHEAP_ELEMENTS) return false;
        count *= d;
        if (count > CHEAP_ELEMENTS) return false;
    }
    return true;
}

void tdagi_scratch_empty(tdagi_raiser *r)
{
    tdag_graph *g = r->scratch->graph;
    for (uint32_t id = 1; id <= g->n; id++)
        if (tdagi_op_holds_tensor(g->nodes[id].op))
            tdag_tensor_free(g->nodes[id].u.tensor);
    tdagi_arena_empty(&g->arena);
    g->n = 0;
    g->n_inputs = 0;
    g->n_scopes = 1;
    r->scratch->scope = 0;
    r->scratch->status = TDAG_OK;
}

tdag_status tdagi_scratch_settle(tdagi_raiser *r, bool *ok)
{
    tdag_status st = r->scratch->status;
    if (st == TDAG_OK) st = tdagi_pool_report(r->ctx, r->pool);
    *ok = st == TDAG_OK;
    if (*ok) return TDAG_OK;
    tdagi_builder_forgive(r->scratch);
    return tdagi_is_final(st) ? st : TDAG_OK;
}
