/* Views that a function makes: windows, given strides, diagonals. */
#include <string.h>

#include "aten/aten.h"
#include "derive/linalg.h"

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

/* Windows of no elements. */
static tdagi_any empty_windows(tdagi_call *c, tdagi_cell *t, const tdagi_view_step *w)
{
    uint32_t rank = tdagi_cell_rank(c->env, t);
    tdag_dim shape[TDAG_MAX_RANK] = {0};
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = tdagi_cell_dim(c->env, t, i);
    if (rank > 0)
        shape[w->axis] =
            tdag_dim_add(c->b, tdag_dim_floordiv(c->b, shape[w->axis], w->step), 1);
    shape[rank] = 0;
    tdag_dtype d = tdagi_cell_dtype(c->env, t);
    return tdagi_result(c, tdagi_full(c->b, d, rank + 1, shape, 0));
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
    if (c->bad || rank + 1 > TDAG_MAX_RANK || w.start < 0 || w.step < 1)
        return tdagi_refuse(c, "size");
    if (w.start == 0) return empty_windows(c, t, &w);
    if (rank == 0) { /* one window of the one element */
        const tdagi_view_step one = {.kind = TDAGI_VIEW_UNSQUEEZE, .axis = 0};
        return w.start == 1 ? tdagi_view(c, t, &one) : tdagi_refuse(c, "size");
    }
    return tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
}

/* All elements, in their order. */
static bool is_row_major(tdag_builder *b, const tdagi_view_step *w, tdag_dim flat)
{
    uint32_t n = w->dims.n / 2;
    tdag_dim next = 1;
    for (uint32_t i = n; i-- > 0;) {
        if (w->dims.v[i] != 1 && w->dims.v[n + i] != next) return false;
        next = tdag_dim_mul(b, next, w->dims.v[i]);
    }
    return w->start == 0 && next == flat;
}

/* Positions start + sum of index * stride into the elements, gathered. dims: the sizes,
 * then the strides. */
static tdag_value make_strided(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    uint32_t n = w->dims.n / 2;
    tdag_dim flat =
        tdagi_dim_product(tdagi_builder_pool(b), tdag_builder_get_rank(b, x),
                          tdag_builder_get_shape(b, x));
    if (is_row_major(b, w, flat)) return tdagi_reshape(b, x, n, w->dims.v);
    tdag_value index = tdag_add_scalar(b, TDAG_I64, (double)w->start);
    for (uint32_t i = 0; i < n; i++) {
        tdag_value k = tdagi_mul(b, tdag_iota(b, w->dims.v[i], TDAG_I64),
                                 tdagi_dim_scalar(b, w->dims.v[n + i], TDAG_I64));
        for (uint32_t a = 0; a < i; a++)
            k = tdagi_unsqueeze1(b, k, 0);
        if (i > 0) index = tdagi_unsqueeze1(b, index, i);
        index = tdagi_add(b, index, k);
    }
    return tdag_gather(b, tdagi_reshape(b, x, 1, &flat), index, 0);
}

/* How far elements of t along an axis lie apart, in elements. */
static tdag_dim stride_of(tdagi_env *env, tdagi_cell *t, uint32_t axis)
{
    if (t->strides != NULL) return t->strides[axis];
    uint32_t rank = tdagi_cell_rank(env, t);
    return tdagi_dim_product(env->pool, rank - axis - 1,
                             tdagi_cell_shape(env, t) + axis + 1);
}

/* The memory that t shows, and where in it t begins; NULL where that is not known. */
static tdagi_cell *memory_of(tdagi_env *env, tdagi_cell *t, tdag_dim *offset)
{
    *offset = 0;
    for (; t->parent != NULL; t = t->parent) {
        const tdagi_view_step *w = &t->view;
        tdag_dim from = 0;
        if (w->kind == TDAGI_VIEW_SLICE || w->kind == TDAGI_VIEW_SELECT)
            from =
                tdagi_dim_mul(env->pool, w->start, stride_of(env, t->parent, w->axis));
        else if (w->kind == TDAGI_VIEW_MADE && w->make == make_strided)
            from = w->start;
        else if (w->kind >= TDAGI_VIEW_NEGATIVE)
            return NULL;
        *offset = tdag_dim_add(env->b, *offset, from);
    }
    return t->is_permuted || !tdagi_cell_is_contiguous(env, t) ? NULL : t;
}

tdagi_any tdagi_aten_as_strided(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    tdag_list size = tdagi_arg_dims(c, "size"), stride = tdagi_arg_dims(c, "stride");
    int64_t own = 0, both[2 * TDAG_MAX_RANK];
    if (c->bad || size.n != stride.n || size.n > TDAG_MAX_RANK)
        return tdagi_refuse(c, "size");
    t = memory_of(c->env, t, &own);
    if (t == NULL) {
        c->bad = true;
        return tdagi_env_issue(c->env, "aten::as_strided of memory of unknown strides");
    }
    int64_t offset = tdagi_arg_int(c, "storage_offset", own);
    if (!tdagi_dim_is_const(c->env->pool, offset, &offset))
        return tdagi_refuse(c, "storage_offset");
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
    const uint32_t rank = tdag_builder_get_rank(b, x);
    int64_t order[TDAG_MAX_RANK];
    uint32_t k = 0;
    for (uint32_t i = 0; i < rank; i++)
        if (i != w->axis && i != w->end) order[k++] = i;
    order[k++] = w->axis;
    order[k] = w->end;
    bool moves = w->axis + 2 != rank || w->end + 1 != rank;
    if (moves) x = tdag_permute(b, x, (tdag_list){rank, order});
    return tdagi_diagonal(b, x, w->start);
}

tdagi_any tdagi_aten_diagonal(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, c->schema->args[0].name);
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    const tdagi_view_step w = {.make = make_diagonal,
                               .axis = tdagi_arg_axis(c, "dim1", rank),
                               .end = tdagi_arg_axis(c, "dim2", rank),
                               .start = tdagi_arg_int(c, "offset", 0)};
    if (c->bad || rank < 2 || w.axis == w.end) return tdagi_refuse(c, "dim1");
    if (tdagi_cell_dim(c->env, t, w.axis) < 0 ||
        tdagi_cell_dim(c->env, t, (uint32_t)w.end) < 0) {
        c->bad = true;
        return tdagi_env_issue(c->env, "%s of axes of symbolic size", c->schema->name);
    }
    return tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
}

/* as_strided_scatter: a copy of self, of which what as_strided shows is src. */
tdagi_any tdagi_aten_strided_scatter(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"), src = tdagi_arg_tensor(c, "src");
    if (c->bad) return tdagi_any_poison();
    tdagi_any whole = tdagi_result(c, x);
    tdagi_replace_arg(c, "self", whole);
    tdagi_any part = tdagi_aten_as_strided(c);
    if (part.kind != TDAGI_ANY_TENSOR) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, part.u.tensor);
    src = tdagi_expand(c->b, tdagi_cast(c->b, src, tdagi_dtype(c, x)), rank,
                       tdagi_cell_shape(c->env, part.u.tensor));
    if (src.id == 0) return tdagi_any_poison();
    tdagi_cell_write(c->env, part.u.tensor, src);
    return whole;
}
