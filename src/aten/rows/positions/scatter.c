/* Reading and writing along one axis by indices. */
#include <math.h>
#include <string.h>

#include "aten/aten.h"
#include "aten/control/statement.h"

/* ---- along one axis ---- */

/* Of a tensor of rank 0, whose one element every index names. */
static tdagi_any gather_single(tdagi_call *c, tdag_value x, tdag_value index)
{
    return tdagi_result(
        c, tdagi_expand(c->b, x, tdagi_rank(c, index), tdagi_shape(c, index)));
}

/* Both broadcast to each other on all axes but one. */
static bool spread_others(tdagi_call *c, tdag_value *in, uint32_t axis)
{
    uint32_t rank = tdagi_rank(c, in[0]);
    if (tdagi_rank(c, in[1]) != rank) return false;
    for (uint32_t side = 0; side < 2; side++) {
        tdag_dim shape[TDAG_MAX_RANK];
        for (uint32_t i = 0; i < rank; i++) {
            shape[i] = tdagi_dim(c, in[side], i);
            if (i != axis && shape[i] == 1) shape[i] = tdagi_dim(c, in[1 - side], i);
        }
        in[side] = tdagi_expand(c->b, in[side], rank, shape);
        if (in[side].id == 0) return false;
    }
    return true;
}

tdagi_any tdagi_aten_gather(tdagi_call *c) /* row data 1: take_along_dim */
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "self"),
                        tdagi_arg_tensor(c, c->data == 1 ? "indices" : "index")};
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, in[0]);
    tdagi_axis_spec s = {tdagi_arg_axis(c, "dim", rank)};
    if (c->bad) return tdagi_any_poison();
    if (rank == 0) return gather_single(c, in[0], in[1]);
    if (c->data == 1 && !spread_others(c, in, (uint32_t)s.axis))
        return tdagi_refuse(c, "indices");
    return tdagi_result(c, tdagi_lower(c->b, TDAGI_TAKE_ALONG, in, 2, &s));
}

tdagi_any tdagi_aten_index_select(tdagi_call *c)
{
    tdag_value in[2] = {tdagi_arg_tensor(c, "self"), tdagi_arg_tensor(c, "index")};
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, in[0]);
    tdagi_axis_spec s = {tdagi_arg_axis(c, "dim", rank)};
    if (c->bad) return tdagi_any_poison();
    if (rank == 0) in[0] = tdagi_reshape(c->b, in[0], 1, (tdag_dim[]){1});
    tdag_value y = tdagi_lower(c->b, TDAGI_INDEX_SELECT, in, 2, &s);
    return tdagi_result(c, rank == 0 ? tdagi_reshape(c->b, y, 0, NULL) : y);
}

static tdag_value move_axis(tdagi_call *c, tdag_value x, uint32_t from, uint32_t to)
{
    int64_t order[TDAG_MAX_RANK];
    uint32_t rank = tdagi_rank(c, x), k = 0;
    if (x.id == 0 || from == to) return x;
    for (uint32_t i = 0; i < rank; i++) {
        if (k == from) k++;
        order[i] = i == to ? from : k++;
    }
    return tdag_permute(c->b, x, (tdag_list){rank, order});
}

/* Replaces the part [0, dims) of x on every axis but one by y. */
static tdag_value replace_part(tdagi_call *c, tdag_value x, tdag_value y, uint32_t skip,
                               uint32_t axis)
{
    if (x.id == 0 || y.id == 0) return TDAG_NO_VALUE;
    if (axis == tdagi_rank(c, x)) return y;
    tdag_dim n = tdagi_dim(c, y, axis);
    if (axis == skip || n == tdagi_dim(c, x, axis))
        return replace_part(c, x, y, skip, axis + 1);
    tdag_value part = tdagi_slice1(c->b, x, axis, 0, n);
    y = replace_part(c, part, y, skip, axis + 1);
    return tdagi_slice_assign(c->b, x, axis, 0, n, 1, y);
}

static tdag_value scattered(tdagi_call *c, tdag_value x, tdag_value index,
                            tdag_value update, uint32_t axis, tdag_scatter_mode mode)
{
    if (x.id == 0 || index.id == 0 || update.id == 0) return TDAG_NO_VALUE;
    uint32_t rank = tdagi_rank(c, x);
    tdag_value part = x;
    for (uint32_t i = 0; i < rank; i++) {
        tdag_dim n = tdagi_dim(c, index, i);
        if (n != tdagi_dim(c, update, i)) update = tdagi_slice1(c->b, update, i, 0, n);
        if (i != axis && n != tdagi_dim(c, x, i))
            part = tdagi_slice1(c->b, part, i, 0, n);
    }
    tdag_value y = tdag_scatter(c->b, move_axis(c, part, axis, rank - 1),
                                move_axis(c, index, axis, rank - 1),
                                move_axis(c, update, axis, rank - 1), rank - 1, mode);
    return replace_part(c, x, move_axis(c, y, rank - 1, axis), axis, 0);
}

/* A mode by its PyTorch name; false for one that has no core op. */
static bool mode_of(const char *name, tdag_scatter_mode *out)
{
    static const struct {
        const char *name;
        tdag_scatter_mode mode;
    } modes[] = {{"add", TDAG_SCATTER_ADD},           {"sum", TDAG_SCATTER_ADD},
                 {"multiply", TDAG_SCATTER_MULTIPLY}, {"prod", TDAG_SCATTER_MULTIPLY},
                 {"amax", TDAG_SCATTER_MAX},          {"amin", TDAG_SCATTER_MIN}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(modes[i].name, name) == 0) {
            *out = modes[i].mode;
            return true;
        }
    return false;
}

/* What a reduction starts from, so that its elements decide alone. */
static tdag_value neutral(tdagi_call *c, tdag_dtype d, tdag_scatter_mode mode)
{
    bool max = mode == TDAG_SCATTER_MAX;
    if (mode != TDAG_SCATTER_MIN && !max)
        return tdag_add_scalar(c->b, d, mode == TDAG_SCATTER_MULTIPLY);
    if (tdag_dtype_is_float(d))
        return tdag_add_scalar(c->b, d, max ? -INFINITY : INFINITY);
    if (d == TDAG_U8 || d == TDAG_BOOL)
        return tdag_add_scalar(c->b, d, max ? 0 : d == TDAG_BOOL ? 1 : 255);
    double low = -ldexp(1, (int)tdag_dtype_size(d) * 8 - 1);
    if (max) return tdag_add_scalar(c->b, d, low);
    return tdagi_add_scalar(c->b, tdag_add_scalar(c->b, d, low), -1); /* wraps */
}

/* sum / max(count, 1), rounded down for integers */
static tdag_value averaged(tdagi_call *c, tdag_value sum, tdag_value count)
{
    if (sum.id == 0 || count.id == 0) return TDAG_NO_VALUE;
    tdag_value in[2] = {count, tdag_add_scalar(c->b, tdagi_dtype(c, count), 1)};
    count = tdagi_lower(c->b, TDAGI_MAXIMUM, in, 2, NULL);
    if (tdag_dtype_is_float(tdagi_dtype(c, sum))) return tdagi_div(c->b, sum, count);
    return tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, sum, count);
}

/* scatter, scatter_add (row data 1), scatter_reduce */
tdagi_any tdagi_aten_scatter(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), index = tdagi_arg_tensor(c, "index");
    tdag_scatter_mode mode = c->data == 1 ? TDAG_SCATTER_ADD : TDAG_SCATTER_SET;
    bool mean =
        tdagi_has(c, "reduce") && strcmp(tdagi_arg_string(c, "reduce"), "mean") == 0;
    if (mean)
        mode = TDAG_SCATTER_ADD;
    else if (tdagi_has(c, "reduce") && !mode_of(tdagi_arg_string(c, "reduce"), &mode))
        return tdagi_refuse(c, "reduce");
    if (c->bad) return tdagi_any_poison();
    if (tdagi_rank(c, x) == 0) return tdagi_refuse(c, "self");
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x));
    tdag_value update;
    if (tdagi_has(c, "src") && tdagi_arg(c, "src").kind == TDAGI_ANY_TENSOR)
        update = tdagi_cast(c->b, tdagi_arg_tensor(c, "src"), tdagi_dtype(c, x));
    else {
        tdagi_any value = tdagi_arg(c, tdagi_has(c, "src") ? "src" : "value");
        update = tdagi_expand(c->b, tdagi_as(c, value, tdagi_dtype(c, x)),
                              tdagi_rank(c, index), tdagi_shape(c, index));
    }
    if (c->bad) return tdagi_any_poison();
    bool with_self = tdagi_arg_bool(c, "include_self", true);
    tdag_dtype d = tdagi_dtype(c, x);
    uint32_t n = tdagi_rank(c, index);
    if (!with_self) { /* forget what is written over */
        tdag_value none =
            tdagi_expand(c->b, neutral(c, d, mode), n, tdagi_shape(c, index));
        x = scattered(c, x, index, none, axis, TDAG_SCATTER_SET);
    }
    tdag_value y = scattered(c, x, index, update, axis, mode);
    if (mean && y.id != 0) {
        tdag_value one = tdagi_full(c->b, d, n, tdagi_shape(c, index), 1);
        tdag_value count = tdagi_full_like(c->b, x, with_self ? 1 : 0);
        y = averaged(c, y, scattered(c, count, index, one, axis, TDAG_SCATTER_ADD));
    }
    return tdagi_result(c, y);
}

/* index_reduce: whole slices of an axis, reduced into those of self */
tdagi_any tdagi_aten_index_reduce(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), index = tdagi_arg_tensor(c, "index");
    tdag_value update = tdagi_arg_tensor(c, "source");
    const char *name = tdagi_arg_string(c, "reduce");
    bool with_self = tdagi_arg_bool(c, "include_self", true);
    bool mean = strcmp(name, "mean") == 0;
    tdag_scatter_mode mode = TDAG_SCATTER_ADD;
    if (c->bad) return tdagi_any_poison();
    if (!mean && !mode_of(name, &mode)) return tdagi_refuse(c, "reduce");
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x));
    if (c->bad) return tdagi_any_poison();
    tdag_dtype d = tdagi_dtype(c, x);
    bool single = tdagi_rank(c, x) == 0; /* as an axis of one */
    if (single) x = tdagi_unsqueeze1(c->b, x, 0);
    if (tdagi_rank(c, update) == 0) update = tdagi_unsqueeze1(c->b, update, 0);
    if (tdagi_rank(c, index) == 0) index = tdagi_unsqueeze1(c->b, index, 0);
    x = move_axis(c, x, axis, 0);
    update = move_axis(c, tdagi_cast(c->b, update, d), axis, 0);
    if (update.id == 0) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, update);
    if (!with_self) {
        tdag_value none =
            tdagi_expand(c->b, neutral(c, d, mode), rank, tdagi_shape(c, update));
        x = tdag_scatter(c->b, x, index, none, 0, TDAG_SCATTER_SET);
    }
    tdag_value y = tdag_scatter(c->b, x, index, update, 0, mode);
    if (mean) {
        tdag_value count = tdagi_full_like(c->b, x, with_self ? 1 : 0);
        tdag_value one = tdagi_full_like(c->b, update, 1);
        count = tdag_scatter(c->b, count, index, one, 0, TDAG_SCATTER_ADD);
        y = averaged(c, y, count);
    }
    y = move_axis(c, y, 0, axis);
    return tdagi_result(c, single ? tdagi_reshape(c->b, y, 0, NULL) : y);
}

/* take and put (row data 1): of the flat elements */
tdagi_any tdagi_aten_take(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), index = tdagi_arg_tensor(c, "index");
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim shape[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = tdagi_shape(c, x)[i];
    tdag_dim n = tdagi_dim_product(c->env->pool, rank, shape);
    x = tdagi_reshape(c->b, x, 1, &n);
    index = tdagi_wrap_index(c, index, n);
    if (c->data == 0) return tdagi_result(c, tdag_gather(c->b, x, index, 0));
    tdag_value source = tdagi_arg_tensor(c, "source");
    bool add = tdagi_arg_bool(c, "accumulate", false);
    if (c->bad || index.id == 0) return tdagi_any_poison();
    tdag_dim m =
        tdagi_dim_product(c->env->pool, tdagi_rank(c, index), tdagi_shape(c, index));
    index = tdagi_reshape(c->b, index, 1, &m);
    source = tdagi_reshape(c->b, tdagi_cast(c->b, source, tdagi_dtype(c, x)), 1, &m);
    x = tdag_scatter(c->b, x, index, source, 0,
                     add ? TDAG_SCATTER_ADD : TDAG_SCATTER_SET);
    return tdagi_result(c, tdagi_reshape(c->b, x, rank, shape));
}

/* self with one place of an axis (row data 0) or a slice of it (1) replaced by src */
tdagi_any tdagi_aten_slice_scatter(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), src = tdagi_arg_tensor(c, "src");
    if (c->bad || tdagi_rank(c, x) == 0) return tdagi_refuse(c, "self");
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x));
    if (c->bad) return tdagi_any_poison();
    tdag_dim n = tdagi_dim(c, x, axis), start, end;
    int64_t step = 1;
    src = tdagi_cast(c->b, src, tdagi_dtype(c, x));
    if (c->data == 0) {
        start = tdagi_slice_bound(c, tdagi_arg_dim(c, "index", 0), n);
        end = tdag_dim_add(c->b, start, 1);
        src = tdagi_unsqueeze1(c->b, src, axis);
    } else {
        start = tdagi_slice_bound(c, tdagi_arg_dim(c, "start", 0), n);
        end = tdagi_slice_bound(c, tdagi_arg_dim(c, "end", INT64_MAX), n);
        step = tdagi_arg_int(c, "step", 1);
        if (!tdagi_dim_proves_ge(c->env->pool, end, start))
            end = tdagi_dim_max(c->env->pool, end, start);
    }
    if (c->bad || step < 1) return tdagi_refuse(c, "step");
    return tdagi_result(c, tdagi_slice_assign(c->b, x, axis, start, end, step, src));
}

/* index_add, index_copy (row data 1), index_fill (2): whole slices of an axis */
tdagi_any tdagi_aten_index_write(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), index = tdagi_arg_tensor(c, "index");
    if (c->bad) return tdagi_any_poison();
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_rank(c, x));
    bool single = tdagi_rank(c, x) == 0; /* as an axis of one */
    if (single) x = tdagi_unsqueeze1(c->b, x, 0);
    if (c->bad || x.id == 0) return tdagi_any_poison();
    if (c->data == 2) /* the others take none that is negative */
        index = tdagi_wrap_index(c, index, tdagi_dim(c, x, axis));
    if (index.id != 0 && tdagi_rank(c, index) == 0)
        index = tdagi_unsqueeze1(c->b, index, 0);
    tdag_dtype d = tdagi_dtype(c, x);
    x = move_axis(c, x, axis, 0);
    tdag_value update;
    if (c->data == 2) {
        tdag_dim shape[TDAG_MAX_RANK];
        if (x.id == 0 || index.id == 0) return tdagi_any_poison();
        memcpy(shape, tdagi_shape(c, x), tdagi_rank(c, x) * sizeof(*shape));
        shape[0] = tdagi_dim(c, index, 0);
        update = tdagi_as(c, tdagi_arg(c, "value"), d);
        update = tdagi_expand(c->b, update, tdagi_rank(c, x), shape);
    } else {
        update = tdagi_cast(c->b, tdagi_arg_tensor(c, "source"), d);
        if (update.id != 0 && tdagi_rank(c, update) == 0)
            update = tdagi_unsqueeze1(c->b, update, 0);
        update = move_axis(c, update, axis, 0);
        tdagi_any alpha = tdagi_arg(c, "alpha");
        if (tdagi_has(c, "alpha") &&
            (tdagi_any_is_open(c->env, alpha) || tdagi_any_sample(c->env, alpha) != 1))
            update = tdag_binary(c->b, TDAG_OP_MULTIPLY, update, tdagi_as(c, alpha, d));
    }
    if (index.id != 0 && update.id != 0 && tdagi_rank(c, update) > 0)
        tdagi_match_dims(c, &update, 0, &index, 0);
    x = tdag_scatter(c->b, x, index, update, 0,
                     c->data == 0 ? TDAG_SCATTER_ADD : TDAG_SCATTER_SET);
    x = move_axis(c, x, 0, axis);
    return tdagi_result(c, single ? tdagi_reshape(c->b, x, 0, NULL) : x);
}

/* copy_: the source, converted and broadcast, replaces self. Lists have a copy too. */
tdagi_any tdagi_aten_copy(tdagi_call *c)
{
    if (c->n == 1) return tdagi_aten_copy_list(c);
    tdagi_cell *self = tdagi_arg_cell(c, "self");
    tdagi_any src = tdagi_arg(c, "src");
    if (self == NULL) return tdagi_any_poison();
    tdag_value v = tdagi_as(c, src, tdagi_cell_dtype(c->env, self));
    if (c->bad) return tdagi_any_poison();
    const tdag_dim *shape = tdagi_cell_shape(c->env, self);
    uint32_t rank = tdagi_cell_rank(c->env, self);
    tdagi_match_shape(c, &v, rank, shape); /* as x[a:b] = y[a:b] needs */
    return tdagi_result(c, tdagi_expand(c->b, v, rank, shape));
}
