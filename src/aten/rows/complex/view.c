/* Complex tensors made of real ones and seen as such. */
#include "aten/rows/complex/pair.h"

static tdagi_any refuse_half(tdagi_call *c)
{
    c->bad = true;
    return tdagi_env_issue(c->env, "%s: complex numbers of half precision",
                           tdagi_schema_name(c->env, c->schema));
}

static bool is_wide(tdagi_call *c, tdagi_cell *t)
{
    tdag_dtype d = tdagi_cell_dtype(c->env, t);
    return d == TDAG_F32 || d == TDAG_F64;
}

tdagi_any tdagi_aten_view_as_complex(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    if (!is_wide(c, t)) return refuse_half(c);
    uint32_t rank = tdagi_cell_rank(c->env, t);
    if (rank == 0 || tdagi_cell_dim(c->env, t, rank - 1) != 2)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "the last axis has to be of size 2");
    return tdagi_cell_of_pairs(c->env, t);
}

static tdagi_cell *complex_arg(tdagi_call *c)
{
    tdagi_any v = tdagi_arg(c, "self");
    if (v.kind == TDAGI_ANY_COMPLEX) return v.u.tensor;
    tdagi_refuse(c, "self");
    return NULL;
}

tdagi_any tdagi_aten_view_as_real(tdagi_call *c)
{
    tdagi_cell *t = complex_arg(c);
    return t == NULL ? tdagi_any_poison()
                     : tdagi_any_tensor(tdagi_cell_pairs(c->env, t));
}

/* The real part, or the imaginary one (row data 1), which is memory of the same. */
tdagi_any tdagi_aten_part(tdagi_call *c)
{
    tdagi_any v = tdagi_arg(c, "self");
    if (v.kind == TDAGI_ANY_COMPLEX)
        return tdagi_alias(c, c->data == 1 ? v.u.tensor->imag : v.u.tensor);
    if (c->data == 1) return tdagi_refuse(c, "self");
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    return t == NULL ? tdagi_any_poison() : tdagi_same(t);
}

/* Which halves a view negates; of a real tensor it shows the same. */
enum { NOTHING, IMAGINARY, BOTH };

static tdagi_any negated(tdagi_call *c, tdagi_any v, int which)
{
    tdagi_view_step same = {.kind = TDAGI_VIEW_ALIAS},
                    minus = {.kind = TDAGI_VIEW_NEGATIVE};
    if (v.kind != TDAGI_ANY_COMPLEX) {
        tdagi_cell *t = tdagi_arg_cell(c, "self");
        if (t == NULL) return tdagi_any_poison();
        return tdagi_view(c, t, which == BOTH ? &minus : &same);
    }
    tdagi_cell *re =
        tdagi_cell_view(c->env, v.u.tensor, which == BOTH ? &minus : &same);
    return tdagi_cell_complex(
        c->env, re,
        tdagi_cell_view(c->env, v.u.tensor->imag, which == NOTHING ? &same : &minus));
}

/* conj, whose memory is that of its argument; _neg_view (row data 1) */
tdagi_any tdagi_aten_conj(tdagi_call *c)
{
    return negated(c, tdagi_arg(c, "self"), c->data == 1 ? BOTH : IMAGINARY);
}

/* conj_physical: in memory of its own */
tdagi_any tdagi_aten_conj_physical(tdagi_call *c)
{
    return tdagi_result(c, tdagi_arg_tensor(c, "self"));
}

tdagi_any tdagi_pairs_conj_physical(tdagi_call *c)
{
    tdagi_pair z = tdagi_pair_arg(c, "self");
    z.im = step_neg(c, z.im);
    return tdagi_pair_result(c, z);
}

/* The conjugate transpose: mH, matrix_H, adjoint */
tdagi_any tdagi_aten_adjoint(tdagi_call *c)
{
    tdagi_any v = tdagi_arg(c, "self");
    if (v.kind != TDAGI_ANY_COMPLEX) return tdagi_aten_t(c);
    tdagi_any t = tdagi_pairs_halves(c);
    return t.kind == TDAGI_ANY_COMPLEX ? negated(c, t, IMAGINARY) : t;
}

/* complex(real, imag) */
tdagi_any tdagi_aten_complex(tdagi_call *c)
{
    tdagi_cell *re = tdagi_arg_cell(c, "real"), *im = tdagi_arg_cell(c, "imag");
    if (re == NULL || im == NULL) return tdagi_any_poison();
    if (!is_wide(c, re)) return refuse_half(c);
    tdag_value v[2] = {tdagi_cell_read(c->env, re), tdagi_cell_read(c->env, im)};
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank;
    if (v[0].id == 0 || v[1].id == 0) return tdagi_any_poison();
    if (tdagi_dtype(c, v[0]) != tdagi_dtype(c, v[1])) return tdagi_refuse(c, "imag");
    tdagi_match_broadcast(c, 2, v);
    tdagi_broadcast_shape(c->b, v, 2, &rank, shape);
    tdagi_pair z = {tdagi_expand(c->b, v[0], rank, shape),
                    tdagi_expand(c->b, v[1], rank, shape)};
    return tdagi_pair_result(c, z);
}

/* ---- asking ---- */

tdagi_any tdagi_aten_is_complex(tdagi_call *c)
{
    return tdagi_any_bool(tdagi_is_complex(tdagi_arg(c, c->schema->args[0].name)));
}

/* Whether an odd number of views negates the imaginary half, or the real one. */
tdagi_any tdagi_aten_is_negated(tdagi_call *c)
{
    tdagi_any v = tdagi_arg(c, "self");
    bool odd[2] = {false, false};
    for (int i = 0; i < 2 && v.kind == TDAGI_ANY_COMPLEX; i++) {
        const tdagi_cell *t = i == 1 ? v.u.tensor->imag : v.u.tensor;
        for (; t->parent != NULL; t = t->parent)
            odd[i] ^= t->view.kind == TDAGI_VIEW_NEGATIVE;
    }
    return tdagi_any_bool(c->data == 1 ? odd[0] : odd[0] != odd[1]);
}

tdagi_any tdagi_pairs_dtype(tdagi_call *c)
{
    tdagi_any v = c->args[0];
    c->read |= 1;
    tdag_dtype d = tdagi_pair_type(c, 1, &v);
    return tdagi_any_int(c->env, d == TDAG_F64 ? 10 : 9);
}

tdagi_any tdagi_pairs_never(tdagi_call *c)
{
    c->read |= 1;
    return tdagi_any_bool(false);
}
