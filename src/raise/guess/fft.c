/* Guesses of discrete Fourier transforms: what is lowered for the size that the root
 * shows has the same ops on the way down to its operand as the graph. */
#include <math.h>

#include "raise/guess/guess.h"

#define MOST_STEPS 16 /* from the root to the first table */

/* Whether the first product on the way down is one with a table. */
static bool has_table(const tdagi_raiser *r, tdag_value v)
{
    for (uint32_t i = 0; i < MOST_STEPS; i++) {
        const tdagi_node *n = tdagi_raiser_node(r, v);
        if (n->n_inputs == 0) return false;
        const tdag_value *in = tdagi_node_inputs(n);
        if (n->op == TDAG_OP_MULTIPLY) {
            const tdagi_node *table = tdagi_raiser_node(r, in[1]);
            return table->op == TDAG_OP_CONSTANT && table->u.tensor->count > 1;
        }
        v = in[0];
    }
    return false;
}

/* The type of the operand of such a transform; false: there is none. */
static bool operand_type(const tdagi_root *root, int64_t n, tdagi_type *t)
{
    *t = root->type;
    if (root->composite == TDAGI_RFFT) t->shape[--t->rank - 1] = n;
    if (root->composite != TDAGI_IRFFT) return true;
    if (t->rank == TDAG_MAX_RANK) return false;
    t->shape[t->rank - 1] = n / 2 + 1;
    t->shape[t->rank++] = 2;
    return true;
}

static tdag_status find_operand(tdagi_raiser *r, const tdagi_root *root,
                                const tdagi_fft_spec *spec, tdag_value *out)
{
    tdagi_type t;
    bool ok;
    *out = TDAG_NO_VALUE;
    if (!operand_type(root, spec->n, &t)) return TDAG_OK;
    tdagi_scratch_empty(r);
    tdag_value s = tdag_add_input(r->scratch, NULL, t.dtype, t.rank, t.shape);
    s = tdagi_lower(r->scratch, root->composite, &s, 1, spec);
    TDAGI_TRY(tdagi_scratch_settle(r, &ok));
    tdag_value v = root->v;
    const tdagi_node *nodes = r->scratch->graph->nodes;
    while (ok && nodes[s.id].op != TDAG_OP_INPUT) {
        if (nodes[s.id].op != tdagi_raiser_node(r, v)->op) return TDAG_OK;
        s = tdagi_node_inputs(&nodes[s.id])[0];
        v = tdagi_raiser_input(r, v, 0);
    }
    if (ok) *out = v;
    return TDAG_OK;
}

/* Forward and backward, each of the three ways to scale. */
static tdag_status guess_size(tdagi_raiser *r, const tdagi_root *root, int64_t n,
                              tdagi_match **out)
{
    tdagi_fft_spec spec = {0, n, 1};
    tdag_value x;
    TDAGI_TRY(find_operand(r, root, &spec, &x));
    for (uint32_t i = 0; x.id != 0 && i < 6 && *out == NULL; i++) {
        spec.inverse = i % 2;
        spec.scale = pow((double)n, -0.5 * (i / 2));
        TDAGI_TRY(tdagi_guess_known(r, root, &spec, 1, &x, out));
    }
    return TDAG_OK;
}

TDAGI_GUESS(fft)
{
    const tdagi_type *t = &root->type;
    const bool pair = root->composite != TDAGI_IRFFT;
    if ((t->dtype != TDAG_F32 && t->dtype != TDAG_F64) || t->rank < 1u + pair ||
        (pair && t->shape[t->rank - 1] != 2))
        return TDAG_OK;
    tdag_dim size = t->shape[t->rank - 1 - pair];
    if (size < 1 || size > TDAGI_FFT_MOST || !has_table(r, root->v)) return TDAG_OK;
    if (root->composite != TDAGI_RFFT) return guess_size(r, root, size, out);
    for (int64_t n = 2 * size - 1; n > 1 && n >= 2 * size - 2 && *out == NULL; n--)
        TDAGI_TRY(guess_size(r, root, n, out));
    return TDAG_OK;
}
