/* The graph of an append: made, and known again by making it once more. */
#include "program/outline/outline.h"

#include <stdio.h>

#include "derive/derive.h"

/* dims: of the builder's pool */
static void add_append(tdag_builder *b, tdag_dtype dtype, uint32_t rank,
                       const tdag_dim *dims, const char *const names[2])
{
    tdag_value v[2];
    v[0] = tdag_add_input(b, names[0], dtype, rank, dims);
    v[1] = tdag_add_input(b, names[1], dtype, rank - 1, dims + 1);
    v[1] = tdagi_unsqueeze1(b, v[1], 0);
    tdag_builder_add_output(b, tdagi_concat(b, v, 2, 0));
}

tdag_status tdagi_append_graph(tdag_ctx *ctx, const tdagi_pool *pool, tdag_dtype dtype,
                               uint32_t rank, const tdag_dim *shape, tdag_graph **out)
{
    static const char *const names[2] = {"rows", "row"};
    tdag_builder *b = NULL;
    tdag_dim dims[TDAG_MAX_RANK];
    TDAGI_TRY(tdag_builder_create(ctx, &b));
    for (uint32_t i = 0; i < rank; i++) {
        char name[16];
        snprintf(name, sizeof name, i == 0 ? "T" : "D%u", (unsigned)i);
        int64_t sample = tdagi_dim_sample(pool, shape[i]);
        dims[i] =
            i > 0 && shape[i] >= 0 ? shape[i] : tdag_builder_symbol(b, name, sample);
    }
    add_append(b, dtype, rank, dims, names);
    tdag_status st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

static tdag_status compare(tdag_ctx *ctx, const tdag_graph *g, bool *out)
{
    tdag_builder *b = NULL;
    tdag_graph *like = NULL;
    const tdagi_node *t = tdagi_graph_node(g, g->inputs[0]);
    const char *const names[2] = {t->name, tdagi_graph_node(g, g->inputs[1])->name};
    tdag_dim dims[TDAG_MAX_RANK];
    TDAGI_TRY(tdag_builder_create(ctx, &b));
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i] = tdagi_dim_import(tdagi_builder_pool(b), g->pool, t->shape[i]);
    add_append(b, (tdag_dtype)t->dtype, t->rank, dims, names);
    tdag_status st = tdag_builder_finish(b, &like);
    if (st == TDAG_OK) *out = tdag_graph_equal(g, like);
    tdag_graph_free(like);
    tdag_builder_free(b);
    return st == TDAG_E_NOMEM ? st : TDAG_OK;
}

tdag_status tdagi_is_append(tdag_ctx *ctx, const tdag_graph *g, bool *out)
{
    *out = false;
    if (g->n_inputs != 2 || g->n_outputs != 1 || g->n > 16) return TDAG_OK;
    const tdagi_node *t = tdagi_graph_node(g, g->inputs[0]),
                     *v = tdagi_graph_node(g, g->inputs[1]);
    if (t->rank == 0 || v->rank + 1 != t->rank || t->dtype != v->dtype) return TDAG_OK;
    return compare(ctx, g, out);
}
