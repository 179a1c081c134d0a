/* Powers of complex numbers. */
#include "aten/rows/complex/pair.h"

#include <math.h>

static tdagi_pair whole_power(tdagi_call *c, tdagi_pair x, int64_t n)
{
    tdagi_pair z = tdagi_pair_number(c, x.re, 1, 0);
    bool is_one = true;
    for (int64_t left = n < 0 ? -n : n; left > 0; left >>= 1) {
        if ((left & 1) != 0) {
            z = is_one ? x : tdagi_pair_mul(c, z, x);
            is_one = false;
        }
        if (left > 1) x = tdagi_pair_mul(c, x, x);
    }
    if (n == 0) z.re = tdagi_full_like(c->b, x.re, 1);
    return n < 0 ? tdagi_pair_div(c, tdagi_pair_number(c, x.re, 1, 0), z) : z;
}

tdagi_any tdagi_pairs_pow(tdagi_call *c)
{
    tdagi_any v[2] = {c->args[0], tdagi_any_known(c->args[1])};
    c->read |= 3;
    tdag_dtype d = c->data == 1 ? TDAG_F64 : tdagi_pair_type(c, 2, v);
    tdagi_pair x = tdagi_pair_as(c, v[0], d), y = tdagi_pair_as(c, v[1], d);
    if (c->bad) return tdagi_any_poison();
    double e = tdagi_any_is_number(v[1]) && !tdagi_any_is_open(c->env, v[1])
                   ? tdagi_any_sample(c->env, v[1])
                   : 0.25;
    if (e == nearbyint(e) && fabs(e) <= 64)
        return tdagi_pair_result(c, whole_power(c, x, (int64_t)e));
    if (e == 0.5) return tdagi_pair_result(c, tdagi_pair_sqrt(c, x));
    tdagi_pair_match(c, &x, &y);
    x = tdagi_pair_mul(c, tdagi_pair_log(c, x), y);
    return tdagi_pair_result(c, tdagi_pair_exp(c, x));
}
