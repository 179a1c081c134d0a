/* Histograms of one or several coordinates, sums over segments, positions of what is
 * not 0, as many as are asked for. */
#include <math.h>
#include <string.h>

#include "aten/rows/steps.h"

/* ---- histograms ---- */

/* n + 1 edges from low to high [1]: from either end to the middle, as PyTorch rounds
 * them. */
static tdag_value edges_between(tdagi_call *c, tdag_value low, tdag_value high,
                                int64_t n)
{
    tdag_value i = tdag_iota(c->b, n + 1, tdagi_dtype(c, low));
    tdag_value step =
        tdagi_div(c->b, tdagi_sub(c->b, high, low), step_number(c, low, (double)n));
    tdag_value from_high = tdagi_sub(c->b, step_number(c, low, (double)n), i);
    from_high = tdagi_sub(c->b, high, tdagi_mul(c->b, step, from_high));
    tdag_value from_low = tdagi_add(c->b, low, tdagi_mul(c->b, step, i));
    tdag_value is_low = step_less(c, i, step_number(c, low, (double)((n + 1) / 2)));
    return step_where(c, is_low, from_low, from_high);
}

/* Edges of n bins over the range, or over what x [m] has. */
static tdag_value edges_of(tdagi_call *c, tdag_value x, int64_t n, const double *range)
{
    tdag_value low, high;
    if (x.id == 0) return x;
    if (range != NULL || tdagi_dim(c, x, 0) == 0) {
        low = step_number(c, x, range != NULL ? range[0] : 0);
        high = step_number(c, x, range != NULL ? range[1] : 1);
    } else {
        low = step_all(c, x, TDAG_REDUCE_MIN);
        high = step_all(c, x, TDAG_REDUCE_MAX);
    }
    tdag_value same = step_equal(c, low, high), half = step_number(c, x, 0.5);
    tdag_value wide = tdagi_add(c->b, high, half);
    low = step_where(c, same, tdagi_sub(c->b, low, half), low);
    high = step_where(c, same, wide, high);
    low = tdagi_unsqueeze1(c->b, low, 0);
    return edges_between(c, low, tdagi_unsqueeze1(c->b, high, 0), n);
}

typedef struct histogram {
    tdag_value at, in; /* [m]: the bin of each, and whether it is in one */
    int64_t bins;
} histogram;

/* The bins of one more coordinate: the last one has its upper edge, too. */
static void add_coordinate(tdagi_call *c, histogram *h, tdag_value x, tdag_value edges)
{
    int64_t n = 0;
    if (c->bad || !tdagi_dim_is_const(c->env->pool, tdagi_dim(c, edges, 0), &n) ||
        n < 2) {
        if (!c->bad) tdagi_refuse(c, "bins");
        return;
    }
    tdag_value last = tdagi_slice1(c->b, edges, 0, n - 1, n);
    tdag_value at = tdagi_add_scalar(c->b, tdagi_search(c, edges, x, true), -1);
    at = step_min(c, at, tdag_add_scalar(c->b, TDAG_I64, (double)(n - 2)));
    tdag_value first = tdagi_slice1(c->b, edges, 0, 0, 1);
    tdag_value in = step_and(c, step_lower(c, TDAGI_LESS_EQUAL, first, x),
                             step_lower(c, TDAGI_LESS_EQUAL, x, last));
    at = step_where(c, in, at, tdag_add_scalar(c->b, TDAG_I64, 0));
    h->in = h->in.id == 0 ? in : step_and(c, h->in, in);
    h->at = h->at.id == 0
                ? at
                : tdagi_add(c->b, tdagi_mul_scalar(c->b, h->at, (double)(n - 1)), at);
    if (__builtin_mul_overflow(h->bins, n - 1, &h->bins)) tdagi_refuse(c, "bins");
}

/* How many of each bin, or the sum of their weights: [bins] */
static tdag_value counted(tdagi_call *c, const histogram *h, tdag_value x,
                          tdag_value weight)
{
    if (c->bad || h->at.id == 0) return TDAG_NO_VALUE;
    tdag_value zero = step_number(c, x, 0), one = step_number(c, x, 1);
    if (weight.id != 0) one = step_flat(c, tdagi_cast(c->b, weight, tdagi_dtype(c, x)));
    tdag_value none = tdagi_full(c->b, tdagi_dtype(c, x), 1, &h->bins, 0);
    return tdag_scatter(c->b, none, h->at, step_where(c, h->in, one, zero), 0,
                        TDAG_SCATTER_ADD);
}

/* What is divided by to make a density of it: the widths of the bins. */
static tdag_value widths(tdagi_call *c, tdag_value edges)
{
    tdag_dim n = tdagi_dim(c, edges, 0);
    return tdagi_sub(c->b, tdagi_slice1(c->b, edges, 0, 1, n),
                     tdagi_slice1(c->b, edges, 0, 0, tdag_dim_sub(c->b, n, 1)));
}

/* Bins as a tensor of edges, or as a number of them over a range. */
static tdag_value read_edges(tdagi_call *c, tdag_value x, tdagi_any bins,
                             const double *range)
{
    int64_t n = 0;
    if (bins.kind == TDAGI_ANY_TENSOR) {
        tdag_value edges = tdagi_as(c, bins, tdagi_dtype(c, x));
        if (tdagi_rank(c, edges) != 1) tdagi_refuse(c, "bins");
        return edges;
    }
    if (!tdagi_any_const_int(c->env, bins, &n) || n < 1 || n > INT32_MAX) {
        if (!c->bad) tdagi_refuse(c, "bins");
        return TDAG_NO_VALUE;
    }
    return edges_of(c, x, n, range);
}

/* The numbers of `range`, two for each coordinate; NULL: None. */
static const double *read_range(tdagi_call *c, uint32_t n)
{
    tdagi_any v = tdagi_arg(c, "range");
    if (v.kind == TDAGI_ANY_NONE) return NULL;
    double *out = tdagi_env_alloc(c->env, 2 * (size_t)n * sizeof(*out));
    if (out == NULL || !tdagi_any_is_seq(v) || v.u.seq->n != 2 * n) {
        tdagi_refuse(c, "range");
        return NULL;
    }
    for (uint32_t i = 0; i < 2 * n; i++) {
        if (!tdagi_any_is_number(v.u.seq->v[i]) ||
            tdagi_any_is_open(c->env, v.u.seq->v[i]))
            tdagi_refuse(c, "range");
        out[i] = tdagi_any_sample(c->env, v.u.seq->v[i]);
    }
    return out;
}

tdagi_any tdagi_aten_histogram(tdagi_call *c)
{
    tdag_value x = step_flat(c, tdagi_arg_tensor(c, "self")), out[2];
    tdag_value weight = tdagi_arg_optional(c, "weight");
    bool density = tdagi_arg_bool(c, "density", false);
    const double *range = read_range(c, 1);
    if (c->bad || x.id == 0) return tdagi_any_poison();
    if (!tdag_dtype_is_float(tdagi_dtype(c, x))) return tdagi_refuse(c, "self");
    histogram h = {{0}, {0}, 1};
    out[1] = read_edges(c, x, tdagi_arg(c, "bins"), range);
    add_coordinate(c, &h, x, out[1]);
    out[0] = counted(c, &h, x, weight);
    if (out[0].id == 0) return tdagi_any_poison();
    if (density) {
        tdag_value sum = step_all(c, out[0], TDAG_REDUCE_SUM);
        out[0] = tdagi_div(c->b, out[0], tdagi_mul(c->b, widths(c, out[1]), sum));
    }
    return tdagi_results(c, 2, out);
}

/* Of the last axis's coordinates; the edges of each as a list. */
tdagi_any tdagi_aten_histogramdd(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self"),
               weight = tdagi_arg_optional(c, "weight");
    bool density = tdagi_arg_bool(c, "density", false);
    tdagi_any bins = tdagi_arg(c, "bins"), edges[TDAG_MAX_RANK];
    int64_t n = 0;
    uint32_t rank = tdagi_rank(c, x);
    if (c->bad || rank < 2 || !tdag_dtype_is_float(tdagi_dtype(c, x)) ||
        !tdagi_dim_is_const(c->env->pool, tdagi_dim(c, x, rank - 1), &n) || n < 1 ||
        n > TDAG_MAX_RANK)
        return tdagi_refuse(c, "self");
    bool each = tdagi_any_is_seq(bins);
    if (each && n > 1 && bins.u.seq->n == 1) { /* one number for all, as a list of it */
        bins = bins.u.seq->v[0];
        each = false;
    }
    const double *range = read_range(c, (uint32_t)n);
    if (c->bad || (each && bins.u.seq->n != n)) return tdagi_refuse(c, "bins");
    histogram h = {{0}, {0}, 1};
    tdag_dim shape[TDAG_MAX_RANK];
    tdag_value volume = TDAG_NO_VALUE, one = TDAG_NO_VALUE;
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        one = step_flat(c, tdagi_select1(c->b, x, rank - 1, i));
        tdag_value e = read_edges(c, one, each ? bins.u.seq->v[i] : bins,
                                  range == NULL ? NULL : range + 2 * i);
        add_coordinate(c, &h, one, e);
        if (c->bad || e.id == 0) return tdagi_any_poison();
        edges[i] = tdagi_result(c, e);
        shape[i] = tdag_dim_sub(c->b, tdagi_dim(c, e, 0), 1);
        tdag_value w = widths(c, e);
        volume = i == 0 ? w : tdagi_mul(c->b, tdagi_unsqueeze1(c->b, volume, i), w);
    }
    tdag_value y = counted(c, &h, one, weight);
    if (y.id == 0) return tdagi_any_poison();
    tdag_value sum = step_all(c, y, TDAG_REDUCE_SUM);
    y = tdagi_reshape(c->b, y, (uint32_t)n, shape);
    if (density) y = tdagi_div(c->b, y, tdagi_mul(c->b, volume, sum));
    tdagi_any out[2] = {tdagi_result(c, y),
                        tdagi_any_seq(c->env, TDAGI_ANY_LIST, (uint32_t)n, edges)};
    return tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 2, out);
}

/* ---- segments ---- */

typedef enum segment_kind {
    SEGMENT_SUM,
    SEGMENT_MEAN,
    SEGMENT_MAX,
    SEGMENT_MIN,
    SEGMENT_PROD
} segment_kind;

static int kind_of(const char *name)
{
    static const char *const names[] = {"sum", "mean", "max", "min", "prod"};
    for (int i = 0; name != NULL && i < 5; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

/* data[..., n, rest] to [..., segments, rest], where ends [..., segments] is where each
 * segment ends and starts where it starts. What is beyond all of them goes nowhere. */
static tdag_value segments(tdagi_call *c, segment_kind kind, tdag_value x,
                           tdag_value ends, double initial)
{
    static const tdag_scatter_mode modes[] = {TDAG_SCATTER_ADD, TDAG_SCATTER_ADD,
                                              TDAG_SCATTER_MAX, TDAG_SCATTER_MIN,
                                              TDAG_SCATTER_MULTIPLY};
    uint32_t axis = tdagi_rank(c, ends) - 1;
    tdag_dim n = tdagi_dim(c, x, axis), k = tdagi_dim(c, ends, axis),
             dims[TDAG_MAX_RANK];
    memcpy(dims, tdagi_shape(c, x), tdagi_rank(c, x) * sizeof(*dims));
    dims[axis] = n;
    tdag_value at = tdagi_expand(c->b, tdag_iota(c->b, n, TDAG_I64), axis + 1, dims);
    at = tdagi_search(c, ends, at, true); /* as many segments end before */
    dims[axis] = tdag_dim_add(c->b, k, 1);
    tdag_value out =
        tdagi_full(c->b, tdagi_dtype(c, x), tdagi_rank(c, x), dims, initial);
    out = tdag_scatter(c->b, out, at, x, axis, modes[kind]);
    return tdagi_slice1(c->b, out, axis, 0, k);
}

tdagi_any tdagi_aten_segment_reduce(tdagi_call *c)
{
    static const double usual[] = {0, 0, -INFINITY, INFINITY, 1};
    tdag_value x = tdagi_arg_tensor(c, "data"), ends,
               lengths = tdagi_arg_optional(c, "lengths");
    tdag_value offsets = tdagi_arg_optional(c, "offsets");
    int kind = kind_of(tdagi_arg_string(c, "reduce"));
    bool has_initial = tdagi_has(c, "initial");
    int64_t axis = tdagi_arg_int(c, "axis", 0);
    tdagi_ignore(c, "unsafe");
    if (c->bad || kind < 0) return tdagi_refuse(c, "reduce");
    double initial = tdagi_arg_float(c, "initial", usual[kind]);
    uint32_t of = tdagi_rank(c, lengths.id != 0 ? lengths : offsets),
             rank = tdagi_rank(c, x);
    if (c->bad || of < 1 || of > rank || axis != (int64_t)of - 1)
        return tdagi_refuse(c, "axis");
    if (lengths.id != 0) {
        lengths = tdagi_cast(c->b, lengths, TDAG_I64);
        ends = tdag_scan(c->b, lengths, TDAG_REDUCE_SUM, axis);
    } else {
        offsets = tdagi_cast(c->b, offsets, TDAG_I64);
        tdag_dim n = tdagi_dim(c, offsets, of - 1), k = tdag_dim_sub(c->b, n, 1);
        ends = tdagi_slice1(c->b, offsets, of - 1, 1, n);
        lengths = tdagi_sub(c->b, ends, tdagi_slice1(c->b, offsets, of - 1, 0, k));
    }
    tdag_value y = segments(c, (segment_kind)kind, x, ends, initial);
    if (y.id == 0 || kind != SEGMENT_MEAN) return tdagi_result(c, y);
    for (uint32_t i = of; i < rank; i++)
        lengths = tdagi_unsqueeze1(c->b, lengths, i);
    tdag_value none = step_equal(c, lengths, tdag_add_scalar(c->b, TDAG_I64, 0));
    y = tdagi_div(c->b, y, tdagi_cast(c->b, lengths, tdagi_dtype(c, y)));
    return tdagi_result(
        c, step_where(c, none, step_number(c, y, has_initial ? initial : NAN), y));
}

/* ---- positions ---- */

/* The first `size` positions of what is not 0, and fill_value in the rows that remain.
 */
tdagi_any tdagi_aten_nonzero_static(tdagi_call *c)
{
    tdag_value x = tdagi_arg_tensor(c, "self");
    tdag_dim size = tdagi_arg_dim(c, "size", 0);
    double fill = tdagi_arg_float(c, "fill_value", -1);
    if (c->bad) return tdagi_any_poison();
    uint32_t rank = tdagi_rank(c, x);
    tdag_dim shape[2] = {size, rank}, n = step_count(c, x);
    if (rank == 0 || size == 0 || n == 0)
        return tdagi_result(c, tdagi_full(c->b, TDAG_I64, 2, shape, fill));
    tdag_value there = step_lower(c, TDAGI_NOT_EQUAL, x, step_number(c, x, 0)),
               parts[TDAG_MAX_RANK];
    there = step_flat(c, tdagi_cast(c->b, there, TDAG_I64));
    tdag_value count = tdag_scan(c->b, there, TDAG_REDUCE_SUM, 0);
    tdag_value i = tdagi_add_scalar(c->b, tdag_iota(c->b, size, TDAG_I64), 1);
    tdag_value at = tdagi_search(c, count, i, false); /* where the count reaches i */
    tdag_value beyond = step_not(c, step_less(c, at, tdagi_dim_value(c->b, n)));
    tdag_value minus = tdag_add_scalar(c->b, TDAG_I64, fill);
    for (uint32_t a = rank; a-- > 0;) {
        tdag_value extent = tdagi_dim_value(c->b, tdagi_dim(c, x, a));
        tdag_value whole = tdag_binary(c->b, TDAG_OP_FLOOR_DIVIDE, at, extent);
        tdag_value rest = tdagi_sub(c->b, at, tdagi_mul(c->b, whole, extent));
        parts[a] = step_where(c, beyond, minus, rest);
        at = whole;
    }
    return tdagi_result(c, tdagi_stack(c->b, parts, rank, 1));
}
