/* What identifies a graph or a module of it: the SHA-256 of a canonical form.
 *
 * From the outputs the nodes are visited in depth-first order, operands first to last;
 * each is written when its operands are, with the number it thus gets. So the form does
 * not depend on the order in which independent nodes stand, nor on what no output
 * needs. A module is the same with its own nodes: values from outside are inputs. */
#include "ir/hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

#define SMALL_CONSTANT 16 /* elements; larger constants count as weights do */

typedef struct frame {
    uint32_t id;
    uint32_t next; /* operand */
} frame;

/* A value that a node of another scope uses, or that is an output of the graph. */
#define OUTPUT UINT32_MAX
typedef struct crossing {
    uint32_t id;
    uint32_t scope; /* of the user; OUTPUT */
} crossing;

struct tdagi_hasher {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdag_hash_kind kind;
    tdagi_arena arena;
    uint64_t *number;    /* by id: the canonical number; of this round if above base */
    uint64_t base;       /* numbers up to here are of earlier rounds */
    uint64_t last;       /* the last number given */
    frame *stack;        /* [n]: operands come before, so no path is longer */
    uint32_t *position;  /* by id: of an input among the inputs, from 1 */
    crossing *crossings; /* ascending by id; NULL until a module is asked for */
    size_t n_crossings;
    unsigned char *is_inside; /* by scope, of the module asked for */
    bool whole;               /* the graph is asked for: everything is inside */
    tdagi_sha256 sha;
};

/* ---- writing ---- */

/* Seven bits a byte, the last one below 128: most numbers are small. */
static void add_number(tdagi_hasher *h, uint64_t x)
{
    unsigned char bytes[10];
    size_t n = 0;
    for (; x >= 128; x >>= 7)
        bytes[n++] = (unsigned char)(x | 128);
    bytes[n++] = (unsigned char)x;
    tdagi_sha256_add(&h->sha, bytes, n);
}

/* Small ones of either sign stay small. */
static void add_signed(tdagi_hasher *h, int64_t x)
{
    uint64_t u = (uint64_t)x << 1;
    add_number(h, x < 0 ? ~u : u);
}

static void add_bytes(tdagi_hasher *h, const void *bytes, size_t n)
{
    add_number(h, n);
    if (n > 0) tdagi_sha256_add(&h->sha, bytes, n);
}

static void add_text(tdagi_hasher *h, const char *text)
{
    add_bytes(h, text, strlen(text));
}

/* An integer twice, or the text of an expression, whose symbols count by their names,
 * after its length twice plus one. */
static tdag_status add_dim(tdagi_hasher *h, tdag_dim d)
{
    char buf[256], *text = buf;
    void *block = NULL;
    if (d >= 0 && d < INT64_MAX / 2) {
        add_number(h, 2 * (uint64_t)d);
        return TDAG_OK;
    }
    size_t n = tdagi_dim_text(h->g->pool, d, buf, sizeof buf);
    if (n >= sizeof buf) {
        TDAGI_TRY(tdagi_alloc(h->ctx, n + 1, &block));
        text = block;
        tdagi_dim_text(h->g->pool, d, text, n + 1);
    }
    add_number(h, 2 * (uint64_t)n + 1);
    tdagi_sha256_add(&h->sha, text, n);
    if (block != NULL) tdagi_free(h->ctx, block, n + 1);
    return TDAG_OK;
}

static tdag_status add_dims(tdagi_hasher *h, uint32_t n, const tdag_dim *v)
{
    add_number(h, n);
    for (uint32_t i = 0; i < n; i++)
        TDAGI_TRY(add_dim(h, v[i]));
    return TDAG_OK;
}

static tdag_status hash_integer(void *user, const tdagi_field *f, int64_t *value)
{
    (void)f;
    add_signed(user, *value);
    return TDAG_OK;
}

static tdag_status hash_dim(void *user, const tdagi_field *f, tdag_dim *value)
{
    (void)f;
    return add_dim(user, *value);
}

static tdag_status hash_real(void *user, const tdagi_field *f, double *value)
{
    uint64_t bits;
    (void)f;
    memcpy(&bits, value, sizeof bits);
    add_number(user, bits);
    return TDAG_OK;
}

static tdag_status hash_integers(void *user, const tdagi_field *f, tdag_list *value)
{
    (void)f;
    add_number(user, value->n);
    for (uint32_t i = 0; i < value->n; i++)
        add_signed(user, value->v[i]);
    return TDAG_OK;
}

static tdag_status hash_dims(void *user, const tdagi_field *f, tdag_list *value)
{
    (void)f;
    return add_dims(user, value->n, value->v);
}

static tdag_status hash_string(void *user, const tdagi_field *f, const char **value)
{
    (void)f;
    add_text(user, *value);
    return TDAG_OK;
}

static const tdagi_field_visitor hashing = {
    hash_integer, hash_integer,  hash_integer, hash_integer, hash_dim,
    hash_real,    hash_integers, hash_dims,    hash_string,
};

/* Whether the node counts as part of the module; leaves belong to who uses them. */
static inline bool is_inside(const tdagi_hasher *h, const tdagi_node *n)
{
    if (h->whole || n->op == TDAG_OP_INPUT) return h->whole;
    return h->is_inside[n->scope] || tdagi_op_is_leaf(n->op);
}

static void add_leaf(tdagi_hasher *h, uint32_t id)
{
    const tdagi_node *n = &h->g->nodes[id];
    const tdag_tensor *t = n->u.tensor;
    if (n->op == TDAG_OP_INPUT)
        add_number(h, h->position[id]);
    else if (h->kind == TDAG_HASH_CONTENT ||
             (n->op == TDAG_OP_CONSTANT && t->count <= SMALL_CONSTANT))
        add_bytes(h, t->data, t->size);
}

static tdag_status add_spec(tdagi_hasher *h, const tdagi_node *n)
{
    const tdagi_field *f = tdagi_node_def(n)->fields;
    for (; f != NULL && f->kind != TDAGI_FIELD_END; f++)
        TDAGI_TRY(tdagi_field_show(&hashing, h, f, n->u.spec));
    return TDAG_OK;
}

static tdag_status add_node(tdagi_hasher *h, uint32_t id)
{
    const tdagi_node *n = &h->g->nodes[id];
    bool inside = is_inside(h, n);
    h->number[id] = ++h->last;
    add_number(h, inside ? n->op : TDAG_OP_NONE); /* codes never change their meaning */
    add_number(h, n->dtype);
    TDAGI_TRY(add_dims(h, n->rank, n->shape));
    if (!inside) return TDAG_OK;
    if (n->op == TDAG_OP_INPUT || tdagi_op_holds_tensor(n->op)) {
        add_leaf(h, id);
        return TDAG_OK;
    }
    add_number(h, n->n_inputs);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        add_number(h, h->number[tdagi_node_inputs(n)[i].id] - h->base);
    return add_spec(h, n);
}

/* ---- visiting ---- */

static tdag_status visit(tdagi_hasher *h, uint32_t output)
{
    uint32_t depth = 0;
    if (h->number[output] <= h->base) h->stack[depth++] = (frame){output, 0};
    while (depth > 0) {
        frame *top = &h->stack[depth - 1];
        const tdagi_node *n = &h->g->nodes[top->id];
        uint32_t n_inputs = is_inside(h, n) ? n->n_inputs : 0;
        if (top->next == n_inputs) {
            depth--;
            if (h->number[top->id] <= h->base) TDAGI_TRY(add_node(h, top->id));
            continue;
        }
        uint32_t operand = tdagi_node_inputs(n)[top->next++].id;
        if (h->number[operand] <= h->base) h->stack[depth++] = (frame){operand, 0};
    }
    add_number(h, TDAGI_OP_CODES); /* no op's: an output */
    add_number(h, h->number[output] - h->base);
    return TDAG_OK;
}

static void begin(tdagi_hasher *h, const char *what)
{
    h->base = h->last;
    tdagi_sha256_init(&h->sha);
    add_text(h, what);
    add_number(h, h->kind);
}

tdag_status tdagi_hasher_graph(tdagi_hasher *h, char out[TDAG_HASH_SIZE])
{
    h->whole = true;
    begin(h, "tdag graph 1");
    add_number(h, h->g->n_inputs);
    for (uint32_t i = 0; i < h->g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(h->g, h->g->inputs[i]);
        add_number(h, n->dtype);
        TDAGI_TRY(add_dims(h, n->rank, n->shape));
    }
    for (uint32_t i = 0; i < h->g->n_outputs; i++)
        TDAGI_TRY(visit(h, h->g->outputs[i].id));
    tdagi_sha256_finish(&h->sha, out);
    return TDAG_OK;
}

/* ---- modules ---- */

static int by_id(const void *a, const void *b)
{
    const crossing *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->scope > y->scope) - (x->scope < y->scope);
}

/* Appends where the list has room, and counts. */
static void cross(tdagi_hasher *h, uint32_t id, uint32_t scope)
{
    const tdagi_node *n = &h->g->nodes[id];
    if (n->scope == scope || tdagi_op_is_leaf(n->op)) return;
    if (h->crossings != NULL) h->crossings[h->n_crossings] = (crossing){id, scope};
    h->n_crossings++;
}

static void cross_all(tdagi_hasher *h)
{
    const tdag_graph *g = h->g;
    h->n_crossings = 0;
    for (uint32_t id = 1; id <= g->n; id++)
        for (uint32_t i = 0; i < g->nodes[id].n_inputs; i++)
            cross(h, tdagi_node_inputs(&g->nodes[id])[i].id, g->nodes[id].scope);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        cross(h, g->outputs[i].id, OUTPUT);
}

static tdag_status find_crossings(tdagi_hasher *h)
{
    if (h->crossings != NULL) return TDAG_OK;
    cross_all(h);
    h->is_inside = tdagi_arena_alloc(&h->arena, h->g->n_scopes);
    crossing *all = tdagi_arena_array(&h->arena, h->n_crossings, sizeof *all);
    if (h->is_inside == NULL || all == NULL) return tdagi_nomem(h->ctx);
    h->crossings = all;
    cross_all(h);
    if (h->n_crossings > 0) qsort(all, h->n_crossings, sizeof *all, by_id);
    return TDAG_OK;
}

/* Marks the scopes at and below a path; false if there are none. */
static bool mark_inside(tdagi_hasher *h, const char *path)
{
    bool any = false;
    size_t n = strlen(path);
    for (uint32_t i = 0; i < h->g->n_scopes; i++) {
        const char *scope = h->g->scopes[i];
        h->is_inside[i] = n == 0 || (strncmp(scope, path, n) == 0 &&
                                     (scope[n] == '\0' || scope[n] == '.'));
        any = any || h->is_inside[i];
    }
    return any;
}

tdag_status tdagi_hasher_module(tdagi_hasher *h, const char *scope,
                                char out[TDAG_HASH_SIZE])
{
    TDAGI_TRY(find_crossings(h));
    out[0] = '\0';
    if (!mark_inside(h, scope)) return TDAG_OK;
    h->whole = false;
    begin(h, "tdag module 1");
    uint32_t done = 0;
    for (size_t i = 0; i < h->n_crossings; i++) {
        const crossing *c = &h->crossings[i];
        bool leaves = c->scope == OUTPUT || !h->is_inside[c->scope];
        if (!leaves || c->id == done || !h->is_inside[h->g->nodes[c->id].scope])
            continue;
        done = c->id;
        TDAGI_TRY(visit(h, c->id));
    }
    tdagi_sha256_finish(&h->sha, out);
    return TDAG_OK;
}

/* ---- values one by one ---- */

/* What has been written so far, of which more can be written. */
static void read_digest(const tdagi_hasher *h, uint64_t out[2])
{
    tdagi_sha256 sha = h->sha;
    char text[TDAG_HASH_SIZE];
    tdagi_sha256_finish(&sha, text);
    memcpy(out, sha.state, 2 * sizeof *out);
}

static tdag_status hash_own(tdagi_hasher *h, const tdagi_node *n, tdagi_node_hash *out)
{
    uint64_t shape[2], spec[2];
    tdagi_sha256_init(&h->sha);
    TDAGI_TRY(add_dims(h, n->rank, n->shape));
    read_digest(h, shape);
    tdagi_sha256_init(&h->sha);
    if (n->op != TDAG_OP_INPUT && !tdagi_op_holds_tensor(n->op))
        TDAGI_TRY(add_spec(h, n));
    read_digest(h, spec);
    tdagi_sha256_init(&h->sha);
    add_number(h, n->op);
    add_number(h, n->dtype);
    add_number(h, n->n_inputs);
    add_bytes(h, shape, sizeof shape);
    add_bytes(h, spec, sizeof spec);
    read_digest(h, out->own);
    out->shape = shape[0];
    out->spec = spec[0];
    return TDAG_OK;
}

static tdag_status hash_node(tdagi_hasher *h, uint32_t id, tdagi_node_hash *hashes)
{
    const tdagi_node *n = &h->g->nodes[id];
    TDAGI_TRY(hash_own(h, n, &hashes[id]));
    tdagi_sha256 own = h->sha;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const tdagi_node_hash *operand = &hashes[tdagi_node_inputs(n)[i].id];
        add_bytes(h, operand->form, sizeof operand->form);
    }
    if (n->op == TDAG_OP_INPUT) add_leaf(h, id);
    read_digest(h, hashes[id].form);
    h->sha = own;
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        const tdagi_node_hash *operand = &hashes[tdagi_node_inputs(n)[i].id];
        add_bytes(h, operand->whole, sizeof operand->whole);
    }
    if (n->op == TDAG_OP_INPUT || tdagi_op_holds_tensor(n->op)) add_leaf(h, id);
    read_digest(h, hashes[id].whole);
    return TDAG_OK;
}

tdag_status tdagi_hasher_nodes(tdagi_hasher *h, tdagi_node_hash *out)
{
    for (uint32_t id = 1; id <= h->g->n; id++)
        TDAGI_TRY(hash_node(h, id, out));
    return TDAG_OK;
}

/* ---- hashers ---- */

static tdag_status prepare(tdagi_hasher *h)
{
    size_t n = (size_t)h->g->n + 1;
    h->number = tdagi_arena_array(&h->arena, n, sizeof *h->number);
    h->stack = tdagi_arena_array(&h->arena, n, sizeof *h->stack);
    h->position = tdagi_arena_array(&h->arena, n, sizeof *h->position);
    if (h->number == NULL || h->stack == NULL || h->position == NULL)
        return tdagi_nomem(h->ctx);
    memset(h->number, 0, n * sizeof *h->number);
    memset(h->position, 0, n * sizeof *h->position);
    for (uint32_t i = 0; i < h->g->n_inputs; i++)
        h->position[h->g->inputs[i].id] = i + 1;
    return TDAG_OK;
}

tdag_status tdagi_hasher_create(tdag_ctx *ctx, const tdag_graph *g, tdag_hash_kind kind,
                                tdagi_hasher **out)
{
    void *p = NULL;
    if (kind != TDAG_HASH_STRUCTURE && kind != TDAG_HASH_CONTENT)
        return tdagi_fail(ctx, TDAG_E_ARG, "there is no hash number %d", (int)kind);
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdagi_hasher), &p));
    tdagi_hasher *h = p;
    h->ctx = ctx;
    h->g = g;
    h->kind = kind;
    tdagi_arena_init(&h->arena, &ctx->allocator);
    tdag_status st = prepare(h);
    if (st == TDAG_OK)
        *out = h;
    else
        tdagi_hasher_free(h);
    return st;
}

void tdagi_hasher_free(tdagi_hasher *h)
{
    if (h == NULL) return;
    tdagi_arena_free(&h->arena);
    tdagi_free(h->ctx, h, sizeof *h);
}

/* ---- the public calls ---- */

static tdag_status hash(tdag_ctx *ctx, const tdag_graph *graph, const char *scope,
                        tdag_hash_kind kind, char out[TDAG_HASH_SIZE])
{
    tdagi_hasher *h = NULL;
    char found[TDAG_HASH_SIZE];
    TDAGI_TRY(tdagi_hasher_create(ctx, graph, kind, &h));
    tdag_status st = scope == NULL ? tdagi_hasher_graph(h, found)
                                   : tdagi_hasher_module(h, scope, found);
    tdagi_hasher_free(h);
    if (st == TDAG_OK && found[0] == '\0')
        st = tdagi_fail(ctx, TDAG_E_ARG, "the graph has no module '%s'", scope);
    if (st == TDAG_OK) memcpy(out, found, sizeof found);
    return st;
}

tdag_status tdag_graph_get_hash(tdag_ctx *ctx, const tdag_graph *graph,
                                tdag_hash_kind kind, char out[TDAG_HASH_SIZE])
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    return hash(ctx, graph, NULL, kind, out);
}

tdag_status tdag_graph_get_module_hash(tdag_ctx *ctx, const tdag_graph *graph,
                                       const char *scope, tdag_hash_kind kind,
                                       char out[TDAG_HASH_SIZE])
{
    TDAGI_TRY(tdagi_need(ctx, graph, "graph"));
    TDAGI_TRY(tdagi_need(ctx, scope, "scope"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    return hash(ctx, graph, scope, kind, out);
}
