/* Guesses of element-wise composites with several operands or with attributes. */
#include <math.h>

#include "base/number_text.h"
#include "raise/patterns.h"

#define ANY TDAG_OP_NONE
/* The guess functions all look alike: state, root, result. */
#define GUESS(name)                                                                    \
    tdag_status tdagi_guess_##name(tdagi_raiser *r, const tdagi_root *root,            \
                                   tdagi_match **out)

/* ---- two operands ---- */

/* Both operands half as the root, or as they are. */
static tdag_status known2(tdagi_raiser *r, const tdagi_root *root, tdag_value x,
                          tdag_value y, tdagi_match **out)
{
    const tdag_value in[2] = {tdagi_narrow(r, root, x), tdagi_narrow(r, root, y)};
    if (x.id == 0 || y.id == 0) return TDAG_OK;
    return tdagi_guess_known(r, root, NULL, 2, in, out);
}

/* True where v, an operand that the root would take apart, is that composite of one
 * operand, whose last step only looks like the root's first. */
static tdag_status is_whole(tdagi_raiser *r, tdag_value v, tdagi_composite composite,
                            bool *yes)
{
    tdagi_match *m = NULL;
    tdagi_root own = {.v = v, .top = v, .composite = composite};
    tdagi_value_type(r->graph, v, &own.type);
    TDAGI_TRY(tdagi_guess_unary(r, &own, &m));
    *yes = m != NULL;
    return TDAG_OK;
}

GUESS(sub)
{
    for (uint32_t i = 2; i-- > 0 && *out == NULL;) {
        tdag_value neg = tdagi_step(r, root->top, ANY, i);
        tdag_value y = tdagi_step(r, neg, TDAG_OP_NEG, 0);
        bool ceil = false;
        if (y.id == 0) continue;
        if (tdagi_step_to(r, y, TDAG_OP_NEG).id != 0)
            TDAGI_TRY(is_whole(r, neg, TDAGI_CEIL, &ceil));
        if (ceil) continue;
        TDAGI_TRY(known2(r, root, tdagi_step(r, root->top, ANY, 1 - i), y, out));
    }
    return TDAG_OK;
}

GUESS(div)
{
    for (uint32_t i = 2; i-- > 0 && *out == NULL;) {
        tdag_value inverse = tdagi_step(r, root->top, ANY, i);
        tdag_value y = tdagi_step(r, inverse, TDAG_OP_RECIPROCAL, 0);
        bool sigmoid = false;
        if (y.id == 0) continue;
        if (tdagi_step_to(r, y, TDAG_OP_EXP).id != 0)
            TDAGI_TRY(is_whole(r, inverse, TDAGI_SIGMOID, &sigmoid));
        if (sigmoid) continue;
        TDAGI_TRY(known2(r, root, tdagi_step(r, root->top, ANY, 1 - i), y, out));
    }
    return TDAG_OK;
}

GUESS(remainder)
{
    for (uint32_t i = 0; i < 2 && *out == NULL; i++) {
        tdag_value neg = tdagi_step(r, root->top, ANY, i);
        tdag_value product = tdagi_step(r, neg, TDAG_OP_NEG, 0);
        tdag_value q = tdagi_step_to(r, product, TDAG_OP_FLOOR_DIVIDE);
        TDAGI_TRY(
            known2(r, root, tdagi_step(r, q, ANY, 0), tdagi_step(r, q, ANY, 1), out));
    }
    return TDAG_OK;
}

GUESS(pow)
{
    tdag_value x = tdagi_step(r, tdagi_step(r, root->top, ANY, 0), TDAG_OP_EQUAL, 0);
    tdag_value inner = tdagi_step(r, root->top, ANY, 2);
    tdag_value y =
        tdagi_step(r, tdagi_step(r, inner, TDAG_OP_WHERE, 0), TDAG_OP_EQUAL, 0);
    return known2(r, root, x, y, out);
}

/* where(y == y, where(x < y, y, x), y) */
GUESS(maximum)
{
    tdag_value y = tdagi_step(r, root->top, ANY, 2);
    tdag_value x = tdagi_step(r, tdagi_step(r, root->top, ANY, 1), TDAG_OP_WHERE, 2);
    return known2(r, root, x, y, out);
}

GUESS(maximum_int)
{
    if (tdag_dtype_is_float(root->type.dtype)) return TDAG_OK;
    return known2(r, root, tdagi_step(r, root->top, ANY, 2),
                  tdagi_step(r, root->top, ANY, 1), out);
}

GUESS(less_equal)
{
    tdag_value less = tdagi_step_to(r, root->top, TDAG_OP_LESS);
    return known2(r, root, tdagi_step(r, less, ANY, 0), tdagi_step(r, less, ANY, 1),
                  out);
}

GUESS(not_equal)
{
    tdag_value equal = tdagi_step_to(r, root->top, TDAG_OP_EQUAL);
    return known2(r, root, tdagi_step(r, equal, ANY, 0), tdagi_step(r, equal, ANY, 1),
                  out);
}

GUESS(logical_not)
{
    tdag_value zero = tdagi_step_to(r, root->top, TDAG_OP_CONSTANT);
    tdag_value x = tdagi_step_other(r, root->top, zero);
    double value;
    if (!tdagi_scalar_of(r, zero, &value) || value != 0) return TDAG_OK;
    if (tdagi_raiser_node(r, x)->dtype != TDAG_BOOL)
        return TDAG_OK; /* x == 0 says more */
    return tdagi_guess_known(r, root, NULL, 1, &x, out);
}

GUESS(prelu)
{
    tdag_value x = tdagi_step(r, root->top, ANY, 1);
    tdag_value product = tdagi_step(r, root->top, TDAG_OP_WHERE, 2);
    if (x.id == 0 || tdagi_raiser_node(r, product)->op != TDAG_OP_MULTIPLY)
        return TDAG_OK;
    tdag_value w = tdagi_step_other(r, product, x);
    tdag_value flat = tdagi_step(r, w, TDAG_OP_UNSQUEEZE, 0);
    if (flat.id != 0) TDAGI_TRY(known2(r, root, x, flat, out));
    if (*out == NULL) TDAGI_TRY(known2(r, root, x, w, out));
    return TDAG_OK;
}

GUESS(masked_fill)
{
    tdagi_scalar_spec spec;
    tdag_value fill = tdagi_step(r, root->top, ANY, 1);
    if (!tdagi_scalar_of(r, fill, &spec.value)) return TDAG_OK;
    spec.value = tdagi_shortest(root->type.dtype, spec.value);
    const tdag_value in[2] = {tdagi_step(r, root->top, ANY, 2),
                              tdagi_step(r, root->top, ANY, 0)};
    return tdagi_guess_known(r, root, &spec, 2, in, out);
}

/* ---- one operand and numbers ---- */

/* Probes with `spec`, which holds the probes; then found[] is shortened to the dtype
 * the composite computes in. */
static tdag_status probe(tdagi_raiser *r, const tdagi_root *root, const void *spec,
                         double found[TDAGI_PROBES], bool *ok)
{
    tdagi_guess g = {.composite = root->composite, .spec = spec, .n = 1};
    g.in[0].type = &root->type;
    TDAGI_TRY(tdagi_probe_guess(r, root->v, &g, found, ok));
    tdag_dtype dtype = root->half ? TDAG_F32 : root->type.dtype;
    for (uint32_t i = 0; i < TDAGI_PROBES; i++)
        found[i] = tdagi_shortest(dtype, found[i]);
    return TDAG_OK;
}

GUESS(leaky_relu)
{
    double found[TDAGI_PROBES];
    bool ok;
    tdagi_scalar_spec spec = {tdagi_probe(0)};
    TDAGI_TRY(probe(r, root, &spec, found, &ok));
    spec.value = found[0];
    return ok ? tdagi_guess_typed(r, root, &spec, &root->type, out) : TDAG_OK;
}

GUESS(clamp)
{
    double found[TDAGI_PROBES];
    bool ok;
    for (int64_t form = 3; form > 0 && *out == NULL; form--) {
        tdagi_clamp_spec spec = {form & 1, form >> 1, tdagi_probe(0), tdagi_probe(1)};
        TDAGI_TRY(probe(r, root, &spec, found, &ok));
        if (!ok) continue;
        spec.min = spec.has_min ? found[0] : 0;
        spec.max = spec.has_max ? found[1] : 0;
        TDAGI_TRY(tdagi_guess_typed(r, root, &spec, &root->type, out));
    }
    return TDAG_OK;
}

GUESS(softplus)
{
    double found[TDAGI_PROBES];
    bool ok;
    tdagi_softplus_spec spec = {tdagi_probe(0), tdagi_probe(1)};
    TDAGI_TRY(probe(r, root, &spec, found, &ok));
    spec = (tdagi_softplus_spec){found[0], found[1]};
    return ok ? tdagi_guess_typed(r, root, &spec, &root->type, out) : TDAG_OK;
}

/* The shortest number whose product with `factor` has the value `product` in dtype. */
static double shortest_factor(tdag_dtype dtype, double product, double factor)
{
    for (int digits = 1; digits <= 17; digits++) {
        double shorter = tdagi_f64_rounded(product / factor, digits),
               x = shorter * factor;
        if ((dtype == TDAG_F64 ? x : (double)(float)x) == product) return shorter;
    }
    return product / factor;
}

GUESS(elu)
{
    double found[TDAGI_PROBES], below, above;
    bool ok;
    tdag_dtype dtype = root->half ? TDAG_F32 : root->type.dtype;
    if (!tdagi_scalar_input(r, tdagi_step(r, root->top, ANY, 1), &above) ||
        !tdagi_scalar_input(r, tdagi_step(r, root->top, ANY, 2), &below))
        return TDAG_OK;
    tdagi_elu_spec spec = {1, tdagi_shortest(dtype, above), tdagi_probe(0)};
    spec.alpha = shortest_factor(dtype, below, spec.scale);
    TDAGI_TRY(probe(r, root, &spec, found, &ok));
    spec.input_scale = found[0];
    return ok ? tdagi_guess_typed(r, root, &spec, &root->type, out) : TDAG_OK;
}

GUESS(gelu)
{
    tdagi_gelu_spec spec = {tdagi_step_to(r, root->top, TDAG_OP_GAUSSIAN).id == 0};
    return tdagi_guess_typed(r, root, &spec, &root->type, out);
}

GUESS(round)
{
    tdagi_round_spec spec = {0};
    double scale = 1;
    if (tdagi_raiser_node(r, root->top)->op == TDAG_OP_MULTIPLY) {
        tdag_value inverse = tdagi_step_to(r, root->top, TDAG_OP_RECIPROCAL);
        bool down = tdagi_scalar_of(r, tdagi_step(r, inverse, ANY, 0), &scale);
        if (!down && !tdagi_scalar_input(r, root->top, &scale)) return TDAG_OK;
        if (!(scale >= 1 && scale < 1e18)) return TDAG_OK;
        spec.decimals = (int64_t)(log10(scale) + 0.5);
        if (!down) spec.decimals = -spec.decimals;
    }
    return tdagi_guess_typed(r, root, &spec, &root->type, out);
}

/* ---- integer powers ---- */

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

GUESS(pow_int)
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
