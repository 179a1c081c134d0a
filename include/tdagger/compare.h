/* Comparing models: what differs in their structure. */
#ifndef TDAGGER_COMPARE_H
#define TDAGGER_COMPARE_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

typedef enum tdag_difference_kind {
    TDAG_DIFFERS_INPUT = 1, /* the input of that position: dtype or shape, or missing */
    TDAG_DIFFERS_OUTPUT = 2, /* the output of that position is another value */
    TDAG_DIFFERS_WEIGHT = 3, /* elements of a parameter, buffer or constant */
    TDAG_DIFFERS_NODE = 4,   /* a node of both, by `what` */
    TDAG_DIFFERS_ONLY_A = 5, /* a node, leaves included, that B lacks */
    TDAG_DIFFERS_ONLY_B = 6, /* ... that A lacks */
} tdag_difference_kind;

/* What differs in a node that both have, or in an input. */
enum {
    TDAG_DIFFERS_IN_OP = 1, /* parameter, buffer and constant only */
    TDAG_DIFFERS_IN_DTYPE = 2,
    TDAG_DIFFERS_IN_SHAPE = 4,
    TDAG_DIFFERS_IN_SPEC = 8,
    TDAG_DIFFERS_IN_OPERANDS = 16, /* which values, or their order */
};

typedef struct tdag_difference {
    tdag_difference_kind kind;
    uint32_t what;     /* TDAG_DIFFERS_IN_* */
    uint32_t position; /* of an input or output */
    tdag_value a, b;   /* TDAG_NO_VALUE: there is none */
    /* Of a weight: elements that differ, the first of them in row-major order, and the
     * largest |a - b|, infinite where only one is NaN. -0 differs from 0, by 0. */
    int64_t n_elements, first_element;
    double max_abs;
} tdag_difference;

typedef struct tdag_differences {
    uint32_t n; /* 0: the models are equal */
    tdag_difference *items;
    uint32_t n_same; /* nodes with a counterpart that do not differ themselves */
    tdag_allocator allocator; /* what the array came from */
} tdag_differences;

/* Compares two graphs by structure and weights. Not compared are names, module paths,
 * the order of independent nodes, and what no output needs (inputs always count): no
 * difference is found where tdag_graph_get_hash() gives the same TDAG_HASH_CONTENT.
 * Dims are compared as expressions, symbols by name.
 * Nodes are matched by what they compute, from the leaves up; then by their matched
 * users and operands; only among what is left do names count. Items stand in this
 * order: inputs, outputs, weights, nodes of both, only A, only B; each in topological
 * order. Freed with tdag_differences_free(). Errors: E_ARG, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_graph_diff(tdag_ctx *ctx, const tdag_graph *a,
                                                     const tdag_graph *b,
                                                     tdag_differences *out);
/* The same of the graphs of two straight-line models; E_UNSUPPORTED for others. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_diff(tdag_ctx *ctx, const tdag_model *a,
                                               const tdag_model *b,
                                               tdag_differences *out);
TDAG_API void
tdag_differences_free(tdag_differences *differences); /* leaves it empty */

/* ---- models with programs ---- */
typedef enum tdag_model_part {
    TDAG_PART_GRAPH = 1,
    TDAG_PART_STATE = 2,
    TDAG_PART_METHOD = 3,
    TDAG_PART_STATEMENT = 4,
} tdag_model_part;

typedef struct tdag_model_difference {
    tdag_difference_kind kind; /* NODE: both have it; ONLY_A, ONLY_B; WEIGHT: a state of
                                  other initial elements */
    tdag_model_part part;
    uint32_t what;    /* TDAG_DIFFERS_IN_*: of a statement OP is what it does or uses,
                         SPEC the rest of it but for its operands and what it yields; of
                         a method SPEC are its structures, OPERANDS what its blocks take
                         and give */
    const char *name; /* of the graph, state or method; the models' own */
    uint32_t a, b; /* numbers of the statement in its method, in the order of the text
                      from 1; 0: there is none */
} tdag_model_difference;

typedef struct tdag_model_differences {
    uint32_t n; /* 0: the models are equal */
    tdag_model_difference *items;
    uint32_t capacity;
    tdag_allocator allocator; /* what the array came from */
} tdag_model_differences;

/* Compares any two models: graphs, states and methods by name (tdag_graph_diff() tells
 * how two graphs differ), of methods the statements. Not compared are names of values
 * and the order of graphs, states and methods. Freed with
 * tdag_model_differences_free(). Errors: E_ARG, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_model_diff(tdag_ctx *ctx, const tdag_model *a,
                                                     const tdag_model *b,
                                                     tdag_model_differences *out);
TDAG_API void
tdag_model_differences_free(tdag_model_differences *differences); /* leaves it empty */

/* Values of two models that stand for each other: a[i] for b[i]. */
typedef struct tdag_pairs {
    uint32_t n;
    tdag_value *a, *b;
    tdag_allocator allocator; /* what the arrays came from */
} tdag_pairs;

/* The values that it makes sense to compare when both models run, of the same dtype and
 * rank: of the same name where there are such, else matched as tdag_graph_diff() does,
 * else taken at the same place by matched nodes. Only what depends on an input and what
 * an output needs, in the topological order of `a`; without inputs, and without
 * products that only sums use, which are large and which no engine keeps. Freed with
 * tdag_pairs_free(). Errors: E_ARG, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_pair_values(tdag_ctx *ctx,
                                                      const tdag_model *a,
                                                      const tdag_model *b,
                                                      tdag_pairs *out);
TDAG_API void tdag_pairs_free(tdag_pairs *pairs); /* leaves it empty */

TDAG_END_DECLS

#endif
