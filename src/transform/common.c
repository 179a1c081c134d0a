/* See common.h. */
#include "transform/common.h"

#include <string.h>

#include "transform/simplify/rewrite.h"

void tdagi_common_init(tdagi_common *t, const tdag_graph *g)
{
    memset(t, 0, sizeof(*t));
    t->g = g;
}

void tdagi_common_free(tdag_ctx *ctx, tdagi_common *t)
{
    if (t->ids != NULL) tdagi_free(ctx, t->ids, t->capacity * sizeof(*t->ids));
    if (t->hashes != NULL) tdagi_free(ctx, t->hashes, t->capacity * sizeof(*t->hashes));
    if (t->classes != NULL)
        tdagi_free(ctx, t->classes, t->n_classes * sizeof(*t->classes));
    memset(t, 0, sizeof(*t));
}

static uint32_t class_of(const tdagi_common *t, tdag_value v)
{
    return v.id < t->n_classes && t->classes[v.id] != 0 ? t->classes[v.id] : v.id;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9FB21C651E98DF25u;
    return h ^ (h >> 29);
}

static bool commutes(uint32_t op) { return tdagi_op_row_of(op)->def->commutes; }

uint64_t tdagi_common_hash(const tdagi_common *t, const tdagi_apply *a)
{
    const tdagi_opdef *def = tdagi_op_row_of((uint32_t)a->op)->def;
    uint64_t h = mix((uint64_t)a->op, tdagi_spec_hash(def->fields, a->spec));
    if (def->commutes) {
        uint32_t x = class_of(t, a->in[0]), y = class_of(t, a->in[1]);
        return mix(mix(h, x < y ? x : y), x < y ? y : x);
    }
    for (uint32_t i = 0; i < a->n; i++)
        h = mix(h, class_of(t, a->in[i]));
    return h;
}

/* A large tensor is hashed by its first and last bytes: it is rare that only the middle
 * differs, and then the comparison tells. */
uint64_t tdagi_common_hash_tensor(const tdag_tensor *t)
{
    const unsigned char *data = t->data;
    uint64_t h = mix(mix(TDAG_OP_CONSTANT, t->dtype), t->rank);
    for (uint32_t i = 0; i < t->rank; i++)
        h = mix(h, (uint64_t)t->shape[i]);
    size_t part = t->size < 256 ? t->size : 256;
    for (size_t i = 0; i < part; i++) {
        h = mix(h, data[i]);
        h = mix(h, data[t->size - 1 - i]);
    }
    return h;
}

static bool same_inputs(const tdagi_common *t, const tdagi_node *n,
                        const tdagi_apply *a)
{
    const tdag_value *in = tdagi_node_inputs(n);
    if (n->n_inputs != a->n) return false;
    bool same = true;
    for (uint32_t i = 0; i < a->n; i++)
        same &= class_of(t, in[i]) == class_of(t, a->in[i]);
    if (!same && commutes((uint32_t)a->op))
        return class_of(t, in[0]) == class_of(t, a->in[1]) &&
               class_of(t, in[1]) == class_of(t, a->in[0]);
    return same;
}

static bool is_application(const tdagi_common *t, const tdagi_node *n,
                           const tdagi_apply *a)
{
    if (n->op != (uint32_t)a->op || !same_inputs(t, n, a)) return false;
    return tdagi_spec_equal(tdagi_node_def(n)->fields, n->u.spec, a->spec);
}

uint32_t *tdagi_common_find(const tdagi_common *t, const tdagi_apply *a, uint64_t hash)
{
    if (t->capacity == 0) return NULL;
    uint32_t mask = t->capacity - 1;
    for (uint32_t i = (uint32_t)hash & mask; t->ids[i] != 0; i = (i + 1) & mask)
        if (t->hashes[i] == hash && is_application(t, &t->g->nodes[t->ids[i]], a))
            return &t->ids[i];
    return NULL;
}

uint32_t *tdagi_common_find_tensor(const tdagi_common *t, const tdag_tensor *tensor,
                                   uint64_t hash)
{
    if (t->capacity == 0) return NULL;
    uint32_t mask = t->capacity - 1;
    for (uint32_t i = (uint32_t)hash & mask; t->ids[i] != 0; i = (i + 1) & mask) {
        const tdagi_node *n = &t->g->nodes[t->ids[i]];
        if (t->hashes[i] == hash && n->op == TDAG_OP_CONSTANT &&
            (n->u.tensor == tensor || tdagi_tensor_equal(n->u.tensor, tensor)))
            return &t->ids[i];
    }
    return NULL;
}

static void insert(tdagi_common *t, uint32_t id, uint64_t hash)
{
    uint32_t mask = t->capacity - 1, i = (uint32_t)hash & mask;
    while (t->ids[i] != 0)
        i = (i + 1) & mask;
    t->ids[i] = id;
    t->hashes[i] = hash;
}

static tdag_status grow(tdag_ctx *ctx, tdagi_common *t)
{
    tdagi_common wider = *t;
    void *ids = NULL, *hashes = NULL;
    wider.capacity = t->capacity == 0 ? 64 : 2 * t->capacity;
    TDAGI_TRY(tdagi_array_alloc(ctx, wider.capacity, sizeof(*t->ids), &ids));
    tdag_status st =
        tdagi_array_alloc(ctx, wider.capacity, sizeof(*t->hashes), &hashes);
    if (st != TDAG_OK) {
        tdagi_free(ctx, ids, wider.capacity * sizeof(*t->ids));
        return st;
    }
    wider.ids = ids;
    wider.hashes = hashes;
    for (uint32_t i = 0; i < t->capacity; i++)
        if (t->ids[i] != 0) insert(&wider, t->ids[i], t->hashes[i]);
    t->classes = NULL; /* moved */
    tdagi_common_free(ctx, t);
    *t = wider;
    return TDAG_OK;
}

tdag_status tdagi_common_add(tdag_ctx *ctx, tdagi_common *t, tdag_value v,
                             uint64_t hash)
{
    if (t->capacity <= 2 * t->n) TDAGI_TRY(grow(ctx, t));
    insert(t, v.id, hash);
    t->n++;
    return TDAG_OK;
}

tdag_status tdagi_common_join(tdag_ctx *ctx, tdagi_common *t, tdag_value v,
                              tdag_value like)
{
    if (v.id >= t->n_classes) {
        uint32_t n = v.id + v.id / 2 + 64;
        void *p = t->classes;
        TDAGI_TRY(tdagi_realloc(ctx, &p, t->n_classes * sizeof(*t->classes),
                                n * sizeof(*t->classes)));
        t->classes = p;
        memset(t->classes + t->n_classes, 0, (n - t->n_classes) * sizeof(*t->classes));
        t->n_classes = n;
    }
    t->classes[v.id] = class_of(t, like);
    return TDAG_OK;
}
