/* Guesses of integer powers: trees of products of one base. */
#include "raise/guess/guess.h"

/* How many times the base stands in the product tree v, each subtree an equal power of
 * the others' base; 0 = none. Trees of squares are shallow. */
static int64_t exponent_of(const tdagi_raiser *r, tdag_value v, tdag_value base,
                           uint32_t depth)
{
    if (v.id == base.id) return 1;
    if (depth == 0 || tdagi_raiser_node(r, v)->op != TDAG_OP_MULTIPLY) return 0;
    tdag_value a = tdagi_raiser_input(r, v, 0), b = tdagi_raiser_input(r, v, 1);
    int64_t m = exponent_of(r, a, base, depth - 1);
    if (m == 0) return 0;
    int64_t n = a.id == b.id ? m : exponent_of(r, b, base, depth - 1);
    return n == 0 ? 0 : m + n;
}

TDAGI_GUESS(pow_int)
{
    tdag_value top = root->top, base;
    bool inverse = tdagi_raiser_node(r, top)->op == TDAG_OP_RECIPROCAL;
    if (inverse) top = tdagi_raiser_input(r, top, 0);
    /* The innermost square is of the base; the last factor of any power is a square. */
    for (base = top; tdagi_raiser_node(r, base)->op == TDAG_OP_MULTIPLY;) {
        tdag_value a = tdagi_raiser_input(r, base, 0),
                   b = tdagi_raiser_input(r, base, 1);
        if (base.id == top.id && a.id != b.id &&
            tdagi_raiser_node(r, b)->op != TDAG_OP_MULTIPLY)
            return TDAG_OK;
        if (base.id != top.id && a.id != b.id) break;
        base = b;
    }
    if (base.id == top.id) return TDAG_OK;
    tdagi_pow_int_spec spec = {exponent_of(r, top, base, 8)};
    if (spec.exponent < 2 || spec.exponent > 64) return TDAG_OK;
    if (inverse) spec.exponent = -spec.exponent;
    tdag_value in = tdagi_narrow(r, root, base);
    return tdagi_guess_known(r, root, &spec, 1, &in, out);
}
