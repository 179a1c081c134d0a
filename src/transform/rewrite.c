/* See rewrite.h: the walk, rules, and what happens to outputs. */
#include "transform/rewrite.h"

#include <string.h>

#include <tdagger/simplify.h>

/* Rules may make nodes that rules apply to. A chain of views is unwound by as many
 * levels; beyond that the rest waits for the next walk, so that the stack is bounded.
 */
#define MOST_DEPTH 64

tdag_value tdagi_rewrite_nomem(tdagi_rewriter *rw)
{
    return tdagi_builder_fail(rw->b, TDAG_E_NOMEM, "%s",
                              tdag_status_text(TDAG_E_NOMEM));
}

/* ---- rules by op ---- */

static void list_rules(tdagi_rewriter *rw)
{
    const struct {
        uint32_t pass;
        const tdagi_rule_row *rows;
    } tables[] = {{TDAG_PASS_CONSTANTS, tdagi_constant_rules},
                  {TDAG_PASS_IDENTITIES, tdagi_identity_rules},
                  {TDAG_PASS_VIEWS, tdagi_view_rules},
                  {TDAG_PASS_VIEWS, tdagi_reshape_rules}};
    uint32_t n = 0;
    for (uint32_t op = 1; op < TDAGI_OP_CODES; op++) {
        rw->first[op] = (uint16_t)n;
        for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
            if (!(rw->options.passes & tables[i].pass)) continue;
            for (const tdagi_rule_row *r = tables[i].rows; r->apply != NULL; r++)
                if (r->op == TDAG_OP_NONE || (uint32_t)r->op == op)
                    rw->rules[n++] = r->apply;
        }
        rw->last[op] = (uint16_t)n;
    }
}

tdag_status tdagi_apply_type(tdagi_rewriter *rw, const tdagi_apply *a, tdagi_type *out)
{
    return tdagi_builder_infer(rw->b, a->op, a->spec, a->in, a->n, out);
}

/* Whether a rule's result can stand for the node. */
static bool stands_for(tdagi_rewriter *rw, const tdagi_apply *a, tdag_value v)
{
    tdagi_type want, got;
    tdag_status st = tdagi_apply_type(rw, a, &want);
    if (st == TDAG_E_NOMEM) tdagi_rewrite_nomem(rw);
    if (st != TDAG_OK) return false;
    tdagi_value_type(rw->b->graph, v, &got);
    return want.dtype == got.dtype && want.rank == got.rank &&
           (want.rank == 0 ||
            memcmp(want.shape, got.shape, want.rank * sizeof(tdag_dim)) == 0);
}

static tdag_value apply_rules(tdagi_rewriter *rw, const tdagi_apply *a)
{
    tdag_value v = TDAG_NO_VALUE;
    if (rw->depth == MOST_DEPTH) return v;
    rw->depth++;
    for (uint32_t i = rw->first[a->op]; i < rw->last[a->op] && v.id == 0; i++) {
        v = rw->rules[i](rw, a);
        if (v.id != 0 && !stands_for(rw, a, v)) v = TDAG_NO_VALUE;
        if (!tdagi_builder_ok(rw->b)) v = TDAG_NO_VALUE;
    }
    rw->depth--;
    if (v.id != 0) rw->n_fired++;
    return v;
}

/* ---- making nodes ---- */

static tdag_value keep(tdagi_rewriter *rw, tdag_value v, uint64_t hash)
{
    if (v.id == 0 || !(rw->options.passes & TDAG_PASS_COMMON)) return v;
    if (tdagi_common_add(rw->ctx, &rw->common, v, hash) != TDAG_OK)
        return tdagi_rewrite_nomem(rw);
    return v;
}

static size_t spec_size(tdag_op op)
{
    return tdagi_op_row_of((uint32_t)op)->def->spec_size;
}

tdag_value tdagi_remake(tdagi_rewriter *rw, tdag_op op, const void *spec,
                        const tdag_value *in, uint32_t n)
{
    const tdagi_apply a = {op, spec, n, in};
    if (!tdagi_builder_ok(rw->b)) return TDAG_NO_VALUE;
    if (op == TDAG_OP_OPAQUE)
        return tdag_add_node(rw->b, op, spec, spec_size(op), in, n);
    tdag_value v = apply_rules(rw, &a);
    if (v.id != 0 || !tdagi_builder_ok(rw->b)) return v;
    uint64_t hash = 0;
    if (rw->options.passes & TDAG_PASS_COMMON) {
        hash = tdagi_common_hash(&a);
        v = tdagi_common_find(&rw->common, &a, hash);
        if (v.id != 0) return v;
    }
    return keep(rw, tdag_add_node(rw->b, op, spec, spec_size(op), in, n), hash);
}

static tdag_value add_constant(tdagi_rewriter *rw, const char *name,
                               const tdag_tensor *tensor)
{
    uint64_t hash = 0;
    if (rw->options.passes & TDAG_PASS_COMMON) {
        hash = tdagi_common_hash_tensor(tensor);
        tdag_value v = tdagi_common_find_tensor(&rw->common, tensor, hash);
        if (v.id != 0) return v;
    }
    return keep(rw, tdag_add_tensor(rw->b, TDAG_OP_CONSTANT, name, tensor), hash);
}

tdag_value tdagi_remake_constant(tdagi_rewriter *rw, tdag_tensor *tensor)
{
    tdag_value v = add_constant(rw, NULL, tensor);
    tdag_tensor_free(tensor);
    return v;
}

/* ---- the walk ---- */

/* Leaves that are not named after what was computed. */
static bool has_own_name(uint32_t op)
{
    return op == TDAG_OP_INPUT || tdagi_op_holds_tensor(op);
}

static tdag_value remake_node(tdagi_rewriter *rw, const tdagi_node *n)
{
    tdagi_graft *t = &rw->graft;
    const tdag_value *in = tdagi_node_inputs(n);
    /* The scratch array is the graft's; rules keep no pointer to it. */
    for (uint32_t i = 0; i < n->n_inputs; i++)
        t->scratch[i] = t->new_of[in[i].id];
    tdag_value v = tdagi_remake(rw, (tdag_op)n->op, n->u.spec, t->scratch, n->n_inputs);
    if (v.id != 0 && n->name != NULL && tdagi_made(rw, v)->name == NULL &&
        !has_own_name(tdagi_made(rw, v)->op))
        tdag_builder_set_name(rw->b, v, n->name);
    return v;
}

static void remake_all(tdagi_rewriter *rw, const unsigned char *live)
{
    tdagi_graft *t = &rw->graft;
    const tdag_graph *g = t->g;
    for (uint32_t id = 1; id <= g->n && tdagi_builder_ok(rw->b); id++) {
        const tdagi_node *n = &g->nodes[id];
        if (!live[id] && n->op != TDAG_OP_INPUT) continue;
        tdag_builder_set_scope(rw->b, g->scopes[n->scope]);
        if (n->op == TDAG_OP_CONSTANT)
            t->new_of[id] = add_constant(rw, n->name, n->u.tensor);
        else if (n->op == TDAG_OP_INPUT || tdagi_op_holds_tensor(n->op))
            tdagi_graft_node(t, id);
        else
            t->new_of[id] = remake_node(rw, n);
    }
}

/* ---- outputs keep their names ---- */

static bool is_output(const tdag_graph *g, tdag_value v)
{
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i].id == v.id) return true;
    return false;
}

/* An output whose value became another one: that one takes the name, unless it is a
 * leaf or an output itself. Then the node stays as it was, on its new operands. */
static tdag_value name_output(tdagi_rewriter *rw, uint32_t id)
{
    tdagi_graft *t = &rw->graft;
    const tdagi_node *n = &t->g->nodes[id];
    tdag_value v = t->new_of[id];
    if (!tdagi_builder_ok(rw->b)) return TDAG_NO_VALUE;
    const tdagi_node *made = tdagi_made(rw, v);
    if (n->name == NULL) return v;
    if (made->name != NULL && strcmp(made->name, n->name) == 0) return v;
    if (!has_own_name(made->op) && !is_output(rw->b->graph, v)) {
        tdag_builder_set_name(rw->b, v, n->name);
        return v;
    }
    tdag_builder_set_scope(rw->b, t->g->scopes[n->scope]);
    return tdagi_graft_node(t, id);
}

static tdag_status finish(tdagi_rewriter *rw, tdag_graph **out)
{
    const tdag_graph *g = rw->graft.g;
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_builder_add_output(rw->b, name_output(rw, g->outputs[i].id));
    tdag_graph *whole = NULL;
    TDAGI_TRY(tdag_builder_finish(rw->b, &whole));
    tdag_status st = tdagi_graph_prune(rw->ctx, whole, out);
    tdag_graph_free(whole);
    return st;
}

tdag_status tdagi_rewrite(tdag_ctx *ctx, const tdag_graph *g,
                          const tdagi_rewrite_options *options, uint64_t *n_fired_out,
                          tdag_graph **out)
{
    size_t n = (size_t)g->n + 1;
    void *live = NULL, *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_rewriter), &p));
    tdagi_rewriter *rw = p;
    rw->ctx = ctx;
    rw->options = *options;
    list_rules(rw);
    tdag_status st = tdagi_array_alloc(ctx, n, 1, &live);
    if (st == TDAG_OK) st = tdagi_builder_create_like(ctx, g, &rw->b);
    if (st == TDAG_OK) st = tdagi_graft_init(&rw->graft, rw->b, g, NULL);
    if (st == TDAG_OK) {
        tdagi_common_init(&rw->common, rw->b->graph);
        for (uint32_t i = 0; i < g->n_outputs; i++)
            ((unsigned char *)live)[g->outputs[i].id] = 1;
        tdagi_mark_ancestors(g, live);
        remake_all(rw, live);
        st = finish(rw, out);
    }
    if (st == TDAG_OK && n_fired_out != NULL) *n_fired_out = rw->n_fired;
    tdagi_common_free(ctx, &rw->common);
    tdagi_graft_free(&rw->graft);
    tdag_builder_free(rw->b);
    if (live != NULL) tdagi_free(ctx, live, n);
    tdagi_free(ctx, rw, sizeof(*rw));
    return st;
}
