/* Movement: slices, pads, repeats, windows, and what positions tell. */
#include <string.h>

#include "coreml/write/mil.h"

/* ---- what emitters are made of ---- */

tdagi_mil tdagi_mil_cast(tdagi_mil_writer *w, tdagi_mil x, tdag_dtype dtype)
{
    if (x == NULL || x->type.dtype == dtype) return x;
    tdagi_type type = x->type;
    type.dtype = dtype;
    if (dtype == TDAG_BOOL) return tdagi_mil_op(w, &type, "not_equal(x=%v, y=0.0)", x);
    if (tdagi_mil_dtype(w, dtype) == tdagi_mil_dtype(w, x->type.dtype)) {
        tdagi_mil_value *v = tdagi_mil_alloc(w, sizeof *v);
        if (v == NULL) return NULL;
        *v = *x;
        v->type.dtype = dtype;
        return v;
    }
    return tdagi_mil_op(w, &type, "cast(x=%v, dtype=%s)", x,
                        tdagi_mil_dtype_name(w, dtype));
}

tdagi_mil tdagi_mil_numeric(tdagi_mil_writer *w, tdagi_mil x)
{
    return x != NULL && x->type.dtype == TDAG_BOOL ? tdagi_mil_cast(w, x, TDAG_I64) : x;
}

/* x as numbers where k is bool, and k's value from what is made of them. */
static tdagi_mil numbers_of(tdagi_mil_writer *w, const tdagi_kernel *k, uint32_t i,
                            tdagi_type *type)
{
    tdagi_mil_type_of(k, type);
    if (type->dtype == TDAG_BOOL) type->dtype = TDAG_I64;
    return tdagi_mil_numeric(w, tdagi_mil_in(w, k, i));
}

static void set_from_numbers(tdagi_mil_writer *w, const tdagi_kernel *k, tdagi_mil v)
{
    tdagi_mil_set(w, k, tdagi_mil_cast(w, v, (tdag_dtype)k->dtype));
}

tdagi_mil tdagi_mil_slice_of(tdagi_mil_writer *w, const tdagi_type *type, tdagi_mil x,
                             const tdag_dim *start, const tdag_dim *end,
                             const int64_t *step)
{
    int64_t ones[TDAG_MAX_RANK];
    tdag_dim stop[TDAG_MAX_RANK], size[TDAG_MAX_RANK];
    bool to_end[TDAG_MAX_RANK], no[TDAG_MAX_RANK] = {false}, is_found = false;
    if (x == NULL) return NULL;
    const uint32_t rank = x->type.rank;
    for (uint32_t i = 0; i < rank; i++) {
        size[i] = tdagi_dim_sub(w->now.r->pool, end[i], start[i]);
        is_found =
            is_found || (w->method != NULL && step == NULL &&
                         (start[i] < 0 || (end[i] < 0 && end[i] != x->type.shape[i])));
        ones[i] = step == NULL ? 1 : step[i];
        to_end[i] = end[i] == x->type.shape[i];
        stop[i] = to_end[i] && end[i] < 0 ? 0 : end[i];
    }
    const tdag_list strides = {rank, ones};
    if (is_found) /* sizes as they are: no end is beyond the axis */
        return tdagi_mil_op(w, type, "slice_by_size(x=%v, begin=%v, size=%v)", x,
                            tdagi_mil_dims(w, rank, start),
                            tdagi_mil_dims(w, rank, size));
    return tdagi_mil_op(
        w, type,
        "slice_by_index(x=%v, begin=%v, end=%v, stride=%l, begin_mask=%v, end_mask=%v, "
        "squeeze_mask=%v)",
        x, tdagi_mil_dims(w, rank, start), tdagi_mil_dims(w, rank, stop), &strides,
        tdagi_mil_bools(w, rank, no), tdagi_mil_bools(w, rank, to_end),
        tdagi_mil_bools(w, rank, no));
}

tdagi_mil tdagi_mil_slice1(tdagi_mil_writer *w, tdagi_mil x, int64_t axis,
                           tdag_dim start, tdag_dim end)
{
    static const tdag_dim zeroes[TDAG_MAX_RANK] = {0};
    tdag_dim from[TDAG_MAX_RANK], to[TDAG_MAX_RANK];
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    memcpy(from, zeroes, sizeof from);
    memcpy(to, x->type.shape, sizeof to);
    from[axis] = start;
    to[axis] = end;
    type.shape[axis] = tdagi_dim_sub(w->now.r->pool, end, start);
    return tdagi_mil_slice_of(w, &type, x, from, to, NULL);
}

/* x with the shape that broadcasting gives it. */
tdagi_mil tdagi_mil_expand(tdagi_mil_writer *w, tdagi_mil x, uint32_t rank,
                           const tdag_dim *shape)
{
    tdag_dim from[TDAG_MAX_RANK], counts[TDAG_MAX_RANK];
    bool is_same = true;
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    const uint32_t more = rank - x->type.rank;
    for (uint32_t i = 0; i < rank; i++) {
        from[i] = i < more ? 1 : x->type.shape[i - more];
        counts[i] = from[i] == shape[i] ? 1 : shape[i];
        is_same = is_same && counts[i] == 1;
        type.shape[i] = shape[i];
    }
    type.rank = rank;
    const tdag_list reps = {rank, counts};
    if (is_same) return tdagi_mil_reshape(w, x, rank, from);
    return tdagi_mil_op(w, &type, "tile(x=%v, reps=%l)",
                        tdagi_mil_reshape(w, x, rank, from), &reps);
}

tdagi_mil tdagi_mil_gather_of(tdagi_mil_writer *w, const tdagi_type *type, tdagi_mil x,
                              tdagi_mil indices, int64_t axis, int64_t batch)
{
    if (batch > 0 && !tdagi_mil_require(w, 16, "gather within a batch")) return NULL;
    if (w->target >= 17)
        return tdagi_mil_op(w, type,
                            "gather(x=%v, indices=%v, axis=%i, batch_dims=%i, "
                            "validate_indices=false)",
                            x, indices, axis, batch);
    if (w->target == 16 || batch > 0)
        return tdagi_mil_op(w, type, "gather(x=%v, indices=%v, axis=%i, batch_dims=%i)",
                            x, indices, axis, batch);
    return tdagi_mil_op(w, type, "gather(x=%v, indices=%v, axis=%i)", x, indices, axis);
}

tdagi_mil tdagi_mil_scatter_of(tdagi_mil_writer *w, tdagi_mil data, tdagi_mil indices,
                               tdagi_mil updates, int64_t axis, const char *mode)
{
    if (data == NULL) return NULL;
    return tdagi_mil_op(w, &data->type,
                        w->target >= 17
                            ? "scatter(data=%v, indices=%v, updates=%v, axis=%i, "
                              "mode=%s, validate_indices=false)"
                            : "scatter(data=%v, indices=%v, updates=%v, axis=%i, "
                              "mode=%s)",
                        data, indices, updates, axis, mode);
}

tdagi_mil tdagi_mil_full(tdagi_mil_writer *w, const tdagi_type *type, double value)
{
    return tdagi_mil_op(w, type, "fill(shape=%v, value=%v)",
                        tdagi_mil_dims(w, type->rank, type->shape),
                        tdagi_mil_scalar(w, type->dtype, value));
}

/* What has no elements, some of whose sizes are open: a constant, tiled along those. */
tdagi_mil tdagi_mil_empty(tdagi_mil_writer *w, const tdagi_type *type)
{
    tdag_dim from[TDAG_MAX_RANK], counts[TDAG_MAX_RANK];
    const tdag_list reps = {type->rank, counts};
    tdagi_type numbers = *type;
    if (type->dtype == TDAG_BOOL) numbers.dtype = TDAG_I64;
    for (uint32_t i = 0; i < type->rank; i++) {
        from[i] = type->shape[i] < 0 ? 1 : type->shape[i];
        counts[i] = type->shape[i] < 0 ? type->shape[i] : 1;
    }
    tdagi_mil x =
        tdagi_mil_numbers(w, numbers.dtype, type->rank, from, (const double[]){0});
    return tdagi_mil_cast(w, tdagi_mil_op(w, &numbers, "tile(x=%v, reps=%l)", x, &reps),
                          type->dtype);
}

bool tdagi_mil_is_empty(const tdagi_type *type)
{
    bool has_zero = false, is_open = false;
    for (uint32_t i = 0; i < type->rank; i++) {
        has_zero = has_zero || type->shape[i] == 0;
        is_open = is_open || type->shape[i] < 0;
    }
    return has_zero && is_open && type->rank <= TDAGI_MIL_MAX_RANK;
}

/* ---- core ops ---- */

void tdagi_mil_permute(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_permute_spec *s = k->spec;
    tdagi_mil_set(w, k, tdagi_mil_transpose(w, tdagi_mil_in(w, k, 0), s->order.v));
}

void tdagi_mil_slice(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_slice_spec *s = k->spec;
    tdagi_type type;
    tdagi_mil x = numbers_of(w, k, 0, &type);
    set_from_numbers(w, k, tdagi_mil_slice_of(w, &type, x, s->start.v, s->end.v, NULL));
}

/* x at a place that is computed; the axis goes with it. */
static tdagi_mil element(tdagi_mil_writer *w, tdagi_mil x, uint32_t axis,
                         tdag_dim index)
{
    const uint32_t rank = x->type.rank;
    tdag_dim from[TDAG_MAX_RANK] = {0}, end[TDAG_MAX_RANK] = {0};
    bool no[TDAG_MAX_RANK] = {false}, to_end[TDAG_MAX_RANK], is_gone[TDAG_MAX_RANK];
    tdagi_type type = {x->type.dtype, 0, {0}};
    for (uint32_t i = 0; i < rank; i++) {
        is_gone[i] = i == axis;
        to_end[i] = i != axis;
        if (i != axis) type.shape[type.rank++] = x->type.shape[i];
    }
    from[axis] = index;
    end[axis] = tdagi_dim_add(w->now.r->pool, index, 1);
    return tdagi_mil_op(w, &type,
                        "slice_by_index(x=%v, begin=%v, end=%v, begin_mask=%v, "
                        "end_mask=%v, squeeze_mask=%v)",
                        x, tdagi_mil_dims(w, rank, from), tdagi_mil_dims(w, rank, end),
                        tdagi_mil_bools(w, rank, no), tdagi_mil_bools(w, rank, to_end),
                        tdagi_mil_bools(w, rank, is_gone));
}

void tdagi_mil_select(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_select_spec *s = k->spec;
    tdagi_type type, next;
    tdagi_mil x = numbers_of(w, k, 0, &type);
    if (x == NULL) return;
    if (s->index >= 0) {
        set_from_numbers(w, k, tdagi_mil_slice1(w, x, s->axis, s->index, s->index + 1));
        return;
    }
    tdagi_mil v = element(w, x, (uint32_t)s->axis, s->index);
    if (v == NULL) return;
    v = tdagi_mil_cast(w, v, (tdag_dtype)k->dtype);
    const uint32_t user = w->now.uses[w->now.at] == 1 ? w->now.user[w->now.at] : 0;
    if (user != 0 && tdagi_mil_is_reshape(tdagi_mil_kernel(w, user))) {
        tdagi_mil_type_of(tdagi_mil_kernel(w, user), &next);
        if (v != NULL && tdagi_mil_same_shape(&next, &v->type)) w->now.value[user] = v;
    }
    if (user == 0 || w->now.value[user] == NULL)
        v = tdagi_mil_reshape(w, v, k->rank, k->shape);
    tdagi_mil_set(w, k, v);
}

void tdagi_mil_repeat(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_repeat_spec *s = k->spec;
    tdagi_type type;
    tdagi_mil x = numbers_of(w, k, 0, &type);
    set_from_numbers(w, k,
                     tdagi_mil_op(w, &type, "tile(x=%v, reps=%l)", x, &s->counts));
}

/* ---- pads ---- */

/* Joined with what is put before and after one axis; NULL: nothing is. */
static tdagi_mil join(tdagi_mil_writer *w, tdagi_mil before, tdagi_mil x,
                      tdagi_mil after, int64_t axis)
{
    tdagi_mil parts[3];
    uint32_t n = 0;
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    if (before != NULL) parts[n++] = before;
    parts[n++] = x;
    if (after != NULL) parts[n++] = after;
    if (n == 1) return x;
    for (uint32_t i = 0; i < n; i++)
        if (parts[i] != x)
            type.shape[axis] = tdagi_dim_add(w->now.r->pool, type.shape[axis],
                                             parts[i]->type.shape[axis]);
    return tdagi_mil_op(w, &type, "concat(values=%n, axis=%i, interleave=false)", n,
                        parts, axis);
}

/* Numbers around an axis, of any dtype. */
static tdagi_mil fill_axis(tdagi_mil_writer *w, tdagi_mil x, int64_t axis,
                           tdag_dim before, tdag_dim after, double value)
{
    if (x == NULL) return NULL;
    tdagi_type a = x->type, b = x->type;
    a.shape[axis] = before;
    b.shape[axis] = after;
    return join(w, before == 0 ? NULL : tdagi_mil_full(w, &a, value), x,
                after == 0 ? NULL : tdagi_mil_full(w, &b, value), axis);
}

/* The position in an axis of n that stands at i, which may be outside. */
static int64_t inside(int64_t i, int64_t n, int64_t mode)
{
    if (mode == TDAG_PAD_REPLICATE) return i < 0 ? 0 : i >= n ? n - 1 : i;
    if (mode == TDAG_PAD_CIRCULAR) return ((i % n) + n) % n;
    return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

static tdagi_mil take_axis(tdagi_mil_writer *w, tdagi_mil x, int64_t axis,
                           int64_t before, int64_t after, int64_t mode)
{
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    const int64_t n = type.shape[axis], total = before + n + after;
    if (n < 0 || before < 0 || after < 0) {
        tdagi_mil_fail(w, TDAG_E_UNSUPPORTED,
                       "padding of an axis of open size with its own elements; give "
                       "the size as a number (--at)");
        return NULL;
    }
    int64_t *at = tdagi_mil_alloc(w, (size_t)(total + 1) * sizeof *at);
    if (at == NULL) return NULL;
    for (int64_t i = 0; i < total; i++)
        at[i] = inside(i - before, n, mode);
    type.shape[axis] = total;
    return tdagi_mil_gather_of(w, &type, x, tdagi_mil_ints(w, (uint32_t)total, at),
                               axis, 0);
}

/* Before and after of all axes; the first that has any. */
static uint32_t amounts(const tdagi_kernel *k, tdag_dim *out)
{
    const tdag_pad_spec *s = k->spec;
    uint32_t first = k->rank;
    for (uint32_t i = k->rank; i-- > 0;) {
        out[2 * i] = s->before.v[i];
        out[2 * i + 1] = s->after.v[i];
        if (out[2 * i] != 0 || out[2 * i + 1] != 0) first = i;
    }
    return first;
}

static bool pads_by_operator(const tdagi_kernel *k, uint32_t first)
{
    const tdag_pad_spec *s = k->spec;
    if (k->dtype != TDAG_F32 || s->mode == TDAG_PAD_CIRCULAR) return false;
    return s->mode == TDAG_PAD_CONSTANT || first + 2 >= k->rank;
}

void tdagi_mil_pad(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    static const char *const modes[] = {[TDAG_PAD_CONSTANT] = "constant",
                                        [TDAG_PAD_REFLECT] = "reflect",
                                        [TDAG_PAD_REPLICATE] = "replicate"};
    const tdag_pad_spec *s = k->spec;
    tdag_dim by_axis[2 * TDAG_MAX_RANK];
    tdagi_type type;
    const uint32_t first = amounts(k, by_axis);
    tdagi_mil x = numbers_of(w, k, 0, &type);
    if (first == k->rank) {
        tdagi_mil_set(w, k, tdagi_mil_in(w, k, 0));
        return;
    }
    if (pads_by_operator(k, first)) {
        const uint32_t from = s->mode == TDAG_PAD_CONSTANT ? 0 : first;
        const tdag_list l = {2 * (k->rank - from), by_axis + 2 * from};
        tdagi_mil_emit(w, k, "pad(x=$0, pad=%l, mode=%s, constant_val=%f)", &l,
                       modes[s->mode], s->mode == TDAG_PAD_CONSTANT ? s->value : 0.0);
        return;
    }
    for (uint32_t i = 0; i < k->rank; i++) {
        const tdag_dim before = by_axis[2 * i], after = by_axis[2 * i + 1];
        if (before == 0 && after == 0) continue;
        x = s->mode == TDAG_PAD_CONSTANT ? fill_axis(w, x, i, before, after, s->value)
                                         : take_axis(w, x, i, before, after, s->mode);
    }
    set_from_numbers(w, k, x);
}

/* ---- windows ---- */

/* The windows of an axis by their positions. */
static tdagi_mil window_positions(tdagi_mil_writer *w, int64_t n, int64_t taps,
                                  int64_t stride)
{
    int64_t *at = tdagi_mil_alloc(w, (size_t)(n * taps + 1) * sizeof *at);
    if (at == NULL) return NULL;
    for (int64_t i = 0; i < n * taps; i++)
        at[i] = i / taps * stride + i % taps;
    return tdagi_mil_ints(w, (uint32_t)(n * taps), at);
}

static tdagi_mil unfold_axis(tdagi_mil_writer *w, tdagi_mil x, int64_t axis,
                             tdag_dim size, int64_t taps, int64_t stride)
{
    if (x == NULL) return NULL;
    tdagi_type type = x->type, apart = x->type;
    type.shape[axis] = size;
    if (size >= 0)
        return tdagi_mil_gather_of(
            w, &type, x, window_positions(w, size / taps, taps, stride), axis, 0);
    apart.rank++;
    for (uint32_t i = apart.rank - 1; i > axis; i--)
        apart.shape[i] = x->type.shape[i - 1];
    apart.shape[axis] = tdagi_dim_floordiv(w->now.r->pool, size, taps);
    apart.shape[axis + 1] = taps;
    x = tdagi_mil_op(w, &apart, "sliding_windows(x=%v, axis=%i, size=%i, stride=%i)", x,
                     axis, taps, stride);
    return tdagi_mil_reshape(w, x, type.rank, type.shape);
}

void tdagi_mil_unfold(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    static const tdag_dim zeroes[TDAG_MAX_RANK] = {0};
    const tdag_window_spec *s = k->spec;
    int64_t steps[TDAG_MAX_RANK];
    bool strides = false;
    tdagi_type type;
    tdagi_mil x = numbers_of(w, k, 0, &type);
    for (uint32_t i = 0; i < k->rank && x != NULL; i++) {
        steps[i] = s->kernel.v[i] == 1 ? s->stride.v[i] : 1;
        strides = strides || steps[i] != 1;
        if (s->kernel.v[i] != 1)
            x = unfold_axis(w, x, i, k->shape[i], s->kernel.v[i], s->stride.v[i]);
    }
    if (strides && x != NULL)
        x = tdagi_mil_slice_of(w, &type, x, zeroes, x->type.shape, steps);
    set_from_numbers(w, k, x);
}

static tdagi_mil fold_axis(tdagi_mil_writer *w, tdagi_mil x, int64_t axis,
                           tdag_dim size, int64_t taps, int64_t stride)
{
    if (x == NULL) return NULL;
    tdagi_type type = x->type;
    if (type.shape[axis] < 0) {
        tdagi_mil_fail(w, TDAG_E_UNSUPPORTED,
                       "windows of an axis of open size are summed; give the size as a "
                       "number (--at)");
        return NULL;
    }
    tdagi_mil at = window_positions(w, type.shape[axis] / taps, taps, stride);
    type.shape[axis] = size;
    return tdagi_mil_scatter_of(w, tdagi_mil_full(w, &type, 0), at, x, axis, "add");
}

void tdagi_mil_fold(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_window_spec *s = k->spec;
    tdagi_mil x = tdagi_mil_in(w, k, 0);
    for (uint32_t i = 0; i < k->rank; i++)
        if (s->kernel.v[i] != 1 || s->stride.v[i] != 1)
            x = fold_axis(w, x, i, k->shape[i], s->kernel.v[i], s->stride.v[i]);
    tdagi_mil_set(w, k, x);
}

/* ---- positions ---- */

void tdagi_mil_gather(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    const tdag_gather_spec *s = k->spec;
    tdagi_type type;
    tdagi_mil x = numbers_of(w, k, 0, &type);
    set_from_numbers(
        w, k,
        tdagi_mil_gather_of(w, &type, x, tdagi_mil_in(w, k, 1), s->batch, s->batch));
}

/* The index with the positions of what the batch's axes and the indexed one are as one:
 * index + position in the batch * n. */
static tdagi_mil flat_index(tdagi_mil_writer *w, tdagi_mil index, int64_t batch,
                            tdag_dim n)
{
    tdag_dim size = 1, lanes[TDAG_MAX_RANK];
    for (int64_t i = 0; i < batch; i++)
        size = tdagi_dim_mul(w->now.r->pool, size, index->type.shape[i]);
    for (uint32_t i = 0; i < index->type.rank; i++)
        lanes[i] = i < batch ? index->type.shape[i] : 1;
    const tdagi_type type = {TDAG_I64, 1, {size}};
    tdagi_mil row = tdagi_mil_op(w, &type, "range_1d(start=0, end=%d, step=1)", size);
    row = tdagi_mil_op(w, &type, "mul(x=%v, y=%d)", row, n);
    row = tdagi_mil_reshape(w, row, index->type.rank, lanes);
    return tdagi_mil_op(w, &index->type, "add(x=%v, y=%v)", index, row);
}

void tdagi_mil_scatter(tdagi_mil_writer *w, const tdagi_kernel *k)
{
    static const char *const modes[] = {[TDAG_SCATTER_SET] = "update",
                                        [TDAG_SCATTER_ADD] = "add",
                                        [TDAG_SCATTER_MULTIPLY] = "mul",
                                        [TDAG_SCATTER_MIN] = "min",
                                        [TDAG_SCATTER_MAX] = "max"};
    const tdag_scatter_spec *s = k->spec;
    const uint32_t b = (uint32_t)s->batch;
    tdagi_pool *pool = w->now.r->pool;
    tdagi_type type;
    tdag_dim data[TDAG_MAX_RANK], updates[TDAG_MAX_RANK], n;
    tdagi_mil x = numbers_of(w, k, 0, &type), index = tdagi_mil_in(w, k, 1),
              y = tdagi_mil_numeric(w, tdagi_mil_in(w, k, 2));
    if (x == NULL || index == NULL || y == NULL) return;
    if (b > 0) index = flat_index(w, index, b, k->shape[b]);
    if (index == NULL) return;
    n = tdagi_dim_product(pool, index->type.rank, index->type.shape);
    data[0] = tdagi_dim_product(pool, b + 1, k->shape);
    updates[0] = n;
    for (uint32_t i = b + 1; i < k->rank; i++)
        data[i - b] = updates[i - b] = k->shape[i];
    x = tdagi_mil_reshape(w, x, k->rank - b, data);
    y = tdagi_mil_reshape(w, y, k->rank - b, updates);
    index = tdagi_mil_reshape(w, index, 1, &n);
    x = tdagi_mil_scatter_of(w, x, index, y, 0, modes[s->mode]);
    set_from_numbers(w, k, tdagi_mil_reshape(w, x, k->rank, k->shape));
}
