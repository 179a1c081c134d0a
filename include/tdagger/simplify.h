/* Simplification: graphs that compute the same with fewer nodes.
 *
 * Every pass keeps the inputs (unused ones too), the outputs with their order and
 * names, the names of the parameters and buffers that are used, module paths and
 * symbolic dims. docs/simplify.md says what each pass does and how exact it is. */
#ifndef TDAGGER_SIMPLIFY_H
#define TDAGGER_SIMPLIFY_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/*  id, bit, name, what it does */
#define TDAG_PASS_MAP(X)                                                               \
    X(DEAD, 0, "dead", "removes what no output needs (every other pass does it too)")  \
    X(COMMON, 1, "common", "computes equal values once")                               \
    X(CONSTANTS, 2, "constants", "computes what depends on constants only")            \
    X(IDENTITIES, 3, "identities", "removes x*1, x+0, conversions to the same dtype")  \
    X(VIEWS, 4, "views", "merges and removes permutes, slices, pads, reshapes ...")    \
    X(FOLD, 5, "fold", "folds constant scales and shifts into weights (inexact)")

typedef enum tdag_pass {
#define TDAG_PASS_ENUM(id, bit, name, text) TDAG_PASS_##id = 1 << bit,
    TDAG_PASS_MAP(TDAG_PASS_ENUM)
#undef TDAG_PASS_ENUM
} tdag_pass;
/* The passes whose results are the same to the last bit: all but FOLD. */
#define TDAG_PASS_EXACT ((uint32_t)TDAG_PASS_FOLD - 1)

typedef struct tdag_simplify_options {
    size_t size;             /* set by tdag_simplify_options_init() */
    uint32_t passes;         /* bits of tdag_pass; 0 = TDAG_PASS_EXACT */
    uint64_t constant_limit; /* bytes that one folded constant may have; 0 = 65,536 */
} tdag_simplify_options;
TDAG_OPTIONS_INIT(tdag_simplify_options)

/* Runs the passes until none of them changes anything, so that simplifying the result
 * again gives it back. options may be NULL. Errors: E_ARG (an unknown pass), E_NOMEM.
 */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_graph_simplify(tdag_ctx *ctx, const tdag_graph *graph,
                    const tdag_simplify_options *options, tdag_graph **out);
/* The same for a model; of a program, its statements are simplified, too. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_simplify(tdag_ctx *ctx,
                                                   const tdag_model *model,
                                                   const tdag_simplify_options *options,
                                                   tdag_model **out);

TDAG_END_DECLS

#endif
