/* Rounds of a loop that are one call of a graph, the step, of whose results some are
 * carried and some appended to lists, as those of recurrent layers are: the step's
 * kernels become a plan over memory of their own, with weights packed once, that every
 * round walks. The interpreter has run the first round, so that all sizes are known to
 * fit, and runs all where a kernel has no place here: a row of a sequence by the index,
 * a part of the last axis, a product by a weight, what step.def has.
 *
 * Values are matrices of as many rows as the states have, or one where these are
 * vectors. */
#ifndef TDAGI_ROUNDS_WORK_H
#define TDAGI_ROUNDS_WORK_H

#include "base/arena.h"
#include "raise/cell.h"
#include "run/rounds/rounds.h"

typedef enum tdagi_round_kind {
    TDAGI_ROUND_UNKNOWN, /* no value here, or of something else */
    TDAGI_ROUND_FIXED,   /* lies where it lies: states, what the loop does not change */
    TDAGI_ROUND_ROW,     /* of `in[0]`, by the index */
    TDAGI_ROUND_PART,    /* of the last axis of `in[0]` */
    TDAGI_ROUND_PRODUCT, /* of in[0] by a weight, in[1] added */
    TDAGI_ROUND_MAP,     /* element by element of in[0] and in[1] */
    TDAGI_ROUND_CELL,    /* both states of an LSTM's, of the gates in[0] and the state
                            in[1] */
    TDAGI_ROUND_SECOND,  /* the outer of the two, computed with the inner one */
} tdagi_round_kind;

/* Of a kernel. */
typedef struct tdagi_round_place {
    tdagi_round_kind kind;
    uint32_t in[2], map;   /* kernels, 0: there is none; row of step.def */
    uint32_t second;       /* of a cell: the kernel of its outer state */
    const char *data;      /* of this round: */
    char *own;             /* of a product or map */
    int64_t n, stride;     /* elements of a row, and from one to the next */
    int64_t first, factor; /* of a row: its number is first + factor * round */
    int64_t offset;        /* of a part: elements */
    uint32_t weight;       /* of a product, and its bias: what does not change */
    uint32_t bias;
    tdagi_packed packed;
} tdagi_round_place;

typedef struct tdagi_rounds {
    tdagi_execution *f;
    const tdagi_statement *loop, *step;
    const tdagi_raised *r;
    const tdagi_step_kernels *kernels;
    tdagi_arena arena;
    tdagi_round_place *places; /* by kernel */
    uint32_t *uses;            /* by kernel: reads by others, and as results */
    tdag_dtype dtype;
    size_t size; /* of an element */
    int64_t rows, limit;
    uint32_t *results; /* by what is carried: the kernel; of a list: what is appended */
    const tdag_tensor **now; /* the same: states and lists, */
    tdag_tensor **owned;     /* then our own, with room for all rounds */
    char **staged;           /* of a state that may be read off another's old value */
    size_t *used;            /* of a list: bytes; SIZE_MAX: a state */
} tdagi_rounds;

static inline const tdagi_kernel *tdagi_round_kernel(const tdagi_rounds *w, uint32_t i)
{
    return &w->r->kernels[i];
}

static inline bool tdagi_round_is(const tdagi_rounds *w, uint32_t i, tdag_op op)
{
    return tdagi_round_kernel(w, i)->composite == TDAGI_CORE &&
           tdagi_round_kernel(w, i)->op == op;
}

static inline uint32_t tdagi_round_in(const tdagi_rounds *w, uint32_t i, uint32_t n)
{
    return n < tdagi_round_kernel(w, i)->n_inputs ? tdagi_round_kernel(w, i)->inputs[n]
                                                  : 0;
}

/* Scratch memory of the rounds; E_NOMEM. */
tdag_status tdagi_round_take(tdagi_rounds *w, size_t n, size_t size, void **out);
bool tdagi_round_same_dims(uint32_t rank, const tdag_dim *a, const tdag_dim *b);
/* Where x is among n values; n: it is not. */
uint32_t tdagi_round_position(const tdagi_var *v, uint32_t n, tdagi_var x);
/* What the loop carries, as its body has it. */
const tdagi_var *tdagi_round_params(const tdagi_rounds *w);
/* What the step is called with, by its input i. */
const tdag_tensor *tdagi_round_argument(const tdagi_rounds *w, uint32_t i);
/* The argument that kernel i is; NULL: it is none of the step's, or the index. */
const tdag_tensor *tdagi_round_given(const tdagi_rounds *w, uint32_t i);
/* What the loop does not change: a leaf, or an argument that is not carried; or NULL.
 */
const tdag_tensor *tdagi_round_constant(const tdagi_rounds *w, uint32_t i);

/* Gives places to kernels; whether all that is carried has one. (places.c) */
bool tdagi_round_find_places(tdagi_rounds *w);
/* All rounds but the first; E_NOMEM, E_CANCELLED. (walk.c) */
tdag_status tdagi_round_run_all(tdagi_rounds *w);

#endif
