/* Complex operands read as pairs of values, and pairs as results. */
#include "aten/rows/complex/pair.h"

#include <string.h>

tdag_dtype tdagi_complex_part(tdagi_any dtype)
{
    return dtype.kind == TDAGI_ANY_INT ? tdagi_part_of_scalar_type(dtype.u.i)
                                       : TDAG_DTYPE_NONE;
}

bool tdagi_is_complex(tdagi_any v)
{
    return v.kind == TDAGI_ANY_COMPLEX || v.kind == TDAGI_ANY_COMPLEX_NUMBER;
}

static tdagi_any zero_of(tdagi_call *c, tdagi_any v)
{
    if (v.kind == TDAGI_ANY_TENSOR) {
        tdag_value x = tdagi_cell_read(c->env, v.u.tensor);
        if (x.id == 0) return tdagi_any_poison();
        return tdagi_result(c, tdagi_full_like(c->b, x, 0));
    }
    return tdagi_any_is_number(v) ? tdagi_any_float(0) : v;
}

static tdagi_any halves_of_items(tdagi_call *c, tdagi_any v, bool imaginary)
{
    tdagi_any out = tdagi_any_seq(c->env, v.kind, v.u.seq->n, v.u.seq->v);
    for (uint32_t i = 0; i < v.u.seq->n && out.kind == v.kind; i++)
        out.u.seq->v[i] = tdagi_complex_half(c, v.u.seq->v[i], imaginary);
    return out;
}

tdagi_any tdagi_complex_half(tdagi_call *c, tdagi_any v, bool imaginary)
{
    if (v.kind == TDAGI_ANY_COMPLEX)
        return tdagi_any_tensor(imaginary ? v.u.tensor->imag : v.u.tensor);
    if (v.kind == TDAGI_ANY_COMPLEX_NUMBER) return tdagi_any_float(v.u.pair[imaginary]);
    if (tdagi_any_is_seq(v)) return halves_of_items(c, v, imaginary);
    return imaginary ? zero_of(c, v) : v;
}

/* ---- operands ---- */

tdag_dtype tdagi_pair_type(tdagi_call *c, uint32_t n, const tdagi_any *v)
{
    tdagi_any half[4];
    for (uint32_t i = 0; i < n && i < 4; i++)
        half[i] = tdagi_complex_half(c, v[i], false);
    tdag_dtype d = tdagi_result_type(c, n, half);
    return tdag_dtype_is_float(d) ? d : TDAG_F32;
}

tdagi_pair tdagi_pair_as(tdagi_call *c, tdagi_any v, tdag_dtype dtype)
{
    tdagi_pair z = {TDAG_NO_VALUE, TDAG_NO_VALUE};
    z.re = tdagi_as(c, tdagi_complex_half(c, v, false), dtype);
    if (tdagi_is_complex(v)) z.im = tdagi_as(c, tdagi_complex_half(c, v, true), dtype);
    return z;
}

tdagi_pair tdagi_pair_arg(tdagi_call *c, const char *name)
{
    tdagi_any v = tdagi_arg(c, name);
    if (!tdagi_is_complex(v) && !tdagi_any_is_tensor(v) && !tdagi_any_is_number(v)) {
        tdagi_refuse(c, name);
        return (tdagi_pair){TDAG_NO_VALUE, TDAG_NO_VALUE};
    }
    return tdagi_pair_as(c, v, tdagi_pair_type(c, 1, &v));
}

/* ---- results ---- */

static tdag_value as_wide(tdagi_call *c, tdag_value im, tdag_value re)
{
    if (re.id == 0 || tdagi_same_shape(c, im, tdagi_rank(c, re), tdagi_shape(c, re)))
        return im;
    return tdagi_expand(c->b, im, tdagi_rank(c, re), tdagi_shape(c, re));
}

static tdagi_pair whole(tdagi_call *c, tdagi_pair z)
{
    if (z.re.id == 0) return z;
    z.im = z.im.id == 0 ? tdagi_full_like(c->b, z.re, 0) : as_wide(c, z.im, z.re);
    return z;
}

tdagi_any tdagi_pair_result(tdagi_call *c, tdagi_pair z)
{
    z = whole(c, z);
    return tdagi_cell_complex(c->env, tdagi_cell_new(c->env, z.re),
                              tdagi_cell_new(c->env, z.im));
}

tdag_value tdagi_pair_join(tdagi_call *c, tdagi_pair z)
{
    z = whole(c, z);
    tdag_value v[2] = {z.re, z.im};
    if (z.re.id == 0 || z.im.id == 0) return TDAG_NO_VALUE;
    return tdagi_stack(c->b, v, 2, tdagi_rank(c, z.re));
}

tdagi_pair tdagi_pair_split(tdagi_call *c, tdag_value pairs)
{
    tdagi_pair z = {pairs, pairs};
    if (pairs.id == 0) return z;
    uint32_t last = tdagi_rank(c, pairs) - 1;
    z.re = tdagi_select1(c->b, pairs, last, 0);
    z.im = tdagi_select1(c->b, pairs, last, 1);
    return z;
}
