/* Which values are the same operation on the same operands. See pieces.h. Symbols count
 * by their names and samples. */
#include <string.h>

#include "base/bytes_hash.h"
#include "ir/field.h"
#include "proof/pieces.h"

#define SMALL 64 /* bytes of a constant that its hash is of */

/* ---- leaves ---- */

static uint32_t position_of(const tdag_graph *g, uint32_t id)
{
    for (uint32_t i = 0; i < g->n_inputs; i++)
        if (g->inputs[i].id == id) return i + 1;
    return 0;
}

/* The weight of a that has b's name in its framework; id 0: none. */
static tdag_value same_weight(const tdagi_classes *c, const tdagi_node *n)
{
    if (n->name == NULL) return TDAG_NO_VALUE;
    tdag_value there = tdag_graph_find(c->a, n->name);
    if (there.id != 0 && c->a->nodes[there.id].op == n->op) return there;
    const char *given = tdagi_name_given(n->name);
    for (uint32_t id = 1; id <= c->a->n; id++) {
        const tdagi_node *m = &c->a->nodes[id];
        if (m->op == n->op && m->name != NULL &&
            strcmp(tdagi_name_given(m->name), given) == 0)
            return (tdag_value){id};
    }
    return TDAG_NO_VALUE;
}

/* What tells a weight from others: its memory, or the place of its node where it has
 * none. The weights of b are those of a that have their names, or else their memory. */
static const void *memory_of(const tdagi_classes *c, const tdag_graph *g,
                             const tdagi_node *n)
{
    if (g == c->b) {
        tdag_value there = same_weight(c, n);
        if (there.id != 0) n = &c->a->nodes[there.id];
    }
    return n->u.tensor->size == 0 ? (const void *)n : n->u.tensor->data;
}

/* ---- one value ---- */

/* A value, and what it is made of: the classes of its operands, in order where the op
 * commutes, or what tells a leaf from others. */
typedef struct value {
    const tdag_graph *g;
    const tdagi_node *n;
    const uint32_t *classes;
    const tdag_value *in;
    const void *memory;
    uint32_t position;
    bool commutes;
} value;

static value value_at(const tdagi_classes *c, const tdag_graph *g, uint32_t id)
{
    const tdagi_node *n = &g->nodes[id];
    value v = {.g = g,
               .n = n,
               .classes = g == c->a ? c->of_a : c->of_b,
               .in = tdagi_node_inputs(n),
               .commutes = tdagi_node_def(n)->commutes};
    if (n->n_inputs > 0) return v;
    if (n->op == TDAG_OP_INPUT)
        v.position = position_of(g, id);
    else if (n->op != TDAG_OP_CONSTANT && tdagi_op_holds_tensor(n->op))
        v.memory = memory_of(c, g, n);
    return v;
}

static uint32_t operand(const value *v, uint32_t i)
{
    uint32_t x = v->classes[v->in[i].id];
    if (!v->commutes) return x;
    uint32_t y = v->classes[v->in[1 - i].id];
    return (i == 0) == (x < y) ? x : y;
}

static uint64_t hash_numbers(uint64_t h, const tdagi_pool *pool, tdag_list l)
{
    for (uint32_t i = 0; i < l.n; i++)
        h = tdagi_hash_mix(h, (uint64_t)(pool != NULL && l.v[i] < 0
                                             ? tdagi_dim_sample(pool, l.v[i])
                                             : l.v[i]));
    return h;
}

static uint64_t hash_spec(uint64_t h, const tdag_graph *g, const tdagi_node *n)
{
    const tdagi_field *f = tdagi_node_def(n)->fields;
    for (; f != NULL && f->kind != TDAGI_FIELD_END; f++)
        h = hash_numbers(h, tdagi_field_has_dims(f) ? g->pool : NULL,
                         tdagi_field_numbers(f, n->u.spec));
    return h;
}

static uint32_t hash(const tdagi_classes *c, const value *v)
{
    const tdagi_node *n = v->n;
    uint64_t h =
        tdagi_hash_mix((uintptr_t)c->slots ^ n->op, (uintptr_t)v->memory + v->position);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        h = tdagi_hash_mix(h, operand(v, i));
    if (n->op == TDAG_OP_CONSTANT)
        h ^= tdagi_hash(c, n->u.tensor->data,
                        n->u.tensor->size < SMALL ? n->u.tensor->size : SMALL);
    else if (n->op != TDAG_OP_INPUT && v->memory == NULL)
        h = hash_spec(h, v->g, n);
    return (uint32_t)(h ^ h >> 32);
}

static bool is_same(const value *x, const value *y)
{
    if (x->memory != y->memory || x->position != y->position ||
        !tdagi_node_same_form(x->g, x->n, y->g, y->n))
        return false;
    for (uint32_t i = 0; i < x->n->n_inputs; i++)
        if (operand(x, i) != operand(y, i)) return false;
    return x->n->op != TDAG_OP_CONSTANT ||
           tdagi_tensor_equal(x->n->u.tensor, y->n->u.tensor);
}

/* ---- all of them ---- */

static bool is_of_class(const tdagi_classes *c, const value *v, uint32_t n)
{
    const value w = value_at(c, n <= c->n_known ? c->a : c->b, c->value_of[n]);
    return is_same(v, &w);
}

/* The class at `guess` is tried first; 0: none. */
static uint32_t give_class(tdagi_classes *c, const tdag_graph *g, uint32_t id,
                           uint32_t guess)
{
    const value v = value_at(c, g, id);
    if (guess != 0 && is_of_class(c, &v, guess)) return guess;
    uint32_t h = hash(c, &v), i = h & c->mask;
    for (; c->slots[i].n != 0; i = (i + 1) & c->mask)
        if (c->slots[i].hash == h && is_of_class(c, &v, c->slots[i].n))
            return c->slots[i].n;
    c->slots[i].hash = h;
    c->slots[i].n = ++c->n;
    c->value_of[c->n] = id;
    return c->n;
}

void tdagi_classes_add(tdagi_classes *c, uint32_t id)
{
    uint32_t next = c->of_b[id - 1] + 1; /* b's values are often in a's order */
    c->of_b[id] = give_class(c, c->b, id, next <= c->n_known ? next : 0);
}

static void *zeroes(tdagi_classes *c, size_t n, size_t size)
{
    void *p = tdagi_arena_array(&c->arena, n, size);
    if (p != NULL) memset(p, 0, n * size);
    return p;
}

tdag_status tdagi_classes_init(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                               tdagi_classes *out)
{
    tdagi_classes *c = out;
    *c = (tdagi_classes){.ctx = ctx, .a = a, .b = b, .mask = 15};
    const size_t n = (size_t)a->n + b->n;
    while (c->mask / 2 < n)
        c->mask = 2 * c->mask + 1;
    tdagi_arena_init(&c->arena, &ctx->allocator);
    c->of_a = zeroes(c, a->n + 1u, sizeof *c->of_a);
    c->of_b = zeroes(c, b->n + 1u, sizeof *c->of_b);
    c->value_of = zeroes(c, n + 1, sizeof *c->value_of);
    c->slots = zeroes(c, c->mask + (size_t)1, sizeof *c->slots);
    if (c->of_a == NULL || c->of_b == NULL || c->value_of == NULL || c->slots == NULL) {
        tdagi_classes_free(c);
        return tdagi_nomem(ctx);
    }
    for (uint32_t id = 1; id <= a->n; id++) {
        c->of_a[id] = give_class(c, a, id, 0);
        c->n_known = c->n;
    }
    return TDAG_OK;
}

void tdagi_classes_free(tdagi_classes *c) { tdagi_arena_free(&c->arena); }
