/* Cutting a part out of a graph. In order: what the outputs need, walking back to the
 * inputs, is marked; a model input that is reached is an error; symbols get dims that
 * the new inputs show; the marked nodes are copied.
 *
 * Where the inputs show a symbol only inside an expression, that expression becomes a
 * symbol of its own, and the old symbol some dim that yields it. The part is right only
 * if it does not matter which one, so it is built twice, with two of them, and both
 * must come out equal. */
#include "transform/compose/cut.h"

#include <string.h>

#include "ir/graft.h"

tdag_status tdagi_scratch(tdag_ctx *ctx, tdagi_arena *arena, size_t n, size_t size,
                          void **out)
{
    *out = tdagi_arena_array(arena, n + 1, size);
    if (*out == NULL) return tdagi_nomem(ctx);
    memset(*out, 0, (n + 1) * size);
    return TDAG_OK;
}

typedef struct cutting {
    tdag_ctx *ctx;
    const tdag_graph *g;
    const tdagi_cut *cut;
    unsigned char *is_input, *need; /* by id */
} cutting;

/* An output needs a model input that is not cut: E_ARG, naming both. */
static tdag_status fail_reached(cutting *c, uint32_t input)
{
    char name[16], user[16];
    for (uint32_t id = 1; id <= c->g->n; id++) {
        if (!c->need[id] || c->is_input[id]) continue;
        const tdag_value *in = tdagi_node_inputs(&c->g->nodes[id]);
        for (uint32_t i = 0; i < c->g->nodes[id].n_inputs; i++) {
            if (in[i].id != input) continue;
            tdagi_fail(c->ctx, TDAG_E_ARG,
                       "the cut does not separate: %s, which an output needs, uses the "
                       "model's input %s, which is not among the cut's inputs",
                       tdagi_value_name(c->g, (tdag_value){id}, user),
                       tdagi_value_name(c->g, in[i], name));
            return tdagi_fail_at_node(c->ctx,
                                      tdagi_value_name(c->g, (tdag_value){id}, user),
                                      tdagi_value_scope(c->g, (tdag_value){id}));
        }
    }
    return tdagi_fail(c->ctx, TDAG_E_ARG,
                      "the model's input %s is an output of the cut, but not among its "
                      "inputs",
                      tdagi_value_name(c->g, (tdag_value){input}, name));
}

static tdag_status mark(cutting *c)
{
    char name[16];
    for (uint32_t i = 0; i < c->cut->inputs.n; i++) {
        uint32_t id = c->cut->inputs.v[i].id;
        if (c->is_input[id])
            return tdagi_fail(c->ctx, TDAG_E_ARG, "%s is an input of the cut twice",
                              tdagi_value_name(c->g, (tdag_value){id}, name));
        c->is_input[id] = 1;
    }
    for (uint32_t i = 0; i < c->cut->outputs.n; i++)
        c->need[c->cut->outputs.v[i].id] = 1;
    for (uint32_t id = c->g->n; id >= 1; id--) {
        const tdagi_node *n = &c->g->nodes[id];
        if (!c->need[id] || c->is_input[id]) continue;
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            c->need[in[i].id] = 1;
    }
    for (uint32_t id = 1; id <= c->g->n; id++)
        if (c->need[id] && !c->is_input[id] && c->g->nodes[id].op == TDAG_OP_INPUT)
            return fail_reached(c, id);
    for (uint32_t i = 0; i < c->cut->inputs.n && c->cut->needs_all; i++)
        if (!c->need[c->cut->inputs.v[i].id])
            return tdagi_fail(c->ctx, TDAG_E_ARG, "no output of the cut needs %s",
                              tdagi_value_name(c->g, c->cut->inputs.v[i], name));
    return TDAG_OK;
}

/* ---- symbols ---- */

/* Is a dim a symbol alone, or with a factor and an offset? Then it stays what it is. */
static void keep_symbols(cutting *c, tdagi_pool *to, tdag_dim *replacements)
{
    const tdagi_pool *pool = c->g->pool;
    for (uint32_t i = 0; i < c->cut->inputs.n; i++) {
        const tdagi_node *n = tdagi_graph_node(c->g, c->cut->inputs.v[i]);
        for (uint32_t axis = 0; axis < n->rank; axis++) {
            uint32_t s;
            int64_t factor, offset, sample;
            if (!tdagi_dim_is_affine(pool, n->shape[axis], &s, &factor, &offset) ||
                replacements[s] != TDAGI_DIM_BAD)
                continue;
            const char *name = tdagi_pool_symbol(pool, s, &sample);
            replacements[s] = tdagi_dim_symbol(to, name, sample);
        }
    }
}

/* The first symbol of a dim that has no replacement yet; false if there is none. */
static bool open_symbol(const tdagi_pool *pool, tdag_dim d,
                        const tdag_dim *replacements, uint32_t *out)
{
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(pool); s++)
        if (replacements[s] == TDAGI_DIM_BAD && tdagi_dim_has_symbol(pool, d, s)) {
            *out = s;
            return true;
        }
    return false;
}

/* A dim that shows a symbol only inside becomes a symbol with that one's name. */
static void solve_symbols(cutting *c, tdagi_pool *to, bool other,
                          tdag_dim *replacements)
{
    const tdagi_pool *pool = c->g->pool;
    for (uint32_t i = 0; i < c->cut->inputs.n; i++) {
        const tdagi_node *n = tdagi_graph_node(c->g, c->cut->inputs.v[i]);
        for (uint32_t axis = 0; axis < n->rank; axis++) {
            uint32_t s;
            if (!open_symbol(pool, n->shape[axis], replacements, &s)) continue;
            tdag_dim shown = tdagi_dim_symbol(to, tdagi_pool_symbol(pool, s, NULL),
                                              tdagi_dim_sample(pool, n->shape[axis]));
            tdagi_dim_solve(pool, n->shape[axis], to, shown, other, replacements);
        }
    }
}

/* One dim of `to` per symbol. What the inputs do not show at all is its sample, or one
 * more. */
static void replace_symbols(cutting *c, tdagi_pool *to, bool other,
                            tdag_dim *replacements)
{
    uint32_t n = tdagi_pool_n_symbols(c->g->pool);
    for (uint32_t s = 0; s < n; s++)
        replacements[s] = TDAGI_DIM_BAD;
    keep_symbols(c, to, replacements);
    solve_symbols(c, to, other, replacements);
    for (uint32_t s = 0; s < n; s++) {
        int64_t sample;
        if (replacements[s] != TDAGI_DIM_BAD) continue;
        tdagi_pool_symbol(c->g->pool, s, &sample);
        replacements[s] = sample + (other ? 1 : 0);
    }
}

/* ---- copying ---- */

static tdag_status copy(cutting *c, tdag_builder *b, const tdag_dim *replacements,
                        tdag_graph **out)
{
    tdagi_graft t;
    TDAGI_TRY(tdagi_graft_init(&t, b, c->g, replacements));
    for (uint32_t i = 0; i < c->cut->inputs.n; i++)
        tdagi_graft_as_input(&t, c->cut->inputs.v[i].id);
    for (uint32_t id = 1; id <= c->g->n; id++)
        if (c->need[id] && t.new_of[id].id == 0) tdagi_graft_node(&t, id);
    for (uint32_t i = 0; i < c->cut->outputs.n; i++)
        tdag_builder_add_output(b, t.new_of[c->cut->outputs.v[i].id]);
    tdagi_graft_free(&t);
    return tdag_builder_finish(b, out);
}

static tdag_status build(cutting *c, tdagi_arena *arena, bool other, tdag_graph **out)
{
    uint32_t n = tdagi_pool_n_symbols(c->g->pool);
    void *replacements = NULL;
    tdag_builder *b = NULL;
    TDAGI_TRY(tdagi_scratch(c->ctx, arena, n, sizeof(tdag_dim), &replacements));
    TDAGI_TRY(tdag_builder_create(c->ctx, &b));
    replace_symbols(c, tdagi_builder_pool(b), other, replacements);
    tdag_status st = tdagi_pool_report(c->ctx, tdagi_builder_pool(b));
    if (st == TDAG_OK) st = copy(c, b, replacements, out);
    tdag_builder_free(b);
    return st;
}

static bool same_type(const tdag_graph *a, const tdag_graph *b, uint32_t id)
{
    const tdagi_node *x = &a->nodes[id], *y = &b->nodes[id];
    for (uint32_t i = 0; i < x->rank; i++)
        if (!tdagi_dim_same(a->pool, x->shape[i], b->pool, y->shape[i])) return false;
    return true;
}

/* a and b are the part with two choices for sizes that the inputs do not show. */
static tdag_status fail_sizes(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b)
{
    char name[16];
    for (uint32_t id = 1; b != NULL && id <= a->n; id++) {
        if (same_type(a, b, id)) continue;
        tdagi_fail(ctx, TDAG_E_UNSUPPORTED,
                   "the cut's inputs do not show all sizes that the part depends on: "
                   "the shape of %s is one",
                   tdagi_value_name(a, (tdag_value){id}, name));
        return tdagi_fail_at_node(ctx, tdagi_value_name(a, (tdag_value){id}, name),
                                  tdagi_value_scope(a, (tdag_value){id}));
    }
    return tdagi_fail(
        ctx, TDAG_E_UNSUPPORTED,
        "the cut's inputs do not show all sizes that the part depends on");
}

static tdag_status build_both(cutting *c, tdagi_arena *arena, tdag_graph **out)
{
    tdag_graph *a = NULL, *b = NULL;
    TDAGI_TRY(build(c, arena, false, &a));
    if (tdagi_pool_n_symbols(c->g->pool) > 0) {
        tdag_status st = build(c, arena, true, &b);
        if (!tdagi_is_final(st))
            st = b != NULL && tdag_graph_equal(a, b) ? TDAG_OK
                                                     : fail_sizes(c->ctx, a, b);
        tdag_graph_free(b);
        if (st != TDAG_OK) {
            tdag_graph_free(a);
            return st;
        }
    }
    *out = a;
    return TDAG_OK;
}

tdag_status tdagi_cut_graph(tdag_ctx *ctx, const tdag_graph *g, const tdagi_cut *cut,
                            tdag_graph **out)
{
    tdagi_arena arena;
    tdagi_arena_init(&arena, &ctx->allocator);
    cutting c = {.ctx = ctx, .g = g, .cut = cut};
    void *is_input = NULL, *need = NULL;
    tdag_status st = tdagi_scratch(ctx, &arena, g->n, 1, &is_input);
    if (st == TDAG_OK) st = tdagi_scratch(ctx, &arena, g->n, 1, &need);
    c.is_input = is_input;
    c.need = need;
    if (st == TDAG_OK) st = mark(&c);
    if (st == TDAG_OK) st = build_both(&c, &arena, out);
    tdagi_arena_free(&arena);
    return st;
}
