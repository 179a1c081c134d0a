/* Guesses of what is chosen by an order that leaves the choice among equals open: its
 * first positions, or one of them; and of where a number would be sorted in. */
#include "raise/guess/guess.h"

/* The argsort that a part is read of; NULL: it is none, or one promise for all parts.
 */
static const tdag_argsort_spec *order_below(const tdagi_raiser *r, tdag_value part,
                                            tdag_value *x)
{
    tdag_value sort = tdagi_raiser_input(r, part, 0);
    const tdagi_node *n = tdagi_raiser_node(r, sort);
    if (n->op != TDAG_OP_ARGSORT) return NULL;
    const tdag_argsort_spec *s = n->u.spec;
    *x = tdagi_raiser_input(r, sort, 0);
    return s->order >= TDAG_ORDER_SELECTED ? s : NULL;
}

TDAGI_GUESS(topk_positions)
{
    tdag_value x;
    const tdag_argsort_spec *s = order_below(r, root->v, &x);
    const tdag_slice_spec *part = tdagi_raiser_node(r, root->v)->u.spec;
    if (s == NULL) return TDAG_OK;
    const tdagi_topk_spec spec = {s->axis, s->descending, s->order,
                                  part->end.v[s->axis]};
    return tdagi_guess_known(r, root, &spec, 1, &x, out);
}

TDAGI_GUESS(kth_position)
{
    tdag_value x, at = root->v;
    bool keep = tdagi_raiser_node(r, at)->op != TDAG_OP_SQUEEZE;
    if (!keep) at = tdagi_raiser_input(r, at, 0);
    const tdag_argsort_spec *s = order_below(r, at, &x);
    const tdag_select_spec *part = tdagi_raiser_node(r, at)->u.spec;
    if (s == NULL) return TDAG_OK;
    const tdagi_kth_spec spec = {s->axis, keep, part->index};
    return tdagi_guess_known(r, root, &spec, 1, &x, out);
}

/* where(beyond, middle + 1, start), whose `beyond` compares the number with what is
 * gathered of the sorted ones, padded. */
TDAGI_GUESS(searchsorted)
{
    tdag_value stop =
        tdagi_step(r, tdagi_step(r, root->v, TDAG_OP_WHERE, 0), TDAG_OP_MULTIPLY, 1);
    tdag_value less = tdagi_find_below(r, stop, TDAG_OP_LESS, 8);
    tdag_value gather = tdagi_step_to(r, less, TDAG_OP_GATHER);
    const tdag_value in[2] = {
        tdagi_step(r, tdagi_step(r, gather, TDAG_OP_GATHER, 0), TDAG_OP_PAD, 0),
        tdagi_step_other(r, less, gather)};
    if (in[0].id == 0 || in[1].id == 0) return TDAG_OK;
    for (int64_t right = 0; right < 2 && *out == NULL; right++)
        TDAGI_TRY(tdagi_guess_known(r, root, &(tdagi_search_spec){right}, 2, in, out));
    return TDAG_OK;
}
