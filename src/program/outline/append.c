/* The graph of an append: made, and known again by making it once more; and what else
 * puts one row into others. */
#include "program/outline/outline.h"

#include <stdio.h>

#include "derive/derive.h"

tdag_value tdagi_add_row(tdag_builder *b, tdagi_row_way way, const tdag_value v[3])
{
    tdag_value row = tdagi_unsqueeze1(b, v[1], 0), i = v[2];
    if (way == TDAGI_APPEND_ROW)
        return tdagi_concat(b, (const tdag_value[]){v[0], row}, 2, 0);
    const tdag_dim *shape = tdag_builder_get_shape(b, v[0]);
    if (way == TDAGI_SET_ROW_BACK && shape != NULL) {
        i = tdagi_mul(b, i, tdag_add_scalar(b, TDAG_I64, -1));
        i = tdagi_add(b, i, tdag_add_scalar(b, TDAG_I64, (double)(shape[0] - 1)));
    }
    return tdag_scatter(b, v[0], tdagi_unsqueeze1(b, i, 0), row, 0, TDAG_SCATTER_SET);
}

/* dims: of the builder's pool */
static void add_graph(tdag_builder *b, tdagi_row_way way, tdag_dtype dtype,
                      uint32_t rank, const tdag_dim *dims, const char *const names[3])
{
    tdag_value v[3] = {{0}};
    v[0] = tdag_add_input(b, names[0], dtype, rank, dims);
    v[1] = tdag_add_input(b, names[1], dtype, rank - 1, dims + 1);
    if (way != TDAGI_APPEND_ROW) v[2] = tdag_add_input(b, names[2], TDAG_I64, 0, NULL);
    tdag_builder_add_output(b, tdagi_add_row(b, way, v));
}

tdag_status tdagi_append_graph(tdag_ctx *ctx, const tdagi_pool *pool, tdag_dtype dtype,
                               uint32_t rank, const tdag_dim *shape, tdag_graph **out)
{
    static const char *const names[3] = {"rows", "row", NULL};
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
    add_graph(b, TDAGI_APPEND_ROW, dtype, rank, dims, names);
    tdag_status st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

static tdag_status compare(tdag_ctx *ctx, const tdag_graph *g, tdagi_row_way way,
                           bool *out)
{
    tdag_builder *b = NULL;
    tdag_graph *like = NULL;
    const tdagi_node *t = tdagi_graph_node(g, g->inputs[0]);
    static const char *const names[3] = {NULL};
    tdag_dim dims[TDAG_MAX_RANK];
    TDAGI_TRY(tdag_builder_create(ctx, &b));
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i] = tdagi_dim_import(tdagi_builder_pool(b), g->pool, t->shape[i]);
    add_graph(b, way, (tdag_dtype)t->dtype, t->rank, dims, names);
    tdag_status st = tdag_builder_finish(b, &like);
    if (st == TDAG_OK) *out = tdagi_graph_computes_equal(g, like);
    tdag_graph_free(like);
    tdag_builder_free(b);
    return st == TDAG_E_NOMEM ? st : TDAG_OK;
}

tdag_status tdagi_find_row_way(tdag_ctx *ctx, const tdag_graph *g, tdagi_row_way *out)
{
    *out = TDAGI_NO_ROW;
    if (g->n_inputs < 2 || g->n_inputs > 3 || g->n_outputs != 1 || g->n > 16)
        return TDAG_OK;
    const tdagi_node *t = tdagi_graph_node(g, g->inputs[0]),
                     *v = tdagi_graph_node(g, g->inputs[1]);
    if (t->rank == 0 || v->rank + 1 != t->rank || t->dtype != v->dtype ||
        (g->n_inputs == 3 && t->shape[0] < 0))
        return TDAG_OK;
    bool is = false;
    int last = g->n_inputs == 2 ? TDAGI_APPEND_ROW : TDAGI_SET_ROW_BACK;
    for (int way = last == TDAGI_APPEND_ROW ? last : TDAGI_SET_ROW; way <= last;
         way++) {
        TDAGI_TRY(compare(ctx, g, (tdagi_row_way)way, &is));
        if (is) *out = (tdagi_row_way)way;
    }
    return TDAG_OK;
}

tdag_status tdagi_is_append(tdag_ctx *ctx, const tdag_graph *g, bool *out)
{
    tdagi_row_way way = TDAGI_NO_ROW;
    *out = false;
    if (g->n_inputs == 2) TDAGI_TRY(tdagi_find_row_way(ctx, g, &way));
    *out = way == TDAGI_APPEND_ROW;
    return TDAG_OK;
}
