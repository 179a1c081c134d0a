/* Writing where a mask says. The shape of what a mask picks depends on data, that of
 * what is written to does not: values that are one for all, or as many as there are
 * positions, or in the order of the positions. */
#include "aten/rows/positions/mask.h"

#include <string.h>

#include "aten/control/statement.h"
#include "aten/rows/steps.h"
#include "aten/selection.h"

/* ---- x[mask] = values ---- */

static bool is_mask(tdagi_env *env, tdagi_any v)
{
    if (v.kind != TDAGI_ANY_TENSOR) return false;
    tdag_dtype d = tdagi_cell_dtype(env, v.u.tensor);
    return d == TDAG_BOOL || d == TDAG_U8; /* as PyTorch had it before it had bool */
}

bool tdagi_arg_masking(tdagi_call *c, tdag_value x, tdagi_masking *out)
{
    tdagi_any list = tdagi_arg(c, "indices");
    if (!tdagi_any_is_seq(list)) return false;
    uint32_t n = 0, rank = tdagi_rank(c, x);
    const tdagi_seq *s = list.u.seq;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->v[i].kind == TDAGI_ANY_NONE) continue;
        if (n++ > 0 || !is_mask(c->env, s->v[i])) return false;
        out->axis = i;
        out->mask = tdagi_cell_read(c->env, s->v[i].u.tensor);
    }
    if (n == 0 || out->mask.id == 0) return false;
    out->mask = tdagi_cast(c->b, out->mask, TDAG_BOOL);
    if (out->axis + tdagi_rank(c, out->mask) > rank) return false;
    for (uint32_t i = 0; i < tdagi_rank(c, out->mask); i++)
        if (tdagi_dim(c, x, out->axis + i) != tdagi_dim(c, out->mask, i)) return false;
    return true;
}

/* Where each position of a mask, row by row, stands among those that are true. */
static tdag_value order_of(tdagi_call *c, tdag_value mask)
{
    tdag_value flat = tdagi_cast(c->b, step_flat(c, mask), TDAG_I64);
    tdag_value at =
        tdagi_add_scalar(c->b, tdag_scan(c->b, flat, TDAG_REDUCE_SUM, 0), -1);
    return step_max(c, at, tdag_add_scalar(c->b, TDAG_I64, 0));
}

/* There may be none, and there has to be one for the positions that are not true. */
static tdag_value with_one_more(tdagi_call *c, tdag_value values, uint32_t at)
{
    uint32_t rank = tdagi_rank(c, values);
    tdag_dim shape[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, values), rank * sizeof(*shape));
    shape[at] = 1;
    const tdag_value parts[2] = {
        values, tdagi_full(c->b, tdagi_dtype(c, values), rank, shape, 0)};
    return tdagi_concat(c->b, parts, 2, at);
}

/* [lead..., K, rest...], a slice of axis `at` for each position that is true, as
 * [lead..., mask..., rest...] */
static tdag_value in_order(tdagi_call *c, tdag_value values, uint32_t at,
                           tdag_value mask)
{
    uint32_t n = 0, rank = tdagi_rank(c, values);
    tdag_dim shape[2 * TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        if (i != at)
            shape[n++] = tdagi_dim(c, values, i);
        else
            for (uint32_t k = 0; k < tdagi_rank(c, mask); k++)
                shape[n++] = tdagi_dim(c, mask, k);
    }
    if (tdagi_is_found(c->env, tdagi_dim(c, values, at)))
        values = with_one_more(c, values, at);
    const tdag_value in[2] = {values, order_of(c, mask)};
    const tdagi_axis_spec s = {at};
    if (in[1].id == 0) return TDAG_NO_VALUE;
    return tdagi_reshape(c->b, tdagi_lower(c->b, TDAGI_INDEX_SELECT, in, 2, &s), n,
                         shape);
}

/* [lead..., 1, rest...] with an axis of 1 for each of the mask's */
static tdag_value one_for_all(tdagi_call *c, tdag_value values, uint32_t at,
                              uint32_t mask_rank)
{
    tdag_dim shape[2 * TDAG_MAX_RANK];
    uint32_t n = 0, rank = tdagi_rank(c, values);
    for (uint32_t i = 0; i < rank; i++) {
        if (i != at)
            shape[n++] = tdagi_dim(c, values, i);
        else
            for (uint32_t k = 0; k < mask_rank; k++)
                shape[n++] = 1;
    }
    return tdagi_reshape(c->b, values, n, shape);
}

/* `values` of x[:, mask] so that they broadcast to x. */
static tdag_value to_positions(tdagi_call *c, tdag_value x, const tdagi_masking *m,
                               tdag_value values)
{
    uint32_t rank = tdagi_rank(c, values), mask_rank = tdagi_rank(c, m->mask);
    uint32_t rest = tdagi_rank(c, x) - m->axis - mask_rank;
    if (rank <= rest || c->data == 1) return values;
    uint32_t at = rank - rest - 1; /* of the axis of picked positions */
    return tdagi_dim(c, values, at) == 1 ? one_for_all(c, values, at, mask_rank)
                                         : in_order(c, values, at, m->mask);
}

tdagi_any tdagi_put_masked(tdagi_call *c, tdag_value x, const tdagi_masking *m)
{
    bool add = tdagi_arg_bool(c, "accumulate", false);
    tdag_value v = tdagi_cast(c->b, tdagi_arg_tensor(c, "values"), tdagi_dtype(c, x));
    if (c->bad) return tdagi_any_poison();
    v = to_positions(c, x, m, v);
    if (add) v = tdagi_add(c->b, x, v); /* each position is written once */
    tdag_value mask = m->mask;
    for (uint32_t r = m->axis + tdagi_rank(c, mask); r < tdagi_rank(c, x); r++)
        mask = tdagi_unsqueeze1(c->b, mask, r - m->axis);
    return tdagi_result(c, tdag_where(c->b, mask, v, x));
}

/* ---- y[mask] ---- */

tdagi_any tdagi_selection_like(tdagi_call *c, tdagi_selection is,
                               const tdagi_issue *issue)
{
    tdagi_any out = tdagi_any_poison();
    tdagi_selection *s = tdagi_env_alloc(c->env, sizeof(*s));
    tdagi_issue *copy = tdagi_env_alloc(c->env, sizeof(*copy));
    if (s == NULL || copy == NULL || issue == NULL) return out;
    *s = is;
    *copy = *issue;
    copy->selection = s;
    s->next = c->env->selections;
    c->env->selections = s;
    out.u.issue = copy;
    return out;
}

tdagi_any tdagi_selection_new(tdagi_call *c, tdag_value full, tdag_value mask,
                              uint32_t axis)
{
    tdagi_any issue = tdagi_env_issue_if_used(
        c->env, "%s with a mask, whose shape depends on tensor data", c->schema->name);
    return tdagi_selection_like(
        c, (tdagi_selection){.full = full, .mask = mask, .axis = axis}, issue.u.issue);
}

/* ---- operators with a mask ---- */

tdagi_any tdagi_aten_masked_fill(tdagi_call *c)
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "self"),
                        tdagi_cast(c->b, tdagi_arg_tensor(c, "mask"), TDAG_BOOL)};
    tdagi_any value = tdagi_arg(c, "value");
    if (c->bad) return tdagi_any_poison();
    value = tdagi_any_known(value);
    int64_t i;
    if (!tdagi_any_is_open(c->env, value) &&
        (value.kind == TDAGI_ANY_FLOAT || tdagi_any_const_int(c->env, value, &i))) {
        tdagi_scalar_spec s = {tdagi_any_sample(c->env, value)};
        tdagi_match_broadcast(c, 2, in);
        return tdagi_result(c, tdagi_lower(c->b, TDAGI_MASKED_FILL, in, 2, &s));
    }
    tdag_value v = tdagi_as(c, value, tdagi_dtype(c, in[0]));
    if (c->bad) return tdagi_any_poison();
    tdagi_match_broadcast(c, 2, in);
    return tdagi_result(c, tdag_where(c->b, in[1], v, in[0]));
}

/* The elements of source in order, where the mask is true. */
tdagi_any tdagi_aten_masked_scatter(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), mask = tdagi_arg_tensor(c, "mask");
    tdag_value source = tdagi_arg_tensor(c, "source");
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim shape[TDAG_MAX_RANK];
    memcpy(shape, tdagi_shape(c, x), rank * sizeof(*shape));
    mask = tdagi_expand(c->b, mask, rank, shape);
    tdag_value y = in_order(c, step_flat(c, source), 0, mask);
    return tdagi_result(
        c, tdag_where(c->b, mask, tdagi_cast(c->b, y, tdagi_dtype(c, x)), x));
}
