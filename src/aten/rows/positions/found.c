/* Operators whose results have sizes that data decides: statements, and graphs of what
 * these find. */
#include "aten/rows/positions/found.h"

#include "aten/control/statement.h"
#include "aten/rows/steps.h"
#include "base/number_text.h"

tdag_dim tdagi_numel(tdagi_env *env, tdag_value v)
{
    return tdagi_dim_product(env->pool, tdag_builder_get_rank(env->b, v),
                             tdag_builder_get_shape(env->b, v));
}

/* Applies what finds one size, which stands as TDAGI_DIM_OPEN in the types. */
static bool apply(tdagi_env *env, const tdagi_applied *a, tdag_dim most,
                  tdagi_type *types, tdag_value *out)
{
    if (tdagi_apply_again(env, a, out)) return true;
    if (env->outline == NULL) {
        tdagi_apply_add(env, a, types, NULL, 0, out);
        return false;
    }
    const tdagi_outline_binding b = {tdagi_found_symbol(env, "found", most), most};
    for (uint32_t i = 0; i < a->n_results; i++)
        for (uint32_t k = 0; k < types[i].rank; k++)
            if (types[i].shape[k] == TDAGI_DIM_OPEN) types[i].shape[k] = b.symbol;
    tdagi_apply_add(env, a, types, &b, 1, out);
    return out[0].id != 0;
}

/* i64[K,rank] */
static tdag_value nonzero(tdagi_env *env, tdag_value x)
{
    tdag_value v = TDAG_NO_VALUE;
    if (x.id == 0 || !tdagi_env_ok(env)) return v;
    const tdagi_applied a = {.name = "nonzero",
                             .arguments = "",
                             .inputs = &x,
                             .n_inputs = 1,
                             .n_results = 1};
    tdagi_type type = {TDAG_I64, 2, {TDAGI_DIM_OPEN, tdag_builder_get_rank(env->b, x)}};
    apply(env, &a, tdagi_numel(env, x), &type, &v);
    return v;
}

tdag_value tdagi_positions_of(tdagi_env *env, tdag_value mask)
{
    if (mask.id == 0) return mask;
    const tdag_dim n = tdagi_numel(env, mask);
    if (tdag_builder_get_rank(env->b, mask) != 1)
        mask = tdagi_reshape(env->b, mask, 1, &n);
    tdag_value v = nonzero(env, mask);
    return v.id == 0 ? v : tdag_squeeze(env->b, v, (tdag_list){1, (int64_t[]){1}});
}

/* A vector of positions for each axis. */
static uint32_t columns(tdagi_env *env, tdag_value mask, tdag_value *out)
{
    uint32_t rank = tdag_builder_get_rank(env->b, mask);
    tdag_value v = nonzero(env, mask);
    for (uint32_t i = 0; i < rank; i++)
        out[i] = v.id == 0 ? v : tdagi_select1(env->b, v, 1, i);
    return v.id == 0 ? 0 : rank;
}

tdagi_any tdagi_without_masks(tdagi_call *c, tdagi_any indices)
{
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < indices.u.seq->n && tdagi_any_is_seq(out); i++) {
        tdagi_any v = indices.u.seq->v[i];
        tdag_dtype d = v.kind == TDAGI_ANY_TENSOR ? tdagi_cell_dtype(c->env, v.u.tensor)
                                                  : TDAG_I64;
        tdag_value at[TDAG_MAX_RANK];
        if (d != TDAG_BOOL && d != TDAG_U8) {
            tdagi_seq_append(c->env, out.u.seq, v);
            continue;
        }
        uint32_t n = columns(c->env, tdagi_cell_read(c->env, v.u.tensor), at);
        for (uint32_t k = 0; k < n; k++)
            tdagi_seq_append(c->env, out.u.seq, tdagi_result(c, at[k]));
        c->bad |= n == 0;
    }
    return out;
}

/* ---- operators ---- */

tdagi_any tdagi_aten_nonzero(tdagi_call *c) /* row data 1: a vector for each axis */
{
    tdag_value x = tdagi_arg_tensor(c, c->schema->args[0].name), at[TDAG_MAX_RANK];
    if (c->bad) return tdagi_any_poison();
    if (c->data == 0) return tdagi_result(c, nonzero(c->env, x));
    if (tdagi_rank(c, x) == 0) x = tdagi_unsqueeze1(c->b, x, 0);
    uint32_t n = columns(c->env, x, at);
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < n && tdagi_any_is_seq(out); i++)
        tdagi_seq_append(c->env, out.u.seq, tdagi_result(c, at[i]));
    return n == 0 ? tdagi_any_poison() : out;
}

tdagi_any tdagi_aten_masked_select(tdagi_call *c)
{
    tdag_value v[2] = {tdagi_arg_tensor(c, "self"), tdagi_arg_tensor(c, "mask")};
    uint32_t rank;
    tdag_dim shape[TDAG_MAX_RANK];
    if (c->bad) return tdagi_any_poison();
    tdagi_match_broadcast(c, 2, v);
    tdagi_broadcast_shape(c->b, v, 2, &rank, shape);
    for (int i = 0; i < 2 && v[i].id != 0; i++)
        v[i] = step_flat(c, tdagi_expand(c->b, v[i], rank, shape));
    v[1] = tdagi_positions_of(c->env, v[1]);
    if (v[0].id == 0 || v[1].id == 0) return tdagi_any_poison();
    const tdagi_axis_spec s = {0};
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_INDEX_SELECT, v, 2, &s));
}

/* Values, where each element is among them, and how often; row data 1: of neighbours.
 */
tdagi_any tdagi_aten_unique(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), out[3];
    tdagi_ignore(c, "sorted"); /* they are in any case */
    tdagi_ignore(c, "return_inverse");
    tdagi_ignore(c, "return_counts");
    if (c->bad) return tdagi_any_poison();
    if (tdagi_has(c, "dim") && tdagi_rank(c, x) != 1) return tdagi_refuse(c, "dim");
    tdagi_ignore(c, "dim");
    const tdagi_applied a = {.name = c->data == 1 ? "unique_consecutive" : "unique",
                             .arguments = "",
                             .inputs = &x,
                             .n_inputs = 1,
                             .n_results = 3};
    tdagi_type types[3] = {{tdagi_dtype(c, x), 1, {TDAGI_DIM_OPEN}},
                           {TDAG_I64, tdagi_rank(c, x), {0}},
                           {TDAG_I64, 1, {TDAGI_DIM_OPEN}}};
    for (uint32_t i = 0; i < types[1].rank; i++)
        types[1].shape[i] = tdagi_shape(c, x)[i];
    if (!apply(c->env, &a, tdagi_numel(c->env, x), types, out))
        return tdagi_any_poison();
    return tdagi_first_results(c, 3, out);
}

tdagi_any tdagi_aten_bincount(tdagi_call *c)
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "self"), tdagi_arg_optional(c, "weights")};
    int64_t least = tdagi_arg_int(c, "minlength", 0);
    tdag_value out;
    if (c->bad) return tdagi_any_poison();
    tdagi_type type = {TDAG_I64, 1, {TDAGI_DIM_OPEN}};
    if (in[1].id != 0)
        type.dtype = tdagi_dtype(c, in[1]) == TDAG_F32 ? TDAG_F32 : TDAG_F64;
    const char *text =
        least > 0 ? tdagi_env_text(c->env, "minlength=%lld", (long long)least) : "";
    const tdagi_applied a = {.name = "bincount",
                             .arguments = text,
                             .inputs = in,
                             .n_inputs = in[1].id == 0 ? 1 : 2,
                             .n_results = 1};
    return apply(c->env, &a, TDAGI_DIM_BAD, &type, &out) ? tdagi_result(c, out)
                                                         : tdagi_any_poison();
}

tdagi_any tdagi_repeated(tdagi_call *c, tdag_value x, tdag_value repeats)
{
    uint32_t axis = 0;
    tdag_value at;
    if (x.id != 0 && tdagi_has(c, "dim"))
        axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x));
    else if (x.id != 0)
        x = step_flat(c, x);
    tdag_dim n = x.id == 0 ? tdagi_numel(c->env, repeats) : tdagi_dim(c, x, axis);
    if (c->bad || repeats.id == 0) return tdagi_any_poison();
    repeats = tdagi_expand(c->b, repeats, 1, &n);
    const tdagi_applied a = {.name = "repeat_interleave",
                             .arguments = "",
                             .inputs = &repeats,
                             .n_inputs = 1,
                             .n_results = 1};
    tdagi_type type = {tdagi_dtype(c, repeats), 1, {TDAGI_DIM_OPEN}};
    if (!apply(c->env, &a, TDAGI_DIM_BAD, &type, &at)) return tdagi_any_poison();
    if (x.id == 0) return tdagi_result(c, at);
    const tdag_value in[2] = {x, tdagi_cast(c->b, at, TDAG_I64)};
    const tdagi_axis_spec s = {axis};
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_INDEX_SELECT, in, 2, &s));
}

/* torchvision's: the boxes that no better one overlaps too much. */
tdagi_any tdagi_aten_nms(tdagi_call *c)
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "dets"), tdagi_arg_tensor(c, "scores")};
    double most = tdagi_arg_float(c, "iou_threshold", 0.5);
    tdag_value out;
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_literal(most, digits);
    if (c->bad || tdagi_rank(c, in[1]) != 1) return tdagi_refuse(c, "scores");
    tdagi_type type = {TDAG_I64, 1, {TDAGI_DIM_OPEN}};
    const tdagi_applied a = {.name = "torchvision::nms",
                             .arguments =
                                 tdagi_env_text(c->env, "iou_threshold=%s", digits),
                             .inputs = in,
                             .n_inputs = 2,
                             .n_results = 1};
    return apply(c->env, &a, tdagi_dim(c, in[1], 0), &type, &out) ? tdagi_result(c, out)
                                                                  : tdagi_any_poison();
}
