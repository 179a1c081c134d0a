/* Which values are the same operation on the same operands. See pieces.h. */
#include <string.h>

#include "base/text.h"
#include "ir/field.h"
#include "proof/pieces.h"

#define SMALL 64 /* bytes of a constant that tell it by themselves */

/* What is written of a value: op, dtype, shape, spec, then what tells a leaf from
 * others or the classes of its operands. Symbols count by their names. */
typedef struct key {
    tdagi_text bytes;
    const tdag_graph *g;
} key;

static tdag_status put(key *k, const void *bytes, size_t n)
{
    if (n < k->bytes.capacity - k->bytes.length) { /* most are short and find room */
        if (n > 0) memcpy(k->bytes.data + k->bytes.length, bytes, n);
        k->bytes.length += n;
    } else if (n > 0) {
        tdagi_text_add_bytes(&k->bytes, bytes, n);
    }
    return k->bytes.status;
}

static tdag_status put_number(key *k, int64_t x) { return put(k, &x, sizeof x); }

static tdag_status put_numbers(key *k, uint32_t n, const int64_t *v)
{
    return put(k, v, n * sizeof *v);
}

static tdag_status put_dim(key *k, tdag_dim d)
{
    char text[256];
    if (d >= 0) return put_number(k, d);
    size_t n = tdagi_dim_text(k->g->pool, d, text, sizeof text);
    TDAGI_TRY(put_number(k, -1 - (int64_t)n));
    if (n < sizeof text) return put(k, text, n);
    return put(k, &d, sizeof d); /* so long that none of the other graph is like it */
}

static tdag_status put_integer_field(void *user, const tdagi_field *f, int64_t *value)
{
    (void)f;
    return put_number(user, *value);
}

static tdag_status put_dim_field(void *user, const tdagi_field *f, tdag_dim *value)
{
    (void)f;
    return put_dim(user, *value);
}

static tdag_status put_real_field(void *user, const tdagi_field *f, double *value)
{
    (void)f;
    return put(user, value, sizeof *value);
}

static tdag_status put_integers_field(void *user, const tdagi_field *f,
                                      tdag_list *value)
{
    (void)f;
    TDAGI_TRY(put_number(user, value->n));
    return put_numbers(user, value->n, value->v);
}

static tdag_status put_dims(key *k, uint32_t n, const tdag_dim *dims)
{
    uint32_t n_numbers = 0;
    while (n_numbers < n && dims[n_numbers] >= 0)
        n_numbers++;
    TDAGI_TRY(put_number(k, n));
    TDAGI_TRY(put_numbers(k, n_numbers, dims));
    for (uint32_t i = n_numbers; i < n; i++)
        TDAGI_TRY(put_dim(k, dims[i]));
    return TDAG_OK;
}

static tdag_status put_dims_field(void *user, const tdagi_field *f, tdag_list *value)
{
    (void)f;
    return put_dims(user, value->n, value->v);
}

static tdag_status put_string_field(void *user, const tdagi_field *f,
                                    const char **value)
{
    (void)f;
    return put(user, *value, strlen(*value) + 1);
}

static const tdagi_field_visitor writing = {
    put_integer_field,  put_integer_field, put_integer_field,
    put_integer_field,  put_dim_field,     put_real_field,
    put_integers_field, put_dims_field,    put_string_field,
};

static tdag_status put_form(key *k, const tdagi_node *n)
{
    TDAGI_TRY(put_number(k, (int64_t)n->op << 8 | n->dtype));
    TDAGI_TRY(put_dims(k, n->rank, n->shape));
    const tdagi_field *f = tdagi_node_def(n)->fields;
    if (n->op == TDAG_OP_INPUT || tdagi_op_holds_tensor(n->op)) f = NULL;
    for (; f != NULL && f->kind != TDAGI_FIELD_END; f++)
        TDAGI_TRY(tdagi_field_show(&writing, k, f, n->u.spec));
    return TDAG_OK;
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

/* What tells a tensor from others: its memory, or the place of its node where it has
 * none. The weights of b are those of a that have their names. */
static const void *memory_of(const tdagi_classes *c, const tdag_graph *g, uint32_t id)
{
    const tdagi_node *n = &g->nodes[id];
    if (n->op == TDAG_OP_CONSTANT) return same_constant(c, n->u.tensor);
    if (g == c->b) {
        tdag_value there = same_weight(c, n);
        if (there.id == 0) return n;
        n = &c->a->nodes[there.id];
    }
    return n->u.tensor->size == 0 ? (const void *)n : n->u.tensor->data;
}

static tdag_status put_operands(key *k, const uint32_t *classes, const tdagi_node *n)
{
    const tdag_value *in = tdagi_node_inputs(n);
    uint32_t of[4];
    bool swap = tdagi_node_def(n)->commutes && classes[in[0].id] > classes[in[1].id];
    for (uint32_t i = 0, at = 0; i < n->n_inputs; i++) {
        of[at++] = classes[in[swap ? 1 - i : i].id];
        if (at < 4 && i + 1 < n->n_inputs) continue;
        TDAGI_TRY(put(k, of, at * sizeof *of));
        at = 0;
    }
    return TDAG_OK;
}

static tdag_status put_value(const tdagi_classes *c, key *k, uint32_t id)
{
    const tdagi_node *n = &k->g->nodes[id];
    TDAGI_TRY(put_form(k, n));
    if (n->op == TDAG_OP_INPUT) return put_number(k, position_of(k->g, id));
    const bool is_small = n->op == TDAG_OP_CONSTANT && n->u.tensor->size <= SMALL;
    if (is_small) return put(k, n->u.tensor->data, n->u.tensor->size);
    if (tdagi_op_holds_tensor(n->op)) {
        const void *memory = memory_of(c, k->g, id);
        return put(k, &memory, sizeof memory);
    }
    return put_operands(k, k->g == c->a ? c->of_a : c->of_b, n);
}

static tdag_status class_of_key(tdagi_classes *c, const key *k, uint32_t *out)
{
    void **place =
        tdagi_table_copy_at(&c->arena, &c->by_key, k->bytes.data, k->bytes.length);
    if (place == NULL) return tdagi_nomem(c->ctx);
    if (*place == NULL) *place = (void *)(uintptr_t)++c->n; /* a number, no address */
    *out = (uint32_t)(uintptr_t)*place;
    return TDAG_OK;
}

static tdag_status give_class(tdagi_classes *c, const tdag_graph *g, uint32_t id,
                              uint32_t *out)
{
    key k = {c->bytes, g};
    k.bytes.length = 0;
    tdag_status st = put_value(c, &k, id);
    if (st == TDAG_OK) st = class_of_key(c, &k, out);
    c->bytes = k.bytes;
    return st;
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
    if (c->of_a == NULL || c->of_b == NULL || c->value_of == NULL)
        return tdagi_nomem(c->ctx);
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
    tdagi_text_init(&out->bytes, ctx);
    tdag_status st = init(out);
    if (st != TDAG_OK) tdagi_classes_free(out);
    return st;
}

void tdagi_classes_free(tdagi_classes *c)
{
    tdagi_text_free(&c->bytes);
    tdagi_arena_free(&c->arena);
}
