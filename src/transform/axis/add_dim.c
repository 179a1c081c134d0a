/* Adding a dimension. Inside, every value that has it has it as its leading axis; the
 * rule of each op (add_dim in ir/opdef.h) puts it there. A value that depends on no
 * input that has it stays as it is, and broadcasts. Where the inputs and outputs want
 * the axis elsewhere, they are permuted at the edges. */
#include <tdagger/axis.h>

#include <string.h>

#include "ir/graft.h"
#include "ops/ops.h"
#include "program/model.h"
#include "transform/axis/walk.h"
#include "transform/compose/cut.h"

typedef struct addition {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdag_builder *b; /* its pool starts as a clone of g's: dims and specs fit */
    tdagi_graft graft;
    tdag_dim dim;
    const char *name; /* of the dimension */
    uint32_t axis;
    const unsigned char *wants;   /* by output: it gets the axis; NULL: all do */
    uint32_t n_outputs;           /* so far */
    unsigned char *live;          /* by old id */
    unsigned char *has;           /* by old id: the new value has the dimension */
    tdagi_axis_operands operands; /* of one node */
    tdagi_arena arena;            /* of the arrays */
} addition;

/* v with its axis `from` moved to `to`. */
static tdag_value moved(addition *a, tdag_value v, uint32_t from, uint32_t to)
{
    int64_t order[TDAG_MAX_RANK + 1];
    uint32_t rank = tdag_builder_get_rank(a->b, v), next = 0;
    if (from == to || v.id == 0) return v;
    for (uint32_t i = 0; i < rank; i++) {
        if (next == from) next++;
        order[i] = i == to ? from : next++;
    }
    return tdag_permute(a->b, v, (tdag_list){rank, order});
}

static tdag_status check_axis(addition *a, const tdagi_node *n, const char *what)
{
    if (n->rank >= TDAG_MAX_RANK)
        return tdagi_fail(a->ctx, TDAG_E_SHAPE,
                          "the %s has %u axes, the most there are", what,
                          (unsigned)n->rank);
    if (a->axis <= n->rank) return TDAG_OK;
    return tdagi_fail(a->ctx, TDAG_E_ARG, "%s cannot be axis %u of an %s of %u axes",
                      a->name, (unsigned)a->axis, what, (unsigned)n->rank);
}

static tdag_status add_to_input(addition *a, uint32_t id)
{
    const tdagi_node *n = &a->g->nodes[id];
    tdag_dim shape[TDAG_MAX_RANK];
    TDAGI_TRY(check_axis(a, n, "input"));
    for (uint32_t i = 0; i <= n->rank; i++)
        shape[i] = i == a->axis ? a->dim : n->shape[i < a->axis ? i : i - 1];
    tdag_value v =
        tdag_add_input(a->b, n->name, (tdag_dtype)n->dtype, n->rank + 1u, shape);
    a->graft.new_of[id] = moved(a, v, a->axis, 0);
    return tdag_builder_get_status(a->b);
}

static tdag_status add_to_output(void *self, tdag_value old)
{
    addition *a = self;
    const tdagi_node *n = &a->g->nodes[old.id];
    tdag_value v = a->graft.new_of[old.id];
    bool wants = a->wants == NULL || a->wants[a->n_outputs++];
    if (wants) TDAGI_TRY(check_axis(a, n, "output"));
    if (!wants) {
        /* stays as it is */
    } else if (a->has[old.id]) {
        v = moved(a, v, 0, a->axis);
    } else {
        int64_t counts[TDAG_MAX_RANK];
        for (uint32_t i = 0; i <= n->rank; i++)
            counts[i] = i == a->axis ? a->dim : 1;
        v = tdag_unsqueeze(a->b, v, TDAG_LIST(a->axis));
        v = tdag_repeat(a->b, v, (tdag_list){n->rank + 1u, counts});
    }
    tdag_builder_add_output(a->b, v);
    return tdag_builder_get_status(a->b);
}

static tdag_status apply_rule(addition *a, uint32_t id)
{
    const tdagi_node *n = &a->g->nodes[id];
    const tdagi_opdef *def = tdagi_node_def(n);
    const tdag_value *in = tdagi_node_inputs(n);
    tdagi_type type;
    uint32_t out = 0;
    if (def->add_dim == NULL)
        return tdagi_fail(a->ctx, TDAG_E_UNSUPPORTED,
                          "%s cannot be added: %s has no rule for it", a->name,
                          tdag_op_name((tdag_op)n->op));
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        tdagi_value_type(a->g, in[i], &a->operands.types[i]);
        a->operands.marks[i] = (tdagi_mark){.axis = a->has[in[i].id] ? 0 : -1};
        a->operands.in[i] = a->graft.new_of[in[i].id].id;
    }
    tdagi_value_type(a->g, (tdag_value){id}, &type);
    tdag_builder_set_scope(a->b, a->g->scopes[n->scope]);
    TDAGI_TRY(tdag_builder_get_status(a->b));
    tdagi_axis_call call = {.ctx = a->ctx,
                            .builder = a->b,
                            .pool = tdagi_builder_pool(a->b),
                            .dim = a->dim,
                            .spec = n->u.spec,
                            .n_inputs = n->n_inputs,
                            .types = a->operands.types,
                            .output = &type,
                            .marks = a->operands.marks,
                            .inputs = a->operands.in,
                            .out = &out};
    TDAGI_TRY(def->add_dim(&call));
    a->graft.new_of[id].id = out;
    tdag_builder_set_name(a->b, (tdag_value){out}, n->name);
    return tdag_builder_get_status(a->b);
}

static tdag_status add_to_node(void *self, uint32_t id)
{
    addition *a = self;
    const tdagi_node *n = &a->g->nodes[id];
    const tdag_value *in = tdagi_node_inputs(n);
    tdag_builder_set_scope(a->b, a->g->scopes[n->scope]);
    if (n->op == TDAG_OP_INPUT && a->has[id]) return add_to_input(a, id);
    if (!a->live[id] && n->op != TDAG_OP_INPUT) return TDAG_OK;
    for (uint32_t i = 0; i < n->n_inputs; i++)
        a->has[id] |= a->has[in[i].id];
    if (a->has[id]) return apply_rule(a, id);
    (void)tdagi_graft_node(&a->graft, id);
    return tdag_builder_get_status(a->b);
}

static tdag_status add_to_all(addition *a, tdag_graph **out)
{
    const tdagi_axis_rewriter by = {a, add_to_node, add_to_output};
    tdagi_mark_live(a->g, a->live);
    TDAGI_TRY(tdagi_axis_walk(a->ctx, a->g, &by));
    return tdag_builder_finish(a->b, out);
}

/* ---- what is asked for ---- */

static tdag_status choose_inputs(addition *a, const tdag_add_dim_options *o)
{
    for (uint32_t i = 0; i < a->g->n_inputs && o->n_inputs == 0; i++)
        a->has[a->g->inputs[i].id] = 1;
    for (uint32_t i = 0; i < o->n_inputs; i++) {
        const char *name = o->inputs == NULL ? NULL : o->inputs[i];
        tdag_value v = name == NULL ? TDAG_NO_VALUE : tdag_graph_find(a->g, name);
        if (v.id == 0 || a->g->nodes[v.id].op != TDAG_OP_INPUT)
            return tdagi_fail(a->ctx, TDAG_E_ARG, "the graph has no input named %s",
                              name == NULL ? "NULL" : name);
        a->has[v.id] = 1;
    }
    return TDAG_OK;
}

static tdag_status declare(addition *a, const tdag_add_dim_options *o)
{
    uint32_t n = tdagi_pool_n_symbols(a->g->pool);
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(tdagi_pool_symbol(a->g->pool, i, NULL), a->name) == 0)
            return tdagi_fail(a->ctx, TDAG_E_ARG,
                              "the graph has a dimension %s already", a->name);
    if (o->sample < 0)
        return tdagi_fail(a->ctx, TDAG_E_ARG, "the sample of %s is negative", a->name);
    a->dim = tdag_builder_symbol(a->b, a->name, o->sample == 0 ? 2 : o->sample);
    return tdag_builder_get_status(a->b);
}

static tdag_status get_rooms(addition *a)
{
    void *live, *has;
    TDAGI_TRY(tdagi_scratch(a->ctx, &a->arena, a->g->n, 1, &live));
    TDAGI_TRY(tdagi_scratch(a->ctx, &a->arena, a->g->n, 1, &has));
    a->live = live;
    a->has = has;
    return tdagi_axis_get_operands(a->ctx, a->g, &a->arena, &a->operands);
}

static tdag_status add_in_rooms(addition *a, const tdag_add_dim_options *o,
                                tdag_graph **out)
{
    TDAGI_TRY(choose_inputs(a, o));
    TDAGI_TRY(tdagi_builder_create_like(a->ctx, a->g, &a->b));
    tdag_status st = declare(a, o);
    if (st == TDAG_OK) st = tdagi_graft_init(&a->graft, a->b, a->g, NULL);
    if (st == TDAG_OK) {
        st = add_to_all(a, out);
        tdagi_graft_free(&a->graft);
    }
    tdag_builder_free(a->b);
    return st;
}

tdag_status tdag_graph_add_dim(tdag_ctx *ctx, const tdag_graph *graph, const char *dim,
                               const tdag_add_dim_options *options, tdag_graph **out)
{
    return tdagi_graph_add_dim(ctx, graph, dim, options, NULL, out);
}

tdag_status tdagi_graph_add_dim(tdag_ctx *ctx, const tdag_graph *graph, const char *dim,
                                const tdag_add_dim_options *options,
                                const unsigned char *wants, tdag_graph **out)
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, dim, "dim"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    tdag_add_dim_options o;
    TDAGI_TRY(tdagi_options_load(ctx, &o, sizeof(o), options));
    addition a = {.ctx = ctx, .g = graph, .name = dim, .axis = o.axis, .wants = wants};
    tdagi_arena_init(&a.arena, &ctx->allocator);
    tdag_status st = get_rooms(&a);
    if (st == TDAG_OK) st = add_in_rooms(&a, &o, out);
    tdagi_arena_free(&a.arena);
    return st;
}
