/* See fold.h: the walk. Nodes are copied in topological order; at a multiply or add
 * with a weight, and at a sum, the new graph is asked whether a contraction can take
 * it. What was replaced has no reader left and is dropped at the end, when new leaves
 * take the names of those whose place they have taken.
 *
 * A composite is not taken apart for it: the multiply in a hard-sigmoid stays. */
#include "transform/simplify/fold.h"

#include <string.h>

#include "raise/raise.h"
#include "transform/simplify/folder.h"
#include "transform/simplify/rewrite.h"

#define MOST_PATH 64 /* nodes between a sum and its product, and behind the product */

/* ---- behind a contraction ---- */

/* The weight operand of v as a factor or term of the other one; NULL where it is none
 * or not finite. */
static tdag_status read_operand(tdagi_folder *f, tdag_value v, int i, tdag_tensor **out)
{
    tdagi_node n = f->b->graph->nodes[v.id];
    tdagi_type type;
    tdag_tensor *t = NULL;
    *out = NULL;
    TDAGI_TRY(tdagi_folder_tensor(f, n.in.few[i], &t));
    tdagi_value_type(f->b->graph, n.in.few[1 - i], &type);
    tdag_status st = tdagi_tensor_is_finite(t)
                         ? tdagi_factor_of(&f->factors, t, &type, out)
                         : TDAG_OK;
    tdag_tensor_free(t);
    return st;
}

static tdag_status fold_multiply(tdagi_folder *f, tdag_value v, tdag_value *out)
{
    int i = tdagi_folder_weight_operand(f, v);
    tdag_tensor *t = NULL;
    if (i < 0) return TDAG_OK;
    tdag_value x = f->b->graph->nodes[v.id].in.few[1 - i];
    TDAGI_TRY(read_operand(f, v, i, &t));
    if (t == NULL) return TDAG_OK;
    tdag_status st = tdagi_absorb(f, x, t, false, out);
    tdag_tensor_free(t);
    if (st == TDAG_OK && out->id != 0) f->infos[out->id].leaf = f->leaf;
    return st;
}

/* A term behind a contraction that has taken a factor is a bias; one behind a bias that
 * folding has made joins it. Others stay: they are a bias already, or what the model
 * adds. */
static tdag_status fold_add(tdagi_folder *f, tdag_value v, tdag_value *out)
{
    int i = tdagi_folder_weight_operand(f, v);
    tdag_tensor *t = NULL;
    if (i < 0) return TDAG_OK;
    tdag_value x = f->b->graph->nodes[v.id].in.few[1 - i];
    tdag_value leaf = f->infos[x.id].leaf;
    if (f->infos[x.id].uses != 1 || (leaf.id == 0 && tdagi_made_bias(f, x) < 0))
        return TDAG_OK;
    TDAGI_TRY(read_operand(f, v, i, &t));
    if (t == NULL) return TDAG_OK;
    f->leaf = leaf;
    tdag_status st = tdagi_add_bias(f, x, t, out);
    tdag_tensor_free(t);
    if (st == TDAG_OK && out->id != 0) f->infos[out->id].leaf = leaf;
    return st;
}

/* ---- before a contraction ---- */

/* The way from a sum down to a factor or term: views, the product, views. */
typedef struct way {
    uint32_t n_above, n_below;
    tdag_value above[MOST_PATH]; /* from the sum's input to before the product */
    tdag_value product;
    int data;                    /* which operand of the product is data */
    tdag_value below[MOST_PATH]; /* from the data operand down to before `end` */
    tdag_value end;              /* the multiply or add with a weight */
    int weight;                  /* which operand of it is the weight */
} way;

/* Follows views with one reader each; what they end at. */
static tdag_value follow(const tdagi_folder *f, tdag_value v, tdag_value *views,
                         uint32_t *n)
{
    *n = 0;
    while (*n < MOST_PATH && tdagi_op_is_movement(f->b->graph->nodes[v.id].op) &&
           f->infos[v.id].uses == 1) {
        views[(*n)++] = v;
        v = f->b->graph->nodes[v.id].in.few[0];
    }
    return v;
}

static bool find_way(const tdagi_folder *f, tdag_value sum, way *w)
{
    const tdagi_node *nodes = f->b->graph->nodes;
    const tdag_reduce_spec *spec = nodes[sum.id].u.spec;
    if (spec->kind != TDAG_REDUCE_SUM || !f->infos[sum.id].contracts) return false;
    w->product = follow(f, nodes[sum.id].in.few[0], w->above, &w->n_above);
    const tdagi_node *p = &nodes[w->product.id];
    if (p->op != TDAG_OP_MULTIPLY || f->infos[w->product.id].uses != 1) return false;
    bool first = tdagi_is_weight(f, p->in.few[0]);
    if (first == tdagi_is_weight(f, p->in.few[1])) return false;
    w->data = first ? 1 : 0;
    w->end = follow(f, p->in.few[w->data], w->below, &w->n_below);
    const tdagi_folded *end = &f->infos[w->end.id];
    uint32_t op = nodes[w->end.id].op;
    if (!end->before || end->uses != 1) return false;
    if (op != TDAG_OP_MULTIPLY && op != TDAG_OP_ADD) return false;
    w->weight = tdagi_folder_weight_operand(f, w->end);
    return w->weight >= 0;
}

/* The end's weight as a factor or term of the product's data operand. */
static tdag_status carry_up(tdagi_folder *f, const way *w, tdag_tensor **out)
{
    bool term = f->b->graph->nodes[w->end.id].op == TDAG_OP_ADD;
    tdag_tensor *t = NULL;
    *out = NULL;
    TDAGI_TRY(read_operand(f, w->end, w->weight, &t));
    for (uint32_t i = w->n_below; i-- > 0 && t != NULL;) {
        tdagi_step step;
        tdagi_type types[2];
        tdag_tensor *next = NULL;
        tdagi_folder_step(f, w->below[i], &step, types);
        tdag_status st = tdagi_factor_push(&f->factors, &step, t, term, &next);
        tdag_tensor_free(t);
        if (st != TDAG_OK) return st;
        t = next;
    }
    *out = t;
    return TDAG_OK;
}

/* Views made anew on another operand; from the last one to the first. */
static tdag_status rebuild(tdagi_folder *f, const tdag_value *views, uint32_t n,
                           tdag_value *v)
{
    for (uint32_t i = n; i-- > 0;) {
        tdag_value x = *v;
        TDAGI_TRY(tdagi_folder_add(f, views[i], &x, v));
    }
    return TDAG_OK;
}

/* The sum without the end; `weight` takes the weight's place. */
static tdag_status rebuild_sum(tdagi_folder *f, tdag_value sum, const way *w,
                               tdag_value weight, tdag_value *out)
{
    tdag_value in[2], v = f->b->graph->nodes[w->end.id].in.few[1 - w->weight];
    TDAGI_TRY(rebuild(f, w->below, w->n_below, &v));
    in[w->data] = v;
    in[1 - w->data] = weight;
    TDAGI_TRY(tdagi_folder_add(f, w->product, in, &v));
    TDAGI_TRY(rebuild(f, w->above, w->n_above, &v));
    return tdagi_folder_add(f, sum, &v, out);
}

/* t, of the data operand, as a tensor of the weight's rank, where it fits there. */
static tdag_status onto_weight(tdagi_folder *f, const way *w, const tdag_tensor *t,
                               tdag_tensor **out)
{
    tdagi_type type;
    int64_t shape[TDAG_MAX_RANK];
    tdag_value weight = f->b->graph->nodes[w->product.id].in.few[1 - w->data];
    tdagi_value_type(f->b->graph, weight, &type);
    *out = NULL;
    for (uint32_t i = 0; i < type.rank; i++)
        shape[i] = 1;
    for (uint32_t i = 0; i < t->rank; i++) { /* from the last axis */
        int64_t d = t->shape[t->rank - 1 - i];
        if (d == 1) continue;
        if (i >= type.rank || type.shape[type.rank - 1 - i] != d) return TDAG_OK;
        shape[type.rank - 1 - i] = d;
    }
    return tdagi_factor_reshape(&f->factors, t, type.rank, shape, out);
}

static tdag_status take_factor(tdagi_folder *f, tdag_value sum, const way *w,
                               const tdag_tensor *t, tdag_value *out)
{
    tdag_tensor *on_weight = NULL;
    tdag_value weight = f->b->graph->nodes[w->product.id].in.few[1 - w->data];
    tdag_value scaled = TDAG_NO_VALUE;
    TDAGI_TRY(onto_weight(f, w, t, &on_weight));
    if (on_weight == NULL) return TDAG_OK;
    tdag_status st = tdagi_absorb(f, weight, on_weight, true, &scaled);
    tdag_tensor_free(on_weight);
    if (st != TDAG_OK || scaled.id == 0) return st;
    return rebuild_sum(f, sum, w, scaled, out);
}

/* What the term adds to the sum: the sum of its own products. NULL where a summed dim
 * is symbolic. */
static tdag_status sum_of_term(tdagi_folder *f, tdag_value sum, const way *w,
                               const tdag_tensor *t, tdag_tensor **out)
{
    tdagi_node p = f->b->graph->nodes[w->product.id];
    const tdag_reduce_spec *spec = f->b->graph->nodes[sum.id].u.spec;
    int64_t counts[TDAG_MAX_RANK];
    tdag_tensor *weight = NULL, *product = NULL, *full = NULL, *wide = NULL;
    tdagi_type type;
    tdagi_value_type(f->b->graph, w->product, &type);
    TDAGI_TRY(tdagi_folder_tensor(f, p.in.few[1 - w->data], &weight));
    const tdag_tensor *in[2] = {t, weight};
    tdag_status st =
        tdagi_factor_apply(&f->factors, TDAG_OP_MULTIPLY, NULL, 2, in, &product);
    if (st == TDAG_OK) st = tdagi_factor_of(&f->factors, product, &type, &wide);
    for (uint32_t i = 0; i < type.rank; i++)
        counts[i] = 1;
    for (uint32_t i = 0; wide != NULL && i < spec->axes.n; i++) {
        int64_t axis = spec->axes.v[i];
        if (wide->shape[axis] == 1) counts[axis] = type.shape[axis];
    }
    bool known = wide != NULL;
    for (uint32_t i = 0; i < type.rank; i++)
        known = known && counts[i] >= 0;
    const tdag_repeat_spec repeat = {{type.rank, counts}};
    const tdag_tensor *lent = wide;
    if (st == TDAG_OK && known)
        st = tdagi_factor_apply(&f->factors, TDAG_OP_REPEAT, &repeat, 1, &lent, &full);
    lent = full;
    if (st == TDAG_OK && known)
        st = tdagi_factor_apply(&f->factors, TDAG_OP_REDUCE, spec, 1, &lent, out);
    tdag_tensor_free(weight);
    tdag_tensor_free(product);
    tdag_tensor_free(wide);
    tdag_tensor_free(full);
    return st;
}

static int64_t count_of(const tdagi_folder *f, tdag_value v)
{
    tdagi_type type;
    tdagi_value_type(f->b->graph, v, &type);
    tdagi_pool *pool = f->b->graph->pool;
    return tdagi_dim_sample(pool, tdagi_type_count(pool, &type));
}

static tdag_status take_term(tdagi_folder *f, tdag_value sum, const way *w,
                             const tdag_tensor *t, tdag_value *out)
{
    tdag_tensor *more = NULL;
    tdag_value weight = f->b->graph->nodes[w->product.id].in.few[1 - w->data];
    uint32_t cover = f->infos[sum.id].cover;
    if (w->n_above > 0 || !f->infos[sum.id].takes_terms) return TDAG_OK;
    if (!f->infos[sum.id].biased && count_of(f, sum) > count_of(f, w->end))
        return TDAG_OK; /* a bias would cost more than it saves */
    TDAGI_TRY(sum_of_term(f, sum, w, t, &more));
    if (more == NULL) return TDAG_OK;
    tdag_value v = TDAG_NO_VALUE;
    tdag_status st = TDAG_OK;
    if (tdagi_tensor_is_finite(more)) st = rebuild_sum(f, sum, w, weight, &v);
    if (st == TDAG_OK && v.id != 0) {
        f->leaf = weight;
        while (f->b->graph->nodes[f->leaf.id].n_inputs > 0)
            f->leaf = tdagi_node_inputs(&f->b->graph->nodes[f->leaf.id])[0];
        st = tdagi_add_bias(f, v, more, out);
    }
    if (st == TDAG_OK && out->id != 0) {
        f->infos[out->id].floats = true;
        f->infos[out->id].cover = cover;
    }
    tdag_tensor_free(more);
    return st;
}

static tdag_status fold_sum(tdagi_folder *f, tdag_value sum, tdag_value *out)
{
    way w;
    tdag_tensor *t = NULL;
    if (!find_way(f, sum, &w)) return TDAG_OK;
    TDAGI_TRY(carry_up(f, &w, &t));
    if (t == NULL) return TDAG_OK;
    bool term = f->b->graph->nodes[w.end.id].op == TDAG_OP_ADD;
    tdag_status st =
        term ? take_term(f, sum, &w, t, out) : take_factor(f, sum, &w, t, out);
    tdag_tensor_free(t);
    return st;
}

/* All factors and the first term before a sum. */
static tdag_status fold_sums(tdagi_folder *f, tdag_value sum, tdag_value *out)
{
    for (;;) {
        tdag_value next = TDAG_NO_VALUE;
        TDAGI_TRY(fold_sum(f, sum, &next));
        if (next.id == 0) return TDAG_OK;
        *out = sum = next;
        if (f->b->graph->nodes[next.id].op != TDAG_OP_REDUCE) return TDAG_OK;
    }
}

/* A bias made behind a sum moves behind the views of its contraction, where operators
 * have theirs. */
static tdag_status float_bias(tdagi_folder *f, tdag_value v, tdag_value *out)
{
    tdagi_node n = f->b->graph->nodes[v.id];
    tdagi_folded info = f->infos[n.in.few[0].id];
    if (!info.floats || info.uses != 1 || f->infos[v.id].cover != info.cover)
        return TDAG_OK;
    tdag_value x = n.in.few[0], c = tdagi_node_inputs(&f->b->graph->nodes[x.id])[0];
    tdag_value bias = tdagi_node_inputs(&f->b->graph->nodes[x.id])[1];
    tdag_tensor *t = NULL, *wide = NULL, *moved = NULL;
    tdagi_step step;
    tdagi_type types[2];
    tdagi_folder_step(f, v, &step, types);
    TDAGI_TRY(tdagi_folder_tensor(f, bias, &t));
    tdag_status st = tdagi_factor_of(&f->factors, t, &types[0], &wide);
    if (st == TDAG_OK && wide != NULL)
        st = tdagi_factor_push(&f->factors, &step, wide, true, &moved);
    if (st == TDAG_OK && moved != NULL) st = rebuild(f, &v, 1, &c);
    if (st == TDAG_OK && moved != NULL) st = tdagi_add_bias(f, c, moved, out);
    if (st == TDAG_OK && out->id != 0) {
        f->infos[out->id].floats = true;
        f->infos[out->id].cover = info.cover;
    }
    tdag_tensor_free(t);
    tdag_tensor_free(wide);
    tdag_tensor_free(moved);
    return st;
}

/* ---- the walk ---- */

/* Composites whose multiply or add is a scale or shift and nothing else. */
static bool is_plain(uint16_t composite)
{
    return composite == TDAGI_SUB || composite == TDAGI_DIV ||
           composite == TDAGI_BATCH_NORM;
}
static bool is_contraction(uint16_t composite)
{
    return composite >= TDAGI_CONV && composite <= TDAGI_EINSUM;
}

static tdag_status read_facts(tdagi_folder *f)
{
    const tdag_graph *g = f->graft.g;
    tdagi_raised *r = NULL;
    for (uint32_t id = 1; id <= g->n; id++) {
        const tdag_value *in = tdagi_node_inputs(&g->nodes[id]);
        for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
            f->uses[in[i].id]++;
        f->facts[id].after = f->facts[id].before = f->facts[id].contracts = true;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        f->uses[g->outputs[i].id]++;
    TDAGI_TRY(tdagi_raise(f->ctx, g, NULL, &r));
    for (uint32_t i = 1; i <= r->n; i++) {
        const tdagi_kernel *k = &r->kernels[i];
        if (k->composite == TDAGI_CORE) continue;
        for (uint32_t j = 0; j < k->n_covered; j++) {
            tdagi_folded *fact = &f->facts[k->covered[j].id];
            fact->cover = i;
            bool plain = is_plain(k->composite), sums = is_contraction(k->composite);
            fact->before = fact->before && plain;
            fact->after = fact->after && (plain || sums);
            fact->contracts = fact->contracts && sums;
            fact->takes_terms = fact->contracts && k->composite != TDAGI_CONV_TRANSPOSE;
            fact->biased = g->nodes[k->value.id].op == TDAG_OP_ADD;
        }
    }
    tdagi_raised_free(r);
    return TDAG_OK;
}

static tdag_status fold_node(tdagi_folder *f, uint32_t id)
{
    tdag_value v = tdagi_graft_node(&f->graft, id), better = TDAG_NO_VALUE;
    if (v.id == 0) return tdag_builder_get_status(f->b);
    tdagi_folded info = f->facts[id];
    info.uses = f->uses[id];
    const tdagi_node *n = &f->b->graph->nodes[v.id];
    uint32_t op = n->op;
    info.weight = TDAGI_NO_WEIGHT;
    TDAGI_TRY(tdagi_folder_note(f, v, &info));
    f->infos[v.id].weight = tdagi_folder_weight_depth(f, v);
    if (tdagi_is_weight(f, v) || !tdag_dtype_is_float((tdag_dtype)n->dtype))
        return TDAG_OK;
    if (op == TDAG_OP_MULTIPLY && info.after) TDAGI_TRY(fold_multiply(f, v, &better));
    if (op == TDAG_OP_ADD && info.after) TDAGI_TRY(fold_add(f, v, &better));
    if (tdagi_op_is_movement(op)) TDAGI_TRY(float_bias(f, v, &better));
    if (op == TDAG_OP_REDUCE) TDAGI_TRY(fold_sums(f, v, &better));
    if (better.id == 0) return tdag_builder_get_status(f->b);
    f->changed = true;
    f->graft.new_of[id] = better;
    tdagi_folded *made = &f->infos[better.id];
    made->uses = info.uses;
    made->name = f->graft.g->nodes[id].name;
    return TDAG_OK;
}

/* A copy of what is live, with the wanted names. */
static tdag_status rename_all(tdagi_folder *f, const tdag_graph *whole,
                              tdag_graph **out)
{
    size_t n = (size_t)whole->n + 1;
    void *live = NULL;
    tdag_builder *b = NULL;
    tdagi_graft t = {0};
    TDAGI_TRY(tdagi_alloc(f->ctx, n, &live));
    for (uint32_t i = 0; i < whole->n_outputs; i++)
        ((unsigned char *)live)[whole->outputs[i].id] = 1;
    tdagi_mark_ancestors(whole, live);
    tdag_status st = tdagi_builder_create_like(f->ctx, whole, &b);
    if (st == TDAG_OK) st = tdagi_graft_init(&t, b, whole, NULL);
    for (uint32_t id = 1; st == TDAG_OK && id <= whole->n; id++) {
        const tdagi_node *node = &whole->nodes[id];
        if (!((unsigned char *)live)[id] && node->op != TDAG_OP_INPUT) continue;
        tdag_value v = tdagi_graft_node(&t, id);
        const char *name = f->infos[id].name;
        if (name == NULL && f->infos[id].made && node->op == TDAG_OP_PARAMETER)
            name = "folded";
        tdag_builder_set_name(b, v, name);
    }
    for (uint32_t i = 0; st == TDAG_OK && i < whole->n_outputs; i++)
        tdag_builder_add_output(b, t.new_of[whole->outputs[i].id]);
    if (st == TDAG_OK) st = tdag_builder_finish(b, out);
    tdagi_graft_free(&t);
    tdag_builder_free(b);
    tdagi_free(f->ctx, live, n);
    return st;
}

static tdag_status fold_all(tdagi_folder *f, tdag_graph **out)
{
    const tdag_graph *g = f->graft.g;
    tdag_graph *whole = NULL;
    TDAGI_TRY(read_facts(f));
    for (uint32_t id = 1; id <= g->n; id++)
        TDAGI_TRY(fold_node(f, id));
    if (!f->changed) {
        *out = tdag_graph_copy(g);
        return TDAG_OK;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        tdag_builder_add_output(f->b, f->graft.new_of[g->outputs[i].id]);
    TDAGI_TRY(tdag_builder_finish(f->b, &whole));
    tdag_status st = rename_all(f, whole, out);
    tdag_graph_free(whole);
    return st;
}

tdag_status tdagi_fold_weights(tdag_ctx *ctx, const tdag_graph *g, bool *changed_out,
                               tdag_graph **out)
{
    tdagi_folder f = {.ctx = ctx};
    size_t n = (size_t)g->n + 1;
    void *uses = NULL, *facts = NULL;
    tdagi_arena_init(&f.arena, &ctx->allocator);
    f.factors.ctx = ctx;
    f.factors.pool = tdagi_pool_create(&ctx->allocator);
    tdag_status st = f.factors.pool == NULL ? tdagi_nomem(ctx) : TDAG_OK;
    if (st == TDAG_OK) st = tdagi_array_alloc(ctx, n, sizeof(uint32_t), &uses);
    if (st == TDAG_OK) st = tdagi_array_alloc(ctx, n, sizeof(tdagi_folded), &facts);
    f.uses = uses;
    f.facts = facts;
    if (st == TDAG_OK) st = tdagi_builder_create_like(ctx, g, &f.b);
    if (st == TDAG_OK) st = tdagi_graft_init(&f.graft, f.b, g, NULL);
    if (st == TDAG_OK) st = fold_all(&f, out);
    if (st == TDAG_OK) *changed_out = f.changed;
    tdagi_graft_free(&f.graft);
    tdag_builder_free(f.b);
    if (facts != NULL) tdagi_free(ctx, facts, n * sizeof(tdagi_folded));
    if (uses != NULL) tdagi_free(ctx, uses, n * sizeof(uint32_t));
    if (f.infos != NULL) tdagi_free(ctx, f.infos, f.n_infos * sizeof(*f.infos));
    if (f.factors.pool != NULL) tdagi_pool_free(f.factors.pool);
    tdagi_arena_free(&f.arena);
    return st;
}
