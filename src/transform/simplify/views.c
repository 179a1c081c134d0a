/* Views that do nothing, and views of views that are one view: permute, slice, select,
 * pad, repeat, unfold. Every rule makes fewer nodes, so that none can undo another.
 * Dims may be symbolic: what must be a number is asked to be one, and what must be
 * equal is compared as an expression.
 *
 * Whether a view does nothing is asked of its index map. Two views are joined by their
 * specs: the composition of their maps would have to be read back as a spec, op by op,
 * which is as long as the joining, and says neither what a pad shows outside nor what
 * becomes of a part that leaves out padding. */
#include "transform/simplify/rewrite.h"

#include <string.h>

typedef struct entries {
    int64_t v[TDAG_MAX_RANK];
} entries;

static tdag_list list(uint32_t n, const entries *x) { return (tdag_list){n, x->v}; }

static tdagi_node operand(const tdagi_rewriter *rw, const tdagi_apply *a)
{
    return tdagi_made_by(rw, a->in[0]);
}

static void map_of(uint32_t op, const void *spec, uint32_t rank, tdagi_index_map *map)
{
    tdagi_op_index(op, &(tdagi_index_call){spec, rank, rank}, map);
}

/* Whether the view is its operand; it keeps the rank. */
static bool does_nothing(const tdagi_apply *a, const tdagi_node *x)
{
    tdagi_index_map map;
    map_of((uint32_t)a->op, a->spec, x->rank, &map);
    bool nothing = true;
    for (uint32_t i = 0; i < map.n; i++) {
        const tdagi_piece *p = &map.pieces[i];
        nothing &= p->in == p->out && p->stride == 1 && p->before == 0 && p->after == 0;
    }
    return nothing;
}

/* ---- permute ---- */

static tdag_value permute(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_permute_spec *spec = a->spec;
    tdagi_node x = operand(rw, a);
    if (does_nothing(a, &x)) return a->in[0];
    if (x.op != TDAG_OP_PERMUTE) return TDAG_NO_VALUE;
    const tdag_permute_spec *inner = x.u.spec;
    entries order;
    for (uint32_t i = 0; i < spec->order.n; i++)
        order.v[i] = inner->order.v[spec->order.v[i]];
    const tdag_permute_spec both = {list(spec->order.n, &order)};
    return tdagi_remake1(rw, TDAG_OP_PERMUTE, &both, x.in.few[0]);
}

/* ---- slice and select, as the parts of the axes that they take ---- */

typedef struct part {
    entries start, end;
} part;

/* What a slice or a select takes of an operand of that shape. */
static part part_of(tdagi_pool *pool, uint32_t op, const void *spec, uint32_t rank,
                    const tdag_dim *shape)
{
    part p;
    for (uint32_t i = 0; i < rank; i++) {
        p.start.v[i] = 0;
        p.end.v[i] = shape[i];
    }
    if (op == TDAG_OP_SLICE) {
        const tdag_slice_spec *s = spec;
        for (uint32_t i = 0; i < rank; i++) {
            p.start.v[i] = s->start.v[i];
            p.end.v[i] = s->end.v[i];
        }
    } else {
        const tdag_select_spec *s = spec;
        p.start.v[s->axis] = s->index;
        p.end.v[s->axis] = tdagi_dim_add(pool, s->index, 1);
    }
    return p;
}

static bool is_whole(const part *p, uint32_t axis, const tdag_dim *shape)
{
    return p->start.v[axis] == 0 && p->end.v[axis] == shape[axis];
}

static bool is_whole_all(const part *p, uint32_t rank, const tdag_dim *shape)
{
    for (uint32_t i = 0; i < rank; i++)
        if (!is_whole(p, i, shape)) return false;
    return true;
}

/* That part of x: x itself, a select where `select` asks for one and it is one, or a
 * slice. */
static tdag_value take_part(tdagi_rewriter *rw, tdag_value x, const part *p,
                            bool select)
{
    tdagi_node n = *tdagi_made(rw, x);
    uint32_t cut = 0, axis = 0;
    for (uint32_t i = 0; i < n.rank; i++) {
        if (is_whole(p, i, n.shape)) continue;
        cut++;
        axis = i;
    }
    if (cut == 0) return x;
    tdagi_pool *pool = tdagi_rewrite_pool(rw);
    if (select && cut == 1 &&
        tdagi_dim_sub(pool, p->end.v[axis], p->start.v[axis]) == 1) {
        const tdag_select_spec one = {(int64_t)axis, p->start.v[axis]};
        return tdagi_remake1(rw, TDAG_OP_SELECT, &one, x);
    }
    const tdag_slice_spec slice = {list(n.rank, &p->start), list(n.rank, &p->end)};
    return tdagi_remake1(rw, TDAG_OP_SLICE, &slice, x);
}

/* *p, a part of what the slice or select x takes, as a part of x's operand. */
static void part_of_part(tdagi_rewriter *rw, part *p, const tdagi_node *x)
{
    tdagi_pool *pool = tdagi_rewrite_pool(rw);
    part all =
        part_of(pool, x->op, x->u.spec, x->rank, tdagi_made(rw, x->in.few[0])->shape);
    for (uint32_t i = 0; i < x->rank; i++) {
        tdag_dim from = all.start.v[i];
        p->start.v[i] = tdagi_dim_add(pool, from, p->start.v[i]);
        p->end.v[i] = tdagi_dim_add(pool, from, p->end.v[i]);
    }
}

/* A part along repeated axes is fewer copies. */
static tdag_value part_of_repeat(tdagi_rewriter *rw, const part *p, const tdagi_node *x)
{
    tdagi_pool *pool = tdagi_rewrite_pool(rw);
    const tdag_repeat_spec *spec = x->u.spec;
    entries counts;
    for (uint32_t i = 0; i < x->rank; i++) {
        counts.v[i] = spec->counts.v[i];
        if (is_whole(p, i, x->shape)) continue;
        if (spec->counts.v[i] == 1) return TDAG_NO_VALUE;
        counts.v[i] = tdagi_dim_sub(pool, p->end.v[i], p->start.v[i]);
    }
    const tdag_repeat_spec fewer = {list(x->rank, &counts)};
    return tdagi_remake1(rw, TDAG_OP_REPEAT, &fewer, x->in.few[0]);
}

/* One axis of a padded value, n elements and `before` and `after` around them, of which
 * start to end are taken: that part as a part of the n, padded. False where numbers are
 * missing, or nothing of the n is left. */
typedef struct padded_axis {
    tdag_dim start, end, before, after;
} padded_axis;

static bool cut_padding(const padded_axis *x, tdag_dim n, padded_axis *out)
{
    if (n < 0 || x->start < 0 || x->end < 0 || x->before < 0 || x->after < 0)
        return false;
    int64_t low = x->before, high = x->before + n;
    if (x->end <= low || x->start >= high || x->start >= x->end) return false;
    out->before = x->start < low ? low - x->start : 0;
    out->after = x->end > high ? x->end - high : 0;
    out->start = x->start > low ? x->start - low : 0;
    out->end = x->end < high ? x->end - low : n;
    return true;
}

/* A part of a padded value, where one of the two goes: padding that is cut away, then
 * *p becomes a part of the operand and no value is returned; or a part that only cuts
 * padding. *ok is false where neither holds. */
static tdag_value part_of_pad(tdagi_rewriter *rw, part *p, const tdagi_node *x,
                              bool *ok)
{
    const tdag_pad_spec *spec = x->u.spec;
    const tdag_dim *shape = tdagi_made(rw, x->in.few[0])->shape;
    part rest;
    entries before, after;
    bool cuts = false, pads = false;
    for (uint32_t i = 0; i < x->rank; i++) {
        padded_axis axis = {p->start.v[i], p->end.v[i], spec->before.v[i],
                            spec->after.v[i]};
        if (is_whole(p, i, x->shape))
            axis.start = 0, axis.end = shape[i];
        else if (axis.before == 0 && axis.after == 0)
            ; /* the part of the operand itself */
        else if (!cut_padding(&axis, shape[i], &axis))
            *ok = false;
        if (!*ok) return TDAG_NO_VALUE;
        rest.start.v[i] = axis.start;
        rest.end.v[i] = axis.end;
        before.v[i] = axis.before;
        after.v[i] = axis.after;
        cuts |= axis.start != 0 || axis.end != shape[i];
        pads |= axis.before != 0 || axis.after != 0;
    }
    *ok = !(cuts && pads);
    if (*ok && !pads) *p = rest;
    if (!*ok || !pads) return TDAG_NO_VALUE;
    const tdag_pad_spec less = {list(x->rank, &before), list(x->rank, &after),
                                spec->mode, spec->value};
    return tdagi_remake1(rw, TDAG_OP_PAD, &less, x->in.few[0]);
}

/* Down through slices, selects and padding that is cut away, as far as it goes: a loop,
 * so that a long chain needs no deep stack. */
static tdag_value slice(tdagi_rewriter *rw, const tdagi_apply *a)
{
    tdag_value v = a->in[0];
    tdagi_node x = operand(rw, a);
    const bool is_normal = rw->options.passes & TDAGI_PASS_NORMAL; /* slices only */
    bool select = a->op == TDAG_OP_SELECT && !is_normal, ok = true;
    part p = part_of(tdagi_rewrite_pool(rw), (uint32_t)a->op, a->spec, x.rank, x.shape);
    while (!is_whole_all(&p, x.rank, x.shape)) {
        tdag_value done = TDAG_NO_VALUE;
        if (x.op == TDAG_OP_SLICE || x.op == TDAG_OP_SELECT)
            part_of_part(rw, &p, &x);
        else if (x.op == TDAG_OP_REPEAT)
            done = part_of_repeat(rw, &p, &x);
        else if (x.op == TDAG_OP_PAD)
            done = part_of_pad(rw, &p, &x, &ok);
        if (done.id != 0) return done;
        bool down = x.op == TDAG_OP_SLICE || x.op == TDAG_OP_SELECT ||
                    (x.op == TDAG_OP_PAD && ok);
        if (!down || !tdagi_builder_ok(rw->b)) break;
        select = select || x.op == TDAG_OP_SELECT;
        v = x.in.few[0];
        x = tdagi_made_by(rw, v);
    }
    bool moved = v.id != a->in[0].id || is_whole_all(&p, x.rank, x.shape) ||
                 (is_normal && a->op == TDAG_OP_SELECT);
    return moved && tdagi_builder_ok(rw->b) ? take_part(rw, v, &p, select)
                                            : TDAG_NO_VALUE;
}

/* ---- pad ---- */

/* Whether two pads in a row are one: each axis is padded by one of them only, or the
 * second goes on as the first did. */
static bool pads_join(const tdag_pad_spec *outer, const tdag_pad_spec *inner)
{
    if (outer->mode != inner->mode) return false;
    if (outer->mode == TDAG_PAD_CONSTANT)
        return memcmp(&outer->value, &inner->value, sizeof(double)) == 0;
    if (outer->mode == TDAG_PAD_REPLICATE) return true;
    for (uint32_t i = 0; i < outer->before.n; i++) {
        bool first = inner->before.v[i] != 0 || inner->after.v[i] != 0;
        if (first && (outer->before.v[i] != 0 || outer->after.v[i] != 0)) return false;
    }
    return true;
}

static tdag_value pad(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_pad_spec *spec = a->spec;
    tdagi_node x = operand(rw, a);
    if (does_nothing(a, &x)) return a->in[0];
    if (x.op != TDAG_OP_PAD || !pads_join(spec, x.u.spec)) return TDAG_NO_VALUE;
    const tdag_pad_spec *inner = x.u.spec;
    tdagi_pool *pool = tdagi_rewrite_pool(rw);
    entries before, after;
    for (uint32_t i = 0; i < x.rank; i++) {
        before.v[i] = tdagi_dim_add(pool, inner->before.v[i], spec->before.v[i]);
        after.v[i] = tdagi_dim_add(pool, inner->after.v[i], spec->after.v[i]);
    }
    const tdag_pad_spec both = {list(x.rank, &before), list(x.rank, &after), spec->mode,
                                spec->value};
    return tdagi_remake1(rw, TDAG_OP_PAD, &both, x.in.few[0]);
}

/* ---- repeat ---- */

static tdag_value repeat(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_repeat_spec *spec = a->spec;
    tdagi_node x = operand(rw, a);
    if (does_nothing(a, &x)) return a->in[0];
    if (x.op != TDAG_OP_REPEAT) return TDAG_NO_VALUE;
    const tdag_repeat_spec *inner = x.u.spec;
    entries counts;
    for (uint32_t i = 0; i < x.rank; i++) {
        if (spec->counts.v[i] != 1 && inner->counts.v[i] != 1) return TDAG_NO_VALUE;
        counts.v[i] = spec->counts.v[i] == 1 ? inner->counts.v[i] : spec->counts.v[i];
    }
    const tdag_repeat_spec both = {list(x.rank, &counts)};
    return tdagi_remake1(rw, TDAG_OP_REPEAT, &both, x.in.few[0]);
}

/* ---- unfold ---- */

/* Windows that touch but do not overlap, and leave nothing over. */
static bool tiles(tdag_dim n, int64_t kernel, int64_t stride)
{
    return kernel == stride && (kernel == 1 || (n >= 0 && n % kernel == 0));
}

static tdag_value unfold(tdagi_rewriter *rw, const tdagi_apply *a)
{
    const tdag_window_spec *spec = a->spec;
    tdagi_node x = operand(rw, a);
    bool nothing = true;
    for (uint32_t i = 0; i < x.rank; i++)
        nothing &= tiles(x.shape[i], spec->kernel.v[i], spec->stride.v[i]);
    if (nothing) return a->in[0];
    if (x.op != TDAG_OP_UNFOLD) return TDAG_NO_VALUE;
    const tdag_window_spec *inner = x.u.spec;
    entries kernel, stride;
    for (uint32_t i = 0; i < x.rank; i++) {
        int64_t k = spec->kernel.v[i], s = spec->stride.v[i];
        int64_t l = inner->kernel.v[i], t = inner->stride.v[i];
        bool none = k == 1 && s == 1;
        if (!none && l != 1) return TDAG_NO_VALUE;
        if (!none && k != 1 && t != 1) return TDAG_NO_VALUE;
        kernel.v[i] = none ? l : k;
        if (__builtin_mul_overflow(s, t, &stride.v[i])) return TDAG_NO_VALUE;
    }
    const tdag_window_spec both = {list(x.rank, &kernel), list(x.rank, &stride)};
    return tdagi_remake1(rw, TDAG_OP_UNFOLD, &both, x.in.few[0]);
}

const tdagi_rule_row tdagi_view_rules[] = {
    {TDAG_OP_PERMUTE, permute}, {TDAG_OP_SLICE, slice},   {TDAG_OP_SELECT, slice},
    {TDAG_OP_PAD, pad},         {TDAG_OP_REPEAT, repeat}, {TDAG_OP_UNFOLD, unfold},
    {TDAG_OP_NONE, NULL},
};
