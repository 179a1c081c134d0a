/* tdag_graph_simplify: the passes, over and over until none of them changes anything.
 */
#include <tdagger/simplify.h>

#include "transform/simplify/fold.h"
#include "transform/simplify/normal.h"
#include "transform/simplify/rewrite.h"

#define DEFAULT_CONSTANT_LIMIT 65536

/* Rules fire in every walk for outputs that keep a name on a node they would remove, so
 * a walk is the last one when it changes nothing. Depth of rules is bounded per walk;
 * this many walks unwind whatever is unwound at all. */
#define MOST_WALKS 1000

static const tdagi_rule_table tables[] = {{TDAG_PASS_CONSTANTS, tdagi_constant_rules},
                                          {TDAG_PASS_IDENTITIES, tdagi_identity_rules},
                                          {TDAG_PASS_VIEWS, tdagi_view_rules},
                                          {TDAG_PASS_VIEWS, tdagi_reshape_rules},
                                          {TDAGI_PASS_NORMAL, tdagi_normal_rules},
                                          {0, NULL}};

tdag_status tdagi_rewrite_load(tdag_ctx *ctx, const tdag_simplify_options *options,
                               tdagi_rewrite_options *out)
{
    tdag_simplify_options o;
    const uint32_t known = TDAG_PASS_EXACT | TDAG_PASS_FOLD;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    if (o.passes & ~known)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no simplification pass 0x%x",
                          (unsigned)(o.passes & ~known));
    out->tables = tables;
    out->passes = o.passes != 0 ? o.passes : TDAG_PASS_EXACT;
    out->constant_limit =
        o.constant_limit != 0 ? o.constant_limit : DEFAULT_CONSTANT_LIMIT;
    out->inexact = (out->passes & TDAG_PASS_FOLD) != 0;
    return TDAG_OK;
}

/* Walks from *g, which is replaced, until nothing changes. */
static tdag_status settle(tdag_ctx *ctx, const tdagi_rewrite_options *o, tdag_graph **g)
{
    bool changed = true;
    for (int i = 0; changed && i < MOST_WALKS; i++) {
        tdag_graph *next = NULL;
        uint64_t n_fired = 0;
        TDAGI_TRY(tdagi_rewrite(ctx, *g, o, &n_fired, &next));
        changed = n_fired > 0 && !tdag_graph_equal(*g, next);
        tdag_graph_free(*g);
        *g = next;
    }
    return TDAG_OK;
}

static tdag_status fold_once(tdag_ctx *ctx, const tdagi_rewrite_options *o,
                             bool *folded, tdag_graph **g)
{
    tdag_graph *next = NULL;
    TDAGI_TRY(tdagi_fold_weights(ctx, *g, folded, &next));
    tdag_graph_free(*g);
    *g = next;
    return *folded ? settle(ctx, o, g) : TDAG_OK;
}

static tdag_status simplified(tdag_ctx *ctx, const tdag_graph *graph,
                              const tdagi_rewrite_options *o, tdag_graph **out)
{
    tdag_graph *g = tdag_graph_copy(graph);
    bool folded = true;
    tdag_status st = settle(ctx, o, &g);
    while (st == TDAG_OK && folded && o->passes & TDAG_PASS_FOLD)
        st = fold_once(ctx, o, &folded, &g);
    if (st == TDAG_OK) {
        *out = g;
        g = NULL;
    }
    tdag_graph_free(g);
    return st;
}

tdag_status tdag_graph_simplify(tdag_ctx *ctx, const tdag_graph *graph,
                                const tdag_simplify_options *options, tdag_graph **out)
{
    tdagi_rewrite_options o;
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_rewrite_load(ctx, options, &o));
    return simplified(ctx, graph, &o, out);
}

tdag_status tdagi_normal_form(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out)
{
    tdagi_rewrite_options o;
    TDAGI_TRY(tdagi_rewrite_load(ctx, NULL, &o));
    o.passes |= TDAGI_PASS_NORMAL;
    return simplified(ctx, g, &o, out);
}
