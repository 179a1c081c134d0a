/* See steps.h. */
#include "raise/steps.h"

tdag_value tdagi_step(const tdagi_raiser *r, tdag_value v, uint32_t op, uint32_t i)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (v.id == 0 || i >= n->n_inputs || (op != TDAG_OP_NONE && n->op != op))
        return TDAG_NO_VALUE;
    return tdagi_node_inputs(n)[i];
}

tdag_value tdagi_step_to(const tdagi_raiser *r, tdag_value v, uint32_t op)
{
    if (v.id == 0) return v;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (tdagi_raiser_node(r, in[i])->op == op) return in[i];
    return TDAG_NO_VALUE;
}

tdag_value tdagi_step_other(const tdagi_raiser *r, tdag_value v, tdag_value but)
{
    tdag_value a = tdagi_step(r, v, TDAG_OP_NONE, 0),
               b = tdagi_step(r, v, TDAG_OP_NONE, 1);
    return a.id == but.id ? b : a;
}

tdag_value tdagi_unpermuted(const tdagi_raiser *r, tdag_value v)
{
    tdag_value x = tdagi_step(r, v, TDAG_OP_PERMUTE, 0);
    return x.id == 0 ? v : x;
}

tdag_value tdagi_narrow(const tdagi_raiser *r, const tdagi_root *root, tdag_value v)
{
    if (!root->half || v.id == 0) return v;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op != TDAG_OP_CONVERT) return v;
    tdag_value x = tdagi_node_inputs(n)[0];
    return tdagi_raiser_node(r, x)->dtype == root->type.dtype ? x : v;
}

bool tdagi_scalar_of(const tdagi_raiser *r, tdag_value v, double *out)
{
    if (v.id == 0) return false;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op != TDAG_OP_CONSTANT || n->u.tensor->count != 1) return false;
    *out = tdagi_tensor_get_f64(n->u.tensor, 0);
    return true;
}

bool tdagi_scalar_input(const tdagi_raiser *r, tdag_value v, double *out)
{
    return tdagi_scalar_of(r, tdagi_step(r, v, TDAG_OP_NONE, 1), out) ||
           tdagi_scalar_of(r, tdagi_step(r, v, TDAG_OP_NONE, 0), out);
}

static tdag_value find_below(const tdagi_raiser *r, tdag_value v, uint32_t op,
                             uint32_t *budget)
{
    if (v.id == 0 || *budget == 0) return TDAG_NO_VALUE;
    (*budget)--;
    const tdagi_node *n = tdagi_raiser_node(r, v);
    if (n->op == op) return v;
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        tdag_value found = find_below(r, in[i], op, budget);
        if (found.id != 0) return found;
    }
    return TDAG_NO_VALUE;
}

tdag_value tdagi_find_below(const tdagi_raiser *r, tdag_value v, uint32_t op,
                            uint32_t budget)
{
    return find_below(r, v, op, &budget);
}

/* ---- guesses of common forms ---- */

tdag_status tdagi_guess_known(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                              uint32_t n, const tdag_value *in, tdagi_match **out)
{
    tdagi_guess g = {
        .composite = root->composite, .spec = spec, .n = n, .lead = root->lead};
    for (uint32_t i = 0; i < n; i++)
        g.in[i] = in[i];
    return tdagi_check_guess(r, root->v, &g, out);
}
