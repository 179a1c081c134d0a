/* Nested tensors of a padding mask, as a transformer encoder makes them on its fast
 * path: a padded tensor [B, S, ...] and a bool tensor [B, S], true where an element is
 * there. The elements of a row that are there are its first ones. What is not there is
 * 0 at first and then whatever the operators make of it; only to_padded_tensor() shows
 * it. */
#include "aten/aten.h"

tdagi_any tdagi_padded_result(tdagi_call *c, tdag_value x, tdag_value there)
{
    tdagi_any parts[2] = {tdagi_result(c, x), tdagi_any_none()};
    if (there.id == 0 || parts[0].kind != TDAGI_ANY_TENSOR) return parts[0];
    parts[1] = tdagi_result(c, there);
    return tdagi_any_seq(c->env, TDAGI_ANY_NESTED, 2, parts);
}

tdag_value tdagi_arg_padded(tdagi_call *c, const char *name, tdag_value *there_out)
{
    tdagi_any v = tdagi_arg(c, name);
    *there_out = TDAG_NO_VALUE;
    if (v.kind != TDAGI_ANY_NESTED) return tdagi_arg_tensor(c, name);
    *there_out = tdagi_cell_read(c->env, v.u.seq->v[1].u.tensor);
    return tdagi_cell_read(c->env, v.u.seq->v[0].u.tensor);
}

/* x where it is there, v elsewhere. */
static tdag_value filled(tdagi_call *c, tdag_value x, tdag_value there, double v)
{
    for (uint32_t r = 2; r < tdagi_rank(c, x); r++)
        there = tdagi_unsqueeze1(c->b, there, r);
    return x.id == 0 ? x
                     : tdag_where(c->b, there, x,
                                  tdag_add_scalar(c->b, tdagi_dtype(c, x), v));
}

/* [B]: how many elements of each row are there */
static tdag_value lengths(tdagi_call *c, tdag_value mask)
{
    int64_t last = 1;
    return tdagi_reduce_keep(c->b, tdagi_cast(c->b, mask, TDAG_I64), TDAG_REDUCE_SUM,
                             (tdag_list){1, &last}, true);
}

/* [B, S]: the first elements of each row, as many as are there */
static tdag_value left_aligned(tdagi_call *c, tdag_value mask)
{
    tdag_value n = lengths(c, mask);
    if (n.id == 0) return n;
    return tdag_binary(c->b, TDAG_OP_LESS,
                       tdag_iota(c->b, tdagi_dim(c, mask, 1), TDAG_I64), n);
}

tdagi_any tdagi_aten_nested_from_mask(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "t"), mask = tdagi_arg_tensor(c, "mask");
    if (c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, mask) != 2 || tdagi_dtype(c, mask) != TDAG_BOOL)
        return tdagi_refuse(c, "mask");
    if (tdagi_rank(c, x) != 3) return tdagi_refuse(c, "t");
    mask = left_aligned(c, mask);
    return tdagi_padded_result(c, filled(c, x, mask, 0), mask);
}

/* A number that depends on data: whether the elements that are there are the first ones
 * of each row. */
tdagi_any tdagi_aten_is_left_aligned(tdagi_call *c)
{
    tdag_value mask = tdagi_arg_tensor(c, "mask");
    tdagi_ignore(c, "t");
    if (c->bad || tdagi_rank(c, mask) != 2) return tdagi_refuse(c, "mask");
    tdag_value same = tdag_binary(c->b, TDAG_OP_EQUAL, mask, left_aligned(c, mask));
    same = tdagi_reduce_keep(c->b, same, TDAG_REDUCE_MIN, TDAG_LIST(0, 1), false);
    tdagi_any v = tdagi_result(c, same);
    if (v.kind == TDAGI_ANY_TENSOR) {
        v.kind = TDAGI_ANY_DATA;
        v.letter = 'b';
    }
    return v;
}

/* Where no size is given, PyTorch pads to the longest row and we to that of the padded
 * tensor, which a batch has in which one row is full. */
tdagi_any tdagi_aten_to_padded(tdagi_call *c)
{
    tdag_value there, x = tdagi_arg_padded(c, "self", &there);
    double padding = tdagi_arg_float(c, "padding", 0);
    tdag_list size = tdagi_arg_dims(c, "output_size");
    if (c->bad) return tdagi_any_poison();
    if (there.id == 0) return tdagi_refuse(c, "self");
    if (size.n > 0 && !tdagi_same_shape(c, x, (uint32_t)size.n, size.v)) {
        c->bad = true;
        return tdagi_env_issue(c->env,
                               "%s to a size other than that of the padded tensor",
                               tdagi_schema_name(c->env, c->schema));
    }
    return tdagi_result(c, filled(c, x, there, padding));
}

tdagi_any tdagi_aten_is_nested(tdagi_call *c)
{
    return tdagi_any_bool(tdagi_arg(c, "a").kind == TDAGI_ANY_NESTED);
}
