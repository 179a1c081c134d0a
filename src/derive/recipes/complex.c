/* Products and quotients of complex numbers, each a real and an imaginary value:
 * complex_multiply, complex_divide, whose results are pairs along a last axis. */
#include "derive/parts.h"

tdagi_pair tdagi_complex_multiply(tdag_builder *b, tdagi_pair x, tdagi_pair y)
{
    tdagi_pair z = {tdagi_mul(b, x.re, y.re), TDAG_NO_VALUE};
    if (x.im.id == 0 && y.im.id == 0) return z;
    if (x.im.id == 0) {
        z.im = tdagi_mul(b, x.re, y.im);
    } else if (y.im.id == 0) {
        z.im = tdagi_mul(b, x.im, y.re);
    } else {
        z.re = tdagi_sub(b, z.re, tdagi_mul(b, x.im, y.im));
        z.im = tdagi_add(b, tdagi_mul(b, x.re, y.im), tdagi_mul(b, x.im, y.re));
    }
    return z;
}

/* y is scaled by its larger part, so that no square overflows. */
tdagi_pair tdagi_complex_divide(tdag_builder *b, tdagi_pair x, tdagi_pair y)
{
    if (y.im.id == 0)
        return (tdagi_pair){tdagi_div(b, x.re, y.re),
                            x.im.id == 0 ? x.im : tdagi_div(b, x.im, y.re)};
    const tdag_value parts[2] = {tdagi_unary_composite(b, TDAGI_ABS, y.re),
                                 tdagi_unary_composite(b, TDAGI_ABS, y.im)};
    tdag_value scale = tdagi_lower(b, TDAGI_MAXIMUM, parts, 2, NULL);
    tdagi_pair d = {tdagi_div(b, y.re, scale), tdagi_div(b, y.im, scale)};
    tdag_value square =
        tdagi_add(b, tdagi_mul(b, d.re, d.re), tdagi_mul(b, d.im, d.im));
    d.im = tdag_unary(b, TDAG_OP_NEG, d.im);
    tdagi_pair z = tdagi_complex_multiply(b, x, d);
    tdag_value by = tdagi_mul(b, square, scale);
    return (tdagi_pair){tdagi_div(b, z.re, by), tdagi_div(b, z.im, by)};
}

static tdag_value lower_complex(tdag_builder *b, tdagi_composite id,
                                const tdag_value *in, uint32_t n, const void *spec)
{
    (void)n;
    (void)spec;
    const tdagi_pair x = {in[0], in[1]}, y = {in[2], in[3]};
    tdag_dtype dtype = tdag_builder_get_dtype(b, x.re);
    if (dtype != TDAG_F32 && dtype != TDAG_F64)
        return tdagi_builder_fail(b, TDAG_E_DTYPE, "complex numbers of half precision");
    tdagi_pair z = id == TDAGI_COMPLEX_MULTIPLY ? tdagi_complex_multiply(b, x, y)
                                                : tdagi_complex_divide(b, x, y);
    if (!tdagi_usable(b, z.im)) return TDAG_NO_VALUE;
    return tdagi_stack(b, (tdag_value[]){z.re, z.im}, 2,
                       tdag_builder_get_rank(b, z.re));
}

const tdagi_composite_def tdagi_composite_complex = {.lower_formula = lower_complex};
