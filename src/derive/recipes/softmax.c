/* softmax, log_softmax, logsumexp. All subtract the greatest element first, so nothing
 * overflows; half types are computed in f32, as PyTorch does. nansum. */
#include "derive/parts.h"

#include <math.h>

static const tdagi_field axis_fields[] = {
    TDAGI_FIELD_AS(tdagi_axis_spec, axis, INT, AXIS), {0}};

/* e / sum(e) with e = exp(x - max(x)). Close: the quotient is div's. A row that holds
 * NaN or +inf, or only -inf, is NaN, as in PyTorch. */
static tdag_value lower_softmax(tdag_builder *b, const tdag_value *in, uint32_t n,
                                const void *spec)
{
    (void)n;
    tdag_list axis = {1, &((const tdagi_axis_spec *)spec)->axis};
    if (!tdagi_axis_fits(b, in[0], axis.v[0], "softmax")) return TDAG_NO_VALUE;
    tdag_value x = tdagi_wide(b, in[0]);
    x = tdagi_sub(b, x, tdag_reduce(b, x, TDAG_REDUCE_MAX, axis));
    x = tdag_unary(b, TDAG_OP_EXP, x);
    x = tdagi_div(b, x, tdag_reduce(b, x, TDAG_REDUCE_SUM, axis));
    return tdagi_cast(b, x, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_softmax = {
    .spec_size = sizeof(tdagi_axis_spec),
    .fields = axis_fields,
    .n_leading = 1,
    .lower = lower_softmax,
};

tdag_value tdagi_softmax(tdag_builder *b, tdag_value x, int64_t axis)
{
    return tdagi_lower(b, TDAGI_SOFTMAX, &x, 1, &(tdagi_axis_spec){axis});
}

/* c - log(sum(exp(c))) with c = x - max(x) */
static tdag_value lower_log_softmax(tdag_builder *b, const tdag_value *in, uint32_t n,
                                    const void *spec)
{
    (void)n;
    tdag_list axis = {1, &((const tdagi_axis_spec *)spec)->axis};
    if (!tdagi_axis_fits(b, in[0], axis.v[0], "log_softmax")) return TDAG_NO_VALUE;
    tdag_value x = tdagi_wide(b, in[0]);
    x = tdagi_sub(b, x, tdag_reduce(b, x, TDAG_REDUCE_MAX, axis));
    tdag_value sum =
        tdag_reduce(b, tdag_unary(b, TDAG_OP_EXP, x), TDAG_REDUCE_SUM, axis);
    x = tdagi_sub(b, x, tdag_unary(b, TDAG_OP_LOG, sum));
    return tdagi_cast(b, x, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_log_softmax = {
    .spec_size = sizeof(tdagi_axis_spec),
    .fields = axis_fields,
    .n_leading = 1,
    .lower = lower_log_softmax,
};

static const tdagi_field axes_keep_fields[] = {
    TDAGI_FIELD_AS(tdagi_axes_keep_spec, axes, INTS, AXIS),
    TDAGI_FIELD(tdagi_axes_keep_spec, keep, BOOL),
    {0},
};

/* log(sum(exp(x - m))) + m, where m = max(x) if that is finite, else 0: so a row of
 * -inf gives -inf and one with +inf gives +inf. m is finite where m - m == 0. */
static tdag_value lower_logsumexp(tdag_builder *b, const tdag_value *in, uint32_t n,
                                  const void *spec)
{
    (void)n;
    const tdagi_axes_keep_spec *s = spec;
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    tdag_value x = tdagi_wide(b, in[0]);
    tdag_value zero = tdag_add_scalar(b, tdag_builder_get_dtype(b, x), 0);
    tdag_value m = tdag_reduce(b, x, TDAG_REDUCE_MAX, s->axes);
    tdag_value finite = tdag_binary(b, TDAG_OP_EQUAL, tdagi_sub(b, m, m), zero);
    m = tdag_where(b, finite, m, zero);
    x = tdag_unary(b, TDAG_OP_EXP, tdagi_sub(b, x, m));
    x = tdag_unary(b, TDAG_OP_LOG, tdag_reduce(b, x, TDAG_REDUCE_SUM, s->axes));
    x = tdagi_add(b, x, m);
    if (!s->keep && s->axes.n > 0) x = tdag_squeeze(b, x, s->axes);
    return tdagi_cast(b, x, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_logsumexp = {
    .spec_size = sizeof(tdagi_axes_keep_spec),
    .fields = axes_keep_fields,
    .lower = lower_logsumexp,
};

/* The sum of what is no NaN. */
static tdag_value lower_nansum(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    const tdagi_axes_keep_spec *s = spec;
    if (!tdagi_usable(b, in[0])) return TDAG_NO_VALUE;
    tdag_value real = tdag_binary(b, TDAG_OP_EQUAL, in[0], in[0]);
    tdag_value zero = tdag_add_scalar(b, tdag_builder_get_dtype(b, in[0]), 0);
    return tdagi_reduce_keep(b, tdag_where(b, real, in[0], zero), TDAG_REDUCE_SUM,
                             s->axes, s->keep != 0);
}

const tdagi_composite_def tdagi_composite_nansum = {
    .spec_size = sizeof(tdagi_axes_keep_spec),
    .fields = axes_keep_fields,
    .lower = lower_nansum,
};
