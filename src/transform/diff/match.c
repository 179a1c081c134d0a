/* Matching two graphs, in phases; a node once paired stays so.
 *
 * 1. Nodes that compute the same from the same leaves, by their hashes. Where several
 *    do, those of the same name first, then in order; but what depends on no input,
 * such as a constant that stands at many places, is left to the pairing of its users.
 * 2. Inputs by position.
 * 3. Spreading, strictly: an unpaired node whose operands are all paired goes with the
 *    node of the same own hash (op, spec, dtype, shape) on their partners; and of two
 *    paired nodes the operands go together slot by slot, where their own hashes agree.
 *    Outputs begin, by position.
 * 4. Nodes that would compute the same if weights were equal, from the last ones on.
 * 5. What is left and depends on no input, by its hash; then all by name, own hashes
 *    being equal; and spreading again.
 * 6. Spreading, loosely: an equal op is enough, so that a node that changed is found.
 *
 * Each step is linear in the nodes and edges but for sorting. */
#include "transform/diff/match.h"

#include <stdlib.h>
#include <string.h>

#include "ir/graft.h"
#include "program/model.h"
#include "transform/compose/cut.h"

/* A node of a side under a key by which both sides are sorted. */
typedef struct entry {
    uint64_t key[2];
    const char *name; /* "" where names do not count */
    uint32_t id;
} entry;

/* A node of b by a hash. */
typedef struct node_key {
    uint64_t key;
    uint32_t id;
    uint32_t next; /* the first entry from here on that may be unpaired */
} node_key;

typedef struct key_table {
    node_key *keys; /* ascending; one more at the end */
    uint32_t n;
} key_table;

typedef struct matcher {
    tdagi_graph_match *m;
    bool loose;
    entry *entries[2]; /* scratch */
    uint32_t *stack;   /* nodes of a whose pairing has not spread yet */
    uint32_t depth;
    uint32_t *missing; /* by id of a: operands without partner, repeats included */
    uint32_t *first;   /* by id of a: where its users begin; [n + 2] */
    uint32_t *users;
    key_table by_operands, by_form;
} matcher;

/* ---- pairs ---- */

static bool is_same(const uint64_t a[2], const uint64_t b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

static bool fits(const matcher *t, uint32_t a, uint32_t b)
{
    const tdagi_graph_match *m = t->m;
    uint32_t op_a = m->a.g->nodes[a].op, op_b = m->b.g->nodes[b].op;
    if (!m->a.counts[a] || !m->b.counts[b]) return false;
    if (m->a.partner[a] != 0 || m->b.partner[b] != 0) return false;
    if (op_a == TDAG_OP_INPUT || op_b == TDAG_OP_INPUT) return false;
    if (!t->loose) return is_same(m->a.hashes[a].own, m->b.hashes[b].own);
    return op_a == op_b || (tdagi_op_holds_tensor(op_a) && tdagi_op_holds_tensor(op_b));
}

static void pair(matcher *t, uint32_t a, uint32_t b)
{
    t->m->a.partner[a] = b;
    t->m->b.partner[b] = a;
    t->stack[t->depth++] = a; /* once per node: there is room */
}

/* ---- by sorted keys ---- */

typedef enum sort_by {
    BY_WHOLE_AND_NAME,
    BY_WHOLE_NOT_FREE, /* depends on an input */
    BY_WHOLE,
    BY_OWN_AND_NAME
} sort_by;

static int compare_keys(const entry *x, const entry *y)
{
    for (int i = 0; i < 2; i++)
        if (x->key[i] != y->key[i]) return x->key[i] < y->key[i] ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = compare_keys(x, y);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static uint32_t list_unpaired(const tdagi_match_side *s, sort_by by, entry *out)
{
    uint32_t n = 0;
    for (uint32_t id = 1; id <= s->g->n; id++) {
        bool has_name = by == BY_WHOLE_AND_NAME || by == BY_OWN_AND_NAME;
        const char *name = has_name ? s->g->nodes[id].name : "";
        if (!s->counts[id] || s->partner[id] != 0 || name == NULL) continue;
        if (by == BY_WHOLE_NOT_FREE && s->is_free[id]) continue;
        if (by == BY_OWN_AND_NAME && s->g->nodes[id].op == TDAG_OP_INPUT) continue;
        const tdagi_node_hash *hash = &s->hashes[id];
        out[n].name = name;
        out[n].id = id;
        memcpy(out[n++].key, by == BY_OWN_AND_NAME ? hash->own : hash->whole,
               sizeof out->key);
    }
    if (n > 0) qsort(out, n, sizeof *out, by_key);
    return n;
}

static void pair_sorted(matcher *t, sort_by by)
{
    const entry *x = t->entries[0], *y = t->entries[1];
    const entry *x_end = x + list_unpaired(&t->m->a, by, t->entries[0]);
    const entry *y_end = y + list_unpaired(&t->m->b, by, t->entries[1]);
    while (x < x_end && y < y_end) {
        int order = compare_keys(x, y);
        if (order == 0) pair(t, x->id, y->id);
        if (order <= 0) x++;
        if (order >= 0) y++;
    }
}

/* ---- by operands ---- */

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* The key of a node by its kind and its operands in b. */
static uint64_t key_of(const matcher *t, const tdagi_match_side *s, uint32_t id)
{
    const tdagi_node *n = &s->g->nodes[id];
    uint64_t h = t->loose ? mix(n->op, n->n_inputs)
                          : mix(s->hashes[id].own[0], s->hashes[id].own[1]);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        uint32_t operand = tdagi_node_inputs(n)[i].id;
        h = mix(h, s == &t->m->b ? operand : s->partner[operand]);
    }
    return h;
}

static int by_key_and_id(const void *a, const void *b)
{
    const node_key *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* So that the last node of a graph finds the last of the other. */
static int by_key_and_id_down(const void *a, const void *b)
{
    const node_key *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->id < y->id) - (x->id > y->id);
}

static void make_keys(const matcher *t, bool by_form, key_table *out)
{
    const tdagi_match_side *b = &t->m->b;
    node_key *keys = out->keys;
    uint32_t n = 0;
    for (uint32_t id = 1; id <= b->g->n; id++) {
        if (!b->counts[id] || b->partner[id] != 0) continue;
        if (b->g->nodes[id].n_inputs == 0) continue;
        keys[n].key = by_form ? b->hashes[id].form[0] : key_of(t, b, id);
        keys[n++].id = id;
    }
    if (n > 0)
        qsort(keys, n, sizeof *keys, by_form ? by_key_and_id_down : by_key_and_id);
    out->n = n;
    for (uint32_t i = 0; i <= n; i++)
        keys[i].next = i;
}

static uint32_t find_key(const key_table *table, uint64_t key)
{
    uint32_t lo = 0, hi = table->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (table->keys[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The first node of that key that has no partner; 0 if there is none. */
static uint32_t find_unpaired(const matcher *t, key_table *table, uint64_t key)
{
    node_key *k = table->keys;
    uint32_t i = find_key(table, key);
    for (;;) {
        while (k[i].next != i) {
            k[i].next = k[k[i].next].next;
            i = k[i].next;
        }
        if (i == table->n || k[i].key != key) return 0;
        if (t->m->b.partner[k[i].id] == 0) return k[i].id;
        k[i].next = i + 1;
    }
}

static bool has_same_operands(const matcher *t, uint32_t a, uint32_t b)
{
    const tdagi_node *x = &t->m->a.g->nodes[a], *y = &t->m->b.g->nodes[b];
    if (x->n_inputs != y->n_inputs) return false;
    for (uint32_t i = 0; i < x->n_inputs; i++)
        if (t->m->a.partner[tdagi_node_inputs(x)[i].id] != tdagi_node_inputs(y)[i].id)
            return false;
    return true;
}

/* A node of a, all operands of which are paired, goes with one on their partners. */
static void pair_by_operands(matcher *t, uint32_t a)
{
    const tdagi_match_side *s = &t->m->a;
    if (s->partner[a] != 0 || !s->counts[a] || s->g->nodes[a].n_inputs == 0) return;
    uint32_t b = find_unpaired(t, &t->by_operands, key_of(t, s, a));
    if (b != 0 && fits(t, a, b) && has_same_operands(t, a, b)) pair(t, a, b);
}

/* ---- spreading ---- */

static void pair_operands(matcher *t, uint32_t a)
{
    const tdagi_node *x = &t->m->a.g->nodes[a];
    const tdagi_node *y = &t->m->b.g->nodes[t->m->a.partner[a]];
    for (uint32_t i = 0; i < x->n_inputs && x->n_inputs == y->n_inputs; i++) {
        uint32_t operand_a = tdagi_node_inputs(x)[i].id;
        uint32_t operand_b = tdagi_node_inputs(y)[i].id;
        if (fits(t, operand_a, operand_b)) pair(t, operand_a, operand_b);
    }
}

static void spread(matcher *t)
{
    while (t->depth > 0) {
        uint32_t a = t->stack[--t->depth];
        pair_operands(t, a);
        for (uint32_t i = t->first[a]; i < t->first[a + 1]; i++)
            if (--t->missing[t->users[i]] == 0) pair_by_operands(t, t->users[i]);
    }
}

static void pair_outputs(matcher *t)
{
    const tdag_graph *a = t->m->a.g, *b = t->m->b.g;
    for (uint32_t i = 0; i < a->n_outputs && i < b->n_outputs; i++)
        if (fits(t, a->outputs[i].id, b->outputs[i].id))
            pair(t, a->outputs[i].id, b->outputs[i].id);
}

static void pair_inputs(matcher *t)
{
    const tdag_graph *a = t->m->a.g, *b = t->m->b.g;
    for (uint32_t i = 0; i < a->n_inputs && i < b->n_inputs; i++)
        if (t->m->a.partner[a->inputs[i].id] == 0 &&
            t->m->b.partner[b->inputs[i].id] == 0)
            pair(t, a->inputs[i].id, b->inputs[i].id);
}

/* Weights and what is computed from them alone are left to their users' pairing. */
static void pair_forms(matcher *t)
{
    const tdagi_match_side *a = &t->m->a;
    make_keys(t, true, &t->by_form);
    for (uint32_t id = a->g->n; id >= 1; id--) {
        if (a->partner[id] != 0 || !a->counts[id] || a->is_free[id]) continue;
        uint32_t b = find_unpaired(t, &t->by_form, a->hashes[id].form[0]);
        if (b == 0 || !is_same(a->hashes[id].form, t->m->b.hashes[b].form)) continue;
        if (fits(t, id, b)) pair(t, id, b);
        spread(t);
    }
}

/* Spreads once more from every pair, now that less is asked. */
static void spread_loosely(matcher *t)
{
    t->loose = true;
    make_keys(t, false, &t->by_operands);
    pair_outputs(t);
    spread(t);
    for (uint32_t a = t->m->a.g->n; a >= 1; a--) {
        if (t->m->a.partner[a] != 0) pair_operands(t, a);
        spread(t);
    }
    for (uint32_t a = 1; a <= t->m->a.g->n; a++) {
        if (t->missing[a] == 0) pair_by_operands(t, a);
        spread(t);
    }
}

static void match_all(matcher *t)
{
    pair_sorted(t, BY_WHOLE_AND_NAME);
    pair_sorted(t, BY_WHOLE_NOT_FREE);
    make_keys(t, false, &t->by_operands);
    pair_inputs(t);
    spread(t);
    pair_outputs(t);
    spread(t);
    pair_forms(t);
    pair_sorted(t, BY_WHOLE);
    spread(t);
    pair_sorted(t, BY_OWN_AND_NAME);
    spread(t);
    spread_loosely(t);
}

/* ---- preparing ---- */

static tdag_status get(tdagi_graph_match *m, size_t n, size_t size, void *out)
{
    void *block = tdagi_arena_array(&m->arena, n, size);
    if (block == NULL) return tdagi_nomem(m->ctx);
    memset(block, 0, n * size);
    memcpy(out, &block, sizeof block);
    return TDAG_OK;
}

static void find_users(matcher *t)
{
    const tdag_graph *g = t->m->a.g;
    for (uint32_t id = 1; id <= g->n; id++) {
        t->missing[id] = g->nodes[id].n_inputs;
        for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
            t->first[tdagi_node_inputs(&g->nodes[id])[i].id]++;
    }
    for (uint32_t id = 1; id <= g->n + 1; id++)
        t->first[id] += t->first[id - 1]; /* where its users end */
    for (uint32_t id = g->n; id >= 1; id--)
        for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
            t->users[--t->first[tdagi_node_inputs(&g->nodes[id])[i].id]] = id;
}

static tdag_status prepare_matcher(matcher *t)
{
    tdagi_graph_match *m = t->m;
    size_t n = (size_t)m->a.g->n + 2, n_edges = 0;
    for (uint32_t id = 1; id <= m->a.g->n; id++)
        n_edges += m->a.g->nodes[id].n_inputs;
    if (n_edges > UINT32_MAX)
        return tdagi_fail(m->ctx, TDAG_E_LIMIT, "the graph has %zu operands", n_edges);
    TDAGI_TRY(get(m, n, sizeof *t->entries[0], &t->entries[0]));
    TDAGI_TRY(get(m, (size_t)m->b.g->n + 2, sizeof *t->entries[1], &t->entries[1]));
    TDAGI_TRY(get(m, n, sizeof *t->stack, &t->stack));
    TDAGI_TRY(get(m, n, sizeof *t->missing, &t->missing));
    TDAGI_TRY(get(m, n, sizeof *t->first, &t->first));
    TDAGI_TRY(get(m, n_edges, sizeof *t->users, &t->users));
    size_t n_b = (size_t)m->b.g->n + 2;
    TDAGI_TRY(get(m, n_b, sizeof(node_key), &t->by_operands.keys));
    TDAGI_TRY(get(m, n_b, sizeof(node_key), &t->by_form.keys));
    find_users(t);
    return TDAG_OK;
}

static tdag_status prepare_side(tdagi_graph_match *m, tdagi_match_side *s,
                                const tdag_graph *g)
{
    size_t n = (size_t)g->n + 1;
    tdagi_hasher *hasher = NULL;
    s->g = g;
    TDAGI_TRY(get(m, n, sizeof *s->hashes, &s->hashes));
    TDAGI_TRY(get(m, n, sizeof *s->partner, &s->partner));
    TDAGI_TRY(get(m, n, sizeof *s->counts, &s->counts));
    TDAGI_TRY(get(m, n, sizeof *s->is_free, &s->is_free));
    tdagi_mark_free(g, s->is_free);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        s->counts[g->outputs[i].id] = 1;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        s->counts[g->inputs[i].id] = 1;
    tdagi_mark_ancestors(g, s->counts);
    TDAGI_TRY(tdagi_hasher_create(m->ctx, g, TDAG_HASH_CONTENT, &hasher));
    tdag_status st = tdagi_hasher_nodes(hasher, s->hashes);
    tdagi_hasher_free(hasher);
    return st;
}

tdag_status tdagi_match_graphs(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                               tdagi_graph_match *out)
{
    memset(out, 0, sizeof *out);
    matcher t = {.m = out};
    out->ctx = ctx;
    tdagi_arena_init(&out->arena, &ctx->allocator);
    tdag_status st = prepare_side(out, &out->a, a);
    if (st == TDAG_OK) st = prepare_side(out, &out->b, b);
    if (st == TDAG_OK) st = prepare_matcher(&t);
    if (st == TDAG_OK)
        match_all(&t);
    else
        tdagi_match_free(out);
    return st;
}

void tdagi_match_free(tdagi_graph_match *m) { tdagi_arena_free(&m->arena); }

tdag_status tdagi_match_operands(tdag_ctx *ctx, const tdag_model *a,
                                 const tdag_model *b, const void *out,
                                 const tdag_graph *graphs[2])
{
    TDAGI_TRY(tdagi_need(ctx, a, "a"));
    TDAGI_TRY(tdagi_need(ctx, b, "b"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_model_straight(ctx, a, &graphs[0]));
    return tdagi_model_straight(ctx, b, &graphs[1]);
}
