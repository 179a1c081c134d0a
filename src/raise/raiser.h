/* What the parts of raising share: the state of one tdagi_raise() call and the matches
 * that its recognisers return.
 *
 * A match says: this composite, applied to these operands, computes the graph's value
 * `result`. Operands are values of the graph, laid out by synthetic views where the
 * composite wants another shape than the source had; likewise `after` leads from the
 * composite's own result to the graph's value. */
#ifndef TDAGI_RAISER_H
#define TDAGI_RAISER_H

#include "raise/raise.h"

#define TDAGI_MOST_COVERED 8192 /* nodes that one compared composite may have */

typedef struct tdagi_view {
    uint16_t op; /* a view op */
    uint8_t rank;
    const tdag_dim *shape; /* of its result */
    const void *spec;
} tdagi_view;

typedef struct tdagi_operand {
    tdag_value value; /* id 0: an absent optional input */
    uint32_t n_views;
    const tdagi_view *views; /* applied in order */
} tdagi_operand;

typedef struct tdagi_match {
    uint16_t composite;
    tdag_value result;
    uint32_t n_operands;
    const tdagi_operand *operands;
    const void *spec; /* dims in the raiser's pool */
    uint32_t n_covered;
    const tdag_value *covered; /* ascending */
    uint32_t n_after;          /* synthetic views behind the composite; 0 = none */
    const tdagi_view *after;   /* the last one makes the graph's value */
    uint8_t rank;              /* of the composite's own result, where n_after > 0 */
    const tdag_dim *shape;
} tdagi_match;

/* Facts about a value of the graph. */
enum {
    TDAGI_FACT_DEMANDED = 1, /* an output or another kernel needs it */
    TDAGI_FACT_CONSTANT = 2, /* depends on constants only */
    TDAGI_FACT_WEIGHT = 4,   /* depends on parameters, buffers and constants only */
    TDAGI_FACT_LIVE = 8,     /* an output needs it */
    TDAGI_FACT_SIZE = 16,    /* a size as data, or what it is counted by */
};

typedef struct tdagi_raiser {
    tdag_ctx *ctx;
    const tdag_graph *graph;
    const bool *by_parts;  /* by composite: leave it as its parts; NULL = none */
    tdagi_arena arena;     /* everything that outlives the raiser */
    tdag_builder *scratch; /* where guesses are lowered; its pool grows the graph's */
    tdagi_pool *pool;      /* the scratch builder's */
    const int64_t *values; /* per symbol, instead of its sample; NULL = the samples */
    uint32_t *uses; /* by value id: operand slots of live values, and outputs, that
                       read it */
    uint32_t *user; /* by value id: its last live reader, 0 = none but outputs */
    uint8_t *facts; /* by value id */
    tdagi_match *
        *matches; /* by value id: what computes a demanded value; NULL = core */
    tdagi_match **contractions;    /* by result id: what contraction.c found */
    struct tdagi_compare *compare; /* workspace of match.c */
    struct tdagi_maps *maps;       /* workspace of access_map.c */
} tdagi_raiser;

static inline const tdagi_node *tdagi_raiser_node(const tdagi_raiser *r, tdag_value v)
{
    return &r->graph->nodes[v.id];
}
static inline tdag_value tdagi_raiser_input(const tdagi_raiser *r, tdag_value v,
                                            uint32_t i)
{
    return tdagi_node_inputs(&r->graph->nodes[v.id])[i];
}
static inline bool tdagi_raiser_leaves_out(const tdagi_raiser *r, uint32_t composite)
{
    return r->by_parts != NULL && r->by_parts[composite];
}
/* A dim's number at the values that maps are read at; -1 where it has none. */
int64_t tdagi_raiser_dim(const tdagi_raiser *r, tdag_dim d);
/* Memory of the result; NULL when out of memory. */
void *tdagi_raiser_alloc(tdagi_raiser *r, size_t n, size_t size);
void *tdagi_raiser_dup(tdagi_raiser *r, const void *data, size_t n, size_t size);

/* True where a kernel that repeats this value inside costs next to nothing: movement,
 * leaves, small arithmetic on constants and weights. */
bool tdagi_raiser_is_cheap(const tdagi_raiser *r, tdag_value v);

/* Empties the scratch builder, for building in it outside these calls. */
void tdagi_scratch_empty(tdagi_raiser *r);
/* After such building: true if all went well; else forgets the failure, unless there
 * was no memory. */
tdag_status tdagi_scratch_settle(tdagi_raiser *r, bool *ok);

/* Makes one call of kernels that give values and their positions (pair.c). */
tdag_status tdagi_join_pairs(tdagi_raiser *r, tdagi_raised *out);

/* The composite rooted at v, or NULL for the core op itself. */
tdag_status tdagi_recognise(tdagi_raiser *r, tdag_value v, tdagi_match **out);

#endif
