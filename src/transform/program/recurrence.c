/* See recurrence.h. The nodes that are no leaves are a text, each a letter by its op,
 * spec and shape; a recurrence is a place where the text repeats itself. Repetitions
 * are tried by what they save: from a place on, the nodes of all steps are compared
 * operand by operand. What does not fit ends the try; the next place is tried, as a
 * step may begin anywhere. A node before the steps that has a partner for every step,
 * one of the slices of an input for example, is computed in the cell anew. */
#include "transform/program/recurrence.h"

#include <string.h>

#include "ir/hash.h"
#include "transform/compose/cut.h"

#define FEWEST_STEPS  3
#define SMALLEST_STEP 4  /* nodes */
#define LEAST_SAVED   16 /* nodes */
#define LONGEST_STEP  4096
#define MOST_TRIES    64  /* repetitions */
#define MOST_PLACES   256 /* of one */
#define FARTHEST      4   /* steps back */
#define DEEPEST       8   /* nodes before the steps, behind each other */

typedef struct repetition {
    uint32_t first, size, length; /* the text repeats itself for as long as that */
} repetition;

typedef struct search {
    tdag_ctx *ctx;
    tdagi_arena *arena; /* of what is found */
    tdagi_recurrence r;
    uint64_t *letters; /* by place in `order` */
    repetition best[MOST_TRIES];
    uint32_t n_best;
    uint32_t most_nodes;
    bool no_memory;
} search;

static void *take(search *s, size_t n, size_t size)
{
    void *p = NULL;
    if (tdagi_scratch(s->ctx, s->arena, n, size, &p) != TDAG_OK) s->no_memory = true;
    return p;
}

/* ---- repetitions ---- */

static tdag_status write_text(search *s)
{
    const tdag_graph *g = s->r.g;
    void *order = NULL, *place = NULL, *letters = NULL, *hashes = NULL;
    tdagi_hasher *h = NULL;
    TDAGI_TRY(tdagi_scratch(s->ctx, s->arena, g->n, sizeof(uint32_t), &order));
    TDAGI_TRY(tdagi_scratch(s->ctx, s->arena, g->n, sizeof(uint32_t), &place));
    TDAGI_TRY(tdagi_scratch(s->ctx, s->arena, g->n, sizeof(uint64_t), &letters));
    TDAGI_TRY(tdagi_scratch(s->ctx, s->arena, g->n, sizeof(tdagi_node_hash), &hashes));
    TDAGI_TRY(tdagi_hasher_create(s->ctx, g, TDAG_HASH_STRUCTURE, &h));
    const tdagi_node_hash *by_id = hashes;
    tdag_status st = tdagi_hasher_nodes(h, hashes);
    tdagi_hasher_free(h);
    s->letters = letters;
    s->r.order = order;
    s->r.place = place;
    for (uint32_t id = 1; id <= g->n && st == TDAG_OK; id++) {
        uint16_t op = g->nodes[id].op;
        if (tdagi_op_is_leaf(op)) continue;
        bool moves = op == TDAG_OP_SELECT || op == TDAG_OP_SLICE;
        s->letters[s->r.n_order] = moves ? by_id[id].shape * 31 + op : by_id[id].own[0];
        ((uint32_t *)order)[s->r.n_order++] = id;
        ((uint32_t *)place)[id] = s->r.n_order;
    }
    return st;
}

static uint64_t saved(const repetition *r)
{
    return (uint64_t)(r->length / r->size) * r->size;
}

/* Keeps it among the best, which stand in their order. */
static void keep(search *s, const repetition *r)
{
    uint32_t i = s->n_best;
    if (r->length / r->size + 1 < FEWEST_STEPS || saved(r) < LEAST_SAVED ||
        (i == MOST_TRIES && saved(r) <= saved(&s->best[i - 1])))
        return;
    if (i == MOST_TRIES) i--;
    for (; i > 0 && saved(&s->best[i - 1]) < saved(r); i--)
        s->best[i] = s->best[i - 1];
    s->best[i] = *r;
    if (s->n_best < MOST_TRIES) s->n_best++;
}

static tdag_status find_repetitions(search *s)
{
    uint32_t n = s->r.n_order;
    for (uint32_t size = SMALLEST_STEP;
         size <= n / FEWEST_STEPS && size <= LONGEST_STEP; size++) {
        repetition r = {0, size, 0};
        for (uint32_t i = 0; i + size <= n; i++) {
            bool same = i + size < n && s->letters[i] == s->letters[i + size];
            if (same && r.length++ == 0) r.first = i;
            if (same) continue;
            keep(s, &r);
            r.length = 0;
        }
        TDAGI_TRY(tdagi_poll(s->ctx));
    }
    return TDAG_OK;
}

/* ---- comparing steps ---- */

/* Whether numbers of the steps go up, or down, by equal strides; constants only. */
static bool is_line(const int64_t *at, uint32_t n, int64_t *stride_out)
{
    *stride_out = at[1] - at[0];
    for (uint32_t t = 0; t < n; t++)
        if (at[t] < 0 || at[t] != at[0] + *stride_out * (int64_t)t) return false;
    return true;
}

/* The numbers that `axis` of slices begins at; UINT32_MAX as axis: it is a select. */
static bool moves_along(const search *s, tdagi_cell_node *node, uint32_t axis,
                        int64_t *at)
{
    bool is_select = s->r.g->nodes[node->ids[0]].op == TDAG_OP_SELECT;
    int64_t own = 1;
    for (uint32_t t = 0; t < s->r.n_steps; t++) {
        const void *spec = s->r.g->nodes[node->ids[t]].u.spec;
        const tdag_slice_spec *slice = spec;
        const tdag_select_spec *select = spec;
        at[t] = is_select ? select->index : slice->start.v[axis];
        if (is_select ? select->axis != (int64_t)axis
                      : slice->end.v[axis] < 0 ||
                            (t > 0 && slice->end.v[axis] - at[t] != own))
            return false;
        if (!is_select) own = slice->end.v[axis] - at[t];
    }
    node->axis = axis;
    node->start = at[0];
    return is_line(at, s->r.n_steps, &node->stride);
}

static bool has_moved(const tdagi_node *a, const tdagi_node *b, uint32_t axis)
{
    if (a->op == TDAG_OP_SELECT) {
        const tdag_select_spec *x = a->u.spec, *y = b->u.spec;
        return x->axis == (int64_t)axis && x->index != y->index;
    }
    const tdag_slice_spec *x = a->u.spec, *y = b->u.spec;
    return x->start.v[axis] != y->start.v[axis] || x->end.v[axis] != y->end.v[axis];
}

/* Whether the specs are equal but for one axis, along which they move. */
static bool is_stepped(const search *s, tdagi_cell_node *node, int64_t *at)
{
    const tdagi_node *a = &s->r.g->nodes[node->ids[0]], *b = NULL;
    uint32_t n_moved = 0, axis = 0;
    if (a->op != TDAG_OP_SELECT && a->op != TDAG_OP_SLICE) return false;
    for (uint32_t k = 0; k < a->rank; k++) {
        bool moved = false;
        for (uint32_t t = 1; t < s->r.n_steps; t++) {
            b = &s->r.g->nodes[node->ids[t]];
            moved = moved || has_moved(a, b, k);
        }
        if (moved) axis = k;
        n_moved += moved;
    }
    node->is_stepped = n_moved == 1 && moves_along(s, node, axis, at);
    return node->is_stepped;
}

/* Same op, spec, dtype and shape in all steps. */
static bool is_same_op(search *s, tdagi_cell_node *node, int64_t *at)
{
    const tdagi_node *a = &s->r.g->nodes[node->ids[0]];
    const tdagi_opdef *def = tdagi_node_def(a);
    bool same_specs = true;
    for (uint32_t t = 1; t < s->r.n_steps; t++) {
        const tdagi_node *b = &s->r.g->nodes[node->ids[t]];
        if (a->op != b->op || a->dtype != b->dtype || a->rank != b->rank ||
            a->n_inputs != b->n_inputs ||
            (a->rank > 0 &&
             memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) != 0))
            return false;
        same_specs =
            same_specs && (def->spec_size == 0 ||
                           tdagi_spec_equal(def->fields, a->u.spec, b->u.spec));
    }
    return same_specs || is_stepped(s, node, at);
}

static bool have_one_type(const tdag_graph *g, uint32_t a, uint32_t b)
{
    const tdagi_node *x = &g->nodes[a], *y = &g->nodes[b];
    return x->dtype == y->dtype && x->rank == y->rank &&
           (x->rank == 0 ||
            memcmp(x->shape, y->shape, x->rank * sizeof *x->shape) == 0);
}

static uint32_t carry(search *s, uint32_t offset, uint32_t entry, uint32_t before)
{
    const tdagi_carried_value is = {offset, entry, before};
    uint32_t i = 0;
    while (i < s->r.n_carried && memcmp(&s->r.carried[i], &is, sizeof is) != 0)
        i++;
    if (i == s->r.n_carried) s->r.carried[s->r.n_carried++] = is;
    return i;
}

static bool compare_nodes(search *s, uint32_t *ids, uint32_t depth, uint32_t *node_out);

/* Whether from step `back` on, the operand is the same node of as many steps before. */
static bool is_of_steps(const tdagi_recurrence *r, const uint32_t *ids, uint32_t back)
{
    bool is = tdagi_is_in_steps(r, ids[back]);
    uint32_t offset = r->place[ids[back]] - 1 - r->first;
    for (uint32_t t = back; t < r->n_steps && is; t++)
        is = tdagi_is_in_steps(r, ids[t]) && offset < r->size &&
             r->place[ids[t]] - 1 - r->first == offset + (t - back) * r->size;
    return is;
}

/* What steps have as an operand: ids[t] in step t. */
static bool compare(search *s, uint32_t *ids, uint32_t depth, tdagi_cell_operand *out)
{
    const tdagi_recurrence *r = &s->r;
    uint32_t n_same = 1, back = 0;
    while (n_same < r->n_steps && ids[n_same] == ids[0])
        n_same++;
    while (back < r->n_steps && tdagi_is_outside(r, ids[back]))
        back++;
    if (back == r->n_steps && n_same == back) {
        *out = (tdagi_cell_operand){TDAGI_FROM_OUTSIDE, ids[0]};
        return true;
    }
    if (back == r->n_steps) {
        out->from = TDAGI_FROM_CELL;
        return depth < DEEPEST && compare_nodes(s, ids, depth + 1, &out->i);
    }
    if (back > FARTHEST || !is_of_steps(r, ids, back)) return false;
    uint32_t offset = r->place[ids[back]] - 1 - r->first;
    *out = (tdagi_cell_operand){TDAGI_FROM_CELL, r->node_of[offset]};
    for (uint32_t t = back; t > 0; t--) {
        if (!have_one_type(r->g, ids[t - 1], ids[back])) return false;
        uint32_t before = t == back ? UINT32_MAX : out->i;
        *out =
            (tdagi_cell_operand){TDAGI_FROM_STEP, carry(s, offset, ids[t - 1], before)};
    }
    return true;
}

/* Nodes that are computed alike, one per step; those before the steps, which depth
 * tells, may be there already. */
static bool compare_nodes(search *s, uint32_t *ids, uint32_t depth, uint32_t *node_out)
{
    uint32_t n = s->r.n_steps, n_inputs = s->r.g->nodes[ids[0]].n_inputs;
    for (uint32_t i = 0; depth > 0 && i < s->r.n_nodes; i++)
        if (memcmp(s->r.nodes[i].ids, ids, n * sizeof *ids) == 0) {
            *node_out = i;
            return true;
        }
    for (uint32_t t = 0; t < n; t++)
        if (tdagi_op_is_leaf(s->r.g->nodes[ids[t]].op)) return false;
    int64_t *at = take(s, n, sizeof *at);
    tdagi_cell_operand *in = take(s, n_inputs, sizeof *in);
    tdagi_cell_node node = {.ids = ids, .in = in};
    if (s->no_memory || !is_same_op(s, &node, at)) return false;
    for (uint32_t k = 0; k < n_inputs; k++) {
        uint32_t *operands = take(s, n, sizeof *operands);
        if (operands == NULL) return false;
        for (uint32_t t = 0; t < n; t++)
            operands[t] = tdagi_node_inputs(&s->r.g->nodes[ids[t]])[k].id;
        if (!compare(s, operands, depth, &in[k])) return false;
    }
    if (s->r.n_nodes == s->most_nodes) return false;
    s->r.nodes[s->r.n_nodes] = node;
    *node_out = s->r.n_nodes++;
    return true;
}

static bool compare_steps(search *s)
{
    s->r.n_nodes = s->r.n_carried = 0;
    for (uint32_t k = 0; k < s->r.size; k++) {
        uint32_t *ids = take(s, s->r.n_steps, sizeof *ids);
        if (ids == NULL) return false;
        for (uint32_t t = 0; t < s->r.n_steps; t++)
            ids[t] = tdagi_step_node(&s->r, t, k);
        if (!compare_nodes(s, ids, 0, &s->r.node_of[k])) return false;
    }
    return s->r.n_carried > 0;
}

/* ---- places ---- */

/* Memory of a try, which the next one takes over. */
static tdag_status begin_try(search *s, uint32_t first, uint32_t size, uint32_t n_steps)
{
    uint64_t most = (uint64_t)size * 4 + 64, most_carried = 0;
    for (uint32_t k = 0; k < size; k++)
        most_carried += FARTHEST * s->r.g->nodes[s->r.order[first + k]].n_inputs;
    s->r.first = first;
    s->r.size = size;
    s->r.n_steps = n_steps;
    s->most_nodes = (uint32_t)most;
    s->r.nodes = take(s, most, sizeof *s->r.nodes);
    s->r.node_of = take(s, size, sizeof *s->r.node_of);
    s->r.carried = take(s, most_carried, sizeof *s->r.carried);
    return s->no_memory ? TDAG_E_NOMEM : TDAG_OK;
}

/* The best place of a repetition, in s->r; n_steps 0: it has none. */
static tdag_status try_places(search *s, const repetition *rep, tdagi_arena *scratch)
{
    uint32_t best = 0, n_best = 0, fewest = 0;
    for (uint32_t i = 0; i < MOST_PLACES && i < 2 * rep->size; i++) {
        uint32_t n = (rep->length + rep->size - i) / rep->size;
        if (i > rep->length || n < FEWEST_STEPS || n < n_best) break;
        tdagi_arena_empty(scratch);
        TDAGI_TRY(begin_try(s, rep->first + i, rep->size, n));
        bool fits = compare_steps(s);
        if (s->no_memory) return TDAG_E_NOMEM;
        if (!fits || (n == n_best && s->r.n_carried >= fewest)) continue;
        best = rep->first + i;
        n_best = n;
        fewest = s->r.n_carried;
    }
    s->r.first = best;
    s->r.size = rep->size;
    s->r.n_steps = n_best;
    return TDAG_OK;
}

static tdag_status find(search *s, tdagi_arena *out, tdagi_arena *scratch)
{
    TDAGI_TRY(write_text(s));
    TDAGI_TRY(find_repetitions(s));
    for (uint32_t i = 0; i < s->n_best; i++) {
        s->arena = scratch;
        TDAGI_TRY(try_places(s, &s->best[i], scratch));
        s->arena = out;
        if (s->r.n_steps == 0) continue;
        TDAGI_TRY(begin_try(s, s->r.first, s->r.size, s->r.n_steps));
        return compare_steps(s) ? TDAG_OK : tdagi_nomem(s->ctx);
    }
    return TDAG_OK;
}

tdag_status tdagi_find_recurrence(tdag_ctx *ctx, const tdag_graph *g,
                                  tdagi_arena *arena, tdagi_recurrence *out)
{
    search *s = NULL;
    void *block = NULL;
    tdagi_arena scratch;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof *s, &block));
    s = block;
    s->ctx = ctx;
    s->arena = arena;
    s->r.g = g;
    tdagi_arena_init(&scratch, &ctx->allocator);
    tdag_status st = find(s, arena, &scratch);
    tdagi_arena_free(&scratch);
    *out = s->r;
    tdagi_free(ctx, block, sizeof *s);
    return st;
}
