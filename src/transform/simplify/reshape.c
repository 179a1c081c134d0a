/* group, ungroup, squeeze and unsqueeze: two in a row as one or none. What is merged
 * and split again along the same lines cancels; what is left over is said with the
 * fewest axes. Each rule makes fewer nodes or fewer axes, so that none can undo
 * another. */
#include "transform/simplify/rewrite.h"

#include <string.h>

/* ---- squeeze and unsqueeze ---- */

#define NEW_AXIS (-1)

/* What a squeeze or unsqueeze makes of axes. */
static void apply_axes(uint32_t op, tdag_list axes, tdagi_numbers *x)
{
    tdagi_numbers out = {0};
    uint32_t next = 0, from = 0;
    uint32_t rank = op == TDAG_OP_SQUEEZE ? x->n : x->n + axes.n;
    for (uint32_t i = 0; i < rank; i++) {
        bool named = next < axes.n && axes.v[next] == (int64_t)i;
        next += named;
        if (op == TDAG_OP_UNSQUEEZE)
            tdagi_push(&out, named ? NEW_AXIS : x->v[from++]);
        else if (!named)
            tdagi_push(&out, x->v[i]);
    }
    *x = out;
}

/* The result's axes as a squeeze followed by an unsqueeze of an operand of `rank` axes.
 * In a gap between axes that stay, one that goes and one that comes are the same. */
static void as_squeeze_unsqueeze(const tdagi_numbers *axes, uint32_t rank,
                                 tdagi_numbers *squeezed, tdagi_numbers *inserted)
{
    uint32_t gone = 0; /* the next axis of the operand */
    squeezed->n = inserted->n = 0;
    for (uint32_t i = 0; i <= axes->n;) {
        uint32_t first = i;
        while (i < axes->n && axes->v[i] == NEW_AXIS)
            i++;
        uint32_t comes = i - first;
        uint32_t stays = i < axes->n ? (uint32_t)axes->v[i] : rank;
        uint32_t goes = stays - gone;
        uint32_t same = comes < goes ? comes : goes;
        for (uint32_t k = same; k < goes; k++)
            tdagi_push(squeezed, gone + k);
        for (uint32_t k = same; k < comes; k++)
            tdagi_push(inserted, first + k);
        gone = stays + 1;
        i++;
    }
}

static tdag_value squeeze(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_axes_spec *spec = a->spec;
    tdagi_node x = tdagi_made_by(rw, a->in[0]);
    if (spec->axes.n == 0) return a->in[0];
    if (x.op != TDAG_OP_SQUEEZE && x.op != TDAG_OP_UNSQUEEZE) return TDAG_NO_VALUE;
    const tdag_axes_spec *inner = x.u.spec;
    tdag_value v = x.in.few[0];
    tdagi_numbers axes = {0}, squeezed, inserted;
    axes.n = tdagi_made(rw, v)->rank;
    uint32_t rank = axes.n;
    for (uint32_t i = 0; i < rank; i++)
        axes.v[i] = i;
    apply_axes(x.op, inner->axes, &axes);
    apply_axes((uint32_t)a->op, spec->axes, &axes);
    as_squeeze_unsqueeze(&axes, rank, &squeezed, &inserted);
    bool less = squeezed.n == 0 || inserted.n == 0 ||
                squeezed.n + inserted.n < spec->axes.n + inner->axes.n;
    bool turns = (rw->options.passes & TDAGI_PASS_NORMAL) && a->op == TDAG_OP_SQUEEZE &&
                 x.op == TDAG_OP_UNSQUEEZE; /* axes go first, then others come */
    if (!less && !turns) return TDAG_NO_VALUE;
    const tdag_axes_spec gone = {tdagi_list(&squeezed)}, come = {tdagi_list(&inserted)};
    if (squeezed.n > 0) v = tdagi_remake1(rw, TDAG_OP_SQUEEZE, &gone, v);
    if (inserted.n > 0) v = tdagi_remake1(rw, TDAG_OP_UNSQUEEZE, &come, v);
    return v;
}

/* ---- group and ungroup ---- */

static bool all_ones(tdag_list l)
{
    for (uint32_t i = 0; i < l.n; i++)
        if (l.v[i] != 1) return false;
    return true;
}

static tdag_value make_group(tdagi_rewriter *rw, const tdagi_numbers *runs,
                             tdag_value x)
{
    const tdag_group_spec spec = {tdagi_list(runs)};
    return all_ones(spec.runs) ? x : tdagi_remake1(rw, TDAG_OP_GROUP, &spec, x);
}

static tdag_value make_ungroup(tdagi_rewriter *rw, const tdagi_numbers *counts,
                               const tdagi_numbers *factors, tdag_value x)
{
    const tdag_ungroup_spec spec = {tdagi_list(counts), tdagi_list(factors)};
    return all_ones(spec.counts) ? x : tdagi_remake1(rw, TDAG_OP_UNGROUP, &spec, x);
}

/* Axes that are merged or split; what the rules make less. */
static uint32_t weight(tdag_list runs)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < runs.n; i++)
        if (runs.v[i] > 1) n += (uint32_t)runs.v[i];
    return n;
}

static tdag_value group_of_group(tdagi_rewriter *rw, const tdag_group_spec *outer,
                                 const tdagi_node *x)
{
    const tdag_group_spec *inner = x->u.spec;
    tdagi_numbers runs = {0};
    uint32_t at = 0;
    for (uint32_t i = 0; i < outer->runs.n; i++) {
        int64_t length = 0;
        for (int64_t k = 0; k < outer->runs.v[i]; k++)
            length += inner->runs.v[at++];
        tdagi_push(&runs, length);
    }
    return make_group(rw, &runs, x->in.few[0]);
}

static tdag_value ungroup_of_ungroup(tdagi_rewriter *rw, const tdag_ungroup_spec *outer,
                                     const tdagi_node *x)
{
    const tdag_ungroup_spec *inner = x->u.spec;
    tdagi_numbers counts = {0}, factors = {0};
    uint32_t at = 0;
    for (uint32_t i = 0; i < inner->counts.n; i++) {
        int64_t count = 0;
        for (int64_t k = 0; k < inner->counts.v[i]; k++)
            count += outer->counts.v[at++];
        tdagi_push(&counts, count);
    }
    for (uint32_t i = 0; i < outer->factors.n; i++)
        tdagi_push(&factors, outer->factors.v[i]);
    return make_ungroup(rw, &counts, &factors, x->in.few[0]);
}

/* Between an ungroup and the group of its result, the axes of a block are split and
 * merged apart from all others: `axes` of the operand, `runs` of the result. */
typedef struct block {
    uint32_t axis, n_axes;      /* of the operand */
    uint32_t factor, n_factors; /* of what is in between */
    uint32_t run, n_runs;       /* of the result */
} block;

/* Grows a block at the three positions until both its sides end at the same factor. */
static block next_block(const tdag_ungroup_spec *inner, const tdag_group_spec *outer,
                        const block *last)
{
    block b = {last->axis + last->n_axes, 1, last->factor + last->n_factors, 0,
               last->run + last->n_runs,  1};
    int64_t split = inner->counts.v[b.axis], merged = outer->runs.v[b.run];
    while (split != merged) {
        if (split < merged)
            split += inner->counts.v[b.axis + b.n_axes++];
        else
            merged += outer->runs.v[b.run + b.n_runs++];
    }
    b.n_factors = (uint32_t)split;
    return b;
}

/* Adds a block to the new ungroup and group. */
static void add_block(tdagi_rewriter *rw, const tdagi_node *x, const block *b,
                      const tdag_group_spec *outer, tdagi_numbers *counts,
                      tdagi_numbers *factors, tdagi_numbers *runs)
{
    const tdag_ungroup_spec *inner = x->u.spec;
    const tdag_dim *shape = tdagi_made(rw, x->in.few[0])->shape;
    const int64_t *factor = inner->factors.v + b->factor;
    if (b->n_axes == 1) { /* split at once into what the runs are */
        tdagi_push(counts, b->n_runs);
        for (uint32_t i = 0; i < b->n_runs; i++) {
            uint32_t length = (uint32_t)outer->runs.v[b->run + i];
            tdagi_push(factors,
                       b->n_runs == 1
                           ? shape[b->axis]
                           : tdagi_dim_product(tdagi_rewrite_pool(rw), length, factor));
            factor += length;
            tdagi_push(runs, 1);
        }
        return;
    }
    if (b->n_runs == 1) { /* merge at once */
        for (uint32_t i = 0; i < b->n_axes; i++) {
            tdagi_push(counts, 1);
            tdagi_push(factors, shape[b->axis + i]);
        }
        tdagi_push(runs, b->n_axes);
        return;
    }
    for (uint32_t i = 0; i < b->n_axes; i++)
        tdagi_push(counts, inner->counts.v[b->axis + i]);
    for (uint32_t i = 0; i < b->n_factors; i++)
        tdagi_push(factors, factor[i]);
    for (uint32_t i = 0; i < b->n_runs; i++)
        tdagi_push(runs, outer->runs.v[b->run + i]);
}

static tdag_value group_of_ungroup(tdagi_rewriter *rw, const tdag_group_spec *outer,
                                   const tdagi_node *x)
{
    const tdag_ungroup_spec *inner = x->u.spec;
    tdagi_numbers counts = {0}, factors = {0}, runs = {0};
    block b = {0};
    while (b.axis + b.n_axes < inner->counts.n) {
        b = next_block(inner, outer, &b);
        add_block(rw, x, &b, outer, &counts, &factors, &runs);
    }
    if (weight(tdagi_list(&counts)) + weight(tdagi_list(&runs)) >=
        weight(inner->counts) + weight(outer->runs))
        return TDAG_NO_VALUE;
    tdag_value v = make_ungroup(rw, &counts, &factors, x->in.few[0]);
    return make_group(rw, &runs, v);
}

static tdag_value group(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_group_spec *spec = a->spec;
    tdagi_node x = tdagi_made_by(rw, a->in[0]);
    if (all_ones(spec->runs)) return a->in[0];
    if (x.op == TDAG_OP_GROUP) return group_of_group(rw, spec, &x);
    if (x.op == TDAG_OP_UNGROUP) return group_of_ungroup(rw, spec, &x);
    return TDAG_NO_VALUE;
}

/* The fewest dims and factors from the front whose products are equal; false where that
 * is not known (symbols, or no elements). */
static bool match_front(tdag_list dims, tdag_list factors, uint32_t *n_dims,
                        uint32_t *n_factors)
{
    int64_t a = dims.v[0], b = factors.v[0];
    *n_dims = *n_factors = 1;
    while (a != b) {
        if (a <= 0 || b <= 0) return false;
        if (a < b) {
            if (*n_dims == dims.n || dims.v[*n_dims] <= 0) return false;
            if (__builtin_mul_overflow(a, dims.v[(*n_dims)++], &a)) return false;
        } else {
            if (*n_factors == factors.n || factors.v[*n_factors] <= 0) return false;
            if (__builtin_mul_overflow(b, factors.v[(*n_factors)++], &b)) return false;
        }
    }
    return a != 0;
}

/* What one merged axis becomes: its run of dims, then its factors, as fewer of both. */
static void rejoin(tdagi_rewriter *rw, tdag_list dims, tdag_list factors,
                   tdagi_numbers *runs, tdagi_numbers *counts, tdagi_numbers *out)
{
    tdagi_pool *pool = tdagi_rewrite_pool(rw);
    while (dims.n > 0 && factors.n > 0) {
        uint32_t n_dims, n_factors;
        if (!match_front(dims, factors, &n_dims, &n_factors)) {
            n_dims = dims.n;
            n_factors = factors.n;
        }
        tdag_list rest = {dims.n - n_dims, dims.v + n_dims};
        tdag_list other = {factors.n - n_factors, factors.v + n_factors};
        /* What is left must be equal too, also where one side has run out. */
        if (rest.n == 0 || other.n == 0 ||
            tdagi_dim_product(pool, rest.n, rest.v) !=
                tdagi_dim_product(pool, other.n, other.v)) {
            n_dims = dims.n;
            n_factors = factors.n;
        }
        tdagi_push(runs, n_dims);
        tdagi_push(counts, n_factors);
        for (uint32_t i = 0; i < n_factors; i++)
            tdagi_push(out, factors.v[i]);
        dims = (tdag_list){dims.n - n_dims, dims.v + n_dims};
        factors = (tdag_list){factors.n - n_factors, factors.v + n_factors};
    }
}

static tdag_value ungroup_of_group(tdagi_rewriter *rw, const tdag_ungroup_spec *outer,
                                   const tdagi_node *x)
{
    const tdag_group_spec *inner = x->u.spec;
    const tdag_dim *shape = tdagi_made(rw, x->in.few[0])->shape;
    tdagi_numbers runs = {0}, counts = {0}, factors = {0};
    uint32_t dim = 0, factor = 0;
    for (uint32_t i = 0; i < inner->runs.n; i++) {
        tdag_list dims = {(uint32_t)inner->runs.v[i], shape + dim};
        tdag_list parts = {(uint32_t)outer->counts.v[i], outer->factors.v + factor};
        rejoin(rw, dims, parts, &runs, &counts, &factors);
        dim += dims.n;
        factor += parts.n;
    }
    if (weight(tdagi_list(&runs)) + weight(tdagi_list(&counts)) >=
        weight(inner->runs) + weight(outer->counts))
        return TDAG_NO_VALUE;
    return make_ungroup(rw, &counts, &factors, make_group(rw, &runs, x->in.few[0]));
}

static tdag_value ungroup(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_ungroup_spec *spec = a->spec;
    tdagi_node x = tdagi_made_by(rw, a->in[0]);
    if (all_ones(spec->counts)) return a->in[0];
    if (x.op == TDAG_OP_UNGROUP) return ungroup_of_ungroup(rw, spec, &x);
    if (x.op == TDAG_OP_GROUP) return ungroup_of_group(rw, spec, &x);
    return TDAG_NO_VALUE;
}

const tdagi_rule_row tdagi_reshape_rules[] = {
    {TDAG_OP_SQUEEZE, squeeze}, {TDAG_OP_UNSQUEEZE, squeeze}, {TDAG_OP_GROUP, group},
    {TDAG_OP_UNGROUP, ungroup}, {TDAG_OP_NONE, NULL},
};
