/* Operators whose result shows the memory of their argument: reshapes, permutations,
 * slices, splits, expansions; and their twins that copy it. */

#include <string.h>

#include "aten/aten.h"
#include "aten/control/statement.h"

/* A new tensor object that shows the same elements. */
tdagi_any tdagi_alias(tdagi_call *c, tdagi_cell *t)
{
    if (t->known != NULL && t->value.id == 0) return tdagi_same(t); /* no node as yet */
    tdagi_view_step w = {.kind = TDAGI_VIEW_ALIAS};
    return tdagi_view(c, t, &w);
}

/* ---- the same tensor ---- */

/* dropout in eval mode, detach_, ...; row data 1: detach and others whose result is an
 * object of its own */
tdagi_any tdagi_aten_identity(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, c->schema->args[0].name);
    if (t == NULL) return tdagi_any_poison();
    return c->data == 1 ? tdagi_alias(c, t) : tdagi_same(t);
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

/* As many elements as a shape of numbers has, where a run finds how many there are. */
static bool is_fixed(tdagi_call *c, tdag_value *x, uint32_t rank, const tdag_dim *shape)
{
    int64_t want = 1;
    const tdag_dim n =
        tdagi_dim_product(c->env->pool, tdagi_rank(c, *x), tdagi_shape(c, *x));
    for (uint32_t i = 0; i < rank; i++)
        if (shape[i] < 0 || __builtin_mul_overflow(want, shape[i], &want)) return false;
    if (!tdagi_is_found(c->env, n)) return false;
    *x = tdagi_fixed_dim(c, tdagi_reshape(c->b, *x, 1, &n), 0, want);
    return true;
}

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
    if (is_fixed(c, &x, rank, dims))
        return tdagi_result(c, tdagi_reshape(c->b, x, rank, dims));
    tdagi_reshape_dims(c->b, x, rank, dims);
    if (tdag_builder_get_status(c->b) != TDAG_OK) return tdagi_any_poison();
    if (may_copy && !tdagi_cell_can_view(c->env, t, rank, dims))
        return tdagi_result(c, tdagi_reshape(c->b, x, rank, dims));
    if (tdagi_same_shape(c, x, rank, dims)) return tdagi_alias(c, t);
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
    tdagi_any given = tdagi_arg(c, "dim");
    if (tdagi_any_is_seq(given) && given.u.seq->n == 0) return tdagi_alias(c, t);
    tdag_list axes = tdagi_arg_axes(c, "dim", rank);
    int64_t gone[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < axes.n && !c->bad; i++)
        if (rank > 0 && tdagi_cell_dim(c->env, t, (uint32_t)axes.v[i]) == 1)
            gone[n++] = axes.v[i];
    if (c->bad) return tdagi_any_poison();
    if (n == 0) return tdagi_alias(c, t);
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
    if (!moves) return tdagi_alias(c, t);
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
    if (tdagi_same_shape(c, x, n, dims)) return tdagi_alias(c, t);
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

/* ---- copies ---- */

static tdagi_any copy_of(tdagi_call *c, tdagi_any v)
{
    if (v.kind == TDAGI_ANY_TENSOR)
        return tdagi_result(c, tdagi_cell_read(c->env, v.u.tensor));
    for (uint32_t i = 0; tdagi_any_is_seq(v) && i < v.u.seq->n; i++)
        v.u.seq->v[i] = copy_of(c, v.u.seq->v[i]);
    return v;
}

/* view_copy is a copy of what view gives, and so are the others. */
tdagi_any tdagi_aten_copied(tdagi_call *c)
{
    const char *name = tdagi_aten_row_name(c->row);
    const tdagi_aten_row *of = tdagi_aten_row_of(name, strlen(name) - strlen("_copy"));
    if (of == NULL) return tdagi_any_poison();
    c->row = of; /* whose arguments may change nothing */
    c->data = of->data;
    return copy_of(c, of->fn(c));
}
