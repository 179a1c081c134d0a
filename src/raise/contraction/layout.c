/* See layout.h. Going from one arrangement to another takes a squeeze, an ungroup, a
 * permute, a group and an unsqueeze, each only if needed. */
#include "raise/contraction/layout.h"

#include <string.h>

void tdagi_run_push(tdagi_run *to, uint8_t atom)
{
    if (to->n < sizeof(to->atoms)) to->atoms[to->n++] = atom;
}

bool tdagi_plan_equal(const tdagi_plan *a, const tdagi_plan *b)
{
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->axis[i].n != b->axis[i].n ||
            memcmp(a->axis[i].atoms, b->axis[i].atoms, a->axis[i].n) != 0)
            return false;
    return true;
}

/* True where `b` comes right after `a` within one axis. */
bool tdagi_plan_follows(const tdagi_plan *p, uint8_t a, uint8_t b)
{
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 1; j < p->axis[i].n; j++)
            if (p->axis[i].atoms[j - 1] == a && p->axis[i].atoms[j] == b) return true;
    return false;
}

bool tdagi_plan_contains(const tdagi_plan *p, uint8_t atom)
{
    for (uint32_t i = 0; i < p->rank; i++)
        for (uint32_t j = 0; j < p->axis[i].n; j++)
            if (p->axis[i].atoms[j] == atom) return true;
    return false;
}

/* ---- from one arrangement to another ---- */

/* `from`, its axes cut where `to` separates what they join; without empty axes. */
static void cut(const tdagi_plan *from, const tdagi_plan *to, tdagi_plan *out)
{
    out->rank = 0;
    for (uint32_t i = 0; i < from->rank; i++)
        for (uint32_t j = 0; j < from->axis[i].n; j++) {
            const uint8_t *a = from->axis[i].atoms;
            if (j == 0 || !tdagi_plan_follows(to, a[j - 1], a[j]))
                out->axis[out->rank++].n = 0;
            if (out->rank > TDAG_MAX_RANK) return;
            tdagi_run_push(&out->axis[out->rank - 1], a[j]);
        }
}

static tdag_value drop_ones(tdag_builder *b, tdag_value v, const tdagi_plan *from)
{
    int64_t axes[2 * TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->rank; i++)
        if (from->axis[i].n == 0) axes[n++] = i;
    return n == 0 ? v : tdag_squeeze(b, v, (tdag_list){n, axes});
}

static int64_t extent(const tdagi_space *s, const tdagi_run *axis)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < axis->n; i++)
        n *= s->extent[axis->atoms[i]];
    return n;
}

/* Splits the axes of v (the non-empty ones of `from`) into those of `pieces`. A
 * symbolic dim leaves its symbols to the outermost piece. */
static tdag_value split_axes(tdagi_raiser *r, tdag_value v, const tdagi_plan *from,
                             const tdagi_plan *pieces)
{
    tdag_builder *b = r->scratch;
    int64_t counts[TDAG_MAX_RANK], factors[2 * TDAG_MAX_RANK];
    uint32_t n = 0, at = 0;
    bool any = false;
    const tdag_dim *shape = tdag_builder_get_shape(b, v);
    if (shape == NULL) return v; /* a failure sticks, or there is nothing to split */
    for (uint32_t i = 0; i < from->rank; i++) {
        if (from->axis[i].n == 0) continue;
        uint32_t first = at, left = from->axis[i].n;
        int64_t inner = 1;
        while (left > 0) {
            if (at > first) inner *= extent(&r->maps->space, &pieces->axis[at]);
            if (at > first) factors[at] = extent(&r->maps->space, &pieces->axis[at]);
            left -= pieces->axis[at++].n;
        }
        factors[first] =
            at == first + 1 ? shape[n] : tdagi_dim_floordiv(r->pool, shape[n], inner);
        counts[n++] = at - first;
        any = any || at > first + 1;
    }
    if (!any) return v;
    return tdag_ungroup(b, v, (tdag_list){n, counts}, (tdag_list){at, factors});
}

/* Puts the pieces into the order of `to`. */
static tdag_value order_axes(tdag_builder *b, tdag_value v, const tdagi_plan *pieces,
                             const tdagi_plan *to)
{
    int64_t order[TDAG_MAX_RANK];
    uint32_t n = 0;
    bool moved = false;
    for (uint32_t i = 0; i < to->rank; i++)
        for (uint32_t j = 0; j < to->axis[i].n; j++)
            for (uint32_t k = 0; k < pieces->rank; k++)
                if (pieces->axis[k].atoms[0] == to->axis[i].atoms[j]) {
                    moved = moved || k != n;
                    order[n++] = k;
                }
    return moved ? tdag_permute(b, v, (tdag_list){n, order}) : v;
}

static tdag_value join_axes(tdag_builder *b, tdag_value v, const tdagi_plan *pieces,
                            const tdagi_plan *to)
{
    int64_t runs[2 * TDAG_MAX_RANK];
    uint32_t n = 0;
    bool any = false;
    for (uint32_t i = 0; i < to->rank; i++) {
        int64_t count = 0;
        for (uint32_t j = 0; j < to->axis[i].n; j++)
            for (uint32_t k = 0; k < pieces->rank; k++)
                count += pieces->axis[k].atoms[0] == to->axis[i].atoms[j];
        any = any || count > 1;
        if (count > 0) runs[n++] = count;
    }
    return any ? tdag_group(b, v, (tdag_list){n, runs}) : v;
}

static tdag_value add_ones(tdag_builder *b, tdag_value v, const tdagi_plan *to)
{
    int64_t axes[2 * TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < to->rank; i++)
        if (to->axis[i].n == 0) axes[n++] = i;
    return n == 0 ? v : tdag_unsqueeze(b, v, (tdag_list){n, axes});
}

/* Adds the views to the scratch builder. */
tdag_value tdagi_lay_out(tdagi_raiser *r, tdag_value v, const tdagi_plan *from,
                         const tdagi_plan *to)
{
    tdagi_plan pieces;
    if (tdagi_plan_equal(from, to)) return v;
    cut(from, to, &pieces);
    if (pieces.rank > TDAG_MAX_RANK || to->rank > TDAG_MAX_RANK)
        return tdagi_builder_fail(r->scratch, TDAG_E_UNSUPPORTED, "too many axes");
    v = drop_ones(r->scratch, v, from);
    v = split_axes(r, v, from, &pieces);
    v = order_axes(r->scratch, v, &pieces, to);
    v = join_axes(r->scratch, v, &pieces, to);
    return add_ones(r->scratch, v, to);
}

/* ---- reading levels ---- */

/* The axes of a level as runs; window axes as themselves. False where an axis is
 * neither dense nor in `windows` (a mask of axes). */
bool tdagi_plan_read(const tdagi_level *level, uint32_t windows, tdagi_plan *out)
{
    out->rank = level->rank;
    for (uint32_t i = 0; i < level->rank; i++) {
        out->axis[i].n = 0;
        if (windows & 1u << i) {
            tdagi_run_push(&out->axis[i], (uint8_t)(TDAGI_WINDOW + i));
            continue;
        }
        if (!level->axis[i].dense) return false;
        for (uint32_t j = 0; j < level->axis[i].n; j++)
            tdagi_run_push(&out->axis[i], level->axis[i].atoms[j]);
    }
    return true;
}

/* The chain of views from scratch value `first` to `last`, as views of the result. */
tdag_status tdagi_copy_views(tdagi_raiser *r, uint32_t first, uint32_t last,
                             uint32_t *n, const tdagi_view **out)
{
    *n = last - first;
    tdagi_view *views = tdagi_raiser_alloc(r, *n, sizeof(*views));
    if (views == NULL) return tdagi_nomem(r->ctx);
    for (uint32_t i = 0; i < *n; i++) {
        const tdagi_node *node = &r->scratch->graph->nodes[first + 1 + i];
        const tdagi_opdef *def = tdagi_node_def(node);
        views[i] = (tdagi_view){
            .op = node->op,
            .rank = node->rank,
            .shape = tdagi_raiser_dup(r, node->shape, node->rank, sizeof(tdag_dim)),
            .spec =
                tdagi_spec_copy(&r->arena, def->fields, def->spec_size, node->u.spec)};
        if (views[i].shape == NULL || views[i].spec == NULL) return tdagi_nomem(r->ctx);
    }
    *out = views;
    return TDAG_OK;
}

static bool unguarded(const tdagi_maps *m, uint32_t side, const tdagi_level *level)
{
    for (uint32_t i = 0; i < level->n_guards; i++)
        if (!m->holds[side][i]) return false;
    return true;
}

/* The shallowest level that is dense and unguarded, or one that is `want` already. */
bool tdagi_pick_level(const tdagi_maps *m, uint32_t side, const tdagi_plan *want,
                      uint32_t *out)
{
    bool found = false;
    tdagi_plan p;
    for (uint32_t i = 0; i < m->n_down[side]; i++) {
        const tdagi_level *level = &m->down[side][i];
        if (!unguarded(m, side, level) || !tdagi_plan_read(level, 0, &p)) continue;
        bool exact = want != NULL && tdagi_plan_equal(&p, want);
        if (found && !exact) continue;
        *out = i;
        found = true;
        if (exact) return true;
    }
    return found;
}
