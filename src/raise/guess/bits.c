/* Guesses of operators on the bits of integers, whose digits are looked up together. */
#include "raise/guess/guess.h"

/* What the digits are of: the dividend of their nearest quotient, without the axis of
 * digits and as it was before it became i64. */
static tdag_value operand(const tdagi_raiser *r, const tdagi_root *root, tdag_value v)
{
    tdag_value quotient = tdagi_find_below(r, v, TDAG_OP_FLOOR_DIVIDE, 6);
    tdag_value x = tdagi_step(r, tdagi_step(r, quotient, TDAG_OP_FLOOR_DIVIDE, 0),
                              TDAG_OP_UNSQUEEZE, 0);
    return root->type.dtype == TDAG_I64 ? x : tdagi_step(r, x, TDAG_OP_CONVERT, 0);
}

TDAGI_GUESS(bitwise)
{
    tdag_value gather = tdagi_find_below(r, root->v, TDAG_OP_GATHER, 24);
    tdag_value both = tdagi_step(r, gather, TDAG_OP_GATHER, 1);
    const tdag_value in[2] = {operand(r, root, tdagi_step(r, both, TDAG_OP_ADD, 0)),
                              operand(r, root, tdagi_step(r, both, TDAG_OP_ADD, 1))};
    if (in[0].id == 0 || in[1].id == 0) return TDAG_OK;
    return tdagi_guess_known(r, root, NULL, 2, in, out);
}

/* where(beyond, gone, x op power ...), whose power is found by where(beyond, 0, y). */
TDAGI_GUESS(shift)
{
    tdag_value moved = tdagi_step(r, root->v, TDAG_OP_WHERE, 2);
    if (root->composite == TDAGI_BITWISE_LEFT_SHIFT)
        moved = tdagi_step(r, moved, TDAG_OP_MULTIPLY, 0);
    tdag_value gather =
        tdagi_find_below(r, tdagi_step(r, moved, TDAG_OP_NONE, 1), TDAG_OP_GATHER, 2);
    tdag_value y =
        tdagi_find_below(r, tdagi_step(r, gather, TDAG_OP_GATHER, 1), TDAG_OP_WHERE, 2);
    y = tdagi_step(r, y, TDAG_OP_WHERE, 2);
    if (root->type.dtype != TDAG_I64) y = tdagi_step(r, y, TDAG_OP_CONVERT, 0);
    const tdag_value in[2] = {tdagi_step(r, moved, TDAG_OP_NONE, 0), y};
    if (in[0].id == 0 || in[1].id == 0) return TDAG_OK;
    return tdagi_guess_known(r, root, NULL, 2, in, out);
}
