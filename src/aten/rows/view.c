/* Operators whose result shows the memory of their argument: reshapes, permutations,
 * slices, splits, expansions. */
#include <string.h>

#include "aten/aten.h"

/* A new tensor object that shows the same elements. */
static tdagi_any alias(tdagi_call *c, tdagi_cell *t)
{
    const tdagi_any *known = tdagi_cell_number(t);
    if (known != NULL) return tdagi_same(t);
    tdagi_view_step w = {.kind = TDAGI_VIEW_ALIAS};
    return tdagi_view(c, t, &w);
}

/* ---- the same tensor ---- */

tdagi_any tdagi_aten_identity(tdagi_call *c) /* detach, dropout in eval mode, ... */
{
    tdagi_cell *t = tdagi_arg_cell(c, c->schema->args[0].name);
    return t == NULL ? tdagi_any_poison() : tdagi_same(t);
}

tdagi_any tdagi_aten_contiguous(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    if (tdagi_cell_is_contiguous(c->env, t)) return tdagi_same(t);
    return tdagi_result(c, tdagi_cell_read(c->env, t));
}

tdagi_any tdagi_aten_clone(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    const tdagi_any *known = tdagi_cell_number(t);
    if (known != NULL)
        return tdagi_any_tensor(
            tdagi_cell_known(c->env, tdagi_cell_dtype(c->env, t), *known));
    return tdagi_result(c, tdagi_cell_read(c->env, t));
}

/* ---- reshapes ---- */

static tdagi_any reshaped(tdagi_call *c, tdagi_cell *t, uint32_t rank,
                          const tdag_dim *shape, bool may_copy)
{
    tdag_value x = tdagi_cell_read(c->env, t);
    tdag_dim dims[TDAG_MAX_RANK];
    if (x.id == 0) return tdagi_any_poison();
    if (rank > TDAG_MAX_RANK)
        return tdagi_call_fail(c, TDAG_E_LIMIT, "a tensor of %u axes", (unsigned)rank);
    for (uint32_t i = 0; i < rank; i++) {
        int64_t number = 0;
        bool open = tdagi_dim_is_const(c->env->pool, shape[i], &number) && number == -1;
        dims[i] = open ? TDAGI_DIM_OPEN : shape[i];
    }
    tdagi_reshape_dims(c->b, x, rank, dims);
    if (tdag_builder_get_status(c->b) != TDAG_OK) return tdagi_any_poison();
    if (may_copy && !tdagi_cell_can_view(c->env, t, rank, dims))
        return tdagi_result(c, tdagi_reshape(c->b, x, rank, dims));
    if (tdagi_same_shape(c, x, rank, dims)) return alias(c, t);
    tdagi_view_step w = {.kind = TDAGI_VIEW_RESHAPE, .dims = {rank, dims}};
    return tdagi_view(c, t, &w);
}

/* view and reshape; row data 1: it may copy */
tdagi_any tdagi_aten_reshape(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (tdagi_has(c, "dtype")) return tdagi_refuse(c, "dtype");
    tdag_list shape = tdagi_arg_dims(c, tdagi_has(c, "size") ? "size" : "shape");
    return c->bad ? tdagi_any_poison() : reshaped(c, t, shape.n, shape.v, c->data == 1);
}

tdagi_any tdagi_aten_reshape_as(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self"), *o = tdagi_arg_cell(c, "other");
    if (c->bad) return tdagi_any_poison();
    return reshaped(c, t, tdagi_cell_rank(c->env, o), tdagi_cell_shape(c->env, o),
                    true);
}

tdagi_any tdagi_aten_flatten(tdagi_call *c) /* row data 1: ravel, of all axes */
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t), n = 0;
    uint32_t first = 0, last = rank == 0 ? 0 : rank - 1;
    if (c->data == 0) {
        first = tdagi_arg_axis(c, "start_dim", rank);
        last = tdagi_arg_axis(c, "end_dim", rank);
    }
    tdag_dim dims[TDAG_MAX_RANK] = {1}, run = 1;
    if (first > last && !c->bad)
        tdagi_call_fail(c, TDAG_E_SHAPE, "flatten ends before it starts");
    if (c->bad) return tdagi_any_poison();
    if (first == last && rank > 0) return tdagi_same(t);
    for (uint32_t i = 0; i < rank; i++) {
        tdag_dim d = tdagi_cell_dim(c->env, t, i);
        if (i < first || i > last)
            dims[n++] = d;
        else
            run = tdagi_dim_mul(c->env->pool, run, d);
        if (i == last) dims[n++] = run;
    }
    return reshaped(c, t, rank == 0 ? 1 : n, dims, true);
}

tdagi_any tdagi_aten_unflatten(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t), n = 0;
    uint32_t axis = tdagi_arg_axis(c, "dim", rank);
    tdag_list sizes = tdagi_arg_dims(c, "sizes");
    tdag_dim dims[2 * TDAG_MAX_RANK], known = 1;
    if (c->bad || rank + sizes.n > TDAG_MAX_RANK) return tdagi_refuse(c, "sizes");
    tdagi_pool *p = c->env->pool;
    for (uint32_t i = 0; i < rank; i++) {
        if (i != axis) {
            dims[n++] = tdagi_cell_dim(c->env, t, i);
            continue;
        }
        int64_t whole = 0, hole = -1;
        for (uint32_t k = 0; k < sizes.n; k++) {
            if (tdagi_dim_is_const(p, sizes.v[k], &whole) && whole == -1)
                hole = n;
            else
                known = tdagi_dim_mul(p, known, sizes.v[k]);
            dims[n++] = sizes.v[k];
        }
        if (hole >= 0)
            dims[hole] = tdag_dim_floordiv(c->b, tdagi_cell_dim(c->env, t, i), known);
    }
    return reshaped(c, t, n, dims, false);
}

/* squeeze of all axes, one, or a list: only those of dim 1 go */
tdagi_any tdagi_aten_squeeze(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t), n = 0;
    tdag_list axes = tdagi_arg_axes(c, "dim", rank);
    int64_t gone[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < axes.n && !c->bad; i++)
        if (rank > 0 && tdagi_cell_dim(c->env, t, (uint32_t)axes.v[i]) == 1)
            gone[n++] = axes.v[i];
    if (c->bad) return tdagi_any_poison();
    if (n == 0) return alias(c, t);
    tdagi_view_step w = {.kind = TDAGI_VIEW_SQUEEZE, .dims = {n, gone}};
    return tdagi_view(c, t, &w);
}

tdagi_any tdagi_aten_unsqueeze(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_cell_rank(c->env, t) + 1);
    tdagi_view_step w = {.kind = TDAGI_VIEW_UNSQUEEZE, .axis = axis};
    return c->bad ? tdagi_any_poison() : tdagi_view(c, t, &w);
}

static tdagi_any at_least(tdagi_call *c, tdagi_cell *t)
{
    uint32_t rank = tdagi_cell_rank(c->env, t), want = (uint32_t)c->data, n = 0;
    if (rank >= want) return tdagi_same(t);
    tdag_dim dims[TDAG_MAX_RANK];
    uint32_t before = want == 3 && rank == 2   ? 0
                      : want == 3 && rank == 1 ? 1
                                               : want - rank;
    for (uint32_t i = 0; i < before; i++)
        dims[n++] = 1;
    for (uint32_t i = 0; i < rank; i++)
        dims[n++] = tdagi_cell_dim(c->env, t, i);
    while (n < want)
        dims[n++] = 1;
    return reshaped(c, t, n, dims, false);
}

/* atleast_1d, 2d, 3d (row data) of one tensor or of each of a list */
tdagi_any tdagi_aten_atleast(tdagi_call *c)
{
    tdagi_any list = tdagi_arg(c, c->schema->args[0].name);
    if (!tdagi_any_is_seq(list)) {
        tdagi_cell *t = tdagi_arg_cell(c, c->schema->args[0].name);
        return t == NULL ? tdagi_any_poison() : at_least(c, t);
    }
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < list.u.seq->n && out.kind == TDAGI_ANY_LIST; i++) {
        if (list.u.seq->v[i].kind != TDAGI_ANY_TENSOR)
            return tdagi_refuse(c, c->schema->args[0].name);
        tdagi_seq_append(c->env, out.u.seq, at_least(c, list.u.seq->v[i].u.tensor));
    }
    return out;
}

/* ---- permutations ---- */

static tdagi_any permuted(tdagi_call *c, tdagi_cell *t, uint32_t rank,
                          const int64_t *order)
{
    bool moves = false;
    for (uint32_t i = 0; i < rank; i++)
        moves |= order[i] != i;
    if (!moves) return alias(c, t);
    tdagi_view_step w = {.kind = TDAGI_VIEW_PERMUTE, .dims = {rank, order}};
    return tdagi_view(c, t, &w);
}

tdagi_any tdagi_aten_permute(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    tdag_list dims = tdagi_arg_ints(c, "dims");
    if (c->bad) return tdagi_any_poison();
    int64_t order[TDAG_MAX_RANK];
    bool used[TDAG_MAX_RANK] = {false};
    uint32_t rank = tdagi_cell_rank(c->env, t);
    if (dims.n != rank)
        return tdagi_call_fail(c, TDAG_E_SHAPE,
                               "permute names %u axes, the tensor has %u",
                               (unsigned)dims.n, (unsigned)rank);
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t axis = tdagi_wrap_axis(c, dims.v[i], rank);
        if (used[axis]) tdagi_call_fail(c, TDAG_E_SHAPE, "permute names an axis twice");
        used[axis] = true;
        order[i] = axis;
    }
    return c->bad ? tdagi_any_poison() : permuted(c, t, rank, order);
}

static tdagi_any swapped(tdagi_call *c, tdagi_cell *t, uint32_t a, uint32_t b)
{
    int64_t order[TDAG_MAX_RANK];
    uint32_t rank = tdagi_cell_rank(c->env, t);
    for (uint32_t i = 0; i < rank; i++)
        order[i] = i == a ? b : i == b ? a : i;
    return permuted(c, t, rank, order);
}

tdagi_any tdagi_aten_transpose(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    bool axes = tdagi_has(c, "axis0");
    uint32_t a = tdagi_arg_axis(c, axes ? "axis0" : "dim0", rank);
    uint32_t b = tdagi_arg_axis(c, axes ? "axis1" : "dim1", rank);
    return c->bad ? tdagi_any_poison() : swapped(c, t, a, b);
}

/* t: row data 2; mT: 3; numpy_T (all axes reversed): 0 */
tdagi_any tdagi_aten_t(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, c->schema->args[0].name);
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    int64_t order[TDAG_MAX_RANK];
    if (c->data == 2 && rank > 2)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "t takes at most 2 axes");
    if (c->data == 3 && rank >= 2) return swapped(c, t, rank - 2, rank - 1);
    for (uint32_t i = 0; i < rank; i++)
        order[i] = rank - 1 - i;
    return permuted(c, t, rank, order);
}

tdagi_any tdagi_aten_movedim(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    tdag_list from = tdagi_arg_ints(c, "source"), to = tdagi_arg_ints(c, "destination");
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    int64_t order[TDAG_MAX_RANK];
    bool used[TDAG_MAX_RANK] = {false}, filled[TDAG_MAX_RANK] = {false};
    for (uint32_t i = 0; i < from.n && i < to.n; i++) {
        uint32_t s = tdagi_wrap_axis(c, from.v[i], rank);
        uint32_t d = tdagi_wrap_axis(c, to.v[i], rank);
        order[d] = s;
        used[s] = filled[d] = true;
    }
    for (uint32_t d = 0, s = 0; d < rank; d++) {
        if (filled[d]) continue;
        while (s < rank && used[s])
            s++;
        order[d] = s++;
    }
    return c->bad ? tdagi_any_poison() : permuted(c, t, rank, order);
}

/* ---- slices ---- */

/* A Python bound: from the end where negative, then within 0..n. A symbolic bound of a
 * fixed extent that lies within it at the samples (the first S of a table of 64
 * positions) is taken to do so always: the slice then fails at other sizes, where
 * PyTorch would clamp it and, as a rule, fail at what comes next. */
tdag_dim tdagi_slice_bound(tdagi_call *c, tdag_dim d, tdag_dim n)
{
    tdagi_pool *p = c->env->pool;
    int64_t i;
    bool negative = tdagi_dim_is_const(p, d, &i)   ? i < 0
                    : tdagi_dim_proves_ge(p, d, 0) ? false
                                                   : tdagi_dim_sample(p, d) < 0;
    if (negative) d = tdagi_dim_add(p, d, n);
    if (negative && !tdagi_dim_proves_ge(p, d, 0)) d = tdagi_dim_max(p, d, 0);
    if (d == INT64_MAX || tdagi_dim_proves_ge(p, d, n)) return n;
    if (n >= 0 && tdagi_dim_sample(p, d) <= n) return d;
    return tdagi_dim_proves_ge(p, n, d) ? d : tdagi_dim_min(p, d, n);
}

static tdagi_any sliced(tdagi_call *c, tdagi_cell *t, uint32_t axis, tdag_dim start,
                        tdag_dim end)
{
    tdagi_view_step w = {.kind = TDAGI_VIEW_SLICE, .axis = axis, .step = 1};
    w.start = start;
    w.end = end;
    return tdagi_view(c, t, &w);
}

tdagi_any tdagi_aten_slice(tdagi_call *c)
{
    if (c->n > 0 && c->args[0].kind != TDAGI_ANY_TENSOR) return tdagi_list_slice(c);
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    uint32_t axis = tdagi_arg_axis(c, "dim", rank);
    if (rank == 0)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "a slice of a rank-0 tensor");
    tdag_dim n = tdagi_cell_dim(c->env, t, axis);
    tdagi_view_step w = {.kind = TDAGI_VIEW_SLICE, .axis = axis};
    w.start = tdagi_slice_bound(c, tdagi_arg_dim(c, "start", 0), n);
    w.end = tdagi_slice_bound(c, tdagi_arg_dim(c, "end", INT64_MAX), n);
    w.step = tdagi_arg_int(c, "step", 1);
    if (c->bad) return tdagi_any_poison();
    if (w.step < 1) return tdagi_call_fail(c, TDAG_E_ARG, "a slice with step below 1");
    if (!tdagi_dim_proves_ge(c->env->pool, w.end, w.start))
        w.end = tdagi_dim_max(c->env->pool, w.end, w.start);
    if (w.start == 0 && w.end == n && w.step == 1) return alias(c, t);
    return tdagi_view(c, t, &w);
}

tdagi_any tdagi_aten_narrow(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_cell_rank(c->env, t));
    if (c->bad) return tdagi_any_poison();
    tdag_dim n = tdagi_cell_dim(c->env, t, axis);
    tdag_dim start = tdagi_slice_bound(c, tdagi_arg_dim(c, "start", 0), n);
    tdag_dim length = tdagi_arg_dim(c, "length", 0);
    if (c->bad) return tdagi_any_poison();
    return sliced(c, t, axis, start, tdag_dim_add(c->b, start, length));
}

static tdagi_any selected(tdagi_call *c, tdagi_cell *t, uint32_t axis, tdag_dim index)
{
    tdagi_view_step w = {.kind = TDAGI_VIEW_SELECT, .axis = axis, .start = index};
    return tdagi_view(c, t, &w);
}

static tdag_value make_selected(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    const tdag_value in[2] = {x, w->index};
    const tdagi_axis_spec s = {w->axis};
    const int64_t gone = w->axis;
    return tdag_squeeze(b, tdagi_lower(b, TDAGI_INDEX_SELECT, in, 2, &s),
                        (tdag_list){1, &gone});
}

/* x[i] where i is a number that depends on data: read by position. */
static tdagi_any select_by_data(tdagi_call *c, tdagi_cell *t, uint32_t axis,
                                tdagi_any where)
{
    tdag_value at = tdagi_as(c, where, TDAG_I64);
    if (c->bad || at.id == 0) return tdagi_any_poison();
    tdag_value n = tdagi_dim_value(c->b, tdagi_cell_dim(c->env, t, axis));
    tdag_value zero = tdag_add_scalar(c->b, TDAG_I64, 0);
    at = tdag_where(c->b, tdag_binary(c->b, TDAG_OP_LESS, at, zero),
                    tdag_binary(c->b, TDAG_OP_ADD, at, n), at);
    const tdagi_view_step w = {
        .make = make_selected, .axis = axis, .index = tdagi_unsqueeze1(c->b, at, 0)};
    return tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
}

tdagi_any tdagi_aten_select(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    uint32_t axis = tdagi_arg_axis(c, "dim", rank);
    tdagi_any where = tdagi_arg(c, "index");
    if (where.kind == TDAGI_ANY_DATA && rank > 0 && !c->bad)
        return select_by_data(c, t, axis, where);
    tdag_dim index = tdagi_arg_dim(c, "index", 0);
    if (rank == 0)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "a select of a rank-0 tensor");
    if (c->bad) return tdagi_any_poison();
    tdagi_pool *p = c->env->pool;
    tdag_dim n = tdagi_cell_dim(c->env, t, axis);
    if (tdagi_dim_sample(p, index) < 0) index = tdagi_dim_add(p, index, n);
    int64_t at = tdagi_dim_sample(p, index);
    if (at < 0 || at >= tdagi_dim_sample(p, n))
        return tdagi_call_fail(c, TDAG_E_SHAPE,
                               "index %lld is out of range for axis %u", (long long)at,
                               (unsigned)axis);
    return selected(c, t, axis, index);
}

tdagi_any tdagi_aten_unbind(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_cell_rank(c->env, t));
    int64_t n = 0;
    if (c->bad ||
        !tdagi_dim_is_const(c->env->pool, tdagi_cell_dim(c->env, t, axis), &n)) {
        c->bad = true;
        return tdagi_env_issue(c->env, "aten::unbind of an axis of symbolic size");
    }
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (int64_t i = 0; i < n && out.kind == TDAGI_ANY_LIST && tdagi_env_ok(c->env);
         i++)
        tdagi_seq_append(c->env, out.u.seq, selected(c, t, axis, i));
    return out;
}

/* Slices of those sizes, one after the other. */
static tdagi_any pieces(tdagi_call *c, tdagi_cell *t, uint32_t axis, uint32_t n,
                        const tdag_dim *sizes)
{
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    tdag_dim at = 0;
    for (uint32_t i = 0; i < n && out.kind == TDAGI_ANY_LIST && tdagi_env_ok(c->env);
         i++) {
        tdag_dim end = tdag_dim_add(c->b, at, sizes[i]);
        tdagi_seq_append(c->env, out.u.seq, sliced(c, t, axis, at, end));
        at = end;
    }
    return out;
}

static tdagi_any equal_pieces(tdagi_call *c, tdagi_cell *t, uint32_t axis, int64_t n,
                              int64_t each)
{
    int64_t count = each < 1 || n == 0 ? 1 : (n + each - 1) / each;
    tdag_dim *sizes = tdagi_env_alloc(c->env, (size_t)count * sizeof(*sizes));
    if (sizes == NULL) return tdagi_any_poison();
    for (int64_t i = 0; i < count; i++)
        sizes[i] = i + 1 < count ? each : n - each * (count - 1);
    return pieces(c, t, axis, (uint32_t)count, sizes);
}

/* split by size or by sizes, chunk (row data 1) */
tdagi_any tdagi_aten_split(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_cell_rank(c->env, t));
    const char *name = c->data == 1                  ? "chunks"
                       : tdagi_has(c, "split_sizes") ? "split_sizes"
                                                     : "split_size";
    tdagi_any how = tdagi_arg(c, name);
    if (c->bad) return tdagi_any_poison();
    if (tdagi_any_is_seq(how)) {
        tdag_list sizes = tdagi_arg_dims(c, name);
        return c->bad ? tdagi_any_poison() : pieces(c, t, axis, sizes.n, sizes.v);
    }
    tdag_dim d = tdagi_cell_dim(c->env, t, axis);
    int64_t n = 0, each = tdagi_arg_int(c, name, 1);
    if (c->bad) return tdagi_any_poison();
    if (each < 1)
        return tdagi_call_fail(c, TDAG_E_ARG, "a split by %lld", (long long)each);
    if (!tdagi_dim_is_const(c->env->pool, d, &n)) {
        tdag_dim part = c->data == 1 ? tdag_dim_floordiv(c->b, d, each) : 0;
        if (c->data != 1 || tdag_dim_mul(c->b, part, each) != d) {
            c->bad = true;
            return tdagi_env_issue(c->env, "%s of an axis of symbolic size",
                                   c->schema->name);
        }
        tdag_list sizes = tdagi_list_of(c, (uint32_t)each, part);
        return pieces(c, t, axis, sizes.n, sizes.v);
    }
    if (c->data == 1 && n == 0) { /* as many pieces as were asked for, all empty */
        tdag_list sizes = tdagi_list_of(c, (uint32_t)each, 0);
        return c->bad ? tdagi_any_poison() : pieces(c, t, axis, sizes.n, sizes.v);
    }
    return equal_pieces(c, t, axis, n, c->data == 1 ? (n + each - 1) / each : each);
}

/* Pieces that start at the given places, the first at 0. */
static tdagi_any split_at(tdagi_call *c, tdagi_cell *t, uint32_t axis)
{
    tdag_list at = tdagi_arg_dims(c, "indices");
    tdag_dim n = tdagi_cell_dim(c->env, t, axis), before = 0;
    tdagi_pool *p = c->env->pool;
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i <= at.n && !c->bad && out.kind == TDAGI_ANY_LIST; i++) {
        tdag_dim end = i == at.n ? n : tdagi_slice_bound(c, at.v[i], n);
        tdag_dim stop =
            tdagi_dim_proves_ge(p, end, before) ? end : tdagi_dim_max(p, end, before);
        tdagi_seq_append(c->env, out.u.seq, sliced(c, t, axis, before, stop));
        before = end;
    }
    return c->bad ? tdagi_any_poison() : out;
}

/* tensor_split: the first n % k pieces are longer by one; or split at indices. hsplit
 * (row data 'h'), vsplit ('v') and dsplit ('d') name the axis; their parts are equal.
 */
tdagi_any tdagi_aten_tensor_split(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    uint32_t axis = c->data == 'h'   ? rank > 1
                    : c->data == 'v' ? 0
                    : c->data == 'd' ? 2
                                     : tdagi_arg_axis(c, "dim", rank);
    int64_t n = 0, k = 0;
    if (c->bad || axis >= rank) return tdagi_refuse(c, "self");
    if (!tdagi_has(c, "sections")) return split_at(c, t, axis);
    if (!tdagi_dim_is_const(c->env->pool, tdagi_cell_dim(c->env, t, axis), &n))
        return tdagi_refuse(c, "self");
    k = tdagi_arg_int(c, "sections", 1);
    if (c->bad || k < 1 || k > 1000000) return tdagi_refuse(c, "sections");
    if (c->data != 0 && n % k != 0)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "%lld elements in %lld equal parts",
                               (long long)n, (long long)k);
    tdag_dim *sizes = tdagi_env_alloc(c->env, (size_t)k * sizeof(*sizes));
    for (int64_t i = 0; sizes != NULL && i < k; i++)
        sizes[i] = n / k + (i < n % k);
    return sizes == NULL ? tdagi_any_poison() : pieces(c, t, axis, (uint32_t)k, sizes);
}

/* ---- expansion ---- */

static tdagi_any expanded(tdagi_call *c, tdagi_cell *t, uint32_t n,
                          const tdag_dim *sizes)
{
    tdag_value x = tdagi_cell_read(c->env, t);
    if (x.id == 0) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim dims[TDAG_MAX_RANK];
    if (n < rank || n > TDAG_MAX_RANK)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "a tensor of rank %u is expanded to %u",
                               (unsigned)rank, (unsigned)n);
    for (uint32_t i = 0; i < n; i++) {
        int64_t k;
        bool keep = tdagi_dim_is_const(c->env->pool, sizes[i], &k) && k == -1;
        if (keep && i < n - rank)
            return tdagi_call_fail(c, TDAG_E_SHAPE, "-1 for an axis that is new");
        dims[i] = keep ? tdagi_shape(c, x)[i - (n - rank)] : sizes[i];
    }
    if (tdagi_same_shape(c, x, n, dims)) return alias(c, t);
    tdagi_view_step w = {.kind = TDAGI_VIEW_EXPAND, .dims = {n, dims}};
    return tdagi_view(c, t, &w);
}

tdagi_any tdagi_aten_expand(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    tdag_list size = tdagi_arg_dims(c, "size");
    return c->bad ? tdagi_any_poison() : expanded(c, t, size.n, size.v);
}

tdagi_any tdagi_aten_expand_as(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self"), *o = tdagi_arg_cell(c, "other");
    if (c->bad) return tdagi_any_poison();
    return expanded(c, t, tdagi_cell_rank(c->env, o), tdagi_cell_shape(c->env, o));
}

tdagi_any tdagi_aten_broadcast_tensors(tdagi_call *c)
{
    const tdag_value *v;
    tdag_list n = tdagi_arg_tensors(c, "tensors", &v);
    tdagi_any list = tdagi_arg(c, "tensors");
    uint32_t rank = 0;
    tdag_dim dims[TDAG_MAX_RANK];
    if (c->bad) return tdagi_any_poison();
    tdagi_broadcast_shape(c->b, v, n.n, &rank, dims);
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < n.n && out.kind == TDAGI_ANY_LIST; i++)
        tdagi_seq_append(c->env, out.u.seq,
                         expanded(c, list.u.seq->v[i].u.tensor, rank, dims));
    return out;
}

/* ---- windows and diagonals ---- */

/* start: size of a window */
static tdag_value make_unfolded(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    uint32_t rank = tdag_builder_get_rank(b, x), k = 0;
    const tdag_dim *shape = tdag_builder_get_shape(b, x);
    int64_t counts[TDAG_MAX_RANK], order[TDAG_MAX_RANK];
    int64_t kernel[TDAG_MAX_RANK], stride[TDAG_MAX_RANK];
    tdag_dim factors[TDAG_MAX_RANK + 1];
    tdag_dim span = tdag_dim_sub(b, shape[w->axis], w->start);
    tdag_dim windows = tdag_dim_add(b, tdag_dim_floordiv(b, span, w->step), 1);
    for (uint32_t i = 0; i < rank; i++) {
        bool here = i == w->axis;
        kernel[i] = here ? w->start : 1;
        stride[i] = here ? w->step : 1;
        counts[i] = here ? 2 : 1;
        factors[k++] = here ? windows : shape[i];
        if (here) factors[k++] = w->start;
        order[i] = i <= w->axis ? i : i + 1;
    }
    order[rank] = w->axis + 1;
    tdag_value y =
        tdag_unfold(b, x, (tdag_list){rank, kernel}, (tdag_list){rank, stride});
    y = tdag_ungroup(b, y, (tdag_list){rank, counts}, (tdag_list){rank + 1, factors});
    if (w->axis + 1 != rank) y = tdag_permute(b, y, (tdag_list){rank + 1, order});
    return y;
}

tdagi_any tdagi_aten_unfold(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    const tdagi_view_step w = {.make = make_unfolded,
                               .axis = tdagi_arg_axis(c, "dimension", rank),
                               .start = tdagi_arg_int(c, "size", 1),
                               .step = tdagi_arg_int(c, "step", 1)};
    if (c->bad || rank == 0 || rank + 1 > TDAG_MAX_RANK || w.start < 1 || w.step < 1)
        return tdagi_refuse(c, "size");
    return tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
}

/* Positions start + sum of index * stride into the elements, gathered. dims: the sizes,
 * then the strides. */
static tdag_value make_strided(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    uint32_t n = w->dims.n / 2;
    tdag_dim flat =
        tdagi_dim_product(tdagi_builder_pool(b), tdag_builder_get_rank(b, x),
                          tdag_builder_get_shape(b, x));
    tdag_value index = tdag_add_scalar(b, TDAG_I64, (double)w->start);
    for (uint32_t i = 0; i < n; i++) {
        tdag_value k = tdagi_mul_scalar(b, tdag_iota(b, w->dims.v[i], TDAG_I64),
                                        (double)w->dims.v[n + i]);
        for (uint32_t a = 0; a < i; a++)
            k = tdagi_unsqueeze1(b, k, 0);
        if (i > 0) index = tdagi_unsqueeze1(b, index, i);
        index = tdagi_add(b, index, k);
    }
    return tdag_gather(b, tdagi_reshape(b, x, 1, &flat), index, 0);
}

tdagi_any tdagi_aten_as_strided(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    tdag_list size = tdagi_arg_ints(c, "size"), stride = tdagi_arg_ints(c, "stride");
    int64_t offset = tdagi_arg_int(c, "storage_offset", 0), both[2 * TDAG_MAX_RANK];
    if (c->bad || size.n != stride.n || size.n > TDAG_MAX_RANK)
        return tdagi_refuse(c, "size");
    if (t->parent != NULL || !tdagi_cell_is_contiguous(c->env, t)) {
        c->bad = true;
        return tdagi_env_issue(c->env, "aten::as_strided of a view");
    }
    for (uint32_t i = 0; i < size.n; i++) {
        both[i] = size.v[i];
        both[size.n + i] = stride.v[i];
    }
    const tdagi_view_step w = {
        .make = make_strided, .start = offset, .dims = {2 * size.n, both}};
    return tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
}

/* The diagonal of axes `axis` and `end`, `start` above the main one, as the last axis.
 */
static tdag_value make_diagonal(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    uint32_t rank = tdag_builder_get_rank(b, x), k = 2;
    const tdag_dim *shape = tdag_builder_get_shape(b, x);
    int64_t n = shape[w->axis], m = shape[w->end], order[TDAG_MAX_RANK];
    int64_t row = w->start < 0 ? -w->start : 0, column = w->start > 0 ? w->start : 0;
    int64_t length = n - row < m - column ? n - row : m - column;
    int64_t runs[TDAG_MAX_RANK] = {2};
    order[0] = w->axis;
    order[1] = w->end;
    for (uint32_t i = 0; i < rank; i++)
        if (i != w->axis && i != w->end) order[k++] = i;
    for (uint32_t i = 1; i < rank - 1; i++)
        runs[i] = 1;
    x = tdag_permute(b, x, (tdag_list){rank, order});
    x = tdag_group(b, x, (tdag_list){rank - 1, runs});
    tdag_value index = tdagi_mul_scalar(
        b, tdag_iota(b, length < 0 ? 0 : length, TDAG_I64), (double)(m + 1));
    index = tdagi_add_scalar(b, index, (double)(row * m + column));
    x = tdag_gather(b, x, index, 0);
    for (uint32_t i = 0; i + 1 < rank; i++)
        order[i] = i + 2 < rank ? i + 1 : 0;
    return rank > 2 ? tdag_permute(b, x, (tdag_list){rank - 1, order}) : x;
}

tdagi_any tdagi_aten_diagonal(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    const tdagi_view_step w = {.make = make_diagonal,
                               .axis = tdagi_arg_axis(c, "dim1", rank),
                               .end = tdagi_arg_axis(c, "dim2", rank),
                               .start = tdagi_arg_int(c, "offset", 0)};
    int64_t n, m;
    if (c->bad || rank < 2 || w.axis == w.end ||
        !tdagi_dim_is_const(c->env->pool, tdagi_cell_dim(c->env, t, w.axis), &n) ||
        !tdagi_dim_is_const(c->env->pool, tdagi_cell_dim(c->env, t, (uint32_t)w.end),
                            &m))
        return tdagi_refuse(c, "dim1");
    return tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
}

/* The shape two shapes broadcast to. */
static tdagi_any broadcast_sizes(tdagi_call *c, tdag_list a, tdag_list b)
{
    uint32_t rank = a.n > b.n ? a.n : b.n;
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < rank && out.kind == TDAGI_ANY_LIST; i++) {
        tdag_dim x = i + a.n < rank ? 1 : a.v[i + a.n - rank];
        tdag_dim y = i + b.n < rank ? 1 : b.v[i + b.n - rank];
        if (x != y && x != 1 && y != 1)
            return tdagi_call_fail(
                c, TDAG_E_SHAPE, "the sizes do not broadcast at axis %u", (unsigned)i);
        tdagi_seq_append(c->env, out.u.seq, tdagi_any_dim(x == 1 ? y : x));
    }
    return out;
}

tdagi_any tdagi_aten_infer_size(tdagi_call *c)
{
    tdag_list a = tdagi_arg_dims(c, "a"), b = tdagi_arg_dims(c, "b");
    return c->bad ? tdagi_any_poison() : broadcast_sizes(c, a, b);
}

/* of a list of shapes, or of two */
tdagi_any tdagi_aten_broadcast_shapes(tdagi_call *c)
{
    if (c->n == 2) return tdagi_aten_infer_size(c);
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    c->read |= 1;
    if (!tdagi_any_is_seq(c->args[0])) return tdagi_refuse(c, c->schema->args[0].name);
    for (uint32_t i = 0; i < c->args[0].u.seq->n && tdagi_any_is_seq(out); i++) {
        tdagi_any pair[2] = {out, c->args[0].u.seq->v[i]};
        tdag_list dims[2];
        for (uint32_t k = 0; k < 2; k++) {
            if (!tdagi_any_is_seq(pair[k]))
                return tdagi_refuse(c, c->schema->args[0].name);
            dims[k].n = pair[k].u.seq->n;
            int64_t *v = tdagi_env_alloc(c->env, dims[k].n * sizeof(*v));
            if (v == NULL) return tdagi_any_poison();
            dims[k].v = v;
            for (uint32_t d = 0; d < dims[k].n; d++) {
                if (pair[k].u.seq->v[d].kind != TDAGI_ANY_INT)
                    return tdagi_refuse(c, c->schema->args[0].name);
                v[d] = pair[k].u.seq->v[d].u.i;
            }
        }
        out = broadcast_sizes(c, dims[0], dims[1]);
    }
    return out;
}
