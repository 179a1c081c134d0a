/* The graph as Core ML can hold it: bool, one kind of integers, one kind of floats; no
 * inputs or outputs of bool, no inputs of no axes. Weights keep their dtype and are
 * converted, which is done when they are written. */
#include <stdio.h>
#include <string.h>

#include <tdagger/run.h>

#include "base/tensor.h"
#include "coreml/write/mil.h"
#include "ir/graft.h"

tdag_dtype tdagi_coreml_held_as(tdag_dtype dtype)
{
    if (dtype == TDAG_BOOL) return TDAG_BOOL;
    return tdag_dtype_is_float(dtype) ? TDAG_F32 : TDAG_I64;
}

/* What is padded with ends of i64, which mean "no end", is with those of int32, less
 * what is added to them. */
static double held_end(double x)
{
    const double end = 0x1p31 - 0x1p16;
    return x >= 0x1p62 ? end : x <= -0x1p62 ? -end : x;
}

static bool is_empty(const tdagi_node *n)
{
    bool has_zero = false;
    for (uint32_t i = 0; i < n->rank; i++) {
        if (n->shape[i] < 0) return false;
        has_zero = has_zero || n->shape[i] == 0;
    }
    return has_zero;
}

typedef struct preparing {
    tdagi_graft graft;
    tdag_builder *b;
    const tdag_graph *g;
    const tdagi_mil_writer *w; /* that wrote what g was read from; NULL: none did */
    bool is_called;            /* by a program */
    bool in_halves;            /* floats of leaves are what halves hold of them */
} preparing;

static tdag_value scalar(preparing *p, double x)
{
    return tdag_add_scalar(p->b, TDAG_I64, x);
}

/* What a narrow integer keeps of a number: x - floor((x - least) / n) * n. */
static tdag_value wrap(preparing *p, tdag_value x, tdag_dtype dtype)
{
    const double n = (double)(1 << 8 * tdag_dtype_size(dtype));
    const double least = dtype == TDAG_U8 ? 0 : -n / 2;
    tdag_value from = tdagi_sub(p->b, x, scalar(p, least));
    tdag_value turns = tdag_binary(p->b, TDAG_OP_FLOOR_DIVIDE, from, scalar(p, n));
    return tdagi_sub(p->b, x, tdagi_mul(p->b, turns, scalar(p, n)));
}

/* Whether the node computes: its result may leave what a narrow integer holds. */
static bool computes(const tdag_graph *g, const tdagi_node *n)
{
    const bool is_narrow =
        n->dtype == TDAG_U8 || n->dtype == TDAG_I8 || n->dtype == TDAG_I16;
    if (!is_narrow || tdagi_op_is_leaf(n->op) || tdagi_op_is_movement(n->op) ||
        n->op == TDAG_OP_WHERE || n->op == TDAG_OP_GATHER)
        return false;
    return n->op != TDAG_OP_CONVERT ||
           tdagi_graph_node(g, tdagi_node_inputs(n)[0])->dtype != TDAG_BOOL;
}

/* The constant of a program as the model has it, which was written so. */
static tdag_value as_written(preparing *p, const tdagi_node *of, const tdagi_node *n)
{
    char buf[16];
    const tdag_value id = {(uint32_t)(of - p->w->now.g->nodes)};
    tdag_value v = tdag_add_tensor(
        p->b, (tdag_op)of->op, tdagi_value_name(p->w->now.g, id, buf), of->u.tensor);
    v = tdagi_cast(p->b, v, tdagi_coreml_held_as((tdag_dtype)of->dtype));
    v = tdagi_cast(p->b, v, tdagi_coreml_held_as((tdag_dtype)n->dtype));
    return tdagi_reshape(p->b, v, n->rank, n->shape);
}

/* The number of the model that was written as x. */
static int64_t end_of(const tdagi_mil_writer *w, int64_t x)
{
    if (w == NULL || (x != INT32_MIN && x != INT32_MAX)) return x;
    return w->ends[x > 0] != 0 ? w->ends[x > 0] : x;
}

/* The elements as a constant of that dtype. */
static tdag_value converted(preparing *p, const tdagi_node *n, tdag_dtype to)
{
    tdag_tensor *t = NULL;
    if (!tdagi_builder_ok(p->b)) return TDAG_NO_VALUE;
    if (tdag_tensor_create(p->b->ctx, to, n->u.tensor->rank, n->u.tensor->shape, &t) !=
        TDAG_OK)
        return tdagi_builder_fail(p->b, TDAG_E_NOMEM, "out of memory");
    for (int64_t i = 0; i < t->count; i++) {
        const double x = tdagi_tensor_get_f64(n->u.tensor, i);
        if (to == TDAG_I64)
            tdagi_tensor_set_i64(t, i,
                                 end_of(p->w, tdagi_tensor_get_i64(n->u.tensor, i)));
        else
            tdagi_tensor_set_f64(
                t, i,
                p->in_halves && to == TDAG_F32 ? tdagi_mil_half(x, t->count == 1) : x);
    }
    tdag_value v = tdag_add_tensor(p->b, TDAG_OP_CONSTANT, n->name, t);
    tdag_tensor_free(t);
    return v;
}

/* Weights are converted when they are read. */
static tdag_value rounded(preparing *p, uint32_t id)
{
    const tdagi_node *n = &p->g->nodes[id];
    if (n->u.tensor->count <= TDAGI_MIL_MAX_ELEMENTS) return converted(p, n, TDAG_F32);
    tdag_value v = tdagi_cast(p->b, tdagi_graft_node(&p->graft, id), TDAG_F16);
    return tdagi_cast(p->b, v, TDAG_F32);
}

static tdag_value prepare_tensor(preparing *p, uint32_t id)
{
    const tdagi_node *n = &p->g->nodes[id], *of = NULL;
    const tdag_dtype to = tdagi_coreml_held_as((tdag_dtype)n->dtype);
    if (p->in_halves && to == TDAG_F32) return rounded(p, id);
    if (p->w != NULL && n->name != NULL)
        of = tdagi_mil_origin(p->w, tdagi_name_given(n->name));
    if (of != NULL) return as_written(p, of, n);
    const bool is_number = n->rank == 0; /* of which Core ML has none as weights */
    if ((p->w != NULL || is_number) && n->dtype == to)
        return tdag_add_tensor(p->b, TDAG_OP_CONSTANT, n->name, n->u.tensor);
    if (p->w == NULL && !is_number && (n->op != TDAG_OP_CONSTANT || n->dtype == to))
        return tdagi_cast(p->b, tdagi_graft_node(&p->graft, id), to);
    return converted(p, n, to);
}

/* What no operator of Core ML gives: no elements. */
static tdag_value prepare_empty(preparing *p, const tdagi_node *n, const char *name)
{
    tdag_tensor *t = NULL;
    if (!tdagi_builder_ok(p->b)) return TDAG_NO_VALUE;
    if (tdag_tensor_create(p->b->ctx, tdagi_coreml_held_as((tdag_dtype)n->dtype),
                           n->rank, n->shape, &t) != TDAG_OK)
        return tdagi_builder_fail(p->b, TDAG_E_NOMEM, "out of memory");
    tdag_value v = tdag_add_tensor(p->b, TDAG_OP_CONSTANT, name, t);
    tdag_tensor_free(t);
    return v;
}

static tdag_value prepare_input(preparing *p, const tdagi_node *n)
{
    tdag_dtype to = tdagi_coreml_held_as((tdag_dtype)n->dtype);
    const tdag_dim one = 1; /* what a rank of 0 is given as */
    const bool is_scalar = n->rank == 0 && !p->is_called;
    tdag_value v =
        tdag_add_input(p->b, n->name, to == TDAG_BOOL && !p->is_called ? TDAG_I64 : to,
                       is_scalar ? 1 : n->rank, is_scalar ? &one : n->shape);
    if (is_empty(n)) return prepare_empty(p, n, NULL);
    if (is_scalar) v = tdag_squeeze(p->b, v, TDAG_LIST(0));
    return tdagi_cast(p->b, v, to);
}

/* What was read of a package is written back. */
static tdag_value prepare_opaque(preparing *p, const tdagi_node *n)
{
    const tdag_opaque_spec *own = tdagi_graft_spec(&p->graft, n);
    const tdag_dtype dtype = (tdag_dtype)n->dtype;
    if (own == NULL) return TDAG_NO_VALUE;
    tdag_opaque_spec s = *own;
    s.dtype = tdagi_coreml_held_as(dtype);
    if (strncmp(s.name, "coreml::", 8) != 0)
        return tdagi_builder_fail(p->b, TDAG_E_UNSUPPORTED,
                                  "%s is not known, so that Core ML cannot have it",
                                  s.name);
    if (dtype == TDAG_I8 || dtype == TDAG_U8 || dtype == TDAG_I16)
        return tdagi_builder_fail(p->b, TDAG_E_UNSUPPORTED,
                                  "%s gives %s, which is not written", s.name,
                                  tdag_dtype_name(dtype));
    for (uint32_t i = 0; i < n->n_inputs; i++)
        p->graft.scratch[i] = p->graft.new_of[tdagi_node_inputs(n)[i].id];
    tdag_value v = tdag_add_node(p->b, TDAG_OP_OPAQUE, &s, sizeof s, p->graft.scratch,
                                 n->n_inputs);
    tdag_builder_set_name(p->b, v, n->name);
    return v;
}

static tdag_value prepare_op(preparing *p, uint32_t id)
{
    const tdagi_node *n = &p->g->nodes[id];
    const tdag_value *in = tdagi_node_inputs(n);
    const tdag_dtype to = tdagi_coreml_held_as((tdag_dtype)n->dtype);
    tdag_value v;
    if (n->op == TDAG_OP_OPAQUE) return prepare_opaque(p, n);
    if (n->op == TDAG_OP_CONVERT)
        v = tdagi_cast(p->b, p->graft.new_of[in[0].id], to);
    else if (n->op == TDAG_OP_PAD && n->dtype == TDAG_I64) {
        tdag_pad_spec s = *(const tdag_pad_spec *)n->u.spec;
        s.value = held_end(s.value);
        v = tdag_add_node(p->b, TDAG_OP_PAD, &s, sizeof s, &p->graft.new_of[in[0].id],
                          1);
    } else if (n->op == TDAG_OP_IOTA)
        v = tdag_iota(p->b, ((const tdag_iota_spec *)n->u.spec)->n, to);
    else
        return tdagi_graft_node(&p->graft, id);
    if (v.id != p->graft.new_of[in[0].id].id || n->op != TDAG_OP_CONVERT)
        tdag_builder_set_name(p->b, v, n->name); /* else it is the operand */
    return v;
}

static void prepare_node(preparing *p, uint32_t id)
{
    const tdagi_node *n = &p->g->nodes[id];
    tdag_value v;
    tdag_builder_set_scope(p->b, p->g->scopes[n->scope]);
    if (n->op == TDAG_OP_INPUT)
        v = prepare_input(p, n);
    else if (tdagi_op_holds_tensor(n->op))
        v = prepare_tensor(p, id);
    else if (is_empty(n))
        v = prepare_empty(p, n, n->name);
    else
        v = prepare_op(p, id);
    if (computes(p->g, n)) v = wrap(p, v, (tdag_dtype)n->dtype);
    p->graft.new_of[id] = v;
}

static tdag_status prepare(preparing *p, unsigned char *live, tdag_graph **out)
{
    tdagi_mark_live(p->g, live);
    for (uint32_t id = 1; id <= p->g->n && tdagi_builder_ok(p->b); id++)
        if (live[id] || p->g->nodes[id].op == TDAG_OP_INPUT) prepare_node(p, id);
    for (uint32_t i = 0; i < p->g->n_outputs; i++) {
        tdag_value v = p->graft.new_of[p->g->outputs[i].id];
        if (!p->is_called && tdag_builder_get_dtype(p->b, v) == TDAG_BOOL)
            v = tdag_convert(p->b, v, TDAG_I64);
        tdag_builder_add_output(p->b, v);
    }
    return tdag_builder_finish(p->b, out);
}

static tdag_status prepare_all(tdag_ctx *ctx, preparing *p, tdag_graph **out)
{
    void *live = NULL;
    const size_t size = (size_t)p->g->n + 1;
    TDAGI_TRY(tdagi_builder_create_like(ctx, p->g, &p->b));
    tdag_status st = tdagi_graft_init(&p->graft, p->b, p->g, NULL);
    if (st != TDAG_OK) {
        tdag_builder_free(p->b);
        return st;
    }
    st = tdagi_array_alloc(ctx, size, 1, &live);
    if (st == TDAG_OK) st = prepare(p, live, out);
    if (live != NULL) tdagi_free(ctx, live, size);
    tdagi_graft_free(&p->graft);
    tdag_builder_free(p->b);
    return st;
}

tdag_status tdagi_coreml_prepare(tdag_ctx *ctx, const tdag_graph *g,
                                 const tdagi_mil_writer *w, tdag_graph **out)
{
    preparing p = {.g = g, .w = w};
    return prepare_all(ctx, &p, out);
}

tdag_status tdagi_coreml_prepare_called(tdag_ctx *ctx, const tdag_graph *g,
                                        bool in_halves, tdag_graph **out)
{
    preparing p = {.g = g, .is_called = true, .in_halves = in_halves};
    return prepare_all(ctx, &p, out);
}

/* ---- weights that are computed of weights ---- */

/* What is known of a node. */
typedef struct of_weights {
    bool is_weight, reduces, is_wanted;
    uint32_t leaf; /* the largest one that it is made of */
    uint64_t size; /* its bytes */
} of_weights;

static uint64_t size_of(const tdagi_node *n)
{
    uint64_t size = tdag_dtype_size((tdag_dtype)n->dtype);
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] < 0 ||
            __builtin_mul_overflow(size, (uint64_t)n->shape[i], &size))
            return UINT64_MAX;
    return size;
}

static void look_at(const tdag_graph *g, uint32_t id, of_weights *all)
{
    const tdagi_node *n = &g->nodes[id];
    of_weights *is = &all[id];
    const bool is_leaf = tdagi_op_is_leaf(n->op);
    is->is_weight = is_leaf ? n->op != TDAG_OP_INPUT
                            : n->op != TDAG_OP_OPAQUE && size_of(n) != UINT64_MAX;
    is->reduces = n->op == TDAG_OP_REDUCE;
    is->size = tdagi_op_holds_tensor(n->op) ? size_of(n) : 0;
    is->leaf = id;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const of_weights *x = &all[tdagi_node_inputs(n)[i].id];
        is->is_weight = is->is_weight && x->is_weight;
        is->reduces = is->reduces || x->reduces;
        if (x->size > is->size) is->leaf = x->leaf;
        if (x->size > is->size) is->size = x->size;
    }
}

/* Those that a reduction makes of a weight of the same size, as weight norms are, and
 * which something else takes; how many. */
static uint32_t find_wanted(const tdag_graph *g, of_weights *all)
{
    uint32_t n_wanted = 0;
    for (uint32_t id = 1; id <= g->n; id++) {
        const tdagi_node *n = &g->nodes[id];
        look_at(g, id, all);
        for (uint32_t i = 0; i < n->n_inputs && !all[id].is_weight; i++) {
            uint32_t x = tdagi_node_inputs(n)[i].id;
            while (all[x].is_weight && tdagi_op_is_movement(g->nodes[x].op))
                x = tdagi_node_inputs(&g->nodes[x])[0].id; /* a part of the operator */
            of_weights *is = &all[x];
            if (!is->is_weight || !is->reduces || is->is_wanted ||
                size_of(&g->nodes[x]) != is->size)
                continue;
            is->is_wanted = true;
            n_wanted++;
        }
    }
    return n_wanted;
}

/* The graph of what is wanted alone, run. */
static tdag_status compute_wanted(tdag_ctx *ctx, const tdag_graph *g,
                                  const of_weights *all, tdag_tensor **out)
{
    tdag_builder *b = NULL;
    tdag_graph *own = NULL;
    tdagi_graft graft;
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    TDAGI_TRY(tdagi_builder_create_like(ctx, g, &b));
    tdag_status st = tdagi_graft_init(&graft, b, g, NULL);
    for (uint32_t id = 1; id <= g->n && st == TDAG_OK && tdagi_builder_ok(b); id++) {
        if (!all[id].is_weight) continue;
        graft.new_of[id] = tdagi_graft_node(&graft, id);
        if (all[id].is_wanted) tdag_builder_add_output(b, graft.new_of[id]);
    }
    if (st == TDAG_OK) {
        st = tdag_builder_finish(b, &own);
        tdagi_graft_free(&graft);
    }
    tdag_builder_free(b);
    if (st == TDAG_OK) st = tdag_graph_run(ctx, own, NULL, 0, &o, out);
    tdag_graph_free(own);
    return st;
}

/* "PATH.weight" of what is made of PATH's, where nothing is called so. */
static tdag_value computed(tdag_builder *b, const tdag_graph *g, uint32_t leaf,
                           tdag_tensor *t)
{
    char name[256], buf[16];
    const char *of = tdagi_name_given(tdagi_value_name(g, (tdag_value){leaf}, buf));
    const char *dot = strrchr(of, '.');
    const int n = dot == NULL ? 0 : (int)(dot - of) + 1;
    snprintf(name, sizeof name, "%.*sweight", n < 200 ? n : 200, of);
    if (tdagi_name_is_taken(b->graph, name))
        snprintf(name, sizeof name, "%.200s_made", of);
    const bool is_free = !tdagi_name_is_taken(b->graph, name);
    return tdag_add_tensor(b, TDAG_OP_PARAMETER, is_free ? name : NULL, t);
}

static tdag_status replace(tdag_ctx *ctx, const tdag_graph *g, const of_weights *all,
                           tdag_tensor **tensors, tdag_graph **out)
{
    tdag_builder *b = NULL;
    tdagi_graft graft;
    TDAGI_TRY(tdagi_builder_create_like(ctx, g, &b));
    tdag_status st = tdagi_graft_init(&graft, b, g, NULL);
    for (uint32_t id = 1; id <= g->n && st == TDAG_OK && tdagi_builder_ok(b); id++) {
        tdag_builder_set_scope(b, g->scopes[g->nodes[id].scope]);
        graft.new_of[id] = all[id].is_wanted ? computed(b, g, all[id].leaf, *tensors++)
                                             : tdagi_graft_node(&graft, id);
    }
    if (st == TDAG_OK) {
        for (uint32_t i = 0; i < g->n_outputs; i++)
            tdag_builder_add_output(b, graft.new_of[g->outputs[i].id]);
        st = tdag_builder_finish(b, out);
        tdagi_graft_free(&graft);
    }
    tdag_builder_free(b);
    return st;
}

static tdag_status compute_and_replace(tdag_ctx *ctx, const tdag_graph *g,
                                       const of_weights *all, uint32_t n,
                                       tdag_graph **out)
{
    void *tensors = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof(tdag_tensor *), &tensors));
    tdag_tensor **t = tensors;
    tdag_status st = compute_wanted(ctx, g, all, t);
    if (st == TDAG_OK) {
        st = replace(ctx, g, all, t, out);
        for (uint32_t i = 0; i < n; i++)
            tdag_tensor_free(t[i]);
    }
    tdagi_free(ctx, tensors, n * sizeof(tdag_tensor *));
    return st;
}

tdag_status tdagi_coreml_compute_weights(tdag_ctx *ctx, tdag_graph **g)
{
    void *all = NULL;
    const size_t n = (size_t)(*g)->n + 1;
    tdag_graph *made = NULL;
    TDAGI_TRY(tdagi_array_alloc(ctx, n, sizeof(of_weights), &all));
    memset(all, 0, n * sizeof(of_weights));
    const uint32_t n_wanted = find_wanted(*g, all);
    tdag_status st =
        n_wanted == 0 ? TDAG_OK : compute_and_replace(ctx, *g, all, n_wanted, &made);
    tdagi_free(ctx, all, n * sizeof(of_weights));
    if (st != TDAG_OK || made == NULL) return st;
    tdag_graph_free(*g);
    *g = made;
    return TDAG_OK;
}
