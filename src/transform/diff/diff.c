/* What differs between two graphs, once their nodes are matched.
 *
 * A pair whose hashes differ need not be a difference itself: what is computed from a
 * changed value has another hash, too. So only what differs in the node, with its
 * operands taken for their partners, is one. Then no difference means equal hashes: the
 * leaves' are, and so are those of all that is computed from them. */
#include <tdagger/compare.h>

#include <math.h>
#include <string.h>

#include "program/model.h"
#include "transform/diff/match.h"

/* Every kind is looked for in turn, once to count and once to write. */
typedef struct report {
    tdagi_graph_match m;
    tdag_difference *items; /* NULL while they are counted */
    uint32_t n;
} report;

static void add(report *r, tdag_difference item)
{
    if (r->items != NULL) r->items[r->n] = item;
    r->n++;
}

/* ---- two nodes ---- */

static bool has_other_operands(const tdagi_graph_match *m, const tdagi_node *x,
                               const tdagi_node *y)
{
    if (x->n_inputs != y->n_inputs) return true;
    for (uint32_t i = 0; i < x->n_inputs; i++) {
        uint32_t a = tdagi_node_inputs(x)[i].id, b = tdagi_node_inputs(y)[i].id;
        if (m->a.partner[a] != b && !tdagi_match_equal(m, a, b)) return true;
    }
    return false;
}

static uint32_t find_changes(const tdagi_graph_match *m, uint32_t a, uint32_t b)
{
    const tdagi_node *x = &m->a.g->nodes[a], *y = &m->b.g->nodes[b];
    uint32_t what = 0;
    if (x->op != y->op) what |= TDAG_DIFFERS_IN_OP;
    if (x->dtype != y->dtype) what |= TDAG_DIFFERS_IN_DTYPE;
    if (m->a.hashes[a].shape != m->b.hashes[b].shape) what |= TDAG_DIFFERS_IN_SHAPE;
    if (m->a.hashes[a].spec != m->b.hashes[b].spec) what |= TDAG_DIFFERS_IN_SPEC;
    if (has_other_operands(m, x, y)) what |= TDAG_DIFFERS_IN_OPERANDS;
    return what;
}

/* ---- weights ---- */

/* |a - b|; of integers as an unsigned number, exact up to 2^53. */
static double distance(const tdag_tensor *a, const tdag_tensor *b, int64_t i)
{
    if (!tdag_dtype_is_float(a->dtype)) {
        int64_t x = tdagi_tensor_get_i64(a, i), y = tdagi_tensor_get_i64(b, i);
        return (double)(x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x);
    }
    double x = tdagi_tensor_get_f64(a, i), y = tdagi_tensor_get_f64(b, i);
    if (x == y || (isnan(x) && isnan(y))) return 0;
    double d = fabs(x - y);
    return isnan(d) ? INFINITY : d;
}

static void compare_elements(const tdag_tensor *a, const tdag_tensor *b,
                             tdag_difference *out)
{
    size_t size = tdag_dtype_size(a->dtype);
    const unsigned char *x = a->data, *y = b->data;
    for (int64_t i = 0; i < a->count; i++) {
        if (memcmp(x + (size_t)i * size, y + (size_t)i * size, size) == 0) continue;
        double d = distance(a, b, i);
        if (out->n_elements++ == 0) out->first_element = i;
        if (d > out->max_abs) out->max_abs = d;
    }
}

/* Whether both hold tensors of one kind and type, with other elements. */
static bool has_other_elements(const tdagi_graph_match *m, uint32_t a, uint32_t b)
{
    return tdagi_op_holds_tensor(m->a.g->nodes[a].op) && !tdagi_match_equal(m, a, b) &&
           find_changes(m, a, b) == 0;
}

/* ---- the kinds ---- */

static void add_inputs(report *r)
{
    const tdag_graph *a = r->m.a.g, *b = r->m.b.g;
    for (uint32_t i = 0; i < a->n_inputs || i < b->n_inputs; i++) {
        tdag_difference d = {.kind = TDAG_DIFFERS_INPUT, .position = i};
        if (i < a->n_inputs) d.a = a->inputs[i];
        if (i < b->n_inputs) d.b = b->inputs[i];
        if (d.a.id != 0 && d.b.id != 0) {
            d.what = find_changes(&r->m, d.a.id, d.b.id);
            if (d.what == 0) continue;
        }
        add(r, d);
    }
}

static void add_outputs(report *r)
{
    const tdag_graph *a = r->m.a.g, *b = r->m.b.g;
    for (uint32_t i = 0; i < a->n_outputs || i < b->n_outputs; i++) {
        tdag_difference d = {.kind = TDAG_DIFFERS_OUTPUT, .position = i};
        if (i < a->n_outputs) d.a = a->outputs[i];
        if (i < b->n_outputs) d.b = b->outputs[i];
        if (d.a.id != 0 && d.b.id != 0 &&
            (r->m.a.partner[d.a.id] == d.b.id ||
             tdagi_match_equal(&r->m, d.a.id, d.b.id)))
            continue;
        add(r, d);
    }
}

static void add_weights(report *r)
{
    const tdag_graph *a = r->m.a.g, *b = r->m.b.g;
    for (uint32_t id = 1; id <= a->n; id++) {
        uint32_t other = r->m.a.partner[id];
        if (other == 0 || !has_other_elements(&r->m, id, other)) continue;
        tdag_difference d = {.kind = TDAG_DIFFERS_WEIGHT, .a = {id}, .b = {other}};
        if (r->items != NULL) /* it takes time */
            compare_elements(a->nodes[id].u.tensor, b->nodes[other].u.tensor, &d);
        add(r, d);
    }
}

static void add_changed(report *r)
{
    const tdag_graph *a = r->m.a.g;
    for (uint32_t id = 1; id <= a->n; id++) {
        uint32_t other = r->m.a.partner[id];
        if (other == 0 || a->nodes[id].op == TDAG_OP_INPUT) continue;
        if (tdagi_match_equal(&r->m, id, other)) continue;
        tdag_difference d = {.kind = TDAG_DIFFERS_NODE, .a = {id}, .b = {other}};
        d.what = find_changes(&r->m, id, other);
        if (d.what != 0) add(r, d);
    }
}

static void add_unpaired(report *r, const tdagi_match_side *s)
{
    bool is_a = s == &r->m.a;
    for (uint32_t id = 1; id <= s->g->n; id++) {
        if (!s->counts[id] || s->partner[id] != 0) continue;
        if (s->g->nodes[id].op == TDAG_OP_INPUT) continue; /* reported by position */
        tdag_difference d = {.kind = is_a ? TDAG_DIFFERS_ONLY_A : TDAG_DIFFERS_ONLY_B};
        *(is_a ? &d.a : &d.b) = (tdag_value){id};
        add(r, d);
    }
}

static void add_all(report *r)
{
    r->n = 0;
    add_inputs(r);
    add_outputs(r);
    add_weights(r);
    add_changed(r);
    add_unpaired(r, &r->m.a);
    add_unpaired(r, &r->m.b);
}

/* Pairs that do not differ themselves. */
static uint32_t count_same(const report *r)
{
    uint32_t n = 0;
    for (uint32_t id = 1; id <= r->m.a.g->n; id++)
        n += r->m.a.partner[id] != 0;
    for (uint32_t i = 0; i < r->n; i++)
        if (r->items[i].a.id != 0 && r->items[i].b.id != 0)
            n -= r->items[i].kind != TDAG_DIFFERS_OUTPUT;
    return n;
}

/* ---- the public calls ---- */

tdag_status tdag_graph_diff(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                            tdag_differences *out)
{
    TDAGI_TRY(tdagi_need(ctx, a, "a"));
    TDAGI_TRY(tdagi_need(ctx, b, "b"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    report r = {.items = NULL};
    void *block = NULL;
    TDAGI_TRY(tdagi_match_graphs(ctx, a, b, &r.m));
    add_all(&r);
    tdag_status st = tdagi_array_alloc(ctx, r.n, sizeof *r.items, &block);
    if (st == TDAG_OK) {
        r.items = block;
        add_all(&r);
        *out = (tdag_differences){r.n, r.items, count_same(&r), ctx->allocator};
    }
    tdagi_match_free(&r.m);
    return st;
}

tdag_status tdag_diff(tdag_ctx *ctx, const tdag_model *a, const tdag_model *b,
                      tdag_differences *out)
{
    const tdag_graph *graphs[2] = {NULL, NULL};
    TDAGI_TRY(tdagi_match_operands(ctx, a, b, out, graphs));
    return tdag_graph_diff(ctx, graphs[0], graphs[1], out);
}

void tdag_differences_free(tdag_differences *d)
{
    if (d == NULL || d->items == NULL) return;
    size_t size = (size_t)d->n * sizeof *d->items;
    tdagi_mem_free(&d->allocator, d->items, size);
    memset(d, 0, sizeof *d);
}
