/* Where a model is cut best: a walk over the nodes with the set of values that are made
 * and still to be used. Values inside of a composite (the halves of a softmax, the
 * windows of a convolution) are no place to cut: both parts would lose it. */
#include <stdlib.h>
#include <string.h>

#include <tdagger/compose.h>

#include "analysis/price.h"
#include "transform/compose/cut.h"

/* A cut right behind a node. */
typedef struct place {
    int64_t bytes;
    int64_t macs_before;
    uint32_t behind; /* id */
} place;

typedef struct suggesting {
    tdag_ctx *ctx;
    const tdag_graph *g;
    tdagi_arena arena;
    unsigned char *free_of;
    unsigned char *inside; /* by id: only within a composite */
    uint32_t *last;        /* by id: the last node that uses it; n + 1 for outputs */
    int64_t *bytes;        /* by id, at the samples */
    int64_t *macs;         /* by id: of the kernel that makes it */
    place *places;
    uint32_t n;
} suggesting;

static tdag_status note_macs(void *user, const tdagi_unit *unit)
{
    suggesting *s = user;
    s->macs[unit->value.id] = unit->cost.macs;
    return TDAG_OK;
}

/* Multiply-adds by node, as numbers. */
static tdag_status count_macs(suggesting *s)
{
    tdagi_pricer *pricer = NULL;
    TDAGI_TRY(tdagi_pricer_create(s->ctx, s->g, TDAG_LEVEL_KERNEL, &pricer));
    tdag_status st = tdagi_price(pricer, TDAG_LEVEL_KERNEL, note_macs, s);
    if (st == TDAG_OK) st = tdagi_pool_report(s->ctx, pricer->pool);
    for (uint32_t id = 0; id <= s->g->n && st == TDAG_OK; id++) {
        s->macs[id] = tdagi_dim_sample(pricer->pool, s->macs[id]);
        s->inside[id] = id > 0 && pricer->raised->kernel_of[id] == 0;
    }
    tdagi_pricer_free(pricer);
    return st;
}

static tdag_status measure(suggesting *s)
{
    char name[16];
    tdagi_mark_free(s->g, s->free_of);
    for (uint32_t id = 1; id <= s->g->n; id++) {
        const tdagi_node *n = &s->g->nodes[id];
        const tdag_value *in = tdagi_node_inputs(n);
        for (uint32_t i = 0; i < n->n_inputs; i++)
            s->last[in[i].id] = id;
        int64_t size = (int64_t)tdag_dtype_size((tdag_dtype)n->dtype);
        for (uint32_t i = 0; i < n->rank; i++)
            if (__builtin_mul_overflow(size, tdagi_dim_sample(s->g->pool, n->shape[i]),
                                       &size))
                return tdagi_fail(s->ctx, TDAG_E_OVERFLOW,
                                  "the bytes of %s do not fit 64 bits",
                                  tdagi_value_name(s->g, (tdag_value){id}, name));
        s->bytes[id] = size;
    }
    for (uint32_t i = 0; i < s->g->n_outputs; i++)
        s->last[s->g->outputs[i].id] = s->g->n + 1;
    return TDAG_OK;
}

/* Values whose last use is node id, by linked lists: first[id], then next[value]. */
static tdag_status walk(suggesting *s)
{
    void *first_block = NULL, *next_block = NULL;
    uint32_t n = s->g->n;
    TDAGI_TRY(tdagi_scratch(s->ctx, &s->arena, (size_t)n + 1, 4, &first_block));
    TDAGI_TRY(tdagi_scratch(s->ctx, &s->arena, (size_t)n + 1, 4, &next_block));
    uint32_t *first = first_block, *next = next_block;
    for (uint32_t id = 1; id <= n; id++) {
        if (s->free_of[id] || s->last[id] == 0) continue;
        next[id] = first[s->last[id]];
        first[s->last[id]] = id;
    }
    int64_t live = 0, macs = 0, all = 0, inside = 0;
    for (uint32_t i = 0; i < s->g->n_inputs; i++)
        if (s->last[s->g->inputs[i].id] != 0) live += s->bytes[s->g->inputs[i].id];
    for (uint32_t id = 1; id <= n; id++)
        all += s->macs[id];
    for (uint32_t id = 1; id <= n; id++) {
        bool computes = !s->free_of[id] && s->g->nodes[id].op != TDAG_OP_INPUT;
        if (computes && s->last[id] != 0 &&
            __builtin_add_overflow(live, s->bytes[id], &live))
            return tdagi_fail(s->ctx, TDAG_E_OVERFLOW,
                              "the bytes that cross a cut do not fit 64 bits");
        if (computes && s->last[id] != 0) inside += s->inside[id];
        for (uint32_t v = first[id]; v != 0; v = next[v]) {
            live -= s->bytes[v];
            inside -= s->inside[v];
        }
        macs += s->macs[id];
        if (!computes || s->last[id] == 0 || inside > 0) continue;
        const place *before = s->n > 0 ? &s->places[s->n - 1] : NULL;
        if (before != NULL && before->bytes == live && before->macs_before == macs)
            continue;
        s->places[s->n++] = (place){live, macs, id};
    }
    /* Behind the last node nothing is left to do. */
    while (s->n > 0 && (s->places[s->n - 1].behind == n ||
                        (all > 0 && s->places[s->n - 1].macs_before == all)))
        s->n--;
    return TDAG_OK;
}

static int by_bytes(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return x->behind < y->behind ? -1 : 1;
}

static int by_position(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return x->behind < y->behind ? -1 : 1;
}

static tdag_status fill_cut(suggesting *s, const place *p, int64_t all, tdag_cut *out)
{
    uint32_t n = 0, at = p->behind;
    for (uint32_t id = 1; id <= at; id++)
        n += !s->free_of[id] && s->last[id] > at;
    void *values = NULL;
    TDAGI_TRY(tdagi_array_alloc(s->ctx, n, sizeof(tdag_value), &values));
    *out = (tdag_cut){.values = values,
                      .bytes = p->bytes,
                      .macs_before = p->macs_before,
                      .macs_after = all - p->macs_before,
                      .module = ""};
    for (uint32_t id = 1; id <= at; id++)
        if (!s->free_of[id] && s->last[id] > at)
            out->values[out->n_values++] = (tdag_value){id};
    if (n > 0) out->module = tdagi_value_scope(s->g, out->values[n - 1]);
    return TDAG_OK;
}

static tdag_status choose(suggesting *s, uint32_t most, tdag_cuts *out)
{
    int64_t all = 0;
    for (uint32_t id = 1; id <= s->g->n; id++)
        all += s->macs[id];
    if (s->n > 0) qsort(s->places, s->n, sizeof(place), by_bytes);
    uint32_t n = s->n < most ? s->n : most;
    if (n > 0) qsort(s->places, n, sizeof(place), by_position);
    void *cuts = NULL;
    TDAGI_TRY(tdagi_array_alloc(s->ctx, n, sizeof(tdag_cut), &cuts));
    tdag_cuts made = {0, cuts, s->ctx->allocator};
    for (; made.n < n; made.n++) {
        tdag_status st = fill_cut(s, &s->places[made.n], all, &made.cuts[made.n]);
        if (st == TDAG_OK) continue;
        made.cuts = cuts;
        for (uint32_t i = 0; i < made.n; i++)
            tdagi_free(s->ctx, made.cuts[i].values,
                       made.cuts[i].n_values * sizeof(tdag_value));
        tdagi_free(s->ctx, cuts, n * sizeof(tdag_cut));
        return st;
    }
    *out = made;
    return TDAG_OK;
}

static tdag_status suggest(suggesting *s, uint32_t most, tdag_cuts *out)
{
    size_t n = (size_t)s->g->n + 1;
    void *blocks[6] = {0};
    const size_t sizes[6] = {
        1, sizeof(uint32_t), sizeof(int64_t), sizeof(int64_t), sizeof(place), 1};
    for (int i = 0; i < 6; i++)
        TDAGI_TRY(tdagi_scratch(s->ctx, &s->arena, n, sizes[i], &blocks[i]));
    s->free_of = blocks[0];
    s->last = blocks[1];
    s->bytes = blocks[2];
    s->macs = blocks[3];
    s->places = blocks[4];
    s->inside = blocks[5];
    TDAGI_TRY(measure(s));
    TDAGI_TRY(count_macs(s));
    TDAGI_TRY(walk(s));
    return choose(s, most, out);
}

tdag_status tdag_suggest_cuts(tdag_ctx *ctx, const tdag_model *model, uint32_t most,
                              tdag_cuts *out)
{
    TDAGI_TRY(tdagi_need(ctx, model, "model"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    suggesting s = {.ctx = ctx};
    TDAGI_TRY(tdagi_model_straight(ctx, model, &s.g));
    tdagi_arena_init(&s.arena, &ctx->allocator);
    tdag_status st = suggest(&s, most, out);
    tdagi_arena_free(&s.arena);
    return st;
}

void tdag_cuts_free(tdag_cuts *cuts)
{
    if (cuts == NULL || cuts->cuts == NULL) return;
    for (uint32_t i = 0; i < cuts->n; i++)
        tdagi_mem_free(&cuts->allocator, cuts->cuts[i].values,
                       cuts->cuts[i].n_values * sizeof(tdag_value));
    tdagi_mem_free(&cuts->allocator, cuts->cuts, cuts->n * sizeof(tdag_cut));
    memset(cuts, 0, sizeof(*cuts));
}
