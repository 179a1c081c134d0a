/* Which values are the same operation on the same operands. See pieces.h. */
#include <string.h>

#include "ir/hash.h"
#include "proof/pieces.h"

/* What a value is: the words of a key. */
typedef struct key {
    uint64_t own[2];
    const void *memory; /* of a tensor */
    uint32_t position;  /* of an input, from 1 */
    uint32_t n;
    uint32_t operands[];
} key;

static tdag_status hash_nodes(tdagi_classes *c, const tdag_graph *g,
                              tdagi_node_hash **out)
{
    tdagi_hasher *h = NULL;
    *out = tdagi_arena_array(&c->arena, g->n + 1u, sizeof **out);
    if (*out == NULL) return tdagi_nomem(c->ctx);
    TDAGI_TRY(tdagi_hasher_create(c->ctx, g, TDAG_HASH_STRUCTURE, &h));
    tdag_status st = tdagi_hasher_nodes(h, *out);
    tdagi_hasher_free(h);
    return st;
}

static uint32_t position_of(const tdag_graph *g, uint32_t id)
{
    for (uint32_t i = 0; i < g->n_inputs; i++)
        if (g->inputs[i].id == id) return i + 1;
    return 0;
}

/* The constant of a that has the same elements, or the tensor itself. */
static const tdag_tensor *same_constant(const tdagi_classes *c, const tdag_tensor *t)
{
    for (uint32_t id = 1; id <= c->a->n; id++) {
        const tdagi_node *n = &c->a->nodes[id];
        if (n->op != TDAG_OP_CONSTANT || n->u.tensor->size != t->size) continue;
        if (n->u.tensor == t || tdagi_tensor_equal(n->u.tensor, t)) return n->u.tensor;
    }
    return t;
}

/* What tells a tensor from others: its memory, or the place of its node where it has
 * none. The weights of b are those of a that have their names. */
static const void *memory_of(const tdagi_classes *c, const tdag_graph *g, uint32_t id)
{
    const tdagi_node *n = &g->nodes[id];
    if (n->op == TDAG_OP_CONSTANT) return same_constant(c, n->u.tensor);
    if (g == c->b) {
        tdag_value there =
            n->name == NULL ? TDAG_NO_VALUE : tdag_graph_find(c->a, n->name);
        if (there.id == 0 || c->a->nodes[there.id].op != n->op) return n;
        n = &c->a->nodes[there.id];
    }
    return n->u.tensor->size == 0 ? (const void *)n : n->u.tensor->data;
}

static key *key_of(tdagi_classes *c, const tdag_graph *g, uint32_t id, size_t *size)
{
    const tdagi_node *n = &g->nodes[id];
    const uint32_t *classes = g == c->a ? c->of_a : c->of_b;
    const tdagi_node_hash *hash = g == c->a ? &c->hashes_a[id] : &c->hashes_b[id];
    bool is_leaf = tdagi_op_is_leaf(n->op);
    *size = sizeof(key) + (is_leaf ? 0 : n->n_inputs) * sizeof(uint32_t);
    key *k = tdagi_arena_alloc(&c->arena, *size);
    if (k == NULL) return NULL;
    memset(k, 0, *size);
    memcpy(k->own, hash->own, sizeof k->own);
    if (n->op == TDAG_OP_INPUT) k->position = position_of(g, id);
    if (tdagi_op_holds_tensor(n->op)) k->memory = memory_of(c, g, id);
    if (is_leaf) return k;
    k->n = n->n_inputs;
    for (uint32_t i = 0; i < k->n; i++)
        k->operands[i] = classes[tdagi_node_inputs(n)[i].id];
    bool swap = tdagi_node_def(n)->commutes && k->operands[0] > k->operands[1];
    if (swap) {
        uint32_t first = k->operands[0];
        k->operands[0] = k->operands[1];
        k->operands[1] = first;
    }
    return k;
}

static tdag_status give_class(tdagi_classes *c, const tdag_graph *g, uint32_t id,
                              uint32_t *out)
{
    size_t size;
    key *k = key_of(c, g, id, &size);
    void **place = k == NULL ? NULL : tdagi_table_at(&c->arena, &c->by_key, k, size);
    if (place == NULL) return tdagi_nomem(c->ctx);
    if (*place == NULL) {
        uint32_t *number = tdagi_arena_alloc(&c->arena, sizeof *number);
        if (number == NULL) return tdagi_nomem(c->ctx);
        *number = ++c->n;
        *place = number;
    }
    *out = *(const uint32_t *)*place;
    return TDAG_OK;
}

tdag_status tdagi_classes_add(tdagi_classes *c, uint32_t id)
{
    return give_class(c, c->b, id, &c->of_b[id]);
}

static void *zeroes(tdagi_classes *c, size_t n, size_t size)
{
    void *p = tdagi_arena_array(&c->arena, n, size);
    if (p != NULL) memset(p, 0, n * size);
    return p;
}

static tdag_status init(tdagi_classes *c)
{
    c->of_a = zeroes(c, c->a->n + 1u, sizeof *c->of_a);
    c->of_b = zeroes(c, c->b->n + 1u, sizeof *c->of_b);
    c->value_of = zeroes(c, c->a->n + 1u, sizeof *c->value_of);
    c->is_met = zeroes(c, c->a->n + 1u, 1);
    if (c->of_a == NULL || c->of_b == NULL || c->value_of == NULL || c->is_met == NULL)
        return tdagi_nomem(c->ctx);
    TDAGI_TRY(hash_nodes(c, c->a, &c->hashes_a));
    TDAGI_TRY(hash_nodes(c, c->b, &c->hashes_b));
    for (uint32_t id = 1; id <= c->a->n; id++) {
        TDAGI_TRY(give_class(c, c->a, id, &c->of_a[id]));
        if (c->value_of[c->of_a[id]] == 0) c->value_of[c->of_a[id]] = id;
    }
    c->n_known = c->n;
    return TDAG_OK;
}

tdag_status tdagi_classes_init(tdag_ctx *ctx, const tdag_graph *a, const tdag_graph *b,
                               tdagi_classes *out)
{
    *out = (tdagi_classes){.ctx = ctx, .a = a, .b = b};
    tdagi_arena_init(&out->arena, &ctx->allocator);
    tdag_status st = init(out);
    if (st != TDAG_OK) tdagi_classes_free(out);
    return st;
}

void tdagi_classes_free(tdagi_classes *c) { tdagi_arena_free(&c->arena); }
