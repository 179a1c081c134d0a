/* Operators whose result is a part of a tensor's memory: slices, selected positions,
 * pieces. */
#include "aten/control/stack.h"
#include "aten/control/statement.h"
#include "aten/rows/python/python.h"
#include "aten/rows/steps.h"

#define MOST_PIECES 1000000

/* A Python bound: from the end where negative, then within 0..n. A symbolic bound of a
 * fixed extent that lies within it at the samples (the first S of a table of 64
 * positions) is taken to do so always: the slice then fails at other sizes, where
 * PyTorch would clamp it and, as a rule, fail at what comes next. */
tdag_dim tdagi_slice_bound(tdagi_call *c, tdag_dim d, tdag_dim n)
{
    tdagi_pool *p = c->env->pool;
    int64_t i;
    if (d == 0) return 0; /* whatever the extent is, it is no less */
    bool negative = tdagi_dim_is_const(p, d, &i)   ? i < 0
                    : tdagi_dim_proves_ge(p, d, 0) ? false
                                                   : tdagi_dim_sample(p, d) < 0;
    if (negative) d = tdagi_dim_add(p, d, n);
    if (negative && !tdagi_dim_is_at_most(p, 0, d)) d = tdagi_dim_max(p, d, 0);
    if (d != INT64_MAX && d >= 0 && n < 0 && tdagi_dim_is_at_most(p, d, n)) return d;
    if (d == INT64_MAX || tdagi_dim_is_at_most(p, n, d)) return n;
    if (n >= 0 && tdagi_dim_sample(p, d) <= n) return d;
    return tdagi_dim_is_at_most(p, d, n) ? d : tdagi_dim_min(p, d, n);
}

static tdagi_any sliced(tdagi_call *c, tdagi_cell *t, uint32_t axis, tdag_dim start,
                        tdag_dim end)
{
    tdagi_view_step w = {.kind = TDAGI_VIEW_SLICE, .axis = axis, .step = 1};
    w.start = start;
    w.end = end;
    return tdagi_view(c, t, &w);
}

/* A bound that data decides, within 0..n, as a rank-0 i64. */
static tdag_value bound_value(tdagi_call *c, tdagi_any v, tdag_dim n,
                              tdag_dim otherwise)
{
    tdag_value count = tdagi_dim_value(c->b, n);
    if (v.kind == TDAGI_ANY_NONE) return tdagi_dim_value(c->b, otherwise);
    int64_t known;
    if (tdagi_any_const_int(c->env, v, &known) && known == INT64_MAX) return count;
    tdag_value at = tdagi_as(c, v, TDAG_I64), zero = tdag_add_scalar(c->b, TDAG_I64, 0);
    if (c->bad || at.id == 0) return TDAG_NO_VALUE;
    at = step_where(c, step_less(c, at, zero), tdagi_add(c->b, at, count), at);
    return step_min(c, step_max(c, at, zero), count);
}

static bool is_data(tdagi_call *c, const char *name)
{
    tdagi_any v = tdagi_any_evaluated(c->env, tdagi_arg(c, name));
    return c->env->outline != NULL && tdagi_any_is_tensor(v);
}

/* x[start : end] where data decides: the start and the length are sizes. */
static tdagi_any slice_by_data(tdagi_call *c, tdagi_cell *t, uint32_t axis)
{
    tdag_dim n = tdagi_cell_dim(c->env, t, axis);
    tdag_value from = bound_value(c, tdagi_arg(c, "start"), n, 0),
               to = bound_value(c, tdagi_arg(c, "end"), n, n);
    int64_t step = tdagi_arg_int(c, "step", 1);
    if (c->bad || from.id == 0 || to.id == 0) return tdagi_any_poison();
    tdag_dim start = 0;
    if (is_data(c, "start"))
        start = tdagi_size_add(c->env, from, n);
    else if (tdagi_has(c, "start"))
        start = tdagi_slice_bound(c, tdagi_arg_dim(c, "start", 0), n);
    tdag_value none = tdag_add_scalar(c->b, TDAG_I64, 0);
    tdag_value count = start == 0 ? to : step_max(c, tdagi_sub(c->b, to, from), none);
    if (start == TDAGI_DIM_BAD) return tdagi_any_poison();
    tdag_dim length =
        tdagi_size_add(c->env, count, tdagi_dim_sub(c->env->pool, n, start));
    if (c->bad || length == TDAGI_DIM_BAD) return tdagi_any_poison();
    tdagi_view_step w = {.kind = TDAGI_VIEW_SLICE, .axis = axis, .step = step};
    w.start = start;
    w.end = tdag_dim_add(c->b, start, length);
    if (step < 1) return tdagi_call_fail(c, TDAG_E_ARG, "a slice with step below 1");
    return tdagi_view(c, t, &w);
}

static tdag_value make_picked(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    const tdag_value in[2] = {x, w->index};
    const tdagi_axis_spec s = {w->axis};
    return tdagi_lower(b, TDAGI_INDEX_SELECT, in, 2, &s);
}

/* x[i : i + 1] of a loop's index, as one row, where it lies in the axis or nothing else
 * can be said of it: beyond the axis a run fails then. False: it is no such slice. */
static bool slice_of_row(tdagi_call *c, tdagi_cell *t, uint32_t axis, tdagi_any *out)
{
    tdagi_any start = tdagi_arg(c, "start"), end = tdagi_arg(c, "end");
    if (start.kind != TDAGI_ANY_DATA || end.kind != TDAGI_ANY_DATA ||
        tdagi_arg_int(c, "step", 1) != 1)
        return false;
    tdag_value at = tdagi_as(c, start, TDAG_I64);
    if (!tdagi_env_is_counter(c->env, at)) return false;
    tdag_value next = tdagi_add(c->b, at, tdag_add_scalar(c->b, TDAG_I64, 1));
    if (!tdagi_same_value(c->b->graph, tdagi_as(c, end, TDAG_I64), next)) return false;
    bool is_inside = tdagi_env_counts_to(c->env, at, tdagi_cell_dim(c->env, t, axis));
    c->env->may_have_missed |= !is_inside;
    if (!is_inside && c->env->may_miss_rows) return false;
    const tdagi_view_step w = {
        .make = make_picked, .axis = axis, .index = tdagi_unsqueeze1(c->b, at, 0)};
    *out = tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
    return true;
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
    tdagi_any out;
    if (slice_of_row(c, t, axis, &out)) return out;
    if (is_data(c, "start") || is_data(c, "end")) return slice_by_data(c, t, axis);
    tdagi_view_step w = {.kind = TDAGI_VIEW_SLICE, .axis = axis};
    w.start = tdagi_slice_bound(c, tdagi_arg_dim(c, "start", 0), n);
    w.end = tdagi_slice_bound(c, tdagi_arg_dim(c, "end", INT64_MAX), n);
    w.step = tdagi_arg_int(c, "step", 1);
    if (c->bad) return tdagi_any_poison();
    if (w.step < 1) return tdagi_call_fail(c, TDAG_E_ARG, "a slice with step below 1");
    /* an end has the sign that it has at the samples: at others a run fails */
    if (w.start != 0 && w.end != n &&
        !tdagi_dim_is_at_most(c->env->pool, w.start, w.end))
        w.end = tdagi_dim_max(c->env->pool, w.end, w.start);
    if (w.start == 0 && w.end == n && w.step == 1) return tdagi_alias(c, t);
    return tdagi_view(c, t, &w);
}

/* NULL: an issue was noted. */
static tdagi_cell *self_with_axes(tdagi_call *c)
{
    tdagi_cell *t = tdagi_arg_cell(c, "self");
    if (t == NULL || tdagi_cell_rank(c->env, t) > 0) return t;
    tdagi_refuse(c, "self");
    return NULL;
}

/* x[at : at + length] where the start depends on data. */
static tdagi_any narrow_by_data(tdagi_call *c, tdagi_cell *t, uint32_t axis,
                                tdagi_any start, tdag_dim length)
{
    tdag_value at = tdagi_as(c, start, TDAG_I64);
    if (c->bad || at.id == 0 || tdagi_rank(c, at) > 0) return tdagi_refuse(c, "start");
    at = tdagi_wrap_index(c, at, tdagi_cell_dim(c->env, t, axis));
    at = tdagi_add(c->b, tdag_iota(c->b, length, TDAG_I64), at);
    const tdagi_view_step w = {.make = make_picked, .axis = axis, .index = at};
    return tdagi_any_tensor(tdagi_cell_made(c->env, t, &w));
}

tdagi_any tdagi_aten_narrow(tdagi_call *c)
{
    tdagi_cell *t = self_with_axes(c);
    if (t == NULL) return tdagi_any_poison();
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_cell_rank(c->env, t));
    if (c->bad) return tdagi_any_poison();
    tdag_dim n = tdagi_cell_dim(c->env, t, axis);
    tdagi_any first = tdagi_any_evaluated(c->env, tdagi_arg(c, "start"));
    tdag_dim most = n;
    if (first.kind == TDAGI_ANY_INT && first.u.i >= 0)
        most = tdagi_dim_sub(c->env->pool, n, first.u.i);
    tdagi_any size = tdagi_as_size(c, tdagi_arg(c, "length"), most);
    if (c->bad || size.kind != TDAGI_ANY_INT) return tdagi_refuse(c, "length");
    tdag_dim length = size.u.i;
    if (first.kind != TDAGI_ANY_INT) return narrow_by_data(c, t, axis, first, length);
    tdag_dim start = tdagi_slice_bound(c, first.u.i, n);
    return sliced(c, t, axis, start, tdag_dim_add(c->b, start, length));
}

static tdagi_any selected(tdagi_call *c, tdagi_cell *t, uint32_t axis, tdag_dim index)
{
    tdagi_view_step w = {.kind = TDAGI_VIEW_SELECT, .axis = axis, .start = index};
    return tdagi_view(c, t, &w);
}

static tdag_value make_selected(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    const int64_t gone = w->axis;
    return tdag_squeeze(b, make_picked(b, w, x), (tdag_list){1, &gone});
}

/* x[i] where i is a number that depends on data: read by position. */
static tdagi_any select_by_data(tdagi_call *c, tdagi_cell *t, uint32_t axis,
                                tdagi_any where)
{
    tdag_value at = tdagi_as(c, where, TDAG_I64);
    if (c->bad || at.id == 0) return tdagi_any_poison();
    at = tdagi_wrap_index(c, at, tdagi_cell_dim(c->env, t, axis));
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
    bool is_out = at < 0 || at >= tdagi_dim_sample(p, n);
    bool is_told = c->env->outline != NULL && c->env->journal != NULL;
    if (is_out && (is_told || n < 0)) /* a run knows it */
        return select_by_data(c, t, axis, tdagi_arg(c, "index"));
    if (is_out)
        return tdagi_call_fail(c, TDAG_E_SHAPE,
                               "index %lld is out of range for axis %u", (long long)at,
                               (unsigned)axis);
    return selected(c, t, axis, index);
}

tdagi_any tdagi_aten_unbind(tdagi_call *c)
{
    tdagi_cell *t = self_with_axes(c);
    if (t == NULL) return tdagi_any_poison();
    uint32_t axis = tdagi_arg_axis(c, "dim", tdagi_cell_rank(c->env, t));
    int64_t n = 0;
    if (c->bad ||
        !tdagi_dim_is_const(c->env->pool, tdagi_cell_dim(c->env, t, axis), &n)) {
        if (!c->bad && c->env->outline != NULL)
            return tdagi_stack_unbind(c->env, tdagi_any_tensor(t), axis, 0);
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

static tdagi_any refuse_open_axis(tdagi_call *c)
{
    c->bad = true;
    return tdagi_env_issue(
        c->env,
        "%s of an axis of symbolic size, whose pieces are as many as "
        "the size says",
        c->schema->name);
}

/* k pieces as even as they can be: the first n % k are longer by one. */
static tdagi_any even_pieces(tdagi_call *c, tdagi_cell *t, uint32_t axis, int64_t k)
{
    tdag_dim n = tdagi_cell_dim(c->env, t, axis), rest = n;
    tdag_dim *sizes = tdagi_env_alloc(c->env, (size_t)k * sizeof(*sizes));
    for (int64_t i = 0; sizes != NULL && i < k; i++) {
        tdag_dim each = tdag_dim_floordiv(c->b, tdag_dim_add(c->b, n, k - 1 - i), k);
        sizes[i] = i + 1 < k ? each : rest;
        rest = tdag_dim_sub(c->b, rest, each);
    }
    return sizes == NULL ? tdagi_any_poison() : pieces(c, t, axis, (uint32_t)k, sizes);
}

/* x, whose axis has the size w->end: an error where it has not when the graph runs. */
static tdag_value make_allowed(tdag_builder *b, const tdagi_view_step *w, tdag_value x)
{
    return x.id == 0 ? x : tdagi_assume_dim(b, x, w->axis, w->end);
}

/* As many pieces of a symbolic axis as they are unpacked into, the last one of what is
 * left: sizes that give another number of them, at which PyTorch fails, do so here. */
static tdagi_any open_pieces(tdagi_call *c, tdagi_cell *t, uint32_t axis, tdag_dim each)
{
    tdagi_pool *p = c->env->pool;
    tdag_dim n = tdagi_cell_dim(c->env, t, axis);
    uint32_t k = c->env->n_unpacked;
    tdag_list sizes = k < 2 ? (tdag_list){0, NULL} : tdagi_list_of(c, k - 1, each);
    if (sizes.n == 0 || c->bad) return refuse_open_axis(c);
    tdag_dim start = tdagi_dim_mul(p, each, k - 1), last = tdagi_dim_sub(p, n, start);
    int64_t now = tdagi_dim_sample(p, last);
    if (now < 1 || now > tdagi_dim_sample(p, each))
        return tdagi_call_fail(c, TDAG_E_SHAPE, "%lld elements in %u pieces of %lld",
                               (long long)tdagi_dim_sample(p, n), (unsigned)k,
                               (long long)tdagi_dim_sample(p, each));
    tdagi_any out = pieces(c, t, axis, k - 1, sizes.v);
    tdagi_any rest = sliced(c, t, axis, start, n);
    tdagi_view_step w = {.make = make_allowed, .axis = axis};
    w.end = tdagi_dim_max(p, tdagi_dim_min(p, last, each), 1);
    if (w.end != last && rest.kind == TDAGI_ANY_TENSOR)
        rest = tdagi_any_tensor(tdagi_cell_made(c->env, rest.u.tensor, &w));
    if (out.kind == TDAGI_ANY_LIST) tdagi_seq_append(c->env, out.u.seq, rest);
    return out;
}

/* chunk of an axis whose size is a symbol: parts that are equal at all sizes, or two,
 * of which the second is empty at 1, where PyTorch gives one, or as many as are
 * unpacked. */
static tdagi_any open_chunks(tdagi_call *c, tdagi_cell *t, uint32_t axis, int64_t k)
{
    tdag_dim n = tdagi_cell_dim(c->env, t, axis), each = tdag_dim_floordiv(c->b, n, k);
    if (k <= MOST_PIECES && tdag_dim_mul(c->b, each, k) == n) {
        tdag_list sizes = tdagi_list_of(c, (uint32_t)k, each);
        return c->bad ? tdagi_any_poison() : pieces(c, t, axis, sizes.n, sizes.v);
    }
    each = tdag_dim_floordiv(c->b, tdag_dim_add(c->b, n, k - 1), k);
    if (k != 2 || tdagi_dim_sample(c->env->pool, n) < 2)
        return open_pieces(c, t, axis, each);
    return pieces(c, t, axis, 2, (tdag_dim[]){each, tdag_dim_sub(c->b, n, each)});
}

/* split by size or by sizes, chunk (row data 1) */
tdagi_any tdagi_aten_split(tdagi_call *c) /* of texts, too */
{
    if (c->n > 0 && c->args[0].kind == TDAGI_ANY_STRING) return tdagi_split_text(c);
    tdagi_cell *t = self_with_axes(c);
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
    if (!tdagi_dim_is_const(c->env->pool, d, &n))
        return c->data == 1 ? open_chunks(c, t, axis, each)
                            : open_pieces(c, t, axis, each);
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

/* Where a tensor says where to split: its numbers in its place, under the name that
 * numbers have. False: they are not known. */
static bool numbers_of_tensor(tdagi_call *c)
{
    static const char name[] = "tensor_indices_or_sections";
    if (!tdagi_has(c, name)) return true;
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind != TDAGI_ANY_TENSOR || c->n > 3) return false;
    tdagi_cell *t = v.u.tensor;
    bool list = t->known != NULL && t->known_rank == 1;
    tdagi_any number = tdagi_any_evaluated(c->env, v);
    if (list) number = tdagi_any_seq(c->env, TDAGI_ANY_LIST, t->n_known, t->known);
    if (!list && !tdagi_any_is_number(number)) return false;
    tdagi_parameter *p = tdagi_env_alloc(c->env, 3 * sizeof(*p));
    tdagi_any *args = tdagi_env_alloc(c->env, 3 * sizeof(*args));
    tdagi_schema *s = tdagi_env_alloc(c->env, sizeof(*s));
    if (p == NULL || args == NULL || s == NULL || c->schema->n_args != 3) return false;
    *s = *c->schema;
    for (uint32_t i = 0; i < 3; i++) {
        p[i] = s->args[i];
        args[i] = c->args[i];
    }
    p[1].name = list ? "indices" : "sections";
    args[1] = number;
    s->args = p;
    c->args = args;
    c->schema = s;
    return true;
}

/* tensor_split: as even as can be, or split at indices. hsplit
 * (row data 'h'), vsplit ('v') and dsplit ('d') name the axis; their parts are equal.
 */
tdagi_any tdagi_aten_tensor_split(tdagi_call *c)
{
    if (!numbers_of_tensor(c)) {
        c->bad = true;
        return tdagi_env_issue(c->env, "%s: a shape that depends on tensor data",
                               c->schema->name);
    }
    tdagi_cell *t = self_with_axes(c);
    if (t == NULL) return tdagi_any_poison();
    uint32_t rank = tdagi_cell_rank(c->env, t);
    uint32_t axis = c->data == 'h'   ? rank > 1
                    : c->data == 'v' ? 0
                    : c->data == 'd' ? 2
                                     : tdagi_arg_axis(c, "dim", rank);
    int64_t n = 0, k = 0;
    if (c->bad || axis >= rank) return tdagi_refuse(c, "self");
    if (!tdagi_has(c, "sections")) return split_at(c, t, axis);
    k = tdagi_arg_int(c, "sections", 1);
    if (c->bad || k < 1 || k > MOST_PIECES) return tdagi_refuse(c, "sections");
    tdag_dim d = tdagi_cell_dim(c->env, t, axis);
    bool is_known = tdagi_dim_is_const(c->env->pool, d, &n);
    if (c->data != 0 && is_known && n % k != 0)
        return tdagi_call_fail(c, TDAG_E_SHAPE, "%lld elements in %lld equal parts",
                               (long long)n, (long long)k);
    if (c->data != 0 && tdag_dim_mul(c->b, tdag_dim_floordiv(c->b, d, k), k) != d)
        return refuse_open_axis(c);
    return even_pieces(c, t, axis, k);
}
