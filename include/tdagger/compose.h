/* Cutting models apart and putting them together.
 *
 * A value is named as `tdag show` prints it; "in0", "in1", ... and "out0", ... name a
 * model's inputs and outputs by position where no value has that name. Values that
 * depend on no input (weights, and what is computed from weights alone) are copied into
 * every part that uses them and never cross a cut. Weights keep their names and are
 * shared, not copied. */
#ifndef TDAGGER_COMPOSE_H
#define TDAGGER_COMPOSE_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/* ---- extraction ---- */
typedef struct tdag_extract_options {
    size_t size; /* set by tdag_extract_options_init() */
    const char *const *inputs;
    uint32_t n_inputs; /* 0: the model's inputs, in their structure */
    const char *const *outputs;
    uint32_t n_outputs; /* 0: the model's outputs, in their structure */
    /* A module path ("layer3"), instead of names: inputs are the values that enter the
     * module, outputs those that leave it, in topological order. NULL: by names. */
    const char *module;
    /* The name of a graph of a program: the part is one of it, by default all of it.
     * NULL: of the only graph that the model is, or has the module in. */
    const char *graph;
} tdag_extract_options;
TDAG_OPTIONS_INIT(tdag_extract_options)

/* The part of a model between named values, as a model of its own. The inputs must
 * separate the outputs from the model's own inputs; every one of them must be needed.
 * Symbols stay as far as the part's inputs show their values; a symbol that an input
 * shows only within an expression, as floor(H/2), stands for that expression in the
 * part. Errors: E_ARG (no such value, module or graph, a module that several graphs
 * have, an input that is not needed, an output
 * that needs something else), E_UNSUPPORTED (a size that the inputs do not show),
 * E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_extract(tdag_ctx *ctx,
                                                  const tdag_model *model,
                                                  const tdag_extract_options *options,
                                                  tdag_model **out);

/* Splits a model into a chain: each part's inputs are the outputs of the part before,
 * in order, values that only pass through included. The parts are, for modules a and b:
 * what comes before a, a, what lies between, b, the rest; a part without nodes is left
 * out. `modules` stand in the order of their use. `out` has room for 2 * n_modules + 1
 * models, *n_out are written, each to be freed. Errors: as tdag_extract. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_split(tdag_ctx *ctx, const tdag_model *model,
                                                const char *const *modules,
                                                uint32_t n_modules, tdag_model **out,
                                                uint32_t *n_out);

/* A place where a model can be cut in two: the values that cross it. */
typedef struct tdag_cut {
    uint32_t n_values;
    tdag_value *values;              /* of the model's graph, ascending */
    int64_t bytes;                   /* of these values, at the symbols' samples */
    int64_t macs_before, macs_after; /* kernel level, at the samples */
    const char *module; /* module path of the last value; lent by the graph */
} tdag_cut;

typedef struct tdag_cuts {
    uint32_t n;
    tdag_cut *cuts;
    tdag_allocator allocator; /* what the arrays came from */
} tdag_cuts;

/* Suggests at most `most` cuts, in topological order: those where the fewest bytes
 * cross, of all positions in the order of the nodes with at least one node on each
 * side that computes. Of neighbouring positions with the same values the first one
 * counts. Freed with tdag_cuts_free(). Errors: E_NOMEM, E_OVERFLOW. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_suggest_cuts(tdag_ctx *ctx,
                                                       const tdag_model *model,
                                                       uint32_t most, tdag_cuts *out);
TDAG_API void tdag_cuts_free(tdag_cuts *cuts); /* leaves *cuts empty */

/* ---- composition ---- */
/* Feeds a value of part `from` (any value: its inputs and outputs, or one within) to an
 * input of a later part. */
typedef struct tdag_link {
    uint32_t from;
    const char *value;
    uint32_t to;
    const char *input;
} tdag_link;

typedef struct tdag_compose_options {
    size_t size; /* set by tdag_compose_options_init() */
    const tdag_link *links;
    uint32_t n_links; /* 0: a chain, all outputs of each part feed the next, in order */
    /* NULL, or one module path per part that its scopes and weights' names are put
     * under; NULL or "" in it: none. Names that clash get a suffix _1, _2, ... */
    const char *const *scopes;
    uint32_t flags; /* TDAG_COMPOSE_* */
} tdag_compose_options;
enum { TDAG_COMPOSE_ALL_OUTPUTS = 1 /* outputs that feed a part are outputs, too */ };
TDAG_OPTIONS_INIT(tdag_compose_options)

/* One model of several. A model may be a part several times: its weights are shared
 * then, as are weights of different parts that have the same name and the same memory.
 * Inputs are those that no link feeds, outputs those that feed nothing, in the order of
 * the parts; a single part's structure is kept where its inputs (outputs) are the only
 * ones. A linked input takes dtype and dims of its value; symbols of the part become
 * what the value shows. Symbols of the same name are the same. Errors: E_ARG (names,
 * an input fed twice, a link backwards), E_SHAPE, E_DTYPE, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_compose(tdag_ctx *ctx,
                                                  const tdag_model *const *parts,
                                                  uint32_t n_parts,
                                                  const tdag_compose_options *options,
                                                  tdag_model **out);

/* Replaces the part of a model between named values by another model: its inputs are
 * fed by `inputs`, its outputs stand for `outputs`, both in order. No input may depend
 * on an output. Errors: as tdag_compose. */
typedef struct tdag_replace_options {
    size_t size; /* set by tdag_replace_options_init() */
    const char *const *inputs;
    uint32_t n_inputs;
    const char *const *outputs;
    uint32_t n_outputs;
    /* A module path instead of names: what tdag_extract() would cut out. */
    const char *module;
} tdag_replace_options;
TDAG_OPTIONS_INIT(tdag_replace_options)

TDAG_API TDAG_MUST_CHECK tdag_status tdag_replace(tdag_ctx *ctx,
                                                  const tdag_model *model,
                                                  const tdag_replace_options *options,
                                                  const tdag_model *replacement,
                                                  tdag_model **out);

TDAG_END_DECLS

#endif
