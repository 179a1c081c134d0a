/* Guesses of vector norms, of distances and of what is divided by norms. */
#include <math.h>

#include "raise/guess/guess.h"

#define ANY TDAG_OP_NONE

static uint32_t op_of(const tdagi_raiser *r, tdag_value v)
{
    return v.id == 0 ? TDAG_OP_NONE : tdagi_raiser_node(r, v)->op;
}

static const tdag_reduce_spec *reduce_of(const tdagi_raiser *r, tdag_value v)
{
    return op_of(r, v) == TDAG_OP_REDUCE ? tdagi_raiser_node(r, v)->u.spec : NULL;
}

/* The root without the squeeze that drops the reduced axes. */
static tdag_value kept(const tdagi_raiser *r, const tdagi_root *root, int64_t *keep)
{
    *keep = op_of(r, root->top) != TDAG_OP_SQUEEZE;
    return *keep ? root->top : tdagi_raiser_input(r, root->top, 0);
}

/* ---- norms ---- */

/* x below |x| = where(x < 0, -x, x) + 0 */
static tdag_value below_abs(const tdagi_raiser *r, tdag_value v)
{
    return tdagi_step(r, tdagi_step_to(r, v, TDAG_OP_WHERE), ANY, 2);
}

/* Which norm y is of what: p, axes and x. */
static bool read_norm(const tdagi_raiser *r, tdag_value y, tdagi_norm_spec *spec,
                      tdag_value *x)
{
    double number;
    tdag_value sum = op_of(r, y) == TDAG_OP_SQRT ? tdagi_raiser_input(r, y, 0) : y;
    spec->p = 2;
    if (op_of(r, y) == TDAG_OP_WHERE) { /* a power of 1/p */
        tdag_value equal = tdagi_step(r, y, ANY, 0);
        tdag_value zero = tdagi_step(r, tdagi_step(r, y, ANY, 2), TDAG_OP_WHERE, 0);
        if (!tdagi_scalar_of(r, tdagi_step(r, zero, TDAG_OP_EQUAL, 0), &number))
            return false;
        sum = tdagi_step(r, equal, TDAG_OP_EQUAL, 0);
        spec->p = tdagi_shortest(TDAG_F32, (double)(float)(1 / number));
    }
    const tdag_reduce_spec *reduce = reduce_of(r, sum);
    if (reduce == NULL) return false;
    tdag_value term = tdagi_raiser_input(r, sum, 0);
    spec->axes = reduce->axes;
    if (op_of(r, y) == TDAG_OP_SQRT) {
        *x = tdagi_step(r, term, TDAG_OP_MULTIPLY, 0);
    } else if (op_of(r, y) == TDAG_OP_WHERE) {
        *x = below_abs(r, tdagi_find_below(r, term, TDAG_OP_ADD, 40));
    } else if (op_of(r, term) == TDAG_OP_WHERE) {
        spec->p = 0;
        *x = tdagi_step(r, tdagi_step(r, term, ANY, 0), TDAG_OP_EQUAL, 0);
    } else {
        bool sums = reduce->kind == TDAG_REDUCE_SUM,
             max = reduce->kind == TDAG_REDUCE_MAX;
        spec->p = sums ? 1 : max ? (double)INFINITY : -(double)INFINITY;
        *x = below_abs(r, term);
    }
    return x->id != 0;
}

/* The norm of differences of rows: of each with each, or of those of a triangle. */
static tdag_status guess_distance(tdagi_raiser *r, const tdagi_root *root, double p,
                                  tdag_value d, tdagi_match **out)
{
    const bool is_pdist = op_of(r, tdagi_step(r, d, TDAG_OP_ADD, 0)) == TDAG_OP_GATHER;
    const uint32_t op = is_pdist ? TDAG_OP_GATHER : TDAG_OP_UNSQUEEZE;
    const tdagi_scalar_spec spec = {p};
    tdagi_root of = *root;
    of.composite = is_pdist ? TDAGI_PDIST : TDAGI_CDIST;
    const tdag_value in[2] = {
        tdagi_step(r, tdagi_step(r, d, TDAG_OP_ADD, 0), op, 0),
        tdagi_step(r, tdagi_step(r, tdagi_step(r, d, TDAG_OP_ADD, 1), TDAG_OP_NEG, 0),
                   op, 0)};
    if (in[0].id == 0 || in[1].id == 0 || !(p >= 0) ||
        (root->type.dtype != TDAG_F32 && root->type.dtype != TDAG_F64) ||
        tdagi_raiser_leaves_out(r, of.composite))
        return TDAG_OK;
    return tdagi_guess_known(r, &of, &spec, is_pdist ? 1 : 2, in, out);
}

TDAGI_GUESS(vector_norm)
{
    tdagi_norm_spec spec = {.eps = 0};
    tdag_value x;
    if (!read_norm(r, kept(r, root, &spec.keep), &spec, &x)) return TDAG_OK;
    x = tdagi_narrow(r, root, x);
    TDAGI_TRY(guess_distance(r, root, spec.p, x, out));
    if (*out != NULL) return TDAG_OK;
    return tdagi_guess_known(r, root, &spec, 1, &x, out);
}

TDAGI_GUESS(normalize)
{
    tdagi_norm_spec spec = {.eps = 0};
    tdag_value inverse = tdagi_step_to(r, root->top, TDAG_OP_RECIPROCAL), x, y;
    tdag_value clamped = tdagi_narrow(r, root, tdagi_step(r, inverse, ANY, 0));
    if (!tdagi_scalar_of(r, tdagi_step(r, clamped, TDAG_OP_WHERE, 1), &spec.eps))
        return TDAG_OK;
    spec.eps = tdagi_shortest(root->type.dtype, spec.eps);
    y = tdagi_step(r, clamped, ANY, 2);
    if (root->half) y = tdagi_step(r, y, TDAG_OP_CONVERT, 0);
    if (y.id == 0 || !read_norm(r, y, &spec, &x)) return TDAG_OK;
    x = tdagi_narrow(r, root, x);
    TDAGI_TRY(tdagi_guess_known(r, root, &spec, 1, &x, out));
    spec.keep = 1; /* unused, so either */
    return *out == NULL ? tdagi_guess_known(r, root, &spec, 1, &x, out) : TDAG_OK;
}
