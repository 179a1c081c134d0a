/* Removing a dimension. A first pass goes through the nodes in order, keeps a mark per
 * value that says where the dimension is in it, and lets the axis rule of each op
 * rewrite the node without it (tdagi_axis_call in ir/opdef.h). It builds into a pool
 * that still knows the symbol, since the rules compute with it; a second pass copies
 * what the outputs need into a graph that does not.
 *
 * A rule refuses where positions are mixed. With AT_ONE the dimension is 1, and a node
 * whose rule refuses is added as it was, at that size. */
#include <tdagger/axis.h>

#include <stdio.h>
#include <string.h>

#include "ir/graft.h"
#include "ops/axis.h"
#include "ops/ops.h"
#include "program/model.h"
#include "transform/axis/walk.h"
#include "transform/compose/cut.h"

typedef struct removal {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdag_builder *b; /* its pool starts as a clone of g's: dims and specs fit */
    tdagi_pool *pool;
    tdag_dim dim;
    const char *name;
    uint32_t symbol;     /* its number; UINT32_MAX: it is a fixed 1 */
    const int64_t *axes; /* per input, where it is fixed */
    bool at_one;
    unsigned char *live;          /* by old id */
    tdagi_mark *marks;            /* by old id */
    uint32_t *new_of;             /* by old id */
    tdagi_axis_operands operands; /* of one node */
    uint32_t n_symbols;           /* of g */
    tdag_dim *at_one_dims;        /* by symbol: itself, or 1 for the dimension */
    tdagi_arena specs;            /* of nodes at one */
    tdagi_arena arena;            /* of the arrays */
} removal;

static bool is_alone(const tdagi_mark *m)
{
    return m->axis >= 0 && m->outer == 1 && m->inner == 1;
}

/* The dim with the dimension at 1. */
static tdag_dim dim_at_one(removal *r, tdag_dim d)
{
    return d >= 0 ? d : tdagi_dim_substitute(r->pool, r->pool, d, r->at_one_dims);
}

static bool mentions(removal *r, tdag_dim d) { return dim_at_one(r, d) != d; }

/* ---- inputs and outputs ---- */

static bool is_fixed(const removal *r) { return r->axes != NULL; }

/* Axis i of input `id` is the dimension. */
static bool goes(const removal *r, uint32_t id, uint32_t i)
{
    if (!is_fixed(r)) return r->g->nodes[id].shape[i] == r->dim;
    for (uint32_t k = 0; k < r->g->n_inputs; k++)
        if (r->g->inputs[k].id == id) return r->axes[k] == (int64_t)i;
    return false;
}

/* Without its axis; at one, without every axis that is the dimension. */
static tdag_status remove_from_input(removal *r, uint32_t id)
{
    const tdagi_node *n = &r->g->nodes[id];
    tdag_dim shape[TDAG_MAX_RANK];
    int64_t gone[TDAG_MAX_RANK];
    uint32_t rank = 0, n_gone = 0;
    for (uint32_t i = 0; i < n->rank; i++) {
        if (goes(r, id, i))
            gone[n_gone++] = i;
        else
            shape[rank++] = dim_at_one(r, n->shape[i]);
    }
    bool simple = n_gone <= 1;
    for (uint32_t i = 0; i < n->rank; i++)
        simple = simple && (goes(r, id, i) || !mentions(r, n->shape[i]));
    if (!simple && !r->at_one) {
        tdagi_fail(
            r->ctx, TDAG_E_UNSUPPORTED,
            "%s cannot be removed: the input has it in more than one axis of its "
            "own",
            r->name);
        return TDAG_E_UNSUPPORTED;
    }
    tdag_value v = tdag_add_input(r->b, n->name, (tdag_dtype)n->dtype, rank, shape);
    if (n_gone == 1)
        r->marks[id] = (tdagi_mark){.axis = (int32_t)gone[0], .outer = 1, .inner = 1};
    else if (n_gone > 1)
        v = tdag_unsqueeze(r->b, v, (tdag_list){n_gone, gone});
    r->new_of[id] = v.id;
    return tdag_builder_get_status(r->b);
}

/* At one, what is left of the dimension in an output goes there. */
static tdag_status add_output(void *self, tdag_value old)
{
    removal *r = self;
    if (r->marks[old.id].ramp != 0 && !r->at_one)
        return tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED,
                          "%s cannot be removed: an output counts its positions",
                          r->name);
    const tdagi_node *n = &r->g->nodes[old.id];
    tdag_value v = {r->new_of[old.id]};
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n_axes = 0;
    for (uint32_t i = 0; i < n->rank && r->marks[old.id].axis < 0; i++)
        if (!is_fixed(r) && n->shape[i] == r->dim) axes[n_axes++] = i;
    if (n_axes > 0) v = tdag_squeeze(r->b, v, (tdag_list){n_axes, axes});
    tdag_builder_add_output(r->b, v);
    return tdag_builder_get_status(r->b);
}

/* ---- a node at size one ---- */

/* The rewritten input with its axis of size 1 back. */
static uint32_t with_axis(removal *r, uint32_t i)
{
    if (!is_alone(&r->operands.marks[i])) return r->operands.in[i];
    return tdag_unsqueeze(r->b, (tdag_value){r->operands.in[i]},
                          TDAG_LIST(r->operands.marks[i].axis))
        .id;
}

/* The one axis that is a multiple of the dimension and its mark; none if several
 * mention it. */
static tdagi_mark mark_of_shape(removal *r, const tdagi_node *n)
{
    tdagi_mark mark = {.axis = -1, .outer = 1, .inner = 1};
    for (uint32_t i = 0; i < n->rank; i++) {
        if (!mentions(r, n->shape[i])) continue;
        if (mark.axis >= 0 || tdagi_dim_mod(r->pool, n->shape[i], r->dim) != 0)
            return (tdagi_mark){.axis = -1, .outer = 1, .inner = 1};
        mark.axis = (int32_t)i;
        mark.inner = tdagi_dim_floordiv(r->pool, n->shape[i], r->dim);
    }
    if (mark.axis >= 0 && mentions(r, mark.inner)) mark.axis = -1;
    return mark;
}

/* A fixed 1 is where it was in the operand, as long as it is 1. */
static tdagi_mark mark_in_place(const removal *r, const tdagi_node *n)
{
    const tdagi_mark *m = &r->operands.marks[0];
    bool moves =
        n->op == TDAG_OP_UNGROUP || n->op == TDAG_OP_GROUP || n->op == TDAG_OP_PERMUTE;
    if (n->n_inputs == 1 && is_alone(m) && !moves &&
        n->rank == r->operands.types[0].rank && n->shape[m->axis] == 1)
        return (tdagi_mark){.axis = m->axis, .outer = 1, .inner = 1};
    return (tdagi_mark){.axis = -1, .outer = 1, .inner = 1};
}

static tdag_status keep_at_one(removal *r, const tdagi_node *n, tdagi_mark *mark,
                               uint32_t *out)
{
    const tdagi_opdef *def = tdagi_node_def(n);
    const tdagi_substitution by = {r->pool, r->pool, r->at_one_dims};
    const void *spec = NULL;
    if (def->spec_size > 0) {
        spec = tdagi_spec_substitute(&r->specs, def->fields, def->spec_size, n->u.spec,
                                     &by);
        if (spec == NULL) return tdagi_nomem(r->ctx);
    }
    tdag_value few[TDAGI_INLINE_INPUTS], *values = few;
    void *block = NULL;
    if (n->n_inputs > TDAGI_INLINE_INPUTS) {
        TDAGI_TRY(tdagi_array_alloc(r->ctx, n->n_inputs, sizeof(tdag_value), &block));
        values = block;
    }
    for (uint32_t i = 0; i < n->n_inputs; i++)
        values[i].id = with_axis(r, i);
    tdag_value v =
        tdag_add_node(r->b, (tdag_op)n->op, spec, def->spec_size, values, n->n_inputs);
    if (block != NULL) tdagi_free(r->ctx, block, n->n_inputs * sizeof(tdag_value));
    *mark = is_fixed(r) ? mark_in_place(r, n) : mark_of_shape(r, n);
    if (is_alone(mark)) v = tdag_squeeze(r->b, v, TDAG_LIST(mark->axis));
    *out = v.id;
    return tdag_builder_get_status(r->b);
}

/* ---- nodes ---- */

/* The new value has the old shape, but for the marked axis. */
static tdag_status check_shape(removal *r, const tdagi_node *n, const tdagi_mark *mark,
                               uint32_t id)
{
    const tdagi_node *v = &r->b->graph->nodes[id];
    uint32_t k = 0;
    bool fits = true;
    for (uint32_t i = 0; i < n->rank && fits; i++) {
        bool here = (int32_t)i == mark->axis;
        if (here && is_alone(mark)) continue;
        tdag_dim want =
            here ? tdagi_dim_mul(r->pool, mark->outer, mark->inner) : n->shape[i];
        if (r->at_one) want = dim_at_one(r, want);
        fits = k < v->rank && !mentions(r, want) &&
               tdagi_ops_same_dim(r->pool, v->shape[k], want);
        k++;
    }
    if (fits && k == v->rank) return TDAG_OK;
    return tdagi_fail(r->ctx, TDAG_E_UNSUPPORTED,
                      "%s cannot be removed: %s gives a shape that depends on it",
                      r->name, tdag_op_name((tdag_op)n->op));
}

static tdag_status apply_rule(removal *r, const tdagi_node *n, const tdagi_type *type,
                              tdagi_mark *mark, uint32_t *out)
{
    tdagi_axis_call call = {.ctx = r->ctx,
                            .builder = r->b,
                            .pool = r->pool,
                            .dim = r->dim,
                            .spec = n->u.spec,
                            .n_inputs = n->n_inputs,
                            .types = r->operands.types,
                            .output = type,
                            .marks = r->operands.marks,
                            .inputs = r->operands.in,
                            .mark_out = mark,
                            .out = out};
    tdag_status st = tdagi_axis_drop(&call, n->op);
    if (st == TDAG_OK) st = check_shape(r, n, mark, *out);
    /* what failed in the dims comes before what a rule made of it */
    return tdagi_pool_status(r->pool) == TDAG_OK ? st
                                                 : tdagi_pool_report(r->ctx, r->pool);
}

static tdag_status remove_from_op(removal *r, uint32_t id)
{
    const tdagi_node *n = &r->g->nodes[id];
    const tdag_value *in = tdagi_node_inputs(n);
    tdagi_type type;
    tdagi_mark mark = {.axis = -1, .outer = 1, .inner = 1};
    uint32_t out = 0, before = r->b->graph->n;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        tdagi_value_type(r->g, in[i], &r->operands.types[i]);
        r->operands.marks[i] = r->marks[in[i].id];
        r->operands.in[i] = r->new_of[in[i].id];
    }
    tdagi_value_type(r->g, (tdag_value){id}, &type);
    tdag_status st = apply_rule(r, n, &type, &mark, &out);
    if (st == TDAG_E_UNSUPPORTED && r->at_one &&
        tdag_builder_get_status(r->b) == TDAG_OK) {
        st = keep_at_one(r, n, &mark, &out);
        if (st == TDAG_OK) st = check_shape(r, n, &mark, out);
    }
    if (st != TDAG_OK) return st;
    r->marks[id] = mark;
    r->new_of[id] = out;
    if (out > before) tdag_builder_set_name(r->b, (tdag_value){out}, n->name);
    return tdag_builder_get_status(r->b);
}

static tdag_status remove_from_node(removal *r, uint32_t id)
{
    const tdagi_node *n = &r->g->nodes[id];
    r->marks[id] = (tdagi_mark){.axis = -1, .outer = 1, .inner = 1};
    tdag_builder_set_scope(r->b, r->g->scopes[n->scope]);
    TDAGI_TRY(tdag_builder_get_status(r->b));
    if (n->op == TDAG_OP_INPUT) return remove_from_input(r, id);
    if (!r->live[id]) return TDAG_OK;
    if (!tdagi_op_holds_tensor(n->op)) return remove_from_op(r, id);
    r->new_of[id] = tdag_add_tensor(r->b, (tdag_op)n->op, n->name, n->u.tensor).id;
    return tdag_builder_get_status(r->b);
}

/* What failed in the dims comes before what was made of it. */
static tdag_status rewrite_node(void *self, uint32_t id)
{
    removal *r = self;
    tdag_status st = remove_from_node(r, id);
    return tdagi_pool_status(r->pool) == TDAG_OK ? st
                                                 : tdagi_pool_report(r->ctx, r->pool);
}

static tdag_status remove_from_all(removal *r, tdag_graph **out)
{
    const tdagi_axis_rewriter by = {r, rewrite_node, add_output};
    tdagi_mark_live(r->g, r->live);
    TDAGI_TRY(tdagi_axis_walk(r->ctx, r->g, &by));
    return tdag_builder_finish(r->b, out);
}

/* ---- without the symbol ---- */

/* Its live nodes. */
static tdag_status copy_live(removal *r, tdagi_graft *t, tdag_graph **out)
{
    void *live = NULL;
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, t->g->n, 1, &live));
    tdagi_mark_live(t->g, live);
    return tdagi_graft_all(t, live, out);
}

/* Makes a graph of g with a pool of its own, which has the symbols but one. */
static tdag_status forget_symbol(removal *r, const tdag_graph *g,
                                 tdag_status (*copy)(removal *r, tdagi_graft *t,
                                                     tdag_graph **out),
                                 tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdagi_graft t = {0};
    TDAGI_TRY(tdag_builder_create(r->ctx, &b));
    for (uint32_t i = 0; i < r->n_symbols; i++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(g->pool, i, &sample);
        r->at_one_dims[i] = i == r->symbol ? 1 : tdag_builder_symbol(b, name, sample);
    }
    tdag_status st = tdag_builder_get_status(b);
    if (st == TDAG_OK) st = tdagi_graft_init(&t, b, g, r->at_one_dims);
    if (st == TDAG_OK) {
        st = copy(r, &t, out);
        tdagi_graft_free(&t);
    }
    tdag_builder_free(b);
    return st;
}

/* ---- at one, plainly ---- */

/* The axes of a node that are the dimension. */
static uint32_t find_axes(const removal *r, const tdagi_node *n,
                          int64_t axes[TDAG_MAX_RANK])
{
    uint32_t n_axes = 0;
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] == r->dim) axes[n_axes++] = i;
    return n_axes;
}

/* The input without its axes of size 1, and the value that has them. */
static void keep_input_at_one(removal *r, tdagi_graft *t, uint32_t id)
{
    const tdagi_node *n = &r->g->nodes[id];
    tdag_dim shape[TDAG_MAX_RANK];
    int64_t axes[TDAG_MAX_RANK];
    uint32_t rank = 0, n_axes = find_axes(r, n, axes);
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] != r->dim) shape[rank++] = tdagi_graft_dim(t, n->shape[i]);
    tdag_builder_set_scope(t->b, r->g->scopes[n->scope]);
    tdag_value v = tdag_add_input(t->b, n->name, (tdag_dtype)n->dtype, rank, shape);
    t->new_of[id] = tdag_unsqueeze(t->b, v, (tdag_list){n_axes, axes});
}

/* The graph at that size with the axes of size 1 taken from its inputs and outputs
 * only, for the few whose formulas of shapes do not hold there. */
static tdag_status keep_all_at_one(removal *r, tdagi_graft *t, tdag_graph **out)
{
    const tdag_graph *g = r->g;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        keep_input_at_one(r, t, g->inputs[i].id);
    tdagi_graft_nodes(t, r->live);
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        int64_t axes[TDAG_MAX_RANK];
        uint32_t id = g->outputs[i].id, n_axes = find_axes(r, &g->nodes[id], axes);
        tdag_builder_add_output(
            t->b, tdag_squeeze(t->b, t->new_of[id], (tdag_list){n_axes, axes}));
    }
    return tdag_builder_finish(t->b, out);
}

/* ---- the whole ---- */

/* The axes are of size 1, at most one per input. */
static tdag_status take_axes(removal *r, const tdag_remove_dim_options *o)
{
    r->axes = o->axes;
    r->at_one = true;
    r->dim = 1;
    r->symbol = UINT32_MAX;
    if (o->n_axes != r->g->n_inputs)
        return tdagi_fail(r->ctx, TDAG_E_ARG,
                          "%u axes are given, the graph has %u inputs",
                          (unsigned)o->n_axes, (unsigned)r->g->n_inputs);
    for (uint32_t i = 0; i < o->n_axes; i++) {
        const tdagi_node *n = &r->g->nodes[r->g->inputs[i].id];
        if (o->axes[i] == -1) continue;
        if (o->axes[i] < 0 || o->axes[i] >= n->rank || n->shape[o->axes[i]] != 1)
            return tdagi_fail(r->ctx, TDAG_E_ARG,
                              "input %u has no axis %lld of size 1 to remove",
                              (unsigned)i, (long long)o->axes[i]);
    }
    return TDAG_OK;
}

static tdag_status find_symbol(removal *r, const char *dim)
{
    for (uint32_t i = 0; i < r->n_symbols; i++) {
        if (strcmp(tdagi_pool_symbol(r->g->pool, i, NULL), dim) != 0) continue;
        r->symbol = i;
        r->dim = tdagi_pool_symbol_dim(r->g->pool, i);
        return TDAG_OK;
    }
    char names[256] = "";
    for (uint32_t i = 0; i < r->n_symbols && strlen(names) + 64 < sizeof(names); i++)
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
                 i == 0 ? "" : ", ", tdagi_pool_symbol(r->g->pool, i, NULL));
    return tdagi_fail(r->ctx, TDAG_E_ARG,
                      "the graph has no symbolic dimension %s; it has %s", dim,
                      names[0] == '\0' ? "none" : names);
}

static tdag_status get_rooms(removal *r)
{
    const size_t n = r->g->n;
    void *live, *marks, *new_of, *dims;
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, n, 1, &live));
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, n, sizeof(*r->marks), &marks));
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, n, sizeof(*r->new_of), &new_of));
    TDAGI_TRY(tdagi_scratch(r->ctx, &r->arena, r->n_symbols, sizeof(tdag_dim), &dims));
    r->live = live;
    r->marks = marks;
    r->new_of = new_of;
    r->at_one_dims = dims;
    return tdagi_axis_get_operands(r->ctx, r->g, &r->arena, &r->operands);
}

static tdag_status remove_in_rooms(removal *r, tdag_graph **out)
{
    tdag_graph *middle = NULL;
    TDAGI_TRY(tdagi_builder_create_like(r->ctx, r->g, &r->b));
    r->pool = tdagi_builder_pool(r->b);
    for (uint32_t i = 0; i < r->n_symbols; i++)
        r->at_one_dims[i] = i == r->symbol ? 1 : tdagi_pool_symbol_dim(r->pool, i);
    tdagi_arena_init(&r->specs, &r->ctx->allocator);
    tdag_status st = remove_from_all(r, &middle);
    tdagi_arena_free(&r->specs);
    if (st == TDAG_OK)
        st = forget_symbol(r, middle, copy_live, out);
    else if (!tdagi_is_final(st) && r->at_one && !is_fixed(r))
        st = forget_symbol(r, r->g, keep_all_at_one, out);
    tdag_graph_free(middle);
    tdag_builder_free(r->b);
    return st;
}

tdag_status tdag_graph_remove_dim(tdag_ctx *ctx, const tdag_graph *graph,
                                  const char *dim,
                                  const tdag_remove_dim_options *options,
                                  tdag_graph **out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, dim, "dim"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_remove_dim_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    if ((o.flags & ~(uint32_t)TDAG_REMOVE_DIM_AT_ONE) != 0)
        return tdagi_fail(ctx, TDAG_E_ARG, "unknown flags for removing a dimension");
    removal r = {.ctx = ctx, .g = graph, .name = dim};
    r.at_one = (o.flags & TDAG_REMOVE_DIM_AT_ONE) != 0;
    r.n_symbols = tdagi_pool_n_symbols(graph->pool);
    TDAGI_TRY(o.n_axes > 0 ? take_axes(&r, &o) : find_symbol(&r, dim));
    tdagi_arena_init(&r.arena, &ctx->allocator);
    tdag_status st = get_rooms(&r);
    if (st == TDAG_OK) st = remove_in_rooms(&r, out);
    tdagi_arena_free(&r.arena);
    return st;
}
