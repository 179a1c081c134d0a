/* The inside of a proof. */
#ifndef TDAGI_PIECES_H
#define TDAGI_PIECES_H

#include "base/arena.h"
#include "proof/proof.h"

/* ---- classes (classes.c) ---- */
/* Values of one class are equal. Those of a have the numbers 1..n_known; whatever is in
 * b alone has higher ones. */
typedef struct tdagi_classes {
    tdag_ctx *ctx;
    tdagi_arena arena;
    const tdag_graph *a, *b;
    uint32_t *of_a, *of_b; /* by value id */
    uint32_t n, n_known;
    uint32_t
        *value_of; /* by class: the first value of it, of a up to n_known, then of b */
    struct {
        uint32_t hash, n; /* n: the class; 0: free */
    } * slots;            /* open addressing, at most half full */
    uint32_t mask;
} tdagi_classes;

/* Gives a's values their classes. On failure there is nothing to free. */
tdag_status tdagi_classes_init(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                               tdagi_classes *out);
void tdagi_classes_free(tdagi_classes *c);
/* The class of a value of b, whose operands have theirs. */
void tdagi_classes_add(tdagi_classes *c, uint32_t id);

/* ---- pieces (piece.c) ---- */
/* Whether a's value x and b's value y are equal, by the pieces that lead to them. */
tdag_status tdagi_piece_compare(tdagi_classes *c, uint32_t x, uint32_t y,
                                bool *equal_out);

/* ---- trials (trial.c) ---- */
/* Whether two graphs of one output give the same on random inputs, a few times. Their
 * inputs go by position. Floats may differ as roundings in another order do. ran_out is
 * set where the first one ran at all. */
tdag_status tdagi_trial(tdag_ctx *ctx, const tdag_graph *x, const tdag_graph *y,
                        bool *ran_out, bool *equal_out);

/* Random elements, by rounds of several kinds. */
typedef struct tdagi_dice {
    uint64_t seed;
    uint32_t round;
} tdagi_dice;
void tdagi_trial_fill(tdagi_dice *d, tdag_tensor *x);
/* The same elements, but for roundings, which are within the tolerance, or that of the
 * dtype if it is 0, of the largest; whatever the shapes and dtypes. */
bool tdagi_same_elements(const tdag_tensor *a, const tdag_tensor *b, double tolerance);
/* Whether its values have more elements, at the samples of its symbols. */
bool tdagi_is_too_large(const tdag_graph *g, int64_t most);
/* Whether the tensor, or none, has as many elements as the value at the samples. */
bool tdagi_has_samples(const tdagi_pool *pool, const tdagi_var_info *type,
                       const tdag_tensor *t);

#endif
