/* See rewrite.h: the walk, rules, and what happens to outputs. */
#include "transform/simplify/rewrite.h"

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
    uint32_t n = 0;
    for (uint32_t op = 1; op < TDAGI_OP_CODES; op++) {
        rw->first[op] = (uint16_t)n;
        for (const tdagi_rule_table *t = rw->options.tables; t->rows != NULL; t++) {
            if (!(rw->options.passes & t->pass)) continue;
            for (const tdagi_rule_row *r = t->rows; r->apply != NULL; r++)
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

static uint8_t kept_new(const tdagi_rewriter *rw, uint32_t id)
{
    return id < rw->n_kept_new ? rw->kept_new[id] : 0;
}

tdagi_node tdagi_made_by(const tdagi_rewriter *rw, tdag_value v)
{
    tdagi_node n = *tdagi_made(rw, v);
    if (kept_new(rw, v.id) & TDAGI_KEPT) n.op = TDAG_OP_NONE;
    return n;
}

static tdag_status keep(tdagi_rewriter *rw, uint32_t id, uint8_t bits)
{
    if (bits == 0) return TDAG_OK;
    if (id >= rw->n_kept_new) {
        uint32_t n = id + id / 2 + 64;
        void *p = rw->kept_new;
        TDAGI_TRY(tdagi_realloc(rw->ctx, &p, rw->n_kept_new, n));
        rw->kept_new = p;
        memset(rw->kept_new + rw->n_kept_new, 0, n - rw->n_kept_new);
        rw->n_kept_new = n;
    }
    rw->kept_new[id] = bits;
    return TDAG_OK;
}

static size_t spec_size(tdag_op op)
{
    return tdagi_op_row_of((uint32_t)op)->def->spec_size;
}

/* Enters a new node in the table, where *place (or NULL) is an equal one. One inside a
 * composite makes way for one that others may use. */
static tdag_status enter(tdagi_rewriter *rw, tdag_value v, uint32_t *place,
                         uint64_t hash, uint8_t bits)
{
    TDAGI_TRY(keep(rw, v.id, bits));
    if (!(rw->options.passes & TDAG_PASS_COMMON)) return TDAG_OK;
    if (place == NULL) return tdagi_common_add(rw->ctx, &rw->common, v, hash);
    TDAGI_TRY(tdagi_common_join(rw->ctx, &rw->common, v, (tdag_value){*place}));
    if (!(bits & TDAGI_INSIDE) && kept_new(rw, *place) & TDAGI_INSIDE) *place = v.id;
    return TDAG_OK;
}

/* The node as it is, or an equal one that is there. */
static tdag_value make_plain(tdagi_rewriter *rw, const tdagi_apply *a, uint8_t bits)
{
    uint64_t hash = 0;
    uint32_t *place = NULL;
    if (rw->options.passes & TDAG_PASS_COMMON) {
        hash = tdagi_common_hash(&rw->common, a);
        place = tdagi_common_find(&rw->common, a, hash);
        if (place != NULL && !(bits & TDAGI_INSIDE) &&
            !(kept_new(rw, *place) & TDAGI_INSIDE))
            return (tdag_value){*place};
    }
    tdag_value v = tdag_add_node(rw->b, a->op, a->spec, spec_size(a->op), a->in, a->n);
    if (v.id == 0) return v;
    return enter(rw, v, place, hash, bits) == TDAG_OK ? v : tdagi_rewrite_nomem(rw);
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
    return make_plain(rw, &a, 0);
}

static tdag_value add_constant(tdagi_rewriter *rw, const char *name,
                               const tdag_tensor *tensor)
{
    uint64_t hash = 0;
    if (rw->options.passes & TDAG_PASS_COMMON) {
        hash = tdagi_common_hash_tensor(tensor);
        const uint32_t *place = tdagi_common_find_tensor(&rw->common, tensor, hash);
        if (place != NULL) return (tdag_value){*place};
    }
    tdag_value v = tdag_add_tensor(rw->b, TDAG_OP_CONSTANT, name, tensor);
    if (v.id == 0) return v;
    return enter(rw, v, NULL, hash, 0) == TDAG_OK ? v : tdagi_rewrite_nomem(rw);
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

static tdag_value remake_node(tdagi_rewriter *rw, uint32_t id)
{
    tdagi_graft *t = &rw->graft;
    const tdagi_node *n = &t->g->nodes[id];
    const tdag_value *in = tdagi_node_inputs(n);
    /* The scratch array is the graft's; rules keep no pointer to it. */
    for (uint32_t i = 0; i < n->n_inputs; i++)
        t->scratch[i] = t->new_of[in[i].id];
    const tdagi_apply a = {(tdag_op)n->op, n->u.spec, n->n_inputs, t->scratch};
    tdag_value v = rw->kept != NULL && rw->kept[id] != 0
                       ? make_plain(rw, &a, rw->kept[id])
                       : tdagi_remake(rw, a.op, a.spec, a.in, a.n);
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
            t->new_of[id] = remake_node(rw, id);
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

/* Whether there is nothing to prune. */
static tdag_status all_are_live(tdag_ctx *ctx, const tdag_graph *g, bool *out)
{
    void *live = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, (size_t)g->n + 1, &live));
    tdagi_mark_live(g, live);
    *out = true;
    for (uint32_t id = 1; id <= g->n; id++)
        *out =
            *out && (((unsigned char *)live)[id] || g->nodes[id].op == TDAG_OP_INPUT);
    tdagi_free(ctx, live, (size_t)g->n + 1);
    return TDAG_OK;
}

static tdag_status finish(tdagi_rewriter *rw, tdag_graph **out)
{
    const tdag_graph *g = rw->graft.g;
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_builder_add_output(rw->b, name_output(rw, g->outputs[i].id));
    tdag_graph *whole = NULL;
    TDAGI_TRY(tdag_builder_finish(rw->b, &whole));
    bool all = false;
    tdag_status st = all_are_live(rw->ctx, whole, &all);
    if (st == TDAG_OK && all) {
        *out = whole;
        return TDAG_OK;
    }
    if (st == TDAG_OK) st = tdagi_graph_prune(rw->ctx, whole, out);
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
    bool computes = options->passes & TDAG_PASS_CONSTANTS;
    list_rules(rw);
    tdag_status st = tdagi_array_alloc(ctx, n, 1, &live);
    if (st == TDAG_OK) st = tdagi_builder_create_like(ctx, g, &rw->b);
    if (st == TDAG_OK && !(options->passes & TDAGI_PASS_NORMAL))
        st = tdagi_protect(ctx, g, computes ? options->constant_limit : 0, &rw->kept);
    if (st == TDAG_OK) st = tdagi_graft_init(&rw->graft, rw->b, g, NULL);
    if (st == TDAG_OK) {
        tdagi_common_init(&rw->common, rw->b->graph);
        tdagi_mark_live(g, live);
        remake_all(rw, live);
        st = finish(rw, out);
    }
    if (st == TDAG_OK && n_fired_out != NULL) *n_fired_out = rw->n_fired;
    tdagi_common_free(ctx, &rw->common);
    if (rw->kept != NULL) tdagi_free(ctx, rw->kept, n);
    if (rw->kept_new != NULL) tdagi_free(ctx, rw->kept_new, rw->n_kept_new);
    tdagi_graft_free(&rw->graft);
    tdag_builder_free(rw->b);
    if (live != NULL) tdagi_free(ctx, live, n);
    tdagi_free(ctx, rw, sizeof(*rw));
    return st;
}
