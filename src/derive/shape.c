/* Sugar for shapes: one-axis forms of the core movement ops, reshape, expand, full. */
#include <math.h>

#include "derive/parts.h"

static tdagi_pool *pool_of(tdag_builder *b) { return tdagi_builder_pool(b); }

static bool usable(tdag_builder *b, tdag_value x)
{
    return tdagi_builder_ok(b) && x.id != 0;
}

/* Also of its axes: callers may have an operand of another rank than they think. */
static bool usable_axis(tdag_builder *b, tdag_value x, uint32_t axis)
{
    if (!usable(b, x)) return false;
    uint32_t rank = tdag_builder_get_rank(b, x);
    if (axis < rank) return true;
    tdagi_builder_fail(b, TDAG_E_SHAPE, "a value of rank %u has no axis %u",
                       (unsigned)rank, (unsigned)axis);
    return false;
}

static tdag_list list_of(uint32_t n, const int64_t *v) { return (tdag_list){n, v}; }

/* ---- one axis ---- */

tdag_value tdagi_squeeze1(tdag_builder *b, tdag_value x, uint32_t axis)
{
    return tdag_squeeze(b, x, TDAG_LIST(axis));
}

tdag_value tdagi_unsqueeze1(tdag_builder *b, tdag_value x, uint32_t axis)
{
    return tdag_unsqueeze(b, x, TDAG_LIST(axis));
}

tdag_value tdagi_transpose(tdag_builder *b, tdag_value x, uint32_t axis0,
                           uint32_t axis1)
{
    if (!usable(b, x) || axis0 == axis1) return x;
    int64_t order[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(b, x);
    for (uint32_t i = 0; i < rank; i++)
        order[i] = i;
    order[axis0] = axis1;
    order[axis1] = axis0;
    return tdag_permute(b, x, list_of(rank, order));
}

tdag_value tdagi_slice1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim start,
                        tdag_dim end)
{
    if (!usable_axis(b, x, axis)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x);
    const tdag_dim *shape = tdag_builder_get_shape(b, x);
    if (start == 0 && end == shape[axis]) return x;
    tdagi_axes from = tdagi_axes_of(0), to;
    for (uint32_t i = 0; i < rank; i++)
        to.v[i] = shape[i];
    from.v[axis] = start;
    to.v[axis] = end;
    return tdag_slice(b, x, list_of(rank, from.v), list_of(rank, to.v));
}

/* Whether n pads one axis with what adding leaves as it is, the zeroes that concat has:
 * so many before and behind. */
static bool pads_for_concat(const tdagi_node *n, uint32_t axis, tdag_dim *before,
                            tdag_dim *after)
{
    const tdag_pad_spec *s = n->u.spec;
    if (n->op != TDAG_OP_PAD || s->mode != TDAG_PAD_CONSTANT || s->value != 0 ||
        (tdag_dtype_is_float((tdag_dtype)n->dtype) && !signbit(s->value)))
        return false;
    for (uint32_t i = 0; i < n->rank; i++)
        if (i != axis && (s->before.v[i] != 0 || s->after.v[i] != 0)) return false;
    *before = s->before.v[axis];
    *after = s->after.v[axis];
    return true;
}

static bool is_circular(const tdagi_node *n)
{
    return n->op == TDAG_OP_PAD &&
           ((const tdag_pad_spec *)n->u.spec)->mode == TDAG_PAD_CIRCULAR;
}

/* If x is a slice of one axis, or a concat of which the slice takes one operand: what
 * is below it, and the slice of that; else false. */
static bool step_below(tdag_builder *b, tdag_value *x, uint32_t axis, tdag_dim *start,
                       tdag_dim *end)
{
    const tdagi_node *n = tdagi_graph_node(b->graph, *x), *part[2];
    tdag_dim before[2], after[2], at = 0;
    if (n->op == TDAG_OP_SLICE) {
        const tdag_slice_spec *s = n->u.spec;
        const tdagi_node *below = tdagi_graph_node(b->graph, tdagi_node_inputs(n)[0]);
        for (uint32_t i = 0; i < n->rank; i++)
            if (i != axis && n->shape[i] != below->shape[i]) return false;
        if (is_circular(below)) return false; /* the slice is a roll's */
        *x = tdagi_node_inputs(n)[0];
        *start = tdagi_dim_add(pool_of(b), *start, s->start.v[axis]);
        *end = tdagi_dim_add(pool_of(b), *end, s->start.v[axis]);
        return true;
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (n->op != TDAG_OP_ADD) return false;
        part[i] = tdagi_graph_node(b->graph, tdagi_node_inputs(n)[i]);
        if (part[i]->rank != n->rank ||
            !pads_for_concat(part[i], axis, &before[i], &after[i]))
            return false;
    }
    at = before[1];
    tdag_value left = tdagi_node_inputs(part[0])[0];
    if (before[0] != 0 || after[1] != 0 ||
        tdagi_graph_node(b->graph, left)->shape[axis] != at)
        return false;
    bool is_right = tdagi_dim_proves_ge(pool_of(b), *start, at);
    if (!is_right && !tdagi_dim_proves_ge(pool_of(b), at, *end)) return false;
    *x = is_right ? tdagi_node_inputs(part[1])[0] : left;
    *start = is_right ? tdagi_dim_sub(pool_of(b), *start, at) : *start;
    *end = is_right ? tdagi_dim_sub(pool_of(b), *end, at) : *end;
    return true;
}

tdag_value tdagi_slice_below(tdag_builder *b, tdag_value x, uint32_t axis,
                             tdag_dim start, tdag_dim end)
{
    if (!usable_axis(b, x, axis)) return TDAG_NO_VALUE;
    while (step_below(b, &x, axis, &start, &end))
        continue;
    return tdagi_slice1(b, x, axis, start, end);
}

tdag_value tdagi_pad1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim before,
                      tdag_dim after, tdag_pad_mode mode, double value)
{
    if (!usable_axis(b, x, axis)) return TDAG_NO_VALUE;
    if (before == 0 && after == 0) return x;
    uint32_t rank = tdag_builder_get_rank(b, x);
    tdagi_axes from = tdagi_axes_of(0), to = tdagi_axes_of(0);
    from.v[axis] = before;
    to.v[axis] = after;
    return tdag_pad(b, x, list_of(rank, from.v), list_of(rank, to.v), mode, value);
}

/* What it pads by; what it cuts off is added to *cut. */
static tdag_dim pad_of(tdagi_pool *pool, tdag_dim by, tdag_dim *cut, bool *some)
{
    int64_t now = tdagi_dim_sample(pool, by);
    if (now < 0) *cut = tdagi_dim_sub(pool, *cut, by);
    *some |= now < 0 ? false : by != 0;
    return now < 0 ? 0 : by;
}

tdag_value tdagi_pad_or_cut(tdag_builder *b, tdag_value x, const tdag_dim *before,
                            const tdag_dim *after, tdag_pad_mode mode, double value)
{
    if (!tdagi_usable(b, x)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x);
    tdagi_axes from = tdagi_axes_of(0), to = from, start = from, end = from;
    bool pads = false, cuts = false,
         mirrors = mode == TDAG_PAD_REFLECT || mode == TDAG_PAD_REPLICATE;
    for (uint32_t i = 0; i < rank; i++) {
        tdag_dim n = tdagi_dim_of(b, x, i), off = 0;
        from.v[i] = pad_of(pool_of(b), before[i], &start.v[i], &pads);
        to.v[i] = pad_of(pool_of(b), after[i], &off, &pads);
        cuts |= start.v[i] != 0 || off != 0;
        if (mirrors)
            n = tdagi_dim_add(pool_of(b), n,
                              tdagi_dim_add(pool_of(b), from.v[i], to.v[i]));
        end.v[i] = tdagi_dim_sub(pool_of(b), n, off);
    }
    if (cuts && !mirrors)
        x = tdag_slice(b, x, list_of(rank, start.v), list_of(rank, end.v));
    if (pads)
        x = tdag_pad(b, x, list_of(rank, from.v), list_of(rank, to.v), mode, value);
    if (cuts && mirrors)
        x = tdag_slice(b, x, list_of(rank, start.v), list_of(rank, end.v));
    return x;
}

static tdag_value unfold1(tdag_builder *b, tdag_value x, uint32_t axis, int64_t kernel,
                          int64_t stride)
{
    uint32_t rank = tdag_builder_get_rank(b, x);
    tdagi_axes k = tdagi_axes_of(1), s = tdagi_axes_of(1);
    k.v[axis] = kernel;
    s.v[axis] = stride;
    return tdag_unfold(b, x, list_of(rank, k.v), list_of(rank, s.v));
}

tdag_value tdagi_stride1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim start,
                         tdag_dim end, int64_t step)
{
    tdag_value y = tdagi_slice1(b, x, axis, start, end);
    if (!usable(b, y) || step == 1) return y;
    tdag_dim dim = tdag_builder_get_shape(b, y)[axis];
    if (tdagi_dim_sample(pool_of(b), dim) == 0) return y;
    return unfold1(b, y, axis, 1, step);
}

tdag_value tdagi_select1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim index)
{
    return tdagi_squeeze1(b, tdag_select(b, x, axis, index), axis);
}

/* The axis split into [outer, inner]. */
static tdag_value ungroup1(tdag_builder *b, tdag_value x, uint32_t axis, tdag_dim outer,
                           tdag_dim inner)
{
    if (!usable(b, x)) return TDAG_NO_VALUE;
    uint32_t rank = tdag_builder_get_rank(b, x);
    const tdag_dim *shape = tdag_builder_get_shape(b, x);
    tdagi_axes counts = tdagi_axes_of(1), factors;
    counts.v[axis] = 2;
    uint32_t n = 0;
    for (uint32_t i = 0; i < rank; i++) {
        factors.v[n++] = i == axis ? outer : shape[i];
        if (i == axis) factors.v[n++] = inner;
    }
    return tdag_ungroup(b, x, list_of(rank, counts.v), list_of(n, factors.v));
}

tdag_value tdagi_window(tdag_builder *b, tdag_value x, uint32_t axis, int64_t kernel,
                        int64_t stride, int64_t dilation)
{
    if (!usable(b, x)) return TDAG_NO_VALUE;
    int64_t span = (kernel - 1) * dilation + 1;
    x = unfold1(b, x, axis, span, stride);
    if (!usable(b, x)) return TDAG_NO_VALUE;
    tdag_dim size = tdag_builder_get_shape(b, x)[axis];
    x = ungroup1(b, x, axis, tdagi_dim_floordiv(pool_of(b), size, span), span);
    if (!usable(b, x) || dilation == 1) return x;
    return unfold1(b, x, axis + 1, 1, dilation);
}

tdag_value tdagi_reduce_keep(tdag_builder *b, tdag_value x, tdag_reduction kind,
                             tdag_list axes, bool keep)
{
    tdag_value y = tdag_reduce(b, x, kind, axes);
    return keep || axes.n == 0 ? y : tdag_squeeze(b, y, axes);
}

/* ---- reshape ---- */

void tdagi_reshape_dims(tdag_builder *b, tdag_value x, uint32_t rank, tdag_dim *shape)
{
    if (!usable(b, x)) return;
    tdagi_pool *pool = pool_of(b);
    tdag_dim known = 1;
    uint32_t open = rank;
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] == TDAGI_DIM_OPEN) {
            if (open < rank) {
                tdagi_builder_fail(b, TDAG_E_SHAPE, "reshape leaves two dims open");
                return;
            }
            open = i;
        } else
            known = tdagi_dim_mul(pool, known, shape[i]);
    }
    if (open == rank) return;
    tdag_dim count = tdagi_dim_product(pool, tdag_builder_get_rank(b, x),
                                       tdag_builder_get_shape(b, x));
    int64_t n = tdagi_dim_sample(pool, count), k = tdagi_dim_sample(pool, known);
    if (k == 0) {
        tdagi_builder_fail(
            b, TDAG_E_SHAPE,
            "reshape cannot infer a dim where the others have no elements");
        return;
    }
    if (n % k != 0) {
        tdagi_builder_fail(b, TDAG_E_SHAPE,
                           "reshape of %lld elements into dims of product %lld",
                           (long long)n, (long long)k);
        return;
    }
    shape[open] = tdagi_dim_floordiv(pool, count, known);
}

static bool same_shape(uint32_t rank, const tdag_dim *a, uint32_t other_rank,
                       const tdag_dim *c)
{
    if (rank != other_rank) return false;
    for (uint32_t i = 0; i < rank; i++)
        if (a[i] != c[i]) return false;
    return true;
}

/* Old and new axes cut into the shortest blocks of equal products: old[i]..old[i+1] and
 * new[i]..new[i+1] hold the same elements. */
typedef struct blocks {
    uint32_t n;
    uint32_t from[TDAG_MAX_RANK + 1], to[TDAG_MAX_RANK + 1];
} blocks;

static bool find_blocks(tdagi_pool *pool, uint32_t rank, const tdag_dim *shape,
                        uint32_t new_rank, const tdag_dim *wanted, blocks *out)
{
    uint32_t i = 0, j = 0;
    out->n = 0;
    while (i < rank && j < new_rank) {
        out->from[out->n] = i;
        out->to[out->n] = j;
        tdag_dim have = shape[i++], want = wanted[j++];
        while (have != want) {
            int64_t h = tdagi_dim_sample(pool, have), w = tdagi_dim_sample(pool, want);
            bool take_old = h < w || (h == w && j == new_rank);
            if (take_old && i < rank)
                have = tdagi_dim_mul(pool, have, shape[i++]);
            else if (!take_old && j < new_rank)
                want = tdagi_dim_mul(pool, want, wanted[j++]);
            else
                break;
        }
        if (tdagi_dim_sample(pool, have) != tdagi_dim_sample(pool, want)) return false;
        out->n++;
    }
    out->from[out->n] = rank;
    out->to[out->n] = new_rank;
    /* What is left on one side is axes of size 1: they join the last block. */
    for (; i < rank; i++)
        if (tdagi_dim_sample(pool, shape[i]) != 1) return false;
    for (; j < new_rank; j++)
        if (tdagi_dim_sample(pool, wanted[j]) != 1) return false;
    return true;
}

/* Axes of size 1 that only one side has are squeezed and unsqueezed; the rest is, per
 * block, a group to one axis and an ungroup into the new ones. */
static tdag_value regroup(tdag_builder *b, tdag_value x, const blocks *p,
                          uint32_t new_rank, const tdag_dim *wanted)
{
    tdagi_axes runs, counts, factors;
    bool groups = false, splits = false;
    for (uint32_t i = 0; i < p->n; i++) {
        runs.v[i] = (int64_t)p->from[i + 1] - p->from[i];
        counts.v[i] = (int64_t)p->to[i + 1] - p->to[i];
        groups = groups || runs.v[i] > 1;
        splits = splits || counts.v[i] > 1;
    }
    for (uint32_t j = 0; j < new_rank; j++)
        factors.v[j] = wanted[j];
    if (groups) x = tdag_group(b, x, list_of(p->n, runs.v));
    if (splits)
        x = tdag_ungroup(b, x, list_of(p->n, counts.v), list_of(new_rank, factors.v));
    return x;
}

/* A shape taken apart: axes of size 1, by number, and the others. */
typedef struct unit_axes {
    uint32_t rank, n_kept, n_ones;
    const tdag_dim *shape;
    tdag_dim kept[TDAG_MAX_RANK];
    int64_t ones[TDAG_MAX_RANK];
    uint32_t before[TDAG_MAX_RANK]; /* by one: how many kept axes stand before it */
} unit_axes;

static void take_apart(uint32_t rank, const tdag_dim *shape, unit_axes *out)
{
    out->rank = rank;
    out->shape = shape;
    out->n_kept = out->n_ones = 0;
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] != 1) {
            out->kept[out->n_kept++] = shape[i];
            continue;
        }
        out->before[out->n_ones] = out->n_kept;
        out->ones[out->n_ones++] = i;
    }
}

/* Keeps the ones that `common` marks (by axis) among the other axes. */
static void keep_common(unit_axes *a, const bool common[TDAG_MAX_RANK])
{
    a->n_kept = a->n_ones = 0;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != 1 || common[i])
            a->kept[a->n_kept++] = a->shape[i];
        else
            a->ones[a->n_ones++] = i;
}

/* Axes of size 1 that both sides have at the same border between blocks stay axes, as
 * they would at any other size: so a batch of 1 is reshaped as a batch of N is. */
static void pair_ones(const blocks *p, unit_axes *old, unit_axes *new)
{
    bool in_old[TDAG_MAX_RANK] = {false}, in_new[TDAG_MAX_RANK] = {false};
    uint32_t k = 0;
    for (uint32_t i = 0; i < old->n_ones; i++)
        for (uint32_t block = 0; block <= p->n; block++) {
            if (p->from[block] != old->before[i]) continue;
            while (k < new->n_ones &&new->before[k] < p->to[block])
                k++;
            if (k == new->n_ones || new->before[k] != p->to[block]) continue;
            in_old[old->ones[i]] = in_new[new->ones[k++]] = true;
            break;
        }
    keep_common(old, in_old);
    keep_common(new, in_new);
}

tdag_value tdagi_reshape(tdag_builder *b, tdag_value x, uint32_t rank,
                         const tdag_dim *shape)
{
    if (!usable(b, x)) return TDAG_NO_VALUE;
    tdagi_pool *pool = pool_of(b);
    uint32_t old_rank = tdag_builder_get_rank(b, x);
    tdag_dim old[TDAG_MAX_RANK], wanted[TDAG_MAX_RANK];
    if (rank > TDAG_MAX_RANK)
        return tdagi_builder_fail(b, TDAG_E_LIMIT, "rank %u is above the limit of %d",
                                  (unsigned)rank, TDAG_MAX_RANK);
    for (uint32_t i = 0; i < old_rank; i++)
        old[i] = tdag_builder_get_shape(b, x)[i];
    for (uint32_t i = 0; i < rank; i++)
        wanted[i] = shape[i];
    if (same_shape(old_rank, old, rank, wanted)) return x;
    int64_t n = tdagi_dim_sample(pool, tdagi_dim_product(pool, old_rank, old));
    tdag_dim product = tdagi_dim_product(pool, rank, wanted);
    tdag_status st = tdagi_pool_report(b->ctx, pool);
    if (st != TDAG_OK)
        return tdagi_builder_fail(b, st, "%s", tdag_ctx_get_error(b->ctx)->message);
    if (product == TDAGI_DIM_BAD || n != tdagi_dim_sample(pool, product))
        return tdagi_builder_fail(
            b, TDAG_E_SHAPE, "reshape of %lld elements into %lld", (long long)n,
            product == TDAGI_DIM_BAD ? -1LL
                                     : (long long)tdagi_dim_sample(pool, product));
    blocks p;
    unit_axes from, to;
    take_apart(old_rank, old, &from);
    take_apart(rank, wanted, &to);
    bool fits =
        n != 0 && find_blocks(pool, from.n_kept, from.kept, to.n_kept, to.kept, &p);
    if (fits) {
        pair_ones(&p, &from, &to);
        fits = find_blocks(pool, from.n_kept, from.kept, to.n_kept, to.kept, &p);
    }
    if (!fits) {
        /* Without elements any grouping is right: everything to one axis and back. */
        if (old_rank == 0 || rank == 0) return TDAG_NO_VALUE;
        p = (blocks){1, {0, old_rank}, {0, rank}};
        return regroup(b, x, &p, rank, wanted);
    }
    if (from.n_ones > 0) x = tdag_squeeze(b, x, list_of(from.n_ones, from.ones));
    if (from.n_kept > 0) x = regroup(b, x, &p, to.n_kept, to.kept);
    if (to.n_ones > 0) x = tdag_unsqueeze(b, x, list_of(to.n_ones, to.ones));
    return x;
}

/* ---- broadcasting and constants ---- */

tdag_value tdagi_expand(tdag_builder *b, tdag_value x, uint32_t rank,
                        const tdag_dim *shape)
{
    if (!usable(b, x)) return TDAG_NO_VALUE;
    uint32_t own = tdag_builder_get_rank(b, x);
    if (own > rank || rank > TDAG_MAX_RANK)
        return tdagi_builder_fail(b, TDAG_E_SHAPE, "rank %u does not expand to rank %u",
                                  (unsigned)own, (unsigned)rank);
    tdagi_axes axes, counts = tdagi_axes_of(1);
    tdag_dim wanted[TDAG_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++)
        wanted[i] = shape[i];
    for (uint32_t i = 0; i < rank - own; i++)
        axes.v[i] = i;
    if (own < rank) x = tdag_unsqueeze(b, x, list_of(rank - own, axes.v));
    if (!usable(b, x)) return TDAG_NO_VALUE;
    bool repeats = false;
    for (uint32_t i = 0; i < rank; i++) {
        tdag_dim have = tdag_builder_get_shape(b, x)[i];
        if (have == wanted[i]) continue;
        if (have != 1)
            return tdagi_builder_fail(b, TDAG_E_SHAPE, "axis %u does not expand",
                                      (unsigned)i);
        counts.v[i] = wanted[i];
        repeats = true;
    }
    return repeats ? tdag_repeat(b, x, list_of(rank, counts.v)) : x;
}

void tdagi_broadcast_shape(tdag_builder *b, const tdag_value *v, uint32_t n,
                           uint32_t *rank_out, tdag_dim *shape_out)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < n; i++)
        if (tdag_builder_get_rank(b, v[i]) > rank)
            rank = tdag_builder_get_rank(b, v[i]);
    *rank_out = rank;
    for (uint32_t axis = 0; axis < rank; axis++) {
        shape_out[axis] = 1;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t missing = rank - tdag_builder_get_rank(b, v[i]);
            if (axis < missing) continue;
            tdag_dim d = tdag_builder_get_shape(b, v[i])[axis - missing];
            if (shape_out[axis] == 1)
                shape_out[axis] = d;
            else if (d != 1 && d != shape_out[axis])
                tdagi_builder_fail(b, TDAG_E_SHAPE,
                                   "operands do not broadcast at axis %u",
                                   (unsigned)axis);
        }
    }
}

tdag_value tdagi_full(tdag_builder *b, tdag_dtype dtype, uint32_t rank,
                      const tdag_dim *shape, double value)
{
    return tdagi_expand(b, tdag_add_scalar(b, dtype, value), rank, shape);
}

tdag_value tdagi_full_like(tdag_builder *b, tdag_value x, double value)
{
    if (!usable(b, x)) return TDAG_NO_VALUE;
    tdag_dim shape[TDAG_MAX_RANK];
    uint32_t rank = tdag_builder_get_rank(b, x);
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = tdag_builder_get_shape(b, x)[i];
    return tdagi_full(b, tdag_builder_get_dtype(b, x), rank, shape, value);
}
