/* Guesses of sampling: where the elements are gathered from, where the positions come
 * from, and then each way to sample that there is. */
#include "raise/guess/guess.h"

#define MOST_VALUES 2000 /* that are looked at for an operand */

/* The modes that a sum of weighted elements, or the elements themselves, may be. */
static bool may_be(const tdagi_raiser *r, tdag_value sampled, int64_t mode)
{
    bool sums = tdagi_raiser_node(r, sampled)->op == TDAG_OP_ADD;
    return sums == (mode != TDAGI_SAMPLE_NEAREST);
}

TDAGI_GUESS(grid_sample)
{
    tdag_value sampled = tdagi_unpermuted(r, root->top);
    tdag_value gather = tdagi_find_below(r, sampled, TDAG_OP_GATHER, MOST_VALUES);
    if (gather.id == 0 || root->type.rank < 4) return TDAG_OK;
    tdag_value flat = tdagi_unpermuted(r, tdagi_raiser_input(r, gather, 0));
    tdag_value select = tdagi_find_below(r, tdagi_raiser_input(r, gather, 1),
                                         TDAG_OP_SELECT, MOST_VALUES);
    tdag_value in[2] = {
        tdagi_narrow(r, root, tdagi_step(r, flat, TDAG_OP_GROUP, 0)),
        tdagi_narrow(r, root, tdagi_step(r, select, TDAG_OP_SELECT, 0))};
    if (in[0].id == 0 || in[1].id == 0) return TDAG_OK;
    for (int64_t i = 0; i < 18 && *out == NULL; i++) {
        const tdagi_grid_sample_spec spec = {i / 6, i / 2 % 3, i % 2};
        if (!may_be(r, sampled, spec.mode)) continue;
        TDAGI_TRY(tdagi_guess_known(r, root, &spec, 2, in, out));
    }
    return TDAG_OK;
}
