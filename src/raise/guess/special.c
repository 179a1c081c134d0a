/* Special functions: formulas in f64 for what is not NaN, so where(s == s, y, s) of the
 * operand, or of the sum of two, is their root. Which of them it is, is tried. */
#include "derive/composites.h"
#include "raise/guess/guess.h"

/* v before it became f64. */
static tdag_value operand(const tdagi_raiser *r, const tdagi_root *root, tdag_value v)
{
    return root->type.dtype == TDAG_F64 ? v : tdagi_step(r, v, TDAG_OP_CONVERT, 0);
}

/* polygamma is its order times the rest */
static bool order_of(const tdagi_raiser *r, tdag_value y, tdagi_order_spec *out)
{
    double x;
    if (!tdagi_scalar_of(r, tdagi_step(r, y, TDAG_OP_MULTIPLY, 0), &x)) return false;
    if (!(x >= 1 && x < INT32_MAX)) return false;
    out->order = (int64_t)x;
    return true;
}

/* All that take n operands, until one is right. */
static tdag_status guess_of(tdagi_raiser *r, const tdagi_root *root, tdag_value y,
                            uint32_t n, const tdag_value *in, tdagi_match **out)
{
    tdagi_root as = *root;
    tdagi_order_spec spec;
    for (uint32_t i = 0; i < n; i++)
        if (in[i].id == 0) return TDAG_OK;
    for (uint32_t id = 1; id < TDAGI_N_COMPOSITES && *out == NULL; id++) {
        const tdagi_composite_row *row = tdagi_composite_row_of((tdagi_composite)id);
        if (row == NULL || row->min_inputs != n ||
            row->def->lower_formula != tdagi_composite_formula.lower_formula)
            continue;
        if (row->def->fields != NULL && !order_of(r, y, &spec)) continue;
        as.composite = (tdagi_composite)id;
        TDAGI_TRY(tdagi_guess_known(r, &as, &spec, n, in, out));
    }
    return TDAG_OK;
}

TDAGI_GUESS(special)
{
    tdag_value top = root->top;
    if (root->type.dtype != TDAG_F64) top = tdagi_step(r, top, TDAG_OP_CONVERT, 0);
    tdag_value known = tdagi_step(r, top, TDAG_OP_WHERE, 0),
               y = tdagi_step(r, top, TDAG_OP_WHERE, 1),
               s = tdagi_step(r, top, TDAG_OP_WHERE, 2);
    if (s.id == 0 || tdagi_step(r, known, TDAG_OP_EQUAL, 0).id != s.id ||
        tdagi_step(r, known, TDAG_OP_EQUAL, 1).id != s.id)
        return TDAG_OK;
    tdag_value in[2] = {operand(r, root, s), TDAG_NO_VALUE};
    TDAGI_TRY(guess_of(r, root, y, 1, in, out));
    if (*out != NULL) return TDAG_OK;
    in[0] = operand(r, root, tdagi_step(r, s, TDAG_OP_ADD, 0));
    in[1] = operand(r, root, tdagi_step(r, s, TDAG_OP_ADD, 1));
    return guess_of(r, root, y, 2, in, out);
}
