/* Positions and order: argmax, argmin, topk_positions, kth_position, mode_position,
 * median_position, nanmedian_position, and with the values at them: max_with_index,
 * min_with_index, sort, topk, kthvalue, mode, median, nanmedian. Extremes so far:
 * cummax, cummin. Where a number would be sorted in: searchsorted. Exact. */
#include "derive/parts.h"

static const tdagi_field axis_keep_fields[] = {
    TDAGI_FIELD_AS(tdagi_axis_keep_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdagi_axis_keep_spec, keep, BOOL),
    {0},
};

/* Positions along an axis of x, which broadcast with it. */
static tdag_value positions(tdag_builder *b, tdag_value x, uint32_t axis)
{
    tdagi_axes room;
    uint32_t rank = tdag_builder_get_rank(b, x);
    tdag_value i = tdag_iota(b, tdagi_dim_of(b, x, axis), TDAG_I64);
    return axis + 1 < rank
               ? tdag_unsqueeze(b, i, tdagi_axis_run(&room, 1, rank - axis - 1))
               : i;
}

/* min of i where x_i == extreme(x) or x_i is NaN: the first among equals, as PyTorch
 * counts, and a NaN before every number. If any x is NaN so is the extreme, which
 * equals nothing; so the two conditions never mix. Positions that do not qualify count
 * as 2^62.
 */
static tdag_value arg_extreme(tdag_builder *b, tdag_value x,
                              const tdagi_axis_keep_spec *spec, tdag_reduction kind)
{
    if (!tdagi_axis_fits(b, x, spec->axis, "argmax")) return TDAG_NO_VALUE;
    tdag_list one = {1, &spec->axis};
    tdag_value i = positions(b, x, (uint32_t)spec->axis);
    tdag_value none = tdag_add_scalar(b, TDAG_I64, 0x1p62);
    if (tdag_dtype_is_float(tdag_builder_get_dtype(b, x)))
        none = tdag_where(b, tdag_binary(b, TDAG_OP_EQUAL, x, x), none, i);
    tdag_value extreme = tdag_reduce(b, x, kind, one);
    tdag_value hit = tdag_binary(b, TDAG_OP_EQUAL, x, extreme);
    i = tdag_where(b, hit, i, none);
    return tdagi_reduce_keep(b, i, TDAG_REDUCE_MIN, one, spec->keep != 0);
}

static tdag_value lower_argmax(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    return arg_extreme(b, in[0], spec, TDAG_REDUCE_MAX);
}

static tdag_value lower_argmin(tdag_builder *b, const tdag_value *in, uint32_t n,
                               const void *spec)
{
    (void)n;
    return arg_extreme(b, in[0], spec, TDAG_REDUCE_MIN);
}

const tdagi_composite_def tdagi_composite_argmax = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower = lower_argmax,
};
const tdagi_composite_def tdagi_composite_argmin = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower = lower_argmin,
};

/* ---- values and positions ---- */

static void extreme_pair(tdag_builder *b, tdag_value x,
                         const tdagi_axis_keep_spec *spec, tdag_reduction kind,
                         tdag_value out[2])
{
    if (!tdagi_axis_fits(b, x, spec->axis, "max_with_index")) return;
    out[0] =
        tdagi_reduce_keep(b, x, kind, (tdag_list){1, &spec->axis}, spec->keep != 0);
    out[1] = arg_extreme(b, x, spec, kind);
}

static void lower_max_with_index(tdag_builder *b, tdag_value x, const void *spec,
                                 tdag_value out[2])
{
    extreme_pair(b, x, spec, TDAG_REDUCE_MAX, out);
}

static void lower_min_with_index(tdag_builder *b, tdag_value x, const void *spec,
                                 tdag_value out[2])
{
    extreme_pair(b, x, spec, TDAG_REDUCE_MIN, out);
}

const tdagi_composite_def tdagi_composite_max_with_index = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower_pair = lower_max_with_index,
};
const tdagi_composite_def tdagi_composite_min_with_index = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower_pair = lower_min_with_index,
};

static const char *const orders[] = {
    [TDAG_ORDER_STABLE] = "stable",     [TDAG_ORDER_FREE] = "free",
    [TDAG_ORDER_SELECTED] = "selected", [TDAG_ORDER_SET] = "set",
    [TDAG_ORDER_SET + 1] = NULL,
};
static const tdagi_field sort_fields[] = {
    TDAGI_FIELD_AS(tdag_argsort_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdag_argsort_spec, descending, BOOL),
    TDAGI_FIELD_OPTIONAL(tdag_argsort_spec, order, orders),
    {0},
};

tdag_value tdagi_argsort(tdag_builder *b, tdag_value x, const tdag_argsort_spec *spec)
{
    return tdag_add_node(b, TDAG_OP_ARGSORT, spec, sizeof *spec, &x, 1);
}

/* x where the positions are, which have its axes. */
static tdag_value read_at(tdag_builder *b, tdag_value x, tdag_value at, int64_t axis)
{
    tdag_value inputs[2] = {x, at};
    return tdagi_lower(b, TDAGI_TAKE_ALONG, inputs, 2, &(tdagi_axis_spec){axis});
}

static void lower_sort(tdag_builder *b, tdag_value x, const void *spec,
                       tdag_value out[2])
{
    const tdag_argsort_spec *s = spec;
    out[1] = tdagi_argsort(b, x, s);
    out[0] = read_at(b, x, out[1], s->axis);
}

const tdagi_composite_def tdagi_composite_sort = {
    .spec_size = sizeof(tdag_argsort_spec),
    .fields = sort_fields,
    .lower_pair = lower_sort,
};

void tdagi_sort(tdag_builder *b, tdag_value x, int64_t axis, bool descending,
                tdag_value out[2])
{
    const tdag_argsort_spec spec = {axis, descending, TDAG_ORDER_STABLE};
    tdagi_lower_pair(b, TDAGI_SORT, x, &spec, out);
}

/* ---- the first, the k-th, the most frequent ---- */

static const tdagi_field topk_fields[] = {
    TDAGI_FIELD_AS(tdagi_topk_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdagi_topk_spec, descending, BOOL),
    TDAGI_FIELD_NAMED(tdagi_topk_spec, order, orders),
    TDAGI_FIELD_AS(tdagi_topk_spec, k, DIM, NATURAL),
    {0},
};

/* The slice stands there even where it takes all: it is what is chosen of. */
static tdag_value lower_topk_positions(tdag_builder *b, const tdag_value *in,
                                       uint32_t n, const void *spec)
{
    (void)n;
    const tdagi_topk_spec *s = spec;
    const tdag_argsort_spec sort = {s->axis, s->descending, s->order};
    if (!tdagi_axis_fits(b, in[0], s->axis, "topk")) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    tdagi_axes start = tdagi_axes_of(0), end;
    for (uint32_t i = 0; i < rank; i++)
        end.v[i] = i == (uint32_t)s->axis ? s->k : tdagi_dim_of(b, in[0], i);
    return tdag_slice(b, tdagi_argsort(b, in[0], &sort), (tdag_list){rank, start.v},
                      (tdag_list){rank, end.v});
}

const tdagi_composite_def tdagi_composite_topk_positions = {
    .spec_size = sizeof(tdagi_topk_spec),
    .fields = topk_fields,
    .lower = lower_topk_positions,
};

static void lower_topk(tdag_builder *b, tdag_value x, const void *spec,
                       tdag_value out[2])
{
    out[1] = tdagi_lower(b, TDAGI_TOPK_POSITIONS, &x, 1, spec);
    out[0] = read_at(b, x, out[1], ((const tdagi_topk_spec *)spec)->axis);
}

const tdagi_composite_def tdagi_composite_topk = {
    .spec_size = sizeof(tdagi_topk_spec),
    .fields = topk_fields,
    .lower_pair = lower_topk,
};

static const tdagi_field kth_fields[] = {
    TDAGI_FIELD_AS(tdagi_kth_spec, axis, INT, AXIS),
    TDAGI_FIELD(tdagi_kth_spec, keep, BOOL),
    TDAGI_FIELD_AS(tdagi_kth_spec, index, DIM, NATURAL),
    {0},
};

static tdag_value lower_kth_position(tdag_builder *b, const tdag_value *in, uint32_t n,
                                     const void *spec)
{
    (void)n;
    const tdagi_kth_spec *s = spec;
    const tdag_argsort_spec sort = {s->axis, 0, TDAG_ORDER_SELECTED};
    if (!tdagi_axis_fits(b, in[0], s->axis, "kthvalue")) return TDAG_NO_VALUE;
    tdag_value at = tdag_select(b, tdagi_argsort(b, in[0], &sort), s->axis, s->index);
    return s->keep != 0 ? at : tdagi_squeeze1(b, at, (uint32_t)s->axis);
}

const tdagi_composite_def tdagi_composite_kth_position = {
    .spec_size = sizeof(tdagi_kth_spec),
    .fields = kth_fields,
    .lower = lower_kth_position,
};

/* The position that a composite finds along an axis, which it keeps or not, and the
 * value there. */
static void value_at(tdag_builder *b, tdagi_composite id, tdag_value x,
                     const void *spec, const tdagi_axis_keep_spec *s, tdag_value out[2])
{
    uint32_t axis = (uint32_t)s->axis;
    out[1] = tdagi_lower(b, id, &x, 1, spec);
    tdag_value at = s->keep != 0 ? out[1] : tdagi_unsqueeze1(b, out[1], axis);
    out[0] = read_at(b, x, at, s->axis);
    if (s->keep == 0) out[0] = tdagi_squeeze1(b, out[0], axis);
}

static void lower_kthvalue(tdag_builder *b, tdag_value x, const void *spec,
                           tdag_value out[2])
{
    const tdagi_kth_spec *s = spec;
    value_at(b, TDAGI_KTH_POSITION, x, s, &(tdagi_axis_keep_spec){s->axis, s->keep},
             out);
}

const tdagi_composite_def tdagi_composite_kthvalue = {
    .spec_size = sizeof(tdagi_kth_spec),
    .fields = kth_fields,
    .lower_pair = lower_kthvalue,
};

/* A run of equal elements ends where most of them stand before: at the first such place
 * of the sorted ones, whose smallest counts. A NaN equals nothing. */
static tdag_value lower_mode_position(tdag_builder *b, const tdag_value *in, uint32_t n,
                                      const void *spec)
{
    (void)n;
    const tdagi_axis_keep_spec *s = spec, kept = {s->axis, 1};
    const tdag_argsort_spec sort = {s->axis, 0, TDAG_ORDER_SELECTED};
    if (!tdagi_axis_fits(b, in[0], s->axis, "mode")) return TDAG_NO_VALUE;
    uint32_t axis = (uint32_t)s->axis;
    tdag_dim size = tdagi_dim_of(b, in[0], axis);
    tdag_value order = tdagi_argsort(b, in[0], &sort);
    tdag_value v = read_at(b, in[0], order, s->axis);
    tdag_value pair[2] = {tdagi_slice1(b, v, axis, 0, tdag_dim_sub(b, size, 1)),
                          tdagi_slice1(b, v, axis, 1, size)};
    tdag_value starts = tdagi_lower(b, TDAGI_NOT_EQUAL, pair, 2, NULL);
    starts = tdagi_pad1(b, tdagi_cast(b, starts, TDAG_I64), axis, 1, 0,
                        TDAG_PAD_CONSTANT, 1);
    tdag_value i = positions(b, in[0], axis);
    tdag_value first = tdag_scan(b, tdagi_mul(b, starts, i), TDAG_REDUCE_MAX, s->axis);
    tdag_value run = tdagi_sub(b, i, first); /* equal ones before */
    if (!tdagi_usable(b, run)) return TDAG_NO_VALUE;
    tdag_value at = tdagi_lower(b, TDAGI_ARGMAX, &run, 1, &kept);
    at = read_at(b, order, at, s->axis);
    return s->keep != 0 ? at : tdagi_squeeze1(b, at, axis);
}

const tdagi_composite_def tdagi_composite_mode_position = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower = lower_mode_position,
};

static void lower_mode(tdag_builder *b, tdag_value x, const void *spec,
                       tdag_value out[2])
{
    value_at(b, TDAGI_MODE_POSITION, x, spec, spec, out);
}

const tdagi_composite_def tdagi_composite_mode = {
    .spec_size = sizeof(tdagi_axis_keep_spec),
    .fields = axis_keep_fields,
    .lower_pair = lower_mode,
};

/* ---- the middle one ---- */

/* The lower one of two; of a lane with a NaN the first NaN. */
static tdag_value lower_median_position(tdag_builder *b, const tdag_value *in,
                                        uint32_t n, const void *spec)
{
    (void)n;
    const tdagi_axis_keep_spec *s = spec;
    if (!tdagi_axis_fits(b, in[0], s->axis, "median")) return TDAG_NO_VALUE;
    tdag_dim last = tdag_dim_sub(b, tdagi_dim_of(b, in[0], (uint32_t)s->axis), 1);
    const tdagi_kth_spec kth = {s->axis, s->keep, tdag_dim_floordiv(b, last, 2)};
    tdag_value most = tdagi_reduce_keep(b, in[0], TDAG_REDUCE_MAX,
                                        (tdag_list){1, &s->axis}, s->keep != 0);
    tdag_value known = tdag_binary(b, TDAG_OP_EQUAL, most, most);
    return tdag_where(b, known, tdagi_lower(b, TDAGI_KTH_POSITION, in, 1, &kth),
                      tdagi_lower(b, TDAGI_ARGMAX, in, 1, s));
}

/* Of what is no NaN; those are the last ones. */
static tdag_value lower_nanmedian_position(tdag_builder *b, const tdag_value *in,
                                           uint32_t n, const void *spec)
{
    (void)n;
    const tdagi_axis_keep_spec *s = spec;
    const tdag_argsort_spec sort = {s->axis, 0, TDAG_ORDER_SELECTED};
    if (!tdagi_axis_fits(b, in[0], s->axis, "nanmedian")) return TDAG_NO_VALUE;
    tdag_value at = tdag_binary(b, TDAG_OP_EQUAL, in[0], in[0]);
    at = tdag_reduce(b, tdagi_cast(b, at, TDAG_I64), TDAG_REDUCE_SUM,
                     (tdag_list){1, &s->axis});
    tdag_value pair[2] = {tdagi_add_scalar(b, at, -1), tdag_add_scalar(b, TDAG_I64, 0)};
    at = tdagi_lower(b, TDAGI_MAXIMUM, pair, 2, NULL);
    at = tdag_binary(b, TDAG_OP_FLOOR_DIVIDE, at, tdag_add_scalar(b, TDAG_I64, 2));
    at = read_at(b, tdagi_argsort(b, in[0], &sort), at, s->axis);
    return s->keep != 0 ? at : tdagi_squeeze1(b, at, (uint32_t)s->axis);
}

static void lower_median(tdag_builder *b, tdag_value x, const void *spec,
                         tdag_value out[2])
{
    value_at(b, TDAGI_MEDIAN_POSITION, x, spec, spec, out);
}

static void lower_nanmedian(tdag_builder *b, tdag_value x, const void *spec,
                            tdag_value out[2])
{
    value_at(b, TDAGI_NANMEDIAN_POSITION, x, spec, spec, out);
}

#define AXIS_KEEP .spec_size = sizeof(tdagi_axis_keep_spec), .fields = axis_keep_fields
const tdagi_composite_def tdagi_composite_median_position = {
    AXIS_KEEP, .lower = lower_median_position};
const tdagi_composite_def tdagi_composite_nanmedian_position = {
    AXIS_KEEP, .lower = lower_nanmedian_position};
const tdagi_composite_def tdagi_composite_median = {AXIS_KEEP,
                                                    .lower_pair = lower_median};
const tdagi_composite_def tdagi_composite_nanmedian = {AXIS_KEEP,
                                                       .lower_pair = lower_nanmedian};

/* ---- extremes so far ---- */

static const tdagi_field axis_fields[] = {
    TDAGI_FIELD_AS(tdagi_axis_spec, axis, INT, AXIS), {0}};

/* The last position so far that holds the extreme, or a NaN. */
static tdag_value running(tdag_builder *b, tdag_value x, const void *spec,
                          tdag_reduction kind)
{
    const int64_t axis = ((const tdagi_axis_spec *)spec)->axis;
    if (!tdagi_axis_fits(b, x, axis, "cummax")) return TDAG_NO_VALUE;
    tdag_value pair[2] = {x, x};
    tdag_value hit = tdag_binary(b, TDAG_OP_EQUAL, x, tdag_scan(b, x, kind, axis));
    if (tdag_dtype_is_float(tdag_builder_get_dtype(b, x)))
        hit = tdag_binary(b, TDAG_OP_ADD, hit,
                          tdagi_lower(b, TDAGI_NOT_EQUAL, pair, 2, NULL));
    tdag_value i = tdag_where(b, hit, positions(b, x, (uint32_t)axis),
                              tdag_add_scalar(b, TDAG_I64, 0));
    return tdag_scan(b, i, TDAG_REDUCE_MAX, axis);
}

#define RUNNING(name, kind)                                                            \
    static tdag_value lower_##name##_position(tdag_builder *b, const tdag_value *in,   \
                                              uint32_t n, const void *spec)            \
    {                                                                                  \
        (void)n;                                                                       \
        return running(b, in[0], spec, kind);                                          \
    }                                                                                  \
    static void lower_##name(tdag_builder *b, tdag_value x, const void *spec,          \
                             tdag_value out[2])                                        \
    {                                                                                  \
        out[0] = tdag_scan(b, x, kind, ((const tdagi_axis_spec *)spec)->axis);         \
        out[1] = running(b, x, spec, kind);                                            \
    }                                                                                  \
    const tdagi_composite_def tdagi_composite_##name##_position = {                    \
        .spec_size = sizeof(tdagi_axis_spec),                                          \
        .fields = axis_fields,                                                         \
        .lower = lower_##name##_position};                                             \
    const tdagi_composite_def tdagi_composite_##name = {.spec_size =                   \
                                                            sizeof(tdagi_axis_spec),   \
                                                        .fields = axis_fields,         \
                                                        .lower_pair = lower_##name};
RUNNING(cummax, TDAG_REDUCE_MAX)
RUNNING(cummin, TDAG_REDUCE_MIN)

/* ---- positions in sorted sequences ---- */

static const tdagi_field search_fields[] = {TDAGI_FIELD(tdagi_search_spec, right, BOOL),
                                            {0}};

/* Half of what is left of [place[0], place[1]) for each number, as PyTorch halves it:
 * so its numbers come out of any sequence, with a NaN or not sorted, too. */
static void halve(tdag_builder *b, tdag_value sorted, tdag_value v, bool right,
                  bool last, tdag_value place[2])
{
    tdag_value middle = tdag_binary(b, TDAG_OP_FLOOR_DIVIDE,
                                    tdag_binary(b, TDAG_OP_ADD, place[0], place[1]),
                                    tdag_add_scalar(b, TDAG_I64, 2));
    if (!tdagi_usable(b, middle)) return;
    const tdag_value pair[2] = {
        v, tdag_gather(b, sorted, middle, tdag_builder_get_rank(b, sorted) - 1)};
    tdag_value stop = right ? tdag_binary(b, TDAG_OP_LESS, pair[0], pair[1])
                            : tdagi_lower(b, TDAGI_LESS_EQUAL, pair, 2, NULL);
    tdag_value beyond = tdag_binary(b, TDAG_OP_MULTIPLY,
                                    tdag_binary(b, TDAG_OP_LESS, place[0], place[1]),
                                    tdagi_unary_composite(b, TDAGI_LOGICAL_NOT, stop));
    place[0] = tdag_where(b, beyond, tdagi_add_scalar(b, middle, 1), place[0]);
    if (!last) place[1] = tdag_where(b, beyond, place[1], middle);
}

/* A binary search for all at once, in as many steps as the size needs; a symbolic one
 * may need 31. What is behind the last element is read where nothing is left. */
static tdag_value lower_searchsorted(tdag_builder *b, const tdag_value *in, uint32_t n,
                                     const void *spec)
{
    (void)n;
    const tdagi_search_spec *s = spec;
    uint32_t rank = tdag_builder_get_rank(b, in[0]);
    if (rank == 0 || (rank > 1 && rank != tdag_builder_get_rank(b, in[1])) ||
        tdag_builder_get_dtype(b, in[0]) != tdag_builder_get_dtype(b, in[1]))
        return tdagi_builder_fail(b, TDAG_E_SHAPE,
                                  "searchsorted does not take these operands");
    tdag_dim size = tdagi_dim_of(b, in[0], rank - 1);
    int64_t known = INT32_MAX;
    tdagi_dim_is_const(tdagi_builder_pool(b), size, &known);
    tdag_value place[2] = {tdag_binary(b, TDAG_OP_LESS, in[1], in[1])}; /* 0 for each */
    place[0] = tdagi_cast(b, place[0], TDAG_I64);
    if (known == 0) return place[0];
    place[1] = tdagi_add(b, place[0], tdagi_dim_value(b, size));
    tdag_value sorted = tdagi_pad1(b, in[0], rank - 1, 0, 1, TDAG_PAD_CONSTANT, 0);
    for (; known > 0 && tdagi_builder_ok(b); known /= 2)
        halve(b, sorted, in[1], s->right != 0, known == 1, place);
    return place[0];
}

const tdagi_composite_def tdagi_composite_searchsorted = {
    .spec_size = sizeof(tdagi_search_spec),
    .fields = search_fields,
    .lower = lower_searchsorted,
};
