/* See call.h. Sizes that are bare symbols are taken first, whatever argument has them:
 * what they tell is certain, and the others may need it. */
#include "program/call.h"

typedef struct call {
    const tdag_graph *g;
    tdagi_pool *to;
    tdag_dim *sizes;
} call;

static bool is_told(const call *c, tdag_dim d)
{
    bool told = true;
    uint32_t n = tdagi_pool_n_symbols(c->g->pool);
    for (uint32_t s = 0; told && d < 0 && s < n; s++)
        told = c->sizes[s] != TDAGI_DIM_BAD || !tdagi_dim_has_symbol(c->g->pool, d, s);
    return told;
}

static void solve(const call *c, const tdagi_node *n, const tdagi_var_info *arg,
                  bool bare)
{
    for (uint32_t k = 0; k < n->rank; k++) {
        uint32_t s;
        int64_t factor, offset;
        tdag_dim d = n->shape[k];
        bool is_bare = tdagi_dim_is_affine(c->g->pool, d, &s, &factor, &offset) &&
                       factor == 1 && offset == 0;
        if (is_told(c, d) || (bare && !is_bare)) continue;
        tdagi_dim_solve(c->g->pool, d, c->to, arg->shape[k], false, c->sizes);
    }
}

void tdagi_call_solve(const tdag_graph *g, const tdagi_method *m, const tdagi_var *args,
                      tdagi_pool *to, tdag_dim *sizes)
{
    const call c = {g, to, sizes};
    for (int bare = 1; bare >= 0; bare--)
        for (uint32_t i = 0; i < g->n_inputs; i++) {
            const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
            const tdagi_var_info *arg = tdagi_method_var(m, args[i]);
            if (arg->rank == n->rank) solve(&c, n, arg, bare == 1);
        }
}
