/* Pieces of two graphs that lead from what is equal to two values that should be: cut
 * out as graphs, simplified, compared, run.
 *
 * First a piece goes back to the nearest values of b that are values of a, too. If that
 * does not do, since a's piece passes other ones, it goes back to the nearest that a's
 * value comes from, and then both go back to the leaves. */
#include <string.h>

#include <tdagger/file.h>

#include "ir/graft.h"
#include "proof/pieces.h"
#include "transform/simplify/normal.h"

typedef enum begin { AT_NEAREST, AT_SOURCES, AT_LEAVES, N_BEGINS } begin;

typedef struct piece {
    tdagi_classes *c;
    begin from;
    bool at_samples;          /* symbols are their sample values */
    int64_t more;             /* ... or more than them, by that */
    bool has_run;             /* on some inputs */
    unsigned char *is_cut;    /* by class of a: both pieces begin there */
    unsigned char *is_source; /* by class of a: x comes from it; AT_SOURCES only */
    bool is_apart;            /* a's piece has leaves that b's has not */
    unsigned char *live[2];   /* by value id of a and of b: inside */
    uint32_t low[2];          /* the first of these */
    uint32_t n_open;          /* of the side at hand, that were not looked at yet */
    uint32_t x, y;
} piece;

static bool is_cut(const piece *p, uint32_t class)
{
    return class != 0 && class <= p->c->n_known && p->is_cut[class];
}

/* Weights are made-up operands of a piece, small constants are what they are. */
static bool is_operand(const tdagi_node *n)
{
    return n->op == TDAG_OP_INPUT || n->op == TDAG_OP_PARAMETER ||
           n->op == TDAG_OP_BUFFER;
}

static void mark(piece *p, int side, uint32_t id)
{
    p->n_open += !p->live[side][id];
    p->live[side][id] = 1;
}

static void mark_operands(piece *p, int side, const tdagi_node *n)
{
    for (uint32_t i = 0; i < n->n_inputs; i++)
        mark(p, side, tdagi_node_inputs(n)[i].id);
}

/* Where b's piece begins: at the nearest values that a has. */
static void visit_b(piece *p, uint32_t id)
{
    const tdagi_node *n = &p->c->b->nodes[id];
    uint32_t class = p->c->of_b[id];
    bool known = class <= p->c->n_known && n->op != TDAG_OP_CONSTANT;
    bool may_begin = id != p->y && p->from != AT_LEAVES &&
                     (p->from == AT_NEAREST || (known && p->is_source[class]));
    if (known && (is_operand(n) || may_begin))
        p->is_cut[class] = 1;
    else
        mark_operands(p, 1, n);
}

/* A's piece begins where b's does, and at leaves. */
static void visit_a(piece *p, uint32_t id)
{
    const tdagi_node *n = &p->c->a->nodes[id];
    uint32_t class = p->c->of_a[id];
    if (id != p->x && is_cut(p, class)) return;
    if (is_operand(n)) {
        p->is_apart |= !p->is_cut[class];
        p->is_cut[class] = 1;
    }
    mark_operands(p, 0, n);
}

static void mark_side(piece *p, int side, uint32_t root)
{
    mark(p, side, root);
    for (uint32_t id = root; p->n_open > 0; id--) {
        if (!p->live[side][id]) continue;
        p->n_open--;
        p->low[side] = id;
        if (side == 0)
            visit_a(p, id);
        else
            visit_b(p, id);
    }
}

/* ---- as graphs ---- */

/* The symbols of a graph as the piece has them: themselves, or their sample values. */
static tdag_status replacements_of(const piece *p, tdag_builder *b, const tdag_graph *g,
                                   tdag_dim **out)
{
    uint32_t n = tdagi_pool_n_symbols(g->pool);
    *out = tdagi_arena_array(&p->c->arena, n + 1u, sizeof **out);
    if (*out == NULL) return tdagi_nomem(p->c->ctx);
    for (uint32_t i = 0; i < n; i++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(g->pool, i, &sample);
        (*out)[i] = p->at_samples
                        ? sample + p->more
                        : tdagi_dim_symbol(tdagi_builder_pool(b), name, sample);
    }
    return TDAG_OK;
}

/* One input per class where the pieces begin, in the order of classes, typed as a's
 * value; values of the graph that are of that class are mapped to it. */
static tdag_status add_operands(const piece *p, tdag_builder *b, tdagi_graft *t,
                                const tdag_dim *replacements, int side, uint32_t root)
{
    const uint32_t *classes = side == 0 ? p->c->of_a : p->c->of_b;
    void *inputs = NULL;
    TDAGI_TRY(
        tdagi_array_alloc(p->c->ctx, p->c->n_known + 1u, sizeof(tdag_value), &inputs));
    tdag_value *of = inputs;
    for (uint32_t known = 1; known <= p->c->n_known; known++) {
        if (!p->is_cut[known]) continue;
        const tdagi_node *n = &p->c->a->nodes[p->c->value_of[known]];
        tdag_dim shape[TDAG_MAX_RANK];
        for (uint32_t i = 0; i < n->rank; i++)
            shape[i] = tdagi_dim_substitute(tdagi_builder_pool(b), p->c->a->pool,
                                            n->shape[i], replacements);
        of[known] = tdag_add_input(b, NULL, (tdag_dtype)n->dtype, n->rank, shape);
    }
    for (uint32_t id = p->low[side]; id <= root; id++)
        if (is_cut(p, classes[id]) && (id < root || is_operand(&t->g->nodes[id])))
            t->new_of[id] = of[classes[id]];
    tdagi_free(p->c->ctx, inputs, (p->c->n_known + 1u) * sizeof(tdag_value));
    return TDAG_OK;
}

static tdag_status fill(const piece *p, tdag_builder *b, int side, uint32_t root)
{
    const tdag_graph *g = side == 0 ? p->c->a : p->c->b;
    tdag_dim *of_a = NULL, *of_g = NULL;
    tdagi_graft t;
    TDAGI_TRY(replacements_of(p, b, p->c->a, &of_a));
    TDAGI_TRY(replacements_of(p, b, g, &of_g));
    TDAGI_TRY(tdagi_graft_init(&t, b, g, of_g));
    tdag_status st = add_operands(p, b, &t, of_a, side, root);
    for (uint32_t id = p->low[side]; st == TDAG_OK && id <= root && tdagi_builder_ok(b);
         id++)
        if (p->live[side][id] && t.new_of[id].id == 0) tdagi_graft_node(&t, id);
    if (st == TDAG_OK && tdagi_builder_ok(b))
        tdag_builder_add_output(b, t.new_of[root]);
    tdagi_graft_free(&t);
    return st;
}

static tdag_status cut_out(const piece *p, int side, uint32_t root, tdag_graph **out)
{
    tdag_builder *b = NULL;
    TDAGI_TRY(tdag_builder_create(p->c->ctx, &b));
    tdag_status st = fill(p, b, side, root);
    if (st == TDAG_OK) st = tdag_builder_finish(b, out);
    tdag_builder_free(b);
    return st;
}

/* ---- compared ---- */

static tdag_status same_structure(tdag_ctx *ctx, tdag_graph *const g[2], bool *out)
{
    char hash[2][TDAG_HASH_SIZE];
    tdag_graph *simple[2] = {NULL, NULL};
    tdag_status st = TDAG_OK;
    for (int i = 0; i < 2 && st == TDAG_OK; i++) {
        st = tdagi_normal_form(ctx, g[i], &simple[i]);
        if (st == TDAG_OK)
            st = tdag_graph_get_hash(ctx, simple[i], TDAG_HASH_CONTENT, hash[i]);
    }
    if (st == TDAG_OK) *out = strcmp(hash[0], hash[1]) == 0;
    tdag_graph_free(simple[0]);
    tdag_graph_free(simple[1]);
    return st;
}

/* Pieces of which one has operands that the other has not are not compared: there are
 * better ones. */
static tdag_status compare(piece *p, bool *equal_out)
{
    tdag_graph *g[2] = {NULL, NULL};
    if (p->from != AT_LEAVES && p->is_apart) return TDAG_OK;
    tdag_status st = cut_out(p, 0, p->x, &g[0]);
    if (st == TDAG_OK) st = cut_out(p, 1, p->y, &g[1]);
    if (st == TDAG_OK) st = same_structure(p->c->ctx, g, equal_out);
    if (st == TDAG_OK && !*equal_out)
        st = tdagi_trial(p->c->ctx, g[0], g[1], &p->has_run, equal_out);
    tdag_graph_free(g[0]);
    tdag_graph_free(g[1]);
    return st;
}

/* The classes of what x is made of. */
static void mark_sources(piece *p)
{
    mark(p, 0, p->x);
    for (uint32_t id = p->x; p->n_open > 0; id--) {
        if (!p->live[0][id]) continue;
        p->n_open--;
        p->is_source[p->c->of_a[id]] = id != p->x;
        mark_operands(p, 0, &p->c->a->nodes[id]);
    }
    memset(p->live[0], 0, p->x + 1u);
}

static tdag_status compare_from(piece *p, bool *equal_out)
{
    const size_t n = p->c->n_known + 1u, n_a = p->c->a->n + 1u, n_b = p->c->b->n + 1u;
    void *marks = NULL;
    TDAGI_TRY(tdagi_alloc(p->c->ctx, 2 * n + n_a + n_b, &marks));
    p->is_cut = marks;
    p->is_source = p->is_cut + n;
    p->live[0] = p->is_source + n;
    p->live[1] = p->live[0] + n_a;
    p->is_apart = false;
    if (p->from == AT_SOURCES) mark_sources(p);
    mark_side(p, 1, p->y);
    mark_side(p, 0, p->x);
    tdag_status st = compare(p, equal_out);
    tdagi_free(p->c->ctx, marks, 2 * n + n_a + n_b);
    return st;
}

/* Pieces with symbols whose sizes are not seen to be the same are compared at numbers:
 * two that do not fit each other say so. */
static tdag_status compare_pieces(piece *p, bool *equal_out)
{
    p->at_samples = false;
    tdag_status st = compare_from(p, equal_out);
    if (tdagi_is_final(st) || (st == TDAG_OK && *equal_out)) return st;
    p->at_samples = true;
    p->more = 0;
    if (st != TDAG_OK) st = compare_from(p, equal_out);
    if (tdagi_is_final(st)) return st;
    p->more = 2; /* what picks rows may find none at the samples */
    if (!*equal_out && !p->has_run) st = compare_from(p, equal_out);
    if (tdagi_is_final(st)) return st;
    if (st != TDAG_OK) *equal_out = false;
    return TDAG_OK;
}

tdag_status tdagi_piece_compare(tdagi_classes *c, uint32_t x, uint32_t y,
                                bool *equal_out)
{
    piece p = {.c = c, .x = x, .y = y};
    const tdagi_node *n = &c->a->nodes[x], *m = &c->b->nodes[y];
    *equal_out = false;
    if (n->dtype != m->dtype || n->rank != m->rank) return TDAG_OK;
    for (int i = 0; i < N_BEGINS && !*equal_out; i++) {
        p.from = (begin)i;
        TDAGI_TRY(compare_pieces(&p, equal_out));
    }
    return TDAG_OK;
}
