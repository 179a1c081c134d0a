/* Graphs and builders inside the library. Nodes are an array indexed by value id; entry
 * 0 is unused. Names, shapes, specs and scopes live in the graph's arena. A builder
 * owns a graph that is not finished; finishing freezes it. */
#ifndef TDAGI_GRAPH_H
#define TDAGI_GRAPH_H

#include <stdatomic.h>

#include <tdagger/graph.h>

#include "base/arena.h"
#include "base/dim/dim.h"
#include "ir/opdef.h"

#define TDAGI_INLINE_INPUTS 3

typedef struct tdagi_node {
    uint16_t op;
    uint8_t dtype;
    uint8_t rank;
    uint32_t n_inputs;
    union {
        tdag_value few[TDAGI_INLINE_INPUTS];
        const tdag_value *many; /* n_inputs > TDAGI_INLINE_INPUTS; in the arena */
    } in;
    uint32_t scope;        /* index into graph.scopes */
    const char *name;      /* NULL: automatic */
    const tdag_dim *shape; /* `rank` dims; equal shapes may share */
    union {
        const void *spec;    /* non-leaf */
        tdag_tensor *tensor; /* parameter, buffer, constant */
    } u;
} tdagi_node;

/* What a user of a graph left with it for its next one: the head of the user's own
 * struct, which ends with the graph or when another one comes. */
typedef struct tdagi_left {
    void (*free)(struct tdagi_left *left);
} tdagi_left;

struct tdag_graph {
    atomic_uint refs;
    _Atomic(tdagi_left *) left;
    tdag_allocator allocator;
    tdagi_arena arena;
    tdagi_pool *pool;
    tdagi_node *nodes; /* [capacity]; ids 1..n */
    uint32_t n;
    uint32_t capacity;
    tdag_value *inputs, *outputs;
    uint32_t n_inputs, inputs_capacity, n_outputs, outputs_capacity;
    const char **scopes; /* [0] = "" */
    uint32_t n_scopes, scopes_capacity;
    struct tdagi_names *names; /* name -> id */
};

struct tdag_builder {
    tdag_ctx *ctx;
    tdag_graph *graph; /* NULL once finished */
    tdag_status status;
    uint32_t scope;
    uint32_t *scope_slots; /* open addressing: index into graph.scopes + 1, 0 = free */
    uint32_t scope_slots_capacity; /* a power of two, or 0 */
};

static inline const tdagi_node *tdagi_graph_node(const tdag_graph *g, tdag_value v)
{
    return &g->nodes[v.id];
}
/* The constant that an output is; NULL: it is none. Lent. */
static inline const tdag_tensor *tdagi_graph_constant(const tdag_graph *g,
                                                      uint32_t output)
{
    const tdagi_node *n = tdagi_graph_node(g, g->outputs[output]);
    return n->op == TDAG_OP_CONSTANT ? n->u.tensor : NULL;
}
static inline const tdag_value *tdagi_node_inputs(const tdagi_node *n)
{
    return n->n_inputs > TDAGI_INLINE_INPUTS ? n->in.many : n->in.few;
}
static inline const tdagi_opdef *tdagi_node_def(const tdagi_node *n)
{
    return tdagi_op_row_of(n->op)->def;
}
/* Dtype, rank and dims of a value. */
void tdagi_value_type(const tdag_graph *g, tdag_value v, tdagi_type *out);
/* Its name, automatic ones written into buf; never NULL. */
const char *tdagi_value_name(const tdag_graph *g, tdag_value v, char buf[16]);
const char *tdagi_value_scope(const tdag_graph *g, tdag_value v);
/* Whether a new value cannot have the name: it is automatic, or another's. */
bool tdagi_name_is_taken(const tdag_graph *g, const char *name);
/* The name that a framework gave to a leaf: dots stand before it where it was taken
 * (tdagi_env_name() of src/aten sets them). */
static inline const char *tdagi_name_given(const char *name)
{
    while (*name == '.')
        name++;
    return name;
}

/* A builder's parts, for recipes and importers. */
static inline tdagi_pool *tdagi_builder_pool(tdag_builder *b) { return b->graph->pool; }
/* The operations since there were n_nodes were tried only: their names are free again.
 */
void tdagi_builder_forget_names(tdag_builder *b, uint32_t n_nodes);
/* Records a failure of the caller's own, with a sentence, at the current scope, and
 * returns TDAG_NO_VALUE. Only the first one stays. */
tdag_value tdagi_builder_fail(tdag_builder *b, tdag_status status, const char *format,
                              ...) __attribute__((format(printf, 3, 4)));
static inline bool tdagi_builder_ok(const tdag_builder *b)
{
    return b->status == TDAG_OK;
}
/* Dtype and shape that tdag_add_node() would give a node; adds nothing and leaves the
 * builder's status alone. */
tdag_status tdagi_builder_infer(tdag_builder *b, tdag_op op, const void *spec,
                                const tdag_value *inputs, uint32_t n_inputs,
                                tdagi_type *out);
/* Clears a recorded failure, so that an importer can go on and report several. */
void tdagi_builder_forgive(tdag_builder *b);
/* A builder whose pool starts as a clone of another graph's, so that its dims, specs
 * and shapes can be used as they are; for transforms. */
tdag_status tdagi_builder_create_like(tdag_ctx *ctx, const tdag_graph *like,
                                      tdag_builder **out);
/* Same op, dtype, shape and spec; whatever tensors they hold, and of other operands. */
bool tdagi_node_same_form(const tdag_graph *a, const tdagi_node *x, const tdag_graph *b,
                          const tdagi_node *y);
/* As tdag_graph_equal(), but names are those of weights only. */
bool tdagi_graph_computes_equal(const tdag_graph *a, const tdag_graph *b);
/* Takes what was left, which is then the caller's alone, NULL: nothing; and leaves it,
 * or NULL. It may not hold a reference to the graph, and is of the graph's allocator or
 * one that lives as long. Any thread. */
tdagi_left *tdagi_graph_take_left(const tdag_graph *g);
void tdagi_graph_leave(const tdag_graph *g, tdagi_left *left);
/* Removes the nodes that no output needs (inputs stay) and renumbers. */
tdag_status tdagi_graph_prune(tdag_ctx *ctx, const tdag_graph *g, tdag_graph **out);

/* The graph with symbol i replaced by the integer values[i] everywhere, shapes inferred
 * anew; what does not fit at those values fails as in the builder. */
tdag_status tdagi_graph_bind(tdag_ctx *ctx, const tdag_graph *g, const int64_t *values,
                             tdag_graph **out);

/* ---- helpers for shape rules (src/ir/rules.c) ---- */
tdag_status
tdagi_rule_broadcast(const tdagi_shape_call *c); /* all inputs -> out dims */
/* Every dim checked >= 0 at the samples. */
tdag_status tdagi_check_type(tdag_ctx *ctx, tdagi_pool *pool, const tdagi_type *t);
tdag_dim tdagi_type_count(tdagi_pool *pool, const tdagi_type *t); /* elements */

#endif
