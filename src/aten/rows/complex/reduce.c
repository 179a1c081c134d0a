/* Reductions of complex tensors, and rows that are linear under a condition. */
#include "aten/rows/complex/pair.h"

#include <string.h>

static tdagi_any refuse_self(tdagi_call *c)
{
    return tdagi_refuse(c, c->schema->n_args > 0 ? c->schema->args[0].name : "self");
}

/* ---- linear but for an argument ---- */

tdagi_any tdagi_pairs_scatter(tdagi_call *c) /* sums, no products */
{
    if (tdagi_has(c, "reduce")) return tdagi_refuse(c, "reduce");
    return tdagi_pairs_halves(c);
}

tdagi_any tdagi_pairs_lerp(tdagi_call *c)
{
    if (tdagi_is_complex(tdagi_arg(c, "weight"))) return tdagi_refuse(c, "weight");
    return tdagi_pairs_halves(c);
}

tdagi_any tdagi_pairs_scan(tdagi_call *c)
{
    return c->data == TDAG_REDUCE_SUM ? tdagi_pairs_halves(c) : refuse_self(c);
}

/* ---- products ---- */

static tdagi_pair range(tdagi_call *c, tdagi_pair z, uint32_t axis, int64_t from,
                        int64_t to)
{
    return (tdagi_pair){tdagi_slice_below(c->b, z.re, axis, from, to),
                        tdagi_slice_below(c->b, z.im, axis, from, to)};
}

/* One half of the axis times the other, until one place is left. */
static tdagi_pair product_along(tdagi_call *c, tdagi_pair z, uint32_t axis)
{
    int64_t n = 0;
    if (!tdagi_dim_is_const(c->env->pool, tdagi_dim(c, z.re, axis), &n) || n == 0) {
        refuse_self(c);
        return z;
    }
    for (; n > 1; n = (n + 1) / 2) {
        tdagi_pair rest = range(c, z, axis, n - n % 2, n);
        tdagi_pair x = range(c, z, axis, 0, n / 2),
                   y = range(c, z, axis, n / 2, n - n % 2);
        z = tdagi_pair_mul(c, x, y);
        if (n % 2 == 0) continue;
        z.re = tdagi_concat(c->b, (tdag_value[]){z.re, rest.re}, 2, axis);
        z.im = tdagi_concat(c->b, (tdag_value[]){z.im, rest.im}, 2, axis);
    }
    return z;
}

static tdagi_any product(tdagi_call *c)
{
    tdagi_pair z = tdagi_pair_arg(c, "self");
    bool has_axis = tdagi_has(c, "dim"), keep = tdagi_arg_bool(c, "keepdim", false);
    tdagi_ignore(c, "dtype");
    if (c->bad || z.im.id == 0) return refuse_self(c);
    if (!has_axis) {
        z.re = step_flat(c, z.re);
        z.im = step_flat(c, z.im);
    }
    uint32_t axis = has_axis ? tdagi_arg_axis(c, "dim", tdagi_rank(c, z.re)) : 0;
    if (c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, z.re) == 0) return tdagi_pair_result(c, z);
    z = product_along(c, z, axis);
    if (keep && has_axis) return tdagi_pair_result(c, z);
    z.re = tdagi_squeeze1(c->b, z.re, axis);
    z.im = tdagi_squeeze1(c->b, z.im, axis);
    return tdagi_pair_result(c, z);
}

tdagi_any tdagi_pairs_reduce(tdagi_call *c)
{
    if (c->data == TDAG_REDUCE_PRODUCT) return product(c);
    bool is = c->data == TDAG_REDUCE_SUM || c->data == TDAG_REDUCE_MEAN;
    return is ? tdagi_pairs_halves(c) : refuse_self(c);
}

/* ---- by magnitudes ---- */

static tdagi_any with_self(tdagi_call *c, tdag_value self)
{
    tdagi_any *args = tdagi_env_alloc(c->env, c->n * sizeof(*args));
    if (args == NULL || c->bad) return tdagi_any_poison();
    memcpy(args, c->args, c->n * sizeof(*args));
    args[0] = tdagi_result(c, self);
    c->args = args;
    return c->row->fn(c);
}

tdagi_any tdagi_pairs_norm(tdagi_call *c)
{
    return with_self(c, tdagi_pair_abs(c, tdagi_pair_arg(c, "self")));
}

/* The variance is that of both parts together. */
tdagi_any tdagi_pairs_var(tdagi_call *c)
{
    tdagi_pair z = tdagi_pair_arg(c, "self");
    if (c->data > 1 || c->bad) return refuse_self(c);
    bool root = c->data == 1;
    tdagi_call var = *c;
    var.data = 0;
    tdagi_any re = with_self(&var, z.re), im = with_self(&var, z.im);
    c->read = var.read;
    c->bad = var.bad || re.kind != TDAGI_ANY_TENSOR || im.kind != TDAGI_ANY_TENSOR;
    if (c->bad) return tdagi_any_poison();
    tdag_value sum = tdagi_add(c->b, tdagi_cell_read(c->env, re.u.tensor),
                               tdagi_cell_read(c->env, im.u.tensor));
    return tdagi_result(c, root ? step_sqrt(c, sum) : sum);
}

/* ---- products with a conjugate ---- */

/* inner (row data 0), vdot (1), and vecdot, whose first factor is conjugated */
tdagi_any tdagi_pairs_conj_product(tdagi_call *c)
{
    tdagi_any x = c->args[0];
    bool conjugates = c->data == 1 || c->row->fn == tdagi_aten_vecdot;
    if (conjugates && x.kind == TDAGI_ANY_COMPLEX) {
        tdagi_any *args = tdagi_env_alloc(c->env, c->n * sizeof(*args));
        if (args == NULL) return tdagi_any_poison();
        memcpy(args, c->args, c->n * sizeof(*args));
        tdagi_pair z = tdagi_pair_as(c, x, tdagi_cell_dtype(c->env, x.u.tensor));
        z.im = step_neg(c, z.im);
        args[0] = tdagi_pair_result(c, z);
        c->args = args;
    }
    return tdagi_pairs_product(c);
}
