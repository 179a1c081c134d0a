/* Helpers of the shape rules and cost functions of all ops; see ops.h. */
#include "ops/ops.h"

#include <inttypes.h>
#include <string.h>

#include "base/dim/pool.h"

const char *tdagi_ops_dim(const tdagi_pool *pool, tdag_dim d, tdagi_ops_text *text)
{
    if (d == TDAGI_DIM_BAD) return "?";
    (void)tdagi_dim_text(pool, d, text->s, sizeof text->s);
    return text->s;
}

tdag_status tdagi_ops_check_per_axis(const tdagi_shape_call *c, const char *op,
                                     const char *field, tdag_list list)
{
    if (list.n == c->inputs[0].rank) return TDAG_OK;
    return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                      "%s: %s has %" PRIu32 " entries, the input has %" PRIu32 " axes",
                      op, field, list.n, c->inputs[0].rank);
}

tdag_status tdagi_ops_check_axes(const tdagi_shape_call *c, const char *op,
                                 tdag_list axes, uint32_t rank)
{
    for (uint32_t i = 0; i < axes.n; i++) {
        if (axes.v[i] < 0 || axes.v[i] >= (int64_t)rank)
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "%s: axis %" PRId64 " is outside of a shape of %" PRIu32
                              " axes",
                              op, axes.v[i], rank);
        if (i > 0 && axes.v[i] <= axes.v[i - 1])
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "%s: axes must ascend, but %" PRId64 " follows %" PRId64,
                              op, axes.v[i], axes.v[i - 1]);
    }
    return TDAG_OK;
}

tdag_status tdagi_ops_check_axis(const tdagi_shape_call *c, const char *op,
                                 int64_t axis)
{
    return tdagi_ops_check_axes(c, op, (tdag_list){1, &axis}, c->inputs[0].rank);
}

tdag_status tdagi_ops_check_dims(const tdagi_shape_call *c, const char *op,
                                 const char *field, tdag_list dims)
{
    for (uint32_t i = 0; i < dims.n; i++) {
        if (!tdagi_dim_is_valid(c->pool, dims.v[i])) {
            TDAGI_TRY(tdagi_pool_report(c->ctx, c->pool));
            return tdagi_fail(c->ctx, TDAG_E_ARG,
                              "%s: entry %" PRIu32 " of %s is no dim", op, i, field);
        }
        if (tdagi_dim_sample(c->pool, dims.v[i]) < 0) {
            tdagi_ops_text text;
            return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                              "%s: entry %" PRIu32 " of %s is %s, which is negative",
                              op, i, field, tdagi_ops_dim(c->pool, dims.v[i], &text));
        }
    }
    return TDAG_OK;
}

tdag_status tdagi_ops_check_ends(const tdagi_shape_call *c, const char *op,
                                 const char *low_field, tdag_list low,
                                 const char *high_field, tdag_list high)
{
    TDAGI_TRY(tdagi_ops_check_per_axis(c, op, low_field, low));
    TDAGI_TRY(tdagi_ops_check_per_axis(c, op, high_field, high));
    TDAGI_TRY(tdagi_ops_check_dims(c, op, low_field, low));
    return tdagi_ops_check_dims(c, op, high_field, high);
}

tdag_status tdagi_ops_check_reduction(const tdagi_shape_call *c, const char *op,
                                      int64_t kind, bool with_mean)
{
    tdag_dtype dtype = c->inputs[0].dtype;
    if (kind < TDAG_REDUCE_SUM || kind > TDAG_REDUCE_MEAN ||
        (kind == TDAG_REDUCE_MEAN && !with_mean))
        return tdagi_fail(c->ctx, TDAG_E_ARG,
                          "%s: kind %" PRId64 " is not one of its kinds", op, kind);
    if (kind == TDAG_REDUCE_MEAN && !tdag_dtype_is_float(dtype))
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "%s mean needs a float dtype, the input is %s", op,
                          tdag_dtype_name(dtype));
    if (kind == TDAG_REDUCE_SUM && dtype == TDAG_BOOL)
        return tdagi_fail(c->ctx, TDAG_E_DTYPE,
                          "%s sum does not take bool; convert to i64 before", op);
    return TDAG_OK;
}

tdag_status tdagi_ops_check_rank(const tdagi_shape_call *c, const char *op,
                                 uint64_t rank)
{
    if (rank <= TDAG_MAX_RANK) return TDAG_OK;
    return tdagi_fail(c->ctx, TDAG_E_SHAPE,
                      "%s: the result would have %" PRIu64
                      " axes, at most %d are possible",
                      op, rank, TDAG_MAX_RANK);
}

bool tdagi_ops_is_dtype(int64_t dtype)
{
    return dtype >= TDAG_F64 && dtype <= TDAG_BOOL;
}

bool tdagi_ops_same_dim(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a == b) return true;
    if (a == TDAGI_DIM_BAD || b == TDAGI_DIM_BAD || (a >= 0 && b >= 0)) return false;
    if (tdagi_dim_sample(pool, a) != tdagi_dim_sample(pool, b)) return false;
    tdag_dim difference = tdagi_dim_sub(pool, a, b);
    if (difference == TDAGI_DIM_BAD) return false;
    if (difference == 0) return true;
    char text[1024];
    (void)tdagi_dim_text(pool, difference, text, sizeof text);
    return strstr(text, "floor(") != NULL || strstr(text, "max(") != NULL ||
           strstr(text, "min(") != NULL;
}

tdag_status tdagi_ops_finish(const tdagi_shape_call *c)
{
    for (uint32_t i = 0; i < c->out->rank; i++)
        if (c->out->shape[i] == TDAGI_DIM_BAD) {
            TDAGI_TRY(tdagi_pool_report(c->ctx, c->pool));
            return tdagi_fail(c->ctx, TDAG_E_ARG,
                              "axis %" PRIu32 " of the result is no dim", i);
        }
    return TDAG_OK;
}

void tdagi_ops_cost(const tdagi_cost_call *c, tdag_dim flops, const tdag_dim *reads)
{
    tdagi_cost *out = c->out;
    out->flops = flops;
    for (uint32_t i = 0; i < c->n_inputs; i++) {
        tdag_dim size = (tdag_dim)tdag_dtype_size(c->inputs[i].dtype);
        out->reads = tdagi_dim_add(c->pool, out->reads, reads[i]);
        out->read_bytes = tdagi_dim_add(c->pool, out->read_bytes,
                                        tdagi_dim_mul(c->pool, reads[i], size));
    }
    out->writes = tdagi_type_count(c->pool, c->output);
    out->write_bytes = tdagi_dim_mul(c->pool, out->writes,
                                     (tdag_dim)tdag_dtype_size(c->output->dtype));
}

tdag_dim tdagi_ops_excess(tdagi_pool *pool, tdag_dim a, tdag_dim b)
{
    if (a == TDAGI_DIM_BAD || b == TDAGI_DIM_BAD) return TDAGI_DIM_BAD;
    if (tdagi_dim_proves_ge(pool, a, b)) return tdagi_dim_sub(pool, a, b);
    if (tdagi_dim_proves_ge(pool, b, a)) return 0;
    return tdagi_dim_max(pool, tdagi_dim_sub(pool, a, b), 0);
}

void tdagi_cost_none(const tdagi_cost_call *c) { (void)c; }

static void whole_inputs(const tdagi_cost_call *c, tdag_dim *reads)
{
    for (uint32_t i = 0; i < c->n_inputs; i++)
        reads[i] = tdagi_type_count(c->pool, &c->inputs[i]);
}

void tdagi_cost_move(const tdagi_cost_call *c)
{
    tdag_dim reads[TDAGI_INLINE_INPUTS];
    whole_inputs(c, reads);
    tdagi_ops_cost(c, 0, reads);
}

void tdagi_cost_part(const tdagi_cost_call *c)
{
    tdag_dim reads[TDAGI_INLINE_INPUTS];
    whole_inputs(c, reads);
    reads[0] = tdagi_type_count(c->pool, c->output);
    tdagi_ops_cost(c, 0, reads);
}

void tdagi_cost_element(const tdagi_cost_call *c)
{
    tdag_dim reads[TDAGI_INLINE_INPUTS];
    whole_inputs(c, reads);
    tdagi_ops_cost(c, tdagi_type_count(c->pool, c->output), reads);
}
