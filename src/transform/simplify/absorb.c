/* See folder.h: a factor on its way down into a weight. Everything on the way has one
 * reader, so that nothing is computed twice, and so has the weight, so that a weight
 * that several operators share stays shared. */
#include "transform/simplify/folder.h"

#include <math.h>
#include <string.h>

#define MOST_STEPS 256 /* from the factor to the weight */

static tdag_status binary(tdagi_folder *f, tdag_op op, const tdag_tensor *x,
                          const tdag_tensor *y, tdag_tensor **out)
{
    const tdag_tensor *in[2] = {x, y};
    return tdagi_factor_apply(&f->factors, op, NULL, 2, in, out);
}

/* ---- new leaves ---- */

/* The leaf that a weight is made of first of all: what a new one is named after. */
static tdag_value source_of(const tdagi_folder *f, tdag_value v)
{
    const tdagi_node *n = &f->b->graph->nodes[v.id];
    while (n->n_inputs > 0) {
        v = tdagi_node_inputs(n)[0];
        n = &f->b->graph->nodes[v.id];
    }
    return v;
}

static tdag_status add_leaf(tdagi_folder *f, uint32_t op, const char *name,
                            const tdag_tensor *t, tdag_value *out)
{
    const tdagi_folded info = {.uses = 1, .made = true, .name = name};
    if (!tdagi_op_holds_tensor(op)) op = TDAG_OP_CONSTANT;
    *out = tdag_add_tensor(f->b, (tdag_op)op, NULL, t);
    return tdagi_folder_note(f, *out, &info);
}

/* "conv1.weight" gives "conv1.bias". */
static tdag_status bias_name(tdagi_folder *f, const char **out)
{
    const char *weight = f->leaf.id == 0 ? NULL : tdagi_folder_name(f, f->leaf);
    *out = NULL;
    if (weight == NULL) return TDAG_OK;
    size_t n = strlen(weight);
    bool ends = n >= 6 && strcmp(weight + n - 6, "weight") == 0;
    if (ends) n -= 6;
    char *name = tdagi_arena_alloc(&f->arena, n + sizeof("_bias"));
    if (name == NULL) return tdagi_nomem(f->ctx);
    memcpy(name, weight, n);
    strcpy(name + n, ends ? "bias" : "_bias");
    *out = name;
    return TDAG_OK;
}

/* A leaf of the dims that are not 1, and the unsqueeze that puts the others back, as
 * operators with a bias have it. */
static tdag_status add_bias_leaf(tdagi_folder *f, uint32_t op, const char *name,
                                 const tdag_tensor *t, tdag_value *out)
{
    int64_t shape[TDAG_MAX_RANK], axes[TDAG_MAX_RANK];
    uint32_t rank = 0, n_axes = 0;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->shape[i] != 1) {
            shape[rank++] = t->shape[i];
        } else if (rank > 0) {
            axes[n_axes] = rank + n_axes;
            n_axes++;
        }
    }
    tdag_tensor *flat = NULL;
    TDAGI_TRY(tdagi_factor_reshape(&f->factors, t, rank, shape, &flat));
    tdag_status st = add_leaf(f, op, name, flat, out);
    tdag_tensor_free(flat);
    if (st != TDAG_OK || n_axes == 0) return st;
    const tdag_axes_spec spec = {{n_axes, axes}};
    tdag_value leaf = *out;
    const tdagi_folded info = {.uses = 1, .weight = 1, .made = true};
    *out = tdag_add_node(f->b, TDAG_OP_UNSQUEEZE, &spec, sizeof(spec), &leaf, 1);
    return tdagi_folder_note(f, *out, &info);
}

int tdagi_made_bias(const tdagi_folder *f, tdag_value v)
{
    const tdagi_node *n = &f->b->graph->nodes[v.id];
    int i = n->op == TDAG_OP_ADD ? tdagi_folder_weight_operand(f, v) : -1;
    bool joins = i >= 0 && tdagi_folded_of(f, v)->uses == 1 &&
                 tdagi_folded_of(f, tdagi_node_inputs(n)[i])->made;
    return joins ? i : -1;
}

tdag_status tdagi_add_bias(tdagi_folder *f, tdag_value v, const tdag_tensor *t,
                           tdag_value *out)
{
    const char *name = NULL;
    uint32_t op =
        f->leaf.id == 0 ? TDAG_OP_CONSTANT : f->b->graph->nodes[f->leaf.id].op;
    int i = tdagi_made_bias(f, v);
    tdag_tensor *sum = NULL, *old = NULL;
    tdag_status st = TDAG_OK;
    if (i >= 0) {
        tdagi_node n = f->b->graph->nodes[v.id];
        tdag_value leaf = source_of(f, n.in.few[i]);
        name = tdagi_folder_name(f, leaf);
        op = f->b->graph->nodes[leaf.id].op;
        st = tdagi_folder_tensor(f, n.in.few[i], &old);
        if (st == TDAG_OK) st = binary(f, TDAG_OP_ADD, old, t, &sum);
        v = n.in.few[1 - i];
    } else {
        sum = tdag_tensor_copy(t);
        st = bias_name(f, &name);
    }
    tdag_value in[2] = {v, TDAG_NO_VALUE};
    const tdagi_folded info = {.uses = 1, .weight = TDAGI_NO_WEIGHT};
    if (f->leaf.id != 0) tdagi_folder_scope(f, f->leaf);
    if (st == TDAG_OK) st = add_bias_leaf(f, op, name, sum, &in[1]);
    if (st == TDAG_OK) {
        *out = tdag_binary(f->b, TDAG_OP_ADD, in[0], in[1]);
        st = tdagi_folder_note(f, *out, &info);
    }
    tdag_tensor_free(old);
    tdag_tensor_free(sum);
    return st;
}

/* ---- down ---- */

typedef struct descent {
    tdagi_folder *f;
    bool in_sum;
    uint32_t steps;
} descent;

static tdag_status absorb(descent d, tdag_value v, const tdag_tensor *t,
                          tdag_value *out);

static bool is_linear(uint32_t op)
{
    return tdagi_op_is_movement(op) || op == TDAG_OP_FOLD || op == TDAG_OP_NEG ||
           op == TDAG_OP_REDUCE;
}

static tdag_status through_step(descent d, tdag_value v, const tdag_tensor *t,
                                tdag_value *out)
{
    tdagi_folder *f = d.f;
    tdagi_step step;
    tdagi_type types[2];
    tdag_tensor *inner = NULL;
    tdagi_node n = f->b->graph->nodes[v.id];
    tdag_value x = TDAG_NO_VALUE;
    tdagi_folder_step(f, v, &step, types);
    if (n.op == TDAG_OP_REDUCE && !tdagi_folded_of(f, v)->contracts) return TDAG_OK;
    TDAGI_TRY(tdagi_factor_pull(&f->factors, &step, t, &inner));
    if (inner == NULL) return TDAG_OK;
    d.in_sum = d.in_sum || n.op == TDAG_OP_REDUCE;
    tdag_status st = absorb(d, n.in.few[0], inner, &x);
    tdag_tensor_free(inner);
    if (st != TDAG_OK || x.id == 0) return st;
    return tdagi_folder_add(f, v, &x, out);
}

/* The factor of a broadcast result as one of operand `x`, which must vary wherever the
 * factor does. */
static tdag_status of_operand(tdagi_folder *f, const tdag_tensor *t, tdag_value x,
                              tdag_tensor **out)
{
    tdagi_type type;
    int64_t shape[TDAG_MAX_RANK];
    tdagi_value_type(f->b->graph, x, &type);
    *out = NULL;
    uint32_t more = t->rank - type.rank;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (i >= more) shape[i - more] = t->shape[i];
        if (t->shape[i] != 1 && (i < more || type.shape[i - more] != t->shape[i]))
            return TDAG_OK;
    }
    return tdagi_factor_reshape(&f->factors, t, type.rank, shape, out);
}

/* The product of a contraction: the weight's side takes the factor. */
static tdag_status into_product(descent d, tdag_value v, const tdag_tensor *t,
                                tdag_value *out)
{
    tdagi_folder *f = d.f;
    tdagi_node n = f->b->graph->nodes[v.id];
    for (int i = 0; i < 2 && out->id == 0; i++) {
        tdag_tensor *part = NULL;
        tdag_value in[2] = {n.in.few[0], n.in.few[1]}, x = TDAG_NO_VALUE;
        if (!tdagi_is_weight(f, in[i]) || tdagi_is_weight(f, in[1 - i])) continue;
        TDAGI_TRY(of_operand(f, t, in[i], &part));
        if (part == NULL) continue;
        tdag_status st = absorb(d, in[i], part, &x);
        tdag_tensor_free(part);
        if (st != TDAG_OK) return st;
        in[i] = x;
        if (x.id != 0) TDAGI_TRY(tdagi_folder_add(f, v, in, out));
    }
    return TDAG_OK;
}

/* (x + bias)*t is x*t + bias*t. */
static tdag_status past_bias(descent d, tdag_value v, const tdag_tensor *t,
                             tdag_value *out)
{
    tdagi_folder *f = d.f;
    tdagi_node n = f->b->graph->nodes[v.id];
    int i = tdagi_folder_weight_operand(f, v);
    tdag_value x = TDAG_NO_VALUE;
    tdag_tensor *bias = NULL, *scaled = NULL;
    if (i < 0) return TDAG_OK;
    TDAGI_TRY(absorb(d, n.in.few[1 - i], t, &x));
    if (x.id == 0) return TDAG_OK;
    tdag_status st = tdagi_folder_tensor(f, n.in.few[i], &bias);
    if (st == TDAG_OK) st = binary(f, TDAG_OP_MULTIPLY, bias, t, &scaled);
    if (st == TDAG_OK && tdagi_tensor_is_finite(scaled)) {
        /* The bias keeps its own name where it is a leaf of its own. */
        tdag_value weight = f->leaf, leaf = source_of(f, n.in.few[i]);
        const char *name = tdagi_folder_name(f, leaf);
        bool own = tdagi_folded_of(f, leaf)->uses == 1 && name != NULL &&
                   tdagi_made_bias(f, x) < 0 && f->infos[v.id].cover != 0 &&
                   f->b->graph->nodes[leaf.id].op == TDAG_OP_PARAMETER;
        st = tdagi_add_bias(f, x, scaled, out);
        if (st == TDAG_OK && own) {
            tdag_value in = tdagi_node_inputs(&f->b->graph->nodes[out->id])[1];
            f->infos[source_of(f, in).id].name = name;
        }
        f->leaf = weight;
    }
    tdag_tensor_free(bias);
    tdag_tensor_free(scaled);
    return st;
}

static tdag_status into_leaf(tdagi_folder *f, tdag_value v, const tdag_tensor *t,
                             tdag_value *out)
{
    tdag_tensor *old = NULL, *scaled = NULL;
    tdag_value leaf = source_of(f, v);
    tdag_status st = tdagi_folder_tensor(f, v, &old);
    if (st == TDAG_OK) st = binary(f, TDAG_OP_MULTIPLY, old, t, &scaled);
    if (st == TDAG_OK && tdagi_tensor_is_finite(scaled)) {
        tdagi_folder_scope(f, leaf);
        st = add_leaf(f, f->b->graph->nodes[leaf.id].op, tdagi_folder_name(f, leaf),
                      scaled, out);
        f->leaf = *out;
    }
    tdag_tensor_free(old);
    tdag_tensor_free(scaled);
    return st;
}

static tdag_status absorb(descent d, tdag_value v, const tdag_tensor *t,
                          tdag_value *out)
{
    tdagi_folder *f = d.f;
    uint32_t op = f->b->graph->nodes[v.id].op;
    if (tdagi_folded_of(f, v)->uses != 1 || d.steps++ == MOST_STEPS) return TDAG_OK;
    if (is_linear(op)) {
        TDAGI_TRY(through_step(d, v, t, out));
        if (out->id != 0 || !tdagi_is_weight(f, v) || tdagi_op_is_movement(op))
            return TDAG_OK;
    }
    if (tdagi_is_weight(f, v)) return d.in_sum ? into_leaf(f, v, t, out) : TDAG_OK;
    if (op == TDAG_OP_MULTIPLY && d.in_sum) return into_product(d, v, t, out);
    if (op == TDAG_OP_ADD && !d.in_sum) return past_bias(d, v, t, out);
    return TDAG_OK;
}

tdag_status tdagi_absorb(tdagi_folder *f, tdag_value v, const tdag_tensor *t,
                         bool in_sum, tdag_value *out)
{
    const descent d = {f, in_sum, 0};
    *out = TDAG_NO_VALUE;
    return absorb(d, v, t, out);
}
