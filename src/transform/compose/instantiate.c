/* See instantiate.h. */
#include "transform/compose/instantiate.h"

#include <stdio.h>
#include <string.h>

#include "base/dim/type_text.h"
#include "ir/names.h"

/* One dim of the builder's pool per symbol: first what inputs show alone, then what
 * they show in an expression; what none shows is the symbol of that name. */
static void replace_symbols(const tdagi_instance *in, tdag_dim *replacements)
{
    tdagi_pool *to = tdagi_builder_pool(in->b);
    const tdag_graph *g = in->g;
    uint32_t n_symbols = tdagi_pool_n_symbols(g->pool);
    for (uint32_t s = 0; s < n_symbols; s++)
        replacements[s] = in->sizes == NULL ? TDAGI_DIM_BAD : in->sizes[s];
    for (int alone = 1; alone >= 0 && in->sizes == NULL; alone--)
        for (uint32_t i = 0; i < g->n_inputs; i++) {
            const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
            if (in->inputs[i].id == 0 ||
                tdag_builder_get_rank(in->b, in->inputs[i]) != n->rank)
                continue;
            const tdag_dim *shape = tdag_builder_get_shape(in->b, in->inputs[i]);
            for (uint32_t k = 0; k < n->rank; k++) {
                uint32_t s;
                int64_t factor, offset;
                bool affine =
                    tdagi_dim_is_affine(g->pool, n->shape[k], &s, &factor, &offset);
                if (alone == 1 && !(affine && factor == 1 && offset == 0)) continue;
                tdagi_dim_solve(g->pool, n->shape[k], to, shape[k], false,
                                replacements);
            }
        }
    for (uint32_t s = 0; s < n_symbols; s++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(g->pool, s, &sample);
        if (replacements[s] == TDAGI_DIM_BAD)
            replacements[s] = tdagi_dim_symbol(to, name, sample);
    }
}

/* The value that feeds input i must be of its type. */
static tdag_status check_fed(tdag_ctx *ctx, const tdagi_instance *in, tdagi_graft *t,
                             uint32_t i)
{
    char name[16], want_text[256], got_text[256];
    const tdagi_node *n = tdagi_graph_node(in->g, in->g->inputs[i]);
    tdag_value v = in->inputs[i];
    tdag_dtype dtype = tdag_builder_get_dtype(in->b, v);
    uint32_t rank = tdag_builder_get_rank(in->b, v);
    const tdag_dim *shape = tdag_builder_get_shape(in->b, v);
    tdag_dim want[TDAG_MAX_RANK];
    bool same = rank == n->rank;
    for (uint32_t k = 0; k < n->rank; k++) {
        want[k] = tdagi_graft_dim(t, n->shape[k]);
        same = same && want[k] == shape[k];
    }
    TDAGI_TRY(tdagi_pool_report(ctx, tdagi_builder_pool(in->b)));
    if (same && dtype == (tdag_dtype)n->dtype) return TDAG_OK;
    const tdagi_pool *pool = tdagi_builder_pool(in->b);
    tdagi_type_text(pool, (tdag_dtype)n->dtype, n->rank, want, want_text,
                    sizeof(want_text));
    tdagi_type_text(pool, dtype, rank, shape, got_text, sizeof(got_text));
    return tdagi_fail(ctx, same ? TDAG_E_DTYPE : TDAG_E_SHAPE,
                      "input %s of %s takes %s, the value that feeds it is %s",
                      tdagi_value_name(in->g, in->g->inputs[i], name), in->what,
                      want_text, got_text);
}

/* The leaf of the builder that is this one: same kind, name and memory. */
static tdag_value known_leaf(tdagi_graft *t, const tdagi_node *n)
{
    const char *name = tdagi_graft_text(t, n->name);
    const tdag_graph *to = t->b->graph;
    uint32_t id = name == NULL || to == NULL ? 0 : tdagi_names_find(to, name);
    if (id == 0) return TDAG_NO_VALUE;
    const tdagi_node *other = &to->nodes[id];
    bool same =
        other->op == n->op && other->dtype == n->dtype && other->rank == n->rank &&
        (n->rank == 0 ||
         memcmp(other->shape, n->shape, n->rank * sizeof(tdag_dim)) == 0) &&
        tdag_tensor_get_data(other->u.tensor) == tdag_tensor_get_data(n->u.tensor);
    return (tdag_value){same ? id : 0};
}

static tdag_status copy_all(tdag_ctx *ctx, const tdagi_instance *in, tdagi_graft *t)
{
    const tdag_graph *g = in->g;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        if (in->inputs[i].id == 0) continue;
        TDAGI_TRY(check_fed(ctx, in, t, i));
        t->new_of[g->inputs[i].id] = in->inputs[i];
    }
    for (uint32_t id = 1; id <= g->n; id++) {
        if (t->new_of[id].id != 0) continue;
        if (tdagi_op_holds_tensor(g->nodes[id].op))
            t->new_of[id] = known_leaf(t, &g->nodes[id]);
        if (t->new_of[id].id == 0) tdagi_graft_node(t, id);
    }
    memcpy(in->new_of, t->new_of, ((size_t)g->n + 1) * sizeof(tdag_value));
    return tdag_builder_get_status(in->b);
}

tdag_status tdagi_instantiate(tdag_ctx *ctx, const tdagi_instance *in)
{
    uint32_t n = tdagi_pool_n_symbols(in->g->pool);
    void *replacements = NULL;
    tdagi_graft t = {0};
    TDAGI_TRY(tdag_builder_get_status(in->b));
    TDAGI_TRY(tdagi_array_alloc(ctx, (size_t)n + 1, sizeof(tdag_dim), &replacements));
    replace_symbols(in, replacements);
    tdag_status st = tdagi_pool_report(ctx, tdagi_builder_pool(in->b));
    if (st == TDAG_OK) st = tdagi_graft_init(&t, in->b, in->g, replacements);
    t.prefix = in->prefix;
    if (st == TDAG_OK) st = copy_all(ctx, in, &t);
    tdagi_graft_free(&t);
    tdagi_free(ctx, replacements, ((size_t)n + 1) * sizeof(tdag_dim));
    return st;
}
