/* Copies of a graph made node by node through a builder: without dead nodes, or with
 * its symbols bound to numbers. */
#include <string.h>

#include "ir/graft.h"

tdag_status tdagi_graph_prune(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out)
{
    size_t n = (size_t)g->n + 1;
    void *live = NULL;
    tdag_builder *b = NULL;
    tdagi_graft t = {0};
    TDAGI_TRY(tdagi_array_alloc(ctx, n, 1, &live));
    memset(live, 0, n);
    tdagi_mark_live(g, live);
    tdag_status st = tdagi_builder_create_like(ctx, g, &b);
    if (st == TDAG_OK) st = tdagi_graft_init(&t, b, g, NULL);
    if (st == TDAG_OK) st = tdagi_graft_all(&t, live, out);
    tdagi_graft_free(&t);
    tdag_builder_free(b);
    tdagi_free(ctx, live, n);
    return st;
}

tdag_status tdagi_graph_bind(tdag_ctx *ctx, const tdag_graph *g, const int64_t *values,
                             tdag_graph **out)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    for (uint32_t i = 0; i < n; i++)
        if (values[i] < 0)
            return tdagi_fail(ctx, TDAG_E_ARG, "symbol %s would be %lld",
                              tdagi_pool_symbol(g->pool, i, NULL),
                              (long long)values[i]);
    static const tdag_dim none[1] = {0};
    tdag_builder *b = NULL;
    tdagi_graft t = {0};
    tdag_status st = tdag_builder_create(ctx, &b);
    if (st == TDAG_OK) st = tdagi_graft_init(&t, b, g, n == 0 ? none : values);
    if (st == TDAG_OK) st = tdagi_graft_all(&t, NULL, out);
    tdagi_graft_free(&t);
    tdag_builder_free(b);
    return st;
}
