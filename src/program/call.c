/* See call.h. Sizes that are bare symbols are taken first, whatever argument has them:
 * what they tell is certain, and the others may need it. Several N have one floor(N/2):
 * where the argument's dim is that of the method's symbol of that name, it is this. */
#include "program/call.h"

#include "program/name_map.h"

typedef struct solving {
    const tdag_graph *g;
    tdagi_pool *to;
    tdag_dim *sizes;
} solving;

static bool is_told(const solving *c, tdag_dim d)
{
    bool told = true;
    uint32_t n = tdagi_pool_n_symbols(c->g->pool);
    for (uint32_t s = 0; told && d < 0 && s < n; s++)
        told = c->sizes[s] != TDAGI_DIM_BAD || !tdagi_dim_has_symbol(c->g->pool, d, s);
    return told;
}

/* d is the argument's dim, over symbols of the same names, which are the sizes then. */
static void take_same(const solving *c, tdag_dim d)
{
    const tdagi_pool *from = c->g->pool;
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(from); s++) {
        if (c->sizes[s] != TDAGI_DIM_BAD || !tdagi_dim_has_symbol(from, d, s)) continue;
        c->sizes[s] = tdagi_dim_import(c->to, from, tdagi_pool_symbol_dim(from, s));
    }
}

static void solve(const solving *c, const tdagi_node *n, const tdagi_var_info *arg,
                  bool bare)
{
    for (uint32_t k = 0; k < n->rank; k++) {
        uint32_t s;
        int64_t factor, offset;
        tdag_dim d = n->shape[k];
        bool is_bare = tdagi_dim_is_affine(c->g->pool, d, &s, &factor, &offset) &&
                       factor == 1 && offset == 0;
        if (is_told(c, d) || (bare && !is_bare)) continue;
        if (!is_bare && tdagi_dim_same(c->g->pool, d, c->to, arg->shape[k]))
            take_same(c, d);
        else
            tdagi_dim_solve(c->g->pool, d, c->to, arg->shape[k], false, c->sizes);
    }
}

void tdagi_call_solve(const tdag_graph *g, const tdagi_method *m, const tdagi_var *args,
                      tdagi_pool *to, tdag_dim *sizes)
{
    const solving c = {g, to, sizes};
    for (int bare = 1; bare >= 0; bare--)
        for (uint32_t i = 0; i < g->n_inputs; i++) {
            const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
            const tdagi_var_info *arg = tdagi_method_var(m, args[i]);
            if (arg->rank == n->rank) solve(&c, n, arg, bare == 1);
        }
}

/* ---- results ---- */

/* By name, in time that grows with both numbers of symbols, not with their product. */
static tdag_status find_all(tdag_ctx *ctx, const tdag_graph *g, const tdagi_pool *to,
                            const unsigned char *seen, tdag_dim *sizes)
{
    tdagi_name_map names = {0};
    tdag_status st = TDAG_OK;
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(to) && st == TDAG_OK; i++)
        if (seen == NULL || seen[i] == 1)
            st = tdagi_name_map_put(ctx, &names, tdagi_pool_symbol(to, i, NULL), i + 1);
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(g->pool) && st == TDAG_OK; s++) {
        if (sizes[s] != TDAGI_DIM_BAD) continue;
        uint32_t i = tdagi_name_map_get(&names, tdagi_pool_symbol(g->pool, s, NULL));
        if (i != 0) sizes[s] = tdagi_pool_symbol_dim(to, i - 1);
    }
    tdagi_name_map_free(ctx, &names);
    return st;
}

static uint32_t first_open(const tdag_graph *g, const tdag_dim *sizes)
{
    uint32_t s = 0, n = tdagi_pool_n_symbols(g->pool);
    while (s < n && sizes[s] != TDAGI_DIM_BAD)
        s++;
    return s;
}

tdag_status tdagi_call_take_names(tdag_ctx *ctx, const tdag_graph *g,
                                  const tdagi_pool *to, const unsigned char *seen,
                                  tdag_dim *sizes, const char **missing_out)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    *missing_out = NULL;
    if (first_open(g, sizes) == n) return TDAG_OK;
    TDAGI_TRY(find_all(ctx, g, to, seen, sizes));
    uint32_t s = first_open(g, sizes);
    if (s < n) *missing_out = tdagi_pool_symbol(g->pool, s, NULL);
    return TDAG_OK;
}

static tdag_status infer(tdag_ctx *ctx, const tdag_graph *g, const tdagi_method *m,
                         const tdagi_statement *call, tdag_dim *sizes,
                         tdagi_type *types)
{
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(g->pool); s++)
        sizes[s] = TDAGI_DIM_BAD;
    for (uint32_t i = 0; i < call->n_bindings; i++)
        sizes[call->bindings[i].of] = call->bindings[i].symbol;
    tdagi_call_solve(g, m, call->inputs, m->pool, sizes);
    const char *missing;
    TDAGI_TRY(tdagi_call_take_names(ctx, g, m->pool, NULL, sizes, &missing));
    TDAGI_TRY(tdagi_pool_report(ctx, m->pool));
    if (missing != NULL)
        return tdagi_fail(ctx, TDAG_E_FORMAT, "nothing tells the graph's symbol %.80s",
                          missing);
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        tdagi_type *t = &types[i];
        tdagi_value_type(g, g->outputs[i], t);
        for (uint32_t k = 0; k < t->rank; k++)
            t->shape[k] = tdagi_dim_substitute(m->pool, g->pool, t->shape[k], sizes);
    }
    return tdagi_pool_report(ctx, m->pool);
}

tdag_status tdagi_call_types(tdag_ctx *ctx, const tdag_graph *g, const tdagi_method *m,
                             const tdagi_statement *call, tdagi_type *types)
{
    size_t size = tdagi_pool_n_symbols(g->pool) * sizeof(tdag_dim);
    void *sizes = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, size, &sizes));
    tdag_status st = infer(ctx, g, m, call, sizes, types);
    tdagi_free(ctx, sizes, size);
    return st;
}
