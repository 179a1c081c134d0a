/* Rewriting a graph by rules: what the simplification passes are made of.
 *
 * The nodes of the old graph are made anew in topological order. Each one passes
 * through tdagi_remake(), which asks the rules of its op for something simpler, then
 * looks for an equal node that is there already, and only then adds it. Its operands
 * have been through this before, and what a rule makes goes through it too: so a rule
 * sees only operands that cannot be simplified further, one walk reaches nearly always
 * what cannot be simplified, and the work grows with the nodes and not with the rules
 * that fire.
 *
 * A rule looks only at the node, its operands and what these are made of, never at who
 * uses them: then a second walk has nothing to do, which makes simplifying idempotent.
 * What a rule leaves unused is dropped at the end. */
#ifndef TDAGI_REWRITE_H
#define TDAGI_REWRITE_H

#include <tdagger/simplify.h>

#include "ir/graft.h"
#include "transform/common.h"
#include "transform/simplify/protect.h"

/* A node that is about to be made: an op on values of the new graph. */
typedef struct tdagi_apply {
    tdag_op op;
    const void *spec; /* dims in the new graph's pool; NULL = none */
    uint32_t n;
    const tdag_value *in;
} tdagi_apply;

struct tdagi_rewriter;
/* Something equal to the node, with equal dtype and shape, built with tdagi_remake()
 * and the like or an operand itself; TDAG_NO_VALUE where the rule does not apply. A
 * result whose dtype or shape is not the node's own is thrown away, so a rule need not
 * prove that two symbolic dims are the same expression. Failures stick in the builder.
 */
typedef tdag_value tdagi_rule(struct tdagi_rewriter *rw, const tdagi_apply *a);

typedef struct tdagi_rule_row {
    tdag_op op; /* TDAG_OP_NONE: of every op */
    tdagi_rule *apply;
} tdagi_rule_row;

/* Rule tables, each ended by a row without a function. */
extern const tdagi_rule_row tdagi_constant_rules[];
extern const tdagi_rule_row tdagi_view_rules[];
extern const tdagi_rule_row tdagi_reshape_rules[];
extern const tdagi_rule_row tdagi_identity_rules[];
extern const tdagi_rule_row tdagi_normal_rules[];

/* Besides the passes that callers may name: a normal form, which is compared and never
 * shown. Nothing is left as it is for the sake of composites. */
#define TDAGI_PASS_NORMAL (UINT32_C(1) << 31)

/* The rules of a pass; the last row of an array has no rows. */
typedef struct tdagi_rule_table {
    uint32_t pass;
    const tdagi_rule_row *rows;
} tdagi_rule_table;

typedef struct tdagi_rewrite_options {
    const tdagi_rule_table *tables;
    uint32_t passes;         /* bits of tdag_simplify_pass */
    uint64_t constant_limit; /* bytes that a folded constant may have */
    bool inexact;            /* -0 may become +0, sums may be taken in another order */
} tdagi_rewrite_options;

#define TDAGI_MOST_RULES (128 + 2 * TDAGI_OP_CODES) /* two rows are of every op */

typedef struct tdagi_rewriter {
    tdag_ctx *ctx;
    tdag_builder *b; /* of the new graph; its pool is a clone of the old one */
    tdagi_graft graft;
    tdagi_rewrite_options options;
    tdagi_common common;
    uint8_t *kept;     /* TDAGI_KEPT and such of the old values */
    uint8_t *kept_new; /* and of the new ones; beyond the end: 0 */
    uint32_t n_kept_new;
    uint64_t n_fired;               /* rules that gave a result */
    uint32_t depth;                 /* of rules inside rules */
    uint16_t first[TDAGI_OP_CODES]; /* by op: its rows in `rules`, */
    uint16_t last[TDAGI_OP_CODES];  /* first <= i < last */
    tdagi_rule *rules[TDAGI_MOST_RULES];
} tdagi_rewriter;

/* What a caller of simplification asks for. Errors: E_ARG. */
tdag_status tdagi_rewrite_load(tdag_ctx *ctx, const tdag_simplify_options *options,
                               tdagi_rewrite_options *out);
/* One walk. *n_fired_out may be NULL. */
tdag_status tdagi_rewrite(tdag_ctx *ctx, const tdag_graph *g,
                          const tdagi_rewrite_options *options, uint64_t *n_fired_out,
                          tdag_graph **out);

/* Whether a spec has no symbolic dim. */
bool tdagi_spec_is_fixed(const tdagi_field *fields, const void *spec);

/* ---- for rules ---- */
/* Axes, dims and the like that a rule collects. */
typedef struct tdagi_numbers {
    uint32_t n;
    int64_t v[2 * TDAG_MAX_RANK];
} tdagi_numbers;
static inline void tdagi_push(tdagi_numbers *x, int64_t v)
{
    if (x->n < 2 * TDAG_MAX_RANK) x->v[x->n++] = v;
}
static inline tdag_list tdagi_list(const tdagi_numbers *x)
{
    return (tdag_list){x->n, x->v};
}
/* The value of a node, simplified. */
tdag_value tdagi_remake(tdagi_rewriter *rw, tdag_op op, const void *spec,
                        const tdag_value *in, uint32_t n);
static inline tdag_value tdagi_remake1(tdagi_rewriter *rw, tdag_op op, const void *spec,
                                       tdag_value x)
{
    return tdagi_remake(rw, op, spec, &x, 1);
}
/* A constant of the new graph; takes over the caller's reference of the tensor. */
tdag_value tdagi_remake_constant(tdagi_rewriter *rw, tdag_tensor *tensor);
/* Pointers to nodes do not outlive the next node made; shapes and specs do. */
static inline const tdagi_node *tdagi_made(const tdagi_rewriter *rw, tdag_value v)
{
    return &rw->b->graph->nodes[v.id];
}
/* What a value is made by, as far as a rule may look into it: by value, and with op
 * TDAG_OP_NONE where a composite is not to be taken apart. */
tdagi_node tdagi_made_by(const tdagi_rewriter *rw, tdag_value v);
static inline tdagi_pool *tdagi_rewrite_pool(const tdagi_rewriter *rw)
{
    return rw->b->graph->pool;
}
/* Records that memory ran out; no value. */
tdag_value tdagi_rewrite_nomem(tdagi_rewriter *rw);
/* Dtype and shape that a node would have. */
tdag_status tdagi_apply_type(tdagi_rewriter *rw, const tdagi_apply *a, tdagi_type *out);

#endif
