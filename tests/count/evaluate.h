/* What a method counts at certain sizes, statement by statement with plain numbers:
 * every round of a loop by itself, every graph's counts at the sizes of the call. */
#ifndef TEST_EVALUATE_H
#define TEST_EVALUATE_H

#include "support/test.h"

#include "count/walk.h"

enum { EV_COLUMNS = 3 * TDAGI_N_COLUMNS, EV_MOST_LOOPS = 64 };

typedef struct evaluation {
    const tdagi_prices *prices;
    const tdagi_method *method;
    int64_t *sizes;       /* by symbol of the method; those of its inputs given */
    const int64_t *given; /* by symbol: what statements find; -1: they tell */
    int64_t trips[EV_MOST_LOOPS]; /* by loop in the order of the text, where no limit
                                     is known */
    int64_t state_size;           /* of states that may change, when it begins */
    int64_t counts[EV_COLUMNS];   /* what comes out */
} evaluation;

/* Whether a symbol's size is one that a caller must give. */
bool is_given(const tdagi_statement *s);
/* Calls it for every statement of a block and of the blocks inside, in order. */
void each_statement(const tdagi_block *block,
                    void (*visit)(void *user, const tdagi_statement *s), void *user);
void evaluate(tdag_ctx *ctx, evaluation *e);

#endif
