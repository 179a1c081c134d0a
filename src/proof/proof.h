/* Translation validation: whether one graph computes what another one does.
 *
 * An exporter's output is read again, and its graph b is compared with the source's, a.
 * Values that are the same operation on the same operands are equal, from the leaves
 * up. Where an exporter has other operations for one of a's values, the two pieces
 * between what is equal already are compared: simplified, and if they still differ, by
 * running both on random operands. So what is wrong is found at the first value that
 * is. */
#ifndef TDAGI_PROOF_H
#define TDAGI_PROOF_H

#include "program/model.h"

/* partner[id], by value of b: the value of a that it has to be; 0: none is known.
 * Inputs and outputs go by position, parameters and buffers by name, whose elements are
 * taken to be a's. *wrong_out is 0 if every output is proven, else the first value of a
 * that is not. Pieces of more than TDAGI_PROOF_MAX_WORK, or 64 operands, are not run
 * but taken as they are. Errors: E_NOMEM, E_STOPPED. */
tdag_status tdagi_prove(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                        const uint32_t *partner, uint32_t *wrong_out);

/* The same of a file that was written and read again: E_INTERNAL with the node where it
 * is wrong. */
tdag_status tdagi_prove_file(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                             const uint32_t *partner, uint32_t *wrong_out);
/* How a format that has fewer dtypes, and no checks, holds the models. */
typedef struct tdagi_proof_held {
    tdag_graph **graphs[2]; /* by number of a's and of b's: what is run for them */
    tdag_dtype (*as)(tdag_dtype dtype); /* ... of values */
    double tolerance; /* of floats, relative to the largest; 0: that of their dtype */
} tdagi_proof_held;

/* Whether methods of two models do the same: the same statements in the same order, but
 * for calls, on equal values. Values are equal that have the same elements when calls
 * are run on random arguments, results of statements being random; what loops carry is
 * taken as equal until a round tells it apart. So it does not matter what graphs nodes
 * are in, nor what else is carried. *wrong_out: the number of the first statement of a,
 * in the order of the text and from 1, that differs; 0: none does. *proven_out: false
 * where nothing is told: a value or a shape is not known at the samples, or statements
 * are others. held: both are so, and what only ends a run does not count; NULL: as they
 * are. Errors: E_NOMEM, E_STOPPED. */
tdag_status tdagi_prove_methods(tdag_ctx *ctx, const tdag_model *a,
                                const tdagi_method *of_a, const tdag_model *b,
                                const tdagi_method *of_b, const tdagi_proof_held *held,
                                uint32_t *wrong_out, bool *proven_out);

/* What is said of a file that was written and cannot be read, for the reason that the
 * context has: E_INTERNAL, but for no memory and the like. */
tdag_status tdagi_file_is_wrong(tdag_ctx *ctx, tdag_status st);

#define TDAGI_PROOF_MAX_WORK                                                           \
    ((int64_t)1 << 22) /* elements of all values of a piece                            \
                        */

#endif
