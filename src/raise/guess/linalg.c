/* Guesses of what is done with whole matrices, row by row: solve_triangular, cholesky,
 * solve, det. All but the first have no operand that a few steps lead to: it is found
 * by comparing, from the type that the root shows. */
#include "raise/guess/guess.h"

/* The first part (0) or the last (1) of those that are joined. */
static tdag_value joined_end(const tdagi_raiser *r, tdag_value v, uint32_t side)
{
    for (;;) {
        tdag_value part =
            tdagi_step(r, tdagi_step(r, v, TDAG_OP_ADD, side), TDAG_OP_PAD, 0);
        if (part.id == 0) return v;
        v = part;
    }
}

/* Joined columns of a square, of which the first one begins with a root. */
TDAGI_GUESS(cholesky)
{
    const tdagi_type *t = &root->type;
    const tdagi_node *begin = tdagi_raiser_node(r, joined_end(r, root->v, 0));
    tdagi_guess g = {.composite = TDAGI_CHOLESKY, .n = 1, .open = t};
    if (begin->op != TDAG_OP_SQRT || t->rank < 2) return TDAG_OK;
    return tdagi_check_guess(r, root->v, &g, out);
}

/* Joined rows, of which the one that is solved first shows B and the last one A. */
TDAGI_GUESS(solve_triangular)
{
    for (uint32_t upper = 0; upper < 2 && *out == NULL; upper++) {
        tdag_value begin = joined_end(r, root->v, upper),
                   end = joined_end(r, root->v, !upper);
        bool unit = tdagi_raiser_node(r, begin)->op == TDAG_OP_SLICE;
        tdag_value by = unit ? tdagi_step_to(r, tdagi_step_to(r, end, TDAG_OP_NEG),
                                             TDAG_OP_MULTIPLY)
                             : tdagi_step_to(r, end, TDAG_OP_RECIPROCAL);
        tdag_value column = tdagi_step(r, by, TDAG_OP_NONE, 0);
        if (!unit) begin = tdagi_step_to(r, begin, TDAG_OP_SLICE);
        const tdag_value in[2] = {tdagi_step(r, column, TDAG_OP_SLICE, 0),
                                  tdagi_step(r, begin, TDAG_OP_SLICE, 0)};
        const tdagi_triangular_spec spec = {upper, unit};
        if (in[0].id != 0 && in[1].id != 0)
            TDAGI_TRY(tdagi_guess_known(r, root, &spec, 2, in, out));
    }
    return TDAG_OK;
}

/* What is solved for, or, with no right side, the inverse; A has the batch of B or
 * none. */
TDAGI_GUESS(solve)
{
    tdagi_type open[2] = {root->type, root->type};
    const uint32_t rank = open[0].rank;
    tdagi_guess g = {.composite = TDAGI_SOLVE, .open = open};
    if (rank < 2) return TDAG_OK;
    const tdag_dim n = open[0].shape[rank - 2];
    open[0].shape[rank - 1] = n;
    for (g.n = 1; g.n <= 2 && *out == NULL; g.n++)
        if (g.n == 2 || n == root->type.shape[rank - 1])
            TDAGI_TRY(tdagi_check_guess(r, root->v, &g, out));
    if (*out != NULL || rank == 2) return TDAG_OK;
    open[0].rank = 2;
    open[0].shape[0] = open[0].shape[1] = n;
    g.n = 2;
    return tdagi_check_guess(r, root->v, &g, out);
}

/* The number of rows is what is multiplied, or added. */
TDAGI_GUESS(det)
{
    static const struct {
        uint8_t op, kind;
    } kinds[] = {{TDAG_OP_MULTIPLY, TDAGI_DET_VALUE},
                 {TDAG_OP_SQUEEZE, TDAGI_LOGABSDET},
                 {TDAG_OP_WHERE, TDAGI_LOGDET}};
    tdagi_type open = root->type;
    tdag_value all = tdagi_find_below(r, root->v, TDAG_OP_REDUCE, 8);
    tdagi_det_spec spec = {TDAGI_DET_VALUE};
    tdagi_guess g = {.composite = TDAGI_DET, .spec = &spec, .n = 1, .open = &open};
    const tdagi_node *x = tdagi_raiser_node(r, tdagi_step(r, all, TDAG_OP_REDUCE, 0));
    if (all.id == 0 || x->rank != open.rank + 1u || x->rank >= TDAG_MAX_RANK)
        return TDAG_OK;
    for (uint32_t i = 0; i < 3; i++)
        if (kinds[i].op == tdagi_raiser_node(r, root->v)->op) spec.kind = kinds[i].kind;
    open.shape[open.rank++] = x->shape[x->rank - 1];
    open.shape[open.rank++] = x->shape[x->rank - 1];
    return tdagi_check_guess(r, root->v, &g, out);
}
