/* Patterns of operations: what made a value, and what made the operands of that.
 *
 *     "mul(x=t:thresholded_relu(x=x, alpha=-3), y=sigmoid_hard(x=t))"
 *
 * An item is an operation with some of its operands, a number (within 5e-4 of it), a
 * 'text', or a name for whatever stands there: the same name stands for the same value.
 * #NAME is a known number, `NAME:` before an operation names its result, `operand?=`
 * may be left out of the file. Operands x and y of operations that commute stand in
 * either order. The names that a pattern binds are set in `call`. */
#ifndef TDAGI_COREML_READ_MEANT_MATCH_H
#define TDAGI_COREML_READ_MEANT_MATCH_H

#include "coreml/read/import.h"

enum { TDAGI_MATCH_NAMES = 24 };

typedef struct tdagi_cml_matching {
    tdagi_cml *im;
    const Cml__Operation *op; /* what is asked about */
    const Cml__Block *block;  /* where operations are looked for first; NULL: none */
    uint32_t n;
    struct {
        const char *name; /* in the pattern */
        uint32_t length;
        const char *value; /* in the program */
    } bound[TDAGI_MATCH_NAMES];
    tdagi_cml_call call; /* of the names, once it has matched */
} tdagi_cml_matching;

/* Whether the operation is of the pattern; names that are bound already have to be
 * those. */
bool tdagi_cml_match(tdagi_cml_matching *m, const Cml__Operation *op,
                     const char *pattern);
/* The same of the operation that made a value. */
bool tdagi_cml_match_value(tdagi_cml_matching *m, const char *value,
                           const char *pattern);
/* The known sizes that a name is bound to, at most `most`; false: they are none. */
bool tdagi_cml_matched(tdagi_cml_matching *m, const char *name, uint32_t most,
                       int64_t *out, uint32_t *n_out);

/* ---- C behind rows: NONE where it is not meant ---- */
#define MEANT(pattern, formula)
#define MEANT_BY(pattern, function)                                                    \
    tdagi_any tdagi_cml_##function(tdagi_cml_matching *m);
#include "coreml/read/meant/meant.def"

#endif
