/* Joining: concat, stack, and writing a slice. */
#include "base/dim/type_text.h"
#include "derive/composites.h"

static const tdagi_field axis_fields[] = {
    TDAGI_FIELD_AS(tdagi_axis_spec, axis, INT, AXIS), {0}};

/* Two neighbours: each padded to the pair's size, and added. x + (-0.0) == x for every
 * x, -0 included, so floats pad with -0.0; integers pad with 0; of bools add is `or`.
 * Exact. */
static tdag_value concat_pair(tdag_builder *b, tdag_value x, tdag_value y,
                              uint32_t axis)
{
    if (!tdagi_builder_ok(b) || x.id == 0 || y.id == 0) return TDAG_NO_VALUE;
    tdag_dim n = tdag_builder_get_shape(b, x)[axis];
    tdag_dim m = tdag_builder_get_shape(b, y)[axis];
    if (n == 0) return y;
    if (m == 0) return x;
    bool is_float = tdag_dtype_is_float(tdag_builder_get_dtype(b, x));
    double nothing = is_float ? -0.0 : 0.0;
    x = tdagi_pad1(b, x, axis, 0, m, TDAG_PAD_CONSTANT, nothing);
    y = tdagi_pad1(b, y, axis, n, 0, TDAG_PAD_CONSTANT, nothing);
    return tdagi_add(b, x, y);
}

/* A balanced tree: n*log2(k) elements are padded and added, not n*k. */
static tdag_value concat_tree(tdag_builder *b, const tdag_value *v, uint32_t n,
                              uint32_t axis)
{
    if (n == 1) return v[0];
    tdag_value left = concat_tree(b, v, n / 2, axis);
    return concat_pair(b, left, concat_tree(b, v + n / 2, n - n / 2, axis), axis);
}

static void shape_text(tdag_builder *b, tdag_value v, char *buf, size_t size)
{
    tdagi_type_text(tdagi_builder_pool(b), tdag_builder_get_dtype(b, v),
                    tdag_builder_get_rank(b, v), tdag_builder_get_shape(b, v), buf,
                    size);
}

static bool check_operands(tdag_builder *b, const tdag_value *v, uint32_t n,
                           int64_t axis)
{
    uint32_t rank = tdag_builder_get_rank(b, v[0]);
    for (uint32_t i = 0; i < n; i++) {
        bool fits = tdag_builder_get_rank(b, v[i]) == rank && axis >= 0 && axis < rank;
        for (uint32_t k = 0; fits && k < rank; k++)
            fits = k == axis || tdag_builder_get_shape(b, v[i])[k] ==
                                    tdag_builder_get_shape(b, v[0])[k];
        if (fits) continue;
        char first[160], other[160];
        shape_text(b, v[0], first, sizeof(first));
        shape_text(b, v[i], other, sizeof(other));
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "operand %u of a concat along axis %lld has the type %s, "
                           "which does not go with %s",
                           (unsigned)i, (long long)axis, other, first);
        return false;
    }
    return tdagi_builder_ok(b);
}

static tdag_value lower_concat(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    int64_t axis = ((const tdagi_axis_spec *)spec)->axis;
    if (n == 0 || !check_operands(b, in, n, axis))
        return tdagi_builder_fail(b, TDAG_E_ARG, "a concat of nothing");
    return concat_tree(b, in, n, (uint32_t)axis);
}
const tdagi_composite_def tdagi_composite_concat = {.spec_size =
                                                        sizeof(tdagi_axis_spec),
                                                    .fields = axis_fields,
                                                    .n_leading = 255,
                                                    .lower = lower_concat};

tdag_value tdagi_concat(tdag_builder *b, const tdag_value *v, uint32_t n, int64_t axis)
{
    const tdagi_axis_spec spec = {axis};
    return tdagi_lower(b, TDAGI_CONCAT, v, n, &spec);
}

/* Each operand gets the new axis with size 1; then a concat along it. */
static tdag_value lower_stack(tdag_builder *b, const tdag_value *in, uint32_t n,
                              const void *spec)
{
    int64_t axis = ((const tdagi_axis_spec *)spec)->axis;
    void *p = NULL;
    if (axis < 0 || axis > tdag_builder_get_rank(b, in[0]))
        return tdagi_builder_fail(b, TDAG_E_ARG, "stack along axis %lld",
                                  (long long)axis);
    if (tdagi_array_alloc(b->ctx, n, sizeof(tdag_value), &p) != TDAG_OK)
        return tdagi_builder_fail(b, TDAG_E_NOMEM, "out of memory");
    tdag_value *v = p;
    for (uint32_t i = 0; i < n; i++)
        v[i] = tdagi_unsqueeze1(b, in[i], (uint32_t)axis);
    tdag_value y = tdagi_builder_ok(b) ? tdagi_concat(b, v, n, axis) : TDAG_NO_VALUE;
    tdagi_free(b->ctx, p, n * sizeof(tdag_value));
    return y;
}
static const tdagi_field result_axis_fields[] = {
    TDAGI_FIELD_AS(tdagi_axis_spec, axis, INT, RESULT_AXIS), {0}};
const tdagi_composite_def tdagi_composite_stack = {.spec_size = sizeof(tdagi_axis_spec),
                                                   .fields = result_axis_fields,
                                                   .lower = lower_stack};

tdag_value tdagi_stack(tdag_builder *b, const tdag_value *v, uint32_t n, int64_t axis)
{
    const tdagi_axis_spec spec = {axis};
    return tdagi_lower(b, TDAGI_STACK, v, n, &spec);
}

/* Every step-th position of y's axis, the others filled with `nothing`: y unsqueezed,
 * padded by step - 1 and grouped, cut to `size`. */
static tdag_value spread(tdag_builder *b, tdag_value y, uint32_t axis, int64_t step,
                         tdag_dim size)
{
    uint32_t rank = tdag_builder_get_rank(b, y);
    tdagi_axes runs = tdagi_axes_of(1);
    runs.v[axis] = 2;
    y = tdagi_pad1(b, tdagi_unsqueeze1(b, y, axis + 1), axis + 1, 0, step - 1,
                   TDAG_PAD_CONSTANT, 0);
    y = tdag_group(b, y, (tdag_list){rank, runs.v});
    return tdagi_slice1(b, y, axis, 0, size);
}

/* A strided slice: where position p of [start, end) has (p - start) % step == 0, y. */
static tdag_value assign_strided(tdag_builder *b, tdag_value inner, tdag_value y,
                                 uint32_t axis, int64_t step)
{
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, inner);
    tdag_dim size = tdag_builder_get_shape(b, inner)[axis];
    tdag_dim n = tdag_builder_get_shape(b, y)[axis];
    tdag_value hits = spread(b, tdagi_full(b, TDAG_BOOL, 1, &n, 1), 0, step, size);
    tdagi_axes after;
    for (uint32_t i = axis + 1; i < rank; i++)
        after.v[i - axis - 1] = i - axis;
    if (axis + 1 < rank)
        hits = tdag_unsqueeze(b, hits, (tdag_list){rank - axis - 1, after.v});
    return tdag_where(b, hits, spread(b, y, axis, step, size), inner);
}

tdag_value tdagi_slice_assign(tdag_builder *b, tdag_value x, uint32_t axis,
                              tdag_dim start, tdag_dim end, int64_t step, tdag_value y)
{
    if (!tdagi_builder_ok(b)) return TDAG_NO_VALUE;
    tdag_dim size = tdag_builder_get_shape(b, x)[axis];
    if (start == end) return x;
    if (step > 1)
        y = assign_strided(b, tdagi_slice_below(b, x, axis, start, end), y, axis, step);
    const tdag_value parts[3] = {tdagi_slice_below(b, x, axis, 0, start), y,
                                 tdagi_slice_below(b, x, axis, end, size)};
    uint32_t first = start == 0 ? 1 : 0, last = end == size ? 2 : 3;
    return tdagi_concat(b, parts + first, last - first, axis);
}
