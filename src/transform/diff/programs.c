/* What differs between two models: graphs, states and methods by name, of methods the
 * statements. Blocks are aligned: equal beginnings and ends first, what is between by
 * its longest common run of statements of the same form. Values stand for each other
 * where what defines them does. */
#include <string.h>

#include <tdagger/compare.h>

#include "program/model.h"
#include "program/name_map.h"

/* Beyond that many pairs of statements they are taken in their order. */
#define MOST_PAIRS ((uint64_t)1 << 20)

typedef struct side {
    const tdag_model *model;
    const tdagi_method *m;
} side;

typedef struct comparing {
    tdag_ctx *ctx;
    tdagi_arena arena;
    side a, b;
    tdag_var *partner; /* by value of a's method: b's; 0: none */
    tdag_model_difference *items;
    uint32_t n, capacity;
    tdag_status status;
} comparing;

static void *take(comparing *c, size_t n, size_t size)
{
    void *p = c->status == TDAG_OK ? tdagi_arena_array(&c->arena, n, size) : NULL;
    if (p == NULL && c->status == TDAG_OK) c->status = tdagi_nomem(c->ctx);
    if (p != NULL && n > 0) memset(p, 0, n * size);
    return p;
}

static void add(comparing *c, tdag_model_difference item)
{
    if (c->status != TDAG_OK) return;
    if (c->n == c->capacity) {
        uint32_t wider = c->capacity == 0 ? 8 : c->capacity * 2;
        void *items = c->items;
        c->status = tdagi_realloc(c->ctx, &items, c->capacity * sizeof *c->items,
                                  wider * sizeof *c->items);
        if (c->status != TDAG_OK) return;
        c->items = items;
        c->capacity = wider;
    }
    c->items[c->n++] = item;
}

/* ---- what both may have ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_dim(const comparing *c, tdag_dim a, tdag_dim b)
{
    if (a == TDAGI_DIM_BAD || b == TDAGI_DIM_BAD) return a == b;
    return tdagi_dim_same(c->a.m->pool, a, c->b.m->pool, b);
}

/* How the types of n values differ. */
static uint32_t compare_types(const comparing *c, const tdag_var *a, const tdag_var *b,
                              uint32_t n)
{
    uint32_t what = 0;
    for (uint32_t i = 0; i < n; i++) {
        const tdagi_var_info *x = tdagi_method_var(c->a.m, a[i]),
                             *y = tdagi_method_var(c->b.m, b[i]);
        if (x->dtype != y->dtype) what |= TDAG_DIFFERS_IN_DTYPE;
        bool same = x->rank == y->rank;
        for (uint32_t k = 0; same && k < x->rank; k++)
            same = same_dim(c, x->shape[k], y->shape[k]);
        if (!same) what |= TDAG_DIFFERS_IN_SHAPE;
    }
    return what;
}

static void pair_values(const comparing *c, const tdag_var *a, uint32_t n_a,
                        const tdag_var *b, uint32_t n_b)
{
    for (uint32_t i = 0; i < n_a && i < n_b; i++)
        c->partner[a[i].id] = b[i];
}

static bool same_values(const comparing *c, const tdag_var *a, uint32_t n_a,
                        const tdag_var *b, uint32_t n_b)
{
    bool same = n_a == n_b;
    for (uint32_t i = 0; same && i < n_a; i++)
        same = c->partner[a[i].id].id == b[i].id;
    return same;
}

/* ---- statements ---- */

static const char *target_of(const side *s, const tdagi_statement *of)
{
    if (of->kind == TDAGI_CALL) return s->model->graphs[of->target].name;
    if (of->kind == TDAGI_READ || of->kind == TDAGI_WRITE)
        return s->model->states[of->target].name;
    return of->text;
}

/* Whether one may be the other, whatever its operands are. */
static bool same_form(const comparing *c, const tdagi_statement *a,
                      const tdagi_statement *b)
{
    return a->kind == b->kind && same_text(target_of(&c->a, a), target_of(&c->b, b)) &&
           a->n_inputs == b->n_inputs && a->n_results == b->n_results;
}

static bool same_bindings(const comparing *c, const tdagi_statement *a,
                          const tdagi_statement *b)
{
    bool same = a->n_bindings == b->n_bindings;
    for (uint32_t i = 0; same && i < a->n_bindings; i++) {
        const tdagi_binding *x = &a->bindings[i], *y = &b->bindings[i];
        same = same_dim(c, x->symbol, y->symbol) && same_dim(c, x->bound, y->bound);
        if (same && a->kind == TDAGI_CALL)
            same = c->partner[x->value.id].id == y->value.id && x->of == y->of;
    }
    return same;
}

static uint32_t compare_heads(const comparing *c, const tdagi_statement *a,
                              const tdagi_statement *b)
{
    uint32_t what = 0;
    if (a->kind != b->kind || !same_text(target_of(&c->a, a), target_of(&c->b, b)))
        return TDAG_DIFFERS_IN_OP;
    if (a->draw != b->draw || a->has_limit != b->has_limit ||
        a->has_condition != b->has_condition ||
        !same_text(a->arguments, b->arguments) || !same_bindings(c, a, b))
        what |= TDAG_DIFFERS_IN_SPEC;
    if (!same_values(c, a->inputs, a->n_inputs, b->inputs, b->n_inputs))
        what |= TDAG_DIFFERS_IN_OPERANDS;
    if (a->n_results != b->n_results) return what | TDAG_DIFFERS_IN_OPERANDS;
    return what | compare_types(c, a->results, b->results, a->n_results);
}

/* A statement with its number. */
typedef struct entry {
    const tdagi_statement *s;
    uint32_t number, partner; /* partner: the other side's entry from 1, 0: none */
} entry;

typedef struct list {
    entry *v;
    uint32_t n;
} list;

static uint32_t count_block(const tdagi_block *block);

static uint32_t count_all(const tdagi_statement *s)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        n += count_block(&s->blocks[i]);
    return n;
}

/* As deep as blocks nest. */
static uint32_t count_block(const tdagi_block *block)
{
    uint32_t n = 0;
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        n += count_all(s);
    return n;
}

/* A block's statements; number: of the first. */
static list list_of(comparing *c, const tdagi_block *block, uint32_t number)
{
    list l = {NULL, 0};
    for (const tdagi_statement *s = block->first; s != NULL; s = s->next)
        l.n++;
    l.v = take(c, l.n, sizeof *l.v);
    uint32_t i = 0;
    for (const tdagi_statement *s = block->first; s != NULL && l.v != NULL;
         s = s->next) {
        l.v[i++] = (entry){s, number, 0};
        number += count_all(s);
    }
    if (l.v == NULL) l.n = 0;
    return l;
}

/* ---- alignment ---- */

typedef struct range {
    uint32_t from, to;
} range;

static void pair(list *a, uint32_t i, list *b, uint32_t k)
{
    a->v[i].partner = k + 1;
    b->v[k].partner = i + 1;
}

/* The longest common run of what is between, by lengths from each place on. */
static void align_between(comparing *c, list *a, range x, list *b, range y)
{
    size_t n = x.to - x.from, m = y.to - y.from;
    if (n == 0 || m == 0 || (uint64_t)n * m > MOST_PAIRS) return;
    uint32_t *best = take(c, (n + 1) * (m + 1), sizeof *best);
    if (best == NULL) return;
    for (size_t i = n; i-- > 0;)
        for (size_t k = m; k-- > 0;) {
            uint32_t *at = &best[i * (m + 1) + k];
            bool same = same_form(c, a->v[x.from + i].s, b->v[y.from + k].s);
            uint32_t down = at[m + 1], right = at[1];
            *at = same ? at[m + 2] + 1 : down > right ? down : right;
        }
    for (size_t i = 0, k = 0; i < n && k < m;) {
        const uint32_t *at = &best[i * (m + 1) + k];
        if (same_form(c, a->v[x.from + i].s, b->v[y.from + k].s))
            pair(a, x.from + (uint32_t)i++, b, y.from + (uint32_t)k++);
        else if (at[m + 1] >= at[1])
            i++;
        else
            k++;
    }
}

/* Statements between two that are paired go with each other in their order, if they are
 * of one kind. */
static void pair_rest(list *a, list *b)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->v[i].partner != 0) {
            k = a->v[i].partner;
            continue;
        }
        if (k < b->n && b->v[k].partner == 0 && a->v[i].s->kind == b->v[k].s->kind) {
            pair(a, i, b, k);
            k++;
        }
    }
}

static void align(comparing *c, list *a, list *b)
{
    range x = {0, a->n}, y = {0, b->n};
    while (x.from < x.to && y.from < y.to &&
           same_form(c, a->v[x.from].s, b->v[y.from].s))
        pair(a, x.from++, b, y.from++);
    while (x.from < x.to && y.from < y.to &&
           same_form(c, a->v[x.to - 1].s, b->v[y.to - 1].s))
        pair(a, --x.to, b, --y.to);
    align_between(c, a, x, b, y);
    pair_rest(a, b);
}

/* ---- blocks ---- */

static uint32_t compare_blocks(comparing *c, const tdagi_block *a, uint32_t number_a,
                               const tdagi_block *b, uint32_t number_b);

static void add_statement(comparing *c, tdag_difference_kind kind, uint32_t a,
                          uint32_t b, uint32_t what)
{
    add(c, (tdag_model_difference){.kind = kind,
                                   .part = TDAG_PART_STATEMENT,
                                   .what = what,
                                   .name = c->a.m->name,
                                   .a = a,
                                   .b = b});
}

static void compare_statements(comparing *c, const entry *a, const entry *b)
{
    uint32_t what = compare_heads(c, a->s, b->s), at = c->n;
    uint32_t x = a->number + 1, y = b->number + 1;
    add_statement(c, TDAG_DIFFERS_NODE, a->number, b->number, 0);
    for (uint32_t i = 0; i < a->s->n_blocks && i < b->s->n_blocks; i++) {
        const tdagi_block *from = &a->s->blocks[i], *to = &b->s->blocks[i];
        what |= compare_blocks(c, from, x, to, y);
        x += count_block(from);
        y += count_block(to);
    }
    pair_values(c, a->s->results, a->s->n_results, b->s->results, b->s->n_results);
    if (c->status != TDAG_OK) return;
    c->items[at].what = what;
    if (what != 0) return; /* it stands before what is inside */
    memmove(&c->items[at], &c->items[at + 1], (c->n - at - 1) * sizeof *c->items);
    c->n--;
}

/* How their heads and yields differ; what differs inside are items of its own. */
static uint32_t compare_blocks(comparing *c, const tdagi_block *a, uint32_t number_a,
                               const tdagi_block *b, uint32_t number_b)
{
    uint32_t what = 0;
    list x = list_of(c, a, number_a), y = list_of(c, b, number_b);
    pair_values(c, a->params, a->n_params, b->params, b->n_params);
    if (a->n_params == b->n_params)
        what = compare_types(c, a->params, b->params, a->n_params);
    else
        what = TDAG_DIFFERS_IN_OPERANDS;
    align(c, &x, &y);
    uint32_t k = 0; /* of b, what is before is told */
    for (uint32_t i = 0; i < x.n && c->status == TDAG_OK; i++) {
        uint32_t to = x.v[i].partner;
        if (to == 0) add_statement(c, TDAG_DIFFERS_ONLY_A, x.v[i].number, 0, 0);
        for (; to != 0 && k < to - 1; k++)
            if (y.v[k].partner == 0)
                add_statement(c, TDAG_DIFFERS_ONLY_B, 0, y.v[k].number, 0);
        if (to != 0) compare_statements(c, &x.v[i], &y.v[to - 1]);
        if (to != 0) k = to;
    }
    for (; k < y.n; k++)
        if (y.v[k].partner == 0)
            add_statement(c, TDAG_DIFFERS_ONLY_B, 0, y.v[k].number, 0);
    if (!same_values(c, a->yields, a->n_yields, b->yields, b->n_yields))
        what |= TDAG_DIFFERS_IN_OPERANDS;
    return what;
}

/* ---- parts ---- */

static void add_part(comparing *c, tdag_difference_kind kind, tdag_model_part part,
                     const char *name, uint32_t what)
{
    add(c, (tdag_model_difference){
               .kind = kind, .part = part, .what = what, .name = name});
}

/* Graphs that compute the same, whatever their values are called. */
static void compare_graphs(comparing *c, const tdagi_named_graph *a,
                           const tdagi_named_graph *b)
{
    tdag_differences found = {0};
    if (a->graph == b->graph || c->status != TDAG_OK) return;
    c->status = tdag_graph_diff(c->ctx, a->graph, b->graph, &found);
    if (c->status == TDAG_OK && found.n > 0)
        add_part(c, TDAG_DIFFERS_NODE, TDAG_PART_GRAPH, a->name, 0);
    tdag_differences_free(&found);
}

static void compare_states(comparing *c, const tdagi_state *a, const tdagi_state *b)
{
    const tdag_tensor *x = a->initial, *y = b->initial;
    uint32_t what = x->dtype != y->dtype ? TDAG_DIFFERS_IN_DTYPE : 0;
    bool same = x->rank == y->rank;
    for (uint32_t k = 0; same && k < x->rank; k++)
        same = x->shape[k] == y->shape[k] &&
               (a->symbols[k] == NULL) == (b->symbols[k] == NULL);
    if (!same) what |= TDAG_DIFFERS_IN_SHAPE;
    if (what != 0)
        add_part(c, TDAG_DIFFERS_NODE, TDAG_PART_STATE, a->name, what);
    else if (!tdagi_tensor_equal(x, y))
        add_part(c, TDAG_DIFFERS_WEIGHT, TDAG_PART_STATE, a->name, 0);
}

static void compare_methods(comparing *c, const tdagi_method *a, const tdagi_method *b)
{
    uint32_t at = c->n;
    c->a.m = a;
    c->b.m = b;
    c->partner = take(c, a->n_vars + (size_t)1, sizeof *c->partner);
    if (c->partner == NULL) return;
    add_part(c, TDAG_DIFFERS_NODE, TDAG_PART_METHOD, a->name, 0);
    uint32_t what = compare_blocks(c, &a->body, 1, &b->body, 1);
    if (!tdagi_structure_equal(a->inputs, b->inputs) ||
        !tdagi_structure_equal(a->outputs, b->outputs))
        what |= TDAG_DIFFERS_IN_SPEC;
    if (c->status != TDAG_OK) return;
    c->items[at].what = what;
    if (what != 0) return;
    memmove(&c->items[at], &c->items[at + 1], (c->n - at - 1) * sizeof *c->items);
    c->n--;
}

/* The parts of a model of one sort. */
typedef struct sort {
    tdag_model_part part;
    uint32_t (*count)(const tdag_model *m);
    const char *(*name)(const tdag_model *m, uint32_t i);
    void (*compare)(comparing *c, uint32_t a, uint32_t b);
} sort;

static uint32_t n_graphs(const tdag_model *m) { return m->n_graphs; }
static uint32_t n_states(const tdag_model *m) { return m->n_states; }
static uint32_t n_methods(const tdag_model *m) { return m->n_methods; }
static const char *graph_name(const tdag_model *m, uint32_t i)
{
    return m->graphs[i].name;
}
static const char *state_name(const tdag_model *m, uint32_t i)
{
    return m->states[i].name;
}
static const char *method_name(const tdag_model *m, uint32_t i)
{
    return m->methods[i]->name;
}
static void compare_graphs_at(comparing *c, uint32_t a, uint32_t b)
{
    compare_graphs(c, &c->a.model->graphs[a], &c->b.model->graphs[b]);
}
static void compare_states_at(comparing *c, uint32_t a, uint32_t b)
{
    compare_states(c, &c->a.model->states[a], &c->b.model->states[b]);
}
static void compare_methods_at(comparing *c, uint32_t a, uint32_t b)
{
    compare_methods(c, c->a.model->methods[a], c->b.model->methods[b]);
}

static const sort sorts[] = {
    {TDAG_PART_GRAPH, n_graphs, graph_name, compare_graphs_at},
    {TDAG_PART_STATE, n_states, state_name, compare_states_at},
    {TDAG_PART_METHOD, n_methods, method_name, compare_methods_at},
};

/* By name: what both have, then what one has. */
static void compare_sort(comparing *c, const sort *s)
{
    const tdag_model *a = c->a.model, *b = c->b.model;
    tdagi_name_map in_a = {0}, in_b = {0};
    for (uint32_t i = 0; i < s->count(a) && c->status == TDAG_OK; i++)
        c->status = tdagi_name_map_put(c->ctx, &in_a, s->name(a, i), i + 1);
    for (uint32_t i = 0; i < s->count(b) && c->status == TDAG_OK; i++)
        c->status = tdagi_name_map_put(c->ctx, &in_b, s->name(b, i), i + 1);
    for (uint32_t i = 0; i < s->count(a) && c->status == TDAG_OK; i++) {
        uint32_t other = tdagi_name_map_get(&in_b, s->name(a, i));
        if (other == 0)
            add_part(c, TDAG_DIFFERS_ONLY_A, s->part, s->name(a, i), 0);
        else
            s->compare(c, i, other - 1);
    }
    for (uint32_t i = 0; i < s->count(b) && c->status == TDAG_OK; i++)
        if (tdagi_name_map_get(&in_a, s->name(b, i)) == 0)
            add_part(c, TDAG_DIFFERS_ONLY_B, s->part, s->name(b, i), 0);
    tdagi_name_map_free(c->ctx, &in_a);
    tdagi_name_map_free(c->ctx, &in_b);
}

/* ---- the public calls ---- */

tdag_status tdag_model_diff(tdag_ctx *ctx, const tdag_model *a, const tdag_model *b,
                            tdag_model_differences *out)
{
    TDAGI_TRY(tdagi_need(ctx, a, "a"));
    TDAGI_TRY(tdagi_need(ctx, b, "b"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_model_verify(ctx, a));
    TDAGI_TRY(tdagi_model_verify(ctx, b));
    comparing c = {.ctx = ctx, .a = {a, NULL}, .b = {b, NULL}};
    tdagi_arena_init(&c.arena, &ctx->allocator);
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        compare_sort(&c, &sorts[i]);
    tdagi_arena_free(&c.arena);
    if (c.status == TDAG_OK)
        *out = (tdag_model_differences){c.n, c.items, c.capacity, ctx->allocator};
    else
        tdagi_free(ctx, c.items, c.capacity * sizeof *c.items);
    return c.status;
}

void tdag_model_differences_free(tdag_model_differences *d)
{
    if (d == NULL || d->items == NULL) return;
    tdagi_mem_free(&d->allocator, d->items, d->capacity * sizeof *d->items);
    memset(d, 0, sizeof *d);
}
