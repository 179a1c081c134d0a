/* Orthogonal polynomials by their recurrences, written out to the degree. */
#include <math.h>

#include "aten/rows/steps.h"

#define MOST_DEGREE                                                                    \
    128 /* of a known degree; Hermite's are NaN beyond it in PyTorch, too */
#define MOST_OPEN 64 /* of one that is data */

/* The polynomial of degree k + 1 from those of k and k - 1. */
static tdag_value next(tdagi_call *c, int64_t k, tdag_value x, tdag_value p,
                       tdag_value q)
{
    bool divides = c->data == 'l' || c->data == 'p';
    double by_x = c->data == 'h' ? 2 : c->data == 'p' ? (double)(2 * k + 1) : 1;
    tdag_value factor = tdagi_mul_scalar(c->b, x, c->data == 'l' ? -1 : by_x);
    if (c->data == 'l') factor = tdagi_add_scalar(c->b, factor, (double)(2 * k + 1));
    p = tdagi_mul(c->b, factor, p);
    if (k > 0) {
        double by_q = (double)(c->data == 'h' ? -2 * k : -k);
        p = tdagi_add(c->b, p, tdagi_mul_scalar(c->b, q, by_q));
    }
    return divides ? tdagi_div(c->b, p, step_number(c, p, (double)(k + 1))) : p;
}

/* Where n is k the k-th; 0 below zero, NaN above the last. */
static tdag_value by_degree(tdagi_call *c, tdag_value x, tdag_value n, int64_t last)
{
    tdag_value zero = tdagi_full_like(c->b, x, 0), q = zero;
    tdag_value p = tdagi_full_like(c->b, x, 1);
    tdag_value r = step_where(c, step_less(c, n, zero), zero, step_number(c, x, NAN));
    for (int64_t k = 0; k <= last; k++) {
        r = step_where(c, step_equal(c, n, step_number(c, x, (double)k)), p, r);
        tdag_value more = next(c, k, x, p, q);
        q = p;
        p = more;
    }
    return r;
}

/* special_*_polynomial_*(x, n): row data 'h' Hermite, 'e' Hermite's of probability, 'l'
 * Laguerre, 'p' Legendre. In f64, as neighbours cancel. */
tdagi_any tdagi_aten_polynomial(tdagi_call *c)
{
    tdag_value x, n;
    tdagi_any degree = tdagi_any_known(tdagi_arg(c, "n"));
    tdag_dtype d = step_float_pair(c, "x", "n", &x, &n);
    if (c->bad) return tdagi_any_poison();
    int64_t last = MOST_OPEN;
    if (tdagi_any_is_number(degree) && !tdagi_any_is_open(c->env, degree))
        last =
            (int64_t)fmax(-1, fmin(tdagi_any_sample(c->env, degree), MOST_DEGREE + 1));
    if (last > MOST_DEGREE) return tdagi_refuse(c, "n");
    x = tdagi_cast(c->b, x, TDAG_F64);
    n = step_one(c, TDAGI_TRUNC, tdagi_cast(c->b, n, TDAG_F64));
    return tdagi_result(c, tdagi_cast(c->b, by_degree(c, x, n, last), d));
}

/* Chebyshev's, which are formulas; row data: the composite */
tdagi_any tdagi_aten_chebyshev(tdagi_call *c)
{
    tdag_value in[2];
    step_float_pair(c, "x", "n", &in[0], &in[1]);
    if (c->bad) return tdagi_any_poison();
    return tdagi_result(c, tdagi_lower(c->b, (tdagi_composite)c->data, in, 2, NULL));
}
