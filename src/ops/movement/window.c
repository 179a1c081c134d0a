/* unfold and fold: sliding windows along each axis, and their transpose. Window w, tap
 * t of an unfolded axis is position w*k+t and reads w*s+t; fold sums the taps that
 * overlap.
 *
 * Kernel 1 on an axis without elements gives no windows (that is what strides do). A
 * fold of no windows has max(k-s, 0) elements, all zero.
 *
 * unfold reads the elements that some window covers: with stride <= kernel these are
 * (windows-1)*s+k of an axis, else windows*k, as the windows then skip some. */
#include "ops/ops.h"

#include <inttypes.h>

#include "ops/axis.h"
#include "ops/combine.h"
#include "ops/movement/index.h"

static const tdagi_field window_fields[] = {
    TDAGI_FIELD(tdag_window_spec, kernel, INTS),
    TDAGI_FIELD(tdag_window_spec, stride, INTS),
    {0},
};

static tdag_status check_windows(const tdagi_shape_call *c, const char *op)
{
    const tdag_window_spec *spec = c->spec;
    TDAGI_TRY(tdagi_ops_check_per_axis(c, op, "kernel", spec->kernel));
    TDAGI_TRY(tdagi_ops_check_per_axis(c, op, "stride", spec->stride));
    for (uint32_t i = 0; i < spec->kernel.n; i++)
        if (spec->kernel.v[i] < 1 || spec->stride.v[i] < 1)
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "%s: axis %" PRIu32 " has kernel %" PRId64
                              " and stride %" PRId64 ", both must be at least 1",
                              op, i, spec->kernel.v[i], spec->stride.v[i]);
    return TDAG_OK;
}

/* floor((n-k)/s)+1 */
static tdag_dim n_windows(tdagi_pool *pool, tdag_dim n, int64_t k, int64_t s)
{
    tdag_dim steps = tdagi_dim_floordiv(pool, tdagi_dim_sub(pool, n, k), s);
    return tdagi_dim_add(pool, steps, 1);
}

static tdag_status unfold_shape(const tdagi_shape_call *c)
{
    const tdag_window_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(check_windows(c, "unfold"));
    for (uint32_t i = 0; i < x->rank; i++) {
        int64_t k = spec->kernel.v[i];
        if (k > 1 && tdagi_dim_sample(c->pool, x->shape[i]) < k) {
            tdagi_ops_text text;
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "unfold: axis %" PRIu32
                              " has dim %s, less than its kernel %" PRId64,
                              i, tdagi_ops_dim(c->pool, x->shape[i], &text), k);
        }
        tdag_dim windows = n_windows(c->pool, x->shape[i], k, spec->stride.v[i]);
        c->out->shape[i] = tdagi_dim_mul(c->pool, windows, k);
    }
    c->out->dtype = x->dtype;
    c->out->rank = x->rank;
    return tdagi_ops_finish(c);
}

static void unfold_cost(const tdagi_cost_call *c)
{
    const tdag_window_spec *spec = c->spec;
    tdag_dim used = 1;
    for (uint32_t i = 0; i < c->output->rank; i++) {
        int64_t k = spec->kernel.v[i], s = spec->stride.v[i];
        tdag_dim part = c->output->shape[i];
        if (s < k) {
            tdag_dim steps = tdagi_dim_sub(
                c->pool, n_windows(c->pool, c->inputs[0].shape[i], k, s), 1);
            part = tdagi_dim_add(c->pool, tdagi_dim_mul(c->pool, steps, s), k);
        }
        used = tdagi_dim_mul(c->pool, used, part);
    }
    tdagi_ops_cost(c, 0, &used);
}

static tdag_status fold_shape(const tdagi_shape_call *c)
{
    const tdag_window_spec *spec = c->spec;
    const tdagi_type *x = &c->inputs[0];
    TDAGI_TRY(check_windows(c, "fold"));
    for (uint32_t i = 0; i < x->rank; i++) {
        int64_t k = spec->kernel.v[i], s = spec->stride.v[i];
        tdag_dim n = x->shape[i];
        if (tdagi_dim_sample(c->pool, n) % k != 0) {
            tdagi_ops_text text;
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "fold: axis %" PRIu32
                              " has dim %s, not a multiple of its kernel %" PRId64,
                              i, tdagi_ops_dim(c->pool, n, &text), k);
        }
        tdag_dim steps = tdagi_dim_sub(c->pool, tdagi_dim_floordiv(c->pool, n, k), 1);
        tdag_dim size = tdagi_dim_add(c->pool, tdagi_dim_mul(c->pool, steps, s), k);
        c->out->shape[i] = n == 0 && k < s ? 0 : size;
    }
    c->out->dtype = x->dtype;
    c->out->rank = x->rank;
    return tdagi_ops_finish(c);
}

static void fold_cost(const tdagi_cost_call *c)
{
    tdag_dim in = tdagi_type_count(c->pool, &c->inputs[0]);
    tdag_dim out = tdagi_type_count(c->pool, c->output);
    tdagi_ops_cost(c, tdagi_ops_excess(c->pool, in, out), &in);
}

static void unfold_index(const tdagi_index_call *c, tdagi_index_map *out)
{
    const tdag_window_spec *spec = c->spec;
    for (uint32_t i = 0; i < spec->kernel.n; i++) {
        tdagi_piece *p = tdagi_index_add(out, i, i);
        p->kernel = spec->kernel.v[i];
        p->stride = spec->stride.v[i];
        if (p->kernel > 1) p->kind = TDAGI_PIECE_WINDOWS;
    }
}

static tdag_status unfold_eval(const tdagi_eval_call *c)
{
    return tdagi_eval_by_index(c, unfold_index);
}

static tdag_status fold_eval(const tdagi_eval_call *c)
{
    tdagi_loop loop;
    tdagi_loop_by_spec(&loop, c->spec, unfold_index, c->inputs[0], c->out, c->out);
    return tdagi_accumulate(c, TDAG_REDUCE_SUM, &loop, 1);
}

static tdag_status window_drop_dim(const tdagi_axis_call *c, tdag_op op)
{
    const tdag_window_spec *spec = c->spec;
    const tdagi_mark *m = &c->marks[0];
    if (m->axis >= 0 && (spec->kernel.v[m->axis] != 1 || spec->stride.v[m->axis] != 1))
        return tdagi_axis_refuse(c, tdag_op_name(op), "has windows along its axis");
    tdagi_axis_numbers kernel = tdagi_mark_entries(m, spec->kernel, 1);
    tdagi_axis_numbers stride = tdagi_mark_entries(m, spec->stride, 1);
    const tdag_window_spec without = {tdagi_axis_list(&kernel),
                                      tdagi_axis_list(&stride)};
    return tdagi_axis_done(c, op, &without, c->inputs, m);
}

static tdag_status unfold_drop_dim(const tdagi_axis_call *c)
{
    return window_drop_dim(c, TDAG_OP_UNFOLD);
}

static tdag_status fold_drop_dim(const tdagi_axis_call *c)
{
    return window_drop_dim(c, TDAG_OP_FOLD);
}

static tdag_status window_add_dim(const tdagi_axis_call *c, tdag_op op)
{
    const tdag_window_spec *spec = c->spec;
    tdagi_axis_numbers kernel = tdagi_axis_lead(1, spec->kernel);
    tdagi_axis_numbers stride = tdagi_axis_lead(1, spec->stride);
    const tdag_window_spec with = {tdagi_axis_list(&kernel), tdagi_axis_list(&stride)};
    return tdagi_axis_put_one(c, op, &with);
}

static tdag_status unfold_add_dim(const tdagi_axis_call *c)
{
    return window_add_dim(c, TDAG_OP_UNFOLD);
}

static tdag_status fold_add_dim(const tdagi_axis_call *c)
{
    return window_add_dim(c, TDAG_OP_FOLD);
}

const tdagi_opdef tdagi_op_unfold = {
    .brief = "windows of k elements every s elements of each axis, laid side by side",
    .op_class = TDAGI_CLASS_MOVE,
    .spec_size = sizeof(tdag_window_spec),
    .fields = window_fields,
    .shape = unfold_shape,
    .cost = unfold_cost,
    .eval = unfold_eval,
    .index = unfold_index,
    .drop_dim = unfold_drop_dim,
    .counts_dim = true,
    .add_dim = unfold_add_dim,
};
const tdagi_opdef tdagi_op_fold = {
    .brief = "the transpose of unfold: windows put back, overlapping elements summed",
    .op_class = TDAGI_CLASS_FOLD,
    .spec_size = sizeof(tdag_window_spec),
    .fields = window_fields,
    .shape = fold_shape,
    .cost = fold_cost,
    .eval = fold_eval,
    .index = unfold_index,
    .drop_dim = fold_drop_dim,
    .add_dim = fold_add_dim,
};
