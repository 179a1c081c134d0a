/* Dtypes of tensors, and what else can be asked of one. */
#include <math.h>

#include "aten/aten.h"

/* ---- dtypes ---- */

/* The tensor in another dtype; itself where it has it already. */
static tdagi_any convert(tdagi_call *c, tdagi_cell *t, tdag_dtype d, bool copy)
{
    tdagi_env *env = c->env;
    if (d == TDAG_DTYPE_NONE || d == tdagi_cell_dtype(env, t)) {
        if (!copy) return tdagi_same(t);
        const tdagi_any *known = tdagi_cell_number(t);
        if (known != NULL)
            return tdagi_any_tensor(
                tdagi_cell_known(env, tdagi_cell_dtype(env, t), *known));
        return tdagi_result(c, tdagi_cell_read(env, t));
    }
    const tdagi_any *known = tdagi_cell_number(t);
    tdagi_any out, v;
    int64_t i = 0;
    if (known != NULL && !known->assumed) {
        v = *known;
        bool is_const = v.kind == TDAGI_ANY_FLOAT || tdagi_any_const_int(env, v, &i);
        if (d == TDAG_I64 && v.kind == TDAGI_ANY_FLOAT && fabs(v.u.f) < 9e18)
            v = tdagi_any_int(env, (int64_t)v.u.f);
        else if (d == TDAG_I64 && v.kind == TDAGI_ANY_BOOL)
            v = tdagi_any_int(env, i);
        else if (d == TDAG_BOOL && is_const)
            v = tdagi_any_bool(tdagi_any_sample(env, v) != 0);
        if (tdagi_known_result(c, v, d, &out)) return out;
        if (d == TDAG_I32 && v.kind == TDAGI_ANY_INT) /* sizes as int32 */
            return tdagi_any_tensor(tdagi_cell_known(env, d, v));
    }
    return tdagi_result(c, tdagi_cast(c->b, tdagi_cell_read(env, t), d));
}

tdagi_any tdagi_aten_to(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    bool copy = tdagi_arg_bool(c, "copy", false);
    tdag_dtype d = TDAG_DTYPE_NONE;
    if (tdagi_has(c, "other")) {
        tdagi_cell *other = tdagi_arg_cell(c, "other");
        if (other != NULL) d = tdagi_cell_dtype(c->env, other);
    } else {
        d = tdagi_arg_dtype(c, "dtype");
    }
    if (c->bad) return tdagi_any_poison();
    return convert(c, t, d, copy);
}

tdagi_any tdagi_aten_cast_to(tdagi_call *c) /* row data: the dtype */
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    return t == NULL ? tdagi_any_poison() : convert(c, t, (tdag_dtype)c->data, false);
}

/* ---- what a tensor is ---- */

/* A tensor, or the padded one of a nested tensor: dtype and rank are the same. NULL: an
 * issue was noted. */
static tdagi_cell *first_tensor(tdagi_call *c)
{
    if (c->n > 0 && c->args[0].kind == TDAGI_ANY_NESTED) {
        c->read |= 1;
        return c->args[0].u.seq->v[0].u.tensor;
    }
    return tdagi_arg_cell(c, c->schema->args[0].name);
}

tdagi_any tdagi_aten_prim_dtype(tdagi_call *c)
{
    tdagi_cell *t = first_tensor(c);
    if (t == NULL) return tdagi_any_poison();
    tdag_dtype d = tdagi_cell_dtype(c->env, t);
    return tdagi_any_int(c->env, tdagi_scalar_type_of_dtype(d));
}

tdagi_any tdagi_aten_prim_device(tdagi_call *c)
{
    c->read |= 1;
    return (tdagi_any){.kind = TDAGI_ANY_DEVICE, .u.s = "cpu"};
}

tdagi_any tdagi_aten_prim_type(tdagi_call *c) /* of a device */
{
    c->read |= 1;
    return tdagi_any_string("cpu");
}

tdagi_any tdagi_aten_is_floating_point(tdagi_call *c)
{
    tdagi_cell *t = first_tensor(c);
    if (t == NULL) return tdagi_any_poison();
    return tdagi_any_bool(tdag_dtype_is_float(tdagi_cell_dtype(c->env, t)));
}

tdagi_any tdagi_aten_size(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    if (tdagi_has(c, "dim")) {
        uint32_t axis = tdagi_arg_axis(c, "dim", rank);
        if (rank == 0)
            tdagi_call_fail(c, TDAG_E_SHAPE, "a tensor of rank 0 has no sizes");
        return c->bad ? tdagi_any_poison()
                      : tdagi_any_dim(tdagi_cell_dim(c->env, t, axis));
    }
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < rank && out.kind == TDAGI_ANY_LIST; i++)
        tdagi_seq_append(c->env, out.u.seq,
                         tdagi_any_dim(tdagi_cell_dim(c->env, t, i)));
    return out;
}

tdagi_any tdagi_aten_rank(tdagi_call *c)
{
    tdagi_cell *t = first_tensor(c);
    return t == NULL ? tdagi_any_poison()
                     : tdagi_any_int(c->env, tdagi_cell_rank(c->env, t));
}

tdagi_any tdagi_aten_numel(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, c->schema->args[0].name);
    if (t == NULL) return tdagi_any_poison();
    return tdagi_any_dim(tdagi_dim_product(c->env->pool, tdagi_cell_rank(c->env, t),
                                           tdagi_cell_shape(c->env, t)));
}

tdagi_any tdagi_aten_is_contiguous(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    return t == NULL ? tdagi_any_poison()
                     : tdagi_any_bool(tdagi_cell_is_contiguous(c->env, t));
}
