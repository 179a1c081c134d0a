/* The guesses: each finds operands and attributes by a few steps from the root and
 * checks them by tdagi_check_guess(). *out stays NULL where there is nothing. */
#ifndef TDAGI_GUESS_H
#define TDAGI_GUESS_H

#include "raise/match.h"
#include "raise/steps.h"

#define TDAGI_GUESS(name)                                                              \
    tdag_status tdagi_guess_##name(tdagi_raiser *r, const tdagi_root *root,            \
                                   tdagi_match **out)

TDAGI_GUESS(vector_norm);
TDAGI_GUESS(normalize);
TDAGI_GUESS(pool);
TDAGI_GUESS(pool_position);
TDAGI_GUESS(adaptive_pool);
TDAGI_GUESS(adaptive_position);
TDAGI_GUESS(im2col);
TDAGI_GUESS(col2im);
TDAGI_GUESS(upsample);
TDAGI_GUESS(upsample_aa);
TDAGI_GUESS(concat);
TDAGI_GUESS(roll);
TDAGI_GUESS(flip);
TDAGI_GUESS(repeat_interleave);
TDAGI_GUESS(tile);
TDAGI_GUESS(pow_int);
TDAGI_GUESS(gelu_formula);
TDAGI_GUESS(topk_positions);
TDAGI_GUESS(kth_position);
TDAGI_GUESS(searchsorted);
TDAGI_GUESS(grid_sample);
TDAGI_GUESS(embedding_bag);
TDAGI_GUESS(special);
TDAGI_GUESS(solve_triangular);
TDAGI_GUESS(cholesky);
TDAGI_GUESS(solve);
TDAGI_GUESS(det);
TDAGI_GUESS(bitwise);
TDAGI_GUESS(shift);
TDAGI_GUESS(fft);

#endif
