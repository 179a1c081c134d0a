/* Transposed convolutions: a sum over channels whose result goes on, read by one node
 * at a time, through one fold per spatial axis and the slices that take the padding
 * off.
 *
 * The folds show strides and spread kernels, the slices padding; everything is checked
 * by lowering. */
#include "raise/contraction/contraction.h"

#include <string.h>

#define MOST_STEPS 40 /* nodes from the sum to the end of the last fold */
#define MOST_DEEP  8  /* views between the multiply and an operand */

typedef struct folds {
    int lead;          /* of the guess (match.h) */
    uint32_t n, first; /* axis first + i is the one that folds */
    const tdag_window_spec *spec[TDAGI_MOST_SPATIAL];
    int64_t start[TDAGI_MOST_SPATIAL]; /* what slices cut in front */
    uint32_t n_ends;
    tdag_value ends[3]; /* where the composite may end: the last fold, slice, pad */
} folds;

static bool goes_on(uint32_t op)
{
    return tdagi_op_is_movement(op) || op == TDAG_OP_FOLD;
}

/* Follows the only reader up from the sum. */
static void climb(const tdagi_raiser *r, tdag_value v, int lead, folds *f)
{
    *f = (folds){.lead = lead, .first = (uint32_t)(2 + lead)};
    for (uint32_t i = 0; i < MOST_STEPS; i++) {
        uint32_t user = r->user[v.id];
        if (r->uses[v.id] != 1 || user == 0) return;
        const tdagi_node *n = &r->graph->nodes[user];
        if (!goes_on(n->op)) return;
        v.id = user;
        if (n->op == TDAG_OP_FOLD) {
            if (f->n == TDAGI_MOST_SPATIAL || f->n + f->first >= n->rank) return;
            f->start[f->n] = 0;
            f->spec[f->n++] = n->u.spec;
            f->n_ends = 0;
        } else if (n->op == TDAG_OP_SLICE && f->n > 0) {
            const tdag_slice_spec *spec = n->u.spec;
            if (f->n + f->first > n->rank) return;
            int64_t start = spec->start.v[f->first + f->n - 1];
            if (start < 0) return;
            f->start[f->n - 1] += start;
        } else if (n->op != TDAG_OP_PAD) {
            continue; /* a view: the next axis may follow */
        }
        if (f->n > 0 && f->n_ends < 3) f->ends[f->n_ends++] = v;
    }
}

static int64_t dim_of(const tdagi_raiser *r, tdag_value v, uint32_t axis)
{
    return tdagi_dim_sample(r->pool, tdagi_raiser_node(r, v)->shape[axis]);
}

/* The attributes, for operands x and w and a result that ends at `end`. */
static bool read_spec(const tdagi_raiser *r, const folds *f, tdag_value x, tdag_value w,
                      tdag_value end, tdagi_conv_transpose_spec *spec,
                      int64_t list[4][TDAGI_MOST_SPATIAL])
{
    const tdagi_node *n = tdagi_raiser_node(r, end);
    uint32_t channel = f->first - 1;
    if (n->rank != f->n + f->first || dim_of(r, w, 1) < 1) return false;
    if (dim_of(r, x, channel) != dim_of(r, w, 0) ||
        dim_of(r, end, channel) % dim_of(r, w, 1) != 0)
        return false;
    *spec = (tdagi_conv_transpose_spec){{f->n, list[0]},
                                        {f->n, list[1]},
                                        {f->n, list[2]},
                                        {f->n, list[3]},
                                        dim_of(r, end, channel) / dim_of(r, w, 1)};
    for (uint32_t i = 0; i < f->n; i++) {
        int64_t span = f->spec[i]->kernel.v[f->first + i], taps = dim_of(r, w, 2 + i);
        if (taps < 1 || span % taps != 0) return false;
        int64_t stride = f->spec[i]->stride.v[f->first + i], dilation = span / taps;
        int64_t whole =
            (dim_of(r, x, f->first + i) - 1) * stride + dilation * (taps - 1) + 1;
        int64_t more = dim_of(r, end, f->first + i) - (whole - 2 * f->start[i]);
        if (more < 0) return false;
        list[0][i] = stride;
        list[1][i] = dilation;
        list[2][i] = f->start[i];
        list[3][i] = more;
    }
    return true;
}

static tdag_status try_pair(tdagi_raiser *r, const folds *f, tdag_value x, tdag_value w,
                            tdagi_match **out)
{
    int64_t list[4][TDAGI_MOST_SPATIAL];
    tdagi_conv_transpose_spec spec;
    tdagi_guess g = {
        .composite = TDAGI_CONV_TRANSPOSE, .spec = &spec, .n = 2, .lead = f->lead};
    g.in[0] = x;
    g.in[1] = w;
    for (uint32_t i = f->n_ends; i-- > 0 && *out == NULL;)
        if (read_spec(r, f, x, w, f->ends[i], &spec, list))
            TDAGI_TRY(tdagi_check_guess(r, f->ends[i], &g, out));
    return TDAG_OK;
}

/* The values of rank `rank` from v down through movement. */
static uint32_t levels_of(const tdagi_raiser *r, tdag_value v, uint32_t rank,
                          tdag_value *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MOST_DEEP; i++) {
        const tdagi_node *node = tdagi_raiser_node(r, v);
        if (node->rank == rank) out[n++] = v;
        if (!tdagi_op_is_movement(node->op)) break;
        v = tdagi_node_inputs(node)[0];
    }
    return n;
}

/* With so many axes in front of the composite's. */
static tdag_status find_with_lead(tdagi_raiser *r, tdag_value sum, int lead,
                                  tdagi_match **out)
{
    folds f;
    const tdagi_node *n = tdagi_raiser_node(r, tdagi_raiser_input(r, sum, 0));
    climb(r, sum, lead, &f);
    if (f.n == 0) return TDAG_OK;
    tdag_value x[MOST_DEEP], w[MOST_DEEP];
    for (uint32_t k = 0; k < 2; k++) {
        const tdag_value *in = tdagi_node_inputs(n);
        uint32_t n_x = levels_of(r, in[k], f.n + f.first, x);
        uint32_t n_w = levels_of(r, in[1 - k], f.n + 2, w);
        for (uint32_t i = 0; i < n_x; i++)
            for (uint32_t j = 0; j < n_w && *out == NULL; j++)
                TDAGI_TRY(try_pair(r, &f, x[i], w[j], out));
    }
    return TDAG_OK;
}

tdag_status tdagi_find_transposed(tdagi_raiser *r, tdag_value sum, tdagi_match **out)
{
    static const int leads[] = {0, -1, 1};
    if (tdagi_raiser_node(r, tdagi_raiser_input(r, sum, 0))->op != TDAG_OP_MULTIPLY)
        return TDAG_OK;
    for (uint32_t i = 0; i < 3 && *out == NULL; i++)
        TDAGI_TRY(find_with_lead(r, sum, leads[i], out));
    return TDAG_OK;
}
