/* Guesses of upsampling: a gather for each axis that is resized. */
#include <math.h>

#include "raise/guess/guess.h"

#define ANY          TDAG_OP_NONE
#define MOST_SPATIAL 3

static uint32_t op_of(const tdagi_raiser *r, tdag_value v)
{
    return v.id == 0 ? TDAG_OP_NONE : tdagi_raiser_node(r, v)->op;
}

/* One resized axis: the gather nearest to the root, and what it read. */
typedef struct level {
    tdag_value x;
    double
        step; /* the constant that multiplies the output's positions; 0: none found */
    bool found;
} level;

/* The factor of the positions: the multiply of an iota, maybe plus a half, by a number.
 */
static double step_of(const tdagi_raiser *r, tdag_value index)
{
    double step = 0;
    tdag_value floor = tdagi_find_below(r, index, TDAG_OP_FLOOR, 16);
    tdag_value product = tdagi_find_below(r, floor, TDAG_OP_MULTIPLY, 12);
    return tdagi_scalar_input(r, product, &step) ? step : 0;
}

static level read_level(const tdagi_raiser *r, tdag_value v)
{
    level l = {.found = false};
    tdag_value gather = tdagi_find_below(r, v, TDAG_OP_GATHER, 24);
    if (gather.id == 0) return l;
    tdag_value index = tdagi_raiser_input(r, gather, 1);
    if (op_of(r, index) != TDAG_OP_WHERE) return l;
    l.x = tdagi_unpermuted(r, tdagi_raiser_input(r, gather, 0));
    l.step = step_of(r, index);
    l.found = true;
    return l;
}

/* Whether v has gone through levels down to x with that rank; which axis each resized.
 */
static int64_t resized_axis(const tdagi_raiser *r, tdag_value from, tdag_value to)
{
    const tdagi_node *a = tdagi_raiser_node(r, from), *b = tdagi_raiser_node(r, to);
    if (a->rank != b->rank) return -1;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i]) return i;
    return -1;
}

static tdag_status try_modes(tdagi_raiser *r, const tdagi_root *root, tdag_value x,
                             tdagi_upsample_spec *spec, const double *scales,
                             tdagi_match **out)
{
    bool moves = op_of(r, root->top) == TDAG_OP_PERMUTE;
    for (uint32_t form = 0; form < 8 && *out == NULL; form++) {
        bool second = form & 1, align = form & 2, scaled = form & 4;
        if (moves && align) continue;
        spec->mode =
            moves ? (second ? TDAGI_UPSAMPLE_NEAREST_EXACT : TDAGI_UPSAMPLE_NEAREST)
                  : (second ? TDAGI_UPSAMPLE_CUBIC : TDAGI_UPSAMPLE_LINEAR);
        spec->align_corners = align;
        for (uint32_t i = 0; i < MOST_SPATIAL; i++)
            spec->scales[i] = scaled ? scales[i] : 0;
        TDAGI_TRY(tdagi_guess_known(r, root, spec, 1, &x, out));
    }
    return TDAG_OK;
}

TDAGI_GUESS(upsample)
{
    uint32_t rank = root->type.rank, n = rank - 2;
    if (rank < 3 || n > MOST_SPATIAL) return TDAG_OK;
    tdagi_upsample_spec spec = {.output = {n, root->type.shape + 2}};
    double scales[MOST_SPATIAL] = {0};
    tdag_dtype coordinates = root->type.dtype == TDAG_F64 ? TDAG_F64 : TDAG_F32;
    tdag_value v = root->top, levels[MOST_SPATIAL];
    uint32_t n_levels = 0;
    for (; n_levels < n; n_levels++) {
        level l = read_level(r, v);
        if (!l.found) break;
        int64_t axis = resized_axis(r, n_levels == 0 ? root->v : v, l.x) - root->lead;
        if (axis >= 2 && l.step > 0)
            scales[axis - 2] = tdagi_shortest_inverse(coordinates, l.step);
        levels[n_levels] = v = l.x;
    }
    while (n_levels-- > 0 && *out == NULL) /* all axes in one, if that is what it is */
        TDAGI_TRY(try_modes(r, root, tdagi_narrow(r, root, levels[n_levels]), &spec,
                            scales, out));
    return TDAG_OK;
}

/* ---- with anti-aliasing ---- */

/* One resized axis: squeeze(reduce(gather * weights)); v goes on to what was resized.
 * The first product below the positions is that of the result's places. */
static bool read_filtered(const tdagi_raiser *r, tdag_value *v, int64_t *axis,
                          double *scale)
{
    tdag_value sum = tdagi_step(r, *v, TDAG_OP_SQUEEZE, 0);
    tdag_value product = tdagi_step(r, sum, TDAG_OP_REDUCE, 0);
    tdag_value gather =
        tdagi_step(r, tdagi_step_to(r, product, TDAG_OP_PERMUTE), TDAG_OP_PERMUTE, 0);
    if (op_of(r, gather) != TDAG_OP_GATHER) return false;
    tdag_value at = tdagi_raiser_input(r, gather, 1);
    *axis = ((const tdag_reduce_spec *)tdagi_raiser_node(r, sum)->u.spec)->axes.v[0];
    *v = tdagi_unpermuted(r, tdagi_raiser_input(r, gather, 0));
    return tdagi_scalar_input(r, tdagi_find_below(r, at, TDAG_OP_MULTIPLY, 32), scale);
}

TDAGI_GUESS(upsample_aa)
{
    tdag_value v = root->top;
    int64_t axis;
    double scale, scales[2] = {1, 1};
    if (root->type.rank != 4) return TDAG_OK;
    for (uint32_t i = 0; i < 2 && read_filtered(r, &v, &axis, &scale); i++) {
        axis -= 3 + root->lead;
        if (axis < 0 || axis > 1) return TDAG_OK;
        scales[axis] = scale;
        if (axis == 1) break; /* the width is the first */
    }
    tdagi_upsample_aa_spec spec = {0, root->type.shape[2], root->type.shape[3],
                                   scales[0], scales[1]};
    tdag_value x = tdagi_narrow(r, root, v);
    for (; spec.cubic < 2 && *out == NULL; spec.cubic++)
        TDAGI_TRY(tdagi_guess_known(r, root, &spec, 1, &x, out));
    return TDAG_OK;
}
